//! When the inventories were taken, and what that leaves open.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Builder, Reach, count, is_state, list, sharers::hosts_named_by};
use crate::{
    inventory::{
        Inventory,
        host_names::{HostNames, is_reference},
    },
    kind::Kind,
    reconcile::{
        identity::{Identities, Writer},
        judge::export_and_time,
        own::{OwnerVm, Owners, World},
        signs::shown,
    },
    report::codes::ReasonCode,
};

/// How near to an inventory what others write tells of their use of the storage, and how far apart two may be taken.
pub(super) const LATELY: SignedDuration = SignedDuration::from_hours(24);

impl Builder<'_> {
    /// Sources that share a datastore and were asked at different times, or parts of one source: a VM that went from the one to the
    /// other between is in neither list.
    pub(super) fn ages_of_sharers(&mut self) {
        for root in 0..self.coverage.roots.len() {
            let speaking = self.coverage.roots[root].speaking.iter();
            let mut taken: Vec<(Timestamp, &str)> = speaking
                .map(|&index| &self.world.inventories[index])
                .filter_map(|inventory| Some((inventory.collected?, inventory.source.as_str())))
                .collect();
            taken.sort_unstable();
            let (Some(&(first, old)), Some(&(last, new))) = (taken.first(), taken.last()) else {
                continue;
            };
            if last.duration_since(first) > LATELY {
                let days = last.duration_since(first).as_hours().div_euclid(24);
                let text = format!(
                    "{} is shared by {old} of {} and {new} of {}, whose inventories were taken {} apart, and a VM that went from the one to \
                     the other between is in neither: export them together",
                    self.root_name(root),
                    shown(first),
                    shown(last),
                    count(usize::try_from(days).unwrap_or(usize::MAX), "day", "days"),
                );
                self.note(ReasonCode::InventoryIncomplete, text, BTreeSet::from([root]), true);
            }
        }
    }

    /// Of an inventory without a time nobody can tell what was written since.
    pub(super) fn undated_inventories(&mut self) {
        for root in 0..self.coverage.roots.len() {
            let cover = &self.coverage.roots[root];
            let is_undated = |&&index: &&usize| self.world.inventories[index].collected.is_none();
            let speaks_as_well = |index: usize| {
                let mut others = cover.inventories.iter().filter(|other| !is_undated(other));
                others.any(|&other| self.world.sources.speaks_for(other, index))
            };
            let undated = cover.inventories.iter().filter(is_undated);
            let undated: Vec<&str> = undated
                .filter(|&&index| !speaks_as_well(index))
                .map(|&index| self.world.inventories[index].source.as_str())
                .collect();
            if undated.is_empty() {
                continue;
            }
            let text = format!(
                "nothing tells when the inventory of {} was taken, and what was written since is not in it: give its file the time at which \
                 it was written, or take a new one",
                list(undated.iter().copied())
            );
            let roots = BTreeSet::from([root]);
            self.gap(ReasonCode::InventoryIncomplete, text, roots, Reach::Everything);
        }
    }

    /// A newer export of the same source names the hosts that mounted the datastore, and not the datastore: others may have it now.
    pub(super) fn handed_over(&mut self) {
        for root in 0..self.coverage.roots.len() {
            let covering = &self.coverage.roots[root].inventories;
            let newer = (0..self.world.inventories.len()).filter(|index| !covering.contains(index));
            let pairs = newer.flat_map(|newer| covering.iter().map(move |&older| (newer, older)));
            let Some((newer, older)) = pairs
                .into_iter()
                .find(|&(newer, older)| self.has_given_away(root, newer, older))
            else {
                continue;
            };
            let [newer, older] = [newer, older].map(|index| export_and_time(&self.world.inventories[index]));
            let text = format!(
                "{} is a datastore of {older} and of none of {newer}, newer and of the same source: give the inventory of whoever has it now, \
                 or a new one of that source",
                self.root_name(root),
            );
            self.gap(
                ReasonCode::InventoryIncomplete,
                text,
                BTreeSet::from([root]),
                Reach::Everything,
            );
        }
    }

    fn has_given_away(&self, root: usize, newer: usize, older: usize) -> bool {
        let [this, that] = [newer, older].map(|index| &self.world.inventories[index]);
        let entities = self.identities.roots[root].entities.iter();
        let records = entities.flat_map(|&entity| &self.identities.entities[entity].records);
        let of_older = records.filter(|&&(inventory, _)| inventory == older);
        let mounting: HostNames = of_older
            .flat_map(|&(_, record)| &that.datastores[record].hosts)
            .map(String::as_str)
            .collect();
        let named: HostNames = hosts_named_by(this).collect();
        this.collected > that.collected
            && this.has_vm_list
            && !this.datastores.is_empty()
            && self.world.sources.speaks_for(newer, older)
            && named.hold_all_of(&mounting)
    }
}

