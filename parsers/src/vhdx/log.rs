//! Log (MS-VHDX 2.3): what was written to the log and perhaps not yet to its place.
//!
//! A `LogGuid` that is not zero says that the file is open for writing, or was when its host stopped. The entries of the
//! active run are then laid over the file in memory, so that region tables and metadata are read as the next opener
//! would write them. Nothing is ever written. Entries of an earlier `LogGuid` are residue and never applied.
//!
//! A `LogGuid` without a run that can be replayed is an anomaly, not a failure: a file that was copied while it was open
//! looks the same.

use std::{borrow::Cow, collections::BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    code,
    format::{
        HEADER_AREA_BYTES, LOG_DATA_DESCRIPTOR_SIGNATURE, LOG_DATA_SECTOR_SIGNATURE, LOG_DESCRIPTOR_BYTES,
        LOG_ENTRY_HEADER_BYTES, LOG_ENTRY_SIGNATURE, LOG_SECTOR_BYTES, LOG_VERSION, LOG_ZERO_SIGNATURE, MIB,
        crc32c_without,
    },
    header::ParsedHeader,
    overlay::Patch,
};
use crate::{
    bytes::Cursor,
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
};

const LOG: &str = "VHDX log";
const SECTOR: &str = "VHDX log sector";

/// What the log says of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum LogState {
    /// `LogGuid` is zero: the file was closed.
    Clean,
    /// The log holds updates; all other facts were read with these applied in memory.
    Replayable {
        /// Entries of the active run.
        entries: u32,
    },
    /// `LogGuid` is not zero and no run of entries can be applied: damaged, or copied while it was open.
    NoValidRun,
}

/// What to lay over the file.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// In the order in which they are written.
    pub(super) patches: Vec<Patch>,
    /// Length that the file has to have afterwards, in bytes.
    pub(super) length: u64,
}

/// Reads the log and finds what is to be replayed.
pub(super) fn open(
    source: &impl ReadAt,
    header: &ParsedHeader,
    limits: &Limits,
    findings: &mut Findings,
) -> Result<(LogState, Replay)> {
    if header.log_guid.is_nil() {
        // A log that holds nothing may have no length.
        let fault = check_header(header).err();
        if let Some(fault) = fault.filter(|_| header.log_bytes != 0 || header.log_version != LOG_VERSION) {
            findings.note_fault(code::LOG_HEADER_BAD, fault)?;
        }
        return Ok((LogState::Clean, Replay::default()));
    }
    let log = findings.tolerate(code::LOG_UNREADABLE, read_log(source, header, limits))?;
    let Some(log) = log else {
        return Ok((LogState::NoValidRun, Replay::default()));
    };
    let ring = Ring::new(&log);
    let entries = ring.entries(header.log_guid);
    let run = active_run(&entries, ring.sectors.len());
    let Some(head) = run.last() else {
        let text = format!(
            "the log is open ({}) and holds no valid run of entries",
            header.log_guid
        );
        findings.damage(Anomaly::at(code::LOG_NO_VALID_RUN, header.log_offset, text));
        return Ok((LogState::NoValidRun, Replay::default()));
    };
    if head.flushed_file_bytes > source.len() {
        let text = format!(
            "the log was written for a file of at least {} bytes, and there are {}: truncated",
            head.flushed_file_bytes,
            source.len()
        );
        findings.damage(Anomaly::at(code::LOG_FILE_TOO_SHORT, header.log_offset, text));
        return Ok((LogState::NoValidRun, Replay::default()));
    }
    let replay = Replay {
        patches: run.iter().flat_map(|entry| entry.patches(&ring)).collect(),
        length: head.last_file_bytes,
    };
    let entries = u32::try_from(run.len()).unwrap_or(u32::MAX);
    Ok((LogState::Replayable { entries }, replay))
}

/// Version and place of the log, as MS-VHDX 2.2.2 asks for them.
fn check_header(header: &ParsedHeader) -> Result<()> {
    if header.log_version != LOG_VERSION {
        return Err(ParseError::Unsupported {
            what: LOG,
            version: header.log_version.to_string(),
        });
    }
    let aligned = header.log_offset.is_multiple_of(MIB) && header.log_bytes.is_multiple_of(MIB);
    if !aligned || header.log_offset < HEADER_AREA_BYTES || header.log_bytes == 0 {
        return Err(ParseError::Malformed {
            what: LOG,
            offset: header.offset,
            detail: format!(
                "place {:#x} with {:#x} bytes is not in whole MiB after the first",
                header.log_offset, header.log_bytes
            ),
        });
    }
    Ok(())
}

fn read_log<'s>(source: &'s impl ReadAt, header: &ParsedHeader, limits: &Limits) -> Result<Cow<'s, [u8]>> {
    check_header(header)?;
    if header.log_bytes > limits.log_bytes {
        return Err(ParseError::LimitExceeded {
            what: LOG,
            value: header.log_bytes,
            limit: limits.log_bytes,
        });
    }
    source.exact(LOG, header.log_offset, header.log_bytes)
}

