//! The VMs that vCenter registers, one of them without files.

use super::{
    disk::Disk,
    machine::{Machine, on_host},
};
use crate::tree::{Tree, data, time};

/// Writes the VMs; returns what vCenter lists.
pub(crate) fn add(tree: &mut Tree) -> Vec<Machine> {
    let golden = golden_base();
    vec![
        web01(tree),
        web02(tree),
        print01(tree),
        db01(tree),
        file_server(tree),
        golden_ubuntu(tree, &golden),
        linked_clone(tree, 7, "desk-001", &golden),
        linked_clone(tree, 8, "desk-002", &golden),
        template(tree),
        suspended(tree),
        sap01(tree),
        sap02(tree),
        without_descriptor(tree),
        ghost(),
    ]
}

/// Two snapshots in COWD deltas, change tracking, swap, memory of a snapshot, a lock: a VM that runs on NFS.
fn web01(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(1, "web01", "nfs01/web01");
    let base = Disk::new(&vm.folder, "web01", 192);
    vm.listed
        .extend(base.write_tracked(tree, 128, time("2026-10-12T19:02:11Z")));
    vm.snapshot(tree, "before patch day", &base, time("2026-10-12T19:02:12Z"), &[]);
    let (first, listed) = base.write_cowd(tree, "web01-000001", "web01.vmdk", time("2026-10-20T18:40:05Z"));
    vm.listed.extend(listed);
    vm.snapshot(tree, "before upgrade", &first, time("2026-10-20T18:40:06Z"), &[]);
    vm.file(
        tree,
        "web01-Snapshot2.vmem",
        data("memory", 64, 32),
        "snapshotMemory",
        time("2026-10-20T18:40:09Z"),
    );
    let (leaf, listed) = first.write_cowd(tree, "web01-000002", "web01-000001.vmdk", time("2026-11-01T05:51:40Z"));
    vm.listed.extend(listed);
    vm.attach("scsi0:0", &leaf);
    vm.run(tree, time("2026-10-20T18:41:30Z"));
    vm.file(
        tree,
        "vmware-1.log",
        "an older log\n",
        "log",
        time("2026-09-02T07:15:00Z"),
    );
    vm.finish(tree, time("2026-11-01T05:20:33Z"));
    tree.lock(
        "nfs01/web01/web01-000002-delta.vmdk",
        super::HOSTS[0].1,
        time("2026-11-01T05:52:00Z"),
    );
    vm
}

/// Runs with the shared CD image; its flat has a second name elsewhere.
fn web02(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(2, "web02", "nfs01/web02");
    vm.add_disk(tree, "scsi0:0", "web02", (128, 96), time("2026-11-01T05:49:12Z"));
    vm.insert("nfs01/iso/ubuntu-24.04-live-server-amd64.iso");
    vm.run(tree, time("2026-09-30T04:00:10Z"));
    vm.finish(tree, time("2026-10-31T23:58:41Z"));
    tree.link("nfs01/restore-test/web02-flat.vmdk", "nfs01/web02/web02-flat.vmdk");
    vm
}

/// Renamed in vCenter: folder and files keep the old name.
fn print01(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(3, "print01", "nfs01/printserver-old");
    vm.add_disk(
        tree,
        "scsi0:0",
        "printserver-old",
        (64, 48),
        time("2026-10-31T21:10:00Z"),
    );
    vm.finish(tree, time("2026-10-31T21:10:05Z"));
    vm
}

