//! Problems of Hyper-V VMs: each with a test that it is found and one that it is not.

use derelict::{evidence::MarkCode, inventory::Checkpoint, report::model::Severity};
use derelict_parsers::{
    DiskKind,
    hyperv_config::ControllerKind,
    testkit::{
        guid,
        hyperv_files::vhds,
        hyperv_vm::{HypervDrive, HypervVm},
        vhd::VhdBuilder,
        vhdx::{VhdxBuilder, VhdxLog},
    },
};

use super::{config, csv, row_of, with_vm};
use crate::support::{Export, Judged, Site, checkpoint, child, hyperv_host, hyperv_row, hyperv_vm, vhdx};

/// `web` after a change to its configuration.
fn of_config(change: impl Fn(&mut HypervVm)) -> Judged {
    let mut vm = hyperv_vm("web", &[&csv("web/web.vhdx")]);
    change(&mut vm);
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/web", &vm)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
}

/// `web` with this disk.
fn of_disk(disk: &VhdxBuilder, state: &str) -> Judged {
    let mut row = row_of("web");
    row.state = Some(state.to_owned());
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/web/web.vhdx", disk)
        .inventory(hyperv_host("hv1").vm(row))
        .judge()
}

fn severity(judged: &Judged, code: &str) -> Option<Severity> {
    let mut problems = judged.report.problems.iter();
    problems
        .find(|problem| problem.code.name() == code)
        .map(|problem| problem.severity)
}

/// Every problem has its evidence and its next step, and none of them advises to delete state (H-E5).
fn check_problems(judged: &Judged) {
    for problem in &judged.report.problems {
        assert!(
            !problem.next_step.is_empty() && !problem.subject.is_empty(),
            "{problem:#?}"
        );
        let advice = problem.next_step.to_lowercase();
        let deletes_state = advice.contains("delete") && (advice.contains("vmrs") || advice.contains("vmgs"));
        assert!(!deletes_state, "{problem:#?}");
    }
}

#[test]
fn he15_a_physical_disk_of_the_host_is_a_problem_whoever_tells_it() {
    let by_config = of_config(|vm| {
        vm.drives.push(HypervDrive {
            kind: "HDD".to_owned(),
            ..HypervDrive::disk(ControllerKind::Scsi, 5, r"\\.\PhysicalDrive3")
        });
    });
    by_config.problem("pass-through-disk", "web");
    let mut row = row_of("web");
    row.fileless_disks = vec!["Disk 3 100.00 GB Bus 0 Lun 0 Target 1".to_owned()];
    with_vm(Site::hyperv(), "web")
        .inventory(hyperv_host("hv1").vm(row))
        .judge()
        .problem("pass-through-disk", "web");
    of_config(|_| {}).no_problem("pass-through-disk");
}

#[test]
fn hd23_a_vhd_is_told_of_and_one_under_the_name_of_a_vhdx_more_so() {
    let site = |name: &str| {
        let disk = csv(&format!("web/{name}"));
        Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm("web", &[&disk]))
            .sparse(
                &format!("csv1/web/{name}"),
                &VhdBuilder::new(DiskKind::Dynamic, 64 << 20, 4).build(),
            )
            .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&disk])))
            .judge()
    };
    let plain = site("web.vhd");
    plain.problem("vhd-format", "web/web.vhd");
    assert_eq!(severity(&plain, "vhd-format"), Some(Severity::Info));
    let disguised = site("web.vhdx");
    disguised.problem("vhd-format", "web/web.vhdx");
    assert_eq!(severity(&disguised, "vhd-format"), Some(Severity::Warning));
    of_config(|_| {}).no_problem("vhd-format");
}

#[test]
fn hd21_an_open_log_is_a_problem_while_nobody_should_use_the_disk() {
    let open = VhdxBuilder {
        log: VhdxLog::Lost(guid(9, 9)),
        ..vhdx("web")
    };
    let off = of_disk(&open, "Off");
    off.problem("dirty-log", "web/web.vhdx");
    check_problems(&off);
    of_disk(&open, "Running").no_problem("dirty-log");
    of_disk(&vhdx("web"), "Off").no_problem("dirty-log");
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/x/x.vhdx", &open)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .problem("dirty-log", "x/x.vhdx");
}

