//! Problems that the configuration and the rows of a VM show.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{disks_of, space};
use crate::{
    evidence::MarkCode,
    inventory::Registration,
    kind::Kind,
    path::fold,
    reconcile::{
        files::NodeId,
        judge::{Judge, REPLICA_STORE},
        own::{self, OwnerVm},
        problems::{Finding, Problems, by_mark, configurations},
        signs::{source_of, statement},
    },
    report::{
        codes::{ProblemCode, ReasonCode},
        model::{Reason, Severity, Weight},
    },
};

/// Hosts from Windows Server 2022 on run no configuration before this version (K).
const OLDEST_VERSION: u32 = 8;

impl Problems {
    /// What one registered VM shows.
    pub(super) fn of_machine(&mut self, judge: &Judge<'_>, index: usize, vm: &OwnerVm) {
        self.pass_through(judge, index, vm);
        self.saved_state(judge, index, vm);
        self.recovery_checkpoints(judge, index, vm);
        self.former_replica(judge, index, vm);
        let Some(config) = vm.config else { return };
        self.pending_merge(judge, index, vm, config);
        self.virtual_tpm(judge, index, config);
        self.old_version(judge, index, config);
    }

    /// H-E15: a physical disk of the host. No export and no copy of files takes its data along.
    fn pass_through(&mut self, judge: &Judge<'_>, index: usize, vm: &OwnerVm) {
        let of_config = vm
            .config
            .into_iter()
            .flat_map(|config| by_mark(judge, config, MarkCode::RawDevice, ReasonCode::FilelessDisks));
        let of_rows = rows(judge, vm).flat_map(|(source, row)| {
            let disks = row.fileless_disks.iter();
            disks.map(move |disk| {
                statement(
                    ReasonCode::FilelessDisks,
                    disk.clone(),
                    Some(source.clone()),
                    Weight::For,
                )
            })
        });
        let reasons: Vec<Reason> = of_config.chain(of_rows).collect();
        if reasons.is_empty() {
            return;
        }
        let finding = Finding {
            code: ProblemCode::PassThroughDisk,
            severity: Severity::Warning,
            subject: vm.name.clone(),
            text: "a disk of it is a physical disk of its host, which has no file and no checkpoints".to_owned(),
            reasons,
            next_step: "convert it to a VHDX, or plan for the LUN itself; a copy of the VM's files does not hold its data",
        };
        self.add(finding, &[index]);
    }

    /// H-E5, H-E6: memory that was saved starts on a host with the same processor and Hyper-V only.
    fn saved_state(&mut self, judge: &Judge<'_>, index: usize, vm: &OwnerVm) {
        let of_rows = rows(judge, vm).filter(|(_, row)| row.state.as_deref().map(fold).as_deref() == Some("saved"));
        let of_rows = of_rows.map(|(source, _)| {
            let text = "the inventory lists it as saved".to_owned();
            statement(ReasonCode::ListedByInventory, text, Some(source), Weight::For)
        });
        let states = vm.files.keys().copied();
        let states = states.filter(|&node| judge.world.files.nodes[node].kind() == Kind::Vmrs);
        let of_files = states.flat_map(|node| by_mark(judge, node, MarkCode::SavedState, ReasonCode::ReferencedBy));
        let reasons: Vec<Reason> = of_rows.chain(of_files).collect();
        if reasons.is_empty() {
            return;
        }
        let finding = Finding {
            code: ProblemCode::SavedState,
            severity: Severity::Warning,
            subject: vm.name.clone(),
            text: "it holds saved memory, which another kind of host does not restore; its state files are the VM as it was".to_owned(),
            reasons,
            next_step: "start the VM where it is and shut it down before it is moved; keep its state files until then",
        };
        self.add(finding, &[index]);
    }

