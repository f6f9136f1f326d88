//! What earlier states of the keys left in the file: paths that a configuration named once.
//!
//! The replay log keeps the data of commits long after they reached their places; a log that grew left its old place
//! behind as free space; a table that was replaced is still there; a writer may free a key without scrubbing it. None of
//! this is in force. Every key has a checksum of its own, so keys are recognised wherever they begin, also in what is
//! left of a table whose start was overwritten.

use std::{borrow::Cow, collections::BTreeSet};

use memchr::memchr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{
    Budget,
    format::{KEY_ENTRY_HEADER, KEY_ENTRY_INLINE_MAX, KEY_FLAGS, key_type},
    header::StorageHeader,
    key_entry::{RawKey, RawValue, parse_entry},
    object_table::{Listing, Region},
    overlay::Patch,
    replay_log::Log,
    tree::{KeyRef, KeyTree},
};
use crate::{bytes::Cursor, error::Result, read_at::ReadAt, text::EncodedText, utf16, windows_path};

const HISTORY: &str = "VMCX history";

/// Most earlier paths that are listed of one file.
const MAX_PREVIOUS_PATHS: usize = 1_000;
/// Checksums may run over a place this many times, for what looks like the start of a key and is none.
const CHECKSUM_FACTOR: usize = 8;

/// A path that an earlier state of the keys named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct PreviousPath {
    /// The path as written.
    pub path: EncodedText,
    /// Name of the key that held it.
    pub key: SmolStr,
    /// Where that key stands, in bytes from the start of the file.
    pub offset: u64,
    /// What it stands in.
    #[serde(default)]
    pub place: HistoryPlace,
}

/// What an earlier state is left in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryPlace {
    /// In the replay log: data of earlier commits, or of one that cannot be applied.
    #[default]
    ReplayLog,
    /// Where an open commit writes: what stands there until then.
    ReplacedByLog,
    /// In free space that an object table lists, as a rule the place of an earlier replay log.
    FreeSpace,
    /// In a free entry of a key table that was not scrubbed.
    FreedKey,
    /// In a key table that a newer one replaces.
    ReplacedTable,
}

/// Stretches of the file with earlier states.
#[derive(Debug, Default)]
pub(super) struct History<'s> {
    images: Vec<Image<'s>>,
}

/// One of them.
#[derive(Debug)]
struct Image<'s> {
    place: HistoryPlace,
    /// From the start of the file, in bytes.
    offset: u64,
    bytes: Cow<'s, [u8]>,
}

impl<'s> History<'s> {
    /// Collects the log, what it replaces, and the free space.
    pub(super) fn collect<R: ReadAt + ?Sized>(
        &mut self,
        source: &'s R,
        header: &StorageHeader,
        log: &Log,
        objects: &Listing,
        budget: &mut Budget,
    ) -> Result<()> {
        let block = u64::from(header.replay_log_header_bytes);
        let data = Region {
            offset: header.replay_log_offset.saturating_add(block),
            size: header.replay_log_bytes.saturating_sub(block),
        };
        self.read(HistoryPlace::ReplayLog, source, [data], budget)?;
        let replaced = log.patches.iter().map(Patch::region);
        self.read(HistoryPlace::ReplacedByLog, source, replaced, budget)?;
        self.read(HistoryPlace::FreeSpace, source, objects.free.iter().copied(), budget)
    }

    /// Collects what the key tables left.
    pub(super) fn collect_tables<R: ReadAt + ?Sized>(
        &mut self,
        source: &'s R,
        freed: Vec<Patch>,
        replaced: &[Region],
        budget: &mut Budget,
    ) -> Result<()> {
        self.images
            .extend(freed.into_iter().map(|Patch { offset, bytes }| Image {
                place: HistoryPlace::FreedKey,
                offset,
                bytes: bytes.into(),
            }));
        self.read(HistoryPlace::ReplacedTable, source, replaced.iter().copied(), budget)
    }

