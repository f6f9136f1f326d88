//! Coverage: when a "nobody" may be said (design, *Coverage*).
//!
//! An inventory covers a root when it lists its datastore or registers a VM with a file on it. The cover is complete
//! unless something says otherwise; what says so is a [`GapItem`] with its reach: the roots and the files whose owner it
//! could hide. Nothing is capped further than that.

mod ages;
mod file_lists;
mod lost;
mod mentions;
mod opaque;
mod open_ends;
mod reaching;
mod sharers;
mod since;
mod unread;
mod unscanned;

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use self::reaching::Reaching;
pub(crate) use self::{
    lost::{LostLink, LostLinks},
    sharers::{host_uuid, is_host},
};
use super::{
    Options,
    files::{Files, Node, NodeId},
    identity::Identities,
    locks::Locks,
    own::{self, OwnerVm, Owners, World},
    resolve::References,
    traces::Traces,
};
pub(crate) use crate::words::count;
use crate::{
    catalogue::Catalogue,
    inventory::Inventory,
    kind::{Kind, Platform, Role},
    path::{Parsed, fold, parse},
    report::{
        codes::ReasonCode,
        model::{Cover, Identity},
    },
};

/// Clocks of hosts, servers and scanners differ, and exports take time (design: "with a margin of an hour").
pub(crate) const MARGIN: SignedDuration = SignedDuration::from_hours(1);

/// Which files of its roots a gap can affect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Everything that needs an inventory to be judged.
    Everything,
    /// Disks, and what a descriptor names beside its extents: one of them may be a parent that nobody here names.
    Disks,
    /// What a VM can have attached: disks and their extents, images, media.
    Attachable,
    /// What can be a VM's own: what it can have attached, and its snapshots and other state.
    Belongings,
    /// Disks of this platform without a parent: one of them may be the parent of a disk that is lost.
    Bases(Platform),
    /// Configurations of this platform, and state that bears the id of one.
    Configurations(Platform),
    /// What a checkpoint can have: its disks and state, and a whole disk that was taken out of its VM since.
    Checkpoints,
    /// What a list of the disks attached now leaves out: snapshots, swap, memory and other state.
    State,
    /// The same, in this folder of this root or below it.
    StateIn(usize, Vec<u8>),
    /// What lies in this folder of this root or below it.
    Folder(usize, Vec<u8>),
    /// Files whose path fits a damaged one; `?` is one unknown character.
    Matching(String),
    /// These files.
    These(BTreeSet<NodeId>),
}

impl Reach {
    /// True where an owner may be hidden from any disk of a root: its cover is not complete.
    fn is_wide(&self) -> bool {
        matches!(
            self,
            Self::Everything | Self::Attachable | Self::Belongings | Self::Checkpoints
        )
    }
}

/// Something that is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GapItem {
    /// What it is about.
    pub(crate) code: ReasonCode,
    /// One sentence with what would settle it.
    pub(crate) text: String,
    /// Roots that it affects.
    pub(crate) roots: BTreeSet<usize>,
    /// Which of their files.
    pub(crate) reach: Reach,
    /// It keeps verdicts at `unknown`; otherwise it only lowers the confidence or is good to know.
    pub(crate) caps: bool,
    /// It lowers the confidence.
    pub(crate) lowers: bool,
}

impl GapItem {
    /// What would settle it: the last part of the sentence.
    pub(crate) fn remedy(&self) -> &str {
        self.remedy_start()
            .and_then(|end| self.text.get(end + 2..))
            .unwrap_or(&self.text)
    }

    /// What is not known, without that part: a reason has it beside it.
    pub(crate) fn finding(&self) -> &str {
        self.remedy_start()
            .and_then(|end| self.text.get(..end))
            .unwrap_or(&self.text)
    }

    fn remedy_start(&self) -> Option<usize> {
        self.text.rfind(": ").max(self.text.rfind("; "))
    }
}

/// Who would know the owners of the files of one root.
#[derive(Debug, Clone)]
pub(crate) struct RootCover {
    /// How far.
    pub(crate) cover: Cover,
    /// Inventories that cover it.
    pub(crate) inventories: BTreeSet<usize>,
    /// When the newest of them was taken.
    pub(crate) newest: Option<Timestamp>,
    /// Up to when the newest of them speaks for sure: a local time without a zone may be earlier than it reads.
    pub(crate) sure: Option<Timestamp>,
    /// Its datastore is vSAN: files are only the names of objects.
    pub(crate) is_vsan: bool,
    /// Those that count: of one source the newest alone, unless it may be of a part of it.
    pub(crate) speaking: Vec<usize>,
    /// Up to when all of these speak: a file that is newer may be of a source whose export is older.
    pub(crate) common: Option<Timestamp>,
}

