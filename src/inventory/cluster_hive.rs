//! The database of a failover cluster, `CLUSDB`: a registry hive that every node and the disk witness keep.
//!
//! A resource of the type `Virtual Machine Configuration` names its VM by id and the folder that it is kept in (`VmID`,
//! `VmStoreRootPath`: documented by Microsoft). That is the list of the clustered VMs, also of those whose node was down.
//! Where cluster volumes stand is not documented: a path below `C:\ClusterStorage` and a volume GUID in one resource are
//! taken for names of one volume.
//!
//! The file is a copy of a moment, and the newest changes may stand in the logs beside it. What it lacks may be there.

use derelict_parsers::{
    Limits,
    regf::{self, Hive, Key},
};

use super::{
    ClusterVm, DatastoreRecord, InventoryKind, RegisteredObject,
    files::ImportError,
    part::{ObjectDraft, Origin, Part, Place, Source},
    values,
};

/// The bytes are a registry hive.
pub(super) fn is_hive(bytes: &[u8]) -> bool {
    bytes.starts_with(regf::SIGNATURE)
}

/// Reads a database.
pub(super) fn import(origin: &Origin, bytes: &[u8]) -> Result<Part, ImportError> {
    let damaged = |error: derelict_parsers::ParseError| ImportError::Damaged(error.to_string());
    let hive = Hive::read(bytes).map_err(damaged)?;
    let root = hive.root().map_err(damaged)?;
    let limits = Limits::default();
    let Some(resources) = root.subkey("Resources", &limits) else {
        return Err(ImportError::NotUnderstood(
            "a registry hive, but not that of a cluster (C:\\Windows\\Cluster\\CLUSDB)".to_owned(),
        ));
    };
    let name = root.value("ClusterName", &limits).and_then(|name| name.text());
    let mut reading = Reading {
        part: Part::new(origin, InventoryKind::ClusterDatabase, Source::named(name)),
        limits,
        file: origin.name(),
        damage: None,
    };
    reading.nodes(&root);
    let groups = reading.groups(&root);
    for resource in reading.keys(&resources) {
        reading.resource(&resource, &groups);
    }
    Ok(reading.finish(&hive))
}

/// A group of the cluster: its name and the ids of its resources.
struct Group {
    name: String,
    resources: Vec<String>,
}

struct Reading {
    part: Part,
    limits: Limits,
    file: String,
    damage: Option<String>,
}

