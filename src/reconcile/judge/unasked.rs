//! Who was not asked: roots that no inventory covers, and files of a platform of which no inventory was given.

use super::{Judge, Judgement, reasons::settled, wanted::is_id};
use crate::{
    kind::Platform,
    path::{Mount, fold, parse_alias},
    reconcile::files::NodeId,
    report::{
        codes::{Class, ReasonCode},
        model::{Cover, Identity},
    },
};

/// Why nothing is nobody's, and what would settle it.
#[derive(Debug)]
pub(crate) struct Unasked {
    /// What is missing.
    pub(crate) finding: String,
    /// What the user may give.
    pub(crate) remedy: String,
}

impl Unasked {
    /// As the verdict of a file.
    pub(super) fn judgement(self) -> Judgement {
        Judgement::unknown(
            Class::NoCoverage,
            settled(ReasonCode::NoInventory, self.finding, &self.remedy),
        )
    }
}

impl Judge<'_> {
    /// Of a root that no inventory covers.
    pub(crate) fn uncovered(&self, root: usize) -> Option<Unasked> {
        if self.coverage.roots[root].cover != Cover::None {
            return None;
        }
        let name = &self.identities.roots[root].name;
        let all = "the inventories of all hosts that use this datastore";
        let (finding, remedy) = if self.world.inventories.is_empty() {
            let finding = if self.options.inventory_issues.is_empty() {
                "no inventory was given"
            } else {
                "none of the inventories could be read"
            };
            (finding.to_owned(), all.to_owned())
        } else if self.identities.roots[root].identity == Identity::Unknown {
            let finding = format!(
                "which datastore {name} is cannot be told: it has no alias, and what the inventories list is not found on it as they list it"
            );
            let remedy = match self.namesake(root) {
                Some(title) => format!("the alias {title} for this root, if it is that datastore"),
                None => format!(
                    "an alias for this root, or each datastore in it as a root, or, if it is none that they list, {all}"
                ),
            };
            (finding, remedy)
        } else {
            (format!("no inventory covers {name}"), all.to_owned())
        };
        Some(Unasked { finding, remedy })
    }

    /// A datastore of an inventory that no root is and of which one name is that of this root's folder.
    fn namesake(&self, root: usize) -> Option<String> {
        let name = fold(&self.identities.roots[root].name);
        let mut unplaced = self
            .identities
            .entities
            .iter()
            .filter(|entity| entity.roots.is_empty() && entity.within.is_empty());
        let is_named = |mount: &Mount| match mount {
            Mount::Label(own) | Mount::VolumeId(own) | Mount::ClusterVolume(own) => fold(own) == name,
            _ => false,
        };
        let namesake = unplaced.find(|entity| entity.names.iter().any(|(_, mount)| is_named(mount)))?;
        Some(namesake.title())
    }

    /// The platform of a file of which no inventory at all was given, where its hosts may reach the datastore too. VMFS, vSAN
    /// and virtual volumes are of ESXi alone, and no ESXi host mounts a cluster volume.
    pub(crate) fn unasked_platform(&self, node: NodeId) -> Option<Platform> {
        let platform = self.file(node).kind().platform()?;
        let mut lists = self.world.inventories.iter().filter(|list| list.has_vm_list);
        if self.options.assume_complete || lists.any(|list| list.platform == platform) {
            return None;
        }
        let is_of_other = |mount: &Mount| match platform {
            Platform::Hyperv => is_id(mount),
            Platform::Vmware => matches!(mount, Mount::ClusterVolume(_)),
        };
        let names = self.identities.roots[self.root(node)].aliases.iter();
        let mut mounts = names.filter_map(|name| parse_alias(name)?.mount);
        (!mounts.any(|mount| is_of_other(&mount))).then_some(platform)
    }

    /// Of the files of this platform on a root.
    pub(crate) fn without_platform(&self, root: usize, platform: Platform) -> Unasked {
        let title = platform.title();
        Unasked {
            finding: format!(
                "no inventory of {title} was given, whose VMs may use its files on {}",
                self.identities.roots[root].name
            ),
            remedy: format!(
                "the inventories of the {title} hosts that reach this datastore, or --assume-complete where there are none"
            ),
        }
    }
}
