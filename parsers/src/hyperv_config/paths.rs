//! Paths found anywhere in a tree.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::Anomaly,
    text::EncodedText,
    vmcx::{self, KeyRef, KeyTree},
    windows_path,
};

/// Most paths that are listed of one file. A host with a thousand VMs has some thousand.
const MAX_PATHS: usize = 10_000;

/// Code of the anomaly of a file with more paths than that.
pub(super) const OVERFLOW: &str = "too-many-paths";

/// Most characters of a key path that are kept.
const MAX_KEY_PATH: usize = 512;

/// Names of keys whose value is a file, whatever its extension (R, T, S).
const FILE_KEYS: [&str; 10] = [
    "pathname",
    "relpathname",
    "logfile",
    "locator",
    "StateFilePath",
    "memlocation",
    "vsvlocation",
    "BinFilePath",
    "VsvFilePath",
    "MemoryDumpFilePath",
];

/// A path and the key that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyedPath {
    /// Path of the key in the tree, names joined with `/`; starts with `?/` where damage cut the key off.
    pub key: String,
    /// The path as written.
    pub path: EncodedText,
}

/// A path with what it is for, in one form for every kind of file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathReference {
    /// What the path is for.
    pub role: PathRole,
    /// Path of the key in the tree.
    pub key: String,
    /// The path as written.
    pub path: EncodedText,
    /// References of one group are ways to name one file, best first.
    pub group: Option<u32>,
    /// The device is no longer in the manifest: a mention rather than a use.
    pub weak: bool,
}

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PathRole {
    /// A disk.
    Disk,
    /// A CD or floppy image.
    Media,
    /// UEFI variables and virtual TPM (`.vmgs`).
    GuestState,
    /// Saved memory (`.bin`).
    SavedMemory,
    /// Saved state of devices (`.vsv`), runtime state (`.vmrs`).
    SavedState,
    /// Smart paging file (`.slp`).
    SmartPaging,
    /// Change tracking of a disk (`.rct`, `.mrt`).
    ChangeTracking,
    /// Replication log of a disk (`.hrl`, `.hru`).
    ReplicationLog,
    /// A configuration (`.vmcx`, `.xml`).
    Config,
    /// The host's reduced copy of a configuration, or a resource type: no VM.
    HostFile,
    /// A folder.
    Folder,
    /// Another file.
    Other,
}

impl PathRole {
    /// What a file is for, by its extension.
    pub fn of_extension(path: &str) -> Self {
        match windows_path::extension(path).map(str::to_ascii_lowercase).as_deref() {
            Some("vhd" | "vhdx" | "avhd" | "avhdx" | "vhds" | "vhdpmem") => Self::Disk,
            Some("iso" | "vfd") => Self::Media,
            Some("vmgs") => Self::GuestState,
            Some("bin") => Self::SavedMemory,
            Some("vsv" | "vmrs") => Self::SavedState,
            Some("slp") => Self::SmartPaging,
            Some("rct" | "mrt") => Self::ChangeTracking,
            Some("hrl" | "hru") => Self::ReplicationLog,
            Some("vmcx" | "xml") => Self::Config,
            _ => Self::Other,
        }
    }
}

impl KeyedPath {
    /// As a reference of the given role.
    pub(super) fn reference(&self, role: PathRole) -> PathReference {
        PathReference {
            role,
            key: self.key.clone(),
            path: self.path.clone(),
            group: None,
            weak: false,
        }
    }
}

/// The references of paths whose extension is all that is known.
pub(super) fn references(paths: &[KeyedPath]) -> Vec<PathReference> {
    paths
        .iter()
        .map(|path| path.reference(PathRole::of_extension(path.path.as_str())))
        .collect()
}

/// Every value of a tree that looks like a path, and which of them have been put into a field.
pub(super) struct PathValues<'a> {
    found: Vec<(KeyRef<'a>, KeyedPath)>,
    /// Numbers of keys.
    taken: BTreeSet<usize>,
    /// There are more than are listed.
    pub(super) overflow: bool,
}

/// The paths that no field holds.
#[derive(Debug, Default)]
pub(super) struct OtherPaths {
    /// Files, by extension or by the name of their key.
    pub(super) files: Vec<KeyedPath>,
    /// The rest: folders, as far as known.
    pub(super) folders: Vec<KeyedPath>,
}

impl<'a> PathValues<'a> {
    pub(super) fn collect(tree: &'a KeyTree) -> Self {
        let mut values = Self {
            found: Vec::new(),
            taken: BTreeSet::new(),
            overflow: false,
        };
        tree.walk_lines(|begin, line| {
            let Some(key) = line.last() else { return };
            if !key.as_str().is_some_and(windows_path::is_absolute) {
                return;
            }
            if values.found.len() < MAX_PATHS {
                let mut path = vmcx::path_of(begin, line);
                let end = path.char_indices().nth(MAX_KEY_PATH);
                path.truncate(end.map_or(path.len(), |(end, _)| end));
                let keyed = key.as_text().map(|text| KeyedPath {
                    key: path,
                    path: text.to_encoded(),
                });
                values.found.extend(keyed.map(|keyed| (*key, keyed)));
            } else {
                values.overflow = true;
            }
        });
        values
    }

    /// The value of a key whose text is a path, for a field. A blank text is none.
    pub(super) fn take(&mut self, key: Option<KeyRef<'a>>) -> Option<EncodedText> {
        let key = key?;
        let text = key.as_text().filter(|text| !text.is_blank())?;
        self.taken.insert(key.id());
        Some(text.to_encoded())
    }

    /// What no field has taken.
    pub(super) fn finish(self, anomalies: &mut Vec<Anomaly>) -> OtherPaths {
        if self.overflow {
            anomalies.push(Anomaly::new(
                OVERFLOW,
                format!("more than {MAX_PATHS} paths; the rest is not listed"),
            ));
        }
        let mut others = OtherPaths::default();
        for (key, path) in self.found {
            if self.taken.contains(&key.id()) {
                continue;
            }
            let is_file = FILE_KEYS.iter().any(|name| key.is_named(name))
                || windows_path::has_known_extension(path.path.as_str());
            if is_file {
                others.files.push(path);
            } else {
                others.folders.push(path);
            }
        }
        others
    }
}

impl OtherPaths {
    /// Files first.
    pub(super) fn into_all(self) -> Vec<KeyedPath> {
        let mut all = self.files;
        all.extend(self.folders);
        all
    }
}
