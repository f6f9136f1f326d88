//! The configuration of a VM or of a checkpoint.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    CONFIGURATION,
    drives::{self, Drive},
    guid_at,
    paths::{self, KeyedPath, PathReference, PathRole, PathValues},
};
use crate::{
    error::Anomaly,
    filetime,
    vmcx::{KeyRef, KeyTree},
};

/// Node of the guest runtime state device, which names the `.vmgs` (R).
const GUEST_STATE_DEVICE: &str = "_917bd8cb-3bb6-4124-9383-b7d21ac07f79_";
/// Node of the virtual TPM; it stands in every generation 2 configuration (R).
const VTPM_DEVICE: &str = "_736e6aa9-a3f8-49c0-9550-a963214d259a_";
/// Path of the id of a configuration (R).
const OWN_ID: &str = "properties/global_id";
/// Path of the id of the VM (R).
const LOGICAL_ID: &str = "settings/global/logical_id";
/// `type_id` of a VM (R).
const TYPE_OF_VM: &str = "Virtual Machines";

/// The configuration of a VM or of a checkpoint. Every key is optional.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HypervConfig {
    /// Display name.
    pub name: Option<String>,
    /// `properties/global_id`: id of this configuration, which is its file name; for a VM the VM id, for a checkpoint
    /// the checkpoint's.
    pub vm_id: Option<Uuid>,
    /// `settings/global/logical_id`: the VM that the configuration belongs to. Equals `vm_id` in a VM (R).
    pub logical_id: Option<Uuid>,
    /// `properties/type_id`: `Virtual Machines` (R), for checkpoints `Snapshots` (A).
    pub type_id: Option<String>,
    /// The content says that it is a checkpoint: `type_id` is not that of a VM, or `logical_id` is another than
    /// `vm_id` (A). The folder may say so where the content does not.
    pub is_checkpoint: bool,
    /// 1 or 2; `None` for other subtypes.
    pub generation: Option<u8>,
    /// `properties/subtype` as written: 0 generation 1, 1 generation 2 (R), 2 container, 8 utility VM (S).
    pub subtype: Option<i64>,
    /// Configuration version, e.g. `9.0`.
    pub config_version: Option<String>,
    /// When the VM was created.
    pub creation_time: Option<Timestamp>,
    /// When it was last started; 0 in real files of version 9.0, then `None`.
    pub last_powered_on_time: Option<Timestamp>,
    /// When it was last switched off, likewise.
    pub last_powered_off_time: Option<Timestamp>,
    /// When its state last changed, likewise.
    pub last_state_change_time: Option<Timestamp>,
    /// Notes of the user.
    pub notes: Option<String>,
    /// The VM is a cluster role.
    pub highly_available: Option<bool>,
    /// A merge of a checkpoint is pending.
    pub disk_merge_pending: Option<bool>,
    /// Number of checkpoints, as the configuration counts them.
    pub checkpoint_count: Option<i64>,
    /// SID of the creator.
    pub owner_sid: Option<String>,
    /// Shielding, TPM and encryption.
    pub security: Security,
    /// The virtual TPM device is there. It is in every generation 2 configuration; see `security.tpm_enabled`.
    pub vtpm_device_present: bool,
    /// Every drive, empty ones included.
    pub drives: Vec<Drive>,
    /// The `.vmgs` with UEFI variables and virtual TPM.
    pub guest_state_path: Option<KeyedPath>,
    /// Where saved memory lies, where the configuration says.
    pub saved_state: SavedState,
    /// Folders: smart paging (`slp_data_root`), data roots, and every other absolute path that names no known kind of
    /// file.
    pub folders: Vec<KeyedPath>,
    /// Every other text in the tree that looks like the path of a file, whatever its key.
    pub other_paths: Vec<KeyedPath>,
    /// Nothing is missing, as far as the file tells. While `false`, the VM may own more than is listed here.
    pub complete: bool,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

/// Shielding, TPM and encryption (`security/settings`, `settings/isolation`) (S).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Security {
    /// The VM is shielded.
    pub shielding_requested: Option<bool>,
    /// The virtual TPM is on: the guest state holds keys of encrypted disks.
    pub tpm_enabled: Option<bool>,
    /// A key storage drive is on.
    pub ksd_enabled: Option<bool>,
    /// State and migration traffic are encrypted.
    pub encrypt_state_migration: Option<bool>,
    /// Data protection is requested.
    pub data_protection_requested: Option<bool>,
    /// 0 none, 1 VBS, 2 SNP, 3 TDX.
    pub isolation_type: Option<i64>,
}

