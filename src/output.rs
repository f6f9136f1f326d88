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
    sync::{Mutex, PoisonError},
};

use crate::{
    error::{ErrorKind, Result, ToolError},
    place,
};

/// The file that is half written just now.
static HALF_WRITTEN: Mutex<Option<PathBuf>> = Mutex::new(None);

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
    *lock() = None;
    written.map_err(failed)
}

/// Takes away what is half written and keeps anything more from being written. For the handler of an interrupt, which
/// ends the process next.
pub fn abandon() {
    let guard = lock();
    if let Some(path) = guard.as_ref() {
        // The process ends; there is nobody left to tell.
        let _ = std::fs::remove_file(path);
    }
    std::mem::forget(guard);
}

fn lock() -> std::sync::MutexGuard<'static, Option<PathBuf>> {
    HALF_WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn half_written_name(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.partial", std::process::id()));
    place::folder_of(path).join(name)
}

fn create(half: &Path) -> io::Result<File> {
    let mut current = lock();
    let file = OpenOptions::new().write(true).create_new(true).open(half)?;
    *current = Some(half.to_owned());
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
