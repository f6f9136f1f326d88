//! `service` and `system`: objects that a service lists, and places that owner rules name.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use uuid::Uuid;

use super::{
    Judge, Judgement,
    attribution::CHAIN_LINKS_MAX,
    reasons::{settled, unchecked},
};
use crate::{
    catalogue::Catalogue,
    inventory::{Inventory, RegisteredObject},
    kind::{Kind, Role},
    path::{Mount, fold, stem},
    raw::RawPath,
    reconcile::{
        Options,
        coverage::{host_uuid, is_host},
        files::NodeId,
        identity::Identities,
        own::{self, OwnerVm, Owners, Via, World},
        signs::{self, Freshness, source_of, statement},
    },
    report::{
        codes::{Class, ReasonCode},
        model::{Cover, Owner, OwnerKind, Reason, Reclaim, Verdict, Weight},
    },
    rules::{Rule, Subject},
};

/// Folder of the store of Hyper-V Replica, folded.
pub(crate) const REPLICA_STORE: &str = "hyper-v replica/";

/// The rule that matches each file.
pub(crate) fn match_rules<'a>(
    catalogue: &Catalogue,
    world: World<'_>,
    identities: &Identities,
    options: &'a Options,
) -> Vec<Option<&'a Rule>> {
    let mut platforms = vec![Vec::new(); catalogue.roots.len()];
    for artifact in &catalogue.artifacts {
        if let Some(platform) = artifact.kind.platform()
            && !platforms[artifact.entry.root].contains(&platform)
        {
            platforms[artifact.entry.root].push(platform);
        }
    }
    let roots = 0..catalogue.roots.len();
    let on_datastore = |root: usize| options.rules.on_datastore(&identities.names_of(root), &platforms[root]);
    let on_datastores: Vec<Vec<bool>> = roots.clone().map(on_datastore).collect();
    let above: Vec<String> = roots.map(|root| folders_above(identities, root)).collect();
    let own_names: Vec<BTreeSet<String>> = (0..catalogue.roots.len())
        .map(|root| folder_names(identities, root))
        .collect();
    let of_folder = |(root, folder, nodes): (usize, &[u8], &[NodeId])| {
        let names = nodes.iter().map(|&node| world.files.name(node));
        let counting = options.rules.in_folder(&on_datastores[root], names);
        // Its own path first, then those by the names that links give it.
        let mut folders = vec![folder.to_vec()];
        folders.extend(world.files.other_paths(root, folder));
        let folders = folders.iter().map(|folder| folder_text(&above[root], folder));
        let mut folders: Vec<String> = folders.collect();
        // What a share or a volume is for may be in its own name.
        let below_name = |name| folder_text(&format!("{name}/{}", above[root]), folder);
        folders.extend(own_names[root].iter().map(below_name));
        let rule = |&node: &NodeId| {
            let name = String::from_utf8_lossy(world.files.nodes[node].entry.path.name());
            let found = |folder: &String| {
                options.rules.find(Subject {
                    path: &format!("{folder}{name}"),
                    kind: world.files.nodes[node].kind(),
                    counting: &counting,
                })
            };
            Some((node, folders.iter().find_map(found)?))
        };
        nodes.iter().filter_map(rule).collect::<Vec<_>>()
    };
    let matched: Vec<(NodeId, &Rule)> = world.files.folders().into_par_iter().flat_map_iter(of_folder).collect();
    let mut found = vec![None; world.files.nodes.len()];
    for (node, rule) in matched {
        found[node] = Some(rule);
    }
    found
}

/// A folder below those above its root, with a slash at its end where it is not the top.
fn folder_text(above: &str, folder: &[u8]) -> String {
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{above}{}{slash}", String::from_utf8_lossy(folder))
}

