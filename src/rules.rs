//! Owner rules: places and names that belong to something that is no VM.
//!
//! The built-in rules stand in `rules.toml` beside this file, readable for everyone; `--rules FILE` adds rules of the
//! same form, which are asked first, and may switch built-in ones off by their id (`disable = ["wsl"]`). What a rule
//! matches is shown with its reason, never hidden.

use globset::{Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use serde::Deserialize;

use crate::{
    error::{ErrorKind, Result, ToolError},
    kind::{Kind, Platform},
    report::{codes::Class, model::Verdict},
};

/// The rules that are part of the program.
const BUILT_IN: &str = include_str!("rules.toml");

/// One rule, ready to match.
#[derive(Debug)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// `service`, `system`, or `unknown` for places whose owners only others know.
    pub verdict: Verdict,
    /// The class of the verdict.
    pub class: Class,
    /// Why these files belong to it.
    pub reason: String,
    /// Where that is known from.
    pub source: String,
    paths: GlobSet,
    kinds: Vec<Kind>,
    sibling: Option<GlobMatcher>,
    datastore: Option<GlobMatcher>,
    platform: Option<Platform>,
}

/// All rules, in the order in which they are asked.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Path relative to the datastore's top.
    pub path: &'a str,
    /// Kind.
    pub kind: Kind,
    /// Which rules find their company in the folder of the file: what [`Rules::company`] says of it.
    pub company: &'a [bool],
    /// Platforms whose files the datastore holds.
    pub platforms: &'a [Platform],
    /// Names of the datastore.
    pub datastores: &'a [String],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    version: u32,
    #[serde(default)]
    disable: Vec<String>,
    #[serde(default, rename = "rule")]
    rules: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    id: String,
    verdict: Verdict,
    #[serde(default = "custom")]
    class: Class,
    paths: Vec<String>,
    #[serde(default)]
    kinds: Vec<Kind>,
    sibling: Option<String>,
    datastore: Option<String>,
    platform: Option<Platform>,
    reason: String,
    #[serde(default)]
    source: String,
}

fn custom() -> Class {
    Class::CustomRule
}

impl Rules {
    /// The rules that are part of the program.
    ///
    /// # Errors
    /// Never in a build whose tests passed: the file is part of the program.
    pub fn built_in() -> Result<Self> {
        let mut rules = Self::default();
        rules.extend("built-in rules", BUILT_IN)?;
        Ok(rules)
    }

    /// Adds the rules of one file before those that are there, and drops those that it disables.
    ///
    /// # Errors
    /// When the text is no rule file; the message names the file and the rule.
    pub fn extend(&mut self, name: &str, text: &str) -> Result<()> {
        let file: RuleFile =
            toml::from_str(text).map_err(|error| ToolError::new(ErrorKind::Rules, format!("{name}: {error}")))?;
        if file.version != 1 {
            return Err(ToolError::new(
                ErrorKind::Rules,
                format!("{name}: version {} is not supported", file.version),
            ));
        }
        let mut added = Vec::new();
        for rule in file.rules {
            let id = rule.id.clone();
            added.push(
                Rule::compile(rule)
                    .map_err(|error| ToolError::new(ErrorKind::Rules, format!("{name}: rule {id}: {error}")))?,
            );
        }
        self.rules.retain(|rule| !file.disable.contains(&rule.id));
        added.append(&mut self.rules);
        self.rules = added;
        Ok(())
    }

    /// For each rule whether a folder with these files holds the sibling that it asks for: once a folder, not once a
    /// file.
    pub fn company<'a>(&self, names: impl Iterator<Item = &'a str> + Clone) -> Vec<bool> {
        let is_met = |rule: &Rule| {
            rule.sibling
                .as_ref()
                .is_none_or(|sibling| names.clone().any(|name| sibling.is_match(name)))
        };
        self.rules.iter().map(is_met).collect()
    }

    /// The first rule that matches.
    pub fn find(&self, subject: Subject<'_>) -> Option<&Rule> {
        let mut rules = self.rules.iter().zip(subject.company);
        rules
            .find(|(rule, met)| **met && rule.matches(subject))
            .map(|(rule, _)| rule)
    }

    /// The rules, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }
}

impl Rule {
    fn compile(written: WrittenRule) -> std::result::Result<Self, String> {
        if !matches!(written.verdict, Verdict::Service | Verdict::System | Verdict::Unknown) {
            return Err(format!(
                "a rule gives `service`, `system` or `unknown`, not `{}`",
                written.verdict.name()
            ));
        }
        if written.paths.iter().any(|path| path.trim().is_empty()) || written.paths.is_empty() {
            return Err("a rule needs paths, and none may be empty".to_owned());
        }
        let mut paths = GlobSetBuilder::new();
        for path in &written.paths {
            paths.add(glob(path)?);
        }
        Ok(Self {
            id: written.id,
            verdict: written.verdict,
            class: written.class,
            reason: written.reason,
            source: written.source,
            paths: paths.build().map_err(|error| error.to_string())?,
            kinds: written.kinds,
            sibling: matcher(written.sibling.as_deref())?,
            datastore: matcher(written.datastore.as_deref())?,
            platform: written.platform,
        })
    }

