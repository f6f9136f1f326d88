//! Locks: which file each one locks, and who holds it (V79, formats-vmware 6). A file that a client of a share has open
//! is held by him (H-A12).

use std::collections::BTreeMap;

use super::{
    World,
    files::{Files, Lookup, NodeId},
    resolve::Target,
};
use crate::{catalogue::RootRecord, inventory::OpenFile, kind::Kind, path::short_host};

/// All locks of the catalogue.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    /// For each locked file its locks.
    pub(crate) of: BTreeMap<NodeId, Vec<NodeId>>,
    /// For each lock the file that it locks.
    pub(crate) target: BTreeMap<NodeId, NodeId>,
    /// For each root whether its file ids are those that locks name.
    pub(crate) ids: Vec<FileIds>,
    /// For each lock whose file cannot be told by its id the files that it may be: of some file ids nothing is known.
    pub(crate) unclear: BTreeMap<NodeId, Vec<NodeId>>,
    /// For each file that an unclear lock may be of the first such lock.
    pub(crate) perhaps: BTreeMap<NodeId, NodeId>,
    /// For each file that an export says is open the handles.
    pub(crate) open: BTreeMap<NodeId, Vec<Handle>>,
    /// Roots in which a host has something open that is no file of the catalogue: a folder, or a file that was made since. For
    /// each the first place where an export says so.
    pub(crate) open_elsewhere: BTreeMap<(usize, String), String>,
}

/// An open handle of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handle {
    /// Who has it open, in words.
    pub(crate) text: String,
    /// Where the export says so.
    pub(crate) source: String,
    /// The host that has it open, when it is told by its name: addresses cannot be compared.
    host: Option<String>,
}

/// What shows that a host holds a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown<'a> {
    /// A lock file.
    Lock(NodeId),
    /// An export of open files: where it says so.
    Export(&'a str),
}

impl Handle {
    fn new(file: &OpenFile, inventory: &str) -> Self {
        let client = file.client.as_deref().unwrap_or("a client");
        let user = file
            .user
            .as_deref()
            .map(|user| format!(" ({user})"))
            .unwrap_or_default();
        Self {
            text: format!("{} is open by {client}{user}", file.path),
            source: format!("{inventory}, {}", file.row),
            host: host_of(file),
        }
    }
}

/// Hyper-V opens files as the account of its machine, `DOMAIN\HOST$`.
fn machine_of(file: &OpenFile) -> Option<&str> {
    let account = file.user.as_deref().and_then(|user| user.rsplit('\\').next());
    account.and_then(|account| account.strip_suffix('$'))
}

fn host_of(file: &OpenFile) -> Option<String> {
    let is_name = |client: &&str| client.contains(|c: char| c.is_ascii_alphabetic()) && !client.contains(':');
    let client = file.client.as_deref().filter(is_name);
    let machine = machine_of(file);
    // The name of the client has the domain of the machine, where it is that of the account.
    let full = client.filter(|client| machine.is_some_and(|machine| short_host(client) == short_host(machine)));
    full.or(machine).or(client).map(str::to_owned)
}

/// A file that is open at a place which nothing ties to a root: by its path below the share every root that has it, and where the
/// export has no such path every file whose whole path ends that of the server.
fn through_share(files: &Files<'_>, file: &OpenFile) -> Vec<NodeId> {
    let path = file.share_path.as_deref().unwrap_or_default().replace('\\', "/");
    let path = path.trim_matches('/');
    if path.is_empty() {
        return files.at_end_of(&file.path, false);
    }
    let found = |root| match files.find(root, path.as_bytes()) {
        Lookup::Found { node, .. } => vec![node],
        Lookup::Ambiguous(nodes) | Lookup::Short(nodes) => nodes,
        Lookup::Nothing => Vec::new(),
    };
    (0..files.root_count()).flat_map(found).collect()
}

impl Locks {
    /// Finds the targets of all locks.
    pub(crate) fn new(files: &Files<'_>) -> Self {
        let mut locks = Self {
            ids: (0..files.root_count())
                .map(|root| FileIds::of(files.root(root)))
                .collect(),
            ..Self::default()
        };
        let is_lock = |node: &NodeId| files.nodes[*node].kind() == Kind::VmLock;
        let (found, lost): (Vec<_>, Vec<_>) = (0..files.nodes.len())
            .filter(is_lock)
            .map(|lock| (lock, target_of(files, lock)))
            .partition(|(_, target)| target.is_some());
        for (lock, target) in found {
            let Some(target) = target else { continue };
            locks.of.entry(target).or_default().push(lock);
            locks.target.insert(lock, target);
            let ids = &mut locks.ids[files.nodes[lock].entry.root];
            if *ids == FileIds::Unknown && is_by_id(files, lock) {
                *ids = FileIds::OfServer;
            }
        }
        for (lock, _) in lost {
            let candidates = locks.candidates(files, lock);
            for &candidate in &candidates {
                locks.perhaps.entry(candidate).or_insert(lock);
            }
            if !candidates.is_empty() {
                locks.unclear.insert(lock, candidates);
            }
        }
        locks
    }

