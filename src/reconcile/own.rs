//! Own: who owns what, by walking references from every registration and every configuration on disk.

use std::{
    cell::LazyCell,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    ops::Bound,
};

use uuid::Uuid;

use super::{
    bearers::Bearers,
    checkpoints::Checkpoints,
    companions::{self, Standing},
    files::{Files, NodeId},
    resolve::{References, Resolver, Target},
};
use crate::{
    catalogue::Catalogue,
    evidence::{Reference, VmEvidence},
    inventory::{Inventory, Listing, RegisteredObject, Registration},
    kind::{Kind, Platform, Role},
    path::{Parsed, fold, parse},
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
}

impl OwnerVm {
    /// True when an inventory registers it.
    pub(crate) fn is_registered(&self) -> bool {
        !self.rows.is_empty() || !self.cluster_rows.is_empty()
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
    pub(crate) vms_of: HashMap<NodeId, Vec<usize>>,
    /// For each file the objects that reach it.
    pub(crate) objects_of: HashMap<NodeId, Vec<usize>>,
    /// What services list: class and id in lower case.
    pub(crate) claims: HashSet<(String, String)>,
    /// Classes of the objects that each inventory lists.
    pub(crate) listed_classes: HashSet<(usize, String)>,
    /// Files that may be what a service lists at a place that nothing ties to a root: inventory and place in its list.
    pub(crate) perhaps_claimed: BTreeMap<NodeId, (usize, usize)>,
    /// Objects that are a folder below which other objects are listed: a content library whose items are told.
    pub(crate) folders_told: HashSet<usize>,
    /// Files that an inventory lists and that are not there, for extents without descriptor.
    pub(crate) missing_disks: BTreeSet<(usize, Vec<u8>)>,
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
    pub(crate) resolver: &'a Resolver<'a>,
    /// Configurations of checkpoints.
    pub(crate) checkpoints: &'a Checkpoints,
    /// State of Hyper-V without a configuration beside it, by the id in its name.
    pub(crate) lone_states: &'a HashMap<Uuid, Vec<NodeId>>,
}

/// The evidence of a VM configuration.
pub(crate) fn vm_evidence<'a>(files: &Files<'a>, node: NodeId) -> Option<&'a VmEvidence> {
    files.nodes[node].evidence()?.vm.as_ref()
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
    let folder = files.nodes[node].entry.path.folder();
    let above = fold(&String::from_utf8_lossy(folder.name()));
    above == CACHE_FOLDER && files.name(node).strip_suffix(".vmcx").is_some()
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

/// The registered VMs, one for each VM however many inventories list it; files are walked later.
pub(crate) fn registered(world: World<'_>, configs: &[NodeId]) -> Owners {
    let mut owners = Owners::default();
    let mut by_config: HashMap<NodeId, usize> = HashMap::new();
    let mut by_id: HashMap<(Platform, Uuid), usize> = HashMap::new();
    for (inventory_index, inventory) in world.inventories.iter().enumerate() {
        for (row, vm) in inventory.vms.iter().enumerate() {
            let target = vm
                .config
                .as_deref()
                .map(|path| world.resolver.listed(inventory_index, vm.host.as_deref(), path));
            let config = match &target {
                Some(Target::Files(files)) => files.first().map(|&(node, _)| node),
                _ => None,
            };
            let known = config.and_then(|config| by_config.get(&config)).copied().or_else(|| {
                let known = *by_id.get(&(inventory.platform, vm.instance_id?))?;
                let other = owners.vms[known].config;
                (config.is_none() || other.is_none() || config == other).then_some(known)
            });
            let index = known.unwrap_or_else(|| {
                owners.vms.push(new_registered(inventory, inventory_index, vm, row));
                owners.vms.len() - 1
            });
            owners.vms[index].rows.push((inventory_index, row));
            note_config(&mut owners, index, inventory_index, target, config);
            if let Some(config) = config {
                by_config.insert(config, index);
            }
            if let Some(id) = vm.instance_id {
                by_id.entry((inventory.platform, id)).or_insert(index);
            }
        }
    }
    let bearers = Bearers::new(world.files, configs);
    add_cluster_vms(world, &mut owners, &bearers, &by_id);
    find_moved(world, &mut owners, configs, &bearers);
    for vm in &mut owners.vms {
        take_own_name(world, vm);
    }
    owners
}

