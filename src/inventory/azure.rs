//! Azure Local: `az stack-hci-vm list` and `az stack-hci-vm disk|image|storagepath list -o json`. Disks and images are
//! resources of their own, attached to a VM or not; a storage path is the folder that they lie in and owns nothing by
//! itself. The list of VMs tells their names and which disks they use, not their files: those stand in `Get-VM`.

use std::collections::BTreeSet;

use super::{
    InventoryWarning, RegisteredObject,
    json::Json,
    names,
    part::{NamedVm, ObjectDraft, Part, Place},
};
use crate::words::count;

/// The list holds resources of Azure Local.
pub(super) fn is_list(document: Json<'_>) -> bool {
    document.objects().first().is_some_and(|item| kind(*item).is_some())
}

/// The type of a resource without its provider, lower-case.
fn kind(item: Json<'_>) -> Option<String> {
    let kind = item.get("type").text()?.to_ascii_lowercase();
    Some(kind.strip_prefix("microsoft.azurestackhci/")?.to_owned())
}

/// Adds the resources of a list.
pub(super) fn add(part: &mut Part, list: Json<'_>, row: &str) {
    let mut without_path = 0_usize;
    let objects = list.objects();
    let machines: Vec<Json<'_>> = objects.iter().copied().filter(|item| is_machine(*item)).collect();
    if !machines.is_empty() {
        add_machines(part, &machines, row);
    }
    for (index, item) in objects.into_iter().enumerate() {
        let is_object = kind(item).is_some_and(|kind| kind == "virtualharddisks" || kind.ends_with("galleryimages"));
        let Some(id) = item.get("id").text().filter(|_| is_object) else {
            continue;
        };
        let path = item
            .first(&["properties.path", "properties.diskPath", "properties.imagePath"])
            .string();
        without_path = without_path.saturating_add(usize::from(path.is_none()));
        part.objects.push(ObjectDraft {
            object: RegisteredObject {
                class: "azure-local".to_owned(),
                id: id.to_owned(),
                name: item.get("name").text().unwrap_or(id).to_owned(),
                path,
                folder: false,
                row: item.row_name(row, index),
            },
            place: Place::Said,
        });
    }
    if without_path > 0 {
        part.warn(
            "objects-without-path",
            format!(
                "{row}: of {} the file is not told; Get-VHD on the nodes tells it",
                count(without_path, "disk or image", "disks and images")
            ),
        );
    }
}

fn is_machine(item: Json<'_>) -> bool {
    kind(item).is_some_and(|kind| ["virtualmachineinstances", "virtualmachines"].contains(&kind.as_str()))
}

/// Adds the names of VMs and the disks that they use.
fn add_machines(part: &mut Part, machines: &[Json<'_>], row: &str) {
    for machine in machines {
        part.named_vms.extend(machine_name(*machine).map(NamedVm::Name));
        let profile = machine.at("properties.storageProfile");
        let data = profile.get("dataDisks").objects();
        let used = data.into_iter().chain([profile.get("osDisk")]);
        part.used_disks
            .extend(used.filter_map(|disk| disk.get("id").text().map(str::to_lowercase)));
    }
    part.names_disk_users = true;
    part.warn(
        names::NAMES_ONLY,
        format!("{row}: names and disk resources alone; the files of the VMs are told by Get-VM on the nodes"),
    );
}

/// The instance is called `default`; its name is that of the Arc machine that it belongs to (`…/machines/NAME/…`).
fn machine_name(machine: Json<'_>) -> Option<String> {
    let id = machine.get("id").text()?;
    let mut parts = id.split('/').skip_while(|part| !part.eq_ignore_ascii_case("machines"));
    let of_arc = parts.nth(1).filter(|name| !name.is_empty()).map(str::to_owned);
    of_arc.or_else(|| machine.get("name").string())
}

/// Disk resources that no VM of the lists of VMs uses.
pub(super) fn unattached(parts: &[Part], objects: &[RegisteredObject]) -> Option<InventoryWarning> {
    let used: BTreeSet<&str> = parts
        .iter()
        .flat_map(|part| &part.used_disks)
        .map(String::as_str)
        .collect();
    let disks = objects
        .iter()
        .filter(|object| object.id.to_lowercase().contains("/virtualharddisks/"));
    let free: Vec<&RegisteredObject> = disks
        .filter(|disk| !used.contains(disk.id.to_lowercase().as_str()))
        .collect();
    let first = free
        .first()
        .filter(|_| parts.iter().any(|part| part.names_disk_users))?;
    Some(InventoryWarning::note(
        "unattached-disks",
        format!(
            "{} used by no VM of its list, first: {}; such a disk is a resource all the same and is deleted in Azure only",
            count(free.len(), "disk of Azure Local is", "disks of Azure Local are"),
            first.name
        ),
    ))
}
