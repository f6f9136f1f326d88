//! Guest state of a generation 2 VM (`.vmgs`): UEFI variables, virtual TPM (OpenVMM `vm/vmgs`).
//!
//! Read in this order: the footer of the fixed VHD that carries the store, where there is one; the current of two store
//! headers; the file table. Checked: signatures, CRC-32, version, places. The files themselves are not read. What
//! matters is whether file 3 is there: it holds the virtual TPM, without which encrypted disks cannot be opened.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    bytes::Cursor,
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
    vhd::{self, Vhd},
    window::Window,
};

const HEADER: &str = "VMGS header";
const TABLE: &str = "VMGS file table";
pub(crate) const SIGNATURE: &[u8] = b"GUESTRTS";
pub(crate) const BLOCK_BYTES: u64 = 4096;
pub(crate) const HEADER_BYTES: u32 = 168;
const HEADER_OFFSETS: [u64; 2] = [0, 4096];
pub(crate) const CHECKSUM_OFFSET: usize = 12;
const VERSION_2: u32 = 0x0002_0000;
pub(crate) const VERSION_3: u32 = 0x0003_0000;
pub(crate) const TABLE_ENTRY_BYTES: usize = 64;
/// Both headers, and the table where it usually stands.
const HEAD_BYTES: u64 = 16 << 10;
const TPM_FILE_ID: u32 = 3;

/// The codes of the anomalies of guest state.
pub mod code {
    /// One copy of the header is bad; the other was taken.
    pub const HEADER_COPY_BAD: &str = "header-copy-bad";
    /// The sequence numbers of the headers do not follow each other.
    pub const HEADER_SEQUENCE_ODD: &str = "header-sequence-odd";
    /// Damage: the file table cannot be read.
    pub const FILE_TABLE_BAD: &str = "file-table-bad";
    /// Damage: a file lies outside the store.
    pub const FILE_OUT_OF_BOUNDS: &str = "file-out-of-bounds";
    /// Damage: the carrying VHD is damaged.
    pub const CARRIER_DAMAGED: &str = "carrier-damaged";
}

/// What guest state says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Vmgs {
    /// The fixed VHD whose content the store is; `None` for a bare store.
    pub carrier: Option<Vhd>,
    /// Format version: 2 or 3.
    pub version: u32,
    /// Sequence number of the current header: counts its updates.
    pub sequence_number: u32,
    /// The store is encrypted (AES-256-GCM).
    pub encrypted: bool,
    /// Number of the algorithm as written: 0 none, 1 AES-256-GCM.
    pub encryption_algorithm: u16,
    /// Where the file table is, bytes from the start of the file.
    #[serde(default)]
    pub table_offset_bytes: u64,
    /// Marks of the current header, as written; only in version 3.
    #[serde(default)]
    pub markers: u16,
    /// Files of the store, by id.
    pub files: Vec<VmgsFile>,
    /// There is a virtual TPM; `None` where the file table could not be read.
    pub has_vtpm: Option<bool>,
    /// The first anomaly after which facts may be missing.
    pub damage: Option<Anomaly>,
    /// What is odd or damaged.
    pub anomalies: Vec<Anomaly>,
}

/// One file of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VmgsFile {
    /// Its id: the place in the table.
    pub id: u32,
    /// What it holds, where the id is known.
    pub name: Option<String>,
    /// Where it is, bytes from the start of the file.
    #[serde(default)]
    pub offset_bytes: u64,
    /// Bytes that it has room for.
    #[serde(default)]
    pub allocated_bytes: u64,
    /// Valid bytes.
    pub bytes: u64,
    /// Encrypted by its entry in the table; in an encrypted store the whole table of attributes is encrypted.
    pub encrypted: bool,
}

/// Reads what a guest state file holds.
///
/// # Errors
/// `BadSignature`, `Truncated`, `ChecksumMismatch` or `Unsupported` when both headers are bad; `Io`.
pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Vmgs> {
    let mut findings = Findings::default();
    let source = Window::ahead(source, HEADER, 0, HEAD_BYTES)?;
    let header = read_current(&source, &mut findings)?;
    let carrier = read_carrier(&source, limits, &mut findings)?;
    let store_bytes = carrier.as_ref().and_then(|carrier| carrier.virtual_bytes);
    let store_bytes = store_bytes.unwrap_or(u64::MAX).min(source.len());
    let table = read_table(&source, &header, store_bytes, &mut findings);
    let files = findings.tolerate(code::FILE_TABLE_BAD, table)?;
    Ok(Vmgs {
        carrier,
        version: header.version >> 16,
        sequence_number: header.sequence_number,
        encrypted: header.encryption_algorithm != 0,
        encryption_algorithm: header.encryption_algorithm,
        table_offset_bytes: u64::from(header.table_block).saturating_mul(BLOCK_BYTES),
        markers: header.markers,
        has_vtpm: files
            .as_ref()
            .map(|files| files.iter().any(|file| file.id == TPM_FILE_ID)),
        files: files.unwrap_or_default(),
        damage: findings.first_damage(),
        anomalies: findings.into_anomalies(),
    })
}

