//! What is written where, and what is not.

use std::fs;

use crate::site::{Site, names, status, stderr, stdout, vmx};

#[test]
fn outputs_that_must_not_be_written_are_refused_before_any_work() {
    let site = Site::new();
    site.file("there.json", "mine");
    let before = names(site.0.path());
    for (file, message) in [
        ("r.pdf", "the extension says no known form"),
        ("r", "the extension says no known form"),
        ("there.json", "the output exists; --force replaces it"),
        ("ds1", "the extension says no known form"),
        ("ds1/r.json", "the output lies inside the root ds1"),
        ("ds1/web01/../r.json", "the output lies inside the root ds1"),
        ("gone/r.json", "cannot be"),
    ] {
        let output = site.scan(&["-o", file]);
        assert_eq!(status(&output), 2, "{file}");
        assert!(stderr(&output).contains(message), "{file}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{file}");
    }
    assert_eq!(fs::read(site.path("there.json")).unwrap(), b"mine");
    assert_eq!(names(site.0.path()), before);
    assert_eq!(names(&site.path("ds1")), ["old", "web01"]);
}

#[cfg(unix)]
#[test]
fn an_output_that_a_link_leads_into_a_root_is_refused() {
    let site = Site::new();
    std::os::unix::fs::symlink(site.path("ds1/old"), site.path("out")).unwrap();
    for force in [&[][..], &["--force"]] {
        let output = site.scan(&[&["-o", "out/r.json"], force].concat());
        assert_eq!(status(&output), 2);
        assert!(stderr(&output).contains("inside the root"), "{}", stderr(&output));
    }
    let collected = site.run(&["collect", "ds1", "-o", "out/a.catalogue"]);
    assert_eq!(status(&collected), 2);
    let saved = site.run(&["collect", "ds1", "-o", "a.catalogue"]);
    assert_eq!(status(&saved), 0, "{}", stderr(&saved));
    let reported = site.run(&["report", "a.catalogue", "-o", "out/r.json"]);
    assert_eq!(status(&reported), 2, "{}", stderr(&reported));
    assert_eq!(names(&site.path("ds1/old")), ["old-flat.vmdk", "old.vmdk"]);
}

#[test]
fn the_form_of_a_file_follows_its_extension_and_equals_standard_output() {
    let site = Site::new();
    for (file, format) in [
        ("r.json", "json"),
        ("r.jsonl", "jsonl"),
        ("r.csv", "csv"),
        ("r.md", "md"),
        ("r.txt", "table"),
        ("r.html", "html"),
        ("r.prom", "prom"),
    ] {
        let output = site.scan(&["-o", file, "-f", format]);
        assert_eq!(status(&output), 0, "{}", stderr(&output));
        assert!(!output.stdout.is_empty());
        assert_eq!(site.read(file), output.stdout, "{file}");
        assert!(stderr(&output).contains(&format!("wrote {file}")));
    }
}

#[test]
fn several_files_are_written_at_once() {
    let site = Site::new();
    let output = site.scan(&["-o", "a.json", "-o", "b.csv", "-o", "c.json"]);
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    assert_eq!(site.read("a.json"), site.read("c.json"));
    assert!(site.read("b.csv").starts_with(b"path,datastore,"));
}

#[test]
fn force_replaces_a_file_whole() {
    let site = Site::new();
    site.file("r.json", "x".repeat(1 << 20));
    let output = site.scan(&["-o", "r.json", "--force", "-f", "json"]);
    assert_eq!(status(&output), 0);
    assert_eq!(site.read("r.json"), output.stdout);
    assert!(names(site.0.path()).iter().all(|name| !name.contains("partial")));
}

#[test]
fn standard_output_is_the_report_only_and_no_progress_is_drawn_in_a_pipe() {
    let site = Site::new();
    let table = site.scan(&[]);
    assert_eq!(stderr(&table), "");
    let json = site.scan(&["-f", "json"]);
    assert!(serde_json::from_slice::<serde_json::Value>(&json.stdout).is_ok());
    assert!(
        stderr(&json).starts_with("derelict: 2 files (1.0 MiB) are orphaned"),
        "{}",
        stderr(&json)
    );
    assert!(!stderr(&json).contains(['\x1b', '\r']), "{}", stderr(&json));
    let quiet = site.scan(&["-f", "json", "-o", "r.json", "--quiet"]);
    assert_eq!(stderr(&quiet), "");
    assert_eq!(quiet.stdout, json.stdout);
}

