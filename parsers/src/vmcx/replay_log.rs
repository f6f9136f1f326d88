//! The replay log: commits that may not have reached their places yet, and traces of earlier ones.
//!
//! A log with a count above 0 is applied in memory, all of it or nothing: every checksum and every place is checked
//! first. Entries beyond the count and their data are what earlier commits left: see the module `history`.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Budget,
    format::{
        GROUP, LOG_ENTRY_LENGTH, LOG_HEADER_LENGTH, LOG_SIGNATURE, MAX_LOG_HEADER_BLOCK, ROOT_OBJECT_TABLE,
        crc32_with_zeroed, used_entries,
    },
    header::StorageHeader,
    overlay::Patch,
};
use crate::{
    bytes::Cursor,
    error::{ParseError, Result},
    findings::Findings,
    read_at::ReadAt,
};

const WHAT: &str = "VMCX replay log";
const ENTRY: &str = "VMCX replay log entry";
const DATA: &str = "VMCX replay log data";

/// What the replay log says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayLog {
    /// Where it stands, in bytes from the start of the file.
    pub offset: u64,
    /// Entries that its header counts: 0 when every commit reached its place.
    pub entry_count: u32,
    /// What became of them.
    pub state: LogState,
    /// Entries of earlier commits that are still there with a right checksum.
    pub residue_count: u32,
    /// Entries that it has room for, as its header says.
    #[serde(default)]
    pub max_entries: u32,
    /// Where changes are tracked; `None` where they are not (never seen tracked).
    #[serde(default)]
    pub change_tracking: Option<TrackingBuffer>,
}

/// Where a container tracks its changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrackingBuffer {
    /// Where the buffer stands, in bytes from the start of the file.
    pub offset: u64,
    /// Its length in bytes.
    pub buffer_bytes: u32,
    /// Bytes of it in use.
    pub used_bytes: u32,
}

/// What became of the entries of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogState {
    /// The header points to no log.
    Absent,
    /// No commit is open.
    Clean,
    /// A commit was open; it was applied in memory.
    Replayed,
    /// The log, or one of its entries, is damaged: nothing was applied, the tree may be an old or a mixed state.
    Unusable,
}

/// The log as it was read.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) facts: ReplayLog,
    /// To be applied, in order.
    pub(super) patches: Vec<Patch>,
}

/// One entry of the log.
#[derive(Debug, Clone, Copy)]
struct LogEntry {
    /// Where it stands.
    at: u64,
    destination: u64,
    length: u64,
    /// Relative to the start of the log.
    data_offset: u64,
    data_checksum: u32,
}

/// Reads the log of the header in force.
pub(super) fn read<R: ReadAt + ?Sized>(
    source: &R,
    header: &StorageHeader,
    budget: &mut Budget,
    findings: &mut Findings,
) -> Result<Log> {
    let mut log = Log {
        facts: ReplayLog {
            offset: header.replay_log_offset,
            entry_count: 0,
            state: LogState::Absent,
            residue_count: 0,
            max_entries: 0,
            change_tracking: None,
        },
        patches: Vec::new(),
    };
    if header.replay_log_offset == 0 && header.replay_log_bytes == 0 {
        return Ok(log);
    }
    log.facts.state = LogState::Unusable;
    let region = LogRegion::of_header(source, header);
    let block = check_header_size(header).and_then(|()| region.read_block(budget));
    let Some((block, count)) = findings.tolerate("replay-log-bad", block)? else {
        return Ok(log);
    };
    log.facts.entry_count = count;
    log.facts.take_header(&Cursor::new(WHAT, region.offset, &block))?;
    let (counted, residue) = split_entries(&block, region.offset, count);
    let patches = region.load_all(&counted, budget);
    if let Some(patches) = findings.tolerate("replay-log-entry-bad", patches)? {
        log.facts.state = if count == 0 {
            LogState::Clean
        } else {
            LogState::Replayed
        };
        log.patches = patches;
    }
    log.facts.residue_count = u32::try_from(residue).unwrap_or(u32::MAX);
    Ok(log)
}

impl ReplayLog {
    /// What the header says beside the count of entries.
    fn take_header(&mut self, header: &Cursor<'_>) -> Result<()> {
        self.max_entries = header.u32_le(13)?;
        if header.u8(17)? != 0 {
            self.change_tracking = Some(TrackingBuffer {
                offset: header.u64_le(18)?,
                buffer_bytes: header.u32_le(26)?,
                used_bytes: header.u32_le(30)?,
            });
        }
        Ok(())
    }
}

