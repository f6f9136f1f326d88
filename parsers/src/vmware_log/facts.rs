//! What single lines of a log tell.

use jiff::Timestamp;
use memchr::{memchr, memmem, memrchr};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{MAX_LINE_BYTES, host_charset::HostCharset};
use crate::{EncodedText, vmx::VmwareUuid};

/// `Log for VMware ESX pid=1000012 version=8.0.3 build=build-24022510 option=Release`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogProgram {
    /// The product, e.g. `VMware ESX`.
    pub product: SmolStr,
    /// Its version.
    pub version: Option<SmolStr>,
    /// Its build.
    pub build: Option<SmolStr>,
    /// The process.
    pub pid: Option<u64>,
}

/// When a line was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogTime {
    /// As written, in the time of the host where no zone is given.
    pub text: String,
    /// The moment; `None` where the line has no year or no zone (before 2012).
    pub time: Option<Timestamp>,
}

/// What the log tells of a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogDisk {
    /// Path of the descriptor as the host opened it.
    pub path: EncodedText,
    /// The device, where a line tells.
    pub device: Option<SmolStr>,
    /// `ddb.uuid`, where a line tells.
    pub uuid: Option<VmwareUuid>,
}

/// `Content ID mismatch (a != b)`: a link and its parent do not fit together (KB 345254).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContentIdMismatch {
    /// The line from these words on.
    pub text: String,
    /// The first content id; `None` where it is no hex number.
    pub first: Option<u32>,
    /// The second content id.
    pub second: Option<u32>,
    /// When.
    pub at: Option<LogTime>,
}

/// `Attach: the capacity of each link is different (a != b)`: a disk was made larger below its children (KB 345254).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityMismatch {
    /// The line from these words on.
    pub text: String,
    /// The first capacity; `None` where it is no number.
    pub first_sectors: Option<u64>,
    /// The second capacity.
    pub second_sectors: Option<u64>,
    /// When.
    pub at: Option<LogTime>,
}

/// A disk that did not open: `DISKLIB-CHAIN : "<path>" : failed to open (<reason>)` or
/// `Failed to open '<path>' with flags 0xa (<reason>)` (KB 345254).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedOpen {
    /// Path of the descriptor as the host tried to open it.
    pub path: EncodedText,
    /// Why, in the words of the log: `The parent virtual disk has been modified since the child was created`.
    pub reason: String,
    /// When it was told first.
    pub at: Option<LogTime>,
}

impl LogProgram {
    /// What the first line of a log says; `None` where it says nothing of a program.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let (_, told) = split_at(line, b"Log for ")?;
        let told = std::str::from_utf8(told).ok()?;
        let (product, rest) = told.split_once(" pid=").unwrap_or((told, ""));
        let value = |key: &str| rest.split_whitespace().find_map(|word| word.strip_prefix(key));
        Some(Self {
            product: product.trim().into(),
            version: value("version=").map(SmolStr::new),
            build: value("build=").map(SmolStr::new),
            pid: rest.split_whitespace().next().and_then(|pid| pid.parse().ok()),
        })
    }
}

impl LogTime {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            time: text.parse().ok(),
        }
    }
}

/// What stands on both sides of `!=` in brackets: ` (7b7644b2 != 4f5a6761).`
fn both_sides(rest: &str) -> Option<(&str, &str)> {
    let (_, inside) = rest.split_once('(')?;
    inside.split_once(')')?.0.split_once("!=")
}

/// The words that were found, and what follows them in their line.
fn shown(words: &str, rest: &str) -> String {
    words
        .chars()
        .chain(rest.trim_end().chars())
        .take(MAX_LINE_BYTES)
        .collect()
}

impl ContentIdMismatch {
    /// `rest` is what follows the words.
    pub(super) fn of(rest: &str, at: Option<LogTime>) -> Self {
        let ids = both_sides(rest);
        // Some write `parentCID` before the first.
        let cid = |text: Option<&str>| u32::from_str_radix(text?.split_whitespace().last()?, 16).ok();
        Self {
            text: shown("Content ID mismatch", rest),
            first: cid(ids.map(|(first, _)| first)),
            second: cid(ids.map(|(_, second)| second)),
            at,
        }
    }
}

impl CapacityMismatch {
    /// `rest` is what follows the words.
    pub(super) fn of(rest: &str, at: Option<LogTime>) -> Self {
        let sides = both_sides(rest);
        let sectors = |text: Option<&str>| text?.trim().parse().ok();
        Self {
            text: shown("the capacity of each link is different", rest),
            first_sectors: sectors(sides.map(|(first, _)| first)),
            second_sectors: sectors(sides.map(|(_, second)| second)),
            at,
        }
    }
}