#[test]
fn progress_for_programs_is_one_object_a_line() {
    let site = Site::new();
    let run = site.scan(&["-f", "json", "--hash", "--progress", "json"]);
    let stderr = stderr(&run);
    let (lines, messages): (Vec<&str>, Vec<&str>) = stderr.lines().partition(|line| line.starts_with('{'));
    assert!(
        messages.iter().all(|line| line.starts_with("derelict: ")),
        "{messages:?}"
    );
    let lines: Vec<serde_json::Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["schema"] == "derelict/progress/1"));
    let last = |phase: &str| {
        let mut lines = lines.iter().filter(|line| line["phase"] == phase);
        let first = lines.next().unwrap();
        assert_eq!(first["done"], false, "the first line comes at once");
        let last = lines.next_back().unwrap();
        assert_eq!(last["done"], true);
        last
    };
    let mut phases: Vec<&str> = lines.iter().map(|line| line["phase"].as_str().unwrap()).collect();
    phases.dedup();
    assert_eq!(phases, ["prepare", "crawl", "reconcile", "hash", "reconcile", "write"]);
    assert_eq!(lines.last().unwrap()["done"], true);
    let crawl = last("crawl");
    assert_eq!((&crawl["files"], &crawl["artifacts"]), (&5.into(), &5.into()));
    assert_eq!(
        (&crawl["root"], &crawl["hash_total_bytes"]),
        (&"ds1".into(), &serde_json::Value::Null)
    );
    assert_eq!((&crawl["folders"], &crawl["folders_found"]), (&3.into(), &3.into()));
    assert_eq!(crawl["hash_eta_seconds"], serde_json::Value::Null);
    let hash = last("hash");
    assert_eq!(hash["hash_eta_seconds"], 0);
    assert!(hash["hashed_bytes"].as_u64().unwrap() > 1 << 20);
    assert_eq!(hash["hashed_bytes"], hash["hash_total_bytes"]);
    assert_eq!(
        run.stdout,
        site.scan(&["-f", "json", "--hash"]).stdout,
        "the result is the same"
    );
}

#[test]
fn verbose_lists_every_verdict() {
    let site = Site::new();
    assert!(!stdout(&site.scan(&[])).contains("web01-flat.vmdk"));
    assert!(stdout(&site.scan(&["--verbose"])).contains("[ds1] web01/web01-flat.vmdk"));
}

#[cfg(unix)]
#[test]
fn names_never_reach_standard_output_as_terminal_control() {
    use std::os::unix::ffi::OsStrExt;
    let site = Site::new();
    let evil = b"ds1/old/\x1b[2J\x1b]0;x\x07\n=cmd|\xff\xe2\x80\xae.vmx";
    let path = site.0.path().join(std::ffi::OsStr::from_bytes(evil));
    fs::write(path, vmx("\u{1b}[31mevil\u{9b}1m")).unwrap();
    for format in ["table", "json", "jsonl", "csv", "md", "prom"] {
        let output = site.scan(&["-f", format, "--verbose"]);
        let control = |character: char| character.is_control() && character != '\n';
        assert!(!stdout(&output).contains(control), "{format}");
        assert!(!stdout(&output).contains('\u{202e}'), "{format}");
        let twice = ["table", "csv"].contains(&format) && stdout(&output).contains("\\\\u{");
        assert!(!twice, "{format}: an escape is escaped");
        assert!(!stderr(&output).contains(control), "{format}");
    }
    let table = stdout(&site.scan(&["--verbose"]));
    assert!(
        table.contains("/\\u{1b}[2J\\u{1b}]0;x\\u{7}\\u{a}=cmd|\\xff\\u{202e}.vmx"),
        "{table}"
    );
}

