//! Links keys to their parents. A child may stand before its parent, in a lower table, so this is a second pass.
//!
//! Nothing is lost: a key whose parent is missing, whose ancestors form a circle, or that lies too deep becomes the
//! root of a detached part.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::Range,
};

use smol_str::SmolStr;

use super::{
    key_entry::{KeyEntry, KeyPlace},
    tree::{Key, KeyTree, Value},
};
use crate::{error::Anomaly, findings::Findings, limits::Limits};

/// Links keys to their parents.
pub(super) fn link(entries: Vec<KeyEntry>, limits: &Limits, findings: &mut Findings) -> KeyTree {
    let mut linker = Linker::new(entries, limits.tree_depth);
    let (roots, detached) = linker.find_parents(findings);
    let mut tree = KeyTree {
        roots: roots.into_iter().filter_map(|id| linker.grow(id, 1)).collect(),
        ..KeyTree::default()
    };
    tree.detached = detached.into_iter().filter_map(|id| linker.grow(id, 1)).collect();
    linker.cut_deep(&mut tree.detached, findings);
    linker.break_cycles(&mut tree.detached, findings);
    tree.complete = findings.is_complete();
    tree
}

/// Keys by number; a key is taken out when it finds its place, so that none can appear twice.
struct Linker {
    entries: Vec<KeyEntry>,
    /// Which entries were taken out.
    is_placed: Vec<bool>,
    /// All keys in the order of insertion.
    order: Vec<usize>,
    parents: Vec<Option<usize>>,
    /// The children of all keys: those of a key follow each other, in the order of insertion.
    children: Vec<usize>,
    /// Where the children of each key end; they begin where those of the key before end.
    children_end: Vec<usize>,
    /// Keys below the deepest level.
    too_deep: VecDeque<usize>,
    max_depth: usize,
}

impl Linker {
    fn new(entries: Vec<KeyEntry>, max_depth: usize) -> Self {
        let mut order: Vec<_> = (0..).zip(&entries).map(|(id, entry)| (entry.insertion, id)).collect();
        order.sort_unstable();
        Self {
            order: order.into_iter().map(|(_, id)| id).collect(),
            parents: vec![None; entries.len()],
            is_placed: vec![false; entries.len()],
            children: Vec::new(),
            children_end: Vec::new(),
            entries,
            too_deep: VecDeque::new(),
            max_depth: max_depth.max(1),
        }
    }

    /// Finds parents and children; returns the keys of the root and those whose parent is not there.
    fn find_parents(&mut self, findings: &mut Findings) -> (Vec<usize>, Vec<usize>) {
        let mut places: Vec<(KeyPlace, usize)> = self
            .entries
            .iter()
            .enumerate()
            .map(|(id, entry)| (entry.place, id))
            .collect();
        // They come in this order.
        places.sort_unstable();
        let at = |place: KeyPlace| {
            let found = places.binary_search_by_key(&place, |(place, _)| *place).ok()?;
            places.get(found).map(|(_, id)| *id)
        };
        let (mut roots, mut detached) = (Vec::new(), Vec::new());
        // Most keys have the parent of the key before.
        let mut last = ((0, 0), None);
        for &id in &self.order {
            let Some(entry) = self.entries.get(id) else { continue };
            if entry.parent != last.0 {
                last = (entry.parent, at(entry.parent));
            }
            if entry.parent.0 == 0 {
                roots.push(id);
            } else if last.1.is_none() {
                detached.push(id);
                findings.damage(Anomaly::at(
                    "key-without-parent",
                    entry.offset,
                    format!("the parent of key `{}` is not there", entry.name),
                ));
            } else if let Some(slot) = self.parents.get_mut(id) {
                *slot = last.1;
            }
        }
        self.list_children();
        (roots, detached)
    }

    /// Puts the children of each key together.
    fn list_children(&mut self) {
        let mut places = vec![0_usize; self.entries.len()];
        for parent in self.parents.iter().flatten() {
            if let Some(count) = places.get_mut(*parent) {
                *count = count.saturating_add(1);
            }
        }
        let mut all = 0_usize;
        for place in &mut places {
            let count = std::mem::replace(place, all);
            all = all.saturating_add(count);
        }
        self.children = vec![0; all];
        for &id in &self.order {
            let parent = self.parents.get(id).copied().flatten();
            if let Some(place) = parent.and_then(|parent| places.get_mut(parent)) {
                if let Some(child) = self.children.get_mut(*place) {
                    *child = id;
                }
                *place = place.saturating_add(1);
            }
        }
        self.children_end = places;
    }

