//! Judges a case and holds the verdicts against the truth.

use std::collections::BTreeSet;

use derelict::{
    accept::Accepted,
    catalogue::{Catalogue, Issue, Stage},
    interrupt::Stop,
    inventory::{self, InventoryArgument},
    kind::Platform,
    reconcile::{Options, Told, reconcile},
    report::{
        codes::Class,
        model::{ArtifactReport, Reclaim, Report, Verdict},
    },
    rules::Rules,
};

use crate::{
    chance::Chance,
    hyperv, hyperv_exports,
    knowledge::{self, Lost},
    plan::{Case, Part, Plan, Since},
    site::{AS_OF, Site, SiteFile, TAKEN, TAKEN_BEFORE, at},
    vmware, vmware_exports,
};

/// A site as it was last written, which the next case may have as well.
#[derive(Default)]
pub(crate) struct Written {
    last: Option<(Vec<Part>, tempfile::TempDir, Catalogue)>,
}

/// One file whose verdict is wrong.
#[derive(Debug, Clone)]
pub(crate) struct Wrong {
    /// What is wrong, without the names of this case: by this failures are counted.
    pub(crate) what: String,
    /// All of it in words.
    pub(crate) text: String,
}

/// Runs a case; gives what is wrong.
pub(crate) fn run(case: &Case, written: &mut Written) -> Vec<Wrong> {
    let plan = case.plan();
    let (mut site, tells_all) = site(case.platform, &plan);
    let sound = site.clone();
    let lost = knowledge::lose(&mut site, &plan.losses);
    let catalogue = catalogue(&plan, &site, &sound, &lost, written);
    let report = judge(&site, &catalogue);
    let mut wrong = Vec::new();
    for artifact in &report.artifacts {
        let root = report
            .coverage
            .roots
            .iter()
            .position(|root| root.path == artifact.root)
            .unwrap();
        let path = site.path_of(root, &artifact.relative_path.lossy());
        let Some(file) = site.files.get(&path) else { continue };
        let found = if plan.losses.is_empty() {
            on_the_complete_site(artifact, file, tells_all && site.covers(&path))
        } else {
            after_losses(&site, &lost, artifact, file)
        };
        if let Some(what) = found {
            wrong.push(Wrong {
                text: told(case, &lost, &path, artifact, &what),
                what,
            });
        }
    }
    wrong
}

fn site(platform: Platform, plan: &Plan) -> (Site, bool) {
    let mut chance = Chance::of(plan.site_seed, "exports");
    let is_older = plan.losses.iter().any(|loss| loss.kind == "older-export");
    let (taken, until) = if is_older {
        (TAKEN_BEFORE, Since::Old)
    } else {
        (TAKEN, Since::Young)
    };
    match platform {
        Platform::Vmware => {
            let (mut site, known) = vmware::make(&plan.parts);
            site.exports = vmware_exports::make(&known, &mut chance, at(taken), until);
            (site, true)
        }
        Platform::Hyperv => {
            let (mut site, known) = hyperv::make(&plan.parts);
            let (exports, tells_all) = hyperv_exports::make(&known, &mut chance, at(taken), until);
            site.exports = exports;
            (site, tells_all)
        }
    }
}

/// The catalogue of a case: that of the case before where the files are the same.
fn catalogue(plan: &Plan, site: &Site, sound: &Site, lost: &Lost, written: &mut Written) -> Catalogue {
    let same_files = site.files.keys().eq(sound.files.keys()) && lost.damaged.is_empty();
    let same_roots = site.roots.iter().all(|root| root.scanned && root.below.is_none());
    let mut catalogue = if same_files && same_roots {
        if written.last.as_ref().is_none_or(|(parts, ..)| *parts != plan.parts) {
            let folder = tempfile::tempdir().unwrap();
            let catalogue = sound.catalogue(folder.path());
            written.last = Some((plan.parts.clone(), folder, catalogue));
        }
        let Some((_, _, catalogue)) = &written.last else {
            unreachable!("it was written just now")
        };
        let mut catalogue = catalogue.clone();
        for (record, root) in catalogue.roots.iter_mut().zip(&site.roots) {
            record.aliases.clone_from(&root.aliases);
        }
        catalogue
    } else {
        let folder = tempfile::tempdir().unwrap();
        site.catalogue(folder.path())
    };
    knowledge::hide(site, &mut catalogue, lost);
    catalogue
}

