//! Region table (MS-VHDX 2.2.3): where BAT and metadata are.
//!
//! The table exists twice. Copy 1 is taken when it is sound, else copy 2. An entry that cannot be is noted and left
//! out; an unknown region that is marked as required is noted, and the known ones are read nevertheless.

use std::borrow::Cow;

use uuid::Uuid;

use super::{
    OtherRegion, Region, code,
    format::{
        BAT_REGION_GUID, HEADER_AREA_BYTES, METADATA_REGION_GUID, REGION_ALIGNMENT_BYTES, REGION_TABLE_BYTES,
        REGION_TABLE_ENTRY_BYTES, REGION_TABLE_HEADER_BYTES, REGION_TABLE_MAX_ENTRY_COUNT, REGION_TABLE_OFFSETS,
        REGION_TABLE_SIGNATURE,
    },
    header::{ParsedHeader, check_sum},
};
use crate::{
    bytes::Cursor,
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    read_at::ReadAt,
};

const TABLE: &str = "VHDX region table";
const ENTRY: &str = "VHDX region table entry";
const KNOWN_REGIONS: [Uuid; 2] = [BAT_REGION_GUID, METADATA_REGION_GUID];

/// One entry of the table as it stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RegionTableEntry {
    /// Where the entry stands, bytes from the start of the file.
    place: u64,
    id: Uuid,
    file_offset: u64,
    length_bytes: u32,
    required: bool,
}

/// A region whose place was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ParsedRegion {
    id: Uuid,
    place: u64,
    /// Bytes from the start of the file.
    pub(super) offset: u64,
    pub(super) length: u64,
    /// The byte after it; no overflow, checked.
    end: u64,
}

impl ParsedRegion {
    /// Where it is.
    pub(super) fn place(&self) -> Region {
        Region {
            offset_bytes: self.offset,
            length_bytes: self.length,
        }
    }
}

/// The regions of a file that can be.
#[derive(Debug, Default)]
pub(super) struct Regions(Vec<ParsedRegion>);

impl Regions {
    pub(super) fn metadata(&self) -> Option<&ParsedRegion> {
        self.find(METADATA_REGION_GUID)
    }

    pub(super) fn bat(&self) -> Option<&ParsedRegion> {
        self.find(BAT_REGION_GUID)
    }

