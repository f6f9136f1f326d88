//! What the tables of images of QEMU and VirtualBox allocate: as qemu-img maps them, and what is said where they are damaged.

use std::path::Path;

use derelict_parsers::{
    ParseError,
    block_map::{DiskRange, RangeContent},
    qcow2,
    testkit::foreign as testkit,
    vdi,
};
use serde_json::Value;

use super::support::{MIB, bytes_of, codes, limits, run};

const KIB: u64 = 1 << 10;

/// Where a stretch of the disk is, as `qemu-img map` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    File(u64),
    Compressed,
    Zero,
    Absent,
    /// Never told by qemu-img.
    Lost,
}

type Mapped = (u64, u64, Place);

/// The map of an image, without what is in its backing file.
fn mapped_by_qemu(folder: &Path, name: &str) -> Vec<Mapped> {
    let output = run(folder, "qemu-img", &["map", "--output=json", name]).unwrap();
    let map: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut mapped: Vec<Mapped> = Vec::new();
    for entry in map.as_array().unwrap() {
        let is = |key: &str| entry[key] == true;
        let place = if entry["depth"] != 0 || !is("present") {
            Place::Absent
        } else if is("compressed") {
            Place::Compressed
        } else if is("data") {
            Place::File(entry["offset"].as_u64().unwrap())
        } else {
            Place::Zero
        };
        push(
            &mut mapped,
            (
                entry["start"].as_u64().unwrap(),
                entry["length"].as_u64().unwrap(),
                place,
            ),
        );
    }
    mapped
}

/// Appends a stretch; one that goes on where the last one ends is joined with it.
fn push(mapped: &mut Vec<Mapped>, (start, length, place): Mapped) {
    if let Some((before, long, last)) = mapped.last_mut() {
        let goes_on = match (*last, place) {
            (Place::File(first), Place::File(second)) => first + *long == second,
            (one, other) => one == other,
        };
        if goes_on && *before + *long == start {
            *long += length;
            return;
        }
    }
    mapped.push((start, length, place));
}

fn mapped(ranges: impl Iterator<Item = derelict_parsers::Result<DiskRange>>) -> Vec<Mapped> {
    let mut mapped = Vec::new();
    for range in ranges {
        let range = range.unwrap();
        let place = match range.content {
            RangeContent::File { offset } | RangeContent::DataFile { offset } => Place::File(offset),
            RangeContent::Compressed => Place::Compressed,
            RangeContent::Zero => Place::Zero,
            RangeContent::Absent => Place::Absent,
            RangeContent::Lost => Place::Lost,
        };
        push(&mut mapped, (range.start, range.length, place));
    }
    mapped
}

fn bytes_in(mapped: &[Mapped], is_counted: impl Fn(Place) -> bool) -> u64 {
    let counted = mapped.iter().filter(|(_, _, place)| is_counted(*place));
    counted.map(|(_, length, _)| length).sum()
}

/// Makes an image and writes to it with qemu-io; false where the tools are missing.
fn make(folder: &Path, format: &str, name: &str, options: &str, size: &str, commands: &[&str]) -> bool {
    let mut arguments = vec!["create", "-q", "-f", format];
    if !options.is_empty() {
        arguments.extend(["-o", options]);
    }
    arguments.extend([name, size]);
    if run(folder, "qemu-img", &arguments).is_none() {
        return false;
    }
    let mut arguments = vec!["-f", format];
    for command in commands {
        arguments.extend(["-c", command]);
    }
    arguments.push(name);
    commands.is_empty() || run(folder, "qemu-io", &arguments).is_some()
}

/// Holds a qcow2 against `qemu-img map` and `check`.
fn compare(folder: &Path, name: &str) -> qcow2::Allocation {
    let bytes = bytes_of(folder, name);
    let theirs = mapped_by_qemu(folder, name);
    let ours = mapped(qcow2::ranges(bytes.as_slice(), &limits()).unwrap());
    assert_eq!(ours, theirs, "{name}");
    let counted = qcow2::allocation(&bytes, &limits()).unwrap();
    assert_eq!(counted.damage, None, "{name}");
    let is_here = |place| matches!(place, Place::File(_) | Place::Compressed);
    assert_eq!(counted.allocated_bytes, bytes_in(&theirs, is_here), "{name}");
    assert_eq!(
        counted.zeroed_bytes,
        bytes_in(&theirs, |place| place == Place::Zero),
        "{name}"
    );
    counted
}

/// Clusters that have a place, as `qemu-img check` counts them.
fn check(folder: &Path, name: &str, counted: &qcow2::Allocation) {
    let output = run(folder, "qemu-img", &["check", "--output=json", name]).unwrap();
    let theirs: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |key: &str| theirs[key].as_u64().unwrap_or(0);
    let clusters = &counted.clusters;
    assert_eq!(clusters.total, number("total-clusters"), "{name}");
    assert_eq!(clusters.compressed, number("compressed-clusters"), "{name}");
    let kept = counted.reusable_bytes / counted.cluster_size_bytes;
    let placed = clusters.present + clusters.compressed + clusters.partially_present + kept;
    assert_eq!(placed, number("allocated-clusters"), "{name}");
}

