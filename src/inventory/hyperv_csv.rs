//! Hyper-V lists as CSV: `Get-VHD` (disks with their parents) and `Get-VMHardDiskDrive` (disks of VMs and checkpoints).

use super::{
    Listing, Registration,
    part::{ChainLink, Draft, Part},
    table::{Column, Table, column},
    values,
};
use crate::kind::Role;

const PATH: Column = column(&["path"]);
const PARENT: Column = column(&["parentpath"]);
const VM_ID: Column = column(&["vmid"]);
const VM_NAME: Column = column(&["vmname"]);
const CONTROLLER: Column = column(&["controllertype", "vmsnapshotid"]);

/// Which list a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// `Get-VHD`.
    Chains,
    /// `Get-VMHardDiskDrive`.
    Drives,
}

impl List {
    /// The list with such a header.
    pub(super) fn of(table: &Table) -> Option<Self> {
        let has = |column| table.find(column, "").is_some();
        match () {
            () if has(PATH) && has(PARENT) => Some(Self::Chains),
            () if has(PATH) && has(VM_NAME) && has(VM_ID) && has(CONTROLLER) => Some(Self::Drives),
            () => None,
        }
    }

    /// By what it is known.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Chains => "the columns Path and ParentPath",
            Self::Drives => "the columns VMName, VMId, Path and those of a controller",
        }
    }
}

/// Adds the rows of a list.
pub(super) fn add(part: &mut Part, list: List, table: &Table) {
    let path = table.find(PATH, "");
    if let Some(damage) = &table.damage {
        let text = format!("{}: {damage}; export it again", part.origin.name());
        part.warn_capping("truncated", text);
    }
    match list {
        List::Chains => {
            let parent = table.find(PARENT, "");
            part.chains.extend(table.rows.iter().filter_map(|row| {
                Some(ChainLink {
                    path: row.value(path)?,
                    parent: row.value(parent),
                })
            }));
        }
        List::Drives => {
            let [name, id, host, number] = ["vmname", "vmid", "computername", "disknumber"].map(|wanted| {
                table
                    .header
                    .iter()
                    .position(|header| header.trim().eq_ignore_ascii_case(wanted))
            });
            let file = part.origin.name();
            for row in &table.rows {
                let mut draft = Draft {
                    vm: Registration {
                        name: row.cell(name).to_owned(),
                        instance_id: values::id(row.cell(id)),
                        host: row.value(host),
                        has_configuration: true,
                        listing: Listing::LeafDisks,
                        row: format!("{file}: row {}", row.number),
                        ..Registration::default()
                    },
                    ..Draft::default()
                };
                match (row.value(path), row.value(number)) {
                    (Some(path), None) => draft.add_file(Role::Disk, &path, None),
                    (Some(path), Some(_)) => draft.vm.fileless_disks.push(path),
                    (None, _) => {}
                }
                part.vms.push(draft);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        InventoryKind, csv_table,
        part::{Origin, Source},
    };

    fn read(text: &str) -> Part {
        let origin = Origin {
            path: "x.csv".into(),
            modified: None,
        };
        let mut part = Part::new(&origin, InventoryKind::HypervJson, Source::default());
        let table = csv_table::parse(text);
        let list = List::of(&table).unwrap();
        add(&mut part, list, &table);
        part
    }

    #[test]
    fn chains_and_drives_are_told_by_their_columns() {
        let part = read(
            "\"Path\",\"ParentPath\",\"VhdFormat\"\r\n\"D:\\a.avhdx\",\"D:\\a.vhdx\",\"VHDX\"\r\n\"D:\\a.vhdx\",,\"VHDX\"\r\n",
        );
        let links: Vec<_> = part
            .chains
            .iter()
            .map(|link| (link.path.as_str(), link.parent.as_deref()))
            .collect();
        assert_eq!(links, [("D:\\a.avhdx", Some("D:\\a.vhdx")), ("D:\\a.vhdx", None)]);
        let part = read(
            "ComputerName,VMName,VMId,VMSnapshotId,ControllerType,Path,DiskNumber\nHV01,a,6f1d3a2e-8b4c-4d5e-9f00-112233445566,,SCSI,D:\\a.vhdx,\nHV01,a,6f1d3a2e-8b4c-4d5e-9f00-112233445566,,SCSI,Disk 3 100.00 GB,3\n",
        );
        assert_eq!(part.vms[0].vm.files[0].path, "D:\\a.vhdx");
        assert_eq!(part.vms[1].vm.fileless_disks, ["Disk 3 100.00 GB"]);
    }
}
