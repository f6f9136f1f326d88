//! When a "nobody" may be said: cases V1, V2, V5, V83 – V85, H-B11 and the rules of the design's section *Coverage*.

use derelict::{
    catalogue::{SkipReason, Skipped, Special},
    evidence::MarkCode,
    inventory::{InventoryKind, Listing, Registration},
    kind::{Platform, Role},
};

use derelict_parsers::testkit::vmware::{change_tracking, nfs_lock};

use super::support::{
    Export, Site, TAKEN, at, config_only, hyperv_host, hyperv_row, hyperv_vm, inventory, listed, row, row_of, vcenter,
    vhdx, vm_id, vmcx_path, vmx,
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

/// A root of this name with a VM of VMware and a disk of Hyper-V.
fn with_a_disk_of_hyperv(aliases: &[&str]) -> Site {
    Site::bare()
        .root("ds1", aliases)
        .vm("ds1", "web")
        .vhdx("ds1/moved/moved.vhdx", &vhdx("moved"))
        .inventory(vcenter().vm(row_of("web")))
}

#[test]
fn a_disk_of_a_platform_of_which_no_inventory_was_given_is_not_nobodys() {
    let disk = "ds1/moved/moved.vhdx";
    with_a_disk_of_hyperv(&["ds1"])
        .judge()
        .is(disk, "unknown/no-coverage never")
        .says(disk, "no inventory of Hyper-V was given")
        .gap("no-inventory")
        .complete(false);
    with_a_disk_of_hyperv(&["ds1"])
        .inventory(hyperv_host("hv1"))
        .judge()
        .is(disk, "orphaned/deleted-vm-disk")
        .no_gap("no-inventory");
    with_a_disk_of_hyperv(&["ds1"])
        .assume_complete()
        .judge()
        .is(disk, "orphaned/deleted-vm-disk");
    // VMFS is of ESXi alone.
    with_a_disk_of_hyperv(&["ds1", "/vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0001"])
        .judge()
        .is(disk, "orphaned/deleted-vm-disk");
}

#[test]
fn a_vm_of_vmware_on_a_share_is_not_nobodys_where_only_hyperv_was_asked() {
    let site = |root: &str, alias: &str| {
        let disk = format!(r"{alias}\web\web.vhdx");
        let mut row = hyperv_row("web", &[&disk]);
        row.config = None;
        Site::bare()
            .root(root, &[alias])
            .vmcx(&format!("{root}/web"), &hyperv_vm("web", &[&disk]))
            .vhdx(&format!("{root}/web/web.vhdx"), &vhdx("web"))
            .vm(root, "guest")
            .disk(&format!("{root}/loose/loose"))
            .inventory(
                inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson)
                    .host("hv1")
                    .vm(row),
            )
            .judge()
    };
    site("share", r"\\files\vms").are(
        &["share/guest/guest.vmx", "share/loose/loose.vmdk"],
        "unknown/no-coverage",
    );
    // No ESXi host mounts a cluster volume.
    site("csv1", r"C:\ClusterStorage\Volume1").is("csv1/loose/loose.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn a_root_without_alias_on_which_nothing_listed_is_found_asks_for_its_alias() {
    let site = |root: &str| {
        Site::bare()
            .root(root, &[])
            .vm(root, "old")
            .inventory(vcenter().datastore("pool", &[], &["esx1"]).vm(row_of("web")))
            .judge()
    };
    let settles = |root: &str| {
        let judged = site(root);
        let reasons = &judged.artifact(&format!("{root}/old/old.vmx")).reasons;
        assert!(reasons[0].text.contains("cannot be told"), "{reasons:?}");
        reasons[0].settles.clone().unwrap_or_default()
    };
    assert!(settles("mnt").starts_with("an alias for this root"));
    assert!(settles("pool").starts_with("the alias pool"));
    let pool = site("pool");
    assert!(
        pool.report
            .coverage
            .gaps
            .iter()
            .any(|gap| gap.contains("give that root its alias"))
    );
}

#[test]
fn a_vm_on_a_root_that_may_be_any_datastore_is_no_second_bearer_of_its_id() {
    let site = |aliases: &[&str]| {
        let row = Registration {
            instance_id: Some(vm_id("web")),
            ..row_of("web")
        };
        Site::bare()
            .root("mnt", aliases)
            .vm("mnt/ds1", "web")
            .inventory(vcenter().vm(row))
            .judge()
    };
    site(&[]).no_problem("duplicate-identity");
    site(&["other"]).problem("duplicate-identity", "web");
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
fn v84_a_root_without_files_on_which_vms_are_registered_was_not_read() {
    let site = |vm: Registration| {
        Site::vmware()
            .root("ds2", &["ds2"])
            .vm("ds1", "web")
            .disk("ds1/old/old")
            .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(row_of("web")).vm(vm))
            .judge()
    };
    let on_two = row("mail", "[ds2] mail/mail.vmx", &["[ds2] mail/mail.vmdk"]);
    let judged = site(on_two);
    judged
        .is("ds1/old/old.vmdk", "unknown/no-coverage")
        .complete(false)
        .problem("ghost", "mail");
    assert_eq!(judged.report.coverage.issues.len(), 1);
    site(row_of("db")).is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk");
}

/// A VM whose configuration and disk are not where they are registered: they may lie where nobody looked.
fn row_of_ghost() -> Registration {
    row("gone", "[ds1] gone/gone.vmx", &["[ds1] gone/gone.vmdk"])
}

#[test]
fn v85_an_unreadable_folder_keeps_everything_unknown_while_something_of_a_vm_is_not_known() {
    let site = || site().inventory(vcenter().vm(row_of("web")).vm(row_of_ghost()));
    let judged = site().unreadable_folder("ds1/secret").judge();
    judged
        .is("ds1/web/web.vmdk", "owned")
        .are(&LOOSE, "unknown/no-coverage never")
        .are(&LOST, "unknown/no-coverage")
        .says(LOOSE[0], "and the place of the configuration of gone is not known")
        .gap("folder-unreadable")
        .complete(false);
    site().judge().are(&LOOSE, "orphaned/deleted-vm-disk");
}

#[test]
fn v85_an_unreadable_folder_keeps_everything_unknown_that_it_could_own() {
    site()
        .unreadable_folder("ds1/secret")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&LOOSE, "unknown/no-coverage")
        .are(&LOST, "unknown/no-coverage")
        .gap("folder-unreadable")
        .complete(false);
}

