//! Losses of exports: a file, a table, a column, a row or a cell of them, and how others write them again.

use std::collections::BTreeSet;

use derelict::kind::Platform;
use serde_json::Value;

use super::{
    json::{Step, at_way, column_names, json_of, json_of_mut, remove_at, remove_key, spots},
    nothing,
};
use crate::{
    chance::{Chance, chosen},
    exports::{Body, CsvForm, Export, Table},
    hyperv,
    site::Site,
};

pub(super) fn path_of(export: &Export) -> String {
    format!("{}/{}", export.folder, export.name)
}

/// One export, by chance.
fn export(site: &mut Site, seed: u64) -> Option<&mut Export> {
    chosen(seed, site.exports.iter_mut().collect(), |export| path_of(export))
}

pub(super) fn remove_file(site: &mut Site, seed: u64) -> String {
    let Some(path) = export(site, seed).map(|export| path_of(export)) else {
        return nothing();
    };
    site.exports.retain(|export| path_of(export) != path);
    path
}

pub(super) fn remove_folder(site: &mut Site, seed: u64) -> String {
    let folders: BTreeSet<String> = site.exports.iter().map(|export| export.folder.clone()).collect();
    let Some(folder) = chosen(seed, folders.into_iter().collect(), Clone::clone) else {
        return nothing();
    };
    site.exports.retain(|export| export.folder != folder);
    folder
}

pub(super) fn replace_file(site: &mut Site, seed: u64, change: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let Some(export) = export(site, seed) else {
        return nothing();
    };
    let bytes = export.bytes();
    let changed = change(&bytes);
    let text = format!("{} has {} of {} bytes", path_of(export), changed.len(), bytes.len());
    export.body = Body::Bytes(changed);
    text
}

pub(super) fn header_only(site: &mut Site, seed: u64) -> String {
    let Some(export) = export(site, seed) else {
        return nothing();
    };
    match &mut export.body {
        Body::Book(tables) => tables.iter_mut().for_each(|table| table.rows.clear()),
        Body::Csv(table, _) => table.rows.clear(),
        Body::Json(items, _) | Body::Clixml(items) => items.clear(),
        Body::Store(vms) => vms.clear(),
        Body::Text(text) => *text = text.lines().next().unwrap_or_default().to_owned() + "\n",
        Body::Bytes(_) => {}
    }
    path_of(export)
}

/// Every table of the exports, with the file that it stands in.
fn tables(site: &mut Site) -> Vec<(String, &mut Table)> {
    let mut found = Vec::new();
    for export in &mut site.exports {
        let path = path_of(export);
        match &mut export.body {
            Body::Book(tables) => {
                found.extend(tables.iter_mut().map(|table| (format!("{path} {}", table.name), table)));
            }
            Body::Csv(table, _) => found.push((path, table)),
            _ => {}
        }
    }
    found
}

pub(super) fn remove_sheet(site: &mut Site, seed: u64) -> String {
    let mut sheets = Vec::new();
    for export in &mut site.exports {
        let path = path_of(export);
        if let Body::Book(tables) = &mut export.body {
            let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
            sheets.push((path, names, tables));
        }
    }
    let Some((path, names, tables)) = chosen(seed, sheets, |sheet| sheet.0.clone()) else {
        return nothing();
    };
    let Some(name) = chosen(seed, names, Clone::clone) else {
        return nothing();
    };
    tables.retain(|table| table.name != name);
    format!("{name} of {path}")
}

