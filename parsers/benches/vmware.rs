//! VMware's formats against a plain checksum and a plain read of the same bytes. Read the ratios, not the seconds.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]

mod clock;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use derelict_parsers::{
    Limits, ReadAt,
    testkit::vmware::{DescriptorBuilder, Grain, SparseBuilder, cowd_with_grains, sesparse_with_grains},
    vmdk::{self, Vmdk, allocation::Ranges},
};

use clock::{best_in_turn, say};

/// What a walk reads at a time, for the plain passes.
const PIECE: usize = 1 << 20;

/// Reads `length` bytes from the start in pieces, as a walk does, and hands them on.
fn pass(source: &[u8], length: u64, mut take: impl FnMut(&[u8])) {
    let mut piece = vec![0; PIECE];
    let mut at = 0;
    while at < length {
        let wanted = usize::try_from((length - at).min(1 << 20)).unwrap();
        let got = source.read_at(at, &mut piece[..wanted]).unwrap();
        take(&piece[..got]);
        at += u64::try_from(got).unwrap();
    }
}

fn checksum(source: &[u8], length: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    pass(source, length, |piece| hasher.update(piece));
    hasher.finalize()
}

fn sum(source: &[u8], length: u64) -> u64 {
    let mut sum = 0_u64;
    pass(source, length, |piece| {
        let words = piece.as_chunks::<8>().0.iter();
        sum = words.fold(sum, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)));
    });
    sum
}

/// A file in which every grain has data, but only the first ones are there: tables are what is read.
struct Subject {
    name: &'static str,
    file: Vec<u8>,
    /// Bytes of directory and tables.
    metadata: u64,
}

/// Fills a table area with entries that lie inside the file.
fn fill(file: &mut [u8], at: usize, length: usize, entry: impl Fn(u64) -> Vec<u8>) {
    let width = entry(0).len();
    for (number, place) in (0..).zip(file[at..at + length].chunks_exact_mut(width)) {
        place.copy_from_slice(&entry(number));
    }
}

fn subjects() -> Vec<Subject> {
    // 1 TiB at 64 KiB a grain: 64 MiB of tables in each copy. The file has a length in which every entry can lie.
    let sectors = 1 << 31;
    let text = DescriptorBuilder::embedded("monolithicSparse", "m.vmdk", sectors, 1).build();
    let mut sparse = SparseBuilder::new(sectors)
        .descriptor(&text)
        .grain(0, Grain::Data)
        .build();
    let tables = 64 << 20;
    let gd_bytes = 32768 * 4;
    let redundant = 21 * 512 + gd_bytes;
    let inside = u64::try_from(sparse.len()).unwrap() / 512 - 128;
    let entry = |number: u64| u32::try_from(2 + number % (inside - 2)).unwrap().to_le_bytes().to_vec();
    fill(&mut sparse, redundant, tables, entry);
    fill(&mut sparse, redundant + tables + gd_bytes, tables, entry);

    // 8 GiB at one sector a grain: 64 MiB of tables, each before its grains.
    let grains: Vec<u64> = (0..4096).map(|table| table * 4096).collect();
    let mut cowd = cowd_with_grains(1 << 24, &grains);
    let inside = u32::try_from(cowd.len() / 512).unwrap();
    for table in 0..4096 {
        let at = 2048 + 4096 * 4 + table * (16384 + 512);
        fill(&mut cowd, at, 16384, |number| {
            (4 + u32::try_from(number).unwrap() % (inside - 4))
                .to_le_bytes()
                .to_vec()
        });
    }

    // 32 GiB at 4 KiB a grain: 64 MiB of tables.
    let grains: Vec<(u64, Grain)> = (0..8192).map(|number| (number * 1024, Grain::Data)).collect();
    let mut sesparse = sesparse_with_grains(1 << 26, false, &grains).to_vec();
    let at = (1 + 1 + 2 + 8 + 32) * 512;
    fill(&mut sesparse, at, tables, |number| {
        let own = number % 2048;
        (3 << 60 | (own & 0xFFF) << 48 | own >> 12_u32).to_le_bytes().to_vec()
    });
    let mut mixed = sesparse.clone();
    fill(&mut mixed, at, tables, |number| {
        let own = number % 2048;
        let entry = match number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 62_u32 {
            0 => 0,
            3 => 3 << 60 | (own & 0xFFF) << 48 | own >> 12_u32,
            kind => kind << 60_u32,
        };
        entry.to_le_bytes().to_vec()
    });
    let with_directory = |entries: u64| (64 << 20) + entries;
    vec![
        Subject {
            name: "KDMV with its redundant copy",
            file: sparse,
            metadata: 2 * with_directory(32768 * 4),
        },
        Subject {
            name: "COWD",
            file: cowd,
            metadata: with_directory(4096 * 4),
        },
        Subject {
            name: "seSparse",
            file: sesparse,
            metadata: with_directory(2048 * 8),
        },
        Subject {
            name: "seSparse with every kind of entry",
            file: mixed,
            metadata: with_directory(2048 * 8),
        },
    ]
}

fn tables(criterion: &mut Criterion) {
    for subject in subjects() {
        let Subject { name, file, metadata } = &subject;
        let vmdk = vmdk::read(file, &Limits::default()).unwrap();
        let found = vmdk::allocation::read(file, &vmdk).unwrap().unwrap();
        assert_eq!(found.anomalies, [], "{name}");
        assert!(!matches!(vmdk, Vmdk::Raw), "{name}");
        let mut group = criterion.benchmark_group(format!("grain tables of {name}"));
        group.sample_size(10).throughput(Throughput::Bytes(*metadata));
        group.bench_function("walk", |bencher| {
            bencher.iter(|| black_box(vmdk::allocation::read(file, &vmdk)));
        });
        group.bench_function("ranges", |bencher| {
            bencher.iter(|| black_box(Ranges::new(file, &vmdk).unwrap().unwrap().count()));
        });
        group.bench_function("checksum of the same bytes", |bencher| {
            bencher.iter(|| black_box(checksum(file, *metadata)));
        });
        group.bench_function("read of the same bytes", |bencher| {
            bencher.iter(|| black_box(sum(file, *metadata)));
        });
        group.finish();
        compare_with_passes(&subject, &|| {
            black_box(vmdk::allocation::read(file, &vmdk).unwrap());
        });
    }
}

/// Prints how fast a walk is beside a checksum and a plain sum of the same bytes.
fn compare_with_passes(Subject { name, file, metadata }: &Subject, walk: &dyn Fn()) {
    let checked = || {
        black_box(checksum(file, *metadata));
    };
    let summed = || {
        black_box(sum(file, *metadata));
    };
    let [walked, checked, summed] = best_in_turn(40, 1, [walk, &checked, &summed]);
    let speed = |seconds: f64| f64::from(u32::try_from(*metadata).unwrap()) / seconds / 1e9;
    say(&format!(
        "grain tables of {name}: {:.1} GB/s, a CRC-32 {:.1} GB/s: {:.2} of its speed; a plain sum {:.1} GB/s",
        speed(walked),
        speed(checked),
        checked / walked,
        speed(summed)
    ));
}

criterion_group!(benches, tables);
criterion_main!(benches);
