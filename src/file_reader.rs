//! The one place that opens a file of a datastore: for reading only, never through a link, never blocking.
//!
//! A [`FileReader`] reads the first 64 KiB once and keeps them, because nearly all that is asked of a file lies there
//! and a second read is a second round trip on a share. Everything else is read at its place, with a bounded length:
//! a file is never mapped, since another host may shorten it under us.

use std::{
    fs::{File, Metadata},
    io,
    path::Path,
};

use derelict_parsers::ReadAt;
use jiff::Timestamp;

use crate::{
    crawl::{Dir, workers::Pulse},
    volume,
};

/// What is read of every file that is opened: one read of this many bytes costs hardly more than one of 4 KiB.
pub const HEAD_BYTES: u64 = 64 << 10;

/// What tells that a file is still the one that it was, with the content that it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    /// Bytes.
    pub(crate) length: u64,
    /// Last change of the content.
    pub(crate) modified: Option<Timestamp>,
    /// `None` where there is no such thing, or none that stays.
    pub(crate) inode: Option<u64>,
}

impl Version {
    fn of(file: &File, metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok()),
            inode: volume::inode(file, metadata),
        }
    }

    /// What differs, in words; `None` when nothing does.
    pub(crate) fn change_to(self, now: Self) -> Option<String> {
        let mut changes = Vec::new();
        if self.length != now.length {
            changes.push(format!("its length from {} to {} bytes", self.length, now.length));
        }
        if let (Some(then), Some(now)) = (self.modified, now.modified)
            && then != now
        {
            changes.push(format!("its time of modification from {then} to {now}"));
        }
        if let (Some(then), Some(now)) = (self.inode, now.inode)
            && then != now
        {
            changes.push(format!("its inode from {then} to {now}"));
        }
        (!changes.is_empty()).then(|| changes.join(", "))
    }
}

/// A regular file that is open for reading.
#[derive(Debug)]
pub struct FileReader {
    file: File,
    opened: Version,
    head: Vec<u8>,
    pulse: Option<Pulse>,
}

impl FileReader {
    /// Opens a regular file and reads its head.
    ///
    /// # Errors
    /// What the operating system said; `InvalidInput` when it is no regular file (any more).
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::start(open_for_reading(path)?, None)
    }

    /// The same by its name in an open folder. `pulse` beats before every read.
    pub(crate) fn open_in(dir: &Dir, name: &[u8], pulse: Option<&Pulse>) -> io::Result<Self> {
        Self::start(dir.open_file(name)?, pulse.cloned())
    }

    fn start(file: File, pulse: Option<Pulse>) -> io::Result<Self> {
        beat(pulse.as_ref());
        let opened = version(&file)?;
        let mut head = vec![0; usize::try_from(opened.length.min(HEAD_BYTES)).unwrap_or(0)];
        let got = fill(&file, 0, &mut head, pulse.as_ref())?;
        head.truncate(got);
        Ok(Self {
            file,
            opened,
            head,
            pulse,
        })
    }

    /// The first 64 KiB, or all there is.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// What it was when it was opened.
    pub(crate) fn opened(&self) -> Version {
        self.opened
    }

    /// What it is now.
    pub(crate) fn version(&self) -> io::Result<Version> {
        beat(self.pulse.as_ref());
        version(&self.file)
    }
}

/// What the file system says of a file that is opened for it and not read: a client of a share asks the server then.
///
/// # Errors
/// What the operating system said; `InvalidInput` when it is no regular file (any more).
pub fn metadata(path: &Path) -> io::Result<Metadata> {
    let metadata = open_for_reading(path)?.metadata()?;
    if metadata.is_file() {
        return Ok(metadata);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "is no regular file"))
}

impl ReadAt for FileReader {
    fn len(&self) -> u64 {
        self.opened.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(bytes) = self.held(offset, buffer.len()) {
            buffer.copy_from_slice(bytes);
            return Ok(bytes.len());
        }
        fill(&self.file, offset, buffer, self.pulse.as_ref())
    }

    fn held(&self, offset: u64, length: usize) -> Option<&[u8]> {
        self.head.as_slice().held(offset, length)
    }

    fn next_data(&self, offset: u64) -> u64 {
        beat(self.pulse.as_ref());
        next_data(&self.file, offset, self.opened.length)
    }
}

fn beat(pulse: Option<&Pulse>) {
    if let Some(pulse) = pulse {
        pulse.beat();
    }
}

/// What a file is now.
///
/// # Errors
/// What the operating system said; `InvalidInput` when it is no regular file (any more).
pub(crate) fn version(file: &File) -> io::Result<Version> {
    let metadata = file.metadata()?;
    if metadata.is_file() {
        return Ok(Version::of(file, &metadata));
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "is no regular file"))
}

