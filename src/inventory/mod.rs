//! Inventories: what the platforms say is registered, in one form whatever the export.
//!
//! One imported source (a vCenter, a host, a cluster) is one [`Inventory`]; each VM in it a [`Registration`]. Paths stay
//! as they were written: [`crate::path`] reads them, `reconcile` resolves them.
//!
//! [`import`] reads files, archives and folders of exports. `detect` finds what a file is; what PowerShell, govc and their
//! kin write becomes JSON values whatever its container (JSON, a table, `clixml`, `esxcli`), and `form` finds the reader
//! by the keys (`vi` with `govc` and `powercli`, `hyperv`, `windows`, `scvmm`, `azure`, `kubernetes`, `backup`); RVTools,
//! texts of a host and stores have readers of their own. Each file gives parts (`part.rs`), and `merge` puts the parts of
//! one source together. Exports are untrusted: every reader is bounded, and a broken export costs nothing but itself.

mod archive;
mod argument;
mod azure;
mod backup;
mod clixml;
mod cluster_hive;
mod columns;
mod csv_table;
pub mod describe;
mod detect;
mod esxcli;
mod esxi;
mod export_errors;
mod file_list;
mod files;
mod form;
mod govc;
mod hcs;
pub(crate) mod host_names;
mod host_store;
mod hyperv;
mod hyperv_cluster;
mod hyperv_errors;
mod icacls;
mod json;
mod json_form;
mod kubernetes;
mod live_optics;
mod mapped;
mod mentions;
mod merge;
mod moment;
mod names;
mod noted_owner;
mod part;
mod powercli;
pub(crate) mod protection;
mod rvtools;
mod scvmm;
mod support_bundle;
mod table;
mod text;
mod values;
mod vi;
mod vim_cmd;
mod windows;
mod workbook;
mod xml;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use self::moment::leave_out_times_to_come;
pub use self::{
    argument::InventoryArgument,
    files::{import, import_mapped, import_within},
    mapped::{ColumnMap, ColumnMapError},
};
use crate::{
    kind::{Platform, Role},
    raw::RawPath,
};

/// What was made of the exports that were given.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Imported {
    /// One for each source, sorted by folder and source.
    pub inventories: Vec<Inventory>,
    /// Exports that could not be read or understood. The user meant them to count, so their sources are unknown.
    pub issues: Vec<ImportIssue>,
    /// Every file that was looked at, and what it was taken for.
    pub detected: Vec<DetectedFile>,
    /// What backups cover, whatever the platform. It never proves ownership.
    #[serde(default)]
    pub backups: Vec<BackedUpVm>,
    /// The lists of backup products that `backups` was made from, sorted.
    #[serde(default)]
    pub backup_files: Vec<String>,
    /// What is odd or missing in them.
    #[serde(default)]
    pub backup_warnings: Vec<InventoryWarning>,
    /// Files of VMs that texts in a folder of exports name which are no export, sorted.
    #[serde(default)]
    pub mentions: Vec<Mention>,
}

/// A file of a VM that a text names which is no export.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Mention {
    /// The text, as given.
    pub text: RawPath,
    /// The path of the file, as written.
    pub named: String,
}

/// What the lists of backup products tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backups {
    /// The VMs that they name.
    pub vms: Vec<BackedUpVm>,
    /// The lists, sorted.
    pub files: Vec<String>,
    /// What is odd or missing in them: where this is not empty a VM that they do not name may be backed up.
    pub warnings: Vec<String>,
}

impl Imported {
    /// Takes out what backups cover; `None` when no list of a backup product was given.
    pub fn take_backups(&mut self) -> Option<Backups> {
        let warnings = std::mem::take(&mut self.backup_warnings);
        let backups = Backups {
            vms: std::mem::take(&mut self.backups),
            files: std::mem::take(&mut self.backup_files),
            warnings: warnings.into_iter().map(|warning| warning.text).collect(),
        };
        (!backups.vms.is_empty() || !backups.files.is_empty()).then_some(backups)
    }
}

/// A VM that a backup covers, as a job or a list of restore points names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct BackedUpVm {
    /// Its name.
    pub name: String,
    /// VMware: managed object reference.
    pub moref: Option<String>,
    /// VMware: instance UUID; Hyper-V: VM id.
    pub id: Option<Uuid>,
    /// Job or policy.
    pub job: Option<String>,
    /// Time of its last restore point, as far as the export tells.
    pub last: Option<Timestamp>,
    /// Where in the export.
    pub row: String,
}

