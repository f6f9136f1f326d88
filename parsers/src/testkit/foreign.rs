//! Files that lie beside VMs: images of other products, packages, CD and floppy images, raw disks.

use super::{SparseFile, low_u32, sparse_file::length_of};
use crate::{qcow2, vdi};

/// A CD image with a label, an El Torito boot record and a Joliet descriptor, and nothing on it.
pub fn iso(label: &str, volume_bytes: u64) -> SparseFile {
    let mut file = SparseFile::new(volume_bytes);
    let mut primary = descriptor(1);
    fill(&mut primary[8..40], "LINUX");
    fill(&mut primary[40..72], label);
    let blocks = low_u32(volume_bytes / 2048);
    primary[80..84].copy_from_slice(&blocks.to_le_bytes());
    primary[84..88].copy_from_slice(&blocks.to_be_bytes());
    primary[128..132].copy_from_slice(&[0, 8, 8, 0]);
    fill(&mut primary[190..318], "");
    fill(&mut primary[318..446], "PUBLISHER");
    fill(&mut primary[446..574], "");
    fill(&mut primary[574..702], "TESTKIT");
    primary[813..829].copy_from_slice(b"2023021717030600");
    primary[829] = 4;
    primary[830..846].copy_from_slice(b"0000000000000000");
    let mut boot = descriptor(0);
    boot[7..30].copy_from_slice(b"EL TORITO SPECIFICATION");
    let mut joliet = descriptor(2);
    joliet[88..91].copy_from_slice(b"%/E");
    let wide: Vec<u8> = label.encode_utf16().flat_map(u16::to_be_bytes).take(32).collect();
    joliet[40..40 + wide.len()].copy_from_slice(&wide);
    for (sector, bytes) in (16..).zip([primary, boot, joliet, descriptor(255)]) {
        file.put(sector * 2048, bytes);
    }
    file
}

fn descriptor(kind: u8) -> Vec<u8> {
    let mut bytes = vec![0; 2048];
    bytes[0] = kind;
    bytes[1..7].copy_from_slice(b"CD001\x01");
    bytes
}

/// Puts text into a field that blanks fill.
fn fill(field: &mut [u8], text: &str) {
    field.fill(b' ');
    field[..text.len()].copy_from_slice(text.as_bytes());
}

/// A qcow2 image of version 3 with a backing file and internal snapshots, and no data.
pub fn qcow2_image(virtual_bytes: u64, backing: &str, snapshots: &[&str]) -> Vec<u8> {
    let mut file = vec![0; 0x5_0000];
    let mut put = |place: usize, bytes: &[u8]| file[place..place + bytes.len()].copy_from_slice(bytes);
    put(0, qcow2::SIGNATURE);
    put(4, &3_u32.to_be_bytes());
    put(20, &16_u32.to_be_bytes());
    put(24, &virtual_bytes.to_be_bytes());
    put(36, &1_u32.to_be_bytes());
    put(40, &0x3_0000_u64.to_be_bytes());
    put(48, &0x1_0000_u64.to_be_bytes());
    put(56, &1_u32.to_be_bytes());
    put(60, &low_u32(length_of_list(snapshots)).to_be_bytes());
    put(64, &0x4_0000_u64.to_be_bytes());
    put(96, &4_u32.to_be_bytes());
    put(100, &104_u32.to_be_bytes());
    put(104, &0xE279_2ACA_u32.to_be_bytes());
    put(108, &5_u32.to_be_bytes());
    put(112, b"qcow2");
    put(120, &0_u64.to_be_bytes());
    if !backing.is_empty() {
        put(8, &0x200_u64.to_be_bytes());
        put(16, &low_u32(length_of(backing.as_bytes())).to_be_bytes());
        put(0x200, backing.as_bytes());
    }
    let mut place = 0x4_0000;
    for (number, name) in (1_u32..).zip(snapshots) {
        let id = number.to_string();
        put(place + 12, &short(id.len()).to_be_bytes());
        put(place + 14, &short(name.len()).to_be_bytes());
        put(place + 16, &1_669_900_000_u32.to_be_bytes());
        put(place + 36, &16_u32.to_be_bytes());
        put(place + 40, &0x1234_u64.to_be_bytes());
        put(place + 56, id.as_bytes());
        put(place + 56 + id.len(), name.as_bytes());
        place += (56 + id.len() + name.len()).next_multiple_of(8);
    }
    file
}

