//! Extent lines of a descriptor: `ACCESS SECTORS TYPE ["NAME" [OFFSET [PARTITION-UUID [DEVICE-ID]]]]`.
//!
//! The name stands between the first and the last quote of the line: it may hold blanks, `=` and quotes (dissect).

use memchr::{memchr, memrchr};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{
    EncodedText,
    charset::Decoder,
    reference::{is_no_disk_file, is_same_word},
    scan::until_less_or_equal,
    text::copied,
};

/// One extent line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Extent {
    /// What the guest may do.
    pub access: Access,
    /// Size in sectors.
    pub sectors: u64,
    /// How the data are kept.
    pub kind: ExtentKind,
    /// The type as written.
    pub kind_text: SmolStr,
    /// The file, object or device; `None` for ZERO.
    pub name: Option<EncodedText>,
    /// Where the data begin in the file or device, in sectors.
    pub offset_sectors: Option<u64>,
    /// What follows the offset: partition UUID and device id.
    pub device_words: Vec<String>,
    /// Number of the line, from 1.
    pub line: usize,
}

/// What the guest may do with an extent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Access {
    /// Read and write.
    Rw,
    /// Read; what writers of streamOptimized put.
    Rdonly,
    /// Nothing; the extent still counts to the capacity.
    Noaccess,
}

/// How the data of an extent are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExtentKind {
    /// Plain bytes, hosted.
    Flat,
    /// KDMV.
    Sparse,
    /// Reads as zeros; no file.
    Zero,
    /// Plain bytes on a datastore.
    Vmfs,
    /// COWD.
    VmfsSparse,
    /// seSparse.
    #[serde(rename = "sesparse")]
    SeSparse,
    /// An object of vSAN.
    VsanSparse,
    /// Raw device map.
    VmfsRdm,
    /// Raw device.
    VmfsRaw,
    /// A type that is not known; `kind_text` says which.
    Other,
}

impl ExtentKind {
    /// The kind that stands as ` WORD "` at the beginning of a text, the word, and what follows, for words of which there
    /// are several in one descriptor.
    #[inline]
    fn of_usual_word(text: &str) -> Option<(Self, SmolStr, &str)> {
        const SPARSE: &str = "SPARSE";
        const FLAT: &str = "FLAT";
        const VMFS: &str = "VMFS";
        let (kind, word, rest) = if let Some(rest) = text.strip_prefix(" SPARSE \"") {
            (Self::Sparse, SPARSE, rest)
        } else if let Some(rest) = text.strip_prefix(" FLAT \"") {
            (Self::Flat, FLAT, rest)
        } else {
            (Self::Vmfs, VMFS, text.strip_prefix(" VMFS \"")?)
        };
        Some((kind, SmolStr::new_static(word), rest))
    }

    /// The kind of a type word, in any case, and the word.
    fn from_word(word: &str) -> (Self, SmolStr) {
        const WORDS: &[(&str, ExtentKind)] = &[
            ("VMFS", ExtentKind::Vmfs),
            ("SPARSE", ExtentKind::Sparse),
            ("FLAT", ExtentKind::Flat),
            ("ZERO", ExtentKind::Zero),
            ("VMFSSPARSE", ExtentKind::VmfsSparse),
            ("SESPARSE", ExtentKind::SeSparse),
            ("VMFSSESPARSE", ExtentKind::SeSparse),
            ("VSANSPARSE", ExtentKind::VsanSparse),
            ("VMFSRDM", ExtentKind::VmfsRdm),
            ("VMFSRDMP", ExtentKind::VmfsRdm),
            ("VMFSRAWDEVICEMAP", ExtentKind::VmfsRdm),
            ("VMFSPASSTHROUGHRAWDEVICEMAP", ExtentKind::VmfsRdm),
            ("VMFSRAW", ExtentKind::VmfsRaw),
        ];
        let known = WORDS.iter().find(|(known, _)| is_same_word(known, word));
        match known {
            Some((known, kind)) if *known == word => (*kind, SmolStr::new_static(known)),
            Some((_, kind)) => (*kind, copied(word)),
            None => (Self::Other, copied(word)),
        }
    }
}

