//! Files whose content is older than an inventory, and which came to their place after it (V6).

use derelict::{
    catalogue::Entry,
    inventory::{Inventory, Registration},
};
use derelict_parsers::testkit::vmware::change_tracking;
use jiff::Timestamp;

use crate::support::{Export, Judged, Site, TAKEN, at, row_of, vcenter, vm_id, vmx};

/// All files have their content since the first of September, and the inventories are of the first of October.
const BEFORE: &str = "2026-09-02T00:00:00Z";
const NEAR: &str = "2026-09-30T23:30:00Z";
const AFTER: &str = "2026-10-02T00:00:00Z";

const LONG_BEFORE: &str = "2026-01-02T00:00:00Z";

const CAME: [&str; 2] = ["ds1/came/came.vmdk", "ds1/came/came-flat.vmdk"];

/// Which time tells when a file came.
type Told = fn(&mut Entry) -> &mut Option<Timestamp>;

const BY_CHANGE: Told = |entry| &mut entry.changed;
const BY_CREATION: Told = |entry| &mut entry.created;

/// Sets when the files below these places came; what is below none is told nothing of.
fn came(site: Site, told: Told, times: &[(&'static str, &'static str)]) -> Judged {
    let times = times.to_vec();
    site.change(move |catalogue| {
        for artifact in &mut catalogue.artifacts {
            let path = artifact.entry.path.lossy().into_owned();
            let time = times.iter().find(|(place, _)| path.starts_with(place));
            *told(&mut artifact.entry) = time.map(|(_, time)| at(time));
        }
    })
    .judge()
}

fn beside_a_registered_vm() -> Site {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/came/came")
        .inventory(vcenter().vm(row_of("web")))
}

#[test]
fn an_old_disk_that_came_after_the_inventory_is_not_judged() {
    for told in [BY_CHANGE, BY_CREATION] {
        for time in [NEAR, AFTER] {
            came(beside_a_registered_vm(), told, &[("web/", BEFORE), ("came/", time)])
                .are(&CAME, "unknown/too-new never")
                .says(CAME[0], "copied, restored or moved here");
        }
        came(beside_a_registered_vm(), told, &[("web/", BEFORE), ("came/", BEFORE)])
            .are(&CAME, "orphaned/deleted-vm-disk");
    }
    beside_a_registered_vm().judge().are(&CAME, "orphaned/deleted-vm-disk");
}

#[test]
fn where_the_registered_vms_came_after_the_inventory_that_lists_them_it_says_nothing() {
    for told in [BY_CHANGE, BY_CREATION] {
        let all_came = [("web/", AFTER), ("came/", AFTER)];
        came(beside_a_registered_vm(), told, &all_came).are(&CAME, "orphaned/deleted-vm-disk");
        // Other loose files of long ago prove nothing; a registered VM that was left alone does.
        let with_another = || beside_a_registered_vm().disk("ds1/other/other");
        let loose_stayed = [("web/", AFTER), ("came/", AFTER), ("other/", BEFORE)];
        came(with_another(), told, &loose_stayed).are(&CAME, "orphaned/deleted-vm-disk");
        let vm_stayed = [("web/web.vmx", BEFORE), ("web/", AFTER), ("came/", AFTER)];
        came(beside_a_registered_vm(), told, &vm_stayed).are(&CAME, "unknown/too-new");
        // The VMs came shortly before the inventory, or some time before the disk.
        for vm_came in ["2026-09-30T23:30:00Z", "2026-10-01T00:30:00Z", "2026-10-02T00:00:00Z"] {
            let later = [("web/", vm_came), ("came/", "2026-10-02T12:00:00Z")];
            came(beside_a_registered_vm(), told, &later).are(&CAME, "unknown/too-new");
        }
    }
}

#[test]
fn all_of_a_datastore_that_was_empty_came_after_the_inventory() {
    let refilled = Site::vmware()
        .root("ds2", &["ds2"])
        .vm("ds1", "web")
        .disk("ds2/came/came")
        .vm("ds2", "back")
        .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(row_of("web")));
    came(
        refilled,
        BY_CHANGE,
        &[("web/", BEFORE), ("came/", AFTER), ("back/", AFTER)],
    )
    .is("ds2/came/came.vmdk", "unknown/too-new never")
    .is("ds2/back/back.vmx", "unknown/too-new never");
}

