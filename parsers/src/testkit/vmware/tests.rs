//! What the builders write is read back as it was meant.

use uuid::Uuid;

use super::*;
use crate::{
    EncodedText, Limits, ParseError, ReadAt,
    reference::FileKind,
    testkit::guid,
    vmdk::{self, Vmdk},
    vmsd::SnapshotList,
    vmstate::{VmState, is_vm_state},
    vmware_lock::{LockBody, LockName},
    vmware_log::VmLog,
    vmx::VmxConfig,
    vmxf::ExtendedConfig,
};

fn limits() -> Limits {
    Limits::default()
}

fn read(bytes: &[u8]) -> Vmdk {
    let vmdk = vmdk::read(bytes, &limits()).unwrap();
    assert_eq!(vmdk.anomalies(), []);
    vmdk
}

fn reference_values(vmdk: &Vmdk) -> Vec<(FileKind, String)> {
    vmdk.references()
        .into_iter()
        .map(|file| (file.kind, file.value.to_string()))
        .collect()
}

#[test]
fn configuration_names_its_identity_and_files() {
    let (bios, instance) = (guid(1, 1), guid(1, 2));
    let bytes = VmxBuilder::new("web \"01\" | Ä", "web01")
        .uuids(bios, instance)
        .disk("scsi0:0", "web01-000001.vmdk")
        .cd("ide1:0", "/vmfs/volumes/iso/a.iso")
        .build();
    let config = VmxConfig::read(&bytes, &limits()).unwrap();
    assert_eq!(config.display_name, Some("web \"01\" | Ä".into()));
    assert_eq!(config.bios_uuid.and_then(|uuid| uuid.uuid), Some(bios));
    assert_eq!(config.instance_uuid.and_then(|uuid| uuid.uuid), Some(instance));
    let files: Vec<_> = config
        .files
        .iter()
        .map(|file| (file.kind, file.value.as_str()))
        .collect();
    assert_eq!(
        files,
        [
            (FileKind::Nvram, "web01.nvram"),
            (FileKind::ExtendedConfig, "web01.vmxf"),
            (FileKind::Disk, "web01-000001.vmdk"),
            (FileKind::CdImage, "/vmfs/volumes/iso/a.iso"),
        ]
    );
    assert_eq!(config.anomalies, []);
}

#[test]
fn snapshot_list_and_extended_configuration_round_trip() {
    let snapshot = SnapshotBuilder {
        uid: 2,
        parent: 1,
        name: "before update".to_owned(),
        state_file: "a-Snapshot2.vmsn".to_owned(),
        created_us: 1_669_900_000_123_456,
        disks: vec![("scsi0:0".to_owned(), "a-000001.vmdk".to_owned())],
        clones: vec!["/vmfs/volumes/x/c/c.vmx".to_owned()],
    };
    let root = SnapshotBuilder {
        uid: 1,
        parent: 0,
        ..snapshot.clone()
    };
    let bytes = VmsdBuilder::default()
        .snapshot(root)
        .snapshot(snapshot)
        .needs_consolidation()
        .build();
    let list = SnapshotList::read(&bytes, &limits()).unwrap();
    assert_eq!(list.anomalies, []);
    assert_eq!((list.current, list.needs_consolidation), (Some(2), true));
    let second = list.snapshot(2).unwrap();
    assert_eq!(second.parent, Some(1));
    assert_eq!(
        second.created.map(jiff::Timestamp::as_microsecond),
        Some(1_669_900_000_123_456)
    );
    assert_eq!(second.disks[0].file_name, Some("a-000001.vmdk".into()));

    let config = ExtendedConfig::read(&vmxf("a & b.vmx", guid(1, 3)), &limits()).unwrap();
    assert_eq!(config.vmx_path, Some("a & b.vmx".into()));
    assert_eq!(config.vm_id.and_then(|id| id.uuid), Some(guid(1, 3)));
}

