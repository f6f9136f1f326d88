//! Where bytes come from: positioned reads of a bounded length.
//!
//! Parsers ask for a place and a length; whoever implements [`ReadAt`] decides how (a file, a slice, an overlay of a
//! replayed log). No parser opens anything. A source that has its bytes in memory lends them, and nothing is copied.

use std::borrow::Cow;

use crate::error::{ParseError, Result};

/// A source of bytes with a known length.
pub trait ReadAt {
    /// Length in bytes when the reading began.
    fn len(&self) -> u64;

    /// Fills as much of `buffer` as there is from `offset`; returns how much. Short only at the end.
    ///
    /// # Errors
    /// What the operating system said.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize>;

    /// The `length` bytes from `offset`, where the source has all of them in memory and need not read.
    fn held(&self, offset: u64, length: usize) -> Option<&[u8]> {
        let _ = (offset, length);
        None
    }

    /// True when the source holds nothing.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the next bytes from `offset` on begin that may be other than zero; the length of the source where there are
    /// none. A source that knows of no holes says `offset`: everything may be data.
    fn next_data(&self, offset: u64) -> u64 {
        offset
    }

    /// Exactly `length` bytes from `offset`, for the structure `what`.
    ///
    /// The allocation is bounded by what the source can hold, so a length from a hostile file costs nothing.
    ///
    /// # Errors
    /// `Truncated` when the source ends before, `Io` when it cannot be read.
    fn exact(&self, what: &'static str, offset: u64, length: u64) -> Result<Cow<'_, [u8]>> {
        let have = self.len().saturating_sub(offset);
        let truncated = |have| ParseError::Truncated {
            what,
            offset,
            need: length,
            have,
        };
        if length > have {
            return Err(truncated(have));
        }
        let bytes = self.up_to(what, offset, length)?;
        let got = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if got < length { Err(truncated(got)) } else { Ok(bytes) }
    }

    /// At most `length` bytes from `offset`: what there is.
    ///
    /// # Errors
    /// `Io` when the source cannot be read.
    fn up_to(&self, what: &'static str, offset: u64, length: u64) -> Result<Cow<'_, [u8]>> {
        let length = length.min(self.len().saturating_sub(offset));
        let size = usize::try_from(length).map_err(|_| ParseError::LimitExceeded {
            what,
            value: length,
            limit: usize::MAX.try_into().unwrap_or(u64::MAX),
        })?;
        if let Some(held) = self.held(offset, size) {
            return Ok(Cow::Borrowed(held));
        }
        let mut buffer = vec![0; size];
        let got = self
            .read_at(offset, &mut buffer)
            .map_err(|error| ParseError::io(what, offset, &error))?;
        buffer.truncate(got);
        Ok(Cow::Owned(buffer))
    }
}

impl ReadAt for [u8] {
    fn len(&self) -> u64 {
        u64::try_from(<[u8]>::len(self)).unwrap_or(u64::MAX)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..))
            .unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(target), Some(source)) = (buffer.get_mut(..count), rest.get(..count)) {
            target.copy_from_slice(source);
        }
        Ok(count)
    }

    fn held(&self, offset: u64, length: usize) -> Option<&[u8]> {
        self.get(usize::try_from(offset).ok()?..)?.get(..length)
    }
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> u64 {
        ReadAt::len(self.as_slice())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.as_slice().read_at(offset, buffer)
    }

    fn held(&self, offset: u64, length: usize) -> Option<&[u8]> {
        self.as_slice().held(offset, length)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        (**self).read_at(offset, buffer)
    }

    fn held(&self, offset: u64, length: usize) -> Option<&[u8]> {
        (**self).held(offset, length)
    }

    fn next_data(&self, offset: u64) -> u64 {
        (**self).next_data(offset)
    }
}
