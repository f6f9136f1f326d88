//! Cases V3, V11 and V14: the owner exists, and its configuration is inaccessible, gone or encrypted.

use derelict::inventory::{Listing, Registration};
use derelict_parsers::testkit::vmware::nvram;

use super::{encrypted_vmx, snapshot_of};
use crate::support::{Export, Site, config_only, row, row_of, vcenter, vmx};

#[test]
fn v3_an_inaccessible_vm_whose_vmx_is_read_owns_what_it_names() {
    let mut vm = config_only("web", "[ds1] web/web.vmx");
    vm.has_configuration = false;
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/web/old")
        .inventory(vcenter().vm(vm))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/web/old.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v3_an_inaccessible_vm_is_read_from_the_copy_of_its_vmx() {
    let mut vm = config_only("web", "[ds1] web/web.vmx");
    vm.has_configuration = false;
    Site::vmware()
        .file("ds1/web/web.vmx~", vmx("web", &["web.vmdk"]).build())
        .disk("ds1/web/web")
        .inventory(vcenter().vm(vm))
        .judge()
        .are(
            &["ds1/web/web.vmx~", "ds1/web/web.vmdk", "ds1/web/web-flat.vmdk"],
            "owned",
        );
}

#[test]
fn v3_the_copy_of_a_vmx_tells_the_disks_so_that_others_are_judged() {
    let mut vm = config_only("web", "[ds1] web/web.vmx");
    vm.has_configuration = false;
    Site::vmware()
        .file("ds1/web/web.vmx~", vmx("web", &["web.vmdk"]).build())
        .disk("ds1/web/web")
        .disk("ds1/old/old")
        .inventory(vcenter().vm(vm))
        .judge()
        .are(&["ds1/web/web.vmx~", "ds1/web/web.vmdk"], "owned")
        .owners("ds1/web/web.vmdk", &["web"])
        .problem("ghost", "web")
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v3_an_inaccessible_vm_without_any_vmx_may_have_its_disks_anywhere() {
    let mut vm = config_only("web", "[ds1] web/web.vmx");
    vm.has_configuration = false;
    Site::vmware()
        .vm("ds1", "other")
        .disk("ds1/web/web")
        .disk("ds1/elsewhere/data")
        .inventory(vcenter().vm(vm).vm(row_of("other")))
        .judge()
        .is("ds1/web/web.vmdk", "unknown/owner-unreadable never")
        .is("ds1/elsewhere/data.vmdk", "unknown/owner-unreadable never")
        .gap("owner-unreadable")
        .complete(false);
}

#[test]
fn v11_a_ghost_protects_what_it_lists_and_nothing_that_only_sounds_alike() {
    Site::vmware()
        .disk("ds1/web/web")
        .disk("ds1/web/web-old")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/web/web-old.vmdk", "orphaned/deleted-vm-disk review")
        .says(
            "ds1/web/web-old.vmdk",
            "web, which is registered and whose configuration is gone",
        )
        .problem("ghost", "web");
}

#[test]
fn v11_v51_swap_that_bears_the_name_of_a_ghost_is_not_judged_unless_it_is_off() {
    let site = |state: &str| {
        let mut ghost = row("p", "[ds1] p/p.vmx", &["[ds1] p/p.vmdk"]);
        ghost.state = Some(state.to_owned());
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/p/p")
            .zeros("ds1/swap/p-1234abcd.vswp", 4096)
            .zeros("ds1/swap/pool-1234abcd.vswp", 4096)
            .inventory(vcenter().vm(row_of("web")).vm(ghost))
            .judge()
    };
    site("poweredOn")
        .is("ds1/swap/p-1234abcd.vswp", "unknown/owner-unreadable")
        .is("ds1/swap/pool-1234abcd.vswp", "orphaned/leftover-state");
    site("poweredOff").is("ds1/swap/p-1234abcd.vswp", "orphaned/leftover-state");
}

#[test]
fn v11_a_ghost_without_disk_list_keeps_its_folder_and_every_disk_in_its_reach_unknown() {
    let site = |row: Registration, has_folder: bool| {
        let site = Site::vmware()
            .root("ds2", &["ds2"])
            .vm("ds1", "other")
            .disk("ds1/loose/loose")
            .file("ds1/loose/vmware.log", "x")
            .disk("ds2/loose/loose");
        let site = if has_folder { site.disk("ds1/web/data") } else { site };
        let row = Registration {
            host: Some("esx1".to_owned()),
            ..row
        };
        let vcenter = vcenter().host("esx2").datastore("ds2", &[], &["esx2"]);
        site.inventory(vcenter.vm(row_of("other")).vm(row)).judge()
    };
    let judged = site(config_only("web", "[ds1] web/web.vmx"), true);
    judged
        .are(
            &["ds1/web/data.vmdk", "ds1/loose/loose.vmdk"],
            "unknown/owner-unreadable",
        )
        .says("ds1/loose/loose.vmdk", "the configuration of web")
        .is("ds1/loose/vmware.log", "orphaned/diagnostic")
        .is("ds2/loose/loose.vmdk", "orphaned/deleted-vm-disk")
        .complete(false)
        .problem("ghost", "web");
    assert_eq!(judged.missing("web"), ["ds1/web/web.vmx"]);
    // Of a ghost of which nothing is left most often nothing is left at all.
    site(config_only("web", "[ds1] web/web.vmx"), false)
        .is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk review")
        .confidence("ds1/loose/loose.vmdk", "medium")
        .says("ds1/loose/loose.vmdk", "the configuration of web")
        .is("ds2/loose/loose.vmdk", "orphaned/deleted-vm-disk candidate");
    for has_folder in [true, false] {
        site(row_of("web"), has_folder).is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk");
    }
}

#[test]
fn v14_beside_an_encrypted_vmx_without_disk_list_nothing_is_judged() {
    Site::vmware()
        .file("ds1/web/web.vmx", encrypted_vmx())
        .file("ds1/web/web.nvram", nvram())
        .disk("ds1/web/web")
        .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
        .judge()
        .are(&["ds1/web/web.vmx", "ds1/web/web.nvram"], "owned")
        .are(
            &["ds1/web/web.vmdk", "ds1/web/web-flat.vmdk"],
            "unknown/owner-unreadable never",
        )
        .problem("config-unreadable", "web");
}

#[test]
fn v14_disks_that_an_inventory_lists_are_owned_beside_an_encrypted_vmx_and_others_unknown() {
    Site::vmware()
        .file("ds1/web/web.vmx", encrypted_vmx())
        .disk("ds1/web/web")
        .disk("ds1/web/other")
        .disk("ds1/far/far")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/web/other.vmdk", "unknown/owner-unreadable")
        .is("ds1/far/far.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v14_an_unregistered_encrypted_vm_keeps_its_folder_unknown() {
    Site::vmware()
        .vm("ds1", "web")
        .file("ds1/dark/dark.vmx", encrypted_vmx())
        .disk("ds1/dark/dark")
        .disk("ds1/dark/old/2019/below")
        .disk("ds1/dark-2/beside")
        .disk("ds1/far/far")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/dark/dark.vmx", "unknown/owner-unreadable")
        .is("ds1/dark/dark.vmdk", "unknown/owner-unreadable")
        .is("ds1/dark/old/2019/below.vmdk", "unknown/owner-unreadable")
        .is("ds1/dark-2/beside.vmdk", "orphaned/deleted-vm-disk")
        .is("ds1/far/far.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v14_a_list_of_whole_chains_does_not_tell_what_else_lies_beside_an_encrypted_vmx() {
    let mut vm = row_of("web");
    vm.listing = Listing::WholeChains;
    Site::vmware()
        .file("ds1/web/web.vmx", encrypted_vmx())
        .disk("ds1/web/web")
        .disk("ds1/web/other")
        .disk("ds1/far/far")
        .zeros("ds1/far/far-1a2b3c4d.vswp", 1 << 20)
        .inventory(vcenter().vm(vm))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/web/other.vmdk", "unknown/owner-unreadable never")
        .is("ds1/far/far.vmdk", "orphaned/deleted-vm-disk")
        .is("ds1/far/far-1a2b3c4d.vswp", "orphaned/leftover-state");
}

/// An encrypted VM with one disk, and what else lies on two datastores that its host mounts, of which `ds3` is not one.
fn beside_an_encrypted_vm(row: Registration) -> Site {
    Site::vmware()
        .root("ds2", &["ds2"])
        .root("ds3", &["ds3"])
        .file("ds1/web/web.vmx", encrypted_vmx())
        .disk("ds1/web/web")
        .vmx("ds2/gone", "gone", &["gone.vmdk"])
        .disk("ds2/gone/gone")
        .zeros("ds2/gone/gone.nvram", 8684)
        .zeros("ds2/swap/old-1a2b3c4d.vswp", 1 << 20)
        .zeros("ds2/swap/web-1a2b3c4d.vswp", 1 << 20)
        .zeros("ds2/swap/vmx-web-1a2b3c4d-1.vswp", 1 << 20)
        .zeros("ds2/swap/webserver-1a2b3c4d.vswp", 1 << 20)
        .delta("ds2/old/old-000001", "gone-too.vmdk")
        .disk("ds3/far/far")
        .inventory(
            vcenter()
                .host("esx2")
                .datastore("ds2", &[], &["esx1", "esx2"])
                .datastore("ds3", &[], &["esx2"])
                .vm(Registration {
                    host: Some("esx1".to_owned()),
                    ..row
                }),
        )
}

#[test]
fn v14_an_encrypted_vm_of_known_disks_can_own_state_of_its_name_and_no_other_elsewhere() {
    beside_an_encrypted_vm(row_of("web"))
        .judge()
        .are(
            &["ds2/swap/web-1a2b3c4d.vswp", "ds2/swap/vmx-web-1a2b3c4d-1.vswp"],
            "unknown/owner-unreadable never",
        )
        .are(
            &["ds2/swap/old-1a2b3c4d.vswp", "ds2/swap/webserver-1a2b3c4d.vswp"],
            "orphaned/leftover-state",
        )
        .is("ds2/old/old-000001.vmdk", "orphaned/stranded-snapshot review")
        .are(
            &["ds2/gone/gone.vmx", "ds2/gone/gone.vmdk", "ds2/gone/gone.nvram"],
            "unregistered/complete-vm",
        )
        .is("ds3/far/far.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v14_links_on_a_disk_of_an_encrypted_vm_and_what_lies_beside_them_may_be_its_own() {
    let site = |folder: Option<&str>| {
        let row = Registration {
            folders: folder.into_iter().map(str::to_owned).collect(),
            ..row_of("web")
        };
        beside_an_encrypted_vm(row)
            .delta("ds2/work/some-000001", "/vmfs/volumes/ds1/web/web.vmdk")
            .delta("ds2/work/some-000002", "some-000001.vmdk")
            .file("ds2/work/some.vmsd", snapshot_of("some-000001.vmdk"))
            .delta("ds2/lab/lab-000001", "/vmfs/volumes/ds9/lab/lab.vmdk")
            .delta("ds2/other/other-000001", "/vmfs/volumes/ds2/gone/gone.vmdk")
            .zeros("ds2/snaps/x-Snapshot1.vmem", 1 << 20)
            .judge()
    };
    site(None)
        .are(
            &[
                "ds2/work/some-000002.vmdk",
                "ds2/work/some-000002-delta.vmdk",
                "ds2/work/some.vmsd",
                "ds2/lab/lab-000001.vmdk",
            ],
            "unknown",
        )
        .is("ds2/work/some-000001.vmdk", "in-use/has-children")
        .is("ds2/other/other-000001.vmdk", "orphaned/stranded-snapshot")
        .is("ds2/snaps/x-Snapshot1.vmem", "orphaned/leftover-state");
    site(Some("[ds2] snaps/")).is("ds2/snaps/x-Snapshot1.vmem", "unknown/owner-unreadable");
}

#[test]
fn v3_v14_a_vm_whose_disks_nobody_tells_may_have_any_that_its_host_reaches() {
    beside_an_encrypted_vm(config_only("web", "[ds1] web/web.vmx"))
        .judge()
        .are(
            &[
                "ds2/gone/gone.vmdk",
                "ds2/old/old-000001.vmdk",
                "ds2/swap/web-1a2b3c4d.vswp",
                "ds2/swap/old-1a2b3c4d.vswp",
            ],
            "unknown/owner-unreadable never",
        )
        .is("ds2/gone/gone.vmx", "unregistered")
        .is("ds3/far/far.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v14_v46_a_list_of_an_old_name_that_names_a_disk_of_an_encrypted_vm_and_what_lies_beside_it_may_be_its_own() {
    let site = |named: &str| {
        beside_an_encrypted_vm(row_of("web"))
            .file("ds2/work/old.vmsd", snapshot_of(named))
            .zeros("ds2/work/old-Snapshot1.vmem", 1 << 20)
            .only_as_it_is()
            .judge()
    };
    site("/vmfs/volumes/ds1/web/web.vmdk").are(
        &["ds2/work/old.vmsd", "ds2/work/old-Snapshot1.vmem"],
        "unknown/owner-unreadable never",
    );
    site("/vmfs/volumes/ds2/nobody/gone.vmdk").is("ds2/work/old-Snapshot1.vmem", "orphaned/leftover-state");
}
