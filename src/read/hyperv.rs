//! Facts of Hyper-V's configurations, states and logs in the words of the evidence. Disks have their own module.

use derelict_parsers::{
    Limits, ParseError, hrl,
    hyperv_config::{self, Content, DriveKind, HypervConfig, HypervFile, PathReference, PathRole},
    vhds,
    vmcx::{LogState, Storage},
    vmgs,
};
use uuid::Uuid;

use super::{Parsed, Subject, cut_notes, guid_of_name, mark};
use crate::{
    evidence::{DiskEvidence, Evidence, Mark, MarkCode, PreviousReference, Reference, VmEvidence},
    file_reader::FileReader,
    kind::{Kind, Platform, Role},
};

/// Why a configuration with missing keys is opaque.
const DAMAGED_TEXT: &str = "the configuration is damaged: it may own more than it names";

/// Folder in which Hyper-V keeps the configurations of checkpoints.
const CHECKPOINT_FOLDER: &[u8] = b"Snapshots";

/// A HyperVStorage container: `.vmcx`, `.VMRS`, newer `.vsv`, the host's `data.vmcx`.
pub(super) fn container(
    kind: Kind,
    reader: &FileReader,
    subject: &Subject<'_>,
    limits: &Limits,
) -> Result<Parsed, ParseError> {
    let file = hyperv_config::read_container(reader, limits)?;
    let mut parsed = parsed(&file, subject);
    let is_state = matches!(file.content, Content::Runtime(_));
    // The signature is the same for both; a name that tells nothing leaves it to the keys, if these are all there.
    if kind == Kind::Vmcx && is_state && file.is_complete() {
        parsed.kind = Some(Kind::Vmrs);
    } else if kind == Kind::Vmcx && !file.is_complete() && parsed.evidence.vm.is_none() {
        parsed.evidence.vm = Some(Box::new(damaged_machine(subject)));
    }
    Ok(parsed)
}

/// A configuration up to 2012 R2.
pub(super) fn xml(reader: &FileReader, subject: &Subject<'_>, limits: &Limits) -> Result<Parsed, ParseError> {
    let file = hyperv_config::read_xml(reader, limits)?;
    let mut parsed = parsed(&file, subject);
    if !file.is_complete() && parsed.evidence.vm.is_none() {
        parsed.evidence.vm = Some(Box::new(damaged_machine(subject)));
    }
    Ok(parsed)
}

/// The VM of a configuration of which nothing can be read but the id in its name.
fn damaged_machine(subject: &Subject<'_>) -> VmEvidence {
    VmEvidence {
        instance_id: guid_of_name(subject.name),
        opaque: Some(DAMAGED_TEXT.to_owned()),
        ..VmEvidence::of(Platform::Hyperv)
    }
}

fn parsed(file: &HypervFile, subject: &Subject<'_>) -> Parsed {
    let mut evidence = Evidence {
        references: file.references().into_iter().map(reference).collect(),
        marks: file.storage.as_ref().and_then(open_log).into_iter().collect(),
        ..Evidence::default()
    };
    match &file.content {
        Content::Config(config) => {
            evidence.vm = Some(Box::new(VmEvidence {
                previous_paths: file.storage.as_ref().map(previous_paths).unwrap_or_default(),
                ..machine(config, subject)
            }));
            evidence.marks.extend(marks(config));
        }
        Content::Runtime(state) if state.has_saved_state => {
            let text = format!("holds saved memory, {} bytes as listed", state.saved_bytes);
            evidence.marks.push(mark(MarkCode::SavedState, text));
        }
        _ => {}
    }
    Parsed::new(file, evidence, file.anomalies()).damaged_by(file.damage.as_ref())
}

fn previous_paths(storage: &Storage) -> Vec<PreviousReference> {
    let paths = storage.previous_paths.iter();
    paths
        .map(|previous| PreviousReference {
            target: previous.path.clone(),
            key: previous.key.to_string(),
            offset: previous.offset,
        })
        .collect()
}

fn open_log(storage: &Storage) -> Option<Mark> {
    let log = &storage.replay_log;
    let state = match log.state {
        LogState::Absent | LogState::Clean => return None,
        LogState::Replayed => "holds a commit, which was applied in memory",
        LogState::Unusable => "cannot be applied",
    };
    Some(Mark {
        code: MarkCode::OpenLog,
        text: format!("the replay log {state}: in use, or crashed"),
        offset: Some(log.offset),
    })
}

/// Whose configuration it is. A folder `Snapshots` makes it a checkpoint where the content does not say so.
fn machine(config: &HypervConfig, subject: &Subject<'_>) -> VmEvidence {
    let is_checkpoint = config.is_checkpoint || lies_among_checkpoints(subject);
    let of_name = guid_of_name(subject.name);
    let own: Option<Uuid> = [config.vm_id, of_name]
        .into_iter()
        .flatten()
        .find(|id| !is_checkpoint || Some(*id) != config.logical_id);
    VmEvidence {
        name: config.name.clone(),
        instance_id: own.or(config.vm_id).or(of_name),
        checkpoint_of: config
            .logical_id
            .filter(|logical| is_checkpoint && own.is_some_and(|own| own != *logical)),
        checkpoints: config
            .checkpoint_count
            .map_or(0, |count| u64::try_from(count).unwrap_or(0)),
        clustered: config.highly_available == Some(true),
        config_version: config.config_version.clone(),
        opaque: (!config.complete).then(|| DAMAGED_TEXT.to_owned()),
        notes: config.notes.as_deref().map(cut_notes),
        ..VmEvidence::of(Platform::Hyperv)
    }
}

