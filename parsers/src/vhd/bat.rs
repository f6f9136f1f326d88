//! Block allocation table: for each block the sector (512 bytes) where its bitmap stands, with its content behind it.

use super::{
    Opened,
    format::{
        BAT_ENTRY_BYTES, BAT_UNALLOCATED, DYNAMIC_HEADER_BYTES, FOOTER_BYTES, PARENT_LOCATOR_BYTES, SECTOR_BYTES,
    },
};
use crate::{
    block_map::{SectorBitmap, TableReader, check_bitmap_bytes, run_length, run_length_be, span_of_blocks},
    bytes::Cursor,
    disk_kind::DiskKind,
    error::{ParseError, Result},
    read_at::ReadAt,
};

const TABLE: &str = "VHD block allocation table";
const BITMAP: &str = "VHD sector bitmap";

/// How the table is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Of the table, bytes from the start of the file.
    offset: u64,
    pub(super) block_bytes: u64,
    /// Of the bitmap in front of each block.
    pub(super) bitmap_bytes: u64,
    pub(super) virtual_bytes: u64,
    /// Blocks of the disk; the table may have room for more.
    pub(super) blocks: u64,
    pub(super) differencing: bool,
    /// Where the blocks end, bytes from the start of the file.
    pub(super) data_end: u64,
}

impl Layout {
    /// What the headers say of the table of a disk that has one.
    pub(super) fn of<R: ReadAt>(opened: &Opened<R>) -> Result<Self> {
        let (Some(header), Some(virtual_bytes)) = (&opened.header, opened.virtual_bytes) else {
            let why = opened.findings.first_damage();
            return Err(ParseError::Malformed {
                what: TABLE,
                offset: why.as_ref().and_then(|why| why.offset).unwrap_or_default(),
                detail: "the dynamic header or the size of the disk is lost".to_owned(),
            });
        };
        let block_bytes = u64::from(header.block_size_bytes);
        if !block_bytes.is_power_of_two() || block_bytes < SECTOR_BYTES {
            return Err(ParseError::Malformed {
                what: TABLE,
                offset: header.offset,
                detail: format!("blocks of {block_bytes} bytes cannot be"),
            });
        }
        let blocks = virtual_bytes.div_ceil(block_bytes);
        if blocks > u64::from(header.table_entries) {
            return Err(ParseError::OutOfBounds {
                what: "VHD blocks of the disk",
                offset: header.offset,
                value: blocks,
                limit: header.table_entries.into(),
            });
        }
        Ok(Self {
            offset: header.table_offset,
            block_bytes,
            bitmap_bytes: (block_bytes / SECTOR_BYTES).div_ceil(8).next_multiple_of(SECTOR_BYTES),
            virtual_bytes,
            blocks,
            differencing: opened.footer.kind == DiskKind::Differencing,
            data_end: opened.data_end(),
        })
    }

    /// Bytes that a block takes in the file.
    #[inline]
    pub(super) fn span_bytes(&self) -> u64 {
        self.bitmap_bytes.saturating_add(self.block_bytes)
    }

    /// True when a block whose bitmap stands at `sector` ends in the file.
    #[inline]
    pub(super) fn is_inside(&self, sector: u64) -> bool {
        sector.saturating_mul(SECTOR_BYTES).saturating_add(self.span_bytes()) <= self.data_end
    }

    /// Bytes of the disk in `block`: where they start, and how many there are.
    #[inline]
    pub(super) fn span(&self, block: u64, count: u64) -> (u64, u64) {
        span_of_blocks(block, count, self.block_bytes, self.virtual_bytes)
    }
}

/// The stretches of the file that headers, table and locators take, each with its length, sorted.
pub(super) fn structures<R: ReadAt>(opened: &Opened<R>) -> Result<Vec<(u64, u64)>> {
    let Some(header) = &opened.header else {
        return Ok(Vec::new());
    };
    let table_bytes = u64::from(header.table_entries).saturating_mul(4);
    let mut spans = vec![
        (0, FOOTER_BYTES),
        (header.offset, DYNAMIC_HEADER_BYTES),
        (header.table_offset, table_bytes.next_multiple_of(SECTOR_BYTES)),
    ];
    if opened.footer.kind == DiskKind::Differencing {
        for raw in header.locators.chunks_exact(PARENT_LOCATOR_BYTES) {
            let locator = Cursor::new("VHD parent locator", header.offset, raw);
            let length = u64::from(locator.u32_be(8)?);
            if length > 0 && !raw.starts_with(&[0; 4]) {
                spans.push((locator.u64_be(16)?, length.next_multiple_of(SECTOR_BYTES)));
            }
        }
    }
    spans.sort_unstable();
    Ok(spans)
}

