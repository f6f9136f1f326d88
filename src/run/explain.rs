//! `derelict explain`.

use std::path::Path;

use serde::Deserialize;

use super::Console;
use crate::{
    cli::ExplainArgs,
    error::{ErrorKind, Result, ToolError},
    exit_code::ExitStatus,
    report::{
        explain::{self, Found},
        model::{Report, SCHEMA},
    },
    sanitize,
    saved_file::SavedFile,
};

/// Finds the file in the report and tells all that led to its verdict.
pub(super) fn run(arguments: &ExplainArgs, console: &mut Console<'_>) -> Result<ExitStatus> {
    let report = load(&arguments.report)?;
    let wanted = arguments.path.as_encoded_bytes();
    let path = Path::new(&arguments.path);
    match explain::find(&report, wanted) {
        Found::One(artifact) => {
            console.print(|out| explain::write(&report, artifact, out))?;
            Ok(ExitStatus::Complete)
        }
        Found::Several(paths) => {
            let what = format!("fits several files: {}", paths.join(", "));
            Err(ToolError::at(ErrorKind::Input, path, &what))
        }
        Found::None(namesakes) if namesakes.is_empty() => {
            Err(ToolError::at(ErrorKind::Input, path, "is no artifact of this report"))
        }
        Found::None(namesakes) => {
            let what = format!("is no artifact of this report; did you mean {}?", namesakes.join(", "));
            Err(ToolError::at(ErrorKind::Input, path, &what))
        }
    }
}

/// Only the field that says what the rest is.
#[derive(Deserialize)]
struct Head {
    schema: Option<String>,
}

fn load(path: &Path) -> Result<Report> {
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
