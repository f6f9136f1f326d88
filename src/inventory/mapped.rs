//! `--map name=…,path=…`: a table of a tool that is not known, whose columns the user names. What it names is protected;
//! it counts as a list of all VMs only on the user's word (`list=all`), since nothing in it tells.

use std::str::FromStr;

use super::{
    InventoryKind, Listing, Registration,
    part::{Draft, Origin, Part, Source},
    table::{Column, Row, Table, column},
    values,
};
use crate::kind::{Platform, Role};

/// Which columns of a table hold what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnMap {
    /// Name of the VM.
    name: Option<String>,
    /// Path of a file: a configuration or a disk, or several with `;` or `|` between.
    path: Option<String>,
    /// Path of the configuration.
    config: Option<String>,
    /// Instance UUID or VM id.
    id: Option<String>,
    /// Managed object reference.
    moref: Option<String>,
    /// Host on which it is registered.
    host: Option<String>,
    /// The rows are all VMs that there are.
    lists_all: bool,
}

/// Why a mapping of columns is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnMapError {
    /// A part is no `WHAT=COLUMN`.
    #[error("`{0}` is not WHAT=COLUMN with WHAT one of name, path, config, id, moref, host, list")]
    Part(String),
    /// Nothing says where files are.
    #[error("no column of a path is named: give path=COLUMN or config=COLUMN")]
    NoPath,
}

impl FromStr for ColumnMap {
    type Err = ColumnMapError;

    fn from_str(text: &str) -> Result<Self, ColumnMapError> {
        let mut map = Self::default();
        for part in text.split(',') {
            let bad = || ColumnMapError::Part(part.to_owned());
            let (what, header) = part.split_once('=').ok_or_else(bad)?;
            let header = Some(header.trim().to_owned()).filter(|header| !header.is_empty());
            let slot = match what.trim() {
                "name" => &mut map.name,
                "path" => &mut map.path,
                "config" => &mut map.config,
                "id" => &mut map.id,
                "moref" => &mut map.moref,
                "host" => &mut map.host,
                "list" if header.as_deref() == Some("all") => {
                    map.lists_all = true;
                    continue;
                }
                _ => return Err(bad()),
            };
            *slot = Some(header.ok_or_else(bad)?);
        }
        if map.path.is_none() && map.config.is_none() {
            return Err(ColumnMapError::NoPath);
        }
        Ok(map)
    }
}

impl ColumnMap {
    /// The table has the columns of its paths.
    pub(super) fn fits(&self, table: &Table) -> bool {
        let paths = [&self.path, &self.config];
        let named: Vec<&String> = paths.into_iter().flatten().collect();
        named.iter().all(|name| find(table, Some(name)).is_some())
    }
}

/// Where a column stands that the user named.
fn find(table: &Table, name: Option<&String>) -> Option<usize> {
    let name = name?;
    let exact = table.header.iter().position(|header| header.trim() == name);
    exact.or_else(|| {
        table
            .header
            .iter()
            .position(|header| header.trim().eq_ignore_ascii_case(name))
    })
}

/// Reads a table by a mapping: one part for each platform whose paths are in it.
pub(super) fn import(origin: &Origin, map: &ColumnMap, table: &Table) -> Vec<Part> {
    let mut vmware = Part::new(origin, InventoryKind::MappedCsv, Source::default());
    let mut hyperv = vmware.clone();
    hyperv.platform = Platform::Hyperv;
    let columns =
        [&map.name, &map.path, &map.config, &map.id, &map.moref, &map.host].map(|name| find(table, name.as_ref()));
    for row in &table.rows {
        let Some(draft) = draft(row, columns, map.lists_all, &origin.name()) else {
            continue;
        };
        let paths = draft
            .vm
            .config
            .iter()
            .chain(draft.vm.files.iter().map(|file| &file.path));
        let is_windows = paths.clone().any(|path| path.contains('\\'));
        let part = if is_windows { &mut hyperv } else { &mut vmware };
        part.vms.push(draft);
    }
    let mut parts: Vec<Part> = [vmware, hyperv]
        .into_iter()
        .filter(|part| !part.vms.is_empty())
        .collect();
    for part in &mut parts {
        part.has_vm_list = map.lists_all;
        if let Some(why) = &table.damage {
            let text = format!("{}: {why}; export it again", part.origin.name());
            part.warn_capping("truncated", text);
        }
    }
    parts
}

fn draft(row: &Row, columns: [Option<usize>; 6], listed: bool, file: &str) -> Option<Draft> {
    let [name, path, config, id, moref, host] = columns;
    let mut draft = Draft {
        vm: Registration {
            name: row.cell(name).to_owned(),
            instance_id: values::id(row.cell(id)),
            moref: row.value(moref),
            host: row.value(host),
            config: row.value(config),
            has_configuration: true,
            row: format!("{file}: row {}", row.number),
            ..Registration::default()
        },
        listed,
        ..Draft::default()
    };
    for path in row
        .cell(path)
        .split([';', '|', '\n'])
        .map(str::trim)
        .filter(|path| !path.is_empty())
    {
        if values::ends_with(path, &[".vmx", ".vmtx", ".vmcx", ".xml"]) && draft.vm.config.is_none() {
            draft.vm.config = Some(path.to_owned());
        } else if values::ends_with(path, &[".iso", ".flp", ".vfd", ".img"]) {
            draft.add_file(Role::Media, path, None);
        } else {
            draft.add_file(Role::Disk, path, None);
            draft.vm.listing = Listing::LeafDisks;
        }
    }
    (draft.vm.config.is_some() || !draft.vm.files.is_empty()).then_some(draft)
}

/// A table whose only likely column of paths is named so; for the message of a table that is not known.
pub(super) fn hint(table: &Table) -> Option<String> {
    const PATH: Column = column(&[
        "path", "filename", "file", "vmxpath", "diskpath", "diskfile", "vmdk", "vhd", "location",
    ]);
    const NAME: Column = column(&["vm", "vmname", "name", "machine", "virtualmachine", "guest"]);
    let at = table.find(PATH, "").or_else(|| table.find_by_shape(is_path))?;
    let header = table.header.get(at)?;
    let name = table.find(NAME, "").and_then(|at| table.header.get(at));
    let name = name.map_or("…", |name| name.trim());
    Some(format!(
        "a table of no known export; name its columns: --map 'path={},name={name}'",
        header.trim()
    ))
}

/// A column of the table holds paths, whatever it is called.
pub(super) fn holds_paths(table: &Table) -> bool {
    table.find_by_shape(is_path).is_some()
}

/// A value that can only be a path on a datastore or of Windows.
fn is_path(cell: &str) -> bool {
    let on_datastore = cell.starts_with('[') && cell.contains("] ") || cell.starts_with("/vmfs/volumes/");
    on_datastore || cell.starts_with("\\\\") || cell.get(1..3) == Some(":\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_names_columns_and_needs_a_path() {
        let map: ColumnMap = "name=VM Name,path=Disk File".parse().unwrap();
        assert_eq!(map.path.as_deref(), Some("Disk File"));
        assert!(!map.lists_all);
        assert!("name=a,path=b,list=all".parse::<ColumnMap>().unwrap().lists_all);
        for wrong in ["name=a", "path", "path=", "size=a,path=b", "path=b,list=some", ""] {
            assert!(wrong.parse::<ColumnMap>().is_err(), "{wrong}");
        }
    }
}
