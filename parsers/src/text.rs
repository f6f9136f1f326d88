//! What the text formats share: values whose bytes are kept beside their decoded form.

use std::borrow::Cow;

use base64::Engine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// The longest text that a [`SmolStr`] keeps in itself, in bytes.
const INLINE_MAX_BYTES: usize = 23;

/// A copy of a text. Most are so short that they need no memory of their own, and a copy byte by byte is ready twice as
/// soon as one of unknown length.
#[inline]
pub(crate) fn copied(text: &str) -> SmolStr {
    if text.len() <= INLINE_MAX_BYTES {
        SmolStr::new_inline(text)
    } else {
        SmolStr::new(text)
    }
}

/// A string from a file in a declared charset: decoded for people, its bytes kept where they differ.
///
/// File names inside a descriptor are compared by bytes as well as decoded: the datastore may hold the name in the
/// descriptor's charset or in UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Wire", into = "Wire")]
#[schemars(with = "Wire")]
pub struct EncodedText {
    text: SmolStr,
    /// The bytes in the file, only where they are not the UTF-8 of `text`.
    raw: Option<Box<[u8]>>,
}

impl EncodedText {
    /// A value whose bytes are its UTF-8.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self {
            text: copied(text.as_ref()),
            raw: None,
        }
    }

    /// A decoded value and the bytes that it was decoded from.
    pub fn decoded(text: impl AsRef<str>, raw: &[u8]) -> Self {
        let text = copied(text.as_ref());
        let raw = (text.as_bytes() != raw).then(|| raw.into());
        Self { text, raw }
    }

    /// The decoded text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The bytes as they stand in the file.
    pub fn raw(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.text.as_bytes())
    }

    /// True when the bytes in the file are not those of the text.
    pub(crate) fn keeps_bytes(&self) -> bool {
        self.raw.is_some()
    }

    /// True when nothing is left after trimming blanks.
    pub fn is_blank(&self) -> bool {
        is_blank(&self.text)
    }
}

/// True for nothing but blanks. Nearly no text begins with one.
#[inline]
fn is_blank(text: &str) -> bool {
    let begins_with_none = text.as_bytes().first().is_some_and(u8::is_ascii_graphic);
    !begins_with_none && text.trim_start().is_empty()
}

/// A value whose bytes are still at hand: [`EncodedText`] before anything of it is copied.
#[derive(Debug, Clone)]
pub struct TextRef<'a>(Source<'a>);

/// Where the text of a value stands. Most files have thousands of plain ones, so these are kept small.
#[derive(Debug, Clone)]
enum Source<'a> {
    /// In the file, as it is.
    File(&'a str),
    /// Beside the file.
    Decoded(Box<Decoded<'a>>),
}

#[derive(Debug, Clone)]
struct Decoded<'a> {
    text: Cow<'a, str>,
    /// The bytes in the file, only where they are not the UTF-8 of `text`.
    raw: Option<Cow<'a, [u8]>>,
}

impl<'a> TextRef<'a> {
    /// A value whose bytes are its UTF-8.
    #[inline]
    pub(crate) fn as_it_stands(text: &'a str) -> Self {
        Self(Source::File(text))
    }

    /// A decoded value and the bytes that it was decoded from.
    pub(crate) fn decoded(text: Cow<'a, str>, raw: Cow<'a, [u8]>) -> Self {
        let raw = (text.as_bytes() != raw.as_ref()).then_some(raw);
        match (text, raw) {
            (Cow::Borrowed(text), None) => Self::as_it_stands(text),
            (text, raw) => Self(Source::Decoded(Box::new(Decoded { text, raw }))),
        }
    }

    /// The decoded text.
    #[inline]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Source::File(text) => text,
            Source::Decoded(decoded) => &decoded.text,
        }
    }

    /// The bytes as they stand in the file, escapes undone.
    pub fn raw(&self) -> &[u8] {
        self.other_bytes().unwrap_or(self.as_str().as_bytes())
    }

    /// The bytes, where they are not those of the text.
    #[inline]
    fn other_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Source::File(_) => None,
            Source::Decoded(decoded) => decoded.raw.as_deref(),
        }
    }

    /// True when nothing is left after trimming blanks.
    #[inline]
    pub fn is_blank(&self) -> bool {
        is_blank(self.as_str())
    }

    /// True for the same text of the same bytes.
    #[inline]
    pub(crate) fn is(&self, other: &EncodedText) -> bool {
        self.as_str() == other.as_str() && self.other_bytes() == other.raw.as_deref()
    }

    /// A copy that outlives the file.
    #[inline]
    pub fn to_encoded(&self) -> EncodedText {
        EncodedText {
            text: copied(self.as_str()),
            raw: self.other_bytes().map(Into::into),
        }
    }
}

impl Default for TextRef<'_> {
    fn default() -> Self {
        Self::as_it_stands("")
    }
}

impl PartialEq for TextRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.as_str(), self.raw()) == (other.as_str(), other.raw())
    }
}

impl Eq for TextRef<'_> {}

impl From<TextRef<'_>> for EncodedText {
    fn from(value: TextRef<'_>) -> Self {
        value.to_encoded()
    }
}

/// The decoded text without its bytes.
impl From<EncodedText> for SmolStr {
    fn from(value: EncodedText) -> Self {
        value.text
    }
}

impl From<&str> for EncodedText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl std::fmt::Display for EncodedText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// JSON form: a plain string, or `{text, bytes}` where the bytes differ.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Wire {
    Plain(SmolStr),
    Both {
        text: SmolStr,
        /// Base64 of the bytes in the file.
        bytes: String,
    },
}

impl From<Wire> for EncodedText {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::Plain(text) => Self::new(text),
            Wire::Both { text, bytes } => {
                let raw = base64::engine::general_purpose::STANDARD.decode(bytes).ok();
                Self {
                    text,
                    raw: raw.map(Into::into),
                }
            }
        }
    }
}

impl From<EncodedText> for Wire {
    fn from(value: EncodedText) -> Self {
        match value.raw {
            None => Self::Plain(value.text),
            Some(raw) => Self::Both {
                text: value.text,
                bytes: base64::engine::general_purpose::STANDARD.encode(raw),
            },
        }
    }
}
