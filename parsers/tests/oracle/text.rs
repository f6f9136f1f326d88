//! Checks of the text formats.

use std::hint::black_box;

use derelict_parsers::{
    EncodedText, ParseError,
    charset::Charset,
    dictionary::Dictionary,
    guid,
    ha_list::HaList,
    hbr_group::ReplicationGroup,
    hyperv_config::{self, HypervFile},
    hyperv_xml, reference,
    testkit::hyperv_vm,
    utf16,
    vmcx::{Key, KeyTree, Value},
    vmdk::{Access, Descriptor},
    vmsd::SnapshotList,
    vmware_lock::{LockBody, LockName},
    vmware_log::VmLog,
    vmx::{self, VmxConfig},
    vmxf::ExtendedConfig,
    windows_path,
};

use super::{limits, longest_json, stands_in, through_json};

/// A descriptor of a VMDK.
pub(crate) fn descriptor(input: &[u8]) {
    let head = Descriptor::is_descriptor(input);
    let Ok(descriptor) = Descriptor::parse(input, &limits()) else {
        return;
    };
    through_json(&descriptor, longest_json(input));
    check_descriptor(&descriptor);
    for extent in &descriptor.extents {
        let name = extent.name.as_ref().map_or(&b""[..], EncodedText::raw);
        assert!(stands_in(input, name), "a name that is not in the file");
    }
    if let Some(text) = encode_descriptor(&descriptor) {
        let again = Descriptor::parse(&text, &limits()).expect("a descriptor that was written anew");
        let facts = |descriptor: &Descriptor| {
            let mut facts = descriptor.clone();
            facts.anomalies.clear();
            // Only the line that counts is written.
            facts.replaced.clear();
            facts.extents.iter_mut().for_each(|extent| extent.line = 0);
            facts
        };
        assert_eq!(
            facts(&again),
            facts(&descriptor),
            "written anew:\n{}",
            String::from_utf8_lossy(&text)
        );
    }
    black_box(head);
}

/// What holds of every descriptor, embedded ones as well.
pub(crate) fn check_descriptor(descriptor: &Descriptor) {
    if let Some(bytes) = descriptor.virtual_bytes() {
        let sum: u128 = descriptor
            .extents
            .iter()
            .map(|extent| u128::from(extent.sectors) * 512)
            .sum();
        assert_eq!(u128::from(bytes), sum, "the capacity is the sum of the extents");
    }
    let references = descriptor.references();
    let pieces: usize = descriptor
        .malformed
        .iter()
        .map(|line| line.text.as_str().matches('"').count() + 1)
        .sum();
    let entries = descriptor.ddb.len() + descriptor.other.len() + descriptor.replaced.len();
    let most = descriptor.extents.len() + entries + descriptor.sidecars().len() + pieces + 3;
    assert!(references.len() <= most, "more references than lines");
    black_box((
        descriptor.has_parent(),
        descriptor.is_raw_device(),
        descriptor.disk_uuid(),
        descriptor.long_content_id(),
        descriptor.fcd_id(),
        descriptor.io_filters(),
        descriptor.virtualbox_uuid(),
        descriptor.deletable(),
        descriptor.thin_provisioned(),
    ));
}

