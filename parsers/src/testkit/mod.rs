//! Builders of valid files in memory, for tests and sample data: the same input gives the same bytes.
#![cfg_attr(
    not(test),
    expect(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        reason = "builders lay out their own bytes; nothing here reads a file"
    )
)]

mod sparse_file;

pub use sparse_file::SparseFile;
