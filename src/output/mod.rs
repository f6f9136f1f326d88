//! Writing the files that derelict was told to write: whole or not at all.
//!
//! A file is written beside its place under a hidden name and renamed when it is complete, so that nobody meets half a
//! report and an existing file survives a failure. Its storage has a deadline for every answer ([`OutputFile`]).
//! [`abandon`] takes away what is half written when the run is interrupted.

mod file;
mod messages;

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;

use self::file::create_anew;
pub(crate) use self::file::is_no_answer;
pub use self::{
    file::{Closing, OutputFile, ask, standard_output},
    messages::Messages,
};
use crate::{
    crawl::workers::{lock, within},
    error::{ErrorKind, Result, ToolError},
    interrupt::Stop,
    place,
};

/// The files that are half written just now, or whole and not in their place.
static HALVES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Nothing is to be written any more.
static ABANDONED: AtomicBool = AtomicBool::new(false);

/// Files that are whole.
static WHOLE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// How long what is half written may take to vanish when the process ends or its storage is dead.
const MOMENT: Duration = Duration::from_secs(1);

/// Lets a file that grows beyond the limit of this process (`ulimit -f`) be an error of writing, as a full disk is. By default
/// the system ends the process without a word, and what is half written stays.
pub fn take_limits_as_errors() {
    #[cfg(unix)]
    {
        let noted = std::sync::Arc::new(AtomicBool::new(false));
        // Where it cannot be caught all stays as the system has it.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, noted);
    }
}

/// How files are written.
#[derive(Debug, Clone)]
pub struct Manner {
    /// A file that is there already is replaced, whenever it came.
    pub force: bool,
    /// Longest wait for one answer of the storage.
    pub deadline: Duration,
    /// Who asks for the end finds the file in its place as soon as the system has all of it. Otherwise the disk has it first, so
    /// that what lay in the place before survives a loss of power.
    pub stop: Stop,
}

/// A file that is whole and in its place.
#[derive(Debug)]
#[must_use]
pub struct Written {
    path: PathBuf,
    /// It may not be on the disk yet.
    closing: Option<Closing>,
}

impl Written {
    /// Waits until the file is on the disk.
    ///
    /// # Errors
    /// When it is not.
    pub fn arrive(self) -> Result<()> {
        self.closing.map_or(Ok(()), Closing::arrive).map_err(|error| {
            ToolError::at(
                ErrorKind::Output,
                &self.path,
                "is in its place, but not whole on the disk",
            )
            .because(error)
        })
    }
}

/// A file that is written and not yet in its place. Where it never comes there it is taken away.
#[derive(Debug)]
#[must_use]
pub struct Half<'a> {
    path: PathBuf,
    /// Where it is; `None` once it is in its place.
    lies: Option<PathBuf>,
    /// Until the disk has it.
    file: Option<OutputFile>,
    manner: &'a Manner,
    /// How long it may take to vanish.
    patience: Duration,
}

