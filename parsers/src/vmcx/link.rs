//! Links keys to their parents. A child may stand before its parent, in a lower table, so this is a second pass.
//!
//! Nothing is lost: a key whose parent is missing, whose ancestors form a circle, or that lies too deep becomes the
//! root of a detached part.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::Range,
};

use super::{
    key_entry::KeyEntry,
    tree::{KeyRef, KeyTree},
};
use crate::{error::Anomaly, findings::Findings, limits::Limits};

/// Links the keys of a tree to their parents. `entries` are where they stand and hang, in the order of their places.
pub(super) fn link(tree: &mut KeyTree, entries: &[KeyEntry], limits: &Limits, findings: &mut Findings) {
    let mut linker = Linker {
        parents: Vec::with_capacity(entries.len()),
        is_placed: vec![false; entries.len()],
        tree,
        entries,
        too_deep: VecDeque::new(),
        max_depth: limits.tree_depth.max(1),
    };
    let (roots, mut detached) = linker.find_parents(findings);
    for id in roots.iter().chain(&detached) {
        linker.place(*id, 1);
    }
    linker.cut_deep(&mut detached, findings);
    linker.break_cycles(&mut detached, findings);
    tree.roots = roots;
    tree.detached = detached;
    tree.complete = findings.is_complete();
}

/// Keys by number; each finds its place once, so that none can appear twice.
struct Linker<'t> {
    tree: &'t mut KeyTree,
    entries: &'t [KeyEntry],
    /// Which keys have found their place.
    is_placed: Vec<bool>,
    parents: Vec<Option<usize>>,
    /// Keys below the deepest level.
    too_deep: VecDeque<usize>,
    max_depth: usize,
}

