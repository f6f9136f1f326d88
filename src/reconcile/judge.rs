//! Judge: exactly one verdict for each artifact, with its reasons.
//!
//! What an owner reaches is decided first (`owned`, `service`, `system`). For the rest a file's verdict is the best
//! protected of what it would be alone and of what the files that name it are: an extent follows its descriptor, a base
//! disk its best child, the files of an unregistered VM their configuration (traps-vmware, *How derelict answers*, 2 – 4).
//! Everything that says "nobody" passes through [`Judge::nobody`], the only place that can say `orphaned`.

use std::collections::{BTreeSet, VecDeque};

use super::{
    Options,
    coverage::{Coverage, GapItem, MARGIN},
    files::NodeId,
    identity::Identities,
    locks::Locks,
    own::{self, OwnerVm, Owners, Via, World},
    resolve::{Edge, Match, References, Target},
    signs::{self, Freshness, source_of, statement},
};
use crate::{
    catalogue::Catalogue,
    evidence::MarkCode,
    inventory::Inventory,
    kind::{Kind, Platform, Role},
    path::fold,
    report::{
        codes::{Class, ReasonCode},
        model::{Confidence, Cover, Identity, Owner, OwnerKind, Reason, Reclaim, Risk, Verdict, Weight},
    },
    rules::{Rule, Subject},
};

/// What is said of one file.
#[derive(Debug, Clone)]
pub(crate) struct Judgement {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// Which situation.
    pub(crate) class: Option<Class>,
    /// For `orphaned` and `unregistered`.
    pub(crate) confidence: Option<Confidence>,
    /// What may be done.
    pub(crate) reclaim: Reclaim,
    /// What could be lost.
    pub(crate) risk: Option<Risk>,
    /// Whose it is.
    pub(crate) owners: BTreeSet<Owner>,
    /// Why.
    pub(crate) reasons: Vec<Reason>,
    /// The gaps that keep it `unknown`, by their place.
    pub(crate) gaps: BTreeSet<usize>,
}

impl Judgement {
    fn new(verdict: Verdict, class: Option<Class>, reasons: Vec<Reason>) -> Self {
        Self {
            verdict,
            class,
            confidence: None,
            reclaim: Reclaim::Never,
            risk: None,
            owners: BTreeSet::new(),
            reasons,
            gaps: BTreeSet::new(),
        }
    }

    fn unknown(class: Class, reason: Reason) -> Self {
        Self::new(Verdict::Unknown, Some(class), vec![reason])
    }
}

/// Everything that a verdict is made of.
pub(crate) struct Judge<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) world: World<'a>,
    pub(crate) identities: &'a Identities,
    pub(crate) references: &'a References,
    pub(crate) owners: &'a Owners,
    pub(crate) locks: &'a Locks,
    pub(crate) coverage: &'a Coverage,
    pub(crate) options: &'a Options,
    /// For each file the rule that matches it.
    pub(crate) rules: &'a [Option<&'a Rule>],
    /// For each file whether it is reported.
    pub(crate) reported: &'a [bool],
}

/// The rule that matches each file.
pub(crate) fn match_rules<'a>(
    catalogue: &Catalogue,
    world: World<'_>,
    identities: &Identities,
    options: &'a Options,
) -> Vec<Option<&'a Rule>> {
    let mut platforms = vec![Vec::new(); catalogue.roots.len()];
    for artifact in &catalogue.artifacts {
        if let Some(platform) = artifact.kind.platform()
            && !platforms[artifact.entry.root].contains(&platform)
        {
            platforms[artifact.entry.root].push(platform);
        }
    }
    let mut found = vec![None; world.files.nodes.len()];
    for (root, folder, nodes) in world.files.folders() {
        let siblings: Vec<String> = nodes.iter().map(|&node| world.files.nodes[node].name()).collect();
        let above = identities.roots[root]
            .entities
            .iter()
            .find_map(|&entity| {
                identities.entities[entity]
                    .roots
                    .iter()
                    .find(|(held, parts)| *held == root && !parts.is_empty())
            })
            .map(|(_, parts)| parts.join("/") + "/")
            .unwrap_or_default();
        let folder = String::from_utf8_lossy(folder).into_owned();
        for &node in nodes {
            let name = String::from_utf8_lossy(world.files.nodes[node].entry.path.name()).into_owned();
            let path = if folder.is_empty() {
                format!("{above}{name}")
            } else {
                format!("{above}{folder}/{name}")
            };
            let subject = Subject {
                path: &path,
                kind: world.files.nodes[node].kind(),
                siblings: &siblings,
                platforms: &platforms[root],
            };
            found[node] = options.rules.find(subject);
        }
    }
    found
}

