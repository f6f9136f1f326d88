//! Assemble: the report of everything that was found out. Every sum counts a file once.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use super::{
    Options, backups,
    coverage::{GapItem, Reach, count},
    files::NodeId,
    groups::Groups,
    identity::overlap,
    judge::{self, Judge, Judgement, Unasked},
    opinions::Opinions,
    own::{self, OwnerVm},
    problems::Problems,
    resolve::Target,
    signs,
    told::Told,
};
use crate::{
    catalogue::{Catalogue, Entry, Issue, RootRecord, Stage},
    facts::Facts,
    inventory::Inventory,
    kind::Platform,
    raw::RawPath,
    report::{
        codes::{Class, ReasonCode},
        model::{
            Acceptance, Agreement, ArtifactReport, Cover, Coverage, Gap, Identity, InventoryReport, IssueReport,
            MissingFile, Owner, Reason, ReferenceReport, ReferencedBy, Report, Resolved, RootReport, SCHEMA, Scope,
            SkippedReport, Sum, Summary, Tool, Unresolved, Verdict, Vm, Weight,
        },
        show,
    },
};

/// Makes the report; `None` where it is given up.
pub(crate) fn assemble<'a>(maker: &'a Maker<'a>, problems: Problems, groups: &'a Groups) -> Option<Report<Told<'a>>> {
    let judge = maker.judge;
    let options = judge.options;
    let shown = maker.once();
    let ((artifacts, summary, accepted), (mut report_groups, vms)) = rayon::join(
        || maker.artifacts(groups, &shown),
        || (groups.report(maker, &shown), maker.vms(&problems)),
    );
    let accepted_groups = artifacts.accepted_groups();
    for (place, group) in report_groups.iter_mut().enumerate() {
        group.accepted = accepted_groups.contains(&place);
    }
    let backups = backups::report(judge, &mut report_groups);
    options.go_on()?;
    let report = Report {
        schema: SCHEMA.to_owned(),
        generated: options.as_of,
        as_of: options.as_of,
        duration_ms: None,
        tool: tool(),
        coverage: maker.coverage(),
        summary,
        vms,
        artifacts,
        groups: report_groups,
        problems: problems.all,
        accepted,
        second_opinions: maker.opinions.all.clone(),
        backups,
    };
    options.go_on()?;
    Some(report)
}

