//! A file with the updates of its log laid over it in memory.

use std::collections::BTreeMap;

use crate::read_at::ReadAt;

/// One update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Patch {
    /// This range is zero.
    Zero {
        /// Bytes from the start of the file.
        offset: u64,
        /// Bytes.
        length: u64,
    },
    /// These bytes stand at this place.
    Bytes {
        /// Bytes from the start of the file.
        offset: u64,
        /// What stands there.
        bytes: Box<[u8]>,
    },
}

/// What stands from the key of a piece to its end.
#[derive(Debug)]
struct Piece {
    end: u64,
    /// `None`: zeros.
    bytes: Option<Box<[u8]>>,
}

/// Pieces that do not overlap, by where they start: however many updates were written over one another, a read meets
/// each byte once.
#[derive(Debug, Default)]
struct Pieces(BTreeMap<u64, Piece>);

impl Pieces {
    fn lay(&mut self, patch: Patch) {
        let (offset, length, bytes) = match patch {
            Patch::Zero { offset, length } => (offset, length, None),
            Patch::Bytes { offset, bytes } => (offset, u64::try_from(bytes.len()).unwrap_or(u64::MAX), Some(bytes)),
        };
        let end = offset.saturating_add(length);
        if end == offset {
            return;
        }
        self.split(offset);
        self.split(end);
        while let Some((&covered, _)) = self.0.range(offset..end).next() {
            self.0.remove(&covered);
        }
        self.0.insert(offset, Piece { end, bytes });
    }

    /// Makes a piece that reaches over `at` two.
    fn split(&mut self, at: u64) {
        let Some((&start, piece)) = self.0.range_mut(..at).next_back() else {
            return;
        };
        if piece.end <= at {
            return;
        }
        let rest = Piece {
            end: std::mem::replace(&mut piece.end, at),
            bytes: piece
                .bytes
                .as_deref()
                .map(|bytes| bytes.iter().skip(index(at.saturating_sub(start))).copied().collect()),
        };
        self.0.insert(at, rest);
    }

    /// Puts what concerns `buffer`, whose first byte stands at `start` in the file.
    fn apply(&self, start: u64, buffer: &mut [u8]) {
        let end = start.saturating_add(u64::try_from(buffer.len()).unwrap_or(u64::MAX));
        let before = self.0.range(..start).next_back();
        for (&offset, piece) in before.into_iter().chain(self.0.range(start..end)) {
            let from = index(offset.saturating_sub(start)).min(buffer.len());
            let to = index(piece.end.saturating_sub(start)).min(buffer.len());
            let Some(target) = buffer.get_mut(from..to) else {
                continue;
            };
            match &piece.bytes {
                None => target.fill(0),
                Some(bytes) => {
                    let source = bytes.iter().skip(index(start.saturating_sub(offset)));
                    for (target, byte) in target.iter_mut().zip(source) {
                        *target = *byte;
                    }
                }
            }
        }
    }
}

fn index(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// A source with updates laid over it.
#[derive(Debug)]
pub(super) struct Overlay<R> {
    source: R,
    pieces: Pieces,
    length: u64,
}

impl<R: ReadAt> Overlay<R> {
    /// `patches` in the order in which they are written; the file has at least `length` bytes afterwards.
    pub(super) fn new(source: R, patches: Vec<Patch>, length: u64) -> Self {
        let length = length.max(source.len());
        let mut pieces = Pieces::default();
        for patch in patches {
            pieces.lay(patch);
        }
        Self { source, pieces, length }
    }
}

impl<R: ReadAt> ReadAt for Overlay<R> {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let there = index(self.length.saturating_sub(offset)).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..there) else {
            return Ok(0);
        };
        let read = self.source.read_at(offset, buffer)?;
        if let Some(rest) = buffer.get_mut(read..) {
            rest.fill(0);
        }
        self.pieces.apply(offset, buffer);
        Ok(there)
    }

    fn held(&self, offset: u64, length: usize) -> Option<&[u8]> {
        self.pieces.0.is_empty().then(|| self.source.held(offset, length))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlaid() -> Overlay<Vec<u8>> {
        let patches = vec![
            Patch::Bytes {
                offset: 2,
                bytes: vec![11, 12, 13].into(),
            },
            Patch::Zero { offset: 4, length: 3 },
            Patch::Bytes {
                offset: 9,
                bytes: vec![21, 22].into(),
            },
        ];
        Overlay::new(vec![1; 8], patches, 12)
    }

    #[test]
    fn later_updates_win_and_the_file_grows_with_zeros() {
        assert_eq!(
            *overlaid().exact("test", 0, 12).unwrap(),
            [1, 1, 11, 12, 0, 0, 0, 1, 0, 21, 22, 0]
        );
    }

    #[test]
    fn updates_over_parts_of_others_leave_the_rest_of_them() {
        let patches = vec![
            Patch::Bytes {
                offset: 0,
                bytes: (10..20).collect(),
            },
            Patch::Zero { offset: 2, length: 2 },
            Patch::Bytes {
                offset: 3,
                bytes: vec![7, 7].into(),
            },
            Patch::Zero { offset: 9, length: 0 },
            Patch::Zero {
                offset: 8,
                length: u64::MAX,
            },
        ];
        let overlay = Overlay::new(vec![1; 12], patches, 0);
        assert_eq!(
            *overlay.exact("test", 0, 12).unwrap(),
            [10, 11, 0, 7, 7, 15, 16, 17, 0, 0, 0, 0]
        );
    }

    #[test]
    fn every_part_reads_as_it_does_in_the_whole() {
        let overlaid = overlaid();
        let whole = overlaid.exact("test", 0, 12).unwrap();
        for start in 0..14 {
            for length in 0..14 {
                let part = overlaid.up_to("test", u64::try_from(start).unwrap(), length).unwrap();
                let end = whole.len().min(start + usize::try_from(length).unwrap());
                let expected = whole.get(start..end).unwrap_or_default();
                assert_eq!(part, expected, "{length} bytes at {start}");
            }
        }
    }
}