#[test]
fn descriptors_of_a_datastore_name_extent_parent_and_change_tracking() {
    let base = read(
        &DescriptorBuilder::vmfs("a", 4096, 0xA000_0001, guid(1, 4))
            .change_tracking("a-ctk.vmdk")
            .build(),
    );
    assert_eq!(base.virtual_bytes(), Some(4096 * 512));
    let descriptor = base.descriptor().unwrap();
    assert!(!descriptor.has_parent());
    assert_eq!(descriptor.disk_uuid(), Some(guid(1, 4).simple().to_string()));
    assert!(descriptor.long_content_id().is_some_and(|id| id.ends_with("a0000001")));
    assert_eq!(
        reference_values(&base),
        [
            (FileKind::Extent, "a-flat.vmdk".to_owned()),
            (FileKind::ChangeTracking, "a-ctk.vmdk".to_owned())
        ]
    );
    for link in [
        DescriptorBuilder::cowd_link("a-000001", 4096, 2, "a.vmdk", 0xA000_0001),
        DescriptorBuilder::sesparse_link("a-000001", 4096, 2, "a.vmdk", 0xA000_0001),
    ] {
        let link = read(&link.build());
        let descriptor = link.descriptor().unwrap();
        assert!(descriptor.has_parent());
        assert_eq!(descriptor.parent_cid, Some(0xA000_0001));
        assert_eq!(reference_values(&link)[0], (FileKind::Parent, "a.vmdk".to_owned()));
    }
    assert!(
        read(&DescriptorBuilder::rdm("r", 8, 3).build())
            .descriptor()
            .unwrap()
            .is_raw_device()
    );
    let split = read(&DescriptorBuilder::split_sparse("s", &[8, 8], 4).build());
    assert_eq!(
        reference_values(&split)[1],
        (FileKind::Extent, "s-s002.vmdk".to_owned())
    );
}

#[test]
fn sparse_files_carry_their_descriptor() {
    let text = DescriptorBuilder::embedded("monolithicSparse", "m.vmdk", 20480, 5).build();
    let file = SparseBuilder::new(20480).descriptor(&text).build();
    let monolithic = read(&file);
    assert_eq!(monolithic.virtual_bytes(), Some(20480 * 512));
    assert_eq!(monolithic.descriptor().and_then(|descriptor| descriptor.cid), Some(5));
    assert!(!monolithic.is_unclean());
    assert!(read(&SparseBuilder::new(20480).unclean().build()).is_unclean());

    let text = DescriptorBuilder::embedded("streamOptimized", "o.vmdk", 20480, 6).build();
    let Vmdk::Sparse(stream) = read(&stream_optimized(20480, &text)) else {
        panic!("a stream is a sparse extent");
    };
    assert_eq!(stream.header.gd_offset_sectors, u64::MAX);
    assert_eq!(stream.effective_header().gd_offset_sectors, 129);
}

#[test]
fn a_monolithic_file_does_not_refer_to_itself_under_the_name_that_it_had() {
    let text = DescriptorBuilder::embedded("monolithicSparse", "old-name.vmdk", 20480, 5)
        .parent("base.vmdk", 1)
        .build();
    let mut file = SparseBuilder::new(20480).descriptor(&text).build();
    assert_eq!(
        reference_values(&read(&file)),
        [(FileKind::Parent, "base.vmdk".to_owned())]
    );
    file[12..20].fill(0);
    let carrier = read(&file);
    assert_eq!(
        carrier.virtual_bytes(),
        Some(20480 * 512),
        "the descriptor has the capacity"
    );
    assert_eq!(
        reference_values(&carrier)[1],
        (FileKind::Extent, "old-name.vmdk".to_owned())
    );
}

#[test]
fn a_stream_without_footer_is_cut_off() {
    let text = DescriptorBuilder::embedded("streamOptimized", "o.vmdk", 20480, 6).build();
    let whole = stream_optimized(20480, &text);
    let cut = vmdk::read(&whole[..whole.len() - 1024], &limits()).unwrap();
    assert_eq!(cut.anomalies()[0].code, "footer-missing");
    assert_eq!(cut.descriptor().and_then(|descriptor| descriptor.cid), Some(6));
}

#[test]
fn a_footer_that_is_no_copy_of_the_header_wins_and_is_told() {
    let text = DescriptorBuilder::embedded("streamOptimized", "o.vmdk", 20480, 6).build();
    let mut file = stream_optimized(20480, &text);
    let footer = file.len() - 1024;
    file[footer + 12..footer + 20].copy_from_slice(&20_608_u64.to_le_bytes());
    let stream = vmdk::read(&file, &limits()).unwrap();
    assert_eq!(stream.virtual_bytes(), Some(20_608 * 512));
    assert_eq!(stream.anomalies()[0].code, "footer-mismatch");
}

