//! What is written about each datastore, and how well a root fits it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    path::fold,
    reconcile::files::{Files, Lookup},
};

/// Most folders of a DFS namespace above a share that are tried.
const NAMESPACE_FOLDERS_MAX: usize = 3;

/// A score of one entity on one root.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Score {
    pub(super) own_folder: usize,
    pub(super) found: usize,
}

impl Score {
    /// Enough to say that a root is the datastore that so many paths are written about.
    pub(super) fn is_enough(self, total: usize) -> bool {
        self.own_folder > 0 || self.found >= 3 || self.found > 0 && self.found * 2 >= total
    }
}

/// What is written about each datastore, by key.
#[derive(Default)]
pub(super) struct RawWritten {
    pub(super) paths: BTreeSet<(usize, String)>,
    pub(super) own_folder: BTreeSet<(usize, usize, String)>,
}

/// What is written about each datastore, by entity.
pub(super) struct Written {
    /// Paths of configurations and disks below the datastore's top.
    paths: Vec<BTreeSet<String>>,
    /// Roots whose configurations say that they lie on it themselves, with the number of folders that say so.
    own_folder: Vec<BTreeMap<usize, usize>>,
}

impl Written {
    pub(super) fn new(raw: RawWritten, entity_of_key: &[usize], entities: usize) -> Self {
        let mut written = Self {
            paths: vec![BTreeSet::new(); entities],
            own_folder: vec![BTreeMap::new(); entities],
        };
        for (key, path) in raw.paths {
            written.paths[entity_of_key[key]].insert(path);
        }
        for (key, root, _) in raw.own_folder {
            *written.own_folder[entity_of_key[key]].entry(root).or_default() += 1;
        }
        written
    }

    /// The folders that all paths of an entity begin with, so far that each keeps a folder of its own.
    pub(super) fn common_folders(&self, entity: usize) -> Vec<String> {
        let mut paths = self.paths[entity].iter().map(|path| {
            let parts: Vec<&str> = path.split('/').collect();
            parts[..parts.len().saturating_sub(2).min(NAMESPACE_FOLDERS_MAX)].to_vec()
        });
        let Some(mut common) = paths.next() else {
            return Vec::new();
        };
        for path in paths {
            let same = common
                .iter()
                .zip(&path)
                .take_while(|(one, other)| fold(one) == fold(other))
                .count();
            common.truncate(same);
        }
        common.into_iter().map(str::to_owned).collect()
    }

    pub(super) fn total(&self, entity: usize) -> usize {
        self.paths[entity].len()
    }

    /// How well a root fits an entity when these folders of the entity lie above the root.
    pub(super) fn score(&self, entity: usize, root: usize, above: &[String], files: &Files<'_>) -> Score {
        let prefix: String = above.iter().flat_map(|folder| [folder, "/"]).collect();
        let is_here = |path: &&String| {
            let below = path
                .get(prefix.len()..)
                .filter(|_| prefix.is_empty() || fold(path).starts_with(&fold(&prefix)));
            below.is_some_and(|path| matches!(files.find(root, path.as_bytes()), Lookup::Found { .. }))
        };
        Score {
            own_folder: self.own_folder[entity].get(&root).copied().unwrap_or_default(),
            found: self.paths[entity].iter().filter(is_here).count(),
        }
    }

    /// The folder of an entity, with `/` between its parts, that a root is rather than the one that it was given as: at least
    /// half of what is written about that folder is found at the top of the root, and more than of the one given. Of several the
    /// one of which most is found.
    pub(super) fn folder_at_top(
        &self,
        entity: usize,
        root: usize,
        given: &[String],
        files: &Files<'_>,
    ) -> Option<String> {
        let mut seen: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for path in &self.paths[entity] {
            let ends = path.match_indices('/').map(|(end, _)| end);
            for (folder, below) in std::iter::once(("", path.as_str()))
                .chain(ends.filter_map(|end| Some((path.get(..end)?, path.get(end + 1..)?))))
            {
                let (found, all) = seen.entry(folder).or_default();
                *all += 1;
                *found += usize::from(matches!(files.find(root, below.as_bytes()), Lookup::Found { .. }));
            }
        }
        let given = self.score(entity, root, given, files).found;
        let fitting = seen
            .into_iter()
            .filter(|&(_, (found, all))| found > given && found * 2 >= all);
        let best = fitting.max_by_key(|&(folder, (found, _))| (found, std::cmp::Reverse(folder.len())));
        best.map(|(folder, _)| folder.to_owned())
    }
}
