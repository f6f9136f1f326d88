//! H-D11 to H-D24: shared disks, sidecars, twins, and disks whose bytes are open, torn or lie.

use derelict::evidence::MarkCode;
use derelict_parsers::{
    DiskKind,
    testkit::{
        guid,
        hyperv_files::vhds,
        vhd::VhdBuilder,
        vhdx::{VhdxBuilder, VhdxLog},
    },
};

use super::{config, csv, row_of, with_vm};
use crate::support::{Export, Site, child, hyperv_host, hyperv_row, hyperv_vm, vhdx};

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

/// The disk of `web` after it was written: another content, the same identity.
fn written_since(name: &str) -> VhdxBuilder {
    VhdxBuilder {
        data_write_guid: guid(6, 15),
        ..vhdx(name)
    }
}

#[test]
fn hd15_a_disk_with_the_id_of_one_in_use_and_older_content_is_what_a_migration_left_for_review() {
    let site = |left: &VhdxBuilder| {
        with_vm(Site::hyperv(), "web")
            .vhdx("csv1/web/web.vhdx", &written_since("web"))
            .vhdx("csv1/before/web.vhdx", left)
            .inventory(hyperv_host("hv1").vm(row_of("web")))
            .judge()
    };
    site(&vhdx("web"))
        .is("csv1/before/web.vhdx", "orphaned/migration-leftover review")
        .confidence("csv1/before/web.vhdx", "medium")
        .because("csv1/before/web.vhdx", "older-copy");
    site(&vhdx("other")).is("csv1/before/web.vhdx", "orphaned/deleted-vm-disk candidate");
}

#[test]
fn hd15_a_disk_of_which_several_in_use_are_copies_is_rather_an_image() {
    let db = VhdxBuilder {
        data_write_guid: guid(7, 15),
        ..vhdx("web")
    };
    with_vm(with_vm(Site::hyperv(), "web"), "db")
        .vhdx("csv1/web/web.vhdx", &written_since("web"))
        .vhdx("csv1/db/db.vhdx", &db)
        .vhdx("csv1/iso/w10.vhdx", &vhdx("web"))
        .inventory(hyperv_host("hv1").vm(row_of("web")).vm(row_of("db")))
        .judge()
        .is("csv1/iso/w10.vhdx", "orphaned/deleted-vm-disk review")
        .because("csv1/iso/w10.vhdx", "older-copy");
}

#[test]
fn hd15_the_id_of_a_vhd_proves_a_copy_and_no_twin() {
    let disk = csv("web/web.vhd");
    let vhd = |id: u64| VhdBuilder::new(DiskKind::Dynamic, 64 << 20, id).build();
    let site = |id: u64| {
        Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm("web", &[&disk]))
            .sparse("csv1/web/web.vhd", &vhd(4))
            .sparse("csv1/before/web.vhd", &vhd(id))
            .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&disk])))
            .judge()
    };
    site(4).is("csv1/before/web.vhd", "orphaned/migration-leftover review");
    site(5).is("csv1/before/web.vhd", "orphaned/deleted-vm-disk candidate");
}

#[test]
fn hd9_hd10_a_disk_with_the_id_of_a_chain_that_lost_its_base_is_not_judged() {
    let leaf = csv("web/web_A.avhdx");
    let site = |at_its_place: Option<&VhdxBuilder>, stray: &VhdxBuilder| {
        let site = Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm("web", &[&leaf]))
            .vhdx("csv1/web/web_A.avhdx", &child("web_A", &vhdx("web"), r".\web.vhdx"))
            .vhdx("csv1/far/saved.vhdx", stray)
            .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[&leaf])));
        match at_its_place {
            Some(disk) => site.vhdx("csv1/web/web.vhdx", disk).judge(),
            None => site.judge(),
        }
    };
    let stray = written_since("web");
    site(None, &stray).is("csv1/far/saved.vhdx", "unknown/ambiguous-reference never");
    site(Some(&vhdx("wrong")), &stray).is("csv1/far/saved.vhdx", "unknown/ambiguous-reference never");
    site(Some(&vhdx("web")), &stray).is("csv1/far/saved.vhdx", "orphaned/migration-leftover review");
    site(Some(&vhdx("wrong")), &vhdx("other")).is("csv1/far/saved.vhdx", "orphaned/deleted-vm-disk");
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
fn hd18_a_disk_that_another_node_holds_open_is_in_use() {
    let site = || {
        with_vm(Site::hyperv(), "web")
            .vhdx("csv1/x/x.vhdx", &vhdx("x"))
            .inventory(hyperv_host("hv1").vm(row_of("web")))
    };
    site()
        .mark("csv1/x/x.vhdx", MarkCode::SharingViolation)
        .judge()
        .is("csv1/x/x.vhdx", "in-use/locked never")
        .says("csv1/x/x.vhdx", "no registered VM");
    site().judge().is("csv1/x/x.vhdx", "orphaned/deleted-vm-disk");
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

#[test]
fn a_disk_of_nobody_that_was_never_finished_says_so() {
    let unfinished = VhdxBuilder {
        incomplete: true,
        ..vhdx("target")
    };
    let judged = with_vm(Site::hyperv(), "web")
        .vhdx("csv1/conversion/target.vhdx", &unfinished)
        .vhdx("csv1/conversion/whole.vhdx", &vhdx("whole"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge();
    judged
        .is("csv1/conversion/target.vhdx", "orphaned/deleted-vm-disk")
        .because("csv1/conversion/target.vhdx", "damaged")
        .is("csv1/conversion/whole.vhdx", "orphaned/deleted-vm-disk");
    let whole = &judged.artifact("csv1/conversion/whole.vhdx").reasons;
    assert!(whole.iter().all(|reason| reason.code.name() != "damaged"));
}

#[test]
fn hd11_a_set_that_names_no_data_may_have_any() {
    let site = |set: Vec<u8>| {
        let path = csv("share/set.vhds");
        Site::hyperv()
            .vmcx("csv1/node", &hyperv_vm("node", &[&path]))
            .file("csv1/share/set.vhds", set)
            .vhdx(
                "csv1/share/other_0F1E2D3C-0000-1111-2222-333344445555.avhdx",
                &vhdx("data"),
            )
            .inventory(hyperv_host("hv1").vm(hyperv_row("node", &[&path])))
            .judge()
    };
    let data = "csv1/share/other_0F1E2D3C-0000-1111-2222-333344445555.avhdx";
    site(vec![0; 65536]).is(data, "unknown");
    site(vhds(&["other_0F1E2D3C-0000-1111-2222-333344445555.avhdx"])).is(data, "owned");
}
