//! Key tables: the keys with their values, each naming its parent by table and offset.
//!
//! Of several tables with one index the one with the highest sequence counts. A damaged entry costs that entry, a
//! damaged size the rest of its table; an entry whose checksum alone is wrong is kept, since a path in it may be right,
//! and the result is marked as incomplete.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
};

use super::{
    Budget, UnlistedMemory,
    file_object::load_strings,
    format::{
        FREE_FILLING, KEY_ENTRY_HEADER, KEY_TABLE_HEADER, KEY_TABLE_SIGNATURE, MAX_TABLES, crc32_with_zeroed, is_newer,
    },
    key_entry::{Entries, KeyEntry, RawKey, RawValue, compare, parse_entry},
    object_table::{Listing, Region},
    overlay::Patch,
    tree::{KeyTree, NodeValue},
};
use crate::{
    bytes::Cursor,
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
};

/// Name of the structure in messages.
pub(super) const TABLE: &str = "VMCX key table";

/// How long an entry of a key table is as a rule.
const USUAL_ENTRY_BYTES: usize = 100;

/// One table that was chosen or passed over.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    region: Region,
    sequence: u16,
    /// The checksum of the header is right.
    sound: bool,
}

/// The keys of all tables, and the tables that newer ones replace.
#[derive(Debug, Default)]
pub(super) struct KeyTables {
    /// The keys, not yet linked to their parents: in the order of the tables' indexes, then of the offsets.
    pub(super) tree: KeyTree,
    /// Where each of them stands and hangs.
    pub(super) entries: Vec<KeyEntry>,
    /// Numbers of the keys whose value lies in a file object.
    pub(super) stored: Vec<usize>,
    /// Number of tables read.
    pub(super) count: usize,
    /// Older tables of the same index.
    pub(super) replaced: Vec<Region>,
    /// Free entries that were not scrubbed.
    pub(super) freed: Vec<Patch>,
    /// Blocks of memory among the entries.
    memory_blocks: usize,
    /// Blocks of memory that were counted and not kept.
    pub(super) unlisted: UnlistedMemory,
}

/// Reads every key table in force.
pub(super) fn read<R: ReadAt + ?Sized>(
    source: &R,
    objects: &Listing,
    limits: &Limits,
    budget: &mut Budget,
    findings: &mut Findings,
) -> Result<KeyTables> {
    let mut tables = KeyTables::default();
    for (index, candidate) in choose(source, objects, &mut tables.replaced, findings)? {
        let Region { offset, size } = candidate.region;
        let bytes = budget
            .pass(TABLE, size)
            .and_then(|()| source.exact(TABLE, offset, size));
        let Some(bytes) = findings.tolerate("key-table-bad", bytes)? else {
            continue;
        };
        tables.count = tables.count.saturating_add(1);
        let usual = limits.tree_nodes.min(bytes.len() / USUAL_ENTRY_BYTES);
        tables.entries.reserve(usual);
        tables.tree.reserve(usual);
        tables.add_table(&bytes, offset, index, limits, budget, findings);
    }
    tables.note_unlisted(findings);
    load_strings(source, objects, &mut tables, limits, budget, findings)?;
    Ok(tables)
}

/// The table in force for each index.
fn choose<R: ReadAt + ?Sized>(
    source: &R,
    objects: &Listing,
    replaced: &mut Vec<Region>,
    findings: &mut Findings,
) -> Result<BTreeMap<u16, Candidate>> {
    let mut chosen = BTreeMap::<u16, Candidate>::new();
    if objects.key_tables.len() > MAX_TABLES {
        findings.damage(Anomaly::new("too-many-tables", "more key tables than a file can have"));
    }
    for region in objects.key_tables.iter().take(MAX_TABLES) {
        let header = read_header(source, *region, findings);
        let Some((index, candidate)) = findings.tolerate("key-table-bad", header)? else {
            continue;
        };
        match chosen.entry(index) {
            Entry::Vacant(slot) => {
                slot.insert(candidate);
            }
            Entry::Occupied(mut slot) => {
                let loser = if is_better(&candidate, slot.get()) {
                    slot.insert(candidate)
                } else {
                    candidate
                };
                findings.note(Anomaly::at(
                    "key-table-replaced",
                    loser.region.offset,
                    format!(
                        "key table {index} with sequence {} is replaced by a newer one",
                        loser.sequence
                    ),
                ));
                replaced.push(loser.region);
            }
        }
    }
    Ok(chosen)
}

