//! Files that a registered VM or a service names and that are really gone: what hung on them is still needed.

use derelict::{
    inventory::{Listing, Registration},
    kind::Role,
};
use derelict_parsers::{
    DiskKind,
    testkit::{
        vhd::VhdBuilder,
        vmware::{DescriptorBuilder, cowd},
    },
};

use super::{
    support::{
        Export, SECTORS, Site, child, cid, descriptor, hyperv_host, hyperv_row, hyperv_vm, listed, row, row_of,
        vcenter, vhdx,
    },
    vmware::snapshot_of,
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

/// `web`, which misses `web/web.vhdx`, and a disk of nobody at `path`.
fn with_lost_disk(path: &str) -> Site {
    const DISK: &str = r"C:\ClusterStorage\Volume1\web\web.vhdx";
    Site::hyperv()
        .vmcx("csv1/web", &hyperv_vm("web", &[DISK]))
        .vhdx(path, &vhdx(path))
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[DISK])))
}

#[test]
fn hc6_a_lost_disk_of_unknown_form_makes_no_disk_of_nobody_a_candidate() {
    with_lost_disk("csv1/x/data.vhdx")
        .judge()
        .is("csv1/x/data.vhdx", "orphaned/deleted-vm-disk review")
        .confidence("csv1/x/data.vhdx", "medium");
    with_lost_disk("csv1/x/data.vhdx")
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .judge()
        .is("csv1/x/data.vhdx", "orphaned/deleted-vm-disk candidate")
        .confidence("csv1/x/data.vhdx", "high");
}

#[test]
fn hc6_what_looks_like_the_parent_of_a_lost_disk_is_not_judged() {
    for place in [
        "parents/w10.vhdx",
        "lab/w10-base.vhdx",
        "x/Master Disks/w10.vhdx",
        "web/w10.vhdx",
    ] {
        let path = format!("csv1/{place}");
        with_lost_disk(&path)
            .judge()
            .is(&path, "unknown/ambiguous-reference never")
            .gap("disk-unreadable");
        with_lost_disk(&path)
            .vhdx("csv1/web/web.vhdx", &vhdx("web"))
            .only_as_it_is()
            .judge()
            .is(&path, "orphaned/deleted-vm-disk candidate");
    }
    for place in ["x/database.vhdx", "web/sub/w10.vhdx"] {
        let path = format!("csv1/{place}");
        with_lost_disk(&path)
            .judge()
            .is(&path, "orphaned/deleted-vm-disk review");
    }
}

#[test]
fn hc6_a_parent_of_clones_and_its_neighbours_may_be_parents_of_a_lost_disk() {
    let on = |child_folder: &str, kind: &str, relative: &str| {
        with_lost_disk("csv1/x/gold1.vhdx")
            .vhdx("csv1/x/data.vhdx", &vhdx("data"))
            .vhdx(
                &format!("csv1/{child_folder}/c.{kind}"),
                &child("c", &vhdx("csv1/x/gold1.vhdx"), relative),
            )
            .judge()
    };
    on("clones", "vhdx", r"..\x\gold1.vhdx").are(&["csv1/x/gold1.vhdx", "csv1/x/data.vhdx"], "unknown");
    on("x", "avhdx", r".\gold1.vhdx").are(&["csv1/x/gold1.vhdx", "csv1/x/data.vhdx"], "orphaned review");
    // The clones of a pool lie together, and the lost disk did not lie among them.
    on("vdi/clones", "vhdx", r"..\..\x\gold1.vhdx").are(&["csv1/x/gold1.vhdx", "csv1/x/data.vhdx"], "orphaned review");
}

#[test]
fn hc6_a_disk_of_another_form_is_no_parent_of_a_lost_disk() {
    with_lost_disk("csv1/parents/w10.vhdx")
        .sparse(
            "csv1/parents/w7.vhd",
            &VhdBuilder::new(DiskKind::Dynamic, 64 << 20, 7).build(),
        )
        .judge()
        .is("csv1/parents/w10.vhdx", "unknown/ambiguous-reference")
        .is("csv1/parents/w7.vhd", "orphaned candidate");
}

#[test]
fn hc6_a_disk_that_alone_nobody_may_write_to_may_be_the_parent_of_a_lost_disk() {
    let of = |others: bool| {
        with_lost_disk("csv1/x/data.vhdx")
            .vhdx("csv1/y/other.vhdx", &vhdx("other"))
            .change(move |catalogue| {
                for artifact in &mut catalogue.artifacts {
                    let is_it = artifact.entry.path.lossy() == "x/data.vhdx";
                    artifact.entry.read_only = others || is_it;
                }
            })
            .judge()
    };
    of(false)
        .is("csv1/x/data.vhdx", "unknown/ambiguous-reference")
        .is("csv1/y/other.vhdx", "orphaned review");
    of(true).is("csv1/x/data.vhdx", "orphaned review");
}

