//! Own: who owns what, by walking references from every registration and every configuration on disk.

mod listing;
mod registered;
mod since;
mod unregistered;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashSet};
use uuid::Uuid;

pub(crate) use self::{
    listing::best_listing, registered::registered, since::Since, unregistered::add_unregistered, walk::walk_all,
};
use super::{
    checkpoints::Checkpoints,
    companions::{self, Standing},
    files::{Files, NodeId},
    resolve::{Edge, References, Resolver, Target},
    sources::Sources,
};
use crate::{
    catalogue::Catalogue,
    evidence::VmEvidence,
    inventory::{Inventory, RegisteredObject},
    kind::{Kind, Platform, Role},
    path::fold,
    report::model::{Owner, OwnerKind},
};

/// How a walk came to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Via {
    /// An inventory lists the file; the text says where.
    Listed {
        /// Inventory and row.
        source: String,
        /// What for.
        role: Role,
    },
    /// Over a reference or naming rule, by its place in the list.
    Edge(usize),
    /// The configuration names a disk of this path under a label that no inventory knows: the file and key that do.
    OldLabel(NodeId, String),
    /// A naming rule around a registered configuration that is not there.
    BesideGhost,
    /// It carries the id of the VM, inside or in its name.
    ById,
    /// It is the configuration itself.
    Itself,
}

/// A file that should be there and is not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Missing {
    /// Root.
    pub(crate) root: usize,
    /// Path below it.
    pub(crate) path: Vec<u8>,
    /// What for.
    pub(crate) role: Role,
}

/// A VM, registered or found on disk.
#[derive(Debug, Clone)]
pub(crate) struct OwnerVm {
    /// Stable id.
    pub(crate) id: String,
    /// Name.
    pub(crate) name: String,
    /// Platform.
    pub(crate) platform: Platform,
    /// Its rows: inventory and place in it. Empty for a VM that no inventory registers.
    pub(crate) rows: Vec<(usize, usize)>,
    /// Clusters that list it although no row does: inventory and place in its cluster list.
    pub(crate) cluster_rows: Vec<(usize, usize)>,
    /// Its configuration on disk.
    pub(crate) config: Option<NodeId>,
    /// The registered configuration is missing here.
    pub(crate) ghost: Option<(usize, Vec<u8>)>,
    /// The configuration was found by the VM's id at another place than registered.
    pub(crate) moved: bool,
    /// Further configurations with that id: any of them may be the one that was moved.
    pub(crate) perhaps: Vec<NodeId>,
    /// The registered configuration lies outside the scan.
    pub(crate) config_outside: bool,
    /// Where each of its files was met first.
    pub(crate) files: BTreeMap<NodeId, Via>,
    /// Listed or referenced files that are not there.
    pub(crate) missing: BTreeSet<Missing>,
    /// Listed or referenced files in places of a root that were not looked at.
    pub(crate) unread: BTreeSet<(usize, Vec<u8>)>,
    /// Listed or referenced disks and configurations that lie outside the scan, as written.
    pub(crate) outside: BTreeSet<(Role, String)>,
    /// Another VM with the same id is registered elsewhere: this is a copy of it.
    pub(crate) copy_of: Option<usize>,
    /// Its configuration is XML of a time before an upgrade: the one that replaced it lies beside it.
    pub(crate) superseded: bool,
    /// A newer export of the same source does not list it.
    pub(crate) unlisted_since: Option<Since>,
}

impl OwnerVm {
    /// True when an inventory registers it.
    pub(crate) fn is_registered(&self) -> bool {
        !self.rows.is_empty() || !self.cluster_rows.is_empty()
    }

    /// As the report names it.
    pub(crate) fn owner(&self) -> Owner {
        Owner {
            kind: OwnerKind::Vm,
            id: self.id.clone(),
            name: self.name.clone(),
        }
    }

    /// Its configuration on disk, or all that may be it.
    pub(crate) fn configs(&self) -> impl Iterator<Item = NodeId> {
        self.config.into_iter().chain(self.perhaps.iter().copied())
    }
}

/// An object of a service with its files.
#[derive(Debug, Clone)]
pub(crate) struct OwnerObject {
    /// Inventory and place in its list.
    pub(crate) row: (usize, usize),
    /// Its files and how each was met.
    pub(crate) files: BTreeMap<NodeId, Via>,
    /// Its file is missing here.
    pub(crate) missing: Option<(usize, Vec<u8>)>,
}

