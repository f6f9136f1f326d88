//! Which folders of a tree are done and which are not, told by the folders that are.
//!
//! Every folder that is done names the folders in it. Folders are done in no order: one may be before the folder that
//! holds it.

use std::collections::HashSet;

use super::{FolderRecord, Issue};
use crate::raw::RawPath;

/// A folder of a root.
pub(crate) type Place = (usize, RawPath);

/// The folders that are not done, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Places {
    /// Found, and not done.
    pub(crate) open: HashSet<Place>,
    /// Done before the folder that holds them.
    pub(crate) early: HashSet<Place>,
}

impl Places {
    /// Nothing is done in so many roots.
    pub(crate) fn of_roots(count: usize) -> Self {
        Self {
            open: (0..count).map(|root| (root, RawPath::default())).collect(),
            early: HashSet::new(),
        }
    }

    /// True for the issue of a folder that is not done, and of anything but a folder.
    pub(crate) fn is_open(&self, issue: &Issue) -> bool {
        let is_open = |root| self.open.contains(&(root, issue.path.clone()));
        !issue.folder || issue.root.is_none_or(is_open)
    }

    /// A folder is done.
    pub(crate) fn close(&mut self, folder: &FolderRecord) {
        for name in &folder.folders {
            let inner = (folder.root, folder.path.join(name.as_bytes()));
            if !self.early.remove(&inner) {
                self.open.insert(inner);
            }
        }
        let place = (folder.root, folder.path.clone());
        if !self.open.remove(&place) {
            self.early.insert(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(path: &str, folders: &[&str]) -> FolderRecord {
        FolderRecord {
            path: path.into(),
            folders: folders.iter().map(|name| RawPath::from(*name)).collect(),
            ..FolderRecord::default()
        }
    }

    fn paths(places: &HashSet<Place>) -> Vec<String> {
        let mut paths: Vec<String> = places.iter().map(|(_, path)| path.lossy().into_owned()).collect();
        paths.sort();
        paths
    }

    #[test]
    fn what_is_left_is_what_was_found_and_not_done() {
        let mut places = Places::of_roots(1);
        places.close(&done("", &["a", "b"]));
        places.close(&done("a", &["c"]));
        assert_eq!(paths(&places.open), ["a/c", "b"]);
        assert_eq!(paths(&places.early), [""; 0]);
    }

    #[test]
    fn a_folder_may_be_done_before_the_one_that_holds_it() {
        let mut places = Places::of_roots(1);
        places.close(&done("a/b", &["c"]));
        assert_eq!(
            (paths(&places.open), paths(&places.early)),
            (vec![String::new(), "a/b/c".to_owned()], vec!["a/b".to_owned()])
        );
        places.close(&done("", &["a"]));
        places.close(&done("a", &["b"]));
        assert_eq!(
            (paths(&places.open), paths(&places.early)),
            (vec!["a/b/c".to_owned()], Vec::new())
        );
    }
}