/// The names of a share or a cluster volume, which are those of a folder on its server or below `C:\ClusterStorage`. A `$` at the
/// end hides a share.
fn folder_names(identities: &Identities, root: usize) -> BTreeSet<String> {
    let entities = identities.roots[root].entities.iter();
    let mounts = entities.flat_map(|&entity| &identities.entities[entity].names);
    let names = mounts.filter_map(|(_, mount)| match mount {
        Mount::Share { share, .. } => Some(share.trim_end_matches('$')),
        Mount::ClusterVolume(name) => Some(name.as_str()),
        _ => None,
    });
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The folders of the datastore in which a root lies, where it is not the top of it.
fn folders_above(identities: &Identities, root: usize) -> String {
    let entities = identities.roots[root].entities.iter();
    let mut places = entities.flat_map(|&entity| &identities.entities[entity].roots);
    let below_top = places.find(|(held, parts)| *held == root && !parts.is_empty());
    below_top.map(|(_, parts)| parts.join("/") + "/").unwrap_or_default()
}

impl Judge<'_> {
    /// `owned`, `service` and `system`: what stands on something found.
    pub(super) fn by_owner(&self, node: NodeId) -> Option<Judgement> {
        let vms = self.registered_owners(node);
        if !vms.is_empty() {
            return Some(self.owned(node, &vms));
        }
        if let Some(objects) = self.owners.objects_of.get(&node)
            && !self.is_left_by_library(node)
        {
            return Some(self.of_service_object(node, objects));
        }
        // A lock goes with its target, whose owner may be another than the rule of the place (V79).
        let target = self.locks.target.get(&node);
        let follows_target =
            self.file(node).kind() == Kind::VmLock && target.is_some_and(|&target| self.reported[target]);
        let rule = self.rules[node].filter(|rule| rule.verdict != Verdict::Unknown && !follows_target);
        if let Some(rule) = rule {
            return (!self.is_leaked(node, rule.class)).then(|| self.by_rule(node, rule));
        }
        if own::is_host_store(self.world.files, node) {
            let text = "the list of VMs of a Hyper-V host: registration evidence, no VM".to_owned();
            let reason = statement(ReasonCode::OwnerRule, text, None, Weight::For);
            return Some(Judgement::new(Verdict::System, Some(Class::HostStore), vec![reason]));
        }
        if self.file(node).kind() == Kind::DatastoreSystem {
            let reason = statement(
                ReasonCode::OwnerRule,
                "a file of the datastore or the host by its name".to_owned(),
                None,
                Weight::For,
            );
            return Some(Judgement::new(
                Verdict::System,
                Some(Class::DatastoreService),
                vec![reason],
            ));
        }
        let (base, fcd) = self.first_class_disk(node)?;
        let by_id = self.listed_by_id(node);
        if self.fcd_listed(node) && !self.is_on_listed_disk(node) && by_id.is_none() {
            return None;
        }
        let text = if base == node {
            format!("its descriptor carries the id {fcd} of a First Class Disk")
        } else {
            let base = self.path_beside(base, node);
            format!(
                "a snapshot of {base}, which carries the id {fcd} of a First Class Disk: what is written goes to the snapshot"
            )
        };
        let mut judgement = Judgement::new(
            Verdict::Service,
            Some(Class::Fcd),
            vec![statement(
                ReasonCode::FirstClassDisk,
                text,
                Some(source_of(self.world.files, base, None)),
                Weight::For,
            )],
        );
        judgement.reasons.extend(by_id.map(|row| self.listed_id_reason(row)));
        judgement.owners.insert(Owner {
            kind: OwnerKind::Service,
            id: fcd.to_owned(),
            name: format!("First Class Disk {fcd}"),
        });
        Some(judgement)
    }

    /// V16, V19: the row of a list that has the id of the First Class Disk which this is or stands on, while the file of no such
    /// row is there: the list of a datastore is a cache, a list of volumes has no paths, and a disk moves with its VM.
    fn listed_by_id(&self, node: NodeId) -> Option<(usize, usize)> {
        if self.owners.placeless_disks.is_empty() {
            return None;
        }
        let described_by = self.references.into(node).find(|edge| edge.role == Role::Extent);
        let disk = described_by.map_or(node, |edge| edge.from);
        let id = self.first_class_disk(disk).and_then(|(_, id)| Uuid::try_parse(id).ok());
        // The file of one is named after its id.
        let by_name = || Uuid::try_parse(stem(self.world.files.name(disk))).ok();
        self.owners.placeless_disks.get(&id.or_else(by_name)?).copied()
    }

    fn listed_id_reason(&self, (inventory, row): (usize, usize)) -> Reason {
        let inventory = &self.world.inventories[inventory];
        let object = &inventory.objects[row];
        let text = format!("a list has its id: {} {}", object.class, object.name);
        let source = format!("{}, {}", inventory.source, object.row);
        statement(ReasonCode::ServiceObject, text, Some(source), Weight::For)
    }

    pub(super) fn of_service_object(&self, node: NodeId, objects: &[usize]) -> Judgement {
        let mut judgement = Judgement::new(Verdict::Service, None, Vec::new());
        for &index in objects {
            let object = &self.owners.objects[index];
            let inventory = &self.world.inventories[object.row.0];
            let listed = &inventory.objects[object.row.1];
            judgement.class = judgement.class.or_else(|| class_by_name(&listed.class));
            judgement.owners.insert(Owner {
                kind: OwnerKind::Service,
                id: listed.id.clone(),
                name: listed.name.clone(),
            });
            let source = format!("{}, {}", inventory.source, listed.row);
            let text = format!("{} {} is registered as {}", listed.class, listed.name, listed.id);
            judgement
                .reasons
                .push(statement(ReasonCode::ServiceObject, text, Some(source), Weight::For));
        }
        // Several lists name one object; the file that names this one is told once.
        let objects_of_node = objects.iter().map(|&index| &self.owners.objects[index]);
        let ways: BTreeSet<usize> = objects_of_node
            .filter_map(|object| match object.files.get(&node) {
                Some(Via::Edge(place)) => Some(*place),
                _ => None,
            })
            .collect();
        let ways = ways
            .into_iter()
            .map(|place| self.edge_reason(&self.references.edges[place]));
        judgement.reasons.extend(ways);
        judgement.class = judgement.class.or(Some(Class::CustomRule));
        self.doubt_claims(node, objects, &mut judgement);
        judgement
    }

    /// V16, V18: the catalogue of vCenter outlives the cluster that made a volume, and a First Class Disk the volume.
    fn doubt_claims(&self, node: NodeId, objects: &[usize], judgement: &mut Judgement) {
        let has_class = |class: Class| {
            let mut listed = objects.iter().map(|&index| self.owners.listed(self.world, index));
            listed.any(|object| object.class == class.name())
        };
        let doubt = if has_class(Class::CnsVolume) && !objects.iter().any(|&index| self.is_persistent_volume(index)) {
            "only CNS claims it, whose entries outlive their cluster: no list of persistent volumes that was given names it"
        } else if has_class(Class::Fcd) && objects.iter().all(|&index| self.is_unclaimed(index)) {
            "neither CNS nor a list of persistent volumes names this First Class Disk"
        } else {
            return;
        };
        judgement.reclaim = Reclaim::Review;
        let settles = "kubectl get pv -o json of the cluster that it was made for";
        judgement.reasons.push(unchecked(doubt.to_owned(), settles));
        judgement
            .reasons
            .extend(self.age_reason(node, &signs::unit(self.references, node)));
    }

    /// A list of persistent volumes names the object, by its id or by its file.
    pub(super) fn is_persistent_volume(&self, object: usize) -> bool {
        self.is_claimed_as(object, Class::KubernetesVolume)
    }

    /// V16: lists of CNS or of persistent volumes were given, and none names this First Class Disk.
    pub(crate) fn is_unclaimed(&self, object: usize) -> bool {
        let listed = self.owners.listed(self.world, object);
        let lists = |inventory: usize, class: Class| {
            let key = (inventory, class.name().to_owned());
            self.owners.listed_classes.contains(&key)
        };
        let was_asked = lists(self.owners.objects[object].row.0, Class::CnsVolume)
            || (0..self.world.inventories.len()).any(|inventory| lists(inventory, Class::KubernetesVolume));
        listed.class == Class::Fcd.name()
            && was_asked
            && !self.is_claimed_as(object, Class::CnsVolume)
            && !self.is_claimed_as(object, Class::KubernetesVolume)
    }

    fn is_claimed_as(&self, object: usize, class: Class) -> bool {
        let id = fold(&self.owners.listed(self.world, object).id);
        let files = &self.owners.objects[object].files;
        let mut others = files.keys().flat_map(|node| &self.owners.objects_of[node]);
        self.owners.claims.contains(&(class.name().to_owned(), id))
            || others.any(|&other| self.owners.listed(self.world, other).class == class.name())
    }

    /// V82: a dump or scratch folder that bears the UUID of a host which no inventory lists although all hosts are listed.
    /// A name behind `.locker-` is what somebody typed and proves nothing.
    ///
    /// A host has several ids, and which of them names the file is not confirmed: only where another file of the kind on
    /// this datastore bears the listed UUID of a host is a stranger one of a host that is gone.
    fn is_of_gone_host(&self, node: NodeId) -> bool {
        let root = self.root(node);
        let cover = &self.coverage.roots[root];
        let Some(written) = host_uuid(&self.path(node)) else {
            return false;
        };
        let hosts: Vec<Option<Uuid>> = cover
            .inventories
            .iter()
            .flat_map(|&inventory| &self.world.inventories[inventory].hosts)
            .map(|host| host.uuid)
            .collect();
        let is_listed = |id: Uuid| hosts.iter().flatten().any(|&listed| is_host(listed, id));
        let are_in_time = || {
            let mut inventories = cover.inventories.iter().map(|&index| &self.world.inventories[index]);
            inventories.all(|inventory| {
                let listed = inventory.surely_listed(Class::HostScratch.name(), |_| true);
                self.would_be_listed(node, listed, inventory.surely_collected())
            })
        };
        cover.cover == Cover::Complete
            && are_in_time()
            && hosts.iter().all(Option::is_some)
            && !is_listed(written)
            && (0..self.world.files.nodes.len())
                .filter(|&other| self.root(other) == root)
                .any(|other| host_uuid(&self.path(other)).is_some_and(is_listed))
    }

    pub(super) fn by_rule(&self, node: NodeId, rule: &Rule) -> Judgement {
        let mut reason = statement(
            ReasonCode::OwnerRule,
            rule.reason.clone(),
            Some(format!("rule {}", rule.id)),
            Weight::For,
        );
        if rule.verdict == Verdict::Service {
            reason.settles = Some("an export of that service, or the rule switched off with --rules".to_owned());
        }
        let mut judgement = Judgement::new(rule.verdict, Some(rule.class), vec![reason]);
        let by_id = self.listed_by_id(node).filter(|_| rule.class == Class::Fcd);
        judgement.reasons.extend(by_id.map(|row| self.listed_id_reason(row)));
        if rule.class == Class::BoshDisk {
            judgement
                .reasons
                .extend(self.age_reason(node, &signs::unit(self.references, node)));
        }
        if rule.class == Class::ImageCache
            && let Some(folder) = self.ageing_mark(node)
        {
            judgement.reclaim = Reclaim::Review;
            let text = format!("the folder {folder} beside it says that the service itself found the image unused");
            judgement
                .reasons
                .push(statement(ReasonCode::LeftBehind, text, Some(folder), Weight::Against));
        }
        let kind = if rule.verdict == Verdict::System {
            OwnerKind::System
        } else {
            OwnerKind::Service
        };
        let name = match self
            .file(node)
            .evidence()
            .and_then(|evidence| evidence.disk.as_ref())
            .and_then(|disk| disk.fcd_id.clone())
        {
            Some(fcd) => format!("First Class Disk {fcd}"),
            None => rule.class.name().to_owned(),
        };
        judgement.owners.insert(Owner {
            kind,
            id: rule.id.clone(),
            name,
        });
        judgement
    }

    /// V32: Nova puts an empty folder `ts-<time>` into the folder of an image that no instance uses.
    fn ageing_mark(&self, node: NodeId) -> Option<String> {
        let folder = self.file(node).folder();
        let mut empty = self.catalogue.roots[self.root(node)].empty_folders.iter();
        let mark = empty.find(|mark| mark.folder().as_bytes() == folder && mark.name().starts_with(b"ts-"))?;
        Some(mark.lossy().into_owned())
    }

    /// H-C20: a place of somebody whose inventory would name the owner: it is not judged without that.
    pub(super) fn by_place_of_others(&self, node: NodeId) -> Option<Judgement> {
        let rule = self.rules[node].filter(|rule| rule.verdict == Verdict::Unknown)?;
        let mut reason = statement(
            ReasonCode::OwnerRule,
            rule.reason.clone(),
            Some(format!("rule {}", rule.id)),
            Weight::For,
        );
        reason.settles = Some("the inventory of the site or product that this belongs to".to_owned());
        Some(Judgement::unknown(rule.class, reason))
    }

    /// H-C5: the base disk of a machine catalogue of Citrix MCS, by the word that it has in its name; between updates no VM
    /// and no child may have it. (The names of MCS on Hyper-V are not confirmed; on VMware the flag of the descriptor
    /// decides, V28.)
    pub(super) fn mcs_base(&self, node: NodeId) -> Option<Judgement> {
        let file = self.file(node);
        let disk = file.evidence()?.disk.as_ref()?;
        let is_base = matches!(file.kind(), Kind::Vhd | Kind::Vhdx) && !disk.has_parent;
        let has_child = || self.references.into(node).any(|edge| edge.role == Role::Parent);
        if !is_base || !fold(&self.path(node)).contains("-basedisk-") || has_child() {
            return None;
        }
        let text = "named like the base disk of a machine catalogue of Citrix MCS, which between updates no VM names"
            .to_owned();
        let mut reason = statement(
            ReasonCode::OwnerRule,
            text,
            Some("rule mcs-base".to_owned()),
            Weight::For,
        );
        reason.settles = Some("the catalogue of Citrix: Get-ProvScheme names the base disk in use".to_owned());
        let mut judgement = Judgement::new(Verdict::Service, Some(Class::McsBase), vec![reason]);
        judgement.reclaim = Reclaim::Review;
        judgement.owners.insert(Owner {
            kind: OwnerKind::Service,
            id: "mcs-base".to_owned(),
            name: "Citrix MCS".to_owned(),
        });
        Some(judgement)
    }

    /// H-A5, H-A14: the Host Compute Service of a host has a VM or container of the id that this file bears, in its
    /// configuration, its name or a folder.
    pub(super) fn of_compute_system(&self, node: NodeId) -> Option<Judgement> {
        let systems = &self.traces.systems;
        if systems.is_empty() {
            return None;
        }
        let path = fold(&self.path(node));
        let config = own::vm_evidence(self.world.files, node).and_then(|vm| vm.checkpoint_of.or(vm.instance_id));
        let config = config.map(|id| id.to_string());
        let stem = |part: &str| part.split('.').next().unwrap_or_default().to_owned();
        let mut ids = config.into_iter().chain(path.split('/').map(stem));
        let (inventory, system) = ids.find_map(|id| systems.get(id.as_str()).copied())?;
        let owner = system.owner.as_deref().unwrap_or("somebody");
        let text = format!(
            "a host has the {} {} of {owner}: {}",
            fold(&system.kind),
            system.id,
            system.state
        );
        let source = format!("{}, {}", inventory.source, system.row);
        let reason = statement(ReasonCode::ComputeSystem, text, Some(source), Weight::For);
        let (verdict, class) = match (fold(&system.kind).as_str(), fold(owner).as_str()) {
            (_, owner) if owner.starts_with("wsl") => (Verdict::Service, Class::Wsl),
            ("container", _) => (Verdict::Service, Class::ContainerLayer),
            _ => (Verdict::InUse, Class::Locked),
        };
        let mut judgement = Judgement::new(verdict, Some(class), vec![reason]);
        if verdict == Verdict::Service {
            judgement.owners.insert(Owner {
                kind: OwnerKind::Service,
                id: system.id.clone(),
                name: owner.to_owned(),
            });
        }
        Some(judgement)
    }

    /// V16, V22, V82: the list of those that the file may belong to was given, and none of them is left.
    pub(super) fn is_leaked(&self, node: NodeId, class: Class) -> bool {
        match class {
            Class::Fcd => {
                self.fcd_listed(node)
                    && self.file(node).kind() != Kind::DatastoreSystem
                    && !self.is_on_listed_disk(node)
                    && self.listed_by_id(node).is_none()
            }
            Class::ContentLibrary => {
                let cover = &self.coverage.roots[self.root(node)];
                self.is_left_by_library(node)
                    || !cover.inventories.is_empty()
                        && !self.is_in_listed_library(node)
                        && cover.inventories.iter().all(|&inventory| {
                            let inventory = &self.world.inventories[inventory];
                            let listed = inventory.surely_listed(class.name(), |_| true);
                            inventory.has_library_list
                                && self.would_be_listed(node, listed, inventory.surely_collected())
                                && inventory
                                    .objects
                                    .iter()
                                    .any(|object| object.class == Class::ContentLibrary.name() && object.path.is_some())
                        })
            }
            Class::HypervReplica => self.is_left_by_replication(node),
            Class::PvsStore => self.is_unlisted_version(node),
            Class::HostScratch => self.is_of_gone_host(node),
            _ => false,
        }
    }

    /// V22: it lies in the folder of a library that a list names by its id. Where the library is stored no list may tell: one
    /// that is stored by an address (`storage_uri`) has no datastore.
    fn is_in_listed_library(&self, node: NodeId) -> bool {
        let objects = self.world.inventories.iter().flat_map(|inventory| &inventory.objects);
        let libraries = objects.filter(|object| object.class == Class::ContentLibrary.name() && object.folder);
        let ids: BTreeSet<String> = libraries.map(|object| fold(&object.id)).collect();
        let bears_id = |part: &[u8]| {
            let part = fold(&String::from_utf8_lossy(part));
            part.strip_prefix("contentlib-").is_some_and(|id| ids.contains(id))
        };
        let own = self.file(node).entry.path.as_bytes().to_vec();
        let mut paths = self.world.files.other_paths(self.root(node), &own);
        paths.push(own);
        !ids.is_empty() && paths.iter().any(|path| path.split(|&byte| byte == b'/').any(bears_id))
    }

    /// V22: it lies in the folder of an item of a content library whose items are listed, and is of none of them. What lies
    /// in the folder of the library itself is of the library. One library has one id in all lists: the newest of them decides.
    fn is_left_by_library(&self, node: NodeId) -> bool {
        let Some(objects) = self.owners.objects_of.get(&node) else {
            return false;
        };
        let is_library = |&index: &usize| {
            self.owners.folders_told.contains(&index)
                && self.owners.listed(self.world, index).class == Class::ContentLibrary.name()
        };
        let listed = |&index: &usize| {
            let inventory = &self.world.inventories[self.owners.objects[index].row.0];
            inventory.surely_listed(Class::ContentLibrary.name(), |_| true)
        };
        let newest = objects.iter().filter_map(listed).max();
        let folder = self.file(node).entry.path.folder();
        objects.iter().all(is_library) && !folder.name().starts_with(b"contentlib-") && self.in_time(node, newest)
    }

    /// H-E13: a whole VM in the store of Hyper-V Replica whose server's inventory was given, for that registers another VM
    /// in this store: the relationship was removed and the VM stayed.
    fn is_left_by_replication(&self, node: NodeId) -> bool {
        let store_of = |node: NodeId| {
            let path = fold(&self.path(node));
            path.find(REPLICA_STORE).map(|start| path[..start].to_owned())
        };
        let Some(store) = store_of(node) else { return false };
        let in_store =
            |config: NodeId| self.root(config) == self.root(node) && store_of(config).as_ref() == Some(&store);
        let owned_by_config = self
            .owners
            .vms_of
            .get(node)
            .is_some_and(|vms| vms.iter().any(|&vm| self.owners.vms[vm].config.is_some_and(in_store)));
        let mut registered = self.owners.vms.iter().filter(|vm| !vm.rows.is_empty());
        owned_by_config && registered.any(|vm| vm.config.is_some_and(in_store))
    }

    /// H-E12: a VM waits for the first copy of its replication, and this disk bears its name. The first copy of a large VM
    /// comes on a disk, which lies anywhere until it is imported. The trap wants `service/hyper-v-replica`; a name owns
    /// nothing, so that the disk is not judged.
    pub(super) fn perhaps_first_copy(&self, node: NodeId) -> Option<Judgement> {
        let file = self.file(node);
        let has_parent = || {
            let disk = file.evidence().and_then(|evidence| evidence.disk.as_ref());
            disk.is_some_and(|disk| disk.has_parent)
        };
        if self.awaited.is_empty() || !matches!(file.kind(), Kind::Vhd | Kind::Vhdx) || has_parent() {
            return None;
        }
        let covering = &self.coverage.roots[self.root(node)].inventories;
        let mut awaited = self.awaited.iter().filter(|awaited| covering.contains(&awaited.row.0));
        let (inventory, row) = awaited.find(|awaited| awaited.may_be(&file.entry.path))?.row;
        let inventory = &self.world.inventories[inventory];
        let text = format!(
            "the replication of {} waits for its first copy, and this bears its name: it may be that copy on its way",
            inventory.vms[row].name
        );
        let mut reason = settled(
            ReasonCode::ServiceObject,
            text,
            "a newer Get-VMReplication that shows the copy as complete",
        );
        reason.source = Some(format!("{}, {}", inventory.source, inventory.vms[row].row));
        Some(Judgement::unknown(Class::ServiceUnlisted, reason))
    }

    /// H-C4: a version of a vDisk of Citrix Provisioning that the list of its versions does not name, although it names
    /// another one beside it. Only that list (Get-PvsDiskVersion) gives bare names of files.
    fn is_unlisted_version(&self, node: NodeId) -> bool {
        let class = Class::PvsStore.name();
        let is_version = |object: &&RegisteredObject| object.class == class && !object.folder && object.path.is_none();
        let objects = self.world.inventories.iter().flat_map(|inventory| &inventory.objects);
        let listed: BTreeSet<String> = objects.filter(is_version).map(|object| fold(&object.id)).collect();
        // Stores have vDisks of one name: which list is of this one is not told.
        let is_in_time = |inventory: &Inventory| {
            let taken = inventory.surely_listed(class, |_| true);
            !inventory.objects.iter().any(|object| is_version(&object)) || self.in_time(node, taken)
        };
        let file = self.file(node);
        let names = &self.world.files;
        let is_named_beside = |&other: &NodeId| {
            listed.contains(names.name(other)) && vdisk_of(names.name(other)) == vdisk_of(names.name(node))
        };
        file.kind().is_disk()
            && !listed.contains(names.name(node))
            && names
                .in_folder(file.entry.root, file.folder())
                .iter()
                .any(is_named_beside)
            && self.world.inventories.iter().all(is_in_time)
    }

    /// A list of things that are no VM is as new as the newest inventory here, or newer than this file.
    pub(super) fn in_time(&self, node: NodeId, listed: Option<Timestamp>) -> bool {
        self.would_be_listed(node, listed, self.coverage.roots[self.root(node)].sure)
    }

    /// A list that speaks up to `listed` would name this file, if it is of anybody: it was written before and at its place, with the
    /// margin for clocks. What is newer than all is left to the question that is asked with the time of the inventories, so that a list
    /// which is no older than these (`taken`) needs no other.
    fn would_be_listed(&self, node: NodeId, listed: Option<Timestamp>, taken: Option<Timestamp>) -> bool {
        let Some(listed) = listed else { return false };
        let is_older = || {
            let unit = signs::unit(self.references, node);
            signs::last_written(self.world.files, &unit).is_some()
                && signs::freshness(self.world.files, self.arrivals, &unit, Some(listed)) == Freshness::Old
        };
        taken.is_some_and(|taken| listed >= taken) || is_older()
    }

    /// The disk of a chain that carries the id of a First Class Disk, and that id: snapshots of it do not repeat it.
    fn first_class_disk(&self, node: NodeId) -> Option<(NodeId, &str)> {
        self.down_the_chain(node).into_iter().find_map(|link| {
            let disk = self.file(link).evidence()?.disk.as_ref()?;
            Some((link, disk.fcd_id.as_deref()?))
        })
    }

    /// It stands on a disk that the list of a service names, or holds the data of one that does: a list names the disk,
    /// not its snapshots.
    fn is_on_listed_disk(&self, node: NodeId) -> bool {
        let described_by = self.references.into(node).find(|edge| edge.role == Role::Extent);
        let chain = self.down_the_chain(described_by.map_or(node, |edge| edge.from));
        chain.iter().any(|link| self.owners.objects_of.contains_key(link))
    }

    /// A disk and what it stands on, down to the base.
    fn down_the_chain(&self, node: NodeId) -> Vec<NodeId> {
        let mut chain = vec![node];
        let parent_of = |child: NodeId| self.references.of(child).find(|edge| edge.role == Role::Parent);
        while let Some(parent) = chain.last().and_then(|&child| parent_of(child))
            && chain.len() < CHAIN_LINKS_MAX
            && !chain.contains(&parent.to)
        {
            chain.push(parent.to);
        }
        chain
    }

    /// Every covering inventory lists the First Class Disks of this datastore, or another export of its vCenter does, in time: a
    /// list says nothing of what was made since.
    pub(super) fn fcd_listed(&self, node: NodeId) -> bool {
        let root = self.root(node);
        let labels = self.identities.names_of(root);
        let cover = &self.coverage.roots[root];
        let is_here = |scope: &str| scope == "*" || labels.contains(&fold(scope));
        let knows = |source: &usize| {
            let inventory = &self.world.inventories[*source];
            let is_listed = inventory.fcd_scope.iter().any(|scope| is_here(scope));
            is_listed && self.in_time(node, inventory.surely_listed(Class::Fcd.name(), is_here))
        };
        !cover.inventories.is_empty()
            && cover.inventories.iter().all(|&inventory| {
                let mut sources = (0..self.world.inventories.len())
                    .filter(|&other| other == inventory || self.owners.same_source.contains(&(inventory, other)));
                sources.any(|source| knows(&source))
            })
    }
}