#[test]
fn clusters_of_a_qcow2_are_where_qemu_img_maps_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let writes = [
        "write -q -P 1 0 64k",
        "write -q -P 2 1M 200k",
        "write -q -P 3 600M 4k",
        "write -q -z 2M 1M",
        "write -q -P 4 3M 192k",
        "write -q -z 3M 128k",
        "discard -q 1M 64k",
    ];
    for (name, options) in [
        ("plain.qcow2", ""),
        ("old.qcow2", "compat=0.10"),
        ("small.qcow2", "cluster_size=512"),
        ("four.qcow2", "cluster_size=4096"),
        ("large.qcow2", "cluster_size=2M"),
        ("extended.qcow2", "extended_l2=on"),
        ("whole.qcow2", "preallocation=metadata"),
        ("other.qcow2", "data_file=other.raw"),
        ("raw.qcow2", "data_file=other2.raw,data_file_raw=on"),
    ] {
        if !make(path, "qcow2", name, options, "613M", &writes) {
            return;
        }
        let counted = compare(path, name);
        if !counted.is_in_data_file {
            check(path, name, &counted);
        }
        assert_eq!(counted.is_in_data_file, options.starts_with("data_file"), "{name}");
        assert_eq!(counted.payload_bytes == 0, counted.is_in_data_file, "{name}");
        assert_eq!(counted.anomalies, [], "{name}");
    }
    let extended = compare(path, "extended.qcow2");
    assert!(extended.clusters.partially_present > 0);
    run(
        path,
        "qemu-img",
        &["convert", "-c", "-O", "qcow2", "plain.qcow2", "packed.qcow2"],
    );
    let packed = compare(path, "packed.qcow2");
    check(path, "packed.qcow2", &packed);
    assert!(packed.clusters.compressed > 0 && packed.payload_bytes < packed.allocated_bytes);
}

#[test]
fn what_a_qcow2_leaves_to_its_backing_file_is_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    if !make(path, "qcow2", "base.qcow2", "", "10M", &["write -q -P 1 0 3M"]) {
        return;
    }
    let options = "backing_file=base.qcow2,backing_fmt=qcow2";
    make(
        path,
        "qcow2",
        "child.qcow2",
        options,
        "10M",
        &["write -q -P 2 1M 128k", "write -q -z 2M 128k"],
    );
    let counted = compare(path, "child.qcow2");
    assert_eq!((counted.allocated_bytes, counted.zeroed_bytes), (128 * KIB, 128 * KIB));
    // What a snapshot alone holds is not of the disk.
    run(path, "qemu-img", &["snapshot", "-c", "before", "child.qcow2"]);
    make_writes(path, "child.qcow2", &["write -q -P 3 1M 64k"]);
    assert_eq!(compare(path, "child.qcow2").allocated_bytes, 128 * KIB);
}

fn make_writes(folder: &Path, name: &str, commands: &[&str]) {
    let mut arguments = vec!["-f", "qcow2"];
    for command in commands {
        arguments.extend(["-c", command]);
    }
    arguments.push(name);
    run(folder, "qemu-io", &arguments);
}

#[test]
fn clusters_of_version_1_are_where_qemu_img_maps_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let writes = ["write -q -P 1 0 64k", "write -q -P 2 20M 5k"];
    if !make(path, "qcow", "old.qcow", "", "33M", &writes) {
        return;
    }
    let counted = compare(path, "old.qcow");
    assert_eq!(counted.allocated_bytes, 72 * KIB);
    // qemu-img 10.0 ends with an error here, without a word and behind the last cluster: what it wrote is whole.
    let arguments = ["convert", "-c", "-O", "qcow", "old.qcow", "packed.qcow"];
    let mut convert = std::process::Command::new("qemu-img");
    convert.current_dir(path).args(arguments).status().unwrap();
    run(path, "qemu-img", &["compare", "-q", "old.qcow", "packed.qcow"]);
    let packed = compare(path, "packed.qcow");
    assert!(packed.clusters.compressed > 0 && packed.payload_bytes < packed.allocated_bytes);
    assert_eq!(packed.allocated_bytes, counted.allocated_bytes);
}

#[test]
fn entries_that_cannot_be_are_lost_and_said() {
    let file = testkit::qcow2_with_entries(&[0x5_0000, 0x5_0200, 0x900_0000, 0x5_0000, 0x4_0000, 1 << 62 | 0x900_0000]);
    let counted = qcow2::allocation(&file, &limits()).unwrap();
    assert_eq!(
        codes(&counted.anomalies),
        [
            qcow2::code::ENTRY_BAD,
            qcow2::code::CLUSTER_OUTSIDE_FILE,
            qcow2::code::CLUSTER_OVERLAP
        ]
    );
    assert_eq!((counted.clusters.invalid, counted.clusters.present), (3, 3));
    assert!(counted.damage.is_some());
    let ranges: Vec<_> = qcow2::ranges(file.as_slice(), &limits())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let lost: u64 = ranges
        .iter()
        .filter(|range| range.content == RangeContent::Lost)
        .map(|range| range.length)
        .sum();
    assert_eq!((lost, ranges.last().unwrap().end()), (3 * 64 * KIB, 64 * MIB));
}

