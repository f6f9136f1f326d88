//! The report of what was read where nobody waits for a judgement: every artifact is `unknown`, and nothing else is said of any.
//!
//! It has to be written within a moment, so facts, references and VMs stand in no such report.

use std::{borrow::Cow, io};

use rayon::{
    iter::ParallelIterator,
    slice::{ParallelSlice, ParallelSliceMut},
};

use super::{
    Options,
    assemble::{self, RootKnown, cmp_paths},
    identity::name_unasked,
    same_file::later_names,
};
use crate::{
    catalogue::{Artifact, Catalogue, RootRecord},
    facts::Facts,
    in_order::write_in_order,
    inventory::Inventory,
    raw::RawPath,
    report::{
        codes::{Class, ReasonCode},
        model::{
            ArtifactReport, Artifacts, Cover, Coverage, Gap, Identity, Reason, Reclaim, Report, RootReport, SCHEMA,
            Sum, Summary, Verdict, Weight,
        },
        show,
    },
};

const WHY: &str = "interrupted before it was judged";
const SETTLES: &str = "a run to its end";
const VERDICT: Verdict = Verdict::Unknown;
const CLASS: Class = Class::Interrupted;
const RECLAIM: Reclaim = Reclaim::Never;

/// Lists what a catalogue holds.
pub fn unjudged<'a>(catalogue: &'a Catalogue, inventories: &[Inventory], options: &Options) -> Report<Unjudged<'a>> {
    let artifacts = Unjudged::new(catalogue);
    let (summary, total) = artifacts.sums();
    Report {
        schema: SCHEMA.to_owned(),
        generated: options.as_of,
        as_of: options.as_of,
        duration_ms: None,
        tool: assemble::tool(),
        coverage: artifacts.coverage(inventories, options, total),
        summary,
        vms: Vec::new(),
        artifacts,
        groups: Vec::new(),
        problems: Vec::new(),
        accepted: options.accepted.report(options.as_of),
        second_opinions: Vec::new(),
        backups: None,
    }
}

/// The artifacts of a catalogue in the order of their paths, each made when it is asked for.
#[derive(Debug)]
pub struct Unjudged<'a> {
    catalogue: &'a Catalogue,
    /// What to call the datastore of each root.
    datastores: Vec<String>,
    sorted: Vec<&'a Artifact>,
}

impl<'a> Unjudged<'a> {
    fn new(catalogue: &'a Catalogue) -> Self {
        let mut sorted: Vec<&Artifact> = catalogue.artifacts.iter().collect();
        // The catalogue is sorted by roots, which are mostly given in their order.
        let is_sorted = |pair: &[&Artifact]| cmp_paths(catalogue, &pair[0].entry, &pair[1].entry).is_lt();
        if !sorted.par_windows(2).all(is_sorted) {
            sorted.par_sort_by(|a, b| cmp_paths(catalogue, &a.entry, &b.entry));
            // Where one root lies in another a file has one entry.
            sorted.dedup_by(|later, first| cmp_paths(catalogue, &later.entry, &first.entry).is_eq());
        }
        Self {
            catalogue,
            datastores: catalogue.roots.iter().map(name_unasked).collect(),
            sorted,
        }
    }

    /// The sums of each datastore, and of all; a file with several names counts once, as far as its inode tells.
    fn sums(&self) -> (Summary, Sum) {
        let mut of_roots = vec![Sum::default(); self.datastores.len()];
        let is_later = later_names(self.catalogue, &self.sorted);
        for (artifact, _) in self.sorted.iter().zip(is_later).filter(|(_, is_later)| !is_later) {
            let entry = &artifact.entry;
            let allocated = entry.allocated.unwrap_or(entry.length);
            of_roots[entry.root].add(Sum::of(VERDICT, RECLAIM, None, entry.length, allocated));
        }
        let mut summary = Summary::empty();
        let mut total = Sum::default();
        for (datastore, sum) in self.datastores.iter().zip(of_roots) {
            summary.datastores.entry(datastore.clone()).or_default();
            if sum.files > 0 {
                total.add(sum);
                summary.add_sum(VERDICT, Some(CLASS), datastore, sum);
            }
        }
        (summary, total)
    }

    fn coverage(&self, inventories: &[Inventory], options: &Options, total: Sum) -> Coverage {
        let mut issues = assemble::issues(self.catalogue, options);
        assemble::sort_issues(&mut issues);
        let gap = self.gap(total);
        Coverage {
            complete: false,
            assume_complete: options.assume_complete,
            roots: self.roots(),
            issues,
            inventories: assemble::inventories(inventories),
            gaps: vec![show::gap(&gap)],
            gap_details: vec![gap],
        }
    }

