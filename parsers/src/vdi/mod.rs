//! VirtualBox disk images (`.vdi`), version 1.1.
//!
//! Read: the preheader and the header behind it (VirtualBox `VDICore.h`, qemu `block/vdi.c`): sizes and the four UUIDs that
//! tie the links of a chain. [`read`] stops there; [`allocation()`] and [`ranges()`] walk the map of blocks too. The blocks
//! are not read.

mod allocation;
mod map;
mod ranges;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use ranges::Ranges;

use crate::{
    Limits, ParseError, ReadAt, Result, block_map::Allocation, bytes::Cursor, charset::Charset, error::Anomaly,
    findings::Findings,
};

/// Name of the structure in errors.
const HEADER: &str = "VDI header";
/// Where the signature stands, behind a line of text.
const SIGNATURE_OFFSET: usize = 64;
/// The signature.
pub(crate) const SIGNATURE: [u8; 4] = 0xbeda_107f_u32.to_le_bytes();
/// 1.1, the only version since 2006.
const VERSION: u32 = 0x0001_0001;
/// Length of preheader and header in bytes.
const HEADER_BYTES: u64 = 456;
/// Bytes of an entry of the map of blocks.
const MAP_ENTRY_BYTES: u64 = 4;

/// The codes of the anomalies of an image.
pub mod code {
    /// Damage: the block size cannot be.
    pub const BLOCK_SIZE_BAD: &str = "block-size-bad";
    /// Damage: the blocks do not cover the disk.
    pub const MAP_TOO_SMALL: &str = "map-too-small";
    /// Damage: the map of blocks, or the data of an allocated block, reach past the end of the file.
    pub const BEYOND_END: &str = "beyond-end";
    /// More blocks are allocated than there are.
    pub const ALLOCATED_TOO_MANY: &str = "allocated-too-many";
    /// Not as many blocks are allocated as the header says.
    pub const ALLOCATED_COUNT_WRONG: &str = "allocated-count-wrong";
    /// Damage: blocks that lie outside the file.
    pub const BLOCK_OUTSIDE_FILE: &str = "block-outside-file";
    /// Damage: blocks that lie on another block or the map.
    pub const BLOCK_OVERLAP: &str = "block-overlap";
    /// There are too many blocks to look for overlaps among them.
    pub const OVERLAPS_NOT_CHECKED: &str = "overlaps-not-checked";
}

/// What an image says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Vdi {
    /// `major << 16 | minor`.
    pub version: u32,
    /// How it keeps its data.
    pub kind: VdiKind,
    /// Size of the disk that the guest sees, in bytes.
    pub virtual_bytes: u64,
    /// Unit of allocation in bytes.
    pub block_size_bytes: u32,
    /// Bytes in front of the content of each block; 0 in all known files.
    #[serde(default)]
    pub block_extra_bytes: u32,
    /// Blocks of the disk.
    pub blocks: u32,
    /// Blocks that are in the file.
    pub allocated_blocks: u32,
    /// Where the map of blocks begins, in bytes from the start of the file.
    pub map_offset: u32,
    /// Where the first block lies, in bytes from the start of the file.
    pub data_offset: u32,
    /// The comment, where there is one.
    pub comment: Option<String>,
    /// Identity of this image, which its children quote.
    pub uuid: Option<Uuid>,
    /// Changes with each modification; what children quote as that of their parent.
    pub modification_uuid: Option<Uuid>,
    /// The image that this one differs from.
    pub parent_uuid: Option<Uuid>,
    /// `modification_uuid` that the parent had.
    pub parent_modification_uuid: Option<Uuid>,
    /// The first anomaly after which facts, or data behind them, may be missing.
    pub damage: Option<Anomaly>,
    /// What is odd or damaged.
    pub anomalies: Vec<Anomaly>,
}

/// How an image keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VdiKind {
    /// Grows with what is written.
    Dynamic,
    /// All space is allocated from the beginning.
    Fixed,
    /// Undone at power-off; no writer of today makes it.
    Undo,
    /// Holds only what differs from its parent.
    Differencing,
}

impl VdiKind {
    fn from_raw(raw: u32) -> Option<Self> {
        Some(match raw {
            1 => Self::Dynamic,
            2 => Self::Fixed,
            3 => Self::Undo,
            4 => Self::Differencing,
            _ => return None,
        })
    }
}

/// True when a file begins like an image.
pub fn has_signature(head: &[u8]) -> bool {
    head.get(SIGNATURE_OFFSET..)
        .is_some_and(|rest| rest.starts_with(&SIGNATURE))
}

