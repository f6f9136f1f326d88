//! Which export a JSON document, a table or a CLIXML file is, by its keys. The columns of a table and the members of an
//! object bear the same names, so that one entry serves all three.

use super::{
    InventoryKind, azure, backup, esxcli, file_list, files::ImportError, govc, hyperv, hyperv_cluster, json::Json,
    kubernetes, names, part::Part, powercli, scvmm, values, windows,
};

/// What the values were read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// `ConvertTo-Json`, `-o json` and their kin.
    Json,
    /// A table of text.
    Csv,
    /// `Export-Clixml`.
    Clixml,
}

/// Whose output a form is; PowerShell writes its own in three containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    Powercli,
    Hyperv,
    Other(InventoryKind),
}

/// One form of export.
#[derive(Debug)]
pub(super) struct Form {
    /// By what it is known.
    pub(super) sign: &'static str,
    tool: Tool,
    is: fn(Json<'_>) -> bool,
    add: fn(&mut Part, Json<'_>, &str),
}

impl Form {
    /// Which kind of export it is.
    pub(super) fn kind(&self, container: Container) -> InventoryKind {
        match (self.tool, container) {
            (Tool::Powercli, Container::Json) => InventoryKind::PowercliJson,
            (Tool::Powercli, Container::Csv) => InventoryKind::PowercliCsv,
            (Tool::Powercli, Container::Clixml) => InventoryKind::PowercliClixml,
            (Tool::Hyperv, Container::Json) => InventoryKind::HypervJson,
            (Tool::Hyperv, Container::Csv) => InventoryKind::HypervCsv,
            (Tool::Hyperv, Container::Clixml) => InventoryKind::HypervClixml,
            (Tool::Other(kind), _) => kind,
        }
    }

    /// It is the export of Hyper-V that names its own source.
    pub(super) fn names_source(&self) -> bool {
        self.sign == HYPERV_EXPORT
    }

    /// A tab of RVTools may have the same columns, and more of its own.
    pub(super) fn gives_way_to_rvtools(&self) -> bool {
        matches!(self.tool, Tool::Powercli | Tool::Other(InventoryKind::Backup))
    }

    /// Adds what a document says.
    pub(super) fn add(&self, part: &mut Part, document: Json<'_>, row: &str) {
        (self.add)(part, document, row);
    }
}

const fn form(tool: Tool, sign: &'static str, is: fn(Json<'_>) -> bool, add: fn(&mut Part, Json<'_>, &str)) -> Form {
    Form { sign, tool, is, add }
}

const GOVC_COLLECT: Tool = Tool::Other(InventoryKind::GovcCollect);
const GOVC_INFO: Tool = Tool::Other(InventoryKind::GovcInfo);
const GOVC_LIBRARY: Tool = Tool::Other(InventoryKind::GovcLibrary);
const FILESYSTEMS: Tool = Tool::Other(InventoryKind::EsxiFilesystems);
const SCVMM: Tool = Tool::Other(InventoryKind::Scvmm);
const BACKUP: Tool = Tool::Other(InventoryKind::Backup);

/// The sign of the stream of `govc object.collect`.
pub(super) const COLLECTED: &str = "objects with `changeSet`";
const HYPERV_EXPORT: &str = "`vms` with `host` or `cluster`";

/// Documents that are one object with a wrapper, or a list of bare names. The first that fits is taken.
static DOCUMENTS: [Form; 15] = [
    form(
        GOVC_COLLECT,
        COLLECTED,
        |d| d.has("changeSet") && d.has("obj"),
        |part, d, row| govc::add_collected(part, d, row.to_owned()),
    ),
    form(
        GOVC_COLLECT,
        "`objects` with `propSet`",
        |d| d.get("objects").objects().iter().any(|object| object.has("propSet")),
        govc::add_retrieved,
    ),
    form(
        GOVC_INFO,
        "the configuration of one VM (`VirtualMachineConfigInfo`)",
        |d| d.get("_typeName").text() == Some("VirtualMachineConfigInfo"),
        govc::add_configuration,
    ),
    form(
        GOVC_INFO,
        "`virtualMachines`, `datastores` or `hostSystems`",
        |d| d.has("virtualMachines") || d.has("datastores") || d.has("hostSystems"),
        govc::add_info,
    ),
    form(
        GOVC_INFO,
        "`elements` with `Path` and `Object`",
        |d| d.has("elements"),
        govc::add_elements,
    ),
    form(
        Tool::Hyperv,
        HYPERV_EXPORT,
        |d| is_hyperv_schema(d) || d.has("vms") && (d.has("host") || d.has("cluster")),
        hyperv::add_export,
    ),
    form(
        Tool::Other(InventoryKind::GovcDisks),
        "`objects` with `config`",
        |d| d.has("objects") && d.get("objects").objects().iter().all(|object| object.has("config")),
        govc::add_disks,
    ),
    form(
        GOVC_LIBRARY,
        "`volume`",
        |d| d.has("volume") && !d.has("path") || d.has("volumes"),
        govc::add_volumes,
    ),
    form(
        FILESYSTEMS,
        "`values` with `MountPoint`",
        |d| first_of(d.get("values")).is_some_and(|first| first.has("mountPoint")),
        |part, d, _| esxcli::add_filesystems(part, d),
    ),
    form(
        Tool::Other(InventoryKind::EsxiVms),
        "`values` with `ConfigFile`",
        |d| first_of(d.get("values")).is_some_and(|first| first.has("configFile")),
        esxcli::add_processes,
    ),
    form(
        Tool::Other(InventoryKind::Kubernetes),
        "volumes of Kubernetes",
        kubernetes::is_list,
        kubernetes::add,
    ),
    form(
        Tool::Other(InventoryKind::GovcNames),
        "inventory paths of VMs",
        |d| !d.is_object() && names::is_list(d),
        names::add_list,
    ),
    form(
        Tool::Other(InventoryKind::AzureLocal),
        "resources of `Microsoft.AzureStackHCI`",
        azure::is_list,
        azure::add,
    ),
    form(
        Tool::Hyperv,
        "resources with `DiskPath` of profile disks",
        |d| d.is_object() && d.has("diskPath") && d.has("enableUserProfileDisk"),
        windows::add_profile_disks,
    ),
    form(
        Tool::Other(InventoryKind::FileList),
        "folders with their files",
        |d| first_of(d).is_some_and(|first| first.has("folderPath")),
        file_list::add_folders,
    ),
];

fn is_hyperv_schema(document: Json<'_>) -> bool {
    let schema = document.get("schema").text();
    schema.is_some_and(|schema| schema.starts_with("hyperv-inventory-export/"))
}

fn first_of(list: Json<'_>) -> Option<Json<'_>> {
    list.objects().into_iter().next()
}

/// Lists, by their first object, or one object that a list of one became. The first that fits is taken, so what has
/// all properties of another stands before it.
static LISTS: [Form; 45] = [
    form(
        GOVC_COLLECT,
        "a list of changes",
        |i| i.has("name") && i.has("op") && i.has("val"),
        |part, list, row| govc::add_changes(part, list, row.to_owned()),
    ),
    form(
        GOVC_LIBRARY,
        "items with `storage_backings`",
        |i| i.has("storage_backings"),
        govc::add_libraries,
    ),
    form(
        GOVC_LIBRARY,
        "items with `library_id`",
        |i| i.has("library_id"),
        govc::add_library_items,
    ),
    form(
        GOVC_INFO,
        "objects with `self`",
        |i| i.at("self.type").text().is_some(),
        govc::add_objects,
    ),
    form(
        GOVC_COLLECT,
        "items with `mountInfo` and `volume`",
        |i| i.has("mountInfo") && i.has("volume"),
        |part, list, _| govc::add_mounts(part, list),
    ),
    form(
        FILESYSTEMS,
        "items with `MountPoint` and `VolumeName`",
        |i| i.has("mountPoint") && i.has("volumeName"),
        |part, list, _| esxcli::add_filesystems(part, list),
    ),
    form(
        Tool::Other(InventoryKind::EsxiVms),
        "items with `ConfigFile` and `WorldID`",
        |i| i.has("configFile") && i.has("worldId"),
        esxcli::add_processes,
    ),
    // Windows: what has a path of its own, before the lists of Hyper-V that have one too.
    form(
        Tool::Hyperv,
        "items with `Path` and the client that has it open",
        |i| i.has("path") && (i.has("clientComputerName") || i.has("clientUserName") || i.has("shareRelativePath")),
        windows::add_open_files,
    ),
    form(
        Tool::Hyperv,
        "items with `Path` and `ScopeName` or `ShareState`",
        |i| i.has("path") && (i.has("scopeName") || i.has("shareState") || i.has("shareType")),
        windows::add_shares,
    ),
    form(
        Tool::Hyperv,
        "items with `Path` and `TargetPath`",
        |i| i.has("path") && i.has("targetPath"),
        |part, list, _| windows::add_dfs_targets(part, list),
    ),
    form(
        Tool::Hyperv,
        "items with `Path` and the LUN or status of an iSCSI disk",
        |i| {
            let of_hyperv = i.has("vhdFormat") || i.has("vhdType") || i.has("vmId") || i.has("vmName");
            i.has("path") && !of_hyperv && (i.has("lunMappings") || i.has("parentPath") && i.has("status"))
        },
        windows::add_iscsi_disks,
    ),
    form(
        Tool::Hyperv,
        "items with the `FilePath`, `DiskFileName` or store of Citrix Provisioning",
        |i| {
            i.has("diskFileName")
                || i.has("diskLocatorName")
                || i.has("filePath") && i.has("version")
                || i.has("cachePath")
        },
        windows::add_pvs,
    ),
    form(
        Tool::Hyperv,
        "items with `DiskPath` of profile disks, `VHDLocations` or `CCDLocations`",
        |i| {
            ["vhdLocations", "ccdLocations"].iter().any(|name| i.has(name))
                || i.has("diskPath") && (i.has("collectionName") || i.has("maxUserProfileDiskSizeGB"))
        },
        windows::add_profile_disks,
    ),
    form(
        Tool::Hyperv,
        "disks with `Number` and the `Location` of their image",
        |i| i.has("number") && i.has("location"),
        windows::add_mounted_disks,
    ),
    form(
        Tool::Hyperv,
        "items with `Path` and `DriveLetter`",
        |i| i.has("path") && i.has("driveLetter"),
        |part, list, _| windows::add_volumes(part, list),
    ),
    // SCVMM, whose VMs have a Location too.
    form(
        SCVMM,
        "items with `VMId` and `Location`",
        |i| {
            let is_vm = i.has("checkpointLocation") || i.has("vmcPath");
            // The `ID` of VMM alone identifies no VM of Hyper-V, but the row is one of a VM (H-A10).
            i.has("location")
                && (i.has("vmId") && (is_vm || i.has("vmHost") || i.has("hostName")) || i.has("id") && is_vm)
        },
        scvmm::add_vms,
    ),
    form(
        SCVMM,
        "items with `Location` of virtual hard disks",
        |i| i.has("location") && (i.has("vhdType") || i.has("vhdFormatType") || i.has("libraryServer")),
        scvmm::add_disks,
    ),
    form(
        SCVMM,
        "items with `LibraryServer`",
        |i| i.has("path") && i.has("libraryServer"),
        scvmm::add_library,
    ),
    // Hyper-V.
    form(
        Tool::Hyperv,
        "items with `SnapshotType`",
        |i| i.has("snapshotType") && (i.has("vmId") || i.has("vmName")),
        hyperv::add_checkpoint_list,
    ),
    form(
        Tool::Hyperv,
        "items with `VMId` and `ConfigurationLocation`",
        |i| i.has("vmId") && (i.has("configurationLocation") || i.has("hardDrives")),
        hyperv::add_vms,
    ),
    form(
        Tool::Hyperv,
        "items with `PrimaryServer` or `ReplicaServer`",
        |i| {
            [
                "primaryServer",
                "primaryServerName",
                "replicaServer",
                "replicaServerName",
            ]
            .iter()
            .any(|name| i.has(name))
                && !i.has("path")
        },
        hyperv::add_replications,
    ),
    form(
        Tool::Hyperv,
        "the storage of a replica server",
        |i| i.has("defaultStorageLocation") || i.has("replicaStorageLocation"),
        hyperv::add_replica_storage,
    ),
    form(
        Tool::Hyperv,
        "items with `VMId` or `VMName` and the `Path` of a drive",
        |i| (i.has("vmId") || i.has("vmName")) && i.has("path"),
        hyperv::add_drives,
    ),
    form(
        Tool::Hyperv,
        "items with `VmID` and a store root",
        |i| i.has("vmId") && (i.has("vmStoreRootPath") || i.has("root") || i.has("ownerGroup")),
        |part, list, _| hyperv_cluster::add_cluster(part, list),
    ),
    form(
        Tool::Hyperv,
        "items with `ClusterObject`, `Name` and `Value`",
        |i| i.has("clusterObject") && i.has("name") && i.has("value"),
        |part, list, _| hyperv_cluster::add_cluster_parameters(part, list),
    ),
    form(
        Tool::Hyperv,
        "items with `OwnerGroup` and `ResourceType`, or `GroupType`",
        |i| i.has("groupType") || i.has("resourceType") && i.has("ownerGroup"),
        hyperv_cluster::add_groups,
    ),
    form(
        Tool::Hyperv,
        "nodes with `NodeWeight`, or with a name and the `State` of a node",
        hyperv_cluster::is_cluster_node,
        |part, list, _| hyperv_cluster::add_cluster_nodes(part, list),
    ),
    form(
        Tool::Hyperv,
        "items with `SharedVolumeInfo` or `Volume`",
        |i| i.has("sharedVolumeInfo") || i.has("volume") && i.has("path"),
        |part, list, _| hyperv::add_volumes(part, list),
    ),
    form(
        Tool::Hyperv,
        "items with `AllPaths` of VHD sets",
        |i| i.has("allPaths"),
        hyperv::add_sets,
    ),
    form(
        Tool::Hyperv,
        "items with `Path` and `ParentPath` or `VhdType`",
        |i| i.has("path") && (i.has("parentPath") || i.has("vhdType")),
        hyperv::add_chains,
    ),
    form(
        Tool::Hyperv,
        "hosts with `VirtualMachinePath`",
        |i| i.has("virtualMachinePath") || i.has("virtualHardDiskPath"),
        |part, list, _| hyperv::add_hosts(part, list),
    ),
    // PowerCLI.
    form(
        Tool::Powercli,
        "items with `MoRef` and files",
        |i| {
            i.has("moRef")
                && ["layoutExFile", "vmPathName", "layoutEx", "config"]
                    .iter()
                    .any(|name| i.has(name))
        },
        powercli::add_vms,
    ),
    form(
        Tool::Powercli,
        "items with `Filename` and the capacity or parent of a disk",
        |i| {
            i.has("filename")
                && [
                    "parent",
                    "parentId",
                    "vm",
                    "vmName",
                    "capacityGB",
                    "capacityKB",
                    "diskType",
                ]
                .iter()
                .any(|name| i.has(name))
        },
        powercli::add_disks,
    ),
    form(
        Tool::Powercli,
        "items with `IsoPath`",
        |i| i.has("isoPath"),
        powercli::add_media,
    ),
    form(
        Tool::Powercli,
        "items with `SizeGB` and `VM` of snapshots",
        |i| i.has("vm") && (i.has("sizeGB") || i.has("sizeMB")) && i.has("created"),
        powercli::add_snapshots,
    ),
    form(
        Tool::Powercli,
        "items with `PowerState`, `PersistentId` and `VMHost` or `Id`",
        |i| i.has("name") && (i.has("persistentId") || i.has("powerState") && (i.has("vmHost") || i.has("id"))),
        powercli::add_plain_vms,
    ),
    form(
        Tool::Powercli,
        "items with `Name` and `VmPathName`",
        |i| i.has("name") && i.has("vmPathName"),
        powercli::add_vms,
    ),
    form(
        Tool::Powercli,
        "datastores with `Id` and `Url`",
        |i| i.has("name") && i.has("url") && !i.has("type_id") && (i.has("id") || i.has("type") || i.has("uuid")),
        |part, list, _| powercli::add_datastores(part, list),
    ),
    form(
        Tool::Powercli,
        "datastores with `DatastoreBrowserPath` or `FreeSpaceGB`",
        |i| i.has("datastoreBrowserPath") || i.has("name") && i.has("freeSpaceGB") && i.has("capacityGB"),
        |part, list, _| powercli::add_datastores(part, list),
    ),
    // Backups, which have no path of their own.
    form(
        BACKUP,
        "objects of jobs (`Job`, `ViType`)",
        |i| i.has("job") && (i.has("viType") || i.has("type")),
        backup::add,
    ),
    form(
        BACKUP,
        "restore points with `VmName` and `CreationTime`",
        |i| i.has("vmName") && i.has("creationTime"),
        backup::add,
    ),
    form(
        BACKUP,
        "backups with `LastPointCreationTime`",
        |i| i.has("lastPointCreationTime"),
        backup::add,
    ),
    form(
        BACKUP,
        "VMs with their last backup",
        |i| backup::NAMES.iter().any(|name| i.has(name)) && backup::TIMES.iter().any(|name| i.has(name)),
        backup::add,
    ),
    form(
        BACKUP,
        "VMs with their job or policy",
        |i| backup::NAMES.iter().any(|name| i.has(name)) && backup::JOBS.iter().any(|name| i.has(name)),
        backup::add,
    ),
    form(
        Tool::Powercli,
        "VMs or templates with their `Id`",
        |i| i.get("id").text().is_some_and(|id| id.starts_with("VirtualMachine-")),
        powercli::add_plain_vms,
    ),
];

/// What is taken where nothing else fits and no path stands in it.
static PATHLESS_VMS: Form = form(
    Tool::Hyperv,
    "VMs of Hyper-V without a path",
    hyperv::is_pathless,
    hyperv::add_pathless,
);

/// The form of a document; the error says what it is instead.
pub(super) fn of_document(document: Json<'_>) -> Result<&'static Form, ImportError> {
    if let Some(form) = DOCUMENTS.iter().find(|form| (form.is)(document)) {
        return Ok(form);
    }
    let not_understood = |why: &str| Err(ImportError::NotUnderstood(why.to_owned()));
    let is_nothing = |item: &Json<'_>| item.is_null() || item.0.as_object().is_some_and(serde_json::Map::is_empty);
    if document.items().iter().all(is_nothing) {
        return Err(ImportError::NoRows);
    }
    let Some(first) = document.objects().first().copied() else {
        return not_understood("a list without objects (names alone say nothing of files)");
    };
    match of_item(first) {
        Some(form) => Ok(form),
        None if instead(first).is_none() && names_vm_files(document) => Err(ImportError::WrongForm(
            "JSON of no known export that names files of VMs; export with a command of the README, or as CSV for --map"
                .to_owned(),
        )),
        None => match pathless(first) {
            Some(form) => Ok(form),
            None => not_understood(instead(first).unwrap_or("JSON of no known export")),
        },
    }
}

/// A text in the document ends like the path of a file of a VM.
fn names_vm_files(document: Json<'_>) -> bool {
    const ENDINGS: [&str; 9] = [
        ".vmx", ".vmtx", ".vmdk", ".vmcx", ".vhdx", ".vhd", ".vhds", ".avhdx", ".avhd",
    ];
    document.any_text(|text| text.contains(['/', '\\']) && values::ends_with(text, &ENDINGS))
}

/// The form of a list by its first object, or by the header of its table.
pub(super) fn of_item(item: Json<'_>) -> Option<&'static Form> {
    LISTS.iter().find(|form| (form.is)(item))
}

/// The form of a list of VMs in which no path stands, by its first object or the header of its table.
pub(super) fn pathless(item: Json<'_>) -> Option<&'static Form> {
    (PATHLESS_VMS.is)(item).then_some(&PATHLESS_VMS)
}

/// What a list of no known form is, and which command gives what is needed.
fn instead(first: Json<'_>) -> Option<&'static str> {
    Some(match () {
        () if first.has("childSnapshotList") => "a tree of snapshots without files; use govc object.collect",
        () if first.has("devices") => "devices without the VM that they are of; use govc object.collect",
        () if first.has("cached") && first.has("version") => {
            "files of a library without their place; use govc library.info -json LIBRARY and 'LIBRARY/*'"
        }
        () if first.has("diskType") && first.has("parent") => "the format of one disk, which says nothing of owners",
        () if first.has("ClassId2e4f51ef21dd47e99d3c952918aff9cd") => {
            "what Format-Table or Format-List made for the screen; leave it out before ConvertTo-Json"
        }
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_form_is_seen_in_the_keys() {
        for (document, sign) in [
            (
                json!({"Kind": "enter", "Obj": {}, "ChangeSet": []}),
                "objects with `changeSet`",
            ),
            (json!([{"name": "a", "op": "assign", "val": 1}]), "a list of changes"),
            (
                json!({"VirtualMachines": null}),
                "`virtualMachines`, `datastores` or `hostSystems`",
            ),
            (json!({"elements": null}), "`elements` with `Path` and `Object`"),
            (json!({"Objects": [{"Config": {}}]}), "`objects` with `config`"),
            (json!({"Volume": null}), "`volume`"),
            (json!({"schema": "hyperv-inventory-export/1"}), HYPERV_EXPORT),
            (
                json!({"VMId": "x", "ConfigurationLocation": "D:"}),
                "items with `VMId` and `ConfigurationLocation`",
            ),
            (
                json!([{"Name": "x", "Path": "C:\\ClusterStorage\\V", "Volume": "\\\\?\\"}]),
                "items with `SharedVolumeInfo` or `Volume`",
            ),
            (
                json!({"Name": "x", "VmID": "y", "Root": "z"}),
                "items with `VmID` and a store root",
            ),
            (
                json!([{"Name": "x", "MoRef": "vm-1", "LayoutExFile": []}]),
                "items with `MoRef` and files",
            ),
            (
                json!({"Name": "x", "Id": "Datastore-datastore-1", "Url": "ds:"}),
                "datastores with `Id` and `Url`",
            ),
            (
                json!({"values": [{"MountPoint": ["/x"]}]}),
                "`values` with `MountPoint`",
            ),
            (json!(["/DC0/vm/a"]), "inventory paths of VMs"),
            (json!([{"folderPath": "[a]", "file": []}]), "folders with their files"),
        ] {
            assert_eq!(
                of_document(Json(&document)).ok().map(|form| form.sign),
                Some(sign),
                "{document}"
            );
        }
    }

    #[test]
    fn lists_that_share_keys_are_told_apart() {
        for (item, sign) in [
            (
                json!({"Name": "a", "VMId": "x", "Id": "y", "SnapshotType": 2, "HardDrives": [], "ConfigurationLocation": "D:"}),
                "items with `SnapshotType`",
            ),
            (
                json!({"Name": "VMs", "ScopeName": "FS", "Path": "D:\\VMs", "Volume": "\\\\?\\Volume{1}\\"}),
                "items with `Path` and `ScopeName` or `ShareState`",
            ),
            (
                json!({"Path": "D:\\a.vhdx", "ParentPath": "", "Status": "Idle"}),
                "items with `Path` and the LUN or status of an iSCSI disk",
            ),
            (
                json!({"Path": "D:\\a.vhdx", "ParentPath": "", "VhdType": 3, "Status": 1}),
                "items with `Path` and `ParentPath` or `VhdType`",
            ),
            (
                json!({"VMName": "a", "Path": "D:\\a.vhdx"}),
                "items with `VMId` or `VMName` and the `Path` of a drive",
            ),
            (
                json!({"Name": "a", "ID": "1", "VMId": "x", "VMHost": "H", "Location": "D:"}),
                "items with `VMId` and `Location`",
            ),
            (
                json!({"Name": "a", "PowerState": 1, "VMHost": "h", "Id": "VirtualMachine-vm-1"}),
                "items with `PowerState`, `PersistentId` and `VMHost` or `Id`",
            ),
        ] {
            assert_eq!(of_item(Json(&item)).map(|form| form.sign), Some(sign), "{item}");
        }
    }

    #[test]
    fn other_json_is_named_for_what_it_is() {
        for document in [json!([]), json!(null), json!({}), json!([null]), json!([{}])] {
            let refused = of_document(Json(&document));
            assert!(matches!(refused, Err(ImportError::NoRows)), "{document}");
        }
        for document in [json!(["a"]), json!({"a": 1}), json!([{"id": 1, "url": "x"}])] {
            let refused = of_document(Json(&document));
            assert!(matches!(refused, Err(ImportError::NotUnderstood(_))), "{document}");
        }
        for document in [
            json!({"machines": [{"disk": "[d] a/a.vmdk"}]}),
            json!([{"p": r"D:\VMs\a.VHDX"}]),
        ] {
            let refused = of_document(Json(&document));
            assert!(matches!(refused, Err(ImportError::WrongForm(_))), "{document}");
        }
    }

    #[test]
    fn every_form_has_a_sign_of_its_own() {
        let signs: std::collections::BTreeSet<&str> = DOCUMENTS.iter().chain(&LISTS).map(|form| form.sign).collect();
        assert_eq!(signs.len(), DOCUMENTS.len() + LISTS.len());
    }
}
