//! V64 on Hyper-V: a registered VM has a file at a place that is tied to no root, and a file of the scan lies in a folder of the
//! same name under the same name. A share, a name of DFS, a drive letter of `subst`, a mounted folder, a junction and a device
//! are names of places that no file tells: the two may be one file.

use foldhash::HashMap;

use super::{Judge, Judgement, reasons::settled, wanted::Damaged};
use crate::{
    inventory::Registration,
    kind::{Kind, Platform},
    path::{Mount, Parsed, fold, parse},
    reconcile::{
        files::NodeId,
        identity::{Identities, Place, Writer},
        own::{Owners, World},
    },
    report::codes::{Class, ReasonCode},
};

/// A file that a registered VM has at a place tied to no root.
#[derive(Debug, Clone)]
struct Untied<'a> {
    vm: usize,
    inventory: usize,
    /// The path as listed.
    path: &'a str,
    /// Its place, where it names one.
    mount: Option<Mount>,
    /// The VM is a role of a cluster, whose disks go from node to node.
    is_clustered: bool,
}

/// Such files by the ends of their paths.
#[derive(Debug, Default)]
pub(crate) struct Tails<'a> {
    /// By folded name and the folder that they lie in.
    by_end: HashMap<String, Vec<Untied<'a>>>,
    /// Those that lie at the top of their place, by what follows: that may be any folder here.
    at_top: HashMap<String, Vec<Untied<'a>>>,
    /// All by what may follow the top of a place.
    anywhere: HashMap<String, Vec<Untied<'a>>>,
    /// Paths by what may be left of their ends.
    damaged: Damaged<&'a str>,
}

/// Most places that are kept of one end.
const PLACES_MAX: usize = 8;

impl<'a> Tails<'a> {
    pub(crate) fn new(world: World<'a>, identities: &Identities, owners: &'a Owners) -> Self {
        let mut tails = Self::default();
        let registered = owners.vms.iter().enumerate();
        let of_hyperv = registered.filter(|(_, vm)| vm.platform == Platform::Hyperv && vm.is_registered());
        for (index, vm) in of_hyperv {
            for &(inventory, row) in &vm.rows {
                let row = &world.inventories[inventory].vms[row];
                let files = row.files.iter().filter(|file| !file.role.is_transient());
                for text in files.map(|file| file.path.as_str()).chain(row.config.as_deref()) {
                    tails.add(identities, (index, inventory), row, text);
                }
            }
        }
        tails
    }

    fn add(&mut self, identities: &Identities, (vm, inventory): (usize, usize), row: &Registration, path: &'a str) {
        let (mount, tails) = match parse(path) {
            Parsed::Path(place) => {
                let place = place.on_host(row.host.as_deref());
                if matches!(identities.place(Writer::Inventory(inventory), &place), Place::Roots(_)) {
                    return;
                }
                let tails = if place.mount.is_some() {
                    Tail::all_of(&place.parts)
                } else {
                    Vec::new()
                };
                (place.mount, tails)
            }
            Parsed::NotAFile | Parsed::Unclear => (None, Vec::new()),
        };
        let untied = Untied {
            vm,
            inventory,
            path,
            mount,
            is_clustered: row.clustered,
        };
        for tail in tails {
            if tail.is_at_top {
                push(&mut self.at_top, tail.text.clone(), untied.clone());
            }
            push(&mut self.anywhere, tail.text, untied.clone());
        }
        if let Some(end) = end_of(path) {
            self.damaged.add(0, end.as_bytes(), path);
            push(&mut self.by_end, end, untied);
        }
    }
}

fn push<'a>(by: &mut HashMap<String, Vec<Untied<'a>>>, key: String, untied: Untied<'a>) {
    let places = by.entry(key).or_default();
    if places.len() < PLACES_MAX {
        places.push(untied);
    }
}

/// Folders that Hyper-V makes in those of a VM: alone they say little.
const MADE_BY_HYPERV: [&str; 3] = ["virtual machines", "virtual hard disks", "snapshots"];

/// What may follow the top of a place: a name, or one in a folder that Hyper-V makes.
struct Tail {
    /// Folded.
    text: String,
    /// Nothing is above it.
    is_at_top: bool,
}

impl Tail {
    /// The name, and where the folder is one that Hyper-V makes that with it: a share may be either folder.
    fn all_of<P: AsRef<str>>(parts: &[P]) -> Vec<Self> {
        let mut folded = parts.iter().rev().map(|part| fold(part.as_ref()));
        let Some(name) = folded.next() else { return Vec::new() };
        let made = folded.next().filter(|folder| MADE_BY_HYPERV.contains(&folder.as_str()));
        let with_folder = made.map(|folder| Self {
            text: format!("{folder}/{name}"),
            is_at_top: parts.len() == 2,
        });
        let alone = Self {
            text: name,
            is_at_top: parts.len() == 1,
        };
        [alone].into_iter().chain(with_folder).collect()
    }
}

