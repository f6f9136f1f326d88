//! What vCenter and hosts know, as each tool exports it.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    chance::Chance,
    exports::{Body, CsvForm, Export, JsonForm, Table, cells},
    plan::Since,
    vmware::{DATASTORES, Datastore, FirstClassDisk, HOSTS, Known, Machine, datastore_of, in_vcenter, on_host},
};

const VCENTER: &str = "vc01.lab.example";
const VCENTER_ID: &str = "5f0c6a0e-7b1d-4c6e-8d55-2f9f0a7c1b42";

/// The exports of one point in time: what is young is not in those of before.
pub(crate) fn make(known: &Known, chance: &mut Chance, taken: Timestamp, until: Since) -> Vec<Export> {
    let machines: Vec<&Machine> = known.machines.iter().filter(|machine| machine.since <= until).collect();
    let view = View {
        machines,
        disks: &known.disks,
        taken,
    };
    let main = chance.pick(&["xlsx", "rvtools-csv", "govc", "powercli", "powercli-csv", "esxi"]);
    let form = chance.pick(&[CsvForm::Plain, CsvForm::PowerShell, CsvForm::Unicode]);
    let mut exports = view.of(main, form);
    if chance.one_in(4) {
        let second = chance.pick(&["xlsx", "govc", "powercli-csv"]);
        if second != main {
            exports.extend(view.of(second, form));
        }
    }
    exports
}

struct View<'a> {
    machines: Vec<&'a Machine>,
    disks: &'a [FirstClassDisk],
    taken: Timestamp,
}

