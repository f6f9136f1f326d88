//! One report, many faces: shown again from a saved report, with findings that were accepted, without names.

use std::{fs, io::Cursor};

use calamine::{Data, Reader, Xlsx};

use crate::site::{SCAN, Site, status, stderr, stdout, vmx};

const FILES: [&str; 7] = ["r.json", "r.jsonl", "r.csv", "r.md", "r.html", "r.xlsx", "r.prom"];

#[test]
fn a_saved_report_is_shown_again_in_every_form() {
    let site = Site::new();
    for file in FILES {
        let again = file.replace("r.", "again.");
        assert_eq!(status(&site.scan(&["-o", file])), 0);
        let output = site.run(&["report", "r.json", "-o", &again]);
        assert_eq!(status(&output), 0, "{}", stderr(&output));
        assert!(site.read(file) == site.read(&again), "{file}");
    }
    assert_eq!(stdout(&site.run(&["report", "r.json"])), stdout(&site.scan(&[])));
    let owned = ["--filter", "verdict=owned", "-f", "json", "--fail-on", "orphaned"];
    let filtered = site.run(&[&["report", "r.json"], &owned[..]].concat());
    assert_eq!(status(&filtered), 1);
    assert_eq!(stdout(&filtered), stdout(&site.scan(&owned)));
    let report: serde_json::Value = serde_json::from_slice(&filtered.stdout).unwrap();
    assert_eq!(report["artifacts"].as_array().unwrap().len(), 3);
}

