//! What is different on Windows, all of it: names, long paths, attributes, what tells one file from another, and the
//! opening of files, what is said of a volume.
//!
//! Names are UTF-16 there and need not be Unicode; [`RawPath`](crate::raw::RawPath) holds them as WTF-8, which is what the
//! standard library calls their encoded bytes. A root is walked by its verbatim path (`\\?\C:\…`): then no path is too long,
//! and a file called `con` or `disk.vhdx.` (with a full stop at its end), which NTFS takes and Win32 twists, is itself.
//!
//! Nothing is told there of a file that is not open but what its folder lists: length, times and attributes. So [`stat`]
//! opens every file, for its attributes only, which hinders nobody and is hindered by nobody, and asks at that one open
//! for all the rest as well: number, links and allocated bytes.

use std::{
    ffi::OsString,
    fs::{File, Metadata, OpenOptions},
    io,
    os::windows::{
        ffi::OsStringExt,
        fs::{FileExt, MetadataExt, OpenOptionsExt},
    },
    path::{Component, Path, PathBuf, Prefix},
};

use winapi_util::file::Information;

use crate::{
    crawl::dir::{FileStat, file_stat},
    volume::Space,
};

/// Open a reparse point itself, not what it stands for.
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
/// Open folders too.
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;

const FILE_ATTRIBUTE_REPARSE_POINT: u32 = 0x400;
/// The content lies in an archive (`OFFLINE`), or a filter fetches it when the file is opened (`RECALL_ON_OPEN`) or read
/// (`RECALL_ON_DATA_ACCESS`): [MS-FSCC] 2.6.
const RECALLED: u32 = 0x1000 | 0x4_0000 | 0x40_0000;

/// Another process holds the file (`ERROR_SHARING_VIOLATION`), or a range of it (`ERROR_LOCK_VIOLATION`).
pub(crate) const HELD: [i32; 2] = [32, 33];

/// True when reading the file would bring its content back from an archive or a cloud.
pub(crate) fn is_recalled(metadata: &Metadata) -> bool {
    has_recalled_attribute(metadata.file_attributes())
}

fn has_recalled_attribute(attributes: u32) -> bool {
    attributes & RECALLED != 0
}

/// Opens a file for reading, for itself and not for what a link leads to, and nothing that would have to be recalled.
///
/// A file without a link's meaning may be a reparse point all the same: what data deduplication has taken apart is
/// readable only through its filter, so such a file is opened again, by its content.
pub(crate) fn open_for_reading(path: &Path) -> io::Result<File> {
    let open = |flags| OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = open(FILE_FLAG_OPEN_REPARSE_POINT)?;
    let metadata = file.metadata()?;
    if metadata.file_type().is_symlink() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is a link"));
    }
    if is_recalled(&metadata) {
        return Err(io::Error::other(
            "its content lies in an archive and was not brought back",
        ));
    }
    if metadata.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
        return open(0);
    }
    Ok(file)
}

/// True of a file, false of a pipe, a console or a device as `NUL`, of which [`File::metadata`] is an error.
pub(crate) fn is_on_disk(file: &File) -> io::Result<bool> {
    Ok(winapi_util::file::typ(file)?.is_disk())
}

/// Reads at a place; the position of the file moves, but nobody relies on it.
pub(crate) fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}

