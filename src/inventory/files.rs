//! Files and folders that the user gave, one after the other. What goes wrong with one is an issue and ends nothing.

use std::{
    collections::HashSet,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    DetectedFile, ImportIssue, Imported, InventoryArgument, InventoryKind, detect,
    merge::merge,
    part::{Origin, Part},
};
use crate::{raw::RawPath, saved_file::SavedFile};

/// Most files of a folder of exports that are looked at.
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
    /// It is something else.
    #[error("not understood: {0}")]
    NotUnderstood(String),
    /// It is an export, but broken.
    #[error("damaged: {0}")]
    Damaged(String),
    /// It asks for more than an export can need.
    #[error("refused: {0}")]
    TooLarge(String),
    /// The importer has a mistake.
    #[error("the importer failed on it; please report this file")]
    Panic,
}

/// Imports all exports that were given: files and folders, these with the folders directly below.
pub fn import(arguments: &[InventoryArgument]) -> Imported {
    let mut found = Found::default();
    for argument in arguments {
        match std::fs::metadata(&argument.path) {
            Ok(metadata) if metadata.is_dir() => found.add_folder(&argument.path, argument.kind),
            Ok(_) => found.add_file(&argument.path, argument.kind, true),
            Err(error) => found.add_issue(&argument.path, &ImportError::Io(error)),
        }
    }
    found.finish()
}

/// What was found so far.
#[derive(Default)]
struct Found {
    seen: HashSet<PathBuf>,
    parts: Vec<Part>,
    issues: Vec<ImportIssue>,
    detected: Vec<DetectedFile>,
}

impl Found {
    /// Adds a folder and the folders in it.
    fn add_folder(&mut self, folder: &Path, kind: Option<InventoryKind>) {
        let (files, folders) = self.entries(folder);
        let below: Vec<PathBuf> = folders.iter().flat_map(|folder| self.entries(folder).0).collect();
        let all: Vec<PathBuf> = files.into_iter().chain(below).collect();
        if all.is_empty() {
            let error = ImportError::NotUnderstood("a folder without files".to_owned());
            self.add_issue(folder, &error);
        }
        if all.len() > MAX_FOLDER_FILES {
            let error = ImportError::TooLarge(format!("a folder with more than {MAX_FOLDER_FILES} files"));
            self.add_issue(folder, &error);
        }
        let before = self.parts.len();
        for file in all.iter().take(MAX_FOLDER_FILES) {
            self.add_file(file, kind, false);
        }
        if self.parts.len() == before && !all.is_empty() {
            let error = ImportError::NotUnderstood("a folder in which no file is a known export".to_owned());
            self.add_issue(folder, &error);
        }
    }

    /// The files and the folders in a folder, sorted, without hidden ones.
    fn entries(&mut self, folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut paths: Vec<PathBuf> = match listed {
            Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
            Err(error) => {
                self.add_issue(folder, &ImportError::Io(error));
                Vec::new()
            }
        };
        paths.retain(|path| {
            !path
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
        });
        paths.sort();
        paths.into_iter().partition(|path| !path.is_dir())
    }

    /// Adds a file. One that was named must be understood; one of a folder may be anything.
    fn add_file(&mut self, path: &Path, kind: Option<InventoryKind>, named: bool) {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        if !self.seen.insert(absolute) {
            return;
        }
        match read(path, kind) {
            Ok(reading) => {
                self.detected.push(DetectedFile {
                    path: RawPath::from_os(path),
                    kind: Some(reading.kind),
                    why: reading.why,
                });
                self.parts.extend(reading.parts);
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
        self.issues.sort();
        self.detected.sort();
        Imported {
            inventories: merge(self.parts),
            issues: self.issues,
            detected: self.detected,
        }
    }
}

/// Reads one file. A panic in a reader costs this file only.
fn read(path: &Path, kind: Option<InventoryKind>) -> Result<detect::Reading, ImportError> {
    let file = SavedFile::open(path)?;
    let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let origin = Origin {
        path: path.to_path_buf(),
        modified: modified.and_then(|time| Timestamp::try_from(time).ok()),
    };
    catch_unwind(AssertUnwindSafe(|| detect::read(&origin, &file, kind))).unwrap_or(Err(ImportError::Panic))
}

/// In a folder of exports, a file that was meant to be one: broken, or empty with the name of one.
fn is_failed_export(path: &Path, error: &ImportError) -> bool {
    match error {
        ImportError::NotUnderstood(_) => false,
        ImportError::Empty => {
            let extension = path
                .extension()
                .map(|extension| extension.to_string_lossy().to_lowercase());
            extension.is_some_and(|extension| ["json", "csv", "xml", "xlsx"].contains(&extension.as_str()))
        }
        ImportError::Io(_) | ImportError::Damaged(_) | ImportError::TooLarge(_) | ImportError::Panic => true,
    }
}
