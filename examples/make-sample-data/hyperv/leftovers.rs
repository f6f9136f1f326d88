//! What nobody owns: a VM that its nodes have lost, an exported copy, orphans, and what only looks like one.

use derelict_parsers::{
    DiskKind,
    testkit::{guid, hyperv_files::VmgsBuilder, hyperv_vm::HypervVm, vhd::VhdBuilder},
};

use super::{
    machine::{Machine, differencing, dynamic, upper},
    machines::{golden, sql01_base},
};
use crate::tree::{Tree, data, time};

/// Writes all of it.
pub(crate) fn add(tree: &mut Tree) {
    lost_registration(tree);
    export_copy(tree);
    deleted_vm(tree);
    stranded_checkpoint(tree);
    migration_leftover(tree);
    leftover_change_tracking(tree);
    leftover_state(tree);
    foreign(tree);
    tree.file(
        "share/ISO/virtio-win.iso",
        data("CD001", 64, 4),
        time("2023-03-03T10:00:00Z"),
    );
}

/// A whole VM that no node registers.
fn lost_registration(tree: &mut Tree) {
    let mut vm = Machine::new(71, "PROJ-ARCHIV", "volume2/PROJ-ARCHIV");
    let disk = vm.path("Virtual Hard Disks/PROJ-ARCHIV.vhdx");
    tree.file(&disk, dynamic(711, 80).build(), time("2025-06-30T14:00:00Z"));
    vm.attach(&disk);
    vm.finish(tree, time("2025-06-30T14:00:05Z"));
}

/// An export of APP02: the same id at another place.
fn export_copy(tree: &mut Tree) {
    let mut vm = Machine::new(56, "APP02", "share/Export/APP02");
    let disk = vm.path("Virtual Hard Disks/APP02.vhdx");
    tree.file(&disk, dynamic(721, 100).build(), time("2026-02-14T10:00:00Z"));
    vm.attach(&disk);
    vm.finish(tree, time("2026-02-14T10:00:10Z"));
}

/// The VM was removed, its disks were not.
fn deleted_vm(tree: &mut Tree) {
    let folder = "volume1/ALT-CRM/Virtual Hard Disks";
    tree.file(
        &format!("{folder}/ALT-CRM.vhdx"),
        dynamic(731, 80).build(),
        time("2025-03-12T19:00:00Z"),
    );
    tree.file(
        &format!("{folder}/ALT-CRM_Daten.vhd"),
        VhdBuilder::new(DiskKind::Dynamic, 60 << 30, 732).build(),
        time("2025-03-12T19:00:01Z"),
    );
}

/// A branch that no chain reaches, written after the disk on which it stands.
fn stranded_checkpoint(tree: &mut Tree) {
    let path = format!("volume1/SQL01/Virtual Hard Disks/SQL01_OS_{}.avhdx", upper(guid(74, 4)));
    let parent = "volume1/SQL01/Virtual Hard Disks/SQL01_OS.vhdx";
    let child = differencing(&sql01_base(), parent, r".\SQL01_OS.vhdx", 741);
    tree.file(&path, child.build(), time("2026-10-24T03:20:00Z"));
}

/// The parent of the desktops as it was left where it came from.
fn migration_leftover(tree: &mut Tree) {
    tree.file(
        "volume2/VDI-Basis/win11-basis.vhdx",
        golden().build(),
        time("2026-01-10T10:00:00Z"),
    );
}

/// Change tracking of a disk that is gone.
fn leftover_change_tracking(tree: &mut Tree) {
    let modified = time("2026-04-04T04:00:00Z");
    tree.file("volume2/SQL01/SQL01_Temp.vhdx.rct", data("rct", 68, 8), modified);
    tree.file("volume2/SQL01/SQL01_Temp.vhdx.mrt", data("mrt", 76, 4), modified);
}

/// Runtime and guest state of VMs whose configurations are gone.
fn leftover_state(tree: &mut Tree) {
    let modified = time("2025-11-20T12:00:00Z");
    let vm = HypervVm::new("TESTLAB", guid(76, 1));
    let stem = format!("volume2/TESTLAB/Virtual Machines/{}", upper(vm.id));
    tree.file(&format!("{stem}.VMRS"), vm.to_vmrs(8192), modified);
    tree.file(&format!("{stem}.vmgs"), VmgsBuilder::new(761).build(), modified);
}

/// A disk of another hypervisor that was put on the share.
fn foreign(tree: &mut Tree) {
    let disk = VhdBuilder {
        creator: *b"tap\0",
        ..VhdBuilder::new(DiskKind::Dynamic, 20 << 30, 771)
    };
    tree.file(
        &format!("share/xen/{}.vhd", guid(77, 1)),
        disk.build(),
        time("2021-08-08T08:00:00Z"),
    );
}
