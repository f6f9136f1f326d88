//! When an inventory was taken, as far as it is known, and what was written about that time.

use derelict::inventory::Inventory;

use crate::support::{Export, Judged, SECTORS, Site, TAKEN, at, descriptor, row_of, vcenter, vmx};

/// A disk of nobody, written at `time`, beside the VM of this inventory, which was taken at [`TAKEN`].
fn loose(time: &str, inventory: Inventory) -> Judged {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/loose/loose")
        .all_modified(&["ds1/loose/loose.vmdk", "ds1/loose/loose-flat.vmdk"], time)
        .inventory(inventory.vm(row_of("web")))
        .judge()
}

const LOOSE: &str = "ds1/loose/loose.vmdk";

#[test]
fn what_was_written_between_the_readings_of_a_time_without_zone_is_too_new() {
    let zoneless = || {
        let mut inventory = vcenter();
        inventory.collected_from = Some(at("2026-09-30T10:00:00Z"));
        inventory
    };
    loose("2026-09-30T15:00:00Z", zoneless())
        .is(LOOSE, "unknown/too-new")
        .says(LOOSE, "without a zone")
        .no_gap("unknown-vm-in-use");
    loose("2026-09-30T15:00:00Z", vcenter()).is(LOOSE, "orphaned/deleted-vm-disk");
    loose("2026-09-30T08:00:00Z", zoneless())
        .is(LOOSE, "orphaned/deleted-vm-disk")
        .confidence(LOOSE, "high");
}

#[test]
fn an_unregistered_vm_of_between_these_readings_is_too_new_and_makes_no_gap() {
    let site = |from: &str| {
        let mut inventory = vcenter().vm(row_of("web"));
        inventory.collected_from = Some(at(from));
        Site::vmware()
            .vm("ds1", "web")
            .vm("ds1", "new")
            .modified("ds1/new/new.vmx", "2026-09-30T15:00:00Z")
            .inventory(inventory)
            .judge()
    };
    site("2026-09-30T10:00:00Z")
        .is("ds1/new/new.vmx", "unknown/too-new")
        .no_gap("unknown-vm-in-use");
    site("2026-09-30T20:00:00Z").is("ds1/new/new.vmx", "unregistered/complete-vm");
}

#[test]
fn the_time_of_a_file_lowers_the_confidence_of_what_was_written_in_the_month_before() {
    let of_file = || {
        let mut inventory = vcenter();
        inventory.collected_is_file_time = true;
        inventory
    };
    loose("2026-09-20T00:00:00Z", of_file())
        .is(LOOSE, "orphaned/deleted-vm-disk")
        .confidence(LOOSE, "medium")
        .says(LOOSE, "only when its file was written");
    loose("2026-08-01T00:00:00Z", of_file())
        .confidence(LOOSE, "high")
        .says(LOOSE, "by the time of its file");
    loose("2026-09-20T00:00:00Z", vcenter()).confidence(LOOSE, "high");
}

#[test]
fn sources_that_share_a_datastore_and_were_asked_days_apart_lower_the_confidence() {
    let site = |taken: &str| {
        let other = Inventory {
            source: "vc2".to_owned(),
            folder: "vc2".to_owned(),
            ..vcenter()
        };
        let mut other = other.taken(taken);
        other.hosts.clear();
        Site::vmware()
            .vm("ds1", "web")
            .vm("ds1", "db")
            .disk("ds1/loose/loose")
            .all_modified(&[LOOSE, "ds1/loose/loose-flat.vmdk"], "2026-01-01T00:00:00Z")
            .inventory(vcenter().vm(row_of("web")))
            .inventory(other.host("esx1").host("esx2").vm(row_of("db")))
            .judge()
    };
    site("2026-09-15T00:00:00Z")
        .confidence(LOOSE, "medium")
        .says(LOOSE, "taken 16 days apart");
    site(TAKEN).confidence(LOOSE, "high");
}

#[test]
fn a_copy_of_a_configuration_that_somebody_lays_beside_it_is_no_write_of_the_vm() {
    let site = |written: &str| {
        Site::vmware()
            .vm("ds1", "web")
            .vm("ds1", "archive")
            .disk("ds1/loose/loose")
            .file("ds1/archive/archive.vmx.bak", vmx("archive", &[]).build())
            .modified(written, "2026-10-20T00:00:00Z")
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    site("ds1/archive/archive.vmx.bak")
        .no_gap("unknown-vm-in-use")
        .is(LOOSE, "orphaned/deleted-vm-disk");
    site("ds1/archive/archive.vmx")
        .gap("unknown-vm-in-use")
        .is(LOOSE, "unknown/no-coverage");
}

#[test]
fn a_disk_with_something_behind_its_name_that_a_vm_writes_is_a_write_of_the_vm() {
    Site::vmware()
        .vm("ds1", "web")
        .vmx("ds1/archive", "archive", &["archive.vmdk.old"])
        .file("ds1/archive/archive.vmdk.old", descriptor("archive").build())
        .zeros("ds1/archive/archive-flat.vmdk", SECTORS * 512)
        .disk("ds1/loose/loose")
        .modified("ds1/archive/archive.vmdk.old", "2026-10-20T00:00:00Z")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .gap("unknown-vm-in-use")
        .is(LOOSE, "unknown/no-coverage");
}