/// An export that could not be read or understood.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ImportIssue {
    /// The file, as given.
    pub path: RawPath,
    /// What went wrong, and what would help.
    pub error: String,
}

/// A file and what it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct DetectedFile {
    /// The file, as given.
    pub path: RawPath,
    /// Which export it is; `None` when it was ignored.
    pub kind: Option<InventoryKind>,
    /// By what that was seen.
    pub why: String,
}

/// Which export an inventory was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InventoryKind {
    /// RVTools workbook.
    RvtoolsXlsx,
    /// RVTools folder of CSV files, or one of them.
    RvtoolsCsv,
    /// `Get-View … LayoutEx`, VMs, disks, datastores as JSON.
    PowercliJson,
    /// `Get-VM`, `Get-HardDisk`, `Get-Datastore` as CSV.
    PowercliCsv,
    /// The same as CLIXML.
    PowercliClixml,
    /// `govc object.collect -json`.
    GovcCollect,
    /// `govc vm.info -json`, `govc datastore.info -json`, `govc ls -json`.
    GovcInfo,
    /// `govc disk.ls -json`.
    GovcDisks,
    /// `govc library.*` and `govc volume.ls`.
    GovcLibrary,
    /// `govc find`, `govc ls`, `govc disk.ls` as text: names.
    GovcNames,
    /// `govc datastore.ls`: files on a datastore.
    FileList,
    /// Live Optics workbook: names of VMs.
    LiveOptics,
    /// `vmInventory.xml` of an ESXi host.
    EsxiInventory,
    /// `esxcli storage filesystem list`, `vim-cmd hostsvc/datastore/listsummary`.
    EsxiFilesystems,
    /// `vim-cmd vmsvc/getallvms`, `get.filelayout(ex)`, `esxcli vm process list`.
    EsxiVms,
    /// `kubectl get pv -o json`.
    Kubernetes,
    /// The recommended JSON of Hyper-V, and single lists of its cmdlets.
    HypervJson,
    /// Lists of its cmdlets as CSV.
    HypervCsv,
    /// Lists of its cmdlets as CLIXML.
    HypervClixml,
    /// `data.vmcx` of a Hyper-V host.
    HypervHostStore,
    /// `CLUSDB` of a failover cluster.
    ClusterDatabase,
    /// System Center VMM.
    Scvmm,
    /// `icacls /save`.
    Icacls,
    /// `hcsdiag list`.
    Hcsdiag,
    /// `az stack-hci-vm … list`.
    AzureLocal,
    /// A table whose columns the user named.
    MappedCsv,
    /// Jobs and restore points of a backup product.
    Backup,
    /// What `derelict inventory --format json` printed.
    Normalised,
}

impl InventoryKind {
    /// Every kind.
    pub const ALL: [Self; 28] = [
        Self::RvtoolsXlsx,
        Self::RvtoolsCsv,
        Self::PowercliJson,
        Self::PowercliCsv,
        Self::PowercliClixml,
        Self::GovcCollect,
        Self::GovcInfo,
        Self::GovcDisks,
        Self::GovcLibrary,
        Self::GovcNames,
        Self::FileList,
        Self::LiveOptics,
        Self::EsxiInventory,
        Self::EsxiFilesystems,
        Self::EsxiVms,
        Self::Kubernetes,
        Self::HypervJson,
        Self::HypervCsv,
        Self::HypervClixml,
        Self::HypervHostStore,
        Self::ClusterDatabase,
        Self::Scvmm,
        Self::Icacls,
        Self::Hcsdiag,
        Self::AzureLocal,
        Self::MappedCsv,
        Self::Backup,
        Self::Normalised,
    ];

