//! What can be lost of the knowledge of a site. Who needs a file does not change by any of it.

use std::collections::BTreeSet;

use derelict::{
    catalogue::{Catalogue, Issue, Stage},
    evidence::{Evidence, Mark, MarkCode, VmEvidence},
    kind::Platform,
    raw::RawPath,
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    chance::{Chance, chosen},
    exports::{Body, CsvForm, Export, Table},
    hyperv,
    place::folder_of,
    plan::Loss,
    site::Site,
    vmware,
};

/// What the losses did, as far as the checks must know.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// Each in words.
    pub(crate) texts: Vec<String>,
    /// VMs of which the exports say nothing any more, and nothing shows that something is missing.
    pub(crate) untold: BTreeSet<usize>,
    /// VMs of whose files the exports say less than before, and nothing shows it.
    pub(crate) less_told: BTreeSet<usize>,
    /// Folders of the site that cannot be listed.
    pub(crate) folders: Vec<String>,
    /// Files that cannot be read.
    pub(crate) files: Vec<String>,
    /// Files whose content was damaged, or that are gone.
    pub(crate) damaged: Vec<String>,
}

/// Takes all of it from the site.
pub(crate) fn lose(site: &mut Site, losses: &[Loss]) -> Lost {
    let mut lost = Lost::default();
    for loss in losses {
        let before: Vec<BTreeSet<String>> = told(site);
        let (text, silent) = apply(site, loss, &mut lost);
        lost.texts.push(format!("{}: {text}", loss.kind));
        if silent {
            let after = told(site);
            for (vm, (before, after)) in before.iter().zip(&after).enumerate() {
                if !before.is_empty() && after.is_empty() {
                    lost.untold.insert(vm);
                } else if before != after {
                    lost.less_told.insert(vm);
                }
            }
        }
    }
    lost
}

/// What the exports say of each VM: its own names, and its files.
fn told(site: &Site) -> Vec<BTreeSet<String>> {
    let says = |text: &String| site.exports.iter().any(|export| export.says(text));
    let of_vm = |(number, vm): (usize, &crate::site::RegisteredVm)| {
        let own: BTreeSet<String> = vm.tokens.iter().filter(|token| says(token)).cloned().collect();
        let files = site.files.iter().filter(|(_, file)| file.truth.vms.contains(&number));
        let spelled = files.flat_map(|(path, _)| spellings(site.platform, path));
        let files: BTreeSet<String> = spelled.filter(says).collect();
        if own.is_empty() {
            return own;
        }
        own.into_iter().chain(files).collect()
    };
    site.vms.iter().enumerate().map(of_vm).collect()
}

fn spellings(platform: Platform, path: &str) -> Vec<String> {
    match platform {
        Platform::Vmware => vec![vmware::in_vcenter(path), vmware::on_host(path)],
        Platform::Hyperv => vec![hyperv::on_host(path)],
    }
}

/// Takes one thing away; says what, and whether nothing in the exports shows that it is missing.
fn apply(site: &mut Site, loss: &Loss, taken: &mut Lost) -> (String, bool) {
    let seed = loss.seed;
    match loss.kind {
        "file-missing" => (remove_file(site, seed), true),
        "folder-missing" => (remove_folder(site, seed), true),
        "file-empty" => (replace_file(site, seed, |_| Vec::new()), false),
        "file-cut" => (
            replace_file(site, seed, |bytes| bytes[..cut_at(bytes.len(), seed)].to_vec()),
            false,
        ),
        "file-header-only" => (header_only(site, seed), false),
        "file-error" => {
            let text = "Get-VM : You do not have the required permission to complete this task.\r\n";
            (replace_file(site, seed, |_| text.as_bytes().to_vec()), false)
        }
        "sheet-missing" => (remove_sheet(site, seed), false),
        "column-missing" => (remove_column(site, seed), false),
        "row-missing" => (remove_row(site, seed), true),
        "cell-emptied" => (change_cell(site, seed, |_| String::new()), true),
        "cell-cut" => (
            change_cell(site, seed, |cell| {
                let letters = cell.chars().count();
                cell.chars().take(cut_at(letters, seed)).collect()
            }),
            true,
        ),
        "spreadsheet" => (save_by_spreadsheet(site), false),
        "shuffled" => (shuffle(site, seed), false),
        "case-changed" => (change_case(site, seed), false),
        "datastore-unlisted" => (unlist_datastore(site, seed), true),
        "root-unscanned" => (leave_root_out(site, seed), false),
        "folder-unreadable" => (hide_folder(site, seed, taken), false),
        "file-unreadable" => (hide_file(site, seed, taken, |_, _| true), false),
        "config-unreadable" => (hide_file(site, seed, taken, is_config), false),
        "config-damaged" => (damage(site, seed, taken, is_config), false),
        "disk-damaged" => (damage(site, seed, taken, |_, path| !is_log(path)), false),
        "config-gone" => (remove_config(site, seed, taken), false),
        "folder-renamed" => (rename_folder(site, seed), false),
        "alias-other" | "alias-none" | "subfolder" => (change_root(site, loss), false),
        _ => ("see the parts of the site".to_owned(), false),
    }
}

