//! The key tree: what a `.vmcx`, `.VMRS`, `data.vmcx` and a legacy XML configuration all hold.
//!
//! A multimap: siblings may share a name, and their order is that of insertion. Keys are linked to their parents in a
//! second pass, since a child may stand before its parent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::key_table::{KeyEntry, KeyPlace};
use crate::{error::Anomaly, findings::Findings, limits::Limits, text::EncodedText};

/// A tree of keys.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KeyTree {
    /// Keys without a parent, in the order of insertion. Real files have one or two.
    pub roots: Vec<Key>,
    /// Keys whose parent is not there, with all below them: cut off by damage. Their values still count as references.
    pub detached: Vec<Key>,
    /// Nothing is missing, as far as the file tells. While `false`, "this configuration does not name it" is not
    /// known.
    pub complete: bool,
}

/// One key.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Its name; siblings may share one.
    pub name: String,
    /// What it holds.
    pub value: Value,
    /// The keys below it, in the order of insertion.
    pub children: Vec<Key>,
}

/// What a key holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Keys only.
    Node,
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    UInt(u64),
    /// A floating point number.
    Double(f64),
    /// Text.
    String(EncodedText),
    /// Bytes.
    Bytes(Vec<u8>),
    /// True or false.
    Bool(bool),
    /// A value in a file object that was not read: the memory of a saved VM, a text beyond the limits.
    Stored(Stored),
    /// A value of a type that nobody has described, kept as it stands.
    Unknown {
        /// Number of the type.
        kind: u8,
        /// The bytes after the name.
        bytes: Vec<u8>,
    },
}

/// A value that lies in a file object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// What it is.
    pub kind: StoredKind,
    /// Where it starts, in bytes from the start of the file.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// What lies in a file object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredKind {
    /// UTF-16LE text.
    String,
    /// Bytes.
    Bytes,
    /// A value of the type with this number.
    Other(u8),
}

impl KeyTree {
    /// The first key at `path`, e.g. `configuration/properties/name`, without regard to ASCII case.
    pub fn get(&self, path: &str) -> Option<&Key> {
        self.get_all(path).into_iter().next()
    }

    /// Every key at `path`: siblings of one name are all followed.
    pub fn get_all(&self, path: &str) -> Vec<&Key> {
        let mut names = path.split('/').filter(|name| !name.is_empty());
        let Some(first) = names.next() else { return Vec::new() };
        let roots: Vec<&Key> = self.roots_named(first).collect();
        names.fold(roots, |keys, name| {
            keys.into_iter().flat_map(|key| key.children_named(name)).collect()
        })
    }

    /// The first root of this name. Where damage left no such root, a detached key of that name stands in for it.
    pub fn root(&self, name: &str) -> Option<&Key> {
        self.roots_named(name).next()
    }

    fn roots_named<'k>(&'k self, name: &str) -> impl Iterator<Item = &'k Key> {
        let detached = if self.roots.iter().any(|key| key.is_named(name)) {
            &[]
        } else {
            self.detached.as_slice()
        };
        self.roots.iter().chain(detached).filter(move |key| key.is_named(name))
    }

    /// Calls `visit` with the path and the key for every key, parents first. Detached keys come last; their paths start
    /// with `?/`.
    pub fn walk<'a>(&'a self, mut visit: impl FnMut(&str, &'a Key)) {
        let mut path = String::new();
        for key in &self.roots {
            key.walk(&mut path, &mut visit);
        }
        for key in &self.detached {
            path.push('?');
            key.walk(&mut path, &mut visit);
            path.clear();
        }
    }
}

impl Key {
    /// A key that holds keys.
    pub fn node(name: impl Into<String>, children: impl Into<Vec<Key>>) -> Self {
        Self {
            name: name.into(),
            value: Value::Node,
            children: children.into(),
        }
    }

