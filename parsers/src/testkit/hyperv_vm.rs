//! Builds the files of a Hyper-V VM: its configuration as `.vmcx` or legacy XML, its runtime state, the host's list.

use std::fmt::Write;

use base64::Engine;
use jiff::Timestamp;
use uuid::{Uuid, uuid};

use super::vmcx::ContainerBuilder;
use crate::{
    hyperv_config::ControllerKind,
    vmcx::{Key, Value},
};

const IDE: Uuid = uuid!("83f8638b-8dca-4152-9eda-2ca8b33039b4");
const SCSI: Uuid = uuid!("d422512d-2bf2-4752-809d-7b82b5fcb1b4");
const FLOPPY: Uuid = uuid!("8f0d2762-0b00-4e04-af4f-19010527cb93");
const GUEST_STATE: Uuid = uuid!("917bd8cb-3bb6-4124-9383-b7d21ac07f79");
const VTPM: Uuid = uuid!("736e6aa9-a3f8-49c0-9550-a963214d259a");

/// A VM, or a checkpoint of one. Every path is a Windows path as the host sees it.
#[derive(Debug, Clone)]
pub struct HypervVm {
    /// Display name.
    pub name: String,
    /// Id of this configuration, which is also its file name.
    pub id: Uuid,
    /// Set for a checkpoint: the id of its VM.
    pub checkpoint_of: Option<Uuid>,
    /// 1 or 2.
    pub generation: u8,
    /// Configuration version, `major << 8 | minor`: 0x0900 for a `.vmcx`, 0x0500 for XML of 2012 R2.
    pub version: i64,
    /// When it was created.
    pub creation_time: Timestamp,
    /// Notes of the user.
    pub notes: String,
    /// Its drives.
    pub drives: Vec<HypervDrive>,
    /// The `.vmgs`.
    pub guest_state_path: Option<String>,
    /// Where saved memory and saved devices lie.
    pub saved_state: Option<(String, String)>,
    /// Folder of the smart paging file.
    pub smart_paging_folder: Option<String>,
    /// The VM is a cluster role.
    pub highly_available: bool,
    /// A merge of a checkpoint is pending.
    pub disk_merge_pending: bool,
    /// Number of checkpoints.
    pub checkpoint_count: i64,
    /// The virtual TPM is on.
    pub tpm_enabled: bool,
}

/// One drive.
#[derive(Debug, Clone)]
pub struct HypervDrive {
    /// What it hangs on.
    pub controller: ControllerKind,
    /// Place: drive number on a SCSI or floppy controller; for IDE `2 × controller + drive`.
    pub location: u32,
    /// `VHD`, `ISO`, `VFD`, `NONE` …
    pub kind: String,
    /// The file; empty for an empty drive.
    pub pathname: String,
    /// The disk may be shared between VMs.
    pub persistent_reservations: bool,
    /// The manifest lists the controller; where no drive of a controller says so, it is a dead stub.
    pub in_manifest: bool,
}

impl HypervDrive {
    /// A virtual disk.
    pub fn disk(controller: ControllerKind, location: u32, pathname: impl Into<String>) -> Self {
        Self {
            controller,
            location,
            kind: "VHD".to_owned(),
            pathname: pathname.into(),
            persistent_reservations: false,
            in_manifest: true,
        }
    }

    /// A CD drive; empty without a path.
    pub fn iso(controller: ControllerKind, location: u32, pathname: impl Into<String>) -> Self {
        Self {
            kind: "ISO".to_owned(),
            ..Self::disk(controller, location, pathname)
        }
    }

    /// Device type and instance id of its controller.
    fn device(&self, vm: Uuid) -> (Uuid, Uuid) {
        match self.controller {
            ControllerKind::Ide => (IDE, IDE),
            ControllerKind::Floppy => (FLOPPY, FLOPPY),
            // One SCSI controller for drives in the manifest, one more for those that are not.
            ControllerKind::Scsi | ControllerKind::Other => {
                let number = 1 + u128::from(!self.in_manifest);
                (SCSI, Uuid::from_u128(vm.as_u128() ^ (number << 64)))
            }
        }
    }

    /// Numbers of controller and drive in the names of the keys.
    fn numbers(&self) -> (u32, u32) {
        match self.controller {
            ControllerKind::Ide => (self.location / 2, self.location % 2),
            _ => (0, self.location),
        }
    }

    fn key(&self) -> Key {
        Key::node(
            format!("drive{}", self.numbers().1),
            [
                Key::leaf("pathname", self.pathname.as_str()),
                Key::leaf("type", self.kind.as_str()),
                Key::leaf("persistent_reservations_supported", self.persistent_reservations),
            ],
        )
    }
}

