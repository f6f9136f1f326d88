//! Which values of a configuration name files, and for what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{
    EncodedText,
    dictionary::{Dictionary, Entry, parse_flag},
    reference::{
        FileKind, FileReference, NoFile, has_extension, has_file_extension, is_no_disk_file, is_not_a_file,
        is_same_word, strip_prefix_ignoring_case,
    },
    text::{TextRef, copied},
};

use super::{
    storage::{DeviceLine, Field, StorageDevice, ends_with_ignoring_case, write_device_alike},
    survey::Survey,
};

/// Ends of keys that name a file whatever the device or part before them: firmware (`bios440.filename`, `efi64.filename`,
/// `vbios.filename`), and devices of products to come.
const FILE_KEY_ENDS: &[&str] = &[".filename", ".file"];

/// Devices whose `fileName` need not be a file: their own rules say when it is.
const DEVICES_WITH_RULES: &[&str] = &["floppy", "serial", "parallel", "scsi", "sata", "nvme", "ide"];

/// Keys whose text is for people or the guest: never a file of the VM.
const TEXT_KEYS: &[&str] = &["displayname", "annotation", "guestinfo.", "guestos"];

/// Every value that names a file or folder, in the order of the file, with what damaged lines still tell at the end.
///
/// A value under an unknown key counts when it ends like the name of a file that VMs use.
pub fn file_references(dictionary: &Dictionary<'_>) -> Vec<FileReference> {
    let survey = Survey::of(dictionary);
    references(dictionary, &survey, &survey.devices.devices())
}

/// As [`file_references`], of lines that were looked at, with all devices that they are of.
pub(super) fn references(
    dictionary: &Dictionary<'_>,
    survey: &Survey<'_>,
    devices: &[StorageDevice],
) -> Vec<FileReference> {
    let mut references = Numbered::of(dictionary, survey, devices).references;
    references.extend(dictionary.malformed_file_references());
    references
}

/// The files that lines name, in the order of the lines.
struct Numbered {
    /// The number of the line of each.
    numbers: Vec<usize>,
    references: Vec<FileReference>,
}

impl Numbered {
    fn of(dictionary: &Dictionary<'_>, survey: &Survey<'_>, devices: &[StorageDevice]) -> Self {
        let about = survey.file_lines.len().saturating_add(devices.len());
        let mut named = Self {
            numbers: Vec::with_capacity(about),
            references: Vec::with_capacity(about),
        };
        let mut keys = DeviceKeys::of(dictionary);
        let mut others = survey.file_lines.iter().peekable();
        for (lines, device) in survey.devices.of_devices().zip(devices) {
            let is_alike = write_device_alike(lines);
            for line in lines.iter().filter(|line| line.names_a_file()) {
                while let Some((number, entry)) = others.next_if(|(number, _)| *number < line.number) {
                    named.add(*number, of_entry(&mut keys, entry));
                }
                let says = if is_alike {
                    DeviceSays::of(device)
                } else {
                    DeviceSays::by_keys(&mut keys, line.device())
                };
                named.add(line.number, of_device(line, says, device));
            }
        }
        for (number, entry) in others {
            named.add(*number, of_entry(&mut keys, entry));
        }
        named.sorted()
    }

    #[inline]
    fn add(&mut self, number: usize, reference: Option<FileReference>) {
        if let Some(reference) = reference {
            self.numbers.push(number);
            self.references.push(reference);
        }
    }

    /// They are in order unless the devices are not.
    fn sorted(self) -> Self {
        if self.numbers.is_sorted() {
            return self;
        }
        let mut both: Vec<_> = self.numbers.into_iter().zip(self.references).collect();
        both.sort_by_key(|(number, _)| *number);
        let (numbers, references) = both.into_iter().unzip();
        Self { numbers, references }
    }
}

/// A value of a file key that names no file of a datastore: what a drive or port is connected to instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherBacking {
    /// The key as written, e.g. `floppy0.fileName`.
    pub key: SmolStr,
    /// The value as written.
    pub value: EncodedText,
    /// What it means.
    pub meaning: NoFile,
}

