//! Identity: which root is which datastore.
//!
//! Every writer names datastores in his own words: labels, volume ids, URLs, cluster volumes, shares, drive letters. All
//! words that the inventories tie together form one [`Entity`]. A root becomes an entity's place when the user says so
//! (an alias), or when the paths that are written about the entity are found in that root and in no other as well. Two
//! answers that fit equally are no answer (V66).
//!
//! Labels, drive letters and cluster volumes mean something within one inventory only; volume ids, volume GUIDs and
//! shares mean the same everywhere (V63, V64, H-B1).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::files::{Files, Lookup};
use crate::{
    catalogue::{Catalogue, RootRecord},
    inventory::Inventory,
    kind::{Kind, Role},
    path::{Mount, Parsed, StoragePath, fold, parse, parse_alias},
    report::model::Identity,
};

/// Whose words a path is written in: an inventory's, by its place in the list, or a file's on a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Writer {
    /// An inventory.
    Inventory(usize),
    /// A file of the catalogue.
    File,
}

/// A datastore as one or more inventories and files speak of it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Entity {
    /// Label that an inventory gives it.
    pub(crate) label: Option<String>,
    /// Inventories that list it, with the place of its record.
    pub(crate) records: Vec<(usize, usize)>,
    /// All its names.
    pub(crate) names: BTreeSet<(Writer, Mount)>,
    /// Roots that hold it, each with the folder of the datastore that the root is (empty for its top).
    pub(crate) roots: Vec<(usize, Vec<String>)>,
    /// Two roots fit equally.
    pub(crate) ambiguous: bool,
}

/// What is known of one root.
#[derive(Debug, Clone)]
pub(crate) struct RootIdentity {
    /// What to call its datastore.
    pub(crate) name: String,
    /// All names under which references reach it.
    pub(crate) aliases: Vec<String>,
    /// How it was found.
    pub(crate) identity: Identity,
    /// Why, in one sentence.
    pub(crate) basis: String,
    /// Entities that it holds.
    pub(crate) entities: Vec<usize>,
    /// Two answers fit: which datastores.
    pub(crate) rivals: Vec<String>,
    /// The alias that was given says one datastore, and the files here say another.
    pub(crate) contradiction: Option<String>,
    /// The first root that is the same folder: its own number for most.
    same_folder_as: usize,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// To these roots, with the path below each.
    Roots(Vec<(usize, Vec<String>)>),
    /// To a datastore that was not scanned, as far as is known.
    Elsewhere,
    /// To a datastore that could be one of several roots.
    Ambiguous,
}

/// Identities of all roots and datastores.
#[derive(Debug)]
pub(crate) struct Identities {
    /// One for each root.
    pub(crate) roots: Vec<RootIdentity>,
    /// All datastores that anybody speaks of.
    pub(crate) entities: Vec<Entity>,
    by_name: HashMap<(Writer, Mount), usize>,
    given: Vec<(StoragePath, usize)>,
    folders: Vec<OtherFolder>,
}

/// Most folders of a DFS namespace above a share that are tried.
const NAMESPACE_FOLDERS_MAX: usize = 3;

/// A folder of one datastore that is a place of its own under another name: a share is a folder of a volume, a folder of a
/// namespace is a share (H-B2).
#[derive(Debug, Clone, PartialEq, Eq)]
struct OtherFolder {
    /// Who says so.
    writer: Writer,
    from: StoragePath,
    to: StoragePath,
}

/// Most names of one folder that are tried after each other.
const MAX_OTHER_NAMES: usize = 64;

/// A score of one entity on one root.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    own_folder: usize,
    found: usize,
}

impl Score {
    /// Enough to say that a root is the datastore that so many paths are written about.
    fn is_enough(self, total: usize) -> bool {
        self.own_folder > 0 || self.found >= 3 || self.found > 0 && self.found * 2 >= total
    }
}

