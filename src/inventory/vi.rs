//! Objects of the vSphere API as JSON: `VirtualMachine`, `Datastore`, `HostSystem`, whichever tool wrote them. Keys are
//! read in either dialect; govc writes no type names, so a device is told by what it has.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{
    DatastoreRecord, HostRecord, ListedFile, Listing, Registration, json::Json, noted_owner, part::Draft,
    text::unescape_name, values,
};
use crate::kind::Role;

/// Deepest chain of disk backings that is followed. ESXi allows 32 snapshots, linked clones add to them.
const MAX_BACKING_DEPTH: usize = 256;

/// Types of volumes that hold no VMs: the boot banks and the system volume of a host.
const HOST_VOLUME_TYPES: [&str; 6] = ["vfat", "vmfs-l", "vmfsos", "vffs", "other", "pmem"];

/// Reads a VM or template.
pub(super) fn vm(object: Json<'_>, row: String) -> Draft {
    let config = object.get("config");
    let files = config.get("files");
    let connection = connection_state(object.at("runtime.connectionState"));
    let config_path = files
        .get("vmPathName")
        .text()
        .or_else(|| object.at("summary.config.vmPathName").text());
    let mut draft = Draft {
        vm: Registration {
            name: unescape_name(
                object
                    .first(&["name", "config.name", "summary.config.name"])
                    .text()
                    .unwrap_or_default(),
            ),
            moref: moref(object.first(&["self", "moRef"])),
            instance_id: object
                .first(&["config.instanceUuid", "summary.config.instanceUuid"])
                .id(),
            bios_id: object.first(&["config.uuid", "summary.config.uuid"]).id(),
            host: moref(object.first(&["runtime.host", "summary.runtime.host"])),
            template: object.first(&["config.template", "summary.config.template"]).truth(),
            placeholder: is_placeholder(config),
            state: object
                .first(&["runtime.powerState", "summary.runtime.powerState"])
                .scalar(),
            connection,
            has_configuration: config.is_object(),
            config: config_path.map(str::to_owned),
            has_snapshots: object.get("snapshot").is_object(),
            noted_owner: noted_owner::of_object(object),
            notes: object
                .first(&["config.annotation", "summary.config.annotation"])
                .string(),
            row,
            ..Registration::default()
        },
        listed: true,
        flattened: config.is_flattened() || object.get("layoutEx").is_flattened(),
        ..Draft::default()
    };
    add_folders(&mut draft, files);
    add_devices(&mut draft, config.at("hardware.device"));
    add_layout(&mut draft, Layout::of(object.get("layoutEx")));
    if object.at("layoutEx.file").is_null() {
        add_old_layout(&mut draft, object.get("layout"));
    }
    // None may as well be one that vCenter does not know.
    draft.expected_disks = object
        .at("summary.config.numVirtualDisks")
        .number()
        .filter(|&disks| disks > 0);
    draft
}

/// The time at which vCenter last refreshed its list of the VM's files.
pub(super) fn layout_time(object: Json<'_>) -> Option<Timestamp> {
    object.at("layoutEx.timestamp").time().map(|said| said.at)
}

/// A managed object reference: `{type, value}`, or text with the type before it (`VirtualMachine-vm-100`).
pub(super) fn moref(reference: Json<'_>) -> Option<String> {
    Some(text_moref(reference.get("value").text().or_else(|| reference.text())?))
}

/// A managed object reference without its type: of `VirtualMachine-vm-100` the part `vm-100`.
pub(super) fn text_moref(text: &str) -> String {
    let id = ["VirtualMachine-", "Datastore-", "HostSystem-"]
        .iter()
        .find_map(|kind| text.strip_prefix(kind));
    id.unwrap_or(text).to_owned()
}

