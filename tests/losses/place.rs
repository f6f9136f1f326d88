//! Where and when a part of a site is made, by chance and on both platforms alike.

use jiff::{SignedDuration, Timestamp};

use crate::{
    chance::Chance,
    plan::{Part, Since},
    site::at,
};

/// Some folder, of a name as people give them.
pub(crate) struct Place {
    /// The root that it lies on, and another one for what lies apart.
    pub(crate) store: &'static str,
    pub(crate) other: &'static str,
    pub(crate) name: String,
}

impl Place {
    pub(crate) fn of(part: &Part, chance: &mut Chance, stores: &[&'static str], names: &[&str]) -> Self {
        let store = chance.below(stores.len());
        let other = (store + 1 + chance.below(stores.len() - 1)) % stores.len();
        let name = chance.pick(names);
        Self {
            store: stores[store],
            other: stores[other],
            name: format!("{name}{}", part.number),
        }
    }

    pub(crate) fn folder(&self) -> String {
        format!("{}/{}", self.store, self.name)
    }

    /// The name of one of several VMs.
    pub(crate) fn vm_name(&self, index: u64) -> String {
        if index == 0 {
            self.name.clone()
        } else {
            format!("{}-{index}", self.name)
        }
    }
}

/// When a part was written.
pub(crate) fn made_of(part: &Part, chance: &mut Chance) -> Timestamp {
    let first = match part.since {
        Since::Old => at("2026-05-01T08:00:00Z"),
        Since::Young => at("2026-08-01T08:00:00Z"),
    };
    first + SignedDuration::from_hours(24 * i64::try_from(chance.below(40)).unwrap_or_default())
}

/// When a running VM wrote last: after the exports were taken.
pub(crate) fn running() -> Timestamp {
    at("2026-10-20T11:00:00Z")
}

/// When a VM was moved, or a snapshot of it taken, after the exports.
pub(crate) fn afterwards() -> Timestamp {
    at("2026-10-12T09:00:00Z")
}

/// The folder of a path of a site.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

pub(crate) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
