//! Hashing of one large file and of many small ones, against BLAKE3's own way with all cores, which maps the file (as
//! `b3sum` does). Read the ratio, not the seconds.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]

use std::{fs, hint::black_box, io::Write, path::PathBuf, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use derelict::{
    collect::CollectOptions,
    hash::{Outcome, ToHash, hash_files},
    progress::{Hidden, Progress},
};

/// One file of 1 GiB, or 4,096 of 256 KiB.
const LARGE: usize = 1 << 30;
const SMALL: usize = 256 << 10;

fn file(path: PathBuf, length: usize) -> PathBuf {
    let mut file = fs::File::create(&path).unwrap();
    let part: Vec<u8> = (0..=250).cycle().take(1 << 20).collect();
    let mut left = length;
    while left > 0 {
        let count = left.min(part.len());
        file.write_all(&part[..count]).unwrap();
        left -= count;
    }
    path
}

fn ours(paths: &[PathBuf]) -> Vec<Outcome> {
    let to_hash = |path: &PathBuf| ToHash {
        path: Some(path.clone()),
        device: 0,
        length: 0,
        modified: None,
    };
    let progress: Arc<dyn Progress> = Arc::new(Hidden);
    hash_files(
        paths.iter().map(to_hash).collect(),
        &CollectOptions::default(),
        &progress,
    )
    .unwrap()
}

fn mapped(paths: &[PathBuf]) -> Vec<Outcome> {
    let hash = |path: &PathBuf| {
        let mut hasher = blake3::Hasher::new();
        hasher.update_mmap_rayon(path).unwrap();
        Ok(hasher.finalize().to_hex().to_string())
    };
    paths.iter().map(hash).collect()
}

fn hash(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let large = vec![file(folder.path().join("large"), LARGE)];
    let small: Vec<_> = (0..LARGE / SMALL)
        .map(|number| file(folder.path().join(number.to_string()), SMALL))
        .collect();
    for (name, paths) in [("one file of 1 GiB", large), ("4,096 files of 256 KiB", small)] {
        assert_eq!(ours(&paths), mapped(&paths), "both give the same digests");
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        group.throughput(Throughput::Bytes(LARGE.try_into().unwrap()));
        group.bench_function("mapped, all cores", |bencher| {
            bencher.iter(|| black_box(mapped(&paths)));
        });
        group.bench_function("derelict", |bencher| bencher.iter(|| black_box(ours(&paths))));
        group.finish();
    }
}

criterion_group!(benches, hash);
criterion_main!(benches);
