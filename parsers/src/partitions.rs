//! Partition tables of raw images: MBR with its extended partitions, and GPT (UEFI 2.10, 5).
//!
//! They tell a raw image of a disk from a file of anything else. A flat extent of a VMDK has them too: a table says what
//! lies in a file, not whose it is, and is never a reason for a verdict. The table is read, the partitions are not.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ParseError, ReadAt, Result, bytes::Cursor, error::Anomaly, findings::Findings, utf16};

/// Name of the structure in errors.
const MBR: &str = "master boot record";
/// Name of the structure in errors.
const HEADER: &str = "GPT header";
/// Name of the structure in errors.
const ENTRIES: &str = "GPT entries";
/// Length of a boot record in bytes.
const RECORD_BYTES: u64 = 512;
/// Where the four entries of a boot record stand.
const RECORD_ENTRIES: [usize; 4] = [446, 462, 478, 494];
/// Where the signature of a boot record stands.
const RECORD_SIGNATURE_OFFSET: usize = 510;
/// Type of the partition that covers a disk with a GPT.
const TYPE_PROTECTIVE: u8 = 0xEE;
/// Types of extended partitions: CHS, LBA, Linux.
const TYPES_EXTENDED: [u8; 3] = [0x05, 0x0F, 0x85];
/// Most logical partitions that are followed. Windows makes 128 at most, Linux 60.
const LOGICAL_MAX_COUNT: usize = 128;
/// Longest array of GPT entries in bytes: 1024 of the usual 128 bytes.
const ENTRIES_MAX_BYTES: u64 = 128 << 10;
/// Shortest GPT entry in bytes.
const ENTRY_MIN_BYTES: u64 = 128;

/// The codes of the anomalies of a partition table.
pub mod code {
    /// A partition reaches past the end of the file.
    pub const PARTITION_BEYOND_END: &str = "partition-beyond-end";
    /// The chain of logical partitions breaks off, or leads in a circle.
    pub const LOGICAL_CHAIN_BAD: &str = "logical-chain-bad";
    /// One copy of the GPT is bad or missing; the other was taken.
    pub const GPT_COPY_BAD: &str = "gpt-copy-bad";
    /// The boot record announces a GPT, and neither copy of it can be read.
    pub const GPT_BAD: &str = "gpt-bad";
    /// There are more partitions than are listed.
    pub const TOO_MANY_PARTITIONS: &str = "too-many-partitions";
}

/// A partition table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartitionTable {
    /// Which table it is.
    pub scheme: Scheme,
    /// Identity of the disk: the GUID of a GPT, the signature of an MBR in hex.
    pub disk_id: Option<String>,
    /// Bytes of a sector, the unit of the table: 512, or 4096 where a GPT says so.
    pub sector_bytes: u64,
    /// The partitions in the order of the table, logical ones last.
    pub partitions: Vec<Partition>,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

