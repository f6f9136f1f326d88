//! Which VMs a backup names, held against those that are registered. It proves no ownership: a backup outlives its VM.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::BackedUpVm;

/// What a VM can be known by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subject<'a> {
    /// Instance UUID or VM id, BIOS UUID.
    pub(crate) ids: Vec<Uuid>,
    /// Managed object references.
    pub(crate) morefs: Vec<&'a str>,
    /// Names.
    pub(crate) names: Vec<&'a str>,
}

/// Which backup names which VM.
#[derive(Debug, Default)]
pub(crate) struct Protection {
    /// For each subject the backups that name it, by their places.
    pub(crate) of: Vec<BTreeSet<usize>>,
    /// For each subject the backups that name it or another of its name.
    pub(crate) perhaps: Vec<BTreeSet<usize>>,
    /// The backups that name no subject.
    pub(crate) gone: BTreeSet<usize>,
}

impl Protection {
    /// Holds the backups against the subjects: by id, by reference, by name. References repeat in other vCenters, and a
    /// backup product has ids of its own, so that what fits nobody is tried by the next.
    pub(crate) fn new(backups: &[BackedUpVm], subjects: &[Subject<'_>]) -> Self {
        let places = Places::new(subjects);
        let mut found = Self {
            of: vec![BTreeSet::new(); subjects.len()],
            perhaps: vec![BTreeSet::new(); subjects.len()],
            gone: BTreeSet::new(),
        };
        for (index, backup) in backups.iter().enumerate() {
            match places.find(backup) {
                [] => drop(found.gone.insert(index)),
                [one] => found.note(*one, index, true),
                several => several.iter().for_each(|&one| found.note(one, index, false)),
            }
        }
        found
    }

    fn note(&mut self, subject: usize, backup: usize, sure: bool) {
        let of = if sure { &mut self.of } else { &mut self.perhaps };
        if let Some(of) = of.get_mut(subject) {
            of.insert(backup);
        }
    }
}

/// A name for comparison: products change its case.
pub(crate) fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Where the subjects of each id, reference and name are.
struct Places<'a> {
    ids: BTreeMap<Uuid, Vec<usize>>,
    morefs: BTreeMap<&'a str, Vec<usize>>,
    names: BTreeMap<String, Vec<usize>>,
}

impl<'a> Places<'a> {
    fn new(subjects: &[Subject<'a>]) -> Self {
        let mut places = Self {
            ids: BTreeMap::new(),
            morefs: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        for (index, subject) in subjects.iter().enumerate() {
            let ids: BTreeSet<Uuid> = subject.ids.iter().copied().collect();
            let morefs: BTreeSet<&str> = subject.morefs.iter().copied().collect();
            let names: BTreeSet<String> = subject.names.iter().map(|name| name_key(name)).collect();
            for id in ids {
                places.ids.entry(id).or_default().push(index);
            }
            for moref in morefs {
                places.morefs.entry(moref).or_default().push(index);
            }
            for name in names {
                places.names.entry(name).or_default().push(index);
            }
        }
        places
    }

    fn find(&self, backup: &BackedUpVm) -> &[usize] {
        let by_id = backup.id.and_then(|id| self.ids.get(&id)).map(Vec::as_slice);
        let by_name = self
            .names
            .get(&name_key(&backup.name))
            .map(Vec::as_slice)
            .unwrap_or_default();
        let by_moref = backup.moref.as_deref().and_then(|moref| self.morefs.get(moref));
        // A reference counts where it is of one VM, and no other VM bears the name.
        let by_moref = by_moref
            .filter(|at| at.len() == 1 && (by_name.is_empty() || at.iter().all(|one| by_name.contains(one))))
            .map(Vec::as_slice);
        by_id.or(by_moref).unwrap_or(by_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(last: u8) -> Uuid {
        Uuid::from_bytes([last; 16])
    }

    fn backup(name: &str, moref: Option<&str>, id: Option<Uuid>) -> BackedUpVm {
        BackedUpVm {
            name: name.to_owned(),
            moref: moref.map(str::to_owned),
            id,
            job: None,
            last: None,
            row: "jobs.csv: row 2".to_owned(),
        }
    }

    fn subject<'a>(name: &'a str, moref: &'a str, of: u8) -> Subject<'a> {
        Subject {
            ids: vec![id(of)],
            morefs: vec![moref],
            names: vec![name],
        }
    }

    #[test]
    fn the_id_decides_then_the_reference_then_the_name() {
        let subjects = [subject("web01", "vm-1", 1), subject("db01", "vm-2", 2)];
        for (backup, expected) in [
            (backup("db01", None, Some(id(1))), Some(0)),
            (backup("renamed", Some("vm-2"), None), Some(1)),
            (backup("WEB01", None, Some(id(9))), Some(0)),
            (backup("db01", Some("vm-1"), None), Some(1)),
            (backup("old", None, None), None),
        ] {
            let found = Protection::new(std::slice::from_ref(&backup), &subjects);
            assert_eq!(found.of.iter().position(|of| !of.is_empty()), expected, "{backup:?}");
            assert_eq!(found.gone.is_empty(), expected.is_some(), "{backup:?}");
        }
    }

    #[test]
    fn a_name_that_two_vms_bear_protects_neither_for_sure() {
        let subjects = [subject("web01", "vm-1", 1), subject("web01", "vm-1", 2)];
        let found = Protection::new(&[backup("web01", Some("vm-1"), None)], &subjects);
        assert!(found.of.iter().all(BTreeSet::is_empty));
        assert!(found.perhaps.iter().all(|perhaps| perhaps.len() == 1));
        assert!(found.gone.is_empty());
    }
}