impl Linker<'_> {
    /// Finds parents and children; returns the keys of the root and those whose parent is not there.
    fn find_parents(&mut self, findings: &mut Findings) -> (Vec<usize>, Vec<usize>) {
        let (mut roots, mut detached) = (Vec::new(), Vec::new());
        // Most keys have the parent of the key before.
        let mut last = ((0, 0), None);
        for (id, entry) in self.entries.iter().enumerate() {
            if entry.parent != last.0 {
                let found = self.entries.binary_search_by_key(&entry.parent, |entry| entry.place);
                last = (entry.parent, found.ok());
            }
            let parent = last.1.filter(|_| entry.parent.0 != 0);
            self.parents.push(parent);
            if entry.parent.0 == 0 {
                roots.push(id);
            } else if parent.is_none() {
                detached.push(id);
            }
        }
        sort_by_insertion(&mut roots, self.entries);
        sort_by_insertion(&mut detached, self.entries);
        for id in &detached {
            findings.damage_with(|| Anomaly {
                offset: self.entries.get(*id).map(|entry| entry.offset),
                ..Anomaly::new(
                    "key-without-parent",
                    format!("the parent of key `{}` is not there", self.name(*id)),
                )
            });
        }
        self.list_children();
        (roots, detached)
    }

    fn name(&self, id: usize) -> &str {
        self.tree.key(id).map(KeyRef::name).unwrap_or_default()
    }

    /// Puts the children of each key together.
    fn list_children(&mut self) {
        let tree = &mut *self.tree;
        let parents = || {
            (0..)
                .zip(&self.parents)
                .filter_map(|(id, parent)| Some((id, (*parent)?)))
        };
        for (_, parent) in parents() {
            if let Some(node) = tree.keys.get_mut(parent) {
                node.children.end = node.children.end.saturating_add(1);
            }
        }
        let mut all = 0_usize;
        for node in &mut tree.keys {
            let begin = all;
            all = all.saturating_add(node.children.end);
            node.children = begin..begin;
        }
        tree.children = vec![0; all];
        for (id, parent) in parents() {
            if let Some(node) = tree.keys.get_mut(parent)
                && let Some(child) = tree.children.get_mut(node.children.end)
            {
                *child = id;
                node.children.end = node.children.end.saturating_add(1);
            }
        }
        for node in &tree.keys {
            let children = tree.children.get_mut(node.children.clone());
            sort_by_insertion(children.unwrap_or_default(), self.entries);
        }
    }

    /// Where the children of a key are listed.
    fn children_of(&self, id: usize) -> Range<usize> {
        self.tree.keys.get(id).map_or(0..0, |node| node.children.clone())
    }

    /// Gives a key its place with all below it, down to the deepest level, unless it has one. The recursion is bounded by
    /// that level.
    fn place(&mut self, id: usize, depth: usize) -> bool {
        match self.is_placed.get_mut(id) {
            Some(is_placed) if !*is_placed => *is_placed = true,
            _ => return false,
        }
        let below = self.children_of(id);
        let mut kept = below.start..below.start;
        if depth < self.max_depth {
            for place in below {
                if let Some(child) = self.tree.children.get(place).copied()
                    && self.place(child, depth.saturating_add(1))
                    && let Some(slot) = self.tree.children.get_mut(kept.end)
                {
                    *slot = child;
                    kept.end = kept.end.saturating_add(1);
                }
            }
        } else {
            self.too_deep.extend(self.tree.children.get(below).unwrap_or_default());
        }
        if let Some(node) = self.tree.keys.get_mut(id) {
            node.children = kept;
        }
        true
    }

    /// What lies below the deepest level becomes detached.
    fn cut_deep(&mut self, detached: &mut Vec<usize>, findings: &mut Findings) {
        if !self.too_deep.is_empty() {
            let text = format!("keys are nested deeper than {} levels", self.max_depth);
            findings.damage(Anomaly::new("keys-too-deep", text));
        }
        while let Some(id) = self.too_deep.pop_front() {
            if self.place(id, 1) {
                detached.push(id);
            }
        }
    }

    /// What is left is reached from nowhere: above it stands a circle, which is opened at its first key in the file.
    fn break_cycles(&mut self, detached: &mut Vec<usize>, findings: &mut Findings) {
        let is_left = |id: &usize| self.is_placed.get(*id) == Some(&false);
        let mut left: Vec<_> = (0..self.entries.len()).filter(is_left).collect();
        sort_by_insertion(&mut left, self.entries);
        for id in left {
            if self.entry(id).is_none() {
                continue;
            }
            let first = self.first_of_cycle_above(id);
            if let Some(entry) = self.entry(first) {
                findings.damage_with(|| {
                    let text = format!("key `{}` is its own ancestor", self.name(first));
                    Anomaly::at("key-cycle", entry.offset, text)
                });
            }
            if self.place(first, 1) {
                detached.push(first);
            }
            self.cut_deep(detached, findings);
        }
    }

    /// The entry of a key that has not found its place.
    fn entry(&self, id: usize) -> Option<&KeyEntry> {
        self.entries.get(id).filter(|_| self.is_placed.get(id) == Some(&false))
    }

    fn parent(&self, id: usize) -> Option<usize> {
        self.parents.get(id).copied().flatten()
    }

    /// Of the circle that the parents of `id` lead into, the key that stands first.
    fn first_of_cycle_above(&self, id: usize) -> usize {
        let mut seen = BTreeSet::new();
        let mut member = id;
        while seen.insert(member)
            && let Some(parent) = self.parent(member)
        {
            member = parent;
        }
        std::iter::successors(self.parent(member), |id| self.parent(*id).filter(|_| *id != member))
            .min_by_key(|id| self.entry(*id).map(|entry| entry.place))
            .unwrap_or(member)
    }
}

