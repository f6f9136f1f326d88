//! Identity: which root is which datastore.
//!
//! Every writer names datastores in his own words: labels, volume ids, URLs, cluster volumes, shares, drive letters. All
//! words that the inventories tie together form one [`Entity`]. A root becomes an entity's place when the user says so
//! (an alias), or when the paths that are written about the entity are found in that root and in no other as well. Two
//! answers that fit equally are no answer (V66).
//!
//! Labels, drive letters and cluster volumes mean something within one inventory only; volume ids, volume GUIDs and
//! shares mean the same everywhere (V63, V64, H-B1).

mod contradictions;
mod exports;
mod hosts;
mod names;
mod written;

use std::collections::{BTreeSet, HashMap};

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use self::{
    names::Names,
    written::{Score, Written},
};
use super::{
    Options,
    files::{Files, Lookup, NodeId, below, with_slashes},
    links::is_absolute,
};
use crate::{
    catalogue::{Catalogue, RootRecord},
    inventory::Inventory,
    kind::Role,
    path::{Mount, Parsed, StoragePath, fold, parse, parse_alias, short_host},
    raw::RawPath,
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
    /// Roots in which it is a folder, each with the way down to it: a cluster volume on the system drive of a node.
    pub(crate) within: Vec<(usize, Vec<String>)>,
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
    /// Other roots that this one lies in, with the way down to it.
    inside: Vec<(usize, Vec<String>)>,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// To these roots, with the path below each.
    Roots(Vec<(usize, Vec<String>)>),
    /// To these, where they hold it: another writer's word for the datastore leads there, and he may mean another of that name.
    Perhaps(Vec<(usize, Vec<String>)>),
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

/// The first root that is the same folder as this one.
fn same_folder(catalogue: &Catalogue, root: usize) -> usize {
    let own = catalogue.roots[root].folder_key();
    let same = |record: &RootRecord| own.is_some() && record.folder_key() == own;
    catalogue.roots.iter().position(same).unwrap_or(root)
}

/// The roots that this one lies in, on one device of one machine, with the folders between.
fn outer_roots(catalogue: &Catalogue, root: usize) -> Vec<(usize, Vec<String>)> {
    let place = |record: &RootRecord| record.absolute.clone().unwrap_or_else(|| record.path.clone());
    let own = &catalogue.roots[root];
    let inner = place(own);
    let roots = catalogue.roots.iter().enumerate();
    let others =
        roots.filter(|(_, other)| own.device.is_some() && (&own.machine, own.device) == (&other.machine, other.device));
    let way_down = |(outer, record): (usize, &RootRecord)| {
        let above = RawPath::new(with_slashes(place(record).as_bytes()));
        let above = Some(above).filter(is_absolute)?;
        let rest = RawPath::new(below(above.as_bytes(), inner.as_bytes())?);
        let folders: Vec<String> = rest
            .parts()
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .collect();
        (!folders.is_empty()).then_some((outer, folders))
    };
    others.filter_map(way_down).collect()
}

impl RootIdentity {
    /// The way from another root down to this one, where it lies in that and the user gave it no name of its own.
    fn way_from(&self, outer: usize) -> Option<&[String]> {
        let mut outer_roots = self.inside.iter().filter(|_| self.identity != Identity::Given);
        outer_roots
            .find(|(root, _)| *root == outer)
            .map(|(_, way)| way.as_slice())
    }

    /// True where an inventory that covers the other root covers this one, which lies in it.
    pub(crate) fn is_covered_with(&self, outer: usize) -> bool {
        self.way_from(outer).is_some()
    }

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
    pub(crate) fn new(
        catalogue: &Catalogue,
        inventories: &[Inventory],
        files: &Files<'_>,
        options: &Options,
    ) -> Option<Self> {
        let mut names = Names::default();
        names.read_records(inventories);
        let raw = names.read_paths(catalogue, inventories, options)?;
        let folders = names.read_other_names(inventories);
        let (mut identities, entity_of_key) = names.into_identities(catalogue);
        identities.folders = folders;
        let nested = exports::nested(&identities.entities, inventories);
        identities.folders.extend(nested);
        let written = Written::new(raw, &entity_of_key, identities.entities.len());
        identities.place_given();
        identities.infer(catalogue, files, &written, options)?;
        identities.find_mounted(inventories, files);
        identities.find_all_mounted(files, &written);
        identities.find_contradictions(catalogue, inventories, files, &written);
        identities.name_roots(catalogue);
        Some(identities)
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
        let mut names = vec![(writer, path.clone())];
        let mut tried = 0;
        while let Some((by, name)) = names.get(tried).cloned() {
            match self.place_as_written(by, &name) {
                Place::Elsewhere => names.extend(self.other_names(by, &name, &names)),
                Place::Roots(roots) if by != writer && self.is_word_of_nobody(by, &name) => {
                    return Place::Perhaps(roots);
                }
                place => return place,
            }
            tried += 1;
        }
        Place::Elsewhere
    }

    /// The names of a path that are not among the known ones, each in the words of whoever tells it.
    fn other_names(
        &self,
        writer: Writer,
        path: &StoragePath,
        known: &[(Writer, StoragePath)],
    ) -> Vec<(Writer, StoragePath)> {
        let means = |folder: &&OtherFolder| match (&folder.from.mount, &path.mount) {
            // The files of one folder come from one source: a drive letter without a host is the one that it told of.
            (Some(from), Some(mount)) if folder.writer == writer => same_mount(from, mount),
            // A share, and the drive of a host, is the same whoever names it: a file server tells its own in its own export.
            (Some(from), Some(mount)) if from == mount => {
                is_of_everybody(from) || writer == Writer::File && !is_drive_of_nobody(Some(from))
            }
            _ => false,
        };
        let of_writer = self.folders.iter().filter(means);
        of_writer
            .filter_map(|folder| {
                let below = strip(&path.parts, &folder.from.parts, folder.from.windows)?;
                let name = StoragePath {
                    mount: folder.to.mount.clone(),
                    parts: [folder.to.parts.as_slice(), &below].concat(),
                    ..path.clone()
                };
                let by = if writer == Writer::File { writer } else { folder.writer };
                Some((by, name))
            })
            .filter(|name| !known.contains(name))
            .take(MAX_OTHER_NAMES.saturating_sub(known.len()))
            .collect()
    }

    /// True for a local name that no list of its writer explains, such as the cluster volume below a share of a file server:
    /// every cluster has its `Volume1`.
    fn is_word_of_nobody(&self, writer: Writer, path: &StoragePath) -> bool {
        let mount = path.mount.as_ref();
        mount.is_some_and(|mount| !is_of_everybody(mount) && self.entity(writer, mount).is_none())
    }

    /// True for two mounts of different datastores, as far as volume ids, drives of hosts and the roots that hold them tell.
    pub(crate) fn are_two(&self, one: (Writer, &Mount), other: (Writer, &Mount)) -> bool {
        if let (
            Mount::Drive {
                host: Some(host),
                letter,
            },
            Mount::Drive {
                host: Some(twin),
                letter: other,
            },
        ) = (one.1, other.1)
        {
            return host != twin || letter != other;
        }
        let (Some(one), Some(other)) = (self.entity(one.0, one.1), self.entity(other.0, other.1)) else {
            return false;
        };
        let (left, right) = (&self.entities[one], &self.entities[other]);
        let has_id = |entity: &Entity| {
            let mut names = entity.names.iter();
            names.any(|(_, mount)| matches!(mount, Mount::VolumeId(_) | Mount::VolumeGuid(_)))
        };
        let held = |entity: &Entity| entity.roots.iter().map(|(root, _)| *root).collect::<BTreeSet<_>>();
        let (left_roots, right_roots) = (held(left), held(right));
        let on_other_roots = !left_roots.is_empty() && !right_roots.is_empty() && left_roots.is_disjoint(&right_roots);
        one != other && (has_id(left) && has_id(right) || on_other_roots)
    }

    /// Where a path leads by the name that it is written with.
    fn place_as_written(&self, writer: Writer, path: &StoragePath) -> Place {
        let Some(mount) = &path.mount else {
            return Place::Elsewhere;
        };
        if let Some(entity) = self.entity(writer, mount).map(|index| &self.entities[index]) {
            let below: Vec<_> = entity.below_roots(path, mount.is_windows()).collect();
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
                roots.extend(entity.below_roots(path, mount.is_windows()));
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

    /// Gives a root a datastore, and with it every other root that is the same folder or lies in it.
    fn give(&mut self, entity: usize, root: usize, folder: Vec<String>) {
        let place = self.roots[root].same_folder_as;
        for (other, identity) in self.roots.iter_mut().enumerate() {
            let way = if identity.same_folder_as == place {
                &[]
            } else if let Some(way) = identity.way_from(root) {
                way
            } else {
                continue;
            };
            let entity_roots = &mut self.entities[entity].roots;
            if !entity_roots.iter().any(|(held, _)| *held == other) {
                entity_roots.push((other, [folder.as_slice(), way].concat()));
                identity.entities.push(entity);
            }
        }
    }

    /// Places the datastores that no alias names, by what resolves, best evidence first.
    fn infer(&mut self, catalogue: &Catalogue, files: &Files<'_>, written: &Written, options: &Options) -> Option<()> {
        let propose = |(index, entity): (usize, &Entity)| {
            options.go_on()?;
            if !entity.roots.is_empty() {
                return None;
            }
            let fitting = entity.folders_above(written, index).into_iter().filter_map(|above| {
                let score = |root: usize| {
                    let mut configs = written.confirmed(index, root, &above, files);
                    if configs.any(|config| self.is_left_behind(index, config, files)) {
                        Score::default()
                    } else {
                        written.score(index, root, &above, files)
                    }
                };
                let scores: Vec<Score> = (0..catalogue.roots.len()).map(score).collect();
                let (score, entity, root) = self.best_root(index, &scores, written)?;
                Some((score, entity, root, above))
            });
            // The best score, and of those the fewest folders above.
            fitting.min_by_key(|(score, .., above)| (std::cmp::Reverse(*score), above.len()))
        };
        let entities = self.entities.par_iter().enumerate();
        let mut proposals: Vec<_> = entities.filter_map(propose).collect();
        options.go_on()?;
        proposals.sort_by(|a, b| b.cmp(a));
        for (score, entity, root, above) in proposals {
            let Some(root) = root else {
                self.entities[entity].ambiguous = true;
                continue;
            };
            if self.contradicts(entity, root, written) {
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
        Some(())
    }

    /// A cluster volume is a folder below `C:\ClusterStorage` of every node (H-B1): where no root is the volume, one that is the
    /// system drive of a node, or that folder of it, may hold it.
    fn find_mounted(&mut self, inventories: &[Inventory], files: &Files<'_>) {
        let given = self
            .given
            .iter()
            .map(|(alias, root)| (alias.mount.clone(), *root, alias.parts.clone()));
        let told = self.entities.iter().flat_map(|entity| {
            let mounts = entity.names.iter().map(|(_, mount)| mount);
            let roots = |mount: &Mount| {
                let roots = entity.roots.iter().cloned();
                let mount = mount.clone();
                roots
                    .map(move |(root, folder)| (Some(mount.clone()), root, folder))
                    .collect::<Vec<_>>()
            };
            mounts.flat_map(roots).collect::<Vec<_>>()
        });
        let drives: Vec<(Option<String>, usize, Vec<String>)> = given
            .chain(told)
            .filter_map(|(mount, root, folder)| system_drive(mount?, folder).map(|(host, folder)| (host, root, folder)))
            .collect();
        for entity in self.entities.iter_mut().filter(|entity| entity.roots.is_empty()) {
            let volume = entity.names.iter().find_map(|(_, mount)| match mount {
                Mount::ClusterVolume(name) => Some([CLUSTER_STORAGE.to_owned(), name.clone()]),
                _ => None,
            });
            let Some(volume) = volume else { continue };
            let found = drives
                .iter()
                .filter(|(host, ..)| entity.is_of_cluster_with(host.as_deref(), inventories));
            let found = found.filter_map(|(_, root, folder)| {
                let way = strip(&volume, folder, true).filter(|way| !way.is_empty())?;
                Some((*root, files.spelled_folder(*root, &way)?))
            });
            let mut within: Vec<_> = found.collect();
            within.sort();
            within.dedup();
            entity.within = within;
        }
    }

    /// A root of which nothing is known, and in which cluster volumes are folders by their names and by what is written about them:
    /// it is the folder of the volumes. One folder may be a copy.
    fn find_all_mounted(&mut self, files: &Files<'_>, written: &Written) {
        let unknown = (0..self.roots.len()).filter(|&root| {
            let identity = &self.roots[root];
            identity.identity == Identity::Unknown && identity.entities.is_empty() && identity.same_folder_as == root
        });
        let unknown: Vec<usize> = unknown.collect();
        let volume = |entity: &Entity| {
            let is_placed = !entity.roots.is_empty() || !entity.within.is_empty();
            let mut names = entity.names.iter().filter(|_| !is_placed);
            names.find_map(|(_, mount)| match mount {
                Mount::ClusterVolume(name) => Some(name.clone()),
                _ => None,
            })
        };
        let volumes = self.entities.iter().enumerate();
        let volumes: Vec<(usize, String)> = volumes.filter_map(|(entity, of)| Some((entity, volume(of)?))).collect();
        for root in unknown {
            let way = |(entity, name): &(usize, String)| {
                let folder = written.folder_of(*entity, root, files)?;
                let way = files.spelled_folder(root, std::slice::from_ref(&folder))?;
                (folder == *name).then_some((*entity, way))
            };
            let found: Vec<(usize, Vec<String>)> = volumes.iter().filter_map(way).collect();
            let is_free = |(entity, _): &(usize, Vec<String>)| self.entities[*entity].within.is_empty();
            if found.len() < 2 || !found.iter().all(is_free) {
                continue;
            }
            for (entity, way) in found {
                self.entities[entity].within.push((root, way));
            }
            self.roots[root].identity = Identity::Inferred;
            let basis = r"its folders are volumes of a cluster, by their names and by what is written about them: C:\ClusterStorage";
            basis.clone_into(&mut self.roots[root].basis);
        }
    }

    /// The only root that fits best; `None` inside when two fit equally.
    fn best_root(&self, entity: usize, scores: &[Score], written: &Written) -> Option<(Score, usize, Option<usize>)> {
        let best = *scores.iter().max()?;
        let total = written.total(entity);
        // Roots that are one folder are one answer.
        let is_first = |root: usize| self.roots[root].same_folder_as == root;
        let mut fitting = (0..scores.len()).filter(|&root| scores[root] == best && is_first(root));
        let root = fitting.next();
        let root = if fitting.next().is_some() { None } else { root };
        // The name that the user gave counts for more than files that have the same place elsewhere.
        let is_given = |root: usize| self.roots[root].identity == Identity::Given;
        let is_enough = |root: usize| match (is_given(root), self.is_given_as(root, entity)) {
            (true, true) => best.is_likely(total),
            // Of a name that nobody knows nothing tells that the other names of its root are those of its datastore.
            (true, false) if self.roots[root].entities.is_empty() => best.is_strong(total),
            _ => best.is_enough(total),
        };
        let fits = root.map_or_else(|| best.is_likely(total), is_enough);
        fits.then_some((best, entity, root))
    }

    /// True where the user named the root by a name of the entity, which others may have as well.
    fn is_given_as(&self, root: usize, entity: usize) -> bool {
        let mut given = self.given.iter().filter(|(_, of)| *of == root);
        given.any(|(alias, _)| {
            let names = self.entities[entity].names.iter();
            let mut mounts = names.map(|(_, name)| name);
            alias
                .mount
                .as_ref()
                .is_some_and(|mount| mounts.any(|name| same_mount(name, mount)))
        })
    }

    /// H-D15: a configuration that bears the id of a VM which is registered on a datastore, and names its disks on its own root by
    /// another name than that: a move left it there. What Hyper-V tells of a VM are the paths in its configuration.
    pub(crate) fn is_left_behind(&self, registered: usize, config: NodeId, files: &Files<'_>) -> bool {
        let node = files.nodes[config];
        let references = node.evidence().map_or(&[][..], |evidence| &evidence.references);
        let disks = references.iter().filter(|reference| reference.role == Role::Disk);
        let disks: Vec<StoragePath> = disks
            .filter_map(|disk| match parse(disk.target.as_str()) {
                Parsed::Path(path) if path.windows && path.mount.is_some() => Some(path),
                _ => None,
            })
            .collect();
        let names = || self.entities[registered].names.iter().map(|(_, name)| name);
        let is_there = |path: &StoragePath| {
            let mut mounts = names();
            path.mount
                .as_ref()
                .is_some_and(|mount| mounts.any(|name| same_mount(name, mount)))
        };
        let lies_beside = |path: &StoragePath| {
            let placed = self.place(Writer::File, path);
            let by_name =
                matches!(placed, Place::Roots(roots) if roots.iter().any(|(root, _)| *root == node.entry.root));
            by_name
                || matches!(
                    files.find(node.entry.root, path.relative().as_bytes()),
                    Lookup::Found { .. }
                )
        };
        !disks.iter().any(is_there) && disks.iter().any(lies_beside)
    }

    /// A root is one datastore: one writer has one name of each kind for it. A share has many (H-B2); but what lies on one share
    /// where a list has it on another may be left from a move, where nothing on the root names that other.
    fn contradicts(&self, entity: usize, root: usize, written: &Written) -> bool {
        let may_be_two = |writer: Writer, mount: &Mount, other_writer: Writer, other: &Mount| {
            let is_named = || written.is_named_on(entity, root);
            writer == other_writer
                && std::mem::discriminant(mount) == std::mem::discriminant(other)
                && mount != other
                && !(matches!(mount, Mount::Share { .. }) && is_named())
        };
        let held = self.roots[root].entities.iter();
        let mut held = held.flat_map(|&held| &self.entities[held].names);
        held.any(|(writer, mount)| {
            let mut names = self.entities[entity].names.iter();
            names.any(|(other_writer, other)| may_be_two(*writer, mount, *other_writer, other))
        })
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
            let record = &catalogue.roots[index];
            root.name = name_given(record).or(label).unwrap_or_else(|| name_of_folder(record));
            let mut aliases: BTreeSet<String> = catalogue.roots[index].aliases.iter().cloned().collect();
            for &entity in &root.entities {
                aliases.extend(self.entities[entity].names.iter().map(|(_, mount)| mount.to_string()));
            }
            root.aliases = aliases.into_iter().collect();
            if root.identity == Identity::Unknown
                && !root.entities.is_empty()
                && let Some(overlap) = overlap(catalogue, index, root)
            {
                root.identity = Identity::Inferred;
                root.basis = overlap;
            }
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

/// Which other root this one is, or lies in.
pub(crate) fn overlap(catalogue: &Catalogue, index: usize, root: &RootIdentity) -> Option<String> {
    let (other, how) = match root.inside.first() {
        _ if root.same_folder_as != index => (root.same_folder_as, "is the same folder as the root"),
        Some((outer, _)) => (*outer, "lies inside the root"),
        None => return None,
    };
    Some(format!("it {how} {}", catalogue.roots[other].path.lossy()))
}

/// What the user calls the datastore that a root is.
fn name_given(root: &RootRecord) -> Option<String> {
    root.aliases.first().map(|alias| given_name(alias))
}

fn name_of_folder(root: &RootRecord) -> String {
    String::from_utf8_lossy(root.path.name()).into_owned()
}

/// What to call the datastore that a root is where nobody has looked which one it is.
pub(crate) fn name_unasked(root: &RootRecord) -> String {
    name_given(root).unwrap_or_else(|| name_of_folder(root))
}

/// The short form of an alias for titles: the label without brackets, a path as it was given.
fn given_name(alias: &str) -> String {
    match parse_alias(alias).and_then(|path| path.mount.map(|mount| (mount, path.parts))) {
        Some((Mount::Label(label), parts)) if parts.is_empty() => label,
        _ => alias.trim_end_matches(['\\', '/']).to_owned(),
    }
}

impl Entity {
    /// Where a path of it lies: on the roots that are it, else in those that hold it as a folder.
    fn below_roots(&self, path: &StoragePath, windows: bool) -> impl Iterator<Item = (usize, Vec<String>)> {
        let roots = self.roots.iter();
        let roots = roots.filter_map(move |(root, folder)| Some((*root, strip(&path.parts, folder, windows)?)));
        let within = self.within.iter();
        roots.chain(within.map(|(root, way)| (*root, [way.as_slice(), &path.parts].concat())))
    }

    /// True where the drive of a host may be that of a node of its cluster: an inventory that names the volume knows the host, or
    /// no hosts at all.
    fn is_of_cluster_with(&self, host: Option<&str>, inventories: &[Inventory]) -> bool {
        let Some(host) = host else { return true };
        let speaks = |inventory: &Inventory| {
            let listed = inventory.hosts.iter().map(|host| host.name.as_str());
            let missing = inventory.missing_hosts.iter().map(String::as_str);
            let mut known = listed.chain(missing).peekable();
            known.peek().is_none() || known.any(|known| short_host(known) == host)
        };
        self.names.iter().any(|(writer, _)| match writer {
            Writer::Inventory(index) => speaks(&inventories[*index]),
            Writer::File => false,
        })
    }

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

/// Folder of the system drive in which every node of a cluster has its shared volumes.
const CLUSTER_STORAGE: &str = "ClusterStorage";

/// The host of a system drive, and the folder of it that is meant. Windows shares that of the cluster volumes as
/// `ClusterStorage$` too.
fn system_drive(mount: Mount, folder: Vec<String>) -> Option<(Option<String>, Vec<String>)> {
    match mount {
        Mount::Drive { host, letter: 'C' } => Some((host, folder)),
        Mount::Share { server, share } if share == "clusterstorage$" => {
            Some((Some(server), [vec![CLUSTER_STORAGE.to_owned()], folder].concat()))
        }
        _ => None,
    }
}

/// True for what is the same place whoever names it.
fn is_of_everybody(mount: &Mount) -> bool {
    mount.is_global() || matches!(mount, Mount::Drive { host: Some(_), .. })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The way from one root down to another, both on one device of one machine.
    fn way(outer: &str, inner: &str) -> Option<String> {
        let root = |path: &str| RootRecord {
            path: "ds1".into(),
            absolute: Some(path.into()),
            device: Some(1),
            ..RootRecord::default()
        };
        let catalogue = Catalogue::new(vec![root(outer), root(inner)]);
        assert_eq!(outer_roots(&catalogue, 0), [], "{outer} lies in no other");
        let outer_roots = outer_roots(&catalogue, 1).into_iter();
        outer_roots
            .map(|(root, folders)| (root, folders.join("/")))
            .find_map(|(root, way)| (root == 0).then_some(way))
    }

    #[test]
    fn a_root_lies_in_another_by_the_rules_of_the_machine_that_saw_them() {
        for (outer, inner) in [
            ("/mnt/ds1", "/mnt/ds1/old/Web"),
            ("/mnt/ds1/", "/mnt/ds1//old/Web/"),
            ("/", "/old/Web"),
            ("D:/VMs", "D:/VMs/old/Web"),
            (r"D:\VMs\", "d:/vms/old/Web"),
            (r"\\?\D:\VMs", r"D:\VMs\old\Web"),
            ("D:/VMs", r"\\?\d:\vms\old\Web"),
            ("D:/", "D:/old/Web"),
            (r"\\?\UNC\nas\vms", "//NAS/VMs/old/Web"),
            ("//nas/vms", r"\\?\UNC\NAS\vms\old\Web"),
            (
                "//?/Volume{26a21bda-a627-11d7-9931-806e6f6e6963}/",
                "//?/volume{26A21BDA-a627-11d7-9931-806e6f6e6963}/old/Web",
            ),
        ] {
            assert_eq!(way(outer, inner).as_deref(), Some("old/Web"), "{outer} {inner}");
        }
        for (outer, inner) in [
            ("/mnt/ds1", "/mnt/ds10/old"),
            ("/mnt/ds1", "/mnt/DS1/old"),
            ("/mnt/ds1", r"/mnt/ds1\old"),
            ("D:/VMs", "D:/VMs2/old"),
            ("D:/VMs", "E:/VMs/old"),
            ("D:/VMs", "//nas/VMs/old"),
            // From where they were given is not told.
            ("ds1", "ds1/old"),
        ] {
            assert_eq!(way(outer, inner), None, "{outer} {inner}");
        }
    }
}
