//! VM configurations: `.vmx`, and `.vmtx` and `.vmx~`, which are the same under another name.
//!
//! Read from the [dictionary](crate::dictionary): who the VM is, which storage devices it has, and every value that
//! names a file, also under keys that nobody knows and on lines that are damaged, so that none can hide a file in use.
//! Not decided: which file a value means, and whether the VM is registered or runs.

mod files;
mod storage;
mod survey;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Anomaly, EncodedText, Limits, ParseError, ReadAt, Result,
    dictionary::Dictionary,
    reference::{FileKind, FileReference},
    text::TextRef,
};

use survey::Survey;

pub use files::{OtherBacking, file_references, other_backings};
pub use storage::StorageDevice;

/// Name of the structure in errors.
const WHAT: &str = "VMX configuration";

/// What a configuration says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VmxConfig {
    /// The encoding in which the text was read, as `.encoding` names it, or the one that was assumed.
    pub encoding: String,
    /// The file begins with a UTF-8 byte order mark.
    pub has_bom: bool,
    /// Lines that end in CR LF.
    pub crlf_lines: usize,
    /// `displayName`: the name in the inventory, which need not be that of the folder or file.
    pub display_name: Option<EncodedText>,
    /// `uuid.bios`: copies of a VM share it.
    pub bios_uuid: Option<VmwareUuid>,
    /// `uuid.location`: derived from host and path at the last power-on.
    pub location_uuid: Option<VmwareUuid>,
    /// `vc.uuid`: the instance UUID, unique in a vCenter.
    pub instance_uuid: Option<VmwareUuid>,
    /// `vm.genid` and `vm.genidX`: the VM generation id.
    pub generation_id: Option<Uuid>,
    /// `vm.createDate`.
    pub created: Option<Timestamp>,
    /// `virtualHW.version`.
    pub hardware_version: Option<u32>,
    /// `guestOS`.
    pub guest_os: Option<String>,
    /// `memsize` in MiB; the swap file has this size less the reservation.
    pub memory_mb: Option<u64>,
    /// `annotation`: the notes.
    pub annotation: Option<EncodedText>,
    /// `cleanShutdown`: false while the VM runs, and after a crash.
    pub clean_shutdown: Option<bool>,
    /// `ctkEnabled`: changed block tracking is on.
    pub change_tracking: Option<bool>,
    /// `snapshot.redoNotWithParent`: deltas lie in the working directory, not beside their parents.
    pub redo_not_with_parent: bool,
    /// `disk.locking` is off, or a bus is shared with other VMs (`scsiN.sharedBus`).
    pub shares_bus: bool,
    /// How much of the configuration is encrypted.
    pub encryption: Encryption,
    /// `vtpm.present`.
    pub has_virtual_tpm: bool,
    /// `hbr_filter.gid`: the vSphere Replication group.
    pub replication_group: Option<String>,
    /// Every `managedBy…` value: the extension that manages the VM (SRM placeholder, agent VM).
    pub managed_by: Vec<String>,
    /// A key `ftcpt.…` has a value: the VM is or was one of a fault-tolerant pair, the second of which has a configuration and
    /// disks of its own. Which keys each of the two has is not confirmed.
    pub is_fault_tolerant: bool,
    /// Storage devices, by bus, controller and unit.
    pub devices: Vec<StorageDevice>,
    /// Every value that names a file or folder, in the order of the file.
    pub files: Vec<FileReference>,
    /// Lines that are not of the form `key = value`.
    pub malformed_lines: usize,
    /// Lines whose quoted value has no closing quote. They break the grammar too (open-vm-tools, *dictll.c*).
    pub unterminated_lines: usize,
    /// The file ends inside a line or holds NULs: lines were lost, and with them perhaps disks.
    pub is_torn: bool,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

/// How much of a configuration cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// Nothing is encrypted.
    None,
    /// The device lines are inside `encryption.data`: which disks the VM has is not known (Workstation, Fusion).
    Full,
    /// Only keys of the virtual TPM are encrypted (Workstation 16.2 and later, Fusion).
    Partial,
    /// Disks in clear beside key bundles: vSphere VM Encryption.
    EsxiVm,
}

/// A UUID as VMware writes it: `56 4d 6c 27 96 ea 12 07-6f 0b b1 1d 81 46 9b 0b`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VmwareUuid {
    /// As written.
    pub text: String,
    /// The 16 bytes in that order; `None` where the text is not 32 hex digits.
    pub uuid: Option<Uuid>,
}

impl VmwareUuid {
    /// Keeps the text and what it means.
    pub fn new(text: &str) -> Self {
        Self {
            text: text.trim().to_owned(),
            uuid: parse_uuid(text),
        }
    }
}

/// A UUID of 32 hex digits with blanks and hyphens anywhere between them.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    parse_usual_uuid(text.as_bytes()).or_else(|| parse_odd_uuid(text))
}

