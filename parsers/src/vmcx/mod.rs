//! The container of Hyper-V configurations (HyperVStorage): `.vmcx`, `.VMRS`, the host's `data.vmcx`, newer `.vsv`.
//!
//! Read in this order: both storage headers, the replay log of the one in force, then, through the log, the object
//! tables, the key tables that they list, and the tree of keys. Checked: every checksum (CRC-32 throughout), every
//! place against the length of the file, every count against what the bytes can hold. Damage inside a sound outer
//! structure gives a partial tree that says so ([`KeyTree::complete`]).
//!
//! What earlier states of the keys left behind is searched for paths: history of a VM that its configuration no longer
//! tells.
//!
//! Not read: values in file objects other than text (the memory of a saved VM lies there), format versions other than
//! 4.0. The log is never written back.

mod file_object;
pub(crate) mod format;
mod header;
mod history;
mod key_entry;
mod key_table;
mod link;
mod object_table;
mod overlay;
mod replay_log;
mod tree;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::tree::path_of;
pub use self::{
    header::StorageHeader,
    history::{HistoryPlace, PreviousPath},
    replay_log::{LogState, ReplayLog, TrackingBuffer},
    tree::{Key, KeyRef, KeyTree, Stored, StoredKind, Value, ValueRef},
};
use self::{history::History, key_entry::RawValue, object_table::Listing, overlay::Overlay, replay_log::Log};
use crate::{
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
    window::Window,
};

/// What is read ahead: a whole configuration (real ones have 64 to 80 KiB) in one round trip.
const AHEAD_BYTES: u64 = 256 << 10;

/// The first bytes of every container.
pub const SIGNATURE: [u8; 4] = format::HEADER_SIGNATURE;

/// All that was read of a container.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    /// Facts of the container itself.
    pub storage: Storage,
    /// The keys.
    pub tree: KeyTree,
    /// What is odd or damaged.
    pub anomalies: Vec<Anomaly>,
    /// The first damage because of which the tree is not complete.
    pub damage: Option<Anomaly>,
}

/// Facts of the container itself, whatever its keys say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Storage {
    /// The storage header in force.
    pub header: StorageHeader,
    /// The replay log.
    pub replay_log: ReplayLog,
    /// Number of key tables read.
    pub key_tables: u64,
    /// Number of file objects listed.
    pub file_objects: u64,
    /// Blocks of saved memory beyond those in the tree.
    pub unlisted_memory: UnlistedMemory,
    /// Paths in earlier states of the keys that are still in the file (residue of the log, free space, tables that were
    /// replaced) and that the tree no longer names. History, not references.
    pub previous_paths: Vec<PreviousPath>,
}

/// Blocks of saved memory that the tree does not list, since there are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct UnlistedMemory {
    /// Their number.
    pub blocks: u64,
    /// Their length in bytes.
    pub bytes: u64,
}

impl UnlistedMemory {
    fn add(&mut self, value: RawValue<'_>) {
        if let RawValue::Stored(stored) = value {
            self.blocks = self.blocks.saturating_add(1);
            self.bytes = self.bytes.saturating_add(stored.length);
        }
    }
}

/// What one file may still make the reader hold and read.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Bytes to hold.
    held: Allowance,
    /// Bytes of key tables to read; of each only the keys are held. Sound tables do not overlap, so all of them are no
    /// longer than the file with what an open commit adds.
    passed: Allowance,
}

/// How much of a limit is left.
#[derive(Debug)]
struct Allowance {
    left: u64,
    limit: u64,
}

/// A file may make the reader pass over this many times what it may make it hold: 256 MiB, the tables of a saved VM
/// with some terabytes of memory.
const PASS_FACTOR: u64 = 8;

impl Budget {
    fn new(limits: &Limits, length: u64) -> Self {
        let limit = limits.table_bytes;
        Self {
            held: Allowance::of(limit),
            passed: Allowance::of(length.saturating_add(limit).min(limit.saturating_mul(PASS_FACTOR))),
        }
    }

    /// Takes `bytes` that are held for the structure `what`.
    fn spend(&mut self, what: &'static str, bytes: u64) -> Result<()> {
        self.held.take(what, bytes)
    }

    /// Takes `bytes` that are held for a moment only.
    fn pass(&mut self, what: &'static str, bytes: u64) -> Result<()> {
        Allowance::of(self.held.limit).take(what, bytes)?;
        self.passed.take(what, bytes)
    }
}

impl Allowance {
    fn of(limit: u64) -> Self {
        Self { left: limit, limit }
    }

    fn take(&mut self, what: &'static str, bytes: u64) -> Result<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(ParseError::LimitExceeded {
                what,
                value: self.limit.saturating_sub(self.left).saturating_add(bytes),
                limit: self.limit,
            }),
        }
    }
}

/// Reads a container.
///
/// # Errors
/// When no storage header is sound, the version is not 4.0, the root object table cannot be read, or the source
/// fails. Any other damage is an anomaly, and the tree says that it is not complete.
pub fn read<R: ReadAt + ?Sized>(source: &R, limits: &Limits) -> Result<Container> {
    let source = &Window::ahead(source, "VMCX container", 0, AHEAD_BYTES)?;
    let mut findings = Findings::default();
    let mut budget = Budget::new(limits, source.len());
    let header = header::read(source, &mut findings)?;
    let log = replay_log::read(source, &header, &mut budget, &mut findings)?;
    let replayed = Overlay::new(source, &log.patches);
    let objects = object_table::read(&replayed, &mut budget, &mut findings)?;
    let tables = key_table::read(&replayed, &objects, limits, &mut budget, &mut findings)?;
    let mut history = History::default();
    history.collect(source, &header, &log, &objects, &mut budget)?;
    history.collect_tables(source, tables.freed, &tables.replaced, &mut budget)?;
    let mut tree = tables.tree;
    link::link(&mut tree, &tables.entries, limits, &mut findings);
    note_log(&log, &mut findings);
    Ok(Container {
        storage: Storage {
            header,
            key_tables: u64::try_from(tables.count).unwrap_or(u64::MAX),
            file_objects: count_file_objects(&objects),
            unlisted_memory: tables.unlisted,
            previous_paths: history.paths(&tree),
            replay_log: log.facts,
        },
        tree,
        damage: findings.first_damage(),
        anomalies: findings.into_anomalies(),
    })
}

fn count_file_objects(objects: &Listing) -> u64 {
    u64::try_from(objects.file_objects.len()).unwrap_or(u64::MAX)
}

fn note_log(log: &Log, findings: &mut Findings) {
    if log.facts.state == LogState::Replayed {
        findings.note(Anomaly::at(
            "replay-log-open",
            log.facts.offset,
            format!(
                "entries of the replay log that were not yet in place: {}; they were applied in memory",
                log.facts.entry_count
            ),
        ));
    }
}
