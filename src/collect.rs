//! Roots to a catalogue: crawls, tells artifacts from ordinary files, reads them, and gathers all of it sorted.
//!
//! Every device has a crew of workers (see [`workers`]), so that a slow share does not hold up a fast one. Finished folders
//! come to the calling thread through a bounded channel, which hands them to a [`Store`], so that a slow store slows the crawl
//! down rather than filling the memory. Of ordinary files only counts are kept, except in folders that hold an artifact. What gives no answer
//! within the deadline is given up and named, and so is all that is left when the user wants to end early.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use globset::GlobSet;
use jiff::Timestamp;

use crate::{
    catalogue::{self, Artifact, Catalogue, Entry, FolderRecord, Gathering, Issue, Places, RootRecord},
    classify::{self, NameHint, Surroundings},
    crawl::{
        self, Crawl, Dir, FileRecord, Folder, Names, OpenFolders, Root, Visitor, unseen,
        workers::{self, Fate, Job, Lost, Pulse, Watch, Worker, spread},
    },
    error::{ErrorKind, Result, ToolError},
    file_reader::Version,
    interrupt::Stop,
    progress::{Phase, Progress},
    raw::RawPath,
    read::{self, Examined, Found, Location, Subject},
    sanitize,
    volume::{self, MountTable},
};

/// Finished folders that wait to be gathered: more than the workers finish in a [`NAP`].
const CHANNEL_FOLDERS: usize = 1024;

/// How long the gathering rests where nothing is finished.
const NAP: Duration = Duration::from_millis(2);

/// How long one waits for an answer of the storage, unless the user says otherwise. A healthy share answers within
/// milliseconds, one that fails over within some twenty seconds.
pub const IO_TIMEOUT: Duration = Duration::from_secs(30);

/// How often the gathering looks up from its work: for the wish to end, and for crews that have stalled.
pub(crate) const LOOK_UP: Duration = Duration::from_millis(50);

/// How long the workers have to let go of their last folders: whoever unmounts the storage next finds none of them open.
const LAST_FOLDERS: Duration = Duration::from_secs(1);

/// Of a folder that nobody is at although it is not done.
const LEFT_BY_A_FAULT: &str = "panicked: please report this folder, it shows a fault of derelict";

/// One root as the user gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootArgument {
    /// The folder.
    pub path: PathBuf,
    /// Names under which others refer to its datastore.
    pub aliases: Vec<String>,
    /// Its storage gave no answer when it was asked first.
    pub is_silent: bool,
}

/// How long a root is waited for that gave no answer when it was asked first: one that woke up since answers at once, and the other
/// roots are to be crawled.
const PATIENCE_WITH_SILENT: Duration = Duration::from_secs(1);

impl RootArgument {
    /// How long its answer is waited for before the crawl.
    pub(crate) fn patience(&self, deadline: Duration) -> Duration {
        if self.is_silent {
            deadline.min(PATIENCE_WITH_SILENT)
        } else {
            deadline
        }
    }
}

/// How to collect.
#[derive(Debug, Clone)]
pub struct CollectOptions {
    /// Most threads, but at least one for each device; by default as many as the storage takes, up to 128.
    pub threads: Option<usize>,
    /// Places to leave out, as paths relative to their root.
    pub exclude: GlobSet,
    /// Enter file systems that are mounted below a root.
    pub cross_file_systems: bool,
    /// Longest wait for one answer of the storage.
    pub io_timeout: Duration,
    /// How the user ends it early.
    pub stop: Stop,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self {
            threads: None,
            exclude: GlobSet::empty(),
            cross_file_systems: false,
            io_timeout: IO_TIMEOUT,
            stop: Stop::default(),
        }
    }
}

/// What becomes of the folders that a crawl hands over, one at a time.
pub(crate) trait Store {
    /// The roots have answered, or have not. Gives the places to enter, and those that are done already.
    ///
    /// # Errors
    /// When nothing can be stored, or what is stored is of other roots.
    fn begin(&mut self, roots: Vec<RootRecord>) -> Result<Places>;

    /// A folder is done.
    ///
    /// # Errors
    /// When it cannot be stored.
    fn add(&mut self, folder: catalogue::Folder) -> Result<()>;

    /// Places were given up: because the user wants to end early, or for good.
    fn give_up(&mut self, issues: Vec<Issue>, interrupted: bool);

