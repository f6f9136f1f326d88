//! What came out, and what was expected.

use std::collections::{BTreeMap, BTreeSet};

use derelict::{
    raw::RawPath,
    report::{
        codes::{Class, ProblemCode},
        model::{ArtifactReport, Report, Verdict},
    },
};

/// A report by path: root, `/`, path below it.
pub(crate) struct Judged {
    pub(crate) report: Report,
    pub(super) artifacts: BTreeMap<String, ArtifactReport>,
}

impl Judged {
    pub(super) fn new(report: Report, roots: &[(String, Vec<String>)]) -> Self {
        let name = |artifact: &ArtifactReport| {
            let root = String::from_utf8_lossy(artifact.root.name()).into_owned();
            assert!(roots.iter().any(|(known, _)| *known == root));
            format!("{root}/{}", artifact.relative_path.lossy())
        };
        let artifacts = report
            .artifacts
            .iter()
            .map(|artifact| (name(artifact), artifact.clone()))
            .collect();
        Self { report, artifacts }
    }

    /// The problems that call a place missing, or something below it.
    pub(super) fn called_missing(&self, place: &str) -> Vec<&str> {
        let codes = [
            ProblemCode::Ghost,
            ProblemCode::MissingDisk,
            ProblemCode::MissingFile,
            ProblemCode::DanglingDescriptor,
            ProblemCode::BrokenChain,
        ];
        let problems = self.report.problems.iter();
        let names = |text: &str| text.contains(&format!(" {place} on ")) || text.contains(&format!(" {place}/"));
        problems
            .filter(|problem| codes.contains(&problem.code) && names(&problem.text))
            .map(|problem| problem.text.as_str())
            .collect()
    }

    /// What holds of every report.
    pub(super) fn check(&self, what: &str) {
        let registered: BTreeSet<&RawPath> = self
            .report
            .vms
            .iter()
            .filter(|vm| vm.registered)
            .flat_map(|vm| &vm.artifacts)
            .collect();
        for (path, artifact) in &self.artifacts {
            assert!(!artifact.reasons.is_empty(), "{what}: {path} has no reason");
            if registered.contains(&artifact.path) {
                assert!(
                    matches!(artifact.verdict, Verdict::Owned),
                    "{what}: a registered VM reaches {path}\n{}",
                    self.explain(path)
                );
            }
            let nobody = matches!(artifact.verdict, Verdict::Orphaned | Verdict::Unregistered);
            assert_eq!(artifact.confidence.is_some(), nobody, "{what}: confidence of {path}");
        }
        for problem in &self.report.problems {
            assert!(
                !problem.subject.is_empty() && !problem.reasons.is_empty() && !problem.next_step.is_empty(),
                "{what}: a problem has a subject, evidence and a next step: {problem:#?}"
            );
        }
    }

    pub(crate) fn artifact(&self, path: &str) -> &ArtifactReport {
        self.artifacts.get(path).unwrap_or_else(|| {
            let known: Vec<&String> = self.artifacts.keys().collect();
            panic!("{path} is not reported; there are {known:#?}")
        })
    }

    pub(crate) fn is_reported(&self, path: &str) -> bool {
        self.artifacts.contains_key(path)
    }

    /// `verdict[/class] [reclaim] [risk]`; what is not written is not asked, but an `owned` without class has none.
    pub(crate) fn is(&self, path: &str, expected: &str) -> &Self {
        let artifact = self.artifact(path);
        let mut words = expected.split(' ');
        let verdict = words.next().unwrap_or_default();
        let class = artifact.class.map(Class::name);
        let (verdict, expected_class) = verdict
            .split_once('/')
            .map_or((verdict, None), |(verdict, class)| (verdict, Some(class)));
        let asks_class = expected_class.is_some() || verdict == "owned";
        let mut fits = artifact.verdict.name() == verdict && (!asks_class || class == expected_class);
        for word in words {
            fits &= match word {
                "data-loss" => artifact.risk.is_some(),
                "no-risk" => artifact.risk.is_none(),
                word => serde_json::to_value(artifact.reclaim).unwrap() == word,
            };
        }
        assert!(fits, "{path} should be {expected}\n{}", self.explain(path));
        self
    }

    /// All of these paths are the same.
    pub(crate) fn are(&self, paths: &[&str], expected: &str) -> &Self {
        for path in paths {
            self.is(path, expected);
        }
        self
    }

    /// Its owners by name, sorted.
    pub(crate) fn owners(&self, path: &str, expected: &[&str]) -> &Self {
        let mut owners: Vec<&str> = self
            .artifact(path)
            .owners
            .iter()
            .map(|owner| owner.name.as_str())
            .collect();
        owners.sort_unstable();
        assert_eq!(owners, expected, "owners of {path}\n{}", self.explain(path));
        self
    }