impl HypervVm {
    /// A generation 2 VM without drives.
    pub fn new(name: impl Into<String>, id: Uuid) -> Self {
        Self {
            name: name.into(),
            id,
            checkpoint_of: None,
            generation: 2,
            version: 0x0900,
            creation_time: Timestamp::UNIX_EPOCH,
            notes: String::new(),
            drives: Vec::new(),
            guest_state_path: None,
            saved_state: None,
            smart_paging_folder: None,
            highly_available: false,
            disk_merge_pending: false,
            checkpoint_count: 0,
            tpm_enabled: false,
        }
    }

    /// The root key of its configuration.
    pub fn tree(&self) -> Key {
        let mut children = vec![self.properties(), self.settings(), self.global_settings()];
        if self.tpm_enabled {
            let settings = Key::node("settings", [Key::leaf("tpm_enabled", true)]);
            children.push(Key::node("security", [settings]));
        }
        if let Some((memory, devices)) = &self.saved_state {
            let keys = [
                Key::leaf("type", "Normal"),
                Key::leaf("in_progress", false),
                Key::leaf("memlocation", memory.as_str()),
                Key::leaf("vsvlocation", devices.as_str()),
            ];
            children.push(Key::node("savedstate", keys));
        }
        let devices = self.devices();
        children.push(manifest(&devices));
        children.extend(devices.into_iter().map(|device| device.key));
        Key::node("configuration", children)
    }

    /// Its configuration as `.vmcx`.
    pub fn to_vmcx(&self) -> Vec<u8> {
        ContainerBuilder::new([self.tree()]).build()
    }

    /// Its configuration as XML of 2012 R2, UTF-16LE with byte order mark.
    pub fn to_xml(&self) -> Vec<u8> {
        xml(&self.tree())
    }

    /// Its runtime state, `.VMRS`; with saved memory when `saved_bytes` is not 0.
    pub fn to_vmrs(&self, saved_bytes: usize) -> Vec<u8> {
        let properties = Key::node("properties", [Key::leaf("version", self.version)]);
        let mut roots = vec![Key::node("configuration", [properties])];
        if saved_bytes > 0 {
            let keys = [
                Key::leaf("VmVersion", self.version),
                Key::leaf("type", "Normal"),
                Key::leaf("RamBlock0", vec![0; saved_bytes.max(0x800)]),
            ];
            roots.push(Key::node("savedstate", keys));
        }
        ContainerBuilder::new(roots).sequence(7).build()
    }

    fn properties(&self) -> Key {
        let type_id = if self.checkpoint_of.is_some() {
            "Snapshots"
        } else {
            "Virtual Machines"
        };
        Key::node(
            "properties",
            [
                Key::leaf("creation_time", filetime(self.creation_time)),
                Key::leaf("global_id", upper(self.id).as_str()),
                Key::leaf("highly_available", self.highly_available),
                Key::leaf("name", self.name.as_str()),
                Key::leaf("notes", self.notes.as_str()),
                Key::leaf("subtype", i64::from(self.generation) - 1),
                Key::leaf("type_id", type_id),
                Key::leaf("version", self.version),
            ],
        )
    }

    fn settings(&self) -> Key {
        let owner = self.checkpoint_of.unwrap_or(self.id);
        let logical = Key::leaf("logical_id", upper(owner).as_str());
        Key::node("settings", [Key::node("global", [logical])])
    }

    fn global_settings(&self) -> Key {
        let list = Key::node("list", [Key::leaf("size", self.checkpoint_count)]);
        let mut keys = vec![
            Key::leaf("disk_merge_pending", self.disk_merge_pending),
            Key::node("snapshots", [list]),
        ];
        if let Some(folder) = &self.smart_paging_folder {
            keys.push(Key::leaf("slp_data_root", folder.as_str()));
        }
        Key::node("global_settings", keys)
    }

    /// The device nodes, in the order of the manifest.
    fn devices(&self) -> Vec<Device> {
        let mut devices: Vec<Device> = Vec::new();
        for drive in &self.drives {
            let (kind, instance) = drive.device(self.id);
            let known = devices.iter().position(|device| device.instance == instance);
            let place = known.unwrap_or_else(|| {
                devices.push(Device::new(kind, instance));
                devices.len() - 1
            });
            let device = &mut devices[place];
            device.in_manifest |= drive.in_manifest;
            device.controller(drive.numbers().0).children.push(drive.key());
        }
        if let Some(path) = &self.guest_state_path {
            let mut device = Device::new(GUEST_STATE, GUEST_STATE);
            device.in_manifest = true;
            device.key.children.push(Key::leaf("StateFilePath", path.as_str()));
            devices.push(device);
        }
        if self.generation == 2 {
            let mut device = Device::new(VTPM, VTPM);
            device.in_manifest = true;
            devices.push(device);
        }
        devices
    }
}

