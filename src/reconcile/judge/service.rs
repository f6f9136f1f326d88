//! `service` and `system`: objects that a service lists, and places that owner rules name.

use std::collections::BTreeSet;

use super::{Judge, Judgement};
use crate::{
    catalogue::Catalogue,
    kind::Kind,
    path::fold,
    reconcile::{
        Options,
        files::NodeId,
        identity::Identities,
        own::{self, Via, World},
        signs::{source_of, statement},
    },
    report::{
        codes::{Class, ReasonCode},
        model::{Owner, OwnerKind, Verdict, Weight},
    },
    rules::{Rule, Subject},
};

/// Folder of the store of Hyper-V Replica, folded.
const REPLICA_STORE: &str = "hyper-v replica/";

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
    let mut found = vec![None; world.files.nodes.len()];
    for (root, folder, nodes) in world.files.folders() {
        let company = options.rules.company(nodes.iter().map(|&node| world.files.name(node)));
        let above = identities.roots[root]
            .entities
            .iter()
            .find_map(|&entity| {
                identities.entities[entity]
                    .roots
                    .iter()
                    .find(|(held, parts)| *held == root && !parts.is_empty())
            })
            .map(|(_, parts)| parts.join("/") + "/")
            .unwrap_or_default();
        let folder = String::from_utf8_lossy(folder).into_owned();
        for &node in nodes {
            let name = String::from_utf8_lossy(world.files.nodes[node].entry.path.name()).into_owned();
            let path = if folder.is_empty() {
                format!("{above}{name}")
            } else {
                format!("{above}{folder}/{name}")
            };
            let subject = Subject {
                path: &path,
                kind: world.files.nodes[node].kind(),
                company: &company,
                platforms: &platforms[root],
            };
            found[node] = options.rules.find(subject);
        }
    }
    found
}

impl Judge<'_> {
    /// `owned`, `service` and `system`: what stands on something found.
    pub(super) fn by_owner(&self, node: NodeId) -> Option<Judgement> {
        let vms: Vec<usize> = self
            .owners
            .vms_of
            .get(&node)
            .into_iter()
            .flatten()
            .copied()
            .filter(|&vm| self.owners.vms[vm].is_registered())
            .collect();
        if !vms.is_empty() {
            return Some(self.owned(node, &vms));
        }
        if let Some(objects) = self.owners.objects_of.get(&node) {
            return Some(self.of_service_object(node, objects));
        }
        if let Some(rule) = self.rules[node] {
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
        let fcd = self.file(node).evidence()?.disk.as_ref()?.fcd_id.as_deref()?;
        if self.fcd_listed(node) {
            return None;
        }
        let text = format!("its descriptor carries the id {fcd} of a First Class Disk");
        let mut judgement = Judgement::new(
            Verdict::Service,
            Some(Class::Fcd),
            vec![statement(
                ReasonCode::FirstClassDisk,
                text,
                Some(source_of(self.world.files, node, None)),
                Weight::For,
            )],
        );
        judgement.owners.insert(Owner {
            kind: OwnerKind::Service,
            id: fcd.to_owned(),
            name: format!("First Class Disk {fcd}"),
        });
        Some(judgement)
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
            if let Some(Via::Edge(place)) = object.files.get(&node) {
                judgement.reasons.push(self.edge_reason(&self.references.edges[*place]));
            }
        }
        judgement.class = judgement.class.or(Some(Class::CustomRule));
        judgement
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

    /// V16, V22: the catalogue of the service was given and does not name the file.
    pub(super) fn is_leaked(&self, node: NodeId, class: Class) -> bool {
        match class {
            Class::Fcd => self.fcd_listed(node) && self.file(node).kind() != Kind::DatastoreSystem,
            Class::ContentLibrary => {
                let cover = &self.coverage.roots[self.root(node)];
                !cover.inventories.is_empty()
                    && cover.inventories.iter().all(|&inventory| {
                        let inventory = &self.world.inventories[inventory];
                        inventory.has_library_list
                            && inventory
                                .objects
                                .iter()
                                .any(|object| object.class == Class::ContentLibrary.name() && object.path.is_some())
                    })
            }
            Class::HypervReplica => self.is_left_by_replication(node),
            _ => false,
        }
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
            .get(&node)
            .is_some_and(|vms| vms.iter().any(|&vm| self.owners.vms[vm].config.is_some_and(in_store)));
        let mut registered = self.owners.vms.iter().filter(|vm| !vm.rows.is_empty());
        owned_by_config && registered.any(|vm| vm.config.is_some_and(in_store))
    }

    /// Every covering inventory lists the First Class Disks of this datastore.
    pub(super) fn fcd_listed(&self, node: NodeId) -> bool {
        let root = self.root(node);
        let name = fold(&self.identities.roots[root].name);
        let labels: BTreeSet<String> = self.identities.roots[root]
            .entities
            .iter()
            .flat_map(|&entity| {
                self.identities.entities[entity]
                    .names
                    .iter()
                    .map(|(_, mount)| fold(&mount.to_string()))
            })
            .chain([name])
            .collect();
        let cover = &self.coverage.roots[root];
        !cover.inventories.is_empty()
            && cover.inventories.iter().all(|&inventory| {
                self.world.inventories[inventory]
                    .fcd_scope
                    .iter()
                    .any(|scope| scope == "*" || labels.contains(&fold(scope)))
            })
    }
}

fn class_by_name(name: &str) -> Option<Class> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}
