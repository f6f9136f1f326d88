//! Artifacts to facts: opens a file for reading only, lets the parser of its format read it, and says what it tells in
//! the words of [`crate::evidence`].
//!
//! A file that cannot be opened, read or parsed is still an artifact of the kind that its name says: it carries a mark,
//! and the fault becomes an issue. A configuration of which the devices are not known is `opaque`, so that nothing near
//! it is taken for unowned. A parser that panics costs its file, not the run.

mod foreign;
mod hyperv;
mod hyperv_disk;
mod keys;
mod stamp;
mod vmdk;
mod vmware;

pub use foreign::contents;
pub use keys::{Key, KeyType, Keys, keys};
pub use stamp::{HeaderStamp, header_stamp};

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Duration,
};

use derelict_parsers::{Anomaly, Limits, ParseError, ReadAt};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    catalogue::Stage,
    classify::{self, Content, NameHint},
    crawl::{Dir, workers::Pulse},
    evidence::{Evidence, Mark, MarkCode, VmEvidence},
    facts::Facts,
    file_reader::{FileReader, Version, is_sharing_violation},
    kind::{Basis, Kind, Platform},
    raw::RawPath,
};

/// How long a file that somebody holds is left alone before it is tried once more: filter drivers and redirected cluster
/// volumes refuse a file in passing (H-D19).
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// Where a file is opened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Location<'a> {
    /// By its path.
    Path(&'a Path),
    /// By its name in an open folder, with a sign of life before every read.
    In(&'a Dir, &'a [u8], Option<&'a Pulse>),
    /// Its folder is not open.
    Nowhere,
}

/// One regular file to look at.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    /// Where it is opened.
    pub(crate) location: Location<'a>,
    /// Its folder, relative to the root.
    pub(crate) folder: &'a RawPath,
    /// Its name.
    pub(crate) name: &'a [u8],
    /// Its length when it was listed.
    pub(crate) length: u64,
    /// What it was when it was listed, where that is known.
    pub(crate) listed: Option<Version>,
    /// What its name says.
    pub(crate) hint: NameHint,
    /// The descriptor that the name of a flat extent implies lies beside it.
    pub(crate) has_descriptor: bool,
    /// Why the file system tells nothing of it, which is an issue already: its name is all that is known.
    pub(crate) refused: Option<&'a str>,
    /// Only asking for its content would bring it back from an archive (H-F7).
    pub(crate) is_offline: bool,
    /// It lies on an SMB share.
    pub(crate) smb: bool,
}

/// What came of looking at a file.
#[derive(Debug, Default)]
pub struct Examined {
    /// What it is; `None` for an ordinary file.
    pub found: Option<Found>,
    /// What went wrong.
    pub fault: Option<Fault>,
    /// What an artifact had become when it was read; `None` when it was as it was listed.
    pub(crate) became: Option<Version>,
    /// Somebody held the file when it was opened or read.
    held: bool,
}

/// An artifact without what the file system says of it.
#[derive(Debug)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// How that was found.
    pub basis: Basis,
    /// All that the parser read.
    pub facts: Facts,
    /// The same in the words of the reconciliation.
    pub evidence: Evidence,
    /// What is odd about it.
    pub anomalies: Vec<Anomaly>,
}

/// Why a file could not be read or parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What was being done.
    pub stage: Stage,
    /// What went wrong.
    pub text: String,
}

/// What a parser read of a file.
#[derive(Debug, Default)]
struct Parsed {
    /// Where the content told the kind more exactly than its signature.
    kind: Option<Kind>,
    facts: Facts,
    evidence: Evidence,
    anomalies: Vec<Anomaly>,
    /// Facts may be missing: the rest is sound, but a part could not be read.
    fault: Option<Fault>,
}

impl Parsed {
    fn new(facts: &impl Serialize, evidence: Evidence, anomalies: &[Anomaly]) -> Self {
        Self {
            kind: None,
            facts: Facts::of(facts),
            evidence,
            anomalies: anomalies.to_vec(),
            fault: None,
        }
    }

    /// Says that a part could not be read: something that the file names may be missing.
    fn damaged_by(mut self, damage: Option<&Anomaly>) -> Self {
        let Some(damage) = damage else { return self };
        self.evidence.marks.push(Mark {
            code: MarkCode::Damaged,
            text: damage.text.clone(),
            offset: damage.offset,
        });
        self.fault = Some(Fault {
            stage: Stage::Parse,
            text: damage.text.clone(),
        });
        self
    }
}

