//! Cases V… of the VMware traps: owners, services, and what the files mean.

use derelict::{inventory::Listing, kind::Role};
use derelict_parsers::testkit::{
    guid,
    vmware::{
        DescriptorBuilder, SnapshotBuilder, SparseBuilder, VmsdBuilder, VmsnBuilder, VmxBuilder, change_tracking, cowd,
        dictionary, nvram, sesparse, stream_optimized,
    },
};

use super::support::{
    Export, SECTORS, Site, TAKEN, cid, config_only, descriptor, listed, row, row_of, vcenter, vm_id, vmx,
};

/// A snapshot list with one snapshot of one disk.
pub(super) fn snapshot_of(disk: &str) -> Vec<u8> {
    snapshots(&[disk])
}

/// A snapshot list with one snapshot for each disk.
fn snapshots(disks: &[&str]) -> Vec<u8> {
    let mut list = VmsdBuilder::default();
    for (number, disk) in (1_u64..).zip(disks) {
        list = list.snapshot(SnapshotBuilder {
            uid: number,
            parent: number - 1,
            name: format!("snapshot {number}"),
            state_file: format!("web-Snapshot{number}.vmsn"),
            created_us: 1_700_000_000_000_000,
            disks: vec![("scsi0:0".to_owned(), (*disk).to_owned())],
            clones: Vec::new(),
        });
    }
    list.build()
}

/// A snapshot or suspend state of the VM as it is.
pub(super) fn state() -> Vec<u8> {
    VmsnBuilder::new(vmx("web", &["web.vmdk"]).build(), vm_id("web")).build()
}

/// A `.vmx` whose device lines are encrypted.
fn encrypted_vmx() -> Vec<u8> {
    dictionary([
        ("config.version", "8"),
        ("virtualHW.version", "19"),
        ("displayName", "web"),
        ("encryption.keySafe", "vmware:key/list/x"),
        ("encryption.data", "c2VjcmV0"),
    ])
}

#[test]
fn a_registered_vm_owns_its_files_and_a_loose_disk_beside_it_is_orphaned() {
    let judged = Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/web/old")
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    judged
        .are(
            &["ds1/web/web.vmx", "ds1/web/web.vmdk", "ds1/web/web-flat.vmdk"],
            "owned never",
        )
        .owners("ds1/web/web-flat.vmdk", &["web"])
        .are(
            &["ds1/web/old.vmdk", "ds1/web/old-flat.vmdk"],
            "orphaned/deleted-vm-disk candidate",
        )
        .confidence("ds1/web/old.vmdk", "high")
        .complete(true);
}

// --- A. Inventory scope -------------------------------------------------------------------------------------------

#[test]
fn v3_a_disconnected_vm_counts_like_any() {
    let mut vm = row_of("web");
    vm.connection = Some("disconnected".to_owned());
    let judged = Site::vmware().vm("ds1", "web").inventory(vcenter().vm(vm)).judge();
    judged.is("ds1/web/web.vmdk", "owned");
    assert!(
        judged
            .artifact("ds1/web/web.vmdk")
            .reasons
            .iter()
            .any(|reason| reason.text.contains("disconnected")),
        "the state stands in a reason"
    );
}

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
fn v4_a_registered_template_owns_its_disk() {
    let mut vm = row("tpl", "[ds1] tpl/tpl.vmtx", &["[ds1] tpl/tpl.vmdk"]);
    vm.template = true;
    Site::vmware()
        .file("ds1/tpl/tpl.vmtx", vmx("tpl", &["tpl.vmdk"]).build())
        .disk("ds1/tpl/tpl")
        .inventory(vcenter().vm(vm))
        .judge()
        .are(
            &["ds1/tpl/tpl.vmtx", "ds1/tpl/tpl.vmdk", "ds1/tpl/tpl-flat.vmdk"],
            "owned/template",
        );
}

#[test]
fn v4_an_unlisted_template_is_a_complete_vm() {
    Site::vmware()
        .vm("ds1", "web")
        .file("ds1/tpl/tpl.vmtx", vmx("tpl", &["tpl.vmdk"]).build())
        .disk("ds1/tpl/tpl")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &["ds1/tpl/tpl.vmtx", "ds1/tpl/tpl-flat.vmdk"],
            "unregistered/complete-vm review",
        );
}

#[test]
fn v6_a_disk_newer_than_the_inventory_is_not_judged() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/new/new")
        .all_modified(&["ds1/new/new.vmdk", "ds1/new/new-flat.vmdk"], "2026-10-02T00:00:00Z")
        .disk("ds1/near/near")
        .all_modified(
            &["ds1/near/near.vmdk", "ds1/near/near-flat.vmdk"],
            "2026-09-30T23:30:00Z",
        )
        .disk("ds1/before/before")
        .all_modified(
            &["ds1/before/before.vmdk", "ds1/before/before-flat.vmdk"],
            "2026-09-30T22:00:00Z",
        )
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&["ds1/new/new.vmdk", "ds1/new/new-flat.vmdk"], "unknown/too-new never")
        .are(&["ds1/near/near.vmdk", "ds1/near/near-flat.vmdk"], "unknown/too-new")
        .is("ds1/before/before.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v6_a_disk_that_existed_and_was_written_since_is_in_use() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/run/run")
        .modified("ds1/run/run-flat.vmdk", "2026-10-20T00:00:00Z")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &["ds1/run/run.vmdk", "ds1/run/run-flat.vmdk"],
            "in-use/written-since-inventory never",
        );
}

#[test]
fn v6_a_vm_all_of_whose_files_are_newer_is_too_new_and_caps_nothing_else() {
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "fresh")
        .all_modified(
            &[
                "ds1/fresh/fresh.vmx",
                "ds1/fresh/fresh.vmdk",
                "ds1/fresh/fresh-flat.vmdk",
            ],
            "2026-10-20T00:00:00Z",
        )
        .disk("ds1/old/old")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&["ds1/fresh/fresh.vmx", "ds1/fresh/fresh-flat.vmdk"], "unknown/too-new")
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v7_where_layout_and_vmx_disagree_both_protect() {
    let mut vm = row(
        "web",
        "[ds1] web/web.vmx",
        &["[ds1] web/listed.vmdk", "[ds1] web/gone.vmdk"],
    );
    vm.listing = Listing::WholeChains;
    // A layout that is stale, and a configuration that cannot be read on top of it, leave nothing that names the disk.
    Site::vmware()
        .only_as_it_is()
        .vmx("ds1/web", "web", &["named.vmdk"])
        .disk("ds1/web/named")
        .disk("ds1/web/listed")
        .inventory(vcenter().vm(vm))
        .judge()
        .are(
            &["ds1/web/named.vmdk", "ds1/web/listed.vmdk", "ds1/web/listed-flat.vmdk"],
            "owned",
        )
        .problem("missing-disk", "gone.vmdk");
}

#[test]
fn v8_base_and_middle_disks_of_a_snapshotted_vm_are_owned_by_the_chain() {
    Site::vmware()
        .vmx("ds1/web", "web", &["web-000002.vmdk"])
        .disk("ds1/web/web")
        .delta("ds1/web/web-000001", "web.vmdk")
        .delta("ds1/web/web-000002", "web-000001.vmdk")
        .inventory(vcenter().vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/web-000002.vmdk"])))
        .judge()
        .are(
            &[
                "ds1/web/web-000002-delta.vmdk",
                "ds1/web/web-000001.vmdk",
                "ds1/web/web-000001-delta.vmdk",
                "ds1/web/web.vmdk",
                "ds1/web/web-flat.vmdk",
            ],
            "owned never",
        )
        .no_problem("broken-chain");
}

#[test]
fn v8_a_delta_that_no_chain_reaches_is_stranded() {
    Site::vmware()
        .vmx("ds1/web", "web", &["web-000001.vmdk"])
        .disk("ds1/web/web")
        .delta("ds1/web/web-000001", "web.vmdk")
        .delta("ds1/web/web-000002", "web-000001.vmdk")
        .inventory(vcenter().vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/web-000001.vmdk"])))
        .judge()
        .is("ds1/web/web-000001.vmdk", "owned")
        .are(
            &["ds1/web/web-000002.vmdk", "ds1/web/web-000002-delta.vmdk"],
            "orphaned/stranded-snapshot review no-risk",
        );
}

#[test]
fn v8_the_leaf_of_an_inventory_leads_to_the_base_even_when_the_vmx_was_not_scanned() {
    Site::vmware()
        .disk("ds1/web/web")
        .delta("ds1/web/web-000001", "web.vmdk")
        .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(row(
            "web",
            "[ds2] web/web.vmx",
            &["[ds1] web/web-000001.vmdk"],
        )))
        .judge()
        .are(
            &[
                "ds1/web/web-000001-delta.vmdk",
                "ds1/web/web.vmdk",
                "ds1/web/web-flat.vmdk",
            ],
            "owned",
        );
}

#[test]
fn v8_with_leaf_disks_only_and_a_config_outside_a_loose_disk_may_be_a_base() {
    Site::vmware()
        .disk("ds1/web/web")
        .disk("ds1/loose/loose")
        .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(row(
            "web",
            "[ds2] web/web.vmx",
            &["[ds1] web/web.vmdk"],
        )))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/loose/loose.vmdk", "unknown/outside-scan")
        .gap("outside-scan")
        .gap("datastore-not-scanned");
}

