//! Where a file that is yet to be written would lie: inside a root or not, whatever links and mounts stand between.
//!
//! Two answers are asked for, and one "inside" is enough: by name (absolute, `.` and `..` taken out), and by walking
//! from the folder of the file up to the top, comparing device and inode of every folder with those of the root. The
//! second sees through symbolic links and through a mount of the root under another name. Nothing is created.

use std::{
    io,
    path::{Component, Path, PathBuf},
    time::Duration,
};

use crate::{crawl::workers::within, volume::identity};

/// Folders above one another: beyond this something goes in circles.
const DEPTH_MAX: usize = 4096;

/// The folder that a file is written to.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Roots, with what tells them from other folders.
#[derive(Debug, Default)]
pub struct Roots(Vec<Root>);

#[derive(Debug)]
struct Root {
    path: PathBuf,
    /// Device and inode; `None` for a root that is not on this machine (a saved catalogue) or gives no answer.
    identity: io::Result<Option<(u64, u64)>>,
    /// The same as they were when it was collected on this machine.
    before: Option<(u64, u64)>,
}

/// A root that a saved file tells of.
#[derive(Debug)]
pub(crate) struct Told {
    /// Where it lies if it lies on this machine.
    pub(crate) path: PathBuf,
    /// Device and inode when it was collected, where that was on this machine.
    pub(crate) identity: Option<(u64, u64)>,
}

impl Roots {
    /// Asks for what tells them apart, all at once, and waits for no answer longer than `deadline`.
    ///
    /// A root that gives none lies above no folder that does, so a file is inside it by name only.
    pub fn ask<'a>(paths: impl IntoIterator<Item = &'a Path>, deadline: Duration) -> Self {
        Self::ask_within(paths.into_iter().map(|path| (path, deadline)))
    }

    /// The same with a deadline for each.
    pub(crate) fn ask_within<'a>(paths: impl IntoIterator<Item = (&'a Path, Duration)>) -> Self {
        let told = |(path, deadline): (&Path, _)| {
            let path = path.to_owned();
            (Told { path, identity: None }, deadline)
        };
        Self::ask_each(paths.into_iter().map(told))
    }

    /// The same of roots that saved files tell of.
    pub(crate) fn ask_told(roots: impl IntoIterator<Item = Told>, deadline: Duration) -> Self {
        Self::ask_each(roots.into_iter().map(|root| (root, deadline)))
    }

    fn ask_each(roots: impl Iterator<Item = (Told, Duration)>) -> Self {
        let asked: Vec<_> = roots
            .map(|(root, deadline)| {
                let here = root.path.clone();
                (root, within(deadline, move || identity_here(&here)))
            })
            .collect();
        let answered = |(root, asked): (Told, io::Result<crate::crawl::workers::Waiting<_>>)| {
            let identity = asked.and_then(|answer| answer.wait().unwrap_or(Ok(None)));
            Root {
                before: root
                    .identity
                    .filter(|before| !is_mounted_anew(&root.path, &identity, *before)),
                path: root.path,
                identity,
            }
        };
        Self(asked.into_iter().map(answered).collect())
    }

    /// The root inside which a file written to `path` would lie.
    ///
    /// # Errors
    /// When the current folder, or a folder above the file that exists, cannot be asked, or a root refuses to tell.
    pub(crate) fn around(&self, path: &Path) -> io::Result<Option<&Path>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let above = above(folder_of(path))?;
        let path = normal(path)?;
        for root in &self.0 {
            let identity = match &root.identity {
                Ok(identity) => *identity,
                Err(error) => return Err(io::Error::new(error.kind(), error.to_string())),
            };
            let mut known = identity.into_iter().chain(root.before);
            if path.starts_with(normal(&root.path)?) || known.any(|identity| above.contains(&identity)) {
                return Ok(Some(&root.path));
            }
        }
        Ok(None)
    }
}

/// True when the root lies on another device now than it did: device numbers are given anew with every mount, so what was
/// noted may be those of any folder.
fn is_mounted_anew(path: &Path, now: &io::Result<Option<(u64, u64)>>, before: (u64, u64)) -> bool {
    path.is_absolute() && matches!(now, Ok(Some((device, _))) if *device != before.0)
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

fn is_same_folder(a: &Path, b: &Path) -> bool {
    matches!((identity(a), identity(b)), (Ok(Some(a)), Ok(Some(b))) if a == b)
}

/// The identity of a folder that may be one of another machine.
fn identity_here(path: &Path) -> io::Result<Option<(u64, u64)>> {
    match identity(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        answer => answer,
    }
}

/// A folder and those above it: walks up by `..`, which Unix resolves physically, until the top is its own parent.
fn above(folder: &Path) -> io::Result<Vec<(u64, u64)>> {
    let mut place = folder.to_owned();
    let mut above: Vec<(u64, u64)> = Vec::new();
    while above.len() < DEPTH_MAX {
        let Some(here) = identity(&place)? else {
            // From here on only names tell.
            return Ok(above);
        };
        if above.last() == Some(&here) {
            return Ok(above);
        }
        above.push(here);
        place.push("..");
    }
    Err(io::Error::other("too many folders above one another"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_inside(path: &Path, root: &Path) -> io::Result<bool> {
        let roots = Roots::ask([root], Duration::from_mins(10));
        Ok(roots.around(path)?.is_some())
    }

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
