//! Builds HyperVStorage containers (`.vmcx`, `.VMRS`, `data.vmcx`) from a tree of keys.
//!
//! The layout is that of real files, with two liberties that readers must take: the replay log stands before the key
//! tables, and insertion sequences have no gaps. Values of 2048 bytes or more go to file objects.

use super::sparse_file::length_of;
use crate::vmcx::{
    Key, Value,
    format::{
        FORMAT_VERSION, HEADER_LENGTH, HEADER_OFFSETS, HEADER_SIGNATURE, KEY_ENTRY_HEADER, KEY_FLAG_FILE_OBJECT,
        KEY_TABLE_HEADER, KEY_TABLE_SIGNATURE, LOG_ENTRY_LENGTH, LOG_HEADER_LENGTH, LOG_SIGNATURE, OBJECT_ENTRY_LENGTH,
        OBJECT_TABLE_HEADER, OBJECT_TABLE_SIGNATURE, ROOT_OBJECT_TABLE, crc32_with_zeroed, key_type, object_type,
    },
};

/// From this length on a value goes to a file object.
const FILE_OBJECT_MINIMUM: usize = 0x800;
/// Space for the header and the entries of the log.
const LOG_BLOCK: u64 = 0x1000;

/// Builds a container from its keys.
#[derive(Debug, Clone)]
pub struct ContainerBuilder {
    roots: Vec<Key>,
    sequence: u16,
    alignment: u32,
    open_commit: Option<Vec<Key>>,
    previous: Vec<Vec<Key>>,
    children_first: bool,
}

impl ContainerBuilder {
    /// A container of these root keys, with a clean log.
    pub fn new(roots: impl Into<Vec<Key>>) -> Self {
        Self {
            roots: roots.into(),
            sequence: 25,
            alignment: 0x1000,
            open_commit: None,
            previous: Vec::new(),
            children_first: false,
        }
    }

    /// Sequence of the header in force; the other copy has the one before. Copy 0 is in force when it is odd.
    #[must_use]
    pub fn sequence(mut self, sequence: u16) -> Self {
        self.sequence = sequence;
        self
    }

    /// Alignment of objects and size of key tables, a power of two from 0x1000 to 0x10000.
    #[must_use]
    pub fn alignment(mut self, alignment: u32) -> Self {
        self.alignment = alignment;
        self
    }

    /// The log holds a commit that is not in place yet: these are the keys after it.
    #[must_use]
    pub fn open_commit(mut self, roots: impl Into<Vec<Key>>) -> Self {
        self.open_commit = Some(roots.into());
        self
    }

    /// The log still holds entries of an earlier commit, which left these keys.
    #[must_use]
    pub fn previous_state(mut self, roots: impl Into<Vec<Key>>) -> Self {
        self.previous.push(roots.into());
        self
    }

    /// Children stand before their parents.
    #[must_use]
    pub fn children_first(mut self) -> Self {
        self.children_first = true;
        self
    }

    /// The bytes of the file.
    ///
    /// # Panics
    /// Where a name has more than 254 bytes, or the log needs more than 145 entries.
    pub fn build(&self) -> Vec<u8> {
        let logged: Vec<&Vec<Key>> = self.open_commit.iter().chain(&self.previous).collect();
        // Each state that is logged is at most as large as its image without a log.
        let log_size = self.aligned(LOG_BLOCK + logged.iter().map(|roots| self.image(roots, 0).end).sum::<u64>());
        let image = self.image(&self.roots, log_size);
        let changes: Vec<Vec<Part>> = logged
            .iter()
            .map(|roots| self.image(roots, log_size).changes(&image))
            .collect();
        let open = self.open_commit.as_ref().map_or(0, |_| changes[0].len());
        let log = log_bytes(&changes.concat(), open, log_size);
        let mut file = vec![0; size(image.end)];
        for (offset, bytes) in &image.parts {
            put(&mut file, *offset, bytes);
        }
        put(&mut file, self.log_offset(), &log);
        let newer = HEADER_OFFSETS[usize::from(self.sequence.is_multiple_of(2))];
        for offset in HEADER_OFFSETS {
            let sequence = if offset == newer {
                self.sequence
            } else {
                self.sequence.wrapping_sub(1)
            };
            put(&mut file, offset, &self.header(sequence, log_size));
        }
        file
    }

    fn aligned(&self, length: u64) -> u64 {
        length.next_multiple_of(self.alignment.into())
    }

