//! Roots to a catalogue: crawls, tells artifacts from ordinary files, reads them, and gathers all of it sorted.
//!
//! Everything runs on one pool. Its size has nothing to do with the number of cores: on a share a thread mostly waits
//! for an answer. Finished folders come to the calling thread through a bounded channel, so that a slow reader of them
//! slows the crawl down rather than filling the memory. Of ordinary files only counts are kept, except in folders that
//! hold an artifact.

use std::{
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
};

use globset::GlobSet;
use jiff::Timestamp;
use rayon::Scope;

use crate::{
    catalogue::{Artifact, Catalogue, Entry, Issue, RootRecord, Skipped, Special},
    classify::{self, NameHint},
    crawl::{self, Crawl, FileRecord, Folder, Root, Visitor, fan_out},
    error::{ErrorKind, Result, ToolError},
    progress::{Phase, Progress},
    raw::RawPath,
    read::{self, Examined, Found, Subject},
    volume::{self, MountTable},
};

/// Fewest threads by default: shares need many requests under way, whatever the number of cores.
const MIN_THREADS: usize = 8;

/// Files that one task opens one after the other.
const READ_BATCH: usize = 4;

/// Finished folders that wait to be gathered.
const CHANNEL_FOLDERS: usize = 256;

/// One root as the user gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootArgument {
    /// The folder.
    pub path: PathBuf,
    /// Names under which others refer to its datastore.
    pub aliases: Vec<String>,
}

/// How to collect.
#[derive(Debug, Clone, Default)]
pub struct CollectOptions {
    /// Number of threads; by default twice the cores and at least eight.
    pub threads: Option<usize>,
    /// Places to leave out, as paths relative to their root.
    pub exclude: GlobSet,
    /// Enter file systems that are mounted below a root.
    pub cross_file_systems: bool,
}

/// Crawls the roots and reads every artifact in them.
///
/// # Errors
/// When a root is missing or no folder, or when none of them can be listed. All else that fails is an issue of the
/// catalogue.
pub fn collect(roots: &[RootArgument], options: &CollectOptions, progress: &dyn Progress) -> Result<Catalogue> {
    let mounts = MountTable::load();
    let opened: Vec<(Root, RootRecord)> = roots
        .iter()
        .map(|root| open_root(root, &mounts))
        .collect::<Result<_>>()?;
    let (roots, records): (Vec<Root>, Vec<RootRecord>) = opened.into_iter().unzip();
    let collector = Collector {
        crawl: Crawl {
            roots,
            exclude: &options.exclude,
            cross_file_systems: options.cross_file_systems,
            mounts,
        },
        progress,
    };
    progress.phase(Phase::Crawl);
    let gathered = run(&collector, records, options.threads);
    progress.finish();
    let mut catalogue = gathered?;
    catalogue.sort();
    if catalogue.roots.iter().all(|root| root.directories == 0) {
        return Err(nothing_readable(&catalogue));
    }
    Ok(catalogue)
}

/// A pool for work that mostly waits: `threads`, or twice the cores and at least eight.
///
/// # Errors
/// When the machine refuses threads.
pub(crate) fn pool(threads: Option<usize>) -> Result<rayon::ThreadPool> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = threads.unwrap_or(cores.saturating_mul(2).max(MIN_THREADS)).max(1);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("crawl-{index}"))
        .build()
        .map_err(|error| ToolError::new(ErrorKind::System, "threads cannot be started").because(error))
}

/// Checks a root and asks for its file system.
fn open_root(root: &RootArgument, mounts: &MountTable) -> Result<(Root, RootRecord)> {
    let refuse = |what: &str| ToolError::at(ErrorKind::Root, &root.path, what);
    let metadata =
        std::fs::metadata(&root.path).map_err(|error| refuse("cannot be opened as a root").because(error))?;
    if !metadata.is_dir() {
        return Err(refuse("is no folder: a root is a folder that holds a datastore"));
    }
    let device = crawl::device(&metadata);
    let space = volume::space(&root.path);
    let file_system = device.and_then(|device| mounts.file_system(device)).map(str::to_owned);
    let knows_allocation = device.is_some_and(|device| mounts.knows_allocation(device));
    let record = RootRecord {
        path: RawPath::from_os(&root.path),
        aliases: root.aliases.clone(),
        started: Some(Timestamp::now()),
        allocated_bytes: knows_allocation.then_some(0),
        capacity_bytes: space.map(|space| space.capacity_bytes),
        free_bytes: space.map(|space| space.free_bytes),
        file_system,
        machine: volume::machine(),
        device,
        inode: crawl::inode(&metadata),
        ..RootRecord::default()
    };
    let root = Root {
        path: root.path.clone(),
        device,
    };
    Ok((root, record))
}

