//! Gaps about others who use the storage: hosts, nodes and VMs of whom no inventory was given.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Builder, MARGIN, Reach, ages::LATELY, count, list};
use crate::reconcile::{
    files::{Node, NodeId},
    locks::{Locks, Shown},
    own::{self, OwnerVm},
    signs,
    sources::place_name,
};
use crate::{
    catalogue::Stage,
    classify::{NameHint, by_name},
    inventory::{
        ComputeSystem, DatastoreRecord, Inventory, InventoryKind, InventoryWarning, Registration,
        host_names::{HostNames, is_reference},
    },
    kind::{Kind, Platform},
    path::{fold, same_host},
    raw::RawPath,
    report::codes::ReasonCode,
};

/// What the folder of a vCenter in that of vSphere HA begins with, below the top of a datastore.
const HA_FOLDER: &str = ".vSphere-HA/FDM-";

/// Most agent VMs of one cluster, all of which one host may run.
const AGENTS_OF_A_HOST: u64 = 3;

/// Hosts of which an inventory was given, as this one names them.
pub(super) fn hosts_named_by(inventory: &Inventory) -> impl Iterator<Item = &str> {
    let listed = inventory.hosts.iter();
    let listed = listed.flat_map(|host| [Some(host.name.as_str()), host.moref.as_deref()]);
    let of_vms = inventory.vms.iter().map(|vm| vm.host.as_deref());
    // Without a list of hosts the export of a vCenter speaks for all hosts that it names.
    let speaks_for_all = inventory.hosts.is_empty() && inventory.has_vm_list;
    let records = inventory.datastores.iter().filter(move |_| speaks_for_all);
    let of_datastores = records.flat_map(|record| &record.hosts).map(|host| Some(host.as_str()));
    listed.chain(of_vms).chain(of_datastores).flatten()
}

/// The names of all these hosts.
fn known_hosts<'a>(inventories: impl IntoIterator<Item = &'a Inventory>) -> HostNames {
    let hosts = inventories.into_iter().flat_map(hosts_named_by);
    hosts.filter(|host| !is_reference(host)).collect()
}

/// True for the export of a whole cluster to which no host of this inventory belongs: its `HV01` is another than theirs.
fn is_another_cluster(other: &Inventory, inventory: &Inventory) -> bool {
    let is_folder = place_name(other).is_some_and(|name| fold(name) == fold(&other.source));
    let is_host = other.hosts.iter().any(|host| same_host(&host.name, &other.source));
    let is_cluster = other.platform == Platform::Hyperv && other.has_cluster_list && !is_folder && !is_host;
    let is_member = |host: &str| {
        let listed = other.hosts.iter().map(|host| &host.name);
        let mut members = listed.chain(&other.missing_hosts);
        members.any(|member| same_host(member, host))
    };
    let hosts = &inventory.hosts;
    is_cluster
        && other.source != inventory.source
        && !hosts.is_empty()
        && !hosts.iter().any(|host| is_member(&host.name))
}

