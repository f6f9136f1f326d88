//! Resolve: every reference string to a file of the catalogue, or to "outside", or to "missing".
//!
//! Only the catalogue is asked; no path from evidence is ever opened. A parent is searched by its paths first and
//! confirmed by the id that the child quotes (content id, DataWriteGuid, unique id); when no path leads to a file with
//! that id, the files that have it are taken (H-B4, H-D9, V73).

use std::collections::{BTreeMap, BTreeSet};

use derelict_parsers::EncodedText;
use foldhash::HashMap;
use rayon::iter::{IntoParallelIterator, IntoParallelRefMutIterator, ParallelIterator};
use smol_str::SmolStr;

use super::{
    Options,
    files::{Files, Lookup, NodeId},
    identity::{Identities, Place, Writer},
};
use crate::{
    evidence::{DiskEvidence, LinkId, Reference},
    inventory::Inventory,
    kind::{Kind, Platform, Role},
    path::{Mount, Parsed, StoragePath, fold, parse},
    raw::RawPath,
};

/// How a reference led to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Match {
    /// The path is that of the file.
    Exact,
    /// Only the letter case differs (V67).
    Case,
    /// Short names of Windows stand in the path, which this file may have (H-B3).
    ShortName,
    /// A foreign absolute path whose last part lies in the folder of the file that names it.
    NameOnly,
    /// Not by path: it is the only file with the id that the child quotes.
    Identity,
    /// By a naming rule of the platform, not by a reference.
    Companion,
    /// By its place and its content; the key says how.
    Place,
}

/// One reference and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    /// Who names it.
    pub(crate) from: NodeId,
    /// What is named.
    pub(crate) to: NodeId,
    /// What for.
    pub(crate) role: Role,
    /// How the file was found.
    pub(crate) basis: Match,
    /// Key or structure that holds it.
    pub(crate) key: SmolStr,
}

/// What a path led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Files; more than one where several fit and all must be protected.
    Files(Vec<(NodeId, Match)>),
    /// Into a root, to a place that was not looked at.
    Unread {
        /// The root.
        root: usize,
        /// Where it would be.
        path: Vec<u8>,
    },
    /// Into a root, and nothing is there.
    Missing {
        /// The root.
        root: usize,
        /// Where it should be.
        path: Vec<u8>,
    },
    /// To a place that was not scanned.
    Outside,
    /// No file at all.
    NotAFile,
}

/// All references of the catalogue, resolved.
#[derive(Debug)]
pub(crate) struct References {
    /// Resolved references and naming rules.
    pub(crate) edges: Vec<Edge>,
    /// Places in `edges`, by source.
    pub(crate) from: Vec<Vec<usize>>,
    /// Places in `edges`, by target.
    pub(crate) to: Vec<Vec<usize>>,
    /// For each artifact, for each of its references, what became of it.
    pub(crate) targets: Vec<Vec<Target>>,
    /// Children whose parent is there but has another id.
    pub(crate) mismatched: BTreeSet<(NodeId, NodeId)>,
    /// Children without a parent in the scan, with what their hints led to.
    pub(crate) broken: BTreeMap<NodeId, Target>,
}

/// What became of the references of one file.
#[derive(Debug, Default)]
struct Resolved {
    /// Of each, in their order.
    targets: Vec<Target>,
    edges: Vec<Edge>,
    /// It has a parent, and none is in the scan: what its hints led to.
    broken: Option<Target>,
    /// Parents that are there and have another id.
    mismatched: Vec<NodeId>,
}

/// Folders from which the relative names of a file count, beside its own.
#[derive(Debug, Default)]
struct MoreFolders {
    /// Folders that the file names.
    named: Vec<StoragePath>,
    /// Folders of the VM that the file belongs to, by root.
    of_vm: Vec<(usize, Vec<u8>)>,
}

