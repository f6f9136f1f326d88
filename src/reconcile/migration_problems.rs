//! Problems that a migration meets, on either platform: long chains, old snapshots, disks that are no plain files of one
//! VM, media, disks over several datastores, encryption, and ids that two have.
//!
//! They are told of registered VMs, and of every VM found where no inventory was given at all: a check before a migration
//! needs none.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    coverage::{count, list},
    files::NodeId,
    judge::Judge,
    own::{self, OwnerVm},
    problems::{Finding, Problems, by_mark, configurations, shown},
    resolve::Target,
    signs::{source_of, statement},
};
use crate::{
    evidence::{DiskEvidence, MarkCode, Reference},
    inventory::Checkpoint,
    kind::{Kind, Platform, Role},
    path::fold,
    report::{
        codes::{ProblemCode, ReasonCode},
        model::{Reason, Severity, Weight},
    },
};

/// More links than this above a base are worth a look: VMware advises two or three snapshots in a chain (KB 318825).
const MANY_LINKS: usize = 3;

/// Most snapshots that ESXi allows in a chain (KB 318825).
const MAX_SNAPSHOTS: usize = 32;

/// Most checkpoints that Hyper-V allows of one VM.
const MAX_CHECKPOINTS: usize = 50;

/// A snapshot should not be kept longer (KB 318825: 72 hours).
const SNAPSHOT_AGE: SignedDuration = SignedDuration::from_hours(72);

impl Problems {
    /// Finds them.
    pub(super) fn of_migration(&mut self, judge: &Judge<'_>) {
        let no_inventory = judge.world.inventories.is_empty();
        let mut encrypted = BTreeSet::new();
        for (index, vm) in judge.owners.vms.iter().enumerate() {
            let is_checked = vm.is_registered() || no_inventory && vm.copy_of.is_none() && !vm.superseded;
            if !is_checked {
                continue;
            }
            let check = Check { judge, index, vm };
            check.chains(self);
            check.old_snapshots(self);
            check.raw_devices(self);
            check.devices(self);
            check.media(self);
            check.datastores(self);
            check.encryption(self, &mut encrypted);
        }
        self.duplicate_vms(judge);
        self.duplicate_disks(judge);
    }

    /// Two registered VMs with one id; a copy of a registered VM on disk is told with that VM.
    fn duplicate_vms(&mut self, judge: &Judge<'_>) {
        let mut by_id: BTreeMap<(Platform, &str, Uuid), BTreeSet<usize>> = BTreeMap::new();
        for (index, vm) in judge.owners.vms.iter().enumerate().filter(|(_, vm)| vm.is_registered()) {
            let evidence = vm.config.and_then(|config| own::vm_evidence(judge.world.files, config));
            let rows = vm
                .rows
                .iter()
                .map(|&(inventory, row)| &judge.world.inventories[inventory].vms[row]);
            let of_rows = rows.map(|row| (row.instance_id, row.bios_id));
            let of_config = evidence.map(|evidence| (evidence.instance_id, evidence.bios_id));
            for (instance, bios) in of_rows.chain(of_config) {
                for (what, id) in [("instance", instance), ("BIOS", bios)] {
                    if let Some(id) = id.filter(|id| !id.is_nil()) {
                        by_id.entry((vm.platform, what, id)).or_default().insert(index);
                    }
                }
            }
        }
        // A replica bears the id of its VM.
        let is_replicated = |&vm: &usize| {
            let mut rows = judge.owners.vms[vm].rows.iter();
            rows.any(|&(inventory, row)| judge.world.inventories[inventory].vms[row].is_replicated() == Some(true))
        };
        let several = by_id
            .into_iter()
            .filter(|(_, vms)| vms.len() > 1 && !vms.iter().all(is_replicated));
        for ((_, what, id), vms) in several {
            let names: Vec<&str> = vms.iter().map(|&vm| judge.owners.vms[vm].name.as_str()).collect();
            let finding = Finding {
                code: ProblemCode::DuplicateIdentity,
                severity: Severity::Warning,
                subject: names.join(", "),
                text: format!("{} registered VMs have the {what} UUID {id}", vms.len()),
                reasons: configurations(judge, vms.iter().copied()),
                next_step: "give one of them a new id before backup, replication or migration take them for one VM",
            };
            self.add(finding, &vms.into_iter().collect::<Vec<_>>());
        }
    }

