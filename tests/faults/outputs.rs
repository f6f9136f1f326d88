//! Outputs on storage that dies or fails while they are written.

use std::{path::PathBuf, time::Duration};

use crate::{
    EIO,
    fs::{Fault, Faulty, Op},
    site::{Desk, Run, Running, files},
};

const SHORT: [&str; 2] = ["--io-timeout", "1"];

/// What is done with a file that is written.
const STEPS: [Op; 5] = [Op::Create, Op::Write, Op::Sync, Op::Close, Op::Rename];

/// A verb that writes a file of this name, which goes to storage that does this at that step.
struct Case {
    verb: &'static str,
    name: &'static str,
    step: Op,
    fault: Fault,
}

/// Writes an output to storage that is healthy or not, and says what was done. `None` where nothing can be mounted.
fn write(case: &Case) -> Option<(Faulty, Run, String)> {
    let storage = Faulty::mount(&[])?.writable();
    let healthy = Faulty::mount(&files())?;
    let desk = Desk::new();
    let catalogue = desk.collect(&[healthy.path()]).path("out.catalogue");
    let output = storage.path().join(case.name);
    let from = if case.verb == "report" {
        &*catalogue
    } else {
        healthy.path()
    };
    let more = [&SHORT[..], &["-o", output.to_str().unwrap()]].concat();
    storage.fault("", case.step, case.fault.clone());
    let hangs = matches!(case.fault, Fault::Never);
    let running = desk.start(case.verb, &[from], &more);
    let run = running.end(Some(&storage).filter(|_| hangs));
    let what = format!("{} {} {:?}: {}", case.verb, case.name, case.step, run.stderr());
    Some((storage, run, what))
}

/// Every step of every verb that writes a file.
fn cases(fault: &Fault) -> impl Iterator<Item = Case> {
    let verbs = [
        ("scan", "out.json"),
        ("scan", "out.xlsx"),
        ("report", "out.json"),
        ("collect", "out.catalogue"),
    ];
    verbs.into_iter().flat_map(move |(verb, name)| {
        STEPS.map(|step| Case {
            verb,
            name,
            step,
            fault: fault.clone(),
        })
    })
}

#[test]
fn an_output_whose_storage_dies_while_it_is_written_ends_the_run_at_the_deadline() {
    for case in cases(&Fault::Never) {
        // That the catalogue is closed is left to the end of the process.
        if case.verb == "collect" && case.step == Op::Close {
            continue;
        }
        let Some((storage, run, what)) = write(&case) else {
            return;
        };
        assert_eq!(run.status, 2, "{what}");
        assert!(
            run.stderr().contains("its storage gives no answer within 1 s"),
            "{what}"
        );
        assert!(
            run.stderr().contains(case.name.split('.').next_back().unwrap()),
            "{what}"
        );
        assert!(!storage.names().contains(&case.name.to_owned()), "{what}");
    }
}

#[test]
fn an_error_while_an_output_is_written_leaves_nothing_under_its_name() {
    for case in cases(&Fault::Error(EIO)) {
        // The kernel tells an error of closing to those who close, and whoever has synced has lost nothing.
        if case.step == Op::Close {
            continue;
        }
        let Some((storage, run, what)) = write(&case) else {
            return;
        };
        assert_eq!(run.status, 2, "{what}");
        assert!(run.stderr().contains("os error 5"), "{what}");
        let kept: &[String] = match case.verb {
            "collect" if case.step != Op::Create => &["out.partial.catalogue".to_owned()],
            _ => &[],
        };
        assert_eq!(storage.names(), kept, "{what}");
    }
}

#[test]
fn slow_storage_takes_an_output_whole() {
    for case in cases(&Fault::Slow(Duration::from_millis(300))) {
        let Some((storage, run, what)) = write(&case) else {
            return;
        };
        assert_eq!(run.status, 0, "{what}");
        assert_eq!(storage.names(), [case.name], "{what}");
    }
}

