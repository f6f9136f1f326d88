//! Every sample through `inspect`: what is sound is read without an error, what is malformed gives a clear answer.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod expectations;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use derelict::{
    evidence::MarkCode,
    inspect::{Inspection, Length, inspect, render_text},
    kind::Kind,
};

/// The samples, or `None` (said loudly) where they are not at hand.
fn samples(folder: &str) -> Option<PathBuf> {
    let parents = ["/../shared/samples", "/../../shared/samples"];
    let found = parents
        .iter()
        .map(|parent| PathBuf::from(format!("{}{parent}", env!("CARGO_MANIFEST_DIR"))).join(folder))
        .find(|path| path.is_dir());
    if found.is_none() {
        skip(&format!("{folder}: samples absent"));
    }
    found
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn skip(what: &str) {
    eprintln!("SKIPPED: {what}");
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    files.sort();
    files
}

/// Inspects a file, unpacked beside nothing else when it is stored compressed, and renders it.
fn look(path: &Path) -> Inspection {
    let folder = tempfile::tempdir().unwrap();
    let inspection = if path.extension().is_some_and(|extension| extension == "gz") {
        let unpacked = folder.path().join(path.file_stem().unwrap());
        let mut source = flate2::read::GzDecoder::new(File::open(path).unwrap());
        io::copy(&mut source, &mut File::create(&unpacked).unwrap()).unwrap();
        inspect(&unpacked).unwrap()
    } else {
        inspect(path).unwrap()
    };
    let mut text = Vec::new();
    render_text(&inspection, Length::Whole, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains('\x1b'), "{}: escapes reach the terminal", path.display());
    inspection
}

fn name(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// Notes about the samples, and what other programs make of them.
fn is_about_samples(path: &Path) -> bool {
    let name = name(path);
    [
        "EXPECTED-",
        "NOTES.json",
        "expected.json",
        ".expected",
        ".tree.txt",
        "keysafe",
        "extent_values",
    ]
    .iter()
    .any(|part| name.contains(part))
        || (name.contains("libvirt") && path.extension().is_some_and(|extension| extension == "xml"))
}

#[test]
fn every_sound_sample_is_read_without_an_error() {
    let mut read = 0;
    for folder in ["vmware", "hyperv"] {
        let Some(folder) = samples(folder) else { return };
        for path in files(&folder).iter().filter(|path| !is_about_samples(path)) {
            let inspection = look(path);
            assert_eq!(inspection.error, None, "{}", path.display());
            assert!(
                inspection.kind.is_some(),
                "{} is taken for an ordinary file",
                path.display()
            );
            read += 1;
        }
    }
    assert!(read > 140, "only {read} samples were read");
}

/// Malformed samples whose fault does not lie in what is read of one file: between the files of a chain, in tables of
/// grains, or in being some other XML.
const FAULT_LIES_ELSEWHERE: [&str; 13] = [
    "capacity-0",
    "capacity-mismatch",
    "cowd-gd-count-huge/x.vmdk",
    "cycle",
    "delta-without-descriptor",
    "flat-missing",
    "flat-too-short",
    "linkage-mismatch",
    "not-hyperv.xml",
    "parent-missing",
    "self",
    "sesparse-bad-volatile-magic/x.vmdk",
    "utf16be.xml",
];

#[test]
fn every_malformed_sample_is_told_to_be_so() {
    let Some(folder) = samples("malformed") else { return };
    for path in files(&folder).iter().filter(|path| !is_about_samples(path)) {
        let inspection = look(path);
        let told = inspection.error.is_some()
            || !inspection.anomalies.is_empty()
            || inspection.evidence.has_mark(MarkCode::Empty)
            || inspection.evidence.has_mark(MarkCode::NeedsConsolidation);
        let elsewhere = FAULT_LIES_ELSEWHERE.iter().any(|part| name(path).contains(part));
        assert!(told || elsewhere, "{} is taken for sound", path.display());
    }
}

#[test]
fn the_simulated_datastores_are_read_without_an_error() {
    let Some(folder) = samples("inventory/govc/vcsim-tree") else {
        return;
    };
    for path in files(&folder) {
        assert_eq!(look(&path).error, None, "{}", path.display());
    }
}

#[test]
fn what_a_sample_is_does_not_depend_on_its_name() {
    let Some(folder) = samples("hyperv/made-vhdx") else {
        return;
    };
    let target = tempfile::tempdir().unwrap();
    let unpacked = target.path().join("backup of db");
    let mut source = flate2::read::GzDecoder::new(File::open(folder.join("empty-64G.vhdx.gz")).unwrap());
    io::copy(&mut source, &mut File::create(&unpacked).unwrap()).unwrap();
    let inspection = inspect(&unpacked).unwrap();
    assert_eq!(inspection.kind, Some(Kind::Vhdx));
    assert_eq!(inspection.evidence.disk.unwrap().virtual_bytes, Some(64 << 30));
    let lying = target.path().join("b.vmdk");
    fs::rename(&unpacked, &lying).unwrap();
    assert_eq!(inspect(&lying).unwrap().kind, Some(Kind::Vhdx));
}

#[test]
fn a_sparse_disk_tells_what_its_grain_tables_allocate() {
    let Some(folder) = samples("vmware") else { return };
    for (name, allocated) in [
        ("synthetic/qemu10-chain-base.vmdk", 262_144),
        ("vmdk-rs/streamOptimized.vmdk", 3_407_872),
        ("synthetic/esxi-chain/vm1-000001-delta.vmdk", 1536),
        ("synthetic/esxi-sesparse/vm2-000001-sesparse.vmdk", 8192),
    ] {
        let disk = look(&folder.join(name));
        assert_eq!(disk.allocation["allocated_bytes"], allocated, "{name}");
        assert_eq!(disk.error, None, "{name}");
    }
    let descriptor = look(&folder.join("synthetic/esxi-chain/vm1-000001.vmdk"));
    assert!(
        descriptor.allocation.is_null(),
        "what its extents hold they tell themselves"
    );
}

#[test]
fn a_disk_with_damaged_tables_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a-000001-delta.vmdk");
    let mut delta = derelict_parsers::testkit::vmware::cowd_with_grains(8192, &[0, 5000]);
    delta[2048..2052].copy_from_slice(&u32::MAX.to_le_bytes());
    fs::write(&path, delta).unwrap();
    let disk = inspect(&path).unwrap();
    assert_eq!(disk.allocation["allocated_bytes"], 512);
    assert_eq!(disk.allocation["damage"]["code"], "gt-beyond-end");
    assert!(disk.error.unwrap().contains("grain table 0"));
}

/// Runs a program in a folder; false where it is absent, which is said.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> bool {
    let ran = std::process::Command::new(program)
        .current_dir(folder)
        .args(arguments)
        .output();
    let Ok(output) = ran else {
        skip(&format!("{program} absent"));
        return false;
    };
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    true
}

