//! VMs that only the older of two exports of one source lists.
//!
//! What they have stays theirs, for a list without a VM is no proof that nobody needs its files: it may be of a part of the site.

use std::{cmp::Reverse, collections::BTreeMap};

use foldhash::HashSet;
use uuid::Uuid;

use super::{OwnerVm, World};
use crate::path::fold;

/// The exports that differ over a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Since {
    /// The newest that lists it.
    pub(crate) older: usize,
    /// The newest of the same source, which lists none of its ids and names.
    pub(crate) newer: usize,
}

/// What an inventory lists of VMs.
struct Listed {
    ids: HashSet<Uuid>,
    names: HashSet<String>,
}

impl Listed {
    fn of(world: World<'_>, inventory: usize) -> Self {
        let vms = || world.inventories[inventory].vms.iter();
        Self {
            ids: vms().filter_map(|vm| vm.instance_id).collect(),
            names: vms().map(|vm| fold(&vm.name)).collect(),
        }
    }

    /// True where it may list this VM, perhaps at another place.
    fn may_have(&self, world: World<'_>, vm: &OwnerVm) -> bool {
        let mut rows = vm
            .rows
            .iter()
            .map(|&(inventory, row)| &world.inventories[inventory].vms[row]);
        self.names.contains(&fold(&vm.name))
            || rows.any(|row| {
                self.names.contains(&fold(&row.name)) || row.instance_id.is_some_and(|id| self.ids.contains(&id))
            })
    }
}

/// Notes the VMs that newer exports of their sources do not list.
pub(super) fn note_unlisted(world: World<'_>, vms: &mut [OwnerVm]) {
    let newest: Vec<Option<usize>> = (0..world.inventories.len())
        .map(|older| newest_of_source(world, older))
        .collect();
    let listed: BTreeMap<usize, Listed> = newest
        .iter()
        .flatten()
        .map(|&newer| (newer, Listed::of(world, newer)))
        .collect();
    for vm in vms.iter_mut().filter(|_| !listed.is_empty()) {
        vm.unlisted_since = since(world, vm, &newest).filter(|since| !listed[&since.newer].may_have(world, vm));
    }
}

/// The newest export that speaks for all that list a VM, and is newer than each.
fn since(world: World<'_>, vm: &OwnerVm, newest: &[Option<usize>]) -> Option<Since> {
    let listing = || vm.rows.iter().map(|&(inventory, _)| inventory);
    let older = listing().max_by_key(|&inventory| world.inventories[inventory].collected)?;
    let newer = newest[older].filter(|_| vm.cluster_rows.is_empty())?;
    let is_replaced = |inventory| replaces(world, newer, inventory);
    listing().all(is_replaced).then_some(Since { older, newer })
}

fn newest_of_source(world: World<'_>, older: usize) -> Option<usize> {
    let newer = (0..world.inventories.len()).filter(|&newer| replaces(world, newer, older));
    newer.min_by_key(|&newer| Reverse(world.inventories[newer].collected))
}

/// True for a newer list of the VMs of one source.
fn replaces(world: World<'_>, newer: usize, older: usize) -> bool {
    let [this, that] = [newer, older].map(|inventory| &world.inventories[inventory]);
    let is_newer = that.collected.is_some() && this.collected > that.collected;
    is_newer && !this.vms.is_empty() && world.sources.speaks_for(newer, older)
}