/// All owners.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    /// VMs, registered ones first.
    pub(crate) vms: Vec<OwnerVm>,
    /// Objects of services.
    pub(crate) objects: Vec<OwnerObject>,
    /// Roots that each inventory registers a file on.
    pub(crate) touched: BTreeSet<(usize, usize)>,
    /// For each file the VMs that reach it.
    pub(crate) vms_of: VmsOf,
    /// For each file the objects that reach it.
    pub(crate) objects_of: HashMap<NodeId, Vec<usize>>,
    /// What services list: class and id in lower case.
    pub(crate) claims: HashSet<(String, String)>,
    /// Volumes and First Class Disks by their ids of which no list tells a file that is there: inventory and place in its list.
    pub(crate) placeless_disks: HashMap<Uuid, (usize, usize)>,
    /// Pairs of inventories of which the second registers every VM that the first registers: exports of one vCenter.
    pub(crate) same_source: HashSet<(usize, usize)>,
    /// Classes of the objects that each inventory lists.
    pub(crate) listed_classes: HashSet<(usize, String)>,
    /// Files that may be what a service lists at a place that nothing ties to a root: inventory and place in its list.
    pub(crate) perhaps_claimed: BTreeMap<NodeId, (usize, usize)>,
    /// Objects that are a folder below which other objects are listed: a content library whose items are told.
    pub(crate) folders_told: HashSet<usize>,
    /// Files that an inventory lists and that are not there, for extents without descriptor.
    pub(crate) missing_disks: BTreeSet<(usize, Vec<u8>)>,
}

/// For each file the VMs that reach it, in one list: nearly every file of a site has one, and few have more.
#[derive(Debug, Default)]
pub(crate) struct VmsOf {
    /// Where the VMs of each file begin in the list, and behind the last file where they end.
    starts: Vec<usize>,
    vms: Vec<usize>,
}

impl VmsOf {
    /// From the files that each VM reaches.
    fn new(files: usize, vms: &[OwnerVm]) -> Self {
        let mut starts = vec![0; files + 1];
        for &node in vms.iter().flat_map(|vm| vm.files.keys()) {
            starts[node + 1] += 1;
        }
        for node in 0..files {
            starts[node + 1] += starts[node];
        }
        let mut next = starts.clone();
        let mut of_files = vec![0; starts[files]];
        for (index, vm) in vms.iter().enumerate() {
            for &node in vm.files.keys() {
                of_files[next[node]] = index;
                next[node] += 1;
            }
        }
        Self { starts, vms: of_files }
    }

    /// The VMs that reach a file, where there are any.
    pub(crate) fn get(&self, node: NodeId) -> Option<&[usize]> {
        let vms = self.vms.get(*self.starts.get(node)?..*self.starts.get(node + 1)?)?;
        (!vms.is_empty()).then_some(vms)
    }

    /// True where a VM reaches a file.
    pub(crate) fn contains_key(&self, node: NodeId) -> bool {
        self.get(node).is_some()
    }
}

impl Owners {
    /// The row of a service object.
    pub(crate) fn listed<'a>(&self, world: World<'a>, object: usize) -> &'a RegisteredObject {
        let (inventory, row) = self.objects[object].row;
        &world.inventories[inventory].objects[row]
    }
}

/// Everything that the walk reads.
#[derive(Clone, Copy)]
pub(crate) struct World<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) files: &'a Files<'a>,
    pub(crate) inventories: &'a [Inventory],
    pub(crate) sources: &'a Sources,
    pub(crate) resolver: &'a Resolver<'a>,
    /// Configurations of checkpoints.
    pub(crate) checkpoints: &'a Checkpoints,
    /// State of Hyper-V without a configuration beside it, by the id in its name.
    pub(crate) lone_states: &'a HashMap<Uuid, Vec<NodeId>>,
}

/// The evidence of a VM configuration.
pub(crate) fn vm_evidence<'a>(files: &Files<'a>, node: NodeId) -> Option<&'a VmEvidence> {
    files.nodes[node].evidence()?.vm.as_deref()
}

/// True for the registration list of a Hyper-V host (`data.vmcx`), wherever a copy of it lies.
pub(crate) fn is_host_store(files: &Files<'_>, node: NodeId) -> bool {
    let file = files.nodes[node];
    file.kind() == Kind::Vmcx
        && file.evidence().is_some_and(|evidence| {
            evidence.vm.is_none()
                && evidence
                    .references
                    .iter()
                    .any(|reference| reference.role == Role::Config)
        })
}

