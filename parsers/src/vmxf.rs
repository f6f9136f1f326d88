//! Extended configurations: `.vmxf`.
//!
//! A small XML file with root `Foundry/VM`. Read: `VMId` and `vmxPathName`. A file with a document type is refused:
//! VMware writes none, and entities of one could make a small file large.

use quick_xml::{Reader, escape::resolve_predefined_entity, events::Event};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    EncodedText, Limits, ParseError, ReadAt, Result,
    charset::Charset,
    reference::{FileKind, FileReference},
    vmx::VmwareUuid,
    xml::declared_encoding,
};

/// Name of the structure in errors.
const WHAT: &str = "VMXF extended configuration";

/// Most other elements that are kept. The largest real files have 9 KB.
const MAX_OTHERS: usize = 256;

/// What an extended configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ExtendedConfig {
    /// `VMId`: the same for the files of one VM.
    pub vm_id: Option<VmwareUuid>,
    /// `vmxPathName`: the configuration beside which it lies.
    pub vmx_path: Option<EncodedText>,
    /// Other elements with a text: what clients of VMware keep of the VM, and what is known of its tools.
    #[serde(default)]
    pub others: Vec<ElementText>,
}

/// An element and its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ElementText {
    /// Names of the elements on the way to it, below `Foundry/VM`, joined with `/`.
    pub element: String,
    /// Its text.
    pub text: String,
}

/// Elements on the way to where the reader is.
#[derive(Default)]
struct Place {
    path: Vec<String>,
    text: String,
}

impl ExtendedConfig {
    /// Reads a whole file.
    ///
    /// # Errors
    /// `Truncated` for an empty file or one that ends inside an element, `Malformed` when it is not such XML,
    /// `LimitExceeded` when it is too large or nested too deeply.
    pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Self> {
        let length = source.len();
        if length > limits.text_bytes {
            return Err(ParseError::LimitExceeded {
                what: WHAT,
                value: length,
                limit: limits.text_bytes,
            });
        }
        let bytes = source.up_to(WHAT, 0, length)?;
        if bytes.is_empty() {
            return Err(truncated(0));
        }
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        let (charset, _) = Charset::declared(declared_encoding(bytes).as_deref(), bytes);
        Self::parse(&charset.decode(bytes).0, limits)
    }

