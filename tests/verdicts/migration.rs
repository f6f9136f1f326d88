//! Problems that a migration meets, on both platforms: each is told, and each holds back.

use derelict::report::{
    codes::ProblemCode,
    model::{Problem, Severity},
};
use derelict_parsers::{
    hyperv_config::ControllerKind,
    testkit::{
        guid,
        hyperv_vm::HypervDrive,
        vhdx::VhdxBuilder,
        vmware::{DescriptorBuilder, SnapshotBuilder, VmsdBuilder, VmxBuilder, cowd, dictionary},
    },
};

use crate::support::{
    Export, SECTORS, Site, checkpoint, child, cid, config_only, descriptor, hyperv_host, hyperv_row, hyperv_vm, row,
    row_of, vcenter, vhdx, vm_id, vmx,
};

/// A VM that runs on a chain of so many links above its base.
fn chained(links: usize) -> Site {
    let name = |number: usize| {
        if number == 0 {
            "web".to_owned()
        } else {
            format!("web-{number:06}")
        }
    };
    let leaf = format!("{}.vmdk", name(links));
    let site = Site::vmware().vmx("ds1/web", "web", &[&leaf]).disk("ds1/web/web");
    (1..=links).fold(site, |site, number| {
        site.delta(
            &format!("ds1/web/{}", name(number)),
            &format!("{}.vmdk", name(number - 1)),
        )
    })
}

#[test]
fn a_chain_of_more_than_three_links_is_deep_and_one_at_the_limit_an_error() {
    let severity = |links: usize| {
        let leaf = format!("[ds1] web/web-{links:06}.vmdk");
        let judged = chained(links)
            .inventory(vcenter().vm(row("web", "[ds1] web/web.vmx", &[&leaf])))
            .only_as_it_is()
            .judge();
        let mut found = judged.report.problems.into_iter();
        found
            .find(|problem| problem.code.name() == "deep-chain")
            .map(|problem| (problem.severity, problem.reasons.len()))
    };
    assert_eq!(severity(3), None);
    assert_eq!(severity(4), Some((Severity::Warning, 4)));
    assert_eq!(severity(32), Some((Severity::Error, 32)));
}

#[test]
fn a_chain_that_runs_in_a_circle_is_told_and_one_with_an_end_is_not() {
    let site = |hint: &str| {
        Site::vmware()
            .vmx("ds1/web", "web", &["web-000002.vmdk"])
            .disk("ds1/web/web")
            .delta("ds1/web/web-000001", hint)
            .delta("ds1/web/web-000002", "web-000001.vmdk")
            .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
            .judge()
    };
    site("web-000002.vmdk").problem("chain-cycle", "web/web-000002.vmdk");
    site("web.vmdk").no_problem("chain-cycle");
}

#[test]
fn links_of_another_size_than_their_parent_are_told_on_both_platforms() {
    let of_vmware = |sectors: u64| {
        let link = DescriptorBuilder::cowd_link("web-000001", sectors, cid("web-000001"), "web.vmdk", cid("web"));
        Site::vmware()
            .vmx("ds1/web", "web", &["web-000001.vmdk"])
            .disk("ds1/web/web")
            .file("ds1/web/web-000001.vmdk", link.build())
            .file("ds1/web/web-000001-delta.vmdk", cowd(u32::try_from(sectors).unwrap()))
            .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
            .judge()
    };
    of_vmware(SECTORS * 2).problem("chain-size-mismatch", "web/web-000001.vmdk");
    of_vmware(SECTORS).no_problem("chain-size-mismatch");
    let leaf = r"C:\ClusterStorage\Volume1\web\web_A.avhdx";
    let of_hyperv = |bytes: u64| {
        let link = VhdxBuilder {
            virtual_bytes: bytes,
            ..child("web_A", &vhdx("web"), r".\web.vhdx")
        };
        Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm("web", &[leaf]))
            .vhdx("csv1/web/web.vhdx", &vhdx("web"))
            .vhdx("csv1/web/web_A.avhdx", &link)
            .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[leaf])))
            .judge()
    };
    of_hyperv(128 << 20).problem("chain-size-mismatch", "web/web_A.avhdx");
    of_hyperv(64 << 20).no_problem("chain-size-mismatch");
}

