//! File identifier and header (MS-VHDX 2.2.1 and 2.2.2).
//!
//! The header exists twice; a writer updates the older copy, so one is always sound. The current one is the valid copy
//! with the higher sequence number. Windows writes both on each change, so a difference of one is normal \[R\].

use uuid::Uuid;

use super::{
    code,
    format::{
        CREATOR_OFFSET, FILE_IDENTIFIER_BYTES, FILE_IDENTIFIER_SIGNATURE, HEADER_BYTES, HEADER_OFFSETS,
        HEADER_SIGNATURE, HEADER_VERSION, crc32c_without,
    },
};
use crate::{
    bytes::Cursor,
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    read_at::ReadAt,
    utf16,
};

const IDENTIFIER: &str = "VHDX file identifier";
const HEADER: &str = "VHDX header";

/// The fields of a header that stood the checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ParsedHeader {
    /// Where this copy stands, bytes from the start of the file.
    pub(super) offset: u64,
    pub(super) sequence_number: u64,
    /// That of the copy which is not taken; `None` where it is bad.
    pub(super) other_sequence_number: Option<u64>,
    pub(super) file_write_guid: Uuid,
    pub(super) data_write_guid: Uuid,
    /// Nil in a file that was closed.
    pub(super) log_guid: Uuid,
    pub(super) log_version: u16,
    pub(super) log_bytes: u64,
    /// Bytes from the start of the file.
    pub(super) log_offset: u64,
}

/// Checks the signature at offset 0 and gives the creator; `None` where it is empty.
pub(super) fn read_creator(source: &impl ReadAt) -> Result<Option<String>> {
    let head = source.exact(IDENTIFIER, 0, source.len().min(FILE_IDENTIFIER_BYTES))?;
    let cursor = Cursor::new(IDENTIFIER, 0, &head);
    cursor.signature(0, FILE_IDENTIFIER_SIGNATURE, "vhdxfile")?;
    let field = head.get(CREATOR_OFFSET..).unwrap_or_default();
    let creator = utf16::decode_le(utf16::until_nul(field)).as_str().trim().to_owned();
    Ok((!creator.is_empty()).then_some(creator))
}

/// The current header. A bad copy beside a sound one is noted; two bad copies are the error of the first.
pub(super) fn read_current(source: &impl ReadAt, findings: &mut Findings) -> Result<ParsedHeader> {
    let [first, second] = HEADER_OFFSETS.map(|offset| read_copy(source, offset));
    match (first, second) {
        (Ok(first), Ok(second)) => Ok(newer(first, second, findings)),
        (Ok(header), Err(error)) | (Err(error), Ok(header)) => {
            findings.note_fault(code::HEADER_COPY_BAD, error)?;
            Ok(header)
        }
        (Err(first), Err(second)) => Err(if second.is_io() { second } else { first }),
    }
}

fn newer(first: ParsedHeader, second: ParsedHeader, findings: &mut Findings) -> ParsedHeader {
    if first.sequence_number == second.sequence_number && !first.says_the_same(&second) {
        findings.note(Anomaly::at(
            code::HEADER_SEQUENCE_EQUAL,
            second.offset,
            format!(
                "both headers have sequence number {} and differ: the first is taken",
                first.sequence_number
            ),
        ));
    }
    let (taken, other) = if second.sequence_number > first.sequence_number {
        (second, first)
    } else {
        (first, second)
    };
    ParsedHeader {
        other_sequence_number: Some(other.sequence_number),
        ..taken
    }
}

impl ParsedHeader {
    fn says_the_same(&self, other: &Self) -> bool {
        Self {
            offset: other.offset,
            ..self.clone()
        } == *other
    }
}

fn read_copy(source: &impl ReadAt, offset: u64) -> Result<ParsedHeader> {
    let bytes = source.exact(HEADER, offset, HEADER_BYTES)?;
    let cursor = Cursor::new(HEADER, offset, &bytes);
    cursor.signature(0, HEADER_SIGNATURE, "head")?;
    check_sum(&cursor)?;
    let version = cursor.u16_le(66)?;
    if version != HEADER_VERSION {
        return Err(ParseError::Unsupported {
            what: HEADER,
            version: version.to_string(),
        });
    }
    Ok(ParsedHeader {
        offset,
        sequence_number: cursor.u64_le(8)?,
        other_sequence_number: None,
        file_write_guid: cursor.guid(16)?,
        data_write_guid: cursor.guid(32)?,
        log_guid: cursor.guid(48)?,
        log_version: cursor.u16_le(64)?,
        log_bytes: cursor.u32_le(68)?.into(),
        log_offset: cursor.u64_le(72)?,
    })
}

/// Checks the CRC-32C that headers and region tables keep at offset 4.
pub(super) fn check_sum(cursor: &Cursor<'_>) -> Result<()> {
    let stored = cursor.u32_le(4)?;
    let computed = crc32c_without(cursor.bytes(), 4);
    if stored == computed {
        return Ok(());
    }
    Err(ParseError::ChecksumMismatch {
        what: cursor.what(),
        offset: cursor.base(),
        stored,
        computed,
    })
}
