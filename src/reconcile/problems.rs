//! Problems: what is wrong that is no file's verdict — ghosts, holes and mismatches — each with what to do next.

use std::collections::{BTreeMap, BTreeSet};

use rayon::{
    iter::{IndexedParallelIterator, IntoParallelIterator, IntoParallelRefIterator, ParallelIterator},
    slice::ParallelSliceMut,
};

use super::{
    companions,
    files::NodeId,
    judge::{Judge, Judgement},
    own::{self, Missing, OwnerVm},
    resolve::Target,
    signs::{shown as shown_time, source_of, statement},
    vmware_problems::data_of_missing,
};
use crate::{
    evidence::{LinkId, MarkCode, Reference},
    inventory::Inventory,
    kind::{Kind, Role},
    report::{
        codes::{Class, ProblemCode, ReasonCode},
        model::{Identity, Problem, Reason, Severity, VmProblem, Weight},
    },
};

/// The problems of a report, and those of each VM by its place.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    /// All, not yet sorted.
    pub(crate) all: Vec<Problem>,
    /// By VM.
    pub(crate) of_vm: BTreeMap<usize, Vec<VmProblem>>,
}

/// A problem before it is reported.
pub(super) struct Finding {
    /// Which.
    pub(super) code: ProblemCode,
    /// How bad.
    pub(super) severity: Severity,
    /// What it is about: a VM or a path.
    pub(super) subject: String,
    /// One sentence.
    pub(super) text: String,
    /// What shows it.
    pub(super) reasons: Vec<Reason>,
    /// What to do.
    pub(super) next_step: &'static str,
}

impl Problems {
    /// Finds the problems.
    ///
    /// `None` where it is given up.
    pub(crate) fn find(judge: &Judge<'_>, judged: &[Option<Judgement>]) -> Option<Self> {
        let goes_on = || judge.options.go_on().is_some();
        // What is found in which order tells nothing: all are sorted in the end.
        let of_owners = judge.owners.vms.par_iter().enumerate();
        let of_owners = of_owners.fold(Self::default, |mut problems, (index, vm)| {
            if goes_on() {
                problems.of_owner(judge, index, vm);
            }
            problems
        });
        let nodes = (0..judge.world.files.nodes.len()).into_par_iter();
        let of_files = nodes.fold(Self::default, |mut problems, node| {
            if judge.reported[node] && goes_on() {
                problems.of_file(judge, judged, node);
                problems.extent_sizes(judge, node);
            }
            problems
        });
        let found = |find: &dyn Fn(&mut Self)| {
            let mut problems = Self::default();
            find(&mut problems);
            problems
        };
        // What cannot be divided begins first: the rest is shared out while it lasts.
        let ((of_migration, others), problems) = rayon::join(
            || {
                rayon::join(
                    || found(&|problems| problems.of_migration(judge)),
                    || {
                        found(&|problems| {
                            problems.of_objects(judge);
                            problems.of_vmware(judge);
                            problems.of_hyperv(judge);
                            problems.of_lists(judge, judged);
                        })
                    },
                )
            },
            || of_owners.chain(of_files).reduce(Self::default, Self::with),
        );
        judge.options.go_on()?;
        let mut problems = problems.with(of_migration).with(others);
        problems.all.par_sort_unstable();
        problems.all.dedup();
        for list in problems.of_vm.values_mut() {
            list.sort();
            list.dedup();
        }
        Some(problems)
    }

    fn with(mut self, others: Self) -> Self {
        self.all.extend(others.all);
        for (vm, list) in others.of_vm {
            self.of_vm.entry(vm).or_default().extend(list);
        }
        self
    }

    pub(super) fn add(&mut self, finding: Finding, vms: &[usize]) {
        for &vm in vms {
            self.of_vm.entry(vm).or_default().push(VmProblem {
                code: finding.code,
                severity: finding.severity,
                text: finding.text.clone(),
            });
        }
        self.all.push(Problem {
            severity: finding.severity,
            code: finding.code,
            subject: finding.subject,
            text: finding.text,
            reasons: finding.reasons,
            next_step: finding.next_step.to_owned(),
        });
    }

