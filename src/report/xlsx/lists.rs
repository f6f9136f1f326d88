//! The sheets that hold one row a group, file, VM and problem.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

use rust_xlsxwriter::{Workbook, XlsxError};

use super::{
    ROWS_MAX, files_shown,
    sheet::{Cell, Look, Sheet},
};
use crate::{
    raw::RawPath,
    report::{
        model::{ArtifactReport, Artifacts, Group, Report},
        show,
    },
    sanitize,
};

const ORPHANS: &str = "Orphans";
const FILES: &str = "Files";

pub(super) fn add(workbook: &mut Workbook, look: &Look, report: &Report<impl Artifacts>) -> Result<(), XlsxError> {
    let lists = Lists::new(report);
    lists.orphans(Sheet::new(workbook.add_worksheet(), ORPHANS, look)?)?;
    lists.files(Sheet::new(workbook.add_worksheet(), FILES, look)?)?;
    lists.vms(Sheet::new(workbook.add_worksheet(), "VMs", look)?)?;
    lists.problems(Sheet::new(workbook.add_worksheet(), "Problems", look)?)
}

struct Lists<'a, A> {
    report: &'a Report<A>,
    /// Groups that belong to nobody, largest first.
    orphans: Vec<&'a Group>,
    /// Row of each of them on its sheet, by id.
    row_of_group: HashMap<&'a str, usize>,
    /// Row of each file on its sheet, and its bytes.
    row_of_file: HashMap<RawPath, (usize, u64)>,
}

impl<'a, A: Artifacts> Lists<'a, A> {
    fn new(report: &'a Report<A>) -> Self {
        let mut orphans: Vec<&Group> = report.groups.iter().filter(|group| group.is_nobodys()).collect();
        orphans.sort_by_key(|group| (Reverse(group.allocated_bytes), &group.id));
        orphans.truncate(ROWS_MAX);
        let files = report.artifacts.all().take(files_shown(report));
        Self {
            report,
            row_of_group: (1..)
                .zip(&orphans)
                .map(|(row, group)| (group.id.as_str(), row))
                .collect(),
            row_of_file: (1..)
                .zip(files)
                .map(|(row, artifact)| (artifact.path.clone(), (row, artifact.allocated_or_length())))
                .collect(),
            orphans,
        }
    }

