//! VHD and AVHD disks, and the files that are carried in a fixed VHD (`.vmgs`, `.vhdpmem`).
//!
//! Read in this order: the footer at the end (512 or, from old writers, 511 bytes), its copy at the start where that
//! matters, the dynamic header, the parent locators. Checked: cookies, checksums, versions, the length of the file
//! against the disk, the place of the table, lengths of locators. Files with wrong checksums occur and other tools open
//! them, so a wrong checksum is an anomaly and the other copy is tried. [`read`] stops there.
//!
//! [`allocation()`] and [`ranges()`] walk the block allocation table too and, in a differencing disk, the bitmaps of its
//! blocks. The blocks are not read.
//!
//! A file without a footer anywhere is none. Behind the footer, what cannot be read leaves its facts `None`, an anomaly,
//! and the first such anomaly as [`Vhd::damage`].

mod allocation;
mod bat;
mod dynamic_header;
mod footer;
pub(crate) mod format;
mod locator;
mod ranges;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use footer::FooterPlace;
pub use locator::{VhdLocator, VhdParent};
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

/// The codes of the anomalies of a VHD.
pub mod code {
    /// The footer at the end has a wrong checksum; its copy was taken.
    pub const FOOTER_BAD: &str = "footer-bad";
    /// The copy of the footer is missing, wrong or different.
    pub const FOOTER_COPY_BAD: &str = "footer-copy-bad";
    /// Damage: no footer has the right checksum.
    pub const FOOTER_CHECKSUM_BAD: &str = "footer-checksum-bad";
    /// Damage: only the copy of the footer is there, so the end of the file is lost.
    pub const FOOTER_LOST: &str = "footer-lost";
    /// Damage: the file is shorter than its fixed disk.
    pub const FILE_TOO_SHORT: &str = "file-too-short";
    /// The file is longer than its fixed disk.
    pub const FILE_TOO_LONG: &str = "file-too-long";
    /// Damage: the size of the disk cannot be.
    pub const VIRTUAL_SIZE_BAD: &str = "virtual-size-bad";
    /// Damage: the dynamic header is not where the footer says.
    pub const DYNAMIC_HEADER_BAD: &str = "dynamic-header-bad";
    /// Damage: the dynamic header has a wrong checksum.
    pub const DYNAMIC_HEADER_CHECKSUM_BAD: &str = "dynamic-header-checksum-bad";
    /// Damage: the block size cannot be.
    pub const BLOCK_SIZE_BAD: &str = "block-size-bad";
    /// Damage: the block allocation table is too small for the disk.
    pub const TABLE_TOO_SMALL: &str = "table-too-small";
    /// Damage: the block allocation table reaches past the end of the file.
    pub const TABLE_BEYOND_END: &str = "table-beyond-end";
    /// Damage: a parent locator cannot be read.
    pub const LOCATOR_BAD: &str = "locator-bad";
    /// A differencing disk does not say which file its parent is, by the id of that.
    pub const PARENT_ID_MISSING: &str = "parent-id-missing";
    /// A differencing disk does not say where its parent is; damage where it does not say which either.
    pub const PARENT_PATH_MISSING: &str = "parent-path-missing";
    /// Damage: blocks that lie outside the file.
    pub const BLOCK_OUTSIDE_FILE: &str = "block-outside-file";
    /// Damage: blocks that lie on another block, a header or the table.
    pub const BLOCK_OVERLAP: &str = "block-overlap";
    /// There are too many blocks to look for overlaps among them.
    pub const OVERLAPS_NOT_CHECKED: &str = "overlaps-not-checked";
}