/// A VM whose inventory has no name for it but that of its configuration file bears the name in that file (V63).
fn take_own_name(world: World<'_>, vm: &mut OwnerVm) {
    let Some(config) = vm.config else { return };
    let file = world.files.name(config);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let own = vm_evidence(world.files, config).and_then(|evidence| evidence.name.clone());
    // vCenter calls a VM by the path of its configuration when it has lost the storage under it.
    let is_path = matches!(parse(&vm.name), Parsed::Path(path) if path.mount.is_some())
        && [".vmx", ".vmtx"].iter().any(|end| fold(&vm.name).ends_with(end));
    if (is_path || fold(&vm.name) == stem)
        && let Some(own) = own.filter(|own| !own.is_empty())
    {
        vm.name = own;
    }
}

fn new_registered(inventory: &Inventory, inventory_index: usize, vm: &Registration, row: usize) -> OwnerVm {
    let id = vm
        .instance_id
        .map(|id| id.to_string())
        .or_else(|| vm.bios_id.map(|id| id.to_string()));
    let fallback = || {
        format!(
            "{}:{}",
            inventory.source,
            vm.moref
                .clone()
                .or_else(|| vm.config.clone())
                .unwrap_or_else(|| format!("{inventory_index}/{row}"))
        )
    };
    OwnerVm::new(id.unwrap_or_else(fallback), vm.name.clone(), inventory.platform)
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
        }
    }
}

fn note_config(owners: &mut Owners, index: usize, inventory: usize, target: Option<Target>, config: Option<NodeId>) {
    let vm = &mut owners.vms[index];
    vm.config = vm.config.or(config);
    match target {
        Some(Target::Missing { root, path }) => {
            vm.ghost = Some((root, path));
            owners.touched.insert((inventory, root));
        }
        Some(Target::Unread { root, path }) => {
            vm.config_outside = true;
            vm.unread.insert((root, path));
            owners.touched.insert((inventory, root));
        }
        Some(Target::Outside) => vm.config_outside = true,
        _ => {}
    }
}

/// VMs that a cluster lists and no node's export has (H-A2): registered all the same.
fn add_cluster_vms(world: World<'_>, owners: &mut Owners, bearers: &Bearers, by_id: &HashMap<(Platform, Uuid), usize>) {
    for (inventory_index, inventory) in world.inventories.iter().enumerate() {
        for (row, cluster_vm) in inventory.cluster_vms.iter().enumerate() {
            if by_id.contains_key(&(Platform::Hyperv, cluster_vm.id)) {
                continue;
            }
            let mut vm = OwnerVm::new(cluster_vm.id.to_string(), cluster_vm.name.clone(), Platform::Hyperv);
            vm.cluster_rows.push((inventory_index, row));
            let registered = cluster_vm.root.as_deref().map(|root| {
                let id = cluster_vm.id.to_string().to_uppercase();
                let path = format!(r"{}\Virtual Machines\{id}.vmcx", root.trim_end_matches('\\'));
                world.resolver.listed(inventory_index, None, &path)
            });
            let at_root = match registered {
                Some(Target::Files(files)) => files.first().map(|&(node, _)| node),
                _ => None,
            };
            // An export of the VM has its id as well; without its place each of them may be the VM's own.
            let mut fitting = bearers.of_instance([&cluster_vm.id]).into_iter();
            vm.config = at_root.or_else(|| fitting.next());
            vm.perhaps = fitting.filter(|_| at_root.is_none()).collect();
            owners.vms.push(vm);
        }
    }
}

