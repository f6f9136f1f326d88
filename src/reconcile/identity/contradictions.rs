//! Aliases that the files of their root speak against.
//!
//! An alias is the user's word, and words can be mixed up: the alias of one datastore is given to another, or a folder of a
//! datastore is given as its top. Where what is written about the datastore is not where the alias has it, and the files of
//! the root say what it is instead, nothing there is judged.

use std::collections::BTreeSet;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::{
    Identities,
    hosts::other_domain,
    is_of_everybody, same_mount,
    written::{FOLDERS_ENOUGH, Written},
};
use crate::{
    catalogue::Catalogue,
    inventory::Inventory,
    path::{Mount, fold},
    reconcile::{coverage::is_made_by_hyperv, files::Files},
    report::model::Identity,
    words::count,
};

impl Identities {
    /// Notes for each root what speaks against its alias.
    pub(super) fn find_contradictions(
        &mut self,
        catalogue: &Catalogue,
        inventories: &[Inventory],
        files: &Files<'_>,
        written: &Written,
    ) {
        let roots = (0..self.roots.len()).into_par_iter();
        let found: Vec<Option<String>> = roots
            .map(|root| {
                let aliases = &catalogue.roots[root].aliases;
                let found = self.contradiction(root, files, written);
                let found = found.or_else(|| self.other_id(root));
                let found = found.or_else(|| self.other_machine(root, (aliases, inventories), files, written));
                found.or_else(|| self.too_little_found(root, files, written))
            })
            .collect();
        for (root, found) in self.roots.iter_mut().zip(found) {
            root.contradiction = found;
        }
    }

    /// The alias gives a volume the id of another. The ids of NFS are made of what each host was told of the server.
    fn other_id(&self, root: usize) -> Option<String> {
        let is_id = |mount: &&Mount| match mount {
            Mount::VolumeGuid(_) => true,
            Mount::VolumeId(id) => id.matches('-').count() > 1,
            _ => false,
        };
        let aliases = self.given.iter().filter(|(_, of)| *of == root);
        let aliases = aliases.filter_map(|(alias, _)| alias.mount.as_ref());
        let ids: Vec<&Mount> = aliases.filter(is_id).collect();
        let is_of_kind = |one: &Mount, other: &Mount| std::mem::discriminant(one) == std::mem::discriminant(other);
        let held = self.roots[root].entities.iter();
        held.map(|&entity| &self.entities[entity]).find_map(|entity| {
            let own: Vec<&Mount> = entity.names.iter().map(|(_, name)| name).filter(is_id).collect();
            let given = ids
                .iter()
                .find(|id| own.iter().any(|name| is_of_kind(name, id)) && !own.contains(id))?;
            let known = own.iter().find(|name| is_of_kind(name, given))?;
            let has_right = ids.iter().any(|id| own.contains(id));
            (!has_right).then(|| {
                format!(
                    "the alias says {} with the id {given}, and the inventories give it the id {known}",
                    entity.title()
                )
            })
        })
    }

    /// The alias names a machine by another full name than all lists: two domains have machines of one short name. One server may
    /// have two full names as well: what is found here, with the id of a VM or in several folders, says that.
    fn other_machine(
        &self,
        root: usize,
        (aliases, inventories): (&[String], &[Inventory]),
        files: &Files<'_>,
        written: &Written,
    ) -> Option<String> {
        let given = &self.roots[root].entities;
        let other = other_domain(aliases, inventories).filter(|_| !given.is_empty())?;
        let is_found = given.iter().any(|&entity| {
            let score = written.score(entity, root, self.folder_given(entity, root), files);
            score.is_strong(written.total(entity))
        });
        (!is_found).then(|| {
            format!(
                "the alias names {}, and the inventories know {} alone: these are two machines, or two names of one",
                other.given, other.known
            )
        })
    }

    fn contradiction(&self, root: usize, files: &Files<'_>, written: &Written) -> Option<String> {
        let given = &self.roots[root].entities;
        let here = |entity: usize| written.score(entity, root, self.folder_given(entity, root), files);
        let is_found = given
            .iter()
            .any(|&entity| here(entity).is_likely(written.total(entity)));
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
        if let Some(other) = self.holding_root(root, files, written) {
            return Some(format!(
                "the alias says {titles}, and what is written about that is found in another root ({}) rather than here",
                files.root_path(other)
            ));
        }
        let mut given = given.iter();
        let folder = given.find_map(|&entity| self.other_folder(entity, root, files, written));
        folder.or_else(|| {
            let other = self.other_content(root, files, written)?;
            Some(format!("the alias says {titles}, and {other}"))
        })
    }

    /// What a root is by the paths of its files, of whose datastore nothing is where it should be.
    fn other_content(&self, root: usize, files: &Files<'_>, written: &Written) -> Option<String> {
        let given = &self.roots[root].entities;
        let here = |entity: usize| written.score(entity, root, self.folder_given(entity, root), files);
        if given.iter().any(|&entity| here(entity).found > 0) {
            return None;
        }
        let unplaced = (0..self.entities.len()).filter(|&entity| self.entities[entity].roots.is_empty());
        let unplaced: Vec<usize> = unplaced.collect();
        let is_here = |&&entity: &&usize| here(entity).is_likely(written.total(entity));
        if let Some(&entity) = unplaced.iter().find(is_here) {
            let title = self.entities[entity].title();
            return Some(format!("what is written about {title} is found here rather than that"));
        }
        let mut below = given.iter().chain(&unplaced);
        let (entity, folder) = below.find_map(|&entity| Some((entity, written.folder_of(entity, root, files)?)))?;
        let title = self.entities[entity].title();
        Some(format!(
            "what is written about {title} is found below its folder {folder}"
        ))
    }

