//! Facts of VMDKs in the words of the evidence.

use derelict_parsers::{
    Anomaly, Limits, ParseError, ReadAt,
    charset::NAMES_UNKNOWN,
    vmdk::{self, Descriptor, Extent, Vmdk},
};

use super::{Allocated, Parsed, mark, vmware::references};
use crate::{
    evidence::{DiskEvidence, Evidence, LinkId, Mark, MarkCode},
    file_reader::FileReader,
    kind::Kind,
};

/// `CID` and `parentCID` that say "none".
const NO_CID: u32 = u32::MAX;

/// A file without any signature is a flat extent from this length on; a shorter one that is called like a descriptor is
/// a damaged descriptor.
const RAW_DESCRIPTOR_MAX_BYTES: u64 = 1 << 20;

/// Anomalies after which data or references may be missing; the others leave the facts whole.
const DAMAGE: [&str; 14] = [
    "bad-geometry",
    "capacity-overflow",
    "cut-off",
    "descriptor-beyond-end",
    "descriptor-unreadable",
    "footer-missing",
    "gd-beyond-end",
    "journal-beyond-end",
    NAMES_UNKNOWN,
    "no-extents",
    "shorter-than-overhead",
    "text-mode-damage",
    "unknown-version",
    "volatile-header-bad",
];

/// Any `.vmdk`. `kind` is what name and signature say.
pub(super) fn disk(kind: Kind, reader: &FileReader, limits: &Limits) -> Result<Parsed, ParseError> {
    let facts = vmdk::read(reader, limits)?;
    if facts == Vmdk::Raw {
        return Ok(raw(kind, reader));
    }
    let mut evidence = Evidence {
        references: references(&facts.references()),
        disk: facts.descriptor().map(|descriptor| Box::new(link(&facts, descriptor))),
        ..Evidence::default()
    };
    if facts.is_unclean() {
        evidence
            .marks
            .push(mark(MarkCode::Unclean, "the extent was not closed: in use, or crashed"));
    }
    if let Some(descriptor) = facts.descriptor() {
        evidence.marks.extend(marks(descriptor));
    }
    let anomalies = facts.anomalies();
    let damage = anomalies.iter().find(|anomaly| DAMAGE.contains(&anomaly.code.as_str()));
    let mut parsed = Parsed::new(&facts, evidence, &anomalies).damaged_by(damage);
    parsed.kind = exact_kind(kind, &facts);
    Ok(parsed)
}

/// What the grain tables of an extent allocate, and why that may be wrong.
pub(super) fn allocation(_: Kind, reader: &FileReader, limits: &Limits) -> Result<Allocated, ParseError> {
    let told = vmdk::allocation::read(reader, &vmdk::read(reader, limits)?)?;
    let damage = told.as_ref().and_then(|told| told.damage.as_ref());
    Ok(Allocated::new(&told, damage))
}

/// No signature and no descriptor: a flat extent, unless the name promises something else.
fn raw(kind: Kind, reader: &FileReader) -> Parsed {
    let mut parsed = Parsed::default();
    match kind {
        Kind::VmdkFlat | Kind::VmdkRdm | Kind::VmdkDigest => {}
        Kind::VmdkDescriptor if reader.len() > RAW_DESCRIPTOR_MAX_BYTES => parsed.kind = Some(Kind::VmdkFlat),
        _ => {
            let text = "neither the signature of a VMDK nor a descriptor";
            return parsed.damaged_by(Some(&Anomaly::at("no-signature", 0, text)));
        }
    }
    parsed
}

fn exact_kind(kind: Kind, facts: &Vmdk) -> Option<Kind> {
    match facts {
        Vmdk::Sparse(extent) if extent.header.is_stream() => Some(Kind::VmdkStream),
        Vmdk::Sparse(_) => Some(Kind::VmdkSparse),
        Vmdk::Descriptor(_) if kind != Kind::VmdkDigest => Some(Kind::VmdkDescriptor),
        _ => None,
    }
}

fn link(facts: &Vmdk, descriptor: &Descriptor) -> DiskEvidence {
    let has_parent = descriptor.has_parent();
    let parent_cid = descriptor.parent_cid.filter(|cid| has_parent && *cid != NO_CID);
    let virtualbox = descriptor.database().virtualbox;
    let parent_image = virtualbox.as_ref().and_then(|ids| ids.parent);
    let parent_links = parent_cid.map(LinkId::Cid).into_iter();
    DiskEvidence {
        virtual_bytes: facts.virtual_bytes(),
        link: descriptor.cid.map(LinkId::Cid),
        has_parent,
        parent_links: parent_links.chain(parent_image.map(LinkId::Guid)).collect(),
        image_id: virtualbox.and_then(|ids| ids.image),
        disk_id: descriptor.disk_uuid(),
        content_id: descriptor.long_content_id(),
        create_type: descriptor.create_type.as_deref().map(str::to_owned),
        fcd_id: descriptor.fcd_id(),
        creator: None,
        is_torn: descriptor.anomalies.iter().any(|anomaly| anomaly.code == vmdk::TORN),
    }
}

fn marks(descriptor: &Descriptor) -> Vec<Mark> {
    let mut marks = Vec::new();
    if descriptor.deletable() == Some(false) {
        marks.push(mark(MarkCode::ProtectedByDescriptor, "ddb.deletable is \"false\""));
    }
    if descriptor.is_encrypted {
        marks.push(mark(
            MarkCode::Encrypted,
            "the descriptor names an encryption key or filter",
        ));
    }
    if descriptor.is_raw_device() {
        marks.push(mark(
            MarkCode::RawDevice,
            "a raw device map or a physical disk: the data are on the device behind it",
        ));
    }
    if let Some(object) = descriptor.extents.iter().find_map(Extent::object) {
        let text = format!("its data are an object, {object}, and no file");
        marks.push(mark(MarkCode::ObjectBacked, text));
    }
    marks
}
