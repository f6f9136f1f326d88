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
        let root = self.file(node).entry.root;
        let may_be_clone = |link: &LostLink| !link.is_of_ghost && link.may_be_clone_of_disk_on(root);
        let (link, sign) = self
            .tied_child(node, |link| !link.is_of_ghost)
            .or_else(|| self.child_of_any_parent(node, may_be_clone))?;
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
        let reach = Reach::Bases(link.platform);
        let is_its = |gap: &GapItem| gap.code == ReasonCode::DiskUnreadable && gap.reach == reach;
        judgement.gaps.extend(self.coverage.gaps.iter().position(is_its));
        Some(judgement)
    }

    /// True for a disk that must not be taken away before the lost disk of a VM is accounted for.
    pub(super) fn waits_for_lost(&self, node: NodeId) -> bool {
        self.lost_links(node).any(|link| !link.is_of_ghost)
            || self.child_of_any_parent(node, |_| true).is_some()
            || self.tied_child(node, |_| true).is_some()
    }

    /// True for a disk that looks like a parent while a place was not read: what nobody registers may lie there, made on it.
    pub(super) fn may_be_below_stranger(&self, node: NodeId) -> bool {
        let file = self.file(node);
        let mut gaps = self.coverage.lowering(self.world.files, node);
        file.kind().is_disk()
            && is_base(file)
            && gaps.any(|gap| gap.code == ReasonCode::FolderUnreadable)
            && self.used_twin(node).is_none()
            && self.sign_of_any_parent(node).is_some()
    }

    /// True for a disk on which some lost disk may have been made.
    pub(super) fn may_be_below_lost(&self, node: NodeId) -> bool {
        self.lost_links(node).next().is_some()
    }

    /// True for a disk that may be one which a VM misses, under another name: no id tells. A copy of a disk that is in use is none.
    pub(super) fn may_be_lost_itself(&self, node: NodeId) -> bool {
        let mut gaps = self.coverage.lowering(self.world.files, node);
        gaps.any(is_of_lost_data) && self.used_twin(node).is_none()
    }

    /// The first lost disk of which the folder, the VM or the pool ties this one to it, and what does.
    fn tied_child(&self, node: NodeId, is_asked: impl Fn(&LostLink) -> bool) -> Option<(&LostLink, String)> {
        let file = self.file(node);
        let lost = &self.coverage.lost;
        let pools = lost.parent_folders.get(&self.folded_folder(node));
        let vms = self.granted_vms(node);
        let near = lost.near((file.entry.root, file.folder()), &vms, pools);
        let link = self.may_be_parent(node, near).find(|link| is_asked(link))?;
        Some((link, self.sign_of_parent(node, link)?))
    }

    /// The first lost disk of which this one may be the parent because it looks like the parent of any, and why it does.
    fn child_of_any_parent(&self, node: NodeId, is_asked: impl Fn(&LostLink) -> bool) -> Option<(&LostLink, String)> {
        let sign = self.sign_of_any_parent(node)?;
        let link = self.lost_links(node).find(|link| is_asked(link))?;
        Some((link, sign))
    }

    /// Lost disks whose parent this one may be. A copy of a disk that is in use is of no need to them.
    fn lost_links(&self, node: NodeId) -> impl Iterator<Item = &LostLink> {
        self.may_be_parent(node, self.coverage.lost.links.iter())
    }

    fn may_be_parent<'a>(
        &self,
        node: NodeId,
        links: impl Iterator<Item = &'a LostLink>,
    ) -> impl Iterator<Item = &'a LostLink> {
        let file = self.file(node);
        let any = !self.coverage.lost.links.is_empty();
        let may_be = any && file.kind().is_disk() && is_base(file) && self.used_twin(node).is_none();
        let platform = file.kind().platform().filter(|_| may_be);
        let kind = file.kind();
        links.filter(move |link| platform == Some(link.platform) && link.may_stand_on(kind))
    }

    /// What makes a disk look like the parent of a lost one: its access list, its place, or what makes it look like the
    /// parent of any.
    fn sign_of_parent(&self, node: NodeId, link: &LostLink) -> Option<String> {
        let file = self.file(node);
        if self.granted_vms(node).contains(&link.vm) {
            return Some("its access list names that VM".to_owned());
        }
        let own_folder = link.own_folder.as_ref();
        if own_folder.is_some_and(|(root, folder)| *root == file.entry.root && folder == file.folder()) {
            return Some("it lies in the folder of the lost disk".to_owned());
        }
        let pools = self.coverage.lost.parent_folders.get(&self.folded_folder(node));
        if pools.is_some_and(|pools| pools.contains(&link.pool)) {
            let text = "it lies in a folder of disks on which clones were made, and the lost disk lay beside these";
            return Some(text.to_owned());
        }
        self.sign_of_any_parent(node)
    }

    fn folded_folder(&self, node: NodeId) -> (usize, String) {
        let file = self.file(node);
        (file.entry.root, fold(&String::from_utf8_lossy(file.folder())))
    }

    /// What makes a disk look like a parent: its name, where its clones are not known to lie elsewhere, and that nobody may
    /// write to it.
    fn sign_of_any_parent(&self, node: NodeId) -> Option<String> {
        let (file, lost) = (self.file(node), &self.coverage.lost);
        let has_clones = lost.parent_folders.contains_key(&self.folded_folder(node));
        if let Some(word) = parent_word(&self.path(node)).filter(|_| !has_clones) {
            return Some(format!("{word:?} in its path is a word for such disks"));
        }
        (file.entry.read_only && lost.writable_roots.contains(&file.entry.root))
            .then(|| "nobody may write to it, as is done with such disks".to_owned())
    }
}

/// True for what is said of disks that VMs miss and of which no id is told.
pub(super) fn is_of_lost_data(gap: &GapItem) -> bool {
    gap.code == ReasonCode::TargetGone && gap.lowers && matches!(gap.reach, Reach::Bases(_))
}

/// The first word of a path by which people call parents.
fn parent_word(path: &str) -> Option<&'static str> {
    let path = fold(path);
    let mut words = path.split(|c: char| !c.is_alphanumeric());
    words.find_map(|word| PARENT_WORDS.into_iter().find(|known| *known == word))
}
