//! QEMU disk images (`.qcow2`, and `.qcow` of version 1).
//!
//! Read: the header, its extensions, the name of the backing file and the list of internal snapshots (qemu
//! `docs/interop/qcow2.txt`, `block/qcow.c`). Integers are big-endian. [`read`] stops there. The backing file and an external
//! data file are files that the image cannot be read without.
//!
//! [`allocation()`] and [`ranges()`] walk the L1 and L2 tables of the disk too, with parts of clusters where entries are
//! extended. Clusters, reference counts and the tables of internal snapshots are not read.

mod allocation;
mod layout;
mod ranges;
mod walk;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use allocation::{Allocation, ClusterCounts};
pub use ranges::Ranges;

use crate::{EncodedText, Limits, ParseError, ReadAt, Result, bytes::Cursor, error::Anomaly, findings::Findings};

/// Name of the structure in errors.
const HEADER: &str = "qcow2 header";
/// Signature at the start of the file.
pub(crate) const SIGNATURE: &[u8] = b"QFI\xfb";
/// Length of the fields of version 2 in bytes.
const HEADER_V2_BYTES: u64 = 72;
/// Length of the fields of version 3 in bytes, at least.
const HEADER_V3_BYTES: u64 = 104;
/// Longest name of a backing file (qemu).
const NAME_MAX_BYTES: u64 = 1023;
/// Header and extensions lie in the first cluster, the smallest of which has 512 bytes; this much of it is searched.
const EXTENSIONS_MAX_BYTES: u64 = 64 << 10;
/// How much of the list of snapshots is read.
const SNAPSHOTS_MAX_BYTES: u64 = 4 << 20;
/// Most snapshots (qemu).
pub const SNAPSHOTS_MAX_COUNT: usize = 65_536;
/// Fixed part of a snapshot in bytes.
const SNAPSHOT_BYTES: usize = 40;

/// Bit of the incompatible features: reference counts may be wrong, since the image was not closed.
const FEATURE_DIRTY: u64 = 1;
/// Bit of the incompatible features: the image is known to be corrupt.
const FEATURE_CORRUPT: u64 = 2;
/// Bit of the incompatible features: the data are in another file.
const FEATURE_EXTERNAL_DATA: u64 = 4;

/// The feature whose L2 tables have entries of 16 bytes.
const EXTENDED_L2: &str = "extended-l2";

/// Features that are told by their names: the field of the header, the bit in it, and the name.
const FEATURES: [(usize, u64, &str); 4] = [
    (INCOMPATIBLE, 1 << 4, EXTENDED_L2),
    (COMPATIBLE, 1, "lazy-refcounts"),
    (AUTOCLEAR, 1, "bitmaps"),
    (AUTOCLEAR, 1 << 1, "raw-external-data"),
];
/// Bit of the incompatible features: the header names the compression.
const FEATURE_COMPRESSION: u64 = 1 << 3;
/// Incompatible features that are known.
const KNOWN_INCOMPATIBLE: u64 = 0b1_1111;
/// Where the incompatible features stand: whoever does not know one must not read the image.
const INCOMPATIBLE: usize = 72;
/// Where the compatible features stand.
const COMPATIBLE: usize = 80;
/// Where the features stand that a writer clears which does not know them.
const AUTOCLEAR: usize = 88;
/// Where the compression stands in a header that is long enough.
const COMPRESSION: usize = 104;

/// Extension that ends the list.
const EXTENSION_END: u32 = 0;
/// Extension with the format of the backing file.
const EXTENSION_BACKING_FORMAT: u32 = 0xE279_2ACA;
/// Extension with the name of the external data file.
const EXTENSION_DATA_FILE: u32 = 0x4441_5441;

