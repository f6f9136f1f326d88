//! A catalogue while it is written: folders go to disk as they come in, so that nothing of them stays in memory and a run
//! that is killed loses a second of work.
//!
//! It lies beside its place as `NAME.partial.catalogue` and is renamed when it is complete. `collect --resume` goes on
//! with what a killed run left: behind the last whole block, with the folders that are not done. Where the run came to its end
//! and storage refused it a place, `--resume` goes to the folders of these places again and takes the others over.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    fs::{File, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    Artifact, Catalogue, Entry, Folder, Issue, RootRecord, SecondLook, Stage,
    frame::{Chain, Counts, MOST_RAW_BYTES},
    load::{self, Piece},
    places::{Place, Places},
    record::{Header, LookRecord, Record, SCHEMA, Settings},
};
use crate::{
    collect::Store,
    crawl,
    error::{ErrorKind, Result, ToolError},
    facts::Facts,
    output::{self, OutputFile},
    raw::RawPath,
    sanitize,
    saved_file::SavedFile,
    settle,
};

/// Bytes of a block before compression: more makes no smaller file.
const BLOCK_BYTES: usize = 1 << 20;

/// How long at most something is not on the disk.
const MOST_WAIT: Duration = Duration::from_secs(1);

/// Issues that are kept to be told at the end.
const MOST_TOLD: usize = 1000;

/// A catalogue that is being written.
#[derive(Debug)]
pub struct Unfinished {
    /// Where it goes when it is complete.
    output: PathBuf,
    /// Replace what lies there.
    force: bool,
    settings: Settings,
    /// Longest wait for one answer of its storage.
    deadline: Duration,
    /// `None` until the roots are known.
    stream: Option<Stream>,
    /// What an earlier run left.
    left: Option<Left>,
    told: Told,
    /// Of files that could not be looked at again, by their folder and their path.
    not_seen: BTreeMap<Place, BTreeMap<RawPath, Issue>>,
    /// Of places that were given up.
    late: Vec<Issue>,
    entered: bool,
}

/// The first issues, to be told at the end.
#[derive(Debug, Default)]
struct Told {
    issues: Vec<Issue>,
    more: u64,
}

impl Told {
    fn add(&mut self, issues: &[Issue]) {
        let room = MOST_TOLD.saturating_sub(self.issues.len());
        self.issues.extend(issues.iter().take(room).cloned());
        let more = issues.len().saturating_sub(room);
        self.more = self.more.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
    }
}

/// What an earlier run left.
#[derive(Debug)]
struct Left {
    path: PathBuf,
    file: LeftFile,
    header: Header,
    places: Places,
}

#[derive(Debug)]
enum LeftFile {
    /// It did not end: what it left is gone on with.
    Unfinished(Box<Stream>),
    /// It ended: what of it is taken over, and what is not.
    Finished(Ended),
}

/// What a run that ended left.
#[derive(Debug, Default)]
struct Ended {
    /// Folders that are read again.
    again: HashSet<Place>,
    /// What second looks found.
    looks: BTreeMap<Place, SecondLook>,
}

/// The file and what belongs at its end.
#[derive(Debug)]
struct Stream {
    path: PathBuf,
    file: OutputFile,
    chain: Chain,
    counts: Counts,
    /// Lines that are in no block yet.
    lines: Vec<u8>,
    /// When all of it was on the disk, and how many blocks these were.
    safe: Instant,
    safe_blocks: u64,
}

/// Where a catalogue lies until it is complete.
pub fn partial_name(output: &Path) -> PathBuf {
    output.with_extension("partial.catalogue")
}

impl Unfinished {
    /// A new one, which is created when the roots have answered.
    pub fn new(output: &Path, force: bool, settings: Settings, deadline: Duration) -> Self {
        Self {
            output: output.to_owned(),
            force,
            settings,
            deadline,
            stream: None,
            left: None,
            told: Told::default(),
            not_seen: BTreeMap::new(),
            late: Vec::new(),
            entered: false,
        }
    }

