//! Judge: exactly one verdict for each artifact, with its reasons.
//!
//! What an owner reaches is decided first (`owned`, `service`, `system`). For the rest a file's verdict is the best
//! protected of what it would be alone and of what the files that name it are: an extent follows its descriptor, a base
//! disk its best child, the files of an unregistered VM their configuration (traps-vmware, *How derelict answers*, 2 – 4).
//! Everything that says "nobody" passes through [`Judge::nobody`], the only place that can say `orphaned`.

mod access;
mod attribution;
mod capped;
mod follow;
mod held_back;
mod lost;
mod missed;
mod names;
mod nobody;
mod owned;
mod reasons;
mod service;
mod situation;
mod small_set;
mod tails;
mod unasked;
mod unregistered;
mod wanted;

use std::{borrow::Cow, collections::BTreeMap};

use foldhash::HashMap;
use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};

pub(crate) use self::{
    attribution::{Attribution, History, Homes, homes},
    missed::{MissedIds, missed_ids},
    owned::{TAKE_ANEW, export_and_time},
    service::{Awaited, REPLICA_STORE, awaited, match_rules},
    situation::{Stores, stores},
    small_set::SmallSet,
    tails::Tails,
    unasked::Unasked,
    wanted::Wanted,
};
use self::{names::known_stem, nobody::is_media, reasons::shown_verdict};
use crate::{
    catalogue::Catalogue,
    kind::{Kind, Platform, Role},
    path::fold,
    reconcile::{
        Options,
        arrivals::Arrivals,
        coverage::{Coverage, GapItem},
        files::{Files, Node, NodeId},
        identity::Identities,
        locks::Locks,
        own::{self, Owners, World},
        resolve::{Edge, Match, References},
        signs::{self, statement},
        told_children::ToldChildren,
        traces::Traces,
    },
    report::{
        codes::{Class, ReasonCode},
        model::{Confidence, Owner, Reason, Reclaim, Risk, Verdict, Weight},
    },
    rules::Rule,
};

/// What is said of one file.
#[derive(Debug, Clone)]
pub(crate) struct Judgement {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// Which situation.
    pub(crate) class: Option<Class>,
    /// For `orphaned` and `unregistered`.
    pub(crate) confidence: Option<Confidence>,
    /// What may be done.
    pub(crate) reclaim: Reclaim,
    /// What could be lost.
    pub(crate) risk: Option<Risk>,
    /// Whose it is. Of what a registered VM reaches this and the reasons are told when asked for ([`Judge::told`]): that is
    /// most of a site, and a million sentences need not lie in memory.
    pub(crate) owners: SmallSet<Owner>,
    /// Why; none as long as it is to be told.
    pub(crate) reasons: Vec<Reason>,
    /// The gaps that keep it `unknown`, by their place.
    pub(crate) gaps: SmallSet<usize>,
}

impl Judgement {
    pub(super) fn new(verdict: Verdict, class: Option<Class>, reasons: Vec<Reason>) -> Self {
        Self {
            verdict,
            class,
            confidence: None,
            reclaim: Reclaim::Never,
            risk: None,
            owners: SmallSet::default(),
            reasons,
            gaps: SmallSet::default(),
        }
    }

    pub(super) fn unknown(class: Class, reason: Reason) -> Self {
        Self::new(Verdict::Unknown, Some(class), vec![reason])
    }
}