#[test]
fn v8_whole_chains_need_no_scan_of_the_other_datastore() {
    let mut vm = row("web", "[ds2] web/web.vmx", &["[ds1] web/web.vmdk"]);
    vm.listing = Listing::WholeChains;
    Site::vmware()
        .disk("ds1/web/web")
        .disk("ds1/loose/loose")
        .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(vm))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk")
        .confidence("ds1/loose/loose.vmdk", "medium")
        .gap("datastore-not-scanned");
}

#[test]
fn v9_a_placeholder_is_owned_as_one() {
    let mut vm = config_only("web", "[ds1] web/web.vmx");
    vm.placeholder = true;
    Site::vmware()
        .vmx("ds1/web", "web", &[])
        .inventory(vcenter().vm(vm))
        .judge()
        .is("ds1/web/web.vmx", "owned/placeholder-vm");
}

#[test]
fn v10_an_agent_vm_is_owned_where_it_is_listed_and_else_of_its_service() {
    let site = |rows: &[&str]| {
        let inventory = rows
            .iter()
            .fold(vcenter(), |inventory, name| inventory.vm(row_of(name)));
        Site::vmware()
            .vm("ds1", "web")
            .vm("ds1", "vCLS-4c4c4544-0001")
            .vm("ds1", "vCLSomething")
            .inventory(inventory)
            .judge()
    };
    site(&["web"])
        .is(
            "ds1/vCLS-4c4c4544-0001/vCLS-4c4c4544-0001.vmdk",
            "service/agent-vm never",
        )
        .is("ds1/vCLSomething/vCLSomething.vmdk", "unregistered/complete-vm");
    site(&["web", "vCLS-4c4c4544-0001"]).is("ds1/vCLS-4c4c4544-0001/vCLS-4c4c4544-0001.vmdk", "owned");
}

#[test]
fn v11_a_ghost_protects_what_it_lists_and_nothing_that_only_sounds_alike() {
    Site::vmware()
        .disk("ds1/web/web")
        .disk("ds1/web/web-old")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/web/web-old.vmdk", "orphaned/deleted-vm-disk")
        .problem("ghost", "web");
}

#[test]
fn v11_a_ghost_without_disk_list_keeps_its_folder_unknown() {
    let judged = Site::vmware()
        .vm("ds1", "other")
        .disk("ds1/web/data")
        .disk("ds1/loose/loose")
        .inventory(
            vcenter()
                .vm(row_of("other"))
                .vm(config_only("web", "[ds1] web/web.vmx")),
        )
        .judge();
    judged
        .is("ds1/web/data.vmdk", "unknown/owner-unreadable")
        .problem("ghost", "web");
    assert_eq!(judged.missing("web"), ["ds1/web/web.vmx"]);
}

#[test]
fn v12_a_vm_that_does_not_run_and_was_not_written_for_long_is_idle() {
    let site = |state: &str, time: &str| {
        let mut vm = row_of("web");
        vm.state = Some(state.to_owned());
        Site::vmware()
            .vm("ds1", "web")
            .all_modified(&["ds1/web/web.vmx", "ds1/web/web.vmdk", "ds1/web/web-flat.vmdk"], time)
            .inventory(vcenter().vm(vm))
            .judge()
    };
    site("poweredOff", "2026-01-01T00:00:00Z")
        .is("ds1/web/web.vmdk", "owned/idle-vm never")
        .because("ds1/web/web.vmdk", "last-written");
    site("poweredOff", "2026-08-01T00:00:00Z").is("ds1/web/web.vmdk", "owned");
    site("poweredOn", "2026-01-01T00:00:00Z").is("ds1/web/web.vmdk", "owned");
}

#[test]
fn v12_the_parent_of_clones_is_not_idle() {
    let mut vm = row_of("web");
    vm.state = Some("poweredOff".to_owned());
    Site::vmware()
        .vm("ds1", "web")
        .all_modified(
            &["ds1/web/web.vmx", "ds1/web/web.vmdk", "ds1/web/web-flat.vmdk"],
            "2026-01-01T00:00:00Z",
        )
        .vmx("ds1/clone", "clone", &["clone.vmdk"])
        .delta("ds1/clone/clone", "/vmfs/volumes/ds1/web/web.vmdk")
        .inventory(vcenter().vm(vm).vm(row_of("clone")))
        .judge()
        .is("ds1/web/web.vmdk", "owned");
}

#[test]
fn v13_a_vm_removed_from_the_inventory_is_unregistered_and_apart_from_loose_disks() {
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "archive")
        .disk("ds1/archive/loose")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &[
                "ds1/archive/archive.vmx",
                "ds1/archive/archive.vmdk",
                "ds1/archive/archive-flat.vmdk",
            ],
            "unregistered/complete-vm review",
        )
        .owners("ds1/archive/archive-flat.vmdk", &["archive"])
        .is("ds1/archive/loose.vmdk", "orphaned/deleted-vm-disk")
        .owners("ds1/archive/loose.vmdk", &[]);
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
        .disk("ds1/far/far")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/dark/dark.vmx", "unknown/owner-unreadable")
        .is("ds1/dark/dark.vmdk", "unknown/owner-unreadable")
        .is("ds1/far/far.vmdk", "orphaned/deleted-vm-disk");
}

// --- B. Owners that are no VM ---------------------------------------------------------------------------------------

#[test]
fn v15_a_first_class_disk_is_known_by_its_folder_or_by_its_descriptor() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/fcd/0a1b")
        .file("ds1/loose/f.vmdk", descriptor("f").ddb("fcd.uuid", "0a 1b").build())
        .zeros("ds1/loose/f-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&["ds1/fcd/0a1b.vmdk", "ds1/fcd/0a1b-flat.vmdk"], "service/fcd never")
        .are(&["ds1/loose/f.vmdk", "ds1/loose/f-flat.vmdk"], "service/fcd never");
}

#[test]
fn v16_a_first_class_disk_that_a_full_list_does_not_name_is_leaked() {
    let mut inventory = vcenter()
        .vm(row_of("web"))
        .object("fcd", "kept", Some("[ds1] fcd/kept.vmdk"));
    inventory.fcd_scope = vec!["ds1".to_owned()];
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/fcd/kept")
        .disk("ds1/fcd/leaked")
        .file(
            "ds1/fcd/guarded.vmdk",
            descriptor("guarded").ddb("deletable", "false").build(),
        )
        .zeros("ds1/fcd/guarded-flat.vmdk", SECTORS * 512)
        .inventory(inventory)
        .judge()
        .are(&["ds1/fcd/kept.vmdk", "ds1/fcd/kept-flat.vmdk"], "service/fcd")
        .are(
            &["ds1/fcd/leaked.vmdk", "ds1/fcd/leaked-flat.vmdk"],
            "orphaned/leaked-volume review",
        )
        .are(
            &["ds1/fcd/guarded.vmdk", "ds1/fcd/guarded-flat.vmdk"],
            "in-use/protected-by-descriptor never",
        );
}

#[test]
fn v16_a_list_of_another_datastore_leaks_nothing_here() {
    let mut inventory = vcenter().vm(row_of("web"));
    inventory.fcd_scope = vec!["ds2".to_owned()];
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/fcd/a")
        .inventory(inventory)
        .judge()
        .is("ds1/fcd/a.vmdk", "service/fcd");
}

#[test]
fn v17_the_prefix_of_a_name_decides_nothing() {
    let site = |listed: Option<&str>| {
        let inventory = listed.into_iter().fold(vcenter(), |inventory, path| {
            inventory.object("fcd", "pvc-1", Some(path))
        });
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/disks/pvc-1")
            .inventory(inventory.vm(row_of("web")))
            .judge()
    };
    site(None).is("ds1/disks/pvc-1.vmdk", "orphaned/deleted-vm-disk");
    site(Some("[ds1] disks/pvc-1.vmdk")).are(
        &["ds1/disks/pvc-1.vmdk", "ds1/disks/pvc-1-flat.vmdk"],
        "service/fcd never",
    );
}

#[test]
fn v19_a_first_class_disk_whose_file_is_gone_is_a_ghost_too() {
    let site = |path: &str| {
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/fcd/one")
            .inventory(vcenter().vm(row_of("web")).object("fcd", "volume one", Some(path)))
            .judge()
    };
    site("[ds1] fcd/gone.vmdk").problem("service-ghost", "volume one");
    site("[ds1] fcd/one.vmdk").no_problem("service-ghost");
}

#[test]
fn v20_kubernetes_volumes_are_known_by_folder() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/kubevols/pvc-1")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/kubevols/pvc-1-flat.vmdk", "service/kubernetes-volume");
}

#[test]
fn v20_a_loose_disk_at_the_top_of_a_site_with_kubernetes_may_be_a_static_volume() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/kubevols/pvc-1")
        .disk("ds1/pv1")
        .disk("ds1/loose/loose")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&["ds1/pv1.vmdk", "ds1/pv1-flat.vmdk"], "unknown/service-unlisted")
        .is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v20_a_loose_disk_at_the_top_of_a_site_without_kubernetes_is_judged_as_any() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/pv1")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/pv1.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v21_docker_volumes_are_known_by_folder() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/dockvols/group/vol")
        .file("ds1/dockvols/group/vol-0011223344556677.vmfd", "{}")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/dockvols/group/vol.vmdk", "service/docker-volume")
        .is("ds1/dockvols/group/vol-0011223344556677.vmfd", "service/docker-volume");
}

