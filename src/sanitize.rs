//! Names for people: whatever a name holds, it is shown on one line and does nothing to who looks at it.
//!
//! File names, VM names, notes and messages come from the datastore and may be written by an attacker. For a terminal
//! every control character (C0, DEL, C1), line and paragraph separator, bidirectional control and invisible character
//! is escaped as `\u{…}`; bytes that are not Unicode become `\xNN`. A spreadsheet is kept from reading a field as a
//! formula, and Markdown from reading a name as markup. JSON needs none of this: it is lossless (see
//! [`crate::report::json`]).

use std::{borrow::Cow, fmt::Write as _, path::Path};

use crate::raw::RawPath;

/// True for a character that must not reach a terminal as it is.
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            u32::from(character),
            0x00ad // soft hyphen
                | 0x034f // combining grapheme joiner
                | 0x061c // Arabic letter mark
                | 0x115f..=0x1160 // Hangul fillers
                | 0x17b4..=0x17b5 // invisible Khmer vowels
                | 0x180b..=0x180f // Mongolian selectors
                | 0x200b..=0x200f // zero-width, directional marks
                | 0x2028..=0x202e // separators, embeddings, overrides
                | 0x2060..=0x206f // word joiner, isolates, deprecated controls
                | 0x3164 // Hangul filler
                | 0xfe00..=0xfe0d // variation selectors except text and emoji presentation
                | 0xfeff // byte order mark
                | 0xffa0 // half-width Hangul filler
                | 0xfff0..=0xfffb // specials: annotation
                | 0xfffe..=0xffff
                | 0xe0000..=0xe0fff // tags, supplementary selectors
        )
}

/// True for what nearly all names are made of, of which nothing is to be escaped. To find that out costs nearly nothing.
fn is_plain(bytes: &[u8]) -> bool {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'[' | b']'..=b'~');
    bytes.iter().fold(true, |plain, &byte| plain & is_plain(byte))
}

/// Text for a terminal, on one line. No two texts look the same: a backslash that could be taken for the beginning of an
/// escape is doubled, and the backslashes of Windows paths stay as they are.
pub fn text(text: &str) -> Cow<'_, str> {
    if is_plain(text.as_bytes()) || !text.chars().any(is_unsafe) && !text.contains(CHARACTER_ESCAPE) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    push_chunk(&mut escaped, text, |rest| rest.starts_with(is_unsafe));
    Cow::Owned(escaped)
}

/// A message for a terminal whose parts are escaped already: nothing in it does anything, and no escape is escaped.
pub fn message(message: &str) -> Cow<'_, str> {
    if !message.chars().any(is_unsafe) {
        return Cow::Borrowed(message);
    }
    let mut escaped = String::with_capacity(message.len());
    message.chars().for_each(|character| push_safe(&mut escaped, character));
    Cow::Owned(escaped)
}

/// Bytes for a terminal, on one line. No two names look the same.
pub fn bytes(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(unicode) = std::str::from_utf8(bytes)
        && (is_plain(bytes)
            || !unicode.chars().any(is_unsafe) && !unicode.contains(CHARACTER_ESCAPE) && !unicode.contains(BYTE_ESCAPE))
    {
        return Cow::Borrowed(unicode);
    }
    let mut escaped = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let is_followed = !chunk.invalid().is_empty();
        push_chunk(&mut escaped, chunk.valid(), |rest| {
            rest.starts_with(is_unsafe) || is_byte_escape(rest) || (rest.is_empty() && is_followed)
        });
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "{BYTE_ESCAPE}{byte:02x}");
        }
    }
    Cow::Owned(escaped)
}

/// How the escape of a character begins. `\n` and the like would be taken for parts of Windows paths, and these for them.
const CHARACTER_ESCAPE: &str = "\\u{";
/// How the escape of a byte begins that belongs to no character; two hex digits follow, of 80 to ff.
const BYTE_ESCAPE: &str = "\\x";

/// True for what after a backslash reads as the escape of a byte.
fn is_byte_escape(rest: &str) -> bool {
    let [b'x', high, low, ..] = rest.as_bytes() else {
        return false;
    };
    matches!(high, b'8'..=b'9' | b'a'..=b'f') && matches!(low, b'0'..=b'9' | b'a'..=b'f')
}

/// Adds a piece of text. Backslashes before what reads as an escape, or is about to become one, are doubled: an odd number
/// of them begins an escape, an even number stands for half as many.
fn push_chunk(escaped: &mut String, chunk: &str, is_ambiguous: impl Fn(&str) -> bool) {
    let mut rest = chunk;
    while let Some(character) = rest.chars().next() {
        let after = rest.trim_start_matches('\\');
        let count = rest.len().saturating_sub(after.len());
        if count == 0 {
            push_safe(escaped, character);
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
            continue;
        }
        let doubled = after.starts_with("u{") || is_ambiguous(after);
        let shown = if doubled { count.saturating_mul(2) } else { count };
        escaped.extend(std::iter::repeat_n('\\', shown));
        rest = after;
    }
}

/// A path of the report for a terminal.
pub fn path(path: &RawPath) -> Cow<'_, str> {
    bytes(path.as_bytes())
}

/// A path of this machine for a terminal.
pub fn os_path(path: &Path) -> Cow<'_, str> {
    bytes(path.as_os_str().as_encoded_bytes())
}

fn push_safe(escaped: &mut String, character: char) {
    if is_unsafe(character) {
        // Writing to a String cannot fail.
        let _ = write!(escaped, "{CHARACTER_ESCAPE}{:x}}}", u32::from(character));
    } else {
        escaped.push(character);
    }
}

