//! Cases H-… of the Hyper-V traps: identities of VMs, services, chains, configurations and state.

use derelict::{
    evidence::MarkCode,
    inventory::{ClusterVm, InventoryKind, OpenFile},
    kind::{Platform, Role},
};
use derelict_parsers::{
    DiskKind,
    hyperv_config::ControllerKind,
    testkit::{
        guid,
        hyperv_files::{HrlBuilder, VmgsBuilder, vhds},
        hyperv_vm::{HypervDrive, HypervVm, host_store},
        vhd::VhdBuilder,
        vhdx::{ParentPaths, VhdxBuilder, VhdxLog},
    },
};

use super::support::{
    Export, Judged, Site, checkpoint, child, hyperv_host, hyperv_row, hyperv_vm, inventory, listed, vhdx, vm_id,
    vmcx_path,
};

/// A path on the volume that [`Site::hyperv`] scans, as Windows writes it.
fn csv(path: &str) -> String {
    format!(r"C:\ClusterStorage\Volume1\{}", path.replace('/', "\\"))
}

/// A VM with one disk in its folder.
fn with_vm(site: Site, name: &str) -> Site {
    site.vmcx(
        &format!("csv1/{name}"),
        &hyperv_vm(name, &[&csv(&format!("{name}/{name}.vhdx"))]),
    )
    .vhdx(&format!("csv1/{name}/{name}.vhdx"), &vhdx(name))
}

/// The row of such a VM.
fn row_of(name: &str) -> derelict::inventory::Registration {
    hyperv_row(name, &[&csv(&format!("{name}/{name}.vhdx"))])
}

fn config(name: &str) -> String {
    vmcx_path(&format!("csv1/{name}"), vm_id(name))
}

/// A checkpoint of a VM with its own disks.
fn checkpoint_config(vm: &str, number: u64, disks: &[&str]) -> HypervVm {
    let mut checkpoint = hyperv_vm(vm, disks);
    checkpoint.id = guid(number, 77);
    checkpoint.checkpoint_of = Some(vm_id(vm));
    checkpoint
}

fn checkpoint_path(folder: &str, number: u64) -> String {
    format!(
        "{folder}/Snapshots/{}.vmcx",
        guid(number, 77).to_string().to_uppercase()
    )
}

#[test]
fn a_registered_vm_owns_its_files_and_a_loose_disk_is_orphaned() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/web/old.vhdx", &vhdx("old"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .are(&[&config("web"), "csv1/web/web.vhdx"], "owned never")
        .owners("csv1/web/web.vhdx", &["web"])
        .is("csv1/web/old.vhdx", "orphaned/deleted-vm-disk candidate")
        .confidence("csv1/web/old.vhdx", "high")
        .complete(true);
}

// --- A. Coverage and identity of inventories ------------------------------------------------------------------------

#[test]
fn ha1_a_vm_that_nobody_registers_and_that_runs_on_caps_the_volume() {
    with_vm(with_vm(Site::hyperv(), "web"), "other")
        .modified("csv1/other/other.vhdx", "2026-10-20T00:00:00Z")
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is(&config("other"), "in-use/written-since-inventory never")
        .is("csv1/other/other.vhdx", "in-use/written-since-inventory")
        .is("csv1/old/old.vhdx", "unknown/no-coverage")
        .gap("unknown-vm-in-use")
        .complete(false);
}

#[test]
fn ha1_a_node_of_which_no_export_was_given_caps_the_volume() {
    let mut inventory = hyperv_host("hv1").vm(row_of("web"));
    inventory.missing_hosts = vec!["hv2".to_owned()];
    with_vm(with_vm(Site::hyperv(), "web"), "other")
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .inventory(inventory)
        .judge()
        .is(&config("other"), "unknown/no-coverage")
        .is("csv1/old/old.vhdx", "unknown/no-coverage")
        .gap("node-without-inventory");
}

#[test]
fn ha1_the_store_of_a_host_in_a_folder_of_its_name_is_its_export() {
    let mut inventory = hyperv_host("hv1").vm(row_of("web"));
    inventory.missing_hosts = vec!["HV2".to_owned()];
    let mut store = self::inventory("hv2", Platform::Hyperv, InventoryKind::HypervHostStore);
    store.vms = Vec::new();
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .only_as_it_is()
        .inventory(inventory)
        .inventory(store)
        .judge()
        .no_gap("node-without-inventory");
}

#[test]
fn ha1_a_vm_that_runs_until_shortly_before_the_export_caps_the_volume_and_one_that_is_new_does_not() {
    let site = |disk: &str, config_time: &str| {
        with_vm(with_vm(Site::hyperv(), "web"), "other")
            .modified("csv1/other/other.vhdx", disk)
            .modified(&config("other"), config_time)
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .inventory(hyperv_host("hv1").vm(row_of("web")))
            .judge()
    };
    site("2026-09-30T23:30:00Z", "2026-09-01T00:00:00Z")
        .is("csv1/old/old.vhdx", "unknown/no-coverage")
        .gap("unknown-vm-in-use");
    site("2026-09-30T23:30:00Z", "2026-09-30T23:30:00Z")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
        .no_gap("unknown-vm-in-use");
}

#[test]
fn ha2_the_place_that_the_cluster_names_tells_a_vm_from_its_export() {
    let mut inventory = hyperv_host("hv1").vm(row_of("web"));
    inventory.has_cluster_list = true;
    inventory.cluster_vms.push(ClusterVm {
        id: vm_id("down"),
        name: "down".to_owned(),
        root: Some(csv("down")),
        state: None,
    });
    with_vm(with_vm(Site::hyperv(), "web"), "down")
        .vmcx("csv1/a-copy", &hyperv_vm("down", &[&csv("a-copy/down.vhdx")]))
        .inventory(inventory)
        .judge()
        .is(&config("down"), "owned")
        .is(&vmcx_path("csv1/a-copy", vm_id("down")), "unknown/no-coverage");
}

#[test]
fn ha2_a_vm_that_only_the_cluster_lists_is_registered_and_makes_the_rest_unknown() {
    let mut inventory = hyperv_host("hv1").vm(row_of("web"));
    inventory.has_cluster_list = true;
    inventory.cluster_vms.push(ClusterVm {
        id: vm_id("down"),
        name: "down".to_owned(),
        root: None,
        state: None,
    });
    with_vm(with_vm(with_vm(Site::hyperv(), "web"), "down"), "other")
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .inventory(inventory)
        .judge()
        .are(&[&config("down"), "csv1/down/down.vhdx"], "owned")
        .are(
            &[&config("other"), "csv1/other/other.vhdx", "csv1/old/old.vhdx"],
            "unknown/no-coverage",
        )
        .gap("cluster-vm-without-row");
}

#[test]
fn ha3_an_export_without_rows_says_nothing_of_anybody() {
    with_vm(Site::hyperv(), "web")
        .inventory(hyperv_host("hv1").warning("no-vms", None))
        .judge()
        .are(&[&config("web"), "csv1/web/web.vhdx"], "unknown/no-coverage")
        .complete(false);
}

