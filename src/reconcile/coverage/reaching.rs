//! Which gaps reach which file, without a look at each gap for each file: thousands of folders may be unread.

use foldhash::HashMap;

use super::{GapItem, Reach};
use crate::reconcile::files::{Files, NodeId};

/// Gaps by what they reach, each by its place.
#[derive(Debug, Clone, Default)]
pub(super) struct Reaching {
    /// Those that every file of a root has to be held against, by root.
    wide: Vec<Vec<usize>>,
    /// Those about one folder of a root, by root.
    of_folder: Vec<HashMap<Vec<u8>, Vec<usize>>>,
    /// Those about certain files.
    of_file: HashMap<NodeId, Vec<usize>>,
}

impl Reaching {
    /// Of the gaps over so many roots.
    pub(super) fn new(gaps: &[GapItem], roots: usize) -> Self {
        let mut reaching = Self {
            wide: vec![Vec::new(); roots],
            of_folder: vec![HashMap::default(); roots],
            of_file: HashMap::default(),
        };
        for (place, gap) in gaps.iter().enumerate() {
            match &gap.reach {
                Reach::Folder(root, folder) | Reach::StateIn(root, folder) => {
                    let of_folder = &mut reaching.of_folder[*root];
                    of_folder.entry(folder.clone()).or_default().push(place);
                }
                Reach::These(nodes) => {
                    for &node in nodes {
                        reaching.of_file.entry(node).or_default().push(place);
                    }
                }
                _ => {
                    for &root in &gap.roots {
                        reaching.wide[root].push(place);
                    }
                }
            }
        }
        reaching
    }

    /// Gaps that may reach a file, in their order: [`Reach::includes`] says which of them do.
    pub(super) fn candidates(&self, files: &Files<'_>, node: NodeId) -> Vec<usize> {
        let entry = files.nodes[node].entry;
        let mut found = self.wide[entry.root].clone();
        found.extend(self.of_file.get(&node).into_iter().flatten());
        let of_folder = &self.of_folder[entry.root];
        if !of_folder.is_empty() {
            let path = entry.path.as_bytes();
            let ends = (0..path.len()).filter(|&at| path[at] == b'/');
            // The top of the root is above all.
            let above = std::iter::once(&path[..0]).chain(ends.map(|end| &path[..end]));
            found.extend(above.filter_map(|folder| of_folder.get(folder)).flatten());
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}