/// Everything that a verdict is made of.
pub(crate) struct Judge<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) world: World<'a>,
    pub(crate) identities: &'a Identities,
    pub(crate) references: &'a References,
    pub(crate) owners: &'a Owners,
    pub(crate) locks: &'a Locks,
    pub(crate) traces: &'a Traces<'a>,
    pub(crate) coverage: &'a Coverage,
    pub(crate) options: &'a Options,
    /// For each file the rule that matches it.
    pub(crate) rules: &'a [Option<&'a Rule>],
    /// Files with a foreign extension behind a known one, by folder: stem and name.
    pub(crate) renamed: &'a Renamed<'a>,
    /// For each file whether it is reported.
    pub(crate) reported: &'a [bool],
    /// For each VM that is idle the days since anything of it was written.
    pub(crate) idle: &'a [Option<i64>],
    /// The VMs that inventories register as placeholders of SRM, by folded name; of one name the first.
    pub(crate) placeholders: &'a HashMap<String, usize>,
    /// What logs tell of the past of disks.
    pub(crate) history: &'a History,
    /// Where the registered VMs are at home.
    pub(crate) homes: &'a Homes,
    /// What registered VMs may want beside what they reach.
    pub(crate) wanted: &'a Wanted<'a>,
    /// Files that registered VMs of Hyper-V have at places tied to no root.
    pub(crate) tails: &'a Tails<'a>,
    /// Identities of disks that registered VMs miss.
    pub(crate) missed_ids: &'a MissedIds<'a>,
    /// Folders that look like the store of a product.
    pub(crate) stores: &'a Stores<'a>,
    /// VMs that wait for the first copy of their replication.
    pub(crate) awaited: &'a [Awaited],
    /// Snapshot lists of which nobody can say whose they are, with the configurations whose they may be.
    pub(crate) unclear_lists: &'a BTreeMap<NodeId, Vec<NodeId>>,
    /// Children of scanned disks that lists tell of.
    pub(crate) told_children: &'a ToldChildren,
    /// When files came to their places.
    pub(crate) arrivals: &'a Arrivals,
}

