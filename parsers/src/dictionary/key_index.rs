//! Finds the last entry of a key, whatever its case, in constant time, without a copy of the keys.

use std::{
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
};

use super::Entry;
use crate::reference::is_same_word;

/// Places for each entry, so that few entries meet: to find that a place is taken costs more than the room.
const PLACES_FOR_EACH: usize = 2;

/// The bytes of a word, which is what is hashed at a time.
const WORD_BYTES: usize = 8;

/// The half of a place, and of a hash, that is the tag.
const TAG: u64 = 0xFFFF_FFFF_0000_0000;

/// Numbers that no file can know, of this process.
static SEED: LazyLock<[u64; 2]> = LazyLock::new(|| {
    let state = RandomState::new();
    [state.hash_one(0), state.hash_one(1) | 1]
});

/// Hashes keys. It has a secret, so that no file can be written whose keys all fall into one place.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyHasher {
    seed: [u64; 2],
}

impl KeyHasher {
    /// What the hash of a key begins with. [Mixed](Self::mixed) with its words, of which the last is no whole one and
    /// filled with zeros, it is the hash of the key.
    #[inline]
    pub(super) fn begin(self) -> u64 {
        self.seed[0]
    }

    /// Multiplies a word in lower case with a number that no file can know and folds the 128 bits of the product.
    #[inline]
    pub(super) fn mixed(self, hash: u64, word: u64) -> u64 {
        let product = u128::from(hash ^ in_lower_case(word)).wrapping_mul(self.seed[1].into());
        let [low, high] = [product, product >> 64_u32].map(|half| half & u128::from(u64::MAX));
        u64::try_from(low ^ high).unwrap_or(0)
    }

    /// The same for keys that differ only in case.
    #[inline]
    pub(super) fn hash(self, key: &str) -> u64 {
        let (words, rest) = key.as_bytes().as_chunks::<WORD_BYTES>();
        let hash = words
            .iter()
            .fold(self.begin(), |hash, word| self.mixed(hash, u64::from_le_bytes(*word)));
        let last = rest.iter().rev().fold(0, |word, byte| word << 8_u32 | u64::from(*byte));
        self.mixed(hash, last)
    }
}

/// The same for letters of either case and for nothing else: or else a file could have thousands of keys of one hash.
#[inline]
fn in_lower_case(word: u64) -> u64 {
    const fn in_each_place(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; WORD_BYTES])
    }
    // The highest bit of each byte tells; no sum passes it.
    let low = word & in_each_place(0x7F);
    let from_a = low.wrapping_add(in_each_place(0x80 - b'A'));
    let past_z = low.wrapping_add(in_each_place(0x7F - b'Z'));
    let capitals = (from_a ^ past_z) & !word & in_each_place(0x80);
    word | capitals >> 2_u32
}

/// A hash table of open addressing, at most half full.
#[derive(Debug, Clone)]
pub(super) struct KeyIndex {
    pub(super) hasher: KeyHasher,
    /// A power of two of places. Each has the number of an entry, from 1, in its low half, and in the other the half of
    /// its hash by which most other keys show without a look at the entry; 0 for a place that is free.
    places: Vec<u64>,
    /// Entries whose key came before.
    repeated: usize,
}

/// It follows from the entries, which are compared.
impl PartialEq for KeyIndex {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl KeyIndex {
    /// An index that need not grow for so many entries.
    pub(super) fn for_about(entries: usize) -> Self {
        Self {
            hasher: KeyHasher { seed: *SEED },
            places: vec![0; entries.max(1).saturating_mul(PLACES_FOR_EACH).next_power_of_two()],
            repeated: 0,
        }
    }

