//! `--filter`: which artifacts and groups are shown.
//!
//! ```text
//! expression = all { "or" all }
//! all        = term { "and" term }
//! term       = "not" term | "(" expression ")" | field operator value
//! operator   = "=" | "!=" | "~" | "!~" | "<" | "<=" | ">" | ">="
//! value      = word | '"' text '"' | "'" text "'"
//! ```
//!
//! `~` means "contains"; where the value holds `*` (anything) or `?` (one character) it means that the whole text fits,
//! as in `datastore~"nfs*"`. Text is compared without regard to case. `owner` is a name or id of who owns the artifact, whom
//! its VM is noted to belong to, or the last known owner of its group. What is not known fulfils no comparison of sizes,
//! ages or confidence. Sizes have units (`10GiB`, `500MB`), ages too (`90d`, `12h`, `2w`, `1y`).

mod parse;
mod token;
mod value;

use std::{
    borrow::Cow,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use globset::GlobMatcher;
use jiff::Timestamp;

use super::{
    model::{ArtifactReport, Artifacts, Confidence, OwnerKind, Report},
    show,
};
use crate::{kind::Platform, raw::RawPath};

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    source: String,
    expression: Expression,
}

/// Why an expression cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter at character {at}: {what}")]
pub struct FilterError {
    /// In characters from 1; one past the end where something is missing.
    pub at: usize,
    /// What is wrong there.
    pub what: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    Any(Vec<Expression>),
    All(Vec<Expression>),
    Not(Box<Expression>),
    Is(Condition),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// The text of a field fits the value.
    Text {
        field: TextField,
        fits: Fits,
    },
    Confidence(Comparison, Confidence),
    /// Allocated bytes.
    Size(Comparison, u64),
    /// Length in bytes.
    Apparent(Comparison, u64),
    /// Seconds since the last change of the content.
    Age(Comparison, i64),
}

/// How a text has to be, in lower case.
#[derive(Debug, Clone)]
enum Fits {
    Equals(String),
    Contains(String),
    Pattern(GlobMatcher),
}

impl Fits {
    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Equals(value) => text == value,
            Self::Contains(value) => text.contains(value),
            Self::Pattern(pattern) => pattern.is_match(text),
        }
    }
}

impl PartialEq for Fits {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Equals(a), Self::Equals(b)) | (Self::Contains(a), Self::Contains(b)) => a == b,
            (Self::Pattern(a), Self::Pattern(b)) => a.glob() == b.glob(),
            _ => false,
        }
    }
}

impl Eq for Fits {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextField {
    Verdict,
    Class,
    Kind,
    Datastore,
    Owner,
    Path,
    Confidence,
    Reclaim,
    Platform,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    Equal,
    Unequal,
    AtLeast,
    More,
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::AtLeast => order.is_ge(),
            Self::More => order.is_gt(),
        }
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(source: &str) -> Result<Self, FilterError> {
        Ok(Self {
            source: source.to_owned(),
            expression: parse::expression(source)?,
        })
    }
}

/// What an artifact is held against besides itself.
pub(super) struct Context {
    as_of: Timestamp,
    platforms: BTreeMap<String, Platform>,
    /// Who answers for a VM, by its id.
    pub(super) noted_owners: BTreeMap<String, String>,
    /// Last known owners of groups, by their id.
    last_owners: BTreeMap<String, String>,
}

impl Context {
    pub(super) fn new(report: &Report<impl Artifacts>) -> Self {
        Self {
            as_of: report.as_of,
            platforms: report.vms.iter().map(|vm| (vm.id.clone(), vm.platform)).collect(),
            noted_owners: known(report.vms.iter().map(|vm| (&vm.id, &vm.noted_owner))),
            last_owners: known(report.groups.iter().map(|group| (&group.id, &group.owner))),
        }
    }
}

/// The pairs of which the second is known.
fn known<'a>(pairs: impl Iterator<Item = (&'a String, &'a Option<String>)>) -> BTreeMap<String, String> {
    pairs
        .filter_map(|(id, name)| Some((id.clone(), name.clone()?)))
        .collect()
}

