//! The catalogue: all facts of one or more scans, sorted, no judgement.
//!
//! It is made by crawl and read, can be saved and loaded (`derelict collect`, `derelict report`), and is immutable for
//! everything right of it. The saved form is described in `docs/catalogue.md`.

mod folder;
mod frame;
mod load;
mod places;
mod record;
mod unfinished;

use std::collections::BTreeMap;

use derelict_parsers::Anomaly;
use jiff::Timestamp;
use rayon::slice::ParallelSliceMut;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    folder::{Folder, FolderRecord, HardLink},
    record::{SCHEMA, Settings},
    unfinished::{Unfinished, partial_name},
};
pub(crate) use self::{
    folder::{Gathering, sum},
    load::{CANNOT_BE_OPENED, INCOMPLETE, is_catalogue},
    places::Places,
};
use crate::{
    evidence::Evidence,
    facts::Facts,
    kind::{Basis, Kind},
    raw::RawPath,
};

/// All facts of the roots that were crawled.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    /// The roots, in the order given. Everything else names a root by its place here.
    pub roots: Vec<RootRecord>,
    /// Artifacts, sorted by root and path.
    pub artifacts: Vec<Artifact>,
    /// Ordinary files of folders that hold an artifact, sorted by root and path: a reference may name one.
    pub bystanders: Vec<Entry>,
    /// Links and other files that are not regular, sorted by root and path. Never opened, never followed.
    pub specials: Vec<Special>,
    /// What could not be read, sorted.
    pub issues: Vec<Issue>,
}

/// One root and what was counted in it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RootRecord {
    /// The path as given.
    pub path: RawPath,
    /// Where that lies, from the top of the machine that saw it and without links; `None` where that is `path` itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absolute: Option<RawPath>,
    /// The aliases as given, in order. Empty: the identity is to be inferred.
    pub aliases: Vec<String>,
    /// When its crawl began.
    pub started: Option<Timestamp>,
    /// When later runs went on with it.
    pub continued: Vec<Timestamp>,
    /// When something of it was read last, at the latest; `None` where nobody knows.
    #[serde(skip)]
    pub(crate) last_read: Option<Timestamp>,
    /// Folders entered, the root included.
    pub directories: u64,
    /// Regular files met, artifacts included; hard links count by name.
    pub files: u64,
    /// Sum of the lengths of the files, each file once.
    pub apparent_bytes: u64,
    /// Sum of the blocks of the files, each file once; `None` when the file system does not know.
    pub allocated_bytes: Option<u64>,
    /// Size of the file system.
    pub capacity_bytes: Option<u64>,
    /// Free space of the file system.
    pub free_bytes: Option<u64>,
    /// Type of the file system as the operating system names it (`ext4`, `nfs`, `cifs`, `fuse` …; `NTFS`, `ReFS`, `CSVFS` … on Windows).
    pub file_system: Option<String>,
    /// Which machine saw it, as a digest of its id: device and inode numbers mean something within one machine only.
    pub machine: String,
    /// Device number of the root folder.
    pub device: Option<u64>,
    /// Inode of the root folder: with machine and device it tells that two roots are one folder.
    #[serde(default)]
    pub inode: Option<u64>,
    /// Places that were left out on purpose: snapshot folders, `--exclude`, other file systems.
    pub skipped: Vec<Skipped>,
    /// Folders without any entry below them, relative: leftovers of removed VMs.
    pub empty_folders: Vec<RawPath>,
}

impl RootRecord {
    /// What tells that two roots are one folder: machine, device and inode.
    pub(crate) fn folder_key(&self) -> Option<(String, u64, u64)> {
        Some((self.machine.clone(), self.device?, self.inode?))
    }

    /// Takes over what the storage says of a root that gave no answer before. True where it did so.
    pub(crate) fn learn(&mut self, now: &Self) -> bool {
        if self.device.is_some() || now.device.is_none() {
            return false;
        }
        (self.device, self.inode) = (now.device, now.inode);
        (self.capacity_bytes, self.free_bytes) = (now.capacity_bytes, now.free_bytes);
        self.absolute.clone_from(&now.absolute);
        self.file_system.clone_from(&now.file_system);
        self.allocated_bytes = now.allocated_bytes;
        true
    }

    /// True when the other began after this one had ended.
    fn is_before(&self, other: &Self) -> bool {
        self.last_read.is_some_and(|last| Some(last) < other.started)
    }

    /// True when the other is this one, or this one gone on with.
    fn is_part_of(&self, other: &Self) -> bool {
        let went_on = other.continued.strip_prefix(self.continued.as_slice());
        self.started == other.started
            && match went_on {
                Some([]) => self.last_read <= other.last_read,
                Some([next, ..]) => self.last_read <= Some(*next),
                None => false,
            }
    }