/// Folder in which a host or cluster keeps copies of the configurations of its VMs, folded.
const CACHE_FOLDER: &str = "virtual machines cache";

/// True for a copy of a configuration in the cache of a host.
pub(crate) fn is_cached(files: &Files<'_>, node: NodeId) -> bool {
    if files.name(node).strip_suffix(".vmcx").is_none() {
        return false;
    }
    let folder = files.nodes[node].entry.path.folder();
    let above = fold(&String::from_utf8_lossy(folder.name()));
    above == CACHE_FOLDER
}

/// The ids of the configurations that caches of hosts hold, each with its file, which is named after it.
pub(crate) fn cached_ids(files: &Files<'_>) -> BTreeMap<Uuid, NodeId> {
    let cached = (0..files.nodes.len()).filter(|&node| is_cached(files, node));
    let with_id = |node: NodeId| {
        let stem = files.name(node).strip_suffix(".vmcx")?;
        Some((Uuid::try_parse(stem).ok()?, node))
    };
    cached.filter_map(with_id).collect()
}

/// Configurations that stand for a VM of their own: no checkpoint, no backup copy, nothing that a system rule takes.
pub(crate) fn configurations(files: &Files<'_>, is_system: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
    (0..files.nodes.len())
        .filter(|&node| companions::is_live_config(files, node) && !is_system(node) && !is_host_store(files, node))
        .filter(|&node| vm_evidence(files, node).is_none_or(|vm| vm.checkpoint_of.is_none()))
        .collect()
}

impl OwnerVm {
    fn new(id: String, name: String, platform: Platform) -> Self {
        Self {
            id,
            name,
            platform,
            rows: Vec::new(),
            cluster_rows: Vec::new(),
            config: None,
            ghost: None,
            moved: false,
            perhaps: Vec::new(),
            config_outside: false,
            files: BTreeMap::new(),
            missing: BTreeSet::new(),
            unread: BTreeSet::new(),
            outside: BTreeSet::new(),
            copy_of: None,
            superseded: false,
            unlisted_since: None,
        }
    }
}

/// The ids that the rows of a VM give it.
fn listed_ids(world: World<'_>, vm: &OwnerVm) -> BTreeSet<Uuid> {
    let rows = vm
        .rows
        .iter()
        .map(|&(inventory, row)| &world.inventories[inventory].vms[row]);
    rows.flat_map(|row| [row.instance_id, row.bios_id]).flatten().collect()
}

/// True for a VM to which a row gives an id.
pub(crate) fn has_id(world: World<'_>, vm: &OwnerVm) -> bool {
    !listed_ids(world, vm).is_empty()
}

/// The ids that inventories and clusters give a VM.
fn ids_of(world: World<'_>, vm: &OwnerVm) -> BTreeSet<Uuid> {
    let of_cluster = vm.cluster_rows.iter();
    let of_cluster = of_cluster.map(|&(inventory, row)| world.inventories[inventory].cluster_vms[row].id);
    listed_ids(world, vm).into_iter().chain(of_cluster).collect()
}

/// Which configurations are registered, and which of VMs that every inventory which lists them says are off.
pub(crate) fn standing(world: World<'_>, owners: &Owners) -> Standing {
    let configs = |vms: &mut dyn Iterator<Item = &OwnerVm>| vms.flat_map(OwnerVm::configs).collect();
    Standing {
        registered: configs(&mut owners.vms.iter()),
        powered_off: configs(&mut owners.vms.iter().filter(|vm| is_off(world, vm))),
        volumes: volumes(world),
    }
}

/// The files that lists of First Class Disks and of volumes name.
fn volumes(world: World<'_>) -> BTreeSet<NodeId> {
    let inventories = world.inventories.iter().enumerate();
    let objects =
        inventories.flat_map(|(index, inventory)| inventory.objects.iter().map(move |object| (index, object)));
    let volumes = objects.filter(|(_, object)| is_volume(object) && !object.folder);
    let places = volumes.filter_map(|(inventory, object)| {
        let path = object.path.as_deref()?;
        match world.resolver.listed(inventory, None, path) {
            Target::Files(files) => Some(files),
            _ => None,
        }
    });
    places.flatten().map(|(node, _)| node).collect()
}

/// True for a First Class Disk, or a volume of CNS or of Kubernetes.
fn is_volume(object: &RegisteredObject) -> bool {
    ["fcd", "cns-volume", "kubernetes-volume"].contains(&object.class.as_str())
}