    /// Two base disks of registered VMs with one identity: one is a file copy of the other. Those of Hyper-V are told with
    /// their VMs.
    fn duplicate_disks(&mut self, judge: &Judge<'_>) {
        let files = judge.world.files;
        let registered = |node: NodeId| -> Vec<usize> {
            let vms = judge.owners.vms_of.get(node).into_iter().flatten().copied();
            vms.filter(|&vm| judge.owners.vms[vm].is_registered()).collect()
        };
        let mut by_id: BTreeMap<&str, BTreeSet<NodeId>> = BTreeMap::new();
        for (node, file) in files.nodes.iter().enumerate() {
            let disk = file.evidence().and_then(|evidence| evidence.disk.as_ref());
            let id = disk
                .filter(|disk| !disk.has_parent)
                .and_then(|disk| disk.disk_id.as_deref());
            if let Some(id) = id.filter(|id| id.bytes().any(|digit| digit != b'0'))
                && file.kind().platform() == Some(Platform::Vmware)
                && !registered(node).is_empty()
            {
                by_id.entry(id).or_default().insert(files.first_name[node]);
            }
        }
        for (id, disks) in by_id.into_iter().filter(|(_, disks)| disks.len() > 1) {
            let vms: BTreeSet<usize> = disks.iter().flat_map(|&disk| registered(disk)).collect();
            let paths: Vec<String> = disks.iter().map(|&disk| source_of(files, disk, None)).collect();
            let finding = Finding {
                code: ProblemCode::DuplicateIdentity,
                severity: Severity::Warning,
                subject: paths.first().cloned().unwrap_or_default(),
                text: format!(
                    "{} disks in use carry the identity {id}: {}",
                    disks.len(),
                    paths.join(", ")
                ),
                reasons: paths
                    .iter()
                    .map(|path| {
                        shown(
                            ReasonCode::ReferencedBy,
                            format!("carries the identity {id}"),
                            path.clone(),
                        )
                    })
                    .collect(),
                next_step: "find out which is the copy; a guest that sees both, and some backups, take them for one disk",
            };
            self.add(finding, &vms.into_iter().collect::<Vec<_>>());
        }
    }

    /// A flat disk whose data file is not as long as its descriptor says.
    pub(super) fn extent_sizes(&mut self, judge: &Judge<'_>, node: NodeId) {
        let Some(extents) = flat_extents(judge, node) else {
            return;
        };
        let length = |extent: NodeId| judge.world.files.nodes[extent].entry.length;
        let found = extents
            .iter()
            .map(|&extent| length(extent))
            .fold(0, u64::saturating_add);
        let Some(written) = disk_of(judge, node).and_then(|disk| disk.virtual_bytes) else {
            return;
        };
        if found == written {
            return;
        }
        let vms = judge.owners.vms_of.get(node).unwrap_or_default();
        let is_short = found < written;
        let finding = Finding {
            code: ProblemCode::ExtentSizeMismatch,
            severity: if is_short && !vms.is_empty() {
                Severity::Error
            } else {
                Severity::Warning
            },
            subject: source_of(judge.world.files, node, None),
            text: format!("its extents have {found} bytes, and the descriptor says {written}"),
            reasons: extents
                .iter()
                .map(|&extent| {
                    let text = format!("has {} bytes", length(extent));
                    shown(
                        ReasonCode::ReferencedBy,
                        text,
                        source_of(judge.world.files, extent, None),
                    )
                })
                .collect(),
            next_step: if is_short {
                "the copy was cut off: restore it from its source or a backup"
            } else {
                "the disk was grown without its descriptor, or the descriptor is of another time: compare it with a backup"
            },
        };
        self.add(finding, vms);
    }
}

/// A snapshot or checkpoint of a VM.
struct Snapshot {
    created: Timestamp,
    name: String,
    /// Where it is known from.
    reason: Reason,
}

