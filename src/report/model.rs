//! The report `derelict/report/1`: the one model that every face is made from.
//!
//! Its JSON form is described by the schema that `derelict schema` prints, made from these types. Fields may be added,
//! none changed. Every field is always there, `null` or an empty list where it has no value; lists are sorted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::codes::{Class, ProblemCode, ReasonCode};
use crate::{
    catalogue::Stage,
    facts::Facts,
    inventory::InventoryKind,
    kind::{Basis, Kind, Platform, Role},
    raw::RawPath,
};

/// Name and version of this form.
pub const SCHEMA: &str = "derelict/report/1";

/// What derelict says of one scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
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
    pub artifacts: Vec<ArtifactReport>,
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

/// Name and version of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `derelict`.
    pub name: String,
    /// Its version.
    pub version: String,
}

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
    /// What is not known, each in one sentence with what would settle it.
    pub gaps: Vec<String>,
    /// The same gaps with their effect.
    pub gap_details: Vec<Gap>,
}

/// One root.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RootReport {
    /// As given.
    pub path: RawPath,
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
    pub why: crate::catalogue::SkipReason,
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

/// Files and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Sum {
    /// Files, each once however many names it has.
    pub files: u64,
    /// Lengths.
    pub apparent_bytes: u64,
    /// Blocks × 512; where the file system does not know them the length stands in.
    pub allocated_bytes: u64,
    /// Allocated bytes of the candidates among them.
    pub reclaimable_bytes: u64,
    /// Allocated bytes of those that could be reclaimed after review.
    pub review_bytes: u64,
}

impl Sum {
    /// Counts one file. The caller sees to it that a file with several names is counted once.
    pub fn add(&mut self, artifact: &ArtifactReport) {
        let allocated = artifact.allocated_or_length();
        self.files = self.files.saturating_add(1);
        self.apparent_bytes = self.apparent_bytes.saturating_add(artifact.apparent_bytes);
        self.allocated_bytes = self.allocated_bytes.saturating_add(allocated);
        if !matches!(artifact.verdict, Verdict::Orphaned | Verdict::Unregistered) || artifact.risk.is_some() {
            return;
        }
        match artifact.reclaim {
            Reclaim::Candidate => self.reclaimable_bytes = self.reclaimable_bytes.saturating_add(allocated),
            Reclaim::Review => self.review_bytes = self.review_bytes.saturating_add(allocated),
            Reclaim::Never => {}
        }
    }
}

/// Sums over the report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// By verdict; every verdict is there.
    pub verdicts: BTreeMap<String, Sum>,
    /// By `verdict/class`.
    pub classes: BTreeMap<String, Sum>,
    /// By datastore, then verdict.
    pub datastores: BTreeMap<String, BTreeMap<String, Sum>>,
    /// By datastore, then `verdict/class`.
    #[serde(default)]
    pub datastore_classes: BTreeMap<String, BTreeMap<String, Sum>>,
    /// Allocated bytes of candidates.
    pub reclaimable_bytes: u64,
    /// Allocated bytes of what could be reclaimed after review.
    pub review_bytes: u64,
    /// Orphaned and unregistered files that somebody has accepted; they are in no other sum.
    #[serde(default)]
    pub accepted: Sum,
    /// The expression of `--filter` that limits `artifacts` and `groups`. Sums, VMs, problems and coverage are whole.
    pub filter: Option<String>,
}

impl Summary {
    /// The sums with every verdict in them, and nothing counted yet.
    pub fn empty() -> Self {
        Self {
            verdicts: Verdict::ALL
                .iter()
                .map(|verdict| (verdict.name().to_owned(), Sum::default()))
                .collect(),
            ..Self::default()
        }
    }

    /// Counts one file everywhere. The caller sees to it that a file with several names is counted once.
    pub fn add(&mut self, artifact: &ArtifactReport) {
        if artifact.accepted.is_some() {
            self.accepted.add(artifact);
            return;
        }
        let verdict = artifact.verdict.name();
        let mut all = Sum::default();
        all.add(artifact);
        self.reclaimable_bytes = self.reclaimable_bytes.saturating_add(all.reclaimable_bytes);
        self.review_bytes = self.review_bytes.saturating_add(all.review_bytes);
        self.verdicts.entry(verdict.to_owned()).or_default().add(artifact);
        if let Some(class) = artifact.class {
            let key = format!("{verdict}/{}", class.name());
            self.classes.entry(key.clone()).or_default().add(artifact);
            self.datastore_classes
                .entry(artifact.datastore.clone())
                .or_default()
                .entry(key)
                .or_default()
                .add(artifact);
        }
        self.datastores
            .entry(artifact.datastore.clone())
            .or_default()
            .entry(verdict.to_owned())
            .or_default()
            .add(artifact);
    }
}

/// The seven verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Reached from a VM that an inventory registers.
    Owned,
    /// Belongs to something that is no VM.
    Service,
    /// The datastore's or the host's own.
    System,
    /// Nobody known owns it, but something uses it.
    InUse,
    /// Cannot be judged.
    Unknown,
    /// Belongs to a VM on disk that no covering inventory registers.
    Unregistered,
    /// Belongs to nobody.
    Orphaned,
}

impl Verdict {
    /// All, best protected first.
    pub const ALL: [Self; 7] = [
        Self::Owned,
        Self::Service,
        Self::System,
        Self::InUse,
        Self::Unknown,
        Self::Unregistered,
        Self::Orphaned,
    ];

    /// It is known what such a file is there for.
    pub fn is_explained(self) -> bool {
        matches!(self, Self::Owned | Self::Service | Self::System | Self::InUse)
    }

    /// The name in JSON and everywhere else.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owned => "owned",
            Self::Service => "service",
            Self::System => "system",
            Self::InUse => "in-use",
            Self::Unknown => "unknown",
            Self::Unregistered => "unregistered",
            Self::Orphaned => "orphaned",
        }
    }
}

/// How sure an `orphaned` or `unregistered` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Weak.
    Low,
    /// Something could not be checked.
    Medium,
    /// Every check that could have refuted it was possible and was made.
    High,
}

/// What may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reclaim {
    /// May be reclaimed.
    Candidate,
    /// Only after somebody has looked at what the reasons say.
    Review,
    /// Not to be reclaimed.
    Never,
}

/// What could be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// It may hold the only copy of data.
    DataLoss,
}

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
        matches!(self.verdict, Verdict::Orphaned | Verdict::Unregistered)
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
