//! What the operating system says of a file system: type, size, free space, and whether its block counts mean anything.
//!
//! FUSE clients of a share (sshfs, rclone, smbnetfs, s3fs and whatever comes next) answer every question for blocks with the
//! length rounded up, so allocated bytes are *unknown* there, not equal to the length. Some number files as they meet them, every
//! name for itself, so that nothing tells a hard link from a file of its own. Kernel clients (NFS, SMB) tell the truth, and so do
//! the few FUSE file systems that are known to have blocks of their own or to hand on those of others.

use std::{
    collections::BTreeMap,
    fs::{File, Metadata},
    io,
    path::Path,
};

/// FUSE file systems whose `st_blocks` is true. Seen of the VMFS readers; of the others assumed from what they are: readers of a
/// local disk, and layers that hand on what the file system below them says.
const TRUE_BLOCKS_OF_FUSE: [&str; 11] = [
    "fuse.vmfs-fuse",
    "fuse.vmfs6-fuse",
    // ntfs-3g and exfat on a block device.
    "fuseblk",
    "fuse.ntfs-3g",
    "fuse.lowntfs-3g",
    "fuse.fuse2fs",
    "fuse.glusterfs",
    "fuse.bindfs",
    "fuse.mergerfs",
    "fuse.fuse-overlayfs",
    "fuse.guestmount",
];

/// A FUSE file system that does not say which.
const UNNAMED_FUSE: &str = "fuse";

/// What a reader of VMFS is called. vmfs-fuse 0.2.5 mounts without a name of its own, as `fuse` of `/dev/fuse`.
#[cfg(unix)]
const READER_OF_VMFS: &str = "fuse.vmfs-fuse";

/// What lies at the top of every VMFS-5 and VMFS-6, and nowhere else.
#[cfg(unix)]
const TOP_OF_VMFS: [&str; 4] = [".fbb.sf", ".fdc.sf", ".sbc.sf", ".vh.sf"];

/// File systems of the kernel that make `st_blocks` up from the length: Ceph keeps no count of blocks.
const INVENTED_BLOCKS: [&str; 1] = ["ceph"];

/// FUSE clients that make `st_ino` up from the order of asking.
const INVENTED_NUMBERS: [&str; 4] = ["fuse.sshfs", "fuse.rclone", "fuse.smbnetfs", "fuse.davfs2"];

/// File systems of SMB clients: there a refused read is a byte-range lock, since permissions were checked on opening.
const SMB: [&str; 4] = ["cifs", "smb3", "smb2", "fuse.smbnetfs"];

/// File systems of a disk of this machine, or of its memory, that no other machine writes to.
#[cfg(target_os = "linux")]
const OF_THIS_MACHINE: [&str; 14] = [
    "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "vfat", "exfat", "ntfs3", "squashfs", "iso9660",
    "tmpfs",
];

/// A digest of this machine's id: device and inode numbers are the same file only within one machine.
///
/// The id itself is confidential (`machine-id(5)`), so only a keyed digest of it leaves the machine.
pub fn machine() -> String {
    use std::io::Read;
    let mut id = String::new();
    let read = File::open("/etc/machine-id").and_then(|file| file.take(64).read_to_string(&mut id));
    if read.is_err() || id.trim().is_empty() {
        id = std::env::var("COMPUTERNAME").unwrap_or_default();
    }
    let digest = blake3::derive_key("derelict catalogue machine", id.trim().as_bytes());
    blake3::Hash::from_bytes(digest).to_hex()[..16].to_owned()
}

/// The mounted file systems by device number, as they were when the scan began.
#[derive(Debug, Clone, Default)]
pub struct MountTable(BTreeMap<u64, String>);

impl MountTable {
    /// The mounts that this process sees; empty where the system has no such list.
    pub fn load() -> Self {
        #[cfg(target_os = "linux")]
        {
            use std::io::Read;
            let mut text = Vec::new();
            let read = File::open("/proc/self/mountinfo")
                .and_then(|file| file.take(MOUNT_TABLE_MAX_BYTES).read_to_end(&mut text));
            if read.is_ok() {
                return Self::parse(&String::from_utf8_lossy(&text));
            }
        }
        Self::default()
    }

    /// Reads lines of `/proc/self/mountinfo`: `36 35 98:0 /sub /mnt rw … - ext4 /dev/sda1 rw`.
    #[cfg(target_os = "linux")]
    fn parse(text: &str) -> Self {
        let mount = |line: &str| {
            let (before, after) = line.split_once(" - ")?;
            let (major, minor) = before.split(' ').nth(2)?.split_once(':')?;
            let device = rustix::fs::makedev(major.parse().ok()?, minor.parse().ok()?);
            Some((device, after.split(' ').next()?.to_owned()))
        };
        Self(text.lines().filter_map(mount).collect())
    }

