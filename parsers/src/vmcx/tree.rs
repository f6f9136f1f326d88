//! The key tree: what a `.vmcx`, `.VMRS`, `data.vmcx` and a legacy XML configuration all hold.
//!
//! A multimap: siblings may share a name, and their order is that of insertion. All keys of a tree stand in one list, and
//! what they hold in one text and one row of bytes, so that a tree of thousands of keys is a few pieces of memory; a
//! [`KeyRef`] looks at one of them. [`Key`] is a key that stands for itself: what builders write.

use std::{fmt, ops::Range};

use smol_str::SmolStr;

use crate::{
    text::{EncodedText, TextRef},
    utf16,
};

/// What name and text of a key take as a rule.
const USUAL_TEXT_BYTES: usize = 32;

/// A tree of keys.
#[derive(Clone, Default)]
pub struct KeyTree {
    /// Nothing is missing, as far as the file tells. While `false`, "this configuration does not name it" is not
    /// known.
    pub complete: bool,
    pub(super) keys: Vec<Node>,
    /// The children of all keys: those of a key follow each other, in the order of insertion.
    pub(super) children: Vec<usize>,
    pub(super) roots: Vec<usize>,
    pub(super) detached: Vec<usize>,
    /// Names and texts.
    texts: String,
    /// Values that are bytes, and those of texts that are not the UTF-8 of what they were decoded to.
    bytes: Vec<u8>,
}

/// One key of a tree.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Part of the texts.
    name: Range<usize>,
    value: NodeValue,
    /// Part of the list of children.
    pub(super) children: Range<usize>,
}

/// As [`Value`], in parts of the texts and the bytes.
#[derive(Debug, Clone)]
pub(super) enum NodeValue {
    Node,
    Int(i64),
    UInt(u64),
    Double(f64),
    /// A text, and the bytes in the file where they are not its own; none else.
    String(Range<usize>, Range<usize>),
    Bytes(Range<usize>),
    Bool(bool),
    Stored(Stored),
    Unknown(u8, Range<usize>),
}

/// A key of a [`KeyTree`].
#[derive(Clone, Copy)]
pub struct KeyRef<'t> {
    tree: &'t KeyTree,
    id: usize,
    node: &'t Node,
}

/// What a key of a tree holds.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueRef<'t> {
    /// Keys only.
    Node,
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    UInt(u64),
    /// A floating point number.
    Double(f64),
    /// Text.
    String(TextRef<'t>),
    /// Bytes.
    Bytes(&'t [u8]),
    /// True or false.
    Bool(bool),
    /// A value in a file object that was not read: the memory of a saved VM, a text beyond the limits.
    Stored(Stored),
    /// A value of a type that nobody has described, kept as it stands.
    Unknown {
        /// Number of the type.
        kind: u8,
        /// The bytes after the name.
        bytes: &'t [u8],
    },
}

/// A key that stands for itself, with all below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Its name; siblings may share one.
    pub name: SmolStr,
    /// What it holds.
    pub value: Value,
    /// The keys below it, in the order of insertion.
    pub children: Vec<Key>,
}

/// What such a key holds.
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

impl NodeValue {
    /// Bytes that a text or bytes take.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::String(part, _) | Self::Bytes(part) | Self::Unknown(_, part) => part.len(),
            _ => 0,
        }
    }
}

impl KeyTree {
    /// A tree of these keys. `detached` are those whose parent is not there.
    pub fn new(roots: &[Key], detached: &[Key], complete: bool) -> Self {
        let mut tree = Self {
            complete,
            ..Self::default()
        };
        tree.roots = roots.iter().map(|key| tree.add(key)).collect();
        tree.detached = detached.iter().map(|key| tree.add(key)).collect();
        tree
    }