#[test]
fn standard_output_in_a_file_whose_storage_dies_ends_the_run_at_the_deadline() {
    let Some(healthy) = Faulty::mount(&files()) else { return };
    let desk = Desk::new();
    let saved = desk.scan(&[healthy.path()]).path("out.json");
    let (root, saved) = (healthy.path().to_str().unwrap(), saved.to_str().unwrap());
    for arguments in [
        &["scan", "-f", "json", root][..],
        &["report", saved],
        &["explain", saved, "old/old.vmdk"],
    ] {
        let Some(storage) = Faulty::mount(&[]) else { return };
        let storage = storage.writable();
        storage.fault("", Op::Write, Fault::Never);
        let arguments = [arguments, &SHORT].concat();
        let running = desk.run_into(&storage.path().join("report"), &arguments);
        let run = running.end(Some(&storage));
        assert_eq!(run.status, 2, "{arguments:?}: {}", run.stderr());
        for text in [
            "standard output cannot be written",
            "its storage gives no answer within 1 s",
        ] {
            assert!(run.stderr().contains(text), "{arguments:?}: {}", run.stderr());
        }
    }
}

#[test]
fn standard_output_in_a_file_of_slow_storage_is_whole() {
    let Some(healthy) = Faulty::mount(&files()) else { return };
    let Some(storage) = Faulty::mount(&[]) else { return };
    let storage = storage.writable();
    storage.fault("", Op::Write, Fault::Slow(Duration::from_millis(300)));
    let desk = Desk::new();
    let saved = desk.scan(&[healthy.path()]).path("out.json");
    let stdout = storage.path().join("report");
    let run = desk
        .run_into(&stdout, &["report", "-f", "json", saved.to_str().unwrap()])
        .end(None);
    assert_eq!(run.status, 0, "{}", run.stderr());
    assert_eq!(std::fs::read(stdout).unwrap(), std::fs::read(saved).unwrap());
}

#[test]
fn an_interrupt_ends_a_run_that_waits_for_the_storage_of_its_output() {
    for step in [Op::Create, Op::Write, Op::Rename] {
        let Some(healthy) = Faulty::mount(&files()) else { return };
        let Some(storage) = Faulty::mount(&[]) else { return };
        let storage = storage.writable();
        storage.fault("", step, Fault::Never);
        let output = storage.path().join("out.json");
        let more = ["--io-timeout", "86400", "-o", output.to_str().unwrap()];
        let desk = Desk::new();
        let running = desk.start("scan", &[healthy.path()], &more);
        running.until(|| storage.held() > 0);
        running.interrupt();
        running.until(|| running.stderr().contains("once more ends at once"));
        running.interrupt();
        let run = running.end(Some(&storage));
        assert_eq!(run.status, 130, "{step:?}: {}", run.stderr());
        assert!(!storage.names().contains(&"out.json".to_owned()), "{step:?}");
    }
}

/// A scan that is interrupted while one folder gives no answer, into storage that does this when it is to send a file to the disk.
fn interrupted_into(storage: &Faulty, fault: Fault) -> Option<(Faulty, Running, PathBuf)> {
    let stalled = Faulty::mount(&files())?;
    stalled.fault("stray", Op::List, Fault::Never);
    storage.fault("", Op::Sync, fault);
    let output = storage.path().join("first.json");
    let more = ["--io-timeout", "86400", "-o", output.to_str().unwrap()];
    let running = Desk::new().start("scan", &[stalled.path()], &more);
    running.until(|| stalled.held() > 0);
    running.interrupt();
    running.until(|| running.path("out.json").exists());
    stalled.release();
    Some((stalled, running, output))
}