#[test]
fn v22_a_library_item_is_of_the_library_unless_its_list_lacks_it() {
    let folder = "ds1/contentlib-1111/2222";
    let item = format!("{folder}/disk-0_3333");
    let site = || Site::vmware().vm("ds1", "web").disk(&item);
    let path = format!("{item}.vmdk");
    site()
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is(&path, "service/content-library");
    let mut listed_elsewhere =
        vcenter()
            .vm(row_of("web"))
            .folder_object("content-library", "other", "[ds1] contentlib-1111/9999/");
    listed_elsewhere.has_library_list = true;
    site()
        .inventory(listed_elsewhere)
        .judge()
        .is(&path, "orphaned/library-leftover review");
    let mut listed_here =
        vcenter()
            .vm(row_of("web"))
            .folder_object("content-library", "item", "[ds1] contentlib-1111/2222/");
    listed_here.has_library_list = true;
    site()
        .inventory(listed_here)
        .judge()
        .is(&path, "service/content-library");
}

#[test]
fn v23_a_member_of_a_replica_protects_its_folder() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/rep/web")
        .file("ds1/rep/hbrcfg.GID-1.RID-2.vmx.5", vmx("web", &["web.vmdk"]).build())
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &["ds1/rep/web.vmdk", "ds1/rep/web-flat.vmdk"],
            "service/vsphere-replication never",
        );
}

#[test]
fn v24_a_seed_without_replication_beside_it_is_nobodys_and_empty_folders_are_told() {
    let judged = Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/rep/seed")
        .disk("ds1/gone/x")
        .change(|catalogue| {
            catalogue
                .artifacts
                .retain(|artifact| !artifact.entry.path.lossy().starts_with("gone/"));
            catalogue.roots[0].empty_folders.push("gone".into());
        })
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    judged.is("ds1/rep/seed.vmdk", "orphaned");
    assert_eq!(judged.report.coverage.roots[0].empty_folders.len(), 1);
}

#[test]
fn v25_the_replication_state_that_a_vmx_names_is_owned() {
    let config = vmx("web", &["web.vmdk"])
        .set("scsi0:0.hbr_filter.persistent", "hbr-persistent-state-RDID-1.psf")
        .build();
    Site::vmware()
        .file("ds1/web/web.vmx", config)
        .disk("ds1/web/web")
        .file("ds1/web/hbr-persistent-state-RDID-1.psf", [1; 64])
        .file("ds1/web/hbr-persistent-state-RDID-2.psf", [1; 64])
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/hbr-persistent-state-RDID-1.psf", "owned")
        .is(
            "ds1/web/hbr-persistent-state-RDID-2.psf",
            "orphaned/leftover-sidecar review",
        );
}

#[test]
fn v28_a_descriptor_that_forbids_deletion_is_in_use() {
    Site::vmware()
        .vm("ds1", "web")
        .file(
            "ds1/cat-baseDisk-ds/base.vmdk",
            descriptor("base").ddb("deletable", "false").build(),
        )
        .zeros("ds1/cat-baseDisk-ds/base-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &["ds1/cat-baseDisk-ds/base.vmdk", "ds1/cat-baseDisk-ds/base-flat.vmdk"],
            "in-use/protected-by-descriptor never",
        );
}

#[test]
fn v28_a_protected_base_with_an_owned_child_is_owned() {
    Site::vmware()
        .file(
            "ds1/base/base.vmdk",
            descriptor("base").ddb("deletable", "false").build(),
        )
        .zeros("ds1/base/base-flat.vmdk", SECTORS * 512)
        .vmx("ds1/web", "web", &["web.vmdk"])
        .delta("ds1/web/web", "/vmfs/volumes/ds1/base/base.vmdk")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&["ds1/base/base.vmdk", "ds1/base/base-flat.vmdk"], "owned");
}

#[test]
fn v26_v27_a_replica_with_clones_is_needed_and_one_without_is_a_problem() {
    Site::vmware()
        .vm("ds1", "cp-replica-1")
        .vm("ds1", "cp-replica-2")
        .vmx("ds1/clone", "clone", &["clone.vmdk"])
        .delta("ds1/clone/clone", "/vmfs/volumes/ds1/cp-replica-2/cp-replica-2.vmdk")
        .inventory(
            vcenter()
                .vm(row_of("cp-replica-1"))
                .vm(row_of("cp-replica-2"))
                .vm(row_of("clone")),
        )
        .judge()
        .is("ds1/cp-replica-1/cp-replica-1.vmdk", "owned")
        .owners("ds1/cp-replica-2/cp-replica-2-flat.vmdk", &["clone", "cp-replica-2"])
        .problem("unused-parent", "cp-replica-1");
}

#[test]
fn v29_a_base_disk_that_nobody_points_to_is_an_unused_parent_for_review() {
    let base = descriptor("cat-baseDisk");
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/cat-baseDisk-ds1-0001/cat-baseDisk")
        .file(
            "ds1/dog-baseDisk-ds1-0001/dog-baseDisk.vmdk",
            base.ddb("deletable", "false").build(),
        )
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is(
            "ds1/cat-baseDisk-ds1-0001/cat-baseDisk.vmdk",
            "orphaned/unused-parent review",
        )
        .confidence("ds1/cat-baseDisk-ds1-0001/cat-baseDisk.vmdk", "medium")
        .is(
            "ds1/dog-baseDisk-ds1-0001/dog-baseDisk.vmdk",
            "in-use/protected-by-descriptor never",
        );
}

#[test]
fn v30_the_parent_of_linked_clones_is_owned_by_the_clone_that_is_registered() {
    Site::vmware()
        .disk("ds1/master/master")
        .vmx("ds1/one", "one", &["one.vmdk"])
        .delta("ds1/one/one", "../master/master.vmdk")
        .vmx("ds1/two", "two", &["two.vmdk"])
        .delta("ds1/two/two", "../master/master.vmdk")
        .inventory(vcenter().vm(row_of("one")))
        .judge()
        .is("ds1/master/master-flat.vmdk", "owned")
        .owners("ds1/master/master.vmdk", &["one"])
        .is("ds1/two/two.vmdk", "unregistered/complete-vm");
}

#[test]
fn the_reasons_of_a_base_tell_the_way_from_the_clone_to_it() {
    let judged = Site::vmware()
        .root("ds2", &["ds2"])
        .disk("ds2/base/base")
        .vmx("ds1/clone", "clone", &["clone.vmdk"])
        .delta("ds1/clone/clone", "/vmfs/volumes/ds2/base/base.vmdk")
        .inventory(
            vcenter()
                .datastore("ds2", &[], &["esx1"])
                .vm(config_only("clone", "[ds1] clone/clone.vmx")),
        )
        .judge();
    let reasons = &judged.artifact("ds2/base/base-flat.vmdk").reasons;
    let way = "the way to it: clone/clone.vmx on ds1, then clone/clone.vmdk on ds1 (scsi0:0.fileName), then base/base.vmdk \
               (parentFileNameHint)";
    assert!(reasons.iter().any(|reason| reason.text == way), "{reasons:#?}");
}

#[test]
fn v30_a_parent_whose_children_are_all_orphaned_is_so_with_them_and_no_candidate() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/master/master")
        .delta("ds1/one/one", "../master/master.vmdk")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/one/one.vmdk", "orphaned/stranded-snapshot review")
        .is("ds1/master/master.vmdk", "orphaned review");
}

#[test]
fn v30_a_child_that_cannot_be_judged_makes_its_parent_in_use() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/master/master")
        .delta("ds1/one/one", "../master/master.vmdk")
        .all_modified(&["ds1/one/one.vmdk", "ds1/one/one-delta.vmdk"], "2026-10-20T00:00:00Z")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/one/one.vmdk", "unknown/too-new")
        .are(
            &["ds1/master/master.vmdk", "ds1/master/master-flat.vmdk"],
            "in-use/has-children never",
        );
}

#[test]
fn v30_a_parent_of_an_unregistered_vm_is_unregistered_with_it() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/master/master")
        .vmx("ds1/one", "one", &["one.vmdk"])
        .delta("ds1/one/one", "../master/master.vmdk")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/master/master.vmdk", "unregistered/complete-vm review");
}

#[test]
fn v31_an_image_that_only_chains_reach_is_owned_as_long_as_one_vm_runs_on_it() {
    let site = |registered: &[&str]| {
        let rows = registered.iter().map(|name| row_of(name));
        Site::vmware()
            .disk("ds1/VIC/images/scratch")
            .delta("ds1/VIC/images/layer", "scratch.vmdk")
            .vmx("ds1/box", "box", &["box.vmdk"])
            .delta("ds1/box/box", "/vmfs/volumes/ds1/VIC/images/layer.vmdk")
            .vm("ds1", "web")
            .inventory(rows.fold(vcenter(), Export::vm))
            .judge()
    };
    let images = ["ds1/VIC/images/scratch-flat.vmdk", "ds1/VIC/images/layer.vmdk"];
    site(&["web", "box"]).are(&images, "owned");
    site(&["web"]).are(&images, "unregistered/complete-vm review");
}

#[test]
fn v32_openstack_images_and_volumes_are_of_their_services() {
    let image = "0f1e2d3c-0000-1111-2222-333344445555";
    let volume = "volume-0f1e2d3c-0000-1111-2222-333344445556";
    Site::vmware()
        .vm("ds1", "web")
        .disk(&format!("ds1/vmware_base/{image}/{image}"))
        .vm("ds1", volume)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is(&format!("ds1/vmware_base/{image}/{image}.vmdk"), "service/image-cache")
        .is(&format!("ds1/{volume}/{volume}.vmdk"), "service/cinder-volume");
}