    /// A reason of this code is among its reasons.
    pub(crate) fn because(&self, path: &str, code: &str) -> &Self {
        let reasons = &self.artifact(path).reasons;
        assert!(
            reasons.iter().any(|reason| reason.code.name() == code),
            "{path} should have the reason {code}\n{}",
            self.explain(path)
        );
        self
    }

    pub(crate) fn not_because(&self, path: &str, code: &str) -> &Self {
        let reasons = &self.artifact(path).reasons;
        assert!(
            reasons.iter().all(|reason| reason.code.name() != code),
            "{path} should not have the reason {code}\n{}",
            self.explain(path)
        );
        self
    }

    /// Holds a reason of a file to words.
    pub(crate) fn says(&self, path: &str, words: &str) -> &Self {
        let reasons = &self.artifact(path).reasons;
        assert!(
            reasons.iter().any(|reason| reason.text.contains(words)),
            "{path}: {words}: {reasons:?}"
        );
        self
    }

    pub(crate) fn confidence(&self, path: &str, expected: &str) -> &Self {
        let confidence = serde_json::to_value(self.artifact(path).confidence).unwrap();
        assert_eq!(confidence, expected, "confidence of {path}\n{}", self.explain(path));
        self
    }

    /// There is a problem of this code whose subject or text holds `about`.
    pub(crate) fn problem(&self, code: &str, about: &str) -> &Self {
        let problems = &self.report.problems;
        let fits = problems.iter().any(|problem| {
            problem.code.name() == code && (problem.subject.contains(about) || problem.text.contains(about))
        });
        assert!(
            fits,
            "a problem {code} about {about} is wanted; there are {problems:#?}"
        );
        self
    }

    pub(crate) fn no_problem(&self, code: &str) -> &Self {
        let found: Vec<_> = self
            .report
            .problems
            .iter()
            .filter(|problem| problem.code.name() == code)
            .collect();
        assert!(found.is_empty(), "no problem {code} is wanted; there are {found:#?}");
        self
    }

    /// There is a gap of this code.
    pub(crate) fn gap(&self, code: &str) -> &Self {
        let gaps = &self.report.coverage.gap_details;
        assert!(
            gaps.iter().any(|gap| gap.code.name() == code),
            "a gap {code} is wanted; there are {gaps:#?}"
        );
        self
    }

    pub(crate) fn no_gap(&self, code: &str) -> &Self {
        let gaps = &self.report.coverage.gap_details;
        assert!(
            gaps.iter().all(|gap| gap.code.name() != code),
            "no gap {code} is wanted; there are {gaps:#?}"
        );
        self
    }

    /// Holds a gap of this code to words.
    pub(crate) fn gap_says(&self, code: &str, words: &str) -> &Self {
        let gaps = &self.report.coverage.gap_details;
        assert!(
            gaps.iter()
                .any(|gap| gap.code.name() == code && gap.text.contains(words)),
            "a gap {code} with {words:?} is wanted; there are {gaps:#?}"
        );
        self
    }

    pub(crate) fn complete(&self, expected: bool) -> &Self {
        assert_eq!(
            self.report.coverage.complete, expected,
            "{:#?}\n{:#?}",
            self.report.coverage.issues, self.report.coverage.gap_details
        );
        self
    }

    /// Paths, relative to their roots, that a VM misses.
    pub(crate) fn missing(&self, vm: &str) -> Vec<String> {
        let root_paths: Vec<String> = self
            .report
            .coverage
            .roots
            .iter()
            .map(|root| root.path.lossy().into_owned())
            .collect();
        self.report
            .vms
            .iter()
            .filter(|known| known.name == vm)
            .flat_map(|vm| &vm.missing)
            .map(|missing| {
                let path = missing.path.lossy().into_owned();
                let parent = root_paths
                    .iter()
                    .find(|root| path.starts_with(root.as_str()))
                    .and_then(|root| root.rsplit_once('/'))
                    .map_or(0, |(parent, _)| parent.len() + 1);
                path[parent..].to_owned()
            })
            .collect()
    }

    pub(super) fn explain(&self, path: &str) -> String {
        let artifact = self.artifact(path);
        let reasons: Vec<String> = artifact
            .reasons
            .iter()
            .map(|reason| format!("    {}: {}", reason.code.name(), reason.text))
            .collect();
        format!(
            "  {path} is {}/{} (reclaim {:?}, risk {:?}, confidence {:?}, owners {:?})\n{}",
            artifact.verdict.name(),
            artifact.class.map_or("-", |class| class.name()),
            artifact.reclaim,
            artifact.risk,
            artifact.confidence,
            artifact.owners.iter().map(|owner| &owner.name).collect::<Vec<_>>(),
            reasons.join("\n")
        )
    }
}
