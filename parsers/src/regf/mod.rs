//! Registry hives (`regf`), as far as a cluster database needs them: keys, their names, and their values.
//!
//! Source of the format: *Windows registry file format specification* (M. Suhanov), hivex, libregf. A base block of 4096
//! bytes is followed by bins of cells; offsets count from the end of the base block. A key (`nk`) names the list of its
//! subkeys (`lf`, `lh`, `li`, or `ri`, which is a list of such lists) and the list of its values (`vk`).
//!
//! Nothing is read before it is asked for, so that no tree is built and no loop in a damaged hive is followed further than
//! the caller goes. Not read: security, class names, data above 16 KiB (`db`), transaction logs. What stands in logs only
//! is not seen: [`Hive::is_dirty`] tells when there is such a thing.

mod facts;

pub use facts::{HiveFacts, code};

use crate::{
    bytes::Cursor,
    error::{ParseError, Result},
    limits::Limits,
    utf16,
};

/// What a hive begins with.
pub const SIGNATURE: &[u8; 4] = b"regf";
/// Length of the base block; offsets of cells count from its end.
const BASE_BLOCK_BYTES: usize = 4096;
/// Bytes of the base block that its checksum covers.
const CHECKED_BYTES: usize = 508;
/// Where the name of a key starts in its cell.
const KEY_NAME: usize = 76;
/// Where the name of a value starts in its cell.
const VALUE_NAME: usize = 20;
/// Flag of a key whose name has one byte for a character.
const KEY_NAME_IS_LATIN: u16 = 0x20;
/// Flag of a value whose name has one byte for a character.
const VALUE_NAME_IS_LATIN: u16 = 1;
/// Set in the length of data that stand in the place of their offset.
const RESIDENT: u32 = 1 << 31;
/// Longer data stand in several cells.
const MAX_CELL_DATA_BYTES: u32 = 16_344;
/// No list.
const NONE: u32 = u32::MAX;

/// A hive.
#[derive(Debug, Clone, Copy)]
pub struct Hive<'a> {
    bins: &'a [u8],
    root: u32,
    /// The two sequence numbers differ: writing it was not finished, or its newest part stands in its logs.
    pub is_dirty: bool,
    /// The checksum of the base block is the stored one.
    pub checksum_matches: bool,
}

impl<'a> Hive<'a> {
    /// Reads the base block.
    ///
    /// # Errors
    /// When it is none, of another version, or ends within it.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let base = Cursor::new("registry hive base block", 0, bytes);
        let block = base.part("registry hive base block", 0, BASE_BLOCK_BYTES)?;
        signature(&block, *SIGNATURE, "regf")?;
        let (major, minor) = (block.u32_le(20)?, block.u32_le(24)?);
        if major != 1 {
            return Err(ParseError::Unsupported {
                what: "registry hive",
                version: format!("{major}.{minor}"),
            });
        }
        let (words, _) = block.slice(0, CHECKED_BYTES)?.as_chunks::<4>();
        let sum = words.iter().fold(0, |sum, word| sum ^ u32::from_le_bytes(*word));
        // Two values are kept for other purposes.
        let sum = match sum {
            0 => 1,
            u32::MAX => u32::MAX.wrapping_sub(1),
            other => other,
        };
        Ok(Self {
            bins: bytes.get(BASE_BLOCK_BYTES..).unwrap_or_default(),
            root: block.u32_le(36)?,
            is_dirty: block.u32_le(4)? != block.u32_le(8)?,
            checksum_matches: block.u32_le(508)? == sum,
        })
    }

    /// The key that all others lie in.
    ///
    /// # Errors
    /// When there is none.
    pub fn root(&self) -> Result<Key<'a>> {
        self.key(self.root)
    }

    fn key(&self, at: u32) -> Result<Key<'a>> {
        let cell = self.cell("registry key", at)?;
        signature(&cell, *b"nk", "nk")?;
        let flags = cell.u16_le(2)?;
        let name = cell.slice(KEY_NAME, usize::from(cell.u16_le(72)?))?;
        Ok(Key {
            hive: *self,
            cell,
            name: name_of(name, flags & KEY_NAME_IS_LATIN != 0),
        })
    }

    /// The content of the cell at an offset from the end of the base block.
    fn cell(&self, what: &'static str, at: u32) -> Result<Cursor<'a>> {
        let base = u64::from(at).saturating_add(u64::try_from(BASE_BLOCK_BYTES).unwrap_or(u64::MAX));
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let rest = self.bins.get(start..).unwrap_or_default();
        let size = Cursor::new(what, base, rest).array(0).map(i32::from_le_bytes)?;
        // The size of a cell in use is negative and counts itself.
        let length = usize::try_from(size.unsigned_abs())
            .unwrap_or(usize::MAX)
            .checked_sub(4);
        match length.filter(|_| size < 0) {
            Some(length) => Cursor::new(what, base, rest).part(what, 4, length),
            None => Err(ParseError::Malformed {
                what,
                offset: base,
                detail: "the cell is not in use".to_owned(),
            }),
        }
    }
}

