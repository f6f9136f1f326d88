//! Reports that were saved with `-o REPORT.json`.

use std::{io, path::Path, time::Duration};

use serde::Deserialize;

use crate::{
    error::{ErrorKind, Result, ToolError},
    report::model::{Report, SCHEMA},
    sanitize,
    saved_file::SavedFile,
};

/// What the name of every version of the report begins with.
const SCHEMA_PREFIX: &str = "derelict/report/";

/// Only the field that says what the rest is.
#[derive(Deserialize)]
struct Head {
    schema: Option<String>,
}

/// Bytes by which a JSON document is told from a catalogue.
const START: u64 = 4096;

/// Opens a file when it says of itself that it is a report, of whatever version.
///
/// # Errors
/// When it cannot be read.
pub(super) fn find(path: &Path, deadline: Duration) -> io::Result<Option<SavedFile>> {
    let start = SavedFile::start_of(path, START, deadline)?;
    if start.trim_ascii_start().first() != Some(&b'{') {
        return Ok(None);
    }
    let file = SavedFile::open(path, deadline)?;
    Ok(is_report(&file).then_some(file))
}

/// Opens a file that is to be a saved report.
pub(super) fn open(path: &Path, deadline: Duration) -> Result<SavedFile> {
    SavedFile::open(path, deadline)
        .map_err(|error| ToolError::at(ErrorKind::Report, path, "the report cannot be opened").because(error))
}

/// Reads a saved report.
pub(super) fn read(path: &Path, file: &[u8]) -> Result<Report> {
    let failed = |what: &str| ToolError::at(ErrorKind::Report, path, what);
    let head: Head = serde_json::from_slice(file).map_err(|error| failed("is no JSON report").because(error))?;
    match head.schema.as_deref() {
        Some(SCHEMA) => {}
        Some(other) => return Err(failed(&format!("is a {}, not a {SCHEMA}", sanitize::text(other)))),
        None => return Err(failed("has no field `schema`: it is no report of derelict")),
    }
    serde_json::from_slice(file).map_err(|error| failed("is no valid report").because(error))
}

fn is_report(file: &[u8]) -> bool {
    let head = serde_json::from_slice::<Head>(file).ok();
    head.and_then(|head| head.schema)
        .is_some_and(|schema| schema.starts_with(SCHEMA_PREFIX))
}
