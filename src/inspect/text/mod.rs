//! An inspection for people: one fact a line, keys aligned, everything from the file escaped.

use std::{
    borrow::Cow,
    fmt,
    io::{self, Write},
};

use derelict_parsers::vmdk::SECTOR_BYTES;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use super::Inspection;
use crate::{
    facts::Facts,
    read::{Key, KeyType},
    report::show,
    sanitize,
};

/// How much is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Long lists and values are cut, and what is left out is counted.
    Short,
    /// Everything.
    Whole,
}

/// Writes an inspection for people: one fact a line, keys aligned, everything from the file escaped.
///
/// # Errors
/// What writing said.
pub fn render_text(inspection: &Inspection, length: Length, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", sanitize::path(&inspection.path))?;
    let name = |value: Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
    let kind = name(inspection.kind.and_then(|kind| serde_json::to_value(kind).ok()));
    let basis = name(inspection.basis.and_then(|basis| serde_json::to_value(basis).ok()));
    let other = if inspection.catalogue.is_some() {
        "saved catalogue"
    } else {
        "ordinary file"
    };
    let detail = inspection.kind_detail.map(|detail| format!(" ({detail})"));
    let kind = kind.as_deref().unwrap_or(other);
    writeln!(out, "  kind    {kind}{}", detail.unwrap_or_default())?;
    if let Some(basis) = basis {
        writeln!(out, "  basis   {basis}")?;
    }
    writeln!(out, "  length  {}", length_of(inspection.length))?;
    if let Some(error) = &inspection.error {
        writeln!(out, "  error   {}", sanitize::text(error))?;
    }
    let anomalies = serde_json::to_value(&inspection.anomalies).unwrap_or_default();
    let style = Style {
        length,
        told_below: anomalies.as_array().map_or(&[], Vec::as_slice),
    };
    let file_system = serde_json::to_value(&inspection.file_system).unwrap_or_default();
    style.section(out, "file_system", &file_system)?;
    let mut catalogue = serde_json::to_value(&inspection.catalogue).unwrap_or_default();
    if length == Length::Short {
        count_long_lists(&mut catalogue);
    }
    style.section(out, "catalogue", &catalogue)?;
    style.section_of(out, "facts", &inspection.facts)?;
    let contents = serde_json::to_value(&inspection.contents).unwrap_or_default();
    style.section(out, "contents", &contents)?;
    style.section(out, "allocation", &allocation_of(inspection))?;
    style.section_of(out, "evidence", &Facts::of(&inspection.evidence))?;
    let style = Style {
        told_below: &[],
        ..style
    };
    style.section(out, "anomalies", &anomalies)?;
    let backings = serde_json::to_value(&inspection.other_backings).unwrap_or_default();
    style.section(out, "other_backings", &backings)?;
    keys(out, inspection, length)
}

/// A length in bytes, and in a larger unit where that says more.
fn length_of(bytes: u64) -> String {
    let unit = (bytes >= 1024).then(|| format!(" ({})", show::bytes(bytes)));
    format!("{bytes} bytes{}", unit.unwrap_or_default())
}

/// What is allocated, with the size of the disk that it is a part of. A disk without blocks has no count of them.
fn allocation_of(inspection: &Inspection) -> Value {
    let mut allocation = inspection.allocation.clone();
    if let Some(fields) = allocation.as_object_mut() {
        let disk = inspection.evidence.disk.as_ref();
        if let Some(bytes) = disk.and_then(|disk| disk.virtual_bytes) {
            fields.entry("virtual_bytes").or_insert_with(|| bytes.into());
        }
        if fields.get("block_size_bytes").and_then(Value::as_u64) == Some(0) {
            fields.remove("block_size_bytes");
            fields.remove("blocks");
        }
    }
    allocation
}

/// Elements that are shown of a list and keys that are listed unless all are asked for: more than most files hold.
const SHOWN_OF_LIST: usize = 500;

/// Lists the keys, each after its type or, in a text file, after the number of its line. The keys that hold keys are
/// seen in the paths of those.
fn keys(out: &mut dyn Write, inspection: &Inspection, length: Length) -> io::Result<()> {
    if inspection.keys.is_empty() {
        return Ok(());
    }
    writeln!(out, "  keys")?;
    let limit = match length {
        Length::Short => SHOWN_OF_LIST,
        Length::Whole => usize::MAX,
    };
    let mut after = inspection.keys.iter().skip(1);
    let listed = inspection.keys.iter().filter(|key| {
        let above = after.next().is_some_and(|next| is_below(next, key));
        key.kind != KeyType::Node || !above
    });
    let mut unlisted = 0_usize;
    for (place, key) in listed.enumerate() {
        if place < limit {
            one_key(out, key, length)?;
        } else {
            unlisted = unlisted.saturating_add(1);
        }
    }
    if unlisted > 0 {
        writeln!(out, "    … and {unlisted} more: --verbose or -f json lists them all")?;
    }
    if inspection.keys_left_out > 0 {
        let left_out = inspection.keys_left_out;
        writeln!(
            out,
            "    … and {left_out} more that are not kept: more than any real file holds"
        )?;
    }
    Ok(())
}