#[test]
fn a_last_cluster_that_is_cut_is_there_and_a_table_outside_is_not() {
    let mut file = testkit::qcow2_with_entries(&[0x7_0000]);
    file.truncate(0x7_0001);
    let counted = qcow2::allocation(&file, &limits()).unwrap();
    assert_eq!((counted.clusters.present, counted.damage), (1, None));
    file.truncate(0x7_0000);
    let counted = qcow2::allocation(&file, &limits()).unwrap();
    assert_eq!(counted.damage.unwrap().code, qcow2::code::CLUSTER_OUTSIDE_FILE);
    file[0x3_0000..0x3_0008].copy_from_slice(&0x4_0200_u64.to_be_bytes());
    let counted = qcow2::allocation(&file, &limits()).unwrap();
    assert_eq!(counted.damage.unwrap().code, qcow2::code::L2_TABLE_BAD);
    assert_eq!((counted.clusters.invalid, counted.allocated_bytes), (1024, 0));
}

#[test]
fn tables_that_cannot_be_walked_are_an_error() {
    let mut file = testkit::qcow2_with_entries(&[]);
    file[24..32].copy_from_slice(&(1_u64 << 40).to_be_bytes());
    let error = qcow2::allocation(&file, &limits()).unwrap_err();
    assert!(matches!(error, ParseError::OutOfBounds { offset: 36, .. }), "{error}");
    // One L2 table named over and over is not read over and over.
    file.resize(0x20_0000, 0);
    file[36..40].copy_from_slice(&2048_u32.to_be_bytes());
    file[40..48].copy_from_slice(&0x10_0000_u64.to_be_bytes());
    for place in (0x10_0000..0x10_4000).step_by(8) {
        file[place..place + 8].copy_from_slice(&0x4_0000_u64.to_be_bytes());
    }
    let error = qcow2::allocation(&file, &limits()).unwrap_err();
    assert!(error.to_string().contains("L2 tables overlap"), "{error}");
}

#[test]
fn blocks_of_a_vdi_are_where_qemu_img_maps_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let writes = [
        "write -q -P 1 5M 1M",
        "write -q -P 2 0 64k",
        "write -q -P 3 1M 3M",
        "write -q -P 4 900M 64k",
    ];
    for (name, options, present) in [("a.vdi", "", 6), ("fixed.vdi", "static=on", 901)] {
        if !make(path, "vdi", name, options, "901M", &writes) {
            return;
        }
        let bytes = bytes_of(path, name);
        let mut ours = mapped(vdi::ranges(bytes.as_slice()).unwrap());
        // qemu knows no parent of a VDI, so that what is not here are zeros.
        for (_, _, place) in &mut ours {
            if *place == Place::Absent {
                *place = Place::Zero;
            }
        }
        assert_eq!(ours, mapped_by_qemu(path, name), "{name}");
        let counted = vdi::allocation(&bytes, &limits()).unwrap();
        assert_eq!(counted.anomalies, [], "{name}");
        assert_eq!((counted.blocks.present, counted.blocks.total), (present, 901), "{name}");
        assert_eq!(counted.allocated_bytes, present * MIB, "{name}");
        assert_eq!((counted.slack_bytes, counted.unreferenced_bytes), (0, 0), "{name}");
    }
}

#[test]
fn blocks_of_a_vdi_that_cannot_be_are_lost_and_said() {
    let file = testkit::vdi_with_map(&[1, 1, 0, 2, u32::MAX - 1, u32::MAX], 2);
    let mut file = file.to_vec();
    let counted = vdi::allocation(&file, &limits()).unwrap();
    assert_eq!(
        codes(&counted.anomalies),
        [
            vdi::code::BLOCK_OUTSIDE_FILE,
            vdi::code::BLOCK_OVERLAP,
            vdi::code::ALLOCATED_COUNT_WRONG
        ]
    );
    let blocks = counted.blocks;
    assert_eq!(
        (blocks.present, blocks.invalid, blocks.zero, blocks.not_present),
        (3, 1, 1, 1)
    );
    let contents: Vec<_> = vdi::ranges(file.as_slice())
        .unwrap()
        .map(|range| range.unwrap().content)
        .collect();
    let data = u64::from(vdi::read(&file).unwrap().data_offset);
    assert_eq!(
        contents,
        [
            RangeContent::File { offset: data + MIB },
            RangeContent::File { offset: data + MIB },
            RangeContent::File { offset: data },
            RangeContent::Lost,
            RangeContent::Zero,
            RangeContent::Absent,
        ]
    );
    file.truncate(0x410);
    let error = vdi::allocation(&file, &limits()).unwrap_err();
    assert!(matches!(error, ParseError::Truncated { .. }), "{error}");
}
