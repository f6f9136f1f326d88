//! VHDX files laid out as Windows lays them out: log at 1 MiB, metadata at 2 MiB, BAT at 3 MiB, payload behind it.

use uuid::Uuid;

use super::{SparseFile, guid, low_u32, sparse_file::length_of, utf16_le};
use crate::{
    disk_kind::DiskKind,
    vhdx::format::{
        BAT_REGION_GUID, FILE_IDENTIFIER_SIGNATURE, FILE_PARAMETERS_HAS_PARENT, FILE_PARAMETERS_ITEM_GUID,
        FILE_PARAMETERS_LEAVE_BLOCK_ALLOCATED, HEADER_BYTES, HEADER_OFFSETS, INCOMPLETE_FILE_ITEM_GUID,
        LOG_SECTOR_BYTES, LOGICAL_SECTOR_SIZE_ITEM_GUID, METADATA_FLAG_REQUIRED, METADATA_REGION_GUID,
        METADATA_TABLE_BYTES, MIB, PAGE_83_ITEM_GUID, PARENT_LOCATOR_ENTRY_BYTES, PARENT_LOCATOR_HEADER_BYTES,
        PARENT_LOCATOR_ITEM_GUID, PARENT_LOCATOR_VHDX_TYPE_GUID, PHYSICAL_SECTOR_SIZE_ITEM_GUID, REGION_TABLE_BYTES,
        REGION_TABLE_OFFSETS, VIRTUAL_DISK_SIZE_ITEM_GUID, crc32c_without,
    },
};

/// Where the builder puts the log, 1 MiB long; bytes from the start of the file.
pub const LOG_OFFSET: u64 = MIB;
/// Where the builder puts the metadata region, 1 MiB long.
pub const METADATA_OFFSET: u64 = 2 * MIB;
/// Where the builder puts the block allocation table.
pub const BAT_OFFSET: u64 = 3 * MIB;

const METADATA_FLAG_VIRTUAL_DISK: u32 = 2;
/// MS-VHDX 2.5.1.1: the block is in the file.
const PAYLOAD_BLOCK_FULLY_PRESENT: u64 = 6;

/// What the log of a built file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VhdxLog {
    /// `LogGuid` is zero.
    Clean,
    /// The metadata table stands in the log only, in the second of two entries; its place in the file is zero.
    HoldsMetadata(Uuid),
    /// `LogGuid` is set and the log is empty: what a copy of an open file may look like.
    Lost(Uuid),
}

/// A VHDX to be built. [`VhdxBuilder::new`] sets everything; change what matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VhdxBuilder {
    /// Creator string of the file identifier.
    pub creator: String,
    /// How the disk keeps its data. A differencing disk needs `locator`.
    pub kind: DiskKind,
    /// Size of the disk that the guest sees, in bytes.
    pub virtual_bytes: u64,
    /// Unit of allocation in bytes: a power of two from 1 MiB to 256 MiB.
    pub block_size_bytes: u32,
    /// 512 or 4096.
    pub logical_sector_bytes: u32,
    /// 512 or 4096.
    pub physical_sector_bytes: u32,
    /// Of header 1; header 2 has one more and is the current one.
    pub sequence_number: u64,
    /// Changes with every opening for writing.
    pub file_write_guid: Uuid,
    /// The id that children quote.
    pub data_write_guid: Uuid,
    /// Page 83 data.
    pub disk_id: Uuid,
    /// Pairs of the parent locator in their order; without pairs there is no locator.
    pub locator: Vec<(String, String)>,
    /// Blocks from the start of the disk that are allocated; all of a fixed disk are.
    pub allocated_blocks: u64,
    /// What the log holds.
    pub log: VhdxLog,
    /// Creation was not finished.
    pub incomplete: bool,
}

/// The paths by which a child names its parent; an empty one is not written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ParentPaths<'a> {
    /// From the child's folder, e.g. `.\base.vhdx`.
    pub relative: &'a str,
    /// With drive letter or share.
    pub absolute: &'a str,
    /// On a volume named by GUID.
    pub volume: &'a str,
}

impl VhdxBuilder {
    /// A sound empty disk of Windows Server 2022; all its GUIDs follow from `seed`.
    pub fn new(kind: DiskKind, virtual_bytes: u64, seed: u64) -> Self {
        Self {
            creator: "Microsoft Windows 10.0.20348.0".to_owned(),
            kind,
            virtual_bytes,
            block_size_bytes: low_u32(if kind == DiskKind::Dynamic { 32 * MIB } else { 2 * MIB }),
            logical_sector_bytes: 512,
            physical_sector_bytes: 4096,
            sequence_number: 6,
            file_write_guid: guid(seed, 1),
            data_write_guid: guid(seed, 2),
            disk_id: guid(seed, 3),
            locator: Vec::new(),
            allocated_blocks: 0,
            log: VhdxLog::Clean,
            incomplete: false,
        }
    }