/// Resolves paths.
#[derive(Debug)]
pub(crate) struct Resolver<'a> {
    files: &'a Files<'a>,
    identities: &'a Identities,
    by_link: HashMap<LinkId, Vec<NodeId>>,
    by_disk_id: HashMap<&'a str, Vec<NodeId>>,
}

impl<'a> Resolver<'a> {
    /// A resolver over the catalogue.
    pub(crate) fn new(files: &'a Files<'a>, identities: &'a Identities) -> Self {
        let mut by_link: HashMap<LinkId, Vec<NodeId>> = HashMap::default();
        let mut by_disk_id: HashMap<&str, Vec<NodeId>> = HashMap::default();
        for (id, node) in files.nodes.iter().enumerate() {
            let Some(disk) = node.evidence().and_then(|evidence| evidence.disk.as_ref()) else {
                continue;
            };
            for link in disk.link.into_iter().chain(disk.image_id.map(LinkId::Guid)) {
                by_link.entry(link).or_default().push(id);
            }
            if let Some(disk_id) = disk.disk_id.as_deref() {
                by_disk_id.entry(disk_id).or_default().push(id);
            }
        }
        Self {
            files,
            identities,
            by_link,
            by_disk_id,
        }
    }

    /// Files that carry a link id.
    pub(crate) fn with_link(&self, link: LinkId) -> &[NodeId] {
        self.by_link.get(&link).map_or(&[], Vec::as_slice)
    }

    /// The disks that bear an identity, which copies of a disk share.
    pub(crate) fn with_disk_id(&self, disk_id: &str) -> &[NodeId] {
        self.by_disk_id.get(disk_id).map_or(&[], Vec::as_slice)
    }

    /// What a path of an inventory led to.
    pub(crate) fn listed(&self, inventory: usize, host: Option<&str>, text: &str) -> Target {
        match parse(text) {
            Parsed::NotAFile => Target::NotAFile,
            Parsed::Unclear => Target::Outside,
            Parsed::Path(path) => self.mounted(Writer::Inventory(inventory), &path.on_host(host)),
        }
    }

    /// What a whole path led to that somebody wrote down, as the roots are named.
    pub(crate) fn named(&self, text: &str) -> Target {
        match parse(text) {
            Parsed::NotAFile => Target::NotAFile,
            Parsed::Unclear => Target::Outside,
            Parsed::Path(path) => self.mounted(Writer::File, &path),
        }
    }

    /// True for a configuration that a move left on its root, as it names its disks, while its VM is registered at a path of an
    /// inventory.
    pub(crate) fn is_left_behind(&self, inventory: usize, host: Option<&str>, text: &str, config: NodeId) -> bool {
        let Parsed::Path(path) = parse(text) else { return false };
        let mount = path.on_host(host).mount;
        let registered = mount.and_then(|mount| self.identities.entity(Writer::Inventory(inventory), &mount));
        registered.is_some_and(|entity| self.identities.is_left_behind(entity, config, self.files))
    }

    /// The path below its datastore of a reference that names one by a label which nobody knows any more.
    pub(crate) fn below_unknown_label(&self, text: &EncodedText) -> Option<Vec<String>> {
        match parse(text.as_str()) {
            Parsed::Path(StoragePath {
                mount: Some(mount @ Mount::Label(_)),
                parts,
                ..
            }) if !self.identities.knows(&mount) => Some(parts),
            _ => None,
        }
    }

    /// The file of this path below the top of a datastore, in a folder, where only one root has such a file.
    pub(crate) fn only_at(&self, parts: &[String]) -> Option<NodeId> {
        let path = parts.join("/").into_bytes();
        let roots = 0..self.identities.roots.len();
        let mut found = roots.filter_map(|root| match self.files.find(root, &path) {
            Lookup::Found { node, exact: true } => Some(node),
            _ => None,
        });
        let first = found.next().filter(|_| parts.len() > 1)?;
        found.next().is_none().then_some(first)
    }