/// The codes of the anomalies of an image.
pub mod code {
    /// Damage: the size of a cluster cannot be.
    pub const CLUSTER_SIZE_BAD: &str = "cluster-size-bad";
    /// Damage: the size of L2 tables cannot be (version 1).
    pub const L2_SIZE_BAD: &str = "l2-size-bad";
    /// Damage: a table lies outside of the file.
    pub const TABLE_BEYOND_END: &str = "table-beyond-end";
    /// Damage: the name of the backing file cannot be read.
    pub const BACKING_NAME_BAD: &str = "backing-name-bad";
    /// Damage: the list of snapshots cannot be read, or not all of it.
    pub const SNAPSHOTS_BAD: &str = "snapshots-bad";
    /// Damage: features that nobody knows, and without which the image must not be read.
    pub const FEATURES_UNKNOWN: &str = "features-unknown";
    /// An extension of the header cannot be read, nor those behind it.
    pub const EXTENSION_BAD: &str = "extension-bad";
    /// Damage: an L2 table does not stand at a whole cluster of the file.
    pub const L2_TABLE_BAD: &str = "l2-table-bad";
    /// Damage: what the entry of a cluster says cannot be.
    pub const ENTRY_BAD: &str = "entry-bad";
    /// Damage: clusters that lie outside the file.
    pub const CLUSTER_OUTSIDE_FILE: &str = "cluster-outside-file";
    /// Damage: clusters that lie on another cluster or on an L2 table.
    pub const CLUSTER_OVERLAP: &str = "cluster-overlap";
    /// There are too many clusters to look for overlaps among them.
    pub const OVERLAPS_NOT_CHECKED: &str = "overlaps-not-checked";
}

/// What an image says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Qcow2 {
    /// 1 (qcow), 2 or 3.
    pub version: u32,
    /// Size of the disk that the guest sees, in bytes.
    pub virtual_bytes: u64,
    /// Unit of allocation in bytes; `None` where it cannot be.
    pub cluster_bytes: Option<u64>,
    /// Where the L1 table of the disk begins, bytes from the start of the file.
    #[serde(default)]
    pub l1_offset_bytes: u64,
    /// Entries of the L1 table; of version 1 those that the disk needs.
    #[serde(default)]
    pub l1_entries: u64,
    /// Entries of each L2 table; `None` where they cannot be.
    #[serde(default)]
    pub l2_entries: Option<u64>,
    /// The file that holds what this one does not.
    pub backing_file: Option<EncodedText>,
    /// Format of the backing file, where it is said.
    pub backing_format: Option<String>,
    /// The file that holds the data, where they are not here.
    pub data_file: Option<EncodedText>,
    /// The data are in another file, whether it is named or not.
    #[serde(default)]
    pub has_external_data: bool,
    /// 0 none, 1 AES, 2 LUKS.
    pub encryption: u32,
    /// `zlib` or `zstd`, where the header says; as its number where it is another.
    #[serde(default)]
    pub compression: Option<String>,
    /// What else it makes use of: `extended-l2`, `lazy-refcounts`, `bitmaps`, `raw-external-data`.
    #[serde(default)]
    pub features: Vec<String>,
    /// Not closed: reference counts may be wrong; in use, or crashed.
    pub is_dirty: bool,
    /// Known to be corrupt.
    pub is_corrupt: bool,
    /// Internal snapshots, in the order of the file.
    pub snapshots: Vec<Snapshot>,
    /// The first anomaly after which facts may be missing.
    pub damage: Option<Anomaly>,
    /// What is odd or damaged.
    pub anomalies: Vec<Anomaly>,
}

/// An internal snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// Its id.
    pub id: EncodedText,
    /// Its name.
    pub name: EncodedText,
    /// When it was taken.
    pub created: Option<Timestamp>,
    /// Bytes of the state of the VM that it holds; 0 for none.
    pub state_bytes: u64,
}

/// True when a file begins like an image.
pub fn has_signature(head: &[u8]) -> bool {
    head.starts_with(SIGNATURE)
}

/// Reads header, names and snapshots.
///
/// # Errors
/// `Truncated`, `BadSignature`, `Unsupported` for another version, `Io`.
pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Qcow2> {
    let head = source.up_to(HEADER, 0, EXTENSIONS_MAX_BYTES)?;
    let cursor = Cursor::new(HEADER, 0, &head);
    cursor.signature(0, SIGNATURE, "QFI\\xfb")?;
    let mut findings = Findings::default();
    let image = match cursor.u32_be(4)? {
        1 => read_v1(source, &cursor, &mut findings),
        version @ (2 | 3) => read_v2(source, &cursor, version, limits, &mut findings),
        version => Err(ParseError::Unsupported {
            what: HEADER,
            version: version.to_string(),
        }),
    }?;
    Ok(Qcow2 {
        damage: findings.first_damage(),
        anomalies: findings.into_anomalies(),
        ..image
    })
}

