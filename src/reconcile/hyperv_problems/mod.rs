//! Problems of Hyper-V VMs, which are also what to see to before a migration: what their configurations, disks and rows say
//! that no verdict shows.

mod disks;
mod machines;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    files::{Lookup, NodeId},
    judge::Judge,
    own::{self, OwnerVm},
    problems::{Finding, Problems, shown},
    resolve::Target,
    signs::{source_of, statement},
};
use crate::{
    kind::{Kind, Platform, Role},
    path::fold,
    raw::RawPath,
    report::{
        codes::{ProblemCode, ReasonCode},
        model::{Severity, Weight},
    },
};

impl Problems {
    /// Finds them.
    pub(super) fn of_hyperv(&mut self, judge: &Judge<'_>) {
        let mut named: BTreeMap<NodeId, BTreeSet<usize>> = BTreeMap::new();
        let vms = judge.owners.vms.iter().enumerate();
        for (index, vm) in vms.filter(|(_, vm)| vm.is_registered() && vm.platform == Platform::Hyperv) {
            self.of_machine(judge, index, vm);
            for disk in disks_of(judge, vm) {
                self.of_disk(judge, index, vm, disk);
            }
            let Some(config) = vm.config else { continue };
            let disks = judge.references.of(config).filter(|edge| edge.role == Role::Disk);
            for edge in disks.filter(|edge| judge.world.files.nodes[edge.to].kind() != Kind::Vhds) {
                let disk = judge.world.files.first_name[edge.to];
                named.entry(disk).or_default().insert(index);
            }
        }
        self.dead_links(judge);
        self.ghosts_of_stores(judge);
        self.dirty_logs_of_nobody(judge);
        self.one_id(judge);
        self.one_disk_id(judge);
        for (disk, vms) in named.iter().filter(|(_, vms)| vms.len() > 1) {
            self.double_owner(judge, *disk, vms);
        }
    }

    /// H-B6: up to 2012 R2 a host registers a VM by a link to its configuration; a link to nothing is a ghost.
    fn dead_links(&mut self, judge: &Judge<'_>) {
        for special in &judge.catalogue.specials {
            let Some(target) = special.target.as_ref().map(RawPath::lossy) else {
                continue;
            };
            let name = fold(&String::from_utf8_lossy(special.path.name()));
            let id = name.strip_suffix(".xml").or_else(|| name.strip_suffix(".vmcx"));
            let found = judge.world.files.find(special.root, special.path.as_bytes());
            if id.is_none_or(|id| Uuid::try_parse(id).is_err()) || found != Lookup::Nothing {
                continue;
            }
            let led_to = judge.world.resolver.target_of_link(special.root, &target);
            let is_relative = !target.starts_with('/') && led_to == Target::NotAFile;
            if !is_relative && !matches!(led_to, Target::Missing { .. }) {
                continue;
            }
            let finding = Finding {
                code: ProblemCode::Ghost,
                severity: Severity::Warning,
                subject: special.path.lossy().into_owned(),
                text: format!("a link registers a VM, and the configuration {target} that it leads to is not there"),
                reasons: vec![shown(
                    ReasonCode::ReferencedBy,
                    format!("the link leads to {target}"),
                    special.path.lossy().into_owned(),
                )],
                next_step: "find out whether the VM was deleted or moved; the host that has the link would tell",
            };
            self.add(finding, &[]);
        }
    }

    /// H-E1: the registration list of a host on the scanned roots names a configuration that is not there, or its cache
    /// holds one with an id that nothing has. A cache does not tell the place, so the second is said only where every
    /// datastore that is known was scanned.
    fn ghosts_of_stores(&mut self, judge: &Judge<'_>) {
        let files = judge.world.files;
        let is_told = |root: usize, path: &[u8]| {
            let is_it = |(known, place): &(usize, Vec<u8>)| *known == root && place.as_slice() == path;
            let mut vms = judge.owners.vms.iter();
            vms.any(|vm| vm.is_registered() && vm.ghost.as_ref().is_some_and(is_it))
        };
        for store in (0..files.nodes.len()).filter(|&node| own::is_host_store(files, node)) {
            for target in &judge.references.targets[store] {
                let Target::Missing { root, path } = target else {
                    continue;
                };
                if is_told(*root, path) {
                    continue;
                }
                let place = format!(
                    "{} on {}",
                    String::from_utf8_lossy(path),
                    judge.identities.roots[*root].name
                );
                let text =
                    format!("the registration list of a host names the configuration {place}, which is not there");
                self.ghost_of_store(judge, store, Severity::Warning, text);
            }
        }
        let gaps = || judge.coverage.gaps.iter();
        let is_outside = |code| matches!(code, ReasonCode::DatastoreNotScanned | ReasonCode::OutsideScan);
        let told = judge
            .world
            .inventories
            .iter()
            .any(|inventory| !inventory.datastores.is_empty());
        if !told || gaps().any(|gap| is_outside(gap.code)) {
            return;
        }
        for (id, cache) in own::cached_ids(files) {
            if judge.traces.vm(id).is_none() {
                let text = format!(
                    "the cache of a host holds a configuration of the VM {id}, and nothing on the scanned roots and no inventory has that id"
                );
                self.ghost_of_store(judge, cache, Severity::Info, text);
            }
        }
    }

    fn ghost_of_store(&mut self, judge: &Judge<'_>, store: NodeId, severity: Severity, text: String) {
        let source = source_of(judge.world.files, store, None);
        let reason = statement(
            ReasonCode::HostStoreNames,
            text.clone(),
            Some(source.clone()),
            Weight::For,
        );
        let finding = Finding {
            code: ProblemCode::Ghost,
            severity,
            subject: source,
            text,
            reasons: vec![reason],
            next_step: "find out whether the VM was deleted or moved; take the export of that host",
        };
        self.add(finding, &[]);
    }
}

/// The disks of a VM, bases and checkpoints among them.
fn disks_of<'a>(judge: &'a Judge<'_>, vm: &'a OwnerVm) -> impl Iterator<Item = NodeId> + 'a {
    vm.files.keys().copied().filter(|&node| {
        matches!(
            judge.world.files.nodes[node].kind(),
            Kind::Vhd | Kind::Vhdx | Kind::Avhd | Kind::Avhdx | Kind::Vhds
        )
    })
}

/// Bytes of a disk and its parents beside the free space of its datastore: a merge may need as much (H-D24).
fn space(judge: &Judge<'_>, leaf: NodeId) -> String {
    let files = judge.world.files;
    let bytes = |node: NodeId| {
        let entry = files.nodes[node].entry;
        entry.allocated.unwrap_or(entry.length)
    };
    let (mut chain, mut seen, mut next) = (0_u64, BTreeSet::new(), Some(leaf));
    while let Some(node) = next.filter(|&node| seen.insert(node)) {
        chain = chain.saturating_add(bytes(node));
        let parent = judge.references.of(node).find(|edge| edge.role == Role::Parent);
        next = parent.map(|edge| edge.to);
    }
    let free = judge.catalogue.roots[files.nodes[leaf].entry.root].free_bytes;
    let free = free.map_or_else(|| "an unknown number".to_owned(), |free| free.to_string());
    format!("the chain takes {chain} bytes, {free} are free on its datastore, and a merge may need as much as the disk")
}
