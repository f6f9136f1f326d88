//! System Center VMM: `Get-SCVirtualMachine`, `Get-SCVirtualHardDisk`, `Get-SCISO`, `Get-SCLibraryShare`. VMM keeps a
//! copy of what the hosts told it, which may be hours old; its library holds files that no VM uses and that are its own.

use super::{
    HostRecord, Listing, Registration,
    json::Json,
    part::{ChainLink, Draft, Part},
    windows::add_object,
};
use crate::{kind::Role, words::count};

/// The command whose output holds all that is needed.
const COMMAND: &str = "Get-SCVirtualMachine | Select-Object …,@{n='Disks';e={@($_.VirtualDiskDrives.VirtualHardDisk.Location)}} | ConvertTo-Json -Depth 3";

/// Adds the VMs of a list.
pub(super) fn add_vms(part: &mut Part, list: Json<'_>, row: &str) {
    part.has_vm_list = true;
    let (mut pathless, mut nameless) = (0_usize, 0_usize);
    for (index, object) in list.objects().into_iter().enumerate() {
        let host = object.first(&["vmHost.name", "vmHost", "hostName"]).string();
        part.hosts.extend(host.clone().map(|name| HostRecord {
            name,
            ..HostRecord::default()
        }));
        let mut draft = Draft {
            vm: Registration {
                name: object.get("name").string().unwrap_or_default(),
                instance_id: object.get("vmId").id(),
                host,
                template: object.get("markedAsTemplate").truth(),
                state: object.first(&["statusString", "status"]).scalar(),
                has_configuration: true,
                config: object.get("vmcPath").string(),
                noted_owner: object.get("owner").string(),
                notes: object.get("description").string(),
                row: object.row_name(row, index),
                ..Registration::default()
            },
            listed: true,
            ..Draft::default()
        };
        if draft.vm.instance_id.is_none() && object.has("id") {
            nameless = nameless.saturating_add(1);
        }
        for folder in ["location", "checkpointLocation"] {
            draft.add_folder(object.get(folder).text().unwrap_or_default());
        }
        let disks = disks(object);
        match &disks {
            Some((_, false)) => pathless = pathless.saturating_add(1),
            // Of a VM that VMM cannot ask for, no disks are not known ones.
            Some((paths, true)) if !paths.is_empty() || is_asked(draft.vm.state.as_deref()) => {
                draft.vm.listing = Listing::LeafDisks;
            }
            Some(_) | None => {}
        }
        for disk in disks.into_iter().flat_map(|(paths, _)| paths) {
            draft.add_file(Role::Disk, &disk, None);
        }
        part.vms.push(draft);
    }
    let file = part.origin.name();
    if pathless > 0 {
        part.warn_capping(
            "depth-truncated",
            format!(
                "{file}: the disks of {} are names without a place; export again with {COMMAND}",
                count(pathless, "VM", "VMs")
            ),
        );
    }
    if nameless > 0 {
        part.warn(
            "scvmm-ids-only",
            format!(
                "{file}: of {} it has the ID of VMM and not the id that Hyper-V gives; export VMId too",
                count(nameless, "VM", "VMs")
            ),
        );
    }
    part.warn(
        "scvmm-copy",
        format!("{file}: VMM tells what it knew at its last refresh, which may be hours before the export; Get-VM of the nodes is newer"),
    );
}

/// True for the states of a VM that its host tells (names of `VMComputerSystemState`): of others VMM does not know more than it
/// once did.
fn is_asked(state: Option<&str>) -> bool {
    const STATES: [&str; 6] = ["Running", "PowerOff", "Stopped", "Saved", "Paused", "Off"];
    state.is_some_and(|state| STATES.iter().any(|known| known.eq_ignore_ascii_case(state)))
}

/// The paths of the disks, and whether every disk has one.
fn disks(object: Json<'_>) -> Option<(Vec<String>, bool)> {
    let list = object.first(&["disks", "virtualHardDisks", "virtualDiskDrives"]);
    if list.is_null() {
        return None;
    }
    let items = list.items();
    let paths: Vec<String> = items
        .iter()
        .flat_map(
            |disk| match disk.first(&["virtualHardDisk.location", "location"]).string() {
                Some(path) => vec![path],
                // A cell of a table holds several paths.
                None => disk
                    .texts()
                    .iter()
                    .flat_map(|text| text.split([';', '\n']))
                    .map(|path| path.trim().to_owned())
                    .collect(),
            },
        )
        .filter(|path| path.contains('\\'))
        .collect();
    let is_whole = paths.len() >= items.len();
    Some((paths, is_whole))
}

/// Adds virtual hard disks: those of the library are its own, and of all the parents are told.
pub(super) fn add_disks(part: &mut Part, list: Json<'_>, row: &str) {
    for (index, disk) in list.objects().into_iter().enumerate() {
        let Some(path) = disk.first(&["location", "sharePath"]).text() else {
            continue;
        };
        if disk.first(&["libraryServer", "library"]).text().is_some() {
            let name = disk.get("name").text().unwrap_or(path);
            add_object(part, "image-library", name, path, false, disk.row_name(row, index));
        }
        if disk.has("parent") || disk.has("parentDisk") {
            part.chains.push(ChainLink {
                path: path.to_owned(),
                parent: disk.first(&["parentDisk.location", "parent", "parentDisk"]).string(),
                host: None,
                row: disk.row_name(row, index),
            });
        }
    }
}

/// Adds images and shares of the library. The share itself is a folder of it.
pub(super) fn add_library(part: &mut Part, list: Json<'_>, row: &str) {
    for (index, item) in list.objects().into_iter().enumerate() {
        let Some(path) = item.first(&["sharePath", "path"]).text() else {
            continue;
        };
        let name = item.get("name").text().unwrap_or(path);
        let file_name = path.rsplit('\\').next().unwrap_or_default();
        // A share by the folder that its server gives it.
        let server = item.get("libraryServer").text().filter(|_| !path.starts_with("\\\\"));
        let share = server.map(|server| format!("\\\\{server}\\{name}"));
        let path = share.as_deref().filter(|_| !file_name.contains('.')).unwrap_or(path);
        add_object(
            part,
            "image-library",
            name,
            path,
            !file_name.contains('.'),
            item.row_name(row, index),
        );
    }
}
