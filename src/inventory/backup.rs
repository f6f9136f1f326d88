//! What backups cover: objects of jobs and restore points of Veeam, and any list of VMs with a job or a last backup. Such
//! a list never proves that somebody owns a file; it says which VMs are protected, and until when.

use super::{BackedUpVm, json::Json, part::Part, text::unescape_name, vi};

/// Columns that name a VM.
pub(super) const NAMES: [&str; 8] = [
    "vmName",
    "vm",
    "vm name",
    "virtualMachine",
    "machine",
    "clientName",
    "client",
    "protectedObject",
];
/// Columns that say when it was backed up last.
pub(super) const TIMES: [&str; 9] = [
    "lastBackup",
    "last backup",
    "lastRestorePoint",
    "lastSuccessfulBackup",
    "lastPointCreationTime",
    "lastSnapshotTime",
    "latestRestorePoint",
    "lastDate",
    "last date",
];
/// Columns that say by which job.
pub(super) const JOBS: [&str; 7] = [
    "job",
    "jobName",
    "job name",
    "policy",
    "policyName",
    "slaDomain",
    "schedule",
];

/// Adds the rows of a list.
pub(super) fn add(part: &mut Part, list: Json<'_>, row: &str) {
    let mut containers = 0_usize;
    for (index, item) in list.objects().into_iter().enumerate() {
        let kind = item.first(&["viType", "objectType"]).text().unwrap_or("VirtualMachine");
        let is_excluded = item
            .get("type")
            .text()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("exclude"));
        if !["virtualmachine", "vm"].contains(&kind.to_ascii_lowercase().as_str()) {
            containers = containers.saturating_add(usize::from(!is_excluded));
            continue;
        }
        let name = item.first(&NAMES).string().or_else(|| item.get("name").string());
        let Some(name) = name.filter(|_| !is_excluded) else {
            continue;
        };
        let times = TIMES.iter().chain(&["creationTime"]).map(|name| item.get(name));
        part.backups.push(BackedUpVm {
            name: unescape_name(&name),
            moref: vi::moref(item.first(&["moref", "vmRef", "reference"])),
            id: item.first(&["instanceUuid", "vmId", "vmUuid"]).id(),
            job: item.first(&JOBS).string(),
            last: times.into_iter().find_map(Json::time).map(|said| said.at),
            row: item.row_name(row, index),
        });
    }
    if containers > 0 {
        part.warn(
            "jobs-by-container",
            format!("{row}: {containers} objects of jobs are folders, tags or clusters, which name no VM; add the list of restore points (Get-VBRBackup | Get-VBRRestorePoint)"),
        );
    }
}
