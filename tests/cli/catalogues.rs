//! Saved catalogues: whole, cut, damaged, gone on with, and merged.

use std::{collections::BTreeSet, fs, path::Path, process::Output};

use derelict::catalogue::{Catalogue, Stage};
use serde_json::Value;

use crate::site::{EXPORT, Site, status, stderr, stdout};

const JUDGED: [&str; 6] = ["-i", "vms.json", "--as-of", "2024-06-01", "-f", "json"];

/// A site of which the export lists no whole chains: a configuration that is not read could name any disk.
fn site() -> Site {
    let site = Site::new();
    let mut export: Value = serde_json::from_str(EXPORT).unwrap();
    export[0]
        .as_object_mut()
        .unwrap()
        .retain(|key, _| !key.starts_with("LayoutEx"));
    site.file("vms.json", export.to_string());
    site.age("vms.json", "2024-05-01");
    site
}

/// A site of which the catalogue has several blocks: beside an old disk lie many ordinary files.
fn large_site() -> Site {
    let site = site();
    for folder in ["old", "web01"] {
        for number in 0..2000 {
            let name = format!("{number:04} {}", "n".repeat(200));
            fs::write(site.path(&format!("ds1/{folder}/{name}")), "").unwrap();
        }
    }
    site
}

fn collect(site: &Site, file: &str) -> Vec<u8> {
    let output = site.run(&["collect", "ds1=ds1", "-o", file]);
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    site.read(file)
}

fn report(site: &Site, files: &[&str]) -> Output {
    site.run(&[&["report"], files, &JUDGED].concat())
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| unreachable!("{}", stderr(output)))
}

fn verdicts(report: &Value) -> Vec<(&str, &str)> {
    let artifacts = report["artifacts"].as_array().unwrap().iter();
    artifacts
        .map(|artifact| {
            let text = |field: &str| artifact[field].as_str().unwrap();
            (text("relative_path"), text("verdict"))
        })
        .collect()
}

/// Where each frame of a catalogue begins, and the end of the file.
fn boundaries(file: &[u8]) -> Vec<usize> {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let mut at = 0;
    let mut found = Vec::new();
    while at < file.len() {
        found.push(at);
        let magic = word(at);
        let inner = at + 8;
        at = inner + usize::try_from(word(at + 4)).unwrap();
        if magic == 0x184D_2A51 {
            found.push(at);
            at += usize::try_from(word(inner + 4)).unwrap();
        }
    }
    found.push(at);
    assert_eq!(at, file.len());
    found
}

fn is_incomplete(catalogue: &Catalogue) -> bool {
    catalogue.issues.iter().any(|issue| issue.stage == Stage::Catalogue)
}

#[test]
fn a_catalogue_is_lines_of_json_for_every_zstandard_decoder() {
    let site = site();
    let file = collect(&site, "a.catalogue");
    let lines = zstd::stream::decode_all(file.as_slice()).unwrap();
    let records: Vec<Value> = serde_json::Deserializer::from_slice(&lines)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let of = |name: &'static str| records.iter().filter_map(move |record| record.get(name));
    let artifacts: BTreeSet<&str> = of("artifact")
        .map(|artifact| artifact["path"].as_str().unwrap())
        .collect();
    assert_eq!(artifacts.len(), 5);
    assert!(artifacts.contains("old/old.vmdk"));
    let folders: BTreeSet<&str> = of("folder").map(|folder| folder["path"].as_str().unwrap()).collect();
    assert_eq!(folders, BTreeSet::from(["", "old", "web01"]));
}

