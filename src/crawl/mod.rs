//! Roots to folders, in parallel: a task for each folder, on the workers of its device.
//!
//! A task lists its folder, leaves a task for every folder in it, asks for the length and times of its files (which other
//! workers share where they have nothing to do, so that one huge folder on a slow share is no queue), and hands the
//! [`Folder`] on. Nothing is opened to be read here but folders. Links are recorded, never followed; sockets, FIFOs and
//! devices are recorded; storage snapshots, excluded places and other file systems are left out and named. What fails, or
//! gives no answer, is an issue of the folder and costs nothing else.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, HashSet},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use globset::GlobSet;

use self::workers::{Crew, Fate, Job, Lost, Pulse, Task, Work, Worker, spread};
use crate::{
    catalogue::{Entry, Issue, SkipReason, Skipped, Special, Stage},
    classify::is_vmfs_metadata,
    file_reader::Version,
    raw::RawPath,
    volume::MountTable,
};

pub(crate) mod dir;
pub(crate) mod workers;

pub(crate) use dir::Dir;
use dir::{EntryKind, FileStat, Names};

/// Folders in which the storage keeps older versions of everything (V81, H-B10, H-F9). Exact names; those of Windows
/// without case. The names are those of the vendors' documents; whether each product shows its folder in every listing is
/// assumed. A folder of a person's making may have such a name: where a VM is known to have a file in it, it is a place
/// that was not read.
const SNAPSHOT_FOLDERS: [&str; 10] = [
    // ONTAP, OneFS, Qumulo, FlashBlade, HNAS, OceanStor and others, by NFS; by SMB the second.
    ".snapshot",
    "~snapshot",
    // Synology.
    "#snapshot",
    // ZFS.
    ".zfs",
    // Checkpoints of Celerra, VNX and Unity.
    ".ckpt",
    // Spectrum Scale (GPFS), FluidFS, Weka; snapper on Btrfs.
    ".snapshots",
    // The subvolume of snapper in a Btrfs that is mounted from its top.
    "@snapshots",
    // QNAP.
    "@Recently-Snapshot",
    // CephFS.
    ".snap",
    // GlusterFS.
    ".snaps",
];
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
pub(crate) struct Crawl {
    pub(crate) roots: Vec<Root>,
    pub(crate) exclude: GlobSet,
    pub(crate) cross_file_systems: bool,
    pub(crate) mounts: MountTable,
    pub(crate) open: OpenFolders,
    /// Folders that an earlier run has done: they are not entered.
    pub(crate) done_before: HashSet<(usize, RawPath)>,
}

/// The folders that were found and are not done. When there is none left the crawl is.
#[derive(Debug, Default)]
pub(crate) struct OpenFolders(Mutex<Tickets>);

#[derive(Debug, Default)]
struct Tickets {
    next: u64,
    open: BTreeMap<u64, (usize, RawPath)>,
    /// Roots of which nothing more is looked at.
    given_up: BTreeSet<usize>,
}

impl OpenFolders {
    /// Adds folders of a root; their tickets.
    fn add(&self, root: usize, paths: &[RawPath]) -> Vec<u64> {
        let mut tickets = lock(&self.0);
        let add = |path: &RawPath| {
            let ticket = tickets.next;
            tickets.next = ticket.wrapping_add(1);
            if !tickets.given_up.contains(&root) {
                tickets.open.insert(ticket, (root, path.clone()));
            }
            ticket
        };
        paths.iter().map(add).collect()
    }

    /// Closes those that are done, and leaves out what was given up before.
    pub(crate) fn close<T>(&self, done: &mut Vec<T>, ticket: impl Fn(&T) -> u64) {
        let mut tickets = lock(&self.0);
        done.retain(|done| tickets.open.remove(&ticket(done)).is_some());
    }

    /// True when all are done.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.0).open.is_empty()
    }

    /// Gives up a root, and names what is open in it.
    pub(crate) fn give_up(&self, root: usize) -> Vec<RawPath> {
        let mut tickets = lock(&self.0);
        tickets.given_up.insert(root);
        let (lost, open) = std::mem::take(&mut tickets.open)
            .into_iter()
            .partition(|(_, (of, _))| *of == root);
        tickets.open = open;
        BTreeMap::into_values(lost).map(|(_, path)| path).collect()
    }
}