/// What makes the report.
pub(super) fn tool() -> Tool {
    Tool {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Compares the paths of two files.
pub(super) fn cmp_paths(catalogue: &Catalogue, one: &Entry, other: &Entry) -> Ordering {
    if one.root == other.root {
        return one.path.as_bytes().cmp(other.path.as_bytes());
    }
    path_bytes(catalogue, one).cmp(path_bytes(catalogue, other))
}

/// The bytes of a path.
fn path_bytes<'a>(catalogue: &'a Catalogue, entry: &'a Entry) -> impl Iterator<Item = u8> + 'a {
    let root = catalogue.roots[entry.root].path.as_bytes();
    let between = !(root.is_empty() || root.ends_with(b"/") || entry.path.is_empty());
    let between: &[u8] = if between { b"/" } else { b"" };
    [root, between, entry.path.as_bytes()].into_iter().flatten().copied()
}

/// What could not be read, on this machine; in any order.
pub(super) fn issues(catalogue: &Catalogue, options: &Options) -> Vec<IssueReport> {
    let path = |issue: &Issue| match issue.root.and_then(|root| catalogue.roots.get(root)) {
        Some(root) => root.path.join(issue.path.as_bytes()),
        None => issue.path.clone(),
    };
    let all = catalogue.issues.iter().chain(&options.inventory_issues);
    all.map(|issue| IssueReport {
        path: path(issue),
        stage: issue.stage,
        error: issue.error.clone(),
    })
    .collect()
}

/// Sorts issues as they are reported.
pub(super) fn sort_issues(issues: &mut [IssueReport]) {
    issues.sort_by(|a, b| (&a.path, a.stage, &a.error).cmp(&(&b.path, b.stage, &b.error)));
}

/// The inventories, sorted.
pub(super) fn inventories(inventories: &[Inventory]) -> Vec<InventoryReport> {
    let mut all: Vec<InventoryReport> = inventories.iter().filter_map(inventory).collect();
    all.sort_by(|a, b| (&a.source, &a.files).cmp(&(&b.source, &b.files)));
    all
}

fn inventory(inventory: &Inventory) -> Option<InventoryReport> {
    let datastores: BTreeSet<String> = inventory
        .datastores
        .iter()
        .map(|record| record.name.clone())
        .filter(|name| !name.is_empty())
        .collect();
    let hosts: BTreeSet<String> = inventory
        .hosts
        .iter()
        .map(|host| host.name.clone())
        .chain(inventory.vms.iter().filter_map(|vm| vm.host.clone()))
        .collect();
    Some(InventoryReport {
        source: inventory.source.clone(),
        kind: *inventory.kinds.first()?,
        kinds: inventory.kinds.clone(),
        files: inventory.files.clone(),
        collected: inventory.collected,
        vms: u64::try_from(inventory.vms.len()).unwrap_or(u64::MAX),
        scope: Scope {
            datastores: datastores.into_iter().collect(),
            hosts: hosts.into_iter().collect(),
        },
        warnings: inventory.warnings.iter().map(|warning| warning.text.clone()).collect(),
    })
}

/// What is known of a root besides what it holds.
pub(super) struct RootKnown<'a> {
    pub(super) datastore: &'a str,
    pub(super) aliases: &'a [String],
    pub(super) identity: Identity,
    pub(super) basis: &'a str,
    pub(super) cover: Cover,
}

/// One root with so many artifacts.
pub(super) fn root_report(record: &RootRecord, known: &RootKnown<'_>, artifacts: u64) -> RootReport {
    let skipped = record.skipped.iter().map(|skipped| SkippedReport {
        path: record.path.join(skipped.path.as_bytes()),
        why: skipped.why,
    });
    let empty_folders = record
        .empty_folders
        .iter()
        .map(|folder| record.path.join(folder.as_bytes()));
    RootReport {
        path: record.path.clone(),
        absolute: record.absolute.clone(),
        datastore: known.datastore.to_owned(),
        aliases: known.aliases.to_vec(),
        identity: known.identity,
        identity_basis: known.basis.to_owned(),
        covered: known.cover,
        directories: record.directories,
        files: record.files,
        artifacts,
        apparent_bytes: record.apparent_bytes,
        allocated_bytes: record.allocated_bytes,
        capacity_bytes: record.capacity_bytes,
        free_bytes: record.free_bytes,
        skipped: skipped.collect(),
        empty_folders: empty_folders.collect(),
    }
}

/// What a report is made of.
pub(super) struct Maker<'a> {
    pub(super) judge: &'a Judge<'a>,
    pub(super) judged: &'a [Option<Judgement>],
    pub(super) opinions: &'a Opinions,
}

/// What one sentence about a gap is told of.
#[derive(Default)]
struct GapEffect {
    roots: BTreeSet<usize>,
    caps: bool,
    nodes: BTreeSet<NodeId>,
}

