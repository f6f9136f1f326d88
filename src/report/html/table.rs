//! One row an artifact and group, and one a VM. Artifacts stand in columns: that is small, and quick to filter.

use std::{borrow::Cow, collections::HashMap};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::text::shown;
use crate::{
    raw::RawPath,
    report::{
        filter::{self, Context},
        model::{ArtifactReport, Artifacts, Group, Report, Vm},
        show,
    },
    sanitize,
};

/// The second of the elements.
#[derive(Serialize)]
pub(super) struct Table {
    artifacts: Columns,
    groups: Vec<GroupRow>,
}

/// A column of few different words: the words, and for each row the place of its word.
#[derive(Serialize, Default)]
struct Words {
    #[serde(rename = "words")]
    each: Vec<String>,
    index: Vec<usize>,
    #[serde(skip)]
    places: HashMap<String, usize>,
}

impl Words {
    fn push(&mut self, word: String) {
        let each = &mut self.each;
        let place = *self.places.entry(word).or_insert_with_key(|word| {
            each.push(word.clone());
            each.len() - 1
        });
        self.index.push(place);
    }
}

/// The columns of the artifacts, in the order of the report. A word that there is not is empty.
#[derive(Serialize, Default)]
struct Columns {
    root: Words,
    datastore: Words,
    /// Relative to the root.
    folder: Words,
    name: Vec<String>,
    kind: Words,
    kind_basis: Words,
    verdict: Words,
    class: Words,
    confidence: Words,
    reclaim: Words,
    risk: Words,
    /// Why somebody has accepted it.
    accepted: Words,
    /// The first that fits, as `--filter platform=` sees it.
    platform: Words,
    /// Owners as JSON: `[[type, id, name, who answers for it], …]`.
    owners: Words,
    /// Place in `groups`.
    group: Vec<Option<usize>>,
    apparent_bytes: Vec<u64>,
    allocated_bytes: Vec<Option<u64>>,
    virtual_bytes: Vec<Option<u64>>,
    /// Seconds since 1970.
    modified: Vec<Option<i64>>,
}

impl Columns {
    fn push(
        &mut self,
        artifact: &ArtifactReport,
        group: Option<usize>,
        context: &Context,
        report: &Report<impl Artifacts>,
    ) {
        self.root.push(sanitize::path(&artifact.root).into_owned());
        self.datastore.push(sanitize::text(&artifact.datastore).into_owned());
        self.folder
            .push(sanitize::path(&artifact.relative_path.folder()).into_owned());
        self.name
            .push(sanitize::bytes(artifact.relative_path.name()).into_owned());
        self.kind.push(show::name(artifact.kind));
        self.kind_basis.push(show::name(artifact.kind_basis));
        self.verdict.push(show::name(artifact.verdict));
        self.class.push(show::optional_name(artifact.class));
        self.confidence.push(show::optional_name(artifact.confidence));
        self.reclaim.push(show::name(artifact.reclaim));
        self.risk.push(show::optional_name(artifact.risk));
        let accepted = artifact.accepted.and_then(|place| report.accepted.get(place));
        self.accepted.push(
            accepted
                .map(|found| sanitize::text(&found.reason).into_owned())
                .unwrap_or_default(),
        );
        let platform = filter::platforms(artifact, context).first().copied();
        self.platform.push(show::optional_name(platform));
        let owners = artifact.owners.iter().map(|owner| {
            let noted = context.noted_owners.get(&owner.id);
            (owner.kind, &owner.id, &owner.name, noted)
        });
        self.owners.push(shown(&owners.collect::<Vec<_>>()).to_string());
        self.group.push(group);
        self.apparent_bytes.push(artifact.apparent_bytes);
        self.allocated_bytes.push(artifact.allocated_bytes);
        self.virtual_bytes.push(artifact.virtual_bytes);
        self.modified.push(artifact.modified.map(Timestamp::as_second));
    }
}

