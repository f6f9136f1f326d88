//! The counters in the header of a file that everybody moves who opens it for writing: the sequence number of a VHDX with
//! its `FileWriteGuid` (MS-VHDX 2.2.2), the sequence of a HyperVStorage container (openvmm `hvs_file`).

use std::{io, path::Path};

use derelict_parsers::{Limits, ParseError, hyperv_config, vhdx, vmcx::Storage};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::guard_against_panic;
use crate::{file_reader::FileReader, kind::Kind};

/// The counters of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderStamp {
    sequence: u64,
    file_write_guid: Option<Uuid>,
}

/// The facts of a VHDX that count.
#[derive(Deserialize)]
struct VhdxFacts {
    sequence_number: u64,
    file_write_guid: Uuid,
}

/// The facts of a container that count.
#[derive(Deserialize)]
struct ContainerFacts {
    storage: Option<Storage>,
}

impl HeaderStamp {
    /// What stood in the file when its facts were read; `None` for a kind without counters.
    pub(crate) fn of_facts(kind: Kind, facts: &Value) -> Option<Self> {
        if is_vhdx(kind) {
            let facts = VhdxFacts::deserialize(facts).ok()?;
            return Some(Self {
                sequence: facts.sequence_number,
                file_write_guid: Some(facts.file_write_guid),
            });
        }
        let facts = ContainerFacts::deserialize(facts).ok().filter(|_| is_container(kind))?;
        Some(Self::of_container(&facts.storage?))
    }

    fn of_container(storage: &Storage) -> Self {
        Self {
            sequence: u64::from(storage.header.sequence),
            file_write_guid: None,
        }
    }
}

impl std::fmt::Display for HeaderStamp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "sequence {}", self.sequence)?;
        match self.file_write_guid {
            Some(guid) => write!(formatter, " with FileWriteGuid {guid}"),
            None => Ok(()),
        }
    }
}

/// Reads the counters of a file; `None` for a kind without, and where its bytes give none.
///
/// # Errors
/// What the operating system said.
pub fn header_stamp(kind: Kind, path: &Path) -> io::Result<Option<HeaderStamp>> {
    if !is_vhdx(kind) && !is_container(kind) {
        return Ok(None);
    }
    let reader = FileReader::open(path)?;
    let limits = Limits::default();
    let stamp = if is_vhdx(kind) {
        let read = guard_against_panic(|| vhdx::read(&reader, &limits));
        read.map(|facts| {
            Some(HeaderStamp {
                sequence: facts.sequence_number,
                file_write_guid: Some(facts.file_write_guid),
            })
        })
    } else {
        let read = guard_against_panic(|| hyperv_config::read_container(&reader, &limits));
        read.map(|file| file.storage.as_ref().map(HeaderStamp::of_container))
    };
    match stamp {
        Err(ParseError::Io { message, os_error, .. }) => {
            Err(os_error.map_or_else(|| io::Error::other(message), io::Error::from_raw_os_error))
        }
        stamp => Ok(stamp.ok().flatten()),
    }
}

fn is_vhdx(kind: Kind) -> bool {
    matches!(kind, Kind::Vhdx | Kind::Avhdx)
}

fn is_container(kind: Kind) -> bool {
    matches!(kind, Kind::Vmcx | Kind::Vmrs)
}

#[cfg(test)]
mod tests {
    use derelict_parsers::{
        DiskKind,
        testkit::{guid, hyperv_vm::HypervVm, vhdx::VhdxBuilder},
    };

    use super::*;

    /// The counters as the facts give them, and as the file does.
    fn both(kind: Kind, bytes: &[u8], facts: &Value) -> [Option<HeaderStamp>; 2] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        [
            HeaderStamp::of_facts(kind, facts),
            header_stamp(kind, file.path()).unwrap(),
        ]
    }

    #[test]
    fn facts_and_file_give_the_same_counters_until_somebody_writes() {
        let disk = |seed| VhdxBuilder::new(DiskKind::Dynamic, 64 << 20, seed).build().to_vec();
        let limits = Limits::default();
        let facts = |bytes: &[u8]| serde_json::to_value(vhdx::read(&bytes, &limits).unwrap()).unwrap();
        let [then, now] = both(Kind::Vhdx, &disk(1), &facts(&disk(1)));
        assert!(then.is_some() && then == now, "{then:?} {now:?}");
        let [then, now] = both(Kind::Avhdx, &disk(2), &facts(&disk(1)));
        assert!(then.is_some() && now.is_some() && then != now, "{then:?} {now:?}");
    }

    #[test]
    fn a_configuration_has_the_counter_of_its_container() {
        let bytes = HypervVm::new("a", guid(1, 1)).to_vmcx();
        let read = hyperv_config::read_container(&bytes.as_slice(), &Limits::default()).unwrap();
        let [then, now] = both(Kind::Vmcx, &bytes, &serde_json::to_value(&read).unwrap());
        assert!(then.is_some() && then == now, "{then:?} {now:?}");
    }

    #[test]
    fn other_kinds_have_no_counter() {
        assert_eq!(both(Kind::VmdkFlat, b"data", &Value::Null), [None, None]);
        assert_eq!(both(Kind::Vhdx, b"no disk", &Value::Null), [None, None]);
    }
}
