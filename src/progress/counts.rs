//! What was seen, counted by all threads and read when it is shown, so that no number ever runs back.

use std::{
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use indicatif::{BinaryBytes, HumanCount};

use crate::sanitize;

#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Folders that were found so far: as long as there are others to look into, not all there are.
    pub(super) folders_found: AtomicU64,
    pub(super) folders_done: AtomicU64,
    pub(super) files: AtomicU64,
    pub(super) artifacts: AtomicU64,
    /// Sum of the lengths of the files.
    pub(super) bytes: AtomicU64,
    /// The root of the last folder.
    root: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    roots: Vec<PathBuf>,
    began: Option<Instant>,
}

impl Counts {
    fn with_state<T>(&self, use_it: impl FnOnce(&mut State) -> T) -> T {
        use_it(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The counting begins now.
    pub(super) fn begin(&self) {
        self.with_state(|state| state.began = Some(Instant::now()));
    }

    pub(super) fn set_roots(&self, paths: &[PathBuf]) {
        self.with_state(|state| state.roots = paths.to_vec());
    }

    pub(super) fn count_folders(&self, found: u64, done: u64) {
        // Found first: whoever looks in between sees no more done than there are.
        self.folders_found.fetch_add(found, Ordering::Relaxed);
        self.folders_done.fetch_add(done, Ordering::Relaxed);
    }

    pub(super) fn see(&self, root: usize, bytes: u64) {
        self.root.store(root, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Where the last folder was.
    pub(super) fn root(&self) -> Option<PathBuf> {
        let root = self.root.load(Ordering::Relaxed);
        self.with_state(|state| state.roots.get(root).cloned())
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let files = self.files.load(Ordering::Relaxed);
        let artifacts = self.artifacts.load(Ordering::Relaxed);
        let milliseconds = self.with_state(|state| state.began.map_or(0, |began| began.elapsed().as_millis()));
        let milliseconds = u64::try_from(milliseconds).unwrap_or(u64::MAX);
        write!(
            out,
            "{} of {} folders, {} files ({}/s), {} artifacts ({}/s), {}",
            HumanCount(self.folders_done.load(Ordering::Relaxed)),
            HumanCount(self.folders_found.load(Ordering::Relaxed)),
            HumanCount(files),
            HumanCount(a_second(files, milliseconds)),
            HumanCount(artifacts),
            HumanCount(a_second(artifacts, milliseconds)),
            BinaryBytes(self.bytes.load(Ordering::Relaxed)),
        )?;
        match self.root() {
            Some(root) => write!(out, ", in {}", sanitize::os_path(&root)),
            None => Ok(()),
        }
    }
}

/// So many a second; 0 while no time has passed.
pub(super) fn a_second(count: u64, milliseconds: u64) -> u64 {
    count.saturating_mul(1000).checked_div(milliseconds).unwrap_or(0)
}