/// Reads the header.
///
/// # Errors
/// `Truncated`, `BadSignature`, `Unsupported` for another version or image type, `Io`.
pub fn read(source: &(impl ReadAt + ?Sized)) -> Result<Vdi> {
    let bytes = source.exact(HEADER, 0, HEADER_BYTES)?;
    let cursor = Cursor::new(HEADER, 0, &bytes);
    cursor.signature(SIGNATURE_OFFSET, &SIGNATURE, "7f 10 da be")?;
    let unsupported = |what, raw: u32| ParseError::Unsupported {
        what,
        version: format!("{raw:#x}"),
    };
    let version = cursor.u32_le(68)?;
    if version != VERSION {
        return Err(unsupported(HEADER, version));
    }
    let kind = cursor.u32_le(76)?;
    let id = |offset| cursor.guid(offset).map(|id| Some(id).filter(|id| !id.is_nil()));
    let mut vdi = Vdi {
        version,
        kind: VdiKind::from_raw(kind).ok_or_else(|| unsupported("VDI image type", kind))?,
        virtual_bytes: cursor.u64_le(368)?,
        block_size_bytes: cursor.u32_le(376)?,
        block_extra_bytes: cursor.u32_le(380)?,
        blocks: cursor.u32_le(384)?,
        allocated_blocks: cursor.u32_le(388)?,
        map_offset: cursor.u32_le(340)?,
        data_offset: cursor.u32_le(344)?,
        comment: comment(cursor.slice(84, 256)?),
        uuid: id(392)?,
        modification_uuid: id(408)?,
        parent_uuid: id(424)?,
        parent_modification_uuid: id(440)?,
        damage: None,
        anomalies: Vec::new(),
    };
    let mut findings = Findings::default();
    vdi.note_oddities(source.len(), &mut findings);
    vdi.damage = findings.first_damage();
    vdi.anomalies = findings.into_anomalies();
    Ok(vdi)
}

/// Walks the map of blocks and counts what it allocates. Memory is bounded: a piece of the map, and 4 bytes for each block
/// that the file has room for.
///
/// # Errors
/// As [`read`]; `Malformed`, `OutOfBounds` or `LimitExceeded` where the header does not say how to read the map,
/// `Truncated` where the file ends in it.
pub fn allocation(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Allocation> {
    let vdi = read(source)?;
    allocation::read(source, &vdi, limits)
}

/// The disk as stretches in their order, without gaps, each with where its content is. The map is read on the way.
///
/// # Errors
/// As [`allocation()`]; while it runs `Truncated` and `Io` only, and after one of these it ends.
pub fn ranges<R: ReadAt>(source: R) -> Result<Ranges<R>> {
    let vdi = read(&source)?;
    Ranges::new(source, &vdi)
}

impl Vdi {
    /// Says what contradicts the format or the length of the file.
    fn note_oddities(&self, length: u64, findings: &mut Findings) {
        let block = u64::from(self.block_size_bytes);
        if !block.is_power_of_two() || block < 512 {
            let text = format!("block size {block} is no power of two of sectors");
            findings.damage(Anomaly::at(code::BLOCK_SIZE_BAD, 376, text));
        }
        let covered = block.saturating_mul(self.blocks.into());
        if covered < self.virtual_bytes {
            let text = format!("the map covers {covered} of {} bytes of the disk", self.virtual_bytes);
            findings.damage(Anomaly::at(code::MAP_TOO_SMALL, 384, text));
        }
        if self.allocated_blocks > self.blocks {
            let text = format!("{} of {} blocks are allocated", self.allocated_blocks, self.blocks);
            findings.note(Anomaly::at(code::ALLOCATED_TOO_MANY, 388, text));
        }
        let map = u64::from(self.blocks).saturating_mul(MAP_ENTRY_BYTES);
        let span = block.saturating_add(self.block_extra_bytes.into());
        let data = u64::from(self.allocated_blocks).saturating_mul(span);
        for (place, offset, bytes) in [(340, self.map_offset, map), (344, self.data_offset, data)] {
            let end = u64::from(offset).saturating_add(bytes);
            if end > length {
                let text = format!("map or data end at {end:#x}, the file at {length:#x}: truncated");
                findings.damage(Anomaly::at(code::BEYOND_END, place, text));
            }
        }
    }
}

/// The text before the first NUL; `None` for none.
fn comment(field: &[u8]) -> Option<String> {
    let bytes = field.split(|&byte| byte == 0).next()?;
    let text = Charset::declared(None, bytes).0.decode(bytes).0.into_owned();
    (!text.trim().is_empty()).then_some(text)
}
