//! What the user meant: the command line resolved and validated once, before any work starts.
//!
//! Everything that can be refused is refused here: roots that are not there, outputs that exist, that have an unknown
//! extension, or that lie inside a root. What comes out is taken as it is by everything below.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    catalogue::partial_name,
    collect::RootArgument,
    crawl::workers::{Waiting, within},
    error::{ErrorKind, Result, ToolError},
    output::NOT_OWN,
    place::{self, Roots},
    report::Format,
    sanitize,
};

/// Extension of a saved catalogue.
pub const CATALOGUE_EXTENSION: &str = "catalogue";

/// A file to write a report to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Where.
    pub path: PathBuf,
    /// In which form.
    pub format: Format,
}

/// Reads the ROOT arguments. One whose storage gives no answer before the deadline is taken for what it says: the crawl will
/// name it.
///
/// # Errors
/// When one is not a folder, or has an empty alias.
pub fn roots(arguments: &[OsString], deadline: Duration) -> Result<Vec<RootArgument>> {
    let exist = ask_all(arguments, deadline, |argument| {
        std::fs::symlink_metadata(argument).is_ok()
    })?;
    let mut roots: Vec<RootArgument> = arguments
        .iter()
        .zip(exist)
        .map(|(argument, exists)| root(argument, exists))
        .collect::<Result<_>>()?;
    let are_folders = ask_all(&roots, deadline, |root| {
        (!root.is_silent).then(|| check_folder(&root.path)).transpose()
    })?;
    for (root, is_folder) in roots.iter_mut().zip(are_folders) {
        let has_answered = matches!(is_folder.transpose()?, Some(Some(())));
        root.is_silent = !has_answered;
    }
    Ok(roots)
}

/// Asks the same of several things, all at once. `None` where there is no answer before the deadline.
fn ask_all<T: Clone + Send + 'static, A: Send + 'static>(
    things: &[T],
    deadline: Duration,
    ask: fn(&T) -> A,
) -> Result<Vec<Option<A>>> {
    let asked = things
        .iter()
        .cloned()
        .map(|thing| within(deadline, move || ask(&thing)));
    let asked: Vec<_> = asked
        .collect::<std::io::Result<_>>()
        .map_err(|error| ToolError::new(ErrorKind::System, "threads cannot be started").because(error))?;
    Ok(asked.into_iter().map(Waiting::wait).collect())
}

/// An argument that exists as a path is a path, and so is one of which nobody says whether it does; otherwise the last `=` divides,
/// and commas divide the aliases.
fn root(argument: &OsStr, exists: Option<bool>) -> Result<RootArgument> {
    let whole = Path::new(argument);
    let folder = |path: &Path, aliases| RootArgument {
        path: path.to_owned(),
        aliases,
        is_silent: exists.is_none(),
    };
    if exists.unwrap_or(true) {
        return Ok(folder(whole, Vec::new()));
    }
    let Some((aliases, path)) = split_at_last_equals(argument) else {
        return Ok(folder(whole, Vec::new()));
    };
    let aliases = aliases
        .to_str()
        .ok_or_else(|| ToolError::at(ErrorKind::Usage, whole, "an alias has to be Unicode"))?;
    let aliases: Vec<String> = aliases.split(',').map(|alias| alias.trim().to_owned()).collect();
    if aliases.iter().any(String::is_empty) {
        return Err(ToolError::at(
            ErrorKind::Usage,
            whole,
            "an alias before the `=` is empty",
        ));
    }
    if path.is_empty() {
        return Err(ToolError::at(
            ErrorKind::Usage,
            whole,
            "the path behind the `=` is empty",
        ));
    }
    Ok(folder(Path::new(&path), aliases))
}

fn check_folder(path: &Path) -> Result<()> {
    let metadata = std::fs::metadata(path)
        .map_err(|error| ToolError::at(ErrorKind::Root, path, "the root cannot be entered").because(error))?;
    if !metadata.is_dir() {
        return Err(ToolError::at(ErrorKind::Root, path, "the root is no folder"));
    }
    Ok(())
}

#[cfg(unix)]
fn split_at_last_equals(argument: &OsStr) -> Option<(OsString, OsString)> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let bytes = argument.as_bytes();
    let at = bytes.iter().rposition(|&byte| byte == b'=')?;
    let (aliases, rest) = bytes.split_at_checked(at)?;
    let path = rest.strip_prefix(b"=")?;
    Some((OsString::from_vec(aliases.to_vec()), OsString::from_vec(path.to_vec())))
}

