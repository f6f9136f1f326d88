//! The key tree: what a `.vmcx`, `.VMRS`, `data.vmcx` and a legacy XML configuration all hold.
//!
//! A multimap: siblings may share a name, and their order is that of insertion. Keys are linked to their parents in a
//! second pass, since a child may stand before its parent.

use smol_str::SmolStr;

use crate::text::EncodedText;

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
    pub name: SmolStr,
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

    /// True when this is its name, without regard to ASCII case (`_3AFC…_` and `_3afc…_` are one device).
    #[inline]
    pub fn is_named(&self, name: &str) -> bool {
        self.has_name(name.as_bytes())
    }

    #[inline]
    fn has_name(&self, name: &[u8]) -> bool {
        let own = self.name.as_bytes();
        own.len() == name.len() && own.eq_ignore_ascii_case(name)
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
        let mut names = path.as_bytes().split(|byte| *byte == b'/');
        names.try_fold(self, |key, name| key.children.iter().find(|child| child.has_name(name)))
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

#[cfg(test)]
mod tests {
    use super::*;

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
