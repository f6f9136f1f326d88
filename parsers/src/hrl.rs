//! Logs of Hyper-V Replica: `.hrl` and, taken for the same family \[A\], `.hru` (MS-HRL).
//!
//! Only the header of 4096 bytes is read. Its byte order is not stated; little-endian is assumed \[A\]. The example of the
//! specification does not reproduce its own checksum, so a wrong checksum is an anomaly and no damage.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    bytes::Cursor,
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    read_at::ReadAt,
    vhd::format::{EPOCH_UNIX_SECONDS, sum_without},
};

const HEADER: &str = "HRL header";
const SIGNATURE: &[u8] = b"msctlog ";
pub(crate) const HEADER_BYTES: u64 = 4096;
pub(crate) const CHECKSUM_OFFSET: usize = 40;
pub(crate) const VERSION_1: u32 = 0x0001_0000;
pub(crate) const VERSION_2: u32 = 0x0002_0000;

/// The codes of the anomalies of a replica log.
pub mod code {
    /// The header has a wrong checksum.
    pub const HEADER_CHECKSUM_BAD: &str = "header-checksum-bad";
    /// Damage: the log ends outside the file.
    pub const END_OUT_OF_BOUNDS: &str = "end-out-of-bounds";
}

/// What a replica log says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hrl {
    /// Format version: 1 or 2.
    pub version: u32,
    /// When it was begun.
    pub created: Option<Timestamp>,
    /// When it was last modified.
    pub modified: Option<Timestamp>,
    /// Creator code, trimmed (`ct`).
    pub creator: String,
    /// Version of the creator, as written.
    #[serde(default)]
    pub creator_version: u32,
    /// Original size of the log in bytes.
    #[serde(default)]
    pub original_bytes: u64,
    /// Current size of the log in bytes.
    #[serde(default)]
    pub current_bytes: u64,
    /// Size of a block of metadata in bytes; 4096.
    #[serde(default)]
    pub metadata_block_bytes: u32,
    /// Type of the file; 0.
    #[serde(default)]
    pub file_type: u32,
    /// Flags, as written.
    #[serde(default)]
    pub flags: u16,
    /// Identity of this log.
    pub unique_id: Option<Uuid>,
    /// Identity of the log before it.
    pub previous_id: Option<Uuid>,
    /// `DataWriteGuid` of the VHDX whose writes it holds; only in version 2.
    pub data_write_guid: Option<Uuid>,
    /// Where the log ends, bytes from the start of the file; zero while it is open.
    pub end_offset: u64,
    /// True while it was not closed: in use, or its host stopped.
    pub open: bool,
    /// Blocks of metadata entries, all together.
    pub metadata_entries: u64,
    /// Error code of the writer; 0 for none.
    pub error_code: u32,
    /// The first anomaly after which data may be missing.
    pub damage: Option<Anomaly>,
    /// What is odd or damaged.
    pub anomalies: Vec<Anomaly>,
}

/// Reads the header of a replica log.
///
/// # Errors
/// `Truncated`, `BadSignature`, `Unsupported` for another version, `Io`.
pub fn read(source: &(impl ReadAt + ?Sized)) -> Result<Hrl> {
    let bytes = (&source).exact(HEADER, 0, HEADER_BYTES)?;
    let cursor = Cursor::new(HEADER, 0, &bytes);
    cursor.signature(0, SIGNATURE, "msctlog ")?;
    let version = cursor.u32_le(8)?;
    if ![VERSION_1, VERSION_2].contains(&version) {
        return Err(ParseError::Unsupported {
            what: HEADER,
            version: format!("{version:#x}"),
        });
    }
    let mut findings = Findings::default();
    note_checksum(&cursor, &mut findings)?;
    let end_offset = cursor.u64_le(44)?;
    note_end(end_offset, source.len(), &mut findings);
    let guid = |offset| cursor.guid(offset).map(|id| Some(id).filter(|id| !id.is_nil()));
    Ok(Hrl {
        version: version >> 16,
        created: time(cursor.u32_le(12)?),
        modified: time(cursor.u32_le(92)?),
        creator: String::from_utf8_lossy(cursor.slice(16, 4)?)
            .trim_matches(['\0', ' '])
            .to_owned(),
        creator_version: cursor.u32_le(20)?,
        original_bytes: cursor.u64_le(24)?,
        current_bytes: cursor.u64_le(32)?,
        metadata_block_bytes: cursor.u32_le(56)?,
        file_type: cursor.u32_le(104)?,
        flags: cursor.u16_le(108)?,
        unique_id: guid(60)?,
        previous_id: guid(76)?,
        data_write_guid: if version == VERSION_2 { guid(110)? } else { None },
        end_offset,
        open: end_offset == 0,
        metadata_entries: cursor.u64_le(96)?,
        error_code: cursor.u32_le(52)?,
        damage: findings.first_damage(),
        anomalies: findings.into_anomalies(),
    })
}

