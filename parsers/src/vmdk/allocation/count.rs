//! Counts the entries of whole tables without a branch for each, so that the compiler can take many at a time.
//!
//! Where an entry may be unknown or a grain outside the file the counts are not exact: whoever gets such looks again,
//! entry by entry.

use super::{
    super::{SECTOR_BYTES, stream::GRAIN_HEADER_BYTES},
    layout::{Coding, Layout},
};

/// What the entries of some tables say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) data: u64,
    pub(super) zero: u64,
    pub(super) unmapped: u64,
    /// Grains with data outside the file; 0 while that is not known.
    pub(super) outside: u64,
    /// At least one entry is unknown or may lie outside the file: look again.
    pub(super) is_suspect: bool,
}

/// Counts the entries of whole tables in a file of `length` bytes.
pub(super) fn count(layout: &Layout, tables: &[u8], length: u64) -> Counts {
    match layout.coding {
        Coding::Sectors {
            has_zero_grains,
            is_compressed,
        } => {
            let needed = if is_compressed {
                GRAIN_HEADER_BYTES
            } else {
                layout.grain_bytes
            };
            let last = length.saturating_sub(needed) / SECTOR_BYTES;
            let last = u32::try_from(last).unwrap_or(u32::MAX);
            sectors(tables, has_zero_grains, last)
        }
        Coding::SeSparse { grains, .. } => {
            let room = length
                .saturating_sub(grains)
                .checked_div(layout.grain_bytes)
                .unwrap_or(0);
            sesparse(tables, room)
        }
    }
}

/// Entries of 32 bits. `last` is the last sector where a grain may begin.
fn sectors(tables: &[u8], has_zero_grains: bool, last: u32) -> Counts {
    let (entries, _) = tables.as_chunks::<4>();
    let (mut named, mut ones, mut beyond) = (0_u32, 0_u32, 0_u32);
    for entry in entries {
        let entry = u32::from_le_bytes(*entry);
        named = named.wrapping_add(u32::from(entry != 0));
        ones = ones.wrapping_add(u32::from(entry == 1));
        beyond = beyond.wrapping_add(u32::from(entry > last));
    }
    let zero = if has_zero_grains { u64::from(ones) } else { 0 };
    Counts {
        data: u64::from(named).saturating_sub(zero),
        zero,
        unmapped: 0,
        outside: 0,
        is_suspect: beyond != 0,
    }
}

/// Entries of 64 bits. `room` is the number of grains that fit into the file.
///
/// The halves of the entries are taken apart first, because vectors compare 32 bits at a time on every machine.
fn sesparse(tables: &[u8], room: u64) -> Counts {
    /// Entries whose halves are held at a time.
    const HALVES: usize = 256;
    let (entries, _) = tables.as_chunks::<8>();
    // The lower half holds the number of a grain without its last twelve bits: the last 4096 grains are looked at again.
    let near_end = u32::try_from(room >> 12_u32).unwrap_or(u32::MAX);
    let (mut lower, mut upper) = ([0; HALVES], [0; HALVES]);
    let mut counts = Counts::default();
    for entries in entries.chunks(HALVES) {
        // Most tables are empty or full over long runs.
        let (all, any) = entries.iter().fold((u64::MAX, 0), |(all, any), entry| {
            let entry = u64::from_le_bytes(*entry);
            (all & entry, any | entry)
        });
        let is_data = all >> 60_u32 == 3 && any >> 60_u32 == 3;
        // No grain has a number whose bits are not among these.
        if any == 0 || (is_data && any & 0xFFFF_FFFF_FFFF < u64::from(near_end)) {
            let data = if any == 0 { 0 } else { entries.len() };
            counts.data = counts.data.saturating_add(u64::try_from(data).unwrap_or(u64::MAX));
            continue;
        }
        for ((low, high), [a, b, c, d, e, f, g, h]) in lower.iter_mut().zip(&mut upper).zip(entries) {
            *low = u32::from_le_bytes([*a, *b, *c, *d]);
            *high = u32::from_le_bytes([*e, *f, *g, *h]);
        }
        let lower = lower.get(..entries.len()).unwrap_or_default();
        let upper = upper.get(..entries.len()).unwrap_or_default();
        counts.add_halves(lower, upper, near_end);
    }
    counts
}

