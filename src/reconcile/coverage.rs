//! Coverage: when a "nobody" may be said (design, *Coverage*).
//!
//! An inventory covers a root when it lists its datastore or registers a VM with a file on it. The cover is complete
//! unless something says otherwise; what says so is a [`GapItem`] with its reach: the roots and the files whose owner it
//! could hide. Nothing is capped further than that.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    Options,
    files::{Files, NodeId},
    identity::Identities,
    locks::Locks,
    own::{self, OwnerVm, Owners, World},
    resolve::References,
};
use crate::{
    catalogue::{Catalogue, Issue, Stage},
    evidence::MarkCode,
    inventory::Listing,
    kind::{Kind, Platform, Role},
    path::{Parsed, fold, parse, short_host},
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
    /// Disks: one of them may be a parent that nobody here names.
    Disks,
    /// Disks of checkpoints.
    CheckpointDisks,
    /// What lies in this folder of this root or below it.
    Folder(usize, Vec<u8>),
    /// Files whose path fits a damaged one; `?` is one unknown character.
    Matching(String),
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

/// Who would know the owners of the files of one root.
#[derive(Debug, Clone)]
pub(crate) struct RootCover {
    /// How far.
    pub(crate) cover: Cover,
    /// Inventories that cover it.
    pub(crate) inventories: BTreeSet<usize>,
    /// When the newest of them was taken.
    pub(crate) newest: Option<Timestamp>,
}

/// What is and is not known.
#[derive(Debug)]
pub(crate) struct Coverage {
    /// One for each root.
    pub(crate) roots: Vec<RootCover>,
    /// What is not known, sorted.
    pub(crate) gaps: Vec<GapItem>,
    /// Unregistered VMs that were in use when the inventories were taken or since.
    pub(crate) written_since: BTreeSet<usize>,
    /// Configurations that a list of vSphere HA names, with the file that does.
    pub(crate) ha_named: BTreeMap<NodeId, NodeId>,
}

impl Coverage {
    /// Works out what the inventories cover and what is missing.
    pub(crate) fn new(
        catalogue: &Catalogue,
        world: World<'_>,
        identities: &Identities,
        owners: &Owners,
        references: &References,
        locks: &Locks,
        options: &Options,
    ) -> Self {
        let roots = base_cover(catalogue, world, identities, owners, options);
        let mut builder = Builder {
            catalogue,
            world,
            identities,
            owners,
            locks,
            options,
            coverage: Self {
                roots,
                gaps: Vec::new(),
                written_since: BTreeSet::new(),
                ha_named: ha_named(world.files, references),
            },
        };
        builder.find_gaps();
        builder.coverage.gaps.sort();
        builder.coverage.gaps.dedup();
        builder.coverage.settle();
        builder.coverage
    }

    /// The gaps that keep this file from being nobody's.
    pub(crate) fn caps<'a>(&'a self, files: &Files<'_>, node: NodeId) -> Vec<&'a GapItem> {
        let file = files.nodes[node];
        self.gaps
            .iter()
            .filter(|gap| gap.caps && gap.roots.contains(&file.entry.root) && gap.reach.includes(files, node))
            .collect()
    }

    /// What lowers the confidence of a verdict on this root.
    pub(crate) fn lowering(&self, root: usize) -> impl Iterator<Item = &GapItem> {
        self.gaps
            .iter()
            .filter(move |gap| gap.lowers && gap.roots.contains(&root))
    }

    /// A cover with a gap over everything is incomplete.
    fn settle(&mut self) {
        for (root, cover) in self.roots.iter_mut().enumerate() {
            let capped = self
                .gaps
                .iter()
                .any(|gap| gap.caps && gap.reach == Reach::Everything && gap.roots.contains(&root));
            if cover.cover == Cover::Complete && capped {
                cover.cover = Cover::Incomplete;
            }
        }
    }
}

impl Reach {
    fn includes(&self, files: &Files<'_>, node: NodeId) -> bool {
        let file = files.nodes[node];
        match self {
            Self::Everything => true,
            Self::Disks => file.kind().is_disk() || file.kind().is_extent(),
            Self::CheckpointDisks => {
                matches!(file.kind(), Kind::Avhd | Kind::Avhdx)
                    || file
                        .evidence()
                        .and_then(|evidence| evidence.disk.as_ref())
                        .is_some_and(|disk| disk.has_parent)
            }
            Self::Folder(root, folder) => *root == file.entry.root && is_below(file.entry.path.as_bytes(), folder),
            Self::Matching(pattern) => fits_damaged(pattern, &file.entry.path.lossy()),
        }
    }
}

/// True for a path in a folder or below it; for the top of a root only what lies directly in it.
fn is_below(path: &[u8], folder: &[u8]) -> bool {
    if folder.is_empty() {
        return !path.contains(&b'/');
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
                .filter(|&&(_, held)| held == root)
                .map(|&(inventory, _)| inventory);
            let mut inventories: BTreeSet<usize> =
                listed.chain(touched).filter(|index| with_vms.contains(index)).collect();
            if options.assume_complete && identities.roots[root].identity != Identity::Unknown {
                inventories.extend(&with_vms);
            }
            let newest = inventories
                .iter()
                .filter_map(|&index| world.inventories[index].collected)
                .max();
            let cover = if inventories.is_empty() {
                Cover::None
            } else {
                Cover::Complete
            };
            RootCover {
                cover,
                inventories,
                newest,
            }
        })
        .collect()
}