/// A descriptor written from its facts; `None` where they hold what no writer could have meant: lines that are malformed,
/// charsets that are not known, or keys that are not plain.
fn encode_descriptor(descriptor: &Descriptor) -> Option<Vec<u8>> {
    let plain = |key: &str| {
        key.bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'=')
    };
    let keys = descriptor.ddb.iter().chain(&descriptor.other);
    let is_known = |name: &String| Charset::named(name).is_some();
    if !descriptor.malformed.is_empty()
        || !keys
            .clone()
            .all(|entry| plain(&entry.key) && !entry.key.starts_with('#'))
        || !descriptor.encoding.as_ref().is_none_or(is_known)
        || descriptor
            .ddb
            .iter()
            .any(|entry| entry.key.eq_ignore_ascii_case("ddb.encoding"))
    {
        return None;
    }
    let mut text = Vec::new();
    let mut line = |key: &str, value: &[u8]| {
        text.extend([key.as_bytes(), b"=\"", value, b"\"\n"].concat());
    };
    // Among them are values that are none of their key, which may have stood before the one that counts.
    for entry in keys {
        line(&entry.key, entry.value.raw());
    }
    line("version", descriptor.version?.to_string().as_bytes());
    if let Some(encoding) = &descriptor.encoding {
        line("encoding", encoding.as_bytes());
    }
    let hex = |cid: u32| format!("{cid:08x}").into_bytes();
    let native = |native: bool| if native { b"yes".to_vec() } else { b"no".to_vec() };
    let raw = |value: &EncodedText| value.raw().to_vec();
    let values = [
        ("CID", descriptor.cid.map(hex)),
        ("parentCID", descriptor.parent_cid.map(hex)),
        ("isNativeSnapshot", descriptor.is_native_snapshot.map(native)),
        ("parentFileNameHint", descriptor.parent_file_name_hint.as_ref().map(raw)),
        ("changeTrackPath", descriptor.change_track_path.as_ref().map(raw)),
        ("digestFilename", descriptor.digest_file_name.as_ref().map(raw)),
        (
            "createType",
            descriptor.create_type.as_ref().map(|value| value.as_bytes().to_vec()),
        ),
    ];
    for (key, value) in values {
        if let Some(value) = value {
            line(key, &value);
        }
    }
    if descriptor.is_encrypted {
        line("keyID", b"1");
    }
    for extent in &descriptor.extents {
        text.extend(encode_extent(extent));
    }
    // A charset that was assumed is assumed again only where the text is no more UTF-8 than before.
    let charset = Charset::declared(descriptor.encoding.as_deref(), &text).0;
    let same = |value: &EncodedText| charset.decode(value.raw()).0 == value.as_str();
    let names = descriptor.extents.iter().filter_map(|extent| extent.name.as_ref());
    let values = descriptor.ddb.iter().chain(&descriptor.other).map(|entry| &entry.value);
    let files = [
        &descriptor.parent_file_name_hint,
        &descriptor.change_track_path,
        &descriptor.digest_file_name,
    ];
    let is_same = names.chain(values).chain(files.into_iter().flatten()).all(same);
    let is_text = descriptor.create_type.as_ref().is_none_or(|value| value.is_ascii());
    (is_same && is_text).then_some(text)
}

fn encode_extent(extent: &derelict_parsers::vmdk::Extent) -> Vec<u8> {
    let access = match extent.access {
        Access::Rw => "RW",
        Access::Rdonly => "RDONLY",
        Access::Noaccess => "NOACCESS",
    };
    let mut line = format!("{access} {} {}", extent.sectors, extent.kind_text).into_bytes();
    let has_words = extent.offset_sectors.is_some() || !extent.device_words.is_empty();
    if extent.name.is_some() || has_words {
        let name = extent.name.as_ref().map_or(&b""[..], EncodedText::raw);
        line.extend([b" \"", name, b"\""].concat());
    }
    if let Some(offset) = extent.offset_sectors {
        line.extend(format!(" {offset}").as_bytes());
    }
    for word in &extent.device_words {
        line.extend(format!(" {word}").as_bytes());
    }
    line.push(b'\n');
    line
}

/// The dictionary, and the configuration that it may be.
pub(crate) fn vmx(input: &[u8]) {
    let Some(dictionary) = check_dictionary(input) else {
        return;
    };
    let Ok(config) = VmxConfig::from_dictionary(&dictionary) else {
        assert!(
            dictionary.entries.is_empty(),
            "only a dictionary without entries is none"
        );
        return;
    };
    through_json(&config, longest_json(input));
    let pieces: usize = dictionary.malformed.iter().map(|line| line.recover().1.count()).sum();
    assert!(
        config.files.len() <= dictionary.entries.len() + pieces,
        "more files than values"
    );
    assert!(config.devices.len() <= dictionary.entries.len());
    black_box(config.is_shared());
    if let Some(text) = encode_dictionary(&dictionary) {
        let again = VmxConfig::read(&text, &limits()).expect("a configuration that was written anew");
        assert_eq!(
            again,
            VmxConfig {
                is_torn: false,
                has_bom: false,
                crlf_lines: 0,
                ..config
            }
        );
    }
}

