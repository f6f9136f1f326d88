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
        return Err(ParseError::Malformed {
            what: "VMCX storage header alignment",
            offset: header.offset.saturating_add(22),
            detail: format!("{alignment:#x} is no power of two from {MIN_ALIGNMENT:#x} to {MAX_ALIGNMENT:#x}"),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::vmcx::{ContainerBuilder, seal};

    fn file() -> Vec<u8> {
        ContainerBuilder::new([]).sequence(25).build()
    }

    fn read_header(file: &[u8]) -> (Result<StorageHeader>, Vec<Anomaly>) {
        let mut findings = Findings::default();
        (read(file, &mut findings), findings.into_anomalies())
    }

    /// Changes a byte of one copy; `None` leaves its checksum wrong.
    fn changed(mut file: Vec<u8>, copy: usize, at: usize, value: u8, sealed: bool) -> Vec<u8> {
        let start = copy * 0x1000;
        file[start + at] = value;
        if sealed {
            seal(&mut file[start..start + 46], 4);
        }
        file
    }

    #[test]
    fn the_copy_with_the_later_sequence_counts() {
        for (sequence, offset) in [(25, 0), (26, 0x1000), (0, 0x1000), (1, 0)] {
            let file = ContainerBuilder::new([]).sequence(sequence).build();
            let (header, anomalies) = read_header(&file);
            let header = header.unwrap();
            assert_eq!((header.sequence, header.offset), (sequence, offset));
            assert_eq!(anomalies, []);
        }
    }

    #[test]
    fn a_copy_with_a_wrong_checksum_gives_way_to_the_other() {
        let (header, anomalies) = read_header(&changed(file(), 0, 40, 1, false));
        assert_eq!(header.unwrap().offset, 0x1000);
        assert_eq!(
            (anomalies[0].code.as_str(), anomalies[0].offset),
            ("header-copy-bad", Some(0))
        );
        let (header, anomalies) = read_header(&changed(file(), 1, 40, 1, false));
        assert_eq!(header.unwrap().offset, 0);
        assert_eq!((anomalies.len(), anomalies[0].offset), (1, Some(0x1000)));
    }

    #[test]
    fn two_bad_copies_are_an_error_of_the_more_telling_one() {
        let both = changed(changed(file(), 0, 0, 0, true), 1, 40, 1, false);
        assert!(matches!(
            read_header(&both).0,
            Err(ParseError::ChecksumMismatch {
                what: "VMCX storage header",
                offset: 0x1000,
                ..
            })
        ));
        assert_eq!(
            read_header(&vec![0; 0x3000]).0,
            Err(ParseError::BadSignature {
                what: "VMCX storage header",
                offset: 0,
                expected: "14 20 28 01",
                found: "00 00 00 00".to_owned()
            })
        );
    }

    #[test]
    fn another_version_is_unsupported_not_guessed() {
        let both = changed(changed(file(), 0, 10, 1, true), 1, 10, 1, true);
        assert_eq!(
            read_header(&both).0,
            Err(ParseError::Unsupported {
                what: "VMCX storage format",
                version: "0x0401".to_owned()
            })
        );
    }

    #[test]
    fn an_alignment_that_is_no_power_of_two_in_range_is_refused() {
        for (at, value, alignment) in [
            (22, 1, 0x1001),
            (23, 0x08, 0x800),
            (24, 2, 0x2_1000),
            (23, 0x30, 0x3000),
        ] {
            assert_eq!(
                read_header(&changed(file(), 0, at, value, true)).0,
                Err(ParseError::Malformed {
                    what: "VMCX storage header alignment",
                    offset: 22,
                    detail: format!("{alignment:#x} is no power of two from 0x1000 to 0x10000"),
                })
            );
        }
    }

    #[test]
    fn a_short_file_is_truncated_when_it_is_a_container_and_foreign_when_not() {
        let truncated = |have| ParseError::Truncated {
            what: "VMCX storage header",
            offset: 0,
            need: 0x2008,
            have,
        };
        assert_eq!(read_header(&file()[..0x2007]).0, Err(truncated(0x2007)));
        assert_eq!(read_header(&file()[..45]).0, Err(truncated(45)));
        assert!(matches!(
            read_header(&[b'x'; 46]).0,
            Err(ParseError::BadSignature { offset: 0, .. })
        ));
    }
}
