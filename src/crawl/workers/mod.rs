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

mod ask;
mod crew;
mod job;
mod watch;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use self::{
    ask::{Waiting, within},
    crew::{Crew, Fate, Lost, Pulse, Task, Work, Worker},
    job::{Job, once, spread},
    watch::{Limits, MOST_WORKERS, Watch},
};

/// Locks; what a thread that panicked left is as good as any.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread, time::Duration};

    use super::{watch::TICK, *};

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

    /// Busy threads are not waiting ones, and neither are those that wait for a core.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_crew_does_not_grow_where_the_work_is_slow_for_want_of_cores() {
        let limits = Limits {
            workers: 64,
            deadline: PATIENT,
        };
        let watch = Watch::start(1, limits).unwrap();
        let (done, answers) = mpsc::channel();
        let job = Doubling {
            count: 500,
            hangs: |_| {
                let begun = std::time::Instant::now();
                while begun.elapsed() < Duration::from_millis(1) {
                    std::hint::spin_loop();
                }
                false
            },
            panics: nothing,
            done,
        };
        let crew = watch.crew(0).unwrap();
        let before = crew.size();
        crew.push(Box::new(|worker| spread(job, worker)));
        answers.recv().unwrap();
        assert_eq!(crew.size(), before);
    }
}
