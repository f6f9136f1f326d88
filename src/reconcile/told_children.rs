//! Disks that lists say depend on a scanned file, and of which the scan cannot tell itself: the children of a base disk may be of
//! another host, of a library or of a VM that nobody registers, and lie on a volume that was not scanned.

use std::collections::BTreeMap;

use super::{
    files::{Files, NodeId},
    own::World,
    resolve::Target,
};
use crate::inventory::ToldParent;

/// A child of which a list tells.
#[derive(Debug, Clone)]
pub(crate) struct ToldChild {
    /// Its path as written.
    pub(crate) path: String,
    /// The list and its row.
    pub(crate) source: String,
    /// What the scan knows of it.
    pub(crate) seen: Seen,
}

/// What the scan knows of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Seen {
    /// Nothing: it lies elsewhere, or could not be read.
    Not,
    /// Its place was read, and it is not there.
    Gone,
}

/// The children of scanned disks that lists tell of, by their parents; of several the one that counts most.
#[derive(Debug, Default)]
pub(crate) struct ToldChildren(BTreeMap<NodeId, ToldChild>);

impl ToldChildren {
    /// All that the inventories tell.
    pub(crate) fn new(world: World<'_>) -> Self {
        let mut children: BTreeMap<NodeId, ToldChild> = BTreeMap::new();
        for (index, inventory) in world.inventories.iter().enumerate() {
            for told in &inventory.observations.parents {
                let listed = |path: &str| world.resolver.listed(index, told.host.as_deref(), path);
                let Target::Files(parents) = listed(&told.parent) else {
                    continue;
                };
                let Some(seen) = seen(world.files, &listed(&told.child)) else {
                    continue;
                };
                for (parent, _) in parents {
                    let is_better = children.get(&parent).is_none_or(|known| seen < known.seen);
                    if is_better {
                        children.insert(parent, child(told, &inventory.source, seen));
                    }
                }
            }
        }
        Self(children)
    }

    /// The child of a disk that counts most.
    pub(crate) fn of(&self, node: NodeId) -> Option<&ToldChild> {
        self.0.get(&node)
    }
}

fn child(told: &ToldParent, source: &str, seen: Seen) -> ToldChild {
    ToldChild {
        path: told.child.clone(),
        source: format!("{source}, {}", told.row),
        seen,
    }
}

/// `None` for a child whose own header was read, which says what it depends on now.
fn seen(files: &Files<'_>, child: &Target) -> Option<Seen> {
    let is_read = |node: NodeId| {
        files.nodes[node]
            .evidence()
            .is_some_and(|evidence| evidence.disk.is_some())
    };
    match child {
        Target::Files(found) if found.iter().all(|&(node, _)| is_read(node)) => None,
        Target::Missing { .. } => Some(Seen::Gone),
        Target::Files(_) | Target::Unread { .. } | Target::Outside | Target::NotAFile => Some(Seen::Not),
    }
}
