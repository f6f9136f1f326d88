//! `--redact`: the report without names, for those outside the house.
//!
//! Every part of every path, every name of a VM, host, datastore and inventory and every id becomes a number, the same
//! wherever the same text stands, so that references, groups and owners can still be followed. Of the name of a file
//! what the platforms add to it stays: their extensions, `-flat`, `-000001`. What people noted of a VM (its folder, its
//! owner, notes), facts and the source of a reason are left out, next steps too, and sentences are replaced by what their
//! code means, since both may quote anything.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    model::{ArtifactReport, BackupMention, BackupReport, Coverage, Problem, Reason, Report, Resolved, Vm},
    show,
};
use crate::{facts::Facts, raw::RawPath};

/// What divides a path into parts, in the words of any platform.
const SEPARATORS: [char; 4] = ['/', '\\', '[', ']'];
/// Endings that platforms add to the name of a disk before its extension.
const ENDINGS: [&str; 8] = [
    "-flat",
    "-delta",
    "-sesparse",
    "-ctk",
    "-digest",
    "-rdm",
    "-rdmp",
    "_digest",
];
/// Extensions that stay, in any case. Any other may be a name: `vc01.lab.contoso`.
const EXTENSIONS: [&str; 45] = [
    "avhd", "avhdx", "bin", "cer", "dat", "dsk", "flp", "gz", "hlog", "hrl", "hru", "img", "iso", "json", "lck", "log",
    "mf", "mrt", "nvram", "ova", "ovf", "psf", "qcow2", "rct", "slp", "vdi", "vhd", "vhdpmem", "vhds", "vhdx", "vmcx",
    "vmdk", "vmem", "vmgs", "vmrs", "vmsd", "vmsn", "vmss", "vmtx", "vmx", "vmxf", "vsv", "vswp", "xml", "zip",
];

/// Takes the names out of a report.
pub fn redact(report: &mut Report) {
    let mut names = Names::default();
    report.visit(&mut |text| names.learn(text));
    names.number();
    report.visit(&mut |text| names.replace(text));
    report.artifacts.iter_mut().for_each(forget_artifact);
    report.vms.iter_mut().for_each(forget_vm);
    report.problems.iter_mut().for_each(forget_problem);
    forget_coverage(&mut report.coverage);
    if let Some(backups) = &mut report.backups {
        forget_backups(backups);
    }
    for group in &mut report.groups {
        group.backups.iter_mut().for_each(forget_source);
    }
    for acceptance in &mut report.accepted {
        "accepted".clone_into(&mut acceptance.reason);
    }
    for opinion in &mut report.second_opinions {
        "redacted".clone_into(&mut opinion.why);
        opinion.opinion = opinion.opinion.take().map(|_| "redacted".to_owned());
        opinion.source.clear();
    }
    for group in &mut report.groups {
        group.owner_source = None;
    }
    report.summary.filter = report
        .summary
        .filter
        .take()
        .map(|_| "a filter, which is redacted".to_owned());
    sort(report);
}

/// A name and what stands for it.
#[derive(Default)]
struct Names {
    numbers: BTreeMap<String, usize>,
}

impl Names {
    fn learn(&mut self, text: &str) {
        for part in text.split(SEPARATORS) {
            let (stem, _) = divided(part);
            if !stem.is_empty() {
                self.numbers.insert(stem.to_owned(), 0);
            }
        }
    }

    /// Numbers in the order of the names: the same report gives the same numbers.
    fn number(&mut self) {
        for (number, slot) in (1..).zip(self.numbers.values_mut()) {
            *slot = number;
        }
    }

