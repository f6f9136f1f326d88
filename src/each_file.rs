//! One piece of work for each of many files, after the crawl: on the crews of their devices, with the deadline that a crawl
//! has, until the user has had enough. A file without an answer holds up no other.

use std::{collections::BTreeMap, io, sync::mpsc};

use crate::{
    collect::{CollectOptions, LOOK_UP, no_threads},
    crawl::workers::{Fate, Limits, Watch, Worker},
    error::Result,
};

/// The work on one file; it ends with what it says to its [`Told`].
pub(crate) type Task = Box<dyn FnOnce(&Worker) -> Fate + Send>;

/// Where the work on one file says what came of it.
#[derive(Debug)]
pub(crate) struct Told<T> {
    index: usize,
    sender: mpsc::Sender<(usize, io::Result<T>)>,
}

impl<T> Clone for Told<T> {
    fn clone(&self) -> Self {
        Self {
            index: self.index,
            sender: self.sender.clone(),
        }
    }
}

impl<T> Told<T> {
    /// The last word on the file.
    pub(crate) fn end(&self, answer: io::Result<T>) -> Fate {
        // The receiver is gone only when the run was given up.
        let _ = self.sender.send((self.index, answer));
        Fate::Free
    }
}

/// Does the work on files of these devices: for each what came of it, or why nothing did. `undone` is how a sentence on work
/// that was not done begins; `task` gives none for a file that has no path on this machine.
///
/// # Errors
/// When the machine refuses threads.
pub(crate) fn each_file<T>(
    devices: &[u64],
    most_workers: usize,
    options: &CollectOptions,
    undone: &str,
    mut task: impl FnMut(usize, Told<T>) -> Option<Task>,
) -> Result<Vec<Outcome<T>>> {
    let mut crews = BTreeMap::new();
    for device in devices {
        let number = crews.len();
        crews.entry(*device).or_insert(number);
    }
    let limits = Limits {
        workers: options.threads.unwrap_or(most_workers).max(1),
        deadline: options.io_timeout,
    };
    let watch = Watch::start(crews.len(), limits).map_err(no_threads)?;
    let crew = |index: usize| watch.crew(*crews.get(devices.get(index)?)?);
    let (sender, receiver) = mpsc::channel();
    let mut outcomes = Outcomes {
        open: devices.len(),
        all: devices.iter().map(|_| None).collect(),
    };
    for index in (0..devices.len()).rev() {
        let told = Told {
            index,
            sender: sender.clone(),
        };
        match (task(index, told), crew(index)) {
            (Some(task), Some(crew)) => crew.push(task),
            _ => outcomes.give(index, Err(Undone::failed("has no path on this machine".to_owned()))),
        }
    }
    drop(sender);
    let has_stalled = |index: usize| crew(index).is_none_or(|crew| crew.has_stalled());
    while outcomes.open > 0 {
        let at_rest = watch.is_at_rest();
        if let Ok((index, answer)) = receiver.recv_timeout(LOOK_UP) {
            outcomes.answer(index, answer);
            if !options.stop.is_asked() {
                continue;
            }
        }
        // What has answered by now was asked.
        for (index, answer) in receiver.try_iter() {
            outcomes.answer(index, answer);
        }
        for index in 0..devices.len() {
            let why = match (options.stop.is_asked(), has_stalled(index), at_rest) {
                (true, _, _) => Undone::interrupted(undone),
                (false, true, _) => Undone::failed(format!("{undone}: the storage gives no answer")),
                (false, false, true) => {
                    Undone::failed("panicked: please report this file, it shows a fault of derelict".to_owned())
                }
                (false, false, false) => continue,
            };
            outcomes.give(index, Err(why));
        }
    }
    Ok(outcomes.all.into_iter().flatten().collect())
}

/// What came of the work on a file, or why nothing did.
pub(crate) type Outcome<T> = std::result::Result<T, Undone>;

/// Why nothing came of the work on a file.
#[derive(Debug, Clone)]
pub(crate) struct Undone {
    /// In words.
    pub(crate) why: String,
    /// The user had enough before it was done; else it failed.
    pub(crate) is_interrupted: bool,
}

impl Undone {
    /// `undone` is how the sentence begins.
    pub(crate) fn interrupted(undone: &str) -> Self {
        Self {
            why: format!("{undone}: the scan was interrupted"),
            is_interrupted: true,
        }
    }

    fn failed(why: String) -> Self {
        Self {
            why,
            is_interrupted: false,
        }
    }
}

/// What is known so far.
struct Outcomes<T> {
    /// Of how many files nothing is known.
    open: usize,
    all: Vec<Option<Outcome<T>>>,
}

impl<T> Outcomes<T> {
    fn answer(&mut self, index: usize, answer: io::Result<T>) {
        self.give(index, answer.map_err(|error| Undone::failed(error.to_string())));
    }

    /// The first word on a file counts.
    fn give(&mut self, index: usize, outcome: Outcome<T>) {
        if let Some(place @ None) = self.all.get_mut(index) {
            *place = Some(outcome);
            self.open = self.open.saturating_sub(1);
        }
    }
}
