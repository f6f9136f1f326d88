//! Key tables: the keys with their values, each naming its parent by table and offset.
//!
//! Of several tables with one index the one with the highest sequence counts. A damaged entry costs that entry, a
//! damaged size the rest of its table; an entry whose checksum alone is wrong is kept, since a path in it may be right,
//! and the result is marked as incomplete.

use std::collections::{BTreeMap, btree_map::Entry};

use super::{
    Budget,
    format::{
        KEY_ENTRY_HEADER, KEY_FLAG_FILE_OBJECT, KEY_TABLE_HEADER, KEY_TABLE_SIGNATURE, MAX_TABLES, crc32_with_zeroed,
        is_newer, key_type,
    },
    object_table::{Listing, Region},
    tree::{Stored, StoredKind, Value},
};
use crate::{
    bytes::Cursor,
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
    text::EncodedText,
    utf16,
};

const TABLE: &str = "VMCX key table";
const ENTRY: &str = "VMCX key table entry";
const FILE_OBJECT: &str = "VMCX file object";

/// Where a key stands: index of its table and offset in it. Index 0 is no table but the root.
pub(super) type KeyPlace = (u16, u32);

/// One key as its table has it, not yet linked to its parent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KeyEntry {
    /// From the start of the file, in bytes.
    pub(super) offset: u64,
    pub(super) place: KeyPlace,
    pub(super) parent: KeyPlace,
    /// Order among siblings.
    pub(super) insertion: u32,
    pub(super) name: String,
    pub(super) value: Value,
}

/// One table that was chosen or passed over.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    region: Region,
    sequence: u16,
    /// The checksum of the header is right.
    sound: bool,
}

/// The keys of all tables, and the tables that newer ones replace.
#[derive(Debug, Default)]
pub(super) struct KeyTables {
    /// In the order of the tables' indexes, then of the offsets.
    pub(super) entries: Vec<KeyEntry>,
    /// Number of tables read.
    pub(super) count: usize,
    /// Older tables of the same index.
    pub(super) replaced: Vec<Region>,
}

/// Reads every key table in force.
pub(super) fn read<R: ReadAt + ?Sized>(
    source: &R,
    objects: &Listing,
    limits: &Limits,
    budget: &mut Budget,
    findings: &mut Findings,
) -> Result<KeyTables> {
    let mut tables = KeyTables::default();
    for (index, candidate) in choose(source, objects, &mut tables.replaced, findings)? {
        let Region { offset, size } = candidate.region;
        let bytes = budget
            .spend(TABLE, size)
            .and_then(|()| source.exact(TABLE, offset, size));
        let Some(bytes) = findings.tolerate("key-table-bad", bytes)? else {
            continue;
        };
        tables.count = tables.count.saturating_add(1);
        read_entries(&bytes, offset, index, limits, &mut tables.entries, findings);
    }
    load_strings(source, objects, &mut tables.entries, limits, budget, findings)?;
    Ok(tables)
}

/// The table in force for each index.
fn choose<R: ReadAt + ?Sized>(
    source: &R,
    objects: &Listing,
    replaced: &mut Vec<Region>,
    findings: &mut Findings,
) -> Result<BTreeMap<u16, Candidate>> {
    let mut chosen = BTreeMap::<u16, Candidate>::new();
    if objects.key_tables.len() > MAX_TABLES {
        findings.damage(Anomaly::new("too-many-tables", "more key tables than a file can have"));
    }
    for region in objects.key_tables.iter().take(MAX_TABLES) {
        let header = read_header(source, *region, findings);
        let Some((index, candidate)) = findings.tolerate("key-table-bad", header)? else {
            continue;
        };
        match chosen.entry(index) {
            Entry::Vacant(slot) => {
                slot.insert(candidate);
            }
            Entry::Occupied(mut slot) => {
                let loser = if is_better(&candidate, slot.get()) {
                    slot.insert(candidate)
                } else {
                    candidate
                };
                findings.note(Anomaly::at(
                    "key-table-replaced",
                    loser.region.offset,
                    format!(
                        "key table {index} with sequence {} is replaced by a newer one",
                        loser.sequence
                    ),
                ));
                replaced.push(loser.region);
            }
        }
    }
    Ok(chosen)
}