fn signature<const N: usize>(cursor: &Cursor<'_>, expected: [u8; N], name: &'static str) -> Result<()> {
    let found: [u8; N] = cursor.array(0)?;
    if found == expected {
        return Ok(());
    }
    let found: Vec<String> = found.iter().map(|byte| format!("{byte:02x}")).collect();
    Err(ParseError::BadSignature {
        what: cursor.what(),
        offset: cursor.base(),
        expected: name,
        found: found.join(" "),
    })
}

fn name_of(bytes: &[u8], is_latin: bool) -> String {
    if is_latin {
        bytes.iter().copied().map(char::from).collect()
    } else {
        utf16::decode_le(bytes).to_string()
    }
}

/// What a list held, and the first thing that was wrong with it.
#[derive(Debug, Clone)]
pub struct Listed<T> {
    /// The sound items, in the order of the list.
    pub items: Vec<T>,
    /// Why some may be missing.
    pub damage: Option<ParseError>,
}

impl<T> Listed<T> {
    fn new() -> Self {
        Self {
            items: Vec::new(),
            damage: None,
        }
    }

    fn add(&mut self, item: Result<T>) {
        match item {
            Ok(item) => self.items.push(item),
            Err(error) => self.note(error),
        }
    }

    fn note(&mut self, error: ParseError) {
        self.damage = self.damage.take().or(Some(error));
    }

    /// Pays for a name: a list may name one item with a long name ever again.
    fn affords(&mut self, budget: &mut u64, spent: usize, limits: &Limits) -> bool {
        let spent = u64::try_from(spent).unwrap_or(u64::MAX);
        if let Some(rest) = budget.checked_sub(spent) {
            *budget = rest;
            return true;
        }
        self.note(ParseError::LimitExceeded {
            what: "bytes of names in a registry key",
            value: limits.table_bytes.saturating_add(spent),
            limit: limits.table_bytes,
        });
        false
    }
}

/// A key.
#[derive(Debug, Clone)]
pub struct Key<'a> {
    hive: Hive<'a>,
    cell: Cursor<'a>,
    /// Its name.
    pub name: String,
}

