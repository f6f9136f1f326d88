//! Saved catalogues to memory: what is damaged is refused, what is incomplete says so.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use derelict_parsers::ParseError;
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    Catalogue, Folder, Issue, RootRecord, SecondLook, Stage,
    folder::Gathering,
    frame::{BLOCK, Block, Chain, Counts, Cut, Frame, Frames, HEADER_MAGIC, malformed},
    places::{Place, Places},
    record::{Header, LookRecord, Record, SCHEMA, SCHEMA_OF_ANY_VERSION},
};
use crate::{
    error::{ErrorKind, Result, ToolError},
    file_reader::FileReader,
    in_order::in_order,
    raw::RawPath,
    saved_file::{IO_TIMEOUT, SavedFile},
    settle,
};

/// What is said of every folder that the run did not come to.
const NOT_COLLECTED: &str = "not collected: the run that wrote the catalogue did not end";

/// Blocks whose records are read at a time, by several threads: each is some MiB in memory.
const BLOCKS_AT_ONCE: usize = 8;

/// What is said of a file whose bytes are not to be had.
pub(crate) const CANNOT_BE_OPENED: &str = "cannot be opened";

/// What is said of a catalogue without trailer.
pub(crate) const INCOMPLETE: &str =
    "is incomplete: the run that wrote it did not end; collect --resume goes on with it";

impl Catalogue {
    /// Reads a saved catalogue. What an incomplete one does not hold is among its issues.
    ///
    /// # Errors
    /// When the file cannot be read, is no catalogue, is one of another version, or is damaged.
    pub fn load(path: &Path) -> Result<Self> {
        let file = SavedFile::open(path, IO_TIMEOUT)
            .map_err(|error| ToolError::at(ErrorKind::Catalogue, path, CANNOT_BE_OPENED).because(error))?;
        Self::of_bytes(path, &file)
    }

    /// The same of the bytes of the file.
    ///
    /// # Errors
    /// When it is no catalogue, is one of another version, or is damaged.
    pub(crate) fn of_bytes(path: &Path, file: &[u8]) -> Result<Self> {
        let header = header(path, file)?;
        let mut gathering = Gathering::new(header.roots.clone());
        let mut read = read(path, file, &header, &mut |piece| match piece {
            Piece::Folder(folder) => gathering.add(folder),
            Piece::Root(root, answer) => gathering.add_answer(root, &answer),
        })?;
        let looks = read.take_looks();
        let mut catalogue = gathering.catalogue;
        // What was given up may have been read by a run that went on.
        let places = &read.places;
        let late = read.late.into_iter().filter(|issue| places.is_open(issue));
        catalogue.issues.extend(late);
        catalogue.issues.sort();
        let unread: Vec<Issue> = read.places.open.into_iter().map(not_collected).collect();
        let unread = unread.into_iter().filter(|issue| !is_named(&catalogue, issue));
        let unread: Vec<Issue> = unread.collect();
        catalogue.issues.extend(unread);
        if read.trailer.is_none() {
            catalogue.issues.push(Issue {
                root: None,
                path: RawPath::from_os(path),
                stage: Stage::Catalogue,
                error: INCOMPLETE.to_owned(),
                folder: false,
            });
        }
        for root in &mut catalogue.roots {
            root.continued.extend(&read.continued);
            root.last_read = read.ended.or_else(|| {
                let begun = root.continued.iter().copied().chain(root.started).max();
                begun.filter(|_| read.trailer.is_some())
            });
        }
        catalogue.sort();
        for ((root, path), look) in looks {
            let wanted = (root, &path);
            let place = catalogue
                .artifacts
                .binary_search_by(|artifact| (artifact.entry.root, &artifact.entry.path).cmp(&wanted));
            if let Ok(place) = place {
                settle::keep(&mut catalogue, place, look);
            }
        }
        catalogue.issues.sort();
        Ok(catalogue)
    }