/// Which table a disk has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Master boot record.
    Mbr,
    /// GUID partition table.
    Gpt,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Partition {
    /// Its place in the table, from 1; logical partitions from 5.
    pub number: u32,
    /// Its type: a GUID, or one byte in hex.
    pub type_id: String,
    /// What the type stands for, where it is known.
    pub type_name: Option<String>,
    /// Its name in a GPT.
    pub name: Option<String>,
    /// Where it begins, in bytes from the start of the disk.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Reads the table of a raw image; `None` where there is none: no boot record, or one without a partition.
///
/// # Errors
/// `Io` when the source cannot be read.
pub fn read(source: &(impl ReadAt + ?Sized)) -> Result<Option<PartitionTable>> {
    let bytes = source.up_to(MBR, 0, RECORD_BYTES)?;
    let Ok(Some(entries)) = record(&Cursor::new(MBR, 0, &bytes)) else {
        return Ok(None);
    };
    let mut findings = Findings::default();
    let table = if entries.iter().any(|entry| entry.kind == TYPE_PROTECTIVE) {
        read_gpt(source, &mut findings)?
    } else {
        None
    };
    let mut table = match table {
        Some(table) => table,
        None => read_mbr(source, &Cursor::new(MBR, 0, &bytes), &entries, &mut findings)?,
    };
    note_outside(&table.partitions, source.len(), &mut findings);
    table.anomalies = findings.into_anomalies();
    Ok(Some(table))
}

/// Says that the file is shorter than its partitions.
fn note_outside(partitions: &[Partition], length: u64, findings: &mut Findings) {
    for partition in partitions {
        let end = partition.offset.saturating_add(partition.bytes);
        if end > length {
            let text = format!(
                "partition {} ends at {end:#x}, the file at {length:#x}",
                partition.number
            );
            findings.note(Anomaly::at(code::PARTITION_BEYOND_END, partition.offset, text));
        }
    }
}

/// One entry of a boot record that is in use.
#[derive(Debug, Clone, Copy)]
struct RecordEntry {
    number: u32,
    kind: u8,
    first_sector: u64,
    sectors: u64,
}

impl RecordEntry {
    fn partition(&self, number: u32, base: u64) -> Partition {
        Partition {
            number,
            type_id: format!("{:#04x}", self.kind),
            type_name: type_name(self.kind).map(str::to_owned),
            name: None,
            offset: base.saturating_add(self.first_sector).saturating_mul(RECORD_BYTES),
            bytes: self.sectors.saturating_mul(RECORD_BYTES),
        }
    }
}

/// The entries of a boot record; `None` where it is none. The boot sector of a file system has the same signature: its
/// text and code stand where the entries are, and these have a first byte that no entry has.
fn record(cursor: &Cursor<'_>) -> Result<Option<Vec<RecordEntry>>> {
    if cursor.slice(RECORD_SIGNATURE_OFFSET, 2)? != [0x55, 0xAA] {
        return Ok(None);
    }
    let mut entries = Vec::new();
    for (place, number) in RECORD_ENTRIES.into_iter().zip(1..) {
        let entry = cursor.part(MBR, place, 16)?;
        if !matches!(entry.u8(0)?, 0 | 0x80) {
            return Ok(None);
        }
        let entry = RecordEntry {
            number,
            kind: entry.u8(4)?,
            first_sector: entry.u32_le(8)?.into(),
            sectors: entry.u32_le(12)?.into(),
        };
        if entry.kind != 0 && entry.sectors > 0 {
            entries.push(entry);
        }
    }
    Ok(Some(entries).filter(|entries| !entries.is_empty()))
}

fn read_mbr(
    source: &(impl ReadAt + ?Sized),
    cursor: &Cursor<'_>,
    entries: &[RecordEntry],
    findings: &mut Findings,
) -> Result<PartitionTable> {
    let mut partitions: Vec<_> = entries.iter().map(|entry| entry.partition(entry.number, 0)).collect();
    let extended = entries.iter().find(|entry| TYPES_EXTENDED.contains(&entry.kind));
    if let Some(extended) = extended {
        read_logical(source, extended.first_sector, &mut partitions, findings)?;
    }
    let id = cursor.u32_le(440).unwrap_or_default();
    Ok(PartitionTable {
        scheme: Scheme::Mbr,
        disk_id: (id != 0).then(|| format!("{id:08x}")),
        sector_bytes: RECORD_BYTES,
        partitions,
        anomalies: Vec::new(),
    })
}

/// Follows the chain of extended boot records: in each the first entry is a partition, the second leads to the next.
fn read_logical(
    source: &(impl ReadAt + ?Sized),
    base: u64,
    partitions: &mut Vec<Partition>,
    findings: &mut Findings,
) -> Result<()> {
    let mut visited = BTreeSet::new();
    let mut sector = base;
    for number in (5_u32..).take(LOGICAL_MAX_COUNT) {
        let place = sector.saturating_mul(RECORD_BYTES);
        if !visited.insert(sector) {
            findings.note(Anomaly::at(
                code::LOGICAL_CHAIN_BAD,
                place,
                "the chain leads in a circle",
            ));
            return Ok(());
        }
        let bytes = source.up_to(MBR, place, RECORD_BYTES)?;
        let Ok(Some(entries)) = record(&Cursor::new(MBR, place, &bytes)) else {
            // An extended partition may be empty: its first record then has no entry.
            let is_record = bytes.get(RECORD_SIGNATURE_OFFSET..) == Some(&[0x55, 0xAA]);
            if !is_record {
                findings.note(Anomaly::at(code::LOGICAL_CHAIN_BAD, place, "the chain breaks off"));
            }
            return Ok(());
        };
        let mut next = None;
        for entry in entries {
            if TYPES_EXTENDED.contains(&entry.kind) {
                next = base.checked_add(entry.first_sector);
            } else {
                partitions.push(entry.partition(number, sector));
            }
        }
        match next {
            Some(next) => sector = next,
            None => return Ok(()),
        }
    }
    let text = format!("more than {LOGICAL_MAX_COUNT} logical partitions: the others are left out");
    findings.note(Anomaly::new(code::TOO_MANY_PARTITIONS, text));
    Ok(())
}

/// The GPT by its first copy, else by the one at the end; `None`, noted, where neither is sound.
fn read_gpt(source: &(impl ReadAt + ?Sized), findings: &mut Findings) -> Result<Option<PartitionTable>> {
    let mut fault = None;
    for sector_bytes in [512, 4096] {
        let last = source
            .len()
            .checked_div(sector_bytes)
            .and_then(|sectors| sectors.checked_sub(1));
        for (sector, other) in [(Some(1), last), (last, Some(1))] {
            let Some(sector) = sector else { continue };
            match read_copy(source, sector, sector_bytes) {
                Ok(table) => {
                    note_other_copy(source, other, sector_bytes, findings)?;
                    return Ok(Some(table));
                }
                Err(error) if error.is_io() => return Err(error),
                Err(error) => fault = fault.or(Some(error)),
            }
        }
    }
    if let Some(fault) = fault {
        findings.note_fault(code::GPT_BAD, fault)?;
    }
    Ok(None)
}

/// Says that the other copy is bad or is not where it belongs: the image was cut, enlarged or is of another size.
fn note_other_copy(
    source: &(impl ReadAt + ?Sized),
    sector: Option<u64>,
    sector_bytes: u64,
    findings: &mut Findings,
) -> Result<()> {
    match read_copy(source, sector.unwrap_or(1), sector_bytes) {
        Ok(_) => Ok(()),
        Err(error) => findings.note_fault(code::GPT_COPY_BAD, error),
    }
}

/// One copy, header and entries, both under a checksum.
fn read_copy(source: &(impl ReadAt + ?Sized), sector: u64, sector_bytes: u64) -> Result<PartitionTable> {
    let place = sector.saturating_mul(sector_bytes);
    let bytes = source.exact(HEADER, place, RECORD_BYTES)?;
    let cursor = Cursor::new(HEADER, place, &bytes);
    cursor.signature(0, b"EFI PART", "EFI PART")?;
    check_header(&cursor)?;
    let (count, entry_bytes) = (u64::from(cursor.u32_le(80)?), u64::from(cursor.u32_le(84)?));
    let length = count.saturating_mul(entry_bytes);
    if entry_bytes < ENTRY_MIN_BYTES || length > ENTRIES_MAX_BYTES {
        return Err(ParseError::OutOfBounds {
            what: ENTRIES,
            offset: cursor.position(80),
            value: length,
            limit: ENTRIES_MAX_BYTES,
        });
    }
    let entries_place = cursor.u64_le(72)?.saturating_mul(sector_bytes);
    let entries = source.exact(ENTRIES, entries_place, length)?;
    let (stored, computed) = (cursor.u32_le(88)?, crc32fast::hash(&entries));
    if stored != computed {
        return Err(ParseError::ChecksumMismatch {
            what: ENTRIES,
            offset: entries_place,
            stored,
            computed,
        });
    }
    let size = usize::try_from(entry_bytes).unwrap_or(usize::MAX);
    let mut partitions = Vec::new();
    for (entry, number) in entries.chunks_exact(size).zip(1..) {
        partitions.extend(gpt_partition(
            &Cursor::new(ENTRIES, entries_place, entry),
            number,
            sector_bytes,
        )?);
    }
    Ok(PartitionTable {
        scheme: Scheme::Gpt,
        disk_id: Some(cursor.guid(56)?.to_string()),
        sector_bytes,
        partitions,
        anomalies: Vec::new(),
    })
}

fn check_header(cursor: &Cursor<'_>) -> Result<()> {
    let length = usize::try_from(cursor.u32_le(12)?).unwrap_or(usize::MAX);
    let covered = cursor.slice(0, length.max(92))?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(covered.get(..16).unwrap_or_default());
    hasher.update(&[0; 4]);
    hasher.update(covered.get(20..).unwrap_or_default());
    let (stored, computed) = (cursor.u32_le(16)?, hasher.finalize());
    if stored == computed {
        return Ok(());
    }
    Err(ParseError::ChecksumMismatch {
        what: HEADER,
        offset: cursor.base(),
        stored,
        computed,
    })
}

/// The partition of an entry; `None` for a free one.
fn gpt_partition(entry: &Cursor<'_>, number: u32, sector_bytes: u64) -> Result<Option<Partition>> {
    let kind = entry.guid(0)?;
    if kind.is_nil() {
        return Ok(None);
    }
    let (first, last) = (entry.u64_le(32)?, entry.u64_le(40)?);
    let name = utf16::decode_le(utf16::until_nul(entry.slice(56, 72)?));
    let sectors = last.checked_sub(first).map_or(0, |sectors| sectors.saturating_add(1));
    Ok(Some(Partition {
        number,
        type_id: kind.to_string(),
        type_name: gpt_type_name(kind).map(str::to_owned),
        name: Some(name.as_str().to_owned()).filter(|name| !name.trim().is_empty()),
        offset: first.saturating_mul(sector_bytes),
        bytes: sectors.saturating_mul(sector_bytes),
    }))
}

/// What the types that virtual disks have stand for.
fn type_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0x01 | 0x04 | 0x06 | 0x0B | 0x0C | 0x0E => "fat",
        0x05 | 0x0F | 0x85 => "extended",
        0x07 => "ntfs-or-exfat",
        0x27 => "windows-recovery",
        0x82 => "linux-swap",
        0x83 => "linux",
        0x8E => "linux-lvm",
        0xA5 => "freebsd",
        TYPE_PROTECTIVE => "gpt-protective",
        0xEF => "efi-system",
        0xFB => "vmfs",
        0xFC => "vmkcore",
        0xFD => "linux-raid",
        _ => return None,
    })
}

/// The same for a GPT.
fn gpt_type_name(kind: Uuid) -> Option<&'static str> {
    Some(match kind.as_u128() {
        0xC12A_7328_F81F_11D2_BA4B_00A0_C93E_C93B => "efi-system",
        0x2168_6148_6449_6E6F_744E_6565_6445_4649 => "bios-boot",
        0xE3C9_E316_0B5C_4DB8_817D_F92D_F002_15AE => "microsoft-reserved",
        0xEBD0_A0A2_B9E5_4433_87C0_68B6_B726_99C7 => "basic-data",
        0xDE94_BBA4_06D1_4D40_A16A_BFD5_0179_D6AC => "windows-recovery",
        0x0FC6_3DAF_8483_4772_8E79_3D69_D847_7DE4 => "linux",
        0x0657_FD6D_A4AB_43C4_84E5_0933_C84B_4F4F => "linux-swap",
        0xE6D6_D379_F507_44C2_A23C_238F_2A3D_F928 => "linux-lvm",
        0xAA31_E02A_400F_11DB_9590_000C_2911_D1B8 => "vmfs",
        0x9D27_5380_40AD_11DB_BF97_000C_2911_D1B8 => "vmkcore",
        _ => return None,
    })
}
