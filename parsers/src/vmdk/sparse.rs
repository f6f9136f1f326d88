//! Hosted sparse extents ("KDMV"): monolithicSparse, `-sNNN` of a split disk, streamOptimized (technical note *Virtual
//! Disk Format 5.0*).
//!
//! Read: the header of 512 bytes, the footer that a stream may end with and that wins over the header, and the embedded
//! descriptor. Checked against the length of the file; grain directories are located, not walked. A version that is not
//! known is an anomaly and not an error, because the embedded descriptor, which names the parent, is text of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Anomaly, Limits, ParseError, ReadAt, Result, bytes::Cursor};

use super::{SECTOR_BYTES, descriptor::Descriptor, note_if_outside, sectors_to_bytes};

/// Signature at the start of the file.
pub(super) const MAGIC: &[u8] = b"KDMV";
/// Name of the structure in errors.
pub(super) const WHAT: &str = "VMDK sparse extent header";
/// `gdOffset` of a stream whose grain directory stands in the footer.
pub(super) const GD_AT_END: u64 = u64::MAX;
/// From the footer to the end of the file: the footer and the end-of-stream marker.
const FOOTER_FROM_END: u64 = 1024;
/// How far before the end of the file a footer is looked for that does not stand there: behind the end of a stream there
/// may be padding, of a cluster or of a tape.
const FOOTER_SEARCHED_BYTES: u64 = 128 << 10;
/// Name of the footer in errors.
const FOOTER: &str = "VMDK stream footer";
/// Type of the marker before a footer.
const FOOTER_MARKER: u32 = 3;
/// What the four bytes at 73 hold unless a text-mode transfer changed them.
const NEWLINES: [u8; 4] = *b"\n \r\n";
/// Highest version that is known.
const MAX_VERSION: u32 = 3;
/// Largest grain that qemu takes, in sectors.
const MAX_GRAIN_SECTORS: u64 = 0x20_0000;
/// Most entries of a grain table that qemu takes.
const MAX_TABLE_ENTRIES: u32 = 512;

/// Bit of `flags`: the newline bytes are valid.
const FLAG_NEWLINES: u32 = 1;
/// Bit of `flags`: there is a redundant grain directory.
const FLAG_REDUNDANT: u32 = 1 << 1;
/// Bit of `flags`: an entry of 1 stands for a grain of zeros.
const FLAG_ZERO_GRAINS: u32 = 1 << 2;
/// Bit of `flags`: grains are compressed.
const FLAG_COMPRESSED: u32 = 1 << 16;
/// Bit of `flags`: grains and metadata are marked.
const FLAG_MARKERS: u32 = 1 << 17;
/// Every flag that is known.
const KNOWN_FLAGS: u32 = FLAG_NEWLINES | FLAG_REDUNDANT | FLAG_ZERO_GRAINS | FLAG_COMPRESSED | FLAG_MARKERS;
/// `compressAlgorithm`: deflate.
const DEFLATE: u16 = 1;

/// The header, or the footer, of a sparse extent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SparseHeader {
    /// 1; 2 with zeroed grains; 3 by stream writers.
    pub version: u32,
    /// Bit 0 newline check valid, 1 redundant directory, 2 zeroed grains, 16 compressed, 17 markers.
    pub flags: u32,
    /// Size of the extent in sectors. 0 where the file only carries the descriptor.
    pub capacity_sectors: u64,
    /// Size of a grain in sectors.
    pub grain_size_sectors: u64,
    /// Sector of the embedded descriptor; 0 for none.
    pub descriptor_offset_sectors: u64,
    /// Size of the embedded descriptor in sectors.
    pub descriptor_size_sectors: u64,
    /// Entries of a grain table.
    pub gtes_per_gt: u32,
    /// Sector of the redundant grain directory.
    pub rgd_offset_sectors: u64,
    /// Sector of the grain directory; all ones where the footer says.
    pub gd_offset_sectors: u64,
    /// Sectors of metadata before the first grain.
    pub overhead_sectors: u64,
    /// Not 0: open, or crashed.
    pub unclean_shutdown: u8,
    /// The newline bytes are as written: no text-mode transfer.
    pub newlines_intact: bool,
    /// 0 none, 1 deflate.
    pub compression: u16,
    /// Entries of the grain directory, by the sizes above; `None` where they allow none.
    pub gd_entries: Option<u64>,
}

