//! Problems that disks show.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    evidence::{DiskEvidence, MarkCode},
    kind::{Basis, Kind, Platform, Role},
    reconcile::{
        coverage::list,
        files::NodeId,
        judge::Judge,
        own::{self, OwnerVm},
        problems::{Finding, Problems, by_mark, linked, shown},
        signs::{source_of, statement},
    },
    report::{
        codes::{ProblemCode, ReasonCode},
        model::{Severity, Weight},
    },
};

impl Problems {
    /// What one disk of a registered VM shows.
    pub(super) fn of_disk(&mut self, judge: &Judge<'_>, index: usize, vm: &OwnerVm, disk: NodeId) {
        self.old_format(judge, index, disk);
        self.incomplete(judge, index, disk);
        self.shared(judge, index, disk);
        self.interrupted_merge(judge, index, disk);
        if own::is_off(judge.world, vm) {
            let text = "its VM is off, and its log is open: a host crashed while it wrote, or another one uses it";
            self.dirty_log(judge, disk, text, &[index]);
        }
    }

    /// H-D23: a VHD where a VHDX is expected.
    fn old_format(&mut self, judge: &Judge<'_>, index: usize, disk: NodeId) {
        let file = judge.world.files.nodes[disk];
        if !matches!(file.kind(), Kind::Vhd | Kind::Avhd) {
            return;
        }
        let name = judge.world.files.name(disk);
        // Persistent memory is a fixed VHD by design (formats-hyperv 5.6).
        if name.ends_with(".vhdpmem") {
            return;
        }
        let is_disguised =
            file.artifact.is_some_and(|artifact| artifact.basis == Basis::Conflict) && name.ends_with("vhdx");
        let (severity, text) = if is_disguised {
            (
                Severity::Warning,
                "it is named like a VHDX and its content is a VHD: Hyper-V does not open it under this name",
            )
        } else {
            (
                Severity::Info,
                "it is a VHD: no more than 2040 GiB, no log against torn writes, and no way into a generation 2 VM",
            )
        };
        let finding = Finding {
            code: ProblemCode::VhdFormat,
            severity,
            subject: source_of(judge.world.files, disk, None),
            text: text.to_owned(),
            reasons: vec![statement(
                ReasonCode::ReferencedBy,
                format!("the content is of the kind {}", kind_name(file.kind())),
                Some(source_of(judge.world.files, disk, None)),
                Weight::For,
            )],
            next_step: "convert it with Convert-VHD while the VM is off, and keep the old disk until the VM has started",
        };
        self.add(finding, &[index]);
    }

    /// A conversion, compaction or creation that was not finished leaves a mark in the metadata of a VHDX.
    fn incomplete(&mut self, judge: &Judge<'_>, index: usize, disk: NodeId) {
        let reasons = by_mark(judge, disk, MarkCode::Incomplete, ReasonCode::Damaged);
        if reasons.is_empty() {
            return;
        }
        let finding = Finding {
            code: ProblemCode::IncompleteDisk,
            severity: Severity::Error,
            subject: source_of(judge.world.files, disk, None),
            text: "its creation or conversion was not finished, and a VM names it".to_owned(),
            reasons,
            next_step: "find the disk that it was made from before anything else; do it again from there",
        };
        self.add(finding, &[index]);
    }

    /// H-D11: a VHD Set. Drives with persistent reservations are told with the devices of every VM.
    fn shared(&mut self, judge: &Judge<'_>, index: usize, disk: NodeId) {
        if judge.world.files.nodes[disk].kind() != Kind::Vhds {
            return;
        }
        let users = judge.owners.vms_of.get(disk).into_iter().flatten();
        let users: BTreeSet<&str> = users.map(|&vm| judge.owners.vms[vm].name.as_str()).collect();
        let source = source_of(judge.world.files, disk, None);
        let text = "a VHD Set is made to be shared".to_owned();
        let finding = Finding {
            code: ProblemCode::SharedDisk,
            severity: Severity::Warning,
            subject: source.clone(),
            text: format!(
                "a VHD Set, which is made to be shared; it is named by {}",
                list(users.into_iter())
            ),
            reasons: vec![statement(ReasonCode::ReferencedBy, text, Some(source), Weight::For)],
            next_step: "move the VMs of this guest cluster together, and check that the target knows shared disks",
        };
        self.add(finding, &[index]);
    }

