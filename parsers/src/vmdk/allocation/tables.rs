//! Streams the tables of one grain directory, a block of at most 1 MiB at a time.
//!
//! The directory is read in pieces of 64 KiB, tables that follow each other in one read. What is a hole in the file
//! itself is not read. Tables cannot take more bytes than the file has, so a directory that names one table many times
//! ends with an error and not after hours.

use crate::{Anomaly, ParseError, ReadAt, Result, findings::Findings};

use super::layout::Layout;

/// Name of the structure in errors.
const DIRECTORY: &str = "VMDK grain directory";
const TABLE: &str = "VMDK grain table";
/// Bytes of tables that are held at a time.
const BLOCK_BYTES: u64 = 1 << 20;
/// Bytes of a directory that are held at a time.
const PIECE_BYTES: u64 = 64 << 10;
/// Reads of fewer bytes than this are made without asking for holes.
const HOLE_CHECK_BYTES: u64 = 64 << 10;

/// One grain directory with its tables.
#[derive(Debug)]
pub(super) struct Tables<'a, S: ?Sized> {
    source: &'a S,
    layout: Layout,
    /// Where the directory begins in the file.
    directory: u64,
    /// Entries that can be read.
    entries: u64,
    piece: Vec<u8>,
    piece_first: u64,
    block: Vec<u8>,
    /// Tables that the directory named so far.
    pub(super) named: u64,
    /// Bytes of those that lie inside the file.
    named_bytes: u64,
}

/// Tables that follow each other in the file, or that are missing one after the other.
#[derive(Debug, Default)]
struct Run {
    /// Where in the file.
    offset: Option<u64>,
    /// Bytes of the block before them.
    at: u64,
    length: u64,
}

impl<'a, S: ReadAt + ?Sized> Tables<'a, S> {
    /// The tables of the directory at `directory`. Entries that do not lie inside the file are not read, and found.
    pub(super) fn new(source: &'a S, layout: Layout, directory: u64, findings: &mut Findings) -> Self {
        let room = layout.entries_in(source.len().saturating_sub(directory));
        let entries = layout.directory_entries.min(layout.directory_room).min(room);
        if entries < layout.directory_entries {
            findings.damage(Anomaly::at(
                "gd-cut-off",
                directory,
                format!(
                    "the grain directory has {entries} entries, the capacity needs {}",
                    layout.directory_entries
                ),
            ));
        }
        Self {
            source,
            layout,
            directory,
            entries,
            piece: Vec::new(),
            piece_first: 0,
            block: Vec::new(),
            named: 0,
            named_bytes: 0,
        }
    }

    /// Tables of a block.
    pub(super) fn tables_in_block(layout: &Layout) -> u64 {
        BLOCK_BYTES.checked_div(layout.table_bytes()).unwrap_or(1).max(1)
    }

