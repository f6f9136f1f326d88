//! When a "nobody" may be said: cases V1, V2, V5, V83 – V85, H-B11 and the rules of the design's section *Coverage*.

mod unasked;
mod unread;

use derelict::{inventory::InventoryKind, kind::Platform};

use super::support::{
    Export, Site, TAKEN, at, config_only, hyperv_host, hyperv_row, hyperv_vm, inventory, row, row_of, vcenter, vhdx,
    vm_id, vmcx_path, vmx,
};

/// A site with one VM, one loose disk and one VM that nobody registers.
fn site() -> Site {
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "lost")
        .disk("ds1/loose/loose")
}

const LOOSE: [&str; 2] = ["ds1/loose/loose.vmdk", "ds1/loose/loose-flat.vmdk"];

const LOST: [&str; 3] = ["ds1/lost/lost.vmx", "ds1/lost/lost.vmdk", "ds1/lost/lost-flat.vmdk"];

#[test]
fn without_any_inventory_nothing_is_nobodys() {
    site()
        .judge()
        .are(&LOOSE, "unknown/no-coverage never")
        .are(&LOST, "unknown/no-coverage never")
        .is("ds1/web/web.vmdk", "unknown/no-coverage")
        .gap("no-inventory")
        .complete(false);
}

#[test]
fn with_full_cover_the_loose_disk_is_orphaned_and_the_vm_unregistered() {
    site()
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&LOOSE, "orphaned/deleted-vm-disk candidate")
        .are(&LOST, "unregistered/complete-vm review")
        .because(LOOSE[0], "inventories-consulted")
        .complete(true);
}

#[test]
fn an_inventory_of_another_datastore_covers_nothing_here() {
    let other = inventory("vc9", Platform::Vmware, InventoryKind::RvtoolsXlsx)
        .host("esx9")
        .datastore("ds9", &[], &["esx9"])
        .vm(row("far", "[ds9] far/far.vmx", &["[ds9] far/far.vmdk"]));
    site()
        .inventory(other)
        .judge()
        .are(&LOOSE, "unknown/no-coverage")
        .are(&LOST, "unknown/no-coverage");
}

#[test]
fn a_list_of_datastores_alone_covers_nothing() {
    let mut list = inventory("esx1", Platform::Vmware, InventoryKind::EsxiFilesystems).datastore("ds1", &[], &["esx1"]);
    list.has_vm_list = false;
    site().inventory(list).judge().are(&LOOSE, "unknown/no-coverage");
}

#[test]
fn an_inventory_that_registers_a_vm_here_covers_the_datastore_without_listing_it() {
    let host = inventory("esx1", Platform::Vmware, InventoryKind::EsxiInventory)
        .vm(config_only("web", "/vmfs/volumes/ds1/web/web.vmx"));
    site()
        .inventory(host)
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .are(&LOOSE, "orphaned/deleted-vm-disk");
}

#[test]
fn v1_a_host_that_mounts_the_datastore_and_of_which_no_inventory_was_given_caps_it() {
    let shared = inventory("vc1", Platform::Vmware, InventoryKind::RvtoolsXlsx)
        .host("esx1")
        .datastore("ds1", &[], &["esx1", "esx9.example.com"])
        .vm(row_of("web"));
    site()
        .inventory(shared)
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .are(&LOOSE, "unknown/no-coverage never")
        .are(&LOST, "unknown/no-coverage never")
        .gap("host-without-inventory")
        .complete(false);
}

#[test]
fn v1_the_inventories_of_all_sharing_vcenters_together_are_complete() {
    let first = inventory("vc1", Platform::Vmware, InventoryKind::RvtoolsXlsx)
        .host("esx1")
        .datastore("ds1", &[], &["esx1", "esx9.example.com"])
        .vm(row_of("web"));
    let second = inventory("vc9", Platform::Vmware, InventoryKind::RvtoolsXlsx)
        .host("esx9.example.com")
        .datastore("ds1", &[], &["esx1", "esx9.example.com"])
        .vm(row_of("lost"));
    site()
        .inventory(first)
        .inventory(second)
        .judge()
        .are(&LOST, "owned")
        .are(&LOOSE, "orphaned/deleted-vm-disk")
        .no_gap("host-without-inventory");
}

#[test]
fn v1_the_user_may_declare_that_the_inventories_are_all_there_are() {
    let shared = inventory("vc1", Platform::Vmware, InventoryKind::RvtoolsXlsx)
        .host("esx1")
        .datastore("ds1", &[], &["esx1", "esx9"])
        .vm(row_of("web"));
    site()
        .assume_complete()
        .inventory(shared)
        .judge()
        .are(&LOOSE, "orphaned/deleted-vm-disk")
        .because(LOOSE[0], "assumed-complete");
}

