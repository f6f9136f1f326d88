//! `owned`: what a registered VM reaches, and how the walk came to it.

use super::{Judge, Judgement, names::is_dump, reasons::unchecked};
use crate::{
    evidence::MarkCode,
    inventory::{Inventory, Listing},
    kind::{Kind, Role},
    path::fold,
    reconcile::{
        files::NodeId,
        own::{self, OwnerVm, Via},
        resolve::{Edge, Match, Target},
        signs::{shown, statement},
    },
    report::{
        codes::{Class, ReasonCode},
        model::{Reason, Verdict, Weight},
    },
};

/// What would settle whose the files are that only an older export lists.
pub(crate) const TAKE_ANEW: &str =
    "take one new export of the whole source in place of both, by which what a removed VM left is judged";

/// An export by its source and time: two of one source differ in nothing else.
pub(crate) fn export_and_time(inventory: &Inventory) -> String {
    let taken = inventory.collected.map_or_else(|| "unknown time".to_owned(), shown);
    format!("{} of {taken}", inventory.source)
}

/// Why a file that a VM owns stands out.
fn class_reason(class: Class) -> Option<Reason> {
    let (code, text) = match class {
        Class::Template => (ReasonCode::RegisteredVm, "the VM is a template"),
        Class::PlaceholderVm => (
            ReasonCode::RegisteredVm,
            "the VM is a placeholder of SRM, which stands for a replica at another place",
        ),
        Class::HeadlessExtent => (
            ReasonCode::TargetGone,
            "no descriptor that can be read names it: recreate the descriptor, do not delete the data",
        ),
        Class::DanglingDescriptor => (ReasonCode::TargetGone, "an extent that the descriptor names is gone"),
        Class::UnmergedBackupCheckpoint => (
            ReasonCode::MergePending,
            "the VM runs on this checkpoint disk, and neither its inventories nor its configuration tell of a checkpoint",
        ),
        Class::UnusedParent | Class::UnusedTemplate => (
            ReasonCode::NoReference,
            "no disk on the scanned roots depends on the disks of the VM",
        ),
        _ => return None,
    };
    Some(statement(code, text.to_owned(), None, Weight::For))
}

