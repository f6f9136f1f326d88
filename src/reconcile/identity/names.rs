//! The names of datastores in inventories and files, and which of them are one datastore's.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::{
    Entity, Identities, OtherFolder, RootIdentity, Writer, is_drive_of_nobody, outer_roots, same_folder,
    written::RawWritten,
};
use crate::{
    catalogue::{Artifact, Catalogue, RootRecord},
    inventory::{Inventory, Registration},
    kind::{Kind, Role},
    path::{Mount, Parsed, StoragePath, parse, parse_alias},
    reconcile::Options,
    report::model::Identity,
};

/// Collects names and ties together those of one datastore.
#[derive(Default)]
pub(super) struct Names {
    keys: Vec<(Writer, Mount)>,
    index: HashMap<(Writer, Mount), usize>,
    parent: Vec<usize>,
    labels: BTreeMap<usize, String>,
    records: Vec<(usize, (usize, usize))>,
}

/// So many VMs or files have their paths read at a time, all cores at it.
const READ_AT_ONCE: usize = 4096;

/// A path in a datastore as somebody writes it.
struct Named {
    mount: Mount,
    /// Below the top of the datastore, and not that.
    relative: String,
}

impl Named {
    /// `None` for a path that names no datastore, or nothing in it.
    fn parse(text: &str, host: Option<&str>) -> Option<Self> {
        let Parsed::Path(path) = parse(text) else { return None };
        let path = path.on_host(host);
        let mount = path.mount.clone().filter(|mount| *mount != Mount::HostRoot)?;
        (!path.parts.is_empty()).then(|| Self {
            mount,
            relative: path.relative(),
        })
    }
}

/// The files of a VM that do not come and go with its running, and its configuration.
fn paths_of_vm(vm: &Registration) -> (Vec<Named>, Option<Named>) {
    let host = vm.host.as_deref();
    let files = vm.files.iter().filter(|file| !file.role.is_transient());
    let files = files.filter_map(|file| Named::parse(&file.path, host));
    let config = vm.config.as_deref();
    (files.collect(), config.and_then(|text| Named::parse(text, host)))
}

/// What a file names on a datastore that every writer would call so.
fn paths_of_file(artifact: &Artifact) -> impl Iterator<Item = (&Artifact, Role, Named)> {
    artifact.evidence.references.iter().filter_map(move |reference| {
        let named = Named::parse(reference.target.as_str(), None)?;
        named.mount.is_global().then_some((artifact, reference.role, named))
    })
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
    pub(super) fn read_records(&mut self, inventories: &[Inventory]) {
        for (inventory, (number, record)) in inventories
            .iter()
            .enumerate()
            .flat_map(|(index, inventory)| std::iter::repeat(index).zip(inventory.datastores.iter().enumerate()))
        {
            let writer = Writer::Inventory(inventory);
            let mut keys = Vec::new();
            for mount in mounts_of_name(&record.name) {
                keys.push(self.key(writer, mount));
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
    pub(super) fn read_other_names(&mut self, inventories: &[Inventory]) -> Vec<OtherFolder> {
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
    pub(super) fn read_paths(
        &mut self,
        catalogue: &Catalogue,
        inventories: &[Inventory],
        options: &Options,
    ) -> Option<RawWritten> {
        let mut written = RawWritten::default();
        for (index, inventory) in inventories.iter().enumerate() {
            let writer = Writer::Inventory(index);
            for vms in inventory.vms.chunks(READ_AT_ONCE) {
                options.go_on()?;
                let named: Vec<_> = vms.par_iter().map(paths_of_vm).collect();
                for (vm, (files, config)) in vms.iter().zip(named) {
                    for file in files {
                        self.note(&mut written, writer, file);
                    }
                    if let Some(config) = config {
                        let place = self.note(&mut written, writer, config);
                        let ids = vm.instance_id.into_iter().chain(vm.bios_id);
                        written.ids.entry(place).or_default().extend(ids);
                    }
                }
            }
            let objects = inventory.objects.iter().filter(|object| !object.folder);
            let named = objects.filter_map(|object| Named::parse(object.path.as_deref()?, None));
            for path in named {
                self.note(&mut written, writer, path);
            }
        }
        for artifacts in catalogue.artifacts.chunks(READ_AT_ONCE) {
            options.go_on()?;
            let artifacts = artifacts.par_iter().filter(|artifact| artifact.kind != Kind::VmLog);
            let named: Vec<_> = artifacts.flat_map_iter(paths_of_file).collect();
            for (artifact, role, path) in named {
                self.note_of_file(&mut written, artifact, role, path);
            }
        }
        Some(written)
    }

    /// Notes a path that a file of a root names.
    fn note_of_file(&mut self, written: &mut RawWritten, artifact: &Artifact, role: Role, named: Named) {
        let key = self.key(Writer::File, named.mount.clone());
        written.named_on.insert((key, artifact.entry.root));
        // Disks are named absolutely when they lie elsewhere, in a folder of the same name as often as not; the swap
        // file is always named absolutely and lies with its VM (formats-vmware 2.3).
        let folder = named.relative.rsplit_once('/').map_or("", |(folder, _)| folder);
        if role == Role::Swap && !folder.is_empty() && folder.as_bytes() == artifact.entry.path.folder().as_bytes() {
            let own = (key, artifact.entry.root, folder.to_owned());
            written.own_folder.insert(own);
        }
        if !role.is_transient() {
            self.note(written, Writer::File, named);
        }
    }

    /// Notes a path, and tells under which key and path it is written.
    fn note(&mut self, written: &mut RawWritten, writer: Writer, named: Named) -> (usize, String) {
        let place = (self.key(writer, named.mount), named.relative);
        written.paths.push(place.clone());
        place
    }

    /// The entities, and for each key the entity that it became.
    pub(super) fn into_identities(mut self, catalogue: &Catalogue) -> (Identities, Vec<usize>) {
        let mut entities: Vec<Entity> = Vec::new();
        let mut entity_of_key = Vec::new();
        let mut of_root = BTreeMap::new();
        let mut by_name = HashMap::default();
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
        let labels: HashSet<&str> = self.labels.values().map(String::as_str).collect();
        let of_root = |(root, record): (usize, &RootRecord)| {
            let aliases = record.aliases.iter().filter_map(|alias| given_alias(alias, &labels));
            aliases.map(|alias| (alias, root)).collect::<Vec<_>>()
        };
        let given = catalogue.roots.iter().enumerate().flat_map(of_root).collect();
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
            inside: outer_roots(catalogue, index),
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

/// What the name of a datastore in a list means: its label as a rule. One in brackets alone may be meant with or without them.
fn mounts_of_name(name: &str) -> Vec<Mount> {
    if name.is_empty() {
        return Vec::new();
    }
    let whole = parse_alias(name).filter(|path| path.parts.is_empty());
    let mount = whole.and_then(|path| path.mount);
    let as_written = Mount::Label(name.to_owned());
    match mount {
        Some(mount) if name.starts_with('[') => vec![mount, as_written],
        Some(mount) => vec![mount],
        None => vec![as_written],
    }
}

/// An alias that the user gives a root. A label that an inventory has may look like a path: `[Prod] nfs01`.
fn given_alias(alias: &str, labels: &HashSet<&str>) -> Option<StoragePath> {
    let label = alias.trim();
    if !(label.starts_with('[') && labels.contains(label)) {
        return parse_alias(alias);
    }
    Some(StoragePath {
        mount: Some(Mount::Label(label.to_owned())),
        parts: Vec::new(),
        windows: false,
        folder: true,
    })
}
