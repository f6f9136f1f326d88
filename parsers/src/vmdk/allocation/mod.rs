//! What the grain tables of an extent say: how much of it holds data, and where.
//!
//! Read: grain directory and grain tables of hosted sparse extents (with or without compression), of vmfsSparse and of
//! seSparse deltas, streamed with less than 3 MiB of memory whatever the size of the disk. [`read`] counts, compares the
//! redundant directory with the first and looks for grains that are not in the file; [`Ranges`] gives the runs one after
//! the other. Not read: the grains themselves, any other extent of the disk, and its parents.
//!
//! The same answers as `qemu-img map` gives for a link (depth 0): a table that does not lie in the file counts as
//! empty, a grain that does not lie there as allocated, because the table says so. Both are found.

mod count;
mod layout;
mod ranges;
mod tables;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Anomaly, ReadAt, Result, findings::Findings};

use super::{SparseExtent, Vmdk, sparse::GD_AT_END, stream};

use layout::{Entry, Layout};
use tables::Tables;

pub use ranges::{GrainRange, GrainState, Ranges};

/// How much of an extent is allocated. All sizes are those that the guest sees, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Allocation {
    /// Size of the extent.
    pub virtual_bytes: u64,
    /// What the grains with data cover. Compressed grains count as what they hold, not as what they take.
    pub allocated_bytes: u64,
    /// What reads as zeros whatever the parent holds: zeroed grains, and the unmapped ones.
    pub zeroed_bytes: u64,
    /// Of the zeroed bytes those that the guest gave back (seSparse).
    pub unmapped_bytes: u64,
    /// Size of a grain.
    pub grain_bytes: u64,
    /// Grain tables that the directory names.
    pub grain_tables: u64,
    /// Grains with data that do not lie inside the file: their data are lost.
    pub grains_outside: u64,
    /// How the redundant directory compares; `None` where there is none.
    pub redundant: Option<RedundantDirectory>,
    /// Where the numbers are from.
    pub source: AllocationSource,
    /// The first anomaly after which the numbers may be wrong: a damaged or missing table, a journal that was not
    /// replayed. `None` for sound tables.
    pub damage: Option<Anomaly>,
    /// What is odd about the tables; what is in the headers stands among the facts of the file.
    pub anomalies: Vec<Anomaly>,
}

/// Where the numbers of an allocation are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AllocationSource {
    /// The grain tables.
    GrainTables,
    /// The markers before the grains, because the directory is cut off.
    GrainMarkers,
}

/// How the redundant grain directory and its tables compare with the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RedundantDirectory {
    /// Grain tables that it names.
    pub grain_tables: u64,
    /// Grain tables whose content differs from that of the first directory.
    pub differing_tables: u64,
}

/// Walks the tables of an extent; `None` where it has none.
///
/// Reads every table once, and the redundant ones too: a bounded share of the file (1/1000 at the usual grain). Bytes
/// of tables beyond the length of the file end the walk.
///
/// # Errors
/// `Malformed`, `OutOfBounds` or `LimitExceeded` where the header describes no tables that could be walked or where
/// tables overlap, `Io`.
pub fn read(source: &(impl ReadAt + ?Sized), vmdk: &Vmdk) -> Result<Option<Allocation>> {
    if let Vmdk::Sparse(extent) = vmdk
        && extent.effective_header().gd_offset_sectors == GD_AT_END
        && extent.header.is_stream()
    {
        return by_markers(source, extent).map(Some);
    }
    let Some(layout) = Layout::of(vmdk)? else {
        return Ok(None);
    };
    let mut walk = Walk::new(source, layout);
    if let Vmdk::SeSparse(extent) = vmdk
        && extent.volatile.as_ref().is_none_or(|header| header.replay_journal != 0)
    {
        walk.findings.damage(Anomaly::new(
            "journal-not-replayed",
            "the journal is to be replayed, or not readable: the tables may be behind it",
        ));
    }
    walk.run()
}

/// One pass over all tables.
struct Walk<'a, S: ?Sized> {
    source: &'a S,
    layout: Layout,
    findings: Findings,
    first: Tables<'a, S>,
    redundant: Option<Tables<'a, S>>,
    result: Allocation,
}

impl<'a, S: ReadAt + ?Sized> Walk<'a, S> {
    fn new(source: &'a S, layout: Layout) -> Self {
        let mut findings = Findings::default();
        let first = Tables::new(source, layout, layout.directory, &mut findings);
        let redundant = layout
            .redundant
            .map(|directory| Tables::new(source, layout, directory, &mut findings));
        Self {
            source,
            layout,
            findings,
            first,
            redundant,
            result: Allocation::empty(layout.capacity_bytes, layout.grain_bytes, AllocationSource::GrainTables),
        }
    }

