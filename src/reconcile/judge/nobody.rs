//! Nobody's: the only place that says `orphaned`, and everything that is asked before.

use super::{
    Judge, Judgement, OTHERS_FOLLOW,
    names::{is_redo_log, known_stem},
    reasons::{in_use, settled, shown},
    situation::{Grade, Situation},
};
use crate::{
    evidence::MarkCode,
    kind::{Kind, Role},
    reconcile::{
        files::NodeId,
        signs::{self, Freshness, Sign, source_of, statement},
        told_children::Seen,
    },
    report::{
        codes::{Class, ReasonCode},
        model::{Confidence, Reason, Reclaim, Verdict, Weight},
    },
};

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
        if let Some(needed) = self.told_child(node).or_else(|| self.mcs_base(node)) {
            return needed;
        }
        let situation = self.situation(node);
        self.nobody(node, situation)
    }

    /// H-D8: a list says that a disk depends on it of which the scan cannot say otherwise.
    fn told_child(&self, node: NodeId) -> Option<Judgement> {
        let told = self.told_children.of(node)?;
        let child = &told.path;
        let of_list = |text: String, settles: &str| Reason {
            source: Some(told.source.clone()),
            ..settled(ReasonCode::HasChildren, text, settles)
        };
        Some(match told.seen {
            Seen::Not => {
                let text =
                    format!("a list says that {child} depends on it, which was not scanned or could not be read");
                in_use(Class::HasChildren, [of_list(text, "a scan of the place of that disk")])
            }
            Seen::Gone => {
                let text = format!(
                    "a list says that {child} depends on it, which is not at its place any more: it may have been moved"
                );
                let settles = "Get-VHD of all disks once more";
                Judgement::unknown(Class::HasChildren, of_list(text, settles))
            }
        })
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
        let signs = signs::of_unit(self.world.files, self.locks, &unit, self.options.as_of);
        if let Some(class) = signs.first().map(|sign| sign.class) {
            return self.used_by_sign(node, class, signs, situation);
        }
        let newest = self.coverage.roots[self.root(node)].newest;
        let unlisted = (!situation.needs_inventory).then_some(self.options.as_of);
        let sure = self.coverage.roots[self.root(node)]
            .sure
            .filter(|_| situation.needs_inventory);
        let fresh = signs::freshness_within(self.world.files, self.arrivals, &unit, sure, newest.or(unlisted));
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
        if let Some(unclear) = self.perhaps_of_others(node) {
            return unclear;
        }
        if situation.needs_inventory
            && let Some(capped) = self.capped(node)
        {
            return capped;
        }
        if let Freshness::TooNew(time) | Freshness::WrittenSince(time) = fresh {
            return self.too_new(node, time, newest.or(Some(self.options.as_of)));
        }
        // That it came here within an hour of the report says nothing where no inventory could list it.
        if let Freshness::Arrived(time) = fresh
            && newest.is_some()
        {
            return self.arrived(node, time, newest);
        }
        if fresh == Freshness::Undated && situation.needs_inventory {
            return Self::undated();
        }
        if situation.needs_inventory
            && let Some(judgement) = self.newer_than_some(node, &unit)
        {
            return judgement;
        }
        if let Some(pending) = self.perhaps_missed(node, &situation) {
            return pending;
        }
        self.orphaned(node, &unit, situation)
    }

    /// What may be of a service that nobody listed, or of a VM under another name.
    fn perhaps_of_others(&self, node: NodeId) -> Option<Judgement> {
        let volume = self.static_volume(node).or_else(|| self.azure_disk(node));
        let volume = volume.or_else(|| self.iscsi_lun(node));
        let volume = volume.or_else(|| self.nameless_namespace(node));
        let volume = volume.or_else(|| self.by_place_of_others(node));
        let volume = volume.or_else(|| self.perhaps_of_service(node));
        let volume = volume.or_else(|| self.perhaps_first_copy(node));
        let volume = volume.or_else(|| self.perhaps_of_replication(node));
        let volume = volume.or_else(|| self.perhaps_moving(node));
        let volume = volume.or_else(|| self.perhaps_state(node));
        let volume = volume.or_else(|| self.perhaps_under_other_name(node));
        let volume = volume.or_else(|| self.perhaps_at_untied_place(node));
        let volume = volume.or_else(|| self.has_listed_data(node));
        volume.or_else(|| self.unclear_name(node))
    }

    /// What a registered VM may miss.
    fn perhaps_missed(&self, node: NodeId, situation: &Situation) -> Option<Judgement> {
        let pending = self.merge_pending(node);
        let pending = pending.or_else(|| self.missed_by_identity(node));
        let pending = pending.or_else(|| self.missed_disk(node, situation));
        let pending = pending.or_else(|| self.perhaps_damaged_path(node));
        let pending = pending.or_else(|| self.missed_parent(node));
        let pending = pending.or_else(|| self.unclear_list(node));
        let pending = pending.or_else(|| self.unclear_checkpoint(node));
        let pending = pending.or_else(|| self.perhaps_untold_state(node));
        pending.or_else(|| self.perhaps_parent_of_lost(node))
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
            self.confidence(node, unit, &mut judgement.reasons)
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
            Grade::Candidate if self.may_be_missed(node) => Reclaim::Review,
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

    /// True for a disk that some VM may miss: below a lost one, of a VM of which nothing is left, the lost one itself, or below
    /// what nobody registers in a place that was not read.
    fn may_be_missed(&self, node: NodeId) -> bool {
        self.waits_for_lost(node)
            || self.may_be_of_ghost(node)
            || self.may_be_lost_itself(node)
            || self.may_be_below_stranger(node)
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
        match signs::freshness(self.world.files, self.arrivals, unit, common) {
            Freshness::Old => None,
            Freshness::TooNew(time) | Freshness::WrittenSince(time) => Some(self.too_new(node, time, common)),
            Freshness::Arrived(time) => Some(self.arrived(node, time, common)),
            Freshness::Undated => Some(Self::undated()),
        }
    }
}

pub(super) fn is_media(kind: Kind) -> bool {
    matches!(kind, Kind::Iso | Kind::Floppy | Kind::Ovf | Kind::Ova)
}
