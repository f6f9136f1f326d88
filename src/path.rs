//! The only path parser: every syntax in which platforms, files and people name a file on a datastore.
//!
//! A [`StoragePath`] is a mount (which datastore, in the words of the writer) and the parts below it. It is purely
//! lexical: which root a mount is, and whether the file exists, is decided in `reconcile` from the catalogue alone.
//! Forms and pitfalls: `knowledge/inventories.md`, section 0, and H-B1 – H-B5.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

/// The part of a path that says which datastore is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mount {
    /// A label: `[nfs01] …`, `/vmfs/volumes/nfs01/…`, or a bare alias.
    Label(String),
    /// A volume id below `/vmfs/volumes`: VMFS `8-8-4-12`, NFS `8-8`, `vsan:…`, `vvol:…`; lower-case.
    VolumeId(String),
    /// `C:\ClusterStorage\<name>`, name folded: the same on every node of a cluster.
    ClusterVolume(String),
    /// A drive of one host, when the host is known.
    Drive {
        /// Host in lower case; `None` when the writer is not known.
        host: Option<String>,
        /// Drive letter in upper case.
        letter: char,
    },
    /// `\\?\Volume{guid}\`.
    VolumeGuid(Uuid),
    /// `\\server\share`, both in lower case.
    Share {
        /// First label of the server's name: the short name and the full one are one server (H-B2).
        server: String,
        /// Share.
        share: String,
    },
    /// An absolute path of some host that is none of the above (`/srv/vms`).
    HostRoot,
}

impl Mount {
    /// True for names that mean the same datastore whoever uses them.
    pub fn is_global(&self) -> bool {
        matches!(self, Self::VolumeId(_) | Self::VolumeGuid(_) | Self::Share { .. })
    }

    /// True for mounts whose file system ignores case.
    pub fn is_windows(&self) -> bool {
        matches!(
            self,
            Self::ClusterVolume(_) | Self::Drive { .. } | Self::VolumeGuid(_) | Self::Share { .. }
        )
    }
}

impl std::fmt::Display for Mount {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Label(label) => write!(formatter, "{label}"),
            Self::VolumeId(id) => write!(formatter, "/vmfs/volumes/{id}"),
            Self::ClusterVolume(name) => write!(formatter, "C:\\ClusterStorage\\{name}"),
            Self::Drive {
                host: Some(host),
                letter,
            } => write!(formatter, "{letter}: of {host}"),
            Self::Drive { host: None, letter } => write!(formatter, "{letter}:\\"),
            Self::VolumeGuid(guid) => write!(formatter, "\\\\?\\Volume{{{guid}}}"),
            Self::Share { server, share } => write!(formatter, "\\\\{server}\\{share}"),
            Self::HostRoot => write!(formatter, "/"),
        }
    }
}

/// A path in some writer's words, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoragePath {
    /// Which datastore; `None` for a path relative to the file that holds it.
    pub mount: Option<Mount>,
    /// The parts below the mount, `.` removed, `..` resolved as far as possible. A leading `..` of a relative path stays.
    pub parts: Vec<String>,
    /// Written in the manner of Windows.
    pub windows: bool,
    /// It ended with a separator or names a mount alone: a folder.
    pub folder: bool,
}

/// What a string in a path's place turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// A path.
    Path(StoragePath),
    /// A device, an object of a store, a network address, a pipe, nothing: no file on a datastore.
    NotAFile,
    /// Something stands there, and what it means is not known: it may be a file of any datastore.
    Unclear,
}

impl StoragePath {
    /// The parts joined with `/`.
    pub fn relative(&self) -> String {
        self.parts.join("/")
    }