/// True for a checkpoint that is kept because somebody wants it, as far as its type tells.
fn is_of_user(checkpoint: &Checkpoint) -> bool {
    let kind = checkpoint.kind.as_deref().map(fold).unwrap_or_default();
    !["recovery", "replica", "planned", "missing"]
        .iter()
        .any(|other| kind.contains(other))
}

/// One VM that is looked at.
struct Check<'a> {
    judge: &'a Judge<'a>,
    index: usize,
    vm: &'a OwnerVm,
}

impl Check<'_> {
    fn add(&self, problems: &mut Problems, finding: Finding) {
        problems.add(finding, &[self.index]);
    }

    fn path(&self, node: NodeId) -> String {
        source_of(self.judge.world.files, node, None)
    }

    /// The disks that the VM runs on.
    fn leaves(&self) -> BTreeSet<NodeId> {
        let named = self.vm.configs().flat_map(|config| self.judge.references.of(config));
        let named = named.filter(|edge| edge.role == Role::Disk).map(|edge| edge.to);
        let listed =
            self.vm.files.iter().filter(|(_, via)| {
                matches!(via, own::Via::Listed { role: Role::Disk, .. }) && self.vm.config.is_none()
            });
        named.chain(listed.map(|(&node, _)| node)).collect()
    }

    fn chains(&self, problems: &mut Problems) {
        let (most, what) = match self.vm.platform {
            Platform::Vmware => (MAX_SNAPSHOTS, "ESXi allows 32 snapshots"),
            Platform::Hyperv => (MAX_CHECKPOINTS, "Hyper-V allows 50 checkpoints"),
        };
        for leaf in self.leaves() {
            let Some(links) = self.links_above_base(leaf) else {
                let finding = Finding {
                    code: ProblemCode::ChainCycle,
                    severity: Severity::Error,
                    subject: self.path(leaf),
                    text: "the links of its chain name each other in a circle".to_owned(),
                    reasons: configurations(self.judge, [self.index]),
                    next_step: "compare the parents of the links with a backup; no host can open the chain",
                };
                self.add(problems, finding);
                continue;
            };
            if links.len() <= MANY_LINKS {
                continue;
            }
            let is_full = links.len() >= most;
            let reasons = links.iter().map(|&link| {
                let text = "a link of the chain".to_owned();
                statement(ReasonCode::DifferencingDisk, text, Some(self.path(link)), Weight::For)
            });
            let finding = Finding {
                code: ProblemCode::DeepChain,
                severity: if is_full { Severity::Error } else { Severity::Warning },
                subject: self.path(leaf),
                text: format!(
                    "{} runs on a chain of {} links above its base; {what}, and two or three are advised",
                    self.vm.name,
                    links.len()
                ),
                reasons: reasons.collect(),
                next_step: "consolidate the chain before it is moved; see to free space first",
            };
            self.add(problems, finding);
        }
    }

    /// The links between a disk and its base, the disk among them; `None` for a chain without end.
    fn links_above_base(&self, leaf: NodeId) -> Option<Vec<NodeId>> {
        let mut links = Vec::new();
        let mut seen = BTreeSet::new();
        let mut node = leaf;
        loop {
            if !seen.insert(node) {
                return None;
            }
            let mut parents = self.judge.references.of(node).filter(|edge| edge.role == Role::Parent);
            let Some(parent) = parents.next() else {
                return Some(links);
            };
            links.push(node);
            node = parent.to;
        }
    }

    /// A snapshot from which others are cloned cannot go; it is what it is for.
    fn old_snapshots(&self, problems: &mut Problems) {
        let is_of_clones = |&node: &NodeId| {
            let mut children = self
                .judge
                .references
                .into(node)
                .filter(|edge| edge.role == Role::Parent);
            children.any(|edge| !self.vm.files.contains_key(&edge.from))
        };
        let age = |snapshot: &Snapshot| self.judge.options.as_of.duration_since(snapshot.created);
        let mut old = self.snapshots();
        old.retain(|snapshot| age(snapshot) > SNAPSHOT_AGE);
        let Some(oldest) = old.iter().min_by_key(|snapshot| snapshot.created) else {
            return;
        };
        if self.vm.files.keys().any(is_of_clones) {
            return;
        }
        let days = age(oldest).as_hours() / 24;
        let (one, many) = match self.vm.platform {
            Platform::Vmware => ("snapshot is", "snapshots are"),
            Platform::Hyperv => ("checkpoint is", "checkpoints are"),
        };
        let finding = Finding {
            code: ProblemCode::OldSnapshot,
            severity: Severity::Warning,
            subject: self.vm.name.clone(),
            text: format!(
                "{} older than three days; the oldest, {:?}, is {days} days old",
                count(old.len(), one, many),
                oldest.name
            ),
            reasons: vec![oldest.reason.clone()],
            next_step: "ask whose they are; a snapshot is no backup, and its disks grow until it is deleted",
        };
        self.add(problems, finding);
    }

    /// The snapshots of a list on the datastore; the checkpoints of a list of Hyper-V, and of those that no list tells
    /// the time of, the configurations: older than the last write to it a checkpoint is at least. Those that a backup or a
    /// replication made are not the user's.
    fn snapshots(&self) -> Vec<Snapshot> {
        let mut found = Vec::new();
        let mut told = BTreeSet::new();
        for &(inventory, row) in &self.vm.rows {
            let inventory = &self.judge.world.inventories[inventory];
            let row = &inventory.vms[row];
            for checkpoint in &row.checkpoints {
                if !is_of_user(checkpoint) {
                    told.insert(checkpoint.id);
                } else if checkpoint.created.is_some() && told.insert(checkpoint.id) {
                    let text = "the list of checkpoints tells when it was taken";
                    let source = format!("{}, {}", inventory.source, row.row);
                    found.push((checkpoint.created, checkpoint.name.clone(), text, source));
                }
            }
        }
        for &node in self.vm.files.keys() {
            let file = self.judge.world.files.nodes[node];
            let Some(evidence) = file.evidence() else { continue };
            for snapshot in &evidence.snapshots {
                let name = snapshot.name.clone().unwrap_or_else(|| "without a name".to_owned());
                let text = "the snapshot list tells when it was taken";
                found.push((snapshot.created, name, text, self.path(node)));
            }
            let checkpoint = evidence.vm.as_ref().filter(|vm| vm.checkpoint_of.is_some());
            if let Some(checkpoint) = checkpoint.filter(|vm| vm.instance_id.is_none_or(|id| !told.contains(&id))) {
                let name = checkpoint.name.clone().unwrap_or_default();
                let text = "its configuration was not written since";
                found.push((file.entry.modified, name, text, self.path(node)));
            }
        }
        let timed = found.into_iter().filter_map(|(created, name, text, source)| {
            Some(Snapshot {
                created: created?,
                name,
                reason: shown(ReasonCode::LastWritten, text.to_owned(), source),
            })
        });
        timed.collect()
    }

    fn raw_devices(&self, problems: &mut Problems) {
        let files = self.judge.world.files;
        let disks = self.vm.files.keys().copied();
        for disk in disks.filter(|&node| files.nodes[node].has_mark(MarkCode::RawDevice)) {
            let Some(form) = disk_of(self.judge, disk).and_then(|disk| disk.create_type.as_deref()) else {
                continue; // the pointer file: its descriptor tells
            };
            let (severity, what) = match fold(form).as_str() {
                "vmfsrdm" | "vmfsrawdevicemap" => (Severity::Info, "a raw device map in virtual mode"),
                "vmfsrdmp" | "vmfspassthroughrawdevicemap" => (
                    Severity::Warning,
                    "a raw device map in physical mode: no snapshot takes it, and no storage migration moves its data",
                ),
                _ => (Severity::Warning, "a physical disk of the host"),
            };
            let finding = Finding {
                code: ProblemCode::RawDeviceMap,
                severity,
                subject: self.path(disk),
                text: format!("a disk of {} is {what} ({form})", self.vm.name),
                reasons: by_mark(self.judge, disk, MarkCode::RawDevice, ReasonCode::RawDeviceMap),
                next_step: "plan the LUN behind it apart: map it at the target, or convert the disk first",
            };
            self.add(problems, finding);
        }
    }

    /// Devices that snapshots leave out or that several VMs write.
    fn devices(&self, problems: &mut Problems) {
        for config in self.vm.configs() {
            let devices = own::vm_evidence(self.judge.world.files, config).map_or(&[][..], |vm| &vm.devices);
            for device in devices {
                let named = self.reference_of(config, &device.device);
                if let Some(mode) = &device.independent {
                    let finding = Finding {
                        code: ProblemCode::IndependentDisk,
                        severity: Severity::Warning,
                        subject: self.vm.name.clone(),
                        text: format!(
                            "{} ({named}) is {mode}: snapshots leave it out, and so do backups by snapshot",
                            device.device
                        ),
                        reasons: self.at(config, &device.device),
                        next_step: "find out how it is backed up; move it with the VM off",
                    };
                    self.add(problems, finding);
                }
                if let Some(sharing) = &device.shared {
                    let text = format!("{} ({named}) is {sharing}: other VMs may write it", device.device);
                    self.shared(problems, text, self.at(config, &device.device));
                }
            }
            if devices.iter().any(|device| device.shared.is_some()) {
                continue;
            }
            let marks = self.judge.world.files.nodes[config]
                .evidence()
                .map_or(&[][..], |found| &found.marks);
            if let Some(mark) = marks.iter().find(|mark| mark.code == MarkCode::Shared) {
                self.shared(problems, mark.text.clone(), self.at(config, "configuration"));
            }
        }
    }

    fn shared(&self, problems: &mut Problems, text: String, reasons: Vec<Reason>) {
        let finding = Finding {
            code: ProblemCode::SharedDisk,
            severity: Severity::Warning,
            subject: self.vm.name.clone(),
            text,
            reasons,
            next_step: "move all VMs that share the disk together, with their cluster down",
        };
        self.add(problems, finding);
    }

    /// What a device of a configuration names, as written.
    fn reference_of(&self, config: NodeId, device: &str) -> String {
        let written = self.judge.world.files.nodes[config]
            .evidence()
            .map_or(&[][..], |found| &found.references);
        let key = format!("{device}.filename");
        let named = written.iter().find(|reference| fold(&reference.key) == key);
        named.map_or_else(|| "no file".to_owned(), |reference| reference.target.to_string())
    }

    fn at(&self, config: NodeId, key: &str) -> Vec<Reason> {
        let text = format!("the configuration says so ({key})");
        vec![statement(
            ReasonCode::ReferencedBy,
            text,
            Some(self.path(config)),
            Weight::For,
        )]
    }

    fn media(&self, problems: &mut Problems) {
        let files = self.judge.world.files;
        let mut mounted: BTreeMap<String, Vec<Reason>> = BTreeMap::new();
        for config in self.vm.configs() {
            let written = files.nodes[config]
                .evidence()
                .map_or(&[][..], |found| &found.references);
            let is_mounted = |(reference, target): &(&Reference, &Target)| {
                reference.role == Role::Media && !reference.weak && !matches!(target, Target::NotAFile)
            };
            let media = written
                .iter()
                .zip(&self.judge.references.targets[config])
                .filter(is_mounted);
            for (reference, _) in media {
                let image = reference.target.to_string();
                mounted.entry(image).or_insert_with(|| self.at(config, &reference.key));
            }
        }
        for (image, reasons) in mounted {
            let finding = Finding {
                code: ProblemCode::MountedIso,
                severity: Severity::Info,
                subject: self.vm.name.clone(),
                text: format!("the image {image} is attached to it"),
                reasons,
                next_step: "detach the image before the VM is moved, unless the guest needs it",
            };
            self.add(problems, finding);
        }
    }

    fn datastores(&self, problems: &mut Problems) {
        let files = self.judge.world.files;
        let mut by_store: BTreeMap<String, NodeId> = BTreeMap::new();
        for &node in self.vm.files.keys() {
            let kind = files.nodes[node].kind();
            if kind.is_disk() || kind.is_extent() {
                let name = self.judge.identities.roots[files.nodes[node].entry.root].name.clone();
                by_store.entry(name).or_insert(node);
            }
        }
        let outside = self.vm.outside.iter().filter(|(role, _)| *role == Role::Disk);
        let outside: Vec<&str> = outside.map(|(_, path)| path.as_str()).collect();
        if by_store.len() + usize::from(!outside.is_empty()) < 2 {
            return;
        }
        let stores = list(by_store.keys().map(String::as_str));
        let text = if outside.is_empty() {
            format!("its disks lie on {stores}")
        } else if by_store.is_empty() {
            return;
        } else {
            format!(
                "its disks lie on {stores} and outside of the scan ({})",
                list(outside.into_iter())
            )
        };
        let reasons = by_store.iter().map(|(store, &node)| {
            let text = format!("a disk on {store}");
            statement(ReasonCode::ReferencedBy, text, Some(self.path(node)), Weight::For)
        });
        let finding = Finding {
            code: ProblemCode::SeveralDatastores,
            severity: Severity::Info,
            subject: self.vm.name.clone(),
            text,
            reasons: reasons.collect(),
            next_step: "move all of its disks, or see that both datastores are there at the target",
        };
        self.add(problems, finding);
    }

    /// A file that several VMs have, or that has several names, is told of once: with the first of them.
    fn encryption(&self, problems: &mut Problems, told: &mut BTreeSet<NodeId>) {
        let files = self.judge.world.files;
        let is_told = |&node: &NodeId| {
            let kind = files.nodes[node].kind();
            kind.is_config() || kind.is_disk()
        };
        let mut vms = BTreeSet::from([self.index]);
        let marks = self.vm.files.keys().copied().filter(is_told).filter_map(|node| {
            let marks = &files.nodes[node].evidence()?.marks;
            let mark = marks.iter().find(|mark| mark.code == MarkCode::Encrypted)?;
            if !told.insert(files.first_name[node]) {
                return None;
            }
            vms.extend(self.judge.owners.vms_of.get(node).into_iter().flatten());
            Some((node, mark))
        });
        let reasons: Vec<Reason> = marks
            .map(|(node, mark)| {
                let source = Some(source_of(files, node, mark.offset));
                statement(ReasonCode::ReferencedBy, mark.text.clone(), source, Weight::For)
            })
            .collect();
        if reasons.is_empty() {
            return;
        }
        let finding = Finding {
            code: ProblemCode::Encrypted,
            severity: Severity::Warning,
            subject: self.vm.name.clone(),
            text: format!("{} of it encrypted", count(reasons.len(), "file is", "files are")),
            reasons,
            next_step: "see that the keys are there at the target before it is moved",
        };
        problems.add(finding, &vms.into_iter().collect::<Vec<_>>());
    }
}

