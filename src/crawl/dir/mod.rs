//! A folder that is open for looking at: its names, what the file system says of them, and the opening of its files.
//!
//! Two forms behind one interface. On Linux everything is asked relative to the descriptor of the folder: no path is
//! walked again for every name (on a share without an attribute cache that is a round trip for every part), nothing is
//! lost where a path grows longer than the system takes, and a folder that is replaced by a link behind our back leads
//! nowhere. Elsewhere it is `walkdir`; on Windows every file is opened for its attributes, since a listing does not tell one
//! file from another there.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(test, not(target_os = "linux")))]
mod portable;

use std::io;

use jiff::Timestamp;

#[cfg(target_os = "linux")]
pub(crate) use linux::Dir;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::Dir;
#[cfg(windows)]
pub(crate) use portable::file_stat;

/// What a name in a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Folder,
    Link,
    /// A socket, FIFO or device.
    Other,
    /// The listing tells no type, and who asks gets no answer: it may be a folder. walkdir has a type for every entry, or an error.
    Unknown,
}

/// 1980-01-02, since when a time is one that somebody set: nothing that VMs use is older.
const FIRST_KNOWN: Timestamp = Timestamp::constant(315_619_200, 0);

/// A time as the file system tells it. Of most files nobody asks for it: it becomes a [`Timestamp`] where somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileTime {
    /// Since 1970 in UTC.
    seconds: i64,
    /// Behind the second; too many for one where the time is not known.
    nanoseconds: u32,
}

impl FileTime {
    const UNKNOWN: Self = Self {
        seconds: 0,
        nanoseconds: u32::MAX,
    };

    /// The time; `None` where it is not known. File systems and archives that do not know one give 0 of their own count:
    /// 1601 on Windows, 1970 on Unix, 1980 on FAT and in ZIP, which counts in local time.
    pub(crate) fn known(self) -> Option<Timestamp> {
        let time = Timestamp::new(self.seconds, i32::try_from(self.nanoseconds).ok()?).ok()?;
        (time >= FIRST_KNOWN).then_some(time)
    }
}

#[cfg(any(test, not(target_os = "linux")))]
impl From<Timestamp> for FileTime {
    /// Times before 1970 count their nanoseconds forward from a whole second, as those of a file system do.
    fn from(time: Timestamp) -> Self {
        let (seconds, nanoseconds) = (time.as_second(), time.subsec_nanosecond());
        let (seconds, nanoseconds) = if nanoseconds < 0 {
            (seconds.saturating_sub(1), nanoseconds.saturating_add(1_000_000_000))
        } else {
            (seconds, nanoseconds)
        };
        u32::try_from(nanoseconds).map_or(Self::UNKNOWN, |nanoseconds| Self { seconds, nanoseconds })
    }
}

/// What tells an open folder from others. Two mounts of one folder are two: what lies below a mount is seen in one of them only.
/// Its number alone tells little: every subvolume of Btrfs that NFS exports begins with the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    /// 0 where the system does not tell.
    pub(crate) mount: u64,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) modified: FileTime,
    pub(crate) changed: FileTime,
}

/// What the file system says of a file. Small, for there is one of every file.
#[derive(Debug, Clone)]
pub(crate) struct FileStat {
    pub(crate) kind: EntryKind,
    /// Bytes.
    pub(crate) length: u64,
    /// Blocks × 512; `None` where the system does not tell.
    pub(crate) allocated: Option<u64>,
    pub(crate) modified: FileTime,
    pub(crate) changed: FileTime,
    pub(crate) created: FileTime,
    /// 0 where there is no such thing.
    pub(crate) device: u64,
    /// 0 where there is no such thing.
    pub(crate) inode: u64,
    pub(crate) links: u32,
    /// Nobody may write to it: the attribute of Windows, or no write permission in its mode.
    pub(crate) read_only: bool,
    /// Only a stub is here: reading it would bring the content back from an archive or a cloud.
    pub(crate) is_offline: bool,
}

/// Names of one folder, one behind the other: an allocation for each would cost as much as asking for it.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Each name with a NUL behind it, so that it can be handed to the system as it is.
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

/// What room is made for at once: most folders have fewer names, and shorter ones.
const USUAL_NAMES: usize = 64;
const USUAL_NAME_BYTES: usize = 16;