#[test]
fn ha4_an_export_with_errors_says_nothing_of_what_it_does_not_list() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .inventory(hyperv_host("hv1").vm(row_of("web")).warning("errors", None))
        .judge()
        .is("csv1/web/web.vhdx", "owned")
        .is("csv1/old/old.vhdx", "unknown/no-coverage")
        .gap("inventory-incomplete");
}

#[test]
fn ha4_ha6_a_vm_without_configuration_whose_disks_no_cmdlet_could_list_keeps_its_folder_unknown() {
    let gone = |disks: &[&str]| {
        with_vm(Site::hyperv(), "web")
            .vhdx("csv1/gone/data.vhdx", &vhdx("data"))
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .inventory(hyperv_host("hv1").vm(row_of("web")).vm(hyperv_row("gone", disks)))
            .judge()
    };
    gone(&[])
        .is("csv1/gone/data.vhdx", "unknown/owner-unreadable never")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
        .problem("ghost", "gone");
    gone(&[&csv("gone/gone.vhdx")]).is("csv1/gone/data.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn ha5_a_vm_whose_files_somebody_holds_is_in_use() {
    with_vm(with_vm(Site::hyperv(), "web"), "lost")
        .mark("csv1/lost/lost.vhdx", MarkCode::SharingViolation)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .are(&[&config("lost"), "csv1/lost/lost.vhdx"], "in-use/locked never");
}

#[test]
fn ha6_a_registered_vm_without_files_is_a_ghost_with_its_paths() {
    let judged = with_vm(Site::hyperv(), "web")
        .inventory(hyperv_host("hv1").vm(row_of("web")).vm(row_of("gone")))
        .judge();
    judged.problem("ghost", "gone");
    assert_eq!(
        judged.missing("gone"),
        [config("gone"), "csv1/gone/gone.vhdx".to_owned()]
    );
}

#[test]
fn ha7_a_vm_that_vanished_from_the_manager_is_a_lost_registration() {
    with_vm(with_vm(Site::hyperv(), "web"), "lost")
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .are(
            &[&config("lost"), "csv1/lost/lost.vhdx"],
            "unregistered/lost-registration review",
        );
}

#[test]
fn ha8_names_of_folders_decide_nothing() {
    let path = csv("alpha/beta.vhdx");
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/alpha", &hyperv_vm("gamma", &[&path]))
        .vhdx("csv1/alpha/beta.vhdx", &vhdx("beta"))
        .inventory({
            let mut vm = hyperv_row("gamma", &[&path]);
            vm.config = vm.config.map(|config| config.replace("gamma", "alpha"));
            hyperv_host("hv1").vm(row_of("web")).vm(vm)
        })
        .judge()
        .is("csv1/alpha/beta.vhdx", "owned")
        .owners("csv1/alpha/beta.vhdx", &["gamma"]);
}

#[test]
fn ha9_a_copy_with_the_id_of_a_registered_vm_is_an_export_and_a_problem() {
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/copy", &hyperv_vm("web", &[&csv("copy/web.vhdx")]))
        .vhdx("csv1/copy/web.vhdx", &vhdx("copy"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/web/web.vhdx", "owned")
        .is("csv1/copy/web.vhdx", "unregistered/export-copy review")
        .problem("duplicate-identity", "web");
}

#[test]
fn ha9_one_id_on_two_hosts_at_two_places_is_owned_at_both() {
    let mut second = hyperv_row("web", &[&csv("copy/web.vhdx")]);
    second.config = second.config.map(|config| config.replace(r"\web\", r"\copy\"));
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/copy", &hyperv_vm("web", &[&csv("copy/web.vhdx")]))
        .vhdx("csv1/copy/web.vhdx", &vhdx("copy"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .inventory(hyperv_host("hv2").vm(second))
        .judge()
        .are(&["csv1/web/web.vhdx", "csv1/copy/web.vhdx"], "owned");
}

#[test]
fn ha11_a_backup_disk_born_after_the_export_is_too_new() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/web/new.avhdx", &child("new", &vhdx("web"), r".\web.vhdx"))
        .modified("csv1/web/new.avhdx", "2026-10-05T00:00:00Z")
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/web/new.avhdx", "unknown/too-new never");
}

#[test]
fn ha11_a_vm_that_moved_since_the_export_is_owned_whichever_of_its_copies_it_is() {
    let mut row = hyperv_row("far", &[&csv("before/far.vhdx")]);
    row.config = row.config.map(|config| config.replace(r"\far\", r"\before\"));
    with_vm(with_vm(Site::hyperv(), "web"), "far")
        .vmcx("csv1/a-copy", &hyperv_vm("far", &[&csv("a-copy/far.vhdx")]))
        .vhdx("csv1/a-copy/far.vhdx", &vhdx("copy"))
        .inventory(hyperv_host("hv1").vm(row_of("web")).vm(row))
        .judge()
        .are(
            &[
                &config("far"),
                "csv1/far/far.vhdx",
                &vmcx_path("csv1/a-copy", vm_id("far")),
                "csv1/a-copy/far.vhdx",
            ],
            "owned",
        )
        .problem("config-moved", "far");
}

#[test]
fn ha13_an_old_planned_vm_is_stale_and_a_fresh_one_too_new() {
    let plan = |name: &str| {
        format!(
            "csv1/{name}/Planned Virtual Machines/{}.vmcx",
            vm_id(name).to_string().to_uppercase()
        )
    };
    with_vm(Site::hyperv(), "web")
        .file(&plan("stale"), hyperv_vm("stale", &[]).to_vmcx())
        .file(&plan("fresh"), hyperv_vm("fresh", &[]).to_vmcx())
        .modified(&plan("fresh"), "2026-10-20T00:00:00Z")
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is(&plan("stale"), "unregistered/stale-planned review")
        .is(&plan("fresh"), "unknown/too-new");
}

// --- C. Disks that belong to no VM ----------------------------------------------------------------------------------

#[test]
fn hc_disks_of_services_are_known_by_their_places() {
    let cases = [
        ("upd/UVHD-S-1-5-21-1-2-3-1001.vhdx", "user-profile-disk"),
        ("upd/UVHD-template.vhdx", "user-profile-disk"),
        ("prof/anna_S-1-5-21-1-2-3-1001/Profile_anna.vhdx", "fslogix"),
        ("prof/S-1-5-21-1-2-3-1001_anna/ODFC_anna.VHDX", "fslogix"),
        ("prof/x/ODFC_anna-SESSION-3.VHDX", "fslogix"),
        ("appattach/editor.vhdx", "app-attach"),
        ("share/MSIX-packages/editor.vhdx", "app-attach"),
        ("MSSCVMMLibrary/VHDs/blank.x.vhdx", "image-library"),
        ("share/ISO and Templates/2022.vhdx", "image-library"),
        ("share/golden/2022.vhdx", "image-library"),
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
fn hc_alike_names_protect_nothing() {
    let cases = [
        "imageset/a.vhdx",
        "x/Profile.vhdx",
        "x/docker.vhdx",
        "goldenrod/a.vhdx",
        "x/UVHD.vhdx",
        "x/swap.vhdx",
        "x/temp/x.vhdx",
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
fn hc8_an_unattached_disk_of_azure_local_is_not_judged_without_its_own_list() {
    let site = |infrastructure: bool, listed: bool| {
        let mut inventory = hyperv_host("hv1").vm(row_of("web"));
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
    site(true, false).are(
        &["csv1/store/data.vhdx", "csv1/store/old.vhdx"],
        "unknown/service-unlisted never",
    );
    site(true, true)
        .is("csv1/store/data.vhdx", "service/azure-local never")
        .is("csv1/store/old.vhdx", "orphaned/deleted-vm-disk");
    site(false, false).is("csv1/store/data.vhdx", "orphaned/deleted-vm-disk");
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
fn hc21_a_signed_template_is_known_by_its_catalogue() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/hgs/2022.vhdx", &vhdx("2022"))
        .file("csv1/hgs/2022.vsc", "x")
        .file("csv1/hgs/keys.pdk", "x")
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/hgs/2022.vhdx", "service/shielded-template never");
}

// --- D. Chains, checkpoints, backup leftovers -----------------------------------------------------------------------

#[test]
fn hd1_the_base_of_an_active_checkpoint_is_owned_by_the_chain() {
    let leaf = csv("web/web_A.avhdx");
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/web", &hyperv_vm("web", &[&leaf]))
        .vhdx("csv1/web/web_A.avhdx", &child("web_A", &vhdx("web"), r".\web.vhdx"))
        .file(
            &checkpoint_path("csv1/web", 1),
            checkpoint_config("web", 1, &[&csv("web/web.vhdx")]).to_vmcx(),
        )
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&leaf])))
        .judge()
        .are(
            &[
                "csv1/web/web_A.avhdx",
                "csv1/web/web.vhdx",
                &checkpoint_path("csv1/web", 1),
            ],
            "owned never",
        );
}

#[test]
fn hd2_a_branch_is_owned_through_the_configuration_of_its_checkpoint() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/web/branch.avhdx", &child("branch", &vhdx("web"), r".\web.vhdx"))
        .file(
            &checkpoint_path("csv1/web", 1),
            checkpoint_config("web", 1, &[&csv("web/branch.avhdx")]).to_vmcx(),
        )
        .inventory({
            let mut vm = row_of("web");
            vm.checkpoints.push(checkpoint(guid(1, 77), false));
            hyperv_host("hv1").vm(vm)
        })
        .judge()
        .is("csv1/web/branch.avhdx", "owned")
        .no_gap("checkpoints-without-disks");
}

#[test]
fn hd2_without_the_disks_of_checkpoints_no_checkpoint_disk_is_judged() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/web/branch.avhdx", &child("branch", &vhdx("web"), r".\web.vhdx"))
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .inventory({
            let mut vm = row_of("web");
            vm.checkpoints.push(checkpoint(guid(1, 77), false));
            hyperv_host("hv1").vm(vm)
        })
        .judge()
        .is("csv1/web/branch.avhdx", "unknown/no-coverage")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
        .gap("checkpoints-without-disks");
}

#[test]
fn hd2_a_vm_on_a_checkpoint_that_neither_a_list_nor_its_configuration_tells_keeps_checkpoint_disks_unknown() {
    let site = |has_snapshots: bool| {
        let mut row = row_of("gone");
        row.has_snapshots = has_snapshots;
        with_vm(Site::hyperv(), "web")
            .vhdx(
                "csv1/x/branch.avhdx",
                &child("branch", &vhdx("web"), r"..\web\web.vhdx"),
            )
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .inventory(hyperv_host("hv1").vm(row_of("web")).vm(row))
            .judge()
    };
    site(true)
        .is("csv1/x/branch.avhdx", "unknown/no-coverage")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
        .gap("checkpoints-without-disks");
    site(false).is("csv1/x/branch.avhdx", "orphaned/stranded-snapshot");
}

#[test]
fn hd3_disks_that_a_hidden_checkpoint_lists_are_owned() {
    let mut vm = row_of("web");
    vm.checkpoints.push(derelict::inventory::Checkpoint {
        kind: Some("Recovery".to_owned()),
        ..checkpoint(guid(1, 77), true)
    });
    vm.files.push(listed(&csv("web/branch.avhdx"), Role::Disk));
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/web/branch.avhdx", &child("branch", &vhdx("web"), r".\web.vhdx"))
        .inventory(hyperv_host("hv1").vm(vm))
        .judge()
        .is("csv1/web/branch.avhdx", "owned");
}

#[test]
fn hd4_a_vm_that_runs_on_a_checkpoint_disk_which_no_list_knows_is_unmerged() {
    let leaf = csv("web/web_A.avhdx");
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/web", &hyperv_vm("web", &[&leaf]))
        .vhdx("csv1/web/web_A.avhdx", &child("web_A", &vhdx("web"), r".\web.vhdx"))
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&leaf])))
        .judge()
        .is("csv1/web/web_A.avhdx", "owned/unmerged-backup-checkpoint never")
        .is("csv1/web/web.vhdx", "owned")
        .problem("unmerged-checkpoint", "web_A.avhdx");
}

#[test]
fn hd17_a_test_failover_on_the_disk_of_a_replica_is_owned_and_no_backup_that_was_not_merged() {
    let disk = csv("test/web - Test.avhdx");
    let test = with_vm(Site::hyperv(), "web")
        .vmcx("csv1/test", &hyperv_vm("web - Test", &[&disk]))
        .vhdx(
            "csv1/test/web - Test.avhdx",
            &child("test", &vhdx("web"), r"..\web\web.vhdx"),
        )
        .inventory(hyperv_host("hv1").vm(row_of("web")).vm({
            let mut row = hyperv_row("web - Test", &[&disk]);
            row.config = row.config.map(|config| config.replace(r"\web - Test\", r"\test\"));
            row
        }))
        .judge();
    test.is("csv1/test/web - Test.avhdx", "owned never")
        .owners("csv1/web/web.vhdx", &["web", "web - Test"])
        .no_problem("unmerged-checkpoint");
    assert_eq!(test.artifact("csv1/test/web - Test.avhdx").class, None);
}

#[test]
fn hd17_after_the_test_its_disk_is_stranded() {
    with_vm(Site::hyperv(), "web")
        .vhdx(
            "csv1/test/web - Test.avhdx",
            &child("test", &vhdx("web"), r"..\web\web.vhdx"),
        )
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/test/web - Test.avhdx", "orphaned/stranded-snapshot review");
}

#[test]
fn hd5_a_checkpoint_disk_in_no_chain_is_stranded_and_a_risk_when_newer_than_its_parent() {
    let site = |time: &str| {
        with_vm(Site::hyperv(), "web")
            .vhdx("csv1/web/left.avhdx", &child("left", &vhdx("web"), r".\web.vhdx"))
            .modified("csv1/web/left.avhdx", time)
            .inventory(hyperv_host("hv1").vm(row_of("web")))
            .judge()
    };
    site("2026-09-20T00:00:00Z")
        .is("csv1/web/left.avhdx", "orphaned/stranded-snapshot review data-loss")
        .is("csv1/web/web.vhdx", "owned");
    site("2026-08-20T00:00:00Z").is("csv1/web/left.avhdx", "orphaned/stranded-snapshot review no-risk");
}

#[test]
fn hd6_an_auto_recovery_disk_is_too_new_first_and_a_leftover_later() {
    let site = |time: &str| {
        with_vm(Site::hyperv(), "web")
            .vhdx(
                "csv1/web/web_0A-AutoRecovery.avhdx",
                &child("auto", &vhdx("web"), r".\web.vhdx"),
            )
            .modified("csv1/web/web_0A-AutoRecovery.avhdx", time)
            .inventory(hyperv_host("hv1").vm(row_of("web")))
            .judge()
    };
    site("2026-09-30T23:50:00Z").is("csv1/web/web_0A-AutoRecovery.avhdx", "unknown/too-new");
    site("2026-08-20T00:00:00Z").is(
        "csv1/web/web_0A-AutoRecovery.avhdx",
        "orphaned/unmerged-backup-checkpoint review",
    );
}

#[test]
fn hd7_a_merge_that_may_be_running_is_waited_for() {
    let left = |site: Site, time: &str| {
        site.vhdx("csv1/web/left.avhdx", &child("left", &vhdx("web"), r".\web.vhdx"))
            .modified("csv1/web/left.avhdx", time)
            .inventory(hyperv_host("hv1").vm(row_of("web")))
            .judge()
    };
    let mut pending = hyperv_vm("web", &[&csv("web/web.vhdx")]);
    pending.disk_merge_pending = true;
    left(
        with_vm(Site::hyperv(), "web").vmcx("csv1/web", &pending),
        "2026-08-20T00:00:00Z",
    )
    .is("csv1/web/left.avhdx", "unknown/merge-pending never")
    .problem("needs-consolidation", &config("web").replacen("csv1/", "", 1));
    left(with_vm(Site::hyperv(), "web"), "2026-09-30T12:00:00Z").is("csv1/web/left.avhdx", "unknown/merge-pending");
    left(with_vm(Site::hyperv(), "web"), "2026-09-28T00:00:00Z")
        .is("csv1/web/left.avhdx", "orphaned/stranded-snapshot review");
}

#[test]
fn hd9_a_stale_absolute_path_is_passed_over_for_the_relative_one() {
    let paths = ParentPaths {
        relative: r".\web.vhdx",
        absolute: r"D:\Old Host\web.vhdx",
        volume: "",
    };
    let leaf = csv("web/web_A.avhdx");
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/web", &hyperv_vm("web", &[&leaf]))
        .vhdx("csv1/web/web_A.avhdx", &VhdxBuilder::child_of(&vhdx("web"), paths, 5))
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&leaf])))
        .judge()
        .is("csv1/web/web.vhdx", "owned")
        .no_problem("broken-chain");
}

#[test]
fn hd9_a_parent_is_found_by_its_id_when_every_path_is_stale() {
    let paths = ParentPaths {
        relative: r".\gone.vhdx",
        absolute: r"D:\Old Host\gone.vhdx",
        volume: r"\\?\Volume{0f1e2d3c-0000-1111-2222-333344445555}\gone.vhdx",
    };
    let leaf = csv("web/web_A.avhdx");
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/web", &hyperv_vm("web", &[&leaf]))
        .vhdx("csv1/web/web_A.avhdx", &VhdxBuilder::child_of(&vhdx("web"), paths, 5))
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&leaf])))
        .judge()
        .is("csv1/web/web.vhdx", "owned")
        .because("csv1/web/web.vhdx", "found-by-identity");
}

