//! `vmware.log` as evidence: which VM wrote it, when it was switched on and wrote last, which disks it opened, and whether
//! it ended in order.
//!
//! Read are the beginning and the end, both bounded. The words around a value are those of VMware and not translated; words
//! that are translated (the disk mode) are not looked at. The log is in the charset that its third line names, which is that
//! of its host. A log is of one run of the VM: the next one begins another file.

mod facts;
mod host_charset;
#[cfg(test)]
mod tests;
mod words;

use memchr::memchr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use facts::{CapacityMismatch, ContentIdMismatch, FailedOpen, LogDisk, LogProgram, LogTime};

use crate::{EncodedText, ParseError, ReadAt, Result, vmx::VmwareUuid};

use self::{
    facts::{disk_of, last_time, lines_of, split_at, time_of},
    host_charset::HostCharset,
    words::{Word, Words},
};

/// Name of the structure in errors.
const WHAT: &str = "VM log";
/// How much of the beginning is read: the whole configuration stands there.
const HEAD_BYTES: u64 = 256 << 10;
/// How much of the end is read.
const TAIL_BYTES: u64 = 32 << 10;
/// Most disks that are kept.
const MAX_DISKS: usize = 1024;
/// Most mismatches and faults of each kind that are kept.
const MAX_MISMATCHES: usize = 64;
/// Longest line that is kept as text.
const MAX_LINE_BYTES: usize = 512;

/// What a log tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct VmLog {
    /// The first line: product, version, build, process.
    pub first_line: Option<String>,
    /// What the first line says of the program that wrote the log.
    pub program: Option<LogProgram>,
    /// When the log was begun: just before the VM was switched on.
    pub begun: Option<LogTime>,
    /// When the VM was switched on, the last time that is told in what was read.
    pub powered_on: Option<LogTime>,
    /// When the last line was written.
    pub last_line: Option<LogTime>,
    /// The charset that the log says it is in.
    #[serde(default)]
    pub encoding: Option<String>,
    /// Path of the configuration on the host.
    pub vmx_path: Option<EncodedText>,
    /// `displayName` of the configuration.
    pub display_name: Option<EncodedText>,
    /// `uuid.bios`.
    pub bios_uuid: Option<VmwareUuid>,
    /// Name of the host.
    pub host: Option<String>,
    /// The disks that were opened.
    pub disks: Vec<LogDisk>,
    /// Links whose parents had changed, or were others: the chain did not open.
    pub content_id_mismatches: Vec<ContentIdMismatch>,
    /// Links that are not as large as their parents: the chain did not open.
    #[serde(default)]
    pub capacity_mismatches: Vec<CapacityMismatch>,
    /// Disks that did not open, each with its reasons.
    #[serde(default)]
    pub failed_opens: Vec<FailedOpen>,
    /// The end says that the VM process exited. A log without that is of a VM that runs, or crashed.
    pub ended: bool,
    /// Bytes between beginning and end, which are not read: what stands there is not told. `None` where all was read.
    pub unread_bytes: Option<u64>,
    /// More disks, mismatches or faults were told than are kept.
    pub is_cut: bool,
}

impl VmLog {
    /// Reads beginning and end of a log.
    ///
    /// # Errors
    /// `Truncated` for an empty file, `Io`.
    pub fn read(source: &(impl ReadAt + ?Sized)) -> Result<Self> {
        if source.is_empty() {
            return Err(ParseError::Truncated {
                what: WHAT,
                offset: 0,
                need: 1,
                have: 0,
            });
        }
        let head = source.up_to(WHAT, 0, HEAD_BYTES)?;
        let charset = &HostCharset::of(&head);
        let mut log = Self {
            encoding: host_charset::declared(&head).map(str::to_owned),
            ..Self::default()
        };
        let mut ends = Vec::new();
        log.take_lines(&head, charset, &mut ends);
        let tail_start = source.len().saturating_sub(TAIL_BYTES);
        if tail_start == 0 {
            log.last_line = last_time(&head);
            return Ok(log);
        }
        let in_head = usize::try_from(tail_start).ok().and_then(|start| head.get(start..));
        let read;
        let tail = match in_head {
            Some(tail) if ReadAt::len(head.as_ref()) == source.len() => tail,
            _ => {
                read = source.up_to(WHAT, tail_start, TAIL_BYTES)?;
                &read
            }
        };
        log.unread_bytes = tail_start.checked_sub(HEAD_BYTES).filter(|bytes| *bytes > 0);
        let news = usize::try_from(HEAD_BYTES.saturating_sub(tail_start)).unwrap_or(0);
        log.take_lines(tail.get(news..).unwrap_or_default(), charset, &mut ends);
        log.last_line = last_time(tail);
        // Only the end of the file tells how the run ended.
        log.ended = Words::of(tail).any(|(word, _, _)| word == Word::Exit);
        Ok(log)
    }

    /// Takes what the lines of a part of the log tell.
    fn take_lines(&mut self, part: &[u8], charset: &HostCharset<'_>, ends: &mut Vec<PathEnd>) {
        if self.first_line.is_none()
            && let Some(first) = lines_of(part).find(|line| !line.is_empty())
        {
            let shown = first.get(..first.len().min(MAX_LINE_BYTES)).unwrap_or_default();
            self.program = LogProgram::of(shown);
            self.first_line = Some(charset.decoded(shown));
            self.begun = time_of(first).map(LogTime::new);
        }
        for (word, rest, line) in Words::of(part) {
            self.take(word, rest, line, charset, ends);
        }
    }

