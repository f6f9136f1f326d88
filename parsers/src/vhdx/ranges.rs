//! The disk as stretches with where their content is.

use super::{
    Opened,
    bat::{Entries, Layout, Walk, inside_file, place_of, state_of},
    format::{
        PAYLOAD_FULLY_PRESENT, PAYLOAD_NOT_PRESENT, PAYLOAD_PARTIALLY_PRESENT, PAYLOAD_UNDEFINED, PAYLOAD_UNMAPPED,
        PAYLOAD_ZERO,
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
    Partial {
        block: u64,
        count: u64,
        offset: u64,
    },
    /// The sectors of one such block from `sector` on, and the blocks behind it.
    Sectors {
        block: u64,
        count: u64,
        offset: u64,
        sector: u64,
        bitmap: SectorBitmap,
    },
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
                Pending::Partial { block, count, offset } => self.partial(block, count, offset)?,
                Pending::Sectors {
                    block,
                    count,
                    offset,
                    sector,
                    bitmap,
                } => self.sectors(block, count, offset, sector, bitmap),
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
            PAYLOAD_PARTIALLY_PRESENT => {
                self.pending = Pending::Partial { block, count, offset };
                return None;
            }
            _ => RangeContent::Lost,
        };
        self.blocks(block, count, content)
    }

    /// The first of blocks that are partly here.
    fn partial(&mut self, block: u64, count: u64, offset: u64) -> Result<Option<DiskRange>> {
        if count == 0 {
            return Ok(None);
        }
        let block_bytes = self.walk.layout().block_bytes;
        let is_inside = inside_file(offset, 1, block_bytes, self.walk.source().len()) > 0;
        let bitmap = if is_inside {
            self.walk.sector_bitmap(block)?
        } else {
            None
        };
        let Some(bitmap) = bitmap else {
            self.pending = Pending::Partial {
                block: block.saturating_add(1),
                count: count.saturating_sub(1),
                offset: offset.saturating_add(block_bytes),
            };
            return Ok(self.blocks(block, 1, RangeContent::Lost));
        };
        self.pending = Pending::Sectors {
            block,
            count,
            offset,
            sector: 0,
            bitmap,
        };
        Ok(None)
    }

    fn sectors(&mut self, block: u64, count: u64, offset: u64, sector: u64, bitmap: SectorBitmap) -> Option<DiskRange> {
        let layout = *self.walk.layout();
        let Some((length, is_here)) = bitmap.run(sector) else {
            self.pending = Pending::Partial {
                block: block.saturating_add(1),
                count: count.saturating_sub(1),
                offset: offset.saturating_add(layout.block_bytes),
            };
            return None;
        };
        self.pending = Pending::Sectors {
            block,
            count,
            offset,
            sector: sector.saturating_add(length),
            bitmap,
        };
        let before = sector.saturating_mul(layout.sector_bytes);
        let range = DiskRange {
            start: block.saturating_mul(layout.block_bytes).saturating_add(before),
            length: length.saturating_mul(layout.sector_bytes),
            content: if is_here {
                RangeContent::File {
                    offset: offset.saturating_add(before),
                }
            } else {
                RangeContent::Absent
            },
        };
        range.cut_at(layout.virtual_bytes)
    }
}
