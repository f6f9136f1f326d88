//! What registered VMs may want beside what they reach: files that they miss, checkpoints, logs and copies that only bear
//! their names.

mod damaged;
mod hyperv;

use std::collections::{BTreeSet, hash_map::Entry};

use foldhash::HashMap;
use uuid::Uuid;

pub(super) use self::damaged::Damaged;
use self::hyperv::Untold;
use super::{Judge, Judgement, reasons::settled, situation::Situation};
use crate::{
    inventory::Registration,
    kind::{Platform, Role},
    path::{Mount, Parsed, fold, parse},
    raw::RawPath,
    reconcile::{
        coverage::home_folder,
        files::NodeId,
        identity::{Entity, Identities, Writer},
        own::{self, Missing, OwnerVm, Owners, World},
        resolve::Target,
    },
    report::codes::{Class, ReasonCode},
};

/// A VM and one of its missing files, by their places.
type MissedFile<'a> = (usize, &'a Missing);

/// A file of a VM on a datastore that no root is.
#[derive(Debug)]
struct Elsewhere<'a> {
    vm: usize,
    /// The path as listed.
    path: &'a str,
    /// What tells the datastore from the scanned ones.
    told: Told,
}

/// What tells a datastore that no root is from the scanned ones: the more, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    /// Nothing: a label that nobody lists may be an older name.
    Not,
    /// An inventory lists it without an id, as NFS, which may be mounted under several names: from a root whose id is known.
    Listed,
    /// Its id: from a root whose id is known.
    ById,
    /// Its id, and the inventory of this number lists it: also from the other datastores of that inventory.
    ByIdAndList(usize),
}

/// By what such a file is known; of VMs that fit alike the first.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// Missing disks by their folded name.
    disks: HashMap<String, MissedFile<'a>>,
    /// Missing disks by the root and folded folder in which they should lie, where no other registered VM has a disk. The top
    /// of a root is no folder of a VM.
    disks_in: HashMap<(usize, String), MissedFile<'a>>,
    /// VMs of VMware that miss a disk, by the ids of their disks that they do not have, with a disk that they miss.
    disks_by_id: HashMap<String, MissedFile<'a>>,
    /// All missing files by root and folded extension.
    by_extension: HashMap<(usize, String), MissedFile<'a>>,
    /// VMs without an id whose configuration is not where it is registered, by the folded name of that file.
    configurations: HashMap<String, Vec<usize>>,
    /// VMs of Hyper-V by the root and folder that hold those of their configuration, and by the folders that their rows tell.
    hyperv_homes: HashMap<(usize, Vec<u8>), BTreeSet<usize>>,
    /// VMs that are replicated, or of which that is not told, by the folded names of their disks with and without extension.
    replicated_disks: HashMap<String, usize>,
    /// VMs that are replicated, by their ids.
    replicated: HashMap<Uuid, usize>,
    /// VMs of VMware by the folded paths of their files on datastores that may be a scanned one under another name, with the
    /// path as listed.
    elsewhere: HashMap<String, Elsewhere<'a>>,
    /// VMs of Hyper-V by their ids and those of their checkpoints.
    by_id: HashMap<Uuid, usize>,
    /// VMs whose storage moves, by the folded names of their disks.
    moving_disks: HashMap<String, usize>,
    /// VMs of Hyper-V that may have what nothing tells of.
    untold: Untold,
    /// Missing disks by what may be left of their paths.
    damaged_disks: Damaged<MissedFile<'a>>,
    /// VMs without an id whose configuration is not where it is registered, by what may be left of its path.
    damaged_configurations: Damaged<usize>,
}