/// Where saved memory lies (`savedstate`, `WorkerProcessSettings`) (T, S).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SavedState {
    /// `Normal`, `Snapshot`, `Fast` or empty.
    pub kind: Option<String>,
    /// Saving or restoring was under way.
    pub in_progress: Option<bool>,
    /// Memory (`memlocation`: `.bin`, or `.vmrs`).
    pub memory: Option<KeyedPath>,
    /// Devices (`vsvlocation`: `.vsv`, or `.vmrs`).
    pub devices: Option<KeyedPath>,
}

/// The rule that needs no knowledge of checkpoint keys: another type than a VM, or another VM's configuration (A).
pub(super) fn is_checkpoint(root: KeyRef<'_>) -> bool {
    let own = guid_at(root, OWN_ID);
    is_checkpoint_of(root, own, guid_at(root, LOGICAL_ID))
}

/// As [`is_checkpoint`], with both ids.
fn is_checkpoint_of(root: KeyRef<'_>, own: Option<Uuid>, logical: Option<Uuid>) -> bool {
    let type_id = root
        .get("properties/type_id")
        .and_then(KeyRef::as_str)
        .filter(|text| !text.trim().is_empty());
    type_id.is_some_and(|text| !text.trim().eq_ignore_ascii_case(TYPE_OF_VM))
        || own.zip(logical).is_some_and(|(own, logical)| own != logical)
}

impl HypervConfig {
    /// The typed view of a tree with the root `configuration`.
    pub fn from_tree(tree: &KeyTree) -> Self {
        let mut paths = PathValues::collect(tree);
        let mut config = match tree.root(CONFIGURATION) {
            Some(root) => Self::of_root(root, tree.complete, &mut paths),
            None => Self::default(),
        };
        config.complete = tree.complete && !paths.overflow;
        let others = paths.finish(&mut config.anomalies);
        config.folders = others.folders;
        config.other_paths = others.files;
        config
    }

    fn of_root<'a>(root: KeyRef<'a>, complete: bool, paths: &mut PathValues<'a>) -> Self {
        let mut anomalies = Vec::new();
        let properties = root.child("properties");
        let property = |name| properties?.child(name);
        let subtype = int(property("subtype"));
        let vm_id = guid(root, OWN_ID, &mut anomalies);
        let logical_id = guid(root, LOGICAL_ID, &mut anomalies);
        Self {
            name: text(property("name")),
            vm_id,
            logical_id,
            type_id: text(property("type_id")),
            is_checkpoint: is_checkpoint_of(root, vm_id, logical_id),
            generation: match subtype {
                Some(0) => Some(1),
                Some(1) => Some(2),
                _ => None,
            },
            subtype,
            config_version: int(property("version")).map(version_text),
            creation_time: property("creation_time")
                .and_then(KeyRef::as_bytes)
                .and_then(filetime_of_bytes),
            last_powered_on_time: int(property("last_powered_on_time")).and_then(filetime::timestamp),
            last_powered_off_time: int(property("last_powered_off_time")).and_then(filetime::timestamp),
            last_state_change_time: int(property("last_state_change_time")).and_then(filetime::timestamp),
            notes: text(property("notes")),
            highly_available: flag(property("highly_available")),
            disk_merge_pending: flag(root.get("global_settings/disk_merge_pending")),
            checkpoint_count: int(root.get("global_settings/snapshots/list/size")),
            owner_sid: text(root.get("global_settings/owner/sid")),
            security: Security::of(root),
            vtpm_device_present: root.child(VTPM_DEVICE).is_some(),
            drives: drives::read(root, complete, paths),
            guest_state_path: keyed(root, &[GUEST_STATE_DEVICE, "StateFilePath"], paths),
            saved_state: SavedState::of(root, paths),
            anomalies,
            ..Self::default()
        }
    }

    /// The VM of which this is a checkpoint, where the content names it.
    pub fn checkpoint_of(&self) -> Option<Uuid> {
        self.logical_id
            .filter(|logical| self.is_checkpoint && Some(*logical) != self.vm_id)
    }

    /// Every path that the configuration names, with what it is for.
    pub fn references(&self) -> Vec<PathReference> {
        let drives = (0..)
            .zip(&self.drives)
            .flat_map(|(group, drive)| drive.references(group));
        let single = [
            (&self.guest_state_path, PathRole::GuestState),
            (&self.saved_state.memory, PathRole::SavedMemory),
            (&self.saved_state.devices, PathRole::SavedState),
        ];
        drives
            .chain(
                single
                    .into_iter()
                    .filter_map(|(path, role)| Some(path.as_ref()?.reference(role))),
            )
            .chain(paths::references(&self.other_paths))
            .chain(self.folders.iter().map(|path| path.reference(PathRole::Folder)))
            .collect()
    }
}