impl Judge<'_> {
    /// The registered VMs that reach a file.
    pub(super) fn registered_owners(&self, node: NodeId) -> Vec<usize> {
        let vms = self.owners.vms_of.get(node).into_iter().flatten();
        vms.copied().filter(|&vm| self.owners.vms[vm].is_registered()).collect()
    }

    /// The judgement of a file that these registered VMs reach, before it is told.
    pub(super) fn owned(&self, node: NodeId, vms: &[usize]) -> Judgement {
        Judgement::new(Verdict::Owned, self.owned_class(node, vms), Vec::new())
    }

    /// Whose a file is that registered VMs reach, and why.
    pub(super) fn told_owned(&self, node: NodeId, mut judgement: Judgement) -> Judgement {
        let class = judgement.class;
        let is_meant_to_rest = matches!(class, Some(Class::Template | Class::PlaceholderVm));
        for index in self.registered_owners(node) {
            let vm = &self.owners.vms[index];
            judgement.owners.insert(vm.owner());
            judgement.reasons.push(self.registration_reason(vm));
            judgement.reasons.extend(self.walk_reason(vm, node));
            judgement.reasons.extend(self.via_reason(vm, node));
            judgement
                .reasons
                .extend(self.idle_reason(index).filter(|_| !is_meant_to_rest));
        }
        judgement.reasons.extend(class.and_then(class_reason));
        judgement.reasons.extend(self.unlisted_reason(node));
        judgement.reasons.dedup();
        judgement
    }

    /// That newer exports do not list any of the VMs that have it.
    fn unlisted_reason(&self, node: NodeId) -> Option<Reason> {
        let vms = self.registered_owners(node);
        let since = vms.iter().map(|&vm| self.owners.vms[vm].unlisted_since);
        let since = *since.collect::<Option<Vec<_>>>()?.first()?;
        let name = &self.owners.vms[*vms.first()?].name;
        let [older, newer] = [since.older, since.newer].map(|index| export_and_time(&self.world.inventories[index]));
        let text = format!("only {older} lists {name}; {newer}, newer and of the same source, does not");
        Some(Reason {
            code: ReasonCode::NotInNewerExport,
            ..unchecked(text, TAKE_ANEW)
        })
    }

    pub(crate) fn registration_reason(&self, vm: &OwnerVm) -> Reason {
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

    /// The way from the configuration, or from what an inventory lists, to the file that names this one.
    fn walk_reason(&self, vm: &OwnerVm, node: NodeId) -> Option<Reason> {
        let mut steps = Vec::new();
        let mut current = node;
        while let Some(Via::Edge(place)) = vm.files.get(&current) {
            let edge = &self.references.edges[*place];
            steps.push(format!("{} ({})", self.path_beside(current, node), edge.key));
            current = edge.from;
        }
        (steps.len() > 1).then(|| {
            steps.push(self.path_beside(current, node));
            steps.reverse();
            steps.pop();
            let text = format!("the way to it: {}", steps.join(", then "));
            statement(ReasonCode::ReferencedBy, text, Some(self.path(current)), Weight::For)
        })
    }

    /// How the walk from a VM came to a file: its last step.
    pub(super) fn via_reason(&self, vm: &OwnerVm, node: NodeId) -> Option<Reason> {
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
            Via::OldLabel(from, key) => {
                let from = self.path_beside(*from, node);
                let text = format!(
                    "{from} names it ({key}) under a label that no inventory knows, and no other datastore has this path: probable match"
                );
                Some(statement(ReasonCode::ProbableMatch, text, Some(from), Weight::For))
            }
            Via::BesideGhost => Some(statement(
                ReasonCode::BesideGhost,
                format!(
                    "it belongs by its name to {}: the configuration or descriptor of that name is not there",
                    vm.name
                ),
                None,
                Weight::For,
            )),
            Via::ById => Some(statement(
                ReasonCode::CompanionOf,
                format!("it bears the id of {} or of one of its checkpoints", vm.name),
                None,
                Weight::For,
            )),
            Via::Edge(place) => Some(self.edge_reason(&self.references.edges[*place])),
        }
    }

    pub(super) fn edge_reason(&self, edge: &Edge) -> Reason {
        let from = self.path_beside(edge.from, edge.to);
        let (code, text) = match edge.basis {
            Match::Exact => (ReasonCode::ReferencedBy, format!("{from} names it ({})", edge.key)),
            Match::Case => (
                ReasonCode::ProbableMatch,
                format!(
                    "{from} names it ({}), only the letter case differs: probable match",
                    edge.key
                ),
            ),
            Match::ShortName => (
                ReasonCode::ProbableMatch,
                format!(
                    "{from} names it by its short name ({}), or one like it: probable match",
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
            Match::Place => (
                ReasonCode::CompanionOf,
                format!(
                    "it bears the name of no configuration and belongs to {from}: {}",
                    edge.key
                ),
            ),
        };
        statement(code, text, Some(from), Weight::For)
    }

    pub(super) fn owned_class(&self, node: NodeId, vms: &[usize]) -> Option<Class> {
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
        if vms
            .iter()
            .all(|&vm| own::is_unused_template(self.world, self.references, &self.owners.vms[vm]))
        {
            return Some(Class::UnusedTemplate);
        }
        if vms
            .iter()
            .all(|&vm| own::is_unused_replica(self.world, self.references, &self.owners.vms[vm]))
        {
            return Some(Class::UnusedParent);
        }
        if rows.iter().any(|row| row.template) || vms.iter().any(is_template) {
            return Some(Class::Template);
        }
        if rows.iter().any(|row| row.placeholder) {
            return Some(Class::PlaceholderVm);
        }
        if kind == Kind::VmLog && is_dump(self.world.files.name(node)) {
            return Some(Class::Diagnostic);
        }
        if kind.is_extent()
            && kind != Kind::VmdkSparse
            && !self.references.into(node).any(|edge| self.describes(edge))
            && !self.is_descriptor_unread(node)
        {
            return Some(Class::HeadlessExtent);
        }
        if self.is_dangling(node) {
            return Some(Class::DanglingDescriptor);
        }
        if matches!(kind, Kind::Avhd | Kind::Avhdx) && self.is_unmerged_leaf(node, vms) {
            return Some(Class::UnmergedBackupCheckpoint);
        }
        vms.iter().all(|vm| self.idle[*vm].is_some()).then_some(Class::IdleVm)
    }

    /// V12: how long nothing of a VM was written.
    fn idle_reason(&self, vm: usize) -> Option<Reason> {
        let days = self.idle[vm]?;
        let text = format!(
            "{} is idle: nothing of it was written for {days} days",
            self.owners.vms[vm].name
        );
        Some(statement(ReasonCode::LastWritten, text, None, Weight::For))
    }

    /// True where the descriptor that an extent has by its name was not looked at.
    fn is_descriptor_unread(&self, node: NodeId) -> bool {
        self.implied_descriptor(node)
            .is_some_and(|descriptor| self.world.files.is_unread(self.root(node), descriptor.as_bytes()))
    }

    /// True for a reference that makes an extent more than a headless one: a descriptor that can be read or could be if
    /// somebody let us, or the redo log of a running VM, which has none (V40, V53).
    fn describes(&self, edge: &Edge) -> bool {
        let is_named = || self.file(edge.from).kind() == Kind::VmdkDescriptor && !self.is_by_name_alone(edge);
        edge.role == Role::Redo || edge.role == Role::Extent && is_named()
    }

    /// True for an extent of a descriptor that is torn, or names another or none, and has the name of this one.
    pub(super) fn is_by_name_alone(&self, edge: &Edge) -> bool {
        let from = self.file(edge.from);
        let is_locked = from.has_mark(MarkCode::Unreadable) || from.has_mark(MarkCode::SharingViolation);
        edge.role == Role::Extent && edge.basis == Match::Companion && from.kind() == Kind::VmdkDescriptor && !is_locked
    }

    /// H-D4: the VM runs on a checkpoint disk although it has no checkpoint, as its inventory or its configuration tells.
    pub(super) fn is_unmerged_leaf(&self, node: NodeId, vms: &[usize]) -> bool {
        vms.iter().any(|&vm| {
            let vm = &self.owners.vms[vm];
            let full = own::best_listing(self.world, vm) >= Listing::LeafDisks;
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
            full && no_list && self.tells_checkpoints(vm) && !checkpoint_configs && !set && !vm.rows.is_empty()
        }) && !self.is_branch(node, vms)
    }

    /// True where a list of its checkpoints, the column for the one that it runs on, or the count in its configuration would
    /// tell of a checkpoint, and none does.
    fn tells_checkpoints(&self, vm: &OwnerVm) -> bool {
        let mut rows = vm.rows.iter();
        let is_listed = rows.any(|&(inventory, row)| {
            let row = &self.world.inventories[inventory].vms[row];
            row.checkpoints_told || row.tells_parent_checkpoint
        });
        let evidence = vm.config.and_then(|config| own::vm_evidence(self.world.files, config));
        is_listed || evidence.is_some_and(|evidence| evidence.opaque.is_none() && evidence.checkpoints == 0)
    }

    /// H-C5, H-D17: a differencing disk whose parent another VM uses as well: a clone or a test failover, no checkpoint.
    fn is_branch(&self, node: NodeId, vms: &[usize]) -> bool {
        let parents = self.references.of(node).filter(|edge| edge.role == Role::Parent);
        let mut users = parents.flat_map(|edge| self.owners.vms_of.get(edge.to).into_iter().flatten());
        users.any(|&user| self.owners.vms[user].is_registered() && !vms.contains(&user))
    }

    /// V42: a descriptor names an extent that is not there.
    pub(super) fn is_dangling(&self, node: NodeId) -> bool {
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
}
