//! What keeps anything from being nobody's: gaps, a datastore that nobody covers, times that nobody can compare.

use super::{
    Judge, Judgement,
    names::is_resignatured,
    reasons::{settled, shown},
    small_set::SmallSet,
};
use crate::{
    inventory::Inventory,
    reconcile::{coverage::MARGIN, files::NodeId},
    report::{
        codes::{Class, ReasonCode},
        model::{Reclaim, Verdict},
    },
};

/// Gaps that the reasons of one file name; the others are counted.
const REASONS_MAX: usize = 10;

impl Judge<'_> {
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
        if let Some(unasked) = self.uncovered(root) {
            return Some(unasked.judgement());
        }
        if let Some(platform) = self.unasked_platform(node) {
            return Some(self.without_platform(root, platform).judgement());
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
    pub(super) fn fresh_redo(time: jiff::Timestamp) -> Judgement {
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
    pub(super) fn gaps_of(&self, node: NodeId, code: ReasonCode) -> SmallSet<usize> {
        let reaching = self.coverage.caps(self.world.files, node);
        reaching.filter(|&gap| self.coverage.gaps[gap].code == code).collect()
    }

    pub(super) fn too_new(&self, node: NodeId, time: jiff::Timestamp, taken: Option<jiff::Timestamp>) -> Judgement {
        if let Some((inventory, from)) = self.zoneless(node, time) {
            let text = format!(
                "last written {}, which may be newer than {}: its time is given without a zone, so that it was taken between {} and {}",
                shown(time),
                inventory.source,
                shown(from),
                inventory.collected.map_or_else(String::new, shown),
            );
            let settles = "a newer inventory, or this one as it was written, with the time of its file";
            return Judgement::unknown(Class::TooNew, settled(ReasonCode::TooNew, text, settles));
        }
        let taken = taken_at(taken);
        let text = format!(
            "last written {}, which is newer than an inventory that would list it{taken}, or within an hour of it",
            shown(time)
        );
        Judgement::unknown(Class::TooNew, settled(ReasonCode::TooNew, text, "a newer inventory"))
    }

    /// The inventory that is newer than a file by its local time and perhaps not by its zone, and the earliest that it may
    /// have been taken.
    fn zoneless(&self, node: NodeId, time: jiff::Timestamp) -> Option<(&Inventory, jiff::Timestamp)> {
        let inventories = self.coverage.roots[self.root(node)].inventories.iter();
        let inventories = inventories.map(|&index| &self.world.inventories[index]);
        let mut zoneless = inventories.filter_map(|inventory| Some((inventory, inventory.collected_from?)));
        zoneless.find(|(inventory, from)| {
            time > *from - MARGIN && inventory.collected.is_some_and(|reads| time <= reads - MARGIN)
        })
    }

    /// Who copies a disk or gives it back from a backup keeps its time, and who moves one changes none: a VM may have it since then.
    pub(super) fn arrived(&self, node: NodeId, time: jiff::Timestamp, taken: Option<jiff::Timestamp>) -> Judgement {
        const WAYS: &str = "it may have been copied, restored or moved here, and a VM may have it since";
        let came = shown(time);
        let text = if let Some((inventory, from)) = self.zoneless(node, time) {
            format!(
                "its content is old, but the file was created, renamed or changed in its attributes {came}: {WAYS}. {} may be older: its time is given \
                 without a zone, so that it was taken between {} and {}",
                inventory.source,
                shown(from),
                inventory.collected.map_or_else(String::new, shown),
            )
        } else {
            format!(
                "its content is older than an inventory that would list it{}, but the file was created, renamed or changed in its \
                 attributes {came}, after that or within an hour of it: {WAYS}",
                taken_at(taken),
            )
        };
        Judgement::unknown(Class::TooNew, settled(ReasonCode::TooNew, text, "a newer inventory"))
    }

    /// A file system or an archive that does not know a time gives 0 of its own count: the file may be newer than every
    /// inventory.
    pub(super) fn undated() -> Judgement {
        let text = "when it was last written is not known (its file system gives no time, or one that stands for none), so that it may be \
                    newer than the inventory that would list it";
        let settles = "its times as the host or the server of the storage has them";
        Judgement::unknown(Class::TooNew, settled(ReasonCode::TooNew, text.to_owned(), settles))
    }
}

fn taken_at(time: Option<jiff::Timestamp>) -> String {
    time.map_or_else(String::new, |time| format!(" (taken {})", shown(time)))
}
