//! The tags of one group: names, indices and data one after the other.
//!
//! `u8` flags, `u8` length of the name, the name, then `flags >> 6` indices of 32 bits. The lower six bits of the flags are
//! the length of the data; 63 is a big block (stored size, size in memory, padding, data) and 62 a compressed one. The
//! group ends at a tag without flags and name.

use std::borrow::Cow;

use crate::{Limits, ParseError, ReadAt, Result, bytes::Cursor};

use super::StateGroup;

/// Name of the structure in errors.
const WHAT: &str = "VM state tag";
/// Lower bits of the flags that stand for a compressed big block.
const COMPRESSED_BLOCK: u8 = 62;
/// Lower bits of the flags that stand for a big block.
const BLOCK: u8 = 63;
/// Longest beginning of a tag: flags, lengths, name of 255 bytes, three indices, sizes and padding length.
const LONGEST_HEAD: u64 = 2 + 255 + 3 * 4 + 2 * 8 + 2;
/// How much is read at a time.
const WINDOW_BYTES: u64 = 64 << 10;

/// One tag: what it is called and where its data lie.
pub(super) struct Tag {
    pub(super) name: String,
    /// Where the data begin, in bytes from the start of the file.
    pub(super) offset: u64,
    /// Length of the data in bytes, as stored.
    pub(super) length: u64,
    pub(super) is_compressed: bool,
}

/// Walks the tags of a group, a window at a time.
pub(super) struct Tags<'a, S: ?Sized> {
    source: &'a S,
    /// Where the next tag begins.
    position: u64,
    end: u64,
    has_short_sizes: bool,
    left: usize,
    limit: usize,
    /// Bytes that may still be read of this group.
    unread: u64,
    read_limit: u64,
    window: Vec<u8>,
    window_start: u64,
}

impl<'a, S: ReadAt + ?Sized> Tags<'a, S> {
    pub(super) fn new(source: &'a S, group: &StateGroup, has_short_sizes: bool, limits: &Limits) -> Self {
        let end = group.offset.saturating_add(group.size).min(source.len());
        Self {
            source,
            position: group.offset,
            end,
            has_short_sizes,
            left: limits.text_entries,
            limit: limits.text_entries,
            unread: limits.table_bytes,
            read_limit: limits.table_bytes,
            window: Vec::new(),
            window_start: 0,
        }
    }

    /// The next tag, or `None` at the end of the group.
    pub(super) fn next_tag(&mut self) -> Result<Option<Tag>> {
        if self.position >= self.end {
            return Ok(None);
        }
        self.left = self.left.checked_sub(1).ok_or(ParseError::LimitExceeded {
            what: "tags of a VM state group",
            value: u64::try_from(self.limit).unwrap_or(u64::MAX).saturating_add(1),
            limit: u64::try_from(self.limit).unwrap_or(u64::MAX),
        })?;
        self.fill()?;
        let start = usize::try_from(self.position.saturating_sub(self.window_start)).unwrap_or(usize::MAX);
        let cursor = Cursor::new(WHAT, self.position, self.window.get(start..).unwrap_or_default());
        let (flags, name_length) = (cursor.u8(0)?, cursor.u8(1)?);
        if flags == 0 && name_length == 0 {
            return Ok(None);
        }
        let tag = parse(&cursor, flags, name_length, self.has_short_sizes)?;
        self.position = tag
            .offset
            .checked_add(tag.length)
            .filter(|end| *end <= self.end)
            .ok_or(ParseError::OutOfBounds {
                what: "length of a VM state tag",
                offset: self.position,
                value: tag.length,
                limit: self.end.saturating_sub(tag.offset),
            })?;
        Ok(Some(tag))
    }

    /// The data of a tag.
    pub(super) fn data(&mut self, tag: &Tag) -> Result<Vec<u8>> {
        self.read(tag.offset, tag.length)
    }

    /// Reads within what may be read of a group: tags far from each other would cost a window each.
    fn read(&mut self, offset: u64, length: u64) -> Result<Vec<u8>> {
        self.unread = self.unread.checked_sub(length).ok_or(ParseError::LimitExceeded {
            what: "bytes read of a VM state group",
            value: self.read_limit.saturating_sub(self.unread).saturating_add(length),
            limit: self.read_limit,
        })?;
        self.source.exact(WHAT, offset, length).map(Cow::into_owned)
    }

    /// Makes sure that the window holds the whole beginning of the next tag.
    fn fill(&mut self) -> Result<()> {
        let window_end = self.window_start.saturating_add(ReadAt::len(&self.window));
        let needed = self.position.saturating_add(LONGEST_HEAD).min(self.end);
        if self.position < self.window_start || needed > window_end {
            let length = WINDOW_BYTES.min(self.end.saturating_sub(self.position));
            self.window = self.read(self.position, length)?;
            self.window_start = self.position;
        }
        Ok(())
    }
}

/// Reads the beginning of a tag.
fn parse(cursor: &Cursor<'_>, flags: u8, name_length: u8, has_short_sizes: bool) -> Result<Tag> {
    let name_length = usize::from(name_length);
    let name = String::from_utf8_lossy(cursor.slice(2, name_length)?).into_owned();
    let indices = usize::from(flags >> 6_u32).saturating_mul(4);
    let after = name_length.saturating_add(2).saturating_add(indices);
    let kind = flags & BLOCK;
    if kind < COMPRESSED_BLOCK {
        return Ok(Tag {
            name,
            offset: cursor.position(after),
            length: u64::from(kind),
            is_compressed: false,
        });
    }
    let (length, sizes) = if has_short_sizes {
        (u64::from(cursor.u32_le(after)?), 8)
    } else {
        (cursor.u64_le(after)?, 16)
    };
    let padding_at = after.saturating_add(sizes);
    let padding = usize::from(cursor.u16_le(padding_at)?);
    Ok(Tag {
        name,
        offset: cursor.position(padding_at.saturating_add(2).saturating_add(padding)),
        length,
        is_compressed: kind == COMPRESSED_BLOCK,
    })
}