fn is_better(a: &Candidate, b: &Candidate) -> bool {
    if a.sound == b.sound {
        is_newer(a.sequence, b.sequence)
    } else {
        a.sound
    }
}

/// Index and sequence of a table. A wrong checksum of the header is damage, but the keys behind it may be sound.
fn read_header<R: ReadAt + ?Sized>(source: &R, region: Region, findings: &mut Findings) -> Result<(u16, Candidate)> {
    let bytes = source.exact(TABLE, region.offset, KEY_TABLE_HEADER)?;
    let cursor = Cursor::new(TABLE, region.offset, &bytes);
    cursor.signature(0, &KEY_TABLE_SIGNATURE, "02 00")?;
    let checked = check_header(&cursor);
    let sound = checked.is_ok();
    findings.tolerate("key-table-header-bad", checked)?;
    let candidate = Candidate {
        region,
        sequence: cursor.u16_le(4)?,
        sound,
    };
    Ok((cursor.u16_le(2)?, candidate))
}

fn check_header(cursor: &Cursor<'_>) -> Result<()> {
    let header = usize::try_from(KEY_TABLE_HEADER).unwrap_or(usize::MAX);
    compare(
        TABLE,
        cursor.base(),
        cursor.u32_le(6)?,
        crc32_with_zeroed(cursor.slice(0, header)?, 6),
    )
}

impl KeyTables {
    /// Reads the entries of one table.
    fn add_table(
        &mut self,
        table: &[u8],
        base: u64,
        index: u16,
        limits: &Limits,
        budget: &mut Budget,
        findings: &mut Findings,
    ) {
        for raw in Entries::new(table, base) {
            let at = raw.as_ref().map_or(base, Cursor::base);
            let parsed = match raw.map(|raw| parse_entry(&raw, base, index)) {
                Err(error) => return findings.damage(Anomaly::at("key-entry-size", at, error.to_string())),
                Ok(Err(error)) => {
                    findings.damage_with(|| Anomaly::at("key-entry-bad", at, error.to_string()));
                    continue;
                }
                Ok(Ok(None)) => {
                    self.keep_freed(table, at, base, budget);
                    continue;
                }
                Ok(Ok(Some(parsed))) => parsed,
            };
            if let Err(error) = self.add(&parsed, limits, budget, findings) {
                return findings.damage(Anomaly::at("too-many-keys", at, error.to_string()));
            }
        }
    }

    /// Keeps the body of a free entry where it holds anything but the filling of a scrubbed one (R).
    fn keep_freed(&mut self, table: &[u8], at: u64, base: u64, budget: &mut Budget) {
        let Some(entry) = usize::try_from(at.saturating_sub(base)).ok().and_then(|start| {
            let entry = Cursor::new(TABLE, base, table.get(start..)?);
            let length = usize::try_from(entry.u32_le(2).ok()?).ok()?;
            entry.slice(0, length).ok()
        }) else {
            return;
        };
        let body = entry.get(KEY_ENTRY_HEADER..).unwrap_or_default();
        let is_filling = |byte: &u8| *byte == FREE_FILLING || *byte == 0;
        // Half of a file may be filling: where each byte is that before it, the first tells of all.
        let is_scrubbed = match body.split_first() {
            Some((first, rest)) if body.starts_with(rest) => is_filling(first),
            _ => body.iter().all(is_filling),
        };
        if !is_scrubbed && budget.spend(TABLE, count(body.len())).is_ok() {
            self.freed.push(Patch {
                offset: at.saturating_add(count(KEY_ENTRY_HEADER)),
                bytes: body.to_vec(),
            });
        }
    }

