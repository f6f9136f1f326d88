//! `--redact`: the report without names, for those outside the house.
//!
//! Every part of every path, every name of a VM, host, datastore and inventory and every id becomes a number, the same
//! wherever the same text stands, so that references, groups and owners can still be followed. Of the name of a file
//! what the platforms add to it stays: their extensions, `-flat`, `-000001`. What people noted of a VM (its folder, its
//! owner, notes), facts and the source of a reason are left out, next steps too, and sentences are replaced by what their
//! code means, since both may quote anything.

use std::{borrow::Cow, fmt::Write as _, hash::BuildHasher, io, ops::Range};

use hashbrown::{DefaultHashBuilder, HashTable};
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
use crate::{facts::Facts, in_order::write_in_order, raw::RawPath, sanitize};

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
        found.learn(text);
        None
    });
    let names = found.numbered();
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
    /// The places of those with names, in the order of their paths here.
    order: Vec<usize>,
}

impl<A: Artifacts> Redacted<A> {
    fn new(artifacts: A, names: Names) -> Self {
        let order = order(&artifacts, &names);
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
        let has_wanted = move |place: &&usize| self.artifacts.verdict_at(**place).is_some_and(&wanted);
        let found = self.order.iter().filter(has_wanted);
        found.filter_map(|place| self.redacted(*place).map(Cow::Owned))
    }

    fn write_each(
        &self,
        render: impl Fn(&ArtifactReport, &mut Vec<u8>) -> io::Result<()> + Sync,
        write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let redacted = |place: &usize, text: &mut Vec<u8>| match self.redacted(*place) {
            Some(artifact) => render(&artifact, text),
            None => Ok(()),
        };
        write_in_order(&self.order, redacted, write)
    }

    fn paths(&self) -> impl Iterator<Item = Cow<'_, RawPath>> {
        (0..self.count()).filter_map(|place| self.path_at(place))
    }

    fn at(&self, place: usize) -> Option<Cow<'_, ArtifactReport>> {
        self.redacted(*self.order.get(place)?).map(Cow::Owned)
    }

    fn path_at(&self, place: usize) -> Option<Cow<'_, RawPath>> {
        let path = self.artifacts.path_at(*self.order.get(place)?)?;
        Some(Cow::Owned(RawPath::new(self.names.replace(&sanitize::path(&path)))))
    }

    fn verdict_at(&self, place: usize) -> Option<Verdict> {
        self.artifacts.verdict_at(*self.order.get(place)?)
    }

    fn keep(&mut self, mut wanted: impl FnMut(&ArtifactReport) -> bool) {
        let mut order = std::mem::take(&mut self.order);
        order.retain(|place| self.redacted(*place).is_some_and(|artifact| wanted(&artifact)));
        self.order = order;
    }
}

