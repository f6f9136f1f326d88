//! What derelict is told to read, on storage that gives no answer: inventories, rules, saved catalogues and reports.

use std::path::Path;

use crate::{
    fs::{Fault, Faulty, Op},
    site::{Desk, EXPORT, Run, files},
};

const SHORT: [&str; 2] = ["--io-timeout", "1"];
const NO_ANSWER: &str = "its storage gives no answer within 1 s";
/// Longer than what is asked for at a time.
static LONG: [u8; (2 << 20) + 5] = [b' '; (2 << 20) + 5];

const OF_A_FILE: [Op; 3] = [Op::Stat, Op::Open, Op::Read];

/// Storage that holds these files, of which one, or the folder of them all, gives no answer.
fn dead(files: &[(&str, &[u8])], path: &str, op: Op) -> Option<Faulty> {
    let storage = Faulty::mount(files)?;
    storage.fault(path, op, Fault::Never);
    Some(storage)
}

fn argument(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A report of the whole site, with more to read.
fn report(desk: &Desk, catalogues: &[&Path], more: &[&str], dead: &Faulty) -> Run {
    let more = [&SHORT[..], more].concat();
    desk.start("report", catalogues, &more).end(Some(dead))
}

#[test]
fn what_must_be_read_first_ends_the_run_where_it_gives_no_answer() {
    let Some(healthy) = Faulty::mount(&files()) else { return };
    let desk = Desk::new();
    for (flag, name) in [("--rules", "r.toml"), ("--accept", "a.toml"), ("-i", "vms.json")] {
        for op in OF_A_FILE {
            // An inventory of which something is known is an issue: see below.
            if flag == "-i" && op != Op::Stat {
                continue;
            }
            let Some(storage) = dead(&[(name, &LONG)], name, op) else {
                return;
            };
            let path = storage.path().join(name);
            let more = [&SHORT[..], &[flag, argument(&path)]].concat();
            let run = desk.start("scan", &[healthy.path()], &more).end(Some(&storage));
            let what = format!("{flag} {op:?}: {}", run.stderr());
            assert_eq!(run.status, 2, "{what}");
            assert!(
                run.stderr().contains(name) && run.stderr().contains(NO_ANSWER),
                "{what}"
            );
            storage.assert_untouched();
        }
    }
}

#[test]
fn an_inventory_without_an_answer_is_an_issue_and_calls_nobody_orphaned() {
    let Some(healthy) = Faulty::mount(&files()) else { return };
    let desk = Desk::new();
    let folder = [("all/vms.json", EXPORT.as_bytes()), ("all/z.json", EXPORT.as_bytes())];
    for (given, place, op) in [
        ("all/vms.json", "all/vms.json", Op::Open),
        ("all/vms.json", "all/vms.json", Op::Read),
        ("all", "all", Op::List),
        ("all", "all/vms.json", Op::Stat),
        ("all", "all/vms.json", Op::Open),
        ("all", "all/vms.json", Op::Read),
    ] {
        let Some(storage) = dead(&folder, place, op) else {
            return;
        };
        let path = storage.path().join(given);
        let more = [&SHORT[..], &["-i", argument(&path)]].concat();
        let run = desk.start("scan", &[healthy.path()], &more).end(Some(&storage));
        let what = format!("{given} {place} {op:?}: {}", run.stderr());
        assert_eq!(run.status, 3, "{what}");
        let issues = run.issues();
        let is_told = |name: &str, text: &str| {
            let mut of_name = issues.iter().filter(|(path, _)| path.ends_with(name));
            of_name.any(|(_, error)| error.contains(text))
        };
        assert!(is_told(place, NO_ANSWER), "{what}: {issues:?}");
        if given == "all" {
            assert!(is_told("/all", "gave no answer"), "{what}: {issues:?}");
        }
        assert_eq!(run.verdict("old/old.vmdk"), "unknown", "{what}");
        assert_eq!(run.verdict("web01/web01.vmdk"), "owned", "{what}");
        storage.assert_untouched();
    }
}

#[test]
fn an_inventory_that_is_shown_has_a_deadline_as_well() {
    let desk = Desk::new();
    for (op, status) in [(Op::Stat, 2), (Op::Open, 3), (Op::Read, 3)] {
        let Some(storage) = dead(&[("vms.json", EXPORT.as_bytes())], "vms.json", op) else {
            return;
        };
        let path = storage.path().join("vms.json");
        let arguments = [&["inventory"], &SHORT[..], &["-f", "json", argument(&path)]].concat();
        let run = desk.run_plain(&arguments).end(Some(&storage));
        assert_eq!(run.status, status, "{op:?}: {}", run.stderr());
        let told = if status == 2 { run.stderr() } else { run.stdout() };
        assert!(told.contains(NO_ANSWER), "{op:?}: {told}");
    }
}

#[test]
fn a_catalogue_without_an_answer_is_an_issue_and_the_others_are_judged() {
    let Some(healthy) = Faulty::mount(&files()) else { return };
    let desk = Desk::new();
    let sound = desk.collect(&[healthy.path()]).path("out.catalogue");
    let bytes = std::fs::read(&sound).unwrap();
    for op in OF_A_FILE {
        let Some(storage) = dead(&[("b.catalogue", &bytes)], "b.catalogue", op) else {
            return;
        };
        let path = storage.path().join("b.catalogue");
        let run = report(&desk, &[&sound, &path], &[], &storage);
        assert_eq!(run.status, 3, "{op:?}: {}", run.stderr());
        let issues = run.issues();
        let [(place, error)] = &issues[..] else {
            unreachable!("{op:?}: {issues:?}")
        };
        assert!(
            place.ends_with("b.catalogue") && error.contains(NO_ANSWER),
            "{op:?}: {issues:?}"
        );
        assert_eq!(run.verdict("web01/web01.vmdk"), "owned", "{op:?}");
        assert_eq!(
            run.verdict("old/old.vmdk"),
            "unknown",
            "{op:?}: its owner may stand there"
        );

        storage.hold_again();
        let run = report(&desk, &[&path], &[], &storage);
        assert_eq!(run.status, 2, "{op:?}: {}", run.stderr());
        assert!(run.stderr().contains(NO_ANSWER), "{op:?}: {}", run.stderr());
        storage.assert_untouched();
    }
}

#[test]
fn a_saved_report_without_an_answer_ends_the_run() {
    let Some(healthy) = Faulty::mount(&files()) else { return };
    let desk = Desk::new();
    let mut saved = std::fs::read(desk.scan(&[healthy.path()]).path("out.json")).unwrap();
    saved.extend_from_slice(&LONG);
    for op in OF_A_FILE {
        for verb in ["report", "explain"] {
            let Some(storage) = dead(&[("r.json", &saved)], "r.json", op) else {
                return;
            };
            let path = storage.path().join("r.json");
            let more: &[&str] = if verb == "explain" { &["old/old.vmdk"] } else { &[] };
            let arguments = [&[verb], &SHORT[..], &[argument(&path)], more].concat();
            let run = desk.run_plain(&arguments).end(Some(&storage));
            let what = format!("{verb} {op:?}: {}", run.stderr());
            assert_eq!(run.status, 2, "{what}");
            assert!(
                run.stderr().contains("r.json") && run.stderr().contains(NO_ANSWER),
                "{what}"
            );
        }
    }
}

#[test]
fn a_catalogue_that_is_gone_on_with_and_gives_no_answer_ends_the_run_and_stays_as_it_is() {
    let Some(healthy) = Faulty::mount(&files()) else { return };
    let desk = Desk::new();
    let whole = std::fs::read(desk.collect(&[healthy.path()]).path("out.catalogue")).unwrap();
    let cut = &whole[..whole.len() - 1];
    for (name, bytes) in [("out.catalogue", &*whole), ("out.partial.catalogue", cut)] {
        for op in OF_A_FILE {
            let Some(storage) = dead(&[(name, bytes)], name, op) else {
                return;
            };
            let storage = storage.writable();
            let output = storage.path().join("out.catalogue");
            let more = [&SHORT[..], &["--resume", "-o", argument(&output)]].concat();
            let run = desk.start("collect", &[healthy.path()], &more).end(Some(&storage));
            let what = format!("{name} {op:?}: {}", run.stderr());
            assert_eq!(run.status, 2, "{what}");
            assert!(run.stderr().contains("no answer within 1 s"), "{what}");
            assert_eq!(storage.names(), [name], "{what}");
        }
    }
}

#[test]
fn slow_storage_gives_all_that_is_read_from_it() {
    let Some(healthy) = Faulty::mount(&files()) else { return };
    let desk = Desk::new();
    let catalogue = std::fs::read(desk.collect(&[healthy.path()]).path("out.catalogue")).unwrap();
    let rules = [b"version = 1\n", &LONG[..]].concat();
    let saved = [("a.catalogue", &*catalogue), ("r.toml", &*rules)];
    let Some(storage) = Faulty::mount(&saved) else { return };
    for (name, _) in saved {
        for op in OF_A_FILE {
            storage.fault(name, op, Fault::Slow(std::time::Duration::from_millis(300)));
        }
    }
    let path = |name: &str| storage.path().join(name);
    let rules = path("r.toml");
    let more = ["--rules", argument(&rules)];
    let run = desk.start("report", &[&path("a.catalogue")], &more).end(None);
    assert_eq!(run.status, 0, "{}", run.stderr());
    assert_eq!(run.verdict("old/old.vmdk"), "orphaned");
}
