//! Metadata table and items (MS-VHDX 2.6): what the disk is.
//!
//! Every item is read on its own: one that cannot be is noted and its fact is `None`. A required item that is unknown
//! is noted too; it forbids to read the payload, which nobody here does.
//!
//! Items that overlap are only noted: each of them was read whole.

use std::borrow::Cow;

use uuid::Uuid;

use super::{
    OtherItem, code,
    format::{
        BLOCK_SIZE_MAX_BYTES, BLOCK_SIZE_MIN_BYTES, CHS_PARAMETERS_ITEM_GUID, FILE_PARAMETERS_HAS_PARENT,
        FILE_PARAMETERS_ITEM_GUID, FILE_PARAMETERS_LEAVE_BLOCK_ALLOCATED, INCOMPLETE_FILE_ITEM_GUID,
        LOGICAL_SECTOR_SIZE_ITEM_GUID, METADATA_FLAG_REQUIRED, METADATA_FLAG_USER, METADATA_ITEM_MAX_BYTES,
        METADATA_TABLE_BYTES, METADATA_TABLE_ENTRY_BYTES, METADATA_TABLE_HEADER_BYTES, METADATA_TABLE_MAX_ENTRY_COUNT,
        METADATA_TABLE_SIGNATURE, PAGE_83_ITEM_GUID, PARENT_LOCATOR_ITEM_GUID, PHYSICAL_SECTOR_SIZE_ITEM_GUID,
        PMEM_LABELS_ITEM_GUID, VIRTUAL_DISK_MAX_BYTES, VIRTUAL_DISK_SIZE_ITEM_GUID,
    },
    locator::{self, ParentLocator},
    region::ParsedRegion,
};
use crate::{
    bytes::Cursor,
    disk_kind::DiskKind,
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
    window::Window,
};

const TABLE: &str = "VHDX metadata table";
const ENTRY: &str = "VHDX metadata table entry";

/// What all items of a disk take at most as a rule, those that tell its parent included.
const USUAL_ITEMS_BYTES: u64 = 8 << 10;

const KNOWN_ITEMS: [Uuid; 9] = [
    FILE_PARAMETERS_ITEM_GUID,
    VIRTUAL_DISK_SIZE_ITEM_GUID,
    PAGE_83_ITEM_GUID,
    LOGICAL_SECTOR_SIZE_ITEM_GUID,
    PHYSICAL_SECTOR_SIZE_ITEM_GUID,
    PARENT_LOCATOR_ITEM_GUID,
    INCOMPLETE_FILE_ITEM_GUID,
    CHS_PARAMETERS_ITEM_GUID,
    PMEM_LABELS_ITEM_GUID,
];

/// What the metadata told; `None` where an item was missing or not sound.
#[derive(Debug, Default)]
pub(super) struct ParsedMetadata {
    pub(super) block_size_bytes: Option<u32>,
    pub(super) kind: Option<DiskKind>,
    pub(super) virtual_bytes: Option<u64>,
    pub(super) disk_id: Option<Uuid>,
    pub(super) logical_sector_bytes: Option<u32>,
    pub(super) physical_sector_bytes: Option<u32>,
    pub(super) incomplete: bool,
    pub(super) parent: Option<ParentLocator>,
    /// Items without a field here.
    pub(super) others: Vec<OtherItem>,
}

/// One entry of the table as it stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MetadataTableEntry {
    /// Where the entry stands, bytes from the start of the file.
    place: u64,
    id: Uuid,
    /// Bytes from the start of the metadata region.
    offset: u32,
    length_bytes: u32,
    flags: u32,
}

impl MetadataTableEntry {
    /// As a fact, where no field holds what the item says.
    fn as_other(&self) -> Option<OtherItem> {
        let name = match self.id {
            CHS_PARAMETERS_ITEM_GUID => Some("geometry"),
            PMEM_LABELS_ITEM_GUID => Some("labels of persistent memory"),
            _ => None,
        };
        let has_field = !self.is_user() && name.is_none() && KNOWN_ITEMS.contains(&self.id);
        (!has_field).then(|| OtherItem {
            id: self.id,
            name: name.filter(|_| !self.is_user()).map(ToOwned::to_owned),
            is_user: self.is_user(),
            is_required: self.is_required(),
            length_bytes: self.length_bytes,
        })
    }

