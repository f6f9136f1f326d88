//! Text descriptors, in files of their own or embedded in a sparse extent.
//!
//! `key=value` lines, extent lines and `ddb.*` lines in any order; the comments between them mean nothing. The text
//! ends at the first NUL. Names are compared without case, values are quoted or not, and the charset is what `encoding`
//! or `ddb.encoding` says. Lines that are neither are kept, and files that they name still count.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{
    Anomaly, EncodedText, Limits, ParseError, ReadAt, Result,
    charset::Decoder,
    dictionary::{MalformedLine, parse_flag},
    reference::{is_same_word, strip_prefix_ignoring_case},
    text::{TextRef, copied},
};

mod lines;
#[cfg(test)]
mod tests;

use lines::{Lines, declared_encoding, key_and_value, text_of};

use super::extent::{Extent, ExtentKind, begins_like_extent};

/// Name of the structure in errors.
const WHAT: &str = "VMDK descriptor";
/// `parentCID` of a disk without parent.
pub(super) const NO_PARENT_CID: u32 = u32::MAX;
/// Real descriptors have less than 1 KiB, split ones about 45 bytes for each extent.
const LARGE_BYTES: usize = 64 << 10;
/// For how many extents at most room is made at first: a split disk of 128 GB has 64.
const EXTENTS_AT_FIRST: usize = 64;
/// Words that begin a descriptor when its first line is not a comment.
const HEADER_KEYS: &[&str] = &[
    "version",
    "encoding",
    "cid",
    "parentcid",
    "createtype",
    "isnativesnapshot",
];

/// Code of the anomaly of a key that stands more than once.
const DUPLICATE_KEYS: &str = "duplicate-keys";
/// Every `createType` that is known: of ESXi, of hosted products, and in older files and the API.
const CREATE_TYPES: [&str; 24] = [
    "vmfs",
    "vmfsSparse",
    "seSparse",
    "vmfsSeSparse",
    "vsanSparse",
    "monolithicSparse",
    "monolithicFlat",
    "streamOptimized",
    "twoGbMaxExtentSparse",
    "twoGbMaxExtentFlat",
    "2GbMaxExtentSparse",
    "2GbMaxExtentFlat",
    "custom",
    "fullDevice",
    "partitionedDevice",
    "vmfsRDM",
    "vmfsRDMP",
    "vmfsRawDeviceMap",
    "vmfsPassthroughRawDeviceMap",
    "vmfsRaw",
    "vmfsPreallocated",
    "vmfsEagerZeroedThick",
    "vmfsThin",
    "vmfsThick",
];

/// Code of the anomaly of a descriptor that ends inside a line.
pub const TORN: &str = "torn";

/// What a descriptor says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Descriptor {
    /// `version`: 1; 2 encrypted (hosted); 3 changed block tracking; 4 vSAN.
    pub version: Option<u32>,
    /// `encoding` or `ddb.encoding`, as written.
    pub encoding: Option<String>,
    /// `CID`: changes at the first write after each open.
    pub cid: Option<u32>,
    /// `parentCID`: the CID that the parent had when this link was made.
    pub parent_cid: Option<u32>,
    /// `createType`, as written.
    pub create_type: Option<SmolStr>,
    /// `isNativeSnapshot`: the array keeps the delta.
    pub is_native_snapshot: Option<bool>,
    /// `parentFileNameHint`: the parent's descriptor.
    pub parent_file_name_hint: Option<EncodedText>,
    /// `changeTrackPath`: the change tracking file.
    pub change_track_path: Option<EncodedText>,
    /// `digestFilename`: the descriptor of the CBRC digest.
    pub digest_file_name: Option<EncodedText>,
    /// `keyID`, `encryptionKeys`, or the encrypting I/O filter. The keys themselves are not kept.
    pub is_encrypted: bool,
    /// The extents, in the order of the virtual disk.
    pub extents: Vec<Extent>,
    /// The disk database: every `ddb.…` line.
    pub ddb: Vec<DescriptorEntry>,
    /// Every other line of the header, and those of the fields above whose value is no number or flag.
    pub other: Vec<DescriptorEntry>,
    /// Values of header keys that stand again further down, where the last one counts (assumed): the ones before.
    pub replaced: Vec<DescriptorEntry>,
    /// Lines that are neither.
    pub malformed: Vec<MalformedLine>,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