    fn of_owner(&mut self, judge: &Judge<'_>, index: usize, vm: &OwnerVm) {
        if vm.is_registered() {
            self.of_registered(judge, index, vm);
        }
        // On a root that may be any datastore it may be the registered one itself.
        let is_at_known_place = vm.config.is_some_and(|config| {
            let root = judge.world.files.nodes[config].entry.root;
            judge.identities.roots[root].identity != Identity::Unknown
        });
        if let Some(copy_of) = vm.copy_of.filter(|_| !vm.superseded && is_at_known_place) {
            let path = vm.config.map(|config| place_of(judge, config)).unwrap_or_default();
            let finding = Finding {
                code: ProblemCode::DuplicateIdentity,
                severity: Severity::Warning,
                subject: vm.name.clone(),
                text: format!(
                    "{path} carries the id of {}, which is registered at another place",
                    judge.owners.vms[copy_of].name
                ),
                reasons: configurations(judge, [index, copy_of]),
                next_step: "find out which of the two is the copy before either is touched",
            };
            self.add(finding, &[index, copy_of]);
        }
        let opaque = vm
            .config
            .and_then(|config| own::vm_evidence(judge.world.files, config))
            .and_then(|evidence| evidence.opaque.clone());
        if let (Some(opaque), Some(config)) = (opaque, vm.config) {
            let finding = Finding {
                code: ProblemCode::ConfigUnreadable,
                severity: Severity::Warning,
                subject: vm.name.clone(),
                text: format!("the configuration cannot be read: {opaque}"),
                reasons: vec![statement(
                    ReasonCode::OwnerUnreadable,
                    opaque,
                    Some(source_of(judge.world.files, config, None)),
                    Weight::For,
                )],
                next_step: "give an inventory that lists whole chains, or a readable copy of the configuration",
            };
            self.add(finding, &[index]);
        }
    }

    fn of_registered(&mut self, judge: &Judge<'_>, index: usize, vm: &OwnerVm) {
        let rows = vm.rows.iter().map(|&(inventory, row)| {
            let inventory = &judge.world.inventories[inventory];
            let text = format!(
                "registered with the configuration {}",
                inventory.vms[row].config.as_deref().unwrap_or("unknown")
            );
            statement(
                ReasonCode::RegisteredVm,
                text,
                Some(format!("{}, {}", inventory.source, inventory.vms[row].row)),
                Weight::For,
            )
        });
        let mut reasons: Vec<Reason> = rows.collect();
        if reasons.is_empty() {
            reasons.push(judge.registration_reason(vm));
        }
        if let Some((root, path)) = &vm.ghost {
            let place = format!(
                "{} on {}",
                String::from_utf8_lossy(path),
                judge.identities.roots[*root].name
            );
            let finding = Finding {
                code: ProblemCode::Ghost,
                severity: Severity::Error,
                subject: vm.name.clone(),
                text: format!("it is registered, and its configuration {place} is not there"),
                reasons: reasons.clone(),
                next_step: "find out whether the VM was deleted or moved; remove the registration only when its disks are accounted for",
            };
            self.add(finding, &[index]);
        }
        for missing in vm.missing.iter().filter(|missing| missing.role != Role::Config) {
            let gone = taken_out_since(judge, vm, missing, &reasons);
            let finding = gone.unwrap_or_else(|| missing_file(judge, vm, missing, reasons.clone()));
            self.add(finding, &[index]);
        }
        if vm.moved {
            let places: Vec<String> = vm
                .configs()
                .map(|config| source_of(judge.world.files, config, None))
                .collect();
            let found = places.join(" and at ");
            let finding = Finding {
                code: ProblemCode::ConfigMoved,
                severity: Severity::Warning,
                subject: vm.name.clone(),
                text: format!("it was found by its id at {found}, not where it is registered"),
                reasons,
                next_step: "take a newer inventory; if it still names the old place, correct the registration",
            };
            self.add(finding, &[index]);
        }
    }

