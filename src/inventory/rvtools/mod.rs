//! RVTools: a workbook with a sheet for each tab, or a folder with a CSV file for each.
//!
//! Read are vInfo (the VMs), vDisk (their disks as attached now), vSnapshot and vCD (more files), vDatastore (labels with
//! URLs and hosts), vHost (to see whether vInfo is complete), vSource and vMetaData (who and when). vFileInfo is a list of
//! files, which says nothing of owners. vHealth's own guess at orphans is not evidence: it is kept to be shown.
//!
//! Merged and trimmed workbooks are common: every row belongs to the vCenter that it names, and tabs are joined in
//! `merge.rs`, as exports of one source are.

mod rows;
mod tab;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use self::{rows::NO_PATH_COLUMN, tab::Tab};
use super::{
    InventoryKind,
    columns::{self, Seen},
    files::ImportError,
    moment::Moment,
    part::{Origin, Part, Source},
    table::Table,
    values,
    workbook::Sheet,
};
use crate::words::count;

/// Which sheets of a workbook are worth reading.
pub(super) fn is_wanted(sheet: &str) -> bool {
    Tab::of_name(sheet) != Some(Tab::Other)
}

/// A sheet is a tab of RVTools that is read.
pub(super) fn is_workbook(sheets: &[Sheet]) -> bool {
    sheets.iter().any(|sheet| {
        let known = Tab::of_name(&sheet.name);
        let tab = known.or_else(|| Tab::of_table(&below_title(sheet.table.clone(), None)));
        tab.is_some_and(|tab| tab != Tab::Other)
    })
}

/// The table of a sheet without the lines of a title above its header.
fn below_title(table: Table, known: Option<Tab>) -> Table {
    table.below_title(|table| match known {
        Some(tab) => tab.fits(table),
        None => Tab::of_table(table).is_some(),
    })
}

/// Reads the sheets of a workbook, and says which tabs it has.
pub(super) fn import_workbook(origin: &Origin, sheets: Vec<Sheet>) -> Result<(Vec<Part>, String), ImportError> {
    let names: Vec<&str> = sheets.iter().map(|sheet| sheet.name.as_str()).collect();
    let listed = names.join(", ");
    let tabs: Vec<(Tab, Table)> = sheets
        .into_iter()
        .filter_map(|sheet| {
            let known = Tab::of_name(&sheet.name);
            let table = below_title(sheet.table, known);
            Some((known.or_else(|| Tab::of_table(&table))?, table))
        })
        .collect();
    if tabs.iter().all(|(tab, _)| *tab == Tab::Other) {
        return Err(ImportError::NotUnderstood(format!(
            "a workbook, but not of RVTools: no tab of it is read (sheets: {listed})"
        )));
    }
    let read = tabs.iter().filter(|(tab, _)| *tab != Tab::Other);
    let rows: Vec<String> = read.map(|(tab, table)| in_words(*tab, table)).collect();
    let why = format!("a workbook with the tabs {}", rows.join(", "));
    Ok((import(origin, InventoryKind::RvtoolsXlsx, tabs), why))
}

/// Reads one CSV file of a folder, and says which tab it is.
pub(super) fn import_csv(origin: &Origin, tab: Tab, table: Table) -> (Vec<Part>, String) {
    let why = format!("the header of the tab {}", in_words(tab, &table));
    (import(origin, InventoryKind::RvtoolsCsv, vec![(tab, table)]), why)
}

fn in_words(tab: Tab, table: &Table) -> String {
    format!("{} ({})", tab.name(), count(table.rows.len(), "row", "rows"))
}

