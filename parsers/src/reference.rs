//! What the VMware files share when they name another file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{EncodedText, scan::until_less_or_equal};

/// One value that names a file or folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileReference {
    /// The key as written, e.g. `scsi0:0.fileName`, `extent 0`, `ddb.sidecars`.
    pub key: SmolStr,
    /// The path as written, decoded, with its bytes.
    pub value: EncodedText,
    /// What the file is for.
    pub kind: FileKind,
    /// False for the file of a device that is not attached (`present` is not `TRUE`): mentioned, not in use.
    pub present: bool,
}

impl FileReference {
    /// A reference to a file in use.
    pub fn new(key: impl Into<SmolStr>, value: EncodedText, kind: FileKind) -> Self {
        Self {
            key: key.into(),
            value,
            kind,
            present: true,
        }
    }

    /// True for a mention: it protects the file, but says nothing when the file is not there.
    pub fn is_weak(&self) -> bool {
        !self.present || self.kind == FileKind::Other
    }
}

/// What a named file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A disk: descriptor or monolithic file.
    Disk,
    /// A data file of a descriptor.
    Extent,
    /// The parent of a disk link.
    Parent,
    /// The change tracking file of a disk link.
    ChangeTracking,
    /// The CBRC digest of a disk.
    Digest,
    /// A file of an I/O filter.
    Sidecar,
    /// A CD image.
    CdImage,
    /// A floppy image.
    Floppy,
    /// BIOS or EFI variables.
    Nvram,
    /// The configuration (`.vmx`) of the VM itself.
    Config,
    /// The `.vmxf`.
    ExtendedConfig,
    /// Suspend state.
    SuspendState,
    /// Snapshot state.
    SnapshotState,
    /// Guest or process swap file.
    Swap,
    /// The folder for swap files.
    SwapDir,
    /// The folder for snapshots, logs and swap.
    WorkingDir,
    /// The folder for snapshots.
    SnapshotDir,
    /// The folder for suspend state.
    SuspendDir,
    /// `vmware.log`.
    Log,
    /// The marker that a migration writes (`.hlog`).
    HostLog,
    /// VMX statistics.
    Scoreboard,
    /// The output file of a serial port.
    SerialPort,
    /// The output file of a parallel port.
    ParallelPort,
    /// State of vSphere Replication (`.psf`).
    ReplicationState,
    /// The redo log of a nonpersistent disk.
    Redo,
    /// A memory image.
    Memory,
    /// The configuration of a VM that was cloned from this one, or from which this one was cloned.
    Clone,
    /// A value that ends like the name of a virtualization file under a key that is not known to name one, or on a
    /// line that is damaged.
    Other,
}

/// Extensions of the files that a VM uses, by their length in bytes, which nearly all values do not have.
const FILE_EXTENSIONS: &[(usize, &[&str])] = &[
    (
        4,
        &[
            "vmdk", "vmtx", "vmxf", "vmsd", "vmsn", "vmss", "vmem", "vswp", "hlog", "vmfd", "redo", "vhdx", "avhd",
        ],
    ),
    (
        3,
        &[
            "vmx", "iso", "flp", "img", "log", "psf", "dsd", "dsv", "vhd", "ova", "ovf", "raw",
        ],
    ),
    (5, &["nvram", "avhdx"]),
    (10, &["scoreboard"]),
];

/// The lower-case extension of a path with `/` or `\` between its parts; empty where it has none.
pub fn extension(path: &str) -> String {
    let path = without_blanks_behind(path);
    let is_boundary = |byte| matches!(byte, b'.' | b'/' | b'\\');
    match path
        .bytes()
        .rposition(is_boundary)
        .and_then(|place| path.split_at_checked(place))
    {
        Some((_, end)) => end.strip_prefix('.').unwrap_or_default().to_ascii_lowercase(),
        None => String::new(),
    }
}

/// True when the path has this extension, in any case.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    let path = without_blanks_behind(path).as_bytes();
    let start = path.len().checked_sub(extension.len());
    let end = start.and_then(|start| path.split_at_checked(start));
    end.is_some_and(|(before, end)| before.last() == Some(&b'.') && end.eq_ignore_ascii_case(extension.as_bytes()))
}