/// The places of artifacts in the order of their paths with other names. What lies below one folder stands together in both
/// orders, so that the names in one folder are all that is at hand at a time: a million paths would take too much memory.
fn order(artifacts: &impl Artifacts, names: &Names) -> Vec<usize> {
    let path = |place: usize| artifacts.path_at(place).unwrap_or_default();
    let mut order = Vec::with_capacity(artifacts.count());
    // What is to be put in order, the first of it last: one artifact, or all below a folder whose path has so many bytes.
    let mut open = vec![(0..artifacts.count(), Some(0))];
    while let Some((places, above)) = open.pop() {
        let Some(above) = above else {
            order.extend(places);
            continue;
        };
        let mut found = Vec::new();
        let mut place = places.start;
        while place < places.end {
            let first = path(place);
            let below = first.as_bytes().get(above..).unwrap_or_default();
            let end_of_folder = below
                .iter()
                .position(|&byte| byte == b'/')
                .map(|length| above + length + 1);
            let end = match end_of_folder.and_then(|end| first.as_bytes().get(..end)) {
                Some(folder) => first_without(place + 1..places.end, |place| {
                    path(place).as_bytes().starts_with(folder)
                }),
                None => place + 1,
            };
            let part = first
                .as_bytes()
                .get(above..end_of_folder.unwrap_or(first.as_bytes().len()));
            let part = RawPath::new(part.unwrap_or_default());
            found.push((names.replace(&sanitize::path(&part)), (place..end, end_of_folder)));
            place = end;
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        open.extend(found.into_iter().rev().map(|(_, what)| what));
    }
    order
}

/// The first place that no longer has what all before it have.
fn first_without(places: Range<usize>, has_it: impl Fn(usize) -> bool) -> usize {
    let Range { mut start, mut end } = places;
    while start < end {
        let middle = start + (end - start) / 2;
        if has_it(middle) {
            start = middle + 1;
        } else {
            end = middle;
        }
    }
    start
}

/// The names in all artifacts.
fn names_of(artifacts: &impl Artifacts) -> Names {
    /// Artifacts whose names are looked for at a time, by several threads.
    const AT_ONCE: usize = 1 << 16;
    let mut names = Names::default();
    for start in (0..artifacts.count()).step_by(AT_ONCE) {
        let places = start..artifacts.count().min(start + AT_ONCE);
        let found = places.into_par_iter().fold(Names::default, |mut found, place| {
            if let Some(artifact) = artifacts.at(place) {
                artifact.into_owned().visit(&mut |text| {
                    found.learn(text);
                    None
                });
            }
            found
        });
        for found in found.collect::<Vec<_>>() {
            found.all().for_each(|name| names.add(name));
        }
    }
    names
}

/// Names and what stands for each. All are one piece of memory: a large site has half a million.
#[derive(Debug, Default)]
struct Names {
    text: String,
    /// Where each ends in the text.
    ends: Vec<usize>,
    /// The places of all in that list, by the hashes of the names.
    places: HashTable<usize>,
    hasher: DefaultHashBuilder,
    /// What stands for each; empty until all are known.
    numbers: Vec<usize>,
}

impl Names {
    /// Adds all names in a path or another text.
    fn learn(&mut self, text: &str) {
        for part in text.split(SEPARATORS) {
            let (stem, _) = divided(part);
            if !stem.is_empty() {
                self.add(stem);
            }
        }
    }

    fn add(&mut self, name: &str) {
        if self.place_of(name).is_some() {
            return;
        }
        let place = self.ends.len();
        self.text.push_str(name);
        self.ends.push(self.text.len());
        let (text, ends, hasher) = (&self.text, &self.ends, &self.hasher);
        let hash = |&place: &usize| hasher.hash_one(name_at(text, ends, place));
        self.places.insert_unique(hasher.hash_one(name), place, hash);
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        let is_it = |&place: &usize| name_at(&self.text, &self.ends, place) == name;
        self.places.find(self.hasher.hash_one(name), is_it).copied()
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|place| name_at(&self.text, &self.ends, place))
    }

    /// Numbers them in the order of the names: the same report gives the same numbers.
    fn numbered(mut self) -> Self {
        let mut sorted: Vec<usize> = (0..self.ends.len()).collect();
        sorted.par_sort_unstable_by_key(|&place| name_at(&self.text, &self.ends, place));
        self.numbers = vec![0; sorted.len()];
        for (place, number) in sorted.into_iter().zip(1..) {
            self.numbers[place] = number;
        }
        self
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.numbers.get(self.place_of(name)?).copied()
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
            if let Some(number) = self.number(stem) {
                // Writing to a String cannot fail.
                let _ = write!(out, "name-{number}");
            }
            out.push_str(rest);
            out.push_str(separator);
        }
        out
    }
}

fn name_at<'t>(text: &'t str, ends: &[usize], place: usize) -> &'t str {
    let start = place.checked_sub(1).and_then(|before| ends.get(before));
    let end = ends.get(place).copied().unwrap_or_default();
    text.get(start.copied().unwrap_or_default()..end).unwrap_or_default()
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
        if let Some(mut new) = name(self) {
            new.shrink_to_fit();
            *self = new;
        }
    }
}

impl Named for RawPath {
    fn visit(&mut self, name: Rename<'_>) {
        if let Some(new) = name(&sanitize::path(self)) {
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
    fn artifacts_stand_in_the_order_of_their_new_paths() {
        let mut report = sample::report();
        let one = report.artifacts[0].clone();
        let paths = [
            "/mnt/a/web/web-flat.vmdk",
            "/mnt/a/web/web.vmdk",
            "/mnt/a/web/x/web.vmdk",
            "/mnt/a/web.vmdk",
            "/mnt/b",
            "web",
            "/mnt/a/web-flat.vmdk",
            "//nas/a/web",
            "/mnt/[a] b/c",
            "C:/VMs/a.vhdx",
            "/mnt/a/\u{202e}/c",
            "/mnt/a/web/web",
        ];
        let many = (0..30).map(|number| format!("/mnt/{number}/{}.vmdk", 30 - number));
        report.artifacts = many
            .chain(paths.map(str::to_owned))
            .map(|path| ArtifactReport {
                path: path.as_str().into(),
                ..one.clone()
            })
            .collect();
        report.artifacts.push(ArtifactReport {
            path: RawPath::new(*b"/mnt/a/\xff/b"),
            ..one
        });
        report.artifacts.sort_by(|a, b| a.path.cmp(&b.path));
        let all = report.artifacts.len();
        let report = redact(report);
        let paths: Vec<RawPath> = report.artifacts.paths().map(Cow::into_owned).collect();
        let artifacts = report.listed().artifacts;
        assert_eq!(artifacts.len(), all);
        assert!(artifacts.is_sorted_by(|a, b| a.path <= b.path), "{paths:#?}");
        assert!(artifacts.iter().map(|artifact| &artifact.path).eq(&paths));
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
