//! What was and was not seen.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    catalogue::{SkipReason, Stage},
    inventory::InventoryKind,
    raw::RawPath,
    report::codes::ReasonCode,
};

/// What was and was not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// False as soon as an issue was recorded or a gap caps a verdict (exit status 3).
    pub complete: bool,
    /// `--assume-complete` was given.
    pub assume_complete: bool,
    /// The roots in the order given.
    pub roots: Vec<RootReport>,
    /// What could not be read.
    pub issues: Vec<IssueReport>,
    /// The inventories, sorted by source.
    pub inventories: Vec<InventoryReport>,
    /// What is not known, each in one sentence with what would settle it and the bytes at stake.
    pub gaps: Vec<String>,
    /// The same gaps with their effect.
    pub gap_details: Vec<Gap>,
}

/// One root.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RootReport {
    /// As given.
    pub path: RawPath,
    /// Where that lay, from the top of the machine that saw it and without links; `null` where that is `path` itself, and in
    /// reports of before this field.
    #[serde(default)]
    pub absolute: Option<RawPath>,
    /// Name of the datastore; the last part of the path when it is not known.
    pub datastore: String,
    /// All names under which references reached it.
    pub aliases: Vec<String>,
    /// How the datastore was found.
    pub identity: Identity,
    /// Why that identity.
    pub identity_basis: String,
    /// An inventory covers it, and whether that cover is complete.
    pub covered: Cover,
    /// Folders entered.
    pub directories: u64,
    /// Files met.
    pub files: u64,
    /// Artifacts among them.
    pub artifacts: u64,
    /// Sum of lengths, each file once.
    pub apparent_bytes: u64,
    /// Sum of blocks, each file once; `null` where the file system does not know.
    pub allocated_bytes: Option<u64>,
    /// Size of the file system.
    pub capacity_bytes: Option<u64>,
    /// Free space.
    pub free_bytes: Option<u64>,
    /// Left out on purpose: path and why.
    pub skipped: Vec<SkippedReport>,
    /// Folders with nothing in them, on this machine.
    pub empty_folders: Vec<RawPath>,
}

/// A place left out on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkippedReport {
    /// On this machine.
    pub path: RawPath,
    /// Why.
    pub why: SkipReason,
}

/// How the datastore of a root was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// By the aliases that the user gave.
    Given,
    /// From how references resolve.
    Inferred,
    /// Not found, or two answers fit.
    Unknown,
}

/// Whether an inventory would know the owners of the files of a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cover {
    /// No inventory covers it.
    None,
    /// Covered, but something says that an owner may be missing.
    Incomplete,
    /// Covered, and nothing says otherwise.
    Complete,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IssueReport {
    /// On this machine.
    pub path: RawPath,
    /// What was being done.
    pub stage: Stage,
    /// What went wrong.
    pub error: String,
}

/// One inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InventoryReport {
    /// Who it speaks for.
    pub source: String,
    /// The main export that it was made from.
    pub kind: InventoryKind,
    /// All exports that it was made from.
    pub kinds: Vec<InventoryKind>,
    /// The files.
    pub files: Vec<String>,
    /// When it was taken.
    pub collected: Option<Timestamp>,
    /// Number of VMs and templates.
    pub vms: u64,
    /// Datastores and hosts that it speaks of.
    pub scope: Scope,
    /// What is odd or missing in it.
    pub warnings: Vec<String>,
}

/// What an inventory speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    /// Labels of datastores, sorted.
    pub datastores: Vec<String>,
    /// Names of hosts, sorted.
    pub hosts: Vec<String>,
}

/// Something that is not known and what it costs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Stable code.
    pub code: ReasonCode,
    /// One sentence with what would settle it.
    pub text: String,
    /// Datastores that it affects, sorted.
    pub datastores: Vec<String>,
    /// It keeps verdicts at `unknown`.
    pub caps: bool,
    /// Files that are `unknown` because of it.
    pub files: u64,
    /// Their allocated bytes.
    pub allocated_bytes: u64,
}