#[test]
fn hc6_a_lost_disk_whose_chain_is_told_leaves_nothing_open() {
    let told = |told: &[&str]| {
        let disks: Vec<String> = ["web", "other"]
            .iter()
            .map(|name| format!(r"C:\ClusterStorage\Volume1\web\{name}.vhdx"))
            .collect();
        let disks: Vec<&str> = disks.iter().map(String::as_str).collect();
        let row = Registration {
            told_disks: told.iter().map(|&path| path.to_owned()).collect(),
            ..hyperv_row("web", &disks)
        };
        Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm("web", &disks))
            .vhdx("csv1/web/other.vhdx", &vhdx("other"))
            .vhdx("csv1/parents/gold.vhdx", &vhdx("gold"))
            .inventory(hyperv_host("hv1").vm(row))
            .judge()
    };
    told(&[r"C:\ClusterStorage\Volume1\web\web.vhdx"]).is("csv1/parents/gold.vhdx", "orphaned candidate");
    told(&[r"C:\ClusterStorage\Volume1\web\other.vhdx"]).is("csv1/parents/gold.vhdx", "unknown");
}

#[test]
fn hc6_the_lost_disks_of_a_ghost_of_which_nothing_is_left_make_nothing_unknown() {
    let site = |config: bool| {
        const DISK: &str = r"C:\ClusterStorage\Volume1\gone\gone.vhdx";
        let site = Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm("web", &[]))
            .vhdx("csv1/parents/gold.vhdx", &vhdx("gold"))
            .vhdx("csv1/x/data.vhdx", &vhdx("data"))
            .inventory(
                hyperv_host("hv1")
                    .vm(hyperv_row("web", &[]))
                    .vm(hyperv_row("gone", &[DISK])),
            );
        if config {
            site.vmcx("csv1/gone", &hyperv_vm("gone", &[DISK])).judge()
        } else {
            site.judge()
        }
    };
    site(false)
        .is("csv1/parents/gold.vhdx", "orphaned review")
        .is("csv1/x/data.vhdx", "orphaned candidate")
        .confidence("csv1/x/data.vhdx", "medium");
    site(true)
        .is("csv1/parents/gold.vhdx", "unknown")
        .is("csv1/x/data.vhdx", "orphaned review");
}

#[test]
fn hd15_a_copy_of_a_disk_in_use_is_no_parent_that_a_lost_disk_needs() {
    let disks = [
        r"C:\ClusterStorage\Volume1\web\web.vhdx",
        r"C:\ClusterStorage\Volume1\web\lost.vhdx",
    ];
    Site::hyperv()
        .vmcx("csv1/web", &hyperv_vm("web", &disks))
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .vhdx("csv1/base/web.vhdx", &vhdx("web"))
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &disks)))
        .judge()
        .is("csv1/base/web.vhdx", "orphaned/migration-leftover candidate");
}

#[test]
fn v25_the_parent_of_a_lost_linked_clone_is_not_judged_while_its_vm_is_there() {
    let site = |extent: &str| {
        Site::vmware()
            .vmx("ds1/web", "web", &["web.vmdk"])
            .zeros(&format!("ds1/web/web{extent}"), 1 << 20)
            .disk("ds1/base/w10")
            .disk("ds1/x/data")
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    site("-note.txt")
        .are(
            &["ds1/base/w10.vmdk", "ds1/base/w10-flat.vmdk"],
            "unknown/ambiguous-reference",
        )
        .is("ds1/x/data.vmdk", "orphaned review");
    site("-flat.vmdk").are(&["ds1/base/w10.vmdk", "ds1/x/data.vmdk"], "orphaned candidate");
    site("-delta.vmdk").are(&["ds1/base/w10.vmdk", "ds1/x/data.vmdk"], "unknown");
}

#[test]
fn v25_a_lost_numbered_link_without_a_base_beside_it_may_be_of_a_clone() {
    let site = |with_base: bool| {
        let mut row = row_of("web");
        row.files[0].path = "[ds1] web/web-000001.vmdk".to_owned();
        let site = Site::vmware()
            .vmx("ds1/web", "web", &["web-000001.vmdk"])
            .disk("ds1/base/w10")
            .inventory(vcenter().vm(row));
        if with_base { site.disk("ds1/web/web") } else { site }.judge()
    };
    site(false).is("ds1/base/w10.vmdk", "unknown");
    site(true)
        .is("ds1/base/w10.vmdk", "orphaned candidate")
        .is("ds1/web/web.vmdk", "unknown");
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
            .disk("ds1/far/far")
            .inventory(vcenter().vm(row))
            .judge()
    };
    judged(true).are(
        &["ds1/web/web-000001.vmdk", "ds1/far/far.vmdk"],
        "unknown/owner-unreadable",
    );
    judged(false)
        .is("ds1/web/web-000001.vmdk", "orphaned/stranded-snapshot")
        .is("ds1/far/far.vmdk", "orphaned/deleted-vm-disk");
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

#[test]
fn v27_v29_a_parent_without_children_waits_only_for_disks_that_were_lost_on_its_datastore() {
    let site = |base: &str| {
        Site::vmware()
            .root("ds2", &["ds2"])
            .vmx("ds1/web", "web", &["web.vmdk"])
            .disk(&format!("{base}/cp-replica/replica"))
            .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(row_of("web")))
            .judge()
    };
    site("ds1").is("ds1/cp-replica/replica.vmdk", "unknown/ambiguous-reference never");
    site("ds2")
        .is("ds2/cp-replica/replica.vmdk", "orphaned review")
        .confidence("ds2/cp-replica/replica.vmdk", "medium");
}

