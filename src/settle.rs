//! The second look: what changes while nobody known owns it is in use, whatever the inventories say.
//!
//! Once, after a time that the user gives, the candidates are asked again for length and times, and VHDX and VMCX files for
//! the counters that whoever opens them for writing moves. A file is opened before it is asked: a client of a share may
//! answer from memory otherwise (close-to-open consistency of NFS). What changed becomes a mark, so that it speaks like
//! every other sign of use; that nothing changed is kept as well.

use std::{
    fs::Metadata,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    catalogue::{Artifact, Catalogue, Entry, Issue, SecondLook, Stage},
    collect::CollectOptions,
    crawl::workers::{Pulse, Worker, once},
    each_file::{Outcome, Undone, each_file},
    error::Result,
    evidence::{Mark, MarkCode},
    file_reader,
    kind::Kind,
    progress::{Phase, Progress},
    raw::RawPath,
    read::{self, HeaderStamp, patiently},
};

/// Everything that a running VM could change: what `collect` looks at again, where no verdict is known yet.
pub fn candidates(catalogue: &Catalogue) -> Vec<usize> {
    let artifacts = catalogue.artifacts.iter().enumerate();
    let may_change = artifacts.filter(|(_, artifact)| artifact.kind != Kind::DatastoreSystem);
    may_change.map(|(index, _)| index).collect()
}

/// How it is told that a look was not taken.
const UNDONE: &str = "not looked at again";

/// Most workers by default: the questions are small, and storage answers many at once.
const MOST_WORKERS: usize = 32;

/// Waits once, then looks again at the artifacts at these places of the list, and keeps what was found with them.
///
/// # Errors
/// When the machine refuses threads.
pub fn settle(
    catalogue: &mut Catalogue,
    indexes: &[usize],
    wait: Duration,
    options: &CollectOptions,
    progress: &dyn Progress,
) -> Result<()> {
    for look in look_again(catalogue, indexes, wait, options, progress)? {
        keep(catalogue, look.index, look.found);
    }
    catalogue.sort();
    Ok(())
}

/// The second look at an artifact.
#[derive(Debug)]
pub struct Look {
    /// Its place in the list.
    pub index: usize,
    /// What was found, or why nothing was.
    pub found: SecondLook,
    /// False where the user had enough before.
    pub is_taken: bool,
}

/// Waits once, then looks again at the artifacts at these places of the list. A file that gives no answer in time is an
/// issue, and so is every file that is left when the user has had enough: what was to be looked at again and was not is not
/// known to be at rest.
///
/// # Errors
/// When the machine refuses threads.
pub fn look_again(
    catalogue: &Catalogue,
    indexes: &[usize],
    wait: Duration,
    options: &CollectOptions,
    progress: &dyn Progress,
) -> Result<Vec<Look>> {
    options.stop.listen();
    progress.phase(Phase::Settle);
    options.stop.wait(wait);
    // What is asked before the time is over says nothing of that time.
    let answers = if options.stop.is_asked() {
        Ok(indexes.iter().map(|_| Err(Undone::interrupted(UNDONE))).collect())
    } else {
        ask(catalogue, indexes, options)
    };
    options.stop.leave();
    progress.finish();
    let looks = indexes.iter().zip(answers?).filter_map(|(&index, answer)| {
        let artifact = catalogue.artifacts.get(index)?;
        Some(Look {
            index,
            is_taken: answer.as_ref().err().is_none_or(|undone| !undone.is_interrupted),
            found: second_look(artifact, wait, answer),
        })
    });
    Ok(looks.collect())
}

/// Keeps what was found with an artifact, and marks a file that somebody changed. That it could not be looked at is an issue.
pub(crate) fn keep(catalogue: &mut Catalogue, index: usize, look: SecondLook) {
    let Some(artifact) = catalogue.artifacts.get_mut(index) else {
        return;
    };
    let entry = &artifact.entry;
    catalogue.issues.extend(not_seen(entry.root, &entry.path, &look));
    if !look.changes.is_empty() {
        artifact.evidence.marks.push(Mark {
            code: MarkCode::Changed,
            text: format!(
                "it changed while it was watched, within {} seconds: {}",
                look.after_seconds,
                look.changes.join(", ")
            ),
            offset: None,
        });
    }
    artifact.second_look = Some(Box::new(look));
}

/// The issue of a file that could not be looked at again.
pub(crate) fn not_seen(root: usize, path: &RawPath, look: &SecondLook) -> Option<Issue> {
    Some(Issue {
        root: Some(root),
        path: path.clone(),
        stage: Stage::Stat,
        error: look.failed.clone()?,
        folder: false,
    })
}