impl Judge<'_> {
    /// Judges every reported file.
    pub(crate) fn run(&self) -> Vec<Option<Judgement>> {
        let count = self.world.files.nodes.len();
        let mut judged: Vec<Option<Judgement>> = (0..count)
            .map(|node| self.reported[node].then(|| self.by_owner(node)).flatten())
            .collect();
        for vm in self.owners.vms.iter().filter(|vm| !vm.is_registered()) {
            if let Some(config) = vm.config.filter(|&config| judged[config].is_none()) {
                judged[config] = Some(self.unregistered(vm, config));
            }
        }
        self.propagate(&mut judged);
        self.locks_follow(&mut judged);
        self.hard_links_follow(&mut judged);
        for (node, judgement) in judged.iter().enumerate() {
            debug_assert_eq!(
                judgement.is_some(),
                self.reported[node],
                "every reported file has a verdict, no other has one"
            );
        }
        judged
    }

    /// `owned`, `service` and `system`: what stands on something found.
    fn by_owner(&self, node: NodeId) -> Option<Judgement> {
        let vms: Vec<usize> = self
            .owners
            .vms_of
            .get(&node)
            .into_iter()
            .flatten()
            .copied()
            .filter(|&vm| self.owners.vms[vm].is_registered())
            .collect();
        if !vms.is_empty() {
            return Some(self.owned(node, &vms));
        }
        if let Some(objects) = self.owners.objects_of.get(&node) {
            return Some(self.of_service_object(node, objects));
        }
        if let Some(rule) = self.rules[node] {
            return (!self.is_leaked(node, rule.class)).then(|| self.by_rule(node, rule));
        }
        if self.file(node).kind() == Kind::DatastoreSystem {
            let reason = statement(
                ReasonCode::OwnerRule,
                "a file of the datastore or the host by its name".to_owned(),
                None,
                Weight::For,
            );
            return Some(Judgement::new(
                Verdict::System,
                Some(Class::DatastoreService),
                vec![reason],
            ));
        }
        let fcd = self.file(node).evidence()?.disk.as_ref()?.fcd_id.as_deref()?;
        if self.fcd_listed(node) {
            return None;
        }
        let text = format!("its descriptor carries the id {fcd} of a First Class Disk");
        let mut judgement = Judgement::new(
            Verdict::Service,
            Some(Class::Fcd),
            vec![statement(
                ReasonCode::FirstClassDisk,
                text,
                Some(source_of(self.world.files, node, None)),
                Weight::For,
            )],
        );
        judgement.owners.insert(Owner {
            kind: OwnerKind::Service,
            id: fcd.to_owned(),
            name: format!("First Class Disk {fcd}"),
        });
        Some(judgement)
    }

    fn file(&self, node: NodeId) -> super::files::Node<'_> {
        self.world.files.nodes[node]
    }

    fn root(&self, node: NodeId) -> usize {
        self.file(node).entry.root
    }

    fn path(&self, node: NodeId) -> String {
        self.file(node).entry.path.lossy().into_owned()
    }

    // --- owned ------------------------------------------------------------------------------------------------------

    fn owned(&self, node: NodeId, vms: &[usize]) -> Judgement {
        let mut judgement = Judgement::new(Verdict::Owned, None, Vec::new());
        for &index in vms {
            let vm = &self.owners.vms[index];
            judgement.owners.insert(Owner {
                kind: OwnerKind::Vm,
                id: vm.id.clone(),
                name: vm.name.clone(),
            });
            judgement.reasons.push(self.registration_reason(vm));
            judgement.reasons.extend(self.via_reason(vm, node));
        }
        judgement.reasons.dedup();
        judgement.class = self.owned_class(node, vms);
        judgement
    }

    fn registration_reason(&self, vm: &OwnerVm) -> Reason {
        let rows = vm.rows.iter().map(|&(inventory, row)| {
            let inventory = &self.world.inventories[inventory];
            format!("{}, {}", inventory.source, inventory.vms[row].row)
        });
        if let Some(source) = rows.reduce(|all, row| format!("{all}; {row}")) {
            let state = vm
                .rows
                .iter()
                .find_map(|&(inventory, row)| self.world.inventories[inventory].vms[row].connection.clone());
            let state = state
                .filter(|state| fold(state) != "connected")
                .map_or(String::new(), |state| format!(" (connection state {state})"));
            return statement(
                ReasonCode::RegisteredVm,
                format!("{} is registered{state}", vm.name),
                Some(source),
                Weight::For,
            );
        }
        let source = vm
            .cluster_rows
            .first()
            .map(|&(inventory, _)| self.world.inventories[inventory].source.clone());
        statement(
            ReasonCode::ClusterVm,
            format!("{} is a VM of the cluster", vm.name),
            source,
            Weight::For,
        )
    }

    /// How the walk from a VM came to a file, step by step from the configuration.
    fn via_reason(&self, vm: &OwnerVm, node: NodeId) -> Option<Reason> {
        match vm.files.get(&node)? {
            Via::Itself => {
                let text = if vm.moved {
                    "it carries the id of the VM, which was registered at another place".to_owned()
                } else {
                    format!("it is the configuration of {}", vm.name)
                };
                let code = if vm.moved {
                    ReasonCode::ConfigMoved
                } else {
                    ReasonCode::RegisteredVm
                };
                Some(statement(code, text, None, Weight::For))
            }
            Via::Listed { source, .. } => Some(statement(
                ReasonCode::ListedByInventory,
                "the inventory lists this file".to_owned(),
                Some(source.clone()),
                Weight::For,
            )),
            Via::BesideGhost => Some(statement(
                ReasonCode::BesideGhost,
                format!(
                    "it belongs by its name to {}, whose configuration or descriptor is not there",
                    vm.name
                ),
                None,
                Weight::For,
            )),
            Via::Edge(place) => Some(self.edge_reason(&self.references.edges[*place])),
        }
    }

    fn edge_reason(&self, edge: &Edge) -> Reason {
        let from = self.path(edge.from);
        let (code, text) = match edge.basis {
            Match::Exact => (ReasonCode::ReferencedBy, format!("{from} names it ({})", edge.key)),
            Match::Case => (
                ReasonCode::ProbableMatch,
                format!(
                    "{from} names it ({}), only the letter case differs: probable match",
                    edge.key
                ),
            ),
            Match::NameOnly => (
                ReasonCode::ProbableMatch,
                format!("{from} names a file of this name at a foreign path ({})", edge.key),
            ),
            Match::Identity => (
                ReasonCode::FoundByIdentity,
                format!("{from} is a child of it: it has the id that the child quotes"),
            ),
            Match::Companion => (ReasonCode::CompanionOf, format!("it belongs to {from} by its name")),
        };
        statement(code, text, Some(from), Weight::For)
    }

    fn owned_class(&self, node: NodeId, vms: &[usize]) -> Option<Class> {
        let kind = self.file(node).kind();
        if matches!(kind, Kind::Iso | Kind::Floppy) {
            return Some(Class::Media);
        }
        let rows: Vec<_> = vms
            .iter()
            .flat_map(|&vm| &self.owners.vms[vm].rows)
            .map(|&(inventory, row)| &self.world.inventories[inventory].vms[row])
            .collect();
        let is_template = |vm: &usize| {
            self.owners.vms[*vm]
                .config
                .is_some_and(|config| self.file(config).kind() == Kind::Vmtx)
        };
        if rows.iter().any(|row| row.template) || vms.iter().any(is_template) {
            return Some(Class::Template);
        }
        if rows.iter().any(|row| row.placeholder) {
            return Some(Class::PlaceholderVm);
        }
        let names: Vec<&Edge> = self
            .references
            .into(node)
            .filter(|edge| edge.role == Role::Extent)
            .collect();
        if kind.is_extent()
            && kind != Kind::VmdkSparse
            && !names
                .iter()
                .any(|edge| self.file(edge.from).kind() == Kind::VmdkDescriptor)
        {
            return Some(Class::HeadlessExtent);
        }
        if self.is_dangling(node) {
            return Some(Class::DanglingDescriptor);
        }
        if matches!(kind, Kind::Avhd | Kind::Avhdx) && self.is_unmerged_leaf(node, vms) {
            return Some(Class::UnmergedBackupCheckpoint);
        }
        None
    }

    /// H-D4: the VM runs on a checkpoint disk although no checkpoint is listed.
    fn is_unmerged_leaf(&self, node: NodeId, vms: &[usize]) -> bool {
        vms.iter().any(|&vm| {
            let vm = &self.owners.vms[vm];
            let full = own::best_listing(self.world, vm) >= crate::inventory::Listing::LeafDisks;
            let no_list = vm.rows.iter().all(|&(inventory, row)| {
                let row = &self.world.inventories[inventory].vms[row];
                row.checkpoints.is_empty() && !row.has_snapshots
            });
            let checkpoint_configs = vm
                .files
                .keys()
                .any(|&file| own::vm_evidence(self.world.files, file).is_some_and(|vm| vm.checkpoint_of.is_some()));
            let set = self
                .references
                .into(node)
                .any(|edge| self.file(edge.from).kind() == Kind::Vhds);
            full && no_list && !checkpoint_configs && !set && !vm.rows.is_empty()
        })
    }

    /// V42: a descriptor names an extent that is not there.
    fn is_dangling(&self, node: NodeId) -> bool {
        let Some(evidence) = self.file(node).evidence() else {
            return false;
        };
        self.file(node).kind() == Kind::VmdkDescriptor
            && evidence
                .references
                .iter()
                .zip(&self.references.targets[node])
                .any(|(reference, target)| reference.role == Role::Extent && matches!(target, Target::Missing { .. }))
    }

    // --- service ----------------------------------------------------------------------------------------------------

    fn of_service_object(&self, node: NodeId, objects: &[usize]) -> Judgement {
        let mut judgement = Judgement::new(Verdict::Service, None, Vec::new());
        for &index in objects {
            let object = &self.owners.objects[index];
            let inventory = &self.world.inventories[object.row.0];
            let listed = &inventory.objects[object.row.1];
            judgement.class = judgement.class.or_else(|| class_by_name(&listed.class));
            judgement.owners.insert(Owner {
                kind: OwnerKind::Service,
                id: listed.id.clone(),
                name: listed.name.clone(),
            });
            let source = format!("{}, {}", inventory.source, listed.row);
            let text = format!("{} {} is registered as {}", listed.class, listed.name, listed.id);
            judgement
                .reasons
                .push(statement(ReasonCode::ServiceObject, text, Some(source), Weight::For));
            if let Some(Via::Edge(place)) = object.files.get(&node) {
                judgement.reasons.push(self.edge_reason(&self.references.edges[*place]));
            }
        }
        judgement.class = judgement.class.or(Some(Class::CustomRule));
        judgement
    }

    fn by_rule(&self, node: NodeId, rule: &Rule) -> Judgement {
        let mut reason = statement(
            ReasonCode::OwnerRule,
            rule.reason.clone(),
            Some(format!("rule {}", rule.id)),
            Weight::For,
        );
        if rule.verdict == Verdict::Service {
            reason.settles = Some("an export of that service, or the rule switched off with --rules".to_owned());
        }
        let mut judgement = Judgement::new(rule.verdict, Some(rule.class), vec![reason]);
        let kind = if rule.verdict == Verdict::System {
            OwnerKind::System
        } else {
            OwnerKind::Service
        };
        let name = match self
            .file(node)
            .evidence()
            .and_then(|evidence| evidence.disk.as_ref())
            .and_then(|disk| disk.fcd_id.clone())
        {
            Some(fcd) => format!("First Class Disk {fcd}"),
            None => rule.class.name().to_owned(),
        };
        judgement.owners.insert(Owner {
            kind,
            id: rule.id.clone(),
            name,
        });
        judgement
    }

    /// V16, V22: the catalogue of the service was given and does not name the file.
    fn is_leaked(&self, node: NodeId, class: Class) -> bool {
        match class {
            Class::Fcd => self.fcd_listed(node) && self.file(node).kind() != Kind::DatastoreSystem,
            Class::ContentLibrary => {
                let cover = &self.coverage.roots[self.root(node)];
                !cover.inventories.is_empty()
                    && cover.inventories.iter().all(|&inventory| {
                        let inventory = &self.world.inventories[inventory];
                        inventory.has_library_list
                            && inventory
                                .objects
                                .iter()
                                .any(|object| object.class == Class::ContentLibrary.name() && object.path.is_some())
                    })
            }
            _ => false,
        }
    }

    /// Every covering inventory lists the First Class Disks of this datastore.
    fn fcd_listed(&self, node: NodeId) -> bool {
        let root = self.root(node);
        let name = fold(&self.identities.roots[root].name);
        let labels: BTreeSet<String> = self.identities.roots[root]
            .entities
            .iter()
            .flat_map(|&entity| {
                self.identities.entities[entity]
                    .names
                    .iter()
                    .map(|(_, mount)| fold(&mount.to_string()))
            })
            .chain([name])
            .collect();
        let cover = &self.coverage.roots[root];
        !cover.inventories.is_empty()
            && cover.inventories.iter().all(|&inventory| {
                self.world.inventories[inventory]
                    .fcd_scope
                    .iter()
                    .any(|scope| scope == "*" || labels.contains(&fold(scope)))
            })
    }

    // --- unregistered -----------------------------------------------------------------------------------------------

    /// A configuration that no inventory registers: the verdict of its whole VM.
    fn unregistered(&self, vm: &OwnerVm, config: NodeId) -> Judgement {
        let files: Vec<NodeId> = vm
            .files
            .keys()
            .copied()
            .filter(|&node| self.by_owner(node).is_none())
            .collect();
        let owner = Owner {
            kind: OwnerKind::Vm,
            id: vm.id.clone(),
            name: vm.name.clone(),
        };
        let mut judgement = self.unregistered_alone(vm, config, &files);
        judgement.owners.insert(owner);
        if let Some(replica) = self.rules[config] {
            return self.by_rule(config, replica);
        }
        judgement
    }

    fn unregistered_alone(&self, vm: &OwnerVm, config: NodeId, files: &[NodeId]) -> Judgement {
        let signs = signs::of_unit(self.world.files, self.locks, files);
        let signs: Vec<_> = signs
            .into_iter()
            .filter(|sign| sign.class != Class::ProtectedByDescriptor)
            .collect();
        if let Some(first) = signs.first() {
            return Judgement::new(
                Verdict::InUse,
                Some(first.class),
                signs.iter().map(|sign| sign.reason.clone()).collect(),
            );
        }
        if let Some(&list) = self.coverage.ha_named.get(&config) {
            let reason = statement(
                ReasonCode::HaProtected,
                "a list of vSphere HA names its configuration: a vCenter protects it".to_owned(),
                Some(source_of(self.world.files, list, None)),
                Weight::For,
            );
            return Judgement::new(Verdict::InUse, Some(Class::HaProtected), vec![reason]);
        }
        let newest = self.coverage.roots[self.root(config)].newest;
        if let Freshness::WrittenSince(time) = signs::freshness(self.world.files, files, newest) {
            let text = format!(
                "{} existed before the inventory and was last written {} after it was taken",
                vm.name,
                shown(time)
            );
            return Judgement::new(
                Verdict::InUse,
                Some(Class::WrittenSinceInventory),
                vec![statement(ReasonCode::WrittenSinceInventory, text, None, Weight::For)],
            );
        }
        if let Some(opaque) = own::vm_evidence(self.world.files, config)
            .map_or(Some("damaged".to_owned()), |evidence| evidence.opaque.clone())
        {
            let mut reason = statement(
                ReasonCode::OwnerUnreadable,
                format!("no inventory registers it and it cannot be read: {opaque}"),
                None,
                Weight::For,
            );
            reason.settles =
                Some("a readable copy of the configuration, or the inventory that registers it".to_owned());
            return Judgement::unknown(Class::OwnerUnreadable, reason);
        }
        if let Some(capped) = self.capped(config) {
            return capped;
        }
        if let Freshness::TooNew(time) = signs::freshness(self.world.files, files, newest) {
            return Self::too_new(time, newest);
        }
        let (class, mut reasons) = self.unregistered_class(vm, config);
        reasons.push(self.consulted(self.root(config)));
        reasons.extend(self.age_reason(files));
        let mut judgement = Judgement::new(Verdict::Unregistered, Some(class), reasons);
        judgement.reclaim = Reclaim::Review;
        judgement.confidence = Some(self.confidence(config, &mut judgement.reasons));
        judgement
    }

    fn unregistered_class(&self, vm: &OwnerVm, config: NodeId) -> (Class, Vec<Reason>) {
        let path = fold(&self.path(config));
        let mut reason = statement(
            ReasonCode::NotRegistered,
            format!("no inventory registers {}", vm.name),
            None,
            Weight::For,
        );
        reason.settles = Some("an inventory that registers this configuration".to_owned());
        if let Some(copy_of) = vm.copy_of.map(|index| &self.owners.vms[index]) {
            let text = format!(
                "a VM with the same id is registered as {} at another place: this is a copy or an export",
                copy_of.name
            );
            let source = copy_of.config.map(|node| source_of(self.world.files, node, None));
            return (
                Class::ExportCopy,
                vec![
                    reason,
                    statement(ReasonCode::SameIdRegistered, text, source, Weight::For),
                ],
            );
        }
        let is_backup_copy = self.file(config).name().ends_with('~') || self.file(config).name().contains(".bak");
        let class = if path.contains("planned virtual machines") {
            Class::StalePlanned
        } else if is_backup_copy {
            Class::TornVm
        } else if path.contains("hyper-v replica") {
            Class::ReplicaLeftover
        } else if vm.platform == Platform::Hyperv {
            Class::LostRegistration
        } else {
            Class::CompleteVm
        };
        (class, vec![reason])
    }

    // --- nobody -----------------------------------------------------------------------------------------------------

    /// Decides the rest: each file after all that name it.
    fn propagate(&self, judged: &mut [Option<Judgement>]) {
        let open: Vec<bool> = (0..judged.len())
            .map(|node| self.reported[node] && judged[node].is_none() && self.file(node).kind() != Kind::VmLock)
            .collect();
        let mut waiting: Vec<usize> = (0..judged.len())
            .map(|node| {
                if open[node] {
                    self.namers(node).filter(|edge| open[edge.from]).count()
                } else {
                    0
                }
            })
            .collect();
        let mut ready: VecDeque<NodeId> = (0..judged.len())
            .filter(|&node| open[node] && waiting[node] == 0)
            .collect();
        while let Some(node) = ready.pop_front() {
            judged[node] = Some(self.decide(node, judged));
            for edge in self
                .references
                .of(node)
                .filter(|edge| open[edge.to] && own::is_owning(self.world.files, edge))
            {
                waiting[edge.to] -= 1;
                if waiting[edge.to] == 0 && judged[edge.to].is_none() {
                    ready.push_back(edge.to);
                }
            }
        }
        for node in (0..judged.len()).filter(|&node| open[node]) {
            if judged[node].is_none() {
                let text = "the disks name each other in a circle, or it hangs on such a circle: no owner can be told"
                    .to_owned();
                judged[node] = Some(Judgement::unknown(
                    Class::Damaged,
                    statement(ReasonCode::ChainCycle, text, None, Weight::For),
                ));
            }
        }
    }

    fn namers(&self, node: NodeId) -> impl Iterator<Item = &Edge> {
        self.references
            .into(node)
            .filter(move |edge| edge.from != node && self.reported[edge.from] && own::is_owning(self.world.files, edge))
    }

    /// The best protected of what a file is alone and of what those that name it are.
    fn decide(&self, node: NodeId, judged: &[Option<Judgement>]) -> Judgement {
        let mut best = self.alone(node);
        if is_media(self.file(node).kind()) {
            return best;
        }
        for edge in self.namers(node) {
            let Some(namer) = &judged[edge.from] else { continue };
            let transferred = self.transfer(edge, namer, node);
            let better = transferred.verdict < best.verdict;
            let same = transferred.verdict == best.verdict && edge.role != Role::Parent;
            if better || same {
                let mut owners = std::mem::take(&mut best.owners);
                owners.extend(transferred.owners.iter().cloned());
                best = Judgement { owners, ..transferred };
            } else if transferred.verdict == best.verdict {
                best.owners.extend(transferred.owners);
            }
        }
        if best.verdict == Verdict::Orphaned {
            self.protect_chains(node, &mut best);
        }
        best
    }

    /// The verdict of a file as seen from one that names it.
    fn transfer(&self, edge: &Edge, namer: &Judgement, node: NodeId) -> Judgement {
        let from = self.path(edge.from);
        let mut reason = statement(
            ReasonCode::FollowsArtifact,
            String::new(),
            Some(from.clone()),
            Weight::For,
        );
        if edge.role == Role::Parent && matches!(namer.verdict, Verdict::InUse | Verdict::Unknown) {
            let settled = if namer.verdict == Verdict::InUse {
                "is in use"
            } else {
                "cannot be judged"
            };
            reason.code = ReasonCode::HasChildren;
            reason.text = format!("{from} depends on it and {settled}");
            reason.settles = Some("a verdict on its children".to_owned());
            return Judgement {
                owners: namer.owners.clone(),
                ..Judgement::new(Verdict::InUse, Some(Class::HasChildren), vec![reason])
            };
        }
        reason.text = match edge.basis {
            Match::Companion => format!("it belongs to {from} by its name and shares its verdict"),
            _ => format!("{from} names it ({}) and is {}", edge.key, shown_verdict(namer)),
        };
        let mut judgement = Judgement {
            reasons: vec![reason],
            ..namer.clone()
        };
        judgement.reasons.extend(
            namer
                .reasons
                .iter()
                .filter(|reason| reason.code != ReasonCode::FollowsArtifact)
                .cloned(),
        );
        if self.file(node).kind() == Kind::VmdkRdm && judgement.verdict == Verdict::Orphaned {
            judgement.class = Some(Class::RdmPointer);
        }
        judgement
    }

    /// H-D8: a link of a chain is never a candidate; a delta newer than its parent may be the only copy.
    fn protect_chains(&self, node: NodeId, judgement: &mut Judgement) {
        let unit = signs::unit(self.references, node);
        for parent in self.references.of(node).filter(|edge| edge.role == Role::Parent) {
            let base = signs::unit(self.references, parent.to);
            if signs::last_written(self.world.files, &unit) > signs::last_written(self.world.files, &base) {
                judgement.risk = Some(Risk::DataLoss);
                let text = format!(
                    "it was written after its parent {}: it may hold the only copy of the newest data",
                    self.path(parent.to)
                );
                judgement.reasons.push(statement(
                    ReasonCode::NewerThanParent,
                    text,
                    Some(self.path(parent.to)),
                    Weight::Against,
                ));
            }
        }
        let has_children = self.references.into(node).any(|edge| edge.role == Role::Parent);
        if judgement.reclaim == Reclaim::Candidate && (has_children || judgement.risk.is_some()) {
            judgement.reclaim = Reclaim::Review;
        }
    }

    /// What a file is when nothing that names it counts.
    fn alone(&self, node: NodeId) -> Judgement {
        let file = self.file(node);
        let name = file.name();
        if is_media(file.kind()) {
            let mut reason = statement(
                ReasonCode::MediaFile,
                "no VM uses this image; images are kept on purpose as often as not".to_owned(),
                None,
                Weight::For,
            );
            reason.settles = Some("the owner of the image collection".to_owned());
            return Judgement::unknown(Class::Media, reason);
        }
        if name.starts_with(".nfs") && name.len() > 8 && name[4..].chars().all(|c| c.is_ascii_hexdigit()) {
            let reason = statement(
                ReasonCode::OpenLog,
                "deleted, but a client of the NFS server still has it open; restart that client".to_owned(),
                None,
                Weight::For,
            );
            return Judgement::new(Verdict::InUse, Some(Class::OpenDeleted), vec![reason]);
        }
        if let Some(reason) = self.suspicious(node) {
            return Judgement::unknown(Class::SuspiciousRename, reason);
        }
        let situation = self.situation(node);
        self.nobody(node, situation)
    }

    /// V61: a foreign extension behind a known one, on this file or on one of its stem in this folder.
    fn suspicious(&self, node: NodeId) -> Option<Reason> {
        let name = self.file(node).name();
        let stem = known_stem(&name)?.0.to_owned();
        let folder = self.world.files.in_folder(self.root(node), self.file(node).folder());
        let renamed = folder.iter().map(|&other| self.file(other).name()).find(|other| {
            known_stem(other).is_some_and(|(other_stem, suffix)| {
                !suffix.is_empty()
                    && (stem == other_stem || stem.strip_prefix(other_stem).is_some_and(|rest| rest.starts_with('-')))
            })
        })?;
        let mut reason = statement(
            ReasonCode::SuspiciousName,
            format!(
                "{renamed} has a foreign extension behind a known one, as ransomware leaves it; files of this stem may be the only copy"
            ),
            None,
            Weight::For,
        );
        reason.settles = Some("somebody who knows why the file was renamed".to_owned());
        Some(reason)
    }

    fn situation(&self, node: NodeId) -> Situation {
        let file = self.file(node);
        let disk = file.evidence().and_then(|evidence| evidence.disk.as_ref());
        let referenced_by = |role: Role| self.references.into(node).any(|edge| edge.role == role);
        if in_recycle_bin(&self.path(node)) {
            return Situation::new(Class::RecycleBin, Grade::Low)
                .because(ReasonCode::InRecycleBin, "it lies in a recycle bin");
        }
        if let Some(rule) = self.rules[node].filter(|rule| self.is_leaked(node, rule.class)) {
            let class = if rule.class == Class::Fcd {
                Class::LeakedVolume
            } else {
                Class::LibraryLeftover
            };
            return Situation::new(class, Grade::Review).because(
                ReasonCode::NotRegistered,
                "it lies in the service's folder, and the service's own list does not name it",
            );
        }
        if disk.is_some_and(|disk| disk.fcd_id.is_some()) {
            return Situation::new(Class::LeakedVolume, Grade::Review).because(
                ReasonCode::NotRegistered,
                "it carries the id of a First Class Disk that the catalogue does not list",
            );
        }
        match file.kind() {
            Kind::VmdkRdm => Situation::new(Class::RdmPointer, Grade::Review).because(ReasonCode::RawDeviceMap, "a raw device map: the data are on a LUN, next to nothing is reclaimed here"),
            kind if kind.is_extent() && kind != Kind::VmdkSparse && !referenced_by(Role::Extent) => Situation::new(Class::HeadlessExtent, Grade::Headless)
                .because(ReasonCode::TargetGone, "no descriptor names it; a running VM goes on without its descriptor: recreate the descriptor, do not delete the data"),
            Kind::VmdkCtk | Kind::Rct | Kind::Mrt => self.sidecar(node),
            Kind::VmdkDigest | Kind::Vmxf | Kind::Vmsd => Situation::new(Class::LeftoverSidecar, Grade::Candidate),
            Kind::Psf | Kind::Hrl | Kind::Hru | Kind::Referenced => Situation::new(Class::LeftoverSidecar, Grade::Review),
            Kind::Vswp => Situation::new(Class::LeftoverState, Grade::Candidate),
            Kind::Vmgs => self.guest_state(node),
            Kind::Nvram | Kind::Vmsn | Kind::Vmss | Kind::Vmem | Kind::Vmrs | Kind::Bin | Kind::Vsv | Kind::Slp => Situation::new(Class::LeftoverState, Grade::Review),
            Kind::VmLog => Situation::new(Class::Diagnostic, Grade::Candidate),
            Kind::Vmx | Kind::Vmtx => Situation::new(Class::TornVm, Grade::Review),
            Kind::Vmcx | Kind::HypervXml => Situation::new(Class::LeftoverState, Grade::Review).because(ReasonCode::TargetGone, "the configuration of a checkpoint whose VM is not there"),
            Kind::Vhds => Situation::new(Class::DeletedVmDisk, Grade::Review),
            _ => self.disk_situation(node),
        }
    }

    /// A change tracking file: without its disk it needs no inventory to be judged.
    fn sidecar(&self, node: NodeId) -> Situation {
        let name = self.file(node).name();
        let disk = match self.file(node).kind() {
            Kind::VmdkCtk => name.replace("-ctk.vmdk", ".vmdk"),
            _ => name.rsplit_once('.').map_or(name.clone(), |(disk, _)| disk.to_owned()),
        };
        let near = self.world.files.in_folder(self.root(node), self.file(node).folder());
        let there = near
            .iter()
            .find(|&&other| other != node && self.file(other).name() == disk);
        let situation = Situation::new(Class::LeftoverSidecar, Grade::Candidate);
        match there {
            None => situation
                .because(ReasonCode::TargetGone, "the disk whose changes it tracks is gone")
                .without_inventory(),
            Some(_) => situation.because(ReasonCode::NoReference, "its disk is there and does not name it"),
        }
    }

    /// H-E4: the state of a VM with a vTPM is the key to its disks.
    fn guest_state(&self, node: NodeId) -> Situation {
        let mut situation = Situation::new(Class::LeftoverState, Grade::Never);
        let text = if self.file(node).has_mark(MarkCode::VirtualTpm) {
            "it holds a virtual TPM: without it an encrypted disk cannot be opened"
        } else {
            "it holds the firmware state of a VM and perhaps the key to its disks"
        };
        situation.reasons.push(statement(
            ReasonCode::VirtualTpm,
            text.to_owned(),
            None,
            Weight::Against,
        ));
        situation.risk = Some(Risk::DataLoss);
        situation
    }

    fn disk_situation(&self, node: NodeId) -> Situation {
        let file = self.file(node);
        let disk = file.evidence().and_then(|evidence| evidence.disk.as_ref());
        let name = file.name();
        if file.has_mark(MarkCode::RawDevice) {
            return Situation::new(Class::RdmPointer, Grade::Review).because(
                ReasonCode::RawDeviceMap,
                "a raw device map: the data are on a LUN, next to nothing is reclaimed here",
            );
        }
        if self.is_dangling(node) {
            return Situation::new(Class::DanglingDescriptor, Grade::Candidate)
                .because(ReasonCode::TargetGone, "an extent that the descriptor names is gone");
        }
        if let Some(twin) = self.used_twin(node) {
            let text = format!(
                "{} is the same disk and in use: this is the copy that a migration left",
                self.path(twin)
            );
            let mut situation = Situation::new(Class::MigrationLeftover, Grade::Candidate);
            situation.reasons.push(statement(
                ReasonCode::TwinInUse,
                text,
                Some(self.path(twin)),
                Weight::For,
            ));
            return situation;
        }
        if name.ends_with("-autorecovery.avhdx") || name.ends_with("-autorecovery.avhd") {
            return Situation::new(Class::UnmergedBackupCheckpoint, Grade::Review).because(
                ReasonCode::DifferencingDisk,
                "a recovery disk of a backup that should have vanished after it",
            );
        }
        if disk.is_some_and(|disk| disk.has_parent) || matches!(file.kind(), Kind::Avhd | Kind::Avhdx) {
            return Situation::new(Class::StrandedSnapshot, Grade::Review).because(
                ReasonCode::DifferencingDisk,
                "a link of a chain that no VM's chain and no other disk reaches",
            );
        }
        Situation::new(Class::DeletedVmDisk, Grade::Candidate)
    }

    /// H-D15: the same disk at another place, which a VM uses.
    fn used_twin(&self, node: NodeId) -> Option<NodeId> {
        let disk = self.file(node).evidence()?.disk.as_ref()?;
        let link = disk.link?;
        let first = &self.world.files.first_name;
        self.world
            .resolver
            .with_link(link)
            .iter()
            .copied()
            .filter(|&other| first[other] != first[node])
            .find(|&other| {
                let twin = self.file(other).evidence().and_then(|evidence| evidence.disk.as_ref());
                let same = twin.is_some_and(|twin| match link {
                    crate::evidence::LinkId::Guid(_) => twin.has_parent == disk.has_parent,
                    crate::evidence::LinkId::Cid(cid) => {
                        !matches!(cid, 0 | 0xffff_fffe | 0xffff_ffff)
                            && (twin.content_id.is_some() && twin.content_id == disk.content_id
                                || twin.disk_id.is_some() && twin.disk_id == disk.disk_id)
                            && twin.virtual_bytes == disk.virtual_bytes
                    }
                });
                same && self
                    .owners
                    .vms_of
                    .get(&other)
                    .is_some_and(|vms| vms.iter().any(|&vm| self.owners.vms[vm].is_registered()))
            })
    }

    /// The only place that says `orphaned`: everything that could refute it is asked before, best protected first.
    fn nobody(&self, node: NodeId, situation: Situation) -> Judgement {
        let unit = signs::unit(self.references, node);
        let signs = signs::of_unit(self.world.files, self.locks, &unit);
        if let Some(first) = signs.first() {
            let mut judgement = Judgement::new(
                Verdict::InUse,
                Some(first.class),
                signs.iter().map(|sign| sign.reason.clone()).collect(),
            );
            if first.class == Class::ProtectedByDescriptor
                && !self.references.into(node).any(|edge| edge.role == Role::Parent)
            {
                judgement.reasons.push(statement(
                    ReasonCode::NoReference,
                    "no child of it was found on the scanned roots".to_owned(),
                    None,
                    Weight::Against,
                ));
            }
            return judgement;
        }
        let newest = self.coverage.roots[self.root(node)].newest;
        let fresh = signs::freshness(
            self.world.files,
            &unit,
            newest.or_else(|| (!situation.needs_inventory).then_some(self.options.as_of)),
        );
        if let Freshness::WrittenSince(time) = fresh
            && situation.needs_inventory
        {
            let text = format!(
                "it existed before the inventory and was written {} after it was taken",
                shown(time)
            );
            return Judgement::new(
                Verdict::InUse,
                Some(Class::WrittenSinceInventory),
                vec![statement(ReasonCode::WrittenSinceInventory, text, None, Weight::For)],
            );
        }
        if let Some(unreadable) = self.unreadable(node) {
            return unreadable;
        }
        if let Some(transport) = self.transport_or_foreign(node) {
            return transport;
        }
        if situation.needs_inventory
            && let Some(capped) = self.capped(node)
        {
            return capped;
        }
        if let Freshness::TooNew(time) | Freshness::WrittenSince(time) = fresh {
            return Self::too_new(time, newest.or(Some(self.options.as_of)));
        }
        if let Some(pending) = self.merge_pending(node) {
            return pending;
        }
        self.orphaned(node, &unit, situation)
    }

    fn orphaned(&self, node: NodeId, unit: &[NodeId], situation: Situation) -> Judgement {
        let mut reasons = situation.reasons;
        let mut nobody = statement(
            ReasonCode::NoReference,
            "no registered VM, no VM configuration on the scanned roots and no service names it".to_owned(),
            None,
            Weight::For,
        );
        nobody.settles = Some("a configuration or an inventory that names it".to_owned());
        reasons.push(nobody);
        if situation.needs_inventory {
            reasons.push(self.consulted(self.root(node)));
        }
        reasons.extend(self.age_reason(unit));
        reasons.extend(self.hint(node));
        let mut judgement = Judgement::new(Verdict::Orphaned, Some(situation.class), reasons);
        judgement.risk = situation.risk;
        let mut confidence = if situation.needs_inventory {
            self.confidence(node, &mut judgement.reasons)
        } else {
            Confidence::High
        };
        if matches!(situation.grade, Grade::Low | Grade::Headless) {
            confidence = Confidence::Low;
        }
        judgement.confidence = Some(confidence);
        judgement.reclaim = match situation.grade {
            Grade::Candidate => Reclaim::Candidate,
            Grade::Review | Grade::Low => Reclaim::Review,
            Grade::Headless | Grade::Never => Reclaim::Never,
        };
        judgement
    }

    /// H-D20, H-F7: what cannot be read is not judged by guess.
    fn unreadable(&self, node: NodeId) -> Option<Judgement> {
        let file = self.file(node);
        let marks = file.evidence().map_or(&[][..], |evidence| evidence.marks.as_slice());
        let is_extent = file.kind().is_extent() && self.references.into(node).any(|edge| edge.role == Role::Extent);
        let mark = marks.iter().find(|mark| {
            mark.code == MarkCode::Unreadable
                || mark.code == MarkCode::Damaged
                || (mark.code == MarkCode::Empty && (file.kind().is_disk() || file.kind().is_config()) && !is_extent)
        })?;
        let (class, code) = if mark.code == MarkCode::Unreadable {
            (Class::Unreadable, ReasonCode::Unreadable)
        } else {
            (Class::Damaged, ReasonCode::Damaged)
        };
        let mut reason = statement(
            code,
            mark.text.clone(),
            Some(source_of(self.world.files, node, mark.offset)),
            Weight::For,
        );
        reason.settles = Some("a readable copy of the file, or the inventory that lists it".to_owned());
        Some(Judgement::unknown(class, reason))
    }

    /// V57, H-C17.
    fn transport_or_foreign(&self, node: NodeId) -> Option<Judgement> {
        let disk = self.file(node).evidence()?.disk.as_ref()?;
        let form = disk.create_type.as_deref().map(fold);
        let is_transport = matches!(
            form.as_deref(),
            Some(
                "streamoptimized"
                    | "monolithicsparse"
                    | "twogbmaxextentsparse"
                    | "2gbmaxextentsparse"
                    | "twogbmaxextentflat"
                    | "2gbmaxextentflat"
            )
        );
        if is_transport && !disk.has_parent {
            let text = format!(
                "its form is {}: made for transport or by a hosted product, perhaps to be imported",
                disk.create_type.as_deref().unwrap_or_default()
            );
            let mut judgement = Judgement::unknown(
                Class::TransportImage,
                statement(ReasonCode::TransportForm, text, None, Weight::For),
            );
            judgement.reclaim = Reclaim::Review;
            return Some(judgement);
        }
        let creator = disk
            .creator
            .as_deref()
            .map(|creator| fold(creator.trim_matches(['\0', ' '])))?;
        matches!(creator.as_str(), "tap" | "vbox").then(|| {
            let text = format!("its footer says that {creator} made it: a disk of another hypervisor");
            Judgement::unknown(
                Class::Foreign,
                statement(ReasonCode::ForeignCreator, text, None, Weight::For),
            )
        })
    }

    /// H-D7: a merge that runs or waits looks like a stranded checkpoint.
    fn merge_pending(&self, node: NodeId) -> Option<Judgement> {
        if !matches!(self.file(node).kind(), Kind::Avhd | Kind::Avhdx) {
            return None;
        }
        let parents: Vec<NodeId> = self
            .references
            .of(node)
            .filter(|edge| edge.role == Role::Parent)
            .map(|edge| edge.to)
            .collect();
        let vm = parents
            .iter()
            .flat_map(|parent| self.owners.vms_of.get(parent).into_iter().flatten())
            .map(|&vm| &self.owners.vms[vm])
            .find(|vm| {
                vm.config
                    .is_some_and(|config| self.file(config).has_mark(MarkCode::MergePending))
            });
        let taken = self.coverage.roots[self.root(node)].newest?;
        let recent = self
            .file(node)
            .entry
            .modified
            .is_some_and(|time| time > taken - MERGE_AGE)
            && !parents.is_empty();
        let text = match vm {
            Some(vm) => format!("the configuration of {} says that a merge is pending", vm.name),
            None if recent => "it was written within a day before the inventory and its parent is there: a merge may have been running".to_owned(),
            None => return None,
        };
        let mut reason = statement(ReasonCode::MergePending, text, None, Weight::For);
        reason.settles = Some("a second scan some days later".to_owned());
        Some(Judgement::unknown(Class::MergePending, reason))
    }

    /// Gaps and missing cover that keep anything from being nobody's.
    fn capped(&self, node: NodeId) -> Option<Judgement> {
        let root = self.root(node);
        let identity = &self.identities.roots[root];
        if !identity.rivals.is_empty() {
            let text = format!("the root could be {}: give it an alias", identity.rivals.join(" or "));
            return Some(Judgement::unknown(
                Class::AmbiguousDatastore,
                settled(ReasonCode::AmbiguousDatastore, text, "an alias for the root"),
            ));
        }
        if self.coverage.roots[root].cover == Cover::None {
            let text = if self.world.inventories.is_empty() {
                "no inventory was given".to_owned()
            } else {
                format!("no inventory covers {}", identity.name)
            };
            return Some(Judgement::unknown(
                Class::NoCoverage,
                settled(
                    ReasonCode::NoInventory,
                    text,
                    "the inventories of all hosts that use this datastore",
                ),
            ));
        }
        let gaps = self.coverage.caps(self.world.files, node);
        let first = gaps.first()?;
        let class = match first.code {
            ReasonCode::OwnerUnreadable => Class::OwnerUnreadable,
            ReasonCode::OutsideScan => Class::OutsideScan,
            _ => Class::NoCoverage,
        };
        let mut judgement = Judgement::new(Verdict::Unknown, Some(class), Vec::new());
        for gap in gaps {
            judgement
                .reasons
                .push(settled(gap.code, gap.text.clone(), "see the reason"));
            judgement
                .gaps
                .extend(self.coverage.gaps.iter().position(|known| known == gap));
        }
        Some(judgement)
    }

    fn too_new(time: jiff::Timestamp, taken: Option<jiff::Timestamp>) -> Judgement {
        let taken = taken.map_or_else(String::new, |taken| format!(" (taken {})", shown(taken)));
        let text = format!(
            "last written {}, which is newer than the newest inventory that would list it{taken}, or within an hour of it",
            shown(time)
        );
        Judgement::unknown(Class::TooNew, settled(ReasonCode::TooNew, text, "a newer inventory"))
    }

    fn consulted(&self, root: usize) -> Reason {
        let shown_inventory = |&index: &usize| {
            let inventory: &Inventory = &self.world.inventories[index];
            let taken = inventory.collected.map_or_else(|| "time unknown".to_owned(), shown);
            format!("{} ({} VMs, {taken})", inventory.source, inventory.vms.len())
        };
        let names: Vec<String> = self.coverage.roots[root]
            .inventories
            .iter()
            .map(shown_inventory)
            .collect();
        statement(
            ReasonCode::InventoriesConsulted,
            format!("consulted: {}", names.join("; ")),
            None,
            Weight::For,
        )
    }

    fn age_reason(&self, unit: &[NodeId]) -> Option<Reason> {
        let time = signs::last_written(self.world.files, unit)?;
        let days = self.options.as_of.duration_since(time).as_hours() / 24;
        Some(statement(
            ReasonCode::LastWritten,
            format!("last written {} ({days} days before this report)", shown(time)),
            None,
            Weight::For,
        ))
    }

    /// Whose it was, as far as its folder tells: a hint, never more.
    fn hint(&self, node: NodeId) -> Option<Reason> {
        let folder = self.file(node).entry.path.folder();
        let name = String::from_utf8_lossy(folder.name()).into_owned();
        (!name.is_empty()).then(|| {
            statement(
                ReasonCode::LastOwnerHint,
                format!("it lies in the folder {name:?}: a hint at its last owner, no proof"),
                None,
                Weight::For,
            )
        })
    }

    /// `high` means that every check which could have refuted the verdict was possible and was made.
    fn confidence(&self, node: NodeId, reasons: &mut Vec<Reason>) -> Confidence {
        let root = self.root(node);
        let mut confidence = Confidence::High;
        for gap in self.coverage.lowering(root) {
            confidence = Confidence::Medium;
            reasons.push(settled(ReasonCode::NotChecked, gap.text.clone(), "see the reason"));
        }
        if self.identities.roots[root].identity == Identity::Inferred {
            confidence = Confidence::Medium;
            let text = format!(
                "the datastore of this root was inferred ({})",
                self.identities.roots[root].basis
            );
            reasons.push(settled(ReasonCode::NotChecked, text, "an alias for the root"));
        }
        if self.options.assume_complete {
            reasons.push(statement(
                ReasonCode::AssumedComplete,
                "the user declared that the given inventories are all there are".to_owned(),
                None,
                Weight::For,
            ));
        }
        confidence
    }

    // --- locks and hard links ---------------------------------------------------------------------------------------

    /// V79: a lock goes with its target; one without a target is stale.
    fn locks_follow(&self, judged: &mut [Option<Judgement>]) {
        for node in 0..judged.len() {
            if !self.reported[node] || judged[node].is_some() {
                continue;
            }
            judged[node] = Some(match self.locks.target.get(&node) {
                Some(&target) => {
                    let text = format!("it locks {}", self.path(target));
                    let reason = statement(ReasonCode::FollowsArtifact, text, Some(self.path(target)), Weight::For);
                    match &judged[target] {
                        Some(followed) => Judgement {
                            reasons: vec![reason],
                            ..followed.clone()
                        },
                        None => Judgement::unknown(Class::NoCoverage, reason),
                    }
                }
                None => self.nobody(
                    node,
                    Situation::new(Class::StaleLock, Grade::Candidate)
                        .because(ReasonCode::TargetGone, "the file that it locks is not there")
                        .without_inventory(),
                ),
            });
        }
    }

    /// Names of one file have one verdict: the best protected (V65).
    fn hard_links_follow(&self, judged: &mut [Option<Judgement>]) {
        let mut best: std::collections::BTreeMap<NodeId, NodeId> = std::collections::BTreeMap::new();
        for node in 0..judged.len() {
            let Some(verdict) = judged[node].as_ref().map(|judgement| judgement.verdict) else {
                continue;
            };
            let first = self.world.files.first_name[node];
            let held = best.entry(first).or_insert(node);
            if judged[*held]
                .as_ref()
                .is_some_and(|judgement| verdict < judgement.verdict)
            {
                *held = node;
            }
        }
        for node in 0..judged.len() {
            let Some(&other) = best
                .get(&self.world.files.first_name[node])
                .filter(|&&other| other != node)
            else {
                continue;
            };
            let (Some(own), Some(followed)) = (&judged[node], &judged[other]) else {
                continue;
            };
            if followed.verdict < own.verdict {
                let text = format!("it is the same file as {}", self.path(other));
                let mut judgement = followed.clone();
                judgement.reasons.insert(
                    0,
                    statement(ReasonCode::FollowsArtifact, text, Some(self.path(other)), Weight::For),
                );
                judged[node] = Some(judgement);
            }
        }
    }
}

