//! What the block allocation table allocates, counted in one walk.

use super::{
    Opened,
    bat::{Entries, Layout, Walk, decode, inside_file, place_of, state_of},
    code,
    format::{
        BAT_ENTRY_BYTES, BAT_OFFSET_MASK, BAT_STATE_MASK, BITMAP_NOT_PRESENT, BITMAP_PRESENT, HEADER_AREA_BYTES, MIB,
        PAYLOAD_FULLY_PRESENT, PAYLOAD_NOT_PRESENT, PAYLOAD_PARTIALLY_PRESENT, PAYLOAD_UNDEFINED, PAYLOAD_UNMAPPED,
        PAYLOAD_ZERO, SECTOR_BITMAP_BYTES,
    },
    header::ParsedHeader,
    overlay::Overlay,
    region::Regions,
};
use crate::{
    block_map::{Allocation, Places, Tally},
    disk_kind::DiskKind,
    error::{Anomaly, Result},
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
    window::Window,
};

/// Walks the table of an open file.
pub(super) fn read<R: ReadAt>(opened: Opened<R>, limits: &Limits) -> Result<Allocation> {
    let layout = Layout::of(&opened)?;
    let file = FilePlaces::new(opened.source.len(), &opened.header, &opened.regions, limits);
    let mut counter = Counter {
        walk: Walk::new(layout, opened.source),
        layout,
        file,
        is_fixed: opened.metadata.kind == Some(DiskKind::Fixed),
        faults: Faults::default(),
        allocation: Allocation::of_blocks(layout.blocks, layout.block_bytes),
    };
    while let Some(entries) = counter.walk.next()? {
        counter.add(entries)?;
        if matches!(entries, Entries::Payload { count: 1, .. }) {
            counter.add_scattered();
        }
    }
    Ok(counter.finish(opened.findings.first_damage()))
}

/// What of the file is taken, in MiB: everything in a VHDX lies on whole ones.
#[derive(Debug)]
struct FilePlaces {
    file_bytes: u64,
    /// `None` where the file is too large.
    live: Option<Places>,
    /// Blocks without content that keep their place.
    kept: Option<Places>,
    /// The end of the last thing, but for blocks that only `live` knows.
    end: u64,
    limit_bytes: u64,
}

impl FilePlaces {
    fn new(file_bytes: u64, header: &ParsedHeader, regions: &Regions, limits: &Limits) -> Self {
        let mut file = Self {
            file_bytes,
            live: Places::new(file_bytes / MIB, limits.table_bytes),
            kept: None,
            end: 0,
            limit_bytes: limits.table_bytes,
        };
        file.take(0, HEADER_AREA_BYTES);
        file.take(header.log_offset, header.log_bytes);
        for region in regions.iter() {
            file.take(region.offset, region.length);
        }
        file
    }

    /// Takes a stretch; false when a part of it was taken already.
    fn take(&mut self, offset: u64, length: u64) -> bool {
        self.end = self.end.max(offset.saturating_add(length));
        match &mut self.live {
            Some(places) => places.take(offset / MIB, length.div_ceil(MIB)),
            None => true,
        }
    }

    /// Takes `count` blocks one after another, and returns how many of them lie on something.
    fn take_blocks(&mut self, offset: u64, count: u64, block_bytes: u64) -> u64 {
        if count == 1 {
            return u64::from(!self.take(offset, block_bytes));
        }
        let length = count.saturating_mul(block_bytes);
        let are_free = self
            .live
            .as_ref()
            .is_none_or(|places| places.are_free(offset / MIB, length / MIB));
        if are_free {
            self.take(offset, length);
            return 0;
        }
        let mut at = offset;
        let mut overlapping = 0_u64;
        for _ in 0..count {
            overlapping = overlapping.saturating_add(u64::from(!self.take(at, block_bytes)));
            at = at.saturating_add(block_bytes);
        }
        overlapping
    }

    /// Notes a place that a block without content keeps.
    fn keep(&mut self, offset: u64, length: u64) {
        self.end = self.end.max(offset.saturating_add(length));
        if self.kept.is_none() {
            self.kept = Places::new(self.file_bytes / MIB, self.limit_bytes);
        }
        if let Some(places) = &mut self.kept {
            places.take(offset / MIB, length / MIB);
        }
    }

    /// The end of the last thing.
    fn end(&self) -> u64 {
        let last = self.live.as_ref().and_then(|places| places.iter().next_back());
        let behind = last.map_or(0, |unit| unit.saturating_add(1).saturating_mul(MIB));
        self.end.max(behind)
    }

    /// Bytes that only blocks without content keep, and bytes that nothing refers to.
    fn rest(&mut self) -> (u64, u64) {
        let Some(live) = &mut self.live else {
            return (0, 0);
        };
        let before = live.taken();
        if let Some(kept) = &self.kept {
            live.take_all(kept);
        }
        let after = live.taken();
        let bytes = |units: u64| units.saturating_mul(MIB);
        (
            bytes(after.saturating_sub(before)),
            self.file_bytes.saturating_sub(bytes(after)),
        )
    }
}

