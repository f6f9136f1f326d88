//! What an inventory lacks, seen only when all its parts are together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{contradictions, distinct, lost_letters};
use crate::{
    inventory::{
        ClusterVm, HostRecord, Inventory, InventoryKind, InventoryWarning, Listing, RegisteredObject, Registration,
        azure, columns, govc,
        host_names::HostNames,
        hyperv, names,
        part::{NamedVm, Part},
        powercli,
        rvtools::{self, Tab},
    },
    kind::Platform,
    path::label_and_rest,
    words::count,
};

/// Exports of one source that differ more than this in age are worth a word.
const AGE_SPAN: SignedDuration = SignedDuration::from_hours(6);

/// Members of the cluster without a VM list, and VMs of the cluster without a row.
pub(super) fn cluster(inventory: &mut Inventory, parts: &[Part]) {
    let with_vms: HostNames = inventory.vms.iter().filter_map(|vm| vm.host.as_deref()).collect();
    let asked: Vec<&str> = parts.iter().flat_map(|part| &part.nodes).map(String::as_str).collect();
    let was_asked: HostNames = asked.iter().copied().collect();
    let others = parts.iter().flat_map(|part| &part.other_nodes).map(String::as_str);
    // With the cluster's list a node without VMs is one that has none; without it, it may have been down.
    let explained = |node: &str| inventory.has_cluster_list && (was_asked.contains(node) || asked.is_empty());
    let missing: BTreeSet<String> = asked
        .iter()
        .copied()
        .chain(others)
        .filter(|node| !with_vms.contains(node) && !explained(node))
        .map(str::to_owned)
        .collect();
    let members = parts.iter().flat_map(|part| &part.member_nodes).map(String::as_str);
    let has_export = |node: &str| {
        with_vms.contains(node)
            || was_asked.contains(node)
            || inventory.hosts.iter().any(|host| host.name.eq_ignore_ascii_case(node))
    };
    let unasked: Vec<String> = members.filter(|node| !has_export(node)).map(str::to_owned).collect();
    let known: HostNames = inventory.hosts.iter().map(|host| host.name.as_str()).collect();
    let without_vms = asked
        .iter()
        .filter(|node| !missing.contains(**node) && !known.contains(node));
    let added: BTreeSet<&str> = without_vms.copied().collect();
    inventory.hosts.extend(added.into_iter().map(|node| HostRecord {
        name: node.to_owned(),
        ..HostRecord::default()
    }));
    inventory.hosts.sort_by(|a, b| a.name.cmp(&b.name));
    inventory.missing_hosts = missing
        .into_iter()
        .chain(unasked)
        .collect::<BTreeSet<String>>()
        .into_iter()
        .collect();
    inventory.cluster_vms = unexplained(inventory, parts);
    inventory.cluster_roles = roles(inventory, parts);
}

/// The VMs that lists of a cluster name without an id, with those beside them that another list ties to a row by their id.
fn roles(inventory: &Inventory, parts: &[Part]) -> Vec<String> {
    let named = parts
        .iter()
        .filter(|part| part.platform == Platform::Hyperv)
        .flat_map(|part| &part.named_vms);
    let named = named.filter_map(|vm| match vm {
        NamedVm::Name(name) => Some(name.clone()),
        NamedVm::Placed { .. } | NamedVm::Moref(_) => None,
    });
    let mut roles: BTreeSet<String> = named.collect();
    if roles.is_empty() {
        return Vec::new();
    }
    let listed: BTreeSet<Uuid> = parts
        .iter()
        .flat_map(|part| &part.cluster_vms)
        .map(|vm| vm.id)
        .collect();
    let told = inventory
        .vms
        .iter()
        .filter(|vm| vm.instance_id.is_some_and(|id| listed.contains(&id)));
    roles.extend(told.map(|vm| vm.name.clone()));
    roles.into_iter().collect()
}

/// VMs of the cluster's list of which no row was given.
fn unexplained(inventory: &Inventory, parts: &[Part]) -> Vec<ClusterVm> {
    let known: BTreeSet<Uuid> = inventory.vms.iter().filter_map(|vm| vm.instance_id).collect();
    let listed = parts.iter().flat_map(|part| part.cluster_vms.clone());
    let mut unexplained: Vec<ClusterVm> = listed.filter(|vm| !known.contains(&vm.id)).collect();
    unexplained.sort_by(|a, b| (a.id, &a.name).cmp(&(b.id, &b.name)));
    unexplained.dedup_by(|a, b| a.id == b.id);
    unexplained
}

