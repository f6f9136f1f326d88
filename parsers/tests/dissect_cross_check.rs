//! dissect.hypervisor reads of configurations and VHD what this crate reads; where it does not, the test says who is
//! right. What it says of VMDK and VHDX is compared in `vmdk_other_readers.rs` and `hyperv_allocation.rs`.
//!
//! `DERELICT_PYTHON` names a Python that has dissect.hypervisor; else `python3` is tried.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise, reads its own files, and says loudly what it skips"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use derelict_parsers::{
    DiskKind, Limits,
    block_map::RangeContent,
    dictionary::Dictionary,
    reference::FileKind,
    testkit::{SparseFile, guid, hyperv_vm::HypervVm, vhd::VhdBuilder, vmware::VmxBuilder},
    vhd,
    vmcx::{self, Key, Value},
    vmx::VmxConfig,
};

const MIB: u64 = 1 << 20;

/// A Python with dissect.hypervisor; `None`, loudly, without.
fn python() -> Option<String> {
    let python = std::env::var("DERELICT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import dissect.hypervisor"]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    eprintln!("SKIPPED: {python} has no dissect.hypervisor (set DERELICT_PYTHON), nothing was compared with it");
    None
}

/// What a script prints of a file.
fn run(python: &str, script: &str, path: &Path) -> String {
    let output = Command::new(python).arg("-c").arg(script).arg(path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", path.display());
    String::from_utf8(output.stdout).unwrap()
}

fn samples() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: samples absent at {}", folder.display());
    None
}

fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Prints all keys and values, then the disks.
const VMX: &str = "
import json, sys
from dissect.hypervisor.descriptor.vmx import VMX
vmx = VMX.parse(open(sys.argv[1], encoding='utf-8').read())
print(json.dumps({'attr': vmx.attr, 'disks': vmx.disks()}))
";

fn vmx_of_dissect(python: &str, path: &Path) -> (BTreeMap<String, String>, Vec<String>) {
    let told: serde_json::Value = serde_json::from_str(&run(python, VMX, path)).unwrap();
    let part = |name: &str| told[name].clone();
    (
        serde_json::from_value(part("attr")).unwrap(),
        serde_json::from_value(part("disks")).unwrap(),
    )
}

/// The names of disks under the devices, as dissect lists them: whether a device is present does not matter.
fn disks_of(config: &VmxConfig) -> Vec<String> {
    let is_disk = |key: &str| key.to_ascii_lowercase().ends_with(".filename");
    let disks = config
        .files
        .iter()
        .filter(|file| file.kind == FileKind::Disk && is_disk(&file.key));
    let mut names: Vec<String> = disks.map(|file| file.value.to_string()).collect();
    names.sort();
    names
}

#[test]
fn dissect_reads_the_same_keys_values_and_disks_of_a_configuration() {
    let Some(python) = python() else { return };
    let text = VmxBuilder::new("web 01 ä", "web01")
        .uuids(guid(1, 1), guid(1, 2))
        .disk("scsi0:0", "web01.vmdk")
        .disk("nvme1:7", "/vmfs/volumes/other/web01_1.vmdk")
        .cd("sata0:0", "/vmfs/volumes/iso/a.iso")
        .set("SCSI0:1.FILENAME", "web01_2.vmdk")
        .build();
    let (attributes, disks) = vmx_of_dissect(&python, written(&text).path());
    let dictionary = Dictionary::parse(&text, &Limits::default()).unwrap();
    assert_eq!(attributes.len(), dictionary.entries.len());
    for (key, value) in &attributes {
        assert_eq!(dictionary.get(key).unwrap().as_str(), value, "{key}");
    }
    assert_eq!(disks_of(&VmxConfig::from_dictionary(&dictionary).unwrap()), disks);
    assert_eq!(disks.len(), 3);
}

