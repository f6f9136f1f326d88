//! The disk as stretches with where their content is.

use super::{
    Opened,
    bat::{Entries, Layout, Walk, inside_file, place_of, state_of},
    format::{
        HEADER_AREA_BYTES, PAYLOAD_FULLY_PRESENT, PAYLOAD_NOT_PRESENT, PAYLOAD_PARTIALLY_PRESENT, PAYLOAD_UNDEFINED,
        PAYLOAD_UNMAPPED, PAYLOAD_ZERO,
    },
    overlay::Overlay,
};
use crate::{
    block_map::{DiskRange, Merged, RangeContent, SectorBitmap},
    error::Result,
    read_at::ReadAt,
    window::Window,
};

/// The stretches of a VHDX in the order of the disk, without gaps; made by [`super::ranges()`].
///
/// A block whose content is not defined or was given back reads as zeros, as QEMU reads it.
#[derive(Debug)]
pub struct Ranges<R>(Merged<Pieces<R>>);

impl<R: ReadAt> Ranges<R> {
    pub(super) fn new(opened: Opened<R>) -> Result<Self> {
        let layout = Layout::of(&opened)?;
        Ok(Self(Merged::new(Pieces {
            walk: Walk::new(layout, opened.source),
            pending: Pending::Nothing,
        })))
    }
}

impl<R: ReadAt> Iterator for Ranges<R> {
    type Item = Result<DiskRange>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

/// What is left of the entries that were read last.
#[derive(Debug)]
enum Pending {
    Nothing,
    /// Blocks outside the file, or of which nobody can tell the sectors.
    Lost {
        block: u64,
        count: u64,
    },
    /// Blocks that are partly here.
    Partial(Blocks),
    /// The sectors of the first of these blocks from `sector` on.
    Sectors {
        blocks: Blocks,
        sector: u64,
        bitmap: SectorBitmap,
    },
}

/// Blocks one after another in the file.
#[derive(Debug, Clone, Copy)]
struct Blocks {
    block: u64,
    count: u64,
    /// Where the first one stands, bytes from the start of the file.
    offset: u64,
}

impl Blocks {
    /// Those behind the first.
    fn rest(self, block_bytes: u64) -> Pending {
        match self.count.checked_sub(1).filter(|&count| count > 0) {
            Some(count) => Pending::Partial(Self {
                block: self.block.saturating_add(1),
                count,
                offset: self.offset.saturating_add(block_bytes),
            }),
            None => Pending::Nothing,
        }
    }
}

/// Stretches before they are joined.
#[derive(Debug)]
struct Pieces<R> {
    walk: Walk<Overlay<Window<R>>>,
    pending: Pending,
}

impl<R: ReadAt> Iterator for Pieces<R> {
    type Item = Result<DiskRange>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

impl<R: ReadAt> Pieces<R> {
    fn advance(&mut self) -> Result<Option<DiskRange>> {
        loop {
            let found = match std::mem::replace(&mut self.pending, Pending::Nothing) {
                Pending::Nothing => match self.walk.next()? {
                    None => return Ok(None),
                    Some(Entries::Bitmap { .. }) => None,
                    Some(Entries::Payload {
                        block, count, entry, ..
                    }) => self.payload(block, count, entry),
                },
                Pending::Lost { block, count } => self.blocks(block, count, RangeContent::Lost),
                Pending::Partial(blocks) => self.partial(blocks)?,
                Pending::Sectors { blocks, sector, bitmap } => self.sectors(blocks, sector, bitmap),
            };
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    fn blocks(&self, block: u64, count: u64, content: RangeContent) -> Option<DiskRange> {
        let (start, length) = self.walk.layout().span(block, count);
        (length > 0).then_some(DiskRange { start, length, content })
    }

    fn payload(&mut self, block: u64, count: u64, entry: u64) -> Option<DiskRange> {
        let offset = place_of(entry);
        let content = match state_of(entry) {
            PAYLOAD_NOT_PRESENT => RangeContent::Absent,
            PAYLOAD_UNDEFINED | PAYLOAD_ZERO | PAYLOAD_UNMAPPED => RangeContent::Zero,
            PAYLOAD_FULLY_PRESENT => {
                let inside = inside_file(offset, count, self.walk.layout().block_bytes, self.walk.source().len());
                self.pending = Pending::Lost {
                    block: block.saturating_add(inside),
                    count: count.saturating_sub(inside),
                };
                return self.blocks(block, inside, RangeContent::File { offset });
            }
            // Entries without a place do not follow each other: their blocks lie nowhere.
            PAYLOAD_PARTIALLY_PRESENT if offset >= HEADER_AREA_BYTES => {
                self.pending = Pending::Partial(Blocks { block, count, offset });
                return None;
            }
            _ => RangeContent::Lost,
        };
        self.blocks(block, count, content)
    }

    /// The first of blocks that are partly here.
    fn partial(&mut self, blocks: Blocks) -> Result<Option<DiskRange>> {
        let block_bytes = self.walk.layout().block_bytes;
        let is_inside = inside_file(blocks.offset, 1, block_bytes, self.walk.source().len()) > 0;
        let bitmap = if is_inside {
            self.walk.sector_bitmap(blocks.block)?
        } else {
            None
        };
        let Some(bitmap) = bitmap else {
            self.pending = blocks.rest(block_bytes);
            return Ok(self.blocks(blocks.block, 1, RangeContent::Lost));
        };
        self.pending = Pending::Sectors {
            blocks,
            sector: 0,
            bitmap,
        };
        Ok(None)
    }

    fn sectors(&mut self, blocks: Blocks, sector: u64, bitmap: SectorBitmap) -> Option<DiskRange> {
        let layout = *self.walk.layout();
        let start = blocks.block.saturating_mul(layout.block_bytes);
        let Some((found, sector)) = bitmap.stretch(sector, layout.sector_bytes, start, blocks.offset) else {
            self.pending = blocks.rest(layout.block_bytes);
            return None;
        };
        self.pending = Pending::Sectors { blocks, sector, bitmap };
        found.cut_at(layout.virtual_bytes)
    }
}