/// One or more entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entries {
    /// The first block.
    pub(super) block: u64,
    pub(super) count: u64,
    /// Where the bitmap of the first block stands; `None` where the blocks are not in the file.
    pub(super) sector: Option<u64>,
    /// By how many sectors each further block stands behind.
    pub(super) step: u64,
    /// Where the first entry stands, bytes from the start of the file.
    pub(super) place: u64,
}

/// The table, read from its start to the last block of the disk.
#[derive(Debug)]
pub(super) struct Walk<R> {
    layout: Layout,
    reader: TableReader<R, BAT_ENTRY_BYTES>,
    /// Bytes of bitmaps that were read.
    bitmap_bytes: u64,
}

impl<R: ReadAt> Walk<R> {
    pub(super) fn new(layout: Layout, source: R) -> Self {
        Self {
            layout,
            reader: TableReader::new(TABLE, source, layout.offset, layout.blocks),
            bitmap_bytes: 0,
        }
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The entries of the blocks that come next, as far as they are in memory.
    #[inline]
    pub(super) fn in_memory(&self) -> &[[u8; BAT_ENTRY_BYTES]] {
        self.reader.in_memory()
    }

    /// The next block.
    pub(super) fn block(&self) -> u64 {
        self.reader.position()
    }

    /// Takes the entries of `count` blocks.
    pub(super) fn take(&mut self, count: u64) {
        self.reader.advance(count);
    }

    /// The next entries; `None` behind the last block.
    pub(super) fn next(&mut self) -> Result<Option<Entries>> {
        let block = self.reader.position();
        let place = self.reader.place(block);
        let span = self.layout.span_bytes() / SECTOR_BYTES;
        let entries = self.reader.peek()?;
        let number = |index: usize| entries.get(index).copied().map(u32::from_be_bytes);
        let Some(first) = number(0) else {
            return Ok(None);
        };
        if first == BAT_UNALLOCATED {
            let count = run_length(entries, 0, u32::from_ne_bytes);
            self.reader.advance(count);
            return Ok(Some(Entries {
                block,
                count,
                sector: None,
                step: 0,
                place,
            }));
        }
        // Windows leaves some sectors between blocks, so that their content lies on whole 4 KiB.
        let step = number(1)
            .and_then(|second| second.checked_sub(first))
            .filter(|step| (span..span.saturating_mul(2)).contains(&u64::from(*step)));
        let count = step.map_or(1, |step| run_length_be(entries, step));
        // The last of a row may be the mark of a block that is not there, where the row leads to its number.
        let last = u64::from(first).saturating_add(count.saturating_sub(1).saturating_mul(step.unwrap_or(0).into()));
        let count = if last >= BAT_UNALLOCATED.into() { 1 } else { count };
        self.reader.advance(count);
        Ok(Some(Entries {
            block,
            count,
            sector: Some(first.into()),
            step: step.unwrap_or(0).into(),
            place,
        }))
    }

    /// Which sectors are in the block whose bitmap stands at `sector`.
    ///
    /// # Errors
    /// `LimitExceeded` when the bitmaps together are longer than the file: then many blocks name one place.
    pub(super) fn sector_bitmap(&mut self, sector: u64) -> Result<SectorBitmap> {
        let sectors = self.layout.block_bytes / SECTOR_BYTES;
        let offset = sector.saturating_mul(SECTOR_BYTES);
        let length = sectors.div_ceil(8);
        self.bitmap_bytes = check_bitmap_bytes(self.bitmap_bytes.saturating_add(length), self.layout.data_end)?;
        let bits = self.reader.source().exact(BITMAP, offset, length)?;
        Ok(SectorBitmap::msb_first(&bits, sectors))
    }
}