/// A qcow2 image of 64 MiB with these entries in its one L2 table, in a file of 512 KiB with clusters of 64 KiB. The table
/// stands at 256 KiB and space for data behind it.
pub fn qcow2_with_entries(entries: &[u64]) -> Vec<u8> {
    let mut file = qcow2_image(64 << 20, "", &[]);
    file.resize(0x8_0000, 0);
    file[0x3_0000..0x3_0008].copy_from_slice(&(1 << 63 | 0x4_0000_u64).to_be_bytes());
    for (place, entry) in (0x4_0000..).step_by(8).zip(entries) {
        file[place..place + 8].copy_from_slice(&entry.to_be_bytes());
    }
    file
}

fn length_of_list<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// A differencing VDI without a block in it.
pub fn vdi_image(virtual_bytes: u64, uuid: uuid::Uuid, parent: uuid::Uuid) -> Vec<u8> {
    let blocks = low_u32(virtual_bytes.div_ceil(1 << 20));
    let mut file = vec![0; 0x400];
    file.resize(0x400 + usize::try_from(blocks).unwrap_or_default() * 4, 0xFF);
    let mut put = |place: usize, bytes: &[u8]| file[place..place + bytes.len()].copy_from_slice(bytes);
    put(0, b"<<< Oracle VM VirtualBox Disk Image >>>\n");
    put(64, &vdi::SIGNATURE);
    put(68, &0x0001_0001_u32.to_le_bytes());
    put(72, &400_u32.to_le_bytes());
    put(76, &4_u32.to_le_bytes());
    put(340, &0x400_u32.to_le_bytes());
    put(344, &0x400_u32.to_le_bytes());
    put(360, &512_u32.to_le_bytes());
    put(368, &virtual_bytes.to_le_bytes());
    put(376, &(1_u32 << 20).to_le_bytes());
    put(384, &blocks.to_le_bytes());
    put(392, &uuid.to_bytes_le());
    put(424, &parent.to_bytes_le());
    file
}

/// A VDI with this map, as long as its first `present` blocks of 1 MiB ask for.
pub fn vdi_with_map(map: &[u32], present: u32) -> SparseFile {
    let size = length_of_list(map) << 20;
    let mut head = vdi_image(size, uuid::Uuid::from_u128(1), uuid::Uuid::nil());
    let data = low_u32(length_of(&head)).next_multiple_of(512);
    for (place, entry) in (0x400..).step_by(4).zip(map) {
        head[place..place + 4].copy_from_slice(&entry.to_le_bytes());
    }
    head[76..80].copy_from_slice(&1_u32.to_le_bytes());
    head[344..348].copy_from_slice(&data.to_le_bytes());
    head[388..392].copy_from_slice(&present.to_le_bytes());
    let mut file = SparseFile::new(u64::from(data) + (u64::from(present) << 20));
    file.put(0, head);
    file
}

/// A raw disk of 8 MiB with an MBR: one primary and two logical partitions.
pub fn mbr_disk() -> SparseFile {
    let mut file = SparseFile::new(8 << 20);
    let mut first = record(&[(0x80, 0x07, 2048, 4096), (0, 0x05, 8192, 8192)]);
    first[440..444].copy_from_slice(&0x1234_5678_u32.to_le_bytes());
    file.put(0, first);
    file.put(8192 * 512, record(&[(0, 0x83, 63, 1000), (0, 0x05, 2048, 2048)]));
    file.put((8192 + 2048) * 512, record(&[(0, 0x82, 63, 1000)]));
    file
}

fn record(entries: &[(u8, u8, u32, u32)]) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    for (number, (status, kind, first, sectors)) in entries.iter().enumerate() {
        let entry = &mut bytes[446 + 16 * number..][..16];
        entry[0] = *status;
        entry[4] = *kind;
        entry[8..12].copy_from_slice(&first.to_le_bytes());
        entry[12..16].copy_from_slice(&sectors.to_le_bytes());
    }
    bytes[510..].copy_from_slice(&[0x55, 0xAA]);
    bytes
}