#[test]
fn a_stream_is_whole_whatever_follows_its_end() {
    let text = DescriptorBuilder::embedded("streamOptimized", "o.vmdk", 20480, 6).build();
    let whole = stream_optimized(20480, &text);
    let sound = vmdk::read(&whole, &limits()).unwrap();
    assert_eq!(sound.anomalies(), []);
    let Vmdk::Sparse(sound) = sound else {
        panic!("{sound:?}")
    };
    let read_with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut file = whole.clone();
        change(&mut file);
        let Vmdk::Sparse(extent) = vmdk::read(&file, &limits()).unwrap() else {
            panic!("a stream")
        };
        let codes: Vec<_> = extent.anomalies.iter().map(|anomaly| anomaly.code.clone()).collect();
        (extent.footer, codes)
    };
    for padding in [64 << 10, 512, 100] {
        let (footer, codes) = read_with(&|file| file.resize(file.len() + padding, 0));
        assert_eq!(footer, sound.footer, "{padding} bytes");
        assert_eq!(codes, ["bytes-behind-end"]);
    }
    let (footer, codes) = read_with(&|file| file.truncate(file.len() - 512));
    assert_eq!(
        (footer, codes),
        (sound.footer.clone(), vec!["end-marker-missing".to_owned()])
    );
    let (footer, codes) = read_with(&|file| {
        let marker = file.len() - 1536;
        file[marker + 12] = 9;
        file.resize(file.len() + 512, 0);
    });
    assert_eq!(
        (footer, codes),
        (None, vec!["footer-missing".to_owned()]),
        "no marker says that it is one"
    );
}

#[test]
fn what_the_footer_says_is_told_of_the_footer() {
    let text = DescriptorBuilder::embedded("streamOptimized", "o.vmdk", 20480, 6).build();
    let mut file = stream_optimized(20480, &text);
    let footer = file.len() - 1024;
    file[footer + 12..footer + 20].copy_from_slice(&20_608_u64.to_le_bytes());
    let anomalies = vmdk::read(&file, &limits()).unwrap().anomalies();
    let mismatch = anomalies
        .iter()
        .find(|anomaly| anomaly.code == "capacity-mismatch")
        .unwrap();
    assert_eq!(mismatch.offset, u64::try_from(footer + 12).ok());
    assert_eq!(mismatch.text, "the footer says 20608 sectors, the descriptor 20480");
}

#[test]
fn names_and_sizes_of_a_cowd_header_are_read() {
    let mut delta = cowd(4096);
    let plain = read(&delta);
    let Vmdk::Cowd(plain) = plain else { panic!("{plain:?}") };
    assert_eq!((plain.geometry, plain.name, plain.description), (None, None, None));
    assert_eq!(plain.anomalies, []);
    for (place, value) in [(32, 130_u32), (36, 255), (40, 63)] {
        delta[place..place + 4].copy_from_slice(&value.to_le_bytes());
    }
    delta[1064..1068].copy_from_slice(b"name");
    delta[1124..1131].copy_from_slice(b"a text\0");
    delta[28..32].copy_from_slice(&u32::MAX.to_le_bytes());
    let Vmdk::Cowd(root) = vmdk::read(&delta, &limits()).unwrap() else {
        panic!("a delta")
    };
    assert_eq!(root.geometry.unwrap().cylinders, 130);
    assert_eq!(
        (root.name.as_deref(), root.description.as_deref()),
        (Some("name"), Some("a text"))
    );
    assert_eq!(root.anomalies[0].code, "free-sector-beyond-end");
    delta[32..43].copy_from_slice(b"parent.vmdk");
    delta[28..32].fill(0);
    delta[1056..1060].copy_from_slice(&7_u32.to_le_bytes());
    let Vmdk::Cowd(child) = read(&delta) else {
        panic!("a delta")
    };
    assert_eq!((child.geometry, child.parent_generation), (None, Some(7)));
}

#[test]
fn reserved_words_of_a_sesparse_header_are_zero() {
    let delta = sesparse(4096, false);
    assert_eq!(vmdk::read(&delta, &limits()).unwrap().anomalies(), []);
    for (offset, code) in [
        (40, "unknown-flags"),
        (48, "reserved-not-zero"),
        (79, "reserved-not-zero"),
    ] {
        let mut odd = delta.clone();
        odd[offset] = 5;
        let anomalies = vmdk::read(&odd, &limits()).unwrap().anomalies();
        let told: Vec<_> = anomalies
            .iter()
            .map(|anomaly| (anomaly.code.as_str(), anomaly.offset))
            .collect();
        assert_eq!(told, [(code, u64::try_from(offset).ok())]);
    }
}

