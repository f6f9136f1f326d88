//! Binary extents. All are empty disks: the metadata are complete, no grain is allocated.

use super::super::{low_u32, sparse_file::length_of};

const SECTOR: u64 = 512;
/// Sectors of the embedded descriptor, as VMware and qemu write it.
const DESCRIPTOR_SECTORS: u64 = 20;
const GRAIN_SECTORS: u64 = 128;
const GTES_PER_GT: u64 = 512;
/// Sectors of a grain table of 512 entries of 32 bits.
const GT_SECTORS: u64 = 4;

/// A hosted sparse extent.
#[derive(Debug, Clone)]
pub struct SparseBuilder {
    capacity_sectors: u64,
    descriptor: Option<Vec<u8>>,
    is_unclean: bool,
}

impl SparseBuilder {
    /// An empty extent without descriptor.
    pub fn new(capacity_sectors: u64) -> Self {
        Self {
            capacity_sectors,
            descriptor: None,
            is_unclean: false,
        }
    }

    /// Embeds a descriptor of at most 10,240 bytes.
    #[must_use]
    pub fn descriptor(mut self, text: &[u8]) -> Self {
        self.descriptor = Some(text.to_vec());
        self
    }

    /// As after a crash.
    #[must_use]
    pub fn unclean(mut self) -> Self {
        self.is_unclean = true;
        self
    }

    /// Header, descriptor, redundant and primary directory with their tables, padded to a grain.
    pub fn build(&self) -> Vec<u8> {
        let tables = self.capacity_sectors.div_ceil(GRAIN_SECTORS * GTES_PER_GT);
        let gd_sectors = (tables * 4).div_ceil(SECTOR);
        let descriptor_sectors = if self.descriptor.is_some() {
            DESCRIPTOR_SECTORS
        } else {
            0
        };
        let rgd = 1 + descriptor_sectors;
        let gd = rgd + gd_sectors + tables * GT_SECTORS;
        let end = gd + gd_sectors + tables * GT_SECTORS;
        let overhead = end.div_ceil(GRAIN_SECTORS) * GRAIN_SECTORS;
        let header = Header {
            version: 1,
            flags: 3,
            capacity: self.capacity_sectors,
            descriptor: if self.descriptor.is_some() {
                (1, DESCRIPTOR_SECTORS)
            } else {
                (0, 0)
            },
            rgd,
            gd,
            overhead,
            unclean: u8::from(self.is_unclean),
            compression: 0,
        };
        let mut file = header.build();
        if let Some(descriptor) = &self.descriptor {
            append_padded(&mut file, descriptor, DESCRIPTOR_SECTORS);
        }
        for directory in [rgd, gd] {
            let first_table = directory + gd_sectors;
            let entries: Vec<u8> = (0..tables)
                .flat_map(|index| low_u32(first_table + index * GT_SECTORS).to_le_bytes())
                .collect();
            append_padded(&mut file, &entries, gd_sectors);
            append_padded(&mut file, &[], tables * GT_SECTORS);
        }
        let missing = overhead - length_of(&file) / SECTOR;
        append_padded(&mut file, &[], missing);
        file
    }
}

/// The fields of a sparse header that differ from file to file.
struct Header {
    version: u32,
    flags: u32,
    capacity: u64,
    descriptor: (u64, u64),
    rgd: u64,
    gd: u64,
    overhead: u64,
    unclean: u8,
    compression: u16,
}

impl Header {
    fn build(&self) -> Vec<u8> {
        let mut bytes = b"KDMV".to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.flags.to_le_bytes());
        for field in [self.capacity, GRAIN_SECTORS, self.descriptor.0, self.descriptor.1] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(low_u32(GTES_PER_GT).to_le_bytes());
        for field in [self.rgd, self.gd, self.overhead] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.push(self.unclean);
        bytes.extend(b"\n \r\n");
        bytes.extend(self.compression.to_le_bytes());
        bytes.resize(512, 0);
        bytes
    }
}