    fn run(mut self) -> Result<Option<Allocation>> {
        let step = Tables::<S>::tables_in_block(&self.layout);
        let mut differing = 0_u64;
        let mut at = 0;
        while let Some(next) = self.next_named(at)? {
            let count = step.min(self.layout.directory_entries.saturating_sub(next));
            differing = differing.saturating_add(self.block(next, count)?);
            at = next.saturating_add(count);
        }
        self.result.grain_tables = self.first.named;
        self.result.redundant = self.redundant.as_ref().map(|tables| RedundantDirectory {
            grain_tables: tables.named,
            differing_tables: differing,
        });
        self.result.damage = self.findings.first_damage();
        self.result.anomalies = self.findings.into_anomalies();
        Ok(Some(self.result))
    }

    /// The next table that either directory names.
    fn next_named(&mut self, from: u64) -> Result<Option<u64>> {
        let first = self.first.next_named(from)?;
        let redundant = match &mut self.redundant {
            Some(tables) => tables.next_named(from)?,
            None => None,
        };
        Ok(first.into_iter().chain(redundant).min())
    }

    /// Counts a block of tables; how many differ from their redundant copies.
    fn block(&mut self, first: u64, count: u64) -> Result<u64> {
        let block = self.first.load(first, count, &mut self.findings)?;
        let mut differing = 0;
        if let Some(redundant) = &mut self.redundant {
            let place = redundant.place_of(first);
            let copy = redundant.load(first, count, &mut self.findings)?;
            differing = compare(&self.layout, (first, place), block, copy, &mut self.findings);
        }
        let Some(block) = block else { return Ok(differing) };
        let first_grain = first.saturating_mul(self.layout.table_entries);
        // Entries past the end of the extent mean nothing.
        let grains = self.layout.grains().saturating_sub(first_grain);
        let length = usize::try_from(grains.saturating_mul(self.layout.entry_bytes())).unwrap_or(usize::MAX);
        let entries = block.get(..length).unwrap_or(block);
        let length = self.source.len();
        let mut counts = count::count(&self.layout, entries, length);
        if counts.is_suspect {
            counts = look_closely(&self.layout, first_grain, entries, length, &mut self.findings);
        }
        self.result.add(&self.layout, counts);
        self.result.cut_last_grain(&self.layout, first_grain, entries);
        Ok(differing)
    }
}

impl Allocation {
    fn empty(virtual_bytes: u64, grain_bytes: u64, source: AllocationSource) -> Self {
        Self {
            virtual_bytes,
            allocated_bytes: 0,
            zeroed_bytes: 0,
            unmapped_bytes: 0,
            grain_bytes,
            grain_tables: 0,
            grains_outside: 0,
            redundant: None,
            source,
            damage: None,
            anomalies: Vec::new(),
        }
    }

    fn add(&mut self, layout: &Layout, counts: count::Counts) {
        let more = |sum: u64, grains: u64| sum.saturating_add(grains.saturating_mul(layout.grain_bytes));
        self.allocated_bytes = more(self.allocated_bytes, counts.data);
        self.zeroed_bytes = more(self.zeroed_bytes, counts.zero.saturating_add(counts.unmapped));
        self.unmapped_bytes = more(self.unmapped_bytes, counts.unmapped);
        self.grains_outside = self.grains_outside.saturating_add(counts.outside);
    }

    /// The last grain of the extent may reach past its end: what is past it does not count.
    fn cut_last_grain(&mut self, layout: &Layout, first_grain: u64, entries: &[u8]) {
        let Some(last) = layout.grains().checked_sub(1) else {
            return;
        };
        let excess = layout.grain_bytes.saturating_sub(layout.bytes_of_grain(last));
        let Some((_, entry)) = decoded(layout, first_grain, entries)
            .next_back()
            .filter(|(grain, _)| *grain == last)
        else {
            return;
        };
        match entry {
            Entry::Data(_) => self.allocated_bytes = self.allocated_bytes.saturating_sub(excess),
            Entry::Zero => self.zeroed_bytes = self.zeroed_bytes.saturating_sub(excess),
            Entry::Unmapped => {
                self.zeroed_bytes = self.zeroed_bytes.saturating_sub(excess);
                self.unmapped_bytes = self.unmapped_bytes.saturating_sub(excess);
            }
            Entry::Absent | Entry::Unknown(_) => {}
        }
    }
}

