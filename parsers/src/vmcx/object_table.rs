//! Object tables: the list of everything else in the file. The root table may chain to further ones.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use super::{
    Budget,
    format::{
        EMPTY_OBJECT_ENTRY, GROUP, MAX_TABLES, OBJECT_ENTRY_LENGTH, OBJECT_TABLE_HEADER, OBJECT_TABLE_SIGNATURE,
        ROOT_OBJECT_TABLE, crc32_with_zeroed, object_type, used_entries,
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
fn read_table<'s, R: ReadAt + ?Sized>(
    source: &'s R,
    offset: u64,
    size: Option<u64>,
    budget: &mut Budget,
) -> Result<Cow<'s, [u8]>> {
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
    let (entries, _) = table.get(header..).unwrap_or_default().as_chunks();
    for (number, bytes) in used_entries(entries, &[EMPTY_OBJECT_ENTRY; GROUP]) {
        let before = u64::try_from(number)
            .unwrap_or(u64::MAX)
            .saturating_mul(OBJECT_ENTRY_LENGTH);
        let at = offset.saturating_add(OBJECT_TABLE_HEADER).saturating_add(before);
        match parse_entry(&Cursor::new(ENTRY, at, bytes)) {
            Err(error) => findings.damage_with(|| Anomaly::at("object-entry-bad", at, error.to_string())),
            Ok((object_type::EMPTY, _)) => {}
            Ok((object_type::OBJECT_TABLE, region)) => chained.push_back(region),
            Ok((object_type::KEY_TABLE, region)) => objects.key_tables.push(region),
            Ok((object_type::FILE_OBJECT, region)) => {
                objects.file_objects.insert(region.offset, region.size);
            }
            Ok((object_type::FREE_SPACE, region)) => objects.free.push(region),
            Ok((other, region)) => findings.note_with(|| {
                let text = format!(
                    "object of unknown type {other} at {:#x}, {} bytes",
                    region.offset, region.size
                );
                Anomaly::at("object-type-unknown", at, text)
            }),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        limits::Limits,
        testkit::vmcx::{ContainerBuilder, seal},
        vmcx::Key,
    };

    fn file() -> Vec<u8> {
        ContainerBuilder::new([Key::leaf("text", "x".repeat(2000).as_str())]).build()
    }

    fn read_tables(file: &[u8]) -> (Result<Listing>, Vec<Anomaly>) {
        let mut findings = Findings::default();
        let listing = read(
            file,
            &mut Budget::new(&Limits::default(), ReadAt::len(file)),
            &mut findings,
        );
        (listing, findings.into_anomalies())
    }

    /// Writes a sealed entry into a slot of the root table.
    fn with_entry(mut file: Vec<u8>, slot: usize, kind: u8, offset: u64, size: u32) -> Vec<u8> {
        let at = 0x2008 + 18 * slot;
        let entry = &mut file[at..at + 18];
        entry[0] = kind;
        entry[5..13].copy_from_slice(&offset.to_le_bytes());
        entry[13..17].copy_from_slice(&size.to_le_bytes());
        seal(entry, 1);
        file
    }

    #[test]
    fn lists_key_tables_and_file_objects() {
        let (listing, anomalies) = read_tables(&file());
        let listing = listing.unwrap();
        assert_eq!(
            listing.key_tables,
            [Region {
                offset: 0x4000,
                size: 0x1000
            }]
        );
        assert_eq!(listing.file_objects, BTreeMap::from([(0x5000, 0x1000)]));
        assert_eq!(anomalies, []);
    }

    #[test]
    fn an_entry_without_the_flag_of_use_counts() {
        let mut file = file();
        file[0x2008 + 17] = 0;
        seal(&mut file[0x2008..0x201a], 1);
        assert_eq!(read_tables(&file).0.unwrap().key_tables.len(), 1);
    }

    #[test]
    fn a_root_table_without_its_signature_is_an_error() {
        let mut file = file();
        file[0x2000] = 2;
        assert_eq!(
            read_tables(&file).0.unwrap_err(),
            ParseError::BadSignature {
                what: "VMCX object table",
                offset: 0x2000,
                expected: "01 00 11 01",
                found: "02 00 11 01".to_owned()
            }
        );
    }

    #[test]
    fn a_count_beyond_the_file_is_refused_before_anything_is_read() {
        let mut file = file();
        let limit = (u64::try_from(file.len()).unwrap() - 0x2008) / 18;
        file[0x2004..0x2008].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(
            read_tables(&file).0.unwrap_err(),
            ParseError::OutOfBounds {
                what: "VMCX object table entry count",
                offset: 0x2004,
                value: u32::MAX.into(),
                limit
            }
        );
    }

    #[test]
    fn an_entry_with_a_wrong_checksum_is_damage() {
        let mut file = file();
        file[0x2008 + 18 + 5] ^= 1;
        let (listing, anomalies) = read_tables(&file);
        assert_eq!(listing.unwrap().file_objects, BTreeMap::new());
        assert_eq!(
            (anomalies[0].code.as_str(), anomalies[0].offset),
            ("object-entry-bad", Some(0x201a))
        );
    }

    #[test]
    fn chained_tables_are_followed() {
        let keys: Vec<_> = (0..300).map(|n| Key::leaf(format!("k{n}"), vec![7; 0x800])).collect();
        let (listing, anomalies) = read_tables(&ContainerBuilder::new(keys).build());
        assert_eq!(listing.unwrap().file_objects.len(), 300, "226 fit the root table");
        assert_eq!(anomalies, []);
    }

    #[test]
    fn a_chain_that_comes_back_ends() {
        let (listing, anomalies) = read_tables(&with_entry(file(), 226, 1, 0x2000, 0x1000));
        assert_eq!(listing.unwrap().key_tables.len(), 1);
        assert_eq!(
            (anomalies[0].code.as_str(), anomalies[0].offset),
            ("object-table-loop", Some(0x2000))
        );
    }

    #[test]
    fn a_chained_table_that_is_none_leaves_the_rest() {
        let (listing, anomalies) = read_tables(&with_entry(file(), 226, 1, 0x4000, 0x1000));
        assert_eq!(listing.unwrap().key_tables.len(), 1);
        assert_eq!(
            (anomalies[0].code.as_str(), anomalies[0].offset),
            ("object-table-bad", Some(0x4000))
        );
        let (_, anomalies) = read_tables(&with_entry(file(), 226, 1, u64::MAX - 1, 0x1000));
        assert_eq!(anomalies[0].offset, Some(u64::MAX - 1));
    }

    #[test]
    fn an_unknown_type_is_noted_and_passed_over() {
        let (listing, anomalies) = read_tables(&with_entry(file(), 5, 7, 0x8000, 0x1000));
        assert_eq!(listing.unwrap().key_tables.len(), 1);
        assert_eq!(
            (anomalies[0].code.as_str(), anomalies[0].offset),
            ("object-type-unknown", Some(0x2062))
        );
    }
}