    fn replace(&self, text: &mut String) {
        let mut out = String::with_capacity(text.len());
        for piece in text.split_inclusive(SEPARATORS) {
            let (part, separator) = match piece.strip_suffix(SEPARATORS) {
                Some(part) => (part, piece.get(part.len()..).unwrap_or_default()),
                None => (piece, ""),
            };
            let blanks = part.get(..part.len() - part.trim_start().len()).unwrap_or_default();
            let (stem, rest) = divided(part);
            out.push_str(blanks);
            if let Some(number) = self.numbers.get(stem) {
                // Writing to a String cannot fail.
                let _ = write!(out, "name-{number}");
            }
            out.push_str(rest);
            out.push_str(separator);
        }
        *text = out;
    }
}

/// The name in a part of a path, and what the platform added to it.
fn divided(part: &str) -> (&str, &str) {
    let part = part.trim_start();
    if matches!(part, "" | "." | "..") {
        return ("", part);
    }
    let mut end = part.len();
    while let Some(shorter) = part.get(..end).and_then(without_extension) {
        end = shorter;
    }
    if end < part.len() {
        while let Some(shorter) = part.get(..end).and_then(without_ending) {
            end = shorter;
        }
    }
    part.split_at_checked(end).unwrap_or((part, ""))
}

/// Where the name ends before an extension; `None` where it has none.
fn without_extension(name: &str) -> Option<usize> {
    let (stem, extension) = name.rsplit_once('.')?;
    let is_kept = EXTENSIONS.iter().any(|kept| extension.eq_ignore_ascii_case(kept));
    Some(stem.len()).filter(|end| is_kept && *end > 0)
}

/// Where the name ends before an ending; `None` where it has none.
fn without_ending(name: &str) -> Option<usize> {
    let ending = ENDINGS
        .iter()
        .find(|ending| name.ends_with(**ending))
        .map(|ending| ending.len());
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let number = (digits == 6)
        .then_some(7)
        .filter(|_| name.get(..name.len() - digits).is_some_and(|name| name.ends_with('-')));
    let length = ending.or(number)?;
    name.len().checked_sub(length).filter(|end| *end > 0)
}

fn forget_artifact(artifact: &mut ArtifactReport) {
    artifact.facts = Facts::NONE;
    artifact.reasons.iter_mut().for_each(forget_reason);
}

fn forget_reason(reason: &mut Reason) {
    reason.code.meaning().clone_into(&mut reason.text);
    reason.source = None;
    reason.settles = None;
}

fn forget_vm(vm: &mut Vm) {
    vm.folder = None;
    vm.noted_owner = None;
    vm.notes = None;
    for problem in &mut vm.problems {
        problem.code.meaning().clone_into(&mut problem.text);
    }
}

fn forget_problem(problem: &mut Problem) {
    problem.code.meaning().clone_into(&mut problem.text);
    problem.next_step.clear();
    problem.reasons.iter_mut().for_each(forget_reason);
}

fn forget_backups(backups: &mut BackupReport) {
    backups.files.clear();
    backups.warnings.clear();
    let protected = backups.protected.iter_mut().flat_map(|vm| &mut vm.backups);
    let perhaps = backups.unprotected.iter_mut().flat_map(|vm| &mut vm.perhaps);
    protected
        .chain(perhaps)
        .chain(&mut backups.gone)
        .for_each(forget_source);
}

fn forget_source(backup: &mut BackupMention) {
    backup.source.clear();
}

fn forget_coverage(coverage: &mut Coverage) {
    for root in &mut coverage.roots {
        "redacted".clone_into(&mut root.identity_basis);
    }
    for issue in &mut coverage.issues {
        "redacted".clone_into(&mut issue.error);
    }
    for inventory in &mut coverage.inventories {
        inventory.files.clear();
        inventory.warnings.clear();
    }
    for gap in &mut coverage.gap_details {
        gap.code.meaning().clone_into(&mut gap.text);
    }
    coverage.gaps = coverage.gap_details.iter().map(show::gap).collect();
}

