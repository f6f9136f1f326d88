//! Footer: the last 512 bytes, with a copy at offset 0 of dynamic and differencing disks.
//!
//! The one at the end is taken when its checksum is right, else the copy, else whatever is there, and that is damage.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Geometry, code,
    format::{
        EPOCH_UNIX_SECONDS, FOOTER_BYTES, FOOTER_CHECKSUM_OFFSET, FOOTER_COOKIE, FOOTER_FEATURE_TEMPORARY,
        OLD_FOOTER_BYTES, TYPE_DIFFERENCING, TYPE_DYNAMIC, TYPE_FIXED, VERSION, sum_without,
    },
};
use crate::{
    bytes::Cursor,
    disk_kind::DiskKind,
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    read_at::ReadAt,
};

const FOOTER: &str = "VHD footer";

/// Where the footer stands that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FooterPlace {
    /// The last 512 bytes.
    #[serde(rename = "end")]
    End,
    /// The last 511 bytes: a writer before 2004.
    #[serde(rename = "end-511")]
    End511,
    /// The copy at offset 0: the one at the end is lost or bad.
    #[serde(rename = "start")]
    Start,
}

/// The fields of a footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ParsedFooter {
    pub(super) place: FooterPlace,
    /// Bytes from the start of the file.
    pub(super) offset: u64,
    pub(super) features: u32,
    pub(super) temporary: bool,
    pub(super) geometry: Geometry,
    /// Where the dynamic header is, bytes from the start of the file.
    pub(super) data_offset: u64,
    pub(super) created: Option<Timestamp>,
    pub(super) creator: Option<String>,
    pub(super) creator_version: u32,
    pub(super) creator_host_os: Option<String>,
    pub(super) original_bytes: u64,
    pub(super) current_bytes: u64,
    pub(super) kind: DiskKind,
    pub(super) unique_id: Uuid,
    pub(super) saved_state: bool,
    stored_checksum: u32,
    computed_checksum: u32,
}

impl ParsedFooter {
    fn check_sum(&self) -> Result<()> {
        if self.stored_checksum == self.computed_checksum {
            return Ok(());
        }
        Err(ParseError::ChecksumMismatch {
            what: FOOTER,
            offset: self.offset,
            stored: self.stored_checksum,
            computed: self.computed_checksum,
        })
    }

    fn is_sound(&self) -> bool {
        self.check_sum().is_ok()
    }
}

/// The footer at the end, or `None` when there is none; also for the probe.
pub(super) fn read_end(source: &impl ReadAt) -> Result<Option<ParsedFooter>> {
    for (place, bytes) in [
        (FooterPlace::End, FOOTER_BYTES),
        (FooterPlace::End511, OLD_FOOTER_BYTES),
    ] {
        if let Some(offset) = source.len().checked_sub(bytes)
            && let Some(footer) = read_at(source, place, offset, bytes)?
        {
            return Ok(Some(footer));
        }
    }
    Ok(None)
}

/// True when one of the two places at the end holds the cookie, whatever follows it.
pub(super) fn has_cookie_at_end(source: &impl ReadAt) -> Result<bool> {
    let offset = source.len().saturating_sub(FOOTER_BYTES);
    let tail = source.up_to(FOOTER, offset, 9)?;
    Ok(tail.starts_with(FOOTER_COOKIE) || tail.get(1..).is_some_and(|rest| rest.starts_with(FOOTER_COOKIE)))
}

/// Finds the footer to believe. A fixed disk has no copy: what stands at its start is the guest's, even when it looks like
/// a footer.
pub(super) fn find(source: &impl ReadAt, findings: &mut Findings) -> Result<ParsedFooter> {
    let (end, fault) = match read_end(source) {
        Err(error) if error.is_io() => return Err(error),
        Err(error) => (None, Some(error)),
        Ok(end) => (end, None),
    };
    if let Some(end) = &end
        && end.kind == DiskKind::Fixed
        && (end.is_sound() || end.data_offset == u64::MAX)
    {
        findings.tolerate(code::FOOTER_CHECKSUM_BAD, end.check_sum())?;
        return Ok(end.clone());
    }
    let start = match read_at(source, FooterPlace::Start, 0, FOOTER_BYTES) {
        Err(error) if error.is_io() => return Err(error),
        other => other.ok().flatten().filter(|start| start.kind != DiskKind::Fixed),
    };
    match (end, start) {
        (Some(end), start) => choose(end, start, findings),
        (None, Some(start)) => {
            note_lost_end(source, fault, findings)?;
            start_alone(start, findings)
        }
        (None, None) => Err(fault.map_or_else(|| no_footer(source), Ok)?),
    }
}

/// Both are read: the better one.
fn choose(end: ParsedFooter, start: Option<ParsedFooter>, findings: &mut Findings) -> Result<ParsedFooter> {
    match (end.check_sum(), start) {
        (Ok(()), start) => {
            note_copy(&end, start.as_ref(), findings);
            Ok(end)
        }
        (Err(error), Some(start)) if start.is_sound() => {
            findings.note_fault(code::FOOTER_BAD, error)?;
            Ok(start)
        }
        (Err(error), _) => {
            findings.tolerate::<()>(code::FOOTER_CHECKSUM_BAD, Err(error))?;
            Ok(end)
        }
    }
}

fn start_alone(start: ParsedFooter, findings: &mut Findings) -> Result<ParsedFooter> {
    findings.tolerate(code::FOOTER_CHECKSUM_BAD, start.check_sum())?;
    Ok(start)
}

