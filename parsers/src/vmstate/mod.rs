//! Snapshot and suspend state: `.vmsn` and `.vmss`.
//!
//! A state file tells whose it is without any other file: group "UUIDVMX" holds the BIOS UUID, group "Snapshot" the whole
//! configuration of that time, group "Checkpoint" the product. Read are the header, the table of groups and the tags of
//! those three groups; memory and device state are stepped over. An encrypted state file has none of these signatures.

mod tags;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Anomaly, EncodedText, Limits, ParseError, ReadAt, Result,
    bytes::Cursor,
    charset::Charset,
    dictionary::Dictionary,
    findings::Findings,
    reference::{FileKind, FileReference, has_file_extension},
    vmx::VmxConfig,
};

use tags::{Tag, Tags};

/// Name of the structure in errors.
const WHAT: &str = "VM state header";
/// Bytes before the table of groups.
const HEADER_BYTES: u64 = 12;
/// Bytes of an entry of the table of groups.
const GROUP_BYTES: u64 = 80;
/// Most groups. Real files have about 100.
const MAX_GROUPS: u64 = 4096;
/// The signatures, oldest first; sizes of big blocks have 32 bits under the oldest.
const MAGICS: [u32; 4] = [0xBED2_BED0, 0xBAD1_BAD1, 0xBED2_BED2, 0xBED3_BED3];
/// Tag of the configuration.
const CONFIG: &str = "cfgFile";
/// Groups that are read, the first of each name.
const READ_GROUPS: &[&str] = &["UUIDVMX", SNAPSHOT, "Checkpoint"];
/// The group with the configuration.
const SNAPSHOT: &str = "Snapshot";

/// What a state file says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VmState {
    /// The signature, as a number.
    pub magic: u32,
    /// Version of the format; 8 in files of today.
    pub version: u32,
    /// The groups of the file.
    pub groups: Vec<StateGroup>,
    /// `BIOSUUID`: `uuid.bios` of the VM.
    pub bios_uuid: Option<Uuid>,
    /// `ProductName`.
    pub product: Option<String>,
    /// `VersionNumber`.
    pub product_version: Option<String>,
    /// `BuildNumber`.
    pub build: Option<String>,
    /// `memSize` in MiB.
    pub memory_mb: Option<u32>,
    /// `cfgFile`: the configuration when the state was taken.
    pub config: Option<Box<VmxConfig>>,
    /// Files that tags name.
    pub named_files: Vec<FileReference>,
    /// Why the configuration in it was not read; `None` where it was, and where there is none.
    #[serde(default)]
    pub damage: Option<Anomaly>,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

/// One group of tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateGroup {
    /// Its name.
    pub name: String,
    /// Where its tags begin, in bytes from the start of the file.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
}

/// True when a file begins like a state file.
pub fn is_vm_state(head: &[u8]) -> bool {
    head.first_chunk::<4>()
        .is_some_and(|magic| MAGICS.contains(&u32::from_le_bytes(*magic)))
}

impl VmState {
    /// Reads header, groups and the tags that tell whose state it is.
    ///
    /// # Errors
    /// `Truncated` when header or table of groups do not fit into the file, `BadSignature` for other (also encrypted)
    /// content, `LimitExceeded` for more groups than are sensible, `Io`.
    pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Self> {
        let bytes = source.exact(WHAT, 0, HEADER_BYTES)?;
        let cursor = Cursor::new(WHAT, 0, &bytes);
        let magic = cursor.u32_le(0)?;
        if !MAGICS.contains(&magic) {
            let oldest = MAGICS.first().copied().unwrap_or_default();
            cursor.signature(0, &oldest.to_le_bytes(), "d0 be d2 be or a later one")?;
        }
        let mut state = Self {
            magic,
            version: cursor.u32_le(4)?,
            groups: read_groups(source, cursor.u32_le(8)?)?,
            bios_uuid: None,
            product: None,
            product_version: None,
            build: None,
            memory_mb: None,
            config: None,
            named_files: Vec::new(),
            damage: None,
            anomalies: Vec::new(),
        };
        let mut findings = Findings::default();
        note_outside(&state.groups, source.len(), &mut findings);
        for name in READ_GROUPS {
            let group = state.groups.iter().find(|group| group.name == *name).cloned();
            if let Some(group) = group {
                state.read_group(source, &group, limits, &mut findings)?;
            }
        }
        state.damage = findings.first_damage();
        state.anomalies = findings.into_anomalies();
        Ok(state)
    }