impl Names {
    pub(crate) fn push(&mut self, name: &[u8]) {
        if self.starts.is_empty() {
            self.starts.reserve(USUAL_NAMES);
            self.bytes.reserve(USUAL_NAMES.saturating_mul(USUAL_NAME_BYTES));
        }
        self.starts.push(self.bytes.len());
        self.bytes.extend_from_slice(name);
        self.bytes.push(0);
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The name at this place, with its NUL.
    fn terminated(&self, index: usize) -> &[u8] {
        let start = self.starts.get(index).copied().unwrap_or(self.bytes.len());
        let end = self
            .starts
            .get(index.saturating_add(1))
            .copied()
            .unwrap_or(self.bytes.len());
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The name at this place; empty behind the last.
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        self.terminated(index).split_last().map_or(&[], |(_, name)| name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// It was replaced since its folder was listed.
fn no_folder_any_more() -> io::Error {
    io::Error::other("is no folder any more")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_were() {
        let mut names = Names::default();
        for name in [&b"a"[..], b"", b"\xff x"] {
            names.push(name);
        }
        let all: Vec<&[u8]> = names.iter().collect();
        assert_eq!(all, [&b"a"[..], b"", b"\xff x"]);
        assert_eq!((names.len(), names.get(3)), (3, &b""[..]));
    }

    /// Everything that the two forms tell of a folder must agree, for `walkdir` is the older and the better known.
    #[cfg(target_os = "linux")]
    #[test]
    fn both_forms_see_the_same() {
        use std::{
            collections::BTreeMap,
            os::unix::{ffi::OsStrExt, fs::symlink, net::UnixListener},
        };

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::create_dir(path.join("folder")).unwrap();
        std::fs::write(path.join("file äö"), vec![1; 70_000]).unwrap();
        std::fs::write(path.join(std::ffi::OsStr::from_bytes(b"not \xff unicode\n")), "x").unwrap();
        std::fs::hard_link(path.join("file äö"), path.join("linked")).unwrap();
        std::fs::File::create(path.join("sparse"))
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
        symlink("nowhere", path.join("link")).unwrap();
        let _socket = UnixListener::bind(path.join("socket")).unwrap();
        for number in 0..3000 {
            std::fs::write(path.join(format!("{number:0200}")), "").unwrap();
        }

        let mut seen = BTreeMap::new();
        let dir = Dir::open_root(path).unwrap();
        dir.list(&|| {}, &mut |name, kind| {
            seen.insert(name.to_vec(), kind);
        })
        .unwrap();
        let mut expected = BTreeMap::new();
        let oracle = portable::Dir::open_root(path).unwrap();
        oracle
            .list(&|| {}, &mut |name, kind| {
                expected.insert(name.to_vec(), kind);
            })
            .unwrap();
        assert_eq!(seen.len(), 3007);
        assert_eq!(seen, expected);

        let mut names = Names::default();
        for name in seen.keys() {
            names.push(name);
        }
        for index in 0..names.len() {
            let (one, other) = (dir.stat(&names, index).unwrap(), oracle.stat(&names, index).unwrap());
            assert_eq!(format!("{one:?}"), format!("{other:?}"));
        }
        let target = dir.read_link(b"link").unwrap();
        assert_eq!(target, oracle.read_link(b"link").unwrap());
        assert!(Dir::open_in(&dir, b"link").is_err(), "a link is not entered");
        assert!(Dir::open_in(&dir, b"folder").is_ok());
        let device = dir.stat(&names, 0).unwrap().device;
        for (home, is_there) in [(device, true), (device.wrapping_add(1), false)] {
            assert_eq!(Dir::open_on(&dir, b"folder", home, &|| {}).unwrap().is_some(), is_there);
            let known = portable::Dir::open_on(&oracle, b"folder", home, &|| {}).unwrap();
            assert_eq!(known.is_some(), is_there);
        }
        assert!(
            Dir::open_on(&dir, b"link", device, &|| {}).is_err(),
            "a link is not entered"
        );
        assert!(portable::Dir::open_on(&oracle, b"link", device, &|| {}).is_err());
        let inside = portable::Dir::open_in(&oracle, b"folder").unwrap();
        inside.list(&|| {}, &mut |_, _| unreachable!("it is empty")).unwrap();
        assert_eq!(
            oracle
                .open_file("file äö".as_bytes())
                .unwrap()
                .metadata()
                .unwrap()
                .len(),
            70_000
        );
    }
}
