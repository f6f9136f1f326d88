//! What the text formats share: values whose bytes are kept beside their decoded form.

use std::borrow::Cow;

use base64::Engine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

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
            text: SmolStr::new(text),
            raw: None,
        }
    }

    /// A decoded value and the bytes that it was decoded from.
    pub fn decoded(text: impl AsRef<str>, raw: &[u8]) -> Self {
        let text = SmolStr::new(text);
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

    /// True when nothing is left after trimming blanks.
    pub fn is_blank(&self) -> bool {
        self.text.trim_start().is_empty()
    }
}

/// A value whose bytes are still at hand: [`EncodedText`] before anything of it is copied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextRef<'a> {
    text: Cow<'a, str>,
    /// The bytes in the file, only where they are not the UTF-8 of `text`.
    raw: Option<Cow<'a, [u8]>>,
}

impl<'a> TextRef<'a> {
    /// A value whose bytes are its UTF-8.
    #[inline]
    pub(crate) fn as_it_stands(text: &'a str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            raw: None,
        }
    }

    /// A decoded value and the bytes that it was decoded from.
    #[inline]
    pub(crate) fn decoded(text: Cow<'a, str>, raw: Cow<'a, [u8]>) -> Self {
        let raw = (text.as_bytes() != raw.as_ref()).then_some(raw);
        Self { text, raw }
    }

    /// The decoded text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The bytes as they stand in the file, escapes undone.
    pub fn raw(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.text.as_bytes())
    }

    /// True when nothing is left after trimming blanks.
    pub fn is_blank(&self) -> bool {
        self.text.trim_start().is_empty()
    }

    /// A copy that outlives the file.
    pub fn to_encoded(&self) -> EncodedText {
        EncodedText {
            text: SmolStr::new(&self.text),
            raw: self.raw.as_deref().map(Into::into),
        }
    }
}

impl From<TextRef<'_>> for EncodedText {
    fn from(value: TextRef<'_>) -> Self {
        Self {
            text: value.text.into(),
            raw: value.raw.map(|raw| raw.into_owned().into()),
        }
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
