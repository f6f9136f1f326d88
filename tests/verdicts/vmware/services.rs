//! Cases V15 – V25 and V32 – V36: owners that are no VM.

use crate::support::{Export, SECTORS, Site, descriptor, row_of, vcenter, vmx};

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
