//! What stands in a saved catalogue, as JSON.

use std::borrow::Cow;

use derelict_parsers::Anomaly;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Artifact, Entry, FolderRecord, Issue, RootRecord, SecondLook, Special};
use crate::{
    evidence::Evidence,
    facts::Facts,
    kind::{Basis, Kind},
    raw::RawPath,
};

/// Name and version of the saved form.
pub const SCHEMA: &str = "derelict/catalogue/2";
/// What the schema of every version begins with.
pub(super) const SCHEMA_OF_ANY_VERSION: &str = "derelict/catalogue/";

/// What is known before anything is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    /// [`SCHEMA`].
    pub(super) schema: String,
    /// Version of derelict.
    pub(super) version: String,
    /// When the run began.
    pub(super) started: Timestamp,
    /// What was left out.
    pub(super) settings: Settings,
    /// The roots, in the order given; nothing is counted in them yet.
    pub(super) roots: Vec<RootRecord>,
}

impl Header {
    /// Takes over what roots say that gave no answer before. Gives those that did.
    pub(super) fn learn(&mut self, answers: &[(usize, RootRecord)]) -> Vec<(usize, RootRecord)> {
        let learns = |(root, answer): &&(usize, RootRecord)| {
            let record = self.roots.get_mut(*root);
            record.is_some_and(|record| record.learn(answer))
        };
        answers.iter().filter(learns).cloned().collect()
    }
}

/// What decides which places are entered: a run that goes on has to have the same.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Settings {
    /// The globs of `--exclude`.
    pub exclude: Vec<String>,
    /// `--cross-file-systems`.
    pub cross_file_systems: bool,
}

/// One line of a block.
///
/// What was found in a folder stands before the record of the folder, with nothing of another between: a folder without its
/// record is not done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Record<'a> {
    /// In the folder whose record comes next.
    Artifact(Cow<'a, Artifact>),
    /// In the folder whose record comes next.
    Bystander(Cow<'a, Entry>),
    /// In the folder whose record comes next.
    Special(Cow<'a, Special>),
    /// Of the folder whose record comes next.
    Issue(Cow<'a, Issue>),
    /// The folder is done.
    Folder(Cow<'a, FolderRecord>),
    /// Of a place that was given up.
    LateIssue(Cow<'a, Issue>),
    /// An artifact was looked at again.
    SecondLook(Cow<'a, LookRecord>),
    /// What follows was read by another run.
    Continued(Timestamp),
    /// A run came to its end, by itself or by its user: when.
    Ended(Timestamp),
    /// The root of this index, of which nothing was read before, gave an answer.
    Root(usize, Cow<'a, RootRecord>),
}

/// The second look at an artifact. The last one counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LookRecord {
    /// Index of its root.
    pub(super) root: usize,
    /// Path relative to the root.
    pub(super) path: RawPath,
    /// What was found.
    pub(super) look: SecondLook,
}

/// An [`Artifact`] as it is written, all in one object: what serde flattens it has to put aside first when it reads, and a
/// large catalogue has a million of these.
#[derive(Deserialize)]
pub(super) struct FlatArtifact {
    root: usize,
    path: RawPath,
    length: u64,
    allocated: Option<u64>,
    modified: Option<Timestamp>,
    changed: Option<Timestamp>,
    created: Option<Timestamp>,
    device: u64,
    inode: u64,
    links: u64,
    #[serde(default)]
    read_only: bool,
    kind: Kind,
    basis: Basis,
    facts: Facts,
    evidence: Evidence,
    anomalies: Vec<Anomaly>,
    #[serde(default)]
    blake3: Option<String>,
    #[serde(default)]
    second_look: Option<Box<SecondLook>>,
}

impl From<FlatArtifact> for Artifact {
    fn from(mut flat: FlatArtifact) -> Self {
        flat.facts.pack();
        flat.evidence.trim();
        flat.anomalies.shrink_to_fit();
        Self {
            entry: Entry {
                root: flat.root,
                path: flat.path,
                length: flat.length,
                allocated: flat.allocated,
                modified: flat.modified,
                changed: flat.changed,
                created: flat.created,
                device: flat.device,
                inode: flat.inode,
                links: flat.links,
                read_only: flat.read_only,
            },
            kind: flat.kind,
            basis: flat.basis,
            facts: flat.facts,
            evidence: flat.evidence,
            anomalies: flat.anomalies,
            blake3: flat.blake3,
            second_look: flat.second_look,
        }
    }
}
