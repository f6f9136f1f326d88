//! What is different on Windows, all of it: names, long paths, attributes, and the opening of files.
//!
//! Names are UTF-16 there and need not be Unicode; [`RawPath`](crate::raw::RawPath) holds them as WTF-8, which is what the
//! standard library calls their encoded bytes. A root is walked by its verbatim path (`\\?\C:\…`): then no path is too long,
//! and a file called `con` or `disk.vhdx.` (with a full stop at its end), which NTFS takes and Win32 twists, is itself.

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

/// Open a reparse point itself, not what it stands for.
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;

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

/// Volume and number of a file or folder, for itself or what a link leads to.
///
/// # Errors
/// When it cannot be opened or asked.
pub(crate) fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let information = winapi_util::file::information(winapi_util::Handle::from_path_any(path)?)?;
    Ok((information.volume_serial_number(), information.file_index()))
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
}
