//! What is left of one VM that is gone, as one finding: files of nobody that no reference ties together and that belong
//! together all the same.
//!
//! This makes nothing anybody's and changes no verdict. It says what a reader should look at in one go, and asks for more
//! than a likeness of names between disks: two chains are one finding only where something that only a VM has ties them.
//!
//! - a log, and the disks that it tells of;
//! - what tracked the changes of one disk that is gone;
//! - state of Hyper-V, and disks, that bear one id in their names or are granted to that VM alone;
//! - small files and state of VMware, and the disks of their stem in their folder;
//! - logs, which bear no name of a VM, and what else lies in their folder where that is of one stem.
//!
//! What says by itself that it was of another VM is not of this one.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use uuid::Uuid;

use super::{assemble::Maker, companions, files::NodeId, groups::Sets, judge::Judgement, own};
use crate::{
    kind::{Kind, Platform},
    report::model::{OwnerBasis, Verdict},
};

/// Unites what belongs to one finding.
pub(super) fn unite(maker: &Maker<'_>, sets: &mut Sets) {
    let of_nobody =
        |(_, judgement): &(NodeId, &Judgement)| judgement.verdict == Verdict::Orphaned && judgement.owners.is_empty();
    let left = Left {
        maker,
        nodes: maker.reported().filter(of_nobody).map(|(node, _)| node).collect(),
    };
    let mut told: HashMap<NodeId, BTreeSet<String>> = HashMap::default();
    for &node in &left.nodes {
        let owner = maker.judge.attribution(node);
        let owner = owner.filter(|owner| owner.basis == OwnerBasis::Evidence);
        told.entry(sets.first_of(node))
            .or_default()
            .extend(owner.map(|owner| owner.name));
    }
    let ties = [left.by_log(), left.by_tracked_disk(), left.by_id(), left.by_stem()];
    for (one, other) in ties.into_iter().flatten() {
        let both = [sets.first_of(one), sets.first_of(other)];
        let names: BTreeSet<String> = both.iter().filter_map(|set| told.get(set)).flatten().cloned().collect();
        if both[0] != both[1] && names.len() <= 1 {
            sets.unite(one, other);
            told.insert(sets.first_of(one), names);
        }
    }
}

/// The files of nobody.
struct Left<'a> {
    maker: &'a Maker<'a>,
    nodes: BTreeSet<NodeId>,
}

impl Left<'_> {
    fn kind(&self, node: NodeId) -> Kind {
        self.maker.judge.world.files.nodes[node].kind()
    }

    fn by_log(&self) -> Vec<(NodeId, NodeId)> {
        let history = self.maker.judge.history;
        let pairs = self
            .nodes
            .iter()
            .flat_map(|&disk| history.of_path(disk).map(move |log| (log, disk)));
        pairs.filter(|(log, _)| self.nodes.contains(log)).collect()
    }

    fn by_tracked_disk(&self) -> Vec<(NodeId, NodeId)> {
        let files = self.maker.judge.world.files;
        let mut by_disk: BTreeMap<(usize, &[u8], &str), Vec<NodeId>> = BTreeMap::new();
        for &node in &self.nodes {
            let file = files.nodes[node];
            let is_sidecar = matches!(file.kind(), Kind::Rct | Kind::Mrt | Kind::Hrl | Kind::Hru);
            if let Some((disk, _)) = files.name(node).rsplit_once('.').filter(|_| is_sidecar) {
                by_disk
                    .entry((file.entry.root, file.folder(), disk))
                    .or_default()
                    .push(node);
            }
        }
        by_disk.into_values().flat_map(|nodes| with_first(&nodes)).collect()
    }

    fn by_id(&self) -> Vec<(NodeId, NodeId)> {
        let files = self.maker.judge.world.files;
        let granted = &self.maker.judge.traces.granted;
        let granted_to = |node: NodeId| {
            let ids: BTreeSet<Uuid> = granted.get(&node)?.iter().map(|grant| grant.vm).collect();
            ids.first().copied().filter(|_| ids.len() == 1)
        };
        let checkpoint_of = |node: NodeId| own::vm_evidence(files, node)?.checkpoint_of;
        let mut by_id: BTreeMap<Uuid, Vec<NodeId>> = BTreeMap::new();
        for &node in &self.nodes {
            let ids = [
                companions::id_of_state(files, node),
                checkpoint_of(node),
                granted_to(node),
            ];
            for id in ids.into_iter().flatten() {
                by_id.entry(id).or_default().push(node);
            }
        }
        by_id.into_values().flat_map(|nodes| with_first(&nodes)).collect()
    }

    fn by_stem(&self) -> Vec<(NodeId, NodeId)> {
        let files = self.maker.judge.world.files;
        let mut folders: BTreeMap<(usize, &[u8]), Vec<NodeId>> = BTreeMap::new();
        for &node in &self.nodes {
            let file = files.nodes[node];
            if file.kind().platform() == Some(Platform::Vmware) {
                folders.entry((file.entry.root, file.folder())).or_default().push(node);
            }
        }
        folders.into_values().flat_map(|nodes| self.in_folder(&nodes)).collect()
    }

    fn in_folder(&self, nodes: &[NodeId]) -> Vec<(NodeId, NodeId)> {
        let files = self.maker.judge.world.files;
        let mut by_stem: BTreeMap<&str, Vec<NodeId>> = BTreeMap::new();
        let mut logs = Vec::new();
        for &node in nodes {
            if self.kind(node) == Kind::VmLog {
                logs.push(node);
            } else {
                by_stem
                    .entry(stem(self.kind(node), files.name(node)))
                    .or_default()
                    .push(node);
            }
        }
        let mut ties = with_first(&logs);
        if let ([log, ..], [only]) = (logs.as_slice(), by_stem.values().collect::<Vec<_>>().as_slice()) {
            ties.push((*log, only[0]));
            ties.extend(with_first(only));
        }
        for nodes in by_stem.values() {
            let of_vm = nodes.iter().find(|&&node| is_of_vm(self.kind(node)));
            ties.extend(
                of_vm
                    .into_iter()
                    .flat_map(|&of_vm| nodes.iter().map(move |&node| (of_vm, node))),
            );
        }
        ties
    }
}