    /// Its name, as in JSON and before a file on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::RvtoolsXlsx => "rvtools-xlsx",
            Self::RvtoolsCsv => "rvtools-csv",
            Self::PowercliJson => "powercli-json",
            Self::PowercliCsv => "powercli-csv",
            Self::PowercliClixml => "powercli-clixml",
            Self::GovcCollect => "govc-collect",
            Self::GovcInfo => "govc-info",
            Self::GovcDisks => "govc-disks",
            Self::GovcLibrary => "govc-library",
            Self::GovcNames => "govc-names",
            Self::FileList => "file-list",
            Self::LiveOptics => "live-optics",
            Self::EsxiInventory => "esxi-inventory",
            Self::EsxiFilesystems => "esxi-filesystems",
            Self::EsxiVms => "esxi-vms",
            Self::Kubernetes => "kubernetes",
            Self::HypervJson => "hyperv-json",
            Self::HypervCsv => "hyperv-csv",
            Self::HypervClixml => "hyperv-clixml",
            Self::HypervHostStore => "hyperv-host-store",
            Self::ClusterDatabase => "cluster-database",
            Self::Scvmm => "scvmm",
            Self::Icacls => "icacls",
            Self::Hcsdiag => "hcsdiag",
            Self::AzureLocal => "azure-local",
            Self::MappedCsv => "mapped-csv",
            Self::Backup => "backup",
            Self::Normalised => "normalised",
        }
    }

    /// The platform that it is about, unless its content says otherwise.
    pub(crate) fn platform(self) -> Platform {
        match self {
            Self::HypervJson
            | Self::HypervCsv
            | Self::HypervClixml
            | Self::HypervHostStore
            | Self::ClusterDatabase
            | Self::Scvmm
            | Self::Icacls
            | Self::Hcsdiag
            | Self::AzureLocal => Platform::Hyperv,
            _ => Platform::Vmware,
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One source of registrations with its time and scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inventory {
    /// Who it speaks for: vCenter server or UUID, host, cluster; the name of the file or folder when it does not say.
    pub source: String,
    /// VMware: the instance UUID of the vCenter, where it tells it; lower-case.
    #[serde(default)]
    pub source_id: Option<String>,
    /// The folder that the files lie in: files of one folder are one source unless they say otherwise.
    pub folder: String,
    /// Kinds of the exports that it was made from, sorted.
    pub kinds: Vec<InventoryKind>,
    /// The files, as given, sorted.
    pub files: Vec<String>,
    /// Platform.
    pub platform: Platform,
    /// When it was taken: what the export says of itself, else the modification time of its oldest file.
    pub collected: Option<Timestamp>,
    /// The earliest that it may have been taken, where `collected` is a local time without a zone: it is read as UTC.
    #[serde(default)]
    pub collected_from: Option<Timestamp>,
    /// True when `collected` is only a modification time.
    pub collected_is_file_time: bool,
    /// The registered VMs and templates, sorted by name, then config.
    pub vms: Vec<Registration>,
    /// Registered objects that are no VM: First Class Disks, content library items …
    pub objects: Vec<RegisteredObject>,
    /// Datastores and volumes that it lists.
    pub datastores: Vec<DatastoreRecord>,
    /// Hosts and nodes that it speaks for (their VMs are in it). Where a list of hosts was part of it these are the
    /// listed ones, else also those that its datastores name: a vCenter speaks for all hosts that it lists.
    pub hosts: Vec<HostRecord>,
    /// Hosts and nodes that it names as members but of which it has no VM list (a node that was down).
    pub missing_hosts: Vec<String>,
    /// VM ids that the cluster lists and no row explains (only when a cluster resource list was given).
    pub cluster_vms: Vec<ClusterVm>,
    /// Names of clustered VMs that lists without their ids have: roles, each by the name of its VM as far as another list of the
    /// cluster tells it.
    #[serde(default)]
    pub cluster_roles: Vec<String>,
    /// A list of clustered VMs was given.
    pub has_cluster_list: bool,
    /// A list of VMs was part of it; `false` for a datastore list or a disk list alone.
    pub has_vm_list: bool,
    /// A list of First Class Disks was given for these datastores (their names), or for all (`*`).
    pub fcd_scope: Vec<String>,
    /// A list of content library items was given.
    pub has_library_list: bool,
    /// Its lists of things that are no VM, sorted: they may be older than its list of VMs.
    #[serde(default)]
    pub object_lists: Vec<ObjectList>,
    /// What it saw beside registrations.
    #[serde(default)]
    pub observations: Observations,
    /// What its lists could tell and do not, sorted.
    #[serde(default)]
    pub missing_columns: Vec<MissingColumn>,
    /// What is odd or missing in it. Those that cap verdicts say so.
    pub warnings: Vec<InventoryWarning>,
}

impl Inventory {
    /// Up to when it speaks for sure.
    pub(crate) fn surely_collected(&self) -> Option<Timestamp> {
        self.collected_from.or(self.collected)
    }

    /// Up to when its lists of a class of objects speak for sure, of those of single datastores the ones that are asked for. Where it
    /// does not tell of them they are as old as the whole.
    pub(crate) fn surely_listed(&self, class: &str, is_asked: impl Fn(&str) -> bool) -> Option<Timestamp> {
        let lists = self.object_lists.iter().filter(|list| list.class == class);
        let asked = lists.filter(|list| list.scope.as_deref().is_none_or(&is_asked));
        let oldest = asked.map(|list| list.sure).min();
        oldest.unwrap_or_else(|| self.surely_collected())
    }
}

/// The lists of one class of things that are no VM.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ObjectList {
    /// Class of the things: `fcd`, `content-library`, `pvs-store` …; `host-scratch` for lists of hosts.
    pub class: String,
    /// The datastore that they are of, where they are of one.
    pub scope: Option<String>,
    /// Up to when the oldest of them speaks for sure, where that is known.
    pub sure: Option<Timestamp>,
}

/// Something that a list could tell and no list of the source does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct MissingColumn {
    /// The list: `VMs`, `datastores`, `disks` …
    pub list: String,
    /// What it does not tell, with the names of columns that do.
    pub column: String,
    /// What that costs in verdicts.
    pub cost: String,
}

