//! What the name and the place of a file say. Names of extensions are compared without case (V67).

use crate::{classify::system, kind::Kind, raw::RawPath};

/// What a name says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameHint {
    /// An artifact of this kind, unless the content says otherwise.
    Kind(Kind),
    /// An artifact only when the content agrees: the extension is common.
    IfContent(Kind),
    /// A known name with something behind it (`db.vmdk.iFire`, `a.vmx~`).
    Renamed(Kind),
    /// Deleted on an NFS share while it was open (V80): what it was, only the content tells.
    OpenDeleted,
    /// A file of the datastore or the host.
    System,
    /// The name says nothing.
    Unknown,
}

/// Kinds whose name survives something behind it: a renamed disk or configuration still counts.
const RENAMEABLE: [Kind; 23] = [
    Kind::Vmx,
    Kind::Vmtx,
    Kind::Vmsd,
    Kind::VmdkDescriptor,
    Kind::VmdkFlat,
    Kind::VmdkSparse,
    Kind::VmdkDelta,
    Kind::VmdkSeSparse,
    Kind::VmdkRdm,
    Kind::VmdkCtk,
    Kind::VmdkDigest,
    Kind::Nvram,
    Kind::Vswp,
    Kind::Vmsn,
    Kind::Vmss,
    Kind::Vmem,
    Kind::Vmcx,
    Kind::Vmrs,
    Kind::Vmgs,
    Kind::Vhd,
    Kind::Vhdx,
    Kind::Avhd,
    Kind::Avhdx,
];

/// Folders in which Hyper-V keeps configurations and state.
const HYPERV_FOLDERS: [&str; 6] = [
    "virtual machines",
    "snapshots",
    "planned virtual machines",
    "virtual machines cache",
    "snapshots cache",
    "planned virtual machines cache",
];

/// What the name of a file says, and the folder that it lies in, relative to its root.
pub fn by_name(folder: &RawPath, name: &[u8]) -> NameHint {
    Surroundings::of(folder).hint(name)
}

/// What the place of a folder says of the files in it: found once for all of them, for there may be a hundred thousand.
#[derive(Debug)]
pub struct Surroundings {
    locks: LockFolder,
    of_hyperv: bool,
    system: system::Place,
    /// The name in lower case, kept from one file to the next for its memory.
    lower: Vec<u8>,
}

/// Whether a folder is one that a hosted product locks a file by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LockFolder {
    /// `a.vmx.lck`: all in it is part of the lock.
    OfVmFile,
    /// `a.lck`: its members are.
    OfOther,
    /// No.
    None,
}

impl Surroundings {
    /// Those of a folder, relative to its root.
    pub fn of(folder: &RawPath) -> Self {
        let is_of_hyperv = |part: &[u8]| {
            HYPERV_FOLDERS
                .iter()
                .any(|name| part.eq_ignore_ascii_case(name.as_bytes()))
        };
        Self {
            locks: lock_folder(folder),
            of_hyperv: folder.parts().any(is_of_hyperv),
            system: system::Place::of(folder),
            lower: Vec::new(),
        }
    }

    /// What the name of a file in the folder says.
    pub fn hint(&mut self, name: &[u8]) -> NameHint {
        let mut lower = std::mem::take(&mut self.lower);
        lower.clear();
        lower.extend(name.iter().map(u8::to_ascii_lowercase));
        let hint = self.hint_lower(&String::from_utf8_lossy(&lower));
        self.lower = lower;
        hint
    }

    fn hint_lower(&self, name: &str) -> NameHint {
        let hint = special(name, self.locks).unwrap_or_else(|| by_extension(name, self.of_hyperv));
        if !keeps_its_kind(hint) && self.system.holds(name) {
            return NameHint::System;
        }
        hint
    }
}

/// A disk, configuration or lock is never hidden in a system folder (V77).
fn keeps_its_kind(hint: NameHint) -> bool {
    match hint {
        NameHint::Kind(kind) => !matches!(kind, Kind::VmLog | Kind::Iso | Kind::Floppy | Kind::Ovf | Kind::Bin),
        _ => false,
    }
}