#[test]
fn a_catalogue_that_is_cut_anywhere_is_refused_or_incomplete_and_orphans_nothing() {
    let site = large_site();
    let file = collect(&site, "a.catalogue");
    let boundaries = boundaries(&file);
    assert!(
        boundaries.len() >= 7,
        "header, several blocks with seals, trailer: {boundaries:?}"
    );
    let whole = Catalogue::load(&site.path("a.catalogue")).unwrap();
    assert!(!is_incomplete(&whole));
    let around = boundaries.iter().flat_map(|&at| [at.saturating_sub(1), at, at + 1]);
    for cut in around.filter(|cut| *cut < file.len()) {
        fs::write(site.path("cut.catalogue"), &file[..cut]).unwrap();
        let output = report(&site, &["cut.catalogue"]);
        if cut < boundaries[1] {
            assert_eq!(status(&output), 2, "{cut}");
            assert!(stderr(&output).contains("catalogue header at offset 0x0"), "{cut}");
            continue;
        }
        assert_eq!(status(&output), 3, "{cut}: {}", stderr(&output));
        let report = json(&output);
        assert_eq!(report["coverage"]["complete"], false);
        let issues = report["coverage"]["issues"].to_string();
        assert!(issues.contains("is incomplete"), "{cut}: {issues}");
        let is_whole = cut >= boundaries[boundaries.len() - 2];
        let orphaned = verdicts(&report).iter().any(|(_, verdict)| *verdict == "orphaned");
        assert_eq!(orphaned, is_whole, "{cut}: only when every folder was read: {issues}");
    }
}

#[test]
fn a_byte_that_is_wrong_anywhere_is_found() {
    let site = site();
    let file = collect(&site, "a.catalogue");
    let path = site.path("flipped.catalogue");
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&path, &flipped).unwrap();
        match Catalogue::load(&path) {
            Ok(catalogue) => unreachable!("{at}: {:?}", catalogue.issues),
            Err(error) => assert!(error.chain().contains("flipped.catalogue"), "{}", error.chain()),
        }
    }
}

#[test]
fn a_damaged_catalogue_is_refused_with_its_place_and_the_others_are_reported() {
    let site = site();
    site.disk("ds2/lost/lost");
    let file = collect(&site, "good.catalogue");
    assert_eq!(status(&site.run(&["collect", "ds2=ds2", "-o", "bad.catalogue"])), 0);
    let mut bad = site.read("bad.catalogue");
    let seal = boundaries(&bad)[1];
    bad[seal + 100] ^= 1;
    fs::write(site.path("bad.catalogue"), bad).unwrap();

    let alone = report(&site, &["bad.catalogue"]);
    assert_eq!(status(&alone), 2);
    let message = stderr(&alone);
    let place = format!("catalogue block at offset {seal:#x}: checksum mismatch");
    assert!(
        message.contains("bad.catalogue") && message.contains(&place),
        "{message}"
    );

    let both = report(&site, &["bad.catalogue", "good.catalogue"]);
    assert_eq!(status(&both), 3, "{}", stderr(&both));
    let report = json(&both);
    let issue = &report["coverage"]["issues"][0];
    assert_eq!((&issue["path"], &issue["stage"]), (&"ds2".into(), &"catalogue".into()));
    assert!(issue["error"].as_str().unwrap().contains(&place), "{issue}");
    assert_eq!(report["coverage"]["roots"].as_array().unwrap().len(), 2);
    let verdicts = verdicts(&report);
    assert!(verdicts.contains(&("web01/web01.vmx", "owned")), "{verdicts:?}");
    assert!(
        verdicts.contains(&("old/old.vmdk", "unknown")),
        "its owner may stand in the other: {verdicts:?}"
    );

    // The same where not even the header can be read.
    fs::write(site.path("bad.catalogue"), &file[1..]).unwrap();
    let both = self::report(&site, &["bad.catalogue", "good.catalogue"]);
    assert_eq!(status(&both), 3, "{}", stderr(&both));
    let report = json(&both);
    assert_eq!(report["coverage"]["issues"][0]["path"], "bad.catalogue");
    assert!(self::verdicts(&report).contains(&("old/old.vmdk", "unknown")));
}

#[test]
fn another_version_is_refused_by_its_name() {
    let site = site();
    let file = collect(&site, "a.catalogue");
    let at = file.windows(11).position(|part| part == b"catalogue/2").unwrap();
    let mut later = file;
    later[at + 10] = b'9';
    for (content, named) in [
        (later.as_slice(), "derelict/catalogue/9"),
        (
            br#"{"schema": "derelict/catalogue/1", "roots": []}"#,
            "derelict/catalogue/1",
        ),
    ] {
        fs::write(site.path("other.catalogue"), content).unwrap();
        let output = report(&site, &["other.catalogue"]);
        assert_eq!(status(&output), 2);
        assert!(stderr(&output).contains(named), "{}", stderr(&output));
        assert!(stderr(&output).contains("derelict/catalogue/2"), "{}", stderr(&output));
    }
}

