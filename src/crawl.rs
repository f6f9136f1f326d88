//! Roots to folders, in parallel: one task for each folder, on a pool of its own size.
//!
//! A task lists its folder, starts a task for every folder in it, asks for the length and times of its files (in batches
//! where there are many, so that one huge folder on a slow share is no queue), and hands the [`Folder`] on. Nothing is
//! opened here. Links are recorded, never followed; sockets, FIFOs and devices are recorded; storage snapshots, excluded
//! places and other file systems are left out and named. What fails is an issue of the folder and costs nothing else.

use std::{
    fs::Metadata,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use globset::GlobSet;
use jiff::Timestamp;
use rayon::Scope;
use walkdir::WalkDir;

use crate::{
    catalogue::{Entry, Issue, SkipReason, Skipped, Special, Stage},
    raw::RawPath,
    volume::MountTable,
};

/// Files whose metadata one task asks for. On a share every answer is a round trip: batches of 16 to 64 were best.
const STAT_BATCH: usize = 32;

/// Folders in which the storage keeps older versions of everything (V81, H-B10, H-F9). Exact names; those of Windows
/// without case.
const SNAPSHOT_FOLDERS: [&str; 4] = [".snapshot", "~snapshot", "#snapshot", ".zfs"];
const SNAPSHOT_FOLDERS_OF_WINDOWS: [&str; 2] = ["System Volume Information", "DfsrPrivate"];

/// What the crawl knows of one root.
#[derive(Debug)]
pub(crate) struct Root {
    /// The folder as given.
    pub(crate) path: PathBuf,
    /// Its device number, where there is such a thing.
    pub(crate) device: Option<u64>,
}

/// What holds for the whole crawl.
#[derive(Debug)]
pub(crate) struct Crawl<'a> {
    pub(crate) roots: Vec<Root>,
    pub(crate) exclude: &'a GlobSet,
    pub(crate) cross_file_systems: bool,
    pub(crate) mounts: MountTable,
}

/// One folder with everything that lies directly in it.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    /// Index of its root.
    pub(crate) root: usize,
    /// Relative to the root.
    pub(crate) path: RawPath,
    /// False for a place that was left out or could not be listed: it only carries the reason.
    pub(crate) entered: bool,
    /// It holds nothing at all.
    pub(crate) is_empty: bool,
    pub(crate) files: Vec<FileRecord>,
    pub(crate) specials: Vec<Special>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) issues: Vec<Issue>,
}

/// A regular file of a folder.
#[derive(Debug)]
pub(crate) struct FileRecord {
    pub(crate) name: Vec<u8>,
    /// What the file system says of it; else why it says nothing: the file was listed, so it is there all the same.
    pub(crate) metadata: Result<Metadata, String>,
}

/// Where finished folders go. Dropped when the last task is done.
pub(crate) type Visitor<'scope> = Arc<dyn Fn(&Scope<'scope>, Folder) + Send + Sync + 'scope>;

