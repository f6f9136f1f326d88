//! Hyper-V configurations up to 2012 R2: XML that holds the same key tree as a `.vmcx`.
//!
//! An element is a key; its `type` attribute says what its text is, an element without one holds keys. The bytes
//! decide the encoding, not the declaration: files that were once converted to UTF-8 still declare UTF-16 (R). A file
//! that breaks off gives what stands before the break, and its tree says that it is not complete. Document types and
//! entities other than the five of XML itself are refused.

use std::cell::Cell;

use base64::Engine;
use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
    text::EncodedText,
    utf16,
    vmcx::{Key, KeyTree, Value},
};

const WHAT: &str = "Hyper-V XML";
const ROOT: &str = "configuration";

/// A configuration in XML.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The keys, as in a `.vmcx`.
    pub tree: KeyTree,
    /// How the text is encoded.
    pub encoding: Encoding,
    /// What is odd or damaged.
    pub anomalies: Vec<Anomaly>,
    /// The first damage because of which the tree is not complete.
    pub damage: Option<Anomaly>,
}

/// How the text of a file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    /// UTF-16, low byte first: what Hyper-V writes.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, high byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// UTF-8.
    #[serde(rename = "utf-8")]
    Utf8,
}

/// Reads a configuration from a source.
///
/// # Errors
/// As [`parse`], and when the source fails.
pub fn read<R: ReadAt + ?Sized>(source: &R, limits: &Limits) -> Result<Document> {
    if source.len() > limits.text_bytes {
        return Err(ParseError::LimitExceeded {
            what: WHAT,
            value: source.len(),
            limit: limits.text_bytes,
        });
    }
    parse(&source.exact(WHAT, 0, source.len())?, limits)
}

/// Reads a configuration from its bytes.
///
/// # Errors
/// `Truncated` when there are none, `BadSignature` when the root element is not `<configuration>`, `LimitExceeded` for
/// too many bytes or elements or too deep nesting, `Malformed` for a document type or a fault before the root.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Document> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if length == 0 {
        return Err(ParseError::Truncated {
            what: WHAT,
            offset: 0,
            need: 1,
            have: 0,
        });
    }
    if length > limits.text_bytes {
        return Err(ParseError::LimitExceeded {
            what: WHAT,
            value: length,
            limit: limits.text_bytes,
        });
    }
    let mut findings = Findings::default();
    let text = Text::decode(bytes, &mut findings);
    let root = TreeReader::new(&text, limits).run(&mut findings)?;
    Ok(Document {
        tree: KeyTree::new(&[root], &[], findings.is_complete()),
        encoding: text.encoding,
        damage: findings.first_damage(),
        anomalies: findings.into_anomalies(),
    })
}

/// The decoded text, and what leads back to places in the file.
struct Text {
    encoding: Encoding,
    /// Length of the byte order mark in bytes.
    mark: usize,
    decoded: String,
    /// A place in the text, and the UTF-16 units before it.
    counted: Cell<(usize, usize)>,
}

impl Text {
    fn decode(bytes: &[u8], findings: &mut Findings) -> Self {
        let (encoding, mark) = sniff(bytes);
        let body = bytes.get(mark..).unwrap_or_default();
        let decoded = match encoding {
            Encoding::Utf16Le => utf16::decode_le(body),
            Encoding::Utf16Be => utf16::decode_be(body),
            Encoding::Utf8 => EncodedText::decoded(String::from_utf8_lossy(body), body),
        };
        if encoding != Encoding::Utf8 && body.len() % 2 != 0 {
            findings.note(Anomaly::new("odd-length", "UTF-16 text with an odd number of bytes"));
        }
        if decoded.raw() != decoded.as_str().as_bytes() {
            findings.note(Anomaly::new("text-not-unicode", "some characters could not be decoded"));
        }
        Self {
            encoding,
            mark,
            decoded: decoded.as_str().to_owned(),
            counted: Cell::new((0, 0)),
        }
    }

    /// The place in the file of a place in the text.
    fn offset(&self, position: u64) -> u64 {
        let before = usize::try_from(position)
            .ok()
            .filter(|position| self.decoded.is_char_boundary(*position))
            .unwrap_or(self.decoded.len());
        let units = match self.encoding {
            Encoding::Utf8 => before,
            Encoding::Utf16Le | Encoding::Utf16Be => self.units_before(before).saturating_mul(2),
        };
        u64::try_from(units.saturating_add(self.mark)).unwrap_or(u64::MAX)
    }