/// Few paths end with a blank, and to look for one that is not ASCII takes longer than all the rest.
#[inline]
pub(crate) fn without_blanks_behind(path: &str) -> &str {
    match path.as_bytes().last() {
        Some(b'!'..=b'~') => path,
        _ => path.trim_end(),
    }
}

/// True for the last letters of the known extensions, in either case: nearly all values end with none of these.
fn ends_an_extension(letter: u8) -> bool {
    matches!(
        letter | 0x20,
        b'a' | b'd' | b'f' | b'g' | b'k' | b'm' | b'n' | b'o' | b'p' | b's' | b'v' | b'w' | b'x'
    )
}

/// Few values have blanks around them, and to look for some that are not ASCII takes longer than most of the rest.
#[inline]
pub(crate) fn trimmed(value: &str) -> &str {
    match value.as_bytes() {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => value,
        _ => value.trim(),
    }
}

/// True when a path ends like the name of a file that a VM uses.
#[inline]
pub fn has_file_extension(path: &str) -> bool {
    match path.as_bytes().last() {
        Some(last @ b'!'..=b'~') if !ends_an_extension(*last) => false,
        _ => ends_with_extension(path),
    }
}

fn ends_with_extension(path: &str) -> bool {
    let path = without_blanks_behind(path).as_bytes();
    FILE_EXTENSIONS.iter().any(|(length, known)| {
        let end = path
            .len()
            .checked_sub(*length)
            .and_then(|start| path.split_at_checked(start));
        end.is_some_and(|(before, extension)| before.last() == Some(&b'.') && is_one_of(extension, known))
    })
}

/// True for one of these words in any case.
fn is_one_of(word: &[u8], known: &[&str]) -> bool {
    known.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word))
}

/// What a value of a file key means that names no file of a datastore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoFile {
    /// Nothing is inserted or connected.
    Nothing,
    /// A device of the host.
    HostDevice,
    /// A drive of the computer at which somebody opens the console.
    ClientDevice,
    /// A network address, a pipe, or the printer service.
    Endpoint,
    /// An image inside the hypervisor's installation.
    InstallationImage,
}

/// Values that name no file whatever surrounds them, in lower case (seen in files of ESXi, Workstation and libvirt).
const NO_FILE_WORDS: &[(&str, NoFile)] = &[
    ("", NoFile::Nothing),
    ("-1", NoFile::Nothing),
    ("emptybackingstring", NoFile::Nothing),
    ("auto detect", NoFile::HostDevice),
    ("vmware-null-remote-floppy", NoFile::ClientDevice),
    ("thinprint", NoFile::Endpoint),
];