    /// A key with a value.
    pub fn leaf(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            children: Vec::new(),
        }
    }

    /// True when this is its name, without regard to ASCII case (`_3AFC…_` and `_3afc…_` are one device).
    pub fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Key> {
        self.children.iter().find(|key| key.is_named(name))
    }

    /// All children of this name.
    pub fn children_named<'k>(&'k self, name: &str) -> impl Iterator<Item = &'k Key> {
        self.children.iter().filter(move |key| key.is_named(name))
    }

    /// The first key at a path below this one.
    pub fn get(&self, path: &str) -> Option<&Key> {
        path.split('/').try_fold(self, |key, name| key.child(name))
    }

    /// Its text.
    pub fn as_text(&self) -> Option<&EncodedText> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Its text as far as it is Unicode.
    pub fn as_str(&self) -> Option<&str> {
        self.as_text().map(EncodedText::as_str)
    }

    /// Its integer.
    pub fn as_int(&self) -> Option<i64> {
        match self.value {
            Value::Int(number) => Some(number),
            Value::UInt(number) => i64::try_from(number).ok(),
            _ => None,
        }
    }

    /// Its truth value; an integer is true when it is not 0.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => self.as_int().map(|number| number != 0),
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.value {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn walk<'a>(&'a self, path: &mut String, visit: &mut impl FnMut(&str, &'a Key)) {
        let above = path.len();
        if above > 0 {
            path.push('/');
        }
        path.push_str(&self.name);
        visit(path, self);
        for child in &self.children {
            child.walk(path, visit);
        }
        path.truncate(above);
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<EncodedText> for Value {
    fn from(text: EncodedText) -> Self {
        Self::String(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

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
    entries: Vec<Option<KeyEntry>>,
    parents: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
    /// Keys below the deepest level.
    too_deep: VecDeque<usize>,
    max_depth: usize,
}

impl Linker {
    fn new(mut entries: Vec<KeyEntry>, max_depth: usize) -> Self {
        entries.sort_by_key(|entry| entry.insertion);
        Self {
            parents: vec![None; entries.len()],
            children: vec![Vec::new(); entries.len()],
            entries: entries.into_iter().map(Some).collect(),
            too_deep: VecDeque::new(),
            max_depth: max_depth.max(1),
        }
    }

    /// Fills the lists of children; returns the keys of the root and those whose parent is not there.
    fn find_parents(&mut self, findings: &mut Findings) -> (Vec<usize>, Vec<usize>) {
        let places: BTreeMap<KeyPlace, usize> = self
            .entries
            .iter()
            .enumerate()
            .filter_map(|(id, entry)| Some((entry.as_ref()?.place, id)))
            .collect();
        let (mut roots, mut detached) = (Vec::new(), Vec::new());
        for (id, entry) in self.entries.iter().enumerate() {
            let Some(entry) = entry else { continue };
            let parent = places.get(&entry.parent).copied();
            if entry.parent.0 == 0 {
                roots.push(id);
            } else if let Some(children) = parent.and_then(|parent| self.children.get_mut(parent)) {
                children.push(id);
                if let Some(slot) = self.parents.get_mut(id) {
                    *slot = parent;
                }
            } else {
                detached.push(id);
                findings.damage(Anomaly::at(
                    "key-without-parent",
                    entry.offset,
                    format!("the parent of key `{}` is not there", entry.name),
                ));
            }
        }
        (roots, detached)
    }

    /// A key with all below it, down to the deepest level. The recursion is bounded by that level.
    fn grow(&mut self, id: usize, depth: usize) -> Option<Key> {
        let entry = self.entries.get_mut(id)?.take()?;
        let below = self.children.get_mut(id).map(std::mem::take).unwrap_or_default();
        let children = if depth < self.max_depth {
            below
                .into_iter()
                .filter_map(|child| self.grow(child, depth.saturating_add(1)))
                .collect()
        } else {
            self.too_deep.extend(below);
            Vec::new()
        };
        Some(Key {
            name: entry.name,
            value: entry.value,
            children,
        })
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
        for id in 0..self.entries.len() {
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
        self.entries.get(id)?.as_ref()
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
            name: name.to_owned(),
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

    #[test]
    fn paths_are_followed_through_every_sibling_of_a_name() {
        let tree = KeyTree {
            roots: vec![Key::node(
                "configuration",
                [
                    Key::node("device", []),
                    Key::node("device", [Key::leaf("pathname", r"C:\a.vhdx")]),
                ],
            )],
            detached: vec![Key::node("configuration", [])],
            complete: true,
        };
        let found = tree.get("/configuration/DEVICE/PathName").and_then(Key::as_str);
        assert_eq!(found, Some(r"C:\a.vhdx"));
        assert_eq!(
            tree.get_all("configuration").len(),
            1,
            "detached keys do not double a root"
        );
        assert!(tree.get("").is_none());
    }
}