/// NB and the design use a day for merges that run after a deletion.
const MERGE_AGE: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);
const _: () = assert!(MERGE_AGE.as_hours() > MARGIN.as_hours());

/// How a situation grades what may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grade {
    Candidate,
    Review,
    /// Review, with low confidence.
    Low,
    /// Never, with low confidence.
    Headless,
    Never,
}

/// Which situation a file is in when nobody owns it.
#[derive(Debug)]
struct Situation {
    class: Class,
    grade: Grade,
    risk: Option<Risk>,
    needs_inventory: bool,
    reasons: Vec<Reason>,
}

impl Situation {
    fn new(class: Class, grade: Grade) -> Self {
        Self {
            class,
            grade,
            risk: None,
            needs_inventory: true,
            reasons: Vec::new(),
        }
    }

    fn because(mut self, code: ReasonCode, text: &str) -> Self {
        self.reasons.push(statement(code, text.to_owned(), None, Weight::For));
        self
    }

    fn without_inventory(mut self) -> Self {
        self.needs_inventory = false;
        self
    }
}

fn settled(code: ReasonCode, text: String, settles: &str) -> Reason {
    Reason {
        code,
        text,
        source: None,
        weight: Weight::For,
        settles: Some(settles.to_owned()),
    }
}

fn is_media(kind: Kind) -> bool {
    matches!(kind, Kind::Iso | Kind::Floppy | Kind::Ovf | Kind::Ova)
}