/// A list of snapshots.
pub(crate) fn vmsd(input: &[u8]) {
    let Some(dictionary) = check_dictionary(input) else {
        return;
    };
    let list = SnapshotList::from_dictionary(&dictionary);
    through_json(&list, longest_json(input));
    assert!(list.snapshots.len() <= dictionary.entries.len());
    assert!(
        list.snapshots.is_sorted_by(|a, b| a.index < b.index),
        "snapshots stand in the order of their numbers, each once"
    );
    black_box(list.references());
    if let Some(text) = encode_dictionary(&dictionary) {
        let again = SnapshotList::read(&text, &limits()).expect("a list that was written anew");
        let expected = SnapshotList {
            is_torn: false,
            has_bom: false,
            crlf_lines: 0,
            ..list
        };
        assert_eq!(again, expected);
    }
}

/// A group of vSphere Replication.
pub(crate) fn hbr_group(input: &[u8]) {
    let Ok(group) = ReplicationGroup::read(input, &limits()) else {
        return;
    };
    through_json(&group, longest_json(input));
}

/// What holds of every dictionary; `None` where there is none.
fn check_dictionary(input: &[u8]) -> Option<Dictionary<'_>> {
    let dictionary = Dictionary::parse(input, &limits()).ok()?;
    let lines = input.split(|byte| *byte == b'\n').count();
    assert!(dictionary.crlf_lines <= lines);
    assert!(dictionary.entries.len() + dictionary.malformed.len() <= lines);
    let numbers = dictionary.entries.iter().map(|entry| entry.line);
    assert!(
        numbers.clone().is_sorted() && numbers.clone().all(|line| (1..=lines).contains(&line)),
        "lines are numbered as they stand"
    );
    for entry in &dictionary.entries {
        assert!(dictionary.get(&entry.key).is_some(), "a key is found again");
    }
    let named: usize = dictionary
        .malformed_file_references()
        .map(|file| file.key.len() + file.value.raw().len())
        .sum();
    assert!(named <= longest_json(input), "{named} bytes of names on damaged lines");
    Some(dictionary)
}

/// The dictionary written anew; read again it has to hold the same. `None` where it holds what no writer means:
/// damaged lines, charsets that are not known, keys that are not plain.
fn encode_dictionary(dictionary: &Dictionary<'_>) -> Option<Vec<u8>> {
    let is_known = |name: &String| Charset::named(name).is_some();
    if !dictionary.malformed.is_empty()
        || !dictionary.encoding.as_ref().is_none_or(is_known)
        || !dictionary
            .entries
            .iter()
            .all(|entry| entry.key.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return None;
    }
    let mut text = Vec::new();
    if dictionary.encoding.is_none() && dictionary.charset != Charset::UTF_8 {
        text.extend(b"# \xFF\n");
    }
    for entry in &dictionary.entries {
        text.extend([entry.key.as_bytes(), b" = \""].concat());
        for byte in entry.value.raw() {
            match byte {
                b'"' | b'|' | 0x7F.. | 0..b' ' => text.extend(format!("|{byte:02X}").as_bytes()),
                _ => text.push(*byte),
            }
        }
        text.extend(b"\"\n");
    }
    // Two bars and quotes around one byte are up to five bytes: a dictionary near the limit does not fit any more.
    let again = Dictionary::parse(&text, &limits()).ok()?;
    let facts = |dictionary: &Dictionary<'_>| -> Vec<(String, EncodedText)> {
        let entries = dictionary.entries.iter();
        entries
            .map(|entry| (entry.key.to_string(), entry.value.to_encoded()))
            .collect()
    };
    assert_eq!(facts(&again), facts(dictionary));
    assert_eq!(again.encoding, dictionary.encoding);
    Some(text)
}