#[test]
fn v33_v36_disks_of_bosh_and_app_volumes_are_known_by_their_folders_only() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/bosh-disks/disk-1")
        .disk("ds1/appvolumes/packages/office")
        .disk("ds1/cloudvolumes/writable/user")
        .disk("ds1/old/bosh-disk-1")
        .disk("ds1/old/appvolumes")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/bosh-disks/disk-1.vmdk", "service/bosh-disk never")
        .is("ds1/appvolumes/packages/office-flat.vmdk", "service/app-volumes never")
        .is("ds1/cloudvolumes/writable/user.vmdk", "service/app-volumes never")
        .are(
            &["ds1/old/bosh-disk-1.vmdk", "ds1/old/appvolumes.vmdk"],
            "orphaned/deleted-vm-disk candidate",
        );
}

#[test]
fn v37_a_disk_that_two_vms_name_is_owned_by_both() {
    Site::vmware()
        .vm("ds1", "web")
        .vmx("ds1/proxy", "proxy", &["/vmfs/volumes/ds1/web/web.vmdk"])
        .inventory(
            vcenter()
                .vm(row_of("web"))
                .vm(row("proxy", "[ds1] proxy/proxy.vmx", &["[ds1] web/web.vmdk"])),
        )
        .judge()
        .is("ds1/web/web-flat.vmdk", "owned")
        .owners("ds1/web/web-flat.vmdk", &["proxy", "web"])
        .problem("double-owner", "web/web.vmdk");
}

#[test]
fn v37_a_disk_that_both_share_on_purpose_and_the_base_of_clones_are_no_double_owners() {
    let shared = |name: &str| {
        vmx(name, &["/vmfs/volumes/ds1/a/a.vmdk"])
            .set("scsi0.sharedBus", "virtual")
            .build()
    };
    Site::vmware()
        .file("ds1/a/a.vmx", shared("a"))
        .file("ds1/b/b.vmx", shared("b"))
        .disk("ds1/a/a")
        .vm("ds1", "base")
        .vmx("ds1/clone", "clone", &["clone.vmdk"])
        .delta("ds1/clone/clone", "/vmfs/volumes/ds1/base/base.vmdk")
        .inventory(
            vcenter()
                .vm(row_of("a"))
                .vm(row("b", "[ds1] b/b.vmx", &["[ds1] a/a.vmdk"]))
                .vm(row_of("base"))
                .vm(row_of("clone")),
        )
        .judge()
        .no_problem("double-owner")
        .no_problem("many-disks");
}

#[test]
fn v37_hundreds_of_disks_are_no_vms_own() {
    let names: Vec<String> = (0..61).map(|number| format!("d{number}.vmdk")).collect();
    let disks: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut config = vmx("proxy", &[]);
    for (number, disk) in disks.iter().enumerate() {
        config = config.disk(&format!("nvme{}:{}", number / 32, number % 32), disk);
    }
    let site = names.iter().fold(
        Site::vmware().file("ds1/proxy/proxy.vmx", config.build()),
        |site, name| site.disk(&format!("ds1/proxy/{}", name.trim_end_matches(".vmdk"))),
    );
    site.inventory(vcenter().vm(config_only("proxy", "[ds1] proxy/proxy.vmx")))
        .only_as_it_is()
        .judge()
        .problem("many-disks", "proxy");
}

// --- C. What the files mean -----------------------------------------------------------------------------------------

#[test]
fn v38_change_tracking_that_the_descriptor_names_is_owned_and_other_is_a_leftover() {
    Site::vmware()
        .vmx("ds1/web", "web", &["web.vmdk", "plain.vmdk"])
        .file(
            "ds1/web/web.vmdk",
            descriptor("web").change_tracking("web-ctk.vmdk").build(),
        )
        .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
        .file("ds1/web/web-ctk.vmdk", change_tracking(2048))
        .disk("ds1/web/plain")
        .file("ds1/web/plain-ctk.vmdk", change_tracking(2048))
        .file("ds1/web/gone-ctk.vmdk", change_tracking(2048))
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/web-ctk.vmdk", "owned")
        .is("ds1/web/plain-ctk.vmdk", "orphaned/leftover-sidecar candidate")
        .is("ds1/web/gone-ctk.vmdk", "orphaned/leftover-sidecar candidate");
}

#[test]
fn v38_change_tracking_without_its_disk_needs_no_inventory() {
    Site::vmware()
        .file("ds1/web/gone-ctk.vmdk", change_tracking(2048))
        .disk("ds1/web/there")
        .file("ds1/web/there-ctk.vmdk", change_tracking(2048))
        .judge()
        .is("ds1/web/gone-ctk.vmdk", "orphaned/leftover-sidecar candidate")
        .is("ds1/web/there-ctk.vmdk", "unknown/no-coverage")
        .is("ds1/web/there.vmdk", "unknown/no-coverage");
}

#[test]
fn v39_extents_of_every_form_follow_their_descriptor() {
    let split = DescriptorBuilder::split_sparse("split", &[SECTORS, SECTORS], cid("split"));
    let flat_parts = DescriptorBuilder::new("twoGbMaxExtentFlat", cid("parts"))
        .extent(&format!("RW {SECTORS} FLAT \"parts-f001.vmdk\" 0"));
    let leaf = DescriptorBuilder::sesparse_link("leaf", SECTORS, cid("leaf"), "web.vmdk", cid("web"));
    Site::vmware()
        .vmx("ds1/web", "web", &["leaf.vmdk", "split.vmdk", "parts.vmdk"])
        .disk("ds1/web/web")
        .file("ds1/web/leaf.vmdk", leaf.build())
        .file("ds1/web/leaf-sesparse.vmdk", sesparse(SECTORS, false))
        .file("ds1/web/split.vmdk", split.build())
        .file("ds1/web/split-s001.vmdk", SparseBuilder::new(SECTORS).build())
        .file("ds1/web/split-s002.vmdk", SparseBuilder::new(SECTORS).build())
        .file("ds1/web/parts.vmdk", flat_parts.build())
        .zeros("ds1/web/parts-f001.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
        .judge()
        .are(
            &[
                "ds1/web/leaf-sesparse.vmdk",
                "ds1/web/web-flat.vmdk",
                "ds1/web/split-s001.vmdk",
                "ds1/web/split-s002.vmdk",
                "ds1/web/parts-f001.vmdk",
            ],
            "owned",
        );
}

#[test]
fn v40_a_flat_whose_descriptor_is_gone_is_still_the_disk_of_the_vm_that_names_it() {
    Site::vmware()
        .vmx("ds1/web", "web", &["web.vmdk"])
        .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/web-flat.vmdk", "owned/headless-extent never")
        .problem("headless-extent", "web-flat.vmdk");
}

#[test]
fn v40_sidecars_of_a_descriptor_that_is_gone_go_with_its_extent() {
    Site::vmware()
        .vmx("ds1/web", "web", &["web.vmdk"])
        .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
        .file("ds1/web/web-ctk.vmdk", change_tracking(4096))
        .file("ds1/web/web-4686b60be34dc512.vmfd", [0; 512])
        .file("ds1/web/web_2-4686b60be34dc512.vmfd", [0; 512])
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&["ds1/web/web-ctk.vmdk", "ds1/web/web-4686b60be34dc512.vmfd"], "owned")
        .is(
            "ds1/web/web_2-4686b60be34dc512.vmfd",
            "orphaned/leftover-sidecar review",
        );
}