/// All warnings: those of the parts, and those of the whole.
pub(super) fn warnings(inventory: &Inventory, parts: &[Part]) -> Vec<InventoryWarning> {
    let mut all: Vec<InventoryWarning> = parts.iter().flat_map(|part| part.warnings.clone()).collect();
    all.extend(depth_truncated(parts));
    all.extend(no_config_paths(inventory, parts));
    all.extend(sizes(parts));
    all.extend(no_rows(inventory));
    all.extend(tabs(inventory, parts));
    all.extend(vm_counts(inventory, parts));
    all.extend(vm_counts_of_datastores(inventory, parts));
    all.extend(mentions_only(parts, inventory));
    all.extend(strangers_on_datastores(parts, inventory));
    all.extend(named_vms(parts, inventory));
    all.extend(ghost_volumes(inventory));
    all.extend(azure::unattached(parts, &inventory.objects));
    all.extend(contradictions::moved(inventory));
    all.extend(contradictions::two_volumes(inventory));
    all.extend(no_cluster_list(inventory));
    let lists_all = |part: &Part| part.has_vm_list && !part.warnings.iter().any(|w| w.code == govc::ONE_FOLDER);
    if parts.iter().any(lists_all) {
        all.retain(|warning| warning.code != govc::ONE_FOLDER);
    }
    if inventory.has_vm_list {
        all.retain(|warning| warning.code != names::NAMES_ONLY);
    }
    // Another list of the source has the templates.
    if inventory.vms.iter().any(|vm| vm.template) {
        all.retain(|warning| warning.code != powercli::NO_TEMPLATES);
    }
    all.extend(ages(parts));
    all.extend(lost_letters::damaged_paths(inventory, parts));
    distinct(all)
}

/// VMs whose disks the depth of an export cut to text, unless another list of the source has their disks. Of Hyper-V that
/// list has to tell the disks of checkpoints as well.
fn depth_truncated(parts: &[Part]) -> Vec<InventoryWarning> {
    let lists_disks = |part: &&Part| part.platform == Platform::Vmware || columns::tells_checkpoint_drives(part);
    let drafts = parts.iter().filter(lists_disks).flat_map(|part| &part.vms);
    let whole: Vec<&Registration> = drafts
        .filter(|draft| !draft.flattened && draft.vm.listing >= Listing::LeafDisks)
        .map(|draft| &draft.vm)
        .collect();
    let ids: BTreeSet<Uuid> = whole.iter().filter_map(|vm| vm.instance_id).collect();
    let morefs: BTreeSet<&str> = whole.iter().filter_map(|vm| vm.moref.as_deref()).collect();
    let keyless = whole.iter().filter(|vm| vm.instance_id.is_none() && vm.moref.is_none());
    let names: BTreeSet<&str> = keyless.map(|vm| vm.name.as_str()).collect();
    let is_made_up = |vm: &Registration| {
        vm.instance_id.is_some_and(|id| ids.contains(&id))
            || vm.moref.as_deref().is_some_and(|moref| morefs.contains(moref))
            || names.contains(vm.name.as_str())
    };
    parts
        .iter()
        .filter_map(|part| {
            let cut = part
                .vms
                .iter()
                .filter(|draft| draft.flattened && !is_made_up(&draft.vm))
                .count();
            let command = match part.platform {
                Platform::Hyperv => hyperv::COMMAND,
                Platform::Vmware => powercli::COMMAND,
            };
            (cut > 0).then(|| {
                InventoryWarning::capping(
                    "depth-truncated",
                    format!(
                        "{}: the disks of {} were cut to text by the depth of the export; export again with {command}",
                        part.origin.name(),
                        count(cut, "VM", "VMs")
                    ),
                )
            })
        })
        .collect()
}

