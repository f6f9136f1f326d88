//! One datastore that two machines have mounted at different places, each with a catalogue of its own.

use std::path::Path;

use derelict_parsers::testkit::vmware::{nfs_lock, nfs_lock_name};
use serde_json::Value;

use crate::{
    fs::Faulty,
    site::{Desk, Run, files},
};

/// The number that the file system of the tests gives to this file.
fn inode(storage: &Faulty, path: &str) -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(storage.path().join(path)).unwrap().ino()
}

fn artifacts(run: &Run) -> Vec<(String, String)> {
    let report = run.report();
    let artifacts = report["artifacts"].as_array().unwrap().iter();
    let text = |artifact: &Value, field: &str| artifact[field].as_str().unwrap().to_owned();
    artifacts
        .map(|artifact| (text(artifact, "path"), text(artifact, "verdict")))
        .collect()
}

fn under(storage: &Faulty, path: &str) -> String {
    format!("{}/{path}", storage.path().to_str().unwrap())
}

#[test]
fn a_datastore_that_two_machines_see_counts_once_under_the_names_of_both() {
    let Some((one, other)) = Faulty::mount(&files()).zip(Faulty::mount(&files())) else {
        return;
    };
    let desk = Desk::new();
    let Some(seen) = catalogues(&desk, &one, &other) else {
        return;
    };
    let alone = desk.report(&seen[0].path("out.catalogue"));
    let both = desk.report_all(&[&seen[0].path("out.catalogue"), &seen[1].path("out.catalogue")]);
    assert_eq!(both.status, alone.status, "{}", both.stderr());
    assert_eq!(
        both.report()["summary"],
        alone.report()["summary"],
        "every file counts once"
    );
    let roots = both.report()["coverage"]["roots"].clone();
    let roots: Vec<_> = roots.as_array().unwrap().iter().collect();
    assert_eq!(roots.len(), 2);
    for (root, storage) in roots.iter().zip([&one, &other]) {
        assert_eq!(root["path"], storage.path().to_str().unwrap());
        assert_eq!(root["datastore"], "ds1");
        let all = artifacts(&both);
        for (path, verdict) in [("web01/web01.vmx", "owned"), ("old/old-flat.vmdk", "orphaned")] {
            assert!(
                all.contains(&(under(storage, path), verdict.to_owned())),
                "{path}: {all:?}"
            );
        }
    }
}

#[test]
fn a_lock_that_one_machine_saw_holds_for_what_the_other_saw() {
    let Some(other) = Faulty::mount(&files()) else { return };
    let lock = format!("old/{}", nfs_lock_name(inode(&other, "old/old-flat.vmdk")));
    let body = nfs_lock("esx-of-another-vcenter");
    let with_lock = [files(), vec![(lock.as_str(), body.as_slice())]].concat();
    let Some(one) = Faulty::mount(&with_lock) else { return };
    let desk = Desk::new();
    let Some(seen) = catalogues(&desk, &one, &other) else {
        return;
    };
    let path = |run: &Run| run.path("out.catalogue");
    let without = desk.report(&path(&seen[1]));
    assert_eq!(without.verdict("old/old-flat.vmdk"), "orphaned");
    for order in [[0, 1], [1, 0]] {
        let paths = order.map(|index| path(&seen[index]));
        let paths: [&Path; 2] = [&paths[0], &paths[1]];
        let both = artifacts(&desk.report_all(&paths));
        for storage in [&one, &other] {
            let held = (under(storage, "old/old-flat.vmdk"), "in-use".to_owned());
            assert!(both.contains(&held), "{both:?}");
        }
    }
}

/// What each of two machines saw.
fn catalogues(desk: &Desk, one: &Faulty, other: &Faulty) -> Option<[Run; 2]> {
    let first = desk.collect_on("0123456789abcdef0123456789abcdef", &[one.path()])?;
    let second = desk.collect_on("fedcba9876543210fedcba9876543210", &[other.path()])?;
    for run in [&first, &second] {
        assert_eq!(run.status, 0, "{}", run.stderr());
    }
    Some([first, second])
}