/// True when the bytes at offset 0 are those of a store.
pub fn has_signature(head: &[u8]) -> bool {
    head.starts_with(SIGNATURE)
}

fn read_carrier(source: &impl ReadAt, limits: &Limits, findings: &mut Findings) -> Result<Option<Vhd>> {
    if !vhd::has_footer(source)? {
        return Ok(None);
    }
    let carrier = findings.tolerate(code::CARRIER_DAMAGED, vhd::read(source, limits))?;
    if let Some(damage) = carrier.as_ref().and_then(|carrier| carrier.damage.clone()) {
        findings.damage(Anomaly {
            code: code::CARRIER_DAMAGED.to_owned(),
            ..damage
        });
    }
    Ok(carrier)
}

#[derive(Debug, Clone, Copy)]
struct ParsedHeader {
    offset: u64,
    version: u32,
    sequence_number: u32,
    table_block: u32,
    table_blocks: u32,
    encryption_algorithm: u16,
    markers: u16,
}

fn read_current(source: &impl ReadAt, findings: &mut Findings) -> Result<ParsedHeader> {
    let [first, second] = HEADER_OFFSETS.map(|offset| read_header(source, offset));
    match (first, second) {
        (Ok(first), Ok(second)) => Ok(newer(first, second, findings)),
        (Ok(header), Err(error)) | (Err(error), Ok(header)) => {
            findings.note_fault(code::HEADER_COPY_BAD, error)?;
            Ok(header)
        }
        (Err(first), Err(second)) => Err(if second.is_io() { second } else { first }),
    }
}

/// The numbers count up and wrap; the newer is one ahead.
fn newer(first: ParsedHeader, second: ParsedHeader, findings: &mut Findings) -> ParsedHeader {
    let ahead = second.sequence_number.wrapping_sub(first.sequence_number);
    if ahead != 1 && ahead != u32::MAX {
        let text = format!(
            "sequence numbers {} and {} do not follow each other",
            first.sequence_number, second.sequence_number
        );
        findings.note(Anomaly::at(code::HEADER_SEQUENCE_ODD, second.offset, text));
    }
    if ahead != 0 && ahead <= u32::MAX >> 1 {
        second
    } else {
        first
    }
}

fn read_header(source: &impl ReadAt, offset: u64) -> Result<ParsedHeader> {
    let bytes = source.exact(HEADER, offset, HEADER_BYTES.into())?;
    let cursor = Cursor::new(HEADER, offset, &bytes);
    cursor.signature(0, SIGNATURE, "GUESTRTS")?;
    let version = cursor.u32_le(8)?;
    // An older form without the fields of version 2 shares the signature.
    if ![VERSION_2, VERSION_3].contains(&version) {
        return Err(ParseError::Unsupported {
            what: HEADER,
            version: format!("{version:#x}"),
        });
    }
    let header_bytes = cursor.u32_le(20)?;
    if header_bytes != HEADER_BYTES {
        return Err(ParseError::Malformed {
            what: HEADER,
            offset: cursor.position(20),
            detail: format!("header size is {header_bytes} and has to be {HEADER_BYTES}"),
        });
    }
    let stored = cursor.u32_le(CHECKSUM_OFFSET)?;
    let computed = crc32_without(&bytes, CHECKSUM_OFFSET);
    if stored != computed {
        return Err(ParseError::ChecksumMismatch {
            what: HEADER,
            offset,
            stored,
            computed,
        });
    }
    Ok(ParsedHeader {
        offset,
        version,
        sequence_number: cursor.u32_le(16)?,
        table_block: cursor.u32_le(24)?,
        table_blocks: cursor.u32_le(28)?,
        encryption_algorithm: if version == VERSION_3 { cursor.u16_le(32)? } else { 0 },
        markers: if version == VERSION_3 { cursor.u16_le(34)? } else { 0 },
    })
}

/// CRC-32 (zlib) of a structure whose own checksum, counted as zero, stands in `checksum` (4 bytes).
pub(crate) fn crc32_without(bytes: &[u8], checksum: usize) -> u32 {
    let (before, rest) = bytes.split_at(checksum.min(bytes.len()));
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(before);
    hasher.update(&[0; 4]);
    hasher.update(rest.get(4..).unwrap_or_default());
    hasher.finalize()
}

