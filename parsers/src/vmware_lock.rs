//! Locks that are files: `.lck-…` of NFS 3, and the lock folders of hosted products.
//!
//! The name of an NFS lock is the file id (inode) of the locked file, its bytes reversed (KB 340515:
//! `.lck-e003090001000000` locks inode 4295558112); its body holds the name of the host in clear. A hosted product
//! makes a folder `<file>.lck` with members `M#####.lck`; ESXi an empty file `<file>.lck`. Locks of VMFS and NFS 4.1 are no
//! files.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EncodedText, Limits, ReadAt, Result, dictionary::hex_digit};

/// What the name of a lock tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "lock", rename_all = "kebab-case")]
pub enum LockName {
    /// `.lck-` and 16 hex digits in the folder of the locked file.
    Nfs {
        /// File id (inode) of the locked file.
        target_file_id: u64,
    },
    /// A folder or file `<file>.lck`, or `<file>.WRITELOCK` and `<file>.READLOCK` of old products.
    Beside {
        /// Name of the locked file.
        target: EncodedText,
    },
    /// `M#####.lck`, `D#####.lck` or `E#####.lck` in a lock folder, whose name tells the target.
    Member,
}

impl LockName {
    /// What the name of a file or folder tells; `None` when it is not that of a lock.
    pub fn parse(name: &[u8]) -> Option<Self> {
        if let Some(digits) = name.strip_prefix(b".lck-") {
            return nfs_file_id(digits).map(|target_file_id| Self::Nfs { target_file_id });
        }
        if is_member(name) {
            return Some(Self::Member);
        }
        [&b".lck"[..], b".WRITELOCK", b".READLOCK"]
            .iter()
            .find_map(|suffix| strip_suffix_ignoring_case(name, suffix))
            .filter(|target| !target.is_empty())
            .map(|target| Self::Beside {
                target: EncodedText::decoded(String::from_utf8_lossy(target), target),
            })
    }
}

/// Sixteen hex digits: the eight bytes of a file id, lowest first.
fn nfs_file_id(digits: &[u8]) -> Option<u64> {
    let digits: &[u8; 16] = digits.try_into().ok()?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let (pairs, _) = digits.as_chunks::<2>();
    Some(pairs.iter().rev().fold(0, |id, [high, low]| {
        (id << 8_u32) | u64::from((hex_digit(*high) << 4_u32) | hex_digit(*low))
    }))
}

/// A letter, five digits, `.lck`.
fn is_member(name: &[u8]) -> bool {
    let Some([letter, digits @ ..]) = strip_suffix_ignoring_case(name, b".lck") else {
        return false;
    };
    matches!(letter, b'M' | b'D' | b'E') && digits.len() == 5 && digits.iter().all(u8::is_ascii_digit)
}

fn strip_suffix_ignoring_case<'a>(name: &'a [u8], suffix: &[u8]) -> Option<&'a [u8]> {
    let (start, end) = name.split_at_checked(name.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(start)
}

/// What the body of a lock tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct LockBody {
    /// Name of the host that holds an NFS lock.
    pub host: Option<String>,
    /// Machine id of a hosted lock (`uuid=…`).
    pub machine_id: Option<String>,
    /// Process of a hosted lock: id, creation time, name.
    pub process: Option<String>,
    /// Id of that process on the machine. Gone there, the lock is stale.
    pub process_id: Option<u32>,
    /// Name of that process: `vmware-vmx` where a VM runs.
    pub process_name: Option<String>,
    /// The ticket of a hosted lock (Lamport's bakery): the lowest goes first.
    pub ticket: Option<u64>,
    /// A hosted lock is exclusive (`X`), not shared (`S`).
    pub exclusive: Option<bool>,
    /// `lc=`: hash of the path of the lock folder where it was made.
    pub location_checksum: Option<u32>,
}

impl LockBody {
    /// Reads the body of a lock. An empty one tells nothing, and nothing is assumed of one that cannot be understood.
    ///
    /// # Errors
    /// `Io`.
    pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Self> {
        /// A lock has 84 (NFS) or 512 bytes (hosted).
        const MAX_BODY_BYTES: u64 = 4096;
        let bytes = source.up_to("lock", 0, MAX_BODY_BYTES.min(limits.text_bytes))?;
        let is_text = bytes
            .iter()
            .take_while(|byte| **byte != 0)
            .all(|byte| (0x20..0x7F).contains(byte));
        if bytes.starts_with(b"uuid=") || (is_text && bytes.first().is_some_and(|byte| *byte != 0)) {
            return Ok(Self::hosted(&bytes));
        }
        Ok(Self {
            host: nfs_host(&bytes),
            ..Self::default()
        })
    }

    /// Words: machine id, process, Lamport number, `S` or `X`, creation time, `lc=…` (open-vm-tools).
    fn hosted(bytes: &[u8]) -> Self {
        let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        let mut words = text.split_ascii_whitespace();
        let (machine_id, process, ticket, kind) = (words.next(), words.next(), words.next(), words.next());
        let (process_id, process_name) = process.map(process_of).unwrap_or_default();
        Self {
            host: None,
            machine_id: machine_id.map(ToOwned::to_owned),
            process: process.map(ToOwned::to_owned),
            process_id,
            process_name,
            ticket: ticket.and_then(|ticket| ticket.parse().ok()),
            exclusive: kind.and_then(|kind| match kind {
                "X" => Some(true),
                "S" => Some(false),
                _ => None,
            }),
            location_checksum: words.find_map(|word| word.strip_prefix("lc=")?.parse().ok()),
        }
    }