#[cfg(not(unix))]
fn split_at_last_equals(argument: &OsStr) -> Option<(OsString, OsString)> {
    let (aliases, path) = argument.to_str()?.rsplit_once('=')?;
    Some((aliases.into(), path.into()))
}

/// Asks something of the places that are written to, and waits for no answer longer than `deadline`: an output may lie on a
/// share that is dead.
///
/// # Errors
/// That of the question; and when there is no answer in time, or the machine refuses a thread.
pub(crate) fn ask_outputs<T: Send + 'static>(
    deadline: Duration,
    ask: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let asked = within(deadline, ask)
        .map_err(|error| ToolError::new(ErrorKind::System, "threads cannot be started").because(error))?;
    asked.wait().unwrap_or_else(|| {
        let what = format!(
            "the folder of an output gives no answer within {} s",
            deadline.as_secs()
        );
        Err(ToolError::new(ErrorKind::Output, what))
    })
}

/// Reads the `-o` arguments of a report.
///
/// # Errors
/// When the extension of one is unknown, two are the same, or one must not or cannot be written.
pub fn outputs(paths: &[PathBuf], roots: &Roots, force: bool) -> Result<Vec<Output>> {
    let mut outputs: Vec<Output> = Vec::with_capacity(paths.len());
    for path in paths {
        let format = extension(path).and_then(Format::of_extension).ok_or_else(|| {
            let known = "the extension says no known form: use .html, .xlsx, .json, .jsonl, .csv, .md, .prom or .txt";
            ToolError::at(ErrorKind::Output, path, known)
        })?;
        check_output(path, roots, force)?;
        if outputs.iter().any(|other| place::is_same(&other.path, path)) {
            return Err(ToolError::at(ErrorKind::Output, path, "is given twice as output"));
        }
        outputs.push(Output {
            path: path.clone(),
            format,
        });
    }
    Ok(outputs)
}

/// Checks the `-o` argument of `collect`.
///
/// # Errors
/// When it has another extension, or must not or cannot be written.
pub fn catalogue_output(path: &Path, roots: &Roots, resume: bool, force: bool) -> Result<()> {
    if extension(path) != Some(CATALOGUE_EXTENSION) {
        let wanted = "a catalogue has the extension .catalogue";
        return Err(ToolError::at(ErrorKind::Output, path, wanted));
    }
    // What a run goes on with takes the place of what that one wrote.
    check_output(path, roots, force || resume)?;
    let partial = partial_name(path);
    outside_roots(&partial, roots)?;
    let exists = |path: &Path| std::fs::symlink_metadata(path).is_ok();
    let refuse = |why: &str| Err(ToolError::at(ErrorKind::Output, &partial, why));
    if std::fs::symlink_metadata(&partial).is_ok_and(|metadata| !metadata.is_file()) {
        return refuse(NOT_OWN);
    }
    match (resume, exists(&partial)) {
        (true, false) if !exists(path) => refuse("is not there: there is nothing to go on with"),
        (false, true) if !force => {
            refuse("was left by a run that did not end; --resume goes on with it, --force begins anew")
        }
        _ => Ok(()),
    }
}

/// Checks the folder of `--parquet`, and makes it where it is not there.
///
/// # Errors
/// When a table must not or cannot be written to it.
#[cfg(feature = "parquet")]
pub fn tables_folder(folder: &Path, roots: &Roots, force: bool) -> Result<()> {
    // Asked of the folder itself, before it is made.
    outside_roots(folder, roots)?;
    std::fs::create_dir_all(folder)
        .map_err(|error| ToolError::at(ErrorKind::Output, folder, "cannot be made").because(error))?;
    let mut tables = crate::tables::TABLES
        .iter()
        .map(|table| crate::tables::path(folder, table));
    tables.try_for_each(|table| check_output(&table, roots, force))
}

fn extension(path: &Path) -> Option<&str> {
    path.extension().and_then(OsStr::to_str)
}

fn check_output(path: &Path, roots: &Roots, force: bool) -> Result<()> {
    let refuse = |why: &str| ToolError::at(ErrorKind::Output, path, why);
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(refuse("the output is a folder")),
        Ok(_) if !force => return Err(refuse("the output exists; --force replaces it")),
        _ => {}
    }
    outside_roots(path, roots)?;
    place::check_writable(place::folder_of(path))
        .map_err(|error| refuse("the folder of the output cannot be written to").because(error))
}

