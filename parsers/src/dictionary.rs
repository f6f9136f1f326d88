//! The dictionary: `key = "value"` lines, the grammar of `.vmx`, `.vmtx`, `.vmsd`, `.vmx~`, `hbrgrp` and other VMware
//! text files (open-vm-tools, *dictll.c*).
//!
//! Read: an optional UTF-8 BOM, lines that end in LF (a CR before it is dropped), `.encoding`, values quoted or not,
//! comments. `|XX` escapes are undone to bytes before the declared charset applies. A line that breaks the grammar is
//! kept as it is; a key that stands twice is kept twice, and the last one wins (assumed). Keys are compared without
//! case. What the keys mean is not decided here.

use std::{borrow::Cow, collections::HashMap};

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while, take_while1},
    character::complete::space0,
    combinator::{eof, not, opt, rest},
    sequence::{delimited, preceded},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Anomaly, EncodedText, Limits, ParseError, ReadAt, Result,
    charset::Charset,
    reference::{FileKind, FileReference, has_file_extension},
};

/// Name of the structure in errors.
const WHAT: &str = "VMware dictionary";

/// How much of the key of a damaged line is repeated for each file that it names. Real keys have less than 50.
const KEY_SHOWN_CHARACTERS: usize = 100;

/// A parsed dictionary.
#[derive(Debug, Clone, PartialEq)]
pub struct Dictionary {
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
    pub entries: Vec<Entry>,
    /// Every line that breaks the grammar.
    pub malformed: Vec<MalformedLine>,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
    /// Lower-case key to the last entry of that key.
    last: HashMap<String, usize>,
}

/// One well-formed line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The key as written.
    pub key: String,
    /// The value, escapes undone, decoded.
    pub value: EncodedText,
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

/// A line before its charset is known.
struct RawLine<'a> {
    line: usize,
    content: Content<'a>,
}

/// What a line holds.
enum Content<'a> {
    Entry(&'a [u8], Cow<'a, [u8]>),
    Malformed(&'a [u8]),
}

impl Dictionary {
    /// Reads a whole file.
    ///
    /// # Errors
    /// As [`Dictionary::parse`], and `Io`.
    pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Self> {
        check_size(source.len(), limits)?;
        Self::parse(&source.up_to(WHAT, 0, limits.text_bytes)?, limits)
    }

    /// Reads the bytes of a file. An empty file is an empty dictionary.
    ///
    /// # Errors
    /// `LimitExceeded` when there are too many bytes or lines, `Unsupported` for UTF-16.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self> {
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
        let (lines, crlf_lines) = split(text, limits)?;
        Ok(Self::decode(lines, text, has_bom, crlf_lines))
    }

    /// Decodes the lines with the charset that one of them declares.
    fn decode(lines: Vec<RawLine<'_>>, text: &[u8], has_bom: bool, crlf_lines: usize) -> Self {
        let encoding = declared_encoding(&lines);
        let (charset, anomaly) = Charset::declared(encoding.as_deref(), text);
        let mut dictionary = Self {
            encoding,
            charset,
            has_bom,
            crlf_lines,
            is_torn: is_torn(text, &lines),
            entries: Vec::new(),
            malformed: Vec::new(),
            anomalies: anomaly.into_iter().collect(),
            last: HashMap::new(),
        };
        let mut undecodable = 0_usize;
        for raw in lines {
            undecodable = undecodable.saturating_add(usize::from(dictionary.push(raw)));
        }
        dictionary.note_oddities(undecodable);
        dictionary
    }

    /// Adds a line; true when its bytes do not belong to the charset.
    fn push(&mut self, raw: RawLine<'_>) -> bool {
        match raw.content {
            Content::Entry(key, value) => {
                let key = self.charset.decode(key).0.into_owned();
                let (text, lossy) = self.charset.decode(&value);
                self.last.insert(key.to_ascii_lowercase(), self.entries.len());
                self.entries.push(Entry {
                    key,
                    value: EncodedText::decoded(text, &value),
                    line: raw.line,
                });
                lossy
            }
            Content::Malformed(text) => {
                self.malformed.push(MalformedLine {
                    line: raw.line,
                    text: self.charset.text(text),
                });
                false
            }
        }
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
        let declared = self.encoding.clone().filter(|name| Charset::named(name).is_some());
        declared.unwrap_or_else(|| self.charset.name().to_owned())
    }

    /// Of the malformed lines those whose quoted value has no closing quote.
    pub fn unterminated_lines(&self) -> usize {
        self.malformed.iter().filter(|line| line.is_unterminated()).count()
    }

    /// The value of a key, whatever its case; the last one where it stands twice.
    pub fn get(&self, key: &str) -> Option<&EncodedText> {
        let index = self.last.get(&key.to_ascii_lowercase())?;
        self.entries.get(*index).map(|entry| &entry.value)
    }

    /// The value of a key unless it is blank.
    pub fn text(&self, key: &str) -> Option<&EncodedText> {
        self.get(key).filter(|value| !value.is_blank())
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
        if self.last.len() == self.entries.len() {
            return Vec::new();
        }
        let mut seen = std::collections::HashSet::new();
        self.entries
            .iter()
            .filter(|entry| !seen.insert(entry.key.to_ascii_lowercase()))
            .map(|entry| entry.key.as_str())
            .collect()
    }
}

