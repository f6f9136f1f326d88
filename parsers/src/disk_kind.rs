//! How a VHD or VHDX keeps its data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a virtual hard disk of Hyper-V keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DiskKind {
    /// All space is allocated from the beginning.
    Fixed,
    /// Grows with what is written.
    Dynamic,
    /// Holds only what differs from its parent.
    Differencing,
}

impl DiskKind {
    /// The word for it, as JSON writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Dynamic => "dynamic",
            Self::Differencing => "differencing",
        }
    }
}
