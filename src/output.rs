//! Writing the files that derelict was told to write: whole or not at all.
//!
//! A file is written beside its place under a hidden name and renamed when it is complete, so that nobody meets half a
//! report and an existing file survives a failure. [`abandon`] takes away what is half written when the run is
//! interrupted.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    error::{ErrorKind, Result, ToolError},
    place,
};

/// What is written.
#[derive(Debug)]
struct Record {
    /// The file that is half written just now.
    half: Option<PathBuf>,
    /// Files that are whole.
    whole: Vec<PathBuf>,
}

static RECORD: Mutex<Record> = Mutex::new(Record {
    half: None,
    whole: Vec::new(),
});

/// Lets a file that grows beyond the limit of this process (`ulimit -f`) be an error of writing, as a full disk is. By default
/// the system ends the process without a word, and what is half written stays.
pub fn take_limits_as_errors() {
    #[cfg(unix)]
    {
        let noted = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        // Where it cannot be caught all stays as the system has it.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, noted);
    }
}

/// Writes one file through `write`. Without `force` a file that has come to be there meanwhile is left alone.
///
/// # Errors
/// When the file cannot be created, written or put in its place.
pub fn write_file(path: &Path, force: bool, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let failed = |error: io::Error| ToolError::at(ErrorKind::Output, path, "cannot be written").because(error);
    let half = half_written_name(path);
    let file = create(&half).map_err(failed)?;
    let written = fill(file, write).and_then(|()| put_in_place(&half, path, force));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&half);
    }
    let mut record = lock();
    record.half = None;
    if written.is_ok() {
        record.whole.push(path.to_owned());
    }
    drop(record);
    written.map_err(failed)
}

/// Takes away what is half written and keeps anything more from being written. For the handler of an interrupt, which
/// ends the process next. Gives the files that are whole.
pub fn abandon() -> Vec<PathBuf> {
    let guard = lock();
    if let Some(path) = &guard.half {
        // The process ends; there is nobody left to tell.
        let _ = std::fs::remove_file(path);
    }
    let whole = guard.whole.clone();
    std::mem::forget(guard);
    whole
}

fn lock() -> MutexGuard<'static, Record> {
    RECORD.lock().unwrap_or_else(PoisonError::into_inner)
}

fn half_written_name(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.partial", std::process::id()));
    place::folder_of(path).join(name)
}

/// Creates a file that is not there yet. Whatever lies under its name, a link too, is left alone.
///
/// # Errors
/// When something lies there, or it cannot be created.
pub(crate) fn create_anew(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
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

fn create(half: &Path) -> io::Result<File> {
    let mut current = lock();
    let file = create_anew(half)?;
    current.half = Some(half.to_owned());
    Ok(file)
}

fn fill(file: File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    write(&mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// Renames a complete file to its place. Without `force` a file that has come to be there is left alone.
///
/// # Errors
/// When something lies there, or it cannot be renamed.
pub(crate) fn put_in_place(half: &Path, path: &Path, force: bool) -> io::Result<()> {
    if !force && std::fs::symlink_metadata(path).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    std::fs::rename(half, path)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        write_file(&path, false, |out| out.write_all(b"first")).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 5);

        let error = write_file(&path, false, |out| out.write_all(b"second")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Output);
        assert_eq!(
            std::fs::metadata(&path).unwrap().len(),
            5,
            "the existing file is left alone"
        );

        write_file(&path, true, |_| Err(io::Error::other("disk full"))).unwrap_err();
        assert_eq!(
            std::fs::metadata(&path).unwrap().len(),
            5,
            "the existing file survives a failure"
        );

        write_file(&path, true, |out| out.write_all(b"second")).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 6);
        assert_eq!(names(folder.path()), ["a.json"], "nothing else is left");
    }
}
