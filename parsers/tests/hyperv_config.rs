//! The typed view of configurations, host lists and runtime states, on real and made files.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that meets something unexpected has to stop, and reads samples whole"
)]

use std::{collections::BTreeSet, path::PathBuf};

use derelict_parsers::{
    Limits, ParseError,
    hyperv_config::{
        self, Content, ControllerKind, DriveKind, HostStore, HypervConfig, HypervFile, PathReference, PathRole,
        RuntimeState, TreeKind,
    },
    hyperv_xml::{self, Encoding},
    vmcx::ValueRef,
    windows_path,
};
use uuid::{Uuid, uuid};

const VM_A: Uuid = uuid!("14e55d4c-3a49-5d18-856e-1e77ea91e433");

/// The bytes of a sample; `None`, loudly, where the samples are absent.
fn sample(path: &str) -> Option<Vec<u8>> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/samples"));
    if !folder.is_dir() {
        eprintln!("SKIPPED: samples absent at {}", folder.display());
        return None;
    }
    Some(std::fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}")))
}

fn read(path: &str) -> Option<Result<HypervFile, ParseError>> {
    let bytes = sample(path)?;
    Some(if windows_path::extension(path) == Some("xml") {
        hyperv_config::read_xml(bytes.as_slice(), &Limits::default())
    } else {
        hyperv_config::read_container(bytes.as_slice(), &Limits::default())
    })
}

fn config(path: &str) -> Option<HypervConfig> {
    match read(path)?.unwrap().content {
        Content::Config(config) => Some(*config),
        other => panic!("{path} is no configuration: {other:?}"),
    }
}

fn host_store(path: &str) -> Option<HostStore> {
    match read(path)?.unwrap().content {
        Content::HostStore(store) => Some(store),
        other => panic!("{path} is no host store: {other:?}"),
    }
}

fn runtime(path: &str) -> Option<RuntimeState> {
    match read(path)?.unwrap().content {
        Content::Runtime(state) => Some(state),
        other => panic!("{path} is no runtime state: {other:?}"),
    }
}

/// Role and path of each reference.
fn named(references: &[PathReference]) -> Vec<(PathRole, &str)> {
    references
        .iter()
        .map(|reference| (reference.role, reference.path.as_str()))
        .collect()
}

#[test]
fn a_real_generation_1_vm() {
    let Some(config) = config("hyperv/dissect.hypervisor/test.vmcx") else {
        return;
    };
    let id = Some(uuid!("282874fc-59d6-4f30-bc04-5fdd909c82e0"));
    assert_eq!(config.name.as_deref(), Some("Other Location"));
    assert_eq!((config.vm_id, config.logical_id), (id, id));
    assert_eq!((config.is_checkpoint, config.checkpoint_of()), (false, None));
    assert_eq!(
        (config.generation, config.config_version.as_deref()),
        (Some(1), Some("9.0"))
    );
    assert_eq!(
        config.creation_time.unwrap().to_string(),
        "2021-08-22T21:41:00.7172263Z"
    );
    assert_eq!(config.last_powered_off_time, None, "0 is no time");
    assert_eq!(
        (config.disk_merge_pending, config.checkpoint_count),
        (Some(false), Some(0))
    );
    assert!(!config.vtpm_device_present && config.complete);
    assert_eq!(config.anomalies, []);
    let drives: Vec<_> = config
        .drives
        .iter()
        .map(|drive| (drive.controller_kind, drive.controller, drive.location, drive.kind))
        .collect();
    assert_eq!(
        drives,
        [
            (ControllerKind::Ide, 0, 0, DriveKind::Disk),
            (ControllerKind::Ide, 0, 1, DriveKind::Empty),
            (ControllerKind::Ide, 1, 0, DriveKind::Iso),
            (ControllerKind::Ide, 1, 1, DriveKind::Empty),
            (ControllerKind::Floppy, 0, 0, DriveKind::Floppy),
        ]
    );
    assert!(config.drives.iter().all(|drive| drive.has_manifest_entry == Some(true)));
    assert_eq!(
        named(&config.references()),
        [
            (
                PathRole::Disk,
                r"C:\Users\Public\Documents\Hyper-V\Virtual Hard Disks\Other Location.vhdx"
            ),
            (
                PathRole::GuestState,
                r"C:\Hyper-V\EasyToFind\Virtual Machines\282874FC-59D6-4F30-BC04-5FDD909C82E0.vmgs"
            ),
        ]
    );
}