impl<'a> Wanted<'a> {
    pub(crate) fn new(world: World<'a>, identities: &Identities, owners: &'a Owners) -> Self {
        let mut wanted = Self::default();
        for (index, vm) in owners.vms.iter().enumerate().filter(|(_, vm)| vm.is_registered()) {
            for missing in &vm.missing {
                wanted.add(index, vm.platform, missing);
                if is_disk(missing.role) {
                    let file = (index, missing);
                    wanted.damaged_disks.add(missing.root, &missing.path, file);
                }
            }
            wanted.add_new_home(world, index, vm);
            wanted.add_disk_ids(world, index, vm);
            if let Some((root, path)) = vm
                .ghost
                .as_ref()
                .filter(|_| vm.config.is_none() && !own::has_id(world, vm))
            {
                let name = fold(&String::from_utf8_lossy(RawPath::new(path.clone()).name()));
                wanted.configurations.entry(name).or_default().push(index);
                wanted.damaged_configurations.add(*root, path, index);
            }
            if let Some(config) = vm.config.filter(|_| vm.platform == Platform::Hyperv) {
                let file = world.files.nodes[config];
                let home = (file.entry.root, home_folder(file.folder()));
                wanted.hyperv_homes.entry(home).or_default().insert(index);
            }
            if vm.platform == Platform::Hyperv {
                wanted.add_untold(world, index, vm);
            }
            for &(inventory, row) in &vm.rows {
                let row = &world.inventories[inventory].vms[row];
                wanted.add_row(index, row);
                if vm.platform == Platform::Hyperv && !row.checkpoints_told {
                    wanted.add_folders(world, index, (inventory, row));
                }
                if vm.platform == Platform::Vmware && !vm.outside.is_empty() {
                    wanted.add_elsewhere(index, row, |mount| told(identities, inventory, mount));
                }
            }
        }
        wanted.forget_shared_folders(world, owners);
        wanted
    }

    /// A disk that a VM misses whose folder was renamed or moved may lie in the new one, under another name as well.
    fn add_new_home(&mut self, world: World<'_>, index: usize, vm: &'a OwnerVm) {
        let missing = vm.missing.iter().find(|missing| is_disk(missing.role));
        let config = vm.config.filter(|_| vm.moved && vm.perhaps.is_empty());
        let Some((missing, config)) = missing.zip(config) else {
            return;
        };
        let file = world.files.nodes[config];
        let home = fold(&String::from_utf8_lossy(&home_folder(file.folder())));
        if home.is_empty() {
            return;
        }
        for folder in [home.clone(), format!("{home}/virtual hard disks")] {
            let place = (file.entry.root, folder);
            self.disks_in.entry(place).or_insert((index, missing));
        }
    }

    /// Folders that a row tells, in one of which the checkpoints of its VM lie.
    fn add_folders(&mut self, world: World<'_>, vm: usize, (inventory, row): (usize, &Registration)) {
        for folder in &row.folders {
            let place = world.resolver.listed(inventory, row.host.as_deref(), folder);
            if let Target::Missing { root, path } | Target::Unread { root, path } = place {
                self.hyperv_homes.entry((root, path)).or_default().insert(vm);
            }
        }
    }

    /// `told` says of a datastore what tells it from the scanned ones, where it is none of them.
    fn add_elsewhere(&mut self, vm: usize, row: &'a Registration, told: impl Fn(&Mount) -> Option<Told>) {
        let listed = row.files.iter().map(|file| &file.path);
        for written in listed.chain(&row.config) {
            let Parsed::Path(path) = parse(written) else {
                continue;
            };
            // A name without a folder says little.
            let mount = path.mount.as_ref().filter(|_| path.parts.len() > 1);
            let Some(told) = mount.and_then(&told) else {
                continue;
            };
            let elsewhere = Elsewhere {
                vm,
                path: written,
                told,
            };
            match self.elsewhere.entry(fold(&path.relative())) {
                Entry::Occupied(mut known) if known.get().told > told => {
                    known.insert(elsewhere);
                }
                Entry::Occupied(_) => {}
                Entry::Vacant(vacant) => {
                    vacant.insert(elsewhere);
                }
            }
        }
    }