/// A registered configuration that is not where it should be. A backup copy beside its place stands for it (V3, V54).
/// A file with the VM's id elsewhere means that the VM was moved since the inventory; where several have it, each may be
/// the one that is needed (V7, H-A11).
fn find_moved(world: World<'_>, owners: &mut Owners, configs: &[NodeId], bearers: &Bearers) {
    let naming = LazyCell::new(|| configs_naming(world, configs));
    let claimed: BTreeSet<NodeId> = owners.vms.iter().filter_map(|vm| vm.config).collect();
    for vm in &mut owners.vms {
        if vm.config.is_some() {
            continue;
        }
        let Some((root, path)) = &vm.ghost else {
            vm.config = behind_unknown_mount(world, vm, bearers, &claimed);
            if vm.config.is_none() {
                find_unplaced(world, vm, bearers, &naming, &claimed);
            }
            continue;
        };
        let copy = companions::backup_of_config(world.files, *root, path);
        if let Some(copy) = copy.filter(|copy| configs.binary_search(copy).is_ok() && !claimed.contains(copy)) {
            vm.config = Some(copy);
            continue;
        }
        let with_id = bearers.of_any(&listed_ids(world, vm));
        let mut found = with_id.into_iter().filter(|node| !claimed.contains(node));
        if let Some(config) = found.next() {
            vm.config = Some(config);
            vm.perhaps = found.collect();
            vm.moved = true;
            vm.ghost = None;
        }
    }
}

/// H-A10: of a VM of Hyper-V no row tells where its configuration lies. What bears its id is its own, else what names a disk
/// that it lists; where several do, each may be the one.
fn find_unplaced(
    world: World<'_>,
    vm: &mut OwnerVm,
    bearers: &Bearers,
    naming: &HashMap<NodeId, Vec<NodeId>>,
    claimed: &BTreeSet<NodeId>,
) {
    let row = |&(inventory, row): &(usize, usize)| &world.inventories[inventory].vms[row];
    if vm.platform != Platform::Hyperv || vm.rows.iter().map(row).any(|row| row.config.is_some()) {
        return;
    }
    let ids = listed_ids(world, vm);
    let fitting = if ids.is_empty() {
        let disks = listed_disks(world, vm);
        disks
            .iter()
            .filter_map(|disk| naming.get(disk))
            .flatten()
            .copied()
            .collect()
    } else {
        bearers.of_instance(&ids)
    };
    let mut found = fitting.into_iter().filter(|node| !claimed.contains(node));
    vm.config = found.next();
    vm.perhaps = found.collect();
}

/// The disks that the rows of a VM list and that are there.
fn listed_disks(world: World<'_>, vm: &OwnerVm) -> BTreeSet<NodeId> {
    let mut disks = BTreeSet::new();
    for &(inventory, row) in &vm.rows {
        let row = &world.inventories[inventory].vms[row];
        for file in row.files.iter().filter(|file| file.role == Role::Disk) {
            if let Target::Files(files) = world.resolver.listed(inventory, row.host.as_deref(), &file.path) {
                disks.extend(files.into_iter().map(|(node, _)| node));
            }
        }
    }
    disks
}

/// The configurations that name each disk.
fn configs_naming(world: World<'_>, configs: &[NodeId]) -> HashMap<NodeId, Vec<NodeId>> {
    let mut naming: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
    for &config in configs {
        for disk in disks_named_by(world, config) {
            naming.entry(disk).or_default().push(config);
        }
    }
    naming
}

/// The disks that a configuration names and that are there.
fn disks_named_by(world: World<'_>, config: NodeId) -> impl Iterator<Item = NodeId> {
    let evidence = world.files.nodes[config].evidence();
    let references = evidence.into_iter().flat_map(|evidence| &evidence.references);
    let disks = references.filter(|reference| reference.role == Role::Disk);
    disks.flat_map(move |disk| match world.resolver.written_in(config, &disk.target) {
        Target::Files(files) => files.into_iter().map(|(node, _)| node).collect(),
        _ => Vec::new(),
    })
}

/// The ids that the rows of a VM give it.
fn listed_ids(world: World<'_>, vm: &OwnerVm) -> BTreeSet<Uuid> {
    let rows = vm
        .rows
        .iter()
        .map(|&(inventory, row)| &world.inventories[inventory].vms[row]);
    rows.flat_map(|row| [row.instance_id, row.bios_id]).flatten().collect()
}