    /// UTF-16 units before a place in the text. Places are asked for from front to back, so counting goes on where it
    /// stopped: a file of nothing but faults would else be counted once for each of them.
    fn units_before(&self, place: usize) -> usize {
        let (from, units) = self.counted.get();
        let (from, units) = if from <= place { (from, units) } else { (0, 0) };
        let between = self.decoded.get(from..place).unwrap_or_default();
        let units = units.saturating_add(between.encode_utf16().count());
        self.counted.set((place, units));
        units
    }
}

/// The encoding by byte order mark, else by where the NUL of the first `<` stands; and the length of the mark.
fn sniff(bytes: &[u8]) -> (Encoding, usize) {
    match bytes {
        [0xff, 0xfe, ..] => (Encoding::Utf16Le, 2),
        [0xfe, 0xff, ..] => (Encoding::Utf16Be, 2),
        [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
        [b'<', 0, ..] => (Encoding::Utf16Le, 0),
        [0, b'<', ..] => (Encoding::Utf16Be, 0),
        _ => (Encoding::Utf8, 0),
    }
}

/// An element whose end was not seen yet.
struct Open {
    name: String,
    kind: Option<String>,
    text: String,
    children: Vec<Key>,
}

/// Turns events into keys.
struct TreeReader<'a> {
    source: &'a Text,
    limits: &'a Limits,
    open: Vec<Open>,
    count: usize,
}

impl<'a> TreeReader<'a> {
    fn new(source: &'a Text, limits: &'a Limits) -> Self {
        Self {
            source,
            limits,
            open: Vec::new(),
            count: 0,
        }
    }

