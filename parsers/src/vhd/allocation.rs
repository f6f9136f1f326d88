//! What the block allocation table allocates, counted in one walk.

use super::{
    Opened,
    bat::{self, Entries, Layout, Walk},
    code,
    format::{BAT_UNALLOCATED, SECTOR_BYTES},
};
use crate::{
    block_map::{Allocation, Slots, Tally},
    disk_kind::DiskKind,
    error::{Anomaly, Result},
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
};

/// Walks the table of an open file, or measures a fixed one.
pub(super) fn read<R: ReadAt>(opened: Opened<R>, limits: &Limits) -> Result<Allocation> {
    if opened.footer.kind == DiskKind::Fixed {
        return Ok(fixed(opened));
    }
    let layout = Layout::of(&opened)?;
    let structures = bat::structures(&opened)?;
    let span_sectors = layout.span_bytes() / SECTOR_BYTES;
    let structures_end = structures
        .iter()
        .map(|(start, length)| start.saturating_add(*length))
        .max()
        .unwrap_or(0);
    let mut counter = Counter {
        slots: Slots::new(layout.data_end / SECTOR_BYTES, span_sectors, limits.table_bytes),
        structures,
        structures_end,
        end: structures_end,
        walk: Walk::new(layout, opened.source),
        layout,
        outside: Tally::default(),
        overlap: Tally::default(),
        overlapping_blocks: 0,
        allocation: Allocation::of_blocks(layout.blocks, layout.block_bytes),
    };
    while let Some(entries) = counter.walk.next()? {
        counter.add(entries)?;
        if entries.count == 1 && !layout.differencing {
            counter.add_scattered();
        }
    }
    Ok(counter.finish(opened.findings.first_damage()))
}

/// A fixed disk is all there, as far as the file reaches.
fn fixed<R: ReadAt>(opened: Opened<R>) -> Allocation {
    let data_end = opened.data_end();
    let virtual_bytes = opened.virtual_bytes.unwrap_or(0);
    let allocated_bytes = virtual_bytes.min(data_end);
    let slack_bytes = data_end.saturating_sub(virtual_bytes);
    Allocation {
        allocated_bytes,
        payload_bytes: allocated_bytes,
        slack_bytes,
        unreferenced_bytes: slack_bytes,
        damage: opened.findings.first_damage(),
        ..Allocation::default()
    }
}

struct Counter<R> {
    walk: Walk<R>,
    layout: Layout,
    /// `None` where there are too many blocks.
    slots: Option<Slots>,
    /// What headers, table and locators take, sorted.
    structures: Vec<(u64, u64)>,
    /// The end of the last of these.
    structures_end: u64,
    /// The end of the last thing in the file, but for blocks that only `slots` knows.
    end: u64,
    outside: Tally,
    overlap: Tally,
    overlapping_blocks: u64,
    allocation: Allocation,
}

impl<R: ReadAt> Counter<R> {
    fn add(&mut self, entries: Entries) -> Result<()> {
        let Some(sector) = entries.sector else {
            let blocks = &mut self.allocation.blocks;
            blocks.not_present = blocks.not_present.saturating_add(entries.count);
            return Ok(());
        };
        let inside = self.inside(sector, &entries);
        let outside = entries.count.saturating_sub(inside);
        if outside > 0 {
            let place = inside.saturating_mul(4).saturating_add(entries.place);
            self.outside.add(outside, place, entries.block.saturating_add(inside));
            self.allocation.blocks.invalid = self.allocation.blocks.invalid.saturating_add(outside);
        }
        if inside == 0 {
            return Ok(());
        }
        self.take(sector, inside, &entries);
        if self.layout.differencing {
            return self.add_partial(sector, inside, &entries);
        }
        self.add_present(entries.block, inside);
        Ok(())
    }

    /// How many of these blocks end in the file.
    fn inside(&self, sector: u64, entries: &Entries) -> u64 {
        let last = entries
            .count
            .saturating_sub(1)
            .saturating_mul(entries.step)
            .saturating_add(sector);
        if self.layout.is_inside(last) {
            return entries.count;
        }
        if !self.layout.is_inside(sector) {
            return 0;
        }
        let first_end = sector
            .saturating_mul(SECTOR_BYTES)
            .saturating_add(self.layout.span_bytes());
        let room = self.layout.data_end.saturating_sub(first_end) / SECTOR_BYTES;
        room.checked_div(entries.step)
            .unwrap_or(0)
            .saturating_add(1)
            .min(entries.count)
    }