impl Filter {
    /// Takes out of the report what is not to be shown. A group stays, whole, as long as one of its artifacts does; sums,
    /// VMs, problems and coverage are not touched.
    pub fn apply(&self, report: &mut Report<impl Artifacts>) {
        let context = Context::new(report);
        report
            .artifacts
            .keep(|artifact| self.expression.holds(artifact, &context));
        let shown: BTreeSet<Cow<'_, RawPath>> = report.artifacts.paths().collect();
        report
            .groups
            .retain(|group| group.artifacts.iter().any(|path| shown.contains(path)));
        report.summary.filter = Some(match report.summary.filter.take() {
            // A saved report may have been filtered before.
            Some(before) => format!("({before}) and ({})", self.source),
            None => self.source.clone(),
        });
    }
}

impl Expression {
    /// Recursion is bounded by the nesting that the parser lets through.
    fn holds(&self, artifact: &ArtifactReport, context: &Context) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(artifact, context)),
            Self::All(parts) => parts.iter().all(|part| part.holds(artifact, context)),
            Self::Not(part) => !part.holds(artifact, context),
            Self::Is(condition) => condition.holds(artifact, context),
        }
    }
}

impl Condition {
    fn holds(&self, artifact: &ArtifactReport, context: &Context) -> bool {
        match self {
            Self::Text { field, fits } => field
                .values(artifact, context)
                .iter()
                .any(|text| fits.holds(&text.to_lowercase())),
            Self::Confidence(comparison, value) => artifact
                .confidence
                .is_some_and(|confidence| comparison.holds(confidence.cmp(value))),
            Self::Size(comparison, value) => comparison.holds(artifact.allocated_or_length().cmp(value)),
            Self::Apparent(comparison, value) => comparison.holds(artifact.apparent_bytes.cmp(value)),
            Self::Age(comparison, value) => artifact.modified.is_some_and(|modified| {
                let age = context.as_of.duration_since(modified).as_secs();
                comparison.holds(age.cmp(value))
            }),
        }
    }
}

impl TextField {
    /// Every text under which the artifact has this field; none where it has none.
    fn values(self, artifact: &ArtifactReport, context: &Context) -> Vec<String> {
        match self {
            Self::Verdict => vec![show::name(artifact.verdict)],
            Self::Class => artifact.class.iter().map(show::name).collect(),
            Self::Kind => vec![show::name(artifact.kind)],
            Self::Datastore => vec![artifact.datastore.clone()],
            Self::Owner => owners(artifact, context),
            Self::Path => vec![
                artifact.path.lossy().into_owned(),
                artifact.relative_path.lossy().into_owned(),
                format!("[{}] {}", artifact.datastore, artifact.relative_path.lossy()),
            ],
            Self::Confidence => artifact.confidence.iter().map(show::name).collect(),
            Self::Reclaim => vec![show::name(artifact.reclaim)],
            Self::Platform => platforms(artifact, context).iter().map(show::name).collect(),
        }
    }
}

/// Everybody who owns it, answers for its VM, or owned its group as far as is known.
fn owners(artifact: &ArtifactReport, context: &Context) -> Vec<String> {
    let owners = artifact.owners.iter();
    let mut all: Vec<String> = owners
        .flat_map(|owner| {
            let noted = context.noted_owners.get(&owner.id).cloned();
            [Some(owner.name.clone()), Some(owner.id.clone()), noted]
        })
        .flatten()
        .collect();
    let last = artifact.group.as_ref().and_then(|group| context.last_owners.get(group));
    all.extend(last.cloned());
    all
}

