//! Machines of one short name in two domains. Paths and lists name a host by its short or its full name, so that the short one is
//! what is compared (H-B2); where an alias gives another full name than every list, it means another machine.

use std::collections::BTreeSet;

use crate::{
    inventory::Inventory,
    path::{same_host, short_host},
};

/// A host by the full name that an alias gives it, while lists know a machine of that short name by other full names alone.
pub(super) struct OtherDomain {
    /// As the alias has it.
    pub(super) given: String,
    /// As the lists have it.
    pub(super) known: String,
}

/// Of these aliases the first that means a machine which no list knows, where the lists know another of its short name.
pub(super) fn other_domain(aliases: &[String], inventories: &[Inventory]) -> Option<OtherDomain> {
    aliases.iter().find_map(|alias| {
        let given = full_host(server_of(alias)?)?;
        let short = short_host(&given);
        let known: BTreeSet<String> = inventories
            .iter()
            .flat_map(names_in)
            .filter_map(full_host)
            .filter(|known| short_host(known) == short)
            .collect();
        let is_known = known.iter().any(|known| same_host(known, &given));
        let known = known.into_iter().next().filter(|_| !is_known)?;
        Some(OtherDomain { given, known })
    })
}

/// Every name of a machine in an inventory.
fn names_in(inventory: &Inventory) -> impl Iterator<Item = &str> {
    let hosts = inventory.hosts.iter().map(|host| host.name.as_str());
    let of_rows = inventory.vms.iter().filter_map(|vm| vm.host.as_deref());
    let paths = inventory.vms.iter().flat_map(|vm| {
        let files = vm.files.iter().map(|file| &file.path);
        files.chain(&vm.config).chain(&vm.folders).map(String::as_str)
    });
    let datastores = inventory.datastores.iter();
    let datastores = datastores.flat_map(|datastore| datastore.aliases.iter().chain([&datastore.name]));
    let others = inventory.observations.other_names.iter();
    let others = others.flat_map(|other| [&other.path, &other.name]);
    let objects = inventory.objects.iter().filter_map(|object| object.path.as_ref());
    let places = datastores.chain(others).chain(objects).map(String::as_str);
    hosts.chain(of_rows).chain(paths.chain(places).filter_map(server_of))
}

/// The server of `\\server\share`, `\\?\UNC\server\share` and the like.
fn server_of(path: &str) -> Option<&str> {
    let is_separator = |letter: char| matches!(letter, '\\' | '/');
    let path = path.trim();
    let rest = path.strip_prefix(is_separator)?.strip_prefix(is_separator)?;
    let mut parts = rest.split(is_separator).filter(|part| !part.is_empty());
    let first = parts.next()?;
    if first != "?" && first != "." {
        return Some(first);
    }
    let is_share = parts.next().is_some_and(|prefix| prefix.eq_ignore_ascii_case("unc"));
    parts.next().filter(|_| is_share)
}

/// A full name of a machine, in lower case; an address is none.
fn full_host(name: &str) -> Option<String> {
    let name = name.trim().trim_end_matches('.').to_lowercase();
    let is_address = name.parse::<std::net::IpAddr>().is_ok();
    (!is_address && name.contains('.')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_of_a_share_is_read_in_every_form() {
        for path in [
            r"\\fs01.a.example\vms",
            "//fs01.a.example/vms/x",
            r"\\?\UNC\fs01.a.example\vms",
            r"\\fs01.a.example.\D$",
        ] {
            let server = server_of(path).and_then(full_host);
            assert_eq!(server.as_deref(), Some("fs01.a.example"), "{path}");
        }
        for path in [r"\\fs01\vms", r"C:\x", r"\\10.0.0.1\vms", r"\\?\C:\a.b\c", "[fs01.a] x"] {
            assert_eq!(server_of(path).and_then(full_host), None, "{path}");
        }
    }
}
