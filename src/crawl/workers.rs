//! The workers that ask the storage: threads of our own, as many as the storage can take, and none that is waited for.
//!
//! A share answers many requests at once, and a thread that waits costs nothing: so the number of workers has nothing to do
//! with the number of cores. A [`Crew`] begins with as many as there are cores and doubles while all of them wait.
//!
//! A thread that hangs in the kernel cannot be ended from outside. So every request has a deadline: the [`Watch`] takes the
//! work from a worker that got no answer, says so in the place of the answer, and hands the rest of the work to others. The
//! worker, should it ever come back, finds its work gone and ends. Nothing borrows from the caller, since nobody knows when
//! that will be. What is left of the work in which one hung comes last, and who takes its place begins far away from it: so a
//! part of the storage that is dead holds up no other. A crew of which even then no worker gets an answer has stalled, and is
//! given up as a whole.

use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// Most workers of all crews together, unless the user sets another limit. A server with fewer slots is not harmed by
/// more, and above it nothing was gained.
pub(crate) const MOST_WORKERS: usize = 128;

/// How often the watch looks. A crew doubles at most this often: from 2 to 128 in 30 ms.
const TICK: Duration = Duration::from_millis(5);

/// When the watch itself was held up for longer, the process stood still (stopped, or starved by others), and no answer could
/// have been heard: that time is not counted against the storage.
const LONGEST_TICK: Duration = Duration::from_millis(250);

/// A request that takes longer than this on average is one that waits for the storage. A warm local disk takes 2 µs.
const WAITING: Duration = Duration::from_micros(100);

/// Threads that may hang for one crew, each in a request of its own, before all of it is given up.
const MOST_HANGING: usize = 256;

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

