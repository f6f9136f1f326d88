//! The lines of a descriptor, and the charset that they declare.

use memchr::{memchr, memchr_iter, memchr2_iter, memrchr};

use crate::{scan::first_line, vmdk::extent::begins_like_extent};

/// The text before the first NUL, without a BOM.
pub(super) fn text_of(bytes: &[u8]) -> &[u8] {
    let end = memchr(0, bytes).unwrap_or(bytes.len());
    let text = bytes.get(..end).unwrap_or_default();
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)
}

/// Trimmed lines that are not blank, with their numbers from 1.
pub(super) struct Lines<'a> {
    /// What follows; `None` behind the last line.
    pub(super) rest: Option<&'a [u8]>,
    /// The number of the line before.
    pub(super) number: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self {
            rest: Some(text),
            number: 0,
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let text = self.rest?;
            let (line, rest) = first_line(text);
            self.rest = rest;
            self.number = self.number.saturating_add(1);
            let line = line.trim_ascii();
            if !line.is_empty() {
                return Some((self.number, line));
            }
        }
    }
}

/// The lines that begin with `encoding` or `ddb.encoding`, in any case. Few do, and to look for the last letter of the
/// word takes less than to look at each line.
pub(super) fn lines_of_encoding(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    memchr2_iter(b'g', b'G', text).filter_map(move |end| {
        let before = without_end(text.get(..end)?, b"encodin")?;
        let before = without_end(before, b"ddb.").unwrap_or(before);
        let (line_before, blanks) = before.split_at_checked(before.trim_ascii_end().len())?;
        let begins_line = line_before.is_empty() || blanks.contains(&b'\n');
        let line = text.get(before.len()..).filter(|_| begins_line)?;
        Some(line.get(..memchr(b'\n', line).unwrap_or(line.len()))?.trim_ascii())
    })
}

/// What stands before this end, which may be in any case.
fn without_end<'a>(text: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    let (before, own) = text.split_at_checked(text.len().checked_sub(end.len())?)?;
    own.eq_ignore_ascii_case(end).then_some(before)
}

/// The key before the first `=`, and the value without blanks and quotes around it.
#[inline]
pub(super) fn key_and_value(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = memchr(b'=', line)?;
    let key = line.get(..equals)?.trim_ascii();
    let is_key = !key.is_empty() && !key.iter().any(|byte| matches!(byte, b'"' | b' ' | b'\t'));
    let value = line.get(equals.checked_add(1)?..)?.trim_ascii();
    let value = match value.strip_prefix(b"\"") {
        Some(open) => open.strip_suffix(b"\"").unwrap_or_else(|| before_comment(open)),
        None => value,
    };
    is_key.then_some((key, value))
}

/// A value behind its opening quote, up to the closing one where a comment follows that.
fn before_comment(open: &[u8]) -> &[u8] {
    let closed = memrchr(b'"', open).and_then(|end| open.split_at_checked(end));
    let commented = closed.filter(|(_, rest)| rest.get(1..).unwrap_or_default().trim_ascii_start().starts_with(b"#"));
    commented.map_or(open, |(value, _)| value)
}

/// True for a text whose last line ends inside a value or before it. One that is whole and lacks only its end is not torn: people
/// write such.
pub(super) fn is_torn(text: &[u8]) -> bool {
    let last = text.rsplit(|byte| matches!(byte, b'\n' | b'\r')).next();
    let last = last.unwrap_or_default().trim_ascii();
    if last.is_empty() || last.starts_with(b"#") {
        return false;
    }
    let quotes = memchr_iter(b'"', last).count();
    let lacks_value = || key_and_value(last).is_none_or(|(_, value)| value.is_empty());
    !quotes.is_multiple_of(2) || quotes == 0 && !begins_like_extent(last) && lacks_value()
}

/// The first `encoding` or else `ddb.encoding`, which is ASCII whatever the charset.
pub(super) fn declared_encoding(text: &[u8]) -> Option<String> {
    let name_of = |value: &[u8]| Some(String::from_utf8_lossy(value).trim().to_owned()).filter(|name| !name.is_empty());
    let (mut is_told, mut of_database) = (false, None);
    for line in lines_of_encoding(text) {
        let Some((key, value)) = key_and_value(line) else {
            continue;
        };
        if key.eq_ignore_ascii_case(b"encoding") && !is_told {
            is_told = true;
            if let Some(name) = name_of(value) {
                return Some(name);
            }
        } else if key.eq_ignore_ascii_case(b"ddb.encoding") && of_database.is_none() {
            of_database = Some(value);
        }
    }
    name_of(of_database?)
}
