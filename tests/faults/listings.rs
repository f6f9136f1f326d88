//! Folders whose listing breaks off: what was told of them counts, and what was not told may be anything.

use crate::{
    EACCES, EBUSY, EIO, ENXIO, ESTALE,
    fs::{Fault, Faulty, Op},
    only_issue,
    site::{Desk, OLD, catalogue_without, files},
};

const ERRORS: [i32; 5] = [EIO, ESTALE, EACCES, ENXIO, EBUSY];

#[test]
fn a_listing_that_breaks_off_is_an_issue_and_what_it_told_is_kept() {
    let files = files();
    let Some(storage) = Faulty::mount(&files) else { return };
    let desk = Desk::new();
    let sound = desk.collect(&[storage.path()]).catalogue();
    let told = ["web01/web01.vmx", "web01/web01.vmdk", "web01/web01-flat.vmdk"];
    for error in ERRORS {
        for names in 0..=told.len() {
            let of = format!("{error} after {names} names");
            let Some(storage) = Faulty::mount(&files) else { return };
            storage.fault("web01", Op::List, Fault::ErrorAfter(names, error));
            let run = desk.collect(&[storage.path()]);
            assert_eq!(run.status, 3, "{of}");
            let catalogue = run.catalogue();
            let issue = only_issue(&catalogue, &of);
            assert_eq!((&issue["path"], &issue["stage"]), (&"web01".into(), &"crawl".into()));
            assert_eq!(issue["folder"], true, "{of}");
            assert!(issue["error"].as_str().unwrap().contains(&format!("os error {error}")));
            let kept = catalogue_without(&catalogue, &[]);
            assert_eq!(kept, catalogue_without(&sound, &told[names..]), "{of}");
            storage.assert_untouched();
        }
    }
}

#[test]
fn a_folder_that_is_listed_as_a_file_is_entered() {
    let files = files();
    let Some(storage) = Faulty::mount(&files) else { return };
    let desk = Desk::new();
    let sound = desk.collect(&[storage.path()]).catalogue();
    let Some(storage) = Faulty::mount(&files) else { return };
    storage.fault("", Op::List, Fault::CallsAllFiles);
    let run = desk.collect(&[storage.path()]);
    assert_eq!(run.status, 0);
    assert_eq!(catalogue_without(&run.catalogue(), &[]), catalogue_without(&sound, &[]));
    storage.assert_untouched();
}

#[test]
fn a_long_listing_that_breaks_off_is_kept_as_far_as_it_came() {
    let names: Vec<String> = (0..400).map(|number| format!("many/disk-{number:03}.vmdk")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), OLD)).collect();
    let Some(storage) = Faulty::mount(&many) else { return };
    storage.fault("many", Op::List, Fault::ErrorAfter(300, EIO));
    let run = Desk::new().collect(&[storage.path()]);
    assert_eq!(run.status, 3);
    let catalogue = run.catalogue();
    only_issue(&catalogue, "a long listing");
    let artifacts = catalogue["artifacts"].as_array().unwrap().iter();
    let kept: Vec<&str> = artifacts.map(|artifact| artifact["path"].as_str().unwrap()).collect();
    assert_eq!(kept, names[..300]);
}

#[test]
fn nobody_is_called_orphaned_where_a_listing_broke_off() {
    for folder in ["", "web01", "old", "stray"] {
        for names in 0..=3 {
            let of = format!("{folder:?} after {names} names");
            let Some(storage) = Faulty::mount(&files()) else { return };
            storage.fault(folder, Op::List, Fault::ErrorAfter(names, EIO));
            let run = Desk::new().scan(&[storage.path()]);
            if folder.is_empty() && names == 0 {
                assert_eq!(run.status, 2, "nothing of the root was told");
                continue;
            }
            assert_eq!(run.status, 3, "{of}");
            let report = run.report();
            let artifacts = report["artifacts"].as_array().unwrap();
            for artifact in artifacts {
                let is_of_vm = artifact["relative_path"].as_str().unwrap().starts_with("web01/");
                let expected = if is_of_vm { "owned" } else { "unknown" };
                assert_eq!(artifact["verdict"], expected, "{of}: {artifact:#}");
            }
            let dangling = report["problems"].as_array().unwrap().iter();
            let codes: Vec<_> = dangling.map(|problem| problem["code"].as_str().unwrap()).collect();
            assert_eq!(codes, [""; 0], "what was not told is not missing, {of}");
            storage.assert_untouched();
        }
    }
}

#[test]
fn a_link_that_does_not_say_where_it_leads_is_a_place_that_was_not_read() {
    // A VM that no inventory knows has its disk behind a link.
    let lab = b"config.version = \"8\"\ndisplayName = \"lab\"\nscsi0.present = \"TRUE\"\nscsi0:0.present = \"TRUE\"\n\
        scsi0:0.fileName = \"/vmfs/volumes/ds1/pool/old.vmdk\"\n";
    let more: [(&str, &[u8]); 2] = [("lab/lab.vmx", lab), ("pool@", b"old")];
    let Some(storage) = Faulty::mount(&[files(), more.to_vec()].concat()) else {
        return;
    };
    let desk = Desk::new();
    let sound = desk.scan(&[storage.path()]);
    assert_eq!(sound.verdict("old/old.vmdk"), "unregistered");
    for error in ERRORS {
        storage.fault("pool", Op::Read, Fault::Error(error));
        let run = desk.scan(&[storage.path()]);
        assert_eq!(run.status, 3, "{error}");
        assert_eq!(run.verdict("old/old.vmdk"), "unknown", "{error}");
        let [(path, text)] = &run.issues()[..] else {
            unreachable!("{error}: {:?}", run.issues())
        };
        assert!(path.ends_with("pool"), "{path}");
        assert!(
            text.contains("where this link leads cannot be read") && text.contains(&format!("os error {error}")),
            "{text}"
        );
    }
    storage.assert_untouched();
}