    /// Reads what is there of these regions. A region beyond the budget is left out: history is a bonus.
    fn read<R: ReadAt + ?Sized>(
        &mut self,
        place: HistoryPlace,
        source: &'s R,
        regions: impl IntoIterator<Item = Region>,
        budget: &mut Budget,
    ) -> Result<()> {
        for Region { offset, size } in regions {
            let there = size.min(source.len().saturating_sub(offset));
            if there > 0 && budget.spend(HISTORY, there).is_ok() {
                let bytes = source.up_to(HISTORY, offset, there)?;
                self.images.push(Image { place, offset, bytes });
            }
        }
        Ok(())
    }

    /// The paths in earlier states that the tree does not name, each once, in the order of their places.
    pub(super) fn paths(&self, tree: &KeyTree) -> Vec<PreviousPath> {
        let mut found: Vec<_> = self
            .images
            .iter()
            .flat_map(|image| sound_paths(&image.bytes, image.offset, image.place))
            .collect();
        if found.is_empty() {
            return found;
        }
        let mut known = BTreeSet::new();
        let paths = tree.all().filter_map(KeyRef::as_str);
        known.extend(
            paths
                .filter(|text| windows_path::is_absolute(text))
                .map(str::to_lowercase),
        );
        found.sort_by_key(|path| path.offset);
        found.retain(|path| known.insert(path.path.as_str().to_lowercase()));
        found.truncate(MAX_PREVIOUS_PATHS);
        found
    }
}

fn previous_path(key: &RawKey<'_>, place: HistoryPlace) -> Option<PreviousPath> {
    let RawValue::String(text) = key.value else { return None };
    let path = utf16::decode_le(utf16::without_nul(text).0);
    windows_path::is_absolute(path.as_str()).then(|| PreviousPath {
        path,
        key: String::from_utf8_lossy(key.name).into(),
        offset: key.entry.offset,
        place,
    })
}

/// Every path in a text key with a right checksum, wherever it begins.
fn sound_paths(image: &[u8], base: u64, place: HistoryPlace) -> Vec<PreviousPath> {
    let mut found = Vec::new();
    let mut work = image.len().saturating_mul(CHECKSUM_FACTOR);
    let mut at = 0;
    while let Some(skip) = image.get(at..).and_then(|rest| memchr(key_type::STRING, rest)) {
        at = at.saturating_add(skip);
        let rest = image.get(at..).unwrap_or_default();
        let Some(length) = text_length(rest) else {
            at = at.saturating_add(1);
            continue;
        };
        let Some(left) = work.checked_sub(length) else { break };
        work = left;
        let offset = base.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
        let entry = Cursor::new(HISTORY, offset, rest.get(..length).unwrap_or_default());
        match parse_entry(&entry, base, 0) {
            Ok(Some(key)) if key.checked().is_ok() => {
                found.extend(previous_path(&key, place));
                at = at.saturating_add(length);
            }
            _ => at = at.saturating_add(1),
        }
    }
    found
}