    /// Goes on with what an earlier run left for this output: with one that did not end, else with the places that one which
    /// ended could not read. The output is replaced when all is done.
    ///
    /// # Errors
    /// When there is nothing, or it is damaged, complete, or written by another run just now.
    pub fn resume(output: &Path, settings: Settings, deadline: Duration) -> Result<Self> {
        let partial = partial_name(output);
        let exists = |path: &Path| {
            let path = path.to_owned();
            output::ask(deadline, move || Ok(std::fs::symlink_metadata(path).is_ok()))
                .map_err(|error| ToolError::at(ErrorKind::Catalogue, output, "cannot be gone on with").because(error))
        };
        if !exists(&partial)? && exists(output)? {
            return Self::retry(output, settings, deadline);
        }
        Self::go_on(output, partial, settings, deadline)
    }

    /// True when a run that goes on has something to do.
    pub fn has_places_left(&self) -> bool {
        self.left.as_ref().is_none_or(|left| match &left.file {
            LeftFile::Unfinished(_) => true,
            LeftFile::Finished(_) => !left.places.open.is_empty(),
        })
    }

    /// Checks that these are the roots of the run that is gone on with.
    ///
    /// # Errors
    /// When they are not.
    pub fn check_roots(&self, roots: &[RootRecord]) -> Result<()> {
        self.left.as_ref().map_or(Ok(()), |left| self.check_same(left, roots))
    }

    /// Looks which places the storage refused to a run that ended.
    fn retry(output: &Path, settings: Settings, deadline: Duration) -> Result<Self> {
        let saved = SavedFile::open(output, deadline)
            .map_err(|error| ToolError::at(ErrorKind::Catalogue, output, "cannot be gone on with").because(error))?;
        let mut header = load::header(output, &saved)?;
        let mut places = Places::of_roots(header.roots.len());
        let (mut ended, mut answers) = (Ended::default(), Vec::new());
        let mut this = Self::new(output, true, settings, deadline);
        let mut read = load::read(output, &saved, &header, &mut |piece| match piece {
            Piece::Folder(folder) if folder.issues.iter().any(was_refused) => {
                ended.again.insert((folder.record.root, folder.record.path));
            }
            Piece::Folder(folder) => {
                places.close(&folder.record);
                this.entered |= folder.record.entered;
                this.told.add(&folder.issues);
            }
            Piece::Root(root, answer) => answers.push((root, answer)),
        })?;
        header.learn(&answers);
        let again = &ended.again;
        ended.looks = read.take_looks();
        // Of a file that is read again it stays known that somebody changed it, and nothing else.
        ended.looks.retain(|(root, path), look| {
            let is_kept = !again.contains(&(*root, path.folder()));
            if !is_kept {
                look.failed = None;
            }
            is_kept || !look.changes.is_empty()
        });
        for root in &mut header.roots {
            root.continued.extend(&read.continued);
        }
        this.not_seen = not_seen(&ended.looks);
        this.left = Some(Left {
            path: output.to_owned(),
            file: LeftFile::Finished(ended),
            header,
            places,
        });
        Ok(this)
    }

    /// Takes over what a run that ended has read. First what no run that goes on with this one could read once more.
    fn take_over(&self, header: &Header, ended: Ended) -> Result<Stream> {
        let path = &self.output;
        let saved = SavedFile::open(path, self.deadline)
            .map_err(|error| ToolError::at(ErrorKind::Catalogue, path, "cannot be gone on with").because(error))?;
        let mut stream = self.create(header)?;
        let mut looks = ended.looks.into_iter().map(|((root, path), look)| {
            let look = LookRecord { root, path, look };
            Record::SecondLook(Cow::Owned(look))
        });
        let mut copied = looks
            .try_for_each(|record| stream.put(&record))
            .and_then(|()| stream.make_safe());
        load::read(path, &saved, header, &mut |piece| match piece {
            Piece::Folder(folder) if copied.is_ok() => {
                if !ended.again.contains(&(folder.record.root, folder.record.path.clone())) {
                    copied = stream.add(&folder);
                }
            }
            // The header has what the roots said.
            Piece::Folder(_) | Piece::Root(..) => {}
        })?;
        copied
            .and_then(|()| stream.flush())
            .map_err(|error| ToolError::at(ErrorKind::Output, &stream.path, "cannot be written").because(error))?;
        Ok(stream)
    }

