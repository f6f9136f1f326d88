//! Citrix Provisioning: the properties of a vDisk (`.pvp`) and the manifest of its versions (`.xml`).
//!
//! Neither schema is published \[A\]. So every element that holds text is kept under its name, in the order of the file,
//! and only what looks like the name of a disk is taken for one. A `.pvp` beside a disk says that the disk belongs to a
//! store, whatever stands in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    EncodedText, Limits, ParseError, ReadAt, Result, windows_path,
    xml::{self, Element},
};

/// Name of the structure in errors.
const WHAT: &str = "vDisk properties";
/// Most properties that are kept. Real files have some dozens for each version.
const PROPERTIES_MAX_COUNT: usize = 10_000;

/// What a file of a vDisk says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DiskProperties {
    /// Name of the outermost element.
    pub root: String,
    /// Every element that holds text, in the order of the file.
    pub properties: Vec<Property>,
    /// Values that end like the name of a disk, each once, in the order of the file.
    pub disks: Vec<EncodedText>,
}

/// One element that holds text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Property {
    /// Its local name.
    pub name: String,
    /// Its text without blanks around it.
    pub value: String,
}

impl DiskProperties {
    /// Reads a file.
    ///
    /// # Errors
    /// `Truncated`, `Malformed` when it is no XML or has a document type, `LimitExceeded` when it has more properties
    /// than are sensible, `Io`.
    pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Self> {
        let mut properties = Vec::new();
        let mut left_out = 0_u64;
        let root = xml::walk(source, WHAT, limits, &mut |path: &[Element]| {
            let Some(element) = path.last() else { return };
            let Some(value) = element.trimmed() else { return };
            if properties.len() < PROPERTIES_MAX_COUNT {
                properties.push(Property {
                    name: element.name.clone(),
                    value: value.to_owned(),
                });
            } else {
                left_out = left_out.saturating_add(1);
            }
        })?;
        if left_out > 0 {
            let limit = u64::try_from(PROPERTIES_MAX_COUNT).unwrap_or(u64::MAX);
            return Err(ParseError::LimitExceeded {
                what: WHAT,
                value: limit.saturating_add(left_out),
                limit,
            });
        }
        Ok(Self {
            root,
            disks: disks(&properties),
            properties,
        })
    }
}

fn disks(properties: &[Property]) -> Vec<EncodedText> {
    const DISKS: [&str; 4] = ["vhd", "vhdx", "avhd", "avhdx"];
    let mut seen = std::collections::BTreeSet::new();
    properties
        .iter()
        .map(|property| property.value.as_str())
        .filter(|value| {
            windows_path::extension(value).is_some_and(|own| DISKS.iter().any(|disk| own.eq_ignore_ascii_case(disk)))
        })
        .filter(|value| seen.insert(*value))
        .map(EncodedText::from)
        .collect()
}
