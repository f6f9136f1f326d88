//! One artifact and what derelict says of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Confidence, Reclaim, Risk, Verdict};
use crate::{
    facts::Facts,
    kind::{Basis, Kind, Role},
    raw::RawPath,
    report::codes::{Class, ReasonCode},
};

/// One artifact and what derelict says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactReport {
    /// On this machine: root joined with `relative_path`, `/` between parts. Once in the list.
    pub path: RawPath,
    /// The root as given.
    pub root: RawPath,
    /// Relative to the root.
    pub relative_path: RawPath,
    /// Name of the datastore.
    pub datastore: String,
    /// What it is.
    pub kind: Kind,
    /// How that was found.
    pub kind_basis: Basis,
    /// The verdict.
    pub verdict: Verdict,
    /// Which situation.
    pub class: Option<Class>,
    /// Only for `orphaned` and `unregistered`.
    pub confidence: Option<Confidence>,
    /// What may be done.
    pub reclaim: Reclaim,
    /// What could be lost.
    pub risk: Option<Risk>,
    /// Id of its group.
    pub group: Option<String>,
    /// Who it belongs to, sorted.
    pub owners: Vec<Owner>,
    /// Length in bytes.
    pub apparent_bytes: u64,
    /// Blocks × 512; `null` where the file system does not know.
    pub allocated_bytes: Option<u64>,
    /// Size of the disk that the guest sees.
    pub virtual_bytes: Option<u64>,
    /// Last change of the content.
    pub modified: Option<Timestamp>,
    /// Who names it.
    pub referenced_by: Vec<ReferencedBy>,
    /// Whom it names.
    pub references: Vec<ReferenceReport>,
    /// Why; at least one.
    pub reasons: Vec<Reason>,
    /// What `inspect` prints.
    pub facts: Facts,
    /// With `--hash`.
    pub blake3: Option<String>,
    /// Somebody has accepted it: the place in `accepted`. It counts in no sum but that.
    #[serde(default)]
    pub accepted: Option<usize>,
}

impl ArtifactReport {
    /// Blocks × 512; where the file system does not know them the length stands in.
    pub fn allocated_or_length(&self) -> u64 {
        self.allocated_bytes.unwrap_or(self.apparent_bytes)
    }
}

/// What an artifact belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    /// Which sort of owner.
    #[serde(rename = "type")]
    pub kind: OwnerKind,
    /// Its id; for VMs the `id` in `vms`.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Sorts of owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OwnerKind {
    /// A VM.
    Vm,
    /// Something that is no VM.
    Service,
    /// The datastore or the host.
    System,
}

/// A reference to this artifact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ReferencedBy {
    /// Path on this machine, or the inventory and its row.
    pub path: RawPath,
    /// What for.
    pub role: Role,
}

/// A reference of this artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceReport {
    /// As written.
    pub path: RawPath,
    /// What for.
    pub role: Role,
    /// The file on this machine, or `outside` or `missing`.
    pub resolved: Resolved,
}

/// What became of a reference: the path of the file on this machine, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Resolved {
    /// A place that was not scanned, or a file that is not there.
    None(Unresolved),
    /// The file on this machine.
    Path(RawPath),
}

/// Why a reference has no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unresolved {
    /// It leads to a place that was not scanned.
    Outside,
    /// It leads into a root, and nothing is there.
    Missing,
}

/// One statement of evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// Stable code.
    pub code: ReasonCode,
    /// One sentence.
    pub text: String,
    /// File and offset, or inventory and row, that it came from.
    pub source: Option<String>,
    /// For the verdict, or against it.
    pub weight: Weight,
    /// What would change it.
    pub settles: Option<String>,
}

/// Which way a reason points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// For the verdict.
    For,
    /// Against it.
    Against,
}
