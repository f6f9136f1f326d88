//! Counts the entries of whole tables without a branch for each, so that the compiler can take many at a time.
//!
//! Where an entry may be unknown or a grain outside the file the counts are not exact: whoever gets such looks again,
//! entry by entry.

use super::{
    super::{SECTOR_BYTES, stream::GRAIN_HEADER_BYTES},
    layout::{Coding, Layout, sesparse_grain},
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
fn sesparse(tables: &[u8], room: u64) -> Counts {
    let (entries, _) = tables.as_chunks::<8>();
    let (mut data, mut zero, mut unmapped) = (0_u64, 0_u64, 0_u64);
    let (mut all, mut beyond) = (0_u64, 0_u64);
    for entry in entries {
        let entry = u64::from_le_bytes(*entry);
        let (high, low) = ((entry >> 61_u32) & 1, (entry >> 60_u32) & 1);
        let is_data = high & low;
        data = data.wrapping_add(is_data);
        zero = zero.wrapping_add(high & !low);
        unmapped = unmapped.wrapping_add(low & !high);
        all |= entry;
        // Both are below 2^60, so the sign of the difference compares them.
        let is_past = room.wrapping_sub(sesparse_grain(entry)).wrapping_sub(1) >> 63_u32;
        // An entry of kind 0 is 0, or unknown.
        let is_stray = (entry.wrapping_neg() | entry) >> 63_u32 & !high & !low;
        beyond |= (is_past & is_data) | is_stray;
    }
    Counts {
        data,
        zero,
        unmapped,
        outside: 0,
        is_suspect: beyond != 0 || all >> 62_u32 != 0,
    }
}
