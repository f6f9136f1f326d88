//! BLAKE3 of whole files, by bounded positioned reads: no file of a datastore is mapped.
//!
//! A file is cut into leaves, each a subtree of BLAKE3's own tree, so that the workers of its device share one large file as
//! they share many small ones, and what comes out is the standard digest. Holes are not read. Every read has the deadline
//! that a crawl has: a file without an answer is an issue and holds up no other. Memory is a buffer for each worker.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use blake3::{
    Hasher,
    hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root},
};
use jiff::Timestamp;

use crate::{
    catalogue::{Artifact, Catalogue, Issue, Stage},
    collect::CollectOptions,
    crawl::workers::{Fate, Job, Lost, Pulse, Worker, lock, once, spread},
    each_file::{Told, Undone, each_file},
    error::Result,
    evidence::{Mark, MarkCode},
    file_reader::{self, Version},
    kind::Kind,
    progress::{Phase, Progress},
    read::patiently,
};

/// Bytes of one read: larger ones fall out of the cache before they are hashed.
const BUFFER_BYTES: usize = 64 << 10;

/// Fewest bytes of a leaf.
const LEAF_BYTES: u64 = 4 << 20;

/// Most leaves of a file: what is kept of each until the file is done are 32 bytes.
const MOST_LEAVES: u64 = 1 << 16;

/// Most workers by default: each reads on a place of its own, and a disk that turns has one arm.
const MOST_WORKERS: usize = 16;

/// What stands in a hole.
static ZEROS: [u8; BUFFER_BYTES] = [0; BUFFER_BYTES];

/// Hashes the artifacts at these places of the list. A file that cannot be read is an issue, and says why of itself: somebody
/// holds it, it changed since it was seen or meanwhile, or nothing of it is known for certain. A raw device map has no hash: what
/// is read there is a LUN.
///
/// # Errors
/// When the machine refuses threads.
pub fn hash_artifacts(
    catalogue: &mut Catalogue,
    indexes: &[usize],
    options: &CollectOptions,
    progress: &Arc<dyn Progress>,
) -> Result<()> {
    let file = |index: &usize| {
        let artifact = catalogue.artifacts.get(*index)?;
        let entry = &artifact.entry;
        let root = catalogue.roots.get(entry.root)?;
        let path = root.path.to_os().zip(entry.path.to_os());
        (artifact.kind != Kind::VmdkRdm).then(|| ToHash {
            path: path.map(|(root, path)| root.join(path)),
            device: entry.device,
            length: entry.length,
            modified: entry.modified,
        })
    };
    let found: Vec<(usize, ToHash)> = indexes
        .iter()
        .filter_map(|index| Some((*index, file(index)?)))
        .collect();
    let (indexes, files): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let hashes = hash_files(files, options, progress)?;
    for (index, hash) in indexes.into_iter().zip(hashes) {
        let Some(artifact) = catalogue.artifacts.get_mut(index) else {
            continue;
        };
        match hash {
            Ok(hash) => artifact.blake3 = Some(hash),
            Err(why) => {
                artifact.evidence.marks.extend(why.mark());
                catalogue.issues.push(not_hashed(artifact, why.error));
            }
        }
    }
    catalogue.sort();
    Ok(())
}

fn not_hashed(artifact: &Artifact, error: String) -> Issue {
    Issue {
        root: Some(artifact.entry.root),
        path: artifact.entry.path.clone(),
        stage: Stage::Hash,
        error,
        folder: false,
    }
}

/// A file that is to be hashed.
#[derive(Debug)]
pub struct ToHash {
    /// Where; `None` when it has no path on this machine.
    pub path: Option<PathBuf>,
    /// Files of one device share its workers.
    pub device: u64,
    /// Bytes, as far as is known.
    pub length: u64,
    /// When its content was changed last, with that length; `None` where that is not known. A file that says something else by now
    /// has changed.
    pub modified: Option<Timestamp>,
}

impl ToHash {
    /// What it was when it was seen. Its time may not be known, and its length is compared all the same.
    fn seen(&self) -> Option<Version> {
        let is_known = self.modified.is_some() || self.length > 0;
        is_known.then_some(Version {
            length: self.length,
            modified: self.modified,
            inode: None,
        })
    }
}

