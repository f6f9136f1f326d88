//! The hosts of a source, and how they are named.

use std::collections::{HashMap, HashSet};

use crate::{
    inventory::{HostRecord, part::Part},
    kind::Platform,
};

/// The hosts that a source speaks for, sorted by name.
pub(super) struct Hosts {
    /// Those that it lists; where it has no list, also those that its datastores name, since a vCenter speaks for all
    /// hosts that it knows. Hosts that VMs name have their VMs in it in any case.
    pub(super) records: Vec<HostRecord>,
    names: HashMap<String, String>,
}

impl Hosts {
    /// The hosts of all parts of a source.
    pub(super) fn of(parts: &[Part]) -> Self {
        let mut found = Found::default();
        for host in parts.iter().flat_map(|part| &part.hosts) {
            found.add(host.clone());
        }
        if parts.iter().all(|part| part.platform == Platform::Vmware) {
            let has_list = parts.iter().any(|part| part.has_host_list);
            let of_vms = parts
                .iter()
                .flat_map(|part| &part.vms)
                .filter_map(|draft| draft.vm.host.clone());
            let of_datastores = parts
                .iter()
                .flat_map(|part| &part.datastores)
                .flat_map(|datastore| datastore.hosts.clone());
            for name in of_vms.chain(of_datastores.filter(|_| !has_list)) {
                let moref = name.starts_with("host-").then(|| name.clone());
                found.add(HostRecord {
                    name,
                    moref,
                    ..HostRecord::default()
                });
            }
        }
        let mut records = found.records;
        records.sort_by(|a, b| a.name.cmp(&b.name));
        let names = records
            .iter()
            .filter_map(|host| Some((host.moref.clone()?, host.name.clone())))
            .collect();
        Self { records, names }
    }

    /// The name of a host that a VM or datastore names by its reference.
    pub(super) fn name_of(&self, host: &str) -> String {
        self.names.get(host).cloned().unwrap_or_else(|| host.to_owned())
    }
}

#[derive(Default)]
struct Found {
    records: Vec<HostRecord>,
    places: HashMap<String, usize>,
}

impl Found {
    /// Adds a host, or what is new of one that is there under its name or reference.
    fn add(&mut self, host: HostRecord) {
        let keys: Vec<String> = host.moref.iter().cloned().chain([host.name.to_lowercase()]).collect();
        // References of two vCenters repeat; a host that each of two rows counts VMs of is two where the names differ.
        let is_same = |known: &HostRecord| {
            let both_count = known.vm_count.is_some() && host.vm_count.is_some();
            !both_count || known.name.eq_ignore_ascii_case(&host.name)
        };
        let at = keys
            .iter()
            .filter_map(|key| self.places.get(key).copied())
            .find(|&at| self.records.get(at).is_some_and(is_same))
            .unwrap_or(self.records.len());
        match self.records.get_mut(at) {
            Some(known) => {
                known.moref = known.moref.take().or(host.moref);
                known.vm_count = known.vm_count.max(host.vm_count);
                known.uuid = known.uuid.or(host.uuid);
            }
            None => self.records.push(host),
        }
        for key in keys {
            self.places.entry(key).or_insert(at);
        }
    }
}

/// Names of hosts among which one is looked for by its short name or its full one.
#[derive(Default)]
pub(super) struct HostNames {
    names: HashSet<String>,
    /// The first label of every name.
    short: HashSet<String>,
}

impl<'a> FromIterator<&'a str> for HostNames {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut found = Self::default();
        for name in names {
            found.short.insert(first_label(name));
            found.names.insert(name.to_lowercase());
        }
        found
    }
}

impl HostNames {
    /// One of them is this host. Two full names are compared whole.
    pub(super) fn contains(&self, name: &str) -> bool {
        let short = first_label(name);
        let is_short = !name.contains('.');
        self.names.contains(&name.to_lowercase())
            || self.names.contains(&short)
            || is_short && self.short.contains(&short)
    }
}

fn first_label(name: &str) -> String {
    name.split('.').next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_full_names_are_one_host() {
        let names: HostNames = ["HV01", "hv02.a.test"].into_iter().collect();
        for same in ["hv01", "hv01.corp.test", "HV02", "hv02.A.test"] {
            assert!(names.contains(same), "{same}");
        }
        for other in ["hv011", "hv02.b.test", "hv03"] {
            assert!(!names.contains(other), "{other}");
        }
    }
}
