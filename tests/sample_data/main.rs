//! The sample sites: made by their generator, scanned by the real binary, and held against their manifest. What the
//! manifest says comes from what each file is, not from what the program prints.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test that cannot set itself up has failed, and reads what it wrote; what it skips it says"
)]

#[path = "../../examples/make-sample-data/hyperv/mod.rs"]
mod hyperv;
#[path = "../../examples/make-sample-data/tree.rs"]
mod tree;
#[path = "../../examples/make-sample-data/vmware/mod.rs"]
mod vmware;

mod generator;
mod manifest;
mod office;
mod readme;
mod run;
#[cfg(feature = "parquet")]
mod tables;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::Value;
use walkdir::WalkDir;

use manifest::Manifest;
use run::{derelict, problems, scan, sites, verdicts};

/// The folder of the committed sites.
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-data");

/// Ages are judged as of this time.
const AS_OF: &str = "2026-11-02";

/// One site and its roots with the names that others use for them.
struct Site {
    name: &'static str,
    roots: [(&'static str, &'static str); 3],
    strong: &'static str,
    weak: &'static str,
}

const SITES: [Site; 2] = [
    Site {
        name: "vmware",
        roots: [
            ("nfs01", "nfs01"),
            ("vmfs01,/vmfs/volumes/6532a1f0-4c19d7b2-77aa-001b21aa0001", "vmfs01"),
            ("vmfs02", "vmfs02"),
        ],
        strong: "inventory-govc",
        weak: "inventory-rvtools",
    },
    Site {
        name: "hyperv",
        roots: [
            (r"C:\ClusterStorage\Volume1", "volume1"),
            (r"C:\ClusterStorage\Volume2", "volume2"),
            (r"\\fs01.lab.example\vms", "share"),
        ],
        strong: "inventory-json",
        weak: "inventory-host-store",
    },
];

fn check(site: &Site, weak: bool, with_aliases: bool) {
    let folder = sites();
    let inventory = if weak { site.weak } else { site.strong };
    let report: Value = serde_json::from_slice(&scan(site, folder.path(), inventory, with_aliases, &[])).unwrap();
    let manifest = Manifest::load();
    let expected = manifest.files(site.name, &folder.path().join("sample-data").join(site.name), weak);
    let found = verdicts(&report);
    for (path, expected) in &expected {
        assert_eq!(found.get(path), Some(expected), "{path} with {inventory}");
    }
    let extra: Vec<_> = found.keys().filter(|path| !expected.contains_key(*path)).collect();
    assert!(extra.is_empty(), "not in the manifest: {extra:?}");
    assert_eq!(
        problems(&report),
        manifest.problems(site.name, weak),
        "with {inventory}"
    );
    let identity = if with_aliases { "given" } else { "inferred" };
    for root in report["coverage"]["roots"].as_array().unwrap() {
        assert_eq!(root["identity"], identity, "{root:#}");
        assert_eq!(root["covered"], "complete", "{root:#}");
    }
}

#[test]
fn the_vmware_site_is_judged_as_its_manifest_says() {
    check(&SITES[0], false, true);
}

#[test]
fn the_vmware_site_is_judged_the_same_with_identity_inferred() {
    check(&SITES[0], false, false);
}

#[test]
fn the_vmware_site_is_judged_with_rvtools_as_its_manifest_says() {
    check(&SITES[0], true, true);
    check(&SITES[0], true, false);
}

#[test]
fn the_hyper_v_site_is_judged_as_its_manifest_says() {
    check(&SITES[1], false, true);
}

#[test]
fn the_hyper_v_site_is_judged_the_same_with_identity_inferred() {
    check(&SITES[1], false, false);
}

#[test]
fn the_hyper_v_site_is_judged_with_the_host_stores_as_its_manifest_says() {
    check(&SITES[1], true, true);
    check(&SITES[1], true, false);
}

