//! Gaps about places that were not read: folders, configurations, disks.

use std::collections::{BTreeMap, BTreeSet};

use super::{Builder, Reach, count, home_folder, is_below, list};
use crate::{
    catalogue::SkipReason,
    evidence::{Mark, MarkCode},
    inventory::Listing,
    kind::{Kind, Platform, Role},
    path::fold,
    raw::RawPath,
    reconcile::{
        companions,
        files::NodeId,
        own::{self, OwnerVm},
        resolve::Target,
    },
    report::codes::ReasonCode,
};

/// A folder or file that was not read.
struct UnreadPlace {
    root: usize,
    path: RawPath,
    folder: bool,
    why: String,
    remedy: &'static str,
    /// Another file system, which nobody asked to leave out.
    is_mount: bool,
}

/// What a folder holds by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// Files of the file system, the datastore or the server of the storage.
    System,
    /// Lists of vSphere HA.
    HaLists,
    /// What somebody deleted: no VM runs from there.
    Recycled,
    /// Anything.
    Any,
}

/// Folders that a file system, a datastore or the server of a share makes for itself, folded (formats-vmware 4.1).
const SYSTEM_FOLDERS: [&str; 5] = [
    "lost+found",
    ".dvsdata",
    ".sdd.sf",
    "@eadir",
    "system volume information",
];
/// Of one device each: `.naa.6…`.
const DEVICE_FOLDER: &str = ".naa.";
/// Folders into which the server of a share or a desktop moves what is deleted, folded.
const RECYCLE_FOLDERS: [&str; 6] = ["#recycle", "@recycle", "$recycle.bin", "recycler", ".recycle", ".trash"];
/// Of one user each: `.Trash-1000`.
const TRASH_FOLDER: &str = ".trash-";

/// Places that may hide what no inventory registers, each with its root.
#[derive(Debug, Default)]
struct Hiding {
    strangers: BTreeSet<(String, usize)>,
    ha_lists: BTreeSet<(String, usize)>,
}

impl Hiding {
    fn add(&mut self, sort: Sort, place: String, root: usize) {
        let places = if sort == Sort::HaLists {
            &mut self.ha_lists
        } else {
            &mut self.strangers
        };
        places.insert((place, root));
    }
}

/// What is said of places alike behind their names, of one and of many, and the roots that it reaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Alike {
    of_one: String,
    of_all: String,
    roots: BTreeSet<usize>,
}

/// Most gaps alike that are told one by one.
const ALIKE_MAX: usize = 10;

impl UnreadPlace {
    /// The folder of the whole VM of which a configuration may lie here.
    fn home(&self) -> Vec<u8> {
        home_folder(&self.reach())
    }

    /// What it holds by its name, or by that of a folder above it.
    fn sort(&self) -> Sort {
        // A file that was left out may be a configuration wherever it lies.
        if !self.folder {
            return Sort::Any;
        }
        let parts = self.path.parts().map(|part| fold(&String::from_utf8_lossy(part)));
        let mut sorts = parts.filter_map(|part| match part.as_str() {
            ".vsphere-ha" => Some(Sort::HaLists),
            part if SYSTEM_FOLDERS.contains(&part) || part.starts_with(DEVICE_FOLDER) => Some(Sort::System),
            part if RECYCLE_FOLDERS.contains(&part) || part.starts_with(TRASH_FOLDER) => Some(Sort::Recycled),
            _ => None,
        });
        sorts.next().unwrap_or(Sort::Any)
    }

    /// True for the path of the place, or of something below it.
    fn holds(&self, path: &[u8]) -> bool {
        self.path.is_empty() || path == self.path.as_bytes() || is_below(path, self.path.as_bytes())
    }

    /// The folder whose files what lies here may own when nothing else is known: a file has them beside it.
    fn reach(&self) -> Vec<u8> {
        if self.folder {
            self.path.as_bytes().to_vec()
        } else {
            home_folder(self.path.folder().as_bytes())
        }
    }
}