#[test]
fn what_a_registered_vm_has_only_since_proves_nothing() {
    let attached = || {
        Site::vmware()
            .root("ds2", &["ds2"])
            .file(
                "ds1/web/web.vmx",
                vmx("web", &["web.vmdk", "/vmfs/volumes/ds2/back/back.vmdk"]).build(),
            )
            .disk("ds1/web/web")
            .disk("ds2/back/back")
            .disk("ds2/came/came")
            .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(row_of("web")))
    };
    let times = [("web/", BEFORE), ("back/", AFTER), ("came/", AFTER)];
    came(attached(), BY_CHANGE, &times)
        .is("ds2/back/back.vmdk", "owned")
        .is("ds2/came/came.vmdk", "unknown/too-new");
}

#[test]
fn an_old_vm_that_came_after_the_inventory_is_not_called_unregistered() {
    let site = || {
        Site::vmware()
            .vm("ds1", "web")
            .vm("ds1", "back")
            .inventory(vcenter().vm(row_of("web")))
    };
    came(site(), BY_CHANGE, &[("web/", BEFORE), ("back/", AFTER)]).is("ds1/back/back.vmx", "unknown/too-new never");
    came(site(), BY_CHANGE, &[("web/", BEFORE), ("back/", BEFORE)])
        .is("ds1/back/back.vmx", "unregistered/complete-vm review");
}

#[test]
fn what_needs_no_inventory_to_be_a_leftover_may_have_come_before_the_rest() {
    let site = || {
        Site::vmware()
            .vm("ds1", "web")
            .file("ds1/came/came-ctk.vmdk", change_tracking(2048))
            .inventory(vcenter().vm(row_of("web")))
    };
    came(site(), BY_CHANGE, &[("web/", BEFORE), ("came/", AFTER)]).is("ds1/came/came-ctk.vmdk", "unknown/too-new");
    came(site(), BY_CHANGE, &[("web/", BEFORE), ("came/", BEFORE)])
        .is("ds1/came/came-ctk.vmdk", "orphaned/leftover-sidecar");
}

#[test]
fn an_old_first_class_disk_that_came_after_the_list_of_them_is_not_leaked() {
    let site = || {
        let row = || Registration {
            instance_id: Some(vm_id("web")),
            ..row_of("web")
        };
        let mut list = vcenter().vm(row()).object("fcd", "kept", Some("[ds1] fcd/kept.vmdk"));
        list.fcd_scope = vec!["ds1".to_owned()];
        let later = Inventory {
            source: "another export".to_owned(),
            ..vcenter()
        };
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/fcd/kept")
            .disk("ds1/fcd/came")
            .inventory(list.taken("2026-09-20T00:00:00Z"))
            .inventory(later.taken(TAKEN).vm(row()))
    };
    let with_disk = |time| {
        let came_then = [("web/", BEFORE), ("fcd/came", time), ("fcd/", BEFORE)];
        came(site(), BY_CHANGE, &came_then)
    };
    with_disk("2026-09-25T00:00:00Z").is("ds1/fcd/came.vmdk", "service/fcd");
    with_disk(BEFORE).is("ds1/fcd/came.vmdk", "orphaned/leaked-volume review");
}

#[test]
fn an_export_whose_time_is_not_known_for_sure_may_be_older_than_the_coming_of_a_disk() {
    let site = |set: fn(&mut Inventory)| {
        let mut inventory = vcenter().vm(row_of("web"));
        set(&mut inventory);
        Site::vmware()
            .vm("ds1", "web")
            .all_modified(
                &["ds1/web/web.vmx", "ds1/web/web.vmdk", "ds1/web/web-flat.vmdk"],
                "2026-01-01T00:00:00Z",
            )
            .disk("ds1/came/came")
            .all_modified(&CAME, "2026-01-01T00:00:00Z")
            .inventory(inventory)
    };
    let then = |time| [("web/", LONG_BEFORE), ("came/", time)];
    // By the time of its file, which a copy may have later than the export.
    let of_file = || site(|inventory| inventory.collected_is_file_time = true);
    came(of_file(), BY_CHANGE, &then("2026-09-20T00:00:00Z"))
        .is(CAME[0], "orphaned/deleted-vm-disk")
        .confidence(CAME[0], "medium")
        .says(CAME[0], "here since 2026-09-20");
    came(of_file(), BY_CHANGE, &then(LONG_BEFORE)).confidence(CAME[0], "high");
    // By a time without zone.
    let zoneless = || site(|inventory| inventory.collected_from = Some(at("2026-09-30T10:00:00Z")));
    came(zoneless(), BY_CHANGE, &then("2026-09-30T15:00:00Z"))
        .is(CAME[0], "unknown/too-new")
        .says(CAME[0], "without a zone");
    came(zoneless(), BY_CHANGE, &then("2026-09-30T08:00:00Z")).is(CAME[0], "orphaned/deleted-vm-disk");
}
