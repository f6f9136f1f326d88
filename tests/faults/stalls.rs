//! Storage that gives no answer.

use crate::{
    fs::{Fault, Faulty, Op},
    site::{Desk, OLD, Running, files},
};

const NO_ANSWER: &str = "no answer within 1 s";
const SHORT: [&str; 2] = ["--io-timeout", "1"];
/// However long it takes on a busy machine, what was read is judged.
const PATIENT: [&str; 2] = ["--patience", "86400000"];

/// Scans storage on which one place never answers, and sees that the scan names this place and no other. `None` where
/// nothing can be mounted.
fn scan_with_a_stall_at(place: &str, op: Op, threads: &str) -> Option<Faulty> {
    let storage = Faulty::mount(&files())?;
    storage.fault(place, op, Fault::Never);
    let more = [&SHORT[..], &["--threads", threads]].concat();
    let run = Desk::new().start("scan", &[storage.path()], &more).end(Some(&storage));
    assert_eq!(run.status, 3, "{op:?}");
    let issues = run.issues();
    assert_eq!(issues.len(), 1, "{op:?}: {issues:?}");
    let (path, error) = &issues[0];
    assert!(path.ends_with(place) && error == NO_ANSWER, "{op:?}: {issues:?}");
    assert_eq!(run.verdict("old/old.vmdk"), "unknown", "{op:?}");
    assert_eq!(run.verdict("web01/web01.vmx"), "owned", "{op:?}");
    Some(storage)
}

#[test]
fn a_file_without_an_answer_is_an_issue_and_unknown() {
    for op in [Op::Stat, Op::Open, Op::Read] {
        for threads in ["1", "8"] {
            let Some(storage) = scan_with_a_stall_at("old/old.vmdk", op, threads) else {
                return;
            };
            storage.assert_untouched();
        }
    }
}

#[test]
fn a_folder_without_an_answer_is_an_issue_and_its_reach_unknown() {
    for op in [Op::Stat, Op::Open, Op::List] {
        for threads in ["1", "8"] {
            if scan_with_a_stall_at("stray", op, threads).is_none() {
                return;
            }
        }
    }
}

#[test]
fn a_root_that_is_dead_from_the_start_holds_up_no_other() {
    for op in [Op::Stat, Op::Open, Op::List] {
        for threads in ["1", "8"] {
            let Some(healthy) = Faulty::mount(&files()) else { return };
            let Some(dead) = Faulty::mount(&files()) else { return };
            dead.fault("", op, Fault::Never);
            let more = [&SHORT[..], &["--threads", threads]].concat();
            let run = Desk::new()
                .start("scan", &[healthy.path(), dead.path()], &more)
                .end(Some(&dead));
            assert_eq!(run.status, 3, "{op:?}: {}", run.stderr());
            let issues = run.issues();
            let [(path, error)] = &issues[..] else {
                panic!("{op:?}: {issues:?}")
            };
            assert!(
                path.contains(dead.path().to_str().unwrap()) && error == NO_ANSWER,
                "{op:?}: {issues:?}"
            );
            assert_eq!(run.verdict("web01/web01.vmdk"), "owned", "{op:?}");
            assert_eq!(run.report()["coverage"]["roots"][0]["files"], 6, "{op:?}");
        }
    }
}

#[test]
fn an_output_on_storage_without_an_answer_ends_the_run_before_it_begins() {
    for (verb, name) in [("scan", "out.json"), ("collect", "out.catalogue")] {
        let Some(healthy) = Faulty::mount(&files()) else { return };
        let Some(dead) = Faulty::mount(&files()) else { return };
        dead.fault("", Op::Stat, Fault::Never);
        let output = dead.path().join(name);
        let more = [&SHORT[..], &["-o", output.to_str().unwrap()]].concat();
        let run = Desk::new().start(verb, &[healthy.path()], &more).end(Some(&dead));
        assert_eq!(run.status, 2, "{verb}: {}", run.stderr());
        let text = "the folder of an output gives no answer within 1 s";
        assert!(run.stderr().contains(text), "{verb}: {}", run.stderr());
        dead.assert_untouched();
    }
}