    /// Goes on with a file that was not written to its end.
    fn go_on(output: &Path, path: PathBuf, settings: Settings, deadline: Duration) -> Result<Self> {
        let refuse = |what: &str| ToolError::at(ErrorKind::Catalogue, &path, what);
        let failed = |error: io::Error| refuse("cannot be gone on with").because(error);
        let mut file = open_own(&path, deadline).map_err(failed)?;
        lock(&path, &mut file)?;
        let saved = SavedFile::open(&path, deadline).map_err(failed)?;
        let mut header = load::header(&path, &saved)?;
        let mut entered = false;
        let mut told = Told::default();
        let mut answers = Vec::new();
        // What was given up is entered now.
        let mut read = load::read(&path, &saved, &header, &mut |piece| match piece {
            Piece::Folder(folder) => {
                entered |= folder.record.entered;
                told.add(&folder.issues);
            }
            Piece::Root(root, answer) => answers.push((root, answer)),
        })?;
        header.learn(&answers);
        let not_seen = not_seen(&read.take_looks());
        // Nothing may be mapped when it is cut.
        drop(saved);
        if read.trailer.is_some() {
            return Err(refuse("is complete: rename it"));
        }
        let end = u64::try_from(read.end).unwrap_or(u64::MAX);
        let cut = move |mut file: &File| {
            file.set_len(end)?;
            file.seek(SeekFrom::Start(end))
        };
        file.ask(cut).map_err(failed)?;
        let stream = Stream {
            path: path.clone(),
            file,
            chain: read.chain,
            counts: read.counts,
            lines: Vec::new(),
            safe: Instant::now(),
            safe_blocks: read.counts.blocks,
        };
        let left = Some(Left {
            path,
            file: LeftFile::Unfinished(Box::new(stream)),
            header,
            places: read.places,
        });
        Ok(Self {
            left,
            told,
            not_seen,
            entered,
            ..Self::new(output, true, settings, deadline)
        })
    }

    /// The folder, root by root, that an earlier run was to enter has to be the one that this run is.
    fn check_same(&self, left: &Left, roots: &[RootRecord]) -> Result<()> {
        let refuse = |what: &str| Err(ToolError::at(ErrorKind::Usage, &left.path, what));
        let named = |roots: &[RootRecord]| {
            let one = |root: &RootRecord| match root.aliases.as_slice() {
                [] => root.path.escaped().into_owned(),
                aliases => format!("{}={}", aliases.join(","), root.path.escaped()),
            };
            let all: Vec<String> = roots.iter().map(one).collect();
            sanitize::text(&all.join(" ")).into_owned()
        };
        let (before, now) = (&left.header.roots, roots);
        if named(before) != named(now) {
            let what = format!("was begun with other roots: {}, not {}", named(before), named(now));
            return refuse(&what);
        }
        if left.header.settings != self.settings {
            return refuse("was begun with another --exclude or --cross-file-systems");
        }
        for (before, now) in before.iter().zip(now) {
            let path = sanitize::path(&now.path);
            if before.machine != now.machine {
                return refuse("was begun on another machine: file numbers mean something within one only");
            }
            let (Some(was), Some(is)) = (before.device.zip(before.inode), now.device.zip(now.inode)) else {
                continue;
            };
            if was != is {
                let what = format!(
                    "was begun when {path} was another folder, or mounted anew since (device and inode {was:?}, now \
                     {is:?}): names of one file could not be told any more"
                );
                return refuse(&what);
            }
        }
        Ok(())
    }