#[test]
fn hd9_a_child_without_any_parent_is_broken_under_a_vm_and_stranded_without_one() {
    let leaf = csv("web/web_A.avhdx");
    Site::hyperv()
        .vmcx("csv1/web", &hyperv_vm("web", &[&leaf]))
        .vhdx(
            "csv1/web/web_A.avhdx",
            &child("web_A", &vhdx("nowhere"), r".\nowhere.vhdx"),
        )
        .vhdx(
            "csv1/old/left.avhdx",
            &child("left", &vhdx("nowhere"), r".\nowhere.vhdx"),
        )
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&leaf])))
        .judge()
        .problem("broken-chain", "web_A.avhdx")
        .is("csv1/old/left.avhdx", "orphaned/stranded-snapshot review");
}

#[test]
fn hd9_the_base_below_a_checkpoint_disk_that_is_gone_is_not_judged_and_a_disk_elsewhere_is() {
    let leaf = csv("web/web_A.avhdx");
    Site::hyperv()
        .vmcx("csv1/web", &hyperv_vm("web", &[&leaf]))
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&leaf])))
        .judge()
        .is("csv1/web/web.vhdx", "unknown never")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
        .problem("missing-disk", "web");
}

#[test]
fn he3_state_of_a_vm_whose_configuration_is_gone_is_its_own_although_an_export_of_it_is_there() {
    let id = vm_id("web").to_string().to_uppercase();
    Site::hyperv()
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .file(
            &format!("csv1/web/Virtual Machines/{id}.VMRS"),
            hyperv_vm("web", &[]).to_vmrs(0),
        )
        .vmcx("csv1/copy", &hyperv_vm("web", &[&csv("copy/web.vhdx")]))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is(&format!("csv1/web/Virtual Machines/{id}.VMRS"), "owned never");
}