#[derive(Debug, Default)]
struct Faults {
    state: Tally,
    reserved: Tally,
    outside: Tally,
    overlap: Tally,
    without_bitmap: Tally,
    bitmap: Tally,
    absent: Tally,
}

impl Faults {
    fn tell(&self, findings: &mut Findings) {
        self.absent.note(
            code::FIXED_BLOCK_ABSENT,
            "blocks of a fixed disk that have no place",
            findings,
        );
        self.state
            .damage(code::BLOCK_STATE_BAD, "blocks in a state that nobody knows", findings);
        self.outside.damage(
            code::BLOCK_OUTSIDE_FILE,
            "blocks outside the file or in its header area",
            findings,
        );
        self.overlap.damage(
            code::BLOCK_OVERLAP,
            "blocks on another block, a region or the log",
            findings,
        );
        self.without_bitmap.damage(
            code::BLOCK_WITHOUT_BITMAP,
            "blocks that are partly here while no bitmap says which part",
            findings,
        );
        self.bitmap.damage(
            code::BITMAP_BAD,
            "chunks of blocks whose sector bitmap cannot be",
            findings,
        );
        self.reserved.note(
            code::BLOCK_ENTRY_RESERVED,
            "blocks whose entry has reserved bits",
            findings,
        );
    }
}

struct Counter<R> {
    walk: Walk<Overlay<Window<R>>>,
    layout: Layout,
    file: FilePlaces,
    /// Every block has a place.
    is_fixed: bool,
    faults: Faults,
    allocation: Allocation,
}

