//! `derelict inspect` and `derelict inventory`: what was read of single files.

use std::io::{self, Write};

use super::Console;
use crate::{
    cli::{FilesArgs, InventoryArgs, MessageArgs, TextFormat},
    error::Result,
    exit_code::ExitStatus,
    inspect::{self, Inspection, Length},
    inventory::{self, Imported, describe},
    report::json,
};

/// Everything that the parsers read from these files. A file that is not there does not keep the others from being read.
pub(super) fn inspect(arguments: &FilesArgs, messages: MessageArgs, console: &mut Console<'_>) -> Result<ExitStatus> {
    let mut inspections: Vec<Inspection> = Vec::new();
    let mut failures = Vec::new();
    for path in &arguments.files {
        match inspect::inspect(path) {
            Ok(inspection) => inspections.push(inspection),
            Err(error) => failures.push(error),
        }
    }
    let complete = failures.is_empty() && inspections.iter().all(|inspection| inspection.error.is_none());
    if inspections.is_empty()
        && let Some(last) = failures.pop()
    {
        console.tell_errors(&failures);
        return Err(last);
    }
    let length = if messages.verbose { Length::Whole } else { Length::Short };
    console.print(|out| write_inspections(&inspections, arguments.format, length, out))?;
    console.tell_errors(&failures);
    Ok(ExitStatus::of(false, complete))
}

fn write_inspections(
    inspections: &[Inspection],
    format: TextFormat,
    length: Length,
    out: &mut dyn Write,
) -> io::Result<()> {
    if format == TextFormat::Json {
        return json::document(inspections, out);
    }
    for (place, inspection) in inspections.iter().enumerate() {
        if place > 0 {
            writeln!(out)?;
        }
        inspect::render_text(inspection, length, out)?;
    }
    Ok(())
}

/// What was understood of exported inventories.
pub(super) fn inventory(arguments: &InventoryArgs, console: &mut Console<'_>) -> Result<ExitStatus> {
    let deadline = super::seconds(arguments.io_timeout);
    super::judge::check_inventories(&arguments.files, deadline)?;
    let imported: Imported = inventory::import_within(&arguments.files, arguments.map.as_ref(), deadline);
    console.print(|out| match arguments.format {
        TextFormat::Text => describe::describe(&imported, out),
        TextFormat::Json => json::document(&imported, out),
    })?;
    Ok(ExitStatus::of(false, imported.issues.is_empty()))
}