impl Judge<'_> {
    /// Judges every reported file; `None` where it is given up.
    pub(crate) fn run(&self) -> Option<Vec<Option<Judgement>>> {
        let count = self.world.files.nodes.len();
        let mut judged: Vec<Option<Judgement>> = (0..count)
            .into_par_iter()
            .map(|node| {
                self.options.go_on()?;
                self.reported[node].then(|| self.by_owner(node)).flatten()
            })
            .collect();
        self.options.go_on()?;
        for vm in self.owners.vms.iter().filter(|vm| !vm.is_registered()) {
            if let Some(config) = vm.config.filter(|&config| judged[config].is_none()) {
                judged[config] = Some(self.unregistered(vm, config));
            }
        }
        self.propagate(&mut judged)?;
        self.locks_follow(&mut judged);
        self.hard_links_follow(&mut judged);
        self.looks_follow(&mut judged);
        self.options.go_on()?;
        for (node, judgement) in judged.iter().enumerate() {
            debug_assert_eq!(
                judgement.is_some(),
                self.reported[node],
                "every reported file has a verdict, no other has one"
            );
        }
        Some(judged)
    }

    /// A judgement with its owners and reasons.
    pub(crate) fn told<'j>(&self, node: NodeId, judgement: &'j Judgement) -> Cow<'j, Judgement> {
        if judgement.reasons.is_empty() {
            Cow::Owned(self.told_owned(node, judgement.clone()))
        } else {
            Cow::Borrowed(judgement)
        }
    }

    /// Whose a file is, without why.
    pub(crate) fn owners_of<'j>(&self, node: NodeId, judgement: &'j Judgement) -> Cow<'j, SmallSet<Owner>> {
        if judgement.reasons.is_empty() {
            let vms = self.registered_owners(node).into_iter();
            Cow::Owned(vms.map(|vm| self.owners.vms[vm].owner()).collect())
        } else {
            Cow::Borrowed(&judgement.owners)
        }
    }

    /// The VM of a file that is owned by one alone, as most are.
    pub(crate) fn only_owner(&self, node: NodeId, judgement: &Judgement) -> Option<&own::OwnerVm> {
        let vms = self.owners.vms_of.get(node).into_iter().flatten();
        let mut vms = vms.map(|&vm| &self.owners.vms[vm]).filter(|vm| vm.is_registered());
        let first = vms.next()?;
        (judgement.reasons.is_empty() && vms.next().is_none()).then_some(first)
    }

    pub(super) fn file(&self, node: NodeId) -> Node<'_> {
        self.world.files.nodes[node]
    }

    pub(super) fn root(&self, node: NodeId) -> usize {
        self.file(node).entry.root
    }

    pub(super) fn path(&self, node: NodeId) -> String {
        self.file(node).entry.path.lossy().into_owned()
    }

    /// The path of a file as a reason about another one gives it: with its datastore where that is another.
    pub(super) fn path_beside(&self, node: NodeId, about: NodeId) -> String {
        let path = self.path(node);
        if self.root(node) == self.root(about) {
            return path;
        }
        format!("{path} on {}", self.identities.roots[self.root(node)].name)
    }

    /// Decides the rest: each file after all that name it.
    pub(super) fn propagate(&self, judged: &mut [Option<Judgement>]) -> Option<()> {
        let nodes = (0..judged.len()).into_par_iter();
        let is_open =
            |node: NodeId| self.reported[node] && judged[node].is_none() && self.file(node).kind() != Kind::VmLock;
        let open: Vec<bool> = nodes.clone().map(is_open).collect();
        let waits_for = |node: NodeId| self.namers(node).filter(|edge| open[edge.from]).count();
        let waiting = nodes.map(|node| if open[node] { waits_for(node) } else { 0 });
        let mut waiting: Vec<usize> = waiting.collect();
        let mut ready: Vec<NodeId> = (0..judged.len())
            .filter(|&node| open[node] && waiting[node] == 0)
            .collect();
        // None of those that are ready names another.
        while !ready.is_empty() {
            let decide = |&node: &NodeId| self.options.go_on().map(|()| self.decide(node, judged));
            let decided: Option<Vec<Judgement>> = ready.par_iter().map(decide).collect();
            for (&node, decided) in ready.iter().zip(decided?) {
                judged[node] = Some(decided);
            }
            let named = ready.iter().flat_map(|&node| self.references.of(node));
            let named = named.filter(|edge| open[edge.to] && own::is_owning(self.world.files, edge));
            let mut next = Vec::new();
            for edge in named {
                waiting[edge.to] -= 1;
                if waiting[edge.to] == 0 && judged[edge.to].is_none() {
                    next.push(edge.to);
                }
            }
            ready = next;
        }
        for node in (0..judged.len()).filter(|&node| open[node]) {
            if judged[node].is_none() {
                let text = "the disks name each other in a circle, or it hangs on such a circle: no owner can be told"
                    .to_owned();
                judged[node] = Some(Judgement::unknown(
                    Class::Damaged,
                    statement(ReasonCode::ChainCycle, text, None, Weight::For),
                ));
            }
        }
        Some(())
    }

    pub(super) fn namers(&self, node: NodeId) -> impl Iterator<Item = &Edge> {
        self.references
            .into(node)
            .filter(move |edge| edge.from != node && self.reported[edge.from] && own::is_owning(self.world.files, edge))
    }

    /// The best protected of what a file is alone and of what those that name it are.
    pub(super) fn decide(&self, node: NodeId, judged: &[Option<Judgement>]) -> Judgement {
        let mut best = self.alone(node);
        if is_media(self.file(node).kind()) {
            return best;
        }
        for edge in self.namers(node) {
            let Some(namer) = &judged[edge.from] else { continue };
            let transferred = self.transfer(edge, &self.told(edge.from, namer), node);
            let better = transferred.verdict < best.verdict;
            // A list or state that nobody needs says whose a disk was, not what may be done with it.
            let from = self.file(edge.from).kind();
            let is_trace =
                namer.verdict == Verdict::Orphaned && matches!(from, Kind::Vmsd | Kind::Vmsn | Kind::Vmss | Kind::Vmxf);
            let is_by_name = namer.verdict == Verdict::Orphaned && self.is_by_name_alone(edge);
            if (is_trace || is_by_name) && best.verdict == Verdict::Orphaned {
                let from = self.path_beside(edge.from, node);
                let text = if is_by_name {
                    format!("{from} bears its name and does not name it: a hint at its last owner")
                } else {
                    format!("{from} names it ({}): a hint at its last owner", edge.key)
                };
                let source = Some(self.path(edge.from));
                best.reasons
                    .push(statement(ReasonCode::LastOwnerHint, text, source, Weight::For));
                continue;
            }
            let same = transferred.verdict == best.verdict && edge.role != Role::Parent;
            if better || same {
                let mut owners = std::mem::take(&mut best.owners);
                owners.extend(transferred.owners.iter().cloned());
                best = Judgement { owners, ..transferred };
            } else if transferred.verdict == best.verdict {
                best.owners.extend(transferred.owners);
            }
        }
        if best.verdict == Verdict::Orphaned {
            self.protect_chains(node, &mut best);
        }
        // A list that grows has room for four at least, and there is one of every file.
        best.reasons.shrink_to_fit();
        best
    }

    /// The verdict of a file as seen from one that names it.
    pub(super) fn transfer(&self, edge: &Edge, namer: &Judgement, node: NodeId) -> Judgement {
        let from = self.path_beside(edge.from, node);
        let mut reason = statement(
            ReasonCode::FollowsArtifact,
            String::new(),
            Some(from.clone()),
            Weight::For,
        );
        if edge.role == Role::Parent && matches!(namer.verdict, Verdict::InUse | Verdict::Unknown) {
            let state = if namer.verdict == Verdict::InUse {
                "is in use"
            } else {
                "cannot be judged"
            };
            reason.code = ReasonCode::HasChildren;
            reason.text = format!("{from} depends on it and {state}");
            reason.settles = Some("a verdict on its children".to_owned());
            return Judgement {
                owners: namer.owners.clone(),
                ..Judgement::new(Verdict::InUse, Some(Class::HasChildren), vec![reason])
            };
        }
        reason.text = match edge.basis {
            Match::Companion => format!("it belongs to {from} by its name and shares its verdict"),
            Match::Place => format!("it belongs to {from} ({}) and shares its verdict", edge.key),
            _ => format!("{from} names it ({}) and is {}", edge.key, shown_verdict(namer)),
        };
        reason.text.push_str(OTHERS_FOLLOW);
        let mut judgement = Judgement {
            reasons: vec![reason],
            ..namer.clone()
        };
        judgement.reasons.extend(
            namer
                .reasons
                .iter()
                .filter(|reason| reason.code != ReasonCode::FollowsArtifact)
                .cloned(),
        );
        if self.file(node).kind() == Kind::VmdkRdm && judgement.verdict == Verdict::Orphaned {
            judgement.class = Some(Class::RdmPointer);
        }
        judgement
    }

    /// H-D8: a link of a chain is never a candidate; a delta newer than its parent may be the only copy.
    pub(super) fn protect_chains(&self, node: NodeId, judgement: &mut Judgement) {
        let unit = signs::unit(self.references, node);
        for parent in self.references.of(node).filter(|edge| edge.role == Role::Parent) {
            let base = signs::unit(self.references, parent.to);
            if signs::last_written(self.world.files, &unit) > signs::last_written(self.world.files, &base) {
                judgement.risk = Some(Risk::DataLoss);
                let text = format!(
                    "it was written after its parent {}: it may hold the only copy of the newest data",
                    self.path(parent.to)
                );
                let source = Some(self.path(parent.to));
                // It weighs more than what could not be checked.
                let place = judgement
                    .reasons
                    .iter()
                    .position(|reason| reason.weight == Weight::Against);
                judgement.reasons.insert(
                    place.unwrap_or(judgement.reasons.len()),
                    statement(ReasonCode::NewerThanParent, text, source, Weight::Against),
                );
            }
        }
        let has_children = self.references.into(node).any(|edge| edge.role == Role::Parent);
        if judgement.reclaim == Reclaim::Candidate && has_children {
            let text = "disks of nobody depend on it: it goes with all of them or not at all".to_owned();
            let reason = statement(ReasonCode::HasChildren, text, None, Weight::Against);
            judgement.reasons.push(reason);
        }
        if judgement.reclaim == Reclaim::Candidate && (has_children || judgement.risk.is_some()) {
            judgement.reclaim = Reclaim::Review;
        }
    }
}