/// A registered configuration under a mount that nobody tied to a root, such as a DFS name: the only file with the VM's
/// id whose whole path below its root ends the registered path (H-B2).
fn behind_unknown_mount(
    world: World<'_>,
    vm: &OwnerVm,
    bearers: &Bearers,
    claimed: &BTreeSet<NodeId>,
) -> Option<NodeId> {
    let registered: Vec<Vec<String>> = vm
        .rows
        .iter()
        .filter_map(|&(inventory, row)| world.inventories[inventory].vms[row].config.as_deref())
        .filter_map(|path| match parse(path) {
            Parsed::Path(path) => Some(path.parts.iter().map(|part| fold(part)).collect()),
            Parsed::NotAFile => None,
        })
        .collect();
    let fits = |node: &NodeId| {
        let parts = world.files.nodes[*node].entry.path.parts();
        let path: Vec<String> = parts.map(|part| fold(&String::from_utf8_lossy(part))).collect();
        registered.iter().any(|parts| parts.ends_with(&path))
    };
    let with_id = bearers.of_any(&ids_of(world, vm));
    let mut fitting = with_id.into_iter().filter(|node| !claimed.contains(node) && fits(node));
    let first = fitting.next();
    first.filter(|_| fitting.next().is_none())
}

/// Configurations on disk that no inventory registers, as VMs of their own.
pub(crate) fn add_unregistered(world: World<'_>, owners: &mut Owners, configs: &[NodeId]) {
    let claimed: BTreeSet<NodeId> = owners.vms.iter().flat_map(OwnerVm::configs).collect();
    let first_names: HashSet<NodeId> = claimed.iter().map(|&node| world.files.first_name[node]).collect();
    let registered = by_id(world, owners);
    for &node in configs.iter().filter(|node| !claimed.contains(node)) {
        if world.files.first_name[node] != node && first_names.contains(&world.files.first_name[node]) {
            continue;
        }
        let evidence = vm_evidence(world.files, node);
        let stem = String::from_utf8_lossy(world.files.nodes[node].entry.path.name()).into_owned();
        let stem = stem.rsplit_once('.').map_or(stem.clone(), |(stem, _)| stem.to_owned());
        let name = evidence
            .and_then(|vm| vm.name.clone())
            .filter(|name| !name.is_empty())
            .unwrap_or(stem);
        let ids = evidence.map_or([None, None], |vm| [vm.instance_id, vm.bios_id]);
        let platform = world.files.nodes[node].kind().platform().unwrap_or(Platform::Vmware);
        let root = &world.catalogue.roots[world.files.nodes[node].entry.root].path;
        let id = format!(
            "config:{}",
            root.join(world.files.nodes[node].entry.path.as_bytes()).lossy()
        );
        let mut vm = OwnerVm::new(id, name, platform);
        vm.config = Some(node);
        let known = ids
            .into_iter()
            .flatten()
            .filter_map(|id| registered.get(&(platform, id)));
        vm.copy_of = known.min().copied();
        vm.superseded = is_superseded(world.files, node);
        owners.vms.push(vm);
    }
}

/// H-E20: the XML of a VM beside its `.vmcx`.
fn is_superseded(files: &Files<'_>, config: NodeId) -> bool {
    let file = files.nodes[config];
    let Some(id) = files
        .name(config)
        .strip_suffix(".xml")
        .filter(|_| file.kind() == Kind::HypervXml)
    else {
        return false;
    };
    let newer = format!("{id}.vmcx");
    let beside = files.in_folder(file.entry.root, file.folder());
    beside
        .iter()
        .any(|&other| files.nodes[other].kind() == Kind::Vmcx && files.name(other) == newer)
}

/// The first registered VM of each id.
fn by_id(world: World<'_>, owners: &Owners) -> HashMap<(Platform, Uuid), usize> {
    let mut found = HashMap::new();
    for (index, vm) in owners.vms.iter().enumerate().filter(|(_, vm)| vm.is_registered()) {
        for id in ids_of(world, vm) {
            found.entry((vm.platform, id)).or_insert(index);
        }
    }
    found
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
    }
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

