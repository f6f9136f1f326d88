//! Reasons that verdicts share: which inventories were asked, how old a file is, and how sure a "nobody" is.

pub(super) use crate::reconcile::signs::shown;

use super::{Judge, Judgement, lost::is_of_lost_data};
use crate::{
    evidence::MarkCode,
    inventory::Inventory,
    kind::{Kind, Platform, Role},
    reconcile::{
        coverage::{GapItem, Reach, count},
        files::NodeId,
        signs::{self, statement},
    },
    report::{
        codes::{Class, ReasonCode},
        model::{Confidence, Identity, Reason, Verdict, Weight},
    },
};

impl Judge<'_> {
    pub(super) fn consulted(&self, root: usize) -> Reason {
        let shown_inventory = |&index: &usize| {
            let inventory: &Inventory = &self.world.inventories[index];
            let taken = inventory.collected.map_or_else(|| "time unknown".to_owned(), shown);
            let basis = if inventory.collected_is_file_time {
                " by the time of its file"
            } else {
                ""
            };
            let vms = count(inventory.vms.len(), "VM", "VMs");
            format!("{} ({vms}, {taken}{basis})", inventory.source)
        };
        let names: Vec<String> = self.coverage.roots[root]
            .inventories
            .iter()
            .map(shown_inventory)
            .collect();
        statement(
            ReasonCode::InventoriesConsulted,
            format!("consulted: {}", names.join("; ")),
            None,
            Weight::For,
        )
    }

    /// When a file, or what belongs to it, was last written.
    pub(super) fn age_reason(&self, node: NodeId, unit: &[NodeId]) -> Option<Reason> {
        let time = signs::last_written(self.world.files, unit)?;
        let what = match self.file(node).entry.modified {
            Some(own) if own == time => "",
            _ => "the newest of the files that belong together was ",
        };
        let days = self.options.as_of.duration_since(time).as_hours() / 24;
        Some(statement(
            ReasonCode::LastWritten,
            format!("{what}last written {} ({days} days before this report)", shown(time)),
            None,
            Weight::For,
        ))
    }

    /// `--settle`: a second look found all of it as it was.
    pub(super) fn unchanged_reason(&self, unit: &[NodeId]) -> Option<Reason> {
        let look = |&node: &NodeId| self.file(node).artifact?.second_look.as_ref();
        let waited = |node| {
            look(node)
                .filter(|look| look.failed.is_none())
                .map(|look| look.after_seconds)
        };
        let waited = unit.iter().map(waited).min()??;
        let waited = count(usize::try_from(waited).unwrap_or(usize::MAX), "second", "seconds");
        let text = format!("looked at again after {waited}: nothing had changed");
        Some(statement(ReasonCode::Unchanged, text, None, Weight::For))
    }

    /// That the signs of use were asked for, and which of them no file can show.
    pub(super) fn no_sign_reason(&self, node: NodeId, unit: &[NodeId], needs_inventory: bool) -> Option<Reason> {
        let files = self.world.files;
        let kind = self.file(node).kind();
        if !kind.is_disk() && !kind.is_extent() {
            return None;
        }
        let is_vmware = kind.platform() == Some(Platform::Vmware);
        let mut asked = vec![if is_vmware {
            "no lock file"
        } else {
            "nobody held it when it was read"
        }];
        if unit
            .iter()
            .any(|&node| matches!(files.nodes[node].kind(), Kind::Vhdx | Kind::Avhdx))
        {
            asked.push("its log is closed");
        }
        let has_children = self.references.into(node).any(|edge| edge.role == Role::Parent);
        asked.push(if has_children {
            "only disks of nobody depend on it"
        } else {
            "no disk depends on it"
        });
        if needs_inventory {
            asked.push("nothing written since the inventories were taken");
        }
        let unseen = if is_vmware {
            "a lock on VMFS or by NFS 4.1 no file shows"
        } else {
            "a handle that another host has open only an export of open files shows"
        };
        let text = format!("no sign of use: {} ({unseen})", asked.join(", "));
        Some(statement(ReasonCode::NoSignOfUse, text, None, Weight::For))
    }

    /// A file that was to be looked at again, or to be hashed, and could not be: that nobody changes it is not known.
    pub(super) fn not_settled(&self, unit: &[NodeId]) -> Option<Judgement> {
        let failed = |node: &NodeId| {
            let artifact = self.file(*node).artifact?;
            let path = self.path(*node);
            let look = artifact.second_look.as_ref().and_then(|look| look.failed.as_deref());
            if let Some(why) = look {
                let text = format!("{path} was to be looked at again after a time, and could not be: {why}");
                return Some((text, "a second look at it (--settle) that is answered"));
            }
            let marks = &artifact.evidence.marks;
            let unread = marks.iter().find(|mark| mark.code == MarkCode::NotHashed)?;
            Some((
                format!("{path}: {}", unread.text),
                "a file that can be read whole (--hash)",
            ))
        };
        let (text, settles) = unit.iter().find_map(failed)?;
        Some(Judgement::unknown(
            Class::Unreadable,
            settled(ReasonCode::Unreadable, text, settles),
        ))
    }

    /// `high` means that every check which could have refuted the verdict was possible and was made.
    pub(super) fn confidence(&self, node: NodeId, unit: &[NodeId], reasons: &mut Vec<Reason>) -> Confidence {
        let root = self.root(node);
        let mut confidence = Confidence::High;
        let is_nothing_to_it = |gap: &&GapItem| {
            let of_lost = gap.code == ReasonCode::DiskUnreadable && matches!(gap.reach, Reach::Bases(_));
            of_lost && !self.may_be_below_lost(node) || is_of_lost_data(gap) && self.used_twin(node).is_some()
        };
        let gaps = self.coverage.lowering(self.world.files, node);
        for gap in gaps.filter(|gap| !is_nothing_to_it(gap)) {
            confidence = Confidence::Medium;
            reasons.push(unchecked(gap.finding().to_owned(), gap.remedy()));
        }
        if self.identities.roots[root].identity == Identity::Inferred {
            confidence = Confidence::Medium;
            let text = format!(
                "the datastore of this root was inferred ({})",
                self.identities.roots[root].basis
            );
            reasons.push(unchecked(text, "an alias for the root"));
        }
        if let Some(reason) = self.perhaps_older_export(root, unit) {
            confidence = Confidence::Medium;
            reasons.push(reason);
        }
        if self.options.assume_complete {
            reasons.push(statement(
                ReasonCode::AssumedComplete,
                "the user declared that the given inventories are all there are".to_owned(),
                None,
                Weight::For,
            ));
        }
        confidence
    }
}

