//! The report `derelict/report/1`: the one model that every face is made from.
//!
//! Its JSON form is described by the schema that `derelict schema` prints, made from these types. Fields may be added,
//! none changed. Every field is always there, `null` or an empty list where it has no value; lists are sorted.

mod artifact;
mod artifacts;
mod beside;
mod coverage;
mod findings;
mod summary;
mod verdict;
mod vm;

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    artifact::{ArtifactReport, Owner, OwnerKind, Reason, ReferenceReport, ReferencedBy, Resolved, Unresolved, Weight},
    artifacts::Artifacts,
    beside::{Acceptance, Agreement, BackupMention, BackupReport, ProtectedVm, SecondOpinion, UnprotectedVm},
    coverage::{Cover, Coverage, Gap, Identity, InventoryReport, IssueReport, RootReport, Scope, SkippedReport},
    findings::{Group, OwnerBasis, Problem, Severity},
    summary::{Sum, Summary},
    verdict::{Confidence, Reclaim, Risk, Verdict},
    vm::{MissingFile, Vm, VmProblem},
};

/// Name and version of this form.
pub const SCHEMA: &str = "derelict/report/1";

/// What derelict says of one scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Report")]
pub struct Report<A = Vec<ArtifactReport>> {
    /// `derelict/report/1`.
    pub schema: String,
    /// When the report was made; `--as-of` sets it.
    pub generated: Timestamp,
    /// Ages are judged as of this time.
    pub as_of: Timestamp,
    /// Milliseconds from the start of the run to this report; `null` where `--as-of` makes it repeatable, and where no
    /// run but a library made it.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    /// The program.
    pub tool: Tool,
    /// What was and was not seen.
    pub coverage: Coverage,
    /// Sums.
    pub summary: Summary,
    /// VMs, registered or found on disk, sorted by name and id.
    pub vms: Vec<Vm>,
    /// One entry for each artifact, sorted by path.
    pub artifacts: A,
    /// Artifacts of one VM or chain with one verdict, sorted by id.
    pub groups: Vec<Group>,
    /// Ghosts, broken chains, mismatches; sorted by severity, code and subject.
    pub problems: Vec<Problem>,
    /// What `--accept` says, in the order of its file, expired or not.
    #[serde(default)]
    pub accepted: Vec<Acceptance>,
    /// What another tool calls nobody's, held against the verdicts, both ways; sorted by agreement and path.
    #[serde(default)]
    pub second_opinions: Vec<SecondOpinion>,
    /// What backups cover; `null` when no list of a backup product was given.
    #[serde(default)]
    pub backups: Option<BackupReport>,
}

impl<A: Artifacts> Report<A> {
    /// The report with all of its artifacts in memory.
    pub fn listed(self) -> Report {
        self.with_artifacts(|artifacts| artifacts.all().map(Cow::into_owned).collect())
    }
}

impl<A> Report<A> {
    /// The report with its artifacts in another form.
    pub(crate) fn with_artifacts<B>(self, other: impl FnOnce(A) -> B) -> Report<B> {
        Report {
            artifacts: other(self.artifacts),
            schema: self.schema,
            generated: self.generated,
            as_of: self.as_of,
            duration_ms: self.duration_ms,
            tool: self.tool,
            coverage: self.coverage,
            summary: self.summary,
            vms: self.vms,
            groups: self.groups,
            problems: self.problems,
            accepted: self.accepted,
            second_opinions: self.second_opinions,
            backups: self.backups,
        }
    }
}

/// Name and version of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `derelict`.
    pub name: String,
    /// Its version.
    pub version: String,
}
