//! What becomes of a report: files, standard output, exit status, the same for `scan` and `report`.

use std::{path::Path, time::Duration};

use super::Console;
use crate::{
    cli::{MessageArgs, ShowArgs},
    config::{self, Output},
    error::Result,
    exit_code::ExitStatus,
    interrupt::Stop,
    output::{self, Manner},
    place::Roots,
    report::{
        self, Format, Style,
        filter::Filter,
        model::{Artifacts, Report, Verdict},
        redact,
    },
    sanitize,
};

/// Where the report goes, and what of it.
#[derive(Debug)]
pub(super) struct Show {
    outputs: Vec<Output>,
    manner: Manner,
    format: Format,
    filter: Option<Filter>,
    redact: bool,
    fail_on: Vec<Verdict>,
    messages: MessageArgs,
}

impl Show {
    /// Checks the outputs, before any work starts, and waits for no answer of theirs longer than `deadline`, now or later.
    pub(super) fn prepare(
        arguments: &ShowArgs,
        roots: Roots,
        deadline: Duration,
        messages: MessageArgs,
        stop: Stop,
    ) -> Result<Self> {
        let (paths, force) = (arguments.output.clone(), arguments.force);
        Ok(Self {
            outputs: config::ask_outputs(deadline, move || config::outputs(&paths, &roots, force))?,
            manner: Manner { force, deadline, stop },
            format: arguments.format,
            filter: arguments.filter.clone(),
            redact: arguments.redact,
            fail_on: arguments.fail_on.clone(),
            messages,
        })
    }

    /// The outputs that were asked for.
    pub(super) fn outputs(&self) -> impl Iterator<Item = &Path> {
        self.outputs.iter().map(|output| output.path.as_path())
    }

    /// Writes the report everywhere it was asked for, files first. A place that cannot be written costs no other.
    pub(super) fn show(&self, mut report: Report<impl Artifacts>, console: &mut Console<'_>) -> Result<ExitStatus> {
        let status = self.status(&report);
        if let Some(filter) = &self.filter {
            filter.apply(&mut report);
        }
        if self.redact {
            self.write(&redact::redact(report), console)?;
        } else {
            self.write(&report, console)?;
        }
        Ok(status)
    }

    fn write(&self, report: &Report<impl Artifacts>, console: &mut Console<'_>) -> Result<()> {
        let style = |width, colour| Style {
            width,
            all: self.messages.verbose,
            colour,
        };
        let mut failed = Vec::new();
        let mut files = Vec::new();
        for output in &self.outputs {
            let written = output::write_file(&output.path, &self.manner, |out| {
                report::write(report, output.format, style(None, false), out)
            });
            match written {
                Ok(file) => files.push((output, file)),
                Err(error) => failed.push(error),
            }
        }
        let style = style(console.width, console.colour);
        failed.extend(
            console
                .print(|out| report::write(report, self.format, style, out))
                .err(),
        );
        if !self.messages.quiet {
            self.tell(report, files.iter().map(|(output, _)| *output), console);
        }
        failed.extend(files.into_iter().filter_map(|(_, file)| file.arrive().err()));
        // One is the error of the run.
        let last = failed.pop();
        console.tell_errors(&failed);
        last.map_or(Ok(()), Err)
    }

    fn status(&self, report: &Report<impl Artifacts>) -> ExitStatus {
        let mut named = report.artifacts.with(|verdict| self.fail_on.contains(&verdict));
        let matched = named.any(|artifact| artifact.accepted.is_none());
        ExitStatus::of(matched, report.coverage.complete)
    }

    /// The result in words where standard output does not say it to people, and what was written.
    fn tell<'a>(
        &self,
        report: &Report<impl Artifacts>,
        written: impl Iterator<Item = &'a Output>,
        console: &mut Console<'_>,
    ) {
        if self.format != Format::Table {
            console.tell(&report::result(report));
            console.tell(&report::certainty(report));
        }
        for output in written {
            console.tell(&format!("wrote {}", sanitize::os_path(&output.path)));
        }
    }
}
