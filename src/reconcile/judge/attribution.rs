//! Whose a file was that has no owner: what states, lists and logs tell that were written while it was used; behind them
//! the disk that its chain hangs on, and names, which are hints.
//!
//! Nothing of this owns anything (V47): it helps whoever has to ask somebody before a disk goes.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use uuid::Uuid;

use super::Judge;
use crate::{
    kind::{Kind, Role},
    path::fold,
    raw::RawPath,
    reconcile::{
        coverage::list,
        files::NodeId,
        own::{OwnerVm, Owners, World},
        resolve::Target,
        signs::statement,
    },
    report::{
        codes::ReasonCode,
        model::{OwnerBasis, Reason, Weight},
    },
};

/// Most links of a chain that are asked for the owner of one of them.
pub(super) const CHAIN_LINKS_MAX: usize = 1024;

/// The last known owner of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribution {
    /// Its name.
    pub(crate) name: String,
    /// How far it is to be trusted.
    pub(crate) basis: OwnerBasis,
    /// One sentence.
    pub(crate) text: String,
    /// Where that stands.
    pub(crate) source: Option<String>,
}

/// Registered VMs by the folder that their configuration lies or should lie in, with its root.
pub(crate) type Homes = HashMap<(usize, Vec<u8>), Vec<usize>>;

/// Where the registered VMs are at home.
pub(crate) fn homes(world: World<'_>, owners: &Owners) -> Homes {
    let mut homes = Homes::default();
    for (index, vm) in owners.vms.iter().enumerate().filter(|(_, vm)| vm.is_registered()) {
        let there = vm.config.map(|config| {
            let file = world.files.nodes[config];
            (file.entry.root, file.folder().to_vec())
        });
        let gone = || {
            let (root, path) = vm.ghost.as_ref()?;
            Some((*root, RawPath::new(path.clone()).folder().as_bytes().to_vec()))
        };
        if let Some(home) = there.or_else(gone) {
            homes.entry(home).or_default().push(index);
        }
    }
    homes
}

/// Which logs tell that their VM had a disk open.
#[derive(Debug, Default)]
pub(crate) struct History {
    by_node: HashMap<NodeId, Vec<NodeId>>,
    by_disk_id: HashMap<String, Vec<NodeId>>,
}

impl History {
    /// Reads all logs.
    pub(crate) fn new(world: World<'_>) -> Self {
        let mut found = Self::default();
        for (log, file) in world.files.nodes.iter().enumerate() {
            let Some(history) = file.evidence().and_then(|evidence| evidence.history.as_ref()) else {
                continue;
            };
            for disk in &history.disks {
                if let Target::Files(files) = world.resolver.written_in(log, &disk.path) {
                    for (node, _) in files {
                        found.by_node.entry(node).or_default().push(log);
                    }
                }
                if let Some(id) = &disk.disk_id {
                    found.by_disk_id.entry(id.clone()).or_default().push(log);
                }
            }
        }
        found
    }

    /// The logs that tell of a disk by its path.
    pub(crate) fn of_path(&self, disk: NodeId) -> impl Iterator<Item = NodeId> {
        self.by_node.get(&disk).into_iter().flatten().copied()
    }
}