/// True for a key that hangs below another.
fn is_below(key: &Key, above: &Key) -> bool {
    key.key
        .strip_prefix(&above.key)
        .is_some_and(|rest| rest.starts_with('/'))
}

fn one_key(out: &mut dyn Write, key: &Key, length: Length) -> io::Result<()> {
    match key.line {
        Some(line) => write!(out, "    {line:>5}")?,
        None => write!(
            out,
            "    {:7}",
            plain(&serde_json::to_value(key.kind).unwrap_or_default())
        )?,
    }
    if key.kind == KeyType::Malformed {
        write!(out, "  breaks the grammar:")?;
    } else {
        write!(out, "  {}", sanitize::text(&key.key))?;
    }
    match &key.value {
        Value::Null => writeln!(out),
        Value::String(text) if text.is_empty() => writeln!(out),
        Value::Object(fields) if fields.contains_key("length") => writeln!(out, "  {}", binary(fields, length)),
        value => writeln!(out, "  {}", cut(value, length)),
    }
}

/// Bytes by their number, place, hash and beginning.
fn binary(fields: &Map<String, Value>, length: Length) -> String {
    /// Digits that are shown of the beginning.
    const SHOWN: usize = 64;
    let cut = |hex: String| match hex.get(..SHOWN) {
        Some(beginning) if length == Length::Short && hex.len() > SHOWN => format!("{beginning}…"),
        _ => hex,
    };
    let told = |name: &str| fields.get(name).map(plain);
    let parts = [
        told("number").map(|number| format!("of type {number}")),
        told("length").map(|length| format!("{length} bytes")),
        told("offset").map(|offset| format!("at {offset}")),
        told("hex")
            .filter(|hex| !hex.is_empty())
            .map(|hex| format!("from {}", cut(hex))),
        told("blake3").map(|hash| format!("BLAKE3 {hash}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A value on one line; a long text is cut.
fn cut(value: &Value, length: Length) -> String {
    /// Characters that are shown of a text.
    const SHOWN: usize = 300;
    let text = value.as_str().or_else(|| value.get("text")?.as_str());
    let Some(text) = text else { return plain(value) };
    let characters = text.chars().count();
    if length == Length::Whole || characters <= SHOWN {
        return sanitize::text(text).into_owned();
    }
    let beginning: String = text.chars().take(SHOWN).collect();
    format!("{}… ({characters} characters)", sanitize::text(&beginning))
}

/// Puts its length in the place of every long list.
fn count_long_lists(value: &mut Value) {
    /// Elements of a list that is shown.
    const SHOWN: usize = 20;
    match value {
        Value::Array(items) if items.len() > SHOWN => {
            let text = format!("{}: --verbose or -f json lists them all", items.len());
            *value = Value::String(text);
        }
        Value::Array(items) => items.iter_mut().for_each(count_long_lists),
        Value::Object(fields) => fields.values_mut().for_each(count_long_lists),
        _ => {}
    }
}

/// Nothing worth a line: absent values, empty lists and what holds only such.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_blank),
        _ => false,
    }
}

/// How facts are written.
#[derive(Clone, Copy)]
struct Style<'a> {
    length: Length,
    /// Anomalies that have a section of their own: they are left out elsewhere.
    told_below: &'a [Value],
}

/// JSON text longer than this is made a tree of values piece by piece: as a whole the tree takes ten times its memory.
const LONG_BYTES: usize = 64 << 10;

impl Style<'_> {
    fn section_of(&self, out: &mut dyn Write, title: &str, facts: &Facts) -> io::Result<()> {
        let mut lines = Vec::new();
        self.text(&mut lines, 4, &facts.text())?;
        if lines.is_empty() {
            return Ok(());
        }
        writeln!(out, "  {title}")?;
        out.write_all(&lines)
    }

    /// Writes what JSON text says, as [`Style::nested`].
    fn text(&self, out: &mut dyn Write, indent: usize, json: &str) -> io::Result<()> {
        if is_long(json) {
            if let Ok(fields) = serde_json::from_str(json) {
                return self.long_object(out, indent, &fields);
            }
            if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json) {
                let items = items.iter().map(|item| Cow::Owned(value_of(item.get())));
                return self.list(out, indent, items);
            }
        }
        let value = value_of(json);
        if is_blank(&value) {
            return Ok(());
        }
        self.nested(out, indent, &value)
    }

    fn long_object(&self, out: &mut dyn Write, indent: usize, Fields(fields): &Fields<'_>) -> io::Result<()> {
        let is_apart = |key: &str, json: &str| key != "anomalies" && is_long(json);
        let mut values = Map::new();
        for (key, json) in fields {
            if !is_apart(key, json.get()) {
                values.insert(key.clone(), value_of(json.get()));
            }
        }
        let shown = || {
            let is_shown = |key: &str| values.get(key).is_none_or(|value| self.is_shown(key, value));
            fields.iter().filter(move |(key, _)| is_shown(key))
        };
        let width = shown().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
        shown().try_for_each(|(key, json)| {
            if let Some(value) = values.get(key) {
                let scalar = told(key, value, &values, self.length);
                self.field(out, indent, width, &sanitize::text(key), value, &scalar)
            } else {
                writeln!(out, "{:indent$}{}", "", sanitize::text(key))?;
                self.text(out, indent.saturating_add(2), json.get())
            }
        })
    }

    fn section(&self, out: &mut dyn Write, title: &str, value: &Value) -> io::Result<()> {
        if is_blank(value) {
            return Ok(());
        }
        let mut lines = Vec::new();
        self.nested(&mut lines, 4, value)?;
        if lines.is_empty() {
            return Ok(());
        }
        writeln!(out, "  {title}")?;
        out.write_all(&lines)
    }

    /// Worth a line, and not written in the section of the anomalies.
    fn is_shown(&self, key: &str, value: &Value) -> bool {
        let is_told = match (key, value) {
            ("anomalies", Value::Array(items)) => items.iter().all(|item| self.told_below.contains(item)),
            ("damage", value) => self.told_below.contains(value),
            _ => false,
        };
        !is_told && !is_blank(value)
    }

    /// Elements of a list that are shown.
    fn limit(&self) -> usize {
        match self.length {
            Length::Short => SHOWN_OF_LIST,
            Length::Whole => usize::MAX,
        }
    }

    /// Writes an object or list, each line indented by `indent` blanks.
    fn nested(&self, out: &mut dyn Write, indent: usize, value: &Value) -> io::Result<()> {
        match value {
            Value::Object(fields) => {
                let beside = fields.get("anomalies").and_then(Value::as_array);
                let is_told = |key: &str, value: &Value| {
                    key == "damage" && beside.is_some_and(|anomalies| anomalies.contains(value))
                };
                let shown = || {
                    let is_shown = |key: &str, value: &Value| self.is_shown(key, value) && !is_told(key, value);
                    fields.iter().filter(move |(key, value)| is_shown(key, value))
                };
                let width = shown().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
                shown().try_for_each(|(key, value)| {
                    let scalar = told(key, value, fields, self.length);
                    self.field(out, indent, width, &sanitize::text(key), value, &scalar)
                })
            }
            Value::Array(items) => self.list(out, indent, items.iter().map(Cow::Borrowed)),
            scalar => writeln!(out, "{:indent$}{}", "", cut(scalar, self.length)),
        }
    }

    fn list<'v>(
        &self,
        out: &mut dyn Write,
        indent: usize,
        items: impl ExactSizeIterator<Item = Cow<'v, Value>> + Clone,
    ) -> io::Result<()> {
        let limit = self.limit();
        let count = items.len();
        let mut shown = items.take(limit);
        if shown.clone().all(|item| pair(&item).is_some()) {
            let width = |item: Cow<'_, Value>| pair(&item).map_or(0, |(key, _)| key.chars().count());
            let width = shown.clone().map(width).max().unwrap_or(0);
            for item in shown {
                let Some((key, value)) = pair(&item) else { continue };
                let scalar = cut(value, self.length);
                self.field(out, indent, width, &sanitize::text(key), value, &scalar)?;
            }
        } else {
            shown.try_for_each(|item| self.element(out, indent, &item))?;
        }
        match count.checked_sub(limit) {
            None | Some(0) => Ok(()),
            Some(more) => writeln!(
                out,
                "{:indent$}… and {more} more: --verbose or -f json lists them all",
                ""
            ),
        }
    }

    fn field(
        &self,
        out: &mut dyn Write,
        indent: usize,
        width: usize,
        key: &str,
        value: &Value,
        scalar: &str,
    ) -> io::Result<()> {
        if value.is_object() || value.is_array() {
            writeln!(out, "{:indent$}{key}", "")?;
            return self.nested(out, indent.saturating_add(2), value);
        }
        writeln!(out, "{:indent$}{key:width$}  {scalar}", "")
    }

    /// An element of a list begins with a hyphen; its further lines stand below its first.
    fn element(&self, out: &mut dyn Write, indent: usize, value: &Value) -> io::Result<()> {
        let mut lines = Vec::new();
        self.nested(&mut lines, indent.saturating_add(2), value)?;
        if let Some(hyphen) = lines.get_mut(indent) {
            *hyphen = b'-';
        }
        out.write_all(&lines)
    }
}