/// A chain of seSparse deltas, and a data disk on another datastore.
fn db01(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(4, "db01", "vmfs01/db01");
    let base = Disk::new(&vm.folder, "db01", 256);
    vm.listed.extend(base.write(tree, 192, time("2026-10-05T20:00:00Z")));
    vm.snapshot(tree, "quarter end", &base, time("2026-10-05T20:00:01Z"), &[]);
    let (first, listed) = base.write_sesparse(
        tree,
        ("vmfs01/db01", "db01-000001"),
        "db01.vmdk",
        time("2026-10-25T20:00:00Z"),
    );
    vm.listed.extend(listed);
    vm.snapshot(tree, "before index rebuild", &first, time("2026-10-25T20:00:01Z"), &[]);
    let (leaf, listed) = first.write_sesparse(
        tree,
        ("vmfs01/db01", "db01-000002"),
        "db01-000001.vmdk",
        time("2026-11-01T05:55:02Z"),
    );
    vm.listed.extend(listed);
    vm.attach("scsi0:0", &leaf);
    let data_disk = Disk::new("vmfs02/db01", "db01-data", 128);
    vm.listed
        .extend(data_disk.write_tracked(tree, 64, time("2026-11-01T05:55:03Z")));
    vm.attach("scsi0:1", &data_disk);
    vm.run(tree, time("2026-10-25T20:01:00Z"));
    vm.finish(tree, time("2026-11-01T04:40:00Z"));
    vm
}

/// A name with an umlaut and a blank; the CD image lies on another datastore and is shared.
fn file_server(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(5, "Dateiserver Köln", "vmfs01/Dateiserver Köln");
    vm.add_disk(
        tree,
        "scsi0:0",
        "Dateiserver Köln",
        (128, 64),
        time("2026-11-01T05:44:00Z"),
    );
    vm.add_disk(
        tree,
        "scsi0:1",
        "Dateiserver Köln_1",
        (128, 32),
        time("2026-11-01T05:44:01Z"),
    );
    vm.insert("nfs01/iso/ubuntu-24.04-live-server-amd64.iso");
    vm.run(tree, time("2026-08-15T06:30:00Z"));
    vm.finish(tree, time("2026-10-30T12:00:00Z"));
    vm
}

fn golden_base() -> Disk {
    Disk::new("vmfs01/golden-ubuntu", "golden-ubuntu", 192)
}

/// The VM whose snapshot carries the linked clones.
fn golden_ubuntu(tree: &mut Tree, base: &Disk) -> Machine {
    let mut vm = Machine::new(6, "golden-ubuntu", "vmfs01/golden-ubuntu");
    vm.listed.extend(base.write(tree, 160, time("2026-03-02T10:00:00Z")));
    let clones = ["vmfs02/desk-001/desk-001.vmx", "vmfs02/desk-002/desk-002.vmx"];
    vm.snapshot(tree, "clone base", base, time("2026-03-02T10:00:05Z"), &clones);
    let (leaf, listed) = base.write_sesparse(
        tree,
        ("vmfs01/golden-ubuntu", "golden-ubuntu-000001"),
        "golden-ubuntu.vmdk",
        time("2026-03-02T10:00:06Z"),
    );
    vm.listed.extend(listed);
    vm.attach("scsi0:0", &leaf);
    vm.finish(tree, time("2026-03-02T10:05:00Z"));
    vm
}

/// A linked clone; its base lies on another datastore.
fn linked_clone(tree: &mut Tree, number: u64, name: &str, golden: &Disk) -> Machine {
    let folder = format!("vmfs02/{name}");
    let mut vm = Machine::new(number, name, &folder);
    let (disk, listed) = golden.write_sesparse(
        tree,
        (&folder, name),
        &on_host(&golden.path()),
        time("2026-11-01T05:30:00Z"),
    );
    vm.listed.extend(listed);
    // vCenter lists the whole chain with each VM that stands on it.
    vm.listed.push((golden.path(), "diskDescriptor"));
    vm.listed
        .push((golden.path().replace(".vmdk", "-flat.vmdk"), "diskExtent"));
    vm.attach("scsi0:0", &disk);
    vm.run(tree, time("2026-10-31T07:55:00Z"));
    vm.finish(tree, time("2026-10-31T07:55:10Z"));
    vm
}

fn template(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(9, "tmpl-rhel9", "vmfs02/tmpl-rhel9");
    vm.template = true;
    vm.add_disk(tree, "scsi0:0", "tmpl-rhel9", (128, 96), time("2026-06-18T09:12:00Z"));
    vm.finish(tree, time("2026-06-18T09:12:30Z"));
    vm
}

