//! Where blocks of one length start in a file, at whatever sector: overlaps show whatever their order.
//!
//! As long as each row of blocks stands behind all before it, which is how a disk grows that is written in order, the rows
//! are only noted. Then, as long as all stand on one [`Lattice`], a bit for each place of it tells which are taken. Blocks
//! at odd places need the place of each: the file is divided into slots as long as a block. Blocks that do not overlap
//! start in different slots, and one can only touch those that start in the slots beside its own.

use super::lattice::{Lattice, common_step};

/// No block starts in this slot.
const FREE: u32 = u32::MAX;
/// Most rows that are noted before they are put into places.
const MAX_ROWS: usize = 4096;

/// The blocks of a file.
#[derive(Debug)]
pub(crate) struct Slots {
    taken: Taken,
    /// Sectors of the file.
    sectors: u64,
    /// Sectors of a block.
    span: u32,
}

/// Which places are taken.
#[derive(Debug)]
enum Taken {
    /// Rows of blocks, each behind the one before.
    Rows {
        rows: Vec<Row>,
        /// The sector behind the last row.
        end: u64,
    },
    Lattice(Lattice),
    Anywhere(Starts),
}

/// Blocks that stand at equal distances.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) sector: u32,
    pub(super) count: u64,
    pub(super) step: u32,
}

impl Row {
    /// A single block.
    fn of_one(sector: u32) -> Self {
        Self {
            sector,
            count: 1,
            step: 0,
        }
    }
}

impl Slots {
    /// A file of `sectors` without blocks, each of which has `span` sectors; `None` where their places may take more than
    /// `limit_bytes`.
    pub(crate) fn new(sectors: u64, span: u64, limit_bytes: u64) -> Option<Self> {
        if Starts::count(sectors, span)?.checked_mul(4)? > limit_bytes {
            return None;
        }
        Some(Self {
            taken: Taken::Rows {
                rows: Vec::new(),
                end: 0,
            },
            sectors,
            span: u32::try_from(span).ok().filter(|span| (2..FREE).contains(span))?,
        })
    }

    /// Takes `count` blocks from `sector` on, each `step` sectors behind the one before; `step` is less than two blocks,
    /// and not less than one where there are two. Returns how many lie on others.
    #[inline]
    pub(crate) fn take(&mut self, sector: u64, count: u64, step: u64) -> u64 {
        // A table has 32 bits for a sector.
        let (Ok(first), Ok(distance)) = (u32::try_from(sector), u32::try_from(step)) else {
            return 0;
        };
        let row = Row {
            sector: first,
            count,
            step: distance,
        };
        if let Taken::Rows { rows, end } = &mut self.taken
            && sector >= *end
            && rows.len() < MAX_ROWS
        {
            rows.push(row);
            let last = count.saturating_sub(1).saturating_mul(step).saturating_add(sector);
            *end = last.saturating_add(self.span.into());
            return 0;
        }
        self.make_room(row);
        self.put(row)
    }

    /// Takes the blocks of a row; returns how many lie on others.
    fn put(&mut self, row: Row) -> u64 {
        match &mut self.taken {
            Taken::Rows { .. } => 0,
            Taken::Lattice(lattice) => lattice.take(row),
            Taken::Anywhere(starts) => starts.take(row),
        }
    }

    /// Leaves what can no longer tell the places of all blocks, once those of `row` are among them.
    fn make_room(&mut self, row: Row) {
        let (rows, step) = match &mut self.taken {
            Taken::Anywhere(_) => return,
            Taken::Lattice(lattice) if lattice.has(row) => return,
            Taken::Lattice(lattice) => {
                let rows = lattice.sectors().map(Row::of_one).collect();
                (rows, lattice.step_with(row))
            }
            Taken::Rows { rows, .. } => {
                let rows = std::mem::take(rows);
                let step = common_step(&rows, row);
                (rows, step)
            }
        };
        // Without a step all stand at one place.
        let step = if step == 0 { self.span } else { step };
        self.taken = match Lattice::new(self.sectors, row.sector, step) {
            Some(lattice) if step >= self.span => Taken::Lattice(lattice),
            _ => Taken::Anywhere(Starts::new(self.sectors, self.span)),
        };
        for row in rows {
            self.put(row);
        }
    }