/// The first root that is the same folder as this one.
fn same_folder(catalogue: &Catalogue, root: usize) -> usize {
    let own = catalogue.roots[root].folder_key();
    let same = |record: &RootRecord| own.is_some() && record.folder_key() == own;
    catalogue.roots.iter().position(same).unwrap_or(root)
}

impl RootIdentity {
    /// Why which datastore the root is cannot be told.
    pub(crate) fn doubt(&self) -> Option<String> {
        let rivals = || format!("the root could be {}", self.rivals.join(" or "));
        self.contradiction
            .clone()
            .or_else(|| (!self.rivals.is_empty()).then(rivals))
    }
}

impl Identities {
    /// Finds out which root is which datastore.
    pub(crate) fn new(catalogue: &Catalogue, inventories: &[Inventory], files: &Files<'_>) -> Self {
        let mut names = Names::default();
        names.read_records(inventories);
        let raw = names.read_paths(catalogue, inventories);
        let folders = names.read_other_names(inventories);
        let (mut identities, entity_of_key) = names.into_identities(catalogue);
        identities.folders = folders;
        let written = Written::new(raw, &entity_of_key, identities.entities.len());
        identities.place_given();
        identities.infer(catalogue, files, &written);
        identities.find_contradictions(files, &written);
        identities.name_roots(catalogue);
        identities
    }

    /// The datastore that a writer's mount means.
    pub(crate) fn entity(&self, writer: Writer, mount: &Mount) -> Option<usize> {
        let writer = if mount.is_global() { Writer::File } else { writer };
        self.by_name.get(&(writer, mount.clone())).copied()
    }

    /// True when an inventory, the user or a file that is sure of it names a datastore so.
    pub(crate) fn knows(&self, mount: &Mount) -> bool {
        let mut given = self.given.iter().filter_map(|(alias, _)| alias.mount.as_ref());
        let mut named = self.entities.iter().flat_map(|entity| &entity.names);
        given.any(|known| same_mount(known, mount)) || named.any(|(_, known)| same_mount(known, mount))
    }

    /// Every name of the datastore that a root is, in lower case: labels, volume ids, shares.
    pub(crate) fn names_of(&self, root: usize) -> Vec<String> {
        let entities = self.roots[root].entities.iter();
        let written = entities.flat_map(|&entity| &self.entities[entity].names);
        let mut names: Vec<String> = written.map(|(_, mount)| fold(&mount.to_string())).collect();
        names.push(fold(&self.roots[root].name));
        names.sort();
        names.dedup();
        names
    }

    /// The host whose drive a root is, when the user says so: drive letters in its files are of that host (H-B5).
    pub(crate) fn host_of(&self, root: usize) -> Option<&str> {
        self.given.iter().find_map(|(alias, of)| match &alias.mount {
            Some(Mount::Drive { host, .. }) if *of == root => host.as_deref(),
            _ => None,
        })
    }

    /// Where a path with a mount leads, by its own name or by another name of a folder that it lies in.
    pub(crate) fn place(&self, writer: Writer, path: &StoragePath) -> Place {
        let mut names = vec![path.clone()];
        let mut tried = 0;
        while let Some(name) = names.get(tried).cloned() {
            match self.place_as_written(writer, &name) {
                Place::Elsewhere => names.extend(self.other_names(writer, &name, &names)),
                place => return place,
            }
            tried += 1;
        }
        Place::Elsewhere
    }

    /// The names of a path that are not among the known ones.
    fn other_names(&self, writer: Writer, path: &StoragePath, known: &[StoragePath]) -> Vec<StoragePath> {
        let means = |folder: &&OtherFolder| match (&folder.from.mount, &path.mount) {
            // The files of one folder come from one source: a drive letter without a host is the one that it told of.
            (Some(from), Some(mount)) if folder.writer == writer => same_mount(from, mount),
            (from, mount) => writer == Writer::File && from == mount && !is_drive_of_nobody(from.as_ref()),
        };
        let of_writer = self.folders.iter().filter(means);
        of_writer
            .filter_map(|folder| {
                let below = strip(&path.parts, &folder.from.parts, folder.from.windows)?;
                Some(StoragePath {
                    mount: folder.to.mount.clone(),
                    parts: [folder.to.parts.as_slice(), &below].concat(),
                    ..path.clone()
                })
            })
            .filter(|name| !known.contains(name))
            .take(MAX_OTHER_NAMES.saturating_sub(known.len()))
            .collect()
    }

