//! One disk: its descriptor and extent, and the links of its snapshots.

use derelict_parsers::testkit::{
    guid,
    vmware::{DescriptorBuilder, change_tracking, cowd, sesparse},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    Maker,
    datastores::{named_from, on_host},
    known::Machine,
    writer::Writer,
};
use crate::{
    place::afterwards,
    site::{Content, Truth, zeros},
};

/// Sectors of the disks that are made here: 1 MiB.
pub(super) const SECTORS: u64 = 2048;

/// A disk of a VM to be made.
#[derive(Clone)]
pub(super) struct DiskPlan {
    pub(super) folder: String,
    pub(super) stem: String,
    pub(super) raw: bool,
    pub(super) independent: bool,
    pub(super) tracked: bool,
}

/// A disk with its links, from the base to the leaf.
pub(super) struct Chain {
    pub(super) links: Vec<Link>,
}

#[derive(Clone)]
pub(super) struct Link {
    pub(super) path: String,
    pub(super) cid: u32,
    pub(super) files: Vec<(String, &'static str)>,
}

impl Chain {
    pub(super) fn leaf(&self) -> &Link {
        &self.links[self.links.len() - 1]
    }
}

impl Writer<'_> {
    /// A disk with its snapshot links. The links from `visible` on are not known to vCenter.
    #[expect(clippy::too_many_arguments, reason = "each says one thing of the disk")]
    pub(super) fn chain(
        &mut self,
        machine: &Machine,
        disk: &DiskPlan,
        parent: Option<&Link>,
        links: usize,
        visible: usize,
        is_sesparse: bool,
        leaf_time: Timestamp,
    ) -> Chain {
        let own_id = cid(&format!("{}/{}", disk.folder, disk.stem));
        let path = format!("{}/{}.vmdk", disk.folder, disk.stem);
        let base_time = if links == 0 { leaf_time } else { self.made };
        let (descriptor, extent, content): (DescriptorBuilder, String, Content) = match parent {
            Some(parent) => (
                DescriptorBuilder::cowd_link(&disk.stem, SECTORS, own_id, &on_host(&parent.path), parent.cid),
                format!("{}/{}-delta.vmdk", disk.folder, disk.stem),
                cowd(2048).into(),
            ),
            None if disk.raw => (
                DescriptorBuilder::rdm(&disk.stem, SECTORS, own_id),
                format!("{}/{}-rdm.vmdk", disk.folder, disk.stem),
                zeros(SECTORS * 512),
            ),
            None => (
                DescriptorBuilder::vmfs(&disk.stem, SECTORS, own_id, guid(u64::from(own_id), 3)),
                format!("{}/{}-flat.vmdk", disk.folder, disk.stem),
                zeros(SECTORS * 512),
            ),
        };
        let descriptor = if disk.tracked {
            let name = format!("{}-ctk.vmdk", disk.stem);
            self.put(&format!("{}/{name}", disk.folder), change_tracking(1024), base_time);
            descriptor.change_tracking(&name)
        } else {
            descriptor
        };
        self.put(&path, descriptor.build(), self.made);
        self.put(&extent, content, base_time);
        let base = Link {
            files: vec![(path.clone(), "diskDescriptor"), (extent, "diskExtent")],
            path,
            cid: own_id,
        };
        self.listed.extend(base.files.iter().cloned());
        let mut chain = Chain { links: vec![base] };
        for number in 1..=links {
            let time = match () {
                () if number > visible => afterwards(),
                () if number == links => leaf_time,
                () => self.made + SignedDuration::from_hours(24 * i64::try_from(number).unwrap_or_default()),
            };
            let link = self.link(machine, disk, chain.leaf().clone(), number, is_sesparse, time);
            if number <= visible {
                self.listed.extend(link.files.iter().cloned());
            }
            chain.links.push(link);
        }
        chain
    }

    pub(super) fn link(
        &mut self,
        machine: &Machine,
        disk: &DiskPlan,
        parent: Link,
        number: usize,
        is_sesparse: bool,
        time: Timestamp,
    ) -> Link {
        let folder = if machine.working == machine.folder {
            disk.folder.clone()
        } else {
            machine.working.clone()
        };
        let stem = format!("{}-{number:06}", disk.stem);
        let path = format!("{folder}/{stem}.vmdk");
        let own_id = cid(&path);
        let hint = named_from(&folder, &parent.path);
        let (descriptor, suffix, extent) = if is_sesparse {
            (
                DescriptorBuilder::sesparse_link(&stem, SECTORS, own_id, &hint, parent.cid),
                "sesparse",
                sesparse(SECTORS, false),
            )
        } else {
            (
                DescriptorBuilder::cowd_link(&stem, SECTORS, own_id, &hint, parent.cid),
                "delta",
                cowd(2048),
            )
        };
        let extent_path = format!("{folder}/{stem}-{suffix}.vmdk");
        self.put(&path, descriptor.build(), time);
        self.put(&extent_path, extent, time);
        Link {
            files: vec![(path.clone(), "diskDescriptor"), (extent_path, "diskExtent")],
            path,
            cid: own_id,
        }
    }
}

impl Maker {
    /// A loose disk at a place. Gives its files.
    pub(super) fn disk(
        &mut self,
        folder: &str,
        stem: &str,
        made: Timestamp,
        truth: &Truth,
        more: &[(&str, &str)],
    ) -> [String; 2] {
        let own_id = cid(&format!("{folder}/{stem}"));
        let mut descriptor = DescriptorBuilder::vmfs(stem, SECTORS, own_id, guid(u64::from(own_id), 3));
        for (key, value) in more {
            descriptor = descriptor.ddb(key, value);
        }
        let paths = [format!("{folder}/{stem}.vmdk"), format!("{folder}/{stem}-flat.vmdk")];
        self.site.put(&paths[0], descriptor.build(), made, truth);
        self.site.put(&paths[1], zeros(SECTORS * 512), made, truth);
        paths
    }
}

/// Content id of the disk at a place.
pub(super) fn cid(path: &str) -> u32 {
    path.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    }) & 0x7fff_ffff
}
