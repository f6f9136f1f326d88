//! The wish of the user to end a long job early, with what was found so far.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// How often one who waits looks up.
const LOOK_UP: Duration = Duration::from_millis(50);

/// How long what was read may be judged once somebody asked for the end: what is written of it has to be there within a second.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// How much of that is kept for the listing of an artifact, for where the judgement is given up.
const LISTING: Duration = Duration::from_micros(1);

/// Carries the wish from whoever hears it (a signal handler) to the job.
#[derive(Debug, Clone)]
pub struct Stop(Arc<State>);

#[derive(Debug)]
struct State {
    /// A job looks out for the wish.
    heard: AtomicBool,
    /// All is read, and what comes of it is yet to be written.
    finishing: AtomicBool,
    /// When somebody asked first.
    asked: OnceLock<Instant>,
    patience: Duration,
    /// How many artifacts are to be listed where they are not judged.
    artifacts: AtomicU32,
}

/// What becomes of the wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A job ends with what it has.
    Ends,
    /// All is read: what comes of it is being written.
    Finishes,
    /// There is nothing to wait for.
    Nothing,
}

impl Default for Stop {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

impl Stop {
    /// With another patience than [`PATIENCE`].
    pub fn with_patience(patience: Duration) -> Self {
        Self(Arc::new(State {
            heard: AtomicBool::default(),
            finishing: AtomicBool::default(),
            asked: OnceLock::new(),
            patience,
            artifacts: AtomicU32::default(),
        }))
    }

    /// So many artifacts are to be judged now. The more they are, the longer it takes to list them where the judgement is given up,
    /// and the less there is to be had from waiting for it.
    pub fn judges(&self, artifacts: usize) {
        let artifacts = u32::try_from(artifacts).unwrap_or(u32::MAX);
        self.0.artifacts.store(artifacts, Ordering::Release);
    }

    /// A job says that it looks out for the wish from now on.
    pub fn listen(&self) {
        self.0.heard.store(true, Ordering::Release);
    }

    /// The job has come to its end by itself: what follows is finished.
    pub fn leave(&self) {
        self.finish();
        self.0.heard.store(false, Ordering::Release);
    }

    /// All is read, and what comes of it is about to be written.
    pub fn finish(&self) {
        self.0.finishing.store(true, Ordering::Release);
    }

    /// Asks for an early end. Whoever asks twice will not wait.
    pub fn ask(&self) -> Answer {
        let answer = if self.0.heard.load(Ordering::Acquire) {
            Answer::Ends
        } else if self.0.finishing.load(Ordering::Acquire) {
            Answer::Finishes
        } else {
            return Answer::Nothing;
        };
        match self.0.asked.set(Instant::now()) {
            Ok(()) => answer,
            Err(_) => Answer::Nothing,
        }
    }

    /// Waits, but no longer than until somebody asks.
    pub fn wait(&self, time: Duration) {
        let start = Instant::now();
        while let Some(rest) = time.checked_sub(start.elapsed()).filter(|_| !self.is_asked()) {
            std::thread::sleep(rest.min(LOOK_UP));
        }
    }

    /// True once somebody asked.
    pub fn is_asked(&self) -> bool {
        self.0.asked.get().is_some()
    }

    /// True, from then on for ever, once somebody asked and what was read was to be judged by now.
    pub fn is_past_patience(&self) -> bool {
        let asked = self.0.asked.get();
        let listing = LISTING.saturating_mul(self.0.artifacts.load(Ordering::Acquire));
        asked.is_some_and(|asked| asked.elapsed() >= self.0.patience.saturating_sub(listing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_job_that_listens_is_asked_and_only_once() {
        let stop = Stop::default();
        assert_eq!(stop.ask(), Answer::Nothing);
        assert!(!stop.is_asked());
        stop.clone().listen();
        assert_eq!(stop.ask(), Answer::Ends);
        assert!(stop.is_asked());
        assert_eq!(stop.ask(), Answer::Nothing, "whoever asks twice will not wait");
    }

    #[test]
    fn patience_ends_after_the_wish_and_not_without_it() {
        for (patience, is_past) in [(Duration::ZERO, true), (Duration::MAX, false)] {
            let stop = Stop::with_patience(patience);
            stop.listen();
            assert!(!stop.is_past_patience(), "nobody asked");
            stop.ask();
            assert_eq!(stop.is_past_patience(), is_past, "{patience:?}");
        }
    }

    #[test]
    fn the_more_there_is_to_list_the_less_is_left_for_a_judgement() {
        let stop = Stop::with_patience(Duration::from_secs(1_000_000));
        stop.listen();
        stop.ask();
        stop.judges(1_000_000);
        assert!(!stop.is_past_patience());
        let stop = Stop::default();
        stop.listen();
        stop.judges(1_000_000);
        assert!(!stop.is_past_patience(), "nobody asked");
        stop.ask();
        assert!(stop.is_past_patience());
    }

    #[test]
    fn what_follows_a_job_is_finished() {
        let stop = Stop::default();
        stop.listen();
        stop.leave();
        assert_eq!(stop.ask(), Answer::Finishes);
        assert!(stop.is_asked());
        assert_eq!(stop.ask(), Answer::Nothing, "whoever asks twice will not wait");
    }
}