/// What a saved file tells of its roots is told of the folder and the machine where it was made.
#[test]
fn a_report_from_another_folder_is_written_into_no_root() {
    let site = Site::new();
    fs::create_dir(site.path("elsewhere")).unwrap();
    for made in [
        &["collect", "ds1=ds1", "-o", "a.catalogue"][..],
        &["scan", "ds1=ds1", "-i", "vms.json", "-o", "a.json"],
    ] {
        assert_eq!(status(&site.run(made)), 0);
    }
    let report = |arguments: &[&str]| {
        let mut command = site.command(&[&["report"], arguments].concat());
        command.current_dir(site.path("elsewhere")).output().unwrap()
    };
    for saved in ["../a.catalogue", "../a.json"] {
        for output in ["../ds1/r.csv", "../ds1/old/r.csv"] {
            let refused = report(&[saved, "-o", output]);
            assert_eq!(status(&refused), 2, "{saved}: {}", stderr(&refused));
            assert!(stderr(&refused).contains("inside the root"), "{}", stderr(&refused));
        }
    }
    fs::create_dir(site.path("elsewhere/ds1")).unwrap();
    for (saved, output) in [("../a.catalogue", "ds1/r.csv"), ("../a.json", "ds1/again.csv")] {
        let run = report(&[saved, "-o", output]);
        assert!(
            site.path("elsewhere").join(output).exists(),
            "{saved}: {}",
            stderr(&run)
        );
    }
    // A report that was moved still knows where its roots were.
    fs::create_dir(site.path("far")).unwrap();
    fs::rename(site.path("a.json"), site.path("far/a.json")).unwrap();
    let refused = report(&["../far/a.json", "-o", "../ds1/r.csv"]);
    assert_eq!(status(&refused), 2, "{}", stderr(&refused));
    assert!(stderr(&refused).contains("inside the root"), "{}", stderr(&refused));
    assert_eq!(names(&site.path("ds1")), ["old", "web01"]);
}

/// The catalogue holds the numbers that tell a folder from others on this machine.
#[cfg(unix)]
#[test]
fn a_root_that_has_another_name_now_is_still_a_root() {
    let site = Site::new();
    assert_eq!(status(&site.run(&["collect", "ds1=ds1", "-o", "a.catalogue"])), 0);
    fs::rename(site.path("ds1"), site.path("moved")).unwrap();
    let refused = site.run(&["report", "a.catalogue", "-o", "moved/web01/r.json"]);
    assert_eq!(status(&refused), 2, "{}", stderr(&refused));
    assert!(stderr(&refused).contains("inside the root "), "{}", stderr(&refused));
    assert_eq!(names(&site.path("moved/web01")).len(), 3);
}

#[test]
fn progress_for_programs_is_told_of_every_job() {
    let site = Site::new();
    let phases = |arguments: &[&str]| {
        let run = site.run(&[arguments, &["--progress", "json"]].concat());
        let told = stderr(&run);
        let lines = told.lines().filter(|line| line.starts_with('{'));
        let lines: Vec<serde_json::Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        for pair in lines.windows(2) {
            let is_same = pair[0]["phase"] == pair[1]["phase"];
            assert!(is_same || pair[0]["done"] == true, "each phase is ended: {pair:?}");
        }
        let mut phases: Vec<String> = lines
            .iter()
            .map(|line| line["phase"].as_str().unwrap().to_owned())
            .collect();
        phases.dedup();
        phases
    };
    assert_eq!(
        phases(&["collect", "ds1=ds1", "-o", "a.catalogue"]),
        ["prepare", "crawl", "write"]
    );
    let report = ["report", "a.catalogue", "-i", "vms.json", "-o", "r.json"];
    assert_eq!(phases(&report), ["prepare", "reconcile", "write"]);
    assert_eq!(phases(&["report", "r.json", "-f", "csv"]), ["prepare", "write"]);
    assert_eq!(
        phases(&["report", "gone.catalogue"]),
        ["prepare"],
        "also where it fails"
    );
}

#[test]
fn a_name_as_long_as_names_may_be_can_be_written() {
    let site = Site::new();
    let name = format!("{}.json", "x".repeat(250));
    let output = site.scan(&["-o", &name]);
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    assert!(!site.read(&name).is_empty());
}