#[test]
fn an_output_in_a_root_without_an_answer_is_refused() {
    for (verb, name) in [("scan", "out.json"), ("collect", "out.catalogue")] {
        let Some(dead) = Faulty::mount(&files()) else { return };
        dead.fault("", Op::Stat, Fault::Never);
        let output = dead.path().join(name);
        let more = [&SHORT[..], &["-o", output.to_str().unwrap()]].concat();
        let run = Desk::new().start(verb, &[dead.path()], &more).end(Some(&dead));
        assert_eq!(run.status, 2, "{verb}: {}", run.stderr());
        dead.assert_untouched();
    }
}

#[test]
fn an_output_on_storage_that_dies_while_the_catalogues_are_read_ends_the_run() {
    let Some(healthy) = Faulty::mount(&files()) else { return };
    let Some(slow) = Faulty::mount(&[("b.catalogue", &b"x"[..])]) else {
        return;
    };
    let Some(dying) = Faulty::mount(&files()) else { return };
    let desk = Desk::new();
    let sound = desk.collect(&[healthy.path()]).path("out.catalogue");
    let unreadable = slow.path().join("b.catalogue");
    slow.fault("b.catalogue", Op::Open, Fault::Never);
    let output = dying.path().join("out.json");
    let more = ["-o", output.to_str().unwrap()];
    let running = desk.start("report", &[&sound, &unreadable], &more);
    running.until(|| slow.held() > 0);
    dying.fault("", Op::Stat, Fault::Never);
    slow.release();
    let run = running.end(Some(&dying));
    assert_eq!(run.status, 2, "{}", run.stderr());
    let text = "the folder of an output gives no answer within 30 s";
    assert!(run.stderr().contains(text), "{}", run.stderr());
    dying.assert_untouched();
}

#[test]
fn a_root_that_stalls_within_is_given_up_and_the_others_finish() {
    let folders: Vec<String> = (0..40).map(|number| format!("folder {number}/a.vmx")).collect();
    let many: Vec<(&str, &[u8])> = folders.iter().map(|path| (path.as_str(), &b"x"[..])).collect();
    for threads in ["1", "8"] {
        for order in [0, 1] {
            let Some(healthy) = Faulty::mount(&files()) else { return };
            let Some(dying) = Faulty::mount(&many) else { return };
            for (path, _) in &many {
                dying.fault(path.trim_end_matches("/a.vmx"), Op::List, Fault::Never);
            }
            let mut roots = [healthy.path(), dying.path()];
            roots.rotate_left(order);
            let more = [&SHORT[..], &["--threads", threads]].concat();
            let run = Desk::new().start("scan", &roots, &more).end(Some(&dying));
            assert_eq!(run.status, 3);
            let issues = run.issues();
            let issues: Vec<_> = issues.iter().filter(|(path, _)| path.contains("folder")).collect();
            assert_eq!(issues.len(), 40, "every folder is named once: {issues:?}");
            assert_eq!(run.report()["coverage"]["roots"][order]["files"], 6);
            let owner = run.report()["artifacts"].as_array().unwrap().len();
            assert_eq!(owner, 5, "all of the healthy root");
        }
    }
}

#[test]
fn one_of_many_roots_on_a_device_may_stall() {
    let Some(storage) = Faulty::mount(&files()) else { return };
    storage.fault("old", Op::List, Fault::Never);
    let roots = ["web01", "old", "stray"].map(|name| storage.path().join(name));
    let roots = [&*roots[0], &*roots[1], &*roots[2]];
    let run = Desk::new().start("scan", &roots, &SHORT).end(Some(&storage));
    assert_eq!(run.status, 3);
    let files: Vec<_> = (0..3)
        .map(|root| run.report()["coverage"]["roots"][root]["files"].clone())
        .collect();
    assert_eq!(files, [3, 0, 1]);
}

