//! Where the tables of an image lie and how their entries are coded (qemu `docs/interop/qcow2.txt`, `block/qcow.c`).

use super::Qcow2;
use crate::{
    block_map::span_of_blocks,
    error::{ParseError, Result},
};

pub(super) const L1: &str = "qcow2 L1 table";
/// Most entries of an L1 table. qemu takes 4 Mi of version 2 and 3; images of version 1 have smaller L2 tables.
const L1_MAX_COUNT: u64 = 32 << 20;
/// Parts of a cluster that an extended entry tells apart.
pub(super) const SUBCLUSTERS: u32 = 32;
/// Bits of an entry of version 2 and 3 that tell a place.
const OFFSET_MASK: u64 = 0x00FF_FFFF_FFFF_FE00;
/// Bit of an entry: its cluster is referred to once. Of a data file it tells a place of 0 from none.
const COPIED: u64 = 1 << 63_u32;

/// How the tables are laid out. All offsets and sizes are bytes, from the start of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    version: u32,
    pub(super) cluster_bytes: u64,
    pub(super) virtual_bytes: u64,
    /// Clusters of the disk.
    pub(super) clusters: u64,
    pub(super) l1_offset: u64,
    /// Entries of the L1 table that the disk needs.
    pub(super) l1_entries: u64,
    /// Entries of an L2 table.
    pub(super) l2_entries: u64,
    /// Entries of an L2 table have 16 bytes and tell parts of clusters.
    pub(super) is_extended: bool,
    /// The data are in another file.
    pub(super) is_external: bool,
    /// The length of the file.
    pub(super) file_bytes: u64,
}

/// What an entry of an L2 table says of its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// Not here: the backing file's, or zeros.
    Absent,
    /// Zeros, and the place that is kept for it.
    Zero(Option<u64>),
    /// At this place.
    At(u64),
    /// Compressed: where, and how many bytes.
    Compressed(u64, u64),
    /// Parts of it are here or read as zeros, one bit each from the first part on.
    Parts { place: Option<u64>, here: u32, zero: u32 },
    /// No entry of this format.
    Invalid,
}

impl Layout {
    /// What the header says of the tables.
    ///
    /// # Errors
    /// `Malformed`, `OutOfBounds` or `LimitExceeded` where it does not say how to read them.
    pub(super) fn of(image: &Qcow2, file_bytes: u64) -> Result<Self> {
        let malformed = |detail: &str| ParseError::Malformed {
            what: L1,
            offset: 20,
            detail: detail.to_owned(),
        };
        let (Some(cluster_bytes), Some(l2_entries)) = (image.cluster_bytes, image.l2_entries) else {
            return Err(malformed("the size of clusters or L2 tables cannot be"));
        };
        let is_extended = image.features.iter().any(|feature| feature == super::EXTENDED_L2);
        if is_extended && cluster_bytes < 512 * u64::from(SUBCLUSTERS) {
            return Err(malformed("parts of such clusters are smaller than a sector"));
        }
        let clusters = image.virtual_bytes.div_ceil(cluster_bytes);
        let l1_entries = clusters.div_ceil(l2_entries);
        if l1_entries > image.l1_entries {
            return Err(ParseError::OutOfBounds {
                what: "qcow2 L1 entries of the disk",
                offset: 36,
                value: l1_entries,
                limit: image.l1_entries,
            });
        }
        if l1_entries > L1_MAX_COUNT {
            return Err(ParseError::LimitExceeded {
                what: "qcow2 L1 entries of the disk",
                value: l1_entries,
                limit: L1_MAX_COUNT,
            });
        }
        Ok(Self {
            version: image.version,
            cluster_bytes,
            virtual_bytes: image.virtual_bytes,
            clusters,
            l1_offset: image.l1_offset_bytes,
            l1_entries,
            l2_entries,
            is_extended,
            is_external: image.has_external_data,
            file_bytes,
        })
    }

    /// Bytes of an entry of an L2 table.
    pub(super) fn entry_bytes(&self) -> u64 {
        if self.is_extended { 16 } else { 8 }
    }

    /// Bytes of an L2 table.
    pub(super) fn l2_bytes(&self) -> u64 {
        self.l2_entries.saturating_mul(self.entry_bytes())
    }

    /// Where the L2 table of an entry of the L1 table lies; an error is the place that cannot be.
    pub(super) fn table_at(&self, entry: u64) -> std::result::Result<Option<u64>, u64> {
        let offset = if self.version == 1 { entry } else { entry & OFFSET_MASK };
        if offset == 0 {
            return Ok(None);
        }
        let is_aligned = self.version == 1 || self.is_aligned(offset);
        let is_inside = offset.saturating_add(self.l2_bytes()) <= self.file_bytes;
        if is_aligned && is_inside {
            Ok(Some(offset))
        } else {
            Err(offset)
        }
    }

