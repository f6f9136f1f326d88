//! FAT file systems, as floppy images (`.flp`, `.vfd`) hold one: label, serial number, size.
//!
//! Read: the boot sector and, for the label, the root directory (Microsoft *FAT: General Overview of On-Disk Format*).
//! Other file systems on floppies are not told apart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EncodedText, ReadAt, Result, bytes::Cursor, error::Anomaly, findings::Findings};

/// Name of the structure in errors.
const BOOT_SECTOR: &str = "FAT boot sector";
/// Name of the structure in errors.
const ROOT: &str = "FAT root directory";
/// Longest root directory of FAT12 and FAT16 that is read, in bytes.
const ROOT_MAX_BYTES: u64 = 64 << 10;
/// Bytes of an entry of a directory.
const ENTRY_BYTES: usize = 32;
/// Attributes of the entry that holds the label.
const ATTRIBUTE_LABEL: u8 = 0x08;
/// Attributes of a part of a long name.
const ATTRIBUTE_LONG_NAME: u8 = 0x0F;

/// The codes of the anomalies of a file system.
pub mod code {
    /// Damage: the file is shorter than its file system.
    pub const SHORTER_THAN_VOLUME: &str = "shorter-than-volume";
    /// The root directory cannot be read.
    pub const ROOT_BAD: &str = "root-bad";
}

/// A FAT file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FatVolume {
    /// OEM name: what formatted it.
    pub oem: Option<String>,
    /// Label of the root directory, else of the boot sector.
    pub label: Option<EncodedText>,
    /// Serial number as Windows shows it, e.g. `1A2B-3C4D`.
    pub serial: Option<String>,
    /// `FAT12`, `FAT16` or `FAT32`, by the number of clusters, which decides.
    pub variant: FatVariant,
    /// Bytes of a sector.
    pub sector_bytes: u16,
    /// Size of the file system in bytes.
    pub bytes: u64,
    /// The usual name of a floppy of this size.
    pub floppy: Option<String>,
    /// The first anomaly after which the content is not whole.
    pub damage: Option<Anomaly>,
    /// What is odd or damaged.
    pub anomalies: Vec<Anomaly>,
}

/// Width of the entries of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FatVariant {
    /// 12 bits: floppies.
    Fat12,
    /// 16 bits.
    Fat16,
    /// 32 bits.
    Fat32,
}

/// The fields of a boot sector that stood the checks.
#[derive(Debug, Clone, Copy)]
struct Geometry {
    sector_bytes: u16,
    cluster_sectors: u64,
    reserved_sectors: u64,
    fat_sectors: u64,
    root_entries: u64,
    sectors: u64,
}

impl Geometry {
    /// The fields, or `None` where they cannot be those of a FAT.
    fn parse(cursor: &Cursor<'_>) -> Result<Option<Self>> {
        let small = u64::from(cursor.u16_le(19)?);
        let fat16 = u64::from(cursor.u16_le(22)?);
        let fat_size = if fat16 == 0 { cursor.u32_le(36)?.into() } else { fat16 };
        let geometry = Self {
            sector_bytes: cursor.u16_le(11)?,
            cluster_sectors: cursor.u8(13)?.into(),
            reserved_sectors: cursor.u16_le(14)?.into(),
            fat_sectors: u64::from(cursor.u8(16)?).saturating_mul(fat_size),
            root_entries: cursor.u16_le(17)?.into(),
            sectors: if small == 0 { cursor.u32_le(32)?.into() } else { small },
        };
        let jumps = matches!(cursor.slice(0, 3)?, [0xEB, _, 0x90] | [0xE9, ..]);
        let media = cursor.u8(21)?;
        let is_sound = jumps
            && cursor.slice(510, 2)? == [0x55, 0xAA]
            && [512, 1024, 2048, 4096].contains(&geometry.sector_bytes)
            && geometry.cluster_sectors.is_power_of_two()
            && geometry.reserved_sectors > 0
            && (1..=4).contains(&cursor.u8(16)?)
            && geometry.fat_sectors > 0
            && (media == 0xF0 || media >= 0xF8)
            && geometry.data_start() < geometry.sectors;
        Ok(is_sound.then_some(geometry))
    }

    fn root_sectors(&self) -> u64 {
        self.root_entries
            .saturating_mul(32)
            .div_ceil(u64::from(self.sector_bytes).max(1))
    }

    fn root_start(&self) -> u64 {
        self.reserved_sectors.saturating_add(self.fat_sectors)
    }

    fn data_start(&self) -> u64 {
        self.root_start().saturating_add(self.root_sectors())
    }

