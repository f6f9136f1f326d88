//! Small XML files, walked element by element within limits.
//!
//! Names are local names: prefixes of namespaces differ between writers. A document type is refused, since its entities
//! could make a small file large; so is nesting deeper than [`Limits::tree_depth`].

use quick_xml::{Reader, escape::resolve_predefined_entity, events::BytesStart, events::Event};

use crate::{Limits, ParseError, ReadAt, Result, charset::Charset, utf16};

/// An element whose end was not seen yet.
#[derive(Debug)]
pub(crate) struct Element {
    /// Its local name.
    pub(crate) name: String,
    /// Local names and values of its attributes.
    pub(crate) attributes: Vec<(String, String)>,
    /// Its text up to the first of its elements, and behind the last.
    pub(crate) text: String,
}

impl Element {
    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of an attribute as a number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.attribute(name)?.trim().parse().ok()
    }

    /// Its text without blanks around it; `None` for none.
    pub(crate) fn trimmed(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|text| !text.is_empty())
    }
}

/// Reads a whole file and calls `visit` at the end of each element with the elements around it, the outermost first and
/// the one that ends last. Returns the name of the outermost.
///
/// # Errors
/// `Truncated` for an empty file or one that ends inside an element, `Malformed` when it is no XML or has a document
/// type, `LimitExceeded` when it is too large, has too many elements or is nested too deeply, `Io`.
pub(crate) fn walk(
    source: &(impl ReadAt + ?Sized),
    what: &'static str,
    limits: &Limits,
    visit: &mut dyn FnMut(&[Element]),
) -> Result<String> {
    if source.len() > limits.text_bytes {
        return Err(exceeded(what, source.len(), limits.text_bytes));
    }
    let bytes = source.up_to(what, 0, limits.text_bytes)?;
    let text = decode(&bytes);
    Walker {
        what,
        limits,
        open: Vec::new(),
        count: 0,
        root: None,
    }
    .run(&text, visit)
}

/// The text by its byte order mark, else in the charset that it declares, else in UTF-8.
fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16::decode_le(rest).as_str().to_owned(),
        [0xfe, 0xff, rest @ ..] => utf16::decode_be(rest).as_str().to_owned(),
        _ => {
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            let (charset, _) = Charset::declared(declared_encoding(bytes).as_deref(), bytes);
            charset.decode(bytes).0.into_owned()
        }
    }
}

/// The encoding of the XML declaration, which is ASCII.
pub(crate) fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let head = bytes.split(|&byte| byte == b'>').next()?;
    let head = std::str::from_utf8(head)
        .ok()
        .filter(|head| head.trim_start().starts_with("<?xml"))?;
    let (_, after) = head.split_once("encoding=")?;
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(after.strip_prefix(quote)?.split(quote).next()?.to_owned())
}

struct Walker<'a> {
    what: &'static str,
    limits: &'a Limits,
    open: Vec<Element>,
    count: usize,
    root: Option<String>,
}

impl Walker<'_> {
    fn run(mut self, text: &str, visit: &mut dyn FnMut(&[Element])) -> Result<String> {
        let mut reader = Reader::from_str(text);
        loop {
            let event = reader
                .read_event()
                .map_err(|error| self.malformed(reader.error_position(), error.to_string()))?;
            match event {
                Event::Eof => return self.finish(text),
                Event::DocType(_) => {
                    return Err(self.malformed(reader.buffer_position(), "has a document type".to_owned()));
                }
                Event::Start(tag) => self.enter(&tag)?,
                Event::Empty(tag) => {
                    self.enter(&tag)?;
                    self.leave(visit);
                }
                Event::End(_) => self.leave(visit),
                Event::Text(part) => self.add(&part),
                Event::CData(part) => self.add(&part),
                Event::GeneralRef(entity) => match entity.resolve_char_ref() {
                    Ok(Some(character)) => self.add(character.encode_utf8(&mut [0; 4])),
                    _ => self.add(resolve_predefined_entity(&entity).unwrap_or_default()),
                },
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    /// Goes one element deeper.
    fn enter(&mut self, tag: &BytesStart<'_>) -> Result<()> {
        self.count = self.count.saturating_add(1);
        check(self.what, self.count, self.limits.text_entries)?;
        check(self.what, self.open.len(), self.limits.tree_depth)?;
        // An attribute that is no attribute costs itself.
        let mut attributes = Vec::new();
        for attribute in tag.attributes().with_checks(false).flatten() {
            let name = attribute.key.local_name().as_ref().to_owned();
            attributes.push((name, unescaped(&attribute.value)));
        }
        let element = Element {
            name: tag.local_name().as_ref().to_owned(),
            attributes,
            text: String::new(),
        };
        self.root.get_or_insert_with(|| element.name.clone());
        self.open.push(element);
        Ok(())
    }

    fn leave(&mut self, visit: &mut dyn FnMut(&[Element])) {
        visit(&self.open);
        self.open.pop();
    }

    fn add(&mut self, text: &str) {
        if let Some(element) = self.open.last_mut() {
            element.text.push_str(text);
        }
    }

    fn finish(self, text: &str) -> Result<String> {
        let have = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if have == 0 || !self.open.is_empty() {
            return Err(ParseError::Truncated {
                what: self.what,
                offset: 0,
                need: have.saturating_add(1),
                have,
            });
        }
        let what = self.what;
        self.root.ok_or(ParseError::Malformed {
            what,
            offset: 0,
            detail: "has no element".to_owned(),
        })
    }

    fn malformed(&self, offset: u64, detail: String) -> ParseError {
        ParseError::Malformed {
            what: self.what,
            offset,
            detail,
        }
    }
}

/// A value with its entities resolved; as it stands where one of them is not known.
fn unescaped(value: &str) -> String {
    quick_xml::escape::unescape(value).map_or_else(|_| value.to_owned(), std::borrow::Cow::into_owned)
}

fn check(what: &'static str, value: usize, limit: usize) -> Result<()> {
    if value < limit {
        return Ok(());
    }
    let long = |value| u64::try_from(value).unwrap_or(u64::MAX);
    Err(exceeded(what, long(value), long(limit)))
}

fn exceeded(what: &'static str, value: u64, limit: u64) -> ParseError {
    ParseError::LimitExceeded { what, value, limit }
}
