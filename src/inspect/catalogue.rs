//! What a saved catalogue holds: its roots, what lies in them by kind, and what was not read.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use crate::{
    catalogue::{Catalogue, INCOMPLETE, Issue, RootRecord, SCHEMA, Stage},
    error::Result,
    kind::Kind,
    report::show,
};

/// What a saved catalogue holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CatalogueFacts {
    /// Of what form it is.
    pub schema: String,
    /// The run that wrote it came to its end; what it could not read stands among the issues all the same.
    pub complete: bool,
    /// The roots, in the order given.
    pub roots: Vec<RootFacts>,
    /// Ordinary files in folders that hold an artifact.
    pub bystanders: u64,
    /// Links, sockets, devices and FIFOs.
    pub specials: u64,
    /// What could not be read.
    pub issues: Vec<Issue>,
}

/// A root, and what lies in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RootFacts {
    /// Where it lies, and what was counted.
    #[serde(flatten)]
    pub root: RootRecord,
    /// Its artifacts by their kind.
    pub artifacts: BTreeMap<Kind, u64>,
    /// Artifacts that were looked at again.
    pub second_looks: u64,
}

impl CatalogueFacts {
    /// Reads a catalogue whole, as a report does.
    ///
    /// # Errors
    /// When it is damaged, or of another version.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let catalogue = Catalogue::load(path)?;
        let is_cut = |issue: &Issue| issue.stage == Stage::Catalogue && issue.error == INCOMPLETE;
        let mut roots: Vec<RootFacts> = catalogue.roots.into_iter().map(RootFacts::new).collect();
        for artifact in &catalogue.artifacts {
            if let Some(root) = roots.get_mut(artifact.entry.root) {
                let count = root.artifacts.entry(artifact.kind).or_default();
                *count = count.saturating_add(1);
                root.second_looks = root
                    .second_looks
                    .saturating_add(u64::from(artifact.second_look.is_some()));
            }
        }
        Ok(Self {
            schema: SCHEMA.to_owned(),
            complete: !catalogue.issues.iter().any(is_cut),
            roots,
            bystanders: show::number(catalogue.bystanders.len()),
            specials: show::number(catalogue.specials.len()),
            issues: catalogue.issues,
        })
    }
}

impl RootFacts {
    fn new(root: RootRecord) -> Self {
        Self {
            root,
            artifacts: BTreeMap::new(),
            second_looks: 0,
        }
    }
}
