//! Files and folders that the user gave, one after the other. What goes wrong with one is an issue and ends nothing.

use std::{
    collections::HashSet,
    fs::DirEntry,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;

use super::{
    BackedUpVm, DetectedFile, ImportIssue, Imported, InventoryArgument, InventoryKind, Mention, archive,
    detect::{self, Hints},
    export_errors,
    mapped::ColumnMap,
    mentions,
    merge::{contradictions, merge},
    moment::Moment,
    part::{Origin, Part},
    support_bundle, text, workbook,
};
use crate::{
    output::{self, is_no_answer},
    quiet_panic,
    raw::RawPath,
    saved_file::{IO_TIMEOUT, SavedFile},
    words::count,
};

/// How many folders below one that was given may lie in each other.
const MAX_DEPTH: usize = 4;

/// Most files, and most folders, of a folder of exports that are looked at.
const MAX_FOLDER_FILES: usize = 10_000;

/// Why a file is no inventory.
#[derive(Debug, thiserror::Error)]
pub(super) enum ImportError {
    /// The system did not give it.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// There is nothing in it.
    #[error("empty: the export failed or has no rows; export it again")]
    Empty,
    /// A list without a row.
    #[error(
        "an empty list: there may be nothing to list, or the command lacked the rights or failed, which it does not tell; export it again, \
         or leave it out where there is nothing to list"
    )]
    NoRows,
    /// It is something else.
    #[error("not understood: {0}")]
    NotUnderstood(String),
    /// It speaks of VMs, in a form that cannot be read.
    #[error("not understood: {0}")]
    WrongForm(String),
    /// It is an export, but broken.
    #[error("damaged: {0}")]
    Damaged(String),
    /// It asks for more than an export can need.
    #[error("refused: {0}")]
    TooLarge(String),
    /// A folder too far below the one that was given.
    #[error("not looked into: {0}")]
    TooDeep(String),
    /// The importer has a mistake.
    #[error("the importer failed on it; please report this file")]
    Panic,
}

/// Imports all exports that were given: files, archives and folders, these with the folders below.
pub fn import(arguments: &[InventoryArgument]) -> Imported {
    import_mapped(arguments, None)
}

/// Imports all exports that were given; tables that are not known are read by the columns that `map` names.
pub fn import_mapped(arguments: &[InventoryArgument], map: Option<&ColumnMap>) -> Imported {
    import_within(arguments, map, IO_TIMEOUT)
}

/// The same with another deadline for every answer of the storage. Where there is none in time the rest of a folder is not asked
/// for, which is an issue.
pub fn import_within(arguments: &[InventoryArgument], map: Option<&ColumnMap>, deadline: Duration) -> Imported {
    let mut found = Found {
        map: map.cloned(),
        deadline,
        ..Found::default()
    };
    for argument in arguments {
        found.is_dead = false;
        match found.ask(&argument.path, |path| Ok(std::fs::metadata(path)?.is_dir())) {
            Ok(true) => {
                found.add_folder(&argument.path, argument.kind);
                if found.is_dead {
                    found.add_issue(&argument.path, &ImportError::Io(not_to_its_end()));
                }
            }
            Ok(false) => found.add_file(&argument.path, argument.kind, true),
            Err(error) => found.add_issue(&argument.path, &ImportError::Io(error)),
        }
    }
    found.finish()
}

/// What was found so far.
#[derive(Default)]
struct Found {
    map: Option<ColumnMap>,
    /// Longest wait for one answer of the storage.
    deadline: Duration,
    /// The storage of the argument that is read gave no answer, and is not asked again.
    is_dead: bool,
    seen: HashSet<PathBuf>,
    parts: Vec<Part>,
    saved: Vec<Imported>,
    issues: Vec<ImportIssue>,
    detected: Vec<DetectedFile>,
    mentions: Vec<Mention>,
    /// Files in which scripts noted what failed, with their lines that tell of something which may be missing.
    errors: Vec<(PathBuf, Vec<String>)>,
}