    /// Another root in which enough of what is written about the datastores of this one is found.
    fn holding_root(&self, root: usize, files: &Files<'_>, written: &Written) -> Option<usize> {
        let place = self.roots[root].same_folder_as;
        let mut others = (0..self.roots.len()).filter(|&other| self.roots[other].same_folder_as != place);
        others.find(|&other| {
            let enough = |&entity: &usize| {
                let score = written.score(entity, other, self.folder_given(entity, other), files);
                score.is_likely(written.total(entity))
            };
            self.roots[root].entities.iter().any(enough)
        })
    }

    /// The folder of a datastore that a root is, as its alias says.
    fn folder_given(&self, entity: usize, root: usize) -> &[String] {
        let mut roots = self.entities[entity].roots.iter();
        roots
            .find(|(held, _)| *held == root)
            .map_or(&[], |(_, folder)| folder.as_slice())
    }

    /// What is written about a folder of the datastore is found at the top of the root, and what the alias makes of it is not:
    /// the root is that folder.
    fn other_folder(&self, entity: usize, root: usize, files: &Files<'_>, written: &Written) -> Option<String> {
        let folder = written.folder_at_top(entity, root, self.folder_given(entity, root), files)?;
        let title = self.entities[entity].title();
        let mut names = self.entities[entity].names.iter().map(|(_, mount)| mount);
        let alias = match names.find(|mount| matches!(mount, Mount::Label(_))) {
            Some(label) => format!("[{label}] {folder}"),
            None => format!("{title}/{folder}"),
        };
        Some(if folder.is_empty() {
            format!(
                "the alias says that it is a folder of {title}, and what is written about the top of that is found here"
            )
        } else {
            format!(
                "the alias says {title}, and what is written about its folder {folder} is found at the top of this root: it seems to be that \
                 folder and not the whole datastore ({alias}=…)"
            )
        })
    }

    /// Every cluster has a `Volume1` and every host a `datastore1`: where files are listed and none of them is in the root, or few
    /// and of no VM that its id confirms, nor a configuration with the id of one of their VMs, the name fits and the datastore is
    /// another. That few of many are there, or that few are listed at all, may be the work of a clean-up: it speaks only against a
    /// name that says nothing more, where configurations of other VMs are there, or, where none is found, disks lie at the top.
    fn too_little_found(&self, root: usize, files: &Files<'_>, written: &Written) -> Option<String> {
        let given = &self.roots[root].entities;
        if self.roots[root].identity != Identity::Given || given.is_empty() {
            return None;
        }
        let above = |entity: usize| self.folder_given(entity, root);
        let mut folders: BTreeSet<Vec<String>> = BTreeSet::new();
        let (mut listed, mut found) = (0, 0);
        for &entity in given {
            let score = written.score(entity, root, above(entity), files);
            if score.own_folder > 0 || score.is_confirmed() || score.has_configs() && !written.has_ids(entity) {
                return None;
            }
            folders.extend(written.folders_below(entity, above(entity)));
            listed += written.total_below(entity, above(entity));
            found += score.found;
        }
        if folders.is_empty() || found > 0 && found * 2 >= listed {
            return None;
        }
        let here = files.of_root(root).iter().map(|&node| (node, files.nodes[node]));
        let mut of_vms = here.filter(|(_, node)| node.kind().is_config() || node.kind().is_disk());
        of_vms.clone().next()?;
        let are_few = folders.len() < FOLDERS_ENOUGH;
        let is_left = |folder: &Vec<String>| files.spelled_folder(root, home_of(folder)).is_some();
        let has_others = || of_vms.clone().any(|(_, node)| node.kind().is_config());
        let may_be_gone = || self.is_given_for_sure(root) || !has_others() || are_few && folders.iter().any(is_left);
        // As they do in the folder of a VM rather than on a datastore.
        let is_top = given.iter().all(|&entity| above(entity).is_empty());
        let lies_at_top = found == 0 && is_top && of_vms.clone().any(|(_, node)| node.folder().is_empty());
        if (are_few || found > 0) && !lies_at_top && may_be_gone() {
            return None;
        }
        if of_vms.any(|(node, _)| given.iter().any(|&entity| written.has_id_of(entity, files, node))) {
            return None;
        }
        let titles: Vec<String> = given.iter().map(|&entity| self.entities[entity].title()).collect();
        let there = match found {
            0 => "none is here".to_owned(),
            found => format!("only {} here, of no VM that its id confirms", count(found, "is", "are")),
        };
        let why = if lies_at_top {
            "it may be a folder of that datastore, for disks or configurations lie at its top"
        } else {
            "another datastore may have that name"
        };
        Some(format!(
            "the alias says {}, and of the files that are listed there, in {}, {there}: {why}",
            titles.join(", "),
            count(folders.len(), "folder", "folders"),
        ))
    }

    /// True where an alias of a root is more than a name that every site has: an id, a share, the drive of a host.
    fn is_given_for_sure(&self, root: usize) -> bool {
        let held = self.roots[root].entities.iter();
        let names: Vec<&Mount> = held
            .flat_map(|&entity| &self.entities[entity].names)
            .map(|(_, name)| name)
            .collect();
        let mut aliases = self.given.iter().filter(|(_, of)| *of == root);
        aliases.any(|(alias, _)| {
            let mount = alias.mount.as_ref();
            mount.is_some_and(|mount| is_of_everybody(mount) && names.iter().any(|name| same_mount(name, mount)))
        })
    }
}

/// The folder of a VM, above the one that Hyper-V makes in it.
fn home_of(folder: &[String]) -> &[String] {
    match folder {
        [above @ .., last] if !above.is_empty() && is_made_by_hyperv(&fold(last)) => above,
        _ => folder,
    }
}