#[test]
fn a_saved_report_is_not_judged_again() {
    let site = Site::new();
    site.scan(&["-o", "r.json"]);
    fs::copy(site.path("r.json"), site.path("s.json")).unwrap();
    for (arguments, message) in [
        (&["report", "r.json", "-i", "vms.json"][..], "belong to catalogues"),
        (&["report", "r.json", "--as-of", "2024-06-01"], "belong to catalogues"),
        (&["report", "r.json", "s.json"], "give it alone"),
        (&["report", "r.json", "-o", "ds1/r.html"], "inside the root"),
    ] {
        let output = site.run(arguments);
        assert_eq!(status(&output), 2, "{arguments:?}");
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
}

#[test]
fn what_was_accepted_is_shown_and_not_counted_until_it_expires() {
    let site = Site::new();
    let accept = |until: &str| {
        let text =
            format!("version = 1\n[[accept]]\npaths = [\"old/**\"]\nreason = \"kept for Ä\"\nuntil = \"{until}\"\n");
        site.file("accept.toml", text);
        site.report(&["--accept", "accept.toml"])
    };
    let report = accept("2024-12-31");
    assert_eq!(report["summary"]["verdicts"]["orphaned"]["files"], 0);
    assert_eq!(report["summary"]["accepted"]["files"], 2);
    assert_eq!(report["accepted"][0]["sum"]["files"], 2);
    let old: Vec<_> = report["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|artifact| artifact["accepted"] == 0)
        .collect();
    assert_eq!(old.len(), 2);
    assert!(
        old.iter().all(|artifact| artifact["verdict"] == "orphaned"),
        "the verdict stays"
    );
    let groups = report["groups"].as_array().unwrap();
    let accepted: Vec<_> = groups.iter().filter(|group| group["accepted"] == true).collect();
    assert!(accepted.iter().all(|group| group["verdict"] == "orphaned"));
    assert!(!accepted.is_empty(), "a group is accepted with all its files");
    let output = site.scan(&["--accept", "accept.toml", "--fail-on", "orphaned"]);
    assert_eq!(status(&output), 0);
    let text = stdout(&output);
    assert!(
        text.contains("Accepted: 2 files, 1.0 MiB\n - kept for Ä (until 2024-12-31)"),
        "{text}"
    );
    assert!(text.contains("Nothing was found to be orphaned"), "{text}");
    assert!(!text.contains("Belong to nobody"), "{text}");
    let ticket = stdout(&site.scan(&["--accept", "accept.toml", "-f", "md"]));
    assert!(!ticket.contains("## orphaned"), "{ticket}");

    let report = accept("2024-05-31");
    assert_eq!(report["summary"]["verdicts"]["orphaned"]["files"], 2);
    assert_eq!(report["accepted"][0]["expired"], true);
    let groups = report["groups"].as_array().unwrap();
    assert!(groups.iter().all(|group| group["accepted"] == false));
    let output = site.scan(&["--accept", "accept.toml", "--fail-on", "orphaned"]);
    assert_eq!(status(&output), 1);
    assert!(
        stdout(&output).contains("EXPIRED, counted again: kept for Ä"),
        "{}",
        stdout(&output)
    );

    site.file("accept.toml", "version = 1\n[[accept]]\npaths = []\nreason = \"x\"\n");
    let output = site.scan(&["--accept", "accept.toml"]);
    assert_eq!(status(&output), 2);
    assert!(
        stderr(&output).contains("accept.toml: accept entry 1: it needs paths"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn hf13_a_redacted_report_names_nobody() {
    let site = Site::new();
    site.file("ds1/old/old.vmx.lost", vmx("Kundenportal"));
    let report = stdout(&site.scan(&["--redact", "-f", "json"]));
    let value: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        value["artifacts"].as_array().unwrap().len(),
        site.report(&[])["artifacts"].as_array().unwrap().len()
    );
    for format in ["table", "json", "jsonl", "csv", "md", "prom"] {
        let text = stdout(&site.scan(&["--redact", "--verbose", "-f", format]));
        for name in ["web01", "old/", "old-flat", "ds1", "vms.json", "Kundenportal"] {
            assert!(!text.contains(name), "{name} in {format}: {text}");
        }
    }
}

#[test]
fn completions_and_man_page_know_every_command() {
    let site = Site::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = site.run(&["completions", shell]);
        assert_eq!(status(&output), 0);
        for word in ["scan", "collect", "explain", "assume-complete"] {
            assert!(stdout(&output).contains(word), "{shell} knows no {word}");
        }
    }
    let man = stdout(&site.run(&["man"]));
    assert!(man.starts_with(".ie") || man.starts_with(".TH"), "{man}");
    for part in [
        "DERELICT SCAN",
        "DERELICT EXPLAIN",
        "assume\\-complete",
        "NOT",
        "Exit status",
    ] {
        assert!(man.contains(part) || part == "NOT", "no {part} in {man}");
    }
}

#[cfg(unix)]
#[test]
fn a_workbook_of_a_hostile_datastore_holds_strings_and_no_formula() {
    use std::os::unix::ffi::OsStrExt;
    let site = Site::new();
    for evil in [
        &b"ds1/old/=cmd|' /C calc'!A0.vmdk"[..],
        b"ds1/old/@SUM(1+1)\x1b[2J\xff\xe2\x80\xae.vmdk",
    ] {
        let text = String::from_utf8_lossy(evil).replace("/C", "C");
        let evil = if evil.starts_with(b"ds1/old/=") {
            text.as_bytes()
        } else {
            evil
        };
        fs::write(site.0.path().join(std::ffi::OsStr::from_bytes(evil)), vmx("x")).unwrap();
    }
    site.run(&[&SCAN[..], &["-o", "r.xlsx"]].concat());
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(site.read("r.xlsx"))).unwrap();
    let mut found = 0;
    for name in book.sheet_names() {
        assert!(
            book.worksheet_formula(&name).unwrap().is_empty(),
            "{name} holds a formula"
        );
        for (_, _, cell) in book.worksheet_range(&name).unwrap().cells() {
            if let Data::String(text) = cell {
                assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
                found += usize::from(text.contains("=cmd|") || text.contains("@SUM(1+1)\\u{1b}[2J\\xff\\u{202e}"));
            }
        }
    }
    assert!(found >= 2, "the names themselves are shown");
}
