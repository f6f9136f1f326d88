//! Cases V26 – V31 and V37: disks that several need, as parents of clones or because two VMs name them.

use crate::support::{Export, SECTORS, Site, config_only, descriptor, row, row_of, vcenter, vmx};

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
        .is("ds1/cp-replica-1/cp-replica-1.vmdk", "owned/unused-parent never")
        .is("ds1/cp-replica-2/cp-replica-2.vmdk", "owned")
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
fn the_reasons_of_a_stranded_chain_tell_its_last_link_from_the_others() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/old/old")
        .delta("ds1/old/old-000001", "old.vmdk")
        .delta("ds1/old/old-000002", "old-000001.vmdk")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .says("ds1/old/old-000001.vmdk", "whatever was made on it is nobody's as well")
        .says("ds1/old/old-000002.vmdk", "the last link of a chain");
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
fn v37_a_proxy_that_holds_the_base_of_a_vm_which_runs_on_a_link_is_told() {
    let site = |holder: &str| {
        Site::vmware()
            .vmx("ds1/web", "web", &["web-000001.vmdk"])
            .disk("ds1/web/web")
            .delta("ds1/web/web-000001", "web.vmdk")
            .vmx(&format!("ds1/{holder}"), "proxy", &["/vmfs/volumes/ds1/web/web.vmdk"])
            .inventory(
                vcenter()
                    .vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/web-000001.vmdk"]))
                    .vm(row(
                        "proxy",
                        &format!("[ds1] {holder}/proxy.vmx"),
                        &["[ds1] web/web.vmdk"],
                    )),
            )
            .judge()
    };
    site("proxy")
        .owners("ds1/web/web.vmdk", &["proxy", "web"])
        .problem("double-owner", "web/web.vmdk");
    // Two VMs in one folder: the template beside its clone names the base, and is at home there.
    site("web").no_problem("double-owner");
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
