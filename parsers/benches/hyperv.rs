//! How fast the readers of Hyper-V are, next to a checksum of the same bytes read the same way.
//!
//! `cargo bench -p derelict-parsers --bench hyperv`; the numbers stand in the README. For the comparison with
//! dissect.hypervisor set `DERELICT_PYTHON` to a Python that has it: it then parses the same configuration as often.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]

mod clock;

use std::{
    hint::black_box,
    io::{Read, Write},
    process::Command,
    time::Instant,
};

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use derelict_parsers::{
    DiskKind, Limits, ReadAt, hyperv_config,
    testkit::{
        guid,
        hyperv_vm::HypervVm,
        vhd::VhdBuilder,
        vhdx::{BAT_OFFSET, VhdxBuilder},
    },
    vhd, vhdx, vmcx,
};

use clock::{best_in_turn, say};

const MIB: u64 = 1 << 20;
/// As the readers of tables read.
const PIECE_BYTES: usize = 256 << 10;

/// A file of which only the start is there, with as many zeros behind as its blocks need.
struct Long {
    start: Vec<u8>,
    length: u64,
}

impl ReadAt for Long {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let got = self.start.read_at(offset, buffer)?;
        buffer.get_mut(got..).unwrap_or_default().fill(0);
        Ok(buffer.len())
    }
}

/// The bytes of a table, read in pieces into one buffer and summed up.
fn checksum(source: &Long, offset: u64, length: u64, mut sum: impl FnMut(&[u8])) {
    let mut piece = vec![0; PIECE_BYTES];
    let mut at = offset;
    while at < offset + length {
        let left = usize::try_from(offset + length - at).unwrap().min(PIECE_BYTES);
        source.read_at(at, &mut piece[..left]).unwrap();
        sum(&piece[..left]);
        at += u64::try_from(left).unwrap();
    }
}

fn baselines(group: &mut BenchmarkGroup<'_, WallTime>, source: &Long, offset: u64, length: u64) {
    group.bench_function("CRC-32 of the table", |bencher| {
        bencher.iter(|| {
            let mut hasher = crc32fast::Hasher::new();
            checksum(source, offset, length, |piece| hasher.update(piece));
            hasher.finalize()
        });
    });
    group.bench_function("memory read of the table", |bencher| {
        bencher.iter(|| {
            let mut sum = 0_u64;
            checksum(source, offset, length, |piece| {
                let words = piece.as_chunks::<8>().0.iter();
                sum = words.fold(sum, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)));
            });
            sum
        });
    });
}

