//! Binary extents: the metadata are complete, and the grains that were asked for are allocated.

use super::super::{SparseFile, low_u32, sparse_file::length_of};

const SECTOR: u64 = 512;
/// Sectors of the embedded descriptor, as VMware and qemu write it.
const DESCRIPTOR_SECTORS: u64 = 20;
const GRAIN_SECTORS: u64 = 128;
const GTES_PER_GT: u64 = 512;
/// Sectors of a grain table of 512 entries of 32 bits.
const GT_SECTORS: u64 = 4;

/// What a grain of an extent holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// Data: bytes of 0xA5.
    Data,
    /// Zeros that hide the parent.
    Zero,
    /// Zeros that the guest gave back; only seSparse tells.
    Unmapped,
}

/// What a grain of data is filled with.
const FILL: u8 = 0xA5;

/// A hosted sparse extent.
#[derive(Debug, Clone)]
pub struct SparseBuilder {
    capacity_sectors: u64,
    descriptor: Option<Vec<u8>>,
    is_unclean: bool,
    grains: Vec<(u64, Grain)>,
}

impl SparseBuilder {
    /// An empty extent without descriptor.
    pub fn new(capacity_sectors: u64) -> Self {
        Self {
            capacity_sectors,
            descriptor: None,
            is_unclean: false,
            grains: Vec::new(),
        }
    }