    /// What a path with a mount led to.
    fn mounted(&self, writer: Writer, path: &StoragePath) -> Target {
        match self.identities.place(writer, path) {
            Place::Elsewhere | Place::Ambiguous => Target::Outside,
            Place::Roots(roots) => self.below_roots(roots),
            Place::Perhaps(roots) => match self.below_roots(roots) {
                found @ Target::Files(_) => found,
                _ => Target::Outside,
            },
        }
    }

    /// A path below each of several roots.
    fn below_roots(&self, roots: Vec<(usize, Vec<String>)>) -> Target {
        let mut missing = None;
        let mut found = Vec::new();
        let mut unread = None;
        for (root, parts) in roots {
            match self.below_root(root, &parts.join("/")) {
                Target::Files(files) => found.extend(files),
                other @ Target::Unread { .. } => unread = unread.or(Some(other)),
                other => missing = missing.or(Some(other)),
            }
        }
        if found.is_empty() {
            unread.or(missing).unwrap_or(Target::Outside)
        } else {
            Target::Files(found)
        }
    }

    /// True for two paths of inventories, each with its writer and host, that cannot be one place: neither ends as the other, or
    /// the datastores are known to be two.
    pub(crate) fn are_two_places(&self, one: (usize, Option<&str>, &str), other: (usize, Option<&str>, &str)) -> bool {
        let place = |(inventory, host, text): (usize, Option<&str>, &str)| match parse(text) {
            Parsed::Path(path) => Some((Writer::Inventory(inventory), path.on_host(host))),
            Parsed::NotAFile | Parsed::Unclear => None,
        };
        let (Some((writer, path)), Some((other_writer, other))) = (place(one), place(other)) else {
            return false;
        };
        let (Some(mount), Some(other_mount)) = (&path.mount, &other.mount) else {
            return false;
        };
        let folded = |path: &StoragePath| path.parts.iter().map(|part| fold(part)).collect::<Vec<_>>();
        let (parts, other_parts) = (folded(&path), folded(&other));
        let end_alike = parts.ends_with(&other_parts) || other_parts.ends_with(&parts);
        !end_alike || self.identities.are_two((writer, mount), (other_writer, other_mount))
    }

    /// A path below a root. Blanks before it belong to it, where there is such a file (`[ds1]  web/web.vmdk`).
    fn below_root(&self, root: usize, path: &str) -> Target {
        let target = self.lookup(root, path.as_bytes());
        let trimmed = path.trim_start();
        if matches!(target, Target::Missing { .. }) && trimmed.len() < path.len() {
            return self.lookup(root, trimmed.as_bytes());
        }
        target
    }

    fn lookup(&self, root: usize, path: &[u8]) -> Target {
        match self.files.find(root, path) {
            Lookup::Found { node, exact } => {
                Target::Files(vec![(node, if exact { Match::Exact } else { Match::Case })])
            }
            Lookup::Ambiguous(nodes) => Target::Files(nodes.into_iter().map(|node| (node, Match::Case)).collect()),
            Lookup::Short(nodes) => Target::Files(nodes.into_iter().map(|node| (node, Match::ShortName)).collect()),
            Lookup::Nothing => self
                .through_leaving_link(root, path)
                .unwrap_or_else(|| self.not_found(root, path.to_vec())),
        }
    }

    /// What lies behind a symbolic link that leaves its root: in another root, or outside the scan (V65).
    fn through_leaving_link(&self, root: usize, path: &[u8]) -> Option<Target> {
        let found = |root: usize, path: &[u8]| match self.files.find(root, path) {
            Lookup::Found { node, .. } => Some(Target::Files(vec![(node, Match::Exact)])),
            _ => None,
        };
        let target = self.files.leaving_link(root, path)?;
        if let Some((root, below)) = self.files.scanned_place(root, &target) {
            return Some(found(root, &below).unwrap_or_else(|| self.not_found(root, below)));
        }
        let Parsed::Path(written) = parse(&target.lossy()) else {
            return Some(Target::Outside);
        };
        let Place::Roots(places) = self.identities.place(Writer::File, &written) else {
            return Some(Target::Outside);
        };
        let mut there = places.iter().map(|(root, parts)| (*root, parts.join("/").into_bytes()));
        let target = there.clone().find_map(|(root, path)| found(root, &path));
        target.or_else(|| there.next().map(|(root, path)| self.not_found(root, path)))
    }

