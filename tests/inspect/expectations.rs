//! `inspect -f json` carries all that the expectations beside the samples state: each key and value of a container, each
//! line, identity and reference of a `.vmx`, each field, extent and count of a `.vmdk`, and what libvirt reads from a
//! configuration.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::{Map, Value, json};

use super::{look, samples};

/// What `inspect -f json` prints of a file.
fn told(path: &Path) -> Value {
    serde_json::to_value(look(path)).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a file of the samples")]
fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn expectations(path: &Path) -> Map<String, Value> {
    serde_json::from_str(&text(path)).unwrap()
}

/// Text whether or not its bytes stand beside it.
fn plain(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("text")?.as_str())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Path and value of every key below an object of `expected.json`; nodes are null.
fn leaves(keys: &Map<String, Value>, above: &str, found: &mut BTreeMap<String, Value>) {
    for (name, value) in keys {
        let path = format!("{above}{name}");
        if let Value::Object(below) = value {
            leaves(below, &format!("{path}/"), found);
            found.insert(path, Value::Null);
        } else {
            found.insert(path, value.clone());
        }
    }
}

fn bytes_of_hex(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Bytes are told by length, hash and beginning.
fn same_value(told: &Value, expected: &Value) -> bool {
    if told.get("length").is_none() {
        return told == expected || plain(told).is_some_and(|text| Some(text) == expected.as_str());
    }
    let hex = expected.as_str().unwrap();
    let bytes = bytes_of_hex(hex);
    told["length"] == bytes.len()
        && told["blake3"] == blake3::hash(&bytes).to_hex().as_str()
        && hex.starts_with(told["hex"].as_str().unwrap())
}

#[test]
fn every_key_and_value_of_a_made_container_is_told() {
    let Some(folder) = samples("hyperv/made-vmcx") else {
        return;
    };
    let mut values = 0;
    for (name, expected) in expectations(&folder.join("expected.json")) {
        let expected = expected
            .get("with_replay")
            .unwrap_or(&expected)
            .as_object()
            .unwrap()
            .clone();
        let mut wanted = BTreeMap::new();
        leaves(&expected, "", &mut wanted);
        let told = told(&folder.join(&name));
        // The expectation keeps the last of several siblings of one name.
        let keys: BTreeMap<&str, &Value> = list(&told["keys"])
            .iter()
            .map(|key| (key["key"].as_str().unwrap(), key))
            .collect();
        for (path, value) in &wanted {
            let key = keys
                .get(path.as_str())
                .unwrap_or_else(|| panic!("{name}: no key {path}"));
            assert!(same_value(&key["value"], value), "{name}: {path}: {key}");
            let kind = match value {
                Value::Null => "node",
                Value::Bool(_) => "bool",
                Value::Number(_) => "int",
                _ if key["value"].get("length").is_some() => "bytes",
                _ => "string",
            };
            assert_eq!(key["type"], kind, "{name}: {path}");
        }
        assert_eq!(keys.len(), wanted.len(), "{name}: and no other key");
        assert_eq!(told["keys_left_out"], 0, "{name}");
        values += wanted.values().filter(|value| !value.is_null()).count();
    }
    assert!(values > 1600, "only {values} values");
}

#[test]
fn every_key_and_value_of_a_real_container_is_told() {
    for path in ["hyperv/dissect.hypervisor/test.vmcx", "hyperv/dissect.target/data.vmcx"] {
        let Some(folder) = samples("hyperv") else { return };
        let path = folder.parent().unwrap().join(path);
        let told = told(&path);
        let mut lines: Vec<String> = list(&told["keys"])
            .iter()
            .map(|key| {
                let (name, value) = (key["key"].as_str().unwrap(), &key["value"]);
                match key["type"].as_str().unwrap() {
                    "node" => format!("/{name}  <Node>"),
                    "bool" => format!("/{name}  <Bool> = {}", u8::from(value == true)),
                    "int" => format!("/{name}  <Int> = {value}"),
                    "string" => format!("/{name}  <String> = '{}'", plain(value).unwrap().replace('\\', "\\\\")),
                    "bytes" => format!(
                        "/{name}  <Array> = {} {}",
                        value["length"],
                        value["blake3"].as_str().unwrap()
                    ),
                    other => panic!("{name} is {other}"),
                }
            })
            .collect();
        let mut expected: Vec<String> = text(&path.with_extension("vmcx.tree.txt"))
            .lines()
            .map(|line| {
                let (path, rest) = line.split_once("  <").unwrap();
                let (kind, value) = rest.split_once("> = ").unwrap();
                match kind.split_once(" ins=").unwrap().0 {
                    "Node" => format!("{path}  <Node>"),
                    "Array" => {
                        let bytes = bytes_of_hex(value);
                        format!("{path}  <Array> = {} {}", bytes.len(), blake3::hash(&bytes).to_hex())
                    }
                    kind => format!("{path}  <{kind}> = {value}"),
                }
            })
            .collect();
        lines.sort();
        expected.sort();
        assert_eq!(lines, expected);
    }
}

/// The keys that stand more than once, as the later lines write them.
fn duplicates(told: &Value) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    list(&told["keys"])
        .iter()
        .filter(|key| key["type"] == "string")
        .map(|key| key["key"].as_str().unwrap())
        .filter(|key| !seen.insert(key.to_lowercase()))
        .collect()
}

#[test]
fn every_line_identity_and_reference_of_a_configuration_is_told() {
    let Some(folder) = samples("vmware") else { return };
    let all = expectations(&folder.join("EXPECTED-vmx-vmsd.json"));
    assert!(all.len() > 60, "the expectations are complete");
    for (name, expected) in &all {
        let told = told(&folder.join(name));
        let facts = &told["facts"];
        assert_eq!(facts["has_bom"], expected["bom"], "{name}");
        assert_eq!(facts["crlf_lines"], expected["crlf_lines"], "{name}");
        assert_eq!(facts["malformed_lines"], expected["malformed_lines"], "{name}");
        let lower = |value: &Value| value.as_str().unwrap().to_lowercase();
        assert_eq!(lower(&facts["encoding"]), lower(&expected["encoding"]), "{name}");
        // The expectation counts a line with an unterminated quote as well-formed; open-vm-tools does not.
        let well_formed = list(&told["keys"]).iter().filter(|key| key["type"] == "string").count();
        let unterminated = facts["unterminated_lines"].as_u64().unwrap();
        assert_eq!(
            u64::try_from(well_formed).unwrap() + unterminated,
            expected["well_formed"],
            "{name}"
        );
        assert_eq!(json!(duplicates(&told)), expected["duplicate_keys"], "{name}");

        assert_eq!(
            plain(&facts["display_name"]),
            expected["display_name"].as_str(),
            "{name}"
        );
        for (own, key) in [
            ("bios_uuid", "uuid_bios"),
            ("location_uuid", "uuid_location"),
            ("instance_uuid", "vc_uuid"),
        ] {
            assert_eq!(plain(&facts[own]), expected[key].as_str(), "{name} {key}");
        }
        assert_eq!(facts["encryption"] != "none", expected["encrypted"], "{name}");
        let hardware = facts["hardware_version"].as_u64().map(|version| version.to_string());
        assert_eq!(hardware.as_deref(), expected["hw"].as_str(), "{name}");

        let named: BTreeMap<&str, &str> = list(&facts["files"])
            .iter()
            .chain(list(&told["other_backings"]))
            .map(|named| (named["key"].as_str().unwrap(), plain(&named["value"]).unwrap()))
            .collect();
        for (key, value) in expected["references"].as_object().unwrap() {
            assert_eq!(named.get(key.as_str()).copied(), value.as_str(), "{name} {key}");
        }
        let others = named.keys().filter(|key| expected["references"].get(**key).is_none());
        assert!(
            others.clone().all(|key| key.eq_ignore_ascii_case("sound.fileName")),
            "{name}: {:?}",
            others.collect::<Vec<_>>()
        );
        let is_disk = |file: &&Value| file["kind"] == "disk";
        let mut disks: Vec<_> = list(&facts["files"])
            .iter()
            .filter(is_disk)
            .map(|file| plain(&file["value"]).unwrap())
            .collect();
        let mut dissect: Vec<_> = list(&expected["dissect_disks"])
            .iter()
            .map(|disk| disk.as_str().unwrap())
            .collect();
        disks.sort_unstable();
        dissect.sort_unstable();
        // dissect does not heed the encoding.
        assert!(
            disks == dissect || dissect.iter().any(|disk| disk.contains('\u{fffd}')),
            "{name}: {disks:?}"
        );
    }
}

#[test]
fn drives_and_ports_say_what_they_are_connected_to_instead_of_a_file() {
    let Some(folder) = samples("vmware/libvirt-vmx2xmldata") else {
        return;
    };
    for (name, key, value, meaning) in [
        ("floppy-device.vmx", "floppy0.fileName", "/dev/fd0", "host-device"),
        (
            "serial-pipe-client-app.vmx",
            "serial0.fileName",
            "serial0.pipe",
            "endpoint",
        ),
        ("serial-device.vmx", "serial0.fileName", "/dev/ttyS0", "host-device"),
        (
            "cdrom-ide-raw-auto-detect.vmx",
            "ide0:0.fileName",
            "auto detect",
            "host-device",
        ),
        ("esx-in-the-wild-9.vmx", "floppy0.fileName", "Floppy 0", "client-device"),
        (
            "esx-in-the-wild-11.vmx",
            "ide0:0.fileName",
            "emptyBackingString",
            "nothing",
        ),
        (
            "ws-in-the-wild-1.vmx",
            "ide1:0.fileName",
            "/usr/lib/vmware/isoimages/linux.iso",
            "installation-image",
        ),
    ] {
        let told = told(&folder.join(name));
        let expected = json!({"key": key, "value": value, "meaning": meaning});
        assert!(
            list(&told["other_backings"]).contains(&expected),
            "{name}: {}",
            told["other_backings"]
        );
    }
}

/// The fields of an independent reader: theirs, ours.
const FIELDS: &[(&str, &str)] = &[
    ("flags", "flags"),
    ("capacity_sectors", "capacity_sectors"),
    ("grain_sectors", "grain_size_sectors"),
    ("gt_sectors", "grain_table_sectors"),
    ("descriptor_sector", "descriptor_offset_sectors"),
    ("descriptor_sectors", "descriptor_size_sectors"),
    ("gtes_per_gt", "gtes_per_gt"),
    ("rgd_sector", "rgd_offset_sectors"),
    ("gd_sector", "gd_offset_sectors"),
    ("gd_entries", "gd_entries"),
    ("free_sector", "free_sector"),
    ("overhead_sectors", "overhead_sectors"),
    ("unclean", "unclean_shutdown"),
    ("newline_ok", "newlines_intact"),
    ("compress", "compression"),
];

/// Holds a disk against the fields of an independent reader.
fn compare_header(name: &str, told: &Value, reference: &Value) {
    let facts = &told["facts"];
    let header = facts.get("header").unwrap_or(facts);
    for (theirs, own) in FIELDS {
        if let Some(expected) = reference.get(theirs) {
            assert_eq!(&header[own], expected, "{name} {theirs}");
        }
    }
    match &reference["version"] {
        Value::Null => {}
        Value::String(hex) => assert_eq!(format!("{:#x}", header["version"].as_u64().unwrap()), *hex, "{name}"),
        number => assert_eq!(&header["version"], number, "{name}"),
    }
    let format = match reference["kind"].as_str().unwrap() {
        "KDMV" => "sparse",
        "COWD" => "cowd",
        "SESPARSE" => "sesparse",
        "text" => "descriptor",
        _ => {
            return assert!(
                reference.get("bytes").is_none_or(|bytes| told["length"] == *bytes),
                "{name}"
            );
        }
    };
    assert_eq!(facts["format"], format, "{name}");
    for (theirs, own) in [
        ("gd", "grain_directory"),
        ("gts", "grain_tables"),
        ("grains", "grains"),
        ("volatile", "volatile_header"),
    ] {
        if let Some(expected) = reference.get(theirs) {
            assert_eq!(
                json!([facts[own]["offset_sectors"], facts[own]["size_sectors"]]),
                *expected,
                "{name} {theirs}"
            );
        }
    }
    if let Some(magic) = reference.get("volatile_magic") {
        assert_eq!(magic == "0xcafecafe", !facts["volatile"].is_null(), "{name}");
        assert!(
            facts["volatile"].is_null() || facts["volatile"]["replay_journal"] == reference["replay_journal"],
            "{name}"
        );
    }
    if let Some(sector) = reference.get("gd_sector_from_footer") {
        assert_eq!(facts["footer"]["gd_offset_sectors"], *sector, "{name}");
    }
}

/// Holds the counts of a disk against those of an independent reader, where that could count.
fn compare_counts(name: &str, told: &Value, reference: &Value) {
    let count = |key: &str| reference.get(key).and_then(Value::as_u64);
    let (Some(grains), Some(grain)) = (count("allocated_grains"), told["allocation"]["grain_bytes"].as_u64()) else {
        return;
    };
    let own = |key: &str| told["allocation"][key].as_u64().unwrap();
    assert_eq!(own("allocated_bytes"), grains * grain, "{name}");
    assert_eq!(
        own("unmapped_bytes"),
        count("unmapped_grains").unwrap_or(0) * grain,
        "{name}"
    );
    if let Some(zeroed) = count("zero_grains") {
        assert_eq!(own("zeroed_bytes") - own("unmapped_bytes"), zeroed * grain, "{name}");
    }
    if let Some(outside) = count("out_of_range") {
        assert_eq!(own("grains_outside"), outside, "{name}");
    }
}

/// Holds a disk against qemu-img and vmdkinfo, where they could open it.
fn compare_descriptor(name: &str, told: &Value, expected: &Value) {
    let facts = &told["facts"];
    let descriptor = facts.get("descriptor").unwrap_or(facts);
    let size = &told["evidence"]["disk"]["virtual_bytes"];
    let parent = plain(&descriptor["parent_file_name_hint"]);
    let qemu = &expected["qemu_img"];
    if qemu.get("cid").is_some() {
        for key in ["cid", "parent_cid", "create_type"] {
            assert_eq!(descriptor[key], qemu[key], "{name} {key}");
        }
        assert_eq!(*size, qemu["virtual_size"], "{name}");
        assert_eq!(parent, qemu["backing"].as_str(), "{name}");
        let extents = list(&descriptor["extents"]);
        assert_eq!(extents.len(), list(&qemu["extents"]).len(), "{name}");
        for (own, theirs) in extents.iter().zip(list(&qemu["extents"])) {
            assert_eq!(own["sectors"].as_u64().unwrap() * 512, theirs["virtual_size"], "{name}");
            assert!(theirs["format"] == "" || theirs["format"] == own["kind_text"], "{name}");
            // Of an embedded descriptor qemu-img gives the name of the file, whatever the descriptor says.
            assert!(
                facts.get("header").is_some() || plain(&own["name"]) == theirs["file"].as_str(),
                "{name}"
            );
        }
        if let (Some(mapped), Some(own)) = (
            qemu["map_depth0_data_bytes"].as_u64(),
            told["allocation"]["allocated_bytes"].as_u64(),
        ) {
            assert_eq!(own, mapped, "{name}");
        }
    }
    let info = &expected["vmdkinfo"];
    if let Some(cid) = info["Content identifier"].as_str() {
        let hex = |key: &str| format!("{:#010x}", descriptor[key].as_u64().unwrap());
        assert_eq!(hex("cid"), cid, "{name}");
        assert_eq!(hex("parent_cid"), info["Parent content identifier"], "{name}");
        assert_eq!(
            list(&descriptor["extents"]).len().to_string(),
            info["Number of extents"],
            "{name}"
        );
        let media = info["Media size"].as_str().unwrap();
        assert!(media.contains(&format!("{size} bytes")), "{name}: {media}");
        assert_eq!(parent, info["Parent filename"].as_str(), "{name}");
    }
}

#[test]
fn every_field_extent_and_count_of_a_disk_is_told() {
    for part in ["vmware", "malformed/vmware"] {
        let Some(folder) = samples(part) else { return };
        for (name, expected) in expectations(&folder.join("EXPECTED-vmdk.json")) {
            let told = told(&folder.join(&name));
            compare_header(&name, &told, &expected["reference"]);
            compare_counts(&name, &told, &expected["reference"]);
            compare_descriptor(&name, &told, &expected);
        }
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    Some(text.split_once(start)?.1.split_once(end)?.0)
}

fn unescaped(text: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")];
    entities.into_iter().fold(text.to_owned(), |text, (entity, character)| {
        text.replace(entity, character)
    })
}

fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap()
}

#[test]
fn what_libvirt_reads_from_a_configuration_is_told() {
    let Some(folder) = samples("vmware/libvirt-vmx2xmldata") else {
        return;
    };
    let mut compared = 0;
    for path in super::files(&folder) {
        let xml = path.with_extension("xml");
        if path.extension().is_none_or(|extension| extension != "vmx") || !xml.is_file() {
            continue;
        }
        let (name, xml, told) = (path.display(), text(&xml), told(&path));
        let facts = &told["facts"];
        let of = |tag: &str| between(&xml, &format!("<{tag}>"), &format!("</{tag}>")).map(unescaped);
        assert_eq!(plain(&facts["display_name"]), of("name").as_deref(), "{name}");
        assert!(
            of("description").is_none_or(|notes| plain(&facts["annotation"]) == Some(&notes)),
            "{name}"
        );
        assert!(of("genid").is_none_or(|id| facts["generation_id"] == id), "{name}");
        let no_id = "00000000-0000-0000-0000-000000000000";
        assert_eq!(
            facts["bios_uuid"]["uuid"].as_str().unwrap_or(no_id),
            of("uuid").unwrap(),
            "{name}"
        );

        let keys: BTreeMap<String, &str> = list(&told["keys"])
            .iter()
            .map(|key| {
                (
                    key["key"].as_str().unwrap().to_lowercase(),
                    plain(&key["value"]).unwrap(),
                )
            })
            .collect();
        let key = |key: &str, default| keys.get(key).copied().unwrap_or(default);
        let vcpus = between(&xml, "<vcpu placement='static'", "</vcpu>")
            .unwrap()
            .rsplit('>')
            .next()
            .unwrap();
        assert_eq!(key("numvcpus", "1"), vcpus, "{name}");
        let memory: u64 = between(&xml, "<memory unit='KiB'>", "</memory>")
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(facts["memory_mb"].as_u64().unwrap_or(32) * 1024, memory, "{name}");

        let named: Vec<&str> = list(&facts["files"])
            .iter()
            .chain(list(&told["other_backings"]))
            .map(|named| base_name(plain(&named["value"]).unwrap()))
            .collect();
        for source in xml.split("<source ").skip(1) {
            let source = source.split_once("/>").unwrap().0;
            let file = ["file='", "dev='", "path='"]
                .iter()
                .find_map(|attribute| between(source, attribute, "'"));
            if let Some(file) = file.map(unescaped) {
                // `[datastore] file` where there is no folder.
                let base = base_name(&file).rsplit("] ").next().unwrap().to_owned();
                assert!(named.contains(&base.as_str()), "{name}: {file} is not among {named:?}");
            }
        }
        compared += 1;
    }
    assert!(compared > 50, "only {compared} configurations compared");
}
