//! The report as a workbook, for capacity teams: a summary with charts, one row an orphaned group, file, VM, problem,
//! opinion of another tool and backup, and the coverage.
//!
//! Every name is written as a string, never as a formula or a link of its own; numbers are numbers, times are dates.
//! Names are escaped as for a terminal. A sheet holds about a million rows: what does not fit is counted on the summary.

mod coverage;
mod lists;
mod outside;
mod sheet;
mod summary;

use std::io::{self, Write};

use rust_xlsxwriter::{DocProperties, Workbook, XlsxError};

use self::sheet::{Look, excel_time};
use super::{
    model::{Artifacts, Report},
    show,
};

/// Rows of one sheet, as the format has it, without the header.
const ROWS_MAX: usize = 1_048_575;

/// Files that are listed, the first ones.
fn files_shown(report: &Report<impl Artifacts>) -> usize {
    show::files_shown(report).min(ROWS_MAX)
}

/// Writes the workbook.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report<impl Artifacts>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&workbook(report).map_err(io::Error::other)?)
}

fn workbook(report: &Report<impl Artifacts>) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let mut properties = DocProperties::new().set_title("derelict report");
    if let Some(time) = excel_time(report.generated) {
        // The time of the report, so that the same report gives the same bytes.
        properties = properties.set_creation_datetime(&time);
    }
    workbook.set_properties(&properties);
    let look = Look::new();
    summary::add(&mut workbook, &look, report)?;
    lists::add(&mut workbook, &look, report)?;
    outside::add(&mut workbook, &look, report)?;
    coverage::add(&mut workbook, &look, report)?;
    workbook.save_to_buffer()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, DataType, Range, Reader, Xlsx};

    use super::*;
    use crate::{
        report::{
            model::{Acceptance, Sum},
            sample, show,
        },
        sanitize,
    };

    fn opened(report: &Report) -> Xlsx<Cursor<Vec<u8>>> {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        Xlsx::new(Cursor::new(out)).unwrap()
    }

    fn sheet(report: &Report, name: &str) -> Range<Data> {
        opened(report).worksheet_range(name).unwrap()
    }

    /// The cell of a row under a title.
    fn under<'a>(sheet: &'a Range<Data>, row: usize, title: &str) -> &'a Data {
        let column = sheet.rows().next().unwrap().iter().position(|cell| *cell == title);
        &sheet[(row, column.unwrap_or_else(|| panic!("no column {title}")))]
    }

    #[test]
    fn the_sheets_stand_in_their_order() {
        assert_eq!(
            opened(&sample::report()).sheet_names(),
            [
                "Summary",
                "Orphans",
                "Files",
                "VMs",
                "Problems",
                "Second opinions",
                "Backups",
                "Coverage"
            ]
        );
    }

    #[test]
    fn numbers_are_numbers_and_times_are_dates() {
        let files = sheet(&sample::report(), "Files");
        assert_eq!(files.height(), 7);
        assert_eq!(*under(&files, 6, "Path"), "/mnt/san1/web07/web07.vmdk");
        assert_eq!(*under(&files, 6, "Verdict"), "orphaned");
        assert_eq!(*under(&files, 6, "Allocated bytes"), 512.0);
        assert_eq!(*under(&files, 5, "Allocated GiB"), 59.0);
        assert_eq!(
            *under(&files, 1, "Allocated bytes"),
            Data::Empty,
            "not known is not zero"
        );
        assert!(matches!(under(&files, 6, "Written"), Data::DateTime(time) if time.to_string().starts_with("44931.3")));
    }

    #[test]
    fn of_files_that_nobody_judged_the_first_are_listed_and_all_are_counted() {
        let report = sample::unjudged(10_003);
        let mut book = opened(&report);
        assert_eq!(book.worksheet_range("Files").unwrap().height(), 10_001);
        let summary = book.worksheet_range("Summary").unwrap();
        let says = |what: &str| summary.cells().any(|(_, _, cell)| cell.to_string().contains(what));
        assert!(says("3 files more than the first 10000 "));
        let unknown = summary.rows().find(|row| row[0] == "unknown").unwrap();
        assert_eq!(unknown[1], 10_003.0);
    }

    #[test]
    fn one_row_a_group_that_belongs_to_nobody_the_largest_first() {
        let orphans = sheet(&sample::report(), "Orphans");
        assert_eq!(orphans.height(), 3);
        assert_eq!(*under(&orphans, 1, "Group"), "web07/web07.vmdk");
        assert_eq!(*under(&orphans, 1, "Files"), 3.0);
        assert_eq!(*under(&orphans, 1, "Risk"), "data-loss");
        assert_eq!(*under(&orphans, 1, "Why"), "because of companion-of");
        assert_eq!(*under(&orphans, 1, "Last owner"), "web07");
        assert_eq!(*under(&orphans, 2, "Verdict"), "unregistered");
    }

    #[test]
    fn vms_problems_and_coverage_are_there() {
        let report = sample::report();
        let vms = sheet(&report, "VMs");
        assert_eq!(*under(&vms, 1, "VM"), "broken01");
        assert_eq!(*under(&vms, 1, "Missing"), 1.0);
        assert_eq!(*under(&vms, 1, "Problems"), "ghost");
        assert_eq!(*under(&vms, 1, "Folder"), "Prod-web0");
        assert_eq!(*under(&vms, 1, "Noted owner"), "anna.müller");
        let problems = sheet(&report, "Problems");
        assert_eq!(*under(&problems, 1, "Problem"), "ghost");
        let coverage = sheet(&report, "Coverage");
        let all: Vec<String> = coverage.cells().map(|(_, _, cell)| cell.to_string()).collect();
        for part in ["NOT complete", "/mnt/nfs01/locked", "rvtools-xlsx", "permission denied"] {
            assert!(all.iter().any(|cell| cell.contains(part)), "no {part} in {all:?}");
        }
        let summary = sheet(&report, "Summary");
        assert!(
            summary
                .cells()
                .any(|(_, _, cell)| cell.to_string().starts_with("3 files (60.0 GiB) are orphaned"))
        );
    }

    #[test]
    fn what_was_accepted_says_so_and_counts_in_no_age() {
        let mut report = sample::report();
        report.accepted = vec![Acceptance {
            reason: "=kept".to_owned(),
            by: None,
            until: None,
            expired: false,
            sum: Sum::default(),
        }];
        report.groups[1].accepted = true;
        for artifact in &mut report.artifacts {
            artifact.accepted = (artifact.group.as_deref() == Some("group-web07")).then_some(0);
        }
        let orphans = sheet(&report, "Orphans");
        assert_eq!(*under(&orphans, 1, "Accepted"), "=kept");
        assert_eq!(*under(&orphans, 2, "Accepted"), Data::Empty);
        assert_eq!(*under(&sheet(&report, "Files"), 6, "Accepted"), "=kept");
        let summary = sheet(&report, "Summary");
        let row = |name: &str| summary.rows().find(|row| row[0] == name).unwrap();
        assert_eq!(row("one to two years")[1], 0.0);
        assert_eq!(row("accepted, in no sum")[1], 0.0);
    }

    #[test]
    fn bytes_of_a_datastore_are_explained_or_not() {
        let summary = sheet(&sample::report(), "Summary");
        let header = summary.rows().find(|row| row[0] == "Datastore").unwrap();
        let column = |title: &str| header.iter().position(|cell| *cell == title).unwrap();
        let row = summary.rows().find(|row| row[0] == "SAN-VMFS-01").unwrap();
        let gib = |column: usize| row[column].as_f64().unwrap();
        assert!(gib(column("Unexplained")) > 59.9, "{row:?}");
        assert!(
            (gib(column("Explained")) - gib(column("owned"))).abs() < 1e-9,
            "{row:?}"
        );
    }

    #[test]
    fn what_others_say_has_its_sheets_only_where_something_was_given() {
        let mut report = sample::report();
        report.groups[0].backups = report.backups.as_ref().unwrap().gone.clone();
        let opinions = sheet(&report, "Second opinions");
        assert_eq!(*under(&opinions, 1, "Agreement"), "disagrees");
        assert_eq!(*under(&opinions, 1, "Verdict"), "owned");
        let backups = sheet(&report, "Backups");
        let rows: Vec<_> = (1..backups.height())
            .map(|row| format!("{} {}", under(&backups, row, "VM"), under(&backups, row, "Standing")))
            .collect();
        assert_eq!(
            rows,
            [
                "broken01 in none",
                "web09 no inventory registers it",
                "WEB01 in a backup"
            ]
        );
        assert!(matches!(under(&backups, 3, "Last restore point"), Data::DateTime(_)));
        let orphans = sheet(&report, "Orphans");
        let backup = "Backup (no proof of ownership)";
        assert_eq!(*under(&orphans, 1, backup), show::NO_BACKUP);
        assert_eq!(
            *under(&orphans, 2, backup),
            "web09 by nightly web0, last of 2024-05-01 (jobs web0.csv: row 7)"
        );
        report.second_opinions.clear();
        report.backups = None;
        assert_eq!(opened(&report).sheet_names().len(), 6);
    }

    #[test]
    fn the_same_report_gives_the_same_bytes() {
        let write_once = || {
            let mut out = Vec::new();
            write(&sample::report(), &mut out).unwrap();
            out
        };
        assert!(write_once() == write_once());
    }

    #[test]
    fn a_hostile_name_is_a_string_and_nothing_else() {
        let report = sample::hostile();
        let mut book = opened(&report);
        for name in book.sheet_names() {
            let formulas = book.worksheet_formula(&name).unwrap();
            assert!(formulas.is_empty(), "{name} holds a formula");
            for (_, _, cell) in book.worksheet_range(&name).unwrap().cells() {
                if let Data::String(text) = cell {
                    assert!(!text.chars().any(sanitize::is_unsafe), "{text:?}");
                }
            }
        }
        let files = sheet(&report, "Files");
        let shown = |cell: &Data| {
            cell.to_string()
                .contains("=evil\\u{1b}[31m|<b>\\u{202e}\\u{a}`x`\\xff/")
        };
        assert!(
            files.cells().any(|(_, _, cell)| shown(cell)),
            "the name itself is shown"
        );
    }
}
