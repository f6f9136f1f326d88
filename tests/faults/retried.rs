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

#[test]
fn a_root_that_answers_only_a_run_that_goes_on_is_known_as_any_other() {
    for ends in [true, false] {
        let Some(storage) = Faulty::mount(&files()) else { return };
        let desk = Desk::new();
        let healthy = tempfile::tempdir().unwrap();
        std::fs::write(healthy.path().join("note.txt"), "").unwrap();
        let roots = [storage.path(), healthy.path()];
        let known = |run: &crate::site::Run| {
            let root = run.roots().remove(0);
            (
                root.device,
                root.inode,
                root.file_system,
                root.allocated_bytes,
                root.capacity_bytes,
                root.files,
            )
        };
        let expected = known(&desk.collect(&roots));
        assert!(expected.0.is_some());
        storage.fault("", Op::Stat, Fault::Never);
        let run = desk
            .start_in("retried", "collect", &roots, &["--io-timeout", "1"])
            .end(Some(&storage));
        assert_eq!(run.status, 3, "{}", run.stderr());
        assert_eq!(known(&run).0, None);
        if !ends {
            // As a run leaves it that is killed before its end: without the trailer.
            let whole = std::fs::read(run.path("out.catalogue")).unwrap();
            let partial = run.path("out.partial.catalogue");
            std::fs::write(&partial, &whole[..whole.len() - 1]).unwrap();
            std::fs::remove_file(run.path("out.catalogue")).unwrap();
        }
        storage.heal("");
        let run = desk.start_in("retried", "collect", &roots, &PATIENT).end(None);
        assert_eq!(run.status, 0, "{}", run.stderr());
        assert_eq!(run.catalogue()["issues"], serde_json::json!([]));
        assert_eq!(known(&run), expected, "ends: {ends}");
    }
}

/// Collects with a second look, at which one file gives no answer.
fn collect_with_a_look_that_failed(desk: &Desk, storage: &Faulty) {
    let more = ["--io-timeout", "600", "--settle", "2", "--progress", "json"];
    let running = desk.start_in("retried", "collect", &[storage.path()], &more);
    running.until(|| running.stderr().contains(r#""phase":"settle","done":false"#));
    storage.fault("old/old.vmdk", Op::Open, Fault::Error(EIO));
    storage.fault("old/old-flat.vmdk", Op::Open, Fault::Becomes(vec![2; 1 << 20]));
    let run = running.end(None);
    assert_eq!(run.status, 3, "{}", run.stderr());
    storage.heal("old/old.vmdk");
}

#[test]
fn a_second_look_that_failed_stays_an_issue_for_a_run_that_has_nothing_else_to_do() {
    let Some(storage) = Faulty::mount(&files()) else { return };
    let desk = Desk::new();
    collect_with_a_look_that_failed(&desk, &storage);
    let run = desk
        .start_in("retried", "collect", &[storage.path()], &PATIENT)
        .end(None);
    assert_eq!(run.status, 3, "{}", run.stderr());
    assert!(run.stderr().contains("nothing is read again"), "{}", run.stderr());
    assert!(run.stderr().contains("old/old.vmdk: "), "{}", run.stderr());
}

#[test]
fn that_somebody_changed_a_file_outlives_a_run_that_reads_its_folder_again() {
    let Some(storage) = Faulty::mount(&files()) else { return };
    let desk = Desk::new();
    storage.fault("old/old.vmdk", Op::Read, Fault::Error(EIO));
    collect_with_a_look_that_failed(&desk, &storage);
    let run = desk
        .start_in("retried", "collect", &[storage.path()], &PATIENT)
        .end(None);
    assert_eq!(run.status, 0, "{}", run.stderr());
    let catalogue = run.catalogue();
    let mut artifacts = catalogue["artifacts"].as_array().unwrap().iter();
    let flat = artifacts
        .find(|artifact| artifact["path"] == "old/old-flat.vmdk")
        .unwrap();
    assert!(
        flat["second_look"]["changes"].to_string().contains("length"),
        "{flat:#}"
    );
    assert!(
        flat["evidence"]["marks"].to_string().contains("while it was watched"),
        "{flat:#}"
    );
}

#[test]
fn what_a_second_look_saw_outlives_a_run_that_goes_on_and_fails() {
    // Ordinary files, of which there is no second look, with names that cannot be made short.
    let names = (0..2000_u64).map(|number| format!("old/{:x}.txt", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let names: Vec<String> = names.collect();
    let more = names.iter().map(|name| (name.as_str(), &b""[..]));
    let Some(storage) = Faulty::mount(&files().into_iter().chain(more).collect::<Vec<_>>()) else {
        return;
    };
    let desk = Desk::new();
    storage.fault("stray", Op::List, Fault::Error(ESTALE));
    collect_with_a_look_that_failed(&desk, &storage);
    storage.heal("stray");
    // A disk that is full in the middle of what is taken over.
    let running = desk.start_limited("retried", "collect", &[storage.path()], &PATIENT);
    let run = running.end(None);
    assert_eq!(run.status, 2, "{}", run.stderr());
    let left = std::fs::metadata(run.path("out.partial.catalogue")).unwrap().len();
    let whole = std::fs::metadata(run.path("out.catalogue")).unwrap().len();
    assert!(left < whole, "{left} of {whole} bytes");
    let run = desk
        .start_in("retried", "collect", &[storage.path()], &PATIENT)
        .end(None);
    assert_eq!(run.status, 0, "what failed then was read since: {}", run.stderr());
    let catalogue = run.catalogue();
    let look = |path: &str| {
        let mut artifacts = catalogue["artifacts"].as_array().unwrap().iter();
        artifacts.find(|artifact| artifact["path"] == path).unwrap()["second_look"].clone()
    };
    let changes = look("old/old-flat.vmdk")["changes"].to_string();
    assert!(changes.contains("length"), "{changes}");
    assert!(look("old/old.vmdk").is_null(), "it is not what was looked at again");
    assert_eq!(catalogue["issues"], serde_json::json!([]));
}

#[test]
fn a_second_look_that_was_interrupted_is_none() {
    let Some(storage) = Faulty::mount(&files()) else { return };
    let desk = Desk::new();
    let more = ["--io-timeout", "600", "--settle", "86400", "--progress", "json"];
    let running = desk.start_in("retried", "collect", &[storage.path()], &more);
    running.until(|| running.stderr().contains(r#""phase":"settle","done":false"#));
    running.interrupt();
    let run = running.end(None);
    assert_eq!(run.status, 130, "{}", run.stderr());
    let run = desk
        .start_in("retried", "collect", &[storage.path()], &PATIENT)
        .end(None);
    assert_eq!(run.status, 0, "{}", run.stderr());
    let catalogue = run.catalogue();
    assert_eq!(catalogue["issues"], serde_json::json!([]));
    let artifacts = catalogue["artifacts"].as_array().unwrap();
    assert!(
        artifacts.iter().all(|artifact| artifact["second_look"].is_null()),
        "nobody waited so long"
    );
    storage.assert_untouched();
}