    /// False when another root of the same path is another folder for certain.
    fn may_be(&self, other: &Self) -> bool {
        let keys = self.folder_key().zip(other.folder_key());
        self.machine == other.machine && keys.is_none_or(|(one, other)| one == other)
    }
}

/// A place that was left out on purpose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Skipped {
    /// Relative to the root.
    pub path: RawPath,
    /// It is a folder, with all that lies below it.
    #[serde(default)]
    pub folder: bool,
    /// Why.
    pub why: SkipReason,
}

/// Why a place was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// `--exclude`.
    Excluded,
    /// Another file system is mounted here.
    OtherFileSystem,
    /// A snapshot or previous-version folder of the storage: it repeats every file.
    StorageSnapshot,
}

/// What the file system says of one regular file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Index of its root.
    pub root: usize,
    /// Path relative to the root.
    pub path: RawPath,
    /// Length in bytes.
    pub length: u64,
    /// Blocks × 512; `None` where the file system does not know (FUSE clients of a share).
    pub allocated: Option<u64>,
    /// Last change of the content.
    pub modified: Option<Timestamp>,
    /// Last change of the inode.
    pub changed: Option<Timestamp>,
    /// Creation.
    pub created: Option<Timestamp>,
    /// Device number; 0 where there is none.
    pub device: u64,
    /// Inode or file id; 0 where there is none, so that nothing tells two names of one file from two files.
    pub inode: u64,
    /// Number of hard links; 1 where it is not known.
    pub links: u64,
    /// Nobody may write to it: the attribute of Windows, or no write permission in its mode.
    #[serde(default)]
    pub read_only: bool,
}

impl Entry {
    /// True where the file system tells this file from others by a number.
    pub(crate) fn is_numbered(&self) -> bool {
        self.inode != 0
    }
}

/// A file that virtualization writes, with all that was read of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "record::FlatArtifact")]
pub struct Artifact {
    /// What the file system says.
    #[serde(flatten)]
    pub entry: Entry,
    /// What it is.
    pub kind: Kind,
    /// How that was found.
    pub basis: Basis,
    /// All that the parsers read, as `derelict inspect` prints it; none where nothing is read of this kind.
    pub facts: Facts,
    /// The same in the words of the reconciliation.
    pub evidence: Evidence,
    /// What is odd about it.
    pub anomalies: Vec<Anomaly>,
    /// BLAKE3 in hex, with `--hash`.
    pub blake3: Option<String>,
    /// What was found when it was looked at again, with `--settle`.
    pub second_look: Option<Box<SecondLook>>,
}

/// What the file system and the header of a file said some time after the scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondLook {
    /// When.
    pub at: Timestamp,
    /// At least so many seconds after the first look.
    pub after_seconds: u64,
    /// What was not as it was before, each in words; empty for a file that nobody touched.
    pub changes: Vec<String>,
    /// Why it could not be looked at again; `None` where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// Length in bytes; `None` when the file was gone or not seen.
    pub length: Option<u64>,
    /// Last change of the content.
    pub modified: Option<Timestamp>,
    /// Last change of the inode.
    pub changed: Option<Timestamp>,
}

/// A link, socket, device or FIFO. A link is evidence of a path, nothing more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Special {
    /// Index of its root.
    pub root: usize,
    /// Path relative to the root.
    pub path: RawPath,
    /// Where a symbolic link points, as written; `None` for other special files.
    pub target: Option<RawPath>,
}

/// Something that could not be done: data, never the end of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Issue {
    /// Index of the root; `None` for inventories and the like.
    pub root: Option<usize>,
    /// Relative to the root, or the path of the inventory.
    pub path: RawPath,
    /// What was being done.
    pub stage: Stage,
    /// What went wrong.
    pub error: String,
    /// The place is a folder whose whole content was not seen.
    pub folder: bool,
}

/// What was being done when something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Listing folders.
    Crawl,
    /// Asking for the length and times of a file.
    Stat,
    /// Opening or reading a file.
    Read,
    /// Reading the bytes as their format: malformed.
    Parse,
    /// Hashing a file.
    Hash,
    /// Importing an inventory.
    Inventory,
    /// Reading a saved catalogue, or saving to it.
    Catalogue,
}

impl Catalogue {
    /// An empty catalogue of these roots.
    pub fn new(roots: Vec<RootRecord>) -> Self {
        Self {
            roots,
            artifacts: Vec::new(),
            bystanders: Vec::new(),
            specials: Vec::new(),
            issues: Vec::new(),
        }
    }

    /// Sorts everything, so that the same evidence gives the same bytes whatever the order of the threads.
    pub fn sort(&mut self) {
        // A path is there once, so that no order among equals is to be kept, and a large list needs no room beside it.
        self.artifacts
            .par_sort_unstable_by(|a, b| (a.entry.root, &a.entry.path).cmp(&(b.entry.root, &b.entry.path)));
        self.bystanders
            .par_sort_unstable_by(|a, b| (a.root, &a.path).cmp(&(b.root, &b.path)));
        self.specials.sort();
        self.issues.sort();
        for root in &mut self.roots {
            root.skipped.sort();
            root.empty_folders.sort();
        }
    }