impl<R: ReadAt> Counter<R> {
    fn add(&mut self, entries: Entries) -> Result<()> {
        match entries {
            Entries::Bitmap { block, entry, place } => self.add_bitmap(block, entry, place),
            Entries::Payload {
                block,
                count,
                entry,
                place,
            } => {
                if entry & !(BAT_STATE_MASK | BAT_OFFSET_MASK) != 0 {
                    self.faults.reserved.add(count, place, block);
                }
                let blocks = &mut self.allocation.blocks;
                let counted = match state_of(entry) {
                    PAYLOAD_NOT_PRESENT => {
                        let absent = if self.is_fixed { count } else { 0 };
                        self.faults.absent.add(absent, place, block);
                        &mut blocks.not_present
                    }
                    PAYLOAD_UNDEFINED => &mut blocks.undefined,
                    PAYLOAD_ZERO => &mut blocks.zero,
                    PAYLOAD_UNMAPPED => &mut blocks.unmapped,
                    PAYLOAD_FULLY_PRESENT => {
                        self.add_present(block, count, entry, place);
                        return Ok(());
                    }
                    PAYLOAD_PARTIALLY_PRESENT => return self.add_partial(block, count, entry, place),
                    _ => {
                        self.faults.state.add(count, place, block);
                        &mut blocks.invalid
                    }
                };
                *counted = counted.saturating_add(count);
                self.keep(count, entry);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Blocks without content may keep a place (MS-VHDX 2.5.1.1): undefined and unmapped ones, and the zero blocks of a
    /// fixed disk of QEMU.
    fn keep(&mut self, count: u64, entry: u64) {
        let (offset, length) = (place_of(entry), self.layout.block_bytes);
        let inside = inside_file(offset, count, length, self.file.file_bytes);
        if state_of(entry) != PAYLOAD_NOT_PRESENT && inside > 0 {
            self.file.keep(offset, inside.saturating_mul(length));
        }
    }

    /// Takes the places of blocks; returns how many of them are inside the file.
    fn take(&mut self, block: u64, count: u64, entry: u64, place: u64) -> u64 {
        let (offset, length) = (place_of(entry), self.layout.block_bytes);
        let inside = inside_file(offset, count, length, self.file.file_bytes);
        let outside = count.saturating_sub(inside);
        if outside > 0 {
            let first = inside.saturating_mul(8).saturating_add(place);
            self.faults.outside.add(outside, first, block.saturating_add(inside));
            self.allocation.blocks.invalid = self.allocation.blocks.invalid.saturating_add(outside);
        }
        if inside > 0 {
            let overlapping = self.file.take_blocks(offset, inside, length);
            self.faults.overlap.add(overlapping, place, block);
            self.allocation.add_payload(inside, length);
        }
        inside
    }

    fn add_present(&mut self, block: u64, count: u64, entry: u64, place: u64) {
        let inside = self.take(block, count, entry, place);
        self.note_present(block, inside);
    }

    fn note_present(&mut self, block: u64, count: u64) {
        let (_, bytes) = self.layout.span(block, count);
        self.allocation.add_present(count, bytes);
    }

    /// Takes blocks as long as each is whole, alone at its place, and none follows the one before: those of a disk that was
    /// written here and there. Whatever is odd is left to [`Self::add`].
    fn add_scattered(&mut self) {
        let Some(live) = &mut self.file.live else { return };
        let length = self.layout.block_bytes / MIB;
        let first = HEADER_AREA_BYTES / MIB;
        let Some(room) = (self.file.file_bytes / MIB).checked_sub(first.saturating_add(length)) else {
            return;
        };
        let entries = self.walk.in_memory();
        let count = match length {
            1 => scattered(entries, first, room, length, live.take_each_single()),
            _ => scattered(entries, first, room, length, live.take_each(length)),
        };
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let block = self.walk.block();
        self.walk.take(count);
        self.allocation.add_payload(count, self.layout.block_bytes);
        self.note_present(block, count);
    }

    fn add_partial(&mut self, block: u64, count: u64, entry: u64, place: u64) -> Result<()> {
        let inside = self.take(block, count, entry, place);
        for number in 0..inside {
            let block = block.saturating_add(number);
            let place = number.saturating_mul(8).saturating_add(place);
            let Some(bitmap) = self.walk.sector_bitmap(block)? else {
                self.faults.without_bitmap.add(1, place, block);
                self.allocation.blocks.invalid = self.allocation.blocks.invalid.saturating_add(1);
                continue;
            };
            let (_, length) = self.layout.span(block, 1);
            let sectors = length.div_ceil(self.layout.sector_bytes);
            let here = bitmap.count(sectors).saturating_mul(self.layout.sector_bytes);
            let allocation = &mut self.allocation;
            allocation.allocated_bytes = allocation.allocated_bytes.saturating_add(here.min(length));
            allocation.blocks.partially_present = allocation.blocks.partially_present.saturating_add(1);
        }
        Ok(())
    }

    fn add_bitmap(&mut self, block: u64, entry: u64, place: u64) {
        let offset = place_of(entry);
        match state_of(entry) {
            BITMAP_NOT_PRESENT => {}
            BITMAP_PRESENT if inside_file(offset, 1, SECTOR_BITMAP_BYTES, self.file.file_bytes) == 1 => {
                let overlapping = !self.file.take(offset, SECTOR_BITMAP_BYTES);
                self.faults.overlap.add(u64::from(overlapping), place, block);
                self.allocation.add_payload(1, SECTOR_BITMAP_BYTES);
            }
            _ => self.faults.bitmap.add(1, place, block),
        }
    }

    /// `earlier` is the damage of what was read before the table.
    fn finish(mut self, earlier: Option<Anomaly>) -> Allocation {
        let mut findings = Findings::default();
        self.faults.tell(&mut findings);
        if self.file.live.is_none() {
            let text = "the file is too large to look for overlaps of its blocks and for space that nothing refers to";
            findings.note(Anomaly::new(code::OVERLAPS_NOT_CHECKED, text));
        }
        let (reusable_bytes, unreferenced_bytes) = self.file.rest();
        let slack_bytes = self.file.file_bytes.saturating_sub(self.file.end());
        Allocation {
            reusable_bytes,
            // The holes are not known of a file that is too large, nor of one that ends within a MiB.
            unreferenced_bytes: unreferenced_bytes.max(slack_bytes),
            slack_bytes,
            damage: earlier.or(findings.first_damage()),
            anomalies: findings.into_anomalies(),
            ..self.allocation
        }
    }
}

/// How many entries from the first on are of whole blocks that `take` takes, each of which begins at most `room` behind
/// `first`, as long as they are not in order. Places are in MiB.
///
/// Each block costs a place of memory anywhere. With all that stays the same in registers many of these are under way at a
/// time: so whether blocks are in order is looked at now and then.
#[inline(never)]
fn scattered(
    entries: &[[u8; BAT_ENTRY_BYTES]],
    first: u64,
    room: u64,
    length: u64,
    mut take: impl FnMut(u64) -> bool,
) -> usize {
    const LOOKED_AT_TOGETHER: usize = 64;
    let mut is_other = |entry: &[u8; BAT_ENTRY_BYTES]| {
        // Another state, or a bit between state and place, ends in front of the number and makes it too large.
        let place = decode(*entry)
            .wrapping_sub(PAYLOAD_FULLY_PRESENT)
            .rotate_right(MIB.trailing_zeros());
        place.wrapping_sub(first) > room || !take(place)
    };
    let mut count = 0_usize;
    for group in entries.chunks(LOOKED_AT_TOGETHER) {
        if let [one, next, ..] = group
            && decode(*next).wrapping_sub(decode(*one)) == length.wrapping_mul(MIB)
        {
            break;
        }
        let taken = group.iter().position(&mut is_other);
        count = count.saturating_add(taken.unwrap_or(group.len()));
        if taken.is_some() {
            break;
        }
    }
    count
}
