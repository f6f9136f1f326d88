//! Backups: which registered VMs none covers, which name VMs that are gone, and which of what belongs to nobody is in one.
//! They add to the report and change no verdict: a backup proves no ownership.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    judge::Judge,
    own::{self, OwnerVm},
};
use crate::{
    inventory::{
        BackedUpVm,
        protection::{Protection, Subject, name_key},
    },
    report::model::{BackupMention, BackupReport, Group, ProtectedVm, UnprotectedVm, Verdict},
};

/// Adds to the groups the backups that name their VMs, and tells what backups cover. `None` when no list of a backup
/// product was given.
pub(super) fn report(judge: &Judge<'_>, groups: &mut [Group]) -> Option<BackupReport> {
    let given = judge.options.backups.as_ref()?;
    let registered: Vec<&OwnerVm> = judge.owners.vms.iter().filter(|vm| is_to_protect(judge, vm)).collect();
    let subjects: Vec<Subject<'_>> = registered.iter().map(|vm| subject(judge, vm)).collect();
    let protection = Protection::new(&given.vms, &subjects);
    let at = |place: &usize| given.vms.get(*place);
    let gone: Vec<&BackedUpVm> = protection.gone.iter().filter_map(at).collect();
    let mut report = BackupReport {
        complete: given.warnings.is_empty(),
        files: given.files.clone(),
        warnings: given.warnings.clone(),
        vms: u64::try_from(mentions(given.vms.iter()).len()).unwrap_or(u64::MAX),
        ..BackupReport::default()
    };
    for ((vm, of), perhaps) in registered.iter().zip(&protection.of).zip(&protection.perhaps) {
        let (id, name) = (vm.id.clone(), vm.name.clone());
        if of.is_empty() {
            let is_template = |&(inventory, row): &(usize, usize)| judge.world.inventories[inventory].vms[row].template;
            report.unprotected.push(UnprotectedVm {
                name,
                id,
                template: vm.rows.iter().any(is_template),
                perhaps: mentions(perhaps.iter().filter_map(at)),
            });
        } else {
            let backups = mentions(of.iter().filter_map(at));
            let last = backups.iter().filter_map(|backup| backup.last).max();
            report.protected.push(ProtectedVm {
                name,
                id,
                last,
                backups,
            });
        }
    }
    report.protected.sort();
    report.unprotected.sort();
    // Where no VM is registered all would seem gone.
    if judge.world.inventories.iter().any(|inventory| inventory.has_vm_list) {
        report.gone = mentions(gone.iter().copied());
    }
    add_to_groups(groups, &gone, &mut report);
    Some(report)
}

/// A VM of its own: a placeholder has no data, and what is not registered is no job's business.
fn is_to_protect(judge: &Judge<'_>, vm: &OwnerVm) -> bool {
    let is_placeholder = |&(inventory, row): &(usize, usize)| judge.world.inventories[inventory].vms[row].placeholder;
    vm.is_registered() && !vm.rows.iter().any(is_placeholder)
}

fn subject<'a>(judge: &Judge<'a>, vm: &'a OwnerVm) -> Subject<'a> {
    let own = vm.config.and_then(|config| own::vm_evidence(judge.world.files, config));
    let own = own.into_iter().flat_map(|own| [own.instance_id, own.bios_id]).flatten();
    let mut subject = Subject {
        ids: Uuid::parse_str(&vm.id).into_iter().chain(own).collect(),
        morefs: Vec::new(),
        names: vec![vm.name.as_str()],
    };
    for &(inventory, row) in &vm.rows {
        let row = &judge.world.inventories[inventory].vms[row];
        subject.ids.extend(row.instance_id);
        subject.ids.extend(row.bios_id);
        subject.morefs.extend(row.moref.as_deref());
        subject.names.push(&row.name);
    }
    subject
}

/// A backup of a registered VM does not hold what that VM no longer uses, so only those of VMs that are gone count here.
fn add_to_groups(groups: &mut [Group], gone: &[&BackedUpVm], report: &mut BackupReport) {
    let mut by_name: BTreeMap<String, Vec<&BackedUpVm>> = BTreeMap::new();
    let mut by_id: BTreeMap<String, Vec<&BackedUpVm>> = BTreeMap::new();
    for backup in gone {
        by_name.entry(name_key(&backup.name)).or_default().push(backup);
        if let Some(id) = backup.id {
            by_id.entry(id.to_string()).or_default().push(backup);
        }
    }
    let nobodys = groups
        .iter_mut()
        .filter(|group| matches!(group.verdict, Verdict::Orphaned | Verdict::Unregistered));
    for group in nobodys {
        let id = group.id.strip_prefix("vm:").and_then(|id| id.rsplit_once('/'));
        let of_id = id.and_then(|(id, _)| by_id.get(id)).into_iter().flatten();
        let names = names(group);
        let of_name = names.iter().filter_map(|name| by_name.get(name)).flatten();
        group.backups = mentions(of_id.chain(of_name).copied());
        if group.backups.is_empty() {
            report.unprotected_groups = report.unprotected_groups.saturating_add(1);
            report.unprotected_bytes = report.unprotected_bytes.saturating_add(group.allocated_bytes);
        }
    }
}

/// What the VM of a group was perhaps called: its owner, else the folder and the file that the group is called after.
fn names(group: &Group) -> BTreeSet<String> {
    if let Some(owner) = &group.owner {
        return BTreeSet::from([name_key(owner)]);
    }
    let (folder, file) = group.title.rsplit_once('/').unwrap_or(("", &group.title));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let folder = folder.rsplit('/').next().unwrap_or_default();
    [folder, stem]
        .into_iter()
        .map(name_key)
        .filter(|name| !name.is_empty())
        .collect()
}

/// Each VM and job once, with its last restore point.
fn mentions<'a>(backups: impl Iterator<Item = &'a BackedUpVm>) -> Vec<BackupMention> {
    let mut all: BTreeMap<(&str, Option<&str>), BackupMention> = BTreeMap::new();
    for backup in backups {
        let mention = all
            .entry((&backup.name, backup.job.as_deref()))
            .or_insert_with(|| BackupMention {
                name: backup.name.clone(),
                job: backup.job.clone(),
                last: None,
                source: backup.row.clone(),
            });
        mention.last = mention.last.max(backup.last);
    }
    all.into_values().collect()
}
