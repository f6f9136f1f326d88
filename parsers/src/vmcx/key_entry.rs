//! One entry of a key table: a key with its name, its value and the place of its parent.

use super::{
    format::{KEY_ENTRY_HEADER, KEY_FLAG_FILE_OBJECT, KEY_TABLE_HEADER, crc32_with_zeroed, key_type},
    key_table::TABLE,
    tree::{Stored, StoredKind},
};
use crate::{
    bytes::Cursor,
    error::{ParseError, Result},
};

const ENTRY: &str = "VMCX key table entry";

/// Where a key stands: index of its table and offset in it. Index 0 is no table but the root.
pub(super) type KeyPlace = (u16, u32);

/// Where a key stands and hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyEntry {
    /// From the start of the file, in bytes.
    pub(super) offset: u64,
    pub(super) place: KeyPlace,
    pub(super) parent: KeyPlace,
    /// Order among siblings.
    pub(super) insertion: u32,
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

/// A key as its table has it.
#[derive(Debug, Clone)]
pub(super) struct RawKey<'a> {
    pub(super) entry: KeyEntry,
    /// Without its closing NUL.
    pub(super) name: &'a [u8],
    pub(super) value: RawValue<'a>,
    /// As it stands in the entry.
    stored: u32,
    /// Over the bytes of the entry.
    computed: u32,
}

/// A value as it stands in an entry.
#[derive(Debug, Clone, Copy)]
pub(super) enum RawValue<'a> {
    Node,
    Int(i64),
    UInt(u64),
    Double(f64),
    /// UTF-16LE.
    String(&'a [u8]),
    Bytes(&'a [u8]),
    /// As stored: 0 or 1 in sound files, and true where it is not 0.
    Bool(u32),
    Stored(Stored),
    Unknown(u8, &'a [u8]),
}

impl RawKey<'_> {
    /// Whether the checksum is right.
    pub(super) fn checked(&self) -> Result<()> {
        compare(ENTRY, self.entry.offset, self.stored, self.computed)
    }
}

/// One entry; `None` for free space, whose checksum field means nothing.
#[inline]
pub(super) fn parse_entry<'a>(cursor: &Cursor<'a>, table: u64, index: u16) -> Result<Option<RawKey<'a>>> {
    let head = cursor.part(cursor.what(), 0, KEY_ENTRY_HEADER)?;
    let kind = head.u8(0)?;
    if kind == key_type::FREE {
        return Ok(None);
    }
    let name_length = usize::from(head.u8(20)?);
    let name = cursor.slice(KEY_ENTRY_HEADER, name_length)?;
    let data_at = KEY_ENTRY_HEADER.saturating_add(name_length);
    let is_stored = head.u8(1)? & KEY_FLAG_FILE_OBJECT != 0;
    let (value, used) = if is_stored {
        (stored_value(cursor, kind, data_at)?, 12)
    } else {
        inline_value(cursor, kind, data_at)?
    };
    let covered = cursor.slice(0, data_at.saturating_add(used))?;
    let within = cursor.base().saturating_sub(table);
    let entry = KeyEntry {
        offset: cursor.base(),
        place: (index, u32::try_from(within).unwrap_or(u32::MAX)),
        parent: (head.u16_le(6)?, head.u32_le(8)?),
        insertion: head.u32_le(16)?,
    };
    Ok(Some(RawKey {
        entry,
        name: name.strip_suffix(&[0]).unwrap_or(name),
        value,
        stored: head.u32_le(12)?,
        computed: crc32_with_zeroed(covered, 12),
    }))
}

/// The pointer to a file object: u32 length, u64 offset.
fn stored_value<'a>(cursor: &Cursor<'a>, kind: u8, at: usize) -> Result<RawValue<'a>> {
    Ok(RawValue::Stored(Stored {
        kind: match kind {
            key_type::STRING => StoredKind::String,
            key_type::ARRAY => StoredKind::Bytes,
            other => StoredKind::Other(other),
        },
        length: cursor.u32_le(at)?.into(),
        offset: cursor.u64_le(at.saturating_add(4))?,
    }))
}

/// A value inside the entry, and how many bytes it takes.
#[inline]
fn inline_value<'a>(cursor: &Cursor<'a>, kind: u8, at: usize) -> Result<(RawValue<'a>, usize)> {
    Ok(match kind {
        key_type::INT => (RawValue::Int(cursor.i64_le(at)?), 8),
        key_type::UINT => (RawValue::UInt(cursor.u64_le(at)?), 8),
        key_type::DOUBLE => (RawValue::Double(f64::from_bits(cursor.u64_le(at)?)), 8),
        key_type::BOOL => (RawValue::Bool(cursor.u32_le(at)?), 4),
        key_type::NODE => {
            cursor.slice(at, 12)?;
            (RawValue::Node, 12)
        }
        key_type::STRING => {
            let (bytes, used) = counted_bytes(cursor, at)?;
            (RawValue::String(bytes), used)
        }
        key_type::ARRAY => {
            let (bytes, used) = counted_bytes(cursor, at)?;
            (RawValue::Bytes(bytes), used)
        }
        kind => {
            let bytes = cursor.bytes().get(at..).unwrap_or_default();
            (RawValue::Unknown(kind, bytes), bytes.len())
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