/// The length of a text key that may begin here; `None` where what stands here is none.
fn text_length(bytes: &[u8]) -> Option<usize> {
    let entry = Cursor::new(HISTORY, 0, bytes);
    let (kind, flags) = (*bytes.first()?, *bytes.get(1)?);
    if kind != key_type::STRING || flags & !KEY_FLAGS != 0 {
        return None;
    }
    let length = entry.u32_le(2).ok()?;
    let name = usize::from(entry.u8(20).ok()?);
    let name_end = KEY_ENTRY_HEADER.checked_add(name)?;
    let ends_in_nul = bytes.get(name_end.checked_sub(1)?) == Some(&0);
    let fits = (22..=KEY_ENTRY_INLINE_MAX).contains(&length);
    let length = usize::try_from(length).ok()?;
    (fits && name > 0 && ends_in_nul && length <= bytes.len()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        limits::Limits,
        testkit::vmcx::{ContainerBuilder, seal},
        vmcx::{self, Container, Key, format::FREE_FILLING},
    };

    fn state(path: &str) -> Key {
        Key::node("configuration", [Key::leaf("pathname", path)])
    }

    fn read_file(file: &[u8]) -> Container {
        vmcx::read(file, &Limits::default()).unwrap()
    }

    fn paths(container: &Container) -> Vec<(HistoryPlace, &str)> {
        let previous = container.storage.previous_paths.iter();
        previous.map(|path| (path.place, path.path.as_str())).collect()
    }

    /// Lists `bytes`, appended to the file, as free space.
    fn with_free_space(mut file: Vec<u8>, bytes: &[u8]) -> Vec<u8> {
        let offset = u64::try_from(file.len()).unwrap();
        file.extend(bytes);
        let entry = &mut file[0x201a..0x202c];
        entry[0] = 4;
        entry[5..13].copy_from_slice(&offset.to_le_bytes());
        entry[13..17].copy_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
        seal(entry, 1);
        file
    }

    #[test]
    fn keys_are_found_wherever_they_begin_in_free_space() {
        let old = ContainerBuilder::new([state(r"C:\old.vhdx")]).build();
        for skip in [0, 1, 9, 11] {
            // The key table of a small file stands at 0x4000; its first bytes are overwritten.
            let file = with_free_space(
                ContainerBuilder::new([state(r"C:\now.vhdx")]).build(),
                &old[0x4000 + skip..],
            );
            let container = read_file(&file);
            assert_eq!(paths(&container), [(HistoryPlace::FreeSpace, r"C:\old.vhdx")], "{skip}");
            assert_eq!(container.anomalies, []);
        }
    }

    #[test]
    fn a_key_that_was_freed_and_not_scrubbed_is_history() {
        let keys = Key::node(
            "configuration",
            [
                Key::leaf("pathname", r"C:\gone.vhdx"),
                Key::leaf("other", r"C:\now.vhdx"),
            ],
        );
        let mut file = ContainerBuilder::new([keys]).build();
        let wide: Vec<u8> = "pathname\0".bytes().collect();
        let name = file.windows(wide.len()).position(|window| window == wide).unwrap();
        let start = name - KEY_ENTRY_HEADER;
        let length = usize::try_from(u32::from_le_bytes(file[start + 2..start + 6].try_into().unwrap())).unwrap();
        // The space of the key before is joined to it, as a writer does that frees two neighbours.
        let before = 0x4000 + 10;
        let joined = start + length - before;
        file[before] = key_type::FREE;
        file[before + 2..before + 6].copy_from_slice(&u32::try_from(joined).unwrap().to_le_bytes());
        let container = read_file(&file);
        assert_eq!(paths(&container), [(HistoryPlace::FreedKey, r"C:\gone.vhdx")]);
        file[start + KEY_ENTRY_HEADER..start + length].fill(FREE_FILLING);
        assert_eq!(paths(&read_file(&file)), [], "a scrubbed one tells nothing");
    }

    #[test]
    fn the_log_tells_earlier_states_and_what_a_commit_replaces() {
        let file = ContainerBuilder::new([state(r"C:\b.vhdx")])
            .previous_state([state(r"C:\a.vhdx")])
            .open_commit([state(r"C:\c.vhdx")])
            .build();
        assert_eq!(
            paths(&read_file(&file)),
            [
                (HistoryPlace::ReplayLog, r"C:\a.vhdx"),
                (HistoryPlace::ReplacedByLog, r"C:\b.vhdx")
            ]
        );
    }

    #[test]
    fn noise_that_looks_like_keys_costs_bounded_work() {
        // At each byte begins what may be a key of nearly 4 KiB, and none has the right checksum.
        let mut noise = vec![0_u8; 4 << 20];
        for chunk in noise.chunks_exact_mut(22) {
            chunk[0] = key_type::STRING;
            chunk[2..6].copy_from_slice(&4000_u32.to_le_bytes());
            chunk[20] = 1;
        }
        assert_eq!(sound_paths(&noise, 0, HistoryPlace::FreeSpace), []);
    }
}