    /// Where a path leads by the name that it is written with.
    fn place_as_written(&self, writer: Writer, path: &StoragePath) -> Place {
        let Some(mount) = &path.mount else {
            return Place::Elsewhere;
        };
        if let Some(entity) = self.entity(writer, mount).map(|index| &self.entities[index]) {
            let below = entity
                .roots
                .iter()
                .filter_map(|(root, folder)| Some((*root, strip(&path.parts, folder, mount.is_windows())?)))
                .collect::<Vec<_>>();
            if !below.is_empty() {
                return Place::Roots(below);
            }
            if entity.ambiguous {
                return Place::Ambiguous;
            }
            if writer != Writer::File || mount.is_global() {
                return Place::Elsewhere;
            }
        }
        self.place_by_any_name(mount, path)
    }

    /// A label or local path in a file: the user's aliases first, then every inventory that knows the name.
    fn place_by_any_name(&self, mount: &Mount, path: &StoragePath) -> Place {
        let mut roots: Vec<(usize, Vec<String>)> = self
            .given
            .iter()
            .filter(|(alias, _)| alias.mount.as_ref().is_some_and(|given| same_mount(given, mount)))
            .filter_map(|(alias, root)| Some((*root, strip(&path.parts, &alias.parts, mount.is_windows())?)))
            .collect();
        if roots.is_empty() {
            for entity in self
                .entities
                .iter()
                .filter(|entity| entity.names.iter().any(|(_, name)| same_mount(name, mount)))
            {
                roots.extend(
                    entity
                        .roots
                        .iter()
                        .filter_map(|(root, folder)| Some((*root, strip(&path.parts, folder, mount.is_windows())?))),
                );
            }
        }
        roots.sort();
        roots.dedup();
        if roots.is_empty() {
            Place::Elsewhere
        } else {
            Place::Roots(roots)
        }
    }

    /// Gives the roots the datastores that their aliases name.
    fn place_given(&mut self) {
        for (alias, root) in self.given.clone() {
            let Some(mount) = &alias.mount else { continue };
            let fitting: Vec<usize> = (0..self.entities.len())
                .filter(|&index| {
                    self.entities[index]
                        .names
                        .iter()
                        .any(|(_, name)| same_mount(name, mount))
                })
                .collect();
            match fitting.as_slice() {
                [] => {}
                &[index] => self.give(index, root, alias.parts.clone()),
                several => {
                    // One label in two vCenters: another alias of this root decides, else what resolves in it.
                    if !several
                        .iter()
                        .any(|&index| self.entities[index].roots.iter().any(|(held, _)| *held == root))
                    {
                        self.roots[root].rivals = several
                            .iter()
                            .map(|&index| self.entities[index].title())
                            .collect::<Vec<_>>();
                    }
                }
            }
        }
        for root in 0..self.roots.len() {
            if self
                .entities
                .iter()
                .any(|entity| entity.roots.iter().any(|(held, _)| *held == root))
            {
                self.roots[root].rivals.clear();
            }
        }
    }

    /// Gives a root a datastore, and with it every other root that is the same folder.
    fn give(&mut self, entity: usize, root: usize, folder: Vec<String>) {
        let place = self.roots[root].same_folder_as;
        for root in (0..self.roots.len())
            .filter(|&root| self.roots[root].same_folder_as == place)
            .collect::<Vec<_>>()
        {
            if !self.entities[entity].roots.iter().any(|(held, _)| *held == root) {
                self.entities[entity].roots.push((root, folder.clone()));
                self.roots[root].entities.push(entity);
            }
        }
    }

