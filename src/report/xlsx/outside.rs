//! What others say: other tools of files, and backup products of VMs. A sheet each, where something was given.

use rust_xlsxwriter::{Workbook, XlsxError};

use super::{
    ROWS_MAX,
    sheet::{Cell, Look, Sheet},
};
use crate::{
    report::{
        model::{Artifacts, BackupMention, BackupReport, Report},
        show,
    },
    sanitize,
};

/// Names of the sheets.
pub(super) const OPINIONS: &str = "Second opinions";
pub(super) const BACKUPS: &str = "Backups";

pub(super) fn add(workbook: &mut Workbook, look: &Look, report: &Report<impl Artifacts>) -> Result<(), XlsxError> {
    if !report.second_opinions.is_empty() {
        opinions(Sheet::new(workbook.add_worksheet(), OPINIONS, look)?, report)?;
    }
    match &report.backups {
        Some(list) => backups(Sheet::new(workbook.add_worksheet(), BACKUPS, look)?, list),
        None => Ok(()),
    }
}

fn opinions(mut sheet: Sheet<'_>, report: &Report<impl Artifacts>) -> Result<(), XlsxError> {
    sheet.header(&[
        "Agreement",
        "File",
        "What it says",
        "Verdict",
        "Class",
        "Why",
        "Source",
        "Path",
    ])?;
    for opinion in report.second_opinions.iter().take(ROWS_MAX) {
        let found = opinion.artifact.as_ref();
        sheet.cells([
            Cell::text(show::name(opinion.agreement)),
            Cell::text(sanitize::path(&opinion.path)),
            Cell::text(sanitize::text(opinion.opinion.as_deref().unwrap_or("not on its list"))),
            opinion.verdict.map_or_else(|| Cell::text("not found"), Cell::Verdict),
            Cell::text(show::optional_name(opinion.class)),
            Cell::text(sanitize::text(&opinion.why)),
            Cell::text(sanitize::text(&opinion.source)),
            Cell::text(found.map(|path| sanitize::path(path).into_owned()).unwrap_or_default()),
        ])?;
    }
    sheet.filter()
}

/// One row a VM and backup of it.
fn backups(mut sheet: Sheet<'_>, list: &BackupReport) -> Result<(), XlsxError> {
    sheet.header(&[
        "VM",
        "Standing",
        "Name in the backup",
        "Job",
        "Last restore point",
        "Source",
    ])?;
    let protected = list
        .protected
        .iter()
        .flat_map(|vm| vm.backups.iter().map(|backup| (&vm.name, "in a backup", Some(backup))));
    let bare = list.unprotected.iter().flat_map(|vm| {
        let none = vm.perhaps.is_empty().then_some(None);
        let standing = match (vm.perhaps.is_empty(), vm.template) {
            (true, false) => "in none",
            (true, true) => "in none, a template",
            (false, _) => "perhaps in this",
        };
        let backups = none.into_iter().chain(vm.perhaps.iter().map(Some));
        backups.map(move |backup| (&vm.name, standing, backup))
    });
    let gone = list
        .gone
        .iter()
        .map(|backup| (&backup.name, "no inventory registers it", Some(backup)));
    for (name, standing, backup) in bare.chain(gone).chain(protected).take(ROWS_MAX) {
        let text = |of: fn(&BackupMention) -> Option<&str>| {
            let text = backup.and_then(of).unwrap_or_default();
            Cell::text(sanitize::text(text))
        };
        sheet.cells([
            Cell::text(sanitize::text(name)),
            Cell::text(standing),
            text(|backup| Some(&backup.name)),
            text(|backup| backup.job.as_deref()),
            Cell::time(backup.and_then(|backup| backup.last)),
            text(|backup| Some(&backup.source)),
        ])?;
    }
    sheet.filter()
}
