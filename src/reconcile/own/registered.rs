//! The VMs that inventories and clusters register, each with its configuration wherever that lies now.

use std::{cell::LazyCell, collections::BTreeSet};

use foldhash::HashMap;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use uuid::Uuid;

use super::{OwnerVm, Owners, World, ids_of, listed_ids, since::note_unlisted, vm_evidence};
use crate::{
    inventory::{Inventory, Registration},
    kind::{Platform, Role},
    path::{Parsed, fold, parse, same_host},
    reconcile::{Options, bearers::Bearers, companions, files::NodeId, resolve::Target},
};

/// The registered VMs, one for each VM however many inventories list it; files are walked later.
///
/// `None` where it is given up.
pub(crate) fn registered(world: World<'_>, configs: &[NodeId], options: &Options) -> Option<Owners> {
    let mut owners = Owners::default();
    let mut by_config: HashMap<NodeId, usize> = HashMap::default();
    let mut by_id: ById = HashMap::default();
    for (inventory_index, inventory) in world.inventories.iter().enumerate() {
        let target = |vm: &Registration| {
            options.go_on()?;
            let path = vm.config.as_deref()?;
            Some(world.resolver.listed(inventory_index, vm.host.as_deref(), path))
        };
        let targets: Vec<Option<Target>> = inventory.vms.par_iter().map(target).collect();
        options.go_on()?;
        for ((row, vm), target) in inventory.vms.iter().enumerate().zip(targets) {
            let config = match &target {
                Some(Target::Files(files)) => files.first().map(|&(node, _)| node),
                _ => None,
            };
            let known = config.and_then(|config| by_config.get(&config)).copied().or_else(|| {
                let mut of_id = by_id.get(&(inventory.platform, vm.instance_id?))?.iter().copied();
                of_id.find(|&known| {
                    let other = owners.vms[known].config;
                    let may_be_one = config.is_none() || other.is_none() || config == other;
                    let mut rows = owners.vms[known].rows.iter();
                    may_be_one && !rows.any(|&known| are_two(world, known, (inventory_index, row)))
                })
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
                let of_id = by_id.entry((inventory.platform, id)).or_default();
                if !of_id.contains(&index) {
                    of_id.push(index);
                }
            }
        }
    }
    let bearers = Bearers::new(world.files, configs);
    add_cluster_vms(world, &mut owners, &bearers, &by_id);
    find_moved(world, &mut owners, configs, &bearers);
    for vm in &mut owners.vms {
        take_own_name(world, vm);
    }
    note_unlisted(world, &mut owners.vms);
    Some(owners)
}

/// The registered VMs of each id.
type ById = HashMap<(Platform, Uuid), Vec<usize>>;

/// True for two rows of one id that are two VMs: a VM and its replica on another host, copies that bear one id on two hosts, a
/// VM that two vCenters have (H-A9). What is told of the one says nothing of the other. For one source an id is one VM,
/// wherever it was moved to, and so it is for one host.
fn are_two(world: World<'_>, one: (usize, usize), other: (usize, usize)) -> bool {
    let inventories = [one.0, other.0].map(|inventory| &world.inventories[inventory]);
    let rows = [one, other].map(|(inventory, row)| &world.inventories[inventory].vms[row]);
    let [Some(config), Some(other_config)] = rows.map(|row| row.config.as_deref()) else {
        return false;
    };
    let is_one_source = world.sources.are_one(one.0, other.0);
    let hosts = rows.map(|row| row.host.as_deref());
    let is_one = match (inventories[0].platform, hosts) {
        (Platform::Hyperv, [Some(host), Some(other)]) if same_host(host, other) => true,
        (Platform::Hyperv, _) => is_one_source && one.0 != other.0,
        (Platform::Vmware, _) => is_one_source,
    };
    let [host, other_host] = hosts;
    !is_one
        && world
            .resolver
            .are_two_places((one.0, host, config), (other.0, other_host, other_config))
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
fn add_cluster_vms(world: World<'_>, owners: &mut Owners, bearers: &Bearers, by_id: &ById) {
    let claimed: BTreeSet<NodeId> = owners.vms.iter().filter_map(|vm| vm.config).collect();
    for (inventory_index, inventory) in world.inventories.iter().enumerate() {
        for (row, cluster_vm) in inventory.cluster_vms.iter().enumerate() {
            let of_id = by_id.get(&(Platform::Hyperv, cluster_vm.id)).into_iter().flatten();
            let mut rows = of_id.flat_map(|&vm| owners.vms[vm].rows.iter());
            if rows.any(|&row| speaks_for_cluster(world, row, inventory_index)) {
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
            let fitting = bearers.of_instance([&cluster_vm.id]).into_iter();
            let mut fitting = fitting.filter(|node| !claimed.contains(node));
            vm.config = at_root.or_else(|| fitting.next());
            vm.perhaps = fitting.filter(|_| at_root.is_none()).collect();
            owners.vms.push(vm);
        }
    }
}

/// True for a row that may be of a VM of a cluster. One of a host outside it is not where it says itself that it is replicated, or
/// is listed with another cluster: that VM and its replica bear one id.
fn speaks_for_cluster(world: World<'_>, (inventory, row): (usize, usize), cluster: usize) -> bool {
    let (own, cluster) = (&world.inventories[inventory], &world.inventories[cluster]);
    let row = &own.vms[row];
    let mut members = cluster
        .hosts
        .iter()
        .map(|host| &host.name)
        .chain(&cluster.missing_hosts);
    let is_outside = |host: &str| !cluster.hosts.is_empty() && !members.any(|member| same_host(member, host));
    let is_other = own.folder != cluster.folder && row.host.as_deref().is_some_and(is_outside);
    !is_other || row.is_replicated() != Some(true) && !own.has_cluster_list
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
            match behind_unknown_mount(world, vm, bearers, &claimed) {
                // It may be a copy of one that was not scanned, which then tells what the VM has now.
                Some(config) if vm.platform == Platform::Hyperv => vm.perhaps = vec![config],
                Some(config) => vm.config = Some(config),
                None => find_unplaced(world, vm, bearers, &naming, &claimed),
            }
            continue;
        };
        let copy = companions::backup_of_config(world.files, *root, path);
        if let Some(copy) = copy.filter(|copy| configs.binary_search(copy).is_ok() && !claimed.contains(copy)) {
            vm.config = Some(copy);
            continue;
        }
        let ids = listed_ids(world, vm);
        let converted = companions::other_form_of_config(world.files, *root, path);
        let converted = converted.filter(|config| configs.binary_search(config).is_ok() && !claimed.contains(config));
        if let Some(config) = converted.filter(|_| ids.is_empty()) {
            vm.config = Some(config);
            vm.moved = true;
            vm.ghost = None;
            continue;
        }
        let with_id = bearers.of_any(&ids);
        let mut found = with_id.into_iter().filter(|node| !claimed.contains(node));
        if let Some(config) = found.next() {
            vm.config = Some(config);
            vm.perhaps = found.collect();
            vm.moved = true;
            vm.ghost = None;
        }
    }
}

/// True for a path of Windows that leads somewhere. Text in place of a path, or one that was cut at a width, does not.
fn tells_place(config: &str) -> bool {
    let is_cut = |part: &str| part.ends_with("...") || part.ends_with('…');
    let is_placed = matches!(parse(config), Parsed::Path(path) if path.windows && path.mount.is_some());
    is_placed && !config.split(['\\', '/']).any(is_cut)
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
    let mut places = vm.rows.iter().map(row).filter_map(|row| row.config.as_deref());
    if vm.platform != Platform::Hyperv || places.any(tells_place) {
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
    vm.config_outside &= vm.config.is_none();
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
    let mut naming: HashMap<NodeId, Vec<NodeId>> = HashMap::default();
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

/// A registered configuration under a mount that nobody tied to a root, such as a DFS name: the only file with the VM's
/// id whose whole path below its root ends the registered path (H-B2), and that no move left there (H-D15).
fn behind_unknown_mount(
    world: World<'_>,
    vm: &OwnerVm,
    bearers: &Bearers,
    claimed: &BTreeSet<NodeId>,
) -> Option<NodeId> {
    let rows = vm.rows.iter().filter_map(|&(inventory, row)| {
        let row = &world.inventories[inventory].vms[row];
        let text = row.config.as_deref()?;
        let Parsed::Path(path) = parse(text) else { return None };
        let parts: Vec<String> = path.parts.iter().map(|part| fold(part)).collect();
        Some((inventory, row.host.as_deref(), text, parts))
    });
    let registered: Vec<_> = rows.collect();
    let fits = |node: &NodeId| {
        let parts = world.files.nodes[*node].entry.path.parts();
        let path: Vec<String> = parts.map(|part| fold(&String::from_utf8_lossy(part))).collect();
        registered.iter().any(|(inventory, host, text, parts)| {
            parts.ends_with(&path) && !world.resolver.is_left_behind(*inventory, *host, text, *node)
        })
    };
    let with_id = bearers.of_any(&ids_of(world, vm));
    let mut fitting = with_id.into_iter().filter(|node| !claimed.contains(node) && fits(node));
    let first = fitting.next();
    first.filter(|_| fitting.next().is_none())
}
