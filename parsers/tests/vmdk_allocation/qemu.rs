//! The maps of `qemu-img`, range by range, of what it writes and of what the builders do.

use std::fs::File;

use derelict_parsers::{
    testkit::vmware::{
        DescriptorBuilder, Grain, SparseBuilder, cowd_with_grains, sesparse_with_grains, stream_with_grains,
    },
    vmdk::{Vmdk, allocation::GrainState, stream},
};

use super::support::{GRAIN, MIB, compare, data_bytes, has_qemu, open, read, run};

#[test]
fn patterns_that_qemu_io_wrote_are_mapped_as_qemu_img_maps_them() {
    if !has_qemu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let last = |size: u64| format!("write -P 9 {} 512", size - 512);
    for (subformat, sizes) in [
        (
            "monolithicSparse",
            &[MIB, 33 * MIB, 3 * MIB + 512, 5 << 30, 48 << 30][..],
        ),
        ("twoGbMaxExtentSparse", &[MIB, 5 << 30][..]),
    ] {
        for size in sizes {
            let name = format!("{subformat}-{size}.vmdk");
            let option = format!("subformat={subformat}");
            let length = size.to_string();
            run(
                folder,
                "qemu-img",
                &["create", "-q", "-f", "vmdk", "-o", &option, &name, &length],
            );
            assert_eq!(compare(folder, &name), [], "{name}: nothing was written yet");
            let middle = format!("write -P 7 {} 200000", size / 2);
            let commands = ["-c", "write -P 5 0 1", "-c", &middle, "-c", &last(*size)];
            run(folder, "qemu-io", &[&["-f", "vmdk"], &commands[..], &[&name]].concat());
            let ranges = compare(folder, &name);
            assert!(ranges.len() >= 2, "{name}: {ranges:?}");
            run(folder, "qemu-img", &["check", "-q", &name]);
        }
    }
}

#[test]
fn zeroed_grains_are_told_from_missing_ones() {
    if !has_qemu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for zeroed in ["on", "off"] {
        let name = format!("zeroed-{zeroed}.vmdk");
        let option = format!("zeroed_grain={zeroed}");
        run(
            folder,
            "qemu-img",
            &["create", "-q", "-f", "vmdk", "-o", &option, &name, "100M"],
        );
        run(
            folder,
            "qemu-io",
            &["-f", "vmdk", "-c", "write -z 1M 1M", "-c", "write -P 3 3M 64k", &name],
        );
        let ranges = compare(folder, &name);
        let has_zeros = ranges.iter().any(|(_, _, state)| *state == GrainState::Zero);
        assert_eq!(has_zeros, zeroed == "on", "{ranges:?}");
    }
}

#[test]
fn streams_are_mapped_and_their_markers_say_the_same() {
    if !has_qemu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, "qemu-img", &["create", "-q", "-f", "raw", "raw.img", "300M"]);
    let writes = [
        "-c",
        "write -P 1 0 1M",
        "-c",
        "write -P 2 77M 300k",
        "-c",
        "write -P 3 299M 1M",
    ];
    run(folder, "qemu-io", &[&["-f", "raw"], &writes[..], &["raw.img"]].concat());
    let convert = [
        "convert",
        "-O",
        "vmdk",
        "-o",
        "subformat=streamOptimized",
        "raw.img",
        "s.vmdk",
    ];
    run(folder, "qemu-img", &convert);
    let ranges = compare(folder, "s.vmdk");
    let source = open(&folder.join("s.vmdk"));
    let Vmdk::Sparse(extent) = read(&source) else {
        panic!("a stream is a sparse extent");
    };
    let stream = stream::walk(&source, &extent).unwrap();
    assert_eq!(stream.anomalies, []);
    assert_eq!(stream.grains * GRAIN, data_bytes(&ranges));
    assert!(stream.compressed_bytes > 0 && stream.compressed_bytes < data_bytes(&ranges) / 10);
}

#[test]
fn a_child_is_mapped_without_what_its_parent_holds() {
    if !has_qemu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, "qemu-img", &["create", "-q", "-f", "vmdk", "base.vmdk", "9M"]);
    run(folder, "qemu-io", &["-f", "vmdk", "-c", "write -P 1 0 4M", "base.vmdk"]);
    let child = [
        "create",
        "-q",
        "-f",
        "vmdk",
        "-b",
        "base.vmdk",
        "-F",
        "vmdk",
        "child.vmdk",
    ];
    run(folder, "qemu-img", &child);
    run(
        folder,
        "qemu-io",
        &["-f", "vmdk", "-c", "write -P 2 2M 64k", "child.vmdk"],
    );
    assert_eq!(compare(folder, "child.vmdk"), [(2 * MIB, GRAIN, GrainState::Data)]);
}

#[test]
fn qemu_img_maps_what_the_builders_write() {
    if !has_qemu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    let sectors = 80 * MIB / 512;
    let text = DescriptorBuilder::embedded("monolithicSparse", "m.vmdk", sectors, 1).build();
    let sparse = SparseBuilder::new(sectors).descriptor(&text);
    let sparse = sparse
        .grain(0, Grain::Data)
        .grain(600, Grain::Zero)
        .grain(601, Grain::Data);
    write("m.vmdk", &sparse.build());
    let text = DescriptorBuilder::embedded("streamOptimized", "o.vmdk", sectors, 2).build();
    write("o.vmdk", &stream_with_grains(sectors, &text, &[1, 2, 511, 512, 1279]));
    let base = DescriptorBuilder::vmfs("b", sectors, 4, uuid::Uuid::nil());
    write("b.vmdk", &base.build());
    File::create(folder.join("b-flat.vmdk"))
        .unwrap()
        .set_len(80 * MIB)
        .unwrap();
    let link = DescriptorBuilder::cowd_link("b-000001", sectors, 5, "b.vmdk", 4);
    write("b-000001.vmdk", &link.build());
    let grains = [0, 1, 4095, 4096, 20_000, sectors - 1];
    write(
        "b-000001-delta.vmdk",
        &cowd_with_grains(u32::try_from(sectors).unwrap(), &grains),
    );
    let link = DescriptorBuilder::sesparse_link("b-000002", sectors, 6, "b.vmdk", 4);
    write("b-000002.vmdk", &link.build());
    let grains: Vec<(u64, Grain)> = [
        (0, Grain::Unmapped),
        (1, Grain::Zero),
        (9, Grain::Data),
        (4095, Grain::Data),
        (4096, Grain::Data),
        (20_479, Grain::Zero),
    ]
    .to_vec();
    write(
        "b-000002-sesparse.vmdk",
        &sesparse_with_grains(sectors, false, &grains).to_vec(),
    );
    for (name, data) in [
        ("m.vmdk", 2 * GRAIN),
        ("o.vmdk", 5 * GRAIN),
        ("b-000001.vmdk", 6 * 512),
        ("b-000002.vmdk", 3 * 4096),
    ] {
        assert_eq!(data_bytes(&compare(folder, name)), data, "{name}");
    }
    run(folder, "qemu-img", &["check", "-q", "o.vmdk"]);
    run(folder, "qemu-img", &["compare", "-q", "o.vmdk", "o.vmdk"]);
}
