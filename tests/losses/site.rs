//! A site whose truth is known: files with those who need them, exports, and the roots that are scanned.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use derelict::{
    catalogue::Catalogue,
    collect::{CollectOptions, RootArgument, collect},
    kind::Platform,
    progress::Hidden,
};
use derelict_parsers::testkit::{
    SparseFile,
    vmware::{nfs_lock, nfs_lock_name},
};
use jiff::Timestamp;

use crate::exports::Export;

/// When the exports are taken.
pub(crate) const TAKEN: &str = "2026-10-01T00:00:00Z";

/// When an older export was taken: all that is old was there, nothing that is young.
pub(crate) const TAKEN_BEFORE: &str = "2026-07-01T00:00:00Z";

/// As of when ages are judged.
pub(crate) const AS_OF: &str = "2026-11-01T00:00:00Z";

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// A file and who needs it.
#[derive(Debug, Clone)]
pub(crate) struct SiteFile {
    pub(crate) content: SparseFile,
    pub(crate) modified: Timestamp,
    pub(crate) truth: Truth,
}

/// What is true of a file whatever is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Truth {
    /// The registered VMs that need it: places in the list of the site.
    pub(crate) vms: BTreeSet<usize>,
    /// Something that is no VM needs it.
    pub(crate) service: bool,
    /// It is a leftover: what the complete site says of it, `verdict` or `verdict/class`, several between `|`.
    pub(crate) left: Option<&'static str>,
}

impl Truth {
    pub(crate) fn of_vm(vm: usize) -> Self {
        Self {
            vms: BTreeSet::from([vm]),
            ..Self::default()
        }
    }

    pub(crate) fn service() -> Self {
        Self {
            service: true,
            ..Self::default()
        }
    }

    pub(crate) fn left(expected: &'static str) -> Self {
        Self {
            left: Some(expected),
            ..Self::default()
        }
    }

    pub(crate) fn is_needed(&self) -> bool {
        self.service || !self.vms.is_empty()
    }
}

/// A registered VM as the checks need it.
#[derive(Debug, Clone)]
pub(crate) struct RegisteredVm {
    /// Where its configuration lies in the site.
    pub(crate) config: String,
    /// Texts by which an export shows that the VM exists.
    pub(crate) tokens: Vec<String>,
}

/// A root of the scan.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    /// Its folder in the site.
    pub(crate) folder: String,
    /// Only this folder below it is given.
    pub(crate) below: Option<String>,
    /// The aliases that it is given with.
    pub(crate) aliases: Vec<String>,
    /// Other names that would do as well.
    pub(crate) other_aliases: Vec<String>,
    /// False where it is not scanned.
    pub(crate) scanned: bool,
}

/// The lock of a file on NFS 3.
#[derive(Debug, Clone)]
pub(crate) struct Lock {
    pub(crate) of: String,
    pub(crate) host: String,
    pub(crate) modified: Timestamp,
}

/// A site. The first part of the path of every file is a root.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) platform: Platform,
    pub(crate) roots: Vec<Root>,
    pub(crate) files: BTreeMap<String, SiteFile>,
    pub(crate) locks: Vec<Lock>,
    pub(crate) vms: Vec<RegisteredVm>,
    pub(crate) exports: Vec<Export>,
}

impl Site {
    pub(crate) fn new(platform: Platform, roots: Vec<Root>) -> Self {
        Self {
            platform,
            roots,
            files: BTreeMap::new(),
            locks: Vec::new(),
            vms: Vec::new(),
            exports: Vec::new(),
        }
    }

    /// Adds a file. One that is there already is also needed by whoever needs it now.
    pub(crate) fn put(&mut self, path: &str, content: impl Into<Content>, modified: Timestamp, truth: &Truth) {
        let Content(content) = content.into();
        let file = self.files.entry(path.to_owned()).or_insert_with(|| SiteFile {
            content,
            modified,
            truth: Truth::default(),
        });
        file.truth.vms.extend(&truth.vms);
        file.truth.service |= truth.service;
        file.truth.left = file.truth.left.or(truth.left);
    }

