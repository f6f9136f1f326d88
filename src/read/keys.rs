//! Every key of a file that holds keys, as it stands there: for the one who asks for this file.
//!
//! A scan keeps what the keys mean and not the keys. Here a file is read once more and every key listed with its type and
//! value. Values that are no text stay out beyond their first bytes, told by length and BLAKE3. What may be kept of one
//! file is limited, and what was left out is counted.

use std::{fmt::Write, path::Path};

use derelict_parsers::{
    EncodedText, Limits, ParseError, ReadAt,
    dictionary::Dictionary,
    hyperv_xml,
    vmcx::{self, KeyTree, Stored, StoredKind, ValueRef},
    vmx::{OtherBacking, other_backings},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{guard_against_panic, open_patiently};
use crate::{file_reader::FileReader, kind::Kind};

/// What the keys of one file may take in memory, in bytes: names, values and [`KEY_BYTES`] for each. A real configuration
/// takes less than 1 MiB, the state of a VM with a hundred thousand blocks of memory about 10.
const KEPT_BYTES: usize = 24 << 20;
/// What a key takes beside its name and its text.
const KEY_BYTES: usize = 64;
/// Of values outside the key tables at most so many bytes are read for their hashes: the memory of a saved VM is one.
const HASHED_BYTES: u64 = 16 << 20;
/// Bytes of a binary value that are kept: every value inside the key tables is shorter (formats-hyperv 1.5).
const KEPT_OF_VALUE_BYTES: usize = 2 << 10;

/// The keys of a file.
#[derive(Debug, Default)]
pub struct Keys {
    /// Every key, in the order of the file.
    pub keys: Vec<Key>,
    /// Keys that are not listed, because there is too much of them.
    pub left_out: u64,
    /// What drives and ports are connected to that is no file of a datastore.
    pub other_backings: Vec<OtherBacking>,
}

/// One key, or one line of a text file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Key {
    /// Its path in the tree of keys, each name after a `/`; `?/` stands before what is cut off from the tree. The key of
    /// a line; empty for a line that has none.
    pub key: String,
    /// What its value is.
    #[serde(rename = "type")]
    pub kind: KeyType,
    /// Its value: text, number or truth value as such; `{length, blake3, hex}` for bytes, of which `hex` are the first,
    /// with the `offset` in the file where they lie outside the key tables; `null` for a node.
    pub value: Value,
    /// Number of the line in a text file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyType {
    /// Other keys only.
    Node,
    /// A signed integer.
    Int,
    /// An unsigned integer.
    Uint,
    /// A floating point number; as text where JSON has no number for it.
    Double,
    /// Text. As bytes where it lies outside the key tables and is too long to be read.
    String,
    /// True or false.
    Bool,
    /// Bytes.
    Bytes,
    /// A value of a type that nobody has described; its number is the `number` of the value.
    Unknown,
    /// A line that breaks the grammar, whole.
    Malformed,
}

/// Reads every key; `None` for a kind without keys.
///
/// # Errors
/// What kept the file from being read.
pub fn keys(path: &Path, kind: Kind) -> Option<Result<Keys, String>> {
    let read = match kind {
        Kind::Vmx | Kind::Vmtx | Kind::Vmsd | Kind::Psf => of_dictionary,
        Kind::Vmcx | Kind::Vmrs | Kind::Vsv => of_container,
        Kind::HypervXml => of_xml,
        _ => return None,
    };
    let reader = match open_patiently(path) {
        Ok(reader) => reader,
        Err(error) => return Some(Err(error.to_string())),
    };
    let keys = guard_against_panic(|| read(&reader, &Limits::default()));
    Some(keys.map_err(|error| error.to_string()))
}

