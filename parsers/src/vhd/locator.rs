//! Parent locators: where a differencing disk says its parent is.
//!
//! `W2ru` and `W2ku` are UTF-16LE without NUL. The "data space" is sectors by the specification and bytes in files of
//! Windows \[R\], so only the length counts. A locator that cannot be is noted and left out, the others are read.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    code,
    dynamic_header::ParsedDynamicHeader,
    format::{PARENT_LOCATOR_BYTES, PARENT_LOCATORS_OFFSET},
};
use crate::{
    bytes::Cursor,
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
    text::EncodedText,
    utf16,
};

const LOCATOR: &str = "VHD parent locator";
const UNUSED: &[u8] = &[0; 4];

/// What a differencing disk says of its parent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct VhdParent {
    /// Unique id of the parent's footer.
    pub unique_id: Option<Uuid>,
    /// Time of the parent as the child noted it. Windows 10 leaves it empty: it tells nothing of staleness.
    pub time: Option<Timestamp>,
    /// Path from the folder of this disk (`W2ru`).
    pub relative_path: Option<EncodedText>,
    /// Path with a drive letter or a share, as the host saw it (`W2ku`).
    pub absolute_path: Option<EncodedText>,
    /// Name in the dynamic header; Windows 10 puts the full path there.
    pub name: Option<EncodedText>,
    /// Locators of other platforms, and second ones of these.
    pub others: Vec<VhdLocator>,
}

/// A parent locator that has no field of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VhdLocator {
    /// Platform code, e.g. `Wi2r`, `Wi2k` (deprecated paths), `MacX` (a file URL).
    pub platform: String,
    /// Its content, read as UTF-8.
    pub value: EncodedText,
}

impl VhdParent {
    /// The paths with where they stand, in the order in which to try them: `W2ru`, `W2ku`, the deprecated ones, the name.
    pub fn paths(&self) -> impl Iterator<Item = (&str, &EncodedText)> {
        let first = [("W2ru", &self.relative_path), ("W2ku", &self.absolute_path)];
        let others = self
            .others
            .iter()
            .map(|locator| (locator.platform.as_str(), Some(&locator.value)));
        first
            .into_iter()
            .map(|(platform, path)| (platform, path.as_ref()))
            .chain(others)
            .chain([("parent name", self.name.as_ref())])
            .filter_map(|(place, path)| path.map(|path| (place, path)))
    }
}

/// Reads everything that the disk says of its parent.
pub(super) fn read(
    source: &impl ReadAt,
    header: &ParsedDynamicHeader,
    limits: &Limits,
    findings: &mut Findings,
) -> Result<VhdParent> {
    let mut parent = VhdParent {
        unique_id: Some(header.parent_id).filter(|id| !id.is_nil()),
        time: header.parent_time,
        name: Some(header.parent_name.clone()).filter(|name| !name.is_blank()),
        ..VhdParent::default()
    };
    let mut place = Cursor::new(LOCATOR, header.offset, &[]).position(PARENT_LOCATORS_OFFSET);
    for raw in header.locators.chunks_exact(PARENT_LOCATOR_BYTES) {
        let entry = Cursor::new(LOCATOR, place, raw);
        if !raw.starts_with(UNUSED) {
            let content = content(source, &entry, limits);
            if let Some(content) = findings.tolerate(code::LOCATOR_BAD, content)? {
                parent.take(raw.first_chunk().copied().unwrap_or_default(), &content);
            }
        }
        place = place.saturating_add(24);
    }
    parent.note_missing(header.offset, findings);
    Ok(parent)
}

fn content(source: &impl ReadAt, entry: &Cursor<'_>, limits: &Limits) -> Result<Vec<u8>> {
    let length = u64::from(entry.u32_be(8)?);
    if length > limits.string_bytes {
        return Err(ParseError::OutOfBounds {
            what: "VHD parent locator length",
            offset: entry.position(8),
            value: length,
            limit: limits.string_bytes,
        });
    }
    let wide = matches!(entry.slice(0, 4)?, b"W2ru" | b"W2ku");
    if wide && !length.is_multiple_of(2) {
        return Err(ParseError::Malformed {
            what: "VHD parent locator length",
            offset: entry.position(8),
            detail: format!("{length} is odd"),
        });
    }
    source
        .exact("VHD parent locator path", entry.u64_be(16)?, length)
        .map(Cow::into_owned)
}

impl VhdParent {
    /// Says what every differencing disk tells and this one does not. The id finds a parent without any path.
    fn note_missing(&self, place: u64, findings: &mut Findings) {
        let has_path = self.paths().any(|(_, path)| !path.is_blank());
        if self.unique_id.is_none() {
            let text = "the disk has a parent and does not say by its id which";
            findings.note(Anomaly::at(code::PARENT_ID_MISSING, place.saturating_add(40), text));
        }
        if has_path {
            return;
        }
        let anomaly = Anomaly::at(
            code::PARENT_PATH_MISSING,
            place.saturating_add(64),
            "the disk has a parent and does not say where",
        );
        if self.unique_id.is_some() {
            findings.note(anomaly);
        } else {
            findings.damage(anomaly);
        }
    }

    fn take(&mut self, platform: [u8; 4], content: &[u8]) {
        let field = match &platform {
            b"W2ru" => Some(&mut self.relative_path),
            b"W2ku" => Some(&mut self.absolute_path),
            _ => None,
        };
        let value = if field.is_some() {
            utf16::decode_le(utf16::until_nul(content))
        } else {
            let end = content.iter().position(|&byte| byte == 0).unwrap_or(content.len());
            // What begins with a NUL is no text, and is kept as it is: an alias of a Mac.
            let text = content.get(..end).filter(|text| !text.is_empty()).unwrap_or(content);
            EncodedText::decoded(String::from_utf8_lossy(text), text)
        };
        match field {
            Some(field) if field.is_none() => *field = Some(value),
            _ => self.others.push(VhdLocator {
                platform: String::from_utf8_lossy(&platform).into_owned(),
                value,
            }),
        }
    }
}
