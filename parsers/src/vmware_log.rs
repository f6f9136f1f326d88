//! `vmware.log` as evidence: which VM wrote it, when it was switched on and wrote last, which disks it opened, and whether
//! it ended in order.
//!
//! Read are the beginning and the end, both bounded. The words around a value are those of VMware and not translated; words
//! that are translated (the disk mode) are not looked at. The log is in the code page of its host. A log is of one run of
//! the VM: the next one begins another file.

use std::{borrow::Cow, cell::LazyCell, ops::Range, sync::LazyLock};

use aho_corasick::{AhoCorasick, Input, MatchKind};
use jiff::Timestamp;
use memchr::{memchr, memmem, memrchr};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{EncodedText, ParseError, ReadAt, Result, charset::Charset, vmx::VmwareUuid};

/// Name of the structure in errors.
const WHAT: &str = "VM log";
/// How much of the beginning is read: the whole configuration stands there.
const HEAD_BYTES: u64 = 256 << 10;
/// How much of the end is read.
const TAIL_BYTES: u64 = 32 << 10;
/// Most disks that are kept.
const MAX_DISKS: usize = 1024;
/// Most mismatches that are kept.
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
    /// The end says that the VM process exited. A log without that is of a VM that runs, or crashed.
    pub ended: bool,
    /// Bytes between beginning and end, which are not read: what stands there is not told. `None` where all was read.
    pub unread_bytes: Option<u64>,
    /// More disks or mismatches were told than are kept.
    pub is_cut: bool,
}

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

/// What begins a line of the configuration.
const DICTIONARY: &[u8] = b"DICT ";

/// Words that are looked for by two letters of theirs that hardly stand elsewhere in a log.
struct Pair {
    letters: [u8; 2],
    /// Where the letters stand in each of the words.
    at: usize,
    /// The words, with what the rest of their line tells; where one begins with another, the longer comes first.
    words: &'static [(&'static [u8], Word)],
}

/// All words. None has a part in common with another but the one that it begins with.
const PAIRS: &[Pair] = &[
    Pair {
        letters: *b"CT",
        at: 2,
        words: &[
            (b"DICT --- CONFIGURATION ", Word::Configuration),
            (DICTIONARY, Word::Dictionary),
        ],
    },
    Pair {
        letters: *b"K:",
        at: 3,
        words: &[(b"DISK: ", Word::Disk)],
    },
    Pair {
        letters: *b"-U",
        at: 4,
        words: &[(b"BIOS-UUID is ", Word::BiosUuid)],
    },
    Pair {
        letters: *b"tn",
        at: 3,
        words: &[(b"Hostname=", Word::Host)],
    },
    Pair {
        letters: *b"HO",
        at: 0,
        words: &[(b"HOST sysname ", Word::OldHost)],
    },
    Pair {
        letters: *b"tc",
        at: 16,
        words: &[(b"Content ID mismatch", Word::Mismatch)],
    },
    Pair {
        letters: *b"cS",
        at: 20,
        words: &[(b"Transitioned vmx/execState/val to poweredOn", Word::PoweredOn)],
    },
    Pair {
        letters: *b"X_",
        at: 2,
        words: &[(b"VMX_PowerOn: VMX build", Word::PowerOn)],
    },
    Pair {
        letters: *b"X ",
        at: 2,
        words: &[
            (b"VMX idle exit", Word::Exit),
            (b"VMX exit (", Word::Exit),
            (b"VMX exit.", Word::Exit),
        ],
    },
];

/// Finds the letters of all words at once: nearly all lines have none, and a log has thousands. The search goes by
/// vectors, and twice as fast for two letters as for four.
#[expect(
    clippy::expect_used,
    reason = "a few pairs of letters are far from every limit of the search"
)]
static SEARCH: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(PAIRS.iter().map(|pair| pair.letters))
        .expect("a few pairs of letters make a search")
});

