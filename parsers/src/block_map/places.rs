//! Which units of a file are taken: one bit for each, so that overlaps show whatever the order of the blocks.

/// The units of a file, each taken or free.
#[derive(Debug)]
pub(crate) struct Places {
    words: Vec<u64>,
    units: u64,
}

impl Places {
    /// `units` free units; `None` where the bits would take more than `limit_bytes`.
    pub(crate) fn new(units: u64, limit_bytes: u64) -> Option<Self> {
        if units.div_ceil(8) > limit_bytes {
            return None;
        }
        let words = usize::try_from(units.div_ceil(64)).ok()?;
        Some(Self {
            words: vec![0; words],
            units,
        })
    }

    /// Takes `count` units from `first`; false when one of them was taken already. Units behind the last are ignored.
    #[inline]
    pub(crate) fn take(&mut self, first: u64, count: u64) -> bool {
        let end = first.saturating_add(count).min(self.units);
        let mut start = first & !63;
        let mut taken = 0;
        for word in self.words.get_mut(words(first, end)).unwrap_or_default() {
            let mask = mask(first.saturating_sub(start), end.saturating_sub(start));
            taken |= *word & mask;
            *word |= mask;
            start = start.wrapping_add(64);
        }
        taken == 0
    }

    /// As [`Self::take`], but takes nothing where one of them was taken, or where there is nothing to take.
    #[inline]
    pub(crate) fn take_if_free(&mut self, first: u64, count: u64) -> bool {
        let shift = first % 64;
        let Some(unused) = 64_u64.saturating_sub(shift).checked_sub(count).filter(|_| count > 0) else {
            return self.are_free(first, count) && self.take(first, count);
        };
        // All in one word, which is the usual case.
        let mask = (u64::MAX << shift) & (u64::MAX >> unused);
        let word = usize::try_from(first / 64).ok();
        let Some(word) = word.and_then(|index| self.words.get_mut(index)).filter(|word| **word & mask == 0) else {
            return false;
        };
        *word |= mask;
        true
    }

    /// True while none of `count` units from `first` is taken.
    #[inline]
    pub(crate) fn are_free(&self, first: u64, count: u64) -> bool {
        let end = first.saturating_add(count).min(self.units);
        let mut start = first & !63;
        let mut taken = 0;
        for word in self.words.get(words(first, end)).unwrap_or_default() {
            taken |= *word & mask(first.saturating_sub(start), end.saturating_sub(start));
            start = start.wrapping_add(64);
        }
        taken == 0
    }

    /// How many units are taken.
    pub(crate) fn taken(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Takes all that `other` has taken too.
    pub(crate) fn take_all(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }
}

/// The words that hold the units from `first` to before `end`; none when that is nothing.
#[inline]
fn words(first: u64, end: u64) -> std::ops::Range<usize> {
    let index = |unit: u64| usize::try_from(unit).unwrap_or(usize::MAX);
    let to = index(end.div_ceil(64));
    index(first / 64).min(to)..to
}

/// The bits from `from` to before `to` of a word.
#[inline]
fn mask(from: u64, to: u64) -> u64 {
    let below = |bit: u64| {
        if bit >= 64 {
            u64::MAX
        } else {
            (1_u64 << bit).wrapping_sub(1)
        }
    };
    below(to) & !below(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_taken_once() {
        let mut places = Places::new(1000, 1 << 20).unwrap();
        assert!(places.take(10, 300));
        assert!(places.take(310, 1) && places.take(9, 1) && places.take(0, 9));
        assert_eq!(places.taken(), 311);
        assert!(places.are_free(311, 689) && !places.are_free(300, 20));
        let mut other = Places::new(1000, 1 << 20).unwrap();
        assert!(other.take(300, 20));
        other.take_all(&places);
        assert_eq!(other.taken(), 311 + 9);
        for (first, count) in [(9, 1), (0, 1000), (309, 1), (63, 2), (128, 64)] {
            assert!(!places.take(first, count), "{count} from {first}");
        }
        assert_eq!(places.taken(), 1000);
        assert!(
            places.take(5000, 3) && places.take(u64::MAX, 9),
            "what is behind the end is not there"
        );
        assert!(
            other.take(990, 300) && other.taken() == 330,
            "only units that are there count"
        );
        assert!(Places::new(1 << 40, 1 << 20).is_none());
    }

    #[test]
    fn nothing_is_taken_where_one_unit_was() {
        let mut places = Places::new(1000, 1 << 20).unwrap();
        assert!(places.take_if_free(100, 1) && places.take_if_free(101, 40));
        for (first, count) in [(100, 1), (99, 2), (140, 64), (0, 1000)] {
            assert!(!places.take_if_free(first, count), "{count} from {first}");
        }
        assert!(!places.take_if_free(5000, 1), "what is behind the end cannot be taken");
        assert_eq!(places.taken(), 41);
    }
}
