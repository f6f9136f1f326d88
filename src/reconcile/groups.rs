//! Groups: what a reader takes for one finding. The artifacts of one owner with one verdict; of those without owner the chain
//! that references tie together, with what else is left of the same VM ([`leftovers`]).

use foldhash::HashMap;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::{
    assemble::Maker,
    files::NodeId,
    judge::{Attribution, Judgement},
    leftovers, own, signs,
};
use crate::{
    kind::Kind,
    raw::RawPath,
    report::{
        codes::Class,
        model::{Group, OwnerBasis, OwnerKind},
    },
};

/// Artifacts of one owner, or of one chain, with one verdict.
pub(super) struct Groups {
    /// Their ids and members, sorted by id.
    all: Vec<(String, Vec<NodeId>)>,
    /// For each file its group, by its place.
    of: Vec<Option<usize>>,
}

impl Groups {
    /// `None` where it is given up.
    pub(super) fn new(maker: &Maker<'_>) -> Option<Self> {
        let options = maker.judge.options;
        let chains = chains(maker);
        let mut members: HashMap<String, Vec<NodeId>> = HashMap::default();
        for (node, judgement) in maker.reported() {
            options.go_on()?;
            let verdict = judgement.verdict.name();
            let key = match maker.first_owner(node, judgement) {
                Some(owner) if owner.kind == OwnerKind::Vm => format!("vm:{}/{verdict}", owner.id),
                Some(owner) => format!(
                    "{}:{}/{}",
                    owner_kind(owner.kind),
                    owner.id,
                    maker.datastore(maker.judge.world.files.nodes[node].entry.root)
                ),
                None => format!("chain:{}/{verdict}", maker.path(chains[node]).escaped()),
            };
            members.entry(key).or_default().push(node);
        }
        let mut all: Vec<(String, Vec<NodeId>)> = members.into_iter().collect();
        all.sort_unstable();
        let mut of = vec![None; maker.judged.len()];
        for (place, (_, nodes)) in all.iter().enumerate() {
            for &node in nodes {
                of[node] = Some(place);
            }
        }
        Some(Self { all, of })
    }

    pub(super) fn place_of(&self, node: NodeId) -> Option<usize> {
        self.of[node]
    }

    pub(super) fn id_of(&self, node: NodeId) -> Option<String> {
        Some(self.all[self.of[node]?].0.clone())
    }

    /// All in the order of their ids, which is that of their places.
    pub(super) fn report(&self, maker: &Maker<'_>, shown: &[bool]) -> Vec<Group> {
        let groups = self.all.par_iter();
        groups
            .filter_map(|(id, nodes)| {
                maker.judge.options.go_on()?;
                group(maker, id, nodes, shown)
            })
            .collect()
    }
}

fn owner_kind(kind: OwnerKind) -> &'static str {
    match kind {
        OwnerKind::Vm => "vm",
        OwnerKind::Service => "service",
        OwnerKind::System => "system",
    }
}

fn group(maker: &Maker<'_>, id: &str, nodes: &[NodeId], shown: &[bool]) -> Option<Group> {
    let judgements: Vec<&Judgement> = nodes.iter().filter_map(|&node| maker.judged[node].as_ref()).collect();
    let ranked = nodes.iter().map(|&node| (head_rank(maker, node), node));
    // Of several the first by its path.
    let highest = ranked.max_by(|(rank, one), (other_rank, other)| {
        let ranks = rank.cmp(other_rank);
        ranks.then_with(|| maker.cmp_paths(*other, *one))
    });
    let (_, head) = highest?;
    let judgement = maker.judged[head].as_ref()?;
    let owner = maker.first_owner(head, judgement);
    let title = match owner {
        Some(owner) => owner.name,
        None => maker.judge.world.files.nodes[head].entry.path.escaped().into_owned(),
    };
    let known = last_owner(maker, nodes, head);
    let mut artifacts: Vec<RawPath> = nodes.iter().map(|&node| maker.path(node)).collect();
    artifacts.sort();
    artifacts.dedup();
    Some(Group {
        id: id.to_owned(),
        verdict: judgement.verdict,
        class: judgement.class,
        title,
        owner: known.as_ref().map(|known| known.name.clone()),
        owner_basis: known.as_ref().map(|known| known.basis),
        owner_source: known.and_then(|known| known.source),
        artifacts,
        allocated_bytes: nodes
            .iter()
            .filter(|node| shown[**node])
            .map(|&node| maker.allocated(node))
            .fold(0, u64::saturating_add),
        modified: signs::last_written(maker.judge.world.files, nodes),
        reclaim: judgements.iter().map(|judgement| judgement.reclaim).max()?,
        confidence: judgements.iter().filter_map(|judgement| judgement.confidence).min(),
        backups: Vec::new(),
        accepted: false,
    })
}

