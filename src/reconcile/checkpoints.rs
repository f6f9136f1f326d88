//! Configurations of checkpoints, by the VM whose id they carry.

use foldhash::{HashMap, HashSet};
use uuid::Uuid;

use super::{
    coverage::home_folder,
    files::{Files, NodeId},
    own::{OwnerVm, vm_evidence},
};

/// The configuration of a checkpoint.
#[derive(Debug, Clone)]
pub(crate) struct CheckpointConfig {
    /// The file.
    pub(crate) node: NodeId,
    /// The id of its VM, which it carries.
    pub(crate) vm: Uuid,
    /// Configurations with that id in the folder of the VM that it lies in. An export brings its checkpoints along: they
    /// are its own and no live VM's (H-C18).
    pub(crate) at_home: Vec<NodeId>,
}

impl CheckpointConfig {
    /// True when it lies in the folder of another configuration with the id of the VM.
    pub(super) fn is_of_another(&self, vm: &OwnerVm) -> bool {
        !self.at_home.is_empty() && vm.config.is_some() && !vm.configs().any(|config| self.at_home.contains(&config))
    }
}

/// All of them.
pub(crate) struct Checkpoints {
    each: Vec<CheckpointConfig>,
    /// Places in `each`.
    of_vm: HashMap<Uuid, Vec<usize>>,
    /// Their own ids.
    ids: HashSet<Uuid>,
}

impl Checkpoints {
    pub(crate) fn new(files: &Files<'_>) -> Self {
        let each = found(files);
        let mut of_vm: HashMap<Uuid, Vec<usize>> = HashMap::default();
        for (place, checkpoint) in each.iter().enumerate() {
            of_vm.entry(checkpoint.vm).or_default().push(place);
        }
        let ids = each
            .iter()
            .filter_map(|checkpoint| vm_evidence(files, checkpoint.node)?.instance_id);
        Self {
            ids: ids.collect(),
            of_vm,
            each,
        }
    }

    /// In the order of their paths.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &CheckpointConfig> {
        self.each.iter()
    }

    /// Those that carry the id of a VM, in the order of their paths.
    pub(crate) fn of(&self, vm: Uuid) -> impl Iterator<Item = &CheckpointConfig> {
        self.of_vm
            .get(&vm)
            .into_iter()
            .flatten()
            .map(|&place| &self.each[place])
    }

    /// True when the configuration of the checkpoint of this id was read.
    pub(crate) fn holds(&self, id: Uuid) -> bool {
        self.ids.contains(&id)
    }
}

/// Configurations of checkpoints, each with the VMs of its id whose folder it lies in.
fn found(files: &Files<'_>) -> Vec<CheckpointConfig> {
    let mut homes: HashMap<(usize, Vec<u8>, Uuid), Vec<NodeId>> = HashMap::default();
    let mut found = Vec::new();
    for (node, file) in files
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, file)| file.kind().is_config())
    {
        let Some(evidence) = vm_evidence(files, node) else {
            continue;
        };
        let home = |id| (file.entry.root, home_folder(file.folder()), id);
        match (evidence.checkpoint_of, evidence.instance_id) {
            (Some(vm), _) => found.push((node, home(vm))),
            (None, Some(id)) => homes.entry(home(id)).or_default().push(node),
            (None, None) => {}
        }
    }
    let at_home = |home| homes.get(home).cloned().unwrap_or_default();
    found
        .iter()
        .map(|(node, home)| CheckpointConfig {
            node: *node,
            vm: home.2,
            at_home: at_home(home),
        })
        .collect()
}
