//! CD and DVD images: ISO 9660 (ECMA-119, with Joliet names and El Torito boot record) and UDF (ECMA-167).
//!
//! Read: the volume descriptors from sector 16 on and, where they announce a UDF volume, its descriptors behind the anchor
//! at sector 256. Directories are not read. The label tells people which image it is; it ties no file to a VM.

use jiff::{Timestamp, civil, tz::Offset};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ParseError, ReadAt, Result, bytes::Cursor, error::Anomaly, findings::Findings, utf16};

/// Name of the structure in errors.
const WHAT: &str = "ISO 9660 volume descriptor";
/// Name of the structure in errors.
const UDF: &str = "UDF volume descriptor";
/// Bytes of a sector.
const SECTOR_BYTES: u64 = 2048;
/// The same, as an index.
const SECTOR: usize = 2048;
/// Where the volume descriptors begin, in bytes from the start of the file (ECMA-119 6.2.1: sector 16).
const DESCRIPTORS_OFFSET: u64 = 16 * SECTOR_BYTES;
/// Most volume descriptors that are read. Images have less than 10.
const DESCRIPTORS_MAX_COUNT: u64 = 32;
/// Where the anchor of a UDF volume stands (ECMA-167 3/8.4.2.1: sector 256).
const ANCHOR_OFFSET: u64 = 256 * SECTOR_BYTES;
/// Most descriptors of the main sequence of a UDF volume that are read.
const SEQUENCE_MAX_BYTES: u64 = 32 * SECTOR_BYTES;

/// The codes of the anomalies of an image.
pub mod code {
    /// Damage: the file is shorter than its volume.
    pub const SHORTER_THAN_VOLUME: &str = "shorter-than-volume";
    /// The set of volume descriptors has no end; damage where the primary one is missing too.
    pub const TERMINATOR_MISSING: &str = "terminator-missing";
    /// The descriptors of a UDF volume cannot be read.
    pub const UDF_DESCRIPTORS_BAD: &str = "udf-descriptors-bad";
}

/// What an image says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Iso {
    /// The primary volume descriptor; `None` in a pure UDF image.
    pub primary: Option<Volume>,
    /// Volume identifier in Unicode, where there is a Joliet descriptor.
    pub joliet_label: Option<String>,
    /// There is an El Torito boot record: a machine can boot from it.
    pub is_bootable: bool,
    /// The UDF volume, where there is one.
    pub udf: Option<UdfVolume>,
    /// The first anomaly after which the content is not whole.
    pub damage: Option<Anomaly>,
    /// What is odd or damaged.
    pub anomalies: Vec<Anomaly>,
}

/// A volume of ISO 9660. Texts are without the blanks that fill them; `None` where nothing is left.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Volume {
    /// Volume identifier: the label.
    pub label: Option<String>,
    /// System that may use the boot area.
    pub system: Option<String>,
    /// Volume set identifier.
    pub volume_set: Option<String>,
    /// Publisher identifier.
    pub publisher: Option<String>,
    /// Data preparer identifier.
    pub preparer: Option<String>,
    /// Application identifier: what wrote it.
    pub application: Option<String>,
    /// Size of the volume in bytes.
    pub bytes: u64,
    /// Size of a logical block in bytes; 2048 in practice.
    pub block_bytes: u16,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it was last modified.
    pub modified: Option<Timestamp>,
}

/// A UDF volume.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct UdfVolume {
    /// The standard that the recognition sequence names: `NSR02` or `NSR03`.
    pub standard: String,
    /// Logical volume identifier: the label.
    pub label: Option<String>,
    /// Primary volume identifier.
    pub volume: Option<String>,
    /// Size of a logical block in bytes.
    pub block_bytes: Option<u32>,
}

/// True when the bytes from offset 0 hold a volume descriptor of either standard at sector 16.
pub fn has_signature(head: &[u8]) -> bool {
    let place = usize::try_from(DESCRIPTORS_OFFSET)
        .unwrap_or(usize::MAX)
        .saturating_add(1);
    head.get(place..)
        .is_some_and(|rest| rest.starts_with(b"CD001") || rest.starts_with(b"BEA01"))
}