fn note_checksum(cursor: &Cursor<'_>, findings: &mut Findings) -> Result<()> {
    let stored = cursor.u32_le(CHECKSUM_OFFSET)?;
    let computed = sum_without(cursor.bytes(), CHECKSUM_OFFSET);
    if stored == computed {
        return Ok(());
    }
    findings.note_fault(
        code::HEADER_CHECKSUM_BAD,
        ParseError::ChecksumMismatch {
            what: HEADER,
            offset: 0,
            stored,
            computed,
        },
    )
}

/// Zero stands for "open"; anything else lies behind the header and in the file.
fn note_end(end: u64, length: u64, findings: &mut Findings) {
    if end != 0 && !(HEADER_BYTES..=length).contains(&end) {
        let text = format!("the log ends at {end:#x}, outside of the {length:#x} bytes of the file");
        findings.damage(Anomaly::at(code::END_OUT_OF_BOUNDS, 44, text));
    }
}

/// Seconds since 2000 as a time; `None` for zero.
fn time(seconds: u32) -> Option<Timestamp> {
    let unix = EPOCH_UNIX_SECONDS.checked_add(seconds.into())?;
    (seconds != 0).then(|| Timestamp::from_second(unix).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{guid, hyperv_files::HrlBuilder};

    fn codes(hrl: &Hrl) -> Vec<&str> {
        hrl.anomalies.iter().map(|anomaly| anomaly.code.as_str()).collect()
    }

    #[test]
    fn a_closed_log_names_its_disk_and_the_log_before_it() {
        let builder = HrlBuilder {
            previous_id: guid(1, 1),
            data_write_guid: guid(2, 2),
            ..HrlBuilder::new(5)
        };
        let hrl = read(&builder.bytes()).unwrap();
        assert_eq!((hrl.version, hrl.open, hrl.end_offset), (2, false, 8192));
        assert_eq!(hrl.unique_id, Some(builder.unique_id));
        assert_eq!(
            (hrl.previous_id, hrl.data_write_guid),
            (Some(guid(1, 1)), Some(guid(2, 2)))
        );
        assert_eq!(hrl.created, Some("2022-03-07T20:26:40Z".parse().unwrap()));
        assert_eq!((hrl.creator.as_str(), codes(&hrl)), ("ct", vec![]));
    }

    #[test]
    fn every_field_of_the_header_is_told() {
        let mut bytes = HrlBuilder::new(5).bytes();
        bytes[20..24].copy_from_slice(&3_u32.to_le_bytes());
        bytes[24..32].copy_from_slice(&4_u64.to_le_bytes());
        bytes[32..40].copy_from_slice(&5_u64.to_le_bytes());
        bytes[56..60].copy_from_slice(&4096_u32.to_le_bytes());
        bytes[104..108].copy_from_slice(&6_u32.to_le_bytes());
        bytes[108..110].copy_from_slice(&7_u16.to_le_bytes());
        let hrl = read(&bytes).unwrap();
        assert_eq!((hrl.creator_version, hrl.original_bytes, hrl.current_bytes), (3, 4, 5));
        assert_eq!((hrl.metadata_block_bytes, hrl.file_type, hrl.flags), (4096, 6, 7));
    }

    #[test]
    fn a_log_without_end_is_open() {
        let builder = HrlBuilder {
            open: true,
            ..HrlBuilder::new(5)
        };
        let hrl = read(&builder.bytes()).unwrap();
        assert!(hrl.open);
        assert_eq!(hrl.damage, None);
    }

    #[test]
    fn a_wrong_checksum_is_no_damage_and_an_end_outside_is() {
        let mut bytes = HrlBuilder::new(5).bytes();
        bytes[1000] = 1;
        let hrl = read(&bytes).unwrap();
        assert_eq!(
            (codes(&hrl), hrl.damage.as_ref()),
            (vec![code::HEADER_CHECKSUM_BAD], None)
        );
        bytes[48] = 1;
        let hrl = read(&bytes).unwrap();
        assert_eq!(hrl.damage.unwrap().code, code::END_OUT_OF_BOUNDS);
        bytes[44..52].copy_from_slice(&4095_u64.to_le_bytes());
        assert_eq!(read(&bytes).unwrap().damage.unwrap().offset, Some(44));
    }

    #[test]
    fn version_1_has_no_guid_of_the_disk_and_others_are_not_read() {
        let mut bytes = HrlBuilder::new(5).bytes();
        bytes[10] = 1;
        assert_eq!(read(&bytes).unwrap().data_write_guid, None);
        bytes[10] = 3;
        assert_eq!(
            read(&bytes),
            Err(ParseError::Unsupported {
                what: HEADER,
                version: "0x30000".to_owned()
            })
        );
        bytes[0] = 0;
        assert!(matches!(read(&bytes), Err(ParseError::BadSignature { offset: 0, .. })));
        assert_eq!(
            read(&bytes[..4095]),
            Err(ParseError::Truncated {
                what: HEADER,
                offset: 0,
                need: 4096,
                have: 4095
            })
        );
    }
}
