//! Groups of vSphere Replication at the target: `hbrgrp.GID-….txt`, a [dictionary](crate::dictionary).
//!
//! Read: every pair of keys `….path.ds` and `….path.relpath` (seen as `disk.N.instance.M.path.*` and
//! `instance.N.file.M.path.*`): id of a datastore and path below its root. The other keys are not known.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Anomaly, EncodedText, Limits, ReadAt, Result,
    dictionary::Dictionary,
    reference::{FileKind, FileReference, extension},
    text::TextRef,
};

/// End of a key that holds a path.
const PATH_KEY: &str = ".path.relpath";

/// What a replication group says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ReplicationGroup {
    /// The files of the replicas, as paths under `/vmfs/volumes/` where the datastore is named.
    pub files: Vec<FileReference>,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

impl ReplicationGroup {
    /// Reads a whole file.
    ///
    /// # Errors
    /// As [`Dictionary::parse`].
    pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Self> {
        let bytes = Dictionary::bytes(source, limits)?;
        let dictionary = Dictionary::parse(&bytes, limits)?;
        let paths = dictionary.entries.iter().filter_map(|entry| {
            let key = entry.key.to_ascii_lowercase();
            let prefix = key.strip_suffix(PATH_KEY)?;
            let datastore = dictionary.text(&format!("{prefix}.path.ds"));
            (!entry.value.is_blank()).then(|| {
                let path = joined(datastore, &entry.value);
                FileReference::new(entry.key.as_ref(), path, kind_of(entry.value.as_str()))
            })
        });
        Ok(Self {
            files: paths.chain(dictionary.malformed_file_references()).collect(),
            anomalies: dictionary.anomalies.clone(),
        })
    }
}

/// The path on its datastore, in the form that a host uses.
fn joined(datastore: Option<&TextRef<'_>>, path: &TextRef<'_>) -> EncodedText {
    let Some(datastore) = datastore else {
        return path.to_encoded();
    };
    // Seen as the bare id of the volume; a whole path is taken as it is.
    let volume = datastore.raw().trim_ascii();
    let mount: &[u8] = if volume.starts_with(b"/") {
        b""
    } else {
        b"/vmfs/volumes/"
    };
    let raw = [mount, volume, b"/", path.raw()].concat();
    let mount = if mount.is_empty() { "" } else { "/vmfs/volumes/" };
    let text = format!("{mount}{}/{}", datastore.as_str().trim(), path.as_str());
    EncodedText::decoded(text, &raw)
}

fn kind_of(path: &str) -> FileKind {
    match extension(path).as_str() {
        "vmdk" => FileKind::Disk,
        "vmx" => FileKind::Config,
        "vmxf" => FileKind::ExtendedConfig,
        "nvram" => FileKind::Nvram,
        "psf" => FileKind::ReplicationState,
        _ => FileKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_joined_with_the_datastore_of_the_same_instance() {
        let text = "disk.1.instance.0.path.ds = \"/vmfs/volumes/5c1b\"\ndisk.1.instance.0.path.relpath = \"x/x.vmdk\"\n\
                    disk.0.instance.0.path.ds = \"5c1a\"\ndisk.0.instance.0.path.relpath = \"w/hbrdisk.RDID-1.vmdk\"\n\
                    instance.0.file.0.path.relpath = \"w/hbrcfg.GID-1.vmx.3\"\n";
        let group = ReplicationGroup::read(text.as_bytes(), &Limits::default()).unwrap();
        let files: Vec<_> = group
            .files
            .iter()
            .map(|file| (file.value.as_str(), file.kind))
            .collect();
        assert_eq!(
            files,
            [
                ("/vmfs/volumes/5c1b/x/x.vmdk", FileKind::Disk),
                ("/vmfs/volumes/5c1a/w/hbrdisk.RDID-1.vmdk", FileKind::Disk),
                ("w/hbrcfg.GID-1.vmx.3", FileKind::Other),
            ]
        );
    }
}
