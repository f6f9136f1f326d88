//! Naming rules of the platforms: files that belong to a configuration or a disk without being named by it.
//!
//! They cover small files, state and logs only. A disk is never a companion: a stray disk beside a VM is what derelict
//! looks for (V44, V47, V54). Sources: formats-vmware 1.8 and 3.3, formats-hyperv 5.2 and 5.7.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use uuid::Uuid;

use super::{
    Options,
    checkpoints::Checkpoints,
    coverage::{home_folder, is_below},
    files::{Files, Lookup, NodeId},
    resolve::{Edge, ListedFolders, Match, References, Target},
};
use crate::{
    evidence::MarkCode,
    kind::{Kind, Platform, Role},
    path::{Parsed, fold, parse},
};

/// Length of an id as it stands in a name.
const ID_CHARACTERS: usize = 36;

/// Most registered configurations, and most others, that share a log which bears nobody's name: the verdict needs one,
/// and a folder of ten thousand configurations and their logs would have as many times as many ties.
const MOST_SHARING_A_LOG: usize = 16;

/// Folders whose ties are found at once, before any of them is counted: each may name the same folder with thousands of logs.
const FOLDERS_AT_ONCE: usize = 256;

/// What the inventories say of the configurations on disk.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// Those of registered VMs.
    pub(crate) registered: BTreeSet<NodeId>,
    /// Those of VMs that are off: a swap file beside one is a leftover, not a companion (V51).
    pub(crate) powered_off: BTreeSet<NodeId>,
    /// Disks that lists of services name.
    pub(crate) volumes: BTreeSet<NodeId>,
}

/// Adds the edges of all naming rules.
///
/// `None` where it is given up.
pub(crate) fn add(
    files: &Files<'_>,
    references: &mut References,
    checkpoints: &Checkpoints,
    standing: &Standing,
    listed: &ListedFolders,
    options: &Options,
) -> Option<()> {
    let volumes = with_parents(references, &standing.volumes);
    let mut sharing = Sharing::default();
    for folders in files.folders().chunks(FOLDERS_AT_ONCE) {
        options.go_on()?;
        let naming = Naming {
            files,
            references,
            standing,
            volumes: &volumes,
            listed,
        };
        let of_folders = folders.par_iter();
        let of_folders = of_folders.map(|&(root, folder, nodes)| naming.in_folder(root, folder, nodes));
        let of_folders: Vec<Vec<Tie>> = of_folders.collect();
        for tie in of_folders.into_iter().flatten() {
            if sharing.admits(&tie, standing) {
                link(references, tie);
            }
        }
    }
    vms_of_checkpoints(files, references, checkpoints);
    disks_at_home(files, references, checkpoints, &standing.registered);
    orphaned_extents(files, references);
    Some(())
}

/// That a file belongs to another by a naming rule.
struct Tie {
    from: NodeId,
    to: NodeId,
    role: Role,
}

/// What the naming rules ask.
struct Naming<'a> {
    files: &'a Files<'a>,
    references: &'a References,
    standing: &'a Standing,
    /// Disks that lists of services name, and their parents.
    volumes: &'a BTreeSet<NodeId>,
    listed: &'a ListedFolders,
}

impl Naming<'_> {
    /// What the files of a folder have by name, in the order of these files.
    fn in_folder(&self, root: usize, folder: &[u8], nodes: &[NodeId]) -> Vec<Tie> {
        let mut ties = Vec::new();
        // Whatever is one too many here is one too many among all.
        let mut sharing = Sharing::default();
        for &node in nodes {
            if is_live_config(self.files, node) {
                let own = self.of_live_config(root, folder, node).into_iter();
                ties.extend(own.filter(|tie| sharing.admits(tie, self.standing)));
            }
            ties.extend(self.of_disk_or_state(node));
        }
        ties
    }

    fn of_live_config(&self, root: usize, folder: &[u8], config: NodeId) -> Vec<Tie> {
        let files = self.files;
        let has_swap = !self.standing.powered_off.contains(&config);
        let places: BTreeSet<(usize, Vec<u8>)> = std::iter::once((root, folder.to_vec()))
            .chain(named_folders(files, self.references, config))
            .chain(self.listed.get(&config).into_iter().flatten().cloned())
            .collect();
        let platform = files.nodes[config].kind().platform();
        let own = places
            .iter()
            .flat_map(|(root, folder)| of_config(files, *root, folder, files.name(config), platform));
        let own = own.filter(|&(_, role)| role != Role::Swap || has_swap);
        ties_of(config, own).collect()
    }

    fn of_disk_or_state(&self, node: NodeId) -> Vec<Tie> {
        let files = self.files;
        match files.nodes[node].kind() {
            Kind::Vhd | Kind::Vhdx | Kind::Avhd | Kind::Avhdx | Kind::Vhds | Kind::Vmsn | Kind::Vmss => {
                named_after(files, node)
            }
            Kind::VmdkDescriptor => {
                let mut ties = digests_of(files, node);
                if is_unread(files, node) || is_torn(files, node) || lacks_extents(files, self.references, node) {
                    ties.extend(parts_by_name(files, node));
                } else if self.volumes.contains(&node) || is_first_class(files, node) {
                    ties.extend(sidecars_of_volume(files, self.references, node));
                }
                ties
            }
            Kind::VmdkDigest if !names_extents(files, node) => parts_by_name(files, node),
            _ => Vec::new(),
        }
    }
}