/// What is and is not known.
#[derive(Debug, Clone)]
pub(crate) struct Coverage {
    /// One for each root.
    pub(crate) roots: Vec<RootCover>,
    /// What is not known, sorted.
    pub(crate) gaps: Vec<GapItem>,
    /// The same by what they reach.
    reaching: Reaching,
    /// Configurations that a list of vSphere HA names, with the file that does.
    pub(crate) ha_named: BTreeMap<NodeId, NodeId>,
    /// Configurations that the registration list of a Hyper-V host names, with the file that does.
    pub(crate) store_named: BTreeMap<NodeId, NodeId>,
    /// What lists of files tell, by inventory and root.
    pub(crate) file_lists: Vec<file_lists::FileList>,
    /// Roots without a single file on which inventories register VMs, with these VMs (V84).
    pub(crate) empty_roots: BTreeMap<usize, Vec<usize>>,
    /// Disks that registered VMs miss and whose parent may be any base disk.
    pub(crate) lost: LostLinks,
}

impl Coverage {
    /// Works out what the inventories cover and what is missing.
    pub(crate) fn new(
        world: World<'_>,
        identities: &Identities,
        owners: &Owners,
        references: &References,
        locks: &Locks,
        traces: &Traces<'_>,
        options: &Options,
    ) -> Self {
        let catalogue = world.catalogue;
        let roots = base_cover(catalogue, world, identities, owners, options);
        let mut builder = Builder {
            catalogue,
            world,
            identities,
            owners,
            references,
            locks,
            traces,
            options,
            platforms: platforms(catalogue),
            listed_files: OnceCell::new(),
            coverage: Self {
                roots,
                gaps: Vec::new(),
                reaching: Reaching::default(),
                ha_named: ha_named(world.files, references),
                file_lists: Vec::new(),
                store_named: store_named(world, owners, references),
                empty_roots: empty_roots(catalogue, owners),
                lost: LostLinks::default(),
            },
        };
        builder.find_gaps();
        builder.reach_inner_roots();
        builder.coverage.gaps.sort();
        builder.coverage.gaps.dedup();
        gather_alike(&mut builder.coverage.gaps);
        builder.coverage.settle();
        builder.coverage
    }

    /// The gaps that keep this file from being nobody's, by their place.
    pub(crate) fn caps(&self, files: &Files<'_>, node: NodeId) -> impl Iterator<Item = usize> {
        self.reaching(files, node).filter(|&gap| self.gaps[gap].caps)
    }

    /// What lowers the confidence of a verdict on this file.
    pub(crate) fn lowering(&self, files: &Files<'_>, node: NodeId) -> impl Iterator<Item = &GapItem> {
        let gaps = self.reaching(files, node).map(|gap| &self.gaps[gap]);
        gaps.filter(|gap| gap.lowers)
    }

    fn reaching(&self, files: &Files<'_>, node: NodeId) -> impl Iterator<Item = usize> {
        let candidates = self.reaching.candidates(files, node).into_iter();
        let root = files.nodes[node].entry.root;
        candidates.filter(move |&gap| {
            let gap = &self.gaps[gap];
            gap.roots.contains(&root) && gap.reach.includes(files, node)
        })
    }

    /// A cover with a gap over everything, or over all disks, is incomplete.
    fn settle(&mut self) {
        self.reaching = Reaching::new(&self.gaps, self.roots.len());
        for (root, cover) in self.roots.iter_mut().enumerate() {
            let capped = self
                .gaps
                .iter()
                .any(|gap| gap.caps && gap.reach.is_wide() && gap.roots.contains(&root));
            if cover.cover == Cover::Complete && capped {
                cover.cover = Cover::Incomplete;
            }
        }
    }
}

/// Most gaps of one kind that are told one by one. Where a thousand VMs have the same fault, each of them would be a reason for
/// every file that it may hide the owner of.
const ALIKE_MAX: usize = 20;