impl FailedOpen {
    /// `rest` is what follows `DISKLIB-CHAIN : "`; `None` where the line tells something else.
    pub(super) fn of_chain(rest: &[u8], charset: &HostCharset<'_>, at: Option<LogTime>) -> Option<Self> {
        const BETWEEN: &[u8] = b"\" : failed to open (";
        let middle = memmem::rfind(rest, BETWEEN)?;
        let reason = rest.get(middle.saturating_add(BETWEEN.len())..)?;
        Self::new(rest.get(..middle)?, reason, charset, at)
    }

    /// `rest` is what follows `Failed to open '`; `None` where the line tells of something else than a disk.
    pub(super) fn of_library(rest: &[u8], charset: &HostCharset<'_>, at: Option<LogTime>) -> Option<Self> {
        const FLAGS: &[u8] = b"' with flags ";
        const COLON: &[u8] = b"': ";
        if let Some(middle) = memmem::rfind(rest, FLAGS) {
            let flags = rest.get(middle.saturating_add(FLAGS.len())..)?;
            let reason = flags.get(memchr(b' ', flags)?..)?;
            return Self::new(rest.get(..middle)?, reason, charset, at);
        }
        let middle = memmem::find(rest, COLON)?;
        let reason = rest.get(middle.saturating_add(COLON.len())..)?;
        Self::new(rest.get(..middle)?, reason, charset, at)
    }

    fn new(path: &[u8], reason: &[u8], charset: &HostCharset<'_>, at: Option<LogTime>) -> Option<Self> {
        let extension: &[u8; 5] = path.last_chunk()?;
        if !extension.eq_ignore_ascii_case(b".vmdk") {
            return None;
        }
        let reason = charset.decoded(reason.get(..reason.len().min(MAX_LINE_BYTES))?);
        let reason = reason.trim().trim_end_matches('.');
        // `(<reason>)`, or `<reason> (18)` with the number of the fault.
        let bare = match reason.strip_prefix('(') {
            Some(inside) => inside.strip_suffix(')').unwrap_or(inside),
            None => reason.strip_suffix(')').unwrap_or(reason),
        };
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let reason = match bare.rsplit_once(" (") {
            Some((words, number)) if is_number(number.trim_end_matches(')')) => words,
            _ => bare,
        };
        Some(Self {
            path: charset.text(path),
            reason: reason.to_owned(),
            at,
        })
    }
}

/// Lines without what ends them.
pub(super) fn lines_of(text: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end)
}

/// The time of the last line that has one.
pub(super) fn last_time(text: &[u8]) -> Option<LogTime> {
    lines_of(text).rev().find_map(time_of).map(LogTime::new)
}

/// The time at the beginning of a line: `2019-01-31T08:00:00.000Z| …`, `2024-05-01T08:00:00.000Z In(05) …`, or
/// `Aug 20 20:09:05.559: …` before 2012.
pub(super) fn time_of(line: &[u8]) -> Option<&str> {
    /// Longer than any time.
    const MAX_TIME_BYTES: usize = 40;
    let start = line.get(..line.len().min(MAX_TIME_BYTES))?;
    let ends_iso = |byte: &u8| matches!(byte, b'|' | b' ');
    let time = if start.first()?.is_ascii_digit() {
        start.split(ends_iso).next()?
    } else {
        let end = start.windows(2).position(|pair| pair == b": ")?;
        start.get(..end)?
    };
    let text = std::str::from_utf8(time).ok()?;
    let (hours, rest) = text.split_once(':')?;
    (hours.ends_with(|c: char| c.is_ascii_digit()) && rest.starts_with(|c: char| c.is_ascii_digit())).then_some(text)
}

/// `OPEN scsi0:0 '<path>' …` or `Disk '<path>' has UUID '<uuid>'`.
pub(super) fn disk_of(line: &[u8], charset: &HostCharset<'_>) -> Option<LogDisk> {
    if let Some(open) = line.strip_prefix(b"OPEN ") {
        let (device, rest) = split_at_quote(open)?;
        let path = rest.get(..memrchr(b'\'', rest)?)?;
        let device = charset.text(device.trim_ascii());
        return Some(LogDisk {
            path: charset.text(path),
            device: Some(device.into()).filter(|device: &SmolStr| !device.is_empty()),
            uuid: None,
        });
    }
    let known = line.strip_prefix(b"Disk '")?;
    let (path, uuid) = split_at(known, b"' has UUID '")?;
    let uuid = split_at_quote(uuid).map_or(uuid, |(uuid, _)| uuid);
    Some(LogDisk {
        path: charset.text(path),
        device: None,
        uuid: Some(VmwareUuid::new(&charset.decoded(uuid))),
    })
}

/// What stands before the first quote, and what follows it.
fn split_at_quote(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (before, rest) = text.split_at_checked(memchr(b'\'', text)?)?;
    Some((before, rest.get(1..)?))
}

/// What stands before the first `needle`, and what follows it.
pub(super) fn split_at<'a>(text: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (before, rest) = text.split_at_checked(memmem::find(text, needle)?)?;
    Some((before, rest.get(needle.len()..)?))
}
