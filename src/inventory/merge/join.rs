//! VMs that several exports of one source list, or several tabs of one export, become one registration.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::MAX_NAMESAKES;
use crate::{
    inventory::{ListedFile, Listing, hyperv, part::Draft, values},
    kind::Role,
    path::same_host,
};

/// Where the VMs so far can be found.
#[derive(Default)]
struct Index {
    morefs: HashMap<String, BTreeSet<usize>>,
    instances: HashMap<Uuid, BTreeSet<usize>>,
    configs: HashMap<String, BTreeSet<usize>>,
    names: HashMap<String, BTreeSet<usize>>,
}

/// Joins drafts, those of lists first, so that mere mentions find what they mention.
pub(super) fn vms(mut drafts: Vec<Draft>) -> Vec<Draft> {
    for draft in &mut drafts {
        draft.vm.config = draft
            .vm
            .config
            .take()
            .filter(|config| !is_cut(config, &[".vmx", ".vmtx"]));
    }
    drafts.sort_by_key(|draft| (!draft.listed, draft.vm.config.is_none(), draft.vm.moref.is_none()));
    let mut joined: Vec<Draft> = Vec::new();
    let mut index = Index::default();
    for draft in drafts {
        let found = index.find(&draft, &joined);
        for &at in &found {
            if let Some(known) = joined.get_mut(at) {
                add(known, draft.clone());
                index.add(known, at);
            }
        }
        if found.is_empty() {
            index.add(&draft, joined.len());
            joined.push(draft);
        }
    }
    joined
}

/// True for a path of VMware that does not end as what it should name: cut at a width, or a folder.
fn is_cut(path: &str, endings: &[&str]) -> bool {
    (path.starts_with('[') || path.starts_with("/vmfs/volumes/")) && !values::ends_with(path, endings)
}

/// The list in which a row stands: `vms.json: vms` of `vms.json: vms[3]`, `vms.csv` of `vms.csv: row 3`.
fn list_of(row: &str) -> &str {
    let split = if row.ends_with(']') {
        row.rsplit_once('[')
    } else {
        row.rsplit_once(": ")
    };
    split.map_or(row, |(list, _)| list)
}

impl Index {
    fn add(&mut self, draft: &Draft, at: usize) {
        let vm = &draft.vm;
        put(&mut self.morefs, vm.moref.clone(), at);
        put(&mut self.instances, vm.instance_id, at);
        put(&mut self.configs, draft.config_key().cloned(), at);
        put(
            &mut self.names,
            Some(vm.name.clone()).filter(|name| !name.is_empty()),
            at,
        );
    }

    /// The VM that a draft is of. By its name it may be of several; all of them get what it names.
    fn find(&self, draft: &Draft, joined: &[Draft]) -> Vec<usize> {
        let vm = &draft.vm;
        let by_key = [
            vm.moref.as_ref().and_then(|moref| self.morefs.get(moref)),
            vm.instance_id.as_ref().and_then(|id| self.instances.get(id)),
            draft.config_key().and_then(|config| self.configs.get(config)),
        ];
        for candidates in by_key.into_iter().flatten() {
            let known = |at: &usize| joined.get(*at).filter(|known| !differ(known, draft));
            let fitting: Vec<usize> = candidates.iter().copied().filter(|at| known(at).is_some()).collect();
            let is_on_host = |at: &&usize| known(at).is_some_and(|known| on_one_host(known, draft));
            if let Some(&at) = fitting.iter().find(is_on_host).or(fitting.first()) {
                return vec![at];
            }
        }
        self.find_by_name(draft, joined)
    }

    /// By name only what has no stronger key in common that could tell it apart.
    fn find_by_name(&self, draft: &Draft, joined: &[Draft]) -> Vec<usize> {
        let Some(candidates) = self.names.get(&draft.vm.name) else {
            return Vec::new();
        };
        if candidates.len() > MAX_NAMESAKES {
            return Vec::new();
        }
        // One list has each VM once.
        let is_beside =
            |known: &Draft| draft.listed && known.listed && list_of(&known.vm.row) == list_of(&draft.vm.row);
        let named: Vec<usize> = candidates
            .iter()
            .copied()
            .filter(|&at| {
                joined
                    .get(at)
                    .is_some_and(|known| !have_common_key(known, draft) && !is_beside(known))
            })
            .collect();
        let on_host: Vec<usize> = named
            .iter()
            .copied()
            .filter(|&at| {
                joined
                    .get(at)
                    .is_some_and(|known| known.vm.host.is_some() && known.vm.host == draft.vm.host)
            })
            .collect();
        let found = if on_host.is_empty() { named } else { on_host };
        // Two lists may each have their own VM of one name; a mention is of all that bear it.
        if draft.listed && found.len() > 1 {
            Vec::new()
        } else {
            found
        }
    }
}

fn put<K: std::hash::Hash + Eq>(map: &mut HashMap<K, BTreeSet<usize>>, key: Option<K>, at: usize) {
    if let Some(key) = key {
        map.entry(key).or_default().insert(at);
    }
}

