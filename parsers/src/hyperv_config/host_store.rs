//! The list of what a host has registered: `data.vmcx` (R).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    parse_guid,
    paths::{self, KeyedPath, PathReference, PathRole, PathValues},
};
use crate::{
    error::Anomaly,
    text::EncodedText,
    vmcx::{KeyRef, KeyTree},
};

/// What a host has registered.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HostStore {
    /// Version of the list; 2 in real files.
    pub format_version: Option<i64>,
    /// Id of the list.
    pub registration_id: Option<Uuid>,
    /// VMs with the path of their configuration.
    pub virtual_machines: Vec<Registration>,
    /// VMs with the path of the host's reduced copy of their configuration.
    pub cached: Vec<Registration>,
    /// Resource types with the path of their description: no VMs.
    pub resource_types: Vec<Registration>,
    /// Paths under any other key (checkpoints, groups, planned VMs: not seen in real files yet).
    pub other_paths: Vec<KeyedPath>,
    /// Nothing is missing, as far as the file tells. While `false`, the host may have registered more.
    pub complete: bool,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Registration {
    /// The id that its key is named after; `None` where that is no id.
    pub id: Option<Uuid>,
    /// Path of its key in the tree.
    pub key: String,
    /// The path as written.
    pub path: EncodedText,
}

impl HostStore {
    /// The typed view of a tree with the root `Configurations`.
    pub fn from_tree(tree: &KeyTree) -> Self {
        let mut paths = PathValues::collect(tree);
        let mut store = match tree.root("Configurations") {
            Some(root) => Self {
                format_version: root.child("FormatVersion").and_then(KeyRef::as_int),
                registration_id: root.child("RegID").and_then(KeyRef::as_str).and_then(parse_guid),
                virtual_machines: registrations(root, "VirtualMachines", &mut paths),
                cached: registrations(root, "VirtualMachinesCache", &mut paths),
                resource_types: registrations(root, "ResourceTypes", &mut paths),
                ..Self::default()
            },
            None => Self::default(),
        };
        store.complete = tree.complete && !paths.overflow;
        store.other_paths = paths.finish(&mut store.anomalies).into_all();
        store
    }

    /// Every path that the list names, with what it is for.
    pub fn references(&self) -> Vec<PathReference> {
        let lists = [
            (&self.virtual_machines, PathRole::Config),
            (&self.cached, PathRole::HostFile),
            (&self.resource_types, PathRole::HostFile),
        ];
        lists
            .into_iter()
            .flat_map(|(list, role)| list.iter().map(move |entry| entry.reference(role)))
            .chain(paths::references(&self.other_paths))
            .collect()
    }
}

impl Registration {
    fn reference(&self, role: PathRole) -> PathReference {
        let Self { key, path, .. } = self.clone();
        KeyedPath { key, path }.reference(role)
    }
}

/// The entries below one key of the list, in their order.
fn registrations<'a>(root: KeyRef<'a>, list: &str, paths: &mut PathValues<'a>) -> Vec<Registration> {
    root.children_named(list)
        .flat_map(|list| list.children().map(move |key| (list, key)))
        .filter_map(|(list, key)| {
            Some(Registration {
                id: parse_guid(key.name()),
                key: format!("{}/{}/{}", root.name(), list.name(), key.name()),
                path: paths.take(Some(key))?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vmcx::Key;

    #[test]
    fn a_list_under_an_unknown_key_is_kept_as_paths() {
        let id = "_11111111-1111-1111-1111-11111111111A_";
        let root = Key::node(
            "Configurations",
            [
                Key::node(
                    "virtualmachines",
                    [Key::leaf(id, r"C:\a.vmcx"), Key::leaf("x", r"C:\b.vmcx")],
                ),
                Key::node("Snapshots", [Key::leaf(id, r"C:\Snapshots\a.vmcx")]),
                Key::node("VirtualMachines", [Key::leaf("empty", ""), Key::leaf("number", 1)]),
            ],
        );
        let store = HostStore::from_tree(&KeyTree::new(&[root], &[], true));
        let registered: Vec<_> = store
            .virtual_machines
            .iter()
            .map(|vm| (vm.id, vm.path.as_str()))
            .collect();
        assert_eq!(registered, [(parse_guid(id), r"C:\a.vmcx"), (None, r"C:\b.vmcx")]);
        assert_eq!(store.other_paths.len(), 1);
        let roles: Vec<_> = store.references().iter().map(|reference| reference.role).collect();
        assert_eq!(roles, [PathRole::Config; 3], "no path of the list is lost");
    }
}
