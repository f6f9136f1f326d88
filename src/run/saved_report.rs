//! Reports that were saved with `-o REPORT.json`.

use std::path::Path;

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

/// Reads a saved report.
pub(super) fn load(path: &Path) -> Result<Report> {
    let failed = |what: &str| ToolError::at(ErrorKind::Report, path, what);
    let file = SavedFile::open(path).map_err(|error| failed("the report cannot be opened").because(error))?;
    let head: Head = serde_json::from_slice(&file).map_err(|error| failed("is no JSON report").because(error))?;
    match head.schema.as_deref() {
        Some(SCHEMA) => {}
        Some(other) => return Err(failed(&format!("is a {}, not a {SCHEMA}", sanitize::text(other)))),
        None => return Err(failed("has no field `schema`: it is no report of derelict")),
    }
    serde_json::from_slice(&file).map_err(|error| failed("is no valid report").because(error))
}

/// True when the file says of itself that it is a report, of whatever version.
pub(super) fn is_report(path: &Path) -> bool {
    let head = SavedFile::open(path)
        .ok()
        .and_then(|file| serde_json::from_slice::<Head>(&file).ok());
    head.and_then(|head| head.schema)
        .is_some_and(|schema| schema.starts_with(SCHEMA_PREFIX))
}
