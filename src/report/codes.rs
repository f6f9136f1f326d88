//! The closed lists of the report: classes, reason codes, problem codes. The JSON Schema is made from them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[doc = $doc])+ #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// The name in JSON and everywhere else.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What it says, in one sentence that names nobody.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)* }.trim_start()
            }
        }
    };
}

codes! {
    /// Which situation a verdict describes (`knowledge/traps-vmware.md`, *Classes*).
    Class {
        /// A template.
        Template = "template",
        /// An SRM placeholder.
        PlaceholderVm = "placeholder-vm",
        /// A registered VM that nobody has used for long.
        IdleVm = "idle-vm",
        /// A template that nobody uses.
        UnusedTemplate = "unused-template",
        /// A parent without children.
        UnusedParent = "unused-parent",
        /// A CD or floppy image.
        Media = "media",
        /// Logs, cores, dumps.
        Diagnostic = "diagnostic",
        /// An extent whose descriptor is gone.
        HeadlessExtent = "headless-extent",
        /// A descriptor whose extent is gone.
        DanglingDescriptor = "dangling-descriptor",
        /// A checkpoint of a backup that was never merged.
        UnmergedBackupCheckpoint = "unmerged-backup-checkpoint",
        /// A whole VM that nobody runs.
        CompleteVm = "complete-vm",
        /// A Hyper-V VM that its hosts have lost.
        LostRegistration = "lost-registration",
        /// A VM whose configuration survives only as a backup copy.
        TornVm = "torn-vm",
        /// A copy or export of a registered VM.
        ExportCopy = "export-copy",
        /// What replication left behind.
        ReplicaLeftover = "replica-leftover",
        /// A planned VM of a failed import.
        StalePlanned = "stale-planned",
        /// First Class Disk.
        Fcd = "fcd",
        /// CNS volume.
        CnsVolume = "cns-volume",
        /// Volume of Kubernetes.
        KubernetesVolume = "kubernetes-volume",
        /// Volume of Docker.
        DockerVolume = "docker-volume",
        /// Content library item.
        ContentLibrary = "content-library",
        /// vSphere Replication target.
        VsphereReplication = "vsphere-replication",
        /// Copy kept by another replication product.
        ReplicaCopy = "replica-copy",
        /// Hyper-V Replica.
        HypervReplica = "hyper-v-replica",
        /// Image cache of a cloud platform.
        ImageCache = "image-cache",
        /// Cinder volume.
        CinderVolume = "cinder-volume",
        /// BOSH persistent disk.
        BoshDisk = "bosh-disk",
        /// CloudStack volume.
        CloudstackVolume = "cloudstack-volume",
        /// Disk that outlives its VM by design.
        IndependentDisk = "independent-disk",
        /// Agent or appliance VM.
        AgentVm = "agent-vm",
        /// Golden image.
        GoldenImage = "golden-image",
        /// Citrix MCS base disk.
        McsBase = "mcs-base",
        /// Image library.
        ImageLibrary = "image-library",
        /// App Volumes.
        AppVolumes = "app-volumes",
        /// Live mount of a backup product.
        LiveMount = "live-mount",
        /// FSLogix container.
        Fslogix = "fslogix",
        /// RDS user profile disk.
        UserProfileDisk = "user-profile-disk",
        /// App attach image.
        AppAttach = "app-attach",
        /// Citrix PVS store.
        PvsStore = "pvs-store",
        /// Backup target.
        BackupTarget = "backup-target",
        /// iSCSI LUN.
        IscsiLun = "iscsi-lun",
        /// WSL disk.
        Wsl = "wsl",
        /// Docker Desktop disk.
        DockerDesktop = "docker-desktop",
        /// Container layer.
        ContainerLayer = "container-layer",
        /// Azure Local disk, image or infrastructure.
        AzureLocal = "azure-local",
        /// VHD mounted by a host.
        MountedVhd = "mounted-vhd",
        /// Template of a shielded VM.
        ShieldedTemplate = "shielded-template",
        /// Matched by a rule of the user.
        CustomRule = "custom-rule",
        /// VMFS metadata.
        VmfsMetadata = "vmfs-metadata",
        /// High availability.
        Ha = "ha",
        /// Storage I/O control.
        Sioc = "sioc",
        /// Service files of the datastore.
        DatastoreService = "datastore-service",
        /// Scratch of a host.
        HostScratch = "host-scratch",
        /// ESX service console.
        LegacyConsole = "legacy-console",
        /// Store of a Hyper-V host.
        HostStore = "host-store",
        /// Configuration of a cluster.
        ClusterConfig = "cluster-config",
        /// Locked.
        Locked = "locked",
        /// Changed between two looks of one scan.
        ChangedDuringScan = "changed-during-scan",
        /// Open log or unclean mark.
        OpenLog = "open-log",
        /// Written since the inventory.
        WrittenSinceInventory = "written-since-inventory",
        /// Others depend on it.
        HasChildren = "has-children",
        /// Its descriptor forbids deletion.
        ProtectedByDescriptor = "protected-by-descriptor",
        /// A list of vSphere HA names its VM.
        HaProtected = "ha-protected",
        /// Deleted but still open.
        OpenDeleted = "open-deleted",
        /// Disk of a VM that is gone.
        DeletedVmDisk = "deleted-vm-disk",
        /// A snapshot link that no chain of a VM reaches.
        StrandedSnapshot = "stranded-snapshot",
        /// The source copy of a migration.
        MigrationLeftover = "migration-leftover",
        /// A small file whose disk or VM is gone.
        LeftoverSidecar = "leftover-sidecar",
        /// Swap, saved or guest state whose VM is gone.
        LeftoverState = "leftover-state",
        /// A lock without target.
        StaleLock = "stale-lock",
        /// A volume that its catalogue has lost.
        LeakedVolume = "leaked-volume",
        /// A library file that the library does not list.
        LibraryLeftover = "library-leftover",
        /// A raw device map that no VM uses.
        RdmPointer = "rdm-pointer",
        /// Scratch of a host that is gone.
        HostLeftover = "host-leftover",
        /// A configuration that a newer one replaced.
        SupersededConfig = "superseded-config",
        /// In a recycle bin.
        RecycleBin = "recycle-bin",
        /// No inventory, or not all of them, would know the owner.
        NoCoverage = "no-coverage",
        /// Newer than the inventory, or at its place only since.
        TooNew = "too-new",
        /// A configuration that may own it cannot be read.
        OwnerUnreadable = "owner-unreadable",
        /// Which datastore the root is cannot be told.
        AmbiguousDatastore = "ambiguous-datastore",
        /// A reference fits several files.
        AmbiguousReference = "ambiguous-reference",
        /// What decides lies outside the scan.
        OutsideScan = "outside-scan",
        /// A service known on the site was not asked.
        ServiceUnlisted = "service-unlisted",
        /// On a datastore that holds replicas.
        ReplicaDatastore = "replica-datastore",
        /// Damaged.
        Damaged = "damaged",
        /// Of another hypervisor.
        Foreign = "foreign",
        /// A disk in a form for transport.
        TransportImage = "transport-image",
        /// Renamed in the way of ransomware.
        SuspiciousRename = "suspicious-rename",
        /// A merge is or may be running.
        MergePending = "merge-pending",
        /// Cannot be read.
        Unreadable = "unreadable",
        /// Interrupted before it was judged.
        Interrupted = "interrupted",
    }
}