/// What a word tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Configuration,
    Dictionary,
    Disk,
    BiosUuid,
    Host,
    OldHost,
    Mismatch,
    PoweredOn,
    PowerOn,
    Exit,
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
        let mut log = Self::default();
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
            Word::PoweredOn | Word::PowerOn => self.powered_on = time().or(self.powered_on.take()),
            Word::Exit => self.ended = true,
            Word::Mismatch => self.is_cut = true,
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

/// The code page of the host: UTF-8 where all that was read of the beginning is, which is looked at only when a text
/// is not ASCII.
struct HostCharset<'a>(LazyCell<Charset, Box<dyn FnOnce() -> Charset + 'a>>);

impl<'a> HostCharset<'a> {
    fn of(head: &'a [u8]) -> Self {
        Self(LazyCell::new(Box::new(|| Charset::declared(None, head).0)))
    }

    fn decoded(&self, bytes: &[u8]) -> String {
        match ascii(bytes) {
            Some(text) => text.to_owned(),
            None => self.0.decode(bytes).0.into_owned(),
        }
    }

    fn text(&self, bytes: &[u8]) -> EncodedText {
        match ascii(bytes) {
            Some(text) => EncodedText::new(text),
            None => self.0.text(bytes),
        }
    }
}

/// Bytes that mean the same in every code page.
fn ascii(bytes: &[u8]) -> Option<&str> {
    // ASCII, which is looked at by vectors, is not copied.
    match encoding_rs::mem::decode_latin1(bytes) {
        Cow::Borrowed(text) => Some(text),
        Cow::Owned(_) => None,
    }
}

impl LogProgram {
    /// What the first line of a log says; `None` where it says nothing of a program.
    fn of(line: &[u8]) -> Option<Self> {
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
    fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            time: text.parse().ok(),
        }
    }
}

impl ContentIdMismatch {
    /// `rest` is what follows the words: ` (7b7644b2 != 4f5a6761).`
    fn of(rest: &str, at: Option<LogTime>) -> Self {
        let inside = rest.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        let ids = inside.and_then(|(ids, _)| ids.split_once("!="));
        // Some write `parentCID` before the first.
        let cid = |text: Option<&str>| u32::from_str_radix(text?.split_whitespace().last()?, 16).ok();
        Self {
            text: format!("Content ID mismatch{}", rest.trim_end())
                .chars()
                .take(MAX_LINE_BYTES)
                .collect(),
            first: cid(ids.map(|(first, _)| first)),
            second: cid(ids.map(|(_, second)| second)),
            at,
        }
    }
}

/// Lines without what ends them.
fn lines_of(text: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end)
}

/// The time of the last line that has one.
fn last_time(text: &[u8]) -> Option<LogTime> {
    lines_of(text).rev().find_map(time_of).map(LogTime::new)
}

/// The time at the beginning of a line: `2019-01-31T08:00:00.000Z| …`, `2024-05-01T08:00:00.000Z In(05) …`, or
/// `Aug 20 20:09:05.559: …` before 2012.
fn time_of(line: &[u8]) -> Option<&str> {
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

/// The lines of a text that hold one of the words: the first of these, what follows it, and the line.
struct Words<'a> {
    text: &'a [u8],
    /// Where the next line begins.
    at: usize,
    /// What stands before the word in the line before, where that is one of the configuration.
    before: &'a [u8],
}