#[test]
fn hd10_a_parent_with_another_id_stays_linked() {
    let leaf = csv("web/web_A.avhdx");
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/web", &hyperv_vm("web", &[&leaf]))
        .vhdx("csv1/web/web_A.avhdx", &child("web_A", &vhdx("before"), r".\web.vhdx"))
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&leaf])))
        .judge()
        .is("csv1/web/web.vhdx", "owned")
        .problem("parent-mismatch", "web_A.avhdx");
}

#[test]
fn hd8_no_link_of_a_chain_is_a_candidate_and_a_disk_alone_is() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/old/base.vhdx", &vhdx("base"))
        .vhdx("csv1/old/link.avhdx", &child("link", &vhdx("base"), r".\base.vhdx"))
        .vhdx("csv1/old/alone.vhdx", &vhdx("alone"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .are(&["csv1/old/base.vhdx", "csv1/old/link.avhdx"], "orphaned review")
        .is("csv1/old/alone.vhdx", "orphaned candidate");
}

#[test]
fn hd11_the_data_of_a_set_are_owned_with_it() {
    let set = csv("share/set.vhds");
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/a", &hyperv_vm("a", &[&set]))
        .vmcx("csv1/b", &hyperv_vm("b", &[&set]))
        .file(
            "csv1/share/set.vhds",
            vhds(&["set_0F1E2D3C-0000-1111-2222-333344445555.avhdx"]),
        )
        .vhdx(
            "csv1/share/set_0F1E2D3C-0000-1111-2222-333344445555.avhdx",
            &vhdx("set"),
        )
        .inventory(
            hyperv_host("hv1")
                .vm(row_of("web"))
                .vm(hyperv_row("a", &[&set]))
                .vm(hyperv_row("b", &[&set])),
        )
        .judge()
        .are(
            &[
                "csv1/share/set.vhds",
                "csv1/share/set_0F1E2D3C-0000-1111-2222-333344445555.avhdx",
            ],
            "owned",
        )
        .owners("csv1/share/set_0F1E2D3C-0000-1111-2222-333344445555.avhdx", &["a", "b"]);
}

#[test]
fn hd12_a_shared_disk_stays_owned_when_one_of_its_vms_is_unregistered() {
    let shared = csv("share/shared.vhdx");
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/a", &hyperv_vm("a", &[&shared]))
        .vmcx("csv1/b", &hyperv_vm("b", &[&shared]))
        .vhdx("csv1/share/shared.vhdx", &vhdx("shared"))
        .inventory(hyperv_host("hv1").vm(row_of("web")).vm(hyperv_row("a", &[&shared])))
        .judge()
        .is("csv1/share/shared.vhdx", "owned")
        .is(&config("b"), "unregistered/lost-registration")
        .no_problem("double-owner");
}

#[test]
fn hd12_a_disk_that_two_vms_name_and_not_both_as_shared_is_a_problem() {
    let disk = csv("share/shared.vhdx");
    let site = |shared: bool| {
        let vm = |name: &str, shared: bool| {
            let mut vm = hyperv_vm(name, &[&disk]);
            vm.drives[0].persistent_reservations = shared;
            vm
        };
        Site::hyperv()
            .vmcx("csv1/a", &vm("a", true))
            .vmcx("csv1/b", &vm("b", shared))
            .vhdx("csv1/share/shared.vhdx", &vhdx("shared"))
            .inventory(
                hyperv_host("hv1")
                    .vm(hyperv_row("a", &[&disk]))
                    .vm(hyperv_row("b", &[&disk])),
            )
            .judge()
    };
    site(false)
        .owners("csv1/share/shared.vhdx", &["a", "b"])
        .problem("double-owner", "share/shared.vhdx");
    site(true).no_problem("double-owner");
}

#[test]
fn a_link_of_a_chain_is_hinted_at_by_its_parent_and_a_disk_by_the_folder_of_its_vm() {
    let judged = with_vm(Site::hyperv(), "web")
        .vhdx(
            "csv1/x/Virtual Hard Disks/left.avhdx",
            &child("left", &vhdx("web"), r"..\..\web\web.vhdx"),
        )
        .vhdx("csv1/crm/Virtual Hard Disks/crm.vhdx", &vhdx("crm"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge();
    let hint = |path: &str| {
        let reasons = &judged.artifact(path).reasons;
        let hint = reasons.iter().find(|reason| reason.code.name() == "last-owner-hint");
        hint.map(|hint| hint.text.clone()).unwrap_or_default()
    };
    assert_eq!(
        hint("csv1/x/Virtual Hard Disks/left.avhdx"),
        "its parent web/web.vhdx is a disk of web: a hint at its last owner, no proof"
    );
    assert_eq!(
        hint("csv1/crm/Virtual Hard Disks/crm.vhdx"),
        "it lies in the folder \"crm\": a hint at its last owner, no proof"
    );
}

#[test]
fn hd13_hd14_change_tracking_follows_its_disk_and_is_left_without_it() {
    with_vm(Site::hyperv(), "web")
        .zeros("csv1/web/web.vhdx.rct", 4096)
        .zeros("csv1/web/web.vhdx.mrt", 4096)
        .zeros("csv1/web/gone.vhdx.rct", 4096)
        .zeros("csv1/web/report.mrt", 4096)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .are(&["csv1/web/web.vhdx.rct", "csv1/web/web.vhdx.mrt"], "owned never")
        .is("csv1/web/gone.vhdx.rct", "orphaned/leftover-sidecar candidate");
}

#[test]
fn hd14_change_tracking_of_a_disk_that_a_vm_misses_is_kept_for_it() {
    let site = |disk: &str| {
        let path = csv(&format!("web/{disk}"));
        Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm("web", &[&path]))
            .zeros("csv1/web/gone.vhdx.rct", 4096)
            .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&path])))
            .judge()
    };
    site("gone.vhdx").is("csv1/web/gone.vhdx.rct", "owned never");
    site("other.vhdx").is("csv1/web/gone.vhdx.rct", "orphaned/leftover-sidecar candidate");
}