    /// Takes blocks one by one, as long as each lies from `first` to `last` and on no other, and as they are not in order.
    /// Returns how many: none while all were in order.
    #[inline(never)]
    pub(crate) fn take_scattered(&mut self, sectors: &[[u8; 4]], first: u32, last: u32) -> usize {
        match &mut self.taken {
            Taken::Rows { .. } => 0,
            Taken::Lattice(lattice) => scattered(sectors, first, last, self.span, lattice.take_each()),
            Taken::Anywhere(starts) => scattered(sectors, first, last, self.span, |sector| starts.take_if_free(sector)),
        }
    }

    /// The sector behind the last block that was taken.
    pub(crate) fn end(&self) -> u64 {
        let last = match &self.taken {
            Taken::Rows { end, .. } => return *end,
            Taken::Lattice(lattice) => lattice.sectors().next_back().unwrap_or(0),
            Taken::Anywhere(starts) => starts.last(),
        };
        u64::from(last).saturating_add(self.span.into())
    }
}

/// As [`Slots::take_scattered`], where `take` takes a block unless it lies on another.
///
/// Each block costs a place of memory anywhere. With all that stays the same in registers many of these are under way at a
/// time: so whether blocks are in order is looked at now and then.
#[inline]
fn scattered(sectors: &[[u8; 4]], first: u32, last: u32, span: u32, mut take: impl FnMut(u32) -> bool) -> usize {
    const LOOKED_AT_TOGETHER: usize = 64;
    let Some(room) = last.checked_sub(first) else { return 0 };
    let mut is_other = |entry: &[u8; 4]| {
        let sector = u32::from_be_bytes(*entry);
        sector.wrapping_sub(first) > room || !take(sector)
    };
    let mut count = 0_usize;
    for group in sectors.chunks(LOOKED_AT_TOGETHER) {
        if let [one, next, ..] = group {
            let step = u32::from_be_bytes(*next).wrapping_sub(u32::from_be_bytes(*one));
            if step.wrapping_sub(span) < span {
                break;
            }
        }
        let taken = group.iter().position(&mut is_other);
        count = count.saturating_add(taken.unwrap_or(group.len()));
        if taken.is_some() {
            break;
        }
    }
    count
}

/// For each slot of a file, which is as long as a block, the sector in it where a block starts.
#[derive(Debug, PartialEq, Eq)]
struct Starts {
    slots: Vec<u32>,
    span: u32,
    /// 2^64 divided by the span, rounded up.
    reciprocal: u64,
}

impl Starts {
    /// Slots of a file: with one in front and one behind, so that every one has two neighbours.
    fn count(sectors: u64, span: u64) -> Option<u64> {
        sectors.checked_div(span)?.checked_add(3)
    }

    fn new(sectors: u64, span: u32) -> Self {
        let count = Self::count(sectors, span.into()).unwrap_or(0);
        Self {
            slots: vec![FREE; usize::try_from(count).unwrap_or(0)],
            span,
            reciprocal: u64::MAX.checked_div(span.into()).unwrap_or(0).saturating_add(1),
        }
    }

    /// Takes one block, unless it lies on another; false then.
    #[inline]
    fn take_if_free(&mut self, sector: u32) -> bool {
        let (slot, within) = self.slot_of(sector);
        match self.slots.get_mut(slot..slot.saturating_add(3)) {
            Some([before, own, after]) if is_free(*before, *own, *after, within) => {
                *own = within;
                true
            }
            _ => false,
        }
    }