/// Puts the lists into their order again.
fn sort(report: &mut Report) {
    report.artifacts.sort_by(|a, b| a.path.cmp(&b.path));
    report.groups.iter_mut().for_each(|group| group.artifacts.sort());
    report.groups.sort_by(|a, b| a.id.cmp(&b.id));
    report.vms.iter_mut().for_each(|vm| vm.artifacts.sort());
    report.groups.iter_mut().for_each(|group| group.backups.sort());
    if let Some(backups) = &mut report.backups {
        backups.protected.sort();
        backups.unprotected.sort();
        backups.gone.sort();
    }
    report.vms.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    report
        .problems
        .sort_by(|a, b| (a.severity, a.code, &a.subject).cmp(&(b.severity, b.code, &b.subject)));
}

/// Everything in a report that names something.
trait Named {
    fn visit(&mut self, name: &mut dyn FnMut(&mut String));
}

impl Named for RawPath {
    fn visit(&mut self, name: &mut dyn FnMut(&mut String)) {
        let mut text = crate::sanitize::path(self).into_owned();
        name(&mut text);
        *self = RawPath::from(text.as_str());
    }
}

impl Named for Option<String> {
    fn visit(&mut self, name: &mut dyn FnMut(&mut String)) {
        self.iter_mut().for_each(name);
    }
}

impl Named for Vec<String> {
    fn visit(&mut self, name: &mut dyn FnMut(&mut String)) {
        self.iter_mut().for_each(name);
    }
}

impl Named for Report {
    fn visit(&mut self, name: &mut dyn FnMut(&mut String)) {
        for artifact in &mut self.artifacts {
            artifact.visit(name);
        }
        for group in &mut self.groups {
            name(&mut group.id);
            name(&mut group.title);
            group.owner.visit(name);
            group.artifacts.iter_mut().for_each(|path| path.visit(name));
        }
        for vm in &mut self.vms {
            vm.visit(name);
        }
        for problem in &mut self.problems {
            name(&mut problem.subject);
        }
        for acceptance in &mut self.accepted {
            acceptance.by.visit(name);
        }
        for opinion in &mut self.second_opinions {
            opinion.path.visit(name);
            opinion.artifact.iter_mut().for_each(|path| path.visit(name));
        }
        for group in &mut self.groups {
            group.backups.visit(name);
        }
        if let Some(backups) = &mut self.backups {
            backups.visit(name);
        }
        self.coverage.visit(name);
        for by_datastore in [&mut self.summary.datastores, &mut self.summary.datastore_classes] {
            *by_datastore = std::mem::take(by_datastore)
                .into_iter()
                .map(|(mut datastore, sums)| {
                    name(&mut datastore);
                    (datastore, sums)
                })
                .collect();
        }
    }
}

impl Named for ArtifactReport {
    fn visit(&mut self, name: &mut dyn FnMut(&mut String)) {
        for path in [&mut self.path, &mut self.root, &mut self.relative_path] {
            path.visit(name);
        }
        name(&mut self.datastore);
        self.group.visit(name);
        for owner in &mut self.owners {
            name(&mut owner.id);
            name(&mut owner.name);
        }
        for by in &mut self.referenced_by {
            by.path.visit(name);
        }
        for reference in &mut self.references {
            reference.path.visit(name);
            if let Resolved::Path(path) = &mut reference.resolved {
                path.visit(name);
            }
        }
    }
}

impl Named for Vec<BackupMention> {
    fn visit(&mut self, name: &mut dyn FnMut(&mut String)) {
        for backup in self {
            name(&mut backup.name);
            backup.job.visit(name);
        }
    }
}

impl Named for BackupReport {
    fn visit(&mut self, name: &mut dyn FnMut(&mut String)) {
        for vm in &mut self.protected {
            name(&mut vm.id);
            name(&mut vm.name);
            vm.backups.visit(name);
        }
        for vm in &mut self.unprotected {
            name(&mut vm.id);
            name(&mut vm.name);
            vm.perhaps.visit(name);
        }
        self.gone.visit(name);
    }
}

