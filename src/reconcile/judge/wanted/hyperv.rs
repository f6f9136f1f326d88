//! What registered VMs of Hyper-V may want: checkpoints, logs of replication, state, disks that move.

use std::collections::BTreeSet;

use foldhash::HashMap;
use uuid::Uuid;

use super::{Wanted, is_disk};
use crate::{
    evidence::VmEvidence,
    inventory::{Listing, Registration},
    kind::{Kind, Platform},
    path::{Parsed, fold, parse, stem},
    raw::RawPath,
    reconcile::{
        companions,
        files::NodeId,
        judge::{Judge, Judgement, reasons::settled},
        own::{self, OwnerVm, World},
    },
    report::codes::{Class, ReasonCode},
};

/// VMs that may have what nothing tells of; of several the first.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// Its id.
    id: Option<usize>,
    /// Checkpoints, by the root that may hold their state; `None` where any may.
    checkpoints: HashMap<Option<usize>, usize>,
    /// The place and name of its state.
    state: Option<usize>,
    /// Disks, while it is replicated or may be.
    replicated_disks: Option<usize>,
}

impl Wanted<'_> {
    /// Notes what a VM may have that nothing tells of, and the disks of one that is replicated or may be.
    pub(super) fn add_untold(&mut self, world: World<'_>, index: usize, vm: &OwnerVm) {
        let read = || vm.configs().filter_map(|config| read_config(world, config));
        let rows = || {
            vm.rows
                .iter()
                .map(|&(inventory, row)| &world.inventories[inventory].vms[row])
        };
        let has_id = !vm.cluster_rows.is_empty()
            || rows().any(|row| row.instance_id.is_some())
            || vm
                .configs()
                .any(|config| own::vm_evidence(world.files, config).is_some_and(|vm| vm.instance_id.is_some()));
        let note = |place: &mut Option<usize>, is_untold: bool| {
            if is_untold {
                place.get_or_insert(index);
            }
        };
        note(&mut self.untold.id, !has_id);
        // Nothing that a VM whose configuration is gone may have had beside it is of use without that.
        let is_ghost = vm.config.is_none() && vm.ghost.is_some();
        note(&mut self.untold.state, !is_ghost && read().next().is_none());
        if !is_ghost && may_have_more_checkpoints(world, vm) {
            let roots = own::roots_of_state(world, vm)
                .map_or_else(|| vec![None], |roots| roots.into_iter().map(Some).collect());
            for root in roots {
                self.untold.checkpoints.entry(root).or_insert(index);
            }
        }
        let told: Vec<bool> = rows().filter_map(Registration::is_replicated).collect();
        if !told.is_empty() && !told.contains(&true) {
            return;
        }
        for name in disk_names(world, vm) {
            for name in [stem(&name), &name] {
                self.replicated_disks.entry(name.to_owned()).or_insert(index);
            }
        }
        let knows_disks = read().next().is_some() || own::best_listing(world, vm) >= Listing::LeafDisks;
        note(&mut self.untold.replicated_disks, !knows_disks);
    }

    /// The VM with a disk of which a log of replication bears the name, alone or before what Hyper-V adds to it.
    fn replicated_by_log(&self, log: &str) -> Option<usize> {
        let ends = log.match_indices(['.', '_']).map(|(end, _)| end);
        let mut names = ends.chain([log.len()]).filter_map(|end| log.get(..end));
        names.find_map(|name| self.replicated_disks.get(name)).copied()
    }
}

