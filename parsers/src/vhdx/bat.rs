//! Block allocation table (MS-VHDX 2.5): where the blocks are.
//!
//! An entry has 64 bits: the state and the place in MiB. After the entries of each chunk (2^23 sectors) stands one for
//! the sector bitmap of the chunk; the last chunk has one only in a differencing disk.

use super::{
    Opened,
    format::{
        BAT_ENTRY_BYTES, BAT_OFFSET_MASK, BAT_STATE_MASK, BITMAP_PRESENT, CHUNK_SECTORS, HEADER_AREA_BYTES,
        SECTOR_BITMAP_BYTES,
    },
};
use crate::{
    block_map::{SectorBitmap, TableReader, check_bitmap_bytes, run_length, span_of_blocks},
    disk_kind::DiskKind,
    error::{ParseError, Result},
    read_at::ReadAt,
};

const TABLE: &str = "VHDX block allocation table";
const BITMAP: &str = "VHDX sector bitmap";
/// How much of the bitmaps is read at a time. The bits of a block are a power of two up to this, so none lies across.
const BITMAP_PIECE_BYTES: u64 = 64 << 10;

/// How the table is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Of the table, bytes from the start of the file.
    offset: u64,
    pub(super) block_bytes: u64,
    pub(super) sector_bytes: u64,
    pub(super) virtual_bytes: u64,
    /// Blocks of the disk.
    pub(super) blocks: u64,
    /// Payload blocks of a chunk.
    chunk_ratio: u64,
    pub(super) differencing: bool,
}

impl Layout {
    /// What the metadata say of the table, held against its region.
    pub(super) fn of<R>(opened: &Opened<R>) -> Result<Self> {
        let metadata = &opened.metadata;
        let (Some(block_bytes), Some(sector_bytes), Some(virtual_bytes), Some(kind), Some(region)) = (
            metadata.block_size_bytes,
            metadata.logical_sector_bytes,
            metadata.virtual_bytes,
            metadata.kind,
            opened.regions.bat(),
        ) else {
            return Err(unreadable(opened));
        };
        let (block_bytes, sector_bytes) = (u64::from(block_bytes), u64::from(sector_bytes));
        let chunk_bytes = CHUNK_SECTORS.saturating_mul(sector_bytes);
        let layout = Self {
            offset: region.offset,
            block_bytes,
            sector_bytes,
            virtual_bytes,
            blocks: virtual_bytes.div_ceil(block_bytes),
            chunk_ratio: chunk_bytes.checked_div(block_bytes).unwrap_or(1),
            differencing: kind == DiskKind::Differencing,
        };
        let need = layout.entries().saturating_mul(8);
        if need > region.length {
            return Err(ParseError::OutOfBounds {
                what: "VHDX block allocation table length",
                offset: region.offset,
                value: need,
                limit: region.length,
            });
        }
        Ok(layout)
    }

    /// Entries of the table (MS-VHDX 2.5): those of the payload, with those of the bitmaps among them.
    #[inline]
    fn entries(&self) -> u64 {
        if self.differencing {
            let chunks = self.blocks.div_ceil(self.chunk_ratio);
            return chunks.saturating_mul(self.chunk_entries());
        }
        let bitmaps = self.blocks.saturating_sub(1).checked_div(self.chunk_ratio);
        self.blocks.saturating_add(bitmaps.unwrap_or(0))
    }

    /// Entries of a chunk, that of its bitmap included.
    #[inline]
    fn chunk_entries(&self) -> u64 {
        self.chunk_ratio.saturating_add(1)
    }

    /// Bytes of the disk from `block` on, `count` blocks: where they start, and how many there are.
    #[inline]
    pub(super) fn span(&self, block: u64, count: u64) -> (u64, u64) {
        span_of_blocks(block, count, self.block_bytes, self.virtual_bytes)
    }
}