/// Suspended, with brackets in its name.
fn suspended(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(10, "app [prod] 01", "vmfs02/app [prod] 01");
    vm.add_disk(tree, "scsi0:0", "app [prod] 01", (64, 64), time("2026-10-28T16:20:00Z"));
    vm.power = "suspended";
    vm.set("checkpoint.vmState", "app [prod] 01-5c1d2e3f.vmss");
    let state = derelict_parsers::testkit::vmware::VmsnBuilder::new(Vec::new(), vm.bios_id()).build();
    vm.file(
        tree,
        "app [prod] 01-5c1d2e3f.vmss",
        state,
        "suspend",
        time("2026-10-28T16:20:10Z"),
    );
    vm.file(
        tree,
        "app [prod] 01-5c1d2e3f.vmem",
        data("memory", 64, 48),
        "suspendMemory",
        time("2026-10-28T16:20:09Z"),
    );
    vm.finish(tree, time("2026-10-28T16:20:12Z"));
    vm
}

fn shared_disk() -> Disk {
    Disk::new("vmfs01/sap01", "sap-quorum", 64)
}

/// Has a raw device map, and a disk that sap02 uses as well.
fn sap01(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(11, "sap01", "vmfs01/sap01");
    vm.add_disk(tree, "scsi0:0", "sap01", (96, 80), time("2026-11-01T05:40:00Z"));
    let shared = shared_disk();
    vm.listed.extend(shared.write(tree, 16, time("2026-11-01T05:41:00Z")));
    vm.attach("scsi1:0", &shared);
    vm.set("scsi1:0.sharing", "multi-writer");
    let raw = Disk::new(&vm.folder, "sap01_lun", 1024);
    let descriptor =
        derelict_parsers::testkit::vmware::DescriptorBuilder::rdm(&raw.stem, raw.sectors(), raw.cid).build();
    vm.file(
        tree,
        "sap01_lun.vmdk",
        descriptor,
        "diskDescriptor",
        time("2026-02-11T08:00:00Z"),
    );
    vm.file(
        tree,
        "sap01_lun-rdm.vmdk",
        data("", 1024, 0),
        "diskExtent",
        time("2026-02-11T08:00:00Z"),
    );
    vm.attach("scsi1:1", &raw);
    vm.run(tree, time("2026-07-01T03:00:00Z"));
    vm.finish(tree, time("2026-10-29T03:00:00Z"));
    vm
}

fn sap02(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(12, "sap02", "vmfs02/sap02");
    vm.add_disk(tree, "scsi0:0", "sap02", (96, 72), time("2026-11-01T05:40:30Z"));
    vm.attach("scsi1:0", &shared_disk());
    vm.set("scsi1:0.sharing", "multi-writer");
    vm.run(tree, time("2026-07-01T03:10:00Z"));
    vm.finish(tree, time("2026-10-29T03:10:00Z"));
    vm
}

/// The descriptor of its second disk was deleted. It runs until it is switched off.
fn without_descriptor(tree: &mut Tree) -> Machine {
    let mut vm = Machine::new(13, "erp-legacy", "vmfs02/erp-legacy");
    vm.add_disk(tree, "scsi0:0", "erp-legacy", (64, 40), time("2026-11-01T05:35:00Z"));
    let lost = Disk::new(&vm.folder, "erp-legacy_1", 64);
    tree.file(
        "vmfs02/erp-legacy/erp-legacy_1-flat.vmdk",
        data("erp", 64, 56),
        time("2026-11-01T05:35:01Z"),
    );
    vm.attach("scsi0:1", &lost);
    vm.run(tree, time("2025-12-01T01:00:00Z"));
    vm.finish(tree, time("2026-10-01T01:00:00Z"));
    vm
}

/// Registered, but its folder is gone.
fn ghost() -> Machine {
    let mut vm = Machine::new(14, "intranet-alt", "vmfs02/intranet-alt");
    let disk = Disk::new(&vm.folder, "intranet-alt", 64);
    vm.listed = vec![
        (vm.config(), "config"),
        (disk.path(), "diskDescriptor"),
        (vm.path("intranet-alt-flat.vmdk"), "diskExtent"),
    ];
    vm.attach("scsi0:0", &disk);
    vm
}