    /// Nothing of this path is in the catalogue: it is missing, unless it lies where nobody looked.
    fn not_found(&self, root: usize, path: Vec<u8>) -> Target {
        if self.files.is_unread(root, &path) {
            Target::Unread { root, path }
        } else {
            Target::Missing { root, path }
        }
    }

    /// What a path that stands in a file led to, without the folders that the file names.
    pub(crate) fn written_in(&self, from: NodeId, text: &EncodedText) -> Target {
        self.reference(from, text, &MoreFolders::default())
    }

    /// What a reference of a file led to; a relative one counts from `more_folders` as well.
    fn reference(&self, from: NodeId, text: &EncodedText, more_folders: &MoreFolders) -> Target {
        let node = self.files.nodes[from];
        let literal = self.relative(from, &[], text.raw());
        if matches!(literal, Target::Files(_)) && !text.as_str().starts_with('/') {
            return literal;
        }
        let path = match parse(text.as_str()) {
            Parsed::NotAFile => return Target::NotAFile,
            Parsed::Unclear => return Target::Outside,
            Parsed::Path(path) => path,
        };
        let Some(mount) = &path.mount else {
            let target = self.relative(from, &path.parts, b"");
            if matches!(target, Target::Files(_)) {
                return target;
            }
            let tail = path.parts.join("/").into_bytes();
            let named = more_folders.named.iter();
            let named = named.map(|folder| self.below(from, folder, &path.parts));
            let of_vm = more_folders.of_vm.iter();
            let of_vm = of_vm.filter_map(|(root, folder)| Some(self.lookup(*root, &climb(folder, &tail)?)));
            return best_of(std::iter::once(target).chain(named).chain(of_vm));
        };
        let target = self.where_scanned(from, text).unwrap_or_else(|| {
            if *mount == Mount::HostRoot {
                return Target::Outside;
            }
            self.on_own_host(from, &path)
                .unwrap_or_else(|| self.mounted(Writer::File, &path))
        });
        if target == Target::Outside
            && let Lookup::Found { node: near, .. } = self
                .files
                .find(node.entry.root, &join(node.folder(), path.name().as_bytes()))
            && near != from
        {
            return Target::Files(vec![(near, Match::NameOnly)]);
        }
        target
    }

    /// A disk image of another product names its backing file by the path at which its own machine has it, which may be the
    /// one that scanned the roots.
    fn where_scanned(&self, from: NodeId, text: &EncodedText) -> Option<Target> {
        let node = self.files.nodes[from];
        if node.kind() != Kind::ForeignDisk {
            return None;
        }
        let path = RawPath::new(text.raw().to_vec());
        let (root, below) = self.files.scanned_place(node.entry.root, &path)?;
        Some(self.lookup(root, &below))
    }

    /// What a path led to that stands on a root but in no file: the target of a link.
    pub(crate) fn target_of_link(&self, root: usize, text: &str) -> Target {
        match parse(text) {
            Parsed::Path(path) if path.windows && path.mount.is_some() => {
                let host = self.identities.host_of(root);
                self.mounted(Writer::File, &path.on_host(host))
            }
            _ => Target::NotAFile,
        }
    }

    /// A drive letter in a file means the drive of the host that the file lies on, where that is known and it is there.
    fn on_own_host(&self, from: NodeId, path: &StoragePath) -> Option<Target> {
        let host = self.identities.host_of(self.files.nodes[from].entry.root)?;
        let Some(Mount::Drive { host: None, .. }) = &path.mount else {
            return None;
        };
        let target = self.mounted(Writer::File, &path.clone().on_host(Some(host)));
        matches!(target, Target::Files(_)).then_some(target)
    }

