//! What the XML readers share: references resolved without a document type, attributes unescaped.

use quick_xml::events::{BytesRef, BytesStart};

/// A character reference or one of the five entities of XML; any other stays as it is written.
pub(super) fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    let name: &str = reference;
    match quick_xml::escape::resolve_predefined_entity(name) {
        Some(text) => text.to_owned(),
        None => format!("&{name};"),
    }
}

/// The value of an attribute, its references resolved.
pub(super) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let value = start.try_get_attribute(name).ok().flatten()?.value;
    match quick_xml::escape::unescape(&value) {
        Ok(plain) => Some(plain.into_owned()),
        Err(_) => Some(value.into_owned()),
    }
}
