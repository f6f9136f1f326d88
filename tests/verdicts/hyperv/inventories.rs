//! H-A: who would know the owner: coverage and identity of inventories.

use derelict::{
    evidence::MarkCode,
    inventory::{ClusterVm, ComputeSystem, Inventory, InventoryKind, OpenFile, Registration},
    kind::Platform,
};

use super::{config, csv, row_of, with_vm};
use crate::support::{
    Export, Judged, Site, child, hyperv_host, hyperv_row, hyperv_vm, inventory, row, vhdx, vm_id, vmcx_path,
};

#[test]
fn ha1_a_host_whose_inventory_is_missing_may_use_every_volume_that_the_known_hosts_use() {
    let on = |volume: &str, name: &str| format!(r"{volume}\{name}\{name}.vhdx");
    let (second, third) = (r"C:\ClusterStorage\Volume2", r"\\share\vms");
    let mut far = hyperv_row("far", &[&on(third, "far")]);
    far.config = Some(format!(r"{third}\far\Virtual Machines\{}.vmcx", vm_id("far")));
    let site = |written: &str| {
        with_vm(with_vm(Site::hyperv(), "web"), "other")
            .root("csv2", &[second])
            .root("share", &[third])
            .modified("csv1/other/other.vhdx", written)
            .vhdx("csv2/near/near.vhdx", &vhdx("near"))
            .vhdx("csv2/old/old.vhdx", &vhdx("old"))
            .vhdx("share/far/far.vhdx", &vhdx("far"))
            .vmcx("share/far", &hyperv_vm("far", &[&on(third, "far")]))
            .vhdx("share/old/old.vhdx", &vhdx("old too"))
            .only_as_it_is()
            .inventory(
                hyperv_host("hv1")
                    .vm(row_of("web"))
                    .vm(hyperv_row("near", &[&on(second, "near")])),
            )
            .inventory(hyperv_host("hv2").vm(far.clone()))
            .judge()
    };
    site("2026-10-20T00:00:00Z")
        .is("csv2/old/old.vhdx", "unknown/no-coverage")
        .is("share/old/old.vhdx", "orphaned");
    site("2024-01-01T00:00:00Z").is("csv2/old/old.vhdx", "orphaned");
}

#[test]
fn ha1_the_store_of_a_host_in_a_folder_of_its_name_is_its_export() {
    let mut export = hyperv_host("hv1").vm(row_of("web"));
    export.missing_hosts = vec!["HV2".to_owned()];
    let mut store = inventory("hv2", Platform::Hyperv, InventoryKind::HypervHostStore);
    store.vms = Vec::new();
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .only_as_it_is()
        .inventory(export)
        .inventory(store)
        .judge()
        .no_gap("node-without-inventory");
}

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
fn ha3_an_export_with_rows_of_other_vms_says_that_this_one_is_not_registered() {
    with_vm(with_vm(Site::hyperv(), "web"), "lost")
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is(&config("lost"), "unregistered/lost-registration")
        .complete(true);
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

/// A VM on the drive `D:` of each of two hosts, and a loose disk beside each; the export of `hv1` met errors.
fn errors_of_one_of_two_hosts() -> Judged {
    let vm = |name: &str, host: &str| {
        let folder = format!(r"D:\{name}");
        let id = vm_id(name).to_string().to_uppercase();
        let row = row(
            name,
            &format!(r"{folder}\Virtual Machines\{id}.vmcx"),
            &[&format!(r"{folder}\{name}.vhdx")],
        );
        Registration {
            instance_id: Some(vm_id(name)),
            host: Some(host.to_owned()),
            ..row
        }
    };
    let export = |host: &str, name: &str| {
        inventory(host, Platform::Hyperv, InventoryKind::HypervJson)
            .host(host)
            .vm(vm(name, host))
    };
    Site::bare()
        .root("d1", &[r"\\hv1\D$"])
        .root("d2", &[r"\\hv2\D$"])
        .vmcx("d1/web", &hyperv_vm("web", &[r"D:\web\web.vhdx"]))
        .vhdx("d1/web/web.vhdx", &vhdx("web"))
        .vhdx("d1/old/one.vhdx", &vhdx("one"))
        .vmcx("d2/db", &hyperv_vm("db", &[r"D:\db\db.vhdx"]))
        .vhdx("d2/db/db.vhdx", &vhdx("db"))
        .vhdx("d2/old/two.vhdx", &vhdx("two"))
        .inventory(export("hv1", "web").warning("export-errors", None))
        .inventory(export("hv2", "db"))
        .judge()
}

#[test]
fn ha4_errors_in_the_export_of_one_host_leave_open_the_drives_of_another_which_may_be_shared() {
    errors_of_one_of_two_hosts()
        .are(&["d1/old/one.vhdx", "d2/old/two.vhdx"], "unknown/no-coverage")
        .gap("inventory-incomplete");
}

#[test]
fn ha4_ha6_a_vm_without_configuration_whose_disks_no_cmdlet_could_list_keeps_every_disk_unknown() {
    let site = |is_left: bool, disks: &[&str]| {
        let folder = if is_left {
            "gone/Virtual Hard Disks"
        } else {
            "elsewhere"
        };
        with_vm(Site::hyperv(), "web")
            .vhdx(&format!("csv1/{folder}/data.vhdx"), &vhdx("data"))
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .inventory(hyperv_host("hv1").vm(row_of("web")).vm(hyperv_row("gone", disks)))
            .judge()
    };
    let (data, old) = ("csv1/gone/Virtual Hard Disks/data.vhdx", "csv1/old/old.vhdx");
    site(true, &[])
        .are(&[data, old], "unknown/owner-unreadable never")
        .problem("ghost", "gone");
    site(false, &[])
        .is(old, "orphaned/deleted-vm-disk review")
        .confidence(old, "medium");
    site(true, &[&csv("gone/gone.vhdx")]).are(&[data, old], "orphaned/deleted-vm-disk");
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
        )
        .are(&[&config("web"), "csv1/web/web.vhdx"], "owned");
}

