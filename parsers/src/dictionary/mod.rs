//! The dictionary: `key = "value"` lines, the grammar of `.vmx`, `.vmtx`, `.vmsd`, `.vmx~`, `hbrgrp` and other VMware
//! text files (open-vm-tools, *dictll.c*).
//!
//! Read: an optional UTF-8 BOM, lines that end in LF (a CR before it is dropped), `.encoding`, values quoted or not,
//! comments. `|XX` escapes are undone to bytes before the declared charset applies. A line that breaks the grammar is
//! kept as it is; a key that stands twice is kept twice, and the last one wins (assumed). Keys are compared without
//! case. What the keys mean is not decided here.

mod grammar;
mod key_index;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use memchr::memchr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Anomaly, EncodedText, Limits, ParseError, ReadAt, Result,
    charset::{Charset, Decoder},
    reference::{FileKind, FileReference, has_file_extension, is_same_word},
    scan::first_line,
    text::TextRef,
};

use grammar::{declared_encoding, is_comment, parse_line, undo_escapes, usual_line};
use key_index::KeyIndex;

pub(crate) use grammar::hex_digit;

/// Name of the structure in errors.
const WHAT: &str = "VMware dictionary";

/// How much of the key of a damaged line is repeated for each file that it names. Real keys have less than 50.
const KEY_SHOWN_CHARACTERS: usize = 100;

/// How short lines are on the average, by which room for the entries is made at first: 56 bytes for each.
const USUAL_LINE_BYTES: usize = 24;

/// A parsed dictionary, which borrows from the bytes of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Dictionary<'a> {
    /// What `.encoding` says, as written.
    pub encoding: Option<String>,
    /// How the values were decoded.
    pub charset: Charset,
    /// The file begins with a UTF-8 BOM.
    pub has_bom: bool,
    /// Lines that end in CR LF.
    pub crlf_lines: usize,
    /// The file ends inside a malformed line, or holds NULs: lines were lost.
    pub is_torn: bool,
    /// Every well-formed line, in the order of the file.
    pub entries: Vec<Entry<'a>>,
    /// Every line that breaks the grammar.
    pub malformed: Vec<MalformedLine>,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
    /// What `.encoding` says is the name of a charset that is known.
    has_known_encoding: bool,
    /// The last entry of each key.
    last: KeyIndex,
}

/// One well-formed line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The key as written.
    pub key: Cow<'a, str>,
    /// The value, escapes undone, decoded.
    pub value: TextRef<'a>,
    /// Number of the line, from 1.
    pub line: usize,
}

/// A line that breaks the grammar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MalformedLine {
    /// Number of the line, from 1.
    pub line: usize,
    /// The line as it is.
    pub text: EncodedText,
}

impl MalformedLine {
    /// True where the only fault is a quoted value without its closing quote: cut off, or written by hand.
    pub fn is_unterminated(&self) -> bool {
        let value = self.text.as_str().split_once('=').map(|(_, value)| value.trim_start());
        value
            .and_then(|value| value.strip_prefix('"'))
            .is_some_and(|value| !value.contains('"'))
    }

    /// What the line may have wanted to say: the key before the first `=`, and the pieces between quotes after it; all
    /// of the line where it has no `=`. A torn line may still name a file that somebody needs.
    pub fn recover(&self) -> (&str, impl Iterator<Item = &str>) {
        let (key, value) = self.text.as_str().split_once('=').unwrap_or(("", self.text.as_str()));
        let pieces = value
            .split(['"', '\u{201c}', '\u{201d}', '\0'])
            .map(str::trim)
            .filter(|piece| !piece.is_empty());
        (key.trim(), pieces)
    }
}

