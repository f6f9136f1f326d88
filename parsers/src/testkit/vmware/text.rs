//! The text files of a VM.

use uuid::Uuid;

/// A dictionary in UTF-8 as VMware writes it: escapes undone by the reader, one `key = "value"` a line.
pub fn dictionary<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut file = b".encoding = \"UTF-8\"\n".to_vec();
    for (key, value) in entries {
        file.extend(format!("{key} = \"").as_bytes());
        file.extend(escaped(value));
        file.extend(b"\"\n");
    }
    file
}

/// Quotes, bars and control characters but the tab as `|XX`.
fn escaped(value: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for byte in value.bytes() {
        let must_escape = matches!(byte, b'"' | b'|' | 0x7F) || (byte < b' ' && byte != b'\t');
        if must_escape {
            bytes.extend(format!("|{byte:02X}").as_bytes());
        } else {
            bytes.push(byte);
        }
    }
    bytes
}

/// A UUID as VMware writes it: pairs of digits, a hyphen in the middle.
pub fn uuid_text(uuid: Uuid) -> String {
    let pairs: Vec<String> = uuid.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}", pairs[..8].join(" "), pairs[8..].join(" "))
}

/// A configuration as ESXi writes it.
#[derive(Debug, Clone)]
pub struct VmxBuilder {
    entries: Vec<(String, String)>,
}

impl VmxBuilder {
    /// A VM without devices, whose file names begin with `stem`.
    pub fn new(name: &str, stem: &str) -> Self {
        let mut builder = Self { entries: Vec::new() };
        for (key, value) in [
            ("config.version", "8"),
            ("virtualHW.version", "19"),
            ("displayName", name),
            ("guestOS", "other5xlinux-64"),
            ("memSize", "1024"),
            ("cleanShutdown", "TRUE"),
        ] {
            builder = builder.set(key, value);
        }
        builder
            .set("nvram", &format!("{stem}.nvram"))
            .set("extendedConfigFile", &format!("{stem}.vmxf"))
    }

    /// Sets any key; a key that is there already gets the new value.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        match self.entries.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(key)) {
            Some((_, own)) => value.clone_into(own),
            None => self.entries.push((key.to_owned(), value.to_owned())),
        }
        self
    }

    /// BIOS and vCenter identity.
    #[must_use]
    pub fn uuids(self, bios: Uuid, instance: Uuid) -> Self {
        self.set("uuid.bios", &uuid_text(bios))
            .set("uuid.location", &uuid_text(bios))
            .set("vc.uuid", &uuid_text(instance))
    }

    /// A disk that is attached at `device` (`scsi0:0`).
    #[must_use]
    pub fn disk(self, device: &str, file: &str) -> Self {
        let controller = device.split(':').next().unwrap_or_default().to_owned();
        self.set(&format!("{controller}.present"), "TRUE")
            .set(&format!("{device}.deviceType"), "scsi-hardDisk")
            .set(&format!("{device}.fileName"), file)
            .set(&format!("{device}.present"), "TRUE")
    }

    /// A CD image that is attached at `device`.
    #[must_use]
    pub fn cd(self, device: &str, file: &str) -> Self {
        self.set(&format!("{device}.deviceType"), "cdrom-image")
            .set(&format!("{device}.fileName"), file)
            .set(&format!("{device}.present"), "TRUE")
    }

    /// The file in UTF-8.
    pub fn build(&self) -> Vec<u8> {
        dictionary(self.entries.iter().map(|(key, value)| (key.as_str(), value.as_str())))
    }
}

/// A snapshot list.
#[derive(Debug, Clone, Default)]
pub struct VmsdBuilder {
    snapshots: Vec<SnapshotBuilder>,
    current: u64,
    needs_consolidation: bool,
}

/// One snapshot of a list.
#[derive(Debug, Clone, Default)]
pub struct SnapshotBuilder {
    /// Its id.
    pub uid: u64,
    /// Id of its parent; 0 for a root.
    pub parent: u64,
    /// The name.
    pub name: String,
    /// The state file.
    pub state_file: String,
    /// Microseconds since 1970.
    pub created_us: u64,
    /// Device and descriptor of each disk.
    pub disks: Vec<(String, String)>,
    /// Configurations of linked clones.
    pub clones: Vec<String>,
}

