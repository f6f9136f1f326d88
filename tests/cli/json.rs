//! The JSON report as other programs rely on it: the schema, and the wire types once more.
//!
//! The types here are declared independently of the program's. A field that is added there has to be added here: that is
//! the point at which somebody asks whether it may be.
#![expect(dead_code, reason = "fields are declared for what they are called, not to be read")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::site::{Site, stdout};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    schema: String,
    generated: String,
    as_of: String,
    duration_ms: Option<u64>,
    tool: Value,
    coverage: Value,
    summary: Summary,
    vms: Vec<Vm>,
    artifacts: Vec<Artifact>,
    groups: Vec<Group>,
    problems: Vec<Problem>,
    accepted: Vec<Acceptance>,
    second_opinions: Vec<SecondOpinion>,
    backups: Option<BackupReport>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecondOpinion {
    source: String,
    path: Path,
    opinion: Option<String>,
    artifact: Option<Path>,
    verdict: Option<String>,
    class: Option<String>,
    agreement: String,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BackupReport {
    complete: bool,
    files: Vec<String>,
    warnings: Vec<String>,
    vms: u64,
    protected: Vec<ProtectedVm>,
    unprotected: Vec<UnprotectedVm>,
    gone: Vec<BackupMention>,
    unprotected_groups: u64,
    unprotected_bytes: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProtectedVm {
    name: String,
    id: String,
    last: Option<String>,
    backups: Vec<BackupMention>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnprotectedVm {
    name: String,
    id: String,
    template: bool,
    perhaps: Vec<BackupMention>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BackupMention {
    name: String,
    job: Option<String>,
    last: Option<String>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    reason: String,
    by: Option<String>,
    until: Option<String>,
    expired: bool,
    sum: Sum,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Summary {
    verdicts: BTreeMap<String, Sum>,
    classes: BTreeMap<String, Sum>,
    datastores: BTreeMap<String, BTreeMap<String, Sum>>,
    datastore_classes: BTreeMap<String, BTreeMap<String, Sum>>,
    reclaimable_bytes: u64,
    review_bytes: u64,
    accepted: Sum,
    filter: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sum {
    files: u64,
    apparent_bytes: u64,
    allocated_bytes: u64,
    reclaimable_bytes: u64,
    review_bytes: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vm {
    id: String,
    name: String,
    platform: String,
    registered: bool,
    inventories: Vec<String>,
    host: Option<String>,
    state: Option<String>,
    folder: Option<String>,
    noted_owner: Option<String>,
    notes: Option<String>,
    config: Option<Path>,
    artifacts: Vec<Path>,
    missing: Vec<Missing>,
    problems: Vec<VmProblem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Missing {
    path: Path,
    role: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VmProblem {
    code: String,
    severity: String,
    text: String,
}

/// Text where it is Unicode, base64 of the bytes where it is not.
#[derive(Deserialize)]
#[serde(untagged)]
enum Path {
    Text(String),
    Bytes { bytes: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Artifact {
    path: Path,
    root: Path,
    relative_path: Path,
    datastore: String,
    kind: String,
    kind_basis: String,
    verdict: String,
    class: Option<String>,
    confidence: Option<String>,
    reclaim: String,
    risk: Option<String>,
    group: Option<String>,
    owners: Vec<Owner>,
    apparent_bytes: u64,
    allocated_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    modified: Option<String>,
    referenced_by: Vec<ReferencedBy>,
    references: Vec<Reference>,
    reasons: Vec<Reason>,
    facts: Value,
    blake3: Option<String>,
    accepted: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
    r#type: String,
    id: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferencedBy {
    path: Path,
    role: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    path: Path,
    role: String,
    resolved: Path,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    code: String,
    text: String,
    source: Option<String>,
    weight: String,
    settles: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    id: String,
    verdict: String,
    class: Option<String>,
    title: String,
    owner: Option<String>,
    owner_basis: Option<String>,
    owner_source: Option<String>,
    artifacts: Vec<Path>,
    allocated_bytes: u64,
    modified: Option<String>,
    reclaim: String,
    confidence: Option<String>,
    backups: Vec<BackupMention>,
    accepted: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Problem {
    severity: String,
    code: String,
    subject: String,
    text: String,
    reasons: Vec<Reason>,
    next_step: String,
}

/// A site with something of everything: a broken VM, a bad file, a name that is not Unicode.
fn site() -> Site {
    let site = Site::new();
    site.file("ds1/bad/bad.vmx", b"\x00\x01 nothing like a configuration");
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"ds1/old/\xff-flat.vmdk");
        std::fs::write(site.0.path().join(name), "x").unwrap();
    }
    site
}

#[test]
fn reports_have_the_fields_that_programs_rely_on_and_no_others() {
    let site = site();
    for more in [&[][..], &["--hash"], &["--filter", "verdict=orphaned"]] {
        let text = stdout(&site.scan(&[&["-f", "json"], more].concat()));
        let report: Report = serde_json::from_str(&text).unwrap();
        assert_eq!(report.schema, "derelict/report/1");
        assert!(report.artifacts.iter().all(|artifact| !artifact.reasons.is_empty()));
        assert_eq!(report.generated, "2024-06-01T00:00:00Z");
        assert_eq!(report.as_of, report.generated);
    }
}

#[test]
fn reports_fulfil_the_schema_that_derelict_prints() {
    let site = site();
    let schema: Value = serde_json::from_str(&stdout(&site.run(&["schema"]))).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let report = site.report(&[]);
    let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
}

// The name of `site` is made of bytes; what is no Unicode on Windows is tested in `src/windows.rs`.
#[cfg(unix)]
#[test]
fn a_path_that_is_not_unicode_is_written_losslessly() {
    let report = site().report(&[]);
    let artifacts = report["artifacts"].as_array().unwrap();
    let paths: Vec<_> = artifacts
        .iter()
        .filter_map(|artifact| artifact["relative_path"]["bytes"].as_str())
        .collect();
    assert_eq!(paths, ["b2xkL/8tZmxhdC52bWRr"]);
}

#[test]
fn a_root_that_lies_in_another_or_is_another_costs_no_verdict_and_is_told() {
    let site = Site::new();
    #[cfg(unix)]
    std::os::unix::fs::symlink("ds1", site.path("link")).unwrap();
    let roots: &[&[&str]] = &[
        &["ds1=ds1", "ds1/old"],
        &["ds1/old", "ds1=ds1"],
        &["ds1", "ds1/old"],
        &["ds1=ds1", "ds1/"],
        &["ds1=ds1", "ds1=ds1"],
        #[cfg(unix)]
        &["ds1=ds1", "link"],
        #[cfg(unix)]
        &["ds1=ds1", "link/old"],
    ];
    for roots in roots {
        let more = ["-i", "vms.json", "--as-of", "2024-06-01", "-f", "json"];
        let output = site.run(&[&["scan"], *roots, &more].concat());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let artifacts = report["artifacts"].as_array().unwrap().iter();
        let mut old = artifacts.filter(|artifact| artifact["path"].as_str().unwrap().contains("old"));
        assert!(
            old.all(|artifact| artifact["verdict"] == "orphaned"),
            "{roots:?}: {report:#}"
        );
        assert_eq!(report["summary"]["verdicts"]["orphaned"]["files"], 2, "{roots:?}");
        let gaps = report["coverage"]["gap_details"].as_array().unwrap();
        let codes: Vec<_> = gaps.iter().map(|gap| gap["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["roots-overlap"], "{roots:?}: {gaps:?}");
        assert_eq!(report["coverage"]["complete"], true, "{roots:?}");
    }
}
