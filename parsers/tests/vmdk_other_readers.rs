//! libvmdk and dissect.hypervisor say of an image what this crate says; where they do not, the test says who is right.
//!
//! `DERELICT_PYTHON` names a Python that has dissect.hypervisor; else `python3` is tried.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says loudly what it skips"
)]

use std::{path::Path, process::Command};

use derelict_parsers::{
    Limits,
    testkit::{
        guid,
        vmware::{DescriptorBuilder, Grain, SparseBuilder, cowd_with_grains, sesparse_with_grains, stream_with_grains},
    },
    vmdk::{
        self,
        allocation::{GrainState, Ranges},
    },
};

const SECTORS: u64 = 80 << 11;

/// Runs a program in a folder; its standard output, or `None` where the program is absent.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .current_dir(folder)
        .args(arguments)
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn skip(what: &str) {
    eprintln!("SKIPPED: {what} absent, nothing was compared with it");
}

#[test]
fn libvmdk_says_the_same_of_images_of_qemu() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    if run(folder, "vmdkinfo", &["-V"]).is_none() || run(folder, "qemu-img", &["--version"]).is_none() {
        skip("vmdkinfo or qemu-img");
        return;
    }
    for (subformat, size) in [
        ("monolithicSparse", "33M"),
        ("monolithicFlat", "3M"),
        ("twoGbMaxExtentSparse", "5G"),
        ("twoGbMaxExtentFlat", "3M"),
        ("streamOptimized", "7M"),
    ] {
        let name = format!("{subformat}.vmdk");
        let option = format!("subformat={subformat}");
        run(
            folder,
            "qemu-img",
            &["create", "-q", "-f", "vmdk", "-o", &option, &name, size],
        );
        let told = run(folder, "vmdkinfo", &[&name]).unwrap();
        let field = |key: &str| {
            let line = told.lines().find_map(|line| line.trim().strip_prefix(key));
            line.map(|value| value.trim().to_owned()).unwrap()
        };
        let bytes = read_file(&folder.join(&name));
        let vmdk = vmdk::read(&bytes, &Limits::default()).unwrap();
        let descriptor = vmdk.descriptor().unwrap();
        let size = format!("({} bytes)", vmdk.virtual_bytes().unwrap());
        assert!(field("Media size:").ends_with(&size), "{name}: {told}");
        assert_eq!(
            field("Content identifier:"),
            format!("{:#010x}", descriptor.cid.unwrap()),
            "{name}"
        );
        let parent = descriptor.parent_cid.unwrap();
        assert_eq!(field("Parent content identifier:"), format!("{parent:#010x}"), "{name}");
        assert_eq!(
            field("Number of extents:"),
            descriptor.extents.len().to_string(),
            "{name}"
        );
    }
}

fn read_file(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    std::io::copy(&mut file, &mut bytes).unwrap();
    bytes
}