/// A raw disk of 4 MiB with a GPT in both places: an EFI system partition and one of data.
pub fn gpt_disk(disk: uuid::Uuid) -> SparseFile {
    const SECTORS: u64 = 8192;
    let mut file = SparseFile::new(SECTORS * 512);
    file.put(0, record(&[(0, 0xEE, 1, low_u32(SECTORS - 1))]));
    let mut entries = vec![0; 128 * 128];
    let efi = uuid::uuid!("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
    let data = uuid::uuid!("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7");
    for (number, (kind, first, last, name)) in [(efi, 2048_u64, 4095_u64, "EFI"), (data, 4096, 8000, "Größe")]
        .into_iter()
        .enumerate()
    {
        let entry = &mut entries[128 * number..][..128];
        entry[..16].copy_from_slice(&kind.to_bytes_le());
        entry[32..40].copy_from_slice(&first.to_le_bytes());
        entry[40..48].copy_from_slice(&last.to_le_bytes());
        let name = super::utf16_le(name);
        entry[56..56 + name.len()].copy_from_slice(&name);
    }
    let sum = crc32fast::hash(&entries);
    for (own, other, array) in [(1, SECTORS - 1, 2), (SECTORS - 1, 1, SECTORS - 33)] {
        file.put(array * 512, entries.clone());
        file.put(own * 512, gpt_header(own, other, array, disk, sum));
    }
    file
}

fn gpt_header(own: u64, other: u64, array: u64, disk: uuid::Uuid, entries: u32) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    let mut put = |place: usize, field: &[u8]| bytes[place..place + field.len()].copy_from_slice(field);
    put(0, b"EFI PART\0\0\x01\0");
    put(12, &92_u32.to_le_bytes());
    put(24, &own.to_le_bytes());
    put(32, &other.to_le_bytes());
    put(40, &34_u64.to_le_bytes());
    put(48, &8000_u64.to_le_bytes());
    put(56, &disk.to_bytes_le());
    put(72, &array.to_le_bytes());
    put(80, &128_u32.to_le_bytes());
    put(84, &128_u32.to_le_bytes());
    put(88, &entries.to_le_bytes());
    let sum = crc32fast::hash(&bytes[..92]);
    bytes[16..20].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// A floppy of 1.44 MB with a FAT12 and a label.
pub fn floppy(label: &str) -> SparseFile {
    let mut file = SparseFile::new(1440 << 10);
    let mut boot = vec![0; 512];
    boot[..3].copy_from_slice(&[0xEB, 0x3C, 0x90]);
    boot[3..11].copy_from_slice(b"mkfs.fat");
    boot[11..24].copy_from_slice(&[0, 2, 1, 1, 0, 2, 0xE0, 0, 0x40, 0x0B, 0xF0, 9, 0]);
    boot[38] = 0x29;
    boot[39..43].copy_from_slice(&0x1A2B_3C4D_u32.to_le_bytes());
    fill(&mut boot[43..54], "NO NAME");
    fill(&mut boot[54..62], "FAT12");
    boot[510..].copy_from_slice(&[0x55, 0xAA]);
    file.put(0, boot);
    let mut entry = vec![0; 32];
    fill(&mut entry[..11], label);
    entry[11] = 8;
    file.put(19 * 512, entry);
    file
}

/// A tar archive of these members in their order.
pub fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, content) in members {
        archive.extend(tar_header(name, content.len(), b'0'));
        archive.extend(*content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// The header of a member of a tar archive.
pub fn tar_header(name: &str, length: usize, kind: u8) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes[124..136].copy_from_slice(format!("{length:011o}\0").as_bytes());
    bytes[156] = kind;
    bytes[257..265].copy_from_slice(b"ustar\x0000");
    bytes[148..156].fill(b' ');
    let sum: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    bytes
}

/// An OVF descriptor of one VM with one disk.
pub fn ovf(name: &str, disk: &str, disk_bytes: u64, capacity_gib: u64) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Envelope xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\" xmlns:ovf=\"http://schemas.dmtf.org/ovf/envelope/1\">\n\
         <References><File ovf:href=\"{disk}\" ovf:id=\"file1\" ovf:size=\"{disk_bytes}\"/></References>\n\
         <DiskSection><Info>Disks</Info><Disk ovf:capacity=\"{capacity_gib}\" ovf:capacityAllocationUnits=\"byte * 2^30\" \
         ovf:diskId=\"vmdisk1\" ovf:fileRef=\"file1\" ovf:populatedSize=\"1024\" \
         ovf:format=\"http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized\"/></DiskSection>\n\
         <VirtualSystem ovf:id=\"{name}\"><Info>A VM</Info><Name>{name}</Name><ProductSection><Info/>\
         <Product>Appliance</Product><Vendor>Example</Vendor><Version>1.2</Version></ProductSection></VirtualSystem>\n\
         </Envelope>\n"
    )
}
