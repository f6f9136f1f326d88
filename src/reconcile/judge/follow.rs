//! Verdicts that follow another file: a lock its target, the names of one file each other, and what may be one file with
//! one that is needed.

use std::collections::HashMap;

use super::{
    Judge, Judgement, OTHERS_FOLLOW,
    reasons::settled,
    situation::{Grade, Situation},
};
use crate::{
    evidence::MarkCode,
    raw::RawPath,
    reconcile::{
        files::{self, NodeId},
        signs::statement,
    },
    report::{
        codes::{Class, ReasonCode},
        model::{Verdict, Weight},
    },
};

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
                None if self.locks_by_foreign_id(node) => Judgement::unknown(
                    Class::AmbiguousReference,
                    settled(
                        ReasonCode::Lock,
                        "it names its file by the id that the server knows, and this mount shows other ids".to_owned(),
                        "a scan at the server or over NFS",
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
    fn locks_by_foreign_id(&self, node: NodeId) -> bool {
        const FOREIGN: [&str; 6] = ["cifs", "smb", "fuse", "9p", "virtiofs", "vboxsf"];
        let is_by_id = self
            .file(node)
            .evidence()
            .and_then(|evidence| evidence.lock.as_ref())
            .is_some_and(|lock| lock.target_file_id.is_some());
        let file_system = self.catalogue.roots[self.root(node)].file_system.as_deref();
        is_by_id && file_system.is_some_and(|name| FOREIGN.iter().any(|foreign| name.starts_with(foreign)))
    }

    /// True where the file of a lock may lie at a place that was not looked at, or is one that tells no file id.
    fn may_lock_unread(&self, node: NodeId) -> bool {
        let files = self.world.files;
        let file = self.file(node);
        let Some(lock) = file.evidence().and_then(|evidence| evidence.lock.as_ref()) else {
            return false;
        };
        if lock.target_file_id.is_some() {
            let tells_no_id = |&other: &NodeId| {
                let other = files.nodes[other];
                other.entry.inode == 0 && other.has_mark(MarkCode::Unreadable)
            };
            return files.unread.touch(self.root(node), file.folder())
                || files.in_folder(self.root(node), file.folder()).iter().any(tells_no_id);
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

    /// H-B7: what looks like a file that somebody needs, through another device that tells no time of creation, may be
    /// that very file.
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
            let mut of_root: HashMap<usize, NodeId> = HashMap::new();
            let mut of_creation: HashMap<_, NodeId> = HashMap::new();
            for node in needed {
                of_root.entry(self.root(node)).or_insert(node);
                of_creation
                    .entry((self.root(node), self.file(node).entry.created))
                    .or_insert(node);
            }
            for node in nobodys {
                let created = self.file(node).entry.created;
                let candidates = (0..self.catalogue.roots.len()).flat_map(|root| match created {
                    Some(_) => [of_creation.get(&(root, created)), of_creation.get(&(root, None))],
                    None => [of_root.get(&root), None],
                });
                let entry_of = |other: NodeId| self.file(other).entry;
                let same = candidates
                    .flatten()
                    .copied()
                    .find(|&other| files::may_be_one(self.catalogue, entry_of(other), entry_of(node)));
                if let Some(other) = same {
                    judged[node] = Some(self.perhaps_the_same(other));
                }
            }
        }
    }

    fn perhaps_the_same(&self, other: NodeId) -> Judgement {
        let text = format!(
            "it has the name, length and time of {}, which is needed, and lies on another device: it may be the same file",
            self.path(other)
        );
        let mut reason = settled(
            ReasonCode::PerhapsSameFile,
            text,
            "whether both roots show the same storage; a mount that tells file ids or times of creation",
        );
        reason.source = Some(self.path(other));
        Judgement::unknown(Class::AmbiguousReference, reason)
    }
}