    /// The last part.
    pub fn name(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// The same path seen from `host`, whose drive letters are meant when the path names no host (H-B5).
    #[must_use]
    pub fn on_host(mut self, host: Option<&str>) -> Self {
        if let (Some(Mount::Drive { host: slot @ None, .. }), Some(host)) = (&mut self.mount, host) {
            *slot = Some(short_host(host));
        }
        self
    }
}

/// Reads one path. Never fails: what cannot be a file on a datastore is [`Parsed::NotAFile`], and what cannot be told
/// apart is [`Parsed::Unclear`], so that no reference vanishes.
pub fn parse(text: &str) -> Parsed {
    let text = text.trim_matches(|c: char| c == ' ' || c == '\t' || c == '\r' || c == '\n');
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let text = &*below_scheme(quoted.unwrap_or(text));
    // vCenter puts a label of no letters before the path of a datastore that it does not know: `[] /vmfs/volumes/…`.
    let text = text
        .strip_prefix("[] ")
        .filter(|path| path.starts_with('/'))
        .unwrap_or(text);
    if text.is_empty() || text == "-1" || is_device(text) {
        return Parsed::NotAFile;
    }
    if let Some(rest) = text.strip_prefix('[') {
        return parse_bracketed(rest).unwrap_or_else(|| relative(text));
    }
    if text.to_ascii_lowercase().starts_with("//vmfs/volumes/") {
        return absolute(text);
    }
    if let Some(rest) = strip_windows_prefix(text) {
        return rest;
    }
    if let Some(scheme) = scheme_of(text) {
        return without_a_file(scheme);
    }
    if text.starts_with('/') {
        absolute(text)
    } else {
        relative(text)
    }
}

/// Reads an alias of a root: a path to the datastore's top or to a folder in it, or a bare label or volume id.
pub fn parse_alias(text: &str) -> Option<StoragePath> {
    let Parsed::Path(path) = parse(text) else { return None };
    if path.mount.is_some() {
        return Some(StoragePath { folder: true, ..path });
    }
    let mount = volume_id(text.trim()).map_or_else(|| Mount::Label(text.trim().to_owned()), Mount::VolumeId);
    Some(StoragePath {
        mount: Some(mount),
        parts: Vec::new(),
        windows: false,
        folder: true,
    })
}

/// Folds a name for comparison where case and Unicode form do not count (H-B3).
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        text.nfc().map(upper).flat_map(char::to_lowercase).collect()
    }
}

/// The one upper-case letter of a character, as NTFS and SMB compare names: `σ` and `ς` have the same, `ß` has none.
fn upper(character: char) -> char {
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

/// A name without its extension.
pub(crate) fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The first label of a host name, lower-case; an address stays whole.
pub fn short_host(host: &str) -> String {
    let host = host.trim().to_lowercase();
    if host.parse::<std::net::IpAddr>().is_ok() {
        return host;
    }
    host.split('.').next().unwrap_or_default().to_owned()
}

/// True for two names of one host: two full names are compared whole, a short one with the first label of the other.
pub fn same_host(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim().to_lowercase(), other.trim().to_lowercase());
    let are_full = one.contains('.') && other.contains('.');
    one == other || !are_full && short_host(&one) == short_host(&other)
}

fn is_device(text: &str) -> bool {
    // The first letters of all names below.
    if !text.starts_with(['/', '\\', 'p', 'P', 'c', 'C', 'd', 'D']) {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    lower.starts_with("/dev/")
        || lower.starts_with("/vmfs/devices/")
        || lower.starts_with("\\\\.\\pipe\\")
        || ["\\\\.\\", "\\\\?\\", ""]
            .iter()
            .any(|start| lower.strip_prefix(start).is_some_and(is_drive_of_host))
        || lower == "\\\\.\\"
        || is_pass_through(&lower)
}

/// `PhysicalDrive1`, `CDROM0`: a disk or DVD drive of the host, also without the prefix of devices (H-E16).
fn is_drive_of_host(lower: &str) -> bool {
    ["physicaldrive", "cdrom"].iter().any(|kind| {
        lower
            .strip_prefix(kind)
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// `Disk 3 100.00 GB Bus 0 Lun 0 Target 1`: how Hyper-V names a disk without a file.
fn is_pass_through(lower: &str) -> bool {
    lower.strip_prefix("disk ").is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains(" bus ") && rest.contains(" lun ")
    })
}

/// The scheme of an address (RFC 3986); a single letter is a drive.
fn scheme_of(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '-' || c == '.';
    (scheme.len() > 1 && scheme.chars().all(is_part)).then_some(scheme)
}

/// An address under a scheme that is known to name an object of a store, a block device or a service is no file; under any
/// other it may be one.
fn without_a_file(scheme: &str) -> Parsed {
    const KNOWN: [&str; 19] = [
        "vsan", "vvol", "tcp", "tcp4", "tcp6", "udp", "telnet", "telnets", "ssl", "http", "https", "ftp", "ftps",
        "nbd", "nbd+unix", "rbd", "iscsi", "vsls", "sftp",
    ];
    if KNOWN.iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        Parsed::NotAFile
    } else {
        Parsed::Unclear
    }
}

/// What an address of a file means, as a path: `ds:///vmfs/volumes/…`, `file:///vmfs/…`, `file:///C:/…` and
/// `file://server/share/…` (RFC 8089), `smb://server/share/…`. Every other text as it is.
fn below_scheme(text: &str) -> Cow<'_, str> {
    let scheme = scheme_of(text).unwrap_or_default();
    let is = |known: &str| scheme.eq_ignore_ascii_case(known);
    let below = text.get(scheme.len() + "://".len()..).unwrap_or_default();
    if is("ds") {
        return Cow::Borrowed(below);
    }
    let is_file = is("file");
    if !(is_file || is("smb") || is("cifs")) {
        return Cow::Borrowed(text);
    }
    let below = percent_decode_str(below).decode_utf8_lossy();
    let local = below.strip_prefix("localhost").filter(|path| path.starts_with('/'));
    let local = local.or_else(|| Some(&*below).filter(|path| path.starts_with('/')));
    match local.filter(|_| is_file) {
        Some(path) if matches!(drive(&path[1..].replace('/', "\\")), Some(Parsed::Path(_))) => {
            path[1..].to_owned().into()
        }
        Some(path) => path.to_owned().into(),
        None => format!("//{}", below.trim_start_matches('/')).into(),
    }
}

