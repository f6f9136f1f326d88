//! Traces: what exports and old bytes say of whose a file is or was, without making it anybody's.
//!
//! An access list that was saved with `icacls /save` names the VMs that have rights on a file (S: Hyper-V grants each file
//! of a VM to the VM). Such a right may be stale, for a copy keeps it and a detached disk may: it attributes a file, and
//! where it names a VM that is registered it is a reason for care. The same holds of the paths that an earlier state of a
//! configuration named. A disk whose list names no VM was perhaps never one of a VM. A list of compute systems says which ids a host runs.
//!
//! Names in a saved list count from the folder that it was made of, which it does not say. Where the names of one list fit
//! the files of a root from one folder better than from any other, that folder is taken; otherwise a name counts only
//! when a single file has it.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use uuid::Uuid;

use super::{
    files::{Files, NodeId},
    own::{self, Owners, World},
    resolve::Target,
};
use crate::{
    inventory::{ComputeSystem, Inventory},
    kind::Platform,
    path::{Parsed, fold, parse},
};

/// A VM that a trace names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Grant {
    /// Id of the VM.
    pub(crate) vm: Uuid,
    /// Where the export says so.
    pub(crate) source: String,
}

/// A configuration that named a file earlier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Former {
    /// The configuration.
    pub(crate) config: NodeId,
    /// Key that held the path.
    pub(crate) key: String,
    /// Where in the configuration, bytes from its start.
    pub(crate) offset: u64,
}

/// All traces.
#[derive(Debug, Default)]
pub(crate) struct Traces<'a> {
    /// For each file the VMs that its access list names.
    pub(crate) granted: BTreeMap<NodeId, BTreeSet<Grant>>,
    /// Where it is said of a disk that its access list names no VM.
    pub(crate) ungranted: BTreeMap<NodeId, String>,
    /// For each file the configurations that named it earlier.
    pub(crate) former: BTreeMap<NodeId, BTreeSet<Former>>,
    /// Compute systems by their ids, with the inventory that lists each.
    pub(crate) systems: BTreeMap<&'a str, (&'a Inventory, &'a ComputeSystem)>,
    /// VMs by their ids, a registered one before another.
    vms: BTreeMap<Uuid, usize>,
}

impl<'a> Traces<'a> {
    /// Collects them.
    pub(crate) fn new(world: World<'a>, owners: &Owners) -> Self {
        let (granted, ungranted) = access_lists(world);
        Self {
            granted,
            ungranted,
            former: former(world),
            systems: systems(world.inventories),
            vms: vms_by_id(world, owners),
        }
    }

    /// The VM of an id, registered or found on disk.
    pub(crate) fn vm(&self, id: Uuid) -> Option<usize> {
        self.vms.get(&id).copied()
    }
}

fn systems<'a>(inventories: &'a [Inventory]) -> BTreeMap<&'a str, (&'a Inventory, &'a ComputeSystem)> {
    let listed = |inventory: &'a Inventory| {
        let systems = inventory.observations.compute_systems.iter();
        systems.map(move |system| (system.id.as_str(), (inventory, system)))
    };
    inventories.iter().flat_map(listed).collect()
}

fn vms_by_id(world: World<'_>, owners: &Owners) -> BTreeMap<Uuid, usize> {
    let mut vms = BTreeMap::new();
    for (index, vm) in owners.vms.iter().enumerate() {
        if vm.platform != Platform::Hyperv {
            continue;
        }
        let rows = vm.rows.iter();
        let of_rows = rows.filter_map(|&(inventory, row)| world.inventories[inventory].vms[row].instance_id);
        let of_cluster = vm.cluster_rows.iter();
        let of_cluster = of_cluster.map(|&(inventory, row)| world.inventories[inventory].cluster_vms[row].id);
        let config = vm.config.and_then(|config| own::vm_evidence(world.files, config));
        let of_config = config.and_then(|evidence| evidence.instance_id);
        for id in of_rows.chain(of_cluster).chain(of_config) {
            vms.entry(id).or_insert(index);
        }
    }
    vms
}

/// What earlier states of configurations named and nothing of theirs names now.
fn former(world: World<'_>) -> BTreeMap<NodeId, BTreeSet<Former>> {
    let mut found: BTreeMap<NodeId, BTreeSet<Former>> = BTreeMap::new();
    for config in 0..world.files.nodes.len() {
        let Some(evidence) = own::vm_evidence(world.files, config) else {
            continue;
        };
        for previous in &evidence.previous_paths {
            let Target::Files(files) = world.resolver.written_in(config, &previous.target) else {
                continue;
            };
            for (node, _) in files {
                found.entry(node).or_default().insert(Former {
                    config,
                    key: previous.key.clone(),
                    offset: previous.offset,
                });
            }
        }
    }
    found
}

/// Where the names of a saved list count from: a folder of a root, or this many folders above its top.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Base {
    Folder(usize, Vec<String>),
    Above(usize, usize),
}

/// Files by their folded names.
struct Names<'a> {
    files: &'a Files<'a>,
    nodes: HashMap<&'a str, Vec<NodeId>>,
}

