//! `--settle`: a second look at what nobody is known to need.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use derelict::catalogue::Catalogue;
use derelict_parsers::{DiskKind, testkit::vhdx::VhdxBuilder};
use serde_json::Value;

use crate::site::{DERELICT, SCAN, Site, status, stderr, stdout};

/// Changes a file again and again until it is told to stop.
struct Writer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    fn new(path: PathBuf, change: impl Fn(&mut fs::File) + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
                change(&mut file);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn artifact<'a>(report: &'a Value, path: &str) -> &'a Value {
    let artifacts = report["artifacts"].as_array().unwrap();
    artifacts.iter().find(|artifact| artifact["path"] == path).unwrap()
}

fn reason<'a>(artifact: &'a Value, code: &str) -> Option<&'a str> {
    let reasons = artifact["reasons"].as_array().unwrap();
    let found = reasons.iter().find(|reason| reason["code"] == code)?;
    found["text"].as_str()
}

#[test]
fn what_changes_between_two_looks_is_in_use_and_what_does_not_stays_orphaned() {
    let site = Site::new();
    site.disk("ds1/busy/busy");
    // An export that is newer than every write: nothing but the second look can tell.
    site.age("vms.json", "2099-01-01");
    let arguments = [
        "scan",
        "ds1=ds1",
        "-i",
        "vms.json",
        "--as-of",
        "2099-02-01",
        "-f",
        "json",
    ];
    let report =
        |more: &[&str]| -> Value { serde_json::from_slice(&site.run(&[&arguments, more].concat()).stdout).unwrap() };
    let writer = Writer::new(site.path("ds1/busy/busy-flat.vmdk"), |file| {
        file.write_all(b"x").unwrap();
    });
    let without = report(&[]);
    let report = report(&["--settle", "1"]);
    drop(writer);
    assert_eq!(artifact(&without, "ds1/busy/busy.vmdk")["verdict"], "orphaned");
    for path in ["ds1/busy/busy-flat.vmdk", "ds1/busy/busy.vmdk"] {
        let busy = artifact(&report, path);
        assert_eq!(busy["verdict"], "in-use", "{busy:#}");
        assert_eq!(busy["class"], "changed-during-scan");
        let text = reason(busy, "changed-during-scan").unwrap();
        assert!(
            text.contains("its length from") && text.contains("time of modification"),
            "{text}"
        );
    }
    let quiet = artifact(&report, "ds1/old/old-flat.vmdk");
    assert_eq!(quiet["verdict"], "orphaned", "{quiet:#}");
    assert_eq!(
        reason(quiet, "unchanged"),
        Some("looked at again after 1 second: nothing had changed")
    );
}

// Windows has such a time too, but the standard library does not ask for it.
#[cfg(unix)]
#[test]
fn a_change_that_hides_its_time_is_seen_by_the_inode() {
    let site = Site::new();
    site.disk("ds1/busy/busy");
    let then = fs::metadata(site.path("ds1/busy/busy-flat.vmdk"))
        .unwrap()
        .modified()
        .unwrap();
    let writer = Writer::new(site.path("ds1/busy/busy-flat.vmdk"), move |file| {
        file.set_modified(then).unwrap();
    });
    let report = site.report(&["--settle", "1"]);
    drop(writer);
    let busy = artifact(&report, "ds1/busy/busy-flat.vmdk");
    assert_eq!(busy["class"], "changed-during-scan", "{busy:#}");
    let text = reason(busy, "changed-during-scan").unwrap();
    assert!(
        text.contains("inode change") && !text.contains("modification"),
        "{text}"
    );
    assert_eq!(
        artifact(&site.report(&[]), "ds1/busy/busy-flat.vmdk")["verdict"],
        "orphaned"
    );
}

#[test]
fn what_is_gone_at_the_second_look_was_in_use() {
    let site = Site::new();
    site.disk("ds1/busy/busy");
    let mut scan = Command::new(DERELICT)
        .current_dir(site.path(""))
        .args(SCAN)
        .args(["-f", "json", "--settle", "2", "--progress", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut progress = BufReader::new(scan.stderr.take().unwrap()).lines();
    let is_waiting = |line: std::io::Result<String>| line.unwrap().contains(r#""phase":"settle""#);
    assert!(progress.any(is_waiting), "the first look is over when the wait begins");
    fs::remove_file(site.path("ds1/busy/busy-flat.vmdk")).unwrap();
    let report: Value = serde_json::from_slice(&scan.wait_with_output().unwrap().stdout).unwrap();
    let busy = artifact(&report, "ds1/busy/busy-flat.vmdk");
    assert_eq!(busy["class"], "changed-during-scan", "{busy:#}");
    assert!(reason(busy, "changed-during-scan").unwrap().contains("it is gone"));
}

#[test]
fn a_catalogue_keeps_the_second_look_for_the_report() {
    let site = Site::new();
    site.disk("ds1/busy/busy");
    site.file(
        "ds1/disk/lone.vhdx",
        VhdxBuilder::new(DiskKind::Dynamic, 64 << 20, 9).build().to_vec(),
    );
    let writer = Writer::new(site.path("ds1/busy/busy-flat.vmdk"), |file| {
        file.write_all(b"x").unwrap();
    });
    let collected = site.run(&["collect", "ds1=ds1", "-o", "a.catalogue", "--settle", "1"]);
    drop(writer);
    assert_eq!(status(&collected), 0, "{}", stderr(&collected));
    let catalogue = Catalogue::load(&site.path("a.catalogue")).unwrap();
    let looks = catalogue.artifacts.iter().map(|artifact| {
        let look = artifact.second_look.as_ref().unwrap();
        (artifact.entry.path.lossy(), look.changes.len())
    });
    let changed: Vec<_> = looks.filter(|(_, changes)| *changes > 0).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(changed[0].0, "busy/busy-flat.vmdk");
    let reported = site.run(&[
        "report",
        "a.catalogue",
        "-i",
        "vms.json",
        "--as-of",
        "2024-06-01",
        "-f",
        "json",
    ]);
    let report: Value = serde_json::from_slice(&reported.stdout).unwrap();
    assert_eq!(artifact(&report, "ds1/busy/busy.vmdk")["class"], "changed-during-scan");
    assert_eq!(artifact(&report, "ds1/old/old.vmdk")["verdict"], "orphaned");
}

#[test]
fn the_time_to_wait_is_told_and_bounded() {
    let site = Site::new();
    assert!(stdout(&site.run(&["scan", "--help"])).contains("--settle <SECONDS>"));
    assert!(stdout(&site.run(&["collect", "--help"])).contains("--settle <SECONDS>"));
    for wrong in ["0", "-1", "86401", "soon"] {
        assert_eq!(status(&site.scan(&["--settle", wrong])), 2, "{wrong}");
    }
}