/// Every value under a key that could name a file and does not, in the order of the file.
pub fn other_backings(dictionary: &Dictionary<'_>) -> Vec<OtherBacking> {
    let mut keys = DeviceKeys::of(dictionary);
    let survey = Survey::of(dictionary);
    let named = Numbered::of(dictionary, &survey, &survey.devices.devices()).numbers;
    let is_named = |number: usize| named.binary_search(&number).is_ok();
    let entries = dictionary.entries.iter().enumerate();
    entries
        .filter(|(number, entry)| is_file_key(&entry.key) && !is_named(*number))
        .filter_map(|(_, entry)| {
            let meaning = NoFile::of(entry.value.as_str()).or_else(|| by_file_type(&mut keys, &entry.key))?;
            Some(OtherBacking {
                key: copied(&entry.key),
                value: entry.value.to_encoded(),
                meaning,
            })
        })
        .collect()
}

/// True unless it is plain that a line of no storage device names no file. Few do, so this is what most lines cost.
pub(super) fn may_name_a_file(entry: &Entry<'_>) -> bool {
    let key = entry.key.as_ref();
    known_kind(key).is_some() || ends_like_a_file_key(key) || has_file_extension(entry.value.as_str())
}

/// What a key of the VM names: a file or folder.
fn known_kind(key: &str) -> Option<FileKind> {
    let is = |known| is_same_word(key, known);
    Some(match key.len() {
        5 if is("nvram") => FileKind::Nvram,
        10 if is("workingDir") => FileKind::WorkingDir,
        12 if is("log.fileName") => FileKind::Log,
        14 if is("sched.swap.dir") => FileKind::SwapDir,
        15 if is("migrate.hostlog") => FileKind::HostLog,
        15 if is("replay.fileName") => FileKind::Other,
        16 if is("vmx.log.fileName") => FileKind::Log,
        17 if is("suspend.directory") => FileKind::SuspendDir,
        17 if is("vmxstats.filename") => FileKind::Scoreboard,
        18 if is("extendedConfigFile") => FileKind::ExtendedConfig,
        18 if is("checkpoint.vmState") => FileKind::SuspendState,
        18 if is("snapshot.directory") => FileKind::SnapshotDir,
        // Where the swap of the VMX process lies (assumed to be a folder, as sched.swap.dir is).
        21 if is("sched.swap.vmxSwapDir") => FileKind::SwapDir,
        22 if is("sched.swap.derivedName") => FileKind::Swap,
        _ => return None,
    })
}

/// All of these ends have one last letter.
#[inline]
fn ends_like_a_file_key(key: &str) -> bool {
    matches!(key.as_bytes().last(), Some(b'e' | b'E')) && has_end_of_a_file_key(key)
}

fn has_end_of_a_file_key(key: &str) -> bool {
    FILE_KEY_ENDS.iter().any(|end| ends_with_ignoring_case(key, end))
}

/// True for a key whose value may name a file.
fn is_file_key(key: &str) -> bool {
    (known_kind(key).is_some() || ends_like_a_file_key(key)) && !begins_with_one_of(key, TEXT_KEYS)
}

/// What a port is connected to by its `fileType`, where that is no file.
fn by_file_type(keys: &mut DeviceKeys<'_>, key: &str) -> Option<NoFile> {
    let (device, _) = key.split_once('.')?;
    match keys.field(device, ".fileType")?.as_str().trim() {
        kind if is_same_word(kind, "file") => None,
        kind if is_same_word(kind, "device") => Some(NoFile::HostDevice),
        _ => Some(NoFile::Endpoint),
    }
}

/// The file that a line of no storage device names.
fn of_entry(keys: &mut DeviceKeys<'_>, entry: &Entry<'_>) -> Option<FileReference> {
    let (key, value) = (entry.key.as_ref(), entry.value.as_str());
    let (kind, present) = of_port_or_floppy(keys, key, value)
        .or_else(|| Some((known_kind(key)?, true)))
        .or_else(|| is_file(key, value).then_some((FileKind::Other, true)))?;
    let is_text = begins_with_one_of(key, TEXT_KEYS) || is_not_a_file(value);
    (!is_text).then(|| FileReference {
        key: copied(key),
        value: entry.value.to_encoded(),
        kind,
        present,
    })
}