/// A connection state by its name; PowerShell writes enumerations as numbers unless told otherwise (their order is that
/// of the API reference, assumed to be that of the numbers).
fn connection_state(state: Json<'_>) -> Option<String> {
    let names = ["connected", "disconnected", "orphaned", "inaccessible", "invalid"];
    let number = state.number().and_then(|number| usize::try_from(number).ok());
    match number.and_then(|number| names.get(number)) {
        Some(name) => Some((*name).to_owned()),
        None => state.scalar(),
    }
}

/// SRM marks the VMs that stand for protected ones elsewhere.
fn is_placeholder(config: Json<'_>) -> bool {
    let kind = config.at("managedBy.type").text().unwrap_or_default();
    let extension = config.at("managedBy.extensionKey").text().unwrap_or_default();
    kind.eq_ignore_ascii_case("placeholderVm") && extension.starts_with("com.vmware.vcDr")
}

/// Adds the folders of `config.files`.
pub(super) fn add_folders(draft: &mut Draft, files: Json<'_>) {
    for name in [
        "snapshotDirectory",
        "suspendDirectory",
        "logDirectory",
        "ftMetadataDirectory",
    ] {
        draft.add_folder(files.get(name).text().unwrap_or_default());
    }
}

/// Adds the files behind devices. A list of devices, even an empty one, says all disks that are attached.
pub(super) fn add_devices(draft: &mut Draft, devices: Json<'_>) {
    if devices.is_null() {
        return;
    }
    if devices.is_flattened() {
        draft.flattened = true;
        draft.add_cut(devices);
        return;
    }
    let is_nameless_disk = |&device: &Json<'_>| is_disk(device, "") && file_of(device).is_none();
    if devices.objects().iter().any(is_nameless_disk) {
        draft.has_nameless_disk = true;
    } else {
        draft.vm.listing = draft.vm.listing.max(Listing::LeafDisks);
    }
    for device in devices.objects() {
        let Some(path) = file_of(device) else { continue };
        let role = device_role(device, path);
        draft.add_file(role, path, None);
        if role == Role::Disk {
            draft.add_disk_id(path, device.first(&["backing.uuid", "diskUuid"]).id());
        }
        let mut parent = device.at("backing.parent");
        for _ in 0..MAX_BACKING_DEPTH {
            let Some(path) = parent.get("fileName").text() else {
                break;
            };
            draft.add_file(Role::Parent, path, None);
            parent = parent.get("parent");
        }
    }
}

/// The file behind a device.
fn file_of(device: Json<'_>) -> Option<&str> {
    let path = device.first(&["backing.fileName", "fileName"]).text()?;
    (!path.trim().is_empty()).then_some(path)
}

fn device_type(device: Json<'_>) -> &str {
    device.first(&["_typeName", "type"]).text().unwrap_or_default()
}

fn is_disk(device: Json<'_>, path: &str) -> bool {
    device_type(device) == "VirtualDisk" || device.has("capacityInKB") || values::ends_with(path, &[".vmdk"])
}

/// What a device needs its file for: by its type where that is written, else by what it has.
fn device_role(device: Json<'_>, path: &str) -> Role {
    let kind = device_type(device);
    let is_port = ["VirtualSerialPort", "VirtualParallelPort"].contains(&kind) || device.has("yieldOnPoll");
    let is_media =
        ["VirtualCdrom", "VirtualFloppy"].contains(&kind) || values::ends_with(path, &[".iso", ".flp", ".img", ".vfd"]);
    match () {
        () if is_disk(device, path) => Role::Disk,
        () if is_port => Role::Port,
        () if is_media => Role::Media,
        () => Role::Other,
    }
}

/// What `layoutEx` says of the files of a VM.
#[derive(Clone, Copy)]
pub(super) struct Layout<'a> {
    /// Its `file`.
    pub(super) files: Json<'a>,
    /// Its `disk`.
    pub(super) disks: Json<'a>,
    /// Its `snapshot`.
    pub(super) snapshots: Json<'a>,
}

impl<'a> Layout<'a> {
    /// The parts of a `layoutEx`.
    pub(super) fn of(layout: Json<'a>) -> Self {
        Self {
            files: layout.get("file"),
            disks: layout.get("disk"),
            snapshots: layout.get("snapshot"),
        }
    }