impl Security {
    fn of(root: KeyRef<'_>) -> Self {
        let settings = root.get("security/settings");
        let setting = |name| settings?.child(name)?.as_bool();
        Self {
            shielding_requested: setting("shielding_requested"),
            tpm_enabled: setting("tpm_enabled"),
            ksd_enabled: setting("ksd_enabled"),
            encrypt_state_migration: setting("encrypt_state_migration"),
            data_protection_requested: setting("data_protection_requested"),
            isolation_type: int(root.get("settings/isolation/type")),
        }
    }
}

impl SavedState {
    fn of<'a>(root: KeyRef<'a>, paths: &mut PathValues<'a>) -> Self {
        let worker = "WorkerProcessSettings";
        Self {
            kind: text(root.get("savedstate/type")),
            in_progress: flag(root.get("savedstate/in_progress")),
            memory: keyed(root, &["savedstate", "memlocation"], paths)
                .or_else(|| keyed(root, &[worker, "BinFilePath"], paths)),
            devices: keyed(root, &["savedstate", "vsvlocation"], paths)
                .or_else(|| keyed(root, &[worker, "VsvFilePath"], paths)),
        }
    }
}

/// The path at a place below the root, taken for a field.
fn keyed<'a>(root: KeyRef<'a>, names: &[&str], paths: &mut PathValues<'a>) -> Option<KeyedPath> {
    let key = names.iter().try_fold(root, |key, name| key.child(name));
    let path = paths.take(key)?;
    Some(KeyedPath {
        key: format!("{}/{}", root.name(), names.join("/")),
        path,
    })
}

/// A text that is not blank.
fn text(key: Option<KeyRef<'_>>) -> Option<String> {
    let text = key?.as_str()?;
    (!text.trim().is_empty()).then(|| text.to_owned())
}

fn int(key: Option<KeyRef<'_>>) -> Option<i64> {
    key?.as_int()
}

fn flag(key: Option<KeyRef<'_>>) -> Option<bool> {
    key?.as_bool()
}

/// A GUID; one that cannot be read is worth a note, since it ties files together.
fn guid(root: KeyRef<'_>, path: &str, anomalies: &mut Vec<Anomaly>) -> Option<Uuid> {
    let id = guid_at(root, path);
    if id.is_none() {
        anomalies.push(Anomaly::new("id-missing", format!("`{path}` is not there or no id")));
    }
    id
}

/// `major << 8 | minor` as people write it.
pub(super) fn version_text(version: i64) -> String {
    format!("{}.{}", version >> 8, version & 0xff)
}