/// A key says that these are two VMs. References of one vCenter repeat in another, and ids of a host in every host.
fn differ(a: &Draft, b: &Draft) -> bool {
    if let (Some(of_a), Some(of_b)) = (a.vm.instance_id, b.vm.instance_id) {
        return of_a != of_b || are_twins(a, b);
    }
    let other_config = matches!((a.config_key(), b.config_key()), (Some(a), Some(b)) if a != b);
    let other_moref = matches!((&a.vm.moref, &b.vm.moref), (Some(a), Some(b)) if a != b);
    other_config || other_moref
}

/// One list has each VM once: two rows of one id on two hosts, each with a configuration of its own, are a VM and its replica.
fn are_twins(a: &Draft, b: &Draft) -> bool {
    let in_one_list = a.listed && b.listed && list_of(&a.vm.row) == list_of(&b.vm.row);
    let on_two_hosts = matches!((&a.vm.host, &b.vm.host), (Some(a), Some(b)) if !same_host(a, b));
    in_one_list && on_two_hosts && matches!((a.config_key(), b.config_key()), (Some(a), Some(b)) if a != b)
}

fn on_one_host(a: &Draft, b: &Draft) -> bool {
    matches!((&a.vm.host, &b.vm.host), (Some(a), Some(b)) if same_host(a, b))
}

/// Both have a key of one kind, which then has found them or told them apart.
fn have_common_key(a: &Draft, b: &Draft) -> bool {
    a.vm.instance_id.is_some() && b.vm.instance_id.is_some()
        || a.vm.moref.is_some() && b.vm.moref.is_some()
        || a.vm.config.is_some() && b.vm.config.is_some()
}

/// Adds what another draft of the same VM knows.
fn add(known: &mut Draft, other: Draft) {
    for file in &other.vm.files {
        known.add_file(file.role, &file.path, file.size_bytes);
    }
    for folder in &other.vm.folders {
        known.add_folder(folder);
    }
    for (path, id) in &other.vm.disk_ids {
        known.vm.disk_ids.entry(path.clone()).or_insert_with(|| id.clone());
    }
    let is_elsewhere = matches!((known.config_key(), other.config_key()), (Some(known), Some(other)) if known != other);
    let second_config = other.vm.config.clone().filter(|_| is_elsewhere);
    known.labelled_config = known.labelled_config.take().or(other.labelled_config);
    let known_vm = &mut known.vm;
    let vm = other.vm;
    for disk in vm.fileless_disks {
        if !known_vm.fileless_disks.contains(&disk) {
            known_vm.fileless_disks.push(disk);
        }
    }
    for checkpoint in vm.checkpoints {
        match known_vm.checkpoints.iter_mut().find(|known| known.id == checkpoint.id) {
            Some(known) => {
                known.has_disks |= checkpoint.has_disks;
                known.created = known.created.or(checkpoint.created);
            }
            None => known_vm.checkpoints.push(checkpoint),
        }
    }
    if known_vm.name.is_empty() {
        known_vm.name = vm.name;
    }
    known_vm.moref = known_vm.moref.take().or(vm.moref);
    known_vm.instance_id = known_vm.instance_id.or(vm.instance_id);
    known_vm.bios_id = known_vm.bios_id.or(vm.bios_id);
    known_vm.host = known_vm.host.take().or(vm.host);
    known_vm.template |= vm.template;
    known_vm.placeholder |= vm.placeholder;
    known_vm.clustered |= vm.clustered;
    known_vm.state = known_vm.state.take().or(vm.state);
    known_vm.connection = known_vm.connection.take().or(vm.connection);
    known_vm.has_configuration |= vm.has_configuration;
    known_vm.listing = known_vm.listing.max(vm.listing);
    known_vm.config = known_vm.config.take().or(vm.config);
    known_vm.checkpoints_told |= vm.checkpoints_told;
    known_vm.tells_parent_checkpoint |= vm.tells_parent_checkpoint;
    known_vm.has_snapshots |= vm.has_snapshots;
    let modes = [known_vm.replication.take(), vm.replication].into_iter().flatten();
    known_vm.replication = modes.min_by_key(|mode| !hyperv::is_replicated(mode));
    known_vm.moves_storage |= vm.moves_storage;
    known_vm.awaits_copy |= vm.awaits_copy;
    known_vm.inventory_folder = known_vm.inventory_folder.take().or(vm.inventory_folder);
    known_vm.noted_owner = known_vm.noted_owner.take().or(vm.noted_owner);
    known_vm.notes = known_vm.notes.take().or(vm.notes);
    known.listed |= other.listed;
    known.expected_disks = known.expected_disks.or(other.expected_disks);
    known.has_nameless_disk |= other.has_nameless_disk;
    known.flattened &= other.flattened;
    // It moved between two exports: both places are its own.
    if let Some(config) = second_config {
        known.add_file(Role::Config, &config, None);
    }
}

