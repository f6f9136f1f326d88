//! The disk as stretches with where their content is.

use super::{
    Vdi,
    map::{Content, Entries, Layout, Walk},
};
use crate::{
    block_map::{DiskRange, Merged, RangeContent},
    error::Result,
    read_at::ReadAt,
};

/// The stretches of a VDI in the order of the disk, without gaps; made by [`super::ranges()`].
#[derive(Debug)]
pub struct Ranges<R>(Merged<Pieces<R>>);

impl<R: ReadAt> Ranges<R> {
    pub(super) fn new(source: R, vdi: &Vdi) -> Result<Self> {
        let layout = Layout::of(vdi, source.len())?;
        Ok(Self(Merged::new(Pieces {
            walk: Walk::new(layout, source),
            pending: None,
        })))
    }
}

impl<R: ReadAt> Iterator for Ranges<R> {
    type Item = Result<DiskRange>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

/// Stretches before they are joined.
#[derive(Debug)]
struct Pieces<R> {
    walk: Walk<R>,
    /// What is left of the entries that were read last.
    pending: Option<Entries>,
}

impl<R: ReadAt> Iterator for Pieces<R> {
    type Item = Result<DiskRange>;

    fn next(&mut self) -> Option<Self::Item> {
        let entries = match self.pending.take() {
            Some(entries) => entries,
            None => match self.walk.next() {
                Ok(entries) => entries?,
                Err(error) => return Some(Err(error)),
            },
        };
        let layout = self.walk.layout;
        let (count, content) = match entries.content {
            Content::Absent => (entries.count, RangeContent::Absent),
            Content::Zero => (entries.count, RangeContent::Zero),
            Content::At(number) => match layout.inside(number, entries.count) {
                0 => (entries.count, RangeContent::Lost),
                // What stands in front of each block parts them.
                inside => (
                    if layout.extra_bytes == 0 { inside } else { 1 },
                    content_of(&layout, number),
                ),
            },
        };
        self.pending = entries.behind(count);
        let (start, length) = layout.span(entries.block, count);
        Some(Ok(DiskRange { start, length, content }))
    }
}

fn content_of(layout: &Layout, number: u64) -> RangeContent {
    RangeContent::File {
        offset: layout.place_of(number).saturating_add(layout.extra_bytes),
    }
}

impl Entries {
    /// Those behind the first `count`; `None` where there are no more.
    fn behind(self, count: u64) -> Option<Self> {
        let left = self.count.checked_sub(count).filter(|left| *left > 0)?;
        Some(Self {
            block: self.block.saturating_add(count),
            count: left,
            content: match self.content {
                Content::At(number) => Content::At(number.saturating_add(count)),
                other => other,
            },
            place: count.saturating_mul(4).saturating_add(self.place),
        })
    }
}
