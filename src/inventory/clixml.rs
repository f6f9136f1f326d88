//! CLIXML, which `Export-Clixml` writes, as JSON values: what an object holds becomes its members, so that one reader
//! serves `ConvertTo-Json`, `Export-Csv` and `Export-Clixml` alike.
//!
//! `Props` holds an object's own properties and `MS` those that a script added; `LST`, `IE`, `STK` and `QUE` are lists,
//! `DCT` a dictionary; an enumeration is its `ToString`. An object of which only the `ToString` was written was cut at
//! the depth of the export: it becomes text, which [`super::json::Json::is_flattened`] tells from an object (S: the
//! PowerShell remoting protocol, MS-PSRP 2.2.5).

use std::collections::HashMap;

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use serde_json::{Map, Value};

use super::{
    files::ImportError,
    json::Documents,
    xml::{attribute, resolved},
};

/// Deepest nesting of objects. `Export-Clixml` refuses more than 48 levels.
const MAX_DEPTH: usize = 256;
/// Largest object that a later reference repeats; larger ones are named by their text alone.
const MAX_REPEATED_VALUES: usize = 32;
/// Most references that are resolved, so that they cannot multiply a file.
const MAX_REFERENCES: usize = 1_000_000;

/// The text begins like CLIXML.
pub(super) fn is_clixml(head: &str) -> bool {
    let start: String = head.chars().take(1024).collect();
    start.trim_start().starts_with('<') && start.contains("<Objs")
}

/// Reads all objects of a text. What comes after the first mistake is left out.
pub(super) fn documents(text: &str) -> Result<Documents<'static>, ImportError> {
    let mut reader = Reader::from_str(text);
    let mut builder = Builder::default();
    let damage = loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => builder.open(&start),
            Ok(Event::Empty(start)) => {
                builder.open(&start);
                builder.close();
            }
            Ok(Event::End(_)) => builder.close(),
            Ok(Event::Text(content)) => builder.text(&content),
            Ok(Event::CData(content)) => builder.text(&content),
            Ok(Event::GeneralRef(reference)) => builder.text(&resolved(&reference)),
            Ok(Event::DocType(_)) => {
                return Err(ImportError::Damaged(
                    "it has a document type, which PowerShell does not write".to_owned(),
                ));
            }
            Ok(Event::Eof) => {
                break builder
                    .is_open()
                    .then(|| "the text breaks off before </Objs>".to_owned());
            }
            Ok(_) => {}
            Err(error) => break Some(error.to_string()),
        }
        if builder.open.len() > MAX_DEPTH {
            return Err(ImportError::TooLarge(format!(
                "it nests more than {MAX_DEPTH} objects in each other"
            )));
        }
    };
    Ok(Documents::of(builder.finish(), damage))
}

/// What an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    /// `Objs`, `Props`, `MS`, `DCT`: what is in it belongs to the object around it.
    Transparent,
    /// A list.
    List,
    /// `Obj`.
    Object,
    /// An entry of a dictionary.
    Entry,
    /// `ToString`.
    Text,
    /// `Ref`.
    Reference,
    /// A single value.
    Scalar(Scalar),
    /// Type names, which are not needed.
    Skipped,
}

/// How a single value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scalar {
    Text,
    Number,
    Truth,
    Null,
}

impl Element {
    fn of(name: &str) -> Self {
        match name {
            "Objs" | "Props" | "MS" | "DCT" => Self::Transparent,
            "LST" | "IE" | "STK" | "QUE" => Self::List,
            "Obj" => Self::Object,
            "En" => Self::Entry,
            "ToString" => Self::Text,
            "Ref" => Self::Reference,
            "TN" | "TNRef" | "T" => Self::Skipped,
            "Nil" => Self::Scalar(Scalar::Null),
            "B" => Self::Scalar(Scalar::Truth),
            "SB" | "By" | "I16" | "U16" | "I32" | "U32" | "I64" | "U64" | "Sg" | "Db" | "D" => {
                Self::Scalar(Scalar::Number)
            }
            _ => Self::Scalar(Scalar::Text),
        }
    }
}

/// An element that is open.
#[derive(Debug)]
struct Open {
    element: Element,
    /// `N`: the property that it is of the object around it.
    name: Option<String>,
    /// `RefId`.
    reference: Option<String>,
    text: String,
    members: Map<String, Value>,
    items: Vec<Value>,
    is_list: bool,
    to_string: Option<String>,
    single: Option<Value>,
}

/// Builds values from elements.
#[derive(Debug, Default)]
struct Builder {
    open: Vec<Open>,
    /// Small objects by their `RefId`.
    known: HashMap<String, Value>,
    references: usize,
    values: Vec<Value>,
}

