//! A crew: its workers, what they are at, and the work that waits for them.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::lock;

/// A piece of work for whoever comes first.
pub(crate) type Task = Box<dyn FnOnce(&Worker) -> Fate + Send>;

/// What became of the worker over its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Fate {
    /// It goes on.
    Free,
    /// Its work was taken from it, and another works in its place.
    GivenUp,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// None came within the deadline.
    NoAnswer(Duration),
    /// The work ended in a panic, which is a fault of ours.
    Panicked,
}

impl std::fmt::Display for Lost {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoAnswer(deadline) => write!(out, "no answer within {} s", deadline.as_secs_f64()),
            Self::Panicked => out.write_str("panicked: please report this file, it shows a fault of derelict"),
        }
    }
}

/// Work that can be taken from a worker.
pub(crate) trait Work: Send + Sync {
    /// Takes it from the worker that hangs in it, and sees to it that somebody goes on ([`Crew::push_suspect`]). False when it
    /// was done meanwhile.
    fn give_up(&self, crew: &Crew, why: Lost) -> bool;
}

/// Workers that are asked for when the question is whether they wait.
const MOST_SAMPLED: usize = 4;

/// The place of one worker: what it is at, and since when it waits.
#[derive(Default)]
struct Seat {
    /// When the request under way began, by the clock of the crew; 0 while there is none.
    since: AtomicU64,
    /// Answers that prove the storage alive.
    answers: AtomicU64,
    work: Mutex<Option<Arc<dyn Work>>>,
    /// Where the system tells what its thread does: nothing there before it has begun, and `None` where the system does not.
    thread: OnceLock<Option<PathBuf>>,
}

impl Seat {
    /// The thread that runs begins to work here.
    fn take(&self) {
        let thread = cfg!(target_os = "linux").then(|| std::fs::read_link("/proc/thread-self").ok());
        let stat = thread
            .flatten()
            .map(|thread| Path::new("/proc").join(thread).join("stat"));
        // Nobody else sets it.
        let _ = self.thread.set(stat);
    }

    /// True for a thread that waits: for the storage, not for a core. `None` where the system does not tell.
    fn waits(&self) -> Option<bool> {
        let Some(stat) = self.thread.get() else {
            return Some(false);
        };
        let mut line = [0; 512];
        let read = File::open(stat.as_ref()?)
            .and_then(|mut stat| stat.read(&mut line))
            .ok()?;
        // `123 (name of the thread) S 1 …`: R is one that runs or could (`proc_pid_stat(5)`).
        let line = line.get(..read)?;
        let behind_name = line.iter().rposition(|byte| *byte == b')')?.checked_add(2)?;
        Some(*line.get(behind_name)? != b'R')
    }
}

/// How a worker says that it asks the storage. Cheap: it reads no clock.
#[derive(Clone)]
pub(crate) struct Pulse {
    seat: Arc<Seat>,
    clock: Arc<AtomicU64>,
}

impl std::fmt::Debug for Pulse {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Pulse").finish_non_exhaustive()
    }
}