    fn is_user(&self) -> bool {
        self.flags & METADATA_FLAG_USER != 0
    }

    fn is_required(&self) -> bool {
        self.flags & METADATA_FLAG_REQUIRED != 0
    }
}

/// Reads everything that the metadata region tells. A table that cannot be read is noted and leaves all facts empty.
pub(super) fn read(
    source: &impl ReadAt,
    region: &ParsedRegion,
    limits: &Limits,
    findings: &mut Findings,
) -> Result<ParsedMetadata> {
    // Windows puts the items right behind the table: both come with one read.
    let length = METADATA_TABLE_BYTES.saturating_add(USUAL_ITEMS_BYTES);
    let source = Window::ahead(source, TABLE, region.offset, length)?;
    let table = read_table(&source, region);
    let Some(entries) = findings.tolerate(code::METADATA_TABLE_BAD, table)? else {
        return Ok(ParsedMetadata::default());
    };
    note_odd_entries(&entries, findings);
    let mut items = Items {
        source: &source,
        region,
        entries: &entries,
        findings,
    };
    items.read(limits)
}

fn read_table(source: &impl ReadAt, region: &ParsedRegion) -> Result<Vec<MetadataTableEntry>> {
    let bytes = source.exact(TABLE, region.offset, METADATA_TABLE_BYTES)?;
    let cursor = Cursor::new(TABLE, region.offset, &bytes);
    cursor.signature(0, METADATA_TABLE_SIGNATURE, "metadata")?;
    let count = cursor.u16_le(10)?;
    if count > METADATA_TABLE_MAX_ENTRY_COUNT {
        return Err(ParseError::OutOfBounds {
            what: "VHDX metadata table entry count",
            offset: cursor.position(10),
            value: count.into(),
            limit: METADATA_TABLE_MAX_ENTRY_COUNT.into(),
        });
    }
    let rest = bytes.get(METADATA_TABLE_HEADER_BYTES..).unwrap_or_default();
    let mut place = cursor.position(METADATA_TABLE_HEADER_BYTES);
    let mut entries = Vec::new();
    for (raw, _) in rest.chunks_exact(METADATA_TABLE_ENTRY_BYTES).zip(0..count) {
        let entry = Cursor::new(ENTRY, place, raw);
        entries.push(MetadataTableEntry {
            place,
            id: entry.guid(0)?,
            offset: entry.u32_le(16)?,
            length_bytes: entry.u32_le(20)?,
            flags: entry.u32_le(24)?,
        });
        place = place.saturating_add(32);
    }
    Ok(entries)
}

/// Notes items that nobody knows and yet are required, and ids that occur twice.
fn note_odd_entries(entries: &[MetadataTableEntry], findings: &mut Findings) {
    for entry in entries {
        if entry.is_required() && (entry.is_user() || !KNOWN_ITEMS.contains(&entry.id)) {
            let text = format!("metadata item {} is required and unknown", entry.id);
            findings.damage(Anomaly::at(code::METADATA_UNKNOWN_REQUIRED, entry.place, text));
        }
    }
    let mut sorted: Vec<_> = entries
        .iter()
        .map(|entry| (entry.id, entry.is_user(), entry.place))
        .collect();
    sorted.sort_unstable();
    for pair in sorted.windows(2) {
        if let [(id, user, _), (next_id, next_user, place)] = pair
            && (id, user) == (next_id, next_user)
        {
            let text = format!("metadata item {id} is listed twice: the first is taken");
            findings.note(Anomaly::at(code::METADATA_ITEM_TWICE, *place, text));
        }
    }
    note_overlaps(entries, findings);
}

/// MS-VHDX 2.6.1.2: items do not overlap.
fn note_overlaps(entries: &[MetadataTableEntry], findings: &mut Findings) {
    let mut spans: Vec<_> = entries
        .iter()
        .filter(|entry| entry.length_bytes > 0)
        .map(|entry| {
            let end = u64::from(entry.offset).saturating_add(entry.length_bytes.into());
            (u64::from(entry.offset), end, entry.place)
        })
        .collect();
    spans.sort_unstable();
    for pair in spans.windows(2) {
        if let [(_, end, _), (start, _, place)] = pair
            && start < end
        {
            let text = format!("two metadata items overlap at {start:#x} of their region");
            findings.note(Anomaly::at(code::METADATA_ITEM_OVERLAP, *place, text));
        }
    }
}