/// A UUID as VMware writes it: sixteen pairs of digits, and a blank or hyphen between each two. All places are looked at
/// without a branch for each.
fn parse_usual_uuid(text: &[u8]) -> Option<Uuid> {
    const PLACES: usize = 48;
    let text: &[u8; PLACES - 1] = text.try_into().ok()?;
    let mut places = [b' '; PLACES];
    for (place, byte) in places.iter_mut().zip(text) {
        *place = *byte;
    }
    let kinds = places.map(|byte| {
        let is_between = u8::from(matches!(byte, b' ' | b'-'));
        u8::from(byte.is_ascii_hexdigit()) | is_between << 1_u32
    });
    let digit = |byte: u8| (byte & 0xF).wrapping_add((byte >> 6_u32).wrapping_mul(9));
    let mut bytes = [0; PLACES / 3];
    for (byte, [high, low, _]) in bytes.iter_mut().zip(places.as_chunks().0) {
        *byte = digit(*high) << 4_u32 | digit(*low);
    }
    let is_usual = kinds.as_chunks().0.iter().all(|kinds| *kinds == [1, 1, 2]);
    is_usual.then(|| Uuid::from_bytes(bytes))
}

/// A UUID however it is written.
fn parse_odd_uuid(text: &str) -> Option<Uuid> {
    let mut value = 0_u128;
    let mut digits = 0_u8;
    for byte in text.bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
        value = (value << 4_u32) | u128::from(char::from(byte).to_digit(16)?);
        digits = digits.saturating_add(1);
        if digits > 32 {
            return None;
        }
    }
    (digits == 32).then(|| Uuid::from_u128(value))
}

impl VmxConfig {
    /// Reads a whole file.
    ///
    /// # Errors
    /// As [`VmxConfig::from_dictionary`] and [`Dictionary::parse`]; `Truncated` for an empty file.
    pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Self> {
        if source.is_empty() {
            return Err(ParseError::Truncated {
                what: WHAT,
                offset: 0,
                need: 1,
                have: 0,
            });
        }
        let bytes = Dictionary::bytes(source, limits)?;
        Self::from_dictionary(&Dictionary::parse(&bytes, limits)?)
    }

    /// What the keys of a dictionary mean.
    ///
    /// # Errors
    /// `Malformed` when there is not one well-formed line: a file of NULs, HTML, anything but a configuration.
    pub fn from_dictionary(dictionary: &Dictionary<'_>) -> Result<Self> {
        if dictionary.entries.is_empty() {
            return Err(ParseError::Malformed {
                what: WHAT,
                offset: 0,
                detail: "no line of the form key = \"value\"".to_owned(),
            });
        }
        let survey = Survey::of(dictionary);
        let mut devices = survey.devices.devices();
        let files = files::references(dictionary, &survey, &devices);
        devices.retain(StorageDevice::is_told);
        let text = |key: &str| dictionary.text(key).map(|value| value.as_str().to_owned());
        let uuid = |key: &str| dictionary.text(key).map(|value| VmwareUuid::new(value.as_str()));
        Ok(Self {
            encoding: dictionary.encoding_used(),
            has_bom: dictionary.has_bom,
            crlf_lines: dictionary.crlf_lines,
            display_name: dictionary.text("displayName").map(TextRef::to_encoded),
            bios_uuid: uuid("uuid.bios"),
            location_uuid: uuid("uuid.location"),
            instance_uuid: uuid("vc.uuid"),
            generation_id: generation_id(dictionary),
            created: dictionary
                .number("vm.createDate")
                .and_then(|micros| Timestamp::from_microsecond(micros).ok()),
            hardware_version: dictionary.number("virtualHW.version"),
            guest_os: text("guestOS"),
            memory_mb: dictionary.number("memsize"),
            annotation: dictionary.text("annotation").map(TextRef::to_encoded),
            clean_shutdown: dictionary.flag("cleanShutdown"),
            change_tracking: dictionary.flag("ctkEnabled"),
            redo_not_with_parent: dictionary.flag("snapshot.redoNotWithParent") == Some(true),
            shares_bus: survey.shares_bus || dictionary.flag("disk.locking") == Some(false),
            encryption: encryption(dictionary, &survey, &files),
            has_virtual_tpm: dictionary.flag("vtpm.present") == Some(true),
            replication_group: text("hbr_filter.gid"),
            files,
            devices,
            managed_by: survey.managed_by,
            is_fault_tolerant: survey.is_fault_tolerant,
            malformed_lines: dictionary
                .malformed
                .len()
                .saturating_sub(dictionary.unterminated_lines()),
            unterminated_lines: dictionary.unterminated_lines(),
            is_torn: dictionary.is_torn,
            anomalies: dictionary.anomalies.clone(),
        })
    }

    /// Every disk may be attached to another VM at the same time: a shared bus, or a multi-writer device.
    pub fn is_shared(&self) -> bool {
        self.shares_bus || self.devices.iter().any(StorageDevice::is_multi_writer)
    }
}

/// The two signed halves of the VM generation id as one GUID, as virt-v2v writes it.
fn generation_id(dictionary: &Dictionary<'_>) -> Option<Uuid> {
    let low: i64 = dictionary.number("vm.genid")?;
    let high: i64 = dictionary.number("vm.genidX")?;
    let mut bytes = [0; 16];
    let (first, second) = bytes.split_at_mut(8);
    first.copy_from_slice(&low.to_le_bytes());
    second.copy_from_slice(&high.to_le_bytes());
    Some(Uuid::from_bytes_le(bytes))
}

