//! Where a path leads by the names of datastores, folders and shares that it is written with.

use std::collections::BTreeSet;

use super::{Entity, Identities, OtherFolder, Place, Writer, is_drive_of_nobody, is_of_everybody, same_mount, strip};
use crate::path::{Mount, StoragePath};

/// Most names of one folder that are tried after each other.
const MAX_OTHER_NAMES: usize = 64;

impl Identities {
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
}
