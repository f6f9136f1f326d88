//! Aliases that the files of their root speak against.
//!
//! An alias is the user's word, and words can be mixed up: the alias of one datastore is given to another, or a folder of a
//! datastore is given as its top. Where what is written about the datastore is not where the alias has it, and the files of
//! the root say what it is instead, nothing there is judged.

use super::{
    Identities,
    written::{FOLDERS_ENOUGH, Written},
};
use crate::{path::Mount, reconcile::files::Files, report::model::Identity, words::count};

impl Identities {
    /// Notes for each root what speaks against its alias.
    pub(super) fn find_contradictions(&mut self, files: &Files<'_>, written: &Written) {
        for root in 0..self.roots.len() {
            let found = self.contradiction(root, files, written);
            self.roots[root].contradiction = found.or_else(|| self.nothing_found(root, files, written));
        }
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

    /// Every cluster has a `Volume1` and every host a `datastore1`: where many files are listed and not one of them is in the root,
    /// nor a configuration with the id of one of their VMs, the name fits and the datastore is another. Of few files that holds
    /// where disks lie at the top of the root, as they do in the folder of a VM rather than on a datastore.
    fn nothing_found(&self, root: usize, files: &Files<'_>, written: &Written) -> Option<String> {
        let given = &self.roots[root].entities;
        if self.roots[root].identity != Identity::Given || given.is_empty() {
            return None;
        }
        let listed = |&entity: &usize| written.folders_below(entity, self.folder_given(entity, root));
        let folders: usize = given.iter().map(listed).sum();
        let is_found = |&entity: &usize| {
            let score = written.score(entity, root, self.folder_given(entity, root), files);
            score.found > 0 || score.own_folder > 0
        };
        if folders == 0 || given.iter().any(is_found) {
            return None;
        }
        let mut of_vms = files
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.entry.root == root && (node.kind().is_config() || node.kind().is_disk()));
        of_vms.clone().next()?;
        let is_top = given.iter().all(|&entity| self.folder_given(entity, root).is_empty());
        let lies_at_top = is_top && of_vms.clone().any(|(_, node)| node.folder().is_empty());
        if folders < FOLDERS_ENOUGH && !lies_at_top
            || of_vms.any(|(node, _)| given.iter().any(|&entity| written.has_id_of(entity, files, node)))
        {
            return None;
        }
        let titles: Vec<String> = given.iter().map(|&entity| self.entities[entity].title()).collect();
        let why = if lies_at_top {
            "it may be a folder of that datastore, for disks or configurations lie at its top"
        } else {
            "another datastore may have that name"
        };
        Some(format!(
            "the alias says {}, and of the files that are listed there, in {}, none is here: {why}",
            titles.join(", "),
            count(folders, "folder", "folders"),
        ))
    }
}