/// Whose a group is or was: the owner that its verdict rests on, or what its files tell of the last one.
fn last_owner(maker: &Maker<'_>, nodes: &[NodeId], head: NodeId) -> Option<Attribution> {
    let judgement = maker.judged[head].as_ref()?;
    if let Some(owner) = maker.first_owner(head, judgement) {
        return Some(Attribution {
            name: owner.name,
            basis: OwnerBasis::Verdict,
            text: String::new(),
            source: maker
                .judge
                .told(head, judgement)
                .reasons
                .iter()
                .find_map(|reason| reason.source.clone()),
        });
    }
    let kind = maker.judge.world.files.nodes[head].kind();
    if matches!(judgement.class, Some(Class::Media | Class::StaleLock)) || kind == Kind::DatastoreSystem {
        return None;
    }
    let of_head = maker.judge.attribution(head);
    if of_head.as_ref().is_some_and(|told| told.basis == OwnerBasis::Evidence) {
        return of_head;
    }
    let told = nodes.iter().filter_map(|&node| maker.judge.attribution(node));
    let mut told = told.filter(|told| told.basis == OwnerBasis::Evidence);
    let first = told.next();
    let is_one = first
        .as_ref()
        .is_some_and(|first| told.all(|other| other.name == first.name));
    if is_one { first } else { of_head }
}

/// Which member a group is called after: the configuration, else the disk that no other disk depends on.
fn head_rank(maker: &Maker<'_>, node: NodeId) -> (bool, bool, bool) {
    let kind = maker.judge.world.files.nodes[node].kind();
    let is_leaf = !maker
        .judge
        .references
        .into(node)
        .any(|edge| edge.role == crate::kind::Role::Parent);
    let is_disk = kind.is_disk() && kind != Kind::VmdkSparse;
    (kind.is_config(), is_disk, is_leaf)
}

/// For each file the first file of its chain: those with one verdict that references tie together, and what is left with them
/// of the same VM.
fn chains(maker: &Maker<'_>) -> Vec<NodeId> {
    let mut sets = Sets::new(maker.judged.len());
    let verdict = |node: NodeId| maker.judged[node].as_ref().map(|judgement| judgement.verdict);
    for edge in &maker.judge.references.edges {
        if own::is_owning(maker.judge.world.files, edge)
            && verdict(edge.from).is_some()
            && verdict(edge.from) == verdict(edge.to)
        {
            sets.unite(edge.from, edge.to);
        }
    }
    leftovers::unite(maker, &mut sets);
    (0..maker.judged.len()).map(|node| sets.first_of(node)).collect()
}

/// Files in sets, each set known by its first file.
pub(super) struct Sets {
    parent: Vec<NodeId>,
}

impl Sets {
    fn new(count: usize) -> Self {
        Self {
            parent: (0..count).collect(),
        }
    }

    pub(super) fn first_of(&mut self, mut node: NodeId) -> NodeId {
        while self.parent[node] != node {
            self.parent[node] = self.parent[self.parent[node]];
            node = self.parent[node];
        }
        node
    }

    pub(super) fn unite(&mut self, left: NodeId, right: NodeId) {
        let (left, right) = (self.first_of(left), self.first_of(right));
        self.parent[left.max(right)] = left.min(right);
    }
}
