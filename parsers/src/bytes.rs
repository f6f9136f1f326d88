//! The only place that turns bytes into integers.
//!
//! A [`Cursor`] is a bounded view of one structure that knows its name and its place in the file, so that every error
//! names both. Nothing here allocates.

use uuid::Uuid;

use crate::error::{ParseError, Result};

/// A named view of bytes whose start is at `base` in the file.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    what: &'static str,
    base: u64,
    bytes: &'a [u8],
}

macro_rules! integer {
    ($name:ident, $type:ty, $convert:ident, $doc:literal) => {
        #[doc = $doc]
        ///
        /// # Errors
        /// `Truncated` when the structure ends before it.
        pub fn $name(&self, offset: usize) -> Result<$type> {
            Ok(<$type>::$convert(self.array(offset)?))
        }
    };
}

impl<'a> Cursor<'a> {
    /// A view of `bytes`, which start at `base` in the file.
    pub fn new(what: &'static str, base: u64, bytes: &'a [u8]) -> Self {
        Self { what, base, bytes }
    }

    /// Name of the structure.
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// Where the structure starts in the file.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// All bytes of the structure.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// True when there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The place in the file of `offset` in this structure.
    pub fn position(&self, offset: usize) -> u64 {
        self.base.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX))
    }

    /// `length` bytes from `offset`.
    ///
    /// # Errors
    /// `Truncated` when the structure ends before them.
    pub fn slice(&self, offset: usize, length: usize) -> Result<&'a [u8]> {
        offset
            .checked_add(length)
            .and_then(|end| self.bytes.get(offset..end))
            .ok_or(ParseError::Truncated {
                what: self.what,
                offset: self.base,
                need: u64::try_from(offset)
                    .unwrap_or(u64::MAX)
                    .saturating_add(u64::try_from(length).unwrap_or(u64::MAX)),
                have: u64::try_from(self.bytes.len()).unwrap_or(u64::MAX),
            })
    }

    /// A view of a part, under its own name.
    ///
    /// # Errors
    /// `Truncated` when the structure ends before it.
    pub fn part(&self, what: &'static str, offset: usize, length: usize) -> Result<Cursor<'a>> {
        Ok(Cursor {
            what,
            base: self.position(offset),
            bytes: self.slice(offset, length)?,
        })
    }

    /// `N` bytes from `offset`.
    ///
    /// # Errors
    /// `Truncated` when the structure ends before them.
    pub fn array<const N: usize>(&self, offset: usize) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.slice(offset, N)?);
        Ok(array)
    }

    /// One byte.
    ///
    /// # Errors
    /// `Truncated` when the structure ends before it.
    pub fn u8(&self, offset: usize) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array(offset)?))
    }

    integer!(u16_le, u16, from_le_bytes, "A little-endian 16-bit integer.");
    integer!(u32_le, u32, from_le_bytes, "A little-endian 32-bit integer.");
    integer!(u64_le, u64, from_le_bytes, "A little-endian 64-bit integer.");
    integer!(i64_le, i64, from_le_bytes, "A little-endian signed 64-bit integer.");
    integer!(u16_be, u16, from_be_bytes, "A big-endian 16-bit integer.");
    integer!(u32_be, u32, from_be_bytes, "A big-endian 32-bit integer.");
    integer!(u64_be, u64, from_be_bytes, "A big-endian 64-bit integer.");

    /// A GUID in Microsoft's mixed-endian layout (VHDX, VMGS).
    ///
    /// # Errors
    /// `Truncated` when the structure ends before it.
    pub fn guid(&self, offset: usize) -> Result<Uuid> {
        Ok(Uuid::from_bytes_le(self.array(offset)?))
    }

    /// A UUID in network byte order (VHD footer).
    ///
    /// # Errors
    /// `Truncated` when the structure ends before it.
    pub fn uuid_be(&self, offset: usize) -> Result<Uuid> {
        Ok(Uuid::from_bytes(self.array(offset)?))
    }

    /// Checks that `expected` stands at `offset`; `shown` is how an error writes it.
    ///
    /// # Errors
    /// `Truncated`, or `BadSignature` with the bytes found.
    pub fn signature(&self, offset: usize, expected: &[u8], shown: &'static str) -> Result<()> {
        let found = self.slice(offset, expected.len())?;
        if found == expected {
            return Ok(());
        }
        Err(ParseError::BadSignature {
            what: self.what,
            offset: self.position(offset),
            expected: shown,
            found: found
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<Vec<_>>()
                .join(" "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_past_the_end_names_structure_and_place() {
        let cursor = Cursor::new("test header", 0x30, &[1, 2, 3, 4]);
        assert_eq!(cursor.u32_le(0), Ok(0x0403_0201));
        assert_eq!(
            cursor.u32_be(1),
            Err(ParseError::Truncated {
                what: "test header",
                offset: 0x30,
                need: 5,
                have: 4
            })
        );
        assert!(
            cursor.u64_le(usize::MAX).is_err(),
            "an offset that overflows is an error, not a panic"
        );
    }
}
