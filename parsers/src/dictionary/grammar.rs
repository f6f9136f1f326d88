//! The grammar of a line.

use memchr::memchr_iter;

use super::key_index::KeyHasher;
use crate::scan::{until_less_or_equal, words_until_less_or_equal};

/// A line as all programs write it, `NAME = "VALUE"`.
pub(super) struct UsualLine<'a> {
    pub(super) name: &'a str,
    /// The hash of the name.
    pub(super) hash: u64,
    pub(super) value: &'a str,
    pub(super) is_crlf: bool,
    /// What follows the line.
    pub(super) rest: &'a str,
}

/// The first line where it is a usual one: its end is where the value says. Rare letters, among them all control
/// characters, are left to [`parse_line`], and so are the last bytes of a text.
#[inline]
pub(super) fn usual_line(text: &str, hasher: KeyHasher) -> Option<UsualLine<'_>> {
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
#[inline]
pub(super) fn is_comment(line: &[u8]) -> bool {
    let text = skip_blanks(line);
    text.is_empty() || text.starts_with(b"#")
}

/// `blanks NAME blanks = blanks VALUE blanks [#comment]`: name and value. The value is anything but a quote between two
/// quotes, or a run without blank and `#`, which may be empty.
#[inline]
pub(super) fn parse_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
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
pub(super) fn undo_escapes(value: &[u8]) -> Vec<u8> {
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
pub(super) fn declared_encoding(text: &[u8]) -> Option<String> {
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
