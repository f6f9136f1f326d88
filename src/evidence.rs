//! What one artifact says, in the words that the reconciliation reads, whatever its format.
//!
//! `read.rs` makes an [`Evidence`] of the facts of every format, in one place; the stages right of the catalogue read
//! nothing else of a file. Nothing here is a judgement: a mark says "the log holds a GUID", not "this disk is in use".

use derelict_parsers::EncodedText;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::kind::{Platform, Role};

/// Everything that one artifact tells about others and about itself. What few of them tell is boxed: a large site has a
/// million of these in memory.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Evidence {
    /// Paths that it names, in the order of the file.
    pub references: Vec<Reference>,
    /// Set when it is the configuration, snapshot list or state of a VM.
    pub vm: Option<Box<VmEvidence>>,
    /// Set when it is (a link of) a disk.
    pub disk: Option<Box<DiskEvidence>>,
    /// Set when it is a lock.
    pub lock: Option<Box<LockEvidence>>,
    /// Signs of use, protection or damage.
    pub marks: Vec<Mark>,
    /// Set when it is a snapshot list: the snapshots, in the order of the file.
    pub snapshots: Vec<SnapshotEvidence>,
    /// Set when it tells what a VM had open when it ran. History: it owns nothing (V47).
    pub history: Option<Box<History>>,
}

impl Evidence {
    /// Adds what was read to what the name told.
    pub fn absorb(&mut self, other: Self) {
        self.references.extend(other.references);
        self.vm = other.vm.or_else(|| self.vm.take());
        self.disk = other.disk.or_else(|| self.disk.take());
        self.lock = other.lock.or_else(|| self.lock.take());
        self.marks.extend(other.marks);
        self.snapshots.extend(other.snapshots);
        self.history = other.history.or_else(|| self.history.take());
    }

    /// Gives back the room for more that its lists have: a list that grows has room for four at least, and most hold one.
    pub(crate) fn trim(&mut self) {
        self.references.shrink_to_fit();
        self.marks.shrink_to_fit();
        self.snapshots.shrink_to_fit();
        if let Some(vm) = &mut self.vm {
            vm.devices.shrink_to_fit();
            vm.previous_paths.shrink_to_fit();
        }
        if let Some(disk) = &mut self.disk {
            disk.parent_links.shrink_to_fit();
        }
        if let Some(history) = &mut self.history {
            history.disks.shrink_to_fit();
        }
    }

    /// True when it carries this mark.
    pub fn has_mark(&self, code: MarkCode) -> bool {
        self.marks.iter().any(|mark| mark.code == code)
    }
}

/// One path found in an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reference {
    /// What the file is for.
    pub role: Role,
    /// The path as written.
    pub target: EncodedText,
    /// Where it stands: key, structure or element, e.g. `scsi0:0.fileName` or `parent locator relative_path`.
    pub key: String,
    /// References of one group are ways to name one file, best first (the three paths of a VHDX parent locator). The
    /// first that resolves is taken.
    pub group: Option<u32>,
    /// The device is not attached (`present = "FALSE"`): a mention, not a use; it still protects.
    pub weak: bool,
}

/// What a configuration says of its VM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VmEvidence {
    /// Of which platform.
    pub platform: Platform,
    /// The display name.
    pub name: Option<String>,
    /// VMware: `vc.uuid`; Hyper-V: the VM id. Lower-case with hyphens.
    pub instance_id: Option<Uuid>,
    /// VMware: `uuid.bios`.
    pub bios_id: Option<Uuid>,
    /// Hyper-V: this is a checkpoint of the VM with this id (`instance_id` is then the checkpoint's own).
    pub checkpoint_of: Option<Uuid>,
    /// VMware: a template (`.vmtx`).
    pub template: bool,
    /// VMware: it is or was one of a fault-tolerant pair.
    #[serde(default)]
    pub fault_tolerant: bool,
    /// Hyper-V: a role of a cluster.
    #[serde(default)]
    pub clustered: bool,
    /// Hyper-V: version of the configuration, e.g. `9.0`.
    #[serde(default)]
    pub config_version: Option<String>,
    /// Hyper-V: how many checkpoints the configuration counts.
    #[serde(default)]
    pub checkpoints: u64,
    /// The device lines cannot be read (full encryption, empty file, damage): what it owns is not known.
    pub opaque: Option<String>,
    /// Notes of the VM, cut to 4 KiB.
    pub notes: Option<String>,
    /// Storage devices that are not like others: independent of snapshots, or written by several VMs.
    #[serde(default)]
    pub devices: Vec<DeviceEvidence>,
    /// Hyper-V: paths in earlier states of the configuration that are left in its file: history, no references.
    #[serde(default)]
    pub previous_paths: Vec<PreviousReference>,
}

/// A path that an earlier state of a configuration named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreviousReference {
    /// The path as written.
    pub target: EncodedText,
    /// Key that held it.
    pub key: String,
    /// Where in the file, bytes from its start.
    pub offset: u64,
}

