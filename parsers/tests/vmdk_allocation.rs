//! What the grain tables say is what `qemu-img map` says, range by range; damaged tables are found and never believed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says loudly what it skips"
)]

use std::{
    cell::Cell,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::Command,
};

use derelict_parsers::{
    EncodedText, Limits, ParseError, ReadAt, Result,
    testkit::{
        SparseFile,
        vmware::{DescriptorBuilder, Grain, SparseBuilder, cowd_with_grains, sesparse_with_grains, stream_with_grains},
    },
    vmdk::{
        self, ExtentKind, Vmdk,
        allocation::{Allocation, AllocationSource, GrainState, Ranges, RedundantDirectory},
        stream,
    },
};
use proptest::prelude::*;
use serde_json::Value;

const MIB: u64 = 1 << 20;
const GRAIN: u64 = 64 << 10;

/// Start, length and state of a range.
type Range = (u64, u64, GrainState);

/// A file that is read at its places, as a datastore's is.
struct FileSource(File);

impl ReadAt for FileSource {
    fn len(&self) -> u64 {
        self.0.metadata().unwrap().len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut file = &self.0;
        file.seek(SeekFrom::Start(offset))?;
        let mut filled = 0;
        while filled < buffer.len() {
            match file.read(&mut buffer[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }
}

fn open(path: &Path) -> FileSource {
    FileSource(File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn read(source: &(impl ReadAt + ?Sized)) -> Vmdk {
    vmdk::read(source, &Limits::default()).unwrap()
}

/// Counts and ranges, which have to agree.
fn walk(source: &(impl ReadAt + ?Sized)) -> (Allocation, Vec<Range>) {
    let vmdk = read(source);
    let allocation = vmdk::allocation::read(source, &vmdk).unwrap().unwrap();
    let ranges: Vec<Range> = Ranges::new(source, &vmdk)
        .unwrap()
        .unwrap()
        .map(|range| range.unwrap())
        .map(|range| (range.offset_bytes, range.length_bytes, range.state))
        .collect();
    let sum = |wanted: &[GrainState]| -> u64 {
        let own = ranges.iter().filter(|(_, _, state)| wanted.contains(state));
        own.map(|(_, length, _)| length).sum()
    };
    assert_eq!(allocation.allocated_bytes, sum(&[GrainState::Data]));
    assert_eq!(allocation.zeroed_bytes, sum(&[GrainState::Zero, GrainState::Unmapped]));
    assert_eq!(allocation.unmapped_bytes, sum(&[GrainState::Unmapped]));
    (allocation, ranges)
}

fn codes(allocation: &Allocation) -> Vec<&str> {
    let anomalies = allocation.anomalies.iter();
    anomalies.map(|anomaly| anomaly.code.as_str()).collect()
}

/// True when a program is there to compare with.
fn has_program(name: &str, argument: &str) -> bool {
    let found = Command::new(name).arg(argument).output().is_ok();
    if !found {
        eprintln!("SKIPPED: {name} absent, nothing was compared with it");
    }
    found
}

fn has_qemu() -> bool {
    has_program("qemu-img", "--version") && has_program("qemu-io", "--version")
}

/// Runs a program in a folder; its standard output.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    output.stdout
}

/// What `qemu-img map` says of the link itself, neighbours of one state together.
fn qemu_map(folder: &Path, name: &str) -> Vec<Range> {
    let map: Value = serde_json::from_slice(&run(folder, "qemu-img", &["map", "--output=json", name])).unwrap();
    let mut ranges: Vec<Range> = Vec::new();
    for entry in map.as_array().unwrap() {
        if entry["depth"] != 0 || entry["present"] == false {
            continue;
        }
        let state = if entry["data"] == true {
            GrainState::Data
        } else {
            GrainState::Zero
        };
        push(
            &mut ranges,
            (
                entry["start"].as_u64().unwrap(),
                entry["length"].as_u64().unwrap(),
                state,
            ),
        );
    }
    ranges
}

fn push(ranges: &mut Vec<Range>, next: Range) {
    match ranges.last_mut() {
        Some(last) if last.2 == next.2 && last.0 + last.1 == next.0 => last.1 += next.1,
        _ => ranges.push(next),
    }
}

/// The ranges of a disk, of all its sparse extents. What a guest gave back reads as zeros, as qemu shows it.
fn our_map(folder: &Path, name: &str) -> Vec<Range> {
    let path = folder.join(name);
    let source = open(&path);
    let vmdk = read(&source);
    let mut parts: Vec<(u64, PathBuf)> = Vec::new();
    if let Vmdk::Descriptor(descriptor) = &vmdk {
        let mut start = 0;
        for extent in &descriptor.extents {
            assert_ne!(
                extent.kind,
                ExtentKind::Flat,
                "{name}: what is allocated of it the file system knows"
            );
            let file = extent.file_name().map(EncodedText::as_str).unwrap();
            parts.push((start, folder.join(file)));
            start += extent.sectors * 512;
        }
    } else {
        parts.push((0, path));
    }
    let mut ranges = Vec::new();
    for (start, path) in parts {
        let (allocation, own) = walk(&open(&path));
        assert_eq!(allocation.anomalies, [], "{}", path.display());
        for (offset, length, state) in own {
            let state = if state == GrainState::Unmapped {
                GrainState::Zero
            } else {
                state
            };
            push(&mut ranges, (start + offset, length, state));
        }
    }
    ranges
}

/// Compares both maps of one disk, and has qemu-img check it where it can.
fn compare(folder: &Path, name: &str) -> Vec<Range> {
    let ours = our_map(folder, name);
    assert_eq!(ours, qemu_map(folder, name), "{name}");
    ours
}

fn data_bytes(ranges: &[Range]) -> u64 {
    let data = ranges.iter().filter(|(_, _, state)| *state == GrainState::Data);
    data.map(|(_, length, _)| length).sum()
}

#[test]
fn patterns_that_qemu_io_wrote_are_mapped_as_qemu_img_maps_them() {
    if !has_qemu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let last = |size: u64| format!("write -P 9 {} 512", size - 512);
    for (subformat, sizes) in [
        (
            "monolithicSparse",
            &[MIB, 33 * MIB, 3 * MIB + 512, 5 << 30, 48 << 30][..],
        ),
        ("twoGbMaxExtentSparse", &[MIB, 5 << 30][..]),
    ] {
        for size in sizes {
            let name = format!("{subformat}-{size}.vmdk");
            let option = format!("subformat={subformat}");
            let length = size.to_string();
            run(
                folder,
                "qemu-img",
                &["create", "-q", "-f", "vmdk", "-o", &option, &name, &length],
            );
            assert_eq!(compare(folder, &name), [], "{name}: nothing was written yet");
            let middle = format!("write -P 7 {} 200000", size / 2);
            let commands = ["-c", "write -P 5 0 1", "-c", &middle, "-c", &last(*size)];
            run(folder, "qemu-io", &[&["-f", "vmdk"], &commands[..], &[&name]].concat());
            let ranges = compare(folder, &name);
            assert!(ranges.len() >= 2, "{name}: {ranges:?}");
            run(folder, "qemu-img", &["check", "-q", &name]);
        }
    }
}

#[test]
fn zeroed_grains_are_told_from_missing_ones() {
    if !has_qemu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for zeroed in ["on", "off"] {
        let name = format!("zeroed-{zeroed}.vmdk");
        let option = format!("zeroed_grain={zeroed}");
        run(
            folder,
            "qemu-img",
            &["create", "-q", "-f", "vmdk", "-o", &option, &name, "100M"],
        );
        run(
            folder,
            "qemu-io",
            &["-f", "vmdk", "-c", "write -z 1M 1M", "-c", "write -P 3 3M 64k", &name],
        );
        let ranges = compare(folder, &name);
        let has_zeros = ranges.iter().any(|(_, _, state)| *state == GrainState::Zero);
        assert_eq!(has_zeros, zeroed == "on", "{ranges:?}");
    }
}

#[test]
fn streams_are_mapped_and_their_markers_say_the_same() {
    if !has_qemu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, "qemu-img", &["create", "-q", "-f", "raw", "raw.img", "300M"]);
    let writes = [
        "-c",
        "write -P 1 0 1M",
        "-c",
        "write -P 2 77M 300k",
        "-c",
        "write -P 3 299M 1M",
    ];
    run(folder, "qemu-io", &[&["-f", "raw"], &writes[..], &["raw.img"]].concat());
    let convert = [
        "convert",
        "-O",
        "vmdk",
        "-o",
        "subformat=streamOptimized",
        "raw.img",
        "s.vmdk",
    ];
    run(folder, "qemu-img", &convert);
    let ranges = compare(folder, "s.vmdk");
    let source = open(&folder.join("s.vmdk"));
    let Vmdk::Sparse(extent) = read(&source) else {
        panic!("a stream is a sparse extent");
    };
    let stream = stream::walk(&source, &extent).unwrap();
    assert_eq!(stream.anomalies, []);
    assert_eq!(stream.grains * GRAIN, data_bytes(&ranges));
    assert!(stream.compressed_bytes > 0 && stream.compressed_bytes < data_bytes(&ranges) / 10);
}

#[test]
fn a_child_is_mapped_without_what_its_parent_holds() {
    if !has_qemu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, "qemu-img", &["create", "-q", "-f", "vmdk", "base.vmdk", "9M"]);
    run(folder, "qemu-io", &["-f", "vmdk", "-c", "write -P 1 0 4M", "base.vmdk"]);
    let child = [
        "create",
        "-q",
        "-f",
        "vmdk",
        "-b",
        "base.vmdk",
        "-F",
        "vmdk",
        "child.vmdk",
    ];
    run(folder, "qemu-img", &child);
    run(
        folder,
        "qemu-io",
        &["-f", "vmdk", "-c", "write -P 2 2M 64k", "child.vmdk"],
    );
    assert_eq!(compare(folder, "child.vmdk"), [(2 * MIB, GRAIN, GrainState::Data)]);
}

#[test]
fn qemu_img_maps_what_the_builders_write() {
    if !has_qemu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    let sectors = 80 * MIB / 512;
    let text = DescriptorBuilder::embedded("monolithicSparse", "m.vmdk", sectors, 1).build();
    let sparse = SparseBuilder::new(sectors).descriptor(&text);
    let sparse = sparse
        .grain(0, Grain::Data)
        .grain(600, Grain::Zero)
        .grain(601, Grain::Data);
    write("m.vmdk", &sparse.build());
    let text = DescriptorBuilder::embedded("streamOptimized", "o.vmdk", sectors, 2).build();
    write("o.vmdk", &stream_with_grains(sectors, &text, &[1, 2, 511, 512, 1279]));
    let base = DescriptorBuilder::vmfs("b", sectors, 4, uuid::Uuid::nil());
    write("b.vmdk", &base.build());
    File::create(folder.join("b-flat.vmdk"))
        .unwrap()
        .set_len(80 * MIB)
        .unwrap();
    let link = DescriptorBuilder::cowd_link("b-000001", sectors, 5, "b.vmdk", 4);
    write("b-000001.vmdk", &link.build());
    let grains = [0, 1, 4095, 4096, 20_000, sectors - 1];
    write(
        "b-000001-delta.vmdk",
        &cowd_with_grains(u32::try_from(sectors).unwrap(), &grains),
    );
    let link = DescriptorBuilder::sesparse_link("b-000002", sectors, 6, "b.vmdk", 4);
    write("b-000002.vmdk", &link.build());
    let grains: Vec<(u64, Grain)> = [
        (0, Grain::Unmapped),
        (1, Grain::Zero),
        (9, Grain::Data),
        (4095, Grain::Data),
        (4096, Grain::Data),
        (20_479, Grain::Zero),
    ]
    .to_vec();
    write(
        "b-000002-sesparse.vmdk",
        &sesparse_with_grains(sectors, false, &grains).to_vec(),
    );
    for (name, data) in [
        ("m.vmdk", 2 * GRAIN),
        ("o.vmdk", 5 * GRAIN),
        ("b-000001.vmdk", 6 * 512),
        ("b-000002.vmdk", 3 * 4096),
    ] {
        assert_eq!(data_bytes(&compare(folder, name)), data, "{name}");
    }
    run(folder, "qemu-img", &["check", "-q", "o.vmdk"]);
    run(folder, "qemu-img", &["compare", "-q", "o.vmdk", "o.vmdk"]);
}

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

/// A stream of three tables: five grains.
fn stream_file() -> Vec<u8> {
    let text = DescriptorBuilder::embedded("streamOptimized", "o.vmdk", 3 << 16, 6).build();
    stream_with_grains(3 << 16, &text, &[0, 5, 511, 700, 1535])
}

#[test]
fn a_stream_that_was_cut_off_is_counted_by_its_markers() {
    let whole = stream_file();
    let (allocation, ranges) = walk(&whole);
    assert_eq!(allocation.allocated_bytes, 5 * GRAIN);
    assert_eq!((ranges[0], ranges.len()), ((0, GRAIN, GrainState::Data), 5));
    let cut = &whole[..whole.len() - 1024];
    let vmdk = read(cut);
    let allocation = vmdk::allocation::read(cut, &vmdk).unwrap().unwrap();
    assert_eq!(allocation.source, AllocationSource::GrainMarkers);
    assert_eq!(
        (allocation.allocated_bytes, allocation.damage.is_none()),
        (5 * GRAIN, false)
    );
    assert!(
        Ranges::new(cut, &vmdk).is_err(),
        "without directory nobody knows where a table is"
    );
    let cut = &whole[..200_000];
    let allocation = vmdk::allocation::read(cut, &read(cut)).unwrap().unwrap();
    assert_eq!(codes(&allocation), ["directory-cut-off", "stream-cut-off"]);
    assert_eq!(allocation.allocated_bytes, 2 * GRAIN);
}

#[test]
fn what_has_no_grain_tables_has_no_allocation() {
    let text = DescriptorBuilder::vmfs("a", 8, 1, uuid::Uuid::nil()).build();
    for bytes in [text, vec![0; 4096], vec![0xA2, 0x72, 0x19, 0xF6]] {
        let vmdk = read(&bytes);
        assert_eq!(vmdk::allocation::read(&bytes, &vmdk), Ok(None));
        assert!(Ranges::new(&bytes, &vmdk).unwrap().is_none());
    }
}

/// A monolithic file of 1000 grains: header, descriptor, both directories with two tables each.
fn sparse_file() -> Vec<u8> {
    let text = DescriptorBuilder::embedded("monolithicSparse", "m.vmdk", 128_000, 5).build();
    let sparse = SparseBuilder::new(128_000).descriptor(&text);
    sparse
        .grain(0, Grain::Data)
        .grain(3, Grain::Zero)
        .grain(999, Grain::Data)
        .build()
}

/// Where the tables of the redundant and of the first directory begin in it.
const REDUNDANT_TABLE: usize = 22 * 512;
const FIRST_DIRECTORY: usize = 30 * 512;
const FIRST_TABLE: usize = 31 * 512;

fn put(file: &mut [u8], at: usize, value: u32) {
    file[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

#[test]
fn a_redundant_table_that_differs_is_found_and_the_first_counts() {
    let mut file = sparse_file();
    let (allocation, ranges) = walk(&file);
    let same = RedundantDirectory {
        grain_tables: 2,
        differing_tables: 0,
    };
    assert_eq!(allocation.redundant, Some(same));
    assert_eq!(
        (allocation.allocated_bytes, allocation.zeroed_bytes),
        (2 * GRAIN, GRAIN)
    );
    assert_eq!(ranges[2], (999 * GRAIN, GRAIN, GrainState::Data));
    put(&mut file, REDUNDANT_TABLE + 2048 + 8, 256);
    let (allocation, _) = walk(&file);
    assert_eq!(allocation.redundant.as_ref().unwrap().differing_tables, 1);
    assert_eq!(codes(&allocation), ["redundant-table-differs"]);
    assert_eq!(
        allocation.anomalies[0].text,
        "grain table 1 differs from its redundant copy"
    );
    assert_eq!(
        (allocation.allocated_bytes, allocation.damage.is_none()),
        (2 * GRAIN, true)
    );
}

#[test]
fn a_grain_outside_the_file_counts_as_the_table_says_and_is_found() {
    let mut file = sparse_file();
    let sectors = u32::try_from(file.len() / 512).unwrap();
    for at in [REDUNDANT_TABLE, FIRST_TABLE] {
        put(&mut file, at + 40, sectors - 128);
        put(&mut file, at + 44, sectors - 127);
        put(&mut file, at + 48, u32::MAX);
    }
    let (allocation, _) = walk(&file);
    assert_eq!((allocation.allocated_bytes, allocation.grains_outside), (5 * GRAIN, 2));
    assert_eq!(codes(&allocation), ["grain-beyond-end"; 2]);
    assert!(allocation.damage.is_some());
}

#[test]
fn tables_outside_the_file_count_as_empty_and_overlapping_ones_end_the_walk() {
    let mut file = sparse_file();
    put(&mut file, FIRST_DIRECTORY + 4, 1 << 30);
    let (allocation, _) = walk(&file);
    assert_eq!(codes(&allocation)[0], "gt-beyond-end");
    assert_eq!(
        (allocation.allocated_bytes, allocation.damage.is_none()),
        (GRAIN, false)
    );

    let mut delta = cowd_with_grains(4096 * 4096, &[7]);
    for table in 1..4096 {
        put(&mut delta, 2048 + table * 4, 4 + 32);
    }
    let overlapping = vmdk::allocation::read(&delta, &read(&delta));
    assert!(
        matches!(overlapping, Err(ParseError::LimitExceeded { .. })),
        "{overlapping:?}"
    );
    let vmdk = read(&delta);
    let mut ranges = Ranges::new(&delta, &vmdk).unwrap().unwrap();
    assert!(ranges.any(|range| range.is_err()));
    assert!(ranges.next().is_none(), "nothing follows an error");
}

#[test]
fn a_directory_that_is_cut_off_is_walked_as_far_as_it_goes() {
    let mut delta = cowd_with_grains(4096 * 3, &[0, 4096, 8192]);
    put(&mut delta, 24, 2);
    let (allocation, _) = walk(&delta);
    assert_eq!(codes(&allocation), ["gd-cut-off"]);
    assert_eq!((allocation.allocated_bytes, allocation.damage.is_none()), (1024, false));
}

#[test]
fn entries_of_sesparse_that_mean_nothing_are_found() {
    let mut delta = sesparse_with_grains(80_000, true, &[(0, Grain::Data), (4100, Grain::Unmapped)]).to_vec();
    let (allocation, _) = walk(&delta);
    assert_eq!(codes(&allocation), ["journal-not-replayed"]);
    assert_eq!((allocation.allocated_bytes, allocation.unmapped_bytes), (4096, 4096));
    let (directory, tables) = (12 * 512, 13 * 512);
    delta[tables + 8..tables + 16].copy_from_slice(&0x0000_0000_0000_0001_u64.to_le_bytes());
    delta[tables + 16..tables + 24].copy_from_slice(&0x7000_0000_0000_0000_u64.to_le_bytes());
    delta[tables + 24..tables + 32].copy_from_slice(&0x3000_0000_0000_0001_u64.to_le_bytes());
    delta[directory + 16..directory + 24].copy_from_slice(&0x2000_0000_0000_0000_u64.to_le_bytes());
    let (allocation, _) = walk(&delta);
    assert_eq!(
        codes(&allocation),
        [
            "journal-not-replayed",
            "gd-entry-bad",
            "grain-entry-bad",
            "grain-entry-bad",
            "grain-beyond-end"
        ]
    );
    assert_eq!((allocation.allocated_bytes, allocation.grains_outside), (2 * 4096, 1));
}

#[test]
fn an_unsound_geometry_is_refused() {
    let whole = sparse_file();
    for (at, value) in [(20, 3), (44, 0), (44, 513)] {
        let mut file = whole.clone();
        put(&mut file, at, value);
        let vmdk = read(&file);
        assert!(matches!(
            vmdk::allocation::read(&file, &vmdk),
            Err(ParseError::Malformed { offset: 20, .. })
        ));
    }
    let mut file = whole;
    file[12..20].copy_from_slice(&(1_u64 << 50).to_le_bytes());
    let vmdk = read(&file);
    let refused = vmdk::allocation::read(&file, &vmdk);
    assert!(matches!(refused, Err(ParseError::LimitExceeded { .. })), "{refused:?}");
}

/// A source that notes the largest read and the sum of all.
struct Metered<'a> {
    source: &'a SparseFile,
    largest: Cell<usize>,
    sum: Cell<usize>,
}

impl ReadAt for Metered<'_> {
    fn len(&self) -> u64 {
        ReadAt::len(self.source)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.largest.set(self.largest.get().max(buffer.len()));
        self.sum.set(self.sum.get() + buffer.len());
        self.source.read_at(offset, buffer)
    }

    fn next_data(&self, offset: u64) -> u64 {
        self.source.next_data(offset)
    }
}

#[test]
fn a_disk_of_62_tib_is_walked_in_pieces_and_its_holes_are_not_read() {
    let capacity = (62_u64 << 40) / 512;
    let last = (62_u64 << 40) / 4096 - 1;
    let middle: Vec<(u64, Grain)> = (0..9).map(|grain| ((31_u64 << 28) + grain, Grain::Data)).collect();
    let grains = [&[(0, Grain::Data)], &middle[..], &[(last, Grain::Zero)]].concat();
    let delta = sesparse_with_grains(capacity, false, &grains);
    let metered = Metered {
        source: &delta,
        largest: Cell::new(0),
        sum: Cell::new(0),
    };
    let (allocation, ranges) = walk(&metered);
    assert_eq!(allocation.virtual_bytes, 62 << 40);
    assert_eq!(allocation.anomalies, []);
    let middle = (31_u64 << 40, 9 * 4096, GrainState::Data);
    let expected = [
        (0, 4096, GrainState::Data),
        middle,
        (last * 4096, 4096, GrainState::Zero),
    ];
    assert_eq!(ranges, expected);
    assert!(metered.largest.get() <= 1 << 20, "no read is larger than a block");
    let sum = metered.sum.get();
    assert!(sum < 2 << 20, "{sum} bytes were read of tables that are holes");
}

/// A valid file of every layout, with data, zeros and what its format has.
fn valid_files() -> Vec<Vec<u8>> {
    let grains = [
        (0, Grain::Data),
        (1, Grain::Zero),
        (2, Grain::Unmapped),
        (4096, Grain::Data),
    ];
    vec![
        sparse_file(),
        stream_file(),
        cowd_with_grains(5000, &[0, 4097]),
        sesparse_with_grains(40_000, false, &grains).to_vec(),
    ]
}

/// Every call on any bytes; facts stay inside what the header promises.
fn walk_any(bytes: &[u8]) -> Result<()> {
    let vmdk = vmdk::read(bytes, &Limits::default())?;
    if let Vmdk::Sparse(extent) = &vmdk {
        let stream = stream::walk(bytes, extent)?;
        assert!(stream.compressed_bytes <= ReadAt::len(bytes));
    }
    let Some(allocation) = vmdk::allocation::read(bytes, &vmdk)? else {
        return Ok(());
    };
    assert!(allocation.allocated_bytes + allocation.zeroed_bytes <= allocation.virtual_bytes);
    assert!(allocation.unmapped_bytes <= allocation.zeroed_bytes);
    if allocation.source == AllocationSource::GrainTables {
        let mut end = 0;
        let mut sum = 0;
        for range in Ranges::new(bytes, &vmdk)?.unwrap() {
            let range = range?;
            assert!(range.offset_bytes >= end && range.length_bytes > 0, "ranges rise");
            end = range.end();
            sum += range.length_bytes;
        }
        assert!(end <= allocation.virtual_bytes);
        assert_eq!(sum, allocation.allocated_bytes + allocation.zeroed_bytes);
    }
    Ok(())
}

#[test]
fn a_file_cut_at_every_boundary_gives_an_error_or_no_more_than_the_whole() {
    for whole in valid_files() {
        let (all, _) = walk(&whole);
        let grains = (0..whole.len()).step_by(64 << 10);
        for boundary in (0..whole.len().min(40 << 10)).step_by(512).chain(grains) {
            for end in boundary.saturating_sub(1)..=boundary + 1 {
                let cut = &whole[..end.min(whole.len())];
                let Ok(vmdk) = vmdk::read(cut, &Limits::default()) else {
                    continue;
                };
                if let Ok(Some(part)) = vmdk::allocation::read(cut, &vmdk) {
                    assert!(part.allocated_bytes <= all.allocated_bytes, "cut at {end}");
                    let is_less = part.allocated_bytes < all.allocated_bytes || part.grains_outside > 0;
                    assert!(
                        !is_less || part.damage.is_some(),
                        "cut at {end}: what is missing is told"
                    );
                }
            }
        }
    }
}

/// Where the structures that are read lie in a valid file: header, directories, tables, markers.
fn structures(file: &[u8]) -> Vec<usize> {
    let tables: Vec<usize> = match read(file) {
        Vmdk::Sparse(extent) if extent.header.is_stream() => {
            let markers = stream::Markers::new(file, &extent).map(|marker| marker.unwrap().offset);
            let places = markers.map(|offset| usize::try_from(offset).unwrap());
            places.flat_map(|offset| offset..offset + 16).collect()
        }
        Vmdk::Sparse(_) => (FIRST_DIRECTORY..FIRST_DIRECTORY + 8)
            .chain(FIRST_TABLE..FIRST_TABLE + 64)
            .chain(21 * 512..22 * 512 + 64)
            .collect(),
        Vmdk::Cowd(_) => (1640..1660).chain(2048..2560 + 64).collect(),
        _ => (11 * 512..13 * 512 + 64).collect(),
    };
    (0..512).chain(tables).filter(|at| *at < file.len()).collect()
}

#[test]
fn every_changed_byte_of_the_structures_gives_an_error_or_sound_facts() {
    for mut file in valid_files() {
        for at in structures(&file) {
            let whole = file[at];
            for change in [0xFF, 0x01, 0x80] {
                file[at] = whole ^ change;
                drop(walk_any(&file));
            }
            file[at] = whole;
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_behind_a_sound_header_give_an_error_or_sound_facts(
        mut file in prop::sample::select(valid_files()),
        noise in prop::collection::vec(any::<u8>(), 1..3000),
        place in any::<prop::sample::Index>(),
    ) {
        let at = 512 + place.index(file.len() - 512);
        let end = file.len().min(at + noise.len());
        file[at..end].copy_from_slice(&noise[..end - at]);
        drop(walk_any(&file));
    }

    #[test]
    fn what_was_allocated_is_what_is_found(grains in prop::collection::btree_map(0_u64..3000, 0_u8..3, 0..60)) {
        let state = |kind: &u8| [Grain::Data, Grain::Zero, Grain::Unmapped][usize::from(*kind)];
        let grains: Vec<(u64, Grain)> = grains.iter().map(|(grain, kind)| (*grain, state(kind))).collect();
        let count = |wanted: Grain| u64::try_from(grains.iter().filter(|(_, kind)| *kind == wanted).count()).unwrap();
        let (found, _) = walk(&sesparse_with_grains(24_000, false, &grains));
        prop_assert_eq!(found.allocated_bytes, count(Grain::Data) * 4096);
        prop_assert_eq!(found.unmapped_bytes, count(Grain::Unmapped) * 4096);
        prop_assert_eq!(found.zeroed_bytes, (count(Grain::Zero) + count(Grain::Unmapped)) * 4096);
        prop_assert!(found.damage.is_none());
        let indexes: Vec<u64> = grains.iter().map(|(grain, _)| *grain).collect();
        let (found, ranges) = walk(&cowd_with_grains(3000, &indexes));
        let length = u64::try_from(indexes.len()).unwrap();
        prop_assert_eq!(found.allocated_bytes, length * 512);
        for grain in &indexes {
            prop_assert!(ranges.iter().any(|(start, length, _)| (*start..start + length).contains(&(grain * 512))));
        }
    }
}