impl<'a> Words<'a> {
    fn of(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            before: &[],
        }
    }

    /// The next word, and where it stands. Words have no part in common, so the first letters are those of the first word.
    fn next_word(&self) -> Option<(Word, Range<usize>)> {
        let mut at = self.at;
        loop {
            let found = SEARCH.find(Input::new(self.text).range(at..))?;
            let pair = PAIRS.get(found.pattern().as_usize())?;
            let start = found.start().saturating_sub(pair.at);
            let text = self.text.get(start..)?;
            if let Some(&(word, kind)) = pair.words.iter().find(|(word, _)| text.starts_with(word)) {
                return Some((kind, start..start.saturating_add(word.len())));
            }
            at = found.start().saturating_add(1);
        }
    }

    /// The next line, where it is of the configuration as the one before and begins with the same: hundreds of these
    /// follow each other, and are not worth a search each.
    fn next_of_configuration(&mut self) -> Option<(Word, &'a [u8], &'a [u8])> {
        if self.before.is_empty() {
            return None;
        }
        let lines = self.text.get(self.at..)?;
        let entry = lines.strip_prefix(self.before)?.strip_prefix(DICTIONARY)?;
        if entry.starts_with(b"--- ") {
            return None;
        }
        let length = memchr(b'\n', entry).unwrap_or(entry.len());
        let (rest, after) = entry.split_at_checked(length)?;
        let line = lines.get(..lines.len().checked_sub(after.len())?)?;
        self.at = self
            .at
            .saturating_add(line.len())
            .saturating_add(1)
            .min(self.text.len());
        Some((Word::Dictionary, rest.trim_ascii_end(), line.trim_ascii_end()))
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = (Word, &'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(next) = self.next_of_configuration() {
            return Some(next);
        }
        loop {
            let (word, found) = self.next_word()?;
            let (before, behind) = self.text.split_at_checked(found.start)?;
            let start = memrchr(b'\n', before).map_or(0, |end| end.saturating_add(1));
            let end = memchr(b'\n', behind).map_or(self.text.len(), |length| before.len().saturating_add(length));
            self.at = end.saturating_add(1).min(self.text.len());
            let line = self.text.get(start..end)?.trim_ascii_end();
            self.before = match word {
                Word::Dictionary => self.text.get(start..found.start).unwrap_or_default(),
                _ => &[],
            };
            // A word whose last blank was the end of the line tells nothing.
            if let Some(rest) = line.get(found.end.saturating_sub(start)..) {
                return Some((word, rest, line));
            }
        }
    }
}

/// `OPEN scsi0:0 '<path>' …` or `Disk '<path>' has UUID '<uuid>'`.
fn disk_of(line: &[u8], charset: &HostCharset<'_>) -> Option<LogDisk> {
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
fn split_at<'a>(text: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (before, rest) = text.split_at_checked(memmem::find(text, needle)?)?;
    Some((before, rest.get(needle.len()..)?))
}

