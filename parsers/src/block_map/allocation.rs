//! What the blocks of a disk take in their file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Anomaly;

/// What the blocks of a VHD, VHDX or VDI hold of the disk, and what they take in the file. Of a VHDX with entries in its log, the
/// file as the log leaves it, which may be longer than it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Allocation {
    /// Bytes of the disk, as the guest sees it, whose content is in this file. Of a block that is partly here only the
    /// sectors which are.
    pub allocated_bytes: u64,
    /// Unit of allocation in bytes; 0 for a fixed VHD, which has none.
    pub block_size_bytes: u64,
    /// The blocks by their state.
    pub blocks: BlockCounts,
    /// Bytes of the file that blocks with content take, with the bitmaps that belong to them.
    pub payload_bytes: u64,
    /// Bytes of the file that blocks without content keep (VHDX: trimmed, undefined or zero blocks with a place).
    pub reusable_bytes: u64,
    /// Bytes of the file from the end of the last thing that anything refers to up to its end, or to the footer of a
    /// VHD: compacting frees these at once.
    pub slack_bytes: u64,
    /// Bytes of the file that nothing refers to: the slack and the holes between blocks.
    pub unreferenced_bytes: u64,
    /// The first anomaly after which the numbers may be wrong, in the headers or in the table; `None` for a sound file.
    pub damage: Option<Anomaly>,
    /// What is odd or damaged in the table; what is in the headers stands among the facts of the file.
    pub anomalies: Vec<Anomaly>,
}

impl Allocation {
    /// Of a disk of which no block was counted yet.
    pub(crate) fn of_blocks(total: u64, block_size_bytes: u64) -> Self {
        Self {
            block_size_bytes,
            blocks: BlockCounts {
                total,
                ..BlockCounts::default()
            },
            ..Self::default()
        }
    }

    /// Counts blocks that are here as a whole and hold so many bytes of the disk.
    pub(crate) fn add_present(&mut self, count: u64, bytes: u64) {
        self.allocated_bytes = self.allocated_bytes.saturating_add(bytes);
        self.blocks.present = self.blocks.present.saturating_add(count);
    }

    /// Counts blocks that each take so many bytes of the file.
    pub(crate) fn add_payload(&mut self, count: u64, bytes: u64) {
        self.payload_bytes = self.payload_bytes.saturating_add(count.saturating_mul(bytes));
    }
}

/// The blocks of a disk by their state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BlockCounts {
    /// All blocks of the disk.
    pub total: u64,
    /// Blocks that are in this file as a whole.
    pub present: u64,
    /// Blocks of which some sectors are here and the others in the parent.
    pub partially_present: u64,
    /// Blocks that are not here: the parent's, or zeros.
    pub not_present: u64,
    /// Blocks that read as zeros (VHDX, VDI).
    pub zero: u64,
    /// Blocks that the guest gave back with TRIM (VHDX).
    pub unmapped: u64,
    /// Blocks whose content is not defined (VHDX).
    pub undefined: u64,
    /// Blocks whose entry cannot be.
    pub invalid: u64,
}