    fn of_file(&mut self, judge: &Judge<'_>, judged: &[Option<Judgement>], node: usize) {
        let vms = judge.owners.vms_of.get(node).unwrap_or_default();
        let path = || source_of(judge.world.files, node, None);
        let class = judged[node].as_ref().and_then(|judgement| judgement.class);
        let mut found = Vec::new();
        match judge.references.broken.get(&node) {
            None | Some(Target::Outside | Target::Unread { .. }) => {}
            // A damaged disk that names no parent may have had one; nobody can tell.
            Some(Target::NotAFile) if judge.world.files.nodes[node].has_mark(MarkCode::Damaged) => {}
            Some(target) => found.push(broken_chain(judge, node, target)),
        }
        for edge in judge.references.of(node).filter(|edge| edge.role == Role::Parent) {
            found.extend(mismatch(judge, node, edge.to));
        }
        if judge.world.files.nodes[node].kind() == Kind::VmdkDescriptor {
            found.extend(dangling(judge, node, !vms.is_empty()));
        }
        let is_lock = judge.world.files.nodes[node].kind() == Kind::VmLock;
        let by_class = match class.filter(|_| !is_lock) {
            Some(Class::HeadlessExtent) => Some((
                ProblemCode::HeadlessExtent,
                Severity::Error,
                "no descriptor names this extent",
                "recreate the descriptor; do not delete the data",
            )),
            Some(Class::SuspiciousRename) => Some((
                ProblemCode::SuspiciousRename,
                Severity::Error,
                "it or a file of its stem was renamed in the way of ransomware",
                "treat it as an incident: isolate the storage and keep every file",
            )),
            Some(Class::UnmergedBackupCheckpoint) => Some((
                ProblemCode::UnmergedCheckpoint,
                Severity::Warning,
                if vms.is_empty() {
                    "a recovery disk that a backup left; no VM runs on it"
                } else {
                    "its VM runs on it, and no list of checkpoints knows it: a backup did not merge it"
                },
                if vms.is_empty() {
                    "find out whether that backup still runs, and let its product clean up"
                } else {
                    "let the backup product or Hyper-V merge it; do not delete it"
                },
            )),
            _ => None,
        };
        if let Some((code, severity, text, next_step)) = by_class {
            found.push(Finding {
                code,
                severity,
                subject: path(),
                text: text.to_owned(),
                reasons: judged[node]
                    .as_ref()
                    .map(|judgement| evidence_of(&judge.told(node, judgement)))
                    .unwrap_or_default(),
                next_step,
            });
        }
        found.extend(by_marks(judge, node, !vms.is_empty()));
        for finding in found {
            self.add(finding, vms);
        }
    }

    /// V19: a service lists an object whose file is gone.
    fn of_objects(&mut self, judge: &Judge<'_>) {
        let mut gone: BTreeMap<(usize, Vec<u8>), Vec<usize>> = BTreeMap::new();
        for (index, object) in judge.owners.objects.iter().enumerate() {
            let owned = |node: &usize| judge.owners.vms_of.contains_key(*node);
            if judge.is_unclaimed(index) && !object.files.is_empty() && !object.files.keys().any(owned) {
                self.unclaimed_volume(judge, index);
            }
            if let Some(missing) = &object.missing {
                gone.entry(missing.clone()).or_default().push(index);
            }
        }
        for ((root, path), listings) in gone {
            self.service_ghost(judge, root, &path, &listings);
        }
    }

