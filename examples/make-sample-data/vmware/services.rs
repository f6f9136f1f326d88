//! What belongs to no VM: First Class Disks, a content library, media, files of the datastores and of vSphere HA.

use derelict_parsers::testkit::{
    guid,
    vmware::{DescriptorBuilder, stream_optimized, uuid_text},
};
use uuid::Uuid;

use super::{disk::Disk, machine::on_host};
use crate::tree::{Tree, data, time};

/// A First Class Disk that vCenter lists.
pub(crate) struct FirstClassDisk {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name.
    pub(crate) name: &'static str,
    /// The disk.
    pub(crate) disk: Disk,
}

/// Writes them; returns the First Class Disks that vCenter lists.
pub(crate) fn add(tree: &mut Tree) -> Vec<FirstClassDisk> {
    system_files(tree);
    media(tree);
    content_library(tree);
    first_class_disks(tree)
}

/// One that vCenter knows, and one that it has lost.
fn first_class_disks(tree: &mut Tree) -> Vec<FirstClassDisk> {
    let listed = first_class_disk(tree, 301, "2026-10-30T11:00:00Z");
    first_class_disk(tree, 302, "2026-04-09T15:30:00Z");
    vec![FirstClassDisk {
        id: guid(301, 9),
        name: "pvc-6c0d7d5e-2b1f-4f6a-9c53-0d1f5a3e8b11",
        disk: listed,
    }]
}

fn first_class_disk(tree: &mut Tree, number: u64, modified: &str) -> Disk {
    let stem = guid(number, 8).simple().to_string();
    let disk = Disk::new("vmfs01/fcd", &stem, 64);
    let descriptor = disk.descriptor().ddb("fcd.uuid", &uuid_text(guid(number, 9)));
    disk.write_with(tree, descriptor, 24, time(modified));
    disk
}

fn content_library(tree: &mut Tree) {
    let item = format!("nfs01/contentlib-{}/{}", guid(310, 1), guid(310, 2));
    let file = format!("ubuntu-24.04_{}", guid(310, 3));
    let disk = format!("{file}-disk1.vmdk");
    let descriptor = DescriptorBuilder::embedded("streamOptimized", &disk, 16384, 0x5A11_0001).build();
    let modified = time("2026-05-20T13:00:00Z");
    tree.file(&format!("{item}/{file}.ovf"), ovf(&disk), modified);
    tree.file(
        &format!("{item}/{disk}"),
        stream_optimized(16384, &descriptor),
        modified,
    );
}

fn ovf(disk: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Envelope xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\">\n  \
         <References>\n    <File ovf:href=\"{disk}\" ovf:id=\"file1\" \
         xmlns:ovf=\"http://schemas.dmtf.org/ovf/envelope/1\"/>\n  </References>\n</Envelope>\n"
    )
}

/// An image that two VMs have in their drives, and one that nobody has.
fn media(tree: &mut Tree) {
    let shared = "nfs01/iso/ubuntu-24.04-live-server-amd64.iso";
    tree.file(shared, iso("UBUNTU_24_04"), time("2026-04-25T09:00:00Z"));
    tree.file(
        "nfs01/iso/Treiber 2019.iso",
        iso("TREIBER_2019"),
        time("2019-11-04T14:00:00Z"),
    );
}

/// The volume descriptor of an image of 64 KiB.
fn iso(label: &str) -> Vec<u8> {
    let mut image = vec![0; 0x8000];
    image.extend(b"\x01CD001\x01\x00");
    image.extend(format!("{:<32}{label:<32}", "LINUX").bytes());
    image.resize(0x10000, 0);
    image
}

fn system_files(tree: &mut Tree) {
    let made = time("2023-10-20T12:00:00Z");
    for datastore in ["vmfs01", "vmfs02"] {
        for name in [".fbb.sf", ".fdc.sf", ".pb2.sf", ".pbc.sf", ".sbc.sf", ".vh.sf"] {
            tree.file(&format!("{datastore}/{name}"), data("", 64, 0), made);
        }
    }
    tree.file("vmfs01/.sdd.sf/ddb.dat", data("ddb", 4, 1), made);
    tree.file("vmfs02/.iormstats.sf", data("", 4, 0), made);
    let ha = "vmfs01/.vSphere-HA/FDM-8C1D4E42-0F3B-4B57-9C7A-3A0C4C8E5D11-512-7a1d2c3-vcsa01";
    let protected = ["vmfs01/db01/db01.vmx", "vmfs01/sap01/sap01.vmx"].map(|path| on_host(path) + "\n");
    let now = time("2026-11-01T05:59:10Z");
    tree.file(&format!("{ha}/protectedlist"), protected.concat(), now);
    tree.file(&format!("{ha}/host-11-hb"), data("", 4, 0), now);
    tree.file(
        &format!("{ha}/host-11-poweron"),
        format!("0\n{}", protected.concat()),
        now,
    );
}
