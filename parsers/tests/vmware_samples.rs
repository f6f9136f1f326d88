//! Every VMware sample is read as its expectation says, or without an error where it has none.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says loudly what it skips"
)]

use std::{
    collections::BTreeSet,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use derelict_parsers::{
    EncodedText, Limits,
    dictionary::Dictionary,
    reference::{FileKind, is_not_a_file},
    vmx::{Encryption, VmxConfig, parse_uuid},
};
use serde_json::Value;

/// The VMware samples, or `None` with a loud word where they are absent.
fn samples() -> Option<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/samples"));
    if folder.join("vmware").is_dir() {
        return Some(folder.to_owned());
    }
    eprintln!("SKIPPED: {} absent, VMware samples were not read", folder.display());
    None
}

fn bytes(path: &Path) -> Vec<u8> {
    let mut raw = Vec::new();
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_some_and(|extension| extension == "gz") {
        flate2::read::GzDecoder::new(file).read_to_end(&mut raw).unwrap();
    } else {
        file.take(64 << 20).read_to_end(&mut raw).unwrap();
    }
    raw
}

fn json(path: &Path) -> serde_json::Map<String, Value> {
    serde_json::from_slice(&bytes(path)).unwrap()
}

fn string(value: &Value) -> Option<&str> {
    value.as_str()
}

