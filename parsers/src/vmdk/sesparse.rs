//! seSparse deltas: the extents of snapshots on VMFS-6, and of disks over 2 TB.
//!
//! Read: the constant header of 512 bytes and the volatile header that it points to (qemu, dissect). Whether the journal
//! must be replayed tells an extent that is in use or crashed. The journal has to lie inside the file (assumed, no reader
//! checks it); what its entries look like is not published and no reader knows it, so the grain tables are told as they
//! stand, and that the journal must be replayed is told beside them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Anomaly, ParseError, ReadAt, Result, bytes::Cursor};

use super::{SECTOR_BYTES, note_if_outside, sectors_to_bytes};

/// Signature at the start of the file.
pub(super) const MAGIC: &[u8] = &[0xBE, 0xBA, 0xFE, 0xCA, 0, 0, 0, 0];
/// Name of the structure in errors.
pub(super) const WHAT: &str = "VMDK seSparse constant header";
/// Version 2.1, the only one.
const VERSION: u64 = 0x0000_0002_0000_0001;
/// Signature of the volatile header.
const VOLATILE_MAGIC: u64 = 0xCAFE_CAFE;
/// Grain of 4 KiB, in sectors.
pub(super) const GRAIN_SECTORS: u64 = 8;
/// Grain table of 4096 entries of 8 bytes, in sectors.
pub(super) const GRAIN_TABLE_SECTORS: u64 = 64;

/// The headers of a seSparse delta.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeSparseExtent {
    /// Major version in the upper, minor in the lower 32 bits.
    pub version: u64,
    /// Size of the extent in sectors.
    pub capacity_sectors: u64,
    /// Size of a grain in sectors; 8.
    pub grain_size_sectors: u64,
    /// Size of a grain table in sectors; 64.
    pub grain_table_sectors: u64,
    /// 0.
    pub flags: u64,
    /// Place of the volatile header.
    pub volatile_header: Area,
    /// Place of the journal's header.
    pub journal_header: Area,
    /// Place of the journal.
    pub journal: Area,
    /// Place of the grain directory.
    pub grain_directory: Area,
    /// Place of the grain tables.
    pub grain_tables: Area,
    /// Place of the bitmap of free grains.
    pub free_bitmap: Area,
    /// Place of the map from grains back to the disk.
    pub backmap: Area,
    /// Place of the data.
    pub grains: Area,
    /// The volatile header; `None` where it is damaged.
    pub volatile: Option<VolatileHeader>,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

/// A part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Area {
    /// Where it begins, in sectors.
    pub offset_sectors: u64,
    /// Its size in sectors.
    pub size_sectors: u64,
}

/// What changes while the extent is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VolatileHeader {
    /// The next free grain table.
    pub free_gt_number: u64,
    /// The next transaction of the journal.
    pub next_txn_seq_number: u64,
    /// Not 0: the journal must be replayed; open, or crashed.
    pub replay_journal: u64,
}

impl SeSparseExtent {
    /// Size in bytes that the guest sees.
    pub fn virtual_bytes(&self) -> Option<u64> {
        sectors_to_bytes(self.capacity_sectors)
    }

    fn parse(cursor: &Cursor<'_>) -> Result<Self> {
        cursor.signature(0, MAGIC, "0xcafebabe")?;
        let version = cursor.u64_le(8)?;
        if version != VERSION {
            return Err(ParseError::Unsupported {
                what: WHAT,
                version: format!("{}.{}", version >> 32_u32, version & u64::from(u32::MAX)),
            });
        }
        Ok(Self {
            version,
            capacity_sectors: cursor.u64_le(16)?,
            grain_size_sectors: cursor.u64_le(24)?,
            grain_table_sectors: cursor.u64_le(32)?,
            flags: cursor.u64_le(40)?,
            volatile_header: area(cursor, 80)?,
            journal_header: area(cursor, 96)?,
            journal: area(cursor, 112)?,
            grain_directory: area(cursor, 128)?,
            grain_tables: area(cursor, 144)?,
            free_bitmap: area(cursor, 160)?,
            backmap: area(cursor, 176)?,
            grains: area(cursor, 192)?,
            volatile: None,
            anomalies: Vec::new(),
        })
    }

