//! VHD files laid out as Windows lays them out.

use uuid::Uuid;

use super::{SparseFile, guid, low_u32, sparse_file::length_of, utf16_le};
use crate::{
    disk_kind::DiskKind,
    vhd::format::{
        DYNAMIC_HEADER_CHECKSUM_OFFSET, FOOTER_CHECKSUM_OFFSET, PARENT_NAME_BYTES, TYPE_DIFFERENCING, TYPE_DYNAMIC,
        TYPE_FIXED, sum_without,
    },
};

/// Where the builder puts the dynamic header; bytes from the start of the file.
pub const DYNAMIC_HEADER_OFFSET: u64 = 512;
/// Where it puts the absolute path of the parent (`W2ku`).
pub const W2KU_OFFSET: u64 = 0x1000;
/// Where it puts the relative path of the parent (`W2ru`) of a disk with a table of one sector.
pub const W2RU_OFFSET: u64 = 0x3000;

/// A VHD to be built. [`VhdBuilder::new`] sets everything; change what matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VhdBuilder {
    /// How the disk keeps its data.
    pub kind: DiskKind,
    /// Size of the disk that the guest sees, in bytes: whole sectors of 512.
    pub virtual_bytes: u64,
    /// Unit of allocation in bytes, a power of two.
    pub block_size_bytes: u32,
    /// The id that children quote.
    pub unique_id: Uuid,
    /// Creator application, four characters.
    pub creator: [u8; 4],
    /// Seconds since 2000-01-01.
    pub time_stamp: u32,
    /// A VM that uses the disk is in saved state.
    pub saved_state: bool,
    /// Unique id of the parent.
    pub parent_id: Uuid,
    /// Relative path of the parent; empty: no such locator.
    pub parent_relative: String,
    /// Absolute path of the parent, written as a locator and as the name; empty: neither.
    pub parent_absolute: String,
    /// What stands at the start of a fixed disk.
    pub content: Vec<u8>,
}

impl VhdBuilder {
    /// A sound empty disk of Windows; its id follows from `seed`.
    pub fn new(kind: DiskKind, virtual_bytes: u64, seed: u64) -> Self {
        Self {
            kind,
            virtual_bytes,
            block_size_bytes: 2 << 20,
            unique_id: guid(seed, 1),
            creator: *b"win ",
            time_stamp: 700_000_000,
            saved_state: false,
            parent_id: Uuid::nil(),
            parent_relative: String::new(),
            parent_absolute: String::new(),
            content: Vec::new(),
        }
    }

    /// A differencing child of `parent`.
    pub fn child_of(parent: &Self, relative: &str, absolute: &str, seed: u64) -> Self {
        Self {
            parent_id: parent.unique_id,
            parent_relative: relative.to_owned(),
            parent_absolute: absolute.to_owned(),
            ..Self::new(DiskKind::Differencing, parent.virtual_bytes, seed)
        }
    }

    /// The file, mostly holes. An empty dynamic disk of up to 256 GiB is less than 600 KiB long.
    pub fn build(&self) -> SparseFile {
        let footer = self.footer();
        if self.kind == DiskKind::Fixed {
            let mut file = SparseFile::new(self.virtual_bytes);
            file.put(0, self.content.clone());
            file.put(self.virtual_bytes, footer);
            return file;
        }
        let mut file = SparseFile::new(0);
        let table_offset = self.table_offset();
        let table = vec![0xff; usize::try_from(self.table_bytes()).unwrap_or(usize::MAX)];
        let relative = utf16_le(&self.parent_relative);
        let relative_offset = (table_offset + self.table_bytes()).next_multiple_of(0x1000);
        file.put(0, footer.clone());
        file.put(DYNAMIC_HEADER_OFFSET, self.dynamic_header(relative_offset));
        file.put(table_offset, table);
        if self.kind == DiskKind::Differencing {
            file.put(W2KU_OFFSET, utf16_le(&self.parent_absolute));
            file.put(relative_offset, relative);
        }
        let end = file.length.next_multiple_of(512);
        file.put(end, footer);
        file
    }

    /// The file as it is on disk.
    pub fn bytes(&self) -> Vec<u8> {
        self.build().to_vec()
    }

    /// In files of Windows the table of a differencing disk stands behind the first locator.
    fn table_offset(&self) -> u64 {
        if self.kind == DiskKind::Differencing {
            0x2000
        } else {
            0x600
        }
    }