/// Configurations that lists of vSphere HA name (V75).
fn ha_named(files: &Files<'_>, references: &References) -> BTreeMap<NodeId, NodeId> {
    references
        .edges
        .iter()
        .filter(|edge| {
            files.nodes[edge.from].kind() == Kind::DatastoreSystem && files.nodes[edge.to].kind().is_config()
        })
        .map(|edge| (edge.to, edge.from))
        .collect()
}

struct Builder<'a> {
    catalogue: &'a Catalogue,
    world: World<'a>,
    identities: &'a Identities,
    owners: &'a Owners,
    locks: &'a Locks,
    options: &'a Options,
    coverage: Coverage,
}

impl Builder<'_> {
    fn find_gaps(&mut self) {
        if !self.options.assume_complete {
            self.hosts_without_inventory();
            self.nodes_without_inventory();
            self.locks_of_unknown_hosts();
            self.ha_vms();
            self.inventory_warnings();
        }
        self.vms_in_use();
        self.unreadable_folders();
        self.unreadable_owners();
        self.unreadable_disks();
        self.rows_without_the_rest();
        self.checkpoints_without_disks();
        self.not_scanned();
        self.clustered_without_list();
        self.fileless_disks();
    }

    fn gap(&mut self, code: ReasonCode, text: String, roots: BTreeSet<usize>, reach: Reach) {
        self.coverage.gaps.push(GapItem {
            code,
            text,
            roots,
            reach,
            caps: true,
            lowers: false,
        });
    }

    fn note(&mut self, code: ReasonCode, text: String, roots: BTreeSet<usize>, lowers: bool) {
        self.coverage.gaps.push(GapItem {
            code,
            text,
            roots,
            reach: Reach::Everything,
            caps: false,
            lowers,
        });
    }

    fn root_name(&self, root: usize) -> &str {
        &self.identities.roots[root].name
    }

    /// Roots that hold files of a platform, or of none that is known.
    fn of_platform(&self, platform: Platform) -> BTreeSet<usize> {
        let mut seen = vec![BTreeSet::new(); self.catalogue.roots.len()];
        for artifact in &self.catalogue.artifacts {
            if let Some(platform) = artifact.kind.platform() {
                seen[artifact.entry.root].insert(platform);
            }
        }
        (0..seen.len())
            .filter(|&root| seen[root].is_empty() || seen[root].contains(&platform))
            .collect()
    }

    fn covered_by(&self, inventory: usize) -> BTreeSet<usize> {
        (0..self.coverage.roots.len())
            .filter(|&root| self.coverage.roots[root].inventories.contains(&inventory))
            .collect()
    }

    fn known_hosts(&self) -> BTreeSet<String> {
        let mut known = BTreeSet::new();
        for inventory in self.world.inventories {
            known.extend(inventory.hosts.iter().map(|host| short_host(&host.name)));
            known.extend(
                inventory
                    .hosts
                    .iter()
                    .filter_map(|host| host.moref.as_deref().map(short_host)),
            );
            known.extend(inventory.vms.iter().filter_map(|vm| vm.host.as_deref().map(short_host)));
            if inventory.hosts.is_empty() && inventory.has_vm_list {
                // Without a list of hosts the export of a vCenter speaks for all hosts that it names.
                known.extend(
                    inventory
                        .datastores
                        .iter()
                        .flat_map(|record| record.hosts.iter().map(|host| short_host(host))),
                );
            }
        }
        known
    }

    /// V1: the exports name a host that mounts the datastore and of which no inventory was given.
    fn hosts_without_inventory(&mut self) {
        let known = self.known_hosts();
        for root in 0..self.coverage.roots.len() {
            let mut missing = BTreeSet::new();
            for &entity in &self.identities.roots[root].entities {
                for &(inventory, record) in &self.identities.entities[entity].records {
                    let record = &self.world.inventories[inventory].datastores[record];
                    missing.extend(
                        record
                            .hosts
                            .iter()
                            .filter(|host| !known.contains(&short_host(host)))
                            .cloned(),
                    );
                }
            }
            if !missing.is_empty() {
                let text = format!(
                    "{} is mounted by {}, of which no inventory was given: export the VMs of that host or vCenter",
                    self.root_name(root),
                    list(missing.iter().map(String::as_str)),
                );
                self.gap(
                    ReasonCode::HostWithoutInventory,
                    text,
                    BTreeSet::from([root]),
                    Reach::Everything,
                );
            }
        }
    }

    /// H-A2: a node of a cluster was not asked, or the cluster lists a VM that no row has.
    fn nodes_without_inventory(&mut self) {
        let known = self.known_hosts();
        for inventory in self.world.inventories {
            let missing: BTreeSet<&str> = inventory
                .missing_hosts
                .iter()
                .filter(|host| !known.contains(&short_host(host)))
                .map(String::as_str)
                .collect();
            if !missing.is_empty() {
                let text = format!(
                    "{} names {} as a member, of which no VM list was given: export the VMs of every node",
                    inventory.source,
                    list(missing.iter().copied()),
                );
                let roots = self.of_platform(inventory.platform);
                self.gap(ReasonCode::NodeWithoutInventory, text, roots, Reach::Everything);
            }
        }
        let unlisted: Vec<&OwnerVm> = self
            .owners
            .vms
            .iter()
            .filter(|vm| vm.rows.is_empty() && !vm.cluster_rows.is_empty())
            .collect();
        if !unlisted.is_empty() {
            let text = format!(
                "the cluster lists {} that no node's export has ({}): export the VMs of every node",
                count(unlisted.len(), "VM", "VMs"),
                list(unlisted.iter().map(|vm| vm.name.as_str())),
            );
            let roots = self.of_platform(Platform::Hyperv);
            self.gap(ReasonCode::ClusterVmWithoutRow, text, roots, Reach::Everything);
        }
    }

    /// V2: a lock on a file that exists names a host that no inventory knows.
    fn locks_of_unknown_hosts(&mut self) {
        let files = self.world.files;
        let mut known = self.known_hosts();
        for (target, locks) in &self.locks.of {
            if self.is_registered(*target) {
                known.extend(
                    locks
                        .iter()
                        .filter_map(|&lock| Locks::holder(files, lock).map(short_host)),
                );
            }
        }
        let mut unknown: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        for (&target, locks) in &self.locks.of {
            let holders = locks.iter().filter_map(|&lock| Locks::holder(files, lock));
            let root = files.nodes[target].entry.root;
            unknown
                .entry(root)
                .or_default()
                .extend(holders.filter(|host| !known.contains(&short_host(host))));
        }
        for (root, hosts) in unknown.into_iter().filter(|(_, hosts)| !hosts.is_empty()) {
            let text = format!(
                "on {} a lock is held by {}, which no inventory knows: export the VMs of that host or its vCenter",
                self.root_name(root),
                list(hosts.iter().copied()),
            );
            self.gap(
                ReasonCode::LockOfUnknownHost,
                text,
                BTreeSet::from([root]),
                Reach::Everything,
            );
        }
    }

    fn is_registered(&self, node: NodeId) -> bool {
        self.owners
            .vms_of
            .get(&node)
            .is_some_and(|vms| vms.iter().any(|&vm| self.owners.vms[vm].is_registered()))
    }

    /// V75: HA protects a VM that no inventory registers.
    fn ha_vms(&mut self) {
        let mut unknown: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for &config in self
            .coverage
            .ha_named
            .keys()
            .filter(|&&config| !self.is_registered(config))
        {
            let entry = self.world.files.nodes[config].entry;
            unknown
                .entry(entry.root)
                .or_default()
                .insert(entry.path.lossy().into_owned());
        }
        for (root, configs) in unknown {
            let text = format!(
                "vSphere HA names {} on {}, which no inventory registers: export the vCenter that runs it",
                list(configs.iter().map(String::as_str)),
                self.root_name(root),
            );
            self.gap(
                ReasonCode::HaVmUnregistered,
                text,
                BTreeSet::from([root]),
                Reach::Everything,
            );
        }
    }

    /// V6, H-A1: a VM that no inventory registers existed before the inventories and was written after them.
    fn vms_in_use(&mut self) {
        let files = self.world.files;
        let mut found: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for (index, vm) in self.owners.vms.iter().enumerate().filter(|(_, vm)| !vm.is_registered()) {
            let Some(config) = vm.config else { continue };
            let Some(newest) = self.coverage.roots[files.nodes[config].entry.root].newest else {
                continue;
            };
            let own: Vec<NodeId> = vm
                .files
                .keys()
                .copied()
                .filter(|&node| !self.is_registered(node))
                .collect();
            let times: Vec<Timestamp> = own
                .iter()
                .filter_map(|&node| files.nodes[node].entry.modified)
                .collect();
            let before = times.iter().any(|&time| time < newest - MARGIN);
            let after = times.iter().any(|&time| time > newest);
            if before && after {
                self.coverage.written_since.insert(index);
                for root in own.into_iter().map(|node| files.nodes[node].entry.root) {
                    found.entry(root).or_default().insert(vm.name.clone());
                }
            }
        }
        if self.options.assume_complete {
            return;
        }
        for (root, names) in found {
            let text = format!(
                "on {} no inventory registers {}, which was written before and after they were taken: somebody runs it whose \
                 inventory is missing",
                self.root_name(root),
                list(names.iter().map(String::as_str)),
            );
            self.gap(
                ReasonCode::UnknownVmInUse,
                text,
                BTreeSet::from([root]),
                Reach::Everything,
            );
        }
    }

    /// V5, H-A3, H-A4: exports that are truncated, lossy, empty or failed.
    fn inventory_warnings(&mut self) {
        for (index, inventory) in self.world.inventories.iter().enumerate() {
            for warning in inventory.warnings.iter().filter(|warning| warning.caps) {
                let covered = self.covered_by(index);
                let roots = if covered.is_empty() {
                    self.of_platform(inventory.platform)
                } else {
                    covered
                };
                let text = format!("{}: {}", inventory.source, warning.text);
                match &warning.pattern {
                    Some(pattern) => self.gap(
                        ReasonCode::InventoryLossy,
                        text,
                        roots,
                        Reach::Matching(pattern.clone()),
                    ),
                    None => self.gap(ReasonCode::InventoryIncomplete, text, roots, Reach::Everything),
                }
            }
        }
        for issue in self
            .options
            .inventory_issues
            .iter()
            .filter(|issue| issue.stage == Stage::Inventory)
        {
            let text = format!(
                "the inventory {} could not be read ({}): export it again",
                issue.path.lossy(),
                issue.error
            );
            let roots = (0..self.coverage.roots.len()).collect();
            self.gap(ReasonCode::InventoryIncomplete, text, roots, Reach::Everything);
        }
    }

    /// True when every row of every covering inventory lists whole chains.
    fn whole_chains_everywhere(&self) -> bool {
        let mut rows = self
            .world
            .inventories
            .iter()
            .filter(|inventory| inventory.has_vm_list)
            .flat_map(|inventory| &inventory.vms)
            .peekable();
        rows.peek().is_some() && rows.all(|vm| vm.listing == Listing::WholeChains)
    }

    /// H-B11, V85: a folder that was not read may hold the configuration of any VM.
    fn unreadable_folders(&mut self) {
        let folders: Vec<&Issue> = self.catalogue.issues.iter().filter(|issue| issue.folder).collect();
        for issue in folders {
            let Some(root) = issue.root else { continue };
            let own = Reach::Folder(root, issue.path.as_bytes().to_vec());
            let text = format!(
                "{} on {} could not be read ({}): make it readable and scan again",
                issue.path.lossy(),
                self.root_name(root),
                issue.error
            );
            if self.whole_chains_everywhere() {
                self.gap(ReasonCode::FolderUnreadable, text, BTreeSet::from([root]), own);
                continue;
            }
            let inside: Vec<&OwnerVm> = self
                .owners
                .vms
                .iter()
                .filter(|vm| Self::lies_in(vm, root, issue.path.as_bytes()))
                .collect();
            let mut roots = BTreeSet::from([root]);
            if inside.is_empty() {
                roots.extend(self.platform_of_root(root).map_or_else(
                    || (0..self.coverage.roots.len()).collect(),
                    |platform| self.of_platform(platform),
                ));
            } else {
                for vm in inside {
                    roots.extend(self.roots_of(vm));
                }
            }
            self.gap(ReasonCode::FolderUnreadable, text, roots, Reach::Everything);
        }
    }

    fn lies_in(vm: &OwnerVm, root: usize, folder: &[u8]) -> bool {
        vm.ghost
            .as_ref()
            .is_some_and(|(ghost, path)| *ghost == root && is_below(path, folder))
            || vm
                .missing
                .iter()
                .any(|missing| missing.root == root && is_below(&missing.path, folder))
    }

    fn roots_of(&self, vm: &OwnerVm) -> BTreeSet<usize> {
        let found = vm.files.keys().map(|&node| self.world.files.nodes[node].entry.root);
        found
            .chain(vm.missing.iter().map(|missing| missing.root))
            .chain(vm.ghost.iter().map(|(root, _)| *root))
            .collect()
    }

    fn platform_of_root(&self, root: usize) -> Option<Platform> {
        let mut platforms = self
            .catalogue
            .artifacts
            .iter()
            .filter(|artifact| artifact.entry.root == root)
            .filter_map(|artifact| artifact.kind.platform());
        let first = platforms.next()?;
        platforms.all(|platform| platform == first).then_some(first)
    }

    /// V3, V11, V14, H-E19: configurations that cannot be read.
    fn unreadable_owners(&mut self) {
        for vm in &self.owners.vms {
            let opaque = vm.config.filter(|&config| {
                own::vm_evidence(self.world.files, config).is_none_or(|evidence| evidence.opaque.is_some())
            });
            let listing = own::best_listing(self.world, vm);
            let has_rows = vm
                .rows
                .iter()
                .any(|&(inventory, row)| self.world.inventories[inventory].vms[row].has_configuration);
            let knows_disks = has_rows && listing >= Listing::LeafDisks;
            if let Some(config) = opaque {
                if listing == Listing::WholeChains && has_rows {
                    continue;
                }
                let node = self.world.files.nodes[config];
                let why = own::vm_evidence(self.world.files, config)
                    .and_then(|evidence| evidence.opaque.clone())
                    .unwrap_or_else(|| "damaged".to_owned());
                let text = format!(
                    "the configuration of {} ({} on {}) cannot be read ({why}): what lies with it may be its own; an inventory that lists whole \
                     chains would tell",
                    vm.name,
                    node.entry.path.lossy(),
                    self.root_name(node.entry.root),
                );
                let reach = Reach::Folder(node.entry.root, home_folder(node.folder()));
                self.gap(
                    ReasonCode::OwnerUnreadable,
                    text.clone(),
                    BTreeSet::from([node.entry.root]),
                    reach,
                );
                if vm.is_registered() && !knows_disks {
                    self.reach_of_unknown_vm(vm, text);
                }
            } else if vm.is_registered() && vm.config.is_none() && !knows_disks {
                self.unread_config(vm);
            }
        }
    }

    /// A registered VM of which neither the inventory nor the scan tells the disks.
    fn unread_config(&mut self, vm: &OwnerVm) {
        let place = vm
            .rows
            .iter()
            .find_map(|&(inventory, row)| self.world.inventories[inventory].vms[row].config.clone());
        let place = place.unwrap_or_else(|| "unknown place".to_owned());
        let text = format!(
            "the configuration of {} ({place}) was not read and no inventory lists its disks: scan that datastore or give an inventory \
             that lists disks",
            vm.name
        );
        if let Some((root, path)) = &vm.ghost {
            let folder = path
                .iter()
                .rposition(|&byte| byte == b'/')
                .map_or(Vec::new(), |end| path[..end].to_vec());
            self.gap(
                ReasonCode::OwnerUnreadable,
                text,
                BTreeSet::from([*root]),
                Reach::Folder(*root, home_folder(&folder)),
            );
        } else {
            self.reach_of_unknown_vm(vm, text);
        }
    }

    /// Where a VM whose disks nobody lists may have them: where it is known to have files, else everywhere.
    fn reach_of_unknown_vm(&mut self, vm: &OwnerVm, text: String) {
        if vm.rows.is_empty() {
            return;
        }
        let roots = self.of_platform(vm.platform);
        self.gap(ReasonCode::OwnerUnreadable, text, roots, Reach::Everything);
    }

    /// A disk that could not be read may have its parent anywhere its VM has files; nobody else names that parent.
    fn unreadable_disks(&mut self) {
        let files = self.world.files;
        for (node, file) in files.nodes.iter().enumerate() {
            let unread = file.has_mark(MarkCode::SharingViolation) || file.has_mark(MarkCode::Unreadable);
            let damaged = file.has_mark(MarkCode::Damaged) && !file.has_mark(MarkCode::Empty);
            if !file.kind().is_disk() || !(unread || damaged) {
                continue;
            }
            let vms: Vec<&OwnerVm> = self
                .owners
                .vms_of
                .get(&node)
                .into_iter()
                .flatten()
                .map(|&vm| &self.owners.vms[vm])
                .filter(|vm| vm.is_registered())
                .collect();
            if !vms.is_empty()
                && vms
                    .iter()
                    .all(|vm| own::best_listing(self.world, vm) == Listing::WholeChains)
            {
                continue;
            }
            let text = format!(
                "{} on {} could not be read: its parent may be a disk that nothing else names; read it again or give Get-VHD or LayoutEx",
                file.entry.path.lossy(),
                self.root_name(file.entry.root)
            );
            let mut roots = BTreeSet::from([file.entry.root]);
            for vm in &vms {
                roots.extend(self.roots_of(vm));
            }
            let reach = if damaged && vms.is_empty() {
                Reach::Folder(file.entry.root, file.folder().to_vec())
            } else {
                Reach::Disks
            };
            self.gap(ReasonCode::DiskUnreadable, text, roots, reach);
        }
    }

    /// V8, H-C6: an inventory lists part of a VM, and what would tell the rest was not scanned.
    fn rows_without_the_rest(&mut self) {
        let mut vms: BTreeMap<Platform, Vec<&OwnerVm>> = BTreeMap::new();
        for vm in self.owners.vms.iter().filter(|vm| !vm.rows.is_empty()) {
            let listing = own::best_listing(self.world, vm);
            let config_unknown = vm.config.is_none() && vm.config_outside;
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
            vms.entry(vm.platform).or_default().push(vm);
        }
        for (platform, vms) in vms {
            let text = format!(
                "{} ({}) with files on datastores that were not scanned, and the inventory lists only part of their files: a base disk, \
                 snapshot or swap of theirs may lie here; scan those datastores or give LayoutEx or Get-VHD",
                count(vms.len(), "VM", "VMs"),
                list(vms.iter().map(|vm| vm.name.as_str())),
            );
            let roots = self.of_platform(platform);
            let reach = if platform == Platform::Hyperv {
                Reach::Disks
            } else {
                Reach::Everything
            };
            self.gap(ReasonCode::OutsideScan, text, roots, reach);
        }
    }

    /// H-D2: without the disks of the checkpoints no verdict on an AVHDX.
    fn checkpoints_without_disks(&mut self) {
        let mut names = BTreeSet::new();
        for vm in self.owners.vms.iter().filter(|vm| vm.platform == Platform::Hyperv) {
            for &(inventory, row) in &vm.rows {
                let row = &self.world.inventories[inventory].vms[row];
                let unread = row
                    .checkpoints
                    .iter()
                    .any(|checkpoint| !checkpoint.has_disks && !self.read_checkpoint(vm, checkpoint.id));
                if unread && !(row.checkpoints.is_empty()) {
                    names.insert(vm.name.clone());
                }
            }
        }
        if !names.is_empty() {
            let text = format!(
                "checkpoints of {} are listed without their disks and their configurations were not read: export Get-VMSnapshot | \
                 Get-VMHardDiskDrive",
                list(names.iter().map(String::as_str))
            );
            let roots = self.of_platform(Platform::Hyperv);
            self.gap(ReasonCode::CheckpointsWithoutDisks, text, roots, Reach::CheckpointDisks);
        }
    }

    fn read_checkpoint(&self, vm: &OwnerVm, checkpoint: uuid::Uuid) -> bool {
        vm.files.keys().any(|&node| {
            own::vm_evidence(self.world.files, node)
                .is_some_and(|evidence| evidence.instance_id == Some(checkpoint) && evidence.opaque.is_none())
        })
    }

    /// V83: every datastore that an inventory knows and that was not scanned is named.
    fn not_scanned(&mut self) {
        let mut used: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        for (index, inventory) in self.world.inventories.iter().enumerate() {
            for vm in &inventory.vms {
                for path in vm
                    .config
                    .iter()
                    .map(String::as_str)
                    .chain(vm.files.iter().map(|file| file.path.as_str()))
                {
                    let Parsed::Path(path) = parse(path) else { continue };
                    let path = path.on_host(vm.host.as_deref());
                    let Some(mount) = &path.mount else { continue };
                    if let Some(entity) = self.identities.entity(super::identity::Writer::Inventory(index), mount) {
                        used.entry(entity).or_default().insert(vm.name.as_str());
                    }
                }
            }
        }
        let all: BTreeSet<usize> = (0..self.coverage.roots.len()).collect();
        for (index, entity) in self.identities.entities.iter().enumerate() {
            let vms = used.get(&index).map_or(0, BTreeSet::len);
            if !entity.roots.is_empty() || (entity.records.is_empty() && vms == 0) {
                continue;
            }
            let counted = entity
                .records
                .iter()
                .filter_map(|&(inventory, record)| self.world.inventories[inventory].datastores[record].vm_count)
                .max();
            let holds = vms > 0 || counted.is_some_and(|count| count > 0);
            let held = if vms > 0 {
                format!("; {} on it", count(vms, "VM has files", "VMs have files"))
            } else {
                String::new()
            };
            let why = if entity.ambiguous {
                "could be several of the roots: give an alias"
            } else {
                "was not scanned"
            };
            let text = format!("{} is known to an inventory and {why}{held}", entity.title());
            self.note(ReasonCode::DatastoreNotScanned, text, all.clone(), holds);
        }
    }

    /// Clustered VMs without the cluster's resource list cap the confidence.
    fn clustered_without_list(&mut self) {
        for (index, inventory) in self.world.inventories.iter().enumerate() {
            if inventory.has_cluster_list
                || self
                    .world
                    .inventories
                    .iter()
                    .any(|other| other.has_cluster_list && other.folder == inventory.folder)
            {
                continue;
            }
            if inventory.vms.iter().any(|vm| vm.clustered) {
                let text = format!(
                    "{} has clustered VMs and no list of the cluster's resources: Get-ClusterResource would tell whether every node was asked",
                    inventory.source
                );
                let roots = self.covered_by(index);
                self.note(ReasonCode::NoClusterList, text, roots, true);
            }
        }
    }

    /// H-E15: pass-through disks have no file.
    fn fileless_disks(&mut self) {
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
                "{} with pass-through disks, which have no file and cannot be assessed: {}",
                count(names.len(), "VM", "VMs"),
                list(names.iter().copied())
            );
            self.note(ReasonCode::FilelessDisks, text, BTreeSet::new(), false);
        }
    }
}

/// The folder of a whole VM: above `Virtual Machines` and `Snapshots` on Hyper-V, else the folder itself.
pub(crate) fn home_folder(folder: &[u8]) -> Vec<u8> {
    let split = folder.iter().rposition(|&byte| byte == b'/');
    let name = fold(&String::from_utf8_lossy(&folder[split.map_or(0, |slash| slash + 1)..]));
    if matches!(
        name.as_str(),
        "virtual machines" | "snapshots" | "planned virtual machines"
    ) {
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

/// `1 VM`, `2 VMs`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}
