//! UTF-16 strings of the Hyper-V formats, decoded once for all of them.
//!
//! Windows file names are 16-bit units that need not be sound UTF-16: an unpaired surrogate is shown as U+FFFD and the
//! bytes are kept beside it.

use crate::text::EncodedText;

/// What a [`smol_str::SmolStr`] keeps in itself.
const SHORT_BYTES: usize = 23;

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

fn decode(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16 + Clone) -> EncodedText {
    let (pairs, _) = bytes.as_chunks::<2>();
    let units = pairs.iter().copied().map(unit);
    // Nearly all of them are.
    if units.clone().all(|unit| unit < 0x80) {
        return ascii(units.map(u16::to_le_bytes).map(|[low, _]| low), pairs.len());
    }
    let mut lossy = false;
    let text: String = char::decode_utf16(units)
        .map(|decoded| {
            decoded.unwrap_or_else(|_| {
                lossy = true;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    if lossy {
        EncodedText::decoded(text, bytes)
    } else {
        EncodedText::new(text)
    }
}

/// Text of ASCII bytes. Most are so short that they need no memory of their own.
fn ascii(bytes: impl Iterator<Item = u8>, length: usize) -> EncodedText {
    let mut short = [0; SHORT_BYTES];
    let Some(room) = short.get_mut(..length) else {
        return EncodedText::new(String::from_utf8(bytes.collect()).unwrap_or_default());
    };
    room.iter_mut().zip(bytes).for_each(|(target, byte)| *target = byte);
    EncodedText::new(std::str::from_utf8(room).unwrap_or_default())
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
