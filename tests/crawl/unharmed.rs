//! Case H-F12: a scan changes nothing and disturbs nobody.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use derelict::{
    collect::{CollectOptions, collect},
    evidence::MarkCode,
    kind::Basis,
    progress::Hidden,
};

use crate::site::{DESCRIPTOR, Tree, VMX, artifact, has_mark, hash, names, root, skip};

#[test]
fn hf12_a_scan_changes_nothing_in_the_tree() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX)
        .file("vm/a.vmdk", DESCRIPTOR)
        .sparse("vm/a-flat.vmdk", 1 << 20);
    let state = || {
        let mut files: Vec<_> = walkdir::WalkDir::new(tree.0.path())
            .into_iter()
            .map(Result::unwrap)
            .map(|entry| (entry.path().to_owned(), entry.metadata().unwrap().modified().unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = state();
    let mut catalogue = tree.collect();
    hash(&mut catalogue, &[0, 1, 2]);
    assert_eq!(state(), before);
}

/// The owner, and root, may leave access times alone.
#[cfg(target_os = "linux")]
#[test]
fn hf12_access_times_of_files_and_folders_stay_as_they_were() {
    let tree = Tree::new();
    tree.file("read/a.txt", "x")
        .file("root/vm/a.vmx", VMX)
        .file("root/vm/a.vmdk", DESCRIPTOR)
        .sparse("root/vm/a-flat.vmdk", 1 << 20)
        .file("root/other/a.txt", "x");
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let paths: Vec<PathBuf> = walkdir::WalkDir::new(tree.0.path())
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .collect();
    let times = || {
        let accessed = |path: &PathBuf| fs::symlink_metadata(path).unwrap().accessed().unwrap();
        paths.iter().map(accessed).collect::<Vec<_>>()
    };
    for path in &paths {
        let file = fs::File::open(path).unwrap();
        file.set_times(fs::FileTimes::new().set_accessed(long_ago)).unwrap();
    }
    let before = times();
    for cross_file_systems in [false, true] {
        let options = CollectOptions {
            cross_file_systems,
            ..CollectOptions::default()
        };
        let mut catalogue = collect(&[root(&tree.path("root"))], &options, Arc::new(Hidden)).unwrap();
        hash(&mut catalogue, &[0, 1, 2]);
        assert_eq!(catalogue.artifacts.len(), 3);
        assert_eq!(times(), before);
    }
    assert_eq!(fs::read_dir(tree.path("read")).unwrap().count(), 1);
    if times() == before {
        skip("the file system of temporary files keeps no access times");
    }
}

/// A lease is what the kernel's own file servers hold a file by; breaking one takes up to 45 s for whoever would wait.
#[cfg(target_os = "linux")]
#[test]
fn hf12_a_file_that_somebody_holds_does_not_stall_the_scan() {
    use std::{io::Read, process::Stdio};

    const HOLDER: &str = "import fcntl, os, signal, sys, time\n\
         signal.signal(signal.SIGIO, signal.SIG_IGN)\n\
         held = os.open(sys.argv[1], os.O_RDWR)\n\
         fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)\n\
         print('held', flush=True)\n\
         time.sleep(40)\n";
    let tree = Tree::new();
    tree.file("vm/a.vhdx", "vhdxfile").file("vm/b.vmx", VMX);
    let holder = std::process::Command::new("python3")
        .args(["-c", HOLDER])
        .arg(tree.path("vm/a.vhdx"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut holder) = holder else {
        return skip("python3 cannot be run");
    };
    // Open until the end: the holder must not die of writing to nobody.
    let mut told = holder.stdout.take().unwrap();
    if told.read_exact(&mut [0; 5]).is_err() {
        holder.wait().unwrap();
        return skip("no lease can be taken here");
    }
    let catalogue = tree.collect();
    let still_held = holder.try_wait().unwrap().is_none();
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(still_held, "waited for the holder");
    assert_eq!(names(&catalogue), ["vm/a.vhdx", "vm/b.vmx"]);
    // Whether the second try is let in is up to the kernel; what became of the first must be told if not.
    let disk = artifact(&catalogue, "vm/a.vhdx");
    assert!(has_mark(disk, MarkCode::SharingViolation) || disk.basis == Basis::Both);
}