#[test]
fn a_real_xml_of_2012_r2() {
    let path = "hyperv/dissect.target/B90AC31B-C6F8-479F-9B91-07B894A6A3F6.xml";
    let Some(Ok(file)) = read(path) else { return };
    assert_eq!(
        (file.kind, file.encoding),
        (TreeKind::VirtualMachine, Some(Encoding::Utf16Le))
    );
    assert_eq!(file.anomalies(), []);
    let config = file.config().unwrap();
    assert_eq!(config.name.as_deref(), Some("Default Generation 1"));
    assert_eq!(config.vm_id, Some(uuid!("b90ac31b-c6f8-479f-9b91-07b894a6a3f6")));
    assert_eq!(
        (config.generation, config.config_version.as_deref()),
        (Some(1), Some("5.0"))
    );
    assert_eq!((config.creation_time, config.last_powered_on_time), (None, None));
    assert_eq!(config.last_powered_off_time.unwrap().as_second(), 1_676_633_158);
    let drive = config.drives.first().unwrap();
    assert_eq!(
        drive.has_manifest_entry, None,
        "built-in controllers are not in its manifest, and yet in use"
    );
    assert!(config.references().iter().all(|reference| !reference.weak));
    assert_eq!(
        named(&config.references()),
        [(PathRole::Disk, r"C:\Disks\Default Generation 1.vhdx")]
    );
}