fn judge(site: &Site, catalogue: &Catalogue) -> Report {
    let folder = tempfile::tempdir().unwrap();
    for export in &site.exports {
        export.write(folder.path());
    }
    let folders: BTreeSet<&str> = site
        .exports
        .iter()
        .filter_map(|export| export.folder.split('/').next())
        .collect();
    let arguments: Vec<InventoryArgument> = folders
        .iter()
        .map(|name| InventoryArgument::from(folder.path().join(name)))
        .collect();
    let mut imported = inventory::import(&arguments);
    let backups = imported.take_backups();
    let issues = imported.issues.into_iter().map(|issue| Issue {
        root: None,
        path: issue.path,
        stage: Stage::Inventory,
        error: issue.error,
        folder: false,
    });
    let options = Options {
        as_of: at(AS_OF),
        assume_complete: false,
        rules: Rules::built_in().unwrap(),
        inventory_issues: issues.collect(),
        mentions: imported.mentions,
        backups,
        accepted: Accepted::default(),
        stop: Stop::default(),
    };
    let report = reconcile(
        catalogue,
        &imported.inventories,
        &options,
        |report: Report<Told<'_>>| report.listed(),
    );
    report.unwrap_or_else(|| unreachable!("nobody asked for the end"))
}

/// Nothing that is needed is weaker than owned or of a service, and every leftover is found.
fn on_the_complete_site(artifact: &ArtifactReport, file: &SiteFile, tells_all: bool) -> Option<String> {
    let truth = &file.truth;
    let found = verdict_of(artifact);
    let is_right = if !truth.vms.is_empty() {
        artifact.verdict == Verdict::Owned
    } else if truth.service {
        matches!(artifact.verdict, Verdict::Owned | Verdict::Service | Verdict::System)
    } else if let Some(expected) = truth.left {
        let mut any = expected.split('|');
        any.any(|one| found == one || found.split('/').next() == Some(one))
            || !tells_all && matches!(artifact.verdict, Verdict::Unknown | Verdict::InUse)
    } else {
        true
    };
    let should = match (truth.vms.is_empty(), truth.service) {
        (false, _) => "owned",
        (true, true) => "service",
        (true, false) => truth.left.unwrap_or_default(),
    };
    (!is_right).then(|| format!("complete site: {} {found} should be {should}", kind_of(artifact)))
}

/// Nothing that is needed is nobody's, whatever is lost.
fn after_losses(site: &Site, lost: &Lost, artifact: &ArtifactReport, file: &SiteFile) -> Option<String> {
    if !file.truth.is_needed() {
        return None;
    }
    let is_bad =
        matches!(artifact.verdict, Verdict::Orphaned | Verdict::Unregistered) || artifact.reclaim == Reclaim::Candidate;
    let nobody_can_know = !file.truth.service
        && file.truth.vms.iter().all(|vm| {
            let has_config = has_config(site, lost, *vm);
            let unregistered = artifact.verdict == Verdict::Unregistered && artifact.reclaim != Reclaim::Candidate;
            lost.untold.contains(vm) && (unregistered || !has_config) || lost.less_told.contains(vm) && !has_config
        });
    let kinds: BTreeSet<&str> = lost.texts.iter().filter_map(|text| text.split(':').next()).collect();
    let kinds: Vec<&str> = kinds.into_iter().collect();
    (is_bad && !nobody_can_know).then(|| {
        format!(
            "{} {} {:?} after {}",
            kind_of(artifact),
            verdict_of(artifact),
            artifact.reclaim,
            kinds.join(", ")
        )
    })
}

/// True where the configuration of a VM is seen and can be read.
fn has_config(site: &Site, lost: &Lost, vm: usize) -> bool {
    let config = &site.vms[vm].config;
    let is_seen = site.scanned().any(|root| {
        let place = match &root.below {
            Some(below) => format!("{}/{below}/", root.folder),
            None => format!("{}/", root.folder),
        };
        config.starts_with(&place)
    });
    let is_hidden = lost
        .folders
        .iter()
        .any(|folder| config.starts_with(&format!("{folder}/")));
    is_seen
        && !is_hidden
        && !lost.files.contains(config)
        && !lost.damaged.contains(config)
        && site.files.contains_key(config)
}

fn kind_of(artifact: &ArtifactReport) -> String {
    let name = serde_json::to_value(artifact.kind).unwrap();
    name.as_str().unwrap_or_default().to_owned()
}

fn verdict_of(artifact: &ArtifactReport) -> String {
    match artifact.class {
        Some(class) => format!("{}/{}", artifact.verdict.name(), Class::name(class)),
        None => artifact.verdict.name().to_owned(),
    }
}

fn told(case: &Case, lost: &Lost, path: &str, artifact: &ArtifactReport, what: &str) -> String {
    let reasons: Vec<String> = artifact
        .reasons
        .iter()
        .map(|reason| format!("    {}: {}", reason.code.name(), reason.text))
        .collect();
    let losses: Vec<String> = lost.texts.iter().map(|text| format!("  lost {text}")).collect();
    format!(
        "{case}: {what}\n  {path}: {} (reclaim {:?})\n{}\n{}\n  run it alone: LOSSES_CASE={case} cargo test --test losses",
        verdict_of(artifact),
        artifact.reclaim,
        losses.join("\n"),
        reasons.join("\n"),
    )
}