#[test]
fn an_interrupt_ends_a_scan_in_which_a_thread_hangs() {
    for (path, op) in [
        ("old/old.vmdk", Op::Read),
        ("old", Op::List),
        ("old/old.vmdk", Op::Stat),
    ] {
        let Some(storage) = Faulty::mount(&files()) else { return };
        storage.fault(path, op, Fault::Never);
        let running = Desk::new();
        let more = [&PATIENT[..], &["--io-timeout", "86400"]].concat();
        let running = running.start("scan", &[storage.path()], &more);
        running.until(|| storage.held() > 0);
        running.interrupt();
        let run = running.end(Some(&storage));
        assert_eq!(run.status, 130, "{op:?}: {}", run.stderr());
        let report = run.report();
        assert_eq!(report["coverage"]["complete"], false);
        assert!(
            run.issues().iter().any(|(_, error)| error.contains("interrupted")),
            "{op:?}"
        );
        let artifacts = report["artifacts"].as_array().unwrap();
        assert!(
            artifacts.iter().all(|artifact| artifact["verdict"] != "orphaned"),
            "{op:?}"
        );
    }
}

#[test]
fn an_interrupt_that_leaves_no_time_to_judge_lists_what_was_read_and_claims_nothing() {
    let Some(storage) = Faulty::mount(&files()) else { return };
    storage.fault("stray", Op::List, Fault::Never);
    let desk = Desk::new();
    let others = ["html", "xlsx", "jsonl", "csv", "md", "prom", "txt"].map(|form| format!("out.{form}"));
    let outputs = others.iter().flat_map(|name| ["-o", name.as_str()]);
    let more = ["--io-timeout", "86400", "--patience", "0", "--progress", "json"];
    let more: Vec<&str> = more.into_iter().chain(outputs).collect();
    let running = desk.start("scan", &[storage.path()], &more);
    running.until(|| storage.held() > 0 && running.stderr().contains("\"folders\":3,"));
    running.interrupt();
    let run = running.end(Some(&storage));
    assert_eq!(run.status, 130, "{}", run.stderr());
    for other in &others {
        assert!(run.path(other).exists(), "{other}");
    }
    let report = run.report();
    let artifacts = report["artifacts"].as_array().unwrap();
    for artifact in artifacts {
        let what = [
            &artifact["verdict"],
            &artifact["class"],
            &artifact["reclaim"],
            &artifact["reasons"][0]["code"],
        ];
        assert_eq!(what, ["unknown", "interrupted", "never", "interrupted"]);
        for empty in ["owners", "referenced_by", "references"] {
            assert_eq!(artifact[empty], serde_json::json!([]), "{empty}");
        }
    }
    assert_eq!(artifacts.len(), 5, "all that was read");
    for empty in ["vms", "groups", "problems", "second_opinions"] {
        assert_eq!(report[empty], serde_json::json!([]), "{empty}");
    }
    assert_eq!(report["coverage"]["complete"], false);
    assert_eq!(report["coverage"]["gap_details"][0]["files"], 5);
    assert_eq!(report["summary"]["verdicts"]["unknown"]["files"], 5);
    assert_eq!(report["coverage"]["roots"][0]["artifacts"], 5);
    assert!(
        run.issues()
            .iter()
            .any(|(path, error)| path.ends_with("stray") && error.contains("interrupted"))
    );
    let table = std::fs::read_to_string(run.path("out.txt")).unwrap();
    assert!(table.contains("5 files were read and none was judged"), "{table}");
    storage.assert_untouched();
}