/// Puts keys, which come in the order of their places, into that of insertion.
fn sort_by_insertion(ids: &mut [usize], entries: &[KeyEntry]) {
    let insertion = |id: &usize| entries.get(*id).map(|entry| entry.insertion);
    // Nearly all were written in this order.
    if !ids.is_sorted_by_key(insertion) {
        ids.sort_by_key(insertion);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vmcx::{Key, tree::NodeValue};

    fn entry(place: u32, parent: u32, insertion: u32, name: &str) -> (KeyEntry, &str) {
        let entry = KeyEntry {
            offset: u64::from(place),
            place: (1, place),
            parent: (u16::from(parent != 0), parent),
            insertion,
        };
        (entry, name)
    }

    fn link_all(keys: &[(KeyEntry, &str)], depth: usize) -> (KeyTree, Vec<Anomaly>) {
        let limits = Limits {
            tree_depth: depth,
            ..Limits::default()
        };
        let mut findings = Findings::default();
        let mut tree = KeyTree::default();
        for (_, name) in keys {
            tree.put(name, NodeValue::Node);
        }
        let entries: Vec<_> = keys.iter().map(|(entry, _)| *entry).collect();
        link(&mut tree, &entries, &limits, &mut findings);
        (tree, findings.into_anomalies())
    }

    fn detached(tree: &KeyTree) -> Vec<Key> {
        tree.detached().map(KeyRef::to_key).collect()
    }

    #[test]
    fn children_before_their_parents_are_linked_in_the_order_of_insertion() {
        let entries = vec![
            entry(10, 40, 7, "second"),
            entry(20, 40, 2, "first"),
            entry(30, 40, 2, "first"),
            entry(40, 0, 1, "root"),
        ];
        let (tree, anomalies) = link_all(&entries, 8);
        let expected = Key::node(
            "root",
            [Key::node("first", []), Key::node("first", []), Key::node("second", [])],
        );
        assert_eq!(tree.to_keys(), [expected]);
        assert!(tree.complete && detached(&tree).is_empty() && anomalies.is_empty());
        assert_eq!(
            tree.get_all("ROOT/First").len(),
            2,
            "siblings of one name are all there"
        );
    }

    #[test]
    fn a_circle_is_opened_at_its_first_key_and_loses_nothing() {
        let entries = vec![
            entry(10, 20, 9, "a"),
            entry(20, 30, 8, "b"),
            entry(30, 10, 7, "c"),
            entry(40, 20, 1, "hangs on b"),
            entry(50, 0, 1, "root"),
        ];
        let (tree, anomalies) = link_all(&entries, 8);
        let c = Key::node("c", [Key::node("b", [Key::node("hangs on b", [])])]);
        assert_eq!(detached(&tree), [Key::node("a", [c])]);
        assert_eq!(anomalies, [Anomaly::at("key-cycle", 10, "key `a` is its own ancestor")]);
        assert!(!tree.complete);
    }

    #[test]
    fn a_key_that_is_its_own_parent_is_detached() {
        let (tree, anomalies) = link_all(&[entry(10, 10, 1, "self")], 8);
        assert_eq!(detached(&tree), [Key::node("self", [])]);
        assert_eq!(anomalies[0].code, "key-cycle");
    }

    #[test]
    fn a_key_without_its_parent_is_detached() {
        let (tree, anomalies) = link_all(&[entry(10, 0, 1, "root"), entry(20, 11, 1, "lost")], 8);
        assert_eq!(detached(&tree), [Key::node("lost", [])]);
        assert_eq!(
            anomalies,
            [Anomaly::at(
                "key-without-parent",
                20,
                "the parent of key `lost` is not there"
            )]
        );
        assert!(
            tree.get("lost").is_some(),
            "a detached key stands in for a root that is not there"
        );
        assert!(tree.get("root/lost").is_none());
    }

    #[test]
    fn deep_trees_are_cut_into_pieces_and_lose_nothing() {
        let entries: Vec<_> = (1..=1000).map(|n| entry(n, n - 1, 1, "k")).collect();
        let (tree, anomalies) = link_all(&entries, 10);
        let mut count = 0;
        let mut deepest = 0;
        tree.walk(|path, _| {
            count += 1;
            deepest = deepest.max(path.trim_start_matches("?/").split('/').count());
        });
        assert_eq!((count, deepest), (1000, 10));
        assert_eq!(anomalies[0].code, "keys-too-deep");
        assert!(!tree.complete);
    }
}
