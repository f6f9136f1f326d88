//! Object tables: the list of everything else in the file. The root table may chain to further ones.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    Budget,
    format::{
        MAX_TABLES, OBJECT_ENTRY_LENGTH, OBJECT_TABLE_HEADER, OBJECT_TABLE_SIGNATURE, ROOT_OBJECT_TABLE,
        crc32_with_zeroed, object_type,
    },
};
use crate::{
    bytes::Cursor,
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    read_at::ReadAt,
};

const WHAT: &str = "VMCX object table";
const ENTRY: &str = "VMCX object table entry";

/// A region of the file that an object table lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    /// From the start of the file, in bytes.
    pub(super) offset: u64,
    /// In bytes, rounded up to the alignment.
    pub(super) size: u64,
}

/// What the object tables list.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Key tables in the order of the list.
    pub(super) key_tables: Vec<Region>,
    /// Size of each file object by its offset.
    pub(super) file_objects: BTreeMap<u64, u64>,
    /// Free space.
    pub(super) free: Vec<Region>,
}

/// Reads the root object table and all that it chains to.
///
/// The root table has to be sound; damage of an entry or of a chained table is an anomaly.
pub(super) fn read<R: ReadAt + ?Sized>(source: &R, budget: &mut Budget, findings: &mut Findings) -> Result<Listing> {
    let mut objects = Listing::default();
    let mut chained = VecDeque::new();
    let mut visited = BTreeSet::from([ROOT_OBJECT_TABLE]);
    let root = read_table(source, ROOT_OBJECT_TABLE, None, budget)?;
    sort_entries(&root, ROOT_OBJECT_TABLE, &mut objects, &mut chained, findings);
    while let Some(next) = chained.pop_front() {
        if !visited.insert(next.offset) {
            findings.damage(Anomaly::at(
                "object-table-loop",
                next.offset,
                "an object table is chained to twice",
            ));
            continue;
        }
        if visited.len() > MAX_TABLES {
            findings.damage(Anomaly::new(
                "too-many-tables",
                "more object tables than a file can have",
            ));
            break;
        }
        let table = read_table(source, next.offset, Some(next.size), budget);
        if let Some(bytes) = findings.tolerate("object-table-bad", table)? {
            sort_entries(&bytes, next.offset, &mut objects, &mut chained, findings);
        }
    }
    Ok(objects)
}

/// The bytes of one table, as many as its entry count says.
fn read_table<R: ReadAt + ?Sized>(source: &R, offset: u64, size: Option<u64>, budget: &mut Budget) -> Result<Vec<u8>> {
    let head = source.exact(WHAT, offset, OBJECT_TABLE_HEADER)?;
    let cursor = Cursor::new(WHAT, offset, &head);
    cursor.signature(0, &OBJECT_TABLE_SIGNATURE, "01 00 11 01")?;
    let count = u64::from(cursor.u32_le(4)?);
    let room = size.unwrap_or(u64::MAX).min(source.len().saturating_sub(offset));
    let limit = room.saturating_sub(OBJECT_TABLE_HEADER) / OBJECT_ENTRY_LENGTH;
    if count > limit {
        return Err(ParseError::OutOfBounds {
            what: "VMCX object table entry count",
            offset: cursor.position(4),
            value: count,
            limit,
        });
    }
    let length = count
        .saturating_mul(OBJECT_ENTRY_LENGTH)
        .saturating_add(OBJECT_TABLE_HEADER);
    budget.spend(WHAT, length)?;
    source.exact(WHAT, offset, length)
}

/// Puts each entry of a table where it belongs.
fn sort_entries(
    table: &[u8],
    offset: u64,
    objects: &mut Listing,
    chained: &mut VecDeque<Region>,
    findings: &mut Findings,
) {
    let header = usize::try_from(OBJECT_TABLE_HEADER).unwrap_or(usize::MAX);
    let length = usize::try_from(OBJECT_ENTRY_LENGTH).unwrap_or(usize::MAX);
    let mut at = offset.saturating_add(OBJECT_TABLE_HEADER);
    for bytes in table.get(header..).unwrap_or_default().chunks_exact(length) {
        match parse_entry(&Cursor::new(ENTRY, at, bytes)) {
            Err(error) => findings.damage(Anomaly::at("object-entry-bad", at, error.to_string())),
            Ok((object_type::EMPTY, _)) => {}
            Ok((object_type::OBJECT_TABLE, region)) => chained.push_back(region),
            Ok((object_type::KEY_TABLE, region)) => objects.key_tables.push(region),
            Ok((object_type::FILE_OBJECT, region)) => {
                objects.file_objects.insert(region.offset, region.size);
            }
            Ok((object_type::FREE_SPACE, region)) => objects.free.push(region),
            Ok((other, region)) => findings.note(Anomaly::at(
                "object-type-unknown",
                at,
                format!(
                    "object of unknown type {other} at {:#x}, {} bytes",
                    region.offset, region.size
                ),
            )),
        }
        at = at.saturating_add(OBJECT_ENTRY_LENGTH);
    }
}

/// Type and place of one entry. The flags at byte 17 tell nothing: one writer leaves them 0 on entries in use.
fn parse_entry(cursor: &Cursor<'_>) -> Result<(u8, Region)> {
    let stored = cursor.u32_le(1)?;
    let computed = crc32_with_zeroed(cursor.bytes(), 1);
    if stored != computed {
        return Err(ParseError::ChecksumMismatch {
            what: ENTRY,
            offset: cursor.base(),
            stored,
            computed,
        });
    }
    let region = Region {
        offset: cursor.u64_le(5)?,
        size: cursor.u32_le(13)?.into(),
    };
    Ok((cursor.u8(0)?, region))
}
