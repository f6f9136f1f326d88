//! Problems of Hyper-V VMs that only show when configurations are held against each other and against their disks.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    files::NodeId,
    judge::Judge,
    problems::{Finding, Problems},
    signs::source_of,
};
use crate::{
    evidence::MarkCode,
    kind::{Kind, Platform, Role},
    report::{codes::ProblemCode, model::Severity},
};

impl Problems {
    /// Finds them.
    pub(super) fn of_hyperv(&mut self, judge: &Judge<'_>) {
        let mut named: BTreeMap<NodeId, BTreeSet<usize>> = BTreeMap::new();
        for (index, vm) in judge.owners.vms.iter().enumerate() {
            let Some(config) = vm
                .config
                .filter(|_| vm.is_registered() && vm.platform == Platform::Hyperv)
            else {
                continue;
            };
            self.pending_merge(judge, index, config);
            let disks = judge.references.of(config).filter(|edge| edge.role == Role::Disk);
            for edge in disks.filter(|edge| judge.world.files.nodes[edge.to].kind() != Kind::Vhds) {
                let disk = judge.world.files.first_name[edge.to];
                named.entry(disk).or_default().insert(index);
            }
        }
        for (disk, vms) in named.iter().filter(|(_, vms)| vms.len() > 1) {
            self.double_owner(judge, *disk, vms);
        }
    }

    /// H-D7: the configuration says that a checkpoint still waits to be merged.
    fn pending_merge(&mut self, judge: &Judge<'_>, index: usize, config: NodeId) {
        if !judge.world.files.nodes[config].has_mark(MarkCode::MergePending) {
            return;
        }
        let finding = Finding {
            code: ProblemCode::NeedsConsolidation,
            severity: Severity::Warning,
            subject: source_of(judge.world.files, config, None),
            text: "the configuration says that the disk of a deleted checkpoint still waits to be merged".to_owned(),
            reasons: Vec::new(),
            next_step: "see to free space and let Hyper-V finish the merge; touch no disk of the VM meanwhile",
        };
        self.add(finding, &[index]);
    }
}
