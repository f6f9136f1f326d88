//! What was understood of the exports, for people.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use jiff::{SpanRelativeTo, SpanRound, Timestamp, Unit};

use super::{
    Imported, Inventory, Listing, Registration,
    protection::{Protection, Subject},
};
use crate::{kind::Role, report::show, sanitize, words::count};

/// Writes what was understood of the exports.
///
/// # Errors
/// When the output cannot be written.
pub fn describe(imported: &Imported, out: &mut dyn Write) -> io::Result<()> {
    for inventory in &imported.inventories {
        describe_one(inventory, out)?;
    }
    if !imported.issues.is_empty() {
        writeln!(out, "Not imported")?;
        for issue in &imported.issues {
            writeln!(
                out,
                "  {}: {}",
                sanitize::text(&issue.path.lossy()),
                sanitize::text(&issue.error)
            )?;
        }
        writeln!(out)?;
    }
    if !imported.backup_files.is_empty() || !imported.backups.is_empty() {
        backups(imported, out)?;
    }
    if !imported.detected.is_empty() {
        writeln!(out, "Files")?;
    }
    for file in &imported.detected {
        let kind = file.kind.map_or("-", super::InventoryKind::name);
        writeln!(
            out,
            "  {kind:<18} {}: {}",
            sanitize::text(&file.path.lossy()),
            sanitize::text(&file.why)
        )?;
    }
    Ok(())
}

fn describe_one(inventory: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Inventory {}", sanitize::text(&inventory.source))?;
    line(out, "platform", inventory.platform.title())?;
    let kinds: Vec<&str> = inventory.kinds.iter().map(|kind| kind.name()).collect();
    line(
        out,
        "made from",
        &format!("{} ({})", kinds.join(", "), counted(inventory.files.len(), "file")),
    )?;
    line(out, "taken", &taken(inventory))?;
    line(out, "VMs", &vms(inventory))?;
    line(out, "disks", &disks(inventory))?;
    line(out, "scope", &scope(inventory))?;
    datastores(inventory, out)?;
    for (class, count) in object_counts(inventory) {
        line(out, class, &count.to_string())?;
    }
    for (name, text) in observations(inventory) {
        line(out, name, &text)?;
    }
    for node in &inventory.missing_hosts {
        line(out, "missing", &format!("the VMs of node {node}"))?;
    }
    for vm in &inventory.cluster_vms {
        line(
            out,
            "missing",
            &format!("the row of clustered VM {} {}", vm.id, vm.name),
        )?;
    }
    for missing in missing(inventory) {
        line(out, "missing", &missing)?;
    }
    for missing in &inventory.missing_columns {
        let text = format!("{}: {}: {}", missing.list, missing.column, missing.cost);
        line(out, "missing column", &text)?;
    }
    for warning in &inventory.warnings {
        let weight = if warning.caps {
            "keeps \"nobody\" from being said"
        } else {
            "note"
        };
        line(
            out,
            "warning",
            &format!("{} ({weight}): {}", warning.code, warning.text),
        )?;
    }
    writeln!(out)
}

fn line(out: &mut dyn Write, name: &str, text: &str) -> io::Result<()> {
    writeln!(out, "  {name:<16} {}", sanitize::text(text))
}

fn taken(inventory: &Inventory) -> String {
    let Some(collected) = inventory.collected else {
        return "at an unknown time".to_owned();
    };
    let basis = if inventory.collected_is_file_time {
        ", which is the time of its file"
    } else if inventory.collected_from.is_some() {
        " by a local time without a zone"
    } else {
        ""
    };
    let days = SpanRelativeTo::days_are_24_hours();
    let round = SpanRound::new()
        .largest(Unit::Day)
        .smallest(Unit::Minute)
        .relative(days);
    let age = (Timestamp::now() - collected).round(round);
    let age = age.map(|age| format!(" ({age:#} ago)")).unwrap_or_default();
    format!("{}{basis}{age}", collected.strftime("%Y-%m-%d %H:%M UTC"))
}

