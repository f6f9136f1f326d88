//! The report as a page, driven in a real browser: the sample sites, a hostile datastore, a report with every
//! problem, and a hundred thousand artifacts.
//!
//! The pages are made here; what is done with them stands in `src/report/html/web/test`, one file for each of these
//! tests, run by Node with Chromium. Where one of the two is missing, a test says so and does nothing; with
//! `DERELICT_BROWSER=required` in the environment it fails. `DERELICT_KEEP=FOLDER` keeps the pages.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot set itself up has failed, and reads what it wrote; what it skips it says"
)]

#[path = "../../examples/make-sample-data/hyperv/mod.rs"]
mod hyperv;
#[path = "../../examples/make-sample-data/tree.rs"]
mod tree;
#[path = "../../examples/make-sample-data/vmware/mod.rs"]
mod vmware;

mod hostile;
mod large;
mod made;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const DERELICT: &str = env!("CARGO_BIN_EXE_derelict");
const WEB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/html/web");
const BROWSERS: [&str; 2] = ["/usr/bin/chromium", "/usr/bin/google-chrome"];

/// The scan of both sample sites, as the README has it.
const SCAN: [&str; 13] = [
    "scan",
    "sample-data/vmware/nfs01",
    "sample-data/vmware/vmfs01",
    "sample-data/vmware/vmfs02",
    "sample-data/hyperv/volume1",
    "sample-data/hyperv/volume2",
    "sample-data/hyperv/share",
    "-i",
    "sample-data/vmware/inventory-govc",
    "-i",
    "sample-data/hyperv/inventory-json",
    "--as-of",
    "2026-11-02",
];

#[test]
fn the_page_of_the_sample_sites_can_be_read_filtered_and_printed() {
    let Some(browser) = Browser::find() else { return };
    let folder = sites();
    scan(folder.path(), &["-o", "sample.html"]);
    browser.run("sample.test.mjs", &folder.path().join("sample.html"));
}

#[test]
fn names_of_a_hostile_datastore_are_shown_and_not_obeyed() {
    let Some(browser) = Browser::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    hostile::scan(folder.path());
    browser.run("hostile.test.mjs", &folder.path().join("hostile.html"));
}

#[test]
fn every_problem_shows_on_one_light_and_what_no_backup_names_is_found() {
    let Some(browser) = Browser::find() else { return };
    let folder = sites();
    let report = scan(folder.path(), &["-f", "json"]).stdout;
    let page = folder.path().join("made.html");
    made::write(&String::from_utf8(report).unwrap(), &page);
    browser.run("made.test.mjs", &page);
}

#[test]
fn a_hundred_thousand_artifacts_are_listed_filtered_and_opened() {
    let Some(browser) = Browser::find() else { return };
    let folder = sites();
    let report = scan(folder.path(), &["-f", "json"]).stdout;
    let page = folder.path().join("large.html");
    let bytes = large::write(&String::from_utf8(report).unwrap(), &page);
    assert!(bytes < 15_000_000, "the page has {bytes} bytes: too many for a mail");
    browser.run("large.test.mjs", &page);
}

/// Both sample sites in a new folder.
fn sites() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    vmware::site().write(&folder.path().join("sample-data/vmware")).unwrap();
    hyperv::site().write(&folder.path().join("sample-data/hyperv")).unwrap();
    folder
}

fn scan(folder: &Path, more: &[&str]) -> Output {
    run(folder, &[&SCAN, more].concat())
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(DERELICT)
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{errors}");
    output
}

/// Node with its client of the browser, and the browser.
struct Browser(PathBuf);

impl Browser {
    fn find() -> Option<Self> {
        let has_node = Command::new("node").arg("--version").output().is_ok();
        let has_client = Path::new(WEB).join("node_modules/playwright-core").exists();
        let browser = BROWSERS.iter().map(PathBuf::from).find(|path| path.exists());
        if let (true, true, Some(browser)) = (has_node, has_client, &browser) {
            return Some(Self(browser.clone()));
        }
        let missing = format!(
            "SKIPPED: the page is not tested in a browser: node {}, `npm ci` in src/report/html/web {}, chromium {}",
            if has_node { "is there" } else { "is missing" },
            if has_client { "was done" } else { "was not done" },
            if browser.is_some() { "is there" } else { "is missing" },
        );
        let required = std::env::var_os("DERELICT_BROWSER").is_some_and(|value| value == "required");
        assert!(!required, "{missing}");
        eprintln!("{missing}");
        None
    }

    fn run(&self, test: &str, page: &Path) {
        let output = Command::new("node")
            .current_dir(WEB)
            .args(["--test", "--test-reporter=spec", &format!("test/{test}")])
            .env("DERELICT_PAGE", page)
            .env("DERELICT_CHROMIUM", &self.0)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if let Some(folder) = std::env::var_os("DERELICT_KEEP") {
            fs::copy(page, Path::new(&folder).join(page.file_name().unwrap())).unwrap();
        }
        assert!(
            output.status.success(),
            "{said}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        eprintln!("{said}");
    }
}
