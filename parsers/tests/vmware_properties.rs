//! What holds for every input of the VMware readers: no panic, sound results of truncated files, round trips.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::hint::black_box;

use derelict_parsers::{
    EncodedText, Limits, ParseError,
    dictionary::Dictionary,
    ha_list::HaList,
    hbr_group::ReplicationGroup,
    reference::{FileKind, FileReference},
    testkit::{
        guid,
        vmware::{
            DescriptorBuilder, SnapshotBuilder, SparseBuilder, VmlogBuilder, VmsdBuilder, VmsnBuilder, VmxBuilder,
            change_tracking, cowd, hosted_lock, nfs_lock, sesparse, stream_optimized, vmxf,
        },
    },
    text::TextRef,
    vmdk,
    vmsd::SnapshotList,
    vmstate::VmState,
    vmware_lock::{LockBody, LockName},
    vmware_log::VmLog,
    vmx::VmxConfig,
    vmxf::ExtendedConfig,
};
use proptest::{prelude::*, sample::Index};

/// Runs every reader and every accessor; what they return is theirs to decide, that they return is the property.
fn read_all(bytes: &[u8]) -> Vec<FileReference> {
    let limits = Limits::default();
    let mut references = Vec::new();
    if let Ok(vmdk) = vmdk::read(bytes, &limits) {
        black_box((vmdk.anomalies(), vmdk.is_unclean(), vmdk.virtual_bytes()));
        if let Some(descriptor) = vmdk.descriptor() {
            black_box((
                descriptor.has_parent(),
                descriptor.is_raw_device(),
                descriptor.io_filters(),
            ));
            black_box((
                descriptor.disk_uuid(),
                descriptor.fcd_id(),
                descriptor.long_content_id(),
            ));
            black_box((
                descriptor.virtualbox_uuid(),
                descriptor.deletable(),
                descriptor.thin_provisioned(),
            ));
        }
        references.extend(vmdk.references());
    }
    if let Ok(config) = VmxConfig::read(bytes, &limits) {
        black_box(config.is_shared());
        references.extend(config.files);
    }
    references.extend(
        SnapshotList::read(bytes, &limits)
            .map(|list| list.references())
            .unwrap_or_default(),
    );
    references.extend(
        VmState::read(bytes, &limits)
            .map(|state| state.references())
            .unwrap_or_default(),
    );
    references.extend(
        ExtendedConfig::read(bytes, &limits)
            .map(|config| config.references())
            .unwrap_or_default(),
    );
    references.extend(
        HaList::read(bytes, &limits)
            .map(|list| list.references())
            .unwrap_or_default(),
    );
    references.extend(
        ReplicationGroup::read(bytes, &limits)
            .map(|group| group.files)
            .unwrap_or_default(),
    );
    black_box((
        VmLog::read(bytes).is_ok(),
        LockBody::read(bytes, &limits).unwrap(),
        LockName::parse(bytes),
    ));
    references
}

/// A valid file of every kind.
fn valid_files() -> Vec<Vec<u8>> {
    let embedded = |create_type| DescriptorBuilder::embedded(create_type, "m.vmdk", 20480, 5).build();
    let vmx = VmxBuilder::new("web 01", "web01")
        .uuids(guid(1, 1), guid(1, 2))
        .disk("scsi0:0", "web01-000001.vmdk")
        .cd("ide1:0", "/vmfs/volumes/iso/a.iso")
        .build();
    let snapshot = SnapshotBuilder {
        uid: 1,
        name: "one".to_owned(),
        state_file: "web01-Snapshot1.vmsn".to_owned(),
        created_us: 1_669_900_000_123_456,
        disks: vec![("scsi0:0".to_owned(), "web01.vmdk".to_owned())],
        clones: vec!["/vmfs/volumes/x/c.vmx".to_owned()],
        ..SnapshotBuilder::default()
    };
    vec![
        vmx.clone(),
        VmsdBuilder::default().snapshot(snapshot).build(),
        vmxf("web01.vmx", guid(1, 3)),
        DescriptorBuilder::vmfs("web01", 4096, 1, guid(1, 4))
            .change_tracking("web01-ctk.vmdk")
            .build(),
        DescriptorBuilder::cowd_link("web01-000001", 4096, 2, "web01.vmdk", 1)
            .ddb("sidecars", "a-1.vmfd,")
            .build(),
        SparseBuilder::new(20480)
            .descriptor(&embedded("monolithicSparse"))
            .build(),
        stream_optimized(20480, &embedded("streamOptimized")),
        cowd(4096),
        sesparse(4096, true),
        change_tracking(512),
        VmsnBuilder::new(vmx, guid(1, 1)).build(),
        nfs_lock("esx-01.lab"),
        hosted_lock("uuid=00-11", "4711-13346(vmware-vmx)"),
        VmlogBuilder::new("esx-01", "/vmfs/volumes/a/w.vmx")
            .disk("scsi0:0", "/vmfs/volumes/a/w.vmdk", guid(1, 5))
            .ended()
            .build(),
        b"0\n/vmfs/volumes/a/w.vmx\n".to_vec(),
    ]
}