/// Asks the file system where data begin behind a hole.
#[cfg(target_os = "linux")]
pub(crate) fn next_data(file: &File, offset: u64, length: u64) -> u64 {
    use rustix::{
        fs::{SeekFrom, seek},
        io::Errno,
    };

    match seek(file, SeekFrom::Data(offset)) {
        Ok(data) => data.clamp(offset, length.max(offset)),
        Err(Errno::NXIO) => length.max(offset),
        // A file system that knows of no holes.
        Err(_) => offset,
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn next_data(_: &File, offset: u64, _: u64) -> u64 {
    offset
}

/// Opens without following a link, without waiting for a FIFO or a lease, and without touching the access time where
/// the system allows that.
#[cfg(unix)]
pub(crate) fn open_for_reading(path: &Path) -> io::Result<File> {
    use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt};

    use rustix::fs::OFlags;

    let open = |flags: OFlags| {
        OpenOptions::new()
            .read(true)
            .custom_flags(i32::try_from(flags.bits()).unwrap_or(0))
            .open(path)
    };
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    #[cfg(target_os = "linux")]
    {
        let quiet = open(flags | OFlags::NOATIME);
        // Only the owner of a file may leave its access time alone.
        if !matches!(&quiet, Err(error) if error.kind() == io::ErrorKind::PermissionDenied) {
            return quiet;
        }
    }
    open(flags)
}

#[cfg(windows)]
pub(crate) use crate::windows::open_for_reading;

/// Reads until the buffer is full or the file ends.
pub(crate) fn fill(file: &File, offset: u64, buffer: &mut [u8], pulse: Option<&Pulse>) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let place = offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        beat(pulse);
        match read_once(file, place, rest) {
            Ok(0) => break,
            Ok(count) => {
                filled = filled.saturating_add(count);
                if let Some(pulse) = pulse {
                    pulse.answered();
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(unix)]
fn read_once(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_once(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    crate::windows::read_at(file, offset, buffer)
}

/// True when an error of opening or reading says that somebody else holds the file.
///
/// `smb`: the file lies on an SMB share, where a refused *read* of a file that could be opened is a byte-range lock.
pub fn is_sharing_violation(os_error: Option<i32>, while_reading: bool, smb: bool) -> bool {
    os_error.is_some_and(|code| is_held(code, while_reading && smb))
}

/// Linux's numbers: an SMB client maps a sharing violation to EBUSY (older ones to ETXTBSY), a lease gives EAGAIN, and a
/// byte-range lock refuses a read with EACCES.
#[cfg(unix)]
fn is_held(code: i32, while_reading_by_smb: bool) -> bool {
    const EBUSY: i32 = 16;
    const ETXTBSY: i32 = 26;
    const EAGAIN: i32 = 11;
    const EACCES: i32 = 13;
    [EBUSY, ETXTBSY, EAGAIN].contains(&code) || code == EACCES && while_reading_by_smb
}

#[cfg(windows)]
fn is_held(code: i32, _: bool) -> bool {
    crate::windows::HELD.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_inside_across_and_behind_the_head() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let bytes: Vec<u8> = (0..=250).cycle().take(65536 + 100).collect();
        std::fs::write(&path, &bytes).unwrap();
        let reader = FileReader::open(&path).unwrap();
        assert_eq!(reader.head(), &bytes[..65536]);
        assert_eq!(reader.exact("test", 10, 20).unwrap(), &bytes[10..30]);
        assert_eq!(reader.exact("test", 65530, 50).unwrap(), &bytes[65530..65580]);
        assert_eq!(reader.up_to("test", 65600, 1000).unwrap(), &bytes[65600..]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_opened_and_a_fifo_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
        assert!(FileReader::open(&link).is_err());
        let fifo = folder.path().join("fifo");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let error = FileReader::open(&fifo).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[cfg(unix)]
    #[test]
    fn a_permission_error_is_no_sharing_violation_until_a_read_on_a_share() {
        const EBUSY: i32 = 16;
        const ETXTBSY: i32 = 26;
        const EACCES: i32 = 13;
        assert!(is_sharing_violation(Some(EBUSY), false, false));
        assert!(is_sharing_violation(Some(ETXTBSY), false, false));
        assert!(!is_sharing_violation(Some(EACCES), false, true));
        assert!(is_sharing_violation(Some(EACCES), true, true));
        assert!(!is_sharing_violation(Some(EACCES), true, false));
        assert!(!is_sharing_violation(None, true, true));
    }
}