/// The platforms of the VMs that own it; without one, the platform whose VMs write files of its kind.
pub(super) fn platforms(artifact: &ArtifactReport, context: &Context) -> Vec<Platform> {
    let owners: Vec<Platform> = artifact
        .owners
        .iter()
        .filter(|owner| owner.kind == OwnerKind::Vm)
        .filter_map(|owner| context.platforms.get(&owner.id).copied())
        .collect();
    if owners.is_empty() {
        return artifact.kind.platform().into_iter().collect();
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn shown(expression: &str) -> Vec<String> {
        let mut report = sample::report();
        expression.parse::<Filter>().unwrap().apply(&mut report);
        report
            .artifacts
            .iter()
            .map(|artifact| artifact.relative_path.lossy().into_owned())
            .collect()
    }

    #[test]
    fn each_field_selects_by_its_own_value() {
        for (expression, names) in [
            ("verdict=unregistered", &["old/old.vmx"][..]),
            ("verdict!=orphaned and verdict!=owned", &["new/new.vmdk", "old/old.vmx"]),
            ("class=deleted-vm-disk", &["web07/web07-flat.vmdk", "web07/web07.vmdk"]),
            ("kind=vmx", &["old/old.vmx", "web01/web01.vmx"]),
            ("datastore=nfs01", &["new/new.vmdk"]),
            ("datastore!=SAN-VMFS-01", &["new/new.vmdk"]),
            ("owner=WEB01", &["web01/web01.vmx"]),
            ("owner=vm-web01", &["web01/web01.vmx"]),
            ("owner~müller", &["web01/web01.vmx"]),
            (
                "owner=web07",
                &["web07/web07-000001.vmdk", "web07/web07-flat.vmdk", "web07/web07.vmdk"],
            ),
            ("path~FLAT", &["web07/web07-flat.vmdk"]),
            ("path=\"[san-vmfs-01] web07/web07.vmdk\"", &["web07/web07.vmdk"]),
            ("path~/mnt/nfs01", &["new/new.vmdk"]),
            ("datastore~\"NFS*\"", &["new/new.vmdk"]),
            ("datastore~*fs01", &["new/new.vmdk"]),
            ("datastore~?fs", &[]),
            ("path~\"[san-vmfs-01] web??/*.vmx\"", &["web01/web01.vmx"]),
            ("datastore!~\"*vmfs*\"", &["new/new.vmdk"]),
            ("confidence=high", &["web07/web07-flat.vmdk", "web07/web07.vmdk"]),
            ("confidence>=medium and reclaim=review", &["web07/web07-000001.vmdk"]),
            ("confidence<high", &["old/old.vmx", "web07/web07-000001.vmdk"]),
            ("platform=hyperv", &[]),
            ("size>10GiB", &["web07/web07-flat.vmdk"]),
            ("apparent>=100GiB", &["web07/web07-flat.vmdk"]),
            (
                "size<=4KiB and size>0",
                &["old/old.vmx", "web07/web07.vmdk", "web01/web01.vmx"],
            ),
            ("age<90d", &["new/new.vmdk", "web01/web01.vmx"]),
        ] {
            let mut names: Vec<_> = names.iter().map(ToString::to_string).collect();
            let mut found = shown(expression);
            names.sort();
            found.sort();
            assert_eq!(found, names, "{expression}");
        }
    }

    #[test]
    fn and_binds_closer_than_or_and_not_closest() {
        assert_eq!(shown("kind=vmx or kind=vmdk-flat and size<1KiB").len(), 2);
        assert_eq!(shown("(kind=vmx or kind=vmdk-flat) and size<1KiB").len(), 0);
        assert_eq!(shown("not kind=vmx and not datastore=nfs01").len(), 3);
        assert_eq!(shown("NOT (kind=vmx OR datastore=nfs01)").len(), 3);
        assert_eq!(shown("not not kind=vmx").len(), 2);
    }

    #[test]
    fn what_is_not_known_fulfils_no_comparison() {
        let mut report = sample::report();
        report
            .artifacts
            .iter_mut()
            .for_each(|artifact| artifact.modified = None);
        "age>0d or age<=0d".parse::<Filter>().unwrap().apply(&mut report);
        assert_eq!(report.artifacts.len(), 0);
    }

    #[test]
    fn sums_stay_whole_and_say_that_a_filter_is_on() {
        let whole = sample::report();
        let mut report = whole.clone();
        "verdict=unregistered".parse::<Filter>().unwrap().apply(&mut report);
        assert_eq!(report.summary.verdicts, whole.summary.verdicts);
        assert_eq!(report.summary.filter.as_deref(), Some("verdict=unregistered"));
        assert_eq!(report.groups.len(), 1);
        "kind=vmx".parse::<Filter>().unwrap().apply(&mut report);
        let both = "(verdict=unregistered) and (kind=vmx)";
        assert_eq!(
            report.summary.filter.as_deref(),
            Some(both),
            "the second filter adds to the first"
        );
        assert!(both.parse::<Filter>().is_ok());
        assert_eq!(report.problems, whole.problems);
        assert_eq!(report.vms, whole.vms);
    }
}