/// Beginnings of values that name no file, in lower case; the first that fits counts.
const NO_FILE_STARTS: &[(&str, NoFile)] = &[
    ("/dev/", NoFile::HostDevice),
    ("/vmfs/devices/", NoFile::HostDevice),
    ("/usr/lib/vmware/isoimages/", NoFile::InstallationImage),
    ("/vmimages/tools-isoimages/", NoFile::InstallationImage),
    (r"\\.\pipe\", NoFile::Endpoint),
    (r"\\.\", NoFile::HostDevice),
];

impl NoFile {
    /// What a value of a file key means when it names no file of a datastore; `None` when it may name one.
    pub fn of(value: &str) -> Option<Self> {
        let value = trimmed(value);
        let meaning = |(_, meaning): &(&str, Self)| *meaning;
        match value.as_bytes().first() {
            Some(b'/' | b'\\') => {
                let begins = |(start, _): &&(&str, Self)| strip_prefix_ignoring_case(value, start).is_some();
                NO_FILE_STARTS.iter().find(begins).map(meaning)
            }
            // A word or a drive has no dot, and nearly all names of files have one.
            _ if until_less_or_equal::<0, b'.'>(value.as_bytes()) < value.len() => {
                is_network_address(value).then_some(Self::Endpoint)
            }
            _ => {
                let word = NO_FILE_WORDS.iter().find(|(word, _)| is_same_word(word, value));
                let drive = || is_numbered_device(value).then_some(Self::ClientDevice);
                let address = || is_network_address(value).then_some(Self::Endpoint);
                word.map(meaning).or_else(drive).or_else(address)
            }
        }
    }
}

/// True for values of file keys that name no file of a datastore.
pub fn is_not_a_file(value: &str) -> bool {
    NoFile::of(value).is_some()
}

/// True for values that name no file where a disk or its data must be named: an address under a scheme that nobody here
/// knows may be one.
pub(crate) fn is_no_disk_file(value: &str) -> bool {
    NoFile::of(value).is_some_and(|meaning| meaning != NoFile::Endpoint || !is_network_address(value.trim()))
}

/// True for the same text in any case of its ASCII letters. Most texts differ in length or in the first letter: no call
/// for these.
#[inline]
pub(crate) fn is_same_word(one: &str, other: &str) -> bool {
    let first = |text: &str| text.as_bytes().first().map(|byte| byte | 0x20);
    one.len() == other.len() && first(one) == first(other) && one.eq_ignore_ascii_case(other)
}

/// What follows the ASCII `prefix`, in any case. Most texts differ in its first letter or its last: no call for these.
#[inline]
pub(crate) fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    let last = |text: &str| text.as_bytes().last().map(|byte| byte | 0x20);
    (last(start) == last(prefix) && is_same_word(start, prefix)).then_some(rest)
}

/// `CD/DVD drive 0`, `Floppy 0`: what vSphere writes for the client's own drive.
fn is_numbered_device(value: &str) -> bool {
    ["cd/dvd drive ", "floppy "].iter().any(|name| {
        strip_prefix_ignoring_case(value, name)
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// `tcp://…`, `telnets://…`; `ds://` and object addresses are places of a datastore.
fn is_network_address(value: &str) -> bool {
    const OF_DATASTORES: &[&str] = &["ds", "file", "vsan", "vvol"];
    let parts = value.split_at_checked(until_less_or_equal::<0, b':'>(value.as_bytes()));
    parts.is_some_and(|(scheme, rest)| {
        rest.starts_with("://")
            && is_scheme(scheme)
            && !OF_DATASTORES.iter().any(|known| known.eq_ignore_ascii_case(scheme))
    })
}

/// The first part of an address (RFC 3986, 3.1); a single letter is a drive.
fn is_scheme(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.len() > 1 && text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_extension_of_a_file_is_the_last_of_its_path(
            path in "[a./\\\\]{0,4}(\\.|/)?(vmdk|VMX|iso|nvram|Scoreboard|vmd|a)?[ \u{a0}]{0,2}"
        ) {
            let extension = extension(&path);
            let is_known = FILE_EXTENSIONS.iter().any(|(_, known)| known.contains(&extension.as_str()));
            prop_assert_eq!(has_file_extension(&path), is_known);
            prop_assert_eq!(has_extension(&path, "vmdk"), extension == "vmdk");
        }
    }

    #[test]
    fn special_values_name_no_file() {
        for value in [
            "",
            "  ",
            "Auto Detect",
            "emptyBackingString",
            "-1",
            "CD/DVD drive 0",
            "Floppy 1",
            "/dev/scd0",
            "/vmfs/devices/cdrom/mpx.vmhba32:C0:T0:L0",
            "/usr/lib/vmware/isoimages/linux.iso",
            "/vmimages/tools-isoimages/linux.iso",
            "tcp://192.168.0.17:42001",
            r"\\.\pipe\com_1",
        ] {
            assert!(is_not_a_file(value), "{value:?}");
        }
        for value in [
            "floppy",
            "Floppy disk.flp",
            "ds:///vmfs/volumes/5458b680/x.iso",
            "vsan://5f",
            "dev/x.iso",
            "/vmfs/volumes/nfs/isoimages/a.iso",
            "alte disks://web.vmdk",
            "\u{e000}://x.vmdk",
            "d://vms/web.vmdk",
        ] {
            assert!(!is_not_a_file(value), "{value:?}");
        }
    }

    #[test]
    fn an_extension_is_that_of_the_last_part() {
        assert_eq!(extension(r"C:\VMs.old\disk"), "");
        assert_eq!(extension("[ds 1] a.b/X.VMDK"), "vmdk");
        assert!(has_file_extension("a/b.psf") && has_file_extension("a.Scoreboard \t"));
        for (length, known) in FILE_EXTENSIONS {
            assert!(
                known
                    .iter()
                    .all(|known| known.len() == *length && has_file_extension(&format!("a.{known}")))
            );
        }
        assert!(!has_file_extension("a.vmdk/b"));
    }
}