    /// H-D3, H-D4: a checkpoint that a backup makes is hidden and should vanish after it.
    fn recovery_checkpoints(&mut self, judge: &Judge<'_>, index: usize, vm: &OwnerVm) {
        let is_recovery = |kind: &Option<String>| kind.as_deref().map(fold).as_deref() == Some("recovery");
        let listed = rows(judge, vm).flat_map(|(source, row)| {
            let checkpoints = row.checkpoints.iter();
            checkpoints.map(move |checkpoint| (source.clone(), checkpoint))
        });
        let reasons: Vec<Reason> = listed
            .filter(|(_, checkpoint)| is_recovery(&checkpoint.kind))
            .map(|(source, checkpoint)| {
                let text = format!("{:?} ({}) is of the type Recovery", checkpoint.name, checkpoint.id);
                statement(ReasonCode::ListedByInventory, text, Some(source), Weight::For)
            })
            .collect();
        if reasons.is_empty() {
            return;
        }
        let leaf =
            disks_of(judge, vm).find(|&disk| matches!(judge.world.files.nodes[disk].kind(), Kind::Avhd | Kind::Avhdx));
        let space = leaf.map(|leaf| format!("; {}", space(judge, leaf))).unwrap_or_default();
        let finding = Finding {
            code: ProblemCode::UnmergedCheckpoint,
            severity: Severity::Warning,
            subject: vm.name.clone(),
            text: format!(
                "it has a checkpoint that a backup made and that no manager shows: unless that backup still runs it was not merged{space}"
            ),
            reasons,
            next_step: "let the backup product remove it; it and the chain must be merged before the VM is moved",
        };
        self.add(finding, &[index]);
    }

    /// H-E13: what a removed replication leaves on its server is a VM like any, which nobody may need any more.
    fn former_replica(&mut self, judge: &Judge<'_>, index: usize, vm: &OwnerVm) {
        let Some(config) = vm.config else { return };
        let place = source_of(judge.world.files, config, None);
        let is_told = rows(judge, vm).any(|(_, row)| row.is_replicated() == Some(false));
        let is_replicated = rows(judge, vm).any(|(_, row)| row.is_replicated() == Some(true));
        // H-D17: a test failover runs on a child of the disk of the replica.
        let shares = |node: &NodeId| judge.owners.vms_of.get(*node).is_some_and(|vms| vms.len() > 1);
        let is_test = vm.files.keys().any(shares);
        if !fold(&place).contains(REPLICA_STORE) || !is_told || is_replicated || is_test {
            return;
        }
        let of_rows = rows(judge, vm).map(|(source, _)| {
            let text = "the inventory lists it without a replication".to_owned();
            statement(ReasonCode::ListedByInventory, text, Some(source), Weight::For)
        });
        let finding = Finding {
            code: ProblemCode::FormerReplica,
            severity: Severity::Info,
            subject: vm.name.clone(),
            text: "it lies in the store of Hyper-V Replica and is not replicated: perhaps its replication was removed and the VM stayed"
                .to_owned(),
            reasons: of_rows.chain(configurations(judge, [index])).collect(),
            next_step: "ask whoever runs the primary server whether the copy is still needed; remove it through the manager of VMs",
        };
        self.add(finding, &[index]);
    }

    /// H-D7, H-D24: the configuration says that a checkpoint still waits to be merged.
    fn pending_merge(&mut self, judge: &Judge<'_>, index: usize, vm: &OwnerVm, config: NodeId) {
        let reasons = by_mark(judge, config, MarkCode::MergePending, ReasonCode::MergePending);
        if reasons.is_empty() {
            return;
        }
        let leaf = disks_of(judge, vm).next();
        let space = leaf.map(|leaf| format!("; {}", space(judge, leaf))).unwrap_or_default();
        let finding = Finding {
            code: ProblemCode::NeedsConsolidation,
            severity: Severity::Warning,
            subject: source_of(judge.world.files, config, None),
            text: format!(
                "the configuration says that the disk of a deleted checkpoint still waits to be merged{space}"
            ),
            reasons,
            next_step: "see to free space and let Hyper-V finish the merge; touch no disk of the VM meanwhile",
        };
        self.add(finding, &[index]);
    }

