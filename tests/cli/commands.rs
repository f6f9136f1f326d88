//! Roots, and the commands beside `scan`.

use std::fs;

use derelict::catalogue::Catalogue;

use crate::site::{Site, status, stderr, stdout};

#[test]
fn a_root_is_a_path_or_aliases_and_a_path() {
    let site = Site::new();
    fs::rename(site.path("ds1"), site.path("a,b=ds1")).unwrap();
    fs::create_dir(site.path("plain")).unwrap();
    for (argument, path, aliases) in [
        ("a,b=ds1", "a,b=ds1", &[][..]),
        ("./plain", "./plain", &[]),
        ("ds1=plain", "plain", &["ds1"]),
        ("ds1,/vmfs/volumes/u=plain", "plain", &["ds1", "/vmfs/volumes/u"]),
        ("a=b,c=plain", "plain", &["a=b", "c"]),
    ] {
        let output = site.run(&["collect", argument, "-o", "a.catalogue", "--force"]);
        assert_eq!(status(&output), 0, "{argument}: {}", stderr(&output));
        let catalogue = Catalogue::load(&site.path("a.catalogue")).unwrap();
        assert_eq!(catalogue.roots[0].path, path.into());
        assert_eq!(catalogue.roots[0].aliases, aliases);
    }
}

#[test]
fn aliases_are_told_to_the_report() {
    let site = Site::new();
    let report = site.report(&[]);
    assert_eq!(report["coverage"]["roots"][0]["identity"], "given");
    let aliases = report["coverage"]["roots"][0]["aliases"].as_array().unwrap();
    assert!(aliases.contains(&"ds1".into()), "{aliases:?}");
}

