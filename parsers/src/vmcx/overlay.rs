//! A file with other bytes laid over it: how a replay log is applied without writing.

use super::object_table::Region;
use crate::read_at::ReadAt;

/// A stretch of bytes and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Patch {
    /// From the start of the file, in bytes.
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
}

impl Patch {
    /// The place that it fills.
    pub(super) fn region(&self) -> Region {
        Region {
            offset: self.offset,
            size: u64::try_from(self.bytes.len()).unwrap_or(u64::MAX),
        }
    }

    fn end(&self) -> u64 {
        let Region { offset, size } = self.region();
        offset.saturating_add(size)
    }
}

/// The file as it is after the log was applied. Nothing is ever written.
#[derive(Debug)]
pub(super) struct Overlay<'a, R: ?Sized> {
    base: &'a R,
    patches: &'a [Patch],
}

impl<'a, R: ReadAt + ?Sized> Overlay<'a, R> {
    pub(super) fn new(base: &'a R, patches: &'a [Patch]) -> Self {
        Self { base, patches }
    }
}

impl<R: ReadAt + ?Sized> ReadAt for Overlay<'_, R> {
    fn len(&self) -> u64 {
        self.patches.iter().map(Patch::end).fold(self.base.len(), u64::max)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let room = usize::try_from(self.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = room.min(buffer.len());
        let Some(target) = buffer.get_mut(..count) else {
            return Ok(0);
        };
        let mut read = 0;
        while let Some(rest) = target.get_mut(read..)
            && !rest.is_empty()
        {
            let at = offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            match self.base.read_at(at, rest)? {
                0 => {
                    rest.fill(0);
                    break;
                }
                got => read = read.saturating_add(got),
            }
        }
        for patch in self.patches {
            patch.copy_into(offset, target);
        }
        Ok(count)
    }

    fn held(&self, offset: u64, length: usize) -> Option<&[u8]> {
        self.patches.is_empty().then(|| self.base.held(offset, length))?
    }
}

impl Patch {
    /// Copies what this patch has of the bytes from `offset` on.
    fn copy_into(&self, offset: u64, target: &mut [u8]) {
        let skip = |from: u64, to: u64| usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        let target = target.get_mut(skip(offset, self.offset)..).unwrap_or_default();
        let source = self.bytes.get(skip(self.offset, offset)..).unwrap_or_default();
        let count = target.len().min(source.len());
        if let (Some(target), Some(source)) = (target.get_mut(..count), source.get(..count)) {
            target.copy_from_slice(source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_shows_patches_in_order_and_grows_the_file() {
        let base = vec![1_u8; 8];
        let patches = [
            Patch {
                offset: 2,
                bytes: vec![2; 3],
            },
            Patch {
                offset: 4,
                bytes: vec![3; 2],
            },
            Patch {
                offset: 10,
                bytes: vec![4; 2],
            },
        ];
        let overlay = Overlay::new(&base, &patches);
        assert_eq!(overlay.len(), 12);
        assert_eq!(
            overlay.exact("all", 0, 12),
            Ok(vec![1, 1, 2, 2, 3, 3, 1, 1, 0, 0, 4, 4].into())
        );
        assert_eq!(overlay.exact("part", 3, 2), Ok(vec![2, 3].into()));
        assert_eq!(overlay.up_to("end", 11, 9), Ok(vec![4].into()));
        assert_eq!(overlay.up_to("behind", 20, 9), Ok(vec![].into()));
    }
}
