//! Folders by their paths, with `walkdir`.

use std::{
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use walkdir::WalkDir;

#[cfg(not(target_os = "linux"))]
use super::Identity;
use super::{EntryKind, FileStat, FileTime, Names, no_folder_any_more};
#[cfg(windows)]
use crate::windows::{is_recalled, stat};
use crate::{file_reader, raw::RawPath};

/// The path of a folder.
#[derive(Debug)]
pub(crate) struct Dir {
    path: PathBuf,
    /// A root may be given as a link; a folder below it is one only if it was replaced behind our back.
    is_root: bool,
}

impl Dir {
    /// Takes a root, which may be given as a link.
    #[cfg_attr(unix, expect(clippy::unnecessary_wraps, reason = "the other form can fail"))]
    pub(crate) fn open_root(path: &Path) -> io::Result<Self> {
        #[cfg(windows)]
        let path = &crate::windows::verbatim(path)?;
        Ok(Self {
            path: path.to_owned(),
            is_root: true,
        })
    }

    /// Takes a folder of a folder.
    pub(crate) fn open_in(parent: &Self, name: &[u8]) -> io::Result<Self> {
        Ok(Self {
            path: parent.join(name)?,
            is_root: false,
        })
    }

    /// The same, if it lies on this device; `None` where it does not. `beat` is called before every request.
    pub(crate) fn open_on(parent: &Self, name: &[u8], device: u64, beat: &dyn Fn()) -> io::Result<Option<Self>> {
        let stat = stat(&parent.join(name)?)?;
        if stat.kind != EntryKind::Folder {
            return Err(no_folder_any_more());
        }
        beat();
        // What is mounted in a folder of Windows is a reparse point, which counts as a link and is not entered.
        let is_home = stat.device == device || cfg!(windows);
        is_home.then(|| Self::open_in(parent, name)).transpose()
    }

    /// A listing does not tell it, and what leads back to a folder above it is a link.
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "the other form has one")]
    pub(crate) fn identity(&self) -> Option<Identity> {
        None
    }

    /// Tells every name and what it stands for, in no order. `beat` is called before every request.
    pub(crate) fn list(&self, beat: &dyn Fn(), see: &mut dyn FnMut(&[u8], EntryKind)) -> io::Result<()> {
        let walk = WalkDir::new(&self.path)
            .min_depth(1)
            .max_depth(1)
            .follow_root_links(self.is_root);
        beat();
        for entry in walk {
            let entry = entry.map_err(plain)?;
            see(entry.file_name().as_encoded_bytes(), kind(entry.file_type()));
            beat();
        }
        Ok(())
    }

    /// What the file system says of a name.
    pub(crate) fn stat(&self, names: &Names, index: usize) -> io::Result<FileStat> {
        stat(&self.join(names.get(index))?)
    }

    /// Where a link leads.
    pub(crate) fn read_link(&self, name: &[u8]) -> io::Result<PathBuf> {
        std::fs::read_link(self.join(name)?)
    }

    /// Opens a file for reading.
    pub(crate) fn open_file(&self, name: &[u8]) -> io::Result<File> {
        file_reader::open_for_reading(&self.join(name)?)
    }

    fn join(&self, name: &[u8]) -> io::Result<PathBuf> {
        let name = RawPath::new(name).to_os();
        let name = name.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no name on this machine"))?;
        Ok(self.path.join(name))
    }
}

/// What the operating system said, without the path that `walkdir` adds.
fn plain(error: walkdir::Error) -> io::Error {
    error
        .into_io_error()
        .unwrap_or_else(|| io::Error::other("a loop of folders"))
}

fn kind(file_type: std::fs::FileType) -> EntryKind {
    if file_type.is_dir() {
        EntryKind::Folder
    } else if file_type.is_file() {
        EntryKind::File
    } else if file_type.is_symlink() {
        EntryKind::Link
    } else {
        EntryKind::Other
    }
}

#[cfg(unix)]
fn stat(path: &Path) -> io::Result<FileStat> {
    let metadata = std::fs::symlink_metadata(path)?;
    Ok(with_identity(file_stat(&metadata), &metadata))
}

/// What metadata tell on every platform: nothing that tells one file from another.
pub(crate) fn file_stat(metadata: &Metadata) -> FileStat {
    let time = |answer: io::Result<std::time::SystemTime>| {
        let time = answer.ok().and_then(|time| Timestamp::try_from(time).ok());
        time.map_or(FileTime::UNKNOWN, FileTime::from)
    };
    FileStat {
        kind: kind(metadata.file_type()),
        length: metadata.len(),
        allocated: None,
        modified: time(metadata.modified()),
        changed: FileTime::UNKNOWN,
        created: time(metadata.created()),
        device: 0,
        inode: 0,
        links: 1,
        read_only: metadata.permissions().readonly(),
        is_offline: is_recalled(metadata),
    }
}

#[cfg(unix)]
fn with_identity(stat: FileStat, metadata: &Metadata) -> FileStat {
    use std::os::unix::fs::MetadataExt;
    FileStat {
        device: metadata.dev(),
        inode: metadata.ino(),
        links: u32::try_from(metadata.nlink()).unwrap_or(u32::MAX),
        allocated: metadata.blocks().checked_mul(512),
        changed: u32::try_from(metadata.ctime_nsec()).map_or(FileTime::UNKNOWN, |nanoseconds| FileTime {
            seconds: metadata.ctime(),
            nanoseconds,
        }),
        ..stat
    }
}

/// Elsewhere no attribute says so.
#[cfg(unix)]
fn is_recalled(_: &Metadata) -> bool {
    false
}
