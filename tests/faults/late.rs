//! Storage that fails after the first look: while files are hashed, and when they are looked at again.

use derelict_parsers::{DiskKind, testkit::vhdx::VhdxBuilder};

use crate::{
    EACCES, EBUSY, EIO, ENXIO, ESTALE,
    fs::{Fault, Faulty, Op},
    site::{Desk, FLAT, OLD, Run, files},
};

const ERRORS: [i32; 5] = [EIO, ESTALE, EACCES, ENXIO, EBUSY];
const PATIENT: [&str; 2] = ["--io-timeout", "600"];

/// A disk that nobody knows for each error, in a folder of its number, and the other files.
fn mount_disks() -> Option<Faulty> {
    let names = ERRORS.map(|error| [format!("{error}/old.vmdk"), format!("{error}/old-flat.vmdk")]);
    let disks = names.iter().flat_map(|[descriptor, extent]| {
        let extent: (&str, &[u8]) = (extent, &FLAT);
        [(descriptor.as_str(), OLD), extent]
    });
    Faulty::mount(&files().into_iter().chain(disks).collect::<Vec<_>>())
}

/// Each disk has its issue of this stage and is not called orphaned, and nobody else has any or is judged otherwise.
fn assert_each_is_told(run: &Run, stage: &str, name: &str, of: &str) {
    assert_eq!(run.status, 3, "{of}");
    let report = run.report();
    let issues = report["coverage"]["issues"].as_array().unwrap();
    assert_eq!(issues.len(), ERRORS.len(), "{of}: {issues:?}");
    for error in ERRORS {
        let path = format!("{error}/{name}");
        let is_of_it = |issue: &&serde_json::Value| issue["path"].as_str().unwrap().ends_with(&format!("/{path}"));
        let issue = issues.iter().find(is_of_it).unwrap();
        assert_eq!(issue["stage"], stage, "{of}");
        let text = issue["error"].as_str().unwrap();
        assert!(text.contains(&format!("os error {error}")), "{of}: {text}");
        // A disk and its extents are one thing. Who is refused for another is refused by one who uses it.
        let expected = if error == EBUSY { "in-use" } else { "unknown" };
        for name in ["old.vmdk", "old-flat.vmdk"] {
            assert_eq!(run.verdict(&format!("{error}/{name}")), expected, "{of}: {error}");
        }
    }
    assert_eq!(run.verdict("old/old.vmdk"), "orphaned", "{of}");
    assert_eq!(run.verdict("old/old-flat.vmdk"), "orphaned", "{of}");
    assert_eq!(run.verdict("web01/web01.vmx"), "owned", "{of}");
}

#[test]
fn an_error_while_a_file_is_hashed_is_an_issue_and_costs_nobody_else_anything() {
    for op in [Op::Open, Op::Read] {
        let Some(storage) = mount_disks() else { return };
        // A flat extent is not opened but for its hash.
        for error in ERRORS {
            storage.fault(&format!("{error}/old-flat.vmdk"), op, Fault::Error(error));
        }
        let more = [&PATIENT[..], &["--hash"]].concat();
        let run = Desk::new().start("scan", &[storage.path()], &more).end(None);
        assert_each_is_told(&run, "hash", "old-flat.vmdk", &format!("{op:?}"));
        for error in ERRORS {
            assert!(run.artifact(&format!("{error}/old-flat.vmdk"))["blake3"].is_null());
        }
        let expected = blake3::hash(OLD).to_hex().to_string();
        assert_eq!(run.artifact("old/old.vmdk")["blake3"], expected);
        storage.assert_untouched();
    }
}

#[test]
fn a_file_that_somebody_touches_while_it_is_hashed_is_in_use() {
    let changes = [
        (Op::Open, Fault::Vanishes),
        (Op::Read, Fault::Becomes(vec![2; 2 << 20])),
        (Op::Read, Fault::Becomes(vec![1; 512])),
    ];
    for (op, change) in changes {
        let Some(storage) = Faulty::mount(&files()) else { return };
        storage.fault("old/old-flat.vmdk", op, change);
        let more = [&PATIENT[..], &["--hash"]].concat();
        let run = Desk::new().start("scan", &[storage.path()], &more).end(None);
        assert_eq!(run.status, 3, "{op:?}");
        assert_eq!(run.issues().len(), 1, "{op:?}: {:?}", run.issues());
        for path in ["old/old.vmdk", "old/old-flat.vmdk"] {
            let artifact = run.artifact(path);
            let said = (&artifact["verdict"], &artifact["class"]);
            assert_eq!(said, (&"in-use".into(), &"changed-during-scan".into()), "{op:?}");
        }
    }
}