#[derive(Serialize)]
struct GroupRow {
    title: String,
    verdict: String,
    class: String,
    owner: String,
    /// The file or the inventory row that tells the owner.
    #[serde(skip_serializing_if = "Value::is_null")]
    owner_source: Value,
    /// Artifacts of the group, of which a filter may have hidden some.
    files: usize,
    allocated_bytes: u64,
    modified: Option<i64>,
    reclaim: String,
    confidence: String,
    /// The backups that it may have, each in a line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    backups: Vec<String>,
    /// None of the backups in the lists fits it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unprotected: bool,
    /// Somebody has accepted all of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    accepted: bool,
}

impl GroupRow {
    fn new(report: &Report<impl Artifacts>, group: &Group) -> Self {
        let backups = show::backups_of(report, group);
        Self {
            title: sanitize::text(&group.title).into_owned(),
            verdict: show::name(group.verdict),
            class: show::optional_name(group.class),
            owner: show::last_owner(group),
            owner_source: shown(&group.owner_source),
            files: group.artifacts.len(),
            allocated_bytes: group.allocated_bytes,
            modified: group.modified.map(Timestamp::as_second),
            reclaim: show::name(group.reclaim),
            confidence: show::optional_name(group.confidence),
            unprotected: !backups.is_empty() && group.backups.is_empty(),
            backups,
            accepted: group.accepted,
        }
    }
}

/// A row of the element of the VMs, which only their views and those of single files need.
#[derive(Serialize)]
pub(super) struct VmRow {
    id: Value,
    name: Value,
    platform: Value,
    registered: bool,
    inventories: Value,
    host: Value,
    state: Value,
    folder: Value,
    noted_owner: Value,
    notes: Value,
    config: Value,
    /// Places in `artifacts`.
    artifacts: Vec<usize>,
    missing: Value,
    problems: Value,
}

impl VmRow {
    fn new(vm: &Vm, places: &HashMap<Cow<'_, RawPath>, usize>) -> Self {
        Self {
            id: shown(&vm.id),
            name: shown(&vm.name),
            platform: shown(&vm.platform),
            registered: vm.registered,
            inventories: shown(&vm.inventories),
            host: shown(&vm.host),
            state: shown(&vm.state),
            folder: shown(&vm.folder),
            noted_owner: shown(&vm.noted_owner),
            notes: shown(&vm.notes),
            config: shown(&vm.config),
            artifacts: vm
                .artifacts
                .iter()
                .filter_map(|path| places.get(path).copied())
                .collect(),
            missing: shown(&vm.missing),
            problems: shown(&vm.problems),
        }
    }
}

impl Table {
    pub(super) fn new(report: &Report<impl Artifacts>) -> Self {
        let groups: HashMap<&str, usize> = report
            .groups
            .iter()
            .enumerate()
            .map(|(place, group)| (group.id.as_str(), place))
            .collect();
        let context = Context::new(report);
        let mut artifacts = Columns::default();
        for artifact in report.artifacts.all().take(show::files_shown(report)) {
            let group = artifact.group.as_deref().and_then(|id| groups.get(id).copied());
            artifacts.push(&artifact, group, &context, report);
        }
        Self {
            artifacts,
            groups: report.groups.iter().map(|group| GroupRow::new(report, group)).collect(),
        }
    }
}

/// The rows of the VMs.
pub(super) fn vms(report: &Report<impl Artifacts>) -> Vec<VmRow> {
    let places = places(report);
    report.vms.iter().map(|vm| VmRow::new(vm, &places)).collect()
}

/// Where each path stands in the list of artifacts, as far as the page has it.
pub(super) fn places(report: &Report<impl Artifacts>) -> HashMap<Cow<'_, RawPath>, usize> {
    report
        .artifacts
        .paths()
        .take(show::files_shown(report))
        .enumerate()
        .map(|(place, path)| (path, place))
        .collect()
}
