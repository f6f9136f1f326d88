//! Sector bitmaps: which sectors of a block are in the file. VHDX counts the bits of a byte from the least significant,
//! VHD from the most significant.

use super::range::{DiskRange, RangeContent};
use crate::error::{ParseError, Result};

/// Bitmaps of a sound file do not overlap, so all together are no longer than it. Gives back `read_bytes`.
pub(crate) fn check_bitmap_bytes(read_bytes: u64, file_bytes: u64) -> Result<u64> {
    if read_bytes <= file_bytes {
        return Ok(read_bytes);
    }
    Err(ParseError::LimitExceeded {
        what: "bytes of sector bitmaps",
        value: read_bytes,
        limit: file_bytes,
    })
}

/// The bits of one block, the first sector in the lowest bit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SectorBitmap {
    words: Vec<u64>,
    bits: u64,
}

impl SectorBitmap {
    /// Bits from the least significant on (VHDX).
    pub(crate) fn lsb_first(bytes: &[u8], bits: u64) -> Self {
        Self::new(bytes, bits, |byte| byte)
    }

    /// Bits from the most significant on (VHD).
    pub(crate) fn msb_first(bytes: &[u8], bits: u64) -> Self {
        Self::new(bytes, bits, u8::reverse_bits)
    }

    fn new(bytes: &[u8], bits: u64, order: impl Fn(u8) -> u8) -> Self {
        let word = |chunk: &[u8]| {
            let mut word = [0; 8];
            for (target, byte) in word.iter_mut().zip(chunk) {
                *target = order(*byte);
            }
            u64::from_le_bytes(word)
        };
        let there = u64::try_from(bytes.len()).unwrap_or(u64::MAX).saturating_mul(8);
        Self {
            words: bytes.chunks(8).map(word).collect(),
            bits: bits.min(there),
        }
    }

    /// True where the bit is set; `None` behind the last one.
    fn bit(&self, at: u64) -> Option<bool> {
        let word = self.words.get(usize::try_from(at / 64).ok()?)?;
        (at < self.bits).then_some((word >> (at % 64)) & 1 != 0)
    }

    /// The stretch of equal bits from `start`: its length and whether they are set. `None` behind the last bit.
    pub(crate) fn run(&self, start: u64) -> Option<(u64, bool)> {
        let set = self.bit(start)?;
        let mut at = start;
        while let Some(word) = usize::try_from(at / 64).ok().and_then(|index| self.words.get(index)) {
            let differing = if set { !*word } else { *word } >> (at % 64);
            if differing != 0 {
                at = at.saturating_add(differing.trailing_zeros().into());
                break;
            }
            at = (at / 64).saturating_add(1).saturating_mul(64);
        }
        Some((at.min(self.bits).saturating_sub(start), set))
    }

    /// The sectors from `sector` on that are all here or all the parent's, and the sector behind them. The block begins at
    /// `start` of the disk and its content at `offset` of the file. `None` behind the last sector.
    pub(crate) fn stretch(&self, sector: u64, sector_bytes: u64, start: u64, offset: u64) -> Option<(DiskRange, u64)> {
        let (length, is_here) = self.run(sector)?;
        let before = sector.saturating_mul(sector_bytes);
        let content = if is_here {
            RangeContent::File {
                offset: offset.saturating_add(before),
            }
        } else {
            RangeContent::Absent
        };
        let range = DiskRange {
            start: start.saturating_add(before),
            length: length.saturating_mul(sector_bytes),
            content,
        };
        Some((range, sector.saturating_add(length)))
    }

    /// How many of the first `bits` bits are set.
    pub(crate) fn count(&self, bits: u64) -> u64 {
        let mut left = bits.min(self.bits);
        let mut count = 0_u64;
        for word in &self.words {
            let word = match left {
                0 => return count,
                64.. => *word,
                few => *word & (1_u64 << few).wrapping_sub(1),
            };
            count = count.saturating_add(word.count_ones().into());
            left = left.saturating_sub(64);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(bitmap: &SectorBitmap) -> Vec<(u64, bool)> {
        let mut at = 0;
        std::iter::from_fn(|| {
            let run = bitmap.run(at)?;
            at += run.0;
            Some(run)
        })
        .collect()
    }

    #[test]
    fn both_orders_tell_their_sectors() {
        let vhdx = SectorBitmap::lsb_first(&[0b0000_0111, 0x80], 16);
        assert_eq!(runs(&vhdx), [(3, true), (12, false), (1, true)]);
        let vhd = SectorBitmap::msb_first(&[0b1110_0000, 0x01], 16);
        assert_eq!(runs(&vhd), runs(&vhdx));
        assert_eq!((vhd.count(16), vhd.count(15), vhd.count(2), vhd.count(0)), (4, 3, 2, 0));
    }

    #[test]
    fn stretches_go_over_words_and_end_with_the_bits() {
        let mut bytes = vec![0xff; 20];
        bytes.extend([0; 20]);
        let bitmap = SectorBitmap::lsb_first(&bytes, 300);
        assert_eq!(runs(&bitmap), [(160, true), (140, false)]);
        assert_eq!((bitmap.count(100), bitmap.count(u64::MAX)), (100, 160));
        assert_eq!(
            runs(&SectorBitmap::lsb_first(&[0xff], 64)),
            [(8, true)],
            "no bits but those there"
        );
        assert_eq!(runs(&SectorBitmap::lsb_first(&[], 64)), []);
    }
}
