//! A tree of files, and what a catalogue holds of it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use derelict::{
    catalogue::{Artifact, Catalogue},
    collect::{CollectOptions, RootArgument, collect},
    evidence::MarkCode,
    hash::hash_artifacts,
    kind::{Basis, Kind},
    progress::{Hidden, Progress},
    raw::RawPath,
};

/// A text descriptor of one flat extent.
pub(crate) const DESCRIPTOR: &str = "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"vmfs\"\n\
     RW 2048 VMFS \"a-flat.vmdk\"\n";

pub(crate) const VMX: &str = ".encoding = \"UTF-8\"\nconfig.version = \"8\"\ndisplayName = \"a\"\n\
     scsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"a.vmdk\"\n";

pub(crate) struct Tree(pub(crate) tempfile::TempDir);

impl Tree {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    pub(crate) fn file(&self, relative: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// A file of `length` zero bytes that takes no space.
    pub(crate) fn sparse(&self, relative: &str, length: u64) -> &Self {
        self.file(relative, "");
        let file = fs::OpenOptions::new().write(true).open(self.path(relative)).unwrap();
        file.set_len(length).unwrap();
        self
    }

    pub(crate) fn arguments(&self) -> [RootArgument; 1] {
        [root(self.0.path())]
    }

    pub(crate) fn collect(&self) -> Catalogue {
        self.collect_with(&CollectOptions::default())
    }

    pub(crate) fn collect_with(&self, options: &CollectOptions) -> Catalogue {
        collect(&self.arguments(), options, Arc::new(Hidden)).unwrap()
    }
}

pub(crate) fn root(path: &Path) -> RootArgument {
    RootArgument {
        path: path.to_owned(),
        aliases: Vec::new(),
        is_silent: false,
    }
}

pub(crate) fn artifact<'a>(catalogue: &'a Catalogue, path: &str) -> &'a Artifact {
    catalogue
        .artifacts
        .iter()
        .find(|artifact| artifact.entry.path == RawPath::from(path))
        .unwrap_or_else(|| unreachable!("{path} is no artifact of {:?}", names(catalogue)))
}

pub(crate) fn hash(catalogue: &mut Catalogue, indexes: &[usize]) {
    let progress: Arc<dyn Progress> = Arc::new(Hidden);
    hash_artifacts(catalogue, indexes, &CollectOptions::default(), &progress).unwrap();
}

pub(crate) fn names(catalogue: &Catalogue) -> Vec<String> {
    let paths = catalogue.artifacts.iter().map(|artifact| &artifact.entry.path);
    paths.map(|path| path.lossy().into_owned()).collect()
}

pub(crate) fn bystanders(catalogue: &Catalogue) -> Vec<String> {
    let paths = catalogue.bystanders.iter().map(|entry| &entry.path);
    paths.map(|path| path.lossy().into_owned()).collect()
}

pub(crate) fn kind(catalogue: &Catalogue, path: &str) -> (Kind, Basis) {
    let artifact = artifact(catalogue, path);
    (artifact.kind, artifact.basis)
}

pub(crate) fn has_mark(artifact: &Artifact, code: MarkCode) -> bool {
    artifact.evidence.marks.iter().any(|mark| mark.code == code)
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn skip(why: &str) {
    eprintln!("SKIPPED: {why}");
}