impl Judge<'_> {
    /// The time of its file is the latest that an export can be of: one that was copied or downloaded is older, by how much
    /// nobody can tell, and what was made not long before may be newer than it.
    fn perhaps_older_export(&self, root: usize, unit: &[NodeId]) -> Option<Reason> {
        let written = signs::last_written(self.world.files, unit)?;
        let inventories = self.coverage.roots[root].inventories.iter();
        let inventories = inventories.map(|&index| &self.world.inventories[index]);
        let near = |inventory: &Inventory| {
            let taken = inventory.surely_collected()?;
            let earliest = taken - OF_A_COPY;
            if written > earliest {
                return Some(format!("last written {}", shown(written)));
            }
            let arrived = self.arrivals.after(self.world.files, unit, earliest, taken)?;
            Some(format!("here since {}", shown(arrived)))
        };
        let mut of_file_time = inventories.filter(|inventory| inventory.collected_is_file_time);
        let (inventory, when) = of_file_time.find_map(|inventory| Some((inventory, near(inventory)?)))?;
        let text = format!(
            "when {} was taken is not said, only when its file was written: a copy of an older export may be older than this file, {when}",
            inventory.source,
        );
        Some(unchecked(text, "an export that says its time, or one made again"))
    }
}

/// How long an export may have lain about before it was copied. There is no bound to it; a month is assumed.
const OF_A_COPY: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);

/// What would show that nobody uses a file after all.
pub(super) fn settles_use(class: Class) -> &'static str {
    match class {
        Class::Locked => "the lock released or the handle closed by who holds it, and a new scan",
        Class::ChangedDuringScan => "a later scan that finds it unchanged (--settle)",
        Class::OpenLog => "a new scan after whoever has it open closed it, or after its log was replayed",
        Class::ProtectedByDescriptor => "the word of the service that set the mark",
        Class::HaProtected => "the inventory of that vCenter",
        Class::OpenDeleted => "a new scan after that client was restarted",
        _ => "a newer inventory, and a new scan that finds it unchanged",
    }
}

/// A verdict `in-use` by the first of some signs.
pub(super) fn in_use(class: Class, signs: impl IntoIterator<Item = Reason>) -> Judgement {
    let mut reasons: Vec<Reason> = signs.into_iter().collect();
    if let Some(first) = reasons.first_mut() {
        first.settles.get_or_insert_with(|| settles_use(class).to_owned());
    }
    Judgement::new(Verdict::InUse, Some(class), reasons)
}

pub(super) fn settled(code: ReasonCode, text: String, settles: &str) -> Reason {
    Reason {
        code,
        text,
        source: None,
        weight: Weight::For,
        settles: Some(settles.to_owned()),
    }
}

/// What keeps a verdict from being sure: it speaks against it.
pub(super) fn unchecked(text: String, settles: &str) -> Reason {
    Reason {
        weight: Weight::Against,
        ..settled(ReasonCode::NotChecked, text, settles)
    }
}

pub(super) fn shown_verdict(judgement: &Judgement) -> String {
    match judgement.class {
        Some(class) => format!("{}/{}", judgement.verdict.name(), class.name()),
        None => judgement.verdict.name().to_owned(),
    }
}