impl<'a> Names<'a> {
    fn new(files: &'a Files<'a>) -> Self {
        let mut nodes: HashMap<&str, Vec<NodeId>> = HashMap::default();
        for (node, file) in files.nodes.iter().enumerate() {
            if file.artifact.is_some() {
                nodes.entry(files.name(node)).or_default().push(node);
            }
        }
        Self { files, nodes }
    }

    /// The files that a relative path may mean, each with the folder from which it would.
    fn fitting(&self, parts: &[String]) -> Vec<(NodeId, Base)> {
        let named = parts.last().and_then(|name| self.nodes.get(name.as_str()));
        let base = |&node: &NodeId| {
            let entry = self.files.nodes[node].entry;
            let own: Vec<String> = entry
                .path
                .parts()
                .map(|part| fold(&String::from_utf8_lossy(part)))
                .collect();
            let base = match own.strip_suffix(parts) {
                Some(folder) => Base::Folder(entry.root, folder.to_vec()),
                None if own.len() > 1 && parts.ends_with(&own) => Base::Above(entry.root, parts.len() - own.len()),
                None => return None,
            };
            Some((node, base))
        };
        named.into_iter().flatten().filter_map(base).collect()
    }
}

/// A line of a saved list: a file, and a VM that has rights on it or none.
#[derive(Clone, Copy)]
struct Line<'a> {
    path: &'a str,
    row: &'a str,
    vm: Option<Uuid>,
}

/// The lines of the saved lists of an inventory, by list.
fn lists(inventory: &Inventory) -> BTreeMap<&str, Vec<Line<'_>>> {
    let seen = &inventory.observations;
    let granted = seen.grants.iter().map(|grant| Line {
        path: &grant.path,
        row: &grant.row,
        vm: Some(grant.vm),
    });
    let ungranted = seen.ungranted.iter().map(|disk| Line {
        path: &disk.path,
        row: &disk.row,
        vm: None,
    });
    let mut lists: BTreeMap<&str, Vec<Line<'_>>> = BTreeMap::new();
    for line in granted.chain(ungranted) {
        let list = line.row.rsplit_once(": ").map_or(line.row, |(list, _)| list);
        lists.entry(list).or_default().push(line);
    }
    lists
}

/// The VMs that access lists name, and the disks whose list names none.
fn access_lists(world: World<'_>) -> (BTreeMap<NodeId, BTreeSet<Grant>>, BTreeMap<NodeId, String>) {
    let mut granted: BTreeMap<NodeId, BTreeSet<Grant>> = BTreeMap::new();
    let mut ungranted = BTreeMap::new();
    let mut names = None;
    for (index, inventory) in world.inventories.iter().enumerate() {
        for lines in lists(inventory).into_values() {
            let names = names.get_or_insert_with(|| Names::new(world.files));
            for (node, line) in of_list(world, index, names, &lines) {
                let source = format!("{}, {}", inventory.source, line.row);
                if let Some(vm) = line.vm {
                    granted.entry(node).or_default().insert(Grant { vm, source });
                } else {
                    ungranted.entry(node).or_insert(source);
                }
            }
        }
    }
    (granted, ungranted)
}

/// The files that the names of one list mean.
fn of_list<'l>(world: World<'_>, inventory: usize, names: &Names<'_>, lines: &[Line<'l>]) -> Vec<(NodeId, Line<'l>)> {
    let mut found = Vec::new();
    let mut open = Vec::new();
    for &line in lines {
        if let Parsed::Path(path) = parse(line.path)
            && path.mount.is_some()
        {
            if let Target::Files(files) = world.resolver.listed(inventory, None, line.path) {
                found.extend(files.into_iter().map(|(node, _)| (node, line)));
            }
            continue;
        }
        let parts = line
            .path
            .split(['\\', '/'])
            .filter(|part| !part.is_empty() && *part != ".");
        let parts: Vec<String> = parts.map(fold).collect();
        open.push((line, names.fitting(&parts)));
    }
    let base = best_base(&open);
    for (line, fitting) in open {
        let of_base = base.as_ref().and_then(|base| fitting.iter().find(|(_, of)| of == base));
        let only = fitting.first().filter(|_| base.is_none() && fitting.len() == 1);
        found.extend(of_base.or(only).map(|(node, _)| (*node, line)));
    }
    found
}

/// The folder from which most names of a list fit, if there is one.
fn best_base(open: &[(Line<'_>, Vec<(NodeId, Base)>)]) -> Option<Base> {
    let mut votes: BTreeMap<&Base, BTreeSet<NodeId>> = BTreeMap::new();
    for (node, base) in open.iter().flat_map(|(_, fitting)| fitting) {
        votes.entry(base).or_default().insert(*node);
    }
    let most = votes.values().map(BTreeSet::len).max()?;
    let mut best = votes.iter().filter(|(_, nodes)| nodes.len() == most);
    let (first, _) = best.next()?;
    best.next().is_none().then(|| (*first).clone())
}
