//! What lies beside VMs on their storage and must be told apart: images of other products, packages, CD and floppy
//! images, raw disks, registry hives.
//!
//! The bytes decide, whatever the file is called. That a file is one of these says nothing of whose it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Anomaly, Limits, ReadAt, Result,
    fat::{self, FatVolume},
    iso::{self, Iso},
    ova::{self, Ova},
    ovf::{Manifest, Ovf},
    partitions::{self, PartitionTable},
    pvs::DiskProperties,
    qcow2::{self, Qcow2},
    regf::{self, HiveFacts},
    vdi::{self, Vdi},
};

/// How much of the beginning is looked at: the volume descriptors of a CD stand at 32 KiB.
const HEAD_BYTES: u64 = 33 << 10;

/// A file of another kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "format", rename_all = "kebab-case")]
pub enum Foreign {
    /// A disk image of QEMU.
    Qcow2(Box<Qcow2>),
    /// A disk image of VirtualBox.
    Vdi(Box<Vdi>),
    /// A CD or DVD image.
    Iso(Box<Iso>),
    /// An OVA package, or another tar archive.
    Ova(Box<Ova>),
    /// An OVF descriptor.
    Ovf(Box<Ovf>),
    /// The manifest of an OVF package.
    OvfManifest(Box<Manifest>),
    /// Properties or versions of a Citrix vDisk.
    PvsDisk(Box<DiskProperties>),
    /// A registry hive: the database of a failover cluster, or another.
    #[serde(rename = "regf")]
    Hive(Box<HiveFacts>),
    /// The raw image of a disk with a partition table; a flat extent as well.
    Partitions(Box<PartitionTable>),
    /// A FAT file system without a partition table: a floppy image.
    Fat(Box<FatVolume>),
}

impl Foreign {
    /// What is odd about it.
    pub fn anomalies(&self) -> &[Anomaly] {
        match self {
            Self::Qcow2(image) => &image.anomalies,
            Self::Vdi(image) => &image.anomalies,
            Self::Iso(image) => &image.anomalies,
            Self::Ova(package) => &package.anomalies,
            Self::Ovf(descriptor) => &descriptor.anomalies,
            Self::OvfManifest(manifest) => &manifest.anomalies,
            Self::PvsDisk(_) => &[],
            Self::Hive(hive) => &hive.anomalies,
            Self::Partitions(table) => &table.anomalies,
            Self::Fat(volume) => &volume.anomalies,
        }
    }
}

/// Reads what a file is; `None` where it is none of these.
///
/// # Errors
/// Those of the reader whose signature the file has; `Io`.
pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Option<Foreign>> {
    let head = source.up_to("file", 0, HEAD_BYTES)?;
    // A hybrid image is a CD with a partition table: what it says of itself as a CD tells more.
    if iso::has_signature(&head) {
        return iso::read(source).map(|image| Some(Foreign::Iso(Box::new(image))));
    }
    if qcow2::has_signature(&head) {
        return qcow2::read(source, limits).map(|image| Some(Foreign::Qcow2(Box::new(image))));
    }
    if vdi::has_signature(&head) {
        return vdi::read(source).map(|image| Some(Foreign::Vdi(Box::new(image))));
    }
    if head.starts_with(regf::SIGNATURE) {
        return HiveFacts::read(source, limits).map(|hive| Some(Foreign::Hive(Box::new(hive))));
    }
    if ova::has_signature(&head) {
        return ova::read(source, limits).map(|package| Some(Foreign::Ova(Box::new(package))));
    }
    if Manifest::is_manifest(&head) {
        return Manifest::read(source, limits).map(|manifest| Some(Foreign::OvfManifest(Box::new(manifest))));
    }
    if let Some(found) = xml(&head, source, limits)? {
        return Ok(Some(found));
    }
    if let Some(volume) = fat::read(source)? {
        return Ok(Some(Foreign::Fat(Box::new(volume))));
    }
    Ok(partitions::read(source)?.map(|table| Foreign::Partitions(Box::new(table))))
}

/// XML that is an OVF descriptor or speaks of a vDisk. The root of the latter is not known for certain, so its words are
/// looked for.
fn xml(head: &[u8], source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Option<Foreign>> {
    let plain: Vec<u8> = head.iter().filter(|byte| **byte != 0).copied().collect();
    let begins = plain.iter().find(|byte| byte.is_ascii() && !byte.is_ascii_whitespace());
    if begins != Some(&b'<') {
        return Ok(None);
    }
    let has = |word: &[u8]| {
        plain
            .windows(word.len())
            .any(|window| window.eq_ignore_ascii_case(word))
    };
    if has(b"<Envelope") || has(b":Envelope") {
        return Ovf::read(source, limits).map(|descriptor| Some(Foreign::Ovf(Box::new(descriptor))));
    }
    if has(b"versionManifest") || has(b"diskFileName") || has(b"writeCacheType") {
        return DiskProperties::read(source, limits).map(|disk| Some(Foreign::PvsDisk(Box::new(disk))));
    }
    Ok(None)
}
