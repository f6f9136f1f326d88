//! The dictionary: `key = "value"` lines, the grammar of `.vmx`, `.vmtx`, `.vmsd`, `.vmx~`, `hbrgrp` and other VMware
//! text files (open-vm-tools, *dictll.c*).
//!
//! Read: an optional UTF-8 BOM, lines that end in LF (a CR before it is dropped), `.encoding`, values quoted or not,
//! comments. `|XX` escapes are undone to bytes before the declared charset applies. A line that breaks the grammar is
//! kept as it is; a key that stands twice is kept twice, and the last one wins (assumed). Keys are compared without
//! case. What the keys mean is not decided here.

mod key_index;

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Anomaly, EncodedText, Limits, ParseError, ReadAt, Result,
    charset::{Charset, Decoder},
    reference::{FileKind, FileReference, has_file_extension, is_same_word},
    scan::{first_line, until_less_or_equal, words_until_less_or_equal},
    text::TextRef,
};

use key_index::{KeyHasher, KeyIndex};

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

/// A line as all programs write it, `NAME = "VALUE"`.
struct UsualLine<'a> {
    name: &'a str,
    /// The hash of the name.
    hash: u64,
    value: &'a str,
    is_crlf: bool,
    /// What follows the line.
    rest: &'a str,
}

/// The first line where it is a usual one: its end is where the value says. Rare letters, among them all control
/// characters, are left to [`parse_line`], and so are the last bytes of a text.
#[inline]
fn usual_line(text: &str, hasher: KeyHasher) -> Option<UsualLine<'_>> {
    let mut hash = hasher.begin();
    let length = words_until_less_or_equal::<b'$', b'='>(text.as_bytes(), |word| hash = hasher.mixed(hash, word))?;
    let (name, rest) = text.split_at_checked(length)?;
    let value = rest.strip_prefix(" = \"")?;
    let (value, rest) = value.split_at_checked(until_less_or_equal::<b' ', b'"'>(value.as_bytes()))?;
    let (rest, is_crlf) = match rest.strip_prefix("\"\n") {
        Some(rest) => (rest, false),
        None => (rest.strip_prefix("\"\r\n")?, true),
    };
    let line = UsualLine {
        name,
        hash,
        value,
        is_crlf,
        rest,
    };
    (!name.is_empty()).then_some(line)
}

/// True for a line of blanks or a comment.
fn is_comment(line: &[u8]) -> bool {
    let text = skip_blanks(line);
    text.is_empty() || text.starts_with(b"#")
}

/// `blanks NAME blanks = blanks VALUE blanks [#comment]`: name and value. The value is anything but a quote between two
/// quotes, or a run without blank and `#`, which may be empty.
fn parse_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = split_while(skip_blanks(line), is_of_name);
    let value = skip_blanks(skip_blanks(rest).strip_prefix(b"=")?);
    let (value, rest) = match value.strip_prefix(b"\"") {
        Some(quoted) => {
            let (value, rest) = split_while(quoted, is_quotable);
            (value, rest.strip_prefix(b"\"")?)
        }
        None => split_while(value, is_bare),
    };
    let is_whole = !name.is_empty() && is_comment(rest);
    is_whole.then_some((name, value))
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    split_while(text, is_blank).1
}

/// The bytes before the first that is not `wanted`, and the rest.
fn split_while(text: &[u8], wanted: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !wanted(*byte)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, &[]))
}

/// A byte of a quoted value.
fn is_quotable(byte: u8) -> bool {
    !matches!(byte, b'"' | 0)
}

/// A byte of an unquoted value.
fn is_bare(byte: u8) -> bool {
    !matches!(byte, b' ' | b'\t' | b'#' | 0)
}

/// A byte of a name.
fn is_of_name(byte: u8) -> bool {
    !matches!(byte, b' ' | b'\t' | b'#' | 0 | b'=')
}

/// Space or tab.
fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// `|` and two hex digits stand for one byte; a `|` before anything else stands for itself.
fn undo_escapes(value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut input = value;
    while let [first, tail @ ..] = input {
        match tail {
            [high, low, after @ ..] if *first == b'|' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push((hex_digit(*high) << 4_u32) | hex_digit(*low));
                input = after;
            }
            _ => {
                bytes.push(*first);
                input = tail;
            }
        }
    }
    bytes
}

