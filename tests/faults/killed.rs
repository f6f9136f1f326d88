//! A run of `collect` that is ended before it is done, and what becomes of what it left.

use std::path::Path;

use derelict::catalogue::Catalogue;

use crate::{
    EIO,
    fs::{Fault, Faulty, Op},
    site::{Desk, Running, catalogue_without, files},
};

/// Waits until all of one VM is on the disk, while the run hangs elsewhere.
fn wait_for_web01(running: &Running, storage: &Faulty) {
    let partial = running.path("out.partial.catalogue");
    let is_there = || Catalogue::load(&partial).is_ok_and(|catalogue| catalogue.artifacts.len() == 3);
    running.until(|| storage.held() > 0 && is_there());
}

/// Ends a run in the middle with `end`, sees that its catalogue is used as what it is, and goes on with it.
fn end_and_go_on(end: fn(Running, &Faulty) -> std::path::PathBuf) {
    let Some(storage) = Faulty::mount(&files()) else { return };
    storage.fault("old", Op::List, Fault::Never);
    let desk = Desk::new();
    let running = desk.start_in("killed", "collect", &[storage.path()], &["--io-timeout", "86400"]);
    wait_for_web01(&running, &storage);
    let folder = end(running, &storage);
    assert!(!folder.join("out.catalogue").exists());

    let half = desk.report(&folder.join("out.partial.catalogue"));
    assert_eq!(half.status, 3, "{}", half.stderr());
    assert_eq!(half.verdict("web01/web01.vmdk"), "owned");
    let issues = half.issues();
    let unread = |place: &str| {
        let of_place = issues.iter().find(|(path, _)| path.ends_with(place));
        of_place.is_some_and(|(_, error)| error.contains("not collected"))
    };
    assert!(unread("/old"), "{issues:?}");

    storage.release();
    storage.heal("old");
    // Whoever looked there again would see this.
    storage.fault("web01", Op::List, Fault::Error(EIO));
    storage.fault("web01/web01.vmx", Op::Open, Fault::Error(EIO));
    let more = ["--io-timeout", "600", "--resume"];
    let resumed = desk.start_in("killed", "collect", &[storage.path()], &more).end(None);
    assert_eq!(resumed.status, 0, "{}", resumed.stderr());
    let Some(sound) = Faulty::mount(&files()) else { return };
    let all = |catalogue| catalogue_without(catalogue, &[]);
    assert_eq!(
        all(&resumed.catalogue()),
        all(&desk.collect(&[sound.path()]).catalogue())
    );
    assert_eq!(
        desk.report(&folder.join("out.catalogue")).verdict("old/old.vmdk"),
        "orphaned"
    );
    storage.assert_untouched();
}

#[test]
fn a_run_that_is_killed_leaves_a_catalogue_that_is_known_as_incomplete_and_can_go_on() {
    end_and_go_on(Running::kill);
}

#[test]
fn so_does_a_run_that_is_interrupted() {
    end_and_go_on(|running, storage| {
        let folder = running.path("");
        running.interrupt();
        let run = running.end(Some(storage));
        assert_eq!(run.status, 130, "{}", run.stderr());
        assert!(run.stderr().contains("--resume goes on with it"), "{}", run.stderr());
        folder
    });
}

#[test]
fn two_runs_cannot_write_one_catalogue() {
    let Some(storage) = Faulty::mount(&files()) else { return };
    storage.fault("old", Op::List, Fault::Never);
    let desk = Desk::new();
    let running = desk.start_in("two", "collect", &[storage.path()], &["--io-timeout", "86400"]);
    wait_for_web01(&running, &storage);
    for more in ["--resume", "--force"] {
        let other = desk.start_in("two", "collect", &[storage.path()], &[more]).end(None);
        assert_eq!(other.status, 2, "{}", other.stderr());
        assert!(
            other.stderr().contains("is being written by another run"),
            "{}",
            other.stderr()
        );
    }
    let partial = running.path("out.partial.catalogue");
    assert_eq!(load(&partial), 3, "nothing of it is lost");
    running.kill(&storage);
}

fn load(path: &Path) -> usize {
    Catalogue::load(path).unwrap().artifacts.len()
}
