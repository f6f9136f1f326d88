//! Kinds of artifacts and roles of references: the closed lists that report, catalogue and schema share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an artifact is, by content where that tells, by name where it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// VM configuration.
    Vmx,
    /// Template configuration.
    Vmtx,
    /// Extended configuration (XML).
    Vmxf,
    /// Snapshot list.
    Vmsd,
    /// VMDK text descriptor.
    VmdkDescriptor,
    /// Flat extent.
    VmdkFlat,
    /// Hosted sparse extent (KDMV).
    VmdkSparse,
    /// Snapshot extent of VMFS-5 and NFS (COWD).
    VmdkDelta,
    /// Snapshot extent of VMFS-6.
    #[serde(rename = "vmdk-sesparse")]
    VmdkSeSparse,
    /// streamOptimized disk of an OVF.
    VmdkStream,
    /// Raw device map pointer.
    VmdkRdm,
    /// Change tracking file.
    VmdkCtk,
    /// CBRC digest descriptor or extent.
    VmdkDigest,
    /// BIOS or EFI variables, or a data set store of the VM.
    Nvram,
    /// Guest or VMX process swap.
    Vswp,
    /// Snapshot state.
    Vmsn,
    /// Suspend state.
    Vmss,
    /// Memory image.
    Vmem,
    /// vSphere Replication: state of a source disk, group of a target. Also the sidecar of another I/O filter.
    Psf,
    /// `vmware.log` and its kin, dumps, scoreboards, migration logs.
    VmLog,
    /// Lock file or a member of a lock folder.
    VmLock,
    /// Hyper-V configuration.
    Vmcx,
    /// Hyper-V runtime state.
    Vmrs,
    /// Hyper-V guest state (UEFI, vTPM).
    Vmgs,
    /// Hyper-V configuration up to 2012 R2.
    HypervXml,
    /// VHD disk.
    Vhd,
    /// VHDX disk.
    Vhdx,
    /// Differencing VHD of a checkpoint.
    Avhd,
    /// Differencing VHDX of a checkpoint.
    Avhdx,
    /// VHD Set.
    Vhds,
    /// Resilient change tracking.
    Rct,
    /// Modified region table.
    Mrt,
    /// Replica log.
    Hrl,
    /// Replica undo log.
    Hru,
    /// Saved memory up to 2012 R2.
    Bin,
    /// Saved device state.
    Vsv,
    /// Smart paging file.
    Slp,
    /// Disk image of another hypervisor: qcow2, VDI.
    ForeignDisk,
    /// CD image.
    Iso,
    /// Floppy image.
    Floppy,
    /// OVF descriptor or manifest.
    Ovf,
    /// OVA package.
    Ova,
    /// A file of the datastore or the host itself.
    DatastoreSystem,
    /// Known only because a reference names it.
    Referenced,
}

/// What a reference says the file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The VM's configuration.
    Config,
    /// The extended configuration (`.vmxf`).
    ExtendedConfig,
    /// A disk: descriptor, VHD or VHDX.
    Disk,
    /// A data file of a descriptor.
    Extent,
    /// The parent of a differencing disk.
    Parent,
    /// Change tracking of a disk.
    ChangeTracking,
    /// CBRC digest of a disk.
    Digest,
    /// I/O filter or other small file that belongs to a disk.
    Sidecar,
    /// Replication state or log of a disk.
    ReplicationState,
    /// BIOS, EFI or guest state.
    Nvram,
    /// Guest swap, process swap, smart paging.
    Swap,
    /// Snapshot list (`.vmsd`).
    SnapshotList,
    /// Snapshot state: `.vmsn`, checkpoint configuration.
    SnapshotState,
    /// Suspend or saved state.
    SavedState,
    /// Memory image.
    Memory,
    /// CD or floppy image.
    Media,
    /// Log, statistics, dump.
    Log,
    /// Output file of a serial or parallel port.
    Port,
    /// A redo log that exists only while the VM runs.
    Redo,
    /// Lock of a file.
    Lock,
    /// A folder in which the VM keeps files.
    Folder,
    /// The VM from which this one was cloned, or a clone of it.
    Clone,
    /// Another file that the VM needs.
    Other,
}

impl Role {
    /// True for files that exist only in some states: their absence is no finding (design, *Coverage*).
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Swap
                | Self::SavedState
                | Self::Memory
                | Self::Log
                | Self::Port
                | Self::Redo
                | Self::Lock
                | Self::Folder
                | Self::Clone
        )
    }
}

/// How a kind was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The name alone: the format has no signature, or it was not readable.
    Name,
    /// The content alone: the name says nothing.
    Content,
    /// Name and content agree.
    Both,
    /// The content is of another kind than the name says; the content decides.
    Conflict,
}

/// Which virtualization platform a file or VM is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// VMware.
    Vmware,
    /// Hyper-V.
    Hyperv,
}

impl Platform {
    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Vmware => "VMware",
            Self::Hyperv => "Hyper-V",
        }
    }
}

impl Kind {
    /// The platform whose VMs write this kind; `None` for kinds of both or neither.
    pub fn platform(self) -> Option<Platform> {
        match self {
            Self::Vmcx
            | Self::Vmrs
            | Self::Vmgs
            | Self::HypervXml
            | Self::Vhd
            | Self::Vhdx
            | Self::Avhd
            | Self::Avhdx
            | Self::Vhds
            | Self::Rct
            | Self::Mrt
            | Self::Hrl
            | Self::Hru
            | Self::Bin
            | Self::Vsv
            | Self::Slp => Some(Platform::Hyperv),
            Self::ForeignDisk | Self::Iso | Self::Floppy | Self::DatastoreSystem | Self::Referenced => None,
            _ => Some(Platform::Vmware),
        }
    }

    /// True for the configuration of a VM or template.
    pub fn is_config(self) -> bool {
        matches!(self, Self::Vmx | Self::Vmtx | Self::Vmcx | Self::HypervXml)
    }

    /// True for a file that is (a link of) a virtual disk as a VM names it.
    pub fn is_disk(self) -> bool {
        matches!(
            self,
            Self::VmdkDescriptor
                | Self::VmdkSparse
                | Self::VmdkStream
                | Self::Vhd
                | Self::Vhdx
                | Self::Avhd
                | Self::Avhdx
                | Self::Vhds
        )
    }

    /// True for a data file that a descriptor names.
    pub fn is_extent(self) -> bool {
        matches!(
            self,
            Self::VmdkFlat | Self::VmdkSparse | Self::VmdkDelta | Self::VmdkSeSparse | Self::VmdkRdm
        )
    }
}