/// VMs of a list of which vCenter has the configuration and no list its path. A table that the user mapped may have none, and
/// that a whole column is missing is told already.
fn no_config_paths(inventory: &Inventory, parts: &[Part]) -> Option<InventoryWarning> {
    let is_told = |part: &Part| {
        part.kind == InventoryKind::MappedCsv
            || part
                .warnings
                .iter()
                .any(|warning| warning.code == rvtools::NO_PATH_COLUMN)
    };
    if inventory.platform != Platform::Vmware || !inventory.has_vm_list || parts.iter().any(is_told) {
        return None;
    }
    let listed = listed_rows(parts);
    let is_pathless =
        |vm: &&Registration| vm.config.is_none() && vm.has_configuration && listed.contains(vm.row.as_str());
    let pathless: Vec<&Registration> = inventory.vms.iter().filter(is_pathless).collect();
    let first = pathless.first()?;
    Some(InventoryWarning::capping(
        "no-config-paths",
        format!(
            "where the configuration of {} lies is not told, first: {}; export with all columns, or with {}",
            count(pathless.len(), "VM", "VMs"),
            first.name,
            powercli::COMMAND
        ),
    ))
}

/// The rows of lists of VMs; other lists only mention their VMs.
fn listed_rows(parts: &[Part]) -> BTreeSet<&str> {
    let drafts = parts.iter().flat_map(|part| &part.vms);
    drafts
        .filter(|draft| draft.listed)
        .map(|draft| draft.vm.row.as_str())
        .collect()
}

/// A list without VMs: exported without rights, or failed.
fn no_rows(inventory: &Inventory) -> Option<InventoryWarning> {
    (inventory.has_vm_list && inventory.vms.is_empty()).then(|| {
        InventoryWarning::capping(
            "no-vms",
            "the export lists no VM at all, as one made without sufficient rights does; export again with the rights of an administrator",
        )
    })
}

/// Tabs of RVTools that no other export of the source makes up for.
fn tabs(inventory: &Inventory, parts: &[Part]) -> Vec<InventoryWarning> {
    let tabs: BTreeSet<Tab> = parts.iter().flat_map(|part| part.tabs.clone()).collect();
    let mut found = Vec::new();
    let names_vms = [Tab::Disk, Tab::Snapshot, Tab::Cd].iter().any(|tab| tabs.contains(tab));
    if names_vms && !inventory.has_vm_list {
        found.push(InventoryWarning::capping(
            "no-vinfo-tab",
            "the tab vInfo is missing: VMs without disks and templates may be missing from the rest; export all tabs",
        ));
    }
    let all_listed = inventory.vms.iter().all(|vm| vm.listing > Listing::ConfigOnly);
    if tabs.contains(&Tab::Info) && !tabs.contains(&Tab::Disk) && !all_listed {
        found.push(InventoryWarning::capping(
            "no-vdisk-tab",
            "the tab vDisk is missing: the disks of the VMs are not listed; export all tabs",
        ));
    }
    if tabs.contains(&Tab::Info) && inventory.datastores.is_empty() {
        found.push(InventoryWarning::note(
            "no-vdatastore-tab",
            "the tab vDatastore is missing: which label is which volume, and which hosts mount it, is not listed",
        ));
    }
    found
}

/// More VMs on a host by its own count than rows are listed for it.
fn vm_counts(inventory: &Inventory, parts: &[Part]) -> Vec<InventoryWarning> {
    if !parts.iter().any(|part| part.tabs.contains(&Tab::Host)) || !inventory.has_vm_list {
        return Vec::new();
    }
    let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
    for vm in &inventory.vms {
        let count = rows.entry(vm.host.as_deref().unwrap_or_default()).or_default();
        *count = count.saturating_add(1);
    }
    inventory
        .hosts
        .iter()
        .filter_map(|host| {
            let listed = rows.get(host.name.as_str()).copied().unwrap_or_default();
            let counted = host.vm_count.filter(|&counted| counted > listed)?;
            let text = format!(
                "host {} has {} by its own count, and listed are {listed} (rights, a filter, or vCLS left out); export all VMs",
                host.name,
                counted_vms(counted)
            );
            Some(InventoryWarning {
                unlisted: counted.checked_sub(listed),
                ..InventoryWarning::capping("vm-count-mismatch", text)
            })
        })
        .collect()
}

fn counted_vms(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "VM", "VMs")
}

