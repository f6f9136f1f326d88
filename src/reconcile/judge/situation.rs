//! Which situation a file is in when nobody owns it: the class of the verdict and what may be done.

use std::collections::BTreeSet;

use foldhash::HashSet;
use uuid::Uuid;

use super::{
    Judge,
    names::{in_recycle_bin, is_redo_log},
};
use crate::{
    classify,
    evidence::{DiskEvidence, LinkId, MarkCode},
    kind::{Kind, Platform, Role},
    path::fold,
    raw::RawPath,
    reconcile::{
        coverage::list,
        files::NodeId,
        own::{Owners, World},
        resolve::Target,
        signs::statement,
    },
    report::{
        codes::{Class, ReasonCode},
        model::{Reason, Risk, Weight},
    },
};

/// How a situation grades what may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grade {
    Candidate,
    Review,
    /// Review, with medium confidence at most.
    Unsure,
    /// Review, with low confidence.
    Low,
    /// Never, with low confidence.
    Headless,
    Never,
}

/// Which situation a file is in when nobody owns it.
#[derive(Debug)]
pub(super) struct Situation {
    pub(super) class: Class,
    pub(super) grade: Grade,
    pub(super) risk: Option<Risk>,
    pub(super) needs_inventory: bool,
    pub(super) reasons: Vec<Reason>,
}

impl Situation {
    pub(super) fn new(class: Class, grade: Grade) -> Self {
        Self {
            class,
            grade,
            risk: None,
            needs_inventory: true,
            reasons: Vec::new(),
        }
    }

    pub(super) fn because(self, code: ReasonCode, text: &str) -> Self {
        self.with(statement(code, text.to_owned(), None, Weight::For))
    }

    fn with(mut self, reason: Reason) -> Self {
        self.reasons.push(reason);
        self
    }

    fn at_risk(mut self, risk: Risk) -> Self {
        self.risk = Some(risk);
        self
    }

    pub(super) fn without_inventory(mut self) -> Self {
        self.needs_inventory = false;
        self
    }
}