/// The error of a scan that could not list a single root.
fn nothing_readable(catalogue: &Catalogue) -> ToolError {
    let error = ToolError::new(ErrorKind::Root, "no root can be read");
    match catalogue.issues.first() {
        Some(issue) => error.because(issue.error.clone()),
        None => error,
    }
}

/// Runs the tasks and gathers what they send.
fn run(collector: &Collector<'_>, records: Vec<RootRecord>, threads: Option<usize>) -> Result<Catalogue> {
    let pool = pool(threads)?;
    let (sender, receiver) = mpsc::sync_channel(CHANNEL_FOLDERS);
    let mut gathering = Gathering::new(records);
    pool.in_place_scope(|scope| {
        let visit: Visitor<'_> = Arc::new(move |scope: &Scope<'_>, folder| {
            collector.examine(scope, folder, sender.clone());
        });
        for index in 0..collector.crawl.roots.len() {
            let visit = Arc::clone(&visit);
            scope.spawn(move |scope| collector.crawl.enter(scope, index, PathBuf::new(), visit));
        }
        drop(visit);
        for done in receiver {
            gathering.add(done);
        }
    });
    Ok(gathering.catalogue)
}

/// What every task shares.
struct Collector<'a> {
    crawl: Crawl<'a>,
    progress: &'a dyn Progress,
}

/// A folder of which every file has been looked at.
#[derive(Default)]
struct Done {
    root: usize,
    entered: bool,
    /// Set for a folder without any entry, the root itself apart.
    empty_folder: Option<RawPath>,
    files: u64,
    apparent_bytes: u64,
    allocated_bytes: Option<u64>,
    /// Files with several names: device, inode, length and allocated bytes.
    hard_links: Vec<(u64, u64, u64, Option<u64>)>,
    artifacts: Vec<Artifact>,
    bystanders: Vec<Entry>,
    specials: Vec<Special>,
    skipped: Vec<Skipped>,
    issues: Vec<Issue>,
}

/// A file and what came of looking at it.
type Looked = (FileRecord, Examined);

/// What is still to be done in a folder after its sure artifacts.
struct Pending {
    folder: Folder,
    /// Files that only count when the folder holds an artifact.
    undecided: Vec<FileRecord>,
    sender: mpsc::SyncSender<Done>,
}

impl Collector<'_> {
    /// Looks at the files of a folder whose name or size asks for it, then, where that found an artifact, at the rest.
    fn examine<'scope>(&'scope self, scope: &Scope<'scope>, mut folder: Folder, sender: mpsc::SyncSender<Done>) {
        self.progress.entries(count(folder.files.len()));
        let (wanted, undecided) = divide(&mut folder);
        let path = folder.path.clone();
        let root = folder.root;
        let pending = Pending {
            folder,
            undecided,
            sender,
        };
        fan_out(
            scope,
            wanted,
            READ_BATCH,
            move |file| self.look(root, &path, file),
            move |scope, looked| self.second_wave(scope, pending, looked),
        );
    }

    fn second_wave<'scope>(&'scope self, scope: &Scope<'scope>, mut pending: Pending, looked: Vec<Looked>) {
        let undecided = std::mem::take(&mut pending.undecided);
        if looked.iter().all(|(_, examined)| examined.found.is_none()) {
            return self.send(pending, looked, undecided, false);
        }
        let path = pending.folder.path.clone();
        let root = pending.folder.root;
        let unknown = undecided.into_iter().map(Wanted::unknown).collect();
        fan_out(
            scope,
            unknown,
            READ_BATCH,
            move |file| self.look(root, &path, file),
            move |_, more| {
                let all = looked.into_iter().chain(more).collect();
                self.send(pending, all, Vec::new(), true);
            },
        );
    }

    /// Opens and reads one file as far as its name asks for that.
    fn look(&self, root: usize, folder: &RawPath, wanted: Wanted) -> Looked {
        let Wanted {
            record,
            hint,
            has_descriptor,
        } = wanted;
        let name = RawPath::new(record.name.clone());
        let relative = folder.join(&record.name).to_os();
        let os_path = relative.map(|relative| self.crawl.os_path(root, &relative));
        let examined = read::examine(&Subject {
            os_path: os_path.as_deref().unwrap_or(Path::new("")),
            folder,
            name: name.as_bytes(),
            length: record.length(),
            hint,
            has_descriptor,
            refused: record.metadata.as_ref().err().map(String::as_str),
            is_offline: record.is_offline(),
            smb: record.device().is_some_and(|device| self.crawl.mounts.is_smb(device)),
        });
        (record, examined)
    }

    /// Counts the folder and hands it on. `keep`: it holds an artifact.
    fn send(&self, pending: Pending, looked: Vec<Looked>, ordinary: Vec<FileRecord>, keep: bool) {
        let folder = pending.folder;
        let mut done = Done {
            root: folder.root,
            entered: folder.entered,
            empty_folder: (folder.is_empty && folder.entered && !folder.path.is_empty()).then(|| folder.path.clone()),
            allocated_bytes: Some(0),
            specials: folder.specials,
            skipped: folder.skipped,
            issues: folder.issues,
            ..Done::default()
        };
        let rest = ordinary.into_iter().map(|record| (record, Examined::default()));
        for (record, examined) in looked.into_iter().chain(rest) {
            self.count(&mut done, &record);
            let entry = |record: &FileRecord| record.entry(done.root, &folder.path, &self.crawl.mounts);
            if let Some(fault) = examined.fault {
                done.issues.push(Issue {
                    root: Some(done.root),
                    path: folder.path.join(&record.name),
                    stage: fault.stage,
                    error: fault.text,
                    folder: false,
                });
            }
            match examined.found {
                Some(found) => done.artifacts.push(artifact(entry(&record), found)),
                None if keep => done.bystanders.push(entry(&record)),
                None => {}
            }
        }
        self.progress.artifacts(count(done.artifacts.len()));
        // The receiver is gone only when the run was given up.
        let _ = pending.sender.send(done);
    }

    /// Counts a file, and its bytes where they are known.
    fn count(&self, done: &mut Done, record: &FileRecord) {
        done.files = done.files.saturating_add(1);
        if record.metadata.is_err() {
            return;
        }
        let length = record.length();
        let allocated = record.allocated(&self.crawl.mounts);
        if let Some((device, inode)) = record.link_key() {
            done.hard_links.push((device, inode, length, allocated));
            return;
        }
        done.apparent_bytes = done.apparent_bytes.saturating_add(length);
        done.allocated_bytes = add(done.allocated_bytes, allocated);
    }
}