/// The place of one worker: what it is at, and since when it waits.
#[derive(Default)]
struct Seat {
    /// When the request under way began, by the clock of the crew; 0 while there is none.
    since: AtomicU64,
    /// Answers that prove the storage alive.
    answers: AtomicU64,
    work: Mutex<Option<Arc<dyn Work>>>,
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
        self.seat.answers.fetch_add(1, Ordering::Relaxed);
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
    idle: AtomicUsize,
    /// Tasks without a worker.
    queued: AtomicUsize,
    seats: Mutex<Vec<Arc<Seat>>>,
    /// Answers to workers that were given up since.
    past_answers: AtomicU64,
    clock: Arc<AtomicU64>,
    stalled: AtomicBool,
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
    fn new(clock: Arc<AtomicU64>) -> Arc<Self> {
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

    /// Leaves what is left of work in which a worker hung.
    pub(crate) fn push_suspect(&self, task: Task) {
        self.add(|tasks| tasks.suspects.push(task));
    }

    fn add(&self, add: impl FnOnce(&mut Tasks)) {
        let mut tasks = lock(&self.tasks);
        add(&mut tasks);
        self.queued.store(tasks.len(), Ordering::Relaxed);
        drop(tasks);
        if self.idle.load(Ordering::Relaxed) > 0 {
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
    fn is_hungry(&self) -> bool {
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
    fn end(&self) {
        let mut tasks = lock(&self.tasks);
        tasks.ended = true;
        // What the tasks hold is let go of without the lock.
        let left = (std::mem::take(&mut tasks.stack), std::mem::take(&mut tasks.suspects));
        drop(tasks);
        drop(left);
        self.wake.notify_all();
    }

    /// One more worker.
    fn hire(&self) -> io::Result<()> {
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

    fn size(&self) -> usize {
        lock(&self.seats).len()
    }

    /// Answers to all workers so far.
    fn answers(&self) -> u64 {
        let answers = |seat: &Arc<Seat>| seat.answers.load(Ordering::Relaxed);
        let past = self.past_answers.load(Ordering::Relaxed);
        lock(&self.seats).iter().map(answers).fold(past, u64::wrapping_add)
    }

    /// Takes the work from those that wait since before `then`. Returns how many there were.
    fn give_up_since(&self, then: u64, deadline: Duration) -> usize {
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

/// Work on many small things, which workers share and of which each may hang.
pub(crate) trait Job: Send + Sync + 'static {
    /// What comes of one of them.
    type Answer: Send + 'static;
    /// So few things are not worth handing to another worker.
    const LEAST: usize;
    /// How many there are.
    fn count(&self) -> usize;
    /// Works on one of them.
    fn work(&self, index: usize, pulse: &Pulse) -> Self::Answer;
    /// What stands in the place of an answer that does not come.
    fn lost(&self, index: usize, why: Lost) -> Self::Answer;
    /// Goes on with all answers, in no order.
    fn done(&self, answers: Vec<Self::Answer>, worker: &Worker) -> Fate;
}

/// Works on everything in a job: here, and on any worker that has nothing else to do.
pub(crate) fn spread<J: Job>(job: J, worker: &Worker) -> Fate {
    let rest = Span {
        current: None,
        next: 0,
        end: job.count(),
        answers: Vec::new(),
    };
    let shared = Arc::new(Shared {
        job,
        answers: Mutex::default(),
        open: AtomicUsize::new(1),
    });
    Batch::new(shared, rest).run(worker)
}

/// Asks the storage once, and goes on with the answer.
pub(crate) fn once<T: Send + 'static>(
    ask: impl Fn(&Pulse) -> io::Result<T> + Send + Sync + 'static,
    then: impl FnOnce(io::Result<T>, &Worker) -> Fate + Send + 'static,
    worker: &Worker,
) -> Fate {
    let job = Once {
        ask,
        then: Mutex::new(Some(then)),
    };
    spread(job, worker)
}

struct Once<A, N> {
    ask: A,
    /// Taken when the answer is there.
    then: Mutex<Option<N>>,
}

impl<T, A, N> Job for Once<A, N>
where
    T: Send + 'static,
    A: Fn(&Pulse) -> io::Result<T> + Send + Sync + 'static,
    N: FnOnce(io::Result<T>, &Worker) -> Fate + Send + 'static,
{
    type Answer = io::Result<T>;
    const LEAST: usize = 1;

    fn count(&self) -> usize {
        1
    }

    fn work(&self, _: usize, pulse: &Pulse) -> Self::Answer {
        (self.ask)(pulse)
    }

    fn lost(&self, _: usize, why: Lost) -> Self::Answer {
        Err(io::Error::other(why.to_string()))
    }

    fn done(&self, answers: Vec<Self::Answer>, worker: &Worker) -> Fate {
        let then = lock(&self.then).take();
        match (then, answers.into_iter().next()) {
            (Some(then), Some(answer)) => then(answer, worker),
            _ => Fate::Free,
        }
    }
}

/// What the batches of a job share.
struct Shared<J: Job> {
    job: J,
    answers: Mutex<Vec<J::Answer>>,
    /// Batches that are not done.
    open: AtomicUsize,
}

/// The part of a job that one worker is at.
struct Batch<J: Job> {
    shared: Arc<Shared<J>>,
    span: Mutex<Span<J::Answer>>,
}

struct Span<A> {
    /// What is being worked on.
    current: Option<usize>,
    /// What comes next, and where it ends.
    next: usize,
    end: usize,
    answers: Vec<A>,
}

/// What a worker does after an answer.
enum Step {
    Work(usize),
    Finish,
    Leave,
}

impl<J: Job> Batch<J> {
    fn new(shared: Arc<Shared<J>>, span: Span<J::Answer>) -> Arc<Self> {
        Arc::new(Self {
            shared,
            span: Mutex::new(span),
        })
    }

    fn run(self: Arc<Self>, worker: &Worker) -> Fate {
        let job = &self.shared.job;
        let held: Arc<dyn Work> = Arc::<Self>::clone(&self);
        worker.pulse.hold(Some(held));
        let mut answered = None;
        loop {
            match self.step(answered.take()) {
                Step::Work(index) => {
                    worker.pulse.beat();
                    answered = Some((index, job.work(index, &worker.pulse)));
                    worker.pulse.rest();
                    if worker.crew.is_hungry() {
                        self.share(worker);
                    }
                }
                Step::Finish => break,
                Step::Leave => return Fate::GivenUp,
            }
        }
        worker.pulse.hold(None);
        self.finish(worker)
    }

    /// Puts an answer down and takes the next thing.
    fn step(&self, answered: Option<(usize, J::Answer)>) -> Step {
        let mut span = lock(&self.span);
        if let Some((index, answer)) = answered {
            if span.current != Some(index) {
                return Step::Leave;
            }
            span.answers.push(answer);
        }
        span.current = (span.next < span.end).then_some(span.next);
        match span.current {
            Some(index) => {
                span.next = index.saturating_add(1);
                Step::Work(index)
            }
            None => Step::Finish,
        }
    }

    /// Hands half of what is left to another worker.
    fn share(&self, worker: &Worker) {
        let mut span = lock(&self.span);
        let left = span.end.saturating_sub(span.next);
        if left < J::LEAST || span.current.is_none() {
            return;
        }
        let half = Span {
            current: None,
            next: span.end.saturating_sub(left.div_ceil(2)),
            end: span.end,
            answers: Vec::new(),
        };
        span.end = half.next;
        drop(span);
        self.shared.open.fetch_add(1, Ordering::AcqRel);
        let batch = Self::new(Arc::clone(&self.shared), half);
        worker.crew.push(Box::new(move |worker| batch.run(worker)));
    }

    fn finish(&self, worker: &Worker) -> Fate {
        let mine = std::mem::take(&mut lock(&self.span).answers);
        let mut answers = lock(&self.shared.answers);
        answers.extend(mine);
        if self.shared.open.fetch_sub(1, Ordering::AcqRel) > 1 {
            return Fate::Free;
        }
        let answers = std::mem::take(&mut *answers);
        self.shared.job.done(answers, worker)
    }
}

impl<J: Job> Work for Batch<J> {
    fn give_up(&self, crew: &Crew, why: Lost) -> bool {
        let mut span = lock(&self.span);
        let Some(hanging) = span.current.take() else {
            return false;
        };
        let mut answers = std::mem::take(&mut span.answers);
        answers.push(self.shared.job.lost(hanging, why));
        let rest = Span {
            current: None,
            next: span.next,
            end: span.end,
            answers,
        };
        drop(span);
        let batch = Self::new(Arc::clone(&self.shared), rest);
        crew.push_suspect(Box::new(move |worker| batch.run(worker)));
        true
    }
}

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
            let wanted = if cores_are_busy {
                0
            } else {
                growth(crew, now.saturating_sub(seen.at), made)
            };
            let free = self.limits.workers.saturating_sub(workers);
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
    if each > WAITING { size } else { 0 }
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

/// An answer that is waited for no longer than its deadline.
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

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Doubles numbers; some of them never answer, some panic.
    struct Doubling {
        count: usize,
        hangs: fn(usize) -> bool,
        panics: fn(usize) -> bool,
        done: mpsc::Sender<Answers>,
    }

    type Answers = Vec<(usize, Result<usize, Lost>)>;

    impl Job for Doubling {
        type Answer = (usize, Result<usize, Lost>);
        const LEAST: usize = 1;

        fn count(&self) -> usize {
            self.count
        }

        fn work(&self, index: usize, _: &Pulse) -> Self::Answer {
            if (self.hangs)(index) {
                thread::park_timeout(Duration::from_mins(10));
            }
            assert!(!(self.panics)(index), "a fault of ours");
            (index, Ok(index * 2))
        }

        fn lost(&self, index: usize, why: Lost) -> Self::Answer {
            (index, Err(why))
        }

        fn done(&self, answers: Vec<Self::Answer>, _: &Worker) -> Fate {
            self.done.send(answers).unwrap();
            Fate::Free
        }
    }

    /// A busy machine is no reason to give anybody up.
    const PATIENT: Duration = Duration::from_mins(10);
    const SHORT: Duration = Duration::from_millis(500);

    fn nothing(_: usize) -> bool {
        false
    }

    fn double(job: impl FnOnce(mpsc::Sender<Answers>) -> Doubling, limits: Limits) -> Vec<Result<usize, Lost>> {
        let watch = Watch::start(1, limits).unwrap();
        let (done, answers) = mpsc::channel();
        let job = job(done);
        watch.crew(0).unwrap().push(Box::new(|worker| spread(job, worker)));
        let mut answers = answers.recv().unwrap();
        answers.sort_by_key(|(index, _)| *index);
        assert!(answers.iter().enumerate().all(|(place, (index, _))| place == *index));
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    #[test]
    fn every_thing_is_worked_on_once() {
        for workers in [1, 4] {
            for count in [0, 1, 2, 1000] {
                let job = |done| Doubling {
                    count,
                    hangs: nothing,
                    panics: nothing,
                    done,
                };
                let deadline = PATIENT;
                let answers = double(job, Limits { workers, deadline });
                assert_eq!(answers, (0..count).map(|index| Ok(index * 2)).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn what_hangs_is_given_up_and_costs_nothing_else() {
        for workers in [1, 4] {
            let job = |done| Doubling {
                count: 100,
                hangs: |index| index % 40 == 7,
                panics: nothing,
                done,
            };
            let answers = double(
                job,
                Limits {
                    workers,
                    deadline: SHORT,
                },
            );
            for (index, answer) in answers.into_iter().enumerate() {
                match index % 40 {
                    7 => assert!(matches!(answer, Err(Lost::NoAnswer(_)))),
                    _ => assert_eq!(answer, Ok(index * 2)),
                }
            }
        }
    }

    #[test]
    fn a_panic_costs_its_thing_only() {
        let job = |done| Doubling {
            count: 10,
            hangs: nothing,
            panics: |index| index == 3,
            done,
        };
        let answers = double(
            job,
            Limits {
                workers: 2,
                deadline: PATIENT,
            },
        );
        assert_eq!(answers[3], Err(Lost::Panicked));
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 9);
    }

    #[test]
    fn a_crew_without_any_answer_has_stalled() {
        let watch = Watch::start(
            2,
            Limits {
                workers: 8,
                deadline: SHORT,
            },
        )
        .unwrap();
        let (done, answers) = mpsc::channel();
        let job = |hangs| Doubling {
            count: 1000,
            hangs,
            panics: nothing,
            done: done.clone(),
        };
        let (dead, alive) = (job(|_| true), job(nothing));
        watch.crew(0).unwrap().push(Box::new(|worker| spread(dead, worker)));
        watch.crew(1).unwrap().push(Box::new(|worker| spread(alive, worker)));
        assert_eq!(answers.recv().unwrap().len(), 1000);
        while !watch.crew(0).unwrap().has_stalled() {
            thread::sleep(TICK);
        }
        assert!(!watch.crew(1).unwrap().has_stalled());
    }

    #[test]
    fn a_part_that_hangs_holds_up_no_other_even_for_one_worker() {
        let limits = Limits {
            workers: 1,
            deadline: SHORT,
        };
        let watch = Watch::start(1, limits).unwrap();
        let (done, answers) = mpsc::channel();
        let job = |count, hangs| Doubling {
            count,
            hangs,
            panics: nothing,
            done: done.clone(),
        };
        // Both lie on the stack when the worker comes to the one that hangs, the last one in.
        let (well, dead) = (job(1, nothing), job(1000, |_| true));
        watch.crew(0).unwrap().push(Box::new(|worker: &Worker| {
            worker.crew.push(Box::new(|worker| spread(well, worker)));
            worker.crew.push(Box::new(|worker| spread(dead, worker)));
            Fate::Free
        }));
        assert_eq!(answers.recv().unwrap().len(), 1, "the job that answers is done");
    }

    #[test]
    fn a_crew_grows_while_all_of_it_waits() {
        let watch = Watch::start(
            1,
            Limits {
                workers: 64,
                deadline: PATIENT,
            },
        )
        .unwrap();
        let (done, answers) = mpsc::channel();
        let job = Doubling {
            count: 2000,
            hangs: |_| {
                thread::sleep(Duration::from_millis(2));
                false
            },
            panics: nothing,
            done,
        };
        let crew = watch.crew(0).unwrap();
        crew.push(Box::new(|worker| spread(job, worker)));
        answers.recv().unwrap();
        assert_eq!(crew.size(), 64);
    }
}
