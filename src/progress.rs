//! How a long job tells how far it is. The library knows the trait; the terminal form stands here too, but only the
//! binary picks it, and only where standard error is a terminal.

use std::{
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// What a job is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Listing folders and reading artifacts.
    Crawl,
    /// Holding references and inventories against each other.
    Reconcile,
    /// Waiting before a second look, and taking it.
    Settle,
    /// Hashing: so many bytes in all.
    Hash {
        /// Sum of the lengths.
        total_bytes: u64,
    },
}

/// Hears how far a job is, from any thread. All methods do nothing unless overridden.
pub trait Progress: Send + Sync {
    /// A new part of the job begins.
    fn phase(&self, _phase: Phase) {}
    /// So many more files were seen.
    fn entries(&self, _count: u64) {}
    /// So many more artifacts were read.
    fn artifacts(&self, _count: u64) {}
    /// So many more bytes were hashed.
    fn bytes(&self, _count: u64) {}
    /// The job is done, or cannot go on: clears what was drawn.
    fn finish(&self) {}
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hidden;

impl Progress for Hidden {}

/// One line on standard error, drawn at most ten times a second.
#[derive(Debug)]
pub struct Terminal {
    bar: ProgressBar,
    counts: Arc<Counts>,
}

/// What was seen, counted by all threads and read when the line is drawn, so that no number ever runs back.
#[derive(Debug, Default)]
struct Counts {
    files: AtomicU64,
    artifacts: AtomicU64,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let files = HumanCount(self.files.load(Ordering::Relaxed));
        let artifacts = HumanCount(self.artifacts.load(Ordering::Relaxed));
        write!(out, "{files} files, {artifacts} artifacts")
    }
}

/// Redrawing more often than this serves nobody and costs system calls.
const DRAWS_PER_SECOND: u8 = 10;

/// The sign of life of a spinner while a slow share says nothing.
const TICK: Duration = Duration::from_millis(200);

impl Terminal {
    /// A line on standard error, or `None` where that is no terminal.
    pub fn new() -> Option<Self> {
        std::io::stderr()
            .is_terminal()
            .then(|| Self::drawn_on(ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND)))
    }

    fn drawn_on(target: ProgressDrawTarget) -> Self {
        let terminal = Self {
            bar: ProgressBar::with_draw_target(None, target),
            counts: Arc::default(),
        };
        // Before the first draw: the look of the library is a bar.
        terminal.style("{spinner} {msg}");
        terminal.bar.enable_steady_tick(TICK);
        terminal
    }

    fn style(&self, template: &str) {
        if let Ok(style) = ProgressStyle::with_template(template) {
            let counts = Arc::clone(&self.counts);
            let write = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                // A line that cannot be written is a line that nobody sees.
                let _ = write!(out, "{counts}");
            };
            self.bar.set_style(style.with_key("counts", write));
        }
    }
}

impl Progress for Terminal {
    fn phase(&self, phase: Phase) {
        self.bar.reset();
        match phase {
            Phase::Crawl => self.style("{spinner} crawling: {counts} ({elapsed})"),
            Phase::Reconcile => {
                self.style("{spinner} {msg}");
                self.bar.set_message("reconciling");
            }
            Phase::Settle => {
                self.style("{spinner} {msg} ({elapsed})");
                self.bar.set_message("waiting to look again");
            }
            Phase::Hash { total_bytes } => {
                self.style("hashing [{bar:30}] {bytes}/{total_bytes} ({bytes_per_sec}, {eta})");
                self.bar.set_length(total_bytes);
            }
        }
    }

    fn entries(&self, count: u64) {
        self.counts.files.fetch_add(count, Ordering::Relaxed);
    }

    fn artifacts(&self, count: u64) {
        self.counts.artifacts.fetch_add(count, Ordering::Relaxed);
    }

    fn bytes(&self, count: u64) {
        self.bar.inc(count);
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_shown_and_the_line_is_cleared() {
        let shown = Terminal::drawn_on(ProgressDrawTarget::hidden());
        shown.phase(Phase::Crawl);
        shown.artifacts(2);
        shown.entries(1234);
        assert_eq!(shown.counts.to_string(), "1,234 files, 2 artifacts");
        shown.phase(Phase::Hash { total_bytes: 100 });
        shown.bytes(40);
        assert_eq!((shown.bar.position(), shown.bar.length()), (40, Some(100)));
        shown.finish();
        assert!(shown.bar.is_finished());
    }
}
