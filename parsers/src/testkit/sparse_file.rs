//! A file that is mostly holes: its length and the parts that hold something.

use crate::ReadAt;

/// A file as its length and the parts that are not zero, so that it can be written sparse.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SparseFile {
    /// Length of the file in bytes.
    pub length: u64,
    /// Offset in bytes and content of each part, in the order in which to write them. Later parts overwrite earlier.
    pub parts: Vec<(u64, Vec<u8>)>,
}

impl SparseFile {
    /// A file of `length` zero bytes.
    pub fn new(length: u64) -> Self {
        Self {
            length,
            parts: Vec::new(),
        }
    }

    /// Puts `bytes` at `offset`; the file grows where they reach past its end.
    pub fn put(&mut self, offset: u64, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        self.length = self.length.max(offset + length_of(&bytes));
        self.parts.push((offset, bytes));
    }

    /// The whole file.
    ///
    /// # Panics
    /// Where the file is larger than memory can address.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut whole = vec![0; index(self.length)];
        for (offset, bytes) in &self.parts {
            let start = index(*offset);
            whole[start..start + bytes.len()].copy_from_slice(bytes);
        }
        whole
    }
}

impl ReadAt for SparseFile {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = index(self.length.saturating_sub(offset)).min(buffer.len());
        let buffer = &mut buffer[..count];
        buffer.fill(0);
        let end = offset + length_of(buffer);
        for (start, bytes) in &self.parts {
            let (from, to) = ((*start).max(offset), (start + length_of(bytes)).min(end));
            if from < to {
                let part = &bytes[index(from - start)..index(to - start)];
                buffer[index(from - offset)..index(to - offset)].copy_from_slice(part);
            }
        }
        Ok(count)
    }

    fn next_data(&self, offset: u64) -> u64 {
        let ends_behind = |(start, bytes): &&(u64, Vec<u8>)| start + length_of(bytes) > offset;
        let next = self.parts.iter().filter(ends_behind).map(|(start, _)| *start).min();
        next.map_or(self.length, |start| start.max(offset))
    }
}

/// The length of `bytes` as the formats count it.
pub(crate) fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_hold_the_same_bytes() {
        let mut file = SparseFile::new(4);
        file.put(2, [1, 2, 3]);
        file.put(3, [9]);
        assert_eq!(file.to_vec(), [0, 0, 1, 9, 3]);
        assert_eq!(file.up_to("test", 1, 3), Ok(vec![0, 1, 9].into()));
        let holes: Vec<u64> = (0..6).map(|offset| file.next_data(offset)).collect();
        assert_eq!(holes, [2, 2, 2, 3, 4, 5]);
        for start in 0..7 {
            for length in 0..7 {
                assert_eq!(
                    file.up_to("test", start, length),
                    file.to_vec().up_to("test", start, length),
                    "{length} bytes at {start}"
                );
            }
        }
    }
}