impl Judge<'_> {
    /// The last known owner of a file that has none.
    pub(crate) fn attribution(&self, node: NodeId) -> Option<Attribution> {
        let own = self.described(node);
        self.attributed(own.iter().copied())
            .or_else(|| self.attributed(self.chain_of(&own).into_iter()))
            .or_else(|| self.hint(node))
    }

    /// The same as a reason.
    pub(super) fn attribution_reason(&self, node: NodeId) -> Option<Reason> {
        let found = self.attribution(node)?;
        // A trace is told as what it is.
        if self.traces_of(node).iter().any(|trace| trace.reason.text == found.text) {
            return None;
        }
        let code = if found.basis == OwnerBasis::Evidence {
            ReasonCode::LastOwner
        } else {
            ReasonCode::LastOwnerHint
        };
        Some(statement(code, found.text, found.source, Weight::For))
    }

    /// A file and what describes it: an extent is known by its descriptor, a memory image by its state.
    fn described(&self, node: NodeId) -> BTreeSet<NodeId> {
        let describes = |role: Role| {
            matches!(
                role,
                Role::Extent
                    | Role::ChangeTracking
                    | Role::Digest
                    | Role::Sidecar
                    | Role::ReplicationState
                    | Role::Memory
            )
        };
        let above = self.references.into(node).filter(|edge| describes(edge.role));
        above.map(|edge| edge.from).chain([node]).collect()
    }

    /// The other links of the chains of some disks.
    fn chain_of(&self, disks: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        let mut found = disks.clone();
        let mut waiting: Vec<NodeId> = disks.iter().copied().collect();
        while let Some(node) = waiting.pop() {
            let parents = self.references.of(node).filter(|edge| edge.role == Role::Parent);
            let children = self.references.into(node).filter(|edge| edge.role == Role::Parent);
            let near = parents.map(|edge| edge.to).chain(children.map(|edge| edge.from));
            for other in near {
                if found.len() < CHAIN_LINKS_MAX && found.insert(other) {
                    waiting.push(other);
                }
            }
        }
        found
    }

    /// What is told of some files, where all that is told is of one VM.
    fn attributed(&self, nodes: impl Iterator<Item = NodeId>) -> Option<Attribution> {
        let mut by_name: BTreeMap<String, Attribution> = BTreeMap::new();
        for found in nodes.flat_map(|node| self.told_of(node)) {
            by_name.entry(found.name.clone()).or_insert(found);
        }
        let one = by_name.len() == 1;
        by_name.into_values().next().filter(|_| one)
    }

    /// What a file, and the files that name it, tell of the VM that used it.
    fn told_of(&self, node: NodeId) -> Vec<Attribution> {
        let mut found = Vec::new();
        if let Some(name) = self.name_in(node) {
            let text = format!("it was written by {name:?}, as it says itself");
            found.push(self.evidence(name, text, node));
        }
        for edge in self.references.into(node) {
            match self.file(edge.from).kind() {
                Kind::Vmsn | Kind::Vmss => found.extend(self.name_in(edge.from).map(|name| {
                    let text = format!("a state of {name:?} names it ({})", edge.key);
                    self.evidence(name, text, edge.from)
                })),
                Kind::Vmsd => found.extend(self.name_behind_list(edge.from).map(|name| {
                    let text = format!("a snapshot list whose states are of {name:?} names it ({})", edge.key);
                    self.evidence(name, text, edge.from)
                })),
                _ => {}
            }
        }
        if self.file(node).kind() == Kind::Vmsd
            && let Some(name) = self.name_behind_list(node)
        {
            let text = format!("the states that it lists are of {name:?}");
            found.push(self.evidence(name, text, node));
        }
        found.extend(self.traces_of(node).into_iter().map(|trace| Attribution {
            name: trace.owner,
            basis: OwnerBasis::Evidence,
            text: trace.reason.text,
            source: trace.reason.source,
        }));
        for log in self.logs_of(node) {
            found.extend(self.name_in(log).map(|name| {
                let text = format!("a log tells that {name:?} had it open");
                self.evidence(name, text, log)
            }));
        }
        found
    }

    fn evidence(&self, name: String, text: String, source: NodeId) -> Attribution {
        Attribution {
            name,
            basis: OwnerBasis::Evidence,
            text,
            source: Some(self.path(source)),
        }
    }

    /// The name of the VM that a state or log holds.
    fn name_in(&self, node: NodeId) -> Option<String> {
        let evidence = self.file(node).evidence()?;
        let name = match self.file(node).kind() {
            Kind::Vmsn | Kind::Vmss => evidence.vm.as_ref()?.name.clone(),
            Kind::VmLog => evidence.history.as_ref()?.vm_name.clone(),
            _ => None,
        };
        name.filter(|name| !name.trim().is_empty())
    }

    /// The name in the first state that a snapshot list names.
    fn name_behind_list(&self, list: NodeId) -> Option<String> {
        let mut states = self.references.of(list).filter(|edge| edge.role == Role::SnapshotState);
        states.find_map(|edge| self.name_in(edge.to))
    }

    /// Logs that tell of a disk, by its path or by its identity.
    fn logs_of(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let disk = self.file(node).evidence().and_then(|evidence| evidence.disk.as_ref());
        let by_id = disk
            .and_then(|disk| disk.disk_id.as_ref())
            .and_then(|id| self.history.by_disk_id.get(id));
        let by_path = self.history.by_node.get(&node);
        by_path.into_iter().chain(by_id).flatten().copied()
    }

    /// Whose it was, as far as its chain or its folder tells: a hint, never more.
    fn hint(&self, node: NodeId) -> Option<Attribution> {
        let known = self.hint_of_chain(node).or_else(|| self.hint_of_home(node));
        // The folder of a service is nobody's VM.
        let is_of_service = self.rules[node].is_some();
        known.or_else(|| {
            let folder = self.file(node).entry.path.folder();
            let mut names = folder.parts().map(|part| String::from_utf8_lossy(part).into_owned());
            let name = names.rfind(|name| !is_nobodys_name(name)).filter(|_| !is_of_service)?;
            let text = format!("it lies in the folder {name:?}: a hint at its last owner, no proof");
            Some(Attribution {
                name,
                basis: OwnerBasis::Hint,
                text,
                source: None,
            })
        })
    }

    /// The only registered VM whose configuration lies in the folder of a file, or should lie there.
    pub(super) fn vm_at_home_with(&self, node: NodeId) -> Option<&OwnerVm> {
        let file = self.file(node);
        let vms = self.homes.get(&(file.entry.root, file.folder().to_vec()))?;
        match vms.as_slice() {
            [vm] if !file.folder().is_empty() => Some(&self.owners.vms[*vm]),
            _ => None,
        }
    }

    /// The only registered VM whose configuration lies in the nearest folder above that of a file.
    fn vm_at_home_above(&self, node: NodeId) -> Option<&OwnerVm> {
        let file = self.file(node);
        let mut folder = RawPath::new(file.folder().to_vec()).folder();
        while !folder.as_bytes().is_empty() {
            if let Some(vms) = self.homes.get(&(file.entry.root, folder.as_bytes().to_vec())) {
                let [vm] = vms.as_slice() else { return None };
                return Some(&self.owners.vms[*vm]);
            }
            folder = folder.folder();
        }
        None
    }

    /// What lies with a VM that does not name it was its own once, most likely.
    fn hint_of_home(&self, node: NodeId) -> Option<Attribution> {
        let (vm, place) = match self.vm_at_home_with(node) {
            Some(vm) => (vm, "in"),
            None => (self.vm_at_home_above(node)?, "below"),
        };
        let state = if vm.config.is_none() {
            "whose configuration is gone from it"
        } else {
            "of which nothing names it"
        };
        Some(Attribution {
            name: vm.name.clone(),
            basis: OwnerBasis::Hint,
            text: format!(
                "it lies {place} the folder of {}, which is registered and {state}: a hint at its last owner, no proof",
                vm.name
            ),
            source: vm.config.map(|config| self.path(config)),
        })
    }

    /// A link of a chain was made for the VM whose disk it hangs on, most likely.
    fn hint_of_chain(&self, node: NodeId) -> Option<Attribution> {
        let parents = self.references.of(node).filter(|edge| edge.role == Role::Parent);
        let mut owned = parents.filter_map(|edge| Some((edge.to, self.owners.vms_of.get(edge.to)?)));
        let (parent, vms) = owned.next()?;
        let names: Vec<&str> = vms.iter().map(|&vm| self.owners.vms[vm].name.as_str()).collect();
        let name = list(names.into_iter());
        let path = self.path(parent);
        Some(Attribution {
            text: format!("its parent {path} is a disk of {name}: a hint at its last owner, no proof"),
            name,
            basis: OwnerBasis::Hint,
            source: Some(path),
        })
    }
}

/// Folders that every VM of Hyper-V has, and ids: they hint at nobody.
fn is_nobodys_name(folder: &str) -> bool {
    let name = fold(folder);
    matches!(
        name.as_str(),
        "virtual hard disks" | "virtual machines" | "snapshots" | "planned virtual machines"
    ) || Uuid::try_parse(&name).is_ok()
}
