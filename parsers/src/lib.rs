//! Readers of the on-disk formats of VMware and Hyper-V: bytes in, typed facts out.
//!
//! No path is opened, nothing is printed, nothing is judged. Every reader takes `&[u8]` or [`ReadAt`] and [`Limits`],
//! checks before it believes, and returns facts with their anomalies, or a [`ParseError`] that names structure and
//! offset. A parser never opens a second file: which file a reference means is not decided here.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice)
)]

pub mod bytes;
pub mod disk_kind;
pub mod error;
mod findings;
pub mod limits;
pub mod read_at;
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
pub mod vdi;
mod xml;

pub use disk_kind::DiskKind;
pub use error::{Anomaly, ParseError, Result};
pub use limits::Limits;
pub use read_at::ReadAt;
pub use text::EncodedText;