impl<'a> Dictionary<'a> {
    /// The bytes of a file, to be [parsed](Self::parse).
    ///
    /// # Errors
    /// `LimitExceeded` when there are too many, `Io`.
    pub fn bytes<'s>(source: &'s (impl ReadAt + ?Sized), limits: &Limits) -> Result<Cow<'s, [u8]>> {
        check_size(source.len(), limits)?;
        source.up_to(WHAT, 0, limits.text_bytes)
    }

    /// Reads the bytes of a file. An empty file is an empty dictionary.
    ///
    /// # Errors
    /// `LimitExceeded` when there are too many bytes or lines, `Unsupported` for UTF-16.
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        check_size(ReadAt::len(bytes), limits)?;
        let (text, has_bom) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
            Some(text) => (text, true),
            None => (bytes, false),
        };
        if text.starts_with(b"\xFF\xFE") || text.starts_with(b"\xFE\xFF") {
            return Err(ParseError::Unsupported {
                what: WHAT,
                version: "UTF-16 text".to_owned(),
            });
        }
        let encoding = declared_encoding(text);
        let (decoder, anomaly) = Decoder::declared(encoding.as_deref(), text);
        let usual_lines = text.len() / USUAL_LINE_BYTES;
        let mut dictionary = Self {
            has_known_encoding: encoding.is_some() && anomaly.is_none(),
            encoding,
            charset: decoder.charset,
            has_bom,
            crlf_lines: 0,
            is_torn: false,
            entries: Vec::with_capacity(usual_lines),
            malformed: Vec::new(),
            anomalies: anomaly.into_iter().collect(),
            last: KeyIndex::for_about(usual_lines),
        };
        let undecodable = dictionary.take_lines(&decoder, limits)?;
        dictionary.note_oddities(undecodable);
        Ok(dictionary)
    }

    /// Sorts the lines; returns how many values hold bytes that do not belong to the charset.
    fn take_lines(&mut self, decoder: &Decoder<'a>, limits: &Limits) -> Result<usize> {
        let mut taken = Taken {
            rest: Some(decoder.text),
            lines: 0,
            has_escapes: memchr(b'|', decoder.text).is_some(),
            undecodable: 0,
            ends_inside: false,
        };
        loop {
            self.take_usual_lines(decoder, &mut taken, limits)?;
            let Some(line) = taken.next_line() else { break };
            if self.take_line(line, decoder, &mut taken) {
                self.check_entries(taken.lines, limits)?;
            }
        }
        self.is_torn = taken.ends_inside || memchr(0, decoder.text).is_some();
        Ok(taken.undecodable)
    }

    /// Takes lines as all programs write them, as long as they follow each other. Nearly all are.
    fn take_usual_lines(&mut self, decoder: &Decoder<'a>, taken: &mut Taken<'a>, limits: &Limits) -> Result<()> {
        let Some(mut rest) = taken.rest.and_then(|rest| decoder.as_it_stands(rest)) else {
            return Ok(());
        };
        let hasher = self.last.hasher;
        // A line has bytes, so neither count can pass the length of the text.
        let (mut number, mut crlf_lines) = (taken.lines, 0_usize);
        while let Some(line) = usual_line(rest, hasher) {
            if taken.has_escapes && memchr(b'|', line.value.as_bytes()).is_some() {
                break;
            }
            rest = line.rest;
            number = number.wrapping_add(1);
            crlf_lines = crlf_lines.wrapping_add(usize::from(line.is_crlf));
            self.last.insert(&self.entries, line.name, line.hash);
            self.entries.push(Entry {
                key: Cow::Borrowed(line.name),
                value: TextRef::as_it_stands(line.value),
                line: number,
            });
            self.check_entries(number, limits)?;
        }
        self.crlf_lines = self.crlf_lines.saturating_add(crlf_lines);
        taken.lines = number;
        taken.rest = Some(rest.as_bytes());
        Ok(())
    }

    /// Takes any line; false for one that says nothing.
    fn take_line(&mut self, line: Line<'a>, decoder: &Decoder<'a>, taken: &mut Taken<'a>) -> bool {
        self.crlf_lines = self.crlf_lines.saturating_add(usize::from(line.is_crlf));
        taken.ends_inside = false;
        if let Some((key, value)) = parse_line(line.text) {
            let (value, is_lossy) = decoder.value(value);
            taken.undecodable = taken.undecodable.saturating_add(usize::from(is_lossy));
            let key = decoder.decode(key).0;
            self.last.insert(&self.entries, &key, self.last.hasher.hash(&key));
            self.entries.push(Entry {
                key,
                value,
                line: taken.lines,
            });
        } else if is_comment(line.text) {
            return false;
        } else {
            taken.ends_inside = true;
            self.malformed.push(MalformedLine {
                line: taken.lines,
                text: decoder.charset.text(line.text),
            });
        }
        true
    }

    /// Refuses more lines than a dictionary may have.
    #[inline]
    fn check_entries(&self, lines: usize, limits: &Limits) -> Result<()> {
        if self.entries.len().saturating_add(self.malformed.len()) <= limits.text_entries {
            return Ok(());
        }
        Err(ParseError::LimitExceeded {
            what: "lines of a VMware dictionary",
            value: u64::try_from(lines).unwrap_or(u64::MAX),
            limit: u64::try_from(limits.text_entries).unwrap_or(u64::MAX),
        })
    }

    /// Says what is odd about the whole file.
    fn note_oddities(&mut self, undecodable: usize) {
        if undecodable > 0 {
            self.anomalies.push(Anomaly::new(
                "undecodable-text",
                format!("{undecodable} values hold bytes that are not {}", self.charset.name()),
            ));
        }
        if let Some(first) = self.malformed.first() {
            self.anomalies.push(Anomaly::new(
                "malformed-lines",
                format!(
                    "lines that break the grammar: {}, the first is line {}",
                    self.malformed.len(),
                    first.line
                ),
            ));
        }
        let duplicates = self.duplicate_keys();
        if !duplicates.is_empty() {
            self.anomalies.push(Anomaly::new(
                "duplicate-keys",
                format!(
                    "keys that stand more than once: {} ({})",
                    duplicates.len(),
                    shortened(&duplicates)
                ),
            ));
        }
    }

    /// The encoding in which the text was read: the name that `.encoding` gives, where it is known; else the one that
    /// was assumed.
    pub fn encoding_used(&self) -> String {
        let declared = self.encoding.clone().filter(|_| self.has_known_encoding);
        declared.unwrap_or_else(|| self.charset.name().to_owned())
    }

    /// Of the malformed lines those whose quoted value has no closing quote.
    pub fn unterminated_lines(&self) -> usize {
        self.malformed.iter().filter(|line| line.is_unterminated()).count()
    }

    /// The value of a key, whatever its case; the last one where it stands twice.
    pub fn get(&self, key: &str) -> Option<&TextRef<'a>> {
        self.last.find(&self.entries, key).map(|entry| &entry.value)
    }

    /// The value of a key unless it is blank.
    pub fn text(&self, key: &str) -> Option<&TextRef<'a>> {
        self.get(key).filter(|value| !value.is_blank())
    }

    /// The last value of a key, unless it is blank. The key is told in two parts, which `room` joins.
    pub(crate) fn text_of_parts(&self, parts: [&str; 2], room: &mut String) -> Option<&TextRef<'a>> {
        room.clear();
        for part in parts {
            room.push_str(part);
        }
        self.text(room)
    }

    /// The value of a key as `TRUE` or `FALSE` in any case; `None` for anything else.
    pub fn flag(&self, key: &str) -> Option<bool> {
        parse_flag(self.get(key)?.as_str())
    }

    /// The value of a key as a decimal number.
    pub fn number<N: std::str::FromStr>(&self, key: &str) -> Option<N> {
        self.get(key)?.as_str().trim().parse().ok()
    }

    /// Files that damaged lines still name, under keys `line N: …`, the key cut to its first characters: a line of a
    /// mebibyte may name thousands of files, each of which repeats it.
    pub fn malformed_file_references(&self) -> impl Iterator<Item = FileReference> {
        self.malformed.iter().flat_map(move |line| {
            let (key, pieces) = line.recover();
            let key: String = key.chars().take(KEY_SHOWN_CHARACTERS).collect();
            let key = format!("line {}: {key}", line.line);
            pieces
                .filter(|piece| has_file_extension(piece))
                .map(move |piece| FileReference::new(key.clone(), self.charset.piece(piece), FileKind::Other))
        })
    }

    /// Keys that stand more than once, as the later lines write them.
    pub fn duplicate_keys(&self) -> Vec<&str> {
        if self.last.has_every_key_once() {
            return Vec::new();
        }
        let mut seen = std::collections::HashSet::new();
        self.entries
            .iter()
            .filter(|entry| !seen.insert(entry.key.to_ascii_lowercase()))
            .map(|entry| entry.key.as_ref())
            .collect()
    }
}

