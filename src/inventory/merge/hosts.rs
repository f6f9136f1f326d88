//! The hosts of a source, and how they are named.

use std::collections::HashMap;

use crate::{
    inventory::{HostRecord, host_names::is_reference, part::Part},
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
                let moref = is_reference(&name).then(|| name.clone());
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
