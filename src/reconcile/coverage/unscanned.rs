//! Gaps about what lies outside the scan, and what the inventories leave out.

use std::collections::{BTreeMap, BTreeSet};

use super::{Builder, Reach, count, list};
use crate::reconcile::{
    own::{self, OwnerVm},
    resolve::Target,
};
use crate::{
    evidence::VmEvidence,
    inventory::{Listing, Registration},
    kind::{Platform, Role},
    path::{Mount, Parsed, fold, parse},
    report::{codes::ReasonCode, model::Identity},
};

/// A datastore that inventories know and that no root is.
#[derive(Default)]
struct UnscannedPlace<'v> {
    title: String,
    /// Several roots could be it.
    ambiguous: bool,
    /// A list of datastores counts VMs on it.
    is_counted: bool,
    /// VMs with a file on it: inventory and name.
    vms: BTreeSet<(usize, &'v str)>,
    /// Its other names.
    names: BTreeSet<String>,
}

/// What an inventory and the scan leave open of a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rest {
    /// Swap and other state of a VM that may run.
    State,
    /// Disks below those that are known.
    BaseDisk,
    /// Whatever a VM has.
    All,
}

/// True for a path with the mark of a cut within the name of its datastore.
fn is_cut_in_place(text: &str) -> bool {
    let text = text.trim();
    let Some(left) = text.strip_suffix("...").or_else(|| text.strip_suffix('…')) else {
        return false;
    };
    match parse(left) {
        Parsed::Unclear => true,
        Parsed::NotAFile => left.is_empty(),
        Parsed::Path(path) => match path.mount {
            None => true,
            // Of a cluster volume the name begins behind two folders of a drive.
            Some(Mount::Drive { .. }) => {
                let first = path.parts.first().map(|part| fold(part));
                path.parts.len() < 2 && first.is_none_or(|first| "clusterstorage".starts_with(&first))
            }
            Some(_) => path.parts.is_empty() && !left.ends_with(['\\', '/']),
        },
    }
}