    /// The root element with all below it.
    fn run(mut self, findings: &mut Findings) -> Result<Key> {
        let mut reader = Reader::from_str(&self.source.decoded);
        loop {
            let at = reader.buffer_position();
            let done = match reader.read_event() {
                Ok(Event::Start(tag)) => {
                    self.start(&tag, findings)?;
                    None
                }
                Ok(Event::Empty(tag)) => {
                    self.start(&tag, findings)?;
                    self.end(findings)
                }
                Ok(Event::End(_)) => self.end(findings),
                Ok(Event::Eof) => return self.break_off(at, "the text ends inside an element", findings),
                Ok(Event::DocType(_)) => return Err(self.malformed(at, "document types are refused")),
                Ok(event) => {
                    self.content(&event, at, findings);
                    None
                }
                Err(error) => return self.break_off(reader.error_position(), &error.to_string(), findings),
            };
            if let Some(root) = done {
                return Ok(root);
            }
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, findings: &mut Findings) -> Result<()> {
        let name = tag.name().0;
        if self.open.is_empty() && !name.eq_ignore_ascii_case(ROOT) {
            return Err(not_a_configuration(name));
        }
        self.count = self.count.saturating_add(1);
        check_limit("Hyper-V XML elements", self.count, self.limits.tree_nodes)?;
        check_limit(
            "Hyper-V XML depth",
            self.open.len().saturating_add(1),
            self.limits.tree_depth,
        )?;
        let kind = match tag.try_get_attribute("type") {
            Ok(attribute) => attribute.map(|attribute| attribute.value.into_owned()),
            Err(error) => {
                findings.damage(Anomaly::new(
                    "attribute-bad",
                    format!("attributes of `{name}`: {error}"),
                ));
                None
            }
        };
        self.open.push(Open {
            name: name.to_owned(),
            kind,
            text: String::new(),
            children: Vec::new(),
        });
        Ok(())
    }

    /// Closes the innermost element; the root when that was the last.
    fn end(&mut self, findings: &mut Findings) -> Option<Key> {
        let key = close(self.open.pop()?, findings);
        match self.open.last_mut() {
            Some(parent) => {
                parent.children.push(key);
                None
            }
            None => Some(key),
        }
    }

    fn content(&mut self, event: &Event<'_>, at: u64, findings: &mut Findings) {
        let Some(open) = self.open.last_mut() else { return };
        match event {
            Event::Text(text) => open.text.push_str(text),
            Event::CData(text) => open.text.push_str(text),
            Event::GeneralRef(reference) => match resolve(reference) {
                Some(character) => open.text.push(character),
                None => findings.damage(Anomaly::at(
                    "entity-refused",
                    self.source.offset(at),
                    format!("`&{};` in `{}` is not resolved", &**reference, open.name),
                )),
            },
            _ => {}
        }
    }

    /// What stands before a break, when the root had begun.
    fn break_off(mut self, position: u64, why: &str, findings: &mut Findings) -> Result<Key> {
        if self.open.is_empty() {
            return Err(match position {
                0 => not_a_configuration(&self.source.decoded),
                _ => self.malformed(position, why),
            });
        }
        findings.damage(Anomaly::at("xml-broken", self.source.offset(position), why));
        loop {
            if let Some(root) = self.end(findings) {
                return Ok(root);
            }
        }
    }

    fn malformed(&self, position: u64, detail: &str) -> ParseError {
        ParseError::Malformed {
            what: WHAT,
            offset: self.source.offset(position),
            detail: detail.to_owned(),
        }
    }
}

fn not_a_configuration(found: &str) -> ParseError {
    ParseError::BadSignature {
        what: WHAT,
        offset: 0,
        expected: "<configuration>",
        found: found.chars().take(40).collect(),
    }
}

fn check_limit(what: &'static str, value: usize, limit: usize) -> Result<()> {
    if value <= limit {
        return Ok(());
    }
    Err(ParseError::LimitExceeded {
        what,
        value: u64::try_from(value).unwrap_or(u64::MAX),
        limit: u64::try_from(limit).unwrap_or(u64::MAX),
    })
}

/// The character of a reference; `None` for an entity that XML itself does not define.
fn resolve(reference: &BytesRef<'_>) -> Option<char> {
    match &**reference {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => reference.resolve_char_ref().ok().flatten(),
    }
}

fn close(open: Open, findings: &mut Findings) -> Key {
    Key {
        value: value_of(&open, findings),
        name: open.name.into(),
        children: open.children,
    }
}

/// The text of an element as its type says. What does not fit its type stays text.
fn value_of(open: &Open, findings: &mut Findings) -> Value {
    let text = open.text.as_str();
    let trimmed = text.trim();
    let parsed = match open.kind.as_deref() {
        None if trimmed.is_empty() || !open.children.is_empty() => return Value::Node,
        Some("string") | None => return text.into(),
        Some("integer") => integer(trimmed),
        Some("bool" | "boolean") => truth(trimmed),
        Some("bytes") => bytes(trimmed),
        Some(_) => None,
    };
    parsed.unwrap_or_else(|| {
        let kind = open.kind.as_deref().unwrap_or_default();
        findings.note(Anomaly::new(
            "value-not-of-its-type",
            format!("the value of `{}` is not read as `{kind}`", open.name),
        ));
        text.into()
    })
}

fn integer(text: &str) -> Option<Value> {
    text.parse()
        .map(Value::Int)
        .or_else(|_| text.parse().map(Value::UInt))
        .ok()
}

fn truth(text: &str) -> Option<Value> {
    if text.eq_ignore_ascii_case("true") || text == "1" {
        Some(Value::Bool(true))
    } else if text.eq_ignore_ascii_case("false") || text == "0" {
        Some(Value::Bool(false))
    } else {
        None
    }
}

fn bytes(text: &str) -> Option<Value> {
    let packed: String = text.split_ascii_whitespace().collect();
    base64::engine::general_purpose::STANDARD
        .decode(packed)
        .map(Value::Bytes)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vmcx::KeyRef;

    fn tree(xml: &str) -> Document {
        parse(xml.as_bytes(), &Limits::default()).unwrap()
    }

    fn error(xml: &str) -> ParseError {
        parse(xml.as_bytes(), &Limits::default()).unwrap_err()
    }

    #[test]
    fn elements_become_the_keys_of_a_vmcx() {
        let document = tree(
            "<?xml version='1.0' encoding='UTF-16'?><configuration><p><name type='string'> a &amp;&#x42; </name>\
             <n type='integer'>-5</n><big type='integer'>18446744073709551615</big><t type='bool'>True</t>\
             <f type='boolean'>false</f><b type='bytes'>AAIA\r\n</b><e type='string'/><node/></p></configuration>",
        );
        let expected = Key::node(
            "configuration",
            [Key::node(
                "p",
                [
                    Key::leaf("name", " a &B "),
                    Key::leaf("n", -5),
                    Key::leaf("big", Value::UInt(u64::MAX)),
                    Key::leaf("t", true),
                    Key::leaf("f", false),
                    Key::leaf("b", vec![0, 2, 0]),
                    Key::leaf("e", ""),
                    Key::node("node", []),
                ],
            )],
        );
        assert_eq!(document.tree.to_keys(), [expected]);
        assert_eq!(document.anomalies, []);
        assert!(document.tree.complete);
        assert_eq!(
            document.encoding,
            Encoding::Utf8,
            "the bytes decide, not the declaration"
        );
    }

    #[test]
    fn every_encoding_gives_the_same_tree() {
        let xml = "<configuration><n type='string'>Größe 中</n></configuration>";
        let expected = tree(xml).tree;
        let units: Vec<u16> = xml.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for (bytes, encoding) in [
            ([&[0xff, 0xfe][..], &little].concat(), Encoding::Utf16Le),
            ([&[0xfe, 0xff][..], &big].concat(), Encoding::Utf16Be),
            (little, Encoding::Utf16Le),
            (big, Encoding::Utf16Be),
            ([&[0xef, 0xbb, 0xbf][..], xml.as_bytes()].concat(), Encoding::Utf8),
        ] {
            let document = parse(&bytes, &Limits::default()).unwrap();
            assert_eq!((&document.tree, document.encoding), (&expected, encoding));
        }
    }

    #[test]
    fn another_root_element_is_no_configuration() {
        let bad = |found: &str| ParseError::BadSignature {
            what: "Hyper-V XML",
            offset: 0,
            expected: "<configuration>",
            found: found.to_owned(),
        };
        assert_eq!(error("<?xml version=\"1.0\"?><root/>"), bad("root"));
        assert_eq!(
            parse(b"", &Limits::default()),
            Err(ParseError::Truncated {
                what: "Hyper-V XML",
                offset: 0,
                need: 1,
                have: 0
            })
        );
        assert!(matches!(error("no element"), ParseError::Malformed { offset: 10, .. }));
    }

    #[test]
    fn every_fault_of_a_wide_file_has_its_place() {
        let text = "<configuration>ä&x;𝄞&y;</configuration>&z;";
        let wide: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        let document = parse(&wide, &Limits::default()).unwrap();
        let places: Vec<_> = document.anomalies.iter().map(|anomaly| anomaly.offset).collect();
        assert_eq!(places, [Some(2 + 2 * 16), Some(2 + 2 * 21)]);
    }

    #[test]
    fn document_types_and_foreign_entities_are_refused() {
        assert_eq!(
            error("<!DOCTYPE c [<!ENTITY a 'b'>]><configuration/>"),
            ParseError::Malformed {
                what: "Hyper-V XML",
                offset: 0,
                detail: "document types are refused".to_owned()
            }
        );
        let document = tree("<configuration><p type='string'>C:\\&a;x</p></configuration>");
        assert!(!document.tree.complete, "a path may have lost a part");
        assert_eq!(document.anomalies[0].code, "entity-refused");
        assert_eq!(document.anomalies[0].offset, Some(34 + 1));
    }

    #[test]
    fn a_file_that_breaks_off_gives_what_stands_before_the_break() {
        let whole = "<configuration><a type='string'>C:\\a.vhd</a><b type='string'>C:\\b";
        let document = tree(whole);
        assert_eq!(
            document.tree.get("configuration/a").and_then(KeyRef::as_str),
            Some("C:\\a.vhd")
        );
        assert_eq!(
            document.tree.get("configuration/b").and_then(KeyRef::as_str),
            Some("C:\\b")
        );
        assert!(!document.tree.complete);
        let place = u64::try_from(whole.len()).unwrap();
        assert_eq!(
            document.anomalies,
            [Anomaly::at("xml-broken", place, "the text ends inside an element")]
        );
        let crossed = tree("<configuration><a></b></configuration>");
        assert!(!crossed.tree.complete && crossed.anomalies[0].code == "xml-broken");
    }

    #[test]
    fn a_value_that_does_not_fit_its_type_stays_text() {
        let document = tree("<configuration><n type='integer'>C:\\a.vhd</n><x type='new'>1</x></configuration>");
        assert_eq!(
            document.tree.get("configuration/n").and_then(KeyRef::as_str),
            Some("C:\\a.vhd")
        );
        assert_eq!(document.tree.get("configuration/x").and_then(KeyRef::as_str), Some("1"));
        let codes: Vec<_> = document.anomalies.iter().map(|anomaly| anomaly.code.as_str()).collect();
        assert_eq!(codes, ["value-not-of-its-type", "value-not-of-its-type"]);
    }

    #[test]
    fn limits_hold() {
        let limits = Limits {
            tree_depth: 2,
            tree_nodes: 3,
            text_bytes: 90,
            ..Limits::default()
        };
        let exceeded = |what, value, limit| Err(ParseError::LimitExceeded { what, value, limit });
        let parse = |xml: &str| parse(xml.as_bytes(), &limits).map(|_| ());
        assert_eq!(parse("<configuration><a/><b/></configuration>"), Ok(()));
        assert_eq!(
            parse("<configuration><a><b/></a></configuration>"),
            exceeded("Hyper-V XML depth", 3, 2)
        );
        assert_eq!(
            parse("<configuration><a/><b/><c/></configuration>"),
            exceeded("Hyper-V XML elements", 4, 3)
        );
        assert_eq!(parse(&" ".repeat(91)), exceeded("Hyper-V XML", 91, 90));
    }
}
