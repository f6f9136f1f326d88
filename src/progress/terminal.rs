//! The form for people: one line on a terminal.

use std::{
    io::IsTerminal,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{Counts, Phase, Progress};

/// One line on standard error, drawn at most ten times a second.
#[derive(Debug)]
pub struct Terminal {
    bar: ProgressBar,
    counts: Arc<Counts>,
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
            Phase::Prepare => {
                self.style("{spinner} {msg} ({elapsed})");
                self.bar.set_message("reading what was given");
            }
            // It may go to the same terminal.
            Phase::Write => self.finish(),
            Phase::Crawl => {
                self.counts.begin();
                self.style("{spinner} crawling: {counts} ({elapsed})");
            }
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

    fn roots(&self, paths: &[PathBuf]) {
        self.counts.set_roots(paths);
    }

    fn folders(&self, found: u64, done: u64) {
        self.counts.count_folders(found, done);
    }

    fn entries(&self, count: u64) {
        self.counts.files.fetch_add(count, Ordering::Relaxed);
    }

    fn seen(&self, root: usize, bytes: u64) {
        self.counts.see(root, bytes);
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
        shown.roots(&[PathBuf::from("/mnt/a")]);
        shown.phase(Phase::Crawl);
        shown.folders(40, 0);
        shown.folders(2, 12);
        shown.artifacts(2);
        shown.entries(1234);
        shown.seen(0, 5 << 20);
        let text = shown.counts.to_string();
        assert!(text.starts_with("12 of 42 folders, 1,234 files ("), "{text}");
        assert!(text.contains("/s), 2 artifacts ("), "{text}");
        assert!(text.ends_with("/s), 5.00 MiB, in /mnt/a"), "{text}");
        shown.phase(Phase::Hash { total_bytes: 100 });
        shown.bytes(40);
        assert_eq!((shown.bar.position(), shown.bar.length()), (40, Some(100)));
        shown.finish();
        assert!(shown.bar.is_finished());
    }
}