/// Prints the blocks of a disk that hold something, and the first byte of each.
const NONZERO: &str = "
import sys
from pathlib import Path
from dissect.hypervisor.disk.vmdk import VMDK
disk = VMDK(Path(sys.argv[1]))
stream = disk.open() if hasattr(disk, 'open') else disk
size = int(sys.argv[2])
for block in range(disk.size // size):
    stream.seek(block * size)
    data = stream.read(size)
    if data.strip(b'\\0'):
        print(block, data[0])
";

/// A Python with dissect.hypervisor.
fn python(folder: &Path) -> Option<String> {
    let python = std::env::var("DERELICT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has_dissect = Command::new(&python)
        .current_dir(folder)
        .args(["-c", "import dissect.hypervisor"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !has_dissect {
        skip("dissect.hypervisor");
    }
    has_dissect.then_some(python)
}

/// The blocks that dissect finds data in.
fn dissect(python: &str, folder: &Path, name: &str, block: u64) -> Vec<(u64, u8)> {
    let told = run(folder, python, &["-c", NONZERO, name, &block.to_string()]).unwrap();
    told.lines()
        .map(|line| {
            let (number, byte) = line.split_once(' ').unwrap();
            (number.parse().unwrap(), byte.parse().unwrap())
        })
        .collect()
}

/// The blocks that our ranges call data.
fn ours(bytes: &[u8], block: u64) -> Vec<u64> {
    let vmdk = vmdk::read(bytes, &Limits::default()).unwrap();
    let ranges = Ranges::new(bytes, &vmdk).unwrap().unwrap().map(|range| range.unwrap());
    ranges
        .filter(|range| range.state == GrainState::Data)
        .flat_map(|range| range.offset_bytes / block..range.end() / block)
        .collect()
}

/// Writes a base of zeros and the descriptor of a link to it.
fn write_link(folder: &Path, link: &DescriptorBuilder, fill: u8) {
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    write("b.vmdk", &DescriptorBuilder::vmfs("b", SECTORS, 4, guid(1, 1)).build());
    write("b-flat.vmdk", &vec![fill; usize::try_from(SECTORS * 512).unwrap()]);
    write("link.vmdk", &link.build());
}

#[test]
fn dissect_reads_data_where_the_tables_say_and_zeros_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let Some(python) = python(folder) else { return };
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    let compare = |name: &str, extent: &[u8], block: u64, count: usize| {
        let theirs: Vec<u64> = dissect(&python, folder, name, block)
            .iter()
            .map(|(number, _)| *number)
            .collect();
        assert_eq!(theirs, ours(extent, block), "{name}");
        assert_eq!(theirs.len(), count, "{name}");
    };
    let text = DescriptorBuilder::embedded("monolithicSparse", "m.vmdk", SECTORS, 1).build();
    let sparse = SparseBuilder::new(SECTORS).descriptor(&text);
    let sparse = sparse
        .grain(0, Grain::Data)
        .grain(600, Grain::Zero)
        .grain(1279, Grain::Data)
        .build();
    write("m.vmdk", &sparse);
    compare("m.vmdk", &sparse, 64 << 10, 2);
    let text = DescriptorBuilder::embedded("streamOptimized", "o.vmdk", SECTORS, 2).build();
    let stream = stream_with_grains(SECTORS, &text, &[1, 2, 511, 512, 1279]);
    write("o.vmdk", &stream);
    compare("o.vmdk", &stream, 64 << 10, 5);
    write_link(
        folder,
        &DescriptorBuilder::cowd_link("link", SECTORS, 5, "b.vmdk", 4),
        0,
    );
    let delta = cowd_with_grains(u32::try_from(SECTORS).unwrap(), &[0, 4095, 4096, SECTORS - 1]);
    write("link-delta.vmdk", &delta);
    compare("link.vmdk", &delta, 512, 4);
    write_link(
        folder,
        &DescriptorBuilder::sesparse_link("link", SECTORS, 6, "b.vmdk", 4),
        0,
    );
    let grains = [
        (1, Grain::Zero),
        (9, Grain::Data),
        (4096, Grain::Data),
        (20_479, Grain::Data),
    ];
    let delta = sesparse_with_grains(SECTORS, false, &grains).to_vec();
    write("link-sesparse.vmdk", &delta);
    compare("link.vmdk", &delta, 4096, 3);
}

/// A grain that the guest gave back reads as zeros in qemu and xen-orchestra, and as the parent's in dissect. The space
/// was given back by the newer link, so what the parent holds is older: qemu is right, and such a grain is zeroed here.
#[test]
fn a_grain_that_was_given_back_hides_the_parent_whatever_dissect_says() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_link(
        folder,
        &DescriptorBuilder::sesparse_link("link", SECTORS, 6, "b.vmdk", 4),
        0x11,
    );
    let delta = sesparse_with_grains(SECTORS, false, &[(0, Grain::Unmapped), (1, Grain::Zero)]).to_vec();
    std::fs::write(folder.join("link-sesparse.vmdk"), &delta).unwrap();
    let vmdk = vmdk::read(&delta, &Limits::default()).unwrap();
    let allocation = vmdk::allocation::read(&delta, &vmdk).unwrap().unwrap();
    assert_eq!((allocation.zeroed_bytes, allocation.unmapped_bytes), (8192, 4096));
    let reads_zeros = [
        "-r",
        "-f",
        "vmdk",
        "-c",
        "read -P 0 0 8192",
        "-c",
        "read -P 0x11 8192 4096",
        "link.vmdk",
    ];
    match run(folder, "qemu-io", &reads_zeros) {
        Some(told) => assert!(!told.contains("verification failed"), "{told}"),
        None => skip("qemu-io"),
    }
    if let Some(python) = python(folder) {
        let theirs = dissect(&python, folder, "link.vmdk", 4096);
        assert_eq!(theirs.first(), Some(&(0, 0x11)), "dissect reads the parent there");
        assert_eq!(theirs.get(1), Some(&(2, 0x11)), "and zeros where the grain is zeroed");
    }
}
