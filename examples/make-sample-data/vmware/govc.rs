//! The inventory as govc writes it: `object.collect` of VMs, datastores and hosts, and `disk.ls`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    DATASTORES, Datastore, HOSTS,
    disk::Disk,
    machine::{Machine, in_vcenter},
    services::FirstClassDisk,
};
use crate::tree::Tree;

/// Folder of the exports in the site.
const FOLDER: &str = "inventory-govc";

/// Writes the four exports.
pub(crate) fn add(tree: &mut Tree, machines: &[Machine], disks: &[FirstClassDisk], collected: Timestamp) {
    let vms: Vec<Value> = machines.iter().map(|vm| virtual_machine(tree, vm, collected)).collect();
    let datastores: Vec<Value> = DATASTORES.iter().map(datastore).collect();
    let hosts: Vec<Value> = HOSTS.iter().map(|host| host_system(*host)).collect();
    let objects: Vec<Value> = disks.iter().map(|disk| first_class_disk(disk, collected)).collect();
    let listed = json!({ "objects": objects });
    for (name, documents) in [
        ("vms.json", vms),
        ("datastores.json", datastores),
        ("hosts.json", hosts),
        ("disks-vmfs01.json", vec![listed]),
    ] {
        let texts: Vec<String> = documents.iter().map(|document| format!("{document:#}\n")).collect();
        tree.file(&format!("{FOLDER}/{name}"), texts.concat(), collected);
    }
}

/// One object of `object.collect` with its properties.
fn collected_object(kind: &str, moref: &str, properties: &[(&str, Value)]) -> Value {
    let changes: Vec<Value> = properties
        .iter()
        .map(|(name, value)| json!({"name": name, "op": "assign", "val": value}))
        .collect();
    json!({"kind": "enter", "obj": {"type": kind, "value": moref}, "changeSet": changes})
}

fn virtual_machine(tree: &Tree, vm: &Machine, collected: Timestamp) -> Value {
    let folder = in_vcenter(&vm.folder) + "/";
    let config = in_vcenter(&vm.config());
    let files = json!({
        "vmPathName": config, "snapshotDirectory": folder, "suspendDirectory": folder, "logDirectory": folder,
    });
    let mut devices: Vec<Value> = vm
        .disks
        .iter()
        .zip(0_u32..)
        .map(|(disk, unit)| hard_disk(disk, unit))
        .collect();
    devices.extend(vm.media.iter().map(|image| cd_drive(image)));
    let mut properties = vec![
        ("name", json!(vm.name)),
        ("config.uuid", json!(vm.bios_id().to_string())),
        ("config.instanceUuid", json!(vm.instance_id().to_string())),
        ("config.template", json!(vm.template)),
        ("config.files", files),
        ("config.hardware.device", json!({"_value": devices})),
        ("layoutEx", layout(tree, vm, collected)),
        ("summary.config.vmPathName", json!(config)),
        ("runtime.connectionState", json!("connected")),
    ];
    if !vm.snapshots.is_empty() {
        properties.push(("snapshot", snapshot_tree(vm, 0)));
    }
    collected_object("VirtualMachine", &vm.moref(), &properties)
}

fn hard_disk(disk: &Disk, unit: u32) -> Value {
    json!({
        "key": 2000 + unit,
        "deviceInfo": {"label": format!("Hard disk {}", unit + 1), "summary": format!("{} KB", disk.kib)},
        "backing": {
            "fileName": in_vcenter(&disk.path()),
            "datastore": {"type": "Datastore", "value": datastore_of(&disk.folder).moref},
            "diskMode": "persistent",
            "thinProvisioned": true,
            "uuid": disk.uuid.to_string(),
        },
        "controllerKey": 1000,
        "unitNumber": unit,
        "capacityInKB": disk.kib,
    })
}

fn cd_drive(image: &str) -> Value {
    json!({
        "key": 16000,
        "deviceInfo": {"label": "CD/DVD drive 1", "summary": format!("ISO {}", in_vcenter(image))},
        "backing": {
            "fileName": in_vcenter(image),
            "datastore": {"type": "Datastore", "value": datastore_of(image).moref},
        },
        "controllerKey": 15000,
        "unitNumber": 0,
    })
}