/// Reads the volume descriptors.
///
/// # Errors
/// `Truncated` or `BadSignature` when there is no volume descriptor at sector 16, `Io`.
pub fn read(source: &(impl ReadAt + ?Sized)) -> Result<Iso> {
    let bytes = source.up_to(
        WHAT,
        DESCRIPTORS_OFFSET,
        DESCRIPTORS_MAX_COUNT.saturating_mul(SECTOR_BYTES),
    )?;
    let first = Cursor::new(WHAT, DESCRIPTORS_OFFSET, &bytes);
    if first.slice(1, 5)? != b"BEA01" {
        first.signature(1, b"CD001", "CD001")?;
    }
    let mut reader = Reader::default();
    let mut place = DESCRIPTORS_OFFSET;
    for sector in bytes.chunks_exact(SECTOR) {
        if !reader.take(&Cursor::new(WHAT, place, sector))? {
            break;
        }
        place = place.saturating_add(SECTOR_BYTES);
    }
    reader.finish(source)
}

/// What was met of the descriptors.
#[derive(Debug, Default)]
struct Reader {
    iso: Iso,
    findings: Findings,
    terminated: bool,
}

impl Reader {
    /// Takes one descriptor; false where the sequence ends.
    fn take(&mut self, cursor: &Cursor<'_>) -> Result<bool> {
        match cursor.slice(1, 5)? {
            b"CD001" if !self.terminated => match cursor.u8(0)? {
                0 => self.iso.is_bootable |= cursor.slice(7, 23)? == b"EL TORITO SPECIFICATION",
                1 if self.iso.primary.is_none() => self.iso.primary = Some(Volume::parse(cursor)?),
                2 if self.iso.joliet_label.is_none() => self.iso.joliet_label = joliet_label(cursor)?,
                255 => self.terminated = true,
                _ => {}
            },
            standard @ (b"NSR02" | b"NSR03") => {
                self.iso.udf = Some(UdfVolume {
                    standard: String::from_utf8_lossy(standard).into_owned(),
                    ..UdfVolume::default()
                });
            }
            b"BEA01" | b"TEA01" | b"BOOT2" | b"CD001" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Says that the descriptors have no end. Without the primary one nothing is known of the volume, unless it is UDF.
    fn note_end(&mut self) {
        if self.terminated || (self.iso.primary.is_none() && self.iso.udf.is_some()) {
            return;
        }
        let text = "the volume descriptors have no end";
        let anomaly = Anomaly::at(code::TERMINATOR_MISSING, DESCRIPTORS_OFFSET, text);
        if self.iso.primary.is_some() {
            self.findings.note(anomaly);
        } else {
            self.findings.damage(anomaly);
        }
    }

    fn finish(mut self, source: &(impl ReadAt + ?Sized)) -> Result<Iso> {
        self.note_end();
        if let Some(volume) = &self.iso.primary
            && volume.bytes > source.len()
        {
            let text = format!(
                "the volume has {} bytes, the file {}: cut off, or still being copied",
                volume.bytes,
                source.len()
            );
            self.findings
                .damage(Anomaly::at(code::SHORTER_THAN_VOLUME, source.len(), text));
        }
        if let Some(volume) = &mut self.iso.udf {
            match read_udf(source, volume) {
                Err(error) if error.is_io() => return Err(error),
                Err(error) => self.findings.note_fault(code::UDF_DESCRIPTORS_BAD, error)?,
                Ok(()) => {}
            }
        }
        self.iso.damage = self.findings.first_damage();
        self.iso.anomalies = self.findings.into_anomalies();
        Ok(self.iso)
    }
}

impl Volume {
    /// ECMA-119 8.4.
    fn parse(cursor: &Cursor<'_>) -> Result<Self> {
        let text = |offset, length| cursor.slice(offset, length).map(filled_text);
        let block_bytes = cursor.u16_le(128)?;
        Ok(Self {
            label: text(40, 32)?,
            system: text(8, 32)?,
            volume_set: text(190, 128)?,
            publisher: text(318, 128)?,
            preparer: text(446, 128)?,
            application: text(574, 128)?,
            bytes: u64::from(cursor.u32_le(80)?).saturating_mul(block_bytes.into()),
            block_bytes,
            created: time(cursor.slice(813, 17)?),
            modified: time(cursor.slice(830, 17)?),
        })
    }
}

/// Text without the blanks and NULs that fill its field; `None` where nothing is left.
fn filled_text(field: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(field);
    let text = text.trim_matches([' ', '\0']);
    (!text.is_empty()).then(|| text.to_owned())
}

/// The label of a supplementary descriptor whose escape sequences say UCS-2 (Joliet).
fn joliet_label(cursor: &Cursor<'_>) -> Result<Option<String>> {
    let escapes = cursor.slice(88, 3)?;
    if !matches!(escapes, b"%/@" | b"%/C" | b"%/E") {
        return Ok(None);
    }
    let label = utf16::decode_be(cursor.slice(40, 32)?);
    let label = label.as_str().trim_matches([' ', '\0']);
    Ok((!label.is_empty()).then(|| label.to_owned()))
}

/// ECMA-119 8.4.26.1: sixteen digits and the offset from UTC in quarters of an hour. Zeros stand for "not set".
fn time(field: &[u8]) -> Option<Timestamp> {
    let (&offset, digits) = field.split_last()?;
    let text = std::str::from_utf8(digits).ok()?;
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i8>().ok();
    let year: i16 = text.get(0..4)?.parse().ok()?;
    let nanoseconds = i32::from(number(14, 16)?).checked_mul(10_000_000)?;
    let local = civil::DateTime::new(
        year,
        number(4, 6)?,
        number(6, 8)?,
        number(8, 10)?,
        number(10, 12)?,
        number(12, 14)?,
        nanoseconds,
    )
    .ok()?;
    let seconds = i32::from(i8::from_le_bytes([offset])).checked_mul(15 * 60)?;
    Offset::from_seconds(seconds).ok()?.to_timestamp(local).ok()
}

/// Reads the main sequence of volume descriptors that the anchor names (ECMA-167 3/8.4.2).
fn read_udf(source: &(impl ReadAt + ?Sized), volume: &mut UdfVolume) -> Result<()> {
    let anchor = source.exact(UDF, ANCHOR_OFFSET, SECTOR_BYTES)?;
    let anchor = Cursor::new(UDF, ANCHOR_OFFSET, &anchor);
    check_tag(&anchor, TAG_ANCHOR)?;
    let (length, sector) = (u64::from(anchor.u32_le(16)?), u64::from(anchor.u32_le(20)?));
    let offset = sector.saturating_mul(SECTOR_BYTES);
    let bytes = source.exact(UDF, offset, length.min(SEQUENCE_MAX_BYTES))?;
    let mut place = offset;
    for sector in bytes.chunks_exact(SECTOR) {
        let cursor = Cursor::new(UDF, place, sector);
        match cursor.u16_le(0)? {
            TAG_PRIMARY => {
                check_tag(&cursor, TAG_PRIMARY)?;
                volume.volume = dstring(cursor.slice(24, 32)?);
            }
            TAG_LOGICAL => {
                check_tag(&cursor, TAG_LOGICAL)?;
                volume.label = dstring(cursor.slice(84, 128)?);
                volume.block_bytes = Some(cursor.u32_le(212)?);
            }
            TAG_TERMINATOR => break,
            _ => {}
        }
        place = place.saturating_add(SECTOR_BYTES);
    }
    Ok(())
}

/// Tag of a primary volume descriptor.
const TAG_PRIMARY: u16 = 1;
/// Tag of an anchor.
const TAG_ANCHOR: u16 = 2;
/// Tag of a logical volume descriptor.
const TAG_LOGICAL: u16 = 6;
/// Tag of a terminating descriptor.
const TAG_TERMINATOR: u16 = 8;

/// A tag has its number and a checksum of its other bytes (ECMA-167 3/7.2).
fn check_tag(cursor: &Cursor<'_>, expected: u16) -> Result<()> {
    let tag = cursor.slice(0, 16)?;
    let sum = tag
        .iter()
        .enumerate()
        .filter(|(place, _)| *place != 4)
        .fold(0_u8, |sum, (_, &byte)| sum.wrapping_add(byte));
    let found = cursor.u16_le(0)?;
    if found != expected {
        return Err(ParseError::Malformed {
            what: UDF,
            offset: cursor.base(),
            detail: format!("tag {found} and not {expected}"),
        });
    }
    let stored = cursor.u8(4)?;
    if stored != sum {
        return Err(ParseError::ChecksumMismatch {
            what: UDF,
            offset: cursor.base(),
            stored: stored.into(),
            computed: sum.into(),
        });
    }
    Ok(())
}

/// A field of characters: the first byte says how wide they are, the last how many bytes are used (OSTA UDF 2.1.3).
fn dstring(field: &[u8]) -> Option<String> {
    let (&length, rest) = field.split_last()?;
    let used = rest.get(..usize::from(length))?;
    let (&width, characters) = used.split_first()?;
    let text = match width {
        8 => characters.iter().map(|&byte| char::from(byte)).collect(),
        16 => utf16::decode_be(characters).as_str().to_owned(),
        _ => return None,
    };
    Some(text).filter(|text: &String| !text.trim().is_empty())
}
