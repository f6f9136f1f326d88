//! The files of a folder: what the file system says of each when it is asked.

use std::{
    io,
    sync::{Arc, Mutex},
};

use super::{
    Crawl, Dir, Entering, Folder, Opened, Visitor,
    dir::{EntryKind, FileStat, Names},
    unseen,
    workers::{Fate, Job, Lost, Pulse, Worker, lock},
};
use crate::{
    catalogue::{Entry, Issue, Special, Stage},
    classify::is_vmfs_metadata,
    file_reader::Version,
    raw::RawPath,
    volume::MountTable,
};

/// A regular file of a folder. There is one of every file: its name stands with those of the others in the folder.
#[derive(Debug, Clone)]
pub(crate) struct FileRecord {
    /// Which of the names of its folder is its own.
    index: usize,
    /// What the file system says of it; else why it says nothing: the file was listed, so it is there all the same.
    pub(crate) stat: Result<FileStat, String>,
}

impl FileRecord {
    /// Asks for one file of a folder.
    pub(crate) fn ask(dir: &Dir, name: &[u8]) -> io::Result<Self> {
        let mut names = Names::default();
        names.push(name);
        let stat = dir.stat(&names, 0)?;
        Ok(Self::new(0, Ok(stat)))
    }

    #[inline]
    fn new(index: usize, answer: io::Result<FileStat>) -> Self {
        Self {
            index,
            stat: answer.map_err(|error| error.to_string()),
        }
    }

    /// Its name, one of those of its folder.
    pub(crate) fn name_of<'a>(&self, names: &'a Names) -> &'a [u8] {
        names.get(self.index)
    }

    /// Length in bytes; 0 where nothing is known of the file.
    pub(crate) fn length(&self) -> u64 {
        self.stat.as_ref().map_or(0, |stat| stat.length)
    }

    /// Device number; 0 where it is not known.
    pub(crate) fn device(&self) -> u64 {
        self.stat.as_ref().map_or(0, |stat| stat.device)
    }

    /// True when only a stub is here and reading it would bring the content back from an archive or a cloud.
    pub(crate) fn is_offline(&self) -> bool {
        self.stat.as_ref().is_ok_and(|stat| stat.is_offline)
    }

    /// What it was when it was asked for.
    pub(crate) fn version(&self, mounts: &MountTable) -> Option<Version> {
        let stat = self.stat.as_ref().ok()?;
        Some(Version {
            length: stat.length,
            modified: stat.modified.known(),
            inode: (stat.inode != 0 && mounts.keeps_inodes(stat.device)).then_some(stat.inode),
        })
    }

    /// Device and inode of a file with several names, where they tell it from others.
    pub(crate) fn link_key(&self) -> Option<(u64, u64)> {
        let stat = self.stat.as_ref().ok()?;
        (stat.links > 1 && stat.inode != 0).then_some((stat.device, stat.inode))
    }

    /// Blocks × 512 where the file system knows them.
    pub(crate) fn allocated(&self, mounts: &MountTable) -> Option<u64> {
        let stat = self.stat.as_ref().ok()?;
        stat.allocated.filter(|_| mounts.knows_allocation(stat.device))
    }

    /// The entry of the catalogue for the file at this path.
    pub(crate) fn entry(&self, root: usize, path: RawPath, mounts: &MountTable) -> Entry {
        let stat = self.stat.as_ref().ok();
        Entry {
            root,
            path,
            length: self.length(),
            allocated: self.allocated(mounts),
            modified: stat.and_then(|stat| stat.modified.known()),
            changed: stat.and_then(|stat| stat.changed.known()),
            created: stat.and_then(|stat| stat.created.known()),
            device: self.device(),
            inode: stat.map_or(0, |stat| {
                if mounts.numbers_files(stat.device) {
                    stat.inode
                } else {
                    0
                }
            }),
            links: stat.map_or(1, |stat| stat.links.into()),
            read_only: stat.is_some_and(|stat| stat.read_only),
        }
    }
}

/// The asking for the length and times of the files of a folder.
pub(super) struct Looking {
    crawl: Arc<Crawl>,
    opened: Opened,
    names: Arc<Names>,
    /// Taken when all have answered.
    folder: Mutex<Option<Folder>>,
    visit: Visitor,
}

impl Looking {
    /// `files`: the names of what `folder`, which is listed and open, holds beside folders.
    pub(super) fn new(crawl: &Arc<Crawl>, mut folder: Folder, opened: Opened, files: Names, visit: &Visitor) -> Self {
        folder.names = Arc::new(files);
        Self {
            crawl: Arc::clone(crawl),
            opened,
            names: Arc::clone(&folder.names),
            folder: Mutex::new(Some(folder)),
            visit: Arc::clone(visit),
        }
    }

    /// Enters the folders behind those that were `listed` as such. vmfs-fuse lists `.sdd.sf` of VMFS as a file, each time.
    fn enter_unlisted(&self, folder: &Folder, listed: usize, worker: &Worker) {
        if folder.folders.len() > listed {
            let unlisted = folder.folders.iter().skip(listed);
            Entering::leave_inner(&self.crawl, folder, unlisted, &self.opened, &self.visit, &worker.crew);
        }
    }
}