#[test]
fn two_catalogues_in_one_file_are_refused() {
    let site = site();
    let file = collect(&site, "a.catalogue");
    fs::write(site.path("two.catalogue"), [file.as_slice(), &file].concat()).unwrap();
    let output = report(&site, &["two.catalogue"]);
    assert_eq!(status(&output), 2);
    let place = format!("catalogue trailer at offset {:#x}: something follows it", file.len());
    assert!(stderr(&output).contains(&place), "{}", stderr(&output));
}

#[test]
fn a_catalogue_that_is_given_twice_counts_once() {
    let site = site();
    let file = collect(&site, "a.catalogue");
    fs::write(site.path("copy.catalogue"), file).unwrap();
    let once = report(&site, &["a.catalogue"]);
    let twice = report(&site, &["a.catalogue", "copy.catalogue", "a.catalogue"]);
    assert_eq!(json(&twice), json(&once));
    assert_eq!(status(&twice), status(&once));
}

#[test]
fn of_two_catalogues_of_one_root_the_later_holds() {
    let site = site();
    collect(&site, "early.catalogue");
    fs::remove_file(site.path("ds1/old/old.vmdk")).unwrap();
    collect(&site, "late.catalogue");
    let late = json(&report(&site, &["late.catalogue"]));
    for files in [
        ["early.catalogue", "late.catalogue"],
        ["late.catalogue", "early.catalogue"],
    ] {
        assert_eq!(json(&report(&site, &files)), late, "{files:?}");
    }
}

#[test]
fn a_damaged_catalogue_is_a_gap_whatever_other_runs_saw_before_or_later() {
    let site = site();
    let mut damaged = collect(&site, "damaged.catalogue");
    fs::copy(site.path("damaged.catalogue"), site.path("copy.catalogue")).unwrap();
    collect(&site, "later.catalogue");
    let sound = json(&report(&site, &["copy.catalogue", "later.catalogue"]));
    assert!(verdicts(&sound).contains(&("old/old.vmdk", "orphaned")));
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(site.path("damaged.catalogue"), damaged).unwrap();
    for other in ["copy.catalogue", "later.catalogue"] {
        let report = json(&report(&site, &["damaged.catalogue", other]));
        assert!(verdicts(&report).contains(&("old/old.vmdk", "unknown")), "{other}");
        assert_eq!(report["coverage"]["complete"], false, "{other}");
    }
}

#[test]
fn what_a_later_run_left_out_is_a_gap_and_not_what_an_earlier_one_saw_there() {
    let site = site();
    for (file, more) in [("1.catalogue", &[][..]), ("2.catalogue", &["--exclude", "old"])] {
        let output = site.run(&[&["collect", "ds1=ds1", "-o", file], more].concat());
        assert_eq!(status(&output), 0, "{}", stderr(&output));
    }
    let report = json(&report(&site, &["1.catalogue", "2.catalogue"]));
    let paths: BTreeSet<&str> = verdicts(&report).into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        ["web01/web01-flat.vmdk", "web01/web01.vmdk", "web01/web01.vmx"].into()
    );
    let gaps = report["coverage"]["gaps"].to_string();
    assert!(gaps.contains("old on ds1 was left out by --exclude"), "{gaps}");
}