    /// H-E4: a VM with a virtual TPM starts elsewhere only with the keys of its guardian.
    fn virtual_tpm(&mut self, judge: &Judge<'_>, index: usize, config: NodeId) {
        let vm = &judge.owners.vms[index];
        let mut reasons = by_mark(judge, config, MarkCode::VirtualTpm, ReasonCode::VirtualTpm);
        let states = vm.files.keys().copied();
        for state in states.filter(|&node| judge.world.files.nodes[node].kind() == Kind::Vmgs) {
            reasons.extend(by_mark(judge, state, MarkCode::VirtualTpm, ReasonCode::VirtualTpm));
        }
        if reasons.is_empty() {
            return;
        }
        let finding = Finding {
            code: ProblemCode::Encrypted,
            severity: Severity::Info,
            subject: vm.name.clone(),
            text: "it has a virtual TPM: on another host it starts only with the keys of its guardian, and its disks may open with its guest state alone".to_owned(),
            reasons,
            next_step: "export the guardian's certificates with their keys, and take the .vmgs along with the disks",
        };
        self.add(finding, &[index]);
    }

    fn old_version(&mut self, judge: &Judge<'_>, index: usize, config: NodeId) {
        let is_xml = judge.world.files.nodes[config].kind() == Kind::HypervXml;
        let evidence = own::vm_evidence(judge.world.files, config);
        let version = evidence.and_then(|evidence| evidence.config_version.clone());
        let major = version
            .as_deref()
            .and_then(|version| version.split('.').next()?.parse::<u32>().ok());
        if !is_xml && major.is_none_or(|major| major >= OLDEST_VERSION) {
            return;
        }
        let said = version.map_or_else(
            || "XML, as before Windows Server 2016".to_owned(),
            |version| format!("version {version}"),
        );
        let finding = Finding {
            code: ProblemCode::OldConfigVersion,
            severity: Severity::Warning,
            subject: judge.owners.vms[index].name.clone(),
            text: format!("its configuration is {said}, which hosts from Windows Server 2022 on do not run"),
            reasons: vec![statement(
                ReasonCode::RegisteredVm,
                format!("the configuration is {said}"),
                Some(source_of(judge.world.files, config, None)),
                Weight::For,
            )],
            next_step: "raise it with Update-VMVersion on a host that runs it, when no older host has to run it any more",
        };
        self.add(finding, &[index]);
    }

    /// H-A9: one id is registered for two VMs, on two hosts or at two places.
    pub(super) fn one_id(&mut self, judge: &Judge<'_>) {
        let mut of_id: BTreeMap<Uuid, Vec<usize>> = BTreeMap::new();
        for (index, vm) in judge.owners.vms.iter().enumerate() {
            let ids: std::collections::BTreeSet<Uuid> =
                rows(judge, vm).filter_map(|(_, row)| row.instance_id).collect();
            for id in ids.into_iter().filter(|_| vm.platform == crate::kind::Platform::Hyperv) {
                of_id.entry(id).or_default().push(index);
            }
        }
        // A replica bears the id of its VM.
        let is_replicated =
            |&vm: &usize| rows(judge, &judge.owners.vms[vm]).any(|(_, row)| row.is_replicated() == Some(true));
        let several = of_id
            .into_iter()
            .filter(|(_, vms)| vms.len() > 1 && !vms.iter().all(is_replicated));
        for (id, vms) in several {
            let reasons = vms.iter().flat_map(|&vm| {
                rows(judge, &judge.owners.vms[vm]).map(|(source, row)| {
                    let text = format!(
                        "{} at {}",
                        row.name,
                        row.config.as_deref().unwrap_or("an unknown place")
                    );
                    statement(ReasonCode::SameIdRegistered, text, Some(source), Weight::For)
                })
            });
            let finding = Finding {
                code: ProblemCode::DuplicateIdentity,
                severity: Severity::Warning,
                subject: judge.owners.vms[vms[0]].name.clone(),
                text: format!("{} VMs are registered with the id {id}", vms.len()),
                reasons: reasons.collect(),
                next_step: "find out which is the copy; give it an id of its own by importing it with -Copy -GenerateNewId",
            };
            self.add(finding, &vms);
        }
    }
}

/// The rows of a VM, each with its source.
fn rows<'a>(judge: &'a Judge<'_>, vm: &'a OwnerVm) -> impl Iterator<Item = (String, &'a Registration)> {
    vm.rows.iter().map(|&(inventory, row)| {
        let inventory = &judge.world.inventories[inventory];
        let row = &inventory.vms[row];
        (format!("{}, {}", inventory.source, row.row), row)
    })
}
