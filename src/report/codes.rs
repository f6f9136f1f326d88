//! The closed lists of the report: classes, reason codes, problem codes. The JSON Schema is made from them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// The name in JSON and everywhere else.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
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
        /// Open log or unclean mark.
        OpenLog = "open-log",
        /// Written since the inventory.
        WrittenSinceInventory = "written-since-inventory",
        /// Others depend on it.
        HasChildren = "has-children",
        /// Its descriptor forbids deletion.
        ProtectedByDescriptor = "protected-by-descriptor",
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
        /// Newer than the inventory.
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
    }
}

codes! {
    /// Why a verdict was given, or what a gap is about.
    ReasonCode {
        /// An inventory registers the VM that this belongs to.
        RegisteredVm = "registered-vm",
        /// An inventory lists this very file.
        ListedByInventory = "listed-by-inventory",
        /// A file names this one.
        ReferencedBy = "referenced-by",
        /// It belongs to another artifact by its name.
        CompanionOf = "companion-of",
        /// Placeholder until more codes are defined by the judge.
        Undecided = "undecided",
    }
}

codes! {
    /// What is wrong.
    ProblemCode {
        /// A registration whose files are not there.
        Ghost = "ghost",
        /// A chain with a hole.
        BrokenChain = "broken-chain",
        /// A descriptor without its extent.
        DanglingDescriptor = "dangling-descriptor",
    }
}
