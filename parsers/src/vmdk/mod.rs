//! VMDK: descriptors and extents.
//!
//! What a `.vmdk` is stands in its first bytes, never in its name: a text descriptor, a hosted sparse extent (KDMV,
//! with or without an embedded descriptor), a COWD or seSparse delta, a change tracking file, or neither: then it is a
//! flat extent, a raw device map or no VMDK at all. [`read`] reads headers and descriptor and checks them against the
//! length of the file; [`allocation`] walks the grain tables and [`stream`] the markers of a stream, where somebody asks.
//! No other file is opened.

pub mod allocation;
mod cowd;
mod ctk;
mod database;
mod descriptor;
mod extent;
mod facts;
mod sesparse;
mod sparse;
pub mod stream;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Anomaly, Limits, ParseError, ReadAt, Result, reference::FileReference, window::Window};

pub use cowd::CowdExtent;
pub use ctk::ChangeTracking;
pub use database::{DiskDatabase, FirstClassDisk, Geometry, VirtualBoxIds};
pub use descriptor::{Descriptor, DescriptorEntry, TORN};
pub use extent::{Access, Extent, ExtentKind};
pub use sesparse::{Area, SeSparseExtent, VolatileHeader};
pub use sparse::{SparseExtent, SparseHeader};

/// Bytes of a sector, the unit of every VMDK field.
pub const SECTOR_BYTES: u64 = 512;

/// How much of the beginning is read to tell what a file is. It holds the headers and the descriptors of usual files, so
/// that one read does for them. A file that is no VMDK structure is read no further.
const HEAD_BYTES: u64 = 64 << 10;

/// What a `.vmdk` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "format", rename_all = "kebab-case")]
pub enum Vmdk {
    /// A text descriptor.
    Descriptor(Box<Descriptor>),
    /// A hosted sparse extent.
    Sparse(Box<SparseExtent>),
    /// A vmfsSparse delta.
    Cowd(Box<CowdExtent>),
    /// A seSparse delta.
    #[serde(rename = "sesparse")]
    SeSparse(Box<SeSparseExtent>),
    /// A change tracking file.
    ChangeTracking(ChangeTracking),
    /// No known signature and no descriptor: a flat extent, a raw device map, or unknown content.
    Raw,
}

/// Reads what a `.vmdk` holds.
///
/// # Errors
/// `Truncated` for an empty file and for one that ends inside its header, `Unsupported` for versions of COWD and
/// seSparse that are not known, `LimitExceeded` for a text descriptor that is too large, `Io`.
pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Vmdk> {
    let source = &Window::ahead(source, "VMDK", 0, HEAD_BYTES)?;
    let head = source.bytes();
    if head.is_empty() {
        return Err(ParseError::Truncated {
            what: "VMDK",
            offset: 0,
            need: 1,
            have: 0,
        });
    }
    if head.starts_with(sparse::MAGIC) {
        sparse::read(source, limits).map(|extent| Vmdk::Sparse(Box::new(extent)))
    } else if head.starts_with(cowd::MAGIC) {
        cowd::read(source).map(|extent| Vmdk::Cowd(Box::new(extent)))
    } else if head.starts_with(sesparse::MAGIC) {
        sesparse::read(source).map(|extent| Vmdk::SeSparse(Box::new(extent)))
    } else if head.starts_with(ctk::MAGIC) {
        Ok(Vmdk::ChangeTracking(ChangeTracking::default()))
    } else if Descriptor::is_descriptor(head) {
        Descriptor::read(source, limits).map(|descriptor| Vmdk::Descriptor(Box::new(descriptor)))
    } else {
        Ok(Vmdk::Raw)
    }
}

impl Vmdk {
    /// The descriptor: the file itself, or the one embedded in a sparse extent.
    pub fn descriptor(&self) -> Option<&Descriptor> {
        match self {
            Self::Descriptor(descriptor) => Some(descriptor),
            Self::Sparse(extent) => extent.descriptor.as_ref(),
            _ => None,
        }
    }