#[test]
fn deltas_and_change_tracking_are_known_by_their_headers() {
    assert_eq!(read(&cowd(4096)).virtual_bytes(), Some(4096 * 512));
    assert!(!read(&sesparse(4096, false)).is_unclean());
    assert!(read(&sesparse(4096, true)).is_unclean());
    assert!(matches!(read(&change_tracking(512)), Vmdk::ChangeTracking(_)));
}

#[test]
fn every_header_field_out_of_range_has_its_own_anomaly() {
    let text = DescriptorBuilder::embedded("monolithicSparse", "m.vmdk", 20480, 5).build();
    let file = SparseBuilder::new(20480).descriptor(&text).build();
    for (offset, value, code) in [
        (4, 9, "unknown-version"),
        (8, 0x8000_0003, "unknown-flags"),
        (77, 7, "unknown-compression"),
        (12, 8, "capacity-mismatch"),
        (20, 3, "bad-geometry"),
        (28, 0x00FF_FFFF, "descriptor-beyond-end"),
        (44, 0, "bad-geometry"),
        (56, 0x00FF_FFFF, "gd-beyond-end"),
        (64, 0x00FF_FFFF, "shorter-than-overhead"),
        (73, 0x0A0A_200A, "text-mode-damage"),
    ] {
        let mut damaged = file.clone();
        damaged[offset..offset + 4].copy_from_slice(&u32::to_le_bytes(value));
        let anomalies = vmdk::read(&damaged, &limits()).unwrap().anomalies();
        let told = anomalies
            .iter()
            .any(|own| own.code == code && own.offset == u64::try_from(offset).ok());
        assert!(told, "offset {offset}: {anomalies:?}");
    }
}

#[test]
fn areas_of_a_sesparse_delta_outside_the_file_have_their_anomaly() {
    for (offset, code) in [
        (96, "journal-beyond-end"),
        (112, "journal-beyond-end"),
        (120, "journal-beyond-end"),
        (128, "gd-beyond-end"),
        (152, "gd-beyond-end"),
    ] {
        let mut delta = sesparse(4096, false);
        delta[offset..offset + 8].copy_from_slice(&(1_u64 << 40).to_le_bytes());
        let anomalies = vmdk::read(&delta, &limits()).unwrap().anomalies();
        let codes: Vec<_> = anomalies.iter().map(|anomaly| anomaly.code.as_str()).collect();
        assert_eq!(codes, [code], "field at {offset}");
    }
}

#[test]
fn unknown_versions_of_deltas_are_not_guessed_at() {
    let mut delta = cowd(4096);
    delta[4] = 2;
    assert_eq!(
        vmdk::read(&delta, &limits()),
        Err(ParseError::Unsupported {
            what: "VMDK COWD header",
            version: "2".to_owned()
        })
    );
    let mut delta = sesparse(4096, false);
    delta[12] = 3;
    assert_eq!(
        vmdk::read(&delta, &limits()),
        Err(ParseError::Unsupported {
            what: "VMDK seSparse constant header",
            version: "3.1".to_owned()
        })
    );
}

#[test]
fn an_old_delta_that_names_its_parent_refers_to_it() {
    let mut delta = cowd(4096);
    delta[32..42].copy_from_slice(b"../p/p.vmd");
    assert_eq!(reference_values(&read(&delta)), []);
    delta[42] = b'k';
    assert_eq!(
        reference_values(&read(&delta)),
        [(FileKind::Parent, "../p/p.vmdk".to_owned())]
    );
}

#[test]
fn a_state_file_tells_whose_it_is() {
    let bios = guid(1, 5);
    let config = VmxBuilder::new("web01", "web01").disk("scsi0:0", "web01.vmdk").build();
    let bytes = VmsnBuilder::new(config, bios).build();
    assert!(is_vm_state(&bytes));
    let state = VmState::read(&bytes, &limits()).unwrap();
    assert_eq!(state.anomalies, []);
    assert_eq!(state.bios_uuid, Some(bios));
    assert_eq!(
        (state.product.as_deref(), state.memory_mb),
        (Some("VMware ESX"), Some(1024))
    );
    let config = state.config.as_ref().unwrap();
    assert_eq!(config.display_name, Some("web01".into()));
    assert!(state.references().iter().any(|file| file.kind == FileKind::Disk));
}

