//! Every sample through `inspect`: what is sound is read without an error, what is malformed gives a clear answer.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use derelict::{
    evidence::MarkCode,
    inspect::{Inspection, inspect, render_text},
    kind::Kind,
};

/// What one file may take (issue: malformed input gives its answer within a second; debug builds are slower).
const PATIENCE: Duration = Duration::from_secs(5);

/// The samples, or `None` (said loudly) where they are not at hand.
fn samples(folder: &str) -> Option<PathBuf> {
    let parents = ["/../shared/samples", "/../../shared/samples"];
    let found = parents
        .iter()
        .map(|parent| PathBuf::from(format!("{}{parent}", env!("CARGO_MANIFEST_DIR"))).join(folder))
        .find(|path| path.is_dir());
    if found.is_none() {
        skip(folder);
    }
    found
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn skip(folder: &str) {
    eprintln!("SKIPPED: {folder}: samples absent");
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
    let start = Instant::now();
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
    render_text(&inspection, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains('\x1b'), "{}: escapes reach the terminal", path.display());
    assert!(
        start.elapsed() < PATIENCE,
        "{} took {:?}",
        path.display(),
        start.elapsed()
    );
    inspection
}

fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
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
/// blocks, or in being some other XML.
const FAULT_LIES_ELSEWHERE: [&str; 16] = [
    "bat-beyond-eof",
    "bat-overlap",
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
    "truncated-payload",
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