fn unreadable<R>(opened: &Opened<R>) -> ParseError {
    let why = opened.findings.first_damage();
    ParseError::Malformed {
        what: TABLE,
        offset: why.as_ref().and_then(|why| why.offset).unwrap_or_default(),
        detail: match why {
            Some(why) => format!("where it is and how it is laid out is not known: {}", why.text),
            None => "where it is and how it is laid out is not known".to_owned(),
        },
    }
}

/// A place that an entry names.
#[inline]
pub(super) fn place_of(entry: u64) -> u64 {
    entry & BAT_OFFSET_MASK
}

/// The state that an entry names.
#[inline]
pub(super) fn state_of(entry: u64) -> u64 {
    entry & BAT_STATE_MASK
}

/// Of `count` stretches of `length` bytes from `place` on, how many lie behind the header area and inside the file.
#[inline]
pub(super) fn inside_file(place: u64, count: u64, length: u64, file_bytes: u64) -> u64 {
    if place < HEADER_AREA_BYTES {
        return 0;
    }
    let end = count.checked_mul(length).and_then(|bytes| bytes.checked_add(place));
    if end.is_some_and(|end| end <= file_bytes) {
        return count;
    }
    let room = file_bytes.saturating_sub(place).checked_div(length);
    room.unwrap_or(0).min(count)
}

/// One or more entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entries {
    /// Payload blocks of one state: when they have a place, one after another there; else with the same entry.
    Payload {
        /// The first block.
        block: u64,
        count: u64,
        /// Of the first block.
        entry: u64,
        /// Where the first entry stands, bytes from the start of the file.
        place: u64,
    },
    /// The sector bitmap of a chunk.
    Bitmap {
        /// The first block of the chunk.
        block: u64,
        entry: u64,
        /// Where the entry stands, bytes from the start of the file.
        place: u64,
    },
}

/// The table, read from its start to its end.
#[derive(Debug)]
pub(super) struct Walk<R> {
    layout: Layout,
    reader: TableReader<R, BAT_ENTRY_BYTES>,
    chunk: u64,
    /// Entries of the chunk before the position.
    within: u64,
    /// Sector bitmaps that were read last: where they stand, and they.
    bitmaps: (u64, Vec<u8>),
    /// Bytes of bitmaps that were read.
    bitmap_bytes: u64,
}

#[inline]
pub(super) fn decode(entry: [u8; BAT_ENTRY_BYTES]) -> u64 {
    u64::from_le_bytes(entry)
}