/// A loop that does nothing but set a bit for each place that a table names: what no walk that looks for overlaps can be
/// faster than.
fn set_bits<const N: usize>(source: &Long, offset: u64, length: u64, place_of: impl Fn([u8; N]) -> usize) -> u64 {
    let mut words = vec![0_u64; 1 << 17];
    let last_word = words.len() - 1;
    checksum(source, offset, length, |piece| {
        for entry in piece.as_chunks().0 {
            let place = place_of(*entry);
            words[(place / 64) & last_word] |= 1 << (place % 64);
        }
    });
    words.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// Prints how fast a walk is beside a checksum of the same bytes, and beside the barest loop that sets a bit for each entry.
fn compare_with_checksum(name: &str, source: &Long, offset: u64, length: u64, walk: &dyn Fn(), bare: &dyn Fn()) {
    let sum = || {
        let mut hasher = crc32fast::Hasher::new();
        checksum(source, offset, length, |piece| hasher.update(piece));
        black_box(hasher.finalize());
    };
    let [walk, sum, bare] = best_in_turn(100, 1, [walk, &sum, bare]);
    let speed = |seconds: f64| f64::from(u32::try_from(length).unwrap()) / seconds / 1e9;
    say(&format!(
        "{name}: {:.2} GB/s, a CRC-32 {:.2} GB/s: {:.2} of its speed; bits set bare {:.2} GB/s: {:.2} of its speed",
        speed(walk),
        speed(sum),
        sum / walk,
        speed(bare),
        bare / walk,
    ));
}

/// An order that jumps about, the same in every run.
fn shuffled(count: u64) -> Vec<u64> {
    let mut order: Vec<u64> = (0..count).collect();
    order.sort_by_cached_key(|number| guid(1, *number));
    order
}

/// A dynamic VHDX whose blocks of 1 MiB have these places among its blocks; `None`: not there. With the length of the
/// table.
fn vhdx_with(blocks: u64, place: impl Fn(u64) -> Option<u64>) -> (Long, u64) {
    let mut builder = VhdxBuilder::new(DiskKind::Dynamic, blocks * MIB, 1);
    builder.block_size_bytes = 1 << 20;
    let table = (blocks + (blocks - 1) / 4096) * 8;
    let first = BAT_OFFSET + table.next_multiple_of(MIB);
    let mut start = builder.build().to_vec();
    start.resize(usize::try_from(first).unwrap(), 0);
    for block in 0..blocks {
        if let Some(place) = place(block) {
            let at = usize::try_from(BAT_OFFSET + (block + block / 4096) * 8).unwrap();
            start[at..at + 8].copy_from_slice(&(first + place * MIB + 6).to_le_bytes());
        }
    }
    let length = first + blocks * MIB;
    (Long { start, length }, table)
}

fn vhdx_tables(criterion: &mut Criterion) {
    let blocks = 4 << 20;
    let order = shuffled(blocks);
    let place = |block: u64| order.get(usize::try_from(block).unwrap()).copied();
    let cases: [(&str, (Long, u64)); 3] = [
        ("empty", vhdx_with(blocks, |_| None)),
        ("in order", vhdx_with(blocks, Some)),
        ("shuffled", vhdx_with(blocks, place)),
    ];
    let mut group = criterion.benchmark_group("VHDX table of 4 TiB in blocks of 1 MiB");
    group.sample_size(20);
    for (name, (source, table)) in &cases {
        group.throughput(Throughput::Bytes(*table));
        let told = vhdx::allocation(source, &Limits::default()).unwrap();
        assert_eq!(told.anomalies, []);
        group.bench_function(format!("allocation, {name}"), |bencher| {
            bencher.iter(|| vhdx::allocation(black_box(source), &Limits::default()).unwrap());
        });
        group.bench_function(format!("ranges, {name}"), |bencher| {
            bencher.iter(|| vhdx::ranges(black_box(source), &Limits::default()).unwrap().count());
        });
    }
    let (source, table) = &cases[1].1;
    baselines(&mut group, source, BAT_OFFSET, *table);
    group.finish();
    for (name, (source, table)) in &cases {
        let walk = || {
            black_box(vhdx::allocation(source, &Limits::default()).unwrap());
        };
        let place_of = |entry| usize::try_from(u64::from_le_bytes(entry) >> 20_u32).unwrap();
        let bare = || {
            black_box(set_bits(source, BAT_OFFSET, *table, place_of));
        };
        let name = format!("VHDX allocation, {name}");
        compare_with_checksum(&name, source, BAT_OFFSET, *table, &walk, &bare);
    }
}

/// A dynamic VHD whose blocks of 2 MiB stand `step` sectors apart in this order; `None`: not there.
fn vhd_with(blocks: u64, step: u64, place: impl Fn(u64) -> Option<u64>) -> Long {
    let mut start = VhdBuilder::new(DiskKind::Dynamic, blocks * 2 * MIB, 1).bytes();
    let first = 16 + blocks / 128;
    start.resize(usize::try_from(first * 512).unwrap(), 0);
    for block in 0..blocks {
        let at = usize::try_from(0x600 + block * 4).unwrap();
        let sector = place(block).map_or(u64::from(u32::MAX), |place| first + place * step);
        start[at..at + 4].copy_from_slice(&u32::try_from(sector).unwrap().to_be_bytes());
    }
    // There is no footer at the end: its copy at the start is taken, as in recovery.
    let length = (first + blocks * step + 1) * 512;
    Long { start, length }
}

fn vhd_tables(criterion: &mut Criterion) {
    let blocks = 1_000_000;
    let order = shuffled(blocks);
    let place = |block: u64| order.get(usize::try_from(block).unwrap()).copied();
    let cases = [
        ("empty", vhd_with(blocks, 4097, |_| None)),
        ("in order, packed", vhd_with(blocks, 4097, Some)),
        (
            "in order, with gaps as Windows leaves them",
            vhd_with(blocks, 4104, Some),
        ),
        ("shuffled", vhd_with(blocks, 4104, place)),
    ];
    let mut group = criterion.benchmark_group("VHD table of 2000 GB in blocks of 2 MiB");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(blocks * 4));
    for (name, source) in &cases {
        let told = vhd::allocation(source, &Limits::default()).unwrap();
        assert_eq!(told.anomalies, []);
        group.bench_function(format!("allocation, {name}"), |bencher| {
            bencher.iter(|| vhd::allocation(black_box(source), &Limits::default()).unwrap());
        });
    }
    baselines(&mut group, &cases[1].1, 0x600, blocks * 4);
    group.finish();
    for (name, source) in &cases {
        let walk = || {
            black_box(vhd::allocation(source, &Limits::default()).unwrap());
        };
        let place_of = |entry| usize::try_from(u32::from_be_bytes(entry) / 4104).unwrap();
        let bare = || {
            black_box(set_bits(source, 0x600, blocks * 4, place_of));
        };
        compare_with_checksum(
            &format!("VHD allocation, {name}"),
            source,
            0x600,
            blocks * 4,
            &walk,
            &bare,
        );
    }
}