/// Names that are not told by their extension.
fn special(name: &str, locks: LockFolder) -> Option<NameHint> {
    if is_lock(name, locks) {
        return Some(NameHint::Kind(Kind::VmLock));
    }
    if is_log(name) {
        return Some(NameHint::Kind(Kind::VmLog));
    }
    // The name is in lower case already.
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if extension == "redo" || (name.contains('_') && name.contains(".redo_")) {
        return Some(NameHint::Kind(Kind::VmdkDelta));
    }
    if is_open_deleted(name) {
        return Some(NameHint::OpenDeleted);
    }
    if name == "nvram" {
        return Some(NameHint::IfContent(Kind::Nvram));
    }
    if (name.starts_with("hbr-persistent-state-") && extension == "psf") || is_lower_replication_group(name.as_bytes())
    {
        return Some(NameHint::Kind(Kind::Psf));
    }
    // Snapshot manifest of vSphere 4.1 and later.
    name.ends_with("-aux.xml").then_some(NameHint::Kind(Kind::Vmxf))
}

fn by_extension(name: &str, of_hyperv: bool) -> NameHint {
    if let Some(stem) = name.strip_suffix('~') {
        return renamed(stem);
    }
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return NameHint::Unknown;
    };
    if let Some(hint) = known(stem, extension) {
        return hint;
    }
    match extension {
        // `.bin`, `.vsv` and `.xml` are common; Hyper-V's are named by a GUID or lie in its folders (H-E8).
        "bin" if of_hyperv || is_guid(stem.as_bytes()) => NameHint::Kind(Kind::Bin),
        "vsv" if of_hyperv || is_guid(stem.as_bytes()) => NameHint::Kind(Kind::Vsv),
        "xml" if of_hyperv || is_guid(stem.as_bytes()) => NameHint::IfContent(Kind::HypervXml),
        "rct" if is_disk_name(stem) => NameHint::Kind(Kind::Rct),
        "mrt" if is_disk_name(stem) => NameHint::Kind(Kind::Mrt),
        "mf" => NameHint::IfContent(Kind::Ovf),
        "qcow2" | "qcow" | "vdi" => NameHint::IfContent(Kind::ForeignDisk),
        extension if is_about(extension) => NameHint::Unknown,
        _ => renamed(stem),
    }
}

/// Extensions that stand for themselves.
fn known(stem: &str, extension: &str) -> Option<NameHint> {
    if extension == "vmdk" {
        return Some(NameHint::Kind(vmdk(stem)));
    }
    by_known_extension(extension).map(NameHint::Kind)
}

/// Extensions of which every file is an artifact. A `match` compares each in place, where a table would cost a call for each.
fn by_known_extension(extension: &str) -> Option<Kind> {
    Some(match extension {
        "vmx" => Kind::Vmx,
        "vmtx" => Kind::Vmtx,
        "vmxf" => Kind::Vmxf,
        "vmsd" => Kind::Vmsd,
        // Data set stores (dsd, dsv): small state that goes with the VM like its NVRAM.
        "nvram" | "dsd" | "dsv" => Kind::Nvram,
        "vswp" => Kind::Vswp,
        "vmsn" => Kind::Vmsn,
        "vmss" => Kind::Vmss,
        "vmem" => Kind::Vmem,
        "scoreboard" | "hlog" => Kind::VmLog,
        // Sidecars of I/O filters go with their disk like the state of the replication filter.
        "vmfd" => Kind::Psf,
        "vmcx" => Kind::Vmcx,
        "vmrs" => Kind::Vmrs,
        "vmgs" => Kind::Vmgs,
        "vhd" | "vhdpmem" => Kind::Vhd,
        "vhdx" => Kind::Vhdx,
        "avhd" => Kind::Avhd,
        "avhdx" => Kind::Avhdx,
        "vhds" => Kind::Vhds,
        "hru" => Kind::Hru,
        "hrl" => Kind::Hrl,
        "slp" => Kind::Slp,
        "iso" => Kind::Iso,
        "flp" | "vfd" => Kind::Floppy,
        "ovf" => Kind::Ovf,
        "ova" => Kind::Ova,
        _ => return None,
    })
}