/// Files below a folder with one of these extensions.
fn files_below(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extensions.contains(&&*extension.to_string_lossy()))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn config(path: &Path) -> VmxConfig {
    VmxConfig::read(&bytes(path), &Limits::default()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One line of one sample is counted otherwise by the expectation: it takes an unterminated quote for the beginning of
/// a bare value, where open-vm-tools calls the line malformed.
const UNTERMINATED: &str = "synthetic/enc-utf8-bom/bom.vmx";

#[test]
fn every_vmx_has_the_lines_identity_and_references_that_are_expected() {
    let Some(folder) = samples() else { return };
    let expectations = json(&folder.join("vmware/EXPECTED-vmx-vmsd.json"));
    assert!(expectations.len() > 60, "the expectations are complete");
    for (name, expected) in &expectations {
        let raw = bytes(&folder.join("vmware").join(name));
        let dictionary = Dictionary::parse(&raw, &Limits::default()).unwrap();
        let config = VmxConfig::from_dictionary(&dictionary).unwrap();

        let shift = u64::from(name == UNTERMINATED);
        let count = |number: usize| u64::try_from(number).unwrap();
        assert_eq!(
            count(dictionary.entries.len()) + shift,
            expected["well_formed"],
            "{name}"
        );
        assert_eq!(
            count(dictionary.malformed.len()),
            expected["malformed_lines"].as_u64().unwrap() + shift,
            "{name}"
        );
        assert_eq!(dictionary.has_bom, expected["bom"], "{name}");
        assert_eq!(count(dictionary.crlf_lines), expected["crlf_lines"], "{name}");
        assert_eq!(
            serde_json::to_value(dictionary.duplicate_keys()).unwrap(),
            expected["duplicate_keys"],
            "{name}"
        );
        assert_eq!(
            config
                .encoding
                .as_deref()
                .unwrap_or(dictionary.charset.name())
                .to_lowercase(),
            string(&expected["encoding"]).unwrap().to_lowercase(),
            "{name}"
        );

        let text = |value: &Option<EncodedText>| value.as_ref().map(ToString::to_string);
        assert_eq!(
            text(&config.display_name).as_deref(),
            string(&expected["display_name"]),
            "{name}"
        );
        for (uuid, key) in [
            (&config.bios_uuid, "uuid_bios"),
            (&config.location_uuid, "uuid_location"),
            (&config.instance_uuid, "vc_uuid"),
        ] {
            assert_eq!(
                uuid.as_ref().map(|uuid| uuid.text.as_str()),
                string(&expected[key]),
                "{name} {key}"
            );
            assert!(uuid.as_ref().is_none_or(|uuid| uuid.uuid.is_some()), "{name} {key}");
        }
        assert_eq!(config.encryption != Encryption::None, expected["encrypted"], "{name}");
        assert_eq!(
            config.hardware_version.map(|version| version.to_string()).as_deref(),
            string(&expected["hw"]),
            "{name}"
        );
        references_match(name, &dictionary, &config, &expected["references"]);
    }
}

/// What is expected is found, or says that it names no file; what is found is expected.
fn references_match(name: &str, dictionary: &Dictionary, config: &VmxConfig, expected: &Value) {
    for (key, value) in expected.as_object().unwrap() {
        let value = value.as_str().unwrap();
        assert_eq!(
            dictionary.get(key).map(EncodedText::as_str),
            Some(value),
            "{name} {key}"
        );
        let found = config
            .files
            .iter()
            .any(|file| file.key == *key && file.value.as_str() == value);
        let is_pipe = value == "serial0.pipe";
        assert_ne!(found, is_not_a_file(value) || is_pipe, "{name} {key} {value:?}");
    }
    for file in &config.files {
        assert_eq!(
            expected.get(&file.key).and_then(Value::as_str),
            Some(file.value.as_str()),
            "{name}"
        );
    }
}

#[test]
fn libvirt_and_derelict_see_the_same_vm_and_the_same_files() {
    let Some(folder) = samples() else { return };
    let mut compared = 0;
    for path in files_below(&folder.join("vmware/libvirt-vmx2xmldata"), &["vmx"]) {
        let xml = path.with_extension("xml");
        if !xml.is_file() {
            continue;
        }
        let xml = String::from_utf8(bytes(&xml)).unwrap();
        let config = config(&path);
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();

        let libvirt_name = between(&xml, "<name>", "</name>").map(unescaped);
        assert_eq!(config.display_name.map(|name| name.to_string()), libvirt_name, "{name}");
        let uuid = between(&xml, "<uuid>", "</uuid>").and_then(parse_uuid);
        let bios = config.bios_uuid.and_then(|uuid| uuid.uuid);
        assert_eq!(bios.unwrap_or_default(), uuid.unwrap_or_default(), "{name}");

        let ours: BTreeSet<(String, String)> = config
            .files
            .iter()
            .filter(|file| file.present)
            .filter_map(|file| Some((device(file.kind)?, base_name(file.value.as_str()))))
            .collect();
        let theirs = libvirt_disks(&xml);
        assert!(
            theirs.is_subset(&ours),
            "{name}: libvirt sees {theirs:?}, we see {ours:?}"
        );
        for (kind, base) in ours.difference(&theirs) {
            assert!(
                base.starts_with("missing") || base == "cdrom.iso",
                "{name}: {kind} {base}"
            );
        }
        compared += 1;
    }
    assert!(compared > 50, "only {compared} configurations compared");
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    Some(text.split_once(start)?.1.split_once(end)?.0)
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

fn base_name(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap().to_owned()
}

/// libvirt's word for the devices that it knows.
fn device(kind: FileKind) -> Option<String> {
    match kind {
        FileKind::Disk => Some("disk".to_owned()),
        FileKind::CdImage => Some("cdrom".to_owned()),
        FileKind::Floppy => Some("floppy".to_owned()),
        _ => None,
    }
}

/// Device and base name of every file-backed disk of a domain.
fn libvirt_disks(xml: &str) -> BTreeSet<(String, String)> {
    xml.split("<disk type='file'")
        .skip(1)
        .filter_map(|disk| {
            let kind = between(disk, "device='", "'")?;
            let file = unescaped(between(disk.split_once("</disk>")?.0, "<source file='", "'")?);
            (!is_not_a_file(&file)).then(|| (kind.to_owned(), base_name(&file)))
        })
        .collect()
}

#[test]
fn virt_v2v_and_derelict_see_the_same_name_generation_id_and_number_of_disks() {
    let Some(folder) = samples() else { return };
    for path in files_below(&folder.join("vmware/virt-v2v"), &["vmx"]) {
        let expected = String::from_utf8(bytes(&path.with_extension("expected"))).unwrap();
        let config = config(&path);
        let field = |name: &str| {
            between(&expected, name, "\n")
                .map(|text| text.trim().to_owned())
                .filter(|t| !t.is_empty())
        };
        assert_eq!(
            config.display_name.map(|name| name.to_string()),
            field("source name:"),
            "{}",
            path.display()
        );
        assert_eq!(
            config.generation_id.map(|id| id.to_string()),
            field("VM genid:"),
            "{}",
            path.display()
        );
        let listed = between(&expected, "disks:\n", "removable media:").unwrap();
        let disks = config
            .files
            .iter()
            .filter(|file| file.kind == FileKind::Disk && file.present);
        assert_eq!(
            disks.count(),
            listed.lines().filter(|line| line.contains('[')).count(),
            "{}",
            path.display()
        );
    }
}