#[test]
fn v85_what_looks_like_a_base_is_for_review_while_a_folder_could_not_be_read() {
    let site = || {
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/master/win")
            .inventory(vcenter().vm(row_of("web")))
    };
    site()
        .judge()
        .is("ds1/master/win.vmdk", "orphaned/deleted-vm-disk candidate");
    site()
        .unreadable_folder("ds1/.Trash-1000")
        .judge()
        .is("ds1/master/win.vmdk", "orphaned/deleted-vm-disk review");
}

#[test]
fn v85_the_gap_of_an_unreadable_folder_says_what_of_a_registered_vm_is_open() {
    let site = |site: Site, vm: Registration| {
        let judged = site.unreadable_folder("ds1/secret").inventory(vcenter().vm(vm)).judge();
        judged.are(&LOOSE, "unknown").says(LOOSE[0], " of web is not known");
    };
    let with_disk = |disk: &str| {
        let mut vm = row_of("web");
        vm.files.push(listed(disk, Role::Disk));
        vm
    };
    site(self::site(), with_disk("[ds1] secret/web_1.vmdk"));
    site(self::site(), with_disk("[ds1] web/web_1.vmdk"));
    site(self::site(), with_disk("[ds9] web/web_1.vmdk"));
    let mut keeps_snapshots = row_of("web");
    keeps_snapshots.folders.push("[ds1] secret/".to_owned());
    site(self::site(), keeps_snapshots);
    let orphan_link = self::site().delta("ds1/web/web-000001", "gone.vmdk");
    site(orphan_link, with_disk("[ds1] web/web-000001.vmdk"));
    let mut has_snapshots = row_of("web");
    has_snapshots.has_snapshots = true;
    site(self::site(), has_snapshots);
}

