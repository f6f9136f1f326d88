//! VMs, registered or found on disk.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Severity;
use crate::{
    kind::{Platform, Role},
    raw::RawPath,
    report::codes::ProblemCode,
};

/// A VM, registered or found on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Vm {
    /// Instance UUID or VM id where known, else made from its configuration path.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Platform.
    pub platform: Platform,
    /// An inventory registers it.
    pub registered: bool,
    /// Sources that register it, sorted.
    pub inventories: Vec<String>,
    /// Host, as far as known.
    pub host: Option<String>,
    /// State as written by the inventory.
    pub state: Option<String>,
    /// Folder of the inventory in which it stands, as written: a path or a name.
    #[serde(default)]
    pub folder: Option<String>,
    /// Who answers for it, as somebody noted in a custom attribute: no proof.
    #[serde(default)]
    pub noted_owner: Option<String>,
    /// Notes or annotation, as far as known.
    pub notes: Option<String>,
    /// Path of its configuration: on this machine when found, else as written.
    pub config: Option<RawPath>,
    /// Paths of its artifacts on this machine, sorted.
    pub artifacts: Vec<RawPath>,
    /// Files that should be there and are not, sorted.
    pub missing: Vec<MissingFile>,
    /// What is wrong with it.
    pub problems: Vec<VmProblem>,
}

/// A file that should be there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct MissingFile {
    /// Where it should be, on this machine.
    pub path: RawPath,
    /// What for.
    pub role: Role,
}

/// What is wrong with a VM.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct VmProblem {
    /// Stable code.
    pub code: ProblemCode,
    /// How bad.
    #[serde(default = "warning")]
    pub severity: Severity,
    /// One sentence.
    pub text: String,
}

/// Reports of before 2026-12 do not tell how bad the problem of a VM is.
fn warning() -> Severity {
    Severity::Warning
}
