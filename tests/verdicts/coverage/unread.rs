//! Places that were not read: folders, files that were left out, other file systems, snapshots of the storage.

use derelict::{
    catalogue::{SkipReason, Skipped, Special},
    evidence::MarkCode,
    inventory::{Listing, Registration},
    kind::Role,
};
use derelict_parsers::testkit::vmware::{change_tracking, nfs_lock};

use super::{LOOSE, LOST, site};
use crate::support::{
    Export, Judged, Site, config_only, hyperv_host, hyperv_row, hyperv_vm, listed, row, row_of, vcenter, vhdx,
};

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
fn v85_many_unreadable_folders_are_told_in_one_sentence_and_change_no_verdict() {
    let judged = |folders: usize| {
        let site = site().inventory(vcenter().vm(row_of("web"))).only_as_it_is();
        let folders = (0..folders).map(|number| format!("ds1/secret/{number:04}"));
        folders
            .fold(site, |site, folder| site.unreadable_folder(&folder))
            .judge()
    };
    let told = |judged: &Judged| {
        let gaps = judged.report.coverage.gap_details.iter();
        let of_folders = gaps.filter(|gap| gap.caps && gap.code.name() == "folder-unreadable");
        of_folders.map(|gap| (gap.text.clone(), gap.files)).collect::<Vec<_>>()
    };
    let (few, many) = (judged(10), judged(300));
    for judged in [&few, &many] {
        judged
            .are(&LOOSE, "unknown/no-coverage never")
            .are(&LOST, "unknown/no-coverage")
            .is("ds1/web/web.vmdk", "owned");
        assert_eq!(judged.report.summary, few.report.summary);
    }
    assert_eq!(told(&few).len(), 10);
    let [(text, files)] = told(&many).try_into().unwrap();
    assert_eq!(files, 5);
    assert!(
        text.starts_with(
            "secret/0000, secret/0001, secret/0002, secret/0003, secret/0004 and 295 more on ds1 could not be read"
        ),
        "{text}"
    );
    many.says(LOOSE[0], "and 295 more on ds1").complete(false);
    assert_eq!(many.report.coverage.issues.len(), 300);
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

#[test]
fn an_excluded_folder_may_hold_a_vm_whatever_its_name_and_a_file_that_is_no_configuration_none() {
    for (name, folder, verdict) in [
        ("appliance.ova", true, "unknown/no-coverage"),
        ("setup.iso", true, "unknown/no-coverage"),
        ("appliance.ova", false, "orphaned/deleted-vm-disk"),
        ("setup.iso", false, "orphaned/deleted-vm-disk"),
    ] {
        site()
            .change(move |catalogue| {
                catalogue.roots[0].skipped.push(Skipped {
                    folder,
                    path: name.into(),
                    why: SkipReason::Excluded,
                });
            })
            .inventory(vcenter().vm(row_of("web")).vm(row_of_ghost()))
            .judge()
            .are(&LOOSE, verdict);
    }
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
