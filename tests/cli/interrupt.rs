//! A run whose user does not wait for the judgement.

use std::time::Duration;

use clap::Parser;
use derelict::{
    cli::Cli,
    exit_code::ExitStatus,
    interrupt::{Answer, Stop},
    report::{
        codes::{Class, ReasonCode},
        model::{Report, Verdict},
    },
    run::{self, Console},
};

use crate::site::{Site, status, stderr};

/// A site of which everything was read.
fn collected() -> Site {
    let site = Site::new();
    let output = site.run(&["collect", "ds1=ds1", "-o", "a.catalogue"]);
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    site
}

/// The report of a user who asked for the end when all was read, and waits so long for the judgement.
fn report(site: &Site, patience: Duration, more: &[&str]) -> (ExitStatus, Vec<u8>) {
    let stop = Stop::with_patience(patience);
    stop.finish();
    assert_eq!(stop.ask(), Answer::Finishes);
    let path = |name: &str| site.path(name).to_str().unwrap().to_owned();
    let (catalogue, inventory) = (path("a.catalogue"), path("vms.json"));
    let arguments = [
        "derelict",
        "report",
        &catalogue,
        "-i",
        &inventory,
        "--as-of",
        "2024-06-01",
    ];
    let cli = Cli::parse_from([&arguments, more].concat());
    let mut out = Vec::new();
    let mut messages = Vec::new();
    let mut console = Console {
        out: &mut out,
        messages: &mut messages,
        width: None,
        colour: false,
        stop,
    };
    let status = run::run(&cli, &mut console).unwrap();
    (status, out)
}

fn parsed(json: &[u8]) -> Report {
    serde_json::from_slice(json).unwrap()
}

fn is_unjudged(report: &Report) -> bool {
    let mut artifacts = report.artifacts.iter();
    let nothing_said = report.vms.is_empty() && report.groups.is_empty() && report.problems.is_empty();
    nothing_said
        && artifacts.all(|artifact| {
            (artifact.verdict, artifact.class) == (Verdict::Unknown, Some(Class::Interrupted))
                && artifact.owners.is_empty()
                && artifact
                    .reasons
                    .iter()
                    .all(|reason| reason.code == ReasonCode::Interrupted)
        })
}

#[test]
fn a_judgement_that_is_given_up_leaves_no_half_of_it() {
    let site = collected();
    let whole = report(&site, Duration::MAX, &["-f", "json"]);
    assert_eq!(whole.0, ExitStatus::Interrupted);
    let judged = parsed(&whole.1);
    assert!(
        judged.coverage.complete && !is_unjudged(&judged),
        "all was read, and there was time"
    );
    let mut patience = Duration::ZERO;
    let mut given_up = 0;
    loop {
        let (status, json) = report(&site, patience, &["-f", "json"]);
        assert_eq!(status, ExitStatus::Interrupted);
        if json == whole.1 {
            break;
        }
        let unjudged = parsed(&json);
        assert!(is_unjudged(&unjudged), "{patience:?}");
        assert!(!unjudged.coverage.complete, "{patience:?}");
        assert_eq!(
            unjudged.artifacts.len(),
            judged.artifacts.len(),
            "{patience:?}: all that was read"
        );
        assert_eq!(unjudged.coverage.gap_details[0].files, 5, "{patience:?}");
        given_up += 1;
        patience += Duration::from_micros(20) + patience / 20;
    }
    assert!(given_up > 0, "without patience nothing is judged");
}

#[test]
fn a_report_without_a_judgement_has_every_form_and_can_be_redacted_and_filtered() {
    let site = collected();
    for form in ["table", "json", "jsonl", "csv", "md", "html", "prom"] {
        let (_, text) = report(&site, Duration::ZERO, &["-f", form]);
        assert!(!text.is_empty(), "{form}");
        let (_, text) = report(&site, Duration::ZERO, &["-f", form, "--redact"]);
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains("web01"), "{form}: {text}");
    }
    let listed = |filter: &str| {
        let (_, json) = report(&site, Duration::ZERO, &["-f", "json", "--filter", filter]);
        parsed(&json).artifacts.len()
    };
    assert_eq!(listed("class=interrupted and path~web01"), 3);
    assert_eq!(listed("verdict=orphaned"), 0);
}

#[test]
fn sums_of_what_is_not_judged_count_a_file_once() {
    let site = collected();
    std::fs::hard_link(site.path("ds1/old/old-flat.vmdk"), site.path("ds1/old/again-flat.vmdk")).unwrap();
    let output = site.run(&["collect", "ds1=ds1", "-o", "a.catalogue", "--force"]);
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    let (_, json) = report(&site, Duration::ZERO, &["-f", "json"]);
    let unjudged = parsed(&json);
    assert_eq!(unjudged.artifacts.len(), 6);
    assert_eq!(unjudged.summary.verdicts["unknown"].files, 5);
    assert_eq!(unjudged.summary.datastores["ds1"]["unknown"].files, 5);
    assert_eq!(
        unjudged.summary.classes["unknown/interrupted"].apparent_bytes,
        2 * (1 << 20) + small(&unjudged)
    );
}

/// The lengths of all but the data.
fn small(report: &Report) -> u64 {
    let lengths = report.artifacts.iter().map(|artifact| artifact.apparent_bytes);
    lengths.filter(|length| *length < 1 << 20).sum()
}
