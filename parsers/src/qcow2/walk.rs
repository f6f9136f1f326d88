//! The tables of an image in the order of the disk, streamed: a piece of an L2 table is held at a time.

use super::layout::{Entry, L1, Layout};
use crate::{
    block_map::{TableReader, run_length},
    error::{ParseError, Result},
    read_at::ReadAt,
};

const L2: &str = "qcow2 L2 table";
/// What is read at a time of an L2 table, which has as much as a cluster: up to 2 MiB.
const PIECE_BYTES: u64 = 256 << 10;

/// One or more clusters of which the tables say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The first cluster of the disk.
    pub(super) cluster: u64,
    /// 0 for an L2 table that was met.
    pub(super) count: u64,
    pub(super) content: Content,
    /// Where the first entry stands, bytes from the start of the file.
    pub(super) place: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// What the entries say; a place is that of the first cluster, and the others follow it.
    Of(Entry),
    /// The L2 table that tells these clusters cannot be at the place that is said.
    NoTable,
    /// An L2 table at this place tells what follows.
    Table(u64),
}

/// The tables, read from the start of the disk to its end.
#[derive(Debug)]
pub(super) struct Walk<R> {
    pub(super) layout: Layout,
    l1: TableReader<R, 8>,
    table: Option<Table>,
    piece: Vec<u8>,
    /// Where the piece ends, bytes from the start of the file.
    piece_end: u64,
    /// Bytes of the piece that were taken.
    taken: usize,
    /// The next cluster.
    cluster: u64,
    /// Bytes of L2 tables so far.
    l2_bytes: u64,
}

/// What is left of an L2 table in the file.
#[derive(Debug, Clone, Copy)]
struct Table {
    offset: u64,
    bytes: u64,
}

impl<R: ReadAt> Walk<R> {
    pub(super) fn new(layout: Layout, source: R) -> Self {
        Self {
            layout,
            l1: TableReader::new(L1, source, layout.l1_offset, layout.l1_entries),
            table: None,
            piece: Vec::new(),
            piece_end: 0,
            taken: 0,
            cluster: 0,
            l2_bytes: 0,
        }
    }

    /// The next clusters; `None` behind the last.
    ///
    /// # Errors
    /// `Truncated` where the file ends in the L1 table, `LimitExceeded` where L2 tables share their places, `Io`.
    pub(super) fn next(&mut self) -> Result<Option<Run>> {
        if self.taken >= self.piece.len() {
            let Some(table) = self.table.take() else {
                return self.next_table();
            };
            self.load(table)?;
        }
        Ok(self.next_entries())
    }

    /// The next entry of the L1 table, or all that name no table.
    fn next_table(&mut self) -> Result<Option<Run>> {
        let place = self.l1.place(self.l1.position());
        let entries = self.l1.peek()?;
        let Some(entry) = entries.first().copied().map(u64::from_be_bytes) else {
            return Ok(None);
        };
        let tables = if entry == 0 {
            run_length(entries, 0, u64::from_ne_bytes)
        } else {
            1
        };
        self.l1.advance(tables);
        let run = |count, content| Run {
            cluster: self.cluster,
            count,
            content,
            place,
        };
        let left = self.layout.clusters.saturating_sub(self.cluster);
        let clusters = tables.saturating_mul(self.layout.l2_entries).min(left);
        let found = match self.layout.table_at(entry) {
            Ok(None) => run(clusters, Content::Of(Entry::Absent)),
            Err(_) => run(clusters, Content::NoTable),
            Ok(Some(offset)) => {
                let run = run(0, Content::Table(offset));
                self.enter(offset, clusters.saturating_mul(self.layout.entry_bytes()), place)?;
                return Ok(Some(run));
            }
        };
        self.cluster = self.cluster.saturating_add(clusters);
        Ok(Some(found))
    }

    /// Begins with an L2 table of which so many bytes tell clusters of the disk.
    fn enter(&mut self, offset: u64, bytes: u64, place: u64) -> Result<()> {
        self.l2_bytes = self.l2_bytes.saturating_add(self.layout.l2_bytes());
        if self.l2_bytes > self.layout.file_bytes {
            return Err(ParseError::Malformed {
                what: L1,
                offset: place,
                detail: format!(
                    "L2 tables overlap: up to this one they have more bytes than the file, {}",
                    self.layout.file_bytes
                ),
            });
        }
        self.table = Some(Table { offset, bytes });
        Ok(())
    }

    /// Reads a piece of a table; what is a hole in the file itself is not read.
    fn load(&mut self, table: Table) -> Result<()> {
        let bytes = table.bytes.min(PIECE_BYTES);
        let end = table.offset.saturating_add(bytes);
        let source = self.l1.source();
        let size = usize::try_from(bytes).unwrap_or(0);
        self.piece.clear();
        self.piece.resize(size, 0);
        self.taken = 0;
        if source.next_data(table.offset) < end {
            let got = source
                .read_at(table.offset, &mut self.piece)
                .map_err(|error| ParseError::io(L2, table.offset, &error))?;
            if got < size {
                return Err(ParseError::Truncated {
                    what: L2,
                    offset: table.offset,
                    need: bytes,
                    have: u64::try_from(got).unwrap_or(u64::MAX),
                });
            }
        }
        self.table = Some(Table {
            offset: end,
            bytes: table.bytes.saturating_sub(bytes),
        })
        .filter(|rest| rest.bytes > 0);
        self.piece_end = end;
        Ok(())
    }

    /// The next entries of the piece that follow one rule.
    fn next_entries(&mut self) -> Option<Run> {
        let rest = self.piece.get(self.taken..).unwrap_or_default();
        let (entry, count) = if self.layout.is_extended {
            self.extended(rest.as_chunks().0)?
        } else {
            self.standard(rest.as_chunks().0)?
        };
        let left = u64::try_from(rest.len()).unwrap_or(u64::MAX);
        let run = Run {
            cluster: self.cluster,
            count,
            content: Content::Of(entry),
            place: self.piece_end.saturating_sub(left),
        };
        let bytes = count.saturating_mul(self.layout.entry_bytes());
        self.taken = self.taken.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX));
        self.cluster = self.cluster.saturating_add(count);
        Some(run)
    }

    /// What the first of these entries says, and how many follow its rule.
    fn standard(&self, entries: &[[u8; 8]]) -> Option<(Entry, u64)> {
        let entry = self.layout.entry(u64::from_be_bytes(*entries.first()?));
        let count = match entry {
            Entry::Absent | Entry::Zero(None) => run_length(entries, 0, u64::from_ne_bytes),
            Entry::At(_) => run_length(entries, self.layout.cluster_bytes, u64::from_be_bytes),
            _ => 1,
        };
        Some((entry, count))
    }

    /// As [`Walk::standard`] of extended entries.
    fn extended(&self, entries: &[[u8; 16]]) -> Option<(Entry, u64)> {
        let first = u128::from_be_bytes(*entries.first()?);
        let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default();
        let entry = self.layout.extended_entry(half(first >> 64_u32), half(first));
        let count = match entry {
            Entry::Absent | Entry::Zero(None) => run_length(entries, 0, u128::from_ne_bytes),
            Entry::At(_) => {
                let step = u128::from(self.layout.cluster_bytes) << 64_u32;
                run_length(entries, step, u128::from_be_bytes)
            }
            _ => 1,
        };
        Some((entry, count))
    }
}