#[test]
fn v40_a_link_whose_descriptor_is_gone_does_not_tell_the_disks_below_it() {
    let leaf = |name: &str, leaf: &str| row(name, &format!("[ds1] {name}/{name}.vmx"), &[leaf]);
    Site::vmware()
        .vmx("ds1/web", "web", &["web-000001.vmdk"])
        .file("ds1/web/web-000001-delta.vmdk", cowd(8192))
        .disk("ds1/web/web")
        .disk("ds1/old/old")
        .inventory(vcenter().vm(leaf("web", "[ds1] web/web-000001.vmdk")))
        .judge()
        .is("ds1/web/web-000001-delta.vmdk", "owned/headless-extent")
        .is("ds1/web/web.vmdk", "unknown")
        .gap("disk-unreadable")
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v40_a_clone_whose_descriptor_is_gone_may_have_its_base_anywhere() {
    Site::vmware()
        .vmx("ds1/clone", "clone", &["clone.vmdk"])
        .file("ds1/clone/clone-sesparse.vmdk", sesparse(SECTORS, false))
        .disk("ds1/base/base")
        .inventory(vcenter().vm(row_of("clone")))
        .judge()
        .is("ds1/base/base.vmdk", "unknown");
}

#[test]
fn v40_a_flat_disk_whose_descriptor_is_gone_has_nothing_below_it() {
    Site::vmware()
        .vmx("ds1/web", "web", &["web.vmdk"])
        .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
        .disk("ds1/old/old")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk")
        .no_gap("disk-unreadable");
}

#[test]
fn v40_a_flat_without_descriptor_that_nobody_names_is_never_reclaimed() {
    Site::vmware()
        .vm("ds1", "web")
        .zeros("ds1/old/old-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/old/old-flat.vmdk", "orphaned/headless-extent never")
        .confidence("ds1/old/old-flat.vmdk", "low");
}

#[test]
fn v40_a_locked_or_written_flat_without_descriptor_is_in_use() {
    Site::vmware()
        .vm("ds1", "web")
        .zeros("ds1/a/a-flat.vmdk", SECTORS * 512)
        .nfs_lock("ds1/a/a-flat.vmdk", "esx1")
        .zeros("ds1/b/b-flat.vmdk", SECTORS * 512)
        .modified("ds1/b/b-flat.vmdk", "2026-10-20T00:00:00Z")
        .created("ds1/b/b-flat.vmdk", "2026-01-01T00:00:00Z")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/a/a-flat.vmdk", "in-use/locked")
        .is("ds1/b/b-flat.vmdk", "in-use/written-since-inventory");
}

#[test]
fn v41_a_surplus_on_one_side_does_not_hide_a_lack_on_the_other() {
    Site::vmware()
        .vm("ds1", "web")
        .file("ds1/web/lonely.vmdk", descriptor("lonely").build())
        .zeros("ds1/web/headless-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/lonely.vmdk", "orphaned/dangling-descriptor candidate")
        .is("ds1/web/headless-flat.vmdk", "orphaned/headless-extent never")
        .are(&["ds1/web/web.vmdk", "ds1/web/web-flat.vmdk"], "owned");
}

#[test]
fn v42_a_descriptor_without_its_extent_dangles() {
    Site::vmware()
        .vmx("ds1/web", "web", &["web.vmdk"])
        .file("ds1/web/web.vmdk", descriptor("web").build())
        .file("ds1/old/old.vmdk", descriptor("old").build())
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/web.vmdk", "owned/dangling-descriptor never")
        .problem("dangling-descriptor", "web-flat.vmdk")
        .is("ds1/old/old.vmdk", "orphaned/dangling-descriptor candidate");
}

#[test]
fn v44_a_delta_that_consolidation_left_is_stranded_and_a_risk_when_newer_than_its_parent() {
    let site = |time: &str| {
        Site::vmware()
            .vm("ds1", "web")
            .file("ds1/web/web.vmsd", VmsdBuilder::default().build())
            .delta("ds1/web/web-000001", "web.vmdk")
            .all_modified(&["ds1/web/web-000001.vmdk", "ds1/web/web-000001-delta.vmdk"], time)
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    site("2026-09-20T00:00:00Z")
        .are(
            &["ds1/web/web-000001.vmdk", "ds1/web/web-000001-delta.vmdk"],
            "orphaned/stranded-snapshot review data-loss",
        )
        .is("ds1/web/web.vmdk", "owned");
    site("2026-08-20T00:00:00Z").is("ds1/web/web-000001.vmdk", "orphaned/stranded-snapshot review no-risk");
}

#[test]
fn v45_the_vmx_beats_an_empty_snapshot_list() {
    Site::vmware()
        .vmx("ds1/web", "web", &["web-000001.vmdk"])
        .file("ds1/web/web.vmsd", VmsdBuilder::default().build())
        .disk("ds1/web/web")
        .delta("ds1/web/web-000001", "web.vmdk")
        .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
        .judge()
        .are(
            &["ds1/web/web-000001.vmdk", "ds1/web/web.vmdk", "ds1/web/web.vmsd"],
            "owned",
        )
        .problem("snapshot-mismatch", "web-000001.vmdk");
}

#[test]
fn v45_a_list_that_knows_the_snapshots_and_a_clone_without_any_are_no_mismatch() {
    Site::vmware()
        .vmx("ds1/web", "web", &["web-000001.vmdk"])
        .file("ds1/web/web.vmsd", snapshot_of("web.vmdk"))
        .file("ds1/web/web-Snapshot1.vmsn", state())
        .disk("ds1/web/web")
        .delta("ds1/web/web-000001", "web.vmdk")
        .vmx("ds1/clone", "clone", &["clone.vmdk"])
        .delta("ds1/clone/clone", "/vmfs/volumes/ds1/web/web.vmdk")
        .inventory(
            vcenter()
                .vm(config_only("web", "[ds1] web/web.vmx"))
                .vm(row_of("clone")),
        )
        .judge()
        .no_problem("snapshot-mismatch");
}

#[test]
fn v46_all_disks_of_a_snapshot_tree_are_owned_whatever_is_current() {
    Site::vmware()
        .vm("ds1", "web")
        .file(
            "ds1/web/web.vmsd",
            snapshots(&["web.vmdk", "web-000001.vmdk", "web-000002.vmdk"]),
        )
        .delta("ds1/web/web-000001", "web.vmdk")
        .delta("ds1/web/web-000002", "web.vmdk")
        .file("ds1/web/web-Snapshot1.vmsn", state())
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &[
                "ds1/web/web-000001-delta.vmdk",
                "ds1/web/web-000002.vmdk",
                "ds1/web/web-Snapshot1.vmsn",
            ],
            "owned",
        )
        .problem("snapshot-mismatch", "web/web.vmdk");
}

#[test]
fn v43_v47_neither_a_number_nor_a_stem_in_a_name_is_a_reference() {
    Site::vmware()
        .vm("ds1", "web")
        .delta("ds1/web/web-000003", "web.vmdk")
        .disk("ds1/web/web_1")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/web-000003.vmdk", "orphaned/stranded-snapshot review")
        .is("ds1/web/web_1.vmdk", "orphaned/deleted-vm-disk candidate");
}

#[test]
fn v48_snapshots_in_a_working_directory_on_another_datastore_are_owned() {
    let config = vmx("web", &["web-000001.vmdk"])
        .set("workingDir", "/vmfs/volumes/ds2/work")
        .build();
    Site::vmware()
        .root("ds2", &["ds2"])
        .file("ds1/web/web.vmx", config)
        .file(
            "ds1/web/web.vmsd",
            snapshot_of("/vmfs/volumes/ds2/work/web-000001.vmdk"),
        )
        .disk("ds1/web/web")
        .delta("ds2/work/web-000001", "/vmfs/volumes/ds1/web/web.vmdk")
        .delta("ds2/work/web-000002", "web-000001.vmdk")
        .inventory(
            vcenter()
                .datastore("ds2", &[], &["esx1"])
                .vm(config_only("web", "[ds1] web/web.vmx")),
        )
        .judge()
        .are(&["ds2/work/web-000001-delta.vmdk", "ds1/web/web.vmdk"], "owned")
        .is("ds2/work/web-000002.vmdk", "orphaned/stranded-snapshot");
}

#[test]
fn v48_a_working_directory_that_was_not_scanned_is_outside_and_named() {
    let config = vmx("web", &["/vmfs/volumes/ds2/work/web-000001.vmdk"]).build();
    Site::vmware()
        .file("ds1/web/web.vmx", config)
        .disk("ds1/web/web")
        .inventory(
            vcenter()
                .datastore("ds2", &[], &["esx1"])
                .vm(config_only("web", "[ds1] web/web.vmx")),
        )
        .judge()
        .is("ds1/web/web.vmdk", "unknown/outside-scan")
        .no_problem("missing-disk")
        .gap("datastore-not-scanned");
}

#[test]
fn v48_a_list_at_home_names_states_and_branches_in_the_working_directory() {
    let config = vmx("web", &["web-000001.vmdk"])
        .set("workingDir", "/vmfs/volumes/ds2/work")
        .build();
    Site::vmware()
        .root("ds2", &["ds2"])
        .file("ds1/web/web.vmx", config)
        .file("ds1/web/web.vmsd", snapshots(&["web.vmdk", "web-000002.vmdk"]))
        .disk("ds1/web/web")
        .delta("ds2/work/web-000001", "/vmfs/volumes/ds1/web/web.vmdk")
        .delta("ds2/work/web-000002", "/vmfs/volumes/ds1/web/web.vmdk")
        .delta("ds2/work/web-000003", "/vmfs/volumes/ds1/web/web.vmdk")
        .file("ds2/work/web-Snapshot1.vmsn", state())
        .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(row(
            "web",
            "[ds1] web/web.vmx",
            &["[ds2] work/web-000001.vmdk"],
        )))
        .judge()
        .are(&["ds2/work/web-000002.vmdk", "ds2/work/web-Snapshot1.vmsn"], "owned")
        .no_problem("missing-disk")
        .is("ds2/work/web-000003.vmdk", "orphaned/stranded-snapshot");
}

#[test]
fn v48_a_list_in_the_working_directory_names_branches_at_home() {
    let config = vmx("web", &["web-000001.vmdk"])
        .set("workingDir", "/vmfs/volumes/ds2/work")
        .build();
    Site::vmware()
        .root("ds2", &["ds2"])
        .file("ds1/web/web.vmx", config)
        .disk("ds1/web/web")
        .delta("ds1/web/web-000001", "web.vmdk")
        .delta("ds1/web/web-000002", "web.vmdk")
        .file("ds2/work/web.vmsd", snapshots(&["web.vmdk", "web-000002.vmdk"]))
        .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(row(
            "web",
            "[ds1] web/web.vmx",
            &["[ds1] web/web-000001.vmdk"],
        )))
        .judge()
        .are(&["ds1/web/web-000002.vmdk", "ds1/web/web.vmdk"], "owned")
        .no_problem("missing-disk");
}

#[test]
fn v48_a_working_directory_that_was_not_scanned_may_hold_the_list_of_branches() {
    let site = |folder: &str| {
        let config = vmx("web", &["web-000001.vmdk"]).set("workingDir", folder).build();
        Site::vmware()
            .file("ds1/web/web.vmx", config)
            .disk("ds1/web/web")
            .delta("ds1/web/web-000001", "web.vmdk")
            .delta("ds1/web/web-000002", "web.vmdk")
            .disk("ds1/old/old")
            .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(row(
                "web",
                "[ds1] web/web.vmx",
                &["[ds1] web/web-000001.vmdk"],
            )))
            .judge()
    };
    site("/vmfs/volumes/ds2/work")
        .is("ds1/web/web-000002.vmdk", "unknown/outside-scan")
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk");
    site("work").is("ds1/web/web-000002.vmdk", "orphaned/stranded-snapshot");
}

