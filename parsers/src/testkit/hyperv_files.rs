//! The small files of Hyper-V: guest state, replica logs, VHD Sets.

use uuid::Uuid;

use super::{SparseFile, guid, sparse_file::length_of, utf16_le, vhd::VhdBuilder};
use crate::{
    disk_kind::DiskKind,
    hrl,
    vhd::format::sum_without,
    vmgs::{self, BLOCK_BYTES},
};

/// A `.vmgs` to be built: a store of 4 MiB in a fixed VHD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmgsBuilder {
    /// From which the id of the carrying VHD follows.
    pub seed: u64,
    /// Holds a virtual TPM (file 3).
    pub vtpm: bool,
    /// The store and its files are encrypted.
    pub encrypted: bool,
    /// Of the two headers.
    pub sequence_numbers: [u32; 2],
    /// Block of 4 KiB in which the file table is said to be; it stands in block 2.
    pub table_block: u32,
}

impl VmgsBuilder {
    /// Sound guest state with UEFI variables and without a virtual TPM.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            vtpm: false,
            encrypted: false,
            sequence_numbers: [5, 6],
            table_block: 2,
        }
    }

    /// The file, mostly holes: 4 MiB and a footer of 512 bytes.
    pub fn build(&self) -> SparseFile {
        let mut content = Vec::new();
        for number in self.sequence_numbers {
            content.extend(self.header(number));
            content.resize(content.len().next_multiple_of(4096), 0);
        }
        content.extend(self.file_table());
        VhdBuilder {
            content,
            ..VhdBuilder::new(DiskKind::Fixed, 4 << 20, self.seed)
        }
        .build()
    }

    /// The file as it is on disk.
    pub fn bytes(&self) -> Vec<u8> {
        self.build().to_vec()
    }

    fn header(&self, sequence_number: u32) -> Vec<u8> {
        let mut bytes = vmgs::SIGNATURE.to_vec();
        for number in [
            vmgs::VERSION_3,
            0,
            sequence_number,
            vmgs::HEADER_BYTES,
            self.table_block,
            1,
            self.encrypted.into(),
        ] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.resize(168, 0);
        let sum = vmgs::crc32_without(&bytes, vmgs::CHECKSUM_OFFSET);
        bytes[vmgs::CHECKSUM_OFFSET..vmgs::CHECKSUM_OFFSET + 4].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// The table itself, UEFI variables of 64 KiB behind it, and perhaps the TPM.
    fn file_table(&self) -> Vec<u8> {
        let mut bytes = table_entry(2, 1, BLOCK_BYTES, false);
        bytes.extend(table_entry(3, 16, 16 * BLOCK_BYTES, self.encrypted));
        if self.vtpm {
            bytes.extend([0; vmgs::TABLE_ENTRY_BYTES]);
            bytes.extend(table_entry(19, 8, 8 * BLOCK_BYTES, self.encrypted));
        }
        bytes
    }
}

fn table_entry(block: u32, blocks: u32, valid_bytes: u64, encrypted: bool) -> Vec<u8> {
    let mut bytes = block.to_le_bytes().to_vec();
    bytes.extend(blocks.to_le_bytes());
    bytes.extend(valid_bytes.to_le_bytes());
    bytes.extend([0; 28]);
    bytes.extend(u32::from(encrypted).to_le_bytes());
    bytes.resize(vmgs::TABLE_ENTRY_BYTES, 0);
    bytes
}

/// A `.hrl` to be built: a header and one block of metadata without entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HrlBuilder {
    /// Identity of this log.
    pub unique_id: Uuid,
    /// Identity of the log before it; nil for the first.
    pub previous_id: Uuid,
    /// `DataWriteGuid` of the disk.
    pub data_write_guid: Uuid,
    /// Not closed.
    pub open: bool,
    /// Seconds since 2000-01-01 of creation and last modification.
    pub time_stamp: u32,
}

impl HrlBuilder {
    /// A closed log; its id follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            unique_id: guid(seed, 1),
            previous_id: Uuid::nil(),
            data_write_guid: guid(seed, 2),
            open: false,
            time_stamp: 700_000_000,
        }
    }

    /// The file as it is on disk: 8 KiB.
    pub fn bytes(&self) -> Vec<u8> {
        let length = 2 * hrl::HEADER_BYTES;
        let mut bytes = b"msctlog ".to_vec();
        bytes.extend(hrl::VERSION_2.to_le_bytes());
        bytes.extend(self.time_stamp.to_le_bytes());
        bytes.extend(b"ct  ");
        bytes.extend(0x000A_0000_u32.to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend(length.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(if self.open { 0 } else { length }.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(4096_u32.to_le_bytes());
        bytes.extend(self.unique_id.to_bytes_le());
        bytes.extend(self.previous_id.to_bytes_le());
        bytes.extend(self.time_stamp.to_le_bytes());
        bytes.resize(110, 0);
        bytes.extend(self.data_write_guid.to_bytes_le());
        bytes.resize(4096, 0);
        let sum = sum_without(&bytes, hrl::CHECKSUM_OFFSET);
        bytes[hrl::CHECKSUM_OFFSET..hrl::CHECKSUM_OFFSET + 4].copy_from_slice(&sum.to_le_bytes());
        bytes.resize(8192, 0);
        bytes
    }
}

/// A file that stands for a VHD Set: its layout is undocumented, so this one is assumed. Names in UTF-16LE, each in a
/// block of 4 KiB.
pub fn vhds(names: &[&str]) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    for name in names {
        bytes.extend(utf16_le(name));
        let end = length_of(&bytes).next_multiple_of(4096);
        bytes.resize(usize::try_from(end).unwrap_or(usize::MAX), 0);
    }
    bytes
}
