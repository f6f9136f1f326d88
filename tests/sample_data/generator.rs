//! What the generator makes, and what it leaves alone.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use crate::{
    COMMITTED,
    manifest::inode,
    run::{sites, write_sites},
    vmware,
};

/// The files below a folder, without the locks that are named after an inode.
fn files_without_live_locks(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = ["vmware", "hyperv"].map(|site| WalkDir::new(folder.join(site)).into_iter().map(Result::unwrap));
    let files = entries
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file());
    let paths = files.map(|entry| entry.path().strip_prefix(folder).unwrap().to_owned());
    paths
        .filter(|path| !path.to_string_lossy().replace('\\', "/").contains("web01/.lck-"))
        .collect()
}

#[test]
fn the_committed_sites_are_what_the_generator_makes() {
    let folder = sites();
    let made = folder.path().join("sample-data");
    let files = files_without_live_locks(&made);
    assert_eq!(files_without_live_locks(Path::new(COMMITTED)), files);
    // A workbook is an archive, which says whether it was made on Windows.
    let is_comparable = |path: &PathBuf| cfg!(unix) || path.extension().is_none_or(|extension| extension != "xlsx");
    for path in files.into_iter().filter(is_comparable) {
        let same = fs::read(made.join(&path)).unwrap() == fs::read(Path::new(COMMITTED).join(&path)).unwrap();
        assert!(
            same,
            "{} differs: run `cargo run --release --example make-sample-data`",
            path.display()
        );
    }
}

#[test]
fn the_generator_makes_a_checkout_whole_and_leaves_other_files_alone() {
    let folder = sites();
    let sample_data = folder.path().join("sample-data");
    let vmware = sample_data.join("vmware");
    let times = |path: &str| fs::metadata(vmware.join(path)).unwrap().modified().unwrap();
    let right = times("nfs01/web02/web02-flat.vmdk");
    // As a checkout leaves it: the second name is a file of its own, the file is new and has another time and inode.
    let flat = fs::read(vmware.join("nfs01/web02/web02-flat.vmdk")).unwrap();
    fs::remove_file(vmware.join("nfs01/restore-test/web02-flat.vmdk")).unwrap();
    fs::write(vmware.join("nfs01/restore-test/web02-flat.vmdk"), &flat).unwrap();
    fs::write(vmware.join("nfs01/web02/web02-flat.vmdk"), &flat).unwrap();
    let locked = vmware.join("nfs01/web01/web01-000002-delta.vmdk");
    fs::copy(&locked, vmware.join("nfs01/web01/copy")).unwrap();
    fs::rename(vmware.join("nfs01/web01/copy"), &locked).unwrap();
    fs::write(vmware.join("nfs01/web01/notes.txt"), "mine").unwrap();
    let before = files_without_live_locks(&sample_data);

    write_sites(&sample_data);

    assert_eq!(files_without_live_locks(&sample_data), before);
    assert_eq!(fs::read(vmware.join("nfs01/web01/notes.txt")).unwrap(), b"mine");
    assert_eq!(times("nfs01/web02/web02-flat.vmdk"), right);
    assert_eq!(times("nfs01/restore-test/web02-flat.vmdk"), right);
    let names = fs::read_dir(vmware.join("nfs01/web01")).unwrap();
    let is_lock = |name: &str| name.starts_with(".lck-");
    let locks: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| is_lock(name))
        .collect();
    assert_eq!(
        locks,
        [derelict_parsers::testkit::vmware::nfs_lock_name(inode(&locked))]
    );
    let links = ["nfs01/web02/web02-flat.vmdk", "nfs01/restore-test/web02-flat.vmdk"];
    let [first, second] = links.map(|path| inode(&vmware.join(path)));
    assert_eq!(first, second, "one file with two names");
}

#[test]
fn the_generator_does_not_replace_a_file_that_it_did_not_make() {
    let folder = sites();
    let vmware = folder.path().join("sample-data/vmware");
    let link = vmware.join("nfs01/restore-test/web02-flat.vmdk");
    fs::remove_file(&link).unwrap();
    fs::write(&link, "mine").unwrap();
    let error = vmware::site().write(&vmware).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&link).unwrap(), b"mine");
}

#[test]
fn the_sites_are_small() {
    let folder = sites();
    let entries = WalkDir::new(folder.path()).into_iter().map(Result::unwrap);
    let metadata = entries
        .map(|entry| entry.metadata().unwrap())
        .filter(fs::Metadata::is_file);
    let allocated: u64 = metadata.map(|metadata| allocated_bytes(&metadata)).sum();
    assert!(allocated < 5 << 20, "{allocated} bytes");
}

#[cfg(unix)]
pub(crate) fn allocated_bytes(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

#[cfg(not(unix))]
pub(crate) fn allocated_bytes(_: &fs::Metadata) -> u64 {
    0
}