    /// One catalogue of several: the roots one after the other, then sorted.
    ///
    /// A root that was collected again later is left out, and roots of one path on several machines get paths that differ.
    pub fn merge(catalogues: impl IntoIterator<Item = Catalogue>) -> Self {
        let mut all = Self::new(Vec::new());
        for mut catalogue in catalogues {
            let first = all.roots.len();
            let shift = |root: &mut usize| *root = root.saturating_add(first);
            let artifacts = catalogue.artifacts.iter_mut();
            artifacts.for_each(|artifact| shift(&mut artifact.entry.root));
            catalogue.bystanders.iter_mut().for_each(|entry| shift(&mut entry.root));
            let specials = catalogue.specials.iter_mut();
            specials.for_each(|special| shift(&mut special.root));
            catalogue
                .issues
                .iter_mut()
                .filter_map(|issue| issue.root.as_mut())
                .for_each(shift);
            append(&mut all.roots, catalogue.roots);
            append(&mut all.artifacts, catalogue.artifacts);
            append(&mut all.bystanders, catalogue.bystanders);
            append(&mut all.specials, catalogue.specials);
            append(&mut all.issues, catalogue.issues);
        }
        all.drop_superseded();
        all.tell_apart();
        all.sort();
        all
    }

    /// Leaves out every root that another run saw whole later, or as well: what it says is out of date, or said twice. What that run left
    /// out on purpose is not known from then on: what lay there once may be anywhere now.
    fn drop_superseded(&mut self) {
        let mut kept = 0_usize;
        let numbers: Vec<Option<usize>> = (0..self.roots.len())
            .map(|root| {
                let number = (!self.is_superseded(root)).then_some(kept);
                kept = kept.saturating_add(usize::from(number.is_some()));
                number
            })
            .collect();
        if kept == self.roots.len() {
            return;
        }
        let renumber = |root: &mut usize| match numbers.get(*root) {
            Some(Some(number)) => {
                *root = *number;
                true
            }
            _ => false,
        };
        let mut old = numbers.iter();
        self.roots.retain(|_| old.next().is_some_and(Option::is_some));
        self.artifacts.retain_mut(|artifact| renumber(&mut artifact.entry.root));
        self.bystanders.retain_mut(|entry| renumber(&mut entry.root));
        self.specials.retain_mut(|special| renumber(&mut special.root));
        self.issues.retain_mut(|issue| issue.root.as_mut().is_none_or(renumber));
    }

    fn is_superseded(&self, root: usize) -> bool {
        let Some(old) = self.roots.get(root) else { return false };
        let is_whole = |root| !self.issues.iter().any(|issue| issue.root == Some(root) && issue.folder);
        self.roots.iter().enumerate().any(|(number, new)| {
            let is_same = old.folder_key().is_some() && old.folder_key() == new.folder_key();
            let is_later = old.is_before(new) || old.is_part_of(new) && (root < number || !new.is_part_of(old));
            is_same && old.path == new.path && old.aliases == new.aliases && is_later && is_whole(number)
        })
    }

    /// Paths mean something within one machine only: where several folders have one, all but the first get a number.
    fn tell_apart(&mut self) {
        let mut seen: BTreeMap<RawPath, Vec<RootRecord>> = BTreeMap::new();
        for root in &mut self.roots {
            let known = seen.entry(root.path.clone()).or_default();
            let place = known.iter().position(|other| other.may_be(root));
            let place = place.unwrap_or_else(|| {
                known.push(root.clone());
                known.len().saturating_sub(1)
            });
            if place > 0 {
                let number = format!("({})", place.saturating_add(1));
                root.path = RawPath::new([root.path.as_bytes(), number.as_bytes()].concat());
            }
        }
    }

    /// Number of artifacts of each root.
    pub fn artifacts_by_root(&self) -> BTreeMap<usize, u64> {
        let mut counts = BTreeMap::new();
        for artifact in &self.artifacts {
            let count: &mut u64 = counts.entry(artifact.entry.root).or_default();
            *count = count.saturating_add(1);
        }
        counts
    }
}