impl Found {
    /// Asks the storage of a file or folder something.
    fn ask<T: Send + 'static>(
        &mut self,
        path: &Path,
        question: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let path = path.to_owned();
        let answer = output::ask(self.deadline, move || question(&path));
        self.is_dead |= answer.as_ref().is_err_and(is_no_answer);
        answer
    }

    /// Adds a folder and the folders below it, each of which may be a source of its own or the bundle of a host. What lies further
    /// down than is looked is missed.
    fn add_folder(&mut self, folder: &Path, kind: Option<InventoryKind>) {
        let before = self.parts.len() + self.saved.len();
        if self.add_bundle(folder, kind) {
            return;
        }
        let Tree { files, deeper } = self.tree(folder, kind);
        if self.is_dead {
            return;
        }
        if files.is_empty() && self.parts.len() == before && deeper.is_empty() {
            let error = ImportError::NotUnderstood("a folder without files".to_owned());
            self.add_issue(folder, &error);
            return;
        }
        self.miss_folders(folder, &deeper);
        for file in files.iter().take(MAX_FOLDER_FILES) {
            if !self.is_dead {
                self.add_file(file, kind, false);
            }
        }
        if self.parts.len() + self.saved.len() == before && !self.is_dead {
            let error = ImportError::NotUnderstood("a folder in which no file is a known export".to_owned());
            self.add_issue(folder, &error);
        }
    }

    /// The files of a folder and of the folders below it, each folder once however many links lead to it. Bundles are added.
    fn tree(&mut self, folder: &Path, kind: Option<InventoryKind>) -> Tree {
        let mut seen = HashSet::from([self.without_links(folder)]);
        let (mut files, mut folders) = self.entries(folder);
        for _ in 0..MAX_DEPTH {
            let mut deeper = Vec::new();
            for below in folders {
                let is_too_large = files.len() > MAX_FOLDER_FILES || seen.len() > MAX_FOLDER_FILES;
                if self.is_dead || is_too_large || !seen.insert(self.without_links(&below)) {
                    continue;
                }
                if !self.add_bundle(&below, kind) {
                    let (inner, further) = self.entries(&below);
                    files.extend(inner);
                    deeper.extend(further);
                }
            }
            folders = deeper;
        }
        if files.len() > MAX_FOLDER_FILES || seen.len() > MAX_FOLDER_FILES {
            let error = ImportError::TooLarge(format!("a folder with more than {MAX_FOLDER_FILES} files or folders"));
            self.add_issue(folder, &error);
            folders.clear();
        }
        folders.retain(|below| !self.is_dead && seen.insert(self.without_links(below)) && self.has_entries(below));
        Tree { files, deeper: folders }
    }

    /// The path of a folder as no link leads to it, where that can be told.
    #[expect(
        clippy::disallowed_methods,
        reason = "a folder of exports that the user gave, not one of a root: links in it count as the folders that they lead to"
    )]
    fn without_links(&mut self, folder: &Path) -> PathBuf {
        let found = self.ask(folder, |folder| std::fs::canonicalize(folder));
        found.unwrap_or_else(|_| folder.to_path_buf())
    }

    fn has_entries(&mut self, folder: &Path) -> bool {
        let (files, folders) = self.entries(folder);
        !files.is_empty() || !folders.is_empty()
    }

    /// Folders that lie too far down and hold something: nobody knows which VMs it tells of.
    fn miss_folders(&mut self, folder: &Path, deeper: &[PathBuf]) {
        let Some(first) = deeper.first() else { return };
        let others = match deeper.len().saturating_sub(1) {
            0 => String::new(),
            others => format!(", as {} do", count(others, "other folder", "other folders")),
        };
        let error = ImportError::TooDeep(format!(
            "it lies more than {MAX_DEPTH} folders below {}{others}; give it with -i of its own, or take it out of there",
            folder.display()
        ));
        self.add_issue(first, &error);
    }

    /// Adds the files of a vm-support bundle as one source, when the folder is one.
    fn add_bundle(&mut self, folder: &Path, kind: Option<InventoryKind>) -> bool {
        let files = match self.ask(folder, |folder| Ok(support_bundle::files(folder))) {
            Ok(Some(files)) => files,
            Ok(None) => return false,
            Err(error) => {
                self.add_issue(folder, &ImportError::Io(error));
                return true;
            }
        };
        let before = self.parts.len();
        for file in files {
            if !self.is_dead {
                self.add_file(&file, kind, false);
            }
        }
        for part in self.parts.iter_mut().skip(before) {
            part.origin.bundle = Some(folder.to_path_buf());
        }
        if self.parts.len() == before && !self.is_dead {
            let error = ImportError::NotUnderstood("a vm-support bundle without the list of its VMs".to_owned());
            self.add_issue(folder, &error);
        }
        true
    }

    /// The files and the folders in a folder, sorted, without hidden ones.
    fn entries(&mut self, folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
        self.ask(folder, entries).unwrap_or_else(|error| {
            self.add_issue(folder, &ImportError::Io(error));
            Default::default()
        })
    }

    /// Adds a file. One that was named must be understood; one of a folder may be anything.
    fn add_file(&mut self, path: &Path, kind: Option<InventoryKind>, named: bool) {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        if !self.seen.insert(absolute) {
            return;
        }
        let opened = Opened::of(path, self.deadline);
        self.is_dead |= matches!(&opened, Err(ImportError::Io(error)) if is_no_answer(error));
        match opened {
            Ok(opened) if opened.is_archive() => self.add_archive(path, &opened, kind, named),
            Ok(opened) if export_errors::is_file_of_them(path) && !named => self.add_errors(path, &opened.bytes),
            Ok(opened) => {
                let result = opened.read(self.hints(kind));
                self.note_mentions(path, &opened.bytes, &result, named);
                self.add_reading(path, result, named);
            }
            Err(error) => self.add_reading(path, Err(error), named),
        }
    }

    fn hints(&self, kind: Option<InventoryKind>) -> Hints<'_> {
        Hints {
            kind,
            map: self.map.as_ref(),
        }
    }

    /// Adds every entry of an archive as a file that lies in a folder of its name.
    fn add_archive(&mut self, path: &Path, opened: &Opened, kind: Option<InventoryKind>, named: bool) {
        let before = self.parts.len() + self.saved.len();
        let result = archive::for_each(&opened.bytes, |entry| {
            let inner = path.join(&entry.path);
            let result = match entry.bytes {
                Ok(bytes) if is_archive(&bytes) => Err(ImportError::NotUnderstood(
                    "an archive in an archive; unpack it first".to_owned(),
                )),
                Ok(bytes) if export_errors::is_file_of_them(&inner) => return self.add_errors(&inner, &bytes),
                Ok(bytes) => {
                    let origin = Origin {
                        path: inner.clone(),
                        modified: match entry.modified {
                            Some(said) => Some(said.moment(opened.origin.modified)),
                            None => opened.origin.modified,
                        },
                        bundle: None,
                    };
                    let result = guarded(&origin, &bytes, self.hints(kind));
                    self.note_mentions(&inner, &bytes, &result, false);
                    result
                }
                Err(error) => Err(error),
            };
            self.add_reading(&inner, result, false);
        });
        match result {
            Err(error) => self.add_reading(path, Err(error), named),
            Ok(()) if self.parts.len() + self.saved.len() == before => {
                let error = ImportError::NotUnderstood("an archive in which no file is a known export".to_owned());
                self.add_reading(path, Err(error), named);
            }
            Ok(()) => {}
        }
    }

    /// Of a file in a folder that is no export what it names: one that the user named himself is an issue as a whole.
    fn note_mentions(&mut self, path: &Path, bytes: &[u8], result: &Result<detect::Reading, ImportError>, named: bool) {
        if !named && matches!(result, Err(ImportError::NotUnderstood(_))) {
            self.note_named(path, &text::decode(bytes).text);
        }
    }

    fn note_named(&mut self, path: &Path, text: &str) {
        let files = mentions::named_in(text);
        self.mentions.extend(files.into_iter().map(|file| Mention {
            text: RawPath::from_os(path),
            named: file,
        }));
    }

    /// Adds what a script noted of commands that failed.
    fn add_errors(&mut self, path: &Path, bytes: &[u8]) {
        let text = text::decode(bytes).text;
        self.note_named(path, &text);
        self.errors.push((path.to_path_buf(), export_errors::costly(&text)));
        self.detected.push(DetectedFile {
            path: RawPath::from_os(path),
            kind: None,
            why: "what failed while the exports of this folder were made".to_owned(),
        });
    }

    /// Gives what failed to the exports of its folder. Where nothing was made there, an export is missing.
    fn give_errors(&mut self) {
        for (path, lines) in std::mem::take(&mut self.errors) {
            let folder = path.parent();
            let parts = self.parts.iter_mut();
            let mut beside: Vec<&mut Part> = parts
                .filter(|part| Some(part.origin.group().as_path()) == folder)
                .collect();
            let is_told = |line: &String| beside.iter().any(|part| part.told_errors.contains(line));
            let untold: Vec<String> = lines.into_iter().filter(|line| !is_told(line)).collect();
            let Some(text) = export_errors::in_short(&path, &untold) else {
                continue;
            };
            for part in &mut beside {
                part.warn_capping("export-errors", text.clone());
            }
            if beside.is_empty() {
                self.add_issue(&path, &ImportError::Damaged(text));
            }
        }
    }

    /// Adds what a file gave, or why it gave nothing.
    fn add_reading(&mut self, path: &Path, result: Result<detect::Reading, ImportError>, named: bool) {
        match result {
            Ok(reading) => {
                self.detected.push(DetectedFile {
                    path: RawPath::from_os(path),
                    kind: Some(reading.kind),
                    why: reading.why,
                });
                self.parts.extend(reading.parts);
                self.saved.extend(reading.saved);
            }
            Err(error) if named || is_failed_export(path, &error) => self.add_issue(path, &error),
            Err(error) => self.detected.push(DetectedFile {
                path: RawPath::from_os(path),
                kind: None,
                why: format!("ignored: {error}"),
            }),
        }
    }

    fn add_issue(&mut self, path: &Path, error: &ImportError) {
        self.issues.push(ImportIssue {
            path: RawPath::from_os(path),
            error: error.to_string(),
        });
    }

    fn finish(mut self) -> Imported {
        self.give_errors();
        let mut backups: Vec<BackedUpVm> = self.parts.iter_mut().flat_map(|part| part.backups.drain(..)).collect();
        let lists = self.parts.extract_if(.., |part| part.kind == InventoryKind::Backup);
        let (mut backup_files, mut backup_warnings) = (Vec::new(), Vec::new());
        for list in lists {
            backup_files.push(list.origin.path.to_string_lossy().into_owned());
            backup_warnings.extend(list.warnings);
        }
        let mut inventories = merge(self.parts);
        for saved in self.saved {
            inventories.extend(saved.inventories);
            self.issues.extend(saved.issues);
            self.mentions.extend(saved.mentions);
            backups.extend(saved.backups);
            backup_files.extend(saved.backup_files);
            backup_warnings.extend(saved.backup_warnings);
        }
        inventories.sort_by(|a, b| (&a.folder, &a.source, &a.files).cmp(&(&b.folder, &b.source, &b.files)));
        contradictions(&mut inventories);
        backups.sort();
        backup_files.sort();
        backup_files.dedup();
        backup_warnings.sort();
        self.mentions.sort();
        self.issues.sort();
        self.detected.sort();
        Imported {
            inventories,
            issues: self.issues,
            detected: self.detected,
            backups,
            backup_files,
            backup_warnings,
            mentions: self.mentions,
        }
    }
}