    /// Reads decoded text.
    fn parse(text: &str, limits: &Limits) -> Result<Self> {
        let mut reader = Reader::from_str(text);
        let mut place = Place::default();
        let mut config = Self::default();
        loop {
            let event = reader
                .read_event()
                .map_err(|error| malformed(reader.error_position(), error.to_string()))?;
            match event {
                Event::Eof if place.path.is_empty() => return config.checked(text),
                Event::Eof => return Err(truncated(text.len())),
                Event::DocType(_) => {
                    return Err(malformed(reader.buffer_position(), "has a document type".to_owned()));
                }
                Event::Start(start) => place.enter(start.local_name().as_ref(), limits)?,
                Event::End(_) => config.leave(&mut place),
                Event::Text(part) => place.text.push_str(&part.xml10_content()),
                Event::CData(part) => place.text.push_str(&part.xml10_content()),
                Event::GeneralRef(entity) => match entity.resolve_char_ref() {
                    Ok(Some(c)) => place.text.push(c),
                    _ => place
                        .text
                        .push_str(resolve_predefined_entity(&entity).unwrap_or_default()),
                },
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    /// Keeps the text of the element that ends here.
    fn leave(&mut self, place: &mut Place) {
        let text = place.text.trim();
        let path: Vec<&str> = place.path.iter().map(String::as_str).collect();
        if !text.is_empty() {
            match path.as_slice() {
                ["Foundry", "VM", "VMId"] => self.vm_id = Some(VmwareUuid::new(text)),
                ["Foundry", "VM", "vmxPathName"] => self.vmx_path = Some(file_name(text)),
                ["Foundry", "VM", below @ ..] if self.others.len() < MAX_OTHERS => self.others.push(ElementText {
                    element: below.join("/"),
                    text: text.to_owned(),
                }),
                _ => {}
            }
        }
        place.path.pop();
        place.text.clear();
    }

    /// Refuses XML that is no extended configuration.
    fn checked(self, text: &str) -> Result<Self> {
        if self.vm_id.is_none() && self.vmx_path.is_none() && !text.contains("<Foundry") {
            return Err(malformed(0, "has no Foundry element".to_owned()));
        }
        Ok(self)
    }

    /// The configuration beside it.
    pub fn references(&self) -> Vec<FileReference> {
        self.vmx_path
            .iter()
            .map(|path| FileReference::new("vmxPathName", path.clone(), FileKind::Config))
            .collect()
    }
}

impl Place {
    /// Goes one element deeper.
    fn enter(&mut self, name: &str, limits: &Limits) -> Result<()> {
        if self.path.len() >= limits.tree_depth {
            return Err(ParseError::LimitExceeded {
                what: "nesting of a VMXF extended configuration",
                value: u64::try_from(self.path.len()).unwrap_or(u64::MAX),
                limit: u64::try_from(limits.tree_depth).unwrap_or(u64::MAX),
            });
        }
        self.path.push(name.to_owned());
        self.text.clear();
        Ok(())
    }
}

/// Some hosts escape the UTF-8 bytes of a name and then the ampersands again (`&amp;#xE4;&amp;#xBD;…`).
fn file_name(text: &str) -> EncodedText {
    undo_double_escape(text).map_or_else(|| EncodedText::new(text), EncodedText::new)
}

/// The text behind references to bytes, where these are sound UTF-8.
fn undo_double_escape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("&#x") {
        let (digits, after) = after.split_once(';')?;
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

fn malformed(offset: u64, detail: String) -> ParseError {
    ParseError::Malformed {
        what: WHAT,
        offset,
        detail,
    }
}

fn truncated(have: usize) -> ParseError {
    let have = u64::try_from(have).unwrap_or(u64::MAX);
    ParseError::Truncated {
        what: WHAT,
        offset: 0,
        need: have.saturating_add(1),
        have,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ExtendedConfig> {
        ExtendedConfig::read(text.as_bytes(), &Limits::default())
    }

    #[test]
    fn reads_id_and_path_of_the_vm() {
        let config = read(
            "<?xml version=\"1.0\"?>\n<Foundry>\n<VM>\n<VMId type=\"string\">52 bb 00 73 da d0 a0 c7-ad 14 03 81 13 03 \
             ed fe</VMId>\n<ClientMetaData><clientMetaDataAttributes/></ClientMetaData>\n\
             <vmxPathName type=\"string\">a &amp; b.vmx</vmxPathName></VM></Foundry>\n",
        )
        .unwrap();
        assert_eq!(config.vmx_path, Some("a & b.vmx".into()));
        assert_eq!(
            config.vm_id.and_then(|id| id.uuid).map(|id| id.to_string()).as_deref(),
            Some("52bb0073-dad0-a0c7-ad14-03811303edfe")
        );
    }

    #[test]
    fn what_else_a_file_tells_is_kept() {
        let config = read(
            "<Foundry><VM><VMId>1</VMId><tools-install-info><installError>0</installError><updateCounter> 3 \
             </updateCounter></tools-install-info><tools-manifest><version>11</version></tools-manifest></VM></Foundry>",
        );
        let told = config.unwrap().others;
        let told: Vec<_> = told
            .iter()
            .map(|other| (other.element.as_str(), other.text.as_str()))
            .collect();
        let expected = [
            ("tools-install-info/installError", "0"),
            ("tools-install-info/updateCounter", "3"),
            ("tools-manifest/version", "11"),
        ];
        assert_eq!(told, expected);
        let many = format!("<Foundry><VM>{}</VM></Foundry>", "<a>x</a>".repeat(1000));
        assert_eq!(read(&many).unwrap().others.len(), MAX_OTHERS);
    }

    #[test]
    fn a_name_that_was_escaped_twice_is_restored() {
        let config = read(
            "<Foundry><VM><vmxPathName>CentOS 7 64 &amp;#xE4;&amp;#xBD;&amp;#x8D;.vmx</vmxPathName></VM></Foundry>",
        );
        assert_eq!(config.unwrap().vmx_path, Some("CentOS 7 64 位.vmx".into()));
    }

    #[test]
    fn refuses_document_types_other_xml_and_torn_files() {
        assert_eq!(
            read("<!DOCTYPE a [<!ENTITY b \"c\">]><Foundry/>"),
            Err(malformed(30, "has a document type".to_owned()))
        );
        assert_eq!(read("<html/>"), Err(malformed(0, "has no Foundry element".to_owned())));
        assert!(matches!(
            read("<Foundry><VM>"),
            Err(ParseError::Truncated { have: 13, .. })
        ));
        assert!(matches!(read(""), Err(ParseError::Truncated { have: 0, .. })));
        assert!(matches!(
            read(&"<a>".repeat(100)),
            Err(ParseError::LimitExceeded {
                value: 64,
                limit: 64,
                ..
            })
        ));
    }
}
