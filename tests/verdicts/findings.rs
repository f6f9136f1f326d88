//! What is left of one VM is one finding, and what is of several is several.

use derelict::report::model::{Group, OwnerBasis};
use derelict_parsers::testkit::{guid, vmware::VmlogBuilder};
use uuid::Uuid;

use super::support::{Export, Judged, Site, hyperv_host, hyperv_row, hyperv_vm, row_of, vcenter, vhdx, vm_id};

fn group<'a>(judged: &'a Judged, path: &str) -> &'a Group {
    let id = judged.artifact(path).group.clone();
    let mut groups = judged.report.groups.iter();
    groups.find(|group| Some(&group.id) == id.as_ref()).unwrap()
}

/// Whether all of these files are in one finding.
fn are_one(judged: &Judged, paths: &[&str]) -> bool {
    let first = &group(judged, paths[0]).id;
    paths.iter().all(|path| &group(judged, path).id == first)
}

fn log(name: &str, disk: &str) -> Vec<u8> {
    VmlogBuilder::new("esx1", &format!("/vmfs/volumes/ds1/old/{name}.vmx"))
        .disk("scsi0:0", disk, guid(3, 3))
        .build()
}

#[test]
fn what_is_left_of_a_vm_beside_its_disk_is_one_finding_with_it() {
    let judged = Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/old/old")
        .disk("ds1/old/old_1")
        .zeros("ds1/old/old.nvram", 8684)
        .zeros("ds1/old/old-1a2b3c4d.vswp", 1 << 20)
        .file("ds1/old/vmware.log", log("old", "/vmfs/volumes/ds1/old/old.vmdk"))
        .file("ds1/old/vmware-1.log", b"")
        .disk("ds1/far/far")
        .zeros("ds1/far/more.nvram", 8684)
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    let left = [
        "ds1/old/old.vmdk",
        "ds1/old/old-flat.vmdk",
        "ds1/old/old_1.vmdk",
        "ds1/old/old.nvram",
        "ds1/old/old-1a2b3c4d.vswp",
        "ds1/old/vmware.log",
        "ds1/old/vmware-1.log",
    ];
    judged.are(&left, "orphaned");
    assert!(are_one(&judged, &left));
    let found = group(&judged, left[0]);
    assert_eq!((found.artifacts.len(), found.title.as_str()), (8, "old/old.vmdk"));
    assert_eq!(
        (found.owner.as_deref(), found.owner_basis),
        (Some("old"), Some(OwnerBasis::Evidence))
    );
    assert!(
        !are_one(&judged, &["ds1/far/far.vmdk", "ds1/far/more.nvram"]),
        "other names"
    );
    assert!(!are_one(&judged, &["ds1/far/far.vmdk", left[0]]), "another folder");
}

#[test]
fn two_disks_with_one_stem_and_nothing_of_a_vm_are_two_findings() {
    let judged = Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/old/old")
        .disk("ds1/old/old_1")
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    assert!(!are_one(&judged, &["ds1/old/old.vmdk", "ds1/old/old_1.vmdk"]));
}

#[test]
fn a_log_ties_the_disks_that_it_tells_of_wherever_they_lie_unless_they_were_anothers() {
    let site = |more: Option<Vec<u8>>| {
        let log = VmlogBuilder::new("esx1", "/vmfs/volumes/ds1/old/payroll.vmx")
            .disk("scsi0:0", "/vmfs/volumes/ds1/old/a.vmdk", guid(3, 3))
            .disk("scsi0:1", "/vmfs/volumes/ds1/more/b.vmdk", guid(4, 4))
            .build();
        let site = Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/old/a")
            .disk("ds1/more/b")
            .file("ds1/old/vmware-1.log", log)
            .inventory(vcenter().vm(row_of("web")));
        match more {
            Some(log) => site.file("ds1/old/vmware-2.log", log).judge(),
            None => site.judge(),
        }
    };
    let both = ["ds1/old/a.vmdk", "ds1/more/b.vmdk"];
    assert!(are_one(&site(None), &both));
    let judged = site(Some(log("accounting", "/vmfs/volumes/ds1/else/c.vmdk")));
    assert!(are_one(&judged, &both));
    assert!(
        !are_one(&judged, &["ds1/old/vmware-1.log", "ds1/old/vmware-2.log"]),
        "of two VMs"
    );
}

#[test]
fn what_tracked_one_disk_that_is_gone_is_one_finding() {
    const DISK: &str = r"C:\ClusterStorage\Volume1\web\web.vhdx";
    let judged = Site::hyperv()
        .vmcx("csv1/web", &hyperv_vm("web", &[DISK]))
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .zeros("csv1/web/old.vhdx.rct", 4096)
        .zeros("csv1/web/old.vhdx.mrt", 4096)
        .zeros("csv1/web/old2.vhdx.mrt", 4096)
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[DISK])))
        .judge();
    assert!(are_one(&judged, &["csv1/web/old.vhdx.rct", "csv1/web/old.vhdx.mrt"]));
    assert!(!are_one(&judged, &["csv1/web/old.vhdx.rct", "csv1/web/old2.vhdx.mrt"]));
}

#[test]
fn of_hyper_v_the_id_ties_state_and_disks() {
    let id = vm_id("gone");
    let state = |end: &str| format!("csv1/gone/Virtual Machines/{}.{end}", id.to_string().to_uppercase());
    let other = format!("csv1/gone/Virtual Machines/{}.bin", Uuid::from_u128(77));
    let site = |granted: &[(&str, Uuid)]| {
        let mut inventory = hyperv_host("hv1").vm(hyperv_row("web", &[r"C:\ClusterStorage\Volume1\web\web.vhdx"]));
        inventory.observations.grants = super::support::grants(granted);
        Site::hyperv()
            .vmcx(
                "csv1/web",
                &hyperv_vm("web", &[r"C:\ClusterStorage\Volume1\web\web.vhdx"]),
            )
            .vhdx("csv1/web/web.vhdx", &vhdx("web"))
            .vhdx("csv1/gone/gone.vhdx", &vhdx("gone"))
            .zeros(&state("bin"), 4096)
            .zeros(&state("vsv"), 4096)
            .zeros(&other, 4096)
            .inventory(inventory)
            .judge()
    };
    let states = [state("bin"), state("vsv")];
    let states = [states[0].as_str(), states[1].as_str()];
    let judged = site(&[]);
    assert!(are_one(&judged, &states));
    assert!(
        !are_one(&judged, &[states[0], "csv1/gone/gone.vhdx"]),
        "nothing ties them"
    );
    assert!(!are_one(&judged, &[states[0], &other]));
    let judged = site(&[(r"gone\gone.vhdx", id), (r"web\web.vhdx", vm_id("web"))]);
    assert!(are_one(&judged, &[states[0], states[1], "csv1/gone/gone.vhdx"]));
}