/// Walks the tables of the disk and counts what they allocate. Memory is bounded: pieces of the tables, and 4 bytes for each
/// cluster that the file has room for.
///
/// # Errors
/// As [`read`]; `Malformed`, `OutOfBounds` or `LimitExceeded` where the header does not say how to read the tables,
/// `Malformed` where L2 tables together are longer than the file, `Truncated` where the file ends in the L1 table.
pub fn allocation(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Allocation> {
    let image = read(source, limits)?;
    allocation::read(source, &image, limits)
}

/// The disk as stretches in their order, without gaps, each with where its content is. The tables are read on the way.
///
/// # Errors
/// As [`allocation()`]; while it runs those of the tables, and after one of these it ends.
pub fn ranges<R: ReadAt>(source: R, limits: &Limits) -> Result<Ranges<R>> {
    let image = read(&source, limits)?;
    Ranges::new(source, &image)
}

/// The header of version 1: no snapshots, no extensions.
fn read_v1(source: &(impl ReadAt + ?Sized), cursor: &Cursor<'_>, findings: &mut Findings) -> Result<Qcow2> {
    let place = (cursor.u64_be(8)?, cursor.u32_be(16)?);
    let virtual_bytes = cursor.u64_be(24)?;
    let cluster = cluster_bytes(cursor.u8(32)?.into(), 32, findings);
    let l2_entries = l2_entries_v1(cursor.u8(33)?, findings);
    let told = cluster
        .zip(l2_entries)
        .map(|(bytes, count)| bytes.saturating_mul(count));
    Ok(Qcow2 {
        version: 1,
        virtual_bytes,
        cluster_bytes: cluster,
        l1_offset_bytes: cursor.u64_be(40)?,
        l1_entries: told.map_or(0, |bytes| virtual_bytes.div_ceil(bytes)),
        l2_entries,
        backing_file: backing_file(source, place, findings)?,
        backing_format: None,
        data_file: None,
        has_external_data: false,
        encryption: cursor.u32_be(36)?,
        compression: None,
        features: Vec::new(),
        is_dirty: false,
        is_corrupt: false,
        snapshots: Vec::new(),
        damage: None,
        anomalies: Vec::new(),
    })
}

fn read_v2(
    source: &(impl ReadAt + ?Sized),
    cursor: &Cursor<'_>,
    version: u32,
    limits: &Limits,
    findings: &mut Findings,
) -> Result<Qcow2> {
    let (features, header_bytes) = if version == 2 {
        cursor.slice(0, 72)?;
        (0, HEADER_V2_BYTES)
    } else {
        (cursor.u64_be(72)?, u64::from(cursor.u32_be(100)?).max(HEADER_V3_BYTES))
    };
    let place = (cursor.u64_be(8)?, cursor.u32_be(16)?);
    let cluster = cluster_bytes(cursor.u32_be(20)?, 20, findings);
    let l1 = u64::from(cursor.u32_be(36)?).saturating_mul(8);
    let refcounts = u64::from(cursor.u32_be(56)?).saturating_mul(cluster.unwrap_or(1));
    note_outside("L1 table", (cursor.u64_be(40)?, l1), source.len(), 40, findings);
    note_outside(
        "refcount table",
        (cursor.u64_be(48)?, refcounts),
        source.len(),
        48,
        findings,
    );
    let extensions = Extensions::read(cursor, header_bytes, cluster, findings);
    let named = if version == 2 {
        Vec::new()
    } else {
        features_of(cursor, findings)?
    };
    let entry_bytes = if named.iter().any(|name| name == EXTENDED_L2) {
        16
    } else {
        8
    };
    Ok(Qcow2 {
        version,
        virtual_bytes: cursor.u64_be(24)?,
        cluster_bytes: cluster,
        l1_offset_bytes: cursor.u64_be(40)?,
        l1_entries: cursor.u32_be(36)?.into(),
        l2_entries: cluster.and_then(|bytes| bytes.checked_div(entry_bytes)),
        backing_file: backing_file(source, place, findings)?,
        backing_format: extensions.backing_format,
        data_file: extensions.data_file.filter(|_| features & FEATURE_EXTERNAL_DATA != 0),
        has_external_data: features & FEATURE_EXTERNAL_DATA != 0,
        encryption: cursor.u32_be(32)?,
        compression: (features & FEATURE_COMPRESSION != 0).then(|| compression(cursor)),
        features: named,
        is_dirty: features & FEATURE_DIRTY != 0,
        is_corrupt: features & FEATURE_CORRUPT != 0,
        snapshots: snapshots(source, (cursor.u64_be(64)?, cursor.u32_be(60)?), limits, findings)?,
        damage: None,
        anomalies: Vec::new(),
    })
}

/// The L2 tables of version 1 have 2^6 to 2^13 entries.
fn l2_entries_v1(bits: u8, findings: &mut Findings) -> Option<u64> {
    if (6..=13).contains(&bits) {
        return 1_u64.checked_shl(bits.into());
    }
    let text = format!("L2 tables of 2^{bits} entries cannot be");
    findings.damage(Anomaly::at(code::L2_SIZE_BAD, 33, text));
    None
}

/// The features of a header of version 3 that no other field tells.
fn features_of(cursor: &Cursor<'_>, findings: &mut Findings) -> Result<Vec<String>> {
    let unknown = cursor.u64_be(INCOMPATIBLE)? & !KNOWN_INCOMPATIBLE;
    if unknown != 0 {
        let text = format!("features {unknown:#x} are not known, and without them the image is not read rightly");
        findings.damage(Anomaly::at(code::FEATURES_UNKNOWN, 72, text));
    }
    let mut names = Vec::new();
    for (place, bit, name) in FEATURES {
        if cursor.u64_be(place)? & bit != 0 {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// The compression that the header names.
fn compression(cursor: &Cursor<'_>) -> String {
    match cursor.u8(COMPRESSION) {
        Ok(0) => "zlib".to_owned(),
        Ok(1) => "zstd".to_owned(),
        Ok(other) => other.to_string(),
        Err(_) => "unknown".to_owned(),
    }
}

/// Clusters have 512 bytes to 2 MiB.
fn cluster_bytes(bits: u32, place: u64, findings: &mut Findings) -> Option<u64> {
    if (9..=21).contains(&bits) {
        return 1_u64.checked_shl(bits);
    }
    let text = format!("clusters of 2^{bits} bytes cannot be");
    findings.damage(Anomaly::at(code::CLUSTER_SIZE_BAD, place, text));
    None
}

fn note_outside(name: &str, (offset, bytes): (u64, u64), length: u64, place: u64, findings: &mut Findings) {
    let end = offset.saturating_add(bytes);
    if end > length {
        let text = format!("the {name} ends at {end:#x}, the file at {length:#x}: truncated");
        findings.damage(Anomaly::at(code::TABLE_BEYOND_END, place, text));
    }
}

/// The name of the backing file; `None` for none, and, noted, where it cannot be read.
fn backing_file(
    source: &(impl ReadAt + ?Sized),
    (offset, bytes): (u64, u32),
    findings: &mut Findings,
) -> Result<Option<EncodedText>> {
    const NAME: &str = "qcow2 backing file name";
    if offset == 0 {
        return Ok(None);
    }
    let bytes = u64::from(bytes);
    let name = if bytes > NAME_MAX_BYTES {
        Err(ParseError::OutOfBounds {
            what: NAME,
            offset: 16,
            value: bytes,
            limit: NAME_MAX_BYTES,
        })
    } else {
        source.exact(NAME, offset, bytes)
    };
    let name = findings.tolerate(code::BACKING_NAME_BAD, name)?;
    Ok(name.map(|name| text(&name)).filter(|name| !name.is_blank()))
}

fn text(bytes: &[u8]) -> EncodedText {
    EncodedText::decoded(String::from_utf8_lossy(bytes), bytes)
}

/// What the extensions of the header say.
#[derive(Debug, Default)]
struct Extensions {
    backing_format: Option<String>,
    data_file: Option<EncodedText>,
}

impl Extensions {
    /// Type, length, and content padded to eight bytes, one behind the other, inside the first cluster.
    fn read(head: &Cursor<'_>, start: u64, cluster: Option<u64>, findings: &mut Findings) -> Self {
        let mut found = Self::default();
        let end = usize::try_from(cluster.unwrap_or(u64::MAX))
            .unwrap_or(usize::MAX)
            .min(head.len());
        let mut place = usize::try_from(start).unwrap_or(usize::MAX);
        while place.saturating_add(8) <= end {
            let entry = (head.u32_be(place), head.u32_be(place.saturating_add(4)));
            let (Ok(kind), Ok(length)) = entry else { break };
            if kind == EXTENSION_END {
                break;
            }
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let content = head.slice(place.saturating_add(8), length);
            let Ok(content) = content else {
                let text = format!("extension {kind:#010x} of {length} bytes does not fit into the first cluster");
                findings.note(Anomaly::at(code::EXTENSION_BAD, head.position(place), text));
                break;
            };
            match kind {
                EXTENSION_BACKING_FORMAT => found.backing_format = Some(String::from_utf8_lossy(content).into_owned()),
                EXTENSION_DATA_FILE => found.data_file = Some(text(content)),
                _ => {}
            }
            let padded = length.checked_next_multiple_of(8).unwrap_or(usize::MAX);
            place = place.saturating_add(8).saturating_add(padded);
        }
        found
    }
}

/// The list of snapshots. What cannot be read of it is damage: a snapshot may be missing.
fn snapshots(
    source: &(impl ReadAt + ?Sized),
    (offset, count): (u64, u32),
    limits: &Limits,
    findings: &mut Findings,
) -> Result<Vec<Snapshot>> {
    const TABLE: &str = "qcow2 snapshot table";
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count == 0 {
        return Ok(Vec::new());
    }
    let bytes = source.up_to(TABLE, offset, SNAPSHOTS_MAX_BYTES.min(limits.table_bytes))?;
    let table = Cursor::new(TABLE, offset, &bytes);
    let mut snapshots = Vec::new();
    let mut place = 0;
    for _ in 0..count.min(SNAPSHOTS_MAX_COUNT) {
        let snapshot = Snapshot::parse(&table, place);
        let Some((snapshot, next)) = findings.tolerate(code::SNAPSHOTS_BAD, snapshot)? else {
            return Ok(snapshots);
        };
        snapshots.push(snapshot);
        place = next;
    }
    if count > SNAPSHOTS_MAX_COUNT {
        let text = format!("{count} snapshots, more than an image can have");
        findings.damage(Anomaly::at(code::SNAPSHOTS_BAD, 60, text));
    }
    Ok(snapshots)
}

impl Snapshot {
    /// The snapshot at a place of the table, and where the next one stands.
    fn parse(table: &Cursor<'_>, place: usize) -> Result<(Self, usize)> {
        let fixed = table.part("qcow2 snapshot", place, SNAPSHOT_BYTES)?;
        let (id, name) = (usize::from(fixed.u16_be(12)?), usize::from(fixed.u16_be(14)?));
        if id == 0 {
            // The list lies in a hole: each entry of zeros would be one more snapshot of nothing.
            return Err(ParseError::Malformed {
                what: "qcow2 snapshot",
                offset: fixed.base(),
                detail: "it has no id".to_owned(),
            });
        }
        let extra = usize::try_from(fixed.u32_be(36)?).unwrap_or(usize::MAX);
        let extra_at = place.saturating_add(SNAPSHOT_BYTES);
        let id_at = extra_at.saturating_add(extra);
        let name_at = id_at.saturating_add(id);
        let end = name_at.saturating_add(name);
        let state_bytes = if extra >= 8 {
            table.u64_be(extra_at)?
        } else {
            fixed.u32_be(32)?.into()
        };
        let seconds = i64::from(fixed.u32_be(16)?);
        let nanoseconds = i32::try_from(fixed.u32_be(20)?).unwrap_or_default();
        let snapshot = Self {
            id: text(table.slice(id_at, id)?),
            name: text(table.slice(name_at, name)?),
            created: Timestamp::new(seconds, nanoseconds).ok().filter(|_| seconds != 0),
            state_bytes,
        };
        Ok((snapshot, end.checked_next_multiple_of(8).unwrap_or(usize::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::foreign::qcow2_image;

    #[test]
    fn features_and_compression_are_told_and_unknown_ones_are_damage() {
        let image = qcow2_image(1 << 20, "", &[]);
        let with = |changes: &[(usize, u8)]| {
            let mut image = image.clone();
            for (place, value) in changes {
                image[*place] = *value;
            }
            read(&image, &Limits::default()).unwrap()
        };
        let plain = with(&[]);
        assert_eq!((plain.features.len(), plain.compression, plain.damage), (0, None, None));
        let all = with(&[(79, 1 << 4), (87, 1), (95, 3)]);
        assert_eq!(
            all.features,
            ["extended-l2", "lazy-refcounts", "bitmaps", "raw-external-data"]
        );
        assert_eq!(all.damage, None);
        let packed = with(&[(79, 1 << 3), (103, 112), (104, 1)]);
        assert_eq!(packed.compression.as_deref(), Some("zstd"));
        let unknown = with(&[(78, 1)]);
        assert_eq!(unknown.damage.unwrap().code, code::FEATURES_UNKNOWN);
    }
}
