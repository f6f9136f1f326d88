//! Storage that stalls, fails and changes while it is read, and the program run on it: the scan ends, says what it did
//! not see, calls nothing there orphaned, and loses nothing else.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
#![expect(clippy::disallowed_methods, reason = "tests read what they wrote")]

mod changes;
mod fs;
mod killed;
mod late;
mod listings;
mod outputs;
mod read_back;
mod retried;
mod site;
mod stalls;
mod two_machines;

use fs::{Fault, Faulty, Op};
use site::{Desk, catalogue_without, files};

const EIO: i32 = 5;
const ENXIO: i32 = 6;
const EACCES: i32 = 13;
const EBUSY: i32 = 16;
const ENAMETOOLONG: i32 = 36;
const ELOOP: i32 = 40;
const ESTALE: i32 = 116;

const ERRORS: [i32; 7] = [EIO, ESTALE, EACCES, EBUSY, ENXIO, ENAMETOOLONG, ELOOP];

#[test]
fn an_error_at_a_file_is_an_issue_and_costs_nothing_else() {
    let files = files();
    let Some(storage) = Faulty::mount(&files) else { return };
    let desk = Desk::new();
    let sound = desk.collect(&[storage.path()]).catalogue();
    assert_eq!(sound["issues"], serde_json::json!([]));
    for error in ERRORS {
        for (op, stage) in [(Op::Stat, "stat"), (Op::Open, "read"), (Op::Read, "read")] {
            let Some(storage) = Faulty::mount(&files) else { return };
            storage.fault("old/old.vmdk", op, Fault::Error(error));
            let run = desk.collect(&[storage.path()]);
            assert_eq!(run.status, 3, "{error} at {op:?}");
            let catalogue = run.catalogue();
            let issue = only_issue(&catalogue, &format!("{error} at {op:?}"));
            assert_eq!(
                (&issue["path"], &issue["stage"]),
                (&"old/old.vmdk".into(), &stage.into())
            );
            let text = issue["error"].as_str().unwrap();
            assert!(text.contains(&format!("os error {error}")), "{text}");
            let all = |catalogue| catalogue_without(catalogue, &["old/old.vmdk"]);
            assert_eq!(all(&catalogue), all(&sound), "{error} at {op:?}");
            assert_ne!(
                desk.scan(&[storage.path()]).verdict("old/old.vmdk"),
                "orphaned",
                "{error} at {op:?}"
            );
            storage.assert_untouched();
        }
    }
}

#[test]
fn hd19_a_file_that_is_refused_in_passing_is_read_and_one_that_stays_held_is_in_use() {
    for op in [Op::Open, Op::Read] {
        let Some(storage) = Faulty::mount(&files()) else { return };
        storage.fault("old/old.vmdk", op, Fault::ErrorOnce(EBUSY));
        let desk = Desk::new();
        let run = desk.scan(&[storage.path()]);
        assert_eq!(run.status, 0, "{op:?}: {:?}", run.issues());
        assert_eq!(run.verdict("old/old.vmdk"), "orphaned", "{op:?}");
        storage.fault("old/old.vmdk", op, Fault::Error(EBUSY));
        let run = desk.scan(&[storage.path()]);
        assert_eq!(run.status, 3, "{op:?}");
        assert_eq!(run.issues().len(), 1, "{op:?}");
        assert_eq!(run.verdict("old/old.vmdk"), "in-use", "{op:?}");
    }
}

/// The one thing that a catalogue says was not read.
fn only_issue<'a>(catalogue: &'a serde_json::Value, of: &str) -> &'a serde_json::Value {
    let issues = catalogue["issues"].as_array().unwrap();
    assert_eq!(issues.len(), 1, "{of}: {issues:?}");
    &issues[0]
}

#[test]
fn an_error_at_a_folder_is_an_issue_and_costs_nothing_else() {
    let files = files();
    let Some(storage) = Faulty::mount(&files) else { return };
    let desk = Desk::new();
    let sound = desk.collect(&[storage.path()]).catalogue();
    for error in ERRORS {
        for op in [Op::Stat, Op::Open, Op::List] {
            let Some(storage) = Faulty::mount(&files) else { return };
            storage.fault("web01", op, Fault::Error(error));
            let run = desk.collect(&[storage.path()]);
            assert_eq!(run.status, 3, "{error} at {op:?}");
            let catalogue = run.catalogue();
            let issue = only_issue(&catalogue, &format!("{error} at {op:?}"));
            assert_eq!((&issue["path"], &issue["stage"]), (&"web01".into(), &"crawl".into()));
            assert_eq!(issue["folder"], true);
            let all = |catalogue| {
                catalogue_without(
                    catalogue,
                    &["web01/web01.vmx", "web01/web01.vmdk", "web01/web01-flat.vmdk"],
                )
            };
            assert_eq!(all(&catalogue), all(&sound), "{error} at {op:?}");
            storage.assert_untouched();
        }
    }
}

#[test]
fn nobody_is_called_orphaned_where_the_folder_of_a_vm_was_not_read() {
    let Some(storage) = Faulty::mount(&files()) else { return };
    let desk = Desk::new();
    assert_eq!(desk.scan(&[storage.path()]).verdict("old/old.vmdk"), "orphaned");
    storage.fault("stray", Op::List, Fault::Error(EIO));
    let run = desk.scan(&[storage.path()]);
    assert_eq!(run.status, 3);
    assert_eq!(run.verdict("old/old.vmdk"), "unknown");
    assert_eq!(run.verdict("web01/web01.vmdk"), "owned");
}

#[test]
fn slow_storage_gives_what_fast_storage_gives() {
    let files = files();
    let Some(fast) = Faulty::mount(&files) else { return };
    let Some(slow) = Faulty::mount(&files) else { return };
    for (path, _) in &files {
        for op in [Op::Stat, Op::Open, Op::Read] {
            slow.fault(path, op, Fault::Slow(std::time::Duration::from_millis(20)));
        }
    }
    let desk = Desk::new();
    let all = |catalogue| catalogue_without(catalogue, &[]);
    let (fast, slow) = (desk.collect(&[fast.path()]), desk.collect(&[slow.path()]));
    assert_eq!((fast.status, slow.status), (0, 0));
    assert_eq!(all(&slow.catalogue()), all(&fast.catalogue()));
}
