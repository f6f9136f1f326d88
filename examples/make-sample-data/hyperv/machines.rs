//! The VMs that the nodes register, one of them without files.

use derelict_parsers::{
    DiskKind,
    testkit::{guid, hyperv_files::HrlBuilder, vhd::VhdBuilder, vhdx::VhdxBuilder},
};
use jiff::Timestamp;

use super::machine::{Machine, differencing, dynamic, upper};
use crate::tree::{Tree, data, time};

/// Writes the VMs; returns what the nodes list.
pub(crate) fn add(tree: &mut Tree) -> Vec<Machine> {
    let golden = golden_parent(tree);
    vec![
        sql01(tree),
        web_koeln(tree),
        desktop(
            tree,
            53,
            "VDI-001",
            "volume1/VDI-001",
            r"..\VDI-Basis\win11-basis.vhdx",
            &golden,
        ),
        desktop(tree, 54, "VDI-002", "volume2/VDI-002", "", &golden),
        replica(tree),
        app02(tree),
        legacy(tree),
        exch01(tree),
        ghost(),
    ]
}

/// A checkpoint tree, a data disk with change tracking on the other volume, guest state with a virtual TPM.
fn sql01(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(51, "SQL01", "volume1/SQL01");
    vm.state = "Running";
    let base = sql01_base();
    let base_path = "volume1/SQL01/Virtual Hard Disks/SQL01_OS.vhdx";
    let taken = time("2026-10-22T20:00:00Z");
    tree.file(base_path, base.build(), taken);
    vm.checkpoint(tree, 51, "vor Update", &[base_path], taken);
    let leaf = format!("volume1/SQL01/Virtual Hard Disks/SQL01_OS_{}.avhdx", upper(guid(51, 4)));
    tree.file(
        &leaf,
        differencing(&base, base_path, r".\SQL01_OS.vhdx", 514).build(),
        time("2026-11-01T05:50:00Z"),
    );
    vm.attach(&leaf);
    let data_disk = "volume2/SQL01/SQL01_Data.vhdx";
    let written = time("2026-11-01T05:50:02Z");
    tree.file(data_disk, dynamic(515, 200).build(), written);
    tree.file(&format!("{data_disk}.rct"), data("rct", 68, 8), written);
    tree.file(&format!("{data_disk}.mrt"), data("mrt", 76, 4), written);
    vm.attach(data_disk);
    vm.add_guest_state(tree, true, time("2026-10-22T20:05:00Z"));
    vm.finish(tree, time("2026-10-22T20:05:01Z"));
    vm
}

/// The disk on which the checkpoint of SQL01 stands.
pub(super) fn sql01_base() -> VhdxBuilder {
    dynamic(513, 80)
}

/// Generation 1 with a VHD, a CD image and a name with umlaut and blank; an XML of the time before its upgrade is left.
fn web_koeln(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(52, "WEB-Köln 01", "volume2/WEB-Köln 01");
    vm.vm.generation = 1;
    vm.node = 1;
    vm.state = "Running";
    let disk = "volume2/WEB-Köln 01/WEB-Köln 01.vhd";
    tree.file(
        disk,
        VhdBuilder::new(DiskKind::Dynamic, 40 << 30, 521).build(),
        time("2026-11-01T05:45:00Z"),
    );
    vm.attach(disk);
    tree.file(
        "share/ISO/Windows Server 2022 (de).iso",
        data("CD001", 64, 4),
        time("2022-09-01T10:00:00Z"),
    );
    vm.insert("share/ISO/Windows Server 2022 (de).iso");
    vm.finish(tree, time("2026-10-10T06:00:00Z"));
    let mut before = vm.vm.clone();
    before.version = 0x0500;
    let path = vm.path(&format!("Virtual Machines/{}.xml", vm.id()));
    tree.file(&path, before.to_xml(), time("2024-05-05T05:00:00Z"));
    vm
}

/// The parent of the desktops. No VM has it attached.
fn golden_parent(tree: &mut Tree) -> VhdxBuilder {
    let golden = golden();
    tree.file(GOLDEN_PATH, golden.build(), time("2026-01-10T10:00:00Z"));
    golden
}

/// Where the parent of the desktops lies.
const GOLDEN_PATH: &str = "volume1/VDI-Basis/win11-basis.vhdx";

