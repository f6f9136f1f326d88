//! What lies beside VMs.
//!
//! A disk image of another product may stand on a disk of ours, its backing file: that is evidence, for the image cannot
//! be read without it. A package names its disks as well, but it is a copy that its own files make whole; packages, CD and
//! floppy images give facts for people and no evidence, and one that cannot be parsed is a remark and no gap: no VM can be
//! hidden in it.

use std::path::Path;

use derelict_parsers::{
    Anomaly, EncodedText, Limits, ParseError,
    foreign::{self, Foreign},
    qcow2::{self, Qcow2},
    vdi::{self, Vdi, VdiKind},
};
use serde_json::Value;

use super::{Allocated, Parsed, guard_against_panic, mark};
use crate::{
    evidence::{DiskEvidence, Evidence, LinkId, MarkCode, Reference},
    file_reader::FileReader,
    kind::{Kind, Role},
};

/// A disk image of another hypervisor.
pub(super) fn disk(reader: &FileReader, limits: &Limits) -> Result<Parsed, ParseError> {
    let found = foreign::read(reader, limits)?;
    Ok(match &found {
        Some(Foreign::Qcow2(image)) => {
            Parsed::new(&found, qcow2(image), &image.anomalies).damaged_by(image.damage.as_ref())
        }
        Some(Foreign::Vdi(image)) => {
            Parsed::new(&found, vdi(image), &image.anomalies).damaged_by(image.damage.as_ref())
        }
        _ => Parsed::default(),
    })
}

fn qcow2(image: &Qcow2) -> Evidence {
    let backing = image.backing_file.iter().flat_map(files_of_backing);
    let parents = backing.map(|target| reference(Role::Parent, "backing file", target));
    let data = image.data_file.iter().cloned();
    let data = data.map(|target| reference(Role::Extent, "external data file", target));
    let is_open = image.is_dirty.then(|| {
        let text = "the image was not closed: in use, or crashed";
        mark(MarkCode::Unclean, text)
    });
    let is_encrypted = (image.encryption != 0).then(|| mark(MarkCode::Encrypted, "the image is encrypted"));
    Evidence {
        references: parents.chain(data).collect(),
        disk: Some(Box::new(DiskEvidence {
            virtual_bytes: Some(image.virtual_bytes),
            has_parent: image.backing_file.is_some(),
            create_type: Some(if image.version == 1 { "qcow" } else { "qcow2" }.to_owned()),
            ..DiskEvidence::default()
        })),
        marks: is_open.into_iter().chain(is_encrypted).collect(),
        ..Evidence::default()
    }
}

/// What the tables of an image allocate, and why that may be wrong.
pub(super) fn allocation(_: Kind, reader: &FileReader, limits: &Limits) -> Result<Allocated, ParseError> {
    if vdi::has_signature(reader.head()) {
        let told = vdi::allocation(reader, limits)?;
        return Ok(Allocated::new(&told, told.damage.as_ref()));
    }
    let told = qcow2::allocation(reader, limits)?;
    Ok(Allocated::new(&told, told.damage.as_ref()))
}

/// VirtualBox ties the links of a chain by their ids alone; the parent may be a VMDK or VHD.
fn vdi(image: &Vdi) -> Evidence {
    let parent = image.parent_uuid.filter(|id| !id.is_nil());
    Evidence {
        disk: Some(Box::new(DiskEvidence {
            virtual_bytes: Some(image.virtual_bytes),
            link: image.uuid.map(LinkId::Guid),
            has_parent: parent.is_some() || image.kind == VdiKind::Differencing,
            parent_links: parent.map(LinkId::Guid).into_iter().collect(),
            create_type: Some("vdi".to_owned()),
            ..DiskEvidence::default()
        })),
        ..Evidence::default()
    }
}

fn reference(role: Role, key: &str, target: EncodedText) -> Reference {
    Reference {
        role,
        target,
        key: key.to_owned(),
        group: None,
        weak: false,
    }
}

/// Deepest nesting of a backing file written as `json:` that is looked at.
const JSON_DEPTH_MAX: usize = 16;

/// The files that the name of a backing file means: a path, `file:path`, or every `filename` of a `json:` description.
fn files_of_backing(name: &EncodedText) -> Vec<EncodedText> {
    let text = name.as_str();
    if let Some(path) = text.strip_prefix("file:") {
        return vec![EncodedText::new(path.strip_prefix("//").unwrap_or(path))];
    }
    let Some(json) = text.strip_prefix("json:") else {
        return vec![name.clone()];
    };
    let mut found = Vec::new();
    if let Ok(value) = serde_json::from_str(json) {
        file_names(&value, JSON_DEPTH_MAX, &mut found);
    }
    found
}

fn file_names(value: &Value, depth: usize, found: &mut Vec<EncodedText>) {
    let Some(deeper) = depth.checked_sub(1) else { return };
    for (key, value) in value.as_object().into_iter().flatten() {
        match value.as_str() {
            Some(path) if key == "filename" || key.ends_with(".filename") => found.push(EncodedText::new(path)),
            _ => file_names(value, deeper, found),
        }
    }
}

/// A CD or floppy image, an OVF descriptor or manifest, an OVA package.
pub(super) fn media(kind: Kind, reader: &FileReader, limits: &Limits) -> Result<Parsed, ParseError> {
    match foreign::read(reader, limits) {
        Ok(Some(found)) if is_of(kind, &found) => Ok(Parsed::new(&found, Evidence::default(), found.anomalies())),
        Ok(_) => Ok(Parsed::default()),
        Err(error) if error.is_io() => Err(error),
        Err(error) => Ok(Parsed {
            anomalies: vec![Anomaly {
                code: "not-read".to_owned(),
                offset: error.offset(),
                text: error.to_string(),
            }],
            ..Parsed::default()
        }),
    }
}

fn is_of(kind: Kind, found: &Foreign) -> bool {
    match kind {
        Kind::Iso => matches!(found, Foreign::Iso(_)),
        Kind::Floppy => matches!(found, Foreign::Fat(_) | Foreign::Partitions(_)),
        Kind::Ovf => matches!(found, Foreign::Ovf(_) | Foreign::OvfManifest(_)),
        Kind::Ova => matches!(found, Foreign::Ova(_)),
        _ => false,
    }
}

/// What the bytes of a file say that is no artifact, or whose kind says nothing of them: a raw disk, an image of another
/// product. For the one who asks for this file; a scan does not look.
///
/// # Errors
/// Why it could not be opened, read or parsed, as one sentence.
pub fn contents(path: &Path) -> Result<Option<Foreign>, String> {
    let reader = FileReader::open(path).map_err(|error| error.to_string())?;
    guard_against_panic(|| foreign::read(&reader, &Limits::default())).map_err(|error| error.to_string())
}