/// More VMs on a datastore by its own count than have a file there (V5). A host counts the VMs that the account of the export
/// may see, as the list of VMs does, and the swap of a VM is on a datastore where nothing of it is listed: beside counts of hosts
/// only more VMs than are listed at all say something.
fn vm_counts_of_datastores(inventory: &Inventory, parts: &[Part]) -> Vec<InventoryWarning> {
    let has = |tab: Tab| parts.iter().any(|part| part.tabs.contains(&tab));
    let hosts_count = has(Tab::Host) && inventory.hosts.iter().any(|host| host.vm_count.is_some());
    if !has(Tab::Datastore) || !inventory.has_vm_list {
        return Vec::new();
    }
    let all_listed = u64::try_from(inventory.vms.len()).unwrap_or(u64::MAX);
    let mut rows: HashMap<&str, u64> = HashMap::new();
    for vm in &inventory.vms {
        let paths = vm.files.iter().map(|file| &file.path);
        let paths = paths.chain(&vm.folders).chain(&vm.config);
        let labels = paths.filter_map(|path| Some(label_and_rest(path)?.0));
        for label in labels.collect::<BTreeSet<_>>() {
            let count = rows.entry(label).or_default();
            *count = count.saturating_add(1);
        }
    }
    inventory
        .datastores
        .iter()
        .filter_map(|datastore| {
            let listed = rows.get(datastore.name.as_str()).copied().unwrap_or_default();
            let explained = if hosts_count { all_listed } else { listed };
            let counted = datastore.vm_count.filter(|&counted| counted > explained)?;
            Some(InventoryWarning::capping(
                "vm-count-mismatch",
                format!(
                    "datastore {} has {} by its own count, and files there are listed of {listed} (rights, a filter, or tabs left out); export all VMs and all tabs",
                    datastore.name,
                    counted_vms(counted)
                ),
            ))
        })
        .collect()
}

/// VMs that a list of disks names and the list of VMs lacks: it is not whole.
fn mentions_only(parts: &[Part], inventory: &Inventory) -> Option<InventoryWarning> {
    let listed = listed_rows(parts);
    let strangers: Vec<&Registration> = inventory
        .vms
        .iter()
        .filter(|vm| !listed.contains(vm.row.as_str()))
        .collect();
    let first = strangers.first().filter(|_| inventory.has_vm_list)?;
    Some(InventoryWarning::capping(
        "vm-count-mismatch",
        format!(
            "{} of disks, snapshots or ids in the export and no row of their own with a place, first: {}; export all VMs at one time",
            count(strangers.len(), "VM has rows", "VMs have rows"),
            first.name
        ),
    ))
}

/// VMs of which a datastore holds files and that no list of VMs has: the list was not made of all VMs.
fn strangers_on_datastores(parts: &[Part], inventory: &Inventory) -> Option<InventoryWarning> {
    let known: BTreeSet<&str> = inventory.vms.iter().filter_map(|vm| vm.moref.as_deref()).collect();
    let on_datastores = parts.iter().flat_map(|part| &part.vms_on_datastores);
    let strangers: BTreeSet<(&str, &str)> = on_datastores
        .map(|(datastore, vm)| (vm.as_str(), datastore.as_str()))
        .filter(|(vm, _)| !known.contains(vm))
        .collect();
    // Lists without references cannot be compared.
    let (vm, datastore) = strangers.first().filter(|_| !known.is_empty())?;
    Some(InventoryWarning::capping(
        "vm-count-mismatch",
        format!(
            "datastores hold files of {} not listed, first: {vm} on {datastore}; export all VMs at the same time",
            count(
                strangers.iter().map(|(vm, _)| vm).collect::<BTreeSet<_>>().len(),
                "VM that is",
                "VMs that are"
            ),
        ),
    ))
}

/// VMs that a list of names has and the list of VMs lacks. Roles of a cluster may bear another name than their VM.
fn named_vms(parts: &[Part], inventory: &Inventory) -> Option<InventoryWarning> {
    let vms = inventory.vms.iter();
    let strangers = named_strangers(parts, vms, inventory.platform);
    strangers.filter(|_| inventory.has_vm_list)
}

