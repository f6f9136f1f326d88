//! Live Optics (Optical Prime): a workbook that knows VMs by name and the datastores that they lie on, but no path of any
//! file. It is a hint: it shows VMs that another list lacks.

use super::{
    InventoryKind,
    part::{NamedVm, Origin, Part, Source},
    table::{Table, column},
    text::unescape_name,
    workbook::Sheet,
};

/// The workbook has the sheets of Live Optics.
pub(super) fn is_workbook(sheets: &[Sheet]) -> bool {
    let has = |name: &str| sheets.iter().any(|sheet| sheet.name.trim().eq_ignore_ascii_case(name));
    has("VMs") && (has("ESX Hosts") || has("Details") || has("ESX Performance"))
}

/// Reads the sheet of the VMs.
pub(super) fn import(origin: &Origin, sheets: &[Sheet]) -> Part {
    let mut part = Part::new(origin, InventoryKind::LiveOptics, Source::default());
    let vms = sheets
        .iter()
        .filter(|sheet| sheet.name.trim().eq_ignore_ascii_case("VMs"));
    for table in vms.map(|sheet| &sheet.table) {
        part.named_vms.extend(names(table));
    }
    part.warn(
        "no-paths",
        "Live Optics knows no path of any file: it shows only whether another list has all VMs; export with RVTools, govc or PowerCLI",
    );
    part
}

fn names(table: &Table) -> Vec<NamedVm> {
    let name = table.find(column(&["vmname", "vm"]), "");
    let names = table.rows.iter().filter_map(|row| row.value(name));
    names.map(|name| NamedVm::Name(unescape_name(&name))).collect()
}
