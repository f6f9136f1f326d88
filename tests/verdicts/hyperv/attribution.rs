//! Whose a file of nobody was: access lists and earlier states of configurations (H-D16).

use derelict::{
    inventory::{Inventory, UngrantedDisk},
    report::model::OwnerBasis,
};
use derelict_parsers::testkit::vmcx::ContainerBuilder;
use uuid::Uuid;

use super::{config, csv, row_of, with_vm};
use crate::support::{Export, Judged, Site, hyperv_host, hyperv_row, hyperv_vm, vhdx, vm_id};

/// The export of a host with a saved access list that grants each path to a VM.
fn with_grants(granted: &[(&str, Uuid)]) -> Inventory {
    let mut inventory = hyperv_host("hv1").vm(row_of("web"));
    inventory.observations.grants = crate::support::grants(granted);
    inventory
}

/// The last owner of the group that a file is in, where evidence tells it and no name of a folder.
fn last_owner(judged: &Judged, path: &str) -> Option<String> {
    let group = judged.artifact(path).group.clone();
    let group = judged.report.groups.iter().find(|of| Some(&of.id) == group.as_ref())?;
    let is_told = group.owner_basis == Some(OwnerBasis::Evidence);
    group.owner.clone().filter(|_| is_told)
}

#[test]
fn hd16_the_access_list_names_the_vm_that_a_disk_was_of() {
    let id = vm_id("gone");
    let judged = with_vm(Site::hyperv(), "web")
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .vhdx("csv1/old/other.vhdx", &vhdx("other"))
        .inventory(with_grants(&[(r"old\old.vhdx", id), (r"web\web.vhdx", vm_id("web"))]))
        .judge();
    judged
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk candidate")
        .confidence("csv1/old/old.vhdx", "high")
        .because("csv1/old/old.vhdx", "access-list")
        .is("csv1/web/web.vhdx", "owned");
    assert_eq!(last_owner(&judged, "csv1/old/old.vhdx"), Some(id.to_string()));
    assert_eq!(last_owner(&judged, "csv1/old/other.vhdx"), None);
}

#[test]
fn hd16_an_access_list_that_names_a_registered_vm_is_a_reason_for_care() {
    let site = |path: &str| {
        with_vm(Site::hyperv(), "web")
            .vhdx("csv1/old/data.vhdx", &vhdx("data"))
            .inventory(with_grants(&[(path, vm_id("web"))]))
            .judge()
    };
    let judged = site(r"old\data.vhdx");
    judged
        .is("csv1/old/data.vhdx", "orphaned/deleted-vm-disk review")
        .confidence("csv1/old/data.vhdx", "medium");
    assert_eq!(last_owner(&judged, "csv1/old/data.vhdx").as_deref(), Some("web"));
    site(r"old\other.vhdx").is("csv1/old/data.vhdx", "orphaned/deleted-vm-disk candidate");
}

#[test]
fn hd15_the_access_list_of_what_a_migration_left_is_explained_by_the_disk_in_use() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/before/web.vhdx", &vhdx("web"))
        .inventory(with_grants(&[(r"before\web.vhdx", vm_id("web"))]))
        .judge()
        .is("csv1/before/web.vhdx", "orphaned/migration-leftover candidate")
        .confidence("csv1/before/web.vhdx", "high")
        .because("csv1/before/web.vhdx", "access-list");
}

#[test]
fn hd16_a_disk_that_belongs_by_its_access_list_to_a_vm_which_misses_one_is_not_judged() {
    let disk = csv("web/web.vhdx");
    let site = |granted: &str| {
        let mut inventory = with_grants(&[(granted, vm_id("web"))]);
        inventory.vms = Vec::new();
        Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm("web", &[&disk]))
            .vhdx("csv1/far/data.vhdx", &vhdx("data"))
            .inventory(inventory.vm(hyperv_row("web", &[&disk])))
            .judge()
    };
    site(r"far\data.vhdx").is("csv1/far/data.vhdx", "unknown/ambiguous-reference never");
    site(r"x\data.vhdx").is("csv1/far/data.vhdx", "orphaned/deleted-vm-disk review");
}

