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
    needed_words::NeededWords,
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
    paths: Globs,
    except: Globs,
    kinds: Vec<Kind>,
    sibling: Option<Globs>,
    datastore: Option<GlobMatcher>,
    platform: Option<Platform>,
}

/// Globs of which any may match, as written and ready.
#[derive(Debug)]
struct Globs {
    written: Vec<String>,
    ready: GlobSet,
}

/// All rules, in the order in which they are asked.
#[derive(Debug, Default)]
pub struct Rules {
    ordered: Vec<Rule>,
    /// What a path has to hold for each of the rules.
    words_of_paths: NeededWords,
    /// What the name of a sibling has to hold for each of the rules.
    words_of_siblings: NeededWords,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Path relative to the datastore's top.
    pub path: &'a str,
    /// Kind.
    pub kind: Kind,
    /// Which rules count in the folder of the file: what [`Rules::in_folder`] says of it.
    pub counting: &'a [bool],
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
    except: Vec<String>,
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
        self.ordered.retain(|rule| !file.disable.contains(&rule.id));
        added.append(&mut self.ordered);
        self.ordered = added;
        self.find_words(name)
    }

    fn find_words(&mut self, name: &str) -> Result<()> {
        let failed = |error| ToolError::new(ErrorKind::Rules, format!("{name}: {error}"));
        let paths = self.ordered.iter().map(|rule| rule.paths.written.as_slice());
        self.words_of_paths = NeededWords::new(paths).map_err(failed)?;
        let siblings = self.ordered.iter().map(|rule| match &rule.sibling {
            Some(sibling) => sibling.written.as_slice(),
            None => &[],
        });
        self.words_of_siblings = NeededWords::new(siblings).map_err(failed)?;
        Ok(())
    }

    /// For each rule whether it counts on a datastore with these names that holds files of these platforms.
    pub fn on_datastore(&self, names: &[String], platforms: &[Platform]) -> Vec<bool> {
        let names: Vec<String> = names.iter().map(|name| name.replace('\\', "/")).collect();
        let counts = |rule: &Rule| {
            let is_named = |datastore: &GlobMatcher| names.iter().any(|name| datastore.is_match(name));
            rule.platform.is_none_or(|platform| platforms.contains(&platform))
                && rule.datastore.as_ref().is_none_or(is_named)
        };
        self.ordered.iter().map(counts).collect()
    }

    /// The same for a folder of the datastore with these files, which may hold the sibling that a rule asks for.
    pub fn in_folder<'a>(&self, on_datastore: &[bool], names: impl Iterator<Item = &'a str>) -> Vec<bool> {
        let mut counting: Vec<bool> = self.ordered.iter().map(|rule| rule.sibling.is_none()).collect();
        for name in names {
            let found = self.words_of_siblings.found_in(name);
            for (place, (rule, counts)) in self.ordered.iter().zip(&mut counting).enumerate() {
                let may_be = !*counts && self.words_of_siblings.may_match(place, &found);
                *counts |= may_be && rule.sibling.as_ref().is_some_and(|sibling| sibling.is_match(name));
            }
        }
        counting
            .iter()
            .zip(on_datastore)
            .map(|(here, there)| *here && *there)
            .collect()
    }

    /// The first rule that matches.
    pub fn find(&self, subject: Subject<'_>) -> Option<&Rule> {
        let found = self.words_of_paths.found_in(subject.path);
        let mut rules = self.ordered.iter().zip(subject.counting).enumerate();
        // What costs least is asked first.
        let rule = rules.find(|(place, (rule, counts))| {
            **counts && self.words_of_paths.may_match(*place, &found) && rule.matches(subject)
        });
        rule.map(|(_, (rule, _))| rule)
    }

    /// The rules, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.ordered.iter()
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
        Ok(Self {
            id: written.id,
            verdict: written.verdict,
            class: written.class,
            reason: written.reason,
            source: written.source,
            paths: Globs::compile(written.paths)?,
            except: Globs::compile(written.except)?,
            kinds: written.kinds,
            sibling: written.sibling.map(|glob| Globs::compile(vec![glob])).transpose()?,
            datastore: written.datastore.as_deref().map(names_matcher).transpose()?,
            platform: written.platform,
        })
    }

    fn matches(&self, subject: Subject<'_>) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&subject.kind))
            && self.paths.is_match(subject.path)
            && !self.except.is_match(subject.path)
    }
}

impl Globs {
    fn compile(written: Vec<String>) -> std::result::Result<Self, String> {
        let mut set = GlobSetBuilder::new();
        for text in &written {
            set.add(glob(text)?);
        }
        let ready = set.build().map_err(|error| error.to_string())?;
        Ok(Self { written, ready })
    }

    fn is_match(&self, text: &str) -> bool {
        self.ready.is_match(text)
    }
}

/// For names of datastores, which have no parts: `*` crosses all. Strokes are alike, since Windows takes them so in every glob.
fn names_matcher(text: &str) -> std::result::Result<GlobMatcher, String> {
    let glob = builder(&text.replace(r"\\", "/")).build();
    Ok(glob.map_err(|error| error.to_string())?.compile_matcher())
}

fn glob(text: &str) -> std::result::Result<Glob, String> {
    let glob = builder(text).literal_separator(true).build();
    glob.map_err(|error| error.to_string())
}

fn builder(text: &str) -> GlobBuilder<'_> {
    let mut builder = GlobBuilder::new(text);
    builder
        .case_insensitive(true)
        .backslash_escape(true)
        .empty_alternates(true);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(path: &str, kind: Kind, siblings: &[&str]) -> Option<Class> {
        let rules = Rules::built_in().expect("the built-in rules compile");
        let on_datastore = rules.on_datastore(&[], &[Platform::Vmware, Platform::Hyperv]);
        let subject = Subject {
            path,
            kind,
            counting: &rules.in_folder(&on_datastore, siblings.iter().copied()),
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
                    counting: &rules.in_folder(&rules.on_datastore(&[], &[]), std::iter::empty()),
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

    #[test]
    fn names_of_datastores_are_matched_with_either_stroke_and_across_them() {
        let text = r#"
            version = 1
            [[rule]]
            id = "lab"
            verdict = "service"
            datastore = '\\\\fs??\\*-lab'
            paths = ["**"]
            reason = "the lab's"
        "#;
        let mut rules = Rules::built_in().unwrap();
        rules.extend("test", text).unwrap();
        let lab = |name: &str| rules.on_datastore(&[name.to_owned()], &[Platform::Hyperv])[0];
        assert!(lab(r"\\fs01\vms-lab"));
        assert!(lab("//FS01/vms-lab"));
        assert!(lab(r"\\fs01\vms\old-lab"));
        assert!(!lab(r"\\fs01\vms"));
        assert!(!lab(r"\\fs1\vms-lab"));
    }
}