/// What a VHD says of itself. `None` where that could not be read; [`Vhd::damage`] then says why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Vhd {
    /// How the disk keeps its data.
    pub kind: DiskKind,
    /// Size of the disk that the guest sees, in bytes (`current size`, not the geometry).
    pub virtual_bytes: Option<u64>,
    /// Size of the disk when it was made, in bytes.
    pub original_bytes: u64,
    /// Identity of this file, which its children quote. `None` when all zero.
    pub unique_id: Option<Uuid>,
    /// Application that wrote the footer: `win`, `vpc`, `qemu`, `tap`, `vbox`, …; in hex what is no ASCII.
    pub creator: Option<String>,
    /// Version of it as written; Windows 10 and later write 0x000A0000.
    pub creator_version: u32,
    /// Its system: `Wi2k` or `Mac`.
    pub creator_host_os: Option<String>,
    /// Time stamp of the footer, taken as the creation: it is not moved by use.
    pub created: Option<Timestamp>,
    /// A VM that uses the disk is in saved state.
    pub saved_state: bool,
    /// Marked as a candidate for deletion at shutdown.
    pub temporary: bool,
    /// Which footer was read.
    pub footer: FooterPlace,
    /// Unit of allocation in bytes; only in dynamic and differencing disks.
    pub block_size_bytes: Option<u32>,
    /// Where the parent is; only in differencing disks.
    pub parent: Option<VhdParent>,
    /// Cylinders, heads and sectors that the footer gives; they may be less than the disk.
    #[serde(default)]
    pub geometry: Geometry,
    /// Bit 0 temporary, bit 1 always set.
    #[serde(default)]
    pub features: u32,
    /// Where the dynamic header is, bytes from the start of the file; `None` in a fixed disk.
    #[serde(default)]
    pub header_offset_bytes: Option<u64>,
    /// Where the block allocation table is; only in dynamic and differencing disks.
    #[serde(default)]
    pub table_offset_bytes: Option<u64>,
    /// Entries that the table has room for.
    #[serde(default)]
    pub table_entries: Option<u32>,
    /// The first anomaly after which facts, or data behind them, may be missing; `None` for a sound file.
    pub damage: Option<Anomaly>,
    /// What is odd or damaged.
    pub anomalies: Vec<Anomaly>,
}

/// Cylinders, heads and sectors of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Geometry {
    /// Cylinders.
    pub cylinders: u16,
    /// Heads of a cylinder.
    pub heads: u8,
    /// Sectors of a track.
    pub sectors: u8,
}

/// Reads all facts of a VHD.
///
/// # Errors
/// `BadSignature` or `Truncated` when there is no footer; `Unsupported` for a version or disk type that nobody knows;
/// `Io`.
pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Vhd> {
    let Opened {
        footer,
        header,
        parent,
        virtual_bytes,
        findings,
        ..
    } = open(source, limits)?;
    Ok(Vhd {
        kind: footer.kind,
        virtual_bytes,
        original_bytes: footer.original_bytes,
        unique_id: Some(footer.unique_id).filter(|id| !id.is_nil()),
        creator: footer.creator,
        creator_version: footer.creator_version,
        creator_host_os: footer.creator_host_os,
        created: footer.created,
        saved_state: footer.saved_state,
        temporary: footer.temporary,
        footer: footer.place,
        block_size_bytes: header.as_ref().map(|header| header.block_size_bytes),
        parent,
        geometry: footer.geometry,
        features: footer.features,
        header_offset_bytes: Some(footer.data_offset).filter(|offset| *offset != u64::MAX),
        table_offset_bytes: header.as_ref().map(|header| header.table_offset),
        table_entries: header.as_ref().map(|header| header.table_entries),
        damage: findings.first_damage(),
        anomalies: findings.into_anomalies(),
    })
}

