//! Cases V1 – V13: the owner exists, and what the inventories say of it.

use derelict::{
    inventory::{DatastoreFile, Inventory, Listing, Registration},
    kind::Role,
    report::model::Verdict,
};
use derelict_parsers::testkit::guid;

use crate::support::{Export, Site, config_only, row, row_of, vcenter, vm_id, vmx};

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
fn v7_where_layout_and_vmx_agree_nothing_is_told() {
    let mut vm = row("web", "[ds1] web/web.vmx", &["[ds1] web/web.vmdk"]);
    vm.listing = Listing::WholeChains;
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/web/old")
        .inventory(vcenter().vm(vm))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/web/old.vmdk", "orphaned/deleted-vm-disk")
        .no_problem("missing-disk");
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

/// A site with a loose disk and a VM whose configuration lies on a datastore that was not scanned.
fn beside_unscanned(vm: Registration) -> Site {
    Site::vmware()
        .disk("ds1/web/web")
        .disk("ds1/loose/loose")
        .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(vm))
}

/// A VM that is off and has no snapshots, as the tab vSnapshot tells.
fn off_without_snapshots(disks: &[&str]) -> Registration {
    Registration {
        state: Some("poweredOff".to_owned()),
        checkpoints_told: true,
        ..row("web", "[ds2] web/web.vmx", disks)
    }
}

#[test]
fn v8_where_the_disks_are_here_and_bases_and_there_are_no_snapshots_no_other_is_a_base() {
    let off = off_without_snapshots(&["[ds1] web/web.vmdk"]);
    beside_unscanned(off.clone())
        .judge()
        .is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk")
        .confidence("ds1/loose/loose.vmdk", "medium")
        .gap("datastore-not-scanned");
    let mut untold = off.clone();
    untold.checkpoints_told = false;
    let mut with_snapshots = off;
    with_snapshots.has_snapshots = true;
    for vm in [untold, with_snapshots] {
        beside_unscanned(vm)
            .judge()
            .is("ds1/loose/loose.vmdk", "unknown/outside-scan");
    }
    let of_another_day = Registration {
        instance_id: Some(vm_id("web")),
        ..off_without_snapshots(&["[ds1] web/web.vmdk"])
    };
    let mut untold = of_another_day.clone();
    untold.checkpoints_told = false;
    beside_unscanned(of_another_day)
        .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(untold))
        .judge()
        .is("ds1/loose/loose.vmdk", "unknown/outside-scan");
    let link = off_without_snapshots(&["[ds1] web/web-000001.vmdk"]);
    beside_unscanned(link)
        .delta("ds1/web/web-000001", "gone.vmdk")
        .judge()
        .is("ds1/loose/loose.vmdk", "unknown");
}

#[test]
fn v8_a_vm_without_any_disk_has_no_base_here() {
    let off = off_without_snapshots(&[]);
    beside_unscanned(off.clone())
        .judge()
        .is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk");
    let untold = Registration {
        checkpoints_told: false,
        ..off
    };
    beside_unscanned(untold)
        .judge()
        .is("ds1/loose/loose.vmdk", "unknown/outside-scan");
}

#[test]
fn v8_a_vm_that_runs_elsewhere_may_have_its_swap_here_under_its_name() {
    let runs = Registration {
        state: Some("poweredOn".to_owned()),
        ..off_without_snapshots(&[])
    };
    let swap = ["ds1/swap/web-1a2b3c4d.vswp", "ds1/swap/other-1a2b3c4d.vswp"];
    let judged = beside_unscanned(runs).zeros(swap[0], 4096).zeros(swap[1], 4096).judge();
    judged
        .is(swap[0], "unknown/outside-scan")
        .is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk");
    assert_ne!(judged.artifact(swap[1]).verdict, Verdict::Unknown);
}

#[test]
fn v8_a_list_of_the_files_there_tells_that_a_disk_is_whole() {
    let judged = |more: &[&str], checkpoints_told: bool| {
        let vm = Registration {
            checkpoints_told,
            ..off_without_snapshots(&["[ds2] web/web.vmdk"])
        };
        let mut inventory = vcenter().datastore("ds2", &[], &["esx1"]).vm(vm);
        let files = ["[ds2] web/web.vmx", "[ds2] web/web.vmdk"].iter().chain(more);
        let files = files.map(|path| DatastoreFile {
            path: (*path).to_owned(),
            size_bytes: None,
            modified: None,
        });
        inventory.observations.files = files.collect();
        Site::vmware()
            .vm("ds1", "db")
            .disk("ds1/loose/loose")
            .inventory(inventory.vm(row_of("db")))
            .judge()
    };
    let flat = "[ds2] web/web-flat.vmdk";
    judged(&[flat], true).is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk");
    judged(&[], true).is("ds1/loose/loose.vmdk", "unknown/outside-scan");
    judged(&[flat], false).is("ds1/loose/loose.vmdk", "unknown/outside-scan");
    judged(&[flat, "[ds2] web/web-delta.vmdk"], true).is("ds1/loose/loose.vmdk", "unknown/outside-scan");
    judged(&["[ds2] other/web-flat.vmdk"], true).is("ds1/loose/loose.vmdk", "unknown/outside-scan");
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
fn v64_a_disk_under_the_old_label_of_a_datastore_is_the_one_that_the_inventory_lists() {
    let site = |written: &str| {
        Site::vmware()
            .vmx("ds1/web", "web", &[written])
            .disk("ds1/disks/web")
            .disk("ds1/loose/loose")
            .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(row(
                "web",
                "[ds1] web/web.vmx",
                &["[ds1] disks/web.vmdk"],
            )))
            .judge()
    };
    site("/vmfs/volumes/ds-of-old/disks/web.vmdk")
        .is("ds1/disks/web.vmdk", "owned")
        .is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk")
        .no_problem("several-datastores");
    // A path that is on no scanned datastore, or a datastore that the inventory knows: a disk that was not scanned.
    for outside in [
        "/vmfs/volumes/ds-of-old/other/web.vmdk",
        "/vmfs/volumes/ds2/disks/web.vmdk",
    ] {
        site(outside).is("ds1/loose/loose.vmdk", "unknown/outside-scan");
    }
}