/// The fields of an object in their order, as JSON text.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// True for the text of a list or an object that is not made a tree at once.
fn is_long(json: &str) -> bool {
    json.len() > LONG_BYTES && json.starts_with(['[', '{'])
}

fn value_of(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

/// A line of a file: `{key, value}` and nothing else.
fn pair(value: &Value) -> Option<(&str, &Value)> {
    let fields = value.as_object().filter(|fields| fields.len() == 2)?;
    let value = fields
        .get("value")
        .filter(|value| !value.is_array() && !value.is_object())?;
    Some((fields.get("key")?.as_str()?, value))
}

/// A fact in the form in which its readers know it: sizes with a unit, a share of the disk, content ids in hex, versions
/// and flags by their parts.
fn told(key: &str, value: &Value, beside: &Map<String, Value>, length: Length) -> String {
    /// Sizes that are a part of `virtual_bytes`.
    const PARTS: [&str; 3] = ["allocated_bytes", "zeroed_bytes", "unmapped_bytes"];
    let Some(number) = value.as_u64() else {
        return cut(value, length);
    };
    match key {
        // Of an extent; the geometry of a disk has sectors too.
        "sectors" if beside.contains_key("access") => return size_of_sectors(number),
        "cid" | "parent_cid" => return format!("{number:08x}"),
        // The two content ids of a line of a log.
        "first" | "second" if beside.contains_key("at") => return format!("{number:08x}"),
        // The place of an anomaly.
        "offset" if beside.contains_key("code") => return format!("{number:#x}"),
        // The signature of a state file.
        "magic" => return format!("{number:#010x}"),
        _ => {}
    }
    if let Some(meaning) = meaning(key, number, beside) {
        return format!("{number} ({meaning})");
    }
    let bytes = if key.ends_with("offset_bytes") {
        return format!("{number} ({number:#x})");
    } else if key.ends_with("_bytes") {
        Some(number)
    } else if key.ends_with("_sectors") {
        number.checked_mul(SECTOR_BYTES)
    } else {
        None
    };
    let Some(size) = bytes.filter(|bytes| *bytes >= 1024).map(show::bytes) else {
        return plain(value);
    };
    let whole = beside.get("virtual_bytes").and_then(Value::as_u64);
    match whole.filter(|whole| *whole > 0 && PARTS.contains(&key)) {
        Some(whole) => {
            let tenths = u128::from(number) * 1000 / u128::from(whole);
            format!("{number} ({size}, {}.{} %)", tenths / 10, tenths % 10)
        }
        None => format!("{number} ({size})"),
    }
}

fn size_of_sectors(number: u64) -> String {
    let size = number.checked_mul(SECTOR_BYTES).filter(|bytes| *bytes >= 1024);
    size.map_or_else(
        || number.to_string(),
        |bytes| format!("{number} ({})", show::bytes(bytes)),
    )
}

/// What an odd number stands for.
fn meaning(key: &str, number: u64, beside: &Map<String, Value>) -> Option<String> {
    let format = beside.get("format").and_then(Value::as_str);
    match key {
        "gd_offset_sectors" if number == u64::MAX => Some("at the end of the file".to_owned()),
        "version" if format == Some("vdi") => Some(format!("{}.{}", number >> 16_u32, number & 0xffff)),
        "version" if format == Some("qcow2") && number == 1 => Some("qcow".to_owned()),
        "encryption" if format == Some("qcow2") && number > 0 => {
            Some(if number == 1 { "AES" } else { "LUKS" }.to_owned())
        }
        "creator_version" if number > 9 => Some(format!("{number:#010x}")),
        // Of a COWD extent: so far the file is in use.
        "free_sector" => number.checked_mul(SECTOR_BYTES).map(show::bytes),
        "version" if format == Some("sesparse") => {
            Some(format!("{}.{}", number >> 32_u32, number & u64::from(u32::MAX)))
        }
        // Of a HyperVStorage container: 0x0400 is 4.0.
        "format_version" if beside.contains_key("replay_log_offset") => {
            Some(format!("{}.{}", number >> 8_u32, number & 0xff))
        }
        "flags" | "offset" | "end_offset" | "replay_log_offset" if number > 9 => Some(format!("{number:#x}")),
        "compression" if number == 1 => Some("deflate".to_owned()),
        _ => None,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => sanitize::text(text).into_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
