//! Disks of the VMware site: descriptors with their extents and change tracking files.

use derelict_parsers::testkit::{
    guid,
    vmware::{DescriptorBuilder, change_tracking, cowd, sesparse, uuid_text},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::tree::{Tree, data};

/// A file of a VM as vCenter lists it: path in the site, type.
pub(crate) type Listed = (String, &'static str);

/// A disk or one link of its chain.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    /// Folder in the site, beginning with the datastore.
    pub(crate) folder: String,
    /// Name of the descriptor without its extension.
    pub(crate) stem: String,
    /// Size that the guest sees, in KiB.
    pub(crate) kib: usize,
    /// Content id.
    pub(crate) cid: u32,
    /// Id of the disk.
    pub(crate) uuid: Uuid,
}

impl Disk {
    /// A base disk. Its ids follow from its place.
    pub(crate) fn new(folder: &str, stem: &str, kib: usize) -> Self {
        let seed = format!("{folder}/{stem}")
            .bytes()
            .fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let uuid = guid(seed, 0);
        Self {
            folder: folder.to_owned(),
            stem: stem.to_owned(),
            kib,
            cid: uuid.as_fields().0,
            uuid,
        }
    }

    /// The descriptor's path in the site.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}.vmdk", self.folder, self.stem)
    }

    /// Sectors of 512 bytes.
    pub(crate) fn sectors(&self) -> u64 {
        u64::try_from(self.kib).unwrap_or_default() * 2
    }

    /// The descriptor of a flat disk.
    pub(crate) fn descriptor(&self) -> DescriptorBuilder {
        DescriptorBuilder::vmfs(&self.stem, self.sectors(), self.cid, self.uuid)
    }

    /// Writes a flat disk whose first `used_kib` hold data.
    pub(crate) fn write(&self, tree: &mut Tree, used_kib: usize, modified: Timestamp) -> Vec<Listed> {
        self.write_with(tree, self.descriptor(), used_kib, modified)
    }

    /// Writes a flat disk with another descriptor.
    pub(crate) fn write_with(
        &self,
        tree: &mut Tree,
        descriptor: DescriptorBuilder,
        used_kib: usize,
        modified: Timestamp,
    ) -> Vec<Listed> {
        let flat = format!("{}/{}-flat.vmdk", self.folder, self.stem);
        tree.file(&self.path(), descriptor.build(), modified);
        tree.file(&flat, data(&self.stem, self.kib, used_kib), modified);
        vec![(self.path(), "diskDescriptor"), (flat, "diskExtent")]
    }

    /// Writes a flat disk with change tracking, which vCenter does not list.
    pub(crate) fn write_tracked(&self, tree: &mut Tree, used_kib: usize, modified: Timestamp) -> Vec<Listed> {
        let name = format!("{}-ctk.vmdk", self.stem);
        tree.file(&format!("{}/{name}", self.folder), change_tracking(2048), modified);
        self.write_with(tree, self.descriptor().change_tracking(&name), used_kib, modified)
    }

    /// Writes a delta of VMFS-5 or NFS on this disk. `hint` says where this disk lies.
    pub(crate) fn write_cowd(
        &self,
        tree: &mut Tree,
        stem: &str,
        hint: &str,
        modified: Timestamp,
    ) -> (Self, Vec<Listed>) {
        let child = self.child(stem);
        let descriptor = DescriptorBuilder::cowd_link(stem, self.sectors(), child.cid, hint, self.cid);
        let extent = cowd(u32::try_from(self.sectors()).unwrap_or(u32::MAX));
        let listed = child.write_delta(tree, descriptor, "delta", extent, modified);
        (child, listed)
    }

    /// Writes a delta of VMFS-6 on this disk.
    pub(crate) fn write_sesparse(
        &self,
        tree: &mut Tree,
        (folder, stem): (&str, &str),
        hint: &str,
        modified: Timestamp,
    ) -> (Self, Vec<Listed>) {
        let child = Self {
            folder: folder.to_owned(),
            ..self.child(stem)
        };
        let descriptor = DescriptorBuilder::sesparse_link(stem, self.sectors(), child.cid, hint, self.cid)
            .ddb("uuid", &uuid_text(child.uuid));
        let extent = sesparse(self.sectors(), false);
        let listed = child.write_delta(tree, descriptor, "sesparse", extent, modified);
        (child, listed)
    }

    fn child(&self, stem: &str) -> Self {
        Self {
            uuid: self.uuid,
            ..Self::new(&self.folder, stem, self.kib)
        }
    }

    fn write_delta(
        &self,
        tree: &mut Tree,
        descriptor: DescriptorBuilder,
        suffix: &str,
        extent: Vec<u8>,
        modified: Timestamp,
    ) -> Vec<Listed> {
        let path = format!("{}/{}-{suffix}.vmdk", self.folder, self.stem);
        tree.file(&self.path(), descriptor.build(), modified);
        tree.file(&path, extent, modified);
        vec![(self.path(), "diskDescriptor"), (path, "diskExtent")]
    }
}
