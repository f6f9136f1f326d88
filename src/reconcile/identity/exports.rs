//! Exports of NFS that lie in each other: one datastore is a folder of another, as their addresses say.

use super::{Entity, OtherFolder, Writer};
use crate::{
    inventory::Inventory,
    path::{Mount, StoragePath},
};

/// Where a datastore of NFS is mounted from.
struct Export<'a> {
    server: String,
    folders: Vec<&'a str>,
}

impl<'a> Export<'a> {
    /// `server:/folder/folder`.
    fn read(address: &'a str) -> Option<Self> {
        let (server, path) = address.split_once(":/")?;
        let is_server = server.len() > 1 && !server.contains(['/', '\\', ' ', '[']);
        let folders = path.split('/').filter(|part| !part.is_empty() && *part != ".");
        is_server.then(|| Self {
            server: server.trim_end_matches('.').to_lowercase(),
            folders: folders.collect(),
        })
    }

    /// The folders that lead from another export of the same server down to this one.
    fn below(&self, outer: &Self) -> Option<&[&'a str]> {
        let is_same_server = self.server == outer.server
            || self.server.starts_with(&format!("{}.", outer.server))
            || outer.server.starts_with(&format!("{}.", self.server));
        let inner = self.folders.strip_prefix(outer.folders.as_slice())?;
        (is_same_server && !inner.is_empty()).then_some(inner)
    }
}

/// The datastores that are a folder of another one.
pub(super) fn nested(entities: &[Entity], inventories: &[Inventory]) -> Vec<OtherFolder> {
    let exports = |entity: &Entity| -> Vec<Export<'_>> {
        let records = entity.records.iter();
        let aliases = records.flat_map(|&(inventory, record)| &inventories[inventory].datastores[record].aliases);
        aliases.filter_map(|alias| Export::read(alias)).collect()
    };
    let exports: Vec<(&Entity, Vec<Export<'_>>)> = entities
        .iter()
        .map(|entity| (entity, exports(entity)))
        .filter(|(_, exports)| !exports.is_empty())
        .collect();
    let mut found = Vec::new();
    for (inner, of_inner) in &exports {
        for (outer, of_outer) in &exports {
            let mut ways = of_inner
                .iter()
                .flat_map(|inner| of_outer.iter().filter_map(|outer| inner.below(outer)));
            if let Some(way) = ways.next() {
                found.extend(names_below(inner, outer, way));
            }
        }
    }
    found
}

/// Each name of the inner datastore as a folder below a name that its writer understands.
fn names_below(inner: &Entity, outer: &Entity, way: &[&str]) -> Vec<OtherFolder> {
    let place = |mount: &Mount, parts: &[&str]| StoragePath {
        mount: Some(mount.clone()),
        parts: parts.iter().map(|&part| part.to_owned()).collect(),
        windows: false,
        folder: true,
    };
    let understood = |writer: Writer| {
        let mut names = outer.names.iter();
        names.find(|(other, mount)| *other == writer || mount.is_global() || writer == Writer::File)
    };
    let folder = |(writer, mount): &(Writer, Mount)| {
        let (_, outer) = understood(*writer)?;
        Some(OtherFolder {
            writer: *writer,
            from: place(mount, &[]),
            to: place(outer, way),
        })
    };
    inner.names.iter().filter_map(folder).collect()
}