    /// Type of the file system on this device (`ext4`, `nfs4`, `cifs`, `fuse.sshfs` …).
    pub fn file_system(&self, device: u64) -> Option<&str> {
        self.0.get(&device).map(String::as_str)
    }

    /// Takes the device of a root for the file system that its top tells, where the list of mounts does not.
    pub(crate) fn learn(&mut self, device: u64, file_system: &str) {
        if file_system != UNNAMED_FUSE {
            self.0.insert(device, file_system.to_owned());
        }
    }

    /// True when the block counts of this device mean something.
    pub fn knows_allocation(&self, device: u64) -> bool {
        self.file_system(device).is_none_or(|name| {
            let is_fuse = name.starts_with("fuse");
            (!is_fuse || TRUE_BLOCKS_OF_FUSE.contains(&name)) && !INVENTED_BLOCKS.contains(&name)
        })
    }

    /// True when two names of one file have one inode on this device, and two files have two.
    pub fn numbers_files(&self, device: u64) -> bool {
        !self
            .file_system(device)
            .is_some_and(|name| INVENTED_NUMBERS.contains(&name))
    }

    /// True when a file has the same inode each time it is asked for. FUSE servers may number files as they meet them.
    pub fn keeps_inodes(&self, device: u64) -> bool {
        !self.file_system(device).is_some_and(|name| name.starts_with("fuse"))
    }

    /// True for a share that is reached by SMB.
    pub fn is_smb(&self, device: u64) -> bool {
        self.file_system(device).is_some_and(is_smb)
    }
}

/// True for the type of a file system of an SMB client.
pub(crate) fn is_smb(file_system: &str) -> bool {
    SMB.contains(&file_system)
}

/// True for a file of which it is known that it lies on a disk that no other machine writes to.
pub(crate) fn is_on_local_disk(file: &Metadata) -> bool {
    #[cfg(target_os = "linux")]
    {
        use std::{os::unix::fs::MetadataExt, sync::LazyLock};
        static MOUNTS: LazyLock<MountTable> = LazyLock::new(MountTable::load);
        let file_system = MOUNTS.file_system(file.dev());
        file_system.is_some_and(|name| OF_THIS_MACHINE.contains(&name))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        false
    }
}

/// Largest list of mounts that is read. Hosts with thousands of containers stay below 1 MiB.
#[cfg(target_os = "linux")]
const MOUNT_TABLE_MAX_BYTES: u64 = 4 << 20;

/// Device and inode of a file or folder, for itself or what a link leads to; `None` where there are no such things.
///
/// # Errors
/// When it gives no answer.
pub(crate) fn identity(path: &Path) -> io::Result<Option<(u64, u64)>> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path)?;
        Ok(Some((metadata.dev(), metadata.ino())))
    }
    #[cfg(windows)]
    crate::windows::identity(path)
}

/// Inode of an open file, where there is such a thing.
#[cfg_attr(unix, expect(clippy::unnecessary_wraps, reason = "Windows need not tell"))]
pub(crate) fn inode(file: &File, metadata: &Metadata) -> Option<u64> {
    #[cfg(unix)]
    {
        let _ = file;
        Some(std::os::unix::fs::MetadataExt::ino(metadata))
    }
    #[cfg(windows)]
    {
        let _ = metadata;
        crate::windows::number(file)
    }
}

/// True of an open file, false of a pipe, a terminal or a device.
///
/// # Errors
/// When nobody can tell.
pub(crate) fn is_file(file: &File) -> io::Result<bool> {
    #[cfg(unix)]
    {
        Ok(file.metadata()?.is_file())
    }
    #[cfg(windows)]
    crate::windows::is_on_disk(file)
}

/// Asks for as many open files as the system lets this process have: every worker holds the folder it is in, and those
/// above it.
pub(crate) fn allow_many_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let most = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        // The usual limit of 1,024 is enough for most trees; where it is not, a folder that cannot be opened is an issue.
        let _ = setrlimit(Resource::Nofile, most);
    }
}

/// Asks for memory in small pages: of huge ones each of a hundred workers that wait for a share would hold some, 290 MB in all
/// where 30 do.
pub(crate) fn use_small_pages() {
    // Where that cannot be had it takes more memory.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Size and free space of a file system in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Size.
    pub capacity_bytes: u64,
    /// Free, whether this user may use it or not.
    pub free_bytes: u64,
}

