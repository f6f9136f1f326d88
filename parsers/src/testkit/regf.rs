//! Registry hives to be built: keys with values, in one bin.

use crate::testkit::utf16_le;

const BASE_BLOCK: usize = 4096;

/// A key to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiveKey {
    /// Its name, in characters of one byte.
    pub name: String,
    /// Its values: name, type, data.
    pub values: Vec<(String, u32, Vec<u8>)>,
    /// The keys in it.
    pub keys: Vec<HiveKey>,
}

impl HiveKey {
    /// A key without anything in it.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            values: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// With a text.
    #[must_use]
    pub fn text(mut self, name: &str, text: &str) -> Self {
        let data = utf16_le(&format!("{text}\0"));
        self.values.push((name.to_owned(), 1, data));
        self
    }

    /// With texts.
    #[must_use]
    pub fn texts(mut self, name: &str, texts: &[&str]) -> Self {
        let all: String = texts.iter().flat_map(|text| [text, "\0"]).chain(["\0"]).collect();
        self.values.push((name.to_owned(), 7, utf16_le(&all)));
        self
    }

    /// With a number.
    #[must_use]
    pub fn number(mut self, name: &str, number: u32) -> Self {
        self.values.push((name.to_owned(), 4, number.to_le_bytes().to_vec()));
        self
    }

    /// With a key in it.
    #[must_use]
    pub fn key(mut self, key: HiveKey) -> Self {
        self.keys.push(key);
        self
    }

    /// The hive of which this is the root.
    pub fn hive(&self) -> Vec<u8> {
        let mut cells = Cells(vec![0; 0x20]);
        let security = cells.security();
        let root = cells.key(self, u32::MAX, security);
        cells.finish(root)
    }
}

/// The cells of the one bin.
struct Cells(Vec<u8>);

impl Cells {
    /// Adds a cell, and says where.
    fn add(&mut self, content: &[u8]) -> u32 {
        let at = offset(self.0.len());
        let size = (content.len() + 4).next_multiple_of(8);
        self.0.extend((-i32::try_from(size).unwrap_or(i32::MAX)).to_le_bytes());
        self.0.extend(content);
        self.0.resize(usize::try_from(at).unwrap_or_default() + size, 0);
        at
    }

    /// The one security cell, which other tools want.
    fn security(&mut self) -> u32 {
        let at = offset(self.0.len());
        let descriptor = [1, 0, 0, 0x80].into_iter().chain([0; 16]).collect::<Vec<u8>>();
        let mut content = b"sk\0\0".to_vec();
        for field in [at, at, 1, offset(descriptor.len())] {
            content.extend(field.to_le_bytes());
        }
        content.extend(descriptor);
        self.add(&content)
    }

    fn key(&mut self, key: &HiveKey, parent: u32, security: u32) -> u32 {
        // Where it is must be known to the keys in it.
        let mut content = vec![0; 76];
        content.extend(key.name.bytes());
        let at = self.add(&content);
        let values = self.values(&key.values);
        let keys: Vec<u32> = key.keys.iter().map(|inner| self.key(inner, at, security)).collect();
        let list = self.list(&keys);
        let names = |names: &mut dyn Iterator<Item = usize>| offset(names.max().unwrap_or_default() * 2);
        content[..2].copy_from_slice(b"nk");
        let flags: u16 = if parent == u32::MAX { 0x2c } else { 0x20 };
        content[2..4].copy_from_slice(&flags.to_le_bytes());
        let fields = [
            (16, parent),
            (20, offset(keys.len())),
            (28, list),
            (32, u32::MAX),
            (36, offset(key.values.len())),
            (40, values),
            (44, security),
            (48, u32::MAX),
            (52, names(&mut key.keys.iter().map(|key| key.name.len()))),
            (60, names(&mut key.values.iter().map(|(name, ..)| name.len()))),
            (
                64,
                offset(key.values.iter().map(|(.., data)| data.len()).max().unwrap_or_default()),
            ),
            (72, offset(key.name.len())),
        ];
        for (place, field) in fields {
            content[place..place + 4].copy_from_slice(&field.to_le_bytes());
        }
        let start = usize::try_from(at).unwrap_or_default() + 4;
        self.0[start..start + content.len()].copy_from_slice(&content);
        at
    }

    fn values(&mut self, values: &[(String, u32, Vec<u8>)]) -> u32 {
        let mut places = Vec::new();
        for (name, data_type, data) in values {
            let mut content = b"vk".to_vec();
            content.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
            if let Ok(resident) = <[u8; 4]>::try_from(data.as_slice()) {
                content.extend(((1_u32 << 31) | 4).to_le_bytes());
                content.extend(resident);
            } else {
                let at = self.add(data);
                content.extend(offset(data.len()).to_le_bytes());
                content.extend(at.to_le_bytes());
            }
            content.extend(data_type.to_le_bytes());
            content.extend([1, 0, 0, 0]);
            content.extend(name.bytes());
            places.push(self.add(&content));
        }
        if places.is_empty() {
            return u32::MAX;
        }
        self.add(&places.into_iter().flat_map(u32::to_le_bytes).collect::<Vec<u8>>())
    }

    fn list(&mut self, keys: &[u32]) -> u32 {
        if keys.is_empty() {
            return u32::MAX;
        }
        let mut content = b"li".to_vec();
        content.extend(u16::try_from(keys.len()).unwrap_or(u16::MAX).to_le_bytes());
        content.extend(keys.iter().flat_map(|key| key.to_le_bytes()));
        self.add(&content)
    }

    /// Base block, bin and the rest of the bin, which is free.
    fn finish(mut self, root: u32) -> Vec<u8> {
        let used = self.0.len();
        let length = (used + 8).next_multiple_of(4096);
        self.0.extend(offset(length - used).to_le_bytes());
        self.0.resize(length, 0);
        self.0[..4].copy_from_slice(b"hbin");
        self.0[8..12].copy_from_slice(&offset(length).to_le_bytes());
        let mut hive = vec![0; BASE_BLOCK];
        hive[..4].copy_from_slice(b"regf");
        let fields = [
            (4, 1),
            (8, 1),
            (20, 1),
            (24, 3),
            (32, 1),
            (36, root),
            (40, offset(length)),
            (44, 1),
        ];
        for (place, field) in fields {
            hive[place..place + 4].copy_from_slice(&u32::to_le_bytes(field));
        }
        let (words, _) = hive[..508].as_chunks::<4>();
        let sum = words.iter().fold(0, |sum, word| sum ^ u32::from_le_bytes(*word));
        hive[508..512].copy_from_slice(&sum.to_le_bytes());
        hive.extend(self.0);
        hive
    }
}

fn offset(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