/// VMs that a list of names has and that are none of these.
pub(super) fn named_strangers<'a>(
    parts: &[Part],
    vms: impl Iterator<Item = &'a Registration> + Clone,
    platform: Platform,
) -> Option<InventoryWarning> {
    let names: BTreeSet<&str> = vms.clone().map(|vm| vm.name.as_str()).collect();
    let morefs: BTreeSet<&str> = vms.filter_map(|vm| vm.moref.as_deref()).collect();
    let is_known = |vm: &&NamedVm| match vm {
        NamedVm::Name(name) | NamedVm::Placed { name, .. } => names.contains(name.as_str()),
        // A list without references cannot be compared.
        NamedVm::Moref(moref) => morefs.is_empty() || morefs.contains(moref.as_str()),
    };
    let all: BTreeSet<&NamedVm> = parts.iter().flat_map(|part| &part.named_vms).collect();
    let strangers: Vec<&NamedVm> = all.into_iter().filter(|vm| !is_known(vm)).collect();
    let (NamedVm::Name(first) | NamedVm::Placed { name: first, .. } | NamedVm::Moref(first)) = strangers.first()?;
    let text = format!(
        "{} no row of their own, first: {first}; export all VMs at one time",
        count(
            strangers.len(),
            "VM is named in the export and has",
            "VMs are named in the export and have"
        )
    );
    Some(match platform {
        Platform::Vmware => InventoryWarning::capping("vm-count-mismatch", text),
        Platform::Hyperv => InventoryWarning::note("vm-count-mismatch", text),
    })
}

/// Volumes whose disk is not in the lists of disks. Handles of guest clusters are no ids of disks.
fn ghost_volumes(inventory: &Inventory) -> Option<InventoryWarning> {
    let disks: BTreeSet<&str> = of_class(inventory, "fcd").map(|object| object.id.as_str()).collect();
    let volumes = of_class(inventory, "kubernetes-volume");
    let ghosts: Vec<&RegisteredObject> = volumes
        .filter(|volume| Uuid::parse_str(&volume.id).is_ok() && !disks.contains(volume.id.as_str()))
        .collect();
    let first = ghosts.first().filter(|_| !disks.is_empty())?;
    Some(InventoryWarning::note(
        "volume-without-disk",
        format!(
            "{} no disk in the list of First Class Disks, first: {} ({}); list the disks of all datastores",
            count(ghosts.len(), "volume of Kubernetes has", "volumes of Kubernetes have"),
            first.name,
            first.id
        ),
    ))
}

fn of_class<'a>(inventory: &'a Inventory, class: &'a str) -> impl Iterator<Item = &'a RegisteredObject> {
    inventory.objects.iter().filter(move |object| object.class == class)
}

/// Members without a list and VMs without a row are fields of their own, since another inventory may have them.
fn no_cluster_list(inventory: &Inventory) -> Option<InventoryWarning> {
    (!inventory.has_cluster_list && inventory.vms.iter().any(|vm| vm.clustered)).then(|| {
        InventoryWarning::note(
            "no-cluster-list",
            "VMs are clustered, but the cluster's resources are not listed, so whether a VM is missing cannot be seen",
        )
    })
}

/// Exports of very different ages do not show one state.
fn ages(parts: &[Part]) -> Option<InventoryWarning> {
    let times: Vec<Timestamp> = parts
        .iter()
        .filter(|part| !part.said_is_floor)
        .filter_map(Part::time)
        .collect();
    let (first, last) = (times.iter().min()?, times.iter().max()?);
    (last.duration_since(*first) > AGE_SPAN).then(|| {
        InventoryWarning::note(
            "ages-differ",
            format!("the exports were made at different times, from {first} to {last}; make them together"),
        )
    })
}

/// Files of which two rows give two sizes. It tells that they were not made at one time, and nothing of owners.
fn sizes(parts: &[Part]) -> Option<InventoryWarning> {
    let mut known: HashMap<&str, u64> = HashMap::new();
    let mut differing: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for file in parts
        .iter()
        .flat_map(|part| &part.vms)
        .flat_map(|draft| &draft.vm.files)
    {
        let Some(size) = file.size_bytes else { continue };
        let first = *known.entry(&file.path).or_insert(size);
        if first != size {
            differing.entry(&file.path).or_insert((first, size));
        }
    }
    let (path, (first, other)) = differing.first_key_value()?;
    Some(InventoryWarning::note(
        "sizes-differ",
        format!(
            "rows give two sizes of {}, first: {path} ({first} and {other} bytes); they were not made at one time",
            count(differing.len(), "file", "files")
        ),
    ))
}