#[test]
fn a_file_that_somebody_wrote_after_the_crawl_and_before_its_hash_is_in_use() {
    let Some(storage) = Faulty::mount(&files()) else { return };
    let more = ["--settle", "2", "--hash", "--progress", "json"];
    let running = Desk::new().start("scan", &[storage.path()], &[&PATIENT[..], &more].concat());
    // What changes between the second look and the hashing is seen by neither.
    running.until(|| running.stderr().contains(r#""phase":"settle","done":false"#));
    storage.fault("old/old-flat.vmdk", Op::Close, Fault::Becomes(vec![2; 2 << 20]));
    let run = running.end(None);
    assert_eq!(run.status, 3, "{}", run.stderr());
    let artifact = run.artifact("old/old-flat.vmdk");
    let said = (&artifact["verdict"], &artifact["class"]);
    assert_eq!(said, (&"in-use".into(), &"changed-during-scan".into()), "{artifact:#}");
    assert!(artifact["blake3"].is_null());
    let [(_, error)] = &run.issues()[..] else {
        unreachable!("{:?}", run.issues())
    };
    assert!(error.contains("it changed since it was seen"), "{error}");
}

#[test]
fn a_file_that_cannot_be_closed_holds_up_no_hash() {
    let Some(storage) = mount_disks() else { return };
    for error in ERRORS {
        storage.fault(&format!("{error}/old-flat.vmdk"), Op::Close, Fault::Never);
    }
    let more = ["--hash", "--threads", "1", "--io-timeout", "1"];
    let run = Desk::new().start("scan", &[storage.path()], &more).end(Some(&storage));
    assert_eq!(run.status, 3, "{}", run.stderr());
    for error in ERRORS {
        assert_eq!(run.verdict(&format!("{error}/old-flat.vmdk")), "unknown", "{error}");
    }
}

#[test]
fn hd19_a_file_that_is_refused_in_passing_is_hashed_and_looked_at_again() {
    let Some(storage) = Faulty::mount(&files()) else { return };
    storage.fault("old/old-flat.vmdk", Op::Open, Fault::ErrorOnce(EBUSY));
    let more = [&PATIENT[..], &["--hash"]].concat();
    let run = Desk::new().start("scan", &[storage.path()], &more).end(None);
    assert_eq!(run.status, 0, "{:?}", run.issues());
    assert!(run.artifact("old/old-flat.vmdk")["blake3"].is_string());

    let running = Desk::new().settle(&storage, "2", &PATIENT);
    storage.fault("old/old-flat.vmdk", Op::Open, Fault::ErrorOnce(EBUSY));
    let run = running.end(None);
    assert_eq!(run.status, 0, "{:?}", run.issues());
    assert_eq!(run.verdict("old/old-flat.vmdk"), "orphaned");
}

#[test]
fn an_error_at_the_second_look_is_an_issue_and_costs_nobody_else_anything() {
    for op in [Op::Stat, Op::Open] {
        for name in ["old.vmdk", "old-flat.vmdk"] {
            let Some(storage) = mount_disks() else { return };
            let running = Desk::new().settle(&storage, "2", &PATIENT);
            for error in ERRORS {
                storage.fault(&format!("{error}/{name}"), op, Fault::Error(error));
            }
            let run = running.end(None);
            assert_each_is_told(&run, "stat", name, &format!("{op:?} of {name}"));
            storage.assert_untouched();
        }
    }
}

#[test]
fn a_header_that_cannot_be_read_at_the_second_look_is_not_taken_for_an_unchanged_one() {
    let disk = VhdxBuilder::new(DiskKind::Dynamic, 64 << 20, 9).build().to_vec();
    let names = ERRORS.map(|error| format!("{error}/lone.vhdx"));
    let disks: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), disk.as_slice())).collect();
    let Some(storage) = Faulty::mount(&disks) else { return };
    let running = Desk::new().settle(&storage, "2", &PATIENT);
    for (error, name) in ERRORS.iter().zip(&names) {
        storage.fault(name, Op::Read, Fault::Error(*error));
    }
    let run = running.end(None);
    assert_eq!(run.status, 3);
    assert_eq!(run.issues().len(), ERRORS.len(), "{:?}", run.issues());
    for name in &names {
        let artifact = run.artifact(name);
        assert_ne!(artifact["verdict"], "orphaned", "{name}");
        let reasons = artifact["reasons"].as_array().unwrap();
        assert!(
            reasons.iter().all(|reason| reason["code"] != "unchanged"),
            "{reasons:?}"
        );
    }
}
