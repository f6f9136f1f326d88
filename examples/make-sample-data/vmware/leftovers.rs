//! What nobody owns: a VM that no inventory registers, orphans, and what only looks like one.

use derelict_parsers::testkit::vmware::{
    DescriptorBuilder, change_tracking, nfs_lock, nfs_lock_name, stream_optimized,
};

use super::{HOSTS, disk::Disk, machine::Machine};
use crate::tree::{Tree, data, time};

/// The inode that the stale lock names. No file system gives it to a file of this site.
const GONE_INODE: u64 = 0x7FFF_FFFF_FFFF_0147;

/// Writes all of it.
pub(crate) fn add(tree: &mut Tree) {
    unregistered(tree);
    too_new(tree);
    deleted_vm(tree);
    stranded_snapshots(tree);
    halves(tree);
    protected_base(tree);
    for_transport(tree);
    tree.empty_folder("vmfs02/alter-proxy");
}

/// A whole VM that was taken out of the inventory.
fn unregistered(tree: &mut Tree) {
    let mut vm = Machine::new(41, "Archiv Fibu 2019", "vmfs02/Archiv Fibu 2019");
    vm.add_disk(
        tree,
        "scsi0:0",
        "Archiv Fibu 2019",
        (160, 128),
        time("2024-12-30T17:00:00Z"),
    );
    vm.add_disk(
        tree,
        "scsi0:1",
        "Archiv Fibu 2019_1",
        (96, 64),
        time("2024-12-30T17:00:01Z"),
    );
    vm.finish(tree, time("2024-12-30T17:00:30Z"));
}

/// Made after the inventories were taken.
fn too_new(tree: &mut Tree) {
    let mut vm = Machine::new(42, "jenkins-neu", "vmfs02/jenkins-neu");
    vm.add_disk(tree, "scsi0:0", "jenkins-neu", (64, 16), time("2026-11-01T09:30:00Z"));
    vm.finish(tree, time("2026-11-01T09:31:00Z"));
}

/// Its configuration was deleted, its disks, a change tracking file and a swap file were not.
fn deleted_vm(tree: &mut Tree) {
    let deleted = time("2025-08-14T22:10:00Z");
    Disk::new("nfs01/crm-alt", "crm-alt", 256).write(tree, 240, deleted);
    Disk::new("nfs01/crm-alt", "crm-alt_1", 128).write(tree, 112, deleted);
    tree.file("nfs01/crm-alt/crm-alt_2-ctk.vmdk", change_tracking(4096), deleted);
    tree.file("nfs01/crm-alt/crm-alt-1f0c9a77.vswp", data("", 128, 64), deleted);
    let lock = format!("nfs01/crm-alt/{}", nfs_lock_name(GONE_INODE));
    tree.file(&lock, nfs_lock(HOSTS[1].1), time("2025-08-14T22:09:00Z"));
}

/// Deltas that no chain reaches: one was written after its parent, one before.
fn stranded_snapshots(tree: &mut Tree) {
    let db01 = Disk::new("vmfs01/db01", "db01", 256);
    let newer = time("2026-10-18T02:13:44Z");
    db01.write_sesparse(tree, ("vmfs01/db01", "db01-000007"), "db01.vmdk", newer);
    let web02 = Disk::new("nfs01/web02", "web02", 128);
    web02.write_cowd(tree, "web02-000003", "web02.vmdk", time("2026-01-23T23:30:00Z"));
}

/// An extent without descriptor and a descriptor without extent.
fn halves(tree: &mut Tree) {
    let modified = time("2025-02-03T10:00:00Z");
    tree.file(
        "vmfs02/projekt-x/projekt-x-flat.vmdk",
        data("projekt-x", 192, 192),
        modified,
    );
    let test = Disk::new("vmfs02/test vm 3", "test vm 3", 128);
    tree.file(&test.path(), test.descriptor().build(), modified);
}

/// A base disk of a desktop catalogue, without children on these datastores, that must not be deleted.
fn protected_base(tree: &mut Tree) {
    let disk = Disk::new("vmfs02/Win11-Pool-baseDisk-vmfs02-0003", "Win11-Pool-baseDisk", 96);
    let descriptor = disk.descriptor().ddb("deletable", "false");
    disk.write_with(tree, descriptor, 80, time("2026-01-15T04:00:00Z"));
}

/// A disk that was uploaded to be imported.
fn for_transport(tree: &mut Tree) {
    let disk = "appliance-7.2-disk1.vmdk";
    let descriptor = DescriptorBuilder::embedded("streamOptimized", disk, 16384, 0x5A11_0002).build();
    let path = format!("nfs01/upload/{disk}");
    tree.file(
        &path,
        stream_optimized(16384, &descriptor),
        time("2026-09-11T11:11:00Z"),
    );
}