    /// Places the datastores that no alias names, by what resolves, best evidence first.
    fn infer(&mut self, catalogue: &Catalogue, files: &Files<'_>, written: &Written) {
        let mut proposals = Vec::new();
        for (index, entity) in self.entities.iter().enumerate() {
            if !entity.roots.is_empty() {
                continue;
            }
            let fitting = entity.folders_above(written, index).into_iter().filter_map(|above| {
                let scores: Vec<Score> = (0..catalogue.roots.len())
                    .map(|root| written.score(index, root, &above, files))
                    .collect();
                let (score, entity, root) = self.best_root(index, &scores, written)?;
                Some((score, entity, root, above))
            });
            // The best score, and of those the fewest folders above.
            proposals.extend(fitting.min_by_key(|(score, .., above)| (std::cmp::Reverse(*score), above.len())));
        }
        proposals.sort_by(|a, b| b.cmp(a));
        for (score, entity, root, above) in proposals {
            let Some(root) = root else {
                self.entities[entity].ambiguous = true;
                continue;
            };
            if self.contradicts(entity, root) {
                continue;
            }
            self.give(entity, root, above);
            let basis = if score.own_folder > 0 {
                "its own configurations name it by this volume".to_owned()
            } else {
                format!(
                    "{} of the paths written about it are found here and in no other root",
                    score.found
                )
            };
            let basis = format!("{}: {basis}", self.entities[entity].title());
            let place = self.roots[root].same_folder_as;
            for identity in self.roots.iter_mut().filter(|root| root.same_folder_as == place) {
                if identity.identity != Identity::Given {
                    identity.identity = Identity::Inferred;
                }
                if identity.basis.is_empty() {
                    identity.basis.clone_from(&basis);
                }
            }
        }
        self.note_rivals(written, files);
    }

    /// The only root that fits best; `None` inside when two fit equally.
    fn best_root(&self, entity: usize, scores: &[Score], written: &Written) -> Option<(Score, usize, Option<usize>)> {
        let best = *scores.iter().max()?;
        if !best.is_enough(written.total(entity)) {
            return None;
        }
        // Roots that are one folder are one answer.
        let is_first = |root: usize| self.roots[root].same_folder_as == root;
        let mut fitting = (0..scores.len()).filter(|&root| scores[root] == best && is_first(root));
        let root = fitting.next();
        let root = if fitting.next().is_some() { None } else { root };
        Some((best, entity, root))
    }

    /// A root is one datastore: one writer has one name of each kind for it. A share has many (H-B2).
    fn contradicts(&self, entity: usize, root: usize) -> bool {
        self.roots[root].entities.iter().any(|&held| {
            self.entities[held].names.iter().any(|(writer, mount)| {
                self.entities[entity].names.iter().any(|(other_writer, other)| {
                    writer == other_writer
                        && !matches!(mount, Mount::Share { .. })
                        && std::mem::discriminant(mount) == std::mem::discriminant(other)
                        && mount != other
                })
            })
        })
    }

    /// An alias is the user's word, and words can be mixed up: where too little of what is written about the datastore is found
    /// in its root and enough of it in another, or the files of the root name themselves by another datastore, nothing there
    /// is judged.
    fn find_contradictions(&mut self, files: &Files<'_>, written: &Written) {
        for root in 0..self.roots.len() {
            self.roots[root].contradiction = self.contradiction(root, files, written);
        }
    }