    /// Called every now and then.
    ///
    /// # Errors
    /// When something cannot be stored.
    fn look_up(&mut self) -> Result<()>;

    /// True when a folder was entered.
    fn has_entered(&self) -> bool;

    /// The issues so far, or many of them.
    fn issues(&self) -> &[Issue];
}

/// In memory.
impl Store for Gathering {
    fn begin(&mut self, roots: Vec<RootRecord>) -> Result<Places> {
        let places = Places::of_roots(roots.len());
        self.catalogue.roots = roots;
        Ok(places)
    }

    fn add(&mut self, folder: catalogue::Folder) -> Result<()> {
        self.add(folder);
        Ok(())
    }

    fn give_up(&mut self, issues: Vec<Issue>, _: bool) {
        self.catalogue.issues.extend(issues);
    }

    fn look_up(&mut self) -> Result<()> {
        Ok(())
    }

    fn has_entered(&self) -> bool {
        self.catalogue.roots.iter().any(|root| root.directories > 0)
    }

    fn issues(&self) -> &[Issue] {
        &self.catalogue.issues
    }
}

/// Crawls the roots and reads every artifact in them.
///
/// # Errors
/// When a root is missing or no folder, or when none of them can be listed. All else that fails is an issue of the
/// catalogue.
pub fn collect(roots: &[RootArgument], options: &CollectOptions, progress: Arc<dyn Progress>) -> Result<Catalogue> {
    let mut gathering = Gathering::new(Vec::new());
    collect_into(&mut gathering, roots, options, progress)?;
    let mut catalogue = gathering.catalogue;
    catalogue.sort();
    Ok(catalogue)
}

/// The same, handing over every folder as soon as it is done.
///
/// # Errors
/// As [`collect`], and when something cannot be stored.
pub(crate) fn collect_into(
    store: &mut dyn Store,
    roots: &[RootArgument],
    options: &CollectOptions,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    let limits = workers::Limits {
        workers: options.threads.unwrap_or(workers::MOST_WORKERS).max(1),
        deadline: options.io_timeout,
    };
    volume::allow_many_open_files();
    volume::use_small_pages();
    let mut mounts = MountTable::load();
    let (records, answers) = open_roots(roots, &mut mounts, limits.deadline)?;
    let root = |(root, record): (&RootArgument, &RootRecord)| Root {
        path: root.path.clone(),
        device: record.device,
    };
    let crawl_roots = roots.iter().zip(&records).map(root).collect();
    let places = store.begin(records)?;
    let crawl = Crawl {
        roots: crawl_roots,
        exclude: options.exclude.clone(),
        cross_file_systems: options.cross_file_systems,
        mounts,
        open: OpenFolders::default(),
        done_before: places.early,
    };
    let paths: Vec<PathBuf> = roots.iter().map(|root| root.path.clone()).collect();
    progress.roots(&paths);
    progress.phase(Phase::Crawl);
    options.stop.listen();
    let entering = places.open.into_iter().map(|(root, path)| Start {
        root,
        path,
        answers: answers.get(root).copied().unwrap_or(false),
    });
    let stored = run(crawl, entering.collect(), store, limits, &options.stop, &progress);
    options.stop.leave();
    progress.finish();
    stored?;
    if !options.stop.is_asked() && !store.has_entered() {
        return Err(nothing_readable(roots, store.issues()));
    }
    Ok(())
}

/// A place where the crawl begins.
struct Start {
    root: usize,
    path: RawPath,
    /// The root has given an answer.
    answers: bool,
}

/// Opens the roots, all at once. False for one that gives no answer. What lies at their tops may tell more of the mounts.
fn open_roots(
    roots: &[RootArgument],
    mounts: &mut MountTable,
    deadline: Duration,
) -> Result<(Vec<RootRecord>, Vec<bool>)> {
    let opening = roots.iter().cloned().map(|root| {
        let mounts = mounts.clone();
        workers::within(root.patience(deadline), move || open_root(&root, &mounts))
    });
    let opening: Vec<_> = opening.collect::<std::io::Result<_>>().map_err(no_threads)?;
    let opened = opening.into_iter().zip(roots).map(|(answer, root)| {
        let record = answer.wait().transpose();
        // What gave no answer first and refuses now is no slip of the pen: it costs no other root anything.
        let record = if root.is_silent {
            record.unwrap_or(None)
        } else {
            record?
        };
        let answers = record.is_some();
        Ok((record.unwrap_or_else(|| root_record(root)), answers))
    });
    let opened: Vec<_> = opened.collect::<Result<_>>()?;
    let (mut records, answers): (Vec<RootRecord>, Vec<bool>) = opened.into_iter().unzip();
    for record in &records {
        if let (Some(device), Some(file_system)) = (record.device, &record.file_system) {
            mounts.learn(device, file_system);
        }
    }
    for record in &mut records {
        let device = record.device.filter(|&device| mounts.knows_allocation(device));
        record.allocated_bytes = device.map(|_| 0);
    }
    Ok((records, answers))
}

