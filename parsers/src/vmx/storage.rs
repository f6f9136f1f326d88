//! Storage devices of a configuration: `scsi0:1`, `sata0:0`, `nvme0:0`, `ide1:0` and their controllers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, StrExt};

use crate::{
    EncodedText,
    dictionary::{Entry, parse_flag},
    reference::is_same_word,
    text::{TextRef, copied},
};

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

    /// True for a device that has a file name or is attached: others are but mentioned.
    pub(super) fn is_told(&self) -> bool {
        self.present || self.file_name.is_some()
    }

    /// Takes all lines of the device.
    fn take(&mut self, lines: &[DeviceLine<'_>]) {
        if let Some(last) = lines.last() {
            self.device = in_lower_case(last.device());
        }
        for line in lines {
            self.set(line.field, &line.entry.value);
        }
    }

    /// Takes one field of the device.
    fn set(&mut self, field: Field, value: &TextRef<'_>) {
        let text = || (!value.is_blank()).then(|| word(value.as_str()));
        match field {
            Field::Present => self.present = parse_flag(value.as_str()) == Some(true),
            Field::FileName => self.file_name = Some(value.to_encoded()),
            Field::DeviceType => self.device_type = text(),
            Field::Mode => self.mode = text(),
            Field::Sharing => self.sharing = text(),
            Field::ChangeTracking => self.change_tracking = parse_flag(value.as_str()),
            Field::ReplicationId => self.replication_id = text(),
            Field::Redo | Field::ReplicationState | Field::Other => {}
        }
    }
}

/// A word of a device: few are not among these, which need no copy.
fn word(text: &str) -> SmolStr {
    SmolStr::new_static(match text {
        "scsi-hardDisk" => "scsi-hardDisk",
        "disk" => "disk",
        "cdrom-image" => "cdrom-image",
        "atapi-cdrom" => "atapi-cdrom",
        "persistent" => "persistent",
        "independent-persistent" => "independent-persistent",
        "multi-writer" => "multi-writer",
        _ => return copied(text),
    })
}

fn in_lower_case(text: &str) -> SmolStr {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        text.to_ascii_lowercase_smolstr()
    } else {
        copied(text)
    }
}

/// What a line of a storage device tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Present,
    FileName,
    DeviceType,
    Mode,
    Sharing,
    ChangeTracking,
    ReplicationId,
    Redo,
    ReplicationState,
    Other,
}

impl Field {
    /// The field of this name, which nearly always is written as usual: no call for these.
    #[inline]
    fn named(name: &str) -> Self {
        match name {
            "present" => Self::Present,
            "fileName" => Self::FileName,
            "deviceType" => Self::DeviceType,
            _ => Self::named_in_any_case(name),
        }
    }

    fn named_in_any_case(name: &str) -> Self {
        let is = |known| is_same_word(name, known);
        match name.len() {
            4 if is("mode") => Self::Mode,
            4 if is("redo") => Self::Redo,
            7 if is("present") => Self::Present,
            7 if is("sharing") => Self::Sharing,
            8 if is("fileName") => Self::FileName,
            10 if is("deviceType") => Self::DeviceType,
            10 if is("ctkEnabled") => Self::ChangeTracking,
            15 if is("hbr_filter.rdid") => Self::ReplicationId,
            21 if is("hbr_filter.persistent") => Self::ReplicationState,
            _ => Self::Other,
        }
    }
}

/// The place of a device: bus, controller, unit.
type Address = (u8, u32, u32);

/// One line of a storage device.
#[derive(Debug, Clone, Copy)]
pub(super) struct DeviceLine<'d> {
    address: Address,
    pub(super) field: Field,
    /// The numbers are written as usual: another line of the device that does so too writes it alike, but for its case.
    is_usual: bool,
    /// How much of the key is the device.
    device_bytes: usize,
    pub(super) entry: &'d Entry<'d>,
    /// Which of the entries of the dictionary it is.
    pub(super) number: usize,
}

impl<'d> DeviceLine<'d> {
    /// `numbers` is what follows the name of the bus in the key.
    #[inline]
    pub(super) fn of(number: usize, entry: &'d Entry<'_>, (bus, numbers): (u8, &'d str)) -> Option<Self> {
        let usual = split_usual_numbers(numbers);
        let (controller, unit, field) = usual.or_else(|| split_odd_numbers(numbers))?;
        Some(Self {
            address: (bus, controller, unit),
            field: Field::named(field),
            is_usual: usual.is_some(),
            device_bytes: entry.key.len().checked_sub(field.len())?.checked_sub(1)?,
            entry,
            number,
        })
    }

    /// The device as the key has it.
    pub(super) fn device(&self) -> &'d str {
        self.entry.key.get(..self.device_bytes).unwrap_or_default()
    }

    /// True for a field whose value is a file whatever it looks like.
    pub(super) fn names_a_file(&self) -> bool {
        matches!(self.field, Field::FileName | Field::Redo | Field::ReplicationState)
    }
}