impl Judge<'_> {
    /// H-D2: a configuration or state in the checkpoint folder of a registered VM of which not all checkpoints are known, and
    /// that does not carry its id. Where a checkpoint has the ids is assumed (formats-hyperv 1.8), so that it may be one.
    pub(in crate::reconcile::judge) fn unclear_checkpoint(&self, node: NodeId) -> Option<Judgement> {
        let file = self.file(node);
        let is_of_checkpoint = file.kind().is_config() || matches!(file.kind(), Kind::Vmrs | Kind::Bin | Kind::Vsv);
        let mut folders = file.folder().rsplit(|&byte| byte == b'/');
        let is_among_checkpoints = folders.any(|folder| folder.eq_ignore_ascii_case(b"snapshots"));
        if !is_of_checkpoint || file.kind().platform() != Some(Platform::Hyperv) || !is_among_checkpoints {
            return None;
        }
        let home = (self.root(node), home_of_checkpoint(file.folder()));
        let vms = self.wanted.hyperv_homes.get(&home)?;
        let carries_other = own::vm_evidence(self.world.files, node).is_some_and(|vm| vm.checkpoint_of.is_some());
        // In a folder of several VMs lies what others left there, too.
        if carries_other && vms.len() > 1 {
            return None;
        }
        let mut vms = vms.iter().map(|&vm| &self.owners.vms[vm]);
        let vm = vms.find(|vm| may_have_more_checkpoints(self.world, vm))?;
        let text = format!(
            "it lies in the checkpoint folder of {}, of which not all checkpoints are known: it may be one",
            vm.name
        );
        let reason = settled(
            ReasonCode::CheckpointsWithoutDisks,
            text,
            "the checkpoints of that VM (Get-VMSnapshot)",
        );
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// H-E10, H-E11: a recovery point or log of replication that bears the id of a replicated VM or the name of a disk of one.
    pub(in crate::reconcile::judge) fn perhaps_of_replication(&self, node: NodeId) -> Option<Judgement> {
        let file = self.file(node);
        let kind = file.kind();
        let name = self.world.files.name(node);
        let folder = fold(&String::from_utf8_lossy(file.folder()));
        let (vm, sign) = if matches!(kind, Kind::Hrl | Kind::Hru) {
            match (self.wanted.replicated_by_log(name), self.wanted.untold.replicated_disks) {
                (Some(vm), _) => (vm, "the name of a disk"),
                (None, Some(vm)) => return Some(self.perhaps_log_of_untold(vm)),
                (None, None) => return None,
            }
        } else if kind.is_config() && folder.split('/').any(|part| part == "undolog configuration") {
            let evidence = own::vm_evidence(self.world.files, node);
            let inside = evidence.and_then(|vm| vm.checkpoint_of.or(vm.instance_id));
            let ids = [inside, Uuid::try_parse(stem(name)).ok()];
            let mut ids = ids.into_iter().flatten();
            let vm = ids.find_map(|id| self.wanted.replicated.get(&id))?;
            (*vm, "the id")
        } else {
            return None;
        };
        let text = format!(
            "it bears {sign} of {}, {}: a log or recovery point of replication may lie elsewhere",
            self.owners.vms[vm].name,
            self.shown_replication(vm),
        );
        let reason = settled(ReasonCode::ServiceObject, text, REPLICATION_ENDED);
        Some(Judgement::unknown(Class::ServiceUnlisted, reason))
    }

    /// H-E11: any log of replication may be of a VM whose disks nothing tells.
    fn perhaps_log_of_untold(&self, vm: usize) -> Judgement {
        let text = format!(
            "{}, {}, has disks that neither an inventory nor its configuration tells: this may be a log of one",
            self.owners.vms[vm].name,
            self.shown_replication(vm),
        );
        let settles = "the disks of that VM (Get-VMHardDiskDrive), or the end of its replication (Get-VMReplication)";
        Judgement::unknown(
            Class::ServiceUnlisted,
            settled(ReasonCode::ServiceObject, text, settles),
        )
    }

    fn shown_replication(&self, vm: usize) -> &'static str {
        let rows = self.owners.vms[vm].rows.iter();
        let mut rows = rows.map(|&(inventory, row)| &self.world.inventories[inventory].vms[row]);
        if rows.any(|row| row.is_replicated() == Some(true)) {
            "which is replicated"
        } else {
            "of which no inventory tells whether it is replicated"
        }
    }

    /// H-E4, H-E6: state that bears the id of a registered VM of Hyper-V or of a checkpoint of it, of which none of this kind is known: where it keeps it
    /// its configuration may not tell.
    pub(in crate::reconcile::judge) fn perhaps_state(&self, node: NodeId) -> Option<Judgement> {
        let kind = self.file(node).kind();
        let id = companions::id_of_state(self.world.files, node)?;
        let vm = &self.owners.vms[*self.wanted.by_id.get(&id)?];
        // Only what a VM runs on or was saved with is state of memory (H-E6).
        let is_own_id = vm
            .rows
            .iter()
            .any(|&(inventory, row)| self.world.inventories[inventory].vms[row].instance_id == Some(id));
        if is_own_id && kind != Kind::Vmgs && own::is_off(self.world, vm) {
            return None;
        }
        let is_it = |file: NodeId| {
            self.file(file).kind() == kind && companions::id_of_state(self.world.files, file) == Some(id)
        };
        let has_own = vm.files.keys().any(|&file| is_it(file));
        if has_own || vm.platform != Platform::Hyperv {
            return None;
        }
        let text = format!(
            "it bears the id of {}, of which no such file was found elsewhere",
            vm.name
        );
        let settles =
            "where that VM keeps its state (GuestStatePath, SmartPagingFilePath), or its start without this file";
        let reason = settled(ReasonCode::OwnerUnreadable, text, settles);
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// H-A11: a disk that bears the name of one of a VM whose storage moved when the inventory was taken.
    pub(in crate::reconcile::judge) fn perhaps_moving(&self, node: NodeId) -> Option<Judgement> {
        let vm = *self.wanted.moving_disks.get(self.world.files.name(node))?;
        let text = format!(
            "{} was being moved when the inventory was taken, or its status may say so, and this bears the name of one of its disks",
            self.owners.vms[vm].name
        );
        let reason = settled(
            ReasonCode::MergePending,
            text,
            "an inventory that is taken after the move",
        );
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// H-E3, H-E4: state under an id that no inventory and no configuration tells, or under none, while a registered VM may have
    /// such that nothing tells of: a checkpoint, an id, state at the place that its configuration names.
    pub(in crate::reconcile::judge) fn perhaps_untold_state(&self, node: NodeId) -> Option<Judgement> {
        let kind = self.file(node).kind();
        if !matches!(kind, Kind::Vmgs | Kind::Vmrs | Kind::Vsv | Kind::Bin | Kind::Slp) {
            return None;
        }
        let untold = &self.wanted.untold;
        let (vm, what, settles) = match companions::id_of_state(self.world.files, node) {
            Some(id) if self.traces.vm(id).is_some() || self.wanted.by_id.contains_key(&id) => return None,
            Some(_) if untold.id.is_some() => (untold.id?, "an id", "the ids of the VMs (VMId of Get-VM)"),
            // Paging files bear the id of their VM.
            Some(_) if kind == Kind::Slp => return None,
            Some(_) => (
                *[Some(self.root(node)), None]
                    .iter()
                    .find_map(|root| untold.checkpoints.get(root))?,
                "checkpoints",
                "the checkpoints of that VM (Get-VMSnapshot), or a scan of its configuration",
            ),
            None => (
                untold.state?,
                "state",
                "a scan of the configuration of that VM, or where it keeps its state (GuestStatePath)",
            ),
        };
        let text = format!(
            "{} may have {what} that neither an inventory nor a configuration tells: this may be of it",
            self.owners.vms[vm].name
        );
        let reason = settled(ReasonCode::OwnerUnreadable, text, settles);
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }
}

/// What settles whose a log of replication is.
const REPLICATION_ENDED: &str =
    "the replication of that VM ended (Get-VMReplication), or lower the number of its recovery points";

/// A configuration that tells what its VM has.
fn read_config(world: World<'_>, config: NodeId) -> Option<&VmEvidence> {
    own::vm_evidence(world.files, config).filter(|evidence| evidence.opaque.is_none())
}

/// The folded names of the disks that a VM has, as far as they are told.
fn disk_names(world: World<'_>, vm: &OwnerVm) -> BTreeSet<String> {
    let rows = vm
        .rows
        .iter()
        .map(|&(inventory, row)| &world.inventories[inventory].vms[row]);
    let listed = rows.flat_map(|row| &row.files).filter(|file| is_disk(file.role));
    let listed = listed.map(|file| file.path.as_str());
    let outside = vm.outside.iter().filter(|(role, _)| is_disk(*role));
    let written = listed.chain(outside.map(|(_, path)| path.as_str()));
    let written = written.filter_map(|path| match parse(path) {
        Parsed::Path(path) => Some(fold(path.name())),
        Parsed::NotAFile | Parsed::Unclear => None,
    });
    let missing = vm.missing.iter().filter(|missing| is_disk(missing.role));
    let missing = missing.map(|missing| fold(&String::from_utf8_lossy(RawPath::new(missing.path.clone()).name())));
    let found = vm
        .files
        .keys()
        .filter(|&&node| world.files.nodes[node].kind().is_disk());
    let found = found.map(|&node| world.files.name(node).to_owned());
    written.chain(missing).chain(found).collect()
}

/// True where neither a list nor its configuration tells all checkpoints of a VM.
fn may_have_more_checkpoints(world: World<'_>, vm: &OwnerVm) -> bool {
    let mut rows = vm
        .rows
        .iter()
        .map(|&(inventory, row)| &world.inventories[inventory].vms[row]);
    if rows.any(|row| row.checkpoints_told) {
        return false;
    }
    let Some(evidence) = vm.config.and_then(|config| read_config(world, config)) else {
        return true;
    };
    let read = evidence.instance_id.map_or(0, |id| world.checkpoints.of(id).count());
    u64::try_from(read).is_ok_and(|read| read < evidence.checkpoints)
}

/// The folder above that of the checkpoints.
fn home_of_checkpoint(folder: &[u8]) -> Vec<u8> {
    let mut folder = RawPath::new(folder);
    while !folder.is_empty() {
        let is_of_checkpoints = folder.name().eq_ignore_ascii_case(b"snapshots");
        folder = folder.folder();
        if is_of_checkpoints {
            break;
        }
    }
    folder.as_bytes().to_vec()
}