#[test]
fn ha8_a_disk_in_a_folder_of_the_name_of_a_vm_is_not_its_own_by_that() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/backup/web/web.vhdx", &vhdx("other"))
        .vhdx("csv1/web/web-data.vhdx", &vhdx("data"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .are(
            &["csv1/backup/web/web.vhdx", "csv1/web/web-data.vhdx"],
            "orphaned/deleted-vm-disk",
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
fn ha10_a_row_without_place_and_id_finds_its_configuration_by_its_disk() {
    let mut row = row_of("scvmm");
    row.config = None;
    row.instance_id = None;
    with_vm(with_vm(Site::hyperv(), "web"), "scvmm")
        .inventory(hyperv_host("hv1").vm(row_of("web")).vm(row))
        .judge()
        .are(&[&config("scvmm"), "csv1/scvmm/scvmm.vhdx"], "owned")
        .no_gap("inventory-incomplete");
}

#[test]
fn ha10_without_place_id_and_disks_no_configuration_is_said_to_be_unregistered() {
    let site = |instance_id| {
        let mut row = hyperv_row("scvmm", &[]);
        row.config = None;
        row.instance_id = instance_id;
        with_vm(with_vm(Site::hyperv(), "web"), "scvmm")
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .inventory(hyperv_host("hv1").vm(row_of("web")).vm(row))
            .judge()
    };
    site(None)
        .are(&[&config("scvmm"), "csv1/scvmm/scvmm.vhdx"], "unknown/no-coverage")
        .is("csv1/old/old.vhdx", "unknown/outside-scan never")
        .gap("inventory-incomplete");
    site(Some(vm_id("scvmm")))
        .are(&[&config("scvmm"), "csv1/scvmm/scvmm.vhdx"], "owned")
        .no_gap("inventory-incomplete");
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

/// A disk that nobody owns, with an open handle of this user.
fn open_by(user: &str) -> Judged {
    let mut export = hyperv_host("hv1");
    export.observations.open_files = vec![OpenFile {
        path: r"C:\ClusterStorage\Volume1\old\old.vhdx".to_owned(),
        client: Some("10.0.0.9".to_owned()),
        user: Some(user.to_owned()),
        host: Some("fs1".to_owned()),
        share_path: None,
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

/// The same with a path that nothing ties to a root, and with one that leads to no file.
fn open_at(path: &str, share_path: Option<&str>, user: &str) -> Judged {
    let mut export = hyperv_host("hv1");
    export.observations.open_files = vec![OpenFile {
        path: path.to_owned(),
        client: Some("10.0.0.9".to_owned()),
        user: Some(user.to_owned()),
        host: Some("fs1".to_owned()),
        share_path: share_path.map(str::to_owned),
        row: "row 1".to_owned(),
    }];
    Site::hyperv()
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .vhdx("csv1/gone/gone.vhdx", &vhdx("gone"))
        .inventory(export)
        .judge()
}

#[test]
fn ha12_a_file_that_is_open_through_a_share_is_found_by_its_path_below_it() {
    open_at(r"E:\Shares\VMs\old\old.vhdx", Some(r"old\old.vhdx"), r"LAB\HV1$")
        .is("csv1/old/old.vhdx", "in-use/locked never")
        .is("csv1/gone/gone.vhdx", "orphaned/deleted-vm-disk");
    open_at(r"E:\Shares\VMs\old\old.vhdx", Some(r"new\old.vhdx"), r"LAB\HV1$")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn ha12_a_file_that_is_open_at_a_place_of_no_root_is_found_by_the_end_of_its_path() {
    open_at(r"E:\Shares\VMs\old\old.vhdx", None, r"LAB\HV1$")
        .is("csv1/old/old.vhdx", "in-use/locked never")
        .is("csv1/gone/gone.vhdx", "orphaned/deleted-vm-disk");
    open_at(r"E:\Shares\VMs\new\old.vhdx", None, r"LAB\HV1$").is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn ha12_ha1_an_open_folder_names_a_foreign_host_as_well() {
    let folder = csv("old");
    open_at(&folder, None, r"LAB\HV9$")
        .is("csv1/gone/gone.vhdx", "unknown/no-coverage")
        .gap("lock-of-unknown-host");
    for user in [r"LAB\HV1$", r"LAB\somebody"] {
        open_at(&folder, None, user)
            .is("csv1/gone/gone.vhdx", "orphaned/deleted-vm-disk")
            .no_gap("lock-of-unknown-host");
    }
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

/// A host that has a compute system of this id.
fn with_system(id: &str, kind: &str, owner: &str) -> Inventory {
    let mut inventory = hyperv_host("hv1").vm(row_of("web"));
    inventory.observations.compute_systems = vec![ComputeSystem {
        id: id.to_owned(),
        kind: kind.to_owned(),
        state: "Running".to_owned(),
        owner: Some(owner.to_owned()),
        row: "hcs.txt: line 2".to_owned(),
    }];
    inventory
}

#[test]
fn ha5_ha14_a_vm_that_a_host_runs_is_in_use_although_nobody_registers_it() {
    let site = |id: &str| {
        with_vm(with_vm(Site::hyperv(), "web"), "lost")
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .inventory(with_system(id, "VM", "VMMS"))
            .judge()
    };
    site(&vm_id("lost").to_string())
        .are(&[&config("lost"), "csv1/lost/lost.vhdx"], "in-use/locked never")
        .because(&config("lost"), "compute-system")
        .is("csv1/old/old.vhdx", "unknown/no-coverage")
        .gap("unknown-vm-in-use");
    site(&vm_id("web").to_string())
        .is(&config("lost"), "unregistered/lost-registration")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
        .no_gap("unknown-vm-in-use");
}

#[test]
fn ha14_disks_in_the_folder_of_a_container_or_of_wsl_are_of_the_service() {
    let id = "0f1e2d3c-0000-1111-2222-333344445555";
    let site = |kind: &str, owner: &str, folder: &str| {
        with_vm(Site::hyperv(), "web")
            .vhdx(&format!("csv1/layers/{folder}/scratch.vhdx"), &vhdx("scratch"))
            .inventory(with_system(id, kind, owner))
            .judge()
    };
    let path = format!("csv1/layers/{id}/scratch.vhdx");
    site("Container", "docker", id).is(&path, "service/container-layer never");
    site("VM", "WSL", id)
        .is(&path, "service/wsl never")
        .no_gap("unknown-vm-in-use");
    site("Container", "docker", "other").is("csv1/layers/other/scratch.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn ha2_the_list_of_the_cluster_may_lie_in_another_folder_than_the_export_of_a_node() {
    let site = |listed: &str| {
        let mut vm = row_of("web");
        vm.clustered = true;
        let mut cluster = inventory("cluster", Platform::Hyperv, InventoryKind::HypervJson);
        cluster.has_vm_list = false;
        cluster.has_cluster_list = true;
        cluster.cluster_vms.push(ClusterVm {
            id: vm_id(listed),
            name: listed.to_owned(),
            root: None,
            state: None,
        });
        with_vm(Site::hyperv(), "web")
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .only_as_it_is()
            .inventory(hyperv_host("hv1").vm(vm))
            .inventory(cluster)
            .judge()
    };
    site("web")
        .no_gap("no-cluster-list")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
        .confidence("csv1/old/old.vhdx", "high");
    site("other").gap("no-cluster-list");
}

#[test]
fn a_volume_that_every_node_names_and_nobody_scanned_is_one_gap() {
    let on = |volume: &str, name: &str| {
        let mut row = hyperv_row(name, &[&format!(r"{volume}\{name}\{name}.vhdx")]);
        row.config = row
            .config
            .map(|config| config.replace(r"C:\ClusterStorage\Volume1", volume));
        row
    };
    let judged = with_vm(Site::hyperv(), "web")
        .inventory(
            hyperv_host("hv1")
                .vm(row_of("web"))
                .vm(on(r"C:\ClusterStorage\Volume2", "a"))
                .vm(on(r"C:\ClusterStorage\Volume3", "b")),
        )
        .inventory(
            inventory("hv2", Platform::Hyperv, InventoryKind::HypervJson)
                .host("hv2")
                .vm(on(r"C:\ClusterStorage\VOLUME2", "c")),
        )
        .judge();
    let gaps = judged.report.coverage.gap_details.iter();
    let texts = gaps.filter(|gap| gap.code.name() == "datastore-not-scanned");
    let texts: Vec<String> = texts.map(|gap| gap.text.to_lowercase()).collect();
    let [second, third] = texts.as_slice() else {
        panic!("{texts:?}")
    };
    assert!(
        second.contains("volume2 is known") && second.contains("2 vms have files"),
        "{second}"
    );
    assert!(
        third.contains("volume3 is known") && third.contains("1 vm has files"),
        "{third}"
    );
}

/// A cluster that names its nodes and of which HV01 was not asked.
fn second_cluster(node: &str, missing: &str) -> Inventory {
    let mut second = hyperv_host(node);
    "vms.json".clone_into(&mut second.source);
    second.missing_hosts = vec![missing.to_owned()];
    second
}

fn two_clusters(first: Option<Inventory>, second: Inventory) -> Judged {
    let site = with_vm(with_vm(Site::hyperv(), "web"), "other")
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .only_as_it_is();
    let site = first.into_iter().fold(site, Site::inventory);
    site.inventory(second.vm(row_of("web"))).judge()
}

#[test]
fn ha1_a_node_of_the_same_name_in_another_cluster_or_domain_is_another_host() {
    let first = |host: &str, has_list: bool| {
        let mut first = hyperv_host(host);
        first.source = "CLA".to_owned();
        first.has_cluster_list = has_list;
        Some(first)
    };
    for (first, second) in [
        (first("HV01", true), second_cluster("HV02", "HV01")),
        (
            first("HV01.a.example", false),
            second_cluster("HV02.b.example", "HV01.b.example"),
        ),
    ] {
        two_clusters(first, second)
            .is("csv1/old/old.vhdx", "unknown/no-coverage")
            .is(&config("other"), "unknown/no-coverage")
            .gap("node-without-inventory");
    }
    for (first, second) in [
        (first("HV01", false), second_cluster("HV02", "HV01")),
        (first("HV01.a.example", false), second_cluster("HV02", "HV01")),
        (first("HV01", false), second_cluster("HV02.a.example", "HV01.a.example")),
    ] {
        two_clusters(first, second)
            .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
            .no_gap("node-without-inventory");
    }
}

#[test]
fn ha2_a_list_of_roles_that_names_more_vms_than_there_are_rows_makes_the_rest_unknown() {
    let named = |roles: &[&str], clustered: bool| {
        let mut row = row_of("web");
        row.clustered = clustered;
        let mut cluster = hyperv_host("hv1").vm(row);
        cluster.cluster_roles = roles.iter().map(|&role| role.to_owned()).collect();
        with_vm(with_vm(Site::hyperv(), "web"), "ghost")
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .inventory(cluster)
            .judge()
    };
    named(&["web", "ghost"], true)
        .are(&["csv1/old/old.vhdx", "csv1/ghost/ghost.vhdx"], "unknown/no-coverage")
        .gap("cluster-vm-without-row");
    // The role of web may bear another name.
    for roles in [["ghost"].as_slice(), &["WEB"]] {
        named(roles, true)
            .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
            .no_gap("cluster-vm-without-row");
    }
}