impl VmsdBuilder {
    /// Adds a snapshot and makes it the current one.
    #[must_use]
    pub fn snapshot(mut self, snapshot: SnapshotBuilder) -> Self {
        self.current = snapshot.uid;
        self.snapshots.push(snapshot);
        self
    }

    /// Leftover deltas are known.
    #[must_use]
    pub fn needs_consolidation(mut self) -> Self {
        self.needs_consolidation = true;
        self
    }

    /// The file in UTF-8.
    pub fn build(&self) -> Vec<u8> {
        let last = self
            .snapshots
            .iter()
            .map(|snapshot| snapshot.uid)
            .max()
            .unwrap_or_default();
        let mut entries = vec![
            ("snapshot.lastUID".to_owned(), last.to_string()),
            ("snapshot.current".to_owned(), self.current.to_string()),
            ("snapshot.numSnapshots".to_owned(), self.snapshots.len().to_string()),
        ];
        if self.needs_consolidation {
            entries.push(("snapshot.needConsolidate".to_owned(), "TRUE".to_owned()));
        }
        for (index, snapshot) in self.snapshots.iter().enumerate() {
            snapshot.write(index, &mut entries);
        }
        dictionary(entries.iter().map(|(key, value)| (key.as_str(), value.as_str())))
    }
}

impl SnapshotBuilder {
    fn write(&self, index: usize, entries: &mut Vec<(String, String)>) {
        let mut set = |field: &str, value: String| entries.push((format!("snapshot{index}.{field}"), value));
        // The low half is printed as a signed number.
        let low = super::super::low_u32(self.created_us).cast_signed();
        set("uid", self.uid.to_string());
        set("filename", self.state_file.clone());
        if self.parent != 0 {
            set("parent", self.parent.to_string());
        }
        set("displayName", self.name.clone());
        set("createTimeHigh", (self.created_us >> 32).to_string());
        set("createTimeLow", low.to_string());
        set("numDisks", self.disks.len().to_string());
        for (number, (node, file)) in self.disks.iter().enumerate() {
            set(&format!("disk{number}.fileName"), file.clone());
            set(&format!("disk{number}.node"), node.clone());
        }
        if !self.clones.is_empty() {
            set("numClones", self.clones.len().to_string());
        }
        for (number, clone) in self.clones.iter().enumerate() {
            set(&format!("clone{number}"), clone.clone());
        }
    }
}

/// An extended configuration.
pub fn vmxf(vmx_name: &str, vm_id: Uuid) -> Vec<u8> {
    let name = vmx_name.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<?xml version=\"1.0\"?>\n<Foundry>\n<VM>\n<VMId type=\"string\">{}</VMId>\n<ClientMetaData>\n\
         <clientMetaDataAttributes/>\n<HistoryEventList/></ClientMetaData>\n<vmxPathName type=\"string\">{name}\
         </vmxPathName></VM></Foundry>\n",
        uuid_text(vm_id)
    )
    .into_bytes()
}

/// A `vmware.log`.
#[derive(Debug, Clone)]
pub struct VmlogBuilder {
    lines: Vec<String>,
}

impl VmlogBuilder {
    /// A log of the VM with this configuration on this host.
    pub fn new(host: &str, vmx_path: &str) -> Self {
        Self {
            lines: vec![
                "Log for VMware ESX pid=2102393 version=7.0.3 build=build-20328353 option=Release".to_owned(),
                format!("Hostname={host}"),
                format!("DICT --- CONFIGURATION {vmx_path} "),
            ],
        }
    }

    /// A disk that was opened.
    #[must_use]
    pub fn disk(mut self, device: &str, path: &str, uuid: Uuid) -> Self {
        self.lines.push(format!("DISK: OPEN {device} '{path}' persistent R[]"));
        self.lines
            .push(format!("DISK: Disk '{path}' has UUID '{}'", uuid_text(uuid)));
        self
    }

    /// The process exited in order.
    #[must_use]
    pub fn ended(mut self) -> Self {
        self.lines.push("VMX exit (0).".to_owned());
        self
    }

    /// The file.
    pub fn build(&self) -> Vec<u8> {
        let stamped = self
            .lines
            .iter()
            .map(|line| format!("2024-05-01T08:00:00.000Z In(05) vmx {line}\n"));
        stamped.flat_map(String::into_bytes).collect()
    }
}
