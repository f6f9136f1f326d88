//! Where the tables of one extent lie and how their entries are coded, checked against the limits of the formats.

use crate::{ParseError, Result};

use super::super::{
    SECTOR_BYTES, SparseHeader, Vmdk, cowd, sectors_to_bytes, sesparse,
    sparse::{self, GD_AT_END},
};

/// Most entries of a grain directory: what qemu takes. At the smallest table that is seen (512 grains of 64 KiB) they
/// stand for 1 PiB.
const MAX_DIRECTORY_ENTRIES: u64 = 32 << 20;

/// How the tables of an extent lie in its file. All offsets and sizes are bytes, from the start of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) coding: Coding,
    /// Size of the extent as the guest sees it.
    pub(super) capacity_bytes: u64,
    pub(super) grain_bytes: u64,
    /// Entries of a grain table.
    pub(super) table_entries: u64,
    /// Where the grain directory begins.
    pub(super) directory: u64,
    /// Where the redundant grain directory begins.
    pub(super) redundant: Option<u64>,
    /// Entries of the grain directory that the capacity needs.
    pub(super) directory_entries: u64,
    /// Entries that there are where these are fewer.
    pub(super) directory_room: u64,
}

/// How the entries of directory and tables are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// Sectors in 32 bits.
    Sectors {
        /// 1 stands for a grain of zeros (bit 2 of the flags of a hosted sparse extent).
        has_zero_grains: bool,
        /// A grain is a marker with compressed data.
        is_compressed: bool,
    },
    /// 64 bits, the kind in the uppermost four.
    SeSparse {
        /// Where the grain tables begin, and the bytes that they have.
        tables: (u64, u64),
        /// Where the grains begin.
        grains: u64,
    },
}

/// What an entry of a grain table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// Nothing here: the parent is read, or zeros.
    Absent,
    /// Zeros, whatever the parent holds.
    Zero,
    /// Zeros, because the guest gave the space back.
    Unmapped,
    /// Data at this byte of the file; `None` where that is past 64 bits.
    Data(Option<u64>),
    /// No entry of this format.
    Unknown(u64),
}

impl Layout {
    /// The layout of what was read; `None` where a file has no grain tables.
    ///
    /// # Errors
    /// `Malformed`, `OutOfBounds` or `LimitExceeded` where the header describes no tables that could be walked.
    pub(super) fn of(vmdk: &Vmdk) -> Result<Option<Self>> {
        let layout = match vmdk {
            Vmdk::Sparse(extent) if extent.effective_header().capacity_sectors == 0 => return Ok(None),
            Vmdk::Sparse(extent) => Self::of_sparse(extent.effective_header())?,
            Vmdk::Cowd(extent) => Self::of_cowd(extent)?,
            Vmdk::SeSparse(extent) => Self::of_sesparse(extent)?,
            Vmdk::Descriptor(_) | Vmdk::ChangeTracking(_) | Vmdk::Raw => return Ok(None),
        };
        if layout.directory_entries > MAX_DIRECTORY_ENTRIES {
            return Err(ParseError::LimitExceeded {
                what: "entries of a VMDK grain directory",
                value: layout.directory_entries,
                limit: MAX_DIRECTORY_ENTRIES,
            });
        }
        Ok(Some(layout))
    }

    fn of_sparse(header: &SparseHeader) -> Result<Self> {
        const WHAT: &str = sparse::WHAT;
        if !header.has_sound_geometry() {
            let (grain, entries) = (header.grain_size_sectors, header.gtes_per_gt);
            let detail = format!("grain of {grain} sectors, {entries} entries of a grain table");
            return Err(bad_geometry(WHAT, 20, detail));
        }
        if header.gd_offset_sectors == GD_AT_END {
            return Err(ParseError::Malformed {
                what: WHAT,
                offset: 56,
                detail: "the grain directory is said to be in the footer, and there is none".to_owned(),
            });
        }
        let has_redundant = header.has_redundant_directory() && header.rgd_offset_sectors != 0;
        let redundant = has_redundant.then(|| bytes_of(WHAT, 48, header.rgd_offset_sectors));
        Ok(Self {
            coding: Coding::Sectors {
                has_zero_grains: header.has_zero_grains(),
                is_compressed: header.is_compressed(),
            },
            capacity_bytes: bytes_of(WHAT, 12, header.capacity_sectors)?,
            grain_bytes: bytes_of(WHAT, 20, header.grain_size_sectors)?,
            table_entries: u64::from(header.gtes_per_gt),
            directory: bytes_of(WHAT, 56, header.gd_offset_sectors)?,
            redundant: redundant.transpose()?,
            directory_entries: header.gd_entries.unwrap_or(u64::MAX),
            directory_room: u64::MAX,
        })
    }

    fn of_cowd(extent: &super::super::CowdExtent) -> Result<Self> {
        const WHAT: &str = cowd::WHAT;
        let grain = extent.grain_size_sectors;
        if grain == 0 || grain > cowd::MAX_GRAIN_SECTORS {
            return Err(bad_geometry(WHAT, 16, format!("grain of {grain} sectors")));
        }
        let table_sectors = u64::from(grain).saturating_mul(cowd::GTES_PER_GT);
        Ok(Self {
            coding: Coding::Sectors {
                has_zero_grains: false,
                is_compressed: false,
            },
            capacity_bytes: bytes_of(WHAT, 12, u64::from(extent.capacity_sectors))?,
            grain_bytes: bytes_of(WHAT, 16, u64::from(grain))?,
            table_entries: cowd::GTES_PER_GT,
            directory: bytes_of(WHAT, 20, u64::from(extent.gd_offset_sectors))?,
            redundant: None,
            directory_entries: u64::from(extent.capacity_sectors).div_ceil(table_sectors),
            directory_room: u64::from(extent.gd_entries),
        })
    }

