//! Who was not asked: a platform without any inventory, and roots of which nobody can tell which datastore they are.

use derelict::{
    inventory::{InventoryKind, Registration},
    kind::Platform,
};

use crate::support::{Export, Site, hyperv_host, hyperv_row, hyperv_vm, inventory, row_of, vcenter, vhdx, vm_id};

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
