//! Cases V22 – V25 and V32 – V36: owners that are no VM.

use derelict_parsers::testkit::{
    guid,
    vmware::{DescriptorBuilder, SnapshotBuilder, VmsdBuilder},
};

use crate::support::{Export, SECTORS, Site, TAKEN, cid, config_only, row_of, vcenter, vmx};

#[test]
fn v22_v36_libraries_and_packages_are_known_below_other_folders_too() {
    let library = "ds1/libs/contentlib-0a1b2c3d-0000-1111-2222-333344445555/item";
    Site::vmware()
        .vm("ds1", "web")
        .disk(&format!("{library}/x"))
        .disk("ds1/libs/contentlib-old/x")
        .disk("ds1/apps/Chrome")
        .file("ds1/apps/Chrome.vmdk.metadata", "{}")
        .disk("ds1/alone/Chrome")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is(&format!("{library}/x.vmdk"), "service/content-library")
        .is("ds1/apps/Chrome.vmdk", "service/app-volumes")
        .are(
            &["ds1/libs/contentlib-old/x.vmdk", "ds1/alone/Chrome.vmdk"],
            "orphaned/deleted-vm-disk",
        );
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
fn v22_a_library_owns_what_its_item_list_names_and_the_top_of_its_folder() {
    let site = |items: &[&str]| {
        let library = vcenter()
            .vm(row_of("web"))
            .folder_object("content-library", "library", "[ds1] contentlib-1111");
        let mut inventory = items.iter().fold(library, |inventory, item| {
            inventory.folder_object("content-library", item, &format!("[ds1] contentlib-1111/{item}"))
        });
        inventory.has_library_list = true;
        // Another vCenter shares the datastore and has no library.
        let mut other = vcenter();
        other.source = "vc2".to_owned();
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/contentlib-1111/kept/disk-0")
            .disk("ds1/contentlib-1111/left/disk-0")
            .file("ds1/contentlib-1111/left/boot.iso", "iso")
            .file("ds1/contentlib-1111/notes.iso", "iso")
            .inventory(inventory)
            .inventory(other)
            .judge()
    };
    let left = [
        "ds1/contentlib-1111/left/disk-0.vmdk",
        "ds1/contentlib-1111/left/boot.iso",
    ];
    site(&["kept"])
        .is("ds1/contentlib-1111/kept/disk-0.vmdk", "service/content-library")
        .is("ds1/contentlib-1111/notes.iso", "service/content-library")
        .are(&left, "orphaned/library-leftover review");
    // The items of the library were not exported.
    site(&[]).are(&left, "service/content-library");
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
fn v24_a_disk_with_the_identity_of_one_in_use_and_other_content_is_what_a_replication_was_seeded_with() {
    let id = guid(1, 2);
    let seeded = |folder: &str, name: &str, disk| {
        let text = DescriptorBuilder::vmfs(name, SECTORS, cid(&format!("{folder}{name}")), disk).build();
        Site::vmware()
            .vmx("ds1/web", "web", &["web.vmdk"])
            .file(
                "ds1/web/web.vmdk",
                DescriptorBuilder::vmfs("web", SECTORS, cid("web"), id).build(),
            )
            .zeros("ds1/web/web-flat.vmdk", SECTORS * 512)
            .file(&format!("ds1/{folder}/{name}.vmdk"), text)
            .zeros(&format!("ds1/{folder}/{name}-flat.vmdk"), SECTORS * 512)
            .inventory(vcenter().vm(row_of("web")))
    };
    seeded("rep", "web", id)
        .judge()
        .are(
            &["ds1/rep/web.vmdk", "ds1/rep/web-flat.vmdk"],
            "orphaned/replica-leftover review",
        )
        .because("ds1/rep/web.vmdk", "older-copy");
    seeded("rep", "web", id)
        .file("ds1/rep/hbrcfg.GID-1.RID-2.vmx.5", vmx("web", &["web.vmdk"]).build())
        .judge()
        .is("ds1/rep/web.vmdk", "service/vsphere-replication never");
    seeded("rep", "web", guid(3, 4))
        .judge()
        .is("ds1/rep/web.vmdk", "orphaned/deleted-vm-disk candidate");
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
fn v32_an_image_that_the_service_itself_found_unused_is_for_review() {
    let image = "0f1e2d3c-0000-1111-2222-333344445555";
    let site = |mark: &'static str| {
        Site::vmware()
            .vm("ds1", "web")
            .disk(&format!("ds1/vmware_base/{image}/{image}"))
            .change(move |catalogue| catalogue.roots[0].empty_folders.push(mark.into()))
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    let disk = format!("ds1/vmware_base/{image}/{image}-flat.vmdk");
    site("vmware_base/0f1e2d3c-0000-1111-2222-333344445555/ts-2026-09-01-10-00-00")
        .is(&disk, "service/image-cache review")
        .because(&disk, "left-behind");
    site("vmware_base/other/ts-2026-09-01-10-00-00").is(&disk, "service/image-cache never");
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
        .because("ds1/bosh-disks/disk-1.vmdk", "last-written")
        .is("ds1/appvolumes/packages/office-flat.vmdk", "service/app-volumes never")
        .is("ds1/cloudvolumes/writable/user.vmdk", "service/app-volumes never")
        .are(
            &["ds1/old/bosh-disk-1.vmdk", "ds1/old/appvolumes.vmdk"],
            "orphaned/deleted-vm-disk candidate",
        );
}

#[test]
fn v34_volumes_of_cloudstack_are_known_at_the_top_of_the_datastore_only() {
    let data = "3e6b1b8e9a4c4f6e8d2a1b0c9d8e7f60";
    Site::vmware()
        .vm("ds1", "web")
        .disk(&format!("ds1/{data}"))
        .disk("ds1/ROOT-10")
        .disk(&format!("ds1/old/{data}"))
        .disk("ds1/ROOT-x")
        .disk("ds1/abc123")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &[
                &format!("ds1/{data}.vmdk"),
                &format!("ds1/{data}-flat.vmdk"),
                "ds1/ROOT-10-flat.vmdk",
            ],
            "service/cloudstack-volume never",
        )
        .are(
            &[&format!("ds1/old/{data}.vmdk"), "ds1/ROOT-x.vmdk", "ds1/abc123.vmdk"],
            "orphaned/deleted-vm-disk",
        );
}

#[test]
fn v34_a_template_vm_of_cloudstack_without_clones_is_unused_and_without_registration_a_whole_vm() {
    let name = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
    let site = |snapshot: &str| {
        let list = VmsdBuilder::default().snapshot(SnapshotBuilder {
            uid: 1,
            name: snapshot.to_owned(),
            state_file: format!("{name}-Snapshot1.vmsn"),
            created_us: 1_700_000_000_000_000,
            disks: vec![("scsi0:0".to_owned(), format!("{name}.vmdk"))],
            ..SnapshotBuilder::default()
        });
        Site::vmware()
            .vm("ds1", "web")
            .vmx(&format!("ds1/{name}"), name, &[&format!("{name}-000001.vmdk")])
            .disk(&format!("ds1/{name}/{name}"))
            .delta(&format!("ds1/{name}/{name}-000001"), &format!("{name}.vmdk"))
            .file(&format!("ds1/{name}/{name}.vmsd"), list.build())
    };
    let config = format!("[ds1] {name}/{name}.vmx");
    let registered = || vcenter().vm(row_of("web")).vm(config_only(name, &config));
    let disk = format!("ds1/{name}/{name}-flat.vmdk");
    site("cloud.template.base")
        .inventory(registered())
        .judge()
        .is(&disk, "owned/unused-template never")
        .problem("unused-parent", name);
    site("before the update")
        .inventory(registered())
        .judge()
        .is(&disk, "owned")
        .no_problem("unused-parent");
    site("cloud.template.base")
        .vmx("ds1/i-2-3-VM", "i-2-3-VM", &["ROOT-3.vmdk"])
        .delta("ds1/i-2-3-VM/ROOT-3", &format!("../{name}/{name}.vmdk"))
        .inventory(registered().vm(config_only("i-2-3-VM", "[ds1] i-2-3-VM/i-2-3-VM.vmx")))
        .judge()
        .is(&disk, "owned")
        .no_problem("unused-parent");
    site("cloud.template.base")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is(&disk, "unregistered/complete-vm review");
}

// V35: that a disk is independent stands in the configuration of the VM that had it, not in the disk; when that VM is gone,
// nothing in the files tells an independent disk of Aria from what a deleted VM left. The owner's rule tells it. Grading every
// loose disk `low` on the chance of it would make the grade worthless, so without a rule a loose disk is judged as any.
#[test]
fn v35_an_independent_disk_is_known_by_a_rule_of_its_owner_only() {
    let site = || {
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/aria-disks/data-1")
            .inventory(vcenter().vm(row_of("web")))
    };
    let rule = "version = 1\n[[rule]]\nid = \"aria\"\nverdict = \"service\"\nclass = \"independent-disk\"\n\
                paths = [\"aria-disks/**\"]\nreason = \"persistent disks of Aria Automation\"";
    site().rules(rule).judge().are(
        &["ds1/aria-disks/data-1.vmdk", "ds1/aria-disks/data-1-flat.vmdk"],
        "service/independent-disk never",
    );
    site()
        .judge()
        .is("ds1/aria-disks/data-1.vmdk", "orphaned/deleted-vm-disk candidate");
}

// V36: no name is known by which the volumes of Zerto could be told. Their appliance names them in its configuration as
// long as it has them, so they are `owned`; without it, they are a folder of disks without a VM, which is for review.
#[test]
fn v36_persistent_disks_of_horizon_and_the_store_of_recoverpoint_are_known_by_name() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/desk-1/desk-1-vdm-user-disk-D-0a1b2c3d-0000-1111-2222-333344445555")
        .disk("ds1/RPvStorage/journal-1")
        .disk("ds1/old/RPvStorage")
        .disk("ds1/old/user-disk")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is(
            "ds1/desk-1/desk-1-vdm-user-disk-D-0a1b2c3d-0000-1111-2222-333344445555.vmdk",
            "service/independent-disk never",
        )
        .is("ds1/RPvStorage/journal-1-flat.vmdk", "service/replica-copy never")
        .are(&["ds1/old/RPvStorage.vmdk", "ds1/old/user-disk.vmdk"], "orphaned");
}

#[test]
fn v36_a_folder_of_disks_without_a_vm_is_never_a_candidate() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/product/volume-a")
        .disk("ds1/product/volume-b")
        .disk("ds1/product/journal-c")
        .disk("ds1/app/app")
        .disk("ds1/app/app_1")
        .disk("ds1/app/app_2")
        .disk("ds1/mixed/one")
        .disk("ds1/mixed/two")
        .disk("ds1/mixed/three")
        .file("ds1/mixed/vmware.log", "log")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &["ds1/product/volume-a.vmdk", "ds1/product/journal-c-flat.vmdk"],
            "orphaned/deleted-vm-disk review",
        )
        .because("ds1/product/volume-a.vmdk", "product-store")
        .are(
            &["ds1/app/app.vmdk", "ds1/app/app_2.vmdk", "ds1/mixed/one.vmdk"],
            "orphaned/deleted-vm-disk candidate",
        );
}