#[test]
fn a_file_of_a_vm_that_contradicts_its_format_is_told_and_a_sound_one_or_one_of_nobody_is_not() {
    let site = |path: &str, content: &[u8]| {
        Site::vmware()
            .vm("ds1", "web")
            .file(path, content)
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    let torn = &[0xa5; 600];
    site("ds1/web/web.vmdk", torn).problem("malformed-artifact", "web/web.vmdk");
    site("ds1/web/web.vmdk", &descriptor("web").build()).no_problem("malformed-artifact");
    site("ds1/old/old.vmdk", torn).no_problem("malformed-artifact");
}

#[test]
fn a_configuration_and_a_descriptor_that_are_there_are_no_problem() {
    Site::vmware()
        .vm("ds1", "web")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .no_problem("config-unreadable")
        .no_problem("headless-extent");
}

#[test]
fn a_chain_of_checkpoints_is_deep_as_well() {
    let site = |links: usize| {
        let base = vhdx("base");
        let mut disks = vec![base.clone()];
        for number in 1..=links {
            let parent = disks.last().unwrap();
            let below = if number == 1 {
                "base.vhdx".to_owned()
            } else {
                format!("link{}.avhdx", number - 1)
            };
            disks.push(child(&format!("link{number}"), parent, &format!(r".\{below}")));
        }
        let leaf = format!(r"C:\ClusterStorage\Volume1\web\link{links}.avhdx");
        let site = Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm("web", &[&leaf]))
            .vhdx("csv1/web/base.vhdx", &base);
        let links = disks.iter().enumerate().skip(1);
        links
            .fold(site, |site, (number, disk)| {
                site.vhdx(&format!("csv1/web/link{number}.avhdx"), disk)
            })
            .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&leaf])))
            .only_as_it_is()
            .judge()
    };
    site(4).problem("deep-chain", "link4.avhdx");
    site(3).no_problem("deep-chain");
}

#[test]
fn a_snapshot_of_more_than_three_days_is_old_unless_clones_stand_on_it() {
    let list = |created_us: u64| {
        let snapshot = SnapshotBuilder {
            uid: 1,
            name: "before the update".to_owned(),
            state_file: "web-Snapshot1.vmsn".to_owned(),
            created_us,
            disks: vec![("scsi0:0".to_owned(), "web.vmdk".to_owned())],
            ..SnapshotBuilder::default()
        };
        VmsdBuilder::default().snapshot(snapshot).build()
    };
    let site = |created_us: u64| {
        Site::vmware()
            .vmx("ds1/web", "web", &["web-000001.vmdk"])
            .disk("ds1/web/web")
            .delta("ds1/web/web-000001", "web.vmdk")
            .file("ds1/web/web.vmsd", list(created_us))
    };
    let registered = || vcenter().vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/web-000001.vmdk"]));
    // The report is as of 2026-11-01; these are 2026-10-28 and 2026-10-30.
    let (four_days, two_days) = (1_793_145_600_000_000, 1_793_318_400_000_000);
    site(four_days)
        .inventory(registered())
        .judge()
        .problem("old-snapshot", "\"before the update\", is 4 days old");
    site(two_days)
        .inventory(registered())
        .judge()
        .no_problem("old-snapshot");
    site(four_days)
        .vmx("ds1/clone", "clone", &["clone.vmdk"])
        .delta("ds1/clone/clone", "../web/web.vmdk")
        .inventory(registered().vm(row_of("clone")))
        .judge()
        .no_problem("old-snapshot");
}

