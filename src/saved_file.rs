//! Files that cannot shrink under us: inventory exports and our own saved catalogues, mapped into memory.
//!
//! A live datastore file is never mapped: another host may truncate it, and touching a page past the new end ends the
//! process. Such files go through positioned reads. What is opened here was written by the user, for this run, and is
//! read from one end to the other at once.

use std::{fs::File, io, ops::Deref, path::Path};

use memmap2::Mmap;

/// The bytes of a file that somebody saved for us.
#[derive(Debug)]
pub struct SavedFile {
    /// `None` for an empty file, which cannot be mapped.
    map: Option<Mmap>,
}

impl SavedFile {
    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// What the operating system says; `InvalidInput` where it is no regular file.
    pub fn open(path: &Path) -> io::Result<Self> {
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Self { map: None });
        }
        map(&file).map(|map| Self { map: Some(map) })
    }
}

#[expect(
    unsafe_code,
    reason = "mapping a file is the one thing that the standard library has no safe form of"
)]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the mapping is read-only and private to this process, and only bytes are read through it, for which every
    // value is valid. The remaining risk of a mapping is that somebody truncates or rewrites the file while it is read:
    // exports and saved catalogues are finished files of the user, which is why nothing else is opened this way.
    unsafe { Mmap::map(file) }
}

impl Deref for SavedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_bytes_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export");
        std::fs::write(&path, b"abc").unwrap();
        assert_eq!(&*SavedFile::open(&path).unwrap(), b"abc");
    }

    #[test]
    fn an_empty_file_has_no_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty");
        std::fs::write(&path, b"").unwrap();
        assert!(SavedFile::open(&path).unwrap().is_empty());
    }

    #[test]
    fn a_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = SavedFile::open(folder.path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
