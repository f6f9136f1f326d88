//! The second opinion: what another tool calls nobody's, held against what derelict says, both ways (traps-vmware,
//! *Consequences*, 6). It is shown and decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    files::NodeId,
    judge::{Judge, Judgement},
    resolve::Target,
    signs::source_of,
};
use crate::{
    inventory::ForeignFinding,
    kind::Kind,
    path::fold,
    raw::RawPath,
    report::model::{Agreement, SecondOpinion, Verdict},
};

/// The opinions of a report, and those about each file.
#[derive(Debug, Default)]
pub(crate) struct Opinions {
    /// All, sorted.
    pub(crate) all: Vec<SecondOpinion>,
    /// By file, their places in the list.
    pub(crate) of_file: BTreeMap<NodeId, Vec<usize>>,
}

/// An opinion and the file that it is about.
type Held = (SecondOpinion, Option<NodeId>);

impl Opinions {
    /// Holds the findings of the inventories against the verdicts.
    pub(crate) fn new(judge: &Judge<'_>, judged: &[Option<Judgement>]) -> Self {
        let mut held: Vec<Held> = Vec::new();
        for (index, inventory) in judge.world.inventories.iter().enumerate() {
            let findings = inventory.observations.findings.iter().filter(|found| is_orphan(found));
            let findings: Vec<&ForeignFinding> = findings.collect();
            let mut named = BTreeSet::new();
            for finding in &findings {
                let target = judge.world.resolver.listed(index, None, &finding.path);
                let nodes: Vec<NodeId> = match &target {
                    Target::Files(files) => files.iter().map(|&(node, _)| node).collect(),
                    _ => Vec::new(),
                };
                named.extend(nodes.iter().map(|&node| judge.world.files.first_name[node]));
                let source = format!("{}, {}", inventory.source, finding.row);
                held.push(opinion(judge, judged, finding, source, &target, nodes.first().copied()));
            }
            if !findings.is_empty() {
                held.extend(silent(judge, judged, index, &named));
            }
        }
        held.sort_by(|(a, _), (b, _)| (a.agreement, &a.path, &a.source).cmp(&(b.agreement, &b.path, &b.source)));
        held.dedup();
        let mut opinions = Self::default();
        for (place, (opinion, node)) in held.into_iter().enumerate() {
            if let Some(node) = node {
                opinions.of_file.entry(node).or_default().push(place);
            }
            opinions.all.push(opinion);
        }
        opinions
    }
}

/// RVTools writes `Zombie` in varying forms; its other findings are no opinion about owners.
fn is_orphan(finding: &ForeignFinding) -> bool {
    fold(&finding.kind).contains("zombie") || fold(&finding.message).contains("zombie")
}

fn opinion(
    judge: &Judge<'_>,
    judged: &[Option<Judgement>],
    finding: &ForeignFinding,
    source: String,
    target: &Target,
    node: Option<NodeId>,
) -> Held {
    let judgement = node.and_then(|node| Some(judge.told(node, judged[node].as_ref()?)));
    let judgement = judgement.as_deref();
    let (agreement, why) = match (judgement, target) {
        (Some(judgement), _) => (agreement(judgement.verdict), why(judgement)),
        (None, Target::Missing { .. }) => (Agreement::Unknown, "the file is not there any more".to_owned()),
        (None, Target::Files(_)) => (Agreement::Unknown, "the file is no artifact of a VM".to_owned()),
        _ => (Agreement::Unknown, "its place was not scanned".to_owned()),
    };
    let message = finding.message.trim();
    let said = [finding.kind.trim(), message]
        .into_iter()
        .filter(|text| !text.is_empty());
    let opinion = SecondOpinion {
        source,
        path: RawPath::from(finding.path.as_str()),
        opinion: Some(said.collect::<Vec<_>>().join(": ")),
        artifact: node.map(|node| path_of(judge, node)),
        verdict: judgement.map(|judgement| judgement.verdict),
        class: judgement.and_then(|judgement| judgement.class),
        agreement,
        why,
    };
    (opinion, node)
}

/// Disks that derelict calls orphaned and that a list of orphans which speaks of their datastore does not name.
fn silent(judge: &Judge<'_>, judged: &[Option<Judgement>], inventory: usize, named: &BTreeSet<NodeId>) -> Vec<Held> {
    let is_missed = |&node: &NodeId| {
        let file = judge.world.files.nodes[node];
        let is_whole = matches!(file.kind(), Kind::VmdkDescriptor | Kind::VmdkSparse | Kind::VmdkStream);
        is_whole
            && judge.coverage.roots[file.entry.root].inventories.contains(&inventory)
            && !named.contains(&judge.world.files.first_name[node])
            && judged[node]
                .as_ref()
                .is_some_and(|judgement| judgement.verdict == Verdict::Orphaned)
    };
    let missed = (0..judged.len()).filter(is_missed);
    let opinions = missed.filter_map(|node| {
        let judgement = judged[node].as_ref()?;
        let opinion = SecondOpinion {
            source: judge.world.inventories[inventory].source.clone(),
            path: RawPath::from(source_of(judge.world.files, node, None).as_str()),
            opinion: None,
            artifact: Some(path_of(judge, node)),
            verdict: Some(judgement.verdict),
            class: judgement.class,
            agreement: Agreement::Disagrees,
            why: format!("its list of orphans does not name it; {}", why(judgement)),
        };
        Some((opinion, Some(node)))
    });
    opinions.collect()
}

fn agreement(verdict: Verdict) -> Agreement {
    match verdict {
        Verdict::Orphaned | Verdict::Unregistered => Agreement::Agrees,
        Verdict::Unknown => Agreement::Unknown,
        Verdict::Owned | Verdict::Service | Verdict::System | Verdict::InUse => Agreement::Disagrees,
    }
}

/// The reasons that decide, in one sentence.
fn why(judgement: &Judgement) -> String {
    const REASONS: usize = 2;
    let reasons: Vec<&str> = judgement
        .reasons
        .iter()
        .map(|reason| reason.text.as_str())
        .take(REASONS)
        .collect();
    reasons.join("; ")
}

fn path_of(judge: &Judge<'_>, node: NodeId) -> RawPath {
    let entry = judge.world.files.nodes[node].entry;
    judge.catalogue.roots[entry.root].path.join(entry.path.as_bytes())
}