/// The items of one metadata region, read one by one.
struct Items<'a, R> {
    source: &'a R,
    region: &'a ParsedRegion,
    entries: &'a [MetadataTableEntry],
    findings: &'a mut Findings,
}

impl<'a, R: ReadAt> Items<'a, R> {
    fn read(&mut self, limits: &Limits) -> Result<ParsedMetadata> {
        let parameters = self.required("VHDX file parameters", FILE_PARAMETERS_ITEM_GUID, file_parameters)?;
        let block_size = parameters.map(|parameters| check_block_size(&parameters));
        let block_size = block_size.map(|size| self.findings.tolerate(code::METADATA_ITEM_BAD, size));
        let virtual_bytes = self.required("VHDX virtual disk size", VIRTUAL_DISK_SIZE_ITEM_GUID, virtual_size)?;
        let disk_id = self.required("VHDX virtual disk id", PAGE_83_ITEM_GUID, |item| item.guid(0))?;
        let logical = self.required("VHDX logical sector size", LOGICAL_SECTOR_SIZE_ITEM_GUID, sector_size)?;
        let physical = self.required("VHDX physical sector size", PHYSICAL_SECTOR_SIZE_ITEM_GUID, sector_size)?;
        let kind = parameters.map(|parameters| parameters.kind);
        self.note_reserved(parameters);
        self.note_ragged_size(virtual_bytes, logical);
        Ok(ParsedMetadata {
            block_size_bytes: block_size.transpose()?.flatten(),
            kind,
            virtual_bytes,
            disk_id: disk_id.filter(|id| !id.is_nil()),
            logical_sector_bytes: logical,
            physical_sector_bytes: physical,
            incomplete: self.find(INCOMPLETE_FILE_ITEM_GUID).is_some(),
            parent: self.parent(kind, limits)?,
            others: self.entries.iter().filter_map(MetadataTableEntry::as_other).collect(),
        })
    }

    fn find(&self, id: Uuid) -> Option<MetadataTableEntry> {
        self.entries
            .iter()
            .find(|entry| entry.id == id && !entry.is_user())
            .copied()
    }