impl Extent {
    /// The extent of the first line of a text where all programs write it so, `RW 4192256 SPARSE "NAME"`, and what follows
    /// the line. Whatever else there is is left to [`Self::parse`], and so are names with rare letters.
    #[inline]
    pub(super) fn parse_usual(text: &str, number: usize) -> Option<(Self, &str)> {
        let rest = text.strip_prefix("RW ")?;
        let digits = until_less_or_equal::<b'0', 0>(rest.as_bytes());
        let (digits, rest) = rest.split_at_checked(digits)?;
        let sectors = parse_digits(digits.as_bytes())?;
        let (kind, kind_text, rest) = ExtentKind::of_usual_word(rest)?;
        let (name, rest) = rest.split_at_checked(until_less_or_equal::<b' ', b'"'>(rest.as_bytes()))?;
        let (offset_sectors, rest) = match rest.strip_prefix("\"\n") {
            Some(rest) => (None, rest),
            None => (Some(0), rest.strip_prefix("\" 0\n")?),
        };
        let ends = name.as_bytes().first().zip(name.as_bytes().last())?;
        if !ends.0.is_ascii_graphic() || !ends.1.is_ascii_graphic() {
            return None;
        }
        let extent = Self {
            access: Access::Rw,
            sectors,
            kind,
            kind_text,
            name: Some(EncodedText::new(name)),
            offset_sectors,
            device_words: Vec::new(),
            line: number,
        };
        Some((extent, rest))
    }

    /// Reads a line; `None` when it is no extent line, or one whose size is no number of 64 bits.
    pub(super) fn parse(line: &[u8], number: usize, decoder: &Decoder<'_>) -> Option<Self> {
        let (access, sectors, word, tail) = parse_line(line)?;
        let (name, words) = split_name(tail);
        let (kind, kind_text) = match decoder.as_it_stands(word) {
            Some(word) => ExtentKind::from_word(word),
            None => ExtentKind::from_word(&String::from_utf8_lossy(word)),
        };
        let (offset_sectors, device_words) = offset_and_device(words);
        Some(Self {
            access,
            sectors,
            kind,
            kind_text,
            name: name.map(|name| decoder.encoded(name)).filter(|name| !name.is_blank()),
            offset_sectors,
            device_words,
            line: number,
        })
    }

    /// The name where it is that of a file: not an object of vSAN or vVol, not a device of the host.
    pub fn file_name(&self) -> Option<&EncodedText> {
        let name = self.name.as_ref()?;
        (self.object().is_none() && !is_no_disk_file(name.as_str())).then_some(name)
    }