/// One `key = value` line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DescriptorEntry {
    /// The key as written.
    pub key: SmolStr,
    /// The value without its quotes.
    pub value: EncodedText,
}

impl DescriptorEntry {
    fn new(key: &str, value: TextRef<'_>) -> Self {
        Self {
            key: copied(key),
            value: value.into(),
        }
    }
}

impl Descriptor {
    /// True when the first bytes of a file are those of a descriptor: its first line that is no comment has a key of a
    /// descriptor's header, or a comment before says what it is.
    pub fn is_descriptor(head: &[u8]) -> bool {
        for (_, line) in Lines::of(text_of(head)) {
            if line.first() == Some(&b'#') {
                let words: Vec<u8> = line.iter().filter(|byte| byte.is_ascii_alphabetic()).copied().collect();
                if words.eq_ignore_ascii_case(b"DiskDescriptorFile") {
                    return true;
                }
                continue;
            }
            return key_and_value(line).is_some_and(|(key, _)| {
                HEADER_KEYS
                    .iter()
                    .any(|known| known.as_bytes().eq_ignore_ascii_case(key))
            });
        }
        false
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// `LimitExceeded` when the text is too long, `Io`.
    pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Self> {
        let bytes = source.up_to(WHAT, 0, limits.text_bytes)?;
        let is_whole = ReadAt::len(bytes.as_ref()) >= source.len() || bytes.contains(&0);
        if !is_whole {
            return Err(ParseError::LimitExceeded {
                what: WHAT,
                value: source.len(),
                limit: limits.text_bytes,
            });
        }
        Self::parse(&bytes, limits)
    }

    /// Reads text up to its end or the first NUL.
    ///
    /// # Errors
    /// `LimitExceeded` when there are too many lines.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self> {
        let text = text_of(bytes);
        let encoding = declared_encoding(text);
        let (decoder, anomaly) = Decoder::declared(encoding.as_deref(), text);
        let mut descriptor = Self {
            encoding,
            anomalies: anomaly.into_iter().collect(),
            ..Self::default()
        };
        let mut lines = Lines::of(text);
        let mut count = 0_usize;
        loop {
            let taken = descriptor.take_usual_extents(&mut lines, &decoder);
            let line = lines.next();
            count = count.saturating_add(taken).saturating_add(usize::from(line.is_some()));
            if count > limits.text_entries {
                return Err(ParseError::LimitExceeded {
                    what: "lines of a VMDK descriptor",
                    value: u64::try_from(limits.text_entries.saturating_add(1)).unwrap_or(u64::MAX),
                    limit: u64::try_from(limits.text_entries).unwrap_or(u64::MAX),
                });
            }
            match line {
                None => break,
                Some((number, line)) if !line.starts_with(b"#") => descriptor.take(number, line, &decoder),
                Some(_) => {}
            }
        }
        if lines::is_torn(text) {
            let text = "the text ends inside a line: lines below it may be lost, and what they named";
            descriptor.anomalies.push(Anomaly::new(TORN, text));
        }
        descriptor.note_oddities(&decoder);
        Ok(descriptor)
    }