fn note_lost_end(source: &impl ReadAt, fault: Option<ParseError>, findings: &mut Findings) -> Result<()> {
    if let Some(fault) = fault {
        return findings.tolerate(code::FOOTER_LOST, Err(fault)).map(|_: Option<()>| ());
    }
    let text = "there is no footer at the end, and its copy at the start is sound: the end of the file is lost";
    let place = source.len().saturating_sub(FOOTER_BYTES);
    findings.damage(Anomaly::at(code::FOOTER_LOST, place, text));
    Ok(())
}

fn note_copy(end: &ParsedFooter, start: Option<&ParsedFooter>, findings: &mut Findings) {
    let text = match start {
        None => "the copy of the footer is missing",
        Some(copy) if !copy.is_sound() => "the copy of the footer has a wrong checksum",
        Some(copy) if copy.stored_checksum != end.stored_checksum => "the copy of the footer differs from it",
        Some(_) => return,
    };
    findings.note(Anomaly::at(code::FOOTER_COPY_BAD, 0, text));
}

fn no_footer(source: &impl ReadAt) -> Result<ParseError> {
    if source.len() < FOOTER_BYTES {
        return Ok(ParseError::Truncated {
            what: FOOTER,
            offset: 0,
            need: FOOTER_BYTES,
            have: source.len(),
        });
    }
    let offset = source.len().saturating_sub(FOOTER_BYTES);
    let found = source.exact(FOOTER, offset, 8)?;
    match Cursor::new(FOOTER, offset, &found).signature(0, FOOTER_COOKIE, "conectix") {
        Err(error) => Ok(error),
        Ok(()) => Ok(ParseError::Malformed {
            what: FOOTER,
            offset,
            detail: "it changed while it was read".to_owned(),
        }),
    }
}

/// The footer at `offset`; `None` where its cookie is not there, or the file ends in it.
fn read_at(source: &impl ReadAt, place: FooterPlace, offset: u64, length: u64) -> Result<Option<ParsedFooter>> {
    let mut bytes = source.up_to(FOOTER, offset, length)?.into_owned();
    if !bytes.starts_with(FOOTER_COOKIE) || length_of(&bytes) < length {
        return Ok(None);
    }
    // The byte that an old footer lacks is reserved and zero.
    bytes.resize(512, 0);
    parse(place, &Cursor::new(FOOTER, offset, &bytes)).map(Some)
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn parse(place: FooterPlace, cursor: &Cursor<'_>) -> Result<ParsedFooter> {
    let version = cursor.u32_be(12)?;
    if version != VERSION {
        return Err(ParseError::Unsupported {
            what: FOOTER,
            version: format!("{version:#x}"),
        });
    }
    let kind = match cursor.u32_be(60)? {
        TYPE_FIXED => DiskKind::Fixed,
        TYPE_DYNAMIC => DiskKind::Dynamic,
        TYPE_DIFFERENCING => DiskKind::Differencing,
        other => {
            return Err(ParseError::Malformed {
                what: "VHD disk type",
                offset: cursor.position(60),
                detail: format!("{other} is none of fixed (2), dynamic (3) and differencing (4)"),
            });
        }
    };
    let features = cursor.u32_be(8)?;
    Ok(ParsedFooter {
        place,
        offset: cursor.base(),
        features,
        temporary: features & FOOTER_FEATURE_TEMPORARY != 0,
        geometry: Geometry {
            cylinders: cursor.u16_be(56)?,
            heads: cursor.u8(58)?,
            sectors: cursor.u8(59)?,
        },
        data_offset: cursor.u64_be(16)?,
        created: time(cursor.u32_be(24)?),
        creator: four_characters(cursor, 28)?,
        creator_version: cursor.u32_be(32)?,
        creator_host_os: four_characters(cursor, 36)?,
        original_bytes: cursor.u64_be(40)?,
        current_bytes: cursor.u64_be(48)?,
        kind,
        unique_id: cursor.uuid_be(68)?,
        saved_state: cursor.u8(84)? != 0,
        stored_checksum: cursor.u32_be(FOOTER_CHECKSUM_OFFSET)?,
        computed_checksum: sum_without(cursor.bytes(), FOOTER_CHECKSUM_OFFSET),
    })
}

/// Seconds since 2000 as a time; `None` for zero, which stands for "not set".
pub(super) fn time(seconds: u32) -> Option<Timestamp> {
    let unix = EPOCH_UNIX_SECONDS.checked_add(seconds.into())?;
    (seconds != 0).then(|| Timestamp::from_second(unix).ok())?
}

/// A code of four characters without the blanks and NULs that fill it; `None` when there is nothing else. Bytes that are
/// no ASCII in hex.
fn four_characters(cursor: &Cursor<'_>, offset: usize) -> Result<Option<String>> {
    let raw = cursor.slice(offset, 4)?;
    let is_filler = |byte: &u8| matches!(byte, 0 | b' ');
    if raw.iter().all(is_filler) {
        return Ok(None);
    }
    if raw.iter().all(|byte| is_filler(byte) || byte.is_ascii_graphic()) {
        let text = String::from_utf8_lossy(raw);
        return Ok(Some(text.trim_matches(['\0', ' ']).to_owned()));
    }
    Ok(Some(format!("{:#010x}", cursor.u32_be(offset)?)))
}