fn disk_of<'a>(judge: &'a Judge<'_>, node: NodeId) -> Option<&'a DiskEvidence> {
    judge.world.files.nodes[node].evidence()?.disk.as_deref()
}

/// The data files of a descriptor whose extents are flat and all there.
fn flat_extents(judge: &Judge<'_>, node: NodeId) -> Option<BTreeSet<NodeId>> {
    const FLAT: [&str; 9] = [
        "vmfs",
        "vmfsthin",
        "vmfsthick",
        "vmfspreallocated",
        "vmfseagerzeroedthick",
        "monolithicflat",
        "twogbmaxextentflat",
        "2gbmaxextentflat",
        "thick",
    ];
    let files = judge.world.files;
    let form = fold(disk_of(judge, node)?.create_type.as_deref()?);
    if files.nodes[node].kind() != Kind::VmdkDescriptor || !FLAT.contains(&form.as_str()) {
        return None;
    }
    let written = &files.nodes[node].evidence()?.references;
    let mut extents: BTreeSet<NodeId> = BTreeSet::new();
    for (reference, target) in written.iter().zip(&judge.references.targets[node]) {
        if reference.role != Role::Extent {
            continue;
        }
        let Target::Files(found) = target else { return None };
        extents.insert(found.first()?.0);
    }
    (!extents.is_empty()).then_some(extents)
}