/// A field for a spreadsheet: what would start a formula gets an apostrophe in front of it. The text is expected to be
/// escaped already, so that TAB and CR are no concern; they are guarded all the same.
pub fn csv_field(field: &str) -> Cow<'_, str> {
    let starts_formula = field
        .trim_start_matches(' ')
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if starts_formula {
        return Cow::Owned(format!("'{field}"));
    }
    Cow::Borrowed(field)
}

/// Text inside Markdown: escaped for a terminal, and no character of it is markup, HTML, a link or the end of a table
/// cell.
pub fn markdown(plain: &str) -> String {
    without_markup(&text(plain))
}

/// Text inside Markdown that is escaped for a terminal already.
pub fn markdown_of_escaped(escaped: &str) -> String {
    without_markup(&message(escaped))
}

/// The dot that follows would make a link of it.
fn ends_in_www(text: &str) -> bool {
    let start = text.len().saturating_sub(3);
    text.get(start..).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

fn without_markup(safe: &str) -> String {
    let mut escaped = String::with_capacity(safe.len());
    let mut rest = safe.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '$' | '@' => escaped.extend(['\\', character]),
            ':' if rest.peek() == Some(&'/') => escaped.push_str("\\:"),
            '.' if ends_in_www(&escaped) => escaped.push_str("\\."),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in [
            "web01.vmdk",
            "App Server Ä 01",
            "vm (copy) [old] 100%",
            "数据-flat.vmdk",
            "❤\u{fe0f}.vmx",
            r"C:\ClusterStorage\Volume1",
        ] {
            assert!(matches!(text(name), Cow::Borrowed(_)), "{name} must not change");
            assert_eq!(bytes(name.as_bytes()), name);
        }
    }

    #[test]
    fn every_control_character_is_escaped() {
        for code in (0..0x20).chain(0x7f..0xa0) {
            let character = char::from(u8::try_from(code).unwrap());
            let name = format!("a{character}b");
            let shown = text(&name);
            assert!(
                !shown.chars().any(char::is_control),
                "U+{code:04X} reached the terminal"
            );
            assert!(shown.starts_with("a\\") && shown.ends_with('b'));
        }
    }

    #[test]
    fn attacks_are_shown_and_not_obeyed() {
        let attacks: &[(&[u8], &str)] = &[
            (b"\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
            (b"\x1b[2J\x1b[H", "\\u{1b}[2J\\u{1b}[H"),
            ("\u{9b}31m".as_bytes(), "\\u{9b}31m"),
            (b"\x9b31m", "\\x9b31m"),
            (b"a\nverdict: owned", "a\\u{a}verdict: owned"),
            (b"a\r\tb\x7f", "a\\u{d}\\u{9}b\\u{7f}"),
            ("gpj\u{202e}vmdk".as_bytes(), "gpj\\u{202e}vmdk"),
            ("a\u{2066}b\u{2069}".as_bytes(), "a\\u{2066}b\\u{2069}"),
            ("web\u{200b}01".as_bytes(), "web\\u{200b}01"),
            ("a\u{2028}b".as_bytes(), "a\\u{2028}b"),
            ("a\u{e0041}".as_bytes(), "a\\u{e0041}"),
            (b"ok\xff\xfe.vmdk", "ok\\xff\\xfe.vmdk"),
            (b"cut\xe2\x82", "cut\\xe2\\x82"),
        ];
        for (name, shown) in attacks {
            assert_eq!(bytes(name), *shown);
        }
    }

    #[test]
    fn no_two_names_look_the_same() {
        let names: &[(&[u8], &str)] = &[
            (b"a\nb", r"a\u{a}b"),
            (br"a\nb", r"a\nb"),
            (br"a\u{a}b", r"a\\u{a}b"),
            (br"a\\u{a}b", r"a\\\\u{a}b"),
            (b"a\\\nb", r"a\\\u{a}b"),
            (b"a\\\\\nb", r"a\\\\\u{a}b"),
            (b"a\xff", r"a\xff"),
            (br"a\xff", r"a\\xff"),
            (b"a\\\xff", r"a\\\xff"),
            (br"C:\new\x64\users\", r"C:\new\x64\users\"),
            (br"\\server\templates\x86\a.vhdx", r"\\server\templates\\x86\a.vhdx"),
        ];
        for (name, shown) in names {
            assert_eq!(bytes(name), *shown);
        }
        assert_eq!(text(r"a\u{a}b"), r"a\\u{a}b");
        assert_eq!(
            text(r"C:\x86\new"),
            r"C:\x86\new",
            "text is Unicode: it has no escapes of bytes"
        );
        assert_eq!(message(r"a\u{a}b"), r"a\u{a}b");
        assert_eq!(message("a\nb"), r"a\u{a}b");
    }

    #[test]
    fn a_spreadsheet_reads_no_formula() {
        for field in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", " =1", "＝1"] {
            assert_eq!(csv_field(field), format!("'{field}"));
        }
        assert_eq!(csv_field("web-01=a"), "web-01=a");
        assert_eq!(csv_field(""), "");
    }

    #[test]
    fn markdown_reads_no_markup() {
        assert_eq!(markdown("<b>|[x](y)`*_"), "&lt;b&gt;\\|\\[x\\](y)\\`\\*\\_");
        assert_eq!(markdown("https://x"), "https\\://x");
        assert_eq!(markdown("(WWW.x.example)"), "(WWW\\.x.example)");
        assert_eq!(markdown("vm (copy): 1"), "vm (copy): 1");
        assert_eq!(markdown("a\n# b"), "a\\\\u{a}\\# b");
    }
}
