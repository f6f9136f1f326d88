//! What is left out, and named.

use derelict::{catalogue::SkipReason, collect::CollectOptions};

use crate::site::{Tree, VMX, names};

#[test]
fn excluded_places_are_left_out_and_named() {
    let tree = Tree::new();
    tree.file("keep/a.vmx", VMX)
        .file("keep/b.iso", "x")
        .file("old/c.vmx", VMX)
        .file("vm/.snapshot/hourly/a.vmx", VMX)
        .file("vm/Snapshots/a.vmx", VMX);
    let mut globs = globset::GlobSetBuilder::new();
    globs.add("old".parse().unwrap()).add("**/*.iso".parse().unwrap());
    let catalogue = tree.collect_with(&CollectOptions {
        exclude: globs.build().unwrap(),
        ..CollectOptions::default()
    });
    assert_eq!(names(&catalogue), ["keep/a.vmx", "vm/Snapshots/a.vmx"]);
    let skipped: Vec<_> = catalogue.roots[0]
        .skipped
        .iter()
        .map(|place| (place.path.lossy().into_owned(), place.why))
        .collect();
    assert_eq!(
        skipped,
        [
            ("keep/b.iso".to_owned(), SkipReason::Excluded),
            ("old".to_owned(), SkipReason::Excluded),
            ("vm/.snapshot".to_owned(), SkipReason::StorageSnapshot),
        ]
    );
    assert_eq!(catalogue.roots[0].files, 2);
}

#[test]
fn v81_hf9_hb10_previous_versions_are_left_out_and_named_and_like_names_are_read() {
    let tree = Tree::new();
    tree.file("a/@GMT-2026.11.22-10.30.00/a.vmx", VMX)
        .file("a/~snapshot/a.vmx", VMX)
        .file("System Volume Information/a.vmx", VMX)
        .file("a/@GMT-old/a.vmx", VMX)
        .file("a/snapshot/a.vmx", VMX)
        .file("$RECYCLE.BIN/a.vmx", VMX);
    let catalogue = tree.collect();
    assert_eq!(
        names(&catalogue),
        ["$RECYCLE.BIN/a.vmx", "a/@GMT-old/a.vmx", "a/snapshot/a.vmx"]
    );
    let skipped = &catalogue.roots[0].skipped;
    assert_eq!(skipped.len(), 3, "{skipped:?}");
    assert!(skipped.iter().all(|place| place.why == SkipReason::StorageSnapshot));
}

#[test]
fn snapshot_folders_of_the_storage_are_left_out_and_named() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    let folders = [
        "#snapshot",
        ".ckpt",
        ".snap",
        ".snaps",
        ".snapshot",
        ".snapshots",
        "@GMT-2026.11.22-10.30.00",
        "@Recently-Snapshot",
        "@snapshots",
        "vm/.zfs",
        "~snapshot",
    ];
    for folder in folders {
        tree.file(&format!("{folder}/1/vm/a.vmx"), VMX);
    }
    let catalogue = tree.collect();
    assert_eq!(names(&catalogue), ["vm/a.vmx"]);
    let skipped = catalogue.roots[0].skipped.iter();
    let skipped: Vec<_> = skipped.map(|place| (place.path.lossy(), place.why)).collect();
    assert_eq!(skipped, folders.map(|path| (path.into(), SkipReason::StorageSnapshot)));
}
