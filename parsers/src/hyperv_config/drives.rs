//! The drives of a VM: controllers are device nodes, each with `controllerN/driveN` below it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use super::{
    guid_at, parse_guid,
    paths::{PathReference, PathRole, PathValues},
};
use crate::{text::EncodedText, vmcx::KeyRef, windows_path};

/// Device type of the IDE controller of generation 1 (R).
const IDE: Uuid = uuid!("83f8638b-8dca-4152-9eda-2ca8b33039b4");
/// Device type of a SCSI controller (R).
const SCSI: Uuid = uuid!("d422512d-2bf2-4752-809d-7b82b5fcb1b4");
/// Device type of the floppy controller (R).
const FLOPPY: Uuid = uuid!("8f0d2762-0b00-4e04-af4f-19010527cb93");
/// Controllers that cannot be removed: their instance id is their type.
const BUILT_IN: [Uuid; 2] = [IDE, FLOPPY];

/// One drive, with or without a medium.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drive {
    /// What it hangs on.
    pub controller_kind: ControllerKind,
    /// Instance id of the controller. SCSI controllers are told apart by it: each has the number 0.
    pub controller_id: Option<Uuid>,
    /// N of `controllerN`.
    pub controller: u32,
    /// N of `driveN`.
    pub location: u32,
    /// Path of the drive's key in the tree.
    pub key: String,
    /// What is in it, as the configuration says.
    pub kind: DriveKind,
    /// The `type` as written; `None` where there is none.
    pub type_text: Option<String>,
    /// The file or device; `None` for an empty drive.
    pub pathname: Option<EncodedText>,
    /// The same file relative to the configuration, where it is given (S).
    pub relative_pathname: Option<EncodedText>,
    /// A log that belongs to the disk, where one is given (S).
    pub log_file: Option<EncodedText>,
    /// Persistent reservations are on: the disk may be shared between VMs.
    pub persistent_reservations: bool,
    /// The manifest lists the controller. `false`: a stub that was left when the controller was removed, its drives are
    /// dead references (T). `None`: the manifest cannot tell (a built-in controller, no device listed at all, or keys
    /// are missing).
    pub has_manifest_entry: Option<bool>,
}

/// What a drive hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ControllerKind {
    /// IDE (generation 1).
    Ide,
    /// SCSI.
    Scsi,
    /// Floppy.
    Floppy,
    /// A device of another type.
    Other,
}

/// What is in a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DriveKind {
    /// A virtual disk: `.vhd`, `.vhdx`, `.vhds` and their kin (`VHD`) (R).
    Disk,
    /// A CD image (`ISO`) (R).
    Iso,
    /// A floppy image (`VFD`) (R).
    Floppy,
    /// Nothing (`NONE`) (R).
    Empty,
    /// A physical disk (`HDD`) (S).
    PassThrough,
    /// Another type; see `type_text`.
    Other,
}

impl DriveKind {
    fn of(text: Option<&str>) -> Self {
        let kinds = [
            ("VHD", Self::Disk),
            ("ISO", Self::Iso),
            ("VFD", Self::Floppy),
            ("NONE", Self::Empty),
            ("HDD", Self::PassThrough),
        ];
        kinds
            .into_iter()
            .find(|(name, _)| text.is_some_and(|text| text.eq_ignore_ascii_case(name)))
            .map_or(Self::Other, |(_, kind)| kind)
    }
}

impl Drive {
    /// False for a device of the host. A physical disk is told by a device, by the path of an object of WMI, or by words of
    /// the storage provider; what looks like a file all the same is taken for one.
    fn names_a_file(&self, path: &str) -> bool {
        if windows_path::is_device(path) {
            return false;
        }
        let is_of_wmi = path.contains(":Msvm_");
        let looks_like_one = windows_path::is_absolute(path) || windows_path::has_known_extension(path);
        self.kind != DriveKind::PassThrough || (looks_like_one && !is_of_wmi)
    }

