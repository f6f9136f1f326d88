//! The same inventory as RVTools writes it: a workbook with the tabs and columns that tell where files are.

use jiff::Timestamp;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use super::{
    DATASTORES, HOSTS, VCENTER,
    disk::Disk,
    machine::{Machine, in_vcenter},
};
use crate::tree::Tree;

/// Id of the vCenter.
const VCENTER_ID: &str = "5f0c6a0e-7b1d-4c6e-8d55-2f9f0a7c1b42";

/// One tab: header, then rows.
type Sheet = (&'static str, Vec<&'static str>, Vec<Vec<String>>);

/// Writes the workbook.
pub(crate) fn add(tree: &mut Tree, machines: &[Machine], collected: Timestamp) {
    let sheets = [
        infos(machines),
        disks(machines),
        cd_drives(machines),
        snapshots(machines),
        source(),
        hosts(machines),
        datastores(machines),
        meta_data(collected),
    ];
    let workbook = workbook(&sheets, collected).expect("the workbook keeps to the limits of its format");
    tree.file(
        "inventory-rvtools/RVTools_export_all_2026-11-01_06.00.00.xlsx",
        workbook,
        collected,
    );
}

fn workbook(sheets: &[Sheet], collected: Timestamp) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let made = ExcelDateTime::from_timestamp(collected.as_second())?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
    for (name, header, rows) in sheets {
        let sheet = workbook.add_worksheet().set_name(*name)?;
        sheet.write_row(0, 0, header.iter().copied())?;
        for (row, number) in rows.iter().zip(1_u32..) {
            sheet.write_row(number, 0, row)?;
        }
    }
    workbook.save_to_buffer()
}

/// What every tab of VMs ends with.
const VM_TAIL: [&str; 5] = ["Host", "VM ID", "VM UUID", "VI SDK Server", "VI SDK UUID"];

fn vm_tail(vm: &Machine) -> [String; 5] {
    [
        HOSTS[vm.host()].1.to_owned(),
        vm.moref(),
        vm.instance_id().to_string(),
        VCENTER.to_owned(),
        VCENTER_ID.to_owned(),
    ]
}

/// A row of a tab of VMs.
fn vm_row(vm: &Machine, cells: &[&str]) -> Vec<String> {
    let own = cells.iter().map(|cell| (*cell).to_owned());
    std::iter::once(vm.name.clone()).chain(own).chain(vm_tail(vm)).collect()
}

