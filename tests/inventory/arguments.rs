//! Files and folders as the user gives them.

use super::govc::collected;
use super::rvtools::{DISK, INFO};
use super::*;

#[test]
fn an_empty_list_counts_as_what_the_user_says_it_is() {
    let folder = Folder::new();
    let path = folder.put("a.json", "[]");
    assert!(import_paths(&[&path]).issues[0].error.starts_with("an empty list"));
    let argument = format!("hyperv-json:{}", path.display()).parse().unwrap();
    let imported = import(&[argument]);
    assert_eq!(imported.issues, []);
    assert_eq!(capping(&imported.inventories[0]), ["no-vms"]);
    assert_eq!(imported.inventories[0].platform, Platform::Hyperv);
    assert!(import_file("").issues[0].error.starts_with("empty"));
}

#[test]
fn a_file_of_another_kind_than_the_user_says_is_an_issue() {
    let folder = Folder::new();
    let path = folder.put("a.json", r#"{"virtualMachines": []}"#);
    let argument = format!("powercli-json:{}", path.display()).parse().unwrap();
    assert_eq!(
        import(&[argument]).issues[0].error,
        "not understood: it is govc-info, not powercli-json"
    );
}

#[test]
fn folders_are_apart_and_a_file_given_twice_counts_once() {
    let folder = Folder::new();
    folder.put("vc1/vms.json", collected("vm-1", &serde_json::json!({"name": "a"})));
    folder.put("vc2/vms.json", collected("vm-1", &serde_json::json!({"name": "b"})));
    folder.put(
        "vc2/deeper/vms.json",
        collected("vm-1", &serde_json::json!({"name": "c"})),
    );
    let imported = import_paths(&[folder.path(), &folder.path().join("vc1/vms.json")]);
    let found: Vec<_> = imported
        .inventories
        .iter()
        .map(|inventory| (inventory.vms.len(), inventory.vms[0].name.as_str()))
        .collect();
    assert_eq!(found, [(1, "a"), (1, "b"), (1, "c")]);
}

#[test]
fn in_a_folder_what_is_no_export_is_ignored_and_what_is_broken_is_an_issue() {
    let folder = Folder::new();
    folder.put("vms.json", collected("vm-1", &serde_json::json!({"name": "a"})));
    folder.put("notes.txt", "nothing here");
    folder.put("picture.png", b"\x89PNG\0\0\0");
    folder.put("datastores.json", "");
    folder.put("more.json", "{\"virtualMachines\": [");
    let imported = import_paths(&[folder.path()]);
    assert_eq!(imported.inventories.len(), 1);
    let ignored: Vec<_> = imported
        .detected
        .iter()
        .filter(|file| file.kind.is_none())
        .map(|file| file.why.as_str())
        .collect();
    assert_eq!(
        ignored,
        [
            "ignored: not understood: no known export",
            "ignored: not understood: binary of no known export"
        ]
    );
    let broken: Vec<_> = imported
        .issues
        .iter()
        .map(|issue| issue.path.lossy().rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(broken, ["datastores.json", "more.json"]);
    let absent = import_paths(&[Path::new("/nonexistent/a.json")]);
    assert!(absent.issues[0].error.starts_with("cannot be read"));
}

#[test]
fn what_was_understood_is_told_on_safe_lines_and_as_json() {
    let folder = Folder::new();
    folder.put(
        "1.csv",
        INFO.replace("\na,", "\na\u{1b}[31m,").replace(",vc\n", ",vc\u{7}\n"),
    );
    folder.put("2.csv", DISK);
    let imported = import_paths(&[folder.path()]);
    let mut text = Vec::new();
    describe(&imported, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.lines().all(|line| !line.chars().any(char::is_control)), "{text}");
    assert!(text.contains("2 hosts: esx1, esx2"), "{text}");
    assert!(text.contains("missing          a list of datastores"), "{text}");
    let json = serde_json::to_string(&imported).unwrap();
    assert_eq!(serde_json::from_str::<Imported>(&json).unwrap(), imported);
}

#[test]
fn the_order_of_the_arguments_changes_nothing() {
    let folder = Folder::new();
    let (info, disk) = (folder.put("1.csv", INFO), folder.put("2.csv", DISK));
    assert_eq!(import_paths(&[&info, &disk]), import_paths(&[&disk, &info]));
}

#[test]
fn every_folder_below_one_is_a_source_and_what_lies_too_deep_is_missed() {
    let folder = Folder::new();
    for (place, name) in [
        ("site1/vc1", "a"),
        ("site1/vc2", "b"),
        ("site2/vc3", "c"),
        ("site2/vc3/branch", "d"),
    ] {
        let vms = collected("vm-1", &serde_json::json!({"name": name}));
        folder.put(&format!("exports/{place}/vms.json"), vms);
    }
    let exports = folder.path().join("exports");
    std::fs::create_dir_all(exports.join("a/b/c/d/empty")).unwrap();
    let imported = import_paths(&[&exports]);
    let names = imported
        .inventories
        .iter()
        .map(|inventory| inventory.vms[0].name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert_eq!(imported.issues, []);
    folder.put(
        "exports/a/b/c/d/e/vms.json",
        collected("vm-1", &serde_json::json!({"name": "e"})),
    );
    let imported = import_paths(&[&exports]);
    assert_eq!(imported.inventories.len(), 4);
    let [issue] = imported.issues.as_slice() else {
        panic!("{:?}", imported.issues)
    };
    assert!(issue.path.lossy().ends_with('e'), "{issue:?}");
    assert!(
        issue
            .error
            .starts_with("not looked into: it lies more than 4 folders below"),
        "{issue:?}"
    );
    std::fs::create_dir_all(folder.path().join("none/a/b")).unwrap();
    let imported = import_paths(&[&folder.path().join("none")]);
    assert_eq!(imported.issues[0].error, "not understood: a folder without files");
}

#[cfg(unix)]
#[test]
fn a_folder_to_which_several_links_lead_is_read_once() {
    let folder = Folder::new();
    folder.put(
        "exports/vc1/vms.json",
        collected("vm-1", &serde_json::json!({"name": "a"})),
    );
    let exports = folder.path().join("exports");
    for link in ["vc1/up", "again"] {
        std::os::unix::fs::symlink(&exports, exports.join(link)).unwrap();
    }
    let imported = import_paths(&[&exports]);
    assert_eq!(imported.issues, []);
    assert_eq!(imported.inventories.len(), 1);
}

#[test]
fn a_list_of_no_bytes_is_missed_unless_a_site_may_have_none_of_its_things() {
    for (name, is_missed) in [
        ("restore-points.csv", false),
        ("VeeamJobs.csv", false),
        ("snapshots.json", false),
        ("vms.csv", true),
        ("vm-snapshots.csv", true),
        ("disks.csv", true),
        ("cluster-nodes.csv", true),
    ] {
        let folder = Folder::new();
        folder.put("all.json", collected("vm-1", &serde_json::json!({"name": "a"})));
        let path = folder.put(name, "");
        assert_eq!(!import_paths(&[folder.path()]).issues.is_empty(), is_missed, "{name}");
        assert!(!import_paths(&[&path]).issues.is_empty(), "{name} was named");
    }
}

#[test]
fn lines_may_end_with_a_carriage_return_alone() {
    let of = |text: &str| {
        let folder = Folder::new();
        folder.put("1.csv", INFO.replace('\n', text));
        folder.put("2.csv", format!("#TYPE x\n{DISK}").replace('\n', text));
        only(folder.path())
    };
    for ends in ["\r", "\r\n", "\n"] {
        let inventory = of(ends);
        assert_eq!(files(vm(&inventory, "a"), Role::Disk), ["[d] a/a.vmdk"], "{ends:?}");
        assert_eq!(inventory.vms.len(), 2, "{ends:?}");
        assert_eq!(capping(&inventory), Vec::<&str>::new(), "{ends:?}");
    }
}
