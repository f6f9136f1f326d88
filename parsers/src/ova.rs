//! OVA packages: a tar archive of an OVF descriptor, its manifest and its disks (DSP0243, 5.3).
//!
//! The headers are read one after the other, the contents are stepped over, but for the descriptor and the manifest. Read
//! are ustar headers with GNU long names and pax `path` and `size` records; sizes in octal or, beyond 8 GiB, in base 256.
//! A package that breaks off tells what stands before the break and where.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Limits, ParseError, ReadAt, Result,
    bytes::Cursor,
    error::Anomaly,
    findings::Findings,
    ovf::{Manifest, Ovf},
    text::EncodedText,
};

/// Name of the structure in errors.
const HEADER: &str = "tar header";
/// Length of a header, and what contents are padded to, in bytes.
const BLOCK_BYTES: u64 = 512;
/// Most members that are listed. Packages have less than 20.
pub const MEMBERS_MAX_COUNT: usize = 1000;
/// Longest name or pax record that is read, in bytes.
const EXTENSION_MAX_BYTES: u64 = 16 << 10;

/// The codes of the anomalies of a package.
pub mod code {
    /// Damage: the archive ends inside a member or a header.
    pub const CUT_OFF: &str = "cut-off";
    /// Damage: a header is not sound, and what follows it is not read.
    pub const HEADER_BAD: &str = "header-bad";
    /// There are more members than are listed.
    pub const TOO_MANY_MEMBERS: &str = "too-many-members";
    /// The two blocks of zeros that end an archive are missing.
    pub const END_MISSING: &str = "end-missing";
    /// The descriptor cannot be read.
    pub const DESCRIPTOR_BAD: &str = "descriptor-bad";
    /// The manifest cannot be read.
    pub const MANIFEST_BAD: &str = "manifest-bad";
    /// The descriptor does not stand first, as DSP0243 demands.
    pub const DESCRIPTOR_NOT_FIRST: &str = "descriptor-not-first";
}

/// What a package holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Ova {
    /// Its members in the order of the archive.
    pub members: Vec<Member>,
    /// The descriptor.
    pub descriptor: Option<Ovf>,
    /// The manifest.
    pub manifest: Option<Manifest>,
    /// The first anomaly after which members may be missing.
    pub damage: Option<Anomaly>,
    /// What is odd or damaged.
    pub anomalies: Vec<Anomaly>,
}

/// One member of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// Its name.
    pub name: EncodedText,
    /// Where its content begins, in bytes from the start of the file.
    pub offset: u64,
    /// Length of its content in bytes, as its header says.
    pub bytes: u64,
}

/// True when a file begins like a tar archive: the signature of ustar, in either spelling, at its place.
pub fn has_signature(head: &[u8]) -> bool {
    head.get(257..).is_some_and(|rest| rest.starts_with(b"ustar"))
}

/// Lists a package and reads its descriptor and manifest.
///
/// # Errors
/// `Truncated` or `BadSignature` when it does not begin with a header of a tar archive, `ChecksumMismatch`; `Io`.
pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Ova> {
    let mut findings = Findings::default();
    // The first header has to be sound, or this is no archive.
    read_header(source, 0)?;
    let members = list(source, &mut findings)?;
    let mut ova = Ova::default();
    ova.read_texts(source, &members, limits, &mut findings)?;
    Ok(Ova {
        members,
        damage: findings.first_damage(),
        anomalies: findings.into_anomalies(),
        ..ova
    })
}

impl Ova {
    /// Reads the first descriptor and the first manifest.
    fn read_texts(
        &mut self,
        source: &(impl ReadAt + ?Sized),
        members: &[Member],
        limits: &Limits,
        findings: &mut Findings,
    ) -> Result<()> {
        let of = |extension: &str| {
            let is_one = |member: &&Member| member.name.as_str().to_ascii_lowercase().ends_with(extension);
            members.iter().find(is_one)
        };
        if let Some(member) = of(".ovf") {
            if members.first() != Some(member) {
                let text = format!("the descriptor {:.80} does not stand first", member.name.as_str());
                findings.note(Anomaly::at(code::DESCRIPTOR_NOT_FIRST, member.offset, text));
            }
            let read = content(source, member, limits).and_then(|bytes| Ovf::read(bytes.as_ref(), limits));
            self.descriptor = read
                .map(Some)
                .or_else(|error| findings.note_fault(code::DESCRIPTOR_BAD, error).map(|()| None))?;
        }
        if let Some(member) = of(".mf") {
            let read = content(source, member, limits).and_then(|bytes| Manifest::read(bytes.as_ref(), limits));
            self.manifest = read
                .map(Some)
                .or_else(|error| findings.note_fault(code::MANIFEST_BAD, error).map(|()| None))?;
        }
        Ok(())
    }
}