    /// The ids of the disks of a VM that misses one, as its rows and its own logs tell them, without those that it has. A log
    /// tells of the past too: only the id of a missing path counts.
    fn add_disk_ids(&mut self, world: World<'a>, index: usize, vm: &'a OwnerVm) {
        let is_disk = |missing: &&Missing| matches!(missing.role, Role::Disk | Role::Parent);
        let Some(first) = vm
            .missing
            .iter()
            .find(is_disk)
            .filter(|_| vm.platform == Platform::Vmware)
        else {
            return;
        };
        let missed_at = |path: &str| {
            let Parsed::Path(path) = parse(path) else { return None };
            let path = fold(&path.relative());
            let fits = |missing: &&Missing| {
                let whole = fold(&String::from_utf8_lossy(&missing.path));
                whole == path || !path.contains('/') && whole.rsplit('/').next() == Some(path.as_str())
            };
            vm.missing.iter().filter(is_disk).find(fits)
        };
        let evidence = || vm.files.keys().filter_map(|&node| world.files.nodes[node].evidence());
        let own: BTreeSet<&str> = evidence()
            .filter_map(|evidence| evidence.disk.as_ref()?.disk_id.as_deref())
            .collect();
        let rows = vm
            .rows
            .iter()
            .map(|&(inventory, row)| &world.inventories[inventory].vms[row]);
        let of_rows = rows.flat_map(|row| &row.disk_ids);
        let of_rows = of_rows.map(|(path, id)| (id.as_str(), missed_at(path).unwrap_or(first)));
        let logged = evidence().filter_map(|evidence| evidence.history.as_ref());
        let logged = logged.flat_map(|history| &history.disks);
        let logged = logged.filter_map(|disk| Some((disk.disk_id.as_deref()?, missed_at(disk.path.as_str())?)));
        for (id, missing) in of_rows.chain(logged).filter(|(id, _)| !own.contains(id)) {
            self.disks_by_id.entry(id.to_owned()).or_insert((index, missing));
        }
    }

    fn add_row(&mut self, vm: usize, row: &Registration) {
        let is_replicated = row.is_replicated() == Some(true);
        let ids = row
            .checkpoints
            .iter()
            .map(|checkpoint| checkpoint.id)
            .chain(row.instance_id);
        for id in ids {
            self.by_id.entry(id).or_insert(vm);
        }
        if let Some(id) = row.instance_id.filter(|_| is_replicated) {
            self.replicated.entry(id).or_insert(vm);
        }
        if !row.moves_storage {
            return;
        }
        for file in row.files.iter().filter(|file| is_disk(file.role)) {
            if let Parsed::Path(path) = parse(&file.path) {
                self.moving_disks.entry(fold(path.name())).or_insert(vm);
            }
        }
    }

    /// In a folder in which other registered VMs have disks any disk may be anybody's.
    fn forget_shared_folders(&mut self, world: World<'_>, owners: &Owners) {
        if self.disks_in.is_empty() {
            return;
        }
        for (index, vm) in owners.vms.iter().enumerate().filter(|(_, vm)| vm.is_registered()) {
            let files = vm.files.keys().map(|&node| world.files.nodes[node]);
            for file in files.filter(|file| file.kind().is_disk()) {
                let place = (file.entry.root, fold(&String::from_utf8_lossy(file.folder())));
                if self.disks_in.get(&place).is_some_and(|(missing, _)| *missing != index) {
                    self.disks_in.remove(&place);
                }
            }
        }
    }

    fn add(&mut self, vm: usize, platform: Platform, missing: &'a Missing) {
        let path = RawPath::new(missing.path.clone());
        let name = fold(&String::from_utf8_lossy(path.name()));
        let extension = extension(&name).unwrap_or_default().to_owned();
        let found = (vm, missing);
        self.by_extension.entry((missing.root, extension)).or_insert(found);
        if matches!(missing.role, Role::Disk | Role::Parent | Role::Extent) {
            self.disks.entry(name).or_insert(found);
            // Beside the data of a descriptor lie those of others; a VHD Set has its own folder.
            let has_place = missing.role != Role::Extent || platform == Platform::Hyperv;
            let folder = fold(&path.folder().lossy());
            if has_place && !folder.is_empty() {
                self.disks_in.entry((missing.root, folder)).or_insert(found);
            }
        }
    }
}

/// True for a disk or the parent of one.
fn is_disk(role: Role) -> bool {
    matches!(role, Role::Disk | Role::Parent)
}

/// True for an id that tells a datastore from all others. Those of NFS are made of what the host was told of the server.
pub(super) fn is_id(mount: &Mount) -> bool {
    matches!(mount, Mount::VolumeId(id) if id.matches('-').count() > 1 || id.starts_with("vsan:") || id.starts_with("vvol:"))
}

