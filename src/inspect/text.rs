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
        self.text(&mut lines, 4, facts.as_str())?;
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
mod tests {
    use derelict_parsers::{
        DiskKind,
        testkit::{foreign as testkit, regf::HiveKey, vhd::VhdBuilder},
    };

    use super::*;
    use crate::inspect::inspect;

    fn rendered(name: &str, content: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let mut inspection = inspect(&path).unwrap();
        inspection.path = name.into();
        let mut out = Vec::new();
        render_text(&inspection, Length::Short, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn written(facts: &Value, length: Length) -> String {
        let style = Style {
            length,
            told_below: &[],
        };
        let mut out = Vec::new();
        style.nested(&mut out, 0, facts).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn facts_are_aligned_and_lists_have_hyphens() {
        let text = rendered(
            "a.vmdk",
            b"# Disk DescriptorFile\nversion=1\nCID=0000000a\nparentCID=ffffffff\ncreateType=\"vmfs\"\nRW 8 VMFS \"a-flat.vmdk\"\n",
        );
        assert!(
            text.starts_with("a.vmdk\n  kind    vmdk-descriptor\n  basis   both\n"),
            "{text}"
        );
        assert!(text.contains("\n    cid           0000000a\n"), "{text}");
        assert!(
            text.contains("\n      - role    extent\n        target  a-flat.vmdk\n"),
            "{text}"
        );
    }

    #[test]
    fn what_the_file_system_says_is_told_with_units_and_times() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(1 << 20).unwrap();
        let time: jiff::Timestamp = "2024-05-06T07:08:09Z".parse().unwrap();
        file.set_modified(time.into()).unwrap();
        drop(file);
        std::fs::hard_link(&path, folder.path().join("b.txt")).unwrap();
        let inspection = inspect(&path).unwrap();
        let told = inspection.file_system.as_ref().unwrap();
        assert_eq!((told.links, told.modified), (2, Some(time)));
        assert!(told.inode.is_some() && !told.read_only);
        let mut out = Vec::new();
        render_text(&inspection, Length::Short, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("\n  length  1048576 bytes (1.0 MiB)\n  file_system\n"),
            "{text}"
        );
        assert!(text.contains("2024-05-06T07:08:09Z\n"), "{text}");
        let json = serde_json::to_value(&inspection).unwrap();
        assert_eq!(json["file_system"]["modified"], "2024-05-06T07:08:09Z");
        assert_eq!(json["file_system"]["links"], 2);
    }

    #[test]
    fn long_facts_are_written_piece_by_piece_as_they_are_at_once() {
        let extents: Vec<_> = (0..2000)
            .map(|n| serde_json::json!({"access": "RW", "sectors": n, "name": format!("disk-s{n:05}.vmdk"), "none": null}))
            .collect();
        let lines: Vec<_> = (0..3000)
            .map(|n| serde_json::json!({"key": format!("ddb.comment{n}"), "value": "x".repeat(30)}))
            .collect();
        let inner = serde_json::json!({"cid": 10, "extents": extents, "ddb": lines, "empty": []});
        let facts = serde_json::json!({"format": "sparse", "descriptor": inner, "text": "y".repeat(100_000)});
        let text = facts.to_string();
        assert!(is_long(&text));
        for length in [Length::Short, Length::Whole] {
            let style = Style {
                length,
                told_below: &[],
            };
            let mut out = Vec::new();
            style.text(&mut out, 0, &text).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), written(&facts, length));
        }
    }

    #[test]
    fn a_hive_and_what_goes_with_another_file_are_told_as_what_they_are() {
        let names = ["Groups", "Nodes", "Resources"];
        let root = HiveKey::new("Cluster");
        let hive = names
            .iter()
            .fold(root, |root, name| root.key(HiveKey::new(name)))
            .hive();
        let text = rendered("CLUSDB", &hive);
        assert!(text.contains("\n  kind    ordinary file\n"), "{text}");
        assert!(text.contains("    format               regf\n"), "{text}");
        assert!(text.contains("    is_cluster_database  true\n"), "{text}");
        for (name, kind) in [
            ("a.scoreboard", "vm-log (statistics of the VM process)"),
            ("a-1a2b3c4d.vmfd", "psf (sidecar of an I/O filter)"),
            ("a.dsd", "nvram (data set store)"),
            ("vm-aux.xml", "vmxf (manifest of snapshots)"),
            ("a.nvram", "nvram"),
        ] {
            let text = rendered(name, b"x");
            assert!(text.contains(&format!("\n  kind    {kind}\n")), "{text}");
        }
    }