/// Looks at a file: opens it where its name or size asks for that, and reads what its format tells.
pub(crate) fn examine(subject: &Subject<'_>) -> Examined {
    if let Some(refused) = subject.refused {
        return Examined {
            fault: None,
            ..unreadable(subject, &io::Error::other(refused), false)
        };
    }
    if subject.length == 0 {
        return from_name(subject, Some(Content::Empty));
    }
    if !classify::is_opened(subject.hint, subject.name, subject.length, subject.has_descriptor) {
        return from_name(subject, None);
    }
    if subject.is_offline {
        let error = io::Error::other("its content lies in an archive and was not brought back");
        return unreadable(subject, &error, false);
    }
    patiently(|| look(subject), |examined| examined.held)
}

/// Tries once more after a moment where somebody held the file.
pub(crate) fn patiently<T>(look: impl Fn() -> T, is_held: impl FnOnce(&T) -> bool) -> T {
    let first = look();
    if !is_held(&first) {
        return first;
    }
    std::thread::sleep(RETRY_AFTER);
    look()
}

/// Opens a file and reads what its format tells.
fn look(subject: &Subject<'_>) -> Examined {
    match open(subject) {
        Ok((reader, content)) => {
            let mut examined = opened(subject, &reader, content);
            note_change(&mut examined, subject, &reader);
            examined
        }
        Err((error, while_reading)) => unreadable(subject, &error, while_reading),
    }
}

/// Says of an artifact that it is not what it was when it was listed, or did not stay so while it was read.
fn note_change(examined: &mut Examined, subject: &Subject<'_>, reader: &FileReader) {
    let Some(found) = &mut examined.found else { return };
    let opened = reader.opened();
    // What cannot be asked any more says nothing.
    let now = reader.version().unwrap_or(opened);
    let before = subject.listed.and_then(|listed| listed.change_to(opened));
    let during = opened.change_to(now);
    if before.is_none() && during.is_none() {
        return;
    }
    let changes = [("before", before), ("while", during)];
    let changes = changes.map(|(when, change)| Some(format!("{when} it was read: {}", change?)));
    let changes: Vec<String> = changes.into_iter().flatten().collect();
    found.evidence.marks.push(mark(
        MarkCode::Changed,
        format!("it changed after it was listed, {}", changes.join("; ")),
    ));
    examined.became = Some(now);
}

/// A file that was not read to its end because the storage gave no answer: what its name tells.
pub(crate) fn without_answer(subject: &Subject<'_>, why: &str) -> Examined {
    unreadable(subject, &io::Error::other(why), false)
}

/// What the tables of a disk allocate.
#[derive(Debug)]
pub struct Allocated {
    /// All that was counted; `allocated_bytes` are the bytes of the disk whose content is in this file.
    pub facts: Value,
    /// Why the numbers may be wrong.
    pub damage: Option<String>,
}

impl Allocated {
    fn new(told: &impl Serialize, damage: Option<&Anomaly>) -> Self {
        Self {
            facts: serde_json::to_value(told).unwrap_or_default(),
            damage: damage.map(|damage| damage.text.clone()),
        }
    }
}

/// Reads what the tables of a disk allocate; `None` for a kind without tables. Not part of [`examine`]: a table may have
/// half a gigabyte.
///
/// # Errors
/// What kept the table from being read.
pub fn allocation(path: &Path, kind: Kind) -> Option<Result<Allocated, String>> {
    let read = match kind {
        Kind::VmdkSparse | Kind::VmdkStream | Kind::VmdkDelta | Kind::VmdkSeSparse => vmdk::allocation,
        Kind::Vhdx | Kind::Avhdx | Kind::Vhd | Kind::Avhd => hyperv_disk::allocation,
        Kind::ForeignDisk => foreign::allocation,
        _ => return None,
    };
    let reader = match open_patiently(path) {
        Ok(reader) => reader,
        Err(error) => return Some(Err(error.to_string())),
    };
    let told = guard_against_panic(|| read(kind, &reader, &Limits::default()));
    Some(told.map_err(|error| error.to_string()))
}

