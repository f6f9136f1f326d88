//! The walk from one owner through everything that it lists and what that refers to.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Bound,
};

use foldhash::{HashMap, HashSet};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use uuid::Uuid;

use super::{Missing, OwnerObject, OwnerVm, Owners, Via, VmsOf, World, is_off, is_owning, is_volume};
use crate::{
    evidence::Reference,
    inventory::RegisteredObject,
    kind::{Platform, Role},
    path::{Parsed, fold, parse},
    reconcile::{
        Options, companions,
        files::NodeId,
        resolve::{References, Target},
    },
};

/// Walks from every owner.
///
/// `None` where it is given up.
pub(crate) fn walk_all(
    world: World<'_>,
    references: &References,
    owners: &mut Owners,
    options: &Options,
) -> Option<()> {
    let walked = std::mem::take(&mut owners.vms).into_par_iter().filter_map(|vm| {
        options.go_on()?;
        let (mut touched, mut missing_disks) = Default::default();
        let mut walk = Walk::new(world, references, vm);
        walk.start(&mut touched, &mut missing_disks);
        walk.run();
        walk.old_labels();
        walk.run();
        Some((walk.finish(), touched, missing_disks))
    });
    let walked: Vec<_> = walked.collect();
    options.go_on()?;
    for (vm, touched, missing_disks) in walked {
        owners.vms.push(vm);
        owners.touched.extend(touched);
        owners.missing_disks.extend(missing_disks);
    }
    for (inventory_index, inventory) in world.inventories.iter().enumerate() {
        for (row, object) in inventory.objects.iter().enumerate() {
            owners.claims.insert((object.class.clone(), fold(&object.id)));
            owners.listed_classes.insert((inventory_index, object.class.clone()));
            let mut found = OwnerObject {
                row: (inventory_index, row),
                files: BTreeMap::new(),
                missing: None,
            };
            let Some(path) = &object.path else { continue };
            let source = format!("{}, {}", inventory.source, object.row);
            let place = world.resolver.listed(inventory_index, None, path);
            if place == Target::Outside {
                for node in world.files.at_end_of(path, object.folder) {
                    owners.perhaps_claimed.entry(node).or_insert((inventory_index, row));
                }
            } else if object.folder {
                found.files = folder_files(world, inventory_index, path, &source);
            } else {
                let mut walk = Walk::new(
                    world,
                    references,
                    OwnerVm::new(String::new(), String::new(), inventory.platform),
                );
                match place {
                    Target::Files(files) => files.into_iter().for_each(|(node, _)| {
                        walk.reach(
                            node,
                            Via::Listed {
                                source: source.clone(),
                                role: Role::Disk,
                            },
                        );
                    }),
                    Target::Missing { root, path } => {
                        for (node, _) in companions::parts_of_missing(world.files, root, &path) {
                            walk.reach(node, Via::BesideGhost);
                        }
                        found.missing = Some((root, path));
                    }
                    _ => {}
                }
                walk.run();
                found.files = walk.vm.files;
            }
            owners.objects.push(found);
        }
    }
    owners.folders_told = folders_told(world, owners);
    owners.placeless_disks = placeless_disks(world, owners);
    owners.same_source = same_source(owners);
    owners.vms_of = VmsOf::new(world.files.nodes.len(), &owners.vms);
    for (index, object) in owners.objects.iter().enumerate() {
        for &node in object.files.keys() {
            owners.objects_of.entry(node).or_default().push(index);
        }
    }
    Some(())
}

/// Pairs of inventories of which the second registers every VM that the first registers.
fn same_source(owners: &Owners) -> HashSet<(usize, usize)> {
    let mut vms: BTreeMap<usize, usize> = BTreeMap::new();
    let mut shared: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for vm in &owners.vms {
        let inventories: BTreeSet<usize> = vm.rows.iter().map(|(inventory, _)| *inventory).collect();
        for &inventory in &inventories {
            *vms.entry(inventory).or_default() += 1;
            let others = inventories.iter().filter(|&&other| other != inventory);
            others.for_each(|&other| *shared.entry((inventory, other)).or_default() += 1);
        }
    }
    let all = shared
        .into_iter()
        .filter(|((inventory, _), number)| vms.get(inventory) == Some(number));
    all.map(|(pair, _)| pair).collect()
}