#[test]
fn a_run_that_goes_on_gives_the_report_of_one_that_was_never_ended() {
    let site = large_site();
    let file = collect(&site, "whole.catalogue");
    let mut whole = json(&report(&site, &["whole.catalogue"]));
    let boundaries = boundaries(&file);
    // Behind the header, in the middle of a block, behind each block, and within the trailer.
    let mut cuts = boundaries[1..boundaries.len() - 1].to_vec();
    cuts.extend([boundaries[2] + 1, boundaries[3] - 1, file.len() - 1]);
    for cut in cuts {
        fs::write(site.path("a.partial.catalogue"), &file[..cut]).unwrap();
        let output = site.run(&["collect", "ds1=ds1", "-o", "a.catalogue", "--resume", "--force"]);
        assert_eq!(status(&output), 0, "{cut}: {}", stderr(&output));
        assert!(!site.path("a.partial.catalogue").exists());
        let output = report(&site, &["a.catalogue"]);
        let mut resumed = json(&output);
        let gaps = |report: &mut Value, list: &str| {
            let gaps = report["coverage"][list].as_array_mut().unwrap();
            gaps.retain(|gap| !gap.to_string().contains("was read in 2 parts"));
        };
        assert!(resumed["coverage"]["gaps"].to_string().contains("was read in 2 parts"));
        for list in ["gaps", "gap_details"] {
            gaps(&mut resumed, list);
            gaps(&mut whole, list);
        }
        assert_eq!(resumed, whole, "{cut}");
    }
}

#[test]
fn a_folder_that_was_done_is_not_read_again() {
    let site = large_site();
    let file = collect(&site, "whole.catalogue");
    let trailer = boundaries(&file).into_iter().rev().nth(1).unwrap();
    fs::write(site.path("a.partial.catalogue"), &file[..trailer]).unwrap();
    fs::remove_file(site.path("ds1/old/old.vmdk")).unwrap();
    let output = site.run(&["collect", "ds1=ds1", "-o", "a.catalogue", "--resume"]);
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    let catalogue = Catalogue::load(&site.path("a.catalogue")).unwrap();
    let of_old = |path: &str| {
        catalogue
            .artifacts
            .iter()
            .any(|artifact| artifact.entry.path == path.into())
    };
    assert!(of_old("old/old.vmdk"), "as it was when it was read");
    assert_eq!(catalogue.roots[0].continued.len(), 1);
}

#[test]
fn only_the_same_run_can_go_on() {
    let site = site();
    let file = collect(&site, "whole.catalogue");
    let header = boundaries(&file)[1];
    let partial = || fs::write(site.path("a.partial.catalogue"), &file[..header]).unwrap();
    let go_on = |arguments: &[&str]| {
        let output = site.run(&[&["collect", "-o", "a.catalogue"], arguments].concat());
        assert_eq!(status(&output), 2, "{arguments:?}");
        stderr(&output)
    };
    assert!(go_on(&["ds1=ds1", "--resume"]).contains("a.partial.catalogue: is not there"));
    partial();
    assert!(go_on(&["ds1=ds1"]).contains("--resume goes on with it"));
    assert!(go_on(&["ds1", "--resume"]).contains("begun with other roots: ds1=ds1, not ds1"));
    assert!(go_on(&["ds1=ds1", "ds1=ds1/old", "--resume"]).contains("other roots"));
    assert!(go_on(&["ds1=ds1", "--exclude", "x", "--resume"]).contains("another --exclude"));
    assert!(go_on(&["ds1=ds1", "--cross-file-systems", "--resume"]).contains("--cross-file-systems"));
    fs::rename(site.path("ds1"), site.path("before")).unwrap();
    fs::create_dir(site.path("ds1")).unwrap();
    assert!(go_on(&["ds1=ds1", "--resume"]).contains("another folder"));
    fs::remove_dir(site.path("ds1")).unwrap();
    fs::rename(site.path("before"), site.path("ds1")).unwrap();
    let mut damaged = file[..boundaries(&file)[3]].to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(site.path("a.partial.catalogue"), &damaged).unwrap();
    assert!(go_on(&["ds1=ds1", "--resume"]).contains("checksum mismatch"));
    assert_eq!(
        site.read("a.partial.catalogue"),
        damaged,
        "what is damaged is left alone"
    );
    fs::write(site.path("a.partial.catalogue"), &file).unwrap();
    assert!(go_on(&["ds1=ds1", "--resume"]).contains("is complete"));
    let anew = site.run(&["collect", "ds1=ds1", "-o", "a.catalogue", "--force"]);
    assert_eq!(status(&anew), 0, "{}", stderr(&anew));
}

