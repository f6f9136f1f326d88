//! H-C: disks that belong to no VM.

use derelict::evidence::MarkCode;
use derelict_parsers::{
    DiskKind,
    testkit::{guid, vhd::VhdBuilder},
};

use super::{checkpoint_config, checkpoint_path, csv, row_of, with_vm};
use crate::support::{Export, Site, TAKEN, child, hyperv_host, hyperv_row, hyperv_vm, vhdx, vm_id, vmcx_path};

#[test]
fn hc19_v36_a_name_that_only_begins_like_that_of_a_live_mount_is_not_judged() {
    let site = |folder: &str| {
        let disk = csv(&format!("{folder}/web.vhdx"));
        Site::hyperv()
            .vmcx(&format!("csv1/{folder}"), &hyperv_vm("web", &[&disk]))
            .vhdx(&format!("csv1/{folder}/web.vhdx"), &vhdx("web"))
            .vhdx(&format!("csv1/{folder}/left.vhdx"), &vhdx("left"))
            .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&disk])))
            .judge()
    };
    site("VRM01_old")
        .is("csv1/VRM01_old/left.vhdx", "unknown/service-unlisted never")
        .because("csv1/VRM01_old/left.vhdx", "owner-rule")
        .is("csv1/VRM01_old/web.vhdx", "owned");
    site("VRM01").is("csv1/VRM01/left.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn hc1_hc2_hc3_hc7_hc9_hc10_hc12_hc13_hc14_hc15_hc19_disks_of_services_are_known_by_their_places() {
    let cases = [
        ("upd/UVHD-S-1-5-21-1-2-3-1001.vhdx", "user-profile-disk"),
        ("upd/UVHD-template.vhdx", "user-profile-disk"),
        ("prof/anna_S-1-5-21-1-2-3-1001/Profile_anna.vhdx", "fslogix"),
        ("prof/S-1-5-21-1-2-3-1001_anna/ODFC_anna.VHDX", "fslogix"),
        ("prof/x/ODFC_anna-SESSION-3.VHDX", "fslogix"),
        ("prof/S-1-5-21-1-2-3-1104/anna.vhdx", "fslogix"),
        ("prof/anna.S-1-5-21-1-2-3-1104/anna.vhdx", "fslogix"),
        ("prof/S-1-12-1-1-2-3-4.vhdx", "fslogix"),
        (
            "upm/anna.corp/Win2022/ProfileContainer/Win2022/data.vhdx",
            "user-profile-disk",
        ),
        ("upm/anna.corp/VHD/Win2022/OutlookOST.vhdx", "user-profile-disk"),
        ("upm/anna.corp/VHD/Win2022/OutlookSearchIndex.vhdx", "user-profile-disk"),
        ("share/Packer/output/2022.vhdx", "image-library"),
        ("share/Mastervorlage/2022.vhdx", "image-library"),
        ("share/Images2022/2022.vhdx", "image-library"),
        ("share/Modèles/2022.vhdx", "image-library"),
        ("appattach/editor.vhdx", "app-attach"),
        ("share/MSIX-packages/editor.vhdx", "app-attach"),
        ("MSSCVMMLibrary/VHDs/blank.x.vhdx", "image-library"),
        ("share/ISO and Templates/2022.vhdx", "image-library"),
        ("share/golden/2022.vhdx", "image-library"),
        ("share/Vorlagen/2022.vhdx", "image-library"),
        ("Goldimages_2025/x.vhdx", "image-library"),
        ("share/VMTemplates/2022.vhdx", "image-library"),
        ("share/2022-BaseImages/2022.vhdx", "image-library"),
        ("x/Win2022-sysprepped.vhdx", "image-library"),
        (
            "build/output-hyperv-iso/Virtual Hard Disks/packer.vhdx",
            "image-library",
        ),
        ("Users/a/.vagrant.d/boxes/b/0/hyperv/disk.vhdx", "image-library"),
        ("DeploymentShare$/Captures/x.vhdx", "image-library"),
        ("x/linux-cblmariner-0.10.0.1.vhdx", "image-library"),
        ("Infrastructure_1/ArcHci/x.vhdx", "azure-local"),
        ("vol/ClusterPerformanceHistory/a.vhdx", "azure-local"),
        (
            "WindowsImageBackup/host/Backup 2026-01-01 000000/0a.vhdx",
            "backup-target",
        ),
        ("iSCSIVirtualDisks/lun0.vhdx", "iscsi-lun"),
        ("Users/a/AppData/Local/Packages/Debian/LocalState/ext4.vhdx", "wsl"),
        ("Users/a/AppData/Local/wsl/{0a}/ext4.vhdx", "wsl"),
        ("Users/a/AppData/Local/Temp/{0a}/swap.vhdx", "wsl"),
        ("Program Files/WSL/system.vhdx", "wsl"),
        (
            "Users/a/AppData/Local/Packages/MicrosoftCorporationII.WindowsSubsystemForAndroid_8wekyb3d8bbwe/LocalCache/userdata.vhdx",
            "wsl",
        ),
        (
            "Program Files/Microsoft Azure Recovery Services Agent/Scratch/0a/0a.vhdx",
            "backup-target",
        ),
        ("Program Files/Linux Containers/rootfs.vhdx", "container-layer"),
        (
            "ProgramData/containerd/root/io.containerd.snapshotter.v1.windows-lcow/snapshots/1/scratch.vhdx",
            "container-layer",
        ),
        ("Docker/wsl/disk/docker_data.vhdx", "docker-desktop"),
        ("Docker/DockerDesktop.vhdx", "docker-desktop"),
        ("Containers/BaseImages/0a/BaseLayer/blank-base.vhdx", "container-layer"),
        ("layers/sandbox.vhdx", "container-layer"),
        ("rubriklivemount_1/x.vhdx", "live-mount"),
        ("restore/vm1_temp_7/x.vhdx", "live-mount"),
    ];
    let site = cases.iter().fold(with_vm(Site::hyperv(), "web"), |site, (path, _)| {
        site.vhdx(&format!("csv1/{path}"), &vhdx(path))
    });
    let judged = site
        .only_as_it_is()
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge();
    for (path, class) in cases {
        judged.is(&format!("csv1/{path}"), &format!("service/{class} never"));
    }
}