    #[test]
    fn what_a_disk_of_another_product_allocates_is_told_and_its_damage_once() {
        let image = testkit::qcow2_with_entries(&[0x5_0000, 0x900_0000]);
        let text = rendered("a.qcow2", &image);
        assert!(
            text.contains("    allocated_bytes     65536 (64.0 KiB, 0.0 %)\n"),
            "{text}"
        );
        assert_eq!(text.matches("code    cluster-outside-file").count(), 1, "{text}");
        let map = testkit::vdi_with_map(&[0, u32::MAX], 1).to_vec();
        let text = rendered("a.vdi", &map);
        assert!(
            text.contains("    allocated_bytes     1048576 (1.0 MiB, 50.0 %)\n"),
            "{text}"
        );
    }

    #[test]
    fn sizes_have_units_and_lines_of_a_file_stand_as_they_are_there() {
        let facts = serde_json::json!({
            "allocated_bytes": 131_072, "virtual_bytes": 1_048_576, "grain_size_sectors": 128, "gd_sectors": u64::MAX,
            "ddb": [{"key": "ddb.a", "value": "x"}, {"key": "ddb.long", "value": "y"}],
        });
        let text = written(&facts, Length::Short);
        for line in [
            "allocated_bytes     131072 (128.0 KiB, 12.5 %)\n",
            "virtual_bytes       1048576 (1.0 MiB)\n",
            "grain_size_sectors  128 (64.0 KiB)\n",
            "gd_sectors          18446744073709551615\n",
            "ddb\n  ddb.a     x\n  ddb.long  y\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn odd_numbers_are_told_in_words() {
        let facts = serde_json::json!({
            "sparse": {"gd_offset_sectors": u64::MAX, "flags": 196_611, "compression": 1},
            "delta": {"format": "sesparse", "version": 0x2_0000_0001_u64},
            "container": {"format_version": 0x400, "replay_log_offset": 0},
            "vdi": {"format": "vdi", "version": 0x1_0001},
            "qcow": {"format": "qcow2", "version": 1, "encryption": 2},
            "state": {"magic": 0xbed2_bed2_u32},
            "mismatch": {"at": null, "first": 0x0cb2_05b1, "second": 5},
            "anomaly": {"code": "bad-cid", "offset": 0x21_0008},
            "log": {"offset": 16_384},
            "vhd": {"creator_version": 0x000a_0000, "table_offset_bytes": 1536},
            "delta of VMFS": {"free_sector": 2048},
        });
        let text = written(&facts, Length::Short);
        for line in [
            "gd_offset_sectors  18446744073709551615 (at the end of the file)\n",
            "flags              196611 (0x30003)\n",
            "compression        1 (deflate)\n",
            "version  8589934593 (2.1)\n",
            "format_version     1024 (4.0)\n",
            "version  65537 (1.1)\n",
            "version     1 (qcow)\n",
            "encryption  2 (LUKS)\n",
            "magic  0xbed2bed2\n",
            "first   0cb205b1\n  second  00000005\n",
            "offset  0x210008\n",
            "offset  16384 (0x4000)\n",
            "creator_version     655360 (0x000a0000)\n",
            "table_offset_bytes  1536 (0x600)\n",
            "free_sector  2048 (1.0 MiB)\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn long_facts_are_cut_unless_all_is_asked_for() {
        let pairs: Vec<Value> = (0..501)
            .map(|number| serde_json::json!({"key": format!("ddb.{number}"), "value": "x"}))
            .collect();
        let facts = serde_json::json!({
            "notes": "n".repeat(1000),
            "names": (0..600).collect::<Vec<u32>>(),
            "ddb": pairs,
        });
        let short = written(&facts, Length::Short);
        for line in [
            "nnn… (1000 characters)\n",
            "- 499\n  … and 100 more: --verbose or -f json lists them all\n",
            "… and 1 more: --verbose or -f json lists them all\n",
        ] {
            assert!(short.contains(line), "{short}");
        }
        assert!(!short.contains("ddb.500"), "{short}");
        let whole = written(&facts, Length::Whole);
        assert!(whole.contains(&"n".repeat(1000)) && whole.contains("- 599\n") && whole.contains("ddb.500"));
        assert!(!whole.contains('…'), "{whole}");
    }

    #[test]
    fn an_anomaly_stands_in_one_place_of_its_file() {
        let torn = "<configuration><properties><name type='string'>a</name>";
        let text = rendered("0f1e2d3c-0000-1111-2222-333344445555.xml", torn.as_bytes());
        assert_eq!(text.matches("xml-broken").count(), 1, "{text}");
        assert!(
            text.contains("\n  anomalies\n    - code    xml-broken\n      offset  0x37\n"),
            "{text}"
        );
        let descriptor = "# Disk DescriptorFile\nversion=1\nCID=x\ncreateType=\"vmfs\"\nRW 8 VMFS \"a-flat.vmdk\"\n";
        let text = rendered("a.vmdk", descriptor.as_bytes());
        assert_eq!(text.matches("bad-cid").count(), 1, "{text}");
    }

    #[test]
    fn what_is_allocated_is_told_as_a_share_of_the_disk() {
        let disk = VhdBuilder::new(DiskKind::Fixed, 1 << 20, 1).bytes();
        let text = rendered("a.vhd", &disk);
        assert!(
            text.contains("allocated_bytes     1048576 (1.0 MiB, 100.0 %)\n"),
            "{text}"
        );
        assert!(
            !text.contains("partially_present") && !text.contains("block_size_bytes"),
            "{text}"
        );
        let disk = VhdBuilder::new(DiskKind::Dynamic, 8 << 20, 1).bytes();
        let text = rendered("a.vhd", &disk);
        assert!(
            text.contains("allocated_bytes     0\n") && text.contains("not_present"),
            "{text}"
        );
    }

    #[test]
    fn long_lists_of_keys_and_long_values_are_cut_unless_all_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.vmx");
        let notes = "n".repeat(1000);
        let mut lines = format!("config.version = \"8\"\nannotation = \"{notes}\"\nbroken\n").into_bytes();
        for number in 0..600 {
            writeln!(lines, "guestinfo.{number} = \"{number}\"").unwrap();
        }
        std::fs::write(&path, lines).unwrap();
        let inspection = inspect(&path).unwrap();
        let rendered = |length| {
            let mut out = Vec::new();
            render_text(&inspection, length, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let short = rendered(Length::Short);
        assert!(short.contains("\n        1  config.version  8\n"), "{short}");
        assert!(
            short.contains("nnn… (1000 characters)\n        3  breaks the grammar:  broken\n"),
            "{short}"
        );
        assert!(
            short.ends_with("\n    … and 103 more: --verbose or -f json lists them all\n"),
            "{short}"
        );
        let whole = rendered(Length::Whole);
        assert!(
            whole.contains(&format!("annotation  {}\n", "n".repeat(1000))),
            "{whole}"
        );
        assert!(whole.ends_with("\n      603  guestinfo.599  599\n"), "{whole}");
    }

    #[test]
    fn what_comes_from_the_file_is_escaped() {
        let text = rendered("a.vmx", b"displayName = \"x\x1b[31m\"\nconfig.version = \"8\"\n");
        assert!(!text.contains('\x1b'), "{text}");
        assert!(text.contains("\\u{1b}[31m"), "{text}");
    }

    #[test]
    fn a_raw_disk_and_images_of_other_products_are_looked_into_whatever_their_kind() {
        let disk = testkit::gpt_disk(uuid::Uuid::from_u128(7)).to_vec();
        for name in ["disk.raw", "disk-flat.vmdk"] {
            let text = rendered(name, &disk);
            assert!(text.contains("\n  contents\n    format        partitions\n"), "{text}");
            assert!(text.contains("type_name  efi-system"), "{text}");
        }
        assert!(rendered("disk.raw", &disk).contains("kind    ordinary file"));
        assert!(
            !rendered("disk-rdm.vmdk", &disk).contains("contents"),
            "it would read the LUN"
        );
        let image = testkit::qcow2_image(1 << 20, "base.qcow2", &["one"]);
        let text = rendered("a.qcow2", &image);
        assert!(
            text.contains("kind    foreign-disk") && text.contains("backing_file       base.qcow2"),
            "{text}"
        );
    }

    #[test]
    fn media_and_packages_tell_what_is_in_them() {
        let text = rendered("setup.iso", &testkit::iso("SETUP_1", 1 << 20).to_vec());
        assert!(
            text.contains("kind    iso") && text.contains("label        SETUP_1"),
            "{text}"
        );
        let text = rendered("boot.vfd", &testkit::floppy("BOOTDISK").to_vec());
        assert!(text.contains("kind    floppy") && text.contains("BOOTDISK"), "{text}");
        let descriptor = testkit::ovf("vm", "d.vmdk", 3, 1);
        let text = rendered("a.ovf", descriptor.as_bytes());
        assert!(text.contains("kind    ovf") && text.contains("Appliance"), "{text}");
        let package = testkit::tar(&[("vm.ovf", descriptor.as_bytes()), ("d.vmdk", b"KDM")]);
        let text = rendered("a.ova", &package);
        assert!(text.contains("kind    ova") && text.contains("d.vmdk"), "{text}");
        let text = rendered("broken.ovf", b"<Envelope>");
        assert!(
            text.contains("not-read") && !text.contains("  error "),
            "no VM hides in a package: {text}"
        );
    }
}