/// Of gaps that say the same of the same files, and that the same would settle, the first stay as they are, and one says how many
/// more there are.
fn gather_alike(gaps: &mut Vec<GapItem>) {
    let mut alike: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (place, gap) in gaps.iter().enumerate() {
        let kind = (gap.code, &gap.roots, &gap.reach, gap.caps, gap.lowers, gap.remedy());
        alike.entry(kind).or_default().push(place);
    }
    let mut gathered = Vec::new();
    let mut is_gathered = vec![false; gaps.len()];
    // A single one more is told as well as counted.
    for places in alike.into_values().filter(|places| places.len() > ALIKE_MAX + 1) {
        let rest = &places[ALIKE_MAX..];
        let (one, more) = (&gaps[rest[0]], rest.len() - 1);
        let text = format!("{}, and {more} more of this kind; {}", one.finding(), one.remedy());
        gathered.push(GapItem { text, ..one.clone() });
        for &place in rest {
            is_gathered[place] = true;
        }
    }
    let mut is_gathered = is_gathered.into_iter();
    gaps.retain(|_| is_gathered.next() != Some(true));
    gaps.extend(gathered);
    gaps.sort();
}

impl Reach {
    fn includes(&self, files: &Files<'_>, node: NodeId) -> bool {
        let file = files.nodes[node];
        match self {
            Self::Everything => true,
            Self::Disks => {
                let kind = file.kind();
                kind.is_disk() || kind.is_extent() || matches!(kind, Kind::VmdkDigest | Kind::VmdkCtk)
            }
            Self::Attachable => is_attachable(file.kind()),
            Self::Belongings => is_attachable(file.kind()) || Self::State.includes(files, node),
            Self::These(nodes) => nodes.contains(&node),
            Self::Bases(platform) => file.kind().platform() == Some(*platform) && is_base(file),
            Self::Configurations(platform) => {
                let kind = file.kind();
                kind.platform() == Some(*platform) && (kind.is_config() || is_state(kind))
            }
            Self::Checkpoints => is_attachable(file.kind()) || is_checkpoint_disk(file) || is_checkpoint_state(file),
            Self::State => is_checkpoint_disk(file) || is_state(file.kind()) && !lies_by_its_config(files, node),
            Self::StateIn(root, folder) => {
                Self::State.includes(files, node) && Self::Folder(*root, folder.clone()).includes(files, node)
            }
            Self::Folder(root, folder) => *root == file.entry.root && is_below(file.entry.path.as_bytes(), folder),
            Self::Matching(pattern) => fits_damaged(pattern, &file.entry.path.lossy()),
        }
    }
}

/// True for what a VM can have attached.
fn is_attachable(kind: Kind) -> bool {
    kind.is_disk()
        || kind.is_extent()
        || matches!(kind, Kind::ForeignDisk | Kind::Iso | Kind::Floppy | Kind::Referenced)
}

/// A whole disk without a parent, or an extent of one.
pub(crate) fn is_base(file: Node<'_>) -> bool {
    let disk = file.evidence().and_then(|evidence| evidence.disk.as_ref());
    file.kind().is_extent() || file.kind().is_disk() && disk.is_some_and(|disk| !disk.has_parent)
}

fn is_checkpoint_disk(file: Node<'_>) -> bool {
    matches!(
        file.kind(),
        Kind::Avhd | Kind::Avhdx | Kind::VmdkDelta | Kind::VmdkSeSparse
    ) || file
        .evidence()
        .and_then(|evidence| evidence.disk.as_ref())
        .is_some_and(|disk| disk.has_parent)
}

/// State in a folder of checkpoints bears the id of its checkpoint alone (H-E3).
fn is_checkpoint_state(file: Node<'_>) -> bool {
    let above = file.entry.path.folder();
    let of_hyperv = matches!(file.kind(), Kind::Vmrs | Kind::Vmgs | Kind::Vsv | Kind::Bin);
    of_hyperv && above.parts().any(|part| part.eq_ignore_ascii_case(b"Snapshots"))
}

fn is_state(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Vmsd
            | Kind::Vmsn
            | Kind::Vmss
            | Kind::Vmem
            | Kind::Vswp
            | Kind::Psf
            | Kind::Nvram
            | Kind::Vmrs
            | Kind::Vmgs
            | Kind::Vsv
            | Kind::Bin
            | Kind::Slp
            | Kind::Referenced
    )
}

