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
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use globset::GlobSet;

use crate::{
    catalogue::{Issue, SkipReason, Skipped, Special, Stage},
    raw::RawPath,
    volume::MountTable,
};

pub(crate) mod dir;
mod files;
mod lineage;
pub(crate) mod workers;

pub(crate) use self::{
    dir::{Dir, Names},
    files::FileRecord,
};
use self::{
    dir::{EntryKind, Identity},
    files::Looking,
    lineage::Lineage,
    workers::{Crew, Fate, Lost, Pulse, Task, Work, Worker, lock, spread},
};

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
    /// Names in it that are none of folders.
    pub(crate) names: Arc<Names>,
    pub(crate) files: Vec<FileRecord>,
    pub(crate) specials: Vec<Special>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) issues: Vec<Issue>,
}

/// Where finished folders go.
pub(crate) type Visitor = Arc<dyn Fn(Folder, &Worker) -> Fate + Send + Sync>;

/// A folder that is to be entered.
#[derive(Debug)]
struct Place {
    root: usize,
    path: RawPath,
    /// The folder that holds it; `None` where the crawl begins.
    parent: Option<Opened>,
    ticket: u64,
}

/// What is said of a folder that is one of those above it once more, as far as can be told: a server that follows links shows such
/// ones. A snapshot of the one above looks the same, so that this is a place that was not read.
pub(crate) const LOOP: &str = "is one of the folders above it, by its number and times: it was not entered";

/// A folder that is open.
#[derive(Debug, Clone)]
struct Opened {
    dir: Arc<Dir>,
    /// It and those above it; `None` where files have no numbers.
    lineage: Option<Arc<Lineage>>,
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
        parent: Option<&Opened>,
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
        parent: &Opened,
        visit: &Visitor,
        crew: &Crew,
    ) {
        let paths = names.map(|name| folder.path.join(name));
        let paths = paths.filter(|path| !crawl.was_done_before(folder.root, path));
        Self::leave(crawl, folder.root, paths.collect(), Some(parent), visit, crew);
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
        let Some((opened, listing)) = listing else {
            return (self.visit)(folder, worker);
        };
        Self::leave_inner(
            &self.crawl,
            &folder,
            listing.folders.iter(),
            &opened,
            &self.visit,
            &worker.crew,
        );
        folder.dir = Some(Arc::clone(&opened.dir));
        folder.folders = listing.folders;
        let looking = Looking::new(&self.crawl, folder, opened, listing.files, &self.visit);
        spread(looking, worker)
    }

    /// Opens the folder and divides what it holds. `None` where it is not entered, and the folder says why.
    fn list(&self, folder: &mut Folder, pulse: &Pulse) -> Option<(Opened, Listing)> {
        let opened = self.parent(pulse).and_then(|parent| {
            let dir = self.open(parent.as_ref().map(|parent| &*parent.dir), pulse)?;
            Ok(dir.map(|dir| (dir, parent.and_then(|parent| parent.lineage))))
        });
        let (dir, above) = match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(why)) => {
                folder.skip(folder.path.clone(), true, why);
                return None;
            }
            Err(error) => {
                folder.folder_issue(&error);
                return None;
            }
        };
        let identity = self.crawl.identity(&dir);
        let is_above = above
            .as_ref()
            .zip(identity)
            .is_some_and(|(above, identity)| above.holds(identity));
        if is_above {
            folder.folder_issue(&io::Error::other(LOOP));
            return None;
        }
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
        let opened = self.crawl.opened(dir, above);
        Some((opened, listing))
    }

    /// The folder that holds this one; a root has none.
    fn parent(&self, pulse: &Pulse) -> io::Result<Option<Opened>> {
        match &self.place.parent {
            None if !self.place.path.is_empty() => self.open_above(pulse).map(Some),
            parent => Ok(parent.clone()),
        }
    }

    /// Opens the folder, unless there is a reason to stay out.
    fn open(&self, parent: Option<&Dir>, pulse: &Pulse) -> io::Result<Result<Dir, SkipReason>> {
        let Some(parent) = parent else {
            return self.open_root().map(Ok);
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
    fn open_above(&self, pulse: &Pulse) -> io::Result<Opened> {
        let folder = self.place.path.folder();
        let top = self.crawl.opened(self.open_root()?, None);
        folder.parts().try_fold(top, |above, name| {
            pulse.beat();
            let dir = Dir::open_in(&above.dir, name)?;
            Ok(self.crawl.opened(dir, above.lineage))
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
        let target = (kind == EntryKind::Link).then(|| dir.read_link(name)).transpose();
        if let Err(error) = &target {
            // It may lead to a folder.
            let error = format!("where this link leads cannot be read: {error}");
            folder.issues.push(unseen(folder.root, folder.path.join(name), error));
        }
        folder.specials.push(Special {
            root: folder.root,
            path: folder.path.join(name),
            target: target.ok().flatten().as_deref().map(RawPath::from_os),
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

    /// What tells a folder from others, where files have numbers.
    fn identity(&self, dir: &Dir) -> Option<Identity> {
        dir.identity()
            .filter(|identity| identity.inode != 0 && self.mounts.numbers_files(identity.device))
    }

    /// A folder below others.
    fn opened(&self, dir: Dir, above: Option<Arc<Lineage>>) -> Opened {
        let identity = self.identity(&dir);
        Opened {
            dir: Arc::new(dir),
            lineage: identity.map(|identity| Lineage::new(identity, above)),
        }
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

impl Folder {
    fn skip(&mut self, path: RawPath, folder: bool, why: SkipReason) {
        self.skipped.push(Skipped { path, folder, why });
    }

    /// The folder could not be listed, or not to its end.
    fn folder_issue(&mut self, error: &io::Error) {
        self.issues
            .push(unseen(self.root, self.path.clone(), error.to_string()));
    }
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
