//! Files of a site: names, identities and times that follow from few words.

use derelict_parsers::{
    DiskKind,
    hyperv_config::ControllerKind,
    testkit::{
        guid,
        hyperv_vm::{HypervDrive, HypervVm},
        vhdx::{ParentPaths, VhdxBuilder},
        vmware::{DescriptorBuilder, VmxBuilder},
    },
};
use jiff::Timestamp;
use uuid::Uuid;

/// When the inventories are taken.
pub(crate) const TAKEN: &str = "2026-10-01T00:00:00Z";

/// When files were written unless a test says otherwise.
pub(super) const OLD: &str = "2026-09-01T00:00:00Z";

/// As of when the report judges ages.
pub(super) const AS_OF: &str = "2026-11-01T00:00:00Z";

/// Sectors of the disks that are made here: 4 MiB.
pub(crate) const SECTORS: u64 = 8192;

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// Content id of the disk with this file name, so that chains fit without writing the ids down.
pub(crate) fn cid(name: &str) -> u32 {
    let name = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".vmdk");
    name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    }) & 0x7fff_ffff
}

/// A number that differs from name to name, for identities.
pub(super) fn seed(name: &str) -> u64 {
    u64::from(cid(name)) << 8
}

/// Identity of the VM with this name, on both platforms.
pub(crate) fn vm_id(name: &str) -> Uuid {
    guid(seed(name), 7)
}

/// A `.vmx` whose files begin with `name`, with one SCSI disk for each path.
pub(crate) fn vmx(name: &str, disks: &[&str]) -> VmxBuilder {
    let mut builder = VmxBuilder::new(name, name).uuids(guid(seed(name), 9), vm_id(name));
    for (number, disk) in disks.iter().enumerate() {
        builder = builder.disk(&format!("scsi0:{number}"), disk);
    }
    builder
}

/// A descriptor of a flat disk with the content id of its name.
pub(crate) fn descriptor(name: &str) -> DescriptorBuilder {
    DescriptorBuilder::vmfs(name, SECTORS, cid(name), guid(seed(name), 3))
}

/// A dynamic VHDX whose identities follow from `name`.
pub(crate) fn vhdx(name: &str) -> VhdxBuilder {
    VhdxBuilder::new(DiskKind::Dynamic, 64 << 20, seed(name))
}

/// A differencing child of the disk that [`vhdx`] makes of `parent`.
pub(crate) fn child(name: &str, parent: &VhdxBuilder, relative: &str) -> VhdxBuilder {
    let paths = ParentPaths {
        relative,
        ..ParentPaths::default()
    };
    VhdxBuilder::child_of(parent, paths, seed(name))
}

/// A Hyper-V VM with one SCSI disk for each path.
pub(crate) fn hyperv_vm(name: &str, disks: &[&str]) -> HypervVm {
    let mut vm = HypervVm::new(name, vm_id(name));
    for (number, disk) in disks.iter().enumerate() {
        let number = u32::try_from(number).unwrap();
        vm.drives.push(HypervDrive::disk(ControllerKind::Scsi, number, *disk));
    }
    vm
}

/// The path of a Hyper-V configuration in the folder of its VM.
pub(crate) fn vmcx_path(folder: &str, id: Uuid) -> String {
    format!("{folder}/Virtual Machines/{}.vmcx", id.to_string().to_uppercase())
}
