//! Raw disks with partition tables, and floppy images.

use derelict_parsers::{
    fat,
    partitions::{self, PartitionTable, Scheme},
    testkit::{foreign as testkit, guid},
};

use super::support::{MIB, bytes_of, codes, run};

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
