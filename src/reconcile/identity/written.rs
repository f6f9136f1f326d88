//! What is written about each datastore, and how well a root fits it.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashSet};
use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};
use uuid::Uuid;

use crate::{
    path::fold,
    reconcile::{
        files::{Files, Lookup, NodeId},
        own,
    },
};

/// Most folders of a DFS namespace above a share that are tried.
const NAMESPACE_FOLDERS_MAX: usize = 3;

/// Folders that have to be found where no id confirms one of them. Two of one name are found anywhere: every site has a
/// `web/web.vhdx`.
pub(super) const FOLDERS_ENOUGH: usize = 3;

/// A score of one entity on one root.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Score {
    /// Folders whose configurations name themselves by this datastore.
    pub(super) own_folder: usize,
    /// Paths that are found.
    pub(super) found: usize,
    /// Configurations among them that carry an id of the VM that is registered there.
    confirmed: usize,
    /// Configurations among them.
    configs: usize,
    /// Folders in which they are found.
    folders: usize,
}

impl Score {
    /// Enough to say that a root is the datastore that so many paths are written about.
    pub(super) fn is_enough(self, total: usize) -> bool {
        self.is_strong(total) || self.configs > 0 && self.found == total
    }

    /// Enough to speak for or against a name that the user gave.
    pub(super) fn is_likely(self, total: usize) -> bool {
        self.is_strong(total) || self.found > 0 && self.found * 2 >= total
    }

    /// True where a configuration carries the id of the VM that is registered there.
    pub(super) fn is_confirmed(self) -> bool {
        self.confirmed > 0
    }

    /// True where configurations are found.
    pub(super) fn has_configs(self) -> bool {
        self.configs > 0
    }

    /// Enough to say so of a root that the user gave another name, too.
    pub(super) fn is_strong(self, total: usize) -> bool {
        let is_sure = self.confirmed > 0 || self.folders >= FOLDERS_ENOUGH;
        self.own_folder > 0 || is_sure && self.found * 2 >= total
    }
}

/// What is written about each datastore, by key.
#[derive(Default)]
pub(super) struct RawWritten {
    pub(super) paths: Vec<(usize, String)>,
    /// Ids of the VMs whose configurations some of them are.
    pub(super) ids: HashMap<(usize, String), BTreeSet<Uuid>>,
    pub(super) own_folder: BTreeSet<(usize, usize, String)>,
    /// Roots on which a file names it.
    pub(super) named_on: BTreeSet<(usize, usize)>,
}

/// What is written about each datastore, by entity.
pub(super) struct Written {
    /// Paths of configurations and disks below the datastore's top, sorted, each once.
    paths: Vec<Vec<String>>,
    /// Ids of the VMs whose configurations some of them are.
    ids: Vec<HashMap<String, BTreeSet<Uuid>>>,
    /// Roots whose configurations say that they lie on it themselves, with the number of folders that say so.
    own_folder: Vec<BTreeMap<usize, usize>>,
    /// Entities and the roots on which a file names them.
    named_on: BTreeSet<(usize, usize)>,
}

impl Written {
    pub(super) fn new(raw: RawWritten, entity_of_key: &[usize], entities: usize) -> Self {
        let mut written = Self {
            paths: vec![Vec::new(); entities],
            ids: vec![HashMap::default(); entities],
            own_folder: vec![BTreeMap::new(); entities],
            named_on: BTreeSet::new(),
        };
        for (key, path) in raw.paths {
            written.paths[entity_of_key[key]].push(path);
        }
        written.paths.par_iter_mut().for_each(|paths| {
            paths.sort_unstable();
            paths.dedup();
        });
        for ((key, path), ids) in raw.ids {
            written.ids[entity_of_key[key]].entry(path).or_default().extend(ids);
        }
        let named_on = raw.named_on.into_iter();
        written.named_on = named_on.map(|(key, root)| (entity_of_key[key], root)).collect();
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

    /// The folder of a root below which enough of what is written about an entity is found.
    pub(super) fn folder_of(&self, entity: usize, root: usize, files: &Files<'_>) -> Option<String> {
        let paths: HashSet<String> = self.paths[entity].iter().map(|path| fold(path)).collect();
        let mut found: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for &node in files.of_root(root) {
            let path = fold(&files.nodes[node].entry.path.lossy());
            // A name without a folder says little.
            for (at, _) in path.match_indices('/') {
                let (folder, below) = (&path[..at], &path[at + 1..]);
                if let Some(known) = paths.get(below).filter(|_| below.contains('/')) {
                    found.entry(folder.to_owned()).or_default().insert(known);
                }
            }
        }
        let mut folders = found.into_iter();
        let is_enough = |paths: &BTreeSet<&str>| {
            let score = Score {
                found: paths.len(),
                ..Score::default()
            };
            score.is_likely(self.total(entity))
        };
        folders.find_map(|(folder, paths)| is_enough(&paths).then_some(folder))
    }

    /// What is found in a root of what is written about an entity, when these folders of the entity lie above the root.
    fn found<'w>(
        &'w self,
        entity: usize,
        root: usize,
        above: &'w [String],
        files: &'w Files<'_>,
    ) -> impl Iterator<Item = (&'w String, NodeId)> {
        // Of nearly every entity nearly every root holds nothing: what the paths begin with tells, and as they are sorted those of
        // one folder follow each other.
        let mut asked: Option<(&str, bool)> = None;
        self.paths[entity].iter().filter_map(move |path| {
            let below = below(path, above)?;
            let top = below.split_once('/').map_or(below, |(top, _)| top);
            let may_be_there = match asked {
                Some((last, answer)) if last == top => answer,
                _ => files.may_hold(root, top),
            };
            asked = Some((top, may_be_there));
            if !may_be_there {
                return None;
            }
            match files.find(root, below.as_bytes()) {
                Lookup::Found { node, .. } => Some((path, node)),
                _ => None,
            }
        })
    }

