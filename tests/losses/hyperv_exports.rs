//! What the nodes and the cluster know, as each tool exports it.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    chance::Chance,
    exports::{Body, CsvForm, Export, JsonForm, Table, cells},
    hyperv::{Checkpoint, Known, Machine, NODES, VOLUMES, on_host},
    plan::Since,
};

/// The exports of one point in time. The last word is false where they cannot tell all chains, as those of VMM.
pub(crate) fn make(known: &Known, chance: &mut Chance, taken: Timestamp, until: Since) -> (Vec<Export>, bool) {
    let machines: Vec<&Machine> = known.machines.iter().filter(|machine| machine.since <= until).collect();
    let parents = known.parents.iter().filter(|parent| parent.2 <= until);
    let view = View {
        machines,
        parents: parents
            .map(|(path, parent, _)| (path.as_str(), parent.as_deref()))
            .collect(),
        taken,
    };
    let form = chance.pick(&[CsvForm::Plain, CsvForm::PowerShell, CsvForm::Unicode]);
    let main = chance.pick(&["json", "json", "script", "csv", "clixml", "scvmm", "host-store"]);
    let mut exports = view.of(main, form);
    if chance.one_in(4) && main != "host-store" {
        exports.extend(view.of("host-store", form));
    }
    // A store without VMs may as well be one that was wiped.
    let is_empty = |export: &Export| match &export.body {
        Body::Store(vms) => vms.is_empty(),
        Body::Json(items, _) => items.is_empty() && export.name.contains("vms"),
        Body::Csv(table, _) => table.rows.is_empty(),
        _ => false,
    };
    let tells_all = main != "scvmm" && !exports.iter().any(is_empty);
    (exports, tells_all)
}

struct View<'a> {
    machines: Vec<&'a Machine>,
    parents: Vec<(&'a str, Option<&'a str>)>,
    taken: Timestamp,
}