    /// Takes the tags of one group; a damaged tag ends the group and costs nothing else.
    fn read_group(
        &mut self,
        source: &(impl ReadAt + ?Sized),
        group: &StateGroup,
        limits: &Limits,
        findings: &mut Findings,
    ) -> Result<()> {
        let has_short_sizes = MAGICS.first() == Some(&self.magic);
        let mut tags = Tags::new(source, group, has_short_sizes, limits);
        loop {
            let taken = match tags.next_tag() {
                Ok(None) => return Ok(()),
                Ok(Some(tag)) => self.take(&group.name, &tag, &mut tags, limits, findings),
                Err(error) => Err(error),
            };
            match taken {
                Ok(()) => {}
                Err(error) if error.is_io() => return Err(error),
                Err(error) => {
                    let anomaly = Anomaly::at("state-group-damaged", group.offset, error.to_string());
                    if group.name == SNAPSHOT && self.config.is_none() {
                        findings.damage(anomaly);
                    } else {
                        findings.note(anomaly);
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Takes one tag.
    fn take<S: ReadAt + ?Sized>(
        &mut self,
        group: &str,
        tag: &Tag,
        tags: &mut Tags<'_, S>,
        limits: &Limits,
        findings: &mut Findings,
    ) -> Result<()> {
        const WANTED: &[&str] = &[
            "BIOSUUID",
            CONFIG,
            "nvramFile",
            "extendedConfigFile",
            "ProductName",
            "VersionNumber",
            "BuildNumber",
            "memSize",
        ];
        if !WANTED.contains(&tag.name.as_str()) {
            return Ok(());
        }
        if let Some(why) = why_unread(tag, limits) {
            let anomaly = Anomaly::at(
                "state-tag-skipped",
                tag.offset,
                format!("tag {} is not read: {why}", tag.name),
            );
            // The configuration names files; the others do not.
            if tag.name == CONFIG {
                findings.damage(anomaly);
            } else {
                findings.note(anomaly);
            }
            return Ok(());
        }
        let data = tags.data(tag)?;
        match (group, tag.name.as_str()) {
            ("UUIDVMX", "BIOSUUID") => self.bios_uuid = data.first_chunk().map(|bytes| Uuid::from_bytes(*bytes)),
            (SNAPSHOT, CONFIG) => self.take_config(&data, tag.offset, limits, findings),
            (SNAPSHOT, name) => self.take_file(name, &data),
            ("Checkpoint", "ProductName") => self.product = text(&data),
            ("Checkpoint", "VersionNumber") => self.product_version = text(&data),
            ("Checkpoint", "BuildNumber") => self.build = text(&data),
            ("Checkpoint", "memSize") => self.memory_mb = data.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)),
            _ => {}
        }
        Ok(())
    }

    /// Reads the embedded configuration.
    fn take_config(&mut self, data: &[u8], offset: u64, limits: &Limits, findings: &mut Findings) {
        let config = data.split(|&byte| byte == 0).next().unwrap_or_default();
        let parsed = Dictionary::parse(config, limits).and_then(|dictionary| VmxConfig::from_dictionary(&dictionary));
        match parsed {
            Ok(config) => self.config = Some(Box::new(config)),
            // An empty one names nothing.
            Err(error) if config.is_empty() => {
                findings.note(Anomaly::at("state-config-unreadable", offset, error.to_string()));
            }
            Err(error) => findings.damage(Anomaly::at("state-config-unreadable", offset, error.to_string())),
        }
    }

    /// Keeps the name in a tag that may hold a name or a whole file.
    fn take_file(&mut self, tag: &str, data: &[u8]) {
        const LONGEST_NAME: usize = 1024;
        if let Some(name) = text(data).filter(|name| data.len() <= LONGEST_NAME && has_file_extension(name)) {
            self.named_files
                .push(FileReference::new(tag, EncodedText::new(name), FileKind::Other));
        }
    }

    /// Every file that the embedded configuration and the tags name.
    pub fn references(&self) -> Vec<FileReference> {
        let config = self.config.iter().flat_map(|config| config.files.iter());
        config.chain(&self.named_files).cloned().collect()
    }
}

/// Why the data of a tag are left alone. How a compressed block is compressed is not known.
fn why_unread(tag: &Tag, limits: &Limits) -> Option<String> {
    if tag.is_compressed {
        Some(format!("its {} bytes are compressed", tag.length))
    } else if tag.length > limits.text_bytes {
        Some(format!("it has {} bytes, more than {}", tag.length, limits.text_bytes))
    } else {
        None
    }
}

/// Says that the file is shorter than its groups: it was cut off, and what they held is lost.
fn note_outside(groups: &[StateGroup], length: u64, findings: &mut Findings) {
    let is_outside = |group: &&StateGroup| group.offset.checked_add(group.size).is_none_or(|end| end > length);
    let outside = || groups.iter().filter(is_outside);
    let Some(first) = outside().next() else { return };
    let more = outside().count().saturating_sub(1);
    let text = format!(
        "group {:?} and {more} others reach past the end of the file",
        first.name
    );
    let anomaly = Anomaly::at("state-group-beyond-end", first.offset, text);
    if outside().any(|group| group.name == SNAPSHOT) {
        findings.damage(anomaly);
    } else {
        findings.note(anomaly);
    }
}

/// The table of groups.
fn read_groups(source: &(impl ReadAt + ?Sized), count: u32) -> Result<Vec<StateGroup>> {
    const TABLE: &str = "VM state group table";
    let count = u64::from(count);
    if count > MAX_GROUPS {
        return Err(ParseError::LimitExceeded {
            what: TABLE,
            value: count,
            limit: MAX_GROUPS,
        });
    }
    let bytes = source.exact(TABLE, HEADER_BYTES, count.saturating_mul(GROUP_BYTES))?;
    let (entries, _) = bytes.as_chunks::<80>();
    entries
        .iter()
        .map(|entry| {
            let cursor = Cursor::new(TABLE, HEADER_BYTES, entry);
            Ok(StateGroup {
                name: text(cursor.slice(0, 64)?).unwrap_or_default(),
                offset: cursor.u64_le(64)?,
                size: cursor.u64_le(72)?,
            })
        })
        .collect()
}

/// Text up to the first NUL; `None` for none.
fn text(data: &[u8]) -> Option<String> {
    let text = data.split(|&byte| byte == 0).next()?;
    let text = Charset::declared(None, text).0.decode(text).0.into_owned();
    (!text.trim().is_empty()).then_some(text)
}
