//! What may be a file that a registered VM misses.

use std::collections::HashMap;

use super::{Judge, Judgement, reasons::settled, situation::Situation};
use crate::{
    kind::{Kind, Platform, Role},
    path::fold,
    raw::RawPath,
    reconcile::{
        coverage::home_folder,
        files::NodeId,
        own::{self, Missing, OwnerVm, Owners, World},
    },
    report::codes::{Class, ReasonCode},
};

/// A VM and one of its missing files, by their places.
type MissedFile<'a> = (usize, &'a Missing);

/// The files that registered VMs miss; of those that are alike the first.
#[derive(Debug, Default)]
pub(crate) struct Missed<'a> {
    /// Disks by their folded name.
    disks: HashMap<String, MissedFile<'a>>,
    /// Disks by the root and folder in which they should lie. The top of a root is no folder of a VM.
    disks_in: HashMap<(usize, &'a [u8]), MissedFile<'a>>,
    /// All files by root and folded extension.
    by_extension: HashMap<(usize, String), MissedFile<'a>>,
    /// VMs of Hyper-V by the root and folder that hold those of their configuration.
    hyperv_homes: HashMap<(usize, Vec<u8>), Vec<usize>>,
}

impl<'a> Missed<'a> {
    pub(crate) fn new(world: World<'_>, owners: &'a Owners) -> Self {
        let mut missed = Self::default();
        for (index, vm) in owners.vms.iter().enumerate().filter(|(_, vm)| vm.is_registered()) {
            for missing in &vm.missing {
                missed.add(index, missing);
            }
            if let Some(config) = vm.config.filter(|_| vm.platform == Platform::Hyperv) {
                let file = world.files.nodes[config];
                let home = (file.entry.root, home_folder(file.folder()));
                missed.hyperv_homes.entry(home).or_default().push(index);
            }
        }
        missed
    }

    fn add(&mut self, vm: usize, missing: &'a Missing) {
        let (folder, name) = split(&missing.path);
        let name = fold(&String::from_utf8_lossy(name));
        let extension = extension(&name).unwrap_or_default().to_owned();
        let found = (vm, missing);
        self.by_extension.entry((missing.root, extension)).or_insert(found);
        if matches!(missing.role, Role::Disk | Role::Parent) {
            self.disks.entry(name).or_insert(found);
            if !folder.is_empty() {
                self.disks_in.entry((missing.root, folder)).or_insert(found);
            }
        }
    }
}

impl Judge<'_> {
    /// H-B10, V47: a disk that may be one which a registered VM misses. Windows renames what it bins, so that any of its kind
    /// there may be it; elsewhere it has the name of the missing one, or lies where that should lie.
    pub(super) fn missed_disk(&self, node: NodeId, situation: &Situation) -> Option<Judgement> {
        let settles = "find out whether it is the missing file and restore it";
        let name = self.world.files.name(node);
        if situation.class == Class::RecycleBin {
            let of_kind = (self.root(node), extension(name)?.to_owned());
            let (vm, _) = self.missed.by_extension.get(&of_kind)?;
            let text = format!(
                "it lies in a recycle bin, and {} misses a file of this kind on the same datastore",
                self.owners.vms[*vm].name
            );
            let reason = settled(ReasonCode::InRecycleBin, text, settles);
            return Some(Judgement::unknown(Class::AmbiguousReference, reason));
        }
        let file = self.file(node);
        if !file.kind().is_disk() {
            return None;
        }
        let in_its_place = self.missed.disks_in.get(&(self.root(node), file.folder()));
        let (vm, missing) = self.missed.disks.get(name).or(in_its_place)?;
        let text = format!(
            "{} misses {} on {}, and this may be it under another name or at another place",
            self.owners.vms[*vm].name,
            String::from_utf8_lossy(&missing.path),
            self.identities.roots[missing.root].name
        );
        let reason = settled(ReasonCode::TargetGone, text, settles);
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// H-D2: a configuration or state in the checkpoint folder of a registered VM of which not all checkpoints are known, and
    /// that does not carry its id. Where a checkpoint has the ids is assumed (formats-hyperv 1.8), so that it may be one.
    pub(super) fn unclear_checkpoint(&self, node: NodeId) -> Option<Judgement> {
        let file = self.file(node);
        let is_of_checkpoint = file.kind().is_config() || matches!(file.kind(), Kind::Vmrs | Kind::Bin | Kind::Vsv);
        let mut folders = file.folder().rsplit(|&byte| byte == b'/');
        let is_among_checkpoints = folders.any(|folder| folder.eq_ignore_ascii_case(b"snapshots"));
        if !is_of_checkpoint || file.kind().platform() != Some(Platform::Hyperv) || !is_among_checkpoints {
            return None;
        }
        let home = (self.root(node), home_of_checkpoint(file.folder()));
        let vms = self.missed.hyperv_homes.get(&home)?;
        let carries_other = own::vm_evidence(self.world.files, node).is_some_and(|vm| vm.checkpoint_of.is_some());
        // In a folder of several VMs lies what others left there, too.
        if carries_other && vms.len() > 1 {
            return None;
        }
        let mut vms = vms.iter().map(|&vm| &self.owners.vms[vm]);
        let vm = vms.find(|vm| self.may_have_more_checkpoints(vm))?;
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

    fn may_have_more_checkpoints(&self, vm: &OwnerVm) -> bool {
        let mut rows = vm
            .rows
            .iter()
            .map(|&(inventory, row)| &self.world.inventories[inventory].vms[row]);
        if rows.any(|row| row.checkpoints_told) {
            return false;
        }
        let evidence = vm.config.and_then(|config| own::vm_evidence(self.world.files, config));
        let Some(evidence) = evidence.filter(|evidence| evidence.opaque.is_none()) else {
            return true;
        };
        let read = evidence
            .instance_id
            .map_or(0, |id| self.world.checkpoints.of(id).count());
        u64::try_from(read).is_ok_and(|read| read < evidence.checkpoints)
    }
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

/// Folder and name of a path.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

/// What follows the last dot of a name.
fn extension(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, extension)| extension)
}
