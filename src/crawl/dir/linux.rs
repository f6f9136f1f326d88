//! Folders by their descriptors.

use std::{
    cell::Cell,
    ffi::{CStr, OsString},
    fs::File,
    io,
    mem::MaybeUninit,
    os::{fd::OwnedFd, unix::ffi::OsStringExt},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RawDir, Statx, StatxFlags, StatxTimestamp, makedev, openat, readlinkat, statx,
};

use super::{EntryKind, FileStat, FileTime, Identity, Names, no_folder_any_more};

/// Bytes of names that one call asks for: some 500 names of usual length.
const LISTING_BYTES: usize = 32 << 10;

thread_local! {
    /// Each worker has one for all its folders.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Never through a link, never waiting for a FIFO or a lease, never mounting anything.
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);
/// Finds a folder without opening it.
const FIND: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// What tells a folder from others, and who may do what with it.
const WHO: StatxFlags = StatxFlags::TYPE
    .union(StatxFlags::UID)
    .union(StatxFlags::INO)
    .union(StatxFlags::MTIME)
    .union(StatxFlags::CTIME)
    .union(StatxFlags::MNT_ID);
const LOOK: AtFlags = AtFlags::SYMLINK_NOFOLLOW.union(AtFlags::NO_AUTOMOUNT);

/// An open folder.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    /// What was told when it was opened.
    identity: Option<Identity>,
}

impl Dir {
    fn of(fd: OwnedFd) -> Self {
        Self { fd, identity: None }
    }

    /// Opens a root, which may be given as a link.
    pub(crate) fn open_root(path: &Path) -> io::Result<Self> {
        let flags = FOLDER.difference(OFlags::NOFOLLOW);
        let open = |more| rustix::fs::open(path, flags.union(more), Mode::empty());
        Ok(Self::of(quietly(open)?))
    }

    /// Opens a folder of a folder.
    pub(crate) fn open_in(parent: &Self, name: &[u8]) -> io::Result<Self> {
        let open = |more| openat(&parent.fd, name, FOLDER.union(more), Mode::empty());
        Ok(Self::of(quietly(open)?))
    }

    /// The same, if it lies on this device; `None` where it does not. `beat` is called before every request.
    pub(crate) fn open_on(parent: &Self, name: &[u8], device: u64, beat: &dyn Fn()) -> io::Result<Option<Self>> {
        // A folder is found and not opened: nothing is mounted by that.
        let found = openat(&parent.fd, name, FIND, Mode::empty())?;
        // The server was asked just now, and neither of these changes.
        let known = AtFlags::EMPTY_PATH.union(AtFlags::STATX_DONT_SYNC);
        let stat = statx(&found, c"", known, WHO)?;
        if kind(FileType::from_raw_mode(stat.stx_mode.into())) != EntryKind::Folder {
            return Err(no_folder_any_more());
        }
        if identity(&stat).device != device {
            return Ok(None);
        }
        beat();
        // What was found is opened, and its name is not asked for again.
        let open = |more| openat(&found, c".", FOLDER.union(more), Mode::empty());
        // Who is refused pays for no second try: on a share that would be another round trip for every folder.
        let opened = if may_be_quiet(stat.stx_uid) {
            quietly(open)
        } else {
            open(OFlags::empty())
        };
        match opened {
            // Its names may be read and nothing in it be searched for, itself included.
            Err(rustix::io::Errno::ACCESS) => Self::open_in(parent, name).map(Some),
            opened => Ok(Some(Self {
                fd: opened?,
                identity: Some(identity(&stat)),
            })),
        }
    }

    /// `None` where it cannot be told.
    pub(crate) fn identity(&self) -> Option<Identity> {
        let known = AtFlags::EMPTY_PATH.union(AtFlags::STATX_DONT_SYNC);
        let ask = || statx(&self.fd, c"", known, WHO).ok();
        self.identity.or_else(|| Some(identity(&ask()?)))
    }

    /// Tells every name and what it stands for, in no order. `beat` is called before every request.
    pub(crate) fn list(&self, beat: &dyn Fn(), see: &mut dyn FnMut(&[u8], EntryKind)) -> io::Result<()> {
        let mut buffer = BUFFER.take();
        buffer.reserve(LISTING_BYTES);
        let listed = self.list_with(buffer.spare_capacity_mut(), beat, see);
        BUFFER.set(buffer);
        listed
    }

