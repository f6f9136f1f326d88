//! What can be reached: missing, deep and forbidden places.

use std::{fs, path::Path, sync::Arc};

use derelict::{
    catalogue::Stage,
    collect::{CollectOptions, collect},
    evidence::MarkCode,
    progress::Hidden,
};

use crate::site::{Tree, VMX, artifact, has_mark, names, root, skip};

#[cfg(unix)]
#[test]
fn a_file_that_nobody_may_write_to_is_told_from_others() {
    let tree = Tree::new();
    tree.sparse("vm/parent.vhdx", 4096).sparse("vm/disk.vhdx", 4096);
    let path = tree.path("vm/parent.vhdx");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let catalogue = tree.collect();
    assert!(artifact(&catalogue, "vm/parent.vhdx").entry.read_only);
    assert!(!artifact(&catalogue, "vm/disk.vhdx").entry.read_only);
}

#[test]
fn a_root_that_is_missing_or_a_file_is_an_error_that_names_it() {
    let tree = Tree::new();
    tree.file("file", "x");
    for name in ["nowhere", "file"] {
        let error = collect(&[root(&tree.path(name))], &CollectOptions::default(), Arc::new(Hidden)).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}

/// Longer paths than the system takes are reached through descriptors only.
#[cfg(target_os = "linux")]
#[test]
fn a_tree_deeper_than_the_longest_path_is_seen_whole() {
    use rustix::fs::{Mode, OFlags, mkdirat, open, openat};

    let tree = Tree::new();
    let name = "d".repeat(200);
    let mut folder = open(tree.0.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
    for _ in 0..25 {
        mkdirat(&folder, &name, Mode::RWXU).unwrap();
        folder = openat(&folder, &name, OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    let file = openat(&folder, "a.vmx", OFlags::CREATE | OFlags::WRONLY, Mode::RUSR).unwrap();
    rustix::io::write(&file, VMX.as_bytes()).unwrap();
    let catalogue = tree.collect();
    assert!(catalogue.issues.is_empty(), "{:?}", catalogue.issues);
    assert_eq!(catalogue.roots[0].directories, 26);
    let [vmx] = catalogue.artifacts.as_slice() else {
        unreachable!("{:?}", catalogue.artifacts)
    };
    assert_eq!(vmx.entry.path.as_bytes().len(), 25 * 201 + "a.vmx".len());
    assert_eq!(vmx.evidence.references.len(), 1, "it was opened and read");
}

/// Runs one test of this program again, as `nobody` unless whoever runs it is stopped by permissions as it is, and tells it the
/// tree in a variable.
#[cfg(target_os = "linux")]
fn again_as_nobody(as_it_is: bool, test: &str, variable: &str, tree: &Tree) -> std::io::Result<std::process::Output> {
    let program = std::env::current_exe()?;
    let mut command = if as_it_is {
        std::process::Command::new(&program)
    } else {
        let mut command = std::process::Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program);
        command
    };
    command.args(["--exact", test]).env(variable, tree.0.path()).output()
}

/// Root is stopped by no permission, so the test runs itself again as `nobody`. A folder that can be listed and not
/// searched tells names and nothing else.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_read_is_an_issue_and_an_artifact_by_its_name() {
    use std::os::unix::fs::PermissionsExt;

    const TREE: &str = "DERELICT_TEST_UNREADABLE_TREE";
    if let Ok(path) = std::env::var(TREE) {
        let catalogue = collect(&[root(Path::new(&path))], &CollectOptions::default(), Arc::new(Hidden)).unwrap();
        assert_eq!(
            names(&catalogue),
            ["closed.vmx", "listed/c-flat.vmdk", "listed/c.vmx", "open/a.vmx"]
        );
        let issues: Vec<_> = catalogue
            .issues
            .iter()
            .map(|issue| (issue.path.lossy(), issue.stage, issue.folder))
            .collect();
        assert_eq!(
            issues,
            [
                ("closed".into(), Stage::Crawl, true),
                ("closed.vmx".into(), Stage::Read, false),
                ("listed/c-flat.vmdk".into(), Stage::Stat, false),
                ("listed/c.vmx".into(), Stage::Stat, false),
                ("listed/notes".into(), Stage::Stat, false)
            ]
        );
        assert_eq!(catalogue.bystanders.len(), 1, "the notes are there all the same");
        for path in ["listed/c-flat.vmdk", "listed/c.vmx"] {
            assert!(has_mark(artifact(&catalogue, path), MarkCode::Unreadable), "{path}");
        }
        assert!(
            artifact(&catalogue, "listed/c.vmx")
                .evidence
                .vm
                .as_ref()
                .unwrap()
                .opaque
                .is_some()
        );
        let closed = artifact(&catalogue, "closed.vmx");
        assert!(has_mark(closed, MarkCode::Unreadable));
        assert!(closed.evidence.vm.as_ref().unwrap().opaque.is_some());
        let whole = collect(
            &[root(&Path::new(&path).join("closed"))],
            &CollectOptions::default(),
            Arc::new(Hidden),
        );
        assert!(whole.is_err(), "no root can be read");
        return;
    }
    let tree = Tree::new();
    tree.file("open/a.vmx", VMX)
        .file("closed/b.vmx", VMX)
        .file("closed.vmx", VMX)
        .file("listed/c.vmx", VMX)
        .file("listed/c-flat.vmdk", "x")
        .file("listed/notes", "x");
    let mode = |name: &str, mode| fs::set_permissions(tree.path(name), fs::Permissions::from_mode(mode)).unwrap();
    mode("", 0o755);
    mode("closed", 0);
    mode("closed.vmx", 0);
    mode("listed", 0o444);
    let test = "reach::what_cannot_be_read_is_an_issue_and_an_artifact_by_its_name";
    let as_it_is = fs::read_dir(tree.path("closed")).is_err();
    let again = again_as_nobody(as_it_is, test, TREE, &tree);
    mode("closed", 0o755);
    mode("listed", 0o755);
    match again {
        Ok(again) => {
            let said = String::from_utf8_lossy(&again.stdout);
            assert!(again.status.success() && said.contains("1 passed"), "as nobody: {said}");
        }
        Err(error) => skip(&format!("setpriv cannot be run: {error}")),
    }
}
