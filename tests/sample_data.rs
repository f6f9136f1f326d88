//! The sample sites: made by their generator, scanned by the real binary, and held against their manifest. What the
//! manifest says comes from what each file is, not from what the program prints.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test that cannot set itself up has failed, and reads what it wrote; what it skips it says"
)]

#[path = "../examples/make-sample-data/hyperv/mod.rs"]
mod hyperv;
#[path = "../examples/make-sample-data/tree.rs"]
mod tree;
#[path = "../examples/make-sample-data/vmware/mod.rs"]
mod vmware;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::SystemTime,
};

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use walkdir::WalkDir;

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

// --- the manifest -------------------------------------------------------------------------------------------------

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    group: Vec<Group>,
    problem: Vec<ExpectedProblem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    #[expect(dead_code, reason = "for people")]
    what: String,
    #[serde(flatten)]
    expected: Expected,
    weaker: Option<Difference>,
    files: Vec<String>,
}

#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
struct Expected {
    verdict: String,
    #[serde(default)]
    class: String,
    #[serde(default = "never")]
    reclaim: String,
    #[serde(default)]
    risk: String,
    #[serde(default)]
    owners: BTreeSet<String>,
}

fn never() -> String {
    "never".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    verdict: Option<String>,
    class: Option<String>,
    reclaim: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedProblem {
    site: String,
    code: String,
    subject: String,
    /// The subject with the weaker inventory; empty: no problem then.
    weaker: Option<String>,
}

impl Manifest {
    fn load() -> Self {
        let text = fs::read_to_string(format!("{COMMITTED}/expected.toml")).unwrap();
        toml::from_str(&text).unwrap()
    }

    /// What is right for each file of a site.
    fn files(&self, site: &str, folder: &Path, weak: bool) -> BTreeMap<String, Expected> {
        let mut files = BTreeMap::new();
        for group in &self.group {
            let mut expected = group.expected.clone();
            if let Some(weaker) = group.weaker.as_ref().filter(|_| weak) {
                let set =
                    |field: &mut String, other: &Option<String>| other.iter().for_each(|other| field.clone_from(other));
                set(&mut expected.verdict, &weaker.verdict);
                set(&mut expected.class, &weaker.class);
                set(&mut expected.reclaim, &weaker.reclaim);
            }
            for file in group
                .files
                .iter()
                .filter_map(|file| file.strip_prefix(&format!("{site}/")))
            {
                let name = with_inode(file, folder);
                assert!(
                    files.insert(name, expected.clone()).is_none(),
                    "{file} is in the manifest twice"
                );
            }
        }
        files
    }

    /// The problems of a site: code, subject.
    fn problems(&self, site: &str, weak: bool) -> BTreeSet<(String, String)> {
        let subject = |problem: &ExpectedProblem| {
            let weaker = problem.weaker.as_ref().filter(|_| weak);
            weaker.unwrap_or(&problem.subject).clone()
        };
        self.problem
            .iter()
            .filter(|problem| problem.site == site)
            .map(|problem| (problem.code.clone(), subject(problem)))
            .filter(|(_, subject)| !subject.is_empty())
            .collect()
    }
}

/// Puts the name of a lock for `<inode of PATH>`.
fn with_inode(file: &str, site: &Path) -> String {
    let Some((start, target)) = file.split_once(".lck-<inode of ") else {
        return file.to_owned();
    };
    let target = site.parent().unwrap().join(target.trim_end_matches('>'));
    format!(
        "{start}{}",
        derelict_parsers::testkit::vmware::nfs_lock_name(inode(&target))
    )
}

#[cfg(unix)]
fn inode(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap())
}

#[cfg(not(unix))]
fn inode(_: &Path) -> u64 {
    0
}

// --- making and scanning ------------------------------------------------------------------------------------------

/// Both sites in `sample-data` of a new folder.
fn sites() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_sites(&folder.path().join("sample-data"));
    folder
}