pub(super) fn remove_column(site: &mut Site, seed: u64) -> String {
    let in_tables = tables(site).into_iter().flat_map(|(path, table)| {
        let names = table.header.clone();
        names
            .into_iter()
            .map(move |name| (path.clone(), name))
            .collect::<Vec<_>>()
    });
    let mut columns: Vec<(String, String)> = in_tables.collect();
    for export in &site.exports {
        let names = json_of(&export.body).map(|items| column_names(items));
        columns.extend(names.into_iter().flatten().map(|name| (path_of(export), name)));
    }
    let Some((path, name)) = chosen(seed, columns, |column| format!("{} {}", column.0, column.1)) else {
        return nothing();
    };
    for (own, table) in tables(site) {
        if own == path
            && let Some(place) = table.header.iter().position(|cell| *cell == name)
        {
            table.header.remove(place);
            for row in &mut table.rows {
                row.remove(place);
            }
        }
    }
    for export in site.exports.iter_mut().filter(|export| path_of(export) == path) {
        for item in json_of_mut(&mut export.body).into_iter().flatten() {
            remove_key(item, &name);
        }
    }
    format!("{name} of {path}")
}

/// A row of a table, a line of a text, or an item of a list in JSON.
pub(super) fn remove_row(site: &mut Site, seed: u64) -> String {
    let mut rows: Vec<(String, usize, String)> = Vec::new();
    for (path, table) in tables(site) {
        rows.extend(
            (0..)
                .zip(&table.rows)
                .map(|(number, row)| (path.clone(), number, row.join(";"))),
        );
    }
    for export in &site.exports {
        let path = path_of(export);
        match &export.body {
            Body::Text(text) => rows.extend(
                (0..)
                    .zip(text.lines())
                    .map(|(number, line)| (path.clone(), number, line.to_owned())),
            ),
            Body::Store(vms) => rows.extend(
                (0..)
                    .zip(vms)
                    .map(|(number, (_, config))| (path.clone(), number, config.clone())),
            ),
            _ => {}
        }
    }
    let items = spots(site, |way, _| matches!(way.last(), Some(Step::Index(_))));
    let of_rows = chosen(seed, rows, |row| format!("{} {}", row.0, row.2));
    let of_json = chosen(seed, items, |spot| spot.name.clone());
    let first_form = Chance::of(seed, "form").one_in(2);
    match (of_rows, of_json) {
        (Some((path, number, row)), None) => remove_plain_row(site, &path, number, &row),
        (Some((path, number, row)), Some(_)) if first_form => remove_plain_row(site, &path, number, &row),
        (_, Some(spot)) => {
            let name = spot.name.clone();
            if let Some(items) = json_of_mut(&mut site.exports[spot.place].body) {
                remove_at(items, &spot.way);
            }
            name
        }
        (None, None) => nothing(),
    }
}

fn remove_plain_row(site: &mut Site, path: &str, number: usize, row: &str) -> String {
    for (own, table) in tables(site) {
        if own == path {
            table.rows.remove(number);
        }
    }
    for export in site.exports.iter_mut().filter(|export| path_of(export) == path) {
        match &mut export.body {
            Body::Text(text) => {
                let kept = text.lines().enumerate().filter(|(line, _)| *line != number);
                let kept: Vec<String> = kept.map(|(_, line)| format!("{line}\n")).collect();
                *text = kept.concat();
            }
            Body::Store(vms) => {
                vms.remove(number);
            }
            _ => {}
        }
    }
    format!("{path}: {row}")
}

pub(super) fn change_cell(site: &mut Site, seed: u64, change: impl Fn(&str) -> String) -> String {
    let mut of_tables: Vec<(String, usize, usize, String)> = Vec::new();
    for (path, table) in tables(site) {
        for (number, row) in table.rows.iter().enumerate() {
            let name = format!("{path} {}", row.first().map_or("", String::as_str));
            let cells = row.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
            of_tables.extend(
                cells.map(|(column, _)| (path.clone(), number, column, format!("{name} {}", table.header[column]))),
            );
        }
    }
    let texts = spots(site, |_, value| value.as_str().is_some_and(|text| !text.is_empty()));
    let cell = chosen(seed, of_tables, |cell| cell.3.clone());
    let text = chosen(seed, texts, |spot| spot.name.clone());
    match (cell, text) {
        (Some((path, number, column, name)), _) => {
            let mut said = String::new();
            for (own, table) in tables(site) {
                if own == path {
                    let cell = &mut table.rows[number][column];
                    let changed = change(cell);
                    said = format!("{name}: {cell:?} is {changed:?}");
                    *cell = changed;
                }
            }
            said
        }
        (None, Some(spot)) => {
            let items = json_of_mut(&mut site.exports[spot.place].body);
            let Some(Value::String(text)) = items.and_then(|items| at_way(items, &spot.way)) else {
                return nothing();
            };
            let changed = change(text);
            let said = format!("{}: {text:?} is {changed:?}", spot.name);
            *text = changed;
            said
        }
        (None, None) => nothing(),
    }
}