#[test]
fn a_parent_is_no_candidate_while_a_ghost_misses_a_disk_on_another_datastore() {
    let site = |ghost: bool| {
        let vcenter = vcenter().datastore("ds2", &[], &["esx1"]).vm(row_of("web"));
        Site::vmware()
            .root("ds2", &["ds2"])
            .vm("ds1", "web")
            .disk("ds2/gold/w10")
            .inventory(if ghost { vcenter.vm(row_of("gone")) } else { vcenter })
            .only_as_it_is()
            .judge()
    };
    site(true).is("ds2/gold/w10.vmdk", "orphaned review");
    site(false).is("ds2/gold/w10.vmdk", "orphaned candidate");
}

#[test]
fn a_list_that_names_the_old_place_of_a_parent_which_was_moved_means_that_parent() {
    let site = |moved_to: &str| {
        let old = "/vmfs/volumes/ds1/old/web.vmdk";
        let link = DescriptorBuilder::cowd_link("web-000001", SECTORS, cid("web-000001"), old, cid(moved_to));
        Site::vmware()
            .vmx("ds1/web", "web", &["web-000001.vmdk"])
            .file("ds1/web/web-000001.vmdk", link.build())
            .file("ds1/web/web-000001-delta.vmdk", cowd(8192))
            .file("ds1/web/web.vmsd", snapshot_of(old))
            .file(&format!("ds1/base/{moved_to}.vmdk"), descriptor(moved_to).build())
            .disk("ds1/parents/w10")
            .inventory(vcenter().vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/web-000001.vmdk"])))
            .judge()
    };
    site("web").is("ds1/parents/w10.vmdk", "orphaned");
    site("renamed").is("ds1/parents/w10.vmdk", "unknown");
}

#[test]
fn a_lost_disk_whose_id_nobody_tells_makes_no_disk_of_nobody_a_candidate_though_its_chain_is_told() {
    let missed = "[ds1] web/web_1.vmdk";
    let site = |change: &dyn Fn(&mut Registration)| {
        let mut vm = row("web", "[ds1] web/web.vmx", &["[ds1] web/web.vmdk", missed]);
        vm.listing = Listing::WholeChains;
        change(&mut vm);
        Site::vmware()
            .vmx("ds1/web", "web", &["web.vmdk", "web_1.vmdk"])
            .disk("ds1/web/web")
            .disk("ds1/zz/data")
            .inventory(vcenter().vm(vm))
    };
    site(&|_| {})
        .judge()
        .is("ds1/zz/data.vmdk", "orphaned/deleted-vm-disk review")
        .confidence("ds1/zz/data.vmdk", "medium")
        .says("ds1/zz/data.vmdk", "no inventory tells its id");
    // Its id is another, or it is only the descriptor that is lost.
    site(&|vm| drop(vm.disk_ids.insert(missed.to_owned(), "6000c290".to_owned())))
        .judge()
        .is("ds1/zz/data.vmdk", "orphaned/deleted-vm-disk candidate");
    site(&|_| {})
        .zeros("ds1/web/web_1-flat.vmdk", SECTORS * 512)
        .judge()
        .is("ds1/zz/data.vmdk", "orphaned/deleted-vm-disk candidate");
}