#[test]
fn a_checkpoint_of_more_than_three_days_is_old_by_its_list_or_by_its_configuration() {
    let leaf = r"C:\ClusterStorage\Volume1\web\web_A.avhdx";
    let checkpoint_config = "csv1/web/Snapshots/0F1E2D3C-0000-1111-2222-333344445555.vmcx";
    let id: uuid::Uuid = "0f1e2d3c-0000-1111-2222-333344445555".parse().unwrap();
    let site = |kind: &str, created: Option<&str>, written: &str| {
        let mut row = hyperv_row("web", &[leaf]);
        row.checkpoints.push(derelict::inventory::Checkpoint {
            kind: Some(kind.to_owned()),
            created: created.map(|time| time.parse().unwrap()),
            ..checkpoint(id, true)
        });
        let mut frozen = hyperv_vm("before the update", &[r"C:\ClusterStorage\Volume1\web\web.vhdx"]);
        frozen.id = id;
        frozen.checkpoint_of = Some(vm_id("web"));
        Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm("web", &[leaf]))
            .vhdx("csv1/web/web.vhdx", &vhdx("web"))
            .vhdx("csv1/web/web_A.avhdx", &child("web_A", &vhdx("web"), r".\web.vhdx"))
            .file(checkpoint_config, frozen.to_vmcx())
            .modified(checkpoint_config, written)
            .inventory(hyperv_host("hv1").vm(row))
            .judge()
    };
    // The report is as of 2026-11-01.
    let (old, new) = ("2026-10-25T00:00:00Z", "2026-10-31T00:00:00Z");
    site("Standard", Some(old), new).problem("old-snapshot", "1 checkpoint is older than three days");
    site("Standard", None, old).problem("old-snapshot", "7 days old");
    site("Standard", Some(new), old).no_problem("old-snapshot");
    site("Standard", None, new).no_problem("old-snapshot");
    // What a backup or a replication keeps is told as such.
    site("Recovery", Some(old), old).no_problem("old-snapshot");
    site("AppConsistentReplica", Some(old), old).no_problem("old-snapshot");
}

