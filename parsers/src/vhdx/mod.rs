//! VHDX and AVHDX disks (MS-VHDX).
//!
//! Read in this order: file identifier, the current of two headers, the log where it is open (replayed in memory over
//! all that follows), the region table, the metadata and their parent locator. Checked: signatures, CRC-32C of headers,
//! region tables and log entries, versions, counts, places and sizes, duplicates and overlaps.
//!
//! The outer structure (identifier and one header) has to be sound, else reading fails. Behind it, what cannot be read
//! leaves its facts `None`, an anomaly, and the first such anomaly as [`Vhdx::damage`]. [`read`] stops there.
//!
//! [`allocation()`] and [`ranges()`] walk the block allocation table too, and the sector bitmaps of blocks that are partly
//! here. The payload is not read.

mod allocation;
mod bat;
pub(crate) mod format;
mod header;
mod locator;
mod log;
mod metadata;
mod overlay;
mod ranges;
mod region;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use locator::{LocatorEntry, ParentLocator};
pub use log::LogState;
pub use ranges::Ranges;

use crate::{
    block_map::Allocation,
    disk_kind::DiskKind,
    error::{Anomaly, Result},
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
    window::Window,
};

/// The codes of the anomalies of a VHDX.
pub mod code {
    /// One copy of the header is bad; the other was taken.
    pub const HEADER_COPY_BAD: &str = "header-copy-bad";
    /// Both headers have one sequence number and differ.
    pub const HEADER_SEQUENCE_EQUAL: &str = "header-sequence-equal";
    /// One copy of the region table is bad; the other was taken.
    pub const REGION_TABLE_COPY_BAD: &str = "region-table-copy-bad";
    /// The copies of the region table differ: an update was interrupted.
    pub const REGION_TABLES_DIFFER: &str = "region-tables-differ";
    /// Both copies of the region table are bad: no metadata.
    pub const REGION_TABLES_BAD: &str = "region-tables-bad";
    /// An entry of the region table cannot be.
    pub const REGION_INVALID: &str = "region-invalid";
    /// A region that nobody knows is marked as required.
    pub const REGION_UNKNOWN_REQUIRED: &str = "region-unknown-required";
    /// BAT or metadata region are not listed.
    pub const REGION_MISSING: &str = "region-missing";
    /// A region reaches past the end of the file.
    pub const REGION_BEYOND_END: &str = "region-beyond-end";
    /// Regions, or a region and the log, overlap.
    pub const REGION_OVERLAP: &str = "region-overlap";
    /// The log holds nothing, and its version or place in the header is none that MS-VHDX 2.2.2 allows.
    pub const LOG_HEADER_BAD: &str = "log-header-bad";
    /// The log is open and cannot be read.
    pub const LOG_UNREADABLE: &str = "log-unreadable";
    /// The log is open and has no run of entries that could be replayed.
    pub const LOG_NO_VALID_RUN: &str = "log-no-valid-run";
    /// The log was written for a longer file.
    pub const LOG_FILE_TOO_SHORT: &str = "log-file-too-short";
    /// The metadata table cannot be read.
    pub const METADATA_TABLE_BAD: &str = "metadata-table-bad";
    /// A metadata item that nobody knows is marked as required.
    pub const METADATA_UNKNOWN_REQUIRED: &str = "metadata-unknown-required";
    /// A metadata item is listed twice; the first was taken.
    pub const METADATA_ITEM_TWICE: &str = "metadata-item-twice";
    /// A metadata item that every disk has is not listed.
    pub const METADATA_ITEM_MISSING: &str = "metadata-item-missing";
    /// A metadata item is not sound.
    pub const METADATA_ITEM_BAD: &str = "metadata-item-bad";
    /// The virtual size is no multiple of the sector size.
    pub const VIRTUAL_SIZE_RAGGED: &str = "virtual-size-ragged";
    /// A differencing disk without a parent locator.
    pub const LOCATOR_MISSING: &str = "locator-missing";
    /// A parent locator in a disk that says it has no parent.
    pub const LOCATOR_UNEXPECTED: &str = "locator-unexpected";
    /// The parent locator cannot be read.
    pub const LOCATOR_BAD: &str = "locator-bad";
    /// The parent locator is of an unknown type.
    pub const LOCATOR_TYPE_UNKNOWN: &str = "locator-type-unknown";
    /// A pair of the parent locator is not sound.
    pub const LOCATOR_ENTRY_INVALID: &str = "locator-entry-invalid";
    /// The parent locator has no `parent_linkage`: nothing proves which file the parent is.
    pub const LOCATOR_LINKAGE_MISSING: &str = "locator-linkage-missing";
    /// The parent locator names no path; damage where it has no linkage either.
    pub const LOCATOR_PATH_MISSING: &str = "locator-path-missing";
    /// Reserved bits of the file parameters are set.
    pub const FILE_PARAMETERS_RESERVED: &str = "file-parameters-reserved";
    /// Blocks of a fixed disk that have no place.
    pub const FIXED_BLOCK_ABSENT: &str = "fixed-block-absent";
    /// A key of the parent locator occurs twice; the first was taken.
    pub const LOCATOR_KEY_TWICE: &str = "locator-key-twice";
    /// Metadata items overlap.
    pub const METADATA_ITEM_OVERLAP: &str = "metadata-item-overlap";
    /// Damage: blocks whose entry has a state that nobody knows.
    pub const BLOCK_STATE_BAD: &str = "block-state-bad";
    /// Entries of blocks that have bits set which are reserved.
    pub const BLOCK_ENTRY_RESERVED: &str = "block-entry-reserved";
    /// Damage: blocks that lie outside the file, or in its header area.
    pub const BLOCK_OUTSIDE_FILE: &str = "block-outside-file";
    /// Damage: blocks that lie on another block, a region or the log.
    pub const BLOCK_OVERLAP: &str = "block-overlap";
    /// Damage: blocks that are partly here without a bitmap that says which part, or in a disk without parent.
    pub const BLOCK_WITHOUT_BITMAP: &str = "block-without-bitmap";
    /// Damage: sector bitmaps whose entry cannot be.
    pub const BITMAP_BAD: &str = "bitmap-bad";
    /// The file is too large to look for overlaps of its blocks.
    pub const OVERLAPS_NOT_CHECKED: &str = "overlaps-not-checked";
}

