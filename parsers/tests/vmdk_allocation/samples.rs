//! The samples, against an independent counter, qemu and their own markers.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use derelict_parsers::vmdk::{Vmdk, stream};
use serde_json::Value;

use super::support::{read, walk};

/// The samples, or `None` with a loud word where they are absent.
fn samples() -> Option<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/samples"));
    let found = folder.join("vmware").is_dir();
    if !found {
        eprintln!("SKIPPED: {} absent, no sample was walked", folder.display());
    }
    found.then(|| folder.to_owned())
}

/// Bytes of a sample, unpacked where it is stored compressed.
fn bytes(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_some_and(|extension| extension == "gz") {
        std::io::copy(&mut flate2::read::GzDecoder::new(file), &mut bytes).unwrap();
    } else {
        std::io::copy(&mut file, &mut bytes).unwrap();
    }
    bytes
}

#[test]
fn every_sample_has_the_grains_that_an_independent_counter_and_qemu_found() {
    let Some(samples) = samples() else { return };
    let mut compared = 0;
    for part in ["vmware", "malformed/vmware"] {
        let folder = samples.join(part);
        let expectations: Value = serde_json::from_slice(&bytes(&folder.join("EXPECTED-vmdk.json"))).unwrap();
        for (name, expected) in expectations.as_object().unwrap() {
            let reference = &expected["reference"];
            let Some(grains) = reference["allocated_grains"]
                .as_u64()
                .filter(|_| reference["capacity_sectors"] != 0)
            else {
                continue;
            };
            let bytes = bytes(&folder.join(name));
            let (allocation, _) = walk(&bytes);
            assert_eq!(allocation.allocated_bytes, grains * allocation.grain_bytes, "{name}");
            let count = |key: &str| reference[key].as_u64().unwrap_or(0) * allocation.grain_bytes;
            assert_eq!(allocation.unmapped_bytes, count("unmapped_grains"), "{name}");
            let zeroed = allocation.zeroed_bytes - allocation.unmapped_bytes;
            assert_eq!(zeroed, count("zero_grains"), "{name}");
            let outside = reference["out_of_range"].as_u64().unwrap_or(0);
            assert_eq!(allocation.grains_outside, outside, "{name}");
            if let Some(mapped) = expected["qemu_img"]["map_depth0_data_bytes"].as_u64() {
                assert_eq!(allocation.allocated_bytes, mapped, "{name}");
            }
            compared += 1;
        }
    }
    assert!(compared > 20, "only {compared} samples were walked");
}

#[test]
fn the_markers_of_every_stream_count_the_grains_of_its_tables() {
    let Some(samples) = samples() else { return };
    // A writer may leave out the footer, and qemu leaves out the end too.
    let names = [
        ("vmdk-rs/streamOptimized.vmdk", false, true),
        ("vmdk-rs/streamOptimizedWithMarkers.vmdk", true, true),
        ("qemu-iotests/iotest-version3.vmdk", true, true),
        ("synthetic/qemu10-streamOptimized.vmdk", false, false),
    ];
    for (name, has_footer, has_end) in names {
        let bytes = bytes(&samples.join("vmware").join(name));
        let Vmdk::Sparse(extent) = read(&bytes) else {
            panic!("{name} is a stream");
        };
        let stream = stream::walk(&bytes, &extent).unwrap();
        assert_eq!(stream.anomalies, [], "{name}");
        assert_eq!((stream.has_footer, stream.has_end), (has_footer, has_end), "{name}");
        let (allocation, _) = walk(&bytes);
        assert_eq!(
            stream.grains * allocation.grain_bytes,
            allocation.allocated_bytes,
            "{name}"
        );
    }
}
