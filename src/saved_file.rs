//! Files that somebody saved for this run: inventory exports, rules, reports and our own catalogues.
//!
//! They may lie on a share that dies, so every question to their storage is asked on a thread of its own and waited for no
//! longer than a deadline ([`ask`]).
//!
//! On a local disk they cannot shrink under us: they were written by the user, for this run, and are read from one end to the
//! other at once. So they are mapped into memory there. Nowhere else is anything mapped: touching a page of a mapping has no
//! deadline, and what a share refuses then, or another host has cut off meanwhile, ends the process. A live datastore file is
//! never mapped, wherever it lies, and goes through positioned reads.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    ops::Deref,
    path::Path,
    time::{Duration, SystemTime},
};

use memmap2::Mmap;

use crate::{output::ask, volume};

/// How long an answer of the storage is waited for where the user says nothing.
pub const IO_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes that are asked for at a time: slow storage gives them within a deadline.
const BLOCK_BYTES: u64 = 1 << 20;

/// The bytes of a file that somebody saved for us.
#[derive(Debug)]
pub struct SavedFile {
    bytes: Bytes,
    modified: Option<SystemTime>,
}

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl SavedFile {
    /// Opens a regular file, and waits for no answer of its storage longer than `deadline`.
    ///
    /// # Errors
    /// What the operating system says; `InvalidInput` where it is no regular file; `TimedOut` where there is no answer.
    pub fn open(path: &Path, deadline: Duration) -> io::Result<Self> {
        let path = path.to_owned();
        let (opened, map) = ask(deadline, move || {
            let opened = Opened::of(&path)?;
            let map = opened.is_on_local_disk().then(|| map(&opened.file)).transpose()?;
            Ok((opened, map))
        })?;
        match map {
            Some(map) => Ok(Self {
                modified: opened.modified(),
                bytes: Bytes::Mapped(map),
            }),
            None => opened.read(u64::MAX, deadline),
        }
    }

    /// Reads no more than the first bytes of a regular file.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn start_of(path: &Path, bytes: u64, deadline: Duration) -> io::Result<Self> {
        let path = path.to_owned();
        ask(deadline, move || Opened::of(&path))?.read(bytes, deadline)
    }

    /// Last change of the content.
    pub fn modified(&self) -> Option<SystemTime> {
        self.modified
    }
}

/// A file that was asked nothing since.
struct Opened {
    file: File,
    metadata: Metadata,
}

impl Opened {
    fn of(path: &Path) -> io::Result<Self> {
        // Asked before: to open a device or FIFO is an act of its own.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        Ok(Self { file, metadata })
    }

    /// An empty file cannot be mapped.
    fn is_on_local_disk(&self) -> bool {
        self.metadata.len() > 0 && volume::is_on_local_disk(&self.metadata)
    }

    fn modified(&self) -> Option<SystemTime> {
        self.metadata.modified().ok()
    }

    /// Reads so many bytes, or all there are.
    fn read(self, most: u64, deadline: Duration) -> io::Result<SavedFile> {
        let modified = self.modified();
        let mut file = self.file;
        let mut bytes = Vec::new();
        let length = usize::try_from(self.metadata.len().min(most)).unwrap_or(usize::MAX);
        // With one byte more the end of the file shows without making room anew.
        bytes.try_reserve_exact(length.saturating_add(1))?;
        loop {
            let before = bytes.len();
            let left = most.saturating_sub(number(before));
            // They go to the thread that asks and come back longer.
            (file, bytes) = ask(deadline, move || {
                (&file).take(left.min(BLOCK_BYTES)).read_to_end(&mut bytes)?;
                Ok((file, bytes))
            })?;
            if bytes.len() == before {
                break;
            }
        }
        // To close a file is a question too. That it has no answer changes nothing of what was read.
        let _ = ask(deadline, move || {
            drop(file);
            Ok(())
        });
        let bytes = Bytes::Read(bytes);
        Ok(SavedFile { bytes, modified })
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

fn number(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

impl Deref for SavedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped(map) => map,
            Bytes::Read(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: Duration = Duration::from_mins(10);

    #[test]
    fn gives_the_bytes_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export");
        for length in [0, 3, 1 << 20, (2 << 20) + 5] {
            let bytes: Vec<u8> = (0..length).map(|place: u32| place.to_le_bytes()[1]).collect();
            std::fs::write(&path, &bytes).unwrap();
            assert!(*SavedFile::open(&path, PATIENT).unwrap() == bytes, "{length}");
            let read = Opened::of(&path).unwrap().read(u64::MAX, PATIENT).unwrap();
            assert!(*read == bytes, "{length}");
            let start = bytes.get(..7).unwrap_or(&bytes);
            assert_eq!(&*SavedFile::start_of(&path, 7, PATIENT).unwrap(), start, "{length}");
        }
    }

    #[test]
    fn a_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = SavedFile::open(folder.path(), PATIENT).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
