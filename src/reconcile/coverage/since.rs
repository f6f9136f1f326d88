//! What only the older of two exports of one source lists.

use std::collections::{BTreeMap, BTreeSet};

use super::{Builder, count, list};
use crate::{
    reconcile::{
        judge::{TAKE_ANEW, export_and_time},
        own::Since,
    },
    report::codes::ReasonCode,
};

impl Builder<'_> {
    /// It stays owned, and how much that is is told.
    pub(super) fn unlisted_since(&mut self) {
        let mut pairs: BTreeMap<Since, (BTreeSet<&str>, BTreeSet<usize>)> = BTreeMap::new();
        let here = self.owners.vms.iter().filter(|vm| !vm.files.is_empty());
        for (vm, since) in here.filter_map(|vm| Some((vm, vm.unlisted_since?))) {
            let (names, roots) = pairs.entry(since).or_default();
            names.insert(&vm.name);
            roots.extend(vm.files.keys().map(|&node| self.world.files.nodes[node].entry.root));
        }
        for (since, (names, roots)) in pairs {
            let [older, newer] =
                [since.older, since.newer].map(|index| export_and_time(&self.world.inventories[index]));
            let text = format!(
                "{newer}, newer and of the same source, does not list {} of {older} ({}), and what they have stays owned: {TAKE_ANEW}",
                count(names.len(), "VM", "VMs"),
                list(names.iter().copied()),
            );
            self.note(ReasonCode::NotInNewerExport, text, roots, false);
        }
    }
}
