//! The container reader against real and made files: every key and every value, and what damage leaves.
//!
//! Conventions of the expectation files: `*.tree.txt` lists keys in the order of the tables as
//! `path  <type ins=n> = value`, strings quoted with doubled backslashes, arrays in hex, booleans as 0 or 1.
//! `expected.json` is a dictionary of dictionaries in which the last of several siblings of one name wins and arrays
//! are hex strings.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that meets something unexpected has to stop, and reads samples whole"
)]

use std::{collections::BTreeMap, fmt::Write, path::PathBuf};

use derelict_parsers::{
    Limits, ParseError, ReadAt,
    vmcx::{self, Container, Key, KeyRef, LogState, StoredKind, Value, ValueRef},
};
use serde_json::Value as Json;

/// The bytes of a sample; `None`, loudly, where the samples are absent.
fn sample(path: &str) -> Option<Vec<u8>> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/samples"));
    if !folder.is_dir() {
        eprintln!("SKIPPED: samples absent at {}", folder.display());
        return None;
    }
    Some(std::fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}")))
}

fn read(bytes: &[u8]) -> Container {
    vmcx::read(bytes, &Limits::default()).expect("the container is sound")
}

fn sound(path: &str) -> Option<(Vec<u8>, Container)> {
    let bytes = sample(path)?;
    let container = read(&bytes);
    assert!(container.tree.complete, "{path}: {:?}", container.anomalies);
    Some((bytes, container))
}

/// Every key as `tree.txt` writes it, without the insertion number and what it says of nodes.
fn lines_of(container: &Container) -> Vec<String> {
    let mut lines = Vec::new();
    container
        .tree
        .walk(|path, key| lines.push(format!("/{path}  {}", shown(&key.value().into()))));
    lines.sort();
    lines
}

