//! VMware's formats against a plain checksum and a plain read of the same bytes. Read the ratios, not the seconds.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]

use std::{
    fs::File,
    hint::black_box,
    io::{Read, Write},
    path::Path,
    time::Instant,
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use derelict_parsers::{
    Limits, ReadAt,
    testkit::{
        guid,
        vmware::{
            DescriptorBuilder, Grain, SparseBuilder, VmlogBuilder, VmxBuilder, cowd_with_grains, sesparse_with_grains,
        },
    },
    vmdk::{self, Vmdk, allocation::Ranges},
    vmware_log::VmLog,
    vmx::VmxConfig,
};

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
    for Subject { name, file, metadata } in subjects() {
        let vmdk = vmdk::read(&file, &Limits::default()).unwrap();
        let found = vmdk::allocation::read(&file, &vmdk).unwrap().unwrap();
        assert_eq!(found.anomalies, [], "{name}");
        assert!(!matches!(vmdk, Vmdk::Raw), "{name}");
        let mut group = criterion.benchmark_group(format!("grain tables of {name}"));
        group.sample_size(10).throughput(Throughput::Bytes(metadata));
        group.bench_function("walk", |bencher| {
            bencher.iter(|| black_box(vmdk::allocation::read(&file, &vmdk)));
        });
        group.bench_function("ranges", |bencher| {
            bencher.iter(|| black_box(Ranges::new(&file, &vmdk).unwrap().unwrap().count()));
        });
        group.bench_function("checksum of the same bytes", |bencher| {
            bencher.iter(|| black_box(checksum(&file, metadata)));
        });
        group.bench_function("read of the same bytes", |bencher| {
            bencher.iter(|| black_box(sum(&file, metadata)));
        });
        group.finish();
    }
}

/// A configuration of the usual size: 100 lines, of which a few name files.
fn usual_vmx() -> Vec<u8> {
    let disks = ["web01.vmdk", "web01_1.vmdk", "web01_2.vmdk"];
    let mut vmx = VmxBuilder::new("web 01", "web01").uuids(guid(1, 1), guid(1, 2));
    for (unit, disk) in (0..).zip(disks) {
        vmx = vmx.disk(&format!("scsi0:{unit}"), disk);
    }
    vmx = vmx
        .cd("sata0:0", "/vmfs/volumes/isos/install.iso")
        .set(
            "sched.swap.derivedName",
            "/vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0001/web01/web01-1f2e3d4c.vswp",
        )
        .set("vmx.log.fileName", "vmware.log");
    for bridge in 0..16 {
        vmx = vmx
            .set(&format!("pciBridge{bridge}.present"), "TRUE")
            .set(&format!("pciBridge{bridge}.pciSlotNumber"), &(17 + bridge).to_string())
            .set(&format!("sched.cpu{bridge}.affinity"), "all");
    }
    for nic in 0..3 {
        for (key, value) in [
            ("present", "TRUE"),
            ("virtualDev", "vmxnet3"),
            ("networkName", "VM Network"),
            ("addressType", "vpx"),
            ("generatedAddress", "00:50:56:9a:1d:7b"),
            ("uptCompatibility", "TRUE"),
        ] {
            vmx = vmx.set(&format!("ethernet{nic}.{key}"), value);
        }
    }
    vmx.build()
}

/// What a scan does before it parses: open a file of these bytes, and read 64 KiB or to its end.
fn open_and_read(path: &Path, buffer: &mut [u8]) -> usize {
    File::open(path).unwrap().read(buffer).unwrap()
}

/// Prints what parsing costs beside opening and reading the same file: the best of many rounds in turn, which holds on a
/// busy machine too.
fn compare_with_open(name: &str, bytes: &[u8], path: &Path, read: &dyn Fn(&[u8])) {
    let mut buffer = vec![0; 64 << 10];
    let mut best = [f64::MAX; 2];
    for _ in 0..20_000 {
        let begin = Instant::now();
        read(black_box(bytes));
        let middle = Instant::now();
        black_box(open_and_read(black_box(path), &mut buffer));
        let open = middle.elapsed().as_secs_f64();
        best = [
            best[0].min(middle.duration_since(begin).as_secs_f64()),
            best[1].min(open),
        ];
    }
    say(&format!(
        "{name}: parsed in {:.1} µs, open and read {:.1} µs: {:.1} times as long",
        best[0] * 1e6,
        best[1] * 1e6,
        best[0] / best[1]
    ));
}

#[expect(clippy::print_stdout, reason = "a bench tells its result")]
fn say(text: &str) {
    println!("{text}");
}

fn texts(criterion: &mut Criterion) {
    let vmx = (0..60).fold(VmxBuilder::new("web 01", "web01"), |vmx, unit| {
        vmx.disk(
            &format!("scsi{}:{}", unit / 15, unit % 15),
            &format!("web01_{unit}.vmdk"),
        )
    });
    let small = DescriptorBuilder::vmfs("web01", 20_971_520, 1, guid(1, 3));
    let descriptor = DescriptorBuilder::split_sparse("web01", &[4_192_256; 60], 1).change_tracking("web01-ctk.vmdk");
    let log = (0..60).fold(VmlogBuilder::new("esx-01", "/vmfs/volumes/a/w/w.vmx"), |log, unit| {
        log.disk(&format!("scsi0:{unit}"), "/vmfs/volumes/a/w/w.vmdk", guid(1, unit))
    });
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("texts");
    let mut bench = |name: &str, bytes: Vec<u8>, read: &dyn Fn(&[u8])| {
        let lines = bytes.split(|byte| *byte == b'\n').count() - 1;
        let name = format!("{name}, {} bytes, {lines} lines", bytes.len());
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        group.throughput(Throughput::Bytes(u64::try_from(bytes.len()).unwrap()));
        group.bench_function(&name, |bencher| bencher.iter(|| read(black_box(&bytes))));
        compare_with_open(&name, &bytes, file.path(), read);
    };
    let read_vmx = |bytes: &[u8]| {
        black_box(VmxConfig::read(bytes, &limits).unwrap());
    };
    let read_vmdk = |bytes: &[u8]| {
        black_box(vmdk::read(bytes, &limits).unwrap());
    };
    bench("configuration (.vmx)", usual_vmx(), &read_vmx);
    bench("configuration of 60 disks", vmx.build(), &read_vmx);
    bench("descriptor (.vmdk)", small.build(), &read_vmdk);
    bench("descriptor of 60 extents", descriptor.build(), &read_vmdk);
    bench("log (vmware.log)", log.build(), &|bytes| {
        black_box(VmLog::read(bytes).unwrap());
    });
    group.finish();
}

criterion_group!(benches, tables, texts);
criterion_main!(benches);
