//! Storage devices of a configuration: `scsi0:1`, `sata0:0`, `nvme0:0`, `ide1:0` and their controllers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, StrExt};

use crate::{
    EncodedText,
    dictionary::{Dictionary, Entry, parse_flag},
    reference::{is_same_word, strip_prefix_ignoring_case},
    text::TextRef,
};

/// Buses that carry disks and CD drives.
const BUSES: &[&str] = &["scsi", "sata", "nvme", "ide"];

/// One storage device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct StorageDevice {
    /// `scsi0:1`, in lower case.
    pub device: SmolStr,
    /// `present`: attached.
    pub present: bool,
    /// `fileName` as written, also where it names no file.
    pub file_name: Option<EncodedText>,
    /// `deviceType`: `scsi-hardDisk`, `cdrom-image` … A device without it is a disk.
    pub device_type: Option<SmolStr>,
    /// `mode`: `persistent`, `independent-persistent`, `independent-nonpersistent`, `undoable`, `append`.
    pub mode: Option<SmolStr>,
    /// `sharing`: `multi-writer` where several VMs write the disk.
    pub sharing: Option<SmolStr>,
    /// `ctkEnabled` of the device.
    pub change_tracking: Option<bool>,
    /// `hbr_filter.rdid`: the vSphere Replication disk.
    pub replication_id: Option<SmolStr>,
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

    /// The device that has these fields.
    fn with(fields: &[Field<'_>]) -> Self {
        let mut device = Self::default();
        if let Some(last) = fields.last() {
            device.device = last.device.to_ascii_lowercase_smolstr();
        }
        for field in fields {
            device.set(field.name, field.value);
        }
        device
    }

    /// Takes one field of the device.
    fn set(&mut self, field: &str, value: &TextRef<'_>) {
        let is = |name| is_same_word(field, name);
        let text = || (!value.is_blank()).then(|| SmolStr::new(value.as_str()));
        if is("present") {
            self.present = parse_flag(value.as_str()) == Some(true);
        } else if is("fileName") {
            self.file_name = Some(value.to_encoded());
        } else if is("deviceType") {
            self.device_type = text();
        } else if is("mode") {
            self.mode = text();
        } else if is("sharing") {
            self.sharing = text();
        } else if is("ctkEnabled") {
            self.change_tracking = parse_flag(value.as_str());
        } else if is("hbr_filter.rdid") {
            self.replication_id = text();
        }
    }
}

/// The place of a device: bus, controller, unit.
type Address = (usize, u32, u32);

/// Divides a key into the device's address, the device and the field.
#[inline]
pub(super) fn device_key(key: &str) -> Option<(Address, &str, &str)> {
    let (bus, rest) = bus_of(key)?;
    let (device, field) = split_at_byte(key, b'.')?;
    let (_, numbers) = device.split_at_checked(key.len().checked_sub(rest.len())?)?;
    let (controller, unit) = split_at_byte(numbers, b':')?;
    Some(((bus, controller.parse().ok()?, unit.parse().ok()?), device, field))
}

/// What stands before and behind the first of an ASCII byte: in a key as short as these with less ado than `split_once`.
#[inline]
fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|other| other == byte)?;
    let (before, rest) = text.split_at_checked(place)?;
    Some((before, rest.get(1..)?))
}

/// The bus of a device or controller, and the numbers after it.
#[inline]
fn bus_of(device: &str) -> Option<(usize, &str)> {
    // Most keys begin with another letter.
    if !matches!(device.as_bytes().first()? | 0x20, b's' | b'n' | b'i') {
        return None;
    }
    BUSES
        .iter()
        .enumerate()
        .find_map(|(index, bus)| Some((index, strip_prefix_ignoring_case(device, bus)?)))
        .filter(|(_, numbers)| numbers.starts_with(|c: char| c.is_ascii_digit()))
}

/// Every storage device that has a file name or is attached.
pub(super) fn devices(dictionary: &Dictionary<'_>) -> Vec<StorageDevice> {
    let mut fields = Vec::with_capacity(dictionary.entries.len());
    fields.extend(dictionary.entries.iter().filter_map(Field::of));
    // The order of the file stays within a device: what stands last counts.
    fields.sort_by_key(|field| field.address);
    let of_devices = || fields.chunk_by(|one, next| one.address == next.address);
    let mut devices = Vec::with_capacity(of_devices().count());
    let all = of_devices().map(StorageDevice::with);
    devices.extend(all.filter(|device| device.present || device.file_name.is_some()));
    devices
}

/// One line of a device.
struct Field<'d> {
    address: Address,
    device: &'d str,
    name: &'d str,
    value: &'d TextRef<'d>,
}

impl<'d> Field<'d> {
    fn of(entry: &'d Entry<'_>) -> Option<Self> {
        let (address, device, name) = device_key(&entry.key)?;
        Some(Self {
            address,
            device,
            name,
            value: &entry.value,
        })
    }
}

/// True when a controller or device of a storage bus is configured in clear text.
pub(super) fn has_device_line(dictionary: &Dictionary<'_>) -> bool {
    let is_device = |key: &str| key.split_once('.').is_some_and(|(device, _)| bus_of(device).is_some());
    dictionary.entries.iter().any(|entry| is_device(&entry.key))
}

/// True when a SCSI bus is shared with other VMs (`scsiN.sharedBus` is not `none`).
pub(super) fn shares_bus(dictionary: &Dictionary<'_>) -> bool {
    let is_bus = |key: &str| ends_with_ignoring_case(key, ".sharedBus") && bus_of(key).is_some();
    dictionary
        .entries
        .iter()
        .filter(|entry| is_bus(&entry.key))
        .any(|entry| !entry.value.is_blank() && !entry.value.as_str().trim().eq_ignore_ascii_case("none"))
}

/// True when `text` ends with the ASCII `end` in any case.
#[inline]
pub(super) fn ends_with_ignoring_case(text: &str, end: &str) -> bool {
    let last = |text: &str| text.as_bytes().last().map(u8::to_ascii_lowercase);
    if last(text) != last(end) {
        return false;
    }
    let start = text.len().checked_sub(end.len());
    start
        .and_then(|start| text.get(start..))
        .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn parse(text: &str) -> Dictionary<'_> {
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