fn read_table(
    source: &impl ReadAt,
    header: &ParsedHeader,
    store_bytes: u64,
    findings: &mut Findings,
) -> Result<Vec<VmgsFile>> {
    if header.table_blocks != 1 || header.table_block < 2 {
        return Err(ParseError::Malformed {
            what: TABLE,
            offset: header.offset.saturating_add(24),
            detail: format!("{} blocks at block {}", header.table_blocks, header.table_block),
        });
    }
    let offset = u64::from(header.table_block).saturating_mul(BLOCK_BYTES);
    let bytes = source.exact(TABLE, offset, BLOCK_BYTES)?;
    let mut files = Vec::new();
    let mut place = offset;
    for (id, raw) in (0..).zip(bytes.chunks_exact(TABLE_ENTRY_BYTES)) {
        let entry = Cursor::new(TABLE, place, raw);
        files.extend(read_entry(id, &entry, header.version, store_bytes, findings)?);
        place = place.saturating_add(64);
    }
    Ok(files)
}

/// The file of an entry; `None` for a free one.
fn read_entry(
    id: u32,
    entry: &Cursor<'_>,
    version: u32,
    store_bytes: u64,
    findings: &mut Findings,
) -> Result<Option<VmgsFile>> {
    let (block, blocks) = (u64::from(entry.u32_le(0)?), u64::from(entry.u32_le(4)?));
    let bytes = entry.u64_le(8)?;
    if blocks == 0 {
        return Ok(None);
    }
    let offset_bytes = block.saturating_mul(BLOCK_BYTES);
    let allocated_bytes = blocks.saturating_mul(BLOCK_BYTES);
    let end = offset_bytes.saturating_add(allocated_bytes);
    let fault = if block < 2 {
        Some(format!("file {id} lies on the headers, at {offset_bytes:#x}"))
    } else if end > store_bytes {
        Some(format!("file {id} ends at {end:#x}, the store at {store_bytes:#x}"))
    } else if bytes > allocated_bytes {
        Some(format!(
            "file {id} is said to have {bytes} bytes, and has room for {allocated_bytes}"
        ))
    } else {
        None
    };
    if let Some(text) = fault {
        findings.damage(Anomaly::at(code::FILE_OUT_OF_BOUNDS, entry.base(), text));
    }
    Ok(Some(VmgsFile {
        id,
        name: file_name(id).map(str::to_owned),
        offset_bytes,
        allocated_bytes,
        bytes,
        encrypted: version == VERSION_3 && entry.u32_le(44)? & 1 != 0,
    }))
}