fn write_sites(folder: &Path) {
    vmware::site().write(&folder.join("vmware")).unwrap();
    hyperv::site().write(&folder.join("hyperv")).unwrap();
}

fn derelict(folder: &Path, arguments: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_derelict"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

/// The JSON report of one site.
fn scan(site: &Site, folder: &Path, inventory: &str, with_aliases: bool, more: &[&str]) -> Vec<u8> {
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
fn verdicts(report: &Value) -> BTreeMap<String, Expected> {
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

fn problems(report: &Value) -> BTreeSet<(String, String)> {
    let problems = report["problems"].as_array().unwrap().iter();
    problems
        .map(|problem| {
            let subject = problem["subject"].as_str().unwrap();
            (problem["code"].as_str().unwrap().to_owned(), subject.to_owned())
        })
        .collect()
}

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

// --- the verdicts -------------------------------------------------------------------------------------------------

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

// --- the generator ------------------------------------------------------------------------------------------------

/// The files below a folder, without the locks that are named after an inode.
fn files_without_live_locks(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = ["vmware", "hyperv"].map(|site| WalkDir::new(folder.join(site)).into_iter().map(Result::unwrap));
    let files = entries
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file());
    let paths = files.map(|entry| entry.path().strip_prefix(folder).unwrap().to_owned());
    paths
        .filter(|path| !path.to_string_lossy().contains("web01/.lck-"))
        .collect()
}

#[test]
fn the_committed_sites_are_what_the_generator_makes() {
    let folder = sites();
    let made = folder.path().join("sample-data");
    let files = files_without_live_locks(&made);
    assert_eq!(files_without_live_locks(Path::new(COMMITTED)), files);
    for path in files {
        let same = fs::read(made.join(&path)).unwrap() == fs::read(Path::new(COMMITTED).join(&path)).unwrap();
        assert!(
            same,
            "{} differs: run `cargo run --release --example make-sample-data`",
            path.display()
        );
    }
}

#[test]
fn the_generator_makes_a_checkout_whole_and_leaves_other_files_alone() {
    let folder = sites();
    let sample_data = folder.path().join("sample-data");
    let vmware = sample_data.join("vmware");
    let times = |path: &str| fs::metadata(vmware.join(path)).unwrap().modified().unwrap();
    let right = times("nfs01/web02/web02-flat.vmdk");
    // As a checkout leaves it: the second name is a file of its own, the file is new and has another time and inode.
    let flat = fs::read(vmware.join("nfs01/web02/web02-flat.vmdk")).unwrap();
    fs::remove_file(vmware.join("nfs01/restore-test/web02-flat.vmdk")).unwrap();
    fs::write(vmware.join("nfs01/restore-test/web02-flat.vmdk"), &flat).unwrap();
    fs::write(vmware.join("nfs01/web02/web02-flat.vmdk"), &flat).unwrap();
    let locked = vmware.join("nfs01/web01/web01-000002-delta.vmdk");
    fs::copy(&locked, vmware.join("nfs01/web01/copy")).unwrap();
    fs::rename(vmware.join("nfs01/web01/copy"), &locked).unwrap();
    fs::write(vmware.join("nfs01/web01/notes.txt"), "mine").unwrap();
    let before = files_without_live_locks(&sample_data);

    write_sites(&sample_data);

    assert_eq!(files_without_live_locks(&sample_data), before);
    assert_eq!(fs::read(vmware.join("nfs01/web01/notes.txt")).unwrap(), b"mine");
    assert_eq!(times("nfs01/web02/web02-flat.vmdk"), right);
    assert_eq!(times("nfs01/restore-test/web02-flat.vmdk"), right);
    let names = fs::read_dir(vmware.join("nfs01/web01")).unwrap();
    let is_lock = |name: &str| name.starts_with(".lck-");
    let locks: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| is_lock(name))
        .collect();
    if cfg!(unix) {
        assert_eq!(
            locks,
            [derelict_parsers::testkit::vmware::nfs_lock_name(inode(&locked))]
        );
        let links = ["nfs01/web02/web02-flat.vmdk", "nfs01/restore-test/web02-flat.vmdk"];
        let [first, second] = links.map(|path| inode(&vmware.join(path)));
        assert_eq!(first, second, "one file with two names");
    }
}

#[test]
fn the_generator_does_not_replace_a_file_that_it_did_not_make() {
    let folder = sites();
    let vmware = folder.path().join("sample-data/vmware");
    let link = vmware.join("nfs01/restore-test/web02-flat.vmdk");
    fs::remove_file(&link).unwrap();
    fs::write(&link, "mine").unwrap();
    let error = vmware::site().write(&vmware).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&link).unwrap(), b"mine");
}