/// What one file has.
fn ties_of(from: NodeId, own: impl IntoIterator<Item = (NodeId, Role)>) -> impl Iterator<Item = Tie> {
    own.into_iter().map(move |(to, role)| Tie { from, to, role })
}

/// How many registered configurations share each log, and how many others.
#[derive(Default)]
struct Sharing {
    registered: HashMap<NodeId, usize>,
    others: HashMap<NodeId, usize>,
}

impl Sharing {
    /// False for one more that shares a log which so many share that it says nothing any more.
    fn admits(&mut self, tie: &Tie, standing: &Standing) -> bool {
        if tie.role != Role::Log {
            return true;
        }
        let of_its_kind = if standing.registered.contains(&tie.from) {
            &mut self.registered
        } else {
            &mut self.others
        };
        let count = of_its_kind.entry(tie.to).or_default();
        *count += 1;
        *count <= MOST_SHARING_A_LOG
    }
}

/// Folders that a configuration names for its snapshots, swap or suspend state (V48); a folder resolves to no file.
pub(crate) fn named_folders(files: &Files<'_>, references: &References, config: NodeId) -> Vec<(usize, Vec<u8>)> {
    let written = files.nodes[config]
        .evidence()
        .map_or(&[][..], |evidence| &evidence.references);
    written
        .iter()
        .zip(&references.targets[config])
        .filter(|(reference, _)| reference.role == Role::Folder)
        .filter_map(|(_, target)| match target {
            Target::Missing { root, path } | Target::Unread { root, path } => Some((*root, path.clone())),
            _ => None,
        })
        .collect()
}

/// True for a configuration that stands for a VM: no backup copy beside the real one.
pub(crate) fn is_live_config(files: &Files<'_>, node: NodeId) -> bool {
    let this = files.nodes[node];
    if !this.kind().is_config() {
        return false;
    }
    match config_stem(files.name(node)) {
        Some((stem, true)) => {
            let near = files.beginning_with(this.entry.root, this.folder(), stem);
            !near.into_iter().any(|other| {
                other != node && matches!(config_stem(files.name(other)), Some((other, false)) if other == stem)
            })
        }
        _ => true,
    }
}

/// True for the backup copy of a configuration, by its name.
pub(crate) fn is_backup_copy(files: &Files<'_>, node: NodeId) -> bool {
    matches!(config_stem(files.name(node)), Some((_, true)))
}

/// The backup copy that lies beside the place of a configuration that is gone.
pub(crate) fn backup_of_config(files: &Files<'_>, root: usize, config: &[u8]) -> Option<NodeId> {
    let split = config
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(0, |slash| slash + 1);
    let name = fold(&String::from_utf8_lossy(&config[split..]));
    let (stem, _) = config_stem(&name)?;
    let folder = &config[..split.saturating_sub(1)];
    let hidden = format!(".{stem}");
    let near = [stem, &hidden].map(|start| files.beginning_with(root, folder, start));
    near.into_iter()
        .flatten()
        .find(|&node| files.nodes[node].kind().is_config() && config_stem(files.name(node)) == Some((stem, true)))
}

