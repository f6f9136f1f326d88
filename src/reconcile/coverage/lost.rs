//! Disks that registered VMs miss. Only the lost disk tells whether it had a parent, and which.
//!
//! A checkpoint lies beside its parent, so a lost one keeps the disks of its folder `unknown`. The link of a clone may have
//! its parent anywhere, and a disk whose name does not tell what it was may have been such a link. That does not make
//! every disk of nobody on the platform somebody's; the decision, by the first law:
//!
//! - where the inventory tells the chain of the lost disk (`Get-VHD`, LayoutEx), or its extent is a flat one that is still
//!   there, nothing is open of what it stood on;
//! - its data may lie elsewhere under another name, where somebody moved them by hand. The id of the disk tells whether a disk
//!   of nobody is it; where no inventory tells that, no base disk of the platform is a `candidate`, whether its chain is told
//!   or not;
//! - a base disk that looks like a parent ([`crate::reconcile::judge`], `lost.rs`, lists the signs) is `unknown`. Of a parent
//!   whose clones are known and are all nobody's, and of its neighbours, that holds only where the lost disk lay among these
//!   clones: pools lie together, and only a lost disk that somebody restores could still need the parent. Elsewhere it is
//!   review, with medium confidence (one that a VM, or a clone that cannot be judged, hangs on is protected by that);
//! - on VMware a name, or that nobody may write to it, ties a disk only to the lost ones of its own datastore: what has no
//!   child on any scanned datastore is review (V27, V29), and every site has some VM that misses a disk somewhere;
//! - a VHD has no parent but a VHD, a VHDX none but a VHDX: what has the other form is no parent of the lost disk;
//! - every other base disk of the platform is no `candidate`: review, with medium confidence at most;
//! - of a ghost nothing is left, neither its configuration nor a disk, that could still need a parent: its lost disks make no
//!   disk `unknown`. They lower the confidence, and what looks like a parent is no `candidate`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Builder, GapItem, Reach, is_base, list};
use crate::{
    classify::{self, NameHint},
    inventory::Listing,
    kind::{Kind, Platform, Role},
    path::fold,
    raw::RawPath,
    reconcile::{
        companions,
        own::{self, Missing, OwnerVm},
        resolve::Target,
    },
    report::codes::ReasonCode,
};

/// Root and folder, without case.
type Place = (usize, String);

/// A disk that a registered VM misses and whose parent, if it had one, may be any base disk of the platform.
#[derive(Debug, Clone)]
pub(crate) struct LostLink {
    /// Place of the VM.
    pub(crate) vm: usize,
    /// Platform.
    pub(crate) platform: Platform,
    /// What its name says that it was.
    pub(crate) form: Option<Kind>,
    /// Root and folder in which it lay, where no other registered VM has a file.
    pub(crate) own_folder: Option<(usize, Vec<u8>)>,
    /// Root and folder that hold the folder in which it lay, as the folders of a pool lie beside each other.
    pub(crate) pool: Place,
    /// Neither the configuration of the VM nor a disk of it is left.
    pub(crate) is_of_ghost: bool,
    /// The disk, its root and its VM.
    disk: String,
    /// Why it matters, in a sentence.
    pub(crate) text: String,
}

impl LostLink {
    /// True for a root on which a disk of nobody that only looks like a parent waits for this one as `unknown`. Makers of
    /// clones on VMware put a copy of the parent on each datastore of the clones (V28 has it in the names of Citrix); for
    /// those that may keep it elsewhere (a replica datastore of Horizon) it stays review (V27). On Hyper-V parents have a
    /// volume of their own.
    pub(crate) fn may_be_clone_of_disk_on(&self, root: usize) -> bool {
        self.platform == Platform::Hyperv || self.pool.0 == root
    }