/// Opens a file and looks at its content; an error says whether the opening or a read failed.
fn open(subject: &Subject<'_>) -> Result<(FileReader, Content), (io::Error, bool)> {
    let reader = open_at(subject.location).map_err(|error| (error, false))?;
    let mut content = classify::by_content(reader.head(), &[]);
    let may_be_vhd = matches!(
        content,
        Content::Binary | Content::Zeros | Content::Text | Content::Packed
    );
    if may_be_vhd && may_end_in_a_footer(subject.hint, reader.len()) {
        let start = reader.len().saturating_sub(classify::TAIL_BYTES);
        let mut tail = vec![0; usize::try_from(reader.len().min(classify::TAIL_BYTES)).unwrap_or(0)];
        let got = reader.read_at(start, &mut tail).map_err(|error| (error, true))?;
        tail.truncate(got);
        content = classify::by_content(reader.head(), &tail);
    }
    Ok((reader, content))
}

/// Opens a file outside a scan, once more after a moment where somebody holds it.
fn open_patiently(path: &Path) -> io::Result<FileReader> {
    let is_held = |opened: &io::Result<FileReader>| {
        let error = opened.as_ref().err().and_then(io::Error::raw_os_error);
        is_sharing_violation(error, false, false)
    };
    patiently(|| FileReader::open(path), is_held)
}

fn open_at(location: Location<'_>) -> io::Result<FileReader> {
    match location {
        Location::Path(path) => FileReader::open(path),
        Location::In(dir, name, pulse) => FileReader::open_in(dir, name, pulse),
        Location::Nowhere => Err(io::Error::new(io::ErrorKind::InvalidInput, "its folder is not open")),
    }
}

/// True where the last bytes may be a VHD footer. No VMware file ends in one.
fn may_end_in_a_footer(hint: NameHint, length: u64) -> bool {
    let may_be = match hint {
        NameHint::Kind(kind) | NameHint::Renamed(kind) => kind.platform() != Some(Platform::Vmware),
        NameHint::Unknown | NameHint::OpenDeleted => true,
        NameHint::IfContent(_) | NameHint::System => false,
    };
    may_be && (length.is_multiple_of(512) || length % 512 == 511)
}

/// A file that was not opened: what its name tells.
fn from_name(subject: &Subject<'_>, content: Option<Content>) -> Examined {
    let Some((kind, basis)) = classify::decide(subject.hint, content) else {
        return Examined::default();
    };
    let mut evidence = by_name_alone(kind, subject);
    if content == Some(Content::Empty) {
        evidence.marks.push(mark(MarkCode::Empty, "the file has 0 bytes"));
        // An empty snapshot list only says that there are no snapshots.
        if kind.is_config() {
            make_opaque(&mut evidence, kind, subject, "the file is empty");
        }
    }
    Examined {
        found: Some(Found {
            kind,
            basis,
            facts: Facts::NONE,
            evidence,
            anomalies: Vec::new(),
        }),
        ..Examined::default()
    }
}

/// A file that could not be opened or read: the name decides, and the fault is told.
fn unreadable(subject: &Subject<'_>, error: &io::Error, while_reading: bool) -> Examined {
    let mut examined = from_name(subject, None);
    let text = error.to_string();
    examined.held = is_sharing_violation(error.raw_os_error(), while_reading, subject.smb);
    if let Some(found) = &mut examined.found {
        mark_unreadable(&mut found.evidence, examined.held, &text);
        make_opaque(
            &mut found.evidence,
            found.kind,
            subject,
            &format!("the file cannot be read: {text}"),
        );
    }
    examined.fault = Some(Fault {
        stage: Stage::Read,
        text,
    });
    examined
}

fn mark_unreadable(evidence: &mut Evidence, held: bool, text: &str) {
    evidence.marks.push(if held {
        mark(
            MarkCode::SharingViolation,
            format!("somebody holds the file open: {text}"),
        )
    } else {
        mark(MarkCode::Unreadable, format!("the file could not be read: {text}"))
    });
}

/// A file that is open: its content decides what it is and who reads it.
fn opened(subject: &Subject<'_>, reader: &FileReader, content: Content) -> Examined {
    let Some((kind, basis)) = classify::decide(subject.hint, Some(content)) else {
        return Examined::default();
    };
    let mut found = Found {
        kind,
        basis,
        facts: Facts::NONE,
        evidence: by_name_alone(kind, subject),
        anomalies: Vec::new(),
    };
    if basis == Basis::Name && matches!(subject.hint, NameHint::Renamed(_)) {
        if classify::has_signature(kind) || kind.is_config() || kind.is_disk() {
            let text = "the content is not that of the kind which its name says";
            found.evidence.marks.push(mark(MarkCode::Damaged, text));
            make_opaque(&mut found.evidence, kind, subject, text);
        }
        return Examined {
            found: Some(found),
            ..Examined::default()
        };
    }
    let fault = match guard_against_panic(|| parse(kind, content, reader, subject)) {
        Ok(parsed) => {
            found.kind = parsed.kind.unwrap_or(kind);
            found.facts = parsed.facts;
            found.evidence.absorb(parsed.evidence);
            found.anomalies = parsed.anomalies;
            parsed.fault
        }
        Err(error) => Some(failed(&mut found, subject, &error)),
    };
    Examined {
        held: found.evidence.has_mark(MarkCode::SharingViolation),
        found: Some(found),
        fault,
        ..Examined::default()
    }
}

