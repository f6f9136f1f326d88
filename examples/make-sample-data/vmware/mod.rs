//! The VMware site: one vCenter with two hosts, an NFS datastore and two of VMFS.

mod disk;
mod govc;
mod leftovers;
mod machine;
mod machines;
mod rvtools;
mod services;

use crate::tree::{Tree, time};

/// When the inventories were taken.
pub(crate) const COLLECTED: &str = "2026-11-01T06:00:00Z";

/// The vCenter.
pub(crate) const VCENTER: &str = "vcsa01.lab.example";

/// Managed object reference and name of each host.
pub(crate) const HOSTS: [(&str, &str); 2] = [("host-11", "esx01.lab.example"), ("host-12", "esx02.lab.example")];

/// One datastore.
pub(crate) struct Datastore {
    /// Its label and the name of its folder in the site.
    pub(crate) name: &'static str,
    /// Managed object reference.
    pub(crate) moref: &'static str,
    /// Name of its folder below `/vmfs/volumes`.
    pub(crate) id: &'static str,
    /// `NFS` or `VMFS`.
    pub(crate) kind: &'static str,
    /// Export or device.
    pub(crate) address: &'static str,
    /// Size in GiB.
    pub(crate) gib: u64,
}

/// The datastores.
pub(crate) const DATASTORES: [Datastore; 3] = [
    Datastore {
        name: "nfs01",
        moref: "datastore-21",
        id: "95e378c2-863dd2b4",
        kind: "NFS",
        address: "nas01.lab.example:/export/nfs01",
        gib: 2048,
    },
    Datastore {
        name: "vmfs01",
        moref: "datastore-22",
        id: "6532a1f0-4c19d7b2-77aa-001b21aa0001",
        kind: "VMFS",
        address: "naa.600508b1001c4d7e0000000000000001",
        gib: 4096,
    },
    Datastore {
        name: "vmfs02",
        moref: "datastore-23",
        id: "6532a21c-90ff13e4-52c1-001b21aa0001",
        kind: "VMFS",
        address: "naa.600508b1001c4d7e0000000000000002",
        gib: 4096,
    },
];

/// The site with both of its inventories.
pub(crate) fn site() -> Tree {
    let mut tree = Tree::default();
    let machines = machines::add(&mut tree);
    let disks = services::add(&mut tree);
    leftovers::add(&mut tree);
    let collected = time(COLLECTED);
    govc::add(&mut tree, &machines, &disks, collected);
    rvtools::add(&mut tree, &machines, collected);
    tree
}