/// True where all lines of a device write it alike, in any case.
pub(super) fn write_device_alike(lines: &[DeviceLine<'_>]) -> bool {
    let Some(first) = lines.first() else { return true };
    lines.iter().all(|line| line.is_usual) || lines.iter().all(|line| is_same_word(line.device(), first.device()))
}

/// Controller, unit and field of `0:10.field`: nearly all have numbers of one digit or two.
#[inline]
fn split_usual_numbers(text: &str) -> Option<(u32, u32, &str)> {
    let number = |digit: u8| u32::from(digit.wrapping_sub(b'0'));
    match text.as_bytes() {
        [controller @ b'0'..=b'9', b':', unit @ b'0'..=b'9', b'.', ..] => {
            Some((number(*controller), number(*unit), text.get(4..)?))
        }
        [controller @ b'0'..=b'9', b':', b'1', unit @ b'0'..=b'9', b'.', ..] => {
            Some((number(*controller), number(*unit).wrapping_add(10), text.get(5..)?))
        }
        _ => None,
    }
}

/// As [`split_usual_numbers`], whatever the numbers.
fn split_odd_numbers(text: &str) -> Option<(u32, u32, &str)> {
    let (numbers, field) = text.split_once('.')?;
    let (controller, unit) = numbers.split_once(':')?;
    Some((controller.parse().ok()?, unit.parse().ok()?, field))
}

/// The bus of a device or controller, by its number in the order of devices (SCSI, SATA, `NVMe`, IDE), and the numbers
/// after it.
#[inline]
pub(super) fn bus_of(device: &str) -> Option<(u8, &str)> {
    const fn word(letters: [u8; 4]) -> u32 {
        u32::from_le_bytes(letters)
    }
    const SCSI: u32 = word(*b"scsi");
    const SATA: u32 = word(*b"sata");
    const NVME: u32 = word(*b"nvme");
    const IDE: u32 = word(*b"ide\0");
    // A letter in either case; what becomes one so is a letter.
    let letters = word(*device.as_bytes().first_chunk()?) | word([0x20; 4]);
    let (bus, length) = match letters {
        SCSI => (0, 4),
        SATA => (1, 4),
        NVME => (2, 4),
        _ if letters & word([0xFF, 0xFF, 0xFF, 0]) == IDE => (3, 3),
        _ => return None,
    };
    let numbers = device.get(length..)?;
    let begins_with_digit = numbers.as_bytes().first().is_some_and(u8::is_ascii_digit);
    begins_with_digit.then_some((bus, numbers))
}

/// The lines of all storage devices, by bus, controller and unit.
#[derive(Debug, Default)]
pub(super) struct DeviceLines<'d> {
    lines: Vec<DeviceLine<'d>>,
}

impl<'d> DeviceLines<'d> {
    /// Sorts lines that are in the order of the file, which stays within a device: what stands last counts.
    pub(super) fn sorted(mut lines: Vec<DeviceLine<'d>>) -> Self {
        // Nearly always they are: to look takes less than to sort.
        if !lines.is_sorted_by_key(|line| line.address) {
            lines.sort_by_key(|line| line.address);
        }
        Self { lines }
    }

    /// The lines of each device.
    pub(super) fn of_devices(&self) -> impl Iterator<Item = &[DeviceLine<'d>]> {
        self.lines.chunk_by(|one, next| one.address == next.address)
    }

    /// What the lines of each device say.
    pub(super) fn devices(&self) -> Vec<StorageDevice> {
        // Filled where they stand: a device is large.
        let mut devices = Vec::new();
        devices.resize_with(self.of_devices().count(), StorageDevice::default);
        for (device, lines) in devices.iter_mut().zip(self.of_devices()) {
            device.take(lines);
        }
        devices
    }
}

/// True for the line of a bus (`scsiN.sharedBus`) that is shared with other VMs: anything but `none`.
pub(super) fn shares_bus(entry: &Entry<'_>) -> bool {
    let value = &entry.value;
    ends_with_ignoring_case(&entry.key, ".sharedBus")
        && !value.is_blank()
        && !value.as_str().trim().eq_ignore_ascii_case("none")
}

/// True when `text` ends with `end`, a dot and ASCII in any case.
#[inline]
pub(super) fn ends_with_ignoring_case(text: &str, end: &str) -> bool {
    let start = text.len().checked_sub(end.len());
    start
        .and_then(|start| text.as_bytes().get(start..))
        .is_some_and(|tail| tail.first() == end.as_bytes().first() && tail.eq_ignore_ascii_case(end.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Limits,
        dictionary::Dictionary,
        vmx::{VmxConfig, survey::Survey},
    };

    fn parse(text: &str) -> Dictionary<'_> {
        Dictionary::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn devices_are_ordered_by_bus_controller_and_unit_as_numbers() {
        let dictionary = parse(
            "sata0:0.present = \"TRUE\"\nSCSI0:10.fileName = \"b\"\nscsi0:2.fileName = \"a\"\n\
             scsi0:2.sharing = \"Multi-Writer\"\nscsi0:2.mode = \"independent-persistent\"\nscsi0:9.present = \"FALSE\"\n",
        );
        let devices = VmxConfig::from_dictionary(&dictionary).unwrap().devices;
        let names: Vec<_> = devices.iter().map(|device| device.device.as_str()).collect();
        assert_eq!(names, ["scsi0:2", "scsi0:10", "sata0:0"]);
        assert!(devices[0].is_multi_writer() && devices[0].is_independent() && !devices[0].present);
    }

    #[test]
    fn only_a_bus_that_is_not_none_is_shared() {
        let shares_bus = |text| Survey::of(&parse(text)).shares_bus;
        assert!(!shares_bus(
            "scsi0.sharedBus = \"none\"\nsound.sharedBus = \"virtual\"\n"
        ));
        assert!(shares_bus("scsi1.sharedBus = \"physical\"\n"));
        assert!(bus_of("ideal").is_none());
    }
}