    /// True for a kind of disk on which the lost one may stand: disks of Hyper-V of different forms make no chain.
    pub(crate) fn may_stand_on(&self, base: Kind) -> bool {
        !matches!(
            (self.form, base),
            (Some(Kind::Vhd | Kind::Avhd), Kind::Vhdx) | (Some(Kind::Vhdx | Kind::Avhdx | Kind::Vhds), Kind::Vhd)
        )
    }
}

/// All such disks, and what tells a parent from another disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct LostLinks {
    /// The disks.
    pub(crate) links: Vec<LostLink>,
    /// Those that lay in a folder of no other VM, by root and folder.
    by_own_folder: BTreeMap<(usize, Vec<u8>), Vec<usize>>,
    /// Those of each VM.
    by_vm: BTreeMap<usize, Vec<usize>>,
    /// Those that lay in a folder below this one.
    by_pool: BTreeMap<Place, Vec<usize>>,
    /// Folders that hold a parent of a clone (of a differencing disk that lies elsewhere and is no checkpoint), with the
    /// places that hold the folders of these clones.
    pub(crate) parent_folders: BTreeMap<Place, BTreeSet<Place>>,
    /// Roots on which some disk may be written to, so that one which may not is an exception.
    pub(crate) writable_roots: BTreeSet<usize>,
}

impl LostLinks {
    fn add(&mut self, link: LostLink) {
        let place = self.links.len();
        if let Some(folder) = &link.own_folder {
            self.by_own_folder.entry(folder.clone()).or_default().push(place);
        }
        self.by_vm.entry(link.vm).or_default().push(place);
        self.by_pool.entry(link.pool.clone()).or_default().push(place);
        self.links.push(link);
    }

    /// Those that lay in this folder of a root or in one of these pools, or belong to one of these VMs, in their order.
    pub(crate) fn near(
        &self,
        (root, folder): (usize, &[u8]),
        vms: &BTreeSet<usize>,
        pools: Option<&BTreeSet<Place>>,
    ) -> impl Iterator<Item = &LostLink> {
        let here = self.by_own_folder.get(&(root, folder.to_vec())).into_iter().flatten();
        let of_vms = vms.iter().filter_map(|vm| self.by_vm.get(vm)).flatten();
        let in_pools = pools
            .into_iter()
            .flatten()
            .filter_map(|pool| self.by_pool.get(pool))
            .flatten();
        let places: BTreeSet<usize> = here.chain(of_vms).chain(in_pools).copied().collect();
        places.into_iter().map(|place| &self.links[place])
    }
}