    /// The number of clusters decides (ibid., "FAT Type Determination").
    fn variant(&self) -> FatVariant {
        let data = self.sectors.saturating_sub(self.data_start());
        match data.checked_div(self.cluster_sectors).unwrap_or_default() {
            ..4085 => FatVariant::Fat12,
            4085..65_525 => FatVariant::Fat16,
            _ => FatVariant::Fat32,
        }
    }

    fn bytes(&self, sectors: u64) -> u64 {
        sectors.saturating_mul(self.sector_bytes.into())
    }
}

/// Reads a FAT; `None` where the first sector is not that of one.
///
/// # Errors
/// `Io` when the source cannot be read.
pub fn read(source: &(impl ReadAt + ?Sized)) -> Result<Option<FatVolume>> {
    let bytes = source.up_to(BOOT_SECTOR, 0, 512)?;
    let cursor = Cursor::new(BOOT_SECTOR, 0, &bytes);
    let Ok(Some(geometry)) = Geometry::parse(&cursor) else {
        return Ok(None);
    };
    let mut findings = Findings::default();
    let volume = volume(source, &cursor, &geometry, &mut findings);
    match volume {
        Err(error) if error.is_io() => Err(error),
        // The sector is too short for the fields behind the geometry.
        Err(_) => Ok(None),
        Ok(volume) => Ok(Some(FatVolume {
            damage: findings.first_damage(),
            anomalies: findings.into_anomalies(),
            ..volume
        })),
    }
}

fn volume(
    source: &(impl ReadAt + ?Sized),
    cursor: &Cursor<'_>,
    geometry: &Geometry,
    findings: &mut Findings,
) -> Result<FatVolume> {
    let variant = geometry.variant();
    let extended = if variant == FatVariant::Fat32 { 66 } else { 38 };
    let has_label = cursor.u8(extended)? == 0x29;
    let serial = cursor.u32_le(extended.saturating_add(1))?;
    let label = filled_text(cursor.slice(extended.saturating_add(5), 11)?).filter(|_| has_label);
    let bytes = geometry.bytes(geometry.sectors);
    if bytes > source.len() {
        let text = format!("the file system has {bytes} bytes, the file {}", source.len());
        findings.damage(Anomaly::at(code::SHORTER_THAN_VOLUME, source.len(), text));
    }
    let root = root_label(source, geometry, variant)
        .or_else(|error| findings.note_fault(code::ROOT_BAD, error).map(|()| None))?;
    Ok(FatVolume {
        oem: filled_text(cursor.slice(3, 8)?).map(|oem| oem.as_str().to_owned()),
        label: root.or_else(|| label.filter(|label| label.as_str() != "NO NAME")),
        serial: has_label.then(|| format!("{:04X}-{:04X}", serial >> 16_u32, serial & 0xFFFF)),
        variant,
        sector_bytes: geometry.sector_bytes,
        bytes,
        floppy: floppy_name(bytes).map(str::to_owned),
        damage: None,
        anomalies: Vec::new(),
    })
}

/// The label in the root directory. That of a FAT32 lies in a chain of clusters, which is not followed.
fn root_label(
    source: &(impl ReadAt + ?Sized),
    geometry: &Geometry,
    variant: FatVariant,
) -> Result<Option<EncodedText>> {
    if variant == FatVariant::Fat32 {
        return Ok(None);
    }
    let length = geometry.root_entries.saturating_mul(32).min(ROOT_MAX_BYTES);
    let offset = geometry.bytes(geometry.root_start());
    let bytes = source.exact(ROOT, offset, length)?;
    let label = bytes
        .chunks_exact(ENTRY_BYTES)
        .take_while(|entry| entry.first() != Some(&0))
        .filter(|entry| entry.first() != Some(&0xE5))
        .find(|entry| {
            let attributes = entry.get(11).copied().unwrap_or_default();
            attributes & ATTRIBUTE_LABEL != 0 && attributes & ATTRIBUTE_LONG_NAME != ATTRIBUTE_LONG_NAME
        });
    Ok(label.and_then(|entry| filled_text(entry.get(..11)?)))
}

/// Text without the blanks and NULs that fill its field, in code page 437 of which only ASCII is certain.
fn filled_text(field: &[u8]) -> Option<EncodedText> {
    let end = field.iter().rposition(|byte| !matches!(byte, b' ' | 0))?;
    let used = field.get(..=end)?;
    Some(EncodedText::decoded(String::from_utf8_lossy(used), used))
}

/// The usual name of a floppy of this size.
pub fn floppy_name(bytes: u64) -> Option<&'static str> {
    const KIB: u64 = 1024;
    Some(match bytes.checked_div(KIB)? {
        160 => "160 KB",
        180 => "180 KB",
        320 => "320 KB",
        360 => "360 KB",
        720 => "720 KB",
        1200 => "1.2 MB",
        1440 => "1.44 MB",
        1680 => "1.68 MB",
        2880 => "2.88 MB",
        _ => return None,
    })
}