impl Reading {
    fn keys<'a>(&mut self, key: &Key<'a>) -> Vec<Key<'a>> {
        let listed = key.subkeys(&self.limits);
        self.damage = self.damage.take().or(listed.damage.map(|error| error.to_string()));
        listed.items
    }

    fn text(&self, key: &Key<'_>, name: &str) -> Option<String> {
        let text = key.value(name, &self.limits)?.text()?;
        Some(text).filter(|text| !text.trim().is_empty())
    }

    /// The members of the cluster. That a VM is none of the cluster's keeps it on its node, so each node has to be asked.
    fn nodes(&mut self, root: &Key<'_>) {
        let Some(nodes) = root.subkey("Nodes", &self.limits) else {
            return;
        };
        for node in self.keys(&nodes) {
            self.part.member_nodes.extend(self.text(&node, "NodeName"));
        }
    }

    fn groups(&mut self, root: &Key<'_>) -> Vec<Group> {
        let Some(groups) = root.subkey("Groups", &self.limits) else {
            return Vec::new();
        };
        let keys = self.keys(&groups);
        let group = |key: Key<'_>| {
            let contains = key.value("Contains", &self.limits);
            Some(Group {
                name: self.text(&key, "Name")?,
                resources: contains.map(|contains| contains.texts()).unwrap_or_default(),
            })
        };
        keys.into_iter().filter_map(group).collect()
    }

    fn resource(&mut self, resource: &Key<'_>, groups: &[Group]) {
        let kind = self.text(resource, "Type").unwrap_or_default().to_ascii_lowercase();
        let parameters = resource.subkey("Parameters", &self.limits);
        let parameters = parameters.as_ref();
        match kind.as_str() {
            "virtual machine configuration" | "virtual machine" => self.vm(resource, parameters, groups),
            "virtual machine cluster wmi" => self.config_store(resource, parameters),
            "physical disk" => self.volume(resource, parameters),
            _ => {}
        }
    }

    fn vm(&mut self, resource: &Key<'_>, parameters: Option<&Key<'_>>, groups: &[Group]) {
        let parameter = |name: &str| self.text(parameters?, name);
        let Some(id) = parameter("VmID").as_deref().and_then(values::id) else {
            return;
        };
        let holds = |group: &&Group| group.resources.iter().any(|id| id.eq_ignore_ascii_case(&resource.name));
        let name = groups.iter().find(holds).map(|group| group.name.clone());
        let root = parameter("VmStoreRootPath");
        let vm = ClusterVm {
            id,
            name: name.or_else(|| self.text(resource, "Name")).unwrap_or_default(),
            root,
            state: None,
        };
        // The machine and its configuration are two resources of one VM.
        match self.part.cluster_vms.iter_mut().find(|known| known.id == id) {
            Some(known) => known.root = known.root.take().or(vm.root),
            None => self.part.cluster_vms.push(vm),
        }
    }

    /// The folder in which the cluster keeps configurations of its own.
    fn config_store(&mut self, resource: &Key<'_>, parameters: Option<&Key<'_>>) {
        let Some(path) = parameters.and_then(|key| self.text(key, "ConfigStoreRootPath")) else {
            return;
        };
        self.part.objects.push(ObjectDraft {
            object: RegisteredObject {
                class: "cluster-config".to_owned(),
                id: resource.name.clone(),
                name: "configuration store of the cluster".to_owned(),
                path: Some(path),
                folder: true,
                row: format!("{}: Resources\\{}", self.file, resource.name),
            },
            place: Place::Said,
        });
    }

    /// Names of a cluster volume: whatever value of its resource has the form of one.
    fn volume(&mut self, resource: &Key<'_>, parameters: Option<&Key<'_>>) {
        let own = resource.values(&self.limits).items;
        let more = parameters.map(|key| key.values(&self.limits).items).unwrap_or_default();
        let texts: Vec<String> = own.iter().chain(&more).flat_map(regf::Value::texts).collect();
        let Some(mount) = texts.iter().find(|text| is_cluster_volume(text)) else {
            return;
        };
        let mut record = DatastoreRecord {
            name: mount.trim_end_matches('\\').to_owned(),
            kind: Some("CSVFS".to_owned()),
            ..DatastoreRecord::default()
        };
        let volumes = texts
            .iter()
            .filter(|text| text.to_ascii_lowercase().starts_with(r"\\?\volume{"));
        volumes.for_each(|volume| record.add_alias(volume));
        self.part.datastores.push(record);
    }

    fn finish(mut self, hive: &Hive<'_>) -> Part {
        let file = &self.file;
        if let Some(damage) = &self.damage {
            let text =
                format!("{file}: the hive is damaged ({damage}), so VMs of the cluster may be missing; copy it again");
            self.part.warn_capping("truncated", text);
        }
        if hive.is_dirty {
            let text = format!(
                "{file}: it was copied while it was written, so its newest VMs may be missing; export Get-ClusterResource, or copy it from a snapshot"
            );
            self.part.warn("not-finished", text);
        }
        // A list that may lack VMs is no list of all; those that it has count.
        self.part.has_cluster_list = !hive.is_dirty && self.damage.is_none();
        self.part
    }
}

/// `C:\ClusterStorage\NAME`, perhaps with a backslash at its end.
fn is_cluster_volume(text: &str) -> bool {
    let text = text.trim_end_matches('\\').to_ascii_lowercase();
    let below = text.get(1..).and_then(|rest| rest.strip_prefix(r":\clusterstorage\"));
    below.is_some_and(|name| !name.is_empty() && !name.contains('\\'))
}
