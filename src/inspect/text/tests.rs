//! Facts as text: units, cuts, escapes.

use derelict_parsers::{
    DiskKind,
    testkit::{foreign as testkit, regf::HiveKey, vhd::VhdBuilder},
};

use super::*;
use crate::inspect::inspect;

fn rendered(name: &str, content: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let mut inspection = inspect(&path).unwrap();
    inspection.path = name.into();
    let mut out = Vec::new();
    render_text(&inspection, Length::Short, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn written(facts: &Value, length: Length) -> String {
    let style = Style {
        length,
        told_below: &[],
    };
    let mut out = Vec::new();
    style.nested(&mut out, 0, facts).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn facts_are_aligned_and_lists_have_hyphens() {
    let text = rendered(
        "a.vmdk",
        b"# Disk DescriptorFile\nversion=1\nCID=0000000a\nparentCID=ffffffff\ncreateType=\"vmfs\"\nRW 8 VMFS \"a-flat.vmdk\"\n",
    );
    assert!(
        text.starts_with("a.vmdk\n  kind    vmdk-descriptor\n  basis   both\n"),
        "{text}"
    );
    assert!(text.contains("\n    cid           0000000a\n"), "{text}");
    assert!(
        text.contains("\n      - role    extent\n        target  a-flat.vmdk\n"),
        "{text}"
    );
}

#[test]
fn what_the_file_system_says_is_told_with_units_and_times() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(1 << 20).unwrap();
    let time: jiff::Timestamp = "2024-05-06T07:08:09Z".parse().unwrap();
    file.set_modified(time.into()).unwrap();
    drop(file);
    std::fs::hard_link(&path, folder.path().join("b.txt")).unwrap();
    let inspection = inspect(&path).unwrap();
    let told = inspection.file_system.as_ref().unwrap();
    assert_eq!((told.links, told.modified), (2, Some(time)));
    assert!(told.inode.is_some() && !told.read_only);
    let mut out = Vec::new();
    render_text(&inspection, Length::Short, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.contains("\n  length  1048576 bytes (1.0 MiB)\n  file_system\n"),
        "{text}"
    );
    assert!(text.contains("2024-05-06T07:08:09Z\n"), "{text}");
    let json = serde_json::to_value(&inspection).unwrap();
    assert_eq!(json["file_system"]["modified"], "2024-05-06T07:08:09Z");
    assert_eq!(json["file_system"]["links"], 2);
}

#[test]
fn long_facts_are_written_piece_by_piece_as_they_are_at_once() {
    let extents: Vec<_> = (0..2000)
        .map(|n| serde_json::json!({"access": "RW", "sectors": n, "name": format!("disk-s{n:05}.vmdk"), "none": null}))
        .collect();
    let lines: Vec<_> = (0..3000)
        .map(|n| serde_json::json!({"key": format!("ddb.comment{n}"), "value": "x".repeat(30)}))
        .collect();
    let inner = serde_json::json!({"cid": 10, "extents": extents, "ddb": lines, "empty": []});
    let facts = serde_json::json!({"format": "sparse", "descriptor": inner, "text": "y".repeat(100_000)});
    let text = facts.to_string();
    assert!(is_long(&text));
    for length in [Length::Short, Length::Whole] {
        let style = Style {
            length,
            told_below: &[],
        };
        let mut out = Vec::new();
        style.text(&mut out, 0, &text).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), written(&facts, length));
    }
}

#[test]
fn a_hive_and_what_goes_with_another_file_are_told_as_what_they_are() {
    let names = ["Groups", "Nodes", "Resources"];
    let root = HiveKey::new("Cluster");
    let hive = names
        .iter()
        .fold(root, |root, name| root.key(HiveKey::new(name)))
        .hive();
    let text = rendered("CLUSDB", &hive);
    assert!(text.contains("\n  kind    ordinary file\n"), "{text}");
    assert!(text.contains("    format               regf\n"), "{text}");
    assert!(text.contains("    is_cluster_database  true\n"), "{text}");
    for (name, kind) in [
        ("a.scoreboard", "vm-log (statistics of the VM process)"),
        ("a-1a2b3c4d.vmfd", "psf (sidecar of an I/O filter)"),
        ("a.dsd", "nvram (data set store)"),
        ("vm-aux.xml", "vmxf (manifest of snapshots)"),
        ("a.nvram", "nvram"),
    ] {
        let text = rendered(name, b"x");
        assert!(text.contains(&format!("\n  kind    {kind}\n")), "{text}");
    }
}

