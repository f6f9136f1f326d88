//! Problems of VMware VMs that only show when a configuration is held against its snapshot list and its neighbours:
//! disks that two VMs name, too many disks, snapshots that list and disks disagree on, parents without children.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    companions,
    files::{Files, NodeId},
    judge::Judge,
    own::{self, Missing, OwnerVm},
    problems::{Finding, Problems, by_mark, configurations, shown},
    signs::source_of,
};
use crate::{
    evidence::MarkCode,
    kind::{Kind, Platform, Role},
    report::{
        codes::{ProblemCode, ReasonCode},
        model::Severity,
    },
};

/// More disks than a VM could have before four controllers of 64 disks each; a proxy of a backup collects them (V37).
const MANY_DISKS: usize = 60;

impl Problems {
    /// Finds them.
    pub(super) fn of_vmware(&mut self, judge: &Judge<'_>) {
        let mut named: BTreeMap<NodeId, BTreeSet<usize>> = BTreeMap::new();
        for (index, vm) in judge.owners.vms.iter().enumerate() {
            let config = vm
                .config
                .filter(|_| vm.is_registered() && vm.platform == Platform::Vmware);
            let Some(config) = config else { continue };
            let disks: Vec<NodeId> = disks_of(judge, config).collect();
            for &disk in &disks {
                named
                    .entry(judge.world.files.first_name[disk])
                    .or_default()
                    .insert(index);
            }
            self.many_disks(judge, index, vm, disks.len());
            self.unclean(judge, index, vm);
            self.snapshot_mismatch(judge, index, vm, &disks);
            self.unused_parent(judge, index, vm);
        }
        for (&disk, vms) in &mut named {
            let home = judge.owners.vms_of.get(disk).into_iter().flatten();
            let lenders: Vec<usize> = home.copied().filter(|&vm| is_lent(judge, disk, vm, vms)).collect();
            vms.extend(lenders);
        }
        for (disk, vms) in named.iter().filter(|(_, vms)| vms.len() > 1) {
            self.double_owner(judge, *disk, vms);
        }
    }

    /// V37, H-D12: two VMs name one disk and not both say that it is shared, as a proxy of a backup does.
    pub(super) fn double_owner(&mut self, judge: &Judge<'_>, disk: NodeId, vms: &BTreeSet<usize>) {
        let is_shared = |&vm: &usize| {
            let config = judge.owners.vms[vm].config;
            config.is_some_and(|config| judge.world.files.nodes[config].has_mark(MarkCode::Shared))
        };
        if vms.iter().all(is_shared) {
            return;
        }
        let names: Vec<&str> = vms.iter().map(|&vm| judge.owners.vms[vm].name.as_str()).collect();
        let finding = Finding {
            code: ProblemCode::DoubleOwner,
            severity: Severity::Warning,
            subject: source_of(judge.world.files, disk, None),
            text: format!("{} use it, and not all of them as shared", names.join(" and ")),
            reasons: configurations(judge, vms.iter().copied()),
            next_step: "find out whether a backup left it attached to its proxy; detach it there without deleting it",
        };
        self.add(finding, &vms.iter().copied().collect::<Vec<_>>());
    }

    fn many_disks(&mut self, judge: &Judge<'_>, index: usize, vm: &OwnerVm, disks: usize) {
        if disks <= MANY_DISKS {
            return;
        }
        let finding = Finding {
            code: ProblemCode::ManyDisks,
            severity: Severity::Warning,
            subject: vm.name.clone(),
            text: format!(
                "its configuration names {disks} disks, as that of a backup proxy which did not let go of them"
            ),
            reasons: configurations(judge, [index]),
            next_step: "find out which of them are its own; detach the others without deleting them",
        };
        self.add(finding, &[index]);
    }

    /// V45, V46: the VMX decides what a VM runs on; a list that says otherwise is of no use to the snapshot manager.
    fn snapshot_mismatch(&mut self, judge: &Judge<'_>, index: usize, vm: &OwnerVm, disks: &[NodeId]) {
        let files = judge.world.files;
        let of_kind = |node: &&NodeId| files.nodes[**node].kind() == Kind::Vmsd;
        let lists: Vec<NodeId> = vm.files.keys().filter(of_kind).copied().collect();
        if lists
            .iter()
            .any(|&list| own::vm_evidence(files, list).is_some() || is_unread_list(files, list))
        {
            return;
        }
        let of_lists = lists.iter().flat_map(|&list| judge.references.of(list));
        let frozen: BTreeSet<NodeId> = of_lists
            .filter(|edge| edge.role == Role::Disk)
            .map(|edge| edge.to)
            .collect();
        // A list whose disks are not found knows its snapshots all the same.
        let knows_disks = lists.iter().any(|&list| {
            let evidence = files.nodes[list].evidence().into_iter();
            let mut references = evidence.flat_map(|evidence| &evidence.references);
            references.any(|reference| reference.role == Role::Disk)
        });
        for &disk in disks {
            let entry = files.nodes[disk].entry;
            let text = if frozen.contains(&disk) {
                "the VM runs on a disk that its snapshot list says a snapshot froze: the tree and the active disk disagree"
            } else if !knows_disks && companions::is_snapshot_link(entry.path.name()) {
                "the VM runs on a snapshot link, and its snapshot list knows no snapshot"
            } else {
                continue;
            };
            let finding = Finding {
                code: ProblemCode::SnapshotMismatch,
                severity: Severity::Warning,
                subject: source_of(files, disk, None),
                text: text.to_owned(),
                reasons: configurations(judge, [index])
                    .into_iter()
                    .chain(lists.iter().map(|&list| {
                        let text = "the snapshot list".to_owned();
                        shown(ReasonCode::ReferencedBy, text, source_of(files, list, None))
                    }))
                    .collect(),
                next_step: "consolidate the disks of the VM; delete no link by hand",
            };
            self.add(finding, &[index]);
        }
    }