/// Folders that Hyper-V makes in that of a VM, folded.
const FOLDERS_OF_VM: [&str; 4] = [
    "virtual machines",
    "planned virtual machines",
    "snapshots",
    "virtual hard disks",
];

/// True for the folded name of a folder that Hyper-V makes in that of a VM.
pub(crate) fn is_made_by_hyperv(name: &str) -> bool {
    FOLDERS_OF_VM.contains(&name)
}

/// True for a path in a folder or below it; for the top of a root only what lies directly in it, or in a folder that
/// Hyper-V makes for VMs.
pub(crate) fn is_below(path: &[u8], folder: &[u8]) -> bool {
    if folder.is_empty() {
        let first = path.iter().position(|&byte| byte == b'/').map(|end| &path[..end]);
        return first.is_none_or(|first| {
            let first = fold(&String::from_utf8_lossy(first));
            is_made_by_hyperv(&first)
        });
    }
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
}

/// Compares a path below a root with a damaged path of an export, in which `?` is one unknown character.
fn fits_damaged(pattern: &str, path: &str) -> bool {
    let Parsed::Path(pattern) = parse(pattern) else {
        return false;
    };
    let pattern = fold(&pattern.relative());
    let path = fold(path);
    pattern.chars().count() == path.chars().count()
        && pattern
            .chars()
            .zip(path.chars())
            .all(|(expected, found)| expected == '?' || expected == found)
}

/// Roots and the inventories that know their datastore.
fn base_cover(
    catalogue: &Catalogue,
    world: World<'_>,
    identities: &Identities,
    owners: &Owners,
    options: &Options,
) -> Vec<RootCover> {
    let with_vms: BTreeSet<usize> = (0..world.inventories.len())
        .filter(|&index| world.inventories[index].has_vm_list)
        .collect();
    (0..catalogue.roots.len())
        .map(|root| {
            let listed = identities.roots[root].entities.iter().flat_map(|&entity| {
                identities.entities[entity]
                    .records
                    .iter()
                    .map(|&(inventory, _)| inventory)
            });
            let touched = owners
                .touched
                .iter()
                .filter(|&&(_, held)| held == root || identities.roots[root].is_covered_with(held))
                .map(|&(inventory, _)| inventory);
            let mut inventories: BTreeSet<usize> =
                listed.chain(touched).filter(|index| with_vms.contains(index)).collect();
            if options.assume_complete && identities.roots[root].identity != Identity::Unknown {
                inventories.extend(&with_vms);
            }
            let covering = || inventories.iter().map(|&index| &world.inventories[index]);
            let newest = covering().filter_map(|inventory| inventory.collected).max();
            let sure = covering().filter_map(Inventory::surely_collected).max();
            let speaking = ages::speaking(world, identities, owners, &inventories);
            let common = speaking
                .iter()
                .filter_map(|&index| world.inventories[index].surely_collected())
                .min();
            let cover = if inventories.is_empty() {
                Cover::None
            } else {
                Cover::Complete
            };
            RootCover {
                cover,
                inventories,
                newest,
                sure,
                is_vsan: is_vsan(world, identities, root),
                common,
                speaking,
            }
        })
        .collect()
}

/// True for a vSAN datastore: an inventory says so, or its id does (V86).
fn is_vsan(world: World<'_>, identities: &Identities, root: usize) -> bool {
    let entities = identities.roots[root].entities.iter();
    let mut records = entities.flat_map(|&entity| &identities.entities[entity].records);
    let is_kind = |&(inventory, record): &(usize, usize)| {
        let kind = world.inventories[inventory].datastores[record].kind.as_deref();
        kind.is_some_and(|kind| fold(kind) == "vsan")
    };
    let names = identities.names_of(root);
    records.any(is_kind) || names.iter().any(|name| name.starts_with("/vmfs/volumes/vsan:"))
}

/// Configurations that lists of vSphere HA name, each with the newest that does (V75).
fn ha_named(files: &Files<'_>, references: &References) -> BTreeMap<NodeId, NodeId> {
    let naming = references.edges.iter().filter(|edge| {
        files.nodes[edge.from].kind() == Kind::DatastoreSystem && files.nodes[edge.to].kind().is_config()
    });
    let written = |list: NodeId| files.nodes[list].entry.modified;
    let mut named: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    for edge in naming {
        let list = named.entry(edge.to).or_insert(edge.from);
        if written(edge.from) > written(*list) {
            *list = edge.from;
        }
    }
    named
}