impl Pulse {
    /// A request begins now; the one before it, if any, is answered.
    pub(crate) fn beat(&self) {
        self.seat
            .since
            .store(self.clock.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The storage gave something that a cache would not: names of a folder, bytes of a file. The opening of a file and the
    /// like are no such answer, or a server that is dead would seem alive for as long as anything is remembered of it.
    pub(crate) fn answered(&self) {
        // Nobody else writes it, and a store is cheaper than an exchange.
        let answers = self.seat.answers.load(Ordering::Relaxed);
        self.seat.answers.store(answers.wrapping_add(1), Ordering::Relaxed);
    }

    /// The request is answered, what was asked for is done, and no other request is under way.
    pub(crate) fn rest(&self) {
        self.seat.since.store(0, Ordering::Relaxed);
        self.answered();
    }

    /// Puts work where it can be taken away.
    pub(crate) fn hold(&self, work: Option<Arc<dyn Work>>) {
        *lock(&self.seat.work) = work;
    }
}

/// One thread at work.
pub(crate) struct Worker {
    pub(crate) crew: Arc<Crew>,
    pub(crate) pulse: Pulse,
}

/// The workers of one device.
pub(crate) struct Crew {
    tasks: Mutex<Tasks>,
    wake: Condvar,
    /// Workers without work.
    pub(super) idle: AtomicUsize,
    /// Tasks without a worker.
    queued: AtomicUsize,
    seats: Mutex<Vec<Arc<Seat>>>,
    /// Answers to workers that were given up since.
    past_answers: AtomicU64,
    clock: Arc<AtomicU64>,
    pub(super) stalled: AtomicBool,
    this: Weak<Self>,
}

#[derive(Default)]
struct Tasks {
    /// The last one in is the first one out: a tree is walked into its depth, with few folders open.
    stack: VecDeque<Task>,
    /// What is left of work in which a worker hung: for when there is nothing else.
    suspects: Vec<Task>,
    /// So many of the next tasks are taken from the far end of the stack.
    from_far: usize,
    ended: bool,
}

impl Tasks {
    fn take(&mut self) -> Option<Task> {
        let far = self.from_far > 0;
        self.from_far = self.from_far.saturating_sub(1);
        let task = if far {
            self.stack.pop_front()
        } else {
            self.stack.pop_back()
        };
        task.or_else(|| self.suspects.pop())
    }

    fn len(&self) -> usize {
        self.stack.len().saturating_add(self.suspects.len())
    }
}

impl Crew {
    pub(super) fn new(clock: Arc<AtomicU64>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            tasks: Mutex::default(),
            wake: Condvar::new(),
            idle: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            seats: Mutex::default(),
            past_answers: AtomicU64::new(0),
            clock,
            stalled: AtomicBool::new(false),
            this: this.clone(),
        })
    }

    /// Leaves work for whoever comes first.
    pub(crate) fn push(&self, task: Task) {
        self.add(|tasks| tasks.stack.push_back(task));
    }

    /// Leaves work for whoever comes first, the last of it first.
    pub(crate) fn push_all(&self, new: Vec<Task>) {
        if !new.is_empty() {
            self.add(|tasks| tasks.stack.extend(new));
        }
    }

    /// Leaves what is left of work in which a worker hung.
    pub(crate) fn push_suspect(&self, task: Task) {
        self.add(|tasks| tasks.suspects.push(task));
    }

    fn add(&self, add: impl FnOnce(&mut Tasks)) {
        let mut tasks = lock(&self.tasks);
        let before = tasks.len();
        add(&mut tasks);
        let new = tasks.len().saturating_sub(before);
        self.queued.store(tasks.len(), Ordering::Relaxed);
        drop(tasks);
        for _ in 0..new.min(self.idle.load(Ordering::Relaxed)) {
            self.wake.notify_one();
        }
    }

    /// True when no worker of it got an answer within the deadline: what it was to look at is out of reach.
    pub(crate) fn has_stalled(&self) -> bool {
        self.stalled.load(Ordering::Acquire)
    }

    /// True when nobody works and nothing is left to do.
    pub(crate) fn is_at_rest(&self) -> bool {
        // Workers fall idle, and take work, only under this lock.
        let tasks = lock(&self.tasks);
        tasks.len() == 0 && self.idle.load(Ordering::Relaxed) == self.size()
    }

    /// True when somebody waits for work that is not there.
    pub(super) fn is_hungry(&self) -> bool {
        self.idle.load(Ordering::Relaxed) > self.queued.load(Ordering::Relaxed)
    }