    /// The first table from `from` on that the directory names; `None` where there is none.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn next_named(&mut self, mut from: u64) -> Result<Option<u64>> {
        while from < self.entries {
            self.hold(from)?;
            let skipped = usize::try_from(from.saturating_sub(self.piece_first)).unwrap_or(usize::MAX);
            let width = usize::try_from(self.layout.entry_bytes()).unwrap_or(1);
            let rest = self
                .piece
                .get(skipped.saturating_mul(width)..)
                .unwrap_or_default()
                .chunks_exact(width);
            let held = rest.len();
            if let Some(found) = rest.into_iter().position(|entry| entry.iter().any(|byte| *byte != 0)) {
                return Ok(Some(from.saturating_add(u64::try_from(found).unwrap_or(u64::MAX))));
            }
            if held == 0 {
                return Ok(None);
            }
            from = self.behind_hole(from.saturating_add(u64::try_from(held).unwrap_or(u64::MAX)));
        }
        Ok(None)
    }

    /// The first entry from `from` on that does not lie in a hole of the file.
    fn behind_hole(&self, from: u64) -> u64 {
        let offset = self
            .directory
            .saturating_add(from.saturating_mul(self.layout.entry_bytes()));
        let data = self.source.next_data(offset);
        from.saturating_add(self.layout.entries_in(data.saturating_sub(offset)))
    }

    /// Loads `count` tables from `first` on; those that the directory does not name are zeros. `None` where all are, so
    /// that nothing need be looked at.
    ///
    /// # Errors
    /// `Io`; `LimitExceeded` where tables overlap.
    pub(super) fn load(&mut self, first: u64, count: u64, findings: &mut Findings) -> Result<Option<&[u8]>> {
        let table_bytes = self.layout.table_bytes();
        let block_bytes = usize::try_from(count.saturating_mul(table_bytes)).unwrap_or(usize::MAX);
        self.block.resize(block_bytes, 0);
        let mut is_blank = true;
        let mut run = Run::default();
        for (index, at) in (first..first.saturating_add(count)).zip((0_u64..).step_by(self.table_step())) {
            let table = if index < self.entries {
                self.table(index, findings)?
            } else {
                None
            };
            if !run.take(table, at, table_bytes) {
                is_blank &= self.fill(&run)?;
                run = Run {
                    offset: table,
                    at,
                    length: table_bytes,
                };
            }
        }
        is_blank &= self.fill(&run)?;
        Ok((!is_blank).then_some(&self.block))
    }

    fn table_step(&self) -> usize {
        usize::try_from(self.layout.table_bytes()).unwrap_or(1).max(1)
    }

    /// Where the entry of a table stands.
    pub(super) fn place_of(&self, index: u64) -> u64 {
        self.directory
            .saturating_add(index.saturating_mul(self.layout.entry_bytes()))
    }

    /// Where the table of a directory entry lies.
    fn table(&mut self, index: u64, findings: &mut Findings) -> Result<Option<u64>> {
        let place = self.place_of(index);
        let entry = self.directory_entry(index)?;
        let offset = match self.layout.table_at(entry) {
            Ok(Some(offset)) => offset,
            Ok(None) => return Ok(None),
            Err(fault) => {
                let text = format!("entry {index} of the grain directory ({entry:#x}) {fault}");
                findings.damage(Anomaly::at("gd-entry-bad", place, text));
                return Ok(None);
            }
        };
        let length = self.source.len();
        let table_bytes = self.layout.table_bytes();
        self.named = self.named.saturating_add(1);
        if offset.saturating_add(table_bytes) > length {
            findings.damage(Anomaly::at(
                "gt-beyond-end",
                place,
                format!("grain table {index} at {offset:#x} does not fit into the file of {length} bytes"),
            ));
            return Ok(Some(offset).filter(|offset| *offset < length));
        }
        self.named_bytes = self.named_bytes.saturating_add(table_bytes);
        if self.named_bytes > length {
            return Err(ParseError::Malformed {
                what: DIRECTORY,
                offset: place,
                detail: format!(
                    "grain tables overlap: up to table {index} they have more bytes than the file, {length}"
                ),
            });
        }
        Ok(Some(offset))
    }

    fn directory_entry(&mut self, index: u64) -> Result<u64> {
        self.hold(index)?;
        let width = usize::try_from(self.layout.entry_bytes()).unwrap_or(1);
        let at = usize::try_from(index.saturating_sub(self.piece_first)).unwrap_or(usize::MAX);
        let start = at.saturating_mul(width);
        let bytes = self.piece.get(start..start.saturating_add(width)).unwrap_or_default();
        let mut entry = [0; 8];
        if let Some(target) = entry.get_mut(..bytes.len()) {
            target.copy_from_slice(bytes);
        }
        Ok(u64::from_le_bytes(entry))
    }

    /// Makes sure that the piece of the directory with this entry is held.
    fn hold(&mut self, index: u64) -> Result<()> {
        let width = self.layout.entry_bytes();
        let held = self.layout.entries_in(ReadAt::len(&self.piece));
        if index >= self.piece_first && index.saturating_sub(self.piece_first) < held {
            return Ok(());
        }
        let offset = self.directory.saturating_add(index.saturating_mul(width));
        let length = self
            .entries
            .saturating_sub(index)
            .saturating_mul(width)
            .min(PIECE_BYTES);
        self.piece = self.source.up_to(DIRECTORY, offset, length)?.into_owned();
        self.piece_first = index;
        Ok(())
    }

    /// Reads a run into its place; true where it holds nothing but zeros for sure.
    fn fill(&mut self, run: &Run) -> Result<bool> {
        let start = usize::try_from(run.at).unwrap_or(usize::MAX);
        let length = usize::try_from(run.length).unwrap_or(usize::MAX);
        let target = self.block.get_mut(start..start.saturating_add(length));
        let target = target.unwrap_or_default();
        let source = self.source;
        let is_hole = |offset: u64| {
            let asks = run.length >= HOLE_CHECK_BYTES;
            asks && source.next_data(offset) >= offset.saturating_add(run.length)
        };
        let Some(offset) = run.offset.filter(|offset| *offset < source.len() && !is_hole(*offset)) else {
            target.fill(0);
            return Ok(true);
        };
        let got = source
            .read_at(offset, target)
            .map_err(|error| ParseError::io(TABLE, offset, &error))?;
        target.get_mut(got..).unwrap_or_default().fill(0);
        Ok(false)
    }
}

impl Run {
    /// Takes the next table of the block where it follows in the file too, or where it is missing as this run is.
    fn take(&mut self, table: Option<u64>, at: u64, table_bytes: u64) -> bool {
        let follows = match (self.offset, table) {
            (Some(own), Some(next)) => own.checked_add(self.length) == Some(next),
            (None, None) => true,
            _ => false,
        };
        if follows && self.at.checked_add(self.length) == Some(at) {
            self.length = self.length.saturating_add(table_bytes);
            return true;
        }
        false
    }
}
