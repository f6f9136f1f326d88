//! What has to hold of every input, for the fuzz targets and for the plain tests that replay their inputs.
//!
//! "It did not crash" is the least of it. Each check also holds the facts against the input: places and lengths inside
//! the file or an anomaly that says they are not, sums below lengths, every text found in the bytes that it came from,
//! facts that are the same when they are written anew and read again, the same through JSON, and answers and reads that
//! are bounded by a small multiple of the input and the limits.

pub(crate) mod container;
mod foreign;
mod image;
mod keys;
mod reseal;
pub(crate) mod seeds;
mod tables;
pub(crate) mod text;

use std::fmt::Debug;

use derelict_parsers::Limits;
use serde::{Serialize, de::DeserializeOwned};

/// One fuzz target: the name of its files, what it checks, and what it begins with.
pub(crate) struct Target {
    /// Name of the target, its corpus and its artifacts.
    pub(crate) name: &'static str,
    /// Panics where something does not hold.
    pub(crate) check: fn(&[u8]),
    /// Inputs made with the builders of the crate.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// The input for a sample, by its lower-case name; `None` where the sample is of another format.
    pub(crate) sample: fn(&str, &[u8]) -> Option<Vec<u8>>,
}

/// Every target.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "vhdx",
        check: container::vhdx,
        seeds: seeds::vhdx,
        sample: seeds::sample_vhdx,
    },
    Target {
        name: "vmcx",
        check: container::vmcx,
        seeds: seeds::vmcx,
        sample: seeds::sample_vmcx,
    },
    Target {
        name: "vhd",
        check: container::vhd,
        seeds: seeds::vhd,
        sample: seeds::sample_vhd,
    },
    Target {
        name: "vmdk",
        check: container::vmdk,
        seeds: seeds::vmdk,
        sample: seeds::sample_vmdk,
    },
    Target {
        name: "vmdk_sparse",
        check: container::vmdk_sparse,
        seeds: seeds::vmdk_sparse,
        sample: seeds::sample_sparse,
    },
    Target {
        name: "vmdk_cowd",
        check: container::vmdk_cowd,
        seeds: seeds::vmdk_cowd,
        sample: seeds::sample_cowd,
    },
    Target {
        name: "vmdk_sesparse",
        check: container::vmdk_sesparse,
        seeds: seeds::vmdk_sesparse,
        sample: seeds::sample_sesparse,
    },
    Target {
        name: "vmstate",
        check: container::vmstate,
        seeds: seeds::vmstate,
        sample: seeds::sample_none,
    },
    Target {
        name: "vmgs",
        check: container::vmgs,
        seeds: seeds::vmgs,
        sample: seeds::sample_vmgs,
    },
    Target {
        name: "vhds",
        check: container::vhds,
        seeds: seeds::vhds,
        sample: seeds::sample_none,
    },
    Target {
        name: "hrl",
        check: container::hrl,
        seeds: seeds::hrl,
        sample: seeds::sample_hrl,
    },
    Target {
        name: "vmdk_descriptor",
        check: text::descriptor,
        seeds: seeds::descriptor,
        sample: seeds::sample_descriptor,
    },
    Target {
        name: "vmx",
        check: text::vmx,
        seeds: seeds::vmx,
        sample: seeds::sample_vmx,
    },
    Target {
        name: "vmsd",
        check: text::vmsd,
        seeds: seeds::vmsd,
        sample: seeds::sample_vmsd,
    },
    Target {
        name: "vmxf",
        check: text::vmxf,
        seeds: seeds::vmxf,
        sample: seeds::sample_vmxf,
    },
    Target {
        name: "hyperv_xml",
        check: text::hyperv_xml,
        seeds: seeds::hyperv_xml,
        sample: seeds::sample_xml,
    },
    Target {
        name: "hyperv_config",
        check: keys::hyperv_config,
        seeds: seeds::hyperv_config,
        sample: seeds::sample_keys,
    },
    Target {
        name: "nvram",
        check: foreign::nvram,
        seeds: seeds::nvram,
        sample: seeds::sample_nvram,
    },
    Target {
        name: "vmware_log",
        check: text::vmware_log,
        seeds: seeds::vmware_log,
        sample: seeds::sample_log,
    },
    Target {
        name: "vmware_lock",
        check: text::vmware_lock,
        seeds: seeds::vmware_lock,
        sample: seeds::sample_none,
    },
    Target {
        name: "ha_list",
        check: text::ha_list,
        seeds: seeds::ha_list,
        sample: seeds::sample_none,
    },
    Target {
        name: "hbr_group",
        check: text::hbr_group,
        seeds: seeds::hbr_group,
        sample: seeds::sample_none,
    },
    Target {
        name: "names",
        check: text::names,
        seeds: seeds::names,
        sample: seeds::sample_none,
    },
    Target {
        name: "foreign",
        check: foreign::foreign,
        seeds: seeds::foreign,
        sample: seeds::sample_none,
    },
    Target {
        name: "qcow2",
        check: foreign::qcow2,
        seeds: seeds::qcow2,
        sample: seeds::sample_none,
    },
    Target {
        name: "vdi",
        check: foreign::vdi,
        seeds: seeds::vdi,
        sample: seeds::sample_none,
    },
    Target {
        name: "iso",
        check: foreign::iso,
        seeds: seeds::iso,
        sample: seeds::sample_none,
    },
    Target {
        name: "ova",
        check: foreign::ova,
        seeds: seeds::ova,
        sample: seeds::sample_none,
    },
    Target {
        name: "partitions",
        check: foreign::partitions,
        seeds: seeds::partitions,
        sample: seeds::sample_none,
    },
    Target {
        name: "fat",
        check: foreign::fat,
        seeds: seeds::fat,
        sample: seeds::sample_none,
    },
    Target {
        name: "ovf",
        check: foreign::ovf,
        seeds: seeds::ovf,
        sample: seeds::sample_none,
    },
    Target {
        name: "pvs",
        check: foreign::pvs,
        seeds: seeds::pvs,
        sample: seeds::sample_none,
    },
    Target {
        name: "regf",
        check: foreign::regf,
        seeds: seeds::regf,
        sample: seeds::sample_none,
    },
    Target {
        name: "vhd_tables",
        check: tables::vhd,
        seeds: seeds::vhd_tables,
        sample: seeds::sample_vhd,
    },
    Target {
        name: "vhdx_tables",
        check: tables::vhdx,
        seeds: seeds::vhdx_tables,
        sample: seeds::sample_vhdx,
    },
    Target {
        name: "qcow2_tables",
        check: tables::qcow2,
        seeds: seeds::qcow2_tables,
        sample: seeds::sample_none,
    },
    Target {
        name: "vdi_tables",
        check: tables::vdi,
        seeds: seeds::vdi_tables,
        sample: seeds::sample_none,
    },
    Target {
        name: "vmdk_tables",
        check: tables::vmdk,
        seeds: seeds::vmdk_tables,
        sample: seeds::sample_vmdk,
    },
];

/// The limits under which everything is checked: the ones of a scan.
fn limits() -> Limits {
    Limits::default()
}

/// The facts are the same after a way through JSON, and no longer than a multiple of what was read. Returns their JSON.
fn through_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(facts: &T, longest: usize) -> String {
    let json = serde_json::to_string(facts).expect("facts are JSON");
    assert!(
        json.len() <= longest,
        "{} bytes of JSON, more than {longest}",
        json.len()
    );
    let again: T = serde_json::from_str(&json).expect("JSON of facts is read");
    assert_eq!(&again, facts, "facts that went through JSON");
    json
}

/// How long the JSON of facts may be for an input of text: each value may stand in several facts, each byte of it as an
/// escape, and once more as base64.
fn longest_json(input: &[u8]) -> usize {
    input.len() * 64 + (64 << 10)
}

/// True where the bytes of a value stand in the input.
fn stands_in(input: &[u8], value: &[u8]) -> bool {
    value.is_empty() || input.windows(value.len()).any(|window| window == value)
}