    /// A path relative to the folder of a file: `parts`, or literal bytes where no part is given.
    fn relative(&self, from: NodeId, parts: &[String], literal: &[u8]) -> Target {
        let node = self.files.nodes[from];
        let tail = if parts.is_empty() {
            literal.to_vec()
        } else {
            parts.join("/").into_bytes()
        };
        match climb(node.folder(), &tail) {
            Some(path) => self.lookup(node.entry.root, &path),
            None => Target::Outside,
        }
    }

    /// A relative path seen from a working directory.
    fn below(&self, from: NodeId, folder: &StoragePath, parts: &[String]) -> Target {
        let joined = StoragePath {
            parts: [folder.parts.as_slice(), parts].concat(),
            folder: false,
            ..folder.clone()
        };
        if joined.mount.is_some() {
            self.mounted(Writer::File, &joined)
        } else {
            self.relative(from, &joined.parts, b"")
        }
    }

    /// The folders that the rows of VMs of VMware name for their snapshots, their suspend state and their logs, by the
    /// configurations: the configuration itself may be of before a change, or name none (V7, V48).
    pub(crate) fn listed_folders(&self, inventories: &[Inventory]) -> ListedFolders {
        let of_vmware = inventories.iter().enumerate();
        let of_vmware = of_vmware.filter(|(_, inventory)| inventory.platform == Platform::Vmware);
        let rows = of_vmware.flat_map(|(index, inventory)| inventory.vms.iter().map(move |vm| (index, vm)));
        let mut found = ListedFolders::default();
        for (inventory, vm) in rows.filter(|(_, vm)| !vm.folders.is_empty()) {
            let listed = |path: &str| self.listed(inventory, vm.host.as_deref(), path);
            let Some(Target::Files(configs)) = vm.config.as_deref().map(listed) else {
                continue;
            };
            let Some(&(config, _)) = configs.first() else { continue };
            let node = self.files.nodes[config];
            let home = (node.entry.root, node.folder());
            for folder in &vm.folders {
                if let Target::Missing { root, path } | Target::Unread { root, path } = listed(folder)
                    && (root, path.as_slice()) != home
                {
                    found.entry(config).or_default().insert((root, path));
                }
            }
        }
        found
    }

    /// Resolves every reference of every artifact.
    ///
    /// `None` where it is given up.
    pub(crate) fn resolve_all(&self, listed: &ListedFolders, options: &Options) -> Option<References> {
        let count = self.files.nodes.len();
        let mut references = References {
            edges: Vec::new(),
            from: vec![Vec::new(); count],
            to: vec![Vec::new(); count],
            targets: vec![Vec::new(); count],
            mismatched: BTreeSet::new(),
            broken: BTreeMap::new(),
        };
        let folders_of_vm = self.folders_of_vms(listed);
        let resolved = (0..count).into_par_iter().filter_map(|id| {
            options.go_on()?;
            let of_vm = folders_of_vm.get(&id).cloned().unwrap_or_default();
            Some((id, self.resolve(id, of_vm)?))
        });
        let resolved: Vec<_> = resolved.collect();
        options.go_on()?;
        for (id, resolved) in resolved {
            for edge in resolved.edges {
                references.add(edge);
            }
            if let Some(target) = resolved.broken {
                references.broken.insert(id, target);
            }
            references
                .mismatched
                .extend(resolved.mismatched.into_iter().map(|parent| (id, parent)));
            references.targets[id] = resolved.targets;
        }
        references.protect_descriptors();
        references.trim();
        Some(references)
    }