/// BLAKE3 of each file in hex, or why there is none.
///
/// # Errors
/// When the machine refuses threads.
pub fn hash_files(files: Vec<ToHash>, options: &CollectOptions, progress: &Arc<dyn Progress>) -> Result<Vec<Outcome>> {
    progress.phase(Phase::Hash {
        total_bytes: files.iter().map(|file| file.length).fold(0, u64::saturating_add),
    });
    options.stop.listen();
    let hashes = run(&files, options, progress);
    options.stop.leave();
    progress.finish();
    hashes
}

/// The hash of a file in hex, or why there is none.
pub type Outcome = std::result::Result<String, NotHashed>;

/// Why a file has no hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotHashed {
    /// In words.
    pub error: String,
    /// What that says of the file; nothing where the user had enough.
    sign: Option<MarkCode>,
}

/// What a file is not any more that is hashed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Changed(String);

impl NotHashed {
    fn of(error: &io::Error) -> Self {
        let is_other = error
            .get_ref()
            .is_some_and(<dyn std::error::Error + Send + Sync>::is::<Changed>);
        let sign = if file_reader::is_sharing_violation(error.raw_os_error(), false, false) {
            MarkCode::SharingViolation
        } else if is_other || error.kind() == io::ErrorKind::NotFound {
            MarkCode::Changed
        } else {
            MarkCode::NotHashed
        };
        Self {
            error: error.to_string(),
            sign: Some(sign),
        }
    }

    fn mark(&self) -> Option<Mark> {
        let code = self.sign?;
        let what = match code {
            MarkCode::SharingViolation => "somebody held the file open when it was to be hashed",
            MarkCode::Changed => "the file was not left alone",
            _ => "the file could not be read for its hash",
        };
        Some(Mark {
            code,
            text: format!("{what}: {}", self.error),
            offset: None,
        })
    }
}

fn run(files: &[ToHash], options: &CollectOptions, progress: &Arc<dyn Progress>) -> Result<Vec<Outcome>> {
    let devices: Vec<u64> = files.iter().map(|file| file.device).collect();
    let answers = each_file(&devices, MOST_WORKERS, options, "not hashed", |index, told| {
        let file = files.get(index)?;
        let (path, seen) = (file.path.clone()?, file.seen());
        let hashing = Hashing {
            told,
            progress: Arc::clone(progress),
        };
        Some(Box::new(move |worker: &Worker| hashing.start(path, seen, worker)))
    })?;
    let sign = (!options.stop.is_asked()).then_some(MarkCode::NotHashed);
    let undone = |undone: Undone| {
        Err(NotHashed {
            error: undone.why,
            sign,
        })
    };
    Ok(answers
        .into_iter()
        .map(|answer| answer.unwrap_or_else(undone))
        .collect())
}

/// The hashing of one file.
#[derive(Clone)]
struct Hashing {
    told: Told<Outcome>,
    progress: Arc<dyn Progress>,
}

impl Hashing {
    /// Opens it and goes on with its leaves.
    fn start(self, path: PathBuf, seen: Option<Version>, worker: &Worker) -> Fate {
        once(
            move |pulse| open(&path, seen, pulse),
            move |opened, worker| match opened {
                Ok((file, version)) => spread(Leaves::new(file, version, self), worker),
                Err(error) => self.end(Err(error)),
            },
            worker,
        )
    }

    fn end(&self, hash: io::Result<String>) -> Fate {
        self.told.end(Ok(hash.map_err(|error| NotHashed::of(&error))))
    }
}

/// Opens a file that is still what was `seen`.
fn open(path: &Path, seen: Option<Version>, pulse: &Pulse) -> io::Result<(File, Version)> {
    let is_held = |opened: &io::Result<File>| {
        let error = opened.as_ref().err().and_then(io::Error::raw_os_error);
        file_reader::is_sharing_violation(error, false, false)
    };
    let file = patiently(|| file_reader::open_for_reading(path), is_held)?;
    pulse.beat();
    let version = file_reader::version(&file)?;
    match seen.and_then(|seen| seen.change_to(version)) {
        Some(change) => Err(io::Error::other(Changed(format!(
            "it changed since it was seen: {change}"
        )))),
        None => Ok((file, version)),
    }
}

/// The leaves of one file.
struct Leaves {
    /// Taken when all have answered: to close a file may take as long as to read it, so that the storage is asked for that as well.
    file: Mutex<Option<Arc<File>>>,
    version: Version,
    /// Bytes of each but the last.
    leaf: u64,
    count: u64,
    hashing: Hashing,
}