fn truth(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

impl View<'_> {
    fn of(&self, what: &str, form: CsvForm) -> Vec<Export> {
        match what {
            "xlsx" => vec![self.export("rvtools", "RVTools.xlsx", Body::Book(self.tabs()))],
            "rvtools-csv" => {
                let folder = format!("RVTools_export_all_{}", self.taken.strftime("%Y-%m-%d_%H.%M.%S"));
                let tabs = self.tabs().into_iter().filter(|tab| tab.name != "vMetaData");
                tabs.map(|tab| {
                    let name = format!("RVTools_tab{}.csv", tab.name);
                    self.export(&folder, &name, Body::Csv(tab, form))
                })
                .collect()
            }
            "govc" => self.govc(),
            "powercli" => self.powercli(),
            "powercli-csv" => self.powercli_csv(form),
            _ => (0..HOSTS.len()).flat_map(|host| self.esxi(host)).collect(),
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

    fn on(&self, datastore: &Datastore) -> Vec<&Machine> {
        let is_on = |machine: &&&Machine| {
            let mut paths = machine.listed.iter().map(|(path, _)| path);
            paths.any(|path| datastore_of(path).name == datastore.name)
        };
        self.machines.iter().filter(is_on).copied().collect()
    }

    fn tabs(&self) -> Vec<Table> {
        vec![
            self.infos(),
            self.disk_rows(),
            self.cd_rows(),
            self.snapshot_rows(),
            Self::source(),
            self.host_rows(),
            self.datastore_rows(),
            self.meta_data(),
        ]
    }

    fn vm_table(name: &str, own: &[&str], rows: Vec<(&Machine, Vec<String>)>) -> Table {
        let mut header = vec!["VM"];
        header.extend(own);
        header.extend(["Host", "VM ID", "VM UUID", "VI SDK Server", "VI SDK UUID"]);
        let rows = rows
            .into_iter()
            .map(|(vm, own)| {
                let mut row = vec![vm.name.clone()];
                row.extend(own);
                let (moref, id) = (vm.moref(), vm.instance_id().to_string());
                row.extend(cells(&[HOSTS[vm.host()].1, &moref, &id, VCENTER, VCENTER_ID]));
                row
            })
            .collect();
        Table::new(name, &header, rows)
    }

    fn infos(&self) -> Table {
        let own = [
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
        let row = |vm: &&Machine| {
            let folder = in_vcenter(&vm.folder) + "/";
            let working = in_vcenter(&vm.working) + "/";
            let (disks, bios) = (vm.devices.len().to_string(), vm.bios_id().to_string());
            cells(&[
                vm.power,
                truth(vm.template),
                "False",
                "connected",
                &disks,
                "False",
                &in_vcenter(&vm.config()),
                &folder,
                &working,
                &folder,
                &bios,
            ])
        };
        let rows = self.machines.iter().map(|vm| (*vm, row(vm))).collect();
        Self::vm_table("vInfo", &own, rows)
    }

    fn disk_rows(&self) -> Table {
        let own = ["Disk", "Disk UUID", "Capacity MiB", "Raw", "Disk Mode", "Thin", "Path"];
        let mut rows = Vec::new();
        for vm in &self.machines {
            for (number, device) in vm.devices.iter().enumerate() {
                let (name, id) = (format!("Hard disk {}", number + 1), device.id.to_string());
                let path = in_vcenter(&device.path);
                let row = [&name, &id, "1", truth(device.raw), device.mode, "True", &path];
                rows.push((*vm, cells(&row)));
            }
        }
        Self::vm_table("vDisk", &own, rows)
    }

    fn cd_rows(&self) -> Table {
        let own = ["Device Node", "Connected", "Starts Connected", "Device Type"];
        let mut rows = Vec::new();
        for vm in &self.machines {
            for image in &vm.media {
                let device = format!("ISO {}", in_vcenter(image));
                rows.push((*vm, cells(&["CD/DVD drive 1", "True", "True", &device])));
            }
        }
        Self::vm_table("vCD", &own, rows)
    }

    fn snapshot_rows(&self) -> Table {
        let mut rows = Vec::new();
        for vm in &self.machines {
            for (name, state) in &vm.snapshots {
                rows.push((*vm, cells(&[name, "2026/06/30 10:00:00", &in_vcenter(state)])));
            }
        }
        Self::vm_table("vSnapshot", &["Name", "Date / time", "Filename"], rows)
    }

    fn source() -> Table {
        let name = "VMware vCenter Server 8.0.3 build-24022515";
        let header = [
            "Name",
            "API type",
            "Version",
            "Fullname",
            "VI SDK Server",
            "VI SDK UUID",
        ];
        let row = [
            "VMware vCenter Server",
            "VirtualCenter",
            "8.0.3",
            name,
            VCENTER,
            VCENTER_ID,
        ];
        Table::new("vSource", &header, vec![cells(&row)])
    }

    fn host_rows(&self) -> Table {
        let header = [
            "Host",
            "Datacenter",
            "Cluster",
            "# VMs total",
            "Object ID",
            "VI SDK Server",
            "VI SDK UUID",
        ];
        let row = |(index, (moref, name)): (usize, &(&str, &str))| {
            let vms = self.machines.iter().filter(|vm| vm.host() == index).count().to_string();
            cells(&[name, "DC01", "CL01", &vms, moref, VCENTER, VCENTER_ID])
        };
        Table::new("vHost", &header, HOSTS.iter().enumerate().map(row).collect())
    }

    fn datastore_rows(&self) -> Table {
        let header = [
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
        let row = |datastore: &Datastore| {
            let names: Vec<&str> = HOSTS.iter().take(datastore.hosts).map(|(_, name)| *name).collect();
            let (vms, hosts) = (self.on(datastore).len().to_string(), datastore.hosts.to_string());
            let url = format!("ds:///vmfs/volumes/{}/", datastore.id);
            cells(&[
                datastore.name,
                "naa.600",
                "True",
                datastore.kind,
                &vms,
                "10240",
                "2048",
                &hosts,
                &names.join(", "),
                &url,
                datastore.moref,
                VCENTER,
                VCENTER_ID,
            ])
        };
        Table::new("vDatastore", &header, DATASTORES.iter().map(row).collect())
    }

    fn meta_data(&self) -> Table {
        let header = [
            "RVTools major version",
            "RVTools version",
            "xlsx creation datetime",
            "Server",
        ];
        let time = self.taken.strftime("%Y/%m/%d %H:%M:%S").to_string();
        Table::new("vMetaData", &header, vec![cells(&["4.7", "4.7.1.4", &time, VCENTER])])
    }
}

/// One object of `object.collect` with its properties.
fn collected(kind: &str, moref: &str, properties: &[(&str, Value)]) -> Value {
    let changes: Vec<Value> = properties
        .iter()
        .map(|(name, value)| json!({"name": name, "op": "assign", "val": value}))
        .collect();
    json!({"kind": "enter", "obj": {"type": kind, "value": moref}, "changeSet": changes})
}

fn layout_files(vm: &Machine) -> Vec<Value> {
    let file = |(key, (path, kind)): (usize, &(String, &str))| json!({"key": key, "name": in_vcenter(path), "type": kind, "size": 1, "accessible": true});
    vm.listed.iter().enumerate().map(file).collect()
}

impl View<'_> {
    fn govc(&self) -> Vec<Export> {
        let vms = self.machines.iter().map(|vm| self.govc_vm(vm)).collect();
        let datastores = DATASTORES
            .iter()
            .map(|datastore| self.govc_datastore(datastore))
            .collect();
        let hosts = HOSTS.iter().enumerate().map(govc_host).collect();
        let names: Vec<String> = self
            .machines
            .iter()
            .map(|vm| format!("/DC01/vm/{}\n", vm.name.replace('%', "%25").replace('/', "%2f")))
            .collect();
        let mut exports = vec![
            self.export("govc", "vms.json", Body::Json(vms, JsonForm::Stream)),
            self.export("govc", "vm-names.txt", Body::Text(names.concat())),
            self.export("govc", "datastores.json", Body::Json(datastores, JsonForm::Stream)),
            self.export("govc", "hosts.json", Body::Json(hosts, JsonForm::Stream)),
        ];
        for (number, datastore) in DATASTORES.iter().enumerate() {
            let on_it = |disk: &&FirstClassDisk| datastore_of(&disk.path).name == datastore.name;
            let objects: Vec<Value> = self
                .disks
                .iter()
                .filter(on_it)
                .map(|disk| self.govc_disk(disk))
                .collect();
            if !objects.is_empty() {
                let listed = json!({ "objects": objects });
                let name = format!("disks-{number}.json");
                exports.push(self.export("govc", &name, Body::Json(vec![listed], JsonForm::Stream)));
            }
        }
        exports
    }

    fn govc_vm(&self, vm: &Machine) -> Value {
        let folder = in_vcenter(&vm.folder) + "/";
        let config = in_vcenter(&vm.config());
        let files = json!({
            "vmPathName": config, "snapshotDirectory": in_vcenter(&vm.working) + "/",
            "suspendDirectory": folder, "logDirectory": folder,
        });
        let mut devices: Vec<Value> = (0..).zip(&vm.devices).map(|(unit, device)| json!({
            "key": 2000 + unit,
            "backing": {"fileName": in_vcenter(&device.path), "diskMode": device.mode, "uuid": device.id.to_string()},
            "controllerKey": 1000, "unitNumber": unit, "capacityInKB": 1024,
        })).collect();
        devices.extend(vm.media.iter().map(|image| {
            json!({
                "key": 16000, "backing": {"fileName": in_vcenter(image)}, "controllerKey": 15000, "unitNumber": 0,
            })
        }));
        let mut properties = vec![
            ("name", json!(vm.name)),
            ("config.uuid", json!(vm.bios_id().to_string())),
            ("config.instanceUuid", json!(vm.instance_id().to_string())),
            ("config.template", json!(vm.template)),
            ("config.files", files),
            ("config.hardware.device", json!({"_value": devices})),
            (
                "layoutEx",
                json!({"file": layout_files(vm), "timestamp": self.taken.to_string()}),
            ),
            ("summary.config.vmPathName", json!(config)),
            ("runtime.connectionState", json!("connected")),
            ("runtime.powerState", json!(vm.power)),
            (
                "runtime.host",
                json!({"type": "HostSystem", "value": HOSTS[vm.host()].0}),
            ),
        ];
        if !vm.snapshots.is_empty() {
            let list: Vec<Value> = vm
                .snapshots
                .iter()
                .map(|(name, _)| json!({"name": name, "id": 1}))
                .collect();
            properties.push(("snapshot", json!({ "rootSnapshotList": list })));
        }
        collected("VirtualMachine", &vm.moref(), &properties)
    }

    fn govc_datastore(&self, datastore: &Datastore) -> Value {
        let url = format!("ds:///vmfs/volumes/{}/", datastore.id);
        let mounts: Vec<Value> = HOSTS
            .iter()
            .take(datastore.hosts)
            .map(|(moref, _)| {
                let path = format!("/vmfs/volumes/{}", datastore.id);
                json!({"key": {"type": "HostSystem", "value": moref}, "mountInfo": {"path": path, "mounted": true}})
            })
            .collect();
        let vms: Vec<Value> = self
            .on(datastore)
            .iter()
            .map(|vm| json!({"type": "VirtualMachine", "value": vm.moref()}))
            .collect();
        let summary = json!({
            "datastore": {"type": "Datastore", "value": datastore.moref}, "name": datastore.name, "url": url,
            "capacity": 1_u64 << 40, "freeSpace": 1_u64 << 38, "accessible": true, "type": datastore.kind,
        });
        collected(
            "Datastore",
            datastore.moref,
            &[
                ("name", json!(datastore.name)),
                ("summary", summary),
                ("info", json!({"name": datastore.name, "url": url})),
                ("host", json!({ "_value": mounts })),
                ("vm", json!({ "_value": vms })),
            ],
        )
    }

    fn govc_disk(&self, disk: &FirstClassDisk) -> Value {
        json!({
            "config": {
                "id": {"id": disk.id.to_string()},
                "name": disk.name,
                "createTime": self.taken.to_string(),
                "backing": {
                    "datastore": {"type": "Datastore", "value": datastore_of(&disk.path).moref},
                    "filePath": in_vcenter(&disk.path),
                },
                "capacityInMB": 1,
            },
        })
    }

    fn powercli(&self) -> Vec<Export> {
        let vms = self.machines.iter().map(|vm| projected(vm)).collect();
        vec![
            self.export("powercli", "vms.json", Body::Json(vms, JsonForm::Array)),
            self.export(
                "powercli",
                "datastores.json",
                Body::Json(powercli_datastores(), JsonForm::Array),
            ),
        ]
    }

    fn powercli_csv(&self, form: CsvForm) -> Vec<Export> {
        let header = [
            "Name",
            "MoRef",
            "InstanceUuid",
            "Uuid",
            "Template",
            "ConnectionState",
            "PowerState",
            "VMHost",
            "VmPathName",
        ];
        let vm_rows = self.machines.iter().map(|vm| {
            cells(&[
                &vm.name,
                &vm.moref(),
                &vm.instance_id().to_string(),
                &vm.bios_id().to_string(),
                truth(vm.template),
                "connected",
                vm.power,
                HOSTS[vm.host()].1,
                &in_vcenter(&vm.config()),
            ])
        });
        let disk_rows = self.machines.iter().flat_map(|vm| {
            vm.devices.iter().enumerate().map(|(number, device)| {
                let kind = if device.raw { "RawPhysical" } else { "Flat" };
                let name = format!("Hard disk {}", number + 1);
                cells(&[
                    &vm.name,
                    &vm.moref(),
                    &name,
                    &in_vcenter(&device.path),
                    "1",
                    "Thin",
                    kind,
                ])
            })
        });
        let vms = Table::new("vms", &header, vm_rows.collect());
        let disk_header = [
            "Parent",
            "ParentId",
            "Name",
            "Filename",
            "CapacityGB",
            "StorageFormat",
            "DiskType",
        ];
        let disks = Table::new("disks", &disk_header, disk_rows.collect());
        vec![
            self.export("powercli-csv", "vms.csv", Body::Csv(vms, form)),
            self.export("powercli-csv", "disks.csv", Body::Csv(disks, form)),
            self.export(
                "powercli-csv",
                "datastores.json",
                Body::Json(powercli_datastores(), JsonForm::Array),
            ),
        ]
    }

    /// The list of one host, its table of VMs, and its volumes.
    fn esxi(&self, host: usize) -> Vec<Export> {
        let own: Vec<&&Machine> = self.machines.iter().filter(|vm| vm.host() == host).collect();
        let entries: Vec<String> = own
            .iter()
            .enumerate()
            .map(|(id, vm)| {
                let path = on_host(&vm.config()).replace('&', "&amp;");
                format!(
                    "  <ConfigEntry id=\"{id:04}\"><objID>{}</objID><secDomain>23</secDomain><vmxCfgPath>{path}</vmxCfgPath></ConfigEntry>\n",
                    vm.number
                )
            })
            .collect();
        let inventory = format!("<ConfigRoot>\n{}</ConfigRoot>\n", entries.concat());
        let rows: Vec<String> = own
            .iter()
            .map(|vm| {
                format!(
                    "{:<6} {:<30} {:<60} rhel8_64Guest   vmx-19    \n",
                    vm.number,
                    vm.name,
                    in_vcenter(&vm.config())
                )
            })
            .collect();
        let table = format!(
            "{:<6} {:<30} {:<60} {:<15} {:<9} Annotation\n{}",
            "Vmid",
            "Name",
            "File",
            "Guest OS",
            "Version",
            rows.concat()
        );
        let volumes: Vec<String> = DATASTORES
            .iter()
            .filter(|datastore| host < datastore.hosts)
            .map(|datastore| {
                let id = datastore.id;
                let kind = if datastore.kind == "NFS" { "NFS" } else { "VMFS-6" };
                format!("1024,/vmfs/volumes/{id},true,4096,{kind},{id},{},\n", datastore.name)
            })
            .collect();
        let volumes = format!(
            "Free,MountPoint,Mounted,Size,Type,UUID,VolumeName,\n{}",
            volumes.concat()
        );
        let folder = HOSTS[host].1;
        vec![
            self.export(folder, "vmInventory.xml", Body::Text(inventory)),
            self.export(folder, "getallvms.txt", Body::Text(table)),
            self.export(folder, "filesystems.csv", Body::Text(volumes)),
        ]
    }
}

fn govc_host((index, (moref, name)): (usize, &(&str, &str))) -> Value {
    let mounts: Vec<Value> = DATASTORES
        .iter()
        .filter(|datastore| index < datastore.hosts)
        .map(|datastore| {
            let path = format!("/vmfs/volumes/{}", datastore.id);
            json!({
                "mountInfo": {"path": path, "accessMode": "readWrite", "mounted": true, "accessible": true},
                "volume": {"type": datastore.kind, "name": datastore.name, "uuid": datastore.id},
            })
        })
        .collect();
    let properties = [
        ("name", json!(name)),
        ("config.fileSystemVolume.mountInfo", json!({ "_value": mounts })),
    ];
    collected("HostSystem", moref, &properties)
}

fn projected(vm: &Machine) -> Value {
    let folder = in_vcenter(&vm.folder) + "/";
    let devices: Vec<Value> = (2000..)
        .zip(&vm.devices)
        .map(|(key, device)| json!({"Key": key, "Type": "VirtualDisk", "FileName": in_vcenter(&device.path)}))
        .chain(
            vm.media
                .iter()
                .map(|image| json!({"Key": 3000, "Type": "VirtualCdrom", "FileName": in_vcenter(image)})),
        )
        .collect();
    json!({
        "Name": vm.name,
        "MoRef": vm.moref(),
        "InstanceUuid": vm.instance_id().to_string(),
        "Uuid": vm.bios_id().to_string(),
        "Template": vm.template,
        "ConnectionState": "connected",
        "VmPathName": in_vcenter(&vm.config()),
        "Files": {
            "VmPathName": in_vcenter(&vm.config()), "SnapshotDirectory": in_vcenter(&vm.working) + "/",
            "SuspendDirectory": folder, "LogDirectory": folder,
        },
        "Devices": devices,
        "LayoutExFile": layout_files(vm),
        "LayoutExSnapshot": [],
    })
}

fn powercli_datastores() -> Vec<Value> {
    let row = |datastore: &Datastore| {
        let hosts: Vec<&str> = HOSTS.iter().take(datastore.hosts).map(|(moref, _)| *moref).collect();
        json!({
            "Name": datastore.name,
            "Id": format!("Datastore-{}", datastore.moref),
            "Type": datastore.kind,
            "State": "Available",
            "Url": format!("ds:///vmfs/volumes/{}/", datastore.id),
            "Uuid": if datastore.kind == "VMFS" { json!(datastore.id) } else { Value::Null },
            "Hosts": hosts,
        })
    };
    DATASTORES.iter().map(row).collect()
}