/// Divides `DS] dir/file`, the opening bracket gone, into the label and what follows the closing bracket. Brackets in a label
/// come in pairs as a rule (`[[Prod] nfs01] dir/file`); where they do not, it ends at the first `] `, or at the first bracket.
fn split_bracketed(rest: &str) -> Option<(&str, &str)> {
    let mut open = 1_usize;
    let closing = rest.char_indices().find_map(|(at, letter)| {
        match letter {
            '[' => open += 1,
            ']' => open -= 1,
            _ => {}
        }
        (open == 0).then_some(at)
    });
    let in_pairs = closing.map(|at| (&rest[..at], &rest[at + 1..]));
    let in_pairs = in_pairs.filter(|(_, path)| path.is_empty() || path.starts_with([' ', '/']));
    let first = || rest.find("] ").or_else(|| rest.find(']'));
    in_pairs.or_else(|| first().map(|at| (&rest[..at], &rest[at + 1..])))
}

/// The label of a path of a datastore, `[DS] dir/file` or `[DS]/dir/file`, and what follows its closing bracket.
pub(crate) fn label_and_rest(path: &str) -> Option<(&str, &str)> {
    split_bracketed(path.strip_prefix('[')?)
}

/// `DS] dir/file`, the opening bracket gone.
fn parse_bracketed(rest: &str) -> Option<Parsed> {
    let (label, path) = split_bracketed(rest).filter(|(_, path)| !path.starts_with('.'))?;
    let path = path.strip_prefix(' ').unwrap_or(path);
    // `[Cluster/DS]`: the old Kubernetes provider puts the cluster before the label.
    let label = label.rsplit('/').next().unwrap_or(label);
    let mount = volume_id(label).map_or_else(|| Mount::Label(label.to_owned()), Mount::VolumeId);
    Some(below(mount, path, false))
}

fn below(mount: Mount, rest: &str, windows: bool) -> Parsed {
    let separators: &[char] = if windows { &['\\', '/'] } else { &['/'] };
    let folder = rest.is_empty() || rest.ends_with(separators);
    let parts = normalise(rest.split(separators), windows, true);
    Parsed::Path(StoragePath {
        mount: Some(mount),
        parts,
        windows,
        folder,
    })
}

fn relative(text: &str) -> Parsed {
    let windows = text.contains('\\');
    let separators: &[char] = if windows { &['\\', '/'] } else { &['/'] };
    let parts = normalise(text.split(separators), windows, false);
    if parts.is_empty() && !text.contains('.') {
        return Parsed::NotAFile;
    }
    Parsed::Path(StoragePath {
        mount: None,
        parts,
        windows,
        folder: text.ends_with(separators) || text == ".",
    })
}