codes! {
    /// Why a verdict was given, or what a gap is about.
    ReasonCode {
        /// An inventory registers the VM that this belongs to.
        RegisteredVm = "registered-vm",
        /// A cluster lists the VM that this belongs to.
        ClusterVm = "cluster-vm",
        /// An inventory lists this very file.
        ListedByInventory = "listed-by-inventory",
        /// A file names this one.
        ReferencedBy = "referenced-by",
        /// It belongs to another artifact by its name.
        CompanionOf = "companion-of",
        /// The registered configuration is missing; this lies beside its place.
        BesideGhost = "beside-ghost",
        /// Only the letter case of the reference differs.
        ProbableMatch = "probable-match",
        /// Found by the id that the child quotes, not by a path.
        FoundByIdentity = "found-by-identity",
        /// The VM was found by its id at another place than registered.
        ConfigMoved = "config-moved",
        /// A service lists it.
        ServiceObject = "service-object",
        /// An owner rule matches.
        OwnerRule = "owner-rule",
        /// The descriptor carries the id of a First Class Disk.
        FirstClassDisk = "first-class-disk",
        /// It has the verdict of another artifact that it belongs to or that depends on it.
        FollowsArtifact = "follows-artifact",
        /// A lock on it.
        Lock = "lock",
        /// Somebody held it when it was read.
        SharingViolation = "sharing-violation",
        /// Its log is open.
        OpenLog = "open-log",
        /// Its unclean mark is set.
        UncleanMark = "unclean-mark",
        /// It changed between two looks of one scan.
        ChangedDuringScan = "changed-during-scan",
        /// Written since the inventory, and older than it.
        WrittenSinceInventory = "written-since-inventory",
        /// A list of vSphere HA names it.
        HaProtected = "ha-protected",
        /// Its descriptor forbids deletion.
        ProtectedByDescriptor = "protected-by-descriptor",
        /// Disks depend on it.
        HasChildren = "has-children",
        /// No VM configuration and no disk on the scanned roots names it.
        NoReference = "no-reference",
        /// No inventory registers it.
        NotRegistered = "not-registered",
        /// Which inventories were consulted.
        InventoriesConsulted = "inventories-consulted",
        /// Left by a migration, an import or a replication that ended.
        LeftBehind = "left-behind",
        /// What it belonged to is gone.
        TargetGone = "target-gone",
        /// Its parent is another file.
        DifferencingDisk = "differencing-disk",
        /// It was written after its parent.
        NewerThanParent = "newer-than-parent",
        /// The same disk at another place is in use, or another descriptor names its extent.
        TwinInUse = "twin-in-use",
        /// A disk of the same identity and other content is in use at another place.
        OlderCopy = "older-copy",
        /// Many disks and no VM lie in one folder: perhaps the store of a product.
        ProductStore = "product-store",
        /// The datastore holds what an array or SRM replicates.
        ReplicaDatastore = "replica-datastore",
        /// Another tool has an opinion of it.
        SecondOpinion = "second-opinion",
        /// It may be the same file as one that is needed, seen through another root.
        PerhapsSameFile = "perhaps-same-file",
        /// A VM with the same id is registered at another place.
        SameIdRegistered = "same-id-registered",
        /// Newest change.
        LastWritten = "last-written",
        /// A second look found it as it was.
        Unchanged = "unchanged",
        /// Whose it was, as far as files tell that were written while it was used.
        LastOwner = "last-owner",
        /// The access list of the file names a VM.
        AccessList = "access-list",
        /// An earlier state of a configuration names it.
        EarlierConfig = "earlier-config",
        /// A host has a compute system of this id.
        ComputeSystem = "compute-system",
        /// Whose it was, as far as a name or place tells.
        LastOwnerHint = "last-owner-hint",
        /// A raw device map: the data are elsewhere.
        RawDeviceMap = "raw-device-map",
        /// A form of disk that is made for transport.
        TransportForm = "transport-form",
        /// Made by another hypervisor.
        ForeignCreator = "foreign-creator",
        /// Media are never orphaned.
        MediaFile = "media-file",
        /// In a recycle bin.
        InRecycleBin = "in-recycle-bin",
        /// The name has a foreign extension behind a known one.
        SuspiciousName = "suspicious-name",
        /// The file is damaged.
        Damaged = "damaged",
        /// The file could not be read.
        Unreadable = "unreadable",
        /// The chain runs in a circle.
        ChainCycle = "chain-cycle",
        /// The signs of use that files show were asked for, and none was found.
        NoSignOfUse = "no-sign-of-use",
        /// Something could not be checked, so that the confidence is lower.
        NotChecked = "not-checked",
        /// A merge may be running.
        MergePending = "merge-pending",
        /// Holds the key of an encrypted disk.
        VirtualTpm = "virtual-tpm",
        /// Part of a VM that is not attached any more.
        WeakReference = "weak-reference",
        /// No inventory covers the datastore.
        NoInventory = "no-inventory",
        /// Which datastore the root is cannot be told.
        AmbiguousDatastore = "ambiguous-datastore",
        /// Newer than the inventory, or at its place only since.
        TooNew = "too-new",
        /// A host that mounts the datastore has no inventory.
        HostWithoutInventory = "host-without-inventory",
        /// A lock names a host that no inventory knows.
        LockOfUnknownHost = "lock-of-unknown-host",
        /// HA protects a VM that no inventory registers.
        HaVmUnregistered = "ha-vm-unregistered",
        /// The registration list of a host names a VM that no inventory registers.
        HostStoreNames = "host-store-names",
        /// A VM that no inventory registers was in use when they were taken.
        UnknownVmInUse = "unknown-vm-in-use",
        /// A node of the cluster has no inventory.
        NodeWithoutInventory = "node-without-inventory",
        /// The cluster lists a VM that no node's export has.
        ClusterVmWithoutRow = "cluster-vm-without-row",
        /// An export is truncated, lossy, empty or failed.
        InventoryIncomplete = "inventory-incomplete",
        /// A newer export of the same source does not list the VM.
        NotInNewerExport = "not-in-newer-export",
        /// A damaged path in an export fits.
        InventoryLossy = "inventory-lossy",
        /// A folder was not read.
        FolderUnreadable = "folder-unreadable",
        /// The root was read by several runs, one after the other.
        ReadInParts = "read-in-parts",
        /// The root is another root, or lies in one.
        RootsOverlap = "roots-overlap",
        /// A configuration was not read.
        OwnerUnreadable = "owner-unreadable",
        /// A disk whose parent may lie here was not read.
        DiskUnreadable = "disk-unreadable",
        /// What would tell the rest of a VM lies outside the scan.
        OutsideScan = "outside-scan",
        /// Checkpoints are listed without their disks.
        CheckpointsWithoutDisks = "checkpoints-without-disks",
        /// A datastore that an inventory knows was not scanned.
        DatastoreNotScanned = "datastore-not-scanned",
        /// Clustered VMs without the cluster's resource list.
        NoClusterList = "no-cluster-list",
        /// The user declared that the inventories are all there are.
        AssumedComplete = "assumed-complete",
        /// Disks without a file cannot be assessed.
        FilelessDisks = "fileless-disks",
        /// Objects of vSAN and virtual volumes: a disk has its data in one, and those without a file cannot be seen.
        VsanObjects = "vsan-objects",
        /// The run was interrupted before this was judged.
        Interrupted = "interrupted",
    }
}