#[test]
fn host_stores_are_told_apart_by_their_folders_and_cannot_say_whether_a_node_is_missing() {
    let folder = sites();
    let site = &SITES[1];
    let report: Value = serde_json::from_slice(&scan(site, folder.path(), site.weak, true, &[])).unwrap();
    let coverage = &report["coverage"];
    let sources: Vec<_> = coverage["inventories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| &own["source"])
        .collect();
    assert_eq!(sources, ["HV01", "HV02"]);
    let gaps: BTreeSet<_> = coverage["gap_details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gap| gap["code"].as_str())
        .collect();
    assert!(gaps.contains(&Some("no-cluster-list")), "{gaps:?}");
    for artifact in report["artifacts"].as_array().unwrap() {
        let needs_inventory = artifact["class"] != "leftover-sidecar";
        assert!(
            artifact["confidence"] != "high" || !needs_inventory,
            "{}",
            artifact["path"]
        );
    }
}

#[test]
fn a_checkpoint_that_nobody_tells_of_keeps_stray_checkpoint_disks_from_being_orphaned() {
    let folder = sites();
    let site = &SITES[1];
    let snapshots = folder.path().join("sample-data/hyperv/volume1/SQL01/Snapshots");
    fs::remove_dir_all(snapshots).unwrap();
    let report: Value = serde_json::from_slice(&scan(site, folder.path(), site.weak, true, &[])).unwrap();
    let verdicts = verdicts(&report);
    let stray = verdicts
        .iter()
        .find(|(path, _)| path.contains("SQL01_OS_853E22BE"))
        .unwrap()
        .1;
    assert_eq!(
        (stray.verdict.as_str(), stray.class.as_str()),
        ("unknown", "no-coverage"),
        "H-D2"
    );
    assert_eq!(report["coverage"]["complete"], false);
}

#[test]
fn without_an_inventory_nothing_is_said_to_be_nobodys_but_what_needs_none() {
    let folder = sites();
    for site in &SITES {
        let root = folder.path().join("sample-data").join(site.name);
        let roots = site.roots.iter().map(|(_, root)| (*root).to_owned());
        let arguments: Vec<String> = std::iter::once("scan".to_owned())
            .chain(roots)
            .chain(["-f", "json", "--as-of", AS_OF].map(str::to_owned))
            .collect();
        let output = derelict(&root, &arguments);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        for (path, verdict) in verdicts(&report) {
            let needs_none = matches!(
                verdict.class.as_str(),
                "leftover-sidecar" | "stale-lock" | "superseded-config"
            );
            assert_ne!(verdict.verdict, "unregistered", "{path}");
            assert!(verdict.verdict != "orphaned" || needs_none, "{path}: {verdict:?}");
            assert_ne!(verdict.verdict, "owned", "{path}");
        }
    }
}

#[test]
fn a_whole_site_gives_the_same_bytes_with_one_thread_and_with_eight() {
    let folder = sites();
    for site in &SITES {
        let [one, eight] =
            ["1", "8"].map(|threads| scan(site, folder.path(), site.strong, true, &["--threads", threads]));
        assert!(one == eight, "{} differs between one thread and eight", site.name);
    }
}

#[test]
fn a_scan_changes_nothing_in_the_sites() {
    let folder = sites();
    let before = state(folder.path());
    assert!(before.len() > 250, "the sites are there");
    for site in &SITES {
        scan(site, folder.path(), site.strong, true, &["--hash"]);
    }
    assert_eq!(state(folder.path()), before);
}

/// Content, modification time and change time of everything below a folder.
fn state(folder: &Path) -> BTreeMap<PathBuf, (blake3::Hash, SystemTime, i128)> {
    let entries = WalkDir::new(folder).into_iter().map(Result::unwrap);
    entries
        .map(|entry| {
            let metadata = entry.metadata().unwrap();
            let content = if metadata.is_file() {
                fs::read(entry.path()).unwrap()
            } else {
                Vec::new()
            };
            let state = (blake3::hash(&content), metadata.modified().unwrap(), changed(&metadata));
            (entry.path().to_owned(), state)
        })
        .collect()
}

#[cfg(unix)]
fn changed(metadata: &fs::Metadata) -> i128 {
    use std::os::unix::fs::MetadataExt;

    i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(_: &fs::Metadata) -> i128 {
    0
}

#[test]
fn a_root_that_is_given_twice_changes_no_verdict_and_no_sum() {
    let folder = sites();
    for site in &SITES {
        let once: Value = serde_json::from_slice(&scan(site, folder.path(), site.strong, false, &[])).unwrap();
        let again = format!("./{}/", site.roots[2].1);
        let twice: Value = serde_json::from_slice(&scan(site, folder.path(), site.strong, false, &[&again])).unwrap();
        let by_path = |report: &Value| {
            verdicts(report)
                .into_iter()
                .map(|(path, verdict)| (path.trim_start_matches("./").replace("//", "/"), verdict))
                .collect::<BTreeMap<_, _>>()
        };
        assert_eq!(by_path(&twice), by_path(&once));
        assert_eq!(twice["summary"]["verdicts"], once["summary"]["verdicts"]);
        // That it was given twice is told, and nothing else is.
        let (told, others): (Vec<_>, Vec<_>) =
            gaps(&twice).partition(|gap| gap.contains("it is the same folder as the root"));
        assert_eq!(told.len(), 1);
        assert_eq!(others, gaps(&once).collect::<Vec<_>>());
    }
}

fn gaps(report: &Value) -> impl Iterator<Item = &str> {
    let gaps = report["coverage"]["gaps"].as_array().unwrap();
    gaps.iter().map(|gap| gap.as_str().unwrap())
}

#[test]
fn aliases_that_are_mixed_up_leave_their_roots_unjudged() {
    let folder = sites();
    let mixed = [
        Site {
            roots: [SITES[0].roots[0], ("vmfs01", "vmfs02"), ("vmfs02", "vmfs01")],
            ..SITES[0]
        },
        Site {
            roots: [
                (SITES[1].roots[0].0, SITES[1].roots[1].1),
                (SITES[1].roots[1].0, SITES[1].roots[0].1),
                SITES[1].roots[2],
            ],
            ..SITES[1]
        },
    ];
    for site in &mixed {
        let report: Value = serde_json::from_slice(&scan(site, folder.path(), site.strong, true, &[])).unwrap();
        for artifact in report["artifacts"].as_array().unwrap() {
            let needs_none = ["leftover-sidecar", "stale-lock", "superseded-config"];
            let is_mixed = site.roots.iter().any(|(_, root)| {
                artifact["root"] == *root
                    && !SITES.iter().any(|right| {
                        right
                            .roots
                            .iter()
                            .any(|pair| pair.1 == *root && site.roots.contains(pair))
                    })
            });
            if is_mixed && !needs_none.contains(&artifact["class"].as_str().unwrap_or_default()) {
                assert!(
                    !matches!(artifact["verdict"].as_str(), Some("orphaned" | "unregistered")),
                    "{artifact:#}"
                );
            }
        }
        assert_eq!(report["coverage"]["complete"], false);
    }
}