/// What is known of the roots before they are crawled.
///
/// # Errors
/// When one is missing or no folder.
pub(crate) fn root_records(roots: &[RootArgument], deadline: Duration) -> Result<Vec<RootRecord>> {
    Ok(open_roots(roots, &mut MountTable::load(), deadline)?.0)
}

/// Checks a root and asks for its file system.
fn open_root(root: &RootArgument, mounts: &MountTable) -> Result<RootRecord> {
    let refuse = |what: &str| ToolError::at(ErrorKind::Root, &root.path, what);
    let metadata =
        std::fs::metadata(&root.path).map_err(|error| refuse("cannot be opened as a root").because(error))?;
    if !metadata.is_dir() {
        return Err(refuse("is no folder: a root is a folder that holds a datastore"));
    }
    let (device, inode) = volume::identity(&root.path).ok().flatten().unzip();
    let (file_system, space) = volume::file_system(&root.path, device, mounts);
    Ok(RootRecord {
        capacity_bytes: space.map(|space| space.capacity_bytes),
        free_bytes: space.map(|space| space.free_bytes),
        file_system,
        device,
        inode,
        absolute: real_place(&root.path),
        ..root_record(root)
    })
}

/// What is known of a root without asking for it.
fn root_record(root: &RootArgument) -> RootRecord {
    RootRecord {
        path: RawPath::from_os(&root.path),
        absolute: absolute(&root.path),
        aliases: root.aliases.clone(),
        started: Some(Timestamp::now()),
        machine: volume::machine(),
        ..RootRecord::default()
    }
}

/// Where a root lies, from the top of the machine; `None` where that is what was given.
fn absolute(path: &Path) -> Option<RawPath> {
    let absolute = std::path::absolute(path).ok().filter(|_| path.is_relative())?;
    Some(RawPath::from_os(&absolute))
}

/// The same without links. The storage is asked.
#[cfg(unix)]
#[expect(
    clippy::disallowed_methods,
    reason = "a root may be given through links; what is found is noted, and nothing is opened by it"
)]
fn real_place(path: &Path) -> Option<RawPath> {
    let real = std::fs::canonicalize(path).ok()?;
    // As written: `/mnt/a/` is another name of `/mnt/a`.
    (real.as_os_str() != path.as_os_str()).then(|| RawPath::from_os(&real))
}

/// Elsewhere that would be a name of another form.
#[cfg(not(unix))]
fn real_place(path: &Path) -> Option<RawPath> {
    absolute(path)
}

pub(crate) fn no_threads(error: std::io::Error) -> ToolError {
    ToolError::new(ErrorKind::System, "threads cannot be started").because(error)
}

/// The error of a scan that could not list a single root.
fn nothing_readable(roots: &[RootArgument], issues: &[Issue]) -> ToolError {
    let error = ToolError::new(ErrorKind::Root, "no root can be read");
    let of_root = |root: usize| issues.iter().filter(move |issue| issue.root == Some(root)).min();
    let each = roots.iter().enumerate().filter_map(|(root, argument)| {
        let why = &of_root(root)?.error;
        Some(format!(
            "{}: {}",
            sanitize::os_path(&argument.path),
            sanitize::text(why)
        ))
    });
    let each: Vec<String> = each.collect();
    if each.is_empty() {
        return error;
    }
    error.because(each.join("; "))
}

