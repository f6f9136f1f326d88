//! What lies beside VMs, as the builders make it and as other tools do.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test reads what it wrote, may stop at the first surprise, and says loudly what it skips"
)]

use std::{
    path::Path,
    process::{Command, Output},
};

use derelict_parsers::{
    EncodedText, Limits, ParseError, fat,
    foreign::{self, Foreign},
    iso, ova,
    ovf::{Manifest, Ovf},
    partitions::{self, PartitionTable, Scheme},
    pvs::DiskProperties,
    qcow2,
    testkit::{foreign as testkit, guid},
    vdi,
};
use proptest::{collection::vec, prelude::*, sample::Index};

const MIB: u64 = 1 << 20;

fn limits() -> Limits {
    Limits::default()
}

fn codes<'a>(anomalies: impl IntoIterator<Item = &'a derelict_parsers::Anomaly>) -> Vec<&'a str> {
    anomalies.into_iter().map(|anomaly| anomaly.code.as_str()).collect()
}

/// Runs a tool in a folder; `None`, said loudly, where it is not installed.
fn run(folder: &Path, tool: &str, arguments: &[&str]) -> Option<Output> {
    let Ok(output) = Command::new(tool).current_dir(folder).args(arguments).output() else {
        eprintln!("SKIPPED: {tool} absent, nothing was compared with it");
        return None;
    };
    assert!(
        output.status.success(),
        "{tool} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output)
}

fn bytes_of(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

#[test]
fn a_cd_image_tells_its_labels_and_what_made_it() {
    let image = iso::read(&testkit::iso("SETUP_2022", MIB).to_vec()).unwrap();
    let volume = image.primary.as_ref().unwrap();
    assert_eq!(volume.label.as_deref(), Some("SETUP_2022"));
    assert_eq!(
        (volume.system.as_deref(), volume.volume_set.as_deref()),
        (Some("LINUX"), None)
    );
    assert_eq!((volume.bytes, volume.block_bytes), (MIB, 2048));
    assert_eq!(
        volume.created,
        Some("2023-02-17T16:03:06Z".parse().unwrap()),
        "an hour before UTC"
    );
    assert_eq!(volume.modified, None);
    assert_eq!(image.joliet_label.as_deref(), Some("SETUP_2022"));
    assert!(image.is_bootable && image.udf.is_none() && image.damage.is_none());
}

#[test]
fn a_cd_image_that_was_cut_off_says_so() {
    let bytes = testkit::iso("X", MIB).to_vec();
    let image = iso::read(&bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(image.damage.unwrap().code, iso::code::SHORTER_THAN_VOLUME);
    let image = iso::read(&bytes[..18 * 2048]).unwrap();
    assert_eq!(
        codes(&image.anomalies),
        [iso::code::TERMINATOR_MISSING, iso::code::SHORTER_THAN_VOLUME]
    );
    assert!(matches!(iso::read(&bytes[..0x8005]), Err(ParseError::Truncated { .. })));
    assert!(matches!(
        iso::read(&vec![0; 0x9000]),
        Err(ParseError::BadSignature { offset: 0x8001, .. })
    ));
}

#[test]
fn cd_images_of_genisoimage_and_xorriso_have_the_labels_that_were_given() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("content")).unwrap();
    std::fs::write(folder.path().join("content/a.txt"), "hello").unwrap();
    let made = ["-quiet", "-udf", "-J", "-V", "Mixed Label", "-o", "udf.iso", "content"];
    if run(folder.path(), "genisoimage", &made).is_some() {
        let image = iso::read(&bytes_of(folder.path(), "udf.iso")).unwrap();
        assert_eq!(image.primary.unwrap().label.as_deref(), Some("Mixed Label"));
        assert_eq!(image.joliet_label.as_deref(), Some("Mixed Label"));
        let udf = image.udf.unwrap();
        assert_eq!(
            (udf.standard.as_str(), udf.label.as_deref()),
            ("NSR02", Some("Mixed Label"))
        );
        assert_eq!(udf.block_bytes, Some(2048));
        assert_eq!(image.anomalies, []);
    }
    let made = [
        "-as",
        "mkisofs",
        "-quiet",
        "-V",
        "XORRISO_1",
        "-publisher",
        "SOMEBODY",
        "-o",
        "x.iso",
        "content",
    ];
    if run(folder.path(), "xorriso", &made).is_some() {
        let image = iso::read(&bytes_of(folder.path(), "x.iso")).unwrap();
        let volume = image.primary.unwrap();
        assert_eq!(
            (volume.label.as_deref(), volume.publisher.as_deref()),
            (Some("XORRISO_1"), Some("SOMEBODY"))
        );
        assert!(volume.created.is_some() && volume.preparer.unwrap().contains("XORRISO"));
        assert_eq!(image.anomalies, []);
    }
}

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

#[test]
fn an_mbr_with_logical_partitions_is_listed_in_the_order_of_the_table() {
    let table = partitions::read(&testkit::mbr_disk().to_vec()).unwrap().unwrap();
    assert_eq!(
        (table.scheme, table.disk_id.as_deref()),
        (Scheme::Mbr, Some("12345678"))
    );
    let listed: Vec<_> = table
        .partitions
        .iter()
        .map(|part| {
            (
                part.number,
                part.type_name.as_deref().unwrap(),
                part.offset / 512,
                part.bytes / 512,
            )
        })
        .collect();
    assert_eq!(
        listed,
        [
            (1, "ntfs-or-exfat", 2048, 4096),
            (2, "extended", 8192, 8192),
            (5, "linux", 8192 + 63, 1000),
            (6, "linux-swap", 8192 + 2048 + 63, 1000),
        ]
    );
    assert_eq!(table.anomalies, []);
}

#[test]
fn a_chain_of_logical_partitions_that_leads_in_a_circle_ends() {
    let mut bytes = testkit::mbr_disk().to_vec();
    let second = (8192 + 2048) * 512;
    bytes[second + 462 + 4] = 5;
    bytes[second + 462 + 12] = 1;
    let table = partitions::read(&bytes).unwrap().unwrap();
    assert_eq!(
        (table.partitions.len(), codes(&table.anomalies)),
        (4, vec![partitions::code::LOGICAL_CHAIN_BAD])
    );
}

#[test]
fn a_gpt_is_read_from_either_place() {
    let id = guid(3, 3);
    let whole = testkit::gpt_disk(id).to_vec();
    let read = |bytes: &[u8]| partitions::read(bytes).unwrap().unwrap();
    let facts = |table: &PartitionTable| (table.scheme, table.disk_id.clone(), table.partitions.clone());
    let table = read(&whole);
    assert_eq!(
        (table.scheme, table.disk_id.as_deref()),
        (Scheme::Gpt, Some(id.to_string().as_str()))
    );
    let names: Vec<_> = table
        .partitions
        .iter()
        .map(|part| part.name.as_deref().unwrap())
        .collect();
    assert_eq!((names, table.anomalies.len()), (vec!["EFI", "Größe"], 0));
    assert_eq!(
        (table.partitions[0].offset, table.partitions[0].bytes),
        (2048 * 512, 2048 * 512)
    );
    let mut first_bad = whole.clone();
    first_bad[512 + 60] ^= 1;
    let other = read(&first_bad);
    assert_eq!(
        (facts(&other), codes(&other.anomalies)),
        (facts(&table), vec![partitions::code::GPT_COPY_BAD])
    );
    let other = read(&whole[..whole.len() - 512]);
    assert_eq!(facts(&other), facts(&table));
    assert_eq!(
        codes(&other.anomalies),
        [partitions::code::GPT_COPY_BAD],
        "the image was cut"
    );
    let other = read(&first_bad[..whole.len() - 512]);
    assert_eq!((other.scheme, other.partitions.len()), (Scheme::Mbr, 1));
    assert_eq!(
        codes(&other.anomalies),
        [partitions::code::GPT_BAD, partitions::code::PARTITION_BEYOND_END]
    );
}

#[test]
fn a_boot_sector_of_a_file_system_is_no_partition_table() {
    assert_eq!(partitions::read(&testkit::floppy("X").to_vec()), Ok(None));
    assert_eq!(partitions::read(&vec![0; 4096]), Ok(None));
    assert_eq!(partitions::read(&vec![]), Ok(None));
}

#[test]
fn tables_of_sfdisk_are_read_as_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    for (label, scheme) in [("dos", Scheme::Mbr), ("gpt", Scheme::Gpt)] {
        let file = std::fs::File::create(folder.path().join("disk.img")).unwrap();
        file.set_len(64 * MIB).unwrap();
        let script = format!("label: {label}\nstart=2048, size=20480\nstart=32768, size=8192\n");
        std::fs::write(folder.path().join("script"), script).unwrap();
        let look = "PATH=$PATH:/usr/sbin:/sbin; command -v sfdisk || true";
        let Some(found) = run(folder.path(), "sh", &["-c", look]) else {
            return;
        };
        if found.stdout.is_empty() {
            eprintln!("SKIPPED: sfdisk absent, nothing was compared with it");
            return;
        }
        run(
            folder.path(),
            "sh",
            &["-c", "PATH=$PATH:/usr/sbin:/sbin; sfdisk -q disk.img < script"],
        );
        let table = partitions::read(&bytes_of(folder.path(), "disk.img")).unwrap().unwrap();
        let places: Vec<_> = table
            .partitions
            .iter()
            .map(|part| (part.offset / 512, part.bytes / 512))
            .collect();
        assert_eq!(
            (table.scheme, places),
            (scheme, vec![(2048, 20480), (32768, 8192)]),
            "{label}"
        );
        assert_eq!(table.anomalies, [], "{label}");
        assert!(
            table
                .partitions
                .iter()
                .all(|part| part.type_name.as_deref() == Some("linux"))
        );
    }
}