#[test]
fn hc1_hc2_hc3_hc7_hc9_hc10_hc12_hc13_hc14_hc15_hc19_alike_names_protect_nothing() {
    let cases = [
        "imageset/a.vhdx",
        "Scratch/0a/0a.vhdx",
        "Packages/LocalCache/userdata.vhdx",
        "x/Profile.vhdx",
        "x/docker.vhdx",
        "goldenrod/a.vhdx",
        "Vorlagenbau/a.vhdx",
        "packers/a.vhdx",
        "Deployment/a.vhdx",
        "x/UVHD.vhdx",
        "x/S-1-5-18/a.vhdx",
        "x/Outlook.vhdx",
        "x/swap.vhdx",
        "x/temp/x.vhdx",
        "appattached/a.vhdx",
        "Infrastructure/x.vhdx",
        "x/Infrastructure_1/x.vhdx",
        "WindowsImages/x.vhdx",
        "goldimageset/x.vhdx",
        "databaseimages/x.vhdx",
        "x/ext4-old.vhdx",
        "Containers/x.vhdx",
        "iSCSI/lun0.vhdx",
    ];
    let site = cases.iter().fold(with_vm(Site::hyperv(), "web"), |site, path| {
        site.vhdx(&format!("csv1/{path}"), &vhdx(path))
    });
    let judged = site
        .only_as_it_is()
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge();
    for path in cases {
        judged.is(&format!("csv1/{path}"), "orphaned/deleted-vm-disk");
    }
}

#[test]
fn hc4_versions_beside_a_pvp_are_of_the_store_and_no_checkpoints() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/store/w10.vhdx", &vhdx("w10"))
        .vhdx("csv1/store/w10.1.avhdx", &child("w10.1", &vhdx("w10"), r".\w10.vhdx"))
        .file("csv1/store/w10.pvp", "<xml/>")
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .are(
            &["csv1/store/w10.vhdx", "csv1/store/w10.1.avhdx"],
            "service/pvs-store never",
        );
}

