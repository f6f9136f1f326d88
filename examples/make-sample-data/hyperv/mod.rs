//! The Hyper-V site: a cluster of two nodes with two Cluster Shared Volumes, and an SMB share.

mod exports;
mod leftovers;
mod machine;
mod machines;
mod services;

use crate::tree::{Tree, time};

/// When the inventories were taken.
pub(crate) const COLLECTED: &str = "2026-11-01T06:00:00Z";

/// The nodes.
pub(crate) const NODES: [&str; 2] = ["HV01", "HV02"];

/// Folder in the site, path on every node, GUID path.
pub(crate) const VOLUMES: [(&str, &str, &str); 2] = [
    (
        "volume1",
        r"C:\ClusterStorage\Volume1",
        r"\\?\Volume{3c1f7a52-90d4-4b7e-8a61-5d2e9b10c001}\",
    ),
    (
        "volume2",
        r"C:\ClusterStorage\Volume2",
        r"\\?\Volume{3c1f7a52-90d4-4b7e-8a61-5d2e9b10c002}\",
    ),
];

/// The share: folder in the site, path.
pub(crate) const SHARE: (&str, &str) = ("share", r"\\fs01.lab.example\vms");

/// The site with both of its inventories.
pub(crate) fn site() -> Tree {
    let mut tree = Tree::default();
    let machines = machines::add(&mut tree);
    services::add(&mut tree);
    leftovers::add(&mut tree);
    exports::add(&mut tree, &machines, time(COLLECTED));
    tree
}
