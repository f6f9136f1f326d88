//! Whether everything that a registered VM can own is known: its disks, each down to a base, and those of its snapshots.
//!
//! Of such a VM nothing lies in a place that nobody looked at, and nothing on a scanned datastore is its own without being
//! known. Its swap and other state are another matter.

use std::collections::BTreeSet;

use super::{Builder, Platform, Role};
use crate::{
    inventory::{Listing, Registration},
    kind::Kind,
    path::{Parsed, fold, parse},
    reconcile::{
        companions,
        files::NodeId,
        identity::Writer,
        own::{self, OwnerVm},
        resolve::Target,
    },
};

/// How the data file of a whole disk of VMware ends, behind the stem of its descriptor (formats-vmware 3.2).
const BASES: [&str; 3] = ["-flat.vmdk", "-rdm.vmdk", "-rdmp.vmdk"];
/// How that of a link ends.
const LINKS: [&str; 2] = ["-delta.vmdk", "-sesparse.vmdk"];

/// How a swap file ends.
const SWAP: &str = ".vswp";

/// Files that lists of inventories name on datastores: inventory, datastore, folded path.
pub(super) type ListedFiles = BTreeSet<(usize, usize, String)>;

impl Builder<'_> {
    /// What is open of a registered VM; `None` where nothing is.
    pub(super) fn open_end(&self, vm: &OwnerVm) -> Option<&'static str> {
        if own::best_listing(self.world, vm) == Listing::WholeChains {
            return None;
        }
        self.open_configuration(vm)
            .or_else(|| self.open_snapshots(vm))
            .or_else(|| self.open_chain(vm))
    }

    /// Its rows, each with its inventory.
    fn rows_with_inventory<'v>(&'v self, vm: &'v OwnerVm) -> impl Iterator<Item = (usize, &'v Registration)> {
        let rows = vm.rows.iter();
        rows.map(|&(inventory, row)| (inventory, &self.world.inventories[inventory].vms[row]))
    }

    /// True where this holds of every row, of which there is one: what an older export or another tool tells may have changed.
    fn all_rows(&self, vm: &OwnerVm, holds: impl Fn(&Registration) -> bool) -> bool {
        !vm.rows.is_empty() && self.rows_with_inventory(vm).all(|(_, row)| holds(row))
    }

    /// True for a VM whose configuration is there and tells everything.
    pub(super) fn has_read_config(&self, vm: &OwnerVm) -> bool {
        vm.config.is_some() && !self.has_opaque_config(vm)
    }

    /// A configuration that was not found where it is registered, or that says nothing while no row tells the disks.
    fn open_configuration(&self, vm: &OwnerVm) -> Option<&'static str> {
        let has_told_disks = |row: &Registration| row.has_configuration && row.listing >= Listing::LeafDisks;
        let is_told = || self.all_rows(vm, |row| has_told_disks(row) && !row.moves_storage);
        let keeps_files_unread = || {
            self.rows_with_inventory(vm).any(|(inventory, row)| {
                let listed = |folder: &String| self.world.resolver.listed(inventory, row.host.as_deref(), folder);
                let mut folders = row.folders.iter().map(listed);
                folders.any(|target| matches!(target, Target::Unread { .. }))
            })
        };
        match () {
            () if vm.ghost.is_some() || vm.moved || !vm.perhaps.is_empty() => Some("the place of the configuration"),
            () if !vm.unread.is_empty() || keeps_files_unread() => Some("the place of a file"),
            () if !self.has_read_config(vm) && !is_told() => Some("the configuration"),
            () => None,
        }
    }

    /// Snapshots that may have disks of which nobody tells.
    fn open_snapshots(&self, vm: &OwnerVm) -> Option<&'static str> {
        let is_known = match (vm.platform, vm.config.filter(|_| self.has_read_config(vm))) {
            (Platform::Vmware, Some(config)) => self.has_whole_snapshot_list(vm, config),
            (Platform::Vmware, None) => self.all_rows(vm, |row| row.checkpoints_told && !row.has_snapshots),
            (Platform::Hyperv, config) => self.has_known_checkpoints(vm, config),
        };
        (!is_known).then_some("the list of snapshots")
    }

    /// True where the snapshot list of a configuration was read, or there is none and nothing speaks for one.
    fn has_whole_snapshot_list(&self, vm: &OwnerVm, config: NodeId) -> bool {
        let files = self.world.files;
        let lists: Vec<NodeId> = vm
            .files
            .keys()
            .copied()
            .filter(|&node| files.nodes[node].kind() == Kind::Vmsd)
            .collect();
        let lists_nothing = lists.iter().all(|&list| self.lists_nothing(list));
        let home = files.nodes[config];
        let may_be_left_out = || files.unread.has_in(home.entry.root, home.folder(), ".vmsd");
        self.state_of_list(vm).is_none() && !(lists_nothing && self.runs_on_snapshot(vm, config)) && !may_be_left_out()
    }

    /// True where every checkpoint is listed with its disks, or was read.
    fn has_known_checkpoints(&self, vm: &OwnerVm, config: Option<NodeId>) -> bool {
        let has_disks = |row: &Registration| {
            let mut checkpoints = row.checkpoints.iter();
            checkpoints.all(|checkpoint| checkpoint.has_disks || self.read_checkpoint(vm, checkpoint.id))
        };
        let is_told = |row: &Registration| row.checkpoints_told && (!row.has_snapshots || !row.checkpoints.is_empty());
        let counted = config.and_then(|config| own::vm_evidence(self.world.files, config));
        let are_all_told = match counted {
            Some(evidence) => self.known_checkpoints(vm, evidence) >= evidence.checkpoints,
            None => self.all_rows(vm, is_told),
        };
        are_all_told && self.all_rows(vm, has_disks)
    }

    /// A disk that is not there, of which the parent is not there, or that could not be read.
    fn open_chain(&self, vm: &OwnerVm) -> Option<&'static str> {
        let files = self.world.files;
        let lasting = [Role::Disk, Role::Parent, Role::Extent, Role::SnapshotList, Role::Config];
        if vm.missing.iter().any(|missing| lasting.contains(&missing.role)) {
            return Some("the place of a disk");
        }
        let is_open = |(role, path): &(Role, String)| match role {
            Role::Config => false,
            Role::Disk => !self.is_listed_base(vm, path),
            _ => true,
        };
        if vm.outside.iter().any(is_open) {
            return Some("a disk that was not scanned");
        }
        let mut disks = vm.files.keys().copied().filter(|&node| {
            let kind = files.nodes[node].kind();
            kind.is_disk() || kind == Kind::ForeignDisk
        });
        disks.any(|node| !self.ends_here(node)).then_some("the base of a disk")
    }

    /// True for a disk that is a base, or whose parent is there.
    fn ends_here(&self, node: NodeId) -> bool {
        let files = self.world.files;
        let disk = files.nodes[node].evidence().and_then(|evidence| evidence.disk.as_ref());
        let has_parent = || self.references.of(node).any(|edge| edge.role == Role::Parent);
        !companions::is_unread(files, node)
            && !self.references.broken.contains_key(&node)
            && self
                .references
                .mismatched
                .range((node, 0)..=(node, NodeId::MAX))
                .next()
                .is_none()
            && disk.is_some_and(|disk| !disk.has_parent || has_parent())
    }

    /// True for a disk on a datastore that was not scanned of which a list of the files there shows that it is a whole one:
    /// its data lie beside it, and no link has its name.
    fn is_listed_base(&self, vm: &OwnerVm, disk: &str) -> bool {
        let inventories: BTreeSet<usize> = vm.rows.iter().map(|(inventory, _)| *inventory).collect();
        inventories.into_iter().any(|inventory| {
            let Some((datastore, path)) = self.place_of(inventory, disk) else {
                return false;
            };
            let Some(stem) = path.strip_suffix(".vmdk") else {
                return false;
            };
            let is_listed = |end: &&str| {
                self.listed_files()
                    .contains(&(inventory, datastore, format!("{stem}{end}")))
            };
            BASES.iter().any(is_listed) && !LINKS.iter().any(is_listed)
        })
    }

    /// True for a VM whose swap file a list of the files in the folder of its configuration names.
    pub(super) fn has_listed_swap(&self, vm: &OwnerVm) -> bool {
        self.rows_with_inventory(vm).any(|(inventory, row)| {
            let config = row
                .config
                .as_deref()
                .and_then(|config| self.place_of(inventory, config));
            let Some((datastore, path)) = config else { return false };
            let folder = path
                .rsplit_once('/')
                .map_or(String::new(), |(folder, _)| format!("{folder}/"));
            let start = (inventory, datastore, folder.clone());
            let mut in_folder = self
                .listed_files()
                .range(start..)
                .take_while(|(of, on, path)| (*of, *on) == (inventory, datastore) && path.starts_with(folder.as_str()));
            in_folder.any(|(_, _, path)| {
                let name = &path[folder.len()..];
                name.ends_with(SWAP) && !name.contains('/') && !name.starts_with("vmx-")
            })
        })
    }

    /// The datastore of a path by the words of an inventory, and the path below it, folded.
    fn place_of(&self, inventory: usize, path: &str) -> Option<(usize, String)> {
        let Parsed::Path(path) = parse(path) else { return None };
        let datastore = self
            .identities
            .entity(Writer::Inventory(inventory), path.mount.as_ref()?)?;
        Some((datastore, fold(&path.relative())))
    }

    /// Data files of disks and swap files that lists name.
    fn listed_files(&self) -> &ListedFiles {
        self.listed_files.get_or_init(|| {
            let inventories = self.world.inventories.iter().enumerate();
            let files = inventories.flat_map(|(index, inventory)| {
                let files = inventory.observations.files.iter().map(|file| file.path.as_str());
                files.map(move |path| (index, path))
            });
            let is_asked_for = |path: &str| {
                let path = fold(path);
                let mut ends = BASES.iter().chain(&LINKS).chain(&[SWAP]);
                ends.any(|end| path.ends_with(end))
            };
            let asked_for = files.filter(|(_, path)| is_asked_for(path));
            asked_for
                .filter_map(|(inventory, path)| {
                    let (datastore, path) = self.place_of(inventory, path)?;
                    Some((inventory, datastore, path))
                })
                .collect()
        })
    }
}