    /// Takes extent lines as all programs write them, as long as they follow each other; returns how many.
    fn take_usual_extents<'a>(&mut self, lines: &mut Lines<'a>, decoder: &Decoder<'a>) -> usize {
        let before = self.extents.len();
        let Some(mut rest) = lines.rest.and_then(|rest| decoder.as_it_stands(rest)) else {
            return 0;
        };
        while let Some((extent, after)) = Extent::parse_usual(rest, lines.number.saturating_add(1)) {
            self.make_room(rest.len().saturating_sub(after.len()), decoder);
            self.extents.push(extent);
            lines.number = lines.number.saturating_add(1);
            rest = after;
        }
        lines.rest = Some(rest.as_bytes());
        self.extents.len().saturating_sub(before)
    }

    /// Before the first extent, whose line has so many bytes, makes room for as many as may be alike.
    fn make_room(&mut self, line_bytes: usize, decoder: &Decoder<'_>) {
        if self.extents.is_empty() {
            let alike = decoder.text.len().checked_div(line_bytes).unwrap_or(0);
            self.extents.reserve(alike.min(EXTENTS_AT_FIRST));
        }
    }

    /// Sorts one line to its field.
    fn take(&mut self, number: usize, line: &[u8], decoder: &Decoder<'_>) {
        if let Some(extent) = Extent::parse(line, number, decoder) {
            self.make_room(line.len(), decoder);
            self.extents.push(extent);
        } else if let Some((key, value)) = key_and_value(line).filter(|_| !begins_like_extent(line)) {
            self.set(number, &decoder.decode(key).0, decoder.text_ref(value).0);
        } else {
            self.malformed.push(MalformedLine {
                line: number,
                text: decoder.charset.text(line),
            });
        }
    }

    /// Takes a `key=value` line.
    fn set(&mut self, line: usize, key: &str, value: TextRef<'_>) {
        let is = |name| is_same_word(key, name);
        let text = || Some(value.to_encoded()).filter(|value| !value.is_blank());
        if strip_prefix_ignoring_case(key, "ddb.").is_some() {
            self.is_encrypted |= is("ddb.iofilters") && value.as_str().contains("vmwarevmcrypt");
            self.ddb.push(DescriptorEntry::new(key, value));
        } else if is("version") {
            let before = self.version.map(|version| EncodedText::new(version.to_string()));
            self.keep(line, key, before);
            self.version = value.as_str().trim().parse().ok();
            self.keep_unread(line, key, value, self.version.is_some());
        } else if is("CID") {
            self.keep(line, key, self.cid.map(cid_text));
            self.cid = self.parse_cid(line, "CID", value.as_str());
        } else if is("parentCID") {
            self.keep(line, key, self.parent_cid.map(cid_text));
            self.parent_cid = self.parse_cid(line, "parentCID", value.as_str());
        } else if is("createType") {
            let before = self.create_type.take().map(|kind| EncodedText::new(&kind));
            self.keep(line, key, before);
            self.create_type = Some(copied(value.as_str().trim())).filter(|kind| !kind.is_empty());
        } else if is("isNativeSnapshot") {
            let before = self
                .is_native_snapshot
                .map(|is| EncodedText::new(if is { "yes" } else { "no" }));
            self.keep(line, key, before);
            self.is_native_snapshot = parse_flag(value.as_str());
            self.keep_unread(line, key, value, self.is_native_snapshot.is_some());
        } else if is("parentFileNameHint") {
            let before = std::mem::replace(&mut self.parent_file_name_hint, text());
            self.keep(line, key, before);
        } else if is("changeTrackPath") {
            let before = std::mem::replace(&mut self.change_track_path, text());
            self.keep(line, key, before);
        } else if is("digestFilename") {
            let before = std::mem::replace(&mut self.digest_file_name, text());
            self.keep(line, key, before);
        } else if is("keyID") || is("encryptionKeys") {
            self.is_encrypted |= !value.is_blank();
        } else if !is("encoding") {
            self.other.push(DescriptorEntry::new(key, value));
        }
    }

    /// Keeps what a line said before, whose key stands again on this one.
    fn keep(&mut self, line: usize, key: &str, before: Option<EncodedText>) {
        let Some(before) = before else { return };
        if self.replaced.is_empty() {
            let text = format!("line {line}: {key} stands more than once");
            self.anomalies.push(Anomaly::new(DUPLICATE_KEYS, text));
        }
        self.replaced.push(DescriptorEntry {
            key: copied(key),
            value: before,
        });
    }

    /// Keeps a value as it stands that is not what its key asks for.
    fn keep_unread(&mut self, line: usize, key: &str, value: TextRef<'_>, is_read: bool) {
        if is_read || value.is_blank() {
            return;
        }
        let text = format!("line {line}: {key} {:?} is no value of this key", value.as_str());
        self.anomalies.push(Anomaly::new("bad-value", text));
        self.other.push(DescriptorEntry::new(key, value));
    }

    /// A CID is a number in hex: old tools drop leading zeros.
    fn parse_cid(&mut self, line: usize, key: &str, value: &str) -> Option<u32> {
        let cid = u32::from_str_radix(value.trim(), 16).ok();
        if cid.is_none() {
            self.anomalies.push(Anomaly::new(
                "bad-cid",
                format!("line {line}: {key} {value:?} is no 32-bit hex number"),
            ));
        }
        cid
    }

    /// A key of the disk database that stands twice among its first lines, which are more than any real disk has.
    fn duplicate_of_database(&self) -> Option<&str> {
        const LOOKED_AT: usize = 256;
        let looked_at = self.ddb.get(..LOOKED_AT).unwrap_or(&self.ddb);
        let mut earlier = looked_at.iter().enumerate();
        earlier.find_map(|(place, entry)| {
            let mut before = looked_at.iter().take(place);
            before
                .any(|other| is_same_word(&other.key, &entry.key))
                .then_some(&*entry.key)
        })
    }

    /// Says what kinds of disk and extent are not known: what is read of them may not be all.
    fn note_unknown_kinds(&mut self) {
        let text = match &self.create_type {
            None => Some("has no createType".to_owned()),
            Some(own) if CREATE_TYPES.iter().any(|known| is_same_word(known, own)) => None,
            Some(own) => Some(format!("createType {own:?} is not known")),
        };
        let unknown = self.extents.iter().find(|extent| extent.kind == ExtentKind::Other);
        let extent = unknown.map(|extent| {
            format!(
                "line {}: extents of type {:?} are not known",
                extent.line, extent.kind_text
            )
        });
        let codes = [("unknown-create-type", text), ("unknown-extent-type", extent)];
        let told = codes
            .into_iter()
            .filter_map(|(code, text)| Some(Anomaly::new(code, text?)));
        self.anomalies.extend(told);
    }

    /// Says what is odd about the whole.
    fn note_oddities(&mut self, decoder: &Decoder<'_>) {
        if self.replaced.is_empty()
            && let Some(key) = self.duplicate_of_database()
        {
            let text = format!("{key} stands more than once");
            self.anomalies.push(Anomaly::new(DUPLICATE_KEYS, text));
        }
        self.note_unknown_kinds();
        let mut note = |code: &str, text: String| self.anomalies.push(Anomaly::new(code, text));
        if decoder.is_lossy() {
            let text = format!("holds bytes that are not {}", decoder.charset.name());
            note("undecodable-text", text);
        }
        if decoder.text.len() > LARGE_BYTES {
            note("descriptor-large", format!("has {} bytes of text", decoder.text.len()));
        }
        if let Some(first) = self.malformed.first() {
            let text = format!(
                "{} lines are malformed, the first is line {}",
                self.malformed.len(),
                first.line
            );
            note("malformed-lines", text);
        }
        if self.extents.is_empty() {
            note("no-extents", "names no extent".to_owned());
        } else if self.virtual_bytes().is_none() {
            self.anomalies.push(Anomaly::new(
                "capacity-overflow",
                "the extents add up to more than 64 bits of bytes",
            ));
        }
        if self.parent_file_name_hint.is_some() && self.parent_cid == Some(NO_PARENT_CID) {
            self.anomalies.push(Anomaly::new(
                "parent-without-cid",
                "names a parent, but its parentCID says that there is none",
            ));
        }
    }
}

/// A content id as descriptors write it.
fn cid_text(cid: u32) -> EncodedText {
    EncodedText::new(format!("{cid:08x}"))
}
