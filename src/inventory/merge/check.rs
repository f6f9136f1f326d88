//! What an inventory lacks, seen only when all its parts are together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use encoding_rs::{BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, WINDOWS_1252};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{contradictions, distinct, hosts::HostNames};
use crate::{
    inventory::{
        ClusterVm, HostRecord, Inventory, InventoryKind, InventoryWarning, ListedFile, Listing, RegisteredObject,
        Registration, azure, columns, govc, hyperv, names,
        part::{NamedVm, Part},
        powercli,
        rvtools::{self, Tab},
    },
    kind::{Platform, Role},
    path::{Mount, Parsed, StoragePath, label_and_rest, parse, short_host},
    words::count,
};

/// Exports of one source that differ more than this in age are worth a word.
const AGE_SPAN: SignedDuration = SignedDuration::from_hours(6);
/// Longest chain of parents that is followed.
const MAX_CHAIN: usize = 1024;

/// Adds the identities that `Get-VHD` told of the disks of each VM.
pub(super) fn disk_ids(inventory: &mut Inventory, parts: &[Part]) {
    let mut ids: BTreeMap<DiskKey, Uuid> = BTreeMap::new();
    for (path, host, id) in parts.iter().flat_map(|part| &part.disk_ids) {
        ids.insert(disk_key(path, host.as_deref()), *id);
        // A row of a VM may name no host.
        ids.entry(disk_key(path, None)).or_insert(*id);
    }
    for vm in inventory.vms.iter_mut().filter(|_| !ids.is_empty()) {
        let disks = vm
            .files
            .iter()
            .filter(|file| matches!(file.role, Role::Disk | Role::Parent));
        let told = disks.filter_map(|disk| {
            let id = ids.get(&disk_key(&disk.path, vm.host.as_deref()))?;
            Some((disk.path.clone(), id.simple().to_string()))
        });
        vm.disk_ids.extend(told.collect::<Vec<_>>());
    }
}

/// Adds the parents that `Get-VHD` gave to the files of each VM. Where every chain ends at a disk known to be a base,
/// the listing is whole.
pub(super) fn chains(inventory: &mut Inventory, parts: &[Part]) {
    let parents = Parents::told(parts, &inventory.vms);
    if parents.of.is_empty() {
        return;
    }
    let asked: BTreeSet<&str> = parts
        .iter()
        .flat_map(|part| &part.checkpoint_hosts)
        .map(String::as_str)
        .collect();
    for vm in &mut inventory.vms {
        let disks: Vec<String> = vm
            .files
            .iter()
            .filter(|file| file.role == Role::Disk)
            .map(|file| file.path.clone())
            .collect();
        let mut whole = true;
        for disk in disks {
            let (found, ends) = chain(&disk, vm.host.as_deref(), &parents);
            whole &= ends;
            if ends {
                vm.told_disks.extend(std::iter::once(disk).chain(found.iter().cloned()));
            }
            for parent in found {
                if !vm
                    .files
                    .iter()
                    .any(|file| windows_key(&file.path) == windows_key(&parent))
                {
                    vm.files.push(ListedFile {
                        path: parent,
                        role: Role::Parent,
                        size_bytes: None,
                    });
                }
            }
        }
        vm.told_disks.sort();
        vm.told_disks.dedup();
        let is_host_asked = || {
            vm.host
                .as_deref()
                .is_some_and(|host| asked.contains(short_host(host).as_str()))
        };
        let is_told = vm.checkpoints_told || vm.tells_parent_checkpoint && is_host_asked();
        let checkpoints_known =
            is_told && (!vm.has_snapshots || vm.checkpoints.iter().all(|c| c.has_disks) && !vm.checkpoints.is_empty());
        if whole && checkpoints_known && vm.listing == Listing::LeafDisks {
            vm.listing = Listing::WholeChains;
        }
    }
}

/// A disk for comparison, with its host where its path is a local one and the host is told (H-B5).
type DiskKey = (String, Option<String>);