/// Asks for type and space of the file system that holds `path`, whose device is in the table. `None` for what the system
/// does not say.
pub(crate) fn file_system(path: &Path, device: Option<u64>, mounts: &MountTable) -> (Option<String>, Option<Space>) {
    #[cfg(unix)]
    {
        let name = match device.and_then(|device| mounts.file_system(device)) {
            Some(UNNAMED_FUSE) if is_top_of_vmfs(path) => Some(READER_OF_VMFS),
            name => name,
        };
        (name.map(str::to_owned), space(path))
    }
    #[cfg(windows)]
    {
        let _ = (device, mounts);
        crate::windows::volume(path)
    }
}

#[cfg(unix)]
fn is_top_of_vmfs(path: &Path) -> bool {
    TOP_OF_VMFS
        .iter()
        .all(|name| path.join(name).symlink_metadata().is_ok())
}

/// Asks for the space of the file system that holds `path`. `None` where the system does not say.
#[cfg(unix)]
fn space(path: &Path) -> Option<Space> {
    let answer = rustix::fs::statvfs(path).ok()?;
    Some(Space {
        capacity_bytes: answer.f_blocks.checked_mul(answer.f_frsize)?,
        free_bytes: answer.f_bfree.checked_mul(answer.f_frsize)?,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn allocation_is_unknown_on_fuse_clients_of_a_share_only() {
        let table = MountTable::parse(concat!(
            "36 35 98:0 / /mnt/a rw,noatime master:1 - ext4 /dev/sda1 rw\n",
            "37 35 0:45 / /mnt/b rw shared:2 - fuse.sshfs host:/vol rw\n",
            "38 35 0:46 / /mnt/c rw - fuse.vmfs-fuse /dev/sdb rw\n",
            "39 35 0:47 / /mnt/d rw - cifs //server/share rw\n",
            "broken line\n",
        ));
        let device = |major, minor| rustix::fs::makedev(major, minor);
        assert_eq!(table.file_system(device(98, 0)), Some("ext4"));
        assert!(table.knows_allocation(device(98, 0)));
        assert!(
            !table.knows_allocation(device(0, 45)),
            "sshfs makes its block counts up"
        );
        assert!(
            table.knows_allocation(device(0, 46)),
            "vmfs-fuse is FUSE as well and right"
        );
        for (minor, numbers_files) in [(45, false), (46, true), (47, true)] {
            assert_eq!(table.numbers_files(device(0, minor)), numbers_files, "{minor}");
        }
        assert!(table.is_smb(device(0, 47)) && !table.is_smb(device(0, 46)));
    }

    #[test]
    fn a_fuse_file_system_that_is_not_known_has_no_allocation() {
        let knows = |name: &str| {
            let table = MountTable::parse(&format!("36 35 0:9 / /mnt/a rw - {name} source rw\n"));
            table.knows_allocation(rustix::fs::makedev(0, 9))
        };
        for client in [
            "fuse.s3fs",
            "fuse.gcsfuse",
            "fuse.goofys",
            "fuse.curlftpfs",
            "fuse.vmhgfs-fuse",
            "fuse.rclone",
            "fuse.anything",
            "fuse",
            "ceph",
        ] {
            assert!(!knows(client), "{client}");
        }
        for known in ["fuseblk", "fuse.vmfs6-fuse", "nfs4", "cifs", "xfs"] {
            assert!(knows(known), "{known}");
        }
    }

    #[test]
    fn a_fuse_file_system_without_a_name_is_a_reader_of_vmfs_where_all_of_vmfs_lies_at_its_top() {
        let mut table =
            MountTable::parse("36 35 0:9 / /mnt/a rw - fuse /dev/fuse rw\n37 35 0:8 / /mnt/b rw - nfs4 a:/b rw\n");
        let [fuse, nfs] = [9, 8].map(|minor| rustix::fs::makedev(0, minor));
        let top = tempfile::tempdir().unwrap();
        for name in TOP_OF_VMFS {
            let name_of = |device| file_system(top.path(), Some(device), &table).0;
            assert_eq!(name_of(fuse).as_deref(), Some("fuse"), "before {name}");
            std::fs::write(top.path().join(name), "").unwrap();
        }
        assert_eq!(file_system(top.path(), Some(nfs), &table).0.as_deref(), Some("nfs4"));
        let (name, _) = file_system(top.path(), Some(fuse), &table);
        assert!(!table.knows_allocation(fuse));
        table.learn(fuse, &name.unwrap());
        assert!(table.knows_allocation(fuse));
        table.learn(fuse, "fuse");
        assert!(
            table.knows_allocation(fuse),
            "another root on the device is not its top"
        );
    }

    #[test]
    fn the_temporary_folder_has_a_size() {
        let space = space(&std::env::temp_dir()).unwrap();
        assert!(space.capacity_bytes >= space.free_bytes && space.capacity_bytes > 0);
    }
}