fn of_dictionary(reader: &FileReader, limits: &Limits) -> Result<Keys, ParseError> {
    let bytes = Dictionary::bytes(reader, limits)?;
    let dictionary = Dictionary::parse(&bytes, limits)?;
    let mut list = List::default();
    if dictionary.entries.is_empty() {
        return Ok(list.keys);
    }
    let entries = dictionary.entries.iter().map(|entry| {
        (
            entry.line,
            entry.key.as_ref(),
            KeyType::String,
            entry.value.to_encoded(),
        )
    });
    let malformed = dictionary
        .malformed
        .iter()
        .map(|line| (line.line, "", KeyType::Malformed, line.text.clone()));
    let mut lines: Vec<_> = entries.chain(malformed).collect();
    lines.sort_by_key(|(line, ..)| *line);
    for (line, key, kind, value) in lines {
        list.add(key, kind, value.raw().len(), || text(&value));
        if let Some(key) = list.keys.keys.last_mut().filter(|_| list.keys.left_out == 0) {
            key.line = Some(line);
        }
    }
    list.keys.other_backings = other_backings(&dictionary);
    Ok(list.keys)
}

fn of_container(reader: &FileReader, limits: &Limits) -> Result<Keys, ParseError> {
    Ok(of_tree(&vmcx::read(reader, limits)?.tree, reader))
}

fn of_xml(reader: &FileReader, limits: &Limits) -> Result<Keys, ParseError> {
    Ok(of_tree(&hyperv_xml::read(reader, limits)?.tree, reader))
}

fn of_tree(tree: &KeyTree, reader: &FileReader) -> Keys {
    let mut list = List::default();
    let mut unread = HASHED_BYTES;
    tree.walk(|path, key| match key.value() {
        ValueRef::Node => list.add(path, KeyType::Node, 0, || Value::Null),
        ValueRef::Int(number) => list.add(path, KeyType::Int, 0, || json!(number)),
        ValueRef::UInt(number) => list.add(path, KeyType::Uint, 0, || json!(number)),
        ValueRef::Double(number) => list.add(path, KeyType::Double, 0, || double(number)),
        ValueRef::Bool(value) => list.add(path, KeyType::Bool, 0, || json!(value)),
        ValueRef::String(value) => list.add(path, KeyType::String, value.raw().len(), || text(&value.to_encoded())),
        ValueRef::Bytes(bytes) => list.add(path, KeyType::Bytes, digits_of(bytes.len()), || digest(bytes)),
        ValueRef::Stored(stored) => {
            let kind = match stored.kind {
                StoredKind::String => KeyType::String,
                StoredKind::Bytes => KeyType::Bytes,
                StoredKind::Other(_) => KeyType::Unknown,
            };
            let digits = digits_of(usize::try_from(stored.length).unwrap_or(usize::MAX));
            list.add(path, kind, digits, || outside(&stored, reader, &mut unread));
        }
        ValueRef::Unknown { kind, bytes } => list.add(path, KeyType::Unknown, digits_of(bytes.len()), || {
            let mut value = digest(bytes);
            value["number"] = json!(kind);
            value
        }),
    });
    list.keys
}

/// Keys as far as there is room for them.
#[derive(Default)]
struct List {
    keys: Keys,
    kept_bytes: usize,
}

impl List {
    /// Adds a key whose value takes about `length` bytes. After the first that has no room none is added.
    fn add(&mut self, key: &str, kind: KeyType, length: usize, value: impl FnOnce() -> Value) {
        let kept = [KEY_BYTES, key.len(), length]
            .into_iter()
            .fold(self.kept_bytes, usize::saturating_add);
        if self.keys.left_out > 0 || kept > KEPT_BYTES {
            self.keys.left_out = self.keys.left_out.saturating_add(1);
            return;
        }
        self.kept_bytes = kept;
        self.keys.keys.push(Key {
            key: key.to_owned(),
            kind,
            value: value(),
            line: None,
        });
    }
}

fn text(value: &EncodedText) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn double(number: f64) -> Value {
    match serde_json::Number::from_f64(number) {
        Some(number) => Value::Number(number),
        None => json!(number.to_string()),
    }
}

/// What the digits of a value, and its hash, take in memory.
fn digits_of(length: usize) -> usize {
    const HASH_DIGITS: usize = 64;
    let kept = length.min(KEPT_OF_VALUE_BYTES);
    kept.saturating_mul(2).saturating_add(HASH_DIGITS)
}