/// The parents that lists of disks tell.
#[derive(Default)]
struct Parents {
    /// Of each disk; `None` for a base.
    of: BTreeMap<DiskKey, Option<String>>,
    /// Local paths at which VMs of several hosts have a disk: a row without a host does not say which it is of.
    on_several_hosts: BTreeSet<String>,
}

impl Parents {
    /// Two nodes may have two disks at one path: where their parents differ nothing is told.
    fn told(parts: &[Part], vms: &[Registration]) -> Self {
        let mut parents = Self::default();
        let mut twofold = BTreeSet::new();
        for link in parts.iter().flat_map(|part| &part.chains) {
            let disk = disk_key(&link.path, link.host.as_deref());
            let other = parents.of.insert(disk.clone(), link.parent.clone());
            let key = |parent: &Option<String>| parent.as_deref().map(windows_key);
            if other.is_some_and(|other| key(&other) != key(&link.parent)) {
                twofold.insert(disk);
            }
        }
        parents.of.retain(|disk, _| !twofold.contains(disk));
        if parents.of.is_empty() {
            return parents;
        }
        let mut hosts: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
        for vm in vms {
            let disks = vm
                .files
                .iter()
                .filter(|file| file.role == Role::Disk && is_local(&file.path));
            for disk in disks {
                let host = vm.host.as_deref().map(short_host);
                hosts.entry(windows_key(&disk.path)).or_default().insert(host);
            }
        }
        let several = hosts.into_iter().filter(|(_, hosts)| hosts.len() > 1);
        parents.on_several_hosts = several.map(|(disk, _)| disk).collect();
        parents
    }

    /// The parent of a disk as its host names it. Where the row of the VM names no host, or that of the disk, one disk of this
    /// path is it.
    fn get(&self, disk: &str, host: Option<&str>) -> Option<&Option<String>> {
        let key = disk_key(disk, host);
        let nameless = (key.0.clone(), None);
        let of_nobody = || {
            self.of
                .get(&nameless)
                .filter(|_| !self.on_several_hosts.contains(&key.0))
        };
        let only = || {
            let mut all = self
                .of
                .range(nameless.clone()..)
                .take_while(|((path, _), _)| *path == key.0);
            let (_, parent) = all.next()?;
            (key.1.is_none() && all.next().is_none() && !self.on_several_hosts.contains(&key.0)).then_some(parent)
        };
        let told = self
            .of
            .get(&key)
            .filter(|_| key.1.is_some() || !self.on_several_hosts.contains(&key.0));
        told.or_else(of_nobody).or_else(only)
    }
}

fn disk_key(path: &str, host: Option<&str>) -> DiskKey {
    let host = host.map(short_host).filter(|_| is_local(path));
    (windows_key(path), host)
}

/// True for a path on a drive of one host.
fn is_local(path: &str) -> bool {
    matches!(
        parse(path),
        Parsed::Path(StoragePath {
            mount: Some(Mount::Drive { .. }),
            ..
        })
    )
}

/// The parents of a disk, and whether the last is known to have none.
fn chain(disk: &str, host: Option<&str>, parents: &Parents) -> (Vec<String>, bool) {
    let mut found = Vec::new();
    let mut seen = BTreeSet::from([windows_key(disk)]);
    let mut next = disk.to_owned();
    while found.len() < MAX_CHAIN {
        match parents.get(&next, host) {
            None => return (found, false),
            Some(None) => return (found, true),
            Some(Some(parent)) if !seen.insert(windows_key(parent)) => return (found, false),
            Some(Some(parent)) => {
                found.push(parent.clone());
                next.clone_from(parent);
            }
        }
    }
    (found, false)
}