/// The content of a member that is text.
fn content<'s>(source: &'s (impl ReadAt + ?Sized), member: &Member, limits: &Limits) -> Result<Cow<'s, [u8]>> {
    const CONTENT: &str = "member of a tar archive";
    if member.bytes > limits.text_bytes {
        return Err(ParseError::LimitExceeded {
            what: CONTENT,
            value: member.bytes,
            limit: limits.text_bytes,
        });
    }
    source.exact(CONTENT, member.offset, member.bytes)
}

/// Every member up to the end or the first fault.
fn list(source: &(impl ReadAt + ?Sized), findings: &mut Findings) -> Result<Vec<Member>> {
    let mut members = Vec::new();
    let mut extension = Extension::default();
    let mut place = 0;
    // Each name or record that is too long for a header costs a header of its own.
    for _ in 0..MEMBERS_MAX_COUNT.saturating_mul(2) {
        if place == source.len() {
            findings.note(Anomaly::at(
                code::END_MISSING,
                place,
                "the archive ends without its end",
            ));
            return Ok(members);
        }
        let header = read_header(source, place);
        let Some(Some(mut header)) = findings.tolerate(code::HEADER_BAD, header)? else {
            return Ok(members);
        };
        if header.is_extension() {
            let taken = extension.take(source, &header);
            findings.tolerate(code::HEADER_BAD, taken)?;
        } else {
            header = header.extended(std::mem::take(&mut extension));
            members.push(header.member());
        }
        match header.next_place().filter(|next| *next <= source.len()) {
            Some(next) if members.len() < MEMBERS_MAX_COUNT => place = next,
            Some(_) => break,
            None => {
                note_cut_off(&header, source.len(), findings);
                return Ok(members);
            }
        }
    }
    let text = format!("more than {MEMBERS_MAX_COUNT} members, or names of members: the others are left out");
    findings.damage(Anomaly::at(code::TOO_MANY_MEMBERS, place, text));
    Ok(members)
}

/// Says that a member reaches past the end of the file. The padding behind the last one may be missing.
fn note_cut_off(header: &Header, length: u64, findings: &mut Findings) {
    let end = header.offset.saturating_add(header.bytes);
    if end > length {
        let name = header.name.as_str();
        let text = format!("{name:.80} ends at {end:#x}, the file at {length:#x}: the package is cut off");
        findings.damage(Anomaly::at(code::CUT_OFF, header.offset, text));
    } else {
        findings.note(Anomaly::at(
            code::END_MISSING,
            length,
            "the archive ends without its end",
        ));
    }
}

/// One header.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Header {
    name: EncodedText,
    /// Where the content begins.
    offset: u64,
    bytes: u64,
    /// Type of the member: `0` a file, `L` a long name, `x` pax records, ….
    kind: u8,
}

impl Header {
    fn member(&self) -> Member {
        Member {
            name: self.name.clone(),
            offset: self.offset,
            bytes: self.bytes,
        }
    }

    /// A name or attributes of the member that follows.
    fn is_extension(&self) -> bool {
        matches!(self.kind, b'L' | b'K' | b'x' | b'g')
    }

    /// Where the next header stands; `None` past the end of what 64 bits count.
    fn next_place(&self) -> Option<u64> {
        self.offset
            .checked_add(self.bytes.checked_next_multiple_of(BLOCK_BYTES)?)
    }

    /// With what extension headers said before it.
    fn extended(mut self, extension: Extension) -> Self {
        if let Some(name) = extension.name {
            self.name = name;
        }
        if let Some(bytes) = extension.bytes {
            self.bytes = bytes;
        }
        self
    }
}

/// What extension headers say of the next member.
#[derive(Debug, Default)]
struct Extension {
    name: Option<EncodedText>,
    bytes: Option<u64>,
}