/// One folder with everything that lies directly in it.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    /// Index of its root.
    pub(crate) root: usize,
    /// Its number among the open folders.
    pub(crate) ticket: u64,
    /// Relative to the root.
    pub(crate) path: RawPath,
    /// Where its files are opened; `None` for a place that was not entered.
    pub(crate) dir: Option<Arc<Dir>>,
    /// False for a place that was left out or could not be listed: it only carries the reason.
    pub(crate) entered: bool,
    /// It holds nothing at all.
    pub(crate) is_empty: bool,
    /// Names of the folders in it.
    pub(crate) folders: Names,
    /// Names in it that may be those of folders: nobody tells.
    untold: BTreeSet<Vec<u8>>,
    pub(crate) files: Vec<FileRecord>,
    pub(crate) specials: Vec<Special>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) issues: Vec<Issue>,
}

/// A regular file of a folder.
#[derive(Debug, Clone)]
pub(crate) struct FileRecord {
    names: Arc<Names>,
    index: usize,
    /// What the file system says of it; else why it says nothing: the file was listed, so it is there all the same.
    pub(crate) stat: Result<FileStat, String>,
}

/// Where finished folders go.
pub(crate) type Visitor = Arc<dyn Fn(Folder, &Worker) -> Fate + Send + Sync>;

/// A folder that is to be entered.
#[derive(Debug)]
struct Place {
    root: usize,
    path: RawPath,
    /// The folder that holds it; `None` where the crawl begins.
    parent: Option<Arc<Dir>>,
    ticket: u64,
}

/// The entering of a folder: may be taken from a worker that hangs in it.
struct Entering {
    crawl: Arc<Crawl>,
    place: Place,
    visit: Visitor,
    taken: AtomicBool,
}

/// Leaves the task to crawl a folder of a root (the empty path is the root) and, in tasks of their own, all below it.
pub(crate) fn enter(crawl: &Arc<Crawl>, root: usize, path: RawPath, visit: &Visitor, crew: &Crew) {
    Entering::leave(crawl, root, vec![path], None, visit, crew);
}

impl Entering {
    /// `parent`: the folder that holds all of them.
    fn leave(
        crawl: &Arc<Crawl>,
        root: usize,
        paths: Vec<RawPath>,
        parent: Option<&Arc<Dir>>,
        visit: &Visitor,
        crew: &Crew,
    ) {
        let tickets = crawl.open.add(root, &paths);
        let task = |(path, ticket)| -> Task {
            let place = Place {
                root,
                path,
                parent: parent.cloned(),
                ticket,
            };
            let entering = Arc::new(Self {
                crawl: Arc::clone(crawl),
                place,
                visit: Arc::clone(visit),
                taken: AtomicBool::new(false),
            });
            Box::new(move |worker| entering.run(worker))
        };
        crew.push_all(paths.into_iter().zip(tickets).map(task).collect());
    }