/// What the known ids hold (OpenVMM).
fn file_name(id: u32) -> Option<&'static str> {
    Some(match id {
        0 => "file-table",
        1 => "uefi-nvram",
        2 => "tpm-physical-presence",
        TPM_FILE_ID => "vtpm",
        4 => "rtc-skew",
        5 => "attestation",
        6 => "key-protector",
        7 => "vm-unique-id",
        8 => "guest-firmware",
        9 => "custom-uefi",
        10 => "guest-watchdog",
        11 => "hardware-key-protector",
        13 => "guest-secret-key",
        14 => "hibernation-firmware",
        15 => "platform-seed",
        16 => "provenance",
        63 => "extended-file-table",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::hyperv_files::VmgsBuilder;

    fn read_bytes(bytes: &[u8]) -> Result<Vmgs> {
        read(bytes, &Limits::default())
    }

    fn codes(vmgs: &Vmgs) -> Vec<&str> {
        vmgs.anomalies.iter().map(|anomaly| anomaly.code.as_str()).collect()
    }

    #[test]
    fn a_store_in_a_fixed_vhd_tells_its_files() {
        let vmgs = read_bytes(&VmgsBuilder::new(1).bytes()).unwrap();
        assert_eq!((vmgs.version, vmgs.sequence_number, vmgs.encrypted), (3, 6, false));
        assert_eq!(vmgs.has_vtpm, Some(false));
        let names: Vec<_> = vmgs.files.iter().filter_map(|file| file.name.as_deref()).collect();
        assert_eq!(names, ["file-table", "uefi-nvram"]);
        assert_eq!(vmgs.carrier.as_ref().unwrap().virtual_bytes, Some(4 << 20));
        assert_eq!(codes(&vmgs), [""; 0]);
    }

    #[test]
    fn a_virtual_tpm_and_encryption_are_seen() {
        let builder = VmgsBuilder {
            vtpm: true,
            encrypted: true,
            ..VmgsBuilder::new(1)
        };
        let vmgs = read_bytes(&builder.bytes()).unwrap();
        assert_eq!((vmgs.has_vtpm, vmgs.encrypted), (Some(true), true));
        assert!(vmgs.files.iter().any(|file| file.id == 3 && file.encrypted));
    }

    #[test]
    fn a_bare_store_needs_no_vhd() {
        let bytes = VmgsBuilder::new(1).bytes();
        let vmgs = read_bytes(&bytes[..4 << 20]).unwrap();
        assert_eq!((vmgs.carrier.as_ref(), vmgs.files.len()), (None, 2));
    }

    #[test]
    fn a_bad_header_copy_gives_way_and_two_are_an_error() {
        let mut bytes = VmgsBuilder::new(1).bytes();
        bytes[4096 + 100] ^= 1;
        let vmgs = read_bytes(&bytes).unwrap();
        assert_eq!((vmgs.sequence_number, codes(&vmgs)), (5, vec![code::HEADER_COPY_BAD]));
        assert_eq!(vmgs.anomalies[0].offset, Some(4096));
        bytes[0] = 0;
        assert!(matches!(
            read_bytes(&bytes),
            Err(ParseError::BadSignature {
                what: HEADER,
                offset: 0,
                ..
            })
        ));
        assert!(matches!(
            read_bytes(&bytes[..100]),
            Err(ParseError::Truncated {
                need: 168,
                have: 100,
                ..
            })
        ));
    }

    #[test]
    fn the_newer_header_is_found_over_the_wrap() {
        for (first, second, current) in [(5, 6, 6), (6, 5, 6), (u32::MAX, 0, 0), (0, u32::MAX, 0), (7, 7, 7)] {
            let mut builder = VmgsBuilder::new(1);
            builder.sequence_numbers = [first, second];
            let vmgs = read_bytes(&builder.bytes()).unwrap();
            assert_eq!(vmgs.sequence_number, current, "{first} and {second}");
            assert_eq!(codes(&vmgs).contains(&code::HEADER_SEQUENCE_ODD), first == second);
        }
    }

    #[test]
    fn an_older_form_is_not_read() {
        let mut bytes = VmgsBuilder::new(1).bytes();
        for start in [0, 4096] {
            bytes[start + 10] = 1;
        }
        assert_eq!(
            read_bytes(&bytes),
            Err(ParseError::Unsupported {
                what: HEADER,
                version: "0x10000".to_owned()
            })
        );
    }

    #[test]
    fn without_a_file_table_nobody_knows_of_a_tpm() {
        let builder = VmgsBuilder {
            table_block: 5000,
            ..VmgsBuilder::new(1)
        };
        let vmgs = read_bytes(&builder.bytes()).unwrap();
        assert_eq!((vmgs.has_vtpm, codes(&vmgs)), (None, vec![code::FILE_TABLE_BAD]));
        assert_eq!(vmgs.damage.unwrap().offset, Some(5000 * 4096));
    }

    #[test]
    fn what_is_wrong_with_a_file_of_the_store_is_said() {
        let text_with = |place: usize, value: u64| {
            let mut bytes = VmgsBuilder::new(1).bytes();
            let length = if place == 8 { 8 } else { 4 };
            bytes[8192 + 64 + place..][..length].copy_from_slice(&value.to_le_bytes()[..length]);
            read_bytes(&bytes).unwrap().damage.unwrap().text
        };
        assert_eq!(text_with(0, 1), "file 1 lies on the headers, at 0x1000");
        assert!(
            text_with(0, 5000).starts_with("file 1 ends at 0x1398000"),
            "{}",
            text_with(0, 5000)
        );
        let too_long = text_with(8, 1 << 40);
        assert!(
            too_long.starts_with("file 1 is said to have 1099511627776 bytes, and has room for "),
            "{too_long}"
        );
        let sound = read_bytes(&VmgsBuilder::new(1).bytes()).unwrap();
        assert_eq!((sound.table_offset_bytes, sound.damage), (8192, None));
        assert!(
            sound
                .files
                .iter()
                .all(|file| file.bytes <= file.allocated_bytes && file.offset_bytes >= 8192)
        );
    }

    #[test]
    fn a_file_outside_the_store_and_a_damaged_carrier_are_damage() {
        let mut bytes = VmgsBuilder::new(1).bytes();
        bytes[8192 + 66] = 0xff;
        let vmgs = read_bytes(&bytes).unwrap();
        assert_eq!(vmgs.damage.as_ref().unwrap().offset, Some(8192 + 64));
        assert_eq!(codes(&vmgs), [code::FILE_OUT_OF_BOUNDS]);
        let mut bytes = VmgsBuilder::new(1).bytes();
        bytes.drain(1 << 20..2 << 20);
        let vmgs = read_bytes(&bytes).unwrap();
        assert_eq!(codes(&vmgs), [code::CARRIER_DAMAGED]);
        assert_eq!(vmgs.files.len(), 2);
    }
}