#[test]
fn raw_device_maps_are_told_with_their_mode() {
    let site = |form: &str, kind: &str, suffix: &str| {
        let text = DescriptorBuilder::new(form, 7)
            .extent(&format!("RW {SECTORS} {kind} \"lun-{suffix}.vmdk\""))
            .build();
        Site::vmware()
            .vmx("ds1/web", "web", &["lun.vmdk"])
            .file("ds1/web/lun.vmdk", text)
            .zeros(&format!("ds1/web/lun-{suffix}.vmdk"), SECTORS * 512)
            .inventory(vcenter().vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/lun.vmdk"])))
            .judge()
    };
    let physical = site("vmfsPassthroughRawDeviceMap", "VMFSRDM", "rdmp");
    physical.problem("raw-device-map", "in physical mode");
    let virtual_mode = site("vmfsRawDeviceMap", "VMFSRDM", "rdm");
    virtual_mode.problem("raw-device-map", "in virtual mode");
    let told = virtual_mode
        .report
        .problems
        .iter()
        .filter(|problem| problem.code.name() == "raw-device-map");
    assert_eq!(told.count(), 1, "the pointer file is not told apart");
    site("vmfs", "VMFS", "flat").no_problem("raw-device-map");
}

#[test]
fn shared_and_independent_disks_are_told_by_the_configuration() {
    let site = |set: &dyn Fn(VmxBuilder) -> VmxBuilder| {
        Site::vmware()
            .file("ds1/web/web.vmx", set(vmx("web", &["web.vmdk"])).build())
            .disk("ds1/web/web")
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    site(&|vmx| vmx.set("scsi0:0.sharing", "multi-writer"))
        .problem("shared-disk", "scsi0:0 (web.vmdk) is multi-writer")
        .no_problem("independent-disk");
    site(&|vmx| vmx.set("scsi0.sharedBus", "physical")).problem("shared-disk", "other VMs at the same time");
    site(&|vmx| vmx.set("scsi0:0.mode", "independent-persistent"))
        .problem("independent-disk", "scsi0:0 (web.vmdk) is independent-persistent")
        .no_problem("shared-disk");
    site(&|vmx| vmx.set("scsi0:0.mode", "persistent").set("scsi0:0.sharing", "none"))
        .no_problem("shared-disk")
        .no_problem("independent-disk");
}

#[test]
fn an_image_that_is_attached_is_told_on_both_platforms() {
    let site = |set: &dyn Fn(VmxBuilder) -> VmxBuilder| {
        Site::vmware()
            .file("ds1/web/web.vmx", set(vmx("web", &["web.vmdk"])).build())
            .disk("ds1/web/web")
            .zeros("ds1/iso/setup.iso", 4096)
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    site(&|vmx| vmx.cd("ide1:0", "/vmfs/volumes/ds1/iso/setup.iso")).problem("mounted-iso", "setup.iso");
    site(&|vmx| vmx.cd("ide1:0", "/vmfs/volumes/elsewhere/setup.iso")).problem("mounted-iso", "elsewhere/setup.iso");
    site(&|vmx| {
        vmx.cd("ide1:0", "/vmfs/volumes/ds1/iso/setup.iso")
            .set("ide1:0.present", "FALSE")
    })
    .no_problem("mounted-iso");
    site(&|vmx| vmx).no_problem("mounted-iso");

    let image = r"C:\ClusterStorage\Volume1\iso\setup.iso";
    let mut vm = hyperv_vm("web", &[]);
    vm.drives.push(HypervDrive {
        kind: "ISO".to_owned(),
        ..HypervDrive::disk(ControllerKind::Scsi, 1, image)
    });
    Site::hyperv()
        .vmcx("csv1/web", &vm)
        .zeros("csv1/iso/setup.iso", 4096)
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[])))
        .judge()
        .problem("mounted-iso", "setup.iso");
}

#[test]
fn disks_over_several_datastores_are_told_and_an_image_elsewhere_is_not() {
    let site = |disk: &str, image: &str| {
        let config = vmx("web", &["web.vmdk", disk]).cd("ide1:0", image);
        Site::vmware()
            .root("ds2", &["ds2"])
            .file("ds1/web/web.vmx", config.build())
            .disk("ds1/web/web")
            .disk("ds1/web/data")
            .disk("ds2/web/data")
            .zeros("ds2/iso/setup.iso", 4096)
            .inventory(
                vcenter()
                    .datastore("ds2", &[], &["esx1"])
                    .vm(config_only("web", "[ds1] web/web.vmx")),
            )
            .judge()
    };
    site("/vmfs/volumes/ds2/web/data.vmdk", "/vmfs/volumes/ds1/x.iso").problem("several-datastores", "ds1, ds2");
    site("/vmfs/volumes/ds9/web/far.vmdk", "/vmfs/volumes/ds1/x.iso")
        .problem("several-datastores", "outside of the scan");
    site("data.vmdk", "/vmfs/volumes/ds2/iso/setup.iso").no_problem("several-datastores");
}

