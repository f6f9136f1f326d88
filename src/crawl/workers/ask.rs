//! A question to the storage before there are crews.

use std::{
    io,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// An answer that is waited for no longer than its deadline.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    answer: mpsc::Receiver<T>,
    until: Instant,
}

impl<T> Waiting<T> {
    /// The answer, or `None` when there is none in time.
    pub(crate) fn wait(self) -> Option<T> {
        self.answer
            .recv_timeout(self.until.saturating_duration_since(Instant::now()))
            .ok()
    }
}

/// Asks once, on a thread of its own.
///
/// # Errors
/// When the machine refuses the thread.
pub(crate) fn within<T: Send + 'static>(
    deadline: Duration,
    ask: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Waiting<T>> {
    let (sender, answer) = mpsc::channel();
    thread::Builder::new().name("ask".to_owned()).spawn(move || {
        // Nobody listens any more when the answer comes too late.
        let _ = sender.send(ask());
    })?;
    let now = Instant::now();
    let until = now.checked_add(deadline).unwrap_or(now);
    Ok(Waiting { answer, until })
}
