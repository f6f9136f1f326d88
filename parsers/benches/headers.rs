//! What the facts of a file cost beside opening and reading it, in processor time.
//!
//! `cargo bench -p derelict-parsers --bench headers`; the numbers stand in the README; a word behind
//! `--` measures only what has it in its name. Beside the parsing of bytes in memory
//! stand an open, the reads that it makes and a close of the same file in the page cache; and what a scan does with each
//! file: openat, fstat, the first 64 KiB, the reads behind them, fstat, close.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]

mod clock;

use std::{cell::RefCell, fs::File, hint::black_box, io::Write, path::Path};

use derelict_parsers::{
    DiskKind, Limits, ReadAt, hyperv_config,
    testkit::{
        guid,
        hyperv_files::VmgsBuilder,
        hyperv_vm::HypervVm,
        vhd::VhdBuilder,
        vhdx::{ParentPaths, VhdxBuilder},
        vmware::{
            DescriptorBuilder, SparseBuilder, VmlogBuilder, VmsdBuilder, VmxBuilder, cowd, sesparse, stream_optimized,
        },
    },
    vhd, vhdx, vmcx, vmdk, vmgs,
    vmsd::SnapshotList,
    vmware_log::VmLog,
    vmx::VmxConfig,
};

use clock::{best_in_turn, say};

/// What a scan reads of a file before it knows what it is.
const HEAD_BYTES: usize = 64 << 10;

/// A source that notes where it was read, as places and lengths.
struct Noted<'a> {
    bytes: &'a [u8],
    reads: RefCell<Vec<(u64, usize)>>,
}

impl ReadAt for Noted<'_> {
    fn len(&self) -> u64 {
        ReadAt::len(self.bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.reads.borrow_mut().push((offset, buffer.len()));
        self.bytes.read_at(offset, buffer)
    }
}

/// Reads these places of a file, each with one call.
fn pread(file: &File, reads: &[(u64, usize)], buffer: &mut [u8]) {
    for (offset, length) in reads {
        let place = &mut buffer[..*length];
        #[cfg(unix)]
        std::os::unix::fs::FileExt::read_at(file, place, *offset).unwrap();
        #[cfg(windows)]
        std::os::windows::fs::FileExt::seek_read(file, place, *offset).unwrap();
    }
}

/// Prints what the facts cost beside the reads, where the name holds what the command line asks for.
fn compare(name: &str, bytes: &[u8], parse: &dyn Fn(&dyn ReadAt)) {
    let asked = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    if asked.is_some_and(|word| !name.contains(&word)) {
        return;
    }
    let noted = Noted {
        bytes,
        reads: RefCell::default(),
    };
    parse(&noted);
    let own = noted.reads.into_inner();
    // The head is kept: what lies in it is not read again.
    let is_behind = |read: &&(u64, usize)| usize::try_from(read.0).unwrap() + read.1 > HEAD_BYTES;
    let mut of_scan = vec![(0, bytes.len().min(HEAD_BYTES))];
    of_scan.extend(own.iter().filter(is_behind));

    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let path: &Path = file.path();
    let buffer = RefCell::new(vec![0; bytes.len().max(1)]);
    let open_and_read = || {
        let file = File::open(black_box(path)).unwrap();
        pread(&file, &own, &mut buffer.borrow_mut());
    };
    let scan = || {
        let file = File::open(black_box(path)).unwrap();
        black_box(file.metadata().unwrap());
        pread(&file, &of_scan, &mut buffer.borrow_mut());
        black_box(file.metadata().unwrap());
    };
    let [parsed, read, scanned] = best_in_turn(300, 30, [&|| parse(black_box(&bytes)), &open_and_read, &scan]);
    say(&format!(
        "{name}, {} bytes: parsed in {:.1} µs; open and {} reads {:.1} µs, {:.2} times; as a scan {:.1} µs, {:.2} times",
        bytes.len(),
        parsed * 1e6,
        own.len(),
        read * 1e6,
        parsed / read,
        scanned * 1e6,
        parsed / scanned
    ));
}

/// A configuration of the usual size: 100 lines, of which a few name files.
fn usual_vmx() -> VmxBuilder {
    let disks = ["web01.vmdk", "web01_1.vmdk", "web01_2.vmdk"];
    let mut vmx = VmxBuilder::new("web 01", "web01").uuids(guid(1, 1), guid(1, 2));
    for (unit, disk) in (0..).zip(disks) {
        vmx = vmx.disk(&format!("scsi0:{unit}"), disk);
    }
    vmx = vmx
        .cd("sata0:0", "/vmfs/volumes/isos/install.iso")
        .set(
            "sched.swap.derivedName",
            "/vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0001/web01/web01-1f2e3d4c.vswp",
        )
        .set("vmx.log.fileName", "vmware.log");
    for bridge in 0..16 {
        vmx = vmx
            .set(&format!("pciBridge{bridge}.present"), "TRUE")
            .set(&format!("pciBridge{bridge}.pciSlotNumber"), &(17 + bridge).to_string())
            .set(&format!("sched.cpu{bridge}.affinity"), "all");
    }
    for nic in 0..3 {
        for (key, value) in [
            ("present", "TRUE"),
            ("virtualDev", "vmxnet3"),
            ("networkName", "VM Network"),
            ("addressType", "vpx"),
            ("generatedAddress", "00:50:56:9a:1d:7b"),
            ("uptCompatibility", "TRUE"),
        ] {
            vmx = vmx.set(&format!("ethernet{nic}.{key}"), value);
        }
    }
    vmx
}

