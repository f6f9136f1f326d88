//! Sums over files, each file once however many names it has.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ArtifactReport, Reclaim, Risk, Verdict};
use crate::report::codes::Class;

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
    /// One file: its length, and its blocks or what stands in for them. What risks data is in no sum of what can be reclaimed.
    pub fn of(verdict: Verdict, reclaim: Reclaim, risk: Option<Risk>, length: u64, allocated: u64) -> Self {
        let counts = verdict.is_nobodys() && risk.is_none();
        let graded = |grade| if counts && reclaim == grade { allocated } else { 0 };
        Self {
            files: 1,
            apparent_bytes: length,
            allocated_bytes: allocated,
            reclaimable_bytes: graded(Reclaim::Candidate),
            review_bytes: graded(Reclaim::Review),
        }
    }

    /// Counts more files. The caller sees to it that a file with several names is counted once.
    pub fn add(&mut self, more: Self) {
        self.files = self.files.saturating_add(more.files);
        self.apparent_bytes = self.apparent_bytes.saturating_add(more.apparent_bytes);
        self.allocated_bytes = self.allocated_bytes.saturating_add(more.allocated_bytes);
        self.reclaimable_bytes = self.reclaimable_bytes.saturating_add(more.reclaimable_bytes);
        self.review_bytes = self.review_bytes.saturating_add(more.review_bytes);
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
        let sum = Sum::of(
            artifact.verdict,
            artifact.reclaim,
            artifact.risk,
            artifact.apparent_bytes,
            artifact.allocated_or_length(),
        );
        if artifact.accepted.is_some() {
            self.accepted.add(sum);
        } else {
            self.add_sum(artifact.verdict, artifact.class, &artifact.datastore, sum);
        }
    }

    /// Counts files of one verdict and class on one datastore, which nobody has accepted.
    pub fn add_sum(&mut self, verdict: Verdict, class: Option<Class>, datastore: &str, sum: Sum) {
        let verdict = verdict.name();
        self.reclaimable_bytes = self.reclaimable_bytes.saturating_add(sum.reclaimable_bytes);
        self.review_bytes = self.review_bytes.saturating_add(sum.review_bytes);
        self.verdicts.entry(verdict.to_owned()).or_default().add(sum);
        if let Some(class) = class {
            let key = format!("{verdict}/{}", class.name());
            self.classes.entry(key.clone()).or_default().add(sum);
            let of_datastore = self.datastore_classes.entry(datastore.to_owned()).or_default();
            of_datastore.entry(key).or_default().add(sum);
        }
        let of_datastore = self.datastores.entry(datastore.to_owned()).or_default();
        of_datastore.entry(verdict.to_owned()).or_default().add(sum);
    }
}