    /// Who holds the lock, as written.
    pub fn holder(&self) -> Option<&str> {
        self.host.as_deref().or(self.machine_id.as_deref())
    }
}

/// Id and name out of `<id>-<creation time>(<name>)`.
fn process_of(word: &str) -> (Option<u32>, Option<String>) {
    let id = word.split(['-', '(']).next().and_then(|id| id.parse().ok());
    let name = word.split_once('(').and_then(|(_, name)| name.strip_suffix(')'));
    (id, name.map(ToOwned::to_owned))
}

/// The `lc=` of a lock that is made under `path`, the full path of its folder (`….lck`): it tells whether the file was
/// moved or copied since. DJB2 over the UTF-8, in lower case on Windows (open-vm-tools, *fileLockPrimitive.c*).
pub fn location_checksum(path: &str, is_windows: bool) -> u32 {
    let lower = if is_windows {
        path.to_lowercase()
    } else {
        path.to_owned()
    };
    lower.bytes().fold(5381_u32, |hash, byte| {
        // The bytes are signed there.
        let byte = i32::from(byte.cast_signed()).cast_unsigned();
        hash.wrapping_mul(33).wrapping_add(byte)
    })
}

/// The host name of an NFS lock: at 0x14 as seen in the field, else the first run of bytes that reads like one.
fn nfs_host(bytes: &[u8]) -> Option<String> {
    /// Where the name stands.
    const HOST_OFFSET: usize = 0x14;
    /// Shortest run that is taken for a name elsewhere.
    const SHORTEST_RUN: usize = 4;
    let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let at_place = bytes
        .get(HOST_OFFSET..)
        .unwrap_or_default()
        .split(|byte| !is_host(byte))
        .next();
    let run = at_place.filter(|run| !run.is_empty()).or_else(|| {
        bytes
            .split(|byte| !is_host(byte))
            .find(|run| <[u8]>::len(run) >= SHORTEST_RUN)
    })?;
    Some(String::from_utf8_lossy(run).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_nfs_lock_is_the_file_id_with_its_bytes_reversed() {
        assert_eq!(
            LockName::parse(b".lck-e003090001000000"),
            Some(LockName::Nfs {
                target_file_id: 4_295_558_112
            })
        );
        for name in [
            &b".lck-e00309000100000"[..],
            b".lck-e0030900010000000",
            b".lck-e00309000100000g",
            b"lck-e003090001000000",
        ] {
            assert_eq!(LockName::parse(name), None);
        }
    }

    #[test]
    fn a_lock_beside_its_file_names_it_and_a_member_does_not() {
        let beside = |target: &str| Some(LockName::Beside { target: target.into() });
        assert_eq!(LockName::parse(b"a b.vmdk.lck"), beside("a b.vmdk"));
        assert_eq!(LockName::parse(b"disk.vmdk.WRITELOCK"), beside("disk.vmdk"));
        assert_eq!(LockName::parse(b"M12345.lck"), Some(LockName::Member));
        assert_eq!(LockName::parse(b"M1234.lck"), beside("M1234"));
        let Some(LockName::Beside { target }) = LockName::parse(b"\xE9.vmx.lck") else {
            panic!("a name that is not Unicode is a name");
        };
        assert_eq!(target.raw(), b"\xE9.vmx");
        assert_eq!(LockName::parse(b".lck"), None);
    }

    #[test]
    fn the_body_of_an_nfs_lock_names_its_host() {
        let mut body = vec![0; 84];
        body[0..4].copy_from_slice(&[0x78, 0x56, 0x34, 0x12]);
        body[0x10] = 1;
        body[0x14..0x24].copy_from_slice(b"esx01.example.co");
        let lock = LockBody::read(&body, &Limits::default()).unwrap();
        assert_eq!(lock.holder(), Some("esx01.example.co"));
        assert_eq!(
            LockBody::read(&vec![0; 84], &Limits::default()),
            Ok(LockBody::default())
        );
        assert_eq!(LockBody::read(&[][..], &Limits::default()), Ok(LockBody::default()));
    }

    #[test]
    fn the_checksum_of_a_location_tells_a_lock_that_was_moved() {
        assert_eq!(location_checksum("a", false), 177_670);
        assert_eq!(location_checksum("A", true), 177_670);
        assert_ne!(location_checksum("A", false), 177_670);
        // Signed: -61 and -92 are added, not 195 and 164.
        let expected = 5381_u32
            .wrapping_mul(33)
            .wrapping_sub(61)
            .wrapping_mul(33)
            .wrapping_sub(92);
        assert_eq!(location_checksum("\u{e4}", false), expected);
    }

    #[test]
    fn the_member_of_a_hosted_lock_names_machine_and_process() {
        let mut body = b"uuid=00-11-22 4711-13346(vmware-vmx) 1 X 13346 lc=177670".to_vec();
        body.resize(512, 0);
        let lock = LockBody::read(&body, &Limits::default()).unwrap();
        assert_eq!(lock.holder(), Some("uuid=00-11-22"));
        assert_eq!(lock.process.as_deref(), Some("4711-13346(vmware-vmx)"));
        assert_eq!((lock.exclusive, lock.location_checksum), (Some(true), Some(177_670)));
        assert_eq!((lock.process_id, lock.ticket), (Some(4711), Some(1)));
        assert_eq!(lock.process_name.as_deref(), Some("vmware-vmx"));
    }
}
