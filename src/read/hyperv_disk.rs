//! Facts of VHDX and VHD disks in the words of the evidence.

use derelict_parsers::{DiskKind, EncodedText, Limits, ParseError, vhd, vhdx, windows_path};

use super::{Allocated, Parsed, mark};
use crate::{
    evidence::{DiskEvidence, Evidence, LinkId, Mark, MarkCode, Reference},
    file_reader::FileReader,
    kind::{Kind, Role},
};

/// What the block table of a disk allocates, and why that may be wrong.
pub(super) fn allocation(kind: Kind, reader: &FileReader, limits: &Limits) -> Result<Allocated, ParseError> {
    let told = if matches!(kind, Kind::Vhdx | Kind::Avhdx) {
        vhdx::allocation(reader, limits)?
    } else {
        vhd::allocation(reader, limits)?
    };
    Ok(Allocated::new(&told, told.damage.as_ref()))
}

/// The paths of a parent are ways to one file: all of a disk are in this group.
const PARENT_GROUP: u32 = 0;

/// A `.vhdx` or `.avhdx`.
pub(super) fn vhdx_disk(reader: &FileReader, limits: &Limits) -> Result<Parsed, ParseError> {
    let facts = vhdx::read(reader, limits)?;
    let evidence = Evidence {
        references: facts.parent.as_ref().map(parents).unwrap_or_default(),
        disk: Some(Box::new(DiskEvidence {
            virtual_bytes: facts.virtual_bytes,
            link: Some(LinkId::Guid(facts.data_write_guid)),
            has_parent: facts.may_have_parent(),
            parent_links: facts
                .parent
                .iter()
                .flat_map(vhdx::ParentLocator::linkages)
                .map(LinkId::Guid)
                .collect(),
            disk_id: facts.disk_id.map(|id| id.simple().to_string()),
            create_type: facts.kind.map(|kind| kind.as_str().to_owned()),
            ..DiskEvidence::default()
        })),
        marks: vhdx_marks(&facts),
        ..Evidence::default()
    };
    Ok(Parsed::new(&facts, evidence, &facts.anomalies).damaged_by(facts.damage.as_ref()))
}

fn vhdx_marks(facts: &vhdx::Vhdx) -> Vec<Mark> {
    let mut marks = Vec::new();
    if let Some(log) = facts.log_guid {
        let state = match facts.log_state {
            vhdx::LogState::Clean => "holds nothing",
            vhdx::LogState::Replayable { .. } => "holds updates",
            vhdx::LogState::NoValidRun => "cannot be replayed",
        };
        marks.push(mark(
            MarkCode::OpenLog,
            format!("the log {log} is open and {state}: in use, or crashed"),
        ));
    }
    if facts.incomplete {
        marks.push(mark(
            MarkCode::Incomplete,
            "its creation or conversion was not finished",
        ));
    }
    marks
}

/// Ways to the parent, best first. A locator of a foreign type has none of the known keys: there every value that names
/// a disk is one.
fn parents(locator: &vhdx::ParentLocator) -> Vec<Reference> {
    let known = locator.paths().map(|(key, path)| parent(key, path));
    let foreign = locator
        .others
        .iter()
        .filter(|pair| windows_path::has_known_extension(pair.value.as_str()))
        .map(|pair| parent(pair.key.as_str(), &pair.value));
    known.chain(foreign).collect()
}

fn parent(key: &str, path: &EncodedText) -> Reference {
    Reference {
        role: Role::Parent,
        target: path.clone(),
        key: format!("parent locator {key}"),
        group: Some(PARENT_GROUP),
        weak: false,
    }
}

/// A `.vhd`, `.avhd` or `.vhdpmem`.
pub(super) fn vhd_disk(reader: &FileReader, limits: &Limits) -> Result<Parsed, ParseError> {
    let facts = vhd::read(reader, limits)?;
    let parent_of = |(place, path): (&str, &EncodedText)| parent(place, path);
    let evidence = Evidence {
        references: facts
            .parent
            .iter()
            .flat_map(|parent| parent.paths().map(parent_of))
            .collect(),
        disk: Some(Box::new(DiskEvidence {
            virtual_bytes: facts.virtual_bytes,
            link: facts.unique_id.map(LinkId::Guid),
            has_parent: facts.kind == DiskKind::Differencing,
            parent_links: facts
                .parent
                .iter()
                .filter_map(|parent| parent.unique_id)
                .map(LinkId::Guid)
                .collect(),
            create_type: Some(facts.kind.as_str().to_owned()),
            creator: facts.creator.as_deref().map(|creator| creator.trim().to_owned()),
            ..DiskEvidence::default()
        })),
        ..Evidence::default()
    };
    Ok(Parsed::new(&facts, evidence, &facts.anomalies).damaged_by(facts.damage.as_ref()))
}