    fn log_offset(&self) -> u64 {
        self.aligned(ROOT_OBJECT_TABLE + u64::from(self.alignment))
    }

    fn header(&self, sequence: u16, log_size: u64) -> Vec<u8> {
        let mut header = Vec::with_capacity(size(HEADER_LENGTH));
        header.extend(HEADER_SIGNATURE);
        header.extend([0; 4]);
        header.extend(sequence.to_le_bytes());
        header.extend(FORMAT_VERSION.to_le_bytes());
        header.extend([0; 8]);
        header.extend(self.alignment.to_le_bytes());
        header.extend(self.log_offset().to_le_bytes());
        header.extend(log_size.to_le_bytes());
        header.extend(low_half(LOG_BLOCK).to_le_bytes());
        seal(&mut header, 4);
        header
    }

    /// Everything but header pages and log.
    fn image(&self, roots: &[Key], log_size: u64) -> Image {
        let keys = Keys::of(roots, self.children_first);
        let tables = keys.pack(self.alignment);
        let first_table = self.log_offset() + log_size;
        let mut at = first_table + length_as_u64(tables.len()) * u64::from(self.alignment);
        let mut objects = Vec::new();
        let mut places = Vec::new();
        for entry in &keys.entries {
            places.push(at);
            if entry.is_file_object() {
                objects.push((at, entry.raw.clone()));
                at += self.aligned(length_of(&entry.raw));
            }
        }
        let mut listed = Vec::new();
        let mut parts = Vec::new();
        for (number, bytes) in keys.encode(&tables, &places, self.alignment).into_iter().enumerate() {
            let offset = first_table + length_as_u64(number) * u64::from(self.alignment);
            listed.push((object_type::KEY_TABLE, offset, length_of(&bytes)));
            parts.push((offset, bytes));
        }
        for (offset, mut bytes) in objects {
            bytes.resize(size(self.aligned(length_of(&bytes))), 0);
            listed.push((object_type::FILE_OBJECT, offset, length_of(&bytes)));
            parts.push((offset, bytes));
        }
        let end = self.object_tables(&listed, at, &mut parts);
        Image { parts, end }
    }

    /// The root object table, and further ones from `at` on when one is not enough. Returns the end of the file.
    fn object_tables(&self, listed: &[(u8, u64, u64)], mut at: u64, parts: &mut Vec<Part>) -> u64 {
        let slots = size((u64::from(self.alignment) - OBJECT_TABLE_HEADER) / OBJECT_ENTRY_LENGTH);
        // The last slot is kept for the next table.
        let chunks: Vec<_> = listed.chunks(slots - 1).collect();
        let mut offset = ROOT_OBJECT_TABLE;
        for (number, chunk) in chunks.iter().enumerate() {
            let mut entries = chunk.to_vec();
            entries.resize(slots, (object_type::EMPTY, 0, 0));
            let next = at;
            if number + 1 < chunks.len() {
                entries[slots - 1] = (object_type::OBJECT_TABLE, next, self.alignment.into());
                at += u64::from(self.alignment);
            }
            parts.push((offset, object_table(&entries, self.alignment)));
            offset = next;
        }
        at
    }
}

/// A place in the file and its bytes.
type Part = (u64, Vec<u8>);

/// The structures of one state of the keys.
struct Image {
    parts: Vec<Part>,
    end: u64,
}

impl Image {
    /// The structures that differ from those of `other`.
    fn changes(&self, other: &Image) -> Vec<Part> {
        self.parts
            .iter()
            .filter(|part| !other.parts.contains(part))
            .cloned()
            .collect()
    }
}

/// One key, flattened.
struct FlatKey {
    parent: Option<usize>,
    insertion: u32,
    name: Vec<u8>,
    kind: u8,
    /// What follows the name when the value stands in the entry.
    inline: Vec<u8>,
    /// The bytes of a text or array.
    raw: Vec<u8>,
}

impl FlatKey {
    fn of(key: &Key, parent: Option<usize>, insertion: u32) -> Self {
        let (kind, inline, raw) = value_bytes(key);
        let mut name = key.name.as_bytes().to_vec();
        name.push(0);
        assert!(name.len() <= 255, "a name has at most 254 bytes");
        Self {
            parent,
            insertion,
            name,
            kind,
            inline,
            raw,
        }
    }