/// Crawls what answered and hands what the workers send to the store.
fn run(
    crawl: Crawl,
    starts: Vec<Start>,
    store: &mut dyn Store,
    limits: workers::Limits,
    stop: &Stop,
    progress: &Arc<dyn Progress>,
) -> Result<()> {
    let crew_of = crews(&crawl.roots);
    let roots = crew_of.len();
    let crews = crew_of.iter().max().map_or(1, |most| most.saturating_add(1));
    let watch = Watch::start(crews, limits).map_err(no_threads)?;
    let (sender, receiver) = mpsc::sync_channel(CHANNEL_FOLDERS);
    let crawl = Arc::new(crawl);
    let collector = Arc::new(Collector {
        crawl: Arc::clone(&crawl),
        progress: Arc::clone(progress),
        sender,
    });
    let visit: Visitor = Arc::new(move |folder, worker: &Worker| collector.examine(folder, worker));
    let crew = |root: usize| watch.crew(crew_of.get(root).copied().unwrap_or(0));
    let mut lost = Vec::new();
    progress.folders(count(starts.len()), 0);
    for start in starts {
        match crew(start.root).filter(|_| start.answers) {
            Some(crew) => crawl::enter(&crawl, start.root, start.path, &visit, crew),
            None => lost.push(unseen(
                start.root,
                start.path,
                Lost::NoAnswer(limits.deadline).to_string(),
            )),
        }
    }
    drop(visit);
    store.give_up(lost, false);
    let mut arrived: Vec<Done> = Vec::new();
    // True when there was anything.
    let mut gather = |store: &mut dyn Store| {
        arrived.extend(receiver.try_iter().take(CHANNEL_FOLDERS));
        let is_any = !arrived.is_empty();
        crawl.open.close(&mut arrived, |done| done.ticket);
        let mut done = arrived.drain(..);
        done.try_for_each(|done| store.add(done.folder)).map(|()| is_any)
    };
    let has_stalled = |root: usize| crew(root).is_some_and(|crew| crew.has_stalled());
    let mut looked_up: Option<Instant> = None;
    while !crawl.open.is_empty() {
        if looked_up.is_none_or(|at| at.elapsed() >= LOOK_UP) {
            looked_up = Some(Instant::now());
            let fault = watch.is_at_rest().then_some(LEFT_BY_A_FAULT);
            let why = |root| match (stop.is_asked(), has_stalled(root)) {
                (true, _) => Some("not looked at: the scan was interrupted"),
                (false, true) => Some("not looked at: the storage gives no answer"),
                (false, false) => fault,
            };
            let given_up: Vec<_> = (0..roots).filter_map(|root| Some((root, why(root)?))).collect();
            if !given_up.is_empty() {
                // What has arrived was looked at.
                gather(store)?;
            }
            for (root, why) in given_up {
                let left = crawl.open.give_up(root).into_iter();
                let issues = left.map(|path| unseen(root, path, why.to_owned())).collect();
                store.give_up(issues, stop.is_asked());
            }
            store.look_up()?;
        }
        // Nobody is woken for a folder: that would take longer than the folder.
        if !gather(store)? {
            thread::sleep(NAP);
        }
    }
    if !stop.is_asked() {
        watch.wait_for_rest(LAST_FOLDERS);
    }
    Ok(())
}

/// The number of the crew of each root: one for each device, and one for each root of which the device is not known.
fn crews(roots: &[Root]) -> Vec<usize> {
    let mut devices: Vec<Option<u64>> = Vec::new();
    let number = |root: &Root| {
        let known = devices
            .iter()
            .position(|device| device.is_some() && *device == root.device);
        known.unwrap_or_else(|| {
            devices.push(root.device);
            devices.len().saturating_sub(1)
        })
    };
    roots.iter().map(number).collect()
}

/// What every task shares.
struct Collector {
    crawl: Arc<Crawl>,
    progress: Arc<dyn Progress>,
    sender: mpsc::SyncSender<Done>,
}

/// A folder of which every file has been looked at.
struct Done {
    /// The number of the folder among the open ones.
    ticket: u64,
    folder: catalogue::Folder,
}

/// A file and what came of looking at it.
type Looked = (FileRecord, Examined);

/// What is still to be done in a folder after some of its files were looked at.
enum Rest {
    /// These only matter when the others turn out to hold an artifact.
    Undecided(Folder, Vec<FileRecord>),
    /// Nothing: these were looked at before.
    Nothing(Folder, Vec<Looked>),
}