    /// A volume stands in several lists: of vCenter, of CNS, of Kubernetes.
    fn service_ghost(&mut self, judge: &Judge<'_>, root: usize, path: &[u8], listings: &[usize]) {
        let listed = || listings.iter().map(|&index| judge.owners.listed(judge.world, index));
        let Some(first) = listed().next() else { return };
        let classes: BTreeSet<&str> = listed().map(|object| object.class.as_str()).collect();
        let classes: Vec<&str> = classes.into_iter().collect();
        let reasons = listings.iter().map(|&index| {
            let (inventory, row) = judge.owners.objects[index].row;
            let inventory = &judge.world.inventories[inventory];
            let source = format!("{}, {}", inventory.source, inventory.objects[row].row);
            statement(
                ReasonCode::ServiceObject,
                "the service lists it".to_owned(),
                Some(source),
                Weight::For,
            )
        });
        let finding = Finding {
            code: ProblemCode::ServiceGhost,
            severity: Severity::Error,
            subject: first.name.clone(),
            text: format!(
                "{} is listed as {}, and {} on {} is not there",
                first.id,
                classes.join(" and "),
                String::from_utf8_lossy(path),
                judge.identities.roots[root].name
            ),
            reasons: reasons.collect(),
            next_step: "reconcile the catalogue of the service, or restore the file",
        };
        self.add(finding, &[]);
    }
}

/// A file that is named and not there. Of a disk it says what became of its data: with it the disk can be had back.
fn missing_file(judge: &Judge<'_>, vm: &OwnerVm, missing: &Missing, reasons: Vec<Reason>) -> Finding {
    let place = format!(
        "{} on {}",
        String::from_utf8_lossy(&missing.path),
        judge.identities.roots[missing.root].name
    );
    let is_disk = matches!(missing.role, Role::Disk | Role::Extent | Role::Parent);
    let (code, severity) = if is_disk {
        (ProblemCode::MissingDisk, Severity::Error)
    } else {
        (ProblemCode::MissingFile, Severity::Warning)
    };
    let data = data_of_missing(judge, vm, missing).unwrap_or_default();
    Finding {
        code,
        severity,
        subject: vm.name.clone(),
        text: format!("{place} is named and not there{data}"),
        reasons,
        next_step: "restore the file or correct the configuration before the next power cycle",
    }
}

/// What only exports name, and the configuration no more that was changed after they were taken: a snapshot was removed or a disk
/// taken out since. A warning, for files that say so may be wrong where the disk is lost.
fn taken_out_since(judge: &Judge<'_>, vm: &OwnerVm, missing: &Missing, reasons: &[Reason]) -> Option<Finding> {
    let files = judge.world.files;
    let config = vm.config.filter(|_| vm.perhaps.is_empty())?;
    let written = files.nodes[config].entry.modified?;
    let is_it = |target: &Target| matches!(target, Target::Missing { root, path } if *root == missing.root && *path == missing.path);
    let is_named = |&node: &NodeId| {
        let mut targets = judge.references.targets[node]
            .iter()
            .chain(judge.references.broken.get(&node));
        targets.any(is_it)
    };
    let tells = own::vm_evidence(files, config).is_some_and(|evidence| evidence.opaque.is_none());
    let has_parts = || !companions::parts_of_missing(files, missing.root, &missing.path).is_empty();
    if !tells || vm.files.keys().any(is_named) || has_parts() || !tells_all_disks(judge, vm) {
        return None;
    }
    let listing = vm.rows.iter().filter(|&&(inventory, row)| {
        let row = &judge.world.inventories[inventory].vms[row];
        let mut listed = row.files.iter();
        listed.any(|file| is_it(&judge.world.resolver.listed(inventory, row.host.as_deref(), &file.path)))
    });
    let listing: Vec<&Inventory> = listing
        .map(|&(inventory, _)| &judge.world.inventories[inventory])
        .collect();
    let newest = listing.iter().max_by_key(|inventory| inventory.collected)?;
    if !listing
        .iter()
        .all(|inventory| inventory.collected.is_some_and(|taken| taken < written))
    {
        return None;
    }
    let taken = newest
        .collected
        .map_or_else(String::new, |taken| format!(" of {}", shown_time(taken)));
    let text = format!(
        "{} on {} is listed by {}{taken} and not there; the configuration {} was changed after it, {}, and names it no more: a \
         snapshot was removed since, or the disk was taken out",
        String::from_utf8_lossy(&missing.path),
        judge.identities.roots[missing.root].name,
        newest.source,
        source_of(files, config, None),
        shown_time(written),
    );
    let is_disk = matches!(missing.role, Role::Disk | Role::Extent | Role::Parent);
    Some(Finding {
        code: if is_disk {
            ProblemCode::MissingDisk
        } else {
            ProblemCode::MissingFile
        },
        severity: Severity::Warning,
        subject: vm.name.clone(),
        text,
        reasons: reasons.to_vec(),
        next_step: "take a new export, and report again",
    })
}

