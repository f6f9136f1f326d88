//! One entry of a key table: a key with its name, its value and the place of its parent.

use smol_str::SmolStr;

use super::{
    format::{KEY_ENTRY_HEADER, KEY_FLAG_FILE_OBJECT, KEY_TABLE_HEADER, crc32_with_zeroed, key_type},
    key_table::TABLE,
    tree::{Stored, StoredKind, Value},
};
use crate::{
    bytes::Cursor,
    error::{ParseError, Result},
    text::{EncodedText, copied},
    utf16,
};

const ENTRY: &str = "VMCX key table entry";

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
    pub(super) name: SmolStr,
    pub(super) value: Value,
}

impl KeyEntry {
    /// Bytes that its name and value take in memory, about.
    pub(super) fn length(&self) -> u64 {
        let value = match &self.value {
            Value::String(text) => text.as_str().len(),
            Value::Bytes(bytes) | Value::Unknown { bytes, .. } => bytes.len(),
            _ => 0,
        };
        u64::try_from(value.saturating_add(self.name.len())).unwrap_or(u64::MAX)
    }
}

pub(super) fn compare(what: &'static str, offset: u64, stored: u32, computed: u32) -> Result<()> {
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

/// Walks the entries of a table by their sizes.
pub(super) struct Entries<'a> {
    table: Cursor<'a>,
    at: usize,
}

impl<'a> Entries<'a> {
    pub(super) fn new(table: &'a [u8], base: u64) -> Self {
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

/// A key, its checksum, and whether its text lost something in decoding.
pub(super) struct Parsed {
    pub(super) entry: KeyEntry,
    /// As it stands in the entry.
    stored: u32,
    /// Over the bytes of the entry.
    computed: u32,
    pub(super) lossy: bool,
}

impl Parsed {
    /// Whether the checksum is right.
    pub(super) fn checked(&self) -> Result<()> {
        compare(ENTRY, self.entry.offset, self.stored, self.computed)
    }
}

/// One entry; `None` for free space, whose checksum field means nothing.
pub(super) fn parse_entry(cursor: &Cursor<'_>, table: u64, index: u16) -> Result<Option<Parsed>> {
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
    let name = name.strip_suffix(&[0]).unwrap_or(name);
    let (name, name_lossy) = match std::str::from_utf8(name) {
        Ok(name) => (copied(name), false),
        Err(_) => (copied(&String::from_utf8_lossy(name)), true),
    };
    let entry = KeyEntry {
        offset: cursor.base(),
        place: (
            index,
            u32::try_from(cursor.base().saturating_sub(table)).unwrap_or(u32::MAX),
        ),
        parent: (cursor.u16_le(6)?, cursor.u32_le(8)?),
        insertion: cursor.u32_le(16)?,
        value,
        name,
    };
    Ok(Some(Parsed {
        entry,
        stored: cursor.u32_le(12)?,
        computed: crc32_with_zeroed(covered, 12),
        lossy: value_lossy || name_lossy,
    }))
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
pub(super) fn decode_text(bytes: &[u8]) -> (EncodedText, bool) {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let text = utf16::decode_le(pairs.strip_suffix(&[[0, 0]]).unwrap_or(pairs).as_flattened());
    let lossy = !odd.is_empty() || text.raw() != text.as_str().as_bytes();
    (text, lossy)
}