/// The path in the form that Win32 hands on as it is: `\\?\C:\a`, `\\?\UNC\server\share\a`. Devices (`\\.\…`) stay as
/// they are.
///
/// # Errors
/// When the current folder, from which a relative path begins, cannot be asked.
pub(crate) fn verbatim(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let mut components = path.components();
    let Some(Component::Prefix(prefix)) = components.next() else {
        return Ok(path);
    };
    let mut verbatim = OsString::from(r"\\?\");
    match prefix.kind() {
        Prefix::Disk(letter) => verbatim.push(format!("{}:", char::from(letter))),
        Prefix::UNC(server, share) => {
            verbatim.push(r"UNC\");
            verbatim.push(server);
            verbatim.push(r"\");
            verbatim.push(share);
        }
        _ => return Ok(path),
    }
    let rest = components.as_path();
    let is_bare = rest.as_os_str().is_empty();
    verbatim.push(if is_bare { Path::new(r"\") } else { rest });
    Ok(verbatim.into())
}

/// The path that these bytes (WTF-8) encode. `None` where they encode none.
pub(crate) fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    let mut wide: Vec<u16> = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let chunk = rest.utf8_chunks().next();
        let valid = chunk.map_or("", |chunk| chunk.valid());
        wide.extend(valid.encode_utf16());
        match rest.get(valid.len()..)? {
            [] => return Some(OsString::from_wide(&wide).into()),
            // A surrogate without its other half.
            [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, after @ ..] => {
                wide.push(0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f));
                rest = after;
            }
            _ => return None,
        }
    }
}

/// What the file system says of a name, at one open. A file that cannot be opened even so tells what its folder lists of it,
/// and nothing that tells it from others.
pub(crate) fn stat(path: &Path) -> io::Result<FileStat> {
    let attributes_only = OpenOptions::new()
        .access_mode(0)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS)
        .open(path);
    match attributes_only {
        Ok(file) => {
            let stat = file_stat(&file.metadata()?);
            let Ok(information) = winapi_util::file::information(&file) else {
                return Ok(stat);
            };
            let (device, inode) = numbers(&information).unwrap_or_default();
            Ok(FileStat {
                device,
                inode,
                links: u32::try_from(information.number_of_links()).unwrap_or(u32::MAX),
                allocated: fs4::FileExt::allocated_size(&file).ok(),
                ..stat
            })
        }
        Err(_) => Ok(file_stat(&std::fs::symlink_metadata(path)?)),
    }
}

/// Volume and number of a file or folder, for itself or what a link leads to; `None` where the file system numbers nothing.
///
/// # Errors
/// When it cannot be opened or asked.
pub(crate) fn identity(path: &Path) -> io::Result<Option<(u64, u64)>> {
    let information = winapi_util::file::information(winapi_util::Handle::from_path_any(path)?)?;
    Ok(numbers(&information))
}

/// Type of the file system that holds a path, and its space. `None` for what the system does not say.
///
/// A share tells what its server says of the volume behind it, so the type may be any text; one without a capital, which
/// no file system of Windows has, would be taken for one of Linux.
pub(crate) fn volume(path: &Path) -> (Option<String>, Option<Space>) {
    let volume = verbatim(path).ok();
    let Some(volume) = volume.and_then(|path| winsafe::GetVolumePathName(path.to_str()?).ok()) else {
        return (None, None);
    };
    let mut file_system = String::new();
    let named = winsafe::GetVolumeInformation(Some(&volume), None, None, None, None, Some(&mut file_system));
    let is_known = named.is_ok() && file_system.contains(|letter: char| letter.is_ascii_uppercase());
    let mut space = Space {
        capacity_bytes: 0,
        free_bytes: 0,
    };
    let (capacity, free) = (&mut space.capacity_bytes, &mut space.free_bytes);
    let asked = winsafe::GetDiskFreeSpaceEx(Some(&volume), None, Some(capacity), Some(free));
    (is_known.then_some(file_system), asked.is_ok().then_some(space))
}

/// The number of an open file; `None` where the file system has none.
pub(crate) fn number(file: &File) -> Option<u64> {
    let information = winapi_util::file::information(file).ok()?;
    numbers(&information).map(|(_, number)| number)
}

/// Serial number of the volume and number of the file in it. Those of ReFS have 128 bits, of which these are 64, so that two
/// files may, however unlikely, have one number: nobody takes two files for one that differ in length or time.
fn numbers(information: &Information) -> Option<(u64, u64)> {
    known_number(information.file_index()).map(|number| (information.volume_serial_number(), number))
}

/// A file system without numbers gives 0, or all bits set (`FILE_INVALID_FILE_ID`, [MS-FSCC] 2.4.26).
fn known_number(number: u64) -> Option<u64> {
    (number != 0 && number != u64::MAX).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_any_length_and_name_is_handed_on_as_it_is() {
        let paths = [
            (r"C:\ClusterStorage\Volume1", r"\\?\C:\ClusterStorage\Volume1"),
            (r"C:\", r"\\?\C:\"),
            (r"\\nas\vms\a", r"\\?\UNC\nas\vms\a"),
            (r"\\nas\vms", r"\\?\UNC\nas\vms\"),
            (
                r"\\?\Volume{26a21bda-a627-11d7-9931-806e6f6e6963}\a",
                r"\\?\Volume{26a21bda-a627-11d7-9931-806e6f6e6963}\a",
            ),
        ];
        for (path, expected) in paths {
            assert_eq!(verbatim(Path::new(path)).unwrap(), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn a_name_that_is_no_unicode_comes_back_as_it_was() {
        let name = OsString::from_wide(&[0x61, 0xd800, 0x62, 0xdfff]);
        assert_eq!(path_of(name.as_encoded_bytes()), Some(name.into()));
        assert_eq!(path_of("Köln 😀.vhdx".as_bytes()), Some("Köln 😀.vhdx".into()));
        assert_eq!(path_of(b""), Some("".into()));
        for none in [&b"\xff"[..], b"\xed\xa0", b"a\xed\xa0a"] {
            assert_eq!(path_of(none), None, "{none:?}");
        }
    }

    #[test]
    fn what_lies_in_an_archive_or_a_cloud_is_told_by_its_attributes() {
        for recalled in [0x1000, 0x4_0000, 0x40_0000, 0x1020] {
            assert!(has_recalled_attribute(recalled), "{recalled:#x}");
        }
        // READONLY, ARCHIVE, SPARSE_FILE, REPARSE_POINT, COMPRESSED, PINNED.
        for here in [0, 0x1, 0x20, 0x200, 0x400, 0x800, 0x8_0000] {
            assert!(!has_recalled_attribute(here), "{here:#x}");
        }
    }

    #[test]
    fn a_file_has_its_number_under_every_name() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other, third] = ["one", "other", "third"].map(|name| folder.path().join(name));
        std::fs::write(&one, vec![1; 70_000]).unwrap();
        std::fs::hard_link(&one, &other).unwrap();
        std::fs::write(&third, "").unwrap();
        let [one_stat, other_stat, third_stat] = [&one, &other, &third].map(|path| stat(path).unwrap());
        assert_ne!(one_stat.inode, 0);
        assert_eq!((one_stat.device, one_stat.inode), (other_stat.device, other_stat.inode));
        assert_eq!([one_stat.links, other_stat.links, third_stat.links], [2, 2, 1]);
        assert_ne!(one_stat.inode, third_stat.inode);
        assert!(one_stat.allocated.unwrap() >= 70_000);
        assert_eq!((one_stat.length, third_stat.length), (70_000, 0));
        let open = open_for_reading(&other).unwrap();
        assert_eq!(number(&open), Some(one_stat.inode));
        assert_eq!(identity(&one).unwrap(), Some((one_stat.device, one_stat.inode)));
    }

    #[test]
    fn a_file_that_somebody_holds_for_himself_tells_its_number_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("held.vhdx");
        std::fs::write(&path, "x").unwrap();
        let known = stat(&path).unwrap();
        let held = OpenOptions::new()
            .read(true)
            .write(true)
            .share_mode(0)
            .open(&path)
            .unwrap();
        let error = open_for_reading(&path).unwrap_err();
        assert!(HELD.contains(&error.raw_os_error().unwrap()), "{error}");
        assert_eq!(stat(&path).unwrap().inode, known.inode);
        drop(held);
    }

    #[test]
    fn a_folder_tells_the_type_and_the_space_of_its_volume() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), verbatim(folder.path()).unwrap()] {
            let (file_system, space) = volume(&path);
            // Wine says so of whatever lies below its drive.
            assert_eq!(file_system.as_deref(), Some("NTFS"), "{path:?}");
            let space = space.unwrap();
            assert!(space.capacity_bytes >= space.free_bytes && space.capacity_bytes > 0);
        }
        assert_eq!(volume(Path::new(r"Q:\no\such\drive")), (None, None));
    }

    #[test]
    fn what_is_no_number_numbers_nothing() {
        for none in [0, u64::MAX] {
            assert_eq!(known_number(none), None);
        }
        assert_eq!(known_number(1), Some(1));
    }
}