impl Builder<'_> {
    /// V1: the exports name a host that mounts the datastore and of which no inventory was given.
    pub(super) fn hosts_without_inventory(&mut self) {
        let known = known_hosts(self.world.inventories);
        let references: Vec<BTreeSet<&str>> = self
            .world
            .inventories
            .iter()
            .map(|inventory| hosts_named_by(inventory).filter(|host| is_reference(host)).collect())
            .collect();
        let is_known = |inventory: usize, host: &str| {
            let mut sources = references.iter().enumerate();
            known.contains(host)
                || sources.any(|(other, hosts)| hosts.contains(host) && self.world.sources.are_one(inventory, other))
        };
        for root in 0..self.coverage.roots.len() {
            let mut missing = BTreeSet::new();
            for &entity in &self.identities.roots[root].entities {
                for &(inventory, record) in &self.identities.entities[entity].records {
                    let record = &self.world.inventories[inventory].datastores[record];
                    missing.extend(record.hosts.iter().filter(|host| !is_known(inventory, host)).cloned());
                    if let Some(text) = self.uncounted_hosts(inventory, record) {
                        self.gap(
                            ReasonCode::HostWithoutInventory,
                            text,
                            BTreeSet::from([root]),
                            Reach::Everything,
                        );
                    }
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

    /// V1: a datastore has more hosts, by their number, than the inventory of its list has at all: the list of their names may
    /// be cut, and hosts of whom nothing is known mount it.
    fn uncounted_hosts(&self, inventory: usize, record: &DatastoreRecord) -> Option<String> {
        let inventory = &self.world.inventories[inventory];
        let known: HostNames = inventory.hosts.iter().map(|host| host.name.as_str()).collect();
        let known = u64::try_from(known.hosts()).ok().filter(|&known| known > 0)?;
        let hosts = record.host_count.filter(|&hosts| hosts > known)?;
        Some(format!(
            "{} says that {hosts} hosts mount {} and has {known}: export the VMs of the others or of their vCenter",
            inventory.source, record.name
        ))
    }

    /// V1, V82: a host that no inventory lists wrote its dump or its scratch shortly before the inventories or after them. A
    /// host has several ids, and which of them names the file is not confirmed: only where another file of the kind bears a
    /// listed one is a stranger a host.
    pub(super) fn scratch_of_unknown_hosts(&mut self) {
        let files = self.world.files;
        for root in 0..self.coverage.roots.len() {
            let cover = &self.coverage.roots[root];
            let Some(newest) = cover.newest else { continue };
            let hosts = cover.inventories.iter();
            let hosts: Vec<Option<Uuid>> = hosts
                .flat_map(|&inventory| &self.world.inventories[inventory].hosts)
                .map(|host| host.uuid)
                .collect();
            if hosts.is_empty() || !hosts.iter().all(Option::is_some) {
                continue;
            }
            let (mut strangers, mut is_confirmed) = (BTreeSet::new(), false);
            let here = files.of_root(root).iter().map(|&node| files.nodes[node]);
            for (node, id) in here.filter_map(|node| Some((node, host_uuid(&node.entry.path.lossy())?))) {
                if hosts.iter().flatten().any(|&listed| is_host(listed, id)) {
                    is_confirmed = true;
                } else if node.entry.modified.is_some_and(|time| time > newest - LATELY) {
                    strangers.insert(node.entry.path.lossy().into_owned());
                }
            }
            if is_confirmed && !strangers.is_empty() {
                let text = format!(
                    "on {} a host that no inventory lists wrote {} when the inventories were taken or since: export the VMs of that host or \
                     its vCenter",
                    self.root_name(root),
                    list(strangers.iter().map(String::as_str)),
                );
                let roots = BTreeSet::from([root]);
                self.gap(ReasonCode::HostWithoutInventory, text, roots, Reach::Everything);
            }
        }
    }

    /// V1: vSphere HA of a vCenter that no inventory is of wrote to the datastore shortly before the inventories or after them.
    /// Its folders bear the instance UUID of the vCenter and its name (`FDM-<UUID>-<number>-<hash>-<name>`; assumed): only
    /// where one of them fits a given inventory is another one that of a stranger.
    pub(super) fn ha_of_other_vcenters(&mut self) {
        let files = self.world.files;
        for root in 0..self.coverage.roots.len() {
            let cover = &self.coverage.roots[root];
            let Some(newest) = cover.newest else { continue };
            let given: Vec<&Inventory> = cover
                .inventories
                .iter()
                .map(|&inventory| &self.world.inventories[inventory])
                .collect();
            let here = files.of_root(root).iter().map(|&node| files.nodes[node]);
            let written: Vec<_> = here
                .filter(|node| node.entry.path.as_bytes().starts_with(HA_FOLDER.as_bytes()))
                .map(|node| (node, node.entry.path.lossy()))
                .collect();
            let folders = || {
                written
                    .iter()
                    .filter_map(|(node, path)| Some((*node, ha_folder(path)?)))
            };
            let told_id = |inventory: &Inventory| Uuid::try_parse(inventory.source_id.as_deref()?).ok();
            let has_own = |id: Uuid| folders().any(|(_, (folder, _))| folder == id);
            // Another one that is called alike is a stranger where its id is told and found.
            let is_of = |inventory: &Inventory, id: Uuid, name: &str| match told_id(inventory) {
                Some(own) if own == id => true,
                Some(own) if has_own(own) => false,
                _ => !name.is_empty() && same_host(&inventory.source, name),
            };
            let mut strangers: BTreeMap<Uuid, String> = BTreeMap::new();
            let mut fitting: BTreeSet<usize> = BTreeSet::new();
            for (node, (id, name)) in folders() {
                let fits = given.iter().position(|inventory| is_of(inventory, id, name));
                if let Some(inventory) = fits {
                    fitting.insert(inventory);
                } else if node.entry.modified.is_some_and(|time| time > newest - LATELY) {
                    let name = if name.is_empty() { "another vCenter" } else { name };
                    strangers.insert(id, name.to_owned());
                }
            }
            let untold = given.len().saturating_sub(fitting.len());
            if fitting.is_empty() || strangers.len() <= untold {
                continue;
            }
            let text = format!(
                "on {} vSphere HA of {} wrote when the inventories were taken or since, and none of them is of that vCenter: export its VMs",
                self.root_name(root),
                list(strangers.values().map(String::as_str)),
            );
            let roots = BTreeSet::from([root]);
            self.gap(ReasonCode::HostWithoutInventory, text, roots, Reach::Everything);
        }
    }

    /// H-A2: a node of a cluster was not asked, or the cluster lists a VM that no row has.
    pub(super) fn nodes_without_inventory(&mut self) {
        for inventory in self
            .world
            .inventories
            .iter()
            .filter(|inventory| !inventory.missing_hosts.is_empty())
        {
            let others = self.world.inventories.iter();
            let others: Vec<&Inventory> = others.filter(|other| !is_another_cluster(other, inventory)).collect();
            let mut known = known_hosts(others.iter().copied());
            // The store of a host does not name it; its folder does.
            let stores = others
                .iter()
                .filter(|other| other.kinds.contains(&InventoryKind::HypervHostStore));
            stores.for_each(|store| known.add(&store.source));
            let missing: BTreeSet<&str> = inventory
                .missing_hosts
                .iter()
                .filter(|host| !known.contains(host))
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

    /// H-A2: lists of a cluster without the ids of its VMs name more of them than rows can be: somebody's node was not asked. A
    /// role may bear another name than its VM, so as many names may be strange as clustered VMs are named by none.
    pub(super) fn roles_without_rows(&mut self) {
        let inventories = self.world.inventories.iter();
        let inventories = inventories.filter(|inventory| inventory.platform == Platform::Hyperv);
        let roles: BTreeSet<String> = inventories
            .clone()
            .flat_map(|own| &own.cluster_roles)
            .map(|name| fold(name))
            .collect();
        if roles.is_empty() {
            return;
        }
        let rows: Vec<&Registration> = inventories.flat_map(|inventory| &inventory.vms).collect();
        let names: BTreeSet<String> = rows.iter().map(|vm| fold(&vm.name)).collect();
        let strangers: Vec<&String> = roles.difference(&names).collect();
        let tells_clustered = rows.iter().any(|vm| vm.clustered);
        let may_be_renamed = rows.iter().filter(|vm| vm.clustered || !tells_clustered);
        let may_be_renamed = may_be_renamed.filter(|vm| !roles.contains(&fold(&vm.name))).count();
        if strangers.len() <= may_be_renamed {
            return;
        }
        let text = format!(
            "a list of the cluster names {} that no node's export has ({}): export the VMs of every node, or add VmID and \
             VmStoreRootPath to the list with Get-ClusterParameter",
            count(strangers.len(), "VM", "VMs"),
            list(strangers.iter().map(|name| name.as_str())),
        );
        let roots = self.of_platform(Platform::Hyperv);
        self.gap(ReasonCode::ClusterVmWithoutRow, text, roots, Reach::Everything);
    }

    /// V2, H-A12: a lock on a file that exists, or an open handle, names a host that no inventory knows. A lock of which the
    /// file cannot be told speaks for none of the VMs in its folder, and of a stranger where nothing there is registered.
    pub(super) fn locks_of_unknown_hosts(&mut self) {
        let files = self.world.files;
        let mut known = known_hosts(self.world.inventories);
        let held = self.locks.held(files);
        for (&target, holders) in &held {
            if self.is_registered(target) {
                for (host, _) in holders {
                    known.add(host);
                }
            }
        }
        let mut unknown: BTreeMap<usize, BTreeMap<&str, Shown<'_>>> = BTreeMap::new();
        let mut note = |root: usize, host, shown| {
            let known = unknown.entry(root).or_default().entry(host).or_insert(shown);
            *known = self.newer_of(*known, shown);
        };
        for (&target, holders) in &held {
            for &(host, shown) in holders.iter().filter(|(host, _)| !known.contains(host)) {
                note(files.nodes[target].entry.root, host, shown);
            }
        }
        for (&lock, candidates) in &self.locks.unclear {
            let holder = Locks::holder(files, lock).filter(|host| !known.contains(host));
            if let Some(holder) = holder
                && !candidates.iter().any(|&node| self.is_registered(node))
            {
                note(files.nodes[lock].entry.root, holder, Shown::Lock(lock));
            }
        }
        for ((root, host), source) in &self.locks.open_elsewhere {
            if !known.contains(host) {
                note(*root, host, Shown::Export(source));
            }
        }
        for (root, hosts) in unknown {
            let hosts: Vec<String> = hosts
                .into_iter()
                .map(|(host, shown)| self.shown_holder(host, shown))
                .collect();
            let text = format!(
                "on {} a lock or an open file is held by {}, which no inventory knows: export the VMs of that host or its vCenter, or, \
                 where it is gone, scan again without the lock that it left",
                self.root_name(root),
                list(hosts.iter().map(String::as_str)),
            );
            self.gap(
                ReasonCode::LockOfUnknownHost,
                text,
                BTreeSet::from([root]),
                Reach::Everything,
            );
        }
    }

    /// Of what shows that one host holds files the newest: where even that is old, the host may be gone.
    fn newer_of<'s>(&self, one: Shown<'s>, other: Shown<'s>) -> Shown<'s> {
        let written = |node: NodeId| self.world.files.nodes[node].entry.modified;
        match (one, other) {
            (Shown::Lock(lock), Shown::Lock(newer)) if written(newer) > written(lock) => other,
            (Shown::Lock(_), Shown::Export(_)) => other,
            _ => one,
        }
    }

    /// A host with what shows that it holds a file, and how old that is.
    fn shown_holder(&self, host: &str, shown: Shown<'_>) -> String {
        match shown {
            Shown::Lock(lock) => format!("{host} ({})", signs::aged(self.world.files, lock, self.options.as_of)),
            Shown::Export(source) => format!("{host} ({source})"),
        }
    }

    /// V75: HA protects a VM that no inventory registers.
    pub(super) fn ha_vms(&mut self) {
        let mut unknown: BTreeMap<(usize, NodeId), BTreeSet<String>> = BTreeMap::new();
        for (&config, &list) in &self.coverage.ha_named {
            if self.is_registered(config) {
                continue;
            }
            let entry = self.world.files.nodes[config].entry;
            let configs = unknown.entry((entry.root, list)).or_default();
            configs.insert(entry.path.lossy().into_owned());
        }
        for ((root, ha_list), configs) in unknown {
            let text = format!(
                "vSphere HA names {} on {}, which no inventory registers ({}): export the vCenter that runs it, or, where that is gone, \
                 scan again without the list that it left",
                list(configs.iter().map(String::as_str)),
                self.root_name(root),
                signs::aged(self.world.files, ha_list, self.options.as_of),
            );
            self.gap(
                ReasonCode::HaVmUnregistered,
                text,
                BTreeSet::from([root]),
                Reach::Everything,
            );
        }
    }

    /// H-E1: the registration list of a host that lies on a scanned root names a VM that no inventory registers.
    pub(super) fn vms_of_host_stores(&mut self) {
        let mut unknown: BTreeMap<(usize, String), BTreeSet<String>> = BTreeMap::new();
        for (&config, &store) in &self.coverage.store_named {
            if self.is_registered(config) {
                continue;
            }
            let place = |node: NodeId| {
                let entry = self.world.files.nodes[node].entry;
                format!("{} on {}", entry.path.lossy(), self.root_name(entry.root))
            };
            let root = self.world.files.nodes[config].entry.root;
            let aged = signs::aged(self.world.files, store, self.options.as_of);
            let store = format!(
                "on {} ({aged})",
                self.root_name(self.world.files.nodes[store].entry.root)
            );
            unknown.entry((root, store)).or_default().insert(place(config));
        }
        for ((root, store), configs) in unknown {
            let text = format!(
                "a host store {store} tells of {}, which no inventory registers: export the VMs of that host, or, where it is gone, scan again \
                 without what it left",
                list(configs.iter().map(String::as_str)),
            );
            self.gap(
                ReasonCode::HostStoreNames,
                text,
                BTreeSet::from([root]),
                Reach::Everything,
            );
        }
    }

    /// H-A5, H-A14: a host runs a VM that no inventory registers and that is no helper of WSL or of containers. By which name
    /// the manager of Hyper-V has its VMs made is not confirmed, so every other name counts.
    pub(super) fn unlisted_compute_systems(&mut self) {
        let is_registered = |id: &str| {
            let vm = Uuid::try_parse(id).ok().and_then(|id| self.traces.vm(id));
            vm.is_some_and(|vm| self.owners.vms[vm].is_registered())
        };
        let of_manager = |system: &ComputeSystem| {
            let owner = fold(system.owner.as_deref().unwrap_or_default());
            let is_helper = ["wsl", "docker", "containerd"]
                .iter()
                .any(|known| owner.starts_with(known));
            fold(&system.kind) == "vm" && !is_helper
        };
        let systems = self.traces.systems.iter();
        let unknown: Vec<&str> = systems
            .filter(|(id, (_, system))| of_manager(system) && !is_registered(id))
            .map(|(id, _)| *id)
            .collect();
        if !unknown.is_empty() {
            let text = format!(
                "a host runs {} that no inventory registers ({}): export the VMs of that host",
                count(unknown.len(), "VM", "VMs"),
                list(unknown.iter().copied()),
            );
            let roots = self.of_platform(Platform::Hyperv);
            self.gap(ReasonCode::UnknownVmInUse, text, roots, Reach::Everything);
        }
    }

    /// V6, H-A1: a VM that no inventory registers existed before the inventories and was written when they were taken or after.
    pub(super) fn vms_in_use(&mut self) {
        let files = self.world.files;
        let mut found: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        if self.options.assume_complete {
            return;
        }
        for vm in self.owners.vms.iter().filter(|vm| !vm.is_registered()) {
            let Some(config) = vm.config else { continue };
            let Some(newest) = self.coverage.roots[files.nodes[config].entry.root].newest else {
                continue;
            };
            let own: Vec<NodeId> = vm
                .files
                .keys()
                .copied()
                .filter(|&node| !self.is_registered(node) && !is_copy_of_config(files.nodes[node]))
                .collect();
            let times: Vec<Timestamp> = own
                .iter()
                .filter_map(|&node| files.nodes[node].entry.modified)
                .collect();
            let before = times.iter().any(|&time| time < newest - MARGIN);
            // Within the margin nobody can tell whether it was before or after (H-F10).
            let after = times.iter().any(|&time| time > newest - MARGIN);
            if before && after {
                for root in own.into_iter().map(|node| files.nodes[node].entry.root) {
                    found.entry(root).or_default().insert(vm.name.clone());
                }
            }
        }
        for (root, names) in found {
            let text = format!(
                "on {} no inventory registers {}, written long before they were taken and at that time or after it, so that somebody runs \
                 what is listed nowhere: export the VMs of that host or vCenter, or, where they were taken out of the inventory at \
                 that time, take a new export an hour after they were last written",
                self.root_name(root),
                list(names.iter().map(String::as_str)),
            );
            self.gap(
                ReasonCode::UnknownVmInUse,
                text,
                self.shared_with(root),
                Reach::Everything,
            );
        }
    }

    /// A root and those that the hosts of its inventories use as well: whoever uses the one and gave no inventory may use
    /// the others too.
    fn shared_with(&self, root: usize) -> BTreeSet<usize> {
        let inventories = self.coverage.roots[root].inventories.iter();
        let mut roots: BTreeSet<usize> = inventories.flat_map(|&inventory| self.covered_by(inventory)).collect();
        roots.insert(root);
        roots
    }

    /// V5, V10: hosts count the agent VMs of vCenter (vCLS), which exports leave out: they are the VMs that hosts have beyond
    /// those listed where as many of them lie on the scanned datastores and run: one that runs has a swap file.
    fn are_unlisted_agents(&self) -> bool {
        let files = self.world.files;
        let is_agent = |config: &NodeId| {
            let entry = files.nodes[*config].entry;
            let own = entry.path.as_bytes().to_vec();
            let mut paths = files.other_paths(entry.root, &own);
            paths.push(own);
            let paths = paths.iter().map(|path| fold(&String::from_utf8_lossy(path)));
            paths
                .into_iter()
                .any(|path| path.starts_with("vcls-") || path.starts_with("vcls ("))
        };
        let vms = self.owners.vms.iter();
        let unregistered = vms.filter(|vm| vm.platform == Platform::Vmware && !vm.is_registered());
        let is_running = |config: &NodeId| {
            let node = files.nodes[*config];
            let mut beside = files.in_folder(node.entry.root, node.folder()).iter();
            beside.any(|&other| files.nodes[other].kind() == Kind::Vswp)
        };
        let agents = unregistered.filter_map(|vm| vm.config).filter(is_agent);
        let agents = agents.filter(is_running).count();
        let warnings = self.world.inventories.iter().flat_map(|inventory| &inventory.warnings);
        let unlisted = warnings
            .filter_map(|warning| warning.unlisted)
            .fold(0, u64::saturating_add);
        u64::try_from(agents).is_ok_and(|agents| unlisted <= agents)
    }

    /// V5, H-A3, H-A4: exports that are truncated, lossy, empty or failed.
    pub(super) fn inventory_warnings(&mut self) {
        let are_agents = self.are_unlisted_agents();
        let is_explained = |warning: &InventoryWarning| {
            are_agents && warning.unlisted.is_some_and(|number| number <= AGENTS_OF_A_HOST)
        };
        for (index, inventory) in self.world.inventories.iter().enumerate() {
            let capping = inventory.warnings.iter().filter(|warning| warning.caps);
            for warning in capping.filter(|warning| !is_explained(warning)) {
                let covered = self.covered_by(index);
                // Only a list of datastores bounds where what is left out may lie.
                let roots = if covered.is_empty() || inventory.datastores.is_empty() {
                    self.of_platform(inventory.platform)
                } else {
                    covered
                };
                let remedy = if warning.text.contains("; ") {
                    ""
                } else {
                    "; export it again"
                };
                let text = format!("{}: {}{remedy}", inventory.source, warning.text);
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

    /// True where the list of a cluster has a VM of which its own inventory has no row.
    fn is_listed_by_cluster(&self, id: Option<Uuid>) -> bool {
        let inventories = self.world.inventories.iter();
        let mut lists = inventories.flat_map(|inventory| &inventory.cluster_vms);
        id.is_some_and(|id| lists.any(|vm| vm.id == id))
    }

    /// True where a VM of this inventory is a role of a cluster, as its row or its own configuration says, and no cluster's
    /// list has it.
    fn registers_a_role(&self, inventory: usize) -> bool {
        let mut rows = self.world.inventories[inventory].vms.iter();
        if rows.any(|vm| vm.clustered && !self.is_listed_by_cluster(vm.instance_id)) {
            return true;
        }
        self.owners
            .vms
            .iter()
            .filter(|vm| vm.rows.iter().any(|&(own, _)| own == inventory))
            .filter_map(|vm| own::vm_evidence(self.world.files, vm.config?))
            .any(|vm| vm.clustered && !self.is_listed_by_cluster(vm.instance_id))
    }

    /// Clustered VMs without the cluster's resource list cap the confidence.
    pub(super) fn clustered_without_list(&mut self) {
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
            if self.registers_a_role(index) {
                let text = format!(
                    "{} has clustered VMs and no list of the cluster's resources: Get-ClusterResource would tell whether every node was asked",
                    inventory.source
                );
                let roots = self.covered_by(index);
                self.note(ReasonCode::NoClusterList, text, roots, true);
            }
        }
    }
}

/// The UUID of a host in the name of one of the first two parts of a path: `vmkdump/<UUID>.dumpfile`, `.locker-<UUID>/…`.
pub(crate) fn host_uuid(path: &str) -> Option<Uuid> {
    let parts = path.split('/').take(2);
    let mut ids = parts.filter_map(|part| {
        let part = fold(part);
        let name = part.strip_prefix(".locker-").unwrap_or(&part);
        Uuid::try_parse(name.get(..36)?).ok()
    });
    ids.next()
}

/// Some firmware prints the first three fields of the id of a host in the other byte order.
pub(crate) fn is_host(listed: Uuid, id: Uuid) -> bool {
    listed == id || Uuid::from_bytes_le(*listed.as_bytes()) == id
}

/// The vCenter whose folder of vSphere HA a path lies in: its UUID, and its name where the folder bears one.
fn ha_folder(path: &str) -> Option<(Uuid, &str)> {
    let (folder, _) = path.strip_prefix(HA_FOLDER)?.split_once('/')?;
    let id = Uuid::try_parse(folder.get(..36)?).ok()?;
    let name = folder.get(36..)?.splitn(4, '-').nth(3).unwrap_or_default();
    Some((id, name))
}

/// True for what people made of a configuration (`web.vmx.bak`): that it was written says nothing of the VM. A disk of such a name
/// may be one that the VM writes.
fn is_copy_of_config(file: Node<'_>) -> bool {
    let folder = RawPath::new(file.folder().to_vec());
    matches!(by_name(&folder, file.entry.path.name()), NameHint::Renamed(kind) if kind.is_config())
}
