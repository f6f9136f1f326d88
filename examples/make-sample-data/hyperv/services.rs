//! Disks that belong to no VM: profile containers on the share, a replica of another server.

use derelict_parsers::testkit::guid;

use super::machine::{dynamic, upper};
use crate::tree::{Tree, time};

/// Writes them.
pub(crate) fn add(tree: &mut Tree) {
    let domain = "S-1-5-21-1085031214-1563985344-725345543";
    for (user, relative_id, seed, modified) in [
        ("mmueller", 1604, 601, "2026-10-31T17:31:00Z"),
        ("jdoe", 1711, 602, "2026-10-30T16:02:00Z"),
    ] {
        let folder = format!("share/Profile/{user}_{domain}-{relative_id}");
        let path = format!("{folder}/Profile_{user}.vhdx");
        tree.file(&path, dynamic(seed, 30).build(), time(modified));
    }
    let office = format!("share/Profile/mmueller_{domain}-1604/ODFC_mmueller.vhdx");
    tree.file(&office, dynamic(603, 30).build(), time("2026-10-31T17:31:05Z"));
    let extended = format!(
        "volume2/Hyper-V Replica/Virtual hard disks/{}/FILE03.vhdx",
        upper(guid(61, 1))
    );
    tree.file(&extended, dynamic(611, 60).build(), time("2026-10-31T22:00:00Z"));
}