#[test]
fn v1_what_the_user_declares_restores_no_export_that_is_damaged() {
    let torn = vcenter().vm(row_of("web")).warning("vm-count-mismatch", None);
    site()
        .assume_complete()
        .inventory(torn)
        .judge()
        .are(&LOOSE, "unknown/no-coverage");
}

#[test]
fn v2_a_vm_locked_by_an_unknown_host_is_in_use_and_caps_the_datastore() {
    site()
        .nfs_lock("ds1/lost/lost-flat.vmdk", "esx9")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&LOST, "in-use/locked never")
        .are(&LOOSE, "unknown/no-coverage")
        .gap("lock-of-unknown-host");
}

#[test]
fn v2_the_lock_of_an_unknown_host_is_named_with_its_age_and_what_would_settle_it() {
    let judged = site()
        .nfs_lock("ds1/lost/lost-flat.vmdk", "esx9")
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    let aged = "last written 2026-09-01 00:00 UTC, 61 days before this report";
    judged
        .says(LOST[0], "is locked by esx9 (lock lost/.lck-")
        .says(LOST[0], aged)
        .says(LOOSE[0], "is held by esx9 (lost/.lck-")
        .says(LOOSE[0], aged)
        .gap_says(
            "lock-of-unknown-host",
            "where it is gone, scan again without the lock that it left",
        );
    let settles = judged.artifact(LOST[0]).reasons.iter();
    let settles: Vec<&str> = settles.filter_map(|reason| reason.settles.as_deref()).collect();
    assert!(
        settles
            .iter()
            .any(|settles| settles.starts_with("whether esx9 is there")),
        "{settles:?}"
    );
}

#[test]
fn v2_a_lock_of_a_known_host_caps_nothing() {
    site()
        .nfs_lock("ds1/lost/lost-flat.vmdk", "ESX1.example.com")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&LOST, "in-use/locked")
        .are(&LOOSE, "orphaned/deleted-vm-disk");
}

#[test]
fn v2_a_host_that_locks_a_registered_vm_is_known() {
    let host = inventory("export", Platform::Vmware, InventoryKind::EsxiInventory)
        .vm(config_only("web", "/vmfs/volumes/ds1/web/web.vmx"));
    site()
        .nfs_lock("ds1/web/web-flat.vmdk", "esx5")
        .nfs_lock("ds1/lost/lost-flat.vmdk", "esx5")
        .inventory(host)
        .judge()
        .no_gap("lock-of-unknown-host")
        .are(&LOST, "in-use/locked")
        .are(&LOOSE, "orphaned/deleted-vm-disk");
}

#[test]
fn v5_a_truncated_export_says_nothing_of_what_it_does_not_list() {
    site()
        .inventory(vcenter().vm(row_of("web")).warning("vm-count-mismatch", None))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .are(&LOOSE, "unknown/no-coverage")
        .are(&LOST, "unknown/no-coverage")
        .gap("inventory-incomplete")
        .complete(false);
}

#[test]
fn v5_a_damaged_path_caps_only_the_files_that_it_may_stand_for() {
    site()
        .disk("ds1/loose/löse")
        .inventory(
            vcenter()
                .vm(row_of("web"))
                .warning("lossy-encoding", Some("[ds1] loose/l?se.vmdk")),
        )
        .judge()
        .is("ds1/loose/löse.vmdk", "unknown/no-coverage")
        .are(&LOOSE, "orphaned/deleted-vm-disk");
}

#[test]
fn a_damaged_path_protects_the_extents_of_the_disk_that_it_may_stand_for() {
    site()
        .disk("ds1/loose/löse")
        .inventory(
            vcenter()
                .vm(row_of("web"))
                .warning("lossy-encoding", Some("[ds1] loose/l?se.vmdk")),
        )
        .judge()
        .is("ds1/loose/löse-flat.vmdk", "unknown");
}

#[test]
fn a_damaged_path_of_a_configuration_protects_what_that_configuration_owns() {
    site()
        .vm("ds1", "käfer")
        .inventory(
            vcenter()
                .vm(row_of("web"))
                .warning("lossy-encoding", Some("[ds1] k?fer/k?fer.vmx")),
        )
        .judge()
        .are(
            &[
                "ds1/käfer/käfer.vmx",
                "ds1/käfer/käfer.vmdk",
                "ds1/käfer/käfer-flat.vmdk",
            ],
            "unknown/no-coverage",
        )
        .are(&LOST, "unregistered/complete-vm");
}

#[test]
fn v83_every_datastore_that_an_inventory_knows_is_named_when_it_was_not_scanned() {
    let judged = site()
        .inventory(vcenter().datastore("ds7", &[], &["esx1"]).vm(row_of("web")))
        .judge();
    judged
        .gap("datastore-not-scanned")
        .are(&LOOSE, "orphaned/deleted-vm-disk");
    assert!(judged.report.coverage.gaps.iter().any(|gap| gap.contains("ds7")));
    site()
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .no_gap("datastore-not-scanned");
}

