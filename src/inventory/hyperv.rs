//! Hyper-V: the recommended JSON (VMs with drives and checkpoints, shared volumes, the cluster's resources, chains), and
//! the outputs of its commands on their own.
//!
//! `Get-VM` does not give the path of the configuration file; it follows from the location and the VM's id
//! (`<ConfigurationLocation>\Virtual Machines\<VMId>.vmcx`), as does that of a checkpoint
//! (`<SnapshotFileLocation>\Snapshots\<id>.vmcx`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Checkpoint, DatastoreRecord, HostRecord, Listing, OpenFile, Registration, columns,
    hyperv_cluster::{add_cluster, owner_node},
    hyperv_errors,
    json::Json,
    moment::Moment,
    names,
    part::{ChainLink, Draft, Part, Source},
    values,
};
use crate::kind::Role;

/// The command whose output holds all that is needed.
pub(super) const COMMAND: &str = "Get-VM … | Select-Object …,HardDrives,DvdDrives,Snapshots | ConvertTo-Json -Depth 6";

/// First configuration version that is written as `.vmcx`; before it was XML.
const FIRST_VMCX_VERSION: u64 = 6;

/// Who the recommended export speaks for: the cluster, else the host.
pub(super) fn export_source(document: Json<'_>) -> Source {
    Source::named(document.first(&["cluster", "host"]).string())
}

/// Adds the recommended export.
pub(super) fn add_export(part: &mut Part, document: Json<'_>, file: &str) {
    add_time(part, document.first(&["exported", "collected", "generated"]), file);
    part.hosts.extend(document.get("host").string().map(named_host));
    part.nodes.extend(document.get("nodes").texts());
    if document.has("vms") {
        add_vms(part, document.get("vms"), &format!("{file}: vms"));
    }
    add_volumes(part, document.first(&["clusterSharedVolumes", "csv"]));
    let errors = hyperv_errors::texts(document.first(&["errors", "errorCount"]));
    // The script writes an empty list where the question failed.
    if document.has("clusterResources") && !hyperv_errors::lacks_resources(&errors) {
        add_cluster(part, document.get("clusterResources"));
    }
    add_chains(part, document.get("vhdChains"), &format!("{file}: vhdChains"));
    hyperv_errors::add(part, &errors, file);
}

/// The time that an export says of itself. Where it is not understood it is not later than the year that it names: the time of
/// the file is no help, for a copy of a file is newer than its export.
fn add_time(part: &mut Part, said: Json<'_>, file: &str) {
    let seconds = said
        .number()
        .and_then(|number| i64::try_from(number).ok())
        .filter(|seconds| YEARS_OF_UNIX.contains(seconds));
    let unix = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let zoned = said.time().or_else(|| said.get("value").time());
    part.said = zoned
        .map(|said| said.moment(part.origin.modified))
        .or(unix.map(Moment::exact));
    if part.said.is_some() || said.is_null() {
        return;
    }
    let text = said
        .scalar()
        .or_else(|| said.get("dateTime").string())
        .unwrap_or_else(|| said.0.to_string());
    let text: String = text.chars().take(60).collect();
    let how = "export it again with (Get-Date).ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ')";
    match start_of_year(&text) {
        Some(start) => {
            part.said = Some(Moment::exact(start).within(part.origin.modified));
            part.said_is_floor = true;
            part.warn(
                "export-time-unread",
                format!("{file}: its time ({text}) is not understood and taken for the start of that year, so that newer files are not judged; {how}"),
            );
        }
        None => part.warn_capping(
            "export-time-unread",
            format!("{file}: its time ({text}) is not understood, so that nobody can say which files are newer; {how}"),
        ),
    }
}

/// Seconds since 1970 that are a time of an export: from 2000 to 2100.
const YEARS_OF_UNIX: std::ops::Range<i64> = 946_684_800..4_102_444_800;

/// The start of the year that a text names.
fn start_of_year(text: &str) -> Option<Timestamp> {
    let numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| digits.len() == 4);
    let year = numbers.filter(|digits| ("2000".."2100").contains(digits)).min()?;
    format!("{year}-01-01T00:00:00Z").parse().ok()
}

fn named_host(name: String) -> HostRecord {
    HostRecord {
        name,
        ..HostRecord::default()
    }
}