/// What a VHDX says of itself. `None` where that could not be read; [`Vhdx::damage`] then says why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Vhdx {
    /// Who made the file, e.g. `Microsoft Windows 10.0.20348.0`.
    pub creator: Option<String>,
    /// Sequence number of the current header: counts its updates.
    pub sequence_number: u64,
    /// Changes with the first write after each opening.
    pub file_write_guid: Uuid,
    /// Changes when data that the guest sees change. Children quote it as the linkage to their parent.
    pub data_write_guid: Uuid,
    /// Set while the log may hold updates: open for writing now, or when its host stopped.
    pub log_guid: Option<Uuid>,
    /// What the log holds.
    pub log_state: LogState,
    /// Unit of allocation in bytes.
    pub block_size_bytes: Option<u32>,
    /// How the disk keeps its data.
    pub kind: Option<DiskKind>,
    /// Size of the disk that the guest sees, in bytes.
    pub virtual_bytes: Option<u64>,
    /// Page 83 data: the same in a base and all its children and copies.
    pub disk_id: Option<Uuid>,
    /// Sector size that the guest sees, in bytes.
    pub logical_sector_bytes: Option<u32>,
    /// Sector size of the physical disk as shown to the guest, in bytes.
    pub physical_sector_bytes: Option<u32>,
    /// Creation or conversion was not finished.
    pub incomplete: bool,
    /// Where the parent is; only in a differencing disk.
    pub parent: Option<ParentLocator>,
    /// Where the parts of the file are.
    #[serde(default)]
    pub layout: Layout,
    /// Metadata items that have no field here: geometry, labels of persistent memory, and those that nobody knows.
    #[serde(default)]
    pub other_items: Vec<OtherItem>,
    /// The first anomaly after which facts, or data behind them, may be missing; `None` for a sound file.
    pub damage: Option<Anomaly>,
    /// What is odd or damaged.
    pub anomalies: Vec<Anomaly>,
}

/// Where the parts of a file are, and what its header says of them (MS-VHDX 2.2).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Layout {
    /// Sequence number of the header that is not the current one; `None` where that copy is bad.
    pub other_sequence_number: Option<u64>,
    /// Version of the log; 0.
    pub log_version: u16,
    /// Where the log begins, bytes from the start of the file.
    pub log_offset_bytes: u64,
    /// Length of the log in bytes.
    pub log_length_bytes: u64,
    /// The block allocation table; `None` where no region table names it.
    pub bat: Option<Region>,
    /// The metadata; `None` where no region table names them.
    pub metadata: Option<Region>,
    /// Regions that nobody knows.
    pub other_regions: Vec<OtherRegion>,
}

/// A part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Region {
    /// Bytes from the start of the file.
    pub offset_bytes: u64,
    /// Length in bytes.
    pub length_bytes: u64,
}