/// What lies in a folder of exports.
struct Tree {
    files: Vec<PathBuf>,
    /// Folders below those that were looked into.
    deeper: Vec<PathBuf>,
}

fn not_to_its_end() -> io::Error {
    let text = "its storage gave no answer: what else lies in the folder is not read";
    io::Error::new(io::ErrorKind::TimedOut, text)
}

/// The files and the folders in a folder, sorted, without hidden ones.
fn entries(folder: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    // The listing tells of all but links what they are.
    let is_folder = |entry: &DirEntry| match entry.file_type() {
        Ok(kind) if !kind.is_symlink() => kind.is_dir(),
        _ => entry.path().is_dir(),
    };
    let entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let shown = entries
        .into_iter()
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    let (folders, files): (Vec<DirEntry>, Vec<DirEntry>) = shown.partition(is_folder);
    let sorted = |entries: Vec<DirEntry>| {
        let mut paths: Vec<PathBuf> = entries.iter().map(DirEntry::path).collect();
        paths.sort();
        paths
    };
    Ok((sorted(files), sorted(folders)))
}

/// A file with its bytes.
struct Opened {
    origin: Origin,
    bytes: SavedFile,
}

impl Opened {
    fn of(path: &Path, deadline: Duration) -> Result<Self, ImportError> {
        let bytes = SavedFile::open(path, deadline)?;
        let origin = Origin {
            path: path.to_path_buf(),
            modified: bytes
                .modified()
                .and_then(|time| Timestamp::try_from(time).ok())
                .and_then(Moment::of_file),
            bundle: None,
        };
        Ok(Self { origin, bytes })
    }

