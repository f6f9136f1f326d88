//! The disk as stretches with where their content is.

use super::{
    Qcow2,
    layout::{Entry, Layout, SUBCLUSTERS},
    walk::{Content, Run, Walk},
};
use crate::{
    block_map::{DiskRange, Merged, RangeContent},
    error::Result,
    read_at::ReadAt,
};

/// The stretches of an image in the order of the disk, without gaps; made by [`super::ranges()`].
#[derive(Debug)]
pub struct Ranges<R>(Merged<Pieces<R>>);

impl<R: ReadAt> Ranges<R> {
    pub(super) fn new(source: R, image: &Qcow2) -> Result<Self> {
        let layout = Layout::of(image, source.len())?;
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
    /// What is left of the clusters that were read last, and of the first of them the parts from this one on.
    pending: Option<(Run, u32)>,
}

impl<R: ReadAt> Iterator for Pieces<R> {
    type Item = Result<DiskRange>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (run, part) = match self.pending.take() {
                Some(pending) => pending,
                None => match self.walk.next() {
                    Ok(run) => (run?, 0),
                    Err(error) => return Some(Err(error)),
                },
            };
            if run.count > 0
                && let Some(range) = self.take(run, part)
            {
                return Some(Ok(range));
            }
        }
    }
}

impl<R: ReadAt> Pieces<R> {
    /// The first stretch of some clusters; the rest is kept. `None` where nothing of it lies on the disk.
    fn take(&mut self, run: Run, part: u32) -> Option<DiskRange> {
        let layout = &self.walk.layout;
        let (start, length) = layout.span(run.cluster, run.count);
        let whole = |content| Some(DiskRange { start, length, content });
        match run.content {
            Content::Of(Entry::Absent) => whole(RangeContent::Absent),
            Content::Of(Entry::Zero(_)) => whole(RangeContent::Zero),
            Content::Of(Entry::Compressed(place, bytes)) if layout.is_inside(place, bytes) => {
                whole(RangeContent::Compressed)
            }
            Content::Of(Entry::At(place)) => {
                let inside = layout.clusters_inside(place, run.count);
                let taken = if inside == 0 { run.count } else { inside };
                self.pending = run.behind(taken, layout.cluster_bytes).map(|rest| (rest, 0));
                let (start, length) = layout.span(run.cluster, taken);
                let content = if inside == 0 {
                    RangeContent::Lost
                } else {
                    content_at(layout, place)
                };
                Some(DiskRange { start, length, content })
            }
            Content::Of(Entry::Parts { place, here, zero }) => {
                let (count, content) = parts(layout, place, (here, zero), part);
                let next = part.saturating_add(count);
                self.pending = (next < SUBCLUSTERS).then_some((run, next));
                let part_bytes = layout.cluster_bytes.div_euclid(u64::from(SUBCLUSTERS));
                let range = DiskRange {
                    start: u64::from(part).saturating_mul(part_bytes).saturating_add(start),
                    length: u64::from(count).saturating_mul(part_bytes),
                    content,
                };
                range.cut_at(layout.virtual_bytes)
            }
            _ => whole(RangeContent::Lost),
        }
    }
}

fn content_at(layout: &Layout, offset: u64) -> RangeContent {
    if layout.is_external {
        RangeContent::DataFile { offset }
    } else {
        RangeContent::File { offset }
    }
}

/// How many parts of a cluster from `part` on are alike, and where they are.
fn parts(layout: &Layout, place: Option<u64>, (here, zero): (u32, u32), part: u32) -> (u32, RangeContent) {
    let state = |part: u32| {
        let is_set = |bits: u32| bits.checked_shr(part).is_some_and(|bits| bits & 1 != 0);
        (is_set(here), is_set(zero))
    };
    let first = state(part);
    let count = (part..SUBCLUSTERS).take_while(|part| state(*part) == first).count();
    let count = u32::try_from(count).unwrap_or(1);
    let content = match (first, place) {
        ((true, _), Some(place)) if layout.clusters_inside(place, 1) == 1 => {
            let part_bytes = layout.cluster_bytes.div_euclid(u64::from(SUBCLUSTERS));
            content_at(layout, u64::from(part).saturating_mul(part_bytes).saturating_add(place))
        }
        ((true, _), _) => RangeContent::Lost,
        ((false, true), _) => RangeContent::Zero,
        ((false, false), _) => RangeContent::Absent,
    };
    (count, content)
}

impl Run {
    /// Those behind the first `count`, which have places one behind the other; `None` where there are no more.
    fn behind(self, count: u64, cluster_bytes: u64) -> Option<Self> {
        let left = self.count.checked_sub(count).filter(|left| *left > 0)?;
        let content = match self.content {
            Content::Of(Entry::At(place)) => {
                Content::Of(Entry::At(count.saturating_mul(cluster_bytes).saturating_add(place)))
            }
            other => other,
        };
        Some(Self {
            cluster: self.cluster.saturating_add(count),
            count: left,
            content,
            ..self
        })
    }
}