impl Builder<'_> {
    /// H-A10: VMs that are listed without the place of their configuration and without the id that it bears, as where only
    /// the `ID` of SCVMM was exported: any configuration may be theirs.
    pub(super) fn rows_without_id(&mut self) {
        let is_unplaced = |vm: &&OwnerVm| {
            let mut rows = vm.rows.iter();
            let is_bare = |&(inventory, row): &(usize, usize)| {
                let row = &self.world.inventories[inventory].vms[row];
                row.config.is_none() && row.instance_id.is_none()
            };
            vm.platform == Platform::Hyperv && vm.config.is_none() && !vm.rows.is_empty() && rows.all(is_bare)
        };
        let vms: Vec<&OwnerVm> = self.owners.vms.iter().filter(is_unplaced).collect();
        if vms.is_empty() {
            return;
        }
        let text = format!(
            "{} listed without the place of the configuration and without the id that it bears ({}): a configuration here may be \
             theirs; export VMId, for the ID of SCVMM is another",
            count(vms.len(), "VM is", "VMs are"),
            list(vms.iter().map(|vm| vm.name.as_str())),
        );
        let roots = self.of_platform(Platform::Hyperv);
        let reach = Reach::Configurations(Platform::Hyperv);
        self.gap(ReasonCode::InventoryIncomplete, text, roots, reach);
    }

    /// A path that was cut before it told a datastore: what it names may be any disk.
    pub(super) fn rows_with_cut_places(&mut self) {
        let mut cut: BTreeMap<Platform, BTreeSet<(&str, &str)>> = BTreeMap::new();
        for inventory in self.world.inventories {
            for vm in &inventory.vms {
                let disks = vm
                    .files
                    .iter()
                    .filter(|file| matches!(file.role, Role::Disk | Role::Parent));
                let disks = disks
                    .map(|file| file.path.as_str())
                    .filter(|path| is_cut_in_place(path));
                let of_platform = cut.entry(inventory.platform).or_default();
                of_platform.extend(disks.map(|path| (vm.name.as_str(), path)));
            }
        }
        for (platform, disks) in cut.into_iter().filter(|(_, disks)| !disks.is_empty()) {
            let shown: Vec<String> = disks.iter().map(|(vm, path)| format!("{path} of {vm}")).collect();
            let text = format!(
                "{} cut before it tells a datastore ({}), and what it names may be any disk here: export again, and not through a table",
                count(disks.len(), "path was", "paths were"),
                list(shown.iter().map(String::as_str)),
            );
            let roots = self.of_platform(platform);
            self.gap(ReasonCode::InventoryLossy, text, roots, Reach::Attachable);
        }
    }

    /// V8, H-C6: an inventory lists part of a VM, and what would tell the rest was not scanned.
    pub(super) fn rows_without_the_rest(&mut self) {
        let mut vms: BTreeMap<(Platform, Rest), Vec<&OwnerVm>> = BTreeMap::new();
        for vm in self.owners.vms.iter().filter(|vm| !vm.rows.is_empty()) {
            let listing = own::best_listing(self.world, vm);
            let config_unknown = vm.config.is_none() && (vm.config_outside || self.is_unplaced(vm));
            let disk_outside = vm
                .outside
                .iter()
                .any(|(role, _)| matches!(role, Role::Disk | Role::Extent | Role::Parent));
            if listing == Listing::WholeChains || !(config_unknown || disk_outside) {
                continue;
            }
            if listing == Listing::ConfigOnly && config_unknown {
                continue; // said by `unreadable_owners`
            }
            if let Some(rest) = self.rest_of(vm) {
                vms.entry((vm.platform, rest)).or_default().push(vm);
            }
        }
        for ((platform, rest), vms) in vms {
            let (what, reach) = match rest {
                Rest::State => {
                    for vm in vms {
                        self.state_elsewhere(vm);
                    }
                    continue;
                }
                Rest::BaseDisk => ("a base disk", Reach::Disks),
                Rest::All => ("a base disk, snapshot or swap", Reach::Everything),
            };
            let text = format!(
                "{} ({}) {}, and the inventory lists only part of their files: {what} of theirs may lie here; scan those datastores or give {}",
                count(vms.len(), "VM", "VMs"),
                list(vms.iter().map(|vm| vm.name.as_str())),
                self.files_not_scanned(&vms),
                whole_chains_of(platform),
            );
            let roots = self.of_platform(platform);
            self.gap(ReasonCode::OutsideScan, text, roots, reach);
        }
    }

    /// What of a VM may lie on a scanned datastore while it has files on others. The configuration of VMware names all but the
    /// disks below those that it names: where it was read, only these are open. Where all its disks are known down to a base
    /// and it has no snapshots, nothing is but the swap of one that runs.
    fn rest_of(&self, vm: &OwnerVm) -> Option<Rest> {
        let is_read = self.has_read_config(vm);
        let may_run = vm.platform == Platform::Vmware && !own::is_off(self.world, vm);
        match self.open_end(vm) {
            None if is_read || !may_run || self.has_listed_swap(vm) => None,
            None => Some(Rest::State),
            Some(_) if vm.platform == Platform::Hyperv || is_read => Some(Rest::BaseDisk),
            Some(_) => Some(Rest::All),
        }
    }

    /// V51: a VM that runs and whose configuration was not scanned may have its swap elsewhere, under its name.
    fn state_elsewhere(&mut self, vm: &OwnerVm) {
        let nodes = self.state_of_its_name(vm);
        if nodes.is_empty() {
            return;
        }
        let text = format!(
            "{} may run, and its configuration lies on a datastore that was not scanned: swap and state that bear its name may be its own; \
             scan that datastore or give {}",
            vm.name,
            whole_chains_of(vm.platform),
        );
        let roots = nodes
            .iter()
            .map(|&node| self.world.files.nodes[node].entry.root)
            .collect();
        self.gap(ReasonCode::OutsideScan, text, roots, Reach::These(nodes));
    }

    /// True for a VM of which no row tells where its configuration lies.
    fn is_unplaced(&self, vm: &OwnerVm) -> bool {
        let row = |&(inventory, row): &(usize, usize)| &self.world.inventories[inventory].vms[row];
        vm.platform == Platform::Hyperv && vm.rows.iter().map(row).all(|row| row.config.is_none())
    }

    /// `has files on datastores that were not scanned (/vmfs/volumes/old/web/web.vmdk)`.
    fn files_not_scanned(&self, vms: &[&OwnerVm]) -> String {
        let configs = vms.iter().filter(|vm| vm.config.is_none() && vm.config_outside);
        let rows = configs.flat_map(|vm| &vm.rows);
        let configs = rows.filter_map(|&(inventory, row)| self.world.inventories[inventory].vms[row].config.clone());
        let disks = vms.iter().flat_map(|vm| &vm.outside);
        let disks = disks.filter(|(role, _)| matches!(role, Role::Disk | Role::Extent | Role::Parent));
        let places: BTreeSet<String> = configs.chain(disks.map(|(_, path)| path.clone())).collect();
        let has = if vms.len() == 1 { "has" } else { "have" };
        if places.is_empty() {
            return format!("{has} a configuration of which no inventory tells the place, and none was found");
        }
        format!(
            "{has} files on datastores that were not scanned ({})",
            list(places.iter().map(String::as_str))
        )
    }

    /// V48: a working folder that was not scanned may hold the snapshot list, which alone names the other branches.
    pub(super) fn unscanned_snapshot_folders(&mut self) {
        for vm in self.owners.vms.iter().filter(|vm| !vm.rows.is_empty()) {
            let folder = vm.outside.iter().find(|(role, _)| *role == Role::Folder);
            let Some((_, folder)) = folder.filter(|_| own::best_listing(self.world, vm) != Listing::WholeChains) else {
                continue;
            };
            let text = format!(
                "{} keeps its snapshots in {folder}, which was not scanned: the list there may name further disks; scan it or give {}",
                vm.name,
                whole_chains_of(Platform::Vmware),
            );
            let roots = self.roots_of(vm);
            self.gap(ReasonCode::OutsideScan, text, roots, Reach::State);
        }
    }

    /// H-D2: without the disks of the checkpoints no verdict on an AVHDX.
    pub(super) fn checkpoints_without_disks(&mut self) {
        let mut names = BTreeSet::new();
        for vm in self.owners.vms.iter().filter(|vm| vm.platform == Platform::Hyperv) {
            let rows = || {
                vm.rows
                    .iter()
                    .map(|&(inventory, row)| &self.world.inventories[inventory].vms[row])
            };
            let listed = rows().flat_map(|row| &row.checkpoints);
            let unread = listed
                .filter(|checkpoint| !checkpoint.has_disks)
                .any(|checkpoint| !self.read_checkpoint(vm, checkpoint.id));
            // A VM that runs on a checkpoint, of which no list and no configuration tells how many it has.
            let is_told = rows().any(|row| !row.has_snapshots || !row.checkpoints.is_empty());
            let is_counted = vm
                .config
                .and_then(|config| own::vm_evidence(self.world.files, config))
                .is_some_and(|evidence| evidence.opaque.is_none());
            if unread || !(vm.rows.is_empty() || is_told || is_counted) {
                names.insert(vm.name.clone());
            }
        }
        if !names.is_empty() {
            let text = format!(
                "checkpoints of {} are listed without their disks, or not at all, and their configurations were not read: export \
                 Get-VMSnapshot | Get-VMHardDiskDrive",
                list(names.iter().map(String::as_str))
            );
            let roots = self.of_platform(Platform::Hyperv);
            self.gap(ReasonCode::CheckpointsWithoutDisks, text, roots, Reach::Checkpoints);
        }
    }

    /// H-D2: a configuration counts more checkpoints than are listed or were read, so disks of theirs are not known.
    pub(super) fn uncounted_checkpoints(&mut self) {
        let mut names = BTreeSet::new();
        for vm in &self.owners.vms {
            let Some(evidence) = vm.config.and_then(|config| own::vm_evidence(self.world.files, config)) else {
                continue;
            };
            if self.known_checkpoints(vm, evidence) < evidence.checkpoints {
                names.insert(vm.name.clone());
            }
        }
        if !names.is_empty() {
            let text = format!(
                "the configurations of {} count more checkpoints than are listed or were read: scan their checkpoint folders, or export \
                 Get-VMSnapshot | Get-VMHardDiskDrive",
                list(names.iter().map(String::as_str))
            );
            let roots = self.of_platform(Platform::Hyperv);
            self.gap(ReasonCode::CheckpointsWithoutDisks, text, roots, Reach::Checkpoints);
        }
    }

    /// How many checkpoints of a VM are listed, or were read, whichever are more.
    pub(super) fn known_checkpoints(&self, vm: &OwnerVm, evidence: &VmEvidence) -> u64 {
        let rows = vm
            .rows
            .iter()
            .map(|&(inventory, row)| &self.world.inventories[inventory].vms[row]);
        let listed = rows.map(|row| row.checkpoints.len()).max().unwrap_or(0);
        let is_read = |node| own::vm_evidence(self.world.files, node).is_some_and(|read| read.opaque.is_none());
        let own = evidence.instance_id.into_iter();
        let of_vm = own.flat_map(|id| self.world.checkpoints.of(id));
        let read = of_vm.filter(|checkpoint| is_read(checkpoint.node)).count();
        u64::try_from(listed.max(read)).unwrap_or(u64::MAX)
    }

    pub(super) fn read_checkpoint(&self, vm: &OwnerVm, checkpoint: uuid::Uuid) -> bool {
        vm.files.keys().any(|&node| {
            own::vm_evidence(self.world.files, node)
                .is_some_and(|evidence| evidence.instance_id == Some(checkpoint) && evidence.opaque.is_none())
        })
    }

    /// V83: every datastore that an inventory knows and that was not scanned is named.
    pub(super) fn not_scanned(&mut self) {
        let mut used: BTreeMap<usize, BTreeSet<(usize, &str)>> = BTreeMap::new();
        for (index, inventory) in self.world.inventories.iter().enumerate() {
            for vm in &inventory.vms {
                for text in vm
                    .config
                    .iter()
                    .map(String::as_str)
                    .chain(vm.files.iter().map(|file| file.path.as_str()))
                {
                    let Parsed::Path(path) = parse(text) else { continue };
                    let path = path.on_host(vm.host.as_deref());
                    let Some(mount) = &path.mount else { continue };
                    if let Some(entity) = self
                        .identities
                        .entity(crate::reconcile::identity::Writer::Inventory(index), mount)
                        && !self.is_placed(entity, index, vm, text)
                    {
                        used.entry(entity).or_default().insert((index, vm.name.as_str()));
                    }
                }
            }
        }
        let all: BTreeSet<usize> = (0..self.coverage.roots.len()).collect();
        for place in self.unscanned_places(&used) {
            let held = match place.vms.len() {
                0 => String::new(),
                vms => format!(", and {} on it", count(vms, "VM has files", "VMs have files")),
            };
            let (why, remedy) = if place.ambiguous {
                ("could be several of the roots", "give an alias")
            } else {
                ("was not scanned", "scan it as well")
            };
            // Another vCenter may have a datastore of the same name (V66).
            let namesakes = || {
                let roots = self.identities.roots.iter();
                roots.filter(|root| fold(&root.name) == fold(&place.title))
            };
            let may_be_it = namesakes().any(|root| root.identity == Identity::Unknown) && !place.ambiguous;
            let remedy = if may_be_it {
                "scan it as well, or, if the root of its name is it, give that root its alias"
            } else {
                remedy
            };
            let is_other = namesakes().next().is_some() && !place.ambiguous && !may_be_it;
            let title = match (is_other, place.names.is_empty()) {
                (false, _) => place.title,
                (true, true) => format!("another datastore of the name {}", place.title),
                (true, false) => {
                    let names = list(place.names.iter().map(String::as_str));
                    format!("another datastore of the name {} ({names})", place.title)
                }
            };
            let text = format!("{title} is known to an inventory and {why}{held}: {remedy}");
            let holds = place.is_counted || !place.vms.is_empty();
            self.note(ReasonCode::DatastoreNotScanned, text, all.clone(), holds);
        }
    }

    /// True for a path of a datastore that is no root of its own and whose files lie in one all the same: a share that is a folder
    /// of a scanned volume (H-B2).
    fn is_placed(&self, entity: usize, inventory: usize, vm: &Registration, path: &str) -> bool {
        let is_root = !self.identities.entities[entity].roots.is_empty();
        let listed = || self.world.resolver.listed(inventory, vm.host.as_deref(), path);
        !is_root
            && matches!(
                listed(),
                Target::Files(_) | Target::Missing { .. } | Target::Unread { .. }
            )
    }

    /// Datastores without a root, those of one name together: every inventory of a cluster has its own word for a volume.
    fn unscanned_places<'v>(&self, used: &BTreeMap<usize, BTreeSet<(usize, &'v str)>>) -> Vec<UnscannedPlace<'v>> {
        let mut places: BTreeMap<(String, bool), UnscannedPlace<'v>> = BTreeMap::new();
        for (index, entity) in self.identities.entities.iter().enumerate() {
            let vms = used.get(&index);
            let is_scanned = !entity.roots.is_empty() || !entity.within.is_empty();
            if is_scanned || (entity.records.is_empty() && vms.is_none()) {
                continue;
            }
            let counts = |&(inventory, record): &(usize, usize)| {
                let record = &self.world.inventories[inventory].datastores[record];
                record.vm_count.is_some_and(|count| count > 0)
            };
            let title = entity.title();
            let place = places.entry((fold(&title), entity.ambiguous)).or_default();
            place.ambiguous = entity.ambiguous;
            place.is_counted |= entity.records.iter().any(counts);
            place.vms.extend(vms.into_iter().flatten());
            let names = entity.names.iter().map(|(_, mount)| mount.to_string());
            place.names.extend(names.filter(|name| *name != title));
            // A list of datastores has the name as people write it.
            if place.title.is_empty() || !entity.records.is_empty() {
                place.title = title;
            }
        }
        places.into_values().collect()
    }

    /// H-E15: pass-through disks have no file.
    pub(super) fn fileless_disks(&mut self) {
        let names: BTreeSet<&str> = self
            .world
            .inventories
            .iter()
            .flat_map(|inventory| &inventory.vms)
            .filter(|vm| !vm.fileless_disks.is_empty())
            .map(|vm| vm.name.as_str())
            .collect();
        if !names.is_empty() {
            let text = format!(
                "{} pass-through disks, which have no file and cannot be assessed here ({}): look at these LUNs on their storage",
                count(names.len(), "VM has", "VMs have"),
                list(names.iter().copied())
            );
            self.note(ReasonCode::FilelessDisks, text, BTreeSet::new(), false);
        }
    }

    /// V86: what is left of a disk on vSAN when its descriptor was deleted has no file.
    pub(super) fn vsan_objects(&mut self) {
        let is_vsan = |root: &usize| self.coverage.roots[*root].is_vsan;
        let roots: BTreeSet<usize> = (0..self.coverage.roots.len()).filter(is_vsan).collect();
        if !roots.is_empty() {
            let text = format!(
                "{} vSAN: objects without a descriptor cannot be seen in its files, and neither can their sizes; look at `esxcli vsan debug \
                 object list`",
                if roots.len() == 1 {
                    format!("{} is", self.root_name(roots.first().copied().unwrap_or_default()))
                } else {
                    format!("{} are", list(roots.iter().map(|&root| self.root_name(root))))
                }
            );
            self.note(ReasonCode::VsanObjects, text, roots, false);
        }
    }
}

/// The export that lists whole chains, as an administrator finds it.
fn whole_chains_of(platform: Platform) -> &'static str {
    match platform {
        Platform::Vmware => {
            "an export that lists whole chains (vcenter-powercli.ps1 or vcenter-govc.sh of scripts/export)"
        }
        Platform::Hyperv => "an export with checkpoints, their disks and Get-VHD (hyperv.ps1 of scripts/export)",
    }
}
