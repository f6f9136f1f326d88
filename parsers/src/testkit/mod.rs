//! Builders of valid files in memory, for tests and sample data: the same input gives the same bytes.
#![cfg_attr(
    not(test),
    expect(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        reason = "builders lay out their own bytes; nothing here reads a file"
    )
)]

pub mod foreign;
pub mod hyperv_files;
pub mod hyperv_vm;
pub mod regf;
mod sparse_file;
pub mod vhd;
pub mod vhdx;
pub mod vmcx;
pub mod vmware;

pub use sparse_file::SparseFile;

/// A GUID that depends on `seed` and `number` alone, and looks random.
pub fn guid(seed: u64, number: u64) -> uuid::Uuid {
    let high = scramble(seed);
    let low = scramble(high ^ number);
    let bytes = uuid::Uuid::from_u64_pair(high ^ low.rotate_left(32), low).into_bytes();
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// One step of `SplitMix64`.
fn scramble(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// The low bytes of a number, for the fields that are narrower than where it came from.
fn low_u32(value: u64) -> u32 {
    u32::try_from(value & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

/// UTF-16LE of `text`.
fn utf16_le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