    /// A differencing child of `parent` as Windows makes it: the same disk id, size and sectors, the parent's
    /// `DataWriteGuid` as linkage and a second linkage of zeros.
    pub fn child_of(parent: &Self, paths: ParentPaths<'_>, seed: u64) -> Self {
        let mut locator = vec![("parent_linkage", format!("{{{}}}", parent.data_write_guid))];
        for (key, path) in [
            ("absolute_win32_path", paths.absolute),
            ("relative_path", paths.relative),
            ("volume_path", paths.volume),
        ] {
            locator.extend((!path.is_empty()).then(|| (key, path.to_owned())));
        }
        locator.push(("parent_linkage2", format!("{{{}}}", Uuid::nil())));
        Self {
            logical_sector_bytes: parent.logical_sector_bytes,
            physical_sector_bytes: parent.physical_sector_bytes,
            disk_id: parent.disk_id,
            locator: locator
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
            ..Self::new(DiskKind::Differencing, parent.virtual_bytes, seed)
        }
    }

    /// The file, mostly holes: the smallest that MS-VHDX allows is 4 MiB long and has less than 200 KiB of content.
    pub fn build(&self) -> SparseFile {
        let bat = self.bat();
        let bat_bytes = self.bat_bytes();
        let payload = self.present_blocks() * u64::from(self.block_size_bytes);
        let mut file = SparseFile::new(BAT_OFFSET + bat_bytes + payload);
        let regions = region_table(bat_bytes);
        file.put(0, self.file_identifier());
        for (offset, number) in HEADER_OFFSETS.into_iter().zip(self.sequence_number..) {
            file.put(offset, self.header(number));
        }
        for offset in REGION_TABLE_OFFSETS {
            file.put(offset, regions.clone());
        }
        self.put_metadata(&mut file);
        file.put(BAT_OFFSET, bat);
        file
    }

    /// The file as it is on disk.
    pub fn bytes(&self) -> Vec<u8> {
        self.build().to_vec()
    }

    fn log_guid(&self) -> Uuid {
        match self.log {
            VhdxLog::Clean => Uuid::nil(),
            VhdxLog::HoldsMetadata(id) | VhdxLog::Lost(id) => id,
        }
    }

    fn file_identifier(&self) -> Vec<u8> {
        let mut bytes = FILE_IDENTIFIER_SIGNATURE.to_vec();
        bytes.extend(utf16_le(&self.creator));
        bytes
    }

    fn header(&self, sequence_number: u64) -> Vec<u8> {
        let mut bytes = b"head\0\0\0\0".to_vec();
        bytes.extend(sequence_number.to_le_bytes());
        for id in [self.file_write_guid, self.data_write_guid, self.log_guid()] {
            bytes.extend(id.to_bytes_le());
        }
        bytes.extend(0_u16.to_le_bytes());
        bytes.extend(1_u16.to_le_bytes());
        bytes.extend(low_u32(MIB).to_le_bytes());
        bytes.extend(LOG_OFFSET.to_le_bytes());
        pad(&mut bytes, HEADER_BYTES);
        seal(&mut bytes);
        bytes
    }

    fn block_count(&self) -> u64 {
        self.virtual_bytes.div_ceil(u64::from(self.block_size_bytes))
    }

    fn present_blocks(&self) -> u64 {
        match self.kind {
            DiskKind::Fixed => self.block_count(),
            DiskKind::Dynamic | DiskKind::Differencing => self.allocated_blocks.min(self.block_count()),
        }
    }

    /// Payload blocks of a chunk.
    fn chunk_ratio(&self) -> u64 {
        (1 << 23) * u64::from(self.logical_sector_bytes) / u64::from(self.block_size_bytes)
    }

    fn bat_entries(&self) -> u64 {
        let (blocks, chunk_ratio) = (self.block_count(), self.chunk_ratio());
        if self.kind == DiskKind::Differencing {
            blocks.div_ceil(chunk_ratio) * (chunk_ratio + 1)
        } else {
            blocks + blocks.saturating_sub(1) / chunk_ratio
        }
    }

    /// Of its region.
    fn bat_bytes(&self) -> u64 {
        (self.bat_entries() * 8).next_multiple_of(MIB).max(MIB)
    }