impl<'a> Key<'a> {
    /// The keys in it.
    pub fn subkeys(&self, limits: &Limits) -> Listed<Key<'a>> {
        let mut listed = Listed::new();
        let places = match (self.cell.u32_le(20), self.cell.u32_le(28)) {
            (Ok(0), Ok(_)) | (Ok(_), Ok(NONE)) => return listed,
            (Ok(_), Ok(at)) => self.places(at, limits, &mut listed),
            (Err(error), _) | (_, Err(error)) => {
                listed.note(error);
                return listed;
            }
        };
        let mut budget = limits.table_bytes;
        for place in places {
            let key = self.hive.key(place);
            let spent = key.as_ref().map_or(0, |key| key.name.len());
            listed.add(key);
            if !listed.affords(&mut budget, spent, limits) {
                break;
            }
        }
        listed
    }

    /// The places of the subkeys: one list, or the lists that one list names.
    fn places(&self, at: u32, limits: &Limits, listed: &mut Listed<Key<'a>>) -> Vec<u32> {
        let mut places = Vec::new();
        let lists = match self.list(at) {
            Ok((true, lists)) => lists,
            Ok((false, places)) => return cut(places, limits, listed),
            Err(error) => {
                listed.note(error);
                return places;
            }
        };
        for list in lists {
            match self.list(list) {
                Ok((false, more)) => places.extend(more),
                Ok((true, _)) => listed.note(ParseError::Malformed {
                    what: "registry subkey list",
                    offset: u64::from(list),
                    detail: "a list of lists in a list of lists".to_owned(),
                }),
                Err(error) => listed.note(error),
            }
            if places.len() > limits.tree_nodes {
                break;
            }
        }
        cut(places, limits, listed)
    }

    /// The offsets in a list of subkeys, and whether they are those of lists.
    fn list(&self, at: u32) -> Result<(bool, Vec<u32>)> {
        let cell = self.hive.cell("registry subkey list", at)?;
        let count = usize::from(cell.u16_le(2)?);
        let (is_index, step) = match &cell.array(0)? {
            b"lf" | b"lh" => (false, 8),
            b"li" => (false, 4),
            b"ri" => (true, 4),
            [first, second] => {
                return Err(ParseError::BadSignature {
                    what: "registry subkey list",
                    offset: cell.base(),
                    expected: "lf, lh, li or ri",
                    found: format!("{first:02x} {second:02x}"),
                });
            }
        };
        let elements = cell.slice(4, count.saturating_mul(step))?.chunks_exact(step);
        let first = |element: &[u8]| element.first_chunk().copied().map(u32::from_le_bytes);
        Ok((is_index, elements.filter_map(first).collect()))
    }

    /// The key of this name in it, whatever the case.
    pub fn subkey(&self, name: &str, limits: &Limits) -> Option<Key<'a>> {
        let mut keys = self.subkeys(limits).items.into_iter();
        keys.find(|key| key.name.eq_ignore_ascii_case(name))
    }

    /// The values in it.
    pub fn values(&self, limits: &Limits) -> Listed<Value<'a>> {
        let mut listed = Listed::new();
        match self.value_places(limits) {
            Ok(places) => {
                let mut budget = limits.table_bytes;
                for at in places {
                    let value = self.value_at(at);
                    let spent = value.as_ref().map_or(0, |value| value.name.len());
                    listed.add(value);
                    if !listed.affords(&mut budget, spent, limits) {
                        break;
                    }
                }
            }
            Err(error) => listed.note(error),
        }
        listed
    }

    /// The value of this name in it, whatever the case.
    pub fn value(&self, name: &str, limits: &Limits) -> Option<Value<'a>> {
        let mut values = self.values(limits).items.into_iter();
        values.find(|value| value.name.eq_ignore_ascii_case(name))
    }

    fn value_places(&self, limits: &Limits) -> Result<Vec<u32>> {
        let (count, at) = (self.cell.u32_le(36)?, self.cell.u32_le(40)?);
        if count == 0 || at == NONE {
            return Ok(Vec::new());
        }
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > limits.tree_nodes {
            return Err(too_many("values of a registry key", count, limits));
        }
        let cell = self.hive.cell("registry value list", at)?;
        let (places, _) = cell.slice(0, count.saturating_mul(4))?.as_chunks::<4>();
        Ok(places.iter().copied().map(u32::from_le_bytes).collect())
    }

    fn value_at(&self, at: u32) -> Result<Value<'a>> {
        let cell = self.hive.cell("registry value", at)?;
        signature(&cell, *b"vk", "vk")?;
        let name = cell.slice(VALUE_NAME, usize::from(cell.u16_le(2)?))?;
        let size = cell.u32_le(4)?;
        let data = if size & RESIDENT != 0 {
            let length = usize::try_from(size & !RESIDENT).unwrap_or(usize::MAX);
            cell.part("registry value data", 8, 4)?.slice(0, length)?
        } else if size == 0 {
            &[]
        } else if size > MAX_CELL_DATA_BYTES {
            return Err(ParseError::LimitExceeded {
                what: "bytes of a registry value",
                value: u64::from(size),
                limit: u64::from(MAX_CELL_DATA_BYTES),
            });
        } else {
            let length = usize::try_from(size).unwrap_or(usize::MAX);
            self.hive
                .cell("registry value data", cell.u32_le(8)?)?
                .slice(0, length)?
        };
        Ok(Value {
            name: name_of(name, cell.u16_le(16)? & VALUE_NAME_IS_LATIN != 0),
            data_type: cell.u32_le(12)?,
            data,
        })
    }
}