/// The configuration of the same name in the other form: a VM of VMware that is made a template has its `.vmx` renamed to
/// `.vmtx`, and back (V4).
pub(crate) fn other_form_of_config(files: &Files<'_>, root: usize, config: &[u8]) -> Option<NodeId> {
    let path = String::from_utf8_lossy(config);
    let (stem, extension) = path.rsplit_once('.')?;
    let other = match fold(extension).as_str() {
        "vmx" => "vmtx",
        "vmtx" => "vmx",
        _ => return None,
    };
    match files.find(root, format!("{stem}.{other}").as_bytes()) {
        Lookup::Found { node, .. } => Some(node),
        _ => None,
    }
}

/// The stem of a configuration's name, and whether the name is that of a backup copy (`x.vmx~`, `x.vmx.bak`).
fn config_stem(name: &str) -> Option<(&str, bool)> {
    let stem = |name: &'_ str| {
        let mut extensions = [".vmx", ".vmtx", ".vmcx", ".xml"].iter();
        extensions.find_map(|extension| Some(name.strip_suffix(extension)?.len()))
    };
    if let Some(stem) = stem(name) {
        return Some((name.get(..stem)?, false));
    }
    let mut copies = ["~", ".bak", ".orig", ".old", ".backup"].iter();
    let original = copies.find_map(|copy| name.strip_suffix(copy))?;
    Some((original.get(..stem(original)?)?.trim_start_matches('.'), true))
}

/// Files in the folder of a configuration that are its own by name, whether or not the configuration is there.
pub(crate) fn of_config(
    files: &Files<'_>,
    root: usize,
    folder: &[u8],
    config_name: &str,
    platform: Option<Platform>,
) -> Vec<(NodeId, Role)> {
    let stem = config_stem(config_name).map_or(config_name, |(stem, _)| stem);
    if platform == Some(Platform::Hyperv) {
        let inner = if folder.is_empty() {
            stem.as_bytes().to_vec()
        } else {
            [folder, b"/", stem.as_bytes()].concat()
        };
        let upper = String::from_utf8_lossy(&inner).into_owned();
        let upper = upper[..upper.len() - stem.len()].to_owned() + &stem.to_uppercase();
        let inside = [inner, upper.into_bytes()]
            .into_iter()
            .flat_map(|inner| files.in_folder(root, &inner).to_vec());
        let near = files.beginning_with(root, folder, stem).into_iter();
        return near
            .chain(inside)
            .filter_map(|node| Some((node, hyperv_role(files, node, stem)?)))
            .collect();
    }
    // `web-2.nvram` begins with `web` and belongs to `web-2` where there is such a configuration.
    let beginning = |start: &str| files.beginning_with(root, folder, start);
    let hidden = format!(".{stem}");
    let others = [stem, &hidden].map(beginning).into_iter().flatten();
    let longer: Vec<&str> = others
        .filter(|&node| files.nodes[node].kind().is_config())
        .filter_map(|node| config_stem(files.name(node)).map(|(stem, _)| stem))
        .filter(|other| other.len() > stem.len() && other.starts_with(stem))
        .collect();
    let is_of_other = |node: NodeId| {
        let name = files.name(node);
        let name = name.strip_prefix("vmx-").unwrap_or(name);
        longer.iter().any(|other| {
            name.strip_prefix(other)
                .is_some_and(|rest| rest.starts_with(['.', '-']))
        })
    };
    let near: BTreeSet<NodeId> = [stem, &hidden, &format!("vmx-{stem}"), "nvram"]
        .map(beginning)
        .into_iter()
        .flatten()
        .chain(files.logs(root, folder).iter().copied())
        .collect();
    near.into_iter()
        .filter(|&node| !is_of_other(node))
        .filter_map(|node| Some((node, vmware_role(files, node, stem)?)))
        .collect()
}

fn vmware_role(files: &Files<'_>, node: NodeId, stem: &str) -> Option<Role> {
    let name = files.name(node);
    let begins = name.strip_prefix(stem).is_some_and(|rest| rest.starts_with(['.', '-']));
    match files.nodes[node].kind() {
        Kind::Vmxf if begins => Some(Role::ExtendedConfig),
        Kind::Vmsd if begins => Some(Role::SnapshotList),
        Kind::Nvram if begins || name == "nvram" => Some(Role::Nvram),
        Kind::Vswp if begins || name.strip_prefix("vmx-").is_some_and(|rest| rest.starts_with(stem)) => {
            Some(Role::Swap)
        }
        Kind::VmLog => Some(Role::Log),
        Kind::Vmx | Kind::Vmtx if matches!(config_stem(name), Some((other, true)) if other == stem) => {
            Some(Role::Other)
        }
        Kind::Psf | Kind::Referenced if begins && is_small_companion(name) => Some(Role::Other),
        _ => None,
    }
}