    fn is_archive(&self) -> bool {
        is_archive(&self.bytes)
    }

    fn read(&self, hints: Hints<'_>) -> Result<detect::Reading, ImportError> {
        guarded(&self.origin, &self.bytes, hints)
    }
}

/// The bytes are a zip that is no workbook. What is broken is left to the reader of workbooks, which says so.
fn is_archive(bytes: &[u8]) -> bool {
    workbook::is_zip(bytes) && archive::is_document(bytes).is_ok_and(|is_document| !is_document)
}

/// Reads one file. A panic in a reader costs this file only, and is an issue.
fn guarded(origin: &Origin, bytes: &[u8], hints: Hints<'_>) -> Result<detect::Reading, ImportError> {
    quiet_panic::caught(|| detect::read(origin, bytes, hints)).unwrap_or(Err(ImportError::Panic))
}

/// In a folder of exports, a file that was meant to be one: broken, in a form that cannot be read, or empty with the name
/// of one.
fn is_failed_export(path: &Path, error: &ImportError) -> bool {
    match error {
        ImportError::NotUnderstood(_) => false,
        // Export-Csv writes no byte where there is nothing to list.
        ImportError::Empty => has_name_of_export(path) && !is_of_optional_things(path),
        ImportError::NoRows => has_name_of_export(path) && !may_have_no_rows(path),
        ImportError::Io(_)
        | ImportError::WrongForm(_)
        | ImportError::Damaged(_)
        | ImportError::TooLarge(_)
        | ImportError::TooDeep(_)
        | ImportError::Panic => true,
    }
}