/// dissect keeps `|22` as it stands, and takes a comment behind a value for a part of it. open-vm-tools, which VMware
/// wrote, undoes the one and ends the value before the other: so does this crate.
#[test]
fn escapes_and_comments_are_undone_whatever_dissect_says() {
    let Some(python) = python() else { return };
    let text = b"displayName = \"a |22b|22\"\nmemsize = \"512\" # enough\n";
    let (attributes, _) = vmx_of_dissect(&python, written(text).path());
    let dictionary = Dictionary::parse(text, &Limits::default()).unwrap();
    let ours = |key: &str| dictionary.get(key).unwrap().as_str();
    assert_eq!(
        (ours("displayName"), attributes["displayname"].as_str()),
        ("a \"b\"", "a |22b|22")
    );
    assert_eq!(
        (ours("memsize"), attributes["memsize"].as_str()),
        ("512", "512\" # enough")
    );
}

/// Every file with this extension below a folder.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|own| own.eq_ignore_ascii_case(extension)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// dissect reads UTF-8 only and takes no damaged lines; of the others it lists the disks that this crate lists.
#[test]
fn dissect_lists_the_same_disks_of_every_real_configuration() {
    let (Some(samples), Some(python)) = (samples(), python()) else {
        return;
    };
    let mut compared = 0;
    for path in files(&samples.join("vmware"), "vmx") {
        let bytes = std::fs::read(&path).unwrap();
        let Ok(dictionary) = Dictionary::parse(&bytes, &Limits::default()) else {
            continue;
        };
        let is_plain = std::str::from_utf8(&bytes).is_ok() && !bytes.contains(&b'|') && !dictionary.has_bom;
        if !is_plain || !dictionary.malformed.is_empty() || dictionary.entries.is_empty() {
            continue;
        }
        let (_, disks) = vmx_of_dissect(&python, &path);
        let config = VmxConfig::from_dictionary(&dictionary).unwrap();
        assert_eq!(disks_of(&config), disks, "{}", path.display());
        compared += 1;
    }
    assert!(compared > 20, "{compared} configurations are plain enough");
}

/// Prints each value of a container with its path.
const VMCX: &str = "
import sys
from dissect.hypervisor.descriptor.hyperv import HyperVFile, KeyDataType
def show(path, entry):
    if entry.type == KeyDataType.Node:
        for name, child in entry.children.items():
            show(path + '/' + name, child)
        return
    if entry.is_file_object_pointer:
        value = f'stored {entry.file_object_pointer[1]}'
    elif entry.type == KeyDataType.Array:
        value = 'bytes ' + entry.value.hex()
    elif entry.type == KeyDataType.String:
        value = 'text ' + entry.value.rstrip('\\0')
    else:
        value = f'{entry.type.name.lower()} {entry.value}'
    print(ascii(path + ' = ' + value))
for name, entry in HyperVFile(open(sys.argv[1], 'rb')).root.items():
    show('/' + name, entry)
";

/// The same of this crate, and whether it stands below one of several keys of one name.
fn show(path: &str, key: &Key, is_repeated: bool, lines: &mut Vec<(String, bool)>) {
    let path = format!("{path}/{}", key.name);
    let value = match &key.value {
        Value::Node => {
            for child in &key.children {
                let of_one_name = key.children.iter().filter(|other| other.name == child.name).count();
                show(&path, child, is_repeated || of_one_name > 1, lines);
            }
            return;
        }
        Value::Int(number) => format!("int {number}"),
        Value::UInt(number) => format!("uint {number}"),
        Value::Double(number) => format!("double {number:?}"),
        Value::String(text) => format!("text {}", text.as_str()),
        Value::Bytes(bytes) => {
            let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("bytes {}", digits.concat())
        }
        Value::Bool(true) => "bool True".to_owned(),
        Value::Bool(false) => "bool False".to_owned(),
        Value::Stored(stored) => format!("stored {}", stored.length),
        Value::Unknown { .. } => "of a kind that nobody knows".to_owned(),
    };
    lines.push((format!("{path} = {value}"), is_repeated));
}

