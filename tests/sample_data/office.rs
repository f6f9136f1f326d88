//! The workbook of the sample sites, opened by `LibreOffice`: what it shows is what the JSON report says.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use serde_json::Value;

use crate::{AS_OF, SITES, derelict, sites};

/// Every sheet as a file, with the values of cells and not how they are shown.
const CSV: &str = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1";

#[test]
fn the_workbook_opens_in_libreoffice_with_the_numbers_of_the_report() {
    if Command::new("soffice").arg("--version").output().is_err() {
        eprintln!("SKIPPED: the workbook is not opened in LibreOffice: soffice is missing (libreoffice-calc)");
        return;
    }
    for site in &SITES {
        let folder = sites();
        let place = folder.path().join("sample-data").join(site.name);
        let mut arguments = vec!["scan"];
        arguments.extend(site.roots.iter().map(|(_, root)| *root));
        arguments.extend([
            "-i",
            site.strong,
            "--as-of",
            AS_OF,
            "-o",
            "book.xlsx",
            "-o",
            "book.json",
        ]);
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let scanned = derelict(&place, &arguments);
        assert!(matches!(scanned.status.code(), Some(0 | 3)), "{scanned:?}");
        let report: Value = serde_json::from_slice(&fs::read(place.join("book.json")).unwrap()).unwrap();

        converted(&place, CSV);
        shows_the_report(&place, &report);
        converted(&place, "pdf");
        assert!(fs::read(place.join("book.pdf")).unwrap().starts_with(b"%PDF-"));
    }
}

/// Has `LibreOffice` write the workbook in another form, with settings of its own.
fn converted(place: &Path, form: &str) {
    let profile = format!("-env:UserInstallation=file://{}/profile", place.display());
    let mut command = Command::new("soffice");
    let output = command
        .current_dir(place)
        .args([&profile, "--headless", "--convert-to", form, "book.xlsx"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert!(
        output.status.success() && !said.contains("error:"),
        "{form}: {output:?}"
    );
}

fn shows_the_report(place: &Path, report: &Value) {
    for sheet in ["Summary", "Orphans", "Files", "VMs", "Problems", "Coverage"] {
        let cells = cells(place, sheet).into_iter().flatten();
        let wrong: Vec<String> = cells
            .filter(|cell| cell.starts_with("#REF") || cell.starts_with("#NAME") || cell.starts_with("Err:"))
            .collect();
        assert_eq!(wrong, [""; 0], "{sheet}");
    }
    let number = |value: &Value| value.as_u64().map(|number| number.to_string()).unwrap_or_default();

    let artifacts = report["artifacts"].as_array().unwrap();
    let files = rows(place, "Files");
    assert_eq!(files.len(), artifacts.len());
    for (row, artifact) in files.iter().zip(artifacts) {
        assert_eq!(row["Path"], artifact["path"].as_str().unwrap());
        assert_eq!(row["Verdict"], artifact["verdict"].as_str().unwrap(), "{row:?}");
        assert_eq!(row["Allocated bytes"], number(&artifact["allocated_bytes"]), "{row:?}");
    }

    let groups = report["groups"].as_array().unwrap().iter();
    let nobodys = groups.filter(|group| ["orphaned", "unregistered"].contains(&group["verdict"].as_str().unwrap()));
    let mut wanted: Vec<(String, String)> = nobodys
        .map(|group| {
            (
                group["title"].as_str().unwrap().to_owned(),
                number(&group["allocated_bytes"]),
            )
        })
        .collect();
    let mut orphans: Vec<(String, String)> = rows(place, "Orphans")
        .iter()
        .map(|row| (row["Group"].clone(), row["Allocated bytes"].clone()))
        .collect();
    wanted.sort();
    orphans.sort();
    assert_eq!(orphans, wanted);
    assert!(!orphans.is_empty());

    let summary = cells(place, "Summary");
    for (verdict, sum) in report["summary"]["verdicts"].as_object().unwrap() {
        let row = summary.iter().find(|row| row[0] == *verdict).unwrap();
        assert_eq!(row[1], number(&sum["files"]), "{verdict}");
    }
    assert_eq!(rows(place, "VMs").len(), report["vms"].as_array().unwrap().len());
    assert_eq!(
        rows(place, "Problems").len(),
        report["problems"].as_array().unwrap().len()
    );
}

fn cells(place: &Path, sheet: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_path(place.join(format!("book-{sheet}.csv")))
        .unwrap();
    let records = reader.records().map(|record| record.unwrap());
    records
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

/// The rows of a list by the titles of its columns.
fn rows(place: &Path, sheet: &str) -> Vec<BTreeMap<String, String>> {
    let mut all = cells(place, sheet).into_iter();
    let titles = all.next().unwrap();
    all.map(|row| titles.iter().cloned().zip(row).collect()).collect()
}