    /// Keys without a parent, in the order of insertion. Real files have one or two.
    pub fn roots(&self) -> impl DoubleEndedIterator<Item = KeyRef<'_>> {
        self.refs(&self.roots)
    }

    /// Keys whose parent is not there, with all below them: cut off by damage. Their values still count as references.
    pub fn detached(&self) -> impl DoubleEndedIterator<Item = KeyRef<'_>> {
        self.refs(&self.detached)
    }

    /// Its roots, each with all below it, to be written anew.
    pub fn to_keys(&self) -> Vec<Key> {
        self.roots().map(KeyRef::to_key).collect()
    }

    /// The first key at `path`, e.g. `configuration/properties/name`, without regard to ASCII case.
    pub fn get(&self, path: &str) -> Option<KeyRef<'_>> {
        self.get_all(path).into_iter().next()
    }

    /// Every key at `path`: siblings of one name are all followed.
    pub fn get_all(&self, path: &str) -> Vec<KeyRef<'_>> {
        let mut names = path.split('/').filter(|name| !name.is_empty());
        let Some(first) = names.next() else { return Vec::new() };
        let roots: Vec<KeyRef<'_>> = self.roots_named(first).collect();
        names.fold(roots, |keys, name| {
            keys.into_iter().flat_map(|key| key.children_named(name)).collect()
        })
    }

    /// The first root of this name. Where damage left no such root, a detached key of that name stands in for it.
    pub fn root(&self, name: &str) -> Option<KeyRef<'_>> {
        let mut all = self.roots().chain(self.detached());
        all.find(|key| key.is_named(name))
    }

    fn roots_named<'t>(&'t self, name: &str) -> impl Iterator<Item = KeyRef<'t>> {
        let detached = if self.roots().any(|key| key.is_named(name)) {
            &[]
        } else {
            self.detached.as_slice()
        };
        let all = self.roots().chain(self.refs(detached));
        all.filter(move |key| key.is_named(name))
    }

    /// Calls `visit` with the path and the key for every key, parents first. Detached keys come last; their paths start
    /// with `?/`.
    pub fn walk<'t>(&'t self, mut visit: impl FnMut(&str, KeyRef<'t>)) {
        let mut path = String::new();
        // The length of the path of each key of the line.
        let mut ends = Vec::new();
        self.walk_lines(|begin, line| {
            let Some((key, above)) = line.split_last() else { return };
            ends.truncate(above.len());
            if ends.is_empty() {
                path.clear();
                path.push_str(begin);
            }
            path.truncate(ends.last().copied().unwrap_or(begin.len()));
            push_name(&mut path, *key);
            ends.push(path.len());
            visit(&path, *key);
        });
    }

    /// Calls `visit` for every key with the line of those that it hangs on, from the root to itself, and what their path
    /// begins with. Detached keys come last.
    pub(crate) fn walk_lines<'t>(&'t self, mut visit: impl FnMut(&str, &[KeyRef<'t>])) {
        let mut line = Vec::new();
        for key in self.roots() {
            key.walk(&mut line, &mut |line| visit("", line));
        }
        for key in self.detached() {
            key.walk(&mut line, &mut |line| visit("?", line));
        }
    }

    /// Every key, in no order that tells anything.
    pub(crate) fn all(&self) -> impl Iterator<Item = KeyRef<'_>> {
        let ids = self.keys.iter().enumerate();
        ids.map(|(id, node)| KeyRef { tree: self, id, node })
    }

    pub(super) fn key(&self, id: usize) -> Option<KeyRef<'_>> {
        let node = self.keys.get(id)?;
        Some(KeyRef { tree: self, id, node })
    }

    #[inline]
    fn refs<'t>(&'t self, ids: &'t [usize]) -> impl DoubleEndedIterator<Item = KeyRef<'t>> {
        ids.iter().filter_map(|id| self.key(*id))
    }

    fn text(&self, part: &Range<usize>) -> &str {
        self.texts.get(part.clone()).unwrap_or_default()
    }

    fn bytes(&self, part: &Range<usize>) -> &[u8] {
        self.bytes.get(part.clone()).unwrap_or_default()
    }

    /// Adds a key with all below it; returns its number.
    fn add(&mut self, key: &Key) -> usize {
        let below: Vec<usize> = key.children.iter().map(|child| self.add(child)).collect();
        let value = match &key.value {
            Value::Node => NodeValue::Node,
            Value::Int(number) => NodeValue::Int(*number),
            Value::UInt(number) => NodeValue::UInt(*number),
            Value::Double(number) => NodeValue::Double(*number),
            Value::String(text) => {
                let raw = if text.keeps_bytes() { text.raw() } else { &[] };
                NodeValue::String(self.put_text(text.as_str()), self.put_bytes(raw))
            }
            Value::Bytes(bytes) => NodeValue::Bytes(self.put_bytes(bytes)),
            Value::Bool(value) => NodeValue::Bool(*value),
            Value::Stored(stored) => NodeValue::Stored(*stored),
            Value::Unknown { kind, bytes } => NodeValue::Unknown(*kind, self.put_bytes(bytes)),
        };
        let id = self.put(&key.name, value);
        let begin = self.children.len();
        self.children.extend(below);
        if let Some(node) = self.keys.get_mut(id) {
            node.children = begin..self.children.len();
        }
        id
    }

    /// Adds a key without children; returns its number.
    #[inline]
    pub(super) fn put(&mut self, name: &str, value: NodeValue) -> usize {
        let id = self.keys.len();
        let name = self.put_text(name);
        self.keys.push(Node {
            name,
            value,
            children: 0..0,
        });
        id
    }

    fn put_text(&mut self, text: &str) -> Range<usize> {
        let begin = self.texts.len();
        self.texts.push_str(text);
        begin..self.texts.len()
    }

    pub(super) fn put_bytes(&mut self, bytes: &[u8]) -> Range<usize> {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        begin..self.bytes.len()
    }

    /// Keeps UTF-16LE without at most one closing NUL; true when something could not be decoded.
    pub(super) fn put_utf16(&mut self, bytes: &[u8]) -> (NodeValue, bool) {
        let (units, odd) = utf16::without_nul(bytes);
        let begin = self.texts.len();
        let was_replaced = utf16::push_le(units, &mut self.texts);
        let text = begin..self.texts.len();
        let differs = was_replaced && self.text(&text).as_bytes() != units;
        let raw = self.put_bytes(match differs {
            _ if !odd.is_empty() => bytes,
            true => units,
            false => &[],
        });
        (NodeValue::String(text, raw), differs || !odd.is_empty())
    }

    /// Room for so many keys, and for the texts that they have as a rule.
    pub(super) fn reserve(&mut self, keys: usize) {
        self.keys.reserve(keys);
        self.texts.reserve(keys.saturating_mul(USUAL_TEXT_BYTES));
    }

    /// Gives a key another value.
    pub(super) fn set(&mut self, id: usize, value: NodeValue) {
        if let Some(node) = self.keys.get_mut(id) {
            node.value = value;
        }
    }

    /// What is kept now, to go back to.
    pub(super) fn mark(&self) -> [usize; 3] {
        [self.keys.len(), self.texts.len(), self.bytes.len()]
    }

    /// Gives up what was put since.
    pub(super) fn go_back(&mut self, [keys, texts, bytes]: [usize; 3]) {
        self.keys.truncate(keys);
        self.texts.truncate(texts);
        self.bytes.truncate(bytes);
    }
}

