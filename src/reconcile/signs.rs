//! Signs that somebody uses a file although no owner of it is known.
//!
//! A mark that means "open or crashed" is taken for open (design, `in-use`). Signs count for the whole unit: a disk and
//! its extents, change tracking and logs.

use jiff::Timestamp;

use super::{
    arrivals::Arrivals,
    coverage::{MARGIN, count},
    files::{Files, NodeId},
    locks::Locks,
    resolve::References,
};
use crate::{
    evidence::MarkCode,
    kind::Role,
    report::{
        codes::{Class, ReasonCode},
        model::{Reason, Weight},
    },
};

/// A sign of use: what it makes of a verdict, and the statement.
#[derive(Debug, Clone)]
pub(crate) struct Sign {
    /// Class of the verdict `in-use`.
    pub(crate) class: Class,
    /// The statement.
    pub(crate) reason: Reason,
}

/// What the times of a unit say against the time of the newest covering inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Older than the inventory: it would be listed if somebody had it.
    Old,
    /// Too new to be in the inventory.
    TooNew(Timestamp),
    /// It existed when the inventory was taken and was written since.
    WrittenSince(Timestamp),
    /// Its content is older than the inventory, and the file is not: it was copied with its time, restored or moved since.
    Arrived(Timestamp),
    /// When it was written last is not known.
    Undated,
}

/// A file with the small files and extents that make one thing with it.
pub(crate) fn unit(references: &References, node: NodeId) -> Vec<NodeId> {
    let mut unit = vec![node];
    for edge in references.of(node) {
        let belongs = matches!(
            edge.role,
            Role::Extent | Role::ChangeTracking | Role::Digest | Role::Sidecar | Role::ReplicationState
        );
        if belongs && !unit.contains(&edge.to) {
            unit.push(edge.to);
        }
    }
    unit
}

/// Signs of use on any file of a unit, strongest first.
pub(crate) fn of_unit(files: &Files<'_>, locks: &Locks, unit: &[NodeId], as_of: Timestamp) -> Vec<Sign> {
    let mut signs = Vec::new();
    for &node in unit {
        for &lock in locks.of.get(&node).map_or(&[][..], Vec::as_slice) {
            signs.push(lock_sign(files, node, lock, as_of));
        }
        for handle in locks.open.get(&node).map_or(&[][..], Vec::as_slice) {
            let reason = statement(
                ReasonCode::Lock,
                handle.text.clone(),
                Some(handle.source.clone()),
                Weight::For,
            );
            signs.push(Sign {
                class: Class::Locked,
                reason,
            });
        }
        signs.extend(
            files.nodes[node]
                .evidence()
                .into_iter()
                .flat_map(|evidence| &evidence.marks)
                .filter_map(|mark| {
                    let (class, code) = match mark.code {
                        MarkCode::SharingViolation => (Class::Locked, ReasonCode::SharingViolation),
                        MarkCode::Changed => (Class::ChangedDuringScan, ReasonCode::ChangedDuringScan),
                        MarkCode::OpenLog => (Class::OpenLog, ReasonCode::OpenLog),
                        MarkCode::Unclean | MarkCode::NotShutDown => (Class::OpenLog, ReasonCode::UncleanMark),
                        MarkCode::ProtectedByDescriptor => {
                            (Class::ProtectedByDescriptor, ReasonCode::ProtectedByDescriptor)
                        }
                        _ => return None,
                    };
                    let source = source_of(files, node, mark.offset);
                    Some(Sign {
                        class,
                        reason: statement(code, mark.text.clone(), Some(source), Weight::For),
                    })
                }),
        );
    }
    signs.sort_by_key(|sign| sign.class);
    signs
}

