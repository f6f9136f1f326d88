//! The parents and identities of disks that lists of disks tell, given to the VMs that have the disks.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::{
    inventory::{
        Inventory, ListedFile, Listing, Registration,
        host_names::{HostKeys, HostNames},
        part::Part,
    },
    kind::Role,
    path::{Mount, Parsed, StoragePath, parse},
};

/// Longest chain of parents that is followed.
const MAX_CHAIN: usize = 1024;

/// Adds the identities that `Get-VHD` told of the disks of each VM.
pub(super) fn add_disk_ids(inventory: &mut Inventory, parts: &[Part]) {
    let hosts = host_keys(parts, &inventory.vms);
    let mut ids: BTreeMap<DiskKey, Uuid> = BTreeMap::new();
    for (path, host, id) in parts.iter().flat_map(|part| &part.disk_ids) {
        ids.insert(disk_key(path, host.as_deref(), &hosts), *id);
        // A row of a VM may name no host.
        ids.entry(disk_key(path, None, &hosts)).or_insert(*id);
    }
    for vm in inventory.vms.iter_mut().filter(|_| !ids.is_empty()) {
        let disks = vm
            .files
            .iter()
            .filter(|file| matches!(file.role, Role::Disk | Role::Parent));
        let told = disks.filter_map(|disk| {
            let id = ids.get(&disk_key(&disk.path, vm.host.as_deref(), &hosts))?;
            Some((disk.path.clone(), id.simple().to_string()))
        });
        vm.disk_ids.extend(told.collect::<Vec<_>>());
    }
}

/// Adds the parents that `Get-VHD` gave to the files of each VM. Where every chain ends at a disk known to be a base,
/// the listing is whole.
pub(super) fn add_parents(inventory: &mut Inventory, parts: &[Part]) {
    let parents = Parents::told(parts, &inventory.vms);
    if parents.of.is_empty() {
        return;
    }
    let asked: HostNames = parts
        .iter()
        .flat_map(|part| &part.checkpoint_hosts)
        .map(String::as_str)
        .collect();
    for vm in &mut inventory.vms {
        let disks: Vec<String> = vm
            .files
            .iter()
            .filter(|file| file.role == Role::Disk)
            .map(|file| file.path.clone())
            .collect();
        let mut whole = true;
        for disk in disks {
            let (found, ends) = chain(&disk, vm.host.as_deref(), &parents);
            whole &= ends;
            if ends {
                vm.told_disks.extend(std::iter::once(disk).chain(found.iter().cloned()));
            }
            for parent in found {
                if !vm
                    .files
                    .iter()
                    .any(|file| windows_key(&file.path) == windows_key(&parent))
                {
                    vm.files.push(ListedFile {
                        path: parent,
                        role: Role::Parent,
                        size_bytes: None,
                    });
                }
            }
        }
        vm.told_disks.sort();
        vm.told_disks.dedup();
        let is_host_asked = || vm.host.as_deref().is_some_and(|host| asked.contains(host));
        let is_told = vm.checkpoints_told || vm.tells_parent_checkpoint && is_host_asked();
        let checkpoints_known =
            is_told && (!vm.has_snapshots || vm.checkpoints.iter().all(|c| c.has_disks) && !vm.checkpoints.is_empty());
        if whole && checkpoints_known && vm.listing == Listing::LeafDisks {
            vm.listing = Listing::WholeChains;
        }
    }
}

/// A disk for comparison, with its host where its path is a local one and the host is told (H-B5).
type DiskKey = (String, Option<String>);

/// The parents that lists of disks tell.
#[derive(Default)]
struct Parents {
    /// Of each disk; `None` for a base.
    of: BTreeMap<DiskKey, Option<String>>,
    /// Local paths at which VMs of several hosts have a disk: a row without a host does not say which it is of.
    on_several_hosts: BTreeSet<String>,
    hosts: HostKeys,
}

/// How the hosts of disks and VMs are written in keys.
fn host_keys(parts: &[Part], vms: &[Registration]) -> HostKeys {
    let of_chains = parts.iter().flat_map(|part| &part.chains).map(|link| &link.host);
    let of_ids = parts.iter().flat_map(|part| &part.disk_ids).map(|(_, host, _)| host);
    let of_vms = vms.iter().map(|vm| &vm.host);
    let hosts = of_chains.chain(of_ids).chain(of_vms);
    hosts.filter_map(|host| host.as_deref()).collect()
}

impl Parents {
    /// Two nodes may have two disks at one path: where their parents differ nothing is told.
    fn told(parts: &[Part], vms: &[Registration]) -> Self {
        let mut parents = Self {
            hosts: host_keys(parts, vms),
            ..Self::default()
        };
        let mut twofold = BTreeSet::new();
        for link in parts.iter().flat_map(|part| &part.chains) {
            let disk = disk_key(&link.path, link.host.as_deref(), &parents.hosts);
            let other = parents.of.insert(disk.clone(), link.parent.clone());
            let key = |parent: &Option<String>| parent.as_deref().map(windows_key);
            if other.is_some_and(|other| key(&other) != key(&link.parent)) {
                twofold.insert(disk);
            }
        }
        parents.of.retain(|disk, _| !twofold.contains(disk));
        if parents.of.is_empty() {
            return parents;
        }
        let mut hosts: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
        for vm in vms {
            let disks = vm
                .files
                .iter()
                .filter(|file| file.role == Role::Disk && is_local(&file.path));
            for disk in disks {
                let host = vm.host.as_deref().map(|host| parents.hosts.key(host));
                hosts.entry(windows_key(&disk.path)).or_default().insert(host);
            }
        }
        let several = hosts.into_iter().filter(|(_, hosts)| hosts.len() > 1);
        parents.on_several_hosts = several.map(|(disk, _)| disk).collect();
        parents
    }

