//! VHD and VHDX against qemu-img: what it makes has to be read as it says, and what the testkit builds it has to take.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that meets something unexpected has to stop, and reads its own files whole"
)]

use std::{path::Path, process::Command};

use derelict_parsers::{
    DiskKind, Limits,
    testkit::{
        SparseFile, guid,
        hyperv_files::VmgsBuilder,
        vhd::VhdBuilder,
        vhdx::{VhdxBuilder, VhdxLog},
    },
    vhd,
    vhdx::{self, LogState},
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// A folder for images; `None`, loudly, where qemu-img is missing.
fn workshop() -> Option<tempfile::TempDir> {
    if Command::new("qemu-img").arg("--version").output().is_err() {
        eprintln!("SKIPPED: qemu-img is missing");
        return None;
    }
    Some(tempfile::tempdir().unwrap())
}

fn qemu_img(arguments: &[&str]) -> String {
    let output = Command::new("qemu-img").args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "qemu-img {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn virtual_size(path: &Path, format: &str) -> u64 {
    let info = qemu_img(&["info", "--output=json", "-f", format, path.to_str().unwrap()]);
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    info["virtual-size"].as_u64().unwrap()
}

fn write_sparse(file: &SparseFile, path: &Path) {
    use std::io::{Seek, SeekFrom, Write};
    let mut target = std::fs::File::create(path).unwrap();
    target.set_len(file.length).unwrap();
    for (offset, bytes) in &file.parts {
        target.seek(SeekFrom::Start(*offset)).unwrap();
        target.write_all(bytes).unwrap();
    }
}

#[test]
fn vhdx_images_of_qemu_are_read_as_it_made_them() {
    let Some(folder) = workshop() else { return };
    for (subformat, kind, size, block) in [
        ("dynamic", DiskKind::Dynamic, 64 * GIB, 32 * MIB),
        ("dynamic", DiskKind::Dynamic, 10 * MIB, MIB),
        ("fixed", DiskKind::Fixed, 8 * MIB, 2 * MIB),
    ] {
        let path = folder.path().join(format!("{subformat}-{size}.vhdx"));
        let options = format!("subformat={subformat},block_size={block}");
        let name = path.to_str().unwrap();
        qemu_img(&["create", "-q", "-f", "vhdx", "-o", &options, name, &size.to_string()]);
        let disk = vhdx::read(&std::fs::read(&path).unwrap(), &Limits::default()).unwrap();
        assert_eq!(disk.anomalies, []);
        assert_eq!((disk.kind, disk.log_state), (Some(kind), LogState::Clean));
        assert_eq!(disk.virtual_bytes, Some(virtual_size(&path, "vhdx")));
        assert_eq!(disk.block_size_bytes.map(u64::from), Some(block));
        assert!(disk.creator.unwrap().starts_with("QEMU v"));
    }
}

#[test]
fn vhd_images_of_qemu_are_read_as_it_made_them() {
    let Some(folder) = workshop() else { return };
    for (subformat, kind, size) in [
        ("dynamic", DiskKind::Dynamic, 100 * GIB),
        ("fixed", DiskKind::Fixed, 8 * MIB),
    ] {
        let path = folder.path().join(format!("{subformat}.vhd"));
        let options = format!("subformat={subformat},force_size=on");
        let name = path.to_str().unwrap();
        qemu_img(&["create", "-q", "-f", "vpc", "-o", &options, name, &size.to_string()]);
        let disk = vhd::read(&std::fs::read(&path).unwrap(), &Limits::default()).unwrap();
        assert_eq!(disk.anomalies, []);
        assert_eq!((disk.kind, disk.virtual_bytes), (kind, Some(size)));
        assert_eq!(virtual_size(&path, "vpc"), size);
        assert_eq!(disk.creator.as_deref(), Some("qem2"));
        assert_eq!(disk.block_size_bytes.is_some(), kind == DiskKind::Dynamic);
    }
}

#[test]
fn qemu_takes_every_vhdx_of_the_testkit_that_has_no_parent() {
    let Some(folder) = workshop() else { return };
    let mut grown = VhdxBuilder::new(DiskKind::Dynamic, 8 * MIB, 2);
    grown.block_size_bytes = 1 << 20;
    grown.allocated_blocks = 3;
    let mut many_blocks = VhdxBuilder::new(DiskKind::Fixed, 9 * GIB, 3);
    many_blocks.block_size_bytes = 1 << 20;
    for (name, builder) in [
        ("smallest", VhdxBuilder::new(DiskKind::Dynamic, MIB, 1)),
        ("large", VhdxBuilder::new(DiskKind::Dynamic, 2 << 40, 4)),
        ("grown", grown),
        ("fixed", VhdxBuilder::new(DiskKind::Fixed, 5 * MIB, 5)),
        ("fixed with many blocks", many_blocks),
    ] {
        let path = folder.path().join(name);
        let file = builder.build();
        write_sparse(&file, &path);
        assert_eq!(virtual_size(&path, "vhdx"), builder.virtual_bytes, "{name}");
        let check = qemu_img(&["check", "-f", "vhdx", path.to_str().unwrap()]);
        assert!(check.contains("No errors"), "{name}: {check}");
    }
    let smallest = VhdxBuilder::new(DiskKind::Dynamic, MIB, 1).build();
    assert_eq!(smallest.length, 4 * MIB, "the smallest that MS-VHDX allows");
    let content: usize = smallest.parts.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(content < 200 << 10, "{content} bytes to write");
}

#[test]
fn qemu_replays_the_log_of_the_testkit_to_what_was_read_through_it() {
    let Some(folder) = workshop() else { return };
    let mut builder = VhdxBuilder::new(DiskKind::Dynamic, 8 * MIB, 1);
    builder.log = VhdxLog::HoldsMetadata(guid(1, 7));
    let path = folder.path().join("dirty.vhdx");
    write_sparse(&builder.build(), &path);
    let dirty = vhdx::read(&std::fs::read(&path).unwrap(), &Limits::default()).unwrap();
    assert_eq!(dirty.log_state, LogState::Replayable { entries: 2 });
    qemu_img(&["check", "-q", "-r", "all", "-f", "vhdx", path.to_str().unwrap()]);
    let clean = vhdx::read(&std::fs::read(&path).unwrap(), &Limits::default()).unwrap();
    assert_eq!((clean.log_state, clean.log_guid), (LogState::Clean, None));
    assert_eq!(clean.anomalies, []);
    assert_eq!(clean.virtual_bytes, dirty.virtual_bytes);
    assert_eq!((clean.disk_id, clean.kind), (dirty.disk_id, dirty.kind));
    assert!(clean.sequence_number > dirty.sequence_number);
}

#[test]
fn qemu_takes_every_vhd_of_the_testkit() {
    let Some(folder) = workshop() else { return };
    let base = VhdBuilder::new(DiskKind::Dynamic, 3 * MIB, 1);
    for (name, builder) in [
        (
            "child.avhd",
            VhdBuilder::child_of(&base, r".\base.vhd", r"C:\vm\base.vhd", 2),
        ),
        ("base.vhd", base),
        ("large.vhd", VhdBuilder::new(DiskKind::Dynamic, 1 << 40, 3)),
        ("fixed.vhd", VhdBuilder::new(DiskKind::Fixed, 3 * MIB, 4)),
    ] {
        let path = folder.path().join(name);
        write_sparse(&builder.build(), &path);
        assert_eq!(virtual_size(&path, "vpc"), builder.virtual_bytes, "{name}");
    }
    let path = folder.path().join("state.vmgs");
    write_sparse(&VmgsBuilder::new(1).build(), &path);
    assert_eq!(virtual_size(&path, "vpc"), 4 * MIB);
}

/// The made samples that qemu-img can open have the size that it says.
#[test]
fn samples_have_the_size_that_qemu_says() {
    let Some(folder) = workshop() else { return };
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples/hyperv");
    if !samples.is_dir() {
        eprintln!("SKIPPED: samples absent at {}", samples.display());
        return;
    }
    for (name, format) in [
        ("dissect.hypervisor/dynamic.vhdx", "vhdx"),
        ("dissect.hypervisor/fixed.vhd", "vpc"),
        ("made-vhdx/VM-A.vhdx", "vhdx"),
        ("made-vhdx/empty-64G.vhdx", "vhdx"),
        ("made-vhdx/fixed.vhdx", "vhdx"),
        ("made-vhd/b.vhd", "vpc"),
        ("made-vhd/b_diff.avhd", "vpc"),
        ("made-vhd/empty-dynamic.vhd", "vpc"),
        ("made-vhd/fixed.vhd", "vpc"),
    ] {
        let packed = std::fs::File::open(samples.join(format!("{name}.gz"))).unwrap();
        let path = folder.path().join("image");
        let mut image = std::fs::File::create(&path).unwrap();
        std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut image).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let size = if format == "vhdx" {
            vhdx::read(&bytes, &Limits::default()).unwrap().virtual_bytes
        } else {
            vhd::read(&bytes, &Limits::default()).unwrap().virtual_bytes
        };
        assert_eq!(size, Some(virtual_size(&path, format)), "{name}");
    }
}