impl Leaves {
    fn new(file: File, version: Version, hashing: Hashing) -> Self {
        let leaf = leaf_bytes(version.length);
        Self {
            file: Mutex::new(Some(Arc::new(file))),
            version,
            leaf,
            count: version.length.div_ceil(leaf).max(1),
            hashing,
        }
    }

    /// The subtree of one leaf; of a file with only one the whole.
    fn hash(&self, index: usize, pulse: &Pulse) -> io::Result<Leaf> {
        let start = u64::try_from(index).unwrap_or(u64::MAX).saturating_mul(self.leaf);
        let end = start.saturating_add(self.leaf).min(self.version.length);
        let mut hasher = Hasher::new();
        hasher.set_input_offset(start);
        self.feed(&mut hasher, start, end, pulse)?;
        Ok(if self.count == 1 {
            Leaf::Whole(hasher.finalize())
        } else {
            Leaf::Part(hasher.finalize_non_root())
        })
    }

    fn feed(&self, hasher: &mut Hasher, start: u64, end: u64, pulse: &Pulse) -> io::Result<()> {
        let file = lock(&self.file).clone().ok_or_else(closed)?;
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut place = start;
        // A hole is looked for where one may be: at the start, and behind zeros.
        let mut may_be_hole = true;
        while place < end {
            if may_be_hole {
                pulse.beat();
                let data = file_reader::next_data(&file, place, end).min(end);
                self.feed_zeros(hasher, data.saturating_sub(place));
                place = data;
            }
            let wanted = usize::try_from(end.saturating_sub(place))
                .unwrap_or(usize::MAX)
                .min(BUFFER_BYTES);
            let Some(part) = buffer.get_mut(..wanted) else { break };
            if file_reader::fill(&file, place, part, Some(pulse))? < wanted {
                return Err(io::Error::other(Changed("it was shortened".to_owned())));
            }
            may_be_hole = part.iter().all(|byte| *byte == 0);
            hasher.update(part);
            self.hashing.progress.bytes(length(wanted));
            place = place.saturating_add(length(wanted));
        }
        Ok(())
    }

