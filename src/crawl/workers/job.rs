//! Work on many small things, shared among the workers of a crew.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    crew::{Crew, Fate, Lost, Pulse, Work, Worker},
    lock,
};

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

/// Answers that room is made for at once: more than nearly every folder has files.
const MOST_RESERVED: usize = 1 << 10;

/// Works on everything in a job: here, and on any worker that has nothing else to do.
pub(crate) fn spread<J: Job>(job: J, worker: &Worker) -> Fate {
    let rest = Span {
        current: None,
        next: 0,
        end: job.count(),
        answers: Vec::with_capacity(job.count().min(MOST_RESERVED)),
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
    #[inline]
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
        if answers.is_empty() {
            *answers = mine;
        } else {
            answers.extend(mine);
        }
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