/// A spreadsheet program of a German locale opened and saved every table.
pub(super) fn save_by_spreadsheet(site: &mut Site) -> String {
    for (_, table) in tables(site) {
        for cell in table.rows.iter_mut().flatten() {
            match cell.as_str() {
                "True" => "WAHR".clone_into(cell),
                "False" => "FALSCH".clone_into(cell),
                _ => {}
            }
        }
    }
    for export in &mut site.exports {
        if let Body::Csv(_, form) = &mut export.body {
            *form = CsvForm::Spreadsheet;
        }
    }
    "all tables".to_owned()
}

pub(super) fn shuffle(site: &mut Site, seed: u64) -> String {
    let mut chance = Chance::of(seed, "shuffle");
    for (_, table) in tables(site) {
        table.rows.sort_by_cached_key(|_| chance.next());
    }
    for export in &mut site.exports {
        if let Some(items) = json_of_mut(&mut export.body) {
            items.sort_by_cached_key(|_| chance.next());
        }
    }
    "all rows".to_owned()
}

/// All paths of one export are written in capitals or small letters.
pub(super) fn change_case(site: &mut Site, seed: u64) -> String {
    let Some(export) = export(site, seed) else {
        return nothing();
    };
    let change = |cell: &mut String| {
        let is_path = cell.contains(['\\', '/']) && !cell.starts_with("2026") && !cell.starts_with("ds:");
        if is_path {
            *cell = if seed.is_multiple_of(2) {
                cell.to_lowercase()
            } else {
                cell.to_uppercase()
            };
        }
    };
    match &mut export.body {
        Body::Book(tables) => tables
            .iter_mut()
            .flat_map(|table| table.rows.iter_mut().flatten())
            .for_each(change),
        Body::Csv(table, _) => table.rows.iter_mut().flatten().for_each(change),
        Body::Json(items, _) | Body::Clixml(items) => items.iter_mut().for_each(|item| change_texts(item, &change)),
        _ => return nothing(),
    }
    path_of(export)
}

fn change_texts(value: &mut Value, change: &impl Fn(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| change_texts(item, change)),
        Value::Object(fields) => fields.values_mut().for_each(|item| change_texts(item, change)),
        _ => {}
    }
}

/// No list of datastores or volumes has this one any more.
pub(super) fn unlist_datastore(site: &mut Site, seed: u64) -> String {
    let names: Vec<String> = site.roots.iter().map(|root| root.folder.clone()).collect();
    let Some(name) = chosen(seed, names, Clone::clone) else {
        return nothing();
    };
    let alias = match site.platform {
        Platform::Vmware => name.clone(),
        Platform::Hyperv => hyperv::on_host(&format!("{name}/")).trim_end_matches('\\').to_owned(),
    };
    let is_it = |text: &str| text == name || text == alias;
    for (path, table) in tables(site) {
        if path.contains("vDatastore") {
            table.rows.retain(|row| !row.first().is_some_and(|cell| is_it(cell)));
        }
    }
    for export in &mut site.exports {
        let is_list = export.name.starts_with("datastores") || export.name == "csv.json";
        if let Some(items) = json_of_mut(&mut export.body).filter(|_| is_list) {
            items.retain(|item| {
                let own = ["/Name", "/Path", "/changeSet/0/val"];
                !own.iter()
                    .any(|way| item.pointer(way).and_then(Value::as_str).is_some_and(is_it))
            });
        }
    }
    name
}
