//! Problems of Hyper-V VMs that only show when configurations are held against each other and against their disks.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    files::{Lookup, NodeId},
    judge::Judge,
    problems::{Finding, Problems},
    resolve::Target,
    signs::source_of,
};
use crate::{
    evidence::MarkCode,
    kind::{Kind, Platform, Role},
    path::fold,
    raw::RawPath,
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
        self.dead_links(judge);
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
                reasons: Vec::new(),
                next_step: "find out whether the VM was deleted or moved; the host that has the link would tell",
            };
            self.add(finding, &[]);
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
