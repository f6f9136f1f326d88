//! Change tracking files (`-ctk.vmdk`). Only the signature is certain (libyal); no field behind it is read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Anomaly;

/// Signature at the start of the file.
pub(super) const MAGIC: &[u8] = &[0xA2, 0x72, 0x19, 0xF6];

/// A change tracking file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ChangeTracking {
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}