    /// The last sector at which a block starts; 0 where there is none.
    fn last(&self) -> u32 {
        let last = self.slots.iter().rposition(|within| *within != FREE);
        let start = last.and_then(|place| {
            let slot = u32::try_from(place.checked_sub(1)?).ok()?;
            slot.checked_mul(self.span)?.checked_add(*self.slots.get(place)?)
        });
        start.unwrap_or(0)
    }

    /// The slot of a sector, and the sector in it.
    #[inline]
    fn slot_of(&self, sector: u32) -> (usize, u32) {
        // With a reciprocal that is rounded up the upper half of the product is the quotient, for any 32 bits.
        let product = u128::from(self.reciprocal).wrapping_mul(sector.into()) >> 64_u32;
        let slot = u32::try_from(product).unwrap_or(u32::MAX);
        let within = sector.wrapping_sub(slot.wrapping_mul(self.span));
        (usize::try_from(slot).unwrap_or(usize::MAX), within)
    }

    /// Takes the blocks of a row; returns how many lie on others.
    #[inline]
    fn take(&mut self, row: Row) -> u64 {
        let (mut slot, mut within) = self.slot_of(row.sector);
        let mut overlapping = 0_u64;
        for _ in 0..row.count {
            let Some([before, own, after]) = self.slots.get_mut(slot..slot.saturating_add(3)) else {
                return overlapping;
            };
            if is_free(*before, *own, *after, within) {
                *own = within;
            } else {
                overlapping = overlapping.saturating_add(1);
            }
            within = within.wrapping_add(row.step);
            while within >= self.span {
                within = within.wrapping_sub(self.span);
                slot = slot.wrapping_add(1);
            }
        }
        overlapping
    }
}

/// True when a block may start at `within` of the second of these slots.
#[inline]
fn is_free(before: u32, own: u32, after: u32, within: u32) -> bool {
    // With nothing before, the sum wraps to 0.
    own == FREE && before.wrapping_add(1) <= within.wrapping_add(1) && within <= after
}

#[cfg(test)]
mod tests {
    use super::{super::testing::noise, *};

    #[test]
    fn blocks_overlap_when_less_than_their_length_apart() {
        for (first, second) in [
            (100, 110),
            (110, 100),
            (105, 114),
            (114, 105),
            (100, 100),
            (100, 91),
            (0, 9),
        ] {
            let mut slots = Slots::new(1000, 10, 1 << 20).unwrap();
            assert_eq!(slots.take(first, 1, 0), 0);
            let distance = u64::abs_diff(first, second);
            assert_eq!(
                slots.take(second, 1, 0),
                u64::from(distance < 10),
                "{first} and {second}"
            );
        }
    }

    #[test]
    fn a_sector_is_divided_by_the_span_whatever_both_are() {
        for span in [2_u32, 3, 9, 10, 1025, 4097, 8191, 65_537, 4_294_967_294] {
            let slots = Starts::new(0, span);
            for sector in (0..2000).flat_map(|n| [n, u32::wrapping_mul(n, span) / 7, u32::MAX - n, u32::MAX / (n + 1)])
            {
                let (slot, within) = slots.slot_of(sector);
                let slot = u32::try_from(slot).unwrap();
                assert_eq!((slot, within), (sector / span, sector % span), "{sector} / {span}");
            }
        }
    }

    /// Of each block whether it lies on one before, told by all of them.
    fn one_by_one(blocks: &[u32], span: u32) -> Vec<u64> {
        let mut taken: Vec<u32> = Vec::new();
        let overlaps = |block: u32, taken: &[u32]| taken.iter().any(|other| other.abs_diff(block) < span);
        blocks
            .iter()
            .map(|block| {
                let overlapping = overlaps(*block, &taken);
                if !overlapping {
                    taken.push(*block);
                }
                u64::from(overlapping)
            })
            .collect()
    }