#[test]
fn v36_what_lies_on_the_datastore_of_a_backup_server_is_a_live_mount() {
    let site = |label: &str| {
        Site::vmware()
            .root("nfs", &[label])
            .vm("ds1", "web")
            .disk("nfs/x/x")
            .inventory(vcenter().datastore(label, &[], &["esx1"]).vm(row_of("web")))
            .judge()
    };
    site("VeeamBackup_backup01").is("nfs/x/x.vmdk", "service/live-mount");
    site("Backup_backup01").is("nfs/x/x.vmdk", "orphaned/deleted-vm-disk");
}

/// A namespace of vSAN, and the name that a link gives it.
const NAMESPACE: &str = "0f1e2d3c-0000-1111-2222-333344445555";

#[test]
fn v65_a_folder_of_a_service_is_known_by_the_name_that_a_link_gives_it() {
    let site = |link: &str, disk: &str| {
        let path = format!("ds1/{NAMESPACE}/{disk}");
        Site::vmware()
            .vm("ds1", "web")
            .symlink(&format!("ds1/{link}"), NAMESPACE)
            .disk(&path)
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    for (link, disk, expected) in [
        ("kubevols", "pvc-1", "service/kubernetes-volume"),
        ("fcd", "0a1b", "service/fcd"),
        ("contentlib-1111", "2222/disk-0_3333", "service/content-library"),
        ("appvolumes", "packages/Office", "service/app-volumes"),
        ("dockvols", "11111111/vol1", "service/docker-volume"),
        ("old-vm", "old-vm", "orphaned/deleted-vm-disk"),
    ] {
        site(link, disk).is(&format!("ds1/{NAMESPACE}/{disk}.vmdk"), expected);
    }
}

#[test]
fn v22_what_lies_in_the_folder_of_a_library_that_is_listed_by_id_alone_is_of_the_library() {
    let (known, stored_by_address) = ("ds1/contentlib-1111/i1/disk-0", "ds1/contentlib-2222/i2/disk-0");
    let library = vcenter()
        .vm(row_of("web"))
        .folder_object("content-library", "one", "[ds1] contentlib-1111");
    let mut inventory = library.object("content-library", "two", None);
    for object in &mut inventory.objects {
        object.folder = true;
        object.id = if object.name == "one" { "1111" } else { "2222" }.to_owned();
    }
    inventory.has_library_list = true;
    Site::vmware()
        .vm("ds1", "web")
        .disk(known)
        .disk(stored_by_address)
        .disk("ds1/contentlib-3333/i3/disk-0")
        .inventory(inventory)
        .judge()
        .is(&format!("{known}.vmdk"), "service/content-library")
        .is(&format!("{stored_by_address}.vmdk"), "service/content-library")
        .is("ds1/contentlib-3333/i3/disk-0.vmdk", "orphaned/library-leftover review");
}

#[test]
fn a_disk_on_an_object_of_vsan_with_its_iscsi_service_may_be_a_lun() {
    let object = |name: &str| {
        let disk = DescriptorBuilder::new("vmfs", cid(name));
        disk.extent(&format!("RW {SECTORS} VMFS \"vsan://{NAMESPACE}\""))
            .build()
    };
    let site = |service: bool| {
        let site = Site::vmware()
            .vm("ds1", "web")
            .file("ds1/target/lun.vmdk", object("lun"))
            .file("ds1/old/old.vmdk", object("old"))
            .file("ds1/old/old.nvram", "MRVN");
        let site = if service {
            site.file("ds1/.iSCSI-CONFIG/config.db", "SQLite format 3")
        } else {
            site
        };
        site.inventory(vcenter().vm(row_of("web"))).judge()
    };
    site(true)
        .is("ds1/target/lun.vmdk", "unknown/service-unlisted")
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk");
    site(false).is("ds1/target/lun.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v36_disks_of_zerto_and_app_volumes_are_not_judged_by_their_names() {
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "Z-VRA-esx1")
        .disk("ds1/Z-VRA-esx1/journal")
        .disk("ds1/zerto/recovery/shop")
        .disk("ds1/zerto-lab/shop")
        .disk("ds1/AV/writable/LAB!5C!anna")
        .disk("ds1/AV/packages/Office!20!365")
        .disk("ds1/AV/packages/Hurray!now!")
        .inventory(vcenter().vm(row_of("web")).vm(row_of("Z-VRA-esx1")))
        .judge()
        .is("ds1/Z-VRA-esx1/Z-VRA-esx1.vmdk", "owned")
        .are(
            &[
                "ds1/Z-VRA-esx1/journal.vmdk",
                "ds1/zerto/recovery/shop-flat.vmdk",
                "ds1/AV/writable/LAB!5C!anna.vmdk",
                "ds1/AV/packages/Office!20!365-flat.vmdk",
            ],
            "unknown/service-unlisted never",
        )
        .are(
            &["ds1/zerto-lab/shop.vmdk", "ds1/AV/packages/Hurray!now!.vmdk"],
            "orphaned/deleted-vm-disk",
        );
}

#[test]
fn v65_a_namespace_whose_name_is_not_to_be_seen_may_be_that_of_a_service() {
    let (volume, old) = (
        "0f1e2d3c-0000-1111-2222-333344445551",
        "0f1e2d3c-0000-1111-2222-333344445552",
    );
    let disk = |name: &str, place: &str| {
        let disk = DescriptorBuilder::new("vmfs", cid(name));
        (
            format!("ds1/{place}/{name}.vmdk"),
            disk.extent(&format!("RW {SECTORS} VMFS \"vsan://{NAMESPACE}\""))
                .build(),
        )
    };
    let site = |links: bool, place: &str| {
        let (path, text) = disk("data", place);
        let (left, left_text) = disk("old", old);
        let mut site = Site::vmware()
            .vm("ds1", "web")
            .file(&path, text)
            .file(&left, left_text)
            .file(&format!("ds1/{old}/old.nvram"), "MRVN");
        if links {
            site = site.symlink("ds1/old", old);
        }
        let judged = site.inventory(vcenter().vm(row_of("web"))).judge();
        judged.is(&left, "orphaned/deleted-vm-disk review");
        (judged, path)
    };
    for place in [volume, &format!("rfc4122.{volume}"), &format!("{volume}/item")] {
        let (judged, path) = site(false, place);
        judged
            .is(&path, "unknown/service-unlisted never")
            .says(&path, "its folder is a namespace");
    }
    for (links, place) in [(true, volume), (false, "data")] {
        let (judged, path) = site(links, place);
        judged.is(&path, "orphaned/deleted-vm-disk review");
    }
}

#[test]
fn v22_what_was_made_since_the_list_of_the_libraries_is_of_a_library() {
    let site = |library: &str, listed: &str, written: &str| {
        let mut inventory = vcenter()
            .vm(row_of("web"))
            .folder_object("content-library", "library", "[ds1] contentlib-1111")
            .folder_object("content-library", "kept", "[ds1] contentlib-1111/kept")
            .list("content-library", None, listed);
        inventory.has_library_list = true;
        let disk = format!("ds1/contentlib-{library}/new/disk-0");
        let files = [format!("{disk}.vmdk"), format!("{disk}-flat.vmdk")];
        let files = files.each_ref().map(String::as_str);
        Site::vmware()
            .vm("ds1", "web")
            .disk(&disk)
            .all_modified(&files, written)
            .inventory(inventory)
            .judge()
    };
    let (list, before, after) = ("2026-09-10T12:00:00Z", "2026-09-01T00:00:00Z", "2026-09-20T00:00:00Z");
    for library in ["1111", "2222"] {
        let disk = format!("ds1/contentlib-{library}/new/disk-0.vmdk");
        site(library, list, before).is(&disk, "orphaned/library-leftover review");
        site(library, list, after).is(&disk, "service/content-library never");
        site(library, TAKEN, after).is(&disk, "orphaned/library-leftover review");
    }
}