/// A VM whose replication waits for its first copy, which may come as files on a disk or share (H-E12).
#[derive(Debug)]
pub(crate) struct Awaited {
    /// Its inventory and row.
    row: (usize, usize),
    /// Its name and id, as the folder of an export bears them.
    names: Vec<String>,
    /// The names of its disks, which a copy keeps.
    disks: BTreeSet<String>,
}

impl Awaited {
    /// True for a disk of such a name, or in a folder that bears the name or id of the VM.
    fn may_be(&self, path: &RawPath) -> bool {
        let bears = |part: &[u8]| {
            let part = fold(&String::from_utf8_lossy(part));
            let mut names = self.names.iter();
            names.any(|name| {
                part.strip_prefix(name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
            })
        };
        self.disks.contains(&fold(&String::from_utf8_lossy(path.name()))) || path.folder().parts().any(bears)
    }
}

/// The VMs whose replication waits for its first copy.
pub(crate) fn awaited(world: World<'_>, owners: &Owners) -> Vec<Awaited> {
    let waits = |&&(inventory, row): &&(usize, usize)| world.inventories[inventory].vms[row].awaits_copy;
    let of_vm = |vm: &OwnerVm| {
        let &row = vm.rows.iter().find(waits)?;
        let id = world.inventories[row.0].vms[row.1].instance_id;
        let there = vm
            .files
            .keys()
            .filter(|&&node| world.files.nodes[node].kind().is_disk());
        let there = there.map(|&node| world.files.name(node).to_owned());
        let missing = vm.missing.iter().filter(|missing| missing.role == Role::Disk);
        let missing = missing.map(|missing| {
            let name = missing.path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
            fold(&String::from_utf8_lossy(name))
        });
        let names = [Some(fold(&vm.name)), id.map(|id| id.to_string())];
        Some(Awaited {
            row,
            names: names.into_iter().flatten().filter(|name| !name.is_empty()).collect(),
            disks: there.chain(missing).collect(),
        })
    };
    owners.vms.iter().filter_map(of_vm).collect()
}

/// The vDisk that a file of a store is a version of: its name without extension and number of the version.
fn vdisk_of(name: &str) -> &str {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    match stem.rsplit_once('.') {
        Some((vdisk, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => vdisk,
        _ => stem,
    }
}

fn class_by_name(name: &str) -> Option<Class> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}
