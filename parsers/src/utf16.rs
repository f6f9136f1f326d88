//! UTF-16 strings of the Hyper-V formats, decoded once for all of them.
//!
//! Windows file names are 16-bit units that need not be sound UTF-16: an unpaired surrogate is shown as U+FFFD and the
//! bytes are kept beside it.

use crate::text::EncodedText;

/// Units that are looked at together. Nearly all names and paths have fewer.
const SHORT_UNITS: usize = 128;

/// Decodes little-endian UTF-16. A last odd byte is left out: whoever cares checks the length first.
pub fn decode_le(bytes: &[u8]) -> EncodedText {
    decode(bytes, u16::from_le_bytes)
}

/// Decodes big-endian UTF-16 (parent name of a VHD).
pub fn decode_be(bytes: &[u8]) -> EncodedText {
    decode(bytes, u16::from_be_bytes)
}

/// The bytes before the first NUL unit, for strings in fields of fixed size.
pub fn until_nul(bytes: &[u8]) -> &[u8] {
    let units = bytes.chunks_exact(2).take_while(|unit| *unit != [0, 0]).count();
    bytes.get(..units.saturating_mul(2)).unwrap_or(bytes)
}

/// The units of a text without at most one closing NUL, and an odd byte behind them.
pub(crate) fn without_nul(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (units, odd) = bytes.as_chunks::<2>();
    (units.strip_suffix(&[[0, 0]]).unwrap_or(units).as_flattened(), odd)
}

/// Puts decoded little-endian UTF-16 behind a text. True when something had to be replaced.
pub(crate) fn push_le(bytes: &[u8], text: &mut String) -> bool {
    push(bytes.as_chunks().0, u16::from_le_bytes, text)
}

fn decode(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16 + Copy) -> EncodedText {
    let (pairs, _) = bytes.as_chunks::<2>();
    if let Some(text) = Ascii::of(pairs, unit).text() {
        return EncodedText::new(text);
    }
    let mut text = String::new();
    if push(pairs, unit, &mut text) {
        EncodedText::decoded(text, bytes)
    } else {
        EncodedText::new(text)
    }
}

fn push(pairs: &[[u8; 2]], unit: impl Fn([u8; 2]) -> u16 + Copy, text: &mut String) -> bool {
    let mut rest = pairs;
    for group in pairs.chunks(SHORT_UNITS) {
        let Some(behind) = Ascii::of(group, unit).text().and_then(|ascii| {
            text.push_str(ascii);
            rest.get(group.len()..)
        }) else {
            break;
        };
        rest = behind;
    }
    let mut lossy = false;
    text.extend(char::decode_utf16(rest.iter().copied().map(unit)).map(|decoded| {
        decoded.unwrap_or_else(|_| {
            lossy = true;
            char::REPLACEMENT_CHARACTER
        })
    }));
    lossy
}

/// A short text of ASCII alone, as nearly all are.
struct Ascii {
    bytes: [u8; SHORT_UNITS],
    /// `None` where it is longer or not ASCII.
    length: Option<usize>,
}

impl Ascii {
    #[inline]
    fn of(pairs: &[[u8; 2]], unit: impl Fn([u8; 2]) -> u16) -> Self {
        let mut bytes = [0; SHORT_UNITS];
        let mut bits = 0;
        // Without a branch for each unit.
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let unit = unit(*pair);
            [*byte, _] = unit.to_le_bytes();
            bits |= unit;
        }
        let length = Some(pairs.len()).filter(|length| bits < 0x80 && *length <= SHORT_UNITS);
        Self { bytes, length }
    }

    #[inline]
    fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes.get(..self.length?)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_utf16_keeps_no_bytes_beside_it() {
        let text = decode_le(&[0x41, 0, 0x3d, 0xd8, 0x00, 0xde]);
        assert_eq!(text, EncodedText::new("A\u{1f600}"));
        assert_eq!(decode_be(&[0, 0x41, 0x4e, 0x2d]), EncodedText::new("A中"));
    }

    #[test]
    fn long_texts_are_decoded_like_short_ones_wherever_they_are_no_ascii() {
        for length in [127, 128, 129, 300] {
            for other in [None, Some(0), Some(127), Some(128), Some(length - 1)] {
                let text: String = (0..length)
                    .map(|at| if Some(at) == other { '\u{1f600}' } else { 'a' })
                    .collect();
                let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
                assert_eq!(decode_le(&bytes), EncodedText::new(&text), "{length} {other:?}");
                let mut behind = "x".to_owned();
                assert!(!push_le(&bytes, &mut behind));
                assert_eq!(behind, format!("x{text}"));
            }
        }
    }

    #[test]
    fn an_unpaired_surrogate_keeps_its_bytes() {
        let bytes = [0x00, 0xd8, 0x41, 0x00];
        let text = decode_le(&bytes);
        assert_eq!(text.as_str(), "\u{fffd}A");
        assert_eq!(text.raw(), bytes);
    }

    #[test]
    fn a_fixed_field_ends_at_its_first_nul_unit() {
        assert_eq!(until_nul(&[0x41, 0, 0, 0, 0x42, 0]), [0x41, 0]);
        assert_eq!(until_nul(&[0x41, 0, 0x42, 0]), [0x41, 0, 0x42, 0]);
        assert_eq!(
            until_nul(&[0, 0x41, 0x41, 0, 0, 0]),
            [0, 0x41, 0x41, 0],
            "a NUL is a whole unit, not two halves of neighbours"
        );
    }
}
