//! Whose a file of nobody was, by its access list and by earlier states of configurations, and what follows from that.
//!
//! A trace owns nothing. Where it names a VM that is registered, the decision is: the verdict stands, for a copy that a
//! migration left and a disk that was detached keep their access list (H-D15, H-D16), but the file is no candidate, and an
//! access list lowers the confidence, for Hyper-V takes its right back when it lets go of a disk. A copy of a disk that this VM
//! uses is explained by that.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Judge, Judgement};
use crate::{
    kind::Platform,
    reconcile::{
        files::NodeId,
        own::{self, OwnerVm},
        signs::{source_of, statement},
    },
    report::{
        codes::ReasonCode,
        model::{Confidence, Reason, Reclaim, Weight},
    },
};

/// What one trace says.
pub(super) struct Trace {
    /// The VM: its name where that is known, else its id.
    pub(super) owner: String,
    /// It is registered.
    is_registered: bool,
    /// The statement.
    pub(super) reason: Reason,
}

/// A VM that a trace names by its id.
struct VmOfId {
    /// Its name where that is known, else the id.
    owner: String,
    /// Both.
    shown: String,
    is_registered: bool,
}

impl Judge<'_> {
    /// What the access list of a file and earlier configurations tell of it.
    pub(super) fn traces_of(&self, node: NodeId) -> Vec<Trace> {
        let earlier = self.traces_of_configs(node);
        self.traces_of_list(node).into_iter().chain(earlier).collect()
    }

    /// Adds to a file of nobody what follows from its traces.
    pub(super) fn weigh_traces(&self, node: NodeId, judgement: &mut Judgement) {
        let is_explained = || self.used_twin(node).is_some();
        let traces = self.traces_of(node);
        let of_registered = |code: ReasonCode| {
            let mut of_code = traces.iter().filter(|trace| trace.reason.code == code);
            of_code.any(|trace| trace.is_registered)
        };
        let (by_list, by_config) = (
            of_registered(ReasonCode::AccessList),
            of_registered(ReasonCode::EarlierConfig),
        );
        if by_list && !is_explained() {
            let capped = judgement.confidence.map(|known| known.min(Confidence::Medium));
            judgement.confidence = capped;
        }
        if (by_list || by_config) && !is_explained() {
            judgement.reclaim = judgement.reclaim.max(Reclaim::Review);
        }
        if !by_list && !is_explained() && self.traces.ungranted.contains_key(&node) {
            judgement.reclaim = judgement.reclaim.max(Reclaim::Review);
        }
        judgement.reasons.extend(self.never_of_a_vm(node));
        judgement.reasons.extend(traces.into_iter().map(|trace| trace.reason));
    }

    /// A list without a VM: no VM had the disk, or the list was lost with a copy or a restore.
    fn never_of_a_vm(&self, node: NodeId) -> Option<Reason> {
        let source = self.traces.ungranted.get(&node)?;
        let text = "its access list names no VM: perhaps it was never a disk of one, but a profile, a backup or an image; a copy loses \
                    the list too";
        let mut reason = statement(
            ReasonCode::AccessList,
            text.to_owned(),
            Some(source.clone()),
            Weight::Against,
        );
        reason.settles = Some("whether a service uses it".to_owned());
        Some(reason)
    }

    /// The VMs that the access list of a file names (H-D16).
    fn traces_of_list(&self, node: NodeId) -> Vec<Trace> {
        let grants = self.traces.granted.get(&node);
        let trace = |grant: &crate::reconcile::traces::Grant| {
            let VmOfId {
                owner,
                shown,
                is_registered,
            } = self.vm_of_id(grant.vm);
            let (text, weight) = if is_registered {
                let text = format!(
                    "its access list names {shown}, which is registered and does not name it: a disk that was detached, a copy, or \
                     one that is still needed"
                );
                (text, Weight::Against)
            } else {
                let text =
                    format!("its access list names {shown}, which no inventory registers: it was a file of that VM");
                (text, Weight::For)
            };
            let mut reason = statement(ReasonCode::AccessList, text, Some(grant.source.clone()), weight);
            reason.settles = is_registered.then(|| format!("whether {shown} still needs it"));
            Trace {
                owner,
                is_registered,
                reason,
            }
        };
        grants.into_iter().flatten().map(trace).collect()
    }

    fn vm_of_id(&self, id: Uuid) -> VmOfId {
        let vm = self.traces.vm(id).map(|vm| &self.owners.vms[vm]);
        VmOfId {
            owner: vm.map_or_else(|| id.to_string(), |vm| vm.name.clone()),
            shown: vm.map_or_else(|| format!("the VM {id}"), |vm| format!("{} ({id})", vm.name)),
            is_registered: vm.is_some_and(OwnerVm::is_registered),
        }
    }

    /// The VMs whose configurations named a file in an earlier state that is left in their files.
    fn traces_of_configs(&self, node: NodeId) -> Vec<Trace> {
        let former = self.traces.former.get(&node);
        let trace = |former: &crate::reconcile::traces::Former| {
            let evidence = own::vm_evidence(self.world.files, former.config)?;
            let id = evidence.checkpoint_of.or(evidence.instance_id)?;
            let VmOfId {
                owner,
                shown,
                is_registered,
            } = self.vm_of_id(id);
            let weight = if is_registered { Weight::Against } else { Weight::For };
            let text = format!(
                "an earlier state of the configuration of {shown} named it ({}): it was a disk of that VM",
                former.key
            );
            let source = source_of(self.world.files, former.config, Some(former.offset));
            Some(Trace {
                owner,
                is_registered,
                reason: statement(ReasonCode::EarlierConfig, text, Some(source), weight),
            })
        };
        former.into_iter().flatten().filter_map(trace).collect()
    }

    /// The VMs of Hyper-V that the access list of a file names.
    pub(super) fn granted_vms(&self, node: NodeId) -> BTreeSet<usize> {
        let grants = self.traces.granted.get(&node).into_iter().flatten();
        let vms = grants.filter_map(|grant| self.traces.vm(grant.vm));
        vms.filter(|&vm| self.owners.vms[vm].platform == Platform::Hyperv)
            .collect()
    }
}