#[test]
fn a_disk_of_62_tib_is_inspected_without_reading_its_holes() {
    let folder = tempfile::tempdir().unwrap();
    let create = ["create", "-q", "-f", "vmdk", "a.vmdk", "62T"];
    let writes = [
        "-f",
        "vmdk",
        "-c",
        "write -P 5 0 1",
        "-c",
        "write -P 6 61T 1M",
        "-c",
        "write -P 7 68169720922000 112",
    ];
    if !run(folder.path(), "qemu-img", &create) || !run(folder.path(), "qemu-io", &[&writes[..], &["a.vmdk"]].concat())
    {
        return;
    }
    let disk = inspect(&folder.path().join("a.vmdk")).unwrap();
    assert_eq!(disk.error, None);
    assert_eq!(disk.allocation["virtual_bytes"], 62_u64 << 40);
    assert_eq!(disk.allocation["allocated_bytes"], 18 << 16);
    assert_eq!(disk.allocation["grain_tables"], 62 << 15);
    assert_eq!(disk.allocation["redundant"]["differing_tables"], 0);
}

#[test]
fn a_disk_tells_what_its_tables_allocate_and_what_is_wrong_with_them() {
    let Some(sound) = samples("hyperv/made-vhdx") else {
        return;
    };
    let base = look(&sound.join("VM-A.vhdx.gz"));
    assert_eq!(base.allocation["allocated_bytes"], 2 << 20);
    assert_eq!(base.allocation["blocks"]["present"], 2);
    assert_eq!(base.error, None);
    let malformed = samples("malformed/hyperv").unwrap();
    for (name, code) in [
        ("vhdx/bat-beyond-eof.vhdx.gz", "block-outside-file"),
        ("vhdx/bat-overlap.vhdx.gz", "block-overlap"),
        ("vhdx/truncated-payload.vhdx.gz", "block-outside-file"),
        ("vhd/bat-beyond-eof.vhd.gz", "block-outside-file"),
    ] {
        let disk = look(&malformed.join(name));
        assert_eq!(disk.allocation["damage"]["code"], code, "{name}");
        assert!(disk.error.is_some(), "{name}: a part of the disk is not there");
        assert_eq!(
            disk.anomalies,
            [],
            "{name}: the headers are sound, and a scan reads no more"
        );
    }
    let other = look(&samples("hyperv/made-vmcx").unwrap().join("gen2.vmcx"));
    assert!(other.allocation.is_null());
}