/// The first of some files with each of the others.
fn with_first(nodes: &[NodeId]) -> Vec<(NodeId, NodeId)> {
    let first = nodes.first();
    first.map_or_else(Vec::new, |&first| nodes.iter().map(|&node| (first, node)).collect())
}

/// What only a VM has: a disk may have been made without one.
fn is_of_vm(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Vmx
            | Kind::Vmtx
            | Kind::Vmxf
            | Kind::Vmsd
            | Kind::Nvram
            | Kind::Vmsn
            | Kind::Vmss
            | Kind::Vmem
            | Kind::Vswp
    )
}

/// What the files of one VM have in common in their names: `web` of `web.nvram`, `web_1-000002-ctk.vmdk`,
/// `web-Snapshot3.vmsn`, `web-1a2b3c4d.vswp` (formats-vmware 1.8). A VM may be called `web-01`.
pub(super) fn stem(kind: Kind, name: &str) -> &str {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let cut = |stem, is_suffix: fn(&str) -> bool| {
        let parts: Option<(&str, &str)> = str::rsplit_once(stem, '-');
        parts
            .filter(|(rest, last)| !rest.is_empty() && is_suffix(last))
            .map_or(stem, |(rest, _)| rest)
    };
    match kind {
        Kind::Vswp => match stem.strip_prefix("vmx-") {
            Some(stem) => cut(cut(stem, |last| is_number(last, 1)), is_long_hash),
            None => cut(stem, is_hash),
        },
        Kind::Vmsn | Kind::Vmss | Kind::Vmem => cut(cut(stem, is_snapshot), is_hash),
        kind if is_of_vm(kind) => stem,
        _ => {
            let stem = cut(cut(cut(stem, is_part), is_split), |last| {
                last.len() == 6 && is_number(last, 6)
            });
            let numbered = stem.rsplit_once('_').filter(|(_, last)| is_number(last, 1));
            numbered.map_or(stem, |(rest, _)| rest)
        }
    }
}

fn is_number(text: &str, digits: usize) -> bool {
    text.len() >= digits && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_hash(last: &str) -> bool {
    last.len() == 8 && last.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// That of the swap of the VMX process, of which the length is not told.
fn is_long_hash(last: &str) -> bool {
    last.len() >= 8 && last.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_snapshot(last: &str) -> bool {
    last.strip_prefix("snapshot").is_some_and(|number| is_number(number, 1))
}

fn is_part(last: &str) -> bool {
    matches!(last, "flat" | "delta" | "sesparse" | "rdm" | "rdmp" | "ctk" | "digest")
}

fn is_split(last: &str) -> bool {
    last.strip_prefix(['s', 'f']).is_some_and(|number| is_number(number, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_one_vm_have_one_stem() {
        for (kind, name) in [
            (Kind::Nvram, "web-01.nvram"),
            (Kind::Vmsd, "web-01.vmsd"),
            (Kind::VmdkDescriptor, "web-01.vmdk"),
            (Kind::VmdkFlat, "web-01_1-flat.vmdk"),
            (Kind::VmdkDescriptor, "web-01_2-000003.vmdk"),
            (Kind::VmdkSparse, "web-01-000003-s001.vmdk"),
            (Kind::VmdkCtk, "web-01-000003-ctk.vmdk"),
            (Kind::Vmsn, "web-01-snapshot12.vmsn"),
            (Kind::Vswp, "vmx-web-01-2857466522-1.vswp"),
            (Kind::Vmss, "web-01-1a2b3c4d.vmss"),
            (Kind::Vswp, "web-01-1a2b3c4d.vswp"),
            (Kind::Vswp, "vmx-web-01-1a2b3c4d-1.vswp"),
        ] {
            assert_eq!(stem(kind, name), "web-01", "{name}");
        }
        assert_eq!(stem(Kind::Nvram, "web_1.nvram"), "web_1", "a VM may be called so");
        assert_eq!(stem(Kind::VmdkDescriptor, "-flat.vmdk"), "-flat");
    }
}