#[test]
fn v83_v66_another_datastore_of_the_name_of_a_scanned_one_is_told_as_another() {
    let (here, there) = (
        "/vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0001",
        "/vmfs/volumes/6fffffff-0badc0de-1111-001b21aa0001",
    );
    let other = inventory("vc9", Platform::Vmware, InventoryKind::RvtoolsXlsx)
        .host("esx9")
        .datastore("pool", &[there], &["esx9"])
        .vm(row("far", "[pool] far/far.vmx", &["[pool] far/far.vmdk"]));
    let first = inventory("vc1", Platform::Vmware, InventoryKind::RvtoolsXlsx)
        .host("esx1")
        .datastore("pool", &[here], &["esx1"])
        .vm(row("web", "[pool] web/web.vmx", &["[pool] web/web.vmdk"]));
    let judged = Site::bare()
        .root("pool", &["pool", here])
        .vm("pool", "web")
        .inventory(first)
        .inventory(other)
        .judge();
    let gaps = judged.report.coverage.gaps.join("\n");
    assert!(
        gaps.contains("another datastore of the name pool (") && gaps.contains("6fffffff"),
        "{gaps}"
    );
}

#[test]
fn a_gap_says_what_to_supply_and_how_much_is_at_stake() {
    let shared = inventory("vc1", Platform::Vmware, InventoryKind::RvtoolsXlsx)
        .host("esx1")
        .datastore("ds1", &[], &["esx1", "esx9"])
        .vm(row_of("web"));
    let judged = site().inventory(shared).judge();
    let gap = &judged.report.coverage.gaps[0];
    assert!(
        gap.contains("export the VMs of that host or vCenter (5 files unknown because of it, "),
        "{gap}"
    );
    let reason = &judged.artifact(LOOSE[0]).reasons[0];
    assert!(!reason.text.contains("export"), "{reason:?}");
    assert_eq!(
        reason.settles.as_deref(),
        Some("export the VMs of that host or vCenter")
    );
}

#[test]
fn a_file_whose_time_is_not_known_may_be_newer_than_the_inventory() {
    let site = |time: &str| {
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/old/old")
            .all_modified(&["ds1/old/old.vmdk", "ds1/old/old-flat.vmdk"], time)
            .inventory(vcenter().vm(row_of("web")))
    };
    for time in ["1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z", "1980-01-01T00:00:00Z"] {
        site(time)
            .judge()
            .are(&["ds1/old/old.vmdk", "ds1/old/old-flat.vmdk"], "unknown/too-new never");
        let changed = |time: &'static str| {
            site("1970-01-01T00:00:00Z").change(move |catalogue| {
                for artifact in &mut catalogue.artifacts {
                    artifact.entry.changed = Some(at(time));
                }
            })
        };
        changed("2026-09-01T00:00:00Z")
            .judge()
            .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk");
        changed("2026-10-02T00:00:00Z")
            .judge()
            .is("ds1/old/old.vmdk", "unknown/too-new");
    }
    site("1999-01-01T00:00:00Z")
        .judge()
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk candidate");
    site(TAKEN)
        .modified("ds1/old/old.vmdk", "1970-01-01T00:00:00Z")
        .judge()
        .is("ds1/old/old.vmdk", "unknown/too-new");
}

#[test]
fn a_registered_vm_whose_configuration_and_disks_nobody_tells_caps_its_platform() {
    site()
        .inventory(
            vcenter()
                .datastore("ds2", &[], &["esx1"])
                .vm(row_of("web"))
                .vm(config_only("far", "[ds2] far/far.vmx")),
        )
        .judge()
        .are(&LOOSE, "unknown/owner-unreadable")
        .gap("owner-unreadable");
}

#[test]
fn clustered_vms_without_the_list_of_the_cluster_lower_the_confidence() {
    let mut vm = hyperv_row("web", &[r"C:\ClusterStorage\Volume1\web\web.vhdx"]);
    vm.clustered = true;
    Site::hyperv()
        .vmcx(
            "csv1/web",
            &hyperv_vm("web", &[r"C:\ClusterStorage\Volume1\web\web.vhdx"]),
        )
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .inventory(hyperv_host("hv1").vm(vm))
        .judge()
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
        .confidence("csv1/old/old.vhdx", "medium")
        .gap("no-cluster-list");
}

#[test]
fn an_export_without_time_judges_nothing_by_age_and_still_protects() {
    let mut untimed = vcenter().vm(row_of("web"));
    untimed.collected = None;
    site().inventory(untimed).judge().is("ds1/web/web.vmdk", "owned");
}

