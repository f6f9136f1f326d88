//! What the file system says of an inspected file: the same that a scan asks for.

use std::{io, path::Path};

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    crawl::{Dir, FileRecord},
    raw::RawPath,
    volume::{self, MountTable},
};

/// What the file system says of one file, besides its length.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileSystemFacts {
    /// Type of the file system as the operating system names it (`ext4`, `nfs4`, `fuse.vmfs-fuse`, `NTFS` …).
    #[serde(rename = "type")]
    pub file_system: Option<String>,
    /// Blocks × 512; `None` where the file system does not know.
    pub allocated_bytes: Option<u64>,
    /// Last change of the content.
    pub modified: Option<Timestamp>,
    /// Last change of the inode.
    pub changed: Option<Timestamp>,
    /// Creation.
    pub created: Option<Timestamp>,
    /// Number of the device; `None` where there is none.
    pub device: Option<u64>,
    /// Inode or file id; `None` where nothing tells one file from another.
    pub inode: Option<u64>,
    /// Number of hard links.
    pub links: u64,
    /// Nobody may write to it: the attribute of Windows, or no write permission in its mode.
    pub read_only: bool,
}

impl FileSystemFacts {
    /// Asks the file system.
    ///
    /// # Errors
    /// What the operating system said of the file, or of the folder that it lies in.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let dir = Dir::open_root(folder.unwrap_or(Path::new(".")))?;
        let mounts = MountTable::load();
        let entry = FileRecord::ask(&dir, RawPath::from_os(path).name())?.entry(0, RawPath::default(), &mounts);
        let known = |number: u64| Some(number).filter(|number| *number != 0);
        let device = known(entry.device);
        Ok(Self {
            file_system: volume::file_system(path, device, &mounts).0,
            allocated_bytes: entry.allocated,
            modified: entry.modified,
            changed: entry.changed,
            created: entry.created,
            device,
            inode: known(entry.inode),
            links: entry.links,
            read_only: entry.read_only,
        })
    }
}