/// `TRUE` or `FALSE`, `yes` or `no`, in any case.
pub(crate) fn parse_flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
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

/// The lines that are neither blank nor comment, and how many lines end in CR LF.
fn split<'a>(text: &'a [u8], limits: &Limits) -> Result<(Vec<RawLine<'a>>, usize)> {
    let mut lines = Vec::new();
    let mut crlf_lines = 0_usize;
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let (line, crlf) = match line.strip_suffix(b"\r") {
            Some(line) => (line, true),
            None => (line, false),
        };
        crlf_lines = crlf_lines.saturating_add(usize::from(crlf));
        let number = index.saturating_add(1);
        let content = match parse_line(line) {
            Ok((_, (key, value))) => Content::Entry(key, undo_escapes(value)),
            Err(_) if is_comment(line) => continue,
            Err(_) => Content::Malformed(line),
        };
        if lines.len() >= limits.text_entries {
            return Err(ParseError::LimitExceeded {
                what: "lines of a VMware dictionary",
                value: u64::try_from(number).unwrap_or(u64::MAX),
                limit: u64::try_from(limits.text_entries).unwrap_or(u64::MAX),
            });
        }
        lines.push(RawLine { line: number, content });
    }
    Ok((lines, crlf_lines))
}

/// True for a line of blanks or a comment.
fn is_comment(line: &[u8]) -> bool {
    line.iter()
        .find(|byte| !is_blank(**byte))
        .is_none_or(|&byte| byte == b'#')
}

/// `blanks NAME blanks = blanks VALUE blanks [#comment]`.
fn parse_line(line: &[u8]) -> IResult<&[u8], (&[u8], &[u8])> {
    let name = take_while1(|byte| is_bare(byte) && byte != b'=');
    let value = alt((quoted_value, bare_value));
    let comment = opt(preceded(tag("#"), rest));
    let (end, (_, name, _, _, _, value, _, _, _)) =
        (space0, name, space0, tag("="), space0, value, space0, comment, eof).parse(line)?;
    Ok((end, (name, value)))
}

/// Anything but a quote between two quotes.
fn quoted_value(input: &[u8]) -> IResult<&[u8], &[u8]> {
    delimited(tag("\""), take_while(|byte| byte != b'"' && byte != 0), tag("\"")).parse(input)
}

/// A run without blank and `#`, which may be empty.
fn bare_value(input: &[u8]) -> IResult<&[u8], &[u8]> {
    preceded(not(tag("\"")), take_while(is_bare)).parse(input)
}

/// A byte of a name or an unquoted value.
fn is_bare(byte: u8) -> bool {
    !is_blank(byte) && byte != b'#' && byte != 0
}

/// Space or tab.
fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// `|` and two hex digits stand for one byte; a `|` before anything else stands for itself.
fn undo_escapes(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'|') {
        return Cow::Borrowed(value);
    }
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
    Cow::Owned(bytes)
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

/// True when the text was cut off or overwritten: its last line is malformed and has no end, or it holds NULs.
fn is_torn(text: &[u8], lines: &[RawLine<'_>]) -> bool {
    let ends_inside = !text.ends_with(b"\n") && {
        let last = text.split(|&byte| byte == b'\n').count();
        lines
            .last()
            .is_some_and(|raw| raw.line == last && matches!(raw.content, Content::Malformed(_)))
    };
    ends_inside || text.contains(&0)
}

/// The value of the first `.encoding`, which is ASCII whatever the charset.
fn declared_encoding(lines: &[RawLine<'_>]) -> Option<String> {
    lines.iter().find_map(|raw| match &raw.content {
        Content::Entry(key, value) if key.eq_ignore_ascii_case(b".encoding") => {
            Some(String::from_utf8_lossy(value).trim().to_owned()).filter(|name| !name.is_empty())
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Dictionary {
        Dictionary::parse(text, &Limits::default()).unwrap()
    }

    #[test]
    fn a_value_is_quoted_bare_or_empty_and_a_comment_may_follow() {
        let dictionary = parse(b"a = \"x # y\"  # note\n b=512#n\n\tc =\r\nd=\"\"\n# all comment\n\n");
        let values: Vec<_> = dictionary
            .entries
            .iter()
            .map(|entry| (entry.key.as_str(), entry.value.as_str(), entry.line))
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
        assert_eq!(dictionary.get("N").map(EncodedText::as_str), Some("仮想"));
        assert_eq!(dictionary.get("p").map(EncodedText::as_str), Some("\"a||2|zz"));
    }

    #[test]
    fn a_key_that_stands_twice_is_kept_and_the_last_wins_without_case() {
        let dictionary = parse(b"scsi0:0.fileName = \"a.vmdk\"\nSCSI0:0.FILENAME = \"b.vmdk\"\n");
        assert_eq!(dictionary.entries.len(), 2);
        assert_eq!(
            dictionary.get("scsi0:0.filename").map(EncodedText::as_str),
            Some("b.vmdk")
        );
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