fn headers(criterion: &mut Criterion) {
    let vhdx = VhdxBuilder::new(DiskKind::Dynamic, 64 << 30, 1).bytes();
    let dynamic = VhdBuilder::new(DiskKind::Dynamic, 64 << 30, 1).bytes();
    let fixed = VhdBuilder::new(DiskKind::Fixed, MIB, 1).bytes();
    let mut group = criterion.benchmark_group("headers");
    group.bench_function("VHDX", |bencher| {
        bencher.iter(|| vhdx::read(black_box(&vhdx), &Limits::default()).unwrap());
    });
    group.bench_function("what a VHDX is read by, and its checksums", |bencher| {
        bencher.iter(|| {
            let head = black_box(&vhdx).up_to("head", 0, 320 << 10).unwrap();
            let metadata = vhdx.up_to("metadata", 2 * MIB, 128 << 10).unwrap();
            let parts = [
                0x1_0000..0x1_1000,
                0x2_0000..0x2_1000,
                0x3_0000..0x4_0000,
                0x4_0000..0x5_0000,
            ];
            (parts.map(|part| crc32c::crc32c(&head[part])), metadata.len())
        });
    });
    group.bench_function("VHD, dynamic", |bencher| {
        bencher.iter(|| vhd::read(black_box(&dynamic), &Limits::default()).unwrap());
    });
    group.bench_function("VHD, fixed", |bencher| {
        bencher.iter(|| vhd::read(black_box(&fixed), &Limits::default()).unwrap());
    });
    group.finish();
}

fn configurations(criterion: &mut Criterion) {
    let vm = HypervVm::new("vm", guid(1, 1)).to_vmcx();
    let mut group = criterion.benchmark_group("VMCX");
    group.throughput(Throughput::Bytes(u64::try_from(vm.len()).unwrap()));
    group.bench_function("tree of keys", |bencher| {
        bencher.iter(|| vmcx::read(black_box(vm.as_slice()), &Limits::default()).unwrap());
    });
    group.bench_function("configuration", |bencher| {
        bencher.iter(|| hyperv_config::read_container(black_box(vm.as_slice()), &Limits::default()).unwrap());
    });
    group.bench_function("CRC-32 of the file", |bencher| {
        bencher.iter(|| crc32fast::hash(black_box(&vm)));
    });
    group.finish();
    compare_with_dissect(&vm);
    let real = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/samples/hyperv/dissect.hypervisor/test.vmcx"
    );
    match std::fs::File::open(real) {
        Ok(file) => {
            let mut real = Vec::new();
            file.take(MIB).read_to_end(&mut real).unwrap();
            compare_with_dissect(&real);
        }
        Err(_) => say("SKIPPED: samples absent, no configuration of a real VM"),
    }
}

/// Parses a configuration with dissect as we do, all values included, and prints how much longer that takes: the best of
/// many rounds of each.
fn compare_with_dissect(vm: &[u8]) {
    const ROUNDS: u32 = 200;
    const SCRIPT: &str = r"
import sys, timeit
from io import BytesIO
from dissect.hypervisor.descriptor.hyperv import HyperVFile
data = open(sys.argv[1], 'rb').read()
print(min(timeit.repeat(lambda: HyperVFile(BytesIO(data)).as_dict(), number=1, repeat=int(sys.argv[2]))))
";
    let Ok(python) = std::env::var("DERELICT_PYTHON") else {
        return say("dissect: not compared, DERELICT_PYTHON is not set");
    };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(vm).unwrap();
    let output = Command::new(&python)
        .args(["-c", SCRIPT, file.path().to_str().unwrap(), &ROUNDS.to_string()])
        .output()
        .unwrap();
    let Ok(of_dissect) = String::from_utf8_lossy(&output.stdout).trim().parse::<f64>() else {
        return say(&format!("dissect: {}", String::from_utf8_lossy(&output.stderr)));
    };
    let mut ours = f64::MAX;
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        black_box(vmcx::read(black_box(vm), &Limits::default()).unwrap());
        ours = ours.min(begin.elapsed().as_secs_f64());
    }
    say(&format!(
        "VMCX of {} bytes: dissect.hypervisor {:.0} µs, here {:.1} µs: {:.0} times as fast",
        vm.len(),
        of_dissect * 1e6,
        ours * 1e6,
        of_dissect / ours
    ));
}

criterion_group!(benches, headers, configurations, vhdx_tables, vhd_tables);
criterion_main!(benches);
