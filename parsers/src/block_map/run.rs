//! Reads a table of entries of one width in pieces, and finds stretches of entries that follow one rule.

use std::ops::{BitOr, BitXor};

use crate::{
    error::{ParseError, Result},
    read_at::ReadAt,
};

/// What is read at a time. A share gives as much in one round trip; it stays in the processor's cache.
const PIECE_BYTES: u64 = 256 << 10;

/// Entries that are compared together.
const LANES: usize = 16;

/// A table of entries of `N` bytes, read in pieces.
#[derive(Debug)]
pub(crate) struct TableReader<R, const N: usize> {
    what: &'static str,
    source: R,
    /// Of the table, bytes from the start of the file.
    offset: u64,
    entries: u64,
    piece: Vec<u8>,
    /// Index of the first entry in `piece`.
    first: u64,
    /// Entries that were taken.
    position: u64,
}

impl<R: ReadAt, const N: usize> TableReader<R, N> {
    pub(crate) fn new(what: &'static str, source: R, offset: u64, entries: u64) -> Self {
        Self {
            what,
            source,
            offset,
            entries,
            piece: Vec::new(),
            first: 0,
            position: 0,
        }
    }

    pub(crate) fn source(&self) -> &R {
        &self.source
    }

    /// Index of the next entry.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Where the entry with this index stands, bytes from the start of the file.
    pub(crate) fn place(&self, index: u64) -> u64 {
        self.offset.saturating_add(index.saturating_mul(Self::width()))
    }

    fn width() -> u64 {
        u64::try_from(N).unwrap_or(u64::MAX)
    }

    /// The entries from the position on that are in memory; empty behind the last one.
    ///
    /// # Errors
    /// `Truncated` when the source ends in the table, `Io`.
    pub(crate) fn peek(&mut self) -> Result<&[[u8; N]]> {
        if self.held().is_empty() && self.position < self.entries {
            self.fill()?;
        }
        Ok(self.held())
    }

    fn held(&self) -> &[[u8; N]] {
        let (entries, _) = self.piece.as_chunks();
        usize::try_from(self.position.saturating_sub(self.first))
            .ok()
            .and_then(|skip| entries.get(skip..))
            .unwrap_or_default()
    }

    fn fill(&mut self) -> Result<()> {
        let left = self.entries.saturating_sub(self.position);
        let need = left.saturating_mul(Self::width()).min(PIECE_BYTES);
        let place = self.place(self.position);
        let have = self.source.len().saturating_sub(place);
        let truncated = |have| ParseError::Truncated {
            what: self.what,
            offset: place,
            need,
            have,
        };
        if have < need {
            return Err(truncated(have));
        }
        self.piece.resize(usize::try_from(need).unwrap_or(0), 0);
        let got = self
            .source
            .read_at(place, &mut self.piece)
            .map_err(|error| ParseError::io(self.what, place, &error))?;
        if got < self.piece.len() {
            return Err(truncated(u64::try_from(got).unwrap_or(u64::MAX)));
        }
        self.first = self.position;
        Ok(())
    }

    /// The entries from the position on that are in memory already.
    #[inline]
    pub(crate) fn in_memory(&self) -> &[[u8; N]] {
        self.held()
    }

    /// Takes `count` entries.
    pub(crate) fn advance(&mut self, count: u64) {
        self.position = self.position.saturating_add(count).min(self.entries);
    }

    /// The entry with this index, without taking it.
    ///
    /// # Errors
    /// `Truncated` when the source ends in it, `Io`.
    pub(crate) fn entry(&self, index: u64) -> Result<[u8; N]> {
        let held = index
            .checked_sub(self.first)
            .and_then(|skip| usize::try_from(skip).ok())
            .and_then(|skip| self.piece.as_chunks().0.get(skip));
        if let Some(entry) = held {
            return Ok(*entry);
        }
        let bytes = self.source.exact(self.what, self.place(index), Self::width())?;
        Ok(bytes.first_chunk().copied().unwrap_or([0; N]))
    }
}

/// An entry as a number that counts without regard to its width.
pub(crate) trait Word: Copy + PartialEq + BitXor<Output = Self> + BitOr<Output = Self> + Default {
    /// The sum, without what does not fit.
    fn plus(self, other: Self) -> Self;
}

impl Word for u32 {
    #[inline]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
}

impl Word for u64 {
    #[inline]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
}

impl Word for u128 {
    #[inline]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
}

