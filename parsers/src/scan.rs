//! Where a line ends, and where a short run of bytes does, which is looked for in words of eight.
//!
//! Names and values of a text have some twenty bytes: to search these by vectors costs more than it saves, and to look at
//! each byte alone costs the most.

use memchr::memchr;

/// The first line of a text without its LF, and the text behind it; `None` where no LF ends the line.
#[inline]
pub(crate) fn first_line(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr(b'\n', text).and_then(|end| text.split_at_checked(end)) {
        Some((line, rest)) => (line, rest.get(1..)),
        None => (text, None),
    }
}

/// A byte in each place of a word.
const fn in_each_place(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; WORD_BYTES])
}

/// The bytes of a word.
const WORD_BYTES: usize = 8;

/// The highest bit of each byte.
const HIGH_BITS: u64 = in_each_place(0x80);

/// How many bytes stand before the first that is less than `LESS` or equals `EQUAL`; all where there is none. `LESS` is
/// at most 0x80.
#[inline]
pub(crate) fn until_less_or_equal<const LESS: u8, const EQUAL: u8>(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<WORD_BYTES>();
    let mut passed = 0_usize;
    for word in words {
        let found = ends_in::<LESS, EQUAL>(u64::from_le_bytes(*word));
        if found != 0 {
            let place = usize::try_from(found.trailing_zeros() / u8::BITS).unwrap_or(0);
            return passed.wrapping_add(place);
        }
        passed = passed.wrapping_add(WORD_BYTES);
    }
    let is_end = |byte: &u8| *byte < LESS || *byte == EQUAL;
    passed.wrapping_add(rest.iter().position(is_end).unwrap_or(rest.len()))
}

/// As [`until_less_or_equal`], with the words of the run on the way, of which the last, perhaps empty, is filled with
/// zeros: whoever needs these as well need not read them again. `None` where the text goes on for less than a word
/// behind the run.
#[inline]
pub(crate) fn words_until_less_or_equal<const LESS: u8, const EQUAL: u8>(
    text: &[u8],
    mut take: impl FnMut(u64),
) -> Option<usize> {
    let mut passed = 0_usize;
    for word in text.as_chunks::<WORD_BYTES>().0 {
        let word = u64::from_le_bytes(*word);
        let found = ends_in::<LESS, EQUAL>(word);
        if found != 0 {
            let end = found.trailing_zeros() / u8::BITS;
            take(word & !(u64::MAX << end.wrapping_mul(u8::BITS)));
            return Some(passed.wrapping_add(usize::try_from(end).unwrap_or(0)));
        }
        take(word);
        passed = passed.wrapping_add(WORD_BYTES);
    }
    None
}

/// The highest bit of each byte that ends a run. Those above the lowest may be wrong: a subtraction borrows from them.
#[inline]
fn ends_in<const LESS: u8, const EQUAL: u8>(word: u64) -> u64 {
    let less = word.wrapping_sub(in_each_place(LESS)) & !word;
    let differs = word ^ in_each_place(EQUAL);
    let equal = differs.wrapping_sub(in_each_place(1)) & !differs;
    (less | equal) & HIGH_BITS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one_by_one<const LESS: u8, const EQUAL: u8>(text: &[u8]) -> usize {
        let end = text.iter().position(|byte| *byte < LESS || *byte == EQUAL);
        end.unwrap_or(text.len())
    }

    /// Bytes near the bounds, so that borrows happen.
    fn byte() -> impl Strategy<Value = u8> {
        prop_oneof![
            Just(0_u8),
            Just(1),
            0x1e_u8..0x26,
            0x3b_u8..0x40,
            0x7e_u8..0x83,
            any::<u8>()
        ]
    }

    proptest! {
        #[test]
        fn a_run_ends_where_it_ends_byte_by_byte(text in prop::collection::vec(byte(), 0..40), start in 0..40_usize) {
            let text = text.get(start..).unwrap_or(&text);
            prop_assert_eq!(until_less_or_equal::<0x24, b'='>(text), one_by_one::<0x24, b'='>(text));
            prop_assert_eq!(until_less_or_equal::<0x20, b'"'>(text), one_by_one::<0x20, b'"'>(text));
        }

        #[test]
        fn a_long_run_ends_at_its_only_end(length in 0..60_usize, place in 0..60_usize, end in 0..0x24_u8, filling in 0x3e..=255_u8) {
            let mut text = vec![filling; length];
            if let Some(byte) = text.get_mut(place) {
                *byte = end;
            }
            prop_assert_eq!(until_less_or_equal::<0x24, b'='>(&text), place.min(length));
        }
    }
}