impl View<'_> {
    fn of(&self, what: &str, form: CsvForm) -> Vec<Export> {
        let array = |items| Body::Json(items, JsonForm::Array);
        let vms: Vec<Value> = self.machines.iter().map(|vm| virtual_machine(vm)).collect();
        match what {
            "json" => {
                let mut exports = vec![
                    self.export("hyperv", "hyperv-vms.json", array(vms)),
                    self.export("hyperv", "vhd.json", array(self.chains())),
                ];
                exports.extend(self.cluster("hyperv"));
                exports
            }
            "clixml" => {
                let mut exports = vec![self.export("clixml", "vms.clixml", Body::Clixml(vms))];
                exports.extend(self.cluster("clixml"));
                exports
            }
            "script" => vec![self.export("script", "hyperv.json", array(vec![self.script(&vms)]))],
            "csv" => self.lists(form),
            "scvmm" => vec![self.export("scvmm", "vms.json", array(self.scvmm()))],
            _ => self.stores(),
        }
    }

    fn export(&self, folder: &str, name: &str, body: Body) -> Export {
        Export {
            folder: folder.to_owned(),
            name: name.to_owned(),
            body,
            modified: self.taken,
        }
    }

    fn chains(&self) -> Vec<Value> {
        let row =
            |(path, parent): &(&str, Option<&str>)| json!({"Path": on_host(path), "ParentPath": parent.map(on_host)});
        self.parents.iter().map(row).collect()
    }

    fn resources(&self) -> Vec<Value> {
        let clustered = self.machines.iter().filter(|vm| vm.clustered);
        clustered
            .map(|vm| {
                json!({
                    "Name": format!("Virtual Machine Configuration {}", vm.name),
                    "State": "Online",
                    "OwnerGroup": vm.name,
                    "VmID": vm.id.to_string(),
                    "Root": on_host(&vm.folder),
                })
            })
            .collect()
    }

    fn cluster(&self, folder: &str) -> Vec<Export> {
        vec![
            self.export(folder, "csv.json", Body::Json(volumes(), JsonForm::Array)),
            self.export(folder, "cluster.json", Body::Json(self.resources(), JsonForm::Array)),
        ]
    }

    fn script(&self, vms: &[Value]) -> Value {
        json!({
            "schema": "hyperv-inventory-export/1",
            "exported": self.taken.to_string(),
            "cluster": "HVCL01",
            "host": null,
            "nodes": NODES,
            "vms": vms,
            "clusterSharedVolumes": volumes(),
            "vhdChains": self.chains(),
            "errors": [],
            "clusterResources": self.resources(),
        })
    }

    /// Lists of single cmdlets as CSV.
    fn lists(&self, form: CsvForm) -> Vec<Export> {
        let mut exports: Vec<Export> = [
            self.vm_list(),
            self.drive_list(),
            self.checkpoint_list(),
            self.dvd_list(),
        ]
        .into_iter()
        .filter(|table| table.name == "vms" || !table.rows.is_empty())
        .map(|table| {
            let name = format!("{}.csv", table.name);
            self.export("csv", &name, Body::Csv(table, form))
        })
        .collect();
        exports.extend(self.cluster("csv"));
        exports
    }

    fn vm_list(&self) -> Table {
        let header = [
            "Name",
            "VMId",
            "ComputerName",
            "State",
            "Status",
            "Generation",
            "Version",
            "IsClustered",
            "Path",
            "ConfigurationLocation",
            "SnapshotFileLocation",
            "SmartPagingFilePath",
            "ParentSnapshotId",
            "ReplicationMode",
        ];
        let row = |vm: &&Machine| {
            let folder = on_host(&vm.folder);
            let parent = vm.checkpoints.last().map_or_else(String::new, |own| own.id.to_string());
            cells(&[
                &vm.name,
                &vm.id.to_string(),
                NODES[vm.node],
                vm.state,
                "Operating normally",
                "2",
                &format!("{}.0", vm.version >> 8),
                if vm.clustered { "True" } else { "False" },
                &folder,
                &folder,
                &folder,
                &folder,
                &parent,
                vm.replication,
            ])
        };
        Table::new("vms", &header, self.machines.iter().map(row).collect())
    }

    fn drive_list(&self) -> Table {
        let header = [
            "ComputerName",
            "VMName",
            "VMId",
            "VMSnapshotId",
            "VMSnapshotName",
            "ControllerType",
            "ControllerNumber",
            "ControllerLocation",
            "Path",
            "DiskNumber",
            "SupportPersistentReservations",
        ];
        let mut rows = Vec::new();
        for vm in &self.machines {
            let mut add = |own: Option<&Checkpoint>, path: &str, number: &str| {
                let (own_id, name) = own.map_or_else(Default::default, |own| (own.id.to_string(), own.name.clone()));
                let (id, place) = (vm.id.to_string(), rows.len().to_string());
                let row = [
                    NODES[vm.node],
                    &vm.name,
                    &id,
                    &own_id,
                    &name,
                    "SCSI",
                    "0",
                    &place,
                    path,
                    number,
                    "False",
                ];
                rows.push(cells(&row));
            };
            for disk in &vm.disks {
                add(None, &on_host(disk), "");
            }
            if let Some(number) = vm.pass_through {
                let place = format!("Disk {number} 100.00 GB Bus 0 Lun 0 Target 1");
                add(None, &place, &number.to_string());
            }
            for own in &vm.checkpoints {
                for disk in &own.disks {
                    add(Some(own), &on_host(disk), "");
                }
            }
        }
        Table::new("disks", &header, rows)
    }

    fn checkpoint_list(&self) -> Table {
        let header = [
            "VMName",
            "VMId",
            "Id",
            "Name",
            "SnapshotType",
            "CreationTime",
            "ParentSnapshotId",
            "Path",
            "ComputerName",
        ];
        let mut rows = Vec::new();
        for vm in &self.machines {
            for own in &vm.checkpoints {
                let (vm_id, id) = (vm.id.to_string(), own.id.to_string());
                let taken = own.taken.strftime("%Y-%m-%d %H:%M:%S").to_string();
                let folder = on_host(&vm.folder);
                let row = [
                    &vm.name,
                    vm_id.as_str(),
                    &id,
                    &own.name,
                    "Standard",
                    &taken,
                    "",
                    &folder,
                    NODES[vm.node],
                ];
                rows.push(cells(&row));
            }
        }
        Table::new("checkpoints", &header, rows)
    }

    fn dvd_list(&self) -> Table {
        let mut rows = Vec::new();
        for vm in &self.machines {
            for image in &vm.media {
                let id = vm.id.to_string();
                rows.push(cells(&[NODES[vm.node], &vm.name, &id, &on_host(image), "ISO"]));
            }
        }
        Table::new("dvd", &["ComputerName", "VMName", "VMId", "Path", "DvdMediaType"], rows)
    }

    fn scvmm(&self) -> Vec<Value> {
        self.machines
            .iter()
            .map(|vm| {
                json!({
                    "Name": vm.name,
                    "ID": uuid::Uuid::from_u128(vm.id.as_u128() ^ 1).to_string(),
                    "VMId": vm.id.to_string(),
                    "Status": 3,
                    "VMHost": format!("{}.lab.example", NODES[vm.node]),
                    "Location": on_host(&vm.folder),
                    "CheckpointLocation": on_host(&vm.folder),
                    "VMCPath": on_host(&vm.config()),
                    "Disks": vm.disks.iter().map(|disk| on_host(disk)).collect::<Vec<_>>(),
                })
            })
            .collect()
    }

    /// The registration store of each node.
    fn stores(&self) -> Vec<Export> {
        let of_node = |node: usize| {
            let own = self.machines.iter().filter(|vm| vm.node == node);
            let configs = own.map(|vm| (vm.id, on_host(&vm.config()))).collect();
            let folder = format!("store/{}", NODES[node]);
            let mut exports = vec![self.export(&folder, "data.vmcx", Body::Store(configs))];
            exports.extend(self.cluster(&folder));
            exports
        };
        (0..NODES.len()).flat_map(of_node).collect()
    }
}