/// Asks for length, times and counters of the artifacts at these places.
fn ask(catalogue: &Catalogue, indexes: &[usize], options: &CollectOptions) -> Result<Vec<Outcome<Answer>>> {
    let artifact = |place: usize| catalogue.artifacts.get(*indexes.get(place)?);
    let devices: Vec<u64> = (0..indexes.len())
        .map(|place| artifact(place).map_or(0, |artifact| artifact.entry.device))
        .collect();
    each_file(&devices, MOST_WORKERS, options, UNDONE, |place, told| {
        let artifact = artifact(place)?;
        let path = path_of(catalogue, &artifact.entry)?;
        let kind = artifact.kind;
        Some(Box::new(move |worker: &Worker| {
            let look = move |pulse: &Pulse| Ok(look_at(&path, kind, pulse));
            once(look, move |answer: io::Result<Answer>, _| told.end(answer), worker)
        }))
    })
}

fn path_of(catalogue: &Catalogue, entry: &Entry) -> Option<PathBuf> {
    let root = catalogue.roots.get(entry.root)?;
    Some(root.path.to_os()?.join(entry.path.to_os()?))
}

/// What a file says at the second look.
type Answer = io::Result<Now>;

fn look_at(path: &Path, kind: Kind, pulse: &Pulse) -> Answer {
    patiently(|| now(path, kind, pulse), |now| now.as_ref().is_err_and(is_held))
}

fn is_held(error: &io::Error) -> bool {
    file_reader::is_sharing_violation(error.raw_os_error(), false, false)
}

fn second_look(artifact: &Artifact, wait: Duration, answer: Outcome<Answer>) -> SecondLook {
    let now = answer.unwrap_or_else(|undone| Err(io::Error::other(undone.why)));
    let (changes, failed) = match &now {
        Ok(now) => (changes(artifact, now), None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (vec!["it is gone".to_owned()], None),
        Err(error) if is_held(error) => (vec!["somebody holds it open now".to_owned()], Some(error.to_string())),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let now = now.ok();
    SecondLook {
        at: Timestamp::now(),
        after_seconds: wait.as_secs(),
        changes,
        failed,
        length: now.as_ref().map(|now| now.length),
        modified: now.as_ref().and_then(|now| now.modified),
        changed: now.and_then(|now| now.changed),
    }
}

/// What the file system and its header say of a file.
struct Now {
    length: u64,
    modified: Option<Timestamp>,
    changed: Option<Timestamp>,
    header: Option<HeaderStamp>,
}

/// Asks the file system. A raw device map is never opened: behind it is a LUN. Nor is what derelict itself does not open: a
/// file of an archive, or one that is no file any more.
fn now(path: &Path, kind: Kind, pulse: &Pulse) -> io::Result<Now> {
    let asked = || std::fs::symlink_metadata(path);
    let (metadata, header) = if kind == Kind::VmdkRdm {
        (asked()?, None)
    } else {
        match file_reader::metadata(path) {
            Ok(metadata) => {
                pulse.beat();
                (metadata, read::header_stamp(kind, path)?)
            }
            Err(error) if error.raw_os_error().is_none() => (asked()?, None),
            Err(error) => return Err(error),
        }
    };
    Ok(Now {
        length: metadata.len(),
        modified: metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok()),
        changed: changed(&metadata),
        header,
    })
}

/// Last change of the inode.
#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<Timestamp> {
    use std::os::unix::fs::MetadataExt;
    let nanoseconds = i32::try_from(metadata.ctime_nsec()).ok()?;
    Timestamp::new(metadata.ctime(), nanoseconds).ok()
}

/// Elsewhere there is none.
#[cfg(not(unix))]
fn changed(_: &Metadata) -> Option<Timestamp> {
    None
}

/// What is not as it was, each in words.
fn changes(artifact: &Artifact, now: &Now) -> Vec<String> {
    let then = &artifact.entry;
    let mut changes = Vec::new();
    if now.length != then.length {
        changes.push(format!("its length from {} to {} bytes", then.length, now.length));
    }
    let mut time = |what: &str, then: Option<Timestamp>, now: Option<Timestamp>| {
        if let (Some(then), Some(now)) = (then, now)
            && then != now
        {
            changes.push(format!("its time of {what} from {then} to {now}"));
        }
    };
    time("modification", then.modified, now.modified);
    time("inode change", then.changed, now.changed);
    let first = HeaderStamp::of_facts(artifact.kind, &artifact.facts.value());
    match (first, now.header) {
        (Some(first), Some(header)) if first != header => {
            changes.push(format!("its header from {first} to {header}"));
        }
        (Some(first), None) => changes.push(format!("its header from {first} to none that can be read")),
        _ => {}
    }
    changes
}
