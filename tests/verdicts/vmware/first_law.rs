//! What must hold whatever else is found: a needed file is never nobody's.

use derelict::{
    catalogue::Catalogue,
    inventory::{Listing, Registration},
    kind::Role,
    raw::RawPath,
    report::codes::Class,
};
use derelict_parsers::testkit::{
    foreign::{qcow2_image, vdi_image},
    guid,
    vmware::{DescriptorBuilder, VmsnBuilder, VmxBuilder, cowd},
};

use super::snapshot_of;
use crate::support::{
    Export, SECTORS, Site, TAKEN, cid, config_only, descriptor, listed, row, row_of, vcenter, vm_id, vmx,
};

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

#[test]
fn a_disk_on_which_an_image_of_another_hypervisor_stands_is_needed() {
    let site = |backing: &str| {
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/base/base")
            .file("ds1/kvm/guest.qcow2", qcow2_image(1 << 22, backing, &[]))
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    for backing in [
        "../base/base.vmdk",
        "file:../base/base.vmdk",
        r#"json:{"driver":"vmdk","file":{"driver":"file","filename":"../base/base.vmdk"}}"#,
    ] {
        let judged = site(backing);
        judged
            .are(
                &["ds1/base/base.vmdk", "ds1/base/base-flat.vmdk"],
                "in-use/has-children never",
            )
            .because("ds1/base/base.vmdk", "has-children")
            .is("ds1/kvm/guest.qcow2", "unknown/foreign never");
    }
    site("../base/base-flat.vmdk").are(
        &["ds1/base/base.vmdk", "ds1/base/base-flat.vmdk"],
        "in-use/has-children never",
    );
    site("/srv/elsewhere/base.vmdk").is("ds1/base/base.vmdk", "unknown/ambiguous-reference never");
    for other in ["", "/srv/elsewhere/other.vmdk", "nbd://host/export"] {
        site(other)
            .is("ds1/base/base.vmdk", "orphaned/deleted-vm-disk candidate")
            .is("ds1/kvm/guest.qcow2", "unknown/foreign never");
    }
}

#[test]
fn a_disk_that_an_image_names_by_the_path_of_this_machine_is_needed() {
    let site = Site::vmware().vm("ds1", "web").disk("ds1/base/base");
    let here = site.place("ds1/base/base.vmdk");
    site.file("ds1/kvm/guest.qcow2", qcow2_image(1 << 22, &here, &[]))
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/base/base-flat.vmdk", "in-use/has-children never");
}

#[test]
fn a_disk_whose_id_an_image_of_virtualbox_quotes_is_needed() {
    let (parent, other) = (guid(5, 1), guid(6, 1));
    let site = |quoted| {
        let text = descriptor("base").ddb("uuid.image", &parent.to_string()).build();
        Site::vmware()
            .vm("ds1", "web")
            .file("ds1/base/base.vmdk", text)
            .zeros("ds1/base/base-flat.vmdk", SECTORS * 512)
            .file("ds1/box/guest.vdi", vdi_image(SECTORS * 512, guid(7, 1), quoted))
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    site(parent)
        .is("ds1/base/base-flat.vmdk", "in-use/has-children never")
        .is("ds1/box/guest.vdi", "unknown/foreign never");
    site(other).is("ds1/base/base.vmdk", "orphaned/deleted-vm-disk candidate");
}

#[test]
fn an_image_that_was_not_closed_is_in_use_and_so_is_what_it_stands_on() {
    let mut image = qcow2_image(1 << 22, "../base/base.vmdk", &[]);
    image[79] = 1;
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/base/base")
        .file("ds1/kvm/guest.qcow2", image)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/kvm/guest.qcow2", "in-use/open-log never")
        .is("ds1/base/base.vmdk", "in-use/has-children never");
}

#[test]
fn a_disk_beside_an_image_that_cannot_be_read_may_be_what_it_stands_on() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/kvm/base")
        .disk("ds1/far/far")
        .file("ds1/kvm/guest.qcow2", qcow2_image(1 << 22, "base.vmdk", &[]))
        .unreadable_file("ds1/kvm/guest.qcow2")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/kvm/base.vmdk", "unknown never")
        .is("ds1/far/far.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn what_changed_while_it_was_watched_is_in_use_and_so_is_its_vm() {
    use derelict::evidence::MarkCode;
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "left")
        .disk("ds1/old/old")
        .disk("ds1/far/far")
        .mark("ds1/left/left-flat.vmdk", MarkCode::Changed)
        .mark("ds1/old/old-flat.vmdk", MarkCode::Changed)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &[
                "ds1/left/left.vmx",
                "ds1/left/left.vmdk",
                "ds1/old/old.vmdk",
                "ds1/old/old-flat.vmdk",
            ],
            "in-use/changed-during-scan never",
        )
        .is("ds1/far/far.vmdk", "orphaned/deleted-vm-disk");
}

