//! The same site with something taken away from it.

use std::collections::BTreeSet;

use derelict::{
    catalogue::Catalogue,
    inventory::Inventory,
    raw::RawPath,
    reconcile::{Options, Told, reconcile},
    report::{
        codes::Class,
        model::{Report, Verdict},
    },
};

use super::{catalogue::exclude, judged::Judged};
use crate::unreadable::{hide_folder, make_unreadable};

/// A report that outlives what it is made of.
fn kept(report: Report<Told<'_>>) -> Report {
    report.listed()
}

/// The same evidence with parts taken away.
pub(super) struct Views<'a> {
    pub(super) inventories: &'a [Inventory],
    pub(super) options: &'a Options,
    pub(super) roots: &'a [(String, Vec<String>)],
}

impl Views<'_> {
    pub(super) fn judge(&self, catalogue: &Catalogue, inventories: &[Inventory]) -> Judged {
        let report = reconcile(catalogue, inventories, self.options, kept);
        let report = report.unwrap_or_else(|| unreachable!("nobody asked for the end"));
        Judged::new(report, self.roots)
    }

    /// Without any inventory only what needs none is nobody's (design, *Coverage*).
    pub(super) fn without_inventories(&self, catalogue: &Catalogue) {
        let judged = self.judge(catalogue, &[]);
        judged.check("without inventories");
        for (path, artifact) in &judged.artifacts {
            let class = artifact.class.map(Class::name);
            let needs_none =
                artifact.verdict == Verdict::Orphaned && matches!(class, Some("stale-lock" | "leftover-sidecar"));
            let said = matches!(artifact.verdict, Verdict::Orphaned | Verdict::Unregistered);
            assert!(
                !said || needs_none,
                "without inventories {path} is nobody's: {}",
                judged.explain(path)
            );
        }
    }

    /// Takes away one thing after the other: what was owned must not become nobody's, and what was only not looked at is
    /// not missing.
    pub(super) fn take_away(&self, catalogue: &Catalogue, before: &Judged) {
        let needed: BTreeSet<&String> = before
            .artifacts
            .iter()
            .filter(|(_, artifact)| artifact.verdict == Verdict::Owned)
            .map(|(path, _)| path)
            .collect();
        let look = |what: String, catalogue: &Catalogue| {
            let judged = self.judge(catalogue, self.inventories);
            judged.check(&what);
            for (path, artifact) in &judged.artifacts {
                let nobody = matches!(artifact.verdict, Verdict::Orphaned | Verdict::Unregistered);
                assert!(
                    !(nobody && needed.contains(path)),
                    "{what}, {path} becomes nobody's\n{}",
                    judged.explain(path)
                );
            }
            judged
        };
        let look_without = |what: String, hidden: &RawPath, catalogue: &Catalogue| {
            let judged = look(what.clone(), catalogue);
            let missing = judged.called_missing(&hidden.lossy());
            assert_eq!(missing, Vec::<&str>::new(), "{what}, this is called missing");
        };
        for (root, folder) in folders_of(catalogue) {
            let name = format!("{} of {}", String::from_utf8_lossy(&folder), self.roots[root].0);
            let mut changed = catalogue.clone();
            hide_folder(&mut changed, root, &folder);
            look_without(format!("with {name} unreadable"), &RawPath::new(folder), &changed);
        }
        for (place, artifact) in catalogue.artifacts.iter().enumerate() {
            let name = artifact.entry.path.lossy();
            if artifact.kind.is_config() || artifact.kind.is_disk() {
                let mut changed = catalogue.clone();
                make_unreadable(&mut changed, place);
                look_without(format!("with {name} unreadable"), &artifact.entry.path, &changed);
            }
            let mut changed = catalogue.clone();
            exclude(&mut changed, place);
            look_without(format!("with {name} excluded"), &artifact.entry.path, &changed);
        }
        if self.roots.len() > 1 {
            for root in 0..self.roots.len() {
                let mut changed = catalogue.clone();
                changed.artifacts.retain(|artifact| artifact.entry.root != root);
                changed.bystanders.retain(|entry| entry.root != root);
                changed.specials.retain(|special| special.root != root);
                // The root itself stays, so that the numbers of the others do not change, and is some empty folder.
                changed.roots[root].aliases = vec![format!("another-{root}")];
                look(format!("without {}", self.roots[root].0), &changed);
            }
        }
    }
}

fn folders_of(catalogue: &Catalogue) -> BTreeSet<(usize, Vec<u8>)> {
    catalogue
        .artifacts
        .iter()
        .map(|artifact| (artifact.entry.root, artifact.entry.path.folder().as_bytes().to_vec()))
        .filter(|(_, folder)| !folder.is_empty())
        .collect()
}
