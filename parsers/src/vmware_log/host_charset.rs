//! The charset of a log.

use std::{borrow::Cow, cell::LazyCell};

use memchr::memmem;

use crate::{EncodedText, charset::Charset};

/// How much of the beginning may hold the line that names the charset: it is the third of a log.
const DECLARED_WITHIN_BYTES: usize = 16 << 10;

/// The charset that a log says it is in: `Host codepage=windows-1252 encoding=windows-1252`. The encoding that the
/// configuration declares is that of its own file.
pub(super) fn declared(head: &[u8]) -> Option<&str> {
    let head = head.get(..head.len().min(DECLARED_WITHIN_BYTES))?;
    let at = memmem::find(head, b"Host codepage=")?;
    let line = head.get(at..)?.split(|byte| *byte == b'\n').next()?;
    let label = line
        .get(memmem::find(line, b" encoding=")?..)?
        .get(b" encoding=".len()..)?;
    std::str::from_utf8(label.trim_ascii())
        .ok()
        .filter(|label| !label.is_empty())
}

/// The charset that the log declares; where it declares none that is known, UTF-8 if all that was read of the beginning is.
/// That is looked at only when a text is not ASCII.
pub(super) struct HostCharset<'a>(LazyCell<Charset, Box<dyn FnOnce() -> Charset + 'a>>);

impl<'a> HostCharset<'a> {
    pub(super) fn of(head: &'a [u8]) -> Self {
        Self(LazyCell::new(Box::new(|| Charset::declared(declared(head), head).0)))
    }

    pub(super) fn decoded(&self, bytes: &[u8]) -> String {
        match ascii(bytes) {
            Some(text) => text.to_owned(),
            None => self.0.decode(bytes).0.into_owned(),
        }
    }

    pub(super) fn text(&self, bytes: &[u8]) -> EncodedText {
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
