//! Links, special files, and one file or folder in several places.

use std::{fs, sync::Arc};

use derelict::{
    catalogue::SkipReason,
    collect::{CollectOptions, collect},
    progress::Hidden,
    raw::RawPath,
};

use crate::site::{DESCRIPTOR, Tree, VMX, names, root, skip};

#[cfg(unix)]
#[test]
fn links_and_special_files_are_recorded_and_never_opened() {
    use std::os::unix::fs::symlink;

    let outside = Tree::new();
    outside.file("secret/b.vmx", VMX);
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    symlink(outside.path("secret"), tree.path("vm/out")).unwrap();
    symlink("../nowhere.vmdk", tree.path("vm/dangling.vmdk")).unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .arg(tree.path("vm/pipe.vmdk"))
        .status();
    assert!(fifo.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(tree.path("vm/socket")).unwrap();
    let catalogue = tree.collect();
    assert_eq!(names(&catalogue), ["vm/a.vmx"]);
    let specials: Vec<_> = catalogue
        .specials
        .iter()
        .map(|special| (special.path.lossy(), special.target.as_ref().map(RawPath::lossy)))
        .map(|(path, target)| (path.into_owned(), target.map(std::borrow::Cow::into_owned)))
        .collect();
    let link = outside.path("secret").to_str().unwrap().to_owned();
    assert_eq!(
        specials,
        [
            ("vm/dangling.vmdk".to_owned(), Some("../nowhere.vmdk".to_owned())),
            ("vm/out".to_owned(), Some(link)),
            ("vm/pipe.vmdk".to_owned(), None),
            ("vm/socket".to_owned(), None),
        ]
    );
    assert_eq!(catalogue.roots[0].files, 1);
    assert_eq!(catalogue.issues, []);
}

/// Needs root for the device.
#[cfg(target_os = "linux")]
#[test]
fn loops_of_links_and_devices_are_recorded_and_end() {
    use std::os::unix::fs::symlink;

    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    symlink("..", tree.path("vm/up")).unwrap();
    symlink("b.vmdk", tree.path("vm/c.vmdk")).unwrap();
    symlink("c.vmdk", tree.path("vm/b.vmdk")).unwrap();
    symlink("self.vhdx", tree.path("vm/self.vhdx")).unwrap();
    let mut expected = vec!["vm/b.vmdk", "vm/c.vmdk", "vm/self.vhdx", "vm/up"];
    let device = std::process::Command::new("mknod")
        .arg(tree.path("vm/disk-flat.vmdk"))
        .args(["c", "1", "8"])
        .status();
    if device.is_ok_and(|status| status.success()) {
        // Whoever read /dev/random would never come to its end.
        expected.insert(2, "vm/disk-flat.vmdk");
    } else {
        skip("no device can be made here");
    }
    let catalogue = tree.collect();
    assert_eq!(names(&catalogue), ["vm/a.vmx"]);
    let specials: Vec<_> = catalogue.specials.iter().map(|special| special.path.lossy()).collect();
    assert_eq!(specials, expected);
    assert_eq!(catalogue.roots[0].directories, 2);
    assert_eq!(catalogue.issues, []);
}

#[cfg(unix)]
#[test]
fn a_root_that_is_a_link_is_the_folder_behind_it() {
    let tree = Tree::new();
    tree.file("real/vm/a.vmx", VMX);
    std::os::unix::fs::symlink(tree.path("real"), tree.path("link")).unwrap();
    let catalogue = collect(
        &[root(&tree.path("link"))],
        &CollectOptions::default(),
        Arc::new(Hidden),
    )
    .unwrap();
    assert_eq!(names(&catalogue), ["vm/a.vmx"]);
}

#[cfg(unix)]
#[test]
fn hard_links_have_an_entry_each_and_count_once() {
    let tree = Tree::new();
    tree.file("vm/a.vmdk", DESCRIPTOR);
    fs::create_dir(tree.path("other")).unwrap();
    fs::hard_link(tree.path("vm/a.vmdk"), tree.path("other/b.vmdk")).unwrap();
    let catalogue = tree.collect();
    assert_eq!(names(&catalogue), ["other/b.vmdk", "vm/a.vmdk"]);
    let [first, second] = [&catalogue.artifacts[0].entry, &catalogue.artifacts[1].entry];
    assert_eq!(
        (first.device, first.inode, first.links),
        (second.device, second.inode, 2)
    );
    let root = &catalogue.roots[0];
    assert_eq!(
        (root.files, root.apparent_bytes),
        (2, u64::try_from(DESCRIPTOR.len()).unwrap())
    );
    assert_eq!(root.allocated_bytes, first.allocated);
}

#[test]
fn the_same_folder_through_two_roots_is_in_both() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    let roots = [root(tree.0.path()), root(&tree.path("vm"))];
    let catalogue = collect(&roots, &CollectOptions::default(), Arc::new(Hidden)).unwrap();
    let places: Vec<_> = catalogue
        .artifacts
        .iter()
        .map(|at| (at.entry.root, at.entry.path.lossy()))
        .collect();
    assert_eq!(places, [(0, "vm/a.vmx".into()), (1, "a.vmx".into())]);
    assert_eq!(catalogue.artifacts[0].entry.inode, catalogue.artifacts[1].entry.inode);
}

/// Needs root and a tmpfs.
#[cfg(target_os = "linux")]
#[test]
fn another_file_system_is_entered_only_when_asked() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    fs::create_dir(tree.path("mnt")).unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "none"])
        .arg(tree.path("mnt"))
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        return skip("a tmpfs cannot be mounted here");
    }
    tree.file("mnt/b.vmx", VMX);
    let stay = tree.collect();
    let cross = tree.collect_with(&CollectOptions {
        cross_file_systems: true,
        ..CollectOptions::default()
    });
    let umount = std::process::Command::new("umount").arg(tree.path("mnt")).status();
    assert!(umount.unwrap().success());
    assert_eq!(names(&stay), ["vm/a.vmx"]);
    assert_eq!(stay.roots[0].skipped[0].why, SkipReason::OtherFileSystem);
    assert_eq!(stay.roots[0].skipped[0].path, "mnt".into());
    assert_eq!(names(&cross), ["mnt/b.vmx", "vm/a.vmx"]);
}

/// Needs root. A folder that is mounted into itself is no end, for the mount is not in the folder that is mounted.
#[cfg(target_os = "linux")]
#[test]
fn a_bind_mount_of_the_tree_into_itself_ends_and_shows_the_same_files() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    fs::create_dir(tree.path("again")).unwrap();
    let mount = std::process::Command::new("mount")
        .arg("--bind")
        .args([tree.path(""), tree.path("again")])
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        return skip("nothing can be mounted here");
    }
    let catalogue = tree.collect();
    let umount = std::process::Command::new("umount").arg(tree.path("again")).status();
    assert!(umount.unwrap().success());
    assert_eq!(names(&catalogue), ["again/vm/a.vmx", "vm/a.vmx"]);
    let [one, other] = [&catalogue.artifacts[0].entry, &catalogue.artifacts[1].entry];
    assert_eq!(
        (one.device, one.inode),
        (other.device, other.inode),
        "one file, seen twice"
    );
    assert_eq!(catalogue.issues, []);
}