    /// MS-VHDX 2.5: after every chunk of payload entries one entry for its sector bitmap, here always absent.
    fn bat(&self) -> Vec<u8> {
        let block = u64::from(self.block_size_bytes);
        let chunk_ratio = self.chunk_ratio();
        let present = self.present_blocks();
        let length = usize::try_from(self.bat_entries() * 8).unwrap_or(usize::MAX);
        let first = BAT_OFFSET + self.bat_bytes();
        let mut bytes = Vec::new();
        for index in 0..present {
            bytes.extend(((first + index * block) | PAYLOAD_BLOCK_FULLY_PRESENT).to_le_bytes());
            if (index + 1) % chunk_ratio == 0 {
                bytes.extend([0; 8]);
            }
        }
        // Entries of absent blocks are zero, as is the rest of the region: not written out for an empty disk.
        bytes.truncate(length);
        bytes
    }

    fn put_metadata(&self, file: &mut SparseFile) {
        let (table, items) = self.metadata();
        file.put(METADATA_OFFSET + METADATA_TABLE_BYTES, items);
        let mut sector = [0; LOG_SECTOR_BYTES];
        sector[..table.len()].copy_from_slice(&table);
        let VhdxLog::HoldsMetadata(log_guid) = self.log else {
            file.put(METADATA_OFFSET, table);
            return;
        };
        let first = LogEntry {
            sequence_number: 0x1122_3344_5566_7701,
            log_guid,
            tail_sectors: 0,
            file_bytes: file.length,
            updates: vec![LogUpdate::Zero {
                offset: METADATA_OFFSET,
                length: 4096,
            }],
        };
        let second = LogEntry {
            sequence_number: first.sequence_number + 1,
            updates: vec![LogUpdate::Data {
                offset: METADATA_OFFSET,
                sector: Box::new(sector),
            }],
            ..first.clone()
        };
        let mut log = first.bytes();
        log.extend(second.bytes());
        file.put(LOG_OFFSET, log);
    }

    /// The head of the metadata table with its entries, and the items.
    fn metadata(&self) -> (Vec<u8>, Vec<u8>) {
        let virtual_disk = METADATA_FLAG_VIRTUAL_DISK | METADATA_FLAG_REQUIRED;
        let mut items = vec![
            (
                FILE_PARAMETERS_ITEM_GUID,
                METADATA_FLAG_REQUIRED,
                self.file_parameters(),
            ),
            (
                VIRTUAL_DISK_SIZE_ITEM_GUID,
                virtual_disk,
                self.virtual_bytes.to_le_bytes().to_vec(),
            ),
            (
                LOGICAL_SECTOR_SIZE_ITEM_GUID,
                virtual_disk,
                self.logical_sector_bytes.to_le_bytes().to_vec(),
            ),
            (
                PHYSICAL_SECTOR_SIZE_ITEM_GUID,
                virtual_disk,
                self.physical_sector_bytes.to_le_bytes().to_vec(),
            ),
            (PAGE_83_ITEM_GUID, virtual_disk, self.disk_id.to_bytes_le().to_vec()),
        ];
        if !self.locator.is_empty() {
            let item = parent_locator(PARENT_LOCATOR_VHDX_TYPE_GUID, &self.locator);
            items.push((PARENT_LOCATOR_ITEM_GUID, METADATA_FLAG_REQUIRED, item));
        }
        if self.incomplete {
            items.push((INCOMPLETE_FILE_ITEM_GUID, METADATA_FLAG_REQUIRED, Vec::new()));
        }
        metadata_table(&items)
    }

    fn file_parameters(&self) -> Vec<u8> {
        let flags = match self.kind {
            DiskKind::Fixed => FILE_PARAMETERS_LEAVE_BLOCK_ALLOCATED,
            DiskKind::Dynamic => 0,
            DiskKind::Differencing => FILE_PARAMETERS_HAS_PARENT,
        };
        let mut bytes = self.block_size_bytes.to_le_bytes().to_vec();
        bytes.extend(flags.to_le_bytes());
        bytes
    }
}

/// The head of a metadata table with an entry for each item `(id, flags, content)`, and the items one after another.
pub fn metadata_table(items: &[(Uuid, u32, Vec<u8>)]) -> (Vec<u8>, Vec<u8>) {
    let mut table = b"metadata\0\0".to_vec();
    table.extend(u16::try_from(items.len()).unwrap_or(u16::MAX).to_le_bytes());
    pad(&mut table, 32);
    let mut contents = Vec::new();
    for (id, flags, content) in items {
        let offset = METADATA_TABLE_BYTES + length_of(&contents);
        table.extend(id.to_bytes_le());
        table.extend(low_u32(if content.is_empty() { 0 } else { offset }).to_le_bytes());
        table.extend(low_u32(length_of(content)).to_le_bytes());
        table.extend(flags.to_le_bytes());
        table.extend([0; 4]);
        contents.extend(content);
    }
    (table, contents)
}

