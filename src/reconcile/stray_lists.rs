//! Snapshot lists whose name is no configuration's. A VM that was renamed, or whose configuration was made anew, leaves its
//! list under the old name, and the snapshots that only this list names are still its own (V46, V72).
//!
//! Names own nothing, so the disks decide; by the first law a list is not nobody's while that is open:
//!
//! - a list that names a disk out of the chain of a VM of its folder is that VM's;
//! - else that of the only VM of its folder, where that has no list of its own name;
//! - else nobody can say whose it is, unless every VM of the folder has a list of its own and disks that are all known: then
//!   it is what another VM left there;
//! - a list of no snapshots holds nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    companions::{self, named_folders},
    files::{Files, NodeId},
    resolve::{Edge, Match, References, Target},
};
use crate::kind::{Kind, Platform, Role};

/// Ties such lists to their VMs; gives back those of which nobody can say whose they are, each with the configurations
/// whose it may be.
pub(crate) fn add(files: &Files<'_>, references: &mut References) -> BTreeMap<NodeId, Vec<NodeId>> {
    let mut unclear = BTreeMap::new();
    for ((root, folder), configs) in vms_of_folders(files, references) {
        for &list in files.in_folder(root, &folder) {
            if files.nodes[list].kind() != Kind::Vmsd || !is_stray(files, references, list, &configs) {
                continue;
            }
            let sharing = sharing(references, list, &configs);
            if !sharing.is_empty() {
                for config in sharing {
                    link(references, config, list, "it lists disks out of the chain of this VM");
                }
            } else if let [config] = configs.as_slice()
                && !has_own_list(files, references, *config)
            {
                link(references, *config, list, "the only VM of its folder");
            } else if !configs.iter().all(|&config| needs_no_list(files, references, config)) {
                unclear.insert(list, configs.clone());
            }
        }
    }
    unclear
}

/// The configurations of VMware that lie in a folder or name it for their snapshots, by root and folder.
fn vms_of_folders(files: &Files<'_>, references: &References) -> BTreeMap<(usize, Vec<u8>), Vec<NodeId>> {
    let mut folders: BTreeMap<_, Vec<NodeId>> = BTreeMap::new();
    for (node, file) in files.nodes.iter().enumerate() {
        if file.kind().platform() != Some(Platform::Vmware) || !companions::is_live_config(files, node) {
            continue;
        }
        let home = (file.entry.root, file.folder().to_vec());
        let places: BTreeSet<_> = named_folders(files, references, node)
            .into_iter()
            .chain([home])
            .collect();
        for place in places {
            folders.entry(place).or_default().push(node);
        }
    }
    // What is left of a configuration under its old name stands for no VM beside a whole one.
    for configs in folders.values_mut() {
        if configs.iter().any(|&config| !companions::is_backup_copy(files, config)) {
            configs.retain(|&config| !companions::is_backup_copy(files, config));
        }
    }
    folders
}

/// True for a list that has snapshots, or of which that is not known, and that bears the name of no such configuration.
fn is_stray(files: &Files<'_>, references: &References, list: NodeId, configs: &[NodeId]) -> bool {
    let is_copy = |config: NodeId| companions::is_backup_copy(files, config) && !configs.contains(&config);
    let is_named = |edge: &Edge| edge.role == Role::SnapshotList && !is_copy(edge.from);
    let evidence = files.nodes[list].evidence();
    let may_name = evidence.is_some_and(|evidence| !evidence.references.is_empty() || evidence.vm.is_some());
    may_name && !references.into(list).any(is_named)
}

/// The configurations whose chains hold a disk that the list names, or a parent of one.
fn sharing(references: &References, list: NodeId, configs: &[NodeId]) -> Vec<NodeId> {
    let listed = chain_below(references, list);
    let mut configs = configs.to_vec();
    configs.retain(|&config| !listed.is_disjoint(&chain_below(references, config)));
    configs
}

/// The disks that a file names, and their parents.
fn chain_below(references: &References, file: NodeId) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    let mut queue = VecDeque::from([file]);
    while let Some(node) = queue.pop_front() {
        let below = references.of(node);
        for edge in below.filter(|edge| matches!(edge.role, Role::Disk | Role::Parent)) {
            if found.insert(edge.to) {
                queue.push_back(edge.to);
            }
        }
    }
    found
}

/// True where a list bears the name of the configuration.
fn has_own_list(files: &Files<'_>, references: &References, config: NodeId) -> bool {
    let is_list = |edge: &Edge| edge.role == Role::SnapshotList && edge.basis == Match::Companion;
    references
        .of(config)
        .any(|edge| is_list(edge) && files.nodes[edge.to].kind() == Kind::Vmsd)
}

/// True for a VM that has a list of its own and disks that are all known.
fn needs_no_list(files: &Files<'_>, references: &References, config: NodeId) -> bool {
    let Some(evidence) = files.nodes[config].evidence() else {
        return false;
    };
    let is_known = evidence.vm.as_ref().is_some_and(|vm| vm.opaque.is_none());
    let mut targets = evidence.references.iter().zip(&references.targets[config]);
    has_own_list(files, references, config)
        && is_known
        && targets.all(|(reference, target)| reference.role != Role::Disk || matches!(target, Target::Files(_)))
}

fn link(references: &mut References, config: NodeId, list: NodeId, why: &str) {
    references.add(Edge {
        from: config,
        to: list,
        role: Role::SnapshotList,
        basis: Match::Place,
        key: why.into(),
    });
}