    /// Says that a VM needs a file as well.
    pub(crate) fn need(&mut self, path: &str, vm: usize) {
        if let Some(file) = self.files.get_mut(path) {
            file.truth.vms.insert(vm);
        }
    }

    /// Writes the files below `folder` and reads them as a scan does.
    pub(crate) fn catalogue(&self, folder: &Path) -> Catalogue {
        for root in &self.roots {
            fs::create_dir_all(folder.join(&root.folder)).unwrap();
        }
        for (path, file) in &self.files {
            write(&folder.join(path), &file.content, file.modified);
        }
        for lock in &self.locks {
            let target = folder.join(&lock.of);
            if let (true, Some(parent)) = (target.exists(), target.parent()) {
                let mut body = SparseFile::new(0);
                body.put(0, nfs_lock(&lock.host));
                write(&parent.join(nfs_lock_name(inode(&target))), &body, lock.modified);
            }
        }
        let roots: Vec<RootArgument> = self
            .scanned()
            .map(|root| RootArgument {
                path: root_path(folder, root),
                aliases: root.aliases.clone(),
                is_silent: false,
            })
            .collect();
        let options = CollectOptions {
            threads: Some(1),
            ..CollectOptions::default()
        };
        let mut catalogue = collect(&roots, &options, Arc::new(Hidden)).unwrap();
        as_on_the_site(&mut catalogue);
        catalogue
    }

    /// True where every export covers the root of a path: it lists it, or tells of a configuration there.
    pub(crate) fn covers(&self, path: &str) -> bool {
        let root = path.split('/').next().unwrap_or_default();
        let inside = format!("{root}/");
        !["share", "local"].contains(&root) || self.vms.iter().any(|vm| vm.config.starts_with(&inside))
    }

    pub(crate) fn scanned(&self) -> impl Iterator<Item = &Root> {
        self.roots.iter().filter(|root| root.scanned)
    }

    /// Path in the site of a file of the catalogue.
    pub(crate) fn path_of(&self, root: usize, path: &str) -> String {
        let root = self.scanned().nth(root).unwrap();
        match &root.below {
            Some(below) => format!("{}/{below}/{path}", root.folder),
            None => format!("{}/{path}", root.folder),
        }
    }
}

fn root_path(folder: &Path, root: &Root) -> PathBuf {
    let path = folder.join(&root.folder);
    match &root.below {
        Some(below) => path.join(below),
        None => path,
    }
}

/// That the test runs now and on some file system says nothing of the site.
fn as_on_the_site(catalogue: &mut Catalogue) {
    for root in &mut catalogue.roots {
        root.file_system = Some("nfs".to_owned());
        root.started = Some(at(AS_OF));
    }
    for artifact in &mut catalogue.artifacts {
        artifact.entry.created = None;
        artifact.entry.changed = None;
    }
    catalogue.sort();
}

#[cfg(unix)]
fn inode(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap())
}

#[cfg(windows)]
fn inode(path: &Path) -> u64 {
    let file = winapi_util::Handle::from_path(path).unwrap();
    winapi_util::file::information(file).unwrap().file_index()
}

fn write(path: &Path, content: &SparseFile, modified: Timestamp) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = fs::File::create(path).unwrap();
    file.set_len(content.length).unwrap();
    for (offset, bytes) in &content.parts {
        file.seek(SeekFrom::Start(*offset)).unwrap();
        file.write_all(bytes).unwrap();
    }
    let since = u64::try_from(modified.as_second()).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(since))
        .unwrap();
}

/// Bytes of a file.
#[derive(Debug)]
pub(crate) struct Content(pub(crate) SparseFile);

impl From<SparseFile> for Content {
    fn from(file: SparseFile) -> Self {
        Self(file)
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        let mut file = SparseFile::new(0);
        file.put(0, bytes);
        Self(file)
    }
}

/// A file of zeros.
pub(crate) fn zeros(length: u64) -> Content {
    Content(SparseFile::new(length))
}