    /// The name where it is that of an object: `vsan://…`, and `vvol://…`, which is assumed (formats-vmware 1.3).
    pub fn object(&self) -> Option<&EncodedText> {
        let begins = |name: &EncodedText, scheme: &str| {
            let start = name.as_str().get(..scheme.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        let is_object = |name: &&EncodedText| begins(name, "vsan://") || begins(name, "vvol://");
        self.name.as_ref().filter(is_object)
    }
}

/// The number behind the name, where there is one, and the words that follow.
fn offset_and_device(words: &[u8]) -> (Option<u64>, Vec<String>) {
    if words.is_empty() {
        return (None, Vec::new());
    }
    let words = String::from_utf8_lossy(words);
    let mut words = words.split_ascii_whitespace().map(ToOwned::to_owned).peekable();
    let offset_sectors = words.peek().and_then(|word| word.parse().ok());
    if offset_sectors.is_some() {
        words.next();
    }
    (offset_sectors, words.collect())
}

/// True when a line begins like an extent line, sound or not.
pub(super) fn begins_like_extent(line: &[u8]) -> bool {
    parse_access(line).is_some()
}

/// Access, sectors, type word, and what follows it.
type Fields<'a> = (Access, u64, &'a [u8], &'a [u8]);

fn parse_line(line: &[u8]) -> Option<Fields<'_>> {
    let (access, rest) = parse_access(line)?;
    let (digits, rest) = split_where(rest, |byte| !byte.is_ascii_digit());
    let sectors = parse_number(digits)?;
    let (word, tail) = split_where(skip_blanks(rest)?, |byte| byte.is_ascii_whitespace() || *byte == b'"');
    (!word.is_empty()).then_some((access, sectors, word, tail))
}

/// A number of few digits and nothing else.
#[inline]
fn parse_digits(text: &[u8]) -> Option<u64> {
    /// No number of so many digits is past 64 bits.
    const MAX_DIGITS: usize = 19;
    let is_number = !text.is_empty() && text.len() <= MAX_DIGITS && text.iter().all(u8::is_ascii_digit);
    let add = |number: u64, digit: &u8| {
        number
            .wrapping_mul(10)
            .wrapping_add(u64::from(digit.wrapping_sub(b'0')))
    };
    is_number.then(|| text.iter().fold(0, add))
}

/// A number of these digits, at least one; `None` past 64 bits.
fn parse_number(digits: &[u8]) -> Option<u64> {
    let (first, others) = digits.split_first()?;
    let value = |digit: &u8| u64::from(digit.wrapping_sub(b'0'));
    let add = |number: u64, digit| number.checked_mul(10)?.checked_add(value(digit));
    others.iter().try_fold(value(first), add)
}

/// The access at the beginning of a line, and what follows the blanks behind it.
fn parse_access(line: &[u8]) -> Option<(Access, &[u8])> {
    const WORDS: &[(&[u8], Access)] = &[
        (b"RW", Access::Rw),
        (b"RDONLY", Access::Rdonly),
        (b"NOACCESS", Access::Noaccess),
    ];
    let line = skip_blanks(line).unwrap_or(line);
    let (word, rest) = split_where(line, |byte| is_blank(*byte));
    let (_, access) = WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word))?;
    Some((*access, skip_blanks(rest)?))
}

/// What follows the blanks at the beginning; `None` where there are none.
fn skip_blanks(text: &[u8]) -> Option<&[u8]> {
    let (blanks, rest) = split_where(text, |byte| !is_blank(*byte));
    (!blanks.is_empty()).then_some(rest)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// What stands before the first byte that is one of these, and the rest from it on.
fn split_where(text: &[u8], is_end: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(is_end).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, &[]))
}

/// The name between the first and the last quote, and what follows it. Without quotes a first word that is no number is
/// taken for the name: some writers leave the quotes out.
fn split_name(tail: &[u8]) -> (Option<&[u8]>, &[u8]) {
    // Nearly always nothing else stands there.
    if let [b'"', name @ .., b'"'] = tail.trim_ascii_start() {
        return (Some(name.trim_ascii_end()), &[]);
    }
    split_odd_name(tail)
}