/// Counts the elements of the real XML, and its leaves by the name of their type, without the reader under test.
#[test]
fn every_element_of_the_real_xml_becomes_a_key() {
    let path = "hyperv/dissect.target/B90AC31B-C6F8-479F-9B91-07B894A6A3F6.xml";
    let Some(bytes) = sample(path) else { return };
    let (units, _) = bytes.as_chunks::<2>();
    let text: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    let text = String::from_utf16(&text).unwrap();
    let document = hyperv_xml::parse(&bytes, &Limits::default()).unwrap();
    let mut keys = Vec::new();
    document.tree.walk(|_, key| keys.push(key.value()));
    let count = |wanted: fn(&&ValueRef<'_>) -> bool| keys.iter().filter(wanted).count();
    let of_type = |kind: &str| text.matches(&format!("type=\"{kind}\"")).count();
    assert_eq!(keys.len(), text.matches("</").count() + text.matches("/>").count());
    assert_eq!(count(|value| matches!(value, ValueRef::String(_))), of_type("string"));
    assert_eq!(count(|value| matches!(value, ValueRef::Int(_))), of_type("integer"));
    assert_eq!(count(|value| matches!(value, ValueRef::Bool(_))), of_type("bool"));
    assert_eq!(count(|value| matches!(value, ValueRef::Bytes(_))), of_type("bytes"));
}

#[test]
fn a_generation_2_vm_with_disks_on_a_volume_and_a_share() {
    let Some(config) = config("hyperv/made-vmcx/gen2.vmcx") else {
        return;
    };
    assert_eq!((config.vm_id, config.generation), (Some(VM_A), Some(2)));
    let shared: Vec<_> = config
        .drives
        .iter()
        .map(|drive| drive.persistent_reservations)
        .collect();
    assert_eq!(shared, [false, false, true]);
    assert!(
        config
            .drives
            .iter()
            .all(|drive| drive.controller_kind == ControllerKind::Scsi)
    );
    let ids: BTreeSet<_> = config.drives.iter().map(|drive| drive.controller_id).collect();
    assert_eq!(
        ids.len(),
        2,
        "each SCSI controller has the number 0; its id tells them apart"
    );
    assert_eq!(
        named(&config.references()),
        [
            (
                PathRole::Disk,
                r"C:\ClusterStorage\Volume1\VM-A\Virtual Hard Disks\VM-A_FDD9BB18-BAFB-5BB8-87E0-7CCC69590660.avhdx"
            ),
            (PathRole::Disk, r"\\sofs01\vms\VM-A\data.vhdx"),
            (PathRole::Disk, r"C:\ClusterStorage\Volume2\shared\quorum.vhds"),
            (
                PathRole::GuestState,
                r"C:\ClusterStorage\Volume1\VM-A\Virtual Machines\14E55D4C-3A49-5D18-856E-1E77EA91E433.vmgs"
            ),
        ]
    );
}

#[test]
fn a_generation_1_vm_with_a_cd_in_its_drive() {
    let Some(config) = config("hyperv/made-vmcx/gen1-vhd.vmcx") else {
        return;
    };
    assert_eq!(
        named(&config.references()),
        [
            (PathRole::Disk, r"D:\VMs\b\b.vhd"),
            (PathRole::Disk, r"D:\VMs\b\b_diff.avhd"),
            (PathRole::Media, r"D:\ISO\a.iso"),
        ]
    );
}

#[test]
fn checkpoints_name_their_vm() {
    let Some(Ok(file)) = read("hyperv/made-vmcx/checkpoint.vmcx") else {
        return;
    };
    assert_eq!(file.kind, TreeKind::Checkpoint);
    let checkpoint = file.config().unwrap();
    assert_eq!(checkpoint.checkpoint_of(), Some(VM_A));
    assert_eq!(checkpoint.vm_id, Some(uuid!("fdd9bb18-bafb-5bb8-87e0-7ccc69590660")));
    let base = r"C:\ClusterStorage\Volume1\VM-A\Virtual Hard Disks\VM-A.vhdx";
    assert_eq!(named(&checkpoint.references()), [(PathRole::Disk, base)]);
    let xml = config("hyperv/made-misc/ASSUMED-snapshot.xml").unwrap();
    assert_eq!(xml.checkpoint_of(), Some(uuid!("65e06e96-9ecf-5411-be0a-88495891a847")));
    assert_eq!(xml.vm_id, Some(uuid!("a654e133-3b4b-5770-9c13-c3a1f50fdf6e")));
}

#[test]
fn a_saved_vm_names_its_state() {
    let Some(config) = config("hyperv/made-misc/ASSUMED-vm-with-snapshot.xml") else {
        return;
    };
    assert_eq!(config.name.as_deref(), Some("Legacy & Co"));
    assert!(!config.is_checkpoint);
    assert_eq!(config.saved_state.kind.as_deref(), Some("Normal"));
    let drive = config.drives.first().unwrap();
    assert_eq!(
        drive.has_manifest_entry, None,
        "a manifest that lists nothing cannot tell"
    );
    let folder = r"D:\VMs\l\Virtual Machines\65E06E96-9ECF-5411-BE0A-88495891A847\65E06E96-9ECF-5411-BE0A-88495891A847";
    assert_eq!(
        named(&config.references()),
        [
            (PathRole::Disk, r"D:\VMs\l\l_A654E133-3B4B-5770-9C13-C3A1F50FDF6E.avhd"),
            (PathRole::SavedMemory, format!("{folder}.bin").as_str()),
            (PathRole::SavedState, format!("{folder}.vsv").as_str()),
        ]
    );
}

#[test]
fn a_host_lists_what_it_has_registered() {
    let Some(store) = host_store("hyperv/dissect.target/data.vmcx") else {
        return;
    };
    assert_eq!(store.format_version, Some(2));
    assert_eq!(
        store.registration_id,
        Some(uuid!("a4f9fa6c-acde-42f0-9a9e-b2222cf7ed42"))
    );
    assert_eq!(
        (
            store.virtual_machines.len(),
            store.cached.len(),
            store.resource_types.len()
        ),
        (4, 4, 25)
    );
    assert!(store.other_paths.is_empty() && store.complete);
    let first = store.virtual_machines.first().unwrap();
    assert_eq!(first.id, Some(uuid!("ec04f346-db96-4700-af5b-77b3c56c38bd")));
    assert_eq!(
        first.path.as_str(),
        r"C:\Hyper-V\EasyToFind\Virtual Machines\EC04F346-DB96-4700-AF5B-77B3C56C38BD.vmcx"
    );
    let references = store.references();
    let roles = named(&references);
    let count = |wanted| roles.iter().filter(|(role, _)| *role == wanted).count();
    assert_eq!((count(PathRole::Config), count(PathRole::HostFile)), (4, 29));
    let made = host_store("hyperv/made-vmcx/data.vmcx").unwrap();
    assert_eq!(made.virtual_machines.len(), 2);
}

#[test]
fn free_space_of_a_host_list_still_knows_vms_that_are_gone() {
    let Some(Ok(file)) = read("hyperv/dissect.target/data.vmcx") else {
        return;
    };
    let previous = file.storage.as_ref().unwrap().previous_paths.clone();
    let keys: Vec<_> = previous.iter().map(|path| path.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "_59BA3B9E-EC28-47A0-BC45-98E06E082ADE_",
            "_FA2CC0D6-643D-496C-AA33-10F911E7EAF8_",
            "_282874FC-59D6-4F30-BC04-5FDD909C82E0_"
        ]
    );
    let references = file.references();
    let is_reference = |path: &str| references.iter().any(|reference| reference.path.as_str() == path);
    assert!(
        previous.iter().all(|path| !is_reference(path.path.as_str())),
        "history is no reference"
    );
}

