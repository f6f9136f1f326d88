//! Every exit status.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Stdio},
};

use crate::site::{DERELICT, SCAN, Site, names, status, stderr, stdout, vmx};

#[test]
fn complete_is_0() {
    let site = Site::new();
    let output = site.scan(&[]);
    assert_eq!(status(&output), 0, "{}{}", stdout(&output), stderr(&output));
    assert!(
        stdout(&output).contains("\n\n2 files (1.0 MiB) are orphaned"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_match_of_fail_on_is_1_whatever_the_filter_shows() {
    let site = Site::new();
    assert_eq!(status(&site.scan(&["--fail-on", "orphaned"])), 1);
    assert_eq!(status(&site.scan(&["--fail-on", "unregistered,orphaned"])), 1);
    assert_eq!(status(&site.scan(&["--fail-on", "unregistered"])), 0);
    let filtered = site.scan(&["--fail-on", "orphaned", "--filter", "verdict=owned"]);
    assert_eq!(status(&filtered), 1);
    assert!(!stdout(&filtered).contains("old-flat.vmdk"));
}

#[test]
fn what_could_not_be_read_is_3_and_a_match_wins_over_it() {
    let site = Site::new();
    site.file("ds1/bad/bad.vmx", b"\x00\x01 nothing like a configuration");
    assert_eq!(status(&site.scan(&[])), 3);
    assert_eq!(status(&site.scan(&["--fail-on", "owned"])), 1);
}

#[test]
fn without_an_inventory_it_is_3() {
    let site = Site::new();
    let output = site.run(&["scan", "ds1"]);
    assert_eq!(status(&output), 3);
    assert!(
        stdout(&output).contains("no inventory was given"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn an_inventory_that_is_not_understood_is_3() {
    let site = Site::new();
    site.file("notes.txt", "nothing like an export");
    assert_eq!(status(&site.scan(&["-i", "notes.txt"])), 3);
}

#[test]
fn wrong_usage_is_2() {
    let site = Site::new();
    site.file("no.catalogue", "{}");
    site.file("no.json", "{}");
    site.file("other.json", "{\"schema\": \"derelict/report/9\"}");
    let with_scan = |more: &[&'static str]| [&SCAN, more].concat();
    for (arguments, message) in [
        (vec![], "Usage"),
        (vec!["scan"], "ROOT"),
        (vec!["sweep"], "unrecognized subcommand"),
        (vec!["scan", "gone"], "gone: the root cannot be entered"),
        (vec!["scan", "ds1=gone"], "gone: the root cannot be entered"),
        (vec!["scan", "vms.json"], "vms.json: the root is no folder"),
        (vec!["scan", "=ds1"], "an alias before the `=` is empty"),
        (
            with_scan(&["-i", "gone.xlsx"]),
            "gone.xlsx: the inventory cannot be read",
        ),
        (with_scan(&["-f", "yaml"]), "invalid value 'yaml'"),
        (
            with_scan(&["--filter", "size>"]),
            "filter at character 6: expected a value",
        ),
        (with_scan(&["--fail-on", "lost"]), "unknown variant `lost`"),
        (vec!["scan", "ds1", "--as-of", "yesterday"], "expected a time such as"),
        (with_scan(&["--exclude", "[a"]), "--exclude [a"),
        (with_scan(&["--threads", "0"]), "invalid value '0'"),
        (
            with_scan(&["--rules", "gone.toml"]),
            "gone.toml: the rules cannot be read",
        ),
        (with_scan(&["--quiet", "--verbose"]), "cannot be used with"),
        (vec!["collect", "ds1"], "--output"),
        (
            vec!["collect", "ds1", "-o", "a.json"],
            "a catalogue has the extension .catalogue",
        ),
        (vec!["report", "gone.catalogue"], "gone.catalogue"),
        (vec!["report", "no.catalogue"], "no.catalogue"),
        (vec!["inspect", "gone.vmdk"], "gone.vmdk"),
        (vec!["inventory", "gone.xlsx"], "gone.xlsx"),
        (
            vec!["explain", "gone.json", "x"],
            "gone.json: the report cannot be opened",
        ),
        (vec!["explain", "no.json", "x"], "has no field `schema`"),
        (vec!["explain", "other.json", "x"], "is a derelict/report/9"),
        (vec!["explain", "vms.json", "x"], "is no JSON report"),
    ] {
        let output = site.run(&arguments);
        assert_eq!(status(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(message), "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

/// A scan whose report is more than a pipe holds: when it has begun to write it waits for its reader.
#[cfg(unix)]
fn scan_that_writes(site: &Site) -> Child {
    scan_that_writes_from(site, std::process::Command::new(DERELICT), &[])
}

/// Files whose report is more than a pipe holds.
#[cfg(unix)]
fn fill(site: &Site) {
    for number in 0..300 {
        site.file(&format!("ds1/many/{number}.vmx"), vmx("many"));
    }
}

/// The same, started by this program with these arguments before those of derelict.
#[cfg(unix)]
fn scan_that_writes_from(site: &Site, mut program: std::process::Command, arguments: &[&str]) -> Child {
    fill(site);
    let mut child = program
        .current_dir(site.0.path())
        .args([arguments, &SCAN, &["-f", "json", "--quiet"]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    child
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[cfg(unix)]
#[test]
fn an_interrupt_after_the_crawl_lets_the_report_be_finished_and_is_130() {
    let site = Site::new();
    let mut child = scan_that_writes(&site);
    signal(&child, "-INT");
    let mut messages = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    messages.read_line(&mut line).unwrap();
    assert!(line.contains("all was read"), "{line}");
    let mut report = b"{".to_vec();
    child.stdout.take().unwrap().read_to_end(&mut report).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["coverage"]["issues"], serde_json::json!([]), "it is whole");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[cfg(unix)]
#[test]
fn a_second_interrupt_ends_at_once_and_says_what_there_is_not() {
    let site = Site::new();
    let mut child = scan_that_writes(&site);
    signal(&child, "-INT");
    let mut messages = BufReader::new(child.stderr.take().unwrap());
    messages.read_line(&mut String::new()).unwrap();
    signal(&child, "-INT");
    let mut line = String::new();
    messages.read_line(&mut line).unwrap();
    assert!(line.contains("ended at once without a report"), "{line}");
    assert!(line.contains("`collect` keeps what it reads"), "{line}");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// `nohup` ignores it for what it starts.
#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_ends_a_run_unless_it_was_ignored_from_the_start() {
    for (start, sent, expected) in [
        ("exec \"$0\" \"$@\"", "-HUP", 130),
        ("trap '' HUP; exec \"$0\" \"$@\"", "-HUP", 0),
        ("trap '' HUP; exec \"$0\" \"$@\"", "-INT", 130),
    ] {
        let site = Site::new();
        let mut child = scan_that_writes_from(&site, std::process::Command::new("sh"), &["-c", start, DERELICT]);
        signal(&child, sent);
        if expected == 130 {
            let mut messages = BufReader::new(child.stderr.take().unwrap());
            messages.read_line(&mut String::new()).unwrap();
        }
        child.stdout.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(expected), "{sent} after {start}");
    }
}

/// Starts it with a full pipe for its messages, of which nobody reads anything while the first of these is held.
#[cfg(target_os = "linux")]
fn start_unheard(site: &Site, arguments: &[&str], stdout: Stdio) -> (std::io::PipeReader, Child) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    // As much as a pipe of Linux holds.
    std::io::Write::write_all(&mut writer, &vec![b'x'; 64 << 10]).unwrap();
    let mut command = std::process::Command::new(DERELICT);
    command.current_dir(site.0.path()).args(arguments);
    let child = command.stdout(stdout).stderr(writer).spawn().unwrap();
    (reader, child)
}

#[cfg(target_os = "linux")]
#[test]
fn a_reader_that_reads_no_messages_costs_no_report() {
    let site = Site::new();
    site.file("damaged.catalogue", "x");
    assert_eq!(status(&site.run(&["collect", "ds1=ds1", "-o", "a.catalogue"])), 0);
    let scan = [&SCAN[..], &["-o", "r.json", "--progress", "json"]].concat();
    let report = [
        "report",
        "a.catalogue",
        "damaged.catalogue",
        "-i",
        "vms.json",
        "-o",
        "s.json",
    ];
    for (arguments, file, expected) in [(&scan[..], "r.json", 0), (&report, "s.json", 3)] {
        let (_reader, mut child) = start_unheard(&site, arguments, Stdio::null());
        assert_eq!(child.wait().unwrap().code(), Some(expected), "{arguments:?}");
        assert!(serde_json::from_slice::<serde_json::Value>(&site.read(file)).is_ok());
    }
    let (_reader, mut child) = start_unheard(&site, &["report", "gone.catalogue"], Stdio::null());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_reader_that_reads_no_messages_keeps_no_signal_from_being_heard() {
    let site = Site::new();
    fill(&site);
    // Nobody reads the report either: only a second signal ends what waits for that.
    let arguments = [&SCAN[..], &["-f", "json", "--progress", "json"]].concat();
    let (_reader, mut child) = start_unheard(&site, &arguments, Stdio::piped());
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    signal(&child, "-TERM");
    // Two that come together are one.
    std::thread::sleep(std::time::Duration::from_secs(1));
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_no_half_written_file() {
    let site = Site::new();
    let notes = "é".repeat(2000);
    for number in 0..800 {
        let text = format!("{}annotation = \"{notes}\"\n", vmx("many"));
        site.file(&format!("ds1/many/{number}.vmx"), text);
    }
    site.file("r.json", "mine");
    let mut child = std::process::Command::new(DERELICT)
        .current_dir(site.0.path())
        .args([&SCAN[..], &["-o", "r.json", "--force", "--quiet"]].concat())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !names(site.0.path()).iter().any(|name| name.ends_with(".partial")) {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it was seen to write");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    signal(&child, "-TERM");
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(names(site.0.path()), ["ds1", "r.json", "vms.json"]);
    let is_whole = || serde_json::from_slice::<serde_json::Value>(&site.read("r.json")).is_ok();
    assert!(
        site.read("r.json") == b"mine" || is_whole(),
        "the old file or the new one"
    );
}

#[test]
fn a_closed_pipe_is_no_error_and_costs_no_output_file() {
    let site = Site::new();
    let mut child = std::process::Command::new(DERELICT)
        .current_dir(site.0.path())
        .args([&SCAN[..], &["-f", "json", "-o", "r.json", "--fail-on", "orphaned"]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        status(&output),
        1,
        "the status is that of the result: {}",
        stderr(&output)
    );
    assert!(!stderr(&output).contains("because"), "{}", stderr(&output));
    assert!(serde_json::from_slice::<serde_json::Value>(&fs::read(site.path("r.json")).unwrap()).is_ok());
}