fn counted(number: usize, noun: &str) -> String {
    show::count(u64::try_from(number).unwrap_or(u64::MAX), noun)
}

fn vms(inventory: &Inventory) -> String {
    if !inventory.has_vm_list {
        return "no list of VMs".to_owned();
    }
    let count = |is: fn(&Registration) -> bool| inventory.vms.iter().filter(|vm| is(vm)).count();
    let total = inventory.vms.len().to_string();
    let kinds = [
        (count(|vm| vm.template), "template"),
        (count(|vm| vm.placeholder), "placeholder"),
    ];
    let kinds = kinds
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| counted(number, what));
    let parts = [
        (count(|vm| vm.has_snapshots), "with snapshots"),
        (
            count(|vm| !vm.has_configuration),
            "without a configuration in the export",
        ),
        (
            count(|vm| vm.listing == Listing::WholeChains),
            "with all their files listed",
        ),
        (
            count(|vm| vm.listing == Listing::LeafDisks),
            "with their current disks listed",
        ),
        (
            count(|vm| vm.listing == Listing::ConfigOnly),
            "with their configuration alone",
        ),
    ];
    let named = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"));
    std::iter::once(total)
        .chain(kinds)
        .chain(named)
        .collect::<Vec<_>>()
        .join(", ")
}

fn disks(inventory: &Inventory) -> String {
    let of_role = |role: Role| {
        inventory
            .vms
            .iter()
            .flat_map(|vm| &vm.files)
            .filter(|file| file.role == role)
            .count()
    };
    let passthrough: usize = inventory.vms.iter().map(|vm| vm.fileless_disks.len()).sum();
    format!(
        "{}, {} listed apart, {}",
        counted(of_role(Role::Disk), "disk file"),
        counted(of_role(Role::Parent), "parent"),
        counted(passthrough, "pass-through disk")
    )
}

fn scope(inventory: &Inventory) -> String {
    let hosts: Vec<&str> = inventory.hosts.iter().map(|host| host.name.as_str()).collect();
    match hosts.as_slice() {
        [] => "no host is named".to_owned(),
        hosts => format!("{}: {}", counted(hosts.len(), "host"), hosts.join(", ")),
    }
}

fn datastores(inventory: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    line(out, "datastores", &inventory.datastores.len().to_string())?;
    for datastore in &inventory.datastores {
        let kind = datastore.kind.as_deref().unwrap_or("-");
        let text = format!("{} [{kind}] {}", datastore.name, datastore.aliases.join(", "));
        writeln!(out, "    {}", sanitize::text(text.trim_end()))?;
    }
    Ok(())
}

fn object_counts(inventory: &Inventory) -> BTreeMap<&str, usize> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in &inventory.objects {
        let count = counts.entry(object.class.as_str()).or_default();
        *count = count.saturating_add(1);
    }
    counts
}

/// What was seen beside registrations.
fn observations(inventory: &Inventory) -> Vec<(&'static str, String)> {
    let seen = &inventory.observations;
    let granted: BTreeSet<_> = seen.grants.iter().map(|grant| grant.vm).collect();
    [
        ("listed files", seen.files.len(), String::new()),
        (
            "other names",
            seen.other_names.len(),
            " of folders and volumes".to_owned(),
        ),
        ("open files", seen.open_files.len(), String::new()),
        (
            "granted files",
            seen.grants.len(),
            format!(" to {}", count(granted.len(), "VM", "VMs")),
        ),
        ("compute systems", seen.compute_systems.len(), String::new()),
        (
            "second opinions",
            seen.findings.len(),
            " of another tool; they are not evidence".to_owned(),
        ),
    ]
    .into_iter()
    .filter(|(_, count, _)| *count > 0)
    .map(|(name, count, more)| (name, format!("{count}{more}")))
    .collect()
}