/// Walks from every owner.
pub(crate) fn walk_all(world: World<'_>, references: &References, owners: &mut Owners) {
    for index in 0..owners.vms.len() {
        let mut walk = Walk::new(world, references, owners.vms[index].clone());
        walk.start(&mut owners.touched, &mut owners.missing_disks);
        walk.run();
        walk.old_labels();
        walk.run();
        owners.vms[index] = walk.finish();
    }
    for (inventory_index, inventory) in world.inventories.iter().enumerate() {
        for (row, object) in inventory.objects.iter().enumerate() {
            owners.claims.insert((object.class.clone(), fold(&object.id)));
            owners.listed_classes.insert((inventory_index, object.class.clone()));
            let mut found = OwnerObject {
                row: (inventory_index, row),
                files: BTreeMap::new(),
                missing: None,
            };
            let Some(path) = &object.path else { continue };
            let source = format!("{}, {}", inventory.source, object.row);
            let place = world.resolver.listed(inventory_index, None, path);
            if place == Target::Outside {
                for node in world.files.at_end_of(path, object.folder) {
                    owners.perhaps_claimed.entry(node).or_insert((inventory_index, row));
                }
            } else if object.folder {
                found.files = folder_files(world, inventory_index, path, &source);
            } else {
                let mut walk = Walk::new(
                    world,
                    references,
                    OwnerVm::new(String::new(), String::new(), inventory.platform),
                );
                match place {
                    Target::Files(files) => files.into_iter().for_each(|(node, _)| {
                        walk.reach(
                            node,
                            Via::Listed {
                                source: source.clone(),
                                role: Role::Disk,
                            },
                        );
                    }),
                    Target::Missing { root, path } => {
                        for (node, _) in companions::parts_of_missing(world.files, root, &path) {
                            walk.reach(node, Via::BesideGhost);
                        }
                        found.missing = Some((root, path));
                    }
                    _ => {}
                }
                walk.run();
                found.files = walk.vm.files;
            }
            owners.objects.push(found);
        }
    }
    owners.folders_told = folders_told(world, owners);
    for (index, vm) in owners.vms.iter().enumerate() {
        for &node in vm.files.keys() {
            owners.vms_of.entry(node).or_default().push(index);
        }
    }
    for (index, object) in owners.objects.iter().enumerate() {
        for &node in object.files.keys() {
            owners.objects_of.entry(node).or_default().push(index);
        }
    }
}

/// The objects that are a folder in which the same inventory lists the folders of other objects.
fn folders_told(world: World<'_>, owners: &Owners) -> HashSet<usize> {
    let folder_of = |index: usize| {
        let listed = owners.listed(world, index);
        let path = listed.path.as_deref().filter(|_| listed.folder)?;
        Some((owners.objects[index].row.0, path.trim_end_matches('/').to_owned() + "/"))
    };
    let all: BTreeSet<(usize, String)> = (0..owners.objects.len()).filter_map(folder_of).collect();
    let has_more_below = |index: &usize| {
        let Some(folder) = folder_of(*index) else { return false };
        let next = all.range((Bound::Excluded(&folder), Bound::Unbounded)).next();
        next.is_some_and(|(inventory, path)| *inventory == folder.0 && path.starts_with(&folder.1))
    };
    (0..owners.objects.len()).filter(has_more_below).collect()
}

/// Every file below a folder that an inventory names.
fn folder_files(world: World<'_>, inventory: usize, folder: &str, source: &str) -> BTreeMap<NodeId, Via> {
    let mut files = BTreeMap::new();
    // The folder itself is no file: what it resolves to says where its files would be.
    if let Target::Missing { root, path } | Target::Unread { root, path } =
        world.resolver.listed(inventory, None, folder)
    {
        let prefix = [path.as_slice(), b"/"].concat();
        for (node, file) in world.files.nodes.iter().enumerate() {
            if file.entry.root == root
                && file.artifact.is_some()
                && (path.is_empty() || file.entry.path.as_bytes().starts_with(&prefix))
            {
                files.insert(
                    node,
                    Via::Listed {
                        source: source.to_owned(),
                        role: Role::Folder,
                    },
                );
            }
        }
    }
    files
}

