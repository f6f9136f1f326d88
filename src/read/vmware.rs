//! Facts of VMware's files in the words of the evidence.

use derelict_parsers::{
    Anomaly, EncodedText, Limits, ParseError,
    charset::NAMES_UNKNOWN,
    ha_list::HaList,
    hbr_group::ReplicationGroup,
    reference::{FileKind, FileReference},
    vmsd::SnapshotList,
    vmstate::VmState,
    vmware_lock::{LockBody, LockName},
    vmware_log::VmLog,
    vmx::{Encryption, VmwareUuid, VmxConfig},
    vmxf::ExtendedConfig,
};

use super::{Parsed, Subject, cut_notes, mark};
use crate::{
    classify::Content,
    evidence::{
        DeviceEvidence, Evidence, History, LockEvidence, MarkCode, OpenedDisk, Reference, SnapshotEvidence, VmEvidence,
    },
    file_reader::FileReader,
    kind::{Kind, Platform, Role},
};

/// A `.vmx`, or a `.vmtx`, which is one under another name.
pub(super) fn configuration(kind: Kind, reader: &FileReader, limits: &Limits) -> Result<Parsed, ParseError> {
    let config = VmxConfig::read(reader, limits)?;
    let mut marks = Vec::new();
    if config.clean_shutdown == Some(false) {
        marks.push(mark(
            MarkCode::NotShutDown,
            "cleanShutdown is FALSE: running, or crashed",
        ));
    }
    if config.has_virtual_tpm {
        marks.push(mark(MarkCode::VirtualTpm, "vtpm.present is TRUE"));
    }
    if config.encryption != Encryption::None {
        marks.push(mark(MarkCode::Encrypted, encryption_text(config.encryption)));
    }
    if config.is_shared() {
        marks.push(mark(
            MarkCode::Shared,
            "its disks may be attached to other VMs at the same time",
        ));
    }
    let uuid = |id: &Option<VmwareUuid>| id.as_ref().and_then(|id| id.uuid);
    let vm = VmEvidence {
        name: config.display_name.as_ref().map(ToString::to_string),
        instance_id: uuid(&config.instance_uuid),
        bios_id: uuid(&config.bios_uuid),
        template: kind == Kind::Vmtx,
        fault_tolerant: config.is_fault_tolerant,
        opaque: opaque(&config),
        notes: config.annotation.as_ref().map(|text| cut_notes(text.as_str())),
        devices: special_devices(&config),
        ..VmEvidence::of(Platform::Vmware)
    };
    let evidence = Evidence {
        references: references(&config.files),
        vm: Some(Box::new(vm)),
        marks,
        ..Evidence::default()
    };
    Ok(
        Parsed::new(&config, evidence, &config.anomalies)
            .damaged_by(damage(config.is_torn, &config.anomalies).as_ref()),
    )
}

/// Devices that snapshots leave out or that several VMs write.
fn special_devices(config: &VmxConfig) -> Vec<DeviceEvidence> {
    let devices = config.devices.iter().filter(|device| device.present);
    let evidence = devices.map(|device| DeviceEvidence {
        device: device.device.to_string(),
        independent: device
            .mode
            .as_deref()
            .filter(|_| device.is_independent())
            .map(str::to_owned),
        shared: device
            .sharing
            .as_deref()
            .filter(|_| device.is_multi_writer())
            .map(str::to_owned),
    });
    evidence
        .filter(|device| device.independent.is_some() || device.shared.is_some())
        .collect()
}

/// Why the disks of a configuration are not all known.
fn opaque(config: &VmxConfig) -> Option<String> {
    if config.encryption == Encryption::Full {
        return Some(encryption_text(Encryption::Full).to_owned());
    }
    // What says that only a part is encrypted leaves the disks in clear, where there are any.
    let names_disk = config.files.iter().any(|file| file.kind == FileKind::Disk);
    if config.encryption != Encryption::None && !names_disk {
        return Some(
            "keys are encrypted and no disk is named in clear: which disks the VM has is not known".to_owned(),
        );
    }
    damage(config.is_torn, &config.anomalies).map(|damage| damage.text)
}

/// What a torn dictionary has lost.
const TORN_TEXT: &str = "the file ends inside a line or holds NULs: lines were lost, and with them perhaps disks";