/// A value that ends like the name of a file, or that stands under a key that ends like one of a file.
fn is_file(key: &str, value: &str) -> bool {
    has_file_extension(value) || (ends_like_a_file_key(key) && !begins_with_one_of(key, DEVICES_WITH_RULES))
}

fn begins_with_one_of(key: &str, starts: &[&str]) -> bool {
    starts
        .iter()
        .any(|start| strip_prefix_ignoring_case(key, start).is_some())
}

/// Finds the other lines of a device by their keys.
struct DeviceKeys<'d> {
    dictionary: &'d Dictionary<'d>,
    /// Where keys are joined.
    key: String,
}

impl<'d> DeviceKeys<'d> {
    fn of(dictionary: &'d Dictionary<'_>) -> Self {
        Self {
            dictionary,
            key: String::new(),
        }
    }

    /// The value of a field, unless it is blank.
    fn field(&mut self, device: &str, field: &str) -> Option<&'d TextRef<'d>> {
        self.dictionary.text_of_parts([device, field], &mut self.key)
    }
}

/// What the lines of a storage device say of its file: the last of a field counts, unless it is blank.
#[derive(Debug, Clone, Copy, PartialEq)]
struct DeviceSays<'d> {
    is_present: bool,
    device_type: Option<&'d str>,
}

impl<'d> DeviceSays<'d> {
    /// Where all lines write the device alike.
    fn of(device: &'d StorageDevice) -> Self {
        Self {
            is_present: device.present,
            device_type: device.device_type.as_deref(),
        }
    }

    /// Where its address is written in several ways, each of which is a device of its own here.
    fn by_keys(keys: &mut DeviceKeys<'d>, device: &str) -> Self {
        let present = keys.field(device, ".present");
        Self {
            is_present: present.and_then(|value| parse_flag(value.as_str())) == Some(true),
            device_type: keys.field(device, ".deviceType").map(TextRef::as_str),
        }
    }
}

/// The file of a disk or CD drive.
fn of_device(line: &DeviceLine<'_>, says: DeviceSays<'_>, device: &StorageDevice) -> Option<FileReference> {
    let value = &line.entry.value;
    let kind = match line.field {
        Field::FileName => disk_or_cd(value.as_str(), says.device_type),
        Field::Redo => FileKind::Redo,
        Field::ReplicationState => FileKind::ReplicationState,
        _ => return None,
    };
    let is_no_file = match kind {
        FileKind::Disk => is_no_disk_file(value.as_str()),
        _ => is_not_a_file(value.as_str()),
    };
    (!is_no_file).then(|| FileReference {
        key: copied(&line.entry.key),
        // A copy of a copy takes less than another of the text.
        value: match &device.file_name {
            Some(name) if value.is(name) => name.clone(),
            _ => value.to_encoded(),
        },
        kind,
        present: says.is_present,
    })
}

/// A device is a disk unless its type says otherwise; where type and name disagree the name decides, because a disk
/// that is taken for a CD image would lose its extents and parents.
fn disk_or_cd(value: &str, device_type: Option<&str>) -> FileKind {
    if has_extension(value, "vmdk") {
        return FileKind::Disk;
    }
    let kind = device_type.unwrap_or("disk").to_ascii_lowercase();
    if has_extension(value, "iso") || kind.contains("cdrom") {
        FileKind::CdImage
    } else if kind.contains("disk") || kind.contains("rdm") {
        FileKind::Disk
    } else {
        FileKind::Other
    }
}