    /// Allocates a grain of 64 KiB, by its place on the disk. Zeroed ones make it a file of version 2.
    #[must_use]
    pub fn grain(mut self, index: u64, grain: Grain) -> Self {
        self.grains.push((index, grain));
        self
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
        let has_zeros = self.grains.iter().any(|(_, grain)| *grain != Grain::Data);
        let header = Header {
            version: if has_zeros { 2 } else { 1 },
            flags: if has_zeros { 7 } else { 3 },
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
        let (table_bytes, data_grains) = self.tables(tables, overhead);
        for directory in [rgd, gd] {
            let first_table = directory + gd_sectors;
            let entries: Vec<u8> = (0..tables)
                .flat_map(|index| low_u32(first_table + index * GT_SECTORS).to_le_bytes())
                .collect();
            append_padded(&mut file, &entries, gd_sectors);
            append_padded(&mut file, &table_bytes, tables * GT_SECTORS);
        }
        let missing = overhead - length_of(&file) / SECTOR;
        append_padded(&mut file, &[], missing);
        file.resize(file.len() + index(data_grains * GRAIN_SECTORS * SECTOR), FILL);
        file
    }

    /// The tables one after the other, and the number of grains with data, which follow the overhead.
    fn tables(&self, tables: u64, overhead: u64) -> (Vec<u8>, u64) {
        let mut bytes = vec![0; index(tables * GT_SECTORS * SECTOR)];
        let mut data = 0;
        for (grain, content) in &self.grains {
            let entry = match content {
                Grain::Data => {
                    data += 1;
                    low_u32(overhead + (data - 1) * GRAIN_SECTORS)
                }
                Grain::Zero | Grain::Unmapped => 1,
            };
            bytes[index(grain * 4)..][..4].copy_from_slice(&entry.to_le_bytes());
        }
        (bytes, data)
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

/// An empty streamOptimized file: the directory stands in the footer.
pub fn stream_optimized(capacity_sectors: u64, descriptor: &[u8]) -> Vec<u8> {
    stream_with_grains(capacity_sectors, descriptor, &[])
}

/// A streamOptimized file with these grains of 64 KiB, in rising order, and the directory in the footer.
pub fn stream_with_grains(capacity_sectors: u64, descriptor: &[u8], grains: &[u64]) -> Vec<u8> {
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
    let mut directory = vec![0; index(tables * 4)];
    for table in 0..tables {
        let first = table * GTES_PER_GT;
        let own = grains
            .iter()
            .filter(|grain| (first..first + GTES_PER_GT).contains(grain));
        let entries: Vec<(u64, u32)> = own.map(|grain| (*grain, append_grain(&mut file, *grain))).collect();
        if entries.is_empty() {
            continue;
        }
        append_padded(&mut file, &marker(GT_SECTORS, 1), 1);
        directory[index(table * 4)..][..4].copy_from_slice(&low_u32(length_of(&file) / SECTOR).to_le_bytes());
        let mut bytes = vec![0; index(GT_SECTORS * SECTOR)];
        for (grain, sector) in entries {
            bytes[index((grain - first) * 4)..][..4].copy_from_slice(&sector.to_le_bytes());
        }
        append_padded(&mut file, &bytes, GT_SECTORS);
    }
    append_padded(&mut file, &marker(gd_sectors, 2), 1);
    let gd = length_of(&file) / SECTOR;
    append_padded(&mut file, &directory, gd_sectors);
    append_padded(&mut file, &marker(1, 3), 1);
    append_padded(&mut file, &header(gd).build(), 1);
    append_padded(&mut file, &marker(0, 0), 1);
    file
}

/// Appends a grain of a stream behind its marker; the sector of the marker.
fn append_grain(file: &mut Vec<u8>, grain: u64) -> u32 {
    let sector = low_u32(length_of(file) / SECTOR);
    let data = stored_zlib(&vec![FILL; index(GRAIN_SECTORS * SECTOR)]);
    let mut bytes = (grain * GRAIN_SECTORS).to_le_bytes().to_vec();
    bytes.extend(low_u32(length_of(&data)).to_le_bytes());
    bytes.extend(data);
    let sectors = length_of(&bytes).div_ceil(SECTOR);
    append_padded(file, &bytes, sectors);
    sector
}

/// A zlib stream (RFC 1950) of stored blocks.
fn stored_zlib(data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x78, 0x01];
    let blocks: Vec<&[u8]> = data.chunks(0x8000).collect();
    for (number, block) in blocks.iter().enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        bytes.push(u8::from(number + 1 == blocks.len()));
        bytes.extend(length.to_le_bytes());
        bytes.extend((!length).to_le_bytes());
        bytes.extend(*block);
    }
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in data {
        low = (low + u32::from(*byte)) % 65521;
        high = (high + low) % 65521;
    }
    bytes.extend(((high << 16) | low).to_be_bytes());
    bytes
}

/// A metadata marker: sectors that follow, no data, its type.
fn marker(sectors: u64, kind: u32) -> Vec<u8> {
    let mut bytes = sectors.to_le_bytes().to_vec();
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend(kind.to_le_bytes());
    bytes
}

/// An empty vmfsSparse delta.
pub fn cowd(capacity_sectors: u32) -> Vec<u8> {
    cowd_with_grains(capacity_sectors, &[])
}

/// A vmfsSparse delta with these grains of one sector.
pub fn cowd_with_grains(capacity_sectors: u32, grains: &[u64]) -> Vec<u8> {
    const GTES_PER_COWD_GT: u64 = 4096;
    const COWD_GT_SECTORS: u64 = GTES_PER_COWD_GT * 4 / SECTOR;
    let entries = u64::from(capacity_sectors).div_ceil(GTES_PER_COWD_GT);
    let gd_sectors = (entries * 4).div_ceil(SECTOR);
    let mut directory = vec![0; index(entries * 4)];
    let mut body = Vec::new();
    let mut tables: Vec<u64> = grains.iter().map(|grain| grain / GTES_PER_COWD_GT).collect();
    tables.dedup();
    for table in tables {
        let first_sector = 4 + gd_sectors + length_of(&body) / SECTOR;
        directory[index(table * 4)..][..4].copy_from_slice(&low_u32(first_sector).to_le_bytes());
        let mut bytes = vec![0; index(COWD_GT_SECTORS * SECTOR)];
        let mut next = first_sector + COWD_GT_SECTORS;
        for grain in grains.iter().filter(|grain| **grain / GTES_PER_COWD_GT == table) {
            bytes[index(grain % GTES_PER_COWD_GT * 4)..][..4].copy_from_slice(&low_u32(next).to_le_bytes());
            next += 1;
        }
        body.extend(bytes);
        body.resize(
            body.len() + index((next - first_sector - COWD_GT_SECTORS) * SECTOR),
            FILL,
        );
    }
    let free = 4 + gd_sectors + length_of(&body) / SECTOR;
    let mut file = b"COWD".to_vec();
    for field in [1, 3, capacity_sectors, 1, 4, low_u32(entries), low_u32(free)] {
        file.extend(field.to_le_bytes());
    }
    file.resize(2048, 0);
    append_padded(&mut file, &directory, gd_sectors);
    file.extend(body);
    file
}

/// An empty seSparse delta; with a journal to replay it is in use or crashed.
pub fn sesparse(capacity_sectors: u64, replay_journal: bool) -> Vec<u8> {
    sesparse_with_grains(capacity_sectors, replay_journal, &[]).to_vec()
}

/// A seSparse delta with these grains of 4 KiB, in rising order. The area of the tables has room for all of them.
pub fn sesparse_with_grains(capacity_sectors: u64, replay_journal: bool, grains: &[(u64, Grain)]) -> SparseFile {
    const GTES_PER_SE_GT: u64 = 4096;
    const SE_GT_SECTORS: u64 = 64;
    const SE_GRAIN_BYTES: u64 = 4096;
    let tables = capacity_sectors.div_ceil(8 * GTES_PER_SE_GT);
    let gd_sectors = (tables * 8).div_ceil(SECTOR);
    let data: Vec<u64> = (grains.iter().filter(|(_, content)| *content == Grain::Data))
        .map(|(grain, _)| *grain)
        .collect();
    let grain_sectors = length_of_list(&data) * SE_GRAIN_BYTES / SECTOR;
    let mut next = 1;
    let areas = [1, 2, 8, gd_sectors, tables * SE_GT_SECTORS, 1, 1, grain_sectors].map(|size| {
        next += size;
        [next - size, size]
    });
    let constant = [
        0xCAFE_BABE,
        0x2_0000_0001,
        capacity_sectors,
        8,
        SE_GT_SECTORS,
        0,
        0,
        0,
        0,
        0,
    ];
    let fields = constant.iter().chain(areas.as_flattened());
    let mut file = SparseFile::new(next * SECTOR);
    file.put(0, fields.flat_map(|field| field.to_le_bytes()).collect::<Vec<u8>>());
    let volatile = [0xCAFE_CAFE, 0, 1, u64::from(replay_journal)];
    file.put(SECTOR, volatile.map(u64::to_le_bytes).concat());
    let (directory, table_area, grain_area) = (areas[3][0] * SECTOR, areas[4][0] * SECTOR, areas[7][0] * SECTOR);
    let mut used: Vec<u64> = grains.iter().map(|(grain, _)| grain / GTES_PER_SE_GT).collect();
    used.dedup();
    for (number, table) in (0_u64..).zip(&used) {
        file.put(directory + table * 8, (0x1000_0000 << 32 | number).to_le_bytes());
    }
    let mut number = 0;
    for (grain, content) in grains {
        let table = used.binary_search(&(grain / GTES_PER_SE_GT)).unwrap_or_default();
        let entry = match content {
            Grain::Data => {
                number += 1;
                let own = number - 1;
                3 << 60 | (own & 0xFFF) << 48 | own >> 12
            }
            Grain::Zero => 2 << 60,
            Grain::Unmapped => 1 << 60,
        };
        let place = length_up_to(table) * SE_GT_SECTORS * SECTOR + grain % GTES_PER_SE_GT * 8;
        file.put(table_area + place, u64::to_le_bytes(entry));
    }
    for own in 0..length_of_list(&data) {
        file.put(grain_area + own * SE_GRAIN_BYTES, vec![FILL; index(SE_GRAIN_BYTES)]);
    }
    file
}

fn length_of_list<T>(list: &[T]) -> u64 {
    length_up_to(list.len())
}

fn length_up_to(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
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