fn too_many(what: &'static str, count: usize, limits: &Limits) -> ParseError {
    ParseError::LimitExceeded {
        what,
        value: u64::try_from(count).unwrap_or(u64::MAX),
        limit: u64::try_from(limits.tree_nodes).unwrap_or(u64::MAX),
    }
}

/// As many places as the limit lets through.
fn cut<T>(mut places: Vec<u32>, limits: &Limits, listed: &mut Listed<T>) -> Vec<u32> {
    if places.len() > limits.tree_nodes {
        listed.note(too_many("subkeys of a registry key", places.len(), limits));
        places.truncate(limits.tree_nodes);
    }
    places
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value<'a> {
    /// Its name; empty for the unnamed one.
    pub name: String,
    /// Its type by number: 1 text, 2 text with variables, 4 number, 7 texts.
    pub data_type: u32,
    /// Its data as stored.
    pub data: &'a [u8],
}

impl Value<'_> {
    /// The text of a value of type 1 or 2.
    pub fn text(&self) -> Option<String> {
        matches!(self.data_type, 1 | 2).then(|| utf16::decode_le(utf16::until_nul(self.data)).to_string())
    }

    /// The texts of a value of type 1, 2 or 7.
    pub fn texts(&self) -> Vec<String> {
        if self.data_type != 7 {
            return self.text().into_iter().collect();
        }
        let all = utf16::decode_le(self.data).to_string();
        all.split('\0')
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::regf::HiveKey;

    fn sample() -> Vec<u8> {
        let inner = HiveKey::new("Inner")
            .text("Name", "web01")
            .texts("Contains", &["a", "b"]);
        let root = HiveKey::new("Cluster").text("ClusterName", "HVCL01").number("Count", 7);
        root.key(inner).key(HiveKey::new("Other")).hive()
    }

    fn patched(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut hive = sample();
        hive[at..at + bytes.len()].copy_from_slice(bytes);
        hive
    }

    /// Where the first cell with this signature has its content.
    fn cell(hive: &[u8], signature: &[u8]) -> usize {
        let windows = hive.windows(signature.len()).skip(BASE_BLOCK_BYTES);
        windows.take_while(|window| *window != signature).count() + BASE_BLOCK_BYTES
    }

    #[test]
    fn keys_and_values_are_found_by_name_whatever_the_case() {
        let bytes = sample();
        let hive = Hive::read(&bytes).unwrap();
        assert!(!hive.is_dirty && hive.checksum_matches);
        let (root, limits) = (hive.root().unwrap(), Limits::default());
        assert_eq!(root.name, "Cluster");
        assert_eq!(
            root.value("clustername", &limits).unwrap().text().as_deref(),
            Some("HVCL01")
        );
        let number = root.value("Count", &limits).unwrap();
        assert_eq!(
            (number.data_type, number.data, number.text()),
            (4, &[7, 0, 0, 0][..], None)
        );
        let names: Vec<String> = root.subkeys(&limits).items.into_iter().map(|key| key.name).collect();
        assert_eq!(names, ["Inner", "Other"]);
        let inner = root.subkey("INNER", &limits).unwrap();
        assert_eq!(inner.value("Contains", &limits).unwrap().texts(), ["a", "b"]);
        assert!(inner.subkey("nothing", &limits).is_none());
    }

    #[test]
    fn a_hive_that_is_none_is_refused_where_it_is_wrong() {
        assert!(matches!(
            Hive::read(b"regf"),
            Err(ParseError::Truncated { need: 4096, .. })
        ));
        assert!(matches!(
            Hive::read(&patched(0, b"REGF")),
            Err(ParseError::BadSignature { offset: 0, .. })
        ));
        assert!(matches!(
            Hive::read(&patched(20, &[2])),
            Err(ParseError::Unsupported { .. })
        ));
        let lost = patched(36, &[0xff, 0xff, 0xff, 0x7f]);
        assert!(matches!(
            Hive::read(&lost).unwrap().root(),
            Err(ParseError::Truncated { .. })
        ));
    }

    #[test]
    fn a_hive_that_was_not_finished_says_so() {
        let dirty = patched(4, &[2]);
        let hive = Hive::read(&dirty).unwrap();
        assert!(hive.is_dirty && !hive.checksum_matches);
    }

    #[test]
    fn counts_of_a_hostile_hive_cost_nothing() {
        let hive = sample();
        let root = cell(&hive, b"nk");
        let limits = Limits::default();
        for field in [20, 36] {
            let hive = patched(root + field, &[0xff; 4]);
            let key = Hive::read(&hive).unwrap().root().unwrap();
            let damaged = key.subkeys(&limits).damage.or(key.values(&limits).damage);
            assert!(
                field == 20 || damaged.is_some(),
                "a count of subkeys is not believed at all"
            );
        }
        let list = cell(&hive, b"li");
        let hive = patched(list + 2, &[0xff, 0xff]);
        let listed = Hive::read(&hive).unwrap().root().unwrap().subkeys(&limits);
        assert!(listed.items.is_empty() && matches!(listed.damage, Some(ParseError::Truncated { .. })));
    }

    #[test]
    fn a_list_of_lists_that_names_itself_ends() {
        let hive = sample();
        let list = cell(&hive, b"li");
        let own = u32::try_from(list - 4 - BASE_BLOCK_BYTES).unwrap();
        let hive = patched(list, &[b"ri", &2_u16.to_le_bytes()[..], &own.to_le_bytes()].concat());
        let listed = Hive::read(&hive).unwrap().root().unwrap().subkeys(&Limits::default());
        assert!(listed.items.is_empty());
        assert!(matches!(listed.damage, Some(ParseError::Malformed { .. })));
    }

    #[test]
    fn one_long_name_that_is_named_ever_again_is_cut_off() {
        let root = (0..1000).fold(HiveKey::new("root"), |root, _| root.key(HiveKey::new(&"n".repeat(200))));
        let bytes = root.hive();
        let limits = Limits {
            table_bytes: 1000,
            ..Limits::default()
        };
        let listed = Hive::read(&bytes).unwrap().root().unwrap().subkeys(&limits);
        assert!(listed.items.len() <= 6);
        assert!(matches!(listed.damage, Some(ParseError::LimitExceeded { .. })));
    }

    #[test]
    fn a_damaged_key_costs_only_itself() {
        let hive = sample();
        let inner = cell(&hive, b"Inner") - KEY_NAME;
        let hive = patched(inner, b"xx");
        let listed = Hive::read(&hive).unwrap().root().unwrap().subkeys(&Limits::default());
        assert_eq!(listed.items.len(), 1);
        assert!(matches!(
            listed.damage,
            Some(ParseError::BadSignature { expected: "nk", .. })
        ));
    }
}
