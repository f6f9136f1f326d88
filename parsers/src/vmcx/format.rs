//! Constants and layouts of the container, as they stand on disk. Little-endian, packed.
//!
//! Sources: (R) real files of configuration version 9.0, (M) openvmm `support/hvs_file/FORMAT.md`, (T) third-party
//! readers, (A) assumed.

/// Signature of a storage header, 0x01282014 (R).
pub(crate) const HEADER_SIGNATURE: [u8; 4] = 0x0128_2014_u32.to_le_bytes();
/// Offsets of the two copies of the storage header, whatever the alignment (M, R).
pub(crate) const HEADER_OFFSETS: [u64; 2] = [0, 0x1000];
/// Length of the storage header in bytes (R).
pub(crate) const HEADER_LENGTH: u64 = 46;
/// The only format version in real files: 4.0, written `major << 8 | minor`.
pub(crate) const FORMAT_VERSION: u32 = 0x0400;
/// Smallest alignment of objects in bytes (R).
pub(crate) const MIN_ALIGNMENT: u32 = 0x1000;
/// Largest alignment of objects in bytes (M).
pub(crate) const MAX_ALIGNMENT: u32 = 0x1_0000;

/// Offset of the root object table (M, R). Nothing before it is ever written through the replay log (A).
pub(crate) const ROOT_OBJECT_TABLE: u64 = 0x2000;
/// Signature of an object table, 0x01110001 (R).
pub(crate) const OBJECT_TABLE_SIGNATURE: [u8; 4] = 0x0111_0001_u32.to_le_bytes();
/// Length of the header of an object table: signature and entry count.
pub(crate) const OBJECT_TABLE_HEADER: u64 = 8;
/// Length of an entry of an object table.
pub(crate) const OBJECT_ENTRY_LENGTH: u64 = 18;
/// An unused entry with its checksum: most of a table are such (R).
pub(crate) const EMPTY_OBJECT_ENTRY: [u8; 18] = [0, 0x4d, 0xcf, 0x1b, 0x67, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// Most object or key tables of one file; a table index has 16 bits.
pub(crate) const MAX_TABLES: usize = 65_535;

/// Signature of a key table (R).
pub(crate) const KEY_TABLE_SIGNATURE: [u8; 2] = 2_u16.to_le_bytes();
/// Length of the header of a key table.
pub(crate) const KEY_TABLE_HEADER: u64 = 10;
/// Length of the fixed part of a key table entry; the name follows.
pub(crate) const KEY_ENTRY_HEADER: usize = 21;
/// What a freed entry is filled with (R).
pub(crate) const FREE_FILLING: u8 = 0xFD;
/// Most flags of an entry that are known (M): file object, subcomponent, change tracking.
pub(crate) const KEY_FLAGS: u8 = 0x07;
/// Longest entry that holds its value itself: header, a name of 255 bytes, a value below 2048 bytes (M), slack of up to
/// 21 (M), rounded up.
pub(crate) const KEY_ENTRY_INLINE_MAX: u32 = 0x1000;
/// Flag of a key table entry: the data are a pointer to a file object (M).
pub(crate) const KEY_FLAG_FILE_OBJECT: u8 = 0x01;

/// Signature of the replay log, 0x01110003 (R).
pub(crate) const LOG_SIGNATURE: [u8; 4] = 0x0111_0003_u32.to_le_bytes();
/// Length of the header of the replay log.
pub(crate) const LOG_HEADER_LENGTH: usize = 34;
/// Length of an entry of the replay log.
pub(crate) const LOG_ENTRY_LENGTH: usize = 28;
/// Largest block of log header and entries that is believed: 0x1000 in real files, one unit of the largest alignment
/// (A).
pub(crate) const MAX_LOG_HEADER_BLOCK: u32 = MAX_ALIGNMENT;

/// Types of the entries of a key table.
pub(crate) mod key_type {
    /// Unused space, filled with 0xFD.
    pub(crate) const FREE: u8 = 1;
    /// i64.
    pub(crate) const INT: u8 = 3;
    /// u64.
    pub(crate) const UINT: u8 = 4;
    /// f64.
    pub(crate) const DOUBLE: u8 = 5;
    /// UTF-16LE with its length in bytes.
    pub(crate) const STRING: u8 = 6;
    /// Bytes with their number.
    pub(crate) const ARRAY: u8 = 7;
    /// u32, 0 or 1.
    pub(crate) const BOOL: u8 = 8;
    /// A key that holds keys.
    pub(crate) const NODE: u8 = 9;
}

/// Types of the entries of an object table.
pub(crate) mod object_type {
    /// An unused slot.
    pub(crate) const EMPTY: u8 = 0;
    /// A further object table.
    pub(crate) const OBJECT_TABLE: u8 = 1;
    /// A key table.
    pub(crate) const KEY_TABLE: u8 = 2;
    /// The value of one key.
    pub(crate) const FILE_OBJECT: u8 = 3;
    /// Unused space; an earlier replay log may still lie there (R).
    pub(crate) const FREE_SPACE: u8 = 4;
}

/// CRC-32 (ISO 3309, polynomial 0xEDB88320; not CRC-32C) of `bytes` with the four bytes at `field` taken as zero (R).
#[inline]
pub(crate) fn crc32_with_zeroed(bytes: &[u8], field: usize) -> u32 {
    let (before, rest) = bytes.split_at(field.min(bytes.len()));
    let mut hasher = crc32fast::Hasher::new();
    // All structures have their field near the start: a copy up to its end costs less than to sum up one piece more.
    let mut head = [0; 24];
    if let Some(head) = head.get_mut(..before.len().saturating_add(4)) {
        head.iter_mut().zip(before).for_each(|(target, byte)| *target = *byte);
        hasher.update(head);
    } else {
        hasher.update(before);
        hasher.update(&[0; 4]);
    }
    hasher.update(rest.get(4..).unwrap_or_default());
    hasher.finalize()
}

/// Entries that are passed over together where all are unused.
pub(crate) const GROUP: usize = 16;

/// The entries of a table that are not `unused`, each with its number. Most are, and one comparison tells that of a group.
pub(super) fn used_entries<'a, const N: usize>(
    table: &'a [[u8; N]],
    unused: &'a [[u8; N]; GROUP],
) -> impl Iterator<Item = (usize, &'a [u8; N])> {
    let firsts = (0..).step_by(GROUP);
    let is_used = |group: &[[u8; N]]| !unused.as_flattened().starts_with(group.as_flattened());
    let groups = firsts.zip(table.chunks(GROUP)).filter(move |(_, group)| is_used(group));
    let entries = groups.flat_map(|(first, group)| (first..).zip(group));
    entries.filter(|(_, entry)| !unused.starts_with(&[**entry]))
}