/// The looking at some files of a folder.
struct Reading {
    collector: Arc<Collector>,
    path: RawPath,
    dir: Option<Arc<Dir>>,
    names: Arc<Names>,
    wanted: Vec<Wanted>,
    /// Artifacts that the progress has heard of.
    told: AtomicU64,
    /// Taken when all have been looked at.
    rest: Mutex<Option<Rest>>,
}

impl Reading {
    fn new(collector: &Arc<Collector>, wanted: Vec<Wanted>, rest: Rest) -> Self {
        let (Rest::Undecided(folder, _) | Rest::Nothing(folder, _)) = &rest;
        Self {
            collector: Arc::clone(collector),
            path: folder.path.clone(),
            dir: folder.dir.clone(),
            names: Arc::clone(&folder.names),
            wanted,
            told: AtomicU64::new(0),
            rest: Mutex::new(Some(rest)),
        }
    }

    fn with_subject<T>(
        &self,
        index: usize,
        pulse: Option<&Pulse>,
        use_it: impl FnOnce(&Subject<'_>) -> T,
    ) -> Option<T> {
        let wanted = self.wanted.get(index)?;
        let record = &wanted.record;
        let name = record.name_of(&self.names);
        let location = match &self.dir {
            Some(dir) => Location::In(dir, name, pulse),
            None => Location::Nowhere,
        };
        Some(use_it(&Subject {
            location,
            folder: &self.path,
            name,
            length: record.length(),
            listed: record.version(&self.collector.crawl.mounts),
            hint: wanted.hint,
            has_descriptor: wanted.has_descriptor,
            refused: record.stat.as_ref().err().map(String::as_str),
            is_offline: record.is_offline(),
            smb: self.collector.crawl.mounts.is_smb(record.device()),
        }))
    }
}

impl Job for Reading {
    type Answer = (usize, Examined);
    /// A file that is opened costs some round trips.
    const LEAST: usize = 1;

    fn count(&self) -> usize {
        self.wanted.len()
    }

    /// Opens and reads one file as far as its name asks for that.
    fn work(&self, index: usize, pulse: &Pulse) -> Self::Answer {
        let examined = self.with_subject(index, Some(pulse), read::examine).unwrap_or_default();
        if examined.found.is_some() {
            // One by one: a folder may hold a hundred thousand.
            self.told.fetch_add(1, Ordering::Relaxed);
            self.collector.progress.artifacts(1);
        }
        (index, examined)
    }

    fn lost(&self, index: usize, why: Lost) -> Self::Answer {
        let examined = self.with_subject(index, None, |subject| read::without_answer(subject, &why.to_string()));
        (index, examined.unwrap_or_default())
    }

    fn done(&self, answers: Vec<Self::Answer>, worker: &Worker) -> Fate {
        let found = answers.iter().filter(|(_, examined)| examined.found.is_some());
        let told = self.told.load(Ordering::Relaxed);
        self.collector
            .progress
            .artifacts(count(found.count()).saturating_sub(told));
        let looked = answers
            .into_iter()
            .filter_map(|(index, examined)| Some((self.wanted.get(index)?.record.clone(), examined)));
        match self.rest.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(Rest::Undecided(folder, undecided)) => {
                let looked: Vec<Looked> = looked.collect();
                if looked.iter().all(|(_, examined)| examined.found.is_none()) {
                    return self.collector.send(folder, looked, undecided, false);
                }
                let unknown = undecided.into_iter().map(Wanted::unknown).collect();
                spread(
                    Self::new(&self.collector, unknown, Rest::Nothing(folder, looked)),
                    worker,
                )
            }
            Some(Rest::Nothing(folder, before)) => {
                let all = before.into_iter().chain(looked).collect();
                self.collector.send(folder, all, Vec::new(), true)
            }
            None => Fate::Free,
        }
    }
}

impl Collector {
    /// Looks at the files of a folder whose name or size asks for it, then, where that found an artifact, at the rest.
    fn examine(self: &Arc<Self>, mut folder: Folder, worker: &Worker) -> Fate {
        self.progress.folders(self.crawl.yet_to_do(&folder), 0);
        self.progress.entries(count(folder.files.len()));
        let lengths = folder.files.iter().map(FileRecord::length);
        self.progress.seen(folder.root, lengths.fold(0, u64::saturating_add));
        let (wanted, undecided) = divide(&mut folder);
        if wanted.is_empty() {
            return self.send(folder, Vec::new(), undecided, false);
        }
        spread(Reading::new(self, wanted, Rest::Undecided(folder, undecided)), worker)
    }

