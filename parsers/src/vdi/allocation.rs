//! What the map of blocks allocates, counted in one walk.

use super::{
    Vdi, code,
    map::{Content, Entries, Layout, Walk},
};
use crate::{
    block_map::{Allocation, Slots, Tally},
    error::{Anomaly, Result},
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
};

/// A place as [`Slots`] counts them: blocks stand at whole blocks, and two of these make one.
const PLACES: u64 = 2;

/// Walks the map of what was read from `source`.
pub(super) fn read<R: ReadAt>(source: R, vdi: &Vdi, limits: &Limits) -> Result<Allocation> {
    let layout = Layout::of(vdi, source.len())?;
    let room = layout.inside(0, u64::MAX);
    let mut counter = Counter {
        slots: Slots::new(room.saturating_mul(PLACES), PLACES, limits.table_bytes),
        layout,
        outside: Tally::default(),
        overlap: Tally::default(),
        overlapping_blocks: 0,
        end: layout.data_offset.max(layout.map_end),
        allocation: Allocation::of_blocks(layout.blocks, layout.block_bytes),
    };
    let mut walk = Walk::new(layout, source);
    while let Some(entries) = walk.next()? {
        counter.add(entries);
    }
    Ok(counter.finish(vdi))
}

struct Counter {
    /// `None` where there are too many blocks.
    slots: Option<Slots>,
    layout: Layout,
    outside: Tally,
    overlap: Tally,
    overlapping_blocks: u64,
    /// The end of the last thing in the file.
    end: u64,
    allocation: Allocation,
}

impl Counter {
    fn add(&mut self, entries: Entries) {
        let blocks = &mut self.allocation.blocks;
        let number = match entries.content {
            Content::Absent => {
                blocks.not_present = blocks.not_present.saturating_add(entries.count);
                return;
            }
            Content::Zero => {
                blocks.zero = blocks.zero.saturating_add(entries.count);
                return;
            }
            Content::At(number) => number,
        };
        let inside = self.layout.inside(number, entries.count);
        let outside = entries.count.saturating_sub(inside);
        if outside > 0 {
            let place = inside.saturating_mul(4).saturating_add(entries.place);
            self.outside.add(outside, place, entries.block.saturating_add(inside));
            blocks.invalid = blocks.invalid.saturating_add(outside);
        }
        if inside > 0 {
            self.take(number, inside, &entries);
        }
    }

    /// Takes blocks of the file that are all there.
    fn take(&mut self, number: u64, count: u64, entries: &Entries) {
        let places = number.saturating_mul(PLACES);
        let mut overlapping = match &mut self.slots {
            Some(slots) => slots.take(places, count, PLACES),
            None => 0,
        };
        if self.layout.place_of(number) < self.layout.map_end {
            overlapping = overlapping.saturating_add(1).min(count);
        }
        self.overlap.add(overlapping, entries.place, entries.block);
        self.overlapping_blocks = self.overlapping_blocks.saturating_add(overlapping);
        self.end = self.end.max(self.layout.place_of(number.saturating_add(count)));
        self.allocation.add_payload(count, self.layout.span_bytes());
        let (_, bytes) = self.layout.span(entries.block, count);
        self.allocation.add_present(count, bytes);
    }

    fn finish(self, vdi: &Vdi) -> Allocation {
        let mut findings = Findings::default();
        self.outside
            .damage(code::BLOCK_OUTSIDE_FILE, "blocks outside the file", &mut findings);
        self.overlap
            .damage(code::BLOCK_OVERLAP, "blocks on another block or the map", &mut findings);
        if self.slots.is_none() {
            let text = "there are too many blocks to look for overlaps among them";
            findings.note(Anomaly::new(code::OVERLAPS_NOT_CHECKED, text));
        }
        let counted = self
            .allocation
            .blocks
            .present
            .saturating_add(self.allocation.blocks.invalid);
        if counted != u64::from(vdi.allocated_blocks) {
            let said = vdi.allocated_blocks;
            let text = format!("{counted} blocks are allocated, the header says {said}");
            findings.note(Anomaly::at(code::ALLOCATED_COUNT_WRONG, 388, text));
        }
        let double = self.overlapping_blocks.saturating_mul(self.layout.span_bytes());
        let blocks = self.allocation.payload_bytes.saturating_sub(double);
        let head = self.layout.data_offset.max(self.layout.map_end);
        let slack_bytes = self.layout.data_end.saturating_sub(self.end);
        let untaken = self.layout.data_end.saturating_sub(head.saturating_add(blocks));
        Allocation {
            slack_bytes,
            unreferenced_bytes: untaken.max(slack_bytes),
            damage: vdi.damage.clone().or(findings.first_damage()),
            anomalies: findings.into_anomalies(),
            ..self.allocation
        }
    }
}