/// Volumes and First Class Disks of which no list tells a file that is there, by their ids.
fn placeless_disks(world: World<'_>, owners: &Owners) -> HashMap<Uuid, (usize, usize)> {
    let id_of = |object: &RegisteredObject| Uuid::try_parse(&object.id).ok().filter(|_| is_volume(object));
    let with_files = (0..owners.objects.len()).filter(|&index| !owners.objects[index].files.is_empty());
    let placed = with_files.filter_map(|index| id_of(owners.listed(world, index)));
    let placed: HashSet<Uuid> = placed.collect();
    let mut placeless = HashMap::default();
    for (inventory, listed) in world.inventories.iter().enumerate() {
        for (row, object) in listed.objects.iter().enumerate() {
            if let Some(id) = id_of(object).filter(|id| !placed.contains(id)) {
                placeless.entry(id).or_insert((inventory, row));
            }
        }
    }
    placeless
}

/// The objects that are a folder in which the same inventory lists the folders of other objects.
fn folders_told(world: World<'_>, owners: &Owners) -> HashSet<usize> {
    let folder_of = |index: usize| {
        let listed = owners.listed(world, index);
        let path = listed.path.as_deref().filter(|_| listed.folder)?;
        Some((owners.objects[index].row.0, path.trim_end_matches('/').to_owned() + "/"))
    };
    let all: BTreeSet<(usize, String)> = (0..owners.objects.len()).filter_map(folder_of).collect();
    let has_more_below = |index: &usize| {
        let Some(folder) = folder_of(*index) else { return false };
        let next = all.range((Bound::Excluded(&folder), Bound::Unbounded)).next();
        next.is_some_and(|(inventory, path)| *inventory == folder.0 && path.starts_with(&folder.1))
    };
    (0..owners.objects.len()).filter(has_more_below).collect()
}

/// Every file below a folder that an inventory names.
fn folder_files(world: World<'_>, inventory: usize, folder: &str, source: &str) -> BTreeMap<NodeId, Via> {
    let mut files = BTreeMap::new();
    // The folder itself is no file: what it resolves to says where its files would be.
    if let Target::Missing { root, path } | Target::Unread { root, path } =
        world.resolver.listed(inventory, None, folder)
    {
        let prefix = [path.as_slice(), b"/"].concat();
        for (node, file) in world.files.nodes.iter().enumerate() {
            if file.entry.root == root
                && file.artifact.is_some()
                && (path.is_empty() || file.entry.path.as_bytes().starts_with(&prefix))
            {
                files.insert(
                    node,
                    Via::Listed {
                        source: source.to_owned(),
                        role: Role::Folder,
                    },
                );
            }
        }
    }
    files
}

/// One walk from one owner.
struct Walk<'a> {
    world: World<'a>,
    references: &'a References,
    vm: OwnerVm,
    queue: VecDeque<NodeId>,
}

impl<'a> Walk<'a> {
    fn new(world: World<'a>, references: &'a References, vm: OwnerVm) -> Self {
        Self {
            world,
            references,
            vm,
            queue: VecDeque::new(),
        }
    }

    fn reach(&mut self, node: NodeId, via: Via) {
        if let std::collections::btree_map::Entry::Vacant(vacant) = self.vm.files.entry(node) {
            vacant.insert(via);
            self.queue.push_back(node);
        }
    }

    /// The configuration, everything that the rows list, and what lies beside a configuration that is gone.
    fn start(&mut self, touched: &mut BTreeSet<(usize, usize)>, missing_disks: &mut BTreeSet<(usize, Vec<u8>)>) {
        for config in self.vm.configs().collect::<Vec<_>>() {
            self.reach(config, Via::Itself);
        }
        for (inventory_index, row) in self.vm.rows.clone() {
            let inventory = &self.world.inventories[inventory_index];
            let vm = &inventory.vms[row];
            let source = format!("{}, {}", inventory.source, vm.row);
            let config = vm.config.iter().map(|path| (path.as_str(), Role::Config));
            for (path, role) in config.chain(vm.files.iter().map(|file| (file.path.as_str(), file.role))) {
                // The image in a drive says nothing of where its VMs live.
                let mut touch = |root: usize| {
                    if role != Role::Media {
                        touched.insert((inventory_index, root));
                    }
                };
                match self.world.resolver.listed(inventory_index, vm.host.as_deref(), path) {
                    Target::Files(files) => {
                        for (node, _) in files {
                            touch(self.world.files.nodes[node].entry.root);
                            self.reach(
                                node,
                                Via::Listed {
                                    source: source.clone(),
                                    role,
                                },
                            );
                        }
                    }
                    Target::Missing { root, path } => {
                        touch(root);
                        self.listed_missing(root, path, role, missing_disks);
                    }
                    Target::Unread { root, path: place } => {
                        touch(root);
                        // The image in a drive says as little here.
                        if role != Role::Media {
                            self.vm.unread.insert((root, place));
                        }
                        self.listed_outside(role, path);
                    }
                    Target::Outside => self.listed_outside(role, path),
                    Target::NotAFile => {}
                }
            }
        }
        if let Some((root, path)) = self.vm.ghost.clone() {
            self.beside_ghost(root, &path);
        }
        if self.vm.platform == Platform::Hyperv {
            self.checkpoints();
            self.lone_states();
        }
    }

