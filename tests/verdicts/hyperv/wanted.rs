//! What registered VMs may want beside what they reach: a disk that they miss, checkpoints, logs, state.

use std::collections::BTreeMap;

use derelict::{
    inventory::{Listing, OpenFile, Registration},
    path::fold,
};
use derelict_parsers::testkit::{
    guid,
    hyperv_files::{HrlBuilder, VmgsBuilder},
};

use super::{checkpoint_config, checkpoint_path, config, csv, row_of, with_vm};
use crate::support::{Export, Site, child, hyperv_host, hyperv_row, hyperv_vm, vhdx, vm_id, vmcx_path};

/// `web` with its disk at this place, where its configuration and its row have it in its folder.
fn with_disk_at(path: &str) -> Site {
    with_vm(Site::hyperv(), "db")
        .vmcx("csv1/web", &hyperv_vm("web", &[&csv("web/web.vhdx")]))
        .vhdx(path, &vhdx("web"))
        .inventory(hyperv_host("hv1").vm(row_of("db")).vm(row_of("web")))
}

#[test]
fn a_disk_under_the_name_or_at_the_place_of_one_that_a_vm_misses_may_be_it() {
    for path in [
        "csv1/old/web.vhdx",
        "csv1/old/Web.VHDX",
        "csv1/web/web_alt.vhdx",
        "csv1/web/web.vhdx.bak",
    ] {
        with_disk_at(path)
            .judge()
            .is(path, "unknown/ambiguous-reference never")
            .says(path, "web misses web/web.vhdx");
    }
    let elsewhere = "csv1/old/old.vhdx";
    assert_eq!(with_disk_at(elsewhere).judge().missing("web").len(), 1);
    let verdict = with_disk_at(elsewhere).judge().artifact(elsewhere).verdict;
    assert_eq!(verdict, derelict::report::model::Verdict::Orphaned);
}

/// `web`, whose disk its row lists at this path, beside a disk of nobody.
fn with_row_at(written: &str, path: &str) -> crate::support::Judged {
    let mut row = hyperv_row("web", &[&csv("web/web.vhdx"), written]);
    row.listing = Listing::WholeChains;
    with_vm(with_vm(Site::hyperv(), "db"), "web")
        .vhdx(path, &vhdx("other"))
        .inventory(hyperv_host("hv1").vm(row_of("db")).vm(row))
        .judge()
}

#[test]
fn a_disk_that_fits_what_is_left_of_a_damaged_path_may_be_it() {
    let disk = "csv1/B\u{fc}ro 1/B\u{fc}ro 1.vhdx";
    for written in [
        "B\u{c3}\u{bc}ro 1/B\u{c3}\u{bc}ro 1.vhdx",
        "B\u{b3}ro 1/B\u{b3}ro 1.vhdx",
        "B\u{fc}ro\u{a0}1/B\u{fc}ro\u{a0}1.vhdx",
        "Buro 1/Buro 1.vhdx",
        "B\u{fc}ro 1/B...",
        "B\u{fc}ro\u{2026}",
        "B\u{fc}ro 1/B\u{fc}ro 1.vh",
        "B%C3%BCro%201/B%C3%BCro%201.vhdx",
    ] {
        with_row_at(&csv(written), disk)
            .is(disk, "unknown/ambiguous-reference never")
            .says(disk, "web misses ");
    }
    for written in [
        "B\u{c3}\u{bc}ro 2/B\u{c3}\u{bc}ro 2.vhdx",
        "B\u{fc}ro 2/B...",
        "B\u{fc}ro 10.vhdx",
        "Lager/Lager.vhdx",
    ] {
        with_row_at(&csv(written), disk).is(disk, "orphaned/deleted-vm-disk review");
    }
}