/// A sparse extent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SparseExtent {
    /// The header at the start.
    pub header: SparseHeader,
    /// The footer of a stream; it wins over the header.
    pub footer: Option<SparseHeader>,
    /// The embedded descriptor.
    pub descriptor: Option<Descriptor>,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

impl SparseHeader {
    fn parse(cursor: &Cursor<'_>) -> Result<Self> {
        cursor.signature(0, MAGIC, "\"KDMV\"")?;
        let mut header = Self {
            version: cursor.u32_le(4)?,
            flags: cursor.u32_le(8)?,
            capacity_sectors: cursor.u64_le(12)?,
            grain_size_sectors: cursor.u64_le(20)?,
            descriptor_offset_sectors: cursor.u64_le(28)?,
            descriptor_size_sectors: cursor.u64_le(36)?,
            gtes_per_gt: cursor.u32_le(44)?,
            rgd_offset_sectors: cursor.u64_le(48)?,
            gd_offset_sectors: cursor.u64_le(56)?,
            overhead_sectors: cursor.u64_le(64)?,
            unclean_shutdown: cursor.u8(72)?,
            newlines_intact: cursor.array::<4>(73)? == NEWLINES,
            compression: cursor.u16_le(77)?,
            gd_entries: None,
        };
        header.gd_entries = header.count_gd_entries();
        Ok(header)
    }

    /// Grains are compressed or marked: written as a stream.
    pub fn is_stream(&self) -> bool {
        self.flags & (FLAG_COMPRESSED | FLAG_MARKERS) != 0
    }

    /// Grains are compressed.
    pub fn is_compressed(&self) -> bool {
        self.flags & FLAG_COMPRESSED != 0
    }

    /// There is a redundant grain directory.
    pub fn has_redundant_directory(&self) -> bool {
        self.flags & FLAG_REDUNDANT != 0
    }

    /// An entry of 1 in a grain table stands for a grain of zeros.
    pub fn has_zero_grains(&self) -> bool {
        self.flags & FLAG_ZERO_GRAINS != 0
    }

    fn count_gd_entries(&self) -> Option<u64> {
        let sectors = self.grain_size_sectors.checked_mul(u64::from(self.gtes_per_gt))?;
        if sectors == 0 {
            return None;
        }
        Some(self.capacity_sectors.div_ceil(sectors))
    }

    /// A footer is the header once more, but for the place of the grain directory.
    fn is_copy_of(&self, header: &Self) -> bool {
        let geometry = |own: &Self| {
            (
                own.capacity_sectors,
                own.grain_size_sectors,
                own.gtes_per_gt,
                own.compression,
            )
        };
        geometry(self) == geometry(header)
    }

    pub(super) fn has_sound_geometry(&self) -> bool {
        self.bad_geometry().is_none()
    }

    /// The field of the first size that is none, and why.
    fn bad_geometry(&self) -> Option<(u64, String)> {
        let (grain, entries) = (self.grain_size_sectors, self.gtes_per_gt);
        if !grain.is_power_of_two() {
            Some((20, format!("grains of {grain} sectors: that is no power of two")))
        } else if grain > MAX_GRAIN_SECTORS {
            let text = format!("grains of {grain} sectors: more than the {MAX_GRAIN_SECTORS} that readers take");
            Some((20, text))
        } else if entries == 0 || entries > MAX_TABLE_ENTRIES {
            let text = format!("grain tables of {entries} entries: not 1 to {MAX_TABLE_ENTRIES}");
            Some((44, text))
        } else {
            None
        }
    }
}

impl SparseExtent {
    /// The footer where there is one, else the header.
    pub fn effective_header(&self) -> &SparseHeader {
        self.footer.as_ref().unwrap_or(&self.header)
    }

    /// Size in bytes that the guest sees. A header without capacity leaves it to its descriptor (qemu).
    pub fn virtual_bytes(&self) -> Option<u64> {
        match self.effective_header().capacity_sectors {
            0 => self.descriptor.as_ref().and_then(Descriptor::virtual_bytes),
            sectors => sectors_to_bytes(sectors),
        }
    }
}

