//! The artifacts of a report, in memory or not.

use std::{borrow::Cow, io};

use super::{ArtifactReport, Verdict};
use crate::{in_order::write_in_order, raw::RawPath};

/// The artifacts of a report in their order: a list of them, or what makes each when it is asked for. A large site has
/// millions, and a writer needs one at a time.
pub trait Artifacts: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// Those with some verdicts, in order.
    fn with(&self, wanted: impl Fn(Verdict) -> bool) -> impl Iterator<Item = Cow<'_, ArtifactReport>>;

    /// All, in order.
    fn all(&self) -> impl Iterator<Item = Cow<'_, ArtifactReport>> {
        self.with(|_| true)
    }

    /// Hands the texts of all to `write`, in order; `render` adds that of one to what is there, on several threads.
    ///
    /// # Errors
    /// When one of the two fails.
    fn write_each(
        &self,
        render: impl Fn(&ArtifactReport, &mut Vec<u8>) -> io::Result<()> + Sync,
        write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()>;

    /// The paths of all, in order.
    fn paths(&self) -> impl Iterator<Item = Cow<'_, RawPath>>;

    /// The one at a place.
    fn at(&self, place: usize) -> Option<Cow<'_, ArtifactReport>>;

    /// The path of the one at a place, without making the rest of it.
    fn path_at(&self, place: usize) -> Option<Cow<'_, RawPath>>;

    /// The verdict of the one at a place, without making the rest of it.
    fn verdict_at(&self, place: usize) -> Option<Verdict>;

    /// Takes out all others.
    fn keep(&mut self, wanted: impl FnMut(&ArtifactReport) -> bool);
}

impl Artifacts for Vec<ArtifactReport> {
    fn count(&self) -> usize {
        self.len()
    }

    fn with(&self, wanted: impl Fn(Verdict) -> bool) -> impl Iterator<Item = Cow<'_, ArtifactReport>> {
        let found = self.iter().filter(move |artifact| wanted(artifact.verdict));
        found.map(Cow::Borrowed)
    }

    fn write_each(
        &self,
        render: impl Fn(&ArtifactReport, &mut Vec<u8>) -> io::Result<()> + Sync,
        write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        write_in_order(self, render, write)
    }

    fn paths(&self) -> impl Iterator<Item = Cow<'_, RawPath>> {
        self.iter().map(|artifact| Cow::Borrowed(&artifact.path))
    }

    fn at(&self, place: usize) -> Option<Cow<'_, ArtifactReport>> {
        self.get(place).map(Cow::Borrowed)
    }

    fn path_at(&self, place: usize) -> Option<Cow<'_, RawPath>> {
        Some(Cow::Borrowed(&self.get(place)?.path))
    }

    fn verdict_at(&self, place: usize) -> Option<Verdict> {
        Some(self.get(place)?.verdict)
    }

    fn keep(&mut self, wanted: impl FnMut(&ArtifactReport) -> bool) {
        self.retain(wanted);
    }
}
