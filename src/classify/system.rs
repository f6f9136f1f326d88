//! Files of the datastore or the host itself, by their place. All of it is anchored at the root: a VM folder that has
//! such a name deeper down is a VM folder (V77).

use uuid::Uuid;

use crate::raw::RawPath;

/// Folders of the top level, in lower case.
const FOLDERS: [&str; 9] = [
    ".sdd.sf",
    ".sddm.sf",
    ".iorm.sf",
    ".vsphere-ha",
    ".dvsdata",
    ".etc",
    ".iscsi-config",
    "vmkdump",
    "hostcache",
];

/// Beginnings of names of folders of the top level: host scratch, and the folders of Storage I/O Control, which are
/// named after a device.
const FOLDER_PREFIXES: [&str; 5] = [".locker", ".naa.", ".t10.", ".eui.", ".mpx."];

/// Parts of the catalogue of First Class Disks, `catalog/<part>/…`.
const CATALOG_PARTS: [&str; 4] = ["shard", "mutex", "tidy", "vclock"];

/// Files of the top level.
const FILES: [&str; 4] = [".asyncunmapfile", ".upitstatsresources", ".vsan.stats", "config.db"];

/// Beginnings of names of files of the top level.
const FILE_PREFIXES: [&str; 3] = [".vmfsballoon", ".vsanstats", "stats.db"];

/// What the place of a folder says of the files in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The root: some names belong to the datastore.
    Top,
    /// All in it belongs to the datastore or a host.
    System,
    /// Any other.
    Other,
}

impl Place {
    /// Of a folder, relative to its root.
    pub(super) fn of(folder: &RawPath) -> Self {
        let mut parts = folder.parts();
        let Some(first) = parts.next() else { return Self::Top };
        let first = String::from_utf8_lossy(first).to_ascii_lowercase();
        if is_system_folder(&first) {
            return Self::System;
        }
        let is_of_system = parts.next().is_some_and(|second| {
            first == "catalog" && is_catalog_part(second) || is_namespace(&first) && is_ha_cluster(second)
        });
        if is_of_system { Self::System } else { Self::Other }
    }

    /// True when a file of this name (in lower case) in the folder belongs to the datastore or a host.
    pub(super) fn holds(self, name: &str) -> bool {
        match self {
            Self::Top => is_system_file(name),
            Self::System => true,
            Self::Other => false,
        }
    }
}

fn is_system_file(name: &str) -> bool {
    is_vmfs_metadata(name) || FILES.contains(&name) || FILE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// `.fbb.sf` and its kin; the names that VMFS reserves all have this form.
pub(crate) fn is_vmfs_metadata(name: &str) -> bool {
    name.strip_prefix('.')
        .and_then(|rest| rest.strip_suffix(".sf"))
        .is_some_and(|stem| !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn is_system_folder(name: &str) -> bool {
    FOLDERS.contains(&name) || FOLDER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn is_catalog_part(name: &[u8]) -> bool {
    CATALOG_PARTS
        .iter()
        .any(|part| name.eq_ignore_ascii_case(part.as_bytes()))
}

/// A namespace of vSAN or virtual volumes: a folder of the top level that bears an id, to whose name a link leads (V65).
fn is_namespace(first: &str) -> bool {
    let id = first.strip_prefix("rfc4122.").unwrap_or(first);
    id.len() == 36 && Uuid::try_parse(id).is_ok()
}

/// The folder of one cluster in `.vSphere-HA`, which is a namespace on vSAN.
fn is_ha_cluster(second: &[u8]) -> bool {
    second.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"FDM-"))
}

/// True for the lists of vSphere HA that name configurations: `protectedlist` and `host-N-poweron`.
pub fn is_host_list(name: &[u8]) -> bool {
    name == b"protectedlist" || name.ends_with(b"-poweron")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_system_path(path: &str) -> bool {
        let path = RawPath::from(path);
        let name = String::from_utf8_lossy(path.name()).to_ascii_lowercase();
        Place::of(&path.folder()).holds(&name)
    }

    #[test]
    fn the_rules_are_anchored_at_the_root() {
        for path in [
            ".fbb.sf",
            ".vh.sf",
            ".sdd.sf/a",
            ".vSphere-HA/FDM-1/protectedlist",
            ".naa.600/slotsfile",
            ".locker-esx1/log/x",
            "catalog/shard/1",
            "vmkdump/a.dumpfile",
            "stats.db-wal",
            "0f1e2d3c-0000-1111-2222-333344445555/FDM-1/protectedlist",
            "rfc4122.0f1e2d3c-0000-1111-2222-333344445555/FDM-1/host-1-poweron",
        ] {
            assert!(is_system_path(path), "{path}");
        }
        for path in [
            "vm/.fbb.sf",
            "vm/.vSphere-HA/x",
            "etc/x",
            "catalog/readme",
            "a.sf",
            "vm/vmkdump/x",
            "targets/x",
            "0f1e2d3c-0000-1111-2222-333344445555/protectedlist",
            "vm/FDM-1/protectedlist",
        ] {
            assert!(!is_system_path(path), "{path}");
        }
    }
}