#[test]
fn a_configuration_in_a_state_file_that_is_not_read_is_said_with_the_reason() {
    let bytes = VmsnBuilder::new(b"displayName = \"a\"\n".to_vec(), Uuid::nil()).build();
    assert_eq!(VmState::read(&bytes, &limits()).unwrap().damage, None);
    let at = bytes.windows(7).position(|window| window == b"cfgFile").unwrap();
    let mut compressed = bytes.clone();
    compressed[at - 2] = 62;
    let state = VmState::read(&compressed, &limits()).unwrap();
    assert_eq!(
        state.damage.unwrap().text,
        "tag cfgFile is not read: its 18 bytes are compressed"
    );
    let small = Limits {
        text_bytes: 17,
        ..limits()
    };
    let state = VmState::read(&bytes, &small).unwrap();
    assert_eq!(
        state.damage.unwrap().text,
        "tag cfgFile is not read: it has 18 bytes, more than 17"
    );
    assert_eq!(state.bios_uuid, Some(Uuid::nil()));
    let no_text = VmsnBuilder::new(b"no line of one".to_vec(), Uuid::nil()).build();
    let no_text = VmState::read(&no_text, &limits()).unwrap();
    assert_eq!(no_text.damage.unwrap().code, "state-config-unreadable");
    let empty = VmState::read(&VmsnBuilder::new(Vec::new(), Uuid::nil()).build(), &limits()).unwrap();
    assert_eq!((empty.damage, empty.anomalies.len()), (None, 1), "it names nothing");
    let cut = VmState::read(&bytes[..at + 20], &limits()).unwrap();
    assert_eq!(cut.damage.unwrap().code, "state-group-beyond-end");
}

#[test]
fn a_state_file_with_a_damaged_tag_keeps_its_other_groups() {
    let bytes = VmsnBuilder::new(b"displayName = \"a\"\n".to_vec(), Uuid::nil()).build();
    let at = bytes.windows(7).position(|window| window == b"cfgFile").unwrap();
    let mut damaged = bytes.clone();
    damaged[at + 7..at + 15].copy_from_slice(&u64::MAX.to_le_bytes());
    let state = VmState::read(&damaged, &limits()).unwrap();
    assert_eq!(state.anomalies[0].code, "state-group-damaged");
    assert_eq!(
        state.damage.as_ref(),
        state.anomalies.first(),
        "the configuration names files"
    );
    assert_eq!((state.config, state.bios_uuid), (None, Some(Uuid::nil())));

    let mut damaged = bytes.clone();
    damaged[8] = 0xFF;
    assert!(matches!(
        VmState::read(&damaged, &limits()),
        Err(ParseError::Truncated {
            offset: 12,
            need: 20400,
            ..
        })
    ));
    assert!(matches!(
        VmState::read(&b"vmencrypted content"[..], &limits()),
        Err(ParseError::BadSignature { offset: 0, .. })
    ));
}

#[test]
fn locks_logs_and_variables_round_trip() {
    assert_eq!(nfs_lock_name(4_295_558_112), ".lck-e003090001000000");
    assert_eq!(
        LockName::parse(nfs_lock_name(7).as_bytes()),
        Some(LockName::Nfs { target_file_id: 7 })
    );
    let nfs = LockBody::read(&nfs_lock("esx-01.lab"), &limits()).unwrap();
    assert_eq!(nfs.holder(), Some("esx-01.lab"));
    let hosted = LockBody::read(&hosted_lock("uuid=00-11", "4711-13346(vmware-vmx)"), &limits()).unwrap();
    assert_eq!(hosted.holder(), Some("uuid=00-11"));
    assert!(crate::nvram::is_nvram(&nvram()));

    let log = VmlogBuilder::new("esx-01.lab", "/vmfs/volumes/a/w/w.vmx").disk(
        "scsi0:0",
        "/vmfs/volumes/a/w/w.vmdk",
        guid(1, 6),
    );
    let running = VmLog::read(&log.build()).unwrap();
    assert_eq!(running.vmx_path, Some(EncodedText::from("/vmfs/volumes/a/w/w.vmx")));
    assert_eq!(
        running.disks[0].uuid.as_ref().and_then(|uuid| uuid.uuid),
        Some(guid(1, 6))
    );
    assert!(!running.ended && VmLog::read(&log.ended().build()).unwrap().ended);
}

#[test]
fn builders_are_deterministic_and_small() {
    let one = SparseBuilder::new(1 << 20).build();
    assert_eq!(one, SparseBuilder::new(1 << 20).build());
    assert!(ReadAt::len(&one) < 256 << 10);
}
