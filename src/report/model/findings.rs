//! Groups of artifacts, and problems.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BackupMention, Confidence, Reason, Reclaim, Verdict};
use crate::{
    raw::RawPath,
    report::codes::{Class, ProblemCode},
};

/// Artifacts of one VM or one chain with one verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Stable id.
    pub id: String,
    /// The verdict of its members.
    pub verdict: Verdict,
    /// The class of its head.
    pub class: Option<Class>,
    /// What to call it: VM name, or path of the leaf disk.
    pub title: String,
    /// Name of the last known owner.
    pub owner: Option<String>,
    /// How far that is to be trusted; `null` where no owner is known.
    #[serde(default)]
    pub owner_basis: Option<OwnerBasis>,
    /// The file or the inventory row that tells the owner.
    #[serde(default)]
    pub owner_source: Option<String>,
    /// Paths on this machine, sorted.
    pub artifacts: Vec<RawPath>,
    /// Allocated bytes, each file once.
    pub allocated_bytes: u64,
    /// Newest modification.
    pub modified: Option<Timestamp>,
    /// The most careful grade of its members.
    pub reclaim: Reclaim,
    /// The lowest confidence of its members.
    pub confidence: Option<Confidence>,
    /// Backups of VMs that are gone and bore its id or name: only for `orphaned` and `unregistered`, and only where the
    /// list of a backup product was given.
    #[serde(default)]
    pub backups: Vec<BackupMention>,
    /// Somebody has accepted every one of its artifacts. Its bytes are in no sum then but that of what was accepted.
    #[serde(default)]
    pub accepted: bool,
}

impl Group {
    /// Belongs to nobody.
    pub fn is_nobodys(&self) -> bool {
        self.verdict.is_nobodys()
    }
}

/// How the last known owner of a group is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OwnerBasis {
    /// It is the owner that the verdict rests on.
    Verdict,
    /// What tells of its use: states, snapshot lists, logs, access lists, earlier configurations.
    Evidence,
    /// A chain, a folder or a name: no proof.
    Hint,
}

/// Something wrong that is no artifact's verdict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// Stable code.
    pub code: ProblemCode,
    /// The VM, file or inventory.
    pub subject: String,
    /// One sentence.
    pub text: String,
    /// The evidence.
    pub reasons: Vec<Reason>,
    /// What to do next.
    pub next_step: String,
}

impl Problem {
    /// Of one kind with one next step: told together.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.severity, self.code, &self.next_step) == (other.severity, other.code, &other.next_step)
    }
}

/// How bad a problem is; errors first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Data are unreachable or in danger.
    Error,
    /// Somebody should look.
    Warning,
    /// Good to know.
    Info,
}