#[test]
fn a_floppy_tells_its_label_and_size() {
    let bytes = testkit::floppy("BOOTDISK").to_vec();
    let volume = fat::read(&bytes).unwrap().unwrap();
    assert_eq!(
        (volume.label, volume.oem.as_deref()),
        (Some("BOOTDISK".into()), Some("mkfs.fat"))
    );
    assert_eq!(
        (volume.serial.as_deref(), volume.variant),
        (Some("1A2B-3C4D"), fat::FatVariant::Fat12)
    );
    assert_eq!(
        (volume.floppy.as_deref(), volume.bytes, volume.damage),
        (Some("1.44 MB"), 1440 << 10, None)
    );
    let volume = fat::read(&bytes[..20_000]).unwrap().unwrap();
    assert_eq!(volume.damage.unwrap().code, fat::code::SHORTER_THAN_VOLUME);
    assert_eq!(fat::read(&bytes[..100]), Ok(None));
}

#[test]
fn file_systems_of_mkfs_vfat_have_the_label_that_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let command = "PATH=$PATH:/usr/sbin:/sbin; command -v mkfs.vfat >/dev/null || exit 0; \
                   mkfs.vfat -C -n FLOPPY_1 -i 12345678 f.img 1440 >/dev/null; mkfs.vfat -C -F 32 -n BIG f32.img 70000 >/dev/null";
    run(folder.path(), "sh", &["-c", command]);
    if !folder.path().join("f.img").exists() {
        eprintln!("SKIPPED: mkfs.vfat absent, nothing was compared with it");
        return;
    }
    let volume = fat::read(&bytes_of(folder.path(), "f.img")).unwrap().unwrap();
    assert_eq!(
        (volume.label, volume.serial.as_deref()),
        (Some("FLOPPY_1".into()), Some("1234-5678"))
    );
    assert_eq!((volume.variant, volume.anomalies.len()), (fat::FatVariant::Fat12, 0));
    let volume = fat::read(&bytes_of(folder.path(), "f32.img")).unwrap().unwrap();
    assert_eq!(
        (volume.label, volume.variant),
        (Some("BIG".into()), fat::FatVariant::Fat32)
    );
    assert_eq!(volume.anomalies, []);
}

