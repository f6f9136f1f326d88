//! What the block tables of VHD and VHDX allocate, against readers that others wrote.
//!
//! `qemu-img map` tells every block of a dynamic VHD. Of a VHDX it tells nothing (its driver has no block status: the
//! whole disk is one range of data without a place), so there every range is held against the content that `qemu-img
//! convert` and dissect.hypervisor read: what is said to be in the file stands there, and what is not reads as zeros.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that meets something unexpected has to stop, and reads its own files whole"
)]

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::Command,
};

use derelict_parsers::{
    Limits, ReadAt,
    block_map::{Allocation, DiskRange, RangeContent},
    vhd, vhdx,
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

/// A file that is read at its places, however long it is.
struct OnDisk(File, u64);

impl OnDisk {
    fn open(path: &Path) -> Self {
        let file = File::open(path).unwrap();
        let length = file.metadata().unwrap().len();
        Self(file, length)
    }
}

impl ReadAt for OnDisk {
    fn len(&self) -> u64 {
        self.1
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let there = usize::try_from(self.1.saturating_sub(offset))
            .unwrap()
            .min(buffer.len());
        read_at(&self.0, &mut buffer[..there], offset)?;
        Ok(there)
    }
}

/// Fills a buffer from a place of a file.
fn read_at(mut file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(buffer)
}

/// A folder for images; `None`, loudly, where qemu is missing.
fn workshop() -> Option<tempfile::TempDir> {
    for tool in ["qemu-img", "qemu-io"] {
        if Command::new(tool).arg("--version").output().is_err() {
            eprintln!("SKIPPED: {tool} is missing");
            return None;
        }
    }
    Some(tempfile::tempdir().unwrap())
}

fn run(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{tool} {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// An image of qemu-img with a pattern of its own at each of these places (start and length in bytes).
fn image(folder: &Path, format: &str, options: &str, size: u64, writes: &[(u64, u64)]) -> PathBuf {
    let path = folder.join(format!("image.{format}"));
    let _ = std::fs::remove_file(&path);
    let name = path.to_str().unwrap();
    let mut arguments = vec!["create", "-q", "-f", format];
    if !options.is_empty() {
        arguments.extend(["-o", options]);
    }
    let text = size.to_string();
    arguments.extend([name, &text]);
    run("qemu-img", &arguments);
    for (number, (start, length)) in (1..).zip(writes) {
        let command = format!("write -q -P {number} {start} {length}");
        run("qemu-io", &["-f", format, "-c", &command, name]);
    }
    path
}

/// Start, length and, where the file has the content, its place.
type Mapped = (u64, u64, Option<u64>);

fn qemu_map(path: &Path, format: &str) -> Vec<Mapped> {
    let map = run(
        "qemu-img",
        &["map", "--output=json", "-f", format, path.to_str().unwrap()],
    );
    let map: serde_json::Value = serde_json::from_str(&map).unwrap();
    let number = |entry: &serde_json::Value, key: &str| entry[key].as_u64();
    map.as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let data = entry["data"] == true;
            (
                number(entry, "start").unwrap(),
                number(entry, "length").unwrap(),
                number(entry, "offset").filter(|_| data),
            )
        })
        .collect()
}

fn mapped(ranges: &[DiskRange]) -> Vec<Mapped> {
    ranges
        .iter()
        .map(|range| match range.content {
            RangeContent::File { offset } => (range.start, range.length, Some(offset)),
            RangeContent::Zero | RangeContent::Absent => (range.start, range.length, None),
            _ => panic!("{range:?}"),
        })
        .collect()
}

fn vhd_ranges(path: &Path) -> Vec<DiskRange> {
    vhd::ranges(OnDisk::open(path), &Limits::default())
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn vhdx_ranges(path: &Path) -> Vec<DiskRange> {
    vhdx::ranges(OnDisk::open(path), &Limits::default())
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn sound_vhd(path: &Path) -> Allocation {
    let allocation = vhd::allocation(&OnDisk::open(path), &Limits::default()).unwrap();
    assert_eq!(allocation.anomalies, []);
    allocation
}

fn sound_vhdx(path: &Path) -> Allocation {
    let allocation = vhdx::allocation(&OnDisk::open(path), &Limits::default()).unwrap();
    assert_eq!(allocation.anomalies, []);
    allocation
}

fn in_file(ranges: &[DiskRange]) -> u64 {
    ranges
        .iter()
        .filter(|range| matches!(range.content, RangeContent::File { .. }))
        .map(|range| range.length)
        .sum()
}

/// The ranges cover the disk without gaps, none goes on in the next, and what they say stands in the file.
fn check_cover(ranges: &[DiskRange], virtual_bytes: u64) {
    let mut at = 0;
    for range in ranges {
        assert_eq!(range.start, at, "a gap before {range:?}");
        assert!(range.length > 0);
        at = range.end();
    }
    assert_eq!(at, virtual_bytes);
}

/// Reads the disk through its ranges and holds it against the raw image that another reader made of it.
fn check_content(image: &Path, ranges: &[DiskRange], raw: &Path) {
    let (image, raw) = (File::open(image).unwrap(), File::open(raw).unwrap());
    let length = raw.metadata().unwrap().len();
    check_cover(ranges, length);
    for range in ranges {
        let mut at = 0;
        while at < range.length {
            let step = (range.length - at).min(4 * MIB);
            let mut expected = vec![0; usize::try_from(step).unwrap()];
            read_at(&raw, &mut expected, range.start + at).unwrap();
            let mut found = vec![0; expected.len()];
            if let RangeContent::File { offset } = range.content {
                read_at(&image, &mut found, offset + at).unwrap();
            }
            assert!(found == expected, "{range:?} differs from {at} on");
            at += step;
        }
    }
}

fn to_raw(image: &Path, format: &str) -> PathBuf {
    let raw = image.with_extension("raw");
    let (from, to) = (image.to_str().unwrap(), raw.to_str().unwrap());
    run("qemu-img", &["convert", "-f", format, "-O", "raw", from, to]);
    raw
}

#[test]
fn every_range_of_a_dynamic_vhd_is_that_of_qemu() {
    let Some(folder) = workshop() else { return };
    let cases: [(u64, &[(u64, u64)]); 6] = [
        (MIB, &[]),
        (MIB, &[(0, 512)]),
        (10 * MIB, &[(3 * MIB, MIB), (9 * MIB, MIB)]),
        (64 * MIB, &[(0, 64 * MIB)]),
        (
            300 * MIB,
            &[
                (298 * MIB, 100),
                (2 * MIB - 512, 1024),
                (100 * MIB, 9 * MIB),
                (50 * MIB, 1),
            ],
        ),
        // 2040 GiB, the most that the format allows.
        (2040 * GIB, &[(0, 4096), (2039 * GIB, 5 * MIB), (1000 * GIB, 1)]),
    ];
    for (size, writes) in cases {
        let path = image(folder.path(), "vpc", "subformat=dynamic,force_size=on", size, writes);
        let ranges = vhd_ranges(&path);
        check_cover(&ranges, size);
        assert_eq!(mapped(&ranges), qemu_map(&path, "vpc"), "{size} with {writes:?}");
        let allocation = sound_vhd(&path);
        assert_eq!(allocation.allocated_bytes, in_file(&ranges));
        let blocks = allocation.blocks;
        assert_eq!(blocks.total, size.div_ceil(2 * MIB));
        assert_eq!(blocks.total, blocks.present + blocks.not_present);
        assert_eq!(allocation.payload_bytes, blocks.present * (2 * MIB + 512));
        assert_eq!(allocation.slack_bytes, 0, "qemu packs its blocks");
        if size <= GIB {
            check_content(&path, &ranges, &to_raw(&path, "vpc"));
        }
    }
}

/// qemu-img maps the holes of the file that carries a fixed disk as zeros; the format knows no holes. Both are right: the
/// content is the same, and the file system, not the VHD, saves the space.
#[test]
fn a_fixed_vhd_is_one_range_whatever_holes_the_file_has() {
    let Some(folder) = workshop() else { return };
    for (size, writes) in [
        (MIB, &[][..]),
        (8 * MIB, &[(3 * MIB, MIB)]),
        (1000 * GIB, &[(999 * GIB, 9)]),
    ] {
        let path = image(folder.path(), "vpc", "subformat=fixed,force_size=on", size, writes);
        let ranges = vhd_ranges(&path);
        assert_eq!(mapped(&ranges), [(0, size, Some(0))]);
        let of_qemu = qemu_map(&path, "vpc");
        assert!(
            of_qemu
                .iter()
                .all(|(start, _, offset)| offset.is_none_or(|offset| offset == *start))
        );
        assert_eq!(of_qemu.iter().map(|(_, length, _)| length).sum::<u64>(), size);
        let allocation = sound_vhd(&path);
        assert_eq!((allocation.allocated_bytes, allocation.slack_bytes), (size, 0));
        assert_eq!(allocation.blocks.total, 0, "a fixed VHD has no blocks");
    }
}

#[test]
fn every_range_of_a_dynamic_vhdx_holds_what_qemu_reads() {
    let Some(folder) = workshop() else { return };
    let writes: &[(u64, u64)] = &[
        (298 * MIB, 100),
        (2 * MIB - 512, 1024),
        (100 * MIB, 9 * MIB),
        (50 * MIB, 1),
        (0, 1),
    ];
    for block in [1, 2, 8, 32, 64, 256] {
        let options = format!("subformat=dynamic,block_size={block}M");
        let block = block * MIB;
        let path = image(folder.path(), "vhdx", &options, 300 * MIB, writes);
        let ranges = vhdx_ranges(&path);
        check_content(&path, &ranges, &to_raw(&path, "vhdx"));
        let allocation = sound_vhdx(&path);
        assert_eq!(allocation.block_size_bytes, block);
        assert_eq!(allocation.allocated_bytes, in_file(&ranges));
        let touched: std::collections::BTreeSet<u64> = writes
            .iter()
            .flat_map(|(start, length)| start / block..=(start + length - 1) / block)
            .collect();
        let blocks = allocation.blocks;
        assert_eq!(blocks.present, u64::try_from(touched.len()).unwrap(), "{block}");
        assert_eq!(allocation.payload_bytes, blocks.present * block);
        assert_eq!(blocks.total, (300 * MIB).div_ceil(block));
        assert_eq!(
            qemu_map(&path, "vhdx"),
            [(0, 300 * MIB, None)],
            "the driver of qemu tells no blocks; were it to learn that, compare range by range"
        );
        let check = run("qemu-img", &["check", "-f", "vhdx", path.to_str().unwrap()]);
        assert!(check.contains("No errors"), "{check}");
    }
}

/// qemu marks the blocks of a new fixed disk as zero, without a place, and makes the file as long as the disk all the same;
/// the first write to a block goes to the end of the file. Windows marks them as present. So what the guest never wrote
/// is no content, and nothing refers to the space that the file has for it.
#[test]
fn a_fixed_vhdx_of_qemu_has_only_the_blocks_that_were_written() {
    let Some(folder) = workshop() else { return };
    for (size, block) in [(MIB, MIB), (70 * MIB, 2 * MIB), (70 * MIB, 32 * MIB), (9 * GIB, MIB)] {
        let options = format!("subformat=fixed,block_size={block}");
        let path = image(folder.path(), "vhdx", &options, size, &[(size - 4096, 4096)]);
        let ranges = vhdx_ranges(&path);
        check_cover(&ranges, size);
        let [zero @ .., last] = ranges.as_slice() else {
            panic!("{ranges:?}")
        };
        assert!(zero.iter().all(|range| range.content == RangeContent::Zero) && zero.len() <= 1);
        assert!(matches!(last.content, RangeContent::File { .. }));
        let allocation = sound_vhdx(&path);
        let blocks = size.div_ceil(block);
        assert_eq!((allocation.blocks.zero, allocation.blocks.present), (blocks - 1, 1));
        assert_eq!(allocation.allocated_bytes, last.length);
        assert_eq!(allocation.reusable_bytes, 0);
        let holes = allocation.unreferenced_bytes - allocation.slack_bytes;
        assert!(holes >= size, "{holes} bytes of holes");
        if size < GIB {
            check_content(&path, &ranges, &to_raw(&path, "vhdx"));
        }
    }
}

/// 64 TiB, the most that the format allows, with the smallest blocks (a table of 512 MiB) and with the largest.
#[test]
fn the_largest_vhdx_is_walked() {
    let Some(folder) = workshop() else { return };
    for block in [MIB, 256 * MIB] {
        let options = format!("subformat=dynamic,block_size={block}");
        let writes = [(64 * TIB - 4096, 4096), (0, 1), (31 * TIB + 512, 512)];
        let path = image(folder.path(), "vhdx", &options, 64 * TIB, &writes);
        let ranges = vhdx_ranges(&path);
        check_cover(&ranges, 64 * TIB);
        let starts: Vec<_> = ranges
            .iter()
            .filter(|range| matches!(range.content, RangeContent::File { .. }))
            .map(|range| (range.start, range.length))
            .collect();
        assert_eq!(starts, [(0, block), (31 * TIB, block), (64 * TIB - block, block)]);
        let allocation = sound_vhdx(&path);
        assert_eq!(allocation.blocks.total, 64 * TIB / block);
        assert_eq!((allocation.blocks.present, allocation.allocated_bytes), (3, 3 * block));
        for (range, pattern) in ranges
            .iter()
            .filter(|range| matches!(range.content, RangeContent::File { .. }))
            .zip([2_u8, 3, 1])
        {
            let RangeContent::File { offset } = range.content else {
                continue;
            };
            let place = match pattern {
                1 => offset + block - 4096,
                3 => offset + 512,
                _ => offset,
            };
            let disk = OnDisk::open(&path);
            let byte = disk.exact("pattern", place, 1).unwrap();
            assert_eq!(*byte, [pattern]);
        }
    }
}

/// The folder of the samples; `None`, loudly, where they are absent.
fn samples() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: samples absent at {}", folder.display());
    None
}

/// Decompresses a sample into a folder.
fn unpack(sample: &Path, folder: &Path) -> PathBuf {
    let path = folder.join(sample.file_stem().unwrap());
    let packed = File::open(sample).unwrap_or_else(|error| panic!("{}: {error}", sample.display()));
    let mut target = File::create(&path).unwrap();
    std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut target).unwrap();
    path
}

/// A Python with dissect.hypervisor: the one that `DERELICT_PYTHON` names, else `python3`. `None`, loudly, without.
fn dissect() -> Option<String> {
    let python = std::env::var("DERELICT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import dissect.hypervisor"]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    eprintln!("SKIPPED: {python} has no dissect.hypervisor (set DERELICT_PYTHON)");
    None
}

/// Writes what dissect reads of a VHDX, parents included, to a raw file. With `mended` its reading of sector bitmaps is
/// replaced: see the test of the chain.
fn dissect_to_raw(python: &str, image: &Path, mended: bool) -> PathBuf {
    const SCRIPT: &str = r"
import sys, shutil, itertools
from pathlib import Path
from dissect.hypervisor.disk import vhdx
image, raw, mended = sys.argv[1:4]
def runs(bitmap, start, length):
    bits = [bitmap[at // 8] >> at % 8 & 1 for at in range(start, start + length)]
    return ((bit, len(list(run))) for bit, run in itertools.groupby(bits))
if mended == 'true':
    vhdx._iter_partial_runs = runs
with open(raw, 'wb') as out:
    shutil.copyfileobj(vhdx.VHDX(Path(image)), out, 1 << 20)
";
    let raw = image.with_extension("dissect.raw");
    let mended = mended.to_string();
    let arguments = ["-c", SCRIPT, image.to_str().unwrap(), raw.to_str().unwrap(), &mended];
    run(python, &arguments);
    raw
}

#[test]
fn a_vhdx_of_windows_reads_as_dissect_reads_it() {
    let (Some(samples), Some(python)) = (samples(), dissect()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "dissect.hypervisor/dynamic.vhdx",
        "made-vhdx/VM-A.vhdx",
        "made-vhdx/fixed.vhdx",
        "made-vhdx/sector4k.vhdx",
    ] {
        let path = unpack(&samples.join(format!("hyperv/{name}.gz")), folder.path());
        let ranges = vhdx_ranges(&path);
        assert_eq!(sound_vhdx(&path).allocated_bytes, in_file(&ranges), "{name}");
        check_content(&path, &ranges, &dissect_to_raw(&python, &path, false));
    }
}

/// Reads a chain through its ranges, leaf first: what is absent in one is asked of the next.
fn read_chain(chain: &[(File, Vec<DiskRange>)], start: u64, buffer: &mut [u8]) {
    let Some(((file, ranges), parents)) = chain.split_first() else {
        return buffer.fill(0);
    };
    let end = start + u64::try_from(buffer.len()).unwrap();
    for range in ranges.iter().filter(|range| range.start < end && start < range.end()) {
        let (from, to) = (range.start.max(start), range.end().min(end));
        let index = |at: u64| usize::try_from(at - start).unwrap();
        let part = &mut buffer[index(from)..index(to)];
        match range.content {
            RangeContent::File { offset } => read_at(file, part, offset + (from - range.start)).unwrap(),
            RangeContent::Zero => part.fill(0),
            RangeContent::Absent => read_chain(parents, from, part),
            _ => panic!("{range:?}"),
        }
    }
}

/// dissect.hypervisor (3.21 and before) loses sectors here and we are right: where a read begins inside a byte of a sector
/// bitmap and this byte has bits of both kinds, it goes on counting later bytes from the same bit. The disk comes out
/// shorter than it is. With that mended, both read the same.
#[test]
fn a_chain_of_differencing_vhdx_reads_as_dissect_reads_it() {
    let (Some(samples), Some(python)) = (samples(), dissect()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "VM-A_1E3081CF-38F4-54F3-829F-CE9D6DB0900E.avhdx",
        "VM-A_6F2B3B66-D060-5706-8AC5-B0397BDCB362.avhdx",
        "VM-A.vhdx",
    ];
    let chain: Vec<_> = names
        .iter()
        .map(|name| {
            let path = unpack(&samples.join(format!("hyperv/made-vhdx/{name}.gz")), folder.path());
            let ranges = vhdx_ranges(&path);
            let allocation = sound_vhdx(&path);
            assert_eq!(allocation.allocated_bytes, in_file(&ranges), "{name}");
            (File::open(&path).unwrap(), ranges)
        })
        .collect();
    let leaf = folder.path().join(names[0]);
    let expected = std::fs::read(dissect_to_raw(&python, &leaf, true)).unwrap();
    let mut found = vec![0xee; usize::try_from(8 * MIB).unwrap()];
    read_chain(&chain, 0, &mut found);
    assert!(found == expected);
    let unmended = std::fs::read(dissect_to_raw(&python, &leaf, false)).unwrap();
    assert!(unmended.len() < found.len() || unmended == found);
    let [leaf, middle, _] = &chain[..] else { panic!() };
    assert!(
        in_file(&leaf.1) > 0 && in_file(&middle.1) > 0,
        "every link holds something"
    );
}

#[test]
fn a_differencing_vhd_reads_as_its_bitmaps_say() {
    let Some(samples) = samples() else { return };
    let folder = tempfile::tempdir().unwrap();
    let made = samples.join("hyperv/made-vhd");
    let base = unpack(&made.join("b.vhd.gz"), folder.path());
    for name in ["b_diff.avhd", "b_597C2020-C1DF-5D65-8D17-A28F0864F93D.avhd"] {
        let path = unpack(&made.join(format!("{name}.gz")), folder.path());
        let ranges = vhd_ranges(&path);
        let allocation = sound_vhd(&path);
        check_cover(&ranges, ranges.last().unwrap().end());
        assert_eq!(allocation.allocated_bytes, in_file(&ranges), "{name}: {ranges:?}");
        assert!(allocation.allocated_bytes < allocation.payload_bytes || allocation.payload_bytes == 0);
    }
    assert_eq!(sound_vhd(&base).allocated_bytes, in_file(&vhd_ranges(&base)));
    let fixed = unpack(&samples.join("hyperv/dissect.hypervisor/fixed.vhd.gz"), folder.path());
    assert_eq!(vhd_ranges(&fixed).len(), 1);
}

/// vhdiinfo tells neither blocks nor ranges; kind and size are what it has in common with us.
#[test]
fn libvhdi_takes_the_same_files_for_the_same_disks() {
    if Command::new("vhdiinfo").arg("-V").output().is_err() {
        eprintln!("SKIPPED: vhdiinfo is missing");
        return;
    }
    let Some(folder) = workshop() else { return };
    for (format, options, size, kind) in [
        ("vpc", "subformat=dynamic,force_size=on", 64 * MIB, "Dynamic"),
        ("vpc", "subformat=fixed,force_size=on", 8 * MIB, "Fixed"),
        ("vhdx", "subformat=dynamic,block_size=2M", 64 * MIB, "Dynamic"),
        ("vhdx", "subformat=fixed,block_size=2M", 8 * MIB, "Fixed"),
    ] {
        let path = image(folder.path(), format, options, size, &[(0, 512)]);
        let told = run("vhdiinfo", &[path.to_str().unwrap()]);
        let source = OnDisk::open(&path);
        let (read_kind, read_size) = if format == "vpc" {
            let disk = vhd::read(&source, &Limits::default()).unwrap();
            (Some(disk.kind), disk.virtual_bytes)
        } else {
            let disk = vhdx::read(&source, &Limits::default()).unwrap();
            (disk.kind, disk.virtual_bytes)
        };
        assert_eq!(read_size, Some(size));
        assert!(
            told.contains(&format!("({size} bytes)")) || told.contains(&format!(": {size} bytes")),
            "{told}"
        );
        assert!(told.contains(kind), "{told}");
        assert_eq!(read_kind.unwrap().as_str(), kind.to_lowercase());
    }
}