/// Marks an artifact whose parser gave up.
fn failed(found: &mut Found, subject: &Subject<'_>, error: &ParseError) -> Fault {
    let text = error.to_string();
    make_opaque(
        &mut found.evidence,
        found.kind,
        subject,
        &format!("the file cannot be read: {text}"),
    );
    if let ParseError::Io { os_error, .. } = error {
        mark_unreadable(
            &mut found.evidence,
            is_sharing_violation(*os_error, true, subject.smb),
            &text,
        );
        return Fault {
            stage: Stage::Read,
            text,
        };
    }
    found.evidence.marks.push(Mark {
        code: MarkCode::Damaged,
        text: text.clone(),
        offset: error.offset(),
    });
    Fault {
        stage: Stage::Parse,
        text,
    }
}

/// Runs a parser; a panic is a bug of ours and becomes an error that asks for a report.
fn guard_against_panic<T>(parse: impl FnOnce() -> Result<T, ParseError>) -> Result<T, ParseError> {
    catch_unwind(AssertUnwindSafe(parse)).unwrap_or_else(|_| {
        Err(ParseError::Malformed {
            what: "parser",
            offset: 0,
            detail: "panicked: please report this file, it shows a fault of derelict".to_owned(),
        })
    })
}

/// Lets the parser of a kind read. Kinds without one tell nothing but their name.
fn parse(kind: Kind, content: Content, reader: &FileReader, subject: &Subject<'_>) -> Result<Parsed, ParseError> {
    let limits = Limits::default();
    match kind {
        Kind::Vmx | Kind::Vmtx => vmware::configuration(kind, reader, &limits),
        Kind::Vmsd => vmware::snapshot_list(reader, &limits),
        Kind::Vmxf if !subject.name.ends_with(b"-aux.xml") => vmware::extended_configuration(reader, &limits),
        Kind::Vmsn | Kind::Vmss => vmware::state(content, reader, &limits),
        Kind::VmLog => vmware::log(reader),
        Kind::Psf => vmware::replication_group(reader, &limits),
        Kind::VmLock => vmware::lock(reader, subject, &limits),
        Kind::DatastoreSystem => vmware::host_list(reader, &limits),
        Kind::VmdkDescriptor
        | Kind::VmdkFlat
        | Kind::VmdkSparse
        | Kind::VmdkStream
        | Kind::VmdkDelta
        | Kind::VmdkSeSparse
        | Kind::VmdkCtk
        | Kind::VmdkDigest => vmdk::disk(kind, reader, &limits),
        Kind::Vmcx | Kind::Vmrs => hyperv::container(kind, reader, subject, &limits),
        // The format of a `.vsv` up to 2012 R2 and of most `.hru` is not known.
        Kind::Vsv if content == Content::HypervStorage => hyperv::container(kind, reader, subject, &limits),
        Kind::HypervXml => hyperv::xml(reader, subject, &limits),
        Kind::Vmgs => hyperv::guest_state(reader, &limits),
        Kind::Hrl => hyperv::replica_log(reader),
        Kind::Hru if content == Content::ReplicaLog => hyperv::replica_log(reader),
        Kind::Vhds => hyperv::disk_set(reader),
        Kind::Vhdx | Kind::Avhdx => hyperv_disk::vhdx_disk(reader, &limits),
        Kind::Vhd | Kind::Avhd => hyperv_disk::vhd_disk(reader, &limits),
        Kind::ForeignDisk => foreign::disk(reader, &limits),
        Kind::Iso | Kind::Floppy | Kind::Ovf | Kind::Ova => foreign::media(kind, reader, &limits),
        _ => Ok(Parsed::default()),
    }
}