    fn is_file_object(&self) -> bool {
        self.raw.len() >= FILE_OBJECT_MINIMUM
    }

    fn length(&self) -> usize {
        let data = if self.is_file_object() { 12 } else { self.inline.len() };
        KEY_ENTRY_HEADER + self.name.len() + data
    }

    /// The entry, with `slack` bytes behind it.
    fn encode(&self, parent: (u16, u32), object: u64, slack: usize) -> Vec<u8> {
        let mut entry = vec![self.kind, u8::from(self.is_file_object()) * KEY_FLAG_FILE_OBJECT];
        entry.extend(length_as_u32(self.length() + slack).to_le_bytes());
        entry.extend(parent.0.to_le_bytes());
        entry.extend(parent.1.to_le_bytes());
        entry.extend([0; 4]);
        entry.extend(self.insertion.to_le_bytes());
        entry.push(self.name.len().to_le_bytes()[0]);
        entry.extend(&self.name);
        if self.is_file_object() {
            entry.extend(length_as_u32(self.raw.len()).to_le_bytes());
            entry.extend(object.to_le_bytes());
        } else {
            entry.extend(&self.inline);
        }
        seal(&mut entry, 12);
        entry.resize(self.length() + slack, 0);
        entry
    }
}

/// Type of a value, its bytes in an entry, and its bytes in a file object.
fn value_bytes(key: &Key) -> (u8, Vec<u8>, Vec<u8>) {
    let counted = |raw: Vec<u8>| ([&length_as_u32(raw.len()).to_le_bytes()[..], &raw].concat(), raw);
    let (kind, (inline, raw)) = match &key.value {
        Value::Node => {
            let next = length_as_u32(key.children.len() + 1).to_le_bytes();
            (key_type::NODE, ([&[0; 8][..], &next].concat(), Vec::new()))
        }
        Value::Int(number) => (key_type::INT, (number.to_le_bytes().to_vec(), Vec::new())),
        Value::UInt(number) => (key_type::UINT, (number.to_le_bytes().to_vec(), Vec::new())),
        Value::Double(number) => (key_type::DOUBLE, (number.to_le_bytes().to_vec(), Vec::new())),
        Value::Bool(value) => (key_type::BOOL, (u32::from(*value).to_le_bytes().to_vec(), Vec::new())),
        Value::String(text) => {
            let raw = text.as_str().encode_utf16().flat_map(u16::to_le_bytes).collect();
            (key_type::STRING, counted(raw))
        }
        Value::Bytes(bytes) => (key_type::ARRAY, counted(bytes.clone())),
        Value::Stored(stored) => (key_type::ARRAY, counted(vec![0; size(stored.length)])),
        Value::Unknown { kind, bytes } => (*kind, (bytes.clone(), Vec::new())),
    };
    (kind, inline, raw)
}

/// All keys of one state, in the order of the file.
struct Keys {
    entries: Vec<FlatKey>,
}

impl Keys {
    fn of(roots: &[Key], children_first: bool) -> Self {
        let mut entries = Vec::new();
        flatten(roots, None, &mut entries);
        if children_first {
            let last = entries.len().saturating_sub(1);
            entries.reverse();
            for entry in &mut entries {
                entry.parent = entry.parent.map(|parent| last - parent);
            }
        }
        Self { entries }
    }

    /// The entries of each table, by number.
    fn pack(&self, table_size: u32) -> Vec<Vec<usize>> {
        let room = size(u64::from(table_size) - KEY_TABLE_HEADER);
        let mut tables = vec![Vec::new()];
        let mut used = 0;
        for (number, entry) in self.entries.iter().enumerate() {
            if used + entry.length() > room {
                tables.push(Vec::new());
                used = 0;
            }
            used += entry.length();
            tables.last_mut().into_iter().for_each(|table| table.push(number));
        }
        tables
    }