/// Walks the block allocation table and counts what it allocates. Memory is bounded: a piece of the table, and 4 bytes
/// for each block that the file has room for.
///
/// # Errors
/// As [`read`]; `Malformed` or `OutOfBounds` where the dynamic header does not say how to read the table, `Truncated`
/// where the file ends in it, `LimitExceeded` where blocks share so many bitmaps that these are longer than the file.
pub fn allocation(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Allocation> {
    allocation::read(open(source, limits)?, limits)
}

/// The disk as stretches in their order, without gaps, each with where its content is. The table is read on the way.
///
/// A block of a dynamic disk that has a place is in the file as a whole, whatever its bitmap says: that is how QEMU and
/// the guest read it. In a differencing disk the bitmap decides between this file and the parent.
///
/// # Errors
/// As [`allocation()`]; while it runs `Truncated` and `Io` only, and after one of these it ends.
pub fn ranges<R: ReadAt>(source: R, limits: &Limits) -> Result<Ranges<R>> {
    Ranges::new(open(source, limits)?)
}

/// A file of which footer and dynamic header were read.
#[derive(Debug)]
struct Opened<R> {
    source: R,
    footer: footer::ParsedFooter,
    /// `None` in a fixed disk, or where it is lost.
    header: Option<dynamic_header::ParsedDynamicHeader>,
    parent: Option<VhdParent>,
    virtual_bytes: Option<u64>,
    findings: Findings,
}

fn open<R: ReadAt>(source: R, limits: &Limits) -> Result<Opened<R>> {
    let mut findings = Findings::default();
    let footer = footer::find(&source, &mut findings)?;
    let (header, parent) = match footer.kind {
        DiskKind::Fixed => {
            note_length(source.len(), &footer, &mut findings);
            (None, None)
        }
        DiskKind::Dynamic | DiskKind::Differencing => {
            let head = Window::ahead(&source, "VHD head", 0, format::HEAD_BYTES)?;
            read_head(&head, &footer, limits, &mut findings)?
        }
    };
    Ok(Opened {
        virtual_bytes: checked_size(&footer, &mut findings),
        source,
        footer,
        header,
        parent,
        findings,
    })
}

impl<R: ReadAt> Opened<R> {
    /// Where the blocks end: at the footer, or at the end of a file that lost it.
    fn data_end(&self) -> u64 {
        match self.footer.place {
            FooterPlace::Start => self.source.len(),
            FooterPlace::End | FooterPlace::End511 => self.footer.offset,
        }
    }
}

/// True when the cookie of a footer stands at the end of the source: one read of a few bytes.
///
/// # Errors
/// `Io` when the source cannot be read.
pub fn has_footer(source: &(impl ReadAt + ?Sized)) -> Result<bool> {
    footer::has_cookie_at_end(&source)
}

/// True when the bytes at offset 0 are the copy of a footer, as in every sound dynamic or differencing disk.
pub fn has_footer_copy(head: &[u8]) -> bool {
    head.starts_with(format::FOOTER_COOKIE)
}

fn read_head(
    source: &impl ReadAt,
    footer: &footer::ParsedFooter,
    limits: &Limits,
    findings: &mut Findings,
) -> Result<(Option<dynamic_header::ParsedDynamicHeader>, Option<VhdParent>)> {
    let Some(header) = dynamic_header::find(source, footer, findings)? else {
        return Ok((None, None));
    };
    let parent = match footer.kind {
        DiskKind::Differencing => Some(locator::read(source, &header, limits, findings)?),
        DiskKind::Fixed | DiskKind::Dynamic => None,
    };
    Ok((Some(header), parent))
}

/// A fixed disk is its content and the footer.
fn note_length(file_bytes: u64, footer: &footer::ParsedFooter, findings: &mut Findings) {
    let (code, compared) = match footer.offset.cmp(&footer.current_bytes) {
        std::cmp::Ordering::Less => (code::FILE_TOO_SHORT, "fewer"),
        std::cmp::Ordering::Equal => return,
        std::cmp::Ordering::Greater => (code::FILE_TOO_LONG, "more"),
    };
    let text = format!(
        "{file_bytes} bytes are {compared} than a fixed disk of {} bytes and its footer",
        footer.current_bytes
    );
    let anomaly = Anomaly::at(code, footer.offset, text);
    if code == code::FILE_TOO_SHORT {
        findings.damage(anomaly);
    } else {
        findings.note(anomaly);
    }
}

fn checked_size(footer: &footer::ParsedFooter, findings: &mut Findings) -> Option<u64> {
    let size = footer.current_bytes;
    if size <= format::VIRTUAL_DISK_MAX_BYTES {
        return Some(size);
    }
    let text = format!("a disk of {size} bytes cannot be");
    findings.damage(Anomaly::at(code::VIRTUAL_SIZE_BAD, footer.offset, text));
    None
}
