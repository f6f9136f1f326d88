//! The hosts and datastores of a site, and how vCenter and the hosts write the paths on them.

use crate::place::{folder_of, name_of};

/// Reference and name of the hosts.
pub(crate) const HOSTS: [(&str, &str); 2] = [("host-11", "esx01.lab.example"), ("host-12", "esx02.lab.example")];

/// A datastore.
#[derive(Debug)]
pub(crate) struct Datastore {
    /// Its label, which is its folder in the site.
    pub(crate) name: &'static str,
    pub(crate) id: &'static str,
    pub(crate) moref: &'static str,
    pub(crate) kind: &'static str,
    /// How many of the hosts mount it.
    pub(crate) hosts: usize,
}

pub(crate) const DATASTORES: [Datastore; 4] = [
    Datastore {
        name: "vmfs01",
        id: "5f1c2d3e-0badc0de-1111-001b21aa0001",
        moref: "datastore-21",
        kind: "VMFS",
        hosts: 2,
    },
    Datastore {
        name: "vmfs02",
        id: "5f1c2d3e-0badc0de-2222-001b21aa0002",
        moref: "datastore-22",
        kind: "VMFS",
        hosts: 2,
    },
    Datastore {
        name: "nfs01",
        id: "95e378c2-863dd2b4",
        moref: "datastore-23",
        kind: "NFS",
        hosts: 2,
    },
    Datastore {
        name: "local01",
        id: "5f1c2d3e-0badc0de-4444-001b21aa0004",
        moref: "datastore-24",
        kind: "VMFS",
        hosts: 1,
    },
];

/// `[datastore] folder/file`.
pub(crate) fn in_vcenter(path: &str) -> String {
    let (datastore, rest) = path.split_once('/').unwrap_or((path, ""));
    format!("[{datastore}] {rest}")
}

/// `/vmfs/volumes/<id>/folder/file`.
pub(crate) fn on_host(path: &str) -> String {
    let (datastore, rest) = path.split_once('/').unwrap_or((path, ""));
    format!("/vmfs/volumes/{}/{rest}", datastore_of(datastore).id)
}

/// The datastore that a path of the site begins with.
pub(crate) fn datastore_of(path: &str) -> &'static Datastore {
    let name = path.split('/').next().unwrap_or_default();
    DATASTORES.iter().find(|known| known.name == name).unwrap()
}

/// A file as one in `folder` names it.
pub(super) fn named_from(folder: &str, path: &str) -> String {
    if folder_of(path) == folder {
        name_of(path).to_owned()
    } else {
        on_host(path)
    }
}