/// V54: `-aux.xml`, data sets, screenshots, guest customisation.
fn is_small_companion(name: &str) -> bool {
    [
        ".dsd",
        ".dsv",
        ".png",
        "-aux.xml",
        ".hlog",
        ".scoreboard",
        ".vmpl",
        ".cfg",
    ]
    .iter()
    .any(|end| name.ends_with(end))
}

/// State of Hyper-V that lies beside no configuration, by the id that its name begins with.
pub(crate) fn lone_states(files: &Files<'_>) -> HashMap<Uuid, Vec<NodeId>> {
    let mut found: HashMap<Uuid, Vec<NodeId>> = HashMap::default();
    for node in 0..files.nodes.len() {
        if let Some(id) = id_of_state(files, node)
            && !lies_beside_config(files, node)
        {
            found.entry(id).or_default().push(node);
        }
    }
    found
}

/// The id in the name of a file of state.
pub(crate) fn id_of_state(files: &Files<'_>, node: NodeId) -> Option<Uuid> {
    let is_state = matches!(
        files.nodes[node].kind(),
        Kind::Vmgs | Kind::Vmrs | Kind::Vsv | Kind::Bin | Kind::Slp
    );
    let id = files.name(node).get(..ID_CHARACTERS).filter(|_| is_state)?;
    Uuid::try_parse(id).ok()
}

/// Beside it, or above the folder that bears its id, lies the configuration of that id.
fn lies_beside_config(files: &Files<'_>, state: NodeId) -> bool {
    let Some(id) = files.name(state).get(..ID_CHARACTERS) else {
        return false;
    };
    let file = files.nodes[state];
    let folder = file.folder();
    let above = folder
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(&[][..], |end| &folder[..end]);
    [folder, above].into_iter().any(|folder| {
        let named = files.beginning_with(file.entry.root, folder, id);
        named.into_iter().any(|other| {
            files.nodes[other].kind().is_config()
                && matches!(config_stem(files.name(other)), Some((stem, false)) if stem == id)
        })
    })
}

fn hyperv_role(files: &Files<'_>, node: NodeId, id: &str) -> Option<Role> {
    let name = files.name(node);
    if !name.starts_with(id) {
        return None;
    }
    match files.nodes[node].kind() {
        Kind::Vmgs => Some(Role::Nvram),
        Kind::Vmrs | Kind::Vsv => Some(Role::SavedState),
        Kind::Bin => Some(Role::Memory),
        Kind::Slp => Some(Role::Swap),
        Kind::Vmcx if matches!(config_stem(name), Some((stem, true)) if stem == id) => Some(Role::Other),
        _ => None,
    }
}

/// What carries the name of a disk, a set or a state and goes with it.
fn named_after(files: &Files<'_>, owner: NodeId) -> Vec<Tie> {
    let Some((stem, _)) = files.name(owner).rsplit_once('.') else {
        return Vec::new();
    };
    let role = |node: NodeId| role_after(files.nodes[node].kind(), files.name(node), files.name(owner));
    let near = beside(files, owner, stem).into_iter();
    ties_of(owner, near.filter_map(|node| Some((node, role(node)?)))).collect()
}

/// What a file is to the one whose name it carries: `.rct`, `.mrt`, `.hrl`, `.hru` the full name of their disk, a replica
/// log also its stem; the data of a VHD Set lie in an automatically managed `.avhdx` of its stem (H-D11); the memory of a
/// state has the stem of the state.
fn role_after(kind: Kind, name: &str, owner: &str) -> Option<Role> {
    let (stem, extension) = owner.rsplit_once('.')?;
    let after_stem = |marks: &[char]| name.strip_prefix(stem).is_some_and(|rest| rest.starts_with(marks));
    let is_disk = matches!(extension, "vhd" | "vhdx" | "avhd" | "avhdx");
    match kind {
        Kind::Rct | Kind::Mrt => {
            let rest = name.strip_prefix(owner)?;
            matches!(rest, ".rct" | ".mrt").then_some(Role::ChangeTracking)
        }
        Kind::Hrl | Kind::Hru => {
            (is_disk && (name.starts_with(owner) || after_stem(&['.', '_']))).then_some(Role::ReplicationState)
        }
        Kind::Avhdx => (extension == "vhds" && after_stem(&['.', '_'])).then_some(Role::Disk),
        Kind::Vmem => {
            let is_state = matches!(extension, "vmsn" | "vmss");
            (is_state && name.strip_suffix(".vmem") == Some(stem)).then_some(Role::Memory)
        }
        _ => None,
    }
}