#[test]
fn hc4_a_version_that_the_list_of_the_versions_does_not_name_is_left_over() {
    let taken = |listed: &[&str], taken: &str| {
        let mut inventory = hyperv_host("hv1").vm(row_of("web")).list("pvs-store", None, taken);
        for name in listed {
            inventory = inventory.object("pvs-store", name, None);
            if let Some(object) = inventory.objects.last_mut() {
                object.id = (*name).to_owned();
            }
        }
        with_vm(Site::hyperv(), "web")
            .file("csv1/store/w10.pvp", "<xml/>")
            .vhdx("csv1/store/w10.vhdx", &vhdx("w10"))
            .vhdx("csv1/store/w10.1.avhdx", &child("w10.1", &vhdx("w10"), r".\w10.vhdx"))
            .vhdx("csv1/store/w10.2.vhdx", &vhdx("w10.2"))
            .vhdx(
                "csv1/store/w10.3.avhdx",
                &child("w10.3", &vhdx("w10.2"), r".\w10.2.vhdx"),
            )
            .vhdx("csv1/store/w11.vhdx", &vhdx("w11"))
            .only_as_it_is()
            .inventory(inventory)
            .judge()
    };
    let store = |listed: &[&str]| taken(listed, TAKEN);
    let needed = ["csv1/store/w10.2.vhdx", "csv1/store/w10.3.avhdx", "csv1/store/w11.vhdx"];
    let old = ["csv1/store/w10.vhdx", "csv1/store/w10.1.avhdx"];
    // What a listed version stands on is needed although the list does not name it.
    store(&["W10.3.avhdx"])
        .are(&needed, "service/pvs-store never")
        .are(&old, "orphaned/library-leftover review");
    // They were made after the list.
    taken(&["W10.3.avhdx"], "2026-08-01T00:00:00Z").are(&old, "service/pvs-store never");
    for listed in [&[][..], &["w11.vhdx"], &["w10.3.avhdx", "w10.1.avhdx"]] {
        store(listed)
            .are(&needed, "service/pvs-store never")
            .are(&old, "service/pvs-store never");
    }
}

#[test]
fn hc5_hc6_a_golden_parent_is_owned_by_the_used_child() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/parents/gold.vhdx", &vhdx("gold"))
        .vmcx("csv1/pool", &hyperv_vm("pool", &[&csv("pool/pool.vhdx")]))
        .vhdx(
            "csv1/pool/pool.vhdx",
            &child("pool", &vhdx("gold"), r"..\parents\gold.vhdx"),
        )
        .inventory(hyperv_host("hv1").vm(row_of("web")).vm(row_of("pool")))
        .judge()
        .is("csv1/parents/gold.vhdx", "owned")
        .owners("csv1/parents/gold.vhdx", &["pool"]);
}