#[test]
fn hd13_a_stem_that_is_no_disk_is_no_change_tracking() {
    let judged = with_vm(Site::hyperv(), "web")
        .zeros("csv1/web/report.mrt", 4096)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge();
    assert!(!judged.is_reported("csv1/web/report.mrt"));
}

#[test]
fn hd15_a_twin_of_a_used_disk_is_what_a_migration_left() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/before/web.vhdx", &vhdx("web"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/before/web.vhdx", "orphaned/migration-leftover candidate")
        .confidence("csv1/before/web.vhdx", "high");
}

#[test]
fn hd15_a_twin_on_which_a_child_hangs_is_no_candidate() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/before/web.vhdx", &vhdx("web"))
        .vhdx("csv1/before/x.avhdx", &child("x", &vhdx("web"), r".\web.vhdx"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/before/web.vhdx", "orphaned review");
}

#[test]
fn hd18_a_disk_that_another_node_holds_open_is_in_use() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/x/x.vhdx", &vhdx("x"))
        .mark("csv1/x/x.vhdx", MarkCode::SharingViolation)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/x/x.vhdx", "in-use/locked never");
}

#[test]
fn hd20_rings_and_torn_headers_are_damage() {
    let mut a = child("a", &vhdx("b"), r".\b.avhdx");
    let mut b = child("b", &a, r".\a.avhdx");
    a.data_write_guid = guid(1, 1);
    b.data_write_guid = guid(1, 2);
    a.locator = child("a", &b, r".\b.avhdx").locator;
    b.locator = child("b", &a, r".\a.avhdx").locator;
    let torn = vhdx("torn").bytes()[..70_000].to_vec();
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/ring/a.avhdx", &a)
        .vhdx("csv1/ring/b.avhdx", &b)
        .file("csv1/torn/torn.vhdx", torn)
        .file("csv1/torn/empty.vhdx", "")
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .are(&["csv1/ring/a.avhdx", "csv1/ring/b.avhdx"], "unknown/damaged never")
        .are(
            &["csv1/torn/torn.vhdx", "csv1/torn/empty.vhdx"],
            "unknown/damaged never",
        );
}