/// What a file is of which the kind has the name of another, which it goes with.
pub fn detail(kind: Kind, name: &[u8]) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let ends = |extension: &[u8]| lower.ends_with(extension);
    match kind {
        Kind::Psf if ends(b".vmfd") => Some("sidecar of an I/O filter"),
        Kind::Psf if is_lower_replication_group(&lower) => Some("group of vSphere Replication"),
        Kind::Psf => Some("state of a replication filter"),
        Kind::Nvram if ends(b".dsd") || ends(b".dsv") => Some("data set store"),
        Kind::VmLog if ends(b".scoreboard") => Some("statistics of the VM process"),
        Kind::VmLog if ends(b".hlog") => Some("marker of a migration"),
        Kind::VmLog if !ends(b".log") => Some("core dump"),
        Kind::Vmxf if ends(b"-aux.xml") => Some("manifest of snapshots"),
        _ => None,
    }
}

/// Extensions of files *about* a disk, not of a renamed one: sums, notes, archives, editor copies.
fn is_about(extension: &str) -> bool {
    matches!(
        extension,
        "md5"
            | "sha1"
            | "sha256"
            | "sha512"
            | "asc"
            | "sig"
            | "txt"
            | "log"
            | "json"
            | "xml"
            | "html"
            | "htm"
            | "csv"
            | "pdf"
            | "doc"
            | "docx"
            | "rtf"
            | "ini"
            | "yml"
            | "yaml"
            | "png"
            | "jpg"
            | "swp"
            | "swo"
            | "lock"
            | "meta"
            | "metadata"
            | "gz"
            | "bz2"
            | "xz"
            | "zip"
            | "7z"
            | "zst"
            | "lz4"
            | "rar"
    )
}

/// What the end of the stem of a `.vmdk` says; extents and sidecars share the extension.
fn vmdk(stem: &str) -> Kind {
    if stem.ends_with("-digest") || stem.ends_with("-digest-flat") || stem.ends_with("-digest-delta") {
        return Kind::VmdkDigest;
    }
    let Some((_, suffix)) = stem.rsplit_once('-') else {
        return Kind::VmdkDescriptor;
    };
    match suffix {
        "flat" | "pt" => Kind::VmdkFlat,
        "delta" => Kind::VmdkDelta,
        "sesparse" => Kind::VmdkSeSparse,
        "ctk" => Kind::VmdkCtk,
        "rdm" | "rdmp" => Kind::VmdkRdm,
        _ if is_numbered(suffix, 's') => Kind::VmdkSparse,
        _ if is_numbered(suffix, 'f') => Kind::VmdkFlat,
        _ => Kind::VmdkDescriptor,
    }
}

