//! Text of any export, decoded: a byte order mark first, then NUL in every second byte (UTF-16), then strict UTF-8, and
//! Windows-1252 as the last resort, which is said.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How many bytes are looked at to tell UTF-16 without a byte order mark.
const UTF16_PROBE_BYTES: usize = 256;

/// A decoded text.
#[derive(Debug)]
pub(super) struct Text<'a> {
    /// The text, without a byte order mark.
    pub(super) text: Cow<'a, str>,
    /// The bytes were no UTF-8 and no mark said what they are: Windows-1252 was taken, which may be wrong.
    pub(super) guessed: bool,
}

/// Decodes the bytes of an export. Where its lines end as on an old Macintosh, with a carriage return alone, as a spreadsheet
/// still offers it, they end with a line feed afterwards.
pub(super) fn decode(bytes: &[u8]) -> Text<'_> {
    let mut text = decoded(bytes);
    if text.text.contains('\r') && !text.text.contains('\n') {
        text.text = Cow::Owned(text.text.replace('\r', "\n"));
    }
    text
}

fn decoded(bytes: &[u8]) -> Text<'_> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return certain(encoding, bytes.get(mark..).unwrap_or_default());
    }
    if let Some(encoding) = utf16_without_mark(bytes) {
        return certain(encoding, bytes);
    }
    if std::str::from_utf8(bytes).is_ok() {
        return certain(UTF_8, bytes);
    }
    Text {
        text: WINDOWS_1252.decode_without_bom_handling(bytes).0,
        guessed: true,
    }
}

/// Decodes in an encoding that is known; what is malformed in it becomes U+FFFD.
fn certain<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Text<'a> {
    Text {
        text: encoding.decode_without_bom_handling(bytes).0,
        guessed: false,
    }
}

/// ASCII in UTF-16 has NUL in every second byte. Exports begin with ASCII whatever names they hold.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let (pairs, _) = bytes
        .get(..bytes.len().min(UTF16_PROBE_BYTES))
        .unwrap_or_default()
        .as_chunks::<2>();
    let little = pairs.iter().filter(|[low, high]| *low != 0 && *high == 0).count();
    let big = pairs.iter().filter(|[high, low]| *high == 0 && *low != 0).count();
    let most = pairs.len() - pairs.len() / 4;
    match pairs.len() {
        0 => None,
        _ if little >= most => Some(UTF_16LE),
        _ if big >= most => Some(UTF_16BE),
        _ => None,
    }
}

/// Undoes the escapes of inventory names: `/`, `\` and `%` come as `%2f`, `%5c`, `%25`, in either case. Paths of files
/// are not escaped and must not go through here.
pub(super) fn unescape_name(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let character = match after.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("2f") => Some('/'),
            Some("5c") => Some('\\'),
            Some("25") => Some('%'),
            _ => None,
        };
        rest = match character {
            Some(_) => after.get(2..).unwrap_or_default(),
            None => after,
        };
        plain.push(character.unwrap_or('%'));
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn a_mark_decides() {
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend(utf16("Ä中", u16::to_le_bytes));
        assert_eq!(decode(&bytes).text, "Ä中");
        let mut bytes = vec![0xfe, 0xff];
        bytes.extend(utf16("Ä中", u16::to_be_bytes));
        assert_eq!(decode(&bytes).text, "Ä中");
        assert_eq!(decode(b"\xef\xbb\xbfabc").text, "abc");
    }

    #[test]
    fn utf16_is_seen_without_a_mark() {
        let bytes = utf16(r#"[{"Name":"Ä"}]"#, u16::to_le_bytes);
        assert_eq!(decode(&bytes).text, r#"[{"Name":"Ä"}]"#);
        let bytes = utf16(r#"[{"Name":"Ä"}]"#, u16::to_be_bytes);
        assert_eq!(decode(&bytes).text, r#"[{"Name":"Ä"}]"#);
    }

    #[test]
    fn what_is_no_utf8_is_guessed_and_said() {
        let text = decode(b"VM;\xc4");
        assert_eq!(text.text, "VM;Ä");
        assert!(text.guessed);
        assert!(!decode("VM;Ä".as_bytes()).guessed);
        assert_eq!(decode(b"").text, "");
    }

    #[test]
    fn names_are_unescaped_once() {
        assert_eq!(unescape_name("a%2fb%5Cc%25d"), r"a/b\c%d");
        assert_eq!(unescape_name("%252f"), "%2f");
        assert_eq!(unescape_name("100%"), "100%");
        assert_eq!(unescape_name("%zz%2"), "%zz%2");
        assert_eq!(unescape_name("%ä"), "%ä");
    }
}