/// A floppy image or the output file of a port. `fileType` tells devices, pipes and addresses apart from files.
fn of_port_or_floppy(keys: &mut DeviceKeys<'_>, key: &str, value: &str) -> Option<(FileKind, bool)> {
    const PORTS: &[(&str, FileKind)] = &[
        ("floppy", FileKind::Floppy),
        ("serial", FileKind::SerialPort),
        ("parallel", FileKind::ParallelPort),
    ];
    let (kind, rest) = PORTS
        .iter()
        .find_map(|(name, kind)| Some((*kind, strip_prefix_ignoring_case(key, name)?)))?;
    let (number, name) = rest.split_once('.')?;
    if !name.eq_ignore_ascii_case("fileName") || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (device, _) = key.split_once('.')?;
    let file_type = keys.field(device, ".fileType");
    let is_file = file_type.is_none_or(|kind| kind.as_str().trim().eq_ignore_ascii_case("file"));
    if !is_file && !has_file_extension(value) {
        return None;
    }
    // A floppy drive is there unless the configuration says no (assumed); a port only when it says yes.
    let present = keys
        .field(device, ".present")
        .and_then(|value| parse_flag(value.as_str()));
    let present = present.unwrap_or(kind == FileKind::Floppy);
    Some((kind, present))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Limits;

    proptest! {
        #[test]
        fn what_a_device_says_is_what_its_keys_hold(
            lines in prop::collection::vec("(ide|IDE|scsi)0:(0|00|1|10|010)\\.(present|deviceType|x) = \"( |a|TRUE)?\"\n", 0..12)
        ) {
            let text = lines.concat();
            let dictionary = Dictionary::parse(text.as_bytes(), &Limits::default()).unwrap();
            let mut keys = DeviceKeys::of(&dictionary);
            let survey = Survey::of(&dictionary);
            let devices = survey.devices.devices();
            let alike = survey.devices.of_devices().zip(&devices).filter(|(lines, _)| write_device_alike(lines));
            for (lines, device) in alike {
                prop_assert_eq!(DeviceSays::of(device), DeviceSays::by_keys(&mut keys, lines[0].device()));
            }
        }
    }

    fn references(text: &str) -> Vec<(String, String, FileKind, bool)> {
        let dictionary = Dictionary::parse(text.as_bytes(), &Limits::default()).unwrap();
        file_references(&dictionary)
            .into_iter()
            .map(|file| (file.key.to_string(), file.value.to_string(), file.kind, file.present))
            .collect()
    }

    fn one(text: &str) -> Option<(FileKind, bool)> {
        references(text).first().map(|(_, _, kind, present)| (*kind, *present))
    }

    #[test]
    fn a_device_without_type_is_a_disk_and_the_name_decides_against_the_type() {
        let on = "scsi0:0.present = \"TRUE\"\n";
        assert_eq!(
            one(&format!("scsi0:0.fileName = \"x\"\n{on}")),
            Some((FileKind::Disk, true))
        );
        let cd = "ide1:0.deviceType = \"cdrom-image\"\nide1:0.fileName = ";
        assert_eq!(one(&format!("{cd}\"x.vmdk\"\n")), Some((FileKind::Disk, false)));
        assert_eq!(one(&format!("{cd}\"image\"\n")), Some((FileKind::CdImage, false)));
        assert_eq!(one("ide1:0.fileName = \"x.ISO\"\n"), Some((FileKind::CdImage, false)));
        let generic = "scsi0:0.deviceType = \"scsi-passthru\"\nscsi0:0.fileName = \"x\"\n";
        assert_eq!(one(generic), Some((FileKind::Other, false)));
    }

    #[test]
    fn a_device_that_is_not_present_is_a_mention() {
        assert_eq!(
            one("nvme0:0.fileName = \"a.vmdk\"\nnvme0:0.present = \"FALSE\"\n"),
            Some((FileKind::Disk, false))
        );
        assert_eq!(one("floppy0.fileName = \"a.flp\"\n"), Some((FileKind::Floppy, true)));
        assert_eq!(
            one("serial0.fileName = \"out.txt\"\n"),
            Some((FileKind::SerialPort, false))
        );
    }

    #[test]
    fn pipes_and_devices_are_no_files_unless_they_end_like_one() {
        assert_eq!(
            one("serial0.fileType = \"pipe\"\nserial0.fileName = \"serial0.pipe\"\n"),
            None
        );
        assert_eq!(one("floppy0.fileType = \"device\"\nfloppy0.fileName = \"A:\"\n"), None);
        assert_eq!(
            one("floppy0.fileType = \"device\"\nfloppy0.fileName = \"a.flp\"\n"),
            Some((FileKind::Floppy, true))
        );
    }

    #[test]
    fn firmware_and_unknown_devices_name_files_of_any_extension() {
        for line in [
            "bios440.filename = \"BIOS.440.ROM\"",
            "efi64.fileName = \"custom.efi\"",
            "usb:3.fileName = \"stick\"",
        ] {
            assert_eq!(one(line), Some((FileKind::Other, true)), "{line}");
        }
        assert_eq!(one("sound.fileName = \"-1\""), None);
        assert_eq!(one("guestinfo.fileName = \"x\""), None);
        assert_eq!(one("serial0.fileType = \"pipe\"\nserial0.fileName = \"com\"\n"), None);
    }

    #[test]
    fn an_unknown_key_or_a_torn_line_cannot_hide_a_file() {
        assert_eq!(
            references(
                "displayName = \"a.vmdk\"\nfuture.thing = \"b.VMDK\"\nscsi0:1.fileName = \"c.vmdk\nx = \"1.5\"\n"
            ),
            [
                ("future.thing".to_owned(), "b.VMDK".to_owned(), FileKind::Other, true),
                (
                    "line 3: scsi0:1.fileName".to_owned(),
                    "c.vmdk".to_owned(),
                    FileKind::Other,
                    true
                ),
            ]
        );
    }

    #[test]
    fn a_key_that_stands_twice_names_both_files() {
        let both = references("nvram = \"a.nvram\"\nNVRAM = \"b.nvram\"\n");
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn keys_of_the_vm_name_files_of_their_kind() {
        for (line, kind) in [
            ("sched.swap.derivedName = \"/vmfs/volumes/a/b.vswp\"", FileKind::Swap),
            ("extendedConfigFile = \"a.vmxf\"", FileKind::ExtendedConfig),
            ("checkpoint.vmState = \"a-1.vmss\"", FileKind::SuspendState),
            ("migrate.hostlog = \".\\a.hlog\"", FileKind::HostLog),
            ("scsi0:0.redo = \"./a.vmdk.REDO_x\"", FileKind::Redo),
            (
                "scsi0:0.hbr_filter.persistent = \"hbr-persistent-state-RDID-1.psf\"",
                FileKind::ReplicationState,
            ),
            ("workingDir = \"/vmfs/volumes/b/dir\"", FileKind::WorkingDir),
            ("WORKINGDIR = \"dir\"", FileKind::WorkingDir),
            ("snapshot.directory = \"dir\"", FileKind::SnapshotDir),
            ("suspend.directory = \"dir\"", FileKind::SuspendDir),
            ("sched.swap.dir = \"dir\"", FileKind::SwapDir),
            ("sched.swap.vmxSwapDir = \"dir\"", FileKind::SwapDir),
            ("nvram = \"a\"", FileKind::Nvram),
            ("log.fileName = \"a\"", FileKind::Log),
            ("vmx.log.filename = \"a\"", FileKind::Log),
            ("replay.filename = \"a\"", FileKind::Other),
            ("vmxstats.filename = \"a.scoreboard\"", FileKind::Scoreboard),
        ] {
            assert_eq!(one(line).map(|(kind, _)| kind), Some(kind), "{line}");
        }
        assert_eq!(one("checkpoint.vmState = \"\""), None);
    }

    #[test]
    fn a_disk_at_an_address_is_a_reference_and_a_port_or_drive_at_one_is_none() {
        let disk = "scsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"nfs://filer/x.vmdk\"\n";
        assert_eq!(one(disk), Some((FileKind::Disk, true)));
        assert_eq!(one("scsi0:0.fileName = \"auto detect\"\n"), None);
        assert_eq!(one("ide1:0.fileName = \"http://a/x.iso\"\n"), None);
        assert_eq!(one("serial0.fileName = \"tcp://a:1\"\n"), None);
    }
}
