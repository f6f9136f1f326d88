//! Columns and members that a list could have and has not, and what each costs in verdicts. Another list of the same
//! source makes up for it.

use std::collections::BTreeMap;

use super::{
    MissingColumn,
    json::Json,
    part::Part,
    rvtools::Tab,
    table::{Column, Table},
};

/// What is told by a column, whatever it is called.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told {
    /// Of what: `VMs`, `datastores` …
    list: &'static str,
    /// What.
    what: &'static str,
    /// What is lost without it.
    cost: &'static str,
}

const fn told(list: &'static str, what: &'static str, cost: &'static str) -> Told {
    Told { list, what, cost }
}

/// For everything that a list was searched for, whether it has it.
pub(super) type Seen = BTreeMap<&'static Told, bool>;

static VM_REFERENCE: Told = told(
    "VMs",
    "reference of the VM (VM ID, MoRef)",
    "lists are joined by name, and what VMs of one name own is not told apart",
);
static VM_UUID: Told = told(
    "VMs",
    "instance UUID (VM UUID, PersistentId)",
    "a VM that was moved or that two exports list is recognised by its path alone",
);
static CONNECTION: Told = told(
    "VMs",
    "connection state",
    "VMs of which vCenter has no configuration are not seen as such: their disks are known from the files alone",
);
static VM_HOST: Told = told(
    "VMs",
    "host",
    "a lock of its host is that of an unknown host, which keeps files unknown",
);
static TEMPLATE: Told = told("VMs", "template", "templates are shown as VMs; no verdict changes");
static PLACEHOLDER: Told = told(
    "VMs",
    "SRM placeholder",
    "placeholders are taken for VMs whose disks are missing",
);
static DISK_COUNT: Told = told(
    "VMs",
    "number of disks",
    "whether every disk of a VM is listed cannot be checked",
);
static FOLDERS: Told = told(
    "VMs",
    "folders of logs, snapshots and suspend files",
    "what lies apart from the folder of its VM is owned only where the configuration can be read",
);
static VCENTER: Told = told(
    "VMs",
    "vCenter (VI SDK Server, VI SDK UUID)",
    "rows of two vCenters in one file are taken for those of one",
);
static DATASTORE_URL: Told = told(
    "datastores",
    "URL or UUID",
    "a path by UUID is not matched with one by label",
);
static DATASTORE_HOSTS: Told = told(
    "datastores",
    "hosts",
    "a host that mounts the datastore and of which no inventory was given is not seen",
);
static DATASTORE_REFERENCE: Told = told(
    "datastores",
    "reference (Object ID, Id)",
    "libraries and lists that name a datastore by its reference are not placed",
);
static HOST_VMS: Told = told(
    "hosts",
    "number of VMs",
    "whether all VMs of a host are listed cannot be checked",
);
static SNAPSHOT_FILE: Told = told(
    "snapshots",
    "file name",
    "state files of snapshots are owned by their names alone",
);
static DISK_VM: Told = told(
    "disks",
    "reference or id of the VM",
    "disks are joined with VMs by name, and those of VMs of one name are not told apart",
);
static NODE: Told = told(
    "VMs",
    "node (ComputerName)",
    "paths on a drive letter cannot be told from those of another node",
);
static CLUSTERED: Told = told(
    "VMs",
    "IsClustered",
    "that the list of the cluster is missing is not seen",
);
static VERSION: Told = told(
    "VMs",
    "configuration version",
    "configurations are taken for .vmcx: those of older VMs (.xml) are found by their id alone",
);
static CHECKPOINTS_AT: Told = told(
    "VMs",
    "SnapshotFileLocation",
    "configurations of checkpoints are owned only through that of their VM",
);
static PAGING: Told = told(
    "VMs",
    "SmartPagingFilePath",
    "a paging file apart from the folder of its VM is not owned",
);
static REPLICATION: Told = told("VMs", "ReplicationMode", "replicas are taken for VMs of their own");
static DRIVES: Told = told(
    "VMs",
    "HardDrives",
    "disks are known only from configurations that can be read; others keep files unknown",
);
static DRIVE_CHECKPOINT: Told = told(
    "drives",
    "VMSnapshotId",
    "whether the disks of checkpoints were exported is not seen",
);
static DRIVE_VM: Told = told(
    "drives",
    "VMId",
    "drives are joined with VMs by name, and those of VMs of one name are not told apart",
);
static VOLUME_GUID: Told = told(
    "cluster volumes",
    "path of the volume",
    "a path by volume GUID is not matched with one by mount folder",
);
static STORE_ROOT: Told = told(
    "cluster resources",
    "VmStoreRootPath",
    "where a VM that its nodes lost has its files is not told",
);