/// Why a dictionary does not tell every name that stood in it.
fn damage(is_torn: bool, anomalies: &[Anomaly]) -> Option<Anomaly> {
    let torn = is_torn.then(|| Anomaly::new("torn", TORN_TEXT));
    torn.or_else(|| anomalies.iter().find(|anomaly| anomaly.code == NAMES_UNKNOWN).cloned())
}

fn encryption_text(encryption: Encryption) -> &'static str {
    match encryption {
        Encryption::None => "nothing is encrypted",
        Encryption::Full => "the whole configuration is encrypted: which disks the VM has is not known",
        Encryption::Partial => "keys of the virtual TPM are encrypted",
        Encryption::EsxiVm => "the VM is encrypted by vSphere; its configuration can be read",
    }
}

/// A `.vmsd`.
pub(super) fn snapshot_list(reader: &FileReader, limits: &Limits) -> Result<Parsed, ParseError> {
    let list = SnapshotList::read(reader, limits)?;
    let snapshots = list.snapshots.iter().map(|snapshot| SnapshotEvidence {
        name: snapshot.display_name.as_ref().map(ToString::to_string),
        created: snapshot.created,
    });
    let mut evidence = Evidence {
        references: references(&list.references()),
        snapshots: snapshots.collect(),
        ..Evidence::default()
    };
    if list.needs_consolidation {
        let text = "snapshot.needConsolidate is TRUE";
        evidence.marks.push(mark(MarkCode::NeedsConsolidation, text));
    }
    let encrypted = "the snapshot list is encrypted: which snapshots there are is not known";
    if list.is_encrypted {
        evidence.marks.push(mark(MarkCode::Encrypted, encrypted));
    }
    let damage = damage(list.is_torn, &list.anomalies).or_else(|| list.loss().cloned());
    if list.is_encrypted || damage.is_some() {
        let text = damage.as_ref().filter(|_| !list.is_encrypted);
        evidence.vm = Some(Box::new(VmEvidence {
            opaque: Some(text.map_or(encrypted, |damage| &damage.text).to_owned()),
            ..VmEvidence::of(Platform::Vmware)
        }));
    }
    Ok(Parsed::new(&list, evidence, &list.anomalies).damaged_by(damage.as_ref()))
}

/// A `.vmxf`.
pub(super) fn extended_configuration(reader: &FileReader, limits: &Limits) -> Result<Parsed, ParseError> {
    let config = ExtendedConfig::read(reader, limits)?;
    let evidence = Evidence {
        references: references(&config.references()),
        ..Evidence::default()
    };
    Ok(Parsed::new(&config, evidence, &[]))
}

/// The references of a parser in the words of the evidence.
pub(super) fn references(files: &[FileReference]) -> Vec<Reference> {
    files
        .iter()
        .map(|file| Reference {
            role: role(file.kind),
            target: file.value.clone(),
            key: file.key.to_string(),
            group: None,
            weak: file.is_weak(),
        })
        .collect()
}

fn role(kind: FileKind) -> Role {
    match kind {
        FileKind::Disk => Role::Disk,
        FileKind::Extent => Role::Extent,
        FileKind::Parent => Role::Parent,
        FileKind::ChangeTracking => Role::ChangeTracking,
        FileKind::Digest => Role::Digest,
        FileKind::Sidecar => Role::Sidecar,
        FileKind::CdImage | FileKind::Floppy => Role::Media,
        FileKind::Nvram => Role::Nvram,
        FileKind::Config => Role::Config,
        FileKind::ExtendedConfig => Role::ExtendedConfig,
        FileKind::SuspendState => Role::SavedState,
        FileKind::SnapshotState => Role::SnapshotState,
        FileKind::Swap => Role::Swap,
        FileKind::SwapDir | FileKind::WorkingDir | FileKind::SnapshotDir | FileKind::SuspendDir => Role::Folder,
        FileKind::Log | FileKind::HostLog | FileKind::Scoreboard => Role::Log,
        FileKind::SerialPort | FileKind::ParallelPort => Role::Port,
        FileKind::ReplicationState => Role::ReplicationState,
        FileKind::Redo => Role::Redo,
        FileKind::Memory => Role::Memory,
        FileKind::Clone => Role::Clone,
        FileKind::Other => Role::Other,
    }
}