/// Roots without a single file on which inventories register VMs, with these VMs (V84).
fn empty_roots(catalogue: &Catalogue, owners: &Owners) -> BTreeMap<usize, Vec<usize>> {
    let is_on = |vm: &OwnerVm, root: usize| {
        vm.ghost.as_ref().is_some_and(|(ghost, _)| *ghost == root)
            || vm.missing.iter().any(|missing| missing.root == root)
    };
    let registered = |root: usize| -> Vec<usize> {
        let vms = owners.vms.iter().enumerate();
        let here = vms.filter(|(_, vm)| vm.is_registered() && is_on(vm, root));
        here.map(|(index, _)| index).collect()
    };
    let empty = catalogue
        .roots
        .iter()
        .enumerate()
        .filter(|(_, record)| record.files == 0);
    let with_vms = empty.map(|(root, _)| (root, registered(root)));
    with_vms.filter(|(_, vms)| !vms.is_empty()).collect()
}

/// Configurations that a host's own registration list on the scanned roots names, or whose id its cache of configurations
/// holds (H-E1). What a cached configuration says is not asked: its content is another than that of the real one.
fn store_named(world: World<'_>, owners: &Owners, references: &References) -> BTreeMap<NodeId, NodeId> {
    let edges = references.edges.iter();
    let listed = edges.filter(|edge| edge.role == Role::Config && own::is_host_store(world.files, edge.from));
    let mut named: BTreeMap<NodeId, NodeId> = listed.map(|edge| (edge.to, edge.from)).collect();
    let cached = own::cached_ids(world.files);
    // A copy has the id of a VM that an inventory registers: it explains the cached one.
    for vm in owners
        .vms
        .iter()
        .filter(|vm| !vm.is_registered() && vm.copy_of.is_none())
    {
        let Some(config) = vm.config.filter(|_| !cached.is_empty()) else {
            continue;
        };
        let id = own::vm_evidence(world.files, config).and_then(|evidence| evidence.instance_id);
        if let Some(&cache) = id.and_then(|id| cached.get(&id)) {
            named.entry(config).or_insert(cache);
        }
    }
    named
}

#[derive(Clone)]
struct Builder<'a> {
    catalogue: &'a Catalogue,
    world: World<'a>,
    identities: &'a Identities,
    owners: &'a Owners,
    references: &'a References,
    locks: &'a Locks,
    traces: &'a Traces<'a>,
    options: &'a Options,
    /// For each root the platforms of its files.
    platforms: Vec<BTreeSet<Platform>>,
    /// Read when a list of files is asked.
    listed_files: OnceCell<open_ends::ListedFiles>,
    coverage: Coverage,
}

fn platforms(catalogue: &Catalogue) -> Vec<BTreeSet<Platform>> {
    let mut seen = vec![BTreeSet::new(); catalogue.roots.len()];
    for artifact in &catalogue.artifacts {
        seen[artifact.entry.root].extend(artifact.kind.platform());
    }
    seen
}

