//! V64 on Hyper-V: a registered VM has a file at a place that is tied to no root, and a file of the scan lies in a folder of the
//! same name under the same name. A share, a name of DFS, a drive letter of `subst`, a mounted folder, a junction and a device
//! are names of places that no file tells: the two may be one file.

use std::collections::HashMap;

use super::{Judge, Judgement, reasons::settled};
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
#[derive(Debug)]
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

/// Such files by their folded name and the folder that they lie in.
#[derive(Debug, Default)]
pub(crate) struct Tails<'a> {
    by_end: HashMap<String, Vec<Untied<'a>>>,
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
        let mount = match parse(path) {
            Parsed::Path(place) => {
                let place = place.on_host(row.host.as_deref());
                if matches!(identities.place(Writer::Inventory(inventory), &place), Place::Roots(_)) {
                    return;
                }
                place.mount
            }
            Parsed::NotAFile | Parsed::Unclear => None,
        };
        let Some(end) = end_of(path) else { return };
        let places = self.by_end.entry(end).or_default();
        if places.len() < PLACES_MAX {
            places.push(Untied {
                vm,
                inventory,
                path,
                mount,
                is_clustered: row.clustered,
            });
        }
    }
}

/// Folders that Hyper-V makes in those of a VM: alone they say little.
const MADE_BY_HYPERV: [&str; 3] = ["virtual machines", "virtual hard disks", "snapshots"];

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
        if self.tails.by_end.is_empty() {
            return None;
        }
        let file = self.file(node);
        let is_of_vm = file.kind().is_disk() || file.kind().is_config() || file.kind() == Kind::Vhds;
        let end = end_of(&file.entry.path.lossy()).filter(|_| is_of_vm)?;
        let places = self.tails.by_end.get(&end)?;
        let untied = places
            .iter()
            .find(|untied| self.may_be_the_place(self.root(node), untied))?;
        let text = format!(
            "{} has {}, at a place that was not scanned or is this one under another name",
            self.owners.vms[untied.vm].name, untied.path
        );
        let settles = "an alias for that place, the list of shares of its server, or a scan of it";
        let reason = settled(ReasonCode::OutsideScan, text, settles);
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
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
        let is_other_volume = matches!(mount, Mount::ClusterVolume(_))
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
}