codes! {
    /// What is wrong.
    ProblemCode {
        /// A registration whose files are not there.
        Ghost = "ghost",
        /// A registered VM misses a disk.
        MissingDisk = "missing-disk",
        /// A registered VM misses another file that it names.
        MissingFile = "missing-file",
        /// A chain with a hole.
        BrokenChain = "broken-chain",
        /// The parent is not the one that the child was made on.
        ParentMismatch = "parent-mismatch",
        /// The links of a chain have different sizes.
        ChainSizeMismatch = "chain-size-mismatch",
        /// A chain runs in a circle.
        ChainCycle = "chain-cycle",
        /// A descriptor without its extent.
        DanglingDescriptor = "dangling-descriptor",
        /// An extent without its descriptor.
        HeadlessExtent = "headless-extent",
        /// An extent shorter than its descriptor says.
        ExtentSizeMismatch = "extent-size-mismatch",
        /// A registered VM was found at another place than registered.
        ConfigMoved = "config-moved",
        /// The configuration of a VM cannot be read.
        ConfigUnreadable = "config-unreadable",
        /// A VM runs on a checkpoint that no list knows.
        UnmergedCheckpoint = "unmerged-checkpoint",
        /// Snapshots need consolidation.
        NeedsConsolidation = "needs-consolidation",
        /// Two configurations or two disks carry one id.
        DuplicateIdentity = "duplicate-identity",
        /// An artifact contradicts its format.
        MalformedArtifact = "malformed-artifact",
        /// Names in the way of ransomware.
        SuspiciousRename = "suspicious-rename",
        /// A registered object of a service whose file is gone.
        ServiceGhost = "service-ghost",
        /// Two VMs name one disk, and not as shared.
        DoubleOwner = "double-owner",
        /// A VM names far more disks than VMs have.
        ManyDisks = "many-disks",
        /// The snapshot list and the disks that a VM runs on disagree.
        SnapshotMismatch = "snapshot-mismatch",
        /// A parent on which no disk depends.
        UnusedParent = "unused-parent",
        /// A First Class Disk that neither CNS nor Kubernetes claims.
        UnclaimedVolume = "unclaimed-volume",
        /// A chain of many links.
        DeepChain = "deep-chain",
        /// A snapshot or checkpoint that is kept for long.
        OldSnapshot = "old-snapshot",
        /// A CD or floppy image is attached to a VM.
        MountedIso = "mounted-iso",
        /// The disks of a VM lie on several datastores.
        SeveralDatastores = "several-datastores",
        /// A disk of a VM is a device behind a pointer, not a file.
        RawDeviceMap = "raw-device-map",
        /// A disk may be written by several VMs.
        SharedDisk = "shared-disk",
        /// Snapshots leave a disk out.
        IndependentDisk = "independent-disk",
        /// A VM or one of its disks is encrypted.
        Encrypted = "encrypted",
        /// A disk in the format before VHDX.
        VhdFormat = "vhd-format",
        /// A disk of a VM is a physical disk of its host.
        PassThroughDisk = "pass-through-disk",
        /// The log of a disk is open although nobody seems to use it.
        DirtyLog = "dirty-log",
        /// A disk whose creation or conversion was not finished.
        IncompleteDisk = "incomplete-disk",
        /// A VM holds saved memory.
        SavedState = "saved-state",
        /// The configuration of a VM has a version that newer hosts do not run.
        OldConfigVersion = "old-config-version",
        /// A VM in the store of Hyper-V Replica that is not replicated.
        FormerReplica = "former-replica",
        /// A list of the files on a datastore names disks or configurations that are not there.
        ListedFileGone = "listed-file-gone",
        /// A file of nobody has another size than a list of the files on its datastore says.
        ListedSizeDiffers = "listed-size-differs",
    }
}
