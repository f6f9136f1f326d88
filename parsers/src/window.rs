//! Reading ahead: one positioned read for what lies close together.
//!
//! On a share every read is a round trip, and the structures of one file stand in a few hundred KiB. A [`Window`] reads
//! them in one go and answers from memory; what lies outside is read from the source as usual.

use std::borrow::Cow;

use crate::{error::Result, read_at::ReadAt};

/// A source of which one part is already in memory.
#[derive(Debug)]
pub(crate) struct Window<R> {
    source: R,
    offset: u64,
    length: usize,
    /// What was read; `None` where the source has it in memory itself.
    read: Option<Vec<u8>>,
}

impl<R: ReadAt> Window<R> {
    /// Reads `length` bytes from `offset`, or as many as there are, for the structure `what`.
    ///
    /// # Errors
    /// `Io` when the source cannot be read.
    pub(crate) fn ahead(source: R, what: &'static str, offset: u64, length: u64) -> Result<Self> {
        let (length, read) = match source.up_to(what, offset, length)? {
            Cow::Borrowed(held) => (held.len(), None),
            Cow::Owned(read) => (read.len(), Some(read)),
        };
        Ok(Self {
            source,
            offset,
            length,
            read,
        })
    }

    /// The bytes that were read ahead.
    pub(crate) fn bytes(&self) -> &[u8] {
        let held = || self.source.held(self.offset, self.length);
        self.read.as_deref().or_else(held).unwrap_or_default()
    }
}

impl<R: ReadAt> ReadAt for Window<R> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.held(offset, buffer.len()) {
            Some(held) => {
                buffer.copy_from_slice(held);
                Ok(held.len())
            }
            None => self.source.read_at(offset, buffer),
        }
    }

    fn held(&self, offset: u64, length: usize) -> Option<&[u8]> {
        let start = offset
            .checked_sub(self.offset)
            .and_then(|start| usize::try_from(start).ok());
        let read = start.and_then(|start| self.read.as_ref()?.get(start..)?.get(..length));
        read.or_else(|| self.source.held(offset, length))
    }

    fn next_data(&self, offset: u64) -> u64 {
        self.source.next_data(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that has nothing in memory.
    struct Reads<'a>(&'a [u8]);

    impl ReadAt for Reads<'_> {
        fn len(&self) -> u64 {
            ReadAt::len(self.0)
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.read_at(offset, buffer)
        }
    }

    #[test]
    fn answers_the_same_as_its_source_inside_across_and_outside() {
        let bytes: Vec<u8> = (0..100).collect();
        let lent = Window::ahead(&bytes, "test", 10, 20).unwrap();
        let window = Window::ahead(Reads(&bytes), "test", 10, 20).unwrap();
        assert_eq!((window.bytes(), lent.bytes()), (&bytes[10..30], &bytes[10..30]));
        assert_eq!((window.held(12, 3), window.held(25, 10)), (Some(&bytes[12..15]), None));
        for (offset, length) in [(10, 20), (12, 3), (5, 10), (25, 10), (40, 5), (95, 10), (200, 4)] {
            assert_eq!(
                window.up_to("test", offset, length),
                bytes.up_to("test", offset, length),
                "{length} bytes at {offset}"
            );
            assert_eq!(lent.up_to("test", offset, length), bytes.up_to("test", offset, length));
        }
    }
}