    fn list_with(
        &self,
        buffer: &mut [MaybeUninit<u8>],
        beat: &dyn Fn(),
        see: &mut dyn FnMut(&[u8], EntryKind),
    ) -> io::Result<()> {
        let mut listing = RawDir::new(&self.fd, buffer);
        loop {
            if listing.is_buffer_empty() {
                beat();
            }
            let Some(entry) = listing.next() else { return Ok(()) };
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems tell no type in the listing.
                FileType::Unknown => {
                    beat();
                    self.stat_name(name).map_or(EntryKind::Unknown, |stat| stat.kind)
                }
                known => kind(known),
            };
            see(name.to_bytes(), kind);
        }
    }

    /// What the file system says of a name.
    #[inline]
    pub(crate) fn stat(&self, names: &Names, index: usize) -> io::Result<FileStat> {
        let name = CStr::from_bytes_with_nul(names.terminated(index)).map_err(io::Error::other)?;
        self.stat_name(name)
    }

    #[inline]
    fn stat_name(&self, name: &CStr) -> io::Result<FileStat> {
        let wanted = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME);
        Ok(file_stat(&statx(&self.fd, name, LOOK, wanted)?))
    }

    /// Where a link leads.
    pub(crate) fn read_link(&self, name: &[u8]) -> io::Result<PathBuf> {
        let target = readlinkat(&self.fd, name, Vec::new())?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    /// Opens a file for reading, without touching its access time where the system allows that.
    pub(crate) fn open_file(&self, name: &[u8]) -> io::Result<File> {
        let open = |more| openat(&self.fd, name, FILE.union(more), Mode::empty());
        Ok(File::from(quietly(open)?))
    }
}

/// Opens without touching the access time, where the system allows that: only the owner and root may ask for it (open(2)).
fn quietly(open: impl Fn(OFlags) -> rustix::io::Result<OwnedFd>) -> rustix::io::Result<OwnedFd> {
    match open(OFlags::NOATIME) {
        Err(rustix::io::Errno::PERM) => open(OFlags::empty()),
        answer => answer,
    }
}

/// True where that may be allowed for what this user owns.
fn may_be_quiet(owner: u32) -> bool {
    static USER: LazyLock<u32> = LazyLock::new(|| rustix::process::geteuid().as_raw());
    *USER == 0 || *USER == owner
}

#[inline]
fn kind(file_type: FileType) -> EntryKind {
    match file_type {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Folder,
        FileType::Symlink => EntryKind::Link,
        _ => EntryKind::Other,
    }
}

fn identity(answer: &Statx) -> Identity {
    let tells_mount = answer.stx_mask & StatxFlags::MNT_ID.bits() != 0;
    Identity {
        mount: if tells_mount { answer.stx_mnt_id } else { 0 },
        device: makedev(answer.stx_dev_major, answer.stx_dev_minor),
        inode: answer.stx_ino,
        modified: time(&answer.stx_mtime),
        changed: time(&answer.stx_ctime),
    }
}

/// Write permissions of owner, group and others in a mode.
const WRITABLE: u16 = 0o222;

#[inline]
fn file_stat(answer: &Statx) -> FileStat {
    let has_birth = answer.stx_mask & StatxFlags::BTIME.bits() != 0;
    FileStat {
        kind: kind(FileType::from_raw_mode(answer.stx_mode.into())),
        length: answer.stx_size,
        allocated: answer.stx_blocks.checked_mul(512),
        modified: time(&answer.stx_mtime),
        changed: time(&answer.stx_ctime),
        created: if has_birth {
            time(&answer.stx_btime)
        } else {
            FileTime::UNKNOWN
        },
        device: makedev(answer.stx_dev_major, answer.stx_dev_minor),
        inode: answer.stx_ino,
        links: answer.stx_nlink,
        read_only: answer.stx_mode & WRITABLE == 0,
        // Linux does not tell: SMB's attribute is shown by no answer of the file system (assumed), and a file without blocks may be
        // sparse as well.
        is_offline: false,
    }
}

#[inline]
fn time(stamp: &StatxTimestamp) -> FileTime {
    FileTime {
        seconds: stamp.tv_sec,
        nanoseconds: stamp.tv_nsec,
    }
}
