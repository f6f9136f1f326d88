//! Dynamic header: block size, table and, in a differencing disk, the parent.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    code,
    footer::{ParsedFooter, time},
    format::{
        DYNAMIC_HEADER_BYTES, DYNAMIC_HEADER_CHECKSUM_OFFSET, DYNAMIC_HEADER_COOKIE, DYNAMIC_HEADER_USUAL_OFFSET,
        PARENT_LOCATORS_BYTES, PARENT_LOCATORS_OFFSET, PARENT_NAME_BYTES, PARENT_NAME_OFFSET, VERSION, sum_without,
    },
};
use crate::{
    bytes::Cursor,
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    read_at::ReadAt,
    text::EncodedText,
    utf16,
};

const HEADER: &str = "VHD dynamic header";

/// The fields of the dynamic header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ParsedDynamicHeader {
    /// Bytes from the start of the file.
    pub(super) offset: u64,
    /// Of the block allocation table, bytes from the start of the file.
    pub(super) table_offset: u64,
    pub(super) table_entries: u32,
    pub(super) block_size_bytes: u32,
    /// Nil in a disk without parent.
    pub(super) parent_id: Uuid,
    pub(super) parent_time: Option<Timestamp>,
    /// Empty in a disk without parent.
    pub(super) parent_name: EncodedText,
    /// The eight parent locators as they stand there.
    pub(super) locators: Vec<u8>,
    stored_checksum: u32,
    computed_checksum: u32,
}

/// Reads the header at the place that the footer names, else at its usual place. `None`, noted, where neither holds one.
pub(super) fn find(
    source: &impl ReadAt,
    footer: &ParsedFooter,
    findings: &mut Findings,
) -> Result<Option<ParsedDynamicHeader>> {
    let named = findings.tolerate(code::DYNAMIC_HEADER_BAD, read(source, footer.data_offset))?;
    let header = match named {
        Some(header) => header,
        None if footer.data_offset == DYNAMIC_HEADER_USUAL_OFFSET => return Ok(None),
        None => match read(source, DYNAMIC_HEADER_USUAL_OFFSET) {
            Ok(header) => header,
            Err(error) if error.is_io() => return Err(error),
            Err(_) => return Ok(None),
        },
    };
    findings.tolerate(code::DYNAMIC_HEADER_CHECKSUM_BAD, header.check_sum())?;
    header.note_table(source.len(), footer.current_bytes, findings);
    Ok(Some(header))
}

fn read(source: &impl ReadAt, offset: u64) -> Result<ParsedDynamicHeader> {
    let bytes = source.exact(HEADER, offset, DYNAMIC_HEADER_BYTES)?;
    let cursor = Cursor::new(HEADER, offset, &bytes);
    cursor.signature(0, DYNAMIC_HEADER_COOKIE, "cxsparse")?;
    let version = cursor.u32_be(24)?;
    if version != VERSION {
        return Err(ParseError::Unsupported {
            what: HEADER,
            version: format!("{version:#x}"),
        });
    }
    let name = cursor.slice(PARENT_NAME_OFFSET, PARENT_NAME_BYTES)?;
    Ok(ParsedDynamicHeader {
        offset,
        table_offset: cursor.u64_be(16)?,
        table_entries: cursor.u32_be(28)?,
        block_size_bytes: cursor.u32_be(32)?,
        parent_id: cursor.uuid_be(40)?,
        parent_time: time(cursor.u32_be(56)?),
        parent_name: utf16::decode_be(utf16::until_nul(name)),
        locators: cursor.slice(PARENT_LOCATORS_OFFSET, PARENT_LOCATORS_BYTES)?.to_vec(),
        stored_checksum: cursor.u32_be(DYNAMIC_HEADER_CHECKSUM_OFFSET)?,
        computed_checksum: sum_without(&bytes, DYNAMIC_HEADER_CHECKSUM_OFFSET),
    })
}

impl ParsedDynamicHeader {
    fn check_sum(&self) -> Result<()> {
        if self.stored_checksum == self.computed_checksum {
            return Ok(());
        }
        Err(ParseError::ChecksumMismatch {
            what: HEADER,
            offset: self.offset,
            stored: self.stored_checksum,
            computed: self.computed_checksum,
        })
    }

    /// Block size, size of the table and its place have to fit the disk and the file.
    fn note_table(&self, file_bytes: u64, virtual_bytes: u64, findings: &mut Findings) {
        let block = u64::from(self.block_size_bytes);
        if !block.is_power_of_two() || block < 512 {
            let text = format!("block size {block} is no power of two of sectors");
            findings.damage(Anomaly::at(code::BLOCK_SIZE_BAD, self.offset, text));
        }
        let covered = block.saturating_mul(self.table_entries.into());
        if covered < virtual_bytes {
            let text = format!("the table covers {covered} of {virtual_bytes} bytes of the disk");
            findings.damage(Anomaly::at(code::TABLE_TOO_SMALL, self.offset, text));
        }
        let table_bytes = u64::from(self.table_entries).saturating_mul(4);
        let end = self.table_offset.saturating_add(table_bytes);
        if end > file_bytes {
            let text = format!("the block allocation table ends at {end:#x}, the file at {file_bytes:#x}: truncated");
            findings.damage(Anomaly::at(code::TABLE_BEYOND_END, self.table_offset, text));
        }
    }
}