/// Bytes by their length, hash and beginning.
fn digest(bytes: &[u8]) -> Value {
    let beginning = bytes
        .iter()
        .take(KEPT_OF_VALUE_BYTES)
        .fold(String::new(), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
    json!({
        "length": bytes.len(),
        "blake3": blake3::hash(bytes).to_hex().as_str(),
        "hex": beginning,
    })
}

/// A value outside the key tables. What cannot be read, or is too much, is told by its place alone: the parser says what
/// is wrong with it.
fn outside(stored: &Stored, reader: &FileReader, unread: &mut u64) -> Value {
    let bytes = unread.checked_sub(stored.length).and_then(|left| {
        *unread = left;
        reader
            .exact("value outside the key tables", stored.offset, stored.length)
            .ok()
    });
    let mut value = match bytes {
        Some(bytes) => digest(&bytes),
        None => json!({ "length": stored.length }),
    };
    value["offset"] = json!(stored.offset);
    if let StoredKind::Other(number) = stored.kind {
        value["number"] = json!(number);
    }
    value
}

#[cfg(test)]
mod tests {
    use derelict_parsers::{
        testkit::vmcx::ContainerBuilder,
        vmcx::{Key as TreeKey, Value as TreeValue},
    };

    use super::*;

    fn read(roots: impl Into<Vec<TreeKey>>) -> Keys {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), ContainerBuilder::new(roots.into()).build()).unwrap();
        keys(file.path(), Kind::Vmcx).unwrap().unwrap()
    }

    #[test]
    fn each_type_has_its_form() {
        let unknown = TreeValue::Unknown {
            kind: 2,
            bytes: vec![1, 2],
        };
        let root = TreeKey::node(
            "a",
            [
                TreeKey::leaf("uint", TreeValue::UInt(u64::MAX)),
                TreeKey::leaf("nan", TreeValue::Double(f64::NAN)),
                TreeKey::leaf("half", TreeValue::Double(0.5)),
                TreeKey::leaf("new", unknown),
                TreeKey::leaf("large", vec![7; 4096]),
            ],
        );
        let read = read([root]);
        let told: Vec<_> = read
            .keys
            .iter()
            .map(|key| (key.key.as_str(), key.kind, &key.value))
            .collect();
        assert_eq!(told[0], ("a", KeyType::Node, &Value::Null));
        assert_eq!(told[1], ("a/uint", KeyType::Uint, &json!(u64::MAX)));
        assert_eq!(told[2], ("a/nan", KeyType::Double, &json!("NaN")));
        assert_eq!(told[3], ("a/half", KeyType::Double, &json!(0.5)));
        assert_eq!((told[4].1, &told[4].2["number"]), (KeyType::Unknown, &json!(2)));
        assert_eq!(told[4].2["hex"], "0102");
        assert_eq!((told[5].1, &told[5].2["length"]), (KeyType::Bytes, &json!(4096)));
        assert_eq!(told[5].2["blake3"], blake3::hash(&[7; 4096]).to_hex().as_str());
        assert!(told[5].2["offset"].is_u64(), "it lies outside the key tables");
        assert_eq!(told[5].2["hex"].as_str().unwrap().len(), 2 * KEPT_OF_VALUE_BYTES);
    }

    #[test]
    fn a_tree_of_endless_paths_is_cut_and_counted() {
        let leaves: Vec<_> = (0..4000).map(|number| TreeKey::leaf(format!("{number}"), 1)).collect();
        let deep = (0..60).fold(TreeKey::node("n".repeat(200), leaves), |below, _| {
            TreeKey::node("n".repeat(200), [below])
        });
        let read = read([deep]);
        let kept: usize = read.keys.iter().map(|key| key.key.len()).sum();
        assert!(kept <= KEPT_BYTES, "{kept}");
        assert_eq!(read.keys.len() + usize::try_from(read.left_out).unwrap(), 4061);
        assert!(read.left_out > 0);
    }
}
