//! A catalogue of a run that came to its end without some places, and `--resume`, which goes to these again.

use crate::{
    EIO, ESTALE,
    fs::{Fault, Faulty, Op},
    site::{Desk, OLD, catalogue_without, files},
};

const PATIENT: [&str; 3] = ["--io-timeout", "600", "--resume"];

/// Collects while some storage refuses a file, a folder and an answer.
fn collect_with_refusals(desk: &Desk, storage: &Faulty) {
    storage.fault("old/old.vmdk", Op::Read, Fault::Error(EIO));
    storage.fault("stray", Op::List, Fault::Error(ESTALE));
    storage.fault("hung", Op::List, Fault::Never);
    let run = desk.start_in("retried", "collect", &[storage.path()], &["--io-timeout", "1"]);
    let run = run.end(Some(storage));
    assert_eq!(run.status, 3, "{}", run.stderr());
    assert_eq!(run.catalogue()["issues"].as_array().unwrap().len(), 3);
    for path in ["old/old.vmdk", "stray", "hung"] {
        storage.heal(path);
    }
    // Whoever looked there again would see this.
    storage.fault("web01", Op::List, Fault::Error(EIO));
    storage.fault("web01/web01.vmx", Op::Open, Fault::Error(EIO));
}

fn more_files() -> Vec<(&'static str, &'static [u8])> {
    [files(), vec![("hung/below/new.vmdk", OLD)]].concat()
}

/// What a catalogue of the sound storage holds.
fn whole(desk: &Desk) -> Option<Vec<serde_json::Value>> {
    let sound = Faulty::mount(&more_files())?;
    Some(catalogue_without(&desk.collect(&[sound.path()]).catalogue(), &[]))
}

#[test]
fn what_the_storage_refused_is_read_by_a_run_that_goes_on_and_nothing_else() {
    let Some(storage) = Faulty::mount(&more_files()) else {
        return;
    };
    let desk = Desk::new();
    collect_with_refusals(&desk, &storage);
    let go_on = || {
        desk.start_in("retried", "collect", &[storage.path()], &PATIENT)
            .end(None)
    };
    let run = go_on();
    assert_eq!(run.status, 0, "{}", run.stderr());
    assert_eq!(run.catalogue()["issues"], serde_json::json!([]));
    assert_eq!(Some(catalogue_without(&run.catalogue(), &[])), whole(&desk));
    assert!(!run.path("out.partial.catalogue").exists());
    storage.assert_untouched();

    let before = std::fs::read(run.path("out.catalogue")).unwrap();
    let run = go_on();
    assert_eq!(run.status, 0, "{}", run.stderr());
    assert!(run.stderr().contains("nothing is read again"), "{}", run.stderr());
    assert_eq!(std::fs::read(run.path("out.catalogue")).unwrap(), before);
}

#[test]
fn what_is_still_refused_stays_an_issue_and_can_be_gone_to_once_more() {
    let Some(storage) = Faulty::mount(&more_files()) else {
        return;
    };
    let desk = Desk::new();
    collect_with_refusals(&desk, &storage);
    storage.fault("stray", Op::List, Fault::Error(ESTALE));
    let go_on = || {
        desk.start_in("retried", "collect", &[storage.path()], &PATIENT)
            .end(None)
    };
    let run = go_on();
    assert_eq!(run.status, 3, "{}", run.stderr());
    let issues = run.catalogue()["issues"].clone();
    let [issue] = &issues.as_array().unwrap()[..] else {
        unreachable!("{issues:?}")
    };
    assert_eq!(issue["path"], "stray");
    storage.heal("stray");
    let run = go_on();
    assert_eq!(run.status, 0, "{}", run.stderr());
    assert_eq!(Some(catalogue_without(&run.catalogue(), &[])), whole(&desk));
}

#[test]
fn a_run_that_goes_on_and_is_killed_costs_nothing_of_what_was_there() {
    let Some(storage) = Faulty::mount(&more_files()) else {
        return;
    };
    let desk = Desk::new();
    collect_with_refusals(&desk, &storage);
    storage.hold_again();
    storage.fault("hung", Op::List, Fault::Never);
    let more = ["--io-timeout", "86400", "--resume"];
    let running = desk.start_in("retried", "collect", &[storage.path()], &more);
    running.until(|| storage.held() > 0 && running.path("out.partial.catalogue").exists());
    let folder = running.kill(&storage);
    assert!(folder.join("out.catalogue").exists(), "until the other is complete");
    storage.heal("hung");
    let run = desk
        .start_in("retried", "collect", &[storage.path()], &PATIENT)
        .end(None);
    assert_eq!(run.status, 0, "{}", run.stderr());
    assert_eq!(Some(catalogue_without(&run.catalogue(), &[])), whole(&desk));
}
