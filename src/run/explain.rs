//! `derelict explain`.

use std::path::Path;

use super::{Console, saved_report, seconds};
use crate::{
    cli::ExplainArgs,
    error::{ErrorKind, Result, ToolError},
    exit_code::ExitStatus,
    report::explain::{self, Found},
};

/// Finds the file in the report and tells all that led to its verdict.
pub(super) fn run(arguments: &ExplainArgs, console: &mut Console<'_>) -> Result<ExitStatus> {
    let file = saved_report::open(&arguments.report, seconds(arguments.io_timeout))?;
    let report = saved_report::read(&arguments.report, &file)?;
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
