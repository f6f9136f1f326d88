//! Cases V43 – V53: snapshots and chains, and the state that belongs to them.

use derelict::evidence::MarkCode;
use derelict_parsers::testkit::{
    guid,
    vmware::{DescriptorBuilder, VmsdBuilder, cowd},
};

use super::{snapshot_of, snapshots, state};
use crate::support::{Export, Judged, SECTORS, Site, cid, config_only, descriptor, row, row_of, vcenter, vmx};

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
fn v44_a_link_that_nothing_was_written_to_is_no_copy_of_its_parent() {
    let link = DescriptorBuilder::cowd_link("web-000001", SECTORS, cid("web"), "web.vmdk", cid("web"))
        .ddb("longContentID", &format!("{:024x}{:08x}", 7, cid("web")));
    let base = descriptor("web").ddb("longContentID", &format!("{:024x}{:08x}", 7, cid("web")));
    Site::vmware()
        .vm("ds1", "db")
        .vmx("ds1/web", "web", &["web.vmdk"])
        .file("ds1/web/web.vmdk", base.build())
        .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
        .file("ds1/web/web-000001.vmdk", link.build())
        .file("ds1/web/web-000001-delta.vmdk", cowd(u32::try_from(SECTORS).unwrap()))
        .file("ds1/old/web.vmdk", base.build())
        .zeros("ds1/old/web-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(row_of("web")).vm(row_of("db")))
        .judge()
        .is("ds1/web/web-000001.vmdk", "orphaned/stranded-snapshot review")
        .is("ds1/old/web.vmdk", "orphaned/migration-leftover");
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
fn v45_a_list_of_no_bytes_knows_no_snapshot_and_one_that_cannot_be_read_tells_nothing() {
    let site = |list: &[u8]| {
        Site::vmware()
            .vmx("ds1/web", "web", &["web-000001.vmdk"])
            .file("ds1/web/web.vmsd", list)
            .disk("ds1/web/web")
            .delta("ds1/web/web-000001", "web.vmdk")
            .inventory(vcenter().vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/web-000001.vmdk"])))
    };
    site(b"").judge().problem("snapshot-mismatch", "web-000001.vmdk");
    site(b"")
        .mark("ds1/web/web.vmsd", MarkCode::Unreadable)
        .judge()
        .no_problem("snapshot-mismatch");
    // It knows a snapshot, and the path of its disk is of a place that the VM has left.
    site(&snapshot_of("/vmfs/volumes/ds1/left/web.vmdk"))
        .judge()
        .no_problem("snapshot-mismatch");
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
        .file("ds1/gone/gone-digest.vmdk", digest("gone"))
        .zeros("ds1/gone/gone-digest-flat.vmdk", 800 * 512)
        .inventory(vcenter().vm(row_of("vdi")))
        .judge()
        .are(&["ds1/vdi/vdi-digest.vmdk", "ds1/vdi/vdi-digest-flat.vmdk"], "owned")
        .are(
            &["ds1/old/old-digest.vmdk", "ds1/old/old-digest-flat.vmdk"],
            "orphaned/deleted-vm-disk",
        )
        .are(
            &["ds1/gone/gone-digest.vmdk", "ds1/gone/gone-digest-flat.vmdk"],
            "orphaned/leftover-sidecar",
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
fn v52_the_state_of_a_snapshot_beside_a_vm_without_any_snapshot_list_may_be_its_own() {
    let site = |list: Option<Vec<u8>>, folder: &str| {
        let site = Site::vmware()
            .vm("ds1", "web")
            .delta("ds1/web/web-000009", "web.vmdk")
            .file(&format!("{folder}/web-Snapshot9.vmsn"), state())
            .zeros(&format!("{folder}/web-Snapshot9.vmem"), 1 << 20);
        let site = match list {
            Some(list) => site.file("ds1/web/web.vmsd", list),
            None => site,
        };
        site.inventory(vcenter().vm(row_of("web"))).judge()
    };
    let (home, elsewhere) = ("ds1/web", "ds1/old");
    site(None, home)
        .are(
            &[
                "ds1/web/web-Snapshot9.vmsn",
                "ds1/web/web-Snapshot9.vmem",
                "ds1/web/web-000009.vmdk",
            ],
            "unknown/owner-unreadable never",
        )
        .says("ds1/web/web-Snapshot9.vmsn", "web has no snapshot list");
    for list in [Vec::new(), snapshot_of("web.vmdk")] {
        site(Some(list), home)
            .is("ds1/web/web-Snapshot9.vmsn", "orphaned/leftover-state review")
            .is("ds1/web/web-000009.vmdk", "orphaned/stranded-snapshot");
    }
    site(None, elsewhere)
        .is("ds1/old/web-Snapshot9.vmsn", "orphaned/leftover-state review")
        .is("ds1/web/web-000009.vmdk", "orphaned/stranded-snapshot");
}

#[test]
fn v52_the_state_of_a_snapshot_may_be_of_a_vm_that_runs_on_one_which_its_empty_list_does_not_name() {
    let site = |disk: &str, list: Vec<u8>| {
        Site::vmware()
            .file("ds1/web/web.vmx", vmx("web", &[disk]).build())
            .disk("ds1/web/web")
            .delta("ds1/web/web-000001", "web.vmdk")
            .file("ds1/web/web.vmsd", list)
            .file("ds1/web/web-Snapshot1.vmsn", state())
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    let none = VmsdBuilder::default().build();
    for list in [Vec::new(), none.clone()] {
        site("web-000001.vmdk", list)
            .is("ds1/web/web-Snapshot1.vmsn", "unknown/owner-unreadable never")
            .says(
                "ds1/web/web-Snapshot1.vmsn",
                "an empty snapshot list and runs on a snapshot",
            );
    }
    site("web.vmdk", none).is("ds1/web/web-Snapshot1.vmsn", "orphaned/leftover-state review");
}

#[test]
fn v52_a_list_of_which_lines_are_lost_may_have_named_what_lies_there() {
    let site = |lost: &str| {
        let list = String::from_utf8(snapshots(&["web.vmdk"])).unwrap();
        assert!(list.contains(lost), "{list}");
        let list: Vec<&str> = list
            .lines()
            .filter(|line| lost.is_empty() || !line.contains(lost))
            .collect();
        Site::vmware()
            .file("ds1/web/web.vmx", vmx("web", &["web-000001.vmdk"]).build())
            .disk("ds1/web/web")
            .delta("ds1/web/web-000001", "web.vmdk")
            .file("ds1/web/web.vmsd", list.join("\n") + "\n")
            .file("ds1/web/web-Snapshot1.vmsn", state())
            .file("ds1/web/web-Snapshot7.vmsn", state())
            .disk("ds1/old/old")
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    site("")
        .is("ds1/web/web-Snapshot1.vmsn", "owned")
        .is("ds1/web/web-Snapshot7.vmsn", "orphaned/leftover-state review")
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk candidate");
    site("snapshot0.filename")
        .is("ds1/web/web-Snapshot1.vmsn", "unknown/owner-unreadable never")
        .is("ds1/old/old.vmdk", "unknown/owner-unreadable never")
        .says("ds1/web/web-Snapshot1.vmsn", "snapshot0 names no state file");
    for lost in ["disk0.fileName", "snapshot0.uid"] {
        site(lost).is("ds1/old/old.vmdk", "unknown/owner-unreadable never");
    }
}

#[test]
fn v51_a_swap_file_of_the_name_of_a_vm_that_may_run_and_names_none_may_be_its_own() {
    let site = |swap: Option<&str>, state: &str| {
        let config = vmx("web", &["web.vmdk"]);
        let config = match swap {
            Some(swap) => config.set("sched.swap.derivedName", swap),
            None => config,
        };
        let mut vm = row_of("web");
        vm.state = Some(state.to_owned());
        Site::vmware()
            .file("ds1/web/web.vmx", config.build())
            .disk("ds1/web/web")
            .zeros("ds1/swap/web-1a2b3c4d.vswp", 1 << 20)
            .zeros("ds1/swap/website-1a2b3c4d.vswp", 1 << 20)
            .zeros("ds1/swap/web-02-1a2b3c4d.vswp", 1 << 20)
            .zeros("ds1/swap/vmx-web-2857466522-1.vswp", 1 << 20)
            .inventory(vcenter().vm(vm))
            .judge()
    };
    site(None, "poweredOn")
        .is("ds1/swap/web-1a2b3c4d.vswp", "unknown/owner-unreadable never")
        .is("ds1/swap/vmx-web-2857466522-1.vswp", "unknown/owner-unreadable never")
        .says("ds1/swap/web-1a2b3c4d.vswp", "names no swap file, and the VM may run")
        .are(
            &["ds1/swap/website-1a2b3c4d.vswp", "ds1/swap/web-02-1a2b3c4d.vswp"],
            "orphaned/leftover-state candidate",
        );
    for (swap, state) in [
        (None, "poweredOff"),
        (Some("/vmfs/volumes/ds1/web/web-5e6f7a8b.vswp"), "poweredOn"),
    ] {
        site(swap, state).is("ds1/swap/web-1a2b3c4d.vswp", "orphaned/leftover-state candidate");
    }
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

/// `new` in a folder with the list of another name, which names its base disk and a branch.
fn renamed(disk: &str) -> Site {
    Site::vmware()
        .vmx("ds1/web", "new", &[disk])
        .disk("ds1/web/web")
        .delta("ds1/web/web-000001", "web.vmdk")
        .delta("ds1/web/web-000002", "web.vmdk")
        .file("ds1/web/old.vmsd", snapshots(&["web.vmdk", "web-000001.vmdk"]))
        .file("ds1/web/web-Snapshot1.vmsn", state())
        .inventory(vcenter().vm(row("new", "[ds1] web/new.vmx", &[&format!("[ds1] web/{disk}")])))
}

#[test]
fn v46_v72_the_list_of_a_renamed_vm_holds_what_it_names() {
    let held = [
        "ds1/web/old.vmsd",
        "ds1/web/web-000001.vmdk",
        "ds1/web/web-Snapshot1.vmsn",
    ];
    renamed("web.vmdk")
        .judge()
        .are(&held, "owned")
        .owners("ds1/web/web-000001-delta.vmdk", &["new"])
        .is("ds1/web/web-000002.vmdk", "orphaned/stranded-snapshot");
    // A list of its own name does not take away what the other one names out of its chain.
    renamed("web.vmdk")
        .file("ds1/web/new.vmsd", VmsdBuilder::default().build())
        .judge()
        .are(&held, "owned");
    // What an editor or the host kept of the configuration under its old name is no VM of its own.
    renamed("web.vmdk")
        .file("ds1/web/old.vmx~", vmx("old", &["web.vmdk"]).build())
        .judge()
        .are(&held, "owned");
    // Several VMs in one folder: the chain tells whose it is.
    renamed("web.vmdk")
        .vmx("ds1/web", "db", &["db.vmdk"])
        .disk("ds1/web/db")
        .judge()
        .are(&held, "owned")
        .owners("ds1/web/old.vmsd", &["new"]);
}

#[test]
fn v46_v72_a_list_out_of_nobodys_chain_may_be_the_only_vms_of_its_folder() {
    let other = |site: Site| site.disk("ds1/web/other").judge();
    other(renamed("other.vmdk")).are(
        &["ds1/web/old.vmsd", "ds1/web/web-000001.vmdk", "ds1/web/web.vmdk"],
        "owned",
    );
    other(renamed("other.vmdk").vmx("ds1/web", "db", &["other.vmdk"]))
        .are(
            &[
                "ds1/web/old.vmsd",
                "ds1/web/web-000001.vmdk",
                "ds1/web/web-Snapshot1.vmsn",
            ],
            "unknown/ambiguous-reference",
        )
        .because("ds1/web/old.vmsd", "owner-unreadable");
}

#[test]
fn v46_v72_a_list_that_another_vm_left_holds_nothing() {
    let lists = |site: Site| site.file("ds1/web/new.vmsd", VmsdBuilder::default().build()).judge();
    let left = ["ds1/web/old.vmsd", "ds1/web/web-000001.vmdk", "ds1/web/web.vmdk"];
    lists(renamed("other.vmdk").disk("ds1/web/other")).are(&left, "orphaned");
    // A disk of the VM that is not there may have been out of that chain.
    lists(renamed("other.vmdk")).are(&left[..2], "unknown");
    Site::vmware()
        .vm("ds1", "web")
        .file("ds1/web/old.vmsd", VmsdBuilder::default().build())
        .delta("ds1/web/web-000001", "web.vmdk")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/old.vmsd", "orphaned/leftover-sidecar")
        .is("ds1/web/web-000001.vmdk", "orphaned/stranded-snapshot");
}

#[test]
fn v46_v72_v48_a_list_under_an_old_name_counts_in_the_working_directory_too() {
    let config = vmx("new", &["web.vmdk"])
        .set("workingDir", "/vmfs/volumes/ds1/work")
        .build();
    let site = |list: &str| {
        Site::vmware()
            .file("ds1/web/new.vmx", &config)
            .disk("ds1/web/web")
            .delta("ds1/work/web-000001", "/vmfs/volumes/ds1/web/web.vmdk")
            .delta("ds1/work/web-000002", "/vmfs/volumes/ds1/web/web.vmdk")
            .file(&format!("ds1/{list}/old.vmsd"), snapshots(&["web-000001.vmdk"]))
            .inventory(vcenter().vm(row("new", "[ds1] web/new.vmx", &["[ds1] web/web.vmdk"])))
            .judge()
    };
    for list in ["work", "web"] {
        site(list)
            .is("ds1/work/web-000001.vmdk", "owned")
            .is("ds1/work/web-000002.vmdk", "orphaned/stranded-snapshot");
    }
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
        .is("ds1/web/web.vmdk.REDO_000001", "in-use/written-since-inventory never");
}

#[test]
fn v53_a_locked_redo_log_is_in_use_and_a_disk_of_a_like_name_is_judged_as_any() {
    let log = "ds1/gone/gone.vmdk.REDO_d4e5f6";
    Site::vmware()
        .vm("ds1", "web")
        .file(log, cowd(u32::try_from(SECTORS).unwrap()))
        .nfs_lock(log, "esx1")
        .disk("ds1/gone/REDO_web")
        .all_modified(
            &["ds1/gone/REDO_web.vmdk", "ds1/gone/REDO_web-flat.vmdk"],
            "2026-10-20T00:00:00Z",
        )
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is(log, "in-use/locked never")
        .is("ds1/gone/REDO_web.vmdk", "unknown/too-new");
}

/// A VM whose export lists a snapshot link that is gone, and whose configuration was written at this time.
fn with_removed_snapshot(disk: &str, written: &str) -> Site {
    Site::vmware()
        .vmx("ds1/web", "web", &[disk])
        .disk("ds1/web/web")
        .file("ds1/web/web.vmsd", "")
        .all_modified(&["ds1/web/web.vmx", "ds1/web/web.vmsd"], written)
        .inventory(vcenter().vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/web-000002.vmdk"])))
}

#[test]
fn v7_a_snapshot_that_was_removed_since_the_export_misses_no_disk() {
    let (since, before) = ("2026-10-05T00:00:00Z", "2026-09-20T00:00:00Z");
    let finding = |site: Site| {
        let judged = site.judge();
        let problems = judged.report.problems.iter();
        let found = problems.filter(|problem| problem.code.name() == "missing-disk");
        let found: Vec<_> = found
            .map(|problem| (problem.text.clone(), problem.next_step.clone()))
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap_or_default()
    };
    let (text, next_step) = finding(with_removed_snapshot("web.vmdk", since));
    assert!(
        text.contains("web/web-000002.vmdk on ds1 is listed by vc1 of 2026-10-01 00:00 UTC"),
        "{text}"
    );
    assert!(
        text.contains("web/web.vmx was changed after it, 2026-10-05 00:00 UTC, and names it no more"),
        "{text}"
    );
    assert_eq!(next_step, "take a new export, and report again");

    let is_missing = |(text, next_step): (String, String)| {
        assert!(
            text.contains("web/web-000002.vmdk on ds1 is named and not there"),
            "{text}"
        );
        assert!(next_step.starts_with("restore the file"), "{next_step}");
    };
    // The export is newer than the configuration, or that names the link as well, or the data of the link are there.
    is_missing(finding(with_removed_snapshot("web.vmdk", before)));
    is_missing(finding(
        with_removed_snapshot("web-000002.vmdk", since)
            .disk("ds1/web/web-000001")
            .only_as_it_is(),
    ));
    // What would name it cannot be asked: a disk that the configuration names is elsewhere, or cannot be read.
    let elsewhere = with_removed_snapshot("web.vmdk", since).vmx(
        "ds1/web",
        "web",
        &["web.vmdk", "/vmfs/volumes/gone/web/web_1.vmdk"],
    );
    is_missing(finding(elsewhere.modified("ds1/web/web.vmx", since).only_as_it_is()));
    let unread = with_removed_snapshot("web.vmdk", since).unreadable_file("ds1/web/web.vmdk");
    is_missing(finding(unread.only_as_it_is()));
    let data = with_removed_snapshot("web.vmdk", since).file("ds1/web/web-000002-delta.vmdk", cowd(8192));
    is_missing(finding(data));
    is_missing(finding(
        with_removed_snapshot("web.vmdk", since)
            .unreadable_file("ds1/web/web.vmx")
            .only_as_it_is(),
    ));
}

#[test]
fn where_many_vms_have_one_fault_the_first_are_named_and_the_rest_counted() {
    let list = String::from_utf8(snapshots(&["web.vmdk"])).unwrap();
    let torn: Vec<&str> = list.lines().filter(|line| !line.contains("filename")).collect();
    assert_ne!(torn.len(), list.lines().count(), "{list}");
    let torn = torn.join("\n") + "\n";
    let site = |vms: usize| {
        let (mut site, mut inventory) = (Site::vmware().disk("ds1/old/old"), vcenter());
        for number in 0..vms {
            let name = format!("web{number:02}");
            let stem = format!("ds1/{name}/{name}");
            site = site
                .file(&format!("{stem}.vmx"), vmx(&name, &[&format!("{name}.vmdk")]).build())
                .disk(&stem)
                .file(&format!("{stem}.vmsd"), &torn);
            inventory = inventory.vm(row_of(&name));
        }
        site.inventory(inventory).judge()
    };
    let gaps = |judged: &Judged| {
        let gaps = judged.report.coverage.gap_details.iter();
        gaps.filter(|gap| gap.text.contains("snapshot list of")).count()
    };
    // The last one takes no more room than its count would.
    let few = site(21);
    few.is("ds1/old/old.vmdk", "unknown/owner-unreadable never").gap_says(
        "owner-unreadable",
        "web20.vmsd) does not tell all (snapshot0 names no state file): a disk",
    );
    assert_eq!(gaps(&few), 21);
    let many = site(23);
    many.is("ds1/old/old.vmdk", "unknown/owner-unreadable never").gap_says(
        "owner-unreadable",
        "may lie elsewhere, and 2 more of this kind; an inventory that lists whole chains would tell",
    );
    assert_eq!(gaps(&many), 21);
}