impl Builder<'_> {
    /// Notes the disks that registered VMs miss.
    pub(super) fn missing_links(&mut self) {
        for (index, vm) in self.owners.vms.iter().enumerate() {
            if vm.rows.is_empty() || own::best_listing(self.world, vm) == Listing::WholeChains {
                continue;
            }
            let disks = vm.missing.iter();
            let disks: Vec<&Missing> = disks
                .filter(|missing| matches!(missing.role, Role::Disk | Role::Parent))
                .collect();
            if disks.is_empty() {
                continue;
            }
            let told = self.told_disks(vm);
            for missing in disks {
                if !told.contains(&(missing.root, folded(&missing.path))) {
                    self.missing_link(index, vm, missing);
                }
            }
        }
        let mut gaps = self.coverage.gaps.iter();
        let hides_strangers = gaps.any(|gap| gap.code == ReasonCode::FolderUnreadable && gap.lowers);
        if !self.coverage.lost.links.is_empty() || hides_strangers {
            self.coverage.lost.parent_folders = self.parent_folders();
            let files = self.world.files.nodes.iter();
            let writable = files.filter(|file| file.kind().is_disk() && !file.entry.read_only);
            self.coverage.lost.writable_roots = writable.map(|file| file.entry.root).collect();
        }
        self.lost_links(Platform::Vmware);
        self.lost_links(Platform::Hyperv);
        self.disks_without_id();
    }

    /// A registered VM misses a disk whose chain is told and whose id is not: a disk of nobody may be it, renamed and moved by hand.
    /// Where the whole VM is gone nobody looks for one disk of it, and data that lie at their place are found there.
    fn disks_without_id(&mut self) {
        let mut missed: BTreeMap<Platform, Vec<String>> = BTreeMap::new();
        for vm in self.owners.vms.iter().filter(|vm| vm.config.is_some()) {
            let is_whole = !vm.rows.is_empty() && own::best_listing(self.world, vm) == Listing::WholeChains;
            let disks = vm
                .missing
                .iter()
                .filter(|missing| missing.role == Role::Disk && is_whole);
            for missing in disks {
                let parts = companions::parts_of_missing(self.world.files, missing.root, &missing.path);
                if parts.is_empty() && !self.is_id_told(vm, missing) {
                    let path = String::from_utf8_lossy(&missing.path);
                    let text = format!("{path} on {}, a disk of {}", self.root_name(missing.root), vm.name);
                    missed.entry(vm.platform).or_default().push(text);
                }
            }
        }
        for (platform, disks) in missed {
            let text = format!(
                "{}: {} not there, and no inventory tells its id, so that a disk of nobody may be it under another name; restore it, or \
                 export the ids of disks (Disk UUID of RVTools, backing.uuid of the API, DiskIdentifier of Get-VHD)",
                list(disks.iter().map(String::as_str)),
                if disks.len() == 1 { "it is" } else { "each of them is" },
            );
            self.coverage.gaps.push(GapItem {
                code: ReasonCode::TargetGone,
                text,
                roots: self.of_platform(platform),
                reach: Reach::Bases(platform),
                caps: false,
                lowers: true,
            });
        }
    }

    /// True where a row tells the id of a disk that is not there.
    fn is_id_told(&self, vm: &OwnerVm, missing: &Missing) -> bool {
        vm.rows.iter().any(|&(inventory, row)| {
            let row = &self.world.inventories[inventory].vms[row];
            let mut told = row.disk_ids.keys();
            told.any(|path| {
                let target = self.world.resolver.listed(inventory, row.host.as_deref(), path);
                matches!(target, Target::Missing { root, path } if root == missing.root && folded(&path) == folded(&missing.path))
            })
        })
    }

    /// All lost disks of a platform that may have had a parent are one gap: nobody reads a thousand like sentences.
    fn lost_links(&mut self, platform: Platform) {
        let links = self.coverage.lost.links.iter();
        let links: Vec<&LostLink> = links.filter(|link| link.platform == platform).collect();
        let text = match links.as_slice() {
            [] => return,
            [one] => one.text.clone(),
            many => format!(
                "{} disks of registered VMs are not there, and only they tell the disks below them ({}): {}",
                many.len(),
                list(many.iter().map(|link| link.disk.as_str())),
                match platform {
                    Platform::Vmware => "restore the descriptors or give LayoutEx",
                    Platform::Hyperv => "restore them or give Get-VHD",
                }
            ),
        };
        self.coverage.gaps.push(GapItem {
            code: ReasonCode::DiskUnreadable,
            text,
            roots: self.of_platform(platform),
            reach: Reach::Bases(platform),
            caps: false,
            lowers: true,
        });
    }

    /// Places of disks that are not there and of which the rows of the VM tell the whole chain.
    fn told_disks(&self, vm: &OwnerVm) -> BTreeSet<(usize, String)> {
        let mut told = BTreeSet::new();
        for &(inventory, row) in &vm.rows {
            let row = &self.world.inventories[inventory].vms[row];
            for path in &row.told_disks {
                if let Target::Missing { root, path } = self.world.resolver.listed(inventory, row.host.as_deref(), path)
                {
                    told.insert((root, folded(&path)));
                }
            }
        }
        told
    }

    fn missing_link(&mut self, index: usize, vm: &OwnerVm, missing: &Missing) {
        let path = RawPath::new(missing.path.clone());
        let disk = format!(
            "{} on {}, a disk of {}",
            path.lossy(),
            self.root_name(missing.root),
            vm.name
        );
        let text = format!(
            "{disk}, is not there: only it tells the disks below it; {}",
            remedy(vm.platform)
        );
        let parts = companions::parts_of_missing(self.world.files, missing.root, &missing.path);
        let has_part = |kinds: &[Kind]| {
            let mut kinds_there = parts.iter().map(|&(node, _)| self.world.files.nodes[node].kind());
            kinds_there.any(|kind| kinds.contains(&kind))
        };
        let folder = path.folder().as_bytes().to_vec();
        // Where snapshots go a configuration tells: of one that cannot be read the link may lie anywhere.
        let is_checkpoint = companions::is_snapshot_link(&missing.path) && !self.has_opaque_config(vm);
        if is_checkpoint {
            let reach = Reach::Folder(missing.root, folder.clone());
            let roots = BTreeSet::from([missing.root]);
            self.gap(ReasonCode::DiskUnreadable, text.clone(), roots, reach);
        } else if has_part(&[Kind::VmdkDelta, Kind::VmdkSeSparse]) {
            let roots = self.of_platform(vm.platform);
            self.gap(ReasonCode::DiskUnreadable, text, roots, Reach::Disks);
            return;
        }
        let has_base = || {
            let near = self.world.files.in_folder(missing.root, &folder);
            near.iter().any(|&node| is_base(self.world.files.nodes[node]))
        };
        if has_part(&[Kind::VmdkFlat]) || is_checkpoint && has_base() {
            return;
        }
        let form = match classify::by_name(&path.folder(), path.name()) {
            NameHint::Kind(kind) => Some(kind),
            _ => None,
        };
        let folder = (missing.root, folder);
        let (is_of_ghost, is_shared) = self.left_of(index, vm, &folder);
        self.coverage.lost.add(LostLink {
            vm: index,
            platform: vm.platform,
            form,
            pool: (folder.0, above(&folder.1)),
            own_folder: (!is_shared).then_some(folder),
            is_of_ghost,
            disk,
            text,
        });
    }

    /// Whether nothing is left of the VM, and whether another registered VM has a file in the folder.
    fn left_of(&self, index: usize, vm: &OwnerVm, folder: &(usize, Vec<u8>)) -> (bool, bool) {
        let files = self.world.files;
        let is_disk = |&node: &usize| files.nodes[node].kind().is_disk();
        let is_of_ghost = vm.ghost.is_some() && vm.config.is_none() && !vm.files.keys().any(is_disk);
        let is_anothers = |node: &usize| {
            let vms = self.owners.vms_of.get(*node).into_iter().flatten();
            vms.into_iter()
                .any(|&other| other != index && self.owners.vms[other].is_registered())
        };
        (
            is_of_ghost,
            files.in_folder(folder.0, &folder.1).iter().any(is_anothers),
        )
    }

    /// Folders that hold a parent of a clone, with the places that hold the folders of the clones.
    fn parent_folders(&self) -> BTreeMap<Place, BTreeSet<Place>> {
        let nodes = &self.world.files.nodes;
        let mut folders: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for edge in self.references.edges.iter().filter(|edge| edge.role == Role::Parent) {
            if own::is_clone_edge(self.world.files, edge) {
                let (parent, clone) = (nodes[edge.to], nodes[edge.from]);
                let folder = (parent.entry.root, folded(parent.folder()));
                let pool = (clone.entry.root, above(clone.folder()));
                folders.entry(folder).or_default().insert(pool);
            }
        }
        folders
    }
}

/// What tells the disks below a lost one.
fn remedy(platform: Platform) -> &'static str {
    match platform {
        Platform::Vmware => "restore the descriptor or give LayoutEx",
        Platform::Hyperv => "restore it or give Get-VHD",
    }
}

/// The folder that holds a folder, without case.
fn above(folder: &[u8]) -> String {
    folded(RawPath::new(folder).folder().as_bytes())
}

fn folded(path: &[u8]) -> String {
    fold(&String::from_utf8_lossy(path))
}
