//! A catalogue of which a folder cannot be listed or a file cannot be opened, as a scan without the rights for it makes it.

use derelict::{
    catalogue::{Catalogue, Issue, Stage},
    evidence::{Evidence, Mark, MarkCode, VmEvidence},
    kind::Platform,
    raw::RawPath,
};
use uuid::Uuid;

/// What the crawl says of a folder that it may not list.
pub(crate) fn hide_folder(catalogue: &mut Catalogue, root: usize, folder: &[u8]) {
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

/// What the reading says of a file that it may not open.
pub(crate) fn make_unreadable(catalogue: &mut Catalogue, place: usize) {
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