impl<R: ReadAt> Walk<R> {
    pub(super) fn new(layout: Layout, source: R) -> Self {
        Self {
            reader: TableReader::new(TABLE, source, layout.offset, layout.entries()),
            layout,
            chunk: 0,
            within: 0,
            bitmaps: (0, Vec::new()),
            bitmap_bytes: 0,
        }
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(super) fn source(&self) -> &R {
        self.reader.source()
    }

    /// The next entries; `None` behind the last block and its bitmap.
    pub(super) fn next(&mut self) -> Result<Option<Entries>> {
        loop {
            let place = self.reader.place(self.reader.position());
            let ratio = self.layout.chunk_ratio;
            let (within, chunk_block) = (self.within, self.chunk.saturating_mul(ratio));
            let entries = self.reader.peek()?;
            let Some(entry) = entries.first().copied().map(decode) else {
                return Ok(None);
            };
            if entry != 0 && within == ratio {
                self.take(1);
                return Ok(Some(Entries::Bitmap {
                    block: chunk_block,
                    entry,
                    place,
                }));
            }
            let block = chunk_block.saturating_add(within);
            let raw = if entry == 0 {
                // Bitmaps that are not there look like blocks that are not there: both are passed over together.
                run_length(entries, 0, decode)
            } else {
                let left = usize::try_from(ratio.saturating_sub(within)).unwrap_or(usize::MAX);
                let payload = entries.get(..left).unwrap_or(entries);
                run_length(payload, self.layout.step(entry), decode)
            };
            let before = self.chunk;
            self.take(raw);
            // Every chunk that was finished in a stretch of zeros took its bitmap with it.
            let count = raw.saturating_sub(self.chunk.saturating_sub(before));
            let count = count.min(self.layout.blocks.saturating_sub(block));
            if count > 0 {
                return Ok(Some(Entries::Payload {
                    block,
                    count,
                    entry,
                    place,
                }));
            }
        }
    }

    /// The entries of the blocks that come next, as far as they are in memory and in one chunk.
    #[inline]
    pub(super) fn in_memory(&self) -> &[[u8; BAT_ENTRY_BYTES]] {
        let of_chunk = self.layout.chunk_ratio.saturating_sub(self.within);
        let left = of_chunk.min(self.layout.blocks.saturating_sub(self.block()));
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let entries = self.reader.in_memory();
        entries.get(..left).unwrap_or(entries)
    }

    /// The next block.
    pub(super) fn block(&self) -> u64 {
        self.chunk
            .saturating_mul(self.layout.chunk_ratio)
            .saturating_add(self.within)
    }

    /// Takes `raw` entries.
    pub(super) fn take(&mut self, raw: u64) {
        self.reader.advance(raw);
        self.within = self.within.saturating_add(raw);
        let whole = self.layout.chunk_entries();
        if self.within >= whole {
            self.chunk = self.chunk.saturating_add(self.within.checked_div(whole).unwrap_or(0));
            self.within = self.within.checked_rem(whole).unwrap_or(0);
        }
    }

    /// Which sectors of a block are in this file; `None` where its chunk has no bitmap that can be.
    ///
    /// # Errors
    /// `LimitExceeded` when the bitmaps together are longer than the file: then many chunks name one place.
    pub(super) fn sector_bitmap(&mut self, block: u64) -> Result<Option<SectorBitmap>> {
        let ratio = self.layout.chunk_ratio;
        let chunk = block.checked_div(ratio).unwrap_or(0);
        let index = chunk.saturating_mul(self.layout.chunk_entries()).saturating_add(ratio);
        if !self.layout.differencing {
            return Ok(None);
        }
        let entry = decode(self.reader.entry(index)?);
        let offset = place_of(entry);
        let file_bytes = self.source().len();
        if state_of(entry) != BITMAP_PRESENT || inside_file(offset, 1, SECTOR_BITMAP_BYTES, file_bytes) == 0 {
            return Ok(None);
        }
        let sectors = self
            .layout
            .block_bytes
            .checked_div(self.layout.sector_bytes)
            .unwrap_or(0);
        let bytes = sectors / 8;
        let before = block.checked_rem(ratio).unwrap_or(0).saturating_mul(bytes);
        let bits = self.piece_of_bitmaps(offset.saturating_add(before), bytes)?;
        Ok(Some(SectorBitmap::lsb_first(bits, sectors)))
    }

    /// `length` bytes of the bitmaps at `offset`, which never lie across two pieces.
    fn piece_of_bitmaps(&mut self, offset: u64, length: u64) -> Result<&[u8]> {
        let start = offset & !BITMAP_PIECE_BYTES.saturating_sub(1);
        if self.bitmaps.0 != start {
            let read = self.bitmap_bytes.saturating_add(BITMAP_PIECE_BYTES);
            self.bitmap_bytes = check_bitmap_bytes(read, self.source().len())?;
            let bytes = self.source().exact(BITMAP, start, BITMAP_PIECE_BYTES)?.into_owned();
            self.bitmaps = (start, bytes);
        }
        let index = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let from = index(offset.saturating_sub(start));
        let to = from.saturating_add(index(length));
        Ok(self.bitmaps.1.get(from..to).unwrap_or_default())
    }
}

impl Layout {
    /// By how much the entries of blocks that follow each other differ.
    #[inline]
    fn step(&self, entry: u64) -> u64 {
        if place_of(entry) == 0 { 0 } else { self.block_bytes }
    }
}