    fn is_aligned(&self, offset: u64) -> bool {
        offset.is_multiple_of(self.cluster_bytes)
    }

    /// What an entry of 8 bytes says, or the first half of an extended one.
    pub(super) fn entry(&self, entry: u64) -> Entry {
        if self.version == 1 {
            return self.entry_v1(entry);
        }
        if entry & (1 << 62_u32) != 0 {
            return self.compressed(entry);
        }
        let offset = entry & OFFSET_MASK;
        let place = Some(offset).filter(|offset| *offset != 0 || (self.is_external && entry & COPIED != 0));
        if place.is_some_and(|place| !self.is_aligned(place)) {
            return Entry::Invalid;
        }
        // An extended entry tells zeros by its parts; version 2 has none.
        match (entry & 1 != 0 && !self.is_extended, place) {
            (true, _) if self.version == 2 => Entry::Invalid,
            (true, place) => Entry::Zero(place.filter(|place| *place != 0)),
            (false, Some(place)) => Entry::At(place),
            (false, None) => Entry::Absent,
        }
    }

    /// What an entry of 16 bytes says.
    pub(super) fn extended_entry(&self, entry: u64, parts: u64) -> Entry {
        let low = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default();
        let (here, zero) = (low(parts), low(parts >> 32_u32));
        let place = match self.entry(entry) {
            Entry::At(place) => Some(place),
            Entry::Absent => None,
            other => return other,
        };
        match (place, here, zero) {
            (_, here, zero) if here & zero != 0 => Entry::Invalid,
            (None, 1.., _) => Entry::Invalid,
            (Some(place), u32::MAX, 0) => Entry::At(place),
            (place, 0, u32::MAX) => Entry::Zero(place),
            (None, 0, 0) => Entry::Absent,
            (place, here, zero) => Entry::Parts { place, here, zero },
        }
    }

    /// Version 1: the uppermost bit tells compressed data, whose length is exact.
    fn entry_v1(&self, entry: u64) -> Entry {
        if entry & COPIED == 0 {
            return if entry == 0 { Entry::Absent } else { Entry::At(entry) };
        }
        let place_bits = 63_u32.saturating_sub(self.cluster_bits());
        let place = entry & low_bits(place_bits);
        let bytes = (entry & !COPIED).checked_shr(place_bits).unwrap_or(0);
        Entry::Compressed(place, bytes)
    }

    /// Compressed data begin at any byte and are told in whole sectors.
    fn compressed(&self, entry: u64) -> Entry {
        if self.is_external {
            return Entry::Invalid;
        }
        let sector_bits = self.cluster_bits().saturating_sub(8);
        let place_bits = 62_u32.saturating_sub(sector_bits);
        let place = entry & low_bits(place_bits);
        let sectors = entry.checked_shr(place_bits).unwrap_or(0) & low_bits(sector_bits);
        let bytes = sectors.saturating_add(1).saturating_mul(512);
        Entry::Compressed(place, bytes.saturating_sub(place % 512))
    }

    fn cluster_bits(&self) -> u32 {
        self.cluster_bytes.trailing_zeros()
    }

    /// True where so many bytes at a place are in the file. The last cluster of a file may be cut: what is missing of it
    /// are zeros (qemu-img check, too, faults a whole cluster only).
    pub(super) fn is_inside(&self, place: u64, bytes: u64) -> bool {
        let end = place.saturating_add(bytes);
        place < self.file_bytes && end.saturating_sub(self.file_bytes) < self.cluster_bytes
    }

    /// How many clusters of `count` that stand one behind the other from a place on are in the file; all, where they are in
    /// the data file, of which nothing is known here.
    pub(super) fn clusters_inside(&self, place: u64, count: u64) -> u64 {
        if self.is_external {
            return count;
        }
        let room = self.file_bytes.saturating_sub(place);
        room.div_ceil(self.cluster_bytes).min(count)
    }

    /// Bytes of the disk in `count` clusters: where they start, and how many there are.
    pub(super) fn span(&self, cluster: u64, count: u64) -> (u64, u64) {
        span_of_blocks(cluster, count, self.cluster_bytes, self.virtual_bytes)
    }
}

fn low_bits(count: u32) -> u64 {
    1_u64.checked_shl(count).unwrap_or(0).wrapping_sub(1)
}