impl<'a> Half<'a> {
    /// Writes one file through `write`.
    ///
    /// # Errors
    /// When the file cannot be created or written.
    pub fn write(
        path: &Path,
        manner: &'a Manner,
        write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> Result<Self> {
        let (half, file) = create(path, manner).map_err(|error| cannot_be_written(path, error))?;
        let mut written = Self {
            path: path.to_owned(),
            lies: Some(half),
            file: Some(file),
            manner,
            patience: manner.deadline,
        };
        let filled = written.fill(write);
        written.checked(filled)?;
        Ok(written)
    }

    /// The system has all that was written, and the disk too unless somebody hurries.
    fn fill(&mut self, write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        write(file)?;
        file.flush()?;
        if self.manner.stop.is_asked() {
            return Ok(());
        }
        // Some file systems (FUSE) rename no file while it is on its way to the disk.
        self.file.take().map_or(Ok(()), |file| file.close().arrive())
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// When it cannot be renamed, or something came to lie there and is not to be replaced.
    pub fn put(mut self) -> Result<Written> {
        let half = self.lies.clone().unwrap_or_default();
        let put = put_in_place(&half, &self.path, self.manner.force, self.manner.deadline);
        self.checked(put)?;
        self.lies = None;
        forget(&half);
        lock(&WHOLE).push(self.path.clone());
        Ok(Written {
            path: self.path.clone(),
            closing: self.file.take().map(OutputFile::close),
        })
    }

    fn checked(&mut self, done: io::Result<()>) -> Result<()> {
        if done.as_ref().is_err_and(is_no_answer) {
            self.patience = MOMENT;
        }
        done.map_err(|error| cannot_be_written(&self.path, error))
    }
}

impl Drop for Half<'_> {
    fn drop(&mut self) {
        let Some(half) = self.lies.take() else { return };
        drop(self.file.take());
        let path = half.clone();
        if ask(self.patience, move || std::fs::remove_file(path)).is_ok() {
            forget(&half);
        }
    }
}

fn cannot_be_written(path: &Path, error: io::Error) -> ToolError {
    ToolError::at(ErrorKind::Output, path, "cannot be written").because(error)
}

/// It is half written no more.
fn forget(half: &Path) {
    lock(&HALVES).retain(|noted| noted != half);
}

/// Writes one file through `write` and puts it in its place.
///
/// # Errors
/// When the file cannot be created, written or put in its place.
pub fn write_file(
    path: &Path,
    manner: &Manner,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<Written> {
    Half::write(path, manner, write)?.put()
}

/// Takes away what is half written, and what somebody is about to create. For the handler of an interrupt, which ends the process
/// next. Gives the files that are whole.
pub fn abandon() -> Vec<PathBuf> {
    ABANDONED.store(true, Ordering::SeqCst);
    let halves = lock(&HALVES).clone();
    // Where the storage of one is dead it stays, and costs the others nothing. There is nobody left to tell.
    let going = halves
        .into_iter()
        .map(|half| within(MOMENT, move || std::fs::remove_file(half)));
    for gone in going.collect::<Vec<_>>().into_iter().flatten() {
        let _ = gone.wait();
    }
    lock(&WHOLE).clone()
}

/// Waits for the end of the process where that has been decided: what fails because everything was abandoned is no error of the run.
pub fn wait_if_abandoned() {
    while ABANDONED.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

/// Opens, to write on, a file that an earlier run left: a regular file without other names, and never through a link. What a
/// link or another name leads to may be a file of a datastore.
///
/// # Errors
/// `InvalidInput` for anything else, and what the operating system says.
pub(crate) fn open_own(path: &Path) -> io::Result<File> {
    let refuse = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    }
    // Asked before: to open a device or FIFO is an act of its own.
    if !std::fs::symlink_metadata(path)?.is_file() {
        return refuse(NOT_OWN);
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return refuse(NOT_OWN);
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&metadata) > 1 {
        return refuse("it has another name (a hard link), which may be one in a datastore; remove it");
    }
    Ok(file)
}

/// Why nothing is written to what is no file.
pub(crate) const NOT_OWN: &str =
    "it is a link or another thing that is no regular file, and nothing is written through it; remove it";

/// Creates a file to write for this path. It is noted first, so that an interrupt finds it, unless its storage has yet to answer.
fn create(path: &Path, manner: &Manner) -> io::Result<(PathBuf, OutputFile)> {
    let half = half_name(path);
    lock(&HALVES).push(half.clone());
    let place = half.clone();
    let created = ask(manner.deadline, move || {
        let file = create_anew(&place)?;
        if ABANDONED.load(Ordering::SeqCst) {
            std::fs::remove_file(place)?;
        }
        Ok(file)
    });
    if created.as_ref().is_err_and(|error| !is_no_answer(error)) {
        forget(&half);
    }
    let file = OutputFile::new(created?, manner.deadline);
    Ok((half, file.hurrying(manner.stop.clone())))
}

/// A name in the folder of the file that nothing else has, and that is not too long wherever that of the file is not: in a container every
/// run has the same process number.
fn half_name(path: &Path) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let moment = Timestamp::now().as_nanosecond();
    let name = format!(".derelict-{}-{moment}-{number}.partial", std::process::id());
    place::folder_of(path).join(name)
}

/// Renames a complete file to its place. Without `force` a file that has come to be there is left alone.
///
/// # Errors
/// When something lies there, it cannot be renamed, or there is no answer before the deadline.
pub(crate) fn put_in_place(half: &Path, path: &Path, force: bool, deadline: Duration) -> io::Result<()> {
    let (half, path) = (half.to_owned(), path.to_owned());
    ask(deadline, move || {
        if !force && std::fs::symlink_metadata(&path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        std::fs::rename(half, path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manner(force: bool, stop: &Stop) -> Manner {
        Manner {
            force,
            deadline: Duration::from_mins(10),
            stop: stop.clone(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    // One test: the tests of a process share the record of what is half written.
    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let stop = Stop::default();
        let length = || std::fs::metadata(&path).unwrap().len();
        let write = |force: bool, text: &[u8]| {
            let written = write_file(&path, &manner(force, &stop), |out| out.write_all(text));
            written.and_then(Written::arrive)
        };
        write(false, b"first").unwrap();
        assert_eq!(length(), 5);

        let error = write(false, b"second").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Output);
        assert_eq!(length(), 5, "the existing file is left alone");

        write_file(&path, &manner(true, &stop), |_| Err(io::Error::other("disk full"))).unwrap_err();
        assert_eq!(length(), 5, "the existing file survives a failure");

        write(true, b"second").unwrap();
        assert_eq!(length(), 6);

        stop.finish();
        stop.ask();
        let error = write(false, b"the third").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Output);
        let written = write_file(&path, &manner(true, &stop), |out| out.write_all(b"the third")).unwrap();
        assert_eq!(length(), 9, "before the disk has it");
        written.arrive().unwrap();
        assert_eq!(names(folder.path()), ["a.json"], "nothing else is left");
    }
}