/// How much is listed: where the list says how many disks a VM has, fewer than that are no list of its disks, nor are those
/// beside one without a file or with a path that was cut; and none expected are all there.
pub(super) fn listing(draft: &Draft) -> Listing {
    let is_cut_disk = |file: &ListedFile| file.role == Role::Disk && is_cut(&file.path, &[".vmdk"]);
    let disks = draft.vm.files.iter().filter(|file| file.role == Role::Disk).count();
    let disks = u64::try_from(disks).unwrap_or(u64::MAX);
    match (draft.vm.listing, draft.expected_disks) {
        _ if draft.has_nameless_disk || draft.vm.files.iter().any(is_cut_disk) => Listing::ConfigOnly,
        (_, Some(expected)) if disks < expected => Listing::ConfigOnly,
        (Listing::ConfigOnly, Some(0)) if draft.vm.has_configuration => Listing::LeafDisks,
        (listing, _) => listing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Registration;

    fn draft(name: &str, moref: Option<&str>, config: Option<&str>, disk: Option<&str>) -> Draft {
        let mut draft = Draft {
            vm: Registration {
                name: name.to_owned(),
                moref: moref.map(str::to_owned),
                config: config.map(str::to_owned),
                ..Registration::default()
            },
            listed: config.is_some(),
            ..Draft::default()
        };
        draft.add_file(Role::Disk, disk.unwrap_or_default(), None);
        draft
    }

    fn summary(drafts: Vec<Draft>) -> Vec<(String, usize)> {
        let mut all: Vec<_> = vms(drafts)
            .into_iter()
            .map(|draft| (draft.vm.name, draft.vm.files.len()))
            .collect();
        all.sort();
        all
    }

    fn expected(of: &[(&str, usize)]) -> Vec<(String, usize)> {
        of.iter().map(|&(name, files)| (name.to_owned(), files)).collect()
    }

    #[test]
    fn disks_find_their_vm_by_reference_whatever_its_name() {
        let found = summary(vec![
            draft("old name", Some("vm-1"), None, Some("[d] a/a.vmdk")),
            draft("a", Some("vm-1"), Some("[d] a/a.vmx"), None),
            draft("a", Some("vm-2"), Some("[d] b/b.vmx"), None),
        ]);
        assert_eq!(found, expected(&[("a", 0), ("a", 1)]));
    }

    #[test]
    fn without_a_reference_a_disk_is_of_every_vm_of_the_name() {
        let found = summary(vec![
            draft("a", Some("vm-1"), Some("[d] a/a.vmx"), None),
            draft("a", Some("vm-2"), Some("[d] b/b.vmx"), None),
            draft("a", None, None, Some("[d] a/a.vmdk")),
        ]);
        assert_eq!(found, expected(&[("a", 1), ("a", 1)]));
    }

    #[test]
    fn a_reference_that_repeats_in_another_vcenter_joins_nothing() {
        let mut first = draft("a", Some("vm-1"), Some("[d] a/a.vmx"), None);
        let mut second = draft("b", Some("vm-1"), Some("[d] b/b.vmx"), None);
        assert_eq!(
            vms(vec![first.clone(), second.clone()]).len(),
            2,
            "different configurations"
        );
        second.vm.config.clone_from(&first.vm.config);
        first.vm.instance_id = Some(Uuid::from_u128(1));
        second.vm.instance_id = Some(Uuid::from_u128(2));
        assert_eq!(vms(vec![first, second]).len(), 2, "different instance ids");
    }

    #[test]
    fn a_vm_that_moved_between_two_exports_keeps_both_places() {
        let mut first = draft("a", Some("vm-1"), Some("[d] a/a.vmx"), None);
        let mut second = draft("a", Some("vm-1"), Some("[e] a/a.vmx"), None);
        first.vm.instance_id = Some(Uuid::from_u128(1));
        second.vm.instance_id = Some(Uuid::from_u128(1));
        let joined = vms(vec![first, second]);
        assert_eq!(joined.len(), 1);
        assert_eq!(joined[0].vm.config.as_deref(), Some("[d] a/a.vmx"));
        assert_eq!(joined[0].vm.files[0].path, "[e] a/a.vmx");
        assert_eq!(joined[0].vm.files[0].role, Role::Config);
    }

    #[test]
    fn fewer_disks_than_the_list_says_are_no_list_of_disks() {
        let mut one_of_two = draft("a", None, None, Some("[d] a/a.vmdk"));
        one_of_two.vm.listing = Listing::LeafDisks;
        one_of_two.expected_disks = Some(2);
        assert_eq!(listing(&one_of_two), Listing::ConfigOnly);
        one_of_two.expected_disks = Some(1);
        assert_eq!(listing(&one_of_two), Listing::LeafDisks);
        let mut none = draft("a", None, None, None);
        none.expected_disks = Some(0);
        assert_eq!(
            listing(&none),
            Listing::ConfigOnly,
            "a VM without configuration says nothing of its disks"
        );
        none.vm.has_configuration = true;
        assert_eq!(listing(&none), Listing::LeafDisks);
    }
}