/// The entries of tables with the numbers of their grains.
fn decoded<'b>(
    layout: &Layout,
    first_grain: u64,
    entries: &'b [u8],
) -> impl DoubleEndedIterator<Item = (u64, Entry)> + ExactSizeIterator + 'b {
    let layout = *layout;
    let width = usize::try_from(layout.entry_bytes()).unwrap_or(1);
    entries.chunks_exact(width).enumerate().map(move |(index, bytes)| {
        let mut entry = [0; 8];
        if let Some(target) = entry.get_mut(..bytes.len()) {
            target.copy_from_slice(bytes);
        }
        let grain = first_grain.saturating_add(u64::try_from(index).unwrap_or(u64::MAX));
        (grain, layout.entry(u64::from_le_bytes(entry)))
    })
}

/// Counts entry by entry, and finds the grains that do not lie inside the file and the entries that mean nothing.
fn look_closely(
    layout: &Layout,
    first_grain: u64,
    entries: &[u8],
    length: u64,
    findings: &mut Findings,
) -> count::Counts {
    let mut counts = count::Counts::default();
    for (grain, entry) in decoded(layout, first_grain, entries) {
        let counter = match entry {
            Entry::Absent => continue,
            Entry::Zero => &mut counts.zero,
            Entry::Unmapped => &mut counts.unmapped,
            Entry::Data(offset) => {
                if layout.is_outside(grain, offset, length) {
                    findings.damage(grain_outside(layout, grain, offset, length));
                    counts.outside = counts.outside.saturating_add(1);
                }
                &mut counts.data
            }
            Entry::Unknown(raw) => {
                findings.damage(unknown_entry(layout, grain, raw));
                continue;
            }
        };
        *counter = counter.saturating_add(1);
    }
    counts
}

fn grain_outside(layout: &Layout, grain: u64, offset: Option<u64>, length: u64) -> Anomaly {
    let place = grain.saturating_mul(layout.grain_bytes);
    let at = offset.map_or_else(|| "past 64 bits".to_owned(), |offset| format!("{offset:#x}"));
    Anomaly {
        code: "grain-beyond-end".to_owned(),
        offset,
        text: format!("the grain of disk offset {place:#x} is said to be at {at}, the file has {length} bytes"),
    }
}

fn unknown_entry(layout: &Layout, grain: u64, raw: u64) -> Anomaly {
    let place = grain.saturating_mul(layout.grain_bytes);
    Anomaly::new(
        "grain-entry-bad",
        format!("the entry {raw:#x} of the grain of disk offset {place:#x} is of no known kind"),
    )
}

/// Compares a block of tables with their redundant copies; how many differ. `first` is the first table, and where the
/// redundant directory has its entry.
fn compare(
    layout: &Layout,
    (first, place): (u64, u64),
    block: Option<&[u8]>,
    copy: Option<&[u8]>,
    findings: &mut Findings,
) -> u64 {
    if block == copy {
        return 0;
    }
    let table_bytes = usize::try_from(layout.table_bytes()).unwrap_or(0);
    let zeros = vec![0; table_bytes];
    let bytes = block.or(copy).map_or(0, <[u8]>::len);
    let count = bytes.checked_div(table_bytes).unwrap_or(0);
    let mut differing = 0_u64;
    for (table, index) in (0..count).zip(first..) {
        let start = table.saturating_mul(table_bytes);
        let range = start..start.saturating_add(table_bytes);
        let own = block.and_then(|tables| tables.get(range.clone())).unwrap_or(&zeros);
        let other = copy.and_then(|tables| tables.get(range)).unwrap_or(&zeros);
        if own != other {
            differing = differing.saturating_add(1);
            let text = format!("grain table {index} differs from its redundant copy");
            let entry = index.saturating_sub(first).saturating_mul(layout.entry_bytes());
            findings.note(Anomaly::at(
                "redundant-table-differs",
                place.saturating_add(entry),
                text,
            ));
        }
    }
    differing
}

/// Counts the grains of a stream whose directory is cut off.
fn by_markers(source: &(impl ReadAt + ?Sized), extent: &SparseExtent) -> Result<Allocation> {
    let header = extent.effective_header();
    let grain_bytes = super::sectors_to_bytes(header.grain_size_sectors).unwrap_or(0);
    let virtual_bytes = super::sectors_to_bytes(header.capacity_sectors).unwrap_or(u64::MAX);
    let stream = stream::walk(source, extent)?;
    let mut result = Allocation::empty(virtual_bytes, grain_bytes, AllocationSource::GrainMarkers);
    result.allocated_bytes = stream.grains.saturating_mul(grain_bytes).min(virtual_bytes);
    let cut_off = Anomaly::new(
        "directory-cut-off",
        "the directory is cut off: the grains were counted by their markers",
    );
    result.anomalies = std::iter::once(cut_off.clone()).chain(stream.anomalies).collect();
    result.damage = Some(cut_off);
    Ok(result)
}
