//! Finds the last entry of a key, whatever its case, in constant time, without a copy of the keys.

use std::hash::{BuildHasher, RandomState};

use super::Entry;
use crate::reference::is_same_word;

/// A place of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Which entry; `u32::MAX` for none.
    number: u32,
    /// Half of its hash, by which most other keys show without a look at the entry.
    tag: u32,
}

const FREE: Place = Place {
    number: u32::MAX,
    tag: 0,
};

/// Places for each entry, so that few entries meet: to find that a place is taken costs more than the room.
const PLACES_FOR_EACH: usize = 4;

/// The bytes of a word.
const WORD_BYTES: usize = 8;

/// The bytes of half a word.
const HALF_BYTES: usize = WORD_BYTES / 2;

/// What is hashed at a time.
const PAIR_BYTES: usize = 2 * WORD_BYTES;

/// A hash table of open addressing, at most a quarter full. The hash is seeded anew for each file, so that no file can be
/// written whose keys all fall into one place.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyIndex {
    seed: [u64; 2],
    /// A power of two, or nothing.
    places: Vec<Place>,
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
    /// The index of these entries.
    pub(super) fn of(entries: &[Entry<'_>]) -> Self {
        let state = RandomState::new();
        let mut index = Self {
            seed: [state.hash_one(0), state.hash_one(1) | 1],
            places: vec![FREE; entries.len().saturating_mul(PLACES_FOR_EACH).next_power_of_two()],
            ..Self::default()
        };
        for (number, entry) in (0..FREE.number).zip(entries) {
            let (at, tag) = index.place_of(entries, &entry.key);
            if let Some(place) = index.places.get_mut(at) {
                index.repeated = index.repeated.saturating_add(usize::from(*place != FREE));
                *place = Place { number, tag };
            }
        }
        index
    }

    /// The last entry of a key.
    pub(super) fn find<'e, 'a>(&self, entries: &'e [Entry<'a>], key: &str) -> Option<&'e Entry<'a>> {
        let (at, _) = self.place_of(entries, key);
        entry_of(entries, *self.places.get(at)?)
    }

    /// True when no key stands more than once.
    pub(super) fn has_every_key_once(&self) -> bool {
        self.repeated == 0
    }

    /// The place of a key, or the free one where it belongs, and its tag.
    #[inline]
    fn place_of(&self, entries: &[Entry<'_>], key: &str) -> (usize, u32) {
        let hash = self.hash(key);
        let [low, tag] = [hash, hash >> 32_u32].map(|half| u32::try_from(half & u64::from(u32::MAX)).unwrap_or(0));
        let is_its = |place: Place| {
            place.tag == tag && entry_of(entries, place).is_some_and(|entry| is_same_word(&entry.key, key))
        };
        let mask = self.places.len().saturating_sub(1);
        let mut at = usize::try_from(low).unwrap_or(0) & mask;
        while let Some(place) = self.places.get(at)
            && *place != FREE
            && !is_its(*place)
        {
            at = at.wrapping_add(1) & mask;
        }
        (at, tag)
    }

    /// The same for keys that differ only in case.
    #[inline]
    fn hash(&self, key: &str) -> u64 {
        let key = key.as_bytes();
        let length = u64::try_from(key.len()).unwrap_or(u64::MAX);
        let (pairs, rest) = key.as_chunks::<PAIR_BYTES>();
        let hash = pairs
            .iter()
            .fold(self.seed[0] ^ length, |hash, pair| self.mixed(hash, words_of(pair)));
        if rest.is_empty() {
            return hash;
        }
        // The last pair overlaps the one before.
        let last = key.len().saturating_sub(PAIR_BYTES);
        self.mixed(hash, words_of(key.get(last..).unwrap_or_default()))
    }

    /// Multiplies with a number that no file can know and folds the 128 bits of the product.
    #[inline]
    fn mixed(&self, hash: u64, [first, last]: [u64; 2]) -> u64 {
        let product = u128::from(hash ^ first).wrapping_mul((self.seed[1] ^ last).into());
        let [low, high] = [product, product >> 64_u32].map(|half| half & u128::from(u64::MAX));
        u64::try_from(low ^ high).unwrap_or(0)
    }
}

fn entry_of<'e, 'a>(entries: &'e [Entry<'a>], place: Place) -> Option<&'e Entry<'a>> {
    entries.get(usize::try_from(place.number).ok()?)
}

/// The first and the last word of at most two words, in lower case as far as letters go. Of less than two they overlap.
#[inline]
fn words_of(bytes: &[u8]) -> [u64; 2] {
    const BLANKS: u64 = u64::from_le_bytes([b' '; WORD_BYTES]);
    let words = if let Some(ends) = bytes.first_chunk::<WORD_BYTES>().zip(bytes.last_chunk()) {
        [*ends.0, *ends.1].map(u64::from_le_bytes)
    } else if let Some(ends) = bytes.first_chunk::<HALF_BYTES>().zip(bytes.last_chunk()) {
        [*ends.0, *ends.1].map(|half| u32::from_le_bytes(half).into())
    } else {
        [bytes.iter().fold(0, |word, byte| word << 8_u32 | u64::from(*byte)), 0]
    };
    words.map(|word| word | BLANKS)
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

    #[test]
    fn keys_of_every_length_are_found_whatever_their_case() {
        let keys: Vec<String> = (0..300).map(|length| "Ab.9".repeat(75)[..length].to_owned()).collect();
        let entries = entries(&keys);
        let index = KeyIndex::of(&entries);
        assert!(index.has_every_key_once());
        for (line, key) in keys.iter().enumerate() {
            let found = index.find(&entries, &key.to_ascii_uppercase());
            assert_eq!(found.map(|entry| entry.line), Some(line), "{key}");
        }
        assert_eq!(index.find(&entries, "ab.8"), None);
        assert_eq!(KeyIndex::of(&[]).find(&[], "a"), None);
    }

    #[test]
    fn the_last_entry_of_a_key_is_found() {
        let keys = ["a", "b", "A"].map(str::to_owned);
        let entries = entries(&keys);
        let index = KeyIndex::of(&entries);
        assert!(!index.has_every_key_once());
        assert_eq!(index.find(&entries, "a").map(|entry| entry.line), Some(2));
    }
}
