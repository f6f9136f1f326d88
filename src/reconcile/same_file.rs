//! Which files of the catalogue are one file under several names, and which may be.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hash},
};

use foldhash::quality::RandomState;
use jiff::Timestamp;
use rayon::{
    iter::{IntoParallelIterator, ParallelIterator},
    slice::ParallelSliceMut,
};

use super::files::{Node, NodeId};
use crate::{
    catalogue::{Artifact, Catalogue, Entry},
    raw::RawPath,
};

/// Names of one file: the same device, inode, length and time on one machine; or, where two roots are seen through
/// different devices, which says nothing of the storage behind them, the same look and time of creation (H-B7). Where the
/// storage tells no time of creation (NFS 3), the same place in the root and the same inode, for that is the server's.
pub(super) fn first_names(catalogue: &Catalogue, nodes: &[Node<'_>], looks: &[Vec<NodeId>]) -> Vec<NodeId> {
    let mut first: Vec<NodeId> = (0..nodes.len()).collect();
    let inode = |id: NodeId| inode(catalogue, nodes[id].entry);
    for of_inode in with_one_key(nodes.len(), inode) {
        for &id in &of_inode {
            first[id] = of_inode[0];
        }
    }
    for look in looks {
        let mut by_origin = BTreeMap::new();
        for &id in look {
            let entry = nodes[id].entry;
            let origin = match entry.created {
                Some(created) => Origin::Created(created),
                None if entry.is_numbered() => Origin::Place(&entry.path, entry.inode),
                None => continue,
            };
            let known = *by_origin.entry(origin).or_insert(id);
            if is_seen_twice(catalogue, nodes[known].entry, nodes[id].entry) {
                let names = [first_of(&first, known), first_of(&first, id)];
                first[names[0].max(names[1])] = names[0].min(names[1]);
            }
        }
    }
    (0..nodes.len()).map(|id| first_of(&first, id)).collect()
}

/// What names of one file on one device have in common.
type Inode<'a> = ((&'a str, u64), u64, u64, Option<Timestamp>);

fn inode<'a>(catalogue: &'a Catalogue, entry: &Entry) -> Option<Inode<'a>> {
    let inode = (device(catalogue, entry), entry.inode, entry.length, entry.modified);
    entry.is_numbered().then_some(inode)
}

/// For each file whether one before it is another name of it, as far as device and inode tell.
pub(super) fn later_names(catalogue: &Catalogue, files: &[&Artifact]) -> Vec<bool> {
    let mut is_later = vec![false; files.len()];
    for of_inode in with_one_key(files.len(), |place| inode(catalogue, &files[place].entry)) {
        for &place in of_inode.iter().skip(1) {
            is_later[place] = true;
        }
    }
    is_later
}

/// What two names of one file have in common beside their look.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Origin<'a> {
    Created(Timestamp),
    Place(&'a RawPath, u64),
}

/// Follows the names of one file to the first; each step goes to an earlier one.
fn first_of(first: &[NodeId], mut id: NodeId) -> NodeId {
    while first[id] != id {
        id = first[id];
    }
    id
}

/// Files of the same name, length and time of change, where there are several; in the order of the catalogue.
pub(super) fn looks(catalogue: &Catalogue, nodes: &[Node<'_>]) -> Vec<Vec<NodeId>> {
    if catalogue.roots.len() < 2 {
        return Vec::new();
    }
    let look = |id: NodeId| {
        let entry = nodes[id].entry;
        let look = (entry.path.name(), entry.length, entry.modified?);
        (entry.length > 0).then_some(look)
    };
    with_one_key(nodes.len(), look)
}

/// The files of each key that several have; the files of one and the keys in the order of the catalogue.
fn with_one_key<K: Hash + Ord>(files: usize, key: impl Fn(NodeId) -> Option<K> + Sync) -> Vec<Vec<NodeId>> {
    let state = RandomState::default();
    let hash = |id: NodeId| Some((state.hash_one(key(id)?), id));
    let mut hashes: Vec<(u64, NodeId)> = (0..files).into_par_iter().filter_map(hash).collect();
    hashes.par_sort_unstable();
    let mut found = Vec::new();
    for same_hash in hashes
        .chunk_by(|one, other| one.0 == other.0)
        .filter(|same| same.len() > 1)
    {
        let mut by_key: BTreeMap<K, Vec<NodeId>> = BTreeMap::new();
        for (key, id) in same_hash.iter().filter_map(|&(_, id)| Some((key(id)?, id))) {
            by_key.entry(key).or_default().push(id);
        }
        found.extend(by_key.into_values().filter(|ids| ids.len() > 1));
    }
    found.sort_unstable();
    found
}

/// Files of one length and time of change, where there are several and the file system numbers one of them not: a hard link
/// has another name, or another folder, and nothing else of its own.
pub(super) fn unnumbered_looks(nodes: &[Node<'_>]) -> Vec<Vec<NodeId>> {
    let is_unnumbered = |node: &Node<'_>| !node.entry.is_numbered();
    if !nodes.iter().any(is_unnumbered) {
        return Vec::new();
    }
    let look = |id: NodeId| {
        let entry = nodes[id].entry;
        let look = (entry.length, entry.modified?);
        (entry.length > 0).then_some(look)
    };
    let mut looks = with_one_key(nodes.len(), look);
    looks.retain(|look| look.iter().any(|&id| is_unnumbered(&nodes[id])));
    looks
}

/// True where nothing but the time of creation, where both have one, can tell whether two files of one look are one file: their
/// roots are seen through different devices (H-B7), or one of them has no number.
pub(crate) fn may_be_one(catalogue: &Catalogue, one: &Entry, other: &Entry) -> bool {
    let is_unnumbered = !one.is_numbered() || !other.is_numbered();
    is_seen_twice(catalogue, one, other) || is_unnumbered && may_be_of_one_creation(one, other)
}

/// Two files of one look in two roots that are seen through different devices, and no times of creation that differ.
fn is_seen_twice(catalogue: &Catalogue, one: &Entry, other: &Entry) -> bool {
    may_be_of_one_creation(one, other) && one.root != other.root && device(catalogue, one) != device(catalogue, other)
}

fn may_be_of_one_creation(one: &Entry, other: &Entry) -> bool {
    match (one.created, other.created) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

/// Device numbers mean something on one machine only.
fn device<'a>(catalogue: &'a Catalogue, entry: &Entry) -> (&'a str, u64) {
    (&catalogue.roots[entry.root].machine, entry.device)
}
