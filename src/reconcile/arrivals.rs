//! When files came to their places: one that was copied with its time, restored or moved has an old content, and is new here.

use jiff::Timestamp;

use super::{
    coverage::MARGIN,
    files::{Files, Node, NodeId},
    own::{Owners, Via, World},
};

/// What the times of creation and of the last change of an inode are worth on each root. Roots that have files in common are one.
pub(crate) struct Arrivals {
    /// For each root the first of those that are one with it.
    one: Vec<usize>,
    worths: Vec<[Worth; 2]>,
}

/// One of these times on the files of one root that inventories list, by since when it is known of each that it was there with its
/// content; with it the earliest and the latest time of all up to that one.
#[derive(Debug, Clone, Default)]
struct Worth(Vec<Known>);

#[derive(Debug, Clone, Copy)]
struct Known {
    since: Timestamp,
    earliest: Timestamp,
    latest: Timestamp,
}

/// For each root the first of those that have files in common, through others as well.
fn overlapping(files: &Files<'_>, roots: usize) -> Vec<usize> {
    let mut first: Vec<usize> = (0..roots).collect();
    for (node, &same) in files.nodes.iter().zip(&files.first_name) {
        let pair = [node.entry.root, files.nodes[same].entry.root].map(|root| first[root]);
        if pair[0] != pair[1] {
            let [low, high] = [pair[0].min(pair[1]), pair[0].max(pair[1])];
            first.iter_mut().filter(|one| **one == high).for_each(|one| *one = low);
        }
    }
    first
}

/// When a file was created and when its inode was changed.
fn times(node: Node<'_>) -> [Option<Timestamp>; 2] {
    [node.entry.created, node.entry.changed]
}

impl Arrivals {
    pub(crate) fn new(world: World<'_>, owners: &Owners) -> Self {
        let one = overlapping(world.files, world.catalogue.roots.len());
        let mut worths = vec![[Worth::default(), Worth::default()]; one.len()];
        for vm in owners.vms.iter().filter(|vm| vm.is_registered() && !vm.moved) {
            let taken = vm.rows.iter();
            let taken = taken.filter_map(|&(inventory, _)| world.inventories[inventory].surely_collected());
            let Some(taken) = taken.min() else { continue };
            let listed = vm.files.iter();
            let listed = listed.filter(|(_, via)| matches!(via, Via::Listed { .. } | Via::Itself));
            for (&node, _) in listed {
                let node = world.files.nodes[node];
                let Some(modified) = node.entry.modified else { continue };
                for (worth, time) in worths[one[node.entry.root]].iter_mut().zip(times(node)) {
                    worth.0.extend(time.map(|time| Known {
                        since: modified.max(taken - MARGIN),
                        earliest: time,
                        latest: time,
                    }));
                }
            }
        }
        worths.iter_mut().flatten().for_each(Worth::sum_up);
        Self { one, worths }
    }

    /// When the last of these files came to its place, if that was after `time` and the time says so beside those of the files that an
    /// inventory of `taken` lists.
    pub(crate) fn after(
        &self,
        files: &Files<'_>,
        unit: &[NodeId],
        time: Timestamp,
        taken: Timestamp,
    ) -> Option<Timestamp> {
        let arrivals = unit.iter().flat_map(|&node| {
            let node = files.nodes[node];
            let told = times(node).into_iter().zip(&self.worths[self.one[node.entry.root]]);
            told.filter_map(move |(own, worth)| own.filter(|own| *own > time && worth.tells(*own, taken)))
        });
        arrivals.max()
    }
}

impl Worth {
    fn sum_up(&mut self) {
        self.0.sort_by_key(|known| known.since);
        let mut before: Option<Known> = None;
        for known in &mut self.0 {
            if let Some(before) = before {
                known.earliest = known.earliest.min(before.earliest);
                known.latest = known.latest.max(before.latest);
            }
            before = Some(*known);
        }
    }

    /// True where the time of a file tells when that file came. It does not where the files that were there when the inventory was taken
    /// have later times as well, all of them, and none much earlier than this one: the root is a copy, or something changed the inodes
    /// of all its files.
    fn tells(&self, own: Timestamp, taken: Timestamp) -> bool {
        let there = self.0.partition_point(|known| known.since <= taken - MARGIN);
        let last = there.checked_sub(1).and_then(|last| self.0.get(last));
        last.is_none_or(|there| there.earliest <= taken + MARGIN || own > there.latest + MARGIN)
    }
}
