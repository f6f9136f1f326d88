//! vmfsSparse deltas ("COWD"): the extents of snapshots on VMFS-5 and NFS.
//!
//! A header of 2048 bytes, then the grain directory. No descriptor is embedded. The field for the parent's name is
//! empty today; it is read because old files may hold one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Anomaly, ParseError, ReadAt, Result,
    bytes::Cursor,
    charset::Charset,
    reference::{FileKind, FileReference, has_file_extension},
};

use super::{Geometry, note_if_outside, sectors_to_bytes};

/// Signature at the start of the file.
pub(super) const MAGIC: &[u8] = b"COWD";
/// Name of the structure in errors.
pub(super) const WHAT: &str = "VMDK COWD header";
/// Length of the header in bytes.
const HEADER_BYTES: u64 = 2048;
/// The only version.
const VERSION: u32 = 1;
/// Entries of a grain table.
pub(super) const GTES_PER_GT: u64 = 4096;
/// Largest grain, in sectors.
pub(super) const MAX_GRAIN_SECTORS: u32 = 2048;

/// The header of a vmfsSparse delta.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CowdExtent {
    /// 1.
    pub version: u32,
    /// 3.
    pub flags: u32,
    /// Size of the extent in sectors.
    pub capacity_sectors: u32,
    /// Size of a grain in sectors; 1 in practice.
    pub grain_size_sectors: u32,
    /// Sector of the grain directory; 4.
    pub gd_offset_sectors: u32,
    /// Entries of the grain directory.
    pub gd_entries: u32,
    /// The next free sector: how far the file is used.
    pub free_sector: u32,
    /// Cylinders, heads and sectors of a root; children, and most roots of today, have none.
    pub geometry: Option<Geometry>,
    /// The parent's name, where an old file holds one.
    pub parent_file_name: Option<String>,
    /// Generation of the parent, beside its name.
    pub parent_generation: Option<u32>,
    /// Counts changes.
    pub generation: u32,
    /// A name, where one is given.
    pub name: Option<String>,
    /// A description, where one is given.
    pub description: Option<String>,
    /// Counts changes, at the last save.
    pub saved_generation: u32,
    /// Not 0: open, or crashed.
    pub unclean_shutdown: u32,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

impl CowdExtent {
    /// Size in bytes that the guest sees.
    pub fn virtual_bytes(&self) -> Option<u64> {
        sectors_to_bytes(u64::from(self.capacity_sectors))
    }

    /// Bytes up to the next free sector.
    pub fn used_bytes(&self) -> Option<u64> {
        sectors_to_bytes(u64::from(self.free_sector))
    }

    /// The parent, where an old file names it.
    pub fn references(&self) -> Vec<FileReference> {
        self.parent_file_name
            .iter()
            .map(|name| FileReference::new("COWD parentFileName", name.as_str().into(), FileKind::Parent))
            .collect()
    }

    /// Says what contradicts the format or the length of the file.
    fn note_oddities(&mut self, length: u64) {
        let grain = u64::from(self.grain_size_sectors);
        if grain == 0 || self.grain_size_sectors > MAX_GRAIN_SECTORS {
            self.anomalies
                .push(Anomaly::at("bad-geometry", 16, format!("grain of {grain} sectors")));
        } else {
            let table_sectors = GTES_PER_GT.saturating_mul(grain);
            let derived = u64::from(self.capacity_sectors).div_ceil(table_sectors);
            if derived != u64::from(self.gd_entries) {
                self.anomalies.push(Anomaly::at(
                    "gd-count-mismatch",
                    24,
                    format!("{} directory entries, the capacity needs {derived}", self.gd_entries),
                ));
            }
        }
        note_if_outside(
            &mut self.anomalies,
            ("gd-beyond-end", 20),
            "grain directory",
            length,
            u64::from(self.gd_offset_sectors),
            u64::from(self.gd_entries).checked_mul(4),
        );
        if self.used_bytes().is_some_and(|used| used > length) {
            let text = format!(
                "the next free sector is {}, the file has {length} bytes",
                self.free_sector
            );
            self.anomalies.push(Anomaly::at("free-sector-beyond-end", 28, text));
        }
    }
}

/// Reads an extent whose signature was seen.
pub(super) fn read(source: &(impl ReadAt + ?Sized)) -> Result<CowdExtent> {
    let bytes = source.exact(WHAT, 0, HEADER_BYTES)?;
    let cursor = Cursor::new(WHAT, 0, &bytes);
    cursor.signature(0, MAGIC, "\"COWD\"")?;
    let version = cursor.u32_le(4)?;
    if version != VERSION {
        return Err(ParseError::Unsupported {
            what: WHAT,
            version: version.to_string(),
        });
    }
    let parent_file_name = parent_file_name(cursor.slice(32, 1024)?);
    let mut extent = CowdExtent {
        version,
        flags: cursor.u32_le(8)?,
        capacity_sectors: cursor.u32_le(12)?,
        grain_size_sectors: cursor.u32_le(16)?,
        gd_offset_sectors: cursor.u32_le(20)?,
        gd_entries: cursor.u32_le(24)?,
        free_sector: cursor.u32_le(28)?,
        geometry: geometry(&cursor)?.filter(|_| parent_file_name.is_none()),
        parent_generation: parent_file_name.is_some().then(|| cursor.u32_le(1056)).transpose()?,
        parent_file_name,
        name: text(cursor.slice(1064, 60)?),
        description: text(cursor.slice(1124, 512)?),
        generation: cursor.u32_le(1060)?,
        saved_generation: cursor.u32_le(1636)?,
        unclean_shutdown: cursor.u32_le(1648)?,
        anomalies: Vec::new(),
    };
    extent.note_oddities(source.len());
    Ok(extent)
}

/// What a root holds in the place of the parent's name.
fn geometry(cursor: &Cursor<'_>) -> Result<Option<Geometry>> {
    let [cylinders, heads, sectors] = [cursor.u32_le(32)?, cursor.u32_le(36)?, cursor.u32_le(40)?].map(u64::from);
    Ok((cylinders != 0 && heads != 0 && sectors != 0).then_some(Geometry {
        cylinders,
        heads,
        sectors,
    }))
}

/// A root holds its geometry in the place of the name: only what reads like the name of a file counts.
fn parent_file_name(field: &[u8]) -> Option<String> {
    text(field).filter(|name| has_file_extension(name))
}

/// The text of a field up to its first NUL; `None` for an empty one and for what is no text.
fn text(field: &[u8]) -> Option<String> {
    let text = field.split(|&byte| byte == 0).next()?;
    let is_text = !text.is_empty() && text.iter().all(|byte| *byte >= 0x20 && *byte != 0x7F);
    is_text.then(|| Charset::declared(None, text).0.decode(text).0.into_owned())
}