#[test]
fn folders_of_the_file_system_and_the_datastore_hold_no_vm() {
    let judged = |folder: &str, vms: &[Registration]| {
        let inventory = vms.iter().cloned().fold(vcenter(), Export::vm);
        site().inventory(inventory).unreadable_folder(folder).judge()
    };
    for folder in ["ds1/lost+found", "ds1/.dvsData", "ds1/.sdd.sf", "ds1/web/@eaDir"] {
        judged(folder, &[row_of("web")])
            .are(&LOOSE, "orphaned/deleted-vm-disk candidate")
            .confidence(LOOSE[0], "high");
        judged(folder, &[row_of("web"), row_of_ghost()])
            .are(&LOOSE, "orphaned/deleted-vm-disk")
            .confidence(LOOSE[0], "medium");
    }
    for folder in ["ds1/#recycle", "ds1/.Trash-1000", "ds1/.vSphere-HA"] {
        judged(folder, &[row_of("web")])
            .are(&LOOSE, "orphaned/deleted-vm-disk candidate")
            .confidence(LOOSE[0], "medium");
    }
    let inside = row(
        "kept",
        "[ds1] #recycle/kept/kept.vmx",
        &["[ds1] #recycle/kept/kept.vmdk"],
    );
    judged("ds1/#recycle", &[row_of("web"), inside]).are(&LOOSE, "unknown/no-coverage");
}

#[test]
fn an_image_in_a_drive_says_of_no_vm_that_it_lies_where_the_image_lies() {
    let mut vm = row_of("web");
    vm.files.push(listed("[ds1] #recycle/setup.iso", Role::Media));
    site()
        .unreadable_folder("ds1/#recycle")
        .inventory(vcenter().vm(vm))
        .judge()
        .are(&LOOSE, "orphaned/deleted-vm-disk candidate");
}

#[test]
fn an_unreadable_folder_caps_nothing_elsewhere_where_whole_chains_are_listed() {
    let mut vm = row_of("web");
    vm.listing = Listing::WholeChains;
    site()
        .unreadable_folder("ds1/secret")
        .inventory(vcenter().vm(vm))
        .judge()
        .are(&LOOSE, "orphaned/deleted-vm-disk")
        .complete(false);
}

#[test]
fn an_excluded_folder_is_a_place_that_was_not_read() {
    site()
        .change(|catalogue| {
            catalogue.roots[0].skipped.push(Skipped {
                folder: true,
                path: "secret".into(),
                why: SkipReason::Excluded,
            });
        })
        .inventory(vcenter().vm(row_of("web")).vm(row_of_ghost()))
        .judge()
        .are(&LOOSE, "unknown/no-coverage");
}

/// The row of `web` by an inventory that lists whole chains: nothing unread hides an owner among its VMs.
fn whole_row() -> Registration {
    Registration {
        listing: Listing::WholeChains,
        ..row_of("web")
    }
}

#[test]
fn an_excluded_configuration_keeps_its_folder_unknown_where_whole_chains_are_listed() {
    site()
        .excluded("ds1/lost/lost.vmx")
        .inventory(vcenter().vm(whole_row()))
        .judge()
        .are(&LOST[1..], "unknown/no-coverage")
        .are(&LOOSE, "orphaned/deleted-vm-disk");
}

#[test]
fn an_excluded_extent_leaves_no_dangling_descriptor() {
    let judged = site()
        .excluded("ds1/loose/loose-flat.vmdk")
        .inventory(vcenter().vm(whole_row()))
        .judge();
    judged.is("ds1/loose/loose.vmdk", "unknown");
    assert_eq!(judged.report.problems, []);
}

#[test]
fn change_tracking_of_an_excluded_disk_is_no_leftover() {
    let site = || {
        site()
            .file("ds1/loose/loose-ctk.vmdk", change_tracking(2048))
            .inventory(vcenter().vm(whole_row()))
    };
    site()
        .excluded("ds1/loose/loose.vmdk")
        .judge()
        .is("ds1/loose/loose-ctk.vmdk", "unknown/outside-scan");
    site()
        .judge()
        .is("ds1/loose/loose-ctk.vmdk", "orphaned/leftover-sidecar");
}