/// A region that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherRegion {
    /// What it is.
    pub id: Uuid,
    /// Where it is.
    #[serde(flatten)]
    pub region: Region,
}

/// A metadata item that has no field of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherItem {
    /// What it is.
    pub id: Uuid,
    /// Its name, where it is known.
    pub name: Option<String>,
    /// It belongs to a user of the disk and not to the system.
    pub is_user: bool,
    /// Nobody may read the disk who does not know it.
    pub is_required: bool,
    /// Length in bytes.
    pub length_bytes: u32,
}

impl Vhdx {
    /// True when the disk has a parent, or may have one that could not be read.
    pub fn may_have_parent(&self) -> bool {
        self.parent.is_some() || self.kind.is_none_or(|kind| kind == DiskKind::Differencing)
    }
}

/// Reads all facts of a VHDX.
///
/// # Errors
/// `BadSignature` when it is none; `Truncated`, `ChecksumMismatch` or `Unsupported` when both headers are bad; `Io`.
pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Vhdx> {
    let Opened {
        creator,
        header,
        log_state,
        regions,
        metadata,
        findings,
        ..
    } = open(source, limits)?;
    Ok(Vhdx {
        layout: Layout {
            other_sequence_number: header.other_sequence_number,
            log_version: header.log_version,
            log_offset_bytes: header.log_offset,
            log_length_bytes: header.log_bytes,
            bat: regions.bat().map(region::ParsedRegion::place),
            metadata: regions.metadata().map(region::ParsedRegion::place),
            other_regions: regions.others().collect(),
        },
        other_items: metadata.others,
        creator,
        sequence_number: header.sequence_number,
        file_write_guid: header.file_write_guid,
        data_write_guid: header.data_write_guid,
        log_guid: Some(header.log_guid).filter(|id| !id.is_nil()),
        log_state,
        block_size_bytes: metadata.block_size_bytes,
        kind: metadata.kind,
        virtual_bytes: metadata.virtual_bytes,
        disk_id: metadata.disk_id,
        logical_sector_bytes: metadata.logical_sector_bytes,
        physical_sector_bytes: metadata.physical_sector_bytes,
        incomplete: metadata.incomplete,
        parent: metadata.parent,
        damage: findings.first_damage(),
        anomalies: findings.into_anomalies(),
    })
}

/// Walks the block allocation table, as an open log leaves it, and counts what it allocates. Memory is bounded: a piece
/// of the table, and one bit for each MiB of the file.
///
/// # Errors
/// As [`read`]; `Malformed` where the metadata that say how to read the table are missing, `OutOfBounds` where the
/// table does not fit its region, `Truncated` where the file ends in it, `LimitExceeded` where chunks share so many
/// bitmaps that these are longer than the file.
pub fn allocation(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Allocation> {
    allocation::read(open(source, limits)?, limits)
}

/// The disk as stretches in their order, without gaps, each with where its content is. The table is read on the way.
///
/// # Errors
/// As [`allocation()`]; while it runs `Truncated` and `Io` only, and after one of these it ends.
pub fn ranges<R: ReadAt>(source: R, limits: &Limits) -> Result<Ranges<R>> {
    Ranges::new(open(source, limits)?)
}

/// A file whose outer structure is sound, with its log laid over it.
#[derive(Debug)]
struct Opened<R> {
    source: overlay::Overlay<Window<R>>,
    creator: Option<String>,
    header: header::ParsedHeader,
    log_state: LogState,
    regions: region::Regions,
    metadata: metadata::ParsedMetadata,
    findings: Findings,
}

fn open<R: ReadAt>(source: R, limits: &Limits) -> Result<Opened<R>> {
    let source = Window::ahead(source, "VHDX header section", 0, format::HEADER_SECTION_BYTES)?;
    let creator = header::read_creator(&source)?;
    let mut findings = Findings::default();
    let header = header::read_current(&source, &mut findings)?;
    let (log_state, replay) = log::open(&source, &header, limits, &mut findings)?;
    let source = overlay::Overlay::new(source, replay.patches, replay.length);
    let regions = region::read(&source, &header, &mut findings)?;
    let metadata = match regions.metadata() {
        Some(region) => metadata::read(&source, region, limits, &mut findings)?,
        None => metadata::ParsedMetadata::default(),
    };
    Ok(Opened {
        source,
        creator,
        header,
        log_state,
        regions,
        metadata,
        findings,
    })
}

/// True when the bytes at offset 0 are those of a VHDX: an 8-byte signature.
pub fn has_signature(head: &[u8]) -> bool {
    head.starts_with(format::FILE_IDENTIFIER_SIGNATURE)
}