fn is_log(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with("vmware"))
}

/// Somewhere inside.
fn cut_at(length: usize, seed: u64) -> usize {
    Chance::of(seed, "cut").below(length.max(1))
}

fn nothing() -> String {
    "nothing there to lose".to_owned()
}

fn path_of(export: &Export) -> String {
    format!("{}/{}", export.folder, export.name)
}

/// One export, by chance.
fn export(site: &mut Site, seed: u64) -> Option<&mut Export> {
    chosen(seed, site.exports.iter_mut().collect(), |export| path_of(export))
}

fn remove_file(site: &mut Site, seed: u64) -> String {
    let Some(path) = export(site, seed).map(|export| path_of(export)) else {
        return nothing();
    };
    site.exports.retain(|export| path_of(export) != path);
    path
}

fn remove_folder(site: &mut Site, seed: u64) -> String {
    let folders: BTreeSet<String> = site.exports.iter().map(|export| export.folder.clone()).collect();
    let Some(folder) = chosen(seed, folders.into_iter().collect(), Clone::clone) else {
        return nothing();
    };
    site.exports.retain(|export| export.folder != folder);
    folder
}

fn replace_file(site: &mut Site, seed: u64, change: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let Some(export) = export(site, seed) else {
        return nothing();
    };
    let bytes = export.bytes();
    let changed = change(&bytes);
    let text = format!("{} has {} of {} bytes", path_of(export), changed.len(), bytes.len());
    export.body = Body::Bytes(changed);
    text
}

fn header_only(site: &mut Site, seed: u64) -> String {
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

fn remove_sheet(site: &mut Site, seed: u64) -> String {
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

/// Something in an export that can be taken out or changed.
#[derive(Clone)]
struct Spot {
    /// The export.
    place: usize,
    /// The table or the path in the JSON.
    way: Vec<Step>,
    name: String,
}

#[derive(Clone, PartialEq, Eq)]
enum Step {
    Index(usize),
    Key(String),
}

fn json_of(body: &Body) -> Option<&Vec<Value>> {
    match body {
        Body::Json(items, _) | Body::Clixml(items) => Some(items),
        _ => None,
    }
}

fn json_of_mut(body: &mut Body) -> Option<&mut Vec<Value>> {
    match body {
        Body::Json(items, _) | Body::Clixml(items) => Some(items),
        _ => None,
    }
}

fn walk(value: &Value, way: &[Step], see: &mut impl FnMut(&[Step], &Value)) {
    see(way, value);
    let mut go = |step: Step, item: &Value| {
        let way: Vec<Step> = way.iter().cloned().chain([step]).collect();
        walk(item, &way, see);
    };
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, item)| go(Step::Index(index), item)),
        Value::Object(fields) => fields.iter().for_each(|(name, item)| go(Step::Key(name.clone()), item)),
        _ => {}
    }
}