    /// A child that only its second linkage ties to its parent: a merge stopped between its two steps (formats-hyperv 4.6).
    fn interrupted_merge(&mut self, judge: &Judge<'_>, index: usize, disk: NodeId) {
        let Some(child) = disk_evidence(judge, disk) else {
            return;
        };
        for edge in judge.references.of(disk).filter(|edge| edge.role == Role::Parent) {
            let link = disk_evidence(judge, edge.to).and_then(|parent| parent.link);
            let Some((first, rest)) = child.parent_links.split_first() else {
                continue;
            };
            if link.is_none_or(|link| *first == link || !rest.contains(&link)) {
                continue;
            }
            let source = source_of(judge.world.files, disk, None);
            let finding = Finding {
                code: ProblemCode::NeedsConsolidation,
                severity: Severity::Error,
                subject: source.clone(),
                text: "only its second linkage ties it to its parent: a merge stopped between two steps".to_owned(),
                reasons: vec![
                    shown(
                        ReasonCode::DifferencingDisk,
                        format!("it quotes {}", linked(&child.parent_links)),
                        source,
                    ),
                    shown(
                        ReasonCode::DifferencingDisk,
                        format!("its parent has {}", linked(&link)),
                        source_of(judge.world.files, edge.to, None),
                    ),
                ],
                next_step: "copy the whole chain, then let Hyper-V finish the merge; do not write to any link before",
            };
            self.add(finding, &[index]);
        }
    }

    /// H-D21: a log to replay, while no registered VM uses the disk.
    pub(super) fn dirty_logs_of_nobody(&mut self, judge: &Judge<'_>) {
        for (node, file) in judge.world.files.nodes.iter().enumerate() {
            let mut users = judge.owners.vms_of.get(node).into_iter().flatten();
            if !matches!(file.kind(), Kind::Vhdx | Kind::Avhdx) || users.any(|&vm| judge.owners.vms[vm].is_registered())
            {
                continue;
            }
            let text = "no registered VM uses it, and its log is open: a host crashed while it wrote, or somebody else uses it";
            self.dirty_log(judge, node, text, &[]);
        }
    }

    fn dirty_log(&mut self, judge: &Judge<'_>, disk: NodeId, text: &str, vms: &[usize]) {
        let reasons = by_mark(judge, disk, MarkCode::OpenLog, ReasonCode::OpenLog);
        if reasons.is_empty() {
            return;
        }
        let finding = Finding {
            code: ProblemCode::DirtyLog,
            severity: Severity::Warning,
            subject: source_of(judge.world.files, disk, None),
            text: text.to_owned(),
            reasons,
            next_step: "find out who has it open; if nobody has, mounting it once lets Windows replay the log; copy it first",
        };
        self.add(finding, vms);
    }

    /// Disks of VMs that carry one page 83 id without being links of one chain: copies of one disk.
    pub(super) fn one_disk_id(&mut self, judge: &Judge<'_>) {
        let mut of_id: BTreeMap<&str, BTreeMap<NodeId, BTreeSet<usize>>> = BTreeMap::new();
        for (index, vm) in judge.owners.vms.iter().enumerate() {
            if !vm.is_registered() || vm.platform != Platform::Hyperv {
                continue;
            }
            for disk in super::disks_of(judge, vm) {
                let evidence = disk_evidence(judge, disk).filter(|evidence| !evidence.has_parent);
                if let Some(id) = evidence.and_then(|evidence| evidence.disk_id.as_deref()) {
                    let first = judge.world.files.first_name[disk];
                    of_id.entry(id).or_default().entry(first).or_default().insert(index);
                }
            }
        }
        for (id, disks) in of_id.into_iter().filter(|(_, disks)| disks.len() > 1) {
            let vms: BTreeSet<usize> = disks.values().flatten().copied().collect();
            let places: Vec<String> = disks
                .keys()
                .map(|&disk| source_of(judge.world.files, disk, None))
                .collect();
            let uses: usize = disks.values().map(BTreeSet::len).sum();
            let within_one = uses > vms.len();
            let finding = Finding {
                code: ProblemCode::DuplicateIdentity,
                severity: if within_one { Severity::Warning } else { Severity::Info },
                subject: places[0].clone(),
                text: format!("{} base disks carry the disk id {id}: copies of one disk", places.len()),
                reasons: places
                    .into_iter()
                    .map(|place| {
                        statement(
                            ReasonCode::ReferencedBy,
                            "carries this id".to_owned(),
                            Some(place),
                            Weight::For,
                        )
                    })
                    .collect(),
                next_step: "give the copies ids of their own (Set-VHD -ResetDiskIdentifier) before they meet in one guest or cluster",
            };
            self.add(finding, &vms.into_iter().collect::<Vec<_>>());
        }
    }
}

fn disk_evidence<'a>(judge: &'a Judge<'_>, node: NodeId) -> Option<&'a DiskEvidence> {
    judge.world.files.nodes[node].evidence()?.disk.as_deref()
}

fn kind_name(kind: Kind) -> &'static str {
    if kind == Kind::Avhd { "avhd" } else { "vhd" }
}
