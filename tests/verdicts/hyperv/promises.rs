//! H-F: sizes, times and the file system.

use super::{row_of, with_vm};
use crate::support::{Export, Site, hyperv_host, vhdx};

#[test]
fn hf1_hf7_a_disk_whose_data_cannot_be_read_here_is_not_judged() {
    let site = || {
        with_vm(Site::hyperv(), "web")
            .vhdx("csv1/x/deduplicated.vhdx", &vhdx("deduplicated"))
            .inventory(hyperv_host("hv1").vm(row_of("web")))
    };
    site()
        .unreadable_file("csv1/x/deduplicated.vhdx")
        .judge()
        .is("csv1/x/deduplicated.vhdx", "unknown/unreadable never");
    site()
        .judge()
        .is("csv1/x/deduplicated.vhdx", "orphaned/deleted-vm-disk");
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

#[test]
fn hf6_the_size_for_the_guest_of_the_file_and_of_its_blocks_are_told_apart() {
    let judged = with_vm(Site::hyperv(), "web")
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge();
    let disk = judged.artifact("csv1/old/old.vhdx");
    assert_eq!(disk.virtual_bytes, Some(64 << 20));
    assert!(disk.apparent_bytes < 64 << 20, "the file of a dynamic disk is smaller");
    assert!(disk.allocated_bytes.unwrap() < disk.apparent_bytes, "and has holes");
    assert_eq!(judged.report.summary.reclaimable_bytes, disk.allocated_bytes.unwrap());
}
