//! Lists of backup products: what they add to the report, and that they change no verdict.

use derelict::inventory::BackedUpVm;
use derelict::report::model::BackupReport;

use super::support::{Export, Judged, Site, at, listed_backup, row_of, vcenter, vm_id};

/// A registered VM, one that nobody registers, and a disk that belongs to nobody.
fn site() -> Site {
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "db")
        .vm("ds1", "old")
        .disk("ds1/gone/gone")
        .disk("ds1/never/never")
        .inventory(vcenter().vm(row_of("web")).vm(row_of("db")))
}

fn report(judged: &Judged) -> &BackupReport {
    judged.report.backups.as_ref().unwrap()
}

#[test]
fn registered_vms_without_a_backup_and_backups_without_a_vm_are_named() {
    let judged = site()
        .backups(&[
            BackedUpVm {
                id: Some(vm_id("web")),
                ..listed_backup("another name", Some("2025-05-01T00:00:00Z"))
            },
            listed_backup("another name", Some("2025-05-03T00:00:00Z")),
            listed_backup("Gone", Some("2024-01-01T00:00:00Z")),
        ])
        .judge();
    let backups = report(&judged);
    let protected: Vec<_> = backups.protected.iter().map(|vm| (vm.name.as_str(), vm.last)).collect();
    assert_eq!(
        protected,
        [("web", Some(at("2025-05-01T00:00:00Z")))],
        "by its id, whatever it is called"
    );
    let bare: Vec<&str> = backups.unprotected.iter().map(|vm| vm.name.as_str()).collect();
    assert_eq!(bare, ["db"], "a VM that nobody registers is no job's business");
    let gone: Vec<&str> = backups.gone.iter().map(|backup| backup.name.as_str()).collect();
    assert_eq!(gone, ["Gone", "another name"]);
}

#[test]
fn of_what_belongs_to_nobody_it_is_said_whether_a_backup_bears_the_name() {
    let judged = site()
        .backups(&[
            listed_backup("GONE", None),
            listed_backup("old", None),
            listed_backup("web", None),
        ])
        .judge();
    judged.is("ds1/gone/gone.vmdk", "orphaned/deleted-vm-disk");
    let backups_of = |title: &str| {
        let group = judged.report.groups.iter().find(|group| group.title == title);
        group
            .unwrap_or_else(|| panic!("no group {title}"))
            .backups
            .iter()
            .map(|b| b.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(backups_of("gone/gone.vmdk"), ["GONE"]);
    assert_eq!(backups_of("old"), ["old"]);
    assert!(backups_of("never/never.vmdk").is_empty());
    assert!(backups_of("web").is_empty(), "what somebody owns is no orphan");
    assert_eq!(report(&judged).unprotected_groups, 1);
}

#[test]
fn a_backup_of_a_registered_vm_does_not_protect_a_disk_that_it_left_behind() {
    let judged = site()
        .disk("ds1/web/left")
        .backups(&[listed_backup("web", None)])
        .judge();
    let left = judged
        .report
        .groups
        .iter()
        .find(|group| group.title == "web/left.vmdk")
        .unwrap();
    assert!(left.backups.is_empty());
}

#[test]
fn backups_change_no_verdict() {
    let names = ["web", "db", "old", "gone", "never"];
    let backups: Vec<BackedUpVm> = names.iter().map(|name| listed_backup(name, None)).collect();
    let with = site().backups(&backups).judge();
    let without = site().judge();
    let verdicts = |judged: &Judged| -> Vec<_> {
        let all = judged.report.artifacts.iter();
        all.map(|artifact| {
            (
                artifact.relative_path.clone(),
                artifact.verdict,
                artifact.class,
                artifact.reclaim,
            )
        })
        .collect()
    };
    assert_eq!(verdicts(&with), verdicts(&without));
    assert_eq!(without.report.backups, None);
}

#[test]
fn without_a_list_of_vms_no_backup_is_called_one_of_a_vm_that_is_gone() {
    let judged = Site::vmware()
        .vm("ds1", "web")
        .backups(&[listed_backup("web", None)])
        .judge();
    assert!(report(&judged).gone.is_empty());
}