/// Bytes behind a signature or words of the formats, so that the readers get past their first check.
fn shaped_bytes() -> impl Strategy<Value = Vec<u8>> {
    let beginnings: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"KDMV\x01\0\0\0\x03\0\0\0".to_vec(),
        b"COWD\x01\0\0\0".to_vec(),
        vec![0xBE, 0xBA, 0xFE, 0xCA, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0],
        vec![0xD2, 0xBE, 0xD2, 0xBE, 8, 0, 0, 0, 2, 0, 0, 0],
        b"# Disk DescriptorFile\nversion=1\nRW ".to_vec(),
        b"<Foundry><VM><vmxPathName>".to_vec(),
        b".encoding = \"".to_vec(),
        b"\xEF\xBB\xBFscsi0:0.fileName = \"".to_vec(),
        b"snapshot0.".to_vec(),
        b"uuid=".to_vec(),
    ];
    let word = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::sample::select(vec![
            "\n",
            "\"",
            " = \"",
            "|0",
            "RW ",
            "12 VMFS \"a-flat.vmdk\" ",
            "ddb.",
            "scsi0:0.fileName",
            ".vmx",
            "&#x",
            ";",
            "\0",
            "snapshot1.disk",
            "parentFileNameHint=",
            "DISK: OPEN '",
            ".path.relpath",
            "' has UUID '",
            "<![CDATA[",
            "=",
            "GBK",
            "#",
        ])
        .prop_map(|word| word.as_bytes().to_vec()),
    ];
    (prop::sample::select(beginnings), prop::collection::vec(word, 0..60))
        .prop_map(|(beginning, words)| [beginning, words.concat()].concat())
}

/// A name that a file may have in a text format: anything on one line, without blanks at its ends.
fn name() -> impl Strategy<Value = String> {
    "[^\\x00-\\x1f\\x7f ][^\\x00-\\x1f\\x7f]{0,30}[^\\x00-\\x1f\\x7f ]"
        .prop_map(|text| text.trim().to_owned() + "x.vmdk")
        .prop_filter("an address is no file", |name| !name.contains("://"))
}

proptest! {
    #[test]
    fn no_reader_panics_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        read_all(&bytes);
    }

    #[test]
    fn no_reader_panics_behind_a_signature(bytes in shaped_bytes()) {
        read_all(&bytes);
    }

    #[test]
    fn no_reader_panics_on_a_valid_file_with_changed_bytes(
        mut file in prop::sample::select(valid_files()),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..16),
    ) {
        for (place, byte) in changes {
            // Most structure stands in the first sectors.
            let at = place.index(file.len().min(2048));
            file[at] = byte;
        }
        read_all(&file);
    }

    #[test]
    fn a_configuration_tells_what_was_built(display in "\\PC{0,40}", disk in name(), nvram in name()) {
        let bytes = VmxBuilder::new(&display, "s").set("nvram", &nvram).disk("nvme1:7", &disk).build();
        let config = VmxConfig::read(&bytes, &Limits::default()).unwrap();
        let shown = config.display_name.map(|name| name.to_string()).unwrap_or_default();
        prop_assert_eq!(shown.trim(), display.trim());
        let value = |kind| config.files.iter().find(|file| file.kind == kind).map(|file| file.value.as_str());
        prop_assert_eq!(value(FileKind::Disk), Some(disk.as_str()));
        prop_assert_eq!(value(FileKind::Nvram), Some(nvram.as_str()));
    }

    #[test]
    fn a_dictionary_keeps_every_value(values in prop::collection::vec(".{0,40}", 0..20)) {
        let keys: Vec<String> = (0..values.len()).map(|index| format!("key{index}")).collect();
        let pairs = keys.iter().map(String::as_str).zip(values.iter().map(String::as_str));
        let bytes = derelict_parsers::testkit::vmware::dictionary(pairs);
        let dictionary = Dictionary::parse(&bytes, &Limits::default()).unwrap();
        prop_assert_eq!(dictionary.malformed.len(), 0);
        for (key, value) in keys.iter().zip(&values) {
            prop_assert_eq!(dictionary.get(key).map(TextRef::as_str), Some(value.as_str()));
        }
    }

    #[test]
    fn a_descriptor_tells_what_was_built(
        stem in name(),
        parent in name(),
        sizes in prop::collection::vec(1_u64..1 << 40, 1..6),
        cids in any::<(u32, u32)>(),
    ) {
        let bytes = DescriptorBuilder::split_sparse(&stem, &sizes, cids.0).parent(&parent, cids.1).build();
        let vmdk = vmdk::read(bytes.as_slice(), &Limits::default()).unwrap();
        let descriptor = vmdk.descriptor().unwrap();
        prop_assert_eq!((descriptor.cid, descriptor.parent_cid), (Some(cids.0), Some(cids.1)));
        prop_assert_eq!(vmdk.virtual_bytes(), Some(sizes.iter().sum::<u64>() * 512));
        prop_assert_eq!(descriptor.parent_file_name_hint.as_ref().map(EncodedText::as_str), Some(parent.as_str()));
        let first = descriptor.extents[0].name.as_ref().map(|name| name.as_str().to_owned());
        prop_assert_eq!(first, Some(format!("{stem}-s001.vmdk")));
    }

    #[test]
    fn a_snapshot_list_tells_what_was_built(uids in prop::collection::btree_set(1_u64..1000, 1..12), time in 0_u64..1 << 52) {
        let mut builder = VmsdBuilder::default();
        let mut parent = 0;
        for uid in &uids {
            let disks = vec![("scsi0:0".to_owned(), format!("a-{uid}.vmdk"))];
            let state_file = format!("a-Snapshot{uid}.vmsn");
            let snapshot = SnapshotBuilder { uid: *uid, parent, state_file, created_us: time, disks, ..SnapshotBuilder::default() };
            builder = builder.snapshot(snapshot);
            parent = *uid;
        }
        let list = SnapshotList::read(&builder.build(), &Limits::default()).unwrap();
        prop_assert_eq!(&list.anomalies, &[]);
        prop_assert_eq!(list.snapshots.iter().filter_map(|snapshot| snapshot.uid).collect::<std::collections::BTreeSet<_>>(), uids);
        prop_assert_eq!(list.current, Some(parent));
        let micros = list.snapshots[0].created.map(jiff::Timestamp::as_microsecond);
        prop_assert_eq!(micros, i64::try_from(time).ok());
    }
}

