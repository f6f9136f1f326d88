//! State files, locks and firmware variables.

use uuid::Uuid;

use super::super::{low_u32, sparse_file::length_of};

/// A snapshot or suspend state that holds the configuration of its VM.
#[derive(Debug, Clone)]
pub struct VmsnBuilder {
    config: Vec<u8>,
    bios: Uuid,
}

impl VmsnBuilder {
    /// State of the VM with this configuration.
    pub fn new(config: Vec<u8>, bios: Uuid) -> Self {
        Self { config, bios }
    }

    /// The file: header, three groups, no memory.
    pub fn build(&self) -> Vec<u8> {
        let mut snapshot = Vec::new();
        big_tag(&mut snapshot, "cfgFile", &self.config);
        let mut checkpoint = Vec::new();
        small_tag(&mut checkpoint, "ProductName", b"VMware ESX\0");
        small_tag(&mut checkpoint, "VersionNumber", b"7.0.3\0");
        small_tag(&mut checkpoint, "memSize", &1024_u32.to_le_bytes());
        let mut uuid = Vec::new();
        small_tag(&mut uuid, "BIOSUUID", self.bios.as_bytes());
        let mut groups = [("Checkpoint", checkpoint), ("Snapshot", snapshot), ("UUIDVMX", uuid)];
        for (_, tags) in &mut groups {
            tags.extend([0, 0]);
        }
        assemble(&groups)
    }
}

/// Header, table of groups, groups.
fn assemble(groups: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut file = vec![0xD2, 0xBE, 0xD2, 0xBE];
    file.extend(8_u32.to_le_bytes());
    file.extend(low_u32(u64::try_from(groups.len()).unwrap_or_default()).to_le_bytes());
    let mut offset = 12 + 80 * u64::try_from(groups.len()).unwrap_or_default();
    for (name, tags) in groups {
        let mut entry = name.as_bytes().to_vec();
        entry.resize(64, 0);
        entry.extend(offset.to_le_bytes());
        entry.extend(length_of(tags).to_le_bytes());
        file.extend(entry);
        offset += length_of(tags);
    }
    file.extend(groups.iter().flat_map(|(_, tags)| tags));
    file
}

/// A tag whose data have less than 62 bytes.
fn small_tag(tags: &mut Vec<u8>, name: &str, data: &[u8]) {
    tags.extend([low_byte(data.len()), low_byte(name.len())]);
    tags.extend(name.as_bytes());
    tags.extend(data);
}

/// A tag with a big block, not compressed, after three bytes of padding.
fn big_tag(tags: &mut Vec<u8>, name: &str, data: &[u8]) {
    tags.extend([63, low_byte(name.len())]);
    tags.extend(name.as_bytes());
    tags.extend(length_of(data).to_le_bytes());
    tags.extend(length_of(data).to_le_bytes());
    tags.extend(3_u16.to_le_bytes());
    tags.extend([0; 3]);
    tags.extend(data);
}

fn low_byte(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}

/// The name of the NFS lock of a file with this inode.
pub fn nfs_lock_name(inode: u64) -> String {
    let digits = inode.to_le_bytes().map(|byte| format!("{byte:02x}"));
    format!(".lck-{}", digits.concat())
}

/// The body of an NFS lock: 84 bytes, the host from 0x14.
pub fn nfs_lock(host: &str) -> Vec<u8> {
    let mut body = vec![0; 0x10];
    body.extend(1_u32.to_le_bytes());
    body.extend(host.as_bytes());
    body.resize(84.max(body.len() + 1), 0);
    body
}

/// A member of a hosted lock folder.
pub fn hosted_lock(machine: &str, process: &str) -> Vec<u8> {
    let mut body = format!("{machine} {process} 1 X 13346 lc=177670").into_bytes();
    body.resize(512, 0);
    body
}

/// Firmware variables of the size that a BIOS VM has.
pub fn nvram() -> Vec<u8> {
    let mut file = b"MRVN".to_vec();
    file.resize(8684, 0);
    file
}