fn has_name_of_export(path: &Path) -> bool {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| ["json", "csv", "xml", "xlsx"].contains(&extension.as_str()))
}

/// Things that a sound site may have none of.
const OPTIONAL_THINGS: [&str; 15] = [
    "template",
    "snapshot",
    "checkpoint",
    "replication",
    "dvd",
    "floppy",
    "floppies",
    "fcd",
    "pv",
    "pvc",
    "rdm",
    "iso",
    "tag",
    "error",
    "dfs",
];

/// Of hosts and VMs every export has some.
const NEVER_OPTIONAL: [&str; 6] = ["vm", "vms", "host", "hosts", "hyperv", "hypervisor"];

/// True for a name that tells of things which a sound site may have none of, or of the points and jobs of a backup product.
fn is_of_optional_things(path: &Path) -> bool {
    const OF_BACKUPS: [&str; 5] = ["restore", "point", "backup", "job", "veeam"];
    let words = words_of(path);
    let is_optional = |word: &String| is_one_of(&OPTIONAL_THINGS, word) || is_one_of(&OF_BACKUPS, word);
    words.iter().any(is_optional) && !words.iter().any(|word| NEVER_OPTIONAL.contains(&word.as_str()))
}

/// The same of a list without rows. Exports bear the names of hosts, which may be words like `node-2`: those count only where
/// nothing else stands there.
fn may_have_no_rows(path: &Path) -> bool {
    const PERHAPS_HOSTS: [&str; 29] = [
        "replica",
        "media",
        "library",
        "libraries",
        "item",
        "share",
        "set",
        "open",
        "session",
        "volume",
        "object",
        "log",
        "job",
        "find",
        "csv",
        "cluster",
        "node",
        "resource",
        "iscsi",
        "mounted",
        "vdisk",
        "restore",
        "point",
        "file",
        "smb",
        "list",
        "disk",
        "vhd",
        "server",
    ];
    let words = words_of(path);
    let is_thing = |word: &String| is_one_of(&OPTIONAL_THINGS, word);
    let is_optional = |word: &String| is_thing(word) || is_one_of(&PERHAPS_HOSTS, word);
    !words.iter().any(|word| NEVER_OPTIONAL.contains(&word.as_str()))
        && (words.iter().any(is_thing) || words.iter().all(is_optional))
}

/// A word, or the plural of one.
fn is_one_of(known: &[&str], word: &str) -> bool {
    let single = word.strip_suffix('s').unwrap_or(word);
    known.contains(&word) || known.contains(&single)
}

/// The words of the name of a file without its extension, in lower case.
pub(super) fn words_of(path: &Path) -> Vec<String> {
    words(&path.file_stem().unwrap_or_default().to_string_lossy())
}

/// The words of a name, in lower case: `ClusterNodes` and `cluster-nodes` have two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        let begins = letter.is_uppercase() && was_lower;
        if begins || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
        was_lower = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}