    fn contradiction(&self, root: usize, files: &Files<'_>, written: &Written) -> Option<String> {
        let given = &self.roots[root].entities;
        let here = |entity: usize| written.score(entity, root, &[], files);
        let is_found = given
            .iter()
            .any(|&entity| here(entity).is_enough(written.total(entity)));
        if self.roots[root].identity != Identity::Given || given.is_empty() || is_found {
            return None;
        }
        let titles: Vec<String> = given.iter().map(|&entity| self.entities[entity].title()).collect();
        let titles = titles.join(", ");
        let says_itself = |entity: &usize| !given.contains(entity) && here(*entity).own_folder > 0;
        if let Some(entity) = (0..self.entities.len()).find(says_itself) {
            let own = self.entities[entity].title();
            return Some(format!(
                "the alias says {titles}, and its own configurations name it {own}"
            ));
        }
        let place = self.roots[root].same_folder_as;
        let others = (0..self.roots.len()).filter(|&other| self.roots[other].same_folder_as != place);
        let holds_it = |&other: &usize| {
            let enough = |&entity: &usize| {
                written
                    .score(entity, other, &[], files)
                    .is_enough(written.total(entity))
            };
            given.iter().any(enough)
        };
        let other = files.root_path(others.into_iter().find(holds_it)?);
        Some(format!(
            "the alias says {titles}, and what is written about that is found in another root ({other}) rather than here"
        ))
    }

    /// Roots that stay unknown because two datastores fit them equally.
    fn note_rivals(&mut self, written: &Written, files: &Files<'_>) {
        for root in 0..self.roots.len() {
            if !self.roots[root].entities.is_empty() {
                self.roots[root].rivals.clear();
                continue;
            }
            let rivals: Vec<String> = (0..self.entities.len())
                .filter(|&entity| self.entities[entity].ambiguous && written.score(entity, root, &[], files).found > 0)
                .map(|entity| self.entities[entity].title())
                .collect();
            if !rivals.is_empty() {
                self.roots[root].rivals = rivals;
            }
        }
    }

    fn name_roots(&mut self, catalogue: &Catalogue) {
        for (index, root) in self.roots.iter_mut().enumerate() {
            let label = root
                .entities
                .iter()
                .find_map(|&entity| self.entities[entity].label.clone());
            let given = catalogue.roots[index].aliases.first().map(|alias| given_name(alias));
            let folder = String::from_utf8_lossy(catalogue.roots[index].path.name()).into_owned();
            root.name = given.or(label).unwrap_or(folder);
            let mut aliases: BTreeSet<String> = catalogue.roots[index].aliases.iter().cloned().collect();
            for &entity in &root.entities {
                aliases.extend(self.entities[entity].names.iter().map(|(_, mount)| mount.to_string()));
            }
            root.aliases = aliases.into_iter().collect();
            if root.basis.is_empty() {
                root.basis = match root.identity {
                    Identity::Given => "aliases given".to_owned(),
                    Identity::Unknown if !root.rivals.is_empty() => {
                        format!("two answers fit: {}; give an alias", root.rivals.join(", "))
                    }
                    _ => "nothing that is written about a datastore is found here; give an alias".to_owned(),
                };
            }
        }
    }
}

/// The short form of an alias for titles: the label without brackets, a path as it was given.
fn given_name(alias: &str) -> String {
    match parse_alias(alias).and_then(|path| path.mount.map(|mount| (mount, path.parts))) {
        Some((Mount::Label(label), parts)) if parts.is_empty() => label,
        _ => alias.trim_end_matches(['\\', '/']).to_owned(),
    }
}

impl Entity {
    /// Folders that may lie between its top and a root that is it, the empty one among them. A name of DFS leads to a
    /// share over one or more folders of the namespace, which the share itself does not have (H-B2).
    fn folders_above(&self, written: &Written, index: usize) -> Vec<Vec<String>> {
        let is_share =
            !self.names.is_empty() && self.names.iter().all(|(_, mount)| matches!(mount, Mount::Share { .. }));
        let deepest = if is_share && self.records.is_empty() {
            written.common_folders(index)
        } else {
            Vec::new()
        };
        (0..=deepest.len()).map(|depth| deepest[..depth].to_vec()).collect()
    }