/// A limit on the length of files stands in for a disk that is full: writing fails half way.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_no_half_report_and_a_catalogue_that_can_go_on() {
    let site = large_site();
    let run = |arguments: &str| {
        let script = format!("ulimit -f 1; exec '{}' {arguments}", crate::site::DERELICT);
        let mut command = assert_cmd::Command::new("bash");
        command
            .current_dir(site.0.path())
            .args(["-c", &script])
            .output()
            .unwrap()
    };
    let before = crate::site::names(site.0.path());
    fs::write(site.path("kept.json"), "kept").unwrap();
    for output in ["new.json", "kept.json"] {
        let run = run(&format!("scan ds1=ds1 -i vms.json -o {output} --force"));
        assert_eq!(status(&run), 2, "{output}: {}", stderr(&run));
        assert!(stderr(&run).contains("cannot be written"), "{}", stderr(&run));
        assert!(stderr(&run).contains("File too large"), "{}", stderr(&run));
        assert!(!stderr(&run).contains(" at line "), "{}", stderr(&run));
    }
    assert_eq!(site.read("kept.json"), b"kept");
    fs::remove_file(site.path("kept.json")).unwrap();
    assert_eq!(crate::site::names(site.0.path()), before);

    let run = run("collect ds1=ds1 -o a.catalogue");
    assert_eq!(status(&run), 2, "{}", stderr(&run));
    assert!(stderr(&run).contains("cannot be written"), "{}", stderr(&run));
    assert!(!site.path("a.catalogue").exists());
    let go_on = site.run(&["collect", "ds1=ds1", "-o", "a.catalogue", "--resume"]);
    assert_eq!(status(&go_on), 0, "{}", stderr(&go_on));
    assert_eq!(Catalogue::load(&site.path("a.catalogue")).unwrap().artifacts.len(), 5);
}

#[test]
fn a_run_that_can_read_nothing_leaves_no_catalogue() {
    let site = site();
    let output = site.run(&["collect", "ds1/old/old.vmdk", "-o", "a.catalogue"]);
    assert_eq!(status(&output), 2);
    assert!(!site.path("a.partial.catalogue").exists());
}

/// What lies under the name of a catalogue that is not complete may lead into a datastore.
#[cfg(unix)]
#[test]
fn a_catalogue_is_written_through_no_link() {
    let site = site();
    let file = collect(&site, "whole.catalogue");
    let half = boundaries(&file)[1];
    let (target, partial) = (site.path("ds1/evil.bin"), site.path("a.partial.catalogue"));
    let links: [fn(&Path, &Path) -> std::io::Result<()>; 2] = [
        |target, link| std::os::unix::fs::symlink(target, link),
        |target, link| fs::hard_link(target, link),
    ];
    for link in links {
        for (content, more) in [(&b"a disk"[..], "--force"), (&file[..=half], "--resume")] {
            fs::write(&target, content).unwrap();
            link(&target, &partial).unwrap();
            let output = site.run(&["collect", "ds1=ds1", "-o", "a.catalogue", more]);
            assert_eq!(status(&output), 2, "{more}: {}", stderr(&output));
            assert!(stderr(&output).contains("a.partial.catalogue"), "{}", stderr(&output));
            assert!(stderr(&output).contains("remove it"), "{}", stderr(&output));
            assert_eq!(site.read("ds1/evil.bin"), content, "{more}");
            assert!(!site.path("a.catalogue").exists());
            fs::remove_file(&partial).unwrap();
        }
    }
    fs::write(&partial, "left by another run").unwrap();
    let output = site.run(&["collect", "ds1=ds1", "-o", "a.catalogue", "--force"]);
    assert_eq!(status(&output), 0, "a file of our own is replaced: {}", stderr(&output));
}