/// Adds the VMs of a list.
pub(super) fn add_vms(part: &mut Part, list: Json<'_>, row: &str) {
    part.has_vm_list = true;
    let objects = list.objects();
    columns::of_hyperv_vms(part, &objects);
    let usual = usual_status(&objects);
    for (index, object) in objects.iter().enumerate() {
        let mut draft = vm(*object, object.row_name(row, index));
        draft.vm.moves_storage |= is_unclear_status(*object, usual.as_deref());
        part.hosts.extend(draft.vm.host.clone().map(named_host));
        part.vms.push(draft);
    }
    // Of VMs whose configuration cannot be read the cmdlets give empty lists too (H-A4, H-A6).
    let drives = |object: &Json<'_>| object.first(&["hardDrives", "hardDiskDrives"]).0.clone();
    if objects.len() > 1 && objects.iter().all(|object| drives(object) == serde_json::json!([])) {
        part.warn_capping(
            "no-disks",
            format!("{row}: no VM of the list has a disk, so they were not told; export with an account that may see them: {COMMAND}"),
        );
    }
    if !objects.is_empty() && !objects.iter().any(|object| object.has("snapshots")) {
        part.warn(
            "no-checkpoints",
            format!("{row}: checkpoints and their disks are not listed; they are known only from the files themselves"),
        );
    }
}

fn vm(object: Json<'_>, row: String) -> Draft {
    let id = object.first(&["vmId", "id"]).id();
    let extension = config_extension(object.get("version"));
    let location = object.first(&["configurationLocation", "path"]).text();
    let config = location
        .zip(id)
        .map(|(location, id)| in_folder(location, "Virtual Machines", id, extension));
    let drives = object.first(&["hardDrives", "hardDiskDrives"]);
    let mut draft = Draft {
        vm: Registration {
            name: object.first(&["name", "vmName"]).string().unwrap_or_default(),
            instance_id: id,
            host: object.get("computerName").string(),
            clustered: object.get("isClustered").truth(),
            state: state(object.get("state")),
            has_configuration: true,
            config,
            tells_parent_checkpoint: object.has("parentSnapshotId") || object.has("parentCheckpointId"),
            has_snapshots: object.first(&["parentSnapshotId", "parentCheckpointId"]).id().is_some(),
            replication: object.get("replicationMode").scalar(),
            moves_storage: moves_storage(object),
            awaits_copy: awaits_copy(object.get("replicationState")),
            notes: object.get("notes").string(),
            row,
            ..Registration::default()
        },
        listed: true,
        ..Draft::default()
    };
    for folder in LOCATIONS {
        draft.add_folder(object.get(folder).text().unwrap_or_default());
    }
    // Of a VM whose configuration its host cannot read the list is empty too (H-A4, H-A6), and of one that moved to another node
    // before it was asked for its drives, as the roles of a cluster do. One that runs without a disk is rarer than those.
    let may_have_none = !draft.vm.clustered && draft.vm.state.as_deref().is_none_or(|state| state == OFF);
    if tells_drives(drives) && (may_have_none || !drives.objects().is_empty()) {
        draft.vm.listing = Listing::LeafDisks;
    }
    add_drives_of(&mut draft, drives);
    add_media(&mut draft, object.get("dvdDrives"));
    add_media(&mut draft, object.first(&["floppy", "floppyDrive"]));
    add_checkpoints(&mut draft, object, extension);
    if draft.flattened {
        draft.vm.listing = Listing::ConfigOnly;
    }
    draft
}

/// True for a list of drives that tells all of them. A VM without drives has an empty list; null is what a failed command
/// leaves, and a drive without a path says nothing.
fn tells_drives(drives: Json<'_>) -> bool {
    let is_told = |drive: &Json<'_>| drive.get("path").text().is_some() || !drive.get("diskNumber").is_null();
    !drives.is_null()
        && drives.items().iter().all(|item| item.is_object() || item.0.is_array())
        && drives.objects().iter().all(is_told)
}

/// True for a mode of replication that is one.
pub(super) fn is_replicated(mode: &str) -> bool {
    !["None", "0"].contains(&mode)
}