    /// Resolves the references of one file; `None` where there are none.
    fn resolve(&self, id: NodeId, of_vm: Vec<(usize, Vec<u8>)>) -> Option<Resolved> {
        let node = self.files.nodes[id];
        let evidence = node.evidence()?;
        let disk = evidence.disk.as_ref().filter(|disk| disk.has_parent);
        if evidence.references.is_empty() && disk.is_none() {
            return None;
        }
        let folders = MoreFolders {
            named: working_folders(&evidence.references),
            of_vm,
        };
        let targets = evidence.references.iter();
        let targets = targets.map(|reference| self.reference(id, &reference.target, &folders));
        let mut resolved = Resolved {
            targets: targets.collect(),
            ..Resolved::default()
        };
        for (reference, target) in evidence.references.iter().zip(&resolved.targets) {
            // A log tells what was opened once: history, no reference (V47).
            if let Target::Files(files) = target
                && reference.role != Role::Parent
                && node.kind() != Kind::VmLog
            {
                let edges = files.iter().map(|&(to, basis)| Edge {
                    from: id,
                    to,
                    role: reference.role,
                    basis,
                    key: SmolStr::new(&reference.key),
                });
                resolved.edges.extend(edges);
            }
        }
        if let Some(disk) = disk {
            self.resolve_parent(id, disk, &evidence.references, &mut resolved);
        }
        Some(resolved)
    }

    /// Snapshot lists and states lie in the home of their VM or in its working folder, and what they name lies in either
    /// (V48): for each of them the other folders of its VM, and for a configuration those that its inventories name.
    fn folders_of_vms(&self, listed: &ListedFolders) -> HashMap<NodeId, Vec<(usize, Vec<u8>)>> {
        let mut found: HashMap<NodeId, Vec<(usize, Vec<u8>)>> = HashMap::default();
        for (config, node) in self.files.nodes.iter().enumerate() {
            let Some(evidence) = node.evidence().filter(|_| node.kind().is_config()) else {
                continue;
            };
            let is_folder = |reference: &&Reference| reference.role == Role::Folder;
            let named = evidence.references.iter().filter(is_folder);
            let named = named.filter_map(|reference| {
                match self.reference(config, &reference.target, &MoreFolders::default()) {
                    Target::Missing { root, path } | Target::Unread { root, path } => Some((root, path)),
                    _ => None,
                }
            });
            let home = (node.entry.root, node.folder().to_vec());
            let of_rows = listed.get(&config).into_iter().flatten();
            if listed.contains_key(&config) {
                found.entry(config).or_default().extend(of_rows.clone().cloned());
            }
            let folders: BTreeSet<(usize, Vec<u8>)> = named.chain([home]).chain(of_rows.cloned()).collect();
            let stem = self.files.name(config).rsplit_once('.').map_or("", |(stem, _)| stem);
            for folder in folders.iter().filter(|_| folders.len() > 1) {
                for &other in self.files.in_folder(folder.0, &folder.1) {
                    let kind = self.files.nodes[other].kind();
                    let is_list = matches!(kind, Kind::Vmsd | Kind::Vmsn | Kind::Vmss);
                    // A list under another name may be from before the VM was renamed.
                    let may_be_its = self.files.name(other).starts_with(stem) || kind == Kind::Vmsd;
                    if is_list && may_be_its {
                        let others = folders.iter().filter(|known| *known != folder).cloned();
                        found.entry(other).or_default().extend(others);
                    }
                }
            }
        }
        found
    }

