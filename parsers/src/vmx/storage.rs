//! Storage devices of a configuration: `scsi0:1`, `sata0:0`, `nvme0:0`, `ide1:0` and their controllers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    EncodedText,
    dictionary::{Dictionary, parse_flag},
};

/// Buses that carry disks and CD drives.
const BUSES: &[&str] = &["scsi", "sata", "nvme", "ide"];

/// One storage device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct StorageDevice {
    /// `scsi0:1`, in lower case.
    pub device: String,
    /// `present`: attached.
    pub present: bool,
    /// `fileName` as written, also where it names no file.
    pub file_name: Option<EncodedText>,
    /// `deviceType`: `scsi-hardDisk`, `cdrom-image` … A device without it is a disk.
    pub device_type: Option<String>,
    /// `mode`: `persistent`, `independent-persistent`, `independent-nonpersistent`, `undoable`, `append`.
    pub mode: Option<String>,
    /// `sharing`: `multi-writer` where several VMs write the disk.
    pub sharing: Option<String>,
    /// `ctkEnabled` of the device.
    pub change_tracking: Option<bool>,
    /// `hbr_filter.rdid`: the vSphere Replication disk.
    pub replication_id: Option<String>,
}

impl StorageDevice {
    /// Several VMs may write the disk.
    pub fn is_multi_writer(&self) -> bool {
        self.sharing
            .as_deref()
            .is_some_and(|sharing| sharing.trim().eq_ignore_ascii_case("multi-writer"))
    }

    /// Snapshots leave the disk out.
    pub fn is_independent(&self) -> bool {
        self.mode
            .as_deref()
            .is_some_and(|mode| mode.trim().to_ascii_lowercase().starts_with("independent"))
    }

    /// Takes one field of the device.
    fn set(&mut self, field: &str, value: &EncodedText) {
        let text = || Some(value.as_str().to_owned()).filter(|text| !text.trim().is_empty());
        match field {
            "present" => self.present = parse_flag(value.as_str()) == Some(true),
            "filename" => self.file_name = Some(value.clone()),
            "devicetype" => self.device_type = text(),
            "mode" => self.mode = text(),
            "sharing" => self.sharing = text(),
            "ctkenabled" => self.change_tracking = parse_flag(value.as_str()),
            "hbr_filter.rdid" => self.replication_id = text(),
            _ => {}
        }
    }
}

/// The place of a device: bus, controller, unit.
type Address = (usize, u32, u32);

/// Divides a lower-case key into the device's address, the device and the field.
pub(super) fn device_key(key: &str) -> Option<(Address, &str, &str)> {
    let (device, field) = key.split_once('.')?;
    let (bus, numbers) = bus_of(device)?;
    let (controller, unit) = numbers.split_once(':')?;
    Some(((bus, controller.parse().ok()?, unit.parse().ok()?), device, field))
}

/// False for most keys, without making them lower-case first.
fn may_be_of_bus(key: &str) -> bool {
    key.starts_with(['s', 'S', 'n', 'N', 'i', 'I'])
}

/// The bus of a device or controller, and the numbers after it.
fn bus_of(device: &str) -> Option<(usize, &str)> {
    BUSES
        .iter()
        .enumerate()
        .find_map(|(index, bus)| Some((index, device.strip_prefix(bus)?)))
        .filter(|(_, numbers)| numbers.starts_with(|c: char| c.is_ascii_digit()))
}

/// Every storage device that has a file name or is attached.
pub(super) fn devices(dictionary: &Dictionary) -> Vec<StorageDevice> {
    let mut devices: BTreeMap<Address, StorageDevice> = BTreeMap::new();
    for entry in dictionary.entries.iter().filter(|entry| may_be_of_bus(&entry.key)) {
        let key = entry.key.to_ascii_lowercase();
        let Some((address, device, field)) = device_key(&key) else {
            continue;
        };
        let found = devices.entry(address).or_default();
        device.clone_into(&mut found.device);
        found.set(field, &entry.value);
    }
    devices
        .into_values()
        .filter(|device| device.present || device.file_name.is_some())
        .collect()
}

/// True when a controller or device of a storage bus is configured in clear text.
pub(super) fn has_device_line(dictionary: &Dictionary) -> bool {
    dictionary.entries.iter().any(|entry| {
        let key = entry.key.to_ascii_lowercase();
        key.split_once('.').is_some_and(|(device, _)| bus_of(device).is_some())
    })
}

/// True when a SCSI bus is shared with other VMs (`scsiN.sharedBus` is not `none`).
pub(super) fn shares_bus(dictionary: &Dictionary) -> bool {
    dictionary
        .entries
        .iter()
        .filter(|entry| may_be_of_bus(&entry.key))
        .any(|entry| {
            let key = entry.key.to_ascii_lowercase();
            key.ends_with(".sharedbus")
                && bus_of(&key).is_some()
                && !entry.value.is_blank()
                && !entry.value.as_str().trim().eq_ignore_ascii_case("none")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn parse(text: &str) -> Dictionary {
        Dictionary::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn devices_are_ordered_by_bus_controller_and_unit_as_numbers() {
        let dictionary = parse(
            "sata0:0.present = \"TRUE\"\nSCSI0:10.fileName = \"b\"\nscsi0:2.fileName = \"a\"\n\
             scsi0:2.sharing = \"Multi-Writer\"\nscsi0:2.mode = \"independent-persistent\"\nscsi0:9.present = \"FALSE\"\n",
        );
        let devices = devices(&dictionary);
        let names: Vec<_> = devices.iter().map(|device| device.device.as_str()).collect();
        assert_eq!(names, ["scsi0:2", "scsi0:10", "sata0:0"]);
        assert!(devices[0].is_multi_writer() && devices[0].is_independent() && !devices[0].present);
    }

    #[test]
    fn only_a_bus_that_is_not_none_is_shared() {
        assert!(!shares_bus(&parse(
            "scsi0.sharedBus = \"none\"\nsound.sharedBus = \"virtual\"\n"
        )));
        assert!(shares_bus(&parse("scsi1.sharedBus = \"physical\"\n")));
        assert!(!has_device_line(&parse("ideal.x = \"1\"\n")));
    }
}