/// True for the states of a replication that has not all of its first copy (names of `VMReplicationState`).
fn awaits_copy(state: Json<'_>) -> bool {
    const STATES: [&str; 3] = [
        "ReadyForInitialReplication",
        "InitialReplicationInProgress",
        "WaitingForInitialReplication",
    ];
    state
        .text()
        .is_some_and(|state| STATES.iter().any(|known| known.eq_ignore_ascii_case(state)))
}

/// True for a status that tells of a move or migration: `Moving virtual hard disks` in English, and in every language the names
/// or numbers of `OperationalStatus`.
fn moves_storage(object: Json<'_>) -> bool {
    // MigratingVirtualMachine, StorageMigrationPhaseOne and …Two, MigratingPlannedVm.
    const NUMBERS: [&str; 4] = ["32774", "32778", "32779", "32780"];
    let status = object.get("operationalStatus");
    let is_number = |item: Json<'_>| item.scalar().is_some_and(|number| NUMBERS.contains(&number.as_str()));
    status.items().into_iter().any(is_number)
        || ["status", "operationalStatus"].iter().any(|member| {
            object.get(member).any_text(|text| {
                let text = text.to_lowercase();
                text.contains("moving") || text.contains("migrat")
            })
        })
}

/// The status that more than half of the VMs of a list have: that of a VM with which nothing happens, in the language of the host.
fn usual_status(objects: &[Json<'_>]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for status in objects.iter().filter_map(|object| object.get("status").text()) {
        let count = counts.entry(status).or_default();
        *count = count.saturating_add(1);
    }
    let half = objects.len() / 2;
    let usual = counts.into_iter().find(|(_, count)| *count > half.max(1));
    usual.map(|(status, _)| status.to_owned())
}

/// True for a status in a language that is not known and that is not the usual one, where no `OperationalStatus` says it in every
/// language: it may tell of a move of the disks (H-F8).
fn is_unclear_status(object: Json<'_>, usual: Option<&str>) -> bool {
    const ENGLISH: [&str; 16] = [
        "operating normally",
        "applying",
        "backing up",
        "cannot",
        "creating",
        "critical",
        "degraded",
        "deleting",
        "exporting",
        "in service",
        "low",
        "merging",
        "modifying",
        "paused",
        "service degraded",
        "waiting",
    ];
    let status = object.get("status").text().unwrap_or_default();
    let lower = status.to_lowercase();
    let is_known = status.is_empty() || ENGLISH.iter().any(|known| lower.starts_with(known));
    !is_known && usual != Some(status) && object.get("operationalStatus").items().is_empty()
}

/// Properties of a VM that hold a folder.
const LOCATIONS: [&str; 6] = [
    "configurationLocation",
    "path",
    "snapshotFileLocation",
    "checkpointFileLocation",
    "smartPagingFilePath",
    "guestStatePath",
];