    fn matches(&self, subject: Subject<'_>) -> bool {
        // What costs least is asked first.
        (self.kinds.is_empty() || self.kinds.contains(&subject.kind))
            && self
                .platform
                .is_none_or(|platform| subject.platforms.contains(&platform))
            && self.paths.is_match(subject.path)
            && self
                .datastore
                .as_ref()
                .is_none_or(|datastore| subject.datastores.iter().any(|name| datastore.is_match(name)))
    }
}

fn matcher(text: Option<&str>) -> std::result::Result<Option<GlobMatcher>, String> {
    Ok(text.map(glob).transpose()?.map(|glob| glob.compile_matcher()))
}

fn glob(text: &str) -> std::result::Result<Glob, String> {
    GlobBuilder::new(text)
        .case_insensitive(true)
        .literal_separator(true)
        .backslash_escape(true)
        .empty_alternates(true)
        .build()
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(path: &str, kind: Kind, siblings: &[&str]) -> Option<Class> {
        let rules = Rules::built_in().expect("the built-in rules compile");
        let company = rules.company(siblings.iter().copied());
        let subject = Subject {
            path,
            kind,
            company: &company,
            platforms: &[Platform::Vmware, Platform::Hyperv],
            datastores: &[],
        };
        rules.find(subject).map(|rule| rule.class)
    }

    #[test]
    fn system_folders_are_known_at_the_top_only() {
        assert_eq!(
            class_of(".vSphere-HA/FDM-1/protectedlist", Kind::DatastoreSystem, &[]),
            Some(Class::Ha)
        );
        assert_eq!(
            class_of(".fbb.sf", Kind::DatastoreSystem, &[]),
            Some(Class::VmfsMetadata)
        );
        assert_eq!(class_of("vm/.fbb.sf", Kind::Vmx, &[]), None, "V77: rules are anchored");
        assert_eq!(
            class_of("etc/vm.vmx", Kind::Vmx, &[]),
            None,
            "V77: a VM folder may be called etc"
        );
    }

    #[test]
    fn services_are_known_by_place_and_by_company() {
        assert_eq!(class_of("fcd/0a.vmdk", Kind::VmdkDescriptor, &[]), Some(Class::Fcd));
        assert_eq!(class_of("vm/fcd/0a.vmdk", Kind::VmdkDescriptor, &[]), None);
        assert_eq!(
            class_of("r/vm.vmdk", Kind::VmdkDescriptor, &["hbrdisk.RDID-1.vmdk"]),
            Some(Class::VsphereReplication)
        );
        assert_eq!(class_of("r/vm.vmdk", Kind::VmdkDescriptor, &["vm.vmx"]), None);
        assert_eq!(
            class_of("store/x.1.avhdx", Kind::Avhdx, &["x.pvp"]),
            Some(Class::PvsStore)
        );
        assert_eq!(
            class_of("p/u_S-1-5-21-1-2-3-1001/Profile_u.vhdx", Kind::Vhdx, &[]),
            Some(Class::Fslogix)
        );
        assert_eq!(
            class_of("upd/UVHD-S-1-5-21-1.vhdx", Kind::Vhdx, &[]),
            Some(Class::UserProfileDisk)
        );
    }

    #[test]
    fn a_users_file_adds_rules_first_and_switches_built_in_ones_off() {
        let mut rules = Rules::built_in().expect("compiles");
        let text = "version = 1\ndisable = [\"first-class-disk-folder\"]\n[[rule]]\nid = \"mine\"\nverdict = \"service\"\npaths = [\"lab/**\"]\nreason = \"lab\"";
        rules.extend("test", text).expect("a good file");
        let find = |path| {
            rules
                .find(Subject {
                    path,
                    kind: Kind::VmdkDescriptor,
                    company: &rules.company(std::iter::empty()),
                    platforms: &[],
                    datastores: &[],
                })
                .map(|rule| rule.id.clone())
        };
        assert_eq!(find("lab/a.vmdk").as_deref(), Some("mine"));
        assert_eq!(find("fcd/a.vmdk"), None);
        assert!(
            rules
                .extend(
                    "bad",
                    "version = 1\n[[rule]]\nid=\"x\"\nverdict=\"orphaned\"\npaths=[\"a\"]\nreason=\"r\""
                )
                .is_err()
        );
        assert!(
            rules
                .extend(
                    "bad",
                    "version = 1\n[[rule]]\nid=\"x\"\nverdict=\"service\"\npaths=[\"\"]\nreason=\"r\""
                )
                .is_err()
        );
    }
}
