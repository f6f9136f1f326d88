//! A file as a fuzzer should see it: its length and the parts that are not zero, so that a disk of gigabytes is an input
//! of a few hundred bytes.
//!
//! An input is one byte of flags (bit 0: put right checksums where the format keeps them), the length of the file (8
//! bytes), then records of offset (8 bytes), length (2 bytes) and content; all little-endian. A record that is cut off
//! has what is there. Any bytes are an input.

use std::cell::Cell;

use derelict_parsers::{ReadAt, testkit::SparseFile};

/// Most records of one input: each read looks at all of them.
const RECORDS_MAX_COUNT: usize = 256;
/// Longest content of a record.
const RECORD_MAX_BYTES: usize = 0xFFFF;
/// A run of zeros from which the encoder begins a new record.
const HOLE_BYTES: usize = 24;
/// Longest file: what ext4 and VMFS can hold, about.
const FILE_MAX_BYTES: u64 = 64 << 40;
/// Bit of the flags.
const FLAG_RESEAL: u8 = 1;

/// A file that is read without being held.
#[derive(Debug)]
pub(crate) struct Image {
    length: u64,
    records: Vec<(u64, Vec<u8>)>,
    /// The checksums are to be put right before it is read.
    pub(crate) reseal: bool,
    /// Bytes that were asked for.
    asked: Cell<u64>,
    /// The longest read.
    longest: Cell<u64>,
}

impl Image {
    pub(crate) fn decode(input: &[u8]) -> Self {
        let (flags, rest) = input.split_first().map_or((0, input), |(flags, rest)| (*flags, rest));
        let (length, mut rest) = number(rest);
        let mut records = Vec::new();
        while !rest.is_empty() && records.len() < RECORDS_MAX_COUNT {
            let (offset, after) = number(rest);
            let (size, content) = after.split_at(after.len().min(2));
            let size = size.iter().rev().fold(0, |size, byte| size << 8 | usize::from(*byte));
            let (content, after) = content.split_at(content.len().min(size));
            records.push((offset, content.to_vec()));
            rest = after;
        }
        Self {
            length: length.min(FILE_MAX_BYTES),
            records,
            reseal: flags & FLAG_RESEAL != 0,
            asked: Cell::new(0),
            longest: Cell::new(0),
        }
    }

    /// Puts bytes over what is there.
    pub(crate) fn put(&mut self, offset: u64, bytes: Vec<u8>) {
        self.records.push((offset, bytes));
    }

    /// What stands at `offset`: at most `length` bytes, and `None` where the file ends before.
    pub(crate) fn get(&self, offset: u64, length: usize) -> Option<Vec<u8>> {
        let end = offset.checked_add(u64::try_from(length).ok()?)?;
        if end > self.length {
            return None;
        }
        let mut bytes = vec![0; length];
        self.fill(offset, &mut bytes);
        Some(bytes)
    }

    fn fill(&self, offset: u64, buffer: &mut [u8]) {
        buffer.fill(0);
        let end = offset.saturating_add(long(buffer.len()));
        for (start, bytes) in &self.records {
            let from = offset.max(*start);
            let to = end.min(start.saturating_add(long(bytes.len())));
            if from < to {
                let source = index(from - start)..index(to - start);
                let target = index(from - offset)..index(to - offset);
                buffer[target].copy_from_slice(&bytes[source]);
            }
        }
    }

    /// Holds the reads so far against what a reader may ask for: a small multiple of the file or of the limits.
    pub(crate) fn check_reads(&self, longest: u64, all: u64) {
        assert!(
            self.longest.get() <= longest,
            "a read of {} bytes, more than {longest}",
            self.longest.get()
        );
        assert!(
            self.asked.get() <= all,
            "reads of {} bytes in all, more than {all}",
            self.asked.get()
        );
        self.asked.set(0);
        self.longest.set(0);
    }
}

impl ReadAt for Image {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = long(buffer.len()).min(self.length.saturating_sub(offset));
        self.longest.set(self.longest.get().max(count));
        self.asked.set(self.asked.get().saturating_add(count));
        let there = &mut buffer[..index(count)];
        self.fill(offset, there);
        Ok(there.len())
    }

    fn next_data(&self, offset: u64) -> u64 {
        let ends_behind = |(start, bytes): &&(u64, Vec<u8>)| start.saturating_add(long(bytes.len())) > offset;
        let next = self.records.iter().filter(ends_behind).map(|(start, _)| *start).min();
        next.map_or(self.length, |start| start.max(offset)).min(self.length)
    }
}

/// The input for a file.
pub(crate) fn encode(file: &SparseFile, reseal: bool) -> Vec<u8> {
    let mut input = vec![u8::from(reseal)];
    input.extend(file.length.to_le_bytes());
    for (offset, bytes) in &file.parts {
        encode_part(*offset, bytes, &mut input);
    }
    input
}

/// The input for the bytes of a file.
pub(crate) fn encode_bytes(bytes: &[u8], reseal: bool) -> Vec<u8> {
    encode(
        &SparseFile {
            length: long(bytes.len()),
            parts: vec![(0, bytes.to_vec())],
        },
        reseal,
    )
}

/// Records for the parts that are not zero.
fn encode_part(offset: u64, bytes: &[u8], input: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(start) = bytes[at..].iter().position(|byte| *byte != 0).map(|found| at + found) {
        let mut end = start;
        let mut zeros = 0;
        while end < bytes.len() && end - start < RECORD_MAX_BYTES && zeros < HOLE_BYTES {
            zeros = if bytes[end] == 0 { zeros + 1 } else { 0 };
            end += 1;
        }
        let content = &bytes[start..end - zeros.min(end - start - 1)];
        input.extend((offset + long(start)).to_le_bytes());
        input.extend(u16::try_from(content.len()).unwrap_or(u16::MAX).to_le_bytes());
        input.extend(content);
        at = start + content.len();
    }
}

/// Eight bytes as a number, or as many as there are.
fn number(bytes: &[u8]) -> (u64, &[u8]) {
    let (digits, rest) = bytes.split_at(bytes.len().min(8));
    (
        digits
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        rest,
    )
}

fn long(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
