//! The crawl against the plainest thing that does the same on one thread: walkdir with the metadata of every file. Read
//! the ratio of the two, not the seconds.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]

use std::{fs, hint::black_box, path::Path, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use derelict::{
    collect::{CollectOptions, RootArgument, collect},
    progress::Hidden,
};

/// Shape of the synthetic tree: 1,000 folders of 50 files, of which every tenth holds a VM.
const FOLDERS: usize = 1000;
const FILES: usize = 50;

const VMX: &str =
    "config.version = \"8\"\ndisplayName = \"a\"\nscsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"a.vmdk\"\n";
const DESCRIPTOR: &str = "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"vmfs\"\n\
     RW 2048 VMFS \"a-flat.vmdk\"\n";

fn make_tree(root: &Path) {
    for folder in 0..FOLDERS {
        let path = root
            .join(format!("group {}", folder % 20))
            .join(format!("folder {folder}"));
        fs::create_dir_all(&path).unwrap();
        let holds_vm = folder % 10 == 0;
        if holds_vm {
            fs::write(path.join("a.vmx"), VMX).unwrap();
            fs::write(path.join("a.vmdk"), DESCRIPTOR).unwrap();
        }
        for file in 0..FILES - if holds_vm { 2 } else { 0 } {
            fs::write(path.join(format!("file {file}.txt")), "x").unwrap();
        }
    }
}

/// Number and sum of lengths of all files.
fn plain_walk(root: &Path) -> (u64, u64) {
    walkdir::WalkDir::new(root)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.metadata().unwrap().len())
        .fold((0, 0), |(files, bytes), length| (files + 1, bytes + length))
}

fn crawl(criterion: &mut Criterion) {
    let tree = tempfile::tempdir().unwrap();
    make_tree(tree.path());
    let roots = [RootArgument {
        path: tree.path().to_owned(),
        aliases: Vec::new(),
        is_silent: false,
    }];
    let mut group = criterion.benchmark_group("tree of 50,000 files");
    group.sample_size(10);
    group.bench_function("walkdir and metadata", |bencher| {
        bencher.iter(|| black_box(plain_walk(tree.path())));
    });
    for threads in [1, 2, 8] {
        let options = CollectOptions {
            threads: Some(threads),
            ..CollectOptions::default()
        };
        group.bench_function(format!("collect, {threads} threads"), |bencher| {
            bencher.iter(|| black_box(collect(&roots, &options, Arc::new(Hidden)).unwrap()));
        });
    }
    group.finish();
    let collected = collect(&roots, &CollectOptions::default(), Arc::new(Hidden)).unwrap();
    let counted = (collected.roots[0].files, collected.roots[0].apparent_bytes);
    assert_eq!(plain_walk(tree.path()), counted, "both saw the same tree");
}

criterion_group!(benches, crawl);
criterion_main!(benches);
