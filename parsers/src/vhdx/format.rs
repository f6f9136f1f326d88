//! Places, sizes, signatures and GUIDs of the VHDX format, all from MS-VHDX unless said. Integers are little-endian,
//! checksums CRC-32C.

use uuid::Uuid;

pub(crate) const KIB: u64 = 1 << 10;
pub(crate) const MIB: u64 = 1 << 20;

/// MS-VHDX 2.2.1: the file identifier at offset 0.
pub(crate) const FILE_IDENTIFIER_SIGNATURE: &[u8] = b"vhdxfile";
pub(crate) const FILE_IDENTIFIER_BYTES: u64 = 520;
pub(crate) const CREATOR_OFFSET: usize = 8;

/// Everything in front of the log: identifier, both headers, both region tables.
pub(crate) const HEADER_SECTION_BYTES: u64 = 320 * KIB;
/// Where the log and the regions may begin (MS-VHDX 2.2).
pub(crate) const HEADER_AREA_BYTES: u64 = MIB;

/// MS-VHDX 2.2.2: the two copies of the header.
pub(crate) const HEADER_OFFSETS: [u64; 2] = [64 * KIB, 128 * KIB];
pub(crate) const HEADER_BYTES: u64 = 4 * KIB;
pub(crate) const HEADER_SIGNATURE: &[u8] = b"head";
pub(crate) const HEADER_VERSION: u16 = 1;
pub(crate) const LOG_VERSION: u16 = 0;

/// MS-VHDX 2.2.3: the two copies of the region table.
pub(crate) const REGION_TABLE_OFFSETS: [u64; 2] = [192 * KIB, 256 * KIB];
pub(crate) const REGION_TABLE_BYTES: u64 = 64 * KIB;
pub(crate) const REGION_TABLE_SIGNATURE: &[u8] = b"regi";
pub(crate) const REGION_TABLE_HEADER_BYTES: usize = 16;
pub(crate) const REGION_TABLE_ENTRY_BYTES: usize = 32;
/// What fits: (65536 − 16) / 32.
pub(crate) const REGION_TABLE_MAX_ENTRY_COUNT: u32 = 2047;
pub(crate) const REGION_ALIGNMENT_BYTES: u64 = MIB;
pub(crate) const BAT_REGION_GUID: Uuid = Uuid::from_u128(0x2DC2_7766_F623_4200_9D64_115E_9BFD_4A08);
pub(crate) const METADATA_REGION_GUID: Uuid = Uuid::from_u128(0x8B7C_A206_4790_4B9A_B8FE_575F_050F_886E);

/// MS-VHDX 2.3: the log.
pub(crate) const LOG_SECTOR_BYTES: usize = 4096;
pub(crate) const LOG_ENTRY_SIGNATURE: &[u8] = b"loge";
pub(crate) const LOG_ENTRY_HEADER_BYTES: usize = 64;
pub(crate) const LOG_DESCRIPTOR_BYTES: usize = 32;
pub(crate) const LOG_ZERO_SIGNATURE: &[u8] = b"zero";
pub(crate) const LOG_DATA_DESCRIPTOR_SIGNATURE: &[u8] = b"desc";
pub(crate) const LOG_DATA_SECTOR_SIGNATURE: &[u8] = b"data";

/// MS-VHDX 2.6.1: the metadata table at the start of its region.
pub(crate) const METADATA_TABLE_BYTES: u64 = 64 * KIB;
pub(crate) const METADATA_TABLE_SIGNATURE: &[u8] = b"metadata";
pub(crate) const METADATA_TABLE_HEADER_BYTES: usize = 32;
pub(crate) const METADATA_TABLE_ENTRY_BYTES: usize = 32;
/// What fits: (65536 − 32) / 32.
pub(crate) const METADATA_TABLE_MAX_ENTRY_COUNT: u16 = 2047;
pub(crate) const METADATA_ITEM_MAX_BYTES: u32 = 1 << 20;
pub(crate) const METADATA_FLAG_USER: u32 = 1;
pub(crate) const METADATA_FLAG_REQUIRED: u32 = 4;