    /// Where the children of a key are listed.
    fn children_of(&self, id: usize) -> Range<usize> {
        let end = |id: usize| self.children_end.get(id).copied().unwrap_or(0);
        id.checked_sub(1).map_or(0, end)..end(id)
    }

    /// A key with all below it, down to the deepest level. The recursion is bounded by that level.
    fn grow(&mut self, id: usize, depth: usize) -> Option<Key> {
        let (name, value) = self.take(id)?;
        let below = self.children_of(id);
        let mut children = Vec::new();
        if depth < self.max_depth {
            children.reserve_exact(below.len());
            for place in below {
                let child = self.children.get(place).copied();
                children.extend(child.and_then(|child| self.grow(child, depth.saturating_add(1))));
            }
        } else {
            self.too_deep.extend(self.children.get(below).unwrap_or_default());
        }
        Some(Key { name, value, children })
    }

    /// Name and value of a key that has not found its place before.
    fn take(&mut self, id: usize) -> Option<(SmolStr, Value)> {
        let is_placed = self.is_placed.get_mut(id)?;
        if std::mem::replace(is_placed, true) {
            return None;
        }
        let entry = self.entries.get_mut(id)?;
        Some((
            std::mem::take(&mut entry.name),
            std::mem::replace(&mut entry.value, Value::Node),
        ))
    }

    /// What lies below the deepest level becomes detached.
    fn cut_deep(&mut self, detached: &mut Vec<Key>, findings: &mut Findings) {
        if !self.too_deep.is_empty() {
            let text = format!("keys are nested deeper than {} levels", self.max_depth);
            findings.damage(Anomaly::new("keys-too-deep", text));
        }
        while let Some(id) = self.too_deep.pop_front() {
            detached.extend(self.grow(id, 1));
        }
    }

    /// What is left is reached from nowhere: above it stands a circle, which is opened at its first key in the file.
    fn break_cycles(&mut self, detached: &mut Vec<Key>, findings: &mut Findings) {
        for id in std::mem::take(&mut self.order) {
            if self.entry(id).is_none() {
                continue;
            }
            let first = self.first_of_cycle_above(id);
            if let Some(entry) = self.entry(first) {
                let text = format!("key `{}` is its own ancestor", entry.name);
                findings.damage(Anomaly::at("key-cycle", entry.offset, text));
            }
            detached.extend(self.grow(first, 1));
            self.cut_deep(detached, findings);
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(place: u32, parent: u32, insertion: u32, name: &str) -> KeyEntry {
        KeyEntry {
            offset: u64::from(place),
            place: (1, place),
            parent: (u16::from(parent != 0), parent),
            insertion,
            name: name.into(),
            value: Value::Node,
        }
    }

    fn link_all(entries: Vec<KeyEntry>, depth: usize) -> (KeyTree, Vec<Anomaly>) {
        let limits = Limits {
            tree_depth: depth,
            ..Limits::default()
        };
        let mut findings = Findings::default();
        let tree = link(entries, &limits, &mut findings);
        (tree, findings.into_anomalies())
    }

    #[test]
    fn children_before_their_parents_are_linked_in_the_order_of_insertion() {
        let entries = vec![
            entry(10, 40, 7, "second"),
            entry(20, 40, 2, "first"),
            entry(30, 40, 2, "first"),
            entry(40, 0, 1, "root"),
        ];
        let (tree, anomalies) = link_all(entries, 8);
        let expected = Key::node(
            "root",
            [Key::node("first", []), Key::node("first", []), Key::node("second", [])],
        );
        assert_eq!(tree.roots, [expected]);
        assert!(tree.complete && tree.detached.is_empty() && anomalies.is_empty());
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
        let (tree, anomalies) = link_all(entries, 8);
        let c = Key::node("c", [Key::node("b", [Key::node("hangs on b", [])])]);
        assert_eq!(tree.detached, [Key::node("a", [c])]);
        assert_eq!(anomalies, [Anomaly::at("key-cycle", 10, "key `a` is its own ancestor")]);
        assert!(!tree.complete);
    }

    #[test]
    fn a_key_that_is_its_own_parent_is_detached() {
        let (tree, anomalies) = link_all(vec![entry(10, 10, 1, "self")], 8);
        assert_eq!(tree.detached, [Key::node("self", [])]);
        assert_eq!(anomalies[0].code, "key-cycle");
    }

    #[test]
    fn a_key_without_its_parent_is_detached() {
        let (tree, anomalies) = link_all(vec![entry(10, 0, 1, "root"), entry(20, 11, 1, "lost")], 8);
        assert_eq!(tree.detached, [Key::node("lost", [])]);
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
        let (tree, anomalies) = link_all(entries, 10);
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