impl Crawl<'_> {
    /// Path of a file or folder on this machine.
    pub(crate) fn os_path(&self, root: usize, relative: &Path) -> PathBuf {
        let base = self.roots.get(root).map(|root| root.path.clone()).unwrap_or_default();
        if relative.as_os_str().is_empty() {
            base
        } else {
            base.join(relative)
        }
    }

    /// Crawls one folder and, in tasks of their own, all below it.
    pub(crate) fn enter<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        root: usize,
        relative: PathBuf,
        visit: Visitor<'scope>,
    ) {
        let mut folder = Folder {
            root,
            path: RawPath::from_os(&relative),
            ..Folder::default()
        };
        let path = self.os_path(root, &relative);
        match self.reason_to_stay_out(root, &relative, &path) {
            Ok(None) => {}
            Ok(Some(why)) => {
                folder.skip(folder.path.clone(), true, why);
                return visit(scope, folder);
            }
            Err(error) => {
                folder.folder_issue(&error);
                return visit(scope, folder);
            }
        }
        let listing = self.list(&mut folder, &relative, &path);
        for name in listing.folders {
            let visit = Arc::clone(&visit);
            scope.spawn(move |scope| self.enter(scope, root, name, visit));
        }
        let stat = move |name: Vec<u8>, path: PathBuf| (std::fs::symlink_metadata(&path), name);
        fan_out(
            scope,
            listing.files,
            STAT_BATCH,
            move |(name, path)| stat(name, path),
            move |scope, answers| {
                for (answer, name) in answers {
                    folder.add(answer, name);
                }
                visit(scope, folder);
            },
        );
    }

    /// Why a folder is not entered.
    fn reason_to_stay_out(&self, root: usize, relative: &Path, path: &Path) -> std::io::Result<Option<SkipReason>> {
        if relative.as_os_str().is_empty() {
            return Ok(None);
        }
        if is_storage_snapshot(relative) {
            return Ok(Some(SkipReason::StorageSnapshot));
        }
        if self.exclude.is_match(relative) {
            return Ok(Some(SkipReason::Excluded));
        }
        if self.cross_file_systems {
            return Ok(None);
        }
        let metadata = std::fs::symlink_metadata(path)?;
        if !metadata.is_dir() {
            return Err(std::io::Error::other("is no folder any more"));
        }
        let home = self.roots.get(root).and_then(|root| root.device);
        Ok((home.is_some() && device(&metadata) != home).then_some(SkipReason::OtherFileSystem))
    }

    /// Names in a folder, divided by what they are.
    fn list(&self, folder: &mut Folder, relative: &Path, path: &Path) -> Listing {
        let mut listing = Listing::default();
        let mut count = 0_usize;
        let mut refused = false;
        // A root may be given as a link; a folder below it is one only if it was replaced behind our back.
        let walk = WalkDir::new(path)
            .min_depth(1)
            .max_depth(1)
            .follow_root_links(relative.as_os_str().is_empty());
        for entry in walk {
            count = count.saturating_add(1);
            match entry {
                Ok(entry) => self.sort_in(folder, &mut listing, relative, &entry),
                Err(error) => {
                    refused |= count == 1;
                    folder.folder_issue(&plain(error));
                }
            }
        }
        folder.entered = !refused;
        folder.is_empty = count == 0;
        listing
    }

    fn sort_in(&self, folder: &mut Folder, listing: &mut Listing, relative: &Path, entry: &walkdir::DirEntry) {
        let name = entry.file_name();
        let kind = entry.file_type();
        if kind.is_dir() {
            listing.folders.push(relative.join(name));
            return;
        }
        if self.exclude.is_match(relative.join(name)) {
            let path = folder.path.join(name.as_encoded_bytes());
            return folder.skip(path, false, SkipReason::Excluded);
        }
        if kind.is_file() {
            listing
                .files
                .push((name.as_encoded_bytes().to_vec(), entry.path().to_owned()));
            return;
        }
        let target = kind
            .is_symlink()
            .then(|| std::fs::read_link(entry.path()))
            .and_then(Result::ok);
        folder.specials.push(Special {
            root: folder.root,
            path: folder.path.join(name.as_encoded_bytes()),
            target: target.as_deref().map(RawPath::from_os),
        });
    }
}

/// What a folder holds.
#[derive(Debug, Default)]
struct Listing {
    /// Folders, relative to the root.
    folders: Vec<PathBuf>,
    /// Names and paths of regular files.
    files: Vec<(Vec<u8>, PathBuf)>,
}

impl Folder {
    fn skip(&mut self, path: RawPath, folder: bool, why: SkipReason) {
        self.skipped.push(Skipped { path, folder, why });
    }

    /// The folder could not be listed, or not to its end.
    fn folder_issue(&mut self, error: &std::io::Error) {
        self.issues.push(Issue {
            root: Some(self.root),
            path: self.path.clone(),
            stage: Stage::Crawl,
            error: error.to_string(),
            folder: true,
        });
    }