/// A `.vmsn` or `.vmss`: it tells the whole configuration of its time. An encrypted one tells nothing.
pub(super) fn state(content: Content, reader: &FileReader, limits: &Limits) -> Result<Parsed, ParseError> {
    if content == Content::Binary {
        let text = "has no signature of a state file: encrypted, or damaged";
        let mut parsed = Parsed::default();
        parsed.evidence.marks.push(mark(MarkCode::Encrypted, text));
        return Ok(parsed);
    }
    let state = VmState::read(reader, limits)?;
    let config = state.config.as_deref();
    let vm = VmEvidence {
        name: config.and_then(|config| Some(config.display_name.as_ref()?.to_string())),
        instance_id: config.and_then(|config| config.instance_uuid.as_ref()?.uuid),
        bios_id: state.bios_uuid,
        ..VmEvidence::of(Platform::Vmware)
    };
    let evidence = Evidence {
        references: references(&state.references()),
        vm: Some(Box::new(vm)),
        ..Evidence::default()
    };
    let of_config = || config.and_then(|config| damage(false, &config.anomalies));
    let damage = state.damage.clone().or_else(of_config);
    Ok(Parsed::new(&state, evidence, &state.anomalies).damaged_by(damage.as_ref()))
}

/// A `vmware.log`. What it names is history, no references.
pub(super) fn log(reader: &FileReader) -> Result<Parsed, ParseError> {
    let log = VmLog::read(reader)?;
    let name_of_file = |path: &EncodedText| {
        let name = path.as_str().rsplit(['/', '\\']).next()?;
        Some(name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned())
    };
    let name = log.display_name.as_ref().map(ToString::to_string);
    let opened = log.disks.iter().map(|disk| OpenedDisk {
        path: disk.path.clone(),
        disk_id: disk
            .uuid
            .as_ref()
            .and_then(|id| id.uuid)
            .map(|id| id.simple().to_string()),
    });
    let history = History {
        vm_name: name.or_else(|| log.vmx_path.as_ref().and_then(name_of_file)),
        disks: opened.collect(),
    };
    let evidence = Evidence {
        history: Some(Box::new(history)),
        ..Evidence::default()
    };
    Ok(Parsed::new(&log, evidence, &[]))
}

/// A group of vSphere Replication at the target: it names the files of the replicas (V23).
pub(super) fn replication_group(reader: &FileReader, limits: &Limits) -> Result<Parsed, ParseError> {
    let group = ReplicationGroup::read(reader, limits)?;
    let evidence = Evidence {
        references: references(&group.files),
        ..Evidence::default()
    };
    Ok(Parsed::new(&group, evidence, &group.anomalies))
}

/// A list of vSphere HA: every configuration in it belongs to a VM of some vCenter (V75).
pub(super) fn host_list(reader: &FileReader, limits: &Limits) -> Result<Parsed, ParseError> {
    let list = HaList::read(reader, limits)?;
    let evidence = Evidence {
        references: references(&list.references()),
        ..Evidence::default()
    };
    Ok(Parsed::new(&list, evidence, &list.anomalies).damaged_by(list.damage.as_ref()))
}

/// The body of a lock, beside what its name tells.
pub(super) fn lock(reader: &FileReader, subject: &Subject<'_>, limits: &Limits) -> Result<Parsed, ParseError> {
    let body = LockBody::read(reader, limits)?;
    let evidence = Evidence {
        lock: Some(Box::new(LockEvidence {
            host: body.host.clone().or_else(|| body.machine_id.clone()),
            ..lock_of_name(subject)
        })),
        ..Evidence::default()
    };
    Ok(Parsed::new(&body, evidence, &[]))
}

/// What the name of a lock and of its folder say.
pub(super) fn lock_of_name(subject: &Subject<'_>) -> LockEvidence {
    let beside = |name: &[u8]| match LockName::parse(name) {
        Some(LockName::Beside { target }) => Some(target),
        _ => None,
    };
    let target_file_id = match LockName::parse(subject.name) {
        Some(LockName::Nfs { target_file_id }) => Some(target_file_id),
        _ => None,
    };
    LockEvidence {
        target_file_id,
        // A member of a lock folder locks what the folder is named after.
        target_name: beside(subject.folder.name()).or_else(|| beside(subject.name)),
        host: None,
    }
}