fn shown(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn shown_verdict(judgement: &Judgement) -> String {
    match judgement.class {
        Some(class) => format!("{}/{}", judgement.verdict.name(), class.name()),
        None => judgement.verdict.name().to_owned(),
    }
}

fn class_by_name(name: &str) -> Option<Class> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

/// A recycle bin of Windows, a NAS or a desktop, as a whole part of the path.
fn in_recycle_bin(path: &str) -> bool {
    path.split('/').map(fold).any(|part| {
        matches!(part.as_str(), "$recycle.bin" | "#recycle" | "@recycle" | "recycler") || part.starts_with(".trash")
    })
}

/// The stem before the last known extension of a name, and what follows that extension: empty for ordinary names and for
/// the copies that editors, hosts and backups leave.
fn known_stem(name: &str) -> Option<(&str, &str)> {
    const KNOWN: [&str; 9] = [
        ".vmdk", ".vmx", ".vmxf", ".nvram", ".vmsd", ".vhdx", ".avhdx", ".vhd", ".vmcx",
    ];
    const HARMLESS: [&str; 16] = [
        "~",
        ".bak",
        ".orig",
        ".old",
        ".lck",
        ".rct",
        ".mrt",
        ".hrl",
        ".hru",
        ".metadata",
        ".lock",
        ".tmp",
        ".md5",
        ".sha1",
        ".sha256",
        ".swp",
    ];
    let (place, extension) = KNOWN
        .iter()
        .filter_map(|known| name.rfind(known).map(|place| (place, *known)))
        .max_by_key(|&(place, known)| (place + known.len(), known.len()))?;
    let suffix = &name[place + extension.len()..];
    let foreign = suffix.starts_with('.')
        && suffix.len() > 1
        && !HARMLESS.iter().any(|harmless| suffix.ends_with(harmless))
        && !suffix[1..].chars().all(|c| c.is_ascii_digit());
    Some((&name[..place], if foreign { suffix } else { "" }))
}

/// Files that a report lists: artifacts, and ordinary files that a reference or an inventory names or whose name is
/// suspicious.
pub(crate) fn reported(world: World<'_>, references: &References, owners: &Owners) -> Vec<bool> {
    (0..world.files.nodes.len())
        .map(|node| {
            let file = world.files.nodes[node];
            file.artifact.is_some()
                || owners.vms_of.contains_key(&node)
                || owners.objects_of.contains_key(&node)
                || references
                    .into(node)
                    .any(|edge| own::is_owning(world.files, edge) && edge.basis != Match::Companion)
                || known_stem(&file.name()).is_some_and(|(_, suffix)| !suffix.is_empty())
        })
        .collect()
}

/// The gaps of a set of judgements, for their effect.
pub(crate) fn effect_of<'a>(
    gaps: &'a [GapItem],
    judged: &'a [Option<Judgement>],
) -> impl Iterator<Item = (&'a GapItem, Vec<NodeId>)> {
    gaps.iter().enumerate().map(|(place, gap)| {
        let nodes = judged.iter().enumerate().filter(|(_, judgement)| {
            judgement
                .as_ref()
                .is_some_and(|judgement| judgement.gaps.contains(&place))
        });
        (gap, nodes.map(|(node, _)| node).collect())
    })
}
