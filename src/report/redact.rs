//! `--redact`: the report without names, for those outside the house.
//!
//! Every part of every path, every name of a VM, host, datastore and inventory and every id becomes a number, the same
//! wherever the same text stands, so that references, groups and owners can still be followed. Of the name of a file
//! what the platforms add to it stays: their extensions, `-flat`, `-000001`. What people noted of a VM (its folder, its
//! owner, notes), facts and the source of a reason are left out, next steps too, and sentences are replaced by what their
//! code means, since both may quote anything.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fmt::Write as _,
    io,
};

use rayon::{
    iter::{IntoParallelIterator, ParallelIterator},
    slice::ParallelSliceMut,
};

use super::{
    model::{
        ArtifactReport, Artifacts, BackupMention, BackupReport, Coverage, Problem, Reason, Report, Resolved, Verdict,
        Vm,
    },
    show,
};
use crate::{facts::Facts, in_order::write_in_order, raw::RawPath};

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

/// Takes the names out of a report. The artifacts are looked at one by one: first for their names, then for their order,
/// and whenever they are asked for.
pub fn redact<A: Artifacts>(mut report: Report<A>) -> Report<Redacted<A>> {
    let mut found = names_of(&report.artifacts);
    report.visit(&mut |text| {
        learn(text, &mut found);
        None
    });
    let names = Names::new(found);
    report.visit(&mut |text| Some(names.replace(text)));
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
    sort(&mut report);
    report.with_artifacts(|artifacts| Redacted::new(artifacts, names))
}

/// The artifacts of a report without names, each made when it is asked for.
#[derive(Debug)]
pub struct Redacted<A> {
    artifacts: A,
    names: Names,
    /// The places of those with names, in the order of their paths.
    order: Vec<(usize, Verdict)>,
}

impl<A: Artifacts> Redacted<A> {
    fn new(artifacts: A, names: Names) -> Self {
        let places = (0..artifacts.count()).into_par_iter();
        let key = |place: usize| {
            let mut artifact = artifacts.at(place)?.into_owned();
            artifact.path.visit(&mut |text| Some(names.replace(text)));
            Some((artifact.path, (place, artifact.verdict)))
        };
        let mut keys: Vec<(RawPath, (usize, Verdict))> = places.filter_map(key).collect();
        keys.par_sort_by(|(one, _), (other, _)| one.cmp(other));
        let order = keys.into_iter().map(|(_, place)| place).collect();
        Self {
            artifacts,
            names,
            order,
        }
    }

    fn redacted(&self, place: usize) -> Option<ArtifactReport> {
        let mut artifact = self.artifacts.at(place)?.into_owned();
        artifact.visit(&mut |text| Some(self.names.replace(text)));
        artifact.facts = Facts::NONE;
        artifact.reasons.iter_mut().for_each(forget_reason);
        Some(artifact)
    }
}

impl<A: Artifacts> Artifacts for Redacted<A> {
    fn count(&self) -> usize {
        self.order.len()
    }

    fn with(&self, wanted: impl Fn(Verdict) -> bool) -> impl Iterator<Item = Cow<'_, ArtifactReport>> {
        let found = self.order.iter().filter(move |(_, verdict)| wanted(*verdict));
        found.filter_map(|(place, _)| self.redacted(*place).map(Cow::Owned))
    }

    fn write_each(
        &self,
        render: impl Fn(&ArtifactReport, &mut Vec<u8>) -> io::Result<()> + Sync,
        write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let redacted = |(place, _): &(usize, Verdict), text: &mut Vec<u8>| match self.redacted(*place) {
            Some(artifact) => render(&artifact, text),
            None => Ok(()),
        };
        write_in_order(&self.order, redacted, write)
    }

    fn paths(&self) -> impl Iterator<Item = Cow<'_, RawPath>> {
        self.all().map(|artifact| Cow::Owned(artifact.into_owned().path))
    }

    fn at(&self, place: usize) -> Option<Cow<'_, ArtifactReport>> {
        let (place, _) = self.order.get(place)?;
        self.redacted(*place).map(Cow::Owned)
    }

    fn keep(&mut self, mut wanted: impl FnMut(&ArtifactReport) -> bool) {
        let mut order = std::mem::take(&mut self.order);
        order.retain(|(place, _)| self.redacted(*place).is_some_and(|artifact| wanted(&artifact)));
        self.order = order;
    }
}