    /// V27, V34: a replica of linked or instant clones, or a template of CloudStack, that no clone on the scanned roots uses.
    fn unused_parent(&mut self, judge: &Judge<'_>, index: usize, vm: &OwnerVm) {
        let (text, next_step) = if own::is_unused_template(judge.world, judge.references, vm) {
            (
                "it is a template VM of CloudStack, and no disk on the scanned roots depends on its disks",
                "ask CloudStack whether its template was deleted, and let it clean up",
            )
        } else if own::is_unused_replica(judge.world, judge.references, vm) {
            (
                "it is named like a replica of a desktop pool, and no disk on the scanned roots depends on its disks",
                "ask the connection broker whether its image was removed, and let it clean up",
            )
        } else {
            return;
        };
        let finding = Finding {
            code: ProblemCode::UnusedParent,
            severity: Severity::Info,
            subject: vm.name.clone(),
            text: text.to_owned(),
            reasons: configurations(judge, [index]),
            next_step,
        };
        self.add(finding, &[index]);
    }

    /// A sparse extent or journal of a VM that is off and that was not closed: what a VHDX says by its log (H-D21).
    fn unclean(&mut self, judge: &Judge<'_>, index: usize, vm: &OwnerVm) {
        if !own::is_off(judge.world, vm) {
            return;
        }
        for &disk in vm.files.keys() {
            let kind = judge.world.files.nodes[disk].kind();
            let reasons = by_mark(judge, disk, MarkCode::Unclean, ReasonCode::UncleanMark);
            if reasons.is_empty() || !(kind.is_disk() || kind.is_extent()) {
                continue;
            }
            let finding = Finding {
                code: ProblemCode::DirtyLog,
                severity: Severity::Warning,
                subject: source_of(judge.world.files, disk, None),
                text: "its VM is off, and it was not closed: a host crashed while it wrote, or another one uses it"
                    .to_owned(),
                reasons,
                next_step: "find out who has it open; if nobody has, copy it before the VM is started, and let the host repair it",
            };
            self.add(finding, &[index]);
        }
    }
}

/// V37: true where a VM needs a disk of its own folder that only VMs of other folders name. Its own configuration names the
/// link that it runs on, as while a proxy reads the disk below for a backup.
fn is_lent(judge: &Judge<'_>, disk: NodeId, vm: usize, named_by: &BTreeSet<usize>) -> bool {
    let files = judge.world.files;
    let place = |node: NodeId| (files.nodes[node].entry.root, files.nodes[node].folder());
    let is_at_home = |vm: usize| {
        let vm = &judge.owners.vms[vm];
        vm.is_registered() && vm.config.is_some_and(|config| place(config) == place(disk))
    };
    is_at_home(vm) && !named_by.iter().any(|&other| is_at_home(other))
}

/// True for a snapshot list that does not tell the snapshots. One of 0 bytes tells that there are none: the list of a VM that
/// never had any is empty (formats-vmware 3.1).
fn is_unread_list(files: &Files<'_>, list: NodeId) -> bool {
    let marks = [MarkCode::Unreadable, MarkCode::SharingViolation, MarkCode::Damaged];
    marks.into_iter().any(|mark| files.nodes[list].has_mark(mark))
}

/// The disks that a configuration names as attached or mentioned.
fn disks_of<'a>(judge: &'a Judge<'_>, config: NodeId) -> impl Iterator<Item = NodeId> + 'a {
    judge
        .references
        .of(config)
        .filter(|edge| edge.role == Role::Disk)
        .map(|edge| edge.to)
}

/// What became of the data of a disk whose descriptor is not there: a file of the name that ESXi gives it, or none. Nothing
/// for what is no VMware disk, and for one whose missing data is reported by itself.
pub(super) fn data_of_missing(judge: &Judge<'_>, vm: &OwnerVm, missing: &Missing) -> Option<String> {
    let files = judge.world.files;
    let stem = missing.path.strip_suffix(b".vmdk")?;
    let names_extents = vm
        .missing
        .iter()
        .any(|other| other.role == Role::Extent && other.root == missing.root && other.path.starts_with(stem));
    if !matches!(missing.role, Role::Disk | Role::Parent) || vm.platform != Platform::Vmware || names_extents {
        return None;
    }
    let extents: Vec<String> = companions::parts_of_missing(files, missing.root, &missing.path)
        .into_iter()
        .filter(|(_, role)| *role == Role::Extent)
        .map(|(node, _)| source_of(files, node, None))
        .collect();
    Some(if extents.is_empty() {
        let stem = String::from_utf8_lossy(stem);
        let endings = if companions::is_snapshot_link(&missing.path) {
            &["-delta", "-sesparse"][..]
        } else {
            &["-flat"][..]
        };
        let names: Vec<String> = endings.iter().map(|ending| format!("{stem}{ending}.vmdk")).collect();
        format!(", and neither is its data ({})", names.join(" or "))
    } else {
        format!(
            "; its data is there ({}): write its descriptor again",
            extents.join(", ")
        )
    })
}
