//! Parent locator (MS-VHDX 2.6.2.6): where a differencing disk says its parent is.
//!
//! Key-value pairs in UTF-16LE without NUL. Windows writes `absolute_win32_path` without `\\?\` and a `parent_linkage2`
//! of zeros, both against the text of the specification \[R\]; GUIDs occur in both letter cases. Unknown keys are kept.
//! A pair that cannot be is noted and left out, the others are read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    code,
    format::{PARENT_LOCATOR_ENTRY_BYTES, PARENT_LOCATOR_HEADER_BYTES, PARENT_LOCATOR_VHDX_TYPE_GUID},
};
use crate::{
    bytes::Cursor,
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    limits::Limits,
    text::EncodedText,
    utf16, windows_path,
};

/// Key of the id that proves which file the parent is.
const LINKAGE: &str = "parent_linkage";

/// Every key that has a field.
const KEYS: [&str; 5] = [
    LINKAGE,
    "parent_linkage2",
    "relative_path",
    "volume_path",
    "absolute_win32_path",
];

/// What a differencing disk says of its parent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ParentLocator {
    /// `DataWriteGuid` that the parent had when this disk was made (`parent_linkage`). Zeros are none.
    pub linkage: Option<Uuid>,
    /// Second `DataWriteGuid` that is as good (`parent_linkage2`): set between two steps of a merge. Windows keeps zeros
    /// there otherwise, which are none; `None` where the key is not there.
    pub linkage2: Option<Uuid>,
    /// Path from the folder of this disk.
    pub relative_path: Option<EncodedText>,
    /// Path on a volume named by its GUID.
    pub volume_path: Option<EncodedText>,
    /// Path with a drive letter or a share, as the host saw it.
    pub absolute_win32_path: Option<EncodedText>,
    /// Every other pair, also one whose key stood before, in the order of the file. All pairs, when the locator is of another type than VHDX.
    pub others: Vec<LocatorEntry>,
}

/// A pair of a parent locator that has no field of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocatorEntry {
    /// The key as written.
    pub key: EncodedText,
    /// The value as written.
    pub value: EncodedText,
}

impl ParentLocator {
    /// The paths with their keys, in the order in which MS-VHDX tries them.
    pub fn paths(&self) -> impl Iterator<Item = (&'static str, &EncodedText)> {
        [
            ("relative_path", &self.relative_path),
            ("volume_path", &self.volume_path),
            ("absolute_win32_path", &self.absolute_win32_path),
        ]
        .into_iter()
        .filter_map(|(key, path)| path.as_ref().map(|path| (key, path)))
    }

    /// The ids of which one has to be the parent's `DataWriteGuid`.
    pub fn linkages(&self) -> impl Iterator<Item = Uuid> {
        let all = self.linkage.into_iter().chain(self.linkage2);
        all.filter(|id| !id.is_nil())
    }
}

/// Reads the locator item.
///
/// # Errors
/// `Truncated`, `OutOfBounds` for a count that does not fit, `LimitExceeded`.
pub(super) fn parse(item: &Cursor<'_>, limits: &Limits, findings: &mut Findings) -> Result<ParentLocator> {
    let locator_type = item.guid(0)?;
    let foreign = locator_type != PARENT_LOCATOR_VHDX_TYPE_GUID;
    if foreign {
        let text = format!("parent locator type {locator_type} is unknown: where the parent is cannot be told");
        findings.damage(Anomaly::at(code::LOCATOR_TYPE_UNKNOWN, item.base(), text));
    }
    let count = checked_count(item, limits)?;
    let mut locator = ParentLocator::default();
    // Strings do not share bytes in sound files, so all of them together are no longer than the item.
    let mut budget = item.len();
    let mut has_linkage = false;
    for index in 0..usize::from(count) {
        let entry = read_entry(item, index, &mut budget);
        if let Some((key, value, place)) = findings.tolerate(code::LOCATOR_ENTRY_INVALID, entry)? {
            has_linkage |= key.as_str() == LINKAGE;
            if foreign {
                locator.others.push(LocatorEntry { key, value });
            } else {
                locator.take(key, value, place, findings);
            }
        }
    }
    if !foreign {
        locator.note_missing(has_linkage, item.base(), findings);
    }
    Ok(locator)
}