/// True where every disk that the files of a VM name is there, and tells what it stands on itself: none of them can name what is not
/// there.
fn tells_all_disks(judge: &Judge<'_>, vm: &OwnerVm) -> bool {
    let files = judge.world.files;
    let unread = [MarkCode::Unreadable, MarkCode::SharingViolation, MarkCode::Damaged];
    let tells = |&node: &NodeId| {
        let file = files.nodes[node];
        let references = file.evidence().into_iter().flat_map(|evidence| &evidence.references);
        let mut disks = references.zip(&judge.references.targets[node]);
        let is_there = |(reference, target): (&Reference, &Target)| {
            let is_disk = matches!(reference.role, Role::Disk | Role::Extent | Role::Parent);
            !is_disk || matches!(target, Target::Files(_) | Target::NotAFile)
        };
        let is_unread = match file.kind() {
            Kind::Vmsd => unread.into_iter().any(|mark| file.has_mark(mark)),
            kind => kind.is_disk() && companions::is_unread(files, node),
        };
        disks.all(is_there) && !is_unread && !judge.references.broken.contains_key(&node)
    };
    vm.outside.is_empty() && vm.unread.is_empty() && vm.files.keys().all(tells)
}

impl Problems {
    /// V16: what a volume leaves behind whose claim was deleted while its policy was to retain the disk.
    fn unclaimed_volume(&mut self, judge: &Judge<'_>, object: usize) {
        let inventory = &judge.world.inventories[judge.owners.objects[object].row.0];
        let listed = judge.owners.listed(judge.world, object);
        let finding = Finding {
            code: ProblemCode::UnclaimedVolume,
            severity: Severity::Info,
            subject: listed.name.clone(),
            text: format!(
                "{} is listed as a First Class Disk, and neither CNS nor a list of persistent volumes names it: perhaps its claim is gone and \
                 its disk was retained",
                listed.id
            ),
            reasons: vec![statement(
                ReasonCode::ServiceObject,
                "the catalogue of First Class Disks lists it".to_owned(),
                Some(format!("{}, {}", inventory.source, listed.row)),
                Weight::For,
            )],
            next_step: "ask the owners of all clusters; delete the disk through vCenter, not its files",
        };
        self.add(finding, &[]);
    }
}

fn broken_chain(judge: &Judge<'_>, node: usize, target: &Target) -> Finding {
    let path = source_of(judge.world.files, node, None);
    let evidence = judge.world.files.nodes[node].evidence();
    let tried = evidence
        .into_iter()
        .flat_map(|evidence| &evidence.references)
        .filter(|reference| reference.role == Role::Parent);
    let mut reasons: Vec<Reason> = tried
        .map(|reference| {
            statement(
                ReasonCode::DifferencingDisk,
                format!("tried {} ({})", reference.target, reference.key),
                Some(path.clone()),
                Weight::For,
            )
        })
        .collect();
    let text = match target {
        Target::Missing { path, root } => format!(
            "its parent {} on {} is not there",
            String::from_utf8_lossy(path),
            judge.identities.roots[*root].name
        ),
        _ => "its parent was not found, neither by path nor by id".to_owned(),
    };
    if reasons.is_empty() {
        let links = evidence.and_then(|evidence| evidence.disk.as_ref());
        let links = linked(links.iter().flat_map(|disk| &disk.parent_links));
        let text = format!("it names no path of a parent, and quotes {links}");
        reasons.push(shown(ReasonCode::DifferencingDisk, text, path.clone()));
    }
    Finding {
        code: ProblemCode::BrokenChain,
        severity: Severity::Error,
        subject: path,
        text,
        reasons,
        next_step: "find the parent in a backup or at another place; without it the data of the link cannot be read",
    }
}