    fn resolve_parent(&self, child: NodeId, disk: &DiskEvidence, written: &[Reference], resolved: &mut Resolved) {
        let hints: Vec<(&Reference, &Target)> = written
            .iter()
            .zip(&resolved.targets)
            .filter(|(reference, _)| reference.role == Role::Parent)
            .collect();
        let mut found = Vec::new();
        for (number, (_, target)) in hints.iter().enumerate() {
            if let Target::Files(files) = target {
                let others = files.iter().filter(|(node, _)| *node != child);
                found.extend(others.map(|&(node, basis)| (node, basis, number)));
            }
        }
        let confirms = |node: NodeId| self.confirms(disk, node);
        // The paths of a group lead to one file; of a key that stands twice either may be meant.
        let of_key = |first: usize| -> Vec<_> {
            let is_alike = |(reference, _): &(&Reference, &Target)| {
                let (chosen, _) = hints[first];
                chosen.group.is_none() && reference.group.is_none() && chosen.key == reference.key
            };
            let of_hints = found.chunk_by(|(_, _, one), (_, _, other)| one == other);
            let best = of_hints.filter_map(|files| files.iter().find(|(node, ..)| confirms(*node)).or(files.first()));
            let of_key = best.filter(|(.., hint)| *hint == first || is_alike(&hints[*hint]));
            of_key
                .map(|&(node, basis, hint)| (node, basis, SmolStr::new(&hints[hint].0.key)))
                .collect()
        };
        let chosen: Vec<_> = if let Some(&(.., hint)) = found.iter().find(|(node, ..)| confirms(*node)) {
            of_key(hint)
        } else {
            // No path leads to a file with the id: the path's file stays linked, and so does the id's.
            let mut all: Vec<_> = found.first().map(|&(.., hint)| of_key(hint)).unwrap_or_default();
            all.extend(
                self.by_identity(child, disk, written)
                    .into_iter()
                    .map(|node| (node, Match::Identity, SmolStr::new_static("id of the parent"))),
            );
            all
        };
        if chosen.is_empty() {
            let own_name = hints.iter().any(
                |(_, target)| matches!(target, Target::Files(files) if files.iter().any(|(node, _)| *node == child)),
            );
            let hinted =
                |wanted: fn(&Target) -> bool| hints.iter().map(|(_, target)| *target).find(|target| wanted(target));
            let target = hinted(|target| matches!(target, Target::Unread { .. }))
                .or_else(|| hinted(|target| matches!(target, Target::Missing { .. })));
            let target = target
                .or_else(|| hints.first().map(|(_, target)| *target))
                .filter(|_| !own_name);
            resolved.broken = Some(target.cloned().unwrap_or(Target::NotAFile));
        }
        for (node, basis, key) in chosen {
            if !disk.parent_links.is_empty() && !confirms(node) && self.has_link(node) {
                resolved.mismatched.push(node);
            }
            resolved.edges.push(Edge {
                from: child,
                to: node,
                role: Role::Parent,
                basis,
                key,
            });
        }
    }

    fn has_link(&self, node: NodeId) -> bool {
        self.files.nodes[node]
            .evidence()
            .and_then(|evidence| evidence.disk.as_ref())
            .is_some_and(|disk| disk.link.is_some())
    }

    fn confirms(&self, child: &DiskEvidence, parent: NodeId) -> bool {
        let parent = self.files.nodes[parent].evidence();
        let parent = parent.and_then(|evidence| evidence.disk.as_ref());
        parent.is_some_and(|parent| {
            let mut links = parent.link.into_iter().chain(parent.image_id.map(LinkId::Guid));
            links.any(|link| child.parent_links.contains(&link))
        })
    }

    /// The files with the id that the child quotes: where several fit, each may be the parent. Content ids repeat, so a
    /// VMDK counts in the folder of the child or of its hint, and with the child's size (formats-vmware 7); only where
    /// none is near does one elsewhere.
    fn by_identity(&self, child: NodeId, disk: &DiskEvidence, written: &[Reference]) -> BTreeSet<NodeId> {
        let mut near = BTreeSet::new();
        let mut far = BTreeSet::new();
        for &link in &disk.parent_links {
            for &node in self.with_link(link).iter().filter(|&&node| node != child) {
                let is_near = match link {
                    LinkId::Guid(guid) => !guid.is_nil(),
                    LinkId::Cid(0 | 0xffff_fffe | 0xffff_ffff) => continue,
                    LinkId::Cid(_) if !self.has_size_of(node, disk) => continue,
                    LinkId::Cid(_) => self.is_near(child, node, written),
                };
                let candidates = if is_near { &mut near } else { &mut far };
                candidates.insert(self.files.first_name[node]);
            }
        }
        if near.is_empty() { far } else { near }
    }