    /// What to call it.
    pub(crate) fn title(&self) -> String {
        self.label
            .clone()
            .or_else(|| self.names.iter().next().map(|(_, mount)| mount.to_string()))
            .unwrap_or_default()
    }
}

/// A drive letter of which nobody says whose it is.
fn is_drive_of_nobody(mount: Option<&Mount>) -> bool {
    matches!(mount, Some(Mount::Drive { host: None, .. }))
}

/// Compares mounts across writers: a drive without host fits a drive of any host.
fn same_mount(left: &Mount, right: &Mount) -> bool {
    match (left, right) {
        (
            Mount::Drive {
                host: left_host,
                letter: left,
            },
            Mount::Drive {
                host: right_host,
                letter: right,
            },
        ) => left == right && (left_host.is_none() || right_host.is_none() || left_host == right_host),
        _ => left == right,
    }
}

/// The path below a folder.
fn strip(parts: &[String], folder: &[String], windows: bool) -> Option<Vec<String>> {
    let fits = parts.len() >= folder.len()
        && parts
            .iter()
            .zip(folder)
            .all(|(part, prefix)| part == prefix || (windows && fold(part) == fold(prefix)));
    fits.then(|| parts[folder.len()..].to_vec())
}

/// Collects names and ties together those of one datastore.
#[derive(Default)]
struct Names {
    keys: Vec<(Writer, Mount)>,
    index: HashMap<(Writer, Mount), usize>,
    parent: Vec<usize>,
    labels: BTreeMap<usize, String>,
    records: Vec<(usize, (usize, usize))>,
}

impl Names {
    fn key(&mut self, writer: Writer, mount: Mount) -> usize {
        let writer = if mount.is_global() { Writer::File } else { writer };
        let next = self.keys.len();
        *self.index.entry((writer, mount.clone())).or_insert_with(|| {
            self.keys.push((writer, mount));
            self.parent.push(next);
            next
        })
    }

    fn find(&mut self, mut key: usize) -> usize {
        while self.parent[key] != key {
            self.parent[key] = self.parent[self.parent[key]];
            key = self.parent[key];
        }
        key
    }

    fn tie(&mut self, left: usize, right: usize) {
        let (left, right) = (self.find(left), self.find(right));
        self.parent[left.max(right)] = left.min(right);
    }

    /// The datastore lists: all names of one record are one datastore.
    fn read_records(&mut self, inventories: &[Inventory]) {
        for (inventory, (number, record)) in inventories
            .iter()
            .enumerate()
            .flat_map(|(index, inventory)| std::iter::repeat(index).zip(inventory.datastores.iter().enumerate()))
        {
            let writer = Writer::Inventory(inventory);
            let mut keys = Vec::new();
            if !record.name.is_empty() {
                let mount = parse_alias(&record.name)
                    .filter(|path| path.parts.is_empty())
                    .and_then(|path| path.mount);
                keys.push(self.key(writer, mount.unwrap_or_else(|| Mount::Label(record.name.clone()))));
            }
            for alias in &record.aliases {
                let Parsed::Path(path) = parse(alias) else { continue };
                let path = path.on_host(record.local_to.as_deref());
                if let (Some(mount), true) = (path.mount, path.parts.is_empty())
                    && mount != Mount::HostRoot
                {
                    keys.push(self.key(writer, mount));
                }
            }
            let Some(&first) = keys.first() else { continue };
            for &key in &keys[1..] {
                self.tie(first, key);
            }
            if !record.name.is_empty() {
                self.labels.entry(first).or_insert_with(|| record.name.clone());
            }
            self.records.push((first, (inventory, number)));
        }
    }

