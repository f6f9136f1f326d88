//! What a crawl hands over: one folder at a time, and the gathering of all of them.

use std::{collections::HashSet, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Artifact, Catalogue, Entry, Issue, RootRecord, Skipped, Special};
use crate::raw::RawPath;

/// A folder of which every file has been looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Folder {
    /// What was counted in it.
    pub record: FolderRecord,
    /// The artifacts that lie directly in it.
    pub artifacts: Vec<Artifact>,
    /// Its ordinary files, when it holds an artifact.
    pub bystanders: Vec<Entry>,
    /// Its links and other files that are not regular.
    pub specials: Vec<Special>,
    /// What could not be read of it.
    pub issues: Vec<Issue>,
}

/// What was counted in one folder.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FolderRecord {
    /// Index of its root.
    pub root: usize,
    /// Relative to the root; empty for the root itself.
    pub path: RawPath,
    /// False for a place that was left out or could not be listed.
    pub entered: bool,
    /// It holds nothing at all.
    #[serde(skip_serializing_if = "is_false")]
    pub is_empty: bool,
    /// Names of the folders in it. Each has a record of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<RawPath>,
    /// Regular files in it.
    pub files: u64,
    /// Sum of the lengths of its files with one name.
    pub apparent_bytes: u64,
    /// Sum of the blocks of its files with one name; `None` when the file system does not know.
    pub allocated_bytes: Option<u64>,
    /// Its files with several names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hard_links: Vec<HardLink>,
    /// Places in it that were left out on purpose, or the folder itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
}

/// A file with several names: device, inode, length and allocated bytes.
pub type HardLink = (u64, u64, u64, Option<u64>);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// The catalogue while folders come in.
#[derive(Debug)]
pub(crate) struct Gathering {
    pub(crate) catalogue: Catalogue,
    /// Files with several names that were counted: root, device, inode.
    counted: HashSet<(usize, u64, u64)>,
    /// Facts, of which many files have the same.
    facts: HashSet<Arc<[u8]>>,
}

impl Gathering {
    pub(crate) fn new(roots: Vec<RootRecord>) -> Self {
        Self {
            catalogue: Catalogue::new(roots),
            counted: HashSet::new(),
            facts: HashSet::new(),
        }
    }

    /// A root, of which nothing was added before, has given an answer.
    pub(super) fn add_answer(&mut self, root: usize, answer: &RootRecord) {
        if let Some(record) = self.catalogue.roots.get_mut(root) {
            record.learn(answer);
        }
    }

    /// Adds a folder: what was counted to its root, what was found to the lists.
    pub(crate) fn add(&mut self, mut folder: Folder) {
        let done = folder.record;
        if let Some(root) = self.catalogue.roots.get_mut(done.root) {
            root.files = root.files.saturating_add(done.files);
            root.apparent_bytes = root.apparent_bytes.saturating_add(done.apparent_bytes);
            root.allocated_bytes = sum(root.allocated_bytes, done.allocated_bytes);
            for (device, inode, length, allocated) in done.hard_links {
                if self.counted.insert((done.root, device, inode)) {
                    root.apparent_bytes = root.apparent_bytes.saturating_add(length);
                    root.allocated_bytes = sum(root.allocated_bytes, allocated);
                }
            }
            root.directories = root.directories.saturating_add(u64::from(done.entered));
            root.skipped.extend(done.skipped);
            if done.is_empty && done.entered && !done.path.is_empty() {
                root.empty_folders.push(done.path);
            }
        }
        for artifact in &mut folder.artifacts {
            artifact.facts.share(&mut self.facts);
        }
        self.catalogue.artifacts.extend(folder.artifacts);
        self.catalogue.bystanders.extend(folder.bystanders);
        self.catalogue.specials.extend(folder.specials);
        self.catalogue.issues.extend(folder.issues);
    }
}

/// Sum of two counts of which each may be unknown.
pub(crate) fn sum(left: Option<u64>, right: Option<u64>) -> Option<u64> {
    Some(left?.saturating_add(right?))
}
