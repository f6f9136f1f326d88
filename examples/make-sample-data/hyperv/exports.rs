//! The inventory in its two forms: JSON of the recommended commands, and the registration store of each node.

use derelict_parsers::testkit::hyperv_vm::host_store;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    NODES, VOLUMES,
    machine::{Checkpoint, Machine, on_host},
};
use crate::tree::Tree;

/// Writes both forms.
pub(crate) fn add(tree: &mut Tree, machines: &[Machine], collected: Timestamp) {
    let vms: Vec<Value> = machines.iter().map(virtual_machine).collect();
    let clustered: Vec<Value> = machines
        .iter()
        .filter(|vm| vm.vm.highly_available)
        .map(resource)
        .collect();
    let volumes: Vec<Value> = VOLUMES.iter().enumerate().map(volume).collect();
    for (name, rows) in [("hyperv-vms", vms), ("csv", volumes), ("cluster", clustered)] {
        // Windows PowerShell begins a file in UTF-8 with a byte order mark.
        let text = format!("\u{feff}{:#}\r\n", Value::Array(rows));
        tree.file(&format!("inventory-json/{name}.json"), text, collected);
    }
    for (index, node) in NODES.iter().enumerate() {
        let configs: Vec<_> = machines
            .iter()
            .filter(|vm| vm.node == index)
            .map(|vm| (vm.vm.id, on_host(&vm.config())))
            .collect();
        let listed: Vec<_> = configs.iter().map(|(id, path)| (*id, path.as_str())).collect();
        tree.file(
            &format!("inventory-host-store/{node}/data.vmcx"),
            host_store(&listed),
            collected,
        );
    }
}

fn virtual_machine(machine: &Machine) -> Value {
    let vm = &machine.vm;
    let folder = on_host(&machine.folder);
    let drives: Vec<Value> = machine.disks.iter().map(|disk| hard_drive(disk)).collect();
    let media: Vec<Value> = machine
        .media
        .iter()
        .map(|image| json!({"Path": on_host(image)}))
        .collect();
    let checkpoints: Vec<Value> = machine.checkpoints.iter().map(|own| checkpoint(own, &folder)).collect();
    json!({
        "Name": vm.name,
        "VMId": vm.id.to_string(),
        "ComputerName": NODES[machine.node],
        "State": machine.state,
        "Status": "Operating normally",
        "Generation": vm.generation,
        "Version": format!("{}.0", vm.version >> 8),
        "IsClustered": vm.highly_available,
        "CreationTime": vm.creation_time.to_string(),
        "Path": folder,
        "ConfigurationLocation": folder,
        "SnapshotFileLocation": folder,
        "CheckpointFileLocation": folder,
        "SmartPagingFilePath": folder,
        "SmartPagingFileInUse": false,
        "GuestStatePath": folder,
        "ReplicationMode": machine.replication,
        "ReplicationState": if machine.replication == "None" { "Disabled" } else { "Replicating" },
        "ParentCheckpointId": machine.checkpoints.last().map(|own| own.id.to_string()),
        "HardDrives": drives,
        "DvdDrives": media,
        "Floppy": null,
        "Snapshots": checkpoints,
    })
}

fn hard_drive(disk: &str) -> Value {
    json!({"Path": on_host(disk), "DiskNumber": null, "SupportPersistentReservations": false})
}

fn checkpoint(own: &Checkpoint, folder: &str) -> Value {
    let drives: Vec<Value> = own.disks.iter().map(|disk| json!({"Path": on_host(disk)})).collect();
    json!({
        "Name": own.name,
        "Id": own.id.to_string(),
        "ParentSnapshotId": null,
        "SnapshotType": "Standard",
        "CreationTime": own.taken.to_string(),
        "Path": folder,
        "HardDrives": drives,
    })
}

fn volume((number, (_, path, volume)): (usize, &(&str, &str, &str))) -> Value {
    json!({
        "Name": format!("Cluster Virtual Disk (Volume{})", number + 1),
        "State": "Online",
        "OwnerNode": NODES[number],
        "Path": path,
        "Volume": volume,
        "Size": 1_099_511_627_776_u64,
        "Free": 274_877_906_944_u64,
    })
}

fn resource(machine: &Machine) -> Value {
    json!({
        "Name": format!("Virtual Machine Configuration {}", machine.vm.name),
        "State": "Online",
        "OwnerGroup": machine.vm.name,
        "VmID": machine.vm.id.to_string(),
        "Root": on_host(&machine.folder),
    })
}