/// What backups cover, and which registered VMs none does.
fn backups(imported: &Imported, out: &mut dyn Write) -> io::Result<()> {
    let vms: Vec<&Registration> = imported
        .inventories
        .iter()
        .flat_map(|inventory| &inventory.vms)
        .collect();
    let subjects: Vec<Subject<'_>> = vms.iter().map(|vm| subject(vm)).collect();
    let protection = Protection::new(&imported.backups, &subjects);
    let of_backups: BTreeSet<&str> = imported.backups.iter().map(|backup| backup.name.as_str()).collect();
    let gone = imported
        .backups
        .iter()
        .enumerate()
        .filter(|(place, _)| protection.gone.contains(place));
    let gone: BTreeSet<&str> = gone.map(|(_, backup)| backup.name.as_str()).collect();
    let bare = vms
        .iter()
        .zip(&protection.of)
        .filter(|(vm, of)| of.is_empty() && !vm.placeholder);
    let bare: BTreeSet<&str> = bare.map(|(vm, _)| vm.name.as_str()).collect();
    writeln!(out, "Backups")?;
    line(out, "protected", &count(of_backups.len(), "VM", "VMs"))?;
    if !vms.is_empty() {
        line(out, "not protected", &some_of(&bare))?;
        line(out, "gone", &some_of(&gone))?;
    }
    for warning in &imported.backup_warnings {
        line(out, "warning", &format!("{}: {}", warning.code, warning.text))?;
    }
    writeln!(out)
}

fn subject(vm: &Registration) -> Subject<'_> {
    Subject {
        ids: vm.instance_id.into_iter().chain(vm.bios_id).collect(),
        morefs: vm.moref.as_deref().into_iter().collect(),
        names: vec![&vm.name],
    }
}

/// How many names there are, and the first of them.
fn some_of(names: &BTreeSet<&str>) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<&str> = names.iter().copied().take(SHOWN).collect();
    let more = if names.len() > SHOWN { ", …" } else { "" };
    match names.len() {
        0 => "none".to_owned(),
        count => format!("{count}: {}{more}", shown.join(", ")),
    }
}

/// What a complete picture of this platform has and this inventory has not, and what that costs.
fn missing(inventory: &Inventory) -> Vec<String> {
    let vmware = inventory.platform == crate::kind::Platform::Vmware;
    let configs = inventory.vms.iter().filter(|vm| vm.config.is_none()).count();
    [
        (
            !inventory.has_vm_list,
            "a list of VMs: nothing is covered, so no file is called orphaned on its word",
        ),
        (
            inventory.datastores.is_empty(),
            "a list of datastores with their UUIDs or mount paths: a path by UUID is not matched with one by label",
        ),
        (
            vmware && inventory.fcd_scope.is_empty(),
            "First Class Disks (govc disk.ls): files in fcd/ stay service or unknown, leaked ones are not found",
        ),
        (
            vmware && !inventory.has_library_list,
            "content libraries (govc library.ls): files in contentlib-… stay service, leftovers are not found",
        ),
        (
            !vmware && !inventory.has_cluster_list && inventory.vms.iter().any(|vm| vm.clustered),
            "the cluster's resources: VMs of a node that was down cannot be seen to be missing",
        ),
        (
            inventory.has_vm_list && configs > 0,
            "the path of the configuration of some VMs: their folders stay unknown",
        ),
        (
            inventory.has_vm_list && inventory.vms.iter().any(|vm| vm.listing < Listing::WholeChains),
            "whole chains of disks of some VMs: parents and snapshots are owned only where the files themselves can be read",
        ),
        (
            inventory.collected_is_file_time,
            "the time of the export: that of its file is taken, newer files stay unknown, and the confidence is lower for those of the month before",
        ),
        (
            inventory.collected_from.is_some(),
            "the zone of its time: files of the fourteen hours before stay unknown",
        ),
    ]
    .into_iter()
    .filter(|(is_missing, _)| *is_missing)
    .map(|(_, what)| what.to_owned())
    .collect()
}