impl Extension {
    /// Takes the content of an extension header. Long link targets and global records tell nothing here.
    fn take(&mut self, source: &(impl ReadAt + ?Sized), header: &Header) -> Result<()> {
        const WHAT: &str = "extension of a tar header";
        if header.bytes > EXTENSION_MAX_BYTES {
            return Err(ParseError::OutOfBounds {
                what: WHAT,
                offset: header.offset,
                value: header.bytes,
                limit: EXTENSION_MAX_BYTES,
            });
        }
        let bytes = source.exact(WHAT, header.offset, header.bytes)?;
        match header.kind {
            b'L' => self.name = Some(text(&bytes)),
            b'x' => self.take_records(&bytes),
            _ => {}
        }
        Ok(())
    }

    /// Pax records: `<length> <key>=<value>\n`. The length is not needed: neither keys nor values that matter hold a
    /// line break.
    fn take_records(&mut self, bytes: &[u8]) {
        for line in bytes.split(|&byte| byte == b'\n') {
            let Some(space) = line.iter().position(|&byte| byte == b' ') else {
                continue;
            };
            let record = line.get(space.saturating_add(1)..).unwrap_or_default();
            if let Some(path) = record.strip_prefix(b"path=") {
                self.name = Some(text(path));
            } else if let Some(size) = record.strip_prefix(b"size=") {
                self.bytes = std::str::from_utf8(size).ok().and_then(|size| size.parse().ok());
            }
        }
    }
}

/// The header at `place`; `None` for the block of zeros that ends the archive.
fn read_header(source: &(impl ReadAt + ?Sized), place: u64) -> Result<Option<Header>> {
    let bytes = source.exact(HEADER, place, BLOCK_BYTES)?;
    if place > 0 && bytes.iter().all(|&byte| byte == 0) {
        return Ok(None);
    }
    let cursor = Cursor::new(HEADER, place, &bytes);
    cursor.signature(257, b"ustar", "ustar")?;
    check_sum(&cursor)?;
    let name = text(cursor.slice(0, 100)?);
    let prefix = text(cursor.slice(345, 155)?);
    // GNU tar has other fields in the place of the prefix.
    let is_posix = cursor.slice(257, 6)? == b"ustar\0";
    Ok(Some(Header {
        name: if is_posix && !prefix.is_blank() {
            joined(&prefix, &name)
        } else {
            name
        },
        offset: place.saturating_add(BLOCK_BYTES),
        bytes: number(cursor.slice(124, 12)?).ok_or(ParseError::Malformed {
            what: HEADER,
            offset: cursor.position(124),
            detail: "the size is no number".to_owned(),
        })?,
        kind: cursor.u8(156)?,
    }))
}

fn joined(prefix: &EncodedText, name: &EncodedText) -> EncodedText {
    let raw = [prefix.raw(), b"/", name.raw()].concat();
    EncodedText::decoded(String::from_utf8_lossy(&raw), &raw)
}

/// Text up to the first NUL.
fn text(field: &[u8]) -> EncodedText {
    let bytes = field.split(|&byte| byte == 0).next().unwrap_or_default();
    EncodedText::decoded(String::from_utf8_lossy(bytes), bytes)
}

/// The sum of all bytes, the checksum itself taken as blanks.
fn check_sum(cursor: &Cursor<'_>) -> Result<()> {
    const PLACE: usize = 148;
    let stored = number(cursor.slice(PLACE, 8)?).and_then(|sum| u32::try_from(sum).ok());
    let field = PLACE..PLACE.saturating_add(8);
    let computed = cursor.bytes().iter().enumerate().fold(0_u32, |sum, (at, &byte)| {
        sum.saturating_add(if field.contains(&at) { 32 } else { byte.into() })
    });
    match stored {
        Some(stored) if stored == computed => Ok(()),
        stored => Err(ParseError::ChecksumMismatch {
            what: HEADER,
            offset: cursor.base(),
            stored: stored.unwrap_or_default(),
            computed,
        }),
    }
}

/// An octal number with blanks around it, or a number of base 256 behind a set high bit.
fn number(field: &[u8]) -> Option<u64> {
    if let Some((&first, rest)) = field.split_first()
        && first & 0x80 != 0
    {
        let first = u64::from(first & 0x7f);
        return rest
            .iter()
            .try_fold(first, |number, &byte| number.checked_mul(256)?.checked_add(byte.into()));
    }
    let digits = field.split(|&byte| byte == 0).next()?.trim_ascii();
    digits.iter().try_fold(0_u64, |number, &digit| match digit {
        b'0'..=b'7' => number.checked_mul(8)?.checked_add(digit.wrapping_sub(b'0').into()),
        _ => None,
    })
}
