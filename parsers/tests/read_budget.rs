//! What the facts of a header cost: how many reads, and of how many bytes. On a share every read is a round trip. The
//! numbers stand in the README.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::cell::Cell;

use derelict_parsers::{
    DiskKind, Limits, ParseError, ReadAt, foreign, hrl, hyperv_config, iso, partitions, qcow2,
    testkit::{
        foreign as others, guid,
        hyperv_files::{HrlBuilder, VmgsBuilder},
        hyperv_vm::HypervVm,
        vhd::VhdBuilder,
        vhdx::{ParentPaths, VhdxBuilder, VhdxLog},
        vmware::{
            DescriptorBuilder, Grain, SparseBuilder, VmlogBuilder, VmsdBuilder, VmsnBuilder, VmxBuilder,
            change_tracking, cowd, sesparse, stream_optimized,
        },
    },
    vdi, vhd, vhdx, vmcx, vmdk, vmgs,
    vmsd::SnapshotList,
    vmstate::VmState,
    vmware_log::VmLog,
    vmx::VmxConfig,
};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Counts what is read of a source.
struct Counted<'a> {
    source: &'a dyn ReadAt,
    reads: Cell<u64>,
    bytes: Cell<u64>,
}

impl ReadAt for Counted<'_> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let got = self.source.read_at(offset, buffer)?;
        self.reads.set(self.reads.get() + 1);
        self.bytes.set(self.bytes.get() + u64::try_from(got).unwrap());
        Ok(got)
    }
}

/// Holds a reader to its budget: at most so many reads, and of so many bytes together.
fn within<T>(
    name: &str,
    source: &dyn ReadAt,
    budget: (u64, u64),
    read: impl Fn(&Counted<'_>) -> Result<T, ParseError>,
) {
    let counted = Counted {
        source,
        reads: Cell::new(0),
        bytes: Cell::new(0),
    };
    read(&counted).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (reads, bytes) = (counted.reads.get(), counted.bytes.get());
    assert!(reads <= budget.0, "{name}: {reads} reads of {bytes} bytes");
    assert!(bytes <= budget.1, "{name}: {bytes} bytes in {reads} reads");
}

#[test]
fn a_vmdk_costs_one_read_of_64_kib_and_one_of_a_footer() {
    let limits = Limits::default();
    let read = |source: &Counted<'_>| vmdk::read(source, &limits);
    let text = DescriptorBuilder::vmfs("web01", 1 << 21, 1, guid(1, 1)).build();
    within("descriptor", &text, (1, 64 * KIB), read);
    let embedded = DescriptorBuilder::embedded("monolithicSparse", "a.vmdk", 1 << 21, 1).build();
    let sparse = SparseBuilder::new(1 << 21)
        .descriptor(&embedded)
        .grain(3, Grain::Data)
        .build();
    within("monolithicSparse", &sparse, (1, 64 * KIB), read);
    let stream = stream_optimized(1 << 21, &embedded);
    within("streamOptimized", &stream, (2, 66 * KIB), read);
    let mut padded = stream.clone();
    padded.resize(stream.len() + (64 << 10), 0);
    within("streamOptimized with padding", &padded, (3, 194 * KIB), read);
    within("COWD", &cowd(1 << 21), (1, 64 * KIB), read);
    within("seSparse", &sesparse(1 << 26, false), (1, 64 * KIB), read);
    within("change tracking", &change_tracking(1 << 20), (1, 64 * KIB), read);
    within("flat extent", &vec![0_u8; 1 << 20], (1, 64 * KIB), read);
}

#[test]
fn a_text_file_of_a_vm_is_read_once() {
    let limits = Limits::default();
    let vmx = VmxBuilder::new("web 01", "web01").build();
    within("configuration", &vmx, (1, limits.text_bytes), |source| {
        VmxConfig::read(source, &limits)
    });
    let list = VmsdBuilder::default().build();
    within("snapshot list", &list, (1, limits.text_bytes), |source| {
        SnapshotList::read(source, &limits)
    });
    let log = VmlogBuilder::new("esx", "/vmfs/volumes/a/a.vmx").build();
    within("log", &log, (2, 2 * MIB), |source| VmLog::read(source));
    let state = VmsnBuilder::new(vmx, guid(1, 1)).build();
    within("snapshot state", &state, (10, 64 * KIB), |source| {
        VmState::read(source, &limits)
    });
}

#[test]
fn a_vhdx_costs_its_headers_and_its_metadata_and_an_open_log() {
    let limits = Limits::default();
    let read = |source: &Counted<'_>| vhdx::read(source, &limits);
    let base = VhdxBuilder::new(DiskKind::Dynamic, 64 * MIB, 1);
    within("dynamic", &base.build(), (2, 392 * KIB), read);
    let paths = ParentPaths {
        relative: r".\base.vhdx",
        absolute: r"C:\VMs\base.vhdx",
        volume: r"\\?\Volume{11111111-2222-3333-4444-555555555555}\VMs\base.vhdx",
    };
    let child = VhdxBuilder::child_of(&base, paths, 2);
    within("differencing", &child.build(), (2, 392 * KIB), read);
    let logged = VhdxBuilder {
        log: VhdxLog::HoldsMetadata(guid(1, 9)),
        ..child
    };
    within("open log", &logged.build(), (3, 392 * KIB + MIB), read);
}

#[test]
fn a_vhd_costs_its_footer_and_what_a_dynamic_one_adds() {
    let limits = Limits::default();
    let read = |source: &Counted<'_>| vhd::read(source, &limits);
    let fixed = VhdBuilder::new(DiskKind::Fixed, MIB, 1);
    within("fixed", &fixed.build(), (1, 64 * KIB), read);
    let base = VhdBuilder::new(DiskKind::Dynamic, 64 * MIB, 1);
    within("dynamic", &base.build(), (3, 64 * KIB), read);
    let child = VhdBuilder::child_of(&base, r".\base.vhd", r"C:\VMs\base.vhd", 2);
    within("differencing", &child.build(), (3, 64 * KIB), read);
}

#[test]
fn a_configuration_of_hyperv_is_read_once() {
    let limits = Limits::default();
    let vm = HypervVm::new("vm", guid(1, 1)).to_vmcx();
    within("tree of keys", &vm, (1, 256 * KIB), |source| {
        vmcx::read(source, &limits)
    });
    within("configuration", &vm, (1, 256 * KIB), |source| {
        hyperv_config::read_container(source, &limits)
    });
    within("guest state", &VmgsBuilder::new(1).build(), (3, 64 * KIB), |source| {
        vmgs::read(source, &limits)
    });
    within("replica log", &HrlBuilder::new(1).bytes(), (2, 64 * KIB), |source| {
        hrl::read(source)
    });
}

#[test]
fn what_lies_beside_vms_costs_little() {
    let limits = Limits::default();
    let image = others::qcow2_image(1 << 30, "base.qcow2", &["one", "two"]);
    within("qcow2", &image, (3, 129 * KIB), |source| qcow2::read(source, &limits));
    let image = others::vdi_image(1 << 30, guid(1, 1), guid(1, 2));
    within("VDI", &image, (1, 64 * KIB), |source| vdi::read(source));
    within("ISO", &others::iso("label", MIB), (2, 64 * KIB), |source| {
        iso::read(source)
    });
    within("GPT", &others::gpt_disk(guid(1, 1)), (5, 64 * KIB), |source| {
        partitions::read(source)
    });
    within("unknown", &vec![7_u8; 1 << 20], (3, 64 * KIB), |source| {
        foreign::read(source, &limits)
    });
}