impl Named for Vm {
    fn visit(&mut self, name: &mut dyn FnMut(&mut String)) {
        name(&mut self.id);
        name(&mut self.name);
        self.inventories.visit(name);
        self.host.visit(name);
        if let Some(config) = &mut self.config {
            config.visit(name);
        }
        self.artifacts.iter_mut().for_each(|path| path.visit(name));
        self.missing.iter_mut().for_each(|missing| missing.path.visit(name));
    }
}

impl Named for Coverage {
    fn visit(&mut self, name: &mut dyn FnMut(&mut String)) {
        for root in &mut self.roots {
            root.path.visit(name);
            name(&mut root.datastore);
            root.aliases.visit(name);
            root.skipped.iter_mut().for_each(|skipped| skipped.path.visit(name));
            root.empty_folders.iter_mut().for_each(|folder| folder.visit(name));
        }
        self.issues.iter_mut().for_each(|issue| issue.path.visit(name));
        for inventory in &mut self.inventories {
            name(&mut inventory.source);
            inventory.scope.datastores.visit(name);
            inventory.scope.hosts.visit(name);
        }
        self.gap_details.iter_mut().for_each(|gap| gap.datastores.visit(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{explain, sample, schema};

    #[test]
    fn the_name_goes_and_what_the_platform_added_stays() {
        for (part, name, rest) in [
            ("web01-flat.vmdk", "web01", "-flat.vmdk"),
            ("web01-000001-sesparse.vmdk", "web01", "-000001-sesparse.vmdk"),
            ("web01_2.vmdk", "web01_2", ".vmdk"),
            ("web01.vhdx.rct", "web01", ".vhdx.rct"),
            ("17E1A559.VMRS", "17E1A559", ".VMRS"),
            ("esx01.lab.example", "esx01.lab.example", ""),
            ("payroll.acme", "payroll.acme", ""),
            ("Dateiserver Köln", "Dateiserver Köln", ""),
            (".lck-4701ffff", ".lck-4701ffff", ""),
            ("..", "", ".."),
        ] {
            assert_eq!(divided(part), (name, rest), "{part}");
        }
    }

    #[test]
    fn no_name_is_left_anywhere_and_the_report_is_still_one() {
        let mut report = sample::report();
        report.vms[1].notes = Some("ask Müller about web01".to_owned());
        report.vms[1].host = Some("hv01.lab.contoso".to_owned());
        redact(&mut report);
        let text = serde_json::to_string(&report).unwrap().to_lowercase();
        for name in [
            "web0",
            "old/",
            "san-",
            "nfs01",
            "vc01",
            "esx1",
            "broken01",
            "contoso",
            "müller",
            "prod",
            "rvtools.xlsx",
            "/mnt",
        ] {
            assert!(!text.contains(name), "{name} is left in {text}");
        }
        let schema = serde_json::to_value(schema::schema()).unwrap();
        assert!(jsonschema::draft202012::is_valid(
            &schema,
            &serde_json::to_value(&report).unwrap()
        ));
        assert!(report.artifacts.is_sorted_by(|a, b| a.path <= b.path));
    }

    #[test]
    fn what_belonged_together_still_does() {
        let mut report = sample::report();
        redact(&mut report);
        let flat = report
            .artifacts
            .iter()
            .find(|artifact| artifact.relative_path.lossy().ends_with("-flat.vmdk"))
            .unwrap();
        let descriptor = &flat.referenced_by[0].path;
        assert!(report.artifacts.iter().any(|artifact| artifact.path == *descriptor));
        let group = report
            .groups
            .iter()
            .find(|group| Some(&group.id) == flat.group.as_ref())
            .unwrap();
        assert!(group.artifacts.contains(&flat.path));
        let wanted = flat.path.as_bytes().to_vec();
        assert!(matches!(explain::find(&report, &wanted), explain::Found::One(_)));
        let owner = report
            .artifacts
            .iter()
            .find_map(|artifact| artifact.owners.first())
            .unwrap();
        assert!(report.vms.iter().any(|vm| vm.id == owner.id && vm.name == owner.name));
    }
}