fn filetime_of_bytes(bytes: &[u8]) -> Option<Timestamp> {
    filetime::timestamp(i64::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hyperv_config::{ControllerKind, DriveKind, read_container, read_xml},
        limits::Limits,
        testkit::hyperv_vm::{HypervDrive, HypervVm},
        vmcx::Key,
    };

    fn of(children: impl Into<Vec<Key>>) -> HypervConfig {
        let root = Key::node("configuration", children);
        HypervConfig::from_tree(&KeyTree::new(&[root], &[], true))
    }

    fn vm() -> HypervVm {
        HypervVm {
            notes: "first line\r\nsecond <line> & more".to_owned(),
            creation_time: "2023-02-17T17:03:06Z".parse().unwrap(),
            drives: vec![
                HypervDrive::disk(ControllerKind::Scsi, 0, r"C:\ClusterStorage\Volume1\VM\os.vhdx"),
                HypervDrive::iso(ControllerKind::Scsi, 1, ""),
                HypervDrive {
                    in_manifest: false,
                    ..HypervDrive::disk(ControllerKind::Scsi, 0, r"C:\old\gone.vhdx")
                },
            ],
            guest_state_path: Some(r"C:\VM\x.vmgs".to_owned()),
            saved_state: Some((r"C:\VM\x.bin".to_owned(), r"C:\VM\x.vsv".to_owned())),
            smart_paging_folder: Some(r"C:\VM".to_owned()),
            highly_available: true,
            disk_merge_pending: true,
            checkpoint_count: 2,
            tpm_enabled: true,
            ..HypervVm::new("Größe 1", Uuid::from_u128(0xabcd))
        }
    }

    #[test]
    fn container_and_xml_give_the_same_facts() {
        let limits = Limits::default();
        let container = read_container(&vm().to_vmcx(), &limits).unwrap();
        let xml = read_xml(&vm().to_xml(), &limits).unwrap();
        let config = container.config().unwrap();
        assert_eq!(Some(config), xml.config());
        assert_eq!(config.name.as_deref(), Some("Größe 1"));
        assert_eq!(config.notes.as_deref(), Some("first line\r\nsecond <line> & more"));
        assert_eq!(config.creation_time, Some(vm().creation_time));
        assert_eq!(
            (config.highly_available, config.disk_merge_pending),
            (Some(true), Some(true))
        );
        assert_eq!((config.checkpoint_count, config.generation), (Some(2), Some(2)));
        assert_eq!(
            (config.security.tpm_enabled, config.vtpm_device_present),
            (Some(true), true)
        );
        assert!(config.complete && config.anomalies.is_empty());
    }

    #[test]
    fn every_path_has_a_role() {
        let file = read_container(&vm().to_vmcx(), &Limits::default()).unwrap();
        let references = file.references();
        let named: Vec<_> = references
            .iter()
            .map(|reference| (reference.role, reference.path.as_str(), reference.weak))
            .collect();
        assert_eq!(
            named,
            [
                (PathRole::Disk, r"C:\ClusterStorage\Volume1\VM\os.vhdx", false),
                (PathRole::Disk, r"C:\old\gone.vhdx", true),
                (PathRole::GuestState, r"C:\VM\x.vmgs", false),
                (PathRole::SavedMemory, r"C:\VM\x.bin", false),
                (PathRole::SavedState, r"C:\VM\x.vsv", false),
                (PathRole::Folder, r"C:\VM", false),
            ],
            "a drive of a removed controller is a weak reference"
        );
        let config = file.config().unwrap();
        assert_eq!(config.folders[0].key, "configuration/global_settings/slp_data_root");
        let listed: Vec<_> = config.drives.iter().map(|drive| drive.has_manifest_entry).collect();
        assert_eq!(listed, [Some(true), Some(true), Some(false)]);
    }

    #[test]
    fn a_device_in_a_drive_is_no_reference() {
        let named = |kind: &'static str, path: &'static str| {
            let drive = Key::node("drive0", [Key::leaf("pathname", path), Key::leaf("type", kind)]);
            let config = of([Key::node("_x_", [Key::node("controller0", [drive])])]);
            assert_eq!(
                config.drives[0].pathname.as_ref().unwrap().as_str(),
                path,
                "it is told all the same"
            );
            config.references().len()
        };
        for (kind, path, references) in [
            ("HDD", r"\\.\PHYSICALDRIVE2", 0),
            ("HDD", r"\\HV01\root\virtualization\v2:Msvm_DiskDrive.DeviceID=7", 0),
            ("HDD", "Microsoft:353B3BE8-310C-4cf4-839E-4E1B14616136", 0),
            ("HDD", r"D:\disks\a.img", 1),
            ("HDD", "a.vhdx", 1),
            ("ISO", r"\\.\CdRom0", 0),
            ("VHD", "a.img", 1),
        ] {
            assert_eq!(named(kind, path), references, "{kind} {path}");
        }
    }

    #[test]
    fn a_disk_with_two_names_is_one_group() {
        let drive = Key::node(
            "drive3",
            [
                Key::leaf("pathname", r"C:\a\a.vhdx"),
                Key::leaf("relpathname", r"..\a\a.vhdx"),
                Key::leaf("logfile", r"C:\a\a.vhdx.hrl"),
                Key::leaf("type", "HDD"),
            ],
        );
        let config = of([Key::node("_x_", [Key::node("controller1", [drive])])]);
        assert_eq!(config.drives[0].kind, DriveKind::PassThrough);
        assert_eq!((config.drives[0].controller, config.drives[0].location), (1, 3));
        assert_eq!(config.drives[0].controller_kind, ControllerKind::Other);
        let references = config.references();
        let groups: Vec<_> = references
            .iter()
            .map(|reference| (reference.role, reference.group))
            .collect();
        assert_eq!(
            groups,
            [
                (PathRole::Disk, Some(0)),
                (PathRole::Disk, Some(0)),
                (PathRole::ReplicationLog, None)
            ]
        );
        assert!(config.other_paths.is_empty(), "no path is listed twice");
    }

    #[test]
    fn the_manifest_is_found_in_any_letter_case() {
        let id = "3AFC77D9-0000-4000-8000-0000000000AB";
        let drive = Key::node("drive0", [Key::leaf("pathname", r"C:\a.vhdx")]);
        let device = Key::node(format!("_{}_", id.to_lowercase()), [Key::node("controller0", [drive])]);
        let entry = Key::node(
            "vdev001",
            [
                Key::leaf("device", "{D422512D-2BF2-4752-809D-7B82B5FCB1B4}"),
                Key::leaf("instance", id),
            ],
        );
        let drive = &of([device, Key::node("manifest", [entry])]).drives[0];
        assert_eq!(
            (drive.controller_kind, drive.has_manifest_entry),
            (ControllerKind::Scsi, Some(true))
        );
    }

    #[test]
    fn nothing_is_called_dead_while_keys_are_missing() {
        let mut tree = KeyTree::new(&[vm().tree()], &[], true);
        assert_eq!(HypervConfig::from_tree(&tree).drives[2].has_manifest_entry, Some(false));
        tree.complete = false;
        assert_eq!(HypervConfig::from_tree(&tree).drives[2].has_manifest_entry, None);
    }

    #[test]
    fn a_path_under_an_unknown_key_is_a_reference() {
        let config = of([
            Key::node("new", [Key::leaf("what", r"\\server\share\x.AVHDX")]),
            Key::leaf("memory_dump", r"D:\dumps\vm.dmp"),
            Key::node(
                "WorkerProcessSettings",
                [Key::leaf("MemoryDumpFilePath", r"D:\dumps\x.dmp")],
            ),
            Key::leaf("pipe", r"\\.\pipe\com1"),
            Key::leaf("text", "see C:\\x.vhdx"),
        ]);
        let references = config.references();
        let named: Vec<_> = references.iter().map(|r| (r.role, r.key.as_str())).collect();
        assert_eq!(
            named,
            [
                (PathRole::Disk, "configuration/new/what"),
                (
                    PathRole::Other,
                    "configuration/WorkerProcessSettings/MemoryDumpFilePath"
                ),
                (PathRole::Folder, "configuration/memory_dump"),
            ]
        );
    }

    #[test]
    fn siblings_of_one_name_hide_no_path() {
        let drive = Key::node(
            "drive0",
            [
                Key::leaf("pathname", r"C:\first.vhdx"),
                Key::leaf("pathname", r"C:\second.vhdx"),
            ],
        );
        let config = of([Key::node("_x_", [Key::node("controller0", [drive.clone(), drive])])]);
        let references = config.references();
        let mut paths: Vec<_> = references.iter().map(|reference| reference.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(
            paths,
            [r"C:\first.vhdx", r"C:\first.vhdx", r"C:\second.vhdx", r"C:\second.vhdx"]
        );
    }

    #[test]
    fn times_outside_any_calendar_are_no_times() {
        assert_eq!(filetime::timestamp(0), None);
        assert_eq!(filetime::timestamp(-1), None);
        assert_eq!(filetime::timestamp(i64::MAX), None);
        assert_eq!(
            filetime::timestamp(116_444_736_000_000_000),
            Some(Timestamp::UNIX_EPOCH)
        );
        assert_eq!(filetime_of_bytes(&[0; 7]), None);
    }

    #[test]
    fn more_paths_than_are_listed_make_the_facts_incomplete() {
        let keys: Vec<_> = (0..10_001)
            .map(|n| Key::leaf("k", format!(r"C:\{n}.vhd").as_str()))
            .collect();
        let config = of(keys);
        assert_eq!(config.other_paths.len(), 10_000);
        assert!(!config.complete);
        assert_eq!(
            config.anomalies.last().map(|anomaly| anomaly.code.as_str()),
            Some("too-many-paths")
        );
    }
}
