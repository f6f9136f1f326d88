//! When the lists of things that are no VM were taken: beside a new list of VMs an old one of disks or libraries may lie.

use std::collections::{BTreeMap, BTreeSet};

use super::time_of;
use crate::inventory::{InventoryKind, ObjectList, part::Part};

/// First Class Disks, which are listed by datastore.
const DISKS: &str = "fcd";

/// The lists of each class, those of First Class Disks by datastore, with the time of the oldest.
pub(super) fn of_objects(parts: &[Part]) -> Vec<ObjectList> {
    let mut lists: BTreeMap<(String, Option<String>), Vec<&Part>> = BTreeMap::new();
    for part in parts {
        for list in listed_by(part) {
            lists.entry(list).or_default().push(part);
        }
    }
    let lists = lists.into_iter().map(|((class, scope), of_class)| ObjectList {
        class,
        scope,
        sure: time_of(&of_class, parts).0.map(|moment| moment.from),
    });
    lists.collect()
}

/// What one file lists: class and datastore.
fn listed_by(part: &Part) -> BTreeSet<(String, Option<String>)> {
    let objects = part.objects.iter().map(|draft| draft.object.class.as_str());
    let without_rows = [
        (part.has_library_list, "content-library"),
        (part.kind == InventoryKind::Kubernetes, "kubernetes-volume"),
        (!part.hosts.is_empty(), "host-scratch"),
    ];
    let without_rows = without_rows.iter().filter(|(is_there, _)| *is_there);
    let classes = objects.chain(without_rows.map(|(_, class)| *class));
    let others = classes.filter(|class| *class != DISKS);
    let others = others.map(|class| (class.to_owned(), None));
    let of_disks = part.fcd_scope.iter();
    let of_disks = of_disks.map(|scope| (DISKS.to_owned(), Some(scope.clone())));
    others.chain(of_disks).collect()
}