/// True for edges that ownership follows.
pub(crate) fn is_owning(files: &Files<'_>, edge: &super::resolve::Edge) -> bool {
    !matches!(edge.role, Role::Clone | Role::Folder | Role::Config)
        && !matches!(
            files.nodes[edge.from].kind(),
            Kind::DatastoreSystem | Kind::VmLog | Kind::VmLock
        )
}

/// True where a child lies in another folder than its parent and is no checkpoint: a clone on a shared parent (V25, H-C6).
pub(crate) fn is_clone_edge(files: &Files<'_>, edge: &super::resolve::Edge) -> bool {
    let (child, parent) = (files.nodes[edge.from], files.nodes[edge.to]);
    let is_elsewhere = child.entry.root != parent.entry.root || child.folder() != parent.folder();
    is_elsewhere && !matches!(child.kind(), Kind::Avhd | Kind::Avhdx)
}

/// One walk from one owner.
struct Walk<'a> {
    world: World<'a>,
    references: &'a References,
    vm: OwnerVm,
    queue: VecDeque<NodeId>,
}

impl<'a> Walk<'a> {
    fn new(world: World<'a>, references: &'a References, vm: OwnerVm) -> Self {
        Self {
            world,
            references,
            vm,
            queue: VecDeque::new(),
        }
    }

    fn reach(&mut self, node: NodeId, via: Via) {
        if let std::collections::btree_map::Entry::Vacant(vacant) = self.vm.files.entry(node) {
            vacant.insert(via);
            self.queue.push_back(node);
        }
    }

    /// The configuration, everything that the rows list, and what lies beside a configuration that is gone.
    fn start(&mut self, touched: &mut BTreeSet<(usize, usize)>, missing_disks: &mut BTreeSet<(usize, Vec<u8>)>) {
        for config in self.vm.configs().collect::<Vec<_>>() {
            self.reach(config, Via::Itself);
        }
        for (inventory_index, row) in self.vm.rows.clone() {
            let inventory = &self.world.inventories[inventory_index];
            let vm = &inventory.vms[row];
            let source = format!("{}, {}", inventory.source, vm.row);
            let config = vm.config.iter().map(|path| (path.as_str(), Role::Config));
            for (path, role) in config.chain(vm.files.iter().map(|file| (file.path.as_str(), file.role))) {
                match self.world.resolver.listed(inventory_index, vm.host.as_deref(), path) {
                    Target::Files(files) => {
                        for (node, _) in files {
                            touched.insert((inventory_index, self.world.files.nodes[node].entry.root));
                            self.reach(
                                node,
                                Via::Listed {
                                    source: source.clone(),
                                    role,
                                },
                            );
                        }
                    }
                    Target::Missing { root, path } => {
                        touched.insert((inventory_index, root));
                        self.listed_missing(root, path, role, missing_disks);
                    }
                    Target::Unread { root, path: place } => {
                        touched.insert((inventory_index, root));
                        self.vm.unread.insert((root, place));
                        self.listed_outside(role, path);
                    }
                    Target::Outside => self.listed_outside(role, path),
                    Target::NotAFile => {}
                }
            }
        }
        if let Some((root, path)) = self.vm.ghost.clone() {
            self.beside_ghost(root, &path);
        }
        if self.vm.platform == Platform::Hyperv {
            self.checkpoints();
            self.lone_states();
        }
    }