/// The same keys in the same places.
impl PartialEq for KeyTree {
    fn eq(&self, other: &Self) -> bool {
        let keys = |tree: &Self| {
            tree.roots()
                .chain(tree.detached())
                .map(KeyRef::to_key)
                .collect::<Vec<_>>()
        };
        let counts = |tree: &Self| (tree.complete, tree.roots.len(), tree.detached.len());
        counts(self) == counts(other) && keys(self) == keys(other)
    }
}

#[expect(clippy::missing_fields_in_debug, reason = "all fields are told, as keys")]
impl fmt::Debug for KeyTree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detached: Vec<_> = self.detached().map(KeyRef::to_key).collect();
        formatter
            .debug_struct("KeyTree")
            .field("roots", &self.to_keys())
            .field("detached", &detached)
            .field("complete", &self.complete)
            .finish()
    }
}

impl<'t> KeyRef<'t> {
    /// Its name; siblings may share one.
    #[inline]
    pub fn name(self) -> &'t str {
        self.tree.text(&self.node.name)
    }

    /// What it holds.
    pub fn value(self) -> ValueRef<'t> {
        match &self.node.value {
            NodeValue::Node => ValueRef::Node,
            NodeValue::Int(number) => ValueRef::Int(*number),
            NodeValue::UInt(number) => ValueRef::UInt(*number),
            NodeValue::Double(number) => ValueRef::Double(*number),
            NodeValue::String(text, raw) => ValueRef::String(self.text(text, raw)),
            NodeValue::Bytes(bytes) => ValueRef::Bytes(self.tree.bytes(bytes)),
            NodeValue::Bool(value) => ValueRef::Bool(*value),
            NodeValue::Stored(stored) => ValueRef::Stored(*stored),
            NodeValue::Unknown(kind, bytes) => ValueRef::Unknown {
                kind: *kind,
                bytes: self.tree.bytes(bytes),
            },
        }
    }

    /// The keys below it, in the order of insertion.
    #[inline]
    pub fn children(self) -> impl DoubleEndedIterator<Item = KeyRef<'t>> {
        let ids = self.tree.children.get(self.node.children.clone());
        self.tree.refs(ids.unwrap_or_default())
    }

    /// True when this is its name, without regard to ASCII case (`_3AFC…_` and `_3afc…_` are one device).
    #[inline]
    pub fn is_named(self, name: &str) -> bool {
        self.has_name(name.as_bytes())
    }

    #[inline]
    fn has_name(self, name: &[u8]) -> bool {
        self.node.name.len() == name.len() && self.has_letters(name)
    }

    /// Apart from the comparison of the lengths, which most names do not pass.
    #[inline(never)]
    fn has_letters(self, name: &[u8]) -> bool {
        let own = self.tree.texts.as_bytes().get(self.node.name.clone());
        // Most have the case that is asked for.
        own.is_some_and(|own| own == name || own.eq_ignore_ascii_case(name))
    }

    /// The first child of this name.
    pub fn child(self, name: &str) -> Option<KeyRef<'t>> {
        self.children().find(|key| key.is_named(name))
    }

    /// All children of this name.
    pub fn children_named(self, name: &str) -> impl Iterator<Item = KeyRef<'t>> {
        self.children().filter(move |key| key.is_named(name))
    }

    /// The first key at a path below this one.
    pub fn get(self, path: &str) -> Option<KeyRef<'t>> {
        let mut names = path.as_bytes().split(|byte| *byte == b'/');
        names.try_fold(self, |key, name| key.children().find(|child| child.has_name(name)))
    }

    /// Its text.
    pub fn as_text(self) -> Option<TextRef<'t>> {
        match &self.node.value {
            NodeValue::String(text, raw) => Some(self.text(text, raw)),
            _ => None,
        }
    }

    /// Its text as far as it is Unicode.
    #[inline]
    pub fn as_str(self) -> Option<&'t str> {
        match &self.node.value {
            NodeValue::String(text, _) => Some(self.tree.text(text)),
            _ => None,
        }
    }

    /// Its integer.
    pub fn as_int(self) -> Option<i64> {
        match self.node.value {
            NodeValue::Int(number) => Some(number),
            NodeValue::UInt(number) => i64::try_from(number).ok(),
            _ => None,
        }
    }

    /// Its truth value; an integer is true when it is not 0.
    pub fn as_bool(self) -> Option<bool> {
        match self.node.value {
            NodeValue::Bool(value) => Some(value),
            _ => self.as_int().map(|number| number != 0),
        }
    }

    /// Its bytes.
    pub fn as_bytes(self) -> Option<&'t [u8]> {
        match &self.node.value {
            NodeValue::Bytes(bytes) => Some(self.tree.bytes(bytes)),
            _ => None,
        }
    }

    /// The key with all below it, for itself.
    pub fn to_key(self) -> Key {
        Key {
            name: self.name().into(),
            value: self.value().into(),
            children: self.children().map(Self::to_key).collect(),
        }
    }

    /// What tells it from the other keys of its tree.
    #[inline]
    pub(crate) fn id(self) -> usize {
        self.id
    }

    /// The value in a file object, where it has such a one.
    pub(super) fn stored(self) -> Option<Stored> {
        match self.node.value {
            NodeValue::Stored(stored) => Some(stored),
            _ => None,
        }
    }

    fn text(self, text: &Range<usize>, raw: &Range<usize>) -> TextRef<'t> {
        let text = self.tree.text(text);
        if raw.is_empty() {
            TextRef::as_it_stands(text)
        } else {
            TextRef::decoded(text.into(), self.tree.bytes(raw).into())
        }
    }

    fn walk(self, line: &mut Vec<KeyRef<'t>>, visit: &mut impl FnMut(&[KeyRef<'t>])) {
        line.push(self);
        visit(line);
        for child in self.children() {
            child.walk(line, visit);
        }
        line.pop();
    }
}

