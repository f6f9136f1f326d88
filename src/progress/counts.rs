//! What was seen, counted by all threads and read when it is shown, so that no number ever runs back.

use std::{
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
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
    /// Of files and artifacts; `None` before the counting begins.
    rates: Option<Rates<2>>,
}

/// How fast some counts grow, of late: over the last second or so.
#[derive(Debug)]
pub(super) struct Rates<const N: usize> {
    /// When the rates were taken, and what the counts were then.
    at: Instant,
    before: [u64; N],
    /// `None` until a first time has passed.
    a_second: Option<[u64; N]>,
}

/// Over a shorter time a rate says nothing.
const RATE_TIME: Duration = Duration::from_millis(450);

impl<const N: usize> Rates<N> {
    pub(super) fn new(counts: [u64; N]) -> Self {
        Self {
            at: Instant::now(),
            before: counts,
            a_second: None,
        }
    }

    /// How fast the counts grow that are at these numbers now.
    pub(super) fn of(&mut self, counts: [u64; N]) -> [u64; N] {
        self.after(self.at.elapsed(), counts)
    }

    fn after(&mut self, time: Duration, counts: [u64; N]) -> [u64; N] {
        if let Some(rates) = self.a_second.filter(|_| time < RATE_TIME) {
            return rates;
        }
        let mut rates = counts;
        for (rate, before) in rates.iter_mut().zip(self.before) {
            *rate = a_second(rate.saturating_sub(before), time);
        }
        if time >= RATE_TIME {
            (self.at, self.before, self.a_second) = (Instant::now(), counts, Some(rates));
        }
        rates
    }
}

impl Counts {
    fn with_state<T>(&self, use_it: impl FnOnce(&mut State) -> T) -> T {
        use_it(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The counting begins now.
    pub(super) fn begin(&self) {
        self.with_state(|state| state.rates = Some(Rates::new([0; 2])));
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
        let counts = [files, artifacts];
        let rates = self.with_state(|state| state.rates.as_mut().map_or([0; 2], |rates| rates.of(counts)));
        let [files_a_second, artifacts_a_second] = rates;
        write!(
            out,
            "{} of {} folders, {} files ({}/s), {} artifacts ({}/s), {}",
            HumanCount(self.folders_done.load(Ordering::Relaxed)),
            HumanCount(self.folders_found.load(Ordering::Relaxed)),
            HumanCount(files),
            HumanCount(files_a_second),
            HumanCount(artifacts),
            HumanCount(artifacts_a_second),
            BinaryBytes(self.bytes.load(Ordering::Relaxed)),
        )?;
        match self.root() {
            Some(root) => write!(out, ", in {}", sanitize::os_path(&root)),
            None => Ok(()),
        }
    }
}

/// So many a second; 0 while no time has passed.
fn a_second(count: u64, time: Duration) -> u64 {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    count.saturating_mul(1000).checked_div(milliseconds).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_late_and_not_that_since_the_start() {
        let mut rates = Rates::new([0]);
        assert_eq!(rates.after(Duration::ZERO, [0]), [0]);
        assert_eq!(
            rates.after(Duration::from_millis(100), [50]),
            [500],
            "all that is known"
        );
        assert_eq!(rates.after(Duration::from_secs(1), [1000]), [1000]);
        assert_eq!(rates.after(Duration::from_secs(1), [1010]), [10], "it became slow");
        assert_eq!(rates.after(Duration::from_millis(10), [2000]), [10], "too short a time");
        assert_eq!(rates.after(Duration::from_secs(10), [1010]), [0], "it stands still");
    }
}
