//! The disk as stretches with where their content is.

use super::{
    Opened,
    bat::{Layout, Walk},
    format::SECTOR_BYTES,
};
use crate::{
    block_map::{DiskRange, Merged, RangeContent, SectorBitmap},
    disk_kind::DiskKind,
    error::Result,
    read_at::ReadAt,
};

/// The stretches of a VHD in the order of the disk, without gaps; made by [`super::ranges()`].
#[derive(Debug)]
pub struct Ranges<R>(Merged<Pieces<R>>);

impl<R: ReadAt> Ranges<R> {
    pub(super) fn new(opened: Opened<R>) -> Result<Self> {
        if opened.footer.kind == DiskKind::Fixed {
            let virtual_bytes = opened.virtual_bytes.unwrap_or(0);
            let there = virtual_bytes.min(opened.data_end());
            return Ok(Self(Merged::new(Pieces {
                walk: None,
                pending: Pending::Fixed { there, virtual_bytes },
            })));
        }
        let layout = Layout::of(&opened)?;
        Ok(Self(Merged::new(Pieces {
            walk: Some(Walk::new(layout, opened.source)),
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
    /// A fixed disk: its content, as far as it is there.
    Fixed {
        there: u64,
        virtual_bytes: u64,
    },
    /// The end of a fixed disk that is cut.
    Cut {
        start: u64,
        length: u64,
    },
    /// Blocks that have a place.
    Blocks(Blocks),
    /// The sectors of the first of these blocks from `sector` on.
    Sectors {
        blocks: Blocks,
        sector: u64,
        bitmap: SectorBitmap,
    },
}

#[derive(Debug, Clone, Copy)]
struct Blocks {
    block: u64,
    count: u64,
    /// Where the bitmap of the first one stands.
    sector: u64,
    step: u64,
}

impl Blocks {
    /// Where the content of the first one stands, bytes from the start of the file.
    fn content_offset(&self, layout: &Layout) -> u64 {
        self.sector
            .saturating_mul(SECTOR_BYTES)
            .saturating_add(layout.bitmap_bytes)
    }

    /// Those behind the first.
    fn rest(self) -> Pending {
        match self.count.checked_sub(1).filter(|&count| count > 0) {
            Some(count) => Pending::Blocks(Self {
                block: self.block.saturating_add(1),
                count,
                sector: self.sector.saturating_add(self.step),
                ..self
            }),
            None => Pending::Nothing,
        }
    }
}

/// Stretches before they are joined.
#[derive(Debug)]
struct Pieces<R> {
    /// `None` in a fixed disk.
    walk: Option<Walk<R>>,
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
            let pending = std::mem::replace(&mut self.pending, Pending::Nothing);
            let found = match (pending, &mut self.walk) {
                (Pending::Fixed { there, virtual_bytes }, _) => {
                    self.pending = Pending::Cut {
                        start: there,
                        length: virtual_bytes.saturating_sub(there),
                    };
                    range(0, there, RangeContent::File { offset: 0 })
                }
                (Pending::Cut { start, length }, _) => range(start, length, RangeContent::Lost),
                (_, None) => return Ok(None),
                (Pending::Nothing, Some(walk)) => {
                    let Some(entries) = walk.next()? else { return Ok(None) };
                    if let Some(sector) = entries.sector {
                        self.pending = Pending::Blocks(Blocks {
                            block: entries.block,
                            count: entries.count,
                            sector,
                            step: entries.step,
                        });
                        continue;
                    }
                    let (start, length) = walk.layout().span(entries.block, entries.count);
                    range(start, length, RangeContent::Absent)
                }
                (Pending::Blocks(blocks), Some(walk)) => {
                    let (found, pending) = first_block(walk, blocks)?;
                    self.pending = pending;
                    found
                }
                (Pending::Sectors { blocks, sector, bitmap }, Some(walk)) => {
                    let (found, pending) = sectors(walk.layout(), blocks, sector, bitmap);
                    self.pending = pending;
                    found
                }
            };
            if found.is_some() {
                return Ok(found);
            }
        }
    }
}

fn range(start: u64, length: u64, content: RangeContent) -> Option<DiskRange> {
    (length > 0).then_some(DiskRange { start, length, content })
}

/// The first of some blocks, as a stretch or to be taken apart, and what is left.
fn first_block<R: ReadAt>(walk: &mut Walk<R>, blocks: Blocks) -> Result<(Option<DiskRange>, Pending)> {
    let layout = *walk.layout();
    let (start, length) = layout.span(blocks.block, 1);
    if !layout.is_inside(blocks.sector) {
        return Ok((range(start, length, RangeContent::Lost), blocks.rest()));
    }
    if layout.differencing {
        let bitmap = walk.sector_bitmap(blocks.sector)?;
        let pending = Pending::Sectors {
            blocks,
            sector: 0,
            bitmap,
        };
        return Ok((None, pending));
    }
    let offset = blocks.content_offset(&layout);
    Ok((range(start, length, RangeContent::File { offset }), blocks.rest()))
}

/// The next sectors of a block that are all here or all the parent's, and what is left.
fn sectors(layout: &Layout, blocks: Blocks, sector: u64, bitmap: SectorBitmap) -> (Option<DiskRange>, Pending) {
    let start = blocks.block.saturating_mul(layout.block_bytes);
    let Some((found, sector)) = bitmap.stretch(sector, SECTOR_BYTES, start, blocks.content_offset(layout)) else {
        return (None, blocks.rest());
    };
    let pending = Pending::Sectors { blocks, sector, bitmap };
    (found.cut_at(layout.virtual_bytes), pending)
}
