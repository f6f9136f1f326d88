//! Places that are there and were not looked at: folders that could not be listed, what `--exclude` left out, other file
//! systems, sockets and devices. What lies in them is not missing, and what could lie in them is not known.

use std::collections::BTreeSet;

use crate::{catalogue::Catalogue, path::fold};

/// All such places, by root.
#[derive(Debug)]
pub(crate) struct UnreadPlaces {
    /// Folded paths below each root.
    of_root: Vec<BTreeSet<String>>,
}

impl UnreadPlaces {
    /// Gathers what the crawl says that it did not look at.
    pub(crate) fn new(catalogue: &Catalogue) -> Self {
        let mut of_root = vec![BTreeSet::new(); catalogue.roots.len()];
        let unlisted = catalogue.issues.iter().filter(|issue| issue.folder);
        let unlisted = unlisted.filter_map(|issue| Some((issue.root?, &issue.path)));
        let roots = catalogue.roots.iter().enumerate();
        let skipped = roots.flat_map(|(root, record)| record.skipped.iter().map(move |skipped| (root, &skipped.path)));
        let specials = catalogue.specials.iter().filter(|special| special.target.is_none());
        let specials = specials.map(|special| (special.root, &special.path));
        for (root, path) in unlisted.chain(skipped).chain(specials) {
            of_root[root].insert(fold(&path.lossy()));
        }
        Self { of_root }
    }

    /// True for a path that is such a place or lies below one.
    pub(crate) fn holds(&self, root: usize, path: &[u8]) -> bool {
        let places = &self.of_root[root];
        if places.is_empty() {
            return false;
        }
        let path = fold(&String::from_utf8_lossy(path));
        let above = path.match_indices('/').map(|(end, _)| &path[..end]);
        std::iter::once("")
            .chain(above)
            .chain([path.as_str()])
            .any(|place| places.contains(place))
    }

    /// True for a folder that has such a place directly in it whose name ends so.
    pub(crate) fn has_in(&self, root: usize, folder: &[u8], end: &str) -> bool {
        let inner = fold(&String::from_utf8_lossy(folder));
        let above = |place: &str| place.rsplit_once('/').map_or("", |(above, _)| above) == inner;
        let mut places = self.of_root[root].iter();
        places.any(|place| place.ends_with(end) && above(place))
    }

    /// True for a folder that is such a place or has one directly in it.
    pub(crate) fn touch(&self, root: usize, folder: &[u8]) -> bool {
        let inner = fold(&String::from_utf8_lossy(folder));
        let above = |place: &String| place.rsplit_once('/').map_or("", |(above, _)| above) == inner;
        self.holds(root, folder) || self.of_root[root].iter().any(above)
    }
}