impl Builder<'_> {
    /// True when every row of every covering inventory lists whole chains.
    pub(super) fn whole_chains_everywhere(&self) -> bool {
        let mut rows = self
            .world
            .inventories
            .iter()
            .filter(|inventory| inventory.has_vm_list)
            .flat_map(|inventory| &inventory.vms)
            .peekable();
        rows.peek().is_some() && rows.all(|vm| vm.listing == Listing::WholeChains)
    }

    /// H-B11, V85: a place that was not read may hold the configuration of any VM; the gap says what of a registered one is open
    /// ([`Self::open_end`]). Folders of the file system, and those of what was deleted, hold none by their name: what nobody
    /// registers may be there, which lowers the confidence elsewhere.
    pub(super) fn unread_places(&mut self) {
        let places = self.places();
        if places.is_empty() {
            return;
        }
        let is_whole = self.whole_chains_everywhere();
        let of_services = self.unread_service_disks();
        let mut open: BTreeMap<usize, Option<String>> = BTreeMap::new();
        let mut hiding = Hiding::default();
        let mut alike: BTreeMap<Alike, BTreeSet<String>> = BTreeMap::new();
        for place in places {
            let own = Reach::Folder(place.root, place.reach());
            let here = format!(
                "{} on {} {}",
                shown_place(&place.path),
                self.root_name(place.root),
                place.why
            );
            let text = |what: &str, more: &str| format!("{here}: {what}{more}; {}", place.remedy);
            let what = if place.folder {
                "a configuration in it may own files"
            } else {
                "it may own files"
            };
            let inside: Vec<&OwnerVm> = self.owners.vms.iter().filter(|vm| Self::lies_in(vm, &place)).collect();
            let sort = place.sort();
            let open = open
                .entry(place.root)
                .or_insert_with(|| self.first_open_end(place.root))
                .clone();
            let open = open.filter(|_| !is_whole);
            let hides_no_vm = inside.is_empty() && sort != Sort::Any;
            let mut of_services = of_services.iter();
            let holds_disk = of_services.any(|(root, path)| *root == place.root && place.holds(path));
            if is_whole || hides_no_vm && !holds_disk {
                if place.is_mount && is_whole {
                    // It costs no verdict, and disks may lie there that nobody looks for anywhere else.
                    let text = text(what, "");
                    self.note(ReasonCode::FolderUnreadable, text, BTreeSet::from([place.root]), false);
                }
                let own = if is_whole {
                    own
                } else {
                    Reach::Folder(place.root, place.home())
                };
                self.gap(
                    ReasonCode::FolderUnreadable,
                    text(what, ""),
                    BTreeSet::from([place.root]),
                    own,
                );
                if !is_whole && (sort != Sort::System || open.is_some()) {
                    hiding.add(sort, here, place.root);
                }
                continue;
            }
            let mut roots = BTreeSet::from([place.root]);
            // Rows of leaf disks do not say where the parents, swap and snapshots of these VMs lie.
            let is_whole = |vm: &&OwnerVm| own::best_listing(self.world, vm) == Listing::WholeChains;
            if inside.is_empty() || !inside.iter().all(is_whole) {
                roots.extend(self.of_platform_of(place.root));
            } else {
                for vm in inside {
                    roots.extend(self.roots_of(vm));
                }
            }
            let more = open.map(|open| format!(", and {open}")).unwrap_or_default();
            let alike = alike.entry(self.alike(&place, what, &more, roots));
            alike.or_default().insert(shown_place(&place.path));
        }
        self.told_together(ReasonCode::FolderUnreadable, alike, &Reach::Everything);
        self.hidden_strangers(hiding);
    }

    /// A place that may own files anywhere on these roots, without its name.
    fn alike(&self, place: &UnreadPlace, what: &str, more: &str, roots: BTreeSet<usize>) -> Alike {
        let of_all = if place.folder {
            "a configuration in any of them may own files"
        } else {
            "any of them may own files"
        };
        let here = format!("on {} {}", self.root_name(place.root), place.why);
        let rest = |what: &str| format!("{here}: {what}{more}; {}", place.remedy);
        Alike {
            of_one: rest(what),
            of_all: rest(of_all),
            roots,
        }
    }

    /// Gaps of which only the places differ: a folder without permission may have thousands below it, and where there are many
    /// one sentence names the first and counts the others.
    fn told_together(&mut self, code: ReasonCode, alike: BTreeMap<Alike, BTreeSet<String>>, reach: &Reach) {
        for (alike, places) in alike {
            let told = if places.len() > ALIKE_MAX {
                vec![format!("{} {}", list(places.iter().map(String::as_str)), alike.of_all)]
            } else {
                places.iter().map(|place| format!("{place} {}", alike.of_one)).collect()
            };
            for text in told {
                self.gap(code, text, alike.roots.clone(), reach.clone());
            }
        }
    }

    /// Roots of the platform of a root.
    fn of_platform_of(&self, root: usize) -> BTreeSet<usize> {
        let platform = self.platform_of_root(root);
        platform.map_or_else(
            || (0..self.coverage.roots.len()).collect(),
            |platform| self.of_platform(platform),
        )
    }

    /// What is open of the first registered VM that may have a file on a root and of which something is, in a sentence.
    fn first_open_end(&self, root: usize) -> Option<String> {
        let platform = self.platform_of_root(root);
        let vms = self.owners.vms.iter().filter(|vm| vm.is_registered());
        let mut vms = vms.filter(|vm| platform.is_none_or(|platform| vm.platform == platform));
        vms.find_map(|vm| Some(format!("{} of {} is not known", self.open_end(vm)?, vm.name)))
    }

    /// Places that were not read and at which a service has a disk by its list: nobody tells what that was made on.
    fn unread_service_disks(&self) -> Vec<(usize, Vec<u8>)> {
        let inventories = self.world.inventories.iter().enumerate();
        let objects =
            inventories.flat_map(|(index, inventory)| inventory.objects.iter().map(move |object| (index, object)));
        let disks = objects.filter(|(_, object)| !object.folder);
        let listed = disks.filter_map(|(inventory, object)| {
            let path = object.path.as_deref()?;
            Some(self.world.resolver.listed(inventory, None, path))
        });
        listed
            .filter_map(|target| match target {
                Target::Unread { root, path } => Some((root, path)),
                _ => None,
            })
            .collect()
    }

    /// What nobody registers may lie in a place that was not read, and have a disk of its own that was made on one elsewhere.
    fn hidden_strangers(&mut self, hiding: Hiding) {
        let sorts = [
            (
                hiding.strangers,
                "what no inventory registers may lie there with a disk that was made on one here, so that what looks like the base of \
                 others is for review",
            ),
            (
                hiding.ha_lists,
                "vSphere HA lists there which VMs it protects, and may name one that no inventory registers",
            ),
        ];
        for (places, what) in sorts {
            if places.is_empty() {
                continue;
            }
            let text = format!(
                "{}: {what}; see that all of it can be read, and scan again",
                list(places.iter().map(|(place, _)| place.as_str()))
            );
            let roots: BTreeSet<usize> = places.iter().map(|(_, root)| *root).collect();
            let roots = roots.into_iter().flat_map(|root| self.of_platform_of(root)).collect();
            self.note(ReasonCode::FolderUnreadable, text, roots, true);
        }
    }

    /// V84: a root that is empty although VMs are registered on it was not read: it is not mounted, or something else is.
    pub(super) fn roots_without_files(&mut self) {
        for (root, vms) in self.coverage.empty_roots.clone() {
            let here: Vec<&OwnerVm> = vms.iter().map(|&vm| &self.owners.vms[vm]).collect();
            let is_whole = |vm: &&OwnerVm| own::best_listing(self.world, vm) == Listing::WholeChains;
            if here.iter().all(is_whole) {
                continue;
            }
            let text = format!(
                "{} has no file at all although {} registered there: mount the datastore and scan it again",
                self.root_name(root),
                count(here.len(), "VM is", "VMs are"),
            );
            let platforms: BTreeSet<Platform> = here.iter().map(|vm| vm.platform).collect();
            let roots = platforms
                .into_iter()
                .flat_map(|platform| self.of_platform(platform))
                .collect();
            self.gap(ReasonCode::FolderUnreadable, text, roots, Reach::Everything);
        }
    }

    /// Folders that could not be read, what `--exclude` left out, file systems mounted below a root: any of them may hold
    /// a configuration.
    fn places(&self) -> Vec<UnreadPlace> {
        let failed = self.catalogue.issues.iter().filter(|issue| issue.folder);
        let mut places: Vec<_> = failed
            .filter_map(|issue| {
                Some(UnreadPlace {
                    root: issue.root?,
                    path: issue.path.clone(),
                    folder: true,
                    why: format!("could not be read ({})", issue.error),
                    remedy: "see that it can be read, and scan again",
                    is_mount: false,
                })
            })
            .collect();
        for (root, record) in self.catalogue.roots.iter().enumerate() {
            for skipped in record
                .skipped
                .iter()
                .filter(|skipped| skipped.folder || may_hold_owner(&skipped.path))
            {
                let why = match skipped.why {
                    SkipReason::Excluded => "was left out by --exclude",
                    SkipReason::OtherFileSystem => "is another file system and was not entered",
                    SkipReason::StorageSnapshot => {
                        "was taken for a snapshot folder of the storage by its name, and a VM has files in it"
                    }
                };
                let place = UnreadPlace {
                    root,
                    path: skipped.path.clone(),
                    folder: skipped.folder,
                    why: why.to_owned(),
                    remedy: "scan it as well",
                    is_mount: skipped.why == SkipReason::OtherFileSystem,
                };
                // Older versions of everything own nothing, and no VM runs from them.
                let is_used = || self.owners.vms.iter().any(|vm| Self::lies_in(vm, &place));
                if skipped.why != SkipReason::StorageSnapshot || is_used() {
                    places.push(place);
                }
            }
        }
        places
    }

    /// True for a VM that is known to have a file in a place.
    fn lies_in(vm: &OwnerVm, place: &UnreadPlace) -> bool {
        vm.unread
            .iter()
            .any(|(root, path)| *root == place.root && place.holds(path))
    }

    pub(super) fn platform_of_root(&self, root: usize) -> Option<Platform> {
        let mut platforms = self
            .catalogue
            .artifacts
            .iter()
            .filter(|artifact| artifact.entry.root == root)
            .filter_map(|artifact| artifact.kind.platform());
        let first = platforms.next()?;
        platforms.all(|platform| platform == first).then_some(first)
    }

    /// The snapshot list of a registered VM that cannot be read, or is gone while the inventory counts snapshots, may name
    /// disks that no inventory of current disks lists. Most are in the chains of the current ones; those of another branch
    /// stand on one of these; but a disk that was taken out of the VM since is on no chain, and lies anywhere.
    pub(super) fn unreadable_snapshot_lists(&mut self) {
        let files = self.world.files;
        for vm in self.owners.vms.iter().filter(|vm| vm.is_registered()) {
            if own::best_listing(self.world, vm) == Listing::WholeChains {
                continue;
            }
            let Some(state) = self.state_of_list(vm) else { continue };
            let folders: BTreeSet<(usize, Vec<u8>)> = vm
                .files
                .keys()
                .map(|&node| files.nodes[node])
                .filter(|file| file.kind().is_disk() || file.kind().is_config() || file.kind() == Kind::Vmsd)
                .map(|file| (file.entry.root, file.folder().to_vec()))
                .collect();
            for (root, folder) in folders {
                let text = format!(
                    "the snapshot list of {} {state}: disks of its snapshots may lie with its other disks; an inventory that lists whole chains would \
                     tell",
                    vm.name,
                );
                self.gap(
                    ReasonCode::OwnerUnreadable,
                    text,
                    BTreeSet::from([root]),
                    Reach::Folder(root, folder),
                );
            }
            let text = format!(
                "the snapshot list of {} {state}: a disk or state that only a snapshot of it has may lie elsewhere; an inventory that lists whole \
                 chains would tell",
                vm.name,
            );
            let roots = self.within_reach(vm);
            self.gap(ReasonCode::OwnerUnreadable, text, roots, Reach::Belongings);
        }
    }

    /// V52: the state of a snapshot lies with a registered VM that has no snapshot list at all, or one that is empty while
    /// the VM runs on a snapshot: the list is lost, or lies where nobody looked. ESXi makes one, empty, with every VM. What it
    /// would name there may be the VM's own.
    pub(super) fn lost_snapshot_lists(&mut self) {
        let files = self.world.files;
        for vm in self.owners.vms.iter().filter(|vm| vm.is_registered()) {
            let Some(config) = vm.config.filter(|_| vm.platform == Platform::Vmware) else {
                continue;
            };
            let lists = vm.files.keys().filter(|&&node| files.nodes[node].kind() == Kind::Vmsd);
            let lists: Vec<NodeId> = lists.copied().collect();
            let is_empty = lists.iter().all(|&list| self.lists_nothing(list));
            let what = match lists.as_slice() {
                [] => "no snapshot list",
                [_, ..] if is_empty && self.runs_on_snapshot(vm, config) => {
                    "an empty snapshot list and runs on a snapshot"
                }
                [_, ..] => continue,
            };
            if own::best_listing(self.world, vm) == Listing::WholeChains {
                continue;
            }
            let home = (files.nodes[config].entry.root, files.nodes[config].folder().to_vec());
            let named = companions::named_folders(files, self.references, config);
            let folders: BTreeSet<(usize, Vec<u8>)> = named.into_iter().chain([home]).collect();
            for (root, folder) in folders {
                let Some(state) = self.state_without_list(config, root, &folder) else {
                    continue;
                };
                let text = format!(
                    "{} has {what}, and {state} lies with it: the list may be lost, and what it named may be its own; look at the \
                     snapshots of the VM, or give an inventory that lists whole chains",
                    vm.name,
                );
                let reach = Reach::StateIn(root, folder);
                self.gap(ReasonCode::OwnerUnreadable, text, BTreeSet::from([root]), reach);
            }
        }
    }

    pub(super) fn lists_nothing(&self, list: NodeId) -> bool {
        let evidence = self.world.files.nodes[list].evidence();
        evidence.is_none_or(|evidence| evidence.snapshots.is_empty() && evidence.references.is_empty())
    }

    /// True where a disk of the configuration stands on one that no other VM has: that of a clone is another's as well.
    pub(super) fn runs_on_snapshot(&self, vm: &OwnerVm, config: NodeId) -> bool {
        let is_own = |node: NodeId| {
            let vms = self.owners.vms_of.get(node).unwrap_or_default();
            vms.iter().all(|&other| self.owners.vms[other].id == vm.id)
        };
        let disks = self.references.of(config).filter(|edge| edge.role == Role::Disk);
        let mut parents = disks.flat_map(|disk| self.references.of(disk.to).filter(|edge| edge.role == Role::Parent));
        parents.any(|parent| is_own(parent.to))
    }

    /// The path of the state of a snapshot in a folder that may be of this configuration, and of no other registered VM.
    fn state_without_list(&self, config: NodeId, root: usize, folder: &[u8]) -> Option<String> {
        let files = self.world.files;
        let near = files.in_folder(root, folder);
        let is_other =
            |node: &NodeId| *node != config && self.is_registered(*node) && files.nodes[*node].kind().is_config();
        let is_shared = near.iter().any(is_other);
        // A list of another name may be its list, which is said of that list.
        let is_list = |node: &NodeId| files.nodes[*node].kind() == Kind::Vmsd && !self.is_registered(*node);
        if near.iter().any(is_list) {
            return None;
        }
        let stem = files.name(config).rsplit_once('.').map_or("", |(stem, _)| stem);
        let may_be_its = |node: &&NodeId| {
            let kind = files.nodes[**node].kind();
            let has_name = files
                .name(**node)
                .strip_prefix(stem)
                .is_some_and(|rest| rest.starts_with('-'));
            matches!(kind, Kind::Vmsn | Kind::Vmem) && !self.is_registered(**node) && (has_name || !is_shared)
        };
        let state = near.iter().find(may_be_its)?;
        Some(files.nodes[*state].entry.path.lossy().into_owned())
    }

    /// A disk that a registered VM names in a charset which is not that of the file system, and that is not there under
    /// this name: it may have been read wrong, and the disk lies there under another (formats-vmware 1).
    pub(super) fn names_read_wrong(&mut self) {
        let files = self.world.files;
        let mut found: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for vm in self.owners.vms.iter().filter(|vm| vm.is_registered()) {
            if own::best_listing(self.world, vm) == Listing::WholeChains {
                continue;
            }
            for &node in vm.files.keys() {
                let Some(evidence) = files.nodes[node].evidence() else {
                    continue;
                };
                for (reference, target) in evidence.references.iter().zip(&self.references.targets[node]) {
                    let names_disk = matches!(reference.role, Role::Disk | Role::Extent | Role::Parent);
                    let is_decoded = reference.target.raw() != reference.target.as_str().as_bytes();
                    if let Target::Missing { root, .. } = target
                        && names_disk
                        && is_decoded
                    {
                        found.entry(*root).or_default().insert(reference.target.to_string());
                    }
                }
            }
        }
        for (root, names) in found {
            let text = format!(
                "{} of registered VMs on {} cannot be found under {} in the charset of the file that names them: a disk here may be one of \
                 them; look under which names they lie",
                list(names.iter().map(String::as_str)),
                self.root_name(root),
                if names.len() == 1 { "its name" } else { "their names" },
            );
            self.gap(
                ReasonCode::DiskUnreadable,
                text,
                BTreeSet::from([root]),
                Reach::Attachable,
            );
        }
    }

    /// What keeps the snapshot list of a VM from telling anything.
    pub(super) fn state_of_list(&self, vm: &OwnerVm) -> Option<String> {
        let files = self.world.files;
        let lists = || {
            let is_list = |node: &&NodeId| files.nodes[**node].kind() == Kind::Vmsd;
            vm.files.keys().filter(is_list)
        };
        let is_unread = |mark: &Mark| {
            matches!(
                mark.code,
                MarkCode::Unreadable | MarkCode::SharingViolation | MarkCode::Damaged | MarkCode::Encrypted
            )
        };
        let why = |&node: &NodeId| {
            let mark = files.nodes[node]
                .evidence()?
                .marks
                .iter()
                .find(|mark| is_unread(mark))?;
            Some((files.nodes[node].entry.path.lossy(), &mark.text))
        };
        if let Some((path, why)) = lists().find_map(why) {
            return Some(format!("({path}) does not tell all ({why})"));
        }
        let counts_snapshots = vm
            .rows
            .iter()
            .any(|&(inventory, row)| self.world.inventories[inventory].vms[row].has_snapshots);
        let is_vmware = vm.platform == Platform::Vmware && vm.config.is_some();
        (is_vmware && counts_snapshots && lists().next().is_none())
            .then(|| "is not there, although the inventory counts snapshots".to_owned())
    }

    /// A link of a registered VM that has a parent and does not say where, as after damage to its hint, while no disk has the
    /// id that it quotes: any disk may be the parent (CIDs of a parent change when it is written).
    pub(super) fn parents_not_named(&mut self) {
        let files = self.world.files;
        let is_astray = |node: NodeId| matches!(self.references.broken.get(&node), Some(Target::NotAFile));
        for vm in self.owners.vms.iter().filter(|vm| vm.is_registered()) {
            let astray: Vec<NodeId> = vm.files.keys().copied().filter(|&node| is_astray(node)).collect();
            if astray.is_empty() || own::best_listing(self.world, vm) == Listing::WholeChains {
                continue;
            }
            for node in astray {
                let file = files.nodes[node];
                let text = format!(
                    "{} on {}, a disk of {}, has a parent and names none that could be found: it may be any disk; repair the chain or give \
                     Get-VHD or LayoutEx",
                    file.entry.path.lossy(),
                    self.root_name(file.entry.root),
                    vm.name,
                );
                let roots = self.within_reach(vm);
                self.gap(ReasonCode::DiskUnreadable, text, roots, Reach::Disks);
            }
        }
    }

    /// A disk that could not be read may have its parent anywhere; nobody else names that parent.
    pub(super) fn unreadable_disks(&mut self) {
        let files = self.world.files;
        let mut alike: BTreeMap<Alike, BTreeSet<String>> = BTreeMap::new();
        for (node, file) in files.nodes.iter().enumerate() {
            let unread = file.has_mark(MarkCode::SharingViolation) || file.has_mark(MarkCode::Unreadable);
            let damaged = file.has_mark(MarkCode::Damaged) || file.has_mark(MarkCode::Empty);
            let is_foreign = file.kind() == Kind::ForeignDisk;
            if !(file.kind().is_disk() || is_foreign) || !(unread || damaged) {
                continue;
            }
            let vms: Vec<&OwnerVm> = self
                .owners
                .vms_of
                .get(node)
                .into_iter()
                .flatten()
                .map(|&vm| &self.owners.vms[vm])
                .filter(|vm| vm.is_registered())
                .collect();
            // A parent that is told under a path which leads nowhere may be here.
            let is_told = |vm: &&OwnerVm| {
                own::best_listing(self.world, vm) == Listing::WholeChains
                    && !vm.outside.iter().any(|(role, _)| *role == Role::Parent)
                    && !vm.missing.iter().any(|missing| missing.role == Role::Parent)
            };
            if !vms.is_empty() && vms.iter().all(is_told) {
                continue;
            }
            let rest = |whose: &str| {
                format!(
                    "on {} could not be read: {whose} may be a disk that nothing else names; read it again or give Get-VHD or LayoutEx",
                    self.root_name(file.entry.root)
                )
            };
            let told = Alike {
                of_one: rest("its parent"),
                of_all: rest("the parent of any of them"),
                roots: BTreeSet::new(),
            };
            let place = file.entry.path.lossy().into_owned();
            let mut roots = BTreeSet::from([file.entry.root]);
            // No row tells where the parents of a leaf lie.
            for vm in &vms {
                roots.extend(self.of_platform(vm.platform));
            }
            // Few images of other hypervisors stand on a disk of ours, and then on one beside them.
            if (damaged || is_foreign) && vms.is_empty() {
                let reach = Reach::Folder(file.entry.root, file.folder().to_vec());
                let text = format!("{place} {}", told.of_one);
                self.gap(ReasonCode::DiskUnreadable, text, roots, reach);
            } else {
                alike.entry(Alike { roots, ..told }).or_default().insert(place);
            }
        }
        self.told_together(ReasonCode::DiskUnreadable, alike, &Reach::Disks);
    }
}

/// A path below a root; its top has none.
fn shown_place(path: &RawPath) -> String {
    if path.is_empty() {
        return "the top folder".to_owned();
    }
    path.lossy().into_owned()
}

/// False for files that own nothing whatever is in them.
fn may_hold_owner(path: &RawPath) -> bool {
    let name = fold(&String::from_utf8_lossy(path.name()));
    ![".iso", ".log", ".txt", ".flp", ".vfd", ".ova", ".ovf"]
        .iter()
        .any(|end| name.ends_with(end))
}
