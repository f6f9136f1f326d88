//! Which roots are tied to which datastores: by the aliases that were given, and by what resolves in them.

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use super::{
    Entity, Identities, Place, Writer, same_mount, strip,
    written::{Score, Written},
};
use crate::{
    catalogue::Catalogue,
    inventory::Inventory,
    kind::Role,
    path::{Mount, Parsed, StoragePath, parse},
    reconcile::{
        Options,
        files::{Files, Lookup, NodeId},
    },
    report::model::Identity,
};

impl Identities {
    /// Gives the roots the datastores that their aliases name.
    pub(super) fn place_given(&mut self) {
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
    pub(super) fn infer(
        &mut self,
        catalogue: &Catalogue,
        files: &Files<'_>,
        written: &Written,
        options: &Options,
    ) -> Option<()> {
        let propose = |(index, entity): (usize, &Entity)| {
            options.go_on()?;
            if !entity.roots.is_empty() {
                return None;
            }
            let fitting = entity.folders_above(written, index).into_iter().filter_map(|above| {
                let score = |root: usize| {
                    let (score, configs) = written.score_and_configs(index, root, &above, files);
                    let mut configs = configs.into_iter();
                    if score.is_confirmed() && configs.any(|config| self.is_left_behind(index, config, files)) {
                        Score::default()
                    } else {
                        score
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
    pub(super) fn find_mounted(&mut self, inventories: &[Inventory], files: &Files<'_>) {
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
    pub(super) fn find_all_mounted(&mut self, files: &Files<'_>, written: &Written) {
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