    /// What stands for a catalogue that cannot be read, or of which these bytes are not understood: its roots, of which nothing
    /// was seen; itself, where not even they are known.
    pub(crate) fn refused(path: &Path, file: Option<&[u8]>, error: &ToolError) -> Self {
        let header = file.and_then(|file| header(path, file).ok());
        let itself = || RootRecord {
            path: RawPath::from_os(path),
            ..RootRecord::default()
        };
        let mut roots = header.map_or_else(|| vec![itself()], |header| header.roots);
        for root in &mut roots {
            // Runs that went on with it may have read at any time: no other catalogue knows what they saw.
            root.last_read = Some(Timestamp::MAX);
        }
        let text = format!("not collected: {}", error.chain().replace("\n  because", ":"));
        let mut catalogue = Self::new(roots);
        let issue = |root| Issue {
            root: Some(root),
            path: RawPath::default(),
            stage: Stage::Catalogue,
            error: text.clone(),
            folder: true,
        };
        catalogue.issues = (0..catalogue.roots.len()).map(issue).collect();
        catalogue
    }
}

fn not_collected((root, path): (usize, RawPath)) -> Issue {
    Issue {
        root: Some(root),
        path,
        stage: Stage::Crawl,
        error: NOT_COLLECTED.to_owned(),
        folder: true,
    }
}

/// True when the issues, which are sorted, say already that a folder was not seen.
fn is_named(catalogue: &Catalogue, unread: &Issue) -> bool {
    let first = catalogue
        .issues
        .partition_point(|issue| (issue.root, &issue.path) < (unread.root, &unread.path));
    let same = catalogue.issues.iter().skip(first);
    let mut same = same.take_while(|issue| (issue.root, &issue.path) == (unread.root, &unread.path));
    same.any(|issue| issue.folder)
}

/// Reads the header of a catalogue.
pub(super) fn header(path: &Path, file: &[u8]) -> Result<Header> {
    let refuse = |what: &str| ToolError::at(ErrorKind::Catalogue, path, what);
    if let Some(schema) = stated_schema(file).filter(|schema| schema != SCHEMA) {
        let text = format!("is of the schema \"{schema}\"; this version of derelict reads \"{SCHEMA}\"");
        return Err(refuse(&text));
    }
    let json = Frames::new(file).header().map_err(|error| {
        let what = match error {
            ParseError::Truncated { .. } => {
                "is cut within its header, so that nothing in it can be read or gone on with: collect it anew, with --force"
            }
            _ => "is no catalogue, or is damaged",
        };
        refuse(what).because(error)
    })?;
    serde_json::from_slice(json).map_err(|error| refuse("has a header that is not understood").because(error))
}

/// True for a file that says itself that it is a catalogue, of whatever version.
pub(crate) fn is_catalogue(path: &Path) -> bool {
    let begins_so = FileReader::open(path).is_ok_and(|reader| reader.head().starts_with(&HEADER_MAGIC.to_le_bytes()));
    let stated = || stated_schema(&SavedFile::open(path, IO_TIMEOUT).ok()?);
    begins_so && stated().is_some_and(|schema| schema.starts_with(SCHEMA_OF_ANY_VERSION))
}

/// What the header, or a JSON document, says under `schema`.
fn stated_schema(file: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Stated {
        schema: String,
    }
    let json = Frames::new(file).peek_header().unwrap_or(file);
    let stated: Stated = serde_json::from_slice(json).ok()?;
    Some(stated.schema)
}

/// What is handed over as it is read.
pub(super) enum Piece {
    /// A folder that is done.
    Folder(Folder),
    /// What a root says that gave no answer before.
    Root(usize, RootRecord),
}

/// What was read besides.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) places: Places,
    pub(super) late: Vec<Issue>,
    /// Each with the number of the run that wrote it.
    looks: Vec<(usize, LookRecord)>,
    /// The number of the run that read a folder, where it is not the first.
    runs: HashMap<Place, usize>,
    /// When later runs went on.
    pub(super) continued: Vec<Timestamp>,
    /// When the last run ended; `None` where it did not, or does not say so.
    ended: Option<Timestamp>,
    pub(super) counts: Counts,
    /// `None`: the run that wrote it did not end.
    pub(super) trailer: Option<Counts>,
    /// Behind the last whole frame, with the digest up to there.
    pub(super) end: usize,
    pub(super) chain: Chain,
    /// What belongs to a folder whose record is yet to come.
    pending: Folder,
}

