//! Cases V38 – V42: descriptors, their extents and change tracking.

use derelict_parsers::testkit::vmware::{DescriptorBuilder, SparseBuilder, change_tracking, cowd, sesparse};

use crate::support::{Export, SECTORS, Site, cid, config_only, descriptor, row, row_of, vcenter};

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
fn v38_change_tracking_beside_a_torn_descriptor_may_have_been_named_in_it() {
    let site = |end: &str| {
        let mut disk = descriptor("web").build();
        disk.extend_from_slice(end.as_bytes());
        Site::vmware()
            .vmx("ds1/web", "web", &["web.vmdk"])
            .file("ds1/web/web.vmdk", disk)
            .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
            .file("ds1/web/web-ctk.vmdk", change_tracking(2048))
            .disk("ds1/loose/loose")
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    for torn in ["changeTrackPath=\"web-c", "ddb.longConten"] {
        site(torn)
            .is("ds1/web/web-ctk.vmdk", "owned")
            .is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk candidate");
    }
    for whole in ["", "ddb.toolsVersion = \"1\""] {
        site(whole).is("ds1/web/web-ctk.vmdk", "orphaned/leftover-sidecar candidate");
    }
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
fn v39_an_extent_that_its_descriptor_does_not_name_is_no_part_of_it_by_its_suffix() {
    let split = DescriptorBuilder::split_sparse("split", &[SECTORS], cid("split"));
    Site::vmware()
        .vmx("ds1/web", "web", &["split.vmdk"])
        .file("ds1/web/split.vmdk", split.build())
        .file("ds1/web/split-s001.vmdk", SparseBuilder::new(SECTORS).build())
        .zeros("ds1/web/split-f001.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
        .judge()
        .is("ds1/web/split-s001.vmdk", "owned")
        .is("ds1/web/split-f001.vmdk", "orphaned/headless-extent never");
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
fn v42_a_descriptor_with_its_extent_does_not_dangle() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/old/old")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk")
        .no_problem("dangling-descriptor");
}

#[test]
fn a_descriptor_is_no_surer_than_its_extent_that_cannot_be_read() {
    let site = |extent: Vec<u8>| {
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/old/old")
            .delta("ds1/old/old-000001", "old.vmdk")
            .file("ds1/old/old-000001-delta.vmdk", extent)
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    let link = ["ds1/old/old-000001.vmdk", "ds1/old/old-000001-delta.vmdk"];
    site(vec![0xa5; 4096])
        .are(&link, "unknown/damaged never")
        .says("ds1/old/old-000001.vmdk", "old-000001-delta.vmdk is an extent of it");
    site(cowd(u32::try_from(SECTORS).unwrap())).are(&link, "orphaned/stranded-snapshot review");
}

#[test]
fn v49_the_data_of_a_digest_are_its_own_whether_or_not_its_descriptor_can_be_read() {
    let site = |named: &str, digest: Option<&[u8]>| {
        let text = [
            descriptor("web").build(),
            format!("digestFilename=\"{named}\"\n").into_bytes(),
        ];
        let site = Site::vmware()
            .vmx("ds1/web", "web", &["web.vmdk"])
            .file("ds1/web/web.vmdk", text.concat())
            .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
            .zeros("ds1/web/q-digest-flat.vmdk", 1 << 20);
        let site = match digest {
            Some(digest) => site.file("ds1/web/q-digest.vmdk", digest),
            None => site,
        };
        site.inventory(vcenter().vm(row_of("web"))).judge()
    };
    for digest in [Some(&[0xa5; 600][..]), Some(b""), None] {
        site("q-digest.vmdk", digest).is("ds1/web/q-digest-flat.vmdk", "owned");
    }
    site("r-digest.vmdk", None).is("ds1/web/q-digest-flat.vmdk", "orphaned/leftover-sidecar");
}

/// A descriptor with other lines in place of that of its extent.
fn with_extents(name: &str, lines: &str) -> Vec<u8> {
    let sound = descriptor(name).build();
    let sound = String::from_utf8_lossy(&sound);
    let other = sound
        .lines()
        .map(|line| if line.starts_with("RW ") { lines } else { line });
    other.flat_map(|line| [line, "\n"]).collect::<String>().into_bytes()
}

#[test]
fn v40_a_damaged_line_of_an_extent_leaves_the_disk_what_bears_its_name() {
    for line in [
        "RW 16384 VMFS",
        "RW 16384 VM",
        "RW 16384 VMFS \"v-f",
        "RW 16384 VMFS \"\"",
        "RW 16384 VMFS \"v-flat.vm\"",
    ] {
        Site::vmware()
            .vmx("ds1/v", "v", &["v.vmdk"])
            .file("ds1/v/v.vmdk", with_extents("v", line))
            .zeros("ds1/v/v-flat.vmdk", SECTORS * 512)
            .zeros("ds1/v/w-flat.vmdk", SECTORS * 512)
            .inventory(vcenter().vm(config_only("v", "[ds1] v/v.vmx")))
            .judge()
            .is("ds1/v/v-flat.vmdk", "owned/headless-extent")
            .is("ds1/v/w-flat.vmdk", "orphaned/headless-extent");
    }
}

#[test]
fn v40_an_extent_of_the_name_of_a_disk_that_has_another_stays_nobodys() {
    Site::vmware()
        .vmx("ds1/v", "v", &["v.vmdk"])
        .file("ds1/v/v.vmdk", with_extents("v", "RW 8192 VMFS \"w-flat.vmdk\""))
        .zeros("ds1/v/v-flat.vmdk", SECTORS * 512)
        .zeros("ds1/v/w-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(config_only("v", "[ds1] v/v.vmx")))
        .judge()
        .is("ds1/v/w-flat.vmdk", "owned")
        .is("ds1/v/v-flat.vmdk", "orphaned/headless-extent");
}

#[test]
fn v39_a_descriptor_that_shares_its_extent_with_one_in_use_is_no_candidate() {
    let site = |extent: &str| {
        Site::vmware()
            .vmx("ds1/v", "v", &["new.vmdk"])
            .file(
                "ds1/v/new.vmdk",
                with_extents("other", &format!("RW 8192 VMFS \"{extent}\"")),
            )
            .zeros("ds1/v/other-flat.vmdk", SECTORS * 512)
            .disk("ds1/v/old")
            .inventory(vcenter().vm(row("v", "[ds1] v/v.vmx", &["[ds1] v/new.vmdk"])))
            .judge()
    };
    site("old-flat.vmdk")
        .is("ds1/v/old.vmdk", "orphaned/deleted-vm-disk review")
        .because("ds1/v/old.vmdk", "twin-in-use")
        .is("ds1/v/old-flat.vmdk", "owned");
    site("other-flat.vmdk").is("ds1/v/old.vmdk", "orphaned/deleted-vm-disk candidate");
}

#[test]
fn v40_v42_an_extent_that_only_bears_the_name_of_a_descriptor_of_nobody_is_no_more_its_data_than_before() {
    let site = |line: &str| {
        Site::vmware()
            .vm("ds1", "web")
            .file("ds1/v/v.vmdk", with_extents("v", line))
            .zeros("ds1/v/v-flat.vmdk", SECTORS * 512)
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    for line in ["RW 8192 VMFS", "RW 8192 VMFS \"gone-flat.vmdk\""] {
        site(line)
            .is("ds1/v/v-flat.vmdk", "orphaned/headless-extent never")
            .confidence("ds1/v/v-flat.vmdk", "low")
            .is("ds1/v/v.vmdk", "orphaned review")
            .because("ds1/v/v.vmdk", "target-gone");
    }
    site("RW 8192 VMFS \"v-flat.vmdk\"").are(
        &["ds1/v/v-flat.vmdk", "ds1/v/v.vmdk"],
        "orphaned/deleted-vm-disk candidate",
    );
}

#[test]
fn v39_v42_a_dangling_descriptor_that_shares_another_extent_is_no_candidate() {
    let shared = "RW 8192 VMFS \"v-flat.vmdk\"\nRW 8192 VMFS \"gone-flat.vmdk\"";
    Site::vmware()
        .vm("ds1", "v")
        .file("ds1/v/w.vmdk", with_extents("w", shared))
        .inventory(vcenter().vm(row_of("v")))
        .judge()
        .is("ds1/v/w.vmdk", "orphaned/dangling-descriptor review")
        .because("ds1/v/w.vmdk", "twin-in-use")
        .is("ds1/v/v-flat.vmdk", "owned");
}

#[test]
fn v40_data_renamed_beside_the_descriptor_of_a_vm_may_be_what_it_misses() {
    let site = |data: &str, length: u64| {
        Site::vmware()
            .vmx("ds1/web", "web", &["web.vmdk"])
            .file("ds1/web/web.vmdk", descriptor("web").build())
            .zeros(data, length)
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    let path = "ds1/web/web-old.vmdk";
    site(path, SECTORS * 512)
        .is(path, "unknown/ambiguous-reference never")
        .says(path, "ds1/web/web.vmdk".trim_start_matches("ds1/"))
        .is("ds1/web/web.vmdk", "owned/dangling-descriptor");
    site(path, SECTORS * 1024).is(path, "orphaned/headless-extent never");
    let elsewhere = "ds1/else/web-old.vmdk";
    site(elsewhere, SECTORS * 512).is(elsewhere, "orphaned/headless-extent never");
}

#[test]
fn v40_a_descriptor_beside_data_that_may_be_its_own_is_no_candidate() {
    let site = |length: u64| {
        Site::vmware()
            .vm("ds1", "web")
            .file("ds1/old/old.vmdk", descriptor("old").build())
            .zeros("ds1/old/data.vmdk", length)
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    site(SECTORS * 512)
        .is("ds1/old/old.vmdk", "orphaned/dangling-descriptor review")
        .says("ds1/old/old.vmdk", "they may be these under another name")
        .is("ds1/old/data.vmdk", "orphaned/headless-extent never")
        .says("ds1/old/data.vmdk", "these may be its data under another name");
    site(SECTORS * 1024)
        .is("ds1/old/old.vmdk", "orphaned/dangling-descriptor candidate")
        .is("ds1/old/data.vmdk", "orphaned/headless-extent never");
}