    /// State that bears the id of this VM or of one of its checkpoints while the configuration of that id is not in the
    /// scan or not where it is registered: gone, unreadable or elsewhere (H-E3, H-E7).
    fn lone_states(&mut self) {
        let rows = self
            .vm
            .rows
            .iter()
            .map(|&(inventory, row)| &self.world.inventories[inventory].vms[row]);
        let of_cluster = self
            .vm
            .cluster_rows
            .iter()
            .map(|&(inventory, row)| self.world.inventories[inventory].cluster_vms[row].id);
        let own = rows.clone().filter_map(|row| row.instance_id).chain(of_cluster);
        let own = own.filter(|_| self.vm.config.is_none() || self.vm.moved);
        let checkpoints = rows.flat_map(|row| &row.checkpoints).map(|checkpoint| checkpoint.id);
        let ids: BTreeSet<Uuid> = own
            .chain(checkpoints.filter(|&id| !self.world.checkpoints.holds(id)))
            .collect();
        for &node in ids.iter().filter_map(|id| self.world.lone_states.get(id)).flatten() {
            self.reach(node, Via::ById);
        }
    }

    /// Configurations of checkpoints that carry the id of this VM, wherever its own configuration lies (H-E3).
    fn checkpoints(&mut self) {
        let ids: BTreeSet<Uuid> = self
            .vm
            .rows
            .iter()
            .filter_map(|&(inventory, row)| self.world.inventories[inventory].vms[row].instance_id)
            .collect();
        for checkpoint in ids.iter().flat_map(|&id| self.world.checkpoints.of(id)) {
            if !checkpoint.is_of_another(&self.vm) {
                self.reach(checkpoint.node, Via::ById);
            }
        }
    }

    fn listed_outside(&mut self, role: Role, path: &str) {
        if matches!(role, Role::Config | Role::Disk | Role::Extent) {
            self.vm.outside.insert((role, path.to_owned()));
        }
    }

    fn listed_missing(
        &mut self,
        root: usize,
        path: Vec<u8>,
        role: Role,
        missing_disks: &mut BTreeSet<(usize, Vec<u8>)>,
    ) {
        if companions::has_parts(role) {
            for (node, _) in companions::parts_of_missing(self.world.files, root, &path) {
                self.reach(node, Via::BesideGhost);
            }
        }
        if role == Role::Disk {
            missing_disks.insert((root, path.clone()));
        }
        if !(role.is_transient() || self.vm.moved && role == Role::Config) {
            self.vm.missing.insert(Missing { root, path, role });
        }
    }

    fn beside_ghost(&mut self, root: usize, path: &[u8]) {
        let split = path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        let name = fold(&String::from_utf8_lossy(&path[split..]));
        for (node, role) in companions::of_config(
            self.world.files,
            root,
            &path[..split.saturating_sub(1)],
            &name,
            Some(self.vm.platform),
        ) {
            if role != Role::Swap || !is_off(self.world, &self.vm) {
                self.reach(node, Via::BesideGhost);
            }
        }
    }

    fn run(&mut self) {
        while let Some(node) = self.queue.pop_front() {
            for &place in &self.references.from[node] {
                let edge = &self.references.edges[place];
                if is_owning(self.world.files, edge) {
                    self.reach(edge.to, Via::Edge(place));
                }
            }
        }
    }

    /// Adds what the files that were reached name in vain.
    fn finish(mut self) -> OwnerVm {
        for node in self.vm.files.keys().copied().collect::<Vec<_>>() {
            let Some(evidence) = self.world.files.nodes[node].evidence() else {
                continue;
            };
            for (reference, target) in evidence.references.iter().zip(&self.references.targets[node]) {
                let optional = reference.weak
                    || reference.role.is_transient()
                    || matches!(
                        reference.role,
                        Role::Nvram | Role::ExtendedConfig | Role::Config | Role::Parent | Role::Other | Role::Sidecar
                    );
                match target {
                    Target::Missing { root, path } if !optional => {
                        self.vm.missing.insert(Missing {
                            root: *root,
                            path: path.clone(),
                            role: reference.role,
                        });
                    }
                    Target::Outside
                        if self.is_listed_under_new_label(reference) || self.under_old_label(reference).is_some() => {}
                    Target::Outside | Target::Unread { .. }
                        if matches!(reference.role, Role::Disk | Role::Extent) || is_snapshot_folder(reference) =>
                    {
                        self.vm
                            .outside
                            .insert((reference.role, reference.target.as_str().to_owned()));
                        if let Target::Unread { root, path } = target {
                            self.vm.unread.insert((*root, path.clone()));
                        }
                    }
                    _ => {}
                }
            }
            if let Some(Target::Missing { root, path }) = self.references.broken.get(&node) {
                self.vm.missing.insert(Missing {
                    root: *root,
                    path: path.clone(),
                    role: Role::Parent,
                });
            }
            if let Some(Target::Unread { root, path }) = self.references.broken.get(&node) {
                self.vm.unread.insert((*root, path.clone()));
            }
            if matches!(
                self.references.broken.get(&node),
                Some(Target::Outside | Target::Unread { .. })
            ) {
                self.vm.outside.insert((Role::Parent, "parent disk".to_owned()));
            }
        }
        if self.vm.moved {
            self.forget_old_places();
        }
        self.vm
    }