/// A storage device of a VM that is not like others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceEvidence {
    /// The device (`scsi0:1`): what the key of its reference begins with.
    pub device: String,
    /// Snapshots leave it out: the mode as written.
    pub independent: Option<String>,
    /// Several VMs may write it: how, as written.
    pub shared: Option<String>,
}

/// One snapshot of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotEvidence {
    /// The name that its user gave.
    pub name: Option<String>,
    /// When it was taken.
    pub created: Option<Timestamp>,
}

/// What a file tells of the run of a VM that wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// Name of the VM.
    pub vm_name: Option<String>,
    /// Disks that it opened, as written.
    pub disks: Vec<OpenedDisk>,
}

/// A disk that a VM opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenedDisk {
    /// Its path on the host.
    pub path: EncodedText,
    /// Its identity, as in [`DiskEvidence::disk_id`].
    pub disk_id: Option<String>,
}

impl VmEvidence {
    /// A VM of this platform of which nothing is known.
    pub fn of(platform: Platform) -> Self {
        Self {
            platform,
            name: None,
            instance_id: None,
            bios_id: None,
            checkpoint_of: None,
            template: false,
            fault_tolerant: false,
            clustered: false,
            config_version: None,
            checkpoints: 0,
            opaque: None,
            notes: None,
            devices: Vec::new(),
            previous_paths: Vec::new(),
        }
    }
}

/// What ties the links of a chain together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinkId {
    /// Content id of a VMDK.
    Cid(u32),
    /// `DataWriteGuid` of a VHDX or unique id of a VHD.
    Guid(Uuid),
}

impl std::fmt::Display for LinkId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cid(cid) => write!(formatter, "CID {cid:08x}"),
            Self::Guid(guid) => write!(formatter, "{guid}"),
        }
    }
}

/// What a disk, or one link of its chain, says of itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DiskEvidence {
    /// Size of the disk that the guest sees, in bytes.
    pub virtual_bytes: Option<u64>,
    /// The id that children of this link quote.
    pub link: Option<LinkId>,
    /// This link has a parent; `false` for a base.
    pub has_parent: bool,
    /// The ids that the parent had when this child was made; any of them confirms. Empty: the format quotes none.
    pub parent_links: Vec<LinkId>,
    /// Identity of this link that VirtualBox's children quote (`ddb.uuid.image`).
    pub image_id: Option<Uuid>,
    /// Identity of the disk over its life: `ddb.uuid`, page 83 id. Lower-case hex.
    pub disk_id: Option<String>,
    /// `ddb.longContentID`.
    pub content_id: Option<String>,
    /// The createType (`vmfs`, `streamOptimized`, …), or `fixed`, `dynamic`, `differencing`.
    pub create_type: Option<String>,
    /// Id of a First Class Disk.
    pub fcd_id: Option<String>,
    /// Creator application of a VHD footer, trimmed (`win`, `vpc`, `qemu`, `tap`, `vbox`).
    pub creator: Option<String>,
    /// The descriptor ends inside a line: what stood below it is lost.
    pub is_torn: bool,
}

/// A decoded lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockEvidence {
    /// File id (inode) of the locked file, from the name of an NFS lock.
    pub target_file_id: Option<u64>,
    /// Name of the locked file, from the name of a hosted lock folder or `X.lck`.
    pub target_name: Option<EncodedText>,
    /// Who holds it, as written.
    pub host: Option<String>,
}

/// A sign that one artifact carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// Which.
    pub code: MarkCode,
    /// One sentence with the values read.
    pub text: String,
    /// Where in the file, bytes from its start.
    pub offset: Option<u64>,
}

/// The signs that artifacts carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MarkCode {
    /// The log of a VHDX, VMCX or HRL is open: in use, or crashed.
    OpenLog,
    /// The unclean flag of a sparse extent or a seSparse journal: in use, or crashed.
    Unclean,
    /// `cleanShutdown = "FALSE"`: running, or crashed.
    NotShutDown,
    /// `ddb.deletable = "false"`.
    ProtectedByDescriptor,
    /// The file could not be opened because somebody holds it (sharing violation, EBUSY, ETXTBSY).
    SharingViolation,
    /// The file could not be read for another cause: permission, I/O error, offline.
    Unreadable,
    /// The bytes contradict the format.
    Damaged,
    /// Encrypted content.
    Encrypted,
    /// A merge of a checkpoint is pending.
    MergePending,
    /// Snapshot list says that consolidation is needed.
    NeedsConsolidation,
    /// Holds saved memory.
    SavedState,
    /// Holds a virtual TPM: the key to an encrypted disk.
    VirtualTpm,
    /// Creation or conversion of the disk was not finished.
    Incomplete,
    /// Raw device map or physical disk: the data are elsewhere.
    RawDevice,
    /// The data are an object of vSAN or a virtual volume, not a file.
    ObjectBacked,
    /// May be attached to several VMs.
    Shared,
    /// Holds nothing at all (0 bytes).
    Empty,
    /// It changed between two looks of one scan: after it was listed or while it was read, or before the second look.
    Changed,
    /// Its content was to be read for its hash and could not be, for another cause than that somebody holds it.
    NotHashed,
}