    fn of_sesparse(extent: &super::super::SeSparseExtent) -> Result<Self> {
        const WHAT: &str = sesparse::WHAT;
        const ENTRIES: u64 = sesparse::GRAIN_TABLE_SECTORS * SECTOR_BYTES / 8;
        let (grain, table) = (extent.grain_size_sectors, extent.grain_table_sectors);
        if (grain, table) != (sesparse::GRAIN_SECTORS, sesparse::GRAIN_TABLE_SECTORS) {
            let detail = format!("grain of {grain} sectors, grain table of {table} sectors");
            return Err(bad_geometry(WHAT, 24, detail));
        }
        let area = |offset, area: super::super::Area| -> Result<(u64, u64)> {
            Ok((
                bytes_of(WHAT, offset, area.offset_sectors)?,
                bytes_of(WHAT, offset.saturating_add(8), area.size_sectors)?,
            ))
        };
        let (directory, directory_bytes) = area(128, extent.grain_directory)?;
        Ok(Self {
            coding: Coding::SeSparse {
                tables: area(144, extent.grain_tables)?,
                grains: bytes_of(WHAT, 192, extent.grains.offset_sectors)?,
            },
            capacity_bytes: bytes_of(WHAT, 16, extent.capacity_sectors)?,
            grain_bytes: sesparse::GRAIN_SECTORS * SECTOR_BYTES,
            table_entries: ENTRIES,
            directory,
            redundant: None,
            directory_entries: extent.capacity_sectors.div_ceil(sesparse::GRAIN_SECTORS * ENTRIES),
            directory_room: directory_bytes / 8,
        })
    }

    /// Bytes of an entry of directory or table.
    pub(super) fn entry_bytes(&self) -> u64 {
        match self.coding {
            Coding::Sectors { .. } => 4,
            Coding::SeSparse { .. } => 8,
        }
    }

    /// Entries of directory or table in so many bytes.
    pub(super) fn entries_in(&self, bytes: u64) -> u64 {
        bytes.checked_div(self.entry_bytes()).unwrap_or(0)
    }

    pub(super) fn table_bytes(&self) -> u64 {
        self.table_entries.saturating_mul(self.entry_bytes())
    }

    /// Grains of the extent; the last one may be cut off by its end.
    pub(super) fn grains(&self) -> u64 {
        self.capacity_bytes.div_ceil(self.grain_bytes)
    }

    /// Bytes of a grain inside the extent.
    pub(super) fn bytes_of_grain(&self, grain: u64) -> u64 {
        let start = grain.saturating_mul(self.grain_bytes);
        self.grain_bytes.min(self.capacity_bytes.saturating_sub(start))
    }

    /// Where the table of a directory entry lies: `Ok(None)` for an entry without table.
    ///
    /// # Errors
    /// What is wrong with the entry.
    pub(super) fn table_at(&self, entry: u64) -> std::result::Result<Option<u64>, &'static str> {
        match self.coding {
            _ if entry == 0 => Ok(None),
            Coding::Sectors { .. } => Ok(Some(entry.saturating_mul(SECTOR_BYTES))),
            Coding::SeSparse { tables, .. } => {
                if entry >> 32_u32 != 0x1000_0000 {
                    return Err("is neither empty nor of the form 0x10000000…");
                }
                let start = (entry & u64::from(u32::MAX)).saturating_mul(self.table_bytes());
                if start.saturating_add(self.table_bytes()) > tables.1 {
                    return Err("names a table past the area of the tables");
                }
                Ok(Some(tables.0.saturating_add(start)))
            }
        }
    }

    /// What an entry of a grain table says.
    pub(super) fn entry(&self, entry: u64) -> Entry {
        match self.coding {
            Coding::Sectors { has_zero_grains, .. } => match entry {
                0 => Entry::Absent,
                1 if has_zero_grains => Entry::Zero,
                sector => Entry::Data(sectors_to_bytes(sector)),
            },
            Coding::SeSparse { grains, .. } => match entry >> 60_u32 {
                0 if entry == 0 => Entry::Absent,
                1 => Entry::Unmapped,
                2 => Entry::Zero,
                3 => {
                    let offset = sesparse_grain(entry).checked_mul(self.grain_bytes);
                    Entry::Data(offset.and_then(|offset| grains.checked_add(offset)))
                }
                _ => Entry::Unknown(entry),
            },
        }
    }

    /// True when the data of a grain do not lie inside a file of `length` bytes. Of a grain that the end of the extent
    /// cuts off only the part inside must be there, of a compressed one its marker.
    pub(super) fn is_outside(&self, grain: u64, offset: Option<u64>, length: u64) -> bool {
        let needed = match self.coding {
            Coding::Sectors {
                is_compressed: true, ..
            } => super::super::stream::GRAIN_HEADER_BYTES,
            _ => self.bytes_of_grain(grain),
        };
        offset
            .and_then(|offset| offset.checked_add(needed))
            .is_none_or(|end| end > length)
    }
}

/// The number of a grain in a seSparse entry: bits 48 to 59 are its lower twelve, the bits below them the others (qemu).
fn sesparse_grain(entry: u64) -> u64 {
    ((entry >> 48_u32) & 0xFFF) | ((entry & 0xFFFF_FFFF_FFFF) << 12_u32)
}

fn bytes_of(what: &'static str, offset: u64, sectors: u64) -> Result<u64> {
    sectors_to_bytes(sectors).ok_or(ParseError::OutOfBounds {
        what,
        offset,
        value: sectors,
        limit: u64::MAX / SECTOR_BYTES,
    })
}

fn bad_geometry(what: &'static str, offset: u64, detail: String) -> ParseError {
    ParseError::Malformed { what, offset, detail }
}
