//! One look at each line of a configuration. It has hundreds, and most are of no device and name no file.

use crate::{
    dictionary::{Dictionary, Entry},
    reference::strip_prefix_ignoring_case,
};

use super::{
    files::may_name_a_file,
    storage::{DeviceLine, DeviceLines, bus_of, shares_bus},
};

/// A setting for a time when fault tolerance is turned on, which configurations of vSphere 7 and later may all have (field
/// knowledge, not confirmed).
const FT_OF_ANY_VM: &str = "ftcpt.ftEncryptionMode";

/// What the lines of a configuration are.
pub(super) struct Survey<'d> {
    /// Lines of storage devices.
    pub(super) devices: DeviceLines<'d>,
    /// The numbers of other lines that may name a file, and the lines.
    pub(super) file_lines: Vec<(usize, &'d Entry<'d>)>,
    /// A bus is shared with other VMs.
    pub(super) shares_bus: bool,
    /// A key that begins with `encryption.` has a value.
    pub(super) is_encrypted: bool,
    /// Every value under a key that begins with `managedBy`.
    pub(super) managed_by: Vec<String>,
    /// A key of fault tolerance has a value.
    pub(super) is_fault_tolerant: bool,
}

impl<'d> Survey<'d> {
    /// Looks at each line of the dictionary.
    pub(super) fn of(dictionary: &'d Dictionary<'_>) -> Self {
        let mut survey = Self {
            devices: DeviceLines::default(),
            file_lines: Vec::new(),
            shares_bus: false,
            is_encrypted: false,
            managed_by: Vec::new(),
            is_fault_tolerant: false,
        };
        let mut of_devices = Vec::with_capacity(dictionary.entries.len());
        for (number, entry) in dictionary.entries.iter().enumerate() {
            let mut is_told = false;
            if let Some(bus) = bus_of(&entry.key) {
                survey.shares_bus |= shares_bus(entry);
                if let Some(line) = DeviceLine::of(number, entry, bus) {
                    is_told = line.names_a_file();
                    of_devices.push(line);
                }
            } else {
                survey.take(entry);
            }
            if !is_told && may_name_a_file(entry) {
                survey.file_lines.push((number, entry));
            }
        }
        survey.devices = DeviceLines::sorted(of_devices);
        survey
    }

    /// Takes a line that is of no storage bus. Most begin with neither letter.
    fn take(&mut self, entry: &Entry<'_>) {
        let is_told = |start| strip_prefix_ignoring_case(&entry.key, start).is_some() && !entry.value.is_blank();
        match entry.key.as_bytes().first() {
            Some(b'm' | b'M') if is_told("managedBy") => self.managed_by.push(entry.value.as_str().to_owned()),
            Some(b'e' | b'E') if is_told("encryption.") => self.is_encrypted = true,
            Some(b'f' | b'F') if is_told("ftcpt.") && !entry.key.eq_ignore_ascii_case(FT_OF_ANY_VM) => {
                self.is_fault_tolerant = true;
            }
            _ => {}
        }
    }
}