#[test]
fn an_ovf_names_its_files_disks_systems_and_products() {
    let text = testkit::ovf("vm & co", "disk-1.vmdk", 4096, 40).replace("vm & co", "vm &amp; co");
    let ovf = Ovf::read(text.as_bytes(), &limits()).unwrap();
    assert_eq!(
        (ovf.files[0].href.as_str(), ovf.files[0].bytes),
        ("disk-1.vmdk", Some(4096))
    );
    assert_eq!(ovf.disks[0].virtual_bytes, Some(40 << 30));
    assert_eq!(ovf.file_of(&ovf.disks[0]), Some(&ovf.files[0]));
    assert_eq!(ovf.systems[0].name.as_deref(), Some("vm & co"));
    assert_eq!(
        (ovf.products[0].product.as_deref(), ovf.products[0].version.as_deref()),
        (Some("Appliance"), Some("1.2"))
    );
    assert_eq!(ovf.anomalies, []);
}

#[test]
fn an_ovf_with_a_disk_that_has_no_file_says_so_and_other_xml_is_none() {
    let text = testkit::ovf("vm", "d.vmdk", 1, 1).replace("ovf:fileRef=\"file1\"", "ovf:fileRef=\"file9\"");
    assert_eq!(
        codes(&Ovf::read(text.as_bytes(), &limits()).unwrap().anomalies),
        ["disk-without-file"]
    );
    for (text, what) in [
        ("<html/>", "not an envelope"),
        ("<!DOCTYPE a><Envelope/>", "a document type"),
        ("x", "no XML"),
    ] {
        assert!(
            matches!(Ovf::read(text.as_bytes(), &limits()), Err(ParseError::Malformed { .. })),
            "{what}"
        );
    }
    assert!(matches!(
        Ovf::read(&b"<Envelope>"[..], &limits()),
        Err(ParseError::Truncated { .. })
    ));
    let deep = "<a>".repeat(100);
    assert!(matches!(
        Ovf::read(deep.as_bytes(), &limits()),
        Err(ParseError::LimitExceeded { .. })
    ));
    let nested = "<Envelope><VirtualSystemCollection id=\"app\"><VirtualSystem id=\"a\"><Name>one</Name></VirtualSystem>\
                  <VirtualSystem id=\"b\"/><Name>all</Name></VirtualSystemCollection></Envelope>";
    let systems = Ovf::read(nested.as_bytes(), &limits()).unwrap().systems;
    let named: Vec<_> = systems
        .iter()
        .map(|system| (system.id.as_str(), system.name.as_deref()))
        .collect();
    assert_eq!(named, [("a", Some("one")), ("b", None), ("app", Some("all"))]);
}