#[test]
fn v64_where_no_row_lists_the_disk_its_path_must_be_that_of_one_file_alone() {
    let site = |inventory: Inventory| {
        Site::vmware()
            .vmx("ds1/web", "web", &["/vmfs/volumes/ds-of-old/disks/web.vmdk"])
            .disk("ds1/disks/web")
            .disk("ds1/loose/loose")
            .inventory(inventory.vm(config_only("web", "[ds1] web/web.vmx")))
    };
    site(vcenter())
        .judge()
        .are(&["ds1/disks/web.vmdk", "ds1/disks/web-flat.vmdk"], "owned")
        .owners("ds1/disks/web.vmdk", &["web"])
        .because("ds1/disks/web.vmdk", "probable-match")
        .is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk");
    site(vcenter())
        .root("ds2", &["ds2"])
        .disk("ds2/disks/web")
        .judge()
        .is("ds1/loose/loose.vmdk", "unknown/outside-scan");
    // Without a list of its datastores the label may be that of one that the inventory does not tell.
    let mut without_list = vcenter();
    without_list.datastores.clear();
    site(without_list)
        .judge()
        .is("ds1/loose/loose.vmdk", "unknown/outside-scan");
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
fn v9_a_datastore_that_a_host_named_as_a_copy_holds_replicas_unless_a_rule_says_more() {
    let site = |label: &str| {
        let inventory =
            vcenter()
                .datastore(label, &[], &["esx1"])
                .vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/web.vmdk"]));
        Site::vmware()
            .root("copy", &[label])
            .vm("ds1", "web")
            .vm("copy", "db")
            .disk("copy/old/old")
            .inventory(inventory)
    };
    let copy = "snap-4c2f1a09-gold01";
    site(copy)
        .judge()
        .are(
            &["copy/db/db.vmx", "copy/db/db-flat.vmdk", "copy/old/old.vmdk"],
            "unknown/replica-datastore never",
        )
        .because("copy/old/old.vmdk", "replica-datastore");
    let rule = "version = 1\n[[rule]]\nid = \"srm\"\nverdict = \"service\"\nclass = \"replica-copy\"\n\
                datastore = \"snap-*\"\npaths = [\"**\"]\nreason = \"replicated by the array\"";
    site(copy)
        .rules(rule)
        .judge()
        .are(
            &["copy/db/db.vmx", "copy/db/db-flat.vmdk", "copy/old/old.vmdk"],
            "service/replica-copy never",
        )
        .is("ds1/web/web.vmdk", "owned");
    for plain in ["snap-gold01", "snap-4c2f1a0-gold01", "gold-snap-4c2f1a09-01"] {
        site(plain)
            .rules(&rule.replace("snap-*", "other"))
            .judge()
            .is("copy/db/db.vmx", "unregistered/complete-vm")
            .is("copy/old/old.vmdk", "orphaned/deleted-vm-disk");
    }
}

#[test]
fn v9_a_vm_with_the_name_of_a_placeholder_may_be_the_replica_that_it_stands_for() {
    let site = |is_placeholder: bool| {
        let mut vm = config_only("web", "[ds1] stand-in/web.vmx");
        vm.placeholder = is_placeholder;
        Site::vmware()
            .file(
                "ds1/stand-in/web.vmx",
                vmx("web", &[]).uuids(guid(1, 1), guid(1, 2)).build(),
            )
            .vm("ds1", "web")
            .disk("ds1/old/old")
            .inventory(vcenter().vm(vm))
            .judge()
    };
    site(true)
        .are(
            &["ds1/web/web.vmx", "ds1/web/web.vmdk", "ds1/web/web-flat.vmdk"],
            "unknown/replica-datastore never",
        )
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk");
    site(false).is("ds1/web/web.vmx", "unregistered/complete-vm");
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
fn v10_the_lock_in_the_folder_of_an_agent_vm_goes_with_what_it_locks() {
    let site = |rows: &[&str]| {
        let inventory = rows
            .iter()
            .fold(vcenter(), |inventory, name| inventory.vm(row_of(name)));
        Site::vmware()
            .vm("ds1", "web")
            .vm("ds1", "vCLS-4c4c4544-0001")
            .file("ds1/vCLS-4c4c4544-0001/vCLS-4c4c4544-0001.vmx.lck", "")
            .inventory(inventory)
            .judge()
    };
    let lock = "ds1/vCLS-4c4c4544-0001/vCLS-4c4c4544-0001.vmx.lck";
    site(&["web", "vCLS-4c4c4544-0001"])
        .is(lock, "owned")
        .owners(lock, &["vCLS-4c4c4544-0001"]);
    site(&["web"]).is(lock, "service/agent-vm never");
}

#[test]
fn a_disk_in_the_folder_of_a_registered_vm_hints_at_that_vm_and_not_at_the_name_of_the_folder() {
    let judged = Site::vmware()
        .vmx("ds1/folder", "web", &["web.vmdk"])
        .disk("ds1/folder/web")
        .disk("ds1/folder/detached")
        .vmx("ds1/two", "a", &["a.vmdk"])
        .vmx("ds1/two", "b", &["a.vmdk"])
        .disk("ds1/two/a")
        .disk("ds1/two/detached")
        .inventory(
            vcenter()
                .vm(row("web", "[ds1] folder/web.vmx", &["[ds1] folder/web.vmdk"]))
                .vm(config_only("a", "[ds1] two/a.vmx"))
                .vm(config_only("b", "[ds1] two/b.vmx")),
        )
        .judge();
    judged
        .is("ds1/folder/detached.vmdk", "orphaned/deleted-vm-disk candidate")
        .says(
            "ds1/folder/detached.vmdk",
            "the folder of web, which is registered and of which nothing names it",
        )
        .says("ds1/two/detached.vmdk", "it lies in the folder \"two\"");
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
fn v13_a_vm_that_the_inventory_has_is_not_unregistered_however_long_it_was_not_written() {
    Site::vmware()
        .vm("ds1", "archive")
        .all_modified(
            &[
                "ds1/archive/archive.vmx",
                "ds1/archive/archive.vmdk",
                "ds1/archive/archive-flat.vmdk",
            ],
            "2015-01-01T00:00:00Z",
        )
        .inventory(vcenter().vm(row_of("archive")))
        .judge()
        .are(&["ds1/archive/archive.vmx", "ds1/archive/archive-flat.vmdk"], "owned");
}

#[test]
fn v5_v10_agent_vms_that_exports_leave_out_explain_what_a_host_counts_beyond_its_list() {
    let site = |counted: u64, agents: usize, runs: bool| {
        let mut inventory = vcenter().vm(row_of("web")).warning("vm-count-mismatch", None);
        inventory.warnings[0].unlisted = Some(counted);
        let names = ["vCLS-11111111-aaaa", "vCLS (2)"];
        let site = names.iter().take(agents).fold(Site::vmware(), |site, name| {
            let swap = format!("ds1/{name}/{name}-{:08x}.{}", 1, if runs { "vswp" } else { "log" });
            site.vm("ds1", name).zeros(&swap, 0)
        });
        site.vm("ds1", "web")
            .disk("ds1/loose/loose")
            .inventory(inventory)
            .only_as_it_is()
            .judge()
    };
    for agents in [1, 2] {
        site(1, agents, true).is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk");
        // What is left of an agent VM is counted by no host.
        site(1, agents, false).is("ds1/loose/loose.vmdk", "unknown/no-coverage");
    }
    for (counted, agents) in [(1, 0), (2, 1), (4, 2)] {
        site(counted, agents, true).is("ds1/loose/loose.vmdk", "unknown/no-coverage");
    }
}

#[test]
fn v7_v51_a_swap_file_of_the_name_of_a_vm_that_runs_is_its_own_where_no_list_has_one() {
    let site = |state: &str, listed: &[&str]| {
        let mut vm = row_of("web");
        vm.listing = Listing::WholeChains;
        vm.state = Some(state.to_owned());
        vm.files
            .extend(listed.iter().map(|path| crate::support::listed(path, Role::Swap)));
        Site::vmware()
            .vm("ds1", "web")
            .zeros("ds1/swap/web-1a2b3c4d.vswp", 1 << 20)
            .zeros("ds1/swap/old-1a2b3c4d.vswp", 1 << 20)
            .inventory(vcenter().vm(vm))
            .judge()
    };
    site("poweredOn", &[])
        .is("ds1/swap/web-1a2b3c4d.vswp", "unknown/owner-unreadable")
        .is("ds1/swap/old-1a2b3c4d.vswp", "orphaned/leftover-state");
    for (state, listed) in [
        ("poweredOff", vec![]),
        ("poweredOn", vec!["[ds1] web/web-5e6f7a8b.vswp"]),
    ] {
        site(state, &listed).is("ds1/swap/web-1a2b3c4d.vswp", "orphaned/leftover-state");
    }
}