    /// The parent of a disk as its host names it. Where the row of the VM names no host, or that of the disk, one disk of this
    /// path is it.
    fn get(&self, disk: &str, host: Option<&str>) -> Option<&Option<String>> {
        let key = disk_key(disk, host, &self.hosts);
        let nameless = (key.0.clone(), None);
        let of_nobody = || {
            self.of
                .get(&nameless)
                .filter(|_| !self.on_several_hosts.contains(&key.0))
        };
        let only = || {
            let mut all = self
                .of
                .range(nameless.clone()..)
                .take_while(|((path, _), _)| *path == key.0);
            let (_, parent) = all.next()?;
            (key.1.is_none() && all.next().is_none() && !self.on_several_hosts.contains(&key.0)).then_some(parent)
        };
        let told = self
            .of
            .get(&key)
            .filter(|_| key.1.is_some() || !self.on_several_hosts.contains(&key.0));
        told.or_else(of_nobody).or_else(only)
    }
}

fn disk_key(path: &str, host: Option<&str>, hosts: &HostKeys) -> DiskKey {
    let host = host.map(|host| hosts.key(host)).filter(|_| is_local(path));
    (windows_key(path), host)
}

/// True for a path on a drive of one host.
fn is_local(path: &str) -> bool {
    matches!(
        parse(path),
        Parsed::Path(StoragePath {
            mount: Some(Mount::Drive { .. }),
            ..
        })
    )
}

/// The parents of a disk, and whether the last is known to have none.
fn chain(disk: &str, host: Option<&str>, parents: &Parents) -> (Vec<String>, bool) {
    let mut found = Vec::new();
    let mut seen = BTreeSet::from([windows_key(disk)]);
    let mut next = disk.to_owned();
    while found.len() < MAX_CHAIN {
        match parents.get(&next, host) {
            None => return (found, false),
            Some(None) => return (found, true),
            Some(Some(parent)) if !seen.insert(windows_key(parent)) => return (found, false),
            Some(Some(parent)) => {
                found.push(parent.clone());
                next.clone_from(parent);
            }
        }
    }
    (found, false)
}

/// A Windows path for comparison; empty parts mean nothing (H-B3).
fn windows_key(path: &str) -> String {
    let path = path.trim_matches('"').to_lowercase();
    let parts = path.split(['\\', '/']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_followed_to_a_known_base_and_no_further() {
        let parents = parents(&[
            ("D:\\a.avhdx", None, Some("d:/A.vhdx")),
            ("D:\\a.vhdx", None, None),
            ("D:\\x.vhdx", None, Some("D:\\y.vhdx")),
            ("D:\\y.vhdx", None, Some("D:\\x.vhdx")),
        ]);
        let told = |disk: &str| chain(disk, None, &parents);
        assert_eq!(told("D:\\A.avhdx"), (vec!["d:/A.vhdx".to_owned()], true));
        assert_eq!(told("D:\\b.vhdx"), (vec![], false), "not listed is not a base");
        assert_eq!(
            told("D:\\x.vhdx"),
            (vec!["D:\\y.vhdx".to_owned()], false),
            "a circle has no base"
        );
    }

    /// Rows of a list of disks: path, host, parent.
    fn parents(rows: &[(&str, Option<&str>, Option<&str>)]) -> Parents {
        let rows = rows.iter().map(|(path, host, parent)| {
            let disk = disk_key(path, *host, &HostKeys::default());
            (disk, parent.map(str::to_owned))
        });
        Parents {
            of: rows.collect(),
            ..Parents::default()
        }
    }

    #[test]
    fn a_local_path_of_a_host_of_another_domain_is_another_disk() {
        let hosts: HostKeys = ["hv01.a.test", "hv01.b.test"].into_iter().collect();
        let disk = disk_key("D:\\a.vhdx", Some("hv01.a.test"), &hosts);
        let told = Parents {
            of: BTreeMap::from([(disk, None)]),
            hosts,
            ..Parents::default()
        };
        assert_eq!(chain("D:\\a.vhdx", Some("HV01.A.test"), &told), (Vec::new(), true));
        assert_eq!(chain("D:\\a.vhdx", Some("hv01.b.test"), &told), (Vec::new(), false));
    }

    #[test]
    fn a_local_path_of_another_host_is_another_disk() {
        let whole = (Vec::new(), true);
        let nothing = (Vec::new(), false);
        let of_one = parents(&[
            ("D:\\a.vhdx", Some("HV01"), None),
            ("\\\\s\\v\\b.vhdx", Some("HV01"), None),
        ]);
        assert_eq!(chain("D:\\a.vhdx", Some("hv01.corp.test"), &of_one), whole);
        assert_eq!(chain("D:\\a.vhdx", Some("HV02"), &of_one), nothing);
        assert_eq!(
            chain("\\\\s\\v\\b.vhdx", Some("HV02"), &of_one),
            whole,
            "a share is the same for all"
        );
        assert_eq!(
            chain("D:\\a.vhdx", None, &of_one),
            whole,
            "there is only one of this path"
        );
        let mut of_nobody = parents(&[("D:\\a.vhdx", None, None)]);
        assert_eq!(chain("D:\\a.vhdx", Some("HV02"), &of_nobody), whole);
        of_nobody.on_several_hosts.insert(windows_key("D:\\a.vhdx"));
        assert_eq!(chain("D:\\a.vhdx", Some("HV02"), &of_nobody), nothing);
        assert_eq!(chain("D:\\a.vhdx", None, &of_nobody), nothing);
    }
}