impl Builder {
    fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    fn open(&mut self, start: &BytesStart<'_>) {
        self.open.push(Open {
            element: Element::of(start.local_name().as_ref()),
            name: attribute(start, "N").map(|name| unescape(&name)),
            reference: attribute(start, "RefId"),
            text: String::new(),
            members: Map::new(),
            items: Vec::new(),
            is_list: false,
            to_string: None,
            single: None,
        });
    }

    fn text(&mut self, content: &str) {
        if let Some(open) = self
            .open
            .last_mut()
            .filter(|open| matches!(open.element, Element::Scalar(_) | Element::Text))
        {
            open.text.push_str(content);
        }
    }

    fn close(&mut self) {
        let Some(closed) = self.open.pop() else { return };
        match closed.element {
            Element::Skipped => {}
            Element::Text => {
                if let Some(around) = self.open.last_mut() {
                    around.to_string = Some(unescape(&closed.text));
                }
            }
            Element::Transparent | Element::List => self.merge(closed),
            Element::Entry => self.entry(closed),
            Element::Object => {
                let (name, reference) = (closed.name.clone(), closed.reference.clone());
                let value = object(closed);
                if let Some(reference) = reference.filter(|_| count(&value) <= MAX_REPEATED_VALUES) {
                    self.known.insert(reference, value.clone());
                }
                self.put(name, value, false);
            }
            Element::Reference => {
                self.references = self.references.saturating_add(1);
                let known = closed
                    .reference
                    .as_ref()
                    .and_then(|reference| self.known.get(reference));
                let value = known.filter(|_| self.references <= MAX_REFERENCES).cloned();
                self.put(closed.name, value.unwrap_or(Value::Null), false);
            }
            Element::Scalar(kind) => {
                let value = scalar(kind, &closed.text);
                self.put(closed.name, value, true);
            }
        }
    }

    /// Puts what a transparent element or a list gathered into the object around it.
    fn merge(&mut self, closed: Open) {
        let Some(around) = self.open.last_mut() else {
            self.values.extend(closed.items);
            return;
        };
        around.is_list |= closed.is_list || closed.element == Element::List;
        around.members.extend(closed.members);
        around.items.extend(closed.items);
    }

    /// Puts an entry of a dictionary: its key is the name of its value.
    fn entry(&mut self, mut closed: Open) {
        let key = closed.members.get("Key").and_then(Value::as_str).map(str::to_owned);
        let value = closed.members.remove("Value").unwrap_or(Value::Null);
        if let (Some(around), Some(key)) = (self.open.last_mut(), key) {
            around.members.insert(key, value);
        }
    }

    fn put(&mut self, name: Option<String>, value: Value, is_single: bool) {
        let Some(around) = self.open.last_mut() else {
            self.values.push(value);
            return;
        };
        match name {
            Some(name) => {
                around.members.insert(name, value);
            }
            None if is_single && around.element == Element::Object => around.single = Some(value),
            None => around.items.push(value),
        }
    }

    /// The values, those of a list at the top one by one. What is still open is left out: it is not whole.
    fn finish(mut self) -> Vec<Value> {
        if let Some(objects) = self.open.first_mut() {
            self.values.append(&mut objects.items);
        }
        self.values
    }
}

/// What an object is: a list, its members, one value, or the text that is left of it.
fn object(closed: Open) -> Value {
    if closed.is_list && (closed.members.is_empty() || !closed.items.is_empty()) {
        return Value::Array(closed.items);
    }
    if !closed.members.is_empty() {
        return Value::Object(closed.members);
    }
    match (closed.to_string, closed.single) {
        // An enumeration: its name says more than its number.
        (Some(text), Some(Value::Number(_)) | None) => Value::String(text),
        (_, Some(value)) => value,
        (None, None) => Value::Null,
    }
}

/// How many values are in a value, counted up to a few more than are asked for.
fn count(value: &Value) -> usize {
    let parts: usize = match value {
        Value::Array(items) if items.len() <= MAX_REPEATED_VALUES => items.iter().map(count).sum(),
        Value::Object(members) if members.len() <= MAX_REPEATED_VALUES => members.values().map(count).sum(),
        Value::Array(_) | Value::Object(_) => MAX_REPEATED_VALUES,
        _ => 0,
    };
    parts.saturating_add(1)
}

fn scalar(kind: Scalar, text: &str) -> Value {
    match kind {
        Scalar::Null => Value::Null,
        Scalar::Truth => Value::Bool(text.trim().eq_ignore_ascii_case("true")),
        Scalar::Number => {
            let number = text.trim().parse::<serde_json::Number>();
            number.map_or_else(|_| Value::String(text.to_owned()), Value::Number)
        }
        Scalar::Text => Value::String(unescape(text)),
    }
}

