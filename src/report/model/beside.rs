//! What stands beside the verdicts: second opinions, backups, acceptances.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sum, Verdict};
use crate::{raw::RawPath, report::codes::Class};

/// What another tool says of a file, and what derelict says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecondOpinion {
    /// Inventory and row; the inventory alone where its list of orphans does not name the file.
    pub source: String,
    /// The file as the other tool writes it; where it does not name it, relative to its root.
    pub path: RawPath,
    /// What the other tool says; `null` where it says nothing of a file that derelict calls orphaned.
    pub opinion: Option<String>,
    /// The file on this machine, where it was found.
    pub artifact: Option<RawPath>,
    /// What derelict says of it.
    pub verdict: Option<Verdict>,
    /// Which situation.
    pub class: Option<Class>,
    /// Whether the two agree.
    pub agreement: Agreement,
    /// Why derelict says so.
    pub why: String,
}

/// Whether another tool and derelict agree; what differs first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// One calls it nobody's, the other does not.
    Disagrees,
    /// derelict cannot judge it.
    Unknown,
    /// Both call it nobody's.
    Agrees,
}

/// What the lists of backup products say, held against the inventories. It proves no ownership and changes no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct BackupReport {
    /// The lists name every VM that their jobs cover. False where a job names a folder, a tag or a cluster, or a list
    /// breaks off: who is in `unprotected` may then be backed up all the same.
    pub complete: bool,
    /// The lists, sorted.
    pub files: Vec<String>,
    /// What is odd or missing in them.
    pub warnings: Vec<String>,
    /// Pairs of a VM and a job that they name.
    pub vms: u64,
    /// Registered VMs that a backup names, sorted by name.
    pub protected: Vec<ProtectedVm>,
    /// Registered VMs that none names, sorted by name.
    pub unprotected: Vec<UnprotectedVm>,
    /// Backups of VMs that no inventory registers, sorted. Empty where no list of VMs was given.
    pub gone: Vec<BackupMention>,
    /// Groups with the verdict `orphaned` or `unregistered` that no backup of a VM which is gone fits.
    pub unprotected_groups: u64,
    /// Their allocated bytes.
    pub unprotected_bytes: u64,
}

/// A registered VM that a backup names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ProtectedVm {
    /// Its name.
    pub name: String,
    /// Its `id` in `vms`.
    pub id: String,
    /// Its newest restore point, as far as the lists tell.
    pub last: Option<Timestamp>,
    /// The backups, sorted.
    pub backups: Vec<BackupMention>,
}

/// A registered VM that no backup names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct UnprotectedVm {
    /// Its name.
    pub name: String,
    /// Its `id` in `vms`.
    pub id: String,
    /// It is a template.
    pub template: bool,
    /// Backups that name it or another VM of its name, sorted.
    pub perhaps: Vec<BackupMention>,
}

/// A VM as one job of a backup product names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct BackupMention {
    /// Name of the VM.
    pub name: String,
    /// Job or policy.
    pub job: Option<String>,
    /// Its newest restore point, as far as the list tells.
    pub last: Option<Timestamp>,
    /// List and row.
    pub source: String,
}

/// Findings that somebody has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acceptance {
    /// Why.
    pub reason: String,
    /// Who.
    pub by: Option<String>,
    /// Until this time; then they are back.
    pub until: Option<Timestamp>,
    /// That time has passed.
    pub expired: bool,
    /// The files of this report that it is about.
    pub sum: Sum,
}