    fn header(&self, roots: Vec<RootRecord>) -> Header {
        Header {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: Timestamp::now(),
            settings: self.settings.clone(),
            roots,
        }
    }

    fn create(&self, header: &Header) -> Result<Stream> {
        let path = partial_name(&self.output);
        let failed = |error: io::Error| ToolError::at(ErrorKind::Output, &path, "cannot be written").because(error);
        if self.force {
            self.make_room(&path, failed)?;
        }
        let mut file = OutputFile::create(&path, self.deadline).map_err(failed)?;
        lock(&path, &mut file)?;
        let json = serde_json::to_vec(header).map_err(|error| failed(error.into()))?;
        let mut chain = Chain::default();
        let header = chain
            .header(&json)
            .ok_or_else(|| failed(io::Error::other("the roots are too many")))?;
        file.write_all(&header).and_then(|()| file.flush()).map_err(failed)?;
        Ok(Stream {
            path: path.clone(),
            file,
            chain,
            counts: Counts::default(),
            lines: Vec::new(),
            safe: Instant::now(),
            safe_blocks: 0,
        })
    }

    /// Takes away what an earlier run left.
    fn make_room(&self, path: &Path, failed: impl Fn(io::Error) -> ToolError) -> Result<()> {
        match open_own(path, self.deadline) {
            Ok(mut left) => lock(path, &mut left)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        }
        let path = path.to_owned();
        output::ask(self.deadline, move || std::fs::remove_file(path)).map_err(failed)
    }

    /// Writes what waits in memory.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        self.write(Stream::flush)
    }

    /// The same at the end of a run that was ended early.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end_early(&mut self) -> Result<()> {
        self.write(|stream| {
            stream.put(&Record::Ended(Timestamp::now()))?;
            stream.flush()
        })
    }

    /// Everything that was written so far.
    ///
    /// # Errors
    /// When it cannot be written, or read again.
    pub fn so_far(&mut self) -> Result<Catalogue> {
        self.flush()?;
        let path = self.path();
        let saved = SavedFile::open(path, self.deadline)
            .map_err(|error| ToolError::at(ErrorKind::Catalogue, path, load::CANNOT_BE_OPENED).because(error))?;
        let mut catalogue = Catalogue::of_bytes(path, &saved)?;
        // That it has no trailer yet is no news.
        catalogue.issues.retain(|issue| issue.stage != Stage::Catalogue);
        Ok(catalogue)
    }

    /// Adds what the second look at a file found.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_look(&mut self, entry: &Entry, look: SecondLook) -> Result<()> {
        let in_folder = self.not_seen.entry((entry.root, entry.path.folder())).or_default();
        match settle::not_seen(entry.root, &entry.path, &look) {
            Some(issue) => in_folder.insert(entry.path.clone(), issue),
            None => in_folder.remove(&entry.path),
        };
        let look = LookRecord {
            root: entry.root,
            path: entry.path.clone(),
            look,
        };
        self.write(|stream| stream.put(&Record::SecondLook(Cow::Borrowed(&look))))
    }

    /// Writes the trailer and puts the catalogue in its place.
    ///
    /// # Errors
    /// When it cannot be written to its end, or something has come to lie in its place.
    pub fn finish(&mut self) -> Result<()> {
        let late = std::mem::take(&mut self.late);
        for issue in &late {
            self.write(|stream| stream.put(&Record::LateIssue(Cow::Borrowed(issue))))?;
        }
        let (place, force, deadline) = (self.output.clone(), self.force, self.deadline);
        self.write(|stream| {
            stream.put(&Record::Ended(Timestamp::now()))?;
            stream.flush()?;
            let trailer = stream.chain.trailer(stream.counts);
            stream.file.write_all(&trailer)?;
            stream.file.ask(File::sync_all)?;
            output::put_in_place(&stream.path, &place, force, deadline)
        })
    }

    /// Nothing is looked at again from now on: what was not seen is told with the issues.
    pub fn end_looks(&mut self) {
        let folders = std::mem::take(&mut self.not_seen).into_values();
        let not_seen: Vec<Issue> = folders.flat_map(BTreeMap::into_values).collect();
        self.told.add(&not_seen);
    }

    /// Takes away a new one in which nothing stands, after a run that could read nothing.
    pub fn discard_empty(&mut self) {
        if self.left.is_none()
            && !self.entered
            && let Some(stream) = self.stream.take()
        {
            // Nothing is lost with it, and nothing gained where it stays.
            let path = stream.path.clone();
            let _ = output::ask(self.deadline, move || std::fs::remove_file(path));
        }
    }

    /// Where it lies now.
    pub fn path(&self) -> &Path {
        self.stream.as_ref().map_or(&self.output, |stream| &stream.path)
    }

    /// How many artifacts stand in it.
    pub fn artifacts(&self) -> u64 {
        self.stream.as_ref().map_or(0, |stream| stream.counts.artifacts)
    }

    /// How many issues there are beyond those that are kept to be told.
    pub fn untold_issues(&self) -> u64 {
        self.told.more
    }

    fn write(&mut self, write: impl FnOnce(&mut Stream) -> io::Result<()>) -> Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        write(stream)
            .map_err(|error| ToolError::at(ErrorKind::Output, &stream.path, "cannot be written").because(error))
    }
}

