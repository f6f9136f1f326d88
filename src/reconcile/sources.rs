//! Which inventories are of one source, a vCenter, host or cluster that was asked more than once or by more than one tool.
//!
//! Two vCenters may be called alike, and so may their hosts; exports of two may lie in one folder. One source is one only where
//! ids agree, or where nothing tells two apart.

use foldhash::HashMap;
use uuid::Uuid;

use crate::{
    inventory::{
        Inventory,
        host_names::{HostNames, is_reference},
    },
    kind::Platform,
    path::same_host,
};

/// What tells the sources of all inventories apart.
#[derive(Debug)]
pub(crate) struct Sources {
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    platform: Platform,
    /// The instance UUID of the vCenter.
    id: Option<String>,
    /// The name that it gives itself.
    name: Option<String>,
    hosts: HostNames,
    /// Inventories of vCenters with a VM in common have the same.
    vcenter: Option<usize>,
}

impl Sources {
    /// The sources of these inventories.
    pub(crate) fn new(inventories: &[Inventory]) -> Self {
        let vcenters = vcenters(inventories);
        let key = |(inventory, vcenter): (&Inventory, Option<usize>)| Key {
            platform: inventory.platform,
            id: inventory.source_id.as_deref().map(str::to_lowercase),
            name: names_itself(inventory).then(|| inventory.source.clone()),
            hosts: inventory
                .hosts
                .iter()
                .map(|host| host.name.as_str())
                .filter(|name| !is_reference(name))
                .collect(),
            vcenter,
        };
        Self {
            keys: inventories.iter().zip(vcenters).map(key).collect(),
        }
    }

    /// True where the one speaks for all that the other speaks for: it is of the same source, or of one that has all its hosts.
    pub(crate) fn speaks_for(&self, one: usize, other: usize) -> bool {
        let (a, b) = (&self.keys[one], &self.keys[other]);
        if one == other || a.platform != b.platform {
            return one == other;
        }
        if let (Some(a), Some(b)) = (&a.id, &b.id) {
            return a == b;
        }
        if let (Some(a), Some(b)) = (a.vcenter, b.vcenter) {
            return a == b;
        }
        let has_hosts = || a.hosts.hold_all_of(&b.hosts);
        match (&a.name, &b.name) {
            (Some(name), Some(other)) if same_host(name, other) => {
                a.hosts.is_empty() || b.hosts.is_empty() || a.hosts.share_one(&b.hosts)
            }
            // Each bears a name of its own, and short names of hosts repeat; the name of a host is none of its vCenter.
            (Some(_), Some(name)) if !b.hosts.contains(name) => a.hosts.surely_hold_all_of(&b.hosts),
            _ => has_hosts(),
        }
    }

    /// True where two inventories are of one source, as far as anything tells. The nodes of a cluster are asked one by one.
    pub(crate) fn are_one(&self, one: usize, other: usize) -> bool {
        let (a, b) = (&self.keys[one], &self.keys[other]);
        let bear_one_name = || matches!((&a.name, &b.name), (Some(a), Some(b)) if same_host(a, b));
        let is_cluster = a.platform == Platform::Hyperv && b.platform == Platform::Hyperv && bear_one_name();
        is_cluster || self.speaks_for(one, other) || self.speaks_for(other, one)
    }
}

/// True for an inventory that says of whom it is, and is not called after its file or its folder.
fn names_itself(inventory: &Inventory) -> bool {
    let place = place_name(inventory).unwrap_or_default();
    let rest = inventory.source.strip_suffix(place);
    place.is_empty() || !rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

/// What an inventory is called that does not name itself: its folder, or its only file.
pub(super) fn place_name(inventory: &Inventory) -> Option<&str> {
    let place = match inventory.files.as_slice() {
        [file] => file,
        _ => &inventory.folder,
    };
    place.rsplit(['/', '\\']).next()
}

/// Of each inventory of a vCenter that lists VMs with id and reference a number, the same for all with such a VM in common. A
/// vCenter numbers its VMs: two give one VM different references.
fn vcenters(inventories: &[Inventory]) -> Vec<Option<usize>> {
    let mut numbers: Vec<usize> = (0..inventories.len()).collect();
    let mut has_vms = vec![false; inventories.len()];
    let mut seen: HashMap<(Uuid, &str), usize> = HashMap::default();
    for (index, inventory) in inventories.iter().enumerate() {
        let of_vcenter = inventory.vms.iter().filter_map(|vm| {
            let moref = vm.moref.as_deref().filter(|moref| moref.starts_with("vm-"))?;
            Some((vm.instance_id?, moref))
        });
        for vm in of_vcenter.filter(|_| inventory.platform == Platform::Vmware) {
            has_vms[index] = true;
            let first = *seen.entry(vm).or_insert(index);
            let [one, other] = [first, index].map(|place| first_of(&numbers, place));
            numbers[one.max(other)] = one.min(other);
        }
    }
    (0..inventories.len())
        .map(|index| has_vms[index].then(|| first_of(&numbers, index)))
        .collect()
}

fn first_of(numbers: &[usize], mut place: usize) -> usize {
    while numbers[place] != place {
        place = numbers[place];
    }
    place
}
