//! H-D1 to H-D10: chains and checkpoints, and what backups and merges leave of them.

use derelict::{inventory::ToldParent, kind::Role};
use derelict_parsers::testkit::{
    guid,
    vhdx::{ParentPaths, VhdxBuilder},
};

use super::{checkpoint_config, checkpoint_path, config, csv, row_of, with_vm};
use crate::support::{Export, Judged, Site, checkpoint, child, hyperv_host, hyperv_row, hyperv_vm, listed, vhdx};

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

/// A base that no scanned disk names, with a list that says it is the parent of this disk.
fn base_of(child: &str) -> Judged {
    let mut export = hyperv_host("hv1");
    export.observations.parents = vec![ToldParent {
        parent: csv("base/gold.vhdx"),
        child: child.to_owned(),
        host: None,
        row: "vhd.csv: row 2".to_owned(),
    }];
    Site::hyperv()
        .vhdx("csv1/base/gold.vhdx", &vhdx("gold"))
        .vhdx("csv1/other/other.vhdx", &vhdx("other"))
        .vhdx("csv1/gone/gone.vhdx", &vhdx("gone"))
        .inventory(export)
        .judge()
}

#[test]
fn hd8_a_list_tells_of_a_child_that_was_not_scanned() {
    for child in [r"C:\ClusterStorage\Volume2\lab\lab.vhdx", r"\\lab\vms\lab.avhdx"] {
        base_of(child)
            .is("csv1/base/gold.vhdx", "in-use/has-children never")
            .because("csv1/base/gold.vhdx", "has-children")
            .says("csv1/base/gold.vhdx", child)
            .is("csv1/gone/gone.vhdx", "orphaned");
    }
}

#[test]
fn hd8_a_child_that_was_read_tells_of_itself() {
    base_of(&csv("other/other.vhdx")).is("csv1/base/gold.vhdx", "orphaned");
}

#[test]
fn hd8_a_child_that_is_not_at_its_place_may_have_been_moved() {
    base_of(&csv("lab/lab.vhdx"))
        .is("csv1/base/gold.vhdx", "unknown/has-children")
        .says("csv1/base/gold.vhdx", "may have been moved");
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
fn hd2_without_the_disks_of_checkpoints_no_disk_is_judged() {
    // One that was taken out of its VM since is a whole disk, which only the checkpoint names.
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/web/branch.avhdx", &child("branch", &vhdx("web"), r".\web.vhdx"))
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .inventory({
            let mut vm = row_of("web");
            vm.checkpoints.push(checkpoint(guid(1, 77), false));
            hyperv_host("hv1").vm(vm)
        })
        .judge()
        .are(&["csv1/web/branch.avhdx", "csv1/old/old.vhdx"], "unknown/no-coverage")
        .gap("checkpoints-without-disks");
}

#[test]
fn hd2_a_vm_on_a_checkpoint_that_neither_a_list_nor_its_configuration_tells_keeps_disks_unknown() {
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
        .are(&["csv1/x/branch.avhdx", "csv1/old/old.vhdx"], "unknown/no-coverage")
        .gap("checkpoints-without-disks");
    site(false)
        .is("csv1/x/branch.avhdx", "orphaned/stranded-snapshot")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk");
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
        .is("csv1/old/left.avhdx", "orphaned/stranded-snapshot review")
        .says(
            "csv1/old/left.avhdx",
            r"its parent was not found: it names .\nowhere.vhdx, and no disk",
        );
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
fn hd10_a_parent_with_the_quoted_id_is_no_problem() {
    let leaf = csv("web/web_A.avhdx");
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/web", &hyperv_vm("web", &[&leaf]))
        .vhdx("csv1/web/web_A.avhdx", &child("web_A", &vhdx("web"), r".\web.vhdx"))
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&leaf])))
        .judge()
        .is("csv1/web/web.vhdx", "owned")
        .no_problem("parent-mismatch");
}