#[test]
fn a_conversion_that_was_not_finished_is_a_problem_of_the_vm_that_names_the_disk() {
    let incomplete = VhdxBuilder {
        incomplete: true,
        ..vhdx("web")
    };
    of_disk(&incomplete, "Off").problem("incomplete-disk", "web/web.vhdx");
    of_disk(&vhdx("web"), "Off").no_problem("incomplete-disk");
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/x/x.vhdx", &incomplete)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .no_problem("incomplete-disk");
}

#[test]
fn hd3_a_checkpoint_of_a_backup_that_is_still_listed_is_a_problem_and_one_of_a_user_is_none() {
    let site = |kind: &str| {
        let mut row = row_of("web");
        row.checkpoints.push(Checkpoint {
            kind: Some(kind.to_owned()),
            ..checkpoint(guid(1, 77), true)
        });
        let judged = with_vm(Site::hyperv(), "web")
            .inventory(hyperv_host("hv1").vm(row))
            .judge();
        check_problems(&judged);
        judged
    };
    site("Recovery").problem("unmerged-checkpoint", "web");
    site("Standard").no_problem("unmerged-checkpoint");
}

#[test]
fn hd24_what_a_merge_may_need_stands_beside_what_is_free() {
    of_config(|vm| vm.disk_merge_pending = true).problem("needs-consolidation", "bytes");
    of_config(|_| {}).no_problem("needs-consolidation");
}

#[test]
fn a_child_that_only_its_second_linkage_ties_to_its_parent_is_an_interrupted_merge() {
    let leaf = csv("web/web_A.avhdx");
    let site = |interrupted: bool| {
        let parent = vhdx("web");
        let mut link = child("web_A", &parent, r".\web.vhdx");
        if interrupted {
            for (key, value) in &mut link.locator {
                if key == "parent_linkage" {
                    *value = format!("{{{}}}", guid(5, 5));
                }
            }
            link.locator.retain(|(key, _)| key != "parent_linkage2");
            let second = format!("{{{}}}", parent.data_write_guid);
            link.locator.push(("parent_linkage2".to_owned(), second));
        }
        with_vm(Site::hyperv(), "web")
            .vmcx("csv1/web", &hyperv_vm("web", &[&leaf]))
            .vhdx("csv1/web/web_A.avhdx", &link)
            .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&leaf])))
            .judge()
    };
    site(true)
        .problem("needs-consolidation", "web_A.avhdx")
        .no_problem("parent-mismatch");
    site(false).no_problem("needs-consolidation");
}

#[test]
fn hd11_a_set_of_a_vm_is_told_of_as_shared_and_a_disk_is_not() {
    let set = csv("share/set.vhds");
    Site::hyperv()
        .vmcx("csv1/a", &hyperv_vm("a", &[&set]))
        .file(
            "csv1/share/set.vhds",
            vhds(&["set_0F1E2D3C-0000-1111-2222-333344445555.avhdx"]),
        )
        .vhdx(
            "csv1/share/set_0F1E2D3C-0000-1111-2222-333344445555.avhdx",
            &vhdx("set"),
        )
        .inventory(hyperv_host("hv1").vm(hyperv_row("a", &[&set])))
        .judge()
        .problem("shared-disk", "share/set.vhds");
    of_config(|_| {}).no_problem("shared-disk");
}

#[test]
fn hd12_a_drive_with_persistent_reservations_is_told_of_as_shared() {
    of_config(|vm| vm.drives[0].persistent_reservations = true).problem("shared-disk", "web");
}

#[test]
fn he4_a_virtual_tpm_is_told_of() {
    let judged = of_config(|vm| vm.tpm_enabled = true);
    judged.problem("encrypted", "web");
    check_problems(&judged);
    of_config(|_| {}).no_problem("encrypted");
}

#[test]
fn he5_he6_saved_memory_is_a_problem_and_nobody_is_told_to_delete_it() {
    let state = |saved: usize| {
        let judged = with_vm(Site::hyperv(), "web")
            .file(
                &config("web").replace(".vmcx", ".VMRS"),
                hyperv_vm("web", &[]).to_vmrs(saved),
            )
            .inventory(hyperv_host("hv1").vm(row_of("web")))
            .judge();
        check_problems(&judged);
        judged
    };
    state(4096).problem("saved-state", "web");
    state(0).no_problem("saved-state");
    of_disk(&vhdx("web"), "Saved").problem("saved-state", "web");
}