/// Reads an extent whose signature was seen.
pub(super) fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<SparseExtent> {
    let bytes = source.exact(WHAT, 0, SECTOR_BYTES)?;
    let header = SparseHeader::parse(&Cursor::new(WHAT, 0, &bytes))?;
    let mut anomalies = Vec::new();
    let footer = read_footer(source, &header, &mut anomalies)?;
    let descriptor = read_descriptor(source, &header, limits, &mut anomalies)?;
    let counts_at = footer.as_ref().map_or(0, |(offset, _)| *offset);
    let mut extent = SparseExtent {
        header,
        footer: footer.map(|(_, footer)| footer),
        descriptor,
        anomalies,
    };
    note_oddities(&mut extent, counts_at, source.len());
    Ok(extent)
}

/// The footer at the end of a stream, and where it stands.
fn read_footer(
    source: &(impl ReadAt + ?Sized),
    header: &SparseHeader,
    anomalies: &mut Vec<Anomaly>,
) -> Result<Option<(u64, SparseHeader)>> {
    if !header.is_stream() && header.gd_offset_sectors != GD_AT_END {
        return Ok(None);
    }
    let mut footer = match source.len().checked_sub(FOOTER_FROM_END) {
        Some(offset) if offset >= SECTOR_BYTES => {
            let bytes = source.exact(FOOTER, offset, SECTOR_BYTES)?;
            let footer = SparseHeader::parse(&Cursor::new(FOOTER, offset, &bytes)).ok();
            footer.map(|footer| (offset, footer))
        }
        _ => None,
    };
    if footer.is_none() && header.gd_offset_sectors == GD_AT_END {
        footer = search_footer(source)?;
        anomalies.push(match &footer {
            Some((offset, _)) => note_end(offset.saturating_add(FOOTER_FROM_END), source.len()),
            None => Anomaly::at(
                "footer-missing",
                56,
                "the header leaves the grain directory to the footer, and the file has none: the stream is cut off",
            ),
        });
    }
    if let Some((offset, footer)) = &footer
        && !footer.is_copy_of(header)
    {
        anomalies.push(Anomaly::at(
            "footer-mismatch",
            *offset,
            format!(
                "the footer has {} sectors in grains of {}, the header {} in grains of {}: the footer counts",
                footer.capacity_sectors, footer.grain_size_sectors, header.capacity_sectors, header.grain_size_sectors
            ),
        ));
    }
    Ok(footer)
}

/// The last footer behind its marker in a stream that does not end with one.
fn search_footer(source: &(impl ReadAt + ?Sized)) -> Result<Option<(u64, SparseHeader)>> {
    let length = source.len();
    let from = length.saturating_sub(FOOTER_SEARCHED_BYTES);
    let from = from.checked_next_multiple_of(SECTOR_BYTES).unwrap_or(length);
    let bytes = source.exact(FOOTER, from, length.saturating_sub(from))?;
    let sectors = || bytes.chunks_exact(512);
    let offsets = (from..length).step_by(512).skip(1);
    let found = sectors()
        .zip(sectors().skip(1))
        .zip(offsets)
        .filter_map(|((marker, footer), offset)| {
            let marker = Cursor::new(FOOTER, offset, marker);
            let is_marked = marker.u32_le(8).ok()? == 0 && marker.u32_le(12).ok()? == FOOTER_MARKER;
            let footer = SparseHeader::parse(&Cursor::new(FOOTER, offset, footer)).ok();
            Some((offset, footer.filter(|_| is_marked)?))
        });
    Ok(found.last())
}

/// A stream that ends at `end`, the end of its last marker, in a file of another length.
fn note_end(end: u64, length: u64) -> Anomaly {
    match length.checked_sub(end) {
        Some(behind) => Anomaly::at(
            "bytes-behind-end",
            end,
            format!("{behind} bytes follow the end of the stream"),
        ),
        None => Anomaly::at("end-marker-missing", length, "the stream ends without its last marker"),
    }
}