fn layout(tree: &Tree, vm: &Machine, collected: Timestamp) -> Value {
    let file = |(key, (path, kind)): (usize, &(String, &str))| {
        let size = if tree.has(path) { tree.length(path) } else { 0 };
        json!({"key": key, "name": in_vcenter(path), "type": kind, "size": size, "uniqueSize": size, "accessible": true})
    };
    let files: Vec<Value> = vm.listed.iter().enumerate().map(file).collect();
    json!({"file": files, "timestamp": collected.to_string()})
}

/// The snapshots from `number` on, each the child of the one before.
fn snapshot_tree(vm: &Machine, number: usize) -> Value {
    let current =
        json!({"type": "VirtualMachineSnapshot", "value": format!("snapshot-{}-{}", vm.number, vm.snapshots.len())});
    json!({"currentSnapshot": current, "rootSnapshotList": snapshots_from(vm, number)})
}

fn snapshots_from(vm: &Machine, number: usize) -> Value {
    let Some((name, taken, _)) = vm.snapshots.get(number) else {
        return json!([]);
    };
    json!([{
        "snapshot": {"type": "VirtualMachineSnapshot", "value": format!("snapshot-{}-{}", vm.number, number + 1)},
        "name": name,
        "id": number + 1,
        "createTime": taken.to_string(),
        "childSnapshotList": snapshots_from(vm, number + 1),
    }])
}

/// The datastore that a path of the site begins with.
fn datastore_of(path: &str) -> &'static Datastore {
    let known = DATASTORES
        .iter()
        .find(|datastore| path.split('/').next() == Some(datastore.name));
    known.expect("every path begins with a datastore")
}

fn datastore(datastore: &Datastore) -> Value {
    let url = format!("ds:///vmfs/volumes/{}/", datastore.id);
    let bytes = datastore.gib << 30;
    let mounts: Vec<Value> = HOSTS
        .iter()
        .map(|(moref, _)| {
            let path = format!("/vmfs/volumes/{}", datastore.id);
            json!({
                "key": {"type": "HostSystem", "value": moref},
                "mountInfo": {"path": path, "accessMode": "readWrite", "mounted": true, "accessible": true},
            })
        })
        .collect();
    let mut info = json!({"name": datastore.name, "url": url, "freeSpace": bytes / 4});
    info[if datastore.kind == "NFS" { "nas" } else { "vmfs" }] = volume(datastore);
    collected_object(
        "Datastore",
        datastore.moref,
        &[
            ("name", json!(datastore.name)),
            (
                "summary",
                json!({
                    "datastore": {"type": "Datastore", "value": datastore.moref},
                    "name": datastore.name,
                    "url": url,
                    "capacity": bytes,
                    "freeSpace": bytes / 4,
                    "accessible": true,
                    "type": datastore.kind,
                }),
            ),
            ("info", info),
            ("host", json!({"_value": mounts})),
        ],
    )
}

fn volume(datastore: &Datastore) -> Value {
    let capacity = datastore.gib << 30;
    match datastore.address.split_once(':') {
        Some((host, path)) => json!({
            "type": datastore.kind, "name": datastore.name, "capacity": capacity, "remoteHost": host, "remotePath": path,
        }),
        None => json!({
            "type": datastore.kind, "name": datastore.name, "capacity": capacity, "uuid": datastore.id,
            "extent": [{"diskName": datastore.address, "partition": 1}],
        }),
    }
}

fn host_system((moref, name): (&str, &str)) -> Value {
    let mounts: Vec<Value> = DATASTORES
        .iter()
        .map(|datastore| {
            let path = format!("/vmfs/volumes/{}", datastore.id);
            json!({
                "mountInfo": {"path": path, "accessMode": "readWrite", "mounted": true, "accessible": true},
                "volume": volume(datastore),
            })
        })
        .collect();
    let properties = [
        ("name", json!(name)),
        ("config.fileSystemVolume.mountInfo", json!({"_value": mounts})),
    ];
    collected_object("HostSystem", moref, &properties)
}

fn first_class_disk(disk: &FirstClassDisk, collected: Timestamp) -> Value {
    json!({
        "config": {
            "id": {"id": disk.id.to_string()},
            "name": disk.name,
            "createTime": collected.to_string(),
            "backing": {
                "datastore": {"type": "Datastore", "value": datastore_of(&disk.disk.folder).moref},
                "filePath": in_vcenter(&disk.disk.path()),
                "provisioningType": "thin",
            },
            "capacityInMB": 1,
            "consumptionType": ["disk"],
        },
        "tags": null,
    })
}