/// Value of an ASCII hex digit; 0 for anything else.
pub(crate) fn hex_digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte.wrapping_sub(b'0'),
        b'a'..=b'f' => byte.wrapping_sub(b'a').wrapping_add(10),
        b'A'..=b'F' => byte.wrapping_sub(b'A').wrapping_add(10),
        _ => 0,
    }
}

/// The value of the first `.encoding`, which is ASCII whatever the charset.
fn declared_encoding(text: &[u8]) -> Option<String> {
    let mut start = 0;
    memchr_iter(b'\n', text)
        .chain([text.len()])
        .filter_map(|end| text.get(std::mem::replace(&mut start, end.saturating_add(1))..end))
        .filter(|line| skip_blanks(line).starts_with(b"."))
        .filter_map(|line| parse_line(line.strip_suffix(b"\r").unwrap_or(line)))
        .find(|(key, _)| key.eq_ignore_ascii_case(b".encoding"))
        .map(|(_, value)| String::from_utf8_lossy(&undo_escapes(value)).trim().to_owned())
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of lines, sound and odd.
    fn line_pieces() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            8 => Just(b" = \"".to_vec()),
            8 => Just(b"\"\n".to_vec()),
            4 => "[a-z0-9:.]{1,20}".prop_map(String::into_bytes),
            1 => Just(b"\"\r\n".to_vec()),
            1 => Just("ä = \"中\"".as_bytes().to_vec()),
            2 => prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'"'), Just(b'='), 0..0x30_u8, any::<u8>()], 0..4),
        ];
        prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_line_is_the_same_whether_it_is_met_on_the_way_or_cut_out_first(text in line_pieces()) {
            let Ok(dictionary) = Dictionary::parse(&text, &Limits::default()) else { return Ok(()) };
            let told = dictionary.entries.iter().map(|entry| (entry.line, entry.key.to_string(), entry.value.raw().to_vec()));
            let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
            let lines = || (1..).zip(text.split(|byte| *byte == b'\n'));
            let cut = lines().filter_map(|(number, line)| {
                let (key, value) = parse_line(line.strip_suffix(b"\r").unwrap_or(line))?;
                Some((number, dictionary.charset.decode(key).0.into_owned(), undo_escapes(value)))
            });
            prop_assert_eq!(told.collect::<Vec<_>>(), cut.collect::<Vec<_>>());
            prop_assert_eq!(dictionary.crlf_lines, lines().filter(|(_, line)| line.ends_with(b"\r")).count());
        }
    }

    fn parse(text: &[u8]) -> Dictionary<'_> {
        Dictionary::parse(text, &Limits::default()).unwrap()
    }

    #[test]
    fn a_value_is_quoted_bare_or_empty_and_a_comment_may_follow() {
        let dictionary = parse(b"a = \"x # y\"  # note\n b=512#n\n\tc =\r\nd=\"\"\n# all comment\n\n");
        let values: Vec<_> = dictionary
            .entries
            .iter()
            .map(|entry| (entry.key.as_ref(), entry.value.as_str(), entry.line))
            .collect();
        assert_eq!(values, [("a", "x # y", 1), ("b", "512", 2), ("c", "", 3), ("d", "", 4)]);
        assert_eq!(dictionary.crlf_lines, 1);
        assert!(dictionary.malformed.is_empty());
    }

    #[test]
    fn a_line_that_breaks_the_grammar_is_kept_as_malformed() {
        let dictionary =
            parse("x = \"a\" \"b\"\ny = \"open.vmdk\nno equals\nz = “curly quotes”\n= 1\nq = a b\n".as_bytes());
        let numbers: Vec<_> = dictionary.malformed.iter().map(|bad| bad.line).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
        let recovered = |index: usize| {
            let (key, pieces) = dictionary.malformed[index].recover();
            (key, pieces.collect::<Vec<_>>())
        };
        assert_eq!(recovered(0), ("x", vec!["a", "b"]));
        assert_eq!(recovered(1), ("y", vec!["open.vmdk"]));
        assert_eq!(recovered(2), ("", vec!["no equals"]));
        assert_eq!(recovered(3), ("z", vec!["curly quotes"]));
        assert!(dictionary.entries.is_empty());
        assert_eq!(dictionary.anomalies[0].code, "malformed-lines");
    }

    #[test]
    fn escapes_are_undone_before_the_charset_applies() {
        let dictionary = parse(b".encoding = \"Shift_JIS\"\nn = \"|89|bC|91|7A\"\np = \"|22a|7C|2|zz\"\n");
        assert_eq!(dictionary.get("N").map(TextRef::as_str), Some("仮想"));
        assert_eq!(dictionary.get("p").map(TextRef::as_str), Some("\"a||2|zz"));
    }

    #[test]
    fn a_key_that_stands_twice_is_kept_and_the_last_wins_without_case() {
        let dictionary = parse(b"scsi0:0.fileName = \"a.vmdk\"\nSCSI0:0.FILENAME = \"b.vmdk\"\n");
        assert_eq!(dictionary.entries.len(), 2);
        assert_eq!(dictionary.get("scsi0:0.filename").map(TextRef::as_str), Some("b.vmdk"));
        assert_eq!(dictionary.duplicate_keys(), ["SCSI0:0.FILENAME"]);
    }

    #[test]
    fn refuses_too_many_bytes_lines_and_utf_16() {
        let limits = Limits {
            text_bytes: 10,
            ..Limits::default()
        };
        assert_eq!(
            Dictionary::parse(b"a = \"123456\"", &limits),
            Err(ParseError::LimitExceeded {
                what: WHAT,
                value: 12,
                limit: 10
            })
        );
        let limits = Limits {
            text_entries: 2,
            ..Limits::default()
        };
        assert_eq!(
            Dictionary::parse(b"a=1\n\nb=2\nc=3", &limits),
            Err(ParseError::LimitExceeded {
                what: "lines of a VMware dictionary",
                value: 4,
                limit: 2
            })
        );
        assert_eq!(
            Dictionary::parse(b"\xFF\xFEa\0", &Limits::default()),
            Err(ParseError::Unsupported {
                what: WHAT,
                version: "UTF-16 text".to_owned()
            })
        );
    }

    #[test]
    fn a_file_that_ends_inside_a_line_or_holds_nuls_is_torn() {
        assert!(parse(b"a = \"b\"\nscsi0:0.fileName = \"c.vm").is_torn);
        assert!(parse(b"a = \"b\"\n\0\0\0").is_torn);
        assert!(!parse(b"a = \"b\"\nmalformed\n").is_torn);
        assert!(!parse(b"malformed\na = \"b\"").is_torn);
    }

    #[test]
    fn a_quote_without_an_end_is_told_apart_from_other_damage() {
        let dictionary = parse(b"a = \"b\nbroken\nc = \"d\" e\nf = \n");
        let unterminated: Vec<_> = dictionary
            .malformed
            .iter()
            .map(MalformedLine::is_unterminated)
            .collect();
        assert_eq!(unterminated, [true, false, false]);
        assert_eq!(dictionary.unterminated_lines(), 1);
    }

    #[test]
    fn the_encoding_used_is_the_declared_one_only_where_that_is_known() {
        assert_eq!(parse(b".encoding = \"CP936\"\n").encoding_used(), "CP936");
        assert_eq!(parse(b".encoding = \"klingon\"\n").encoding_used(), "UTF-8");
        assert_eq!(parse(b"a = \"b\"\n").encoding_used(), "UTF-8");
        assert_eq!(parse(b"a = \"\xE9\"\n").encoding_used(), "windows-1252");
    }

    #[test]
    fn a_file_on_a_damaged_line_keeps_its_bytes() {
        let dictionary = parse(b".encoding = \"GBK\"\nnvram \"\xCE\xBB.nvram\"\n");
        let files: Vec<_> = dictionary.malformed_file_references().collect();
        assert_eq!(
            (files[0].value.as_str(), files[0].value.raw()),
            ("位.nvram", &b"\xCE\xBB.nvram"[..])
        );
    }

    #[test]
    fn a_damaged_line_with_a_long_key_and_many_files_does_not_multiply_them() {
        let text = format!("{} = {}", "k".repeat(5000), "\"a.vmdk\" ".repeat(500));
        let named: Vec<_> = parse(text.as_bytes()).malformed_file_references().collect();
        assert_eq!(named.len(), 500);
        assert_eq!(named[0].key, format!("line 1: {}", "k".repeat(KEY_SHOWN_CHARACTERS)));
    }

    #[test]
    fn a_value_that_is_not_of_its_charset_keeps_its_bytes() {
        let dictionary = parse(b".encoding = \"UTF-8\"\nn = \"a\xE9.vmdk\"\n");
        let value = dictionary.get("n").unwrap();
        assert_eq!(value.as_str(), "a\u{FFFD}.vmdk");
        assert_eq!(value.raw(), b"a\xE9.vmdk");
        assert_eq!(dictionary.anomalies[0].code, "undecodable-text");
    }
}