#[test]
fn a_manifest_lists_a_digest_for_each_file() {
    let text = format!(
        "SHA256(a (1).vmdk)= {}\r\nSHA1(b.ovf) = {}\nnonsense\n",
        "0A".repeat(32),
        "1b".repeat(20)
    );
    let manifest = Manifest::read(text.as_bytes(), &limits()).unwrap();
    let files: Vec<_> = manifest
        .digests
        .iter()
        .map(|digest| (digest.algorithm.as_str(), digest.file.as_str()))
        .collect();
    assert_eq!(files, [("SHA256", "a (1).vmdk"), ("SHA1", "b.ovf")]);
    assert_eq!(manifest.digests[0].digest, "0a".repeat(32));
    assert_eq!(codes(&manifest.anomalies), ["manifest-line-bad"]);
    assert!(
        Manifest::read(&b"SHA256(a)= 12\n"[..], &limits()).is_err(),
        "a digest of the wrong length"
    );
}

#[test]
fn a_package_lists_its_members_and_reads_descriptor_and_manifest() {
    let descriptor = testkit::ovf("vm", "vm-disk1.vmdk", 600, 10);
    let manifest = format!("SHA256(vm-disk1.vmdk)= {}\n", "ab".repeat(32));
    let disk = [7; 600];
    let archive = testkit::tar(&[
        ("vm.ovf", descriptor.as_bytes()),
        ("vm.mf", manifest.as_bytes()),
        ("vm-disk1.vmdk", &disk),
    ]);
    let package = ova::read(&archive, &limits()).unwrap();
    let names: Vec<_> = package
        .members
        .iter()
        .map(|member| (member.name.as_str(), member.bytes))
        .collect();
    assert_eq!(names[2], ("vm-disk1.vmdk", 600));
    assert_eq!(package.descriptor.unwrap().disks.len(), 1);
    assert_eq!(package.manifest.unwrap().digests.len(), 1);
    assert_eq!(package.anomalies, []);
    // Inside the disk: what an upload that was broken off leaves.
    let package = ova::read(&archive[..archive.len() - 1024 - 500], &limits()).unwrap();
    assert_eq!(
        (package.members.len(), package.damage.unwrap().code.as_str()),
        (3, ova::code::CUT_OFF)
    );
    let package = ova::read(&archive[..archive.len() - 1024], &limits()).unwrap();
    assert_eq!(
        (codes(&package.anomalies), package.damage),
        (vec![ova::code::END_MISSING], None)
    );
    let swapped = testkit::tar(&[("vm-disk1.vmdk", &disk), ("vm.ovf", descriptor.as_bytes())]);
    assert_eq!(
        codes(&ova::read(&swapped, &limits()).unwrap().anomalies),
        [ova::code::DESCRIPTOR_NOT_FIRST]
    );
}

