//! What lies beside VMs: facts for people, and nothing that the reconciliation reads.
//!
//! A package names its disks, and a backing file of a qcow2 is needed by it; but no inventory lists packages or images of
//! other products, so a reference from one would tie a file to nobody. These files therefore give no evidence, and one
//! that cannot be parsed is a remark and no gap: no VM can be hidden in it.

use std::path::Path;

use derelict_parsers::{
    Anomaly, Limits, ParseError,
    foreign::{self, Foreign},
};

use super::{Parsed, guard_against_panic};
use crate::{evidence::Evidence, file_reader::FileReader, kind::Kind};

/// A CD or floppy image, an OVF descriptor or manifest, an OVA package.
pub(super) fn media(kind: Kind, reader: &FileReader, limits: &Limits) -> Result<Parsed, ParseError> {
    match foreign::read(reader, limits) {
        Ok(Some(found)) if is_of(kind, &found) => Ok(Parsed::new(&found, Evidence::default(), found.anomalies())),
        Ok(_) => Ok(Parsed::default()),
        Err(error) if error.is_io() => Err(error),
        Err(error) => Ok(Parsed {
            anomalies: vec![Anomaly {
                code: "not-read".to_owned(),
                offset: error.offset(),
                text: error.to_string(),
            }],
            ..Parsed::default()
        }),
    }
}

fn is_of(kind: Kind, found: &Foreign) -> bool {
    match kind {
        Kind::Iso => matches!(found, Foreign::Iso(_)),
        Kind::Floppy => matches!(found, Foreign::Fat(_) | Foreign::Partitions(_)),
        Kind::Ovf => matches!(found, Foreign::Ovf(_) | Foreign::OvfManifest(_)),
        Kind::Ova => matches!(found, Foreign::Ova(_)),
        _ => false,
    }
}

/// What the bytes of a file say that is no artifact, or whose kind says nothing of them: a raw disk, an image of another
/// product. For the one who asks for this file; a scan does not look.
///
/// # Errors
/// Why it could not be opened, read or parsed, as one sentence.
pub fn contents(path: &Path) -> Result<Option<Foreign>, String> {
    let reader = FileReader::open(path).map_err(|error| error.to_string())?;
    guard_against_panic(|| foreign::read(&reader, &Limits::default())).map_err(|error| error.to_string())
}