    /// Takes a key with its hash, whose entry comes behind these.
    #[inline]
    pub(super) fn insert(&mut self, entries: &[Entry<'_>], key: &str, hash: u64) {
        if entries.len() >= self.places.len() / 2 {
            self.grow(entries);
        }
        let at = self.place_of(entries, key, hash);
        if let Some(place) = self.places.get_mut(at) {
            if *place != 0 {
                self.repeated = self.repeated.saturating_add(1);
            }
            let number = u64::try_from(entries.len()).unwrap_or(u64::MAX).wrapping_add(1);
            *place = hash & TAG | number & !TAG;
        }
    }

    /// Makes room for more.
    #[cold]
    fn grow(&mut self, entries: &[Entry<'_>]) {
        *self = Self::for_about(self.places.len());
        for (number, entry) in entries.iter().enumerate() {
            let before = entries.get(..number).unwrap_or_default();
            self.insert(before, &entry.key, self.hasher.hash(&entry.key));
        }
    }

    /// The last entry of a key.
    pub(super) fn find<'e, 'a>(&self, entries: &'e [Entry<'a>], key: &str) -> Option<&'e Entry<'a>> {
        let at = self.place_of(entries, key, self.hasher.hash(key));
        entry_of(entries, *self.places.get(at)?)
    }

    /// True when no key stands more than once.
    pub(super) fn has_every_key_once(&self) -> bool {
        self.repeated == 0
    }

    /// The place of a key, or the free one where it belongs.
    #[expect(
        clippy::inline_always,
        reason = "each line of a file asks for one; a call takes a third as long as the answer"
    )]
    #[inline(always)]
    fn place_of(&self, entries: &[Entry<'_>], key: &str, hash: u64) -> usize {
        let is_its = |place: u64| {
            (place ^ hash) & TAG == 0 && entry_of(entries, place).is_some_and(|entry| is_same_word(&entry.key, key))
        };
        let mask = self.places.len().saturating_sub(1);
        let mut at = usize::try_from(hash & !TAG).unwrap_or(0) & mask;
        while let Some(place) = self.places.get(at)
            && *place != 0
            && !is_its(*place)
        {
            at = at.wrapping_add(1) & mask;
        }
        at
    }
}

/// The entry whose number a place has.
#[inline]
fn entry_of<'e, 'a>(entries: &'e [Entry<'a>], place: u64) -> Option<&'e Entry<'a>> {
    let number = usize::try_from(place & !TAG).ok()?;
    entries.get(number.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(keys: &[String]) -> Vec<Entry<'_>> {
        let entry = |(line, key): (usize, &'_ String)| Entry {
            key: key.clone().into(),
            value: crate::text::TextRef::default(),
            line,
        };
        keys.iter().enumerate().map(entry).collect()
    }

    fn index_of(entries: &[Entry<'_>]) -> KeyIndex {
        let mut index = KeyIndex::for_about(1);
        for (number, entry) in entries.iter().enumerate() {
            index.insert(&entries[..number], &entry.key, index.hasher.hash(&entry.key));
        }
        index
    }

    #[test]
    fn a_word_is_lower_case_as_its_letters_are() {
        for byte in 0..=u8::MAX {
            let word = [byte, b'A', 0xFF, byte, b'z', b'@', byte, b'['];
            let lower = word.map(|byte| byte.to_ascii_lowercase());
            assert_eq!(in_lower_case(u64::from_le_bytes(word)), u64::from_le_bytes(lower));
        }
    }

    #[test]
    fn keys_that_differ_in_more_than_case_have_hashes_of_their_own() {
        let keys: Vec<String> = (0..1024_u32)
            .map(|number| {
                (0..10)
                    .map(|bit| if number >> bit & 1 == 0 { '@' } else { '`' })
                    .collect()
            })
            .collect();
        let index = index_of(&entries(&keys));
        let hashes: std::collections::HashSet<u64> = keys.iter().map(|key| index.hasher.hash(key)).collect();
        assert_eq!(hashes.len(), keys.len());
    }

    #[test]
    fn keys_of_every_length_are_found_whatever_their_case() {
        let keys: Vec<String> = (0..300).map(|length| "Ab.9".repeat(75)[..length].to_owned()).collect();
        let entries = entries(&keys);
        let index = index_of(&entries);
        assert!(index.has_every_key_once());
        for (line, key) in keys.iter().enumerate() {
            let found = index.find(&entries, &key.to_ascii_uppercase());
            assert_eq!(found.map(|entry| entry.line), Some(line), "{key}");
        }
        assert_eq!(index.find(&entries, "ab.8"), None);
        assert_eq!(index_of(&[]).find(&[], "a"), None);
    }

    #[test]
    fn the_last_entry_of_a_key_is_found() {
        let keys = ["a", "b", "A"].map(str::to_owned);
        let entries = entries(&keys);
        let index = index_of(&entries);
        assert!(!index.has_every_key_once());
        assert_eq!(index.find(&entries, "a").map(|entry| entry.line), Some(2));
    }
}