    /// V64: disks that the files of a registered VM name under the old label of a datastore.
    fn old_labels(&mut self) {
        for node in self.vm.files.keys().copied().collect::<Vec<_>>() {
            let evidence = self.world.files.nodes[node].evidence();
            let references = evidence.into_iter().flat_map(|evidence| &evidence.references);
            for (reference, target) in references.zip(&self.references.targets[node]) {
                if *target == Target::Outside
                    && let Some(disk) = self.under_old_label(reference)
                {
                    self.reach(disk, Via::OldLabel(node, reference.key.clone()));
                }
            }
        }
    }

    /// The only file of this path on the scanned datastores, where every inventory of the VM lists its datastores and none of
    /// them bears the label of the path: a host would not run the VM with a disk on a datastore that it does not have.
    fn under_old_label(&self, reference: &Reference) -> Option<NodeId> {
        let mut rows = self.vm.rows.iter();
        let lists_datastores =
            |&(inventory, _): &(usize, usize)| !self.world.inventories[inventory].datastores.is_empty();
        if reference.role != Role::Disk || self.vm.rows.is_empty() || !rows.all(lists_datastores) {
            return None;
        }
        let resolver = self.world.resolver;
        resolver.only_at(&resolver.below_unknown_label(&reference.target)?)
    }

    /// V64: a datastore was renamed, and the path still has the old label: a row of the VM lists the disk of this path on a
    /// datastore that was scanned.
    fn is_listed_under_new_label(&self, reference: &Reference) -> bool {
        let resolver = self.world.resolver;
        let Some(written) = resolver
            .below_unknown_label(&reference.target)
            .filter(|_| reference.role == Role::Disk)
        else {
            return false;
        };
        self.vm.rows.iter().any(|&(inventory, row)| {
            let row = &self.world.inventories[inventory].vms[row];
            let disks = row.files.iter().filter(|file| file.role == Role::Disk);
            let mut listed = disks.map(|file| file.path.as_str());
            listed.any(|path| {
                matches!(parse(path), Parsed::Path(listed) if listed.parts == written)
                    && matches!(resolver.listed(inventory, row.host.as_deref(), path), Target::Files(_))
            })
        })
    }

    /// What a VM that was moved has under the same name at its new place is not missing at the old one.
    fn forget_old_places(&mut self) {
        let there: BTreeSet<&str> = self.vm.files.keys().map(|&node| self.world.files.name(node)).collect();
        self.vm.missing.retain(|missing| {
            let name = missing.path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
            !there.contains(fold(&String::from_utf8_lossy(name)).as_str())
        });
    }
}

/// A folder in which a VM keeps its snapshots, by the key that names it (V48).
fn is_snapshot_folder(reference: &Reference) -> bool {
    reference.role == Role::Folder && matches!(fold(&reference.key).as_str(), "workingdir" | "snapshot.directory")
}

/// The fullest listing that any row of a VM gives.
pub(crate) fn best_listing(world: World<'_>, vm: &OwnerVm) -> Listing {
    vm.rows
        .iter()
        .map(|&(inventory, row)| world.inventories[inventory].vms[row].listing)
        .max()
        .unwrap_or_default()
}