/// Behind the reason why a file follows another: of which of the two the other reasons speak.
const OTHERS_FOLLOW: &str = "; the other reasons are those of that file";

/// Days without a write after which a VM that does not run is called idle: half a year, so that no seasonal use is missed.
const IDLE_DAYS: i64 = 183;

/// V12: registered VMs that do not run, that share no file with another, and of which nothing was written for long, with
/// the days since.
pub(crate) fn idle(world: World<'_>, owners: &Owners, options: &Options) -> Vec<Option<i64>> {
    let days = |vm: &own::OwnerVm| {
        let runs = |&(inventory, row): &(usize, usize)| {
            let state = world.inventories[inventory].vms[row].state.as_deref();
            state.is_none_or(|state| fold(state) == "poweredon")
        };
        let is_shared = |node: &NodeId| owners.vms_of.get(*node).is_some_and(|vms| vms.len() > 1);
        let is_off = vm.platform == Platform::Vmware && !vm.rows.is_empty() && !vm.rows.iter().any(runs);
        let files: Vec<NodeId> = vm.files.keys().copied().filter(|_| is_off).collect();
        if files.iter().any(is_shared) {
            return None;
        }
        let written = signs::last_written(world.files, &files)?;
        let days = options.as_of.duration_since(written).as_hours() / 24;
        (days > IDLE_DAYS).then_some(days)
    };
    owners.vms.iter().map(days).collect()
}