/// What exports say of files without saying whose they are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Observations {
    /// Files that clients of a share have open.
    pub open_files: Vec<OpenFile>,
    /// Files on datastores, as a listing gave them.
    pub files: Vec<DatastoreFile>,
    /// VMs that an access control list of a file names.
    pub grants: Vec<VmGrant>,
    /// Disks whose access control list names no VM.
    pub ungranted: Vec<UngrantedDisk>,
    /// Compute systems that a Windows host has: running VMs and containers, whoever manages them.
    pub compute_systems: Vec<ComputeSystem>,
    /// What another tool thinks of a file.
    pub findings: Vec<ForeignFinding>,
    /// Other names of folders and volumes: shares, paths of a namespace, drive letters.
    pub other_names: Vec<OtherName>,
    /// Disks with their parents.
    pub parents: Vec<ToldParent>,
}

/// A disk that depends on another one, as `Get-VHD` or a list of SCVMM says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ToldParent {
    /// Path of the parent as written.
    pub parent: String,
    /// Path of the disk that depends on it, as written.
    pub child: String,
    /// Host whose paths they are, where the row says so.
    pub host: Option<String>,
    /// Where in the export.
    pub row: String,
}

/// Two names of one folder or volume.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct OtherName {
    /// Path of the folder or volume, on `host` where it is a local one.
    pub path: String,
    /// Its other name: `\\server\share`, a path of a namespace, `\\?\Volume{…}\`.
    pub name: String,
    /// Host whose path it is.
    pub host: Option<String>,
}

/// A file that somebody has open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct OpenFile {
    /// Path as written, on the host.
    pub path: String,
    /// Client that has it open.
    pub client: Option<String>,
    /// User in whose name.
    pub user: Option<String>,
    /// Host whose path it is.
    pub host: Option<String>,
    /// The path below the share through which it is open, as written.
    #[serde(default)]
    pub share_path: Option<String>,
    /// Where in the export.
    pub row: String,
}

/// A VM or container that the Host Compute Service of a Windows host has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ComputeSystem {
    /// Its id, lower-case: of a VM of Hyper-V that of the VM, of a container often no GUID.
    pub id: String,
    /// `VM` or `Container`, as written.
    pub kind: String,
    /// State as written.
    pub state: String,
    /// Who had it made, as written (`VMMS`, `WSL`, `docker` …).
    pub owner: Option<String>,
    /// Where in the export.
    pub row: String,
}

/// A file of a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct DatastoreFile {
    /// `[label] path`.
    pub path: String,
    /// Size in bytes, where it is told.
    pub size_bytes: Option<u64>,
    /// Time of its last change, where it is told.
    pub modified: Option<Timestamp>,
}

/// A VM that has rights on a file: it is or was one of its files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct VmGrant {
    /// Path as written, mostly relative to the folder of which the list was saved.
    pub path: String,
    /// Id of the VM.
    pub vm: Uuid,
    /// Where in the export.
    pub row: String,
}

