//! `vmware.log` as evidence: which VM wrote it, which disks it opened, and whether it ended in order.
//!
//! Read are the beginning and the end, both bounded. The words around a value are those of VMware and not translated; words
//! that are translated (the disk mode) are not looked at. The log is in the code page of its host.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EncodedText, ParseError, ReadAt, Result, charset::Charset, vmx::VmwareUuid};

/// Name of the structure in errors.
const WHAT: &str = "VM log";
/// How much of the beginning is read: the whole configuration stands there.
const HEAD_BYTES: u64 = 256 << 10;
/// How much of the end is read.
const TAIL_BYTES: u64 = 32 << 10;
/// Most disk lines that are kept.
const MAX_DISKS: usize = 1024;

/// What a log tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct VmLog {
    /// The first line: product, version, build, process.
    pub first_line: Option<String>,
    /// Path of the configuration on the host.
    pub vmx_path: Option<EncodedText>,
    /// `displayName` of the configuration.
    pub display_name: Option<EncodedText>,
    /// `uuid.bios`.
    pub bios_uuid: Option<VmwareUuid>,
    /// Name of the host.
    pub host: Option<String>,
    /// The disks that were opened.
    pub disks: Vec<LogDisk>,
    /// The end says that the VM process exited. A log without that is of a VM that runs, or crashed.
    pub ended: bool,
}

/// One line about a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogDisk {
    /// Path of the descriptor as the host opened it.
    pub path: EncodedText,
    /// The device, where the line tells.
    pub device: Option<String>,
    /// `ddb.uuid`, where the line tells.
    pub uuid: Option<VmwareUuid>,
}

impl VmLog {
    /// Reads beginning and end of a log.
    ///
    /// # Errors
    /// `Truncated` for an empty file, `Io`.
    pub fn read(source: &(impl ReadAt + ?Sized)) -> Result<Self> {
        if source.is_empty() {
            return Err(ParseError::Truncated {
                what: WHAT,
                offset: 0,
                need: 1,
                have: 0,
            });
        }
        let head = source.up_to(WHAT, 0, HEAD_BYTES)?;
        let tail = source.up_to(WHAT, source.len().saturating_sub(TAIL_BYTES), TAIL_BYTES)?;
        let (charset, _) = Charset::declared(None, &head);
        let mut log = Self::default();
        for line in head.split(|&byte| byte == b'\n') {
            log.take(line.trim_ascii_end(), charset);
        }
        log.ended = tail
            .split(|&byte| byte == b'\n')
            .any(|line| find(line, b"VMX idle exit").is_some() || find(line, b"VMX exit (").is_some());
        Ok(log)
    }

    /// Takes one line.
    fn take(&mut self, line: &[u8], charset: Charset) {
        let text = |bytes: &[u8]| charset.decode(bytes).0.into_owned();
        if self.first_line.is_none() && !line.is_empty() {
            self.first_line = Some(text(line.get(..line.len().min(512)).unwrap_or_default()));
        }
        if let Some(path) = find(line, b"DICT --- CONFIGURATION ") {
            set_once(&mut self.vmx_path, || charset.text(path.trim_ascii()));
        } else if let Some(entry) = find(line, b"DICT ") {
            self.take_configuration(entry.trim_ascii(), charset);
        } else if let Some(uuid) = find(line, b"BIOS-UUID is ") {
            set_once(&mut self.bios_uuid, || VmwareUuid::new(&text(uuid)));
        } else if let Some(host) = find(line, b"Hostname=") {
            set_once(&mut self.host, || text(host.trim_ascii()));
        } else if let Some(disk) = find(line, b"DISK: ").filter(|_| self.disks.len() < MAX_DISKS) {
            self.disks.extend(disk_of(disk, charset));
        }
    }

    /// A line of the configuration: `displayName = "…"`.
    fn take_configuration(&mut self, entry: &[u8], charset: Charset) {
        let Some(equals) = entry.iter().position(|&byte| byte == b'=') else {
            return;
        };
        let (key, value) = entry.split_at_checked(equals).unwrap_or_default();
        let value = find(value, b"\"").and_then(|value| value.strip_suffix(b"\""));
        let (key, Some(value)) = (key.trim_ascii(), value) else {
            return;
        };
        if key.eq_ignore_ascii_case(b"displayName") {
            set_once(&mut self.display_name, || charset.text(value));
        } else if key.eq_ignore_ascii_case(b"uuid.bios") {
            set_once(&mut self.bios_uuid, || VmwareUuid::new(&charset.decode(value).0));
        }
    }
}