fn lock_sign(files: &Files<'_>, node: NodeId, lock: NodeId, as_of: Timestamp) -> Sign {
    let name = files.nodes[node].entry.path.lossy().into_owned();
    let aged = aged(files, lock, as_of);
    let (text, settles) = match Locks::holder(files, lock) {
        Some(host) => (
            format!("{name} is locked by {host} (lock {aged})"),
            format!(
                "whether {host} is there and runs something with it; the lock released by it, or taken away where it is gone, and a new scan"
            ),
        ),
        None => (
            format!("{name} is locked (lock {aged})"),
            "who holds it; the lock released by him, or taken away where he is gone, and a new scan".to_owned(),
        ),
    };
    let source = source_of(files, lock, None);
    let mut reason = statement(ReasonCode::Lock, text, Some(source), Weight::For);
    reason.settles = Some(settles);
    Sign {
        class: Class::Locked,
        reason,
    }
}

/// Compares the times of a unit with the newest inventory that would list it.
pub(crate) fn freshness(
    files: &Files<'_>,
    arrivals: &Arrivals,
    unit: &[NodeId],
    newest: Option<Timestamp>,
) -> Freshness {
    let Some(taken) = newest else { return Freshness::Old };
    let times = || unit.iter().filter_map(|&node| files.nodes[node].entry.modified);
    let created = unit.iter().filter_map(|&node| files.nodes[node].entry.created).min();
    let entries = || unit.iter().map(|&node| files.nodes[node].entry);
    // The change of an inode is no earlier than that of the content.
    let may_be_new = |changed: Option<Timestamp>| changed.is_none_or(|changed| changed > taken - MARGIN);
    let is_undated = entries().any(|entry| entry.modified.is_none() && may_be_new(entry.changed));
    let old = || {
        if is_undated {
            return Freshness::Undated;
        }
        let arrival = arrivals.after(files, unit, taken - MARGIN, taken);
        arrival.map_or(Freshness::Old, Freshness::Arrived)
    };
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return old();
    };
    if last <= taken - MARGIN {
        return old();
    }
    let existed = first < taken - MARGIN || created.is_some_and(|created| created < taken - MARGIN);
    if last > taken && existed {
        Freshness::WrittenSince(last)
    } else {
        Freshness::TooNew(last)
    }
}

/// Compares the times of a unit with an inventory of which it is only known up to when it speaks for sure, and of when it
/// seems to be: what was written between the two may be newer than it, and is not known to be written since.
pub(crate) fn freshness_within(
    files: &Files<'_>,
    arrivals: &Arrivals,
    unit: &[NodeId],
    sure: Option<Timestamp>,
    newest: Option<Timestamp>,
) -> Freshness {
    let by_newest = freshness(files, arrivals, unit, newest);
    if !matches!(by_newest, Freshness::Old | Freshness::Arrived(_)) {
        return by_newest;
    }
    match freshness(files, arrivals, unit, sure) {
        Freshness::WrittenSince(time) | Freshness::TooNew(time) => Freshness::TooNew(time),
        Freshness::Old => by_newest,
        by_sure => by_sure,
    }
}

/// Newest change of a unit.
pub(crate) fn last_written(files: &Files<'_>, unit: &[NodeId]) -> Option<Timestamp> {
    unit.iter().filter_map(|&node| files.nodes[node].entry.modified).max()
}

pub(crate) fn shown(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A file that is a sign of use, and how old it is: an old one may be of somebody who is gone.
pub(crate) fn aged(files: &Files<'_>, node: NodeId, as_of: Timestamp) -> String {
    let path = files.nodes[node].entry.path.lossy();
    let Some(time) = files.nodes[node].entry.modified else {
        return format!("{path}, of unknown age");
    };
    let days = as_of.duration_since(time).as_hours().max(0) / 24;
    let days = count(usize::try_from(days).unwrap_or(usize::MAX), "day", "days");
    format!("{path}, last written {}, {days} before this report", shown(time))
}

/// A reason without a remedy.
pub(crate) fn statement(code: ReasonCode, text: String, source: Option<String>, weight: Weight) -> Reason {
    Reason {
        code,
        text,
        source,
        weight,
        settles: None,
    }
}

/// Names a file, and a place in it.
pub(crate) fn source_of(files: &Files<'_>, node: NodeId, offset: Option<u64>) -> String {
    let path = files.nodes[node].entry.path.lossy().into_owned();
    match offset {
        Some(offset) => format!("{path} at offset {offset:#x}"),
        None => path,
    }
}
