//! `expected.toml`: what is right for each file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::Deserialize;

use crate::COMMITTED;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    group: Vec<Group>,
    problem: Vec<ExpectedProblem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    #[expect(dead_code, reason = "for people")]
    what: String,
    #[serde(flatten)]
    expected: Expected,
    weaker: Option<Difference>,
    files: Vec<String>,
}

#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) verdict: String,
    #[serde(default)]
    pub(crate) class: String,
    #[serde(default = "never")]
    pub(crate) reclaim: String,
    #[serde(default)]
    pub(crate) risk: String,
    #[serde(default)]
    pub(crate) owners: BTreeSet<String>,
}

fn never() -> String {
    "never".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    verdict: Option<String>,
    class: Option<String>,
    reclaim: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedProblem {
    site: String,
    code: String,
    subject: String,
    /// The subject with the weaker inventory; empty: no problem then.
    weaker: Option<String>,
}

impl Manifest {
    pub(crate) fn load() -> Self {
        let text = fs::read_to_string(format!("{COMMITTED}/expected.toml")).unwrap();
        toml::from_str(&text).unwrap()
    }

    /// What is right for each file of a site.
    pub(crate) fn files(&self, site: &str, folder: &Path, weak: bool) -> BTreeMap<String, Expected> {
        let mut files = BTreeMap::new();
        for group in &self.group {
            let mut expected = group.expected.clone();
            if let Some(weaker) = group.weaker.as_ref().filter(|_| weak) {
                let set =
                    |field: &mut String, other: &Option<String>| other.iter().for_each(|other| field.clone_from(other));
                set(&mut expected.verdict, &weaker.verdict);
                set(&mut expected.class, &weaker.class);
                set(&mut expected.reclaim, &weaker.reclaim);
            }
            for file in group
                .files
                .iter()
                .filter_map(|file| file.strip_prefix(&format!("{site}/")))
            {
                let name = with_inode(file, folder);
                assert!(
                    files.insert(name, expected.clone()).is_none(),
                    "{file} is in the manifest twice"
                );
            }
        }
        files
    }

    /// The problems of a site: code, subject.
    pub(crate) fn problems(&self, site: &str, weak: bool) -> BTreeSet<(String, String)> {
        let subject = |problem: &ExpectedProblem| {
            let weaker = problem.weaker.as_ref().filter(|_| weak);
            weaker.unwrap_or(&problem.subject).clone()
        };
        self.problem
            .iter()
            .filter(|problem| problem.site == site)
            .map(|problem| (problem.code.clone(), subject(problem)))
            .filter(|(_, subject)| !subject.is_empty())
            .collect()
    }
}

/// Puts the name of a lock for `<inode of PATH>`.
fn with_inode(file: &str, site: &Path) -> String {
    let Some((start, target)) = file.split_once(".lck-<inode of ") else {
        return file.to_owned();
    };
    let target = site.parent().unwrap().join(target.trim_end_matches('>'));
    format!(
        "{start}{}",
        derelict_parsers::testkit::vmware::nfs_lock_name(inode(&target))
    )
}

#[cfg(unix)]
pub(crate) fn inode(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap())
}

#[cfg(windows)]
pub(crate) fn inode(path: &Path) -> u64 {
    let file = winapi_util::Handle::from_path(path).unwrap();
    winapi_util::file::information(file).unwrap().file_index()
}