#[test]
fn encrypted_vms_and_disks_are_told() {
    let site = |config: Vec<u8>, disk: DescriptorBuilder| {
        Site::vmware()
            .file("ds1/web/web.vmx", config)
            .file("ds1/web/web.vmdk", disk.build())
            .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    let plain = || vmx("web", &["web.vmdk"]).build();
    let opaque = dictionary([
        ("config.version", "8"),
        ("displayName", "web"),
        ("encryption.data", "c2VjcmV0"),
    ]);
    site(opaque, descriptor("web")).problem("encrypted", "web");
    site(plain(), descriptor("web").ddb("iofilters", "vmwarevmcrypt")).problem("encrypted", "web");
    site(plain(), descriptor("web")).no_problem("encrypted");
}

#[test]
fn an_encrypted_disk_of_two_vms_is_told_of_once() {
    let disk = descriptor("web").ddb("iofilters", "vmwarevmcrypt");
    let judged = Site::vmware()
        .vmx("ds1/web", "web", &["web.vmdk"])
        .vmx("ds1/db", "db", &["../web/web.vmdk"])
        .file("ds1/web/web.vmdk", disk.build())
        .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
        .inventory(
            vcenter()
                .vm(row_of("web"))
                .vm(row("db", "[ds1] db/db.vmx", &["[ds1] web/web.vmdk"])),
        )
        .judge();
    let code = |problem: &&Problem| problem.code == ProblemCode::Encrypted;
    assert_eq!(judged.report.problems.iter().filter(code).count(), 1);
    for vm in &judged.report.vms {
        let told = vm
            .problems
            .iter()
            .filter(|problem| problem.code == ProblemCode::Encrypted);
        assert_eq!(told.count(), 1, "{}", vm.name);
    }
}

#[test]
fn an_extent_of_another_length_than_its_descriptor_says_is_told() {
    let site = |bytes: u64| {
        Site::vmware()
            .vmx("ds1/web", "web", &["web.vmdk"])
            .file("ds1/web/web.vmdk", descriptor("web").build())
            .zeros("ds1/web/web-flat.vmdk", bytes)
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    site(SECTORS * 512 - 512).problem("extent-size-mismatch", "web/web.vmdk");
    site(SECTORS * 512 + 512).problem("extent-size-mismatch", "web/web.vmdk");
    site(SECTORS * 512).no_problem("extent-size-mismatch");
}

#[test]
fn two_registered_vms_with_one_id_are_told() {
    let site = |bios| {
        let config = |name: &str, bios| vmx(name, &[&format!("{name}.vmdk")]).uuids(bios, vm_id(name)).build();
        Site::vmware()
            .file("ds1/web/web.vmx", config("web", guid(1, 1)))
            .disk("ds1/web/web")
            .file("ds1/db/db.vmx", config("db", bios))
            .disk("ds1/db/db")
            .inventory(vcenter().vm(row_of("web")).vm(row_of("db")))
            .judge()
    };
    site(guid(1, 1)).problem("duplicate-identity", "BIOS UUID");
    site(guid(2, 2)).no_problem("duplicate-identity");
}

#[test]
fn two_base_disks_in_use_with_one_identity_are_told_and_the_links_of_a_chain_are_not() {
    let site = |disk| {
        Site::vmware()
            .vmx("ds1/web", "web", &["web-000001.vmdk"])
            .file(
                "ds1/web/web.vmdk",
                DescriptorBuilder::vmfs("web", SECTORS, 1, guid(9, 9)).build(),
            )
            .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
            .delta("ds1/web/web-000001", "web.vmdk")
            .vmx("ds1/db", "db", &["db.vmdk"])
            .file(
                "ds1/db/db.vmdk",
                DescriptorBuilder::vmfs("db", SECTORS, 2, disk).build(),
            )
            .zeros("ds1/db/db-flat.vmdk", SECTORS * 512)
            .inventory(
                vcenter()
                    .vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/web-000001.vmdk"]))
                    .vm(row_of("db")),
            )
            .judge()
    };
    site(guid(9, 9)).problem("duplicate-identity", "2 disks in use");
    site(guid(8, 8)).no_problem("duplicate-identity");
}

#[test]
fn without_any_inventory_every_vm_is_checked_and_with_one_the_registered() {
    let site = || {
        Site::vmware()
            .file(
                "ds1/web/web.vmx",
                vmx("web", &["web.vmdk"])
                    .set("scsi0:0.mode", "independent-persistent")
                    .build(),
            )
            .disk("ds1/web/web")
            .vm("ds1", "db")
    };
    site().judge().problem("independent-disk", "web");
    site()
        .inventory(vcenter().vm(row_of("db")))
        .judge()
        .no_problem("independent-disk");
}