    /// The bytes of each table; `objects` says where the file object of each entry stands.
    fn encode(&self, tables: &[Vec<usize>], objects: &[u64], table_size: u32) -> Vec<Vec<u8>> {
        let mut places = vec![(0, 0); self.entries.len()];
        for (table, index) in tables.iter().zip(1..) {
            let mut at = size(KEY_TABLE_HEADER);
            for number in table {
                places[*number] = (index, length_as_u32(at));
                at += self.entries[*number].length();
            }
        }
        let parent = |entry: &FlatKey| entry.parent.map_or((0, 0), |parent| places[parent]);
        let encode = |number: usize, slack| {
            let entry = &self.entries[number];
            entry.encode(parent(entry), objects[number], slack)
        };
        let encode_table = |(table, index): (&Vec<usize>, u16)| {
            let used: usize = table.iter().map(|number| self.entries[*number].length()).sum();
            let rest = size(u64::from(table_size) - KEY_TABLE_HEADER) - used;
            let slack = if rest <= KEY_ENTRY_HEADER && !table.is_empty() {
                rest
            } else {
                0
            };
            let mut bytes = key_table_header(index);
            for (place, number) in table.iter().enumerate() {
                bytes.extend(encode(*number, if place + 1 == table.len() { slack } else { 0 }));
            }
            bytes.extend(free_entry(rest - slack));
            bytes
        };
        tables.iter().zip(1..).map(encode_table).collect()
    }
}

fn flatten(keys: &[Key], parent: Option<usize>, entries: &mut Vec<FlatKey>) {
    for (key, insertion) in keys.iter().zip(1..) {
        let number = entries.len();
        entries.push(FlatKey::of(key, parent, insertion));
        flatten(&key.children, Some(number), entries);
    }
}

fn key_table_header(index: u16) -> Vec<u8> {
    let mut header = KEY_TABLE_SIGNATURE.to_vec();
    header.extend(index.to_le_bytes());
    header.extend(7_u16.to_le_bytes());
    header.extend([0; 4]);
    seal(&mut header, 6);
    header
}

/// Unused space, as the writer scrubs it; its checksum field is 0.
fn free_entry(length: usize) -> Vec<u8> {
    if length == 0 {
        return Vec::new();
    }
    let mut entry = vec![key_type::FREE, 0];
    entry.extend(length_as_u32(length).to_le_bytes());
    entry.extend([0; 10]);
    entry.extend([0xfd; 4]);
    entry.push(0);
    entry.resize(length, 0xfd);
    entry
}

fn object_table(entries: &[(u8, u64, u64)], alignment: u32) -> Vec<u8> {
    let mut table = OBJECT_TABLE_SIGNATURE.to_vec();
    table.extend(length_as_u32(entries.len()).to_le_bytes());
    for (kind, offset, length) in entries {
        let mut entry = vec![*kind, 0, 0, 0, 0];
        entry.extend(offset.to_le_bytes());
        entry.extend(low_half(*length).to_le_bytes());
        entry.push(u8::from(*kind != object_type::EMPTY));
        seal(&mut entry, 1);
        table.extend(entry);
    }
    table.resize(size(alignment.into()), 0);
    table
}

/// The log: `open` of the entries are in force, the rest is residue.
fn log_bytes(entries: &[Part], open: usize, log_size: u64) -> Vec<u8> {
    let capacity = (size(LOG_BLOCK) - LOG_HEADER_LENGTH) / LOG_ENTRY_LENGTH;
    assert!(entries.len() <= capacity, "the log has room for {capacity} entries");
    let mut log = LOG_SIGNATURE.to_vec();
    log.extend([0; 4]);
    log.extend(length_as_u32(open).to_le_bytes());
    log.push(0);
    log.extend(length_as_u32(capacity).to_le_bytes());
    log.extend([0; 17]);
    seal(&mut log, 4);
    let mut data = Vec::new();
    for (destination, bytes) in entries {
        let mut entry = destination.to_le_bytes().to_vec();
        entry.extend(length_as_u32(bytes.len()).to_le_bytes());
        entry.extend((LOG_BLOCK + length_of(&data)).to_le_bytes());
        entry.extend([0; 4]);
        entry.extend(crc32fast::hash(bytes).to_le_bytes());
        seal(&mut entry, 20);
        log.extend(entry);
        data.extend(bytes);
    }
    log.resize(size(LOG_BLOCK), 0);
    log.extend(data);
    log.resize(size(log_size), 0);
    log
}

/// Writes the checksum of `bytes` into them at `field`.
pub fn seal(bytes: &mut [u8], field: usize) {
    let checksum = crc32_with_zeroed(bytes, field);
    bytes[field..field + 4].copy_from_slice(&checksum.to_le_bytes());
}

fn put(file: &mut [u8], offset: u64, bytes: &[u8]) {
    let start = size(offset);
    file[start..start + bytes.len()].copy_from_slice(bytes);
}

fn size(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

fn length_as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn length_as_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn low_half(length: u64) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
