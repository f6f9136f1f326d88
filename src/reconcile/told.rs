//! The artifacts of a report, each made when it is asked for: a large site has a million, and all their sentences together
//! would take more memory than everything that they are made of.

use std::{borrow::Cow, io};

use foldhash::{HashMap, HashSet};
use rayon::{
    iter::{IntoParallelRefIterator, ParallelIterator},
    slice::ParallelSliceMut,
};

use super::{assemble::Maker, files::NodeId, groups::Groups};
use crate::{
    in_order::write_in_order,
    raw::RawPath,
    report::model::{ArtifactReport, Artifacts, Verdict},
};

/// Artifacts that are made at once, by several threads.
const CHUNK: usize = 4096;

/// The artifacts of a report, in order.
pub struct Told<'a> {
    maker: &'a Maker<'a>,
    groups: &'a Groups,
    /// The files, sorted by path.
    nodes: Vec<NodeId>,
    /// Files that somebody has accepted, with the place of what says so.
    pub(super) accepted: HashMap<NodeId, usize>,
}

impl<'a> Told<'a> {
    pub(super) fn new(maker: &'a Maker<'a>, groups: &'a Groups) -> Self {
        // Where one root lies in another a file has one entry, with the better protected verdict.
        let mut nodes: Vec<(NodeId, Verdict)> = maker
            .reported()
            .map(|(node, judgement)| (node, judgement.verdict))
            .collect();
        nodes.par_sort_by(|a, b| maker.cmp_paths(a.0, b.0).then(a.1.cmp(&b.1)));
        nodes.dedup_by(|later, first| maker.cmp_paths(later.0, first.0).is_eq());
        Self {
            maker,
            groups,
            nodes: nodes.into_iter().map(|(node, _)| node).collect(),
            accepted: HashMap::default(),
        }
    }

    /// For each group, by its place, whether all of its artifacts are accepted.
    pub(super) fn accepted_groups(&self) -> HashSet<usize> {
        let group = |node: &NodeId| self.groups.place_of(*node);
        let accepted = self.nodes.iter().filter(|node| self.accepted.contains_key(node));
        let mut groups: HashSet<usize> = accepted.filter_map(group).collect();
        if !groups.is_empty() {
            let open = self.nodes.iter().filter(|node| !self.accepted.contains_key(node));
            for group in open.filter_map(group) {
                groups.remove(&group);
            }
        }
        groups
    }

    fn artifact(&self, node: NodeId) -> Option<ArtifactReport> {
        let judgement = self.maker.judged[node].as_ref()?;
        let mut artifact = self.maker.artifact(node, judgement, self.groups);
        artifact.accepted = self.accepted.get(&node).copied();
        Some(artifact)
    }

    fn verdict(&self, node: NodeId) -> Option<Verdict> {
        Some(self.maker.judged[node].as_ref()?.verdict)
    }

    /// Some of the artifacts, a chunk at a time.
    fn made(&self, nodes: impl Iterator<Item = NodeId>) -> impl Iterator<Item = ArtifactReport> {
        let mut nodes = nodes.peekable();
        let chunks = std::iter::from_fn(move || {
            nodes.peek()?;
            let chunk: Vec<NodeId> = nodes.by_ref().take(CHUNK).collect();
            let made = chunk.par_iter().filter_map(|&node| self.artifact(node));
            Some(made.collect::<Vec<_>>())
        });
        chunks.flatten()
    }
}

impl std::fmt::Debug for Told<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Told")
            .field("nodes", &self.nodes.len())
            .finish()
    }
}

impl Artifacts for Told<'_> {
    fn count(&self) -> usize {
        self.nodes.len()
    }

    fn with(&self, wanted: impl Fn(Verdict) -> bool) -> impl Iterator<Item = Cow<'_, ArtifactReport>> {
        let nodes = self.nodes.iter().copied();
        let found = nodes.filter(move |&node| self.verdict(node).is_some_and(&wanted));
        self.made(found).map(Cow::Owned)
    }

    fn write_each(
        &self,
        render: impl Fn(&ArtifactReport, &mut Vec<u8>) -> io::Result<()> + Sync,
        write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let told = |&node: &NodeId, text: &mut Vec<u8>| match self.artifact(node) {
            Some(artifact) => render(&artifact, text),
            None => Ok(()),
        };
        write_in_order(&self.nodes, told, write)
    }

    fn paths(&self) -> impl Iterator<Item = Cow<'_, RawPath>> {
        self.nodes.iter().map(|&node| Cow::Owned(self.maker.path(node)))
    }

    fn at(&self, place: usize) -> Option<Cow<'_, ArtifactReport>> {
        Some(Cow::Owned(self.artifact(*self.nodes.get(place)?)?))
    }

    fn path_at(&self, place: usize) -> Option<Cow<'_, RawPath>> {
        Some(Cow::Owned(self.maker.path(*self.nodes.get(place)?)))
    }

    fn verdict_at(&self, place: usize) -> Option<Verdict> {
        self.verdict(*self.nodes.get(place)?)
    }

    fn keep(&mut self, mut wanted: impl FnMut(&ArtifactReport) -> bool) {
        let mut is_kept = self.made(self.nodes.iter().copied()).map(|artifact| wanted(&artifact));
        let kept = self.nodes.iter().copied().filter(|_| is_kept.next() == Some(true));
        let kept: Vec<NodeId> = kept.collect();
        drop(is_kept);
        self.nodes = kept;
    }
}