/// What a name tells of a file whatever its content.
fn by_name_alone(kind: Kind, subject: &Subject<'_>) -> Evidence {
    let mut evidence = Evidence::default();
    match kind {
        Kind::VmdkRdm => evidence.marks.push(mark(
            MarkCode::RawDevice,
            "a raw device map: the data are on the device behind it",
        )),
        Kind::Vmss | Kind::Bin | Kind::Vsv => evidence
            .marks
            .push(mark(MarkCode::SavedState, "holds the state of a suspended or saved VM")),
        Kind::VmLock => evidence.lock = Some(Box::new(vmware::lock_of_name(subject))),
        _ => {}
    }
    evidence
}

/// What a configuration or snapshot list owns is not known: says so, with the id that its file name gives.
fn make_opaque(evidence: &mut Evidence, kind: Kind, subject: &Subject<'_>, why: &str) {
    if !kind.is_config() && kind != Kind::Vmsd {
        return;
    }
    let platform = kind.platform().unwrap_or(Platform::Vmware);
    let vm = evidence.vm.get_or_insert_with(|| Box::new(VmEvidence::of(platform)));
    vm.opaque = Some(why.to_owned());
    if platform == Platform::Hyperv && vm.instance_id.is_none() {
        vm.instance_id = guid_of_name(subject.name);
    }
}

/// The GUID that a Hyper-V file is named by.
fn guid_of_name(name: &[u8]) -> Option<Uuid> {
    let stem = name.get(..36).filter(|stem| classify::is_guid(stem))?;
    Uuid::try_parse_ascii(stem).ok()
}

/// Longest notes that are kept, in bytes.
const NOTES_MAX_BYTES: usize = 4 << 10;

/// Notes cut at a character.
fn cut_notes(text: &str) -> String {
    let end = (0..=NOTES_MAX_BYTES.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    text.get(..end).unwrap_or_default().to_owned()
}

/// A mark without a place.
fn mark(code: MarkCode, text: impl Into<String>) -> Mark {
    Mark {
        code,
        text: text.into(),
        offset: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject<'a>(folder: &'a RawPath, name: &'a str, smb: bool) -> Subject<'a> {
        Subject {
            refused: None,
            location: Location::Nowhere,
            folder,
            name: name.as_bytes(),
            length: 4096,
            listed: None,
            hint: classify::by_name(folder, name.as_bytes()),
            has_descriptor: false,
            is_offline: false,
            smb,
        }
    }

    #[cfg(unix)]
    fn marks(name: &str, os_error: i32, while_reading: bool, smb: bool) -> Vec<MarkCode> {
        let folder = RawPath::from("vm");
        let error = io::Error::from_raw_os_error(os_error);
        let examined = unreadable(&subject(&folder, name, smb), &error, while_reading);
        assert_eq!(examined.fault.unwrap().stage, Stage::Read);
        let found = examined.found.unwrap();
        assert_eq!(found.basis, Basis::Name);
        found.evidence.marks.iter().map(|mark| mark.code).collect()
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_held_is_in_use_and_any_other_refusal_is_unreadable() {
        const EIO: i32 = 5;
        const EACCES: i32 = 13;
        const EBUSY: i32 = 16;
        assert_eq!(marks("a.vhdx", EBUSY, false, true), [MarkCode::SharingViolation]);
        assert_eq!(marks("a.vhdx", EACCES, true, true), [MarkCode::SharingViolation]);
        assert_eq!(marks("a.vhdx", EACCES, false, true), [MarkCode::Unreadable]);
        assert_eq!(marks("a.vhdx", EIO, true, false), [MarkCode::Unreadable]);
    }

    #[test]
    fn an_ordinary_file_that_could_be_a_disk_and_cannot_be_read_is_an_issue() {
        let folder = RawPath::default();
        let examined = unreadable(&subject(&folder, "image", false), &io::Error::other("broken"), true);
        assert!(examined.found.is_none());
        assert_eq!(examined.fault.unwrap().text, "broken");
    }

    #[test]
    fn what_lies_in_an_archive_is_not_brought_back() {
        let folder = RawPath::default();
        let examined = examine(&Subject {
            is_offline: true,
            ..subject(&folder, "a.vhdx", false)
        });
        let found = examined.found.unwrap();
        assert_eq!((found.kind, found.basis), (Kind::Vhdx, Basis::Name));
        assert!(
            found.evidence.has_mark(MarkCode::Unreadable),
            "the file was not even opened"
        );
    }

    #[test]
    fn a_parser_that_panics_costs_its_file_only() {
        let guarded = guard_against_panic(|| -> Result<Parsed, ParseError> { unreachable!("a fault of ours") });
        assert!(guarded.unwrap_err().to_string().contains("please report this file"));
    }
}