/// Real files have several keys of one name, each with values of its own. dissect keeps one of them, this crate all: they
/// are in the file, and one of them may name a disk. Everything else is the same.
fn compare_container(python: &str, name: &str, bytes: &[u8]) {
    let told = run(python, VMCX, written(bytes).path());
    let theirs: BTreeSet<String> = told
        .lines()
        .map(|line| line.trim_matches('\'').replace("\\\\", "\\"))
        .collect();
    let container = vmcx::read(bytes, &Limits::default()).unwrap();
    let mut ours = Vec::new();
    for root in &container.tree.to_keys() {
        show("", root, false, &mut ours);
    }
    assert!(ours.len() > 10 && theirs.len() > 10, "{name}: {} values", ours.len());
    for (line, is_repeated) in &ours {
        assert!(line.is_ascii(), "{name}: only plain text is compared");
        assert!(*is_repeated || theirs.contains(line), "{name}: dissect has no {line}");
    }
    let ours: BTreeSet<String> = ours.into_iter().map(|(line, _)| line).collect();
    let missing: Vec<_> = theirs.difference(&ours).collect();
    assert!(missing.is_empty(), "{name}: only dissect has {missing:?}");
}

#[test]
fn dissect_reads_the_same_values_of_a_built_container() {
    let Some(python) = python() else { return };
    compare_container(&python, "built", &HypervVm::new("vm", guid(1, 1)).to_vmcx());
}

#[test]
fn dissect_reads_the_same_values_of_every_real_container() {
    let (Some(samples), Some(python)) = (samples(), python()) else {
        return;
    };
    for name in [
        "hyperv/dissect.hypervisor/test.vmcx",
        "hyperv/dissect.hypervisor/test.VMRS",
        "hyperv/dissect.target/data.vmcx",
    ] {
        compare_container(&python, name, &std::fs::read(samples.join(name)).unwrap());
    }
}

/// Prints the size of a disk, and of each block of 64 KiB that is not all zeros the number and the first byte.
const VHD: &str = "
import sys
from dissect.hypervisor.disk.vhd import VHD
disk = VHD(open(sys.argv[1], 'rb'))
print(disk.size)
for block in range(disk.size >> 16):
    disk.seek(block << 16)
    data = disk.read(1 << 16)
    if data.strip(b'\\0'):
        print(block, data[0])
";

#[test]
fn dissect_reads_data_of_a_vhd_where_the_table_says_and_zeros_elsewhere() {
    let Some(python) = python() else { return };
    let fixed = VhdBuilder::new(DiskKind::Fixed, 3 * MIB, 1).build();
    compare_vhd(&python, "fixed", &fixed);
    // Blocks of 2 MiB in another order than on the disk, each filled with its number.
    let mut dynamic = VhdBuilder::new(DiskKind::Dynamic, 16 * MIB, 2).build();
    let (first, span) = (100, 4097);
    let places = [Some(3), None, Some(0), Some(1), None, None, Some(2), None];
    let entries = places.map(|place| place.map_or(u32::MAX, |place| first + place * span));
    dynamic.put(0x600, entries.map(u32::to_be_bytes).concat());
    for (number, entry) in (1_u8..).zip(entries).filter(|(_, entry)| *entry != u32::MAX) {
        dynamic.put(u64::from(entry) * 512, vec![0xFF; 512]);
        dynamic.put((u64::from(entry) + 1) * 512, vec![number; 2 << 20]);
    }
    let (_, footer) = dynamic.parts[0].clone();
    dynamic.put(u64::from(first + 4 * span) * 512, footer);
    compare_vhd(&python, "dynamic", &dynamic);
}

fn compare_vhd(python: &str, name: &str, file: &SparseFile) {
    let bytes = file.to_vec();
    let told = run(python, VHD, written(&bytes).path());
    let (size, blocks) = told.split_once('\n').unwrap();
    let disk = vhd::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(disk.virtual_bytes, size.trim().parse().ok(), "{name}");
    let byte_at = |offset: u64| bytes[usize::try_from(offset).unwrap()];
    let mut ours = Vec::new();
    for range in vhd::ranges(&bytes, &Limits::default()).unwrap() {
        let range = range.unwrap();
        let RangeContent::File { offset } = range.content else {
            continue;
        };
        for piece in (0..range.length).step_by(1 << 16) {
            let byte = byte_at(offset + piece);
            if byte != 0 {
                ours.push(format!("{} {byte}\n", (range.start + piece) >> 16));
            }
        }
    }
    assert_eq!(ours.concat(), blocks, "{name}");
}