impl Judge<'_> {
    pub(super) fn situation(&self, node: NodeId) -> Situation {
        let file = self.file(node);
        let disk = file.evidence().and_then(|evidence| evidence.disk.as_deref());
        let referenced_by = |role: Role| {
            self.references
                .into(node)
                .any(|edge| edge.role == role && !self.is_by_name_alone(edge))
        };
        if in_recycle_bin(&self.path(node)) {
            return Situation::new(Class::RecycleBin, Grade::Low)
                .because(ReasonCode::InRecycleBin, "it lies in a recycle bin");
        }
        if let Some(leaked) = self.leaked(node) {
            return leaked;
        }
        if disk.is_some_and(|disk| disk.fcd_id.is_some()) {
            return Situation::new(Class::LeakedVolume, Grade::Review).because(
                ReasonCode::NotRegistered,
                "it carries the id of a First Class Disk that the catalogue does not list",
            );
        }
        if is_redo_log(self.world.files.name(node)) {
            return Situation::new(Class::LeftoverState, Grade::Review)
                .because(ReasonCode::TargetGone, "a redo log that no running VM names");
        }
        match file.kind() {
            Kind::VmdkRdm => Situation::new(Class::RdmPointer, Grade::Review).because(
                ReasonCode::RawDeviceMap,
                "a raw device map: the data are on a LUN, next to nothing is reclaimed here",
            ),
            kind if kind.is_extent() && !is_whole_disk(kind, disk) && !referenced_by(Role::Extent) => {
                self.headless(node)
            }
            Kind::VmdkCtk | Kind::Rct | Kind::Mrt => self.sidecar(node),
            Kind::VmdkDigest | Kind::Vmxf => Situation::new(Class::LeftoverSidecar, Grade::Candidate),
            Kind::Vmsd => Situation::new(Class::LeftoverSidecar, Grade::Candidate).because(
                ReasonCode::TargetGone,
                "a snapshot list, and no VM that it could be of is there",
            ),
            Kind::Hrl | Kind::Hru => Situation::new(Class::LeftoverSidecar, Grade::Review).because(
                ReasonCode::TargetGone,
                "a log of Hyper-V Replica, and no disk of a VM that it could be of is there",
            ),
            Kind::VmdkDescriptor if self.is_digest_of_nothing(node) => {
                Situation::new(Class::LeftoverSidecar, Grade::Candidate)
            }
            Kind::Psf | Kind::Referenced => Situation::new(Class::LeftoverSidecar, Grade::Review),
            Kind::Vswp => Situation::new(Class::LeftoverState, Grade::Candidate).because(
                ReasonCode::TargetGone,
                "a swap file is needed only while its VM runs, and no VM names it",
            ),
            Kind::Vmgs => self.guest_state(node),
            Kind::Vmsn | Kind::Vmss | Kind::Vmem => Situation::new(Class::LeftoverState, Grade::Review).because(
                ReasonCode::TargetGone,
                "state of a VM, and no configuration or snapshot list on the scanned roots names it",
            ),
            Kind::Nvram => Situation::new(Class::LeftoverState, Grade::Review),
            Kind::Vmrs | Kind::Bin | Kind::Vsv | Kind::Slp => {
                let mut situation = Situation::new(Class::LeftoverState, Grade::Review);
                situation.reasons.extend(self.id_of_nobody_reason(node));
                situation
            }
            Kind::VmLog => Situation::new(Class::Diagnostic, Grade::Candidate),
            Kind::Vmx | Kind::Vmtx => Situation::new(Class::TornVm, Grade::Review),
            Kind::Vmcx | Kind::HypervXml => Situation::new(Class::LeftoverState, Grade::Review).because(
                ReasonCode::TargetGone,
                "the configuration of a checkpoint whose VM is not there",
            ),
            Kind::Vhds => Situation::new(Class::DeletedVmDisk, Grade::Review),
            _ => self.disk_situation(node),
        }
    }

    /// What a service left in its own folder and does not list.
    fn leaked(&self, node: NodeId) -> Option<Situation> {
        let rule = self.rules[node].filter(|rule| self.is_leaked(node, rule.class))?;
        if rule.class == Class::HostScratch {
            return Some(Situation::new(Class::HostLeftover, Grade::Low).because(
                ReasonCode::TargetGone,
                "it bears the UUID of a host, and none of the hosts that the inventories list has it",
            ));
        }
        let class = match rule.class {
            Class::Fcd => Class::LeakedVolume,
            Class::HypervReplica => Class::ReplicaLeftover,
            _ => Class::LibraryLeftover,
        };
        Some(Situation::new(class, Grade::Review).because(
            ReasonCode::NotRegistered,
            "it lies in the service's folder, and the service's own list does not name it",
        ))
    }

    /// V49: the descriptor of a digest whose disk is not there. One whose disk is there goes with it.
    fn is_digest_of_nothing(&self, node: NodeId) -> bool {
        let files = self.world.files;
        let Some(stem) = files.name(node).strip_suffix("-digest.vmdk") else {
            return false;
        };
        let disk = format!("{stem}.vmdk");
        let mut extents = self.references.of(node).filter(|edge| edge.role == Role::Extent);
        extents.any(|edge| self.file(edge.to).kind() == Kind::VmdkDigest)
            && !files.any_named(self.root(node), self.file(node).folder(), &disk, |_| true)
    }

    /// The disk whose changes a file tracks, by its name.
    pub(super) fn tracked_disk(&self, node: NodeId) -> Option<RawPath> {
        let name = self.world.files.name(node);
        let disk = match self.file(node).kind() {
            Kind::VmdkCtk => name.replace("-ctk.vmdk", ".vmdk"),
            Kind::Rct | Kind::Mrt => name.rsplit_once('.')?.0.to_owned(),
            _ => return None,
        };
        Some(RawPath::new(self.file(node).folder().to_vec()).join(disk.as_bytes()))
    }

    /// The descriptor that an extent has by its name, where no file names it as an extent.
    pub(super) fn implied_descriptor(&self, node: NodeId) -> Option<RawPath> {
        let file = self.file(node);
        let is_named = || self.references.into(node).any(|edge| edge.role == Role::Extent);
        if !file.kind().is_extent() || is_named() {
            return None;
        }
        let descriptor = classify::implied_descriptor(file.entry.path.name())?;
        Some(RawPath::new(file.folder().to_vec()).join(&descriptor))
    }

    /// A change tracking file: without its disk it needs no inventory to be judged.
    pub(super) fn sidecar(&self, node: NodeId) -> Situation {
        let disk = self.tracked_disk(node);
        let disk = disk.as_ref().map(|disk| String::from_utf8_lossy(disk.name()));
        let is_there = disk.is_some_and(|disk| {
            let folder = self.file(node).folder();
            let files = self.world.files;
            files.any_named(self.root(node), folder, &disk, |other| other != node)
        });
        let situation = Situation::new(Class::LeftoverSidecar, Grade::Candidate);
        if is_there {
            return situation.because(ReasonCode::NoReference, "its disk is there and does not name it");
        }
        situation
            .because(ReasonCode::TargetGone, "the disk whose changes it tracks is gone")
            .without_inventory()
    }

    /// H-E4: the state of a VM with a vTPM is the key to its disks.
    pub(super) fn guest_state(&self, node: NodeId) -> Situation {
        let text = if self.file(node).has_mark(MarkCode::VirtualTpm) {
            "it holds a virtual TPM: without it an encrypted disk cannot be opened"
        } else {
            "it holds the firmware state of a VM and perhaps the key to its disks"
        };
        let reason = statement(ReasonCode::VirtualTpm, text.to_owned(), None, Weight::Against);
        Situation::new(Class::LeftoverState, Grade::Never)
            .with(reason)
            .at_risk(Risk::DataLoss)
    }

    /// A descriptor that was written anew beside the old one: tools that delete a disk delete its extents too.
    fn sharing(&self, node: NodeId, extent: NodeId, other: NodeId) -> Situation {
        let text = format!(
            "{} names the same extent {}: whoever deletes this disk with a tool of the platform deletes the data of that one",
            self.path_beside(other, node),
            self.path_beside(extent, node)
        );
        let reason = statement(ReasonCode::TwinInUse, text, Some(self.path(other)), Weight::Against);
        Situation::new(self.class_of_descriptor(node), Grade::Review)
            .with(reason)
            .at_risk(Risk::DataLoss)
    }

    /// V40: data that no descriptor names.
    fn headless(&self, node: NodeId) -> Situation {
        let text = "no descriptor names it; a running VM goes on without its descriptor: recreate the descriptor, do not delete the data";
        let situation = Situation::new(Class::HeadlessExtent, Grade::Headless).because(ReasonCode::TargetGone, text);
        let descriptor = self.descriptor_of_renamed(node);
        let Some(descriptor) = descriptor.filter(|_| self.is_renamed(node)) else {
            return situation;
        };
        let text = format!(
            "{} beside it names data that are not there, and a disk as long as this: these may be its data under another name",
            self.path(descriptor)
        );
        let source = Some(self.path(descriptor));
        situation.with(statement(ReasonCode::TargetGone, text, source, Weight::Against))
    }

    /// The descriptor in the folder of data that nobody names whose own data are not there, where the length fits.
    pub(super) fn descriptor_of_renamed(&self, extent: NodeId) -> Option<NodeId> {
        let mut near = self.near(extent, |kind| kind == Kind::VmdkDescriptor);
        near.find(|&descriptor| self.may_be_data_of(extent, descriptor))
    }

    /// Data in the folder of a descriptor whose own are not there that nobody names, where the length fits.
    fn renamed_data(&self, descriptor: NodeId) -> Option<NodeId> {
        let mut near = self.near(descriptor, Kind::is_extent);
        near.find(|&extent| self.is_renamed(extent) && self.may_be_data_of(extent, descriptor))
    }

    /// True for data whose name is not that of the data of another disk.
    fn is_renamed(&self, extent: NodeId) -> bool {
        self.implied_descriptor(extent).is_none()
    }

    fn near(&self, node: NodeId, is: impl Fn(Kind) -> bool) -> impl Iterator<Item = NodeId> {
        let near = self.world.files.in_folder(self.root(node), self.file(node).folder());
        let near = near.iter().copied().filter(move |&other| is(self.file(other).kind()));
        near.take(NEAR_MAX)
    }

    /// Raw data have the length of their disk; those of a link grow.
    fn may_be_data_of(&self, extent: NodeId, descriptor: NodeId) -> bool {
        let is_named = || self.references.into(extent).any(|edge| edge.role == Role::Extent);
        let disk = self
            .file(descriptor)
            .evidence()
            .and_then(|evidence| evidence.disk.as_ref());
        let length = disk.and_then(|disk| disk.virtual_bytes);
        let fits = || {
            let is_raw = self.file(extent).kind() == Kind::VmdkFlat;
            !is_raw || length.is_none_or(|length| length == self.file(extent).entry.length)
        };
        self.is_dangling(descriptor) && fits() && !is_named()
    }

    /// V40: beside a descriptor that names another extent or none lie data under its name: they want it mended.
    fn beside_its_data(&self, node: NodeId, extent: NodeId) -> Situation {
        let text = format!(
            "{} bears its name, and it does not name that: mend it rather than delete it, where these data are wanted",
            self.path_beside(extent, node)
        );
        let reason = statement(ReasonCode::TargetGone, text, Some(self.path(extent)), Weight::Against);
        Situation::new(self.class_of_descriptor(node), Grade::Review).with(reason)
    }

    fn beside_renamed_data(&self, extent: NodeId) -> Situation {
        let text = format!(
            "the data that it names are gone, and {} beside it, which nothing names, is as long as its disk: they may be these under \
             another name, so that this tells what they are",
            self.path(extent)
        );
        let reason = statement(ReasonCode::TargetGone, text, Some(self.path(extent)), Weight::Against);
        Situation::new(Class::DanglingDescriptor, Grade::Review).with(reason)
    }

    fn class_of_descriptor(&self, node: NodeId) -> Class {
        if self.is_dangling(node) {
            Class::DanglingDescriptor
        } else {
            Class::DeletedVmDisk
        }
    }

    /// V86: what is said of a disk whose data are an object of vSAN or a virtual volume.
    fn behind_object(&self, node: NodeId) -> Option<Situation> {
        let marks = &self.file(node).evidence()?.marks;
        let object = marks.iter().find(|mark| mark.code == MarkCode::ObjectBacked)?;
        let text = format!(
            "{}: to delete only the descriptor frees nothing and leaves the object behind",
            object.text
        );
        Some(Situation::new(Class::DeletedVmDisk, Grade::Review).because(ReasonCode::VsanObjects, &text))
    }

    /// An extent that this disk names and that is one of another descriptor as well, and that descriptor.
    fn shared_extent(&self, node: NodeId) -> Option<(NodeId, NodeId)> {
        let first = &self.world.files.first_name;
        let named = self
            .references
            .of(node)
            .filter(|edge| edge.role == Role::Extent && edge.to != node && !self.is_by_name_alone(edge));
        named.map(|edge| edge.to).find_map(|extent| {
            let mut of_others = self.references.into(extent).filter(|edge| edge.role == Role::Extent);
            let other = of_others.find(|edge| edge.from != extent && first[edge.from] != first[node])?;
            Some((extent, other.from))
        })
    }

    pub(super) fn disk_situation(&self, node: NodeId) -> Situation {
        let file = self.file(node);
        let disk = file.evidence().and_then(|evidence| evidence.disk.as_ref());
        let name = self.world.files.name(node);
        if file.has_mark(MarkCode::RawDevice) {
            return Situation::new(Class::RdmPointer, Grade::Review).because(
                ReasonCode::RawDeviceMap,
                "a raw device map: the data are on a LUN, next to nothing is reclaimed here",
            );
        }
        if let Some(situation) = self.behind_object(node) {
            return situation;
        }
        if let Some((extent, other)) = self.shared_extent(node) {
            return self.sharing(node, extent, other);
        }
        if let Some(edge) = self.references.of(node).find(|edge| self.is_by_name_alone(edge)) {
            return self.beside_its_data(node, edge.to);
        }
        if let Some(extent) = self.renamed_data(node) {
            return self.beside_renamed_data(extent);
        }
        if self.is_dangling(node) {
            let situation =
                |grade, text| Situation::new(Class::DanglingDescriptor, grade).because(ReasonCode::TargetGone, text);
            return if self.coverage.roots[self.root(node)].is_vsan {
                let text = "an extent that the descriptor names is gone; on vSAN its object may still be there";
                situation(Grade::Review, text)
            } else {
                situation(Grade::Candidate, "an extent that the descriptor names is gone")
            };
        }
        if let Some(twin) = self.used_twin(node) {
            let text = format!(
                "{} is the same disk and in use: this is a copy of it, left by a migration or made by somebody",
                self.path_beside(twin, node)
            );
            let reason = statement(ReasonCode::TwinInUse, text, Some(self.path(twin)), Weight::For);
            return Situation::new(Class::MigrationLeftover, Grade::Candidate).with(reason);
        }
        if let Some(other) = self.copy_of_used(node) {
            let text = format!(
                "{} has the same identity, other content, and is in use: this is what a replication was seeded with, a restore or an old copy",
                self.path_beside(other, node)
            );
            let reason = statement(ReasonCode::OlderCopy, text, Some(self.path(other)), Weight::For);
            return Situation::new(Class::ReplicaLeftover, Grade::Review).with(reason);
        }
        if let Some(situation) = self.older_copy(node) {
            return situation;
        }
        if name.ends_with("-autorecovery.avhdx") || name.ends_with("-autorecovery.avhd") {
            return Situation::new(Class::UnmergedBackupCheckpoint, Grade::Review).because(
                ReasonCode::DifferencingDisk,
                "a recovery disk of a backup that should have vanished after it",
            );
        }
        if disk.is_some_and(|disk| disk.has_parent) || matches!(file.kind(), Kind::Avhd | Kind::Avhdx) {
            return self.stranded(node);
        }
        if fold(&self.path(node)).contains("-basedisk-") {
            return Situation::new(Class::UnusedParent, Grade::Unsure).because(
                ReasonCode::NoReference,
                "named like the base disk of a machine catalogue, and no child of it was found on the scanned roots",
            );
        }
        if self.stores.contains(&(self.root(node), file.folder())) {
            return Situation::new(Class::DeletedVmDisk, Grade::Review).because(
                ReasonCode::ProductStore,
                "disks of several names and nothing of a VM lie in its folder, as in the store of a product",
            );
        }
        Situation::new(Class::DeletedVmDisk, Grade::Candidate)
    }

    /// V44, H-D5: a link that no chain of a VM reaches.
    fn stranded(&self, node: NodeId) -> Situation {
        let has_child = self.references.into(node).any(|edge| edge.role == Role::Parent);
        let text = if has_child {
            "a link of a chain that no VM reaches: whatever was made on it is nobody's as well"
        } else {
            "the last link of a chain, and no VM runs on it or has it as a snapshot"
        };
        let mut situation =
            Situation::new(Class::StrandedSnapshot, Grade::Review).because(ReasonCode::DifferencingDisk, text);
        situation.reasons.extend(self.lost_parent_reason(node));
        situation
    }

    /// H-D9: what a link names as its parent is nowhere, so that its data cannot be read.
    fn lost_parent_reason(&self, node: NodeId) -> Option<Reason> {
        let is_lost = matches!(
            self.references.broken.get(&node)?,
            Target::Missing { .. } | Target::NotAFile
        );
        let evidence = self.file(node).evidence().filter(|_| is_lost)?;
        let named = evidence
            .references
            .iter()
            .filter(|reference| reference.role == Role::Parent);
        let named: Vec<String> = named.map(|reference| reference.target.to_string()).collect();
        let text = format!(
            "its parent was not found: it names {}, and no disk on the scanned roots has the id that it quotes; without it the link \
             cannot be read",
            list(named.iter().map(String::as_str))
        );
        Some(statement(
            ReasonCode::TargetGone,
            text,
            Some(self.path(node)),
            Weight::For,
        ))
    }

    /// The id in the name of state of Hyper-V is that of its VM or checkpoint (H-E3).
    fn id_of_nobody_reason(&self, node: NodeId) -> Option<Reason> {
        let name = self.world.files.name(node);
        let id = Uuid::try_parse(name.get(..36)?).ok()?;
        if self.traces.vm(id).is_some() {
            return None;
        }
        let text = format!(
            "its name bears the id {id}, which no VM has that is registered or has its configuration on the scanned roots"
        );
        Some(statement(ReasonCode::TargetGone, text, None, Weight::For))
    }

    /// V24: a base disk with the `ddb.uuid` of one that a registered VM has, and other content. A file copy keeps that id,
    /// and a replica or a restore has it; clones that vCenter makes get one of their own.
    fn copy_of_used(&self, node: NodeId) -> Option<NodeId> {
        let disk = self.file(node).evidence()?.disk.as_ref()?;
        let disk_id = disk.disk_id.as_deref()?;
        let first = &self.world.files.first_name;
        let is_registered = |other: &NodeId| {
            let vms = self.owners.vms_of.get(*other);
            vms.is_some_and(|vms| vms.iter().any(|&vm| self.owners.vms[vm].is_registered()))
        };
        let of_vmware = self.file(node).kind().platform() == Some(Platform::Vmware) && !disk.has_parent;
        let others = self.world.resolver.with_disk_id(disk_id).iter().copied();
        others
            .filter(|&other| of_vmware && first[other] != first[node])
            .find(is_registered)
    }

    /// H-D15: a base disk that bears the identity of one in use, not its content: the page 83 id of a VHDX and the unique id
    /// of a VHD stay when the disk is written, and every copy has them. A migration leaves such a disk once its copy has
    /// run; so do a restore and the image that a disk was copied from. That is for review, and where several disks in use are copies
    /// of it, it is an image rather than what a migration left.
    fn older_copy(&self, node: NodeId) -> Option<Situation> {
        let copies = self.copies_in_use(node);
        let first = *copies.first()?;
        let (class, text) = if copies.len() == 1 {
            let text = format!(
                "{} carries the same id, other content, and is in use: this is what a migration left, an older copy, or the image \
                 that it was made from",
                self.path_beside(first, node)
            );
            (Class::MigrationLeftover, text)
        } else {
            let text = format!(
                "{} disks in use carry the same id, {} among them: this may be the image that they were made from",
                copies.len(),
                self.path_beside(first, node)
            );
            (Class::DeletedVmDisk, text)
        };
        let mut situation = Situation::new(class, Grade::Unsure);
        let source = Some(self.path(first));
        situation
            .reasons
            .push(statement(ReasonCode::OlderCopy, text, source, Weight::For));
        Some(situation)
    }

    /// The base disks of registered VMs that bear the identity of this one.
    fn copies_in_use(&self, node: NodeId) -> Vec<NodeId> {
        let base = |node: NodeId| {
            let disk = self.file(node).evidence().and_then(|evidence| evidence.disk.as_ref());
            let is_of_hyperv = matches!(self.file(node).kind(), Kind::Vhd | Kind::Vhdx);
            disk.filter(|disk| is_of_hyperv && !disk.has_parent)
        };
        let Some(disk) = base(node) else { return Vec::new() };
        let alike = match (&disk.disk_id, disk.link) {
            (Some(disk_id), _) => self.world.resolver.with_disk_id(disk_id),
            (None, Some(link)) => self.world.resolver.with_link(link),
            (None, None) => &[],
        };
        let first = &self.world.files.first_name;
        let is_registered = |other: NodeId| {
            let vms = self.owners.vms_of.get(other).into_iter().flatten();
            vms.into_iter().any(|&vm| self.owners.vms[vm].is_registered())
        };
        let names = alike.iter().copied().filter(|&other| first[other] == other);
        names
            .filter(|&other| other != first[node] && base(other).is_some() && is_registered(other))
            .collect()
    }

    /// H-D15: the same disk at another place, which a VM uses. The `DataWriteGuid` of a VHDX changes with its content; the id
    /// of a VHD does not, and proves no twin.
    pub(super) fn used_twin(&self, node: NodeId) -> Option<NodeId> {
        let disk = self.file(node).evidence()?.disk.as_ref()?;
        let link = disk.link?;
        let first = &self.world.files.first_name;
        self.world
            .resolver
            .with_link(link)
            .iter()
            .copied()
            .filter(|&other| first[other] != first[node])
            .find(|&other| {
                let twin = self.file(other).evidence().and_then(|evidence| evidence.disk.as_ref());
                // A link that nothing was written to since the snapshot has the content id of its parent, and is no copy of it.
                let alike = twin.filter(|twin| twin.has_parent == disk.has_parent);
                let same = alike.is_some_and(|twin| match link {
                    LinkId::Guid(_) => !self.is_vhd(node) && !self.is_vhd(other),
                    LinkId::Cid(cid) => {
                        !matches!(cid, 0 | 0xffff_fffe | 0xffff_ffff)
                            && (twin.content_id.is_some() && twin.content_id == disk.content_id
                                || twin.disk_id.is_some() && twin.disk_id == disk.disk_id)
                            && twin.virtual_bytes == disk.virtual_bytes
                    }
                });
                same && self
                    .owners
                    .vms_of
                    .get(other)
                    .is_some_and(|vms| vms.iter().any(|&vm| self.owners.vms[vm].is_registered()))
            })
    }
}