fn check_header_size(header: &StorageHeader) -> Result<()> {
    let claimed = header.replay_log_header_bytes;
    let limit = header.replay_log_bytes.min(MAX_LOG_HEADER_BLOCK.into());
    if u64::from(claimed) <= limit {
        return Ok(());
    }
    Err(ParseError::OutOfBounds {
        what: "VMCX replay log header size",
        offset: header.offset.saturating_add(42),
        value: claimed.into(),
        limit,
    })
}

/// The entries in force, and how many of those beyond the count are whole.
fn split_entries(block: &[u8], offset: u64, count: u32) -> (Vec<Result<LogEntry>>, usize) {
    let first = offset.saturating_add(u64::try_from(LOG_HEADER_LENGTH).unwrap_or_default());
    let (entries, _) = block
        .get(LOG_HEADER_LENGTH..)
        .unwrap_or_default()
        .as_chunks::<LOG_ENTRY_LENGTH>();
    let counted = usize::try_from(count).unwrap_or(usize::MAX).min(entries.len());
    let (counted, rest) = entries.split_at(counted);
    let counted = (first..)
        .step_by(LOG_ENTRY_LENGTH)
        .zip(counted)
        .map(|(at, bytes)| parse_entry(&Cursor::new(ENTRY, at, bytes)))
        .collect();
    // The checksum of zeros is not zero.
    let residue = used_entries(rest, &[[0; LOG_ENTRY_LENGTH]; GROUP])
        .filter(|(_, bytes)| parse_entry(&Cursor::new(ENTRY, first, *bytes)).is_ok())
        .count();
    (counted, residue)
}

fn parse_entry(cursor: &Cursor<'_>) -> Result<LogEntry> {
    let stored = cursor.u32_le(20)?;
    let computed = crc32_with_zeroed(cursor.bytes(), 20);
    if stored != computed {
        return Err(ParseError::ChecksumMismatch {
            what: ENTRY,
            offset: cursor.base(),
            stored,
            computed,
        });
    }
    Ok(LogEntry {
        at: cursor.base(),
        destination: cursor.u64_le(0)?,
        length: cursor.u32_le(8)?.into(),
        data_offset: cursor.u64_le(12)?,
        data_checksum: cursor.u32_le(24)?,
    })
}

/// A log: header and entries in one block, the data behind it.
struct LogRegion<'a, R: ?Sized> {
    source: &'a R,
    offset: u64,
    /// May reach past the end of the file.
    size: u64,
    /// Size of the block of header and entries.
    header_size: u32,
}

impl<'a, R: ReadAt + ?Sized> LogRegion<'a, R> {
    fn of_header(source: &'a R, header: &StorageHeader) -> Self {
        Self {
            source,
            offset: header.replay_log_offset,
            size: header.replay_log_bytes,
            header_size: header.replay_log_header_bytes,
        }
    }

    /// The block of header and entries, and the count of entries in force.
    fn read_block(&self, budget: &mut Budget) -> Result<(Cow<'a, [u8]>, u32)> {
        budget.spend(WHAT, self.header_size.into())?;
        let block = self.source.exact(WHAT, self.offset, self.header_size.into())?;
        let cursor = Cursor::new(WHAT, self.offset, &block);
        cursor.signature(0, &LOG_SIGNATURE, "03 00 11 01")?;
        let stored = cursor.u32_le(4)?;
        let computed = crc32_with_zeroed(cursor.slice(0, LOG_HEADER_LENGTH)?, 4);
        if stored != computed {
            return Err(ParseError::ChecksumMismatch {
                what: WHAT,
                offset: self.offset,
                stored,
                computed,
            });
        }
        let count = cursor.u32_le(8)?;
        let limit = u64::try_from(block.len().saturating_sub(LOG_HEADER_LENGTH) / LOG_ENTRY_LENGTH).unwrap_or(u64::MAX);
        if u64::from(count) > limit {
            return Err(ParseError::OutOfBounds {
                what: "VMCX replay log entry count",
                offset: cursor.position(8),
                value: count.into(),
                limit,
            });
        }
        Ok((block, count))
    }