    /// Those that nobody knows.
    pub(super) fn others(&self) -> impl Iterator<Item = OtherRegion> {
        let others = self.0.iter().filter(|region| !KNOWN_REGIONS.contains(&region.id));
        others.map(|region| OtherRegion {
            id: region.id,
            region: region.place(),
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ParsedRegion> {
        self.0.iter()
    }

    fn find(&self, id: Uuid) -> Option<&ParsedRegion> {
        self.0.iter().find(|region| region.id == id)
    }
}

/// Where BAT, metadata and whatever else there is are; empty where neither table tells, which is then noted as damage.
pub(super) fn read(source: &impl ReadAt, header: &ParsedHeader, findings: &mut Findings) -> Result<Regions> {
    let Some(entries) = read_either(source, findings)? else {
        return Ok(Regions::default());
    };
    let mut regions = Vec::new();
    for entry in entries {
        if entry.required && !KNOWN_REGIONS.contains(&entry.id) {
            let text = format!("region {} is required and unknown", entry.id);
            findings.damage(Anomaly::at(code::REGION_UNKNOWN_REQUIRED, entry.place, text));
        }
        let checked = findings.tolerate(code::REGION_INVALID, check(entry))?;
        regions.extend(checked);
    }
    note_missing(&regions, findings);
    note_beyond_end(&regions, source.len(), findings);
    note_overlaps(&regions, header, findings);
    Ok(Regions(regions))
}

fn read_either(source: &impl ReadAt, findings: &mut Findings) -> Result<Option<Vec<RegionTableEntry>>> {
    let copies = REGION_TABLE_OFFSETS.map(|offset| Ok((offset, source.exact(TABLE, offset, REGION_TABLE_BYTES)?)));
    let entries = |copy: &Result<(u64, Cow<'_, [u8]>)>| {
        let (offset, bytes) = copy.as_ref().map_err(Clone::clone)?;
        read_copy(&Cursor::new(TABLE, *offset, bytes))
    };
    let [first, second] = &copies;
    let read = entries(first);
    // Copies of the same bytes have the same checksum and say the same.
    if let (Ok(_), Ok((_, one)), Ok((_, other))) = (&read, first, second)
        && one == other
    {
        return read.map(Some);
    }
    match (read, entries(second)) {
        (Ok(first), Ok(second)) => {
            note_difference(&first, &second, findings);
            Ok(Some(first))
        }
        (Ok(table), Err(error)) | (Err(error), Ok(table)) => {
            findings.note_fault(code::REGION_TABLE_COPY_BAD, error)?;
            Ok(Some(table))
        }
        (Err(first), Err(second)) => {
            findings.tolerate::<()>(code::REGION_TABLES_BAD, Err(first))?;
            findings.tolerate::<()>(code::REGION_TABLES_BAD, Err(second))?;
            Ok(None)
        }
    }
}

fn note_difference(first: &[RegionTableEntry], second: &[RegionTableEntry], findings: &mut Findings) {
    let facts = |entry: &RegionTableEntry| (entry.id, entry.file_offset, entry.length_bytes, entry.required);
    if !first.iter().map(facts).eq(second.iter().map(facts)) {
        let [_, offset] = REGION_TABLE_OFFSETS;
        let text = "the two region tables differ: an update was interrupted; the first is taken";
        findings.note(Anomaly::at(code::REGION_TABLES_DIFFER, offset, text));
    }
}

/// The entries of one copy. An id that occurs twice makes the copy bad: MS-VHDX 2.2.3.2 forbids it.
fn read_copy(cursor: &Cursor<'_>) -> Result<Vec<RegionTableEntry>> {
    cursor.signature(0, REGION_TABLE_SIGNATURE, "regi")?;
    check_sum(cursor)?;
    let count = cursor.u32_le(8)?;
    if count > REGION_TABLE_MAX_ENTRY_COUNT {
        return Err(ParseError::OutOfBounds {
            what: "VHDX region table entry count",
            offset: cursor.position(8),
            value: count.into(),
            limit: REGION_TABLE_MAX_ENTRY_COUNT.into(),
        });
    }
    let rest = cursor.slice(
        REGION_TABLE_HEADER_BYTES,
        cursor.len().saturating_sub(REGION_TABLE_HEADER_BYTES),
    )?;
    let mut entries = Vec::new();
    let mut place = cursor.position(REGION_TABLE_HEADER_BYTES);
    for (raw, _) in rest.chunks_exact(REGION_TABLE_ENTRY_BYTES).zip(0..count) {
        entries.push(read_entry(&Cursor::new(ENTRY, place, raw))?);
        place = place.saturating_add(32);
    }
    check_duplicates(&entries)?;
    Ok(entries)
}

fn read_entry(cursor: &Cursor<'_>) -> Result<RegionTableEntry> {
    Ok(RegionTableEntry {
        place: cursor.base(),
        id: cursor.guid(0)?,
        file_offset: cursor.u64_le(16)?,
        length_bytes: cursor.u32_le(24)?,
        required: cursor.u32_le(28)? & 1 != 0,
    })
}

fn check_duplicates(entries: &[RegionTableEntry]) -> Result<()> {
    let mut sorted: Vec<_> = entries.iter().map(|entry| (entry.id, entry.place)).collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| matches!(pair, [a, b] if a.0 == b.0)) {
        Some([_, (id, place)]) => Err(ParseError::Malformed {
            what: ENTRY,
            offset: *place,
            detail: format!("region {id} is listed twice"),
        }),
        _ => Ok(()),
    }
}

fn check(entry: RegionTableEntry) -> Result<ParsedRegion> {
    let malformed = |detail: String| ParseError::Malformed {
        what: ENTRY,
        offset: entry.place,
        detail,
    };
    let length = u64::from(entry.length_bytes);
    let aligned = |value: u64| value.is_multiple_of(REGION_ALIGNMENT_BYTES);
    if entry.file_offset < HEADER_AREA_BYTES || !aligned(entry.file_offset) {
        return Err(malformed(format!(
            "offset {:#x} is not a MiB after the first",
            entry.file_offset
        )));
    }
    if length == 0 || !aligned(length) {
        return Err(malformed(format!("length {length:#x} is not in whole MiB")));
    }
    let end = entry
        .file_offset
        .checked_add(length)
        .ok_or_else(|| malformed(format!("offset {:#x} overflows", entry.file_offset)))?;
    Ok(ParsedRegion {
        id: entry.id,
        place: entry.place,
        offset: entry.file_offset,
        length,
        end,
    })
}

fn note_missing(regions: &[ParsedRegion], findings: &mut Findings) {
    for (id, name) in [(BAT_REGION_GUID, "BAT"), (METADATA_REGION_GUID, "metadata")] {
        if !regions.iter().any(|region| region.id == id) {
            let [offset, _] = REGION_TABLE_OFFSETS;
            let text = format!("the region table names no usable {name} region");
            findings.damage(Anomaly::at(code::REGION_MISSING, offset, text));
        }
    }
}

fn note_beyond_end(regions: &[ParsedRegion], length: u64, findings: &mut Findings) {
    for region in regions.iter().filter(|region| region.end > length) {
        let text = format!(
            "region {} ends at {:#x}, the file at {length:#x}: truncated",
            region.id, region.end
        );
        findings.damage(Anomaly::at(code::REGION_BEYOND_END, region.place, text));
    }
}

fn note_overlaps(regions: &[ParsedRegion], header: &ParsedHeader, findings: &mut Findings) {
    let log_end = header.log_offset.saturating_add(header.log_bytes);
    let mut spans: Vec<_> = regions.iter().map(|region| (region.offset, region.end)).collect();
    if header.log_bytes > 0 {
        spans.push((header.log_offset, log_end));
    }
    spans.sort_unstable();
    for pair in spans.windows(2) {
        if let [(_, end), (start, _)] = pair
            && start < end
        {
            let text = format!("two regions, or a region and the log, overlap at {start:#x}");
            findings.damage(Anomaly::at(code::REGION_OVERLAP, *start, text));
        }
    }
}