fn checked_count(item: &Cursor<'_>, limits: &Limits) -> Result<u16> {
    const WHAT: &str = "VHDX parent locator entry count";
    let count = item.u16_le(18)?;
    let room = item.len().saturating_sub(PARENT_LOCATOR_HEADER_BYTES) / PARENT_LOCATOR_ENTRY_BYTES;
    if usize::from(count) > room {
        return Err(ParseError::OutOfBounds {
            what: WHAT,
            offset: item.position(18),
            value: count.into(),
            limit: u64::try_from(room).unwrap_or(u64::MAX),
        });
    }
    if count > limits.locator_entries {
        return Err(ParseError::LimitExceeded {
            what: WHAT,
            value: count.into(),
            limit: limits.locator_entries.into(),
        });
    }
    Ok(count)
}

fn read_entry(item: &Cursor<'_>, index: usize, budget: &mut usize) -> Result<(EncodedText, EncodedText, u64)> {
    let start = index
        .saturating_mul(PARENT_LOCATOR_ENTRY_BYTES)
        .saturating_add(PARENT_LOCATOR_HEADER_BYTES);
    let entry = item.part("VHDX parent locator entry", start, PARENT_LOCATOR_ENTRY_BYTES)?;
    let key = text(item, entry.u32_le(0)?, entry.u16_le(8)?, budget)?;
    let value = text(item, entry.u32_le(4)?, entry.u16_le(10)?, budget)?;
    Ok((key, value, entry.base()))
}

fn text(item: &Cursor<'_>, offset: u32, length: u16, budget: &mut usize) -> Result<EncodedText> {
    const WHAT: &str = "VHDX parent locator string";
    let malformed = |detail: &str| ParseError::Malformed {
        what: WHAT,
        offset: item.base().saturating_add(offset.into()),
        detail: detail.to_owned(),
    };
    let bytes = item
        .part(WHAT, usize::try_from(offset).unwrap_or(usize::MAX), length.into())?
        .bytes();
    if !bytes.len().is_multiple_of(2) {
        return Err(malformed("its length is odd"));
    }
    if utf16::until_nul(bytes).len() != bytes.len() {
        return Err(malformed("it holds a NUL"));
    }
    *budget = budget
        .checked_sub(bytes.len())
        .ok_or_else(|| malformed("the strings together are longer than the item"))?;
    Ok(utf16::decode_le(bytes))
}

impl ParentLocator {
    /// Keys are case-sensitive (MS-VHDX 2.6.2.6.3).
    fn take(&mut self, key: EncodedText, value: EncodedText, place: u64, findings: &mut Findings) {
        match key.as_str() {
            LINKAGE if self.linkage.is_none() => self.linkage = guid(&value, place, findings),
            "parent_linkage2" if self.linkage2.is_none() => self.linkage2 = guid(&value, place, findings),
            "relative_path" if self.relative_path.is_none() => self.relative_path = Some(value),
            "volume_path" if self.volume_path.is_none() => self.volume_path = Some(value),
            "absolute_win32_path" if self.absolute_win32_path.is_none() => self.absolute_win32_path = Some(value),
            name => {
                if KEYS.contains(&name) {
                    let text = format!("{name} occurs twice in the parent locator: the first value is taken");
                    findings.note(Anomaly::at(code::LOCATOR_KEY_TWICE, place, text));
                }
                self.others.push(LocatorEntry { key, value });
            }
        }
    }

    /// Says what MS-VHDX 2.6.2.6.3 asks for and is not there. A linkage finds a parent without any path.
    fn note_missing(&self, has_linkage: bool, place: u64, findings: &mut Findings) {
        let why = match self.linkage {
            None if !has_linkage => Some("has no parent_linkage"),
            Some(id) if id.is_nil() => Some("has a parent_linkage of zeros"),
            _ => None,
        };
        if let Some(why) = why {
            let text = format!("the parent locator {why}: nothing proves which file the parent is");
            findings.note(Anomaly::at(code::LOCATOR_LINKAGE_MISSING, place, text));
        }
        let mut others = self.others.iter();
        if self.paths().next().is_some() || others.any(|pair| windows_path::has_known_extension(pair.value.as_str())) {
            return;
        }
        let anomaly = Anomaly::at(code::LOCATOR_PATH_MISSING, place, "the parent locator names no path");
        if self.linkages().next().is_some() {
            findings.note(anomaly);
        } else {
            findings.damage(anomaly);
        }
    }
}

fn guid(value: &EncodedText, place: u64, findings: &mut Findings) -> Option<Uuid> {
    if let Ok(id) = Uuid::try_parse(value.as_str().trim()) {
        return Some(id);
    }
    let text = format!("parent linkage {:?} is no GUID", value.as_str());
    findings.damage(Anomaly::at(code::LOCATOR_ENTRY_INVALID, place, text));
    None
}