/// An absolute path of a host. Empty parts and `.` mean nothing, wherever they stand.
fn absolute(text: &str) -> Parsed {
    let mut parts = normalise(text.split('/'), false, true);
    let is = |place: usize, known: &str| {
        parts
            .get(place)
            .is_some_and(|part: &String| part.eq_ignore_ascii_case(known))
    };
    if !(is(0, "vmfs") && is(1, "volumes") && parts.len() > 2) {
        return below(Mount::HostRoot, text.trim_start_matches('/'), false);
    }
    let below_volume = parts.split_off(3);
    let volume = parts.swap_remove(2);
    Parsed::Path(StoragePath {
        folder: below_volume.is_empty() || text.ends_with('/'),
        mount: Some(volume_id(&volume).map_or(Mount::Label(volume), Mount::VolumeId)),
        parts: below_volume,
        windows: false,
    })
}

/// Drive, UNC and device-prefixed paths; `None` when the text is none of these.
fn strip_windows_prefix(text: &str) -> Option<Parsed> {
    let is_one = match text.as_bytes() {
        [b'/' | b'\\', b'/' | b'\\' | b'?', ..] => true,
        [letter, b':', ..] => letter.is_ascii_alphabetic(),
        _ => false,
    };
    if !is_one {
        return None;
    }
    let mut slashed = text.replace('/', "\\");
    // Escaped once too often (H-B3).
    if slashed.starts_with("\\\\\\\\") {
        slashed = slashed.replace("\\\\", "\\");
    }
    let lower = slashed.to_ascii_lowercase();
    for prefix in ["\\\\?\\", "\\\\.\\", "\\??\\"] {
        if let Some(rest) = lower.strip_prefix(prefix) {
            let original = &slashed[slashed.len() - rest.len()..];
            return Some(match device_path(original) {
                // `\\.\` begins the name of a device, and so does what an interface of Plug and Play is called.
                Parsed::Unclear if prefix == "\\\\.\\" || is_interface(rest) => Parsed::NotAFile,
                parsed => parsed,
            });
        }
    }
    if text.starts_with("\\\\") || (text.starts_with("//") && !text.starts_with("///")) {
        return Some(share(slashed.trim_start_matches('\\')));
    }
    drive(&slashed)
}

/// What follows `\\?\`.
fn device_path(rest: &str) -> Parsed {
    let lower = rest.to_ascii_lowercase();
    if lower.starts_with("unc\\") {
        return share(&rest[4..]);
    }
    if let Some((guid, tail)) = lower.strip_prefix("volume{").and_then(|tail| tail.split_once('}')) {
        let Ok(guid) = Uuid::try_parse(guid) else {
            return Parsed::Unclear;
        };
        let tail = &rest[rest.len() - tail.len()..];
        return below(Mount::VolumeGuid(guid), tail.trim_start_matches('\\'), true);
    }
    drive(rest).unwrap_or(Parsed::Unclear)
}

/// `scsi#disk&ven_msft&prod_virtual_disk#…#{53f56307-…}`: how Windows names a disk without a file.
fn is_interface(rest: &str) -> bool {
    rest.contains('#') && !rest.contains('\\')
}

/// The first part of a Windows path and what follows it; empty parts mean nothing (H-B3).
fn first_part(path: &str) -> (&str, &str) {
    let path = path.trim_start_matches('\\');
    path.split_once('\\').unwrap_or((path, ""))
}

/// `server\share\rest`.
fn share(rest: &str) -> Parsed {
    let (server, rest) = first_part(rest);
    let (share, tail) = first_part(rest);
    if server.is_empty() || share.is_empty() {
        return Parsed::Unclear;
    }
    let mut letters = share.chars();
    if let (Some(letter), Some('$'), None) = (letters.next(), letters.next(), letters.next()) {
        return on_drive(Some(short_host(server)), letter, tail);
    }
    below(
        Mount::Share {
            server: short_host(server),
            share: share.to_lowercase(),
        },
        tail,
        true,
    )
}

/// `C:\rest`.
fn drive(text: &str) -> Option<Parsed> {
    let mut characters = text.chars();
    let letter = characters.next().filter(char::is_ascii_alphabetic)?;
    if characters.next() != Some(':') {
        return None;
    }
    let rest = characters.as_str();
    (rest.is_empty() || rest.starts_with('\\')).then(|| on_drive(None, letter, rest))
}