    /// Keeps a key, or counts it when it is one block of memory too many: a VM with a terabyte has a million of them.
    fn add(&mut self, raw: &RawKey<'_>, limits: &Limits, budget: &mut Budget, findings: &mut Findings) -> Result<()> {
        let before = self.tree.mark();
        let (name, is_name_lossy) = match std::str::from_utf8(raw.name) {
            Ok(name) => (Cow::Borrowed(name), false),
            Err(_) => (String::from_utf8_lossy(raw.name), true),
        };
        let (value, is_value_lossy) = self.value_of(raw.value);
        note_oddities(raw, &name, is_name_lossy || is_value_lossy, findings);
        if is_memory_block(raw.value, &name) {
            if self.memory_blocks >= limits.tree_nodes / 16 {
                self.tree.go_back(before);
                self.unlisted.add(raw.value);
                return Ok(());
            }
            self.memory_blocks = self.memory_blocks.saturating_add(1);
        }
        if self.entries.len() >= limits.tree_nodes {
            self.tree.go_back(before);
            return Err(ParseError::LimitExceeded {
                what: "VMCX keys",
                value: count(self.entries.len()).saturating_add(1),
                limit: count(limits.tree_nodes),
            });
        }
        let length = value.length().saturating_add(name.len());
        budget
            .spend("VMCX keys", count(length))
            .inspect_err(|_| self.tree.go_back(before))?;
        let id = self.tree.put(&name, value);
        if matches!(raw.value, RawValue::Stored(_)) {
            self.stored.push(id);
        }
        self.entries.push(raw.entry);
        Ok(())
    }

    /// A value as the tree has it, and whether its text lost something in decoding.
    fn value_of(&mut self, raw: RawValue<'_>) -> (NodeValue, bool) {
        let value = match raw {
            RawValue::Node => NodeValue::Node,
            RawValue::Int(number) => NodeValue::Int(number),
            RawValue::UInt(number) => NodeValue::UInt(number),
            RawValue::Double(number) => NodeValue::Double(number),
            RawValue::String(bytes) => return self.tree.put_utf16(bytes),
            RawValue::Bytes(bytes) => NodeValue::Bytes(self.tree.put_bytes(bytes)),
            RawValue::Bool(value) => NodeValue::Bool(value != 0),
            RawValue::Stored(stored) => NodeValue::Stored(stored),
            RawValue::Unknown(kind, bytes) => NodeValue::Unknown(kind, self.tree.put_bytes(bytes)),
        };
        (value, false)
    }