/// The issues of files that could not be looked at again.
fn not_seen(looks: &BTreeMap<Place, SecondLook>) -> BTreeMap<Place, BTreeMap<RawPath, Issue>> {
    let mut all: BTreeMap<Place, BTreeMap<RawPath, Issue>> = BTreeMap::new();
    for ((root, path), look) in looks {
        if let Some(issue) = settle::not_seen(*root, path, look) {
            let in_folder = all.entry((*root, path.folder())).or_default();
            in_folder.insert(path.clone(), issue);
        }
    }
    all
}

/// True when it was the storage that did not let something be read: another time it may.
fn was_refused(issue: &Issue) -> bool {
    issue.error != crawl::LOOP && matches!(issue.stage, Stage::Crawl | Stage::Stat | Stage::Read)
}

/// Keeps another run from writing the same file. Where the file system knows no locks there are none.
fn lock(path: &Path, file: &mut OutputFile) -> Result<()> {
    let refuse = |what| ToolError::at(ErrorKind::Output, path, what);
    let is_taken = |file: &File| Ok(matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
    match file.ask(is_taken) {
        Ok(false) => Ok(()),
        Ok(true) => Err(refuse("is being written by another run")),
        Err(error) => Err(refuse("cannot be written").because(error)),
    }
}

fn open_own(path: &Path, deadline: Duration) -> io::Result<OutputFile> {
    let path = path.to_owned();
    let file = output::ask(deadline, move || output::open_own(&path))?;
    Ok(OutputFile::new(file, deadline))
}

impl Store for Unfinished {
    fn begin(&mut self, roots: Vec<RootRecord>) -> Result<Places> {
        let Some(mut left) = self.left.take() else {
            let places = Places::of_roots(roots.len());
            self.stream = Some(self.create(&self.header(roots))?);
            return Ok(places);
        };
        self.check_same(&left, &roots)?;
        let answers: Vec<(usize, RootRecord)> = roots.into_iter().enumerate().collect();
        let new = left.header.learn(&answers);
        let (stream, answers) = match left.file {
            LeftFile::Unfinished(stream) => (*stream, new),
            // They stand in its header.
            LeftFile::Finished(ended) => (self.take_over(&left.header, ended)?, Vec::new()),
        };
        self.stream = Some(stream);
        self.write(|stream| {
            stream.put(&Record::Continued(Timestamp::now()))?;
            let mut answers = answers.iter();
            answers.try_for_each(|(root, answer)| stream.put(&Record::Root(*root, Cow::Borrowed(answer))))
        })?;
        Ok(left.places)
    }

    fn add(&mut self, folder: Folder) -> Result<()> {
        self.entered |= folder.record.entered;
        self.told.add(&folder.issues);
        // What it said to an earlier run counts no more.
        self.not_seen.remove(&(folder.record.root, folder.record.path.clone()));
        self.write(|stream| stream.add(&folder))
    }

    fn give_up(&mut self, issues: Vec<Issue>, interrupted: bool) {
        // What a run that goes on will enter is no issue.
        if !interrupted {
            self.told.add(&issues);
            self.late.extend(issues);
        }
    }

    fn look_up(&mut self) -> Result<()> {
        self.write(|stream| {
            if stream.safe.elapsed() < MOST_WAIT {
                return Ok(());
            }
            stream.make_safe()
        })
    }

    fn has_entered(&self) -> bool {
        self.entered
    }

    fn issues(&self) -> &[Issue] {
        &self.told.issues
    }
}

impl Stream {
    fn add(&mut self, folder: &Folder) -> io::Result<()> {
        for artifact in &folder.artifacts {
            self.put_artifact(artifact)?;
        }
        for entry in &folder.bystanders {
            self.put(&Record::Bystander(Cow::Borrowed(entry)))?;
        }
        for special in &folder.specials {
            self.put(&Record::Special(Cow::Borrowed(special)))?;
        }
        for issue in &folder.issues {
            self.put(&Record::Issue(Cow::Borrowed(issue)))?;
        }
        self.counts.folders = self.counts.folders.saturating_add(1);
        self.put(&Record::Folder(Cow::Borrowed(&folder.record)))
    }

    /// An artifact of which more was read than a block takes is kept without its facts.
    fn put_artifact(&mut self, artifact: &Artifact) -> io::Result<()> {
        self.counts.artifacts = self.counts.artifacts.saturating_add(1);
        let start = self.lines.len();
        self.line(&Record::Artifact(Cow::Borrowed(artifact)))?;
        if self.lines.len() > MOST_RAW_BYTES {
            self.lines.truncate(start);
            let entry = &artifact.entry;
            self.line(&Record::Issue(Cow::Owned(Issue {
                root: Some(entry.root),
                path: entry.path.clone(),
                stage: Stage::Catalogue,
                error: "what was read of it takes more than a catalogue can hold: its facts are left out".to_owned(),
                folder: false,
            })))?;
            self.line(&Record::Artifact(Cow::Owned(Artifact {
                facts: Facts::NONE,
                ..artifact.clone()
            })))?;
        }
        self.flush_if_full()
    }

    fn put(&mut self, record: &Record<'_>) -> io::Result<()> {
        self.line(record)?;
        self.flush_if_full()
    }

    fn line(&mut self, record: &Record<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.lines, record)?;
        self.lines.push(b'\n');
        Ok(())
    }

    fn flush_if_full(&mut self) -> io::Result<()> {
        if self.lines.len() < BLOCK_BYTES {
            return Ok(());
        }
        self.flush()
    }

    /// Writes what waits, all the way to the disk: what a machine leaves that loses its power is to be sound.
    fn make_safe(&mut self) -> io::Result<()> {
        self.flush()?;
        if self.counts.blocks > self.safe_blocks {
            self.file.ask(File::sync_data)?;
            self.safe_blocks = self.counts.blocks;
        }
        self.safe = Instant::now();
        Ok(())
    }

    /// Writes what waits as a block.
    fn flush(&mut self) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let block = self.chain.block(&self.lines)?;
        // Whoever ends the process now loses only what is in no block yet.
        self.file.write_all(&block).and_then(|()| self.file.flush())?;
        self.counts.blocks = self.counts.blocks.saturating_add(1);
        self.lines.clear();
        Ok(())
    }
}
