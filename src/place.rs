//! Where a file that is yet to be written would lie: inside a root or not, whatever links and mounts stand between.
//!
//! Two answers are asked for, and one "inside" is enough: by name (absolute, `.` and `..` taken out), and by walking
//! from the folder of the file up to the top, comparing device and inode of every folder with those of the root. The
//! second sees through symbolic links and through a mount of the root under another name. Nothing is created.

use std::{
    io,
    path::{Component, Path, PathBuf},
};

/// Folders above one another: beyond this something goes in circles.
#[cfg(unix)]
const DEPTH_MAX: usize = 4096;

/// The folder that a file is written to.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// True when a file written to `path` would lie inside the folder `root`.
///
/// # Errors
/// When the current folder, or a folder above the file that exists, cannot be asked.
pub(crate) fn is_inside(path: &Path, root: &Path) -> io::Result<bool> {
    Ok(normal(path)?.starts_with(normal(root)?) || is_below(folder_of(path), root)?)
}

/// True when two paths name one place.
pub(crate) fn is_same(a: &Path, b: &Path) -> bool {
    let by_name = matches!((normal(a), normal(b)), (Ok(a), Ok(b)) if a == b);
    by_name || (a.file_name() == b.file_name() && is_same_folder(folder_of(a), folder_of(b)))
}

/// Asks whether files can be created in a folder, without creating one.
///
/// # Errors
/// When they cannot, or it is no folder.
pub(crate) fn check_writable(folder: &Path) -> io::Result<()> {
    if !std::fs::metadata(folder)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    #[cfg(unix)]
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?;
    Ok(())
}

/// Absolute, with `.` and `..` taken out by name alone.
fn normal(path: &Path) -> io::Result<PathBuf> {
    let mut normal = PathBuf::new();
    for component in std::path::absolute(path)?.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    Ok(normal)
}

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(unix)]
fn is_same_folder(a: &Path, b: &Path) -> bool {
    matches!((identity(a), identity(b)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(not(unix))]
fn is_same_folder(_: &Path, _: &Path) -> bool {
    false
}

/// Walks up by `..`, which the kernel resolves physically, until the top is its own parent.
#[cfg(unix)]
fn is_below(folder: &Path, root: &Path) -> io::Result<bool> {
    let root = match identity(root) {
        Ok(identity) => identity,
        // A root of another machine (a saved catalogue) is not here.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut place = folder.to_owned();
    let mut last = None;
    for _ in 0..DEPTH_MAX {
        let here = identity(&place)?;
        if here == root {
            return Ok(true);
        }
        if last == Some(here) {
            return Ok(false);
        }
        last = Some(here);
        place.push("..");
    }
    Err(io::Error::other("too many folders above one another"))
}

#[cfg(not(unix))]
fn is_below(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_below_the_root_is_inside_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("sub")).unwrap();
        for (path, inside) in [
            ("root/a.json", true),
            ("root/sub/a.json", true),
            ("root/sub/../a.json", true),
            ("sub/../root/a.json", true),
            ("root/../a.json", false),
            ("a.json", false),
            ("root.json", false),
        ] {
            std::fs::create_dir_all(folder.path().join("sub")).unwrap();
            assert_eq!(is_inside(&folder.path().join(path), &root).unwrap(), inside, "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_hide_that_a_file_is_inside() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("sub")).unwrap();
        symlink(root.join("sub"), folder.path().join("out")).unwrap();
        symlink(&root, folder.path().join("alias")).unwrap();
        let output = folder.path().join("out/a.json");
        assert!(
            is_inside(&output, &root).unwrap(),
            "the folder of the output is a link into the root"
        );
        assert!(
            is_inside(&root.join("sub/a.json"), &folder.path().join("alias")).unwrap(),
            "the root is a link"
        );
        assert!(
            is_inside(&folder.path().join("alias/a.json"), &root).unwrap(),
            "one root under two names"
        );
    }

    #[cfg(unix)]
    #[test]
    fn two_names_of_one_place_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("a"), folder.path().join("b")).unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(is_same(&at("a/x.json"), &at("b/x.json")));
        assert!(is_same(&at("a/x.json"), &at("a/../a/./x.json")));
        assert!(!is_same(&at("a/x.json"), &at("a/y.json")));
    }

    #[test]
    fn a_root_of_another_machine_holds_nothing_here() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_inside(&folder.path().join("a.json"), Path::new("/no/such/root")).unwrap());
    }
}
