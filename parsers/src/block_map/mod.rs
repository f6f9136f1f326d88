//! What the block tables of VHD and VHDX tell: where each part of a disk is, and how much of the file that takes.
//!
//! Tables are streamed with bounded memory, since one may have half a gigabyte. Entries that follow one rule (a stretch
//! without blocks, blocks one after another) are found together and counted together.

mod allocation;
mod bitmap;
mod places;
mod range;
mod run;
mod slots;
mod tally;

pub use allocation::{Allocation, BlockCounts};
pub(crate) use bitmap::{SectorBitmap, check_bitmap_bytes};
pub(crate) use places::Places;
pub(crate) use range::Merged;
pub use range::{DiskRange, RangeContent};
pub(crate) use run::{TableReader, run_length, run_length_be};
pub(crate) use slots::Slots;
pub(crate) use tally::Tally;
