//! What only the view of one file needs: evidence, references, facts, a few hundred files at a time.

use std::{borrow::Cow, collections::HashMap, io};

use serde::Serialize;
use serde_json::Value;

use super::{pack, table, text::shown};
use crate::{
    in_order::in_order,
    kind::Role,
    raw::RawPath,
    report::{
        model::{ArtifactReport, Artifacts, Reason, Report, Resolved, Verdict},
        show,
    },
};

/// Artifacts of one element: few enough to be read while a view opens, enough for deflate to find what repeats.
pub(super) const CHUNK: usize = 512;
/// Elements that are packed at a time, by several threads.
const CHUNKS: usize = 64;
/// Bytes of all details in a page: a page that is sent by mail should stay below 15 MB.
const BYTES_MAX: usize = 11 << 20;

/// The elements of details.
pub(super) struct Details {
    /// Each packed.
    pub(super) chunks: Vec<Vec<u8>>,
    /// The facts of files that belong to somebody were left out for the size of the page.
    pub(super) facts_left_out: bool,
}

#[derive(Serialize)]
struct Detail<'a> {
    referenced_by: Vec<ReferencedBy>,
    references: Vec<Reference>,
    reasons: Vec<Value>,
    #[serde(skip_serializing_if = "Value::is_null")]
    facts: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    blake3: Option<&'a str>,
}

#[derive(Serialize)]
struct ReferencedBy {
    path: Place,
    role: Role,
}

#[derive(Serialize)]
struct Reference {
    path: Value,
    role: Role,
    resolved: Place,
}

/// A file of the list by its place there, another one by its path, or why there is none.
#[derive(Serialize)]
#[serde(untagged)]
enum Place {
    Listed(usize),
    Path { path: Value },
    Nowhere(Value),
}

impl Details {
    /// All details, with as many facts as the page has room for.
    pub(super) fn of(report: &Report<impl Artifacts>) -> io::Result<Self> {
        let all = Self::with(report, |_| true)?;
        if all.bytes() <= BYTES_MAX {
            return Ok(all);
        }
        let is_open = |artifact: &ArtifactReport| {
            !matches!(artifact.verdict, Verdict::Owned | Verdict::Service | Verdict::System)
        };
        let less = Self::with(report, is_open)?;
        Ok(Self {
            facts_left_out: true,
            ..less
        })
    }

    fn with(report: &Report<impl Artifacts>, has_facts: impl Fn(&ArtifactReport) -> bool + Sync) -> io::Result<Self> {
        let places = table::places(report);
        let shown = show::files_shown(report);
        let packed = |first: &usize| {
            let artifacts: Vec<_> = (*first..shown.min(first + CHUNK))
                .filter_map(|place| report.artifacts.at(place))
                .collect();
            let details = artifacts
                .iter()
                .map(|artifact| Detail::new(artifact, &places, has_facts(artifact)));
            pack(&details.collect::<Vec<_>>())
        };
        let firsts: Vec<usize> = (0..shown).step_by(CHUNK).collect();
        let mut chunks = Vec::new();
        in_order(
            &firsts,
            CHUNKS,
            |firsts| firsts.iter().map(packed).collect::<Vec<_>>(),
            |packed| {
                packed
                    .into_iter()
                    .try_for_each(|chunk| chunk.map(|chunk| chunks.push(chunk)))
            },
        )?;
        Ok(Self {
            chunks,
            facts_left_out: false,
        })
    }

    fn bytes(&self) -> usize {
        self.chunks.iter().map(Vec::len).sum()
    }
}

impl<'a> Detail<'a> {
    fn new(artifact: &'a ArtifactReport, places: &HashMap<Cow<'_, RawPath>, usize>, has_facts: bool) -> Self {
        let place = |path: &RawPath| match places.get(path) {
            Some(&place) => Place::Listed(place),
            None => Place::Path { path: shown(path) },
        };
        Self {
            referenced_by: artifact
                .referenced_by
                .iter()
                .map(|by| ReferencedBy {
                    path: place(&by.path),
                    role: by.role,
                })
                .collect(),
            references: artifact
                .references
                .iter()
                .map(|reference| Reference {
                    path: shown(&reference.path),
                    role: reference.role,
                    resolved: match &reference.resolved {
                        Resolved::Path(path) => place(path),
                        Resolved::None(why) => Place::Nowhere(shown(why)),
                    },
                })
                .collect(),
            reasons: artifact.reasons.iter().map(shown::<Reason>).collect(),
            facts: if has_facts { shown(&artifact.facts) } else { Value::Null },
            blake3: artifact.blake3.as_deref(),
        }
    }
}