/// An extended configuration.
pub(crate) fn vmxf(input: &[u8]) {
    let Ok(mut config) = ExtendedConfig::read(input, &limits()) else {
        return;
    };
    through_json(&config, longest_json(input));
    // Only what ties the file to its VM is written anew.
    config.others.clear();
    black_box(config.references());
    let element = |name: &str, text: Option<&str>| {
        text.map_or_else(String::new, |text| {
            format!("<{name}>{}</{name}>", quick_xml::escape::escape(text))
        })
    };
    // A name that reads like a reference to a byte would be taken for one that was escaped twice.
    let path = config.vmx_path.as_ref().map(EncodedText::as_str);
    if path.is_some_and(|path| path.contains("&#x") || path.contains('\r')) {
        return;
    }
    let id = config.vm_id.as_ref().map(|id| id.text.as_str());
    if id.is_some_and(|id| id.contains('\r')) {
        return;
    }
    let text = format!(
        "<Foundry><VM>{}{}</VM></Foundry>",
        element("VMId", id),
        element("vmxPathName", path)
    );
    assert_eq!(ExtendedConfig::read(text.as_bytes(), &limits()), Ok(config), "{text}");
}

/// A configuration in XML.
pub(crate) fn hyperv_xml(input: &[u8]) {
    let Ok(document) = hyperv_xml::parse(input, &limits()) else {
        return;
    };
    assert!(document.anomalies.len() <= 101);
    let roots = document.tree.to_keys();
    assert_eq!(roots.len(), 1);
    let file = HypervFile::of_tree(&document.tree, document.anomalies.clone());
    check_hyperv(&file);
    through_json(&file, longest_json(input));
    if let Some(root) = roots.first().filter(|root| is_writable(root)) {
        let text = hyperv_vm::xml(root);
        let Ok(again) = hyperv_xml::parse(&text, &limits()) else {
            assert!(text.len() > 1 << 19, "written anew it is not read");
            return;
        };
        assert_eq!(again.tree.to_keys(), roots);
        assert_eq!(again.anomalies, []);
    }
}

/// XML can hold the key as the builder writes it: plain names, values of its types, children only in nodes.
fn is_writable(key: &Key) -> bool {
    let name = key
        .name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let starts = key.name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let value = match &key.value {
        Value::Node => true,
        Value::Int(_) | Value::UInt(_) | Value::Bool(_) | Value::Bytes(_) => key.children.is_empty(),
        Value::String(text) => {
            key.children.is_empty() && text.raw() == text.as_str().as_bytes() && !text.as_str().contains('\u{feff}')
        }
        _ => false,
    };
    name && starts && value && key.children.iter().all(is_writable)
}

/// What holds of every typed view of a key tree.
pub(crate) fn check_hyperv(file: &HypervFile) {
    assert!(file.references().len() <= 60_000);
    let config = file.config();
    black_box((file.is_complete(), file.anomalies().len()));
    if let Some(config) = config {
        black_box(config.checkpoint_of());
        let named = config.other_paths.iter().chain(&config.folders);
        assert!(
            named.clone().count() <= 10_000 && named.clone().all(|path| path.key.chars().count() <= 1024),
            "paths are bounded"
        );
    }
}

/// A log of a VM.
pub(crate) fn vmware_log(input: &[u8]) {
    let log = match VmLog::read(input) {
        Ok(log) => log,
        Err(error) => {
            assert!(matches!(error, ParseError::Truncated { .. }) && input.is_empty());
            return;
        }
    };
    through_json(&log, longest_json(input));
    assert!(log.disks.len() <= 1024);
    let paths = log.disks.iter().map(|disk| &disk.path);
    for path in paths.chain(&log.vmx_path).chain(&log.display_name) {
        assert!(stands_in(input, path.raw()), "a path that is not in the log");
    }
}