fn virtual_machine(vm: &Machine) -> Value {
    let folder = on_host(&vm.folder);
    let mut drives: Vec<Value> = vm
        .disks
        .iter()
        .map(|disk| json!({"Path": on_host(disk), "DiskNumber": null, "SupportPersistentReservations": false}))
        .collect();
    if let Some(number) = vm.pass_through {
        drives.push(json!({"Path": format!("Disk {number} 100.00 GB Bus 0 Lun 0 Target 1"), "DiskNumber": number, "SupportPersistentReservations": false}));
    }
    let media: Vec<Value> = vm.media.iter().map(|image| json!({"Path": on_host(image)})).collect();
    let checkpoints: Vec<Value> = vm.checkpoints.iter().map(|own| checkpoint(own, &folder)).collect();
    json!({
        "Name": vm.name,
        "VMId": vm.id.to_string(),
        "ComputerName": NODES[vm.node],
        "State": vm.state,
        "Status": "Operating normally",
        "Generation": 2,
        "Version": format!("{}.0", vm.version >> 8),
        "IsClustered": vm.clustered,
        "CreationTime": "2024-02-01T08:00:00Z",
        "Path": folder,
        "ConfigurationLocation": folder,
        "SnapshotFileLocation": folder,
        "CheckpointFileLocation": folder,
        "SmartPagingFilePath": folder,
        "SmartPagingFileInUse": false,
        "GuestStatePath": folder,
        "ReplicationMode": vm.replication,
        "ReplicationState": if vm.replication == "None" { "Disabled" } else { "Replicating" },
        "ParentCheckpointId": vm.checkpoints.last().map(|own| own.id.to_string()),
        "HardDrives": drives,
        "DvdDrives": media,
        "Floppy": null,
        "Snapshots": checkpoints,
    })
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

fn volumes() -> Vec<Value> {
    (1..)
        .zip(VOLUMES.iter().filter(|volume| !volume.id.is_empty()))
        .map(|(number, volume)| {
            json!({
                "Name": format!("Cluster Virtual Disk (Volume{number})"),
                "State": "Online",
                "OwnerNode": NODES[0],
                "Path": volume.path,
                "Volume": volume.id,
                "Size": 1_099_511_627_776_u64,
                "Free": 274_877_906_944_u64,
            })
        })
        .collect()
}
