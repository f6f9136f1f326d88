//! What the block tables of VHD, VHDX, VDI and qcow2 tell: where each part of a disk is, and how much of the file that takes.
//!
//! Tables are streamed with bounded memory, since one may have half a gigabyte. Entries that follow one rule (a stretch
//! without blocks, blocks one after another) are found together and counted together.

mod allocation;
mod bitmap;
mod lattice;
mod places;
mod range;
mod run;
mod slots;
mod tally;

pub use allocation::{Allocation, BlockCounts};
pub(crate) use bitmap::{SectorBitmap, check_bitmap_bytes};
pub(crate) use places::Places;
pub use range::{DiskRange, RangeContent};
pub(crate) use range::{Merged, span_of_blocks};
pub(crate) use run::{TableReader, run_length, run_length_be};
pub(crate) use slots::Slots;
pub(crate) use tally::Tally;

/// What the tests of VHD and VHDX write their expectations with.
#[cfg(test)]
pub(crate) mod testing {
    use super::{Allocation, DiskRange, RangeContent};

    pub(crate) fn codes_of(allocation: &Allocation) -> Vec<&str> {
        let anomalies = allocation.anomalies.iter();
        anomalies.map(|anomaly| anomaly.code.as_str()).collect()
    }

    pub(crate) fn file(start: u64, length: u64, offset: u64) -> DiskRange {
        other(start, length, RangeContent::File { offset })
    }

    pub(crate) fn other(start: u64, length: u64, content: RangeContent) -> DiskRange {
        DiskRange { start, length, content }
    }

    /// Numbers that jump about, the same in every run.
    pub(crate) fn noise(seed: u64) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(seed), |last| {
            Some(
                last.wrapping_mul(0x5851_F42D_4C95_7F2D)
                    .wrapping_add(0x1405_7B7E_F767_814F),
            )
        })
        .map(|number| number >> 33)
        .skip(1)
    }
}