/// Notes which columns a tab of RVTools has.
pub(super) fn of_tab(seen: &mut Seen, tab: Tab, table: &Table) {
    // Of several names any is enough.
    let expected: &[(&'static Told, &'static [&'static str])] = match tab {
        Tab::Info => &[
            (&VM_REFERENCE, &["vmid", "vmref"]),
            (&VM_UUID, &["vmuuid", "uuid"]),
            (&CONNECTION, &["connectionstate"]),
            (&VM_HOST, &["host"]),
            (&TEMPLATE, &["template"]),
            (&PLACEHOLDER, &["srmplaceholder"]),
            (&DISK_COUNT, &["disks", "numvirtualdisks"]),
            (&FOLDERS, &["logdirectory", "snapshotdirectory", "suspenddirectory"]),
            (&VCENTER, &["visdkserver", "visdkuuid", "vcenteruuid"]),
        ],
        Tab::Disk => &[(&DISK_VM, &["vmid", "vmref", "vmuuid", "uuid"])],
        Tab::Snapshot => &[(&SNAPSHOT_FILE, &["filename"])],
        Tab::Datastore => &[
            (&DATASTORE_URL, &["url"]),
            (&DATASTORE_HOSTS, &["hosts"]),
            (&DATASTORE_REFERENCE, &["objectid"]),
        ],
        Tab::Host => &[(&HOST_VMS, &["#vmstotal", "vmstotal", "#vms"])],
        _ => &[],
    };
    if table.rows.is_empty() {
        return;
    }
    for (told, names) in expected {
        let has = table.find(Column { names, last: false }, tab.name()).is_some();
        *seen.entry(told).or_default() |= has;
    }
}

/// Notes which members the items of a list have, of those that `expected` names.
fn of_items(part: &mut Part, items: &[Json<'_>], expected: &[(&'static Told, &[&str])]) {
    if items.is_empty() {
        return;
    }
    for (told, paths) in expected {
        let has = |item: &Json<'_>| paths.iter().any(|path| item.has(path) || !item.at(path).is_null());
        *part.columns.entry(told).or_default() |= items.iter().any(has);
    }
}

/// VMs of Hyper-V.
pub(super) fn of_hyperv_vms(part: &mut Part, items: &[Json<'_>]) {
    let expected: [(&'static Told, &[&str]); 7] = [
        (&NODE, &["computerName"]),
        (&CLUSTERED, &["isClustered"]),
        (&VERSION, &["version"]),
        (&CHECKPOINTS_AT, &["snapshotFileLocation", "checkpointFileLocation"]),
        (&PAGING, &["smartPagingFilePath"]),
        (&REPLICATION, &["replicationMode"]),
        (&DRIVES, &["hardDrives", "hardDiskDrives"]),
    ];
    of_items(part, items, &expected);
}

/// Drives of Hyper-V, which make up for VMs without them.
pub(super) fn of_drives(part: &mut Part, items: &[Json<'_>]) {
    of_items(
        part,
        items,
        &[
            (&DRIVE_VM, &["vmId"]),
            (&DRIVE_CHECKPOINT, &["vmSnapshotId"]),
            (&DRIVES, &["path"]),
        ],
    );
}

/// A list of drives says of each whether it is one of a checkpoint.
pub(super) fn tells_checkpoint_drives(part: &Part) -> bool {
    part.columns.get(&DRIVE_CHECKPOINT) == Some(&true)
}

/// Rows of `Get-VMReplication`, which make up for VMs without their mode.
pub(super) fn of_replications(part: &mut Part, items: &[Json<'_>]) {
    of_items(part, items, &[(&REPLICATION, &["vmId", "vmName", "name"])]);
}

/// Cluster Shared Volumes.
pub(super) fn of_cluster_volumes(part: &mut Part, items: &[Json<'_>]) {
    of_items(part, items, &[(&VOLUME_GUID, &["volume", "sharedVolumeInfo"])]);
}

/// Resources of a cluster.
pub(super) fn of_cluster(part: &mut Part, items: &[Json<'_>]) {
    of_items(part, items, &[(&STORE_ROOT, &["vmStoreRootPath", "root"])]);
}

/// VMs of PowerCLI or govc.
pub(super) fn of_vms(part: &mut Part, items: &[Json<'_>]) {
    let expected: [(&'static Told, &[&str]); 4] = [
        (&VM_REFERENCE, &["moRef", "id", "self"]),
        (
            &VM_UUID,
            &[
                "instanceUuid",
                "persistentId",
                "config.instanceUuid",
                "summary.config.instanceUuid",
            ],
        ),
        (
            &CONNECTION,
            &[
                "connectionState",
                "runtime.connectionState",
                "summary.runtime.connectionState",
            ],
        ),
        (&VM_HOST, &["host", "vmHost", "runtime.host", "summary.runtime.host"]),
    ];
    of_items(part, items, &expected);
}

/// Disks of PowerCLI.
pub(super) fn of_disks(part: &mut Part, items: &[Json<'_>]) {
    of_items(part, items, &[(&DISK_VM, &["parentId", "vmId", "parent.id"])]);
}

/// Datastores of PowerCLI or govc.
pub(super) fn of_datastores(part: &mut Part, items: &[Json<'_>]) {
    let expected: [(&'static Told, &[&str]); 3] = [
        (
            &DATASTORE_URL,
            &["url", "uuid", "summary.url", "info.url", "extensionData.info.url"],
        ),
        (&DATASTORE_HOSTS, &["hosts", "host", "extensionData.host"]),
        (&DATASTORE_REFERENCE, &["id", "moRef", "self", "summary.datastore"]),
    ];
    of_items(part, items, &expected);
}

/// What no list of the source has.
pub(super) fn missing(parts: &[Part]) -> Vec<MissingColumn> {
    let mut all = Seen::new();
    for (told, has) in parts.iter().flat_map(|part| &part.columns) {
        *all.entry(told).or_default() |= has;
    }
    let missing = all.into_iter().filter(|(_, has)| !has);
    missing
        .map(|(told, _)| MissingColumn {
            list: told.list.to_owned(),
            column: told.what.to_owned(),
            cost: told.cost.to_owned(),
        })
        .collect()
}