/// Digests carry the name of their disk, and so do their extents, whether or not their own descriptor can be read (V49).
fn digests_of(files: &Files<'_>, disk: NodeId) -> Vec<Tie> {
    let Some(stem) = files.name(disk).strip_suffix(".vmdk") else {
        return Vec::new();
    };
    let is_digest = |node: &NodeId| {
        let rest = files.name(*node).strip_prefix(stem);
        *node != disk && rest.is_some_and(is_digest_suffix)
    };
    let near = beside(files, disk, &format!("{stem}-digest")).into_iter();
    ties_of(disk, near.filter(is_digest).map(|node| (node, Role::Digest))).collect()
}

/// Files in the folder of another whose names begin so.
fn beside(files: &Files<'_>, node: NodeId, start: &str) -> Vec<NodeId> {
    let file = files.nodes[node];
    files.beginning_with(file.entry.root, file.folder(), start)
}

fn is_digest_suffix(rest: &str) -> bool {
    matches!(rest, "-digest.vmdk" | "-digest-flat.vmdk" | "-digest-delta.vmdk")
}

/// True for a disk of which nothing, or not everything, could be read.
pub(crate) fn is_unread(files: &Files<'_>, node: NodeId) -> bool {
    [
        MarkCode::Unreadable,
        MarkCode::SharingViolation,
        MarkCode::Damaged,
        MarkCode::Empty,
    ]
    .into_iter()
    .any(|mark| files.nodes[node].has_mark(mark))
}

/// True for a descriptor that ends inside a line: what it named below that, such as its change tracking, is not known.
fn is_torn(files: &Files<'_>, descriptor: NodeId) -> bool {
    let disk = files.nodes[descriptor]
        .evidence()
        .and_then(|evidence| evidence.disk.as_ref());
    disk.is_some_and(|disk| disk.is_torn)
}

/// True for a descriptor that names no extent, or one that is not there: a damaged line says nothing of its file.
fn lacks_extents(files: &Files<'_>, references: &References, descriptor: NodeId) -> bool {
    let evidence = files.nodes[descriptor].evidence();
    let written = evidence.into_iter().flat_map(|evidence| &evidence.references);
    let targets = written.zip(&references.targets[descriptor]);
    let mut extents = targets
        .filter(|(reference, _)| reference.role == Role::Extent)
        .peekable();
    extents.peek().is_none() || extents.any(|(_, target)| matches!(target, Target::Missing { .. }))
}

/// These disks and all that they are read through.
fn with_parents(references: &References, disks: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
    let mut all = disks.clone();
    let mut open: Vec<NodeId> = disks.iter().copied().collect();
    while let Some(disk) = open.pop() {
        let parents = references.of(disk).filter(|edge| edge.role == Role::Parent);
        open.extend(parents.map(|edge| edge.to).filter(|&parent| all.insert(parent)));
    }
    all
}

/// True for a disk that carries the id of a First Class Disk.
fn is_first_class(files: &Files<'_>, descriptor: NodeId) -> bool {
    let evidence = files.nodes[descriptor].evidence();
    evidence.is_some_and(|evidence| evidence.disk.as_ref().is_some_and(|disk| disk.fcd_id.is_some()))
}

/// V15: what vCenter notes of a First Class Disk stands in a sidecar of its name, whether or not its descriptor names that.
fn sidecars_of_volume(files: &Files<'_>, references: &References, disk: NodeId) -> Vec<Tie> {
    let is_named = |part: NodeId| references.of(disk).any(|edge| edge.to == part);
    let mut parts = parts_by_name(files, disk);
    parts.retain(|part| part.role == Role::Sidecar && !is_named(part.to));
    parts
}

/// True for a file that tells the extents of a disk.
fn names_extents(files: &Files<'_>, node: NodeId) -> bool {
    let evidence = files.nodes[node].evidence();
    let mut written = evidence.into_iter().flat_map(|evidence| &evidence.references);
    written.any(|reference| reference.role == Role::Extent)
}