/// A log as a host writes it: the configuration, what was opened, and then `chatter` lines that tell nothing of it.
fn log(disks: u64, chatter: u64) -> Vec<u8> {
    const CHATTER: [&str; 6] = [
        "- GuestRpc: Got RPCI vsocket connection 1234, assigned to channel 1.",
        "- Tools: Changing running status: 1 => 2.",
        "- VMXVmdb_SetToolsVersionStateAndRequirement: status value set to 'ok', 'current'",
        "- DISKLIB-VMFS  : \"/vmfs/volumes/5f1c2d3e-0badc0de/web01/web01-flat.vmdk\" : open successful (10)",
        "- MigrateVMXdrToSpec: type: 1 srcIp=<10.0.0.5> dstIp=<10.0.0.6>",
        "- SVGA: Truncated: Host capabilities: 0x3c0f7",
    ];
    let stamp = "2024-05-01T08:00:00.000Z In(05) vmx";
    let mut log = VmlogBuilder::new("esx-01", "/vmfs/volumes/a/web01/web01.vmx").build();
    for line in String::from_utf8(usual_vmx().build()).unwrap().lines() {
        log.extend(format!("{stamp} - DICT {line:>60}\n").bytes());
    }
    for disk in 0..disks {
        let path = format!("/vmfs/volumes/5f1c2d3e-0badc0de/web01/web01_{disk}.vmdk");
        log.extend(format!("{stamp} - DISK: OPEN scsi0:{disk} '{path}' persistent R[]\n").bytes());
    }
    for number in 0..chatter {
        let text = CHATTER[usize::try_from(number % 6).unwrap()];
        log.extend(format!("{stamp} {text}\n").bytes());
    }
    log
}

fn texts() {
    let limits = Limits::default();
    let disks = (0..60).fold(VmxBuilder::new("web 01", "web01"), |vmx, unit| {
        let device = format!("scsi{}:{}", unit / 15, unit % 15);
        vmx.disk(&device, &format!("web01_{unit}.vmdk"))
    });
    let small = DescriptorBuilder::vmfs("web01", 20_971_520, 1, guid(1, 3));
    let extents = DescriptorBuilder::split_sparse("web01", &[4_192_256; 60], 1).change_tracking("web01-ctk.vmdk");
    let vmx = |source: &dyn ReadAt| {
        black_box(VmxConfig::read(source, &limits).unwrap());
    };
    let vmdk = |source: &dyn ReadAt| {
        black_box(vmdk::read(source, &limits).unwrap());
    };
    let vmlog = |source: &dyn ReadAt| {
        black_box(VmLog::read(source).unwrap());
    };
    let snapshots = |source: &dyn ReadAt| {
        black_box(SnapshotList::read(source, &limits).unwrap());
    };
    compare("descriptor (.vmdk)", &small.build(), &vmdk);
    compare("descriptor of 60 extents", &extents.build(), &vmdk);
    compare("configuration (.vmx)", &usual_vmx().build(), &vmx);
    compare("configuration of 60 disks", &disks.build(), &vmx);
    compare(
        "snapshot list (.vmsd), none",
        &VmsdBuilder::default().build(),
        &snapshots,
    );
    compare("log (vmware.log)", &log(2, 30), &vmlog);
    compare("log with 60 disks and much more", &log(60, 2500), &vmlog);
}

fn containers() {
    let limits = Limits::default();
    let vmdk = |source: &dyn ReadAt| {
        black_box(vmdk::read(source, &limits).unwrap());
    };
    let vhdx = |source: &dyn ReadAt| {
        black_box(vhdx::read(source, &limits).unwrap());
    };
    let vhd = |source: &dyn ReadAt| {
        black_box(vhd::read(source, &limits).unwrap());
    };
    let text = DescriptorBuilder::embedded("monolithicSparse", "m.vmdk", 1 << 20, 1).build();
    let stream = DescriptorBuilder::embedded("streamOptimized", "m.vmdk", 1 << 20, 1).build();
    compare("KDMV", &SparseBuilder::new(1 << 20).descriptor(&text).build(), &vmdk);
    compare("KDMV, streamOptimized", &stream_optimized(1 << 20, &stream), &vmdk);
    compare("COWD", &cowd(1 << 20), &vmdk);
    compare("seSparse", &sesparse(1 << 20, false), &vmdk);
    let parent = VhdxBuilder::new(DiskKind::Dynamic, 64 << 30, 1);
    let paths = ParentPaths {
        relative: r".\base.vhdx",
        absolute: r"C:\vms\base.vhdx",
        volume: "",
    };
    compare("VHDX", &parent.bytes(), &vhdx);
    compare("AVHDX", &VhdxBuilder::child_of(&parent, paths, 2).bytes(), &vhdx);
    let parent = VhdBuilder::new(DiskKind::Dynamic, 64 << 30, 1);
    compare("VHD, dynamic", &parent.bytes(), &vhd);
    let child = VhdBuilder::child_of(&parent, r".\base.vhd", r"C:\vms\base.vhd", 2);
    compare("VHD, differencing", &child.bytes(), &vhd);
    compare(
        "VHD, fixed",
        &VhdBuilder::new(DiskKind::Fixed, 1 << 20, 1).bytes(),
        &vhd,
    );
    let vm = HypervVm::new("vm", guid(1, 1));
    let container = |source: &dyn ReadAt| {
        black_box(vmcx::read(source, &limits).unwrap());
    };
    compare("VMCX, tree of keys", &vm.to_vmcx(), &container);
    compare("VMCX, configuration", &vm.to_vmcx(), &|source| {
        black_box(hyperv_config::read_container(source, &limits).unwrap());
    });
    compare("VMGS", &VmgsBuilder::new(1).build().to_vec(), &|source| {
        black_box(vmgs::read(source, &limits).unwrap());
    });
}

fn main() {
    texts();
    containers();
}