#[test]
fn v49_digests_go_with_their_disk() {
    let digest =
        |name: &str| DescriptorBuilder::vmfs(&format!("{name}-digest"), 800, cid(name) + 1, guid(77, 3)).build();
    Site::vmware()
        .vm("ds1", "vdi")
        .file("ds1/vdi/vdi-digest.vmdk", digest("vdi"))
        .zeros("ds1/vdi/vdi-digest-flat.vmdk", 800 * 512)
        .disk("ds1/old/old")
        .file("ds1/old/old-digest.vmdk", digest("old"))
        .zeros("ds1/old/old-digest-flat.vmdk", 800 * 512)
        .inventory(vcenter().vm(row_of("vdi")))
        .judge()
        .are(&["ds1/vdi/vdi-digest.vmdk", "ds1/vdi/vdi-digest-flat.vmdk"], "owned")
        .are(
            &["ds1/old/old-digest.vmdk", "ds1/old/old-digest-flat.vmdk"],
            "orphaned/deleted-vm-disk",
        );
}

// V14 lets an unreadable configuration reach its folder. Swap and snapshots need not lie there and no list of leaf disks
// names them, so by the first law they are not judged anywhere while one cannot be read.
#[test]
fn v50_a_swap_file_in_a_shared_folder_is_owned_by_the_vm_that_names_it() {
    let config = vmx("web", &["web.vmdk"])
        .set("sched.swap.derivedName", "/vmfs/volumes/ds1/swap/web-1a2b3c4d.vswp")
        .build();
    Site::vmware()
        .file("ds1/web/web.vmx", config)
        .disk("ds1/web/web")
        .zeros("ds1/swap/web-1a2b3c4d.vswp", 1 << 20)
        .zeros("ds1/swap/web-99999999.vswp", 1 << 20)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/swap/web-1a2b3c4d.vswp", "owned")
        .is("ds1/swap/web-99999999.vswp", "orphaned/leftover-state candidate");
}

#[test]
fn v48_a_snapshot_list_in_the_working_directory_is_the_vms_and_owns_its_branches() {
    for dir in ["work", "/vmfs/volumes/ds1/web/work", "work/"] {
        let config = vmx("web", &["work/web-000001.vmdk"]).set("workingDir", dir).build();
        Site::vmware()
            .file("ds1/web/web.vmx", config)
            .disk("ds1/web/web")
            .delta("ds1/web/work/web-000001", "../web.vmdk")
            .delta("ds1/web/work/web-000002", "../web.vmdk")
            .file("ds1/web/work/web.vmsd", snapshot_of("web-000002.vmdk"))
            .file("ds1/web/work/web-Snapshot1.vmsn", state())
            .inventory(vcenter().vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/work/web-000001.vmdk"])))
            .judge()
            .are(
                &[
                    "ds1/web/work/web-000002.vmdk",
                    "ds1/web/work/web.vmsd",
                    "ds1/web/work/web-Snapshot1.vmsn",
                ],
                "owned",
            );
    }
}

#[test]
fn v50_the_swap_file_of_a_vm_that_is_off_is_no_ghost() {
    let config = vmx("web", &["web.vmdk"])
        .set("sched.swap.derivedName", "/vmfs/volumes/ds1/web/web-1a2b3c4d.vswp")
        .build();
    let judged = Site::vmware()
        .file("ds1/web/web.vmx", config)
        .disk("ds1/web/web")
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    judged.no_problem("missing-file").no_problem("ghost");
    assert!(judged.missing("web").is_empty(), "{:?}", judged.missing("web"));
}

#[test]
fn v51_a_stale_swap_file_is_left_state_and_a_locked_one_is_in_use() {
    Site::vmware()
        .vm("ds1", "web")
        .zeros("ds1/old/old-1a2b3c4d.vswp", 1 << 20)
        .zeros("ds1/run/run-1a2b3c4d.vswp", 1 << 20)
        .nfs_lock("ds1/run/run-1a2b3c4d.vswp", "esx1")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/old/old-1a2b3c4d.vswp", "orphaned/leftover-state candidate")
        .is("ds1/run/run-1a2b3c4d.vswp", "in-use/locked");
}

#[test]
fn v52_suspend_and_memory_files_are_owned_through_keys_and_lists_only() {
    let config = vmx("web", &["web.vmdk"])
        .set("checkpoint.vmState", "web-77.vmss")
        .build();
    Site::vmware()
        .file("ds1/web/web.vmx", config)
        .disk("ds1/web/web")
        .file("ds1/web/web.vmsd", snapshot_of("web.vmdk"))
        .file("ds1/web/web-Snapshot1.vmsn", state())
        .zeros("ds1/web/web-Snapshot1.vmem", 1 << 20)
        .file("ds1/web/web-77.vmss", state())
        .zeros("ds1/web/web-77.vmem", 1 << 20)
        .file("ds1/web/web-Snapshot9.vmsn", state())
        .zeros("ds1/web/web-Snapshot9.vmem", 1 << 20)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &[
                "ds1/web/web-Snapshot1.vmsn",
                "ds1/web/web-Snapshot1.vmem",
                "ds1/web/web-77.vmss",
                "ds1/web/web-77.vmem",
            ],
            "owned",
        )
        .are(
            &["ds1/web/web-Snapshot9.vmsn", "ds1/web/web-Snapshot9.vmem"],
            "orphaned/leftover-state review",
        );
}

#[test]
fn what_a_left_list_or_state_names_is_judged_by_what_it_is_itself() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/old/old")
        .delta("ds1/old/old-000001", "old.vmdk")
        .file("ds1/old/old.vmsd", snapshots(&["old.vmdk", "old-000001.vmdk"]))
        .file("ds1/old/web-Snapshot1.vmsn", state())
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/old/old.vmsd", "orphaned/leftover-sidecar candidate")
        .is("ds1/old/old-000001.vmdk", "orphaned/stranded-snapshot review")
        .is("ds1/old/old-000001-delta.vmdk", "orphaned/stranded-snapshot review")
        .is("ds1/old/web-Snapshot1.vmsn", "orphaned/leftover-state review")
        .because("ds1/old/old-000001.vmdk", "last-owner-hint");
}

#[test]
fn v53_a_redo_log_is_owned_by_name_and_left_state_without_owner() {
    let config = vmx("web", &["web.vmdk"])
        .set("scsi0:0.mode", "independent-nonpersistent")
        .set("scsi0:0.redo", "web.vmdk.REDO_a1b2c3")
        .build();
    let cowd = cowd(u32::try_from(SECTORS).unwrap());
    Site::vmware()
        .file("ds1/web/web.vmx", config)
        .disk("ds1/web/web")
        .file("ds1/web/web.vmdk.REDO_a1b2c3", &cowd)
        .file("ds1/web/web.vmdk.REDO_d4e5f6", &cowd)
        .file("ds1/web/web.vmdk.REDO_000001", &cowd)
        .modified("ds1/web/web.vmdk.REDO_000001", "2026-10-20T00:00:00Z")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/web.vmdk.REDO_a1b2c3", "owned")
        .is("ds1/web/web.vmdk.REDO_d4e5f6", "orphaned/leftover-state review")
        .is("ds1/web/web.vmdk.REDO_000001", "unknown/too-new");
}

#[test]
fn v54_small_companions_are_owned_with_the_vm_of_their_stem() {
    let small = [
        "web.vmx~",
        "web.vmxf",
        "web.hlog",
        "web-aux.xml",
        "web.dsd",
        "web.scoreboard",
        "vmware.log",
        "vmware-3.log",
    ];
    let site = small.iter().fold(Site::vmware().vm("ds1", "web"), |site, name| {
        let content = if *name == "web.vmx~" {
            vmx("web", &["web.vmdk"]).build()
        } else {
            b"some text\n".to_vec()
        };
        site.file(&format!("ds1/web/{name}"), content)
    });
    let judged = site.inventory(vcenter().vm(row_of("web"))).judge();
    for name in small {
        judged.is(&format!("ds1/web/{name}"), "owned");
    }
}

#[test]
fn v54_companions_of_a_longer_stem_are_not_those_of_the_shorter() {
    Site::vmware()
        .vmx("ds1/vms", "web", &["web.vmdk"])
        .disk("ds1/vms/web")
        .vmx("ds1/vms", "web-2", &["web-2.vmdk"])
        .disk("ds1/vms/web-2")
        .file("ds1/vms/web-2.nvram", nvram())
        .file("ds1/vms/web-2.vmsd", snapshot_of("web-2.vmdk"))
        .file("ds1/vms/web-old.nvram", nvram())
        .inventory(
            vcenter()
                .vm(row("web", "[ds1] vms/web.vmx", &["[ds1] vms/web.vmdk"]))
                .vm(row("two", "[ds1] vms/web-2.vmx", &["[ds1] vms/web-2.vmdk"])),
        )
        .judge()
        .owners("ds1/vms/web-2.nvram", &["two"])
        .owners("ds1/vms/web-2.vmsd", &["two"])
        .owners("ds1/vms/web-2-flat.vmdk", &["two"])
        .owners("ds1/vms/web-old.nvram", &["web"]);
}