/// Adds to a list; the first one is taken as it is, for it may be large.
fn append<T>(all: &mut Vec<T>, more: Vec<T>) {
    if all.is_empty() {
        *all = more;
    } else {
        all.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Catalogue {
        let mut catalogue = Catalogue::new(vec![RootRecord {
            path: RawPath::new(b"/mnt/\xff".to_vec()),
            ..RootRecord::default()
        }]);
        catalogue.specials.push(Special {
            root: 0,
            path: "a".into(),
            target: Some("b".into()),
        });
        catalogue
    }

    #[test]
    fn merging_keeps_the_roots_apart() {
        let merged = Catalogue::merge([sample(), sample()]);
        assert_eq!(merged.roots.len(), 2);
        let roots: Vec<_> = merged.specials.iter().map(|special| special.root).collect();
        assert_eq!(roots, [0, 1]);
    }

    /// The sample as this machine saw it, begun at this second.
    fn seen(machine: &str, inode: u64, second: i64) -> Catalogue {
        let mut catalogue = sample();
        let root = &mut catalogue.roots[0];
        root.machine = machine.to_owned();
        (root.device, root.inode) = (Some(1), Some(inode));
        root.started = Some(Timestamp::from_second(second).unwrap());
        root.last_read = root.started;
        catalogue
    }

    fn unseen() -> Issue {
        Issue {
            root: Some(0),
            path: "a".into(),
            stage: Stage::Crawl,
            error: String::new(),
            folder: true,
        }
    }

    #[test]
    fn a_root_that_was_collected_again_is_taken_as_it_was_last() {
        let merged = Catalogue::merge([seen("m", 7, 2), seen("m", 7, 1), seen("m", 7, 2)]);
        assert_eq!((merged.roots.len(), merged.specials.len()), (1, 1));
        assert_eq!(merged.roots[0].started, seen("m", 7, 2).roots[0].started);
    }

    #[test]
    fn an_earlier_look_stays_where_the_later_one_was_not_whole_or_was_of_another_folder() {
        let mut half = seen("m", 7, 2);
        half.issues.push(unseen());
        assert_eq!(Catalogue::merge([seen("m", 7, 1), half]).roots.len(), 2);
        let mut renamed = seen("m", 7, 2);
        renamed.roots[0].aliases.push("other".to_owned());
        assert_eq!(Catalogue::merge([seen("m", 7, 1), renamed]).roots.len(), 2);
        assert_eq!(Catalogue::merge([seen("m", 7, 1), seen("m", 8, 2)]).roots.len(), 2);
        assert_eq!(Catalogue::merge([seen("m", 7, 1), seen("n", 7, 2)]).roots.len(), 2);
    }

    #[test]
    fn a_run_that_went_on_after_another_began_is_kept_beside_it_and_instead_of_what_it_went_on_with() {
        let gone_on = |second: i64, times: &[i64]| {
            let mut catalogue = seen("m", 7, second);
            let times = times.iter().map(|&time| Timestamp::from_second(time).unwrap());
            let root = &mut catalogue.roots[0];
            root.continued = times.collect();
            root.last_read = root.continued.last().copied().max(root.started);
            catalogue
        };
        for (first, second, roots) in [
            (gone_on(1, &[3]), gone_on(2, &[]), 2),
            (gone_on(1, &[2]), gone_on(3, &[]), 1),
            (gone_on(1, &[2]), gone_on(1, &[2]), 1),
            (gone_on(1, &[2]), gone_on(1, &[2, 4]), 1),
            (gone_on(1, &[2]), gone_on(1, &[3]), 2),
        ] {
            let last = second.roots[0].continued.clone();
            let [merged, turned] =
                [[&first, &second], [&second, &first]].map(|all| Catalogue::merge(all.map(Catalogue::clone)));
            assert_eq!((merged.roots.len(), turned.roots.len()), (roots, roots));
            if roots == 1 {
                assert_eq!((&merged.roots[0].continued, &turned.roots[0].continued), (&last, &last));
            }
        }
    }

    #[test]
    fn a_run_that_was_still_reading_when_another_began_is_kept_beside_it() {
        for (last_read, roots) in [(None, 2), (Some(3), 2), (Some(2), 2), (Some(1), 1)] {
            let mut old = seen("m", 7, 1);
            old.roots[0].last_read = last_read.map(|second| Timestamp::from_second(second).unwrap());
            assert_eq!(
                Catalogue::merge([old, seen("m", 7, 2)]).roots.len(),
                roots,
                "{last_read:?}"
            );
        }
    }

    #[test]
    fn one_path_on_two_machines_is_two_places() {
        let merged = Catalogue::merge([seen("m", 7, 1), seen("n", 7, 2), seen("n", 8, 3)]);
        let paths: Vec<&[u8]> = merged.roots.iter().map(|root| root.path.as_bytes()).collect();
        assert_eq!(paths, [&b"/mnt/\xff"[..], b"/mnt/\xff(2)", b"/mnt/\xff(3)"]);
        let mut half = seen("m", 7, 2);
        half.issues.push(unseen());
        let merged = Catalogue::merge([seen("m", 7, 1), half]);
        assert_eq!(merged.roots[0].path, merged.roots[1].path, "one folder, seen twice");
    }
}