#[test]
fn hc6_a_parent_of_unused_children_has_their_verdict_and_is_no_candidate() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/parents/gold.vhdx", &vhdx("gold"))
        .vhdx("csv1/pool/a.vhdx", &child("a", &vhdx("gold"), r"..\parents\gold.vhdx"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/pool/a.vhdx", "orphaned/stranded-snapshot review")
        .is("csv1/parents/gold.vhdx", "orphaned review");
}

#[test]
fn hc6_a_configuration_on_the_system_volume_leaves_nothing_open_where_all_disks_are_told_and_whole() {
    let site = |disk: &str, checkpoints_told: bool| {
        let mut vm = hyperv_row("web", &[&format!(r"C:\ClusterStorage\Volume1\web\{disk}")]);
        let name = vm_id("web").to_string().to_uppercase();
        let place = r"C:\ProgramData\Microsoft\Windows\Hyper-V\Virtual Machines";
        vm.config = Some(format!(r"{place}\{name}.vmcx"));
        vm.host = Some("hv1".to_owned());
        vm.checkpoints_told = checkpoints_told;
        Site::hyperv()
            .vhdx("csv1/web/web.vhdx", &vhdx("web"))
            .vhdx("csv1/web/child.vhdx", &child("child", &vhdx("gone"), "gone.vhdx"))
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .inventory(hyperv_host("hv1").vm(vm))
            .judge()
    };
    site("web.vhdx", true).is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk");
    site("web.vhdx", false).is("csv1/old/old.vhdx", "unknown/outside-scan");
    site("child.vhdx", true).is("csv1/old/old.vhdx", "unknown/outside-scan");
}

#[test]
fn hc6_while_a_vm_has_a_disk_on_a_volume_that_was_not_scanned_a_base_here_may_be_its_parent() {
    let disk = r"C:\ClusterStorage\Volume2\far\far.vhdx";
    let mut vm = hyperv_row("far", &[disk]);
    vm.config = Some(vm.config.unwrap().replace("Volume1", "Volume2"));
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/parents/gold.vhdx", &vhdx("gold"))
        .inventory(
            hyperv_host("hv1")
                .datastore("Volume2", &[r"C:\ClusterStorage\Volume2"], &["hv1"])
                .vm(row_of("web"))
                .vm(vm),
        )
        .judge()
        .is("csv1/parents/gold.vhdx", "unknown/outside-scan");
}

#[test]
fn hc5_a_base_of_mcs_without_children_is_the_catalogues_and_with_children_theirs() {
    let base = "csv1/w10-baseDisk-csv1/w10-baseDisk-csv1.vhdx";
    let on_base = r"..\w10-baseDisk-csv1\w10-baseDisk-csv1.vhdx";
    with_vm(Site::hyperv(), "web")
        .vhdx(base, &vhdx("w10"))
        .vhdx("csv1/x/w10basedisk.vhdx", &vhdx("x"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is(base, "service/mcs-base review")
        .is("csv1/x/w10basedisk.vhdx", "orphaned/deleted-vm-disk");
    with_vm(Site::hyperv(), "web")
        .vhdx(base, &vhdx("w10"))
        .vhdx("csv1/pc1/pc1.vhdx", &child("pc1", &vhdx("w10"), on_base))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/pc1/pc1.vhdx", "orphaned/stranded-snapshot review")
        .is(base, "orphaned review");
    with_vm(Site::hyperv(), "web")
        .vhdx(base, &vhdx("w10"))
        .vmcx("csv1/pc1", &hyperv_vm("pc1", &[&csv("pc1/pc1.vhdx")]))
        .vhdx("csv1/pc1/pc1.vhdx", &child("pc1", &vhdx("w10"), on_base))
        .inventory(hyperv_host("hv1").vm(row_of("web")).vm(row_of("pc1")))
        .judge()
        .is(base, "owned never");
}

#[test]
fn hc8_an_unattached_disk_of_azure_local_is_not_judged_without_its_own_list() {
    let taken = |infrastructure: bool, listed: bool, taken: &str| {
        let mut inventory = hyperv_host("hv1").vm(row_of("web")).list("azure-local", None, taken);
        if infrastructure {
            inventory = inventory.datastore("Infrastructure_1", &[r"C:\ClusterStorage\Infrastructure_1"], &["hv1"]);
        }
        if listed {
            inventory = inventory.object("azure-local", "data", Some(&csv("store/data.vhdx")));
        }
        with_vm(Site::hyperv(), "web")
            .vhdx("csv1/store/data.vhdx", &vhdx("data"))
            .vhdx("csv1/store/old.vhdx", &vhdx("old"))
            .only_as_it_is()
            .inventory(inventory)
            .judge()
    };
    let site = |infrastructure: bool, listed: bool| taken(infrastructure, listed, TAKEN);
    site(true, false).are(
        &["csv1/store/data.vhdx", "csv1/store/old.vhdx"],
        "unknown/service-unlisted never",
    );
    site(true, true)
        .is("csv1/store/data.vhdx", "service/azure-local never")
        .is("csv1/store/old.vhdx", "orphaned/deleted-vm-disk");
    site(false, false).is("csv1/store/data.vhdx", "orphaned/deleted-vm-disk");
    taken(true, true, "2026-08-01T00:00:00Z")
        .is("csv1/store/data.vhdx", "service/azure-local never")
        .is("csv1/store/old.vhdx", "unknown/service-unlisted never");
    // A resource whose file is not told may be any of them, and shows that the site is one.
    let inventory = hyperv_host("hv1").vm(row_of("web")).object("azure-local", "data", None);
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/store/data.vhdx", &vhdx("data"))
        .only_as_it_is()
        .inventory(inventory)
        .judge()
        .is("csv1/store/data.vhdx", "unknown/service-unlisted never");
}

#[test]
fn hc11_hc12_hc16_what_a_service_lists_is_its_own_wherever_it_lies_and_what_lies_beside_is_not() {
    for class in ["backup-target", "iscsi-lun", "mounted-vhd"] {
        with_vm(Site::hyperv(), "web")
            .vhdx("csv1/x/base.vhdx", &vhdx("base"))
            .vhdx("csv1/x/lun.vhdx", &child("lun", &vhdx("base"), r".\base.vhdx"))
            .vhdx("csv1/x/other.vhdx", &vhdx("other"))
            .inventory(
                hyperv_host("hv1")
                    .vm(row_of("web"))
                    .object(class, "lun", Some(&csv("x/lun.vhdx"))),
            )
            .judge()
            .are(
                &["csv1/x/lun.vhdx", "csv1/x/base.vhdx"],
                &format!("service/{class} never"),
            )
            .is("csv1/x/other.vhdx", "orphaned/deleted-vm-disk");
    }
}

#[test]
fn hc17_a_disk_of_another_hypervisor_is_foreign() {
    let foreign = VhdBuilder {
        creator: *b"tap\0",
        ..VhdBuilder::new(DiskKind::Dynamic, 64 << 20, 1)
    };
    with_vm(Site::hyperv(), "web")
        .sparse("csv1/xen/0f1e2d3c-0000-1111-2222-333344445555.vhd", &foreign.build())
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is(
            "csv1/xen/0f1e2d3c-0000-1111-2222-333344445555.vhd",
            "unknown/foreign never",
        );
}

#[test]
fn hc17_a_disk_that_hyper_v_made_is_not_foreign_whatever_its_name() {
    with_vm(Site::hyperv(), "web")
        .sparse(
            "csv1/x/0f1e2d3c-0000-1111-2222-333344445555.vhd",
            &VhdBuilder::new(DiskKind::Dynamic, 64 << 20, 1).build(),
        )
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is(
            "csv1/x/0f1e2d3c-0000-1111-2222-333344445555.vhd",
            "orphaned/deleted-vm-disk",
        );
}

#[test]
fn hc18_an_export_of_a_live_vm_is_a_copy() {
    with_vm(Site::hyperv(), "web")
        .vmcx(
            "csv1/Export/web",
            &hyperv_vm("web", &[r"D:\Export\web\Virtual Hard Disks\web.vhdx"]),
        )
        .vhdx("csv1/Export/web/Virtual Hard Disks/web.vhdx", &vhdx("web"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is(
            &vmcx_path("csv1/Export/web", vm_id("web")),
            "unregistered/export-copy review",
        )
        .is("csv1/web/web.vhdx", "owned");
}

/// An export of `web` in `csv1/Export/web` with a checkpoint, whose paths are those of another host.
fn with_export_of_web(site: Site) -> Site {
    let disks = "csv1/Export/web/Virtual Hard Disks";
    let was = r"E:\Out\web\Virtual Hard Disks";
    let mut checkpoint = checkpoint_config("web", 1, &[&format!(r"{was}\web.vhdx")]);
    checkpoint.id = guid(2, 77);
    site.vmcx("csv1/Export/web", &hyperv_vm("web", &[&format!(r"{was}\web_A.avhdx")]))
        .file(&checkpoint_path("csv1/Export/web", 2), checkpoint.to_vmcx())
        .vhdx(&format!("{disks}/web.vhdx"), &vhdx("web"))
        .vhdx(
            &format!("{disks}/web_A.avhdx"),
            &child("web_A", &vhdx("web"), r".\web.vhdx"),
        )
}

#[test]
fn hc18_an_export_keeps_its_disks_and_checkpoints_although_its_paths_are_stale() {
    let disks = "csv1/Export/web/Virtual Hard Disks";
    with_export_of_web(with_vm(Site::hyperv(), "web"))
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .are(
            &[
                &vmcx_path("csv1/Export/web", vm_id("web")),
                &checkpoint_path("csv1/Export/web", 2),
                &format!("{disks}/web.vhdx"),
                &format!("{disks}/web_A.avhdx"),
            ],
            "unregistered/export-copy review",
        )
        .is("csv1/web/web.vhdx", "owned")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
        .no_gap("outside-scan")
        .no_problem("missing-disk");
}

#[test]
fn hc18_checkpoints_that_a_live_vm_keeps_elsewhere_stay_its_own() {
    with_export_of_web(with_vm(Site::hyperv(), "web"))
        .file(
            &checkpoint_path("csv1/checkpoints", 1),
            checkpoint_config("web", 1, &[&csv("web/web.vhdx")]).to_vmcx(),
        )
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is(&checkpoint_path("csv1/checkpoints", 1), "owned")
        .owners(&checkpoint_path("csv1/checkpoints", 1), &["web"]);
}

#[test]
fn hc18_a_copied_folder_keeps_the_copy_of_a_disk_whose_live_path_its_configuration_names() {
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/copy", &hyperv_vm("web", &[&csv("web/web.vhdx")]))
        .vhdx("csv1/copy/web.vhdx", &vhdx("web"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/copy/web.vhdx", "unregistered/export-copy review")
        .is("csv1/web/web.vhdx", "owned")
        .owners("csv1/web/web.vhdx", &["web"]);
}

#[test]
fn hc18_the_old_disk_of_a_live_vm_in_its_folder_is_still_a_leftover() {
    let disk = csv("new/web.vhdx");
    Site::hyperv()
        .vmcx("csv1/web", &hyperv_vm("web", &[&disk]))
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .vhdx("csv1/new/web.vhdx", &vhdx("web"))
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&disk])))
        .judge()
        .is("csv1/web/web.vhdx", "orphaned/migration-leftover");
}

#[test]
fn hc19_an_empty_disk_of_a_live_mount_is_not_judged() {
    with_vm(Site::hyperv(), "web")
        .file("csv1/mount/web.avhdx", "")
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/mount/web.avhdx", "unknown/damaged never");
}

#[test]
fn hc20_what_lies_with_the_replicas_of_another_product_is_judged_by_its_inventory_only() {
    let disk = csv("dr/web_replica/web.vhdx");
    let site = |registered: bool| {
        let mut row = hyperv_row("web_replica", &[&disk]);
        row.config = row
            .config
            .map(|config| config.replace(r"\web_replica\", r"\dr\web_replica\"));
        let mut inventory = hyperv_host("hv1").vm(row_of("web"));
        if registered {
            inventory = inventory.vm(row);
        }
        with_vm(Site::hyperv(), "web")
            .vmcx("csv1/dr/web_replica", &hyperv_vm("web_replica", &[&disk]))
            .vhdx("csv1/dr/web_replica/web.vhdx", &vhdx("replica"))
            .vhdx("csv1/SureBackup lab/x.vhdx", &vhdx("x"))
            .vhdx("csv1/replicas/y.vhdx", &vhdx("y"))
            .inventory(inventory)
            .judge()
    };
    let config = vmcx_path("csv1/dr/web_replica", vm_id("web_replica"));
    site(false)
        .are(
            &[&config, "csv1/dr/web_replica/web.vhdx", "csv1/SureBackup lab/x.vhdx"],
            "unknown/no-coverage never",
        )
        .is("csv1/replicas/y.vhdx", "orphaned/deleted-vm-disk");
    site(true).are(&[&config, "csv1/dr/web_replica/web.vhdx"], "owned");
}

#[test]
fn hc20_a_sign_of_use_decides_before_the_place() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/web_replica/x.vhdx", &vhdx("x"))
        .mark("csv1/web_replica/x.vhdx", MarkCode::SharingViolation)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/web_replica/x.vhdx", "in-use/locked");
}

#[test]
fn hc21_a_signed_template_is_known_by_its_catalogue() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/hgs/2022.vhdx", &vhdx("2022"))
        .file("csv1/hgs/2022.vsc", "x")
        .file("csv1/hgs/keys.pdk", "x")
        .vhdx("csv1/x/2022.vhdx", &vhdx("x"))
        .file("csv1/x/2022.txt", "x")
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/hgs/2022.vhdx", "service/shielded-template never")
        .is("csv1/x/2022.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn hc9_the_infrastructure_volume_of_azure_local_may_be_a_root_itself() {
    let site = |volume: &str| {
        let mut host = hyperv_host("hv1").vm(row_of("web"));
        host = host.datastore(
            volume,
            &[r"\\?\Volume{11111111-2222-3333-4444-555555555555}\"],
            &["hv1"],
        );
        with_vm(Site::hyperv(), "web")
            .root("infra", &[r"\\?\Volume{11111111-2222-3333-4444-555555555555}"])
            .vhdx("infra/ArcHci/moc.vhdx", &vhdx("moc"))
            .only_as_it_is()
            .inventory(host)
            .judge()
    };
    site(r"C:\ClusterStorage\Infrastructure_1").is("infra/ArcHci/moc.vhdx", "service/azure-local never");
    site(r"C:\ClusterStorage\Volume2").is("infra/ArcHci/moc.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn hc8_a_site_is_azure_local_by_its_user_volumes_too() {
    let site = |volume: &str| {
        let folder = format!(r"C:\ClusterStorage\{volume}");
        let disk = format!(r"{folder}\web\web.vhdx");
        let mut row = hyperv_row("web", &[&disk]);
        row.config = Some(vmcx_path(&format!(r"{folder}\web"), vm_id("web")).replace('/', "\\"));
        Site::bare()
            .root("u1", &[&folder])
            .vmcx("u1/web", &hyperv_vm("web", &[&disk]))
            .vhdx("u1/web/web.vhdx", &vhdx("web"))
            .vhdx("u1/0a1b/data7.vhdx", &vhdx("data7"))
            .only_as_it_is()
            .inventory(hyperv_host("hv1").datastore("User", &[&folder], &["hv1"]).vm(row))
            .judge()
    };
    site("UserStorage_1").is("u1/0a1b/data7.vhdx", "unknown/service-unlisted never");
    site("Volume7").is("u1/0a1b/data7.vhdx", "orphaned/deleted-vm-disk");
}
