//! H-E: configurations, state, replicas and other files of VMs.

use derelict::kind::Role;
use derelict_parsers::{
    hyperv_config::ControllerKind,
    testkit::{
        guid,
        hyperv_files::{HrlBuilder, VmgsBuilder},
        hyperv_vm::{HypervDrive, host_store},
    },
};

use super::{checkpoint_config, checkpoint_path, config, csv, row_of, with_vm};
use crate::support::{
    Export, Site, checkpoint, child, hyperv_host, hyperv_row, hyperv_vm, listed, vhdx, vm_id, vmcx_path,
};

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
    for (path, class) in cases.iter().zip(["cluster-config", "host-store", "host-store"]) {
        judged.is(path, &format!("system/{class} never"));
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

/// The copy of a configuration in the cache of a host.
fn cached(name: &str) -> String {
    let id = vm_id(name).to_string().to_uppercase();
    format!("csv1/ProgramData/Microsoft/Windows/Hyper-V/Virtual Machines Cache/{id}.vmcx")
}

#[test]
fn he1_a_vm_whose_configuration_a_host_caches_shows_that_an_export_is_missing() {
    let site = |name: &str| {
        with_vm(with_vm(Site::hyperv(), "web"), "other")
            .file(&cached(name), hyperv_vm(name, &[]).to_vmcx())
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .only_as_it_is()
            .inventory(hyperv_host("hv1").vm(row_of("web")))
            .judge()
    };
    site("other")
        .is(&cached("other"), "system/host-store never")
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
fn he1_an_export_of_a_vm_that_is_cached_and_registered_stays_a_copy() {
    with_vm(Site::hyperv(), "web")
        .file(&cached("web"), hyperv_vm("web", &[]).to_vmcx())
        .vmcx("csv1/copy", &hyperv_vm("web", &[&csv("copy/web.vhdx")]))
        .vhdx("csv1/copy/web.vhdx", &vhdx("copy"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/copy/web.vhdx", "unregistered/export-copy review")
        .no_gap("host-store-names");
}

#[test]
fn he1_a_store_that_registers_what_is_not_there_tells_of_a_ghost() {
    let site = |path: &str| {
        let store = host_store(&[(vm_id("gone"), &csv(path))]);
        with_vm(Site::hyperv(), "web")
            .file("csv1/ProgramData/Microsoft/Windows/Hyper-V/data.vmcx", store)
            .inventory(hyperv_host("hv1").vm(row_of("web")))
            .judge()
    };
    site("gone/Virtual Machines/x.vmcx").problem("ghost", "gone/Virtual Machines/x.vmcx");
    site(&format!("web/Virtual Machines/{}.vmcx", vm_id("web"))).no_problem("ghost");
}

#[test]
fn he1_a_cached_id_that_nothing_has_is_a_ghost_only_where_everything_was_scanned() {
    let site = |name: &str, another: bool| {
        let mut inventory = hyperv_host("hv1").vm(row_of("web"));
        if another {
            inventory = inventory.datastore("Volume2", &[r"C:\ClusterStorage\Volume2"], &["hv1"]);
        }
        with_vm(Site::hyperv(), "web")
            .file(&cached(name), hyperv_vm(name, &[]).to_vmcx())
            .inventory(inventory)
            .judge()
    };
    let gone = vm_id("gone").to_string();
    site("gone", false).problem("ghost", &gone);
    site("gone", true).no_problem("ghost");
    site("web", false).no_problem("ghost");
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
    // A disk that was taken out of the VM since, only the checkpoint names.
    judged.is("csv1/old/old.vhdx", "unknown/no-coverage");
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
        .is(&format!("csv1/x/{other}.bin"), "orphaned/leftover-state review")
        .says(&format!("csv1/x/{other}.bin"), "which no VM has that is registered");
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
fn he12_a_seed_beside_live_replicas_is_kept_and_one_outside_of_the_store_is_not_known() {
    let store = "csv1/Hyper-V Replica";
    let disk = csv("Hyper-V Replica/Virtual hard disks/live/live.vhdx");
    let mut live = hyperv_row("live", &[&disk]);
    live.replication = Some("Replica".to_owned());
    live.awaits_copy = true;
    live.config = live
        .config
        .map(|config| config.replace(r"\live\Virtual", r"\Hyper-V Replica\Virtual"));
    with_vm(Site::hyperv(), "web")
        .vmcx(store, &hyperv_vm("live", &[&disk]))
        .vhdx(&format!("{store}/Virtual hard disks/live/live.vhdx"), &vhdx("live"))
        .vhdx(&format!("{store}/Virtual hard disks/seed/seed.vhdx"), &vhdx("seed"))
        .vhdx("csv1/seeds/seed.vhdx", &vhdx("other seed"))
        .inventory(hyperv_host("hv1").vm(row_of("web")).vm(live))
        .judge()
        .is(&format!("{store}/Virtual hard disks/live/live.vhdx"), "owned never")
        .is(
            &format!("{store}/Virtual hard disks/seed/seed.vhdx"),
            "service/hyper-v-replica never",
        )
        .is("csv1/seeds/seed.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn he12_a_disk_that_bears_the_name_of_a_vm_which_waits_for_its_first_copy_is_not_judged() {
    let site = |waits: bool| {
        let mut row = row_of("web");
        row.replication = Some("Primary".to_owned());
        row.awaits_copy = waits;
        with_vm(Site::hyperv(), "web")
            .vhdx("csv1/usb/web_0F1E2D3C/system.vhdx", &vhdx("system"))
            .vhdx("csv1/usb/x/web.vhdx", &vhdx("of this name"))
            .vhdx("csv1/usb/webserver/x.vhdx", &vhdx("x"))
            .inventory(hyperv_host("hv1").vm(row))
            .judge()
    };
    let named = ["csv1/usb/web_0F1E2D3C/system.vhdx", "csv1/usb/x/web.vhdx"];
    site(true)
        .are(&named, "unknown/service-unlisted never")
        .is("csv1/usb/webserver/x.vhdx", "orphaned/deleted-vm-disk");
    site(false).are(&named, "orphaned/deleted-vm-disk");
}

#[test]
fn he13_a_former_replica_that_is_registered_is_owned_and_told() {
    let disk = csv("Hyper-V Replica/Virtual hard disks/0A/r.vhdx");
    let site = |mode: Option<&str>| {
        let mut vm = hyperv_row("r", &[&disk]);
        vm.config = Some(vm.config.unwrap().replace(r"\r\Virtual", r"\Hyper-V Replica\Virtual"));
        vm.replication = mode.map(str::to_owned);
        Site::hyperv()
            .vmcx("csv1/Hyper-V Replica", &hyperv_vm("r", &[&disk]))
            .vhdx("csv1/Hyper-V Replica/Virtual hard disks/0A/r.vhdx", &vhdx("r"))
            .inventory(hyperv_host("hv1").vm(vm))
            .judge()
    };
    let path = "csv1/Hyper-V Replica/Virtual hard disks/0A/r.vhdx";
    site(Some("None")).is(path, "owned").problem("former-replica", "r");
    // A replica that is one, and an export that does not tell.
    for mode in [Some("Replica"), None] {
        site(mode).is(path, "owned").no_problem("former-replica");
    }
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
fn he20_an_xml_of_2012_r2_that_is_registered_owns_its_disks() {
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

#[test]
fn an_old_configuration_owns_its_disks_in_every_form_of_its_text_and_hides_them_where_it_cannot_be_read() {
    let xml = config("web").replace(".vmcx", ".xml");
    let marked = hyperv_vm("web", &[&csv("web/web.vhdx")]).to_xml();
    let plain = marked[2..].to_vec();
    let units: Vec<u16> = plain
        .chunks(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .collect();
    let text = String::from_utf16(&units).unwrap();
    let behind_comment = text.replacen("<configuration", "<!-- kept by hand -->\r\n<configuration", 1);
    let with_type = text.replacen("<configuration", "<!DOCTYPE configuration>\r\n<configuration", 1);
    let cut = text[..text.find("<configuration").unwrap()].to_owned();
    let verdict = |content: Vec<u8>, verdict: &str| {
        Site::hyperv()
            .file(&xml, content)
            .vhdx("csv1/web/web.vhdx", &vhdx("web"))
            .inventory(hyperv_host("hv1"))
            .judge()
            .is("csv1/web/web.vhdx", verdict);
    };
    for readable in [marked, plain, behind_comment.into_bytes()] {
        verdict(readable, "unregistered");
    }
    for unreadable in [with_type, cut] {
        verdict(unreadable.into_bytes(), "unknown/owner-unreadable never");
    }
}

#[test]
fn he19_a_registered_configuration_that_cannot_be_read_reaches_the_volumes_that_its_vm_uses() {
    let second = r"C:\ClusterStorage\Volume2";
    let site = |folders: &[&str]| {
        let mut dark = row_of("dark");
        dark.folders = folders.iter().map(|&folder| folder.to_owned()).collect();
        with_vm(with_vm(Site::hyperv(), "web"), "dark")
            .root("csv2", &[second])
            .unreadable_file(&config("dark"))
            .vhdx("csv2/near/near.vhdx", &vhdx("near"))
            .vhdx("csv2/near/left.avhdx", &child("left", &vhdx("near"), r".\near.vhdx"))
            .file(&leftover("csv1"), hyperv_vm("gone", &[]).to_vmrs(0))
            .file(&leftover("csv2"), hyperv_vm("gone", &[]).to_vmrs(0))
            .vmcx("csv1/lost", &hyperv_vm("lost", &[]))
            .file(
                &config("lost").replace(".vmcx", ".VMRS"),
                hyperv_vm("lost", &[]).to_vmrs(0),
            )
            .only_as_it_is()
            .inventory(
                hyperv_host("hv1")
                    .datastore("Volume2", &[second], &["hv1"])
                    .vm(row_of("web"))
                    .vm(dark)
                    .vm(hyperv_row("near", &[&format!(r"{second}\near\near.vhdx")])),
            )
            .judge()
    };
    let own = csv("dark");
    site(&[&own])
        .is(&leftover("csv1"), "unknown/owner-unreadable never")
        .is(&leftover("csv2"), "orphaned/leftover-state review")
        .is("csv2/near/left.avhdx", "orphaned/stranded-snapshot review")
        // State beside a configuration of its own id is that one's.
        .is(
            &config("lost").replace(".vmcx", ".VMRS"),
            "unregistered/lost-registration",
        );
    // Where it keeps its state is not told, or lies there too.
    for folders in [&[][..], &[own.as_str(), second]] {
        site(folders).are(
            &[&leftover("csv2"), "csv2/near/left.avhdx"],
            "unknown/owner-unreadable never",
        );
    }
}

/// State of a VM that is gone.
fn leftover(root: &str) -> String {
    vmcx_path(&format!("{root}/gone"), vm_id("gone")).replace(".vmcx", ".VMRS")
}

#[test]
fn hc18_an_export_beside_its_vm_is_not_called_unknown_to_the_inventories() {
    let judged = with_vm(Site::hyperv(), "web")
        .vmcx("csv1/Export/web", &hyperv_vm("web", &[]))
        .vmcx("csv1/lost", &hyperv_vm("lost", &[&csv("lost/gone.vhdx")]))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge();
    let copy = vmcx_path("csv1/Export/web", vm_id("web"));
    let texts = |path: &str| -> String {
        let reasons = &judged.artifact(path).reasons;
        reasons
            .iter()
            .map(|reason| reason.text.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert!(texts(&copy).contains("no inventory registers this configuration of web"));
    assert!(texts(&config("lost")).contains("no inventory registers lost"));
    // H-A7: what of the VM is not there stands with it.
    assert!(texts(&config("lost")).contains("a disk that it names is not there: lost/gone.vhdx on "));
    assert!(!texts(&copy).contains("not there"));
}
