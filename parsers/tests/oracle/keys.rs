//! Checks of what keys say. An input is a tree of keys in text, one key in a line: a dot for each key above it, a letter
//! for the type of its value, its name, and behind a `=` the value.

use std::fmt::Write;

use derelict_parsers::{
    EncodedText,
    hyperv_config::{self, Content, HypervFile},
    testkit::vmcx::ContainerBuilder,
    vmcx::{Key, KeyTree, Value},
    windows_path,
};

use super::{container::is_writable, limits, longest_json, text::check_hyperv, through_json};

/// Deeper keys are those of the deepest level.
const MAX_DEPTH: usize = 50;

/// The keys of an input.
fn decode(input: &[u8]) -> Vec<Key> {
    let mut open = vec![Key::node("", [])];
    for line in String::from_utf8_lossy(input).lines() {
        let key = line.trim_start_matches('.');
        close(&mut open, (line.len() - key.len()).min(MAX_DEPTH) + 1);
        open.extend(decode_key(key));
    }
    close(&mut open, 1);
    open.remove(0).children
}

/// Puts the last keys below those before them until so many are left.
fn close(open: &mut Vec<Key>, left: usize) {
    while open.len() > left {
        let last = open.pop().expect("a key");
        open.last_mut().expect("the key above").children.push(last);
    }
}

fn decode_key(line: &str) -> Option<Key> {
    let kind = line.chars().next()?;
    let (name, value) = line[kind.len_utf8()..]
        .split_once('=')
        .unwrap_or((&line[kind.len_utf8()..], ""));
    let value = match kind {
        'i' => Value::Int(value.parse().unwrap_or_default()),
        'u' => Value::UInt(value.parse().unwrap_or_default()),
        'd' => Value::Double(value.parse().unwrap_or_default()),
        's' => Value::String(EncodedText::new(value)),
        'y' => Value::Bytes(value.as_bytes().to_vec()),
        'b' => Value::Bool(value == "true"),
        _ => Value::Node,
    };
    Some(Key {
        name: name.into(),
        value,
        children: Vec::new(),
    })
}

/// The input of a tree.
pub(super) fn encode(tree: &KeyTree) -> Vec<u8> {
    fn add(key: &Key, depth: usize, text: &mut String) {
        let (kind, value) = match &key.value {
            Value::Int(number) => ('i', number.to_string()),
            Value::UInt(number) => ('u', number.to_string()),
            Value::Double(number) => ('d', number.to_string()),
            Value::String(value) => ('s', value.to_string().replace(['\r', '\n'], " ")),
            Value::Bytes(bytes) => ('y', String::from_utf8_lossy(bytes).replace(['\r', '\n'], " ")),
            Value::Bool(value) => ('b', value.to_string()),
            Value::Node | Value::Stored(_) | Value::Unknown { .. } => ('n', String::new()),
        };
        let above = ".".repeat(depth);
        writeln!(text, "{above}{kind}{}={value}", key.name).expect("a text takes all");
        for child in &key.children {
            add(child, depth + 1, text);
        }
    }
    let mut text = String::new();
    for root in tree.to_keys() {
        add(&root, 0, &mut text);
    }
    text.into_bytes()
}

/// The typed view of a tree.
pub(crate) fn hyperv_config(input: &[u8]) {
    let roots = decode(input);
    let tree = KeyTree::new(&roots, &[], true);
    let file = HypervFile::of_tree(&tree, Vec::new());
    assert_eq!(hyperv_config::classify(&tree), file.kind);
    assert_eq!(HypervFile::of_tree(&tree, Vec::new()), file, "told twice");
    check_hyperv(&file);
    through_json(&file, longest_json(input));
    check_no_path_is_lost(&tree, &file);
    check_unknown_keys_count(&roots, &file);
    check_missing_keys_are_said(&roots);
    check_container_says_the_same(roots, &file);
}

/// Whatever the key is called: a path in it is a reference, a folder, or the file is said to be incomplete.
fn check_no_path_is_lost(tree: &KeyTree, file: &HypervFile) {
    let references = file.references();
    let folders = file.config().map_or(&[][..], |config| &config.folders);
    tree.walk(|path, key| {
        let Some(value) = key.as_str().filter(|value| windows_path::is_absolute(value)) else {
            return;
        };
        let is_told = references.iter().any(|reference| reference.path.as_str() == value)
            || folders.iter().any(|folder| folder.path.as_str() == value);
        assert!(is_told || !file.is_complete(), "{path}: {value} is told nowhere");
    });
}

/// A path under a key that nobody knows is one reference more and changes no other.
fn check_unknown_keys_count(roots: &[Key], file: &HypervFile) {
    const ADDED: &str = r"C:\added by the check\of unknown keys.vhdx";
    let unknown = Key::node("key of a later version", [Key::leaf("unheard of", ADDED)]);
    let more: Vec<Key> = roots.iter().cloned().chain([unknown]).collect();
    let with = HypervFile::of_tree(&KeyTree::new(&more, &[], true), Vec::new());
    if !with.is_complete() {
        assert!(!file.is_complete() || file.references().len() >= 10_000);
        return;
    }
    let (before, mut after) = (file.references(), with.references());
    let at = after.iter().position(|reference| reference.path.as_str() == ADDED);
    after.remove(at.expect("the path of the unknown key"));
    assert_eq!(after, before);
    assert_eq!(with.kind, file.kind);
}

/// What is read of a tree that is not whole is never said to be whole.
fn check_missing_keys_are_said(roots: &[Key]) {
    let file = HypervFile::of_tree(&KeyTree::new(roots, &[], false), Vec::new());
    assert!(!file.is_complete());
}

/// The same keys in a container say the same.
fn check_container_says_the_same(roots: Vec<Key>, file: &HypervFile) {
    if !roots.iter().all(|key| is_writable(key, 1)) {
        return;
    }
    let bytes = ContainerBuilder::new(roots).build();
    let again = hyperv_config::read_container(bytes.as_slice(), &limits()).expect("a container that was written");
    assert_eq!(again.kind, file.kind);
    assert_eq!(again.damage.is_none(), again.is_complete(), "why something is missing");
    match (&again.content, &file.content) {
        // What lies beside the keys of a container is memory of the VM to this one.
        (Content::Runtime(again), Content::Runtime(state)) => assert_eq!(again.paths, state.paths),
        (again, content) => assert_eq!(again, content),
    }
}