/// A device node and what the manifest says of it.
struct Device {
    kind: Uuid,
    instance: Uuid,
    in_manifest: bool,
    key: Key,
}

impl Device {
    fn new(kind: Uuid, instance: Uuid) -> Self {
        Self {
            kind,
            instance,
            in_manifest: false,
            key: Key::node(format!("_{instance}_"), [Key::leaf("VDEVVersion", 512)]),
        }
    }

    /// The key of one controller of this device.
    fn controller(&mut self, number: u32) -> &mut Key {
        let name = format!("controller{number}");
        let children = &mut self.key.children;
        let place = children.iter().position(|key| key.name == name).unwrap_or_else(|| {
            children.push(Key::node(name, []));
            children.len() - 1
        });
        &mut children[place]
    }
}

fn manifest(devices: &[Device]) -> Key {
    let listed: Vec<_> = devices.iter().filter(|device| device.in_manifest).collect();
    let mut keys = vec![Key::leaf("size", i64::try_from(listed.len()).unwrap_or(i64::MAX))];
    keys.extend(listed.iter().enumerate().map(|(number, device)| {
        Key::node(
            format!("vdev{:03}", number + 1),
            [
                Key::leaf("device", device.kind.to_string().as_str()),
                Key::leaf("instance", device.instance.to_string().as_str()),
                Key::leaf("flags", 1),
            ],
        )
    }));
    Key::node("manifest", keys)
}

/// The host's list `data.vmcx`: each VM with the path of its configuration.
pub fn host_store(virtual_machines: &[(Uuid, &str)]) -> Vec<u8> {
    let entry = |id: &Uuid, path: &str| Key::leaf(format!("_{}_", upper(*id)), path);
    let cache = r"C:\ProgramData\Microsoft\Windows\Hyper-V\Virtual Machines Cache";
    let registered: Vec<_> = virtual_machines.iter().map(|(id, path)| entry(id, path)).collect();
    let cached: Vec<_> = virtual_machines
        .iter()
        .map(|(id, _)| entry(id, &format!(r"{cache}\{}.vmcx", upper(*id))))
        .collect();
    let root = Key::node(
        "Configurations",
        [
            Key::leaf("FormatVersion", 2),
            Key::node("ResourceTypes", []),
            Key::node("VirtualMachines", registered),
            Key::node("VirtualMachinesCache", cached),
        ],
    );
    ContainerBuilder::new([root]).sequence(105).build()
}

/// A tree as legacy XML, UTF-16LE with byte order mark and CRLF.
pub fn xml(root: &Key) -> Vec<u8> {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-16\" standalone=\"yes\"?>\r\n".to_owned();
    write_element(root, 0, &mut text);
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn write_element(key: &Key, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let name = &key.name;
    let line = match leaf_text(&key.value) {
        Some((kind, value)) => format!("{indent}<{name} type=\"{kind}\">{value}</{name}>\r\n"),
        None if key.children.is_empty() => format!("{indent}<{name}/>\r\n"),
        None => format!("{indent}<{name}>\r\n"),
    };
    text.push_str(&line);
    for child in &key.children {
        write_element(child, depth + 1, text);
    }
    if !key.children.is_empty() {
        let _ = write!(text, "{indent}</{name}>\r\n");
    }
}

/// The `type` attribute and the text of a leaf; `None` for a node and for values that XML does not have.
fn leaf_text(value: &Value) -> Option<(&'static str, String)> {
    match value {
        Value::Int(number) => Some(("integer", number.to_string())),
        Value::UInt(number) => Some(("integer", number.to_string())),
        Value::Bool(true) => Some(("bool", "True".to_owned())),
        Value::Bool(false) => Some(("bool", "False".to_owned())),
        Value::String(text) => Some(("string", quick_xml::escape::escape(text.as_str()).into_owned())),
        Value::Bytes(bytes) => {
            let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
            Some(("bytes", format!("{base64}\r\n")))
        }
        Value::Node | Value::Double(_) | Value::Stored(_) | Value::Unknown { .. } => None,
    }
}

/// 100-nanosecond steps since 1601, little-endian.
fn filetime(time: Timestamp) -> Vec<u8> {
    let ticks = time.as_nanosecond() / 100 + 116_444_736_000_000_000;
    i64::try_from(ticks).unwrap_or_default().to_le_bytes().to_vec()
}

fn upper(id: Uuid) -> String {
    id.to_string().to_uppercase()
}
