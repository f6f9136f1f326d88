//! Places, sizes and values of the VHD format \[T\], checked on real files \[R\]. Integers are big-endian, checksums the
//! one's complement of the sum of bytes.

pub(crate) const FOOTER_COOKIE: &[u8] = b"conectix";
pub(crate) const FOOTER_BYTES: u64 = 512;
/// Footers of Virtual PC before 2004.
pub(crate) const OLD_FOOTER_BYTES: u64 = 511;
pub(crate) const FOOTER_CHECKSUM_OFFSET: usize = 64;
pub(crate) const FOOTER_FEATURE_TEMPORARY: u32 = 1;
/// 1.0, of the footer and of the dynamic header.
pub(crate) const VERSION: u32 = 0x0001_0000;
pub(crate) const TYPE_FIXED: u32 = 2;
pub(crate) const TYPE_DYNAMIC: u32 = 3;
pub(crate) const TYPE_DIFFERENCING: u32 = 4;
/// 2000-01-01T00:00:00Z, from which times are counted, in Unix seconds.
pub(crate) const EPOCH_UNIX_SECONDS: i64 = 946_684_800;
/// 64 TiB. The format's own limit is 2040 GiB; other writers go a little beyond, nobody to this.
pub(crate) const VIRTUAL_DISK_MAX_BYTES: u64 = 64 << 40;

pub(crate) const DYNAMIC_HEADER_COOKIE: &[u8] = b"cxsparse";
pub(crate) const DYNAMIC_HEADER_BYTES: u64 = 1024;
pub(crate) const DYNAMIC_HEADER_CHECKSUM_OFFSET: usize = 36;
/// Where every known writer puts it: right behind the copy of the footer.
pub(crate) const DYNAMIC_HEADER_USUAL_OFFSET: u64 = 512;
pub(crate) const PARENT_NAME_OFFSET: usize = 64;
pub(crate) const PARENT_NAME_BYTES: usize = 512;
pub(crate) const PARENT_LOCATORS_OFFSET: usize = 576;
pub(crate) const PARENT_LOCATOR_BYTES: usize = 24;
pub(crate) const PARENT_LOCATORS_BYTES: usize = 8 * PARENT_LOCATOR_BYTES;

pub(crate) const SECTOR_BYTES: u64 = 512;
pub(crate) const BAT_ENTRY_BYTES: usize = 4;
/// A block that is not in the file.
pub(crate) const BAT_UNALLOCATED: u32 = 0xffff_ffff;

/// Copy of the footer, dynamic header and, in files of Windows, the parent locators (at 4 and 12 KiB \[R\]).
pub(crate) const HEAD_BYTES: u64 = 16 << 10;

/// The checksum of a structure whose own checksum, counted as zero, stands in `checksum` (4 bytes).
pub(crate) fn sum_without(bytes: &[u8], checksum: usize) -> u32 {
    let end = checksum.saturating_add(4);
    let counted = bytes
        .iter()
        .enumerate()
        .filter(|(index, _)| !(checksum..end).contains(index));
    !counted.fold(0, |sum: u32, (_, &byte)| sum.wrapping_add(byte.into()))
}