    /// True where nothing contradicts that these are all files of the VM: it lags behind the VM until somebody refreshes
    /// it (V7), and an export may have cut it.
    fn is_whole(self, vm: &Registration) -> bool {
        let items = self.files.items();
        let files = self.files.objects();
        // An item without a name may be any of the files.
        let paths: HashSet<&str> = files.iter().filter_map(|file| file.get("name").text()).collect();
        let is_named = |file: &Json<'_>| file.get("name").text().is_some();
        let is_listed =
            |file: &ListedFile| !matches!(file.role, Role::Disk | Role::Parent) || paths.contains(file.path.as_str());
        !items.is_empty()
            && items.iter().all(is_named)
            && vm.files.iter().all(is_listed)
            && (!vm.has_snapshots || files.iter().copied().any(is_snapshot_state))
            && self.has_bases(vm, &files)
            && self.has_all_keys(&files)
    }

    /// Where there are extents of deltas, there are those of the bases below them: a list of links alone lacks their parents,
    /// and so does one that is of before a disk was attached. Where the chains of the disks are told each has its own; else
    /// there are as many bases as disks, for what a clone stands on may have any name.
    fn has_bases(self, vm: &Registration, files: &[Json<'_>]) -> bool {
        let named = |file: &Json<'_>| file.get("name").text().map(str::to_ascii_lowercase);
        let paths: HashSet<String> = files.iter().filter_map(named).collect();
        let is_delta = |path: &str| values::ends_with(path, &DELTAS);
        if !paths.iter().any(|path| is_delta(path)) {
            return true;
        }
        let by_key: HashMap<u64, String> = files
            .iter()
            .filter_map(|file| Some((file.get("key").number()?, named(file)?)))
            .collect();
        let chains: Vec<Vec<&String>> = self
            .disks
            .objects()
            .iter()
            .map(|disk| disk.get("chain").objects())
            .filter(|chain| !chain.is_empty())
            .map(|chain| {
                let keys = chain.iter().flat_map(|link| link.get("fileKey").items());
                keys.filter_map(|key| by_key.get(&key.number()?)).collect()
            })
            .collect();
        let is_base = |path: &str| values::ends_with(path, &BASES);
        let attached: HashSet<&str> = vm
            .files
            .iter()
            .filter(|file| file.role == Role::Disk)
            .map(|file| file.path.as_str())
            .collect();
        if !chains.is_empty() && chains.len() >= attached.len() {
            let is_whole = |chain: &Vec<&String>| {
                !chain.iter().any(|path| is_delta(path)) || chain.iter().any(|path| is_base(path))
            };
            return chains.iter().all(is_whole);
        }
        let bases = paths.iter().filter(|path| is_base(path)).count();
        bases >= attached.len().max(1)
    }

    /// The chains of disks name their files by key.
    fn has_all_keys(self, files: &[Json<'_>]) -> bool {
        let known: HashSet<u64> = files.iter().filter_map(|file| file.get("key").number()).collect();
        let of_snapshots = self.snapshots.objects();
        let of_snapshots = of_snapshots.iter().flat_map(|snapshot| snapshot.get("disk").objects());
        let disks = self.disks.objects().into_iter().chain(of_snapshots);
        let links = disks.flat_map(|disk| disk.get("chain").objects());
        let mut keys = links.flat_map(|link| link.get("fileKey").items());
        keys.all(|key| key.number().is_none_or(|key| known.contains(&key)))
    }
}

fn is_snapshot_state(file: Json<'_>) -> bool {
    layout_role(file.get("type").text().unwrap_or_default()) == Role::SnapshotState
}

/// How the extents of deltas end (formats-vmware 3.2).
const DELTAS: [&str; 2] = ["-delta.vmdk", "-sesparse.vmdk"];
/// How those of bases end.
const BASES: [&str; 3] = ["-flat.vmdk", "-rdm.vmdk", "-rdmp.vmdk"];

/// Adds the files of `layout`, which `layoutEx` replaced and beside which a vCenter may have none: the chains of disks and the
/// files of snapshots by their whole paths. Whether it lags behind the VM nothing tells, so that it is no list of all.
pub(super) fn add_old_layout(draft: &mut Draft, layout: Json<'_>) {
    if layout.is_flattened() {
        draft.add_cut(layout);
        return;
    }
    for disk in layout.get("disk").objects() {
        for file in disk.get("diskFile").texts() {
            let is_attached = |known: &ListedFile| known.path == file && known.role == Role::Disk;
            if !draft.vm.files.iter().any(is_attached) {
                draft.add_file(Role::Parent, &file, None);
            }
        }
    }
    for snapshot in layout.get("snapshot").objects() {
        draft.vm.has_snapshots = true;
        for file in snapshot.get("snapshotFile").texts() {
            let role = match () {
                () if values::ends_with(&file, &[".vmdk"]) => Role::Disk,
                () if values::ends_with(&file, &[".vmem"]) => Role::Memory,
                () => Role::SnapshotState,
            };
            draft.add_file(role, &file, None);
        }
    }
}

/// Adds the files of `layoutEx`. When it lists any, it lists all: whole chains and snapshots too.
pub(super) fn add_layout(draft: &mut Draft, layout: Layout<'_>) {
    let Layout { files, snapshots, .. } = layout;
    if files.is_flattened() {
        draft.flattened = true;
        draft.add_cut(files);
        return;
    }
    draft.vm.has_snapshots |= !snapshots.objects().is_empty();
    if layout.is_whole(&draft.vm) {
        draft.vm.listing = Listing::WholeChains;
    }
    for file in files.objects() {
        let Some(path) = file.get("name").text() else { continue };
        if path.ends_with('/') {
            draft.add_folder(path);
            continue;
        }
        let role = layout_role(file.get("type").text().unwrap_or_default());
        draft.vm.has_snapshots |= role == Role::SnapshotState;
        if role == Role::Config && draft.vm.config.is_none() {
            draft.vm.config = Some(path.to_owned());
        }
        draft.add_file(role, path, file.get("size").number());
    }
}

/// Roles of the file types of `VirtualMachineFileLayoutExFileType`.
fn layout_role(kind: &str) -> Role {
    match kind {
        "config" => Role::Config,
        "extendedConfig" => Role::ExtendedConfig,
        "diskDescriptor" => Role::Disk,
        "diskExtent" => Role::Extent,
        "digestDescriptor" | "digestExtent" => Role::Digest,
        "diskReplicationState" => Role::ReplicationState,
        "log" | "stat" | "core" | "screenshot" => Role::Log,
        "nvram" => Role::Nvram,
        "snapshotData" => Role::SnapshotState,
        "snapshotMemory" | "suspendMemory" => Role::Memory,
        "snapshotList" => Role::SnapshotList,
        "suspend" => Role::SavedState,
        "swap" | "uwswap" => Role::Swap,
        _ => Role::Other,
    }
}

/// Reads a datastore.
pub(super) fn datastore(object: Json<'_>) -> Option<DatastoreRecord> {
    let written = object.first(&["name", "summary.name", "info.name"]).string()?;
    let vms = object.get("vm");
    let mut record = DatastoreRecord {
        name: unescape_name(&written),
        moref: moref(object.first(&["self", "moRef", "summary.datastore"])),
        kind: object.at("summary.type").string(),
        vm_count: (!vms.is_null()).then(|| u64::try_from(vms.items().len()).unwrap_or(u64::MAX)),
        capacity_bytes: object.at("summary.capacity").number(),
        free_bytes: object.at("summary.freeSpace").number(),
        ..DatastoreRecord::default()
    };
    // The name of an object has `%25` for a percent sign, the label in a path has the sign itself.
    if written != record.name {
        record.add_alias(&format!("[{written}]"));
    }
    for mount in object.get("host").objects() {
        record.hosts.extend(moref(mount.get("key")));
        record.add_alias(mount.at("mountInfo.path").text().unwrap_or_default());
    }
    for url in ["summary.url", "info.url"] {
        record.add_alias(object.at(url).text().unwrap_or_default());
    }
    add_volume_id(&mut record, object.at("info.vmfs.uuid").text());
    add_nas(&mut record, object.at("info.nas"));
    Some(record)
}

/// Adds the path that the UUID of a VMFS volume gives.
pub(super) fn add_volume_id(record: &mut DatastoreRecord, uuid: Option<&str>) {
    let Some(uuid) = uuid else { return };
    let path = format!("/vmfs/volumes/{uuid}");
    let known = record.aliases.iter().any(|alias| volume_path(alias) == path);
    if !known {
        record.add_alias(&path);
    }
}

/// Adds `host:/export` for every host name that the NFS datastore is mounted from.
fn add_nas(record: &mut DatastoreRecord, nas: Json<'_>) {
    let Some(path) = nas.get("remotePath").text() else {
        return;
    };
    let hosts = nas.first(&["remoteHostNames", "remoteHost"]).texts();
    for host in hosts {
        record.add_alias(&format!("{host}:{path}"));
    }
}

/// An alias without the scheme and the last slash: `ds:///vmfs/volumes/x/` and `/vmfs/volumes/x` are one place.
pub(super) fn volume_path(alias: &str) -> &str {
    alias.strip_prefix("ds://").unwrap_or(alias).trim_end_matches('/')
}

/// Reads a host.
pub(super) fn host(object: Json<'_>) -> Option<HostRecord> {
    let moref = moref(object.first(&["self", "moRef"]));
    let name = object
        .first(&["name", "summary.config.name"])
        .string()
        .or_else(|| moref.clone())?;
    Some(HostRecord {
        name,
        moref,
        vm_count: None,
        uuid: object
            .first(&["hardware.systemInfo.uuid", "summary.hardware.uuid"])
            .id(),
    })
}

/// Reads the volumes that a host mounts: label, path and UUID of each.
pub(super) fn mounts(list: Json<'_>, host: Option<&str>) -> Vec<DatastoreRecord> {
    list.objects()
        .into_iter()
        .filter_map(|mount| mounted_volume(mount, host))
        .collect()
}

fn mounted_volume(mount: Json<'_>, host: Option<&str>) -> Option<DatastoreRecord> {
    let volume = mount.get("volume");
    let kind = volume.get("type").string();
    if kind.as_deref().is_some_and(is_host_volume) {
        return None;
    }
    let mut record = DatastoreRecord {
        name: volume.get("name").string()?,
        kind,
        hosts: host.map(str::to_owned).into_iter().collect(),
        capacity_bytes: volume.get("capacity").number(),
        ..DatastoreRecord::default()
    };
    record.add_alias(mount.at("mountInfo.path").text().unwrap_or_default());
    add_volume_id(&mut record, volume.get("uuid").text());
    add_nas(&mut record, volume);
    Some(record)
}

/// A volume of the host itself, on which no VM lies.
pub(super) fn is_host_volume(kind: &str) -> bool {
    HOST_VOLUME_TYPES.contains(&kind.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_device_is_told_by_what_it_has() {
        let object = json!({"name": "a", "config": {"hardware": {"device": [
            {"backing": {"fileName": "[d] a/a.vmdk", "parent": {"fileName": "[d] b/b.vmdk", "parent": {"fileName": "[d] c/c.vmdk"}}}, "capacityInKB": 1},
            {"backing": {"fileName": "[d] i/x.ISO"}},
            {"backing": {"fileName": "[d] a/com.txt"}, "yieldOnPoll": true},
            {"backing": {"fileName": "[d] a/other.bin"}, "_typeName": "VirtualFloppy"},
            {"backing": {"deviceName": "cdrom"}},
        ]}}});
        let draft = vm(Json(&object), String::new());
        let files: Vec<_> = draft
            .vm
            .files
            .iter()
            .map(|file| (file.role, file.path.as_str()))
            .collect();
        assert_eq!(
            files,
            [
                (Role::Disk, "[d] a/a.vmdk"),
                (Role::Parent, "[d] b/b.vmdk"),
                (Role::Parent, "[d] c/c.vmdk"),
                (Role::Media, "[d] i/x.ISO"),
                (Role::Port, "[d] a/com.txt"),
                (Role::Media, "[d] a/other.bin"),
            ]
        );
        assert_eq!(draft.vm.listing, Listing::LeafDisks);
    }

    #[test]
    fn a_vm_without_configuration_says_so() {
        let object = json!({"name": "a", "runtime": {"connectionState": 3}, "summary": {"config": {"vmPathName": "[d] a/a.vmx"}}});
        let draft = vm(Json(&object), String::new());
        assert!(!draft.vm.has_configuration);
        assert_eq!(draft.vm.connection.as_deref(), Some("inaccessible"));
        assert_eq!(draft.vm.config.as_deref(), Some("[d] a/a.vmx"));
        assert_eq!(draft.vm.listing, Listing::ConfigOnly);
    }

    #[test]
    fn a_layout_lists_whole_chains_with_roles_and_folders() {
        let object = json!({"name": "a", "config": {}, "layoutEx": {"file": [
            {"name": "[d] a/a.vmx", "type": "config", "size": 5},
            {"name": "[d] a/a-000001.vmdk", "type": "diskDescriptor"},
            {"name": "[e] a/", "type": "config"},
            {"name": "[d] a/a-Snapshot1.vmsn", "type": "snapshotData"},
            {"name": "[d] a/new", "type": "somethingNew"},
        ]}});
        let draft = vm(Json(&object), String::new());
        assert_eq!(draft.vm.listing, Listing::WholeChains);
        assert_eq!(draft.vm.folders, ["[e] a/"]);
        assert_eq!(draft.vm.config.as_deref(), Some("[d] a/a.vmx"));
        assert!(draft.vm.has_snapshots);
        let roles: Vec<_> = draft.vm.files.iter().map(|file| file.role).collect();
        assert_eq!(roles, [Role::Config, Role::Disk, Role::SnapshotState, Role::Other]);
        assert_eq!(draft.vm.files[0].size_bytes, Some(5));
    }

    #[test]
    fn objects_cut_to_text_are_no_list_of_files() {
        let object = json!({"Name": "a", "Config": "VMware.Vim.VirtualMachineConfigInfo", "LayoutEx": {"File": ["VMware.Vim.X"]}});
        let draft = vm(Json(&object), String::new());
        assert!(draft.flattened);
        assert_eq!(draft.vm.listing, Listing::ConfigOnly);
        assert!(!draft.vm.has_configuration);
    }

    #[test]
    fn every_name_of_a_datastore_becomes_an_alias_once() {
        let object = json!({"self": {"type": "Datastore", "value": "datastore-7"}, "name": "nfs",
            "summary": {"url": "ds:///vmfs/volumes/aa-bb/", "type": "NFS"},
            "info": {"url": "ds:///vmfs/volumes/aa-bb/", "nas": {"remoteHost": "nas", "remotePath": "/x"}, "vmfs": {"uuid": "aa-bb"}},
            "host": [{"key": {"value": "host-1"}, "mountInfo": {"path": "/vmfs/volumes/aa-bb"}}]});
        let record = datastore(Json(&object)).unwrap();
        assert_eq!(
            record.aliases,
            ["/vmfs/volumes/aa-bb", "ds:///vmfs/volumes/aa-bb/", "nas:/x"]
        );
        assert_eq!(record.moref.as_deref(), Some("datastore-7"));
        assert_eq!(record.hosts, ["host-1"]);
    }
}
