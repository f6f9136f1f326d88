//! Locks: which file each one locks, and who holds it (V79, formats-vmware 6).

use std::collections::BTreeMap;

use super::files::{Files, Lookup, NodeId};
use crate::kind::Kind;

/// All locks of the catalogue.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    /// For each locked file its locks.
    pub(crate) of: BTreeMap<NodeId, Vec<NodeId>>,
    /// For each lock the file that it locks.
    pub(crate) target: BTreeMap<NodeId, NodeId>,
}

impl Locks {
    /// Finds the targets of all locks.
    pub(crate) fn new(files: &Files<'_>) -> Self {
        let mut locks = Self::default();
        for (id, node) in files.nodes.iter().enumerate() {
            if node.kind() != Kind::VmLock {
                continue;
            }
            if let Some(target) = target_of(files, id) {
                locks.of.entry(target).or_default().push(id);
                locks.target.insert(id, target);
            }
        }
        locks
    }

    /// Who holds a lock, as written.
    pub(crate) fn holder<'a>(files: &Files<'a>, lock: NodeId) -> Option<&'a str> {
        files.nodes[lock]
            .evidence()?
            .lock
            .as_ref()?
            .host
            .as_deref()
            .filter(|host| !host.trim().is_empty())
    }
}

fn target_of(files: &Files<'_>, lock: NodeId) -> Option<NodeId> {
    let node = files.nodes[lock];
    let evidence = node.evidence()?.lock.as_ref()?;
    if let Some(id) = evidence.target_file_id {
        let fits = |&&other: &&NodeId| other != lock && files.nodes[other].entry.inode == id;
        return files
            .in_folder(node.entry.root, node.folder())
            .iter()
            .find(fits)
            .copied();
    }
    let name = evidence.target_name.as_ref()?;
    let folder = node.folder();
    // A hosted lock lies in a folder `X.lck` beside X; `X.vmx.lck` of ESXi lies beside X itself.
    let outer = folder
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(&[][..], |end| &folder[..end]);
    [folder, outer].iter().find_map(|folder| {
        let path = if folder.is_empty() {
            name.raw().to_vec()
        } else {
            [folder, &b"/"[..], name.raw()].concat()
        };
        match files.find(node.entry.root, &path) {
            Lookup::Found { node, .. } if node != lock => Some(node),
            _ => None,
        }
    })
}