/// MS-VHDX 2.6.2: the known metadata items.
pub(crate) const FILE_PARAMETERS_ITEM_GUID: Uuid = Uuid::from_u128(0xCAA1_6737_FA36_4D43_B3B6_33F0_AA44_E76B);
pub(crate) const VIRTUAL_DISK_SIZE_ITEM_GUID: Uuid = Uuid::from_u128(0x2FA5_4224_CD1B_4876_B211_5DBE_D83B_F4B8);
pub(crate) const PAGE_83_ITEM_GUID: Uuid = Uuid::from_u128(0xBECA_12AB_B2E6_4523_93EF_C309_E000_C746);
pub(crate) const LOGICAL_SECTOR_SIZE_ITEM_GUID: Uuid = Uuid::from_u128(0x8141_BF1D_A96F_4709_BA47_F233_A8FA_AB5F);
pub(crate) const PHYSICAL_SECTOR_SIZE_ITEM_GUID: Uuid = Uuid::from_u128(0xCDA3_48C7_445D_4471_9CC9_E988_5251_C556);
pub(crate) const PARENT_LOCATOR_ITEM_GUID: Uuid = Uuid::from_u128(0xA8D3_5F2D_B30B_454D_ABF7_D3D8_4834_AB0C);
/// Present while creation or conversion is unfinished (OpenVMM).
pub(crate) const INCOMPLETE_FILE_ITEM_GUID: Uuid = Uuid::from_u128(0x71CC_85F0_1B69_4E28_9558_C3BF_83AE_75D3);
/// Geometry (OpenVMM); not read.
pub(crate) const CHS_PARAMETERS_ITEM_GUID: Uuid = Uuid::from_u128(0xDA02_D7BC_3D3A_423C_AC88_2A36_AB21_479B);
/// Labels of a persistent memory disk (OpenVMM); not read.
pub(crate) const PMEM_LABELS_ITEM_GUID: Uuid = Uuid::from_u128(0x10E1_AE8A_4B7E_4169_A40F_CD70_DE92_8393);

pub(crate) const FILE_PARAMETERS_LEAVE_BLOCK_ALLOCATED: u32 = 1;
pub(crate) const FILE_PARAMETERS_HAS_PARENT: u32 = 2;
pub(crate) const BLOCK_SIZE_MIN_BYTES: u64 = MIB;
pub(crate) const BLOCK_SIZE_MAX_BYTES: u64 = 256 * MIB;
/// 64 TiB.
pub(crate) const VIRTUAL_DISK_MAX_BYTES: u64 = 64 << 40;

/// MS-VHDX 2.6.2.6: the parent locator.
pub(crate) const PARENT_LOCATOR_VHDX_TYPE_GUID: Uuid = Uuid::from_u128(0xB04A_EFB7_D19E_4A81_B789_25B8_E944_5913);
pub(crate) const PARENT_LOCATOR_HEADER_BYTES: usize = 20;
pub(crate) const PARENT_LOCATOR_ENTRY_BYTES: usize = 12;

/// CRC-32C of a structure whose own checksum, counted as zero, stands in `checksum` (4 bytes).
pub(crate) fn crc32c_without(bytes: &[u8], checksum: usize) -> u32 {
    let (before, rest) = bytes.split_at(checksum.min(bytes.len()));
    let after = rest.get(4..).unwrap_or_default();
    crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(before), &[0; 4]), after)
}

/// MS-VHDX 2.5: the block allocation table.
pub(crate) const BAT_ENTRY_BYTES: usize = 8;
pub(crate) const BAT_STATE_MASK: u64 = 7;
/// Bits 20 to 63 are the place in MiB, so with the others zero they are the place in bytes.
pub(crate) const BAT_OFFSET_MASK: u64 = !(MIB - 1);
/// Sectors that one bitmap of 1 MiB covers.
pub(crate) const CHUNK_SECTORS: u64 = 1 << 23;
pub(crate) const SECTOR_BITMAP_BYTES: u64 = MIB;
/// MS-VHDX 2.5.1.1: the states of payload blocks.
pub(crate) const PAYLOAD_NOT_PRESENT: u64 = 0;
pub(crate) const PAYLOAD_UNDEFINED: u64 = 1;
pub(crate) const PAYLOAD_ZERO: u64 = 2;
pub(crate) const PAYLOAD_UNMAPPED: u64 = 3;
pub(crate) const PAYLOAD_FULLY_PRESENT: u64 = 6;
pub(crate) const PAYLOAD_PARTIALLY_PRESENT: u64 = 7;
/// MS-VHDX 2.5.1.2: the states of sector bitmap blocks.
pub(crate) const BITMAP_NOT_PRESENT: u64 = 0;
pub(crate) const BITMAP_PRESENT: u64 = 6;
