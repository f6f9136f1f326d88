//! Cases V54 – V62: small files, media, raw devices and what looks like something else.

use derelict_parsers::testkit::vmware::{DescriptorBuilder, SparseBuilder, nvram, stream_optimized};

use super::snapshot_of;
use crate::support::{Export, SECTORS, Site, cid, config_only, row, row_of, vcenter, vmx};

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
fn v54_in_a_folder_of_very_many_files_each_vm_has_what_bears_its_name() {
    let names: Vec<String> = (1..=40).map(|number| format!("web-{number}")).collect();
    let mut site = Site::vmware().file("ds1/vms/vmware.log", "some text\n");
    for name in &names {
        site = site
            .vmx("ds1/vms", name, &[&format!("{name}.vmdk")])
            .disk(&format!("ds1/vms/{name}"))
            .file(&format!("ds1/vms/{name}.nvram"), nvram())
            .file(&format!("ds1/vms/{name}.vmx~"), vmx(name, &[]).build());
    }
    let row_of = |name: &String| {
        row(
            name,
            &format!("[ds1] vms/{name}.vmx"),
            &[&format!("[ds1] vms/{name}.vmdk")],
        )
    };
    let inventory = names.iter().map(row_of).fold(vcenter(), Export::vm);
    let judged = site.inventory(inventory).judge();
    for name in &names {
        judged.owners(&format!("ds1/vms/{name}.nvram"), &[name]);
        judged.owners(&format!("ds1/vms/{name}.vmx~"), &[name]);
    }
    judged.is("ds1/vms/vmware.log", "owned");
    // The verdict needs one; that all forty may have written it says nothing.
    assert_eq!(judged.artifact("ds1/vms/vmware.log").referenced_by.len(), 16);
}

#[test]
fn v54_a_log_in_a_folder_of_very_many_vms_is_a_registered_ones_wherever_its_name_sorts() {
    let unregistered: Vec<String> = (1..=40).map(|number| format!("lost-{number}")).collect();
    let mut site = Site::vmware()
        .file("ds1/vms/vmware.log", "some text\n")
        .file("ds1/loose/vmware.log", "some text\n")
        .vmx("ds1/vms", "web", &["web.vmdk"])
        .disk("ds1/vms/web");
    for name in &unregistered {
        site = site
            .vmx("ds1/vms", name, &[&format!("{name}.vmdk")])
            .vmx("ds1/loose", name, &[&format!("{name}.vmdk")]);
    }
    site.inventory(vcenter().vm(row("web", "[ds1] vms/web.vmx", &["[ds1] vms/web.vmdk"])))
        .judge()
        .is("ds1/vms/vmware.log", "owned")
        .is("ds1/loose/vmware.log", "unregistered");
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
fn v57_a_disk_in_such_a_form_that_a_vm_uses_is_owned_and_one_of_the_form_of_vmfs_waits_for_nothing() {
    let sparse = DescriptorBuilder::embedded("monolithicSparse", "b.vmdk", SECTORS, cid("b")).build();
    Site::vmware()
        .vmx("ds1/web", "web", &["b.vmdk"])
        .file(
            "ds1/web/b.vmdk",
            SparseBuilder::new(SECTORS).descriptor(&sparse).build(),
        )
        .disk("ds1/up/c")
        .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
        .judge()
        .is("ds1/web/b.vmdk", "owned")
        .is("ds1/up/c.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn an_extent_that_was_not_closed_is_told_while_its_vm_is_off() {
    let sparse = DescriptorBuilder::embedded("monolithicSparse", "b.vmdk", SECTORS, cid("b")).build();
    let site = |state: &str, unclean: bool| {
        let mut vm = row("web", "[ds1] web/web.vmx", &["[ds1] web/b.vmdk"]);
        vm.state = Some(state.to_owned());
        let disk = SparseBuilder::new(SECTORS).descriptor(&sparse);
        let disk = if unclean { disk.unclean() } else { disk };
        Site::vmware()
            .vmx("ds1/web", "web", &["b.vmdk"])
            .file("ds1/web/b.vmdk", disk.build())
            .inventory(vcenter().vm(vm))
            .judge()
    };
    site("poweredOff", true).problem("dirty-log", "web/b.vmdk");
    site("poweredOn", true).no_problem("dirty-log");
    site("poweredOff", false).no_problem("dirty-log");
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

#[test]
fn v62_a_console_disk_of_old_lies_in_any_folder_and_no_other_disk_is_one() {
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "cos")
        .disk("ds1/esx35/cos")
        .disk("ds1/cosmos/cosmos")
        .inventory(vcenter().vm(row_of("web")).vm(row_of("cos")))
        .judge()
        .are(
            &["ds1/esx35/cos.vmdk", "ds1/esx35/cos-flat.vmdk"],
            "system/legacy-console never",
        )
        .is("ds1/cos/cos.vmdk", "owned")
        .is("ds1/cosmos/cosmos.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn the_lock_of_an_old_product_is_a_lock_and_no_sign_of_ransomware() {
    let site = |name: &str| {
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/old/old")
            .file(&format!("ds1/old/{name}"), "x")
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    for lock in ["old.vmdk.WRITELOCK", "old.vmdk.READLOCK"] {
        site(lock).are(
            &["ds1/old/old.vmdk", "ds1/old/old-flat.vmdk", &format!("ds1/old/{lock}")],
            "in-use/locked never",
        );
    }
    site("old.vmdk.encrypted").is("ds1/old/old.vmdk", "unknown/suspicious-rename");
}