/// A streamOptimized file: the directory stands in the footer.
pub fn stream_optimized(capacity_sectors: u64, descriptor: &[u8]) -> Vec<u8> {
    let tables = capacity_sectors.div_ceil(GRAIN_SECTORS * GTES_PER_GT);
    let gd_sectors = (tables * 4).div_ceil(SECTOR);
    let header = |gd| Header {
        version: 3,
        flags: 0x0003_0001,
        capacity: capacity_sectors,
        descriptor: (1, DESCRIPTOR_SECTORS),
        rgd: 0,
        gd,
        overhead: GRAIN_SECTORS,
        unclean: 0,
        compression: 1,
    };
    let mut file = header(u64::MAX).build();
    append_padded(&mut file, descriptor, GRAIN_SECTORS - 1);
    append_padded(&mut file, &marker(gd_sectors, 2), 1);
    let gd = length_of(&file) / SECTOR;
    append_padded(&mut file, &[], gd_sectors);
    append_padded(&mut file, &marker(1, 3), 1);
    append_padded(&mut file, &header(gd).build(), 1);
    append_padded(&mut file, &marker(0, 0), 1);
    file
}

/// A metadata marker: sectors that follow, no data, its type.
fn marker(sectors: u64, kind: u32) -> Vec<u8> {
    let mut bytes = sectors.to_le_bytes().to_vec();
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend(kind.to_le_bytes());
    bytes
}

/// A vmfsSparse delta.
pub fn cowd(capacity_sectors: u32) -> Vec<u8> {
    let entries = u64::from(capacity_sectors).div_ceil(4096);
    let gd_sectors = (entries * 4).div_ceil(SECTOR);
    let mut file = b"COWD".to_vec();
    for field in [1, 3, capacity_sectors, 1, 4, low_u32(entries), low_u32(4 + gd_sectors)] {
        file.extend(field.to_le_bytes());
    }
    file.resize(2048, 0);
    append_padded(&mut file, &[], gd_sectors);
    file
}

/// A seSparse delta; with a journal to replay it is in use or crashed.
pub fn sesparse(capacity_sectors: u64, replay_journal: bool) -> Vec<u8> {
    let table_sectors = 64;
    let tables = capacity_sectors.div_ceil(8 * 4096);
    let gd_sectors = (tables * 8).div_ceil(SECTOR);
    let mut next = 1;
    let mut area = |size: u64| {
        let offset = next;
        next += size;
        [offset, size]
    };
    let areas = [
        area(1),
        area(2),
        area(8),
        area(gd_sectors),
        area(tables * table_sectors),
        area(1),
        area(1),
        area(0),
    ];
    let mut file = Vec::new();
    for field in [
        0xCAFE_BABE,
        0x2_0000_0001,
        capacity_sectors,
        8,
        table_sectors,
        0,
        0,
        0,
        0,
        0_u64,
    ] {
        file.extend(field.to_le_bytes());
    }
    for field in areas.as_flattened() {
        file.extend(field.to_le_bytes());
    }
    file.resize(512, 0);
    let volatile: Vec<u8> = [0xCAFE_CAFE, 0, 1, u64::from(replay_journal)]
        .iter()
        .flat_map(|field: &u64| field.to_le_bytes())
        .collect();
    append_padded(&mut file, &volatile, 1);
    append_padded(&mut file, &[], next - 2);
    file
}

/// A change tracking file: the known bytes of its header, then zeros.
pub fn change_tracking(length: usize) -> Vec<u8> {
    let mut file = vec![0xA2, 0x72, 0x19, 0xF6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0];
    file.resize(length.max(512), 0);
    file
}

/// Appends bytes in an area of so many sectors.
fn append_padded(file: &mut Vec<u8>, bytes: &[u8], sectors: u64) {
    let start = file.len();
    file.extend(bytes);
    file.resize(start + usize::try_from(sectors * SECTOR).unwrap_or_default(), 0);
}