    fn next(&self) -> Option<Task> {
        let mut tasks = lock(&self.tasks);
        loop {
            if tasks.ended {
                return None;
            }
            if let Some(task) = tasks.take() {
                self.queued.store(tasks.len(), Ordering::Relaxed);
                return Some(task);
            }
            self.idle.fetch_add(1, Ordering::Relaxed);
            tasks = self.wake.wait(tasks).unwrap_or_else(PoisonError::into_inner);
            self.idle.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Sends everybody home who can go.
    pub(super) fn end(&self) {
        let mut tasks = lock(&self.tasks);
        tasks.ended = true;
        let left = (std::mem::take(&mut tasks.stack), std::mem::take(&mut tasks.suspects));
        drop(tasks);
        self.wake.notify_all();
        if !(left.0.is_empty() && left.1.is_empty()) {
            // They hold open folders, and to close one is to ask a storage that may be dead: nobody waits for that. Where the
            // machine refuses a thread they are let go of here.
            let _ = thread::Builder::new().spawn(move || drop(left));
        }
    }

    /// One more worker.
    pub(super) fn hire(&self) -> io::Result<()> {
        let Some(crew) = self.this.upgrade() else { return Ok(()) };
        let seat = Arc::new(Seat::default());
        let worker = Worker {
            pulse: Pulse {
                seat: Arc::clone(&seat),
                clock: Arc::clone(&self.clock),
            },
            crew,
        };
        // Before it begins, so that no worker is ever uncounted.
        lock(&self.seats).push(Arc::clone(&seat));
        let started = thread::Builder::new()
            .name("crawl".to_owned())
            .spawn(move || worker.run());
        if started.is_err() {
            self.remove(&seat);
        }
        started.map(drop)
    }

    fn remove(&self, seat: &Arc<Seat>) {
        lock(&self.seats).retain(|other| !Arc::ptr_eq(other, seat));
    }

    pub(super) fn size(&self) -> usize {
        lock(&self.seats).len()
    }

    /// True when most of the workers wait for the storage, as far as is known. On a machine that others keep busy a worker may be
    /// slow for want of a core, and more of them would have no more cores.
    pub(super) fn waits(&self) -> bool {
        let some: Vec<_> = lock(&self.seats).iter().take(MOST_SAMPLED).cloned().collect();
        let told: Vec<bool> = some.iter().filter_map(|seat| seat.waits()).collect();
        let waiting = told.iter().filter(|waits| **waits).count();
        told.is_empty() || waiting.saturating_mul(2) > told.len()
    }

    /// Answers to all workers so far.
    pub(super) fn answers(&self) -> u64 {
        let answers = |seat: &Arc<Seat>| seat.answers.load(Ordering::Relaxed);
        let past = self.past_answers.load(Ordering::Relaxed);
        lock(&self.seats).iter().map(answers).fold(past, u64::wrapping_add)
    }

    /// Takes the work from those that wait since before `then`. Returns how many there were.
    pub(super) fn give_up_since(&self, then: u64, deadline: Duration) -> usize {
        let late = |seat: &Arc<Seat>| {
            let since = seat.since.load(Ordering::Relaxed);
            since != 0 && since < then
        };
        let hanging: Vec<_> = lock(&self.seats).iter().filter(|seat| late(seat)).cloned().collect();
        let mut given_up = 0_usize;
        for seat in hanging {
            let mut held = lock(&seat.work);
            // Once more with the lock: it may have had its answer, and have begun other work.
            let work = if late(&seat) { held.take() } else { None };
            drop(held);
            if work.is_some_and(|work| work.give_up(self, Lost::NoAnswer(deadline))) {
                given_up = given_up.saturating_add(1);
                let answers = seat.answers.load(Ordering::Relaxed);
                self.past_answers.fetch_add(answers, Ordering::Relaxed);
                self.remove(&seat);
            }
        }
        let mut tasks = lock(&self.tasks);
        tasks.from_far = tasks.from_far.saturating_add(given_up);
        given_up
    }
}

impl Worker {
    fn run(self) {
        self.pulse.seat.take();
        while let Some(task) = self.crew.next() {
            match catch_unwind(AssertUnwindSafe(|| task(&self))) {
                Ok(Fate::Free) => {}
                Ok(Fate::GivenUp) => return,
                Err(_) => self.drop_work(),
            }
        }
    }

    /// Leaves to others what ended in a panic.
    fn drop_work(&self) {
        self.pulse.rest();
        let work = lock(&self.pulse.seat.work).take();
        // Work that is held by nobody has ended already.
        let _ = work.is_some_and(|work| work.give_up(&self.crew, Lost::Panicked));
    }
}
