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
mod places;
mod ties;
mod written;

use std::collections::BTreeSet;

use foldhash::HashMap;

use self::{names::Names, written::Written};
use super::{
    Options,
    files::{Files, below, with_slashes},
    links::is_absolute,
};
use crate::{
    catalogue::{Catalogue, RootRecord},
    inventory::Inventory,
    path::{Mount, StoragePath, fold, parse_alias, short_host},
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