/// Name of the snapshot that CloudStack takes of each template VM on primary storage, from which it clones (its
/// `VmwareStorageManagerImpl`).
const CLOUDSTACK_TEMPLATE: &str = "cloud.template.base";

/// V34: a template VM of CloudStack on which no disk of another VM on the scanned roots depends.
pub(crate) fn is_unused_template(world: World<'_>, references: &References, vm: &OwnerVm) -> bool {
    let snapshots = |&node: &NodeId| {
        world.files.nodes[node]
            .evidence()
            .map_or(&[][..], |found| &found.snapshots)
    };
    let mut snapshots = vm.files.keys().flat_map(snapshots);
    let is_needed = |&node: &NodeId| {
        let mut children = references.into(node).filter(|edge| edge.role == Role::Parent);
        children.any(|edge| !vm.files.contains_key(&edge.from))
    };
    vm.platform == Platform::Vmware
        && snapshots.any(|snapshot| snapshot.name.as_deref() == Some(CLOUDSTACK_TEMPLATE))
        && !vm.files.keys().any(is_needed)
}

/// V27: a replica of linked or instant clones, by the name that Horizon gives it, on which no disk of another VM on the
/// scanned roots depends.
pub(crate) fn is_unused_replica(world: World<'_>, references: &References, vm: &OwnerVm) -> bool {
    let name = fold(&vm.name);
    let is_replica = name.starts_with("cp-replica-") || name.starts_with("replica-");
    let disks = || {
        let is_disk = |node: &&NodeId| world.files.nodes[**node].kind().is_disk();
        vm.files.keys().filter(is_disk)
    };
    let is_needed = |&node: &NodeId| {
        let mut children = references.into(node).filter(|edge| edge.role == Role::Parent);
        children.any(|edge| !vm.files.contains_key(&edge.from))
    };
    vm.platform == Platform::Vmware && is_replica && disks().next().is_some() && !disks().any(is_needed)
}

/// True for a VM that every inventory which lists it says is off.
pub(crate) fn is_off(world: World<'_>, vm: &OwnerVm) -> bool {
    !vm.rows.is_empty()
        && vm.rows.iter().all(|&(inventory, row)| {
            let state = world.inventories[inventory].vms[row].state.as_deref().map(fold);
            matches!(state.as_deref(), Some("poweredoff" | "off"))
        })
}

/// Roots on which a VM has files, or should have them.
pub(crate) fn roots_of(world: World<'_>, vm: &OwnerVm) -> BTreeSet<usize> {
    let found = vm.files.keys().map(|&node| world.files.nodes[node].entry.root);
    found
        .chain(vm.missing.iter().map(|missing| missing.root))
        .chain(vm.ghost.iter().map(|(root, _)| *root))
        .collect()
}

/// Where a VM of Hyper-V keeps its state and the disks of its checkpoints: beside its disks, and in the folders that its
/// rows name. `None` where a row names none, or one whose place is not known.
pub(crate) fn roots_of_state(world: World<'_>, vm: &OwnerVm) -> Option<BTreeSet<usize>> {
    let mut roots = roots_of(world, vm);
    if !vm.outside.is_empty() {
        return None;
    }
    for &(inventory, row) in &vm.rows {
        let row = &world.inventories[inventory].vms[row];
        if row.folders.is_empty() {
            return None;
        }
        for folder in &row.folders {
            match world.resolver.listed(inventory, row.host.as_deref(), folder) {
                Target::Missing { root, .. } | Target::Unread { root, .. } => drop(roots.insert(root)),
                Target::Files(_) | Target::Outside | Target::NotAFile => return None,
            }
        }
    }
    Some(roots)
}

/// True for edges that ownership follows.
pub(crate) fn is_owning(files: &Files<'_>, edge: &Edge) -> bool {
    !matches!(edge.role, Role::Clone | Role::Folder | Role::Config)
        && !matches!(
            files.nodes[edge.from].kind(),
            Kind::DatastoreSystem | Kind::VmLog | Kind::VmLock
        )
}

/// True where a child lies in another folder than its parent and is no checkpoint: a clone on a shared parent (V25, H-C6).
pub(crate) fn is_clone_edge(files: &Files<'_>, edge: &Edge) -> bool {
    let (child, parent) = (files.nodes[edge.from], files.nodes[edge.to]);
    let is_elsewhere = child.entry.root != parent.entry.root || child.folder() != parent.folder();
    is_elsewhere && !matches!(child.kind(), Kind::Avhd | Kind::Avhdx)
}