/// A descriptor that does not tell its extents, or not all that it names: what is called like them, and like its sidecars, is its own (V40).
fn parts_by_name(files: &Files<'_>, disk: NodeId) -> Vec<Tie> {
    let entry = files.nodes[disk].entry;
    ties_of(disk, parts_of_missing(files, entry.root, entry.path.as_bytes())).collect()
}

/// A checkpoint's configuration belongs to the VM whose id it carries; paging files carry the VM id in their name.
fn vms_of_checkpoints(files: &Files<'_>, references: &mut References, checkpoints: &Checkpoints) {
    let mut vms: BTreeMap<Uuid, Vec<NodeId>> = BTreeMap::new();
    for (id, node) in files.nodes.iter().enumerate() {
        if let Some(vm) = node.evidence().and_then(|evidence| evidence.vm.as_ref())
            && node.kind().is_config()
            && vm.platform == Platform::Hyperv
            && vm.checkpoint_of.is_none()
            && let Some(instance) = vm.instance_id
        {
            vms.entry(instance).or_default().push(id);
        }
    }
    let with_id = |id| vms.get(&id).map_or(&[][..], Vec::as_slice);
    for checkpoint in checkpoints.iter() {
        let owners = match checkpoint.at_home.as_slice() {
            [] => with_id(checkpoint.vm),
            at_home => at_home,
        };
        for &vm in owners {
            let state = [(checkpoint.node, Role::SnapshotState)];
            ties_of(vm, state).for_each(|tie| link(references, tie));
        }
    }
    let is_paging = |node: &NodeId| files.nodes[*node].kind() == Kind::Slp;
    for node in (0..files.nodes.len()).filter(is_paging) {
        for &vm in id_of_state(files, node).map_or(&[][..], with_id) {
            ties_of(vm, [(node, Role::Swap)]).for_each(|tie| link(references, tie));
        }
    }
}

/// Disks that a configuration names at a place where they are not, and that lie in its own folder: an export or a VM that
/// was copied elsewhere keeps the paths of the host that wrote it (H-C18). What no inventory registers may name the disks
/// of the VM that it is a copy of.
fn disks_at_home(
    files: &Files<'_>,
    references: &mut References,
    checkpoints: &Checkpoints,
    registered: &BTreeSet<NodeId>,
) {
    let live = (0..files.nodes.len()).filter(|&node| is_live_config(files, node));
    let of_hyperv: Vec<NodeId> = live
        .filter(|&node| files.nodes[node].kind().platform() == Some(Platform::Hyperv))
        .collect();
    let of_registered: BTreeSet<NodeId> = checkpoints
        .iter()
        .filter(|checkpoint| {
            let mut owners = checkpoint.at_home.iter();
            owners.len() == 0 || owners.any(|owner| registered.contains(owner))
        })
        .map(|checkpoint| checkpoint.node)
        .collect();
    for config in of_hyperv {
        let is_copy = !registered.contains(&config) && !of_registered.contains(&config);
        for edge in disks_of(files, references, config, is_copy) {
            references.add(edge);
        }
    }
}

/// The disks of one configuration that lie in its folder under their names only.
fn disks_of(files: &Files<'_>, references: &References, config: NodeId, is_copy: bool) -> Vec<Edge> {
    let file = files.nodes[config];
    let home = home_folder(file.folder());
    let is_at_home = |node: NodeId| {
        let other = files.nodes[node];
        other.entry.root == file.entry.root && (home.is_empty() || is_below(other.entry.path.as_bytes(), &home))
    };
    let written = file.evidence().map_or(&[][..], |evidence| &evidence.references);
    let mut edges = Vec::new();
    for (reference, target) in written.iter().zip(&references.targets[config]) {
        let is_elsewhere = match target {
            Target::Files(found) => is_copy && !found.iter().any(|&(node, _)| is_at_home(node)),
            Target::Missing { .. } | Target::Unread { .. } | Target::Outside => true,
            Target::NotAFile => false,
        };
        let Parsed::Path(path) = parse(reference.target.as_str()) else {
            continue;
        };
        if reference.role != Role::Disk || !is_elsewhere {
            continue;
        }
        for folder in ["", "Virtual Hard Disks/"] {
            let below = [folder, path.name()].concat();
            let place = if home.is_empty() {
                below.into_bytes()
            } else {
                [home.as_slice(), b"/", below.as_bytes()].concat()
            };
            let Lookup::Found { node, .. } = files.find(file.entry.root, &place) else {
                continue;
            };
            edges.push(Edge {
                from: config,
                to: node,
                role: Role::Disk,
                basis: Match::NameOnly,
                key: reference.key.as_str().into(),
            });
        }
    }
    edges
}