    /// The same for folders that lie in one, but for those that an earlier run has done.
    fn leave_inner<'a>(
        crawl: &Arc<Crawl>,
        folder: &Folder,
        names: impl Iterator<Item = &'a [u8]>,
        dir: &Arc<Dir>,
        visit: &Visitor,
        crew: &Crew,
    ) {
        let paths = names.map(|name| folder.path.join(name));
        let paths = paths.filter(|path| !crawl.was_done_before(folder.root, path));
        Self::leave(crawl, folder.root, paths.collect(), Some(dir), visit, crew);
    }

    fn run(self: Arc<Self>, worker: &Worker) -> Fate {
        let held: Arc<dyn Work> = Arc::<Self>::clone(&self);
        worker.pulse.hold(Some(held));
        worker.pulse.beat();
        let mut folder = self.place.folder();
        let listing = self.list(&mut folder, &worker.pulse);
        worker.pulse.rest();
        if self.taken.swap(true, Ordering::AcqRel) {
            return Fate::GivenUp;
        }
        worker.pulse.hold(None);
        let Some((dir, listing)) = listing else {
            return (self.visit)(folder, worker);
        };
        Self::leave_inner(
            &self.crawl,
            &folder,
            listing.folders.iter(),
            &dir,
            &self.visit,
            &worker.crew,
        );
        folder.dir = Some(Arc::clone(&dir));
        folder.folders = listing.folders;
        let looking = Looking {
            crawl: Arc::clone(&self.crawl),
            dir,
            names: Arc::new(listing.files),
            folder: Mutex::new(Some(folder)),
            visit: Arc::clone(&self.visit),
        };
        spread(looking, worker)
    }

    /// Opens the folder and divides what it holds. `None` where it is not entered, and the folder says why.
    fn list(&self, folder: &mut Folder, pulse: &Pulse) -> Option<(Arc<Dir>, Listing)> {
        let dir = match self.open(pulse) {
            Ok(Ok(dir)) => Arc::new(dir),
            Ok(Err(why)) => {
                folder.skip(folder.path.clone(), true, why);
                return None;
            }
            Err(error) => {
                folder.folder_issue(&error);
                return None;
            }
        };
        let mut listing = Listing::default();
        let count = Cell::new(0_usize);
        let ask_on = || {
            if count.get() > 0 {
                pulse.answered();
            }
            pulse.beat();
        };
        let listed = dir.list(&ask_on, &mut |name, kind| {
            count.set(count.get().saturating_add(1));
            if kind == EntryKind::Link {
                // It is asked where it leads.
                pulse.beat();
            }
            self.sort_in(folder, &mut listing, &dir, name, kind);
        });
        if let Err(error) = &listed {
            folder.folder_issue(error);
        }
        folder.entered = listed.is_ok() || count.get() > 0;
        folder.is_empty = count.get() == 0;
        Some((dir, listing))
    }

    /// Opens the folder, unless there is a reason to stay out.
    fn open(&self, pulse: &Pulse) -> io::Result<Result<Dir, SkipReason>> {
        let above;
        let parent = match &self.place.parent {
            Some(parent) => parent,
            None if self.place.path.is_empty() => return self.open_root().map(Ok),
            None => {
                above = self.open_above(pulse)?;
                &above
            }
        };
        let name = self.place.path.name();
        let relative = self.place.path.to_os().unwrap_or_default();
        if is_storage_snapshot(&relative) {
            return Ok(Err(SkipReason::StorageSnapshot));
        }
        if self.crawl.excludes(&self.place.path) {
            return Ok(Err(SkipReason::Excluded));
        }
        let home = self.crawl.roots.get(self.place.root).and_then(|root| root.device);
        match home.filter(|_| !self.crawl.cross_file_systems) {
            Some(home) => {
                let opened = Dir::open_on(parent, name, home, &|| pulse.beat())?;
                Ok(opened.ok_or(SkipReason::OtherFileSystem))
            }
            None => Dir::open_in(parent, name).map(Ok),
        }
    }

    fn open_root(&self) -> io::Result<Dir> {
        let root = self.crawl.roots.get(self.place.root).map(|root| root.path.as_path());
        Dir::open_root(root.unwrap_or(Path::new("")))
    }

    /// Opens the folder that holds the one in which the crawl begins, part by part: no link on the way is followed.
    fn open_above(&self, pulse: &Pulse) -> io::Result<Dir> {
        let folder = self.place.path.folder();
        folder.parts().try_fold(self.open_root()?, |dir, name| {
            pulse.beat();
            Dir::open_in(&dir, name)
        })
    }

    fn sort_in(&self, folder: &mut Folder, listing: &mut Listing, dir: &Dir, name: &[u8], kind: EntryKind) {
        if kind == EntryKind::Folder {
            return listing.folders.push(name);
        }
        if !self.crawl.exclude.is_empty() {
            let path = folder.path.join(name);
            if self.crawl.excludes(&path) {
                return folder.skip(path, false, SkipReason::Excluded);
            }
        }
        if kind == EntryKind::Unknown {
            folder.untold.insert(name.to_vec());
        }
        if matches!(kind, EntryKind::File | EntryKind::Unknown) {
            return listing.files.push(name);
        }
        let target = (kind == EntryKind::Link)
            .then(|| dir.read_link(name))
            .and_then(Result::ok);
        folder.specials.push(Special {
            root: folder.root,
            path: folder.path.join(name),
            target: target.as_deref().map(RawPath::from_os),
        });
    }
}

