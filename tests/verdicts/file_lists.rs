//! Lists of the files on datastores: what they show, and that nothing is owned or nobody's on their word.

use derelict::inventory::{DatastoreFile, Inventory, InventoryKind};

use derelict_parsers::testkit::vmware::SparseBuilder;

use super::support::{Export, Judged, SECTORS, Site, descriptor, inventory, row_of, vcenter};

/// A list that somebody made of a datastore.
fn list(files: &[(&str, Option<u64>)]) -> Inventory {
    let mut list = inventory("ds1.json", derelict::kind::Platform::Vmware, InventoryKind::FileList);
    list.has_vm_list = false;
    list.observations.files = files
        .iter()
        .map(|(path, size_bytes)| DatastoreFile {
            path: (*path).to_owned(),
            size_bytes: *size_bytes,
            modified: None,
        })
        .collect();
    list
}

fn site() -> Site {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/old/old")
        .inventory(vcenter().vm(row_of("web")))
}

fn gap_text(judged: &Judged, code: &str) -> String {
    let gaps = judged.report.coverage.gap_details.iter();
    let texts: Vec<&str> = gaps
        .filter(|gap| gap.code.name() == code)
        .map(|gap| gap.text.as_str())
        .collect();
    texts.join("\n")
}

#[test]
fn a_list_alone_covers_nothing() {
    let judged = Site::vmware()
        .disk("ds1/old/old")
        .inventory(list(&[("[ds1] old/old.vmdk", None)]))
        .judge();
    judged.is("ds1/old/old.vmdk", "unknown/no-coverage");
}

#[test]
fn a_listed_file_is_not_owned_by_being_listed() {
    let judged = site()
        .inventory(list(&[("[ds1] old/old.vmdk", None), ("[ds1] web/web.vmx", None)]))
        .judge();
    judged
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk")
        .is("ds1/web/web.vmx", "owned");
    judged.no_problem("listed-file-gone");
}

#[test]
fn listed_files_in_a_folder_that_was_not_read_are_named() {
    let judged = site()
        .unreadable_folder("ds1/secret")
        .inventory(list(&[
            ("[ds1] secret/secret.vmx", Some(2000)),
            ("[ds1] secret/vmware.log", None),
        ]))
        .judge();
    let text = gap_text(&judged, "folder-unreadable");
    assert!(
        text.contains("ds1.json lists 2 files in places of ds1 that were not read, 1 of them disks or configurations"),
        "{text}"
    );
    assert!(text.contains("[ds1] secret/secret.vmx"), "{text}");
    judged.no_problem("listed-file-gone");
}

#[test]
fn a_datastore_of_the_list_that_was_not_scanned_is_named() {
    let judged = site()
        .inventory(list(&[("[ds9] a/a.vmx", Some(5)), ("[ds1] web/web.vmx", None)]))
        .judge();
    let text = gap_text(&judged, "datastore-not-scanned");
    assert!(
        text.contains("lists 1 file (5 bytes) on ds9, 1 of them disks or configurations"),
        "{text}"
    );
}

#[test]
fn a_root_with_none_of_many_listed_files_may_be_another_datastore() {
    let others: Vec<String> = (0..8).map(|number| format!("[ds1] other{number}/other.vmdk")).collect();
    let others: Vec<(&str, Option<u64>)> = others.iter().map(|path| (path.as_str(), None)).collect();
    let judged = site().inventory(list(&others)).judge();
    judged
        .is("ds1/old/old.vmdk", "unknown/no-coverage")
        .gap("ambiguous-datastore");
    // One that is there, or fewer that are gone, are no reason to doubt.
    let with_one = [&others[..], &[("[ds1] web/web.vmdk", None)]].concat();
    let judged = site().inventory(list(&with_one)).judge();
    judged
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk")
        .problem("listed-file-gone", "8 disks");
    let judged = site().inventory(list(&others[..7])).judge();
    judged.is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn what_comes_and_goes_is_not_missed() {
    let judged = site()
        .inventory(list(&[
            ("[ds1] web/web-1234.vswp", Some(1)),
            ("[ds1] web/vmware-1.log", None),
            ("[ds1] web", None),
        ]))
        .judge();
    judged.no_problem("listed-file-gone");
}

#[test]
fn a_disk_of_nobody_with_another_size_than_listed_changed_since() {
    let monolithic = SparseBuilder::new(SECTORS)
        .descriptor(&descriptor("old").build())
        .build();
    let site = || {
        Site::vmware()
            .vm("ds1", "web")
            .file("ds1/old/old.vmdk", &monolithic)
            .inventory(vcenter().vm(row_of("web")))
    };
    let judged = site().inventory(list(&[("[ds1] old/old.vmdk", Some(512))])).judge();
    judged.problem("listed-size-differs", "512 bytes");
    // The browser of vCenter gives a descriptor the size of its disk.
    let judged = self::site()
        .inventory(list(&[("[ds1] old/old.vmdk", Some(512))]))
        .judge();
    judged.no_problem("listed-size-differs");
}
