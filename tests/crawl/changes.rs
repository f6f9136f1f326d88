//! Files that change between listing, reading, hashing and a second look.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use derelict::{
    catalogue::Stage,
    collect::{CollectOptions, collect},
    evidence::MarkCode,
    kind::Kind,
    progress::{Hidden, Progress},
    settle::{candidates, settle},
};
use derelict_parsers::{DiskKind, testkit::vhdx::VhdxBuilder};

use crate::site::{Tree, VMX, artifact, has_mark, hash};

/// Changes a file as soon as its folder was listed and before it is read.
#[cfg(target_os = "linux")]
struct Replaces(PathBuf);

#[cfg(target_os = "linux")]
impl Progress for Replaces {
    fn entries(&self, _: u64) {
        let new = self.0.with_extension("new");
        let Ok(times) = fs::metadata(&self.0) else { return };
        fs::write(&new, VMX).unwrap();
        let file = fs::OpenOptions::new().write(true).open(&new).unwrap();
        file.set_modified(times.modified().unwrap()).unwrap();
        fs::rename(new, &self.0).unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_replaced_by_another_of_its_length_and_time_before_it_is_read_is_told_by_its_inode() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    let replaces = Arc::new(Replaces(tree.path("vm/a.vmx")));
    let options = CollectOptions {
        threads: Some(1),
        ..CollectOptions::default()
    };
    let catalogue = collect(&tree.arguments(), &options, replaces).unwrap();
    let vmx = artifact(&catalogue, "vm/a.vmx");
    assert!(has_mark(vmx, MarkCode::Changed), "{:?}", vmx.evidence.marks);
    assert_eq!(vmx.evidence.references.len(), 1, "the new one was read");
}

#[test]
fn a_file_that_vanished_before_hashing_is_an_issue() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX).file("vm/b.vmx", VMX);
    let mut catalogue = tree.collect();
    fs::remove_file(tree.path("vm/a.vmx")).unwrap();
    hash(&mut catalogue, &[0, 1]);
    assert_eq!(artifact(&catalogue, "vm/a.vmx").blake3, None);
    assert!(artifact(&catalogue, "vm/b.vmx").blake3.is_some());
    assert_eq!((catalogue.issues.len(), catalogue.issues[0].stage), (1, Stage::Hash));
}

#[test]
fn a_file_that_changed_before_hashing_is_marked_and_has_no_hash() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX).file("vm/b.vmx", VMX);
    let mut catalogue = tree.collect();
    fs::write(tree.path("vm/a.vmx"), [VMX, VMX].concat()).unwrap();
    hash(&mut catalogue, &[0, 1]);
    let changed = artifact(&catalogue, "vm/a.vmx");
    assert_eq!(changed.blake3, None);
    assert!(has_mark(changed, MarkCode::Changed), "{:?}", changed.evidence.marks);
    let same = artifact(&catalogue, "vm/b.vmx");
    assert!(same.blake3.is_some() && !has_mark(same, MarkCode::Changed));
    assert_eq!((catalogue.issues.len(), catalogue.issues[0].stage), (1, Stage::Hash));
}

#[test]
fn a_file_whose_time_is_not_known_has_changed_by_its_length() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX).file("vm/b.vmx", VMX);
    let without_time = |name: &str| {
        let file = fs::OpenOptions::new().write(true).open(tree.path(name)).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    };
    without_time("vm/a.vmx");
    without_time("vm/b.vmx");
    let mut catalogue = tree.collect();
    assert_eq!(artifact(&catalogue, "vm/a.vmx").entry.modified, None);
    fs::write(tree.path("vm/a.vmx"), [VMX, VMX].concat()).unwrap();
    without_time("vm/a.vmx");
    hash(&mut catalogue, &[0, 1]);
    let changed = artifact(&catalogue, "vm/a.vmx");
    assert!(changed.blake3.is_none() && has_mark(changed, MarkCode::Changed));
    assert!(artifact(&catalogue, "vm/b.vmx").blake3.is_some());
}

#[test]
fn a_raw_device_map_is_not_hashed() {
    let tree = Tree::new();
    tree.file("vm/a-rdm.vmdk", vec![0; 1 << 20]).file("vm/b.vmx", VMX);
    let mut catalogue = tree.collect();
    hash(&mut catalogue, &[0, 1]);
    assert_eq!(artifact(&catalogue, "vm/a-rdm.vmdk").kind, Kind::VmdkRdm);
    assert_eq!(artifact(&catalogue, "vm/a-rdm.vmdk").blake3, None, "behind it is a LUN");
    assert!(artifact(&catalogue, "vm/b.vmx").blake3.is_some());
    assert_eq!(catalogue.issues, []);
}

#[test]
fn a_disk_that_somebody_opened_between_two_looks_is_seen_by_the_counters_of_its_header() {
    let tree = Tree::new();
    let disk = |sequence_number| VhdxBuilder {
        sequence_number,
        ..VhdxBuilder::new(DiskKind::Dynamic, 64 << 20, 1)
    };
    tree.file("vm/a.vhdx", disk(6).bytes())
        .file("vm/b.vhdx", disk(6).bytes());
    let mut catalogue = tree.collect();
    tree.file("vm/a.vhdx", disk(8).bytes());
    let all = candidates(&catalogue);
    settle(
        &mut catalogue,
        &all,
        Duration::ZERO,
        &CollectOptions::default(),
        &Hidden,
    )
    .unwrap();
    let changes = |path: &str| {
        let look = artifact(&catalogue, path).second_look.as_ref();
        look.unwrap().changes.join("\n")
    };
    let of_a = changes("vm/a.vhdx");
    assert!(of_a.contains("its header from sequence"), "{of_a}");
    assert!(has_mark(artifact(&catalogue, "vm/a.vhdx"), MarkCode::Changed));
    assert_eq!(changes("vm/b.vhdx"), "");
}