impl Work for Entering {
    fn give_up(&self, crew: &Crew, why: Lost) -> bool {
        if self.taken.swap(true, Ordering::AcqRel) {
            return false;
        }
        let mut folder = self.place.folder();
        folder.folder_issue(&io::Error::other(why.to_string()));
        let visit = Arc::clone(&self.visit);
        crew.push(Box::new(move |worker| visit(folder, worker)));
        true
    }
}

impl Crawl {
    fn was_done_before(&self, root: usize, path: &RawPath) -> bool {
        !self.done_before.is_empty() && self.done_before.contains(&(root, path.clone()))
    }

    /// How many of the folders in a folder this run enters.
    pub(crate) fn yet_to_do(&self, folder: &Folder) -> u64 {
        if self.done_before.is_empty() {
            return u64::try_from(folder.folders.len()).unwrap_or(u64::MAX);
        }
        let is_open = |name: &&[u8]| !self.was_done_before(folder.root, &folder.path.join(name));
        u64::try_from(folder.folders.iter().filter(is_open).count()).unwrap_or(u64::MAX)
    }

    fn excludes(&self, path: &RawPath) -> bool {
        !self.exclude.is_empty() && path.to_os().is_some_and(|path| self.exclude.is_match(path))
    }
}

impl Place {
    fn folder(&self) -> Folder {
        Folder {
            root: self.root,
            ticket: self.ticket,
            path: self.path.clone(),
            ..Folder::default()
        }
    }
}

/// What a folder holds: names of folders and of regular files.
#[derive(Debug, Default)]
struct Listing {
    folders: Names,
    files: Names,
}

/// The asking for the length and times of the files of a folder.
struct Looking {
    crawl: Arc<Crawl>,
    dir: Arc<Dir>,
    names: Arc<Names>,
    /// Taken when all have answered.
    folder: Mutex<Option<Folder>>,
    visit: Visitor,
}

impl Looking {
    /// Enters the folders behind those that were `listed` as such. vmfs-fuse lists `.sdd.sf` of VMFS as a file, each time.
    fn enter_unlisted(&self, folder: &Folder, listed: usize, worker: &Worker) {
        if folder.folders.len() > listed {
            let unlisted = folder.folders.iter().skip(listed);
            Entering::leave_inner(&self.crawl, folder, unlisted, &self.dir, &self.visit, &worker.crew);
        }
    }

    #[inline]
    fn record(&self, index: usize, answer: io::Result<FileStat>) -> FileRecord {
        FileRecord {
            names: Arc::clone(&self.names),
            index,
            stat: answer.map_err(|error| error.to_string()),
        }
    }
}

impl Job for Looking {
    type Answer = FileRecord;
    /// On a share every answer is a round trip; on a local disk so many take as long as waking another worker.
    const LEAST: usize = 16;

    fn count(&self) -> usize {
        self.names.len()
    }

    #[inline]
    fn work(&self, index: usize, _: &Pulse) -> Self::Answer {
        self.record(index, self.dir.stat(&self.names, index))
    }

    fn lost(&self, index: usize, why: Lost) -> Self::Answer {
        self.record(index, Err(io::Error::other(why.to_string())))
    }

    fn done(&self, mut answers: Vec<Self::Answer>, worker: &Worker) -> Fate {
        let Some(mut folder) = lock(&self.folder).take() else {
            return Fate::Free;
        };
        let listed = folder.folders.len();
        answers.retain(|record| folder.is_file(record));
        folder.files = answers;
        self.enter_unlisted(&folder, listed, worker);
        (self.visit)(folder, worker)
    }
}

impl Folder {
    fn skip(&mut self, path: RawPath, folder: bool, why: SkipReason) {
        self.skipped.push(Skipped { path, folder, why });
    }