/// A disk on which no VM has rights: it was never one of a VM, or its list was lost when it was copied.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct UngrantedDisk {
    /// Path as written, mostly relative to the folder of which the list was saved.
    pub path: String,
    /// Where in the export.
    pub row: String,
}

/// What another tool says of a file. It is a second opinion, not evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ForeignFinding {
    /// Path as written.
    pub path: String,
    /// Kind, as written (`Zombie`, `Foldername` …).
    pub kind: String,
    /// Its sentence.
    pub message: String,
    /// Where in the export.
    pub row: String,
}

/// One VM or template as one inventory lists it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Registration {
    /// Name as listed, escapes undone.
    pub name: String,
    /// VMware: managed object reference (`vm-68`). ESXi: Vmid.
    pub moref: Option<String>,
    /// VMware: instance UUID; Hyper-V: VM id.
    pub instance_id: Option<Uuid>,
    /// VMware: BIOS UUID.
    pub bios_id: Option<Uuid>,
    /// Host or node on which it is registered: local paths belong to it.
    pub host: Option<String>,
    /// Template.
    pub template: bool,
    /// SRM placeholder.
    pub placeholder: bool,
    /// Clustered (Hyper-V).
    pub clustered: bool,
    /// Power or VM state as written.
    pub state: Option<String>,
    /// Connection state as written (`connected`, `inaccessible`, `invalid`, `orphaned` …).
    pub connection: Option<String>,
    /// False when the export has no configuration of this VM (inaccessible, invalid): its disks are not known.
    pub has_configuration: bool,
    /// How much of what it refers to is listed.
    pub listing: Listing,
    /// Path of the configuration file as written.
    pub config: Option<String>,
    /// Every file that the row names, with its role.
    pub files: Vec<ListedFile>,
    /// The ids of its disks by their paths as written, lower-case hex without hyphens. VMware: `ddb.uuid`, `backing.uuid`; Hyper-V:
    /// `DiskIdentifier` of `Get-VHD`, which stands in the file, and which copies and children share.
    pub disk_ids: BTreeMap<String, String>,
    /// Its disks of which a list of chains tells every parent, or that there is none, as written.
    pub told_disks: Vec<String>,
    /// Folders that it keeps files in, as written (log, snapshot, suspend, Hyper-V locations).
    pub folders: Vec<String>,
    /// Checkpoints (Hyper-V): id and type.
    pub checkpoints: Vec<Checkpoint>,
    /// A list of its snapshots or checkpoints was given, perhaps an empty one. Hyper-V: and each of them has an id.
    #[serde(default)]
    pub checkpoints_told: bool,
    /// Hyper-V: the export has a column for the checkpoint that it runs on, so that one without has none.
    #[serde(default)]
    pub tells_parent_checkpoint: bool,
    /// It has snapshots or checkpoints according to the export, or may have some while a list of them failed.
    pub has_snapshots: bool,
    /// Disks without a file: pass-through disks (`Disk 3 100.00 GB …`).
    pub fileless_disks: Vec<String>,
    /// Hyper-V: the mode of its replication as written, `None` or `0` where it has none; `null` when that is not told.
    pub replication: Option<String>,
    /// Hyper-V: its disks were being moved, or its status is in a language in which nobody can say whether they were.
    #[serde(default)]
    pub moves_storage: bool,
    /// Hyper-V: its replication waits for the first copy, or is in it (`ReplicationState`).
    pub awaits_copy: bool,
    /// Folder of the inventory in which it stands, as written: a path or a name. It holds no files.
    pub inventory_folder: Option<String>,
    /// Who answers for it, as somebody noted in a custom attribute.
    pub noted_owner: Option<String>,
    /// Notes or annotation.
    pub notes: Option<String>,
    /// Where in the export: sheet and row, element, index. For reasons.
    pub row: String,
}

/// How much of what a VM refers to its row lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Listing {
    /// Only where its configuration is.
    #[default]
    ConfigOnly,
    /// The configuration and the disks as attached now: no parents, no snapshots.
    LeafDisks,
    /// Whole chains and all other files (`LayoutEx`).
    WholeChains,
}