/// Every value in the JSON exports that `wanted` wants, with a name that does not change when others go.
fn spots(site: &Site, wanted: impl Fn(&[Step], &Value) -> bool) -> Vec<Spot> {
    let mut found = Vec::new();
    for (place, export) in site.exports.iter().enumerate() {
        for (index, item) in json_of(&export.body).into_iter().flatten().enumerate() {
            let own = own_name(item);
            walk(item, &[Step::Index(index)], &mut |way, value| {
                if wanted(way, value) {
                    let keys: Vec<String> = way[1..].iter().map(step_text).collect();
                    found.push(Spot {
                        place,
                        way: way.to_vec(),
                        name: format!("{} {own} {}", path_of(export), keys.join(".")),
                    });
                }
            });
        }
    }
    found
}

fn step_text(step: &Step) -> String {
    match step {
        Step::Index(index) => index.to_string(),
        Step::Key(name) => name.clone(),
    }
}

/// By what a row of JSON is told from others.
fn own_name(item: &Value) -> String {
    let of = ["/obj/value", "/MoRef", "/VMId", "/VmID", "/Path", "/Id", "/Name"];
    let mut names = of.iter().filter_map(|way| item.pointer(way).and_then(Value::as_str));
    names.next().unwrap_or_default().to_owned()
}

fn at_way<'a>(items: &'a mut [Value], way: &[Step]) -> Option<&'a mut Value> {
    let (first, rest) = way.split_first()?;
    let Step::Index(index) = first else { return None };
    let mut value = items.get_mut(*index)?;
    for step in rest {
        value = match step {
            Step::Index(index) => value.get_mut(*index)?,
            Step::Key(name) => value.get_mut(name)?,
        };
    }
    Some(value)
}

fn remove_at(items: &mut Vec<Value>, way: &[Step]) {
    match way.split_last() {
        Some((Step::Index(index), [])) => {
            items.remove(*index);
        }
        Some((last, before)) => match (at_way(items, before), last) {
            (Some(Value::Array(inner)), Step::Index(index)) => {
                inner.remove(*index);
            }
            (Some(Value::Object(fields)), Step::Key(name)) => {
                fields.remove(name);
            }
            _ => {}
        },
        None => {}
    }
}

/// The name of a column in JSON: a key, or the name of a property of `object.collect`.
fn column_names(items: &[Value]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for item in items {
        walk(item, &[], &mut |_, value| {
            if let Value::Object(fields) = value {
                match (fields.get("name"), fields.get("op")) {
                    (Some(Value::String(name)), Some(_)) => {
                        names.insert(name.clone());
                    }
                    _ => names.extend(fields.keys().cloned()),
                }
            }
        });
    }
    for fixed in ["kind", "obj", "changeSet", "type", "value", "_value"] {
        names.remove(fixed);
    }
    names
}

fn remove_key(value: &mut Value, key: &str) {
    match value {
        Value::Array(items) => {
            items.retain(|item| item.get("op").is_none() || item.get("name").and_then(Value::as_str) != Some(key));
            for item in items {
                remove_key(item, key);
            }
        }
        Value::Object(fields) => {
            if !fields.contains_key("op") {
                fields.remove(key);
            }
            fields.values_mut().for_each(|item| remove_key(item, key));
        }
        _ => {}
    }
}