#[test]
fn archives_of_tar_in_every_format_have_the_names_that_they_were_given() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("{}/{}.vmdk", "d".repeat(120), "n".repeat(90));
    std::fs::create_dir(folder.path().join("d".repeat(120))).unwrap();
    std::fs::write(folder.path().join(&long), "x").unwrap();
    std::fs::write(folder.path().join("vm.ovf"), testkit::ovf("vm", &long, 1, 1)).unwrap();
    for format in ["gnu", "pax", "ustar"] {
        let arguments = ["--format", format, "-cf", "a.ova", "vm.ovf", &long];
        if run(folder.path(), "tar", &arguments).is_none() {
            return;
        }
        let package = ova::read(&bytes_of(folder.path(), "a.ova"), &limits()).unwrap();
        let names: Vec<_> = package.members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(
            (names, codes(&package.anomalies)),
            (vec!["vm.ovf", long.as_str()], vec![]),
            "{format}"
        );
    }
}

#[test]
fn properties_of_a_vdisk_are_kept_whatever_they_are_called() {
    let text = "<versionManifest><startingVersion>0</startingVersion><version><diskFileName>a.vhdx</diskFileName></version>\
                <version><diskFileName>a.1.avhdx</diskFileName></version></versionManifest>";
    let wide: Vec<u8> = std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [text.as_bytes(), &wide] {
        let disk = DiskProperties::read(bytes, &limits()).unwrap();
        assert_eq!((disk.root.as_str(), disk.properties.len()), ("versionManifest", 3));
        assert_eq!(disk.disks, ["a.vhdx".into(), "a.1.avhdx".into()]);
    }
}

#[test]
fn every_file_is_told_by_its_bytes_alone() {
    let format = |bytes: &[u8]| {
        let found = foreign::read(bytes, &limits()).unwrap();
        found.map(|found| {
            serde_json::to_value(found).unwrap()["format"]
                .as_str()
                .unwrap()
                .to_owned()
        })
    };
    let ovf = testkit::ovf("vm", "d", 1, 1);
    let cases: [(&[u8], Option<&str>); 9] = [
        (&testkit::qcow2_image(MIB, "", &[]), Some("qcow2")),
        (&testkit::vdi_image(MIB, guid(1, 1), guid(1, 2)), Some("vdi")),
        (&testkit::iso("X", MIB).to_vec(), Some("iso")),
        (&testkit::tar(&[("a", b"b")]), Some("ova")),
        (ovf.as_bytes(), Some("ovf")),
        (&testkit::gpt_disk(guid(1, 1)).to_vec(), Some("partitions")),
        (&testkit::floppy("X").to_vec(), Some("fat")),
        (b"<html>diskfile</html>", None),
        (b"", None),
    ];
    for (bytes, expected) in cases {
        assert_eq!(format(bytes).as_deref(), expected);
    }
    assert!(matches!(
        foreign::read(
            &b"<versionManifest><diskFileName>a.vhdx</diskFileName></versionManifest>"[..],
            &limits()
        ),
        Ok(Some(Foreign::PvsDisk(_)))
    ));
}

