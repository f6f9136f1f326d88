//! Both maps of a disk, and the files that more than one module walks.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::Command,
};

use derelict_parsers::{
    EncodedText, Limits, ReadAt,
    testkit::vmware::{DescriptorBuilder, Grain, SparseBuilder, stream_with_grains},
    vmdk::{
        self, ExtentKind, Vmdk,
        allocation::{Allocation, GrainState, Ranges},
    },
};
use serde_json::Value;

pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const GRAIN: u64 = 64 << 10;

/// Start, length and state of a range.
pub(crate) type Range = (u64, u64, GrainState);

/// A file that is read at its places, as a datastore's is.
pub(crate) struct FileSource(File);

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

pub(crate) fn open(path: &Path) -> FileSource {
    FileSource(File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

pub(crate) fn read(source: &(impl ReadAt + ?Sized)) -> Vmdk {
    vmdk::read(source, &Limits::default()).unwrap()
}

/// Counts and ranges, which have to agree.
pub(crate) fn walk(source: &(impl ReadAt + ?Sized)) -> (Allocation, Vec<Range>) {
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

pub(crate) fn codes(allocation: &Allocation) -> Vec<&str> {
    let anomalies = allocation.anomalies.iter();
    anomalies.map(|anomaly| anomaly.code.as_str()).collect()
}

/// True when a program is there to compare with.
pub(crate) fn has_program(name: &str, argument: &str) -> bool {
    let found = Command::new(name).arg(argument).output().is_ok();
    if !found {
        eprintln!("SKIPPED: {name} absent, nothing was compared with it");
    }
    found
}

pub(crate) fn has_qemu() -> bool {
    has_program("qemu-img", "--version") && has_program("qemu-io", "--version")
}

/// Runs a program in a folder; its standard output.
pub(crate) fn run(folder: &Path, program: &str, arguments: &[&str]) -> Vec<u8> {
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
pub(crate) fn qemu_map(folder: &Path, name: &str) -> Vec<Range> {
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

pub(crate) fn push(ranges: &mut Vec<Range>, next: Range) {
    match ranges.last_mut() {
        Some(last) if last.2 == next.2 && last.0 + last.1 == next.0 => last.1 += next.1,
        _ => ranges.push(next),
    }
}

/// The ranges of a disk, of all its sparse extents. What a guest gave back reads as zeros, as qemu shows it.
pub(crate) fn our_map(folder: &Path, name: &str) -> Vec<Range> {
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
pub(crate) fn compare(folder: &Path, name: &str) -> Vec<Range> {
    let ours = our_map(folder, name);
    assert_eq!(ours, qemu_map(folder, name), "{name}");
    ours
}

pub(crate) fn data_bytes(ranges: &[Range]) -> u64 {
    let data = ranges.iter().filter(|(_, _, state)| *state == GrainState::Data);
    data.map(|(_, length, _)| length).sum()
}

/// A stream of three tables: five grains.
pub(crate) fn stream_file() -> Vec<u8> {
    let text = DescriptorBuilder::embedded("streamOptimized", "o.vmdk", 3 << 16, 6).build();
    stream_with_grains(3 << 16, &text, &[0, 5, 511, 700, 1535])
}

/// A monolithic file of 1000 grains: header, descriptor, both directories with two tables each.
pub(crate) fn sparse_file() -> Vec<u8> {
    let text = DescriptorBuilder::embedded("monolithicSparse", "m.vmdk", 128_000, 5).build();
    let sparse = SparseBuilder::new(128_000).descriptor(&text);
    sparse
        .grain(0, Grain::Data)
        .grain(3, Grain::Zero)
        .grain(999, Grain::Data)
        .build()
}

/// Where the tables of the redundant and of the first directory begin in it.
pub(crate) const REDUNDANT_TABLE: usize = 22 * 512;
pub(crate) const FIRST_DIRECTORY: usize = 30 * 512;
pub(crate) const FIRST_TABLE: usize = 31 * 512;
