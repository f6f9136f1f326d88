//! Names of hosts as exports write them: short or full, in any case.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::path::short_host;

/// Names of hosts among which one is looked for by its short name or its full one.
#[derive(Debug, Default)]
pub(crate) struct HostNames {
    names: HashSet<String>,
    /// The first label of every name.
    short: HashSet<String>,
}

impl<'a> FromIterator<&'a str> for HostNames {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut found = Self::default();
        for name in names {
            found.add(name);
        }
        found
    }
}

impl HostNames {
    /// Adds a name; a blank one is none.
    pub(crate) fn add(&mut self, name: &str) {
        let name = name.trim().to_lowercase();
        if !name.is_empty() {
            self.short.insert(short_host(&name));
            self.names.insert(name);
        }
    }

    /// Nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// One of them is this host. Two full names are compared whole.
    pub(crate) fn contains(&self, name: &str) -> bool {
        let name = name.trim().to_lowercase();
        let short = short_host(&name);
        let is_short = !name.contains('.');
        self.names.contains(&name) || self.names.contains(&short) || is_short && self.short.contains(&short)
    }

    /// One of them is written just so, with its domain: no other host bears this name. What a host is called before anybody gives
    /// it a name is no name.
    pub(crate) fn contains_full(&self, name: &str) -> bool {
        let name = name.trim().to_lowercase();
        name.contains('.') && short_host(&name) != "localhost" && self.names.contains(&name)
    }

    /// So many hosts these are: a short name beside full ones of its first label is one of those.
    pub(crate) fn hosts(&self) -> usize {
        let full: HashSet<String> = self
            .names
            .iter()
            .filter(|name| name.contains('.'))
            .map(|name| short_host(name))
            .collect();
        let is_host = |name: &&String| name.contains('.') || !full.contains(*name);
        self.names.iter().filter(is_host).count()
    }

    /// One host at least is in both.
    pub(crate) fn share_one(&self, other: &Self) -> bool {
        other.names.iter().any(|name| self.contains(name))
    }

    /// Every host of the other is in this, of which one there is.
    pub(crate) fn hold_all_of(&self, other: &Self) -> bool {
        !other.is_empty() && other.names.iter().all(|name| self.contains(name))
    }

    /// The same by full names alone.
    pub(crate) fn surely_hold_all_of(&self, other: &Self) -> bool {
        !other.is_empty() && other.names.iter().all(|name| self.contains_full(name))
    }
}

/// How the hosts of one source are written in keys: by their first label, except those that two of them share.
#[derive(Debug, Default)]
pub(crate) struct HostKeys {
    shared: BTreeSet<String>,
}

impl<'a> FromIterator<&'a str> for HostKeys {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut full: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for name in names.into_iter().filter(|name| name.contains('.')) {
            let name = name.trim().to_lowercase();
            full.entry(short_host(&name)).or_default().insert(name);
        }
        let shared = full.into_iter().filter(|(_, names)| names.len() > 1);
        Self {
            shared: shared.map(|(label, _)| label).collect(),
        }
    }
}

impl HostKeys {
    /// The key of a host.
    pub(crate) fn key(&self, host: &str) -> String {
        let label = short_host(host);
        if self.shared.contains(&label) {
            host.trim().to_lowercase()
        } else {
            label
        }
    }
}

/// True for a host as vCenter refers to it (`host-31`). Every vCenter numbers its own, so that it names one only where it is told by
/// whom.
pub(crate) fn is_reference(host: &str) -> bool {
    let number = host.trim().strip_prefix("host-");
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
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

    #[test]
    fn addresses_are_compared_whole() {
        let names: HostNames = ["10.0.0.5"].into_iter().collect();
        assert!(names.contains("10.0.0.5"));
        assert!(!names.contains("10.0.0.6"));
    }

    #[test]
    fn hosts_are_counted_once_however_they_are_written() {
        let count = |names: &[&str]| names.iter().copied().collect::<HostNames>().hosts();
        assert_eq!(count(&["esx1", "esx1.a.test", "ESX1"]), 1);
        assert_eq!(count(&["esx1.b.test", "esx1.a.test", "esx2"]), 3);
    }

    #[test]
    fn only_full_names_are_sure_and_none_that_every_new_host_bears() {
        let hold = |all: &[&str], some: &[&str]| {
            let [all, some] = [all, some].map(|names| names.iter().copied().collect::<HostNames>());
            all.surely_hold_all_of(&some)
        };
        assert!(hold(&["esx1.a.test", "esx2"], &["ESX1.a.test"]));
        assert!(!hold(&["esx1", "esx2"], &["esx1"]));
        assert!(!hold(&["localhost.localdomain"], &["localhost.localdomain"]));
        assert!(!hold(&["esx1.a.test"], &[]));
    }

    #[test]
    fn keys_have_the_domain_where_two_hosts_share_the_first_label() {
        let keys: HostKeys = ["hv01.a.test", "hv01.b.test", "hv02.a.test"].into_iter().collect();
        assert_eq!(keys.key("HV01.a.test"), "hv01.a.test");
        assert_eq!(keys.key("HV02.a.test"), "hv02");
        assert_eq!(keys.key("hv02"), "hv02");
    }
}
