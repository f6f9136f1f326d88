//! Nobody's: the only place that says `orphaned`, and everything that is asked before.

use std::collections::BTreeSet;

use super::{
    Judge, Judgement, OTHERS_FOLLOW,
    names::{is_redo_log, is_resignatured, known_stem},
    reasons::{in_use, settled, shown},
    situation::{Grade, Situation},
};
use crate::{
    evidence::MarkCode,
    inventory::InventoryKind,
    kind::{Kind, Platform, Role},
    path::{Mount, Parsed, fold, parse},
    reconcile::{
        coverage::MARGIN,
        files::NodeId,
        signs::{self, Freshness, Sign, source_of, statement},
    },
    report::{
        codes::{Class, ReasonCode},
        model::{Confidence, Cover, Reason, Reclaim, Verdict, Weight},
    },
    volume,
};

/// NB and the design use a day for merges that run after a deletion.
const MERGE_AGE: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);
const _: () = assert!(MERGE_AGE.as_hours() > MARGIN.as_hours());

/// Gaps that the reasons of one file name; the others are counted.
const REASONS_MAX: usize = 10;

/// What tells who needs a disk of another hypervisor.
const FOREIGN_LIST: &str = "the list of VMs of that hypervisor";

impl Judge<'_> {
    /// What a file is when nothing that names it counts.
    pub(super) fn alone(&self, node: NodeId) -> Judgement {
        let file = self.file(node);
        let name = self.world.files.name(node);
        let is_leaked = self.rules[node].is_some_and(|rule| self.is_leaked(node, rule.class));
        if is_media(file.kind()) && !is_leaked {
            let mut reason = statement(
                ReasonCode::MediaFile,
                "no VM uses this image; images are kept on purpose as often as not".to_owned(),
                None,
                Weight::For,
            );
            reason.settles = Some("the owner of the image collection".to_owned());
            return Judgement::unknown(Class::Media, reason);
        }
        if name.starts_with(".nfs") && name.len() > 8 && name[4..].chars().all(|c| c.is_ascii_hexdigit()) {
            let reason = statement(
                ReasonCode::OpenLog,
                "deleted, but a client of the NFS server still has it open; restart that client".to_owned(),
                None,
                Weight::For,
            );
            return in_use(Class::OpenDeleted, [reason]);
        }
        if let Some(reason) = self.suspicious(node) {
            return Judgement::unknown(Class::SuspiciousRename, reason);
        }
        if let Some(disk) = self.tracked_disk(node).or_else(|| self.implied_descriptor(node))
            && self.world.files.is_unread(self.root(node), disk.as_bytes())
        {
            let text = format!(
                "the disk that it belongs to by its name was not looked at: {}",
                disk.lossy()
            );
            let reason = settled(ReasonCode::OutsideScan, text, "a scan of that place");
            return Judgement::unknown(Class::OutsideScan, reason);
        }
        if let Some(base) = self.mcs_base(node) {
            return base;
        }
        let situation = self.situation(node);
        self.nobody(node, situation)
    }

    /// V61: a foreign extension behind a known one, on this file or on one of its stem in this folder.
    fn suspicious(&self, node: NodeId) -> Option<Reason> {
        let renamed = self.renamed.get(&(self.root(node), self.file(node).folder()))?;
        let (stem, _) = known_stem(self.world.files.name(node))?;
        let is_of_stem =
            |other: &&str| stem == *other || stem.strip_prefix(other).is_some_and(|rest| rest.starts_with('-'));
        let (_, name) = renamed.iter().find(|(other, _)| is_of_stem(other))?;
        let text = format!(
            "{name} has a foreign extension behind a known one, as ransomware leaves it; files of this stem may be the only \
             copy"
        );
        Some(settled(
            ReasonCode::SuspiciousName,
            text,
            "somebody who knows why the file was renamed",
        ))
    }

    /// The only place that says `orphaned`: everything that could refute it is asked before, best protected first.
    pub(super) fn nobody(&self, node: NodeId, situation: Situation) -> Judgement {
        if let Some(judgement) = self.of_compute_system(node) {
            return judgement;
        }
        let unit = signs::unit(self.references, node);
        let signs = signs::of_unit(self.world.files, self.locks, &unit);
        if let Some(class) = signs.first().map(|sign| sign.class) {
            return self.used_by_sign(node, class, signs, situation);
        }
        let newest = self.coverage.roots[self.root(node)].newest;
        let fresh = signs::freshness(
            self.world.files,
            &unit,
            newest.or_else(|| (!situation.needs_inventory).then_some(self.options.as_of)),
        );
        if let Freshness::WrittenSince(time) = fresh
            && situation.needs_inventory
        {
            let what = match self.file(node).entry.modified {
                Some(own) if own == time => "it existed before the inventory and was written",
                _ => "it existed before the inventory, and a file that belongs to it was written",
            };
            let text = format!("{what} {} after it was taken", shown(time));
            let sign = statement(ReasonCode::WrittenSinceInventory, text, None, Weight::For);
            let mut judgement = in_use(Class::WrittenSinceInventory, [sign]);
            judgement.reasons.extend(self.against_use(node, situation));
            return judgement;
        }
        if let Freshness::TooNew(time) = fresh
            && is_redo_log(self.world.files.name(node))
        {
            return Self::fresh_redo(time);
        }
        if let Some(unreadable) = self.unreadable(node).or_else(|| self.unreadable_extent(node)) {
            return unreadable;
        }
        if let Some(judgement) = self.not_settled(&unit).or_else(|| self.perhaps_locked(&unit)) {
            return judgement;
        }
        if let Some(transport) = self.transport_or_foreign(node) {
            return transport;
        }
        let volume = self.static_volume(node).or_else(|| self.azure_disk(node));
        let volume = volume.or_else(|| self.by_place_of_others(node));
        let volume = volume.or_else(|| self.perhaps_of_service(node));
        let volume = volume.or_else(|| self.perhaps_first_copy(node));
        let volume = volume.or_else(|| self.perhaps_of_replication(node));
        let volume = volume.or_else(|| self.perhaps_moving(node));
        let volume = volume.or_else(|| self.perhaps_state(node));
        let volume = volume.or_else(|| self.perhaps_under_other_name(node));
        let volume = volume.or_else(|| self.has_listed_data(node));
        if let Some(unclear) = volume.or_else(|| self.unclear_name(node)) {
            return unclear;
        }
        if situation.needs_inventory
            && let Some(capped) = self.capped(node)
        {
            return capped;
        }
        if let Freshness::TooNew(time) | Freshness::WrittenSince(time) = fresh {
            return Self::too_new(time, newest.or(Some(self.options.as_of)));
        }
        if fresh == Freshness::Undated && situation.needs_inventory {
            return Self::undated();
        }
        if situation.needs_inventory
            && let Some(judgement) = self.newer_than_some(node, &unit)
        {
            return judgement;
        }
        let pending = self.merge_pending(node);
        let pending = pending.or_else(|| self.missed_disk(node, &situation));
        let pending = pending.or_else(|| self.missed_parent(node));
        let pending = pending.or_else(|| self.unclear_list(node));
        let pending = pending.or_else(|| self.unclear_checkpoint(node));
        if let Some(pending) = pending.or_else(|| self.perhaps_parent_of_lost(node)) {
            return pending;
        }
        self.orphaned(node, &unit, situation)
    }

    /// Some sign says that a file is used although nobody is known to own it.
    fn used_by_sign(&self, node: NodeId, class: Class, signs: Vec<Sign>, situation: Situation) -> Judgement {
        let mut judgement = in_use(class, signs.into_iter().map(|sign| sign.reason));
        let is_told = situation.class == Class::UnusedParent;
        judgement.reasons.extend(self.against_use(node, situation));
        let has_child = || self.references.into(node).any(|edge| edge.role == Role::Parent);
        if class == Class::ProtectedByDescriptor && !is_told && !has_child() {
            judgement.reasons.push(statement(
                ReasonCode::NoReference,
                "no child of it was found on the scanned roots".to_owned(),
                None,
                Weight::Against,
            ));
        }
        judgement
    }

    /// What a file would be if nobody used it: it speaks against its use.
    fn against_use(&self, node: NodeId, situation: Situation) -> Vec<Reason> {
        let mut reasons = situation.reasons;
        if self.namers(node).next().is_none() {
            reasons.push(statement(
                ReasonCode::NoReference,
                "no registered VM, no VM configuration on the scanned roots and no service names it".to_owned(),
                None,
                Weight::Against,
            ));
        }
        for reason in &mut reasons {
            reason.weight = Weight::Against;
        }
        reasons
    }

    pub(super) fn orphaned(&self, node: NodeId, unit: &[NodeId], situation: Situation) -> Judgement {
        let mut reasons = situation.reasons;
        let mut nobody = statement(
            ReasonCode::NoReference,
            "no registered VM, no VM configuration on the scanned roots and no service names it".to_owned(),
            None,
            Weight::For,
        );
        nobody.settles = Some("a configuration or an inventory that names it".to_owned());
        reasons.push(nobody);
        if situation.needs_inventory {
            reasons.push(self.consulted(self.root(node)));
        }
        reasons.extend(self.no_sign_reason(node, unit, situation.needs_inventory));
        reasons.extend(self.age_reason(node, unit));
        reasons.extend(self.unchanged_reason(unit));
        reasons.extend(self.attribution_reason(node));
        reasons.extend(self.unfinished_reason(node));
        let mut judgement = Judgement::new(Verdict::Orphaned, Some(situation.class), reasons);
        judgement.risk = situation.risk;
        let mut confidence = if situation.needs_inventory {
            self.confidence(node, &mut judgement.reasons)
        } else {
            Confidence::High
        };
        if matches!(situation.grade, Grade::Low | Grade::Headless) {
            confidence = Confidence::Low;
        }
        if situation.grade == Grade::Unsure {
            confidence = confidence.min(Confidence::Medium);
        }
        judgement.confidence = Some(confidence);
        judgement.reclaim = match situation.grade {
            Grade::Candidate if self.waits_for_lost(node) || self.may_be_of_ghost(node) => Reclaim::Review,
            Grade::Candidate => Reclaim::Candidate,
            Grade::Review | Grade::Unsure | Grade::Low => Reclaim::Review,
            Grade::Headless | Grade::Never => Reclaim::Never,
        };
        self.weigh_traces(node, &mut judgement);
        judgement
    }

    /// A creation or conversion that was broken off leaves a disk that was never whole.
    fn unfinished_reason(&self, node: NodeId) -> Option<Reason> {
        let marks = &self.file(node).evidence()?.marks;
        let mark = marks.iter().find(|mark| mark.code == MarkCode::Incomplete)?;
        let source = source_of(self.world.files, node, mark.offset);
        Some(statement(
            ReasonCode::Damaged,
            mark.text.clone(),
            Some(source),
            Weight::For,
        ))
    }

    /// V11: a VM that is registered and whose configuration is gone may have had more in its folder than its inventory lists,
    /// and one whose disks no inventory lists may have had them anywhere. A copy of a disk in use is of no need to it.
    fn may_be_of_ghost(&self, node: NodeId) -> bool {
        let mut gaps = self.coverage.lowering(self.world.files, node);
        self.vm_at_home_with(node).is_some_and(|vm| vm.config.is_none())
            || self.used_twin(node).is_none() && gaps.any(|gap| gap.code == ReasonCode::OwnerUnreadable)
    }

    /// H-D20, H-F7: what cannot be read is not judged by guess.
    pub(super) fn unreadable(&self, node: NodeId) -> Option<Judgement> {
        let file = self.file(node);
        let marks = file.evidence().map_or(&[][..], |evidence| evidence.marks.as_slice());
        let is_extent = file.kind().is_extent() && self.references.into(node).any(|edge| edge.role == Role::Extent);
        let mark = marks.iter().find(|mark| {
            mark.code == MarkCode::Unreadable
                || mark.code == MarkCode::Damaged
                || (mark.code == MarkCode::Empty && (file.kind().is_disk() || file.kind().is_config()) && !is_extent)
        })?;
        let (class, code) = if mark.code == MarkCode::Unreadable {
            (Class::Unreadable, ReasonCode::Unreadable)
        } else {
            (Class::Damaged, ReasonCode::Damaged)
        };
        let mut reason = statement(
            code,
            mark.text.clone(),
            Some(source_of(self.world.files, node, mark.offset)),
            Weight::For,
        );
        reason.settles = Some("a readable copy of the file, or the inventory that lists it".to_owned());
        Some(Judgement::unknown(class, reason))
    }

    /// A descriptor and its extents are one disk: of none of them more is known than of the others.
    fn unreadable_extent(&self, node: NodeId) -> Option<Judgement> {
        let extents = self.references.of(node).filter(|edge| edge.role == Role::Extent);
        let (extent, mut judgement) = extents
            .filter(|edge| edge.to != node)
            .find_map(|edge| Some((edge.to, self.unreadable(edge.to)?)))?;
        let text = format!("{} is an extent of it{OTHERS_FOLLOW}", self.path_beside(extent, node));
        let source = Some(self.path(extent));
        let reason = statement(ReasonCode::FollowsArtifact, text, source, Weight::For);
        judgement.reasons.insert(0, reason);
        Some(judgement)
    }

    /// Several sources share the datastore, and the export of one of them is older than the file: it would not list it.
    pub(super) fn newer_than_some(&self, node: NodeId, unit: &[NodeId]) -> Option<Judgement> {
        let common = self.coverage.roots[self.root(node)].common;
        match signs::freshness(self.world.files, unit, common) {
            Freshness::Old => None,
            Freshness::TooNew(time) | Freshness::WrittenSince(time) => Some(Self::too_new(time, common)),
            Freshness::Undated => Some(Self::undated()),
        }
    }

    /// V20: static volumes of Kubernetes lie at the top of a datastore, and only Kubernetes knows them.
    fn static_volume(&self, node: NodeId) -> Option<Judgement> {
        let file = self.file(node);
        let is_disk = file.kind().is_disk() || file.kind().is_extent();
        if !is_disk || !file.folder().is_empty() || file.kind().platform() != Some(Platform::Vmware) {
            return None;
        }
        let is_of_kubernetes =
            |class: &str| class == Class::KubernetesVolume.name() || class == Class::CnsVolume.name();
        let by_folder = self
            .rules
            .iter()
            .flatten()
            .any(|rule| is_of_kubernetes(rule.class.name()));
        let mut objects = self.world.inventories.iter().flat_map(|inventory| &inventory.objects);
        let is_site = by_folder || objects.any(|object| is_of_kubernetes(&object.class));
        (is_site && !self.all_volumes_are_listed()).then(|| {
            let text =
                "it lies at the top of a datastore of a site with Kubernetes, which may have it as a static volume";
            let reason = settled(
                ReasonCode::NoInventory,
                text.to_owned(),
                "a list of the persistent volumes",
            );
            Judgement::unknown(Class::ServiceUnlisted, reason)
        })
    }

    /// H-B2, H-C12: a service lists a file at a place that nothing ties to a root, and the end of its path is the path of
    /// this file.
    fn perhaps_of_service(&self, node: NodeId) -> Option<Judgement> {
        let &(inventory, row) = self.owners.perhaps_claimed.get(&node)?;
        let inventory = &self.world.inventories[inventory];
        let object = &inventory.objects[row];
        let text = format!(
            "a list of {} names {}, and no alias or inventory tells whether that place is this one",
            object.class, object.id
        );
        let mut reason = settled(
            ReasonCode::AmbiguousDatastore,
            text,
            "an alias for the root, or Get-SmbShare of that server beside the list",
        );
        reason.source = Some(format!("{}, {}", inventory.source, object.row));
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// A name that is no Unicode, or one of a share in which `?` stands for what the client could not write (its `iocharset`):
    /// whoever names this file names it otherwise, and no reference is found to lead here.
    fn unclear_name(&self, node: NodeId) -> Option<Judgement> {
        let entry = self.file(node).entry;
        let root = &self.world.catalogue.roots[entry.root];
        let path = entry.path.as_bytes();
        let why = if std::str::from_utf8(path).is_err() {
            "its path is no Unicode"
        } else if path.contains(&b'?') && root.file_system.as_deref().is_some_and(volume::is_smb) {
            "its path has a question mark, which stands for a letter that the client of the share does not know"
        } else {
            return None;
        };
        let text = format!("{why}, so that it cannot be told who names it");
        let reason = settled(
            ReasonCode::NotChecked,
            text,
            "a scan of the root mounted with iocharset=utf8, or from another machine",
        );
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// A list of persistent volumes was given, and names every volume that CNS has: no cluster is left out.
    fn all_volumes_are_listed(&self) -> bool {
        let mut inventories = self.world.inventories.iter();
        let is_given = inventories.any(|inventory| inventory.kinds.contains(&InventoryKind::Kubernetes));
        let is_of_cns = |&object: &usize| self.owners.listed(self.world, object).class == Class::CnsVolume.name();
        let mut volumes = (0..self.owners.objects.len()).filter(is_of_cns);
        is_given && volumes.all(|volume| self.is_persistent_volume(volume))
    }

    /// H-C8: on Azure Local a disk that no VM uses is still a resource of Azure, which only Azure lists. Such a site has
    /// the cluster volume `Infrastructure_1`.
    fn azure_disk(&self, node: NodeId) -> Option<Judgement> {
        let disk = self.file(node).evidence()?.disk.as_ref()?;
        let is_whole = matches!(self.file(node).kind(), Kind::Vhd | Kind::Vhdx) && !disk.has_parent;
        let root = &self.identities.roots[self.root(node)];
        let mut names = root
            .entities
            .iter()
            .flat_map(|&entity| &self.identities.entities[entity].names);
        let on_cluster_volume = names.any(|(_, mount)| matches!(mount, Mount::ClusterVolume(_)));
        let mut volumes = self.identities.entities.iter().flat_map(|entity| &entity.names);
        let is_site =
            volumes.any(|(_, mount)| matches!(mount, Mount::ClusterVolume(name) if name == "infrastructure_1"));
        let objects = self.world.inventories.iter().flat_map(|inventory| &inventory.objects);
        let mut resources = objects
            .filter(|object| object.class == Class::AzureLocal.name())
            .peekable();
        let is_named = resources.peek().is_some();
        // A resource whose file is not told may be any file.
        let is_listed = is_named && resources.all(|object| object.path.is_some());
        (is_whole && on_cluster_volume && (is_site || is_named) && !is_listed).then(|| {
            let text = "the site is Azure Local, where a disk that no VM uses may still be a resource of Azure";
            let reason = settled(
                ReasonCode::NoInventory,
                text.to_owned(),
                "the lists of az stack-hci-vm disk and image with the path of each, which Get-VHD on the nodes tells where they do not",
            );
            Judgement::unknown(Class::ServiceUnlisted, reason)
        })
    }

    /// V57, H-C17, and what is of another hypervisor altogether.
    pub(super) fn transport_or_foreign(&self, node: NodeId) -> Option<Judgement> {
        if self.file(node).kind() == Kind::ForeignDisk {
            let text = "a disk image of another hypervisor, whose own lists would tell who needs it";
            let mut reason = settled(ReasonCode::ForeignCreator, text.to_owned(), FOREIGN_LIST);
            reason.source = Some(source_of(self.world.files, node, None));
            return Some(Judgement::unknown(Class::Foreign, reason));
        }
        let disk = self.file(node).evidence()?.disk.as_ref()?;
        let form = disk.create_type.as_deref().map(fold);
        let is_transport = matches!(
            form.as_deref(),
            Some(
                "streamoptimized"
                    | "monolithicsparse"
                    | "twogbmaxextentsparse"
                    | "2gbmaxextentsparse"
                    | "twogbmaxextentflat"
                    | "2gbmaxextentflat"
            )
        );
        if is_transport && !disk.has_parent {
            let text = format!(
                "its form is {}: made for transport or by a hosted product, perhaps to be imported",
                disk.create_type.as_deref().unwrap_or_default()
            );
            let mut judgement = Judgement::unknown(
                Class::TransportImage,
                settled(
                    ReasonCode::TransportForm,
                    text,
                    "whoever uploaded it, or the import that it was meant for",
                ),
            );
            judgement.reclaim = Reclaim::Review;
            return Some(judgement);
        }
        let creator = disk
            .creator
            .as_deref()
            .map(|creator| fold(creator.trim_matches(['\0', ' '])))?;
        matches!(creator.as_str(), "tap" | "vbox").then(|| {
            let text = format!("its footer says that {creator} made it: a disk of another hypervisor");
            Judgement::unknown(Class::Foreign, settled(ReasonCode::ForeignCreator, text, FOREIGN_LIST))
        })
    }

    /// H-D7: a merge that runs or waits looks like a stranded checkpoint.
    pub(super) fn merge_pending(&self, node: NodeId) -> Option<Judgement> {
        if !matches!(self.file(node).kind(), Kind::Avhd | Kind::Avhdx) {
            return None;
        }
        let parents: Vec<NodeId> = self
            .references
            .of(node)
            .filter(|edge| edge.role == Role::Parent)
            .map(|edge| edge.to)
            .collect();
        let vm = parents
            .iter()
            .flat_map(|parent| self.owners.vms_of.get(*parent).into_iter().flatten())
            .map(|&vm| &self.owners.vms[vm])
            .find(|vm| {
                vm.config
                    .is_some_and(|config| self.file(config).has_mark(MarkCode::MergePending))
            });
        let taken = self.coverage.roots[self.root(node)].newest?;
        let recent = self
            .file(node)
            .entry
            .modified
            .is_some_and(|time| time > taken - MERGE_AGE)
            && !parents.is_empty();
        let text = match vm {
            Some(vm) => format!("the configuration of {} says that a merge is pending", vm.name),
            None if recent => "it was written within a day before the inventory and its parent is there: a merge may have been running".to_owned(),
            None => return None,
        };
        let mut reason = statement(ReasonCode::MergePending, text, None, Weight::For);
        reason.settles = Some("a second scan some days later".to_owned());
        Some(Judgement::unknown(Class::MergePending, reason))
    }

    /// V46, V72: a snapshot list that may be what a VM of its folder had under another name.
    fn unclear_list(&self, node: NodeId) -> Option<Judgement> {
        let configs = self.unclear_lists.get(&node)?;
        let configs: Vec<String> = configs.iter().map(|&config| self.path_beside(config, node)).collect();
        let text = format!(
            "it bears the name of no configuration and may be a list from before a VM was renamed: {}",
            configs.join(", ")
        );
        let settles =
            "the snapshots that the VMs of its folder have, or an inventory that lists whole chains (LayoutEx)";
        Some(Judgement::unknown(
            Class::AmbiguousReference,
            settled(ReasonCode::OwnerUnreadable, text, settles),
        ))
    }

    /// A link of a registered VM, or an image of another hypervisor, has its parent nowhere, by path or by id, or has another
    /// disk in its place, and this disk has the name and size of it or the id of the chain. A name owns nothing (V47), but
    /// this may be what is needed.
    fn missed_parent(&self, node: NodeId) -> Option<Judgement> {
        let disk = self.file(node).evidence()?.disk.as_ref()?;
        let is_needed = |child: &NodeId| {
            let vms = self.owners.vms_of.get(*child).into_iter().flatten();
            let is_foreign = self.file(*child).kind() == Kind::ForeignDisk;
            is_foreign || vms.into_iter().any(|&vm| self.owners.vms[vm].is_registered())
        };
        let fits = |child: &NodeId| {
            let evidence = self.file(*child).evidence();
            let size = evidence.and_then(|evidence| evidence.disk.as_ref()?.virtual_bytes);
            let hints = evidence.into_iter().flat_map(|evidence| &evidence.references);
            let has_name = hints.filter(|hint| hint.role == Role::Parent).any(|hint| {
                matches!(parse(hint.target.as_str()), Parsed::Path(path) if fold(path.name()) == self.world.files.name(node))
            });
            // An image may be larger than what it stands on.
            let is_grown = self.file(*child).kind() == Kind::ForeignDisk;
            has_name && (is_grown || size.is_none() || disk.virtual_bytes.is_none() || size == disk.virtual_bytes)
        };
        let disk_id = |node: NodeId| self.file(node).evidence()?.disk.as_ref()?.disk_id.as_deref();
        // Every link of a chain of VHDX has the page 83 id of its base; one that quotes the same parent is a sibling.
        let has_id = |child: &NodeId| {
            let of_hyperv = self.file(node).kind().platform() == Some(Platform::Hyperv);
            let quoted = self.file(*child).evidence().and_then(|evidence| evidence.disk.as_ref());
            let is_sibling = disk.has_parent && quoted.is_some_and(|child| child.parent_links == disk.parent_links);
            of_hyperv && !is_sibling && disk_id(node).is_some() && disk_id(*child) == disk_id(node)
        };
        let mut broken = self.references.broken.keys().copied();
        let broken = broken.find(|child| *child != node && is_needed(child) && (fits(child) || has_id(child)));
        let is_astray = |pair: &&(NodeId, NodeId)| {
            let (child, parent) = **pair;
            child != node && is_needed(&child) && has_id(&child) && disk_id(child) != disk_id(parent)
        };
        let astray = || self.references.mismatched.iter().find(is_astray);
        let child = broken.or_else(|| astray().map(|(child, _)| *child))?;
        let what = if has_id(&child) {
            "the id of its chain"
        } else {
            "the name and the size of it"
        };
        let text = format!("the parent of {} was not found, and this has {what}", self.path(child));
        let mut reason = settled(
            ReasonCode::HasChildren,
            text,
            "find out whether it is that parent, and repair the chain",
        );
        reason.source = Some(self.path(child));
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// Gaps and missing cover that keep anything from being nobody's.
    pub(super) fn capped(&self, node: NodeId) -> Option<Judgement> {
        let root = self.root(node);
        let identity = &self.identities.roots[root];
        if let Some(doubt) = identity.doubt() {
            return Some(Judgement::unknown(
                Class::AmbiguousDatastore,
                settled(ReasonCode::AmbiguousDatastore, doubt, "the right alias for the root"),
            ));
        }
        if let Some(replica) = self.on_replica_datastore(node) {
            return Some(replica);
        }
        if self.coverage.roots[root].cover == Cover::None {
            let text = if self.world.inventories.is_empty() && !self.options.inventory_issues.is_empty() {
                "none of the inventories could be read".to_owned()
            } else if self.world.inventories.is_empty() {
                "no inventory was given".to_owned()
            } else {
                format!("no inventory covers {}", identity.name)
            };
            return Some(Judgement::unknown(
                Class::NoCoverage,
                settled(
                    ReasonCode::NoInventory,
                    text,
                    "the inventories of all hosts that use this datastore",
                ),
            ));
        }
        let gaps: Vec<usize> = self.coverage.caps(self.world.files, node).collect();
        let class = match self.coverage.gaps[*gaps.first()?].code {
            ReasonCode::OwnerUnreadable => Class::OwnerUnreadable,
            ReasonCode::OutsideScan => Class::OutsideScan,
            _ => Class::NoCoverage,
        };
        let mut judgement = Judgement::new(Verdict::Unknown, Some(class), Vec::new());
        for &gap in gaps.iter().take(REASONS_MAX) {
            let gap = &self.coverage.gaps[gap];
            judgement
                .reasons
                .push(settled(gap.code, gap.finding().to_owned(), gap.remedy()));
        }
        if gaps.len() > REASONS_MAX {
            let text = format!("{} further gaps reach it", gaps.len() - REASONS_MAX);
            let settles = "what the gaps of the coverage name";
            judgement.reasons.push(settled(ReasonCode::NotChecked, text, settles));
        }
        judgement.gaps.extend(gaps);
        Some(judgement)
    }

    /// V9: ESXi calls a datastore `snap-<8 hex digits>-<label>` when it gives the copy of a LUN a signature of its own: an
    /// array replicates or snapshots it, and what lies on it is registered where the original is, if at all.
    fn on_replica_datastore(&self, node: NodeId) -> Option<Judgement> {
        let names = self.identities.names_of(self.root(node));
        let name = names.iter().find(|name| is_resignatured(name))?;
        let text = format!(
            "{name} is the name that a host gives to the copy of a datastore: its VMs are registered where the original is"
        );
        let mut judgement = Judgement::unknown(
            Class::ReplicaDatastore,
            settled(
                ReasonCode::ReplicaDatastore,
                text,
                "an owner rule for this datastore (service, replica-copy), or its original unmounted for good",
            ),
        );
        judgement.reclaim = Reclaim::Never;
        Some(judgement)
    }

    /// V53: a redo log is there only while its VM runs, so that a new one shows a VM that runs.
    fn fresh_redo(time: jiff::Timestamp) -> Judgement {
        let text = format!(
            "a redo log is there only while a VM runs, and it was written {}, after the inventory or within an hour of it",
            shown(time)
        );
        let reason = settled(
            ReasonCode::WrittenSinceInventory,
            text,
            "a newer inventory, with the VM off",
        );
        Judgement::new(Verdict::InUse, Some(Class::WrittenSinceInventory), vec![reason])
    }

    /// The gaps of one sort that reach a file, by their place.
    pub(super) fn gaps_of(&self, node: NodeId, code: ReasonCode) -> BTreeSet<usize> {
        let reaching = self.coverage.caps(self.world.files, node);
        reaching.filter(|&gap| self.coverage.gaps[gap].code == code).collect()
    }

    pub(super) fn too_new(time: jiff::Timestamp, taken: Option<jiff::Timestamp>) -> Judgement {
        let taken = taken.map_or_else(String::new, |taken| format!(" (taken {})", shown(taken)));
        let text = format!(
            "last written {}, which is newer than an inventory that would list it{taken}, or within an hour of it",
            shown(time)
        );
        Judgement::unknown(Class::TooNew, settled(ReasonCode::TooNew, text, "a newer inventory"))
    }
}

impl Judge<'_> {
    /// A file system or an archive that does not know a time gives 0 of its own count: the file may be newer than every
    /// inventory.
    pub(super) fn undated() -> Judgement {
        let text = "when it was last written is not known (its file system gives no time, or one that stands for none), so that it may be \
                    newer than the inventory that would list it";
        let settles = "its times as the host or the server of the storage has them";
        Judgement::unknown(Class::TooNew, settled(ReasonCode::TooNew, text.to_owned(), settles))
    }
}

pub(super) fn is_media(kind: Kind) -> bool {
    matches!(kind, Kind::Iso | Kind::Floppy | Kind::Ovf | Kind::Ova)
}
