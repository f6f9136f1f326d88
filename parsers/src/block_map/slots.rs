//! Where blocks of one length start in a file, at whatever sector: overlaps show whatever their order.
//!
//! The file is divided into slots as long as a block. Blocks that do not overlap start in different slots, and one can
//! only touch those that start in the slots beside its own. As long as each row of blocks stands behind all before it,
//! which is how a disk grows that is written in order, the rows are only noted.

/// No block starts in this slot.
const FREE: u32 = u32::MAX;
/// Most rows that are noted before they are put into slots.
const MAX_ROWS: usize = 4096;

/// The slots of a file.
#[derive(Debug)]
pub(crate) struct Slots {
    /// For each slot the sector in it where a block starts; empty while there are only rows.
    starts: Vec<u32>,
    count: usize,
    span: u32,
    /// 2^64 divided by the span, rounded up.
    reciprocal: u64,
    /// Rows of blocks, each behind the one before.
    rows: Vec<Row>,
    /// The sector behind the last row.
    end: u64,
}

/// Blocks that stand at equal distances.
#[derive(Debug, Clone, Copy)]
struct Row {
    sector: u32,
    count: u64,
    step: u32,
}

impl Slots {
    /// A file of `sectors` without blocks, each of which has `span` sectors; `None` where that takes more than
    /// `limit_bytes`.
    pub(crate) fn new(sectors: u64, span: u64, limit_bytes: u64) -> Option<Self> {
        // One in front and one behind, so that every slot has two neighbours.
        let slots = sectors.checked_div(span)?.checked_add(3)?;
        if slots.checked_mul(4)? > limit_bytes {
            return None;
        }
        let span = u32::try_from(span).ok().filter(|span| (2..FREE).contains(span))?;
        Some(Self {
            starts: Vec::new(),
            count: usize::try_from(slots).ok()?,
            span,
            reciprocal: u64::MAX.checked_div(span.into())?.saturating_add(1),
            rows: Vec::new(),
            end: 0,
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
        if self.starts.is_empty() {
            if sector >= self.end && self.rows.len() < MAX_ROWS {
                self.rows.push(row);
                let last = count.saturating_sub(1).saturating_mul(step).saturating_add(sector);
                self.end = last.saturating_add(self.span.into());
                return 0;
            }
            self.starts = vec![FREE; self.count];
            for row in std::mem::take(&mut self.rows) {
                self.put(row);
            }
        }
        self.put(row)
    }

    /// Takes one block, unless it lies on another; false then, and while there are only rows.
    #[inline]
    pub(crate) fn take_if_free(&mut self, sector: u32) -> bool {
        let (slot, within) = self.slot_of(sector);
        match self.starts.get_mut(slot..slot.saturating_add(3)) {
            Some([before, own, after]) if is_free(*before, *own, *after, within) => {
                *own = within;
                true
            }
            _ => false,
        }
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

    #[inline]
    fn put(&mut self, row: Row) -> u64 {
        let (mut slot, mut within) = self.slot_of(row.sector);
        let mut overlapping = 0_u64;
        for _ in 0..row.count {
            let Some([before, own, after]) = self.starts.get_mut(slot..slot.saturating_add(3)) else {
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
    use super::*;

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
        for span in [2, 3, 9, 10, 1025, 4097, 8191, 65_537, 4_294_967_294] {
            let slots = Slots::new(0, span, 1 << 20).unwrap();
            let span = u32::try_from(span).unwrap();
            for sector in (0..2000).flat_map(|n| [n, u32::wrapping_mul(n, span) / 7, u32::MAX - n, u32::MAX / (n + 1)])
            {
                let (slot, within) = slots.slot_of(sector);
                let slot = u32::try_from(slot).unwrap();
                assert_eq!((slot, within), (sector / span, sector % span), "{sector} / {span}");
            }
        }
    }

    #[test]
    fn rows_of_blocks_are_taken_as_one_by_one() {
        for step in 10..20 {
            let mut row = Slots::new(1000, 10, 1 << 20).unwrap();
            assert_eq!(row.take(3, 20, step), 0, "step {step}");
            let mut single = Slots::new(1000, 10, 1 << 20).unwrap();
            for number in (0..20).rev() {
                assert_eq!(single.take(3 + number * step, 1, 0), 0);
            }
            assert!(row.starts.is_empty(), "a row in order takes no slots");
            assert_eq!(row.take(3, 20, step), 20);
            assert_eq!(row.starts, single.starts);
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
