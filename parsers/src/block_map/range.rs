//! Stretches of a disk and where their content is.

use crate::error::{ParseError, Result};

/// A stretch of the disk that the guest sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskRange {
    /// Bytes from the start of the disk.
    pub start: u64,
    /// Bytes, never 0.
    pub length: u64,
    /// Where its content is.
    pub content: RangeContent,
}

/// Where the content of a stretch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeContent {
    /// In this file.
    File {
        /// Bytes from the start of the file.
        offset: u64,
    },
    /// In this file, compressed (qcow2).
    Compressed,
    /// In the data file that this one names (qcow2).
    DataFile {
        /// Bytes from the start of that file.
        offset: u64,
    },
    /// The table says that it reads as zeros, whatever a parent holds.
    Zero,
    /// Not in this file: it is the parent's, or zeros where there is no parent.
    Absent,
    /// The table says that it is in this file and names a place or a bitmap that cannot be.
    Lost,
}

impl DiskRange {
    /// The byte after it.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.length)
    }

    /// True when `next` goes on where this one ends, in the disk and in the file.
    fn goes_on_in(&self, next: &Self) -> bool {
        let content = match self.content {
            RangeContent::File { offset } => RangeContent::File {
                offset: offset.saturating_add(self.length),
            },
            RangeContent::DataFile { offset } => RangeContent::DataFile {
                offset: offset.saturating_add(self.length),
            },
            other => other,
        };
        self.end() == next.start && content == next.content
    }

    /// What of it lies before `end`; `None` for nothing.
    pub(crate) fn cut_at(self, end: u64) -> Option<Self> {
        let length = self.length.min(end.saturating_sub(self.start));
        (length > 0).then_some(Self { length, ..self })
    }
}

/// Bytes of a disk of `virtual_bytes` that `count` blocks from `block` on hold: where they start, and how many there are.
#[inline]
pub(crate) fn span_of_blocks(block: u64, count: u64, block_bytes: u64, virtual_bytes: u64) -> (u64, u64) {
    let start = block.saturating_mul(block_bytes).min(virtual_bytes);
    let end = block.saturating_add(count).saturating_mul(block_bytes);
    (start, end.min(virtual_bytes).saturating_sub(start))
}

/// Joins stretches that go on in each other. An error is passed on once and ends it.
#[derive(Debug)]
pub(crate) struct Merged<I> {
    pieces: I,
    pending: Option<DiskRange>,
    failed: Option<ParseError>,
    done: bool,
}

impl<I> Merged<I> {
    pub(crate) fn new(pieces: I) -> Self {
        Self {
            pieces,
            pending: None,
            failed: None,
            done: false,
        }
    }
}

impl<I: Iterator<Item = Result<DiskRange>>> Iterator for Merged<I> {
    type Item = Result<DiskRange>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            match self.pieces.next() {
                Some(Ok(piece)) => match &mut self.pending {
                    Some(pending) if pending.goes_on_in(&piece) => {
                        pending.length = pending.length.saturating_add(piece.length);
                    }
                    pending => {
                        if let Some(whole) = pending.replace(piece) {
                            return Some(Ok(whole));
                        }
                    }
                },
                Some(Err(error)) => {
                    self.failed = Some(error);
                    self.done = true;
                }
                None => self.done = true,
            }
        }
        self.pending.take().map(Ok).or_else(|| self.failed.take().map(Err))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, length: u64, content: RangeContent) -> DiskRange {
        DiskRange { start, length, content }
    }

    #[test]
    fn stretches_that_go_on_are_one_and_an_error_comes_after_what_was_read() {
        let file = |offset| RangeContent::File { offset };
        let error = ParseError::LimitExceeded {
            what: "test",
            value: 2,
            limit: 1,
        };
        let pieces = [
            Ok(range(0, 10, file(100))),
            Ok(range(10, 10, file(110))),
            Ok(range(20, 10, file(100))),
            Ok(range(30, 10, RangeContent::Zero)),
            Ok(range(40, 10, RangeContent::Zero)),
            Ok(range(50, 10, RangeContent::Absent)),
            Err(error.clone()),
            Ok(range(60, 10, RangeContent::Absent)),
        ];
        let merged: Vec<_> = Merged::new(pieces.into_iter()).collect();
        assert_eq!(
            merged,
            [
                Ok(range(0, 20, file(100))),
                Ok(range(20, 10, file(100))),
                Ok(range(30, 20, RangeContent::Zero)),
                Ok(range(50, 10, RangeContent::Absent)),
                Err(error)
            ]
        );
    }
}