    fn feed_zeros(&self, hasher: &mut Hasher, mut count: u64) {
        while count > 0 {
            let part = usize::try_from(count).unwrap_or(usize::MAX).min(BUFFER_BYTES);
            hasher.update(ZEROS.get(..part).unwrap_or_default());
            self.hashing.progress.bytes(length(part));
            count = count.saturating_sub(length(part));
        }
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Bytes of each leaf of a file: a power of two, as the tree of BLAKE3 wants it.
fn leaf_bytes(length: u64) -> u64 {
    length.div_ceil(MOST_LEAVES).next_power_of_two().max(LEAF_BYTES)
}

/// What is known of a leaf.
enum Leaf {
    Part(ChainingValue),
    Whole(blake3::Hash),
}

impl Job for Leaves {
    type Answer = (usize, io::Result<Leaf>);
    const LEAST: usize = 1;

    fn count(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }

    fn work(&self, index: usize, pulse: &Pulse) -> Self::Answer {
        (index, self.hash(index, pulse))
    }

    fn lost(&self, index: usize, why: Lost) -> Self::Answer {
        (index, Err(io::Error::other(why.to_string())))
    }

    fn done(&self, mut answers: Vec<Self::Answer>, worker: &Worker) -> Fate {
        answers.sort_by_key(|(index, _)| *index);
        let hashing = self.hashing.clone();
        let leaves: io::Result<Vec<Leaf>> = answers.into_iter().map(|(_, leaf)| leaf).collect();
        let nothing = || io::Error::other("nothing was hashed");
        let hash = leaves.and_then(|leaves| root_of(&leaves).ok_or_else(nothing));
        // Storage that gave no answer is not asked what became of the file, but only to close it.
        let before = hash.is_ok().then_some(self.version);
        let file = Mutex::new(lock(&self.file).take());
        once(
            move |_| last_look(lock(&file).take(), before),
            move |same, _| hashing.end(hash.and_then(|hash| same.map(|()| hash.to_hex().to_string()))),
            worker,
        )
    }
}

/// Closes a file, which is to be what it was before.
fn last_look(file: Option<Arc<File>>, before: Option<Version>) -> io::Result<()> {
    let file = file.ok_or_else(closed)?;
    let Some(before) = before else { return Ok(()) };
    let now = file_reader::version(&file)?;
    before.change_to(now).map_or(Ok(()), |change| {
        let what = format!("it changed while it was hashed: {change}");
        Err(io::Error::other(Changed(what)))
    })
}

fn closed() -> io::Error {
    io::Error::other("the file is closed")
}

/// The root of the tree over these leaves.
fn root_of(leaves: &[Leaf]) -> Option<blake3::Hash> {
    if let [Leaf::Whole(hash)] = leaves {
        return Some(*hash);
    }
    let (left, right) = halves(leaves)?;
    Some(merge_subtrees_root(&subtree_of(left)?, &subtree_of(right)?, Mode::Hash))
}

/// The subtree over these leaves, which is not the whole tree. As deep as 64 at most.
fn subtree_of(leaves: &[Leaf]) -> Option<ChainingValue> {
    if let [Leaf::Part(value)] = leaves {
        return Some(*value);
    }
    let (left, right) = halves(leaves)?;
    Some(merge_subtrees_non_root(
        &subtree_of(left)?,
        &subtree_of(right)?,
        Mode::Hash,
    ))
}

/// BLAKE3 gives the left half as many leaves as a power of two allows, and the right at least one (section 2.1 of its paper).
fn halves(leaves: &[Leaf]) -> Option<(&[Leaf], &[Leaf])> {
    let left = leaves.len().div_ceil(2).checked_next_power_of_two()?;
    leaves.split_at_checked(left).filter(|(_, right)| !right.is_empty())
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, Write};

    use super::*;
    use crate::progress::Hidden;

    fn hash(path: &Path) -> Outcome {
        let file = ToHash {
            path: Some(path.to_owned()),
            device: 0,
            length: 0,
            modified: None,
        };
        let progress: Arc<dyn Progress> = Arc::new(Hidden);
        hash_files(vec![file], &CollectOptions::default(), &progress)
            .unwrap()
            .remove(0)
    }

    fn bytes(length: usize) -> Vec<u8> {
        (0..=250).cycle().take(length).collect()
    }

    const LEAF: usize = 4 << 20;

    #[test]
    fn the_hash_is_that_of_the_bytes_whatever_the_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let edges = [0, 1, 1024, 1025, BUFFER_BYTES, LEAF].into_iter();
        let many = (1..=9)
            .map(|leaves| leaves * LEAF)
            .chain((1..6).map(|leaves| leaves * LEAF + 1));
        for length in edges.chain(many).chain([LEAF - 1, 3 * LEAF - 1, 7 * LEAF + 4097]) {
            let bytes = bytes(length);
            std::fs::write(&path, &bytes).unwrap();
            let expected = blake3::hash(&bytes).to_hex().to_string();
            assert_eq!(hash(&path), Ok(expected), "{length} bytes");
        }
    }

    #[test]
    fn holes_count_as_the_zeros_that_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        // Where data stand and how much, in a file of so many bytes.
        for (length, data) in [
            (5 * LEAF, &[][..]),
            (5 * LEAF + 3, &[(0, 10)]),
            (5 * LEAF, &[(LEAF - 5, 10), (3 * LEAF, LEAF)]),
            (3 * LEAF, &[(3 * LEAF - 1, 1)]),
            (2 * LEAF + 4096, &[(8192, 4096), (65536, 65536), (2 * LEAF, 4096)]),
        ] {
            let mut file = File::create(&path).unwrap();
            file.set_len(length.try_into().unwrap()).unwrap();
            let mut expected = vec![0; length];
            for (start, count) in data {
                let written = bytes(*count);
                file.seek(SeekFrom::Start((*start).try_into().unwrap())).unwrap();
                file.write_all(&written).unwrap();
                expected[*start..start + count].copy_from_slice(&written);
            }
            let expected = blake3::hash(&expected).to_hex().to_string();
            assert_eq!(hash(&path), Ok(expected), "{length} bytes with {data:?}");
        }
    }

    #[test]
    fn the_leaves_of_a_huge_file_are_few() {
        for length in [1 << 40, 62 << 40, u64::MAX] {
            let leaf = leaf_bytes(length);
            assert!(length.div_ceil(leaf) <= MOST_LEAVES && leaf.is_power_of_two());
        }
    }
}