    fn gap(&self, total: Sum) -> Gap {
        let mut datastores = self.datastores.clone();
        datastores.sort();
        datastores.dedup();
        Gap {
            code: ReasonCode::Interrupted,
            text: "the run was interrupted before what was read could be judged: no VM, no owner and no reference was looked at, \
                   and what was read of each file is left out; run it again to its end, or let `collect` keep what it reads and \
                   `report` judge that"
                .to_owned(),
            datastores,
            caps: true,
            files: total.files,
            allocated_bytes: total.allocated_bytes,
        }
    }

    fn roots(&self) -> Vec<RootReport> {
        let mut artifacts = vec![0; self.catalogue.roots.len()];
        for artifact in &self.sorted {
            artifacts[artifact.entry.root] += 1;
        }
        let roots = self.catalogue.roots.iter().zip(&self.datastores).zip(artifacts);
        roots
            .map(|((record, datastore), artifacts)| {
                assemble::root_report(record, &unasked(record, datastore), artifacts)
            })
            .collect()
    }

    fn root(&self, artifact: &Artifact) -> &'a RootRecord {
        &self.catalogue.roots[artifact.entry.root]
    }

    fn datastore(&self, artifact: &Artifact) -> &str {
        &self.datastores[artifact.entry.root]
    }

    fn path(&self, artifact: &Artifact) -> RawPath {
        self.root(artifact).path.join(artifact.entry.path.as_bytes())
    }

    fn told(&self, artifact: &Artifact) -> ArtifactReport {
        let entry = &artifact.entry;
        ArtifactReport {
            path: self.path(artifact),
            root: self.root(artifact).path.clone(),
            relative_path: entry.path.clone(),
            datastore: self.datastore(artifact).to_owned(),
            kind: artifact.kind,
            kind_basis: artifact.basis,
            verdict: VERDICT,
            class: Some(CLASS),
            confidence: None,
            reclaim: RECLAIM,
            risk: None,
            group: None,
            owners: Vec::new(),
            apparent_bytes: entry.length,
            allocated_bytes: entry.allocated,
            virtual_bytes: artifact.evidence.disk.as_ref().and_then(|disk| disk.virtual_bytes),
            modified: entry.modified,
            referenced_by: Vec::new(),
            references: Vec::new(),
            reasons: vec![Reason {
                code: ReasonCode::Interrupted,
                text: WHY.to_owned(),
                source: None,
                weight: Weight::For,
                settles: Some(SETTLES.to_owned()),
            }],
            facts: Facts::NONE,
            blake3: artifact.blake3.clone(),
            accepted: None,
        }
    }
}

/// What is known of a root of which nobody has looked which datastore it is and who knows it.
fn unasked<'a>(record: &'a RootRecord, datastore: &'a str) -> RootKnown<'a> {
    let (identity, basis) = if record.aliases.is_empty() {
        (Identity::Unknown, WHY)
    } else {
        (Identity::Given, "aliases given")
    };
    RootKnown {
        datastore,
        aliases: &record.aliases,
        identity,
        basis,
        cover: Cover::None,
    }
}

impl Artifacts for Unjudged<'_> {
    fn count(&self) -> usize {
        self.sorted.len()
    }

    fn with(&self, wanted: impl Fn(Verdict) -> bool) -> impl Iterator<Item = Cow<'_, ArtifactReport>> {
        let found = if wanted(VERDICT) { self.sorted.as_slice() } else { &[] };
        found.iter().map(|artifact| Cow::Owned(self.told(artifact)))
    }

    fn write_each(
        &self,
        render: impl Fn(&ArtifactReport, &mut Vec<u8>) -> io::Result<()> + Sync,
        write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let told = |artifact: &&Artifact, text: &mut Vec<u8>| render(&self.told(artifact), text);
        write_in_order(&self.sorted, told, write)
    }

    fn paths(&self) -> impl Iterator<Item = Cow<'_, RawPath>> {
        self.sorted.iter().map(|artifact| Cow::Owned(self.path(artifact)))
    }

    fn at(&self, place: usize) -> Option<Cow<'_, ArtifactReport>> {
        Some(Cow::Owned(self.told(self.sorted.get(place)?)))
    }

    fn path_at(&self, place: usize) -> Option<Cow<'_, RawPath>> {
        Some(Cow::Owned(self.path(self.sorted.get(place)?)))
    }

    fn verdict_at(&self, place: usize) -> Option<Verdict> {
        self.sorted.get(place).map(|_| VERDICT)
    }

    fn keep(&mut self, mut wanted: impl FnMut(&ArtifactReport) -> bool) {
        let kept = std::mem::take(&mut self.sorted).into_iter();
        self.sorted = kept.filter(|artifact| wanted(&self.told(artifact))).collect();
    }
}
