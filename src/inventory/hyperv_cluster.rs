//! Lists of a failover cluster: its roles, resources and nodes, and the VMs that they are of.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    ClusterVm, columns,
    json::Json,
    part::{NamedVm, Part},
};

/// Adds the cluster's resources of type `Virtual Machine Configuration`: every clustered VM, also one whose node was down.
pub(super) fn add_cluster(part: &mut Part, list: Json<'_>) {
    part.has_cluster_list = true;
    columns::of_cluster(part, &list.objects());
    let starts: BTreeSet<String> = list.objects().into_iter().filter_map(start_of_vms).collect();
    for resource in list.objects() {
        part.other_nodes.extend(owner_node(resource));
        let Some(id) = resource.get("vmId").id() else {
            part.named_vms
                .extend(vm_without_id(resource, &starts).map(NamedVm::Name));
            continue;
        };
        part.cluster_vms.push(ClusterVm {
            id,
            name: resource
                .first(&["ownerGroup.name", "ownerGroup", "name"])
                .string()
                .unwrap_or_default(),
            root: resource.first(&["vmStoreRootPath", "root"]).string(),
            state: resource.get("state").scalar(),
        });
    }
}

/// What the name of a resource with the id of a VM begins with before the name of its group, in the language of the node:
/// `Virtual Machine Configuration `.
fn start_of_vms(resource: Json<'_>) -> Option<String> {
    resource.get("vmId").id()?;
    let group = resource.first(&["ownerGroup.name", "ownerGroup"]).string()?;
    let name = resource.get("name").string()?;
    let start = name.strip_suffix(&group)?;
    (!start.trim().is_empty()).then(|| start.to_owned())
}

/// The name of a VM whose resource has no id, as where its parameters could not be read.
fn vm_without_id(resource: Json<'_>, starts: &BTreeSet<String>) -> Option<String> {
    let name = resource.get("name").string().unwrap_or_default();
    let kind = resource.first(&["resourceType.name", "resourceType"]).scalar();
    let is_type = kind.is_some_and(|kind| VM_RESOURCES.iter().any(|known| kind.eq_ignore_ascii_case(known)));
    let begins = starts.iter().any(|start| name.starts_with(start.as_str()));
    let is_vm = is_type || begins || name.starts_with("Virtual Machine ");
    let group = resource.first(&["ownerGroup.name", "ownerGroup"]).string();
    group.filter(|_| is_vm)
}

/// Adds the parameters of a cluster's resources, one in each row (`Get-ClusterResource | Get-ClusterParameter`).
pub(super) fn add_cluster_parameters(part: &mut Part, list: Json<'_>) {
    let mut resources: BTreeMap<String, (Option<Uuid>, Option<String>)> = BTreeMap::new();
    for parameter in list.objects() {
        let resource = parameter.first(&["clusterObject.name", "clusterObject"]).string();
        let (Some(resource), Some(name)) = (resource, parameter.get("name").string()) else {
            continue;
        };
        let (id, root) = resources.entry(resource).or_default();
        if name.eq_ignore_ascii_case("VmID") {
            *id = id.or(parameter.get("value").id());
        } else if name.eq_ignore_ascii_case("VmStoreRootPath") {
            *root = root.take().or(parameter.get("value").string());
        }
    }
    // Those of other resources may have been asked alone.
    part.has_cluster_list |= resources.values().any(|(id, _)| id.is_some());
    let vms = resources.into_iter().filter_map(|(name, (id, root))| {
        let name = name
            .strip_prefix("Virtual Machine Configuration ")
            .unwrap_or(&name)
            .to_owned();
        Some(ClusterVm {
            id: id?,
            name,
            root,
            state: None,
        })
    });
    part.cluster_vms.extend(vms);
}

/// True for an object of `Get-ClusterNode`: by properties of its own, or the bare name of a host with a state that only
/// nodes have.
pub(super) fn is_cluster_node(object: Json<'_>) -> bool {
    let of_node = ["nodeWeight", "dynamicWeight", "nodeHighestVersion", "drainStatus"];
    if of_node.iter().any(|name| object.has(name)) {
        return object.has("name") || object.has("nodeName");
    }
    let state = object.get("state").text().unwrap_or_default();
    let is_state = ["Up", "Down", "Joining"]
        .iter()
        .any(|known| state.eq_ignore_ascii_case(known));
    let name = object.get("name").string().unwrap_or_default();
    let is_host = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let of_others = [
        "path",
        "vmId",
        "ownerNode",
        "ownerGroup",
        "resourceType",
        "network",
        "address",
    ];
    is_state && is_host && !of_others.iter().any(|name| object.has(name))
}

/// Adds the members of a cluster, as `Get-ClusterNode` gives them: each may have VMs of its own.
pub(super) fn add_cluster_nodes(part: &mut Part, list: Json<'_>) {
    let names = list.objects().into_iter();
    part.other_nodes
        .extend(names.filter_map(|node| node.first(&["nodeName", "name"]).string()));
}

/// Types of the resources of a VM in a cluster; these names are not translated.
const VM_RESOURCES: [&str; 2] = ["Virtual Machine", "Virtual Machine Configuration"];

/// Adds roles and resources of a cluster that carry names but no ids of VMs (`Get-ClusterGroup`, raw
/// `Get-ClusterResource`).
pub(super) fn add_groups(part: &mut Part, list: Json<'_>, row: &str) {
    // The number of the type `VirtualMachine` in `GroupType` (S: CLUSGROUP_TYPE).
    const VM_GROUP: &str = "111";
    for group in list.objects() {
        part.other_nodes.extend(owner_node(group));
        let group_type = group.get("groupType").scalar();
        let resource_type = group
            .first(&["resourceType.name", "resourceType"])
            .scalar()
            .unwrap_or_default();
        let is_vm = group_type.is_some_and(|kind| kind == VM_GROUP || kind.eq_ignore_ascii_case("VirtualMachine"))
            || VM_RESOURCES
                .iter()
                .any(|known| resource_type.eq_ignore_ascii_case(known));
        let name = if group.has("groupType") {
            group.get("name")
        } else {
            group.first(&["ownerGroup.name", "ownerGroup"])
        };
        part.named_vms
            .extend(name.string().filter(|_| is_vm).map(NamedVm::Name));
    }
    part.warn(
        "no-vm-ids",
        format!(
            "{row}: the ids of the clustered VMs are not in it; add VmID and VmStoreRootPath with Get-ClusterParameter"
        ),
    );
}

pub(super) fn owner_node(object: Json<'_>) -> Option<String> {
    object.first(&["ownerNode.name", "ownerNode"]).string()
}
