//! Charsets that VMware files declare, and how their bytes become text.
//!
//! VMware writes IANA or ICU names (`UTF-8`, `GBK`, `Shift_JIS`, `windows-1251`) and accepts aliases such as `CP936`
//! and `MS_Kanji` (open-vm-tools, *unicodeSimpleTypes*). A file without a declaration is UTF-8; where its bytes are not,
//! windows-1252 is assumed, which loses no byte (assumed for old ESX and GSX files). Under a declared name that is not
//! known here (`IBM437`, `HZ-GB-2312`, `ISO-2022-JP`) what is not plain ASCII may mean anything.

use std::borrow::Cow;

use encoding_rs::Encoding;
use nom::Offset;

use crate::{Anomaly, EncodedText, text::TextRef};

/// How the bytes of one file are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// UTF-8, what ESXi writes.
    pub const UTF_8: Self = Self(encoding_rs::UTF_8);
    /// windows-1252, where a file declares nothing and is not UTF-8.
    pub const WINDOWS_1252: Self = Self(encoding_rs::WINDOWS_1252);

    /// The charset of a declared name; `None` for a name that is unknown or not a superset of ASCII.
    pub fn named(label: &str) -> Option<Self> {
        if label == Self::UTF_8.name() {
            // What nearly all files declare.
            return Some(Self::UTF_8);
        }
        let label = label.trim();
        Encoding::for_label(label.as_bytes())
            .or_else(|| by_code_page(label))
            .filter(|encoding| encoding.is_ascii_compatible())
            .map(Self)
    }

    /// The charset of `bytes` under what the file declares; the anomaly says that the declared name is unknown, and
    /// whether that matters.
    pub fn declared(label: Option<&str>, bytes: &[u8]) -> (Self, Option<Anomaly>) {
        Self::declared_for(label, bytes, std::str::from_utf8(bytes).is_ok())
    }

    /// As [`Self::declared`] for bytes of which is known whether they are UTF-8.
    fn declared_for(label: Option<&str>, bytes: &[u8], is_utf8: bool) -> (Self, Option<Anomaly>) {
        let assumed = if is_utf8 { Self::UTF_8 } else { Self::WINDOWS_1252 };
        let Some(label) = label else { return (assumed, None) };
        if let Some(charset) = Self::named(label) {
            return (charset, None);
        }
        let mut text = format!(
            "declares encoding {label:?}, which is unknown; read as {}",
            assumed.name()
        );
        let code = if may_mean_more_than_ascii(bytes) {
            text.push_str(", so that names in it may be others");
            NAMES_UNKNOWN
        } else {
            "unknown-encoding"
        };
        (assumed, Some(Anomaly::new(code, text)))
    }

    /// The WHATWG name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Decoded bytes, and whether some did not belong to the charset (U+FFFD stands for them).
    pub fn decode(self, bytes: &[u8]) -> (Cow<'_, str>, bool) {
        self.0.decode_without_bom_handling(bytes)
    }

    /// Decoded bytes that remember what they were decoded from.
    pub fn text(self, bytes: &[u8]) -> EncodedText {
        EncodedText::decoded(self.decode(bytes).0, bytes)
    }

    /// A piece of decoded text with the bytes that it has in this charset, where it has any.
    pub fn piece(self, text: &str) -> EncodedText {
        let (bytes, _, is_lossy) = self.0.encode(text);
        if is_lossy {
            EncodedText::new(text)
        } else {
            EncodedText::decoded(text, &bytes)
        }
    }
}

/// Code of the anomaly of a text whose declared charset is not known and in which names may be others than those that
/// were read.
pub const NAMES_UNKNOWN: &str = "names-in-unknown-encoding";

/// True for a text that may differ from its ASCII under a charset that is not known: bytes beyond ASCII, and what begins
/// another set in charsets of seven bits (ISO 2022: ESC, SO, SI; HZ: `~{`).
fn may_mean_more_than_ascii(text: &[u8]) -> bool {
    const ESC: u8 = 0x1b;
    const SO: u8 = 0x0e;
    const SI: u8 = 0x0f;
    let is_beyond = |byte: &u8| !byte.is_ascii() || matches!(*byte, ESC | SO | SI);
    text.iter().any(is_beyond) || text.windows(2).any(|pair| pair == b"~{")
}

/// A text and how its parts are decoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decoder<'a> {
    pub(crate) charset: Charset,
    pub(crate) text: &'a [u8],
    /// The whole text where it needs no decoding: its parts are borrowed from it.
    decoded: Option<&'a str>,
}

impl<'a> Decoder<'a> {
    /// For a text under what it declares, as [`Charset::declared`].
    pub(crate) fn declared(label: Option<&str>, text: &'a [u8]) -> (Self, Option<Anomaly>) {
        let utf8 = std::str::from_utf8(text).ok();
        let (charset, anomaly) = Charset::declared_for(label, text, utf8.is_some());
        let needs_none = charset == Charset::UTF_8 || text.is_ascii();
        let decoder = Self {
            charset,
            text,
            decoded: utf8.filter(|_| needs_none),
        };
        (decoder, anomaly)
    }

    /// A part of the text, and whether some bytes did not belong to the charset.
    #[inline]
    pub(crate) fn decode(&self, part: &'a [u8]) -> (Cow<'a, str>, bool) {
        match self.as_it_stands(part) {
            Some(part) => (Cow::Borrowed(part), false),
            None => self.charset.decode(part),
        }
    }