    /// The folder could not be listed, or not to its end.
    fn folder_issue(&mut self, error: &io::Error) {
        self.issues
            .push(unseen(self.root, self.path.clone(), error.to_string()));
    }

    /// True for what is a file, as far as is known. What is something else when it is asked for than its folder lists goes where
    /// it belongs, and the lack of an answer is noted.
    fn is_file(&mut self, record: &FileRecord) -> bool {
        match record.stat.as_ref().map(|stat| stat.kind) {
            Ok(EntryKind::File) => return true,
            Ok(EntryKind::Folder) => {
                if self.folders.iter().all(|listed| listed != record.name()) {
                    self.folders.push(record.name());
                }
                return false;
            }
            // vmfs-fuse lists `.sdd.sf` of VMFS-5 as a file each time, and each time says when asked that it is none.
            Ok(EntryKind::Other | EntryKind::Unknown) if is_reserved_by_vmfs(record.name()) => {}
            Ok(kind @ (EntryKind::Link | EntryKind::Other | EntryKind::Unknown)) => {
                let what = if kind == EntryKind::Link {
                    "a link"
                } else {
                    "a special file"
                };
                let error = format!("changed while its folder was read: it was a file and is {what}");
                self.stat_issue(record.name(), error);
            }
            Err(error) if self.untold.contains(record.name()) => {
                let error = format!("{error}; nobody tells whether it is a file or a folder");
                self.issues
                    .push(unseen(self.root, self.path.join(record.name()), error));
                return true;
            }
            Err(error) => {
                self.stat_issue(record.name(), error.clone());
                return true;
            }
        }
        self.specials.push(Special {
            root: self.root,
            path: self.path.join(record.name()),
            target: None,
        });
        false
    }

    fn stat_issue(&mut self, name: &[u8], error: String) {
        self.issues.push(Issue {
            root: Some(self.root),
            path: self.path.join(name),
            stage: Stage::Stat,
            error,
            folder: false,
        });
    }
}

/// True for a name of VMFS's own: no VM has such a file.
fn is_reserved_by_vmfs(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(is_vmfs_metadata)
}

/// The issue of a folder whose content, or part of it, was not seen.
pub(crate) fn unseen(root: usize, path: RawPath, error: String) -> Issue {
    Issue {
        root: Some(root),
        path,
        stage: Stage::Crawl,
        error,
        folder: true,
    }
}

impl FileRecord {
    /// Asks for one file of a folder.
    pub(crate) fn ask(dir: &Dir, name: &[u8]) -> io::Result<Self> {
        let mut names = Names::default();
        names.push(name);
        let stat = dir.stat(&names, 0)?;
        Ok(Self {
            names: Arc::new(names),
            index: 0,
            stat: Ok(stat),
        })
    }

    pub(crate) fn name(&self) -> &[u8] {
        self.names.get(self.index)
    }

    /// Length in bytes; 0 where nothing is known of the file.
    pub(crate) fn length(&self) -> u64 {
        self.stat.as_ref().map_or(0, |stat| stat.length)
    }

    /// Device number; 0 where it is not known.
    pub(crate) fn device(&self) -> u64 {
        self.stat.as_ref().map_or(0, |stat| stat.device)
    }

    /// True when only a stub is here and reading it would bring the content back from an archive or a cloud.
    pub(crate) fn is_offline(&self) -> bool {
        self.stat.as_ref().is_ok_and(|stat| stat.is_offline)
    }

    /// What it was when it was asked for.
    pub(crate) fn version(&self, mounts: &MountTable) -> Option<Version> {
        let stat = self.stat.as_ref().ok()?;
        Some(Version {
            length: stat.length,
            modified: stat.modified.known(),
            inode: (stat.inode != 0 && mounts.keeps_inodes(stat.device)).then_some(stat.inode),
        })
    }

    /// Device and inode of a file with several names, where they tell it from others.
    pub(crate) fn link_key(&self) -> Option<(u64, u64)> {
        let stat = self.stat.as_ref().ok()?;
        (stat.links > 1 && stat.inode != 0).then_some((stat.device, stat.inode))
    }