/// A client of a share with another `iocharset` shows other names than those by which hosts and configurations know the files.
#[test]
fn a_file_whose_name_the_client_of_a_share_cannot_write_is_not_called_orphaned() {
    let renamed = |folder: &'static [u8], file_system: &'static str| {
        let rename = move |catalogue: &mut Catalogue| {
            catalogue.roots[0].file_system = Some(file_system.to_owned());
            for artifact in &mut catalogue.artifacts {
                if let Some(rest) = artifact.entry.path.as_bytes().strip_prefix(b"old") {
                    artifact.entry.path = RawPath::new([folder, rest].concat());
                }
            }
            catalogue.sort();
        };
        let judged = Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/old/old")
            .inventory(vcenter().vm(row_of("web")))
            .change(rename)
            .judge();
        let artifacts = judged.report.artifacts.iter();
        let disk = artifacts.filter(|artifact| artifact.relative_path.folder().as_bytes() == folder);
        let verdicts: Vec<_> = disk.map(|artifact| (artifact.verdict.name(), artifact.class)).collect();
        assert_eq!(verdicts.len(), 2);
        assert_eq!(verdicts[0], verdicts[1], "a disk and its extent are one thing");
        verdicts[0]
    };
    let orphaned = ("orphaned", Some(Class::DeletedVmDisk));
    let unknown = ("unknown", Some(Class::AmbiguousReference));
    assert_eq!(renamed(b"old", "cifs"), orphaned);
    assert_eq!(renamed(b"K?ln", "cifs"), unknown);
    assert_eq!(
        renamed(b"K?ln", "nfs"),
        orphaned,
        "there a question mark is a letter like any"
    );
    assert_eq!(renamed(b"K\xf6ln", "cifs"), unknown);
    assert_eq!(renamed(b"K\xf6ln", "nfs"), unknown);
}

/// A copy of `web` under its id, whose configuration has this line, or whose folder holds this file.
fn with_second(line: Option<(&str, &str)>, file: Option<&str>) -> Site {
    let mut second = vmx("web", &["web.vmdk"]);
    if let Some((key, value)) = line {
        second = second.set(key, value);
    }
    let site = Site::vmware()
        .vm("ds1", "web")
        .file("ds1/web_1/web.vmx", second.build())
        .disk("ds1/web_1/web");
    let site = file.into_iter().fold(site, |site, file| site.zeros(file, 64));
    site.inventory(vcenter().vm(Registration {
        instance_id: Some(vm_id("web")),
        ..row_of("web")
    }))
}

#[test]
fn a_copy_that_tells_of_fault_tolerance_may_be_the_second_vm_of_its_pair() {
    let files = ["ds1/web_1/web.vmx", "ds1/web_1/web.vmdk", "ds1/web_1/web-flat.vmdk"];
    for site in [
        with_second(Some(("ftcpt.ftMetaDataDatastore", "ds1")), None),
        with_second(Some(("FTCPT.secondary", "x")), None),
        with_second(None, Some("ds1/web/shared.vmft")),
        with_second(None, Some("ds1/web_1/shared.vmft")),
    ] {
        site.judge()
            .are(&files, "unknown/ambiguous-reference never")
            .says(files[0], "tells of fault tolerance")
            .is("ds1/web/web.vmx", "owned");
    }
    for line in [None, Some(("ftcpt.ftEncryptionMode", "ftEncryptionOpportunistic"))] {
        with_second(line, None)
            .judge()
            .are(&files, "unregistered/export-copy review");
    }
}

#[test]
fn v14_an_encrypted_configuration_that_names_no_disk_in_clear_may_hide_any() {
    let site = |lines: &str| {
        let config = format!(
            ".encoding = \"UTF-8\"\ndisplayName = \"web\"\nencryption.keySafe = \"vmware:key/list/(pair/(fqid/x/1,HMAC,abc))\"\n{lines}"
        );
        Site::vmware()
            .file("ds1/web/web.vmx", config)
            .disk("ds1/web/web")
            .disk("ds1/far/far")
            .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
            .judge()
    };
    let partial = "encryption.type = \"partial\"\nencryption.data = \"AAAA\"\n";
    for lines in [partial, "encryption.data = \"AAAA\"\n", "scsi0.present = \"TRUE\"\n"] {
        site(lines).are(
            &["ds1/web/web.vmdk", "ds1/web/web-flat.vmdk", "ds1/far/far.vmdk"],
            "unknown/owner-unreadable never",
        );
    }
    let disk = "scsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"web.vmdk\"\n";
    site(&format!("{partial}{disk}"))
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/far/far.vmdk", "orphaned/deleted-vm-disk candidate");
}
