//! The files of a site in memory, and how they get onto a disk: with holes, times of their own, hard links and locks.
//!
//! A file that is there already is written in place, so that it keeps its inode. The only files that are taken away are
//! copies of what this program makes: the second name of a hard link that a checkout made a file of its own, and locks
//! that name an inode of an earlier run.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use derelict_parsers::testkit::{SparseFile, vmware};
use jiff::Timestamp;

/// Holes are made of whole blocks of this many bytes.
const BLOCK_BYTES: usize = 4096;

/// So many parts between holes an inode of ext4 describes itself. Where a file has more, a further block is allocated as
/// soon as it is on the disk: it is put there at once, so that its allocated bytes do not change during a scan.
const INODE_EXTENTS: usize = 4;

/// A site: everything below one folder.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Entry>,
    links: Vec<Link>,
    folders: Vec<String>,
    locks: Vec<Lock>,
}

#[derive(Debug)]
struct Entry {
    content: Vec<u8>,
    modified: Timestamp,
}

/// A second name of a file.
#[derive(Debug)]
struct Link {
    name: String,
    target: String,
}

/// An NFS lock of a file, named after its inode.
#[derive(Debug)]
struct Lock {
    target: String,
    host: String,
    modified: Timestamp,
}

impl Tree {
    /// Adds a file; `path` is relative to the site.
    pub(crate) fn file(&mut self, path: &str, content: impl Into<Content>, modified: Timestamp) {
        let Content(content) = content.into();
        let known = self.files.insert(path.to_owned(), Entry { content, modified });
        assert!(known.is_none(), "{path} is there twice");
    }

    /// Adds a second name of a file.
    pub(crate) fn link(&mut self, name: &str, target: &str) {
        self.links.push(Link {
            name: name.to_owned(),
            target: target.to_owned(),
        });
    }

    /// Adds a folder with nothing in it.
    pub(crate) fn empty_folder(&mut self, path: &str) {
        self.folders.push(path.to_owned());
    }

    /// Adds the lock that a host holds on a file of an NFS datastore.
    pub(crate) fn lock(&mut self, target: &str, host: &str, modified: Timestamp) {
        self.locks.push(Lock {
            target: target.to_owned(),
            host: host.to_owned(),
            modified,
        });
    }

    /// True when there is such a file.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Length of a file in bytes.
    pub(crate) fn length(&self, path: &str) -> usize {
        self.files[path].content.len()
    }

    /// Writes everything below `root`.
    pub(crate) fn write(&self, root: &Path) -> io::Result<()> {
        for folder in &self.folders {
            fs::create_dir_all(root.join(folder))?;
        }
        for (path, entry) in &self.files {
            write(&root.join(path), &entry.content, entry.modified)?;
        }
        for link in &self.links {
            self.write_link(root, link)?;
        }
        self.locks.iter().try_for_each(|lock| self.write_lock(root, lock))
    }

    fn write_link(&self, root: &Path, link: &Link) -> io::Result<()> {
        let (name, target) = (root.join(&link.name), root.join(&link.target));
        if fs::symlink_metadata(&name).is_ok() {
            if !holds(&name, &self.files[&link.target].content)? {
                let text = format!("{} is none of the sample files", name.display());
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
            }
            fs::remove_file(&name)?;
        }
        create_folder_of(&name)?;
        fs::hard_link(target, name)
    }

    /// Writes a lock, and takes away those that earlier runs made for other inodes.
    fn write_lock(&self, root: &Path, lock: &Lock) -> io::Result<()> {
        let target = root.join(&lock.target);
        let folder = target.parent().unwrap_or(root);
        let body = vmware::nfs_lock(&lock.host);
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let is_lock = path
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b".lck-"));
            let is_of_the_site = path
                .strip_prefix(root)
                .is_ok_and(|path| path.to_str().is_some_and(|path| self.files.contains_key(path)));
            if is_lock && !is_of_the_site && holds(&path, &body)? {
                fs::remove_file(path)?;
            }
        }
        let name = vmware::nfs_lock_name(inode(&target)?);
        write(&folder.join(name), &body, lock.modified)
    }
}

#[cfg(unix)]
fn inode(path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata(path)?.ino())
}

/// What comes nearest to it.
#[cfg(windows)]
fn inode(path: &Path) -> io::Result<u64> {
    let file = winapi_util::Handle::from_path_any(path)?;
    Ok(winapi_util::file::information(file)?.file_index())
}

/// Bytes of a file, with the zeros of its holes.
#[derive(Debug)]
pub(crate) struct Content(Vec<u8>);

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<SparseFile> for Content {
    fn from(file: SparseFile) -> Self {
        Self(file.to_vec())
    }
}

/// A file of `length_kib` KiB, of which the first `used_kib` hold data.
pub(crate) fn data(label: &str, length_kib: usize, used_kib: usize) -> Vec<u8> {
    let line = format!("{label}: data of a guest, made for the sample site\n");
    let mut bytes: Vec<u8> = line.bytes().cycle().take(used_kib * 1024).collect();
    bytes.resize(length_kib * 1024, 0);
    bytes
}

/// A time from its text, such as `2026-10-31T22:15:00Z`.
pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().expect("a time of the sample sites is written right")
}

/// True where a file holds these bytes and no more.
fn holds(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() || usize::try_from(metadata.len()) != Ok(bytes.len()) {
        return Ok(false);
    }
    let mut content = Vec::new();
    File::open(path)?.read_to_end(&mut content)?;
    Ok(content == bytes)
}

fn create_folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Writes a file in place. Blocks of zeros become holes.
fn write(path: &Path, content: &[u8], modified: Timestamp) -> io::Result<()> {
    create_folder_of(path)?;
    let mut file = File::options().write(true).create(true).truncate(true).open(path)?;
    file.set_len(u64::try_from(content.len()).unwrap_or(u64::MAX))?;
    let mut parts = 0;
    let mut after_hole = true;
    for (block, number) in content.chunks(BLOCK_BYTES).zip(0_u64..) {
        let is_hole = block.iter().all(|byte| *byte == 0);
        if !is_hole {
            parts += usize::from(after_hole);
            file.seek(SeekFrom::Start(number * 4096))?;
            file.write_all(block)?;
        }
        after_hole = is_hole;
    }
    if parts > INODE_EXTENTS {
        file.sync_all()?;
    }
    file.set_modified(modified.into())
}
