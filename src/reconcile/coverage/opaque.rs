//! Gaps about configurations that say nothing, or not everything: encrypted, damaged, not there.

use std::{
    cell::LazyCell,
    collections::{BTreeMap, BTreeSet},
};

use super::{Builder, GapItem, Reach, home_folder, is_checkpoint_disk, is_state};
use crate::{
    inventory::{DatastoreRecord, Listing, Registration, host_names::is_reference},
    kind::{Kind, Platform, Role},
    path::{Parsed, fold, parse, short_host, stem},
    raw::RawPath,
    reconcile::{
        files::{Files, NodeId},
        leftovers,
        own::{self, OwnerVm},
        resolve::Target,
    },
    report::codes::ReasonCode,
};

/// State of VMware by its name, to find that of one VM wherever it lies.
type StateNames<'a> = BTreeMap<&'a str, Vec<NodeId>>;

impl Builder<'_> {
    /// V3, V11, V14, H-E19: configurations that cannot be read.
    pub(super) fn unreadable_owners(&mut self) {
        let files = self.world.files;
        let names = LazyCell::new(|| state_names(files));
        for vm in &self.owners.vms {
            let listing = own::best_listing(self.world, vm);
            let has_rows = vm
                .rows
                .iter()
                .any(|&(inventory, row)| self.world.inventories[inventory].vms[row].has_configuration);
            let knows_disks = has_rows && listing >= Listing::LeafDisks && !self.is_critical(vm);
            let opaque: Vec<NodeId> = vm.configs().filter(|&config| self.is_opaque(config)).collect();
            if opaque.is_empty() && vm.is_registered() && vm.config.is_none() && !knows_disks {
                self.unread_config(vm);
            }
            if listing == Listing::WholeChains && has_rows {
                if opaque.is_empty() && self.runs_without_listed_swap(vm) {
                    self.swap_not_named(vm, &names);
                }
                for config in opaque {
                    self.beside_opaque_config(vm, config);
                }
                continue;
            }
            if knows_disks && let Some((root, path)) = &vm.ghost {
                self.home_of_ghost(vm, *root, path);
                if vm.platform == Platform::Vmware {
                    self.state_of_ghost(vm, &names);
                }
            }
            if opaque.is_empty() && vm.is_registered() && vm.platform == Platform::Vmware {
                self.swap_not_named(vm, &names);
            }
            for config in opaque {
                self.opaque_config(vm, config, knows_disks, &names);
            }
        }
    }

    /// V7, V51: a VM of VMware that runs has a swap file: a list of its files without one is older than its start.
    fn runs_without_listed_swap(&self, vm: &OwnerVm) -> bool {
        let rows = vm.rows.iter();
        let row = |&(inventory, row): &(usize, usize)| &self.world.inventories[inventory].vms[row];
        let lists_swap = rows
            .clone()
            .map(row)
            .any(|row| row.files.iter().any(|file| file.role == Role::Swap));
        let runs = |row: &Registration| row.state.as_deref().is_some_and(|state| fold(state) == "poweredon");
        vm.platform == Platform::Vmware && !lists_swap && rows.map(row).any(runs)
    }

    /// V51: ESXi writes the place of its swap into the configuration of a VM that it starts (formats-vmware 1.8). Where the
    /// configuration of one that may run has no such line, a swap file of its name may be its own, wherever it lies.
    fn swap_not_named(&mut self, vm: &OwnerVm, names: &StateNames<'_>) {
        let files = self.world.files;
        let names_swap = |config: NodeId| {
            let evidence = files.nodes[config].evidence();
            evidence.is_some_and(|evidence| evidence.references.iter().any(|file| file.role == Role::Swap))
        };
        if vm.config.is_none_or(names_swap) || own::is_off(self.world, vm) {
            return;
        }
        let stems = self.stems(vm);
        let mut nodes = of_its_name(&stems, names);
        nodes.retain(|&node| {
            let is_swap = files.nodes[node].kind() == Kind::Vswp;
            is_swap && stems.contains(leftovers::stem(Kind::Vswp, files.name(node))) && !self.is_registered(node)
        });
        let text = format!(
            "the configuration of {} names no swap file, and the VM may run: one that bears its name may be its own; find out whether the VM \
             runs, and with which swap file",
            vm.name
        );
        self.gap_of_nodes(text, nodes);
    }

    /// True for a configuration that says nothing, or not everything.
    fn is_opaque(&self, config: NodeId) -> bool {
        own::vm_evidence(self.world.files, config).is_none_or(|evidence| evidence.opaque.is_some())
    }

    /// True for a VM with a configuration that is there and cannot be read.
    pub(super) fn has_opaque_config(&self, vm: &OwnerVm) -> bool {
        vm.configs().any(|config| self.is_opaque(config))
    }

    /// V11: an inventory of the disks attached now does not tell what else a configuration that is gone had in its folder.
    fn home_of_ghost(&mut self, vm: &OwnerVm, root: usize, config: &[u8]) {
        let path = RawPath::new(config.to_vec());
        let text = format!(
            "the configuration of {} ({} on {}) is not there, and its inventory lists the disks attached now: snapshots and state in its folder \
             may be its own; an inventory that lists whole chains would tell",
            vm.name,
            path.lossy(),
            self.root_name(root),
        );
        let reach = Reach::StateIn(root, home_folder(path.folder().as_bytes()));
        self.gap(ReasonCode::OwnerUnreadable, text, BTreeSet::from([root]), reach);
    }

    /// V11, V51: a configuration that is gone may have sent swap and state elsewhere. The swap of a VM that is off is none's.
    fn state_of_ghost(&mut self, vm: &OwnerVm, names: &StateNames<'_>) {
        let is_off = own::is_off(self.world, vm);
        let is_swap = |node: &NodeId| self.world.files.nodes[*node].kind() == Kind::Vswp;
        let mut nodes = of_its_name(&self.stems(vm), names);
        nodes.retain(|node| !is_off || !is_swap(node));
        let text = format!(
            "the configuration of {} is not there: swap and state that bear its name may be its own, wherever they lie; \
             an inventory that lists whole chains would tell",
            vm.name
        );
        self.gap_of_nodes(text, nodes);
    }

    /// H-A4, H-A6: of a VM whose configuration is gone the cmdlets give an empty list of disks.
    fn is_critical(&self, vm: &OwnerVm) -> bool {
        let mut rows = vm
            .rows
            .iter()
            .map(|&(inventory, row)| &self.world.inventories[inventory].vms[row]);
        vm.platform == Platform::Hyperv
            && vm.ghost.is_some()
            && rows.all(|row| row.files.iter().all(|file| file.role != Role::Disk) && row.fileless_disks.is_empty())
    }

    /// V14: of a configuration that cannot be read while an inventory lists whole chains. What the list leaves out may lag
    /// behind (V7), and nobody but the VM can say what else in its folder is its own.
    fn beside_opaque_config(&mut self, vm: &OwnerVm, config: NodeId) {
        let text = format!(
            "{}: the inventory lists its files, and what else lies with it may be its own; ask whose VM it is",
            self.shown_opaque(vm, config)
        );
        self.folder_of_config(config, text);
    }

    /// A configuration of a VM that says nothing, or not everything.
    fn opaque_config(&mut self, vm: &OwnerVm, config: NodeId, knows_disks: bool, names: &StateNames<'_>) {
        let what = self.shown_opaque(vm, config);
        let remedy = if vm.is_registered() {
            "an inventory that lists whole chains would tell"
        } else {
            "an inventory that registers it, or a readable copy, would tell"
        };
        let text = format!("{what}: what lies with it may be its own; {remedy}");
        self.folder_of_config(config, text.clone());
        if vm.rows.is_empty() {
            return;
        }
        let elsewhere = format!("{what}: its snapshots, swap and state may lie elsewhere; {remedy}");
        match (vm.platform, knows_disks) {
            (Platform::Vmware, true) => {
                let mut links = self.on_its_disks(vm);
                links.extend(self.naming_its_disks(vm));
                let mut nodes = of_its_name(&self.stems(vm), names);
                nodes.extend(self.beside_its_disks(vm, &links));
                nodes.extend(links);
                self.gap_of_nodes(elsewhere, nodes);
            }
            (Platform::Vmware, false) => {
                let roots = self.within_reach(vm);
                self.gap(ReasonCode::OwnerUnreadable, elsewhere, roots.clone(), Reach::State);
                self.gap(ReasonCode::OwnerUnreadable, text, roots, Reach::Attachable);
            }
            (Platform::Hyperv, true) => {
                let roots = own::roots_of_state(self.world, vm).unwrap_or_else(|| self.of_platform(vm.platform));
                self.gap(ReasonCode::OwnerUnreadable, elsewhere, roots, Reach::State);
            }
            (Platform::Hyperv, false) => self.reach_of_unknown_vm(vm, text, Reach::Everything),
        }
    }

    /// Swap, suspend state and memory that bear the name of a VM, of its configuration or of its disks, wherever they lie.
    pub(super) fn state_of_its_name(&self, vm: &OwnerVm) -> BTreeSet<NodeId> {
        let configs = self.rows_of(vm).filter_map(|row| row.config.as_deref());
        let of_configs = configs.filter_map(|config| match parse(config) {
            Parsed::Path(path) => Some(fold(stem(path.name()))),
            Parsed::NotAFile | Parsed::Unclear => None,
        });
        let of_configs = of_configs.filter(|stem| !stem.is_empty());
        let stems: BTreeSet<String> = of_configs.chain(self.stems(vm)).collect();
        of_its_name(&stems, &state_names(self.world.files))
    }

    fn gap_of_nodes(&mut self, text: String, nodes: BTreeSet<NodeId>) {
        if nodes.is_empty() {
            return;
        }
        let roots = nodes
            .iter()
            .map(|&node| self.world.files.nodes[node].entry.root)
            .collect();
        self.gap(ReasonCode::OwnerUnreadable, text, roots, Reach::These(nodes));
    }

    /// What VMware calls the files of a VM: after its configuration, or after what the VM was called when they were made
    /// (formats-vmware 1.8).
    fn stems(&self, vm: &OwnerVm) -> BTreeSet<String> {
        let files = self.world.files;
        let of_files = vm
            .files
            .keys()
            .filter(|&&node| files.nodes[node].kind().is_config() || files.nodes[node].kind().is_disk())
            .map(|&node| stem(files.name(node)).to_owned());
        let stems = of_files.chain([fold(&vm.name)]);
        stems.filter(|stem| !stem.is_empty()).collect()
    }

    /// State and links of snapshots in the folders in which the VM has disks, in those of what may be its, and in
    /// those that its inventory names for them.
    fn beside_its_disks(&self, vm: &OwnerVm, links: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        let files = self.world.files;
        let of_disks = vm
            .files
            .keys()
            .filter(|&&node| files.nodes[node].kind().is_disk() || files.nodes[node].kind().is_extent())
            .chain(links)
            .map(|&node| files.nodes[node])
            .map(|file| (file.entry.root, file.folder().to_vec()));
        let of_missing = vm.missing.iter().map(|missing| {
            (
                missing.root,
                RawPath::new(missing.path.clone()).folder().as_bytes().to_vec(),
            )
        });
        let folders: BTreeSet<(usize, Vec<u8>)> = of_disks.chain(of_missing).chain(self.listed_folders(vm)).collect();
        let near = folders
            .iter()
            .flat_map(|(root, folder)| files.in_folder(*root, folder))
            .copied();
        near.filter(|&node| is_state(files.nodes[node].kind()) || is_checkpoint_disk(files.nodes[node]))
            .collect()
    }

    /// Folders that the rows of a VM name for its snapshots, its suspend state and its logs.
    fn listed_folders(&self, vm: &OwnerVm) -> Vec<(usize, Vec<u8>)> {
        let rows = vm
            .rows
            .iter()
            .map(|&(inventory, row)| (inventory, &self.world.inventories[inventory].vms[row]));
        let folders = rows.flat_map(|(inventory, row)| {
            let listed = move |folder| self.world.resolver.listed(inventory, row.host.as_deref(), folder);
            row.folders.iter().map(move |folder| listed(folder))
        });
        folders
            .filter_map(|target| match target {
                Target::Missing { root, path } | Target::Unread { root, path } => Some((root, path)),
                Target::Files(_) | Target::Outside | Target::NotAFile => None,
            })
            .collect()
    }

    /// Links that stand on a disk of the VM, wherever they lie, and those whose parent was not scanned: a snapshot stands on
    /// the disks of its VM, and these are known.
    fn on_its_disks(&self, vm: &OwnerVm) -> BTreeSet<NodeId> {
        let files = self.world.files;
        let mut open: Vec<NodeId> = vm
            .files
            .keys()
            .copied()
            .filter(|&node| files.nodes[node].kind().is_disk())
            .collect();
        let astray = self.references.broken.iter();
        let astray = astray.filter(|(_, target)| matches!(target, Target::Outside | Target::Unread { .. }));
        open.extend(
            astray
                .map(|(&node, _)| node)
                .filter(|&node| files.nodes[node].kind().platform() == Some(vm.platform)),
        );
        let mut found = BTreeSet::new();
        while let Some(node) = open.pop() {
            if !found.insert(node) {
                continue;
            }
            let to = self.references.to[node]
                .iter()
                .map(|&edge| &self.references.edges[edge]);
            open.extend(to.filter(|edge| edge.role == Role::Parent).map(|edge| edge.from));
            let from = self.references.from[node]
                .iter()
                .map(|&edge| &self.references.edges[edge]);
            found.extend(from.filter(|edge| edge.role == Role::Extent).map(|edge| edge.to));
        }
        found
    }

    /// Snapshot lists and states that name a disk of the VM, whatever they are called: a list may bear an old name (V46).
    fn naming_its_disks(&self, vm: &OwnerVm) -> BTreeSet<NodeId> {
        let files = self.world.files;
        let disks = vm.files.keys().filter(|&&node| files.nodes[node].kind().is_disk());
        let edges = disks.flat_map(|&node| &self.references.to[node]);
        let from = edges.map(|&edge| self.references.edges[edge].from);
        from.filter(|&node| is_state(files.nodes[node].kind())).collect()
    }

    /// Roots that the hosts of a VM may mount: a VM has its disks where its host reaches (V3).
    pub(super) fn within_reach(&self, vm: &OwnerVm) -> BTreeSet<usize> {
        let mut roots = self.of_platform(vm.platform);
        let hosts: Option<BTreeSet<String>> = self
            .rows_of(vm)
            .map(|row| row.host.as_deref().map(short_host))
            .collect();
        if let Some(hosts) = hosts {
            roots.retain(|&root| !self.is_out_of_reach(vm, root, &hosts));
        }
        roots
    }

    /// True for a datastore of which the inventories of a VM list all hosts, and none of these.
    fn is_out_of_reach(&self, vm: &OwnerVm, root: usize, hosts: &BTreeSet<String>) -> bool {
        let entities = self.identities.roots[root].entities.iter();
        let mut records = entities
            .flat_map(|&entity| &self.identities.entities[entity].records)
            .filter(|(inventory, _)| vm.rows.iter().any(|(of_row, _)| of_row == inventory))
            .map(|&(inventory, record)| &self.world.inventories[inventory].datastores[record])
            .peekable();
        let lists_others = |record: &DatastoreRecord| {
            let listed = u64::try_from(record.hosts.len()).unwrap_or(u64::MAX);
            let are_named = !record.hosts.iter().any(|host| is_reference(host));
            let is_whole = listed > 0 && are_named && record.host_count.is_none_or(|count| count == listed);
            is_whole && !record.hosts.iter().any(|host| hosts.contains(&short_host(host)))
        };
        records.peek().is_some() && records.all(lists_others)
    }

    fn rows_of<'v>(&'v self, vm: &'v OwnerVm) -> impl Iterator<Item = &'v Registration> {
        vm.rows
            .iter()
            .map(|&(inventory, row)| &self.world.inventories[inventory].vms[row])
    }

    /// `the configuration of a (a/a.vmx on ds1) cannot be read (why)`.
    fn shown_opaque(&self, vm: &OwnerVm, config: NodeId) -> String {
        let node = self.world.files.nodes[config];
        let why = own::vm_evidence(self.world.files, config)
            .and_then(|evidence| evidence.opaque.clone())
            .unwrap_or_else(|| "damaged".to_owned());
        format!(
            "the configuration of {} ({} on {}) cannot be read ({why})",
            vm.name,
            node.entry.path.lossy(),
            self.root_name(node.entry.root),
        )
    }

    fn folder_of_config(&mut self, config: NodeId, text: String) {
        let node = self.world.files.nodes[config];
        let reach = Reach::Folder(node.entry.root, home_folder(node.folder()));
        self.gap(
            ReasonCode::OwnerUnreadable,
            text,
            BTreeSet::from([node.entry.root]),
            reach,
        );
    }

    /// A registered VM of which neither the inventory nor the scan tells the disks.
    pub(super) fn unread_config(&mut self, vm: &OwnerVm) {
        let place = vm
            .rows
            .iter()
            .find_map(|&(inventory, row)| self.world.inventories[inventory].vms[row].config.clone());
        let place = place.unwrap_or_else(|| "unknown place".to_owned());
        let is_told = self.rows_of(vm).any(|row| row.has_configuration);
        let (state, remedy) = match vm.ghost {
            Some(_) if is_told => ("is not there", "give an inventory that lists disks"),
            // Nobody has the disks of a VM whose configuration the platform itself does not find.
            Some(_) => (
                "is not there",
                "restore it, or take the VM out of the inventory if nobody needs it, and export again",
            ),
            None => (
                "was not read",
                "scan that datastore or give an inventory that lists disks",
            ),
        };
        let text = format!(
            "the configuration of {} ({place}) {state} and no inventory lists its disks: {remedy}",
            vm.name
        );
        // One that the platform itself could not read leaves open what it has (V3).
        if let Some((root, path)) = vm.ghost.as_ref().filter(|_| is_told) {
            self.ghost_of_unknown_disks(vm, *root, path, text);
        } else {
            self.reach_of_unknown_vm(vm, text, Reach::Everything);
        }
    }

    /// V11: what lies with a configuration that is gone may be its own whatever it is. Elsewhere it may have disks and the
    /// state of snapshots, like one that cannot be read. Of a VM of which nothing is left at home most often nothing is
    /// left at all, and every site has some: that lowers the confidence, and what may be its own is no candidate.
    fn ghost_of_unknown_disks(&mut self, vm: &OwnerVm, root: usize, config: &[u8], text: String) {
        let folder = RawPath::new(config.to_vec()).folder();
        let home = home_folder(folder.as_bytes());
        let roots = self.within_reach(vm);
        if !self.is_left_at(root, folder.as_bytes(), &home) {
            self.coverage.gaps.push(GapItem {
                code: ReasonCode::OwnerUnreadable,
                text,
                roots,
                reach: Reach::Belongings,
                caps: false,
                lowers: true,
            });
            return;
        }
        self.gap(ReasonCode::OwnerUnreadable, text.clone(), roots, Reach::Belongings);
        let reach = Reach::Folder(root, home);
        self.gap(ReasonCode::OwnerUnreadable, text, BTreeSet::from([root]), reach);
    }

    /// True where a file lies in the folder of a configuration that is gone, or in those of its VM.
    fn is_left_at(&self, root: usize, folder: &[u8], home: &[u8]) -> bool {
        let home = RawPath::new(home.to_vec());
        let below = ["Virtual Hard Disks", "Snapshots"].map(|name| home.join(name.as_bytes()));
        let below = below.iter().map(RawPath::as_bytes);
        let mut folders = [folder, home.as_bytes()].into_iter().chain(below);
        folders.any(|folder| !self.world.files.in_folder(root, folder).is_empty())
    }

    /// A VM of which something is not told may have it on every datastore of its platform.
    pub(super) fn reach_of_unknown_vm(&mut self, vm: &OwnerVm, text: String, reach: Reach) {
        if vm.rows.is_empty() {
            return;
        }
        let roots = self.of_platform(vm.platform);
        self.gap(ReasonCode::OwnerUnreadable, text, roots, reach);
    }
}

/// Swap, suspend state and memory of such names, wherever a configuration sends them.
fn of_its_name(stems: &BTreeSet<String>, names: &StateNames<'_>) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    for stem in stems {
        let of_stem = names
            .range(stem.as_str()..)
            .take_while(|(name, _)| name.starts_with(stem.as_str()))
            .filter(|(name, _)| !name[stem.len()..].starts_with(char::is_alphanumeric));
        found.extend(of_stem.flat_map(|(_, nodes)| nodes));
    }
    found
}

/// State of VMware VMs by its name.
fn state_names<'a>(files: &'a Files<'_>) -> StateNames<'a> {
    let mut names = StateNames::new();
    for (node, file) in files.nodes.iter().enumerate() {
        if file.kind().platform() == Some(Platform::Vmware) && is_state(file.kind()) {
            let name = files.name(node);
            names
                .entry(name.strip_prefix("vmx-").unwrap_or(name))
                .or_default()
                .push(node);
        }
    }
    names
}