/// Folders that look like the store of a product, by root.
pub(crate) type Stores<'a> = HashSet<(usize, &'a [u8])>;

/// V36: folders below the top with three disks of VMware or more that have names of their own, with no file that a VM has
/// beside its disks, and with none that a VM owns.
pub(crate) fn stores<'a>(world: World<'a>, owners: &Owners) -> Stores<'a> {
    let nodes = &world.files.nodes;
    let is_of_vm = |node: NodeId| {
        let kind = nodes[node].kind();
        let is_disk = kind.is_disk() || kind.is_extent();
        let is_sidecar = matches!(kind, Kind::Referenced | Kind::VmdkCtk | Kind::VmdkDigest);
        !is_disk && !is_sidecar || owners.vms_of.contains_key(node)
    };
    let is_vmware = |node: &NodeId| {
        let kind = nodes[*node].kind();
        kind.is_disk() && kind.platform() == Some(Platform::Vmware)
    };
    let is_store = |near: &[NodeId]| {
        let disks = near.iter().copied().filter(is_vmware);
        let stems: BTreeSet<&str> = disks.map(|disk| disk_stem(world.files.name(disk))).collect();
        stems.len() >= STORE_DISKS && !near.iter().any(|&node| is_of_vm(node))
    };
    let folders = world.files.folders().into_iter();
    let stores = folders.filter(|(_, folder, near)| !folder.is_empty() && is_store(near));
    stores.map(|(root, folder, _)| (root, folder)).collect()
}

/// Most files of one folder that are held against one of another kind. More are no folder of a VM.
const NEAR_MAX: usize = 1000;

/// How many disks of different names make a folder look like the store of a product.
const STORE_DISKS: usize = 3;

/// The name that the disks of one VM share: `web` of `web.vmdk`, `web_1.vmdk` and `web-000002.vmdk`.
fn disk_stem(name: &str) -> &str {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let stem = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    stem.strip_suffix(['_', '-']).unwrap_or(stem)
}

impl Judge<'_> {
    fn is_vhd(&self, node: NodeId) -> bool {
        matches!(self.file(node).kind(), Kind::Vhd | Kind::Avhd)
    }
}

/// A sparse file with its descriptor inside is a whole disk; without one it is an extent like any other.
fn is_whole_disk(kind: Kind, disk: Option<&DiskEvidence>) -> bool {
    kind == Kind::VmdkSparse && disk.is_some_and(|disk| disk.create_type.is_some())
}
