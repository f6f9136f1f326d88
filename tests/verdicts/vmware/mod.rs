//! Cases V… of the VMware traps, in their order, divided by theme.

mod attribution;
mod companions;
mod extents;
mod first_law;
mod inaccessible;
mod inventory;
mod references;
mod services;
mod sharing;
mod snapshots;
mod system;
mod volumes;
mod wanted;

use derelict_parsers::testkit::vmware::{SnapshotBuilder, VmsdBuilder, VmsnBuilder, dictionary};

use crate::support::{vm_id, vmx};

/// A snapshot list with one snapshot of one disk.
pub(crate) fn snapshot_of(disk: &str) -> Vec<u8> {
    snapshots(&[disk])
}

/// A snapshot list with one snapshot for each disk.
fn snapshots(disks: &[&str]) -> Vec<u8> {
    let mut list = VmsdBuilder::default();
    for (number, disk) in (1_u64..).zip(disks) {
        list = list.snapshot(SnapshotBuilder {
            uid: number,
            parent: number - 1,
            name: format!("snapshot {number}"),
            state_file: format!("web-Snapshot{number}.vmsn"),
            created_us: 1_700_000_000_000_000,
            disks: vec![("scsi0:0".to_owned(), (*disk).to_owned())],
            clones: Vec::new(),
        });
    }
    list.build()
}

/// A snapshot or suspend state of the VM as it is.
fn state() -> Vec<u8> {
    VmsnBuilder::new(vmx("web", &["web.vmdk"]).build(), vm_id("web")).build()
}

/// A `.vmx` whose device lines are encrypted.
fn encrypted_vmx() -> Vec<u8> {
    dictionary([
        ("config.version", "8"),
        ("virtualHW.version", "19"),
        ("displayName", "web"),
        ("encryption.keySafe", "vmware:key/list/x"),
        ("encryption.data", "c2VjcmV0"),
    ])
}
