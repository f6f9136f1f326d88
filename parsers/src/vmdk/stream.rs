//! The markers of a streamOptimized file: what its writer put one after the other (technical note *Virtual Disk Format
//! 5.0*, *Stream-Optimized Compressed Sparse Extents*).
//!
//! Before each grain and each structure stands a marker that says how long it is, so that a stream can be read from
//! front to end, also when it was cut off before its directory. One sector is read for each marker, the grains are not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Anomaly, ParseError, ReadAt, Result, bytes::Cursor};

use super::{SECTOR_BYTES, SparseExtent, sectors_to_bytes};

/// Name of the structure in errors.
const WHAT: &str = "VMDK stream marker";
/// Bytes of a grain's marker before its data: the sector on the disk and the length.
pub(super) const GRAIN_HEADER_BYTES: u64 = 12;

/// One marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Marker {
    /// Where it stands, in bytes from the start of the file.
    pub offset: u64,
    /// What follows it.
    pub content: MarkerContent,
}

/// What follows a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "marker", rename_all = "kebab-case")]
pub enum MarkerContent {
    /// A compressed grain.
    Grain {
        /// Where the grain lies on the disk, in sectors.
        disk_sector: u64,
        /// Length of the compressed data in bytes.
        compressed_bytes: u32,
    },
    /// Nothing: the end of the stream.
    EndOfStream,
    /// A grain table.
    GrainTable {
        /// Its size in sectors.
        sectors: u64,
    },
    /// The grain directory.
    GrainDirectory {
        /// Its size in sectors.
        sectors: u64,
    },
    /// The footer.
    Footer {
        /// Its size in sectors.
        sectors: u64,
    },
    /// A kind that is not known (4 is a sign of progress, dissect).
    Other {
        /// The kind as written.
        kind: u32,
        /// Its size in sectors.
        sectors: u64,
    },
}

/// What the markers of a stream say together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Stream {
    /// Grains with data.
    pub grains: u64,
    /// Bytes that their compressed data take.
    pub compressed_bytes: u64,
    /// Grain tables.
    pub grain_tables: u64,
    /// A footer was met.
    pub has_footer: bool,
    /// The marker of the end was met. Streams of qemu have none.
    pub has_end: bool,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

/// Walks the markers of a stream, from behind the header's overhead on.
#[derive(Debug)]
pub struct Markers<'a, S: ?Sized> {
    source: &'a S,
    /// Where the next marker stands; `None` at the end.
    next: Option<u64>,
}

impl<'a, S: ReadAt + ?Sized> Markers<'a, S> {
    /// The markers of a stream that was read from `source`.
    pub fn new(source: &'a S, extent: &SparseExtent) -> Self {
        Self {
            source,
            next: sectors_to_bytes(extent.header.overhead_sectors).map(|first| first.max(SECTOR_BYTES)),
        }
    }

    fn read(&mut self, offset: u64) -> Result<Marker> {
        let bytes = self.source.exact(WHAT, offset, SECTOR_BYTES.min(self.rest(offset)))?;
        let cursor = Cursor::new(WHAT, offset, &bytes);
        let (value, size) = (cursor.u64_le(0)?, cursor.u32_le(8)?);
        let (content, bytes) = if size > 0 {
            let content = MarkerContent::Grain {
                disk_sector: value,
                compressed_bytes: size,
            };
            (content, GRAIN_HEADER_BYTES.checked_add(u64::from(size)))
        } else {
            let content = MarkerContent::metadata(cursor.u32_le(12)?, value);
            (content, value.checked_add(1).and_then(sectors_to_bytes))
        };
        let end = bytes
            .and_then(|bytes| offset.checked_add(bytes))
            .filter(|end| *end <= self.source.len())
            .ok_or(ParseError::Truncated {
                what: WHAT,
                offset,
                need: bytes.unwrap_or(u64::MAX),
                have: self.rest(offset),
            })?;
        self.next = match content {
            MarkerContent::EndOfStream => None,
            _ => end.checked_next_multiple_of(SECTOR_BYTES),
        };
        Ok(Marker { offset, content })
    }

    fn rest(&self, offset: u64) -> u64 {
        self.source.len().saturating_sub(offset)
    }
}

impl<S: ReadAt + ?Sized> Iterator for Markers<'_, S> {
    type Item = Result<Marker>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.next.take().filter(|offset| *offset < self.source.len())?;
        Some(self.read(offset))
    }
}

impl MarkerContent {
    fn metadata(kind: u32, sectors: u64) -> Self {
        match kind {
            0 => Self::EndOfStream,
            1 => Self::GrainTable { sectors },
            2 => Self::GrainDirectory { sectors },
            3 => Self::Footer { sectors },
            kind => Self::Other { kind, sectors },
        }
    }
}

/// Walks all markers of a stream: one read of a sector for each grain.
///
/// # Errors
/// `Io`. A stream that is cut off is an anomaly.
pub fn walk(source: &(impl ReadAt + ?Sized), extent: &SparseExtent) -> Result<Stream> {
    let mut stream = Stream::default();
    for marker in Markers::new(source, extent) {
        match marker {
            Ok(marker) => stream.take(&marker),
            Err(error) if error.is_io() => return Err(error),
            Err(error) => stream.anomalies.push(Anomaly {
                code: "stream-cut-off".to_owned(),
                offset: error.offset(),
                text: error.to_string(),
            }),
        }
    }
    Ok(stream)
}

impl Stream {
    fn take(&mut self, marker: &Marker) {
        match marker.content {
            MarkerContent::Grain { compressed_bytes, .. } => {
                self.grains = self.grains.saturating_add(1);
                self.compressed_bytes = self.compressed_bytes.saturating_add(u64::from(compressed_bytes));
            }
            MarkerContent::EndOfStream => self.has_end = true,
            MarkerContent::GrainTable { .. } => self.grain_tables = self.grain_tables.saturating_add(1),
            MarkerContent::Footer { .. } => self.has_footer = true,
            MarkerContent::GrainDirectory { .. } | MarkerContent::Other { .. } => {}
        }
    }
}