#[test]
fn what_an_interrupted_run_writes_is_in_its_place_before_the_disk_has_it() {
    let Some(storage) = Faulty::mount(&[]) else { return };
    let storage = storage.writable();
    let Some((_stalled, running, _)) = interrupted_into(&storage, Fault::Never) else {
        return;
    };
    // The other file was written as well, although no disk has answered for the first.
    assert_eq!(storage.names(), ["first.json"]);
    running.until(|| running.stderr().contains("wrote "));
    running.interrupt();
    let run = running.end(Some(&storage));
    assert_eq!(run.status, 130, "{}", run.stderr());
    assert!(run.stderr().contains("ended at once; written is "), "{}", run.stderr());
    assert!(run.stderr().contains("first.json, out.json"), "{}", run.stderr());
    assert_eq!(storage.names(), ["first.json"]);
}

#[test]
fn an_error_of_the_disk_after_an_interrupt_is_told() {
    let Some(storage) = Faulty::mount(&[]) else { return };
    let storage = storage.writable();
    let Some((_stalled, running, output)) = interrupted_into(&storage, Fault::Error(EIO)) else {
        return;
    };
    let run = running.end(None);
    assert_eq!(run.status, 2, "{}", run.stderr());
    let told = format!("{}: is in its place, but not whole on the disk", output.display());
    assert!(run.stderr().contains(&told), "{}", run.stderr());
    assert!(run.stderr().contains("os error 5"), "{}", run.stderr());
}

#[test]
fn standard_output_that_the_disk_refuses_is_no_success() {
    let Some(healthy) = Faulty::mount(&files()) else { return };
    let root = healthy.path().to_str().unwrap();
    for (fault, status) in [(None, 3), (Some(Fault::Error(EIO)), 2), (Some(Fault::Never), 2)] {
        let Some(storage) = Faulty::mount(&[]) else { return };
        let storage = storage.writable();
        let hangs = matches!(fault, Some(Fault::Never));
        if let Some(fault) = fault {
            storage.fault("", Op::Sync, fault);
        }
        let arguments = [&["scan", "-f", "json", root][..], &SHORT].concat();
        let running = Desk::new().run_into(&storage.path().join("report"), &arguments);
        let run = running.end(Some(&storage).filter(|_| hangs));
        assert_eq!(run.status, status, "{}", run.stderr());
        let told = run.stderr().contains("standard output is not whole on the disk");
        assert_eq!(told, status == 2, "{}", run.stderr());
    }
}

#[test]
fn an_output_that_cannot_be_written_costs_no_other() {
    let steps = [Op::Create, Op::Write, Op::Rename];
    for (step, fault) in steps
        .into_iter()
        .flat_map(|step| [(step, Fault::Error(EIO)), (step, Fault::Never)])
    {
        let Some(healthy) = Faulty::mount(&files()) else { return };
        let Some(storage) = Faulty::mount(&[]) else { return };
        let storage = storage.writable();
        let hangs = matches!(fault, Fault::Never);
        storage.fault("", step, fault);
        let names = ["first.json", "last.csv"].map(|name| storage.path().join(name).to_str().unwrap().to_owned());
        let more = [
            "--io-timeout",
            if hangs { "1" } else { "600" },
            "-o",
            &names[0],
            "-o",
            &names[1],
        ];
        let running = Desk::new().start("scan", &[healthy.path()], &more);
        let run = running.end(Some(&storage).filter(|_| hangs));
        assert_eq!(run.status, 2, "{step:?}");
        assert_eq!(
            run.verdict("old/old.vmdk"),
            "orphaned",
            "the file that can be written, and standard output"
        );
        assert!(run.stderr().contains("wrote out.json"), "{}", run.stderr());
        for name in names {
            assert!(
                run.stderr().contains(&format!("{name}: cannot be written")),
                "{}",
                run.stderr()
            );
            assert!(!run.stderr().contains(&format!("wrote {name}")), "{}", run.stderr());
        }
        let left: Vec<String> = storage
            .names()
            .into_iter()
            .filter(|name| !name.ends_with(".partial"))
            .collect();
        assert_eq!(left, [""; 0], "{step:?}");
    }
}