fn mismatch(judge: &Judge<'_>, child: usize, parent: usize) -> Vec<Finding> {
    let subject = source_of(judge.world.files, child, None);
    let parent_path = source_of(judge.world.files, parent, None);
    let disk = |node: usize| {
        judge.world.files.nodes[node]
            .evidence()
            .and_then(|evidence| evidence.disk.clone())
    };
    let mut found = Vec::new();
    if judge.references.mismatched.contains(&(child, parent)) {
        found.push(Finding {
            code: ProblemCode::ParentMismatch,
            severity: Severity::Error,
            subject: subject.clone(),
            text: format!("its parent {parent_path} has another id than the child quotes: it was written after the child was made, or it is another disk"),
            reasons: vec![
                shown(ReasonCode::DifferencingDisk, format!("it quotes {}", linked(disk(child).iter().flat_map(|disk| &disk.parent_links))), subject.clone()),
                shown(ReasonCode::DifferencingDisk, format!("its parent has {}", linked(disk(parent).iter().filter_map(|disk| disk.link.as_ref()))), parent_path.clone()),
            ],
            next_step: "do not power on before it is understood; a backup of both links first",
        });
    }
    if let (Some(child_bytes), Some(parent_bytes)) = (
        disk(child).and_then(|disk| disk.virtual_bytes),
        disk(parent).and_then(|disk| disk.virtual_bytes),
    ) && child_bytes != parent_bytes
        && judge.world.files.nodes[child].kind() != Kind::ForeignDisk
    {
        found.push(Finding {
            code: ProblemCode::ChainSizeMismatch,
            severity: Severity::Warning,
            text: format!("it is {child_bytes} bytes large for the guest and its parent {parent_path} {parent_bytes}"),
            reasons: vec![
                shown(
                    ReasonCode::DifferencingDisk,
                    format!("says {child_bytes} bytes"),
                    subject.clone(),
                ),
                shown(
                    ReasonCode::DifferencingDisk,
                    format!("says {parent_bytes} bytes"),
                    parent_path,
                ),
            ],
            subject,
            next_step: "find out whether the parent was grown under its child",
        });
    }
    found
}

fn dangling(judge: &Judge<'_>, node: usize, owned: bool) -> Vec<Finding> {
    let Some(evidence) = judge.world.files.nodes[node].evidence() else {
        return Vec::new();
    };
    let path = source_of(judge.world.files, node, None);
    let missing = evidence
        .references
        .iter()
        .zip(&judge.references.targets[node])
        .filter_map(|(reference, target)| match target {
            Target::Missing { path, root } if reference.role == Role::Extent => {
                Some((String::from_utf8_lossy(path).into_owned(), *root))
            }
            _ => None,
        });
    missing
        .map(|(extent, root)| Finding {
            code: ProblemCode::DanglingDescriptor,
            severity: if owned { Severity::Error } else { Severity::Warning },
            subject: path.clone(),
            text: format!(
                "its extent {extent} on {} is not there",
                judge.identities.roots[root].name
            ),
            reasons: vec![shown(
                ReasonCode::ReferencedBy,
                format!("the descriptor names {extent}"),
                path.clone(),
            )],
            next_step: "restore the extent from a backup; without it the descriptor describes nothing",
        })
        .collect()
}

/// A statement for, with the file that it stands in.
pub(super) fn shown(code: ReasonCode, text: String, source: String) -> Reason {
    statement(code, text, Some(source), Weight::For)
}