#[test]
fn hd20_a_torn_disk_that_names_no_parent_has_no_broken_chain() {
    let torn = vhdx("torn").bytes()[..70_000].to_vec();
    with_vm(Site::hyperv(), "web")
        .file("csv1/torn/torn.vhdx", torn)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .no_problem("broken-chain");
}

#[test]
fn hd21_an_open_log_is_a_sign_of_use() {
    let open = VhdxBuilder {
        log: VhdxLog::Lost(guid(9, 9)),
        ..vhdx("open")
    };
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/x/open.vhdx", &open)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/x/open.vhdx", "in-use/open-log never");
}

#[test]
fn hd22_a_fixed_vhd_is_a_disk_and_one_of_less_than_a_footer_is_damage() {
    with_vm(Site::hyperv(), "web")
        .sparse(
            "csv1/x/fixed.vhd",
            &VhdBuilder::new(DiskKind::Fixed, 8 << 20, 4).build(),
        )
        .file("csv1/x/stub.vhd", [0; 100])
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/x/stub.vhd", "unknown/damaged never")
        .is("csv1/x/fixed.vhd", "unknown");
}

#[test]
fn hd22_a_fixed_vhd_of_nobody_is_orphaned() {
    with_vm(Site::hyperv(), "web")
        .sparse(
            "csv1/x/fixed.vhd",
            &VhdBuilder::new(DiskKind::Fixed, 8 << 20, 4).build(),
        )
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/x/fixed.vhd", "orphaned/deleted-vm-disk candidate");
}