/// The name and the body of a lock.
pub(crate) fn vmware_lock(input: &[u8]) {
    let body = LockBody::read(input, &limits()).expect("a slice is always read");
    through_json(&body, longest_json(input));
    let text = String::from_utf8_lossy(input);
    for word in [&body.host, &body.machine_id, &body.process].into_iter().flatten() {
        // A body that is longer than what is read of it may be cut inside a letter.
        let word = word.trim_end_matches(char::REPLACEMENT_CHARACTER);
        assert!(text.contains(word), "a word that is not in the lock");
    }
    let name = LockName::parse(input);
    match &name {
        Some(LockName::Nfs { target_file_id }) => {
            let again = derelict_parsers::testkit::vmware::nfs_lock_name(*target_file_id);
            assert!(again.as_bytes().eq_ignore_ascii_case(input), "the name of an NFS lock");
        }
        Some(LockName::Beside { target }) => assert!(input.starts_with(target.raw()) && !target.raw().is_empty()),
        Some(LockName::Member) => assert_eq!(input.len(), 10),
        None => {}
    }
    if let Some(name) = name {
        through_json(&name, longest_json(input));
    }
}

/// A list of vSphere HA.
pub(crate) fn ha_list(input: &[u8]) {
    let list = HaList::read(input, &limits()).expect("a slice is always read");
    through_json(&list, longest_json(input));
    let mut text = match list.isolated {
        Some(isolated) => format!("{}\n", u8::from(isolated)).into_bytes(),
        None => b"x\n".to_vec(),
    };
    for path in &list.vmx_paths {
        assert!(stands_in(input, path.raw()));
        assert!(path.raw().to_ascii_lowercase().ends_with(b".vmx"));
        text.extend(path.raw());
        text.push(b'\n');
    }
    assert_eq!(
        HaList::read(text.as_slice(), &limits()),
        Ok(list.clone()),
        "written anew"
    );
    assert_eq!(list.references().len(), list.vmx_paths.len());
}

/// The small readers of names and words.
pub(crate) fn names(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Some(extension) = windows_path::extension(&text) {
        assert!(text.contains(extension) && !extension.contains(['\\', '/']));
    }
    black_box((
        windows_path::is_absolute(&text),
        windows_path::has_known_extension(&text),
    ));
    let extension = reference::extension(&text);
    assert!(!extension.contains(['\\', '/']));
    assert!(!reference::has_file_extension(&text) || !extension.is_empty());
    black_box(reference::is_not_a_file(&text));
    black_box((
        vmx::parse_uuid(&text),
        guid::hyphenated(&text),
        guid::named_by_guid(&text),
    ));
    assert!(text.starts_with(guid::disk_stem(&text)));
    if let Some(disk) = guid::checkpoint_disk(&text) {
        assert!(text.starts_with(disk.stem) && text.ends_with(disk.extension));
    }
    if let Some(stem) = guid::auto_recovery(&text) {
        assert!(text.starts_with(stem));
    }
    check_charsets(input, &text);
    let wide = utf16::decode_le(utf16::until_nul(input));
    through_json(&wide, longest_json(input));
    through_json(&utf16::decode_be(input), longest_json(input));
    let line = text.lines().next().unwrap_or_default();
    let root = Key::node("configuration", [Key::leaf("pathname", line)]);
    let tree = KeyTree::new(&[root], &[], true);
    black_box(hyperv_config::classify(&tree));
    check_hyperv(&HypervFile::of_tree(&tree, Vec::new()));
}

/// A name of a charset, a colon, and bytes in it.
fn check_charsets(input: &[u8], text: &str) {
    let label = text.split(':').next().unwrap_or_default();
    let bytes = input.get(label.len()..).unwrap_or_default();
    let (charset, _) = Charset::declared(Some(label), bytes);
    let value = charset.text(bytes);
    assert_eq!(value.raw(), bytes, "the bytes of a value are kept");
    through_json(&value, longest_json(input));
    black_box(charset.piece(value.as_str()));
    assert!(Charset::named(charset.name()).is_some());
}
