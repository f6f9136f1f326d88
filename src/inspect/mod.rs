//! `derelict inspect`: everything that the parsers read of one file, for people and for programs.

mod catalogue;
mod stat;
mod text;

use std::path::Path;

use derelict_parsers::{Anomaly, foreign::Foreign, vmx::OtherBacking};
use serde::Serialize;
use serde_json::Value;

use crate::{
    catalogue::is_catalogue,
    classify::{self, NameHint},
    error::{ErrorKind, Result, ToolError},
    evidence::Evidence,
    facts::Facts,
    kind::{Basis, Kind},
    raw::RawPath,
    read::{self, Key, Location, Subject},
};

pub use catalogue::{CatalogueFacts, RootFacts};
pub use stat::FileSystemFacts;
pub use text::{Length, render_text};

/// What was read of one file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// The path as given.
    pub path: RawPath,
    /// Length in bytes.
    pub length: u64,
    /// What else the file system says of it; `None` where it cannot be asked.
    pub file_system: Option<FileSystemFacts>,
    /// What it is; `None` for an ordinary file.
    pub kind: Option<Kind>,
    /// What it is exactly, where its kind has the name of another file.
    pub kind_detail: Option<&'static str>,
    /// How that was found.
    pub basis: Option<Basis>,
    /// Why it could not be read, or not all of it.
    pub error: Option<String>,
    /// All that the parser read.
    pub facts: Facts,
    /// What the bytes of an ordinary file or a flat extent say: an image of another product, a raw disk. It tells what
    /// lies in the file and takes no part in any verdict.
    pub contents: Option<Foreign>,
    /// What a catalogue holds that derelict saved.
    pub catalogue: Option<CatalogueFacts>,
    /// What the tables of a disk allocate, in the file and of the disk; `null` for what has none. Only told here: a scan
    /// reads headers.
    pub allocation: Value,
    /// The same in the words of the reconciliation.
    pub evidence: Evidence,
    /// What is odd about it.
    pub anomalies: Vec<Anomaly>,
    /// Values of a configuration that could name a file and mean something else: a drive of the host, a pipe, nothing.
    pub other_backings: Vec<OtherBacking>,
    /// Every key of a file that holds keys. Only listed here: a scan keeps what they mean.
    pub keys: Vec<Key>,
    /// Keys beyond those: more than any real file holds.
    pub keys_left_out: u64,
}

/// Reads one file.
///
/// # Errors
/// When there is no regular file of this name. A file that cannot be read or parsed is an [`Inspection`] with its error.
pub fn inspect(path: &Path) -> Result<Inspection> {
    let refuse = |what: &str| ToolError::at(ErrorKind::Input, path, what);
    let metadata = std::fs::symlink_metadata(path).map_err(|error| refuse("cannot be inspected").because(error))?;
    if !metadata.is_file() {
        return Err(refuse("is no regular file"));
    }
    let raw = RawPath::from_os(path);
    let folder = raw.folder();
    let examined = read::examine(&Subject {
        location: Location::Path(path),
        folder: &folder,
        name: raw.name(),
        length: metadata.len(),
        listed: None,
        hint: hint(&folder, raw.name()),
        has_descriptor: false,
        refused: None,
        is_offline: false,
        smb: false,
    });
    let error = examined.fault.map(|fault| fault.text);
    let mut inspection = Inspection {
        path: raw,
        length: metadata.len(),
        file_system: FileSystemFacts::of(path).ok(),
        kind: None,
        kind_detail: None,
        basis: None,
        error,
        facts: Facts::NONE,
        contents: None,
        catalogue: None,
        allocation: Value::Null,
        evidence: Evidence::default(),
        anomalies: Vec::new(),
        other_backings: Vec::new(),
        keys: Vec::new(),
        keys_left_out: 0,
    };
    if let Some(found) = examined.found {
        inspection.kind = Some(found.kind);
        inspection.kind_detail = classify::detail(found.kind, inspection.path.name());
        inspection.basis = Some(found.basis);
        inspection.facts = found.facts;
        inspection.evidence = found.evidence;
        inspection.anomalies = found.anomalies;
        if !inspection.facts.is_none() {
            inspection.add_allocation(path, found.kind);
            inspection.add_keys(path, found.kind);
        }
    }
    add_contents(path, &mut inspection);
    Ok(inspection)
}

/// Looks into a file of which nothing is known but its bytes. A raw device map is left alone: reading it reads the LUN.
fn add_contents(path: &Path, inspection: &mut Inspection) {
    let is_plain = matches!(inspection.kind, None | Some(Kind::VmdkFlat));
    if !is_plain || inspection.error.is_some() || inspection.length == 0 {
        return;
    }
    if inspection.kind.is_none() && is_catalogue(path) {
        match CatalogueFacts::of(path) {
            Ok(facts) => inspection.catalogue = Some(facts),
            Err(error) => inspection.error = Some(error.chain()),
        }
        return;
    }
    match read::contents(path) {
        Ok(contents) => inspection.contents = contents,
        Err(error) => inspection.error = Some(error),
    }
}

impl Inspection {
    /// Adds what the tables of a disk allocate. Where a header cannot be read, that is the error to tell.
    fn add_allocation(&mut self, path: &Path, kind: Kind) {
        match read::allocation(path, kind) {
            None => {}
            Some(Ok(told)) => {
                self.allocation = told.facts;
                self.error = self.error.take().or(told.damage);
            }
            Some(Err(text)) => self.error = self.error.take().or(Some(text)),
        }
    }

    /// Adds every key of a file that holds keys.
    fn add_keys(&mut self, path: &Path, kind: Kind) {
        match read::keys(path, kind) {
            None => {}
            Some(Ok(read)) => {
                self.keys = read.keys;
                self.keys_left_out = read.left_out;
                self.other_backings = read.other_backings;
            }
            Some(Err(text)) => self.error = self.error.take().or(Some(text)),
        }
    }
}

/// Somebody asks for this file, so its place says nothing: the lists of vSphere HA and the configurations of old Hyper-V
/// hosts are tried as such wherever they lie and whatever they are called.
fn hint(folder: &RawPath, name: &[u8]) -> NameHint {
    match classify::by_name(folder, name) {
        NameHint::Unknown if classify::is_host_list(name) => NameHint::System,
        NameHint::Unknown if name.to_ascii_lowercase().ends_with(b".xml") => NameHint::IfContent(Kind::HypervXml),
        hint => hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn an_ordinary_file_and_a_folder_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let ordinary = folder.path().join("a.txt");
        std::fs::write(&ordinary, b"hello").unwrap();
        assert_eq!(inspect(&ordinary).unwrap().kind, None);
        assert_eq!(inspect(folder.path()).unwrap_err().kind(), ErrorKind::Input);
        assert_eq!(
            inspect(&folder.path().join("none")).unwrap_err().kind(),
            ErrorKind::Input
        );
    }
}
