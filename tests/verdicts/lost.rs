//! Files that a registered VM or a service names and that are really gone: what hung on them is still needed.

use derelict::{inventory::Registration, kind::Role};

use super::{
    support::{Export, Site, hyperv_host, hyperv_row, hyperv_vm, listed, row, row_of, vcenter, vhdx},
    vmware::{snapshot_of, state},
};

#[test]
fn the_disks_beside_a_lost_checkpoint_disk_of_a_registered_vm_may_be_its_parents() {
    const LEAF: &str = r"C:\ClusterStorage\Volume1\web\web_A.avhdx";
    Site::hyperv()
        .vmcx("csv1/web", &hyperv_vm("web", &[LEAF]))
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .vhdx("csv1/other/other.vhdx", &vhdx("other"))
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[LEAF])))
        .judge()
        .is("csv1/web/web.vhdx", "unknown")
        .gap("disk-unreadable")
        .is("csv1/other/other.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn a_lost_disk_of_unknown_form_lowers_the_confidence_in_what_may_be_its_parent() {
    let disk = r"C:\ClusterStorage\Volume1\web\web.vhdx";
    let site = || {
        Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm("web", &[disk]))
            .vhdx("csv1/gold/gold.vhdx", &vhdx("gold"))
            .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[disk])))
    };
    site().judge().confidence("csv1/gold/gold.vhdx", "medium");
    site()
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .judge()
        .confidence("csv1/gold/gold.vhdx", "high");
}

#[test]
fn what_carries_the_name_of_a_lost_disk_is_the_vms() {
    let disk = r"C:\ClusterStorage\Volume1\web\web.vhdx";
    Site::hyperv()
        .vmcx("csv1/web", &hyperv_vm("web", &[disk]))
        .zeros("csv1/web/web.vhdx.rct", 4096)
        .zeros("csv1/web/web.vhdx.mrt", 4096)
        .zeros("csv1/web/web2.vhdx.mrt", 4096)
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[disk])))
        .judge()
        .are(&["csv1/web/web.vhdx.rct", "csv1/web/web.vhdx.mrt"], "owned")
        .is("csv1/web/web2.vhdx.mrt", "orphaned/leftover-sidecar");
}

#[test]
fn the_memory_of_a_lost_state_is_the_vms() {
    Site::vmware()
        .vm("ds1", "web")
        .file("ds1/web/web.vmsd", snapshot_of("web.vmdk"))
        .zeros("ds1/web/web-Snapshot1.vmem", 1 << 20)
        .zeros("ds1/web/web-Snapshot2.vmem", 1 << 20)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/web-Snapshot1.vmem", "owned")
        .is("ds1/web/web-Snapshot2.vmem", "orphaned/leftover-state");
}

#[test]
fn the_swap_file_of_a_ghost_is_its_own_unless_it_is_off() {
    let judged = |state: &str| {
        let row = Registration {
            state: Some(state.to_owned()),
            ..row_of("web")
        };
        Site::vmware()
            .disk("ds1/web/web")
            .zeros("ds1/web/web-1a2b3c4d.vswp", 1 << 20)
            .inventory(vcenter().vm(row))
            .judge()
    };
    judged("poweredOn").is("ds1/web/web-1a2b3c4d.vswp", "owned");
    judged("poweredOff").is("ds1/web/web-1a2b3c4d.vswp", "unknown/owner-unreadable");
}

#[test]
fn snapshots_that_an_inventory_counts_and_no_list_tells_keep_links_unknown() {
    let judged = |has_snapshots: bool| {
        let row = Registration {
            has_snapshots,
            ..row_of("web")
        };
        Site::vmware()
            .vm("ds1", "web")
            .delta("ds1/web/web-000001", "web.vmdk")
            .file("ds1/web/web-Snapshot1.vmsn", state())
            .inventory(vcenter().vm(row))
            .judge()
    };
    judged(true)
        .is("ds1/web/web-000001.vmdk", "unknown/owner-unreadable")
        .is("ds1/web/web-Snapshot1.vmsn", "unknown/owner-unreadable");
    judged(false).is("ds1/web/web-000001.vmdk", "orphaned/stranded-snapshot");
}

#[test]
fn the_extent_of_a_lost_first_class_disk_is_the_services() {
    let mut inventory = vcenter()
        .vm(row_of("web"))
        .object("fcd", "lost", Some("[ds1] fcd/lost.vmdk"));
    inventory.fcd_scope = vec!["ds1".to_owned()];
    Site::vmware()
        .vm("ds1", "web")
        .zeros("ds1/fcd/lost-flat.vmdk", 1 << 20)
        .zeros("ds1/fcd/leaked-flat.vmdk", 1 << 20)
        .inventory(inventory)
        .judge()
        .is("ds1/fcd/lost-flat.vmdk", "service/fcd")
        .is("ds1/fcd/leaked-flat.vmdk", "orphaned/leaked-volume");
}

#[test]
fn of_a_lost_descriptor_the_report_says_whether_its_data_is_lost_too() {
    let disks = &[
        "[ds1] web/web.vmdk",
        "[ds1] web/web_1.vmdk",
        "[ds1] web/web_2-000001.vmdk",
    ];
    Site::vmware()
        .vmx("ds1/web", "web", &["web.vmdk", "web_1.vmdk", "web_2-000001.vmdk"])
        .zeros("ds1/web/web-flat.vmdk", 1 << 20)
        .inventory(vcenter().vm(row("web", "[ds1] web/web.vmx", disks)))
        .judge()
        .is("ds1/web/web-flat.vmdk", "owned/headless-extent")
        .problem(
            "missing-disk",
            "its data is there (web/web-flat.vmdk): write its descriptor again",
        )
        .problem("missing-disk", "neither is its data (web/web_1-flat.vmdk)")
        .problem(
            "missing-disk",
            "neither is its data (web/web_2-000001-delta.vmdk or web/web_2-000001-sesparse.vmdk)",
        );
}

#[test]
fn an_extent_that_an_inventory_lists_is_named_lost_by_itself() {
    let mut vm = row("web", "[ds1] web/web.vmx", &["[ds1] web/web.vmdk"]);
    vm.files.push(listed("[ds1] web/web-flat.vmdk", Role::Extent));
    let judged = Site::vmware()
        .vmx("ds1/web", "web", &["web.vmdk"])
        .inventory(vcenter().vm(vm))
        .judge();
    judged.problem("missing-disk", "web/web-flat.vmdk on ds1 is named and not there");
    let texts = judged.report.problems.iter().map(|problem| problem.text.as_str());
    assert!(!texts.into_iter().any(|text| text.contains("neither is its data")));
}
