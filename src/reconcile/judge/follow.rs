//! Verdicts that follow another file: a lock its target, the names of one file each other, and what may be one file with
//! one that is needed.

use foldhash::HashMap;

use super::{
    Judge, Judgement, OTHERS_FOLLOW,
    reasons::settled,
    situation::{Grade, Situation},
};
use crate::{
    raw::RawPath,
    reconcile::{
        files::NodeId,
        locks::{self, FileIds, Locks},
        same_file,
        signs::{self, statement},
    },
    report::{
        codes::{Class, ReasonCode},
        model::{Verdict, Weight},
    },
};

/// What tells which file a lock is of.
const SCAN_WITH_IDS: &str = "a scan at the server or over NFS";

impl Judge<'_> {
    /// V79: a lock goes with its target; one without a target is stale.
    pub(super) fn locks_follow(&self, judged: &mut [Option<Judgement>]) {
        for node in 0..judged.len() {
            if !self.reported[node] || judged[node].is_some() {
                continue;
            }
            judged[node] = Some(match self.locks.target.get(&node) {
                Some(&target) => {
                    let text = format!("it locks {}{OTHERS_FOLLOW}", self.path(target));
                    let reason = statement(ReasonCode::FollowsArtifact, text, Some(self.path(target)), Weight::For);
                    match &judged[target] {
                        Some(followed) => {
                            let mut followed = self.told(target, followed).into_owned();
                            followed
                                .reasons
                                .retain(|other| other.code != ReasonCode::FollowsArtifact);
                            followed.reasons.insert(0, reason);
                            followed
                        }
                        None => Judgement::unknown(Class::NoCoverage, reason),
                    }
                }
                None if self.names_by_another_id(node) => Judgement::unknown(
                    Class::AmbiguousReference,
                    settled(
                        ReasonCode::Lock,
                        format!(
                            "it names its file by the id that the server knows, and {}",
                            self.why_no_id(node)
                        ),
                        SCAN_WITH_IDS,
                    ),
                ),
                None if self.may_lock_unread(node) => Judgement::unknown(
                    Class::OutsideScan,
                    settled(
                        ReasonCode::OutsideScan,
                        "the file that it locks may be one beside it that was not looked at".to_owned(),
                        "a scan that reads all of this folder",
                    ),
                ),
                None => self.nobody(
                    node,
                    Situation::new(Class::StaleLock, Grade::Candidate)
                        .because(ReasonCode::TargetGone, "the file that it locks is not there")
                        .without_inventory(),
                ),
            });
        }
    }

    /// V79: only NFS and the server's own file systems show the file ids that locks are named by.
    fn names_by_another_id(&self, lock: NodeId) -> bool {
        self.locks.ids[self.root(lock)] != FileIds::OfServer && locks::is_by_id(self.world.files, lock)
    }

    /// Why the id that a lock names cannot be held against that of a file in its root.
    fn why_no_id(&self, file: NodeId) -> &'static str {
        match self.locks.ids[self.root(file)] {
            FileIds::OfServer => "the file system tells none here",
            FileIds::Other => "this mount shows other ids",
            FileIds::Unknown => "whether this mount shows the same ids is not known",
        }
    }

    /// V79: a lock lies in the folder of these files and names its file by an id that cannot be held against theirs.
    pub(super) fn perhaps_locked(&self, unit: &[NodeId]) -> Option<Judgement> {
        let lock_on = |node: &NodeId| Some((*node, *self.locks.perhaps.get(node)?));
        let (node, lock) = unit.iter().find_map(lock_on)?;
        let holder = Locks::holder(self.world.files, lock);
        let text = format!(
            "{} may be locked{}: the lock ({}) names its file by the id that the server knows, and {}",
            self.path(node),
            holder.map(|host| format!(" by {host}")).unwrap_or_default(),
            signs::aged(self.world.files, lock, self.options.as_of),
            self.why_no_id(node),
        );
        let mut reason = settled(ReasonCode::Lock, text, SCAN_WITH_IDS);
        reason.source = Some(self.path(lock));
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// True where the file of a lock may lie at a place that was not looked at, or is one that tells no file id.
    fn may_lock_unread(&self, node: NodeId) -> bool {
        let files = self.world.files;
        let file = self.file(node);
        let Some(lock) = file.evidence().and_then(|evidence| evidence.lock.as_ref()) else {
            return false;
        };
        if lock.target_file_id.is_some() {
            return files.unread.touch(self.root(node), file.folder()) || self.locks.unclear.contains_key(&node);
        }
        lock.target_name.as_ref().is_some_and(|name| {
            let outer = RawPath::new(file.folder().to_vec()).folder();
            let beside = [RawPath::new(file.folder().to_vec()), outer];
            beside
                .iter()
                .any(|folder| files.unread.holds(self.root(node), folder.join(name.raw()).as_bytes()))
        })
    }

    /// Names of one file have one verdict: the best protected (V65).
    pub(super) fn hard_links_follow(&self, judged: &mut [Option<Judgement>]) {
        let mut best: Vec<Option<NodeId>> = vec![None; judged.len()];
        for node in 0..judged.len() {
            let Some(verdict) = judged[node].as_ref().map(|judgement| judgement.verdict) else {
                continue;
            };
            let first = self.world.files.first_name[node];
            let held = best[first].get_or_insert(node);
            if judged[*held]
                .as_ref()
                .is_some_and(|judgement| verdict < judgement.verdict)
            {
                *held = node;
            }
        }
        for node in 0..judged.len() {
            let Some(other) = best[self.world.files.first_name[node]].filter(|&other| other != node) else {
                continue;
            };
            let (Some(own), Some(followed)) = (&judged[node], &judged[other]) else {
                continue;
            };
            if followed.verdict < own.verdict {
                let text = format!("it is the same file as {}", self.path(other));
                let mut judgement = self.told(other, followed).into_owned();
                judgement.reasons.insert(
                    0,
                    statement(ReasonCode::FollowsArtifact, text, Some(self.path(other)), Weight::For),
                );
                judged[node] = Some(judgement);
            }
        }
    }

    /// H-B7: what looks like a file that somebody needs may be that very file: seen through another device, or without a
    /// number that would tell, and without another time of creation.
    pub(super) fn looks_follow(&self, judged: &mut [Option<Judgement>]) {
        for look in &self.world.files.looks {
            let is_nobodys = |judgement: &Judgement| judgement.verdict >= Verdict::Unregistered;
            let of_look = |wanted: bool| {
                let verdicts = look.iter().map(|&node| (node, judged[node].as_ref()));
                verdicts
                    .filter_map(move |(node, judgement)| (is_nobodys(judgement?) == wanted).then_some(node))
                    .collect::<Vec<NodeId>>()
            };
            let (nobodys, needed) = (of_look(true), of_look(false));
            if nobodys.is_empty() || needed.is_empty() {
                continue;
            }
            let mut of_root: HashMap<_, NodeId> = HashMap::default();
            let mut of_creation: HashMap<_, NodeId> = HashMap::default();
            for node in needed {
                let place = (self.root(node), self.file(node).entry.is_numbered());
                of_root.entry(place).or_insert(node);
                of_creation
                    .entry((place, self.file(node).entry.created))
                    .or_insert(node);
            }
            let places = || (0..self.catalogue.roots.len()).flat_map(|root| [(root, true), (root, false)]);
            for node in nobodys {
                let created = self.file(node).entry.created;
                let candidates = places().flat_map(|place| match created {
                    Some(_) => [of_creation.get(&(place, created)), of_creation.get(&(place, None))],
                    None => [of_root.get(&place), None],
                });
                let entry_of = |other: NodeId| self.file(other).entry;
                let same = candidates
                    .flatten()
                    .copied()
                    .find(|&other| same_file::may_be_one(self.catalogue, entry_of(other), entry_of(node)));
                if let Some(other) = same {
                    judged[node] = Some(self.perhaps_the_same(node, other));
                }
            }
        }
    }

    fn perhaps_the_same(&self, node: NodeId, other: NodeId) -> Judgement {
        let path = self.path_beside(other, node);
        let is_told = [node, other].iter().all(|&node| self.file(node).entry.is_numbered());
        let (text, settles) = if is_told {
            (
                format!(
                    "it has the name, length and time of {path}, which is needed, and lies on another device: it may be the \
                     same file"
                ),
                "whether both roots show the same storage; a mount that tells file ids or times of creation",
            )
        } else {
            (
                format!(
                    "it has the length and times of {path}, which is needed, and the file system does not tell one file from \
                     another here: it may be another name of the same file"
                ),
                "a scan where the file system tells file ids",
            )
        };
        let mut reason = settled(ReasonCode::PerhapsSameFile, text, settles);
        reason.source = Some(self.path(other));
        Judgement::unknown(Class::AmbiguousReference, reason)
    }
}