    /// Size in bytes that the guest sees: of the disk for a descriptor or a monolithic file, of this extent otherwise.
    pub fn virtual_bytes(&self) -> Option<u64> {
        match self {
            Self::Descriptor(descriptor) => descriptor.virtual_bytes(),
            Self::Sparse(extent) => extent.virtual_bytes(),
            Self::Cowd(extent) => extent.virtual_bytes(),
            Self::SeSparse(extent) => extent.virtual_bytes(),
            Self::ChangeTracking(_) | Self::Raw => None,
        }
    }

    /// True when the extent was not closed: in use, or crashed.
    pub fn is_unclean(&self) -> bool {
        match self {
            Self::Sparse(extent) => extent.header.unclean_shutdown != 0,
            Self::Cowd(extent) => extent.unclean_shutdown != 0,
            Self::SeSparse(extent) => extent
                .volatile
                .as_ref()
                .is_some_and(|header| header.replay_journal != 0),
            _ => false,
        }
    }

    /// Every file that it names. The first extent of an embedded descriptor is the file itself, under a name that it may
    /// no longer have: it is left out, unless the header has no capacity and only carries the descriptor.
    pub fn references(&self) -> Vec<FileReference> {
        let mut references = match self {
            Self::Cowd(extent) => extent.references(),
            _ => self.descriptor().map(Descriptor::references).unwrap_or_default(),
        };
        if matches!(self, Self::Sparse(extent) if extent.effective_header().capacity_sectors != 0) {
            references.retain(|file| file.key != facts::FIRST_EXTENT);
        }
        references
    }

    /// What is odd about it, embedded descriptor included.
    pub fn anomalies(&self) -> Vec<Anomaly> {
        let own: &[Anomaly] = match self {
            Self::Descriptor(_) | Self::Raw => &[],
            Self::Sparse(extent) => &extent.anomalies,
            Self::Cowd(extent) => &extent.anomalies,
            Self::SeSparse(extent) => &extent.anomalies,
            Self::ChangeTracking(ctk) => &ctk.anomalies,
        };
        let embedded = self.descriptor().map(|descriptor| descriptor.anomalies.as_slice());
        own.iter().chain(embedded.unwrap_or_default()).cloned().collect()
    }
}

/// Sectors as bytes; `None` where that is more than 64 bits hold.
fn sectors_to_bytes(sectors: u64) -> Option<u64> {
    sectors.checked_mul(SECTOR_BYTES)
}

/// Notes a structure that does not lie inside the file, at the field that says where it lies.
fn note_if_outside(
    anomalies: &mut Vec<Anomaly>,
    (code, field): (&str, u64),
    what: &str,
    file_bytes: u64,
    offset_sectors: u64,
    size_bytes: Option<u64>,
) {
    let end = sectors_to_bytes(offset_sectors).and_then(|start| start.checked_add(size_bytes?));
    if end.is_none_or(|end| end > file_bytes) {
        anomalies.push(Anomaly::at(
            code,
            field,
            format!("{what} at sector {offset_sectors} does not fit into the file of {file_bytes} bytes"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_bytes(bytes: &[u8]) -> Result<Vmdk> {
        read(bytes, &Limits::default())
    }

    #[test]
    fn an_empty_file_is_truncated() {
        assert_eq!(
            read_bytes(b""),
            Err(ParseError::Truncated {
                what: "VMDK",
                offset: 0,
                need: 1,
                have: 0
            })
        );
    }

    #[test]
    fn bytes_without_signature_are_raw() {
        assert_eq!(read_bytes(&[0; 4096]), Ok(Vmdk::Raw));
        assert_eq!(read_bytes(b"KD"), Ok(Vmdk::Raw));
        assert_eq!(read_bytes(b"<html><body>404</body></html>"), Ok(Vmdk::Raw));
        assert_eq!(read_bytes(b"RW 16777216 SPARSE \"test1.vmdk\"\n"), Ok(Vmdk::Raw));
    }

    #[test]
    fn a_change_tracking_file_is_known_by_its_signature_alone() {
        assert_eq!(
            read_bytes(&[0xA2, 0x72, 0x19, 0xF6, 1, 0, 0, 0]),
            Ok(Vmdk::ChangeTracking(ChangeTracking::default()))
        );
    }
}