fn import(origin: &Origin, kind: InventoryKind, tabs: Vec<(Tab, Table)>) -> Vec<Part> {
    let mut parts = Parts {
        origin,
        kind,
        by_source: BTreeMap::new(),
        saids: Vec::new(),
        lists_snapshots: false,
    };
    let seen: BTreeSet<Tab> = tabs.iter().map(|(tab, _)| *tab).collect();
    let mut damages = Vec::new();
    let mut columns = Seen::new();
    for (tab, table) in &tabs {
        columns::of_tab(&mut columns, *tab, table);
        rows::read(&mut parts, *tab, table);
        damages.extend(table.damage.as_ref().map(|why| format!("{}: {why}", tab.name())));
    }
    let headless = tabs.iter().filter(|(tab, table)| tab.lacks_header(table));
    let headless: Vec<&str> = headless.map(|(tab, _)| tab.name()).collect();
    let mut parts = parts.finish(&seen, &damages);
    if !headless.is_empty() {
        for part in &mut parts {
            part.warn_capping(
                "no-header",
                format!(
                    "{}: the header of {} is not found in its first lines, so its rows are not read; leave out what stands above it, and export in English",
                    part.origin.name(),
                    headless.join(", ")
                ),
            );
        }
    }
    for part in &mut parts {
        part.columns.clone_from(&columns);
    }
    parts
}

/// The parts of one file, one for each vCenter that its rows name.
struct Parts<'a> {
    origin: &'a Origin,
    kind: InventoryKind,
    by_source: BTreeMap<Source, Part>,
    /// The servers that vMetaData names, with the times of their exports.
    saids: Vec<(Option<String>, Moment)>,
    /// vSnapshot is there, and each of its rows tells of which VM it is.
    lists_snapshots: bool,
}

impl Parts<'_> {
    /// The part of a source.
    fn of(&mut self, source: Source) -> &mut Part {
        let part = Part::new(self.origin, self.kind, source.clone());
        self.by_source.entry(source).or_insert(part)
    }

    /// All parts, at least one, with what holds for the whole file.
    fn finish(mut self, seen: &BTreeSet<Tab>, damages: &[String]) -> Vec<Part> {
        self.place_times();
        if self.by_source.is_empty() {
            self.of(Source::default());
        }
        let said = Moment::earliest(self.saids.iter().map(|(_, said)| *said));
        let said = said.or_else(|| self.time_in_names());
        let mut parts: Vec<Part> = self.by_source.into_values().collect();
        for part in &mut parts {
            part.said = part.said.or(said);
            part.tabs.clone_from(seen);
            part.has_vm_list = seen.contains(&Tab::Info);
            part.lists_snapshots = self.lists_snapshots;
            part.has_host_list = seen.contains(&Tab::Host);
            for damage in damages {
                part.warn_capping(
                    "truncated",
                    format!("{}: {damage}; export it again", part.origin.name()),
                );
            }
        }
        parts
    }

    /// Gives each vCenter the time of its export. vMetaData has the name under which RVTools was given the server, which may
    /// be another one than the rows have; a server is one of its own, without a VM, only where the rows name fewer.
    ///
    /// A merged workbook has a row for each export: which rows are of which is not told, so that the oldest counts for all of
    /// the name, also where two vCenters bear it.
    fn place_times(&mut self) {
        let of_server = self.times_of_servers();
        let named = self.by_source.keys().filter(|source| !source.is_unknown()).count();
        let is_fewer = named < of_server.len();
        for (server, said) in of_server {
            let has_name = |source: &Source| {
                let name = source.name.as_deref();
                name.is_some_and(|name| name.eq_ignore_ascii_case(&server))
            };
            let of_name = self.by_source.iter_mut().filter(|(source, _)| has_name(source));
            let parts: Vec<&mut Part> = of_name.map(|(_, part)| part).collect();
            if parts.is_empty() && is_fewer {
                self.of(Source::named(Some(server))).said = Some(said);
                continue;
            }
            for part in parts {
                part.said = Some(said);
            }
        }
    }

    /// The servers that vMetaData names, each with the earliest time that it gives.
    fn times_of_servers(&self) -> Vec<(String, Moment)> {
        let mut times: BTreeMap<String, (String, Moment)> = BTreeMap::new();
        for (server, said) in &self.saids {
            let Some(server) = server else { continue };
            let time = times.entry(server.to_ascii_lowercase());
            let (_, time) = time.or_insert_with(|| (server.clone(), *said));
            *time = Moment::earliest([*time, *said].into_iter()).unwrap_or(*time);
        }
        times.into_values().collect()
    }

    /// The time in the name of the file or its folder.
    fn time_in_names(&self) -> Option<Moment> {
        let said =
            values::time_in_name(&self.origin.name()).or_else(|| values::time_in_name(&self.origin.folder_name()))?;
        Some(said.moment(self.origin.modified))
    }
}