#[test]
fn v54_the_copy_of_a_vmx_alone_is_a_torn_vm() {
    Site::vmware()
        .vm("ds1", "web")
        .file("ds1/torn/torn.vmx~", vmx("torn", &["torn.vmdk"]).build())
        .disk("ds1/torn/torn")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &["ds1/torn/torn.vmx~", "ds1/torn/torn.vmdk", "ds1/torn/torn-flat.vmdk"],
            "unregistered/torn-vm review",
        );
}

#[test]
fn v55_a_dump_beside_its_vm_is_owned_and_another_is_diagnostic() {
    Site::vmware()
        .vm("ds1", "web")
        .zeros("ds1/web/vmx-zdump.000", 4096)
        .zeros("ds1/dumps/vmx-zdump.001", 4096)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/vmx-zdump.000", "owned/diagnostic")
        .is("ds1/dumps/vmx-zdump.001", "orphaned/diagnostic candidate");
}

#[test]
fn v56_an_image_is_owned_where_a_vm_mounts_it_and_never_nobodys() {
    let config = vmx("web", &["web.vmdk"])
        .cd("ide0:0", "/vmfs/volumes/ds1/iso/used.iso")
        .build();
    Site::vmware()
        .file("ds1/web/web.vmx", config)
        .disk("ds1/web/web")
        .zeros("ds1/iso/used.iso", 1 << 20)
        .zeros("ds1/iso/free.iso", 1 << 20)
        .zeros("ds1/iso/free.flp", 1 << 20)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/iso/used.iso", "owned/media")
        .are(&["ds1/iso/free.iso", "ds1/iso/free.flp"], "unknown/media never");
}

#[test]
fn v57_disks_in_a_form_for_transport_wait_for_an_import() {
    let stream = DescriptorBuilder::embedded("streamOptimized", "a.vmdk", SECTORS, cid("a")).build();
    let sparse = DescriptorBuilder::embedded("monolithicSparse", "b.vmdk", SECTORS, cid("b")).build();
    let split = DescriptorBuilder::split_sparse("c", &[SECTORS], cid("c")).build();
    Site::vmware()
        .vm("ds1", "web")
        .file("ds1/up/a.vmdk", stream_optimized(SECTORS, &stream))
        .file("ds1/up/b.vmdk", SparseBuilder::new(SECTORS).descriptor(&sparse).build())
        .file("ds1/up/c.vmdk", split)
        .file("ds1/up/c-s001.vmdk", SparseBuilder::new(SECTORS).build())
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &["ds1/up/a.vmdk", "ds1/up/b.vmdk", "ds1/up/c.vmdk", "ds1/up/c-s001.vmdk"],
            "unknown/transport-image review",
        );
}

#[test]
fn v58_a_raw_device_map_is_judged_as_any_disk_and_reclaims_nothing() {
    Site::vmware()
        .vmx("ds1/web", "web", &["lun.vmdk"])
        .file(
            "ds1/web/lun.vmdk",
            DescriptorBuilder::rdm("lun", SECTORS, cid("lun")).build(),
        )
        .zeros("ds1/web/lun-rdm.vmdk", 1 << 30)
        .file(
            "ds1/old/lun.vmdk",
            DescriptorBuilder::rdm("lun", SECTORS, cid("lun")).build(),
        )
        .zeros("ds1/old/lun-rdm.vmdk", 1 << 30)
        .inventory(vcenter().vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/lun.vmdk"])))
        .judge()
        .are(&["ds1/web/lun.vmdk", "ds1/web/lun-rdm.vmdk"], "owned")
        .are(
            &["ds1/old/lun.vmdk", "ds1/old/lun-rdm.vmdk"],
            "orphaned/rdm-pointer review",
        );
}

#[test]
fn v59_v60_a_disk_in_the_folder_of_an_unregistered_vm_is_owned_by_the_registered_one_that_uses_it() {
    Site::vmware()
        .vm("ds1", "old")
        .vmx("ds1/web", "web", &["/vmfs/volumes/ds1/old/old.vmdk"])
        .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
        .judge()
        .are(&["ds1/old/old.vmdk", "ds1/old/old-flat.vmdk"], "owned")
        .owners("ds1/old/old.vmdk", &["web"])
        .is("ds1/old/old.vmx", "unregistered/complete-vm review");
}

#[test]
fn v61_a_foreign_extension_behind_a_known_one_protects_every_file_of_the_stem() {
    Site::vmware()
        .vm("ds1", "web")
        .file("ds1/hit/db.vmdk.iFire", [7; 700])
        .zeros("ds1/hit/db-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &["ds1/hit/db.vmdk.iFire", "ds1/hit/db-flat.vmdk"],
            "unknown/suspicious-rename never",
        )
        .problem("suspicious-rename", "db.vmdk.iFire");
}

#[test]
fn v61_notes_sums_and_copies_are_no_ransom() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/old/db")
        .file("ds1/old/db.vmdk.md5", "0011")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/old/db-flat.vmdk", "orphaned/deleted-vm-disk")
        .no_problem("suspicious-rename");
}

#[test]
fn v62_a_service_console_is_of_the_host() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/esxconsole-5000/esxconsole")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is(
            "ds1/esxconsole-5000/esxconsole-flat.vmdk",
            "system/legacy-console never",
        );
}

// --- E. Files of the file system and the platform -------------------------------------------------------------------

#[test]
fn v74_to_v78_system_files_are_known_at_the_top_and_only_there() {
    Site::vmware()
        .vm("ds1", "web")
        .zeros("ds1/.fbb.sf", 4096)
        .file("ds1/.vSphere-HA/FDM-1/protectedlist", "")
        .zeros("ds1/.naa.600a0b80/slotsfile", 512)
        .file("ds1/.dvsData/a/1", "x")
        .disk("ds1/etc/etc")
        .disk("ds1/targets/t")
        .disk("ds1/deep/.naa.600a0b80/d")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/.fbb.sf", "system/vmfs-metadata never")
        .is("ds1/.vSphere-HA/FDM-1/protectedlist", "system/ha never")
        .is("ds1/.naa.600a0b80/slotsfile", "system/sioc never")
        .is("ds1/.dvsData/a/1", "system/datastore-service never")
        .are(
            &[
                "ds1/etc/etc.vmdk",
                "ds1/targets/t.vmdk",
                "ds1/deep/.naa.600a0b80/d.vmdk",
            ],
            "orphaned/deleted-vm-disk",
        );
}

#[test]
fn v75_a_vm_that_a_list_of_ha_names_is_run_by_an_unknown_vcenter() {
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "foreign")
        .file(
            "ds1/.vSphere-HA/FDM-1/protectedlist",
            "/vmfs/volumes/ds1/foreign/foreign.vmx\n",
        )
        .disk("ds1/loose/loose")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/foreign/foreign.vmx", "in-use/ha-protected never")
        .is("ds1/foreign/foreign-flat.vmdk", "in-use")
        .is("ds1/loose/loose.vmdk", "unknown/no-coverage")
        .gap("ha-vm-unregistered");
}

#[test]
fn v79_a_locked_file_is_in_use_and_so_is_its_disk_and_its_lock() {
    let judged = Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/old/old")
        .nfs_lock("ds1/old/old-flat.vmdk", "esx1")
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    judged.are(&["ds1/old/old.vmdk", "ds1/old/old-flat.vmdk"], "in-use/locked never");
    let locks = judged
        .report
        .artifacts
        .iter()
        .filter(|artifact| artifact.relative_path.lossy().contains(".lck-"));
    assert_eq!(locks.map(|lock| lock.verdict.name()).collect::<Vec<_>>(), ["in-use"]);
}

#[test]
fn v79_a_lock_without_target_is_stale_whether_or_not_an_inventory_was_given() {
    let site = || {
        Site::vmware().vm("ds1", "web").file(
            "ds1/web/.lck-e003090001000000",
            derelict_parsers::testkit::vmware::nfs_lock("esx9"),
        )
    };
    site()
        .judge()
        .is("ds1/web/.lck-e003090001000000", "orphaned/stale-lock candidate");
    site()
        .disk("ds1/old/old")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/.lck-e003090001000000", "orphaned/stale-lock candidate")
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v79_where_file_ids_are_not_those_of_the_server_no_lock_is_called_stale() {
    for file_system in ["cifs", "smb3", "fuse.sshfs", "9p"] {
        Site::vmware()
            .vm("ds1", "web")
            .file(
                "ds1/web/.lck-e003090001000000",
                derelict_parsers::testkit::vmware::nfs_lock("esx1"),
            )
            .change(move |catalogue| catalogue.roots[0].file_system = Some(file_system.to_owned()))
            .inventory(vcenter().vm(row_of("web")))
            .judge()
            .is("ds1/web/.lck-e003090001000000", "unknown never");
    }
}

#[test]
fn v80_a_deleted_file_that_is_still_open_is_in_use() {
    Site::vmware()
        .vm("ds1", "web")
        .sparse("ds1/old/.nfs000000000000abcd00000001", &{
            let mut file = derelict_parsers::testkit::SparseFile::new(1 << 20);
            file.put(0, [9; 64]);
            file
        })
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/old/.nfs000000000000abcd00000001", "in-use/open-deleted never");
}

#[test]
fn v82_scratch_of_a_host_is_its_own() {
    Site::vmware()
        .vm("ds1", "web")
        .file("ds1/.locker-esx1/log/x.log", "x")
        .file("ds1/vmkdump/0011.dumpfile", "x")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &["ds1/.locker-esx1/log/x.log", "ds1/vmkdump/0011.dumpfile"],
            "system/host-scratch never",
        );
}

// --- against the first law ------------------------------------------------------------------------------------------