#[test]
fn a_lock_beside_an_excluded_file_is_not_stale() {
    let site = || {
        site()
            .file("ds1/loose/.lck-9c6e9a0000000000", nfs_lock("esx1"))
            .inventory(vcenter().vm(whole_row()))
    };
    site()
        .excluded("ds1/loose/loose-flat.vmdk")
        .judge()
        .is("ds1/loose/.lck-9c6e9a0000000000", "unknown/outside-scan");
    site()
        .judge()
        .is("ds1/loose/.lck-9c6e9a0000000000", "orphaned/stale-lock");
}

#[test]
fn a_fifo_in_the_place_of_a_disk_is_not_missing() {
    let site = site().inventory(vcenter().vm(whole_row()));
    let judged = site
        .change(|catalogue| {
            let path = "web/web.vmdk".into();
            catalogue.artifacts.retain(|artifact| artifact.entry.path != path);
            catalogue.specials.push(Special {
                root: 0,
                path,
                target: None,
            });
        })
        .judge();
    assert_eq!(judged.report.problems, []);
}

/// The site with another file system below its root, which was not entered.
fn with_a_mount_below() -> Site {
    site().change(|catalogue| {
        catalogue.roots[0].skipped.push(Skipped {
            folder: true,
            path: "mounted".into(),
            why: SkipReason::OtherFileSystem,
        });
    })
}

#[test]
fn another_file_system_below_a_root_is_a_place_that_was_not_read() {
    with_a_mount_below()
        .inventory(vcenter().vm(row_of("web")).vm(row_of_ghost()))
        .judge()
        .are(&LOOSE, "unknown/no-coverage");
}

#[test]
fn another_file_system_below_a_root_is_told_where_whole_chains_are_listed() {
    with_a_mount_below()
        .inventory(vcenter().vm(whole_row()))
        .judge()
        .are(&LOOSE, "orphaned/deleted-vm-disk")
        .gap("folder-unreadable")
        .complete(true);
}

#[test]
fn v81_a_folder_with_the_name_of_snapshots_is_a_place_that_was_not_read_where_a_vm_has_files_in_it() {
    let vm = config_only("kept", "[ds1] .snapshots/kept/kept.vmx");
    site()
        .change(|catalogue| {
            catalogue.roots[0].skipped.push(Skipped {
                folder: true,
                path: ".snapshots".into(),
                why: SkipReason::StorageSnapshot,
            });
        })
        .inventory(vcenter().vm(row_of("web")).vm(vm))
        .judge()
        .are(&LOOSE, "unknown/no-coverage")
        .gap("folder-unreadable");
}

#[test]
fn v81_snapshots_of_the_storage_hide_no_owner() {
    site()
        .change(|catalogue| {
            catalogue.roots[0].skipped.push(Skipped {
                folder: true,
                path: ".snapshot".into(),
                why: SkipReason::StorageSnapshot,
            });
        })
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&LOOSE, "orphaned/deleted-vm-disk")
        .complete(true);
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
fn a_disk_that_cannot_be_read_may_have_any_disk_here_as_its_parent() {
    site()
        .disk("ds1/web/more")
        .mark("ds1/web/web.vmdk", MarkCode::SharingViolation)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/more.vmdk", "unknown")
        .gap("disk-unreadable");
}

#[test]
fn hb11_an_unreadable_subtree_of_a_volume_is_a_gap_with_its_path() {
    let site = || {
        Site::hyperv()
            .vmcx(
                "csv1/web",
                &hyperv_vm("web", &[r"C:\ClusterStorage\Volume1\web\web.vhdx"]),
            )
            .vhdx("csv1/web/web.vhdx", &vhdx("web"))
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[r"C:\ClusterStorage\Volume1\web\web.vhdx"])))
    };
    site()
        .judge()
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
        .complete(true);
    let judged = site().unreadable_folder("csv1/denied/deep").judge();
    judged.is("csv1/old/old.vhdx", "unknown/no-coverage").complete(false);
    assert!(
        judged
            .report
            .coverage
            .issues
            .iter()
            .any(|issue| issue.path.lossy().ends_with("csv1/denied/deep"))
    );
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