/// Undoes `_x000A_`: UTF-16 units that XML cannot hold, or an underscore before what looks like one.
fn unescape(text: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let (before, after) = rest.split_at(at);
        if !before.is_empty() {
            flush(&mut units, &mut plain);
            plain.push_str(before);
        }
        let code = after.get(2..6).and_then(|code| u16::from_str_radix(code, 16).ok());
        if let Some(unit) = code.filter(|_| after.get(6..7) == Some("_")) {
            units.push(unit);
            rest = after.get(7..).unwrap_or_default();
        } else {
            flush(&mut units, &mut plain);
            plain.push_str("_x");
            rest = after.get(2..).unwrap_or_default();
        }
    }
    flush(&mut units, &mut plain);
    plain.push_str(rest);
    plain
}

fn flush(units: &mut Vec<u16>, plain: &mut String) {
    plain.push_str(&String::from_utf16_lossy(units));
    units.clear();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(inner: &str) -> Vec<Value> {
        documents(&format!("<Objs Version=\"1.1.0.1\">{inner}</Objs>"))
            .unwrap()
            .collect()
    }

    #[test]
    fn objects_lists_dictionaries_and_enumerations() {
        let text = r#"<Obj RefId="0"><TN RefId="0"><T>X</T></TN><ToString>x</ToString><Props>
            <S N="Path">C:\a &amp; b_x000A_c_x005F_x</S><Nil N="None"/><I32 N="Number">7</I32><B N="Truth">true</B>
            <Obj N="Kind" RefId="1"><TNRef RefId="1"/><ToString>SCSI</ToString><I32>1</I32></Obj>
            <Obj N="List" RefId="2"><LST><S>p</S><Obj RefId="3"><MS><S N="q">r</S></MS></Obj></LST></Obj>
            <Obj N="Map" RefId="4"><DCT><En><S N="Key">k</S><S N="Value">v</S></En></DCT></Obj>
            <Obj N="Cut" RefId="5"><ToString>Microsoft.X</ToString></Obj><Ref N="Again" RefId="3"/>
            </Props></Obj><S>alone</S>"#;
        assert_eq!(
            values(text),
            [
                json!({"Path": "C:\\a & b\nc_x", "None": null, "Number": 7, "Truth": true, "Kind": "SCSI",
                    "List": ["p", {"q": "r"}], "Map": {"k": "v"}, "Cut": "Microsoft.X", "Again": {"q": "r"}}),
                json!("alone")
            ]
        );
    }

    #[test]
    fn an_empty_list_stays_a_list() {
        assert_eq!(
            values(r#"<Obj RefId="0"><MS><Obj N="Snapshots" RefId="1"><LST/></Obj><I32 N="a">1</I32></MS></Obj>"#),
            [json!({"Snapshots": [], "a": 1})]
        );
    }

    #[test]
    fn what_is_whole_before_a_break_stays() {
        let mut found =
            documents(r#"<Objs><Obj RefId="0"><MS><S N="a">b</S></MS></Obj><Obj RefId="1"><MS><S N="a">c"#).unwrap();
        assert_eq!(found.by_ref().collect::<Vec<_>>(), [json!({"a": "b"})]);
        assert!(found.damage.is_some());
    }

    #[test]
    fn a_document_type_and_nesting_without_end_are_refused() {
        let entities = r#"<!DOCTYPE x [<!ENTITY a "b">]><Objs><S>&a;</S></Objs>"#;
        assert!(matches!(documents(entities), Err(ImportError::Damaged(_))));
        let nested = format!("<Objs>{}", "<Obj><LST>".repeat(10_000));
        assert!(matches!(documents(&nested), Err(ImportError::TooLarge(_))));
    }

    #[test]
    fn references_cannot_multiply_a_file() {
        // Each object repeats the one before it twice.
        let mut text = r#"<Obj RefId="0"><LST><S>x</S></LST></Obj>"#.to_owned();
        for at in 1..40 {
            let twice = format!(r#"<Ref RefId="{}"/>"#, at - 1).repeat(2);
            text = format!(r#"{text}<Obj RefId="{at}"><LST>{twice}</LST></Obj>"#);
        }
        let found = values(&text);
        assert!(
            found
                .iter()
                .map(count)
                .all(|count| count <= 2 * MAX_REPEATED_VALUES + 1)
        );
    }

    #[test]
    fn pairs_of_units_are_one_character() {
        assert_eq!(unescape("_xD83D__xDE00_!_x"), "😀!_x");
        assert_eq!(unescape("a_xZZZZ_ä_x00"), "a_xZZZZ_ä_x00");
    }
}
