//! Files that change between the listing and the reading, or while they are read.

use crate::{
    fs::{Fault, Faulty, Op},
    site::{Desk, OLD, files},
};

#[test]
fn a_file_that_vanishes_is_an_issue_and_never_orphaned() {
    for op in [Op::Stat, Op::Open] {
        let Some(storage) = Faulty::mount(&files()) else { return };
        storage.fault("old/old.vmdk", op, Fault::Vanishes);
        let run = Desk::new()
            .start("scan", &[storage.path()], &["--io-timeout", "600"])
            .end(None);
        assert_eq!(run.status, 3, "{op:?}");
        assert_eq!(run.issues().len(), 1, "{op:?}");
        assert_ne!(run.verdict("old/old.vmdk"), "orphaned", "{op:?}");
    }
}

#[test]
fn roots_that_cannot_be_read_are_named_with_the_reason() {
    const EACCES: i32 = 13;
    let Some(storage) = Faulty::mount(&files()) else { return };
    storage.fault("", Op::List, Fault::Error(EACCES));
    let run = Desk::new().start("scan", &[storage.path()], &[]).end(None);
    assert_eq!(run.status, 2, "{}", run.stderr());
    let why = format!("because {}: Permission denied", storage.path().display());
    assert!(run.stderr().contains(&why), "{}", run.stderr());
}

#[test]
fn a_folder_that_vanishes_is_an_issue() {
    let Some(storage) = Faulty::mount(&files()) else { return };
    storage.fault("stray", Op::Open, Fault::Vanishes);
    let run = Desk::new()
        .start("scan", &[storage.path()], &["--io-timeout", "600"])
        .end(None);
    assert_eq!(run.status, 3);
    assert_eq!(run.issues().len(), 1);
}

#[test]
fn a_file_that_changes_before_it_is_opened_or_while_it_is_read_is_in_use() {
    let grown = [OLD, b"# one more line\n"].concat();
    let shrunk = OLD.strip_suffix(b"\n").unwrap().to_vec();
    let rewritten = OLD.to_vec();
    for content in [grown, shrunk, rewritten] {
        for op in [Op::Open, Op::Read] {
            let Some(storage) = Faulty::mount(&files()) else { return };
            let length = content.len();
            storage.fault("old/old.vmdk", op, Fault::Becomes(content.clone()));
            let run = Desk::new()
                .start("scan", &[storage.path()], &["--io-timeout", "600"])
                .end(None);
            let report = run.report();
            let artifacts = report["artifacts"].as_array().unwrap();
            let old = artifacts
                .iter()
                .find(|artifact| artifact["relative_path"] == "old/old.vmdk")
                .unwrap();
            assert_eq!(
                (&old["verdict"], &old["class"]),
                (&"in-use".into(), &"changed-during-scan".into()),
                "{op:?}"
            );
            assert_eq!(old["apparent_bytes"], length, "the entry says what was read, {op:?}");
            assert_eq!(
                run.verdict("old/old-flat.vmdk"),
                "in-use",
                "a disk and its extents are one thing"
            );
        }
    }
}