    /// The value of an item that every file has; `None`, noted, where it is missing or not sound.
    fn required<T>(
        &mut self,
        what: &'static str,
        id: Uuid,
        parse: impl FnOnce(&Cursor<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let Some(entry) = self.find(id) else {
            let text = format!("{what}: the metadata table does not list it");
            self.findings
                .damage(Anomaly::at(code::METADATA_ITEM_MISSING, self.region.offset, text));
            return Ok(None);
        };
        let value = self
            .bytes(what, entry)
            .and_then(|(place, bytes)| parse(&Cursor::new(what, place, &bytes)));
        self.findings.tolerate(code::METADATA_ITEM_BAD, value)
    }

    /// The bytes of an item and where they stand, after the checks of MS-VHDX 2.6.1.2.
    fn bytes(&self, what: &'static str, entry: MetadataTableEntry) -> Result<(u64, Cow<'a, [u8]>)> {
        let out_of_bounds = |field: usize, value: u32, limit: u64| ParseError::OutOfBounds {
            what,
            offset: Cursor::new(ENTRY, entry.place, &[]).position(field),
            value: value.into(),
            limit,
        };
        if entry.length_bytes > METADATA_ITEM_MAX_BYTES {
            return Err(out_of_bounds(20, entry.length_bytes, METADATA_ITEM_MAX_BYTES.into()));
        }
        let latest = self.region.length.saturating_sub(entry.length_bytes.into());
        if u64::from(entry.offset) < METADATA_TABLE_BYTES || u64::from(entry.offset) > latest {
            return Err(out_of_bounds(16, entry.offset, latest));
        }
        let place = self.region.offset.saturating_add(entry.offset.into());
        Ok((place, self.source.exact(what, place, entry.length_bytes.into())?))
    }

    fn note_ragged_size(&mut self, virtual_bytes: Option<u64>, sector_bytes: Option<u32>) {
        if let (Some(size), Some(sector)) = (virtual_bytes, sector_bytes)
            && !size.is_multiple_of(sector.into())
        {
            let text = format!("virtual disk size {size} is no multiple of the sector size {sector}");
            let item = self.find(VIRTUAL_DISK_SIZE_ITEM_GUID).map_or(0, |entry| entry.offset);
            let place = self.region.offset.saturating_add(item.into());
            self.findings.note(Anomaly::at(code::VIRTUAL_SIZE_RAGGED, place, text));
        }
    }

    /// MS-VHDX 2.6.2.1: all bits but two are zero.
    fn note_reserved(&mut self, parameters: Option<FileParameters>) {
        let Some(parameters) = parameters.filter(|parameters| parameters.reserved != 0) else {
            return;
        };
        let text = format!(
            "reserved bits {:#x} of the file parameters are set",
            parameters.reserved
        );
        let place = parameters.place.saturating_add(4);
        self.findings
            .note(Anomaly::at(code::FILE_PARAMETERS_RESERVED, place, text));
    }

    fn parent(&mut self, kind: Option<DiskKind>, limits: &Limits) -> Result<Option<ParentLocator>> {
        const WHAT: &str = "VHDX parent locator";
        let Some(entry) = self.find(PARENT_LOCATOR_ITEM_GUID) else {
            if kind == Some(DiskKind::Differencing) {
                let text = "the disk has a parent and no parent locator says which";
                self.findings
                    .damage(Anomaly::at(code::LOCATOR_MISSING, self.region.offset, text));
            }
            return Ok(None);
        };
        if kind.is_some_and(|kind| kind != DiskKind::Differencing) {
            let text = "there is a parent locator, and the file parameters say that there is no parent";
            self.findings
                .note(Anomaly::at(code::LOCATOR_UNEXPECTED, entry.place, text));
        }
        let locator = self
            .bytes(WHAT, entry)
            .and_then(|(place, bytes)| locator::parse(&Cursor::new(WHAT, place, &bytes), limits, self.findings));
        self.findings.tolerate(code::LOCATOR_BAD, locator)
    }
}

#[derive(Debug, Clone, Copy)]
struct FileParameters {
    /// Bytes from the start of the file.
    place: u64,
    block_size_bytes: u32,
    kind: DiskKind,
    /// Flags that nobody knows.
    reserved: u32,
}

/// MS-VHDX 2.6.2.1.
fn file_parameters(item: &Cursor<'_>) -> Result<FileParameters> {
    let flags = item.u32_le(4)?;
    let kind = if flags & FILE_PARAMETERS_HAS_PARENT != 0 {
        DiskKind::Differencing
    } else if flags & FILE_PARAMETERS_LEAVE_BLOCK_ALLOCATED != 0 {
        DiskKind::Fixed
    } else {
        DiskKind::Dynamic
    };
    Ok(FileParameters {
        place: item.base(),
        block_size_bytes: item.u32_le(0)?,
        kind,
        reserved: flags & !(FILE_PARAMETERS_HAS_PARENT | FILE_PARAMETERS_LEAVE_BLOCK_ALLOCATED),
    })
}

fn check_block_size(parameters: &FileParameters) -> Result<u32> {
    let size = parameters.block_size_bytes;
    if size.is_power_of_two() && (BLOCK_SIZE_MIN_BYTES..=BLOCK_SIZE_MAX_BYTES).contains(&size.into()) {
        return Ok(size);
    }
    Err(ParseError::Malformed {
        what: "VHDX block size",
        offset: parameters.place,
        detail: format!("{size} is no power of two from 1 MiB to 256 MiB"),
    })
}

/// MS-VHDX 2.6.2.2.
fn virtual_size(item: &Cursor<'_>) -> Result<u64> {
    let size = item.u64_le(0)?;
    if size > VIRTUAL_DISK_MAX_BYTES {
        return Err(ParseError::OutOfBounds {
            what: item.what(),
            offset: item.base(),
            value: size,
            limit: VIRTUAL_DISK_MAX_BYTES,
        });
    }
    Ok(size)
}

/// MS-VHDX 2.6.2.4 and 2.6.2.5.
fn sector_size(item: &Cursor<'_>) -> Result<u32> {
    let size = item.u32_le(0)?;
    if size == 512 || size == 4096 {
        return Ok(size);
    }
    Err(ParseError::Malformed {
        what: item.what(),
        offset: item.base(),
        detail: format!("sector size {size} is neither 512 nor 4096"),
    })
}
