//! Disks that a registered VM misses, known by what stands in the file or by its access list rather than by a path.

use foldhash::HashMap;

use super::{Judge, Judgement, reasons::settled};
use crate::{
    kind::{Platform, Role},
    reconcile::{
        files::NodeId,
        own::{OwnerVm, Owners, World},
        resolve::Target,
    },
    report::codes::{Class, ReasonCode},
};

/// Identities of disks that lists tell and that are not where they should be, as they stand in evidence: the VM, by its place,
/// and the path as listed.
pub(crate) type MissedIds<'a> = HashMap<String, (usize, &'a str)>;

/// Collects them.
pub(crate) fn missed_ids<'a>(world: World<'a>, owners: &Owners) -> MissedIds<'a> {
    let mut missed = MissedIds::default();
    let of_hyperv = owners.vms.iter().enumerate();
    for (index, vm) in of_hyperv.filter(|(_, vm)| vm.platform == Platform::Hyperv) {
        for &(inventory, row) in &vm.rows {
            let row = &world.inventories[inventory].vms[row];
            for (path, id) in &row.disk_ids {
                let place = || world.resolver.listed(inventory, row.host.as_deref(), path);
                if matches!(place(), Target::Missing { .. }) {
                    missed.entry(id.clone()).or_insert((index, path.as_str()));
                }
            }
        }
    }
    missed
}

impl Judge<'_> {
    /// H-A11, H-B10: a disk with the identity of one that a registered VM misses, or with the right of such a VM: renamed and moved
    /// it keeps both.
    pub(super) fn missed_by_identity(&self, node: NodeId) -> Option<Judgement> {
        let disk = self.file(node).evidence()?.disk.as_ref()?;
        let settles = "find out whether it is the missing disk and restore its place";
        let by_id = || {
            let &(vm, path) = self.missed_ids.get(disk.disk_id.as_deref()?)?;
            let vm = &self.owners.vms[vm];
            let text = format!(
                "{} misses {path}, and this has the identity that the inventory tells of that disk (DiskIdentifier)",
                vm.name
            );
            Some(settled(ReasonCode::TargetGone, text, settles))
        };
        let by_right = || {
            let misses_disk = |vm: &&OwnerVm| {
                let mut missing = vm.missing.iter();
                vm.is_registered() && missing.any(|missing| matches!(missing.role, Role::Disk | Role::Parent))
            };
            let vms = self.granted_vms(node).into_iter().map(|vm| &self.owners.vms[vm]);
            let vm = vms.into_iter().find(|vm| misses_disk(vm))?;
            let text = format!("its access list names {}, which misses a disk", vm.name);
            Some(settled(ReasonCode::AccessList, text, settles))
        };
        Some(Judgement::unknown(
            Class::AmbiguousReference,
            by_id().or_else(by_right)?,
        ))
    }
}