/// The log as the ring of sectors that it is.
#[derive(Debug)]
struct Ring<'a> {
    sectors: &'a [[u8; LOG_SECTOR_BYTES]],
}

impl<'a> Ring<'a> {
    fn new(log: &'a [u8]) -> Self {
        let (sectors, _) = log.as_chunks();
        Self { sectors }
    }

    /// `count` sectors from `start`, over the end of the ring where needed.
    fn from(&self, start: usize, count: usize) -> impl Iterator<Item = &'a [u8; LOG_SECTOR_BYTES]> + use<'a> {
        let (before, from) = self.sectors.split_at(start.min(self.sectors.len()));
        from.iter().chain(before).take(count)
    }

    /// Every valid entry, in the order of its place.
    ///
    /// A sector belongs to at most one entry that passes the checks of structure, since none of its sectors but the first
    /// may begin with the signature of an entry. So all checksums together run over the log once.
    fn entries(&self, log_guid: Uuid) -> Vec<ParsedEntry> {
        (0..self.sectors.len())
            .filter_map(|start| ParsedEntry::parse(self, start, log_guid))
            .collect()
    }
}

/// A log entry that passed all checks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ParsedEntry {
    /// First sector in the ring.
    start: usize,
    /// Sectors of descriptors, the header included.
    descriptor_sectors: usize,
    /// All sectors.
    sectors: usize,
    sequence_number: u64,
    /// First sector of the oldest entry that still matters.
    tail: usize,
    flushed_file_bytes: u64,
    last_file_bytes: u64,
    descriptors: Vec<Descriptor>,
}

/// One update of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Descriptor {
    Zero {
        offset: u64,
        length: u64,
    },
    Data {
        offset: u64,
        leading: [u8; 8],
        trailing: [u8; 4],
    },
}

impl ParsedEntry {
    /// The entry at sector `start`; `None` where there is none that holds.
    fn parse(ring: &Ring<'_>, start: usize, log_guid: Uuid) -> Option<Self> {
        let first = ring.sectors.get(start)?;
        let header = Cursor::new(SECTOR, 0, first);
        header.signature(0, LOG_ENTRY_SIGNATURE, "loge").ok()?;
        if header.guid(32).ok()? != log_guid {
            return None;
        }
        let sequence_number = header.u64_le(16).ok().filter(|&number| number > 0)?;
        let sectors = whole_sectors(header.u32_le(8).ok()?)?;
        let tail = whole_sectors(header.u32_le(12).ok()?)?;
        let count = usize::try_from(header.u32_le(24).ok()?).ok()?;
        let descriptor_sectors = count
            .checked_mul(LOG_DESCRIPTOR_BYTES)?
            .checked_add(LOG_ENTRY_HEADER_BYTES)?
            .div_ceil(LOG_SECTOR_BYTES);
        if sectors > ring.sectors.len() || tail >= ring.sectors.len() || descriptor_sectors > sectors {
            return None;
        }
        let entry = Self {
            start,
            descriptor_sectors,
            sectors,
            sequence_number,
            tail,
            flushed_file_bytes: header.u64_le(48).ok()?,
            last_file_bytes: header.u64_le(56).ok()?,
            descriptors: read_descriptors(ring, start, descriptor_sectors, count, sequence_number)?,
        };
        (entry.has_sound_data(ring) && entry.has_sound_checksum(ring)).then_some(entry)
    }

    fn data_sectors<'a>(&self, ring: &Ring<'a>) -> impl Iterator<Item = &'a [u8; LOG_SECTOR_BYTES]> + use<'a> {
        ring.from(self.start, self.sectors).skip(self.descriptor_sectors)
    }

    fn has_sound_data(&self, ring: &Ring<'_>) -> bool {
        let is_data = |descriptor: &&Descriptor| matches!(descriptor, Descriptor::Data { .. });
        let expected = self.descriptors.iter().filter(is_data).count();
        expected == self.sectors.saturating_sub(self.descriptor_sectors)
            && self
                .data_sectors(ring)
                .all(|sector| is_data_sector(sector, self.sequence_number).unwrap_or_default())
    }

    fn has_sound_checksum(&self, ring: &Ring<'_>) -> bool {
        let mut sectors = ring.from(self.start, self.sectors);
        let Some(first) = sectors.next() else {
            return false;
        };
        let computed = sectors.fold(crc32c_without(first, 4), |sum, sector| {
            crc32c::crc32c_append(sum, sector)
        });
        Cursor::new(SECTOR, 0, first).u32_le(4) == Ok(computed)
    }

    /// What this entry writes.
    fn patches(&self, ring: &Ring<'_>) -> Vec<Patch> {
        let mut data = self.data_sectors(ring);
        let patch = |descriptor: &Descriptor| match *descriptor {
            Descriptor::Zero { offset, length } => Some(Patch::Zero { offset, length }),
            Descriptor::Data {
                offset,
                leading,
                trailing,
            } => data.next().map(|sector| Patch::Bytes {
                offset,
                bytes: restore(*sector, leading, trailing),
            }),
        };
        self.descriptors.iter().filter_map(patch).collect()
    }
}