/// True when `a` was written after `b`: sequences have 16 bits and wrap from 65535 to 0 (the writer counts by one).
pub(crate) fn is_newer(a: u16, b: u16) -> bool {
    if a == b.wrapping_add(1) {
        true
    } else if b == a.wrapping_add(1) {
        false
    } else {
        a > b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_object_entry_has_the_checksum_of_real_files() {
        let checksum = crc32_with_zeroed(&[0; 18], 1).to_le_bytes();
        assert_eq!(checksum, [0x4d, 0xcf, 0x1b, 0x67]);
        assert_eq!(checksum, EMPTY_OBJECT_ENTRY[1..5]);
    }

    #[test]
    fn a_checksum_is_that_of_the_bytes_with_zeros_in_its_place_wherever_that_is() {
        for (length, field) in (0..30).flat_map(|field| (field + 4..200).map(move |length| (length, field))) {
            let mut bytes: Vec<u8> = (1..=length).collect();
            let field = usize::from(field);
            let computed = crc32_with_zeroed(&bytes, field);
            bytes[field..field + 4].fill(0);
            assert_eq!(computed, crc32fast::hash(&bytes), "{length} bytes, {field}");
        }
    }

    #[test]
    fn used_entries_come_with_their_numbers_wherever_they_stand() {
        for length in 0..50 {
            let unused = vec![[7_u8; 3]; length];
            assert_eq!(used_entries(&unused, &[[7; 3]; GROUP]).count(), 0);
            for used in 0..length {
                let mut table = unused.clone();
                table[used][2] = 8;
                let found: Vec<_> = used_entries(&table, &[[7; 3]; GROUP]).collect();
                assert_eq!(found, [(used, &[7, 7, 8])]);
            }
        }
    }

    #[test]
    fn sequences_wrap() {
        assert!(is_newer(25, 24) && !is_newer(24, 25));
        assert!(is_newer(0, 65_535) && !is_newer(65_535, 0));
        assert!(is_newer(40, 7) && !is_newer(7, 7));
    }
}