/// The exports that count of those that cover a root: of one source the newest alone, unless it may be of a part of what an older
/// one tells of. What a VM of the rest was given between the two is in neither.
pub(super) fn speaking(
    world: World<'_>,
    identities: &Identities,
    owners: &Owners,
    covering: &BTreeSet<usize>,
) -> Vec<usize> {
    let replaces = |new: usize, old: usize| {
        let [this, that] = [new, old].map(|index| &world.inventories[index]);
        this.collected > that.collected
            && world.sources.speaks_for(new, old)
            && has_hosts_of(this, that)
            && !lacks_a_vm(world, identities, owners, new, old)
    };
    let is_replaced = |old: usize| covering.iter().any(|&new| replaces(new, old));
    covering.iter().copied().filter(|&old| !is_replaced(old)).collect()
}

/// True where the newer of two exports of one source names all hosts of the older one, as far as both name hosts.
fn has_hosts_of(newer: &Inventory, older: &Inventory) -> bool {
    let named = |inventory, by_reference: bool| -> HostNames {
        let hosts = hosts_named_by(inventory);
        hosts.filter(|host| is_reference(host) == by_reference).collect()
    };
    [false, true].into_iter().all(|by_reference| {
        let [this, that] = [newer, older].map(|inventory| named(inventory, by_reference));
        this.is_empty() || that.is_empty() || this.hold_all_of(&that)
    })
}

/// True where the newer of two exports of one source does not list a VM of the older one that was perhaps not deleted.
fn lacks_a_vm(world: World<'_>, identities: &Identities, owners: &Owners, newer: usize, older: usize) -> bool {
    let lists = |vm: &OwnerVm, index: usize| vm.rows.iter().any(|&(inventory, _)| inventory == index);
    let lacking: Vec<&OwnerVm> = owners
        .vms
        .iter()
        .filter(|vm| lists(vm, older) && !lists(vm, newer))
        .collect();
    // Where all was scanned, of a VM that lives on something is here.
    lacking.iter().any(|vm| is_there(world, vm)) || !lacking.is_empty() && knows_unscanned(identities, &[newer, older])
}

/// True for a VM of which more than what a deletion leaves was found, or may be where nobody looked.
fn is_there(world: World<'_>, vm: &OwnerVm) -> bool {
    let is_of_it = |&node: &usize| {
        let kind = world.files.nodes[node].kind();
        kind.is_config() || kind.is_disk() || kind.is_extent() || kind == Kind::ForeignDisk || is_state(kind)
    };
    vm.files.keys().any(is_of_it) || !vm.outside.is_empty() || !vm.unread.is_empty()
}

/// True where one of these inventories knows a datastore that is none of the roots.
fn knows_unscanned(identities: &Identities, inventories: &[usize]) -> bool {
    let mut unscanned = identities
        .entities
        .iter()
        .filter(|entity| entity.roots.is_empty() && entity.within.is_empty());
    unscanned.any(|entity| {
        let records = entity.records.iter().map(|&(inventory, _)| inventory);
        let names = entity.names.iter().filter_map(|(writer, _)| match writer {
            Writer::Inventory(inventory) => Some(*inventory),
            Writer::File => None,
        });
        records.chain(names).any(|inventory| inventories.contains(&inventory))
    })
}