/// What tells a datastore that no root is, as far as is known, from the scanned ones (V64).
fn told(identities: &Identities, inventory: usize, mount: &Mount) -> Option<Told> {
    let Some(entity) = identities.entity(Writer::Inventory(inventory), mount) else {
        return Some(if is_id(mount) { Told::ById } else { Told::Not });
    };
    let entity = &identities.entities[entity];
    let told = match entity.records.first() {
        Some(&(inventory, _)) if has_id(entity) => Told::ByIdAndList(inventory),
        None if has_id(entity) => Told::ById,
        Some(_) => Told::Listed,
        None => Told::Not,
    };
    entity.roots.is_empty().then_some(told)
}

/// True where an id tells a datastore from all others.
fn has_id(entity: &Entity) -> bool {
    entity.names.iter().any(|(_, name)| is_id(name))
}

impl Judge<'_> {
    /// V64: a registered VM has a file of this path on a datastore that may be this one under another name.
    pub(super) fn perhaps_under_other_name(&self, node: NodeId) -> Option<Judgement> {
        if self.wanted.elsewhere.is_empty() {
            return None;
        }
        let path = fold(&self.file(node).entry.path.lossy());
        // The other datastore may be this one or a folder of it, as of two exports of NFS of which one lies in the other.
        let below = path.match_indices('/').map(|(at, _)| &path[at + 1..]);
        let mut ends = std::iter::once(path.as_str()).chain(below);
        let elsewhere = ends.find_map(|end| self.wanted.elsewhere.get(end))?;
        let of_root = &self.identities.roots[self.root(node)].entities;
        let mut of_root = of_root.iter().map(|&entity| &self.identities.entities[entity]);
        let is_told_apart = match elsewhere.told {
            Told::Not => false,
            Told::Listed | Told::ById => of_root.any(has_id),
            Told::ByIdAndList(list) => {
                of_root.any(|entity| has_id(entity) || entity.records.iter().any(|&(other, _)| other == list))
            }
        };
        if is_told_apart {
            return None;
        }
        let text = format!(
            "{} has {}, on a datastore that was not scanned or is this one, or a folder of it, under another name",
            self.owners.vms[elsewhere.vm].name, elsewhere.path
        );
        let settles = "an alias for that datastore, or a scan of it";
        let reason = settled(ReasonCode::OutsideScan, text, settles);
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// A descriptor of nobody whose data an inventory lists for a VM, while no descriptor of that VM names them.
    pub(super) fn has_listed_data(&self, node: NodeId) -> Option<Judgement> {
        let extents = self
            .references
            .of(node)
            .filter(|edge| edge.role == Role::Extent && edge.to != node);
        let (extent, vm) = extents.into_iter().find_map(|edge| {
            let named_by_others = self
                .references
                .into(edge.to)
                .any(|other| other.role == Role::Extent && other.from != node);
            let vms = self.owners.vms_of.get(edge.to).unwrap_or_default();
            let mut vms = vms
                .iter()
                .map(|&vm| &self.owners.vms[vm])
                .filter(|vm| vm.is_registered());
            Some((edge.to, vms.next().filter(|_| !named_by_others)?))
        })?;
        let text = format!(
            "{} is listed for {}, and this alone names it",
            self.path_beside(extent, node),
            vm.name
        );
        let reason = settled(
            ReasonCode::ListedByInventory,
            text,
            "which descriptor that VM runs from",
        );
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// H-B10: a disk that may be one which a registered VM misses. Windows renames what it bins, so that any of its kind
    /// there may be it; elsewhere it has the name of the missing one, or lies where that should lie.
    pub(super) fn missed_disk(&self, node: NodeId, situation: &Situation) -> Option<Judgement> {
        let settles = "find out whether it is the missing file and restore it";
        let name = self.world.files.name(node);
        if situation.class == Class::RecycleBin {
            let of_kind = (self.root(node), extension(name)?.to_owned());
            let (vm, _) = self.wanted.by_extension.get(&of_kind)?;
            let text = format!(
                "it lies in a recycle bin, and {} misses a file of this kind on the same datastore",
                self.owners.vms[*vm].name
            );
            let reason = settled(ReasonCode::InRecycleBin, text, settles);
            return Some(Judgement::unknown(Class::AmbiguousReference, reason));
        }
        let file = self.file(node);
        if !(file.kind().is_disk() || file.kind().is_extent()) {
            return None;
        }
        if let Some(missed) = self.missed_data(node) {
            return Some(missed);
        }
        let id = file
            .evidence()
            .and_then(|evidence| evidence.disk.as_ref()?.disk_id.as_ref());
        if let Some((vm, missing)) = id.and_then(|id| self.wanted.disks_by_id.get(id)) {
            let text = format!(
                "{} misses {} on {}, and this bears the id of a disk of that VM: it may be it under another name or at another place",
                self.owners.vms[*vm].name,
                String::from_utf8_lossy(&missing.path),
                self.identities.roots[missing.root].name
            );
            let reason = settled(ReasonCode::TargetGone, text, settles);
            return Some(Judgement::unknown(Class::AmbiguousReference, reason));
        }
        let folder = || fold(&String::from_utf8_lossy(file.folder()));
        let in_its_place = || {
            let found = self.wanted.disks_in.get(&(self.root(node), folder()));
            found.filter(|(vm, _)| file.kind().platform() == Some(self.owners.vms[*vm].platform))
        };
        let (vm, missing) = self.wanted.disks.get(name).or_else(in_its_place)?;
        let text = format!(
            "{} misses {} on {}, and this may be it under another name or at another place",
            self.owners.vms[*vm].name,
            String::from_utf8_lossy(&missing.path),
            self.identities.roots[missing.root].name
        );
        let reason = settled(ReasonCode::TargetGone, text, settles);
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// V40: data that nobody names beside the descriptor of a registered VM whose own data are not there.
    fn missed_data(&self, node: NodeId) -> Option<Judgement> {
        let is_data = self.file(node).kind().is_extent();
        let descriptor = self.descriptor_of_renamed(node).filter(|_| is_data)?;
        let vm = *self.registered_owners(descriptor).first()?;
        let text = format!(
            "{} of {} names data that are not there, and these lie beside it and are as long as its disk: they may be they under \
             another name",
            self.path(descriptor),
            self.owners.vms[vm].name
        );
        let settles = "find out whether it is the missing file and give it its name again";
        let reason = settled(ReasonCode::TargetGone, text, settles);
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// V65: a configuration that bears the name of one which is not where its VM is registered, while no id tells whether it is
    /// it: the folder may have another name here, as those of vSAN have.
    pub(super) fn missed_configuration(&self, config: NodeId) -> Option<Judgement> {
        let root = self.root(config);
        let of_name = self.wanted.configurations.get(self.world.files.name(config));
        let of_name = || of_name.into_iter().flatten().copied();
        let is_of = |vm: &usize| self.owners.vms[*vm].ghost.as_ref().is_some_and(|(of, _)| *of == root);
        let here = || {
            Some((
                of_name().find(is_of)?,
                "this has the name of that file: its folder may have another name",
            ))
        };
        // Its inventory speaks for this root as well.
        let may_come_here = |vm: &usize| {
            let mut rows = self.owners.vms[*vm].rows.iter();
            rows.any(|(inventory, _)| self.coverage.roots[root].inventories.contains(inventory))
        };
        let moved = || {
            Some((
                of_name().find(may_come_here)?,
                "this has the name of that file: it may have been moved here since",
            ))
        };
        let damaged = || {
            let path = self.path(config);
            self.wanted.damaged_configurations.fitting(root, &path)
        };
        let (vm, how) = here().or_else(moved).or_else(damaged)?;
        let vm = &self.owners.vms[vm];
        let (_, path) = vm.ghost.as_ref()?;
        let text = format!(
            "{} is registered at {} and not there, and {how}",
            vm.name,
            String::from_utf8_lossy(path)
        );
        let reason = settled(ReasonCode::TargetGone, text, "an inventory with the ids of VMs");
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }
}

/// What follows the last dot of a name.
fn extension(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, extension)| extension)
}