/// The names in all artifacts.
fn names_of(artifacts: &impl Artifacts) -> HashSet<String> {
    let places = (0..artifacts.count()).into_par_iter();
    let found = places.fold(HashSet::new, |mut found, place| {
        if let Some(artifact) = artifacts.at(place) {
            artifact.into_owned().visit(&mut |text| {
                learn(text, &mut found);
                None
            });
        }
        found
    });
    found.reduce(HashSet::new, |mut one, mut other| {
        if one.len() < other.len() {
            std::mem::swap(&mut one, &mut other);
        }
        one.extend(other);
        one
    })
}

fn learn(text: &str, found: &mut HashSet<String>) {
    for part in text.split(SEPARATORS) {
        let (stem, _) = divided(part);
        if !stem.is_empty() && !found.contains(stem) {
            found.insert(stem.to_owned());
        }
    }
}

/// A name and what stands for it.
#[derive(Debug)]
struct Names {
    numbers: HashMap<String, usize>,
}

impl Names {
    /// Numbers in the order of the names: the same report gives the same numbers.
    fn new(found: HashSet<String>) -> Self {
        let mut found: Vec<String> = found.into_iter().collect();
        found.par_sort_unstable();
        Self {
            numbers: found.into_iter().zip(1..).collect(),
        }
    }

    fn replace(&self, text: &str) -> String {
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
        out
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
fn sort<A>(report: &mut Report<A>) {
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

/// What a name is to be called instead; `None` where it stays.
type Rename<'a> = &'a mut dyn FnMut(&str) -> Option<String>;

/// Everything in a report that names something.
trait Named {
    fn visit(&mut self, name: Rename<'_>);
}

impl Named for String {
    fn visit(&mut self, name: Rename<'_>) {
        if let Some(new) = name(self) {
            *self = new;
        }
    }
}

impl Named for RawPath {
    fn visit(&mut self, name: Rename<'_>) {
        if let Some(new) = name(&crate::sanitize::path(self)) {
            *self = RawPath::from(new.as_str());
        }
    }
}

impl Named for Option<String> {
    fn visit(&mut self, name: Rename<'_>) {
        if let Some(text) = self {
            text.visit(name);
        }
    }
}

impl Named for Vec<String> {
    fn visit(&mut self, name: Rename<'_>) {
        for text in self {
            text.visit(name);
        }
    }
}

/// All but its artifacts.
impl<A> Named for Report<A> {
    fn visit(&mut self, name: Rename<'_>) {
        for group in &mut self.groups {
            group.id.visit(name);
            group.title.visit(name);
            group.owner.visit(name);
            group.artifacts.iter_mut().for_each(|path| path.visit(name));
        }
        for vm in &mut self.vms {
            vm.visit(name);
        }
        for problem in &mut self.problems {
            problem.subject.visit(name);
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
                    datastore.visit(name);
                    (datastore, sums)
                })
                .collect();
        }
    }
}

impl Named for ArtifactReport {
    fn visit(&mut self, name: Rename<'_>) {
        for path in [&mut self.path, &mut self.root, &mut self.relative_path] {
            path.visit(name);
        }
        self.datastore.visit(name);
        self.group.visit(name);
        for owner in &mut self.owners {
            owner.id.visit(name);
            owner.name.visit(name);
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
    fn visit(&mut self, name: Rename<'_>) {
        for backup in self {
            backup.name.visit(name);
            backup.job.visit(name);
        }
    }
}

impl Named for BackupReport {
    fn visit(&mut self, name: Rename<'_>) {
        for vm in &mut self.protected {
            vm.id.visit(name);
            vm.name.visit(name);
            vm.backups.visit(name);
        }
        for vm in &mut self.unprotected {
            vm.id.visit(name);
            vm.name.visit(name);
            vm.perhaps.visit(name);
        }
        self.gone.visit(name);
    }
}

impl Named for Vm {
    fn visit(&mut self, name: Rename<'_>) {
        self.id.visit(name);
        self.name.visit(name);
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
    fn visit(&mut self, name: Rename<'_>) {
        for root in &mut self.roots {
            root.path.visit(name);
            if let Some(absolute) = &mut root.absolute {
                absolute.visit(name);
            }
            root.datastore.visit(name);
            root.aliases.visit(name);
            root.skipped.iter_mut().for_each(|skipped| skipped.path.visit(name));
            root.empty_folders.iter_mut().for_each(|folder| folder.visit(name));
        }
        self.issues.iter_mut().for_each(|issue| issue.path.visit(name));
        for inventory in &mut self.inventories {
            inventory.source.visit(name);
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
        let report = redact(report).listed();
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
        let report = redact(sample::report()).listed();
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