    #[test]
    fn blocks_on_a_lattice_or_off_it_overlap_as_one_by_one() {
        let steps = [10, 11, 16, 30];
        for (seed, step) in (1..200_u64).flat_map(|seed| steps.map(|step| (seed, step))) {
            let mut blocks: Vec<u32> = noise(seed)
                .take(60)
                .map(|number| 7 + u32::try_from(number % 90).unwrap() * step)
                .collect();
            // Of some files a few blocks stand off the lattice.
            for (place, number) in noise(seed ^ 0x5555)
                .take(usize::try_from(seed % 4).unwrap())
                .enumerate()
            {
                blocks[20 * (place + 1) - 1] += u32::try_from(number % 30).unwrap();
            }
            let mut slots = Slots::new(4000, 10, 1 << 20).unwrap();
            let told: Vec<u64> = blocks.iter().map(|block| slots.take((*block).into(), 1, 0)).collect();
            assert_eq!(told, one_by_one(&blocks, 10), "seed {seed}, step {step}");
        }
    }

    #[test]
    fn scattered_blocks_are_taken_until_one_lies_on_another() {
        let far_apart = [600_u32, 300, 900, 120, 450];
        for odd in [0, 1] {
            let mut slots = Slots::new(1000, 10, 1 << 20).unwrap();
            assert_eq!(slots.take_scattered(&[[0; 4]], 0, 2000), 0, "nothing is known yet");
            for sector in [200, 100 + odd] {
                assert_eq!(slots.take(sector, 1, 0), 0);
            }
            assert_eq!(slots.take(31, 1, 0), 0);
            let mut entries: Vec<[u8; 4]> = far_apart.map(|sector| (sector + 1).to_be_bytes()).to_vec();
            entries.extend([601_u32.to_be_bytes(), 800_u32.to_be_bytes()]);
            let mut taken = 0;
            while taken < far_apart.len() {
                let sector = u32::from_be_bytes(entries[taken]);
                assert_eq!(slots.take(sector.into(), 1, 0), 0);
                taken += 1 + slots.take_scattered(&entries[taken + 1..], 0, 2000);
            }
            assert_eq!(taken, far_apart.len(), "the next lies on the first");
            assert_eq!(slots.take(601, 1, 0), 1);
            assert_eq!(slots.take_scattered(&entries[6..], 0, 799), 0);
            assert_eq!(slots.take_scattered(&entries[6..], 0, 800), 1);
        }
    }

    #[test]
    fn rows_of_blocks_are_taken_as_one_by_one() {
        for step in 10..20 {
            let mut row = Slots::new(1000, 10, 1 << 20).unwrap();
            assert_eq!(row.take(3, 20, step), 0, "step {step}");
            assert!(
                matches!(row.taken, Taken::Rows { .. }),
                "a row in order takes no places"
            );
            assert_eq!(row.take(3, 20, step), 20);
            assert!(matches!(row.taken, Taken::Lattice(_)), "one row stands on a lattice");
            assert_eq!(row.take(4, 20, step), 20);
            let mut single = Slots::new(1000, 10, 1 << 20).unwrap();
            for number in (0..20).rev() {
                assert_eq!(single.take(3 + number * step, 1, 0), 0);
            }
            assert_eq!(single.take(4, 1, 0), 1);
            let starts = |slots: Slots| match slots.taken {
                Taken::Anywhere(starts) => starts,
                other => panic!("{other:?}"),
            };
            assert_eq!(starts(row), starts(single));
        }
        let mut many = Slots::new(1 << 24, 10, 16 << 20).unwrap();
        for row in 0..10_000 {
            assert_eq!(many.take(row * 100, 1, 0), 0);
        }
        assert_eq!(many.take(99 * 100 + 9, 1, 0), 1, "whatever was only noted counts");
        assert!(Slots::new(1 << 40, 2, 1 << 20).is_none(), "too many");
        assert!(Slots::new(1 << 40, 0, 1 << 20).is_none());
    }
}
