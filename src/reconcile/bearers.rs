//! Which configuration bears which id, so that no step has to look through all of them for one VM.

use std::collections::BTreeSet;

use foldhash::HashMap;
use uuid::Uuid;

use super::{
    files::{Files, NodeId},
    own::vm_evidence,
};

/// The ids in the configurations that stand for a VM of their own.
pub(super) struct Bearers {
    by_instance: HashMap<Uuid, Vec<NodeId>>,
    by_any: HashMap<Uuid, Vec<NodeId>>,
}

impl Bearers {
    pub(super) fn new(files: &Files<'_>, configs: &[NodeId]) -> Self {
        let mut bearers = Self {
            by_instance: HashMap::default(),
            by_any: HashMap::default(),
        };
        for &node in configs {
            let Some(evidence) = vm_evidence(files, node) else {
                continue;
            };
            if let Some(id) = evidence.instance_id {
                bearers.by_instance.entry(id).or_default().push(node);
            }
            let ids: BTreeSet<Uuid> = [evidence.instance_id, evidence.bios_id].into_iter().flatten().collect();
            for id in ids {
                bearers.by_any.entry(id).or_default().push(node);
            }
        }
        bearers
    }

    /// Configurations whose own id is one of these, in the order of their paths.
    pub(super) fn of_instance<'a>(&self, ids: impl IntoIterator<Item = &'a Uuid>) -> BTreeSet<NodeId> {
        of(&self.by_instance, ids)
    }

    /// Configurations whose own id or BIOS id is one of these, in the order of their paths.
    pub(super) fn of_any<'a>(&self, ids: impl IntoIterator<Item = &'a Uuid>) -> BTreeSet<NodeId> {
        of(&self.by_any, ids)
    }
}

fn of<'a>(by_id: &HashMap<Uuid, Vec<NodeId>>, ids: impl IntoIterator<Item = &'a Uuid>) -> BTreeSet<NodeId> {
    ids.into_iter()
        .filter_map(|id| by_id.get(id))
        .flatten()
        .copied()
        .collect()
}