#[test]
fn a_disk_that_only_a_snapshot_state_names_is_owned() {
    let then = vmx("web", &["removed-since.vmdk"]).build();
    Site::vmware()
        .vm("ds1", "web")
        .file("ds1/web/web.vmsd", snapshot_of("web.vmdk"))
        .file(
            "ds1/web/web-Snapshot1.vmsn",
            VmsnBuilder::new(then, vm_id("web")).build(),
        )
        .disk("ds1/web/removed-since")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/removed-since-flat.vmdk", "owned");
}

#[test]
fn a_disk_that_is_switched_off_in_the_vmx_is_still_owned() {
    let config = vmx("web", &["web.vmdk"])
        .set("scsi0:1.fileName", "off.vmdk")
        .set("scsi0:1.present", "FALSE")
        .build();
    Site::vmware()
        .file("ds1/web/web.vmx", config)
        .disk("ds1/web/web")
        .disk("ds1/web/off")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/off-flat.vmdk", "owned");
}

#[test]
fn a_base_whose_child_names_it_by_an_old_path_is_found_by_its_content_id() {
    let link = DescriptorBuilder::cowd_link(
        "web-000001",
        SECTORS,
        cid("web-000001"),
        "/vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0001/web/was-called.vmdk",
        cid("web"),
    );
    Site::vmware()
        .vmx("ds1/web", "web", &["web-000001.vmdk"])
        .file("ds1/web/web-000001.vmdk", link.build())
        .file("ds1/web/web-000001-delta.vmdk", cowd(u32::try_from(SECTORS).unwrap()))
        .disk("ds1/web/web")
        .inventory(vcenter().vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/web-000001.vmdk"])))
        .judge()
        .is("ds1/web/web.vmdk", "owned");
}

#[test]
fn a_descriptor_of_zero_bytes_under_a_vm_leaves_its_flat_to_the_vm() {
    Site::vmware()
        .vmx("ds1/web", "web", &["web.vmdk"])
        .file("ds1/web/web.vmdk", "")
        .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/web/web-flat.vmdk", "owned/headless-extent");
}

#[test]
fn a_damaged_descriptor_under_a_vm_leaves_its_flat_to_the_vm() {
    Site::vmware()
        .vmx("ds1/web", "web", &["web.vmdk"])
        .file("ds1/web/web.vmdk", [0xa5; 600])
        .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/web-flat.vmdk", "owned/headless-extent");
}

#[test]
fn a_descriptor_that_names_its_extent_under_another_case_still_owns_it() {
    Site::vmware()
        .vmx("ds1/web", "web", &["WEB.vmdk"])
        .file("ds1/web/web.vmdk", descriptor("Web").build())
        .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(config_only("web", "[ds1] Web/web.vmx")))
        .judge()
        .are(&["ds1/web/web.vmdk", "ds1/web/web-flat.vmdk"], "owned");
}

#[test]
fn a_vmx_of_zero_bytes_keeps_its_folder_unknown() {
    Site::vmware()
        .vm("ds1", "web")
        .file("ds1/torn/torn.vmx", "")
        .disk("ds1/torn/torn")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/torn/torn-flat.vmdk", "unknown/owner-unreadable");
}

#[test]
fn an_unregistered_vm_that_shares_a_disk_with_a_registered_one_takes_nothing_from_it() {
    Site::vmware()
        .vm("ds1", "web")
        .vmx("ds1/copy", "copy", &["../web/web.vmdk", "copy.vmdk"])
        .disk("ds1/copy/copy")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/copy/copy.vmdk", "unregistered/complete-vm");
}

#[test]
fn a_vm_that_moved_since_the_inventory_is_known_by_its_id() {
    let mut vm = row_of("web");
    vm.instance_id = Some(vm_id("web"));
    Site::vmware()
        .vmx("ds1/moved", "web", &["web.vmdk"])
        .disk("ds1/moved/web")
        .inventory(vcenter().vm(vm))
        .judge()
        .are(&["ds1/moved/web.vmx", "ds1/moved/web.vmdk"], "owned")
        .problem("config-moved", "web");
}

#[test]
fn a_copy_with_the_same_id_is_an_export_and_its_original_stays_owned() {
    let mut vm = row_of("web");
    vm.instance_id = Some(vm_id("web"));
    Site::vmware()
        .vm("ds1", "web")
        .vmx("ds1/copy", "web", &["web.vmdk"])
        .disk("ds1/copy/web")
        .inventory(vcenter().vm(vm))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/copy/web.vmdk", "unregistered/export-copy review")
        .problem("duplicate-identity", "copy/web.vmx");
}

#[test]
fn a_file_of_any_name_that_a_vmx_names_as_disk_is_owned() {
    Site::vmware()
        .vmx("ds1/web", "web", &["data.img"])
        .file("ds1/web/data.img", descriptor("data").build())
        .zeros("ds1/web/data-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
        .judge()
        .are(&["ds1/web/data.img", "ds1/web/data-flat.vmdk"], "owned");
}

#[test]
fn a_serial_port_file_of_a_vm_is_reported_as_its_own() {
    let config = vmx("web", &["web.vmdk"])
        .set("serial0.present", "TRUE")
        .set("serial0.fileType", "file")
        .set("serial0.fileName", "console.txt")
        .build();
    let judged = Site::vmware()
        .file("ds1/web/web.vmx", config)
        .disk("ds1/web/web")
        .file("ds1/web/console.txt", "boot\n")
        .file("ds1/web/notes.txt", "mine\n")
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    judged.is("ds1/web/console.txt", "owned");
    assert!(
        !judged.is_reported("ds1/web/notes.txt"),
        "an ordinary file is counted, not listed"
    );
}

// The design lets a folder that was not read reach the datastores on which its VMs are known to have files. A list of
// leaf disks does not say where their parents lie, so by the first law the reach is every datastore then.
#[test]
fn chains_across_datastores_are_owned_end_to_end() {
    Site::vmware()
        .root("ds2", &["ds2"])
        .disk("ds2/gold/gold")
        .vmx("ds1/web", "web", &["web.vmdk"])
        .delta("ds1/web/web", "/vmfs/volumes/ds2/gold/gold.vmdk")
        .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(row_of("web")))
        .judge()
        .are(&["ds2/gold/gold.vmdk", "ds2/gold/gold-flat.vmdk"], "owned");
}

#[test]
fn a_ring_of_deltas_ends_and_is_damage() {
    Site::vmware()
        .vm("ds1", "web")
        .delta("ds1/ring/a", "b.vmdk")
        .delta("ds1/ring/b", "a.vmdk")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &["ds1/ring/a.vmdk", "ds1/ring/b.vmdk", "ds1/ring/a-delta.vmdk"],
            "unknown/damaged",
        );
}

#[test]
fn a_delta_whose_parent_was_not_scanned_is_not_called_broken() {
    Site::vmware()
        .vmx("ds1/web", "web", &["web.vmdk"])
        .delta("ds1/web/web", "/vmfs/volumes/ds9/gold/gold.vmdk")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .no_problem("broken-chain");
}

#[test]
fn an_owner_rule_of_the_user_comes_first_and_is_told() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/lab/x")
        .rules(
            "version = 1\n[[rule]]\nid = \"lab\"\nverdict = \"service\"\nclass = \"replica-copy\"\npaths = [\"lab/**\"]\nreason = \"lab\"",
        )
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/lab/x.vmdk", "service/replica-copy never")
        .because("ds1/lab/x.vmdk", "owner-rule");
}

#[test]
fn a_registered_vm_wins_over_an_owner_rule() {
    Site::vmware()
        .vmx("ds1/fcd", "web", &["web.vmdk"])
        .disk("ds1/fcd/web")
        .inventory(vcenter().vm(row("web", "[ds1] fcd/web.vmx", &["[ds1] fcd/web.vmdk"])))
        .judge()
        .is("ds1/fcd/web.vmdk", "owned");
}

#[test]
fn a_layout_row_owns_every_file_that_it_lists_whatever_its_role() {
    let mut vm = row("web", "[ds1] web/web.vmx", &["[ds1] web/web.vmdk"]);
    vm.listing = Listing::WholeChains;
    vm.files.push(listed("[ds1] web/odd.file", Role::Other));
    vm.files.push(listed("[ds1] web/web-flat.vmdk", Role::Extent));
    Site::vmware()
        .vmx("ds1/web", "web", &["web.vmdk"])
        .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
        .file("ds1/web/odd.file", "x")
        .inventory(vcenter().vm(vm))
        .judge()
        .are(&["ds1/web/odd.file"], "owned")
        .is("ds1/web/web-flat.vmdk", "owned/headless-extent");
}

#[test]
fn a_row_taken_after_the_files_protects_them_whatever_their_time() {
    Site::vmware()
        .vm("ds1", "web")
        .modified("ds1/web/web-flat.vmdk", "2026-10-20T00:00:00Z")
        .inventory(vcenter().vm(row_of("web")).taken(TAKEN))
        .judge()
        .is("ds1/web/web-flat.vmdk", "owned");
}

#[test]
fn an_empty_builder_of_a_vm_has_no_disk_to_own() {
    let config = VmxBuilder::new("bare", "bare").uuids(guid(1, 1), guid(1, 2)).build();
    Site::vmware()
        .file("ds1/bare/bare.vmx", config)
        .disk("ds1/bare/stray")
        .inventory(vcenter().vm(config_only("bare", "[ds1] bare/bare.vmx")))
        .judge()
        .is("ds1/bare/bare.vmx", "owned")
        .is("ds1/bare/stray.vmdk", "orphaned/deleted-vm-disk");
}