fn lies_among_checkpoints(subject: &Subject<'_>) -> bool {
    subject
        .folder
        .parts()
        .any(|part| part.eq_ignore_ascii_case(CHECKPOINT_FOLDER))
}

fn marks(config: &HypervConfig) -> Vec<Mark> {
    let mut marks = Vec::new();
    if config.disk_merge_pending == Some(true) {
        marks.push(mark(
            MarkCode::MergePending,
            "global_settings/disk_merge_pending is true",
        ));
    }
    let saved = &config.saved_state;
    if let Some(path) = saved.memory.as_ref().or(saved.devices.as_ref())
        && saved.kind.is_some()
    {
        let text = format!("{} names saved memory: {}", path.key, path.path);
        marks.push(mark(MarkCode::SavedState, text));
    }
    if config.security.tpm_enabled == Some(true) {
        marks.push(mark(MarkCode::VirtualTpm, "security/settings/tpm_enabled is true"));
    }
    if config.security.shielding_requested == Some(true) {
        marks.push(mark(
            MarkCode::VirtualTpm,
            "the configuration says that the VM is shielded",
        ));
    }
    for drive in &config.drives {
        if drive.kind == DriveKind::PassThrough {
            let device = drive
                .pathname
                .as_ref()
                .map_or("an unnamed device", |path| path.as_str());
            let text = format!("{} is a physical disk: {device}", drive.key);
            marks.push(mark(MarkCode::RawDevice, text));
        }
    }
    if config.drives.iter().any(|drive| drive.persistent_reservations) {
        let text = "a drive supports persistent reservations: its disk may be attached to other VMs";
        marks.push(mark(MarkCode::Shared, text));
    }
    marks
}

fn reference(path: PathReference) -> Reference {
    Reference {
        role: role(path.role),
        target: path.path,
        key: path.key,
        group: path.group,
        weak: path.weak,
    }
}

fn role(role: PathRole) -> Role {
    match role {
        PathRole::Disk => Role::Disk,
        PathRole::Media => Role::Media,
        PathRole::GuestState => Role::Nvram,
        PathRole::SavedMemory | PathRole::SavedState => Role::SavedState,
        PathRole::SmartPaging => Role::Swap,
        PathRole::ChangeTracking => Role::ChangeTracking,
        PathRole::ReplicationLog => Role::ReplicationState,
        PathRole::Config => Role::Config,
        PathRole::Folder => Role::Folder,
        PathRole::HostFile | PathRole::Other => Role::Other,
    }
}

/// A `.vmgs`.
pub(super) fn guest_state(reader: &FileReader, limits: &Limits) -> Result<Parsed, ParseError> {
    let facts = vmgs::read(reader, limits)?;
    let mut evidence = Evidence::default();
    if facts.has_vtpm == Some(true) {
        let text = "holds a virtual TPM: without it encrypted disks cannot be opened";
        evidence.marks.push(mark(MarkCode::VirtualTpm, text));
    }
    if facts.encrypted {
        evidence.marks.push(mark(MarkCode::Encrypted, "the store is encrypted"));
    }
    Ok(Parsed::new(&facts, evidence, &facts.anomalies).damaged_by(facts.damage.as_ref()))
}

/// A `.hrl`, or a `.hru` that looks like one.
pub(super) fn replica_log(reader: &FileReader) -> Result<Parsed, ParseError> {
    let facts = hrl::read(reader)?;
    let mut evidence = Evidence::default();
    if facts.open {
        evidence.marks.push(Mark {
            offset: Some(44),
            ..mark(MarkCode::OpenLog, "the log was not closed: in use, or crashed")
        });
    }
    Ok(Parsed::new(&facts, evidence, &facts.anomalies).damaged_by(facts.damage.as_ref()))
}

/// A `.vhds`: what it names are the data of the disk.
pub(super) fn disk_set(reader: &FileReader) -> Result<Parsed, ParseError> {
    let facts = vhds::read(reader)?;
    let mut marks = vec![mark(MarkCode::Shared, "a VHD Set may be attached to several VMs")];
    if facts.names.is_empty() && facts.bytes > 0 {
        // A sound one always names its data.
        marks.push(mark(
            MarkCode::Damaged,
            "it names no file of data, as every VHD Set does",
        ));
    }
    let evidence = Evidence {
        references: facts
            .names
            .iter()
            .map(|name| Reference {
                role: Role::Extent,
                target: name.clone(),
                key: "name in the VHD Set".to_owned(),
                group: None,
                weak: false,
            })
            .collect(),
        disk: Some(Box::new(DiskEvidence {
            create_type: Some("vhd-set".to_owned()),
            ..DiskEvidence::default()
        })),
        marks,
        ..Evidence::default()
    };
    Ok(Parsed::new(&facts, evidence, &facts.anomalies))
}