fn is_better(a: &Candidate, b: &Candidate) -> bool {
    if a.sound == b.sound {
        is_newer(a.sequence, b.sequence)
    } else {
        a.sound
    }
}

/// Index and sequence of a table. A wrong checksum of the header is damage, but the keys behind it may be sound.
fn read_header<R: ReadAt + ?Sized>(source: &R, region: Region, findings: &mut Findings) -> Result<(u16, Candidate)> {
    let bytes = source.exact(TABLE, region.offset, KEY_TABLE_HEADER)?;
    let cursor = Cursor::new(TABLE, region.offset, &bytes);
    cursor.signature(0, &KEY_TABLE_SIGNATURE, "02 00")?;
    let checked = check_header(&cursor);
    let sound = checked.is_ok();
    findings.tolerate("key-table-header-bad", checked)?;
    let candidate = Candidate {
        region,
        sequence: cursor.u16_le(4)?,
        sound,
    };
    Ok((cursor.u16_le(2)?, candidate))
}

fn check_header(cursor: &Cursor<'_>) -> Result<()> {
    let header = usize::try_from(KEY_TABLE_HEADER).unwrap_or(usize::MAX);
    compare(
        TABLE,
        cursor.base(),
        cursor.u32_le(6)?,
        crc32_with_zeroed(cursor.slice(0, header)?, 6),
    )
}

fn compare(what: &'static str, offset: u64, stored: u32, computed: u32) -> Result<()> {
    if stored == computed {
        return Ok(());
    }
    Err(ParseError::ChecksumMismatch {
        what,
        offset,
        stored,
        computed,
    })
}

/// Reads the entries of one table into `entries`.
fn read_entries(
    table: &[u8],
    base: u64,
    index: u16,
    limits: &Limits,
    entries: &mut Vec<KeyEntry>,
    findings: &mut Findings,
) {
    for raw in Entries::new(table, base) {
        let raw = match raw {
            Ok(raw) => raw,
            Err(error) => {
                findings.damage(Anomaly::at("key-entry-size", base, error.to_string()));
                break;
            }
        };
        if entries.len() >= limits.tree_nodes {
            findings.damage(Anomaly::at(
                "too-many-keys",
                raw.base(),
                format!("more than {} keys; the rest is not read", limits.tree_nodes),
            ));
            break;
        }
        match parse_entry(&raw, base, index) {
            Ok(None) => {}
            Ok(Some(parsed)) => {
                if let Err(error) = parsed.checked {
                    findings.damage(Anomaly::at("key-checksum", raw.base(), error.to_string()));
                }
                if parsed.lossy {
                    findings.note(Anomaly::at(
                        "text-not-unicode",
                        raw.base(),
                        "name or value is not valid Unicode",
                    ));
                }
                if let Value::Unknown { kind, .. } = parsed.entry.value {
                    findings.damage(Anomaly::at(
                        "key-type-unknown",
                        raw.base(),
                        format!("key `{}` is of unknown type {kind}", parsed.entry.name),
                    ));
                }
                entries.push(parsed.entry);
            }
            Err(error) => findings.damage(Anomaly::at("key-entry-bad", raw.base(), error.to_string())),
        }
    }
}

/// The sound keys of an image of a table: a whole one, or its first part. For the history in the replay log.
pub(super) fn sound_entries(image: &[u8], base: u64) -> Vec<KeyEntry> {
    let cursor = Cursor::new(TABLE, base, image);
    if cursor.signature(0, &KEY_TABLE_SIGNATURE, "02 00").is_err() || check_header(&cursor).is_err() {
        return Vec::new();
    }
    let index = cursor.u16_le(2).unwrap_or_default();
    Entries::new(image, base)
        .map_while(Result::ok)
        .filter_map(|raw| parse_entry(&raw, base, index).ok().flatten())
        .filter(|parsed| parsed.checked.is_ok())
        .map(|parsed| parsed.entry)
        .collect()
}

/// Walks the entries of a table by their sizes.
struct Entries<'a> {
    table: Cursor<'a>,
    at: usize,
}

