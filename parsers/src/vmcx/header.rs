//! The storage header: two copies, written in turn; the one written last and sound is in force.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::{
    FORMAT_VERSION, HEADER_LENGTH, HEADER_OFFSETS, HEADER_SIGNATURE, MAX_ALIGNMENT, MIN_ALIGNMENT, OBJECT_TABLE_HEADER,
    ROOT_OBJECT_TABLE, crc32_with_zeroed, is_newer,
};
use crate::{
    bytes::Cursor,
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    read_at::ReadAt,
};

const WHAT: &str = "VMCX storage header";

/// The storage header that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StorageHeader {
    /// Where this copy stands, in bytes from the start of the file: 0 or 4096.
    pub offset: u64,
    /// Counts the commits, modulo 65536. Changed between two scans: the configuration was touched.
    pub sequence: u16,
    /// `major << 8 | minor`; 0x0400 is the only one that is read.
    pub format_version: u32,
    /// Version of the data; 0 in real files.
    pub data_version: u32,
    /// Flags; 0 in real files.
    pub flags: u32,
    /// Alignment of objects in bytes.
    pub alignment_bytes: u32,
    /// Where the replay log stands, in bytes from the start of the file.
    pub replay_log_offset: u64,
    /// Space of the replay log in bytes; may reach past the end of the file.
    pub replay_log_bytes: u64,
    /// Space of the log's header and entries in bytes; the data follow.
    pub replay_log_header_bytes: u32,
}

/// Reads both copies and takes the later sound one.
pub(super) fn read<R: ReadAt + ?Sized>(source: &R, findings: &mut Findings) -> Result<StorageHeader> {
    check_length(source)?;
    let [first, second] = HEADER_OFFSETS.map(|offset| read_copy(source, offset));
    let header = match (first, second) {
        (Err(error), _) | (_, Err(error)) if error.is_io() => return Err(error),
        (Err(first), Err(second)) => return Err(more_telling(first, second)),
        (Ok(header), Err(bad)) | (Err(bad), Ok(header)) => {
            findings.note(Anomaly::at(
                "header-copy-bad",
                HEADER_OFFSETS
                    .into_iter()
                    .find(|offset| *offset != header.offset)
                    .unwrap_or_default(),
                format!("{bad}; the copy at {:#x} is used", header.offset),
            ));
            header
        }
        (Ok(first), Ok(second)) if is_newer(second.sequence, first.sequence) => second,
        (Ok(first), Ok(_)) => first,
    };
    check(&header)?;
    Ok(header)
}

/// Both header pages and the start of the root object table have to be there.
fn check_length<R: ReadAt + ?Sized>(source: &R) -> Result<()> {
    let need = ROOT_OBJECT_TABLE.saturating_add(OBJECT_TABLE_HEADER);
    let have = source.len();
    if have >= need {
        return Ok(());
    }
    if have >= HEADER_LENGTH {
        // Some other file, or this one cut short: the signature tells.
        let bytes = source.exact(WHAT, 0, HEADER_LENGTH)?;
        Cursor::new(WHAT, 0, &bytes).signature(0, &HEADER_SIGNATURE, "14 20 28 01")?;
    }
    Err(ParseError::Truncated {
        what: WHAT,
        offset: 0,
        need,
        have,
    })
}

fn read_copy<R: ReadAt + ?Sized>(source: &R, offset: u64) -> Result<StorageHeader> {
    let bytes = source.exact(WHAT, offset, HEADER_LENGTH)?;
    let cursor = Cursor::new(WHAT, offset, &bytes);
    cursor.signature(0, &HEADER_SIGNATURE, "14 20 28 01")?;
    let stored = cursor.u32_le(4)?;
    let computed = crc32_with_zeroed(&bytes, 4);
    if stored != computed {
        return Err(ParseError::ChecksumMismatch {
            what: WHAT,
            offset,
            stored,
            computed,
        });
    }
    Ok(StorageHeader {
        offset,
        sequence: cursor.u16_le(8)?,
        format_version: cursor.u32_le(10)?,
        data_version: cursor.u32_le(14)?,
        flags: cursor.u32_le(18)?,
        alignment_bytes: cursor.u32_le(22)?,
        replay_log_offset: cursor.u64_le(26)?,
        replay_log_bytes: cursor.u64_le(34)?,
        replay_log_header_bytes: cursor.u32_le(42)?,
    })
}

/// Of two bad copies, the one that is at least of this format says more; otherwise the first.
fn more_telling(first: ParseError, second: ParseError) -> ParseError {
    let foreign = |error: &ParseError| matches!(error, ParseError::BadSignature { .. });
    if foreign(&first) && !foreign(&second) {
        second
    } else {
        first
    }
}

fn check(header: &StorageHeader) -> Result<()> {
    let version = header.format_version;
    if version != FORMAT_VERSION {
        return Err(ParseError::Unsupported {
            what: "VMCX storage format",
            version: format!("{version:#06x}"),
        });
    }
    let alignment = header.alignment_bytes;
    if !alignment.is_power_of_two() || !(MIN_ALIGNMENT..=MAX_ALIGNMENT).contains(&alignment) {
        return Err(ParseError::OutOfBounds {
            what: "VMCX storage header alignment",
            offset: header.offset.saturating_add(22),
            value: alignment.into(),
            limit: MAX_ALIGNMENT.into(),
        });
    }
    Ok(())
}
