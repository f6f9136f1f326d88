//! Exports: what the platforms say is registered.

use derelict::{
    inventory::{
        BackedUpVm, Checkpoint, DatastoreRecord, HostRecord, Inventory, InventoryKind, InventoryWarning, ListedFile,
        Listing, ObjectList, Observations, RegisteredObject, Registration, VmGrant,
    },
    kind::{Platform, Role},
};
use uuid::Uuid;

use super::parts::{TAKEN, at, vm_id};

/// An export without VMs, taken at [`TAKEN`].
pub(crate) fn inventory(source: &str, platform: Platform, kind: InventoryKind) -> Inventory {
    Inventory {
        source: source.to_owned(),
        source_id: None,
        folder: source.to_owned(),
        kinds: vec![kind],
        files: vec![format!("{source}.export")],
        platform,
        collected: Some(at(TAKEN)),
        collected_from: None,
        collected_is_file_time: false,
        vms: Vec::new(),
        objects: Vec::new(),
        datastores: Vec::new(),
        hosts: Vec::new(),
        missing_hosts: Vec::new(),
        cluster_vms: Vec::new(),
        cluster_roles: Vec::new(),
        has_cluster_list: false,
        has_vm_list: true,
        fcd_scope: Vec::new(),
        has_library_list: false,
        object_lists: Vec::new(),
        observations: Observations::default(),
        missing_columns: Vec::new(),
        warnings: Vec::new(),
    }
}

/// A vCenter with the host `esx1`, which mounts `ds1`.
pub(crate) fn vcenter() -> Inventory {
    inventory("vc1", Platform::Vmware, InventoryKind::RvtoolsXlsx)
        .host("esx1")
        .datastore("ds1", &[], &["esx1"])
}

/// A Hyper-V host with the volume that [`Site::hyperv`] scans.
pub(crate) fn hyperv_host(name: &str) -> Inventory {
    inventory(name, Platform::Hyperv, InventoryKind::HypervJson)
        .host(name)
        .datastore("Volume1", &[r"C:\ClusterStorage\Volume1"], &[name])
}

/// Adds rows to an export.
pub(crate) trait Export {
    fn host(self, name: &str) -> Self;
    fn datastore(self, name: &str, aliases: &[&str], hosts: &[&str]) -> Self;
    fn vm(self, vm: Registration) -> Self;
    fn object(self, class: &str, name: &str, path: Option<&str>) -> Self;
    fn folder_object(self, class: &str, name: &str, path: &str) -> Self;
    fn warning(self, code: &str, pattern: Option<&str>) -> Self;
    fn taken(self, time: &str) -> Self;
    fn list(self, class: &str, scope: Option<&str>, taken: &str) -> Self;
}

impl Export for Inventory {
    fn host(mut self, name: &str) -> Self {
        self.hosts.push(HostRecord {
            name: name.to_owned(),
            ..HostRecord::default()
        });
        self
    }

    fn datastore(mut self, name: &str, aliases: &[&str], hosts: &[&str]) -> Self {
        self.datastores.push(DatastoreRecord {
            name: name.to_owned(),
            aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
            ..DatastoreRecord::default()
        });
        self
    }

    fn vm(mut self, mut vm: Registration) -> Self {
        vm.row = format!("row {}", self.vms.len() + 1);
        self.vms.push(vm);
        self
    }

    fn object(mut self, class: &str, name: &str, path: Option<&str>) -> Self {
        self.objects.push(RegisteredObject {
            class: class.to_owned(),
            id: format!("id of {name}"),
            name: name.to_owned(),
            path: path.map(str::to_owned),
            folder: false,
            row: format!("object {name}"),
        });
        self
    }

    fn folder_object(self, class: &str, name: &str, path: &str) -> Self {
        let mut inventory = self.object(class, name, Some(path));
        for object in inventory.objects.iter_mut().filter(|object| object.name == name) {
            object.folder = true;
        }
        inventory
    }

    fn warning(mut self, code: &str, pattern: Option<&str>) -> Self {
        self.warnings.push(InventoryWarning {
            code: code.to_owned(),
            text: format!("{code} of the test"),
            caps: true,
            pattern: pattern.map(str::to_owned),
            unlisted: None,
        });
        self
    }

    fn taken(mut self, time: &str) -> Self {
        self.collected = Some(at(time));
        self
    }

    /// Its list of this class, taken at another time than the whole.
    fn list(mut self, class: &str, scope: Option<&str>, taken: &str) -> Self {
        self.object_lists.push(ObjectList {
            class: class.to_owned(),
            scope: scope.map(str::to_owned),
            sure: Some(at(taken)),
        });
        self
    }
}

/// A row of a VM that lists its configuration and its disks as attached now.
pub(crate) fn row(name: &str, config: &str, disks: &[&str]) -> Registration {
    Registration {
        name: name.to_owned(),
        has_configuration: true,
        listing: Listing::LeafDisks,
        config: Some(config.to_owned()),
        files: disks.iter().map(|disk| listed(disk, Role::Disk)).collect(),
        ..Registration::default()
    }
}

/// The row of the VM that [`Site::vm`] makes on `ds1`.
pub(crate) fn row_of(name: &str) -> Registration {
    row(
        name,
        &format!("[ds1] {name}/{name}.vmx"),
        &[&format!("[ds1] {name}/{name}.vmdk")],
    )
}

/// A row that knows only where the configuration lies.
pub(crate) fn config_only(name: &str, config: &str) -> Registration {
    Registration {
        listing: Listing::ConfigOnly,
        ..row(name, config, &[])
    }
}

/// A row of a Hyper-V VM with its id.
pub(crate) fn hyperv_row(name: &str, disks: &[&str]) -> Registration {
    let id = vm_id(name);
    let config = format!(
        r"C:\ClusterStorage\Volume1\{name}\Virtual Machines\{}.vmcx",
        id.to_string().to_uppercase()
    );
    Registration {
        instance_id: Some(id),
        ..row(name, &config, disks)
    }
}

pub(crate) fn listed(path: &str, role: Role) -> ListedFile {
    ListedFile {
        path: path.to_owned(),
        role,
        size_bytes: None,
    }
}

pub(crate) fn checkpoint(id: Uuid, has_disks: bool) -> Checkpoint {
    Checkpoint {
        id,
        name: "checkpoint".to_owned(),
        kind: Some("Standard".to_owned()),
        has_disks,
        created: None,
    }
}

/// A VM as a list of a backup product names it.
pub(crate) fn listed_backup(name: &str, last: Option<&str>) -> BackedUpVm {
    BackedUpVm {
        name: name.to_owned(),
        moref: None,
        id: None,
        job: Some("nightly".to_owned()),
        last: last.map(at),
        row: "jobs.csv: row 2".to_owned(),
    }
}

/// What a saved access list says: each path granted to a VM.
pub(crate) fn grants(granted: &[(&str, Uuid)]) -> Vec<VmGrant> {
    let grant = |(place, (path, vm)): (usize, &(&str, Uuid))| VmGrant {
        path: (*path).to_owned(),
        vm: *vm,
        row: format!("acl.txt: line {}", place + 1),
    };
    granted.iter().enumerate().map(grant).collect()
}