    /// Other names of volumes and folders. Two names of a whole volume are tied where somebody uses one of them; a
    /// folder of a volume is only found by the other name.
    fn read_other_names(&mut self, inventories: &[Inventory]) -> Vec<OtherFolder> {
        let mut folders = Vec::new();
        for (index, inventory) in inventories.iter().enumerate() {
            let writer = Writer::Inventory(index);
            let only_host = match inventory.hosts.as_slice() {
                [host] => Some(host.name.as_str()),
                _ => None,
            };
            for other in &inventory.observations.other_names {
                let (Parsed::Path(path), Parsed::Path(name)) = (parse(&other.path), parse(&other.name)) else {
                    continue;
                };
                let path = path.on_host(other.host.as_deref().or(only_host));
                let is_nowhere =
                    |mount: Option<&Mount>| matches!(mount, None | Some(Mount::HostRoot)) || is_drive_of_nobody(mount);
                // The list of shares of a server does not name the server, and neither do its other lists (H-B2).
                if is_drive_of_nobody(path.mount.as_ref()) && matches!(name.mount, Some(Mount::Share { .. })) {
                    folders.push(OtherFolder {
                        writer,
                        from: path,
                        to: name,
                    });
                    continue;
                }
                if is_nowhere(path.mount.as_ref()) || is_nowhere(name.mount.as_ref()) {
                    continue;
                }
                if path.parts.is_empty() && name.parts.is_empty() {
                    self.tie_known(writer, [path.mount, name.mount]);
                } else {
                    folders.push(OtherFolder {
                        writer,
                        from: path.clone(),
                        to: name.clone(),
                    });
                    folders.push(OtherFolder {
                        writer,
                        from: name,
                        to: path,
                    });
                }
            }
        }
        folders
    }

    /// Ties two names of which at least one is known; names that nobody uses make no datastore.
    fn tie_known(&mut self, writer: Writer, mounts: [Option<Mount>; 2]) {
        let mounts: Vec<Mount> = mounts.into_iter().flatten().collect();
        let is_known = |mount: &Mount| {
            let writer = if mount.is_global() { Writer::File } else { writer };
            self.index.contains_key(&(writer, mount.clone()))
        };
        if !mounts.iter().any(is_known) {
            return;
        }
        let keys: Vec<usize> = mounts.into_iter().map(|mount| self.key(writer, mount)).collect();
        if let [path, name] = keys[..] {
            self.tie(path, name);
        }
    }

    /// Every path that an inventory or a file writes, by the datastore that it names.
    fn read_paths(&mut self, catalogue: &Catalogue, inventories: &[Inventory]) -> RawWritten {
        let mut written = RawWritten::default();
        for (index, inventory) in inventories.iter().enumerate() {
            let writer = Writer::Inventory(index);
            for vm in &inventory.vms {
                let listed = vm
                    .files
                    .iter()
                    .filter(|file| !file.role.is_transient())
                    .map(|file| file.path.as_str());
                for text in vm.config.as_deref().into_iter().chain(listed) {
                    self.note(&mut written, writer, text, vm.host.as_deref(), None);
                }
            }
            for object in inventory.objects.iter().filter(|object| !object.folder) {
                if let Some(path) = &object.path {
                    self.note(&mut written, writer, path, None, None);
                }
            }
        }
        for artifact in catalogue
            .artifacts
            .iter()
            .filter(|artifact| artifact.kind != Kind::VmLog)
        {
            for reference in &artifact.evidence.references {
                self.note(
                    &mut written,
                    Writer::File,
                    reference.target.as_str(),
                    None,
                    Some((artifact, reference.role)),
                );
            }
        }
        written
    }

