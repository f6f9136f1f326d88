//! What the files are held against: inventories, rules and the user's word, the same for `scan` and `report`.

use std::{path::Path, time::Instant};

use jiff::Timestamp;

use crate::{
    accept::Accepted,
    catalogue::{Catalogue, Issue, Stage},
    cli::JudgeArgs,
    error::{ErrorKind, Result, ToolError},
    inventory::{self, ImportIssue, Inventory, InventoryArgument},
    reconcile::{self, Told, reconcile},
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
    pub(super) fn prepare(arguments: &JudgeArgs) -> Result<Self> {
        let start = Instant::now();
        let rules = rules(arguments)?;
        let accepted = accepted(arguments)?;
        check_inventories(&arguments.inventory)?;
        let mut imported = inventory::import_mapped(&arguments.inventory, arguments.map.as_ref());
        let backups = imported.take_backups();
        Ok(Self {
            inventories: imported.inventories,
            options: reconcile::Options {
                as_of: arguments.as_of.unwrap_or_else(Timestamp::now),
                assume_complete: arguments.assume_complete,
                rules,
                inventory_issues: imported.issues.into_iter().map(issue).collect(),
                backups,
                accepted,
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
    pub(super) fn judge<T>(&mut self, catalogue: &Catalogue, show: impl FnOnce(Report<Told<'_>>) -> T) -> T {
        self.options.as_of = *self.as_of.get_or_insert_with(Timestamp::now);
        reconcile(catalogue, &self.inventories, &self.options, |mut report| {
            if self.repeatable {
                // Free space is of the moment: writing the report itself changes it.
                for root in &mut report.coverage.roots {
                    root.free_bytes = None;
                }
            } else {
                report.duration_ms = u64::try_from(self.start.elapsed().as_millis()).ok();
            }
            show(report)
        })
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

/// A path that leads nowhere is a slip of the pen, not an export that cannot be read.
pub(super) fn check_inventories(arguments: &[InventoryArgument]) -> Result<()> {
    for argument in arguments {
        std::fs::metadata(&argument.path).map_err(|error| {
            ToolError::at(ErrorKind::Inventory, &argument.path, "the inventory cannot be read").because(error)
        })?;
    }
    Ok(())
}

fn rules(arguments: &JudgeArgs) -> Result<Rules> {
    let mut rules = Rules::built_in()?;
    if let Some(path) = &arguments.rules {
        with_text(path, "the rules cannot be read", |name, text| rules.extend(name, text))?;
    }
    Ok(rules)
}

fn accepted(arguments: &JudgeArgs) -> Result<Accepted> {
    let mut accepted = Accepted::default();
    if let Some(path) = &arguments.accept {
        let failed = "the accepted findings cannot be read";
        with_text(path, failed, |name, text| accepted.extend(name, text))?;
    }
    Ok(accepted)
}

/// Hands the name and the text of a file that the user wrote to `read`.
fn with_text(path: &Path, failed: &str, read: impl FnOnce(&str, &str) -> Result<()>) -> Result<()> {
    let failed = || ToolError::at(ErrorKind::Rules, path, failed);
    let file = SavedFile::open(path).map_err(|error| failed().because(error))?;
    let text = std::str::from_utf8(&file).map_err(|error| failed().because(error))?;
    read(&path.to_string_lossy(), text)
}