/// `s001`, `f012`.
fn is_numbered(suffix: &str, letter: char) -> bool {
    suffix
        .strip_prefix(letter)
        .is_some_and(|digits| digits.len() >= 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The name of the descriptor that the name of a flat extent implies: `a.vmdk` for `a-flat.vmdk` and `a-f001.vmdk`.
pub fn implied_descriptor(name: &[u8]) -> Option<Vec<u8>> {
    let extension_start = name.iter().rposition(|&byte| byte == b'.')?;
    let (stem, extension) = name.split_at_checked(extension_start)?;
    let base_end = stem.iter().rposition(|&byte| byte == b'-')?;
    let base = stem.get(..base_end)?;
    Some([base, extension].concat())
}

/// A known name with something behind it.
fn renamed(stem: &str) -> NameHint {
    match stem
        .rsplit_once('.')
        .and_then(|(inner, extension)| known(inner, extension))
    {
        Some(NameHint::Kind(kind)) if RENAMEABLE.contains(&kind) => NameHint::Renamed(kind),
        _ => NameHint::Unknown,
    }
}

/// Lock files of every product: NFS 3 (`.lck-<file id>`), hosted lock folders and their members, `X.vmx.lck` of ESXi,
/// `.WRITELOCK` and `.READLOCK` of GSX.
fn is_lock(name: &str, folder: LockFolder) -> bool {
    if let Some(id) = name.strip_prefix(".lck-") {
        return id.len() >= 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let locks = [".lck", ".writelock", ".readlock"];
    let target = locks.iter().find_map(|ending| name.strip_suffix(ending));
    target.is_some_and(is_vm_file)
        || match folder {
            LockFolder::OfVmFile => true,
            LockFolder::OfOther => is_lock_member(name),
            LockFolder::None => false,
        }
}

fn lock_folder(folder: &RawPath) -> LockFolder {
    let name = String::from_utf8_lossy(folder.name()).to_ascii_lowercase();
    match name.strip_suffix(".lck") {
        Some(target) if is_vm_file(target) => LockFolder::OfVmFile,
        Some(_) => LockFolder::OfOther,
        None => LockFolder::None,
    }
}

/// `M12345.lck`, `D…`, `E…`: members of a lock folder (open-vm-tools).
fn is_lock_member(name: &str) -> bool {
    name.strip_suffix(".lck")
        .and_then(|stem| stem.strip_prefix(['m', 'd', 'e']))
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_vm_file(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(stem, extension)| known(stem, extension).is_some())
}

/// `hbrgrp.GID-….txt`: a group of vSphere Replication at its target.
pub(super) fn is_replication_group(name: &[u8]) -> bool {
    is_lower_replication_group(&name.to_ascii_lowercase())
}

fn is_lower_replication_group(name: &[u8]) -> bool {
    name.starts_with(b"hbrgrp.") && name.ends_with(b".txt")
}

/// `.nfs` and the file id in hex: what an NFS client renames a file to that is deleted while it is open.
fn is_open_deleted(name: &str) -> bool {
    name.strip_prefix(".nfs")
        .is_some_and(|id| id.len() >= 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Logs and dumps of VMware; scoreboards and migration logs are known by their extension.
fn is_log(name: &str) -> bool {
    let ends = |ending: &str| name.ends_with(ending);
    (ends(".log")
        && ["vmware", "mkssandbox", "vprintproxy"]
            .iter()
            .any(|start| name.starts_with(start)))
        // `vmx-zdump.000`, `hostd-zdump.001`; `zdump` alone is a tool for time zones.
        || (name.contains('-') && name.contains("-zdump."))
        || (name.starts_with("vmmcores") && ends(".gz"))
        || (name.starts_with("vm") && ends(".core"))
}

/// True for the logs that are read: they name the configuration and the disks of their VM.
pub(super) fn is_vmware_log(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.starts_with(b"vmware") && lower.ends_with(b".log")
}

/// The stem of change tracking is the whole name of a disk (H-D13).
fn is_disk_name(stem: &str) -> bool {
    stem.rsplit_once('.')
        .is_some_and(|(_, extension)| ["vhd", "vhdx", "avhd", "avhdx", "vhds", "vhdpmem"].contains(&extension))
}

/// True for `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` in hex digits.
pub fn is_guid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(path: &str) -> NameHint {
        let path = RawPath::from(path);
        by_name(&path.folder(), path.name())
    }

    #[test]
    fn vmdk_names_tell_extents_from_descriptors() {
        for (name, kind) in [
            ("vm/a.vmdk", Kind::VmdkDescriptor),
            ("vm/a-000001.vmdk", Kind::VmdkDescriptor),
            ("vm/a-FLAT.VMDK", Kind::VmdkFlat),
            ("vm/a-f001.vmdk", Kind::VmdkFlat),
            ("vm/a-pt.vmdk", Kind::VmdkFlat),
            ("vm/a-s012.vmdk", Kind::VmdkSparse),
            ("vm/a-sql.vmdk", Kind::VmdkDescriptor),
            ("vm/a-000001-delta.vmdk", Kind::VmdkDelta),
            ("vm/a-000001-sesparse.vmdk", Kind::VmdkSeSparse),
            ("vm/a-ctk.vmdk", Kind::VmdkCtk),
            ("vm/a-rdmp.vmdk", Kind::VmdkRdm),
            ("vm/a-digest-flat.vmdk", Kind::VmdkDigest),
            ("vm/a.vmdk.REDO_a1b2c3", Kind::VmdkDelta),
        ] {
            assert_eq!(hint(name), NameHint::Kind(kind), "{name}");
        }
    }

    #[test]
    fn a_flat_extent_implies_its_descriptor() {
        assert_eq!(implied_descriptor(b"a-b-flat.vmdk").unwrap(), b"a-b.vmdk");
        assert_eq!(implied_descriptor(b"a-f001.VMDK").unwrap(), b"a.VMDK");
        assert_eq!(implied_descriptor(b"a.vmdk"), None);
    }

    #[test]
    fn common_extensions_need_a_guid_or_a_folder_of_hyper_v() {
        let guid = "B90AC31B-C6F8-479F-9B91-07B894A6A3F6";
        assert_eq!(hint("firmware.bin"), NameHint::Unknown);
        assert_eq!(hint(&format!("x/{guid}.bin")), NameHint::Kind(Kind::Bin));
        assert_eq!(hint("vm/Virtual Machines/old/state.VSV"), NameHint::Kind(Kind::Vsv));
        assert_eq!(hint("web.xml"), NameHint::Unknown);
        assert_eq!(hint(&format!("{guid}.xml")), NameHint::IfContent(Kind::HypervXml));
        assert_eq!(hint("report.mrt"), NameHint::Unknown, "a report of Stimulsoft");
        assert_eq!(hint("db.vhdx.mrt"), NameHint::Kind(Kind::Mrt));
        assert_eq!(hint("db_1.avhdx.RCT"), NameHint::Kind(Kind::Rct));
    }

    #[test]
    fn locks_of_every_product_are_known() {
        for name in [
            "vm/.lck-e003090001000000",
            "vm/a.vmx.lck",
            "vm/a.vmdk.lck/M12345.lck",
            "vm/a.vmem.lck/whatever",
            "vm/a.vmdk.WRITELOCK",
        ] {
            assert_eq!(hint(name), NameHint::Kind(Kind::VmLock), "{name}");
        }
        for name in ["yarn.lck", "vm/.lck-nothex", "cache.lck/data", "db.lck"] {
            assert_eq!(hint(name), NameHint::Unknown, "{name}");
        }
    }

    #[test]
    fn something_behind_a_known_name_is_a_rename_unless_it_is_about_it() {
        assert_eq!(hint("a.vmdk.iFire"), NameHint::Renamed(Kind::VmdkDescriptor));
        assert_eq!(hint("a.vmx~"), NameHint::Renamed(Kind::Vmx));
        assert_eq!(hint("a-flat.vmdk.old"), NameHint::Renamed(Kind::VmdkFlat));
        assert_eq!(hint("hbrcfg.GID-1.2.vmx.340"), NameHint::Renamed(Kind::Vmx));
        for name in [
            "a.vhdx.sha256",
            "a.vmdk.gz",
            ".a.vmx.swp",
            "a.iso.torrent",
            "README.old",
            "a.vhdx.lock",
        ] {
            assert_eq!(hint(name), NameHint::Unknown, "{name}");
        }
    }

    #[test]
    fn logs_and_dumps_are_known() {
        for name in [
            "vmware.log",
            "vmware-12.log",
            "mksSandbox-0.log",
            "vmx-zdump.000",
            "a.scoreboard",
            "a-1f2e3d4c.hlog",
            "vmmcores.gz",
        ] {
            assert_eq!(hint(name), NameHint::Kind(Kind::VmLog), "{name}");
        }
        assert_eq!(hint("setup.log"), NameHint::Unknown);
        assert_eq!(hint("bin/zdump"), NameHint::Unknown);
    }

    #[test]
    fn a_system_folder_hides_no_disk() {
        assert_eq!(hint(".dvsData/a/100"), NameHint::System);
        assert_eq!(hint(".locker-esx1/vmware.log"), NameHint::System);
        assert_eq!(hint(".vSphere-HA/x/a.vmdk"), NameHint::Kind(Kind::VmdkDescriptor));
        assert_eq!(
            hint(".vSphere-HA/x/.lck-0102030405060708"),
            NameHint::Kind(Kind::VmLock)
        );
    }

    #[test]
    fn every_file_of_vsphere_replication_is_known() {
        assert_eq!(hint("hbr-persistent-state-RDID-1.psf"), NameHint::Kind(Kind::Psf));
        assert_eq!(hint("hbrgrp.GID-1.txt"), NameHint::Kind(Kind::Psf));
        assert_eq!(hint("hbrdisk.RDID-1.2.vmdk"), NameHint::Kind(Kind::VmdkDescriptor));
        assert_eq!(hint("console.psf"), NameHint::Unknown, "a font");
    }

    #[test]
    fn names_that_are_not_unicode_keep_their_extension() {
        let hint = by_name(&"vm".into(), b"\xff\xfe.vmdk");
        assert_eq!(hint, NameHint::Kind(Kind::VmdkDescriptor));
    }
}