    fn note(
        &mut self,
        written: &mut RawWritten,
        writer: Writer,
        text: &str,
        host: Option<&str>,
        origin: Option<(&crate::catalogue::Artifact, Role)>,
    ) {
        let Parsed::Path(path) = parse(text) else { return };
        let path = path.on_host(host);
        let Some(mount) = path.mount.clone().filter(|mount| *mount != Mount::HostRoot) else {
            return;
        };
        if path.parts.is_empty() || (origin.is_some() && !mount.is_global()) {
            return;
        }
        let key = self.key(writer, mount);
        if let Some((artifact, role)) = origin {
            let folder = path.parts[..path.parts.len() - 1].join("/");
            // Disks are named absolutely when they lie elsewhere, in a folder of the same name as often as not; the swap
            // file is always named absolutely and lies with its VM (formats-vmware 2.3).
            if role == Role::Swap && !folder.is_empty() && folder.as_bytes() == artifact.entry.path.folder().as_bytes()
            {
                written.own_folder.insert((key, artifact.entry.root, folder));
            }
            if role.is_transient() {
                return;
            }
        }
        written.paths.insert((key, path.relative()));
    }

    /// The entities, and for each key the entity that it became.
    fn into_identities(mut self, catalogue: &Catalogue) -> (Identities, Vec<usize>) {
        let mut entities: Vec<Entity> = Vec::new();
        let mut entity_of_key = Vec::new();
        let mut of_root = BTreeMap::new();
        let mut by_name = HashMap::new();
        for key in 0..self.keys.len() {
            let head = self.find(key);
            let index = *of_root.entry(head).or_insert_with(|| {
                entities.push(Entity::default());
                entities.len() - 1
            });
            entity_of_key.push(index);
            entities[index].names.insert(self.keys[key].clone());
            by_name.insert(self.keys[key].clone(), index);
            if entities[index].label.is_none() {
                entities[index].label = self.labels.get(&key).cloned();
            }
        }
        for (key, record) in std::mem::take(&mut self.records) {
            let head = self.find(key);
            entities[of_root[&head]].records.push(record);
        }
        let given = catalogue
            .roots
            .iter()
            .enumerate()
            .flat_map(|(root, record)| {
                record
                    .aliases
                    .iter()
                    .filter_map(move |alias| Some((parse_alias(alias)?, root)))
            })
            .collect();
        let roots = catalogue.roots.iter().enumerate().map(|(index, record)| RootIdentity {
            name: String::new(),
            aliases: Vec::new(),
            identity: if record.aliases.is_empty() {
                Identity::Unknown
            } else {
                Identity::Given
            },
            basis: String::new(),
            entities: Vec::new(),
            rivals: Vec::new(),
            contradiction: None,
            same_folder_as: same_folder(catalogue, index),
        });
        (
            Identities {
                roots: roots.collect(),
                entities,
                by_name,
                given,
                folders: Vec::new(),
            },
            entity_of_key,
        )
    }
}

/// What is written about each datastore, by key.
#[derive(Default)]
struct RawWritten {
    paths: BTreeSet<(usize, String)>,
    own_folder: BTreeSet<(usize, usize, String)>,
}

/// What is written about each datastore, by entity.
struct Written {
    /// Paths of configurations and disks below the datastore's top.
    paths: Vec<BTreeSet<String>>,
    /// Roots whose configurations say that they lie on it themselves, with the number of folders that say so.
    own_folder: Vec<BTreeMap<usize, usize>>,
}

impl Written {
    fn new(raw: RawWritten, entity_of_key: &[usize], entities: usize) -> Self {
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
    fn common_folders(&self, entity: usize) -> Vec<String> {
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

    fn total(&self, entity: usize) -> usize {
        self.paths[entity].len()
    }

    /// How well a root fits an entity when these folders of the entity lie above the root.
    fn score(&self, entity: usize, root: usize, above: &[String], files: &Files<'_>) -> Score {
        let prefix: String = above.iter().flat_map(|folder| [folder, "/"]).collect();
        let is_here = |path: &&String| {
            let below = path
                .get(prefix.len()..)
                .filter(|_| fold(path).starts_with(&fold(&prefix)));
            below.is_some_and(|path| matches!(files.find(root, path.as_bytes()), Lookup::Found { .. }))
        };
        Score {
            own_folder: self.own_folder[entity].get(&root).copied().unwrap_or_default(),
            found: self.paths[entity].iter().filter(is_here).count(),
        }
    }
}