    fn add(&mut self, answer: std::io::Result<Metadata>, name: Vec<u8>) {
        match answer {
            Ok(metadata) if metadata.is_file() => self.files.push(FileRecord {
                name,
                metadata: Ok(metadata),
            }),
            // Replaced since the listing by something that is no file.
            Ok(_) => self.specials.push(Special {
                root: self.root,
                path: self.path.join(&name),
                target: None,
            }),
            Err(error) => {
                self.issues.push(Issue {
                    root: Some(self.root),
                    path: self.path.join(&name),
                    stage: Stage::Stat,
                    error: error.to_string(),
                    folder: false,
                });
                self.files.push(FileRecord {
                    name,
                    metadata: Err(error.to_string()),
                });
            }
        }
    }
}

impl FileRecord {
    /// Length in bytes; 0 where nothing is known of the file.
    pub(crate) fn length(&self) -> u64 {
        self.metadata.as_ref().map_or(0, Metadata::len)
    }

    /// Device number, where there is such a thing.
    pub(crate) fn device(&self) -> Option<u64> {
        self.metadata.as_ref().ok().and_then(device)
    }

    /// True when only a stub is here and reading it would bring the content back from an archive or a cloud.
    pub(crate) fn is_offline(&self) -> bool {
        self.metadata.as_ref().is_ok_and(is_recalled)
    }

    /// Device and inode of a file with several names.
    pub(crate) fn link_key(&self) -> Option<(u64, u64)> {
        let identity = self.identity();
        (identity.links > 1).then_some((identity.device, identity.inode))
    }

    /// Blocks × 512 where the file system knows them.
    pub(crate) fn allocated(&self, mounts: &MountTable) -> Option<u64> {
        let identity = self.identity();
        identity.allocated.filter(|_| mounts.knows_allocation(identity.device))
    }

    /// The entry of the catalogue.
    pub(crate) fn entry(&self, root: usize, folder: &RawPath, mounts: &MountTable) -> Entry {
        let identity = self.identity();
        let time = |of: fn(&Metadata) -> std::io::Result<std::time::SystemTime>| {
            Timestamp::try_from(of(self.metadata.as_ref().ok()?).ok()?).ok()
        };
        Entry {
            root,
            path: folder.join(&self.name),
            length: self.length(),
            allocated: self.allocated(mounts),
            modified: time(Metadata::modified),
            changed: identity.changed,
            created: time(Metadata::created),
            device: identity.device,
            inode: identity.inode,
            links: identity.links,
        }
    }

    fn identity(&self) -> Identity {
        self.metadata.as_ref().map_or(Identity::UNKNOWN, Identity::of)
    }
}

/// What tells one file from another, as far as the platform says.
struct Identity {
    device: u64,
    inode: u64,
    links: u64,
    allocated: Option<u64>,
    changed: Option<Timestamp>,
}

impl Identity {
    /// Of a file of which nothing is known, or on a platform that does not tell.
    const UNKNOWN: Self = Self {
        device: 0,
        inode: 0,
        links: 1,
        allocated: None,
        changed: None,
    };

    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            links: metadata.nlink(),
            allocated: metadata.blocks().checked_mul(512),
            changed: i32::try_from(metadata.ctime_nsec())
                .ok()
                .and_then(|nanoseconds| Timestamp::new(metadata.ctime(), nanoseconds).ok()),
        }
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self::UNKNOWN
    }
}

#[cfg(windows)]
fn is_recalled(metadata: &Metadata) -> bool {
    use std::os::windows::fs::MetadataExt;
    /// OFFLINE, RECALL_ON_OPEN, RECALL_ON_DATA_ACCESS.
    const RECALLED: u32 = 0x1000 | 0x4_0000 | 0x40_0000;
    metadata.file_attributes() & RECALLED != 0
}

/// Elsewhere no attribute says so.
#[cfg(not(windows))]
fn is_recalled(_: &Metadata) -> bool {
    false
}

/// Device number of a file or folder, where there is such a thing.
pub(crate) fn device(metadata: &Metadata) -> Option<u64> {
    cfg!(unix).then(|| Identity::of(metadata).device)
}