/// A configuration names a descriptor that is gone: its extents are still the VM's disk, perhaps a running one (V40).
fn orphaned_extents(files: &Files<'_>, references: &mut References) {
    for id in 0..files.nodes.len() {
        let Some(evidence) = files.nodes[id].evidence() else {
            continue;
        };
        let missing: Vec<(usize, Vec<u8>, Role)> = evidence
            .references
            .iter()
            .zip(&references.targets[id])
            .filter(|(reference, _)| has_parts(reference.role))
            .filter_map(|(reference, target)| match target {
                Target::Missing { root, path } => Some((*root, path.clone(), reference.role)),
                _ => None,
            })
            .collect();
        for (root, path, _) in missing {
            for tie in ties_of(id, parts_of_missing(files, root, &path)) {
                link(references, tie);
            }
        }
    }
}

/// Files of which others carry the name.
pub(crate) fn has_parts(role: Role) -> bool {
    matches!(
        role,
        Role::Disk | Role::Parent | Role::Digest | Role::SnapshotState | Role::SavedState
    )
}

/// Extents, sidecars and memory of a disk or state that is not there or does not tell them, by their names.
pub(crate) fn parts_of_missing(files: &Files<'_>, root: usize, descriptor: &[u8]) -> Vec<(NodeId, Role)> {
    let split = descriptor
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(0, |slash| slash + 1);
    let folder = &descriptor[..split.saturating_sub(1)];
    let name = fold(&String::from_utf8_lossy(&descriptor[split..]));
    let part = |node: NodeId| {
        let kind = files.nodes[node].kind();
        let role = match name.strip_suffix(".vmdk") {
            Some(stem) => part_role(kind, files.name(node).strip_prefix(stem)?),
            None => role_after(kind, files.name(node), &name),
        };
        Some((node, role?))
    };
    // Each carries the name up to its extension.
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let near = files.beginning_with(root, folder, stem);
    near.into_iter().filter_map(part).collect()
}

/// What a file is to the disk whose stem its name begins with, by its kind and the rest of its name.
fn part_role(kind: Kind, rest: &str) -> Option<Role> {
    if is_digest_suffix(rest) {
        return Some(Role::Digest);
    }
    match kind {
        Kind::VmdkDigest if matches!(rest, "-flat.vmdk" | "-delta.vmdk") => Some(Role::Extent),
        Kind::VmdkCtk if rest == "-ctk.vmdk" => Some(Role::ChangeTracking),
        Kind::Psf if is_filter_sidecar(rest) => Some(Role::Sidecar),
        kind if kind.is_extent() => {
            let suffix = rest.strip_suffix(".vmdk")?;
            let is_whole = matches!(suffix, "-flat" | "-delta" | "-sesparse" | "-rdm" | "-rdmp");
            (is_whole || is_split_suffix(suffix)).then_some(Role::Extent)
        }
        _ => None,
    }
}

/// `-4686b60be34dc512.vmfd`: the sidecar of an I/O filter (formats-vmware 1.8).
fn is_filter_sidecar(rest: &str) -> bool {
    rest.strip_prefix('-')
        .and_then(|rest| rest.strip_suffix(".vmfd"))
        .is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// `x-000001.vmdk`, `x_GUID.avhdx`, `x.vhds`: names of links of a chain that lie beside their parents (formats-vmware 1.8,
/// formats-hyperv 5.2).
pub(crate) fn is_snapshot_link(path: &[u8]) -> bool {
    let name = fold(&String::from_utf8_lossy(path));
    if [".avhd", ".avhdx", ".vhds"].iter().any(|end| name.ends_with(end)) {
        return true;
    }
    let number = name.strip_suffix(".vmdk").and_then(|stem| stem.rsplit_once('-'));
    number.is_some_and(|(_, digits)| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `-s001`, `-f001`.
fn is_split_suffix(rest: &str) -> bool {
    rest.strip_prefix("-s")
        .or_else(|| rest.strip_prefix("-f"))
        .is_some_and(|digits| digits.len() >= 3 && digits.chars().all(|c| c.is_ascii_digit()))
}

fn link(references: &mut References, tie: Tie) {
    references.add(Edge {
        from: tie.from,
        to: tie.to,
        role: tie.role,
        basis: Match::Companion,
        key: "by name".into(),
    });
}