fn on_drive(host: Option<String>, letter: char, rest: &str) -> Parsed {
    let (first, below_first) = first_part(rest);
    let (volume, tail) = first_part(below_first);
    if first.eq_ignore_ascii_case("ClusterStorage") && !volume.is_empty() {
        let volume = volume.trim_end_matches(['.', ' ']);
        return below(Mount::ClusterVolume(fold(volume)), tail, true);
    }
    below(
        Mount::Drive {
            host,
            letter: letter.to_ascii_uppercase(),
        },
        rest,
        true,
    )
}

/// Removes empty parts and `.`, resolves `..`; below a mount it cannot climb out, a relative path keeps leading `..`.
fn normalise<'a>(raw: impl Iterator<Item = &'a str>, windows: bool, anchored: bool) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in raw {
        let part = if windows && part != ".." && part != "." {
            part.trim_end_matches(['.', ' '])
        } else {
            part
        };
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(last) if last != ".." => {
                    parts.pop();
                }
                // Above the datastore's top: kept, so that it resolves to nothing rather than to another file.
                _ => parts.push("..".to_owned()),
            },
            _ => parts.push(part.to_owned()),
        }
    }
    debug_assert!(anchored || !parts.iter().skip_while(|part| *part == "..").any(|part| part == ".."));
    parts
}

