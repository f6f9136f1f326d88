//! Files that are at their place for less long than their content is old: copied with their time, restored or moved.

use jiff::Timestamp;

use super::{
    files::{Files, Node, NodeId},
    own::Owners,
};

/// What the times of creation and of the last change of an inode are worth on each root. Roots that have files in common are one.
pub(crate) struct Arrivals(Vec<[Worth; 2]>);

/// What one of these times is worth on one root, by the files of its registered VMs: these were there when the inventory was taken.
#[derive(Debug, Clone, Copy, Default)]
struct Worth {
    /// Since when one of them has its content.
    written: Option<Timestamp>,
    /// Since when one of them has its content and this time.
    settled: Option<Timestamp>,
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
    pub(crate) fn new(files: &Files<'_>, owners: &Owners, roots: usize) -> Self {
        let one = overlapping(files, roots);
        let mut worths = vec![[Worth::default(); 2]; roots];
        let vms = owners.vms.iter().filter(|vm| vm.is_registered() && !vm.moved);
        for &node in vms.flat_map(|vm| vm.files.keys()) {
            let node = files.nodes[node];
            let Some(modified) = node.entry.modified else { continue };
            for (worth, time) in worths[one[node.entry.root]].iter_mut().zip(times(node)) {
                let Some(time) = time else { continue };
                worth.written = worth.written.into_iter().chain([modified]).min();
                worth.settled = worth.settled.into_iter().chain([modified.max(time)]).min();
            }
        }
        Self(one.into_iter().map(|one| worths[one]).collect())
    }

    /// When the last of these files came to its place, if that was after `time`.
    pub(crate) fn after(&self, files: &Files<'_>, unit: &[NodeId], time: Timestamp) -> Option<Timestamp> {
        let arrivals = unit.iter().flat_map(|&node| {
            let node = files.nodes[node];
            let told = times(node).into_iter().zip(self.0[node.entry.root]);
            told.filter_map(move |(own, worth)| own.filter(|own| *own > time && worth.tells(time)))
        });
        arrivals.max()
    }
}

impl Worth {
    /// False where it is later than `time` on all files of registered VMs that were written before: the root is a copy, or
    /// something changes the inodes of all its files.
    fn tells(self, time: Timestamp) -> bool {
        let is_before = |when: Option<Timestamp>| when.is_some_and(|when| when <= time);
        is_before(self.settled) || !is_before(self.written)
    }
}
