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
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use jiff::Timestamp;
use rayon::prelude::*;

use crate::{
    catalogue::{Artifact, Catalogue, Entry, Issue, SecondLook, Stage},
    collect::{CollectOptions, pool},
    crawl::workers::within,
    error::Result,
    evidence::{Mark, MarkCode},
    file_reader,
    kind::Kind,
    progress::{Phase, Progress},
    raw::RawPath,
    read::{self, HeaderStamp},
};

/// Everything that a running VM could change: what `collect` looks at again, where no verdict is known yet.
pub fn candidates(catalogue: &Catalogue) -> Vec<usize> {
    let artifacts = catalogue.artifacts.iter().enumerate();
    let may_change = artifacts.filter(|(_, artifact)| artifact.kind != Kind::DatastoreSystem);
    may_change.map(|(index, _)| index).collect()
}

/// Waits once, then looks again at the artifacts at these places of the list. A root that does not answer in time is not
/// asked further, and an issue says so.
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
    progress.phase(Phase::Settle);
    std::thread::sleep(wait);
    let again = Again {
        catalogue,
        wait,
        io_timeout: options.io_timeout,
        silent: catalogue.roots.iter().map(|_| AtomicBool::new(false)).collect(),
    };
    let look = |&index: &usize| Some((index, again.look_at(index)?));
    let looks: Vec<_> = pool(options.threads)?.install(|| indexes.par_iter().filter_map(look).collect());
    let issues = again.issues();
    progress.finish();
    for (index, look) in looks {
        if let Some(artifact) = catalogue.artifacts.get_mut(index) {
            keep(artifact, look);
        }
    }
    catalogue.issues.extend(issues);
    catalogue.sort();
    Ok(())
}

/// Keeps what was found, and marks a file that somebody changed.
fn keep(artifact: &mut Artifact, look: SecondLook) {
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
    artifact.second_look = Some(look);
}

/// The second look at many files.
struct Again<'a> {
    catalogue: &'a Catalogue,
    wait: Duration,
    io_timeout: Duration,
    /// For each root whether it did not answer in time.
    silent: Vec<AtomicBool>,
}

impl Again<'_> {
    /// `None` where the file cannot be asked any more, which says nothing.
    fn look_at(&self, index: usize) -> Option<SecondLook> {
        let artifact = self.catalogue.artifacts.get(index)?;
        let path = self.path_of(&artifact.entry)?;
        let at = Timestamp::now();
        let (answer, header) = self.ask(artifact, path)?;
        let (changes, now) = match answer {
            Ok(now) => (changes(artifact, &now, header.as_ref()), Some(now)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (vec!["it is gone".to_owned()], None),
            Err(_) => return None,
        };
        Some(SecondLook {
            at,
            after_seconds: self.wait.as_secs(),
            changes,
            length: now.as_ref().map(|now| now.length),
            modified: now.as_ref().and_then(|now| now.modified),
            changed: now.and_then(|now| now.changed),
        })
    }

    /// Asks for length, times and counters, no longer than the user allows.
    fn ask(&self, artifact: &Artifact, path: PathBuf) -> Option<(io::Result<Now>, Option<HeaderStamp>)> {
        let kind = artifact.kind;
        let ask = move || (now(&path, kind), read::header_stamp(kind, &path));
        let silent = self.silent.get(artifact.entry.root)?;
        if silent.load(Ordering::Relaxed) {
            return None;
        }
        let answer = within(self.io_timeout, ask).ok()?.wait();
        if answer.is_none() {
            silent.store(true, Ordering::Relaxed);
        }
        answer
    }

    fn path_of(&self, entry: &Entry) -> Option<PathBuf> {
        let root = self.catalogue.roots.get(entry.root)?;
        Some(root.path.to_os()?.join(entry.path.to_os()?))
    }

    fn issues(&self) -> Vec<Issue> {
        let silent = self.silent.iter().enumerate();
        let silent = silent.filter(|(_, silent)| silent.load(Ordering::Relaxed));
        let issue = |(root, _)| Issue {
            root: Some(root),
            path: RawPath::default(),
            stage: Stage::Stat,
            error: "the storage did not answer at the second look; what lies here was not looked at again".to_owned(),
            folder: false,
        };
        silent.map(issue).collect()
    }
}

/// What the file system says of a file.
struct Now {
    length: u64,
    modified: Option<Timestamp>,
    changed: Option<Timestamp>,
}

/// Asks the file system. A raw device map is never opened: behind it is a LUN.
fn now(path: &Path, kind: Kind) -> io::Result<Now> {
    let asked = || std::fs::symlink_metadata(path);
    let metadata = if kind == Kind::VmdkRdm {
        asked()
    } else {
        file_reader::metadata(path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Err(error),
            _ => asked(),
        })
    }?;
    Ok(Now {
        length: metadata.len(),
        modified: metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok()),
        changed: changed(&metadata),
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
fn changes(artifact: &Artifact, now: &Now, header: Option<&HeaderStamp>) -> Vec<String> {
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
    let first = HeaderStamp::of_facts(artifact.kind, &artifact.facts);
    if let (Some(first), Some(header)) = (first, header)
        && first != *header
    {
        changes.push(format!("its header from {first} to {header}"));
    }
    changes
}