    fn note_unlisted(&self, findings: &mut Findings) {
        let UnlistedMemory { blocks, bytes } = self.unlisted;
        if blocks > 0 {
            findings.note(Anomaly::new(
                "memory-not-listed",
                format!("{blocks} further blocks of memory, {bytes} bytes, are counted and not listed"),
            ));
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// `RamBlock17`, `RamMemoryBlock17` (M).
fn is_memory_block(value: RawValue<'_>, name: &str) -> bool {
    let is_named = |prefix: &str| {
        name.get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    matches!(value, RawValue::Stored(_) | RawValue::Bytes(_)) && (is_named("RamBlock") || is_named("RamMemoryBlock"))
}

fn note_oddities(raw: &RawKey<'_>, name: &str, lossy: bool, findings: &mut Findings) {
    let at = raw.entry.offset;
    if let Err(error) = raw.checked() {
        findings.damage_with(|| Anomaly::at("key-checksum", at, error.to_string()));
    }
    if lossy {
        findings.note_with(|| {
            let text = format!("name or value of key `{name}` is not valid Unicode");
            Anomaly::at("text-not-unicode", at, text)
        });
    }
    if let RawValue::Bool(value @ 2..) = raw.value {
        findings.note_with(|| {
            let text = format!("key `{name}` is {value}, neither true (1) nor false (0): it is read as true");
            Anomaly::at("bool-odd", at, text)
        });
    }
    if let RawValue::Unknown(kind, _) = raw.value {
        findings.damage_with(|| {
            let text = format!("key `{name}` is of unknown type {kind}");
            Anomaly::at("key-type-unknown", at, text)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testkit::vmcx::{ContainerBuilder, seal},
        vmcx::{Container, Key, KeyRef, Stored, Value, read as read_container},
    };

    #[test]
    fn values_that_are_not_quite_of_their_type_are_kept_and_their_keys_named() {
        let with = |value: &[u8], length: usize| {
            let root = Key::node("configuration", [Key::leaf("odd", Value::Bytes(vec![0; length]))]);
            let mut file = ContainerBuilder::new([root]).build();
            let name = file.windows(4).position(|bytes| bytes == b"odd\0").unwrap();
            file[name - 21] = value[0];
            file[name + 4..name + 4 + value.len() - 1].copy_from_slice(&value[1..]);
            let covered = 21 + 4 + value.len() - 1;
            let start = name - 21;
            let sum = crc32_with_zeroed(&file[start..start + covered], 12);
            file[start + 12..start + 16].copy_from_slice(&sum.to_le_bytes());
            let read = read_file(&file);
            let value = read.tree.get("configuration/odd").unwrap().value();
            (Value::from(value), read.anomalies.clone())
        };
        let (value, anomalies) = with(&[8, 2, 0, 0, 0], 0);
        assert_eq!(value, Value::Bool(true));
        assert_eq!(
            anomalies[0].text,
            "key `odd` is 2, neither true (1) nor false (0): it is read as true"
        );
        assert_eq!(with(&[8, 1, 0, 0, 0], 0).1, []);
        let (value, anomalies) = with(&[6, 3, 0, 0, 0, b'a', 0, b'b'], 3);
        let Value::String(text) = value else {
            panic!("{value:?}")
        };
        assert_eq!((text.as_str(), text.raw()), ("a", &b"a\0b"[..]), "the odd byte is kept");
        assert_eq!(anomalies[0].text, "name or value of key `odd` is not valid Unicode");
    }

    /// Where the builder puts the only key table of a small file.
    const TABLE_AT: usize = 0x4000;
    const FIRST: usize = TABLE_AT + 10;

    fn file() -> Vec<u8> {
        ContainerBuilder::new([Key::node("a", [Key::leaf("b", r"C:\b.vhdx"), Key::leaf("c", 3)])]).build()
    }

    /// Offset and length of the second entry, `b`.
    fn second(file: &[u8]) -> (usize, usize) {
        let size = |at: usize| usize::try_from(u32::from_le_bytes(file[at + 2..at + 6].try_into().unwrap())).unwrap();
        let at = FIRST + size(FIRST);
        (at, size(at))
    }

    fn read_file(file: &[u8]) -> Container {
        read_container(file, &Limits::default()).unwrap()
    }

    fn single(container: &Container) -> (&str, Option<u64>) {
        assert_eq!(container.anomalies.len(), 1, "{:#?}", container.anomalies);
        (&container.anomalies[0].code, container.anomalies[0].offset)
    }

    fn place(at: usize) -> Option<u64> {
        u64::try_from(at).ok()
    }

    #[test]
    fn an_entry_with_a_wrong_checksum_is_kept_and_reported() {
        let mut file = file();
        let (at, _) = second(&file);
        file[at + 12] ^= 1;
        let container = read_file(&file);
        assert_eq!(container.tree.get("a/b").and_then(KeyRef::as_str), Some(r"C:\b.vhdx"));
        assert!(!container.tree.complete);
        assert_eq!(single(&container), ("key-checksum", place(at)));
    }

    #[test]
    fn slack_behind_the_data_is_not_covered_by_the_checksum() {
        // The last entry is made to absorb the free space behind it.
        let mut file = file();
        let (at, length) = second(&file);
        let third = at + length;
        let rest = u32::try_from(TABLE_AT + 0x1000 - third).unwrap();
        file[third + 2..third + 6].copy_from_slice(&rest.to_le_bytes());
        let covered = KEY_ENTRY_HEADER + 2 + 8;
        seal(&mut file[third..third + covered], 12);
        let container = read_file(&file);
        assert_eq!(container.anomalies, []);
        assert_eq!(container.tree.get("a/c").and_then(KeyRef::as_int), Some(3));
    }

    #[test]
    fn an_entry_size_outside_the_table_ends_the_table() {
        for size in [0_u32, 20, 0x1000, u32::MAX] {
            let mut file = file();
            let (at, _) = second(&file);
            file[at + 2..at + 6].copy_from_slice(&size.to_le_bytes());
            let container = read_file(&file);
            assert_eq!(container.tree.to_keys(), [Key::node("a", [])], "size {size}");
            assert!(!container.tree.complete);
            assert_eq!(container.anomalies[0].code, "key-entry-size");
            let told = format!("VMCX key table entry size at offset {at:#x}: value {size} is out of bounds");
            assert!(
                container.anomalies[0].text.starts_with(&told),
                "{}",
                container.anomalies[0].text
            );
        }
    }

    #[test]
    fn a_value_longer_than_its_entry_costs_that_entry() {
        let mut file = file();
        let (at, _) = second(&file);
        file[at + 23..at + 27].copy_from_slice(&u32::MAX.to_le_bytes());
        let container = read_file(&file);
        assert_eq!(container.tree.to_keys(), [Key::node("a", [Key::leaf("c", 3)])]);
        assert_eq!(single(&container), ("key-entry-bad", place(at)));
        let told = format!("VMCX key value length at offset {:#x}: value 4294967295", at + 23);
        assert!(
            container.anomalies[0].text.starts_with(&told),
            "{}",
            container.anomalies[0].text
        );
    }

    #[test]
    fn a_type_that_nobody_describes_is_kept_raw_and_makes_the_tree_incomplete() {
        let unknown = Value::Unknown {
            kind: 2,
            bytes: vec![1, 2, 3],
        };
        let container = read_file(&ContainerBuilder::new([Key::leaf("x", unknown), Key::leaf("y", 1)]).build());
        assert!(matches!(&container.tree.to_keys()[0].value, Value::Unknown { kind: 2, bytes } if bytes == &[1, 2, 3]));
        assert_eq!(single(&container).0, "key-type-unknown");
        assert!(!container.tree.complete);
    }

    #[test]
    fn a_text_may_end_in_one_nul_that_is_not_part_of_it() {
        let text = |text: &str| {
            let container = read_file(&ContainerBuilder::new([Key::leaf("x", text)]).build());
            container.tree.get("x").and_then(KeyRef::as_str).map(str::to_owned)
        };
        assert_eq!(text("a\0").as_deref(), Some("a"));
        assert_eq!(text("a\0\0").as_deref(), Some("a\0"));
        assert_eq!(text("").as_deref(), Some(""));
    }

    /// A second table of index 1, appended to the file and listed in slot 1.
    fn with_second_table(sequence: u16, sound: bool) -> Vec<u8> {
        let mut file = file();
        let other = ContainerBuilder::new([Key::leaf("other", r"C:\other.vhdx")]).build();
        let mut table = other[TABLE_AT..TABLE_AT + 0x1000].to_vec();
        table[4..6].copy_from_slice(&sequence.to_le_bytes());
        seal(&mut table[..10], 6);
        table[6] ^= u8::from(!sound);
        let offset = u64::try_from(file.len()).unwrap();
        file.extend(table);
        let entry = &mut file[0x201a..0x202c];
        entry[0] = 2;
        entry[5..13].copy_from_slice(&offset.to_le_bytes());
        entry[13..17].copy_from_slice(&0x1000_u32.to_le_bytes());
        seal(entry, 1);
        file
    }

    #[test]
    fn of_two_tables_with_one_index_the_later_sound_one_counts() {
        // The builder writes sequence 7.
        let container = read_file(&with_second_table(6, true));
        assert_eq!(container.tree.to_keys()[0].name, "a");
        assert_eq!(single(&container), ("key-table-replaced", Some(0x5000)));
        assert!(container.tree.complete, "an old table is no damage");
        assert_eq!(container.storage.previous_paths[0].path.as_str(), r"C:\other.vhdx");

        let container = read_file(&with_second_table(8, true));
        assert_eq!(container.tree.to_keys()[0].name, "other");
        assert_eq!(single(&container), ("key-table-replaced", Some(0x4000)));
        assert_eq!(container.storage.previous_paths[0].path.as_str(), r"C:\b.vhdx");

        let container = read_file(&with_second_table(8, false));
        assert_eq!(
            container.tree.to_keys()[0].name,
            "a",
            "a table with a wrong checksum replaces none"
        );
        assert!(!container.tree.complete);
    }

    #[test]
    fn a_table_beyond_the_file_is_left_out_and_reported() {
        let mut file = file();
        file[0x2008 + 13..0x2008 + 17].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
        seal(&mut file[0x2008..0x201a], 1);
        let container = read_file(&file);
        assert!(container.tree.to_keys().is_empty() && !container.tree.complete);
        assert_eq!(container.anomalies[0].code, "key-table-bad");
        let limits = Limits::default();
        assert!(
            container.anomalies[0].text.contains(&limits.table_bytes.to_string()),
            "no such size is ever allocated"
        );
    }

    #[test]
    fn texts_in_file_objects_are_read_within_limits() {
        let file = ContainerBuilder::new([Key::leaf("notes", "n".repeat(1024).as_str())]).build();
        assert_eq!(
            read_file(&file)
                .tree
                .get("notes")
                .and_then(KeyRef::as_str)
                .map(str::len),
            Some(1024)
        );
        let limits = Limits {
            string_bytes: 2047,
            ..Limits::default()
        };
        let container = read_container(file.as_slice(), &limits).unwrap();
        assert!(matches!(
            container.tree.to_keys()[0].value,
            Value::Stored(Stored {
                length: 2048,
                offset: 0x5000,
                ..
            })
        ));
        assert_eq!(single(&container), ("file-object-bad", None));
        let container = read_container(&file[..0x5000], &Limits::default()).unwrap();
        assert_eq!(single(&container), ("file-object-bad", Some(0x5000)));
    }

    #[test]
    fn too_many_keys_end_the_reading_not_the_run() {
        let limits = Limits {
            tree_nodes: 2,
            ..Limits::default()
        };
        let container = read_container(file().as_slice(), &limits).unwrap();
        assert_eq!(
            container.tree.to_keys(),
            [Key::node("a", [Key::leaf("b", r"C:\b.vhdx")])]
        );
        assert_eq!(single(&container).0, "too-many-keys");
        assert!(!container.tree.complete);
    }

    #[test]
    fn blocks_of_memory_beyond_a_number_are_counted_not_listed() {
        let mut keys: Vec<_> = (0..40)
            .map(|n| Key::leaf(format!("RamBlock{n}"), vec![1; 0x800]))
            .collect();
        keys.push(Key::leaf("last", 1));
        let file = ContainerBuilder::new([Key::node("savedstate", keys)]).build();
        let limits = Limits {
            tree_nodes: 32,
            ..Limits::default()
        };
        let container = read_container(file.as_slice(), &limits).unwrap();
        assert!(container.tree.complete, "nothing that could name a file is missing");
        assert_eq!(container.tree.to_keys()[0].children.len(), 2 + 1);
        assert_eq!(
            container.storage.unlisted_memory,
            UnlistedMemory {
                blocks: 38,
                bytes: 38 * 0x800
            }
        );
        assert_eq!(single(&container), ("memory-not-listed", None));
    }

    #[test]
    fn values_that_are_kept_have_a_limit_in_all() {
        let keys = [
            Key::leaf("a", vec![0; 1500]),
            Key::leaf("b", vec![0; 1500]),
            Key::leaf("c", vec![0; 1500]),
        ];
        let file = ContainerBuilder::new(keys).build();
        let limits = Limits {
            // Object table, block of the log, and two of the values.
            table_bytes: 0x1000 + 0x1000 + 3100,
            ..Limits::default()
        };
        let container = read_container(file.as_slice(), &limits).unwrap();
        assert_eq!(container.tree.to_keys().len(), 2);
        assert_eq!(single(&container).0, "too-many-keys");
    }
}