/// Refuses an output that lies inside a root, by name or through links and mounts.
///
/// # Errors
/// When it does, or when that cannot be told.
pub fn outside_roots(path: &Path, roots: &Roots) -> Result<()> {
    let root = roots.around(path).map_err(|error| {
        ToolError::at(ErrorKind::Output, path, "whether it lies inside a root cannot be told").because(error)
    })?;
    let Some(root) = root else { return Ok(()) };
    let root = sanitize::os_path(root);
    let why = format!("the output lies inside the root {root}: derelict writes nothing to a datastore");
    Err(ToolError::at(ErrorKind::Output, path, &why))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: Duration = Duration::from_mins(10);

    fn parsed(argument: &str) -> Result<RootArgument> {
        let mut roots = roots(&[argument.into()], PATIENT)?;
        Ok(roots.remove(0))
    }

    fn root_of(path: &Path, aliases: &[&str]) -> RootArgument {
        RootArgument {
            path: path.to_owned(),
            aliases: aliases.iter().map(ToString::to_string).collect(),
            is_silent: false,
        }
    }

    #[test]
    fn a_plain_path_has_no_alias() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        assert_eq!(parsed(path).unwrap(), root_of(folder.path(), &[]));
    }

    #[test]
    fn commas_divide_aliases_and_the_last_equals_sign_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        for (aliases, expected) in [
            ("nfs01", &["nfs01"][..]),
            (
                "nfs01,/vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0001",
                &["nfs01", "/vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0001"],
            ),
            (r"C:\ClusterStorage\Volume1", &[r"C:\ClusterStorage\Volume1"]),
            ("a=b,c", &["a=b", "c"]),
            ("SAN VMFS 02, second", &["SAN VMFS 02", "second"]),
        ] {
            assert_eq!(
                parsed(&format!("{aliases}={path}")).unwrap(),
                root_of(folder.path(), expected)
            );
        }
    }

    #[test]
    fn an_argument_that_exists_is_a_path_whatever_is_in_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("a,b=c");
        std::fs::create_dir(&odd).unwrap();
        assert_eq!(parsed(odd.to_str().unwrap()).unwrap(), root_of(&odd, &[]));
    }

    #[test]
    fn what_is_no_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let path = folder.path().to_str().unwrap();
        for (argument, kind) in [
            (format!("{path}/gone"), ErrorKind::Root),
            (format!("alias={path}/gone"), ErrorKind::Root),
            (format!("alias={path}/file"), ErrorKind::Root),
            (format!("{path}/file"), ErrorKind::Root),
            (format!("={path}"), ErrorKind::Usage),
            (format!("a,,b={path}"), ErrorKind::Usage),
            ("alias=".to_owned(), ErrorKind::Usage),
        ] {
            assert_eq!(parsed(&argument).unwrap_err().kind(), kind, "{argument}");
        }
    }

    #[test]
    fn the_form_follows_the_extension_whatever_its_case() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [
            "a.json", "b.JSONL", "c.csv", "d.md", "e.txt", "f.html", "g.xlsx", "h.prom",
        ]
        .map(|name| folder.path().join(name));
        let formats: Vec<Format> = outputs(&paths, &Roots::default(), false)
            .unwrap()
            .iter()
            .map(|output| output.format)
            .collect();
        assert_eq!(
            formats,
            [
                Format::Json,
                Format::Jsonl,
                Format::Csv,
                Format::Markdown,
                Format::Table,
                Format::Html,
                Format::Xlsx,
                Format::Prom
            ]
        );
    }

    #[test]
    fn outputs_that_cannot_be_meant_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(folder.path().join("there.json"), "").unwrap();
        let roots = Roots::ask([root.as_path()], PATIENT);
        for (names, why) in [
            (&["a.pdf"][..], "no known form"),
            (&["a"], "no known form"),
            (&["there.json"], "the output exists; --force replaces it"),
            (&["a.json", "./a.json"], "is given twice"),
            (&["gone/a.json"], "cannot be"),
            (&["root/a.json"], "inside the root"),
            (&["root/../root/a.json"], "inside the root"),
        ] {
            let paths: Vec<_> = names.iter().map(|name| folder.path().join(name)).collect();
            let error = outputs(&paths, &roots, false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Output);
            assert!(error.to_string().contains(why), "{names:?}: {error}");
        }
        let existing = [folder.path().join("there.json")];
        assert_eq!(outputs(&existing, &roots, true).unwrap().len(), 1);
        assert!(outputs(&[folder.path().join("root.json")], &roots, false).is_ok());
    }

    #[test]
    fn a_catalogue_has_its_own_extension() {
        let folder = tempfile::tempdir().unwrap();
        assert!(catalogue_output(&folder.path().join("a.catalogue"), &Roots::default(), false, false).is_ok());
        assert!(catalogue_output(&folder.path().join("a.json"), &Roots::default(), false, false).is_err());
    }
}