/// Recognises a volume id: `8-8-4-12` (VMFS) and `8-8` (NFS) hex, `vsan:` and `vvol:` with two times 16 hex.
fn volume_id(text: &str) -> Option<String> {
    if !text.contains(['-', ':']) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let (body, forms): (&str, &[&[usize]]) = match lower.split_once(':') {
        Some(("vsan" | "vvol", body)) => (body, &[&[16, 16]]),
        Some(_) => return None,
        None => (&lower, &[&[8, 8, 4, 12], &[8, 8]]),
    };
    let groups: Vec<&str> = body.split('-').collect();
    let fits = |lengths: &&[usize]| {
        groups.len() == lengths.len()
            && groups
                .iter()
                .zip(*lengths)
                .all(|(group, &length)| group.len() == length && group.chars().all(|c| c.is_ascii_hexdigit()))
    };
    forms.iter().any(fits).then_some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> (Option<Mount>, String) {
        match parse(text) {
            Parsed::Path(path) => (path.mount.clone(), path.relative()),
            Parsed::NotAFile | Parsed::Unclear => panic!("{text} is a path"),
        }
    }

    fn labelled(text: &str) -> Mount {
        Mount::Label(text.to_owned())
    }

    #[test]
    fn an_empty_label_before_an_absolute_path_says_nothing() {
        assert_eq!(
            parse("[] /vmfs/volumes/aa-bb/d/d.vmdk"),
            parse("/vmfs/volumes/aa-bb/d/d.vmdk")
        );
        assert_ne!(
            parse("[ds] /vmfs/volumes/aa-bb/d/d.vmdk"),
            parse("/vmfs/volumes/aa-bb/d/d.vmdk")
        );
    }

    #[test]
    fn letters_of_one_upper_case_letter_fold_together_and_others_do_not() {
        for (one, other) in [
            ("ΣΑΣ", "σας"),
            ("σασ", "σας"),
            ("A\u{308}ß", "äß"),
            ("µ", "μ"),
            ("ЖЯ", "жя"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} and {other}");
        }
        for (one, other) in [("ß", "ss"), ("ä", "a"), ("σ", "s"), ("ﬁ", "fi")] {
            assert_ne!(fold(one), fold(other), "{one} and {other}");
        }
    }

    #[test]
    fn a_datastore_path_splits_at_the_first_bracket_and_blank() {
        assert_eq!(
            path("[SAN VMFS 02] vm (copy) [old]/x.vmx"),
            (Some(labelled("SAN VMFS 02")), "vm (copy) [old]/x.vmx".into())
        );
        assert_eq!(path("[ds1] root.vmdk"), (Some(labelled("ds1")), "root.vmdk".into()));
        assert_eq!(path("[ds1]dir/x.vmdk"), (Some(labelled("ds1")), "dir/x.vmdk".into()));
        assert_eq!(path("[ds1]/dir/x.vmdk"), (Some(labelled("ds1")), "dir/x.vmdk".into()));
        assert_eq!(
            path("[cluster/ds1] a/b.vmdk"),
            (Some(labelled("ds1")), "a/b.vmdk".into())
        );
        assert_eq!(path("[ds1]"), (Some(labelled("ds1")), String::new()));
        assert_eq!(
            path("[old].vmdk"),
            (None, "[old].vmdk".into()),
            "a file name may begin with a bracket"
        );
    }

    #[test]
    fn volume_ids_and_labels_below_vmfs_volumes_are_told_apart() {
        let id = Some(Mount::VolumeId("5f1c2d3e-0badc0de-1111-001b21aa0001".into()));
        assert_eq!(
            path("/vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0001/a b/x.vmdk"),
            (id.clone(), "a b/x.vmdk".into())
        );
        assert_eq!(
            path("/VMFS/VOLUMES/5F1C2D3E-0BADC0DE-1111-001B21AA0001/X.VMDK"),
            (id.clone(), "X.VMDK".into())
        );
        assert_eq!(path("ds:///vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0001/").0, id);
        assert_eq!(
            path("/vmfs/volumes/95e378c2-863dd2b4/t").0,
            Some(Mount::VolumeId("95e378c2-863dd2b4".into()))
        );
        assert_eq!(path("/vmfs/volumes/my store/a/b").0, Some(labelled("my store")));
        assert_eq!(
            path("ds:///vmfs/volumes/vsan:52aabbccddeeff00-1122334455667788/").0,
            Some(Mount::VolumeId("vsan:52aabbccddeeff00-1122334455667788".into()))
        );
    }

    #[test]
    fn one_file_on_a_cluster_volume_has_one_name_whoever_writes_it() {
        let expected = (
            Some(Mount::ClusterVolume("volume1".into())),
            "VM 1/disk.vhdx".to_owned(),
        );
        for text in [
            r"C:\ClusterStorage\Volume1\VM 1\disk.vhdx",
            r"c:\clusterstorage\VOLUME1\\VM 1\disk.vhdx",
            r"\\?\C:\ClusterStorage\Volume1\VM 1\disk.vhdx",
            r"\\node1\C$\ClusterStorage\Volume1\VM 1\disk.vhdx",
            "C:/ClusterStorage/Volume1/VM 1/disk.vhdx",
        ] {
            assert_eq!(path(text), expected, "{text}");
        }
        assert_ne!(
            path(r"C:\ClusterStorage\Volume10\x").0,
            expected.0,
            "Volume1 is no prefix of Volume10"
        );
    }

    #[test]
    fn shares_drives_and_volume_guids_are_mounts() {
        let share = Some(Mount::Share {
            server: "sofs01".into(),
            share: "vms".into(),
        });
        assert_eq!(
            path(r"\\SOFS01.example.com\VMs\a\b.vhdx"),
            (share.clone(), "a/b.vhdx".into())
        );
        assert_eq!(
            path(r"\\?\UNC\sofs01.example.com\vms\a\b.vhdx"),
            (share, "a/b.vhdx".into())
        );
        let guid = Uuid::try_parse("11111111-2222-3333-4444-555555555555")
            .ok()
            .map(Mount::VolumeGuid);
        assert_eq!(
            path(r"\\?\Volume{11111111-2222-3333-4444-555555555555}\a.vhdx"),
            (guid, "a.vhdx".into())
        );
        assert_eq!(
            path(r"D:\VMs\x.vhdx").0,
            Some(Mount::Drive {
                host: None,
                letter: 'D'
            })
        );
        assert_eq!(
            path(r"\\hv1.corp\d$\x.vhdx").0,
            Some(Mount::Drive {
                host: Some("hv1".into()),
                letter: 'D'
            })
        );
    }

    #[test]
    fn a_label_may_hold_brackets() {
        for (text, label) in [
            ("[[Prod] nfs01] web/web.vmx", "[Prod] nfs01"),
            ("[SAN [gold] 01] web/web.vmx", "SAN [gold] 01"),
            ("[NFS01 [Prod]] web/web.vmx", "NFS01 [Prod]"),
            ("[[Prod]] web/web.vmx", "[Prod]"),
            ("[NFS]01] web/web.vmx", "NFS]01"),
            ("[NFS[01] web/web.vmx", "NFS[01"),
            ("[[Prod] nfs01]/web/web.vmx", "[Prod] nfs01"),
        ] {
            assert_eq!(path(text), (Some(labelled(label)), "web/web.vmx".into()), "{text}");
        }
        assert_eq!(path("[ds1] a [b] c/x[1].vmdk").0, Some(labelled("ds1")));
    }

    #[test]
    fn what_is_no_file_is_no_path() {
        for text in [
            "",
            "  ",
            "-1",
            "/dev/sda",
            "/vmfs/devices/cdrom/mpx.x",
            "vsan://52aa",
            "tcp://:1234",
            r"\\.\pipe\com1",
            r"\\.\PhysicalDrive2",
            "Disk 3 100.00 GB Bus 0 Lun 0 Target 1",
        ] {
            assert_eq!(parse(text), Parsed::NotAFile, "{text}");
        }
        assert_eq!(
            parse(r"\\?\scsi#disk&ven_msft#5&1#{53f56307-b6bf-11d0-94f2-00a0c91efb8b}"),
            Parsed::NotAFile
        );
    }

    #[test]
    fn what_nobody_understands_is_no_path_and_may_be_a_file() {
        for text in [
            "nfs://filer/vms/x.vmdk",
            "blob+x://a/x.vmdk",
            r"\\filer",
            r"\\?\Volume{1}\x.vhdx",
            r"\\?\GLOBALROOT\Device\Harddisk1\x.vhdx",
        ] {
            assert_eq!(parse(text), Parsed::Unclear, "{text}");
        }
    }

    #[test]
    fn an_address_of_a_file_is_its_path() {
        assert_eq!(
            path("file:///vmfs/volumes/ds1/a%20b/x.vmdk"),
            path("/vmfs/volumes/ds1/a b/x.vmdk")
        );
        assert_eq!(path("file://localhost/vmfs/volumes//ds1/x.vmdk"), path("[ds1] x.vmdk"));
        assert_eq!(path("file:///D:/VMs/x.vhdx"), path(r"D:\VMs\x.vhdx"));
        assert_eq!(path("FILE://sofs01/vms/x.vhdx"), path(r"\\sofs01\vms\x.vhdx"));
        assert_eq!(path("smb://sofs01/vms/x.vhdx"), path(r"\\sofs01\vms\x.vhdx"));
        assert_eq!(path("//vmfs/volumes/ds1/x.vmdk"), path("[ds1] x.vmdk"));
        assert_eq!(path("/vmfs/volumes/ds1/../ds2/x.vmdk"), path("[ds2] x.vmdk"));
        assert_eq!(path("/srv/vms/x.vmdk").0, Some(Mount::HostRoot));
    }

    #[test]
    fn dots_resolve_lexically_and_never_leave_the_datastore() {
        assert_eq!(path("[ds] a/./b/../c.vmdk").1, "a/c.vmdk");
        assert_eq!(
            path("[ds] ../../etc/shadow").1,
            "../../etc/shadow",
            "kept, so that it resolves to nothing"
        );
        assert_eq!(path("../base/base.vmdk"), (None, "../base/base.vmdk".into()));
        assert_eq!(path(r".\parent.avhdx"), (None, "parent.avhdx".into()));
    }

    #[test]
    fn an_alias_is_a_label_an_id_or_a_place() {
        let mount = |text: &str| parse_alias(text).and_then(|path| path.mount);
        assert_eq!(mount("nfs01"), Some(labelled("nfs01")));
        assert_eq!(mount("SAN VMFS 02"), Some(labelled("SAN VMFS 02")));
        assert_eq!(mount("[nfs01]"), Some(labelled("nfs01")));
        assert_eq!(
            mount("5f1c2d3e-0badc0de-1111-001b21aa0001"),
            Some(Mount::VolumeId("5f1c2d3e-0badc0de-1111-001b21aa0001".into()))
        );
        assert_eq!(
            mount(r"C:\ClusterStorage\Volume1"),
            Some(Mount::ClusterVolume("volume1".into()))
        );
        assert_eq!(
            mount("D:"),
            Some(Mount::Drive {
                host: None,
                letter: 'D'
            })
        );
    }
}
