//! The thread that watches over the crews: it takes work from those that hang, and lets crews grow while they wait.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::crew::Crew;

/// Most workers of all crews together, unless the user sets another limit. A server with fewer slots is not harmed by
/// more, and above it nothing was gained.
pub(crate) const MOST_WORKERS: usize = 128;

/// How often the watch looks. A crew doubles at most this often: from 2 to 128 in 30 ms.
pub(super) const TICK: Duration = Duration::from_millis(5);

/// When the watch itself was held up for longer, the process stood still (stopped, or starved by others), and no answer could
/// have been heard: that time is not counted against the storage.
const LONGEST_TICK: Duration = Duration::from_millis(250);

/// A request that takes longer than this on average is one that waits for the storage. A warm local disk takes 2 µs.
const WAITING: Duration = Duration::from_micros(100);

/// Threads that may hang for one crew, each in a request of its own, before all of it is given up.
const MOST_HANGING: usize = 256;

/// The crews of a run, and the thread that watches over them.
pub(crate) struct Watch {
    crews: Vec<Arc<Crew>>,
    ended: Arc<AtomicBool>,
}

/// How many workers there may be, and how long one waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Most workers of all crews together, though every crew has one.
    pub(crate) workers: usize,
    /// Longest wait for one answer.
    pub(crate) deadline: Duration,
}

impl Watch {
    /// So many crews, each with a worker to begin with: a worker for several could be held up for all of them by one.
    ///
    /// # Errors
    /// When the machine refuses threads.
    pub(crate) fn start(crews: usize, limits: Limits) -> io::Result<Self> {
        let clock = Arc::new(AtomicU64::new(1));
        let crews: Vec<Arc<Crew>> = (0..crews.max(1)).map(|_| Crew::new(Arc::clone(&clock))).collect();
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let each = cores.min(limits.workers / crews.len()).max(1);
        for crew in &crews {
            (0..each).try_for_each(|_| crew.hire())?;
        }
        let ended = Arc::new(AtomicBool::new(false));
        let mut watching = Watching {
            seen: vec![Seen::default(); crews.len()],
            crews: crews.clone(),
            limits,
            clock,
            busy: BusyCores::new(cores),
        };
        let stop = Arc::clone(&ended);
        thread::Builder::new().name("watch".to_owned()).spawn(move || {
            let mut looked = Instant::now();
            let mut now = Duration::ZERO;
            while !stop.load(Ordering::Acquire) {
                thread::sleep(TICK);
                let since = looked.elapsed().min(LONGEST_TICK);
                looked = Instant::now();
                now = now.saturating_add(since);
                watching.look(now);
            }
        })?;
        Ok(Self { crews, ended })
    }

    /// The crew with this number.
    pub(crate) fn crew(&self, number: usize) -> Option<&Arc<Crew>> {
        self.crews.get(number)
    }

    /// Waits until nobody works any more, though no longer than this.
    pub(crate) fn wait_for_rest(&self, most: Duration) {
        let start = Instant::now();
        while !self.is_at_rest() && start.elapsed() < most {
            thread::sleep(Duration::from_micros(100));
        }
    }

    /// True when nobody works any more, for nothing is left to do.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.crews.iter().all(|crew| crew.has_stalled() || crew.is_at_rest())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        for crew in &self.crews {
            crew.end();
        }
    }
}

/// What the watch remembers of a crew.
#[derive(Debug, Clone, Default)]
struct Seen {
    at: Duration,
    answers: u64,
    /// Since when workers were given up without an answer to any other.
    silent_since: Option<Duration>,
    hanging: usize,
}

impl Seen {
    /// True when the crew has stalled: for a whole deadline since workers were first given up nobody got an answer.
    fn has_stalled(&mut self, now: Duration, answered: bool, given_up: usize, deadline: Duration) -> bool {
        if answered {
            self.silent_since = None;
        }
        if given_up == 0 {
            return false;
        }
        self.hanging = self.hanging.saturating_add(given_up);
        let since = *self.silent_since.get_or_insert(now);
        now.saturating_sub(since) >= deadline || self.hanging > MOST_HANGING
    }
}

struct Watching {
    crews: Vec<Arc<Crew>>,
    seen: Vec<Seen>,
    limits: Limits,
    clock: Arc<AtomicU64>,
    busy: BusyCores,
}

impl Watching {
    fn look(&mut self, now: Duration) {
        let milliseconds = u64::try_from(now.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        self.clock.store(milliseconds, Ordering::Relaxed);
        let deadline = u64::try_from(self.limits.deadline.as_millis()).unwrap_or(u64::MAX);
        let then = milliseconds.saturating_sub(deadline);
        let cores_are_busy = self.busy.look(now);
        let mut workers: usize = self.crews.iter().map(|crew| crew.size()).sum();
        for (crew, seen) in self.crews.iter().zip(&mut self.seen) {
            // Read once: what is answered while the watch looks is for the next time.
            let answers = crew.answers();
            let made = answers.wrapping_sub(seen.answers);
            let given_up = crew.give_up_since(then, self.limits.deadline);
            // Nobody is there when the machine refused the threads.
            let missing = given_up.max(usize::from(crew.size() == 0));
            if seen.has_stalled(now, made > 0, missing, self.limits.deadline) {
                crew.stalled.store(true, Ordering::Release);
                crew.end();
                continue;
            }
            let free = self.limits.workers.saturating_sub(workers);
            let wanted = if cores_are_busy || free == 0 {
                0
            } else {
                growth(crew, now.saturating_sub(seen.at), made)
            };
            for _ in 0..wanted.min(free).max(missing) {
                // What the machine refuses is work for the others.
                if crew.hire().is_ok() {
                    workers = workers.saturating_add(1);
                }
            }
            seen.at = now;
            seen.answers = answers;
        }
    }
}

/// By how many workers a crew grows: to the double while all of them wait for the storage.
fn growth(crew: &Crew, elapsed: Duration, made: u64) -> usize {
    let size = crew.size();
    if crew.idle.load(Ordering::Relaxed) > 0 {
        return 0;
    }
    let workers = u32::try_from(size).unwrap_or(u32::MAX);
    let made = u32::try_from(made.max(1)).unwrap_or(u32::MAX);
    let each = elapsed.saturating_mul(workers).checked_div(made).unwrap_or_default();
    if each > WAITING && crew.waits() { size } else { 0 }
}

/// Whether the cores have all they can do: then more workers would only stand in each other's way.
struct BusyCores {
    cores: u32,
    at: Duration,
    used: Option<Duration>,
}

impl BusyCores {
    fn new(cores: usize) -> Self {
        Self {
            cores: u32::try_from(cores).unwrap_or(1),
            at: Duration::ZERO,
            used: used_by_this_process(),
        }
    }

    fn look(&mut self, now: Duration) -> bool {
        let used = used_by_this_process();
        let share = used
            .zip(self.used)
            .map(|(used, before)| used.saturating_sub(before).saturating_mul(10));
        let most = now.saturating_sub(self.at).saturating_mul(self.cores).saturating_mul(8);
        (self.at, self.used) = (now, used);
        share.is_some_and(|share| share > most)
    }
}

/// Processor time of all threads; `None` where the system does not tell.
fn used_by_this_process() -> Option<Duration> {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let seconds = u64::try_from(time.tv_sec).ok()?;
        Some(Duration::new(seconds, u32::try_from(time.tv_nsec).ok()?))
    }
    #[cfg(not(unix))]
    {
        None
    }
}