/// As [`split_name`], whatever stands there.
fn split_odd_name(tail: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let (first, last) = (memchr(b'"', tail), memrchr(b'"', tail));
    if let Some((first, last)) = first.zip(last) {
        let start = first.saturating_add(1);
        let after = tail.get(last.saturating_add(1)..).unwrap_or_default();
        // A single quote is a name that was cut off.
        let name = if first == last {
            tail.get(start..)
        } else {
            tail.get(start..last)
        };
        return (
            name.map(<[u8]>::trim_ascii_end),
            if first == last { b"" } else { after },
        );
    }
    let tail = tail.trim_ascii();
    let end = tail.iter().position(u8::is_ascii_whitespace).unwrap_or(tail.len());
    match tail.split_at_checked(end) {
        Some((word, after)) if !word.is_empty() && !word.iter().all(u8::is_ascii_digit) => (Some(word), after),
        _ => (None, tail),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_is_the_same_however_it_is_found(tail in "[ \"a0\t]{0,8}") {
            prop_assert_eq!(split_name(tail.as_bytes()), split_odd_name(tail.as_bytes()));
        }

        #[test]
        fn a_usual_line_says_what_it_says_among_all_others(
            line in "(RW|rw) ([0-9]{1,3}|[0-9]{17,21}) ?(SPARSE|FLAT|VMFS|flat|ZERO) \"[ a=\"\u{e9}\t]{0,3}\"( 0| 07)?",
            end in "(\r?\n){0,2}x?"
        ) {
            let text = line.clone() + &end;
            if let Some((extent, rest)) = Extent::parse_usual(&text, 1) {
                prop_assert_eq!(Some(extent), parse(&line));
                prop_assert_eq!(Some(rest), end.strip_prefix('\n'));
            }
        }

        #[test]
        fn a_size_is_the_number_that_its_digits_write(digits in "[0-9]{0,22}") {
            prop_assert_eq!(parse_number(digits.as_bytes()), digits.parse().ok());
        }
    }

    fn parse(line: &str) -> Option<Extent> {
        let (decoder, _) = Decoder::declared(None, line.as_bytes());
        Extent::parse(line.as_bytes(), 1, &decoder)
    }

    #[test]
    fn the_name_stands_between_the_first_and_the_last_quote() {
        let extent = parse(r#"RW 4192256 SPARSE "Win "old" = 7 🖥-s001.vmdk""#).unwrap();
        assert_eq!(extent.name, Some(r#"Win "old" = 7 🖥-s001.vmdk"#.into()));
        assert_eq!(
            (extent.sectors, extent.kind, extent.offset_sectors),
            (4_192_256, ExtentKind::Sparse, None)
        );
    }

    #[test]
    fn lines_of_all_programs_are_usual() {
        for line in [
            r#"RW 4192256 SPARSE "a b-s001.vmdk""#,
            r#"RW 63 FLAT "a-f001.vmdk" 0"#,
            r#"RW 8 VMFS "a-flat.vmdk""#,
        ] {
            let text = format!("{line}\nddb.x");
            let (extent, rest) = Extent::parse_usual(&text, 1).unwrap();
            assert_eq!((Some(extent), rest), (parse(line), "ddb.x"));
        }
    }

    #[test]
    fn offset_and_device_words_follow_the_name() {
        let extent = parse(r#"rdonly 63 flat "a-pt.vmdk" 63 52e8c7b0-uuid t10.ATA"#).unwrap();
        assert_eq!(extent.access, Access::Rdonly);
        assert_eq!(extent.offset_sectors, Some(63));
        assert_eq!(extent.device_words, ["52e8c7b0-uuid", "t10.ATA"]);
        assert_eq!(parse("NOACCESS 100 ZERO").unwrap().name, None);
        assert_eq!(
            parse("RW 100 FLAT disk-flat.vmdk 0").unwrap().name,
            Some("disk-flat.vmdk".into())
        );
    }

    #[test]
    fn objects_and_devices_are_no_files() {
        for line in [
            r#"RW 8 VSANSPARSE "vsan://5f2c""#,
            r#"RW 8 FLAT "\\.\PhysicalDrive2" 0"#,
            r#"RW 8 VMFSRAW "/vmfs/devices/disks/naa.6""#,
            "RW 8 ZERO",
        ] {
            assert_eq!(parse(line).unwrap().file_name(), None, "{line}");
        }
        assert!(parse(r#"RW 8 VMFS "a-flat.vmdk""#).unwrap().file_name().is_some());
    }

    #[test]
    fn an_unknown_type_keeps_its_word_and_a_size_past_64_bits_is_malformed() {
        let extent = parse(r#"RW 8 VMFSNEW "a.vmdk""#).unwrap();
        assert_eq!((extent.kind, extent.kind_text.as_str()), (ExtentKind::Other, "VMFSNEW"));
        assert_eq!(parse(r#"RW 18446744073709551615 VMFS "a""#).unwrap().sectors, u64::MAX);
        let too_large = r#"RW 18446744073709551616 VMFS "a-flat.vmdk""#;
        assert_eq!(parse(too_large), None);
        assert!(begins_like_extent(too_large.as_bytes()));
        assert!(!begins_like_extent(b"RWX=1"));
    }
}
