//! The last sheet: what the answer rests on.

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::sheet::{Cell, Look, Sheet};
use crate::{
    report::{
        model::{Artifacts, Report},
        show,
    },
    sanitize,
};

/// Lines of one part; the JSON report has all.
const LINES_MAX: usize = 10_000;

pub(super) fn add(workbook: &mut Workbook, look: &Look, report: &Report<impl Artifacts>) -> Result<(), XlsxError> {
    let mut sheet = Sheet::new(workbook.add_worksheet(), "Coverage", look)?;
    let coverage = &report.coverage;
    let state = if coverage.complete { "complete" } else { "NOT complete" };
    sheet.line(&format!("Coverage: {state}"), &look.title)?;
    sheet.line(&show::certainty(report), &Format::new())?;
    sheet.skip();
    gaps(&mut sheet, report)?;
    if !report.accepted.is_empty() {
        sheet.line("Accepted", &look.heading)?;
        for acceptance in report.accepted.iter().take(LINES_MAX) {
            sheet.line(&show::acceptance(acceptance), &Format::new())?;
        }
        sheet.skip();
    }
    let backups = show::backups(report);
    if !backups.is_empty() {
        sheet.line("Backups (no proof of ownership)", &look.heading)?;
        for line in &backups {
            sheet.line(line, &Format::new())?;
        }
        sheet.skip();
    }
    roots(&mut sheet, report)?;
    inventories(&mut sheet, report)?;
    sheet.line("Could not be read", &look.heading)?;
    sheet.header(&["Path", "Stage", "What went wrong"])?;
    for issue in coverage.issues.iter().take(LINES_MAX) {
        sheet.cells([
            Cell::text(sanitize::path(&issue.path)),
            Cell::text(show::name(issue.stage)),
            Cell::prose(sanitize::text(&issue.error)),
        ])?;
    }
    sheet.skip();
    sheet.line("Left out on purpose", &look.heading)?;
    sheet.header(&["Path", "Why"])?;
    for skipped in coverage.roots.iter().flat_map(|root| &root.skipped).take(LINES_MAX) {
        sheet.cells([
            Cell::text(sanitize::path(&skipped.path)),
            Cell::text(show::name(skipped.why)),
        ])?;
    }
    sheet.fit()
}

fn gaps(sheet: &mut Sheet<'_>, report: &Report<impl Artifacts>) -> Result<(), XlsxError> {
    sheet.line("Gaps", &sheet.look.heading)?;
    sheet.header(&[
        "Gap",
        "Code",
        "Datastores",
        ">Files unknown because of it",
        ">Allocated GiB",
    ])?;
    for gap in report.coverage.gap_details.iter().take(LINES_MAX) {
        let cost = |number: u64, cell: fn(u64) -> Cell| if gap.caps { cell(number) } else { Cell::None };
        sheet.cells([
            Cell::prose(sanitize::text(&gap.text)),
            Cell::text(gap.code.name()),
            Cell::prose(sanitize::text(&gap.datastores.join(", "))),
            cost(gap.files, Cell::Number),
            cost(gap.allocated_bytes, Cell::Gib),
        ])?;
    }
    sheet.skip();
    Ok(())
}

fn roots(sheet: &mut Sheet<'_>, report: &Report<impl Artifacts>) -> Result<(), XlsxError> {
    sheet.line("Roots", &sheet.look.heading)?;
    sheet.header(&[
        "Root",
        "Datastore",
        "Identity",
        "Inventories",
        ">Files",
        ">Artifacts",
        ">Allocated GiB",
        ">Capacity GiB",
        ">Free GiB",
        "Why this identity",
    ])?;
    for root in &report.coverage.roots {
        sheet.cells([
            Cell::text(sanitize::path(&root.path)),
            Cell::text(sanitize::text(&root.datastore)),
            Cell::text(show::name(root.identity)),
            Cell::text(show::name(root.covered)),
            Cell::Number(root.files),
            Cell::Number(root.artifacts),
            Cell::optional(root.allocated_bytes, Cell::Gib),
            Cell::optional(root.capacity_bytes, Cell::Gib),
            Cell::optional(root.free_bytes, Cell::Gib),
            Cell::prose(sanitize::text(&root.identity_basis)),
        ])?;
    }
    sheet.skip();
    Ok(())
}

fn inventories(sheet: &mut Sheet<'_>, report: &Report<impl Artifacts>) -> Result<(), XlsxError> {
    sheet.line("Inventories", &sheet.look.heading)?;
    sheet.header(&[
        "Inventory",
        "Made from",
        "Taken",
        ">VMs",
        "Datastores",
        "Hosts",
        "Warnings",
    ])?;
    for inventory in &report.coverage.inventories {
        let kinds: Vec<String> = inventory.kinds.iter().map(show::name).collect();
        sheet.cells([
            Cell::text(sanitize::text(&inventory.source)),
            Cell::text(kinds.join(", ")),
            Cell::time(inventory.collected),
            Cell::Number(inventory.vms),
            Cell::text(sanitize::text(&inventory.scope.datastores.join(", "))),
            Cell::text(sanitize::text(&inventory.scope.hosts.join(", "))),
            Cell::prose(sanitize::text(&inventory.warnings.join("; "))),
        ])?;
    }
    sheet.skip();
    Ok(())
}