#[test]
fn a_disk_whose_access_list_names_no_vm_was_perhaps_never_one_of_a_vm() {
    let site = |path: &str| {
        let mut inventory = with_grants(&[(r"web\web.vhdx", vm_id("web"))]);
        inventory.observations.ungranted = vec![UngrantedDisk {
            path: path.to_owned(),
            row: "acl.txt: line 9".to_owned(),
        }];
        with_vm(Site::hyperv(), "web")
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .vhdx("csv1/before/web.vhdx", &vhdx("web"))
            .inventory(inventory)
            .judge()
    };
    site(r"old\old.vhdx")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk review")
        .because("csv1/old/old.vhdx", "access-list");
    site(r"old\other.vhdx").is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk candidate");
    site(r"before\web.vhdx").is("csv1/before/web.vhdx", "orphaned/migration-leftover candidate");
}

#[test]
fn names_of_a_saved_list_count_from_the_folder_that_fits_most_of_them() {
    let site = |grants: &[(&str, Uuid)]| {
        with_vm(Site::hyperv(), "web")
            .vhdx("csv1/a/x/x.vhdx", &vhdx("ax"))
            .vhdx("csv1/a/y/y.vhdx", &vhdx("ay"))
            .vhdx("csv1/b/x/x.vhdx", &vhdx("bx"))
            .inventory(with_grants(grants))
            .judge()
    };
    let gone = vm_id("gone");
    let has_list = |judged: &Judged, path: &str| {
        let mut reasons = judged.artifact(path).reasons.iter();
        reasons.any(|reason| reason.code.name() == "access-list")
    };
    let told = site(&[(r"x\x.vhdx", gone), (r"y\y.vhdx", gone)]);
    assert!(has_list(&told, "csv1/a/x/x.vhdx") && has_list(&told, "csv1/a/y/y.vhdx"));
    assert!(!has_list(&told, "csv1/b/x/x.vhdx"));
    let above = site(&[(r"Volume1\a\x\x.vhdx", gone)]);
    assert!(has_list(&above, "csv1/a/x/x.vhdx") && !has_list(&above, "csv1/b/x/x.vhdx"));
    let doubtful = site(&[(r"x\x.vhdx", gone)]);
    assert!(!has_list(&doubtful, "csv1/a/x/x.vhdx") && !has_list(&doubtful, "csv1/b/x/x.vhdx"));
}

/// `vm` in `csv1/<vm>`, whose configuration named another disk before.
fn with_history(site: Site, vm: &str, before: &str) -> Site {
    let now = hyperv_vm(vm, &[&csv(&format!("{vm}/{vm}.vhdx"))]);
    let earlier = hyperv_vm(vm, &[before]);
    let bytes = ContainerBuilder::new([now.tree()])
        .previous_state([earlier.tree()])
        .build();
    with_vm(site, vm).file(&config(vm), bytes)
}

#[test]
fn an_earlier_state_of_a_configuration_names_the_vm_that_a_disk_was_of() {
    let site = |registered: bool, before: &str| {
        let mut inventory = hyperv_host("hv1").vm(row_of("web"));
        if registered {
            inventory = inventory.vm(row_of("crm"));
        }
        with_history(with_vm(Site::hyperv(), "web"), "crm", &csv(before))
            .vhdx("csv1/old/data.vhdx", &vhdx("data"))
            .inventory(inventory)
            .judge()
    };
    let judged = site(true, "old/data.vhdx");
    judged
        .is("csv1/old/data.vhdx", "orphaned/deleted-vm-disk review")
        .because("csv1/old/data.vhdx", "earlier-config");
    assert_eq!(last_owner(&judged, "csv1/old/data.vhdx").as_deref(), Some("crm"));
    site(false, "old/data.vhdx")
        .is("csv1/old/data.vhdx", "orphaned/deleted-vm-disk candidate")
        .because("csv1/old/data.vhdx", "earlier-config");
    let other = site(true, "old/other.vhdx");
    other.is("csv1/old/data.vhdx", "orphaned/deleted-vm-disk candidate");
    assert_eq!(last_owner(&other, "csv1/old/data.vhdx"), None);
}