fn remove_column(site: &mut Site, seed: u64) -> String {
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
fn remove_row(site: &mut Site, seed: u64) -> String {
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

fn change_cell(site: &mut Site, seed: u64, change: impl Fn(&str) -> String) -> String {
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
fn save_by_spreadsheet(site: &mut Site) -> String {
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

fn shuffle(site: &mut Site, seed: u64) -> String {
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
fn change_case(site: &mut Site, seed: u64) -> String {
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
fn unlist_datastore(site: &mut Site, seed: u64) -> String {
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

fn leave_root_out(site: &mut Site, seed: u64) -> String {
    let scanned = site.roots.iter_mut().filter(|root| root.scanned).collect::<Vec<_>>();
    if scanned.len() < 2 {
        return nothing();
    }
    chosen(seed, scanned, |root| root.folder.clone()).map_or_else(nothing, |root| {
        root.scanned = false;
        root.folder.clone()
    })
}

fn is_config(_: &Site, path: &str) -> bool {
    [".vmx", ".vmtx", ".vmcx", ".xml"].iter().any(|end| path.ends_with(end))
}

fn hide_folder(site: &Site, seed: u64, lost: &mut Lost) -> String {
    let folders: BTreeSet<String> = site.files.keys().map(|path| folder_of(path).to_owned()).collect();
    let below: Vec<String> = folders.into_iter().filter(|folder| folder.contains('/')).collect();
    chosen(seed, below, Clone::clone).map_or_else(nothing, |folder| {
        lost.folders.push(folder.clone());
        folder
    })
}

/// Files that somebody needs.
fn needed(site: &Site, wanted: impl Fn(&Site, &str) -> bool) -> Vec<String> {
    let files = site.files.iter().filter(|(_, file)| file.truth.is_needed());
    files
        .map(|(path, _)| path.clone())
        .filter(|path| wanted(site, path))
        .collect()
}

fn hide_file(site: &Site, seed: u64, lost: &mut Lost, wanted: impl Fn(&Site, &str) -> bool) -> String {
    chosen(seed, needed(site, wanted), Clone::clone).map_or_else(nothing, |path| {
        lost.files.push(path.clone());
        path
    })
}

/// Cuts a file, or writes zeros or other bytes over its beginning.
fn damage(site: &mut Site, seed: u64, lost: &mut Lost, wanted: impl Fn(&Site, &str) -> bool) -> String {
    let small = |site: &Site, path: &str| wanted(site, path) && !site.files[path].content.parts.is_empty();
    let Some(path) = chosen(seed, needed(site, small), Clone::clone) else {
        return nothing();
    };
    let mut chance = Chance::of(seed, "damage");
    let Some(file) = site.files.get_mut(&path) else {
        return nothing();
    };
    let how = match chance.below(3) {
        0 => {
            let length = cut_at(usize::try_from(file.content.length).unwrap_or(usize::MAX), seed);
            let kept = length.min(if chance.one_in(3) { 0 } else { 1024 });
            let mut head = vec![0; kept];
            for (offset, bytes) in &file.content.parts {
                let start = usize::try_from(*offset).unwrap_or(usize::MAX).min(kept);
                let end = start.saturating_add(bytes.len()).min(kept);
                head[start..end].copy_from_slice(&bytes[..end - start]);
            }
            file.content.parts = vec![(0, head)];
            file.content.length = u64::try_from(kept).unwrap_or_default();
            format!("cut to {kept} bytes")
        }
        1 => {
            file.content
                .put(0, vec![0; 512.min(usize::try_from(file.content.length).unwrap_or(512))]);
            "zeros at its beginning".to_owned()
        }
        _ => {
            file.content.parts.clear();
            "all zeros".to_owned()
        }
    };
    lost.damaged.push(path.clone());
    format!("{path}, {how}")
}

fn remove_config(site: &mut Site, seed: u64, lost: &mut Lost) -> String {
    let Some(path) = chosen(seed, needed(site, is_config), Clone::clone) else {
        return nothing();
    };
    site.files.remove(&path);
    lost.damaged.push(path.clone());
    path
}

/// Somebody renamed the folder of a VM after the exports.
fn rename_folder(site: &mut Site, seed: u64) -> String {
    let configs = needed(site, is_config);
    let folders: BTreeSet<String> = configs
        .iter()
        .map(|path| path.split('/').take(2).collect::<Vec<_>>().join("/"))
        .collect();
    let Some(folder) = chosen(seed, folders.into_iter().collect(), Clone::clone) else {
        return nothing();
    };
    let to = format!("{folder}.renamed");
    let inside = format!("{folder}/");
    let move_path = |path: &str| match path.strip_prefix(&inside) {
        Some(rest) => format!("{to}/{rest}"),
        None => path.to_owned(),
    };
    let files = std::mem::take(&mut site.files);
    site.files = files.into_iter().map(|(path, file)| (move_path(&path), file)).collect();
    for lock in &mut site.locks {
        lock.of = move_path(&lock.of);
    }
    for vm in &mut site.vms {
        vm.config = move_path(&vm.config);
    }
    folder
}

fn change_root(site: &mut Site, loss: &Loss) -> String {
    let seed = loss.seed;
    let folders: BTreeSet<(String, String)> = site
        .files
        .keys()
        .filter_map(|path| {
            let mut parts = path.split('/');
            Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
        })
        .collect();
    let Some(root) = chosen(seed, site.roots.iter_mut().collect(), |root| root.folder.clone()) else {
        return nothing();
    };
    match loss.kind {
        "alias-none" => root.aliases.clear(),
        "alias-other" => {
            let one = Chance::of(seed, "alias").pick(&root.other_aliases);
            root.aliases = vec![one];
        }
        _ => {
            let own = folders.into_iter().filter(|(folder, _)| *folder == root.folder);
            let own: Vec<String> = own
                .map(|(_, below)| below)
                .filter(|name| !name.contains(".vmdk"))
                .collect();
            root.below = chosen(seed, own, Clone::clone);
            if Chance::of(seed, "alias").one_in(2) {
                root.aliases.clear();
            }
        }
    }
    format!("{} {:?} as {:?}", root.folder, root.below, root.aliases)
}

/// Takes out of a catalogue what cannot be listed or read.
pub(crate) fn hide(site: &Site, catalogue: &mut Catalogue, lost: &Lost) {
    for folder in &lost.folders {
        if let Some((root, below)) = place(site, folder) {
            without_folder(catalogue, root, below.as_bytes());
        }
    }
    for path in &lost.files {
        if let Some((root, below)) = place(site, path) {
            let is_it =
                |entry: &derelict::catalogue::Entry| entry.root == root && entry.path.as_bytes() == below.as_bytes();
            if let Some(place) = catalogue.artifacts.iter().position(|artifact| is_it(&artifact.entry)) {
                make_unreadable(catalogue, place);
            }
        }
    }
    catalogue.sort();
}

/// Root and path of a place of the site in the catalogue; `None` where it is not scanned.
fn place(site: &Site, path: &str) -> Option<(usize, String)> {
    let (root, below) = path.split_once('/')?;
    let number = site.scanned().position(|own| own.folder == root)?;
    let scanned = site.scanned().nth(number)?;
    match &scanned.below {
        None => Some((number, below.to_owned())),
        Some(folder) => Some((number, below.strip_prefix(&format!("{folder}/"))?.to_owned())),
    }
}

fn without_folder(catalogue: &mut Catalogue, root: usize, folder: &[u8]) {
    let prefix = [folder, b"/"].concat();
    let inside = |of: usize, path: &RawPath| of == root && path.as_bytes().starts_with(&prefix);
    catalogue
        .artifacts
        .retain(|artifact| !inside(artifact.entry.root, &artifact.entry.path));
    catalogue.bystanders.retain(|entry| !inside(entry.root, &entry.path));
    catalogue
        .specials
        .retain(|special| !inside(special.root, &special.path));
    catalogue.issues.push(Issue {
        root: Some(root),
        path: RawPath::new(folder.to_vec()),
        stage: Stage::Crawl,
        error: "permission denied".to_owned(),
        folder: true,
    });
}

/// What the reading says of a file that it may not open.
fn make_unreadable(catalogue: &mut Catalogue, place: usize) {
    let artifact = &mut catalogue.artifacts[place];
    let text = "the file could not be read: permission denied".to_owned();
    let mut evidence = Evidence::default();
    if artifact.kind.is_config() {
        let mut vm = VmEvidence::of(artifact.kind.platform().unwrap_or(Platform::Vmware));
        vm.opaque = Some(text.clone());
        if vm.platform == Platform::Hyperv {
            let path = artifact.entry.path.lossy().into_owned();
            let name = path.rsplit('/').next().unwrap_or_default();
            vm.instance_id = name.get(..36).and_then(|id| Uuid::try_parse(id).ok());
        }
        evidence.vm = Some(Box::new(vm));
    }
    evidence.marks.push(Mark {
        code: MarkCode::Unreadable,
        text: text.clone(),
        offset: None,
    });
    artifact.evidence = evidence;
    let (root, path) = (artifact.entry.root, artifact.entry.path.clone());
    catalogue.issues.push(Issue {
        root: Some(root),
        path,
        stage: Stage::Read,
        error: text,
        folder: false,
    });
}