/// The embedded descriptor. Extents after the first leave its place empty.
fn read_descriptor(
    source: &(impl ReadAt + ?Sized),
    header: &SparseHeader,
    limits: &Limits,
    anomalies: &mut Vec<Anomaly>,
) -> Result<Option<Descriptor>> {
    const EMBEDDED: &str = "embedded VMDK descriptor";
    if header.descriptor_offset_sectors == 0 {
        return Ok(None);
    }
    let length = source.len();
    let size = sectors_to_bytes(header.descriptor_size_sectors);
    note_if_outside(
        anomalies,
        ("descriptor-beyond-end", 28),
        EMBEDDED,
        length,
        header.descriptor_offset_sectors,
        size,
    );
    let Some(offset) = sectors_to_bytes(header.descriptor_offset_sectors).filter(|offset| *offset < length) else {
        return Ok(None);
    };
    let bytes = source.up_to(EMBEDDED, offset, size.unwrap_or(u64::MAX).min(limits.text_bytes))?;
    if bytes.first().is_none_or(|&byte| byte == 0) {
        return Ok(None);
    }
    let parsed = if Descriptor::is_descriptor(&bytes) {
        Descriptor::parse(&bytes, limits)
    } else {
        Err(ParseError::Malformed {
            what: EMBEDDED,
            offset,
            detail: "is no descriptor text".to_owned(),
        })
    };
    Ok(parsed
        .map_err(|error| anomalies.push(Anomaly::at("descriptor-unreadable", offset, error.to_string())))
        .ok())
}

/// Says what contradicts the format or the length of the file. `at`: where the header that counts stands.
fn note_oddities(extent: &mut SparseExtent, at: u64, length: u64) {
    let header = extent.effective_header().clone();
    let anomalies = &mut extent.anomalies;
    let mut note = |code: &str, field: u64, text: String| {
        anomalies.push(Anomaly::at(code, at.saturating_add(field), text));
    };
    if header.version == 0 || header.version > MAX_VERSION {
        note("unknown-version", 4, format!("version {} is not known", header.version));
    }
    if header.flags & !KNOWN_FLAGS != 0 {
        let text = format!("flags {:#x} are not known", header.flags & !KNOWN_FLAGS);
        note("unknown-flags", 8, text);
    }
    if header.flags & FLAG_NEWLINES != 0 && !header.newlines_intact {
        note(
            "text-mode-damage",
            73,
            "the newline bytes were changed by a text-mode transfer".to_owned(),
        );
    }
    if header.compression > DEFLATE {
        let text = format!("compression {} is not known", header.compression);
        note("unknown-compression", 77, text);
    }
    if header.capacity_sectors > 0 && sectors_to_bytes(header.capacity_sectors).is_none() {
        note(
            "capacity-overflow",
            12,
            format!("capacity of {} sectors", header.capacity_sectors),
        );
    }
    if let Some((field, text)) = header.bad_geometry() {
        note("bad-geometry", field, text);
    } else if header.gd_offset_sectors != GD_AT_END && header.capacity_sectors > 0 {
        note_if_outside(
            anomalies,
            ("gd-beyond-end", at.saturating_add(56)),
            "grain directory",
            length,
            header.gd_offset_sectors,
            header.gd_entries.and_then(|entries| entries.checked_mul(4)),
        );
    }
    // Behind the end of a stream there may be any number of bytes.
    let is_padded = at > 0 && at.is_multiple_of(SECTOR_BYTES) && at.saturating_add(FOOTER_FROM_END) < length;
    if !length.is_multiple_of(SECTOR_BYTES) && !is_padded {
        let text = format!("the length of {length} bytes is not in whole sectors");
        anomalies.push(Anomaly::at("cut-off", length, text));
    }
    if sectors_to_bytes(header.overhead_sectors).is_none_or(|overhead| overhead > length) {
        anomalies.push(Anomaly::at(
            "shorter-than-overhead",
            at.saturating_add(64),
            format!(
                "metadata of {} sectors in a file of {length} bytes",
                header.overhead_sectors
            ),
        ));
    }
    note_capacity_mismatch(extent, at);
}

/// A single extent line of the embedded descriptor has the capacity of the header, or of the footer, that counts.
fn note_capacity_mismatch(extent: &mut SparseExtent, at: u64) {
    let capacity = extent.effective_header().capacity_sectors;
    let says = if at == 0 { "header" } else { "footer" };
    let Some([line]) = extent
        .descriptor
        .as_ref()
        .map(|descriptor| descriptor.extents.as_slice())
    else {
        return;
    };
    if capacity != 0 && line.sectors != capacity {
        extent.anomalies.push(Anomaly::at(
            "capacity-mismatch",
            at.saturating_add(12),
            format!("the {says} says {capacity} sectors, the descriptor {}", line.sectors),
        ));
    }
}