#[test]
fn an_excluded_place_is_left_out_and_named() {
    let site = Site::new();
    let report = site.report(&["--exclude", "old"]);
    let paths: Vec<_> = report["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|artifact| &artifact["path"])
        .collect();
    assert_eq!(paths.len(), 3, "{paths:?}");
    assert_eq!(report["coverage"]["roots"][0]["skipped"][0]["path"], "ds1/old");
}

#[test]
fn report_from_catalogues_equals_scan() {
    let site = Site::new();
    site.disk("ds2/lost/lost");
    let collect = |root: &str, file: &str| assert_eq!(status(&site.run(&["collect", root, "-o", file])), 0);
    collect("ds1=ds1", "1.catalogue");
    collect("ds2=ds2", "2.catalogue");
    let judged = ["-i", "vms.json", "--as-of", "2024-06-01", "-f", "json"];
    let scanned = site.run(&[&["scan", "ds1=ds1", "ds2=ds2"], &judged[..]].concat());
    let reported = site.run(&[&["report", "1.catalogue", "2.catalogue"], &judged[..]].concat());
    assert_eq!(reported.stdout, scanned.stdout);
    assert_eq!(status(&reported), status(&scanned));
}

#[test]
fn an_inventory_of_a_time_that_has_not_come_yet_makes_nobody_old() {
    let site = Site::new();
    let loose = |as_of: &str| {
        let output = site.run(&["scan", "ds1=ds1", "-i", "vms.json", "--as-of", as_of, "-f", "json"]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let artifacts = report["artifacts"].as_array().unwrap().clone();
        let old = artifacts
            .into_iter()
            .find(|artifact| artifact["path"] == "ds1/old/old.vmdk");
        (old.unwrap()["verdict"].clone(), report["coverage"].to_string())
    };
    site.age("vms.json", "2199-05-01");
    let (verdict, gaps) = loose("2024-06-01");
    assert_eq!(verdict, "unknown");
    assert!(gaps.contains("nothing tells when the inventory of"), "{gaps}");
    // Whoever says what time it is is believed.
    let (verdict, gaps) = loose("2199-06-01");
    assert_eq!(verdict, "orphaned", "{gaps}");
    assert!(!gaps.contains("nothing tells when"), "{gaps}");
}

#[test]
fn a_catalogue_is_not_overwritten_unasked() {
    let site = Site::new();
    assert_eq!(status(&site.run(&["collect", "ds1", "-o", "a.catalogue"])), 0);
    assert_eq!(status(&site.run(&["collect", "ds1", "-o", "a.catalogue"])), 2);
    assert_eq!(
        status(&site.run(&["collect", "ds1", "-o", "a.catalogue", "--force"])),
        0
    );
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let site = Site::new();
    let one = site.scan(&["-f", "json", "--threads", "1"]).stdout;
    let eight = site.scan(&["-f", "json", "--threads", "8"]).stdout;
    assert_eq!(one, eight);
}

#[test]
fn hash_adds_the_blake3_of_what_belongs_to_nobody() {
    let site = Site::new();
    let report = site.report(&["--hash"]);
    for artifact in report["artifacts"].as_array().unwrap() {
        let hash = &artifact["blake3"];
        let path = site.0.path().join(artifact["path"].as_str().unwrap());
        match artifact["verdict"].as_str().unwrap() {
            "orphaned" => assert_eq!(hash, blake3::hash(&fs::read(path).unwrap()).to_hex().as_str()),
            _ => assert!(hash.is_null()),
        }
    }
}

#[test]
fn explain_tells_why_and_knows_every_name_of_a_file() {
    let site = Site::new();
    site.scan(&["-o", "r.json"]);
    for name in ["ds1/old/old-flat.vmdk", "old/old-flat.vmdk", "[ds1] old/old-flat.vmdk"] {
        let output = site.run(&["explain", "r.json", name]);
        assert_eq!(status(&output), 0, "{name}: {}", stderr(&output));
        let text = stdout(&output);
        for part in [
            "verdict     orphaned/",
            "For this verdict:",
            "Named by:\n  ds1/old/old.vmdk (as extent)",
        ] {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
    }
    let none = site.run(&["explain", "r.json", "old-flat.vmdk"]);
    assert_eq!(status(&none), 2);
    assert!(
        stderr(&none).contains("did you mean ds1/old/old-flat.vmdk?"),
        "{}",
        stderr(&none)
    );
}

#[test]
fn explain_lists_what_a_name_fits() {
    let site = Site::new();
    site.disk("ds2/old/old");
    site.run(&["scan", "ds1=ds1", "ds2=ds2", "-i", "vms.json", "-o", "r.json"]);
    let output = site.run(&["explain", "r.json", "old/old.vmdk"]);
    assert_eq!(status(&output), 2);
    let message = stderr(&output);
    assert!(
        message.contains("fits several files: ds1/old/old.vmdk, ds2/old/old.vmdk"),
        "{message}"
    );
}

#[test]
fn inspect_prints_what_was_read() {
    let site = Site::new();
    let text = site.run(&["inspect", "ds1/old/old.vmdk", "ds1/web01/web01.vmx"]);
    assert_eq!(status(&text), 0, "{}", stderr(&text));
    assert!(stdout(&text).contains("vmdk-descriptor") && stdout(&text).contains("old-flat.vmdk"));
    let json = site.run(&["inspect", "ds1/old/old.vmdk", "-f", "json"]);
    let read: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(read[0]["kind"], "vmdk-descriptor");
}

#[test]
fn inspect_reads_what_it_can_and_says_what_it_cannot() {
    let site = Site::new();
    let output = site.run(&["inspect", "gone.vmdk", "ds1/old/old.vmdk"]);
    assert_eq!(status(&output), 3);
    assert!(stdout(&output).contains("vmdk-descriptor"));
    assert!(stderr(&output).contains("gone.vmdk"), "{}", stderr(&output));
}

#[test]
fn inventory_prints_what_was_understood() {
    let site = Site::new();
    let text = site.run(&["inventory", "vms.json"]);
    assert_eq!(status(&text), 0, "{}", stderr(&text));
    assert!(stdout(&text).contains("powercli-json"), "{}", stdout(&text));
    let json = site.run(&["inventory", "vms.json", "-f", "json"]);
    let read: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(read["inventories"][0]["vms"][0]["name"], "web01");
}