/// The parent of the desktops.
pub(super) fn golden() -> VhdxBuilder {
    dynamic(531, 60)
}

fn desktop(tree: &mut Tree, number: u64, name: &str, folder: &str, relative: &str, golden: &VhdxBuilder) -> Machine {
    let mut vm = Machine::new(number, name, folder);
    vm.state = "Running";
    vm.node = usize::from(number.is_multiple_of(2));
    let disk = vm.path(&format!("{name}.vhdx"));
    let child = differencing(golden, GOLDEN_PATH, relative, number * 10);
    tree.file(&disk, child.build(), time("2026-11-01T05:48:00Z"));
    vm.attach(&disk);
    vm.finish(tree, time("2026-10-31T07:00:00Z"));
    vm
}

/// A VM that another site replicates to this one.
fn replica(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(55, "DC01", "volume2/Hyper-V Replica");
    vm.replication = "Replica";
    let folder = format!("volume2/Hyper-V Replica/Virtual hard disks/{}", vm.id());
    let disk = format!("{folder}/DC01.vhdx");
    let built = dynamic(551, 60);
    let received = time("2026-11-01T05:55:00Z");
    let log = HrlBuilder {
        data_write_guid: built.data_write_guid,
        ..HrlBuilder::new(552)
    };
    tree.file(&disk, built.build(), received);
    tree.file(&format!("{folder}/DC01.hrl"), log.bytes(), received);
    vm.attach(&disk);
    vm.finish(tree, time("2026-10-30T05:00:00Z"));
    vm
}

/// On the share, with guest state.
fn app02(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(56, "APP02", "share/APP02");
    vm.state = "Running";
    vm.node = 1;
    let disk = vm.path("Virtual Hard Disks/APP02.vhdx");
    tree.file(&disk, dynamic(561, 100).build(), time("2026-11-01T05:46:00Z"));
    vm.attach(&disk);
    vm.add_guest_state(tree, true, time("2026-09-15T05:00:00Z"));
    vm.finish(tree, time("2026-09-15T05:00:01Z"));
    vm
}

/// A configuration of 2012 R2: XML, with the saved memory and devices of that time.
fn legacy(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(57, "Buchhaltung [2012]", "share/Buchhaltung [2012]");
    vm.node = 1;
    vm.state = "Saved";
    vm.vm.generation = 1;
    vm.vm.version = 0x0500;
    vm.vm.highly_available = false;
    let disk = vm.path("Buchhaltung [2012].vhd");
    let saved = time("2026-10-30T18:00:00Z");
    tree.file(&disk, VhdBuilder::new(DiskKind::Dynamic, 30 << 30, 571).build(), saved);
    vm.attach(&disk);
    let id = vm.id();
    let memory = vm.path(&format!("Virtual Machines/{id}/{id}.bin"));
    let devices = vm.path(&format!("Virtual Machines/{id}/{id}.vsv"));
    tree.file(&memory, data("memory", 128, 64), saved);
    tree.file(&devices, data("devices", 16, 16), saved);
    let on_host = super::machine::on_host;
    vm.vm.saved_state = Some((on_host(&memory), on_host(&devices)));
    tree.file(&vm.config(), vm.vm.to_xml(), saved);
    vm
}

/// Runs on the checkpoint of a backup that nobody merged and that no list has.
fn exch01(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(58, "EXCH01", "volume1/EXCH01");
    vm.state = "Running";
    let base = dynamic(581, 120);
    let base_path = "volume1/EXCH01/EXCH01.vhdx";
    tree.file(base_path, base.build(), time("2026-05-03T01:00:00Z"));
    let leaf = format!("volume1/EXCH01/EXCH01_{}.avhdx", upper(guid(58, 4)));
    tree.file(
        &leaf,
        differencing(&base, base_path, r".\EXCH01.vhdx", 582).build(),
        now(),
    );
    vm.attach(&leaf);
    vm.finish(tree, time("2026-05-03T01:05:00Z"));
    vm
}

fn now() -> Timestamp {
    time("2026-11-01T05:57:00Z")
}

/// Registered, but its folder is gone.
fn ghost() -> Machine {
    let mut vm = Machine::new(59, "TEST-ALT", "volume2/TEST-ALT");
    vm.node = 1;
    vm.attach("volume2/TEST-ALT/TEST-ALT.vhdx");
    vm
}
