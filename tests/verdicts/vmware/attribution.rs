//! Whose a file was that nobody owns: what was written while it was used comes before names, and a name is a hint.

use derelict::report::model::OwnerBasis;
use derelict_parsers::testkit::{
    guid,
    vmware::{DescriptorBuilder, VmlogBuilder, VmsnBuilder},
};

use super::snapshot_of;
use crate::support::{Export, Judged, SECTORS, Site, cid, row_of, vcenter, vm_id, vmx};

/// The last known owner of the group of a file, how it is known, and from where.
fn last_owner(judged: &Judged, path: &str) -> (String, OwnerBasis, Option<String>) {
    let id = judged.artifact(path).group.clone();
    let group = judged
        .report
        .groups
        .iter()
        .find(|group| Some(&group.id) == id.as_ref())
        .unwrap();
    (
        group.owner.clone().unwrap(),
        group.owner_basis.unwrap(),
        group.owner_source.clone(),
    )
}

fn evidence(name: &str, source: &str) -> (String, OwnerBasis, Option<String>) {
    (name.to_owned(), OwnerBasis::Evidence, Some(source.to_owned()))
}

fn hint(name: &str) -> (String, OwnerBasis, Option<String>) {
    (name.to_owned(), OwnerBasis::Hint, None)
}

#[test]
fn a_state_tells_the_vm_that_wrote_it_and_whose_its_disks_were() {
    let then = vmx("payroll", &["pay.vmdk"]).build();
    let judged = Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/left/pay")
        .delta("ds1/left/pay-000001", "pay.vmdk")
        .file(
            "ds1/left/pay-Snapshot1.vmsn",
            VmsnBuilder::new(then, vm_id("payroll")).build(),
        )
        .disk("ds1/left/other")
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    let expected = evidence("payroll", "left/pay-Snapshot1.vmsn");
    for path in [
        "ds1/left/pay-Snapshot1.vmsn",
        "ds1/left/pay.vmdk",
        "ds1/left/pay-flat.vmdk",
        "ds1/left/pay-000001.vmdk",
    ] {
        assert_eq!(last_owner(&judged, path), expected, "{path}");
        judged.because(path, "last-owner");
    }
    assert_eq!(last_owner(&judged, "ds1/left/other.vmdk"), hint("left"));
    judged.because("ds1/left/other.vmdk", "last-owner-hint");
}

#[test]
fn a_snapshot_list_tells_by_the_states_that_it_lists() {
    let then = vmx("payroll", &[]).build();
    let site = |state: &str| {
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/left/web")
            .file("ds1/left/left.vmsd", snapshot_of("web.vmdk"))
            .file(
                &format!("ds1/left/{state}"),
                VmsnBuilder::new(then.clone(), vm_id("payroll")).build(),
            )
            .inventory(vcenter().vm(row_of("web")))
            .judge()
    };
    // The list names the state web-Snapshot1.vmsn.
    let judged = site("web-Snapshot1.vmsn");
    assert_eq!(
        last_owner(&judged, "ds1/left/web.vmdk"),
        evidence("payroll", "left/left.vmsd")
    );
    assert_eq!(last_owner(&site("unlisted.vmsn"), "ds1/left/web.vmdk"), hint("left"));
}

#[test]
fn a_log_tells_which_disks_its_vm_had_open_by_path_or_by_identity() {
    let id = guid(4, 4);
    let moved = DescriptorBuilder::vmfs("data", SECTORS, cid("data"), id).build();
    let log = VmlogBuilder::new("esx1", "/vmfs/volumes/ds1/pay/payroll.vmx")
        .disk("scsi0:0", "/vmfs/volumes/ds1/pay/pay-000001.vmdk", guid(3, 3))
        .disk("scsi0:1", "/vmfs/volumes/gone/pay/old-name.vmdk", id)
        .build();
    let judged = Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/pay/pay")
        .delta("ds1/pay/pay-000001", "pay.vmdk")
        .file("ds1/logs/vmware-3.log", log)
        .file("ds1/moved/data.vmdk", moved)
        .zeros("ds1/moved/data-flat.vmdk", SECTORS * 512)
        .disk("ds1/moved/never-opened")
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    let expected = evidence("payroll", "logs/vmware-3.log");
    assert_eq!(last_owner(&judged, "ds1/pay/pay-000001.vmdk"), expected);
    assert_eq!(
        last_owner(&judged, "ds1/pay/pay-flat.vmdk"),
        expected,
        "the base of the link"
    );
    assert_eq!(last_owner(&judged, "ds1/moved/data.vmdk"), expected, "by ddb.uuid");
    assert_eq!(last_owner(&judged, "ds1/moved/never-opened.vmdk"), hint("moved"));
    judged.is("ds1/pay/pay-000001.vmdk", "orphaned/stranded-snapshot");
}

#[test]
fn two_stories_of_one_disk_are_no_evidence() {
    let state = |name: &str| VmsnBuilder::new(vmx(name, &["pay.vmdk"]).build(), vm_id(name)).build();
    let judged = Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/left/pay")
        .file("ds1/left/a-Snapshot1.vmsn", state("payroll"))
        .file("ds1/left/b-Snapshot1.vmsn", state("accounting"))
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    assert_eq!(last_owner(&judged, "ds1/left/pay-flat.vmdk"), hint("left"));
}

#[test]
fn the_owner_of_a_verdict_is_no_hint() {
    let judged = Site::vmware()
        .vm("ds1", "web")
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    let (name, basis, _) = last_owner(&judged, "ds1/web/web.vmdk");
    assert_eq!((name.as_str(), basis), ("web", OwnerBasis::Verdict));
}