#[test]
fn configurations_that_newer_hosts_do_not_run_are_told_of() {
    let xml = config("web").replace(".vmcx", ".xml");
    let mut row = row_of("web");
    row.config = row.config.map(|config| config.replace(".vmcx", ".xml"));
    Site::hyperv()
        .file(&xml, hyperv_vm("web", &[&csv("web/web.vhdx")]).to_xml())
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .inventory(hyperv_host("hv1").vm(row))
        .judge()
        .problem("old-config-version", "web");
    of_config(|vm| vm.version = 0x0602).problem("old-config-version", "web");
    of_config(|vm| vm.version = 0x0800).no_problem("old-config-version");
}

#[test]
fn ha9_one_id_that_two_hosts_register_is_a_problem() {
    let site = |second: &str| {
        let mut row = hyperv_row(second, &[&csv("copy/web.vhdx")]);
        row.config = row
            .config
            .map(|config| config.replace(&format!(r"\{second}\"), r"\copy\"));
        with_vm(Site::hyperv(), "web")
            .vmcx("csv1/copy", &hyperv_vm(second, &[&csv("copy/web.vhdx")]))
            .vhdx("csv1/copy/web.vhdx", &vhdx("copy"))
            .inventory(hyperv_host("hv1").vm(row_of("web")))
            .inventory(hyperv_host("hv2").vm(row))
            .judge()
    };
    site("web").problem("duplicate-identity", "2 VMs are registered");
    site("other").no_problem("duplicate-identity");
}

#[test]
fn copies_of_one_disk_in_use_are_told_of_and_more_so_within_one_vm() {
    let disks = [csv("web/web.vhdx"), csv("web/more.vhdx")];
    let site = |second: &VhdxBuilder, within_one: bool| {
        let other = csv("db/db.vhdx");
        let mut inventory = hyperv_host("hv1");
        let mut site = Site::hyperv().vhdx("csv1/web/web.vhdx", &vhdx("web"));
        if within_one {
            let disks: Vec<&str> = disks.iter().map(String::as_str).collect();
            inventory = inventory.vm(hyperv_row("web", &disks));
            site = site
                .vmcx("csv1/web", &hyperv_vm("web", &disks))
                .vhdx("csv1/web/more.vhdx", second);
        } else {
            inventory = inventory.vm(row_of("web")).vm(hyperv_row("db", &[&other]));
            site = site
                .vmcx("csv1/web", &hyperv_vm("web", &[&disks[0]]))
                .vmcx("csv1/db", &hyperv_vm("db", &[&other]))
                .vhdx("csv1/db/db.vhdx", second);
        }
        site.inventory(inventory).judge()
    };
    let copy = VhdxBuilder {
        data_write_guid: guid(6, 6),
        ..vhdx("web")
    };
    let of_two = site(&copy, false);
    of_two.problem("duplicate-identity", "2 base disks");
    assert_eq!(severity(&of_two, "duplicate-identity"), Some(Severity::Info));
    assert_eq!(
        severity(&site(&copy, true), "duplicate-identity"),
        Some(Severity::Warning)
    );
    site(&vhdx("db"), false).no_problem("duplicate-identity");
}

#[test]
fn hd19_a_disk_that_was_busy_when_it_was_read_is_in_use_and_its_vm_keeps_it() {
    let judged = with_vm(Site::hyperv(), "web")
        .mark("csv1/web/web.vhdx", MarkCode::SharingViolation)
        .vhdx("csv1/x/x.vhdx", &vhdx("x"))
        .mark("csv1/x/x.vhdx", MarkCode::SharingViolation)
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge();
    judged
        .is("csv1/web/web.vhdx", "owned never")
        .is("csv1/x/x.vhdx", "in-use/locked never");
}

#[test]
fn hd23_persistent_memory_is_a_vhd_by_design() {
    let site = |name: &str| {
        let path = csv(&format!("web/{name}"));
        Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm("web", &[&path]))
            .sparse(
                &format!("csv1/web/{name}"),
                &VhdBuilder::new(DiskKind::Fixed, 4 << 20, 5).build(),
            )
            .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&path])))
            .judge()
    };
    site("memory.vhdpmem").no_problem("vhd-format");
    site("disk.vhd").problem("vhd-format", "disk.vhd");
}