    /// What it names; `group` joins the ways to name its disk.
    pub(super) fn references(&self, group: u32) -> Vec<PathReference> {
        let role = match self.kind {
            DriveKind::Iso | DriveKind::Floppy => PathRole::Media,
            _ => PathRole::Disk,
        };
        let log_role = match &self.log_file {
            Some(path) => PathRole::of_extension(path.as_str()),
            None => PathRole::Other,
        };
        let joined = self.relative_pathname.as_ref().map(|_| group);
        [
            (&self.pathname, "pathname", role, joined),
            (&self.relative_pathname, "relpathname", role, joined),
            (&self.log_file, "logfile", log_role, None),
        ]
        .into_iter()
        .filter_map(|(path, name, role, group)| {
            let path = path.as_ref().filter(|path| self.names_a_file(path.as_str()))?;
            Some(PathReference {
                role,
                key: format!("{}/{name}", self.key),
                path: path.clone(),
                group,
                weak: self.has_manifest_entry == Some(false),
            })
        })
        .collect()
    }
}

/// The devices that the manifest lists: type by instance.
pub(super) struct Manifest {
    devices: BTreeMap<Uuid, Uuid>,
}

impl Manifest {
    pub(super) fn of(root: KeyRef<'_>) -> Self {
        let entries = root.children_named("manifest").flat_map(KeyRef::children);
        Self {
            devices: entries
                .filter_map(|entry| Some((guid_at(entry, "instance")?, guid_at(entry, "device")?)))
                .collect(),
        }
    }

    /// Type of the device with this instance id.
    fn device(&self, instance: Uuid) -> Option<Uuid> {
        self.devices.get(&instance).copied()
    }

    /// Whether the manifest lists an instance, where it can tell. The controllers that every generation 1 VM has are
    /// not in the manifest of version 5.0, and yet in use (R).
    fn lists(&self, instance: Option<Uuid>, complete: bool) -> Option<bool> {
        let instance = instance?;
        let listed = self.devices.contains_key(&instance);
        let can_tell = complete && !self.devices.is_empty() && !BUILT_IN.contains(&instance);
        (listed || can_tell).then_some(listed)
    }
}

/// Every drive of a configuration, in the order of its keys. `complete`: no key is missing from it.
pub(super) fn read<'a>(root: KeyRef<'a>, complete: bool, paths: &mut PathValues<'a>) -> Vec<Drive> {
    let manifest = Manifest::of(root);
    let mut drives = Vec::new();
    for device in root.children() {
        let instance = parse_guid(device.name());
        let kind = controller_kind(instance, &manifest);
        for (controller_key, controller) in numbered(device, "controller") {
            for (drive_key, location) in numbered(controller_key, "drive") {
                let type_text = drive_key.child("type").and_then(KeyRef::as_str);
                drives.push(Drive {
                    controller_kind: kind,
                    controller_id: instance,
                    controller,
                    location,
                    key: [root, device, controller_key, drive_key].map(KeyRef::name).join("/"),
                    kind: DriveKind::of(type_text),
                    type_text: type_text.map(str::to_owned),
                    pathname: paths.take(drive_key.child("pathname")),
                    relative_pathname: paths.take(drive_key.child("relpathname")),
                    log_file: paths.take(drive_key.child("logfile")),
                    persistent_reservations: drive_key
                        .child("persistent_reservations_supported")
                        .and_then(KeyRef::as_bool)
                        .unwrap_or(false),
                    has_manifest_entry: manifest.lists(instance, complete),
                });
            }
        }
    }
    drives
}

/// By the type in the manifest; IDE and floppy controllers have their type as instance id too.
fn controller_kind(instance: Option<Uuid>, manifest: &Manifest) -> ControllerKind {
    let device = instance.map(|instance| manifest.device(instance).unwrap_or(instance));
    match device {
        Some(IDE) => ControllerKind::Ide,
        Some(SCSI) => ControllerKind::Scsi,
        Some(FLOPPY) => ControllerKind::Floppy,
        _ => ControllerKind::Other,
    }
}

/// Children named `<prefix>N`, with N.
fn numbered<'a>(key: KeyRef<'a>, prefix: &'static str) -> impl Iterator<Item = (KeyRef<'a>, u32)> {
    key.children().filter_map(move |child| {
        let (head, number) = child.name().split_at_checked(prefix.len())?;
        let number = number.parse().ok()?;
        head.eq_ignore_ascii_case(prefix).then_some((child, number))
    })
}
