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
    asked: AtomicBool,
}

impl Stop {
    /// A job says that it looks out for the wish from now on.
    pub fn listen(&self) {
        self.0.heard.store(true, Ordering::Release);
    }

    /// The job has come to its end by itself.
    pub fn leave(&self) {
        self.0.heard.store(false, Ordering::Release);
    }

    /// Asks the job to end. False where no job listens, or one was asked already: then there is nothing to wait for.
    pub fn ask(&self) -> bool {
        self.0.heard.load(Ordering::Acquire) && !self.0.asked.swap(true, Ordering::AcqRel)
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
        assert!(!stop.ask() && !stop.is_asked());
        stop.clone().listen();
        assert!(stop.ask());
        assert!(stop.is_asked());
        assert!(!stop.ask(), "whoever asks twice will not wait");
        let done = Stop::default();
        done.listen();
        done.leave();
        assert!(!done.ask(), "there is nothing to end");
    }
}