    /// Blocks × 512 where the file system knows them.
    pub(crate) fn allocated(&self, mounts: &MountTable) -> Option<u64> {
        let stat = self.stat.as_ref().ok()?;
        stat.allocated.filter(|_| mounts.knows_allocation(stat.device))
    }

    /// The entry of the catalogue.
    pub(crate) fn entry(&self, root: usize, folder: &RawPath, mounts: &MountTable) -> Entry {
        let stat = self.stat.as_ref().ok();
        Entry {
            root,
            path: folder.join(self.name()),
            length: self.length(),
            allocated: self.allocated(mounts),
            modified: stat.and_then(|stat| stat.modified.known()),
            changed: stat.and_then(|stat| stat.changed.known()),
            created: stat.and_then(|stat| stat.created.known()),
            device: self.device(),
            inode: stat.map_or(0, |stat| {
                if mounts.numbers_files(stat.device) {
                    stat.inode
                } else {
                    0
                }
            }),
            links: stat.map_or(1, |stat| stat.links.into()),
            read_only: stat.is_some_and(|stat| stat.read_only),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_as_a_file_and_is_something_else_goes_where_it_belongs() {
        let mut names = Names::default();
        names.push(b"a.vmdk");
        let names = Arc::new(names);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.vmdk");
        std::fs::write(&file, "").unwrap();
        let stat = Dir::open_root(directory.path()).unwrap().stat(&names, 0).unwrap();
        for (kind, [folders, issues, specials]) in [
            (EntryKind::Folder, [1, 0, 0]),
            (EntryKind::Link, [0, 1, 1]),
            (EntryKind::Other, [0, 1, 1]),
        ] {
            let mut folder = Folder::default();
            let record = FileRecord {
                names: Arc::clone(&names),
                index: 0,
                stat: Ok(FileStat { kind, ..stat.clone() }),
            };
            assert!(!folder.is_file(&record));
            let found = [folder.folders.len(), folder.issues.len(), folder.specials.len()];
            assert_eq!(found, [folders, issues, specials], "{kind:?}");
            let told = |issue: &Issue| !issue.folder && issue.error.contains("changed while its folder was read");
            assert!(folder.issues.iter().all(told), "{:?}", folder.issues);
        }
    }

    #[test]
    fn what_may_be_a_folder_and_gives_no_answer_is_a_place_that_was_not_entered_and_else_a_file() {
        let mut names = Names::default();
        for name in ["a.vmdk", "machines"] {
            names.push(name.as_bytes());
        }
        let names = Arc::new(names);
        let mut folder = Folder::default();
        folder.untold.insert(b"machines".to_vec());
        for index in 0..2 {
            let record = FileRecord {
                names: Arc::clone(&names),
                index,
                stat: Err("denied".to_owned()),
            };
            assert!(folder.is_file(&record), "it is there");
        }
        let issues = folder.issues.iter();
        let issues: Vec<_> = issues
            .map(|issue| (issue.path.lossy(), issue.stage, issue.folder))
            .collect();
        let expected = [
            ("a.vmdk".into(), Stage::Stat, false),
            ("machines".into(), Stage::Crawl, true),
        ];
        assert_eq!(issues, expected);
    }

    #[test]
    fn the_own_files_of_vmfs_may_be_anything() {
        for (name, is_reserved) in [(".sdd.sf", true), ("a.sf", false), (".a.vmx", false)] {
            assert_eq!(is_reserved_by_vmfs(name.as_bytes()), is_reserved, "{name}");
        }
    }

    #[test]
    fn only_exact_names_are_storage_snapshots() {
        for name in [
            ".snapshot",
            "a/~snapshot",
            "a/b/.zfs",
            ".ckpt",
            ".snapshots",
            "@Recently-Snapshot",
            "a/.snap",
            "system volume information",
            "@GMT-2026.11.22-10.30.00",
        ] {
            assert!(is_storage_snapshot(Path::new(name)), "{name}");
        }
        for name in [
            ".snapshots.old",
            ".ckpt1",
            "@recently-snapshot",
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
}
