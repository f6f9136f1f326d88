//! The disk readers against real and made files: what each says of itself, and how they hang together.
//!
//! The expectations were read from the files with an independent reader; where qemu-img can read a sample, kind and size
//! are held against it in `qemu_cross_check_hyperv.rs`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that meets something unexpected has to stop, and reads samples whole"
)]

use std::{io::Read, path::PathBuf};

use derelict_parsers::{
    DiskKind, Limits, ParseError, Result, guid,
    hrl::{self, Hrl},
    vhd::{self, FooterPlace, Vhd},
    vhdx::{self, LogState, ParentLocator, Vhdx},
    vmgs,
};
use uuid::Uuid;

const MIB: u64 = 1 << 20;

/// The folder of the samples; `None`, loudly, where they are absent.
fn samples() -> Option<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/samples"));
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: samples absent at {}", folder.display());
    None
}

/// The bytes of a sample, decompressed.
fn sample(path: &str) -> Option<Vec<u8>> {
    let path = samples()?.join(path);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_none_or(|extension| extension != "gz") {
        return Some(bytes);
    }
    let mut whole = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice())
        .read_to_end(&mut whole)
        .unwrap();
    Some(whole)
}

fn vhdx(path: &str) -> Option<Vhdx> {
    let bytes = sample(path)?;
    Some(vhdx::read(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{path}: {error}")))
}

/// A VHDX about which there is nothing to say.
fn sound_vhdx(path: &str) -> Option<Vhdx> {
    let vhdx = vhdx(path)?;
    assert_eq!(vhdx.anomalies, [], "{path}");
    assert_eq!(vhdx.damage, None, "{path}");
    Some(vhdx)
}

fn vhd(path: &str) -> Option<Vhd> {
    let bytes = sample(path)?;
    Some(vhd::read(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{path}: {error}")))
}

fn sound_vhd(path: &str) -> Option<Vhd> {
    let vhd = vhd(path)?;
    assert_eq!(vhd.anomalies, [], "{path}");
    Some(vhd)
}

fn id(text: &str) -> Uuid {
    text.parse().unwrap()
}

fn texts(parent: &ParentLocator) -> Vec<(&str, &str)> {
    parent.paths().map(|(key, path)| (key, path.as_str())).collect()
}

fn malformed_vhdx(name: &str) -> Option<Result<Vhdx>> {
    let path = format!("malformed/hyperv/vhdx/{name}.gz");
    Some(vhdx::read(&sample(&path)?, &Limits::default()))
}

fn malformed_vhd(name: &str) -> Option<Result<Vhd>> {
    let path = format!("malformed/hyperv/vhd/{name}.gz");
    Some(vhd::read(&sample(&path)?, &Limits::default()))
}

fn damage_of(vhdx: &Vhdx) -> Option<&str> {
    vhdx.damage.as_ref().map(|damage| damage.code.as_str())
}

#[test]
fn a_dynamic_disk_of_windows() {
    let Some(disk) = sound_vhdx("hyperv/dissect.hypervisor/dynamic.vhdx.gz") else {
        return;
    };
    assert_eq!(
        disk,
        Vhdx {
            creator: Some("Microsoft Windows 10.0.18363.0".to_owned()),
            sequence_number: 15,
            file_write_guid: id("affd6e38-6e57-4764-8caa-7218669affba"),
            data_write_guid: id("28e09ae1-ab94-4815-a155-f143e2d00a3f"),
            log_guid: None,
            log_state: LogState::Clean,
            block_size_bytes: Some(32 << 20),
            kind: Some(DiskKind::Dynamic),
            virtual_bytes: Some(10 * MIB),
            disk_id: Some(id("788015f0-5e93-4bd2-a5de-b0cd8459db11")),
            logical_sector_bytes: Some(512),
            physical_sector_bytes: Some(4096),
            incomplete: false,
            parent: None,
            layout: disk.layout.clone(),
            other_items: Vec::new(),
            damage: None,
            anomalies: Vec::new(),
        }
    );
}

#[test]
fn a_differencing_disk_of_windows() {
    let Some(disk) = sound_vhdx("hyperv/dissect.hypervisor/differencing.avhdx.gz") else {
        return;
    };
    assert_eq!(disk.kind, Some(DiskKind::Differencing));
    assert_eq!(disk.data_write_guid, id("b298d413-f67e-412a-9a72-c7c7fc9b6cb5"));
    assert_eq!(disk.virtual_bytes, Some(8 << 30));
    let parent = disk.parent.unwrap();
    assert_eq!(
        parent.linkages().collect::<Vec<_>>(),
        [id("ff34003b-11ed-4cf8-a166-b2be05e20b80")],
        "the second linkage is there and zero"
    );
    assert_eq!(parent.others, []);
    let name = "Generation 1_49C4BAF3-4B25-4406-8C4B-D39E65C32385.avhdx";
    let folder = r"Users\Public\Documents\Hyper-V\Virtual hard disks";
    assert_eq!(
        texts(&parent),
        [
            ("relative_path", format!(r".\{name}").as_str()),
            (
                "volume_path",
                &format!(r"\\?\Volume{{0eba351e-5634-46d6-a8cf-4ddc2d6ac0b9}}\{folder}\{name}")
            ),
            ("absolute_win32_path", &format!(r"C:\{folder}\{name}")),
        ]
    );
}

#[test]
fn a_chain_of_checkpoints_hangs_together() {
    let folder = "hyperv/made-vhdx";
    let middle_name = "VM-A_6F2B3B66-D060-5706-8AC5-B0397BDCB362.avhdx";
    let leaf_name = "VM-A_1E3081CF-38F4-54F3-829F-CE9D6DB0900E.avhdx";
    let Some(base) = sound_vhdx(&format!("{folder}/VM-A.vhdx.gz")) else {
        return;
    };
    let middle = sound_vhdx(&format!("{folder}/{middle_name}.gz")).unwrap();
    let leaf = sound_vhdx(&format!("{folder}/{leaf_name}.gz")).unwrap();
    let other = sound_vhdx(&format!("{folder}/unc-parent-uppercase-linkage.avhdx.gz")).unwrap();
    for (child, parent, parent_name) in [(&middle, &base, "VM-A.vhdx"), (&leaf, &middle, middle_name)] {
        let locator = child.parent.as_ref().unwrap();
        assert_eq!(locator.linkages().collect::<Vec<_>>(), [parent.data_write_guid]);
        assert!(
            texts(locator)
                .iter()
                .all(|(_, path)| path.ends_with(&format!(r"\{parent_name}")))
        );
        assert_eq!(texts(locator).len(), 3);
        assert_eq!(
            (child.disk_id, child.virtual_bytes),
            (parent.disk_id, parent.virtual_bytes)
        );
    }
    assert_eq!(base.virtual_bytes, Some(8 * MIB));
    for name in ["VM-A.vhdx", middle_name, leaf_name] {
        assert_eq!(guid::disk_stem(name), "VM-A");
    }
    let locator = other.parent.unwrap();
    assert_eq!(locator.linkage, Some(base.data_write_guid), "in upper case in the file");
    assert_eq!(locator.linkage2, None);
    assert_eq!(
        texts(&locator),
        [
            ("relative_path", r"..\Virtual Hard Disks\VM-A.vhdx"),
            ("absolute_win32_path", r"\\sofs01\vms\VM-A\VM-A.vhdx"),
        ]
    );
}

#[test]
fn every_made_disk_is_what_its_name_says() {
    let expected = [
        ("empty-64G", DiskKind::Dynamic, 64 << 30, 512, 32 << 20),
        ("fixed", DiskKind::Fixed, 8 * MIB, 512, 1 << 20),
        ("sector4k", DiskKind::Dynamic, 8 * MIB, 4096, 1 << 20),
    ];
    for (name, kind, virtual_bytes, sector_bytes, block_bytes) in expected {
        let Some(disk) = sound_vhdx(&format!("hyperv/made-vhdx/{name}.vhdx.gz")) else {
            return;
        };
        assert_eq!(
            (
                disk.kind,
                disk.virtual_bytes,
                disk.logical_sector_bytes,
                disk.block_size_bytes
            ),
            (Some(kind), Some(virtual_bytes), Some(sector_bytes), Some(block_bytes)),
            "{name}"
        );
        assert_eq!((disk.sequence_number, disk.log_state), (7, LogState::Clean));
    }
}

#[test]
fn a_dirty_log_is_replayed_and_names_itself() {
    let Some(disk) = sound_vhdx("hyperv/made-vhdx/dirty-log.vhdx.gz") else {
        return;
    };
    assert_eq!(disk.log_guid, Some(id("650050dd-adee-5df2-8224-d61d680a5371")));
    assert_eq!(disk.log_state, LogState::Replayable { entries: 1 });
    assert_eq!(disk.virtual_bytes, Some(8 * MIB));
}

#[test]
fn vhds_of_windows_and_made_ones() {
    let Some(disk) = sound_vhd("hyperv/dissect.hypervisor/fixed.vhd.gz") else {
        return;
    };
    assert_eq!((disk.kind, disk.virtual_bytes), (DiskKind::Fixed, Some(10 * MIB)));
    assert_eq!(disk.unique_id, Some(id("b895e418-3894-e744-9a88-9a420be4e5ca")));
    assert_eq!(
        (disk.creator.as_deref(), disk.creator_version),
        (Some("win"), 0x000A_0000)
    );
    assert_eq!(disk.created, Some("2020-03-24T16:35:33Z".parse().unwrap()));
    let fixed = sound_vhd("hyperv/made-vhd/fixed.vhd.gz").unwrap();
    assert_eq!((fixed.kind, fixed.virtual_bytes), (DiskKind::Fixed, Some(4 * MIB)));
    let empty = sound_vhd("hyperv/made-vhd/empty-dynamic.vhd.gz").unwrap();
    assert_eq!((empty.kind, empty.virtual_bytes), (DiskKind::Dynamic, Some(100 << 30)));
    assert_eq!(empty.block_size_bytes, Some(2 << 20));
}

#[test]
fn vhd_children_quote_their_parent_by_id_and_path() {
    let checkpoint_name = "b_597C2020-C1DF-5D65-8D17-A28F0864F93D.avhd";
    let Some(base) = sound_vhd("hyperv/made-vhd/b.vhd.gz") else {
        return;
    };
    let checkpoint = sound_vhd(&format!("hyperv/made-vhd/{checkpoint_name}.gz")).unwrap();
    let leaf = sound_vhd("hyperv/made-vhd/b_diff.avhd.gz").unwrap();
    assert_eq!((base.kind, base.parent.as_ref()), (DiskKind::Dynamic, None));
    for (child, parent, name) in [(&checkpoint, &base, "b.vhd"), (&leaf, &checkpoint, checkpoint_name)] {
        assert_eq!(
            (child.kind, child.virtual_bytes),
            (DiskKind::Differencing, parent.virtual_bytes)
        );
        let quoted = child.parent.as_ref().unwrap();
        assert_eq!(quoted.unique_id, parent.unique_id);
        let paths: Vec<_> = quoted.paths().map(|(place, path)| (place, path.as_str())).collect();
        let absolute = format!(r"D:\VMs\b\{name}");
        assert_eq!(
            paths,
            [
                ("W2ru", format!(r".\{name}").as_str()),
                ("W2ku", &absolute),
                ("parent name", &absolute)
            ]
        );
    }
}

#[test]
fn guest_state_is_carried_in_a_fixed_vhd() {
    let Some(bytes) = sample("hyperv/made-vhd/guest-state.vmgs.gz") else {
        return;
    };
    let state = vmgs::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(state.anomalies, []);
    assert_eq!((state.version, state.sequence_number, state.encrypted), (3, 6, false));
    assert_eq!(state.has_vtpm, Some(false));
    assert_eq!(state.carrier.unwrap().virtual_bytes, Some(4 * MIB));
    assert!(vmgs::has_signature(&bytes) && vhd::has_footer(&bytes).unwrap());
}

#[test]
fn replica_logs_name_their_disk_and_each_other() {
    let read = |name: &str| -> Option<Hrl> {
        let hrl = hrl::read(&sample(&format!("hyperv/made-misc/{name}"))?).unwrap();
        assert_eq!(hrl.anomalies, [], "{name}");
        Some(hrl)
    };
    let Some(first) = read("log1.hrl") else { return };
    let second = read("log2-unclosed.hrl").unwrap();
    let old = read("log-v1.hrl").unwrap();
    assert_eq!((first.version, first.open, first.end_offset), (2, false, 0x4600));
    assert_eq!((second.open, second.previous_id), (true, first.unique_id));
    assert_eq!(first.data_write_guid, Some(id("b6da74ce-c58b-5967-ad62-979927b731a8")));
    assert_eq!(second.data_write_guid, first.data_write_guid);
    assert_eq!((old.version, old.data_write_guid, old.open), (1, None, false));
}

#[test]
fn malformed_vhdx_files_keep_what_is_sound() {
    let Some(both) = malformed_vhdx("both-regions-bad.vhdx") else {
        return;
    };
    let both = both.unwrap();
    assert_eq!(
        (both.virtual_bytes, both.kind, both.may_have_parent()),
        (None, None, true)
    );
    assert_eq!(both.data_write_guid, id("2f3dd338-0e68-5200-930b-67b840427600"));
    for (name, code) in [
        ("both-regions-bad.vhdx", vhdx::code::REGION_TABLES_BAD),
        ("truncated-header.vhdx", vhdx::code::REGION_TABLES_BAD),
        ("metadata-count-60000.vhdx", vhdx::code::METADATA_TABLE_BAD),
        ("block-size-not-pow2.vhdx", vhdx::code::METADATA_ITEM_BAD),
        ("virtual-size-1EiB.vhdx", vhdx::code::METADATA_ITEM_BAD),
        ("unknown-required-item.vhdx", vhdx::code::METADATA_UNKNOWN_REQUIRED),
        ("locator-foreign-type.avhdx", vhdx::code::LOCATOR_TYPE_UNKNOWN),
        ("locator-odd-length.avhdx", vhdx::code::LOCATOR_ENTRY_INVALID),
        ("log-entry-bad-crc.vhdx", vhdx::code::LOG_NO_VALID_RUN),
    ] {
        let disk = malformed_vhdx(name).unwrap().unwrap();
        assert_eq!(damage_of(&disk), Some(code), "{name}: {:?}", disk.anomalies);
        assert!(!disk.data_write_guid.is_nil(), "{name} still tells its id");
    }
    let odd = malformed_vhdx("locator-odd-length.avhdx").unwrap().unwrap();
    let linkage = odd.parent.unwrap().linkage;
    assert_eq!(linkage, Some(id("2f3dd338-0e68-5200-930b-67b840427600")));
    let size = malformed_vhdx("virtual-size-1EiB.vhdx").unwrap().unwrap();
    assert_eq!((size.virtual_bytes, size.kind), (None, Some(DiskKind::Dynamic)));
}

#[test]
fn malformed_vhdx_copies_give_way_to_sound_ones() {
    for (name, code, sequence_number) in [
        ("header1-bad-crc.vhdx", vhdx::code::HEADER_COPY_BAD, 7),
        ("region-count-max.vhdx", vhdx::code::REGION_TABLES_BAD, 7),
    ] {
        let Some(disk) = malformed_vhdx(name) else { return };
        let disk = disk.unwrap();
        assert_eq!(disk.anomalies[0].code, code, "{name}");
        assert_eq!(disk.sequence_number, sequence_number);
    }
    let disk = malformed_vhdx("header1-bad-crc.vhdx").unwrap().unwrap();
    assert_eq!((damage_of(&disk), disk.virtual_bytes), (None, Some(8 * MIB)));
}

/// Faults that only the block table or another file shows: these readers see a sound file.
#[test]
fn faults_outside_of_what_is_read_do_not_disturb() {
    for name in [
        "bat-beyond-eof.vhdx",
        "bat-overlap.vhdx",
        "truncated-payload.vhdx",
        "cycle-b.avhdx",
        "linkage-mismatch.avhdx",
        "parent-missing.avhdx",
        "self-parent.avhdx",
    ] {
        let Some(disk) = malformed_vhdx(name) else { return };
        let disk = disk.unwrap();
        assert_eq!(disk.anomalies, [], "{name}");
        assert_eq!(disk.parent.is_some(), name.contains("avhdx"), "{name}");
    }
    let own = malformed_vhdx("self-parent.avhdx").unwrap().unwrap();
    assert_eq!(own.parent.unwrap().linkage, Some(own.data_write_guid));
}

#[test]
fn malformed_vhd_files_keep_what_is_sound() {
    for (name, footer, code) in [
        (
            "both-footers-bad-checksum.vhd",
            FooterPlace::End,
            vhd::code::FOOTER_CHECKSUM_BAD,
        ),
        (
            "dyn-header-bad-checksum.vhd",
            FooterPlace::End,
            vhd::code::DYNAMIC_HEADER_CHECKSUM_BAD,
        ),
        ("fixed-size-mismatch.vhd", FooterPlace::End, vhd::code::FILE_TOO_SHORT),
        ("footer-zeroed.vhd", FooterPlace::Start, vhd::code::FOOTER_LOST),
        ("no-trailing-footer.vhd", FooterPlace::Start, vhd::code::FOOTER_LOST),
        ("locator-len-4g.avhd", FooterPlace::End, vhd::code::LOCATOR_BAD),
    ] {
        let Some(disk) = malformed_vhd(name) else { return };
        let disk = disk.unwrap();
        let damage = disk.damage.unwrap();
        assert_eq!(
            (disk.footer, damage.code.as_str()),
            (footer, code),
            "{name}: {:?}",
            disk.anomalies
        );
        assert!(disk.unique_id.is_some(), "{name} still tells its id");
    }
    for name in ["bat-beyond-eof.vhd", "parent-missing.avhd", "self.avhd"] {
        let disk = malformed_vhd(name).unwrap().unwrap();
        assert_eq!(disk.anomalies, [], "{name}: the fault is in the table or another file");
    }
    let own = malformed_vhd("self.avhd").unwrap().unwrap();
    assert_eq!(own.parent.unwrap().unique_id, own.unique_id);
}

#[test]
fn malformed_replica_logs() {
    let read = |name: &str| Some(hrl::read(&sample(&format!("malformed/hyperv/misc/{name}"))?));
    let Some(checksum) = read("header-bad-checksum.hrl") else {
        return;
    };
    let checksum = checksum.unwrap();
    assert_eq!(checksum.anomalies[0].code, hrl::code::HEADER_CHECKSUM_BAD);
    assert_eq!(
        checksum.damage, None,
        "the specification's own example does not check either"
    );
    let end = read("eol-beyond-eof.hrl").unwrap().unwrap();
    assert_eq!(end.damage.unwrap().code, hrl::code::END_OUT_OF_BOUNDS);
}

/// Whatever is handed to the wrong reader is refused, or read without a panic and in time.
#[test]
fn every_reader_survives_every_malformed_file() {
    let Some(root) = samples() else { return };
    let mut count = 0;
    for folder in ["vhd", "vhdx", "misc"] {
        for entry in std::fs::read_dir(root.join("malformed/hyperv").join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = format!("malformed/hyperv/{folder}/{name}");
            let bytes = sample(&path).unwrap();
            let limits = Limits::default();
            let results = [
                vhdx::read(&bytes, &limits).err(),
                vhd::read(&bytes, &limits).err(),
                vmgs::read(&bytes, &limits).err(),
                hrl::read(&bytes).err(),
            ];
            let refused = results.into_iter().flatten().collect::<Vec<ParseError>>();
            assert!(refused.len() >= 3, "{path} is of one kind at most: {refused:?}");
            count += 1;
        }
    }
    assert!(count >= 40, "only {count} files");
}