impl Maker<'_> {
    pub(super) fn reported(&self) -> impl Iterator<Item = (NodeId, &Judgement)> {
        self.judged
            .iter()
            .enumerate()
            .filter_map(|(node, judgement)| Some((node, judgement.as_ref()?)))
    }

    /// The owner that a file is grouped with: the one whose configuration lies beside it, where several own it.
    pub(super) fn first_owner(&self, node: NodeId, judgement: &Judgement) -> Option<Owner> {
        if let Some(vm) = self.judge.only_owner(node, judgement) {
            return Some(vm.owner());
        }
        let nodes = &self.judge.world.files.nodes;
        let is_beside = |vm: &&OwnerVm| {
            let config = vm.config.map(|config| nodes[config]);
            config.is_some_and(|config| {
                config.entry.root == nodes[node].entry.root && config.folder() == nodes[node].folder()
            })
        };
        let vms = self.judge.owners.vms_of.get(node).into_iter().flatten();
        let beside = vms.map(|&vm| &self.judge.owners.vms[vm]).find(is_beside);
        let owners = self.judge.owners_of(node, judgement);
        let of_id = beside.and_then(|vm| owners.iter().find(|owner| owner.id == vm.id));
        of_id.or_else(|| owners.first()).cloned()
    }

    /// For each file whether it is the first reported name of one: what sums count.
    fn once(&self) -> Vec<bool> {
        let mut seen = vec![false; self.judged.len()];
        let mut once = seen.clone();
        for (node, _) in self.reported() {
            let first = self.judge.world.files.first_name[node];
            once[node] = !std::mem::replace(&mut seen[first], true);
        }
        once
    }

    pub(super) fn path(&self, node: NodeId) -> RawPath {
        let entry = self.judge.world.files.nodes[node].entry;
        self.root(entry.root).path.join(entry.path.as_bytes())
    }

    /// Compares the paths of two files.
    pub(super) fn cmp_paths(&self, one: NodeId, other: NodeId) -> Ordering {
        let nodes = &self.judge.world.files.nodes;
        cmp_paths(self.judge.catalogue, nodes[one].entry, nodes[other].entry)
    }

    fn root(&self, root: usize) -> &RootRecord {
        &self.judge.catalogue.roots[root]
    }

    pub(super) fn datastore(&self, root: usize) -> &str {
        &self.judge.identities.roots[root].name
    }

    /// Allocated bytes of one file; where blocks are not known the length stands in.
    pub(super) fn allocated(&self, node: NodeId) -> u64 {
        let entry = self.judge.world.files.nodes[node].entry;
        entry.allocated.unwrap_or(entry.length)
    }

    /// The artifacts, the sums over them, and what of them was accepted.
    fn artifacts<'a>(&'a self, groups: &'a Groups, shown: &[bool]) -> (Told<'a>, Summary, Vec<Acceptance>) {
        let mut summary = Summary::empty();
        let mut accepted = self.judge.options.accepted.report(self.judge.options.as_of);
        for root in 0..self.judge.catalogue.roots.len() {
            summary.datastores.entry(self.datastore(root).to_owned()).or_default();
        }
        let mut told = Told::new(self, groups);
        let mut sums: BTreeMap<(usize, Verdict, Option<Class>), Sum> = BTreeMap::new();
        for (node, judgement) in self.reported() {
            if self.judge.options.go_on().is_none() {
                break;
            }
            let sum = self.sum(node, judgement);
            let of_nobody = || self.artifact(node, judgement, groups);
            let acceptance = judgement.verdict.is_nobodys().then(of_nobody);
            let acceptance = acceptance.and_then(|artifact| self.judge.options.accepted.find(&artifact));
            // An acceptance that has expired still tells what it was about.
            let is_accepted = acceptance.is_some_and(|place| accepted.get(place).is_some_and(|found| !found.expired));
            if let Some(place) = acceptance.filter(|_| is_accepted) {
                told.accepted.insert(node, place);
            }
            if !shown[node] {
                continue;
            }
            if let Some(found) = acceptance.and_then(|place| accepted.get_mut(place)) {
                found.sum.add(sum);
            }
            if is_accepted {
                summary.accepted.add(sum);
            } else {
                let root = self.judge.world.files.nodes[node].entry.root;
                let key = (root, judgement.verdict, judgement.class);
                sums.entry(key).or_default().add(sum);
            }
        }
        for ((root, verdict, class), sum) in sums {
            summary.add_sum(verdict, class, self.datastore(root), sum);
        }
        (told, summary, accepted)
    }

    /// One file in sums.
    fn sum(&self, node: NodeId, judgement: &Judgement) -> Sum {
        let entry = self.judge.world.files.nodes[node].entry;
        Sum::of(
            judgement.verdict,
            judgement.reclaim,
            judgement.risk,
            entry.length,
            self.allocated(node),
        )
    }

    /// What the report says of one file; whether it was accepted is not known here.
    pub(super) fn artifact(&self, node: NodeId, judgement: &Judgement, groups: &Groups) -> ArtifactReport {
        let judgement = self.judge.told(node, judgement);
        let file = self.judge.world.files.nodes[node];
        let evidence = file.evidence();
        ArtifactReport {
            path: self.path(node),
            root: self.root(file.entry.root).path.clone(),
            relative_path: file.entry.path.clone(),
            datastore: self.datastore(file.entry.root).to_owned(),
            kind: file.kind(),
            kind_basis: file
                .artifact
                .map_or(crate::kind::Basis::Name, |artifact| artifact.basis),
            verdict: judgement.verdict,
            class: judgement.class,
            confidence: judgement.confidence,
            reclaim: judgement.reclaim,
            risk: judgement.risk,
            group: groups.id_of(node),
            owners: judgement.owners.iter().cloned().collect(),
            apparent_bytes: file.entry.length,
            allocated_bytes: file.entry.allocated,
            virtual_bytes: evidence
                .and_then(|evidence| evidence.disk.as_ref())
                .and_then(|disk| disk.virtual_bytes),
            modified: file.entry.modified,
            referenced_by: self.referenced_by(node),
            references: self.references(node),
            reasons: judgement
                .reasons
                .iter()
                .cloned()
                .chain(self.opinions_of(node))
                .collect(),
            facts: file.artifact.map_or(Facts::NONE, |artifact| artifact.facts.clone()),
            blake3: file.artifact.and_then(|artifact| artifact.blake3.clone()),
            accepted: None,
        }
    }

    /// What other tools say of a file: beside the verdict, never for it.
    fn opinions_of(&self, node: NodeId) -> impl Iterator<Item = Reason> {
        let places = self.opinions.of_file.get(&node).into_iter().flatten();
        let opinions = places.filter_map(|&place| self.opinions.all.get(place));
        opinions.filter_map(|opinion| {
            let weight = if opinion.agreement == Agreement::Agrees {
                Weight::For
            } else {
                Weight::Against
            };
            let text = format!("another tool says of it: {}", opinion.opinion.as_ref()?);
            Some(signs::statement(
                ReasonCode::SecondOpinion,
                text,
                Some(opinion.source.clone()),
                weight,
            ))
        })
    }

    fn referenced_by(&self, node: NodeId) -> Vec<ReferencedBy> {
        let edges = self.judge.references.into(node).map(|edge| ReferencedBy {
            path: self.path(edge.from),
            role: edge.role,
        });
        let mut all: Vec<ReferencedBy> = edges.collect();
        for &vm in self.judge.owners.vms_of.get(node).into_iter().flatten() {
            if let Some(own::Via::Listed { source, role }) = self.judge.owners.vms[vm].files.get(&node) {
                all.push(ReferencedBy {
                    path: RawPath::from(source.as_str()),
                    role: *role,
                });
            }
        }
        all.sort();
        all.dedup();
        all
    }

    fn references(&self, node: NodeId) -> Vec<ReferenceReport> {
        let Some(evidence) = self.judge.world.files.nodes[node].evidence() else {
            return Vec::new();
        };
        let resolved = |target: &Target| match target {
            Target::Files(files) => files.first().map_or(Resolved::None(Unresolved::Missing), |&(file, _)| {
                Resolved::Path(self.path(file))
            }),
            Target::Missing { .. } => Resolved::None(Unresolved::Missing),
            Target::Outside | Target::Unread { .. } | Target::NotAFile => Resolved::None(Unresolved::Outside),
        };
        evidence
            .references
            .iter()
            .zip(&self.judge.references.targets[node])
            .filter(|(_, target)| **target != Target::NotAFile)
            .map(|(reference, target)| ReferenceReport {
                path: RawPath::new(reference.target.raw().to_vec()),
                role: reference.role,
                resolved: resolved(target),
            })
            .collect()
    }

    // --- coverage ---------------------------------------------------------------------------------------------------

    fn coverage(&self) -> Coverage {
        let issues = self.issues();
        let gaps = self.gaps();
        let complete = issues.is_empty() && !gaps.iter().any(|gap| gap.caps && gap.files > 0);
        Coverage {
            complete,
            assume_complete: self.judge.options.assume_complete,
            roots: self.root_reports(),
            issues,
            inventories: inventories(self.judge.world.inventories),
            gaps: gaps.iter().map(show::gap).collect(),
            gap_details: gaps,
        }
    }

    fn issues(&self) -> Vec<IssueReport> {
        let mut issues = issues(self.judge.catalogue, self.judge.options);
        // V84: an empty list must not read as clean.
        issues.extend(self.judge.coverage.empty_roots.iter().map(|(&root, vms)| IssueReport {
            path: self.root(root).path.clone(),
            stage: Stage::Crawl,
            error: format!(
                "no file is there although {} registered on this datastore",
                count(vms.len(), "VM is", "VMs are")
            ),
        }));
        sort_issues(&mut issues);
        issues
    }

    fn root_reports(&self) -> Vec<RootReport> {
        let mut artifacts = vec![0; self.judge.catalogue.roots.len()];
        for (node, _) in self.reported() {
            artifacts[self.judge.world.files.nodes[node].entry.root] += 1;
        }
        let reports = artifacts.into_iter().enumerate();
        reports
            .map(|(root, artifacts)| self.root_report(root, artifacts))
            .collect()
    }

    fn root_report(&self, index: usize, artifacts: u64) -> RootReport {
        let identity = &self.judge.identities.roots[index];
        let known = RootKnown {
            datastore: &identity.name,
            aliases: &identity.aliases,
            identity: identity.identity,
            basis: &identity.basis,
            cover: self.judge.coverage.roots[index].cover,
        };
        root_report(self.root(index), &known, artifacts)
    }

    fn gaps(&self) -> Vec<Gap> {
        // A gap that reaches one place and costs nothing there is no news.
        let is_news = |(item, nodes): &(&GapItem, Vec<NodeId>)| {
            let is_narrow = matches!(
                item.reach,
                Reach::Folder(..) | Reach::StateIn(..) | Reach::Matching(_) | Reach::These(_)
            );
            !nodes.is_empty() || !is_narrow
        };
        // What one sentence says of several places is told once.
        let mut told: BTreeMap<(ReasonCode, &str), GapEffect> = BTreeMap::new();
        for (item, nodes) in judge::effect_of(&self.judge.coverage.gaps, self.judged).filter(is_news) {
            let told = told.entry((item.code, &item.text)).or_default();
            match &item.reach {
                Reach::Folder(root, _) | Reach::StateIn(root, _) => drop(told.roots.insert(*root)),
                _ => told.roots.extend(&item.roots),
            }
            told.caps |= item.caps;
            told.nodes.extend(nodes);
        }
        let mut gaps: Vec<Gap> = told
            .into_iter()
            .map(|((code, text), told)| {
                let nodes: Vec<NodeId> = told.nodes.into_iter().collect();
                self.gap(code, text.to_owned(), &told.roots, told.caps, &nodes)
            })
            .collect();
        for root in 0..self.judge.catalogue.roots.len() {
            gaps.extend(self.uncovered(root));
            gaps.extend(self.unasked_platform(root));
            gaps.extend(self.read_in_parts(root));
            gaps.extend(self.seen_twice(root));
        }
        gaps.extend(self.too_new());
        gaps.sort_by(|a, b| {
            (
                std::cmp::Reverse(a.allocated_bytes),
                std::cmp::Reverse(a.files),
                &a.text,
            )
                .cmp(&(
                    std::cmp::Reverse(b.allocated_bytes),
                    std::cmp::Reverse(b.files),
                    &b.text,
                ))
        });
        gaps
    }

    fn gap(&self, code: ReasonCode, text: String, roots: &BTreeSet<usize>, caps: bool, nodes: &[NodeId]) -> Gap {
        // A file under several names counts once.
        let nodes: BTreeSet<NodeId> = nodes
            .iter()
            .map(|&node| self.judge.world.files.first_name[node])
            .collect();
        let datastores: BTreeSet<String> = roots.iter().map(|&root| self.datastore(root).to_owned()).collect();
        Gap {
            code,
            text,
            datastores: datastores.into_iter().collect(),
            caps,
            files: u64::try_from(nodes.len()).unwrap_or(u64::MAX),
            allocated_bytes: nodes
                .iter()
                .map(|&node| self.allocated(node))
                .fold(0, u64::saturating_add),
        }
    }

    /// A root that a run began and others went on with.
    fn read_in_parts(&self, root: usize) -> Option<Gap> {
        let record = self.root(root);
        let last = record.continued.last()?;
        let text = format!(
            "{} was read in {} parts, from {} to after {last}: what was moved meanwhile from a part yet to be read to one that \
             was read may have been missed; collect it in one go if that could be",
            self.datastore(root),
            record.continued.len().saturating_add(1),
            record
                .started
                .map_or("a time unknown".to_owned(), |started| started.to_string()),
        );
        Some(self.gap(ReasonCode::ReadInParts, text, &BTreeSet::from([root]), false, &[]))
    }

    /// A root that is another root, or lies in one.
    fn seen_twice(&self, root: usize) -> Option<Gap> {
        let overlap = overlap(self.judge.catalogue, root, &self.judge.identities.roots[root])?;
        let text = format!(
            "{}: {overlap}: its files are seen twice and counted once; leave one of the two out",
            self.root(root).path.lossy()
        );
        Some(self.gap(ReasonCode::RootsOverlap, text, &BTreeSet::from([root]), false, &[]))
    }

    /// A root that no inventory covers, or whose datastore is not known.
    fn uncovered(&self, root: usize) -> Option<Gap> {
        let identity = &self.judge.identities.roots[root];
        let (code, text) = if let Some(doubt) = identity.doubt() {
            let path = self.root(root).path.lossy();
            (
                ReasonCode::AmbiguousDatastore,
                format!("{path}: {doubt}; give the root the right alias"),
            )
        } else if let Some(unasked) = self.judge.uncovered(root) {
            let Unasked { finding, remedy } = unasked;
            (
                ReasonCode::NoInventory,
                format!("{finding}: nothing on it can be called orphaned or unregistered; give {remedy}"),
            )
        } else {
            return None;
        };
        let nodes = self.unknown(root, &[Class::NoCoverage, Class::AmbiguousDatastore]);
        Some(self.gap(code, text, &BTreeSet::from([root]), true, &nodes))
    }

    /// Files on a root that is covered, of a platform of which no inventory was given.
    fn unasked_platform(&self, root: usize) -> Option<Gap> {
        if self.judge.coverage.roots[root].cover == Cover::None {
            return None;
        }
        let unknown = self.unknown(root, &[Class::NoCoverage]).into_iter();
        let of_platform = unknown.filter_map(|node| Some((node, self.judge.unasked_platform(node)?)));
        let (nodes, platforms): (Vec<NodeId>, Vec<Platform>) = of_platform.unzip();
        let Unasked { finding, remedy } = self.judge.without_platform(root, *platforms.first()?);
        let text = format!("{finding}: they cannot be called orphaned or unregistered; give {remedy}");
        Some(self.gap(ReasonCode::NoInventory, text, &BTreeSet::from([root]), true, &nodes))
    }

    fn unknown(&self, root: usize, classes: &[Class]) -> Vec<NodeId> {
        let here = self.judge.world.files.of_root(root).iter().copied();
        let is_such = |judgement: &Judgement| {
            judgement.verdict == Verdict::Unknown && judgement.class.is_some_and(|class| classes.contains(&class))
        };
        here.filter(|&node| self.judged[node].as_ref().is_some_and(is_such))
            .collect()
    }

    fn too_new(&self) -> Option<Gap> {
        let is_too_new =
            |judgement: &Judgement| judgement.verdict == Verdict::Unknown && judgement.class == Some(Class::TooNew);
        let found = self.reported().filter(|(_, judgement)| is_too_new(judgement));
        let nodes: Vec<NodeId> = found.map(|(node, _)| node).collect();
        let root = |&node: &NodeId| self.judge.world.files.nodes[node].entry.root;
        let roots: BTreeSet<usize> = nodes.iter().map(root).collect();
        let names = nodes.iter().map(|&node| self.judge.world.files.first_name[node]);
        let text = format!(
            "{}: take new inventories and report again",
            count(
                names.collect::<BTreeSet<_>>().len(),
                "file is newer than the inventories that would list it, or came to its place since",
                "files are newer than the inventories that would list them, or came to their places since"
            )
        );
        (!nodes.is_empty()).then(|| self.gap(ReasonCode::TooNew, text, &roots, true, &nodes))
    }

    // --- VMs --------------------------------------------------------------------------------------------------------

    fn vms(&self, problems: &Problems) -> Vec<Vm> {
        let mut vms: Vec<Vm> = self
            .judge
            .owners
            .vms
            .par_iter()
            .enumerate()
            .filter_map(|(index, vm)| {
                self.judge.options.go_on()?;
                Some(self.vm(index, vm, problems))
            })
            .collect();
        vms.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        vms
    }

    fn vm(&self, index: usize, vm: &OwnerVm, problems: &Problems) -> Vm {
        let rows: Vec<_> = vm
            .rows
            .iter()
            .map(|&(inventory, row)| &self.judge.world.inventories[inventory].vms[row])
            .collect();
        let sources: BTreeSet<String> = vm
            .rows
            .iter()
            .chain(&vm.cluster_rows)
            .map(|&(inventory, _)| self.judge.world.inventories[inventory].source.clone())
            .collect();
        let evidence = vm
            .config
            .and_then(|config| own::vm_evidence(self.judge.world.files, config));
        let written = rows.iter().find_map(|row| row.config.as_deref());
        let mut artifacts: Vec<RawPath> = vm.files.keys().map(|&node| self.path(node)).collect();
        artifacts.sort();
        artifacts.dedup();
        let missing: BTreeSet<MissingFile> = vm
            .missing
            .iter()
            .map(|missing| MissingFile {
                path: self.root(missing.root).path.join(&missing.path),
                role: missing.role,
            })
            .collect();
        Vm {
            id: vm.id.clone(),
            name: vm.name.clone(),
            platform: vm.platform,
            registered: vm.is_registered(),
            inventories: sources.into_iter().collect(),
            host: rows.iter().find_map(|row| row.host.clone()),
            state: rows.iter().find_map(|row| row.state.clone()),
            folder: rows.iter().find_map(|row| row.inventory_folder.clone()),
            noted_owner: rows.iter().find_map(|row| row.noted_owner.clone()),
            notes: rows
                .iter()
                .find_map(|row| row.notes.clone())
                .or_else(|| evidence.and_then(|evidence| evidence.notes.clone())),
            config: vm
                .config
                .map(|config| self.path(config))
                .or_else(|| written.map(RawPath::from)),
            artifacts,
            missing: missing.into_iter().collect(),
            problems: problems.of_vm.get(&index).cloned().unwrap_or_default(),
        }
    }
}
