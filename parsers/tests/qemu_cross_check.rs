//! qemu-img and this crate say the same of one image: size, type, extents, parent.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says loudly what it skips"
)]

use std::{
    io::{Read, Seek, SeekFrom},
    path::Path,
    process::Command,
};

use derelict_parsers::{
    EncodedText, Limits, ReadAt,
    testkit::vmware::{DescriptorBuilder, SparseBuilder, cowd, sesparse, stream_optimized},
    vhd, vhdx,
    vmdk::{self, ExtentKind, Vmdk},
};
use serde_json::Value;

const MIB: u64 = 1 << 20;

/// True when there is a qemu-img to compare with.
fn has_qemu_img() -> bool {
    let found = Command::new("qemu-img")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("SKIPPED: qemu-img absent, nothing was compared with it");
    }
    found
}

/// Runs qemu-img in a folder; its standard output.
fn qemu_img(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("qemu-img")
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "qemu-img {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn read(path: &Path) -> Vmdk {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.take(64 << 20).read_to_end(&mut bytes).unwrap();
    vmdk::read(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compares one image with `qemu-img info`, and returns what we read.
fn compare(folder: &Path, name: &str) -> Vmdk {
    let info: Value = serde_json::from_slice(&qemu_img(folder, &["info", "--output=json", name])).unwrap();
    let vmdk = read(&folder.join(name));
    assert_eq!(vmdk.anomalies(), [], "{name}");
    let descriptor = vmdk.descriptor().unwrap_or_else(|| panic!("{name}: no descriptor"));
    let specific = &info["format-specific"]["data"];
    assert_eq!(info["format"], "vmdk", "{name}");
    assert_eq!(
        vmdk.virtual_bytes().map(Value::from).as_ref(),
        info.get("virtual-size"),
        "{name}"
    );
    assert_eq!(
        descriptor.create_type.as_deref(),
        specific["create-type"].as_str(),
        "{name}"
    );
    assert_eq!(descriptor.cid.map(Value::from).as_ref(), specific.get("cid"), "{name}");
    assert_eq!(
        descriptor.parent_cid.map(Value::from).as_ref(),
        specific.get("parent-cid"),
        "{name}"
    );
    let hint = descriptor.parent_file_name_hint.as_ref().map(EncodedText::as_str);
    assert_eq!(hint, info.get("backing-filename").and_then(Value::as_str), "{name}");

    let theirs = specific["extents"].as_array().unwrap();
    assert_eq!(descriptor.extents.len(), theirs.len(), "{name}");
    for (own, their) in descriptor.extents.iter().zip(theirs) {
        assert_eq!(own.sectors * 512, their["virtual-size"], "{name}");
        let is_inside = matches!(vmdk, Vmdk::Sparse(_));
        if !is_inside {
            let file = own.name.as_ref().map(EncodedText::as_str);
            assert_eq!(
                file,
                Path::new(their["filename"].as_str().unwrap())
                    .file_name()
                    .unwrap()
                    .to_str(),
                "{name}"
            );
            assert_eq!(own.kind_text, their["format"].as_str().unwrap(), "{name}");
        }
    }
    vmdk
}

#[test]
fn images_of_every_subformat_are_read_as_qemu_img_reads_them() {
    if !has_qemu_img() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (subformat, size) in [
        ("monolithicSparse", "33M"),
        ("monolithicFlat", "3M"),
        ("twoGbMaxExtentSparse", "5G"),
        ("twoGbMaxExtentFlat", "3M"),
        ("streamOptimized", "7M"),
    ] {
        let name = format!("{subformat} image.vmdk");
        let option = format!("subformat={subformat}");
        qemu_img(
            folder.path(),
            &["create", "-q", "-f", "vmdk", "-o", &option, &name, size],
        );
        let vmdk = compare(folder.path(), &name);
        assert!(!vmdk.descriptor().unwrap().has_parent(), "{name}");
    }
    let split = read(&folder.path().join("twoGbMaxExtentSparse image.vmdk"));
    assert_eq!(split.descriptor().unwrap().extents.len(), 3);
    for extent in split.references() {
        assert!(matches!(
            read(&folder.path().join(extent.value.as_str())),
            Vmdk::Sparse(_)
        ));
    }
}

/// A file on the disk, of which only what is asked for is read.
struct OnDisk(std::fs::File);

impl ReadAt for OnDisk {
    fn len(&self) -> u64 {
        self.0.metadata().unwrap().len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut file = &self.0;
        file.seek(SeekFrom::Start(offset))?;
        let length = u64::try_from(buffer.len()).unwrap();
        let mut content = Vec::new();
        file.take(length).read_to_end(&mut content)?;
        buffer[..content.len()].copy_from_slice(&content);
        Ok(content.len())
    }
}

/// From 1 MiB to as much as the format holds, or the file system.
#[test]
fn sizes_from_the_smallest_to_the_largest_are_those_of_qemu_img() {
    if !has_qemu_img() {
        return;
    }
    let mut compared = 0;
    for (format, subformat, sizes) in [
        ("vmdk", "monolithicSparse", ["1M", "2G", "2T"]),
        ("vmdk", "monolithicFlat", ["1M", "2G", "15T"]),
        ("vmdk", "twoGbMaxExtentSparse", ["1M", "2G", "200G"]),
        ("vmdk", "twoGbMaxExtentFlat", ["1M", "2G", "200G"]),
        ("vmdk", "streamOptimized", ["1M", "2G", "2T"]),
        ("vpc", "dynamic,force_size=on", ["1M", "2G", "2040G"]),
        ("vpc", "fixed,force_size=on", ["1M", "2G", "2040G"]),
        ("vhdx", "dynamic", ["1M", "2G", "64T"]),
        ("vhdx", "fixed", ["1M", "2G", "10T"]),
    ] {
        for size in sizes {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("image");
            let options = format!("subformat={subformat}");
            let made = Command::new("qemu-img")
                .args(["create", "-q", "-f", format, "-o", &options])
                .args([path.to_str().unwrap(), size])
                .output();
            if !made.is_ok_and(|output| output.status.success()) {
                eprintln!("SKIPPED: qemu-img makes no {format} {subformat} of {size} here");
                continue;
            }
            let info = qemu_img(folder.path(), &["info", "--output=json", "-f", format, "image"]);
            let info: Value = serde_json::from_slice(&info).unwrap();
            let source = OnDisk(std::fs::File::open(&path).unwrap());
            let limits = Limits::default();
            let (own, anomalies) = match format {
                "vmdk" => {
                    let disk = vmdk::read(&source, &limits).unwrap();
                    (disk.virtual_bytes(), disk.anomalies())
                }
                "vpc" => {
                    let disk = vhd::read(&source, &limits).unwrap();
                    (disk.virtual_bytes, disk.anomalies)
                }
                _ => {
                    let disk = vhdx::read(&source, &limits).unwrap();
                    (disk.virtual_bytes, disk.anomalies)
                }
            };
            assert_eq!(
                own.map(Value::from).as_ref(),
                info.get("virtual-size"),
                "{format} {subformat} {size}"
            );
            assert_eq!(anomalies, [], "{format} {subformat} {size}");
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared} images were made");
}

#[test]
fn a_child_names_its_parent_and_the_content_id_that_it_had() {
    if !has_qemu_img() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    qemu_img(folder.path(), &["create", "-q", "-f", "vmdk", "base disk.vmdk", "9M"]);
    qemu_img(
        folder.path(),
        &[
            "create",
            "-q",
            "-f",
            "vmdk",
            "-b",
            "base disk.vmdk",
            "-F",
            "vmdk",
            "child.vmdk",
        ],
    );
    let base = compare(folder.path(), "base disk.vmdk");
    let child = compare(folder.path(), "child.vmdk");
    assert!(child.descriptor().unwrap().has_parent());
    assert_eq!(child.descriptor().unwrap().parent_cid, base.descriptor().unwrap().cid);
}

#[test]
fn qemu_img_reads_what_the_builders_write() {
    if !has_qemu_img() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(name), bytes).unwrap();
    let sectors = 40 * MIB / 512;
    let disk = uuid::Uuid::from_u128(0x6000_C29A_1D7B_4944_DC53_E6D3_E589_7B0D);

    let text = DescriptorBuilder::embedded("monolithicSparse", "m.vmdk", sectors, 1).build();
    write("m.vmdk", SparseBuilder::new(sectors).descriptor(&text).build());
    let text = DescriptorBuilder::embedded("streamOptimized", "o.vmdk", sectors, 2).build();
    write("o.vmdk", stream_optimized(sectors, &text));
    write(
        "s.vmdk",
        DescriptorBuilder::split_sparse("s", &[sectors, 128], 3).build(),
    );
    write("s-s001.vmdk", SparseBuilder::new(sectors).build());
    write("s-s002.vmdk", SparseBuilder::new(128).build());
    write("f.vmdk", DescriptorBuilder::vmfs("f", 2048, 4, disk).build());
    write("f-flat.vmdk", vec![0; 1 << 20]);
    write(
        "f-000001.vmdk",
        DescriptorBuilder::cowd_link("f-000001", 2048, 5, "f.vmdk", 4).build(),
    );
    write("f-000001-delta.vmdk", cowd(2048));
    write(
        "f-000002.vmdk",
        DescriptorBuilder::sesparse_link("f-000002", 2048, 6, "f.vmdk", 4).build(),
    );
    write("f-000002-sesparse.vmdk", sesparse(2048, false));
    for name in ["m.vmdk", "o.vmdk", "s.vmdk", "f.vmdk", "f-000001.vmdk", "f-000002.vmdk"] {
        compare(folder.path(), name);
    }
    for name in ["m.vmdk", "o.vmdk"] {
        qemu_img(folder.path(), &["check", "-q", name]);
    }
    let link = read(&folder.path().join("f-000002.vmdk"));
    assert_eq!(
        link.descriptor().unwrap().extents.first().map(|extent| extent.kind),
        Some(ExtentKind::SeSparse)
    );
}