/// Starts a scan that looks again after so many seconds, waits until the first look is done, and lets `op` of a path hang.
fn settling(storage: &Faulty, seconds: &str, more: &[&str], hangs: Option<(&str, Op)>) -> Running {
    let running = Desk::new().settle(storage, seconds, more);
    if let Some((path, op)) = hangs {
        storage.fault(path, op, Fault::Never);
    }
    running
}

#[test]
fn a_file_without_an_answer_at_the_second_look_is_an_issue_and_unknown_and_holds_up_no_other() {
    for op in [Op::Stat, Op::Open] {
        let more = [("new/new.vmdk", OLD), ("new/old-flat.vmdk", &[1_u8; 512])];
        let Some(storage) = Faulty::mount(&[files(), more.to_vec()].concat()) else {
            return;
        };
        let running = settling(&storage, "3", &SHORT, Some(("old/old.vmdk", op)));
        let run = running.end(Some(&storage));
        assert_eq!(run.status, 3, "{op:?}");
        let issues = run.issues();
        let [(path, error)] = &issues[..] else {
            panic!("{op:?}: {issues:?}")
        };
        assert!(
            path.ends_with("old/old.vmdk") && error == NO_ANSWER,
            "{op:?}: {issues:?}"
        );
        // A disk and its extents are one thing.
        assert_eq!(run.verdict("old/old.vmdk"), "unknown", "{op:?}");
        assert_eq!(run.verdict("old/old-flat.vmdk"), "unknown", "{op:?}");
        assert_eq!(run.verdict("new/new.vmdk"), "orphaned", "{op:?}");
        assert_eq!(run.verdict("web01/web01.vmx"), "owned", "{op:?}");
        storage.assert_untouched();
    }
}

#[test]
fn an_interrupt_ends_the_wait_and_the_second_look() {
    for (seconds, hangs) in [("86400", None), ("3", Some(("old/old.vmdk", Op::Stat)))] {
        let Some(storage) = Faulty::mount(&files()) else { return };
        let more = [&PATIENT[..], &["--io-timeout", "86400"]].concat();
        let running = settling(&storage, seconds, &more, hangs);
        running.until(|| hangs.is_none() || storage.held() > 0);
        running.interrupt();
        let run = running.end(hangs.map(|_| &storage));
        assert_eq!(run.status, 130, "{hangs:?}: {}", run.stderr());
        assert_eq!(run.report()["coverage"]["complete"], false, "{hangs:?}");
        assert!(
            run.issues().iter().any(|(_, error)| error.contains("interrupted")),
            "{hangs:?}: {:?}",
            run.issues()
        );
        assert_eq!(run.verdict("old/old.vmdk"), "unknown", "{hangs:?}");
        assert_eq!(run.verdict("web01/web01.vmx"), "owned", "{hangs:?}");
    }
}

#[test]
fn a_file_that_hangs_while_it_is_hashed_is_an_issue_and_the_others_are_hashed() {
    let Some(storage) = Faulty::mount(&files()) else { return };
    // A flat extent is not read but for its hash.
    storage.fault("old/old-flat.vmdk", Op::Read, Fault::Never);
    let more = [&SHORT[..], &["--hash"]].concat();
    let run = Desk::new().start("scan", &[storage.path()], &more).end(Some(&storage));
    assert_eq!(run.status, 3);
    let issues = run.issues();
    let [(path, error)] = &issues[..] else {
        unreachable!("{issues:?}")
    };
    assert!(path.ends_with("old/old-flat.vmdk") && error == NO_ANSWER, "{issues:?}");
    let report = run.report();
    let artifacts = report["artifacts"].as_array().unwrap();
    let hash = |path: &str| {
        let found = artifacts.iter().find(|artifact| artifact["relative_path"] == path);
        found.unwrap()["blake3"].clone()
    };
    assert_eq!(hash("old/old-flat.vmdk"), serde_json::Value::Null);
    let expected = blake3::hash(OLD).to_hex().to_string();
    assert_eq!(hash("old/old.vmdk"), expected);
}