    /// State that bears the id of this VM or of one of its checkpoints while the configuration of that id is not in the
    /// scan or not where it is registered: gone, unreadable or elsewhere (H-E3, H-E7).
    fn lone_states(&mut self) {
        let rows = self
            .vm
            .rows
            .iter()
            .map(|&(inventory, row)| &self.world.inventories[inventory].vms[row]);
        let of_cluster = self
            .vm
            .cluster_rows
            .iter()
            .map(|&(inventory, row)| self.world.inventories[inventory].cluster_vms[row].id);
        let own = rows.clone().filter_map(|row| row.instance_id).chain(of_cluster);
        let own = own.filter(|_| self.vm.config.is_none() || self.vm.moved);
        let checkpoints = rows.flat_map(|row| &row.checkpoints).map(|checkpoint| checkpoint.id);
        let ids: BTreeSet<Uuid> = own
            .chain(checkpoints.filter(|&id| !self.world.checkpoints.holds(id)))
            .collect();
        for &node in ids.iter().filter_map(|id| self.world.lone_states.get(id)).flatten() {
            self.reach(node, Via::ById);
        }
    }

    /// Configurations of checkpoints that carry the id of this VM, wherever its own configuration lies (H-E3).
    fn checkpoints(&mut self) {
        let ids: BTreeSet<Uuid> = self
            .vm
            .rows
            .iter()
            .filter_map(|&(inventory, row)| self.world.inventories[inventory].vms[row].instance_id)
            .collect();
        for checkpoint in ids.iter().flat_map(|&id| self.world.checkpoints.of(id)) {
            if !checkpoint.is_of_another(&self.vm) {
                self.reach(checkpoint.node, Via::ById);
            }
        }
    }

    fn listed_outside(&mut self, role: Role, path: &str) {
        if matches!(role, Role::Config | Role::Disk | Role::Extent | Role::Parent) {
            self.vm.outside.insert((role, path.to_owned()));
        }
    }

    fn listed_missing(
        &mut self,
        root: usize,
        path: Vec<u8>,
        role: Role,
        missing_disks: &mut BTreeSet<(usize, Vec<u8>)>,
    ) {
        if companions::has_parts(role) {
            for (node, _) in companions::parts_of_missing(self.world.files, root, &path) {
                self.reach(node, Via::BesideGhost);
            }
        }
        if role == Role::Disk {
            missing_disks.insert((root, path.clone()));
        }
        if !(role.is_transient() || self.vm.moved && role == Role::Config) {
            self.vm.missing.insert(Missing { root, path, role });
        }
    }

    fn beside_ghost(&mut self, root: usize, path: &[u8]) {
        let split = path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        let name = fold(&String::from_utf8_lossy(&path[split..]));
        for (node, role) in companions::of_config(
            self.world.files,
            root,
            &path[..split.saturating_sub(1)],
            &name,
            Some(self.vm.platform),
        ) {
            if role != Role::Swap || !is_off(self.world, &self.vm) {
                self.reach(node, Via::BesideGhost);
            }
        }
    }

    fn run(&mut self) {
        while let Some(node) = self.queue.pop_front() {
            for &place in &self.references.from[node] {
                let edge = &self.references.edges[place];
                if is_owning(self.world.files, edge) {
                    self.reach(edge.to, Via::Edge(place));
                }
            }
        }
    }

    /// Adds what the files that were reached name in vain.
    fn finish(mut self) -> OwnerVm {
        for node in self.vm.files.keys().copied().collect::<Vec<_>>() {
            let Some(evidence) = self.world.files.nodes[node].evidence() else {
                continue;
            };
            for (reference, target) in evidence.references.iter().zip(&self.references.targets[node]) {
                let optional = reference.weak
                    || reference.role.is_transient()
                    || matches!(
                        reference.role,
                        Role::Nvram | Role::ExtendedConfig | Role::Config | Role::Parent | Role::Other | Role::Sidecar
                    );
                match target {
                    Target::Missing { root, path } if !optional => {
                        self.vm.missing.insert(Missing {
                            root: *root,
                            path: path.clone(),
                            role: reference.role,
                        });
                    }
                    Target::Outside
                        if self.is_listed_under_new_label(reference) || self.under_old_label(reference).is_some() => {}
                    Target::Outside | Target::Unread { .. }
                        if matches!(reference.role, Role::Disk | Role::Extent) || is_snapshot_folder(reference) =>
                    {
                        self.vm
                            .outside
                            .insert((reference.role, reference.target.as_str().to_owned()));
                        if let Target::Unread { root, path } = target {
                            self.vm.unread.insert((*root, path.clone()));
                        }
                    }
                    _ => {}
                }
            }
            if let Some(Target::Missing { root, path }) = self.references.broken.get(&node) {
                self.vm.missing.insert(Missing {
                    root: *root,
                    path: path.clone(),
                    role: Role::Parent,
                });
            }
            if let Some(Target::Unread { root, path }) = self.references.broken.get(&node) {
                self.vm.unread.insert((*root, path.clone()));
            }
            if matches!(
                self.references.broken.get(&node),
                Some(Target::Outside | Target::Unread { .. })
            ) {
                self.vm.outside.insert((Role::Parent, "parent disk".to_owned()));
            }
        }
        if self.vm.moved {
            self.forget_old_places();
        }
        let moved = self.places_of_moved_parents();
        self.vm
            .missing
            .retain(|missing| !moved.contains(&(missing.root, missing.path.clone())));
        self.vm
    }