/// The sector as it belongs in the file: its first 8 and last 4 bytes stand in the descriptor.
fn restore(mut sector: [u8; LOG_SECTOR_BYTES], leading: [u8; 8], trailing: [u8; 4]) -> Box<[u8]> {
    if let Some(first) = sector.first_chunk_mut() {
        *first = leading;
    }
    if let Some(last) = sector.last_chunk_mut() {
        *last = trailing;
    }
    Box::new(sector)
}

/// Bytes as sectors; `None` where they are none or not whole.
fn whole_sectors(bytes: u32) -> Option<usize> {
    let bytes = usize::try_from(bytes).ok()?;
    bytes
        .is_multiple_of(LOG_SECTOR_BYTES)
        .then_some(bytes / LOG_SECTOR_BYTES)
}

/// All descriptors, or `None` where one of them is not sound.
fn read_descriptors(
    ring: &Ring<'_>,
    start: usize,
    sectors: usize,
    count: usize,
    sequence_number: u64,
) -> Option<Vec<Descriptor>> {
    ring.from(start, sectors)
        .flat_map(|sector| sector.chunks_exact(LOG_DESCRIPTOR_BYTES))
        .skip(LOG_ENTRY_HEADER_BYTES / LOG_DESCRIPTOR_BYTES)
        .take(count)
        .map(|raw| read_descriptor(raw, sequence_number))
        .collect()
}

fn read_descriptor(raw: &[u8], sequence_number: u64) -> Option<Descriptor> {
    let cursor = Cursor::new(SECTOR, 0, raw);
    let offset = cursor.u64_le(16).ok()?;
    if cursor.u64_le(24).ok()? != sequence_number || !is_whole(offset) {
        return None;
    }
    match cursor.slice(0, 4).ok()? {
        signature if signature == LOG_ZERO_SIGNATURE => {
            let length = cursor.u64_le(8).ok().filter(|&length| is_whole(length))?;
            offset.checked_add(length)?;
            Some(Descriptor::Zero { offset, length })
        }
        signature if signature == LOG_DATA_DESCRIPTOR_SIGNATURE => Some(Descriptor::Data {
            offset,
            leading: cursor.array(8).ok()?,
            trailing: cursor.array(4).ok()?,
        }),
        _ => None,
    }
}

fn is_whole(bytes: u64) -> bool {
    bytes.is_multiple_of(4096)
}

/// A data sector carries the sequence number of its entry at both ends, so that a torn write shows.
fn is_data_sector(sector: &[u8; LOG_SECTOR_BYTES], sequence_number: u64) -> Result<bool> {
    let cursor = Cursor::new(SECTOR, 0, sector);
    let high = u64::from(cursor.u32_le(4)?);
    let low = u64::from(cursor.u32_le(4092)?);
    Ok(cursor.slice(0, 4)? == LOG_DATA_SECTOR_SIGNATURE && (high << 32 | low) == sequence_number)
}

/// The entries to replay, oldest first: of the runs of consecutive entries that hold the tail which their last entry
/// names, the one whose last entry is the newest (MS-VHDX 2.3.3). Empty where there is none.
fn active_run(entries: &[ParsedEntry], ring_sectors: usize) -> Vec<&ParsedEntry> {
    let at = |sector: usize| {
        let index = entries.binary_search_by_key(&sector, |entry| entry.start).ok()?;
        entries.get(index)
    };
    let next = |entry: &ParsedEntry| {
        let sector = entry.start.checked_add(entry.sectors)?.checked_rem(ring_sectors)?;
        at(sector).filter(|next| Some(next.sequence_number) == entry.sequence_number.checked_add(1))
    };
    let followers: BTreeSet<_> = entries.iter().filter_map(next).map(|entry| entry.start).collect();
    let is_first = |entry: &&ParsedEntry| !followers.contains(&entry.start);
    let mut best: Vec<&ParsedEntry> = Vec::new();
    for first in entries.iter().filter(is_first) {
        let mut run: Vec<_> = std::iter::successors(Some(first), |entry| next(entry)).collect();
        let Some(head) = run.last().copied() else { continue };
        let newer = best
            .last()
            .is_none_or(|best| head.sequence_number > best.sequence_number);
        if let Some(tail) = run.iter().position(|entry| entry.start == head.tail)
            && newer
        {
            best = run.split_off(tail);
        }
    }
    best
}