fn shown(value: &Value) -> String {
    match value {
        Value::Node => "<Node>".to_owned(),
        Value::Int(number) => format!("<Int> = {number}"),
        Value::UInt(number) => format!("<UInt> = {number}"),
        Value::Bool(value) => format!("<Bool> = {}", u8::from(*value)),
        Value::String(text) => format!("<String> = '{}'", text.as_str().replace('\\', "\\\\")),
        Value::Bytes(bytes) => format!("<Array> = {}", hex(bytes)),
        other => panic!("no such value in the real files: {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn expected_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text
        .lines()
        .map(|line| {
            let (path, rest) = line.split_once("  <").unwrap();
            let (kind, value) = rest.split_once("> = ").unwrap();
            let (kind, _) = kind.split_once(" ins=").unwrap();
            if kind == "Node" {
                format!("{path}  <Node>")
            } else {
                format!("{path}  <{kind}> = {value}")
            }
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn real_files_give_every_key_and_value() {
    for path in ["hyperv/dissect.hypervisor/test.vmcx", "hyperv/dissect.target/data.vmcx"] {
        let Some((_, container)) = sound(path) else { return };
        let text = String::from_utf8(sample(&format!("{path}.tree.txt")).unwrap()).unwrap();
        assert_eq!(lines_of(&container), expected_lines(&text), "{path}");
        assert_eq!(container.anomalies, [], "{path}");
        assert_eq!(container.storage.replay_log.state, LogState::Clean);
    }
}

#[test]
fn children_stand_in_the_order_of_insertion_not_of_the_tables() {
    let Some((_, container)) = sound("hyperv/dissect.hypervisor/test.vmcx") else {
        return;
    };
    let root = container.tree.root("configuration").unwrap();
    let last: Vec<_> = root.children().rev().take(2).map(KeyRef::name).collect();
    assert_eq!(
        last,
        ["manifest", "_73e0f0c5-c0bc-4e16-a458-0e1c388bfee3_"],
        "ins=30, ins=29"
    );
    let name = container
        .tree
        .get("CONFIGURATION/properties/Name")
        .and_then(KeyRef::as_str);
    assert_eq!(name, Some("Other Location"));
}

#[test]
fn the_facts_of_real_containers() {
    let Some((_, container)) = sound("hyperv/dissect.hypervisor/test.vmcx") else {
        return;
    };
    let storage = container.storage;
    assert_eq!((storage.header.offset, storage.header.sequence), (0, 25));
    assert_eq!((storage.key_tables, storage.replay_log.offset), (8, 0xa000));
    // Nine entries of earlier commits are still there; none names a disk that the tree does not.
    assert_eq!(storage.replay_log.residue_count, 9);
    assert_eq!(storage.previous_paths, []);
    let (_, data) = sound("hyperv/dissect.target/data.vmcx").unwrap();
    assert_eq!((data.storage.header.sequence, data.storage.key_tables), (105, 3));
    assert_eq!(data.storage.replay_log.residue_count, 4);
}

#[test]
fn a_log_that_reaches_past_the_end_is_no_truncation() {
    let Some((bytes, container)) = sound("hyperv/dissect.hypervisor/test.VMRS") else {
        return;
    };
    let header = &container.storage.header;
    assert!(header.replay_log_offset + header.replay_log_bytes > ReadAt::len(&bytes));
    assert_eq!(container.anomalies, []);
    let metrics = container
        .tree
        .get_all("configuration/global_settings/metrics/devicetype");
    assert_eq!(metrics.len(), 3, "siblings of one name are all kept");
    let version = container
        .tree
        .get("configuration/properties/version")
        .and_then(KeyRef::as_int);
    assert_eq!(version, Some(2304));
}

/// Keys in the form of `expected.json`.
fn as_json(keys: &[Key], file: &Vec<u8>) -> Json {
    let entries: BTreeMap<String, Json> = keys
        .iter()
        .map(|key| {
            let value = match &key.value {
                Value::Node => as_json(&key.children, file),
                Value::Int(number) => (*number).into(),
                Value::UInt(number) => (*number).into(),
                Value::Bool(value) => (*value).into(),
                Value::String(text) => text.as_str().into(),
                Value::Bytes(bytes) => hex(bytes).into(),
                Value::Stored(stored) => {
                    assert_eq!(stored.kind, StoredKind::Bytes, "text is read: {}", key.name);
                    hex(&file.exact("file object", stored.offset, stored.length).unwrap()).into()
                }
                other => panic!("not in the made files: {other:?}"),
            };
            (key.name.to_string(), value)
        })
        .collect();
    serde_json::to_value(entries).unwrap()
}

#[test]
fn made_files_give_every_key_and_value() {
    let Some(expected) = sample("hyperv/made-vmcx/expected.json") else {
        return;
    };
    let expected: BTreeMap<String, Json> = serde_json::from_slice(&expected).unwrap();
    assert_eq!(expected.len(), 15);
    for (name, mut expected) in expected {
        let (bytes, container) = sound(&format!("hyperv/made-vmcx/{name}")).unwrap();
        if name == "dirty-log.vmcx" {
            expected = expected.get("with_replay").unwrap().clone();
        }
        assert_eq!(as_json(&container.tree.to_keys(), &bytes), expected, "{name}");
        assert!(container.tree.detached().next().is_none(), "{name}");
    }
}

fn codes(container: &Container) -> Vec<&str> {
    container
        .anomalies
        .iter()
        .map(|anomaly| anomaly.code.as_str())
        .collect()
}

fn name_of(container: &Container) -> Option<&str> {
    container.tree.get("configuration/properties/name")?.as_str()
}

#[test]
fn a_dirty_log_is_applied_in_memory_and_reported() {
    let Some((_, container)) = sound("hyperv/made-vmcx/dirty-log.vmcx") else {
        return;
    };
    assert_eq!(container.storage.replay_log.state, LogState::Replayed);
    assert_eq!(container.storage.replay_log.entry_count, 1);
    assert_eq!(codes(&container), ["replay-log-open"]);
    assert_eq!(name_of(&container), Some("VM-Z"), "the name after the commit");
}

#[test]
fn the_newer_header_wins_across_the_wrap_of_its_sequence() {
    let Some((_, container)) = sound("hyperv/made-vmcx/seq-wrap.vmcx") else {
        return;
    };
    let header = container.storage.header;
    assert_eq!((header.offset, header.sequence), (0, 0));
    assert_eq!(container.anomalies, []);
    let (_, second) = sound("hyperv/made-vmcx/gen1-vhd.vmcx").unwrap();
    assert_eq!(
        (second.storage.header.offset, second.storage.header.sequence),
        (0x1000, 8)
    );
}

#[test]
fn a_bad_newer_header_gives_way_to_the_other_copy() {
    let Some((_, container)) = sound("hyperv/made-vmcx/header0-bad.vmcx") else {
        return;
    };
    assert_eq!(
        (container.storage.header.offset, container.storage.header.sequence),
        (0x1000, 24)
    );
    assert_eq!(codes(&container), ["header-copy-bad"]);
    assert_eq!(container.anomalies.first().unwrap().offset, Some(0));
}

#[test]
fn a_text_of_2048_bytes_or_more_comes_from_its_file_object() {
    let notes = |name: &str| {
        let (_, container) = sound(&format!("hyperv/made-vmcx/{name}"))?;
        let notes = container.tree.get("configuration/properties/notes")?.as_str()?;
        Some((container.storage.file_objects, notes.encode_utf16().count() * 2))
    };
    if sample("hyperv/made-vmcx/expected.json").is_none() {
        return;
    }
    assert_eq!(notes("fileobject-notes.vmcx"), Some((1, 4800)));
    assert_eq!(notes("exact-2048-notes.vmcx"), Some((1, 2048)));
    assert_eq!(notes("below-2048-notes.vmcx"), Some((0, 2046)));
}

#[test]
fn the_memory_of_a_saved_vm_is_never_read() {
    let Some((bytes, _)) = sound("hyperv/made-vmcx/saved.vmrs") else {
        return;
    };
    // The file objects begin at 0x9000: without them the file reads the same.
    let container = read(&bytes.exact("tables", 0, 0x9000).unwrap());
    assert!(container.tree.complete, "{:?}", container.anomalies);
    let block = container.tree.get("savedstate/RamBlock5").unwrap();
    assert!(matches!(block.value(), ValueRef::Stored(stored) if stored.length == 2304 && stored.offset == 0x1_0000));
}

fn malformed(name: &str) -> Option<Result<Container, ParseError>> {
    let bytes = sample(&format!("malformed/hyperv/misc/{name}"))?;
    Some(vmcx::read(bytes.as_slice(), &Limits::default()))
}

#[test]
fn malformed_containers_give_a_clear_error() {
    let Some(empty) = malformed("empty.vmcx") else { return };
    assert_eq!(
        empty,
        Err(ParseError::Truncated {
            what: "VMCX storage header",
            offset: 0,
            need: 0x2008,
            have: 0
        })
    );
    assert!(matches!(
        malformed("random.vmcx"),
        Some(Err(ParseError::BadSignature {
            what: "VMCX storage header",
            offset: 0,
            ..
        }))
    ));
    assert_eq!(
        malformed("version-0x100.vmcx"),
        Some(Err(ParseError::Unsupported {
            what: "VMCX storage format",
            version: "0x0100".to_owned()
        }))
    );
    assert_eq!(
        malformed("object-table-count-4g.vmcx"),
        Some(Err(ParseError::OutOfBounds {
            what: "VMCX object table entry count",
            offset: 0x2004,
            value: u32::MAX.into(),
            limit: (53_248 - 0x2008) / 18
        }))
    );
}

#[test]
fn damage_inside_a_container_leaves_the_rest_and_says_so() {
    let cases = [
        ("entry-bad-crc.vmcx", "key-checksum"),
        ("entry-size-2g.vmcx", "key-entry-size"),
        ("key-table-size-4g.vmcx", "key-table-bad"),
        ("log-data-bad-crc.vmcx", "replay-log-entry-bad"),
        ("name-len-255.vmcx", "key-entry-bad"),
        ("parent-cycle.vmcx", "key-cycle"),
        ("parent-self.vmcx", "key-cycle"),
        ("string-len-4g.vmcx", "key-entry-bad"),
    ];
    for (name, code) in cases {
        let Some(result) = malformed(name) else { return };
        let container = result.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!container.tree.complete, "{name}");
        assert!(codes(&container).contains(&code), "{name}: {:#?}", container.anomalies);
        let mut keys = 0;
        container.tree.walk(|_, _| keys += 1);
        assert!(keys > 50, "{name}: only {keys} keys are left");
    }
}

#[test]
fn a_log_with_a_wrong_data_checksum_is_not_applied() {
    let Some(Ok(container)) = malformed("log-data-bad-crc.vmcx") else {
        return;
    };
    assert_eq!(container.storage.replay_log.state, LogState::Unusable);
    assert_eq!(name_of(&container), Some("VM-A"));
    assert_eq!(container.anomalies.first().unwrap().offset, Some(0x7000));
}
