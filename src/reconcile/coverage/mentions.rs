//! What texts beside the exports name that are no export: they may tell who needs a file, and nobody can read them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Builder, Reach};
use crate::{
    inventory::Mention,
    kind::Role,
    reconcile::{files::NodeId, own, resolve::Target},
    report::codes::ReasonCode,
};

impl Builder<'_> {
    /// A text that was laid beside the exports and that is none names files of the scanned datastores, such as what
    /// `kubectl describe` prints (V20): nobody's is none of them.
    pub(super) fn files_named_beside(&mut self) {
        let mut named: BTreeMap<_, (&Mention, BTreeSet<NodeId>)> = BTreeMap::new();
        for mention in &self.options.mentions {
            let files: Vec<NodeId> = self.files_of(&mention.named).into_iter().collect();
            let strange = files.into_iter().filter(|&node| !self.is_registered(node));
            let strange: BTreeSet<NodeId> = strange.flat_map(|node| self.with_parts(node)).collect();
            if !strange.is_empty() {
                let (_, files) = named.entry(&mention.text).or_insert((mention, BTreeSet::new()));
                files.extend(strange);
            }
        }
        for (text, (first, files)) in named {
            let roots = files
                .iter()
                .map(|&node| self.world.files.nodes[node].entry.root)
                .collect();
            let text = format!(
                "{} lies beside the inventories and names {}, and its form is not known: it may tell who needs that; export it in a form that \
                 derelict reads, or take it out of the folder",
                text.lossy(),
                first.named,
            );
            self.gap(ReasonCode::InventoryIncomplete, text, roots, Reach::These(files));
        }
    }

    /// The files at a path, as any inventory or the roots themselves name their datastores.
    fn files_of(&self, path: &str) -> BTreeSet<NodeId> {
        let resolver = self.world.resolver;
        let listed = (0..self.world.inventories.len()).map(|inventory| resolver.listed(inventory, None, path));
        let targets = std::iter::once(resolver.named(path)).chain(listed);
        let files = targets.filter_map(|target| match target {
            Target::Files(files) => Some(files),
            _ => None,
        });
        files.flatten().map(|(node, _)| node).collect()
    }

    /// A file with its data, or with all that a configuration names.
    fn with_parts(&self, node: NodeId) -> BTreeSet<NodeId> {
        let extents = self.references.of(node).filter(|edge| edge.role == Role::Extent);
        let mut parts: BTreeSet<NodeId> = extents.map(|edge| edge.to).chain([node]).collect();
        let vms = self.owners.vms.iter().filter(|vm| vm.config == Some(node));
        parts.extend(vms.flat_map(|vm: &own::OwnerVm| vm.files.keys()));
        parts
    }
}