/// The folder and the name at the end of a path, folded, with the folder above where Hyper-V names the folder; `None` where it
/// has not both.
fn end_of(path: &str) -> Option<String> {
    let parts = path.rsplit(['\\', '/']).filter(|part| !part.is_empty());
    let mut folders = parts.clone().skip(1).map(fold);
    let mut end = folders.next()?;
    if MADE_BY_HYPERV.contains(&end.as_str()) {
        end = format!("{}/{end}", folders.next()?);
    }
    let is_place = !end.ends_with(':') && end != "?" && end != ".";
    let name = parts.clone().next().map(fold)?;
    is_place.then(|| format!("{end}/{name}"))
}

impl Judge<'_> {
    /// A registered VM has a file of this folder and name at a place that may be this one under another name.
    pub(super) fn perhaps_at_untied_place(&self, node: NodeId) -> Option<Judgement> {
        if self.tails.by_end.is_empty() && self.tails.anywhere.is_empty() {
            return None;
        }
        let file = self.file(node);
        let is_of_vm = file.kind().is_disk() || file.kind().is_config() || file.kind() == Kind::Vhds;
        if !is_of_vm {
            return None;
        }
        let end = end_of(&file.entry.path.lossy());
        let of_end = |end: String| self.tails.by_end.get(&end).map(Vec::as_slice).unwrap_or_default();
        let mut places = self.at_tops(&file.entry.path.lossy());
        if let Some(end) = end {
            let damaged = self.tails.damaged.fitting(0, &end);
            let meant = damaged.and_then(|(path, _)| end_of(path));
            places.extend(of_end(end));
            places.extend(meant.into_iter().flat_map(of_end));
        }
        let mut places = places.into_iter();
        let untied = places.find(|untied| self.may_be_the_place(self.root(node), untied))?;
        let text = format!(
            "{} has {}, at a place that was not scanned or is this one under another name",
            self.owners.vms[untied.vm].name, untied.path
        );
        let settles = "an alias for that place, the list of shares of its server, or a scan of it";
        let reason = settled(ReasonCode::OutsideScan, text, settles);
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// Files of registered VMs at places of which the top may be a folder here, or of which the top of the root may be a folder.
    fn at_tops(&self, path: &str) -> Vec<&Untied<'_>> {
        let parts: Vec<&str> = path.split('/').collect();
        let tails = Tail::all_of(&parts).into_iter();
        let places = tails.filter_map(|tail| {
            let places = if tail.is_at_top {
                &self.tails.anywhere
            } else {
                &self.tails.at_top
            };
            places.get(&tail.text)
        });
        places.flatten().collect()
    }

    /// False where one writer tells the place apart from the root: another volume of the cluster, another host's drive for a VM that
    /// is no role of a cluster, or two volumes whose ids are known.
    fn may_be_the_place(&self, root: usize, untied: &Untied<'_>) -> bool {
        let Some(mount) = &untied.mount else { return true };
        let held = self.identities.roots[root].entities.iter();
        let own: Vec<&Mount> = held
            .flat_map(|&entity| &self.identities.entities[entity].names)
            .map(|(_, mount)| mount)
            .collect();
        let has_id = |mounts: &[&Mount]| mounts.iter().any(|mount| matches!(mount, Mount::VolumeGuid(_)));
        let other = self.identities.entity(Writer::Inventory(untied.inventory), mount);
        let other: Vec<&Mount> = other.map_or_else(Vec::new, |entity| {
            let names = self.identities.entities[entity].names.iter();
            names.map(|(_, mount)| mount).collect()
        });
        let is_other_volume = self.is_current_volume(untied.inventory, mount)
            && own
                .iter()
                .any(|own| matches!(own, Mount::ClusterVolume(_)) && *own != mount);
        let is_other_host = |own: &&Mount| match (own, mount) {
            (Mount::Drive { host: Some(own), .. }, Mount::Drive { host: Some(host), .. }) => {
                own != host && !untied.is_clustered
            }
            _ => false,
        };
        !(is_other_volume || own.iter().any(is_other_host) || has_id(&own) && has_id(&other))
    }

    /// True for the volume of a cluster by the name that it has. One that the list of volumes beside it has not may be an earlier name.
    fn is_current_volume(&self, inventory: usize, mount: &Mount) -> bool {
        let inventory = &self.world.inventories[inventory];
        let mut listed = inventory
            .datastores
            .iter()
            .flat_map(|datastore| datastore.aliases.iter().chain([&datastore.name]))
            .filter_map(|name| match parse(name) {
                Parsed::Path(path) => path.mount,
                Parsed::NotAFile | Parsed::Unclear => None,
            })
            .filter(|name| matches!(name, Mount::ClusterVolume(_)))
            .peekable();
        matches!(mount, Mount::ClusterVolume(_)) && (listed.peek().is_none() || listed.any(|name| name == *mount))
    }
}