/// A Windows path for comparison; empty parts mean nothing (H-B3).
fn windows_key(path: &str) -> String {
    let path = path.trim_matches('"').to_lowercase();
    let parts = path.split(['\\', '/']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("\\")
}

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
    all.extend(damaged_paths(inventory, parts));
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
            "{} of disks or snapshots in the export and no row of their own, first: {}; export all VMs at one time",
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

/// Paths that lost characters on the way: what they may stand for is not judged.
fn damaged_paths(inventory: &Inventory, parts: &[Part]) -> Vec<InventoryWarning> {
    let guessed = parts.iter().any(|part| part.guessed_encoding);
    let of_vms = inventory.vms.iter().flat_map(|vm| {
        vm.config
            .iter()
            .chain(vm.files.iter().map(|file| &file.path))
            .chain(&vm.folders)
    });
    let of_objects = inventory.objects.iter().filter_map(|object| object.path.as_ref());
    let paths: BTreeSet<&String> = of_vms.chain(of_objects).collect();
    let mut found = Vec::new();
    for path in paths {
        if let Some(pattern) = lost_characters(path) {
            found.push(InventoryWarning::damaged_path(
                "lossy-encoding",
                pattern,
                format!("the path {path} lost characters when it was exported; export again as UTF-8"),
            ));
        } else if guessed && !path.is_ascii() {
            found.extend(guesses(path).into_iter().map(|pattern| {
                InventoryWarning::damaged_path(
                    "lossy-encoding",
                    pattern,
                    format!("the path {path} was read as Windows-1252, which is a guess; export again as UTF-8"),
                )
            }));
        }
    }
    if guessed && found.is_empty() {
        found.push(InventoryWarning::note(
            "encoding-guessed",
            "a text is not UTF-8 and was read as Windows-1252; export again as UTF-8",
        ));
    }
    found
}

/// The pattern of a path in which `?` or U+FFFD stands for a lost character. The prefix `\\?\` is none.
fn lost_characters(path: &str) -> Option<String> {
    let (prefix, rest) = match path.strip_prefix("\\\\?\\") {
        Some(rest) => ("\\\\?\\", rest),
        None => ("", path),
    };
    rest.contains(['?', char::REPLACEMENT_CHARACTER])
        .then(|| format!("{prefix}{}", rest.replace(char::REPLACEMENT_CHARACTER, "?")))
}

/// The patterns of a path whose letters outside ASCII were guessed: each may be another letter, or two of them one.
fn guesses(path: &str) -> BTreeSet<String> {
    let mut single = String::new();
    let mut paired = String::new();
    let mut run = 0_usize;
    for character in path.chars() {
        if character.is_ascii() {
            run = 0;
            single.push(character);
            paired.push(character);
        } else {
            single.push('?');
            if run.is_multiple_of(2) {
                paired.push('?');
            }
            run = run.saturating_add(1);
        }
    }
    let mut patterns = BTreeSet::from([single, paired]);
    patterns.extend(EAST_ASIAN.into_iter().filter_map(|encoding| guessed_in(encoding, path)));
    patterns
}

/// Code pages whose letters have two bytes, of which the second may be one of ASCII: the ANSI text of a Windows in Japanese,
/// Chinese or Korean.
const EAST_ASIAN: [&Encoding; 4] = [SHIFT_JIS, GBK, BIG5, EUC_KR];

/// The pattern of a path that was read as Windows-1252 and may be in another encoding, where its bytes are text in that.
fn guessed_in(encoding: &'static Encoding, path: &str) -> Option<String> {
    let (bytes, _, is_other) = WINDOWS_1252.encode(path);
    let (text, is_malformed) = encoding.decode_without_bom_handling(&bytes);
    let pattern = text.chars().map(|letter| if letter.is_ascii() { letter } else { '?' });
    (!is_other && !is_malformed).then(|| pattern.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_followed_to_a_known_base_and_no_further() {
        let parents = parents(&[
            ("D:\\a.avhdx", None, Some("d:/A.vhdx")),
            ("D:\\a.vhdx", None, None),
            ("D:\\x.vhdx", None, Some("D:\\y.vhdx")),
            ("D:\\y.vhdx", None, Some("D:\\x.vhdx")),
        ]);
        let told = |disk: &str| chain(disk, None, &parents);
        assert_eq!(told("D:\\A.avhdx"), (vec!["d:/A.vhdx".to_owned()], true));
        assert_eq!(told("D:\\b.vhdx"), (vec![], false), "not listed is not a base");
        assert_eq!(
            told("D:\\x.vhdx"),
            (vec!["D:\\y.vhdx".to_owned()], false),
            "a circle has no base"
        );
    }

    /// Rows of a list of disks: path, host, parent.
    fn parents(rows: &[(&str, Option<&str>, Option<&str>)]) -> Parents {
        let rows = rows
            .iter()
            .map(|(path, host, parent)| (disk_key(path, *host), parent.map(str::to_owned)));
        Parents {
            of: rows.collect(),
            ..Parents::default()
        }
    }

    #[test]
    fn a_local_path_of_another_host_is_another_disk() {
        let whole = (Vec::new(), true);
        let nothing = (Vec::new(), false);
        let of_one = parents(&[
            ("D:\\a.vhdx", Some("HV01"), None),
            ("\\\\s\\v\\b.vhdx", Some("HV01"), None),
        ]);
        assert_eq!(chain("D:\\a.vhdx", Some("hv01.corp.test"), &of_one), whole);
        assert_eq!(chain("D:\\a.vhdx", Some("HV02"), &of_one), nothing);
        assert_eq!(
            chain("\\\\s\\v\\b.vhdx", Some("HV02"), &of_one),
            whole,
            "a share is the same for all"
        );
        assert_eq!(
            chain("D:\\a.vhdx", None, &of_one),
            whole,
            "there is only one of this path"
        );
        let mut of_nobody = parents(&[("D:\\a.vhdx", None, None)]);
        assert_eq!(chain("D:\\a.vhdx", Some("HV02"), &of_nobody), whole);
        of_nobody.on_several_hosts.insert(windows_key("D:\\a.vhdx"));
        assert_eq!(chain("D:\\a.vhdx", Some("HV02"), &of_nobody), nothing);
        assert_eq!(chain("D:\\a.vhdx", None, &of_nobody), nothing);
    }

    #[test]
    fn lost_characters_give_a_pattern() {
        assert_eq!(lost_characters("[d] ?/?.vmdk").as_deref(), Some("[d] ?/?.vmdk"));
        assert_eq!(lost_characters("[d] \u{fffd}.vmdk").as_deref(), Some("[d] ?.vmdk"));
        assert_eq!(lost_characters(r"\\?\C:\a.vhdx"), None);
        assert_eq!(lost_characters(r"\\?\C:\?.vhdx").as_deref(), Some(r"\\?\C:\?.vhdx"));
    }

    #[test]
    fn a_guessed_letter_may_be_one_or_half_a_letter() {
        assert_eq!(
            guesses("[d] \u{e4}\u{f6}.vmdk"),
            BTreeSet::from(["[d] ??.vmdk".to_owned(), "[d] ?.vmdk".to_owned()])
        );
        assert_eq!(guesses("[d] \u{e4}.vmdk"), BTreeSet::from(["[d] ?.vmdk".to_owned()]));
    }

    #[test]
    fn the_second_byte_of_a_guessed_letter_may_be_one_of_ascii() {
        for (encoding, name) in [
            (SHIFT_JIS, "\u{30c6}\u{30b9}\u{30c8}"),
            (SHIFT_JIS, "\u{8868}"),
            (BIG5, "\u{529f}\u{80fd}\u{8a31}\u{53ef}"),
            (GBK, "\u{73a5}\u{579a}"),
        ] {
            let path = format!("[d] {name}/{name}.vmdk");
            let (bytes, ..) = encoding.encode(&path);
            let (read, _) = WINDOWS_1252.decode_without_bom_handling(&bytes);
            let letters = "?".repeat(name.chars().count());
            let wanted = format!("[d] {letters}/{letters}.vmdk");
            assert!(guesses(&read).contains(&wanted), "{name}: {:?}", guesses(&read));
        }
    }
}