    fn files_of(&self, group: &Group) -> Vec<Cow<'a, ArtifactReport>> {
        let rows = group.artifacts.iter().filter_map(|path| self.row_of_file.get(path));
        rows.filter_map(|(row, _)| self.report.artifacts.at(row.checked_sub(1)?))
            .collect()
    }

    /// Why somebody has accepted a file.
    fn accepted(&self, artifact: &ArtifactReport) -> String {
        let found = artifact.accepted.and_then(|place| self.report.accepted.get(place));
        found
            .map(|found| sanitize::text(&found.reason).into_owned())
            .unwrap_or_default()
    }

    /// Why somebody has accepted all files of a group.
    fn accepted_group(&self, group: &Group, files: &[Cow<'_, ArtifactReport>]) -> String {
        let reasons: BTreeSet<String> = files
            .iter()
            .filter(|_| group.accepted)
            .map(|file| self.accepted(file))
            .collect();
        reasons.into_iter().collect::<Vec<_>>().join("; ")
    }

    fn days(&self, modified: Option<jiff::Timestamp>) -> Cell {
        let hours = modified.map(|modified| self.report.as_of.duration_since(modified).as_hours().max(0));
        Cell::optional(hours.and_then(|hours| u64::try_from(hours / 24).ok()), Cell::Number)
    }

    fn orphans(&self, mut sheet: Sheet<'_>) -> Result<(), XlsxError> {
        sheet.header(&[
            "Verdict",
            "Group",
            "Class",
            "Confidence",
            "Reclaim",
            "Risk",
            ">Allocated GiB",
            ">Files",
            "Written",
            ">Age in days",
            "Datastore",
            "Last owner",
            "Why",
            ">Allocated bytes",
            "Accepted",
            "Backup (no proof of ownership)",
        ])?;
        for group in &self.orphans {
            let files = self.files_of(group);
            let risk = files.iter().find_map(|file| file.risk);
            let datastores: BTreeSet<&str> = files.iter().map(|file| file.datastore.as_str()).collect();
            let first = group.artifacts.iter().find_map(|path| self.row_of_file.get(path));
            let title = sanitize::text(&group.title).into_owned();
            sheet.cells([
                Cell::Verdict(group.verdict),
                match first {
                    Some(&(row, _)) => Cell::Link {
                        text: title,
                        sheet: FILES,
                        row,
                    },
                    None => Cell::Text(title),
                },
                Cell::text(show::optional_name(group.class)),
                Cell::text(show::optional_name(group.confidence)),
                Cell::text(show::name(group.reclaim)),
                Cell::text(show::optional_name(risk)),
                Cell::Gib(group.allocated_bytes),
                Cell::Number(show::number(group.artifacts.len())),
                Cell::time(group.modified),
                self.days(group.modified),
                Cell::text(sanitize::text(&datastores.into_iter().collect::<Vec<_>>().join(", "))),
                Cell::text(show::last_owner(group)),
                Cell::prose(
                    show::why(files.iter().map(AsRef::as_ref))
                        .map(|reason| sanitize::text(&reason.text).into_owned())
                        .unwrap_or_default(),
                ),
                Cell::Number(group.allocated_bytes),
                Cell::text(self.accepted_group(group, &files)),
                Cell::text(show::backups_of(self.report, group).join("; ")),
            ])?;
        }
        sheet.filter()
    }

    fn files(&self, mut sheet: Sheet<'_>) -> Result<(), XlsxError> {
        sheet.header(&[
            "Verdict",
            "Datastore",
            "File",
            "Kind",
            "Class",
            "Confidence",
            "Reclaim",
            "Risk",
            ">Allocated GiB",
            ">Length GiB",
            "Written",
            ">Age in days",
            "Owner",
            "Group",
            "Why",
            ">Allocated bytes",
            ">Virtual GiB",
            "Path",
            "Accepted",
        ])?;
        let titles: HashMap<&str, &str> = self
            .report
            .groups
            .iter()
            .map(|group| (group.id.as_str(), group.title.as_str()))
            .collect();
        for artifact in self.report.artifacts.all().take(files_shown(self.report)) {
            let artifact = artifact.as_ref();
            let owners: Vec<_> = artifact
                .owners
                .iter()
                .map(|owner| sanitize::text(&owner.name))
                .collect();
            let id = artifact.group.as_deref().unwrap_or_default();
            let title = sanitize::text(titles.get(id).copied().unwrap_or_default()).into_owned();
            let why = show::why(std::iter::once(artifact));
            sheet.cells([
                Cell::Verdict(artifact.verdict),
                Cell::text(sanitize::text(&artifact.datastore)),
                Cell::text(sanitize::path(&artifact.relative_path)),
                Cell::text(show::name(artifact.kind)),
                Cell::text(show::optional_name(artifact.class)),
                Cell::text(show::optional_name(artifact.confidence)),
                Cell::text(show::name(artifact.reclaim)),
                Cell::text(show::optional_name(artifact.risk)),
                Cell::optional(artifact.allocated_bytes, Cell::Gib),
                Cell::Gib(artifact.apparent_bytes),
                Cell::time(artifact.modified),
                self.days(artifact.modified),
                Cell::text(owners.join("; ")),
                match self.row_of_group.get(id) {
                    Some(&row) => Cell::Link {
                        text: title,
                        sheet: ORPHANS,
                        row,
                    },
                    None => Cell::Text(title),
                },
                Cell::text(
                    why.map(|reason| sanitize::text(&reason.text).into_owned())
                        .unwrap_or_default(),
                ),
                Cell::optional(artifact.allocated_bytes, Cell::Number),
                Cell::optional(artifact.virtual_bytes, Cell::Gib),
                Cell::text(sanitize::path(&artifact.path)),
                Cell::text(self.accepted(artifact)),
            ])?;
        }
        sheet.filter()
    }

    fn vms(&self, mut sheet: Sheet<'_>) -> Result<(), XlsxError> {
        sheet.header(&[
            "VM",
            "Platform",
            "Registered",
            "State",
            "Last host",
            ">Files",
            ">Allocated GiB",
            ">Missing",
            "Problems",
            "Inventories",
            "Configuration",
            "Folder",
            "Noted owner",
            "Notes",
            "Id",
        ])?;
        for vm in self.report.vms.iter().take(ROWS_MAX) {
            let rows = vm.artifacts.iter().filter_map(|path| self.row_of_file.get(path));
            let bytes = rows.map(|(_, bytes)| *bytes).fold(0, u64::saturating_add);
            let problems: BTreeSet<&str> = vm.problems.iter().map(|problem| problem.code.name()).collect();
            let optional = |text: &Option<String>| Cell::text(sanitize::text(text.as_deref().unwrap_or_default()));
            let config = vm
                .config
                .as_ref()
                .map(|path| sanitize::path(path).into_owned())
                .unwrap_or_default();
            let first = vm.artifacts.iter().find_map(|path| self.row_of_file.get(path));
            let name = sanitize::text(&vm.name).into_owned();
            sheet.cells([
                match first {
                    Some(&(row, _)) => Cell::Link {
                        text: name,
                        sheet: FILES,
                        row,
                    },
                    None => Cell::Text(name),
                },
                Cell::text(show::name(vm.platform)),
                Cell::text(if vm.registered { "yes" } else { "no" }),
                optional(&vm.state),
                optional(&vm.host),
                Cell::Number(show::number(vm.artifacts.len())),
                Cell::Gib(bytes),
                Cell::Number(show::number(vm.missing.len())),
                Cell::text(problems.into_iter().collect::<Vec<_>>().join(", ")),
                Cell::text(sanitize::text(&vm.inventories.join(", "))),
                Cell::Text(config),
                optional(&vm.folder),
                optional(&vm.noted_owner),
                optional(&vm.notes),
                Cell::text(sanitize::text(&vm.id)),
            ])?;
        }
        sheet.filter()
    }

    fn problems(&self, mut sheet: Sheet<'_>) -> Result<(), XlsxError> {
        sheet.header(&["Severity", "Problem", "Subject", "What", "Next step", "Evidence"])?;
        for problem in self.report.problems.iter().take(ROWS_MAX) {
            let sources = problem.reasons.iter().filter_map(|reason| reason.source.as_deref());
            let evidence: Vec<_> = sources.map(sanitize::text).collect();
            sheet.cells([
                Cell::text(show::name(problem.severity)),
                Cell::text(problem.code.name()),
                Cell::text(sanitize::text(&problem.subject)),
                Cell::prose(sanitize::text(&problem.text)),
                Cell::prose(sanitize::text(&problem.next_step)),
                Cell::prose(evidence.join("; ")),
            ])?;
        }
        sheet.filter()
    }
}