fn truth(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

fn infos(machines: &[Machine]) -> Sheet {
    let own = [
        "VM",
        "Powerstate",
        "Template",
        "SRM Placeholder",
        "Connection state",
        "Disks",
        "Consolidation Needed",
        "Path",
        "Log directory",
        "Snapshot directory",
        "Suspend directory",
        "SMBIOS UUID",
    ];
    let row = |vm: &Machine| {
        let folder = in_vcenter(&vm.folder) + "/";
        let cells = [
            vm.power,
            truth(vm.template),
            "False",
            "connected",
            &vm.disks.len().to_string(),
            "False",
            &in_vcenter(&vm.config()),
            &folder,
            &folder,
            &folder,
            &vm.bios_id().to_string(),
        ];
        vm_row(vm, &cells)
    };
    let header = own.into_iter().chain(VM_TAIL).collect();
    ("vInfo", header, machines.iter().map(row).collect())
}

fn disks(machines: &[Machine]) -> Sheet {
    let own = [
        "VM",
        "Disk",
        "Disk UUID",
        "Capacity MiB",
        "Raw",
        "Disk Mode",
        "Thin",
        "Path",
    ];
    let row = |vm: &Machine, disk: &Disk, number: usize| {
        let cells = [
            &format!("Hard disk {number}"),
            &disk.uuid.to_string(),
            "1",
            truth(disk.stem.ends_with("_lun")),
            "persistent",
            "True",
            &in_vcenter(&disk.path()),
        ];
        vm_row(vm, &cells)
    };
    let rows = machines
        .iter()
        .flat_map(|vm| {
            vm.disks
                .iter()
                .zip(1..)
                .map(move |(disk, number)| row(vm, disk, number))
        })
        .collect();
    ("vDisk", own.into_iter().chain(VM_TAIL).collect(), rows)
}

fn cd_drives(machines: &[Machine]) -> Sheet {
    let own = ["VM", "Device Node", "Connected", "Starts Connected", "Device Type"];
    let row = |vm: &Machine, image: &String| {
        let device = format!("ISO {}", in_vcenter(image));
        vm_row(vm, &["CD/DVD drive 1", "True", "True", &device])
    };
    let rows = machines
        .iter()
        .flat_map(|vm| vm.media.iter().map(move |image| row(vm, image)))
        .collect();
    ("vCD", own.into_iter().chain(VM_TAIL).collect(), rows)
}

fn snapshots(machines: &[Machine]) -> Sheet {
    let own = ["VM", "Name", "Date / time", "Filename"];
    let row = |vm: &Machine, (name, taken, state): &(String, Timestamp, String)| {
        let taken = taken.strftime("%Y/%m/%d %H:%M:%S").to_string();
        vm_row(vm, &[name, &taken, &in_vcenter(state)])
    };
    let rows = machines
        .iter()
        .flat_map(|vm| vm.snapshots.iter().map(move |snapshot| row(vm, snapshot)))
        .collect();
    ("vSnapshot", own.into_iter().chain(VM_TAIL).collect(), rows)
}

fn source() -> Sheet {
    let header = vec![
        "Name",
        "API type",
        "Version",
        "Build",
        "Fullname",
        "VI SDK Server",
        "VI SDK UUID",
    ];
    let name = "VMware vCenter Server";
    let cells = [
        name,
        "VirtualCenter",
        "8.0.3",
        "24022515",
        "VMware vCenter Server 8.0.3 build-24022515",
        VCENTER,
        VCENTER_ID,
    ];
    ("vSource", header, vec![cells.map(str::to_owned).to_vec()])
}

fn hosts(machines: &[Machine]) -> Sheet {
    let header = vec![
        "Host",
        "Datacenter",
        "Cluster",
        "# VMs total",
        "Object ID",
        "VI SDK Server",
        "VI SDK UUID",
    ];
    let row = |(index, (moref, name)): (usize, &(&str, &str))| {
        let vms = machines.iter().filter(|vm| vm.host() == index).count().to_string();
        let cells = [*name, "DC01", "CL01", &vms, *moref, VCENTER, VCENTER_ID];
        cells.map(str::to_owned).to_vec()
    };
    ("vHost", header, HOSTS.iter().enumerate().map(row).collect())
}

fn datastores(machines: &[Machine]) -> Sheet {
    let header = vec![
        "Name",
        "Address",
        "Accessible",
        "Type",
        "# VMs total",
        "Capacity MiB",
        "Free MiB",
        "# Hosts",
        "Hosts",
        "URL",
        "Object ID",
        "VI SDK Server",
        "VI SDK UUID",
    ];
    let names = HOSTS.map(|(_, name)| name).join(", ");
    let row = |datastore: &super::Datastore| {
        let on_it = |vm: &&Machine| vm.folder.split('/').next() == Some(datastore.name);
        let vms = machines.iter().filter(on_it).count().to_string();
        let capacity = (datastore.gib * 1024).to_string();
        let free = (datastore.gib * 256).to_string();
        let url = format!("ds:///vmfs/volumes/{}/", datastore.id);
        let cells = [
            datastore.name,
            datastore.address,
            "True",
            datastore.kind,
            &vms,
            &capacity,
            &free,
            "2",
            &names,
            &url,
            datastore.moref,
            VCENTER,
            VCENTER_ID,
        ];
        cells.map(str::to_owned).to_vec()
    };
    ("vDatastore", header, DATASTORES.iter().map(row).collect())
}

fn meta_data(collected: Timestamp) -> Sheet {
    let header = vec![
        "RVTools major version",
        "RVTools version",
        "xlsx creation datetime",
        "Server",
    ];
    let time = collected.strftime("%Y/%m/%d %H:%M:%S").to_string();
    let cells = ["4.7", "4.7.1.4", &time, VCENTER];
    ("vMetaData", header, vec![cells.map(str::to_owned).to_vec()])
}
