//! What may be the parent of a disk that a registered VM misses; the decision stands in [`crate::reconcile::coverage`],
//! `lost.rs`.

use super::{Judge, Judgement, reasons::settled};
use crate::{
    path::fold,
    reconcile::{
        coverage::{GapItem, LostLink, Reach, is_base},
        files::NodeId,
    },
    report::codes::{Class, ReasonCode},
};

/// Words, as whole parts of a path or of a name, by which people call disks that others are made on.
const PARENT_WORDS: [&str; 13] = [
    "parent",
    "parents",
    "base",
    "basedisk",
    "master",
    "gold",
    "golden",
    "template",
    "templates",
    "reference",
    "replica",
    "sysprep",
    "differencing",
];

impl Judge<'_> {
    /// A disk of nobody that looks like a parent, while a VM of which something is left misses a disk that may have had
    /// one.
    pub(super) fn perhaps_parent_of_lost(&self, node: NodeId) -> Option<Judgement> {
        let (link, sign) = self
            .lost_links(node)
            .filter(|link| !link.is_of_ghost)
            .find_map(|link| Some((link, self.sign_of_parent(node, link)?)))?;
        let vm = &self.owners.vms[link.vm].name;
        let text = format!(
            "{vm} misses a disk that may have been made on this one: {sign}; {}",
            link.text
        );
        let settles = "the lost disk, or an inventory that tells its chain (Get-VHD, LayoutEx)";
        let mut judgement = Judgement::unknown(
            Class::AmbiguousReference,
            settled(ReasonCode::DiskUnreadable, text, settles),
        );
        let is_its = |gap: &GapItem| gap.text == link.text && matches!(gap.reach, Reach::Bases(_));
        judgement.gaps.extend(self.coverage.gaps.iter().position(is_its));
        Some(judgement)
    }

    /// True for a disk that must not be taken away before the lost disk of a VM is accounted for.
    pub(super) fn waits_for_lost(&self, node: NodeId) -> bool {
        self.lost_links(node)
            .any(|link| !link.is_of_ghost || self.sign_of_parent(node, link).is_some())
    }

    /// Lost disks whose parent this one may be. A copy of a disk that is in use is of no need to them.
    fn lost_links(&self, node: NodeId) -> impl Iterator<Item = &LostLink> {
        let file = self.file(node);
        let links = &self.coverage.lost.links;
        let may_be = !links.is_empty() && file.kind().is_disk() && is_base(file) && self.used_twin(node).is_none();
        let platform = file.kind().platform();
        let kind = file.kind();
        links
            .iter()
            .filter(move |link| may_be && platform == Some(link.platform) && link.may_stand_on(kind))
    }

    /// What makes a disk look like a parent: its access list, its place, clones on it or on its neighbours, its name, that
    /// nobody may write to it.
    fn sign_of_parent(&self, node: NodeId, link: &LostLink) -> Option<String> {
        let file = self.file(node);
        let place = (file.entry.root, file.folder().to_vec());
        let lost = &self.coverage.lost;
        if self.is_granted_to(node, link.vm) {
            return Some("its access list names that VM".to_owned());
        }
        if link.own_folder.as_ref() == Some(&place) {
            return Some("it lies in the folder of the lost disk".to_owned());
        }
        let folder = (place.0, fold(&String::from_utf8_lossy(&place.1)));
        if let Some(pools) = lost.parent_folders.get(&folder) {
            let mut text = "it lies in a folder of disks on which clones were made".to_owned();
            if pools.contains(&link.pool) {
                text.push_str(", and the lost disk lay beside these");
            }
            return Some(text);
        }
        if let Some(word) = parent_word(&self.path(node)) {
            return Some(format!("{word:?} in its path is a word for such disks"));
        }
        (file.entry.read_only && lost.writable_roots.contains(&file.entry.root))
            .then(|| "nobody may write to it, as is done with such disks".to_owned())
    }
}

/// The first word of a path by which people call parents.
fn parent_word(path: &str) -> Option<&'static str> {
    let path = fold(path);
    let mut words = path.split(|c: char| !c.is_alphanumeric());
    words.find_map(|word| PARENT_WORDS.into_iter().find(|known| *known == word))
}