impl Builder<'_> {
    /// Both halves at a time: neither asks what the other finds.
    fn find_gaps(&mut self) {
        let mut other = self.clone();
        rayon::join(|| self.gaps_of_owners(), || other.gaps_of_files());
        self.coverage.gaps.append(&mut other.coverage.gaps);
        self.coverage.file_lists = other.coverage.file_lists;
        self.coverage.lost = other.coverage.lost;
    }

    /// Hosts and VMs that nobody tells of, and configurations that do not tell all.
    fn gaps_of_owners(&mut self) {
        if !self.options.assume_complete {
            self.hosts_without_inventory();
            self.scratch_of_unknown_hosts();
            self.ha_of_other_vcenters();
            self.ages_of_sharers();
            self.nodes_without_inventory();
            self.roles_without_rows();
            self.locks_of_unknown_hosts();
            self.ha_vms();
            self.vms_of_host_stores();
            self.unlisted_compute_systems();
        }
        self.inventory_warnings();
        self.unlisted_since();
        self.undated_inventories();
        self.handed_over();
        self.files_named_beside();
        self.vms_in_use();
        self.unreadable_owners();
    }

    /// Places and files that were not read, and what inventories say of files.
    fn gaps_of_files(&mut self) {
        self.unread_places();
        self.roots_without_files();
        self.unreadable_snapshot_lists();
        self.lost_snapshot_lists();
        self.names_read_wrong();
        self.unreadable_disks();
        self.parents_not_named();
        self.rows_without_id();
        self.rows_with_cut_places();
        self.rows_without_the_rest();
        self.unscanned_snapshot_folders();
        self.missing_links();
        self.checkpoints_without_disks();
        self.uncounted_checkpoints();
        self.not_scanned();
        self.clustered_without_list();
        self.fileless_disks();
        self.vsan_objects();
        self.file_lists();
    }

    /// What is not known of a root is not known of those that lie in it: they hold the same files.
    fn reach_inner_roots(&mut self) {
        let identities = self.identities;
        for gap in &mut self.coverage.gaps {
            let inner = identities.roots.iter().enumerate();
            let inner = inner.filter(|(_, inner)| gap.roots.iter().any(|&root| inner.is_covered_with(root)));
            let inner: Vec<usize> = inner.map(|(root, _)| root).collect();
            gap.roots.extend(inner);
        }
    }

    pub(super) fn gap(&mut self, code: ReasonCode, text: String, roots: BTreeSet<usize>, reach: Reach) {
        self.coverage.gaps.push(GapItem {
            code,
            text,
            roots,
            reach,
            caps: true,
            lowers: false,
        });
    }

    pub(super) fn note(&mut self, code: ReasonCode, text: String, roots: BTreeSet<usize>, lowers: bool) {
        self.coverage.gaps.push(GapItem {
            code,
            text,
            roots,
            reach: Reach::Everything,
            caps: false,
            lowers,
        });
    }

    pub(super) fn root_name(&self, root: usize) -> &str {
        &self.identities.roots[root].name
    }

    /// Roots that hold files of a platform, or of none that is known.
    pub(super) fn of_platform(&self, platform: Platform) -> BTreeSet<usize> {
        let seen = self.platforms.iter().enumerate();
        seen.filter(|(_, seen)| seen.is_empty() || seen.contains(&platform))
            .map(|(root, _)| root)
            .collect()
    }

    pub(super) fn covered_by(&self, inventory: usize) -> BTreeSet<usize> {
        (0..self.coverage.roots.len())
            .filter(|&root| self.coverage.roots[root].inventories.contains(&inventory))
            .collect()
    }

    pub(super) fn is_registered(&self, node: NodeId) -> bool {
        self.owners
            .vms_of
            .get(node)
            .is_some_and(|vms| vms.iter().any(|&vm| self.owners.vms[vm].is_registered()))
    }

    pub(super) fn roots_of(&self, vm: &OwnerVm) -> BTreeSet<usize> {
        own::roots_of(self.world, vm)
    }
}

/// True for state of Hyper-V beside a configuration of the id that it bears: it is of that one, and of no other.
fn lies_by_its_config(files: &Files<'_>, node: NodeId) -> bool {
    let file = files.nodes[node];
    let stem = files.name(node).split('.').next().unwrap_or_default();
    let is_config = |other: NodeId| {
        let name = files.name(other).strip_prefix(stem);
        matches!(name, Some(".vmcx" | ".xml")) && files.nodes[other].kind().is_config()
    };
    let near = || files.beginning_with(file.entry.root, file.folder(), stem);
    Uuid::try_parse(stem).is_ok() && near().into_iter().any(is_config)
}

/// The folder of a whole VM: above `Virtual Machines` and `Snapshots` on Hyper-V, else the folder itself.
pub(crate) fn home_folder(folder: &[u8]) -> Vec<u8> {
    let split = folder.iter().rposition(|&byte| byte == b'/');
    let name = fold(&String::from_utf8_lossy(&folder[split.map_or(0, |slash| slash + 1)..]));
    let holds_configurations = name != "virtual hard disks" && is_made_by_hyperv(&name);
    if holds_configurations {
        return split.map_or(Vec::new(), |slash| folder[..slash].to_vec());
    }
    folder.to_vec()
}

/// `a, b and 3 more`.
pub(crate) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 5;
    let names: Vec<&str> = names.collect();
    if names.len() <= SHOWN {
        return names.join(", ");
    }
    format!("{} and {} more", names[..SHOWN].join(", "), names.len() - SHOWN)
}
