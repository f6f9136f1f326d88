//! Readers of the on-disk formats of VMware and Hyper-V: bytes in, typed facts out.
//!
//! No path is opened, nothing is printed, nothing is judged. Every reader takes `&[u8]` or [`ReadAt`] and [`Limits`],
//! checks before it believes, and returns facts with their anomalies, or a [`ParseError`] that names structure and
//! offset. A parser never opens a second file: which file a reference means is not decided here.
//!
//! | format | specification | module | what is read | sure |
//! |---|---|---|---|---|
//! | VMDK descriptor, KDMV, COWD, seSparse | *Virtual Disk Format 5.0*; qemu, libyal, dissect | [`vmdk`] | descriptor, headers, footer | S R T |
//! | `.vmx`, `.vmtx` | none; open-vm-tools, libvirt | [`vmx`], [`dictionary`] | identity, devices, files | R T |
//! | `.vmsd` | none; pyvmomi, virt-v2v | [`vmsd`] | snapshots, their disks, clones | R T |
//! | `.vmxf` | none | [`vmxf`] | id and path of the VM, other elements | R |
//! | `.vmsn`, `.vmss` | none; dissect, volatility | [`vmstate`] | groups, embedded configuration | T R |
//! | `vmware.log` | none; VMware KB 345254 | [`vmware_log`] | program, configuration, host, disks, faults, end | R S |
//! | locks | VMware KB 340515; open-vm-tools | [`vmware_lock`] | file id, host, process | S T |
//! | lists of vSphere HA, groups of vSphere Replication | none | [`ha_list`], [`hbr_group`] | paths | A |
//! | NVRAM | none | [`nvram`] | signature | R |
//! | HyperVStorage | openvmm `hvs_file/FORMAT.md`; dissect | [`vmcx`], [`hyperv_config`] | log, tables, tree of keys, its typed view | R T |
//! | Hyper-V XML | none | [`hyperv_xml`] | the same tree | R |
//! | VHDX | MS-VHDX | [`vhdx`] | headers, log, regions, metadata, parent | S R |
//! | VHD | *Virtual Hard Disk Image Format*; qemu, libyal | [`vhd`] | footers, dynamic header, parent | S R T |
//! | VMGS | openvmm `vm/vmgs` | [`vmgs`] | headers, list of files | T |
//! | VHD Set | none | [`vhds`] | names in it | A |
//! | replica logs | MS-HRL | [`hrl`] | header | S A |
//! | CD images | ECMA-119, ECMA-167, Joliet, El Torito | [`iso`] | labels, sizes, times | S R |
//! | OVF, OVA | DSP0243, POSIX tar | [`ovf`], [`ova`] | files, disks, systems, digests, members | S R |
//! | qcow2, VDI | qemu `docs/interop/qcow2.txt`; VirtualBox `VDICore.h` | [`qcow2`], [`vdi`] | headers, parents, snapshots, tables | S T R |
//! | MBR, GPT, FAT | UEFI 2.10, *FAT: General Overview* | [`partitions`], [`fat`] | partitions, labels | S R |
//! | registry hives | *Windows registry file format specification*; hivex, libregf | [`regf`] | keys, values | T R |
//! | Citrix vDisk properties | none | [`pvs`] | every value | A |
//!
//! How sure: S a published specification, R real files of the product, T independent readers or the source of one, A
//! assumed, and marked so where it stands.
//!
//! # Example
//!
//! What a snapshot disk of VMware needs besides itself:
//!
//! ```
//! use derelict_parsers::{Limits, reference::FileKind, vmdk};
//!
//! let text = "# Disk DescriptorFile\nversion=1\nCID=0000000b\nparentCID=0000000a\ncreateType=\"vmfsSparse\"\n\
//!             parentFileNameHint=\"db.vmdk\"\nRW 2048 VMFSSPARSE \"db-000001-delta.vmdk\"\n";
//! let disk = vmdk::read(text.as_bytes(), &Limits::default())?;
//! let named: Vec<_> = disk.references().into_iter().map(|file| (file.kind, file.value.to_string())).collect();
//! assert_eq!(
//!     named,
//!     [
//!         (FileKind::Parent, "db.vmdk".to_owned()),
//!         (FileKind::Extent, "db-000001-delta.vmdk".to_owned()),
//!     ]
//! );
//! # Ok::<(), derelict_parsers::ParseError>(())
//! ```
//!
//! Damage is told, not hidden:
//!
//! ```
//! use derelict_parsers::{Limits, ParseError, vhd};
//!
//! let error = vhd::read(&[0; 1024][..], &Limits::default()).unwrap_err();
//! assert!(matches!(error, ParseError::BadSignature { offset: 512, .. }));
//! assert_eq!(
//!     error.to_string(),
//!     "VHD footer at offset 0x200: bad signature (expected conectix, found 00 00 00 00 00 00 00 00)"
//! );
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice)
)]

pub mod bytes;
pub mod disk_kind;
pub mod error;
mod filetime;
mod findings;
pub mod limits;
pub mod read_at;
mod scan;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
pub mod text;
pub mod utf16;
pub mod windows_path;

// VMware
pub mod charset;
pub mod dictionary;
pub mod ha_list;
pub mod hbr_group;
pub mod nvram;
pub mod reference;
pub mod vmdk;
pub mod vmsd;
pub mod vmstate;
pub mod vmware_lock;
pub mod vmware_log;
pub mod vmx;
pub mod vmxf;

// Hyper-V
pub mod block_map;
pub mod guid;
pub mod hrl;
pub mod hyperv_config;
pub mod hyperv_xml;
pub mod vhd;
pub mod vhds;
pub mod vhdx;
pub mod vmcx;
pub mod vmgs;
mod window;

// What lies beside VMs
pub mod fat;
pub mod foreign;
pub mod iso;
pub mod ova;
pub mod ovf;
pub mod partitions;
pub mod pvs;
pub mod qcow2;
pub mod regf;
pub mod vdi;
mod xml;

pub use disk_kind::DiskKind;
pub use error::{Anomaly, ParseError, Result};
pub use limits::Limits;
pub use read_at::ReadAt;
pub use text::EncodedText;

/// The examples of the README have to compile.
#[cfg(all(doctest, unix))]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