#[test]
fn a_runtime_state_knows_whether_it_holds_memory() {
    let Some(off) = runtime("hyperv/dissect.hypervisor/test.VMRS") else {
        return;
    };
    assert_eq!(
        (off.config_version.as_deref(), off.has_saved_state),
        (Some("9.0"), false)
    );
    assert!(!runtime("hyperv/made-vmcx/running.VMRS").unwrap().has_saved_state);
    let saved = runtime("hyperv/made-vmcx/saved.vmrs").unwrap();
    assert!(saved.has_saved_state && saved.complete);
    assert_eq!((saved.ram_blocks, saved.saved_bytes), (6, 5120 + 6 * 2304));
}

#[test]
fn malformed_xml_gives_a_clear_error_or_says_that_it_is_not_whole() {
    let folder = "malformed/hyperv/misc";
    let Some(deep) = read(&format!("{folder}/deep-20000.xml")) else {
        return;
    };
    assert_eq!(
        deep,
        Err(ParseError::LimitExceeded {
            what: "Hyper-V XML depth",
            value: 65,
            limit: 64
        })
    );
    assert!(matches!(
        read(&format!("{folder}/not-hyperv.xml")),
        Some(Err(ParseError::BadSignature {
            what: "Hyper-V XML",
            ..
        }))
    ));
    let truncated = config(&format!("{folder}/truncated.xml")).unwrap();
    assert!(!truncated.complete && truncated.vm_id.is_none());
    let odd = config(&format!("{folder}/odd-bytes.xml")).unwrap();
    assert_eq!(
        (odd.complete, odd.name.as_deref()),
        (false, Some("a")),
        "its last sign is cut"
    );
    let big_endian = read(&format!("{folder}/utf16be.xml")).unwrap().unwrap();
    assert_eq!(big_endian.encoding, Some(Encoding::Utf16Be));
    assert!(big_endian.is_complete());
    assert_eq!(big_endian.config().unwrap().name.as_deref(), Some("a"));
}

#[test]
fn damaged_configurations_say_that_they_may_own_more() {
    let names = [
        "entry-bad-crc",
        "entry-size-2g",
        "key-table-size-4g",
        "log-data-bad-crc",
        "name-len-255",
        "parent-cycle",
        "parent-self",
        "string-len-4g",
    ];
    for name in names {
        let Some(file) = read(&format!("malformed/hyperv/misc/{name}.vmcx")) else {
            return;
        };
        let file = file.unwrap();
        assert!(!file.is_complete(), "{name}");
        assert!(!file.anomalies().is_empty(), "{name}");
    }
}

#[test]
fn keys_in_a_circle_still_name_their_disk() {
    for name in ["parent-cycle", "parent-self"] {
        let Some(config) = config(&format!("malformed/hyperv/misc/{name}.vmcx")) else {
            return;
        };
        assert_eq!(config.name.as_deref(), Some("VM-A"), "{name}");
        assert!(!named(&config.references()).is_empty(), "{name}");
    }
}