#[test]
fn the_sites_are_small() {
    let folder = sites();
    let entries = WalkDir::new(folder.path()).into_iter().map(Result::unwrap);
    let metadata = entries
        .map(|entry| entry.metadata().unwrap())
        .filter(fs::Metadata::is_file);
    let allocated: u64 = metadata.map(|metadata| allocated_bytes(&metadata)).sum();
    assert!(allocated < 5 << 20, "{allocated} bytes");
}

#[cfg(unix)]
fn allocated_bytes(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

#[cfg(not(unix))]
fn allocated_bytes(_: &fs::Metadata) -> u64 {
    0
}

// --- the README ---------------------------------------------------------------------------------------------------

/// The text between `<!-- NAME -->` and `<!-- /NAME -->` in the README, without the fence around it.
fn readme_block(name: &str) -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, rest) = readme
        .split_once(&format!("<!-- {name} -->"))
        .expect("the block begins");
    let (block, _) = rest.split_once(&format!("<!-- /{name} -->")).expect("the block ends");
    let lines: Vec<&str> = block.lines().filter(|line| !line.starts_with("```")).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// Whether files with holes take what they took on the file system where the README was written.
fn allocates_as_in_the_readme(folder: &Path) -> bool {
    let allocated = |path: &str| allocated_bytes(&fs::metadata(folder.join("sample-data").join(path)).unwrap());
    allocated("vmware/nfs01/web02/web02.vmdk") == 4 << 10
        && allocated("vmware/nfs01/crm-alt/crm-alt-flat.vmdk") == 240 << 10
        && allocated("hyperv/volume1/ALT-CRM/Virtual Hard Disks/ALT-CRM.vhdx") == 32 << 10
}

/// The lines of a table without numbers of bytes and without their order, which follows these.
fn without_sizes(table: &str) -> BTreeSet<String> {
    let is_size = |word: &str| ["B", "KiB", "MiB"].contains(&word.trim_matches(|c: char| !c.is_alphabetic()));
    let lines = table.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_number = |at: usize| words.get(at + 1).is_some_and(|next| is_size(next));
        let kept = words
            .iter()
            .enumerate()
            .filter(|&(at, word)| !is_size(word) && !is_number(at));
        kept.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
    });
    lines.collect()
}

#[test]
fn the_readme_shows_what_its_main_command_prints() {
    let folder = sites();
    let command = readme_block("ci:main").replace("\\\n", " ");
    let (_, arguments) = command
        .split_once(" -- ")
        .expect("the command hands arguments to derelict");
    let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    let output = derelict(folder.path(), &arguments);
    let printed = String::from_utf8(output.stdout).unwrap();
    let shown = readme_block("output:main");
    if allocates_as_in_the_readme(folder.path()) {
        let differ = "the README shows another output than this, which its main command prints now:";
        assert!(shown == printed.trim_end(), "{differ}\n{printed}");
    } else {
        eprintln!("this file system allocates otherwise than that of the README: sizes are not compared");
        assert_eq!(without_sizes(&shown), without_sizes(&printed));
    }
}