#[test]
fn a_whole_catalogue_is_gone_on_with_only_by_the_same_run() {
    let site = site();
    let file = collect(&site, "a.catalogue");
    for (arguments, why) in [
        (&["ds1=ds1/old"][..], "begun with other roots: ds1=ds1, not ds1=ds1/old"),
        (&["ds1"], "other roots"),
        (&["other=ds1"], "other roots"),
        (&["ds1=ds1", "ds1/old"], "other roots"),
        (&["ds1=ds1", "--exclude", "x"], "another --exclude"),
    ] {
        let output = site.run(&[&["collect", "-o", "a.catalogue", "--resume"], arguments].concat());
        assert_eq!(status(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(why), "{arguments:?}: {}", stderr(&output));
    }
    let output = site.run(&["collect", "-o", "a.catalogue", "--resume", "ds1=ds1"]);
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("nothing is read again"), "{}", stderr(&output));
    assert_eq!(site.read("a.catalogue"), file);
}

#[test]
fn a_catalogue_that_is_cut_in_its_header_says_what_to_do() {
    let site = site();
    let file = collect(&site, "whole.catalogue");
    let header = boundaries(&file)[1];
    let cut = header - 1;
    fs::write(site.path("a.partial.catalogue"), &file[..cut]).unwrap();
    let texts = [
        report(&site, &["a.partial.catalogue"]),
        site.run(&["collect", "ds1=ds1", "-o", "a.catalogue", "--resume"]),
    ];
    for output in texts {
        assert_eq!(status(&output), 2);
        let text = stderr(&output);
        for part in [
            "a.partial.catalogue",
            "cut within its header",
            "--force",
            "at offset 0x0",
        ] {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
        assert!(text.contains(&format!("need {header} bytes, have {cut}")), "{text}");
    }
}

#[test]
fn the_table_of_a_catalogue_that_is_cut_says_that_it_is_incomplete() {
    let site = large_site();
    let file = collect(&site, "whole.catalogue");
    let trailer = boundaries(&file).into_iter().rev().nth(1).unwrap();
    fs::write(site.path("cut.catalogue"), &file[..trailer]).unwrap();
    let output = site.run(&["report", "cut.catalogue", "-i", "vms.json", "--as-of", "2024-06-01"]);
    assert_eq!(status(&output), 3, "{}", stderr(&output));
    let text = stdout(&output);
    let said = "the catalogue cut.catalogue is incomplete";
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(said), "{text}");
    assert!(!flat.contains("1 item could not be read"), "{text}");
}

#[test]
fn inspect_tells_what_a_catalogue_holds() {
    let site = large_site();
    let whole = collect(&site, "a.catalogue");
    let catalogue = Catalogue::load(&site.path("a.catalogue")).unwrap();
    let output = site.run(&["inspect", "-f", "json", "a.catalogue"]);
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    let told = &json(&output)[0]["catalogue"];
    assert_eq!(told["schema"], "derelict/catalogue/2");
    assert_eq!(told["complete"], true);
    assert_eq!(told["issues"], Value::Array(Vec::new()));
    assert_eq!(told["bystanders"], catalogue.bystanders.len());
    let root = &told["roots"][0];
    assert_eq!((&root["path"], &root["aliases"][0]), (&"ds1".into(), &"ds1".into()));
    assert_eq!(root["files"], catalogue.roots[0].files);
    let kinds = root["artifacts"].as_object().unwrap().values();
    let artifacts: u64 = kinds.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(artifacts, catalogue.artifacts_by_root()[&0]);

    let text = stdout(&site.run(&["inspect", "a.catalogue"]));
    assert!(
        text.contains("\n  catalogue\n    schema      derelict/catalogue/2\n"),
        "{text}"
    );
    assert!(
        text.contains("  kind    saved catalogue\n") && text.contains("vmdk-descriptor"),
        "{text}"
    );

    let cut = &whole[..boundaries(&whole)[1]];
    site.file("cut.catalogue", cut);
    let output = site.run(&["inspect", "-f", "json", "cut.catalogue"]);
    let told = &json(&output)[0]["catalogue"];
    assert_eq!(told["complete"], false);
    assert!(!told["issues"].as_array().unwrap().is_empty());

    let (last, rest) = whole.split_last().unwrap();
    site.file("damaged.catalogue", [rest, &[!last]].concat());
    let output = site.run(&["inspect", "damaged.catalogue"]);
    assert_eq!(status(&output), 3, "{}", stdout(&output));
}