    /// Says what contradicts the format or the length of the file.
    fn note_oddities(&mut self, length: u64) {
        if self.grain_size_sectors != GRAIN_SECTORS || self.grain_table_sectors != GRAIN_TABLE_SECTORS {
            self.anomalies.push(Anomaly::at(
                "bad-geometry",
                24,
                format!(
                    "grain of {} sectors, grain table of {} sectors",
                    self.grain_size_sectors, self.grain_table_sectors
                ),
            ));
        }
        if self.virtual_bytes().is_none() {
            self.anomalies.push(Anomaly::at(
                "capacity-overflow",
                16,
                format!("capacity of {} sectors", self.capacity_sectors),
            ));
        }
        for (code, name, area) in [
            (("gd-beyond-end", 128), "grain directory", self.grain_directory),
            (("gd-beyond-end", 144), "grain tables", self.grain_tables),
            (("journal-beyond-end", 96), "journal header", self.journal_header),
            (("journal-beyond-end", 112), "journal", self.journal),
        ] {
            let size = sectors_to_bytes(area.size_sectors);
            note_if_outside(&mut self.anomalies, code, name, length, area.offset_sectors, size);
        }
    }
}

/// Flags and reserved words are zero; qemu refuses an extent with any other.
fn note_reserved(cursor: &Cursor<'_>, extent: &mut SeSparseExtent) -> Result<()> {
    const RESERVED: std::ops::Range<u64> = 48..80;
    let mut note = |code: &str, offset, text| extent.anomalies.push(Anomaly::at(code, offset, text));
    if extent.flags != 0 {
        note("unknown-flags", 40, format!("flags {:#x} are not known", extent.flags));
    }
    let reserved = cursor.slice(48, 32)?;
    if let Some((at, byte)) = RESERVED.zip(reserved).find(|(_, byte)| **byte != 0) {
        note(
            "reserved-not-zero",
            at,
            format!("a reserved byte is {byte:#04x}, not zero"),
        );
    }
    Ok(())
}

/// Two fields: offset and size.
fn area(cursor: &Cursor<'_>, offset: usize) -> Result<Area> {
    Ok(Area {
        offset_sectors: cursor.u64_le(offset)?,
        size_sectors: cursor.u64_le(offset.saturating_add(8))?,
    })
}

/// Reads an extent whose signature was seen.
pub(super) fn read(source: &(impl ReadAt + ?Sized)) -> Result<SeSparseExtent> {
    let bytes = source.exact(WHAT, 0, SECTOR_BYTES)?;
    let cursor = Cursor::new(WHAT, 0, &bytes);
    let mut extent = SeSparseExtent::parse(&cursor)?;
    note_reserved(&cursor, &mut extent)?;
    match read_volatile(source, extent.volatile_header.offset_sectors) {
        Ok(header) => extent.volatile = Some(header),
        Err(error) if error.is_io() => return Err(error),
        Err(error) => extent
            .anomalies
            .push(Anomaly::new("volatile-header-bad", error.to_string())),
    }
    extent.note_oddities(source.len());
    Ok(extent)
}

/// The header that changes while the extent is in use.
fn read_volatile(source: &(impl ReadAt + ?Sized), offset_sectors: u64) -> Result<VolatileHeader> {
    const VOLATILE: &str = "VMDK seSparse volatile header";
    let offset = sectors_to_bytes(offset_sectors).ok_or(ParseError::OutOfBounds {
        what: VOLATILE,
        offset: 80,
        value: offset_sectors,
        limit: u64::MAX / SECTOR_BYTES,
    })?;
    let bytes = source.exact(VOLATILE, offset, SECTOR_BYTES)?;
    let cursor = Cursor::new(VOLATILE, offset, &bytes);
    cursor.signature(0, &VOLATILE_MAGIC.to_le_bytes(), "0xcafecafe")?;
    Ok(VolatileHeader {
        free_gt_number: cursor.u64_le(8)?,
        next_txn_seq_number: cursor.u64_le(16)?,
        replay_journal: cursor.u64_le(24)?,
    })
}