/// What the `encryption.*` keys say. Without the file of a disk in clear, and without a statement that only a part is
/// encrypted, the devices are taken to be hidden: other lines of a bus tell nothing of disks. A key that a pass phrase
/// wraps is one of Workstation or Fusion, which hide every device, whatever line was added since; vSphere wraps its keys
/// with one of a server.
fn encryption(dictionary: &Dictionary<'_>, survey: &Survey<'_>, files: &[FileReference]) -> Encryption {
    let declares = |key: &str| dictionary.text(key).is_some();
    let has_pass_phrase = || {
        let bundle = dictionary.text("encryption.keySafe").map(TextRef::as_str);
        bundle.is_some_and(|bundle| bundle.to_ascii_lowercase().contains("(phrase/"))
    };
    let hides_all = || declares("encryption.data") && has_pass_phrase();
    if !survey.is_encrypted {
        Encryption::None
    } else if dictionary
        .text("encryption.type")
        .is_some_and(|kind| kind.as_str().trim().eq_ignore_ascii_case("partial"))
    {
        Encryption::Partial
    } else if files.iter().any(|file| file.kind == FileKind::Disk) && !hides_all() {
        Encryption::EsxiVm
    } else if declares("encryption.data") || declares("encryption.keySafe") {
        Encryption::Full
    } else {
        Encryption::EsxiVm
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_uuid_is_the_same_however_it_is_read(text in "([0-9a-fA-F]{2}[ -]){15}[0-9a-fA-F]{2}", place in 0..60_usize, byte in "[ -~]") {
            prop_assert!(parse_usual_uuid(text.as_bytes()).is_some());
            prop_assert_eq!(parse_uuid(&text), parse_odd_uuid(&text));
            let odd = text.get(..place).unwrap_or(&text).to_owned() + &byte + text.get(place + 1..).unwrap_or_default();
            prop_assert_eq!(parse_uuid(&odd), parse_odd_uuid(&odd));
        }
    }

    fn read(text: &str) -> VmxConfig {
        VmxConfig::read(text.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn an_empty_file_is_truncated_and_a_file_of_zeros_is_malformed() {
        let limits = Limits::default();
        assert_eq!(
            VmxConfig::read(&[][..], &limits),
            Err(ParseError::Truncated {
                what: WHAT,
                offset: 0,
                need: 1,
                have: 0
            })
        );
        assert!(matches!(
            VmxConfig::read(&vec![0_u8; 4096], &limits),
            Err(ParseError::Malformed { offset: 0, .. })
        ));
    }

    #[test]
    fn a_uuid_keeps_its_bytes_in_the_order_of_the_text() {
        let uuid = VmwareUuid::new("56 4d 6c 27 96 ea 12 07-6f 0b b1 1d 81 46 9b 0b");
        assert_eq!(
            uuid.uuid.map(|uuid| uuid.to_string()).as_deref(),
            Some("564d6c27-96ea-1207-6f0b-b11d81469b0b")
        );
        assert_eq!(parse_uuid("56 4d"), None);
        assert_eq!(parse_uuid("{564d6c27-96ea-1207-6f0b-b11d81469b0b}"), None);
    }

    #[test]
    fn encryption_hides_devices_unless_it_says_that_it_is_partial() {
        let full = "displayName = \"x\"\nencryption.keySafe = \"k\"\nencryption.data = \"d\"\n";
        assert_eq!(read(full).encryption, Encryption::Full);
        let partial = format!("{full}encryption.type = \"partial\"\n");
        assert_eq!(read(&partial).encryption, Encryption::Partial);
        let esxi = format!("{full}scsi0:0.fileName = \"x.vmdk\"\n");
        assert_eq!(read(&esxi).encryption, Encryption::EsxiVm);
        for stray in [
            "scsi0.present = \"TRUE\"\n",
            "ide1:0.autodetect = \"TRUE\"\n",
            "ide1:0.fileName = \"auto detect\"\n",
            "sata0:1.fileName = \"tools.iso\"\n",
        ] {
            assert_eq!(read(&format!("{full}{stray}")).encryption, Encryption::Full, "{stray}");
        }
        let hosted = "encryption.keySafe = \"vmware:key/list/(pair/(phrase/a,b,c))\"\nencryption.data = \"d\"\n";
        let added = format!("{hosted}scsi0:0.fileName = \"x.vmdk\"\n");
        assert_eq!(read(&added).encryption, Encryption::Full);
        assert_eq!(read("encryption.data = \"\"\n").encryption, Encryption::None);
    }

    #[test]
    fn blank_identity_is_no_identity() {
        let config = read("vc.uuid = \"\"\nuuid.bios = \" \"\ndisplayname = \"a\"\n");
        assert_eq!(config.instance_uuid, None);
        assert_eq!(config.bios_uuid, None);
        assert_eq!(config.display_name, Some("a".into()));
    }
}