/// The reader of one format, as far as it names files.
type Reader = fn(&[u8]) -> derelict_parsers::Result<Vec<FileReference>>;

#[test]
fn every_truncation_names_only_files_that_the_whole_names() {
    let readers: [Reader; 6] = [
        |bytes| VmxConfig::read(bytes, &Limits::default()).map(|config| config.files),
        |bytes| SnapshotList::read(bytes, &Limits::default()).map(|list| list.references()),
        |bytes| ExtendedConfig::read(bytes, &Limits::default()).map(|config| config.references()),
        |bytes| vmdk::read(bytes, &Limits::default()).map(|vmdk| vmdk.references()),
        |bytes| VmState::read(bytes, &Limits::default()).map(|state| state.references()),
        |bytes| HaList::read(bytes, &Limits::default()).map(|list| list.references()),
    ];
    for whole in valid_files() {
        for reader in readers {
            // Only the readers that find files in the whole are those of its format.
            let all = reader(&whole).unwrap_or_default();
            let is_ours = all.iter().any(|file| file.kind != FileKind::Other);
            for end in (0..whole.len().min(3000)).filter(|_| is_ours) {
                for file in reader(&whole[..end]).unwrap_or_default() {
                    let value = file.value.as_str();
                    let is_known = all.iter().any(|known| known.value.as_str().starts_with(value));
                    assert!(is_known, "cut at {end} of {}: {file:?}", whole.len());
                }
            }
        }
    }
}

#[test]
fn a_header_that_is_cut_off_is_truncated_and_says_how_much_it_needs() {
    let text = DescriptorBuilder::embedded("monolithicSparse", "m.vmdk", 20480, 5).build();
    for (file, header, magic) in [
        (SparseBuilder::new(20480).descriptor(&text).build(), 512_usize, 4_usize),
        (cowd(4096), 2048, 4),
        (sesparse(4096, false), 512, 8),
    ] {
        for end in magic..header {
            let error = vmdk::read(&file[..end], &Limits::default()).unwrap_err();
            let expected = (u64::try_from(header).unwrap(), u64::try_from(end).unwrap());
            assert!(
                matches!(error, ParseError::Truncated { offset: 0, need, have, .. } if (need, have) == expected),
                "{error}"
            );
        }
        assert!(vmdk::read(&file[..header], &Limits::default()).is_ok());
    }
}

#[test]
fn a_file_of_the_largest_size_names_no_more_files_than_its_lines_can() {
    let mut files = vec![
        "scsi0:0.fileName = \"a.vmdk\"\n".repeat(30_000).into_bytes(),
        (0..20_000)
            .fold(String::new(), |text, index| {
                text + &format!("snapshot{index}.disk{index}.fileName=a.vmdk\n")
            })
            .into_bytes(),
        ".vmx".repeat(1 << 18).into_bytes(),
        "/vmfs/volumes/.vmx ".repeat(50_000).into_bytes(),
        format!("# Disk DescriptorFile\n{}", "RW 1 FLAT \"a\" 0\n".repeat(40_000)).into_bytes(),
        format!("# Disk DescriptorFile\n{}", "ddb.uuid = \"1\"\n".repeat(45_000)).into_bytes(),
        "<a>".repeat(1 << 18).into_bytes(),
        vec![b'"'; 1 << 20],
        vec![b'\n'; 1 << 20],
    ];
    for file in &mut files {
        file.truncate(1 << 20);
    }
    for file in &files {
        // Each line is read as one of a configuration and as one of a snapshot list.
        let lines = file.split(|byte| *byte == b'\n').count();
        let named = read_all(file).len();
        let start = String::from_utf8_lossy(&file[..20]);
        assert!(named <= 2 * lines + 1, "{start:?} names {named} files in {lines} lines");
    }
}