#[test]
fn hd23_content_decides_over_the_extension() {
    let inner = csv("web/disk.old");
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/web", &hyperv_vm("web", &[&csv("web/web.vhdx"), &inner]))
        .vhdx("csv1/web/disk.old", &vhdx("disk"))
        .vhdx("csv1/x/lie.vhd", &vhdx("lie"))
        .vhdx("csv1/x/nameless", &vhdx("nameless"))
        .vhdx("csv1/x/was.vhdx.bak", &vhdx("was"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/web/disk.old", "owned")
        .are(
            &["csv1/x/lie.vhd", "csv1/x/nameless", "csv1/x/was.vhdx.bak"],
            "orphaned/deleted-vm-disk",
        );
}

// --- E. Configuration, state, replica and other files ---------------------------------------------------------------

#[test]
fn he1_a_cached_configuration_is_of_the_host() {
    let cached = format!(
        "csv1/Hyper-V/Virtual Machines Cache/{}.vmcx",
        vm_id("web").to_string().to_uppercase()
    );
    with_vm(Site::hyperv(), "web")
        .file(&cached, hyperv_vm("web", &[]).to_vmcx())
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is(&cached, "system/host-store never")
        .is(&config("web"), "owned")
        .no_problem("duplicate-identity");
}

#[test]
fn he1_a_copy_of_a_configuration_beside_it_goes_with_the_vm() {
    let copy = format!("{}.bak", config("web"));
    with_vm(Site::hyperv(), "web")
        .file(&copy, hyperv_vm("web", &[&csv("web/web.vhdx")]).to_vmcx())
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is(&copy, "owned never")
        .no_problem("duplicate-identity");
}

#[test]
fn he17_he18_stores_of_clusters_and_groups_are_of_the_host_and_folders_named_groups_are_not() {
    let group = format!("{}.vmcx", guid(18, 18).to_string().to_uppercase());
    let cases = [
        format!("csv1/ClusterConfigStore/Virtual Machines/{group}"),
        format!("csv1/Hyper-V/Groups/{group}"),
        format!("csv1/Hyper-V/Snapshot Groups/{group}"),
    ];
    let site = cases.iter().fold(with_vm(Site::hyperv(), "web"), |site, path| {
        site.file(path, hyperv_vm("group", &[]).to_vmcx())
    });
    let judged = site
        .vhdx("csv1/Groups/a.vhdx", &vhdx("a"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge();
    for path in &cases {
        judged.is(path, "system");
    }
    judged.is("csv1/Groups/a.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn he1_a_vm_that_a_host_store_on_the_scanned_roots_registers_shows_that_an_export_is_missing() {
    let site = |names: &str| {
        let store = host_store(&[(
            vm_id(names),
            &csv(&format!("{names}/Virtual Machines/{}.vmcx", vm_id(names))),
        )]);
        with_vm(with_vm(Site::hyperv(), "web"), "other")
            .file("csv1/ProgramData/Microsoft/Windows/Hyper-V/data.vmcx", store)
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .only_as_it_is()
            .inventory(hyperv_host("hv1").vm(row_of("web")))
            .judge()
    };
    site("other")
        .are(
            &[&config("other"), "csv1/other/other.vhdx", "csv1/old/old.vhdx"],
            "unknown/no-coverage",
        )
        .gap("host-store-names");
    site("web")
        .is(&config("other"), "unregistered/lost-registration")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
        .no_gap("host-store-names");
}

#[test]
fn he2_an_xml_without_a_configuration_inside_is_ordinary() {
    let judged = with_vm(Site::hyperv(), "web")
        .file(
            "csv1/web/0f1e2d3c-0000-1111-2222-333344445555.xml",
            "<?xml version=\"1.0\"?><writer/>",
        )
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge();
    assert!(!judged.is_reported("csv1/web/0f1e2d3c-0000-1111-2222-333344445555.xml"));
}

#[test]
fn he3_a_checkpoint_belongs_to_the_vm_whose_id_stands_inside_even_without_its_configuration() {
    let disk = csv("web/branch.avhdx");
    Site::hyperv()
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .vhdx("csv1/web/branch.avhdx", &child("branch", &vhdx("web"), r".\web.vhdx"))
        .file(
            &checkpoint_path("csv1/web", 1),
            checkpoint_config("web", 1, &[&disk]).to_vmcx(),
        )
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .are(&[&checkpoint_path("csv1/web", 1), "csv1/web/branch.avhdx"], "owned")
        .problem("ghost", "web");
}

/// State of the checkpoint with this number, whose configuration is gone.
fn checkpoint_state(site: Site, number: u64) -> Site {
    let stem = checkpoint_path("csv1/web", number).replace(".vmcx", "");
    let id = stem.rsplit('/').next().unwrap();
    site.file(&format!("{stem}.VMRS"), hyperv_vm("web", &[]).to_vmrs(0))
        .sparse(&format!("{stem}.vmgs"), &VmgsBuilder::new(number).build())
        .zeros(&format!("{stem}/{id}.bin"), 4096)
}

fn states(number: u64) -> [String; 3] {
    let stem = checkpoint_path("csv1/web", number).replace(".vmcx", "");
    let id = stem.rsplit('/').next().unwrap().to_owned();
    [
        format!("{stem}.VMRS"),
        format!("{stem}.vmgs"),
        format!("{stem}/{id}.bin"),
    ]
}

#[test]
fn he3_state_of_a_listed_checkpoint_is_its_vms_although_its_configuration_is_gone() {
    let mut row = row_of("web");
    row.checkpoints.push(checkpoint(guid(1, 77), true));
    let judged = checkpoint_state(checkpoint_state(with_vm(Site::hyperv(), "web"), 1), 2)
        .inventory(hyperv_host("hv1").vm(row))
        .judge();
    for path in states(1) {
        judged.is(&path, "owned never").owners(&path, &["web"]);
    }
    for path in states(2) {
        judged.is(&path, "orphaned/leftover-state");
    }
}

#[test]
fn he3_state_of_a_checkpoint_that_is_counted_and_not_listed_is_not_judged() {
    let mut vm = hyperv_vm("web", &[&csv("web/web.vhdx")]);
    vm.checkpoint_count = 1;
    let judged = checkpoint_state(with_vm(Site::hyperv(), "web").vmcx("csv1/web", &vm), 1)
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge();
    for path in states(1) {
        judged.is(&path, "unknown/no-coverage never");
    }
    judged.is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn he3_he7_state_with_the_id_of_a_vm_whose_configuration_is_elsewhere_is_its_own() {
    let id = vm_id("web").to_string().to_uppercase();
    let other = guid(8, 8).to_string().to_uppercase();
    let mut row = row_of("web");
    row.config = row.config.map(|config| config.replace("Volume1", "Volume2"));
    with_vm(Site::hyperv(), "far")
        .zeros(&format!("csv1/paging/{id}.0F1E.slp"), 4096)
        .zeros(&format!("csv1/paging/{other}.0F1E.slp"), 4096)
        .inventory(
            hyperv_host("hv1")
                .datastore("Volume2", &[r"C:\ClusterStorage\Volume2"], &["hv1"])
                .vm(row)
                .vm(row_of("far")),
        )
        .judge()
        .is(&format!("csv1/paging/{id}.0F1E.slp"), "owned")
        .is(&format!("csv1/paging/{other}.0F1E.slp"), "orphaned/leftover-state");
}

#[test]
fn he4_guest_state_without_owner_is_never_reclaimed() {
    let state = format!("csv1/x/{}.vmgs", guid(4, 4).to_string().to_uppercase());
    with_vm(Site::hyperv(), "web")
        .sparse(
            &state,
            &VmgsBuilder {
                vtpm: true,
                ..VmgsBuilder::new(4)
            }
            .build(),
        )
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is(&state, "orphaned/leftover-state never data-loss");
}

#[test]
fn he6_state_that_exists_at_times_only_is_not_missed() {
    let mut vm = hyperv_vm("web", &[&csv("web/web.vhdx")]);
    vm.saved_state = Some((csv("web/x.bin"), csv("web/x.vsv")));
    let judged = with_vm(Site::hyperv(), "web")
        .vmcx("csv1/web", &vm)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge();
    assert!(judged.missing("web").is_empty(), "{:?}", judged.missing("web"));
}

#[test]
fn he7_he8_state_is_tied_by_the_id_in_its_name() {
    let id = vm_id("web").to_string().to_uppercase();
    let other = guid(8, 8).to_string().to_uppercase();
    let judged = with_vm(Site::hyperv(), "web")
        .zeros(&format!("csv1/paging/{id}.0F1E.slp"), 4096)
        .zeros(&format!("csv1/paging/{other}.0F1E.slp"), 4096)
        .file(
            &format!("csv1/web/Virtual Machines/{id}.vmrs"),
            hyperv_vm("web", &[]).to_vmrs(0),
        )
        .zeros(&format!("csv1/web/Virtual Machines/{id}/{id}.bin"), 4096)
        .zeros(&format!("csv1/x/{other}.bin"), 4096)
        .zeros("csv1/web/firmware.bin", 4096)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge();
    judged
        .is(&format!("csv1/paging/{id}.0F1E.slp"), "owned")
        .is(&format!("csv1/web/Virtual Machines/{id}.vmrs"), "owned")
        .is(&format!("csv1/web/Virtual Machines/{id}/{id}.bin"), "owned")
        .is(
            &format!("csv1/paging/{other}.0F1E.slp"),
            "orphaned/leftover-state review",
        )
        .is(&format!("csv1/x/{other}.bin"), "orphaned/leftover-state review");
    assert!(!judged.is_reported("csv1/web/firmware.bin"));
}

#[test]
fn he9_a_replica_is_of_the_service_unless_its_server_registers_it() {
    let folder = "csv1/Hyper-V Replica/Virtual hard disks/0A";
    let disk = csv("Hyper-V Replica/Virtual hard disks/0A/r.vhdx");
    with_vm(Site::hyperv(), "web")
        .vhdx(&format!("{folder}/r.vhdx"), &vhdx("r"))
        .vhdx(&format!("{folder}/loose.vhdx"), &vhdx("loose"))
        .inventory(hyperv_host("hv1").vm(row_of("web")).vm(hyperv_row("r", &[&disk])))
        .judge()
        .is(&format!("{folder}/r.vhdx"), "owned")
        .is(&format!("{folder}/loose.vhdx"), "service/hyper-v-replica never");
}

#[test]
fn he10_he11_replica_logs_go_with_their_disk() {
    with_vm(Site::hyperv(), "web")
        .file("csv1/web/web.vhdx.hrl", HrlBuilder::new(3).bytes())
        .file("csv1/web/gone.vhdx.hrl", HrlBuilder::new(4).bytes())
        .zeros("csv1/web/gone.vhdx.hru", 4096)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/web/web.vhdx.hrl", "owned never")
        .are(
            &["csv1/web/gone.vhdx.hrl", "csv1/web/gone.vhdx.hru"],
            "orphaned/leftover-sidecar review",
        );
}

#[test]
fn he13_a_former_replica_that_is_registered_is_owned() {
    let disk = csv("Hyper-V Replica/Virtual hard disks/0A/r.vhdx");
    Site::hyperv()
        .vmcx("csv1/Hyper-V Replica", &hyperv_vm("r", &[&disk]))
        .vhdx("csv1/Hyper-V Replica/Virtual hard disks/0A/r.vhdx", &vhdx("r"))
        .inventory({
            let mut vm = hyperv_row("r", &[&disk]);
            vm.config = Some(vm.config.unwrap().replace(r"\r\Virtual", r"\Hyper-V Replica\Virtual"));
            hyperv_host("hv1").vm(vm)
        })
        .judge()
        .is("csv1/Hyper-V Replica/Virtual hard disks/0A/r.vhdx", "owned");
}

#[test]
fn he13_what_a_removed_replication_left_is_unregistered_once_the_server_of_the_store_is_known() {
    let store = "csv1/Hyper-V Replica";
    let disk = |name: &str| csv(&format!("Hyper-V Replica/Virtual hard disks/{name}/{name}.vhdx"));
    let site = |known: bool| {
        let mut live = hyperv_row("live", &[&disk("live")]);
        live.config = Some(
            live.config
                .unwrap()
                .replace(r"\live\Virtual", r"\Hyper-V Replica\Virtual"),
        );
        let mut inventory = hyperv_host("hv1").vm(row_of("web"));
        if known {
            inventory = inventory.vm(live);
        }
        with_vm(Site::hyperv(), "web")
            .vmcx(store, &hyperv_vm("live", &[&disk("live")]))
            .vmcx(store, &hyperv_vm("left", &[&disk("left")]))
            .vhdx(&format!("{store}/Virtual hard disks/live/live.vhdx"), &vhdx("live"))
            .vhdx(&format!("{store}/Virtual hard disks/left/left.vhdx"), &vhdx("left"))
            .vhdx(&format!("{store}/Virtual hard disks/seed/seed.vhdx"), &vhdx("seed"))
            .only_as_it_is()
            .inventory(inventory)
            .judge()
    };
    let left = [
        vmcx_path(store, vm_id("left")),
        format!("{store}/Virtual hard disks/left/left.vhdx"),
    ];
    let left: Vec<&str> = left.iter().map(String::as_str).collect();
    let seed = format!("{store}/Virtual hard disks/seed/seed.vhdx");
    site(true)
        .are(&left, "unregistered/replica-leftover review")
        .is(&seed, "service/hyper-v-replica never");
    site(false)
        .are(&left, "service/hyper-v-replica never")
        .is(&seed, "service/hyper-v-replica never");
}

#[test]
fn he14_an_image_in_a_drive_is_owned_media_and_another_unknown() {
    let mut vm = hyperv_vm("web", &[&csv("web/web.vhdx")]);
    vm.drives
        .push(HypervDrive::iso(ControllerKind::Ide, 2, csv("iso/used.iso")));
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/web", &vm)
        .zeros("csv1/iso/used.iso", 1 << 20)
        .zeros("csv1/iso/free.iso", 1 << 20)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/iso/used.iso", "owned/media never")
        .is("csv1/iso/free.iso", "unknown/media never");
}

#[test]
fn he15_he16_drives_without_a_file_are_no_paths() {
    let mut vm = row_of("web");
    vm.fileless_disks = vec!["Disk 3 100.00 GB Bus 0 Lun 0 Target 1".to_owned()];
    vm.files.push(listed("", Role::Disk));
    vm.files.push(listed(r"\\.\PhysicalDrive3", Role::Disk));
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .inventory(hyperv_host("hv1").vm(vm))
        .judge()
        .is("csv1/web/web.vhdx", "owned")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
        .gap("fileless-disks")
        .no_problem("missing-disk");
}

#[test]
fn he19_a_configuration_that_cannot_be_read_keeps_its_folder_unknown() {
    with_vm(with_vm(Site::hyperv(), "web"), "dark")
        .unreadable_file(&config("dark"))
        .vhdx("csv1/far/far.vhdx", &vhdx("far"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .are(
            &[&config("dark"), "csv1/dark/dark.vhdx"],
            "unknown/owner-unreadable never",
        )
        .is("csv1/far/far.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn he20_the_xml_beside_a_vmcx_of_its_id_is_superseded() {
    let xml = config("web").replace(".vmcx", ".xml");
    with_vm(Site::hyperv(), "web")
        .file(&xml, hyperv_vm("web", &[&csv("web/web.vhdx")]).to_xml())
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is(&xml, "orphaned/superseded-config review")
        .is("csv1/web/web.vhdx", "owned");
}

#[test]
fn an_xml_of_2012_r2_that_is_registered_owns_its_disks() {
    let xml = config("web").replace(".vmcx", ".xml");
    let mut vm = row_of("web");
    vm.config = Some(vm.config.unwrap().replace(".vmcx", ".xml"));
    Site::hyperv()
        .file(&xml, hyperv_vm("web", &[&csv("web/web.vhdx")]).to_xml())
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .inventory(hyperv_host("hv1").vm(vm))
        .judge()
        .are(&[&xml, "csv1/web/web.vhdx"], "owned");
}

// --- F. Sizes, promises, file system --------------------------------------------------------------------------------

#[test]
fn hf1_hf7_a_disk_whose_data_cannot_be_read_here_is_not_judged() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/x/deduplicated.vhdx", &vhdx("deduplicated"))
        .unreadable_file("csv1/x/deduplicated.vhdx")
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/x/deduplicated.vhdx", "unknown/unreadable never");
}

#[test]
fn hf8_age_neither_makes_an_orphan_nor_saves_one() {
    with_vm(Site::hyperv(), "web")
        .modified("csv1/web/web.vhdx", "2015-01-01T00:00:00Z")
        .vhdx("csv1/old/older.vhdx", &vhdx("older"))
        .modified("csv1/old/older.vhdx", "2015-01-01T00:00:00Z")
        .vhdx("csv1/old/newer.vhdx", &vhdx("newer"))
        .modified("csv1/old/newer.vhdx", "2026-09-30T00:00:00Z")
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/web/web.vhdx", "owned")
        .are(
            &["csv1/old/older.vhdx", "csv1/old/newer.vhdx"],
            "orphaned/deleted-vm-disk",
        );
}

#[test]
fn hf10_within_an_hour_of_the_export_a_clock_may_be_wrong() {
    let site = |time: &str| {
        with_vm(Site::hyperv(), "web")
            .vhdx("csv1/x/x.vhdx", &vhdx("x"))
            .modified("csv1/x/x.vhdx", time)
            .inventory(hyperv_host("hv1").vm(row_of("web")))
            .judge()
    };
    site("2026-09-30T23:10:00Z").is("csv1/x/x.vhdx", "unknown/too-new never");
    site("2026-09-30T22:50:00Z").is("csv1/x/x.vhdx", "orphaned/deleted-vm-disk");
}

/// A disk that nobody owns, with an open handle of this user.
fn open_by(user: &str) -> Judged {
    let mut export = hyperv_host("hv1");
    export.observations.open_files = vec![OpenFile {
        path: r"C:\ClusterStorage\Volume1\old\old.vhdx".to_owned(),
        client: Some("10.0.0.9".to_owned()),
        user: Some(user.to_owned()),
        host: Some("fs1".to_owned()),
        row: "row 1".to_owned(),
    }];
    Site::hyperv()
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .vhdx("csv1/gone/gone.vhdx", &vhdx("gone"))
        .inventory(export)
        .judge()
}

#[test]
fn ha12_an_open_handle_proves_use_and_names_a_host() {
    open_by(r"LAB\HV1$")
        .is("csv1/old/old.vhdx", "in-use/locked")
        .because("csv1/old/old.vhdx", "lock")
        .is("csv1/gone/gone.vhdx", "orphaned/deleted-vm-disk")
        .no_gap("lock-of-unknown-host");
    open_by(r"LAB\HV9$")
        .is("csv1/old/old.vhdx", "in-use/locked")
        .is("csv1/gone/gone.vhdx", "unknown")
        .gap("lock-of-unknown-host");
    open_by(r"LAB\somebody")
        .is("csv1/old/old.vhdx", "in-use/locked")
        .no_gap("lock-of-unknown-host");
}