impl<'a> Entries<'a> {
    fn new(table: &'a [u8], base: u64) -> Self {
        Self {
            table: Cursor::new(TABLE, base, table),
            at: usize::try_from(KEY_TABLE_HEADER).unwrap_or(usize::MAX),
        }
    }

    /// The entry at `at`, by the size that it claims.
    fn entry(&self) -> Result<Cursor<'a>> {
        let rest = self.table.len().saturating_sub(self.at);
        let size = if rest < KEY_ENTRY_HEADER {
            u64::try_from(rest).unwrap_or(u64::MAX)
        } else {
            let field = self.at.saturating_add(2);
            self.table.u32_le(field)?.into()
        };
        usize::try_from(size)
            .ok()
            .filter(|size| (KEY_ENTRY_HEADER..=rest).contains(size))
            .ok_or(ParseError::OutOfBounds {
                what: "VMCX key table entry size",
                offset: self.table.position(self.at),
                value: size,
                limit: u64::try_from(rest).unwrap_or(u64::MAX),
            })
            .and_then(|size| self.table.part(ENTRY, self.at, size))
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Cursor<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.table.len() {
            return None;
        }
        let entry = self.entry();
        self.at = match &entry {
            Ok(entry) => self.at.saturating_add(entry.len()),
            Err(_) => usize::MAX,
        };
        Some(entry)
    }
}

/// A key, whether its checksum is right, and whether its text lost something in decoding.
struct Parsed {
    entry: KeyEntry,
    checked: Result<()>,
    lossy: bool,
}

/// One entry; `None` for free space, whose checksum field means nothing.
fn parse_entry(cursor: &Cursor<'_>, table: u64, index: u16) -> Result<Option<Parsed>> {
    let kind = cursor.u8(0)?;
    if kind == key_type::FREE {
        return Ok(None);
    }
    let name_length = usize::from(cursor.u8(20)?);
    let name = cursor.slice(KEY_ENTRY_HEADER, name_length)?;
    let data_at = KEY_ENTRY_HEADER.saturating_add(name_length);
    let is_stored = cursor.u8(1)? & KEY_FLAG_FILE_OBJECT != 0;
    let (value, used, value_lossy) = if is_stored {
        (stored_value(cursor, kind, data_at)?, 12, false)
    } else {
        inline_value(cursor, kind, data_at)?
    };
    let covered = cursor.slice(0, data_at.saturating_add(used))?;
    let checked = compare(ENTRY, cursor.base(), cursor.u32_le(12)?, crc32_with_zeroed(covered, 12));
    let name = name.strip_suffix(&[0]).unwrap_or(name);
    let decoded = String::from_utf8_lossy(name);
    let entry = KeyEntry {
        offset: cursor.base(),
        place: (
            index,
            u32::try_from(cursor.base().saturating_sub(table)).unwrap_or(u32::MAX),
        ),
        parent: (cursor.u16_le(6)?, cursor.u32_le(8)?),
        insertion: cursor.u32_le(16)?,
        value,
        name: decoded.clone().into_owned(),
    };
    let lossy = value_lossy || matches!(decoded, std::borrow::Cow::Owned(_));
    Ok(Some(Parsed { entry, checked, lossy }))
}

/// The pointer to a file object: u32 length, u64 offset.
fn stored_value(cursor: &Cursor<'_>, kind: u8, at: usize) -> Result<Value> {
    Ok(Value::Stored(Stored {
        kind: match kind {
            key_type::STRING => StoredKind::String,
            key_type::ARRAY => StoredKind::Bytes,
            other => StoredKind::Other(other),
        },
        length: cursor.u32_le(at)?.into(),
        offset: cursor.u64_le(at.saturating_add(4))?,
    }))
}