/// `vmcx`, or `xml` for a configuration version before 6.
fn config_extension(version: Json<'_>) -> &'static str {
    let major = version
        .scalar()
        .and_then(|version| version.split('.').next()?.parse::<u64>().ok());
    if major.is_some_and(|major| major < FIRST_VMCX_VERSION) {
        "xml"
    } else {
        "vmcx"
    }
}

/// `LOCATION\FOLDER\ID.EXTENSION`, the id in capitals as Hyper-V writes it.
fn in_folder(location: &str, folder: &str, id: Uuid, extension: &str) -> String {
    let location = location.trim().trim_matches('"').trim_end_matches(['\\', '/']);
    let id = id.hyphenated().to_string().to_uppercase();
    format!("{location}\\{folder}\\{id}.{extension}")
}

/// The state of a VM that may well have no disk.
const OFF: &str = "Off";

/// A state by its name; the numbers are those that Microsoft publishes for `RequestStateChange` of `Msvm_ComputerSystem`. Higher
/// ones are critical states there, and others in the enumeration of PowerShell: they stay numbers.
fn state(state: Json<'_>) -> Option<String> {
    let number = state.number().or_else(|| state.text()?.trim().parse().ok());
    let name = match number {
        Some(2) => "Running",
        Some(3) => OFF,
        Some(4) => "Stopping",
        Some(6) => "Saved",
        Some(9) => "Paused",
        Some(10) => "Starting",
        Some(11) => "Reset",
        Some(32773) => "Saving",
        Some(32776) => "Pausing",
        Some(32777) => "Resuming",
        Some(32779) => "FastSaved",
        Some(32780) => "FastSaving",
        _ => return state.scalar(),
    };
    Some(name.to_owned())
}

/// Adds the drives of a VM or checkpoint. A pass-through disk has no file, and its path no folder.
fn add_drives_of(draft: &mut Draft, drives: Json<'_>) {
    draft.flattened |= drives.is_flattened();
    draft.add_cut(drives);
    for drive in drives.objects() {
        let Some(path) = drive.get("path").text() else { continue };
        let is_disk_file = values::ends_with(path, &[".vhdx", ".vhd", ".avhdx", ".avhd", ".vhds"]);
        let is_file = is_disk_file || drive.get("diskNumber").is_null();
        if is_file && path.contains(['\\', '/']) {
            let is_media = values::ends_with(path, &[".iso", ".vfd", ".img"]);
            draft.add_file(if is_media { Role::Media } else { Role::Disk }, path, None);
        } else if is_disk_file {
            draft.has_nameless_disk = true;
        } else if !draft.vm.fileless_disks.iter().any(|known| known == path) {
            draft.vm.fileless_disks.push(path.to_owned());
        }
    }
}

/// Adds images in DVD and floppy drives. Where the depth cut a drive to text there is no path in it.
fn add_media(draft: &mut Draft, drives: Json<'_>) {
    for drive in drives.items() {
        let path = drive.get("path").text().or_else(|| drive.text()).unwrap_or_default();
        if path.contains(['\\', '/']) {
            draft.add_file(Role::Media, path, None);
        }
    }
}

fn add_checkpoints(draft: &mut Draft, object: Json<'_>, extension: &str) {
    let checkpoints = object.first(&["snapshots", "checkpoints"]);
    draft.flattened |= checkpoints.is_flattened();
    let location = object.first(&["snapshotFileLocation", "checkpointFileLocation"]);
    let items = checkpoints.items();
    let is_known = |item: &Json<'_>| item.0.is_array() || item.get("id").id().is_some();
    draft.vm.checkpoints_told = !checkpoints.is_null() && items.iter().all(is_known);
    draft.vm.has_snapshots |= !items.is_empty();
    for checkpoint in checkpoints.objects() {
        add_checkpoint(draft, checkpoint, location.text(), extension);
    }
}

/// Adds a checkpoint with its disks; `location` is where its VM keeps checkpoints, when that is known.
fn add_checkpoint(draft: &mut Draft, checkpoint: Json<'_>, location: Option<&str>, extension: &str) {
    let Some(id) = checkpoint.get("id").id() else { return };
    draft.vm.has_snapshots = true;
    let drives = checkpoint.get("hardDrives");
    if let Some(location) = location.or_else(|| checkpoint.get("path").text()) {
        draft.add_file(
            Role::SnapshotState,
            &in_folder(location, "Snapshots", id, extension),
            None,
        );
    }
    draft.vm.checkpoints.push(Checkpoint {
        id,
        name: checkpoint.get("name").string().unwrap_or_default(),
        kind: checkpoint.get("snapshotType").scalar(),
        // One of a VM with disks has disks: an empty list is that of a command which failed.
        has_disks: tells_drives(drives) && !drives.objects().is_empty(),
        created: checkpoint.get("creationTime").time().map(|time| time.at),
    });
    add_drives_of(draft, drives);
}

/// Adds the rows of `Get-VMSnapshot`: checkpoints of VMs that another list has.
pub(super) fn add_checkpoint_list(part: &mut Part, list: Json<'_>, row: &str) {
    for (index, checkpoint) in list.objects().into_iter().enumerate() {
        let mut draft = mention(checkpoint, checkpoint.row_name(row, index));
        let location = checkpoint.first(&["snapshotFileLocation", "checkpointFileLocation"]);
        add_checkpoint(
            &mut draft,
            checkpoint,
            location.text(),
            config_extension(checkpoint.get("version")),
        );
        // Without its disks a checkpoint is still known; they come from a list of drives.
        draft.flattened = false;
        note_checkpoints(part, &mut draft);
        part.vms.push(draft);
    }
}

/// A list of checkpoints tells those of the VM, and of the other VMs of its host that they have none, where their rows say the
/// same: it may have been made for one VM.
fn note_checkpoints(part: &mut Part, draft: &mut Draft) {
    draft.vm.checkpoints_told = true;
    part.checkpoint_hosts.extend(draft.vm.host.clone());
}

/// A VM of which a row of another list speaks.
fn mention(object: Json<'_>, row: String) -> Draft {
    Draft {
        vm: Registration {
            name: object.first(&["vmName", "name"]).string().unwrap_or_default(),
            instance_id: object.get("vmId").id(),
            host: object.get("computerName").string(),
            has_configuration: true,
            row,
            ..Registration::default()
        },
        ..Draft::default()
    }
}

/// True for rows of VMs, or of what VMs have, that tell no path: `Get-VM | Select-Object Name,VMId,ComputerName,State`.
pub(super) fn is_pathless(item: Json<'_>) -> bool {
    const OF_SCREEN: [&str; 4] = ["cpuUsage", "cpuUsage(%)", "memoryAssigned", "memoryAssigned(M)"];
    let is_named = item.has("name") || item.has("vmName");
    let is_shown = item.has("state") && OF_SCREEN.iter().any(|column| item.has(column));
    is_named && !item.has("path") && (item.has("vmId") || is_shown)
}

/// Adds rows of VMs without a path: they show whether another list has them all.
pub(super) fn add_pathless(part: &mut Part, list: Json<'_>, row: &str) {
    let objects = list.objects();
    for (index, object) in objects.iter().enumerate() {
        let draft = mention(*object, object.row_name(row, index));
        if draft.vm.instance_id.is_some() || !draft.vm.name.is_empty() {
            part.vms.push(draft);
        }
    }
    // A row of what a VM has, such as an adapter, bears a name of its own beside that of the VM.
    if objects
        .iter()
        .any(|object| !(object.has("name") && object.has("vmName")))
    {
        part.warn_capping(
            names::NAMES_ONLY,
            format!("{row}: VMs without the places of their files; export with {COMMAND}"),
        );
    }
}

/// Adds the rows of `Get-VMReplication`: VMs that are replicated, on either side.
pub(super) fn add_replications(part: &mut Part, list: Json<'_>, row: &str) {
    columns::of_replications(part, &list.objects());
    for (index, replication) in list.objects().into_iter().enumerate() {
        let mut draft = mention(replication, replication.row_name(row, index));
        if draft.vm.instance_id.is_none() && draft.vm.name.is_empty() {
            continue;
        }
        let mode = replication.first(&["replicationMode", "mode"]).scalar();
        draft.vm.replication = mode.or_else(|| Some("replicated".to_owned()));
        draft.vm.awaits_copy = awaits_copy(replication.first(&["replicationState", "state"]));
        part.vms.push(draft);
    }
}

/// Notes where a replica server keeps what it receives (`Get-VMReplicationServer`, `Get-VMReplicationAuthorizationEntry`).
/// The VMs in it are registered, so the place owns nothing by itself.
pub(super) fn add_replica_storage(part: &mut Part, list: Json<'_>, row: &str) {
    for entry in list.objects() {
        for place in [entry.get("defaultStorageLocation"), entry.get("replicaStorageLocation")] {
            if let Some(place) = place.text() {
                part.warn("replica-storage", format!("{row}: replicas are received into {place}"));
            }
        }
    }
}

/// Adds the hosts of `Get-VMHost`.
pub(super) fn add_hosts(part: &mut Part, list: Json<'_>) {
    let names = list
        .objects()
        .into_iter()
        .filter_map(|host| host.first(&["name", "computerName"]).string());
    part.hosts.extend(names.map(named_host));
}

/// Adds VHD sets: the files behind each, one after the other.
pub(super) fn add_sets(part: &mut Part, list: Json<'_>, row: &str) {
    for (index, set) in list.objects().into_iter().enumerate() {
        let files: Vec<String> = set
            .get("path")
            .texts()
            .into_iter()
            .chain(set.get("allPaths").texts())
            .collect();
        let mut next = files.iter().skip(1).cloned().map(Some).chain([None]);
        for path in files.iter().cloned() {
            let parent = next.next().flatten();
            let host = host_asked(set);
            let row = set.row_name(row, index);
            part.chains.push(ChainLink {
                path,
                parent,
                host,
                row,
            });
        }
    }
}

/// Adds the rows of `Get-VMHardDiskDrive`: disks of VMs that another list has, those of checkpoints among them.
pub(super) fn add_drives(part: &mut Part, list: Json<'_>, row: &str) {
    columns::of_drives(part, &list.objects());
    for (index, drive) in list.objects().into_iter().enumerate() {
        let mut draft = mention(drive, drive.row_name(row, index));
        // Every drive has the column; only a list with drives of checkpoints has asked for these.
        if drive.get("vmSnapshotId").id().is_some_and(|id| !id.is_nil()) {
            note_checkpoints(part, &mut draft);
        }
        add_drives_of(&mut draft, drive);
        if !draft.vm.files.iter().all(|file| file.role == Role::Media) || !draft.vm.fileless_disks.is_empty() {
            draft.vm.listing = Listing::LeafDisks;
        }
        part.vms.push(draft);
    }
}

/// Adds Cluster Shared Volumes: the mount folder with the path of its volume.
pub(super) fn add_volumes(part: &mut Part, list: Json<'_>) {
    columns::of_cluster_volumes(part, &list.objects());
    for volume in list.objects() {
        part.other_nodes.extend(owner_node(volume));
        let info = volume.get("sharedVolumeInfo").objects();
        if info.is_empty() {
            part.datastores
                .extend(volume_record(volume, "path", "volume", "size", "free"));
        }
        for info in info {
            part.datastores.extend(volume_record(
                info,
                "friendlyVolumeName",
                "partition.name",
                "partition.size",
                "partition.freeSpace",
            ));
        }
    }
}

fn volume_record(object: Json<'_>, mount: &str, volume: &str, size: &str, free: &str) -> Option<DatastoreRecord> {
    let mut record = DatastoreRecord {
        name: object.at(mount).texts().into_iter().next()?,
        kind: Some(
            object
                .at("partition.fileSystem")
                .string()
                .unwrap_or_else(|| "CSVFS".to_owned()),
        ),
        capacity_bytes: object.at(size).items().first().and_then(|size| size.number()),
        free_bytes: object.at(free).items().first().and_then(|free| free.number()),
        ..DatastoreRecord::default()
    };
    for other in object.at(mount).texts().iter().chain(&object.at(volume).texts()) {
        record.add_alias(other);
    }
    Some(record)
}

/// Adds disks with their parents, as `Get-VHD` gives them. Without a parent a disk is a base only where its type or the
/// empty column says so. One that is attached is open on its host, for a VM or by the host itself.
pub(super) fn add_chains(part: &mut Part, list: Json<'_>, row: &str) {
    for (index, disk) in list.objects().into_iter().enumerate() {
        let path = disk.get("path").string().filter(|_| disk.get("attached").truth());
        part.observations.open_files.extend(path.map(|path| OpenFile {
            path,
            client: disk.get("computerName").string().or_else(|| Some("a host".to_owned())),
            user: Some("Get-VHD: attached".to_owned()),
            host: disk.get("computerName").string(),
            share_path: None,
            row: disk.row_name(row, index),
        }));
    }
    part.disk_ids.extend(list.objects().into_iter().filter_map(|disk| {
        let id = disk.get("diskIdentifier").id().filter(|id| !id.is_nil())?;
        Some((disk.get("path").string()?, host_asked(disk), id))
    }));
    part.chains
        .extend(list.objects().into_iter().enumerate().filter_map(|(index, disk)| {
            let parent = disk.get("parentPath").string();
            let is_told = match disk.get("vhdType").scalar() {
                Some(form) if is_type(&form, "Differencing", DIFFERENCING) => parent.is_some(),
                Some(form) if is_type(&form, "Fixed", FIXED) || is_type(&form, "Dynamic", DYNAMIC) => true,
                _ => disk.has("parentPath"),
            };
            let path = disk.get("path").string().filter(|_| is_told)?;
            let host = host_asked(disk);
            Some(ChainLink {
                path,
                parent,
                host,
                row: disk.row_name(row, index),
            })
        }));
}

/// The host that a disk was asked of: of rows that came over remoting PowerShell tells it.
fn host_asked(disk: Json<'_>) -> Option<String> {
    disk.first(&["computerName", "psComputerName"]).string()
}

/// Numbers of `VhdType` as published.
const FIXED: &str = "2";
const DYNAMIC: &str = "3";
const DIFFERENCING: &str = "4";

fn is_type(written: &str, name: &str, number: &str) -> bool {
    written == number || written.eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_configuration_follows_from_location_and_id() {
        let object = json!({"Name": "a", "VMId": "6f1d3a2e-8b4c-4d5e-9f00-112233445566", "ConfigurationLocation": "D:\\VMs\\a\\", "Version": "9.0"});
        let config = r"D:\VMs\a\Virtual Machines\6F1D3A2E-8B4C-4D5E-9F00-112233445566.vmcx";
        assert_eq!(vm(Json(&object), String::new()).vm.config.as_deref(), Some(config));
        let object = json!({"Name": "a", "VMId": "6f1d3a2e-8b4c-4d5e-9f00-112233445566", "ConfigurationLocation": "\"D:\\VMs\\a\"", "Version": "9.0"});
        assert_eq!(vm(Json(&object), String::new()).vm.config.as_deref(), Some(config));
        let object = json!({"Name": "a", "VMId": "6f1d3a2e-8b4c-4d5e-9f00-112233445566", "ConfigurationLocation": "D:\\VMs\\a", "Version": "5.0"});
        let config = r"D:\VMs\a\Virtual Machines\6F1D3A2E-8B4C-4D5E-9F00-112233445566.xml";
        assert_eq!(vm(Json(&object), String::new()).vm.config.as_deref(), Some(config));
    }

    #[test]
    fn drives_cut_to_text_are_no_list_of_disks() {
        let object = json!({"Name": "a", "HardDrives": ["HardDiskDrive (Name = …)"], "DVDDrives": ["DvdDrive"]});
        let draft = vm(Json(&object), String::new());
        assert!(draft.flattened);
        assert_eq!(draft.vm.listing, Listing::ConfigOnly);
        assert_eq!(draft.vm.files, []);
        let object = json!({"Name": "a", "HardDrives": [{"Path": "D:\\a.vhdx"}, {"Path": ""}]});
        assert_eq!(vm(Json(&object), String::new()).vm.listing, Listing::ConfigOnly);
        let object = json!({"Name": "a", "HardDrives": []});
        assert_eq!(vm(Json(&object), String::new()).vm.listing, Listing::LeafDisks);
    }

    #[test]
    fn a_disk_is_a_base_only_where_its_type_or_the_empty_column_says_so() {
        let of = |disk: serde_json::Value| {
            let mut part = Part::new(
                &crate::inventory::part::Origin::of("vhd.json"),
                crate::inventory::InventoryKind::HypervJson,
                Source::default(),
            );
            add_chains(&mut part, Json(&disk), "vhd.json");
            part.chains.first().map(|link| link.parent.clone())
        };
        assert_eq!(of(json!({"Path": "a.vhdx", "ParentPath": ""})), Some(None));
        assert_eq!(of(json!({"Path": "a.vhdx", "VhdType": 3})), Some(None));
        assert_eq!(of(json!({"Path": "a.vhdx", "VhdType": "Fixed"})), Some(None));
        assert_eq!(of(json!({"Path": "a.vhdx", "VhdType": 4, "ParentPath": null})), None);
        assert_eq!(of(json!({"Path": "a.vhdx", "VhdType": "Differencing"})), None);
        assert_eq!(of(json!({"Path": "a.vhdx", "VhdType": 0})), None);
        let parent = of(json!({"Path": "a.vhdx", "VhdType": 4, "ParentPath": "b.vhdx"}));
        assert_eq!(parent, Some(Some("b.vhdx".to_owned())));
    }

    #[test]
    fn the_flat_form_of_a_shared_volume_is_read() {
        let mut part = Part::new(
            &crate::inventory::part::Origin::of("csv.json"),
            crate::inventory::InventoryKind::HypervJson,
            Source::default(),
        );
        let list = json!({"Name": "CSV1", "OwnerNode": "HV02", "Path": "C:\\ClusterStorage\\Volume1", "Volume": "\\\\?\\Volume{1}\\", "Size": 10, "Free": 5});
        add_volumes(&mut part, Json(&list));
        assert_eq!(part.datastores[0].name, "C:\\ClusterStorage\\Volume1");
        assert_eq!(part.datastores[0].aliases, ["\\\\?\\Volume{1}\\"]);
        assert_eq!(part.datastores[0].capacity_bytes, Some(10));
        assert_eq!(part.other_nodes, ["HV02"]);
    }
}