impl Counts {
    /// Adds the entries with these halves. No grain whose lower half is below `near_end` is outside the file.
    fn add_halves(&mut self, lower: &[u32], upper: &[u32], near_end: u32) {
        let (mut data, mut zero, mut unmapped, mut without_kind, mut all) = (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
        for half in upper {
            let kind = half >> 28_u32;
            data = data.wrapping_add(u32::from(kind == 3));
            zero = zero.wrapping_add(u32::from(kind == 2));
            unmapped = unmapped.wrapping_add(u32::from(kind == 1));
            without_kind = without_kind.wrapping_add(u32::from(kind == 0));
            all |= half;
        }
        let (mut blank, mut far) = (0_u32, 0_u32);
        for (low, high) in lower.iter().zip(upper) {
            blank = blank.wrapping_add(u32::from(low | high == 0));
            far = far.wrapping_add(u32::from(*low >= near_end));
        }
        self.data = self.data.saturating_add(u64::from(data));
        self.zero = self.zero.saturating_add(u64::from(zero));
        self.unmapped = self.unmapped.saturating_add(u64::from(unmapped));
        let known = [data, zero, unmapped, without_kind];
        let is_known =
            known.iter().map(|count| u64::from(*count)).sum::<u64>() == u64::try_from(upper.len()).unwrap_or(u64::MAX);
        let is_inside = data == 0 || (far == 0 && all.trailing_zeros() >= 16);
        self.is_suspect |= !is_known || !is_inside || without_kind != blank;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::layout::Entry, *};

    fn layout(coding: Coding, grain_bytes: u64) -> Layout {
        Layout {
            coding,
            capacity_bytes: u64::MAX,
            grain_bytes,
            table_entries: 512,
            directory: 0,
            redundant: None,
            directory_entries: 1,
            directory_room: 1,
        }
    }

    /// The same, entry by entry.
    fn slowly(layout: &Layout, entries: &[u64], length: u64) -> Counts {
        let mut counts = Counts::default();
        for entry in entries {
            match layout.entry(*entry) {
                Entry::Absent => {}
                Entry::Zero => counts.zero += 1,
                Entry::Unmapped => counts.unmapped += 1,
                Entry::Unknown(_) => counts.is_suspect = true,
                Entry::Data(offset) => {
                    counts.data += 1;
                    counts.is_suspect |= layout.is_outside(0, offset, length);
                }
            }
        }
        counts
    }

    /// A second look that was not needed costs time only.
    fn assert_same(fast: Counts, slow: Counts) {
        if fast.is_suspect {
            return;
        }
        assert_eq!(fast, slow);
    }

    proptest! {
        #[test]
        fn sectors_are_counted_as_one_by_one(
            entries in prop::collection::vec(prop_oneof![0_u32..3, 0_u32..5000, any::<u32>()], 0..600),
            flags in any::<(bool, bool)>(),
            length in 0_u64..3_000_000,
        ) {
            let layout = layout(Coding::Sectors { has_zero_grains: flags.0, is_compressed: flags.1 }, 512);
            let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.to_le_bytes()).collect();
            let wide: Vec<u64> = entries.into_iter().map(u64::from).collect();
            assert_same(count(&layout, &bytes, length), slowly(&layout, &wide, length));
        }

        #[test]
        fn entries_of_sesparse_are_counted_as_one_by_one(
            entries in prop::collection::vec((0_u64..5, 0_u64..100_000, prop::bool::weighted(0.01)), 0..600),
            length in 0_u64..300_000_000,
        ) {
            let layout = layout(Coding::SeSparse { tables: (0, 0), grains: 4096 }, 4096);
            let entry = |(kind, grain, is_odd): &(u64, u64, bool)| match kind {
                0 | 4 => u64::from(*is_odd) << 47_u32,
                kind => kind << 60_u32 | (grain & 0xFFF) << 48_u32 | grain >> 12_u32,
            };
            let entries: Vec<u64> = entries.iter().map(entry).collect();
            let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.to_le_bytes()).collect();
            assert_same(count(&layout, &bytes, length), slowly(&layout, &entries, length));
        }
    }

    #[test]
    fn sound_tables_need_no_second_look() {
        let sparse = layout(
            Coding::Sectors {
                has_zero_grains: true,
                is_compressed: false,
            },
            512,
        );
        let table: Vec<u8> = [0_u32, 1, 2, 99].iter().flat_map(|entry| entry.to_le_bytes()).collect();
        let counts = count(&sparse, &table, 51_200);
        assert_eq!((counts.data, counts.zero, counts.is_suspect), (2, 1, false));
        let delta = layout(
            Coding::SeSparse {
                tables: (0, 0),
                grains: 0,
            },
            4096,
        );
        let kinds = [0, 1 << 60, 2 << 60, 3 << 60, 3 << 60 | 0xFFF << 48_u64];
        let table: Vec<u8> = kinds.iter().flat_map(|entry: &u64| entry.to_le_bytes()).collect();
        let counts = count(&delta, &table, 8192 * 4096);
        assert_eq!(
            (counts.data, counts.zero, counts.unmapped, counts.is_suspect),
            (2, 1, 1, false)
        );
    }
}