    /// Where no file beside a lock has the id that it names: those of which the id on the server is not known.
    fn candidates(&self, files: &Files<'_>, lock: NodeId) -> Vec<NodeId> {
        if !is_by_id(files, lock) {
            return Vec::new();
        }
        let entry = files.nodes[lock].entry;
        let tells_ids = self.ids[entry.root] == FileIds::OfServer;
        let is_candidate = |&node: &NodeId| {
            let other = files.nodes[node];
            other.kind() != Kind::VmLock && !(tells_ids && other.entry.is_numbered())
        };
        let beside = files.in_folder(entry.root, files.nodes[lock].folder()).iter();
        beside.copied().filter(is_candidate).collect()
    }

    /// Adds the open files that inventories list.
    pub(crate) fn add_open_files(&mut self, world: World<'_>) {
        for (index, inventory) in world.inventories.iter().enumerate() {
            for file in &inventory.observations.open_files {
                let nodes = match world.resolver.listed(index, file.host.as_deref(), &file.path) {
                    Target::Files(nodes) => nodes.into_iter().map(|(node, _)| node).collect(),
                    Target::Missing { root, .. } | Target::Unread { root, .. } => {
                        if let Some(host) = machine_of(file) {
                            let source = format!("{}, {}", inventory.source, file.row);
                            self.open_elsewhere.entry((root, host.to_owned())).or_insert(source);
                        }
                        continue;
                    }
                    Target::Outside | Target::NotAFile => through_share(world.files, file),
                };
                for node in nodes {
                    let handle = Handle::new(file, &inventory.source);
                    self.open.entry(node).or_default().push(handle);
                }
            }
        }
    }

    /// Files that somebody holds, by a lock or an open handle, with the hosts that do and what shows it.
    pub(crate) fn held<'a>(&'a self, files: &Files<'a>) -> BTreeMap<NodeId, Vec<(&'a str, Shown<'a>)>> {
        let mut held: BTreeMap<NodeId, Vec<(&str, Shown<'_>)>> = BTreeMap::new();
        for (&target, locks) in &self.of {
            let holders = locks
                .iter()
                .filter_map(|&lock| Some((Self::holder(files, lock)?, Shown::Lock(lock))));
            held.entry(target).or_default().extend(holders);
        }
        for (&target, handles) in &self.open {
            let holders = handles
                .iter()
                .filter_map(|handle| Some((handle.host.as_deref()?, Shown::Export(&handle.source))));
            held.entry(target).or_default().extend(holders);
        }
        held
    }

    /// Who holds a lock, as written.
    pub(crate) fn holder<'a>(files: &Files<'a>, lock: NodeId) -> Option<&'a str> {
        files.nodes[lock]
            .evidence()?
            .lock
            .as_ref()?
            .host
            .as_deref()
            .filter(|host| !host.trim().is_empty())
    }
}

/// Whether the file ids of a root are those that an NFS lock is named by (V79).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileIds {
    /// Those of NFS, or of the server's own file system.
    OfServer,
    /// Another protocol, which has its own.
    Other,
    /// The type of the file system is not known, or Windows tells it, of whose numbers nobody has shown that they are the
    /// server's; and no lock names the id of a file beside it.
    Unknown,
}

impl FileIds {
    fn of(root: &RootRecord) -> Self {
        const OTHER: [&str; 6] = ["cifs", "smb", "fuse", "9p", "virtiofs", "vboxsf"];
        match root.file_system.as_deref() {
            None => Self::Unknown,
            // `NTFS`, `ReFS`, `CSVFS`, `NFS`: Linux has no capitals.
            Some(name) if name.contains(|letter: char| letter.is_ascii_uppercase()) => Self::Unknown,
            Some(name) if OTHER.iter().any(|other| name.starts_with(other)) => Self::Other,
            Some(_) => Self::OfServer,
        }
    }
}

/// True for a lock that names its file by an id.
pub(crate) fn is_by_id(files: &Files<'_>, lock: NodeId) -> bool {
    let evidence = files.nodes[lock].evidence().and_then(|evidence| evidence.lock.as_ref());
    evidence.is_some_and(|lock| lock.target_file_id.is_some())
}

fn target_of(files: &Files<'_>, lock: NodeId) -> Option<NodeId> {
    let node = files.nodes[lock];
    let evidence = node.evidence()?.lock.as_ref()?;
    if let Some(id) = evidence.target_file_id {
        let fits = |&&other: &&NodeId| other != lock && files.nodes[other].entry.inode == id;
        return files
            .in_folder(node.entry.root, node.folder())
            .iter()
            .find(fits)
            .copied();
    }
    let name = evidence.target_name.as_ref()?;
    let folder = node.folder();
    // A hosted lock lies in a folder `X.lck` beside X; `X.vmx.lck` of ESXi lies beside X itself.
    let outer = folder
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(&[][..], |end| &folder[..end]);
    [folder, outer].iter().find_map(|folder| {
        let path = if folder.is_empty() {
            name.raw().to_vec()
        } else {
            [folder, &b"/"[..], name.raw()].concat()
        };
        match files.find(node.entry.root, &path) {
            Lookup::Found { node, .. } if node != lock => Some(node),
            _ => None,
        }
    })
}