/// The path of a line of keys.
pub(crate) fn path_of(begin: &str, line: &[KeyRef<'_>]) -> String {
    let mut path = begin.to_owned();
    for key in line {
        push_name(&mut path, *key);
    }
    path
}

fn push_name(path: &mut String, key: KeyRef<'_>) {
    if !path.is_empty() {
        path.push('/');
    }
    path.push_str(key.name());
}

impl fmt::Debug for KeyRef<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_key().fmt(formatter)
    }
}

impl Key {
    /// A key that holds keys.
    pub fn node(name: impl Into<SmolStr>, children: impl Into<Vec<Key>>) -> Self {
        Self {
            name: name.into(),
            value: Value::Node,
            children: children.into(),
        }
    }

    /// A key with a value.
    pub fn leaf(name: impl Into<SmolStr>, value: impl Into<Value>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            children: Vec::new(),
        }
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Node => Self::Node,
            ValueRef::Int(number) => Self::Int(number),
            ValueRef::UInt(number) => Self::UInt(number),
            ValueRef::Double(number) => Self::Double(number),
            ValueRef::String(text) => Self::String(text.to_encoded()),
            ValueRef::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            ValueRef::Bool(value) => Self::Bool(value),
            ValueRef::Stored(stored) => Self::Stored(stored),
            ValueRef::Unknown { kind, bytes } => Self::Unknown {
                kind,
                bytes: bytes.to_vec(),
            },
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_followed_through_every_sibling_of_a_name() {
        let root = Key::node(
            "configuration",
            [
                Key::node("device", []),
                Key::node("device", [Key::leaf("pathname", r"C:\a.vhdx")]),
            ],
        );
        let tree = KeyTree::new(&[root], &[Key::node("configuration", [])], true);
        let found = tree.get("/configuration/DEVICE/PathName").and_then(KeyRef::as_str);
        assert_eq!(found, Some(r"C:\a.vhdx"));
        assert_eq!(
            tree.get_all("configuration").len(),
            1,
            "detached keys do not double a root"
        );
        assert!(tree.get("").is_none());
    }
    #[test]
    fn a_tree_gives_back_the_keys_that_it_was_made_of() {
        let lossy = EncodedText::decoded("\u{fffd}", &[0, 0xd8]);
        let values = [
            Value::UInt(u64::MAX),
            Value::Double(0.5),
            Value::String(lossy),
            Value::from(vec![1, 2]),
            Value::Unknown {
                kind: 2,
                bytes: vec![3],
            },
        ];
        let leaves: Vec<_> = values.into_iter().map(|value| Key::leaf("leaf", value)).collect();
        let keys = [Key::node("a", [Key::node("b", leaves)]), Key::leaf("", "text")];
        let tree = KeyTree::new(&keys, &keys[..1], true);
        assert_eq!(tree.to_keys(), keys);
        let text = tree
            .get("a/b")
            .and_then(|key| key.children().nth(2))
            .and_then(KeyRef::as_text);
        assert_eq!(text.unwrap().raw(), [0, 0xd8]);
        assert_eq!(tree, tree.clone());
        assert_ne!(tree, KeyTree::new(&keys, &[], true));
    }
}
