//! Which units of a file are taken: one bit for each, so that overlaps show whatever the order of the blocks.

/// The units of a file, each taken or free.
#[derive(Debug)]
pub(crate) struct Places {
    /// With a word behind, so that each has a next one.
    words: Vec<u64>,
    units: u64,
}

impl Places {
    /// `units` free units; `None` where the bits would take more than `limit_bytes`.
    pub(crate) fn new(units: u64, limit_bytes: u64) -> Option<Self> {
        if units.div_ceil(8) > limit_bytes {
            return None;
        }
        let words = usize::try_from(units.div_ceil(64)).ok()?.checked_add(1)?;
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

    /// Takes what is behind the last unit, so that nobody else does.
    pub(crate) fn close(&mut self) {
        let within = self.units % 64;
        let last = usize::try_from(self.units / 64).unwrap_or(usize::MAX);
        if let Some(words) = self.words.get_mut(last..) {
            words.fill(u64::MAX);
            words.first_mut().into_iter().for_each(|word| *word = !mask(0, within));
        }
    }

    /// What takes `count` units from wherever it is told, unless one of them was taken or is not there: then it takes
    /// nothing and says false. For many in a row: whatever stays the same is at hand.
    #[inline]
    pub(crate) fn take_each(&mut self, count: u64) -> impl FnMut(u64) -> bool {
        let ones = mask(0, count);
        move |first| {
            if !(1..=64).contains(&count) {
                return self.are_free(first, count) && self.take(first, count);
            }
            // As many units as a word has are in two words, whichever these are.
            let shift = first % 64;
            let (low, high) = (ones << shift, (ones >> 1_u32) >> 63_u64.saturating_sub(shift));
            let index = usize::try_from(first / 64).unwrap_or(usize::MAX);
            let Some([word, next]) = self.words.get_mut(index..index.saturating_add(2)) else {
                return false;
            };
            let are_free = (*word & low) | (*next & high) == 0;
            if are_free {
                *word |= low;
                *next |= high;
            }
            are_free
        }
    }

    /// [`Self::take_each`] of single units.
    #[inline]
    pub(crate) fn take_each_single(&mut self) -> impl FnMut(u64) -> bool {
        let words = self.words.as_mut_slice();
        move |unit| {
            let index = usize::try_from(unit / 64).unwrap_or(usize::MAX);
            let bit = 1 << (unit % 64);
            match words.get_mut(index) {
                Some(word) if *word & bit == 0 => {
                    *word |= bit;
                    true
                }
                _ => false,
            }
        }
    }

    /// True for a unit that there is, taken or free.
    #[cfg(test)]
    pub(crate) fn has(&self, unit: u64) -> bool {
        unit < self.units
    }

    /// The units that are taken, in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = u64> {
        let words = self.words.iter().enumerate().filter(|(_, word)| **word != 0);
        let units = |(index, word): (usize, &u64)| {
            let (before, word) = (u64::try_from(index).unwrap_or(u64::MAX).saturating_mul(64), *word);
            let bits = (0..64_u64).filter(move |bit| (word >> bit) & 1 != 0);
            bits.map(move |bit| before.saturating_add(bit))
        };
        words.flat_map(units).filter(|unit| *unit < self.units)
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
        let new = || Places::new(1000, 1 << 20).unwrap();
        let mut places = new();
        assert!(places.take_each(1)(100) && places.take_each(40)(101));
        for (first, count) in [(100, 1), (99, 2), (140, 64), (0, 1000)] {
            assert!(!places.take_each(count)(first), "{count} from {first}");
        }
        assert!(!places.take_each(1)(5000), "what is behind the end cannot be taken");
        assert_eq!(places.taken(), 41);
        assert!(places.iter().eq(100..141));
        for (count, first) in [1, 2, 31, 32, 63, 64, 65, 200]
            .into_iter()
            .flat_map(|count| (200..330).map(move |first| (count, first)))
        {
            let mut places = new();
            assert!(places.take_each(count)(first), "{count} from {first}");
            assert!(!places.take_each(64)(first + count - 1) && !places.take_each(count)(first + 1 - count));
            assert!(places.are_free(0, first) && places.are_free(first + count, 400));
            assert!(places.iter().eq(first..first + count));
            assert!(!places.take_each_single()(first) && places.take_each_single()(first - 1));
        }
        assert_eq!(new().iter().next_back(), None);
    }
}