#[test]
fn what_a_disk_of_another_product_allocates_is_told_and_its_damage_once() {
    let image = testkit::qcow2_with_entries(&[0x5_0000, 0x900_0000]);
    let text = rendered("a.qcow2", &image);
    assert!(
        text.contains("    allocated_bytes     65536 (64.0 KiB, 0.0 %)\n"),
        "{text}"
    );
    assert_eq!(text.matches("code    cluster-outside-file").count(), 1, "{text}");
    let map = testkit::vdi_with_map(&[0, u32::MAX], 1).to_vec();
    let text = rendered("a.vdi", &map);
    assert!(
        text.contains("    allocated_bytes     1048576 (1.0 MiB, 50.0 %)\n"),
        "{text}"
    );
}

#[test]
fn sizes_have_units_and_lines_of_a_file_stand_as_they_are_there() {
    let facts = serde_json::json!({
        "allocated_bytes": 131_072, "virtual_bytes": 1_048_576, "grain_size_sectors": 128, "gd_sectors": u64::MAX,
        "ddb": [{"key": "ddb.a", "value": "x"}, {"key": "ddb.long", "value": "y"}],
    });
    let text = written(&facts, Length::Short);
    for line in [
        "allocated_bytes     131072 (128.0 KiB, 12.5 %)\n",
        "virtual_bytes       1048576 (1.0 MiB)\n",
        "grain_size_sectors  128 (64.0 KiB)\n",
        "gd_sectors          18446744073709551615\n",
        "ddb\n  ddb.a     x\n  ddb.long  y\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn odd_numbers_are_told_in_words() {
    let facts = serde_json::json!({
        "sparse": {"gd_offset_sectors": u64::MAX, "flags": 196_611, "compression": 1},
        "delta": {"format": "sesparse", "version": 0x2_0000_0001_u64},
        "container": {"format_version": 0x400, "replay_log_offset": 0},
        "vdi": {"format": "vdi", "version": 0x1_0001},
        "qcow": {"format": "qcow2", "version": 1, "encryption": 2},
        "state": {"magic": 0xbed2_bed2_u32},
        "mismatch": {"at": null, "first": 0x0cb2_05b1, "second": 5},
        "anomaly": {"code": "bad-cid", "offset": 0x21_0008},
        "log": {"offset": 16_384},
        "vhd": {"creator_version": 0x000a_0000, "table_offset_bytes": 1536},
        "delta of VMFS": {"free_sector": 2048},
    });
    let text = written(&facts, Length::Short);
    for line in [
        "gd_offset_sectors  18446744073709551615 (at the end of the file)\n",
        "flags              196611 (0x30003)\n",
        "compression        1 (deflate)\n",
        "version  8589934593 (2.1)\n",
        "format_version     1024 (4.0)\n",
        "version  65537 (1.1)\n",
        "version     1 (qcow)\n",
        "encryption  2 (LUKS)\n",
        "magic  0xbed2bed2\n",
        "first   0cb205b1\n  second  00000005\n",
        "offset  0x210008\n",
        "offset  16384 (0x4000)\n",
        "creator_version     655360 (0x000a0000)\n",
        "table_offset_bytes  1536 (0x600)\n",
        "free_sector  2048 (1.0 MiB)\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn long_facts_are_cut_unless_all_is_asked_for() {
    let pairs: Vec<Value> = (0..501)
        .map(|number| serde_json::json!({"key": format!("ddb.{number}"), "value": "x"}))
        .collect();
    let facts = serde_json::json!({
        "notes": "n".repeat(1000),
        "names": (0..600).collect::<Vec<u32>>(),
        "ddb": pairs,
    });
    let short = written(&facts, Length::Short);
    for line in [
        "nnn… (1000 characters)\n",
        "- 499\n  … and 100 more: --verbose or -f json lists them all\n",
        "… and 1 more: --verbose or -f json lists them all\n",
    ] {
        assert!(short.contains(line), "{short}");
    }
    assert!(!short.contains("ddb.500"), "{short}");
    let whole = written(&facts, Length::Whole);
    assert!(whole.contains(&"n".repeat(1000)) && whole.contains("- 599\n") && whole.contains("ddb.500"));
    assert!(!whole.contains('…'), "{whole}");
}

#[test]
fn an_anomaly_stands_in_one_place_of_its_file() {
    let torn = "<configuration><properties><name type='string'>a</name>";
    let text = rendered("0f1e2d3c-0000-1111-2222-333344445555.xml", torn.as_bytes());
    assert_eq!(text.matches("xml-broken").count(), 1, "{text}");
    assert!(
        text.contains("\n  anomalies\n    - code    xml-broken\n      offset  0x37\n"),
        "{text}"
    );
    let descriptor = "# Disk DescriptorFile\nversion=1\nCID=x\ncreateType=\"vmfs\"\nRW 8 VMFS \"a-flat.vmdk\"\n";
    let text = rendered("a.vmdk", descriptor.as_bytes());
    assert_eq!(text.matches("bad-cid").count(), 1, "{text}");
}

#[test]
fn what_is_allocated_is_told_as_a_share_of_the_disk() {
    let disk = VhdBuilder::new(DiskKind::Fixed, 1 << 20, 1).bytes();
    let text = rendered("a.vhd", &disk);
    assert!(
        text.contains("allocated_bytes     1048576 (1.0 MiB, 100.0 %)\n"),
        "{text}"
    );
    assert!(
        !text.contains("partially_present") && !text.contains("block_size_bytes"),
        "{text}"
    );
    let disk = VhdBuilder::new(DiskKind::Dynamic, 8 << 20, 1).bytes();
    let text = rendered("a.vhd", &disk);
    assert!(
        text.contains("allocated_bytes     0\n") && text.contains("not_present"),
        "{text}"
    );
}

#[test]
fn long_lists_of_keys_and_long_values_are_cut_unless_all_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.vmx");
    let notes = "n".repeat(1000);
    let mut lines = format!("config.version = \"8\"\nannotation = \"{notes}\"\nbroken\n").into_bytes();
    for number in 0..600 {
        writeln!(lines, "guestinfo.{number} = \"{number}\"").unwrap();
    }
    std::fs::write(&path, lines).unwrap();
    let inspection = inspect(&path).unwrap();
    let rendered = |length| {
        let mut out = Vec::new();
        render_text(&inspection, length, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let short = rendered(Length::Short);
    assert!(short.contains("\n        1  config.version  8\n"), "{short}");
    assert!(
        short.contains("nnn… (1000 characters)\n        3  breaks the grammar:  broken\n"),
        "{short}"
    );
    assert!(
        short.ends_with("\n    … and 103 more: --verbose or -f json lists them all\n"),
        "{short}"
    );
    let whole = rendered(Length::Whole);
    assert!(
        whole.contains(&format!("annotation  {}\n", "n".repeat(1000))),
        "{whole}"
    );
    assert!(whole.ends_with("\n      603  guestinfo.599  599\n"), "{whole}");
}

#[test]
fn what_comes_from_the_file_is_escaped() {
    let text = rendered("a.vmx", b"displayName = \"x\x1b[31m\"\nconfig.version = \"8\"\n");
    assert!(!text.contains('\x1b'), "{text}");
    assert!(text.contains("\\u{1b}[31m"), "{text}");
}

#[test]
fn a_raw_disk_and_images_of_other_products_are_looked_into_whatever_their_kind() {
    let disk = testkit::gpt_disk(uuid::Uuid::from_u128(7)).to_vec();
    for name in ["disk.raw", "disk-flat.vmdk"] {
        let text = rendered(name, &disk);
        assert!(text.contains("\n  contents\n    format        partitions\n"), "{text}");
        assert!(text.contains("type_name  efi-system"), "{text}");
    }
    assert!(rendered("disk.raw", &disk).contains("kind    ordinary file"));
    assert!(
        !rendered("disk-rdm.vmdk", &disk).contains("contents"),
        "it would read the LUN"
    );
    let image = testkit::qcow2_image(1 << 20, "base.qcow2", &["one"]);
    let text = rendered("a.qcow2", &image);
    assert!(
        text.contains("kind    foreign-disk") && text.contains("backing_file       base.qcow2"),
        "{text}"
    );
}

#[test]
fn media_and_packages_tell_what_is_in_them() {
    let text = rendered("setup.iso", &testkit::iso("SETUP_1", 1 << 20).to_vec());
    assert!(
        text.contains("kind    iso") && text.contains("label        SETUP_1"),
        "{text}"
    );
    let text = rendered("boot.vfd", &testkit::floppy("BOOTDISK").to_vec());
    assert!(text.contains("kind    floppy") && text.contains("BOOTDISK"), "{text}");
    let descriptor = testkit::ovf("vm", "d.vmdk", 3, 1);
    let text = rendered("a.ovf", descriptor.as_bytes());
    assert!(text.contains("kind    ovf") && text.contains("Appliance"), "{text}");
    let package = testkit::tar(&[("vm.ovf", descriptor.as_bytes()), ("d.vmdk", b"KDM")]);
    let text = rendered("a.ova", &package);
    assert!(text.contains("kind    ova") && text.contains("d.vmdk"), "{text}");
    let text = rendered("broken.ovf", b"<Envelope>");
    assert!(
        text.contains("not-read") && !text.contains("  error "),
        "no VM hides in a package: {text}"
    );
}