fn set_once<T>(place: &mut Option<T>, value: impl FnOnce() -> T) {
    if place.is_none() {
        *place = Some(value());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first word of each line, looked for byte by byte.
    fn words_one_by_one(text: &[u8]) -> Vec<(Word, &[u8], &[u8])> {
        let words = || PAIRS.iter().flat_map(|pair| pair.words);
        let first = |line: &'_ [u8]| {
            (0..line.len()).find_map(|start| {
                let (word, kind) = words().find(|(word, _)| line[start..].starts_with(word))?;
                Some((*kind, start + <[u8]>::len(word)))
            })
        };
        let lines = text.split(|byte| *byte == b'\n');
        lines
            .filter_map(|line| {
                let (kind, end) = first(line)?;
                let line = line.trim_ascii_end();
                Some((kind, line.get(end..)?, line))
            })
            .collect()
    }

    /// Lines of words, parts of words, and what stands beside them.
    fn log_text() -> impl Strategy<Value = Vec<u8>> {
        let words: Vec<&[u8]> = PAIRS
            .iter()
            .flat_map(|pair| pair.words)
            .flat_map(|(word, _)| [*word, &word[1..], &word[..<[u8]>::len(word) - 1]])
            .collect();
        let others = [
            &b"\n"[..],
            b"\r\n",
            b"1 vmx| ",
            b"--- ",
            b"tcHOK:X X_CT",
            b" = \"a\"",
            b"'/v/a.vmdk'",
        ];
        let piece = prop_oneof![prop::sample::select(words), prop::sample::select(others.to_vec())];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn the_words_are_those_of_a_search_byte_by_byte(text in log_text()) {
            prop_assert_eq!(Words::of(&text).collect::<Vec<_>>(), words_one_by_one(&text));
        }
    }

    #[test]
    fn words_hold_their_letters_and_no_part_of_another() {
        let words: Vec<&[u8]> = PAIRS
            .iter()
            .flat_map(|pair| pair.words)
            .map(|(word, _)| *word)
            .collect();
        for pair in PAIRS {
            for (word, _) in pair.words {
                assert_eq!(word.windows(2).position(|two| two == pair.letters), Some(pair.at));
            }
        }
        for one in &words {
            for start in 1..<[u8]>::len(one) {
                let end = &one[start..];
                assert!(
                    words
                        .iter()
                        .all(|other| !other.starts_with(end) && !end.starts_with(other))
                );
            }
        }
    }

    const OLD: &str = "2019-01-31T08:00:00.000Z| vmx| I125: Log for VMware ESX pid=2102393 version=6.7.0 build=build-11675023\n\
        2019-01-31T08:00:00.000Z| vmx| I125: Hostname=esx01\n\
        2019-01-31T08:00:00.001Z| vmx| I125: DICT --- CONFIGURATION /vmfs/volumes/5c/web 01/web 01.vmx \n\
        2019-01-31T08:00:00.001Z| vmx| I125: DICT          displayName = \"web = 01\"\n\
        2019-01-31T08:00:00.001Z| vmx| I125: DICT            uuid.bios = \"56 4d 6c 27 96 ea 12 07-6f 0b b1 1d 81 46 9b 0b\"\n\
        2019-01-31T08:00:01.000Z| vmx| I125: DISK: OPEN scsi0:0 '/vmfs/volumes/5c/web 01/it's.vmdk' persistent R[]\n\
        2019-01-31T08:00:01.000Z| vmx| I125: DISK: Disk '/vmfs/volumes/5c/web 01/it's.vmdk' has UUID '60 00 c2 9a 1d 7b 49 44-dc 53 e6 d3 e5 89 7b 0d'\n";

    #[test]
    fn the_beginning_names_the_vm_its_host_and_its_disks() {
        let log = VmLog::read(OLD.as_bytes()).unwrap();
        assert_eq!(log.vmx_path, Some("/vmfs/volumes/5c/web 01/web 01.vmx".into()));
        assert_eq!(log.display_name, Some("web = 01".into()));
        assert_eq!(log.host.as_deref(), Some("esx01"));
        assert!(log.bios_uuid.is_some_and(|uuid| uuid.uuid.is_some()));
        let path = EncodedText::from("/vmfs/volumes/5c/web 01/it's.vmdk");
        let [disk] = log.disks.as_slice() else {
            panic!("two lines tell of one disk: {:?}", log.disks);
        };
        assert_eq!((&disk.path, disk.device.as_deref()), (&path, Some("scsi0:0")));
        assert!(disk.uuid.as_ref().is_some_and(|uuid| uuid.uuid.is_some()));
        assert!(!log.ended, "no exit line: running, or crashed");
    }

    #[test]
    fn an_exit_line_in_either_format_is_a_clean_end() {
        for line in [
            "| vmx| I120: VMX exit (0).\n",
            "2023-01-01T00:00:00.000Z In(05) vmx VMX idle exit\n",
            "Mar 26 04:55:16: vmx| VMX exit.\n",
        ] {
            let text = format!("{OLD}{}{line}", "filler\n".repeat(100_000));
            assert!(VmLog::read(text.as_bytes()).unwrap().ended, "{line}");
        }
    }

    #[test]
    fn what_was_not_read_of_a_log_and_not_kept_is_said() {
        let whole = VmLog::read(OLD.as_bytes()).unwrap();
        assert_eq!((whole.unread_bytes, whole.is_cut), (None, false));
        let filler = "filler\n".repeat(50_000);
        let text = format!("{OLD}{filler}{OLD}{filler}");
        let middle = VmLog::read(text.as_bytes()).unwrap().unread_bytes;
        assert_eq!(
            middle,
            u64::try_from(text.len())
                .ok()
                .map(|length| length - HEAD_BYTES - TAIL_BYTES)
        );
        let disks: Vec<String> = (0..=MAX_DISKS)
            .map(|n| format!("DISK: OPEN scsi0:0 '/v/{n:07}.vmdk' R[]\n"))
            .collect();
        let log = VmLog::read(disks.concat().as_bytes()).unwrap();
        assert_eq!((log.disks.len(), log.is_cut, log.unread_bytes), (MAX_DISKS, true, None));
    }

    #[test]
    fn the_first_line_names_the_program() {
        let program = VmLog::read(OLD.as_bytes()).unwrap().program.unwrap();
        assert_eq!((program.product.as_str(), program.pid), ("VMware ESX", Some(2_102_393)));
        assert_eq!(program.version.as_deref(), Some("6.7.0"));
        assert_eq!(program.build.as_deref(), Some("build-11675023"));
        assert_eq!(
            VmLog::read(&b"vmx 2026/11/22 08:32:59 created\n"[..]).unwrap().program,
            None
        );
        let bare = VmLog::read(&b"Log for VMware Workstation\n"[..])
            .unwrap()
            .program
            .unwrap();
        assert_eq!(
            (bare.product.as_str(), bare.pid, bare.version),
            ("VMware Workstation", None, None)
        );
    }

    #[test]
    fn both_content_ids_of_a_mismatch_are_numbers_whatever_stands_before_the_first() {
        for line in [
            "Content ID mismatch (parentCID ed06b3ce != 0cb205b1).",
            "Content ID mismatch (ed06b3ce != 0cb205b1)",
        ] {
            let log = VmLog::read(line.as_bytes()).unwrap();
            let [mismatch] = log.content_id_mismatches.as_slice() else {
                panic!("{log:?}")
            };
            assert_eq!(
                (mismatch.first, mismatch.second),
                (Some(0xed06_b3ce), Some(0x0cb2_05b1)),
                "{line}"
            );
        }
    }

    #[test]
    fn a_path_in_the_code_page_of_the_host_keeps_its_bytes() {
        let log = VmLog::read(&b"vmx: DICT --- CONFIGURATION C:\\\xE9.vmx\r\n"[..]).unwrap();
        let path = log.vmx_path.unwrap();
        assert_eq!((path.as_str(), path.raw()), ("C:\\é.vmx", &b"C:\\\xE9.vmx"[..]));
    }

    #[test]
    fn the_first_word_of_a_line_counts_and_only_where_it_is_whole() {
        let text = format!(
            "{OLD}vmx| DICT annotation = \"DISK: OPEN scsi0:1 '/vmfs/volumes/5c/other.vmdk'\"\nvmx| DISK: \n\
             vmx| Hostname=\r\nvmx| Hostname=late\nvmx| DICT --- CONFIGURATION \n"
        );
        let log = VmLog::read(text.as_bytes()).unwrap();
        assert_eq!((log.disks.len(), log.host.as_deref()), (1, Some("esx01")));
        assert_eq!(log.vmx_path, Some("/vmfs/volumes/5c/web 01/web 01.vmx".into()));
        let text = "vmx| DICT --- CONFIGURATION \nvmx| Hostname= \nvmx| Hostname=late\n";
        let log = VmLog::read(text.as_bytes()).unwrap();
        assert_eq!((log.vmx_path, log.host.as_deref()), (None, Some("")));
    }

    #[test]
    fn lines_of_the_configuration_are_read_whatever_stands_between_them() {
        let text = "1 vmx| DICT a = \"1\"\n1 vmx| DICT b = \"2\"\n1 vmx| DICT --- CONFIGURATION /v/a.vmx \n\
            1 vmx| DICT c = \"3\"\n2 vmx| DICT displayName = \"a\"\n2 vmx| DICT\n2 vmx| DISK: OPEN scsi0:0 '/v/a.vmdk' R[]\n\
            2 vmx| DICT d = \"DISK: OPEN scsi0:1 '/v/b.vmdk'\"\n2 vmx| Hostname=h\n\
            2 vmx| DICT e = \"5\"\r\n2 vmx| DICT uuid.bios = \"564d6c2796ea12076f0bb11d81469b0b\"";
        let log = VmLog::read(text.as_bytes()).unwrap();
        assert_eq!(log.vmx_path, Some("/v/a.vmx".into()));
        assert_eq!(log.display_name, Some("a".into()));
        assert_eq!((log.disks.len(), log.host.as_deref()), (1, Some("h")));
        assert!(log.bios_uuid.is_some_and(|uuid| uuid.uuid.is_some()));
    }

    #[test]
    fn an_empty_log_is_truncated() {
        assert!(matches!(
            VmLog::read(&[][..]),
            Err(ParseError::Truncated { have: 0, .. })
        ));
    }

    #[test]
    fn the_times_of_the_log_tell_when_the_vm_ran() {
        let log = format!(
            "{OLD}2019-01-31T08:00:02.000Z| vcpu-0| I125: Transitioned vmx/execState/val to poweredOn\n{}\
             2019-02-01T09:30:00.500Z| vmx| I125: Tools: running\n",
            "2019-01-31T09:00:00.000Z| vmx| I125: filler\n".repeat(10_000)
        );
        let log = VmLog::read(log.as_bytes()).unwrap();
        let text = |time: &Option<LogTime>| time.as_ref().map(|time| time.text.clone()).unwrap();
        assert_eq!(text(&log.begun), "2019-01-31T08:00:00.000Z");
        assert_eq!(text(&log.powered_on), "2019-01-31T08:00:02.000Z");
        assert_eq!(text(&log.last_line), "2019-02-01T09:30:00.500Z");
        let seconds = log.last_line.and_then(|time| time.time).map(Timestamp::as_second);
        assert_eq!(seconds, Some(1_549_013_400));
    }

    #[test]
    fn a_log_of_before_2012_is_read_too() {
        let log = "Aug 20 20:09:03.972: vmx| Log for VMware Workstation pid=10584 version=7.1.1 build=build-282343\n\
             Aug 20 20:09:04.584: vmx| HOST sysname Linux, nodename laptop, release 2.6.28\n\
             Aug 20 20:09:04.590: vmx| DICT --- CONFIGURATION /vms/XP/XP.vmx \n\
             Aug 20 20:09:04.590: vmx| DICT           displayName = Windows XP \n\
             Aug 20 20:09:04.839: vmx| DISK: OPEN scsi0:0 '/vms/XP/XP.vmdk' persistent R[]\n\
             Aug 20 20:09:04.861: vmx| DISK: OPEN '/vms/XP/XP.vmdk' Geo (1174/255/56) BIOS Geo (0/0/0)\n\
             Aug 20 20:09:05.559: vcpu-0| Transitioned vmx/execState/val to poweredOn\n";
        let log = VmLog::read(log.as_bytes()).unwrap();
        assert_eq!(log.host.as_deref(), Some("laptop"));
        assert_eq!(log.display_name, Some("Windows XP".into()));
        assert_eq!(log.disks.len(), 1);
        assert_eq!(log.disks[0].device.as_deref(), Some("scsi0:0"));
        let powered_on = log.powered_on.unwrap();
        assert_eq!(
            (powered_on.text.as_str(), powered_on.time),
            ("Aug 20 20:09:05.559", None)
        );
    }

    #[test]
    fn a_chain_that_did_not_fit_names_both_content_ids() {
        let log = format!(
            "{OLD}2019-01-31T08:00:03.000Z| vmx| I125: DISKLIB-LINK  : Attach: Content ID mismatch (d0fdb25b != ef4854ee).\n"
        );
        let log = VmLog::read(log.as_bytes()).unwrap();
        let mismatch = &log.content_id_mismatches[0];
        assert_eq!(
            (mismatch.first, mismatch.second),
            (Some(0xd0fd_b25b), Some(0xef48_54ee))
        );
        assert_eq!(mismatch.text, "Content ID mismatch (d0fdb25b != ef4854ee).");
        assert!(mismatch.at.as_ref().is_some_and(|at| at.time.is_some()));
        let odd = VmLog::read(&b"vmx| Content ID mismatch"[..]).unwrap();
        assert_eq!(odd.content_id_mismatches[0].first, None);
    }
}
