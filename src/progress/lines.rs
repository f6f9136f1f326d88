//! The form for programs: one JSON object a line, at the begin and end of every phase and twice a second between.

use std::{
    io::Write,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, Sender, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{Counts, Phase, Progress, counts::Rates};
use crate::raw::RawPath;

/// Name and version of the lines.
const SCHEMA: &str = "derelict/progress/1";

/// Whoever reads the lines may take twice this time without one for a sign that derelict is gone.
const EVERY: Duration = Duration::from_millis(500);

/// Writes the lines.
#[expect(missing_debug_implementations, reason = "writers have none")]
pub struct Lines(Arc<Inner>);

struct Inner {
    counts: Counts,
    hashed: AtomicU64,
    state: Mutex<State>,
}

/// Lines that wait for somebody who does not read: so many, and then none more. The job waits for nobody.
const MOST_WAITING: usize = 64;

/// How long the end of a phase may wait for its line to be read.
const PATIENCE: Duration = Duration::from_secs(1);

/// What goes to the thread that writes.
enum Out {
    Line(Vec<u8>),
    /// All before this is written.
    Mark(Sender<()>),
}

struct State {
    out: SyncSender<Out>,
    started: Instant,
    phase: Option<Phase>,
    phase_began: Instant,
    rates: Rates<4>,
}

/// One line. Fields may be added, none changed.
#[derive(Serialize)]
struct Line {
    schema: &'static str,
    /// `prepare`, `crawl`, `reconcile`, `settle`, `hash` or `write`.
    phase: &'static str,
    /// The last line of this phase.
    done: bool,
    /// Since the start.
    elapsed_ms: u64,
    /// Folders that are done.
    folders: u64,
    /// Folders that were found so far: before the crawl ends, not all there are.
    folders_found: u64,
    files: u64,
    files_per_second: u64,
    artifacts: u64,
    artifacts_per_second: u64,
    /// Sum of the lengths of the files.
    bytes: u64,
    bytes_per_second: u64,
    hashed_bytes: u64,
    hashed_bytes_per_second: u64,
    /// All that is to be hashed; `null` in other phases, for how much is left of a crawl is not known before it ends.
    hash_total_bytes: Option<u64>,
    /// How long the rest takes at the rate since the hashing began; `null` in other phases, and while there is no rate.
    hash_eta_seconds: Option<u64>,
    /// The root of the last folder.
    root: Option<RawPath>,
}

impl Lines {
    /// Lines that go here.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        let now = Instant::now();
        let (sender, receiver) = mpsc::sync_channel(MOST_WAITING);
        let inner = Arc::new(Inner {
            counts: Counts::default(),
            hashed: AtomicU64::new(0),
            state: Mutex::new(State {
                out: sender,
                started: now,
                phase: None,
                phase_began: now,
                rates: Rates::new([0; 4]),
            }),
        });
        let telling = Arc::downgrade(&inner);
        // Where there is no thread for it nothing is told: the job does not depend on it.
        let thread = || thread::Builder::new().name("progress".to_owned());
        let _ = thread().spawn(move || write_lines(&receiver, out));
        let _ = thread().spawn(move || keep_telling(&telling));
        Self(inner)
    }
}

/// Writes what comes. Where nobody listens nothing is lost.
fn write_lines(lines: &Receiver<Out>, mut out: Box<dyn Write + Send>) {
    for line in lines {
        match line {
            Out::Line(line) => {
                let _ = out.write_all(&line).and_then(|()| out.flush());
            }
            Out::Mark(written) => {
                let _ = written.send(());
            }
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, done: bool) {
        let mut state = self.lock();
        let Some(phase) = state.phase else { return };
        let now = [
            &self.counts.files,
            &self.counts.artifacts,
            &self.counts.bytes,
            &self.hashed,
        ]
        .map(|count| count.load(Ordering::Relaxed));
        let [files, artifacts, bytes, hashed_bytes] = now;
        let [
            files_per_second,
            artifacts_per_second,
            bytes_per_second,
            hashed_bytes_per_second,
        ] = state.rates.of(now);
        let line = Line {
            schema: SCHEMA,
            phase: phase.name(),
            done,
            elapsed_ms: milliseconds(state.started.elapsed()),
            folders: self.counts.folders_done.load(Ordering::Relaxed),
            folders_found: self.counts.folders_found.load(Ordering::Relaxed),
            files,
            files_per_second,
            artifacts,
            artifacts_per_second,
            bytes,
            bytes_per_second,
            hashed_bytes,
            hashed_bytes_per_second,
            hash_total_bytes: match phase {
                Phase::Hash { total_bytes } => Some(total_bytes),
                _ => None,
            },
            hash_eta_seconds: match phase {
                Phase::Hash { total_bytes } => rest_seconds(total_bytes, hashed_bytes, state.phase_began.elapsed()),
                _ => None,
            },
            root: self.counts.root().as_deref().map(RawPath::from_os),
        };
        let Ok(mut line) = serde_json::to_vec(&line) else {
            return;
        };
        line.push(b'\n');
        let _ = state.out.try_send(Out::Line(line));
        if done {
            state.phase = None;
        }
    }

    /// Waits a while until what was told is written: what somebody else writes there comes behind it.
    fn wait(&self) {
        let (sender, receiver) = mpsc::channel();
        let sent = self.lock().out.try_send(Out::Mark(sender));
        if sent.is_ok() {
            let _ = receiver.recv_timeout(PATIENCE);
        }
    }
}

/// How long the rest takes if it goes on as it went.
fn rest_seconds(total: u64, done: u64, took: Duration) -> Option<u64> {
    let rest = u128::from(total.saturating_sub(done)).saturating_mul(took.as_millis());
    let milliseconds = rest.checked_div(u128::from(done))?;
    u64::try_from(milliseconds.div_ceil(1000)).ok()
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Tells for as long as there is something to tell of.
fn keep_telling(inner: &Weak<Inner>) {
    loop {
        thread::sleep(EVERY);
        match inner.upgrade() {
            Some(inner) => inner.tell(false),
            None => return,
        }
    }
}

impl Progress for Lines {
    fn phase(&self, phase: Phase) {
        if self.0.lock().phase == Some(phase) {
            return;
        }
        self.0.tell(true);
        let mut state = self.0.lock();
        (state.phase, state.phase_began) = (Some(phase), Instant::now());
        drop(state);
        self.0.tell(false);
    }

    fn roots(&self, paths: &[PathBuf]) {
        self.0.counts.set_roots(paths);
    }

    fn folders(&self, found: u64, done: u64) {
        self.0.counts.count_folders(found, done);
    }

    fn entries(&self, count: u64) {
        self.0.counts.files.fetch_add(count, Ordering::Relaxed);
    }

    fn seen(&self, root: usize, bytes: u64) {
        self.0.counts.see(root, bytes);
    }

    fn artifacts(&self, count: u64) {
        self.0.counts.artifacts.fetch_add(count, Ordering::Relaxed);
    }

    fn bytes(&self, count: u64) {
        self.0.hashed.fetch_add(count, Ordering::Relaxed);
    }

    fn finish(&self) {
        self.0.tell(true);
        self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_by_what_was_done_and_not_before() {
        let took = Duration::from_secs(10);
        assert_eq!(rest_seconds(400, 100, took), Some(30));
        assert_eq!(rest_seconds(400, 400, took), Some(0));
        assert_eq!(rest_seconds(400, 0, took), None);
        assert_eq!(rest_seconds(u64::MAX, 1, Duration::MAX), None);
    }
}