    /// A part of a text that needs no decoding.
    #[inline]
    pub(crate) fn as_it_stands(&self, part: &'a [u8]) -> Option<&'a str> {
        let start = self.text.offset(part);
        self.decoded?.get(start..start.saturating_add(part.len()))
    }

    /// As [`Self::decode`], with the bytes where they differ.
    #[inline]
    pub(crate) fn text_ref(&self, part: &'a [u8]) -> (TextRef<'a>, bool) {
        if let Some(text) = self.as_it_stands(part) {
            return (TextRef::as_it_stands(text), false);
        }
        let (text, is_lossy) = self.charset.decode(part);
        (TextRef::decoded(text, Cow::Borrowed(part)), is_lossy)
    }

    /// As [`Self::text_ref`], in a copy.
    #[inline]
    pub(crate) fn encoded(&self, part: &'a [u8]) -> EncodedText {
        match self.as_it_stands(part) {
            Some(text) => EncodedText::new(text),
            None => self.charset.text(part),
        }
    }

    /// Some bytes of the text do not belong to the charset.
    pub(crate) fn is_lossy(&self) -> bool {
        self.decoded.is_none() && self.charset.decode(self.text).1
    }
}

/// Windows and IBM code pages under the names that ICU and VMware use (`CP936`, `windows-950`, `ibm-943_P15A-2003`).
fn by_code_page(label: &str) -> Option<&'static Encoding> {
    let lower = label.to_ascii_lowercase();
    let digits: String = lower
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    let prefix = lower.split(|c: char| c.is_ascii_digit()).next()?;
    let known = [
        "cp",
        "windows-",
        "ms",
        "x-ms-cp",
        "x-windows-",
        "ibm-",
        "ibm",
        "dos-",
        "",
    ];
    if !known.contains(&prefix) {
        return None;
    }
    Some(match digits.as_str() {
        "932" | "943" => encoding_rs::SHIFT_JIS,
        "936" | "1386" => encoding_rs::GBK,
        "949" | "1363" => encoding_rs::EUC_KR,
        "950" | "1373" | "1375" => encoding_rs::BIG5,
        "54936" => encoding_rs::GB18030,
        "65001" => encoding_rs::UTF_8,
        "866" => encoding_rs::IBM866,
        "874" => encoding_rs::WINDOWS_874,
        "1250" | "5346" => encoding_rs::WINDOWS_1250,
        "1251" | "5347" => encoding_rs::WINDOWS_1251,
        "1252" | "5348" => encoding_rs::WINDOWS_1252,
        "1253" | "5349" => encoding_rs::WINDOWS_1253,
        "1254" | "5350" => encoding_rs::WINDOWS_1254,
        "1255" | "9447" => encoding_rs::WINDOWS_1255,
        "1256" | "9448" => encoding_rs::WINDOWS_1256,
        "1257" | "9449" => encoding_rs::WINDOWS_1257,
        "1258" | "5354" => encoding_rs::WINDOWS_1258,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_name_the_charsets_that_vmware_means() {
        for (label, name) in [
            ("GBK", "GBK"),
            ("CP936", "GBK"),
            ("windows-936", "GBK"),
            ("MS_Kanji", "Shift_JIS"),
            ("windows-932", "Shift_JIS"),
            ("ibm-943_P15A-2003", "Shift_JIS"),
            ("windows-950", "Big5"),
            ("cp1251", "windows-1251"),
            ("windows-1258", "windows-1258"),
            ("UTF-8", "UTF-8"),
        ] {
            assert_eq!(Charset::named(label).map(Charset::name), Some(name), "{label}");
        }
        assert_eq!(Charset::named("klingon"), None);
        assert_eq!(Charset::named("UTF-16LE"), None, "not a superset of ASCII");
    }

    #[test]
    fn valid_utf_8_under_another_declared_charset_is_not_utf_8() {
        let (charset, anomaly) = Charset::declared(Some("GBK"), &[0xce, 0xbb]);
        assert_eq!(anomaly, None);
        assert_eq!(charset.text(&[0xce, 0xbb]).as_str(), "位");
        assert_eq!(charset.text(&[0xce, 0xbb]).raw(), [0xce, 0xbb]);
    }

    #[test]
    fn undeclared_bytes_fall_back_to_windows_1252() {
        assert_eq!(Charset::declared(None, "é".as_bytes()).0, Charset::UTF_8);
        assert_eq!(Charset::declared(None, &[0xe9]).0.text(&[0xe9]).as_str(), "é");
        let (charset, anomaly) = Charset::declared(Some("klingon"), b"x");
        assert_eq!(charset, Charset::UTF_8);
        assert_eq!(anomaly.map(|a| a.code), Some("unknown-encoding".to_owned()));
    }

    #[test]
    fn an_unknown_charset_matters_where_the_text_is_not_plain_ascii() {
        let code = |label, bytes: &[u8]| Charset::declared(Some(label), bytes).1.map(|anomaly| anomaly.code);
        for (label, bytes) in [
            ("IBM437", &b"\x82.vmdk"[..]),
            ("HZ-GB-2312", b"~{NH~}.vmdk"),
            ("ISO-2022-JP", b"\x1b$BF|\x1b(B.vmdk"),
            ("klingon", "\u{e9}.vmdk".as_bytes()),
        ] {
            assert_eq!(code(label, bytes).as_deref(), Some(NAMES_UNKNOWN), "{label}");
        }
        assert_eq!(code("GBK", b"\xce\xbb.vmdk"), None);
    }
}
