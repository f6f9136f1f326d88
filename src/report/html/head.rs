//! What the first view needs beside the tables.

use serde::Serialize;
use serde_json::Value;

use super::{
    details::{CHUNK, Details},
    text::shown,
};
use crate::report::{
    codes::ProblemCode,
    model::{Agreement, Artifacts, Report, Vm},
    show,
};

/// The first of the elements.
#[derive(Serialize)]
pub(super) struct Head {
    generated: String,
    as_of: String,
    version: Value,
    /// The result in one sentence, and how sure it is in another.
    result: String,
    certainty: String,
    summary: Value,
    coverage: Value,
    problems: Value,
    /// What was accepted, each in a line.
    accepted: Vec<String>,
    /// What backups cover, each in a line; empty where no list of backups was given.
    backups: Vec<String>,
    /// How many second opinions agree, in words, and those that differ, each in a line.
    agreements: String,
    differing: Vec<String>,
    /// Number of artifacts, of VMs, and of ghosts among these.
    artifacts: usize,
    vms: usize,
    ghosts: usize,
    /// Artifacts of one element of details, and the number of such elements.
    chunk: usize,
    chunks: usize,
    /// The facts of files that belong to somebody were left out for the size of the page.
    facts_left_out: bool,
}

impl Head {
    pub(super) fn new(report: &Report<impl Artifacts>, details: &Details) -> Self {
        let certainty = [
            Some(show::certainty(report)),
            show::files_left_out(report, show::files_shown(report)),
        ];
        let opinions = report.second_opinions.iter();
        let differing = opinions.filter(|opinion| opinion.agreement == Agreement::Disagrees);
        Self {
            generated: report.generated.to_string(),
            as_of: report.as_of.to_string(),
            version: shown(&report.tool.version),
            result: show::result(report),
            certainty: certainty.into_iter().flatten().collect::<Vec<_>>().join(" "),
            summary: shown(&report.summary),
            coverage: shown(&report.coverage),
            problems: shown(&report.problems),
            accepted: report.accepted.iter().map(show::acceptance).collect(),
            backups: show::backups(report),
            agreements: show::agreements(&report.second_opinions),
            differing: differing.map(show::second_opinion).collect(),
            artifacts: report.artifacts.count(),
            vms: report.vms.len(),
            ghosts: report.vms.iter().filter(|vm| is_ghost(vm)).count(),
            chunk: CHUNK,
            chunks: details.chunks.len(),
            facts_left_out: details.facts_left_out,
        }
    }
}

fn is_ghost(vm: &Vm) -> bool {
    vm.problems.iter().any(|problem| problem.code == ProblemCode::Ghost)
}