    /// Places that links of the VM name for a parent which was found by its id under the same name elsewhere: a snapshot
    /// list that names such a place means this parent.
    fn places_of_moved_parents(&self) -> BTreeSet<(usize, Vec<u8>)> {
        let mut places = BTreeSet::new();
        for &node in self.vm.files.keys() {
            let from = self.references.from[node].iter();
            let edges = from.map(|&edge| &self.references.edges[edge]);
            let mut parents = edges.filter(|edge| edge.role == Role::Parent).map(|edge| edge.to);
            let (Some(parent), None) = (parents.next(), parents.next()) else {
                continue;
            };
            let missing = self.references.targets[node].iter();
            places.extend(missing.filter_map(|target| match target {
                Target::Missing { root, path } if folded_name(path) == self.world.files.name(parent) => {
                    Some((*root, path.clone()))
                }
                _ => None,
            }));
        }
        places
    }

    /// V64: disks that the files of a registered VM name under the old label of a datastore.
    fn old_labels(&mut self) {
        for node in self.vm.files.keys().copied().collect::<Vec<_>>() {
            let evidence = self.world.files.nodes[node].evidence();
            let references = evidence.into_iter().flat_map(|evidence| &evidence.references);
            for (reference, target) in references.zip(&self.references.targets[node]) {
                if *target == Target::Outside
                    && let Some(disk) = self.under_old_label(reference)
                {
                    self.reach(disk, Via::OldLabel(node, reference.key.clone()));
                }
            }
        }
    }

    /// The only file of this path on the scanned datastores, where every inventory of the VM lists its datastores and none of
    /// them bears the label of the path: a host would not run the VM with a disk on a datastore that it does not have.
    fn under_old_label(&self, reference: &Reference) -> Option<NodeId> {
        let mut rows = self.vm.rows.iter();
        let lists_datastores =
            |&(inventory, _): &(usize, usize)| !self.world.inventories[inventory].datastores.is_empty();
        if reference.role != Role::Disk || self.vm.rows.is_empty() || !rows.all(lists_datastores) {
            return None;
        }
        let resolver = self.world.resolver;
        resolver.only_at(&resolver.below_unknown_label(&reference.target)?)
    }

    /// V64: a datastore was renamed, and the path still has the old label: a row of the VM lists the disk of this path on a
    /// datastore that was scanned.
    fn is_listed_under_new_label(&self, reference: &Reference) -> bool {
        let resolver = self.world.resolver;
        let Some(written) = resolver
            .below_unknown_label(&reference.target)
            .filter(|_| reference.role == Role::Disk)
        else {
            return false;
        };
        self.vm.rows.iter().any(|&(inventory, row)| {
            let row = &self.world.inventories[inventory].vms[row];
            let disks = row.files.iter().filter(|file| file.role == Role::Disk);
            let mut listed = disks.map(|file| file.path.as_str());
            listed.any(|path| {
                matches!(parse(path), Parsed::Path(listed) if listed.parts == written)
                    && matches!(resolver.listed(inventory, row.host.as_deref(), path), Target::Files(_))
            })
        })
    }

    /// What a VM that was moved has under the same name at its new place is not missing at the old one.
    fn forget_old_places(&mut self) {
        let there: BTreeSet<&str> = self.vm.files.keys().map(|&node| self.world.files.name(node)).collect();
        self.vm
            .missing
            .retain(|missing| !there.contains(folded_name(&missing.path).as_str()));
    }
}

/// The last part of a path, without case.
fn folded_name(path: &[u8]) -> String {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    fold(&String::from_utf8_lossy(name))
}

/// A folder in which a VM keeps its snapshots, by the key that names it (V48).
fn is_snapshot_folder(reference: &Reference) -> bool {
    reference.role == Role::Folder && matches!(fold(&reference.key).as_str(), "workingdir" | "snapshot.directory")
}