    fn table_entries(&self) -> u64 {
        self.virtual_bytes.div_ceil(u64::from(self.block_size_bytes))
    }

    /// Whole sectors.
    fn table_bytes(&self) -> u64 {
        (self.table_entries() * 4).next_multiple_of(512)
    }

    fn footer(&self) -> Vec<u8> {
        let data_offset = if self.kind == DiskKind::Fixed {
            u64::MAX
        } else {
            DYNAMIC_HEADER_OFFSET
        };
        let disk_type = match self.kind {
            DiskKind::Fixed => TYPE_FIXED,
            DiskKind::Dynamic => TYPE_DYNAMIC,
            DiskKind::Differencing => TYPE_DIFFERENCING,
        };
        let mut bytes = b"conectix".to_vec();
        bytes.extend(2_u32.to_be_bytes());
        bytes.extend(0x0001_0000_u32.to_be_bytes());
        bytes.extend(data_offset.to_be_bytes());
        bytes.extend(self.time_stamp.to_be_bytes());
        bytes.extend(self.creator);
        bytes.extend(0x000A_0000_u32.to_be_bytes());
        bytes.extend(b"Wi2k");
        bytes.extend(self.virtual_bytes.to_be_bytes());
        bytes.extend(self.virtual_bytes.to_be_bytes());
        bytes.extend(geometry(self.virtual_bytes));
        bytes.extend(disk_type.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.unique_id.as_bytes());
        bytes.push(u8::from(self.saved_state));
        bytes.resize(512, 0);
        seal(&mut bytes, FOOTER_CHECKSUM_OFFSET);
        bytes
    }

    fn dynamic_header(&self, relative_offset: u64) -> Vec<u8> {
        let mut bytes = b"cxsparse".to_vec();
        bytes.extend(u64::MAX.to_be_bytes());
        bytes.extend(self.table_offset().to_be_bytes());
        bytes.extend(0x0001_0000_u32.to_be_bytes());
        bytes.extend(low_u32(self.table_entries()).to_be_bytes());
        bytes.extend(self.block_size_bytes.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.parent_id.as_bytes());
        bytes.extend([0; 8]);
        let name = self.parent_absolute.encode_utf16().flat_map(u16::to_be_bytes);
        bytes.extend(name.take(PARENT_NAME_BYTES));
        bytes.resize(576, 0);
        bytes.extend(locator(*b"W2ku", &self.parent_absolute, W2KU_OFFSET));
        bytes.extend(locator(*b"W2ru", &self.parent_relative, relative_offset));
        bytes.resize(1024, 0);
        seal(&mut bytes, DYNAMIC_HEADER_CHECKSUM_OFFSET);
        bytes
    }
}

/// The space in bytes and the length without NUL, as Windows writes them.
fn locator(platform: [u8; 4], path: &str, offset: u64) -> Vec<u8> {
    if path.is_empty() {
        return Vec::new();
    }
    let mut bytes = platform.to_vec();
    bytes.extend(4096_u32.to_be_bytes());
    bytes.extend(low_u32(length_of(&utf16_le(path))).to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(offset.to_be_bytes());
    bytes
}

/// Cylinders, heads and sectors as the appendix of the format computes them from the size.
fn geometry(virtual_bytes: u64) -> [u8; 4] {
    let total = (virtual_bytes / 512).min(65535 * 16 * 255);
    let (heads, sectors) = if total >= 65535 * 16 * 63 {
        (16, 255)
    } else {
        small_geometry(total)
    };
    let [_, _, _, _, _, _, high, low] = (total / sectors / heads).to_be_bytes();
    let [.., heads] = heads.to_be_bytes();
    let [.., sectors] = sectors.to_be_bytes();
    [high, low, heads, sectors]
}

fn small_geometry(total: u64) -> (u64, u64) {
    let heads = (total / 17).div_ceil(1024).max(4);
    if total / 17 < heads * 1024 && heads <= 16 {
        return (heads, 17);
    }
    if total / 31 < 16 * 1024 {
        return (16, 31);
    }
    (16, 63)
}

/// Puts the checksum of `bytes` at `offset`.
pub fn seal(bytes: &mut [u8], offset: usize) {
    let sum = sum_without(bytes, offset);
    bytes[offset..offset + 4].copy_from_slice(&sum.to_be_bytes());
}