/// Reads all that follows the header and hands over every folder that is done.
pub(super) fn read(path: &Path, file: &[u8], header: &Header, take: &mut dyn FnMut(Piece)) -> Result<Read> {
    read_frames(file, header.roots.len(), take)
        .map_err(|error| ToolError::at(ErrorKind::Catalogue, path, "is damaged").because(error))
}

fn read_frames(file: &[u8], roots: usize, take: &mut dyn FnMut(Piece)) -> std::result::Result<Read, ParseError> {
    let mut frames = Frames::new(file);
    frames.header()?;
    let mut read = Read {
        places: Places::of_roots(roots),
        ..Read::default()
    };
    let mut blocks = Vec::new();
    let (start, last) = loop {
        let start = frames.at;
        match frames.next() {
            Ok(Ok(Frame::Block(block))) => blocks.push(block),
            last => break (start, last),
        }
    };
    // What is wrong with a block is told before what is wrong behind it.
    let records = |blocks: &[Block<'_>]| blocks.iter().map(|block| records(block, roots)).collect::<Vec<_>>();
    in_order(&blocks, BLOCKS_AT_ONCE, records, |blocks| {
        for records in blocks {
            read.block(records?, take);
        }
        Ok::<_, ParseError>(())
    })?;
    match last? {
        Ok(Frame::Trailer(counts)) if counts != read.counts => {
            let detail = "it counts something else than there is";
            return Err(malformed("catalogue trailer", start, detail));
        }
        Ok(Frame::Trailer(counts)) => read.trailer = Some(counts),
        Ok(Frame::Block(_)) | Err(Cut) => {}
    }
    (read.end, read.chain) = (frames.at, frames.chain);
    Ok(read)
}

/// The records of a block.
fn records(block: &Block<'_>, roots: usize) -> std::result::Result<Vec<Record<'static>>, ParseError> {
    let lines = block.lines()?;
    let records = serde_json::Deserializer::from_slice(&lines).into_iter::<Record<'static>>();
    let checked = records.map(|record| {
        let record = record.map_err(|error| malformed(BLOCK, block.start, &error.to_string()))?;
        check(&record, roots).map_err(|detail| malformed(BLOCK, block.start, &detail))?;
        Ok(record)
    });
    checked.collect()
}

impl Read {
    /// The last look at each file; what an earlier one saw counts where that failed. Of a file that was read anew since it says only that it
    /// was changed, if it was.
    pub(super) fn take_looks(&mut self) -> BTreeMap<Place, SecondLook> {
        let is_of_now = |run: usize, look: &LookRecord| {
            let read = self.runs.get(&(look.root, look.path.folder()));
            read.is_none_or(|read| *read <= run) || !look.look.changes.is_empty()
        };
        let looks = std::mem::take(&mut self.looks).into_iter();
        let looks = looks.filter(|(run, look)| is_of_now(*run, look));
        let mut last: BTreeMap<Place, SecondLook> = BTreeMap::new();
        for (_, look) in looks {
            let place = last.entry((look.root, look.path));
            place
                .and_modify(|before| {
                    let changes = std::mem::take(&mut before.changes);
                    before.clone_from(&look.look);
                    if before.failed.is_some() && before.changes.is_empty() {
                        before.changes = changes;
                    }
                })
                .or_insert(look.look);
        }
        last
    }

    fn block(&mut self, records: Vec<Record<'_>>, take: &mut dyn FnMut(Piece)) {
        self.counts.blocks = self.counts.blocks.saturating_add(1);
        for record in records {
            self.record(record, take);
        }
    }

    fn record(&mut self, record: Record<'_>, take: &mut dyn FnMut(Piece)) {
        match record {
            Record::Artifact(artifact) => {
                self.counts.artifacts = self.counts.artifacts.saturating_add(1);
                self.pending.artifacts.push(artifact.into_owned());
            }
            Record::Bystander(entry) => self.pending.bystanders.push(entry.into_owned()),
            Record::Special(special) => self.pending.specials.push(special.into_owned()),
            Record::Issue(issue) => self.pending.issues.push(issue.into_owned()),
            Record::Folder(folder) => {
                self.counts.folders = self.counts.folders.saturating_add(1);
                self.places.close(&folder);
                if !self.continued.is_empty() {
                    let place = (folder.root, folder.path.clone());
                    self.runs.insert(place, self.continued.len());
                }
                let mut done = std::mem::take(&mut self.pending);
                done.record = folder.into_owned();
                take(Piece::Folder(done));
            }
            Record::LateIssue(issue) => self.late.push(issue.into_owned()),
            Record::SecondLook(look) => self.looks.push((self.continued.len(), look.into_owned())),
            Record::Continued(at) => {
                // What the run before left of a folder is read again.
                self.pending = Folder::default();
                self.continued.push(at);
                self.ended = None;
            }
            Record::Ended(at) => self.ended = Some(at),
            Record::Root(root, answer) => take(Piece::Root(root, answer.into_owned())),
        }
    }
}

/// Everything names a root that is there, and a path that stays in it: a run that goes on enters what stands here.
fn check(record: &Record<'_>, roots: usize) -> std::result::Result<(), String> {
    let (root, path) = match record {
        Record::Artifact(artifact) => (artifact.entry.root, &artifact.entry.path),
        Record::Bystander(entry) => (entry.root, &entry.path),
        Record::Special(special) => (special.root, &special.path),
        Record::Folder(folder) => (folder.root, &folder.path),
        Record::SecondLook(look) => (look.root, &look.path),
        Record::Issue(issue) | Record::LateIssue(issue) => match issue.root {
            Some(root) => (root, &issue.path),
            None => return Ok(()),
        },
        Record::Root(root, _) => (*root, &RawPath::default()),
        Record::Continued(_) | Record::Ended(_) => return Ok(()),
    };
    if root >= roots {
        return Err(format!("it names root {root} and lists only {roots}"));
    }
    let inner: &[RawPath] = match record {
        Record::Folder(folder) => &folder.folders,
        _ => &[],
    };
    let names = inner.iter().map(RawPath::as_bytes);
    let parts = path.as_bytes().split(|&byte| byte == b'/');
    let mut parts = parts.filter(|_| !path.is_empty());
    if !parts.all(is_name) || !names.clone().all(is_name) {
        return Err(format!("it names a place that is none in a root: {}", path.escaped()));
    }
    Ok(())
}

/// One part of a path: no way up, and no way out.
fn is_name(name: &[u8]) -> bool {
    let divides = |byte: &u8| matches!(byte, 0 | b'/') || cfg!(windows) && matches!(byte, b'\\' | b':');
    !matches!(name, b"" | b"." | b"..") && !name.iter().any(divides)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalogue::FolderRecord, raw::RawPath};

    /// A catalogue of one root with these lines in one block.
    fn with_lines(lines: &str) -> Vec<u8> {
        let header = Header {
            schema: SCHEMA.to_owned(),
            version: String::new(),
            started: Timestamp::UNIX_EPOCH,
            settings: crate::catalogue::Settings::default(),
            roots: vec![RootRecord::default()],
        };
        let mut chain = Chain::default();
        let mut file = chain.header(&serde_json::to_vec(&header).unwrap()).unwrap();
        file.extend(chain.block(lines.as_bytes()).unwrap());
        file
    }

    fn read_lines(lines: &str) -> std::result::Result<(Vec<Folder>, Read), String> {
        let mut folders = Vec::new();
        let file = with_lines(lines);
        let read = read_frames(&file, 1, &mut |piece| match piece {
            Piece::Folder(folder) => folders.push(folder),
            Piece::Root(..) => {}
        });
        Ok((folders, read.map_err(|error| error.to_string())?))
    }

    fn folder(root: usize, path: RawPath, folders: &[RawPath]) -> String {
        let record = FolderRecord {
            root,
            path,
            folders: folders.to_vec(),
            ..FolderRecord::default()
        };
        serde_json::to_string(&Record::Folder(std::borrow::Cow::Owned(record))).unwrap()
    }

    fn special(path: &str) -> String {
        format!("{{\"special\":{{\"root\":0,\"path\":\"{path}\",\"target\":null}}}}\n")
    }

    #[test]
    fn a_place_outside_its_root_is_refused() {
        for name in ["..", ".", "", "a/b", "a\0b"] {
            let error = read_lines(&folder(0, RawPath::default(), &[name.into()])).unwrap_err();
            assert!(
                error.contains("names a place that is none in a root"),
                "{name}: {error}"
            );
        }
        for path in ["../a", "a/../../b", "/etc", "a//b", "a/", "./a"] {
            let error = read_lines(&folder(0, path.into(), &[])).unwrap_err();
            assert!(
                error.contains("names a place that is none in a root"),
                "{path}: {error}"
            );
            assert!(read_lines(&special(path)).is_err(), "{path}");
        }
        assert!(read_lines(&folder(0, "a/b..c/.d".into(), &[])).is_ok());
    }

    #[test]
    fn a_root_that_is_not_listed_is_refused() {
        let error = read_lines(&folder(1, RawPath::default(), &[])).unwrap_err();
        assert!(error.contains("names root 1 and lists only 1"), "{error}");
    }

    #[test]
    fn what_is_no_record_is_refused_with_its_place() {
        for line in ["{", "[]", "{\"unheard-of\":1}", "{\"folder\":{\"root\":-1}}"] {
            let error = read_lines(line).unwrap_err();
            assert!(error.starts_with("catalogue block at offset 0x"), "{line}: {error}");
        }
    }

    #[test]
    fn what_belongs_to_a_folder_without_its_record_is_not_there() {
        let (folders, read) = read_lines(&special("a")).unwrap();
        assert_eq!((folders.len(), read.places.open.len()), (0, 1));
        let again = "{\"continued\":\"2024-01-01T00:00:00Z\"}\n";
        let lines = [&special("a"), again, &special("b"), &folder(0, RawPath::default(), &[])].concat();
        let (folders, read) = read_lines(&lines).unwrap();
        let specials: Vec<_> = folders[0].specials.iter().map(|special| special.path.lossy()).collect();
        assert_eq!(specials, ["b"], "the run that went on read the folder again");
        assert_eq!((read.continued.len(), read.places.open.len()), (1, 0));
    }

    #[test]
    fn a_place_that_was_given_up_is_no_issue_once_a_run_that_went_on_has_read_it() {
        let top = folder(0, RawPath::default(), &["a".into(), "b".into()]);
        let late = |path: &str| {
            format!(
                "{{\"late-issue\":{{\"root\":0,\"path\":\"{path}\",\"stage\":\"crawl\",\"error\":\"no answer\",\"folder\":true}}}}\n"
            )
        };
        let lines = [top, late("a"), late("b"), folder(0, "a".into(), &[])].concat();
        let catalogue = Catalogue::of_bytes(Path::new("a.catalogue"), &with_lines(&lines)).unwrap();
        let issues = catalogue.issues.iter().filter(|issue| issue.folder);
        let issues: Vec<_> = issues.map(|issue| (issue.path.lossy(), issue.error.as_str())).collect();
        assert_eq!(issues, [("b".into(), "no answer")]);
    }

    #[test]
    fn a_trailer_that_counts_something_else_is_refused() {
        let lines = folder(0, RawPath::default(), &[]);
        let mut chain = Chain::default();
        let mut file = chain.header(b"{}").unwrap();
        file.extend(chain.block(lines.as_bytes()).unwrap());
        let counts = Counts {
            blocks: 1,
            folders: 2,
            artifacts: 0,
        };
        file.extend(chain.trailer(counts));
        let error = read_frames(&file, 1, &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains("counts something else"), "{error}");
    }
}
