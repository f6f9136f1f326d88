//! What the files are held against: inventories, rules and the user's word, the same for `scan` and `report`.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::{
    accept::Accepted,
    catalogue::{Catalogue, Issue, Stage},
    cli::JudgeArgs,
    error::{ErrorKind, Result, ToolError},
    interrupt::Stop,
    inventory::{self, ImportIssue, Inventory, InventoryArgument},
    output,
    reconcile::{self, Told, Unjudged, reconcile, unjudged},
    report::model::Report,
    rules::Rules,
    saved_file::SavedFile,
};

/// Everything but the catalogue.
#[derive(Debug)]
pub(super) struct Judge {
    inventories: Vec<Inventory>,
    options: reconcile::Options,
    /// `None` until the first judgement, unless the user gave it.
    as_of: Option<Timestamp>,
    /// The user gave the time, so that the run can be repeated to the byte.
    repeatable: bool,
    /// The start of the run.
    start: Instant,
}

impl Judge {
    /// Reads rules and inventories, before the crawl: what is not understood should be known before hours of work.
    ///
    /// No answer of their storage is waited for longer than `deadline`.
    pub(super) fn prepare(arguments: &JudgeArgs, deadline: Duration, stop: Stop) -> Result<Self> {
        let start = Instant::now();
        let rules = rules(arguments, deadline)?;
        let accepted = accepted(arguments, deadline)?;
        check_inventories(&arguments.inventory, deadline)?;
        let mut imported = inventory::import_within(&arguments.inventory, arguments.map.as_ref(), deadline);
        let backups = imported.take_backups();
        let now = Timestamp::now();
        let now = arguments.as_of.map_or(now, |as_of| as_of.max(now));
        inventory::leave_out_times_to_come(&mut imported.inventories, now);
        Ok(Self {
            inventories: imported.inventories,
            options: reconcile::Options {
                as_of: arguments.as_of.unwrap_or_else(Timestamp::now),
                assume_complete: arguments.assume_complete,
                rules,
                inventory_issues: imported.issues.into_iter().map(issue).collect(),
                mentions: imported.mentions,
                backups,
                accepted,
                stop,
            },
            as_of: arguments.as_of,
            repeatable: arguments.as_of.is_some(),
            start,
        })
    }

    /// What was understood of the inventories.
    #[cfg(feature = "parquet")]
    pub(super) fn inventories(&self) -> &[Inventory] {
        &self.inventories
    }

    /// Hands the report of a catalogue to `show`. Without `--as-of` the time is that of the first judgement, not that of the start: a
    /// crawl may take hours, and what was written meanwhile is not from the future.
    ///
    /// `None`, and nothing was shown, where the user asked for the end and does not wait for it.
    pub(super) fn judge<T>(&mut self, catalogue: &Catalogue, show: impl FnOnce(Report<Told<'_>>) -> T) -> Option<T> {
        self.tell_the_time();
        self.options.stop.judges(catalogue.artifacts.len());
        reconcile(catalogue, &self.inventories, &self.options, |report| {
            show(self.timed(report))
        })
    }

    /// The report of a catalogue that nobody waits to see judged.
    pub(super) fn unjudged<'a>(&mut self, catalogue: &'a Catalogue) -> Report<Unjudged<'a>> {
        self.tell_the_time();
        self.timed(unjudged(catalogue, &self.inventories, &self.options))
    }

    fn tell_the_time(&mut self) {
        self.options.as_of = *self.as_of.get_or_insert_with(Timestamp::now);
    }

    /// A report with the time that the run took, unless it can be repeated.
    fn timed<A>(&self, mut report: Report<A>) -> Report<A> {
        if self.repeatable {
            // Free space is of the moment: writing the report itself changes it.
            for root in &mut report.coverage.roots {
                root.free_bytes = None;
            }
        } else {
            report.duration_ms = u64::try_from(self.start.elapsed().as_millis()).ok();
        }
        report
    }
}

fn issue(issue: ImportIssue) -> Issue {
    Issue {
        root: None,
        path: issue.path,
        stage: Stage::Inventory,
        error: issue.error,
        folder: false,
    }
}

/// A path that leads nowhere is a slip of the pen, not an export that cannot be read. So is one that gives no answer from the
/// start: better known now than after the crawl.
pub(super) fn check_inventories(arguments: &[InventoryArgument], deadline: Duration) -> Result<()> {
    for argument in arguments {
        let path = argument.path.clone();
        output::ask(deadline, move || std::fs::metadata(path)).map_err(|error| {
            ToolError::at(ErrorKind::Inventory, &argument.path, "the inventory cannot be read").because(error)
        })?;
    }
    Ok(())
}

fn rules(arguments: &JudgeArgs, deadline: Duration) -> Result<Rules> {
    let mut rules = Rules::built_in()?;
    if let Some(path) = &arguments.rules {
        let failed = "the rules cannot be read";
        with_text(path, deadline, failed, |name, text| rules.extend(name, text))?;
    }
    Ok(rules)
}

fn accepted(arguments: &JudgeArgs, deadline: Duration) -> Result<Accepted> {
    let mut accepted = Accepted::default();
    if let Some(path) = &arguments.accept {
        let failed = "the accepted findings cannot be read";
        with_text(path, deadline, failed, |name, text| accepted.extend(name, text))?;
    }
    Ok(accepted)
}

/// Hands the name and the text of a file that the user wrote to `read`.
fn with_text(path: &Path, deadline: Duration, failed: &str, read: impl FnOnce(&str, &str) -> Result<()>) -> Result<()> {
    let failed = || ToolError::at(ErrorKind::Rules, path, failed);
    let file = SavedFile::open(path, deadline).map_err(|error| failed().because(error))?;
    let text = std::str::from_utf8(&file).map_err(|error| failed().because(error))?;
    read(&path.to_string_lossy(), text)
}