#[test]
fn an_old_inventory_beside_a_new_one_does_not_make_the_old_ones_vms_too_new() {
    site()
        .modified("ds1/loose/loose-flat.vmdk", "2026-09-25T00:00:00Z")
        .inventory(vcenter().vm(row_of("web")))
        .inventory(
            inventory("vc0", Platform::Vmware, InventoryKind::RvtoolsXlsx)
                .host("esx1")
                .datastore("ds1", &[], &["esx1"])
                .vm(row_of("lost"))
                .taken("2026-01-01T00:00:00Z"),
        )
        .judge()
        .are(&LOST, "owned");
}

// Two vCenters share a datastore, and the export of the second is old: a disk that was made since then for one of its
// VMs is in no inventory. The design asks for the newest inventory that *would list it*; which one would is not known, so
// by the first law every covering inventory has to be newer than the file.
#[test]
fn a_disk_newer_than_the_oldest_sharing_inventory_may_be_of_that_one() {
    let old = inventory("vc0", Platform::Vmware, InventoryKind::RvtoolsXlsx)
        .host("esx0")
        .datastore("ds1", &[], &["esx0", "esx1"])
        .vm(row_of("lost"))
        .taken("2026-01-01T00:00:00Z");
    let new = inventory("vc1", Platform::Vmware, InventoryKind::RvtoolsXlsx)
        .host("esx1")
        .datastore("ds1", &[], &["esx0", "esx1"])
        .vm(row_of("web"));
    site()
        .inventory(old)
        .inventory(new)
        .judge()
        .are(&LOOSE, "unknown/too-new");
}

#[test]
fn a_vm_of_the_second_cluster_that_nobody_exported_keeps_its_platform_only() {
    Site::vmware()
        .root("csv1", &[r"C:\ClusterStorage\Volume1"])
        .vm("ds1", "web")
        .disk("ds1/loose/loose")
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .vmcx("csv1/hv", &hyperv_vm("hv", &[r"C:\ClusterStorage\Volume1\hv\hv.vhdx"]))
        .vhdx("csv1/hv/hv.vhdx", &vhdx("hv"))
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&LOOSE, "orphaned/deleted-vm-disk")
        .is("csv1/old/old.vhdx", "unknown/no-coverage")
        .is(&vmcx_path("csv1/hv", vm_id("hv")), "unknown/no-coverage");
}

#[test]
fn one_configuration_that_is_torn_reaches_its_own_folder_only() {
    site()
        .file("ds1/torn/torn.vmx", &vmx("torn", &[]).build()[..10])
        .disk("ds1/torn/torn")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&LOOSE, "orphaned/deleted-vm-disk")
        .is("ds1/torn/torn.vmdk", "unknown");
}

#[test]
fn what_an_export_without_datastores_leaves_out_may_lie_on_any() {
    let site = |listed: bool| {
        let mut other = vcenter()
            .vm(config_only("db", "[ds1] db/db.vmx"))
            .warning("vm-count-mismatch", None);
        "vc2".clone_into(&mut other.source);
        if !listed {
            other.datastores.clear();
        }
        let whole =
            vcenter()
                .datastore("ds2", &[], &["esx1"])
                .vm(row("far", "[ds2] far/far.vmx", &["[ds2] far/far.vmdk"]));
        Site::vmware()
            .root("ds2", &["ds2"])
            .vm("ds1", "db")
            .vm("ds2", "far")
            .disk("ds2/loose/loose")
            .inventory(whole)
            .inventory(other)
            .judge()
    };
    site(false).is("ds2/loose/loose.vmdk", "unknown/no-coverage");
    let verdict = site(true).artifact("ds2/loose/loose.vmdk").verdict;
    assert_eq!(verdict, derelict::report::model::Verdict::Orphaned);
}

#[test]
fn v20_what_a_text_beside_the_inventories_names_is_not_nobodys() {
    let judged = |named: &str| site().mention(named).inventory(vcenter().vm(row_of("web"))).judge();
    judged("[ds1] loose/loose.vmdk")
        .are(&LOOSE, "unknown/no-coverage never")
        .are(&LOST, "unregistered/complete-vm review")
        .says(LOOSE[0], "notes.txt lies beside the inventories and names")
        .gap("inventory-incomplete")
        .complete(false);
    judged("[ds1] lost/lost.vmx")
        .are(&LOST, "unknown/no-coverage never")
        .are(&LOOSE, "orphaned/deleted-vm-disk candidate");
    // What somebody is known to own, what is not there, and what lies elsewhere.
    for named in [
        "[ds1] web/web.vmdk",
        "[ds1] gone/gone.vmdk",
        "[ds2] loose/loose.vmdk",
        "C:\\loose\\loose.vmdk",
    ] {
        judged(named)
            .are(&LOOSE, "orphaned/deleted-vm-disk candidate")
            .no_gap("inventory-incomplete")
            .complete(true);
    }
}