impl<'a> Decoder<'a> {
    /// A value, escapes undone.
    fn value(&self, value: &'a [u8]) -> (TextRef<'a>, bool) {
        if memchr(b'|', value).is_none() {
            return self.text_ref(value);
        }
        let bytes = undo_escapes(value);
        let (text, is_lossy) = self.charset.decode(&bytes);
        let text = Cow::Owned(text.into_owned());
        (TextRef::decoded(text, Cow::Owned(bytes)), is_lossy)
    }
}

/// `TRUE` or `FALSE`, `yes` or `no`, in any case.
pub(crate) fn parse_flag(text: &str) -> Option<bool> {
    match text {
        // As all programs write them: no call for these.
        "TRUE" | "true" => return Some(true),
        "FALSE" | "false" => return Some(false),
        _ => {}
    }
    let text = text.trim();
    let is = |word| is_same_word(text, word);
    match text.len() {
        4 if is("true") => Some(true),
        5 if is("false") => Some(false),
        3 if is("yes") => Some(true),
        2 if is("no") => Some(false),
        1 if is("1") => Some(true),
        1 if is("0") => Some(false),
        _ => None,
    }
}

/// The first few of many, for a message.
fn shortened(keys: &[&str]) -> String {
    const SHOWN: usize = 5;
    let mut text = keys.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if keys.len() > SHOWN {
        text.push_str(" …");
    }
    text
}

/// Refuses what cannot be a dictionary by its size.
fn check_size(length: u64, limits: &Limits) -> Result<()> {
    if length > limits.text_bytes {
        return Err(ParseError::LimitExceeded {
            what: WHAT,
            value: length,
            limit: limits.text_bytes,
        });
    }
    Ok(())
}

/// How far the lines of a text were taken.
struct Taken<'a> {
    /// What follows; `None` behind the last line, which may be empty.
    rest: Option<&'a [u8]>,
    /// The lines so far.
    lines: usize,
    /// A `|` stands somewhere in the text.
    has_escapes: bool,
    /// Values that hold bytes that do not belong to the charset.
    undecodable: usize,
    /// The last line breaks the grammar.
    ends_inside: bool,
}

/// One line, without its end.
struct Line<'a> {
    text: &'a [u8],
    /// It ends in CR LF.
    is_crlf: bool,
}

impl<'a> Taken<'a> {
    /// The next line.
    fn next_line(&mut self) -> Option<Line<'a>> {
        let text = self.rest?;
        let (line, rest) = first_line(text);
        self.rest = rest;
        self.lines = self.lines.saturating_add(1);
        let without = line.strip_suffix(b"\r");
        Some(Line {
            text: without.unwrap_or(line),
            is_crlf: without.is_some(),
        })
    }
}