/// Inode of a file or folder, where there is such a thing.
pub(crate) fn inode(metadata: &Metadata) -> Option<u64> {
    Some(Identity::of(metadata).inode).filter(|&inode| inode != 0)
}

/// True for a folder that the storage fills with older versions of the others.
fn is_storage_snapshot(relative: &Path) -> bool {
    let Some(name) = relative.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    SNAPSHOT_FOLDERS.contains(&name)
        || SNAPSHOT_FOLDERS_OF_WINDOWS
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
        || is_previous_version(name)
}

/// `@GMT-2026.11.22-10.30.00`: a previous version as SMB names it.
fn is_previous_version(name: &str) -> bool {
    name.strip_prefix("@GMT-").is_some_and(|time| {
        time.len() == "YYYY.MM.DD-HH.MM.SS".len()
            && time
                .bytes()
                .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
    })
}

/// What the operating system said, without the path that `walkdir` adds.
fn plain(error: walkdir::Error) -> std::io::Error {
    error
        .into_io_error()
        .unwrap_or_else(|| std::io::Error::other("a loop of folders"))
}

/// Does `work` for every item, in tasks of `batch` items where there are more than one batch, then `then` with all
/// results, in no order. No thread waits: the task that comes last goes on.
pub(crate) fn fan_out<'scope, T, R>(
    scope: &Scope<'scope>,
    items: Vec<T>,
    batch: usize,
    work: impl Fn(T) -> R + Send + Sync + 'scope,
    then: impl FnOnce(&Scope<'scope>, Vec<R>) + Send + 'scope,
) where
    T: Send + 'scope,
    R: Send + 'scope,
{
    if items.len() <= batch {
        let results = items.into_iter().map(work).collect();
        return then(scope, results);
    }
    let join = Arc::new(Join {
        open: AtomicUsize::new(items.len().div_ceil(batch)),
        results: Mutex::new(Vec::with_capacity(items.len())),
        then: Mutex::new(Some(then)),
        work,
    });
    let mut items = items.into_iter();
    loop {
        let batch: Vec<T> = items.by_ref().take(batch).collect();
        if batch.is_empty() {
            return;
        }
        let join = Arc::clone(&join);
        scope.spawn(move |scope| {
            let done: Vec<R> = batch.into_iter().map(&join.work).collect();
            join.results.lock().unwrap_or_else(PoisonError::into_inner).extend(done);
            if join.open.fetch_sub(1, Ordering::AcqRel) == 1 {
                let results = std::mem::take(&mut *join.results.lock().unwrap_or_else(PoisonError::into_inner));
                let then = join.then.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(then) = then {
                    then(scope, results);
                }
            }
        });
    }
}

/// What the batches of one [`fan_out`] share.
struct Join<R, W, D> {
    open: AtomicUsize,
    results: Mutex<Vec<R>>,
    then: Mutex<Option<D>>,
    work: W,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_names_are_storage_snapshots() {
        for name in [
            ".snapshot",
            "a/~snapshot",
            "a/b/.zfs",
            "system volume information",
            "@GMT-2026.11.22-10.30.00",
        ] {
            assert!(is_storage_snapshot(Path::new(name)), "{name}");
        }
        for name in [
            ".snapshots",
            "Snapshots",
            "snapshot",
            ".Snapshot",
            "@GMT-old",
            "$RECYCLE.BIN",
            "@eaDir",
        ] {
            assert!(!is_storage_snapshot(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn every_item_is_worked_on_once_and_the_last_task_goes_on() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
        for count in [0, 1, 10, 11, 1000] {
            let sums = Mutex::new(Vec::new());
            pool.in_place_scope(|scope| {
                fan_out(
                    scope,
                    (0..count).collect(),
                    10,
                    |item: u64| item * 2,
                    |_, results| sums.lock().unwrap().push(results.iter().sum::<u64>()),
                );
            });
            assert_eq!(
                sums.into_inner().unwrap(),
                [count * count.saturating_sub(1)],
                "{count} items"
            );
        }
    }
}