    fn take(&mut self, sector: u64, count: u64, entries: &Entries) {
        let span = self.layout.span_bytes();
        let start = sector.saturating_mul(SECTOR_BYTES);
        let last = count
            .saturating_sub(1)
            .saturating_mul(entries.step)
            .saturating_add(sector);
        let end = last.saturating_mul(SECTOR_BYTES).saturating_add(span);
        let mut overlapping = match &mut self.slots {
            Some(slots) => slots.take(sector, count, entries.step),
            None => 0,
        };
        let hits = |(at, length): &(u64, u64)| *at < end && start < at.saturating_add(*length);
        if start < self.structures_end && self.structures.iter().any(hits) {
            overlapping = overlapping.saturating_add(1).min(count);
        }
        self.overlap.add(overlapping, entries.place, entries.block);
        self.overlapping_blocks = self.overlapping_blocks.saturating_add(overlapping);
        self.end = self.end.max(end);
        self.allocation.add_payload(count, span);
    }

    fn add_present(&mut self, block: u64, count: u64) {
        let (_, bytes) = self.layout.span(block, count);
        self.allocation.add_present(count, bytes);
    }

    /// Takes blocks as long as each is alone at its place and none follows the one before: those of a disk that was written
    /// here and there. Whatever is odd is left to [`Self::add`].
    fn add_scattered(&mut self) {
        let span = self.layout.span_bytes() / SECTOR_BYTES;
        let last = (self.layout.data_end / SECTOR_BYTES)
            .saturating_sub(span)
            .min(u64::from(BAT_UNALLOCATED).saturating_sub(1));
        let first = self.structures_end.div_ceil(SECTOR_BYTES);
        let (Some(slots), Ok(first), Ok(last)) = (&mut self.slots, u32::try_from(first), u32::try_from(last)) else {
            return;
        };
        let taken = slots.take_scattered(self.walk.in_memory(), first, last);
        let count = u64::try_from(taken).unwrap_or(u64::MAX);
        let block = self.walk.block();
        self.walk.take(count);
        self.allocation.add_payload(count, self.layout.span_bytes());
        self.add_present(block, count);
    }

    /// The blocks of a differencing disk: whole ones are those of which the bitmap names every sector.
    fn add_partial(&mut self, sector: u64, count: u64, entries: &Entries) -> Result<()> {
        for number in 0..count {
            let at = number.saturating_mul(entries.step).saturating_add(sector);
            let bitmap = self.walk.sector_bitmap(at)?;
            let (_, length) = self.layout.span(entries.block.saturating_add(number), 1);
            // The last sector of a disk of odd size is cut short.
            let whole = length / SECTOR_BYTES;
            let cut = bitmap.count(length.div_ceil(SECTOR_BYTES)) > bitmap.count(whole);
            let here = bitmap.count(whole).saturating_mul(SECTOR_BYTES).saturating_add(if cut {
                length % SECTOR_BYTES
            } else {
                0
            });
            let allocation = &mut self.allocation;
            allocation.allocated_bytes = allocation.allocated_bytes.saturating_add(here);
            let blocks = &mut allocation.blocks;
            let counted = if here == length {
                &mut blocks.present
            } else {
                &mut blocks.partially_present
            };
            *counted = counted.saturating_add(1);
        }
        Ok(())
    }

    /// `earlier` is the damage of what was read before the table.
    fn finish(self, earlier: Option<Anomaly>) -> Allocation {
        let mut findings = Findings::default();
        self.outside
            .damage(code::BLOCK_OUTSIDE_FILE, "blocks outside the file", &mut findings);
        self.overlap.damage(
            code::BLOCK_OVERLAP,
            "blocks on another block, a header or the table",
            &mut findings,
        );
        if self.slots.is_none() {
            let text = "there are too many blocks to look for overlaps among them";
            findings.note(Anomaly::new(code::OVERLAPS_NOT_CHECKED, text));
        }
        let taken = self
            .structures
            .iter()
            .fold(self.allocation.payload_bytes, |sum, (_, length)| {
                sum.saturating_add(*length)
            });
        let end_of_blocks = self.slots.map_or(0, |slots| slots.end().saturating_mul(SECTOR_BYTES));
        let end = self.end.max(end_of_blocks);
        let double = self.overlapping_blocks.saturating_mul(self.layout.span_bytes());
        let slack_bytes = self.layout.data_end.saturating_sub(end);
        let untaken = self.layout.data_end.saturating_sub(taken.saturating_sub(double));
        Allocation {
            slack_bytes,
            // Where blocks lie on each other in part, what they take together is less than their sum.
            unreferenced_bytes: untaken.max(slack_bytes),
            damage: earlier.or(findings.first_damage()),
            anomalies: findings.into_anomalies(),
            ..self.allocation
        }
    }
}
