//! Map of blocks: for each block of the disk the number of the block of the file that holds it.

use super::Vdi;
use crate::{
    block_map::{TableReader, run_length, span_of_blocks},
    error::{ParseError, Result},
    read_at::ReadAt,
};

const MAP: &str = "VDI block map";
/// From this number on an entry names no block: this one reads as zeros, the next one is not here.
const ENTRY_ZERO: u32 = u32::MAX - 1;
/// The block is not here.
const ENTRY_ABSENT: u32 = u32::MAX;
/// Most blocks that qemu takes (`VDI_BLOCKS_IN_IMAGE_MAX`).
const BLOCKS_MAX_COUNT: u64 = 0x1FFF_FFFF;
/// Bytes of an entry.
pub(super) const ENTRY_BYTES: usize = 4;

/// How map and blocks are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Of the map, bytes from the start of the file.
    pub(super) map_offset: u64,
    /// Where the map ends.
    pub(super) map_end: u64,
    /// Of the first block, bytes from the start of the file.
    pub(super) data_offset: u64,
    pub(super) block_bytes: u64,
    /// In front of the content of each block.
    pub(super) extra_bytes: u64,
    pub(super) virtual_bytes: u64,
    /// Blocks of the disk; the map may have room for more.
    pub(super) blocks: u64,
    /// The length of the file.
    pub(super) data_end: u64,
}

impl Layout {
    /// What the header says of the map.
    ///
    /// # Errors
    /// `Malformed`, `OutOfBounds` or `LimitExceeded` where it does not say how to read the map.
    pub(super) fn of(vdi: &Vdi, file_bytes: u64) -> Result<Self> {
        let block_bytes = u64::from(vdi.block_size_bytes);
        if !block_bytes.is_power_of_two() || block_bytes < 512 {
            return Err(ParseError::Malformed {
                what: MAP,
                offset: 376,
                detail: format!("blocks of {block_bytes} bytes cannot be"),
            });
        }
        let blocks = vdi.virtual_bytes.div_ceil(block_bytes);
        if blocks > u64::from(vdi.blocks) {
            return Err(ParseError::OutOfBounds {
                what: "VDI blocks of the disk",
                offset: 384,
                value: blocks,
                limit: vdi.blocks.into(),
            });
        }
        if blocks > BLOCKS_MAX_COUNT {
            return Err(ParseError::LimitExceeded {
                what: "VDI blocks of the disk",
                value: blocks,
                limit: BLOCKS_MAX_COUNT,
            });
        }
        let map_bytes = u64::from(vdi.blocks).saturating_mul(4);
        Ok(Self {
            map_offset: vdi.map_offset.into(),
            map_end: u64::from(vdi.map_offset).saturating_add(map_bytes),
            data_offset: vdi.data_offset.into(),
            block_bytes,
            extra_bytes: vdi.block_extra_bytes.into(),
            virtual_bytes: vdi.virtual_bytes,
            blocks,
            data_end: file_bytes,
        })
    }

    /// Bytes that a block takes in the file.
    pub(super) fn span_bytes(&self) -> u64 {
        self.extra_bytes.saturating_add(self.block_bytes)
    }

    /// Where the block of the file with this number begins.
    pub(super) fn place_of(&self, number: u64) -> u64 {
        number
            .saturating_mul(self.span_bytes())
            .saturating_add(self.data_offset)
    }

    /// How many blocks from this number on end in the file, at most `count`.
    pub(super) fn inside(&self, number: u64, count: u64) -> u64 {
        let room = self.data_end.saturating_sub(self.place_of(number));
        room.checked_div(self.span_bytes()).unwrap_or(0).min(count)
    }

    /// Bytes of the disk in `count` blocks: where they start, and how many there are.
    pub(super) fn span(&self, block: u64, count: u64) -> (u64, u64) {
        span_of_blocks(block, count, self.block_bytes, self.virtual_bytes)
    }
}

/// What one or more entries say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Not in this file.
    Absent,
    /// Zeros.
    Zero,
    /// In the blocks of the file from this number on.
    At(u64),
}

/// One or more entries that follow one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entries {
    /// The first block of the disk.
    pub(super) block: u64,
    pub(super) count: u64,
    pub(super) content: Content,
    /// Where the first entry stands, bytes from the start of the file.
    pub(super) place: u64,
}

/// The map, read from its start to the last block of the disk.
#[derive(Debug)]
pub(super) struct Walk<R> {
    pub(super) layout: Layout,
    reader: TableReader<R, ENTRY_BYTES>,
}

impl<R: ReadAt> Walk<R> {
    pub(super) fn new(layout: Layout, source: R) -> Self {
        Self {
            layout,
            reader: TableReader::new(MAP, source, layout.map_offset, layout.blocks),
        }
    }

    /// The next entries; `None` behind the last block.
    ///
    /// # Errors
    /// `Truncated` where the file ends in the map, `Io`.
    pub(super) fn next(&mut self) -> Result<Option<Entries>> {
        let block = self.reader.position();
        let place = self.reader.place(block);
        let entries = self.reader.peek()?;
        let Some(first) = entries.first().copied().map(u32::from_le_bytes) else {
            return Ok(None);
        };
        let run = |step| run_length(entries, step, u32::from_le_bytes);
        let (content, count) = match first {
            ENTRY_ABSENT => (Content::Absent, run(0)),
            ENTRY_ZERO => (Content::Zero, run(0)),
            // A row may lead up to the numbers that are no blocks.
            number => {
                let blocks = u64::from(ENTRY_ZERO.saturating_sub(number));
                (Content::At(number.into()), run(1).min(blocks))
            }
        };
        self.reader.advance(count);
        Ok(Some(Entries {
            block,
            count,
            content,
            place,
        }))
    }
}
