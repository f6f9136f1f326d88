//! A file with the updates of its log laid over it in memory.

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

impl Patch {
    fn offset(&self) -> u64 {
        match self {
            Self::Zero { offset, .. } | Self::Bytes { offset, .. } => *offset,
        }
    }

    fn length(&self) -> u64 {
        match self {
            Self::Zero { length, .. } => *length,
            Self::Bytes { bytes, .. } => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        }
    }

    /// Puts what concerns `buffer`, whose first byte stands at `start` in the file.
    fn apply(&self, start: u64, buffer: &mut [u8]) {
        let end = self.offset().saturating_add(self.length());
        let skipped = start.saturating_sub(self.offset());
        let from = index(self.offset().saturating_sub(start)).min(buffer.len());
        let to = index(end.saturating_sub(start)).min(buffer.len());
        let Some(target) = buffer.get_mut(from..to) else { return };
        match self {
            Self::Zero { .. } => target.fill(0),
            Self::Bytes { bytes, .. } => {
                let source = bytes.iter().skip(index(skipped));
                for (target, byte) in target.iter_mut().zip(source) {
                    *target = *byte;
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
    patches: Vec<Patch>,
    length: u64,
}

impl<R: ReadAt> Overlay<R> {
    /// `patches` in the order in which they are written; the file has at least `length` bytes afterwards.
    pub(super) fn new(source: R, patches: Vec<Patch>, length: u64) -> Self {
        let length = length.max(source.len());
        Self {
            source,
            patches,
            length,
        }
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
        for patch in &self.patches {
            patch.apply(offset, buffer);
        }
        Ok(there)
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
            overlaid().exact("test", 0, 12).unwrap(),
            [1, 1, 11, 12, 0, 0, 0, 1, 0, 21, 22, 0]
        );
    }

    #[test]
    fn every_part_reads_as_it_does_in_the_whole() {
        let whole = overlaid().exact("test", 0, 12).unwrap();
        for start in 0..14 {
            for length in 0..14 {
                let part = overlaid().up_to("test", u64::try_from(start).unwrap(), length).unwrap();
                let end = whole.len().min(start + usize::try_from(length).unwrap());
                let expected = whole.get(start..end).unwrap_or_default();
                assert_eq!(part, expected, "{length} bytes at {start}");
            }
        }
    }
}