    /// How well a root fits an entity when these folders of the entity lie above the root.
    pub(super) fn score(&self, entity: usize, root: usize, above: &[String], files: &Files<'_>) -> Score {
        self.score_and_configs(entity, root, above, files).0
    }

    /// The same, with the configurations in the root that carry an id of the VM that is registered with their path.
    pub(super) fn score_and_configs(
        &self,
        entity: usize,
        root: usize,
        above: &[String],
        files: &Files<'_>,
    ) -> (Score, Vec<NodeId>) {
        let mut score = Score {
            own_folder: self.own_folder[entity].get(&root).copied().unwrap_or_default(),
            ..Score::default()
        };
        let mut confirmed = Vec::new();
        let mut folders = HashSet::default();
        for (path, node) in self.found(entity, root, above, files) {
            if self.is_confirmed(entity, path, files, node) {
                confirmed.push(node);
            }
            score.found += 1;
            score.configs += usize::from(self.ids[entity].contains_key(path));
            folders.insert(files.nodes[node].folder());
        }
        score.confirmed = confirmed.len();
        score.folders = folders.len();
        (score, confirmed)
    }

    /// True where a file on a root names an entity.
    pub(super) fn is_named_on(&self, entity: usize, root: usize) -> bool {
        self.named_on.contains(&(entity, root))
    }

    /// How many paths are written about an entity below a folder of it.
    pub(super) fn total_below(&self, entity: usize, above: &[String]) -> usize {
        self.paths[entity]
            .iter()
            .filter(|path| below(path, above).is_some())
            .count()
    }

    /// True where an id is told of a VM whose configuration is written about the entity.
    pub(super) fn has_ids(&self, entity: usize) -> bool {
        self.ids[entity].values().any(|ids| !ids.is_empty())
    }

    /// The folders in which the files lie that are written about an entity, below a folder of it.
    pub(super) fn folders_below(&self, entity: usize, above: &[String]) -> BTreeSet<Vec<String>> {
        let folder = |path: &String| -> Option<Vec<String>> {
            let (folder, _) = below(path, above)?.rsplit_once('/')?;
            Some(folder.split('/').map(fold).collect())
        };
        self.paths[entity].iter().filter_map(folder).collect()
    }

    /// True for a configuration with an id of a VM whose configuration is written about the entity.
    pub(super) fn has_id_of(&self, entity: usize, files: &Files<'_>, node: NodeId) -> bool {
        let Some(evidence) = own::vm_evidence(files, node) else {
            return false;
        };
        let own = [evidence.instance_id, evidence.bios_id];
        let mut of_entity = self.ids[entity].values();
        of_entity.any(|ids| own.iter().flatten().any(|id| ids.contains(id)))
    }

    /// True for a configuration that carries an id of the VM that is registered with its path.
    fn is_confirmed(&self, entity: usize, path: &str, files: &Files<'_>, node: NodeId) -> bool {
        let (Some(ids), Some(evidence)) = (self.ids[entity].get(path), own::vm_evidence(files, node)) else {
            return false;
        };
        let own = [evidence.instance_id, evidence.bios_id];
        own.iter().flatten().any(|id| ids.contains(id))
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

/// A path below these folders.
fn below<'p>(path: &'p str, above: &[String]) -> Option<&'p str> {
    let prefix: String = above.iter().flat_map(|folder| [folder, "/"]).collect();
    let rest = path.get(prefix.len()..)?;
    (prefix.is_empty() || fold(path).starts_with(&fold(&prefix))).then_some(rest)
}