    fn has_size_of(&self, node: NodeId, child: &DiskEvidence) -> bool {
        let size = self.files.nodes[node]
            .evidence()
            .and_then(|evidence| evidence.disk.as_ref())
            .and_then(|disk| disk.virtual_bytes);
        size.is_none() || child.virtual_bytes.is_none() || size == child.virtual_bytes
    }

    fn is_near(&self, child: NodeId, node: NodeId, written: &[Reference]) -> bool {
        let (child, candidate) = (self.files.nodes[child], self.files.nodes[node]);
        let same_folder = child.entry.root == candidate.entry.root && child.folder() == candidate.folder();
        let hinted = written
            .iter()
            .filter(|reference| reference.role == Role::Parent)
            .any(|reference| {
                let Parsed::Path(path) = parse(reference.target.as_str()) else {
                    return false;
                };
                let folder = path.parts.len().checked_sub(2).and_then(|index| path.parts.get(index));
                folder.is_some_and(|folder| {
                    candidate.folder().rsplit(|&byte| byte == b'/').next() == Some(folder.as_bytes())
                })
            });
        same_folder || hinted
    }
}

impl References {
    /// Adds a resolved reference.
    pub(crate) fn add(&mut self, edge: Edge) {
        if edge.from == edge.to
            || self.from[edge.from]
                .iter()
                .any(|&known| self.edges[known].to == edge.to && self.edges[known].role == edge.role)
        {
            return;
        }
        let place = self.edges.len();
        self.from[edge.from].push(place);
        self.to[edge.to].push(place);
        self.edges.push(edge);
    }

    /// An image of another product may stand on the data file of a disk: deleting the disk would delete that too.
    fn protect_descriptors(&mut self) {
        let parents = self.edges.iter().filter(|edge| edge.role == Role::Parent);
        let of_descriptors: Vec<Edge> = parents
            .flat_map(|parent| {
                let descriptors = Self::into(self, parent.to).filter(|edge| edge.role == Role::Extent);
                descriptors.map(|descriptor| Edge {
                    to: descriptor.from,
                    ..parent.clone()
                })
            })
            .collect();
        for edge in of_descriptors {
            self.add(edge);
        }
    }

    /// Gives back the room for more that the lists have: most hold one.
    fn trim(&mut self) {
        self.edges.shrink_to_fit();
        let lists = self.from.par_iter_mut().chain(&mut self.to);
        lists.for_each(Vec::shrink_to_fit);
        self.targets.par_iter_mut().for_each(Vec::shrink_to_fit);
    }

    /// References of a file.
    pub(crate) fn of(&self, node: NodeId) -> impl Iterator<Item = &Edge> {
        self.from[node].iter().map(|&place| &self.edges[place])
    }

    /// References to a file.
    pub(crate) fn into(&self, node: NodeId) -> impl Iterator<Item = &Edge> {
        self.to[node].iter().map(|&place| &self.edges[place])
    }
}

/// Folders that inventories name for a VM beside that of its configuration, by the configuration.
pub(crate) type ListedFolders = HashMap<NodeId, BTreeSet<(usize, Vec<u8>)>>;

/// The first target that is a file, else one that may be, else the first.
fn best_of(targets: impl Iterator<Item = Target>) -> Target {
    let rank = |target: &Target| match target {
        Target::Files(_) => 0,
        Target::Unread { .. } => 1,
        _ => 2,
    };
    targets.min_by_key(rank).unwrap_or(Target::Outside)
}

/// Working and snapshot directories that a configuration names.
fn working_folders(references: &[Reference]) -> Vec<StoragePath> {
    references
        .iter()
        .filter(|reference| reference.role == Role::Folder)
        .filter_map(|reference| match parse(reference.target.as_str()) {
            Parsed::Path(path) => Some(path),
            Parsed::NotAFile | Parsed::Unclear => None,
        })
        .collect()
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() {
        name.to_vec()
    } else {
        [folder, b"/", name].concat()
    }
}

/// A relative path applied to a folder; `None` when it climbs out of the root.
fn climb(folder: &[u8], path: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<&[u8]> = folder
        .split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty())
        .collect();
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}