/// A file of every format, and whether a length in it tells that its end is missing.
fn built() -> Vec<(&'static str, Vec<u8>, bool)> {
    let descriptor = testkit::ovf("vm", "d.vmdk", 600, 1);
    let members: [(&str, &[u8]); 2] = [("vm.ovf", descriptor.as_bytes()), ("d.vmdk", &[7; 600])];
    vec![
        ("iso", testkit::iso("LABEL", 160 << 10).to_vec(), true),
        ("ova", testkit::tar(&members), true),
        ("vdi", testkit::vdi_image(10 * MIB, guid(1, 1), guid(1, 2)), true),
        ("floppy", testkit::floppy("BOOTDISK").to_vec(), true),
        ("gpt", testkit::gpt_disk(guid(3, 3)).to_vec(), true),
        ("ovf", descriptor.into_bytes(), false),
        ("qcow2", testkit::qcow2_image(MIB, "base.qcow2", &["one", "two"]), false),
        ("mbr", testkit::mbr_disk().to_vec(), false),
    ]
}

#[test]
fn a_file_that_was_cut_is_never_told_to_be_whole() {
    for (name, bytes, tells) in built() {
        let boundaries = (0..bytes.len()).step_by(512).take(400).chain([bytes.len()]);
        for cut in boundaries
            .flat_map(|at| [at.saturating_sub(1), at, at + 1])
            .filter(|cut| *cut < bytes.len())
        {
            if name == "ova" && cut >= bytes.len() - 512 {
                continue; // One of the two blocks that end an archive is enough.
            }
            let found = foreign::read(&bytes[..cut], &limits());
            let is_whole = matches!(&found, Ok(Some(found)) if found.anomalies().is_empty());
            assert!(!(tells && is_whole), "{name} cut at {cut} of {}", bytes.len());
        }
    }
}

#[test]
fn a_flip_anywhere_in_one_copy_of_a_gpt_leaves_the_facts_of_the_other() {
    let whole = testkit::gpt_disk(guid(3, 3)).to_vec();
    let facts = partitions::read(&whole).unwrap().unwrap();
    let last = whole.len() - 512;
    let used = (512..512 + 92).chain(1024..1024 + 2 * 128).chain(last..last + 92);
    for at in used.chain(last - 32 * 512..last - 32 * 512 + 2 * 128) {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        let table = partitions::read(&changed).unwrap().unwrap();
        assert_eq!(
            (&table.partitions, &table.disk_id),
            (&facts.partitions, &facts.disk_id),
            "flip at {at:#x}"
        );
        assert_eq!(
            codes(&table.anomalies),
            [partitions::code::GPT_COPY_BAD],
            "flip at {at:#x}"
        );
    }
}

proptest! {
    #[test]
    fn changed_bytes_and_cuts_give_an_error_or_facts(
        which in any::<Index>(),
        changes in vec((any::<Index>(), any::<u8>()), 1..20),
        cut in any::<Index>(),
    ) {
        let files = built();
        let (_, whole, _) = which.get(&files);
        let mut bytes = whole.clone();
        // Half of the changes hit the beginning, where the structures stand.
        for (number, (place, value)) in changes.iter().enumerate() {
            let reach = if number % 2 == 0 { bytes.len() } else { bytes.len().min(1024) };
            bytes[place.index(reach)] = *value;
        }
        let _ = foreign::read(&bytes, &limits());
        let _ = foreign::read(&bytes[..cut.index(bytes.len())], &limits());
    }

    #[test]
    fn noise_is_read_by_every_reader(bytes in vec(any::<u8>(), 0..2048)) {
        let _ = (iso::read(&bytes), qcow2::read(&bytes, &limits()), vdi::read(&bytes), fat::read(&bytes));
        let _ = (ova::read(&bytes, &limits()), Ovf::read(&bytes, &limits()), Manifest::read(&bytes, &limits()));
        let _ = (DiskProperties::read(&bytes, &limits()), partitions::read(&bytes), foreign::read(&bytes, &limits()));
    }
}