/// What the marks of a file say.
fn by_marks(judge: &Judge<'_>, node: NodeId, is_owned: bool) -> Vec<Finding> {
    let path = || source_of(judge.world.files, node, None);
    let mut found = Vec::new();
    let consolidation = by_mark(judge, node, MarkCode::NeedsConsolidation, ReasonCode::MergePending);
    if !consolidation.is_empty() {
        found.push(Finding {
            code: ProblemCode::NeedsConsolidation,
            severity: Severity::Warning,
            subject: path(),
            text: "the snapshot list says that disks need consolidation".to_owned(),
            reasons: consolidation,
            next_step: "consolidate the disks of the VM",
        });
    }
    let damage = by_mark(judge, node, MarkCode::Damaged, ReasonCode::Damaged);
    if !damage.is_empty() && is_owned {
        found.push(Finding {
            code: ProblemCode::MalformedArtifact,
            severity: Severity::Warning,
            subject: path(),
            text: "it belongs to a VM and contradicts its format".to_owned(),
            reasons: damage,
            next_step: "compare it with a backup; inspect it with `derelict inspect`",
        });
    }
    found
}

/// The marks of one sort on a file, as evidence.
pub(super) fn by_mark(judge: &Judge<'_>, node: NodeId, mark: MarkCode, code: ReasonCode) -> Vec<Reason> {
    let evidence = judge.world.files.nodes[node].evidence();
    let marks = evidence.into_iter().flat_map(|evidence| &evidence.marks);
    marks
        .filter(|found| found.code == mark)
        .map(|found| {
            shown(
                code,
                found.text.clone(),
                source_of(judge.world.files, node, found.offset),
            )
        })
        .collect()
}

/// A file with its datastore: two VMs of one name may have files of one path.
fn place_of(judge: &Judge<'_>, node: NodeId) -> String {
    let path = source_of(judge.world.files, node, None);
    let root = judge.world.files.nodes[node].entry.root;
    format!("{path} on {}", judge.identities.roots[root].name)
}

/// Where the configurations of VMs lie, or are registered to lie.
pub(super) fn configurations(judge: &Judge<'_>, vms: impl IntoIterator<Item = usize>) -> Vec<Reason> {
    let configs = vms.into_iter().filter_map(|vm| {
        let vm = &judge.owners.vms[vm];
        let place = vm.config.map(|config| place_of(judge, config));
        let registered = || {
            let (root, path) = vm.ghost.as_ref()?;
            let root = &judge.identities.roots[*root].name;
            Some(format!("{} on {root}", String::from_utf8_lossy(path)))
        };
        Some((&vm.name, place.or_else(registered)?))
    });
    configs
        .map(|(name, place)| shown(ReasonCode::RegisteredVm, format!("the configuration of {name}"), place))
        .collect()
}

/// What of a verdict shows the problem: not whom was asked, when it was written and whose it may have been.
fn evidence_of(judgement: &Judgement) -> Vec<Reason> {
    let is_beside = |reason: &&Reason| {
        reason.weight == Weight::Against
            || matches!(
                reason.code,
                ReasonCode::InventoriesConsulted
                    | ReasonCode::LastWritten
                    | ReasonCode::NoSignOfUse
                    | ReasonCode::Unchanged
                    | ReasonCode::LastOwner
                    | ReasonCode::LastOwnerHint
                    | ReasonCode::AssumedComplete
            )
    };
    let shows = judgement.reasons.iter().filter(|reason| !is_beside(reason));
    shows
        .map(|reason| Reason {
            settles: None,
            ..reason.clone()
        })
        .collect()
}

/// Ids that tie a chain, as people compare them.
pub(super) fn linked<'a>(links: impl IntoIterator<Item = &'a LinkId>) -> String {
    let links: Vec<String> = links.into_iter().map(ToString::to_string).collect();
    if links.is_empty() {
        return "no id".to_owned();
    }
    links.join(" or ")
}