    /// Takes what one of the words tells: `rest` is what follows it in its line.
    fn take(&mut self, word: Word, rest: &[u8], line: &[u8], charset: &HostCharset<'_>, ends: &mut Vec<PathEnd>) {
        let text = |bytes: &[u8]| charset.decoded(bytes);
        let time = || time_of(line).map(LogTime::new);
        match word {
            Word::Configuration => set_once(&mut self.vmx_path, || charset.text(rest.trim_ascii())),
            Word::Dictionary if self.display_name.is_some() && self.bios_uuid.is_some() => {}
            Word::Dictionary => self.take_configuration(rest.trim_ascii_start(), charset),
            Word::BiosUuid => set_once(&mut self.bios_uuid, || VmwareUuid::new(&text(rest))),
            Word::Host => set_once(&mut self.host, || text(rest.trim_ascii())),
            Word::OldHost => {
                if let Some(name) =
                    split_at(rest, b"nodename ").and_then(|(_, name)| name.split(|byte| *byte == b',').next())
                {
                    set_once(&mut self.host, || text(name.trim_ascii()));
                }
            }
            Word::Disk => {
                if let Some(disk) = disk_of(rest, charset) {
                    self.take_disk(disk, ends);
                }
            }
            Word::Mismatch if self.content_id_mismatches.len() < MAX_MISMATCHES => {
                let mismatch = ContentIdMismatch::of(&text(rest), time());
                self.content_id_mismatches.push(mismatch);
            }
            Word::Capacity if self.capacity_mismatches.len() < MAX_MISMATCHES => {
                let mismatch = CapacityMismatch::of(&text(rest), time());
                self.capacity_mismatches.push(mismatch);
            }
            Word::Chain => self.take_failure(FailedOpen::of_chain(rest, charset, time())),
            Word::NotOpened => self.take_failure(FailedOpen::of_library(rest, charset, time())),
            Word::PoweredOn | Word::PowerOn => self.powered_on = time().or(self.powered_on.take()),
            Word::Exit => self.ended = true,
            Word::Mismatch | Word::Capacity => self.is_cut = true,
        }
    }

    /// Joins what several lines tell of one disk. `ends` are those of the paths of the disks so far.
    fn take_disk(&mut self, disk: LogDisk, ends: &mut Vec<PathEnd>) {
        let end = path_end(&disk.path);
        let fits = |own: &LogDisk| own.device.is_none() || disk.device.is_none() || own.device == disk.device;
        let is_same = |own: &LogDisk| own.path == disk.path && fits(own);
        let mut alike = (0..)
            .zip(&*ends)
            .filter(|(_, other)| **other == end)
            .map(|(place, _)| place);
        let known = holds(ends, end)
            .then(|| alike.find(|place| self.disks.get(*place).is_some_and(is_same)))
            .flatten();
        if known.is_none() && self.disks.len() < MAX_DISKS {
            self.disks.push(disk);
            ends.push(end);
        } else if known.is_none() {
            self.is_cut = true;
        } else if let Some(own) = known.and_then(|place| self.disks.get_mut(place)) {
            own.device = own.device.take().or(disk.device);
            own.uuid = own.uuid.take().or(disk.uuid);
        }
    }

    /// Several lines tell of one fault.
    fn take_failure(&mut self, failure: Option<FailedOpen>) {
        let Some(failure) = failure else { return };
        let is_told = |own: &FailedOpen| own.path == failure.path && own.reason == failure.reason;
        if self.failed_opens.iter().any(is_told) {
            return;
        }
        if self.failed_opens.len() < MAX_MISMATCHES {
            self.failed_opens.push(failure);
        } else {
            self.is_cut = true;
        }
    }

    /// A line of the configuration: `displayName = "…"`; before 2012 without quotes.
    fn take_configuration(&mut self, entry: &[u8], charset: &HostCharset<'_>) {
        if !matches!(entry, [b'd' | b'D' | b'u' | b'U', ..]) {
            return;
        }
        let Some(equals) = memchr(b'=', entry) else {
            return;
        };
        let (key, value) = entry.split_at_checked(equals).unwrap_or_default();
        let (key, value) = (key.trim_ascii_end(), value.get(1..).unwrap_or_default().trim_ascii());
        let value = match value.strip_prefix(b"\"") {
            Some(quoted) => quoted.strip_suffix(b"\"").unwrap_or_default(),
            None => value,
        };
        if value.is_empty() {
            return;
        }
        if key.eq_ignore_ascii_case(b"displayName") {
            set_once(&mut self.display_name, || charset.text(value));
        } else if key.eq_ignore_ascii_case(b"uuid.bios") {
            set_once(&mut self.bios_uuid, || VmwareUuid::new(&charset.decoded(value)));
        }
    }
}

/// The bytes before the extension of a path, by which most paths of one VM differ.
type PathEnd = u32;

fn path_end(path: &EncodedText) -> PathEnd {
    let end: Option<&[u8; 8]> = path.raw().last_chunk();
    end.and_then(|end| end.first_chunk())
        .copied()
        .map_or(0, u32::from_le_bytes)
}

/// Compared in groups without a branch for each: a VM may have a thousand disks.
fn holds(ends: &[PathEnd], end: PathEnd) -> bool {
    let alike = |group: &[PathEnd]| group.iter().fold(0, |alike, other| alike | u8::from(*other == end));
    ends.chunks(32).any(|group| alike(group) != 0)
}

fn set_once<T>(place: &mut Option<T>, value: impl FnOnce() -> T) {
    if place.is_none() {
        *place = Some(value());
    }
}
