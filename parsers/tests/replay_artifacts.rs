//! The seeds of the fuzz targets, the inputs that once found a fault, and the samples, each held against the check of its
//! target. What the fuzzer found stays found: an input under `fuzz/artifacts` is kept when its fault is mended.
#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test reads its own inputs, stops at the first surprise, and says loudly what it skips"
)]

mod oracle;

use std::{
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use oracle::{TARGETS, Target};

/// Checks one input; a failure names it.
fn replay(target: &Target, input: &[u8], what: &str) {
    let checked = catch_unwind(AssertUnwindSafe(|| (target.check)(input)));
    assert!(checked.is_ok(), "{}: {what} does not hold", target.name);
}

fn in_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every file below a folder; none where there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .map(|entry| entry.expect("an entry of a folder").path())
        .collect();
    found.sort();
    found
        .into_iter()
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

#[test]
fn every_seed_holds() {
    for target in TARGETS {
        for (number, seed) in (target.seeds)().iter().enumerate() {
            replay(target, seed, &format!("seed {number}"));
        }
    }
}

#[test]
fn seeds_cut_off_or_changed_in_one_byte_hold() {
    for target in TARGETS {
        for (number, seed) in (target.seeds)().iter().enumerate() {
            // Each place of the first bytes, where lengths and signatures stand, and some of the rest.
            let step = |at: usize| at < 64 || at.is_multiple_of(97);
            for at in (0..seed.len()).filter(|at| step(*at)) {
                replay(target, &seed[..at], &format!("seed {number} cut at {at}"));
                let mut changed = seed.clone();
                changed[at] ^= 0x81;
                replay(target, &changed, &format!("seed {number} changed at {at}"));
            }
        }
    }
}

/// Targets whose tests change files of their own in each byte of their structures, which lie far apart.
const CHANGED_ELSEWHERE: &[&str] = &["vhd", "vhdx", "vhd_tables", "vhdx_tables", "vmcx"];

/// Where the structures of a seed end at the latest; behind is what they name.
const STRUCTURES_MAX_BYTES: usize = 4096;

#[test]
fn seeds_cut_before_or_changed_in_every_byte_hold() {
    for target in TARGETS
        .iter()
        .filter(|target| !CHANGED_ELSEWHERE.contains(&target.name))
    {
        for (number, seed) in (target.seeds)().iter().enumerate() {
            for at in 0..seed.len().min(STRUCTURES_MAX_BYTES) {
                replay(target, &seed[..at], &format!("seed {number} cut at {at}"));
                for change in [0x01, 0x80] {
                    let mut changed = seed.clone();
                    changed[at] ^= change;
                    replay(target, &changed, &format!("seed {number} with {change:#x} at {at}"));
                }
            }
        }
    }
}

#[test]
fn every_input_that_once_found_a_fault_holds() {
    let folder = in_project("fuzz/artifacts");
    let found = files(&folder);
    if found.is_empty() {
        eprintln!("SKIPPED: {} holds nothing", folder.display());
    }
    for path in found {
        let name = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        let target = TARGETS
            .iter()
            .find(|target| Some(target.name) == name)
            .unwrap_or_else(|| panic!("{}: no target of this name", path.display()));
        let input = std::fs::read(&path).expect("an artifact is read");
        replay(target, &input, &path.display().to_string());
    }
}

#[test]
fn every_sample_holds() {
    let folder = in_project("../../shared/samples");
    if !folder.is_dir() {
        eprintln!("SKIPPED: no samples in {}", folder.display());
    }
    for path in files(&folder) {
        let (name, bytes) = sample(&path);
        for target in TARGETS {
            if let Some(input) = (target.sample)(&name, &bytes) {
                replay(target, &input, &path.display().to_string());
            }
        }
    }
}

/// Name and content of a sample; `.gz` is how it is stored.
fn sample(path: &Path) -> (String, Vec<u8>) {
    let bytes = std::fs::read(path).expect("a sample is read");
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    match name.strip_suffix(".gz") {
        Some(stem) => {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(bytes.as_slice())
                .take(64 << 20)
                .read_to_end(&mut plain)
                .expect("a sample is decompressed");
            (stem.to_owned(), plain)
        }
        None => (name, bytes),
    }
}
