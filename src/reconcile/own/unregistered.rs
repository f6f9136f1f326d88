//! The VMs that only their configurations on disk tell of.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet};
use uuid::Uuid;

use super::{OwnerVm, Owners, World, ids_of, vm_evidence};
use crate::{
    kind::{Kind, Platform},
    reconcile::files::{Files, NodeId},
};

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
    let is_newer = |other: NodeId| files.nodes[other].kind() == Kind::Vmcx;
    files.any_named(file.entry.root, file.folder(), &format!("{id}.vmcx"), is_newer)
}

/// The first registered VM of each id.
fn by_id(world: World<'_>, owners: &Owners) -> HashMap<(Platform, Uuid), usize> {
    let mut found = HashMap::default();
    for (index, vm) in owners.vms.iter().enumerate().filter(|(_, vm)| vm.is_registered()) {
        for id in ids_of(world, vm) {
            found.entry((vm.platform, id)).or_insert(index);
        }
    }
    found
}