/// A file that is to be looked at.
struct Wanted {
    record: FileRecord,
    hint: NameHint,
    has_descriptor: bool,
}

impl Wanted {
    fn unknown(record: FileRecord) -> Self {
        Self {
            record,
            hint: NameHint::Unknown,
            has_descriptor: false,
        }
    }
}

/// Divides the files of a folder: those that are looked at in any case, and those that only matter when the folder holds
/// an artifact.
fn divide(folder: &mut Folder) -> (Vec<Wanted>, Vec<FileRecord>) {
    let files = std::mem::take(&mut folder.files);
    let hints: Vec<NameHint> = files
        .iter()
        .map(|file| classify::by_name(&folder.path, &file.name))
        .collect();
    let descriptors: BTreeSet<Vec<u8>> = files
        .iter()
        .filter(|file| file.name.to_ascii_lowercase().ends_with(b".vmdk"))
        .map(|file| file.name.clone())
        .collect();
    let mut wanted = Vec::new();
    let mut undecided = Vec::new();
    for (record, hint) in files.into_iter().zip(hints) {
        if hint == NameHint::Unknown && !classify::has_the_size_of_a_disk(record.length()) {
            undecided.push(record);
            continue;
        }
        let has_descriptor = classify::implied_descriptor(&record.name).is_some_and(|name| descriptors.contains(&name));
        wanted.push(Wanted {
            record,
            hint,
            has_descriptor,
        });
    }
    (wanted, undecided)
}

fn artifact(entry: Entry, found: Found) -> Artifact {
    Artifact {
        entry,
        kind: found.kind,
        basis: found.basis,
        facts: found.facts,
        evidence: found.evidence,
        anomalies: found.anomalies,
        blake3: None,
    }
}

/// Sum of two counts of which each may be unknown.
fn add(left: Option<u64>, right: Option<u64>) -> Option<u64> {
    Some(left?.saturating_add(right?))
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The catalogue while folders come in.
struct Gathering {
    catalogue: Catalogue,
    /// Files with several names that were counted: root, device, inode.
    counted: HashSet<(usize, u64, u64)>,
}

impl Gathering {
    fn new(records: Vec<RootRecord>) -> Self {
        Self {
            catalogue: Catalogue::new(records),
            counted: HashSet::new(),
        }
    }

    fn add(&mut self, done: Done) {
        if let Some(record) = self.catalogue.roots.get_mut(done.root) {
            record.files = record.files.saturating_add(done.files);
            record.apparent_bytes = record.apparent_bytes.saturating_add(done.apparent_bytes);
            record.allocated_bytes = add(record.allocated_bytes, done.allocated_bytes);
            for (device, inode, length, allocated) in done.hard_links {
                if self.counted.insert((done.root, device, inode)) {
                    record.apparent_bytes = record.apparent_bytes.saturating_add(length);
                    record.allocated_bytes = add(record.allocated_bytes, allocated);
                }
            }
            record.directories = record.directories.saturating_add(u64::from(done.entered));
            record.empty_folders.extend(done.empty_folder);
            record.skipped.extend(done.skipped);
        }
        self.catalogue.artifacts.extend(done.artifacts);
        self.catalogue.bystanders.extend(done.bystanders);
        self.catalogue.specials.extend(done.specials);
        self.catalogue.issues.extend(done.issues);
    }
}
