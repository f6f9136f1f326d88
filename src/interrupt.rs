//! The wish of the user to end a long job early, with what was found so far.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How often one who waits looks up.
const LOOK_UP: Duration = Duration::from_millis(50);

/// Carries the wish from whoever hears it (a signal handler) to the job.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// A job looks out for the wish.
    heard: AtomicBool,
    /// All is read, and what comes of it is yet to be written.
    finishing: AtomicBool,
    asked: AtomicBool,
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

impl Stop {
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
        if self.0.asked.swap(true, Ordering::AcqRel) {
            return Answer::Nothing;
        }
        answer
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
        self.0.asked.load(Ordering::Acquire)
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
    fn what_follows_a_job_is_finished() {
        let stop = Stop::default();
        stop.listen();
        stop.leave();
        assert_eq!(stop.ask(), Answer::Finishes);
        assert!(stop.is_asked());
        assert_eq!(stop.ask(), Answer::Nothing, "whoever asks twice will not wait");
    }
}
