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
    text::TextRef,
    vmdk::{self, Vmdk},
    vmsd::SnapshotList,
    vmx::{Encryption, VmxConfig, other_backings, parse_uuid},
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

#[test]
fn every_vmx_has_the_lines_identity_and_references_that_are_expected() {
    let Some(folder) = samples() else { return };
    let expectations = json(&folder.join("vmware/EXPECTED-vmx-vmsd.json"));
    assert!(expectations.len() > 60, "the expectations are complete");
    for (name, expected) in &expectations {
        let raw = bytes(&folder.join("vmware").join(name));
        let dictionary = Dictionary::parse(&raw, &Limits::default()).unwrap();
        let config = VmxConfig::from_dictionary(&dictionary).unwrap();

        let count = |number: usize| u64::try_from(number).unwrap();
        // The expectation takes an unterminated quote for the beginning of a bare value, where open-vm-tools calls the
        // line malformed.
        assert_eq!(
            count(dictionary.entries.len() + config.unterminated_lines),
            expected["well_formed"],
            "{name}"
        );
        assert_eq!(count(config.malformed_lines), expected["malformed_lines"], "{name}");
        assert_eq!(config.has_bom, expected["bom"], "{name}");
        assert_eq!(count(config.crlf_lines), expected["crlf_lines"], "{name}");
        assert_eq!(
            serde_json::to_value(dictionary.duplicate_keys()).unwrap(),
            expected["duplicate_keys"],
            "{name}"
        );
        assert_eq!(
            config.encoding.to_lowercase(),
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

/// What is expected is found, as a file or as something else; the files that are found are expected.
fn references_match(name: &str, dictionary: &Dictionary<'_>, config: &VmxConfig, expected: &Value) {
    for (key, value) in expected.as_object().unwrap() {
        let value = value.as_str().unwrap();
        assert_eq!(dictionary.get(key).map(TextRef::as_str), Some(value), "{name} {key}");
        let is_file = config
            .files
            .iter()
            .any(|file| file.key == *key && file.value.as_str() == value);
        let is_other = other_backings(dictionary)
            .iter()
            .any(|backing| backing.key == *key && backing.value.as_str() == value);
        assert_ne!(is_file, is_other, "{name} {key} {value:?}");
    }
    for file in &config.files {
        assert_eq!(
            expected.get(file.key.as_str()).and_then(Value::as_str),
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

/// The fields of an independent reader that have a counterpart here: theirs, ours.
const SPARSE_FIELDS: &[(&str, &str)] = &[
    ("version", "version"),
    ("flags", "flags"),
    ("capacity_sectors", "capacity_sectors"),
    ("grain_sectors", "grain_size_sectors"),
    ("descriptor_sector", "descriptor_offset_sectors"),
    ("descriptor_sectors", "descriptor_size_sectors"),
    ("gtes_per_gt", "gtes_per_gt"),
    ("rgd_sector", "rgd_offset_sectors"),
    ("gd_sector", "gd_offset_sectors"),
    ("overhead_sectors", "overhead_sectors"),
    ("unclean", "unclean_shutdown"),
    ("newline_ok", "newlines_intact"),
    ("compress", "compression"),
];

const COWD_FIELDS: &[(&str, &str)] = &[
    ("version", "version"),
    ("flags", "flags"),
    ("capacity_sectors", "capacity_sectors"),
    ("grain_sectors", "grain_size_sectors"),
    ("gd_sector", "gd_offset_sectors"),
    ("gd_entries", "gd_entries"),
    ("free_sector", "free_sector"),
];

/// Compares the fields of a header with what an independent reader says.
fn compare_fields(name: &str, fields: &[(&str, &str)], reference: &Value, header: impl serde::Serialize) {
    let ours = serde_json::to_value(header).unwrap();
    for (theirs, own) in fields {
        assert_eq!(reference[theirs], ours[own], "{name}: {own}");
    }
}

/// Holds one file against the `reference` part of its expectation.
fn compare_vmdk(name: &str, bytes: &[u8], reference: &Value) {
    let vmdk = vmdk::read(bytes, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let kind = reference["kind"].as_str().unwrap();
    match (&vmdk, kind) {
        (Vmdk::Descriptor(_), "text") | (Vmdk::Raw, "raw extent" | "raw/other") => {}
        (Vmdk::Sparse(extent), "KDMV") => {
            compare_fields(name, SPARSE_FIELDS, reference, &extent.header);
            if let Some(entries) = reference.get("gd_entries") {
                assert_eq!(
                    extent.header.gd_entries.map(Value::from).as_ref(),
                    Some(entries),
                    "{name}"
                );
            }
            if let Some(sector) = reference.get("gd_sector_from_footer") {
                assert_eq!(*sector, extent.effective_header().gd_offset_sectors, "{name}");
            }
        }
        (Vmdk::Cowd(extent), "COWD") => compare_fields(name, COWD_FIELDS, reference, extent),
        (Vmdk::SeSparse(extent), "SESPARSE") => {
            assert_eq!(reference["version"], format!("{:#x}", extent.version), "{name}");
            for (key, area) in [
                ("gd", extent.grain_directory),
                ("gts", extent.grain_tables),
                ("grains", extent.grains),
                ("volatile", extent.volatile_header),
            ] {
                assert_eq!(
                    reference[key],
                    serde_json::json!([area.offset_sectors, area.size_sectors]),
                    "{name} {key}"
                );
            }
            assert_eq!(reference["capacity_sectors"], extent.capacity_sectors, "{name}");
            assert_eq!(
                reference["volatile_magic"] == "0xcafecafe",
                extent.volatile.is_some(),
                "{name}"
            );
            if let Some(volatile) = &extent.volatile {
                assert_eq!(reference["replay_journal"], volatile.replay_journal, "{name}");
            }
        }
        (other, kind) => panic!("{name}: expected {kind}, read {other:?}"),
    }
}

/// Holds one file against what qemu-img said of it, where it could open it.
fn compare_with_qemu(name: &str, bytes: &[u8], said: &Value) {
    let Some(size) = said.get("virtual_size").and_then(Value::as_u64) else {
        return;
    };
    let vmdk = vmdk::read(bytes, &Limits::default()).unwrap();
    let descriptor = vmdk.descriptor().unwrap_or_else(|| panic!("{name}: no descriptor"));
    assert_eq!(vmdk.virtual_bytes(), Some(size), "{name}");
    assert_eq!(descriptor.cid.map(Value::from).as_ref(), said.get("cid"), "{name}");
    assert_eq!(
        descriptor.parent_cid.map(Value::from).as_ref(),
        said.get("parent_cid"),
        "{name}"
    );
    assert_eq!(
        descriptor.create_type.as_deref(),
        said["create_type"].as_str(),
        "{name}"
    );
    assert_eq!(
        descriptor.parent_file_name_hint.as_ref().map(EncodedText::as_str),
        said.get("backing").and_then(Value::as_str),
        "{name}"
    );
    assert_eq!(descriptor.has_parent(), said.get("backing").is_some(), "{name}");
}

#[test]
fn every_vmdk_is_read_as_an_independent_reader_and_qemu_say() {
    let Some(folder) = samples() else { return };
    let expectations = json(&folder.join("vmware/EXPECTED-vmdk.json"));
    assert!(expectations.len() > 30, "the expectations are complete");
    for (name, expected) in &expectations {
        let bytes = bytes(&folder.join("vmware").join(name));
        compare_vmdk(name, &bytes, &expected["reference"]);
        compare_with_qemu(name, &bytes, &expected["qemu_img"]);
    }
}

#[test]
fn every_other_vmdk_is_read_without_an_error() {
    let Some(folder) = samples() else { return };
    for path in files_below(&folder.join("vmware"), &["vmdk", "gz", "img"]) {
        let name = path.display();
        let vmdk = vmdk::read(&bytes(&path), &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let is_flat = path.to_string_lossy().contains("-flat") || path.to_string_lossy().contains("-f001");
        assert_eq!(vmdk == Vmdk::Raw, is_flat, "{name}");
        let anomalies = vmdk.anomalies();
        assert_eq!(anomalies, [], "{name}");
    }
}

#[test]
fn names_in_other_charsets_are_those_of_the_files() {
    let Some(folder) = samples() else { return };
    let folder = folder.join("vmware/synthetic/enc-sjis");
    let vmdk = vmdk::read(&bytes(&folder.join("仮想マシン.vmdk")), &Limits::default()).unwrap();
    let names: Vec<_> = vmdk.references().iter().map(|file| file.value.to_string()).collect();
    assert_eq!(names, ["仮想マシン-flat.vmdk"]);
    assert!(folder.join(&names[0]).is_file());
}

#[test]
fn encrypted_disks_say_so_and_keep_their_extents() {
    let Some(folder) = samples() else { return };
    for name in [
        "synthetic/encrypted/esxi-encrypted-disk.vmdk",
        "govmomi/test-encrypted.vmdk",
    ] {
        let vmdk = vmdk::read(&bytes(&folder.join("vmware").join(name)), &Limits::default()).unwrap();
        let descriptor = vmdk.descriptor().unwrap();
        assert!(descriptor.is_encrypted, "{name}");
        assert!(
            !descriptor.has_parent(),
            "{name}: parentCID 00000000 without a hint is no parent"
        );
        assert_eq!(descriptor.extents.len(), 1, "{name}");
    }
}

/// What each malformed VMDK must give: the code of an anomaly, or the beginning of an error.
const MALFORMED: &[(&str, &str)] = &[
    ("capacity-0.vmdk", "ok"),
    ("cowd-gd-count-huge/x-delta.vmdk", "gd-count-mismatch gd-beyond-end"),
    ("descriptor-size-huge.vmdk", "descriptor-beyond-end"),
    ("empty.vmdk", "error: VMDK at offset 0x0: truncated"),
    ("ftp-ascii-newlines.vmdk", "text-mode-damage"),
    ("gd-beyond-eof.vmdk", "gd-beyond-end"),
    ("grain-size-all-ff.vmdk", "bad-geometry"),
    ("gtes-per-gt-0.vmdk", "bad-geometry"),
    (
        "magic-only.vmdk",
        "error: VMDK sparse extent header at offset 0x0: truncated (need 512 bytes, have 4)",
    ),
    ("sesparse-bad-volatile-magic/x-sesparse.vmdk", "volatile-header-bad"),
    ("streamOptimized-truncated.vmdk", "cut-off"),
    (
        "truncated-in-descriptor.vmdk",
        "descriptor-beyond-end gd-beyond-end cut-off shorter-than-overhead",
    ),
    ("version-4.vmdk", "unknown-version"),
];

#[test]
fn every_malformed_vmdk_gives_a_clear_error_or_a_named_anomaly() {
    let Some(folder) = samples() else { return };
    let folder = folder.join("malformed/vmware");
    let expectations = json(&folder.join("EXPECTED-vmdk.json"));
    for path in files_below(&folder, &["vmdk"]) {
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().replace('\\', "/");
        let bytes = bytes(&path);
        let outcome = match vmdk::read(&bytes, &Limits::default()) {
            Ok(vmdk) => {
                compare_vmdk(&name, &bytes, &expectations[&name]["reference"]);
                let codes: Vec<_> = vmdk.anomalies().into_iter().map(|anomaly| anomaly.code).collect();
                if codes.is_empty() {
                    "ok".to_owned()
                } else {
                    codes.join(" ")
                }
            }
            Err(error) => format!("error: {error}"),
        };
        let expected = MALFORMED
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("ok", |(_, expected)| expected);
        assert!(
            outcome.starts_with(expected) && !expected.is_empty(),
            "{name}: {outcome}"
        );
    }
}

/// What each odd snapshot list holds: number of snapshots, and its anomalies.
const SNAPSHOT_LISTS: &[(&str, usize, &str)] = &[
    ("empty.vmsd", 0, ""),
    ("gap-in-indexes.vmsd", 2, "snapshot-index-gap"),
    ("need-consolidate.vmsd", 0, ""),
    ("num-0-but-entry.vmsd", 1, "snapshot-count-mismatch"),
    (
        "parent-cycle.vmsd",
        2,
        "snapshot-state-missing snapshot-state-missing snapshot-parent-cycle",
    ),
    (
        "parent-missing.vmsd",
        1,
        "snapshot-parent-missing snapshot-current-missing snapshot-state-missing",
    ),
];

#[test]
fn every_odd_snapshot_list_keeps_its_entries() {
    let Some(folder) = samples() else { return };
    let folder = folder.join("malformed/vmware/vmsd");
    let paths = files_below(&folder, &["vmsd"]);
    assert_eq!(paths.len(), SNAPSHOT_LISTS.len());
    for (path, (name, snapshots, codes)) in paths.iter().zip(SNAPSHOT_LISTS) {
        assert!(path.ends_with(name), "{}", path.display());
        let list = SnapshotList::read(&bytes(path), &Limits::default()).unwrap();
        assert_eq!(list.snapshots.len(), *snapshots, "{name}");
        let found: Vec<_> = list.anomalies.iter().map(|anomaly| anomaly.code.as_str()).collect();
        assert_eq!(found.join(" "), *codes, "{name}");
        assert_eq!(list.needs_consolidation, *name == "need-consolidate.vmsd");
    }
}

/// Facts survive their JSON form, in which a catalogue keeps them.
fn assert_survives_json<T>(name: &str, facts: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let text = serde_json::to_string(facts).unwrap();
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *facts, "{name}");
}

#[test]
fn facts_survive_their_json_form() {
    let Some(folder) = samples() else { return };
    for path in files_below(&folder, &["vmdk", "gz", "img"]) {
        if let Ok(vmdk) = vmdk::read(&bytes(&path), &Limits::default()) {
            assert_survives_json(&path.to_string_lossy(), &vmdk);
        }
    }
    for path in files_below(&folder, &["vmx"]) {
        if let Ok(config) = VmxConfig::read(&bytes(&path), &Limits::default()) {
            assert_survives_json(&path.to_string_lossy(), &config);
        }
    }
    for path in files_below(&folder, &["vmsd"]) {
        let list = SnapshotList::read(&bytes(&path), &Limits::default()).unwrap();
        assert_survives_json(&path.to_string_lossy(), &list);
    }
}
