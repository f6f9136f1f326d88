//! Making the sites and scanning them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{AS_OF, Site, hyperv, manifest::Expected, vmware};

/// Both sites in `sample-data` of a new folder.
pub(crate) fn sites() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_sites(&folder.path().join("sample-data"));
    folder
}

pub(crate) fn write_sites(folder: &Path) {
    vmware::site().write(&folder.join("vmware")).unwrap();
    hyperv::site().write(&folder.join("hyperv")).unwrap();
}

pub(crate) fn derelict(folder: &Path, arguments: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_derelict"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

/// The JSON report of one site.
pub(crate) fn scan(site: &Site, folder: &Path, inventory: &str, with_aliases: bool, more: &[&str]) -> Vec<u8> {
    let mut arguments = vec!["scan".to_owned()];
    for (alias, root) in site.roots {
        arguments.push(if with_aliases {
            format!("{alias}={root}")
        } else {
            root.to_owned()
        });
    }
    let fixed = ["-i", inventory, "-f", "json", "--as-of", AS_OF];
    arguments.extend(fixed.iter().chain(more).map(|argument| (*argument).to_owned()));
    let output = derelict(&folder.join("sample-data").join(site.name), &arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{arguments:?}: {errors}");
    output.stdout
}

/// The verdict of each artifact of a report.
pub(crate) fn verdicts(report: &Value) -> BTreeMap<String, Expected> {
    let text = |artifact: &Value, field: &str| artifact[field].as_str().unwrap_or_default().to_owned();
    let vms = |artifact: &Value| {
        let owners = artifact["owners"].as_array().unwrap().iter();
        let vms = owners.filter(|owner| owner["type"] == "vm");
        vms.map(|owner| text(owner, "name")).collect()
    };
    let artifacts = report["artifacts"].as_array().unwrap().iter();
    artifacts
        .map(|artifact| {
            let verdict = Expected {
                verdict: text(artifact, "verdict"),
                class: text(artifact, "class"),
                reclaim: text(artifact, "reclaim"),
                risk: text(artifact, "risk"),
                owners: vms(artifact),
            };
            (text(artifact, "path"), verdict)
        })
        .collect()
}

pub(crate) fn problems(report: &Value) -> BTreeSet<(String, String)> {
    let problems = report["problems"].as_array().unwrap().iter();
    problems
        .map(|problem| {
            let subject = problem["subject"].as_str().unwrap();
            (problem["code"].as_str().unwrap().to_owned(), subject.to_owned())
        })
        .collect()
}
