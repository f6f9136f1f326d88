//! The one error of this crate: which structure is wrong, where, and how.
//!
//! `what` is always the static name of the structure, so a message reads
//! "VHDX region table at offset 0x30000: checksum mismatch (stored 0x…, computed 0x…)".

use thiserror::Error;

/// Why bytes could not be read as the structure they claim to be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The structure needs more bytes than there are.
    #[error("{what} at offset {offset:#x}: truncated (need {need} bytes, have {have})")]
    Truncated {
        /// Name of the structure.
        what: &'static str,
        /// Where it starts, in bytes from the start of the file.
        offset: u64,
        /// Bytes that it needs.
        need: u64,
        /// Bytes that are there.
        have: u64,
    },
    /// The signature is not the one of this structure.
    #[error("{what} at offset {offset:#x}: bad signature (expected {expected}, found {found})")]
    BadSignature {
        /// Name of the structure.
        what: &'static str,
        /// Where it starts, in bytes from the start of the file.
        offset: u64,
        /// The signature as the format writes it.
        expected: &'static str,
        /// What stands there, as hex bytes.
        found: String,
    },
    /// The stored checksum differs from the computed one.
    #[error("{what} at offset {offset:#x}: checksum mismatch (stored {stored:#010x}, computed {computed:#010x})")]
    ChecksumMismatch {
        /// Name of the structure.
        what: &'static str,
        /// Where it starts, in bytes from the start of the file.
        offset: u64,
        /// The checksum in the file.
        stored: u32,
        /// The checksum over the bytes.
        computed: u32,
    },
    /// A value points or counts past what can be there.
    #[error("{what} at offset {offset:#x}: value {value} is out of bounds (limit {limit})")]
    OutOfBounds {
        /// Name of the structure and field.
        what: &'static str,
        /// Where the field stands, in bytes from the start of the file.
        offset: u64,
        /// The value read.
        value: u64,
        /// The largest value that would have been sound.
        limit: u64,
    },
    /// A limit of [`crate::Limits`] was reached.
    #[error("{what}: {value} exceeds the limit of {limit}")]
    LimitExceeded {
        /// What was counted.
        what: &'static str,
        /// The value met.
        value: u64,
        /// The limit.
        limit: u64,
    },
    /// A version that this crate does not read. It does not guess.
    #[error("{what}: version {version} is not supported")]
    Unsupported {
        /// Name of the structure.
        what: &'static str,
        /// The version as the format writes it.
        version: String,
    },
    /// Anything else that contradicts the format.
    #[error("{what} at offset {offset:#x}: {detail}")]
    Malformed {
        /// Name of the structure.
        what: &'static str,
        /// Where, in bytes from the start of the file.
        offset: u64,
        /// What is wrong, lower case, no full stop.
        detail: String,
    },
    /// The source could not be read.
    #[error("{what} at offset {offset:#x}: {message}")]
    Io {
        /// Name of the structure that was being read.
        what: &'static str,
        /// Where, in bytes from the start of the file.
        offset: u64,
        /// What the operating system said.
        message: String,
        /// The operating system's error number, where it gave one.
        os_error: Option<i32>,
    },
}

impl ParseError {
    /// True when the source could not be read, which says nothing of the bytes.
    pub fn is_io(&self) -> bool {
        matches!(self, Self::Io { .. })
    }

    /// The place that it names, in bytes from the start of the file; `None` for a limit or version.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Truncated { offset, .. }
            | Self::BadSignature { offset, .. }
            | Self::ChecksumMismatch { offset, .. }
            | Self::OutOfBounds { offset, .. }
            | Self::Malformed { offset, .. }
            | Self::Io { offset, .. } => Some(*offset),
            Self::LimitExceeded { .. } | Self::Unsupported { .. } => None,
        }
    }

    /// An I/O error met while reading `what` at `offset`.
    pub fn io(what: &'static str, offset: u64, source: &std::io::Error) -> Self {
        Self::Io {
            what,
            offset,
            message: source.to_string(),
            os_error: source.raw_os_error(),
        }
    }
}

/// The result of every reader here.
pub type Result<T> = std::result::Result<T, ParseError>;

/// Something odd that did not stop the reader: the facts beside it are sound.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Anomaly {
    /// Stable kebab-case code, e.g. `header-copy-bad`.
    pub code: String,
    /// Where, in bytes from the start of the file (`null` where a place means nothing).
    pub offset: Option<u64>,
    /// One sentence: what was found and what was expected. A quotation that makes it longer than some 2 KiB is cut.
    pub text: String,
}

/// Most bytes of the sentence of an anomaly, which may quote a line or a name of the file.
const SENTENCE_MAX_BYTES: usize = 2 << 10;

/// The sentence, its end left out where a quotation makes it too long.
fn bounded(mut sentence: String) -> String {
    if sentence.len() > SENTENCE_MAX_BYTES {
        sentence.truncate(sentence.floor_char_boundary(SENTENCE_MAX_BYTES));
        sentence.push_str(" …");
    }
    sentence
}

impl Anomaly {
    /// An anomaly with a place.
    pub fn at(code: &str, offset: u64, text: impl Into<String>) -> Self {
        Self {
            offset: Some(offset),
            ..Self::new(code, text)
        }
    }

    /// An anomaly of the whole file.
    pub fn new(code: &str, text: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            offset: None,
            text: bounded(text.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_cut_between_two_letters() {
        let long = Anomaly::new("a", "ä".repeat(SENTENCE_MAX_BYTES));
        assert_eq!(long.text, format!("{} …", "ä".repeat(SENTENCE_MAX_BYTES / 2)));
        assert_eq!(Anomaly::new("a", "short").text, "short");
    }
}