/// A parent locator item of type `locator_type`.
pub fn parent_locator(locator_type: Uuid, pairs: &[(String, String)]) -> Vec<u8> {
    let mut item = locator_type.to_bytes_le().to_vec();
    item.extend([0; 2]);
    item.extend(u16::try_from(pairs.len()).unwrap_or(u16::MAX).to_le_bytes());
    let mut strings = Vec::new();
    let first = PARENT_LOCATOR_HEADER_BYTES + pairs.len() * PARENT_LOCATOR_ENTRY_BYTES;
    for (key, value) in pairs {
        let mut lengths = Vec::new();
        for text in [key, value] {
            let text = utf16_le(text);
            let offset = u32::try_from(first + strings.len()).unwrap_or(u32::MAX);
            item.extend(offset.to_le_bytes());
            lengths.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
            strings.extend(text);
        }
        item.extend(lengths);
    }
    item.extend(strings);
    item
}

fn region_table(bat_bytes: u64) -> Vec<u8> {
    let mut bytes = b"regi\0\0\0\0".to_vec();
    bytes.extend(2_u32.to_le_bytes());
    bytes.extend([0; 4]);
    for (id, offset, length) in [
        (BAT_REGION_GUID, BAT_OFFSET, bat_bytes),
        (METADATA_REGION_GUID, METADATA_OFFSET, MIB),
    ] {
        bytes.extend(id.to_bytes_le());
        bytes.extend(offset.to_le_bytes());
        bytes.extend(low_u32(length).to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
    }
    pad(&mut bytes, REGION_TABLE_BYTES);
    seal(&mut bytes);
    bytes
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Consecutive within a run.
    pub sequence_number: u64,
    /// The `LogGuid` under which it was written.
    pub log_guid: Uuid,
    /// First sector (4 KiB) of the oldest entry that has to be replayed with this one.
    pub tail_sectors: u32,
    /// Length of the file before and after, in bytes.
    pub file_bytes: u64,
    /// What it writes.
    pub updates: Vec<LogUpdate>,
}

/// What an entry of the log writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogUpdate {
    /// Zeros.
    Zero {
        /// Bytes from the start of the file, a multiple of 4096.
        offset: u64,
        /// Bytes, a multiple of 4096.
        length: u64,
    },
    /// One sector.
    Data {
        /// Bytes from the start of the file, a multiple of 4096.
        offset: u64,
        /// Its content.
        sector: Box<[u8; LOG_SECTOR_BYTES]>,
    },
}

impl LogEntry {
    /// The entry as it stands in the log: header and descriptors, then a sector for each update with data.
    pub fn bytes(&self) -> Vec<u8> {
        let mut descriptors = Vec::new();
        let mut data = Vec::new();
        for update in &self.updates {
            self.add(update, &mut descriptors, &mut data);
        }
        let head_bytes = (64 + length_of(&descriptors)).next_multiple_of(4096);
        let mut bytes = b"loge\0\0\0\0".to_vec();
        bytes.extend(low_u32(head_bytes + length_of(&data)).to_le_bytes());
        bytes.extend((self.tail_sectors * 4096).to_le_bytes());
        bytes.extend(self.sequence_number.to_le_bytes());
        bytes.extend(u32::try_from(self.updates.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.log_guid.to_bytes_le());
        bytes.extend(self.file_bytes.to_le_bytes());
        bytes.extend(self.file_bytes.to_le_bytes());
        bytes.extend(descriptors);
        pad(&mut bytes, head_bytes);
        bytes.extend(data);
        seal(&mut bytes);
        bytes
    }

    fn add(&self, update: &LogUpdate, descriptors: &mut Vec<u8>, data: &mut Vec<u8>) {
        let offset = match update {
            LogUpdate::Zero { offset, length } => {
                descriptors.extend(b"zero\0\0\0\0");
                descriptors.extend(length.to_le_bytes());
                offset
            }
            LogUpdate::Data { offset, sector } => {
                descriptors.extend(b"desc");
                descriptors.extend(&sector[4092..]);
                descriptors.extend(&sector[..8]);
                data.extend(b"data");
                data.extend(low_u32(self.sequence_number >> 32).to_le_bytes());
                data.extend(&sector[8..4092]);
                data.extend(low_u32(self.sequence_number).to_le_bytes());
                offset
            }
        };
        descriptors.extend(offset.to_le_bytes());
        descriptors.extend(self.sequence_number.to_le_bytes());
    }
}

fn pad(bytes: &mut Vec<u8>, length: u64) {
    bytes.resize(usize::try_from(length).unwrap_or(usize::MAX).max(bytes.len()), 0);
}

/// Puts the CRC-32C of `bytes` at offset 4, where headers, region tables and log entries keep it.
pub fn seal(bytes: &mut [u8]) {
    let sum = crc32c_without(bytes, 4);
    bytes[4..8].copy_from_slice(&sum.to_le_bytes());
}
