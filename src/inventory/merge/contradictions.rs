//! Where exports contradict each other. Nothing is decided here: both count, and both are told.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::{
    inventory::{DatastoreRecord, Inventory, InventoryWarning, Registration, vi},
    kind::Role,
    path::{Mount, Parsed, fold, parse},
};

/// Code of the warning that two exports differ.
const CONTRADICTION: &str = "contradiction";

/// VMs of which two exports of the source tell different places; both are kept.
pub(super) fn moved(inventory: &Inventory) -> Option<InventoryWarning> {
    let second = |vm: &Registration| {
        vm.files
            .iter()
            .find(|file| file.role == Role::Config)
            .map(|file| file.path.clone())
    };
    let mut all = inventory.vms.iter().filter_map(|vm| Some((vm, second(vm)?)));
    let (vm, other) = all.find(|(vm, other)| vm.config.as_ref() != Some(other))?;
    Some(InventoryWarning::note(
        CONTRADICTION,
        format!(
            "two exports tell different configurations of VMs, first {}: {} and {other}; both count, make the exports together",
            vm.name,
            vm.config.as_deref().unwrap_or("none"),
        ),
    ))
}

/// Datastores that bear the UUIDs of two volumes: two of one label, or one that was made anew.
pub(super) fn two_volumes(inventory: &Inventory) -> Option<InventoryWarning> {
    let of_two = |datastore: &&DatastoreRecord| volumes(datastore).len() > 1;
    let mut all = inventory.datastores.iter().filter(of_two);
    let first = all.next()?;
    let ids: Vec<String> = volumes(first).into_iter().collect();
    Some(InventoryWarning::note(
        CONTRADICTION,
        format!(
            "{} datastores have the UUIDs of two volumes, first {}: {}; both count, make the exports together",
            all.count().saturating_add(1),
            first.name,
            ids.join(" and ")
        ),
    ))
}

/// The UUIDs of VMFS volumes among the names of a datastore. An NFS volume has one on each host.
fn volumes(datastore: &DatastoreRecord) -> BTreeSet<String> {
    let aliases = datastore.aliases.iter().map(|alias| parse(vi::volume_path(alias)));
    aliases
        .filter_map(|alias| match alias {
            Parsed::Path(path) => match path.mount? {
                Mount::VolumeId(id) => Some(id),
                _ => None,
            },
            Parsed::NotAFile | Parsed::Unclear => None,
        })
        .filter(|id| id.split('-').count() == 4)
        .collect()
}

/// Notes VMs, their places and the sizes of their files that two inventories list differently: they are kept as both say.
pub(in crate::inventory) fn between(inventories: &mut [Inventory]) {
    let mut seen: BTreeMap<Uuid, (usize, &Registration)> = BTreeMap::new();
    let mut differences: BTreeMap<(usize, usize), Differences> = BTreeMap::new();
    for (index, inventory) in inventories.iter().enumerate() {
        for (id, vm) in inventory.vms.iter().filter_map(|vm| Some((vm.instance_id?, vm))) {
            match seen.get(&id) {
                Some((other, known)) if *other != index => {
                    differences.entry((*other, index)).or_default().compare(id, known, vm);
                }
                Some(_) => {}
                None => drop(seen.insert(id, (index, vm))),
            }
        }
    }
    let mut notes: Vec<(usize, InventoryWarning)> = Vec::new();
    for ((one, other), found) in differences {
        let (Some(first), Some(second)) = (inventories.get(one), inventories.get(other)) else {
            continue;
        };
        // Sources that do not name themselves are called after their files, which may be called alike.
        let alike = first.source == second.source;
        let name = |inventory: &Inventory| {
            if alike {
                format!("{}/{}", inventory.folder, inventory.source)
            } else {
                inventory.source.clone()
            }
        };
        for text in found.in_words(&name(first), &name(second)) {
            notes.extend([one, other].map(|index| (index, InventoryWarning::note(CONTRADICTION, text.clone()))));
        }
    }
    for (index, note) in notes {
        if let Some(inventory) = inventories.get_mut(index) {
            inventory.warnings.push(note);
            inventory.warnings.sort();
            inventory.warnings.dedup();
        }
    }
}

/// What differs between two inventories: how many, and the first in words.
#[derive(Debug, Default)]
struct Differences {
    names: Several,
    places: Several,
    sizes: Several,
}

#[derive(Debug, Default)]
struct Several {
    number: usize,
    first: Option<(String, String, String)>,
}

impl Several {
    fn add(&mut self, what: impl Into<String>, one: impl Into<String>, other: impl Into<String>) {
        self.number = self.number.saturating_add(1);
        if self.first.is_none() {
            self.first = Some((what.into(), one.into(), other.into()));
        }
    }

    fn in_words(&self, what: &str, one: &str, other: &str, remedy: &str) -> Option<String> {
        let (subject, first, second) = self.first.as_ref()?;
        Some(format!(
            "{} {what}, first {subject}: {first} in {one}, {second} in {other}; both count, {remedy}",
            self.number
        ))
    }
}

impl Differences {
    fn compare(&mut self, id: Uuid, one: &Registration, other: &Registration) {
        let said = |vm: &Registration| format!("{} as {}", vm.name, if vm.template { "template" } else { "VM" });
        if said(one) != said(other) {
            self.names.add(id.to_string(), said(one), said(other));
        }
        if let (Some(first), Some(second)) = (&one.config, &other.config)
            && is_elsewhere(first, second)
        {
            self.places.add(&one.name, first, second);
        }
        let sizes: BTreeMap<&str, u64> = one
            .files
            .iter()
            .filter_map(|file| Some((file.path.as_str(), file.size_bytes?)))
            .collect();
        for file in &other.files {
            if let (Some(size), Some(known)) = (file.size_bytes, sizes.get(file.path.as_str()))
                && size != *known
            {
                self.sizes
                    .add(&file.path, format!("{known} bytes"), format!("{size} bytes"));
            }
        }
    }

    fn in_words(&self, one: &str, other: &str) -> impl Iterator<Item = String> {
        let asked_anew = "ask both anew";
        [
            self.names
                .in_words("VMs have two names or natures", one, other, asked_anew),
            self.places
                .in_words("VMs are registered at two places", one, other, asked_anew),
            self.sizes.in_words(
                "files are listed with two sizes",
                one,
                other,
                "files of running VMs grow",
            ),
        ]
        .into_iter()
        .flatten()
    }
}

/// The paths cannot be of one file: below their datastores they differ, or both name their datastore by label.
fn is_elsewhere(one: &str, other: &str) -> bool {
    let (Parsed::Path(one), Parsed::Path(other)) = (parse(one), parse(other)) else {
        return false;
    };
    let labels = (&one.mount, &other.mount);
    let other_label = matches!(labels, (Some(Mount::Label(one)), Some(Mount::Label(other))) if one != other);
    let relative = (one.relative(), other.relative());
    let other_path = if one.windows && other.windows {
        fold(&relative.0) != fold(&relative.1)
    } else {
        relative.0 != relative.1
    };
    // A share begins above or below the folder that a volume begins with.
    let comparable = !matches!(labels, (Some(Mount::Share { .. }), _) | (_, Some(Mount::Share { .. })));
    other_label || comparable && other_path
}