impl Job for Looking {
    type Answer = FileRecord;
    /// On a share every answer is a round trip; on a local disk so many take as long as waking another worker.
    const LEAST: usize = 16;

    fn count(&self) -> usize {
        self.names.len()
    }

    #[inline]
    fn work(&self, index: usize, _: &Pulse) -> Self::Answer {
        FileRecord::new(index, self.opened.dir.stat(&self.names, index))
    }

    fn lost(&self, index: usize, why: Lost) -> Self::Answer {
        FileRecord::new(index, Err(io::Error::other(why.to_string())))
    }

    fn done(&self, mut answers: Vec<Self::Answer>, worker: &Worker) -> Fate {
        let Some(mut folder) = lock(&self.folder).take() else {
            return Fate::Free;
        };
        let listed = folder.folders.len();
        answers.retain(|record| folder.is_file(record, &self.names));
        folder.files = answers;
        self.enter_unlisted(&folder, listed, worker);
        (self.visit)(folder, worker)
    }
}

impl Folder {
    /// True for what is a file, as far as is known. What is something else when it is asked for than its folder lists goes where
    /// it belongs, and the lack of an answer is noted.
    fn is_file(&mut self, record: &FileRecord, names: &Names) -> bool {
        let name = record.name_of(names);
        match record.stat.as_ref().map(|stat| stat.kind) {
            Ok(EntryKind::File) => return true,
            Ok(EntryKind::Folder) => {
                if self.folders.iter().all(|listed| listed != name) {
                    self.folders.push(name);
                }
                return false;
            }
            // vmfs-fuse lists `.sdd.sf` of VMFS-5 as a file each time, and each time says when asked that it is none.
            Ok(EntryKind::Other | EntryKind::Unknown) if is_reserved_by_vmfs(name) => {}
            Ok(kind @ (EntryKind::Link | EntryKind::Other | EntryKind::Unknown)) => {
                let what = if kind == EntryKind::Link {
                    "a link"
                } else {
                    "a special file"
                };
                let error = format!("changed while its folder was read: it was a file and is {what}");
                self.stat_issue(name, error);
            }
            Err(error) if self.untold.contains(name) => {
                let error = format!("{error}; nobody tells whether it is a file or a folder");
                self.issues.push(unseen(self.root, self.path.join(name), error));
                return true;
            }
            Err(error) => {
                self.stat_issue(name, error.clone());
                return true;
            }
        }
        self.specials.push(Special {
            root: self.root,
            path: self.path.join(name),
            target: None,
        });
        false
    }

    fn stat_issue(&mut self, name: &[u8], error: String) {
        self.issues.push(Issue {
            root: Some(self.root),
            path: self.path.join(name),
            stage: Stage::Stat,
            error,
            folder: false,
        });
    }
}

/// True for a name of VMFS's own: no VM has such a file.
fn is_reserved_by_vmfs(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(is_vmfs_metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_as_a_file_and_is_something_else_goes_where_it_belongs() {
        let mut names = Names::default();
        names.push(b"a.vmdk");
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.vmdk");
        std::fs::write(&file, "").unwrap();
        let stat = Dir::open_root(directory.path()).unwrap().stat(&names, 0).unwrap();
        for (kind, [folders, issues, specials]) in [
            (EntryKind::Folder, [1, 0, 0]),
            (EntryKind::Link, [0, 1, 1]),
            (EntryKind::Other, [0, 1, 1]),
        ] {
            let mut folder = Folder::default();
            let record = FileRecord {
                index: 0,
                stat: Ok(FileStat { kind, ..stat.clone() }),
            };
            assert!(!folder.is_file(&record, &names));
            let found = [folder.folders.len(), folder.issues.len(), folder.specials.len()];
            assert_eq!(found, [folders, issues, specials], "{kind:?}");
            let told = |issue: &Issue| !issue.folder && issue.error.contains("changed while its folder was read");
            assert!(folder.issues.iter().all(told), "{:?}", folder.issues);
        }
    }

    #[test]
    fn what_may_be_a_folder_and_gives_no_answer_is_a_place_that_was_not_entered_and_else_a_file() {
        let mut names = Names::default();
        for name in ["a.vmdk", "machines"] {
            names.push(name.as_bytes());
        }
        let mut folder = Folder::default();
        folder.untold.insert(b"machines".to_vec());
        for index in 0..2 {
            let record = FileRecord {
                index,
                stat: Err("denied".to_owned()),
            };
            assert!(folder.is_file(&record, &names), "it is there");
        }
        let issues = folder.issues.iter();
        let issues: Vec<_> = issues
            .map(|issue| (issue.path.lossy(), issue.stage, issue.folder))
            .collect();
        let expected = [
            ("a.vmdk".into(), Stage::Stat, false),
            ("machines".into(), Stage::Crawl, true),
        ];
        assert_eq!(issues, expected);
    }

    #[test]
    fn the_own_files_of_vmfs_may_be_anything() {
        for (name, is_reserved) in [(".sdd.sf", true), ("a.sf", false), (".a.vmx", false)] {
            assert_eq!(is_reserved_by_vmfs(name.as_bytes()), is_reserved, "{name}");
        }
    }
}