/// How many of `entries` count on from the first in steps of `step` (0: repeat it). At least 1 where there is one.
#[inline]
pub(crate) fn run_length<W: Word, const N: usize>(entries: &[[u8; N]], step: W, decode: impl Fn([u8; N]) -> W) -> u64 {
    let Some(first) = entries.first().copied().map(&decode) else {
        return 0;
    };
    match entries.get(1) {
        Some(second) if decode(*second) == first.plus(step) => {}
        _ => return 1,
    }
    let mut ramp = [W::default(); LANES];
    let mut stride = W::default();
    for offset in &mut ramp {
        *offset = stride;
        stride = stride.plus(step);
    }
    let (groups, _) = entries.as_chunks::<LANES>();
    let mut expected = first;
    let mut length = 0_usize;
    for group in groups {
        let mut difference = W::default();
        for (entry, offset) in group.iter().zip(&ramp) {
            difference = difference | (decode(*entry) ^ expected.plus(*offset));
        }
        if difference != W::default() {
            break;
        }
        expected = expected.plus(stride);
        length = length.saturating_add(LANES);
    }
    for entry in entries.get(length..).unwrap_or_default() {
        if decode(*entry) != expected {
            break;
        }
        expected = expected.plus(step);
        length = length.saturating_add(1);
    }
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// [`run_length`] for big-endian entries of 32 bits, of which two are compared as one number of 64 bits: to turn the bytes
/// of each around would cost more than all the rest.
pub(crate) fn run_length_be(entries: &[[u8; 4]], step: u32) -> u64 {
    const PAIRS: usize = LANES / 2;
    let Some(first) = entries.first().copied().map(u32::from_be_bytes) else {
        return 0;
    };
    let pair = |one: u32, other: u32| (u64::from(one) << 32_u32) | u64::from(other);
    let stride = pair(step.wrapping_mul(2), step.wrapping_mul(2));
    // Where the lower half runs over it carries into the upper one: no pair is then as expected, and single ones tell.
    let mut expected = pair(first, first.wrapping_add(step));
    let (pairs, _) = entries.as_flattened().as_chunks();
    let mut length = 0_usize;
    for group in pairs.as_chunks::<PAIRS>().0 {
        let mut difference = 0;
        for pair in group {
            difference |= u64::from_be_bytes(*pair) ^ expected;
            expected = expected.wrapping_add(stride);
        }
        if difference != 0 {
            break;
        }
        length = length.saturating_add(LANES);
    }
    let rest = entries.get(length..).unwrap_or_default();
    let before = u32::try_from(length).unwrap_or(u32::MAX).wrapping_mul(step);
    let mut expected = first.wrapping_add(before);
    for entry in rest {
        if u32::from_be_bytes(*entry) != expected {
            break;
        }
        expected = expected.wrapping_add(step);
        length = length.saturating_add(1);
    }
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(entries: &[u64], step: u64) -> u64 {
        let entries: Vec<[u8; 8]> = entries.iter().map(|entry| entry.to_le_bytes()).collect();
        run_length(&entries, step, u64::from_le_bytes)
    }

    #[test]
    fn stretches_end_where_the_rule_does() {
        for count in 1..70 {
            let mut equal = vec![7; count];
            let mut rising: Vec<u64> = (0..u64::try_from(count).unwrap()).map(|n| 5 + 3 * n).collect();
            equal.extend([8, 7]);
            rising.extend([1, 2]);
            let count = u64::try_from(count).unwrap();
            assert_eq!(length(&equal, 0), count);
            assert_eq!(length(&rising, 3), count);
        }
        assert_eq!((length(&[], 0), length(&[1, 5, 9], 3)), (0, 1));
    }

    #[test]
    fn stretches_of_big_endian_entries_are_those_of_any_entries() {
        for first in [0_u32, 7, 0xFFFF_FF00, u32::MAX] {
            for (count, step) in (0_u32..70).flat_map(|count| [0_u32, 1, 4097, 0x0800_0000].map(|step| (count, step))) {
                let mut entries: Vec<u32> = (0..count).map(|n| step.wrapping_mul(n).wrapping_add(first)).collect();
                entries.extend([0xAAAA_AAAA, 1, 2]);
                let bytes: Vec<[u8; 4]> = entries.into_iter().map(u32::to_be_bytes).collect();
                let one_by_one = run_length(&bytes, step, u32::from_be_bytes);
                assert_eq!(
                    run_length_be(&bytes, step),
                    one_by_one,
                    "{count} from {first:#x} by {step}"
                );
            }
        }
        assert_eq!(run_length_be(&[], 1), 0);
    }

    #[test]
    fn a_table_is_read_in_pieces_and_a_cut_one_is_truncated() {
        let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
        let mut reader = TableReader::<_, 4>::new("test", &bytes, 40, 99_990);
        let mut sum = 0;
        while let Some(count) = reader.peek().ok().map(<[_]>::len).filter(|&count| count > 0) {
            sum += count;
            reader.advance(u64::try_from(count).unwrap());
        }
        assert_eq!(sum, 99_990);
        assert_eq!(reader.entry(3), Ok(13_u32.to_be_bytes()));
        let mut cut = TableReader::<_, 4>::new("test", &bytes, 40, 99_991);
        cut.advance(99_990);
        assert_eq!(
            cut.peek(),
            Err(ParseError::Truncated {
                what: "test",
                offset: 400_000,
                need: 4,
                have: 0
            })
        );
    }
}
