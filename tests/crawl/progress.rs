//! What is heard of a crawl, and its early end.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use derelict::{
    catalogue::Issue,
    collect::{CollectOptions, collect},
    hash::hash_artifacts,
    interrupt::Answer,
    progress::Progress,
};

use crate::site::{Tree, VMX};

/// Remembers what it heard.
#[derive(Default)]
struct Listener {
    files: AtomicU64,
    artifacts: AtomicU64,
    bytes: AtomicU64,
}

impl Progress for Listener {
    fn entries(&self, count: u64) {
        self.files.fetch_add(count, Ordering::Relaxed);
    }

    fn artifacts(&self, count: u64) {
        self.artifacts.fetch_add(count, Ordering::Relaxed);
    }

    fn bytes(&self, count: u64) {
        self.bytes.fetch_add(count, Ordering::Relaxed);
    }
}

#[test]
fn progress_hears_of_every_file_artifact_and_byte() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX).file("vm/b.txt", "x").file("c.txt", "y");
    let heard = Arc::new(Listener::default());
    let listener: Arc<dyn Progress> = heard.clone();
    let options = CollectOptions::default();
    let mut catalogue = collect(&tree.arguments(), &options, Arc::clone(&listener)).unwrap();
    hash_artifacts(&mut catalogue, &[0], &options, &listener).unwrap();
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
    assert_eq!((load(&heard.files), load(&heard.artifacts)), (3, 1));
    assert_eq!(load(&heard.bytes), u64::try_from(VMX.len()).unwrap());
    assert_eq!(
        catalogue.artifacts[0].blake3.as_deref(),
        Some(blake3::hash(VMX.as_bytes()).to_hex().as_str())
    );
}

/// Hears of artifacts while the only folder is not done.
#[derive(Default)]
struct Early {
    done: AtomicU64,
    artifacts: AtomicU64,
}

impl Progress for Early {
    fn folders(&self, _: u64, done: u64) {
        self.done.fetch_add(done, Ordering::Relaxed);
    }

    fn artifacts(&self, count: u64) {
        if self.done.load(Ordering::Relaxed) == 0 && count == 1 {
            self.artifacts.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn progress_hears_of_artifacts_before_their_folder_is_done() {
    let tree = Tree::new();
    for number in 0..50 {
        tree.file(&format!("{number}.vmx"), VMX);
    }
    let heard = Arc::new(Early::default());
    let listener: Arc<dyn Progress> = heard.clone();
    collect(&tree.arguments(), &CollectOptions::default(), listener).unwrap();
    assert_eq!(heard.artifacts.load(Ordering::Relaxed), 50);
}

#[test]
fn what_was_not_looked_at_when_the_user_ended_the_scan_is_named() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    let options = CollectOptions::default();
    options.stop.listen();
    assert_eq!(options.stop.ask(), Answer::Ends);
    let catalogue = tree.collect_with(&options);
    // How far it came depends on the machine: a folder has either been looked at, or it is named or lies below one that is.
    // One may be named with the one that holds it, whose files are still asked for while it is entered.
    let is_whole = catalogue.issues.is_empty();
    assert_eq!(catalogue.roots[0].directories == 2, is_whole, "{:?}", catalogue.issues);
    assert!(!is_whole || catalogue.artifacts.len() == 1, "{:?}", catalogue.artifacts);
    let names_why = |issue: &Issue| issue.folder && issue.error.contains("interrupted");
    assert!(catalogue.issues.iter().all(names_why), "{:?}", catalogue.issues);
}

/// Panics once, at the first files that are seen.
struct PanicsOnce(AtomicU64);

impl Progress for PanicsOnce {
    fn entries(&self, _: u64) {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "a fault of ours");
    }
}

#[test]
fn a_panic_over_a_folder_is_its_issue_and_the_crawl_goes_on() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    for threads in [1, 8] {
        let options = CollectOptions {
            threads: Some(threads),
            ..CollectOptions::default()
        };
        let catalogue = collect(&tree.arguments(), &options, Arc::new(PanicsOnce(AtomicU64::new(0)))).unwrap();
        let issues: Vec<_> = catalogue.issues.iter().map(|issue| issue.error.as_str()).collect();
        assert_eq!(issues.len(), 1);
        assert!(
            issues[0].starts_with("panicked: please report this folder"),
            "{issues:?}"
        );
        assert_eq!(catalogue.roots[0].directories, 1);
    }
}