/// A value inside the entry, how many bytes it takes, and whether text was lost in decoding.
fn inline_value(cursor: &Cursor<'_>, kind: u8, at: usize) -> Result<(Value, usize, bool)> {
    Ok(match kind {
        key_type::INT => (Value::Int(cursor.i64_le(at)?), 8, false),
        key_type::UINT => (Value::UInt(cursor.u64_le(at)?), 8, false),
        key_type::DOUBLE => (Value::Double(f64::from_bits(cursor.u64_le(at)?)), 8, false),
        key_type::BOOL => (Value::Bool(cursor.u32_le(at)? != 0), 4, false),
        key_type::NODE => {
            cursor.slice(at, 12)?;
            (Value::Node, 12, false)
        }
        key_type::STRING => {
            let (bytes, used) = counted_bytes(cursor, at)?;
            let (text, lossy) = decode_text(bytes);
            (Value::String(text), used, lossy)
        }
        key_type::ARRAY => {
            let (bytes, used) = counted_bytes(cursor, at)?;
            (Value::Bytes(bytes.to_vec()), used, false)
        }
        kind => {
            let bytes = cursor.bytes().get(at..).unwrap_or_default();
            let value = Value::Unknown {
                kind,
                bytes: bytes.to_vec(),
            };
            (value, bytes.len(), false)
        }
    })
}

/// Bytes after their u32 number, and how much both take.
fn counted_bytes<'a>(cursor: &Cursor<'a>, at: usize) -> Result<(&'a [u8], usize)> {
    let count = cursor.u32_le(at)?;
    let start = at.saturating_add(4);
    let limit = cursor.len().saturating_sub(start);
    let length = usize::try_from(count)
        .ok()
        .filter(|length| *length <= limit)
        .ok_or(ParseError::OutOfBounds {
            what: "VMCX key value length",
            offset: cursor.position(at),
            value: count.into(),
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
        })?;
    Ok((cursor.slice(start, length)?, length.saturating_add(4)))
}

/// UTF-16LE without at most one closing NUL; true when something could not be decoded.
fn decode_text(bytes: &[u8]) -> (EncodedText, bool) {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let text = utf16::decode_le(pairs.strip_suffix(&[[0, 0]]).unwrap_or(pairs).as_flattened());
    let lossy = !odd.is_empty() || text.raw() != text.as_str().as_bytes();
    (text, lossy)
}

/// Replaces the pointers of strings by the strings. Arrays stay where they are: the memory of a saved VM is one.
fn load_strings<R: ReadAt + ?Sized>(
    source: &R,
    objects: &Listing,
    entries: &mut [KeyEntry],
    limits: &Limits,
    budget: &mut Budget,
    findings: &mut Findings,
) -> Result<()> {
    for entry in entries {
        let Value::Stored(stored) = entry.value else { continue };
        check_listed(&stored, objects, entry, findings);
        if stored.kind != StoredKind::String {
            continue;
        }
        let bytes = load(source, stored, limits, budget);
        if let Some(bytes) = findings.tolerate("file-object-bad", bytes)? {
            let (text, lossy) = decode_text(&bytes);
            if lossy {
                findings.note(Anomaly::at(
                    "text-not-unicode",
                    stored.offset,
                    "value is not valid Unicode",
                ));
            }
            entry.value = Value::String(text);
        }
    }
    Ok(())
}

fn load<R: ReadAt + ?Sized>(source: &R, stored: Stored, limits: &Limits, budget: &mut Budget) -> Result<Vec<u8>> {
    if stored.length > limits.string_bytes {
        return Err(ParseError::LimitExceeded {
            what: "VMCX string in a file object",
            value: stored.length,
            limit: limits.string_bytes,
        });
    }
    budget.spend(FILE_OBJECT, stored.length)?;
    source.exact(FILE_OBJECT, stored.offset, stored.length)
}

/// A pointer has to hit a file object that the object table lists and that is large enough.
fn check_listed(stored: &Stored, objects: &Listing, entry: &KeyEntry, findings: &mut Findings) {
    match objects.file_objects.get(&stored.offset) {
        Some(size) if *size >= stored.length => {}
        Some(size) => findings.damage(Anomaly::at(
            "file-object-too-small",
            entry.offset,
            format!(
                "value of `{}` has {} bytes, its file object {size}",
                entry.name, stored.length
            ),
        )),
        None => findings.note(Anomaly::at(
            "file-object-not-listed",
            entry.offset,
            format!(
                "no object table lists the file object of `{}` at {:#x}",
                entry.name, stored.offset
            ),
        )),
    }
}