/// A file that a registration names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListedFile {
    /// Path as written.
    pub path: String,
    /// What it is for.
    pub role: Role,
    /// Size that the inventory gives, bytes.
    pub size_bytes: Option<u64>,
}

impl Registration {
    /// Hyper-V: whether its replication has a mode; `None` when that is not told.
    pub fn is_replicated(&self) -> Option<bool> {
        self.replication.as_deref().map(hyperv::is_replicated)
    }
}

/// A checkpoint of a Hyper-V VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoint {
    /// Its id: the name of its configuration file.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// `SnapshotType` as written.
    pub kind: Option<String>,
    /// Its disks are listed among the files.
    pub has_disks: bool,
    /// When it was taken.
    pub created: Option<Timestamp>,
}

/// A registered object that is no VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegisteredObject {
    /// Class of the verdict `service`: `fcd`, `cns-volume`, `content-library` …
    pub class: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// File or folder as written; `None` when only the id is known.
    pub path: Option<String>,
    /// `path` is a folder: everything in it belongs to the object.
    pub folder: bool,
    /// Where in the export.
    pub row: String,
}

/// A VM of the cluster's resource list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterVm {
    /// VM id.
    pub id: Uuid,
    /// Name of the resource or group.
    pub name: String,
    /// `VmStoreRootPath`.
    pub root: Option<String>,
    /// State as written.
    pub state: Option<String>,
}

/// A datastore or volume that an inventory lists.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DatastoreRecord {
    /// Its label.
    pub name: String,
    /// Managed object reference.
    pub moref: Option<String>,
    /// Every other name: URL, mount path, UUID path, volume GUID path, share, remote path. As written.
    pub aliases: Vec<String>,
    /// Type as written (`VMFS`, `NFS`, `vsan`, `CSVFS` …).
    pub kind: Option<String>,
    /// Names of the hosts that mount it, as far as listed.
    pub hosts: Vec<String>,
    /// Number of hosts when only that is given.
    pub host_count: Option<u64>,
    /// Number of VMs on it according to the export.
    pub vm_count: Option<u64>,
    /// Host whose local path names it (`D:\` of one node); `None` for shared storage.
    pub local_to: Option<String>,
    /// Capacity in bytes.
    pub capacity_bytes: Option<u64>,
    /// Free space in bytes.
    pub free_bytes: Option<u64>,
}

impl DatastoreRecord {
    /// Adds another name unless it is blank, the label itself or known.
    pub(crate) fn add_alias(&mut self, alias: &str) {
        let alias = alias.trim();
        if !alias.is_empty() && alias != self.name && !self.aliases.iter().any(|known| known == alias) {
            self.aliases.push(alias.to_owned());
        }
    }
}

/// A host or node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HostRecord {
    /// Its name.
    pub name: String,
    /// Managed object reference.
    pub moref: Option<String>,
    /// Number of VMs that the export says it has.
    pub vm_count: Option<u64>,
    /// UUID of its hardware: the name of its dumps on a datastore.
    pub uuid: Option<Uuid>,
}

impl InventoryWarning {
    /// One that keeps "nobody" from being said.
    pub(crate) fn capping(code: &str, text: impl Into<String>) -> Self {
        Self {
            caps: true,
            ..Self::note(code, text)
        }
    }

    /// One that is only worth knowing.
    pub(crate) fn note(code: &str, text: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            text: text.into(),
            caps: false,
            pattern: None,
            unlisted: None,
        }
    }

    /// One about a damaged path: what fits the pattern may be meant by it.
    pub(crate) fn damaged_path(code: &str, pattern: String, text: impl Into<String>) -> Self {
        Self {
            pattern: Some(pattern),
            ..Self::capping(code, text)
        }
    }
}

/// Something odd or missing in an export.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct InventoryWarning {
    /// Stable code, e.g. `truncated`, `no-vdisk-tab`, `depth-truncated`, `lossy-encoding`, `vm-count-mismatch`.
    pub code: String,
    /// One sentence, with what would settle it.
    pub text: String,
    /// VMs may be missing, so that "nobody" cannot be said where this inventory speaks.
    pub caps: bool,
    /// A damaged path that stands for files which match it (`?` is one unknown character): only these are capped.
    pub pattern: Option<String>,
    /// So many VMs that a host counts are not listed, where that is what it tells.
    pub unlisted: Option<u64>,
}
