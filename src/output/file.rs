//! A file that is written to, and whose storage may die meanwhile.
//!
//! A thread that hangs in the kernel cannot be ended from outside, so every operation runs on a thread of its own and is
//! waited for no longer than a deadline. While a block is on its way the next one is made: at any time there are two. Every now and then what was
//! written is sent all the way to the storage, so that the last answer is not one for all of a large file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::Arc,
    time::Duration,
};

use crate::{
    crawl::workers::{Waiting, within},
    interrupt::Stop,
    volume::is_file,
};

/// Bytes that are handed over at a time.
const BLOCK_BYTES: usize = 1 << 20;

/// Blocks after which what was written is sent to the storage: slow storage takes them within a deadline.
const BLOCKS_UNSENT: usize = 32;

/// Asks the storage of an output, or of a file that was given, something, and waits for no answer longer than `deadline`.
///
/// # Errors
/// That of the question; `TimedOut` when there is no answer in time; and when the machine refuses a thread.
pub fn ask<T: Send + 'static>(
    deadline: Duration,
    question: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    answer(within(deadline, question)?, deadline)
}

fn answer<T>(waiting: Waiting<io::Result<T>>, deadline: Duration) -> io::Result<T> {
    waiting.wait().unwrap_or_else(|| {
        let text = format!("its storage gives no answer within {} s", deadline.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, text))
    })
}

/// A file that is written from its start to its end.
#[derive(Debug)]
pub struct OutputFile {
    /// `None` when it is closed, or its storage is not to be asked any more.
    file: Option<Arc<File>>,
    deadline: Duration,
    /// What waits to become a block.
    block: Vec<u8>,
    /// The block that is on its way.
    on_its_way: Option<Waiting<io::Result<()>>>,
    /// Blocks since the storage had all.
    unsent: usize,
    /// Who asks for the end of the run does not wait until what is written is on the disk.
    stop: Option<Stop>,
}

impl OutputFile {
    /// Writes on a file, from where it stands.
    pub(crate) fn new(file: File, deadline: Duration) -> Self {
        Self {
            file: Some(Arc::new(file)),
            deadline,
            block: Vec::new(),
            on_its_way: None,
            unsent: 0,
            stop: None,
        }
    }

    /// Nobody waits for the disk, but only until the system has what is written, once somebody asks for the end.
    pub(crate) fn hurrying(mut self, stop: Stop) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Creates a file that is not there yet. Whatever lies under its name, a link too, is left alone.
    ///
    /// # Errors
    /// When something lies there, it cannot be created, or there is no answer.
    pub(crate) fn create(path: &Path, deadline: Duration) -> io::Result<Self> {
        let path = path.to_owned();
        let file = ask(deadline, move || create_anew(&path))?;
        Ok(Self::new(file, deadline))
    }

    /// Asks something of the file when all that was written has arrived.
    ///
    /// # Errors
    /// Those of writing, and as [`ask`].
    pub(crate) fn ask<T: Send + 'static>(
        &mut self,
        question: impl FnOnce(&File) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        self.flush()?;
        let file = self.file()?;
        let asked = ask(self.deadline, move || question(&file));
        self.unless_dead(asked)
    }

    /// Closes the file, whole and on the disk when the answer is there.
    pub fn close(mut self) -> Closing {
        Closing {
            answer: self.send_to_disk(),
            deadline: self.deadline,
        }
    }

    fn send_to_disk(&mut self) -> io::Result<Waiting<io::Result<()>>> {
        self.flush()?;
        // Nobody else has it any more: it is closed there, which may take as long as writing does.
        let file = self.file.take().ok_or_else(gone)?;
        within(self.deadline, move || file.sync_all())
    }

    fn file(&self) -> io::Result<Arc<File>> {
        self.file.clone().ok_or_else(gone)
    }

    /// Sends the block on its way.
    fn send(&mut self) -> io::Result<()> {
        self.arrive()?;
        if self.block.is_empty() {
            return Ok(());
        }
        let file = self.file()?;
        let block = std::mem::take(&mut self.block);
        self.unsent = self.unsent.saturating_add(1);
        let is_hurried = self.stop.as_ref().is_some_and(Stop::is_asked);
        let is_much = self.unsent >= BLOCKS_UNSENT && !is_hurried;
        if is_much {
            self.unsent = 0;
        }
        self.on_its_way = Some(within(self.deadline, move || {
            (&*file).write_all(&block)?;
            if is_much { file.sync_data() } else { Ok(()) }
        })?);
        Ok(())
    }

    /// Waits until the block that is on its way has arrived.
    fn arrive(&mut self) -> io::Result<()> {
        let arrived = self
            .on_its_way
            .take()
            .map_or(Ok(()), |block| answer(block, self.deadline));
        self.unless_dead(arrived)
    }

    /// Storage that gave no answer is not asked again, not even to close the file: the end of the process does that.
    fn unless_dead<T>(&mut self, answer: io::Result<T>) -> io::Result<T> {
        if answer.as_ref().is_err_and(is_no_answer) {
            std::mem::forget(self.file.take());
        }
        answer
    }
}

/// A file that is on its way to the disk, or that could not be sent there.
#[derive(Debug)]
#[must_use]
pub struct Closing {
    answer: io::Result<Waiting<io::Result<()>>>,
    deadline: Duration,
}

impl Closing {
    /// Waits until the file is on the disk.
    ///
    /// # Errors
    /// When not all that was written has arrived there.
    pub fn arrive(self) -> io::Result<()> {
        answer(self.answer?, self.deadline)
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.len() >= BLOCK_BYTES {
            self.send()?;
        }
        if self.block.capacity() == 0 {
            self.block.reserve_exact(BLOCK_BYTES);
        }
        let room = BLOCK_BYTES.saturating_sub(self.block.len());
        let (taken, _) = bytes.split_at(room.min(bytes.len()));
        self.block.extend_from_slice(taken);
        Ok(taken.len())
    }

    /// All that was written has arrived, though perhaps not on the disk.
    fn flush(&mut self) -> io::Result<()> {
        self.send()?;
        self.arrive()
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        let _ = self.arrive();
        if let Some(file) = self.file.take() {
            // To close a file may take as long as to write it.
            let _ = ask(self.deadline, move || {
                drop(file);
                Ok(())
            });
        }
    }
}

/// Standard output where it is a file, whose storage may die as that of any other: a writer with this deadline, which hurries for
/// who asks for the end. `None` where it is none, for a reader of a pipe and a terminal may take their time.
///
/// # Errors
/// When nobody can tell what it is, or there is no answer.
pub fn standard_output(deadline: Duration, stop: Stop) -> io::Result<Option<OutputFile>> {
    let stdout = io::stdout();
    #[cfg(unix)]
    let own = std::os::fd::AsFd::as_fd(&stdout).try_clone_to_owned();
    #[cfg(windows)]
    let own = std::os::windows::io::AsHandle::as_handle(&stdout).try_clone_to_owned();
    // There is none: it was closed.
    let Ok(own) = own else { return Ok(None) };
    let file = File::from(own);
    let file = ask(deadline, move || Ok(is_file(&file)?.then_some(file)))?;
    Ok(file.map(|file| OutputFile::new(file, deadline).hurrying(stop)))
}

/// True when the storage gave no answer.
pub(crate) fn is_no_answer(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut
}

fn gone() -> io::Error {
    io::Error::other("its storage gave no answer before")
}

pub(super) fn create_anew(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