    /// All entries, each checked, or the first fault.
    fn load_all(&self, entries: &[Result<LogEntry>], budget: &mut Budget) -> Result<Vec<Patch>> {
        entries
            .iter()
            .map(|entry| {
                let entry = entry.clone()?;
                self.check_destination(&entry)?;
                Ok(Patch {
                    offset: entry.destination,
                    bytes: self.load(&entry, budget)?,
                })
            })
            .collect()
    }

    /// An entry may write behind the header pages and, when the commit made the file grow, up to one length of the log
    /// behind the end.
    fn check_destination(&self, entry: &LogEntry) -> Result<()> {
        let limit = self.source.len().saturating_add(self.size.min(self.source.len()));
        let end = entry.destination.saturating_add(entry.length);
        if entry.destination >= ROOT_OBJECT_TABLE && end <= limit {
            return Ok(());
        }
        Err(ParseError::OutOfBounds {
            what: "VMCX replay log entry destination",
            offset: entry.at,
            value: end,
            limit,
        })
    }

    fn load(&self, entry: &LogEntry, budget: &mut Budget) -> Result<Vec<u8>> {
        let end = entry.data_offset.saturating_add(entry.length);
        let start = u64::from(self.header_size);
        if entry.data_offset < start || end > self.size {
            return Err(ParseError::OutOfBounds {
                what: "VMCX replay log entry data offset",
                offset: entry.at.saturating_add(12),
                value: entry.data_offset,
                limit: self.size.saturating_sub(entry.length),
            });
        }
        budget.spend(DATA, entry.length)?;
        let offset = self.offset.saturating_add(entry.data_offset);
        let bytes = self.source.exact(DATA, offset, entry.length)?;
        let computed = crc32fast::hash(&bytes);
        if computed != entry.data_checksum {
            return Err(ParseError::ChecksumMismatch {
                what: DATA,
                offset,
                stored: entry.data_checksum,
                computed,
            });
        }
        Ok(bytes.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::Anomaly,
        limits::Limits,
        testkit::vmcx::{ContainerBuilder, seal},
        vmcx::{self, Container, Key},
    };

    fn state(name: &str, path: &str) -> Key {
        Key::node("configuration", [Key::leaf("name", name), Key::leaf("pathname", path)])
    }

    fn dirty() -> Vec<u8> {
        ContainerBuilder::new([state("before", r"C:\before.vhdx")])
            .open_commit([state("after", r"C:\after.vhdx")])
            .build()
    }

    fn read_file(file: &[u8]) -> Container {
        vmcx::read(file, &Limits::default()).unwrap()
    }

    /// The log stands at 0x3000: header, then the entry at 0x3022, data from 0x4000 on.
    fn unusable(change: impl Fn(&mut Vec<u8>)) -> Anomaly {
        let mut file = dirty();
        change(&mut file);
        let container = read_file(&file);
        assert_eq!(container.storage.replay_log.state, LogState::Unusable);
        assert_eq!(
            container.tree.to_keys(),
            [state("before", r"C:\before.vhdx")],
            "nothing is applied"
        );
        assert!(!container.tree.complete, "the tree may be an old or a mixed state");
        assert_eq!(container.anomalies.len(), 1);
        container.anomalies[0].clone()
    }

    fn seal_entry(file: &mut [u8]) {
        seal(&mut file[0x3022..0x303e], 20);
    }

    #[test]
    fn an_open_commit_is_applied_in_memory() {
        let file = dirty();
        let container = read_file(&file);
        assert_eq!(container.tree.to_keys(), [state("after", r"C:\after.vhdx")]);
        assert_eq!(container.storage.replay_log.state, LogState::Replayed);
        assert!(container.tree.complete);
        assert_eq!(container.anomalies[0].code, "replay-log-open");
        let previous = &container.storage.previous_paths;
        assert_eq!(previous.len(), 1, "what the commit replaces is history");
        assert_eq!(
            (previous[0].path.as_str(), previous[0].key.as_str()),
            (r"C:\before.vhdx", "pathname")
        );
    }

    #[test]
    fn an_open_commit_may_make_the_file_grow() {
        let many: Vec<_> = (0..100)
            .map(|n| Key::leaf(format!("k{n}"), "x".repeat(40).as_str()))
            .collect();
        let file = ContainerBuilder::new([Key::leaf("one", 1)])
            .open_commit(many.clone())
            .build();
        let container = read_file(&file);
        assert_eq!(container.tree.to_keys(), many);
        assert!(container.tree.complete, "{:?}", container.anomalies);
    }

    #[test]
    fn a_log_is_applied_whole_or_not_at_all() {
        assert_eq!(
            unusable(|file| file[0x3010] ^= 1).offset,
            Some(0x3000),
            "checksum of the header"
        );
        assert_eq!(
            unusable(|file| file[0x3022] ^= 1).offset,
            Some(0x3022),
            "checksum of the entry"
        );
        assert_eq!(
            unusable(|file| file[0x4000] ^= 1).offset,
            Some(0x4000),
            "checksum of the data"
        );
        let destination = unusable(|file| {
            file[0x3022..0x302a].copy_from_slice(&0x1000_u64.to_le_bytes());
            seal_entry(file);
        });
        assert_eq!(destination.offset, Some(0x3022), "a header page is never a destination");
        let far = unusable(|file| {
            file[0x3022..0x302a].copy_from_slice(&(1_u64 << 40).to_le_bytes());
            seal_entry(file);
        });
        assert_eq!(far.offset, Some(0x3022), "far behind the end");
        let data = unusable(|file| {
            file[0x302e..0x3036].copy_from_slice(&0_u64.to_le_bytes());
            seal_entry(file);
        });
        assert_eq!(data.offset, Some(0x302e), "data inside the block of entries");
        let count = unusable(|file| {
            file[0x3008..0x300c].copy_from_slice(&146_u32.to_le_bytes());
            seal(&mut file[0x3000..0x3022], 4);
        });
        assert_eq!(count.offset, Some(0x3008), "145 entries fit");
    }

    #[test]
    fn residue_of_earlier_commits_is_history_not_content() {
        let file = ContainerBuilder::new([state("now", r"C:\now.vhdx")])
            .previous_state([state("then", r"C:\THEN.vhdx")])
            .build();
        let container = read_file(&file);
        assert_eq!(container.tree.to_keys(), [state("now", r"C:\now.vhdx")]);
        assert_eq!(container.anomalies, []);
        assert_eq!(container.storage.replay_log.state, LogState::Clean);
        assert_eq!(container.storage.replay_log.residue_count, 1);
        let paths: Vec<_> = container
            .storage
            .previous_paths
            .iter()
            .map(|path| path.path.as_str())
            .collect();
        assert_eq!(paths, [r"C:\THEN.vhdx"]);
        let known = ContainerBuilder::new([state("now", r"C:\then.vhdx")])
            .previous_state([state("then", r"C:\THEN.vhdx")])
            .build();
        assert_eq!(read_file(&known).storage.previous_paths, [], "the tree still names it");
    }

    #[test]
    fn residue_that_was_overwritten_in_part_is_no_damage_and_tells_the_rest() {
        let sound = ContainerBuilder::new([state("now", r"C:\now.vhdx")])
            .previous_state([state("then", r"C:\then.vhdx")])
            .build();
        let entry = read_file(&sound).storage.previous_paths[0].offset;
        for (place, found) in [(0x4000, 1), (usize::try_from(entry).unwrap() + 40, 0)] {
            let mut file = sound.clone();
            file[place] ^= 1;
            let container = read_file(&file);
            assert!(container.tree.complete && container.anomalies.is_empty());
            assert_eq!(container.storage.replay_log.residue_count, 1);
            assert_eq!(container.storage.previous_paths.len(), found, "{place:#x}");
        }
    }

    #[test]
    fn a_log_left_behind_in_free_space_is_history_too() {
        let mut file = ContainerBuilder::new([state("now", r"C:\now.vhdx")]).build();
        let old = ContainerBuilder::new([])
            .previous_state([state("old", r"C:\old.vhdx")])
            .build();
        let offset = u64::try_from(file.len()).unwrap();
        file.extend(&old[0x3000..0x8000]);
        let entry = &mut file[0x201a..0x202c];
        entry[0] = 4;
        entry[5..13].copy_from_slice(&offset.to_le_bytes());
        entry[13..17].copy_from_slice(&0x5000_u32.to_le_bytes());
        seal(entry, 1);
        let container = read_file(&file);
        assert_eq!(container.anomalies, []);
        assert_eq!(container.storage.previous_paths[0].path.as_str(), r"C:\old.vhdx");
    }
}
