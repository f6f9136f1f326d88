//! What a scan may lose: a folder that cannot be listed, a file that cannot be opened or is left out.

use derelict::{
    catalogue::{Catalogue, Issue, SkipReason, Skipped, Stage},
    evidence::{Evidence, Mark, MarkCode, VmEvidence},
    kind::Platform,
    raw::RawPath,
};
use uuid::Uuid;

/// As `--exclude` leaves out one file.
pub(super) fn exclude(catalogue: &mut Catalogue, place: usize) {
    let artifact = catalogue.artifacts.remove(place);
    catalogue.roots[artifact.entry.root].skipped.push(Skipped {
        path: artifact.entry.path,
        folder: false,
        why: SkipReason::Excluded,
    });
}

pub(super) fn split(catalogue: &Catalogue, path: &str) -> (usize, String) {
    let (root, rest) = path.split_once('/').unwrap();
    let place = catalogue
        .roots
        .iter()
        .position(|record| record.path.name() == root.as_bytes())
        .unwrap();
    (place, rest.to_owned())
}

pub(super) fn find(catalogue: &Catalogue, path: &str) -> usize {
    let (root, rest) = split(catalogue, path);
    catalogue
        .artifacts
        .iter()
        .position(|artifact| artifact.entry.root == root && artifact.entry.path == RawPath::from(rest.as_str()))
        .unwrap_or_else(|| panic!("{path} is no artifact"))
}

pub(super) fn hide_folder(catalogue: &mut Catalogue, root: usize, folder: &[u8]) {
    let prefix = [folder, b"/"].concat();
    let inside = |of: usize, path: &RawPath| of == root && path.as_bytes().starts_with(&prefix);
    catalogue
        .artifacts
        .retain(|artifact| !inside(artifact.entry.root, &artifact.entry.path));
    catalogue.bystanders.retain(|entry| !inside(entry.root, &entry.path));
    catalogue
        .specials
        .retain(|special| !inside(special.root, &special.path));
    catalogue.issues.push(Issue {
        root: Some(root),
        path: RawPath::new(folder.to_vec()),
        stage: Stage::Crawl,
        error: "permission denied".to_owned(),
        folder: true,
    });
}

pub(super) fn make_unreadable(catalogue: &mut Catalogue, place: usize) {
    let artifact = &mut catalogue.artifacts[place];
    let text = "the file could not be read: permission denied".to_owned();
    let mut evidence = Evidence::default();
    if artifact.kind.is_config() {
        let mut vm = VmEvidence::of(artifact.kind.platform().unwrap_or(Platform::Vmware));
        vm.opaque = Some(text.clone());
        if vm.platform == Platform::Hyperv {
            let name = artifact.entry.path.lossy().into_owned();
            let name = name.rsplit('/').next().unwrap_or_default();
            vm.instance_id = name.get(..36).and_then(|id| Uuid::try_parse(id).ok());
        }
        evidence.vm = Some(Box::new(vm));
    }
    evidence.marks.push(Mark {
        code: MarkCode::Unreadable,
        text: text.clone(),
        offset: None,
    });
    artifact.evidence = evidence;
    let (root, path) = (artifact.entry.root, artifact.entry.path.clone());
    catalogue.issues.push(Issue {
        root: Some(root),
        path,
        stage: Stage::Read,
        error: text,
        folder: false,
    });
}
