//! Disk images of QEMU and VirtualBox.

use std::path::Path;

use derelict_parsers::{
    EncodedText, ParseError, qcow2,
    testkit::{foreign as testkit, guid},
    vdi,
};

use super::support::{MIB, bytes_of, codes, limits, run};

#[test]
fn a_qcow2_names_its_backing_file_and_snapshots() {
    let file = testkit::qcow2_image(64 * MIB, "base image.qcow2", &["before update", "übergang"]);
    let image = qcow2::read(&file, &limits()).unwrap();
    assert_eq!(
        (image.version, image.virtual_bytes, image.cluster_bytes),
        (3, 64 * MIB, Some(65_536))
    );
    assert_eq!(image.backing_file, Some("base image.qcow2".into()));
    assert_eq!(image.backing_format.as_deref(), Some("qcow2"));
    let names: Vec<_> = image.snapshots.iter().map(|snapshot| snapshot.name.as_str()).collect();
    assert_eq!(names, ["before update", "übergang"]);
    assert_eq!(image.snapshots[1].id, "2".into());
    assert_eq!(image.snapshots[0].state_bytes, 0x1234);
    assert!(image.snapshots[0].created.is_some() && !image.is_dirty && image.damage.is_none());
}

#[test]
fn a_qcow2_that_cannot_be_read_whole_says_what_is_missing() {
    let mut file = testkit::qcow2_image(64 * MIB, "b", &["one"]);
    file[63] = 2;
    let image = qcow2::read(&file, &limits()).unwrap();
    let found = (image.snapshots.len(), codes(&image.anomalies));
    assert_eq!(found, (1, vec![qcow2::code::SNAPSHOTS_BAD]), "zeros are no snapshot");
    file.truncate(0x4_0010);
    let image = qcow2::read(&file, &limits()).unwrap();
    assert_eq!(
        (image.snapshots.len(), image.damage.unwrap().code.as_str()),
        (0, qcow2::code::SNAPSHOTS_BAD)
    );
    file[16..20].copy_from_slice(&2000_u32.to_be_bytes());
    file[20..24].copy_from_slice(&40_u32.to_be_bytes());
    file[72..80].copy_from_slice(&3_u64.to_be_bytes());
    let image = qcow2::read(&file, &limits()).unwrap();
    assert_eq!(image.backing_file, None);
    assert!(image.is_dirty && image.is_corrupt);
    let found = codes(&image.anomalies);
    for code in [
        qcow2::code::CLUSTER_SIZE_BAD,
        qcow2::code::BACKING_NAME_BAD,
        qcow2::code::SNAPSHOTS_BAD,
    ] {
        assert!(found.contains(&code), "{code} among {found:?}");
    }
    file[7] = 4;
    assert!(matches!(
        qcow2::read(&file, &limits()),
        Err(ParseError::Unsupported { .. })
    ));
}

#[test]
fn images_of_qemu_img_are_read_as_it_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    if run(path, "qemu-img", &["create", "-q", "-f", "qcow2", "base.qcow2", "7G"]).is_none() {
        return;
    }
    run(
        path,
        "qemu-img",
        &[
            "create",
            "-q",
            "-f",
            "qcow2",
            "-b",
            "base.qcow2",
            "-F",
            "qcow2",
            "child.qcow2",
        ],
    );
    run(path, "qemu-img", &["snapshot", "-c", "first one", "child.qcow2"]);
    run(path, "qemu-img", &["snapshot", "-c", "second", "child.qcow2"]);
    run(
        path,
        "qemu-img",
        &[
            "create",
            "-q",
            "-f",
            "qcow2",
            "-o",
            "compat=0.10,cluster_size=4096",
            "old.qcow2",
            "33M",
        ],
    );
    run(path, "qemu-img", &["create", "-q", "-f", "qcow", "older.qcow", "33M"]);
    run(
        path,
        "qemu-img",
        &[
            "create",
            "-q",
            "-f",
            "qcow2",
            "-o",
            "data_file=raw.img,data_file_raw=on",
            "out.qcow2",
            "5M",
        ],
    );
    for name in ["base.qcow2", "child.qcow2", "old.qcow2", "older.qcow", "out.qcow2"] {
        compare_with_qemu_img(path, name);
    }
}

/// Holds what we read of a qcow2 against `qemu-img info`.
fn compare_with_qemu_img(path: &Path, name: &str) {
    let info = run(path, "qemu-img", &["info", "--output=json", name]).unwrap().stdout;
    let info: serde_json::Value = serde_json::from_slice(&info).unwrap();
    let image = qcow2::read(&bytes_of(path, name), &limits()).unwrap();
    assert_eq!(image.anomalies, [], "{name}");
    assert_eq!(info["virtual-size"], image.virtual_bytes, "{name}");
    let backing = image.backing_file.as_ref().map(EncodedText::as_str);
    assert_eq!(backing, info["backing-filename"].as_str(), "{name}");
    let format = info["backing-filename-format"].as_str();
    assert_eq!(image.backing_format.as_deref(), format, "{name}");
    let theirs = info["snapshots"].as_array().cloned().unwrap_or_default();
    let theirs: Vec<_> = theirs
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one["name"].as_str().unwrap()))
        .collect();
    let snapshots = image.snapshots.iter();
    let ours: Vec<_> = snapshots.map(|one| (one.id.as_str(), one.name.as_str())).collect();
    assert_eq!(ours, theirs, "{name}");
    if image.version > 1 {
        assert_eq!(info["cluster-size"], image.cluster_bytes.unwrap(), "{name}");
    }
    let data = image.data_file.as_ref().map(EncodedText::as_str);
    assert_eq!(data, info["format-specific"]["data"]["data-file"].as_str(), "{name}");
}

#[test]
fn a_vdi_tells_its_size_and_its_parent() {
    let file = testkit::vdi_image(10 * MIB, guid(1, 1), guid(1, 2));
    let image = vdi::read(&file).unwrap();
    assert_eq!(
        (image.kind, image.virtual_bytes),
        (vdi::VdiKind::Differencing, 10 * MIB)
    );
    assert_eq!((image.uuid, image.parent_uuid), (Some(guid(1, 1)), Some(guid(1, 2))));
    assert_eq!((image.blocks, image.allocated_blocks, image.comment), (10, 0, None));
    assert_eq!(image.damage, None);
    let image = vdi::read(&file[..0x410]).unwrap();
    assert_eq!(image.damage.unwrap().code, vdi::code::BEYOND_END);
    let mut other = file.clone();
    other[68] = 0;
    assert!(matches!(vdi::read(&other), Err(ParseError::Unsupported { .. })));
    assert!(matches!(vdi::read(&file[..455]), Err(ParseError::Truncated { .. })));
}

#[test]
fn a_vdi_of_qemu_img_is_read_as_it_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    if run(path, "qemu-img", &["create", "-q", "-f", "vdi", "a.vdi", "3G"]).is_none() {
        return;
    }
    run(
        path,
        "qemu-img",
        &["create", "-q", "-f", "vdi", "-o", "static=on", "fixed.vdi", "5M"],
    );
    for (name, kind, size) in [
        ("a.vdi", vdi::VdiKind::Dynamic, 3 << 30),
        ("fixed.vdi", vdi::VdiKind::Fixed, 5 * MIB),
    ] {
        let image = vdi::read(&bytes_of(path, name)).unwrap();
        assert_eq!(
            (image.kind, image.virtual_bytes, image.anomalies.len()),
            (kind, size, 0),
            "{name}"
        );
        assert!(image.uuid.is_some() && image.parent_uuid.is_none());
    }
}