    /// Counts the folder and hands it on. `keep`: it holds an artifact.
    fn send(&self, folder: Folder, looked: Vec<Looked>, ordinary: Vec<FileRecord>, keep: bool) -> Fate {
        let root = folder.root;
        let mut done = catalogue::Folder {
            record: FolderRecord {
                root,
                path: folder.path.clone(),
                entered: folder.entered,
                is_empty: folder.is_empty,
                folders: folder.folders.iter().map(RawPath::new).collect(),
                allocated_bytes: Some(0),
                skipped: folder.skipped,
                ..FolderRecord::default()
            },
            specials: folder.specials,
            issues: folder.issues,
            ..catalogue::Folder::default()
        };
        for record in ordinary {
            self.count(&mut done.record, &record);
        }
        for (record, examined) in looked {
            self.count(&mut done.record, &record);
            let path = || folder.path.join(record.name_of(&folder.names));
            let entry = || record.entry(root, path(), &self.crawl.mounts);
            if let Some(fault) = examined.fault {
                done.issues.push(Issue {
                    root: Some(root),
                    path: path(),
                    stage: fault.stage,
                    error: fault.text,
                    folder: false,
                });
            }
            match examined.found {
                Some(found) => done.artifacts.push(artifact(entry(), found, examined.became)),
                None if keep => done.bystanders.push(entry()),
                None => {}
            }
        }
        // The receiver is gone only when the run was given up.
        let _ = self.sender.send(Done {
            ticket: folder.ticket,
            folder: done,
        });
        // What is told as done is never lost.
        self.progress.folders(0, 1);
        Fate::Free
    }

    /// Counts a file, and its bytes where they are known.
    fn count(&self, done: &mut FolderRecord, record: &FileRecord) {
        done.files = done.files.saturating_add(1);
        if record.stat.is_err() {
            return;
        }
        let length = record.length();
        let allocated = record.allocated(&self.crawl.mounts);
        if let Some((device, inode)) = record.link_key() {
            done.hard_links.push((device, inode, length, allocated));
            return;
        }
        done.apparent_bytes = done.apparent_bytes.saturating_add(length);
        done.allocated_bytes = catalogue::sum(done.allocated_bytes, allocated);
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
    let mut surroundings = Surroundings::of(&folder.path);
    let hints = files.iter().map(|file| surroundings.hint(file.name_of(&folder.names)));
    let hints: Vec<NameHint> = hints.collect();
    let is_undecided = |record: &FileRecord, hint: NameHint| {
        hint == NameHint::Unknown && !classify::has_the_size_of_a_disk(record.length())
    };
    if files
        .iter()
        .zip(&hints)
        .all(|(record, hint)| is_undecided(record, *hint))
    {
        return (Vec::new(), files);
    }
    let descriptors: BTreeSet<Vec<u8>> = files
        .iter()
        .map(|file| file.name_of(&folder.names))
        .filter(|name| name.to_ascii_lowercase().ends_with(b".vmdk"))
        .map(<[u8]>::to_vec)
        .collect();
    let mut wanted = Vec::new();
    let mut undecided = Vec::new();
    for (record, hint) in files.into_iter().zip(hints) {
        if is_undecided(&record, hint) {
            undecided.push(record);
            continue;
        }
        let has_descriptor =
            classify::implied_descriptor(record.name_of(&folder.names)).is_some_and(|name| descriptors.contains(&name));
        wanted.push(Wanted {
            record,
            hint,
            has_descriptor,
        });
    }
    (wanted, undecided)
}

/// `became`: what it had become when it was read.
fn artifact(mut entry: Entry, mut found: Found, became: Option<Version>) -> Artifact {
    found.evidence.trim();
    found.anomalies.shrink_to_fit();
    if let Some(became) = became {
        // Facts and entry are to speak of the same file.
        entry.length = became.length;
        entry.modified = became.modified;
        if entry.is_numbered() {
            entry.inode = became.inode.unwrap_or(entry.inode);
        }
    }
    Artifact {
        entry,
        kind: found.kind,
        basis: found.basis,
        facts: found.facts,
        evidence: found.evidence,
        anomalies: found.anomalies,
        blake3: None,
        second_look: None,
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