/// The VMs that inventories register as placeholders of SRM, by folded name; of one name the first.
pub(crate) fn placeholders(world: World<'_>, owners: &Owners) -> HashMap<String, usize> {
    let is_placeholder = |(_, vm): &(usize, &own::OwnerVm)| {
        let mut rows = vm.rows.iter();
        rows.any(|&(inventory, row)| world.inventories[inventory].vms[row].placeholder)
    };
    let mut placeholders = HashMap::default();
    for (index, vm) in owners.vms.iter().enumerate().filter(is_placeholder) {
        placeholders.entry(fold(&vm.name)).or_insert(index);
    }
    placeholders
}

/// Stems and names of suspicious files, by root and folder.
pub(crate) type Renamed<'a> = HashMap<(usize, &'a [u8]), Vec<(&'a str, &'a str)>>;

/// Files whose name has a foreign extension behind a known one (V61).
pub(crate) fn renamed<'a>(files: &'a Files<'a>) -> Renamed<'a> {
    let mut renamed = Renamed::default();
    for (id, node) in files.nodes.iter().enumerate() {
        if let Some((stem, suffix)) = known_stem(files.name(id))
            && !suffix.is_empty()
        {
            renamed
                .entry((node.entry.root, node.folder()))
                .or_default()
                .push((stem, files.name(id)));
        }
    }
    renamed
}

/// Files that a report lists: artifacts, and ordinary files that a reference or an inventory names or whose name is
/// suspicious.
pub(crate) fn reported(world: World<'_>, references: &References, owners: &Owners) -> Vec<bool> {
    (0..world.files.nodes.len())
        .map(|node| {
            let file = world.files.nodes[node];
            file.artifact.is_some()
                || owners.vms_of.contains_key(node)
                || owners.objects_of.contains_key(&node)
                || references
                    .into(node)
                    .any(|edge| own::is_owning(world.files, edge) && edge.basis != Match::Companion)
                || known_stem(world.files.name(node)).is_some_and(|(_, suffix)| !suffix.is_empty())
        })
        .collect()
}

/// The gaps of a set of judgements, for their effect.
pub(crate) fn effect_of<'a>(
    gaps: &'a [GapItem],
    judged: &[Option<Judgement>],
) -> impl Iterator<Item = (&'a GapItem, Vec<NodeId>)> {
    let mut nodes = vec![Vec::new(); gaps.len()];
    for (node, judgement) in judged.iter().enumerate() {
        for &gap in judgement.iter().flat_map(|judgement| judgement.gaps.iter()) {
            nodes[gap].push(node);
        }
    }
    gaps.iter().zip(nodes)
}
