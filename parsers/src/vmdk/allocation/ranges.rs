//! The runs of grains of an extent, in the order of the disk.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Anomaly, ReadAt, Result, findings::Findings, vmdk::Vmdk};

use super::{
    decoded,
    layout::{Entry, Layout},
    tables::Tables,
};

/// Neighbouring grains of one state. What no range tells of is read from the parent, or is zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrainRange {
    /// Where it begins, in bytes from the start of the extent as the guest sees it.
    pub offset_bytes: u64,
    /// Its length in bytes.
    pub length_bytes: u64,
    /// What it holds.
    pub state: GrainState,
}

/// What a grain holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GrainState {
    /// Data.
    Data,
    /// Zeros, whatever the parent holds.
    Zero,
    /// Zeros, because the guest gave the space back (seSparse).
    Unmapped,
}

/// Streams the allocated and zeroed ranges of an extent. Ends after the first error.
#[derive(Debug)]
pub struct Ranges<'a, S: ?Sized> {
    layout: Layout,
    tables: Tables<'a, S>,
    findings: Findings,
    /// The first table of the next block; `None` at the end.
    next_table: Option<u64>,
    /// What was decoded and not yet given.
    ready: std::collections::VecDeque<GrainRange>,
}

impl<'a, S: ReadAt + ?Sized> Ranges<'a, S> {
    /// The ranges of what was read from `source`; `None` where it has no grain tables.
    ///
    /// # Errors
    /// `Malformed`, `OutOfBounds` or `LimitExceeded` where the header describes no tables that could be walked: also for
    /// a stream whose directory is cut off.
    pub fn new(source: &'a S, vmdk: &Vmdk) -> Result<Option<Self>> {
        let Some(layout) = Layout::of(vmdk)? else {
            return Ok(None);
        };
        let mut findings = Findings::default();
        let tables = Tables::new(source, layout, layout.directory, &mut findings);
        Ok(Some(Self {
            layout,
            tables,
            findings,
            next_table: Some(0),
            ready: std::collections::VecDeque::new(),
        }))
    }

    /// What was odd so far about directory and tables.
    pub fn into_anomalies(self) -> Vec<Anomaly> {
        self.findings.into_anomalies()
    }

    /// Decodes the next block; false at the end.
    fn advance(&mut self) -> Result<bool> {
        let Some(from) = self.next_table else {
            return Ok(false);
        };
        let Some(first) = self.tables.next_named(from)? else {
            self.next_table = None;
            return Ok(false);
        };
        let count = Tables::<S>::tables_in_block(&self.layout).min(self.layout.directory_entries.saturating_sub(first));
        self.next_table = Some(first.saturating_add(count));
        if let Some(block) = self.tables.load(first, count, &mut self.findings)? {
            let first_grain = first.saturating_mul(self.layout.table_entries);
            collect(&self.layout, first_grain, block, &mut self.ready);
        }
        Ok(true)
    }
}

impl<S: ReadAt + ?Sized> Iterator for Ranges<'_, S> {
    type Item = Result<GrainRange>;

    fn next(&mut self) -> Option<Self::Item> {
        // The last range may go on in the next block.
        while self.ready.len() < 2 {
            match self.advance() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    self.next_table = None;
                    self.ready.clear();
                    return Some(Err(error));
                }
            }
        }
        self.ready.pop_front().map(Ok)
    }
}

/// Appends the ranges of a block of tables; the first may continue the last that is there.
fn collect(layout: &Layout, first_grain: u64, block: &[u8], ready: &mut std::collections::VecDeque<GrainRange>) {
    for (grain, entry) in decoded(layout, first_grain, block) {
        let state = match entry {
            Entry::Data(_) => GrainState::Data,
            Entry::Zero => GrainState::Zero,
            Entry::Unmapped => GrainState::Unmapped,
            Entry::Absent | Entry::Unknown(_) => continue,
        };
        // 0 past the end of the extent.
        let length_bytes = layout.bytes_of_grain(grain);
        let offset_bytes = grain.saturating_mul(layout.grain_bytes);
        match ready.back_mut() {
            Some(last) if last.state == state && last.end() == offset_bytes => {
                last.length_bytes = last.length_bytes.saturating_add(length_bytes);
            }
            _ if length_bytes > 0 => ready.push_back(GrainRange {
                offset_bytes,
                length_bytes,
                state,
            }),
            _ => {}
        }
    }
}

impl GrainRange {
    /// Where it ends, in bytes from the start of the extent.
    pub fn end(&self) -> u64 {
        self.offset_bytes.saturating_add(self.length_bytes)
    }
}