/// `OPEN scsi0:0 '<path>' …` or `Disk '<path>' has UUID '<uuid>'`.
fn disk_of(line: &[u8], charset: Charset) -> Option<LogDisk> {
    if let Some(open) = line.strip_prefix(b"OPEN ") {
        let quote = open.iter().position(|&byte| byte == b'\'')?;
        let end = open.iter().rposition(|&byte| byte == b'\'')?;
        let path = open.get(quote.checked_add(1)?..end)?;
        return Some(LogDisk {
            path: charset.text(path),
            device: Some(charset.decode(open.get(..quote)?.trim_ascii()).0.into_owned()),
            uuid: None,
        });
    }
    let known = line.strip_prefix(b"Disk '")?;
    let uuid = find(known, b"' has UUID '")?;
    let path = known.get(
        ..known
            .len()
            .checked_sub(uuid.len())?
            .checked_sub(b"' has UUID '".len())?,
    )?;
    let uuid = uuid.split(|&byte| byte == b'\'').next()?;
    Some(LogDisk {
        path: charset.text(path),
        device: None,
        uuid: Some(VmwareUuid::new(&charset.decode(uuid).0)),
    })
}

/// What follows the first `needle`.
fn find<'a>(line: &'a [u8], needle: &[u8]) -> Option<&'a [u8]> {
    let start = line.windows(needle.len()).position(|window| window == needle)?;
    line.get(start.checked_add(needle.len())?..)
}

fn set_once<T>(place: &mut Option<T>, value: impl FnOnce() -> T) {
    if place.is_none() {
        *place = Some(value());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "2019-01-31T08:00:00.000Z| vmx| I125: Log for VMware ESX pid=2102393 version=6.7.0 build=build-11675023\n\
        2019-01-31T08:00:00.000Z| vmx| I125: Hostname=esx01\n\
        2019-01-31T08:00:00.001Z| vmx| I125: DICT --- CONFIGURATION /vmfs/volumes/5c/web 01/web 01.vmx \n\
        2019-01-31T08:00:00.001Z| vmx| I125: DICT          displayName = \"web = 01\"\n\
        2019-01-31T08:00:00.001Z| vmx| I125: DICT            uuid.bios = \"56 4d 6c 27 96 ea 12 07-6f 0b b1 1d 81 46 9b 0b\"\n\
        2019-01-31T08:00:01.000Z| vmx| I125: DISK: OPEN scsi0:0 '/vmfs/volumes/5c/web 01/it's.vmdk' persistent R[]\n\
        2019-01-31T08:00:01.000Z| vmx| I125: DISK: Disk '/vmfs/volumes/5c/web 01/it's.vmdk' has UUID '60 00 c2 9a 1d 7b 49 44-dc 53 e6 d3 e5 89 7b 0d'\n";

    #[test]
    fn the_beginning_names_the_vm_its_host_and_its_disks() {
        let log = VmLog::read(OLD.as_bytes()).unwrap();
        assert_eq!(log.vmx_path, Some("/vmfs/volumes/5c/web 01/web 01.vmx".into()));
        assert_eq!(log.display_name, Some("web = 01".into()));
        assert_eq!(log.host.as_deref(), Some("esx01"));
        assert!(log.bios_uuid.is_some_and(|uuid| uuid.uuid.is_some()));
        let path = EncodedText::from("/vmfs/volumes/5c/web 01/it's.vmdk");
        assert_eq!(
            (&log.disks[0].path, log.disks[0].device.as_deref()),
            (&path, Some("scsi0:0"))
        );
        assert_eq!(log.disks[1].path, path);
        assert!(log.disks[1].uuid.as_ref().is_some_and(|uuid| uuid.uuid.is_some()));
        assert!(!log.ended, "no exit line: running, or crashed");
    }

    #[test]
    fn an_exit_line_in_either_format_is_a_clean_end() {
        for line in [
            "| vmx| I120: VMX exit (0).\n",
            "2023-01-01T00:00:00.000Z In(05) vmx VMX idle exit\n",
        ] {
            let text = format!("{OLD}{}{line}", "filler\n".repeat(100_000));
            assert!(VmLog::read(text.as_bytes()).unwrap().ended, "{line}");
        }
    }

    #[test]
    fn a_path_in_the_code_page_of_the_host_keeps_its_bytes() {
        let log = VmLog::read(&b"vmx: DICT --- CONFIGURATION C:\\\xE9.vmx\r\n"[..]).unwrap();
        let path = log.vmx_path.unwrap();
        assert_eq!((path.as_str(), path.raw()), ("C:\\é.vmx", &b"C:\\\xE9.vmx"[..]));
    }

    #[test]
    fn an_empty_log_is_truncated() {
        assert!(matches!(
            VmLog::read(&[][..]),
            Err(ParseError::Truncated { have: 0, .. })
        ));
    }
}
