//! Paths as bytes: lossless, with `/` between parts, whatever the platform.
//!
//! File names on a datastore are bytes that need not be Unicode. A [`RawPath`] keeps them; in JSON it is a string where
//! it is Unicode and `{"bytes": base64}` where it is not; shown to people it is escaped (see [`crate::sanitize`]).

use std::{borrow::Cow, fmt::Write as _, path::PathBuf};

use base64::Engine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// A path or a name as bytes, parts divided by `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize, JsonSchema)]
#[serde(from = "Wire")]
#[schemars(with = "Wire")]
pub struct RawPath(Vec<u8>);

impl RawPath {
    /// A path from its bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// A path of this machine; on Windows `\` becomes `/`.
    pub fn from_os(path: &std::path::Path) -> Self {
        let bytes = path.as_os_str().as_encoded_bytes();
        if cfg!(windows) {
            return Self(
                bytes
                    .iter()
                    .map(|&byte| if byte == b'\\' { b'/' } else { byte })
                    .collect(),
            );
        }
        Self(bytes.to_vec())
    }

    /// The path as this machine opens it. `None` where its bytes cannot be a path here.
    pub fn to_os(&self) -> Option<PathBuf> {
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            Some(PathBuf::from(std::ffi::OsStr::from_bytes(&self.0)))
        }
        #[cfg(windows)]
        {
            crate::windows::path_of(&self.0)
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Decoded for comparison and messages; bytes that are not Unicode become U+FFFD.
    pub fn lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// As text in which no two paths look the same: bytes that are not Unicode as `\xNN`.
    pub fn escaped(&self) -> Cow<'_, str> {
        if let Ok(unicode) = std::str::from_utf8(&self.0) {
            return Cow::Borrowed(unicode);
        }
        let mut escaped = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            escaped.push_str(chunk.valid());
            for byte in chunk.invalid() {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\x{byte:02x}");
            }
        }
        Cow::Owned(escaped)
    }

    /// The parts between the slashes, without empty ones.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|&byte| byte == b'/').filter(|part| !part.is_empty())
    }

    /// The last part; empty for an empty path.
    pub fn name(&self) -> &[u8] {
        self.parts().next_back().unwrap_or_default()
    }

    /// All but the last part; empty for a file of the top folder.
    #[must_use]
    pub fn folder(&self) -> RawPath {
        match self.0.iter().rposition(|&byte| byte == b'/') {
            Some(end) => Self(self.0.get(..end).unwrap_or_default().to_vec()),
            None => Self::default(),
        }
    }

    /// This path with one more part.
    #[must_use]
    pub fn join(&self, part: &[u8]) -> RawPath {
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + part.len());
        bytes.extend_from_slice(&self.0);
        if !bytes.is_empty() && !bytes.ends_with(b"/") && !part.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(part);
        Self(bytes)
    }

    /// True for the empty path.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for RawPath {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

/// JSON form.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Wire {
    /// A path that is Unicode.
    Text(String),
    /// A path that is not.
    Bytes {
        /// Base64 of its bytes.
        bytes: String,
    },
}

impl From<Wire> for RawPath {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::Text(text) => Self(text.into_bytes()),
            Wire::Bytes { bytes } => Self(
                base64::engine::general_purpose::STANDARD
                    .decode(bytes)
                    .unwrap_or_default(),
            ),
        }
    }
}

/// A report holds millions of them: what is Unicode is written without a copy.
impl Serialize for RawPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Wire::Bytes {
                bytes: base64::engine::general_purpose::STANDARD.encode(&self.0),
            }
            .serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_unicode_are_told_apart_in_text() {
        assert_eq!(RawPath::from("vm/Köln.vmdk").escaped(), "vm/Köln.vmdk");
        assert_eq!(RawPath::new(*b"inv\xff\xfealid").escaped(), r"inv\xff\xfealid");
        assert_ne!(RawPath::new(*b"a\xff").escaped(), RawPath::new(*b"a\xfe").escaped());
    }
}