#[test]
fn a_disk_in_the_renamed_folder_of_a_vm_that_misses_one_may_be_it() {
    let site = |row_disk: &str| {
        let mut row = hyperv_row("web", &[&csv(row_disk)]);
        row.config = row.config.map(|config| config.replace(r"\web\", r"\before\"));
        row.listing = Listing::WholeChains;
        with_vm(Site::hyperv(), "db")
            .vmcx("csv1/web", &hyperv_vm("web", &[&csv(row_disk)]))
            .vhdx("csv1/web/os.vhdx", &vhdx("os"))
            .vhdx("csv1/web/disk0.vhdx", &vhdx("disk0"))
            .inventory(hyperv_host("hv1").vm(row_of("db")).vm(row))
            .only_as_it_is()
            .judge()
    };
    site("before/web.vhdx").is("csv1/web/disk0.vhdx", "unknown/ambiguous-reference never");
    site("web/os.vhdx").is("csv1/web/disk0.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn a_path_that_was_cut_before_it_tells_a_datastore_may_mean_any_disk() {
    let disk = "csv1/old/old.vhdx";
    for written in [r"C:\ClusterStorage\Vol...", "C:\\Clus\u{2026}", r"\\fs..."] {
        with_row_at(written, disk)
            .is(disk, "unknown")
            .because(disk, "inventory-lossy");
    }
    for written in [r"C:\ClusterStorage\Volume7\we...", r"D:\VMs\we...", r"\\fs01\vms\we..."] {
        with_row_at(written, disk).is(disk, "orphaned/deleted-vm-disk");
    }
}

#[test]
fn the_place_of_a_missed_disk_is_one_in_any_case_and_tells_nothing_where_other_vms_have_theirs() {
    let site = |other: &str| {
        let shared = csv("Disks/other.vhdx");
        with_vm(Site::hyperv(), "db")
            .vmcx("csv1/web", &hyperv_vm("web", &[&csv("disks/web.vhdx")]))
            .vmcx("csv1/other", &hyperv_vm("other", &[&shared]))
            .vhdx(&format!("csv1/{other}/other.vhdx"), &vhdx("other"))
            .vhdx("csv1/Disks/renamed.vhdx", &vhdx("renamed"))
            .inventory(
                hyperv_host("hv1")
                    .vm(row_of("db"))
                    .vm(hyperv_row("web", &[&csv("disks/web.vhdx")]))
                    .vm(hyperv_row("other", &[&csv(&format!("{other}/other.vhdx"))])),
            )
            .judge()
    };
    let path = "csv1/Disks/renamed.vhdx";
    site("elsewhere").is(path, "unknown/ambiguous-reference never");
    site("Disks").is(path, "orphaned/deleted-vm-disk");
}

#[test]
fn a_copy_of_a_disk_that_is_there_is_nobodys() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/old/web.vhdx", &vhdx("other"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .is("csv1/old/web.vhdx", "orphaned/deleted-vm-disk candidate");
}

/// `web`, which counts this many checkpoints, and a configuration in its checkpoint folder that carries another id than its own.
fn with_checkpoint(count: i64, carried: u64, row: Registration) -> crate::support::Judged {
    let mut vm = hyperv_vm("web", &[&csv("web/web.vhdx")]);
    vm.checkpoint_count = count;
    let mut checkpoint = checkpoint_config("web", 1, &[]);
    checkpoint.checkpoint_of = Some(guid(carried, 9));
    Site::hyperv()
        .vmcx("csv1/web", &vm)
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .file(&checkpoint_path("csv1/web", 1), checkpoint.to_vmcx())
        .inventory(hyperv_host("hv1").vm(row))
        .judge()
}

#[test]
fn hd2_a_configuration_among_the_checkpoints_of_a_vm_of_which_not_all_are_known_may_be_one() {
    let path = checkpoint_path("csv1/web", 1);
    with_checkpoint(1, 5, row_of("web"))
        .is(&path, "unknown/ambiguous-reference never")
        .says(&path, "it lies in the checkpoint folder of web");
    with_checkpoint(0, 5, row_of("web")).is(&path, "orphaned/leftover-state review");
    let told = Registration {
        checkpoints_told: true,
        ..row_of("web")
    };
    with_checkpoint(1, 5, told).is(&path, "orphaned/leftover-state review");
}

#[test]
fn he10_he11_what_bears_the_id_or_the_disk_of_a_replicated_vm_may_be_of_its_replication() {
    let undo = format!(
        "csv1/replica/UndoLog Configuration/{}.vmcx",
        vm_id("web").to_string().to_uppercase()
    );
    let site = |mode: &str| {
        let row = Registration {
            replication: Some(mode.to_owned()),
            ..row_of("web")
        };
        with_vm(Site::hyperv(), "web")
            .vmcx("csv1/replica", &hyperv_vm("web", &[&csv("web/web.vhdx")]))
            .change({
                let undo = undo.clone();
                move |catalogue| {
                    let made = vmcx_path("replica", vm_id("web"));
                    let mut artifacts = catalogue.artifacts.iter_mut();
                    if let Some(artifact) = artifacts.find(|artifact| artifact.entry.path.lossy() == made) {
                        artifact.entry.path = undo.trim_start_matches("csv1/").into();
                    }
                }
            })
            .file("csv1/logs/web.hrl", HrlBuilder::new(3).bytes())
            .file("csv1/logs/WEB.vhdx.hrl", HrlBuilder::new(3).bytes())
            .file("csv1/logs/other.hrl", HrlBuilder::new(3).bytes())
            .inventory(hyperv_host("hv1").vm(row))
            .judge()
    };
    site("Replica")
        .are(
            &["csv1/logs/web.hrl", "csv1/logs/WEB.vhdx.hrl"],
            "unknown/service-unlisted never",
        )
        .says("csv1/logs/web.hrl", "the name of a disk of web, which is replicated")
        .is("csv1/logs/other.hrl", "orphaned/leftover-sidecar review")
        .is(&undo, "unknown/service-unlisted never");
    site("None")
        .is("csv1/logs/web.hrl", "orphaned/leftover-sidecar review")
        .is(&undo, "unregistered/export-copy review");
}

#[test]
fn ha11_a_copy_of_a_disk_that_is_being_moved_is_not_judged() {
    let site = |moves_storage: bool| {
        let row = Registration {
            moves_storage,
            ..row_of("web")
        };
        with_vm(Site::hyperv(), "web")
            .vhdx("csv1/new/web.vhdx", &vhdx("web"))
            .inventory(hyperv_host("hv1").vm(row))
            .judge()
    };
    site(true)
        .is("csv1/new/web.vhdx", "unknown/ambiguous-reference never")
        .says("csv1/new/web.vhdx", "was being moved");
    site(false).is("csv1/new/web.vhdx", "orphaned/migration-leftover");
}

#[test]
fn he4_state_with_the_id_of_a_vm_may_be_its_own_where_it_has_none() {
    let name = vm_id("web").to_string().to_uppercase();
    let away = format!("csv1/state/{name}.vmrs");
    let with_state = |site: Site, state: &str| {
        let row = Registration {
            state: Some(state.to_owned()),
            ..row_of("web")
        };
        site.file(&away, hyperv_vm("web", &[]).to_vmrs(0))
            .inventory(hyperv_host("hv1").vm(row))
            .judge()
    };
    let site = |site: Site| with_state(site, "Running");
    with_state(with_vm(Site::hyperv(), "web"), "Off").is(&away, "orphaned/leftover-state review");
    site(with_vm(Site::hyperv(), "web"))
        .is(&away, "unknown/ambiguous-reference never")
        .says(&away, "it bears the id of web");
    let home = format!("csv1/web/Virtual Machines/{name}.vmrs");
    site(with_vm(Site::hyperv(), "web").file(&home, hyperv_vm("web", &[]).to_vmrs(0)))
        .is(&home, "owned")
        .is(&away, "orphaned/leftover-state review");
}

#[test]
fn state_of_a_listed_checkpoint_may_lie_elsewhere() {
    let away = format!("csv1/state/{}.vmrs", guid(1, 77).to_string().to_uppercase());
    let site = |checkpoints: Vec<derelict::inventory::Checkpoint>| {
        let row = Registration {
            checkpoints,
            state: Some("Off".to_owned()),
            ..row_of("web")
        };
        with_vm(Site::hyperv(), "web")
            .file(&away, hyperv_vm("web", &[]).to_vmrs(0))
            .inventory(hyperv_host("hv1").vm(row))
            .judge()
    };
    let verdict = site(vec![crate::support::checkpoint(guid(1, 77), true)])
        .artifact(&away)
        .verdict;
    assert_ne!(verdict, derelict::report::model::Verdict::Orphaned);
    site(Vec::new()).is(&away, "orphaned/leftover-state review");
}

#[test]
fn an_attached_disk_is_in_use() {
    let mut host = hyperv_host("hv1").vm(row_of("web"));
    host.observations.open_files = vec![OpenFile {
        path: csv("mnt/m.vhdx"),
        client: Some("HV1".to_owned()),
        user: Some("Get-VHD: attached".to_owned()),
        host: Some("HV1".to_owned()),
        share_path: None,
        row: "vhd.json[0]".to_owned(),
    }];
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/mnt/m.vhdx", &vhdx("m"))
        .inventory(host)
        .judge()
        .is("csv1/mnt/m.vhdx", "in-use/locked never")
        .says("csv1/mnt/m.vhdx", "Get-VHD: attached");
}

#[test]
fn ha10_a_place_that_is_no_path_or_was_cut_is_none() {
    let site = |place: &str| {
        let mut row = row_of("web");
        row.config = Some(format!(
            "{place}\\Virtual Machines\\{}.vmcx",
            vm_id("web").to_string().to_uppercase()
        ));
        with_vm(with_vm(Site::hyperv(), "db"), "web")
            .inventory(hyperv_host("hv1").vm(row_of("db")).vm(row))
            .judge()
    };
    for place in [
        "System.Object[]",
        "@{Path=x}",
        r"C:\ClusterStorage\Volu...",
        "C:\\ClusterStorage\\Volum…",
        r"\\?\GLOBALROOT\Device\HarddiskVolume7\web",
        "/mnt/v1/web",
        r"C:\\ClusterStorage\\Volume1\\web",
    ] {
        site(place).is(&config("web"), "owned");
    }
    site(r"D:\elsewhere\other").is(&config("web"), "unregistered/export-copy");
}

#[test]
fn a_configuration_that_cannot_be_read_at_the_top_hides_the_disks_in_the_folders_of_hyper_v() {
    let broken = vmcx_path("csv1", vm_id("gone"));
    let site = |path: &str| {
        with_vm(Site::hyperv(), "web")
            .file(&broken, [0; 8192])
            .vhdx(path, &vhdx("disk1"))
            .inventory(hyperv_host("hv1").vm(row_of("web")))
            .judge()
    };
    let near = "csv1/Virtual Hard Disks/disk1.vhdx";
    site(near).is(near, "unknown/owner-unreadable never");
    let far = "csv1/old/disk1.vhdx";
    site(far).is(far, "orphaned/deleted-vm-disk candidate");
}

#[test]
fn a_link_renamed_in_its_folder_may_be_the_missed_one() {
    let base = vhdx("base");
    with_vm(Site::hyperv(), "db")
        .vhdx("csv1/base/base.vhdx", &base)
        .vmcx("csv1/web", &hyperv_vm("web", &[&csv("web/web.vhdx")]))
        .vhdx("csv1/web/web_alt.vhdx", &child("web", &base, r"..\base\base.vhdx"))
        .inventory(hyperv_host("hv1").vm(row_of("db")).vm(row_of("web")))
        .judge()
        .is("csv1/web/web_alt.vhdx", "unknown/ambiguous-reference never");
}

/// `web`, whose configuration lies outside the scan unless this is so, with a file that bears this id or name.
fn with_stray(is_scanned: bool, path: &str, row: Registration) -> crate::support::Judged {
    let site = if is_scanned {
        with_vm(Site::hyperv(), "web")
    } else {
        Site::hyperv().vhdx("csv1/web/web.vhdx", &vhdx("web"))
    };
    let mut row = row;
    if !is_scanned {
        row.config = Some(format!(
            r"C:\ClusterStorage\Volume2\web\Virtual Machines\{}.vmcx",
            vm_id("web").to_string().to_uppercase()
        ));
    }
    let content = match fold(path).rsplit_once('.') {
        Some((_, "vmgs")) => VmgsBuilder::new(5).bytes(),
        Some((_, "vmrs")) => hyperv_vm("x", &[]).to_vmrs(0),
        _ => vec![0; 1 << 20],
    };
    with_vm(site, "db")
        .file(path, content)
        .inventory(hyperv_host("hv1").vm(row_of("db")).vm(row))
        .judge()
}

#[test]
fn he3_he4_state_under_an_id_that_nothing_tells_may_be_of_a_checkpoint_that_nothing_tells() {
    let id = guid(5, 99).to_string().to_uppercase();
    let told = || Registration {
        checkpoints_told: true,
        ..row_of("web")
    };
    for name in [
        format!("{id}.vmgs"),
        format!("{id}.VMRS"),
        format!("{id}/{id}.bin"),
        format!("{id}/{id}.vsv"),
    ] {
        let path = format!("csv1/state/{name}");
        with_stray(false, &path, row_of("web"))
            .is(&path, "unknown/ambiguous-reference never")
            .says(
                &path,
                "web may have checkpoints that neither an inventory nor a configuration tells",
            );
        with_stray(true, &path, row_of("web")).is(&path, "orphaned/leftover-state");
        with_stray(false, &path, told()).is(&path, "orphaned/leftover-state");
    }
}

#[test]
fn he3_state_under_any_id_may_be_of_a_vm_whose_id_nothing_tells() {
    let path = format!("csv1/state/{}.vmrs", guid(5, 99).to_string().to_uppercase());
    let row = Registration {
        instance_id: None,
        checkpoints_told: true,
        ..row_of("web")
    };
    with_stray(false, &path, row)
        .is(&path, "unknown/ambiguous-reference never")
        .says(&path, "web may have an id that");
}

#[test]
fn he10_he11_a_log_of_replication_may_bear_more_than_the_name_of_its_disk() {
    let site = |name: &str, mode: Option<&str>, row: Registration| {
        let path = format!("csv1/logs/{name}");
        let row = Registration {
            replication: mode.map(str::to_owned),
            ..row
        };
        let db = Registration {
            replication: Some("None".to_owned()),
            ..row_of("db")
        };
        with_vm(with_vm(Site::hyperv(), "web"), "db")
            .file(&path, HrlBuilder::new(3).bytes())
            .inventory(hyperv_host("hv1").vm(db).vm(row))
            .judge()
    };
    let named = format!("web_{}.hrl", guid(7, 7).to_string().to_uppercase());
    let undo = format!("web_{}.hru", guid(7, 7).to_string().to_uppercase());
    for name in [named.as_str(), undo.as_str(), "web.vhdx.1.hrl"] {
        let path = format!("csv1/logs/{name}");
        site(name, Some("Replica"), row_of("web"))
            .is(&path, "unknown/service-unlisted never")
            .says(&path, "the name of a disk of web, which is replicated");
        site(name, None, row_of("web"))
            .is(&path, "unknown/service-unlisted never")
            .says(&path, "of which no inventory tells whether it is replicated");
        site(name, Some("None"), row_of("web")).is(&path, "orphaned/leftover-sidecar review");
    }
    site("website.hrl", Some("Replica"), row_of("web")).is("csv1/logs/website.hrl", "orphaned/leftover-sidecar review");
}

#[test]
fn he11_any_log_of_replication_may_be_of_a_replicated_vm_whose_disks_nothing_tells() {
    let site = |mode: &str| {
        let row = Registration {
            replication: Some(mode.to_owned()),
            listing: Listing::ConfigOnly,
            files: Vec::new(),
            ..row_of("web")
        };
        let db = Registration {
            replication: Some("None".to_owned()),
            ..row_of("db")
        };
        let path = vmcx_path("csv1/web", vm_id("web"));
        with_vm(with_vm(Site::hyperv(), "web"), "db")
            .unreadable_file(&path)
            .file("csv1/logs/any.hrl", HrlBuilder::new(3).bytes())
            .inventory(hyperv_host("hv1").vm(db).vm(row))
            .assume_complete()
            .judge()
    };
    site("Primary")
        .is("csv1/logs/any.hrl", "unknown/service-unlisted never")
        .says(
            "csv1/logs/any.hrl",
            "has disks that neither an inventory nor its configuration tells",
        );
}

#[test]
fn ha11_hb10_a_disk_with_the_identity_of_a_missing_one_may_be_it() {
    let site = |told: &str| {
        let moved = vhdx("archived");
        let mut row = row_of("db");
        let id = if told == "its" { moved.disk_id } else { guid(4, 4) };
        row.disk_ids = BTreeMap::from([(csv("db/db.vhdx"), id.simple().to_string())]);
        with_vm(Site::hyperv(), "web")
            .vmcx("csv1/db", &hyperv_vm("db", &[&csv("db/db.vhdx")]))
            .vhdx("csv1/archive/srv-2019.vhdx", &moved)
            .inventory(hyperv_host("hv1").vm(row_of("web")).vm(row))
            .judge()
    };
    site("its")
        .is("csv1/archive/srv-2019.vhdx", "unknown/ambiguous-reference never")
        .says("csv1/archive/srv-2019.vhdx", "db misses")
        .problem("missing-disk", "db");
    site("another").is("csv1/archive/srv-2019.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn ha11_a_disk_that_only_a_vm_may_open_which_misses_one_may_be_it() {
    let site = |is_there: bool| {
        let mut host = hyperv_host("hv1").vm(row_of("web")).vm(row_of("db"));
        host.observations.grants = crate::support::grants(&[(r"archive\srv-2019.vhdx", vm_id("db"))]);
        let site = with_vm(Site::hyperv(), "web")
            .vmcx("csv1/db", &hyperv_vm("db", &[&csv("db/db.vhdx")]))
            .vhdx("csv1/archive/srv-2019.vhdx", &vhdx("archived"))
            .only_as_it_is();
        let site = if is_there {
            site.vhdx("csv1/db/db.vhdx", &vhdx("db"))
        } else {
            site
        };
        site.inventory(host).judge()
    };
    site(false)
        .is("csv1/archive/srv-2019.vhdx", "unknown/ambiguous-reference never")
        .says("csv1/archive/srv-2019.vhdx", "which misses a disk");
    site(true).is("csv1/archive/srv-2019.vhdx", "orphaned/deleted-vm-disk review");
}

#[test]
fn hf8_the_configuration_at_the_place_to_which_a_vm_is_moved_is_not_judged() {
    let site = |moves_storage: bool| {
        let row = Registration {
            moves_storage,
            ..row_of("web")
        };
        with_vm(Site::hyperv(), "web")
            .vmcx("csv1/new", &hyperv_vm("web", &[&csv("new/web.vhdx")]))
            .inventory(hyperv_host("hv1").vm(row))
            .judge()
    };
    let config = vmcx_path("csv1/new", vm_id("web"));
    site(true).is(&config, "unknown/ambiguous-reference never");
    site(false).is(&config, "unregistered/export-copy review");
}
