//! `govc … -json`, in the dialect of version 0.30 and before (`Self.Value`) and of later ones (`self.value`).
//!
//! `object.collect` writes a stream of objects with the changes of each: they are put together to the object that
//! `vm.info` writes whole, so that both are read by [`super::vi`].

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    RegisteredObject, columns,
    json::Json,
    moment::Moment,
    part::{ObjectDraft, Part, Place},
    text::unescape_name,
    vi,
};
use crate::path::label_and_rest;

/// The command whose output holds all that is needed.
pub(super) const COMMAND: &str = "govc object.collect -json -type m / name config.uuid config.instanceUuid config.template config.files config.hardware.device layoutEx snapshot summary.config.vmPathName runtime.connectionState runtime.host";

/// Adds one object of `object.collect`: what it is stands beside its changes.
pub(super) fn add_collected(part: &mut Part, document: Json<'_>, row: String) {
    if document.get("kind").text() == Some("leave") {
        return;
    }
    add_object(part, document.get("obj"), document.get("changeSet"), row);
}

/// Adds the objects of a `RetrieveResult` of the API.
pub(super) fn add_retrieved(part: &mut Part, document: Json<'_>, row: &str) {
    for (index, object) in document.get("objects").objects().into_iter().enumerate() {
        add_object(
            part,
            object.get("obj"),
            object.get("propSet"),
            format!("{row} objects[{index}]"),
        );
    }
    if document.get("token").text().is_some() {
        part.warn_capping(
            "truncated",
            format!("{row}: the API gave a token for more objects, so VMs may be missing; collect them all"),
        );
    }
}

/// Adds the configuration of one VM, which is no list of VMs.
pub(super) fn add_configuration(part: &mut Part, document: Json<'_>, row: &str) {
    let mut draft = vi::vm(Json(&json!({"config": document.0})), row.to_owned());
    draft.listed = false;
    part.vms.push(draft);
}

fn add_object(part: &mut Part, reference: Json<'_>, properties: Json<'_>, row: String) {
    let mut object = assembled(properties);
    object.insert("self".to_owned(), reference.0.clone());
    let object = Value::Object(object);
    match reference.get("type").text() {
        Some("VirtualMachine") => {
            part.has_vm_list = true;
            add_vm(part, Json(&object), row);
        }
        Some("Datastore") => add_datastore(part, Json(&object)),
        Some("HostSystem") => add_host(part, Json(&object)),
        Some(_) if !is_like_vm(Json(&object)) => {}
        _ => warn_of_unclear_type(part, &row),
    }
}

/// True for an object that has what only a VM has, whatever it says that it is.
fn is_like_vm(object: Json<'_>) -> bool {
    let id = object.at("self.value").text().unwrap_or_default();
    object.has("layoutEx")
        || object.at("config.files").is_object()
        || object.at("summary.config.vmPathName").text().is_some()
        || id.starts_with("vm-")
}

fn warn_of_unclear_type(part: &mut Part, row: &str) {
    part.warn_capping(
        "left-out",
        format!("{row}: what object it is of is not said, so a VM may be missing; export with {COMMAND}"),
    );
}

/// Adds the changes of one object that was asked for by its path, which are not named. One VM is no list of VMs.
pub(super) fn add_changes(part: &mut Part, changes: Json<'_>, row: String) {
    let object = Value::Object(assembled(changes));
    let object = Json(&object);
    let is_vm = ["layoutEx", "config", "runtime"]
        .iter()
        .any(|member| object.has(member));
    if is_vm && !object.at("config.fileSystemVolume").is_object() {
        add_vm(part, object, row);
        if let Some(draft) = part.vms.last_mut() {
            draft.listed = false;
        }
    }
}

/// Adds the objects of `vm.info`, `datastore.info` and `host.info`.
pub(super) fn add_info(part: &mut Part, document: Json<'_>, row: &str) {
    let machines = document.get("virtualMachines");
    part.has_vm_list |= document.has("virtualMachines");
    for (index, object) in machines.objects().into_iter().enumerate() {
        add_vm(part, object, format!("{row} virtualMachines[{index}]"));
    }
    for object in document.get("datastores").objects() {
        add_datastore(part, object);
    }
    for object in document.get("hostSystems").objects() {
        add_host(part, object);
    }
}

/// Adds objects without the wrapper of `vm.info`, as `jq` takes them out of it. One VM alone is no list of VMs.
pub(super) fn add_objects(part: &mut Part, list: Json<'_>, row: &str) {
    let is_list = list.0.is_array();
    for (index, object) in list.objects().into_iter().enumerate() {
        match object.at("self.type").text().unwrap_or_default() {
            "VirtualMachine" => {
                part.has_vm_list |= is_list;
                add_vm(part, object, object.row_name(row, index));
                if let Some(draft) = part.vms.last_mut() {
                    draft.listed = is_list;
                }
            }
            "Datastore" => add_datastore(part, object),
            "HostSystem" => add_host(part, object),
            _ if is_like_vm(object) => warn_of_unclear_type(part, &object.row_name(row, index)),
            _ => {}
        }
    }
}

/// Code of the warning that a list is of one folder.
pub(super) const ONE_FOLDER: &str = "one-folder";

/// Adds the VMs, datastores and hosts among the elements of `ls`. It lists one folder, not all VMs.
pub(super) fn add_elements(part: &mut Part, document: Json<'_>, row: &str) {
    for (index, element) in document.get("elements").objects().into_iter().enumerate() {
        let object = element.get("object");
        let kind = object.at("self.type").text().unwrap_or_default();
        match kind {
            "VirtualMachine" => {
                part.has_vm_list = true;
                add_vm(part, object, format!("{row} elements[{index}]"));
                if let Some(draft) = part.vms.last_mut() {
                    let path = element.get("path").text();
                    let folder = path.and_then(|path| path.rsplit_once('/')).map(|(folder, _)| folder);
                    draft.vm.inventory_folder = folder.map(unescape_name);
                }
            }
            "Datastore" => add_datastore(part, object),
            "HostSystem" => add_host(part, object),
            _ => {}
        }
    }
    if !part.vms.is_empty() {
        part.warn_capping(
            ONE_FOLDER,
            format!("{row}: govc ls lists the VMs of one folder; VMs of other folders, vApps and datacenters are missing; export with {COMMAND}"),
        );
    }
}

/// Adds a VM, and its time to the time of the export: it was made when or after vCenter looked at the VM last.
fn add_vm(part: &mut Part, object: Json<'_>, row: String) {
    if let Some(time) = vi::layout_time(object) {
        part.said = part.said.max(Some(Moment::exact(time)));
        part.said_is_floor = true;
    }
    columns::of_vms(part, &[object]);
    part.vms.push(vi::vm(object, row));
}

/// Adds a datastore, and the VMs that it holds files of: no list of VMs may lack one of them.
fn add_datastore(part: &mut Part, object: Json<'_>) {
    let Some(datastore) = vi::datastore(object) else { return };
    columns::of_datastores(part, &[object]);
    let vms = object.get("vm").items().into_iter().filter_map(vi::moref);
    part.vms_on_datastores
        .extend(vms.map(|vm| (datastore.name.clone(), vm)));
    part.datastores.push(datastore);
}

fn add_host(part: &mut Part, object: Json<'_>) {
    part.has_host_list = true;
    let Some(host) = vi::host(object) else { return };
    part.datastores.extend(vi::mounts(
        object.at("config.fileSystemVolume.mountInfo"),
        Some(&host.name),
    ));
    part.hosts.push(host);
}

/// Adds the volumes of one host that is not named.
pub(super) fn add_mounts(part: &mut Part, list: Json<'_>) {
    part.datastores.extend(vi::mounts(list, None));
}

/// Adds First Class Disks of `disk.ls`, and the datastores that it was asked about as far as its rows tell.
pub(super) fn add_disks(part: &mut Part, document: Json<'_>, row: &str) {
    let disks = document.get("objects").objects();
    if disks.is_empty() {
        part.warn(
            "empty-disk-list",
            format!("{row}: no First Class Disk is listed; of which datastore that is true the export does not say"),
        );
    }
    let mut labels = Vec::new();
    let mut pathless = 0_usize;
    for (index, disk) in disks.into_iter().enumerate() {
        let config = disk.get("config");
        let path = config.at("backing.filePath").string();
        pathless = pathless.saturating_add(usize::from(path.is_none()));
        let Some(id) = config.first(&["id.id", "id"]).string().or_else(|| path.clone()) else {
            continue;
        };
        if let Some(label) = path.as_deref().and_then(label) {
            labels.push(label.to_owned());
        }
        part.objects.push(ObjectDraft {
            object: RegisteredObject {
                class: "fcd".to_owned(),
                name: config.get("name").string().unwrap_or_else(|| id.clone()),
                id,
                path,
                folder: false,
                row: format!("{row} objects[{index}]"),
            },
            place: Place::Said,
        });
    }
    if pathless == 0 {
        part.fcd_scope.extend(most_frequent(labels));
    } else {
        // Any file may be the one of which the path is missing.
        part.warn(
            "no-disk-paths",
            format!("{row}: {pathless} First Class Disks have no path, so none is called leaked; list them again"),
        );
    }
}

/// The datastore that a list of First Class Disks is of: that of most of its rows. The file of a disk moves to another one with
/// the VM that it is attached to, and a few such rows do not tell that the other was asked.
fn most_frequent(labels: Vec<String>) -> Option<String> {
    let all = labels.len();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for label in labels {
        let count = counts.entry(label).or_default();
        *count = count.saturating_add(1);
    }
    let mut most = counts.into_iter().filter(|(_, count)| count.saturating_mul(2) > all);
    most.next().map(|(label, _)| label)
}

/// The label of a datastore path.
pub(super) fn label(path: &str) -> Option<&str> {
    label_and_rest(path).map(|(label, _)| label)
}

/// Adds CNS volumes of `volume.ls`.
pub(super) fn add_volumes(part: &mut Part, document: Json<'_>, row: &str) {
    for (index, volume) in document.first(&["volume", "volumes"]).objects().into_iter().enumerate() {
        let Some(id) = volume.first(&["volumeId.id", "volumeId"]).text() else {
            continue;
        };
        let details = volume.get("backingObjectDetails");
        part.objects.push(ObjectDraft {
            object: RegisteredObject {
                class: "cns-volume".to_owned(),
                id: id.to_owned(),
                name: volume_name(volume, id),
                path: details.first(&["backingDiskPath", "backingDiskUrlPath"]).string(),
                folder: false,
                row: format!("{row} volume[{index}]"),
            },
            place: Place::Said,
        });
    }
}

/// The name of a volume with the cluster that claims it.
fn volume_name(volume: Json<'_>, id: &str) -> String {
    let name = volume.get("name").text().unwrap_or(id);
    let cluster = volume.at("metadata.containerCluster");
    match (cluster.get("clusterType").text(), cluster.get("clusterId").text()) {
        (Some(kind), Some(cluster)) => format!("{name} of the cluster {cluster} ({kind})"),
        (None, Some(cluster)) => format!("{name} of the cluster {cluster}"),
        _ => name.to_owned(),
    }
}

/// Adds content libraries of `library.ls` and `library.info`: the folder of each on each of its datastores.
pub(super) fn add_libraries(part: &mut Part, list: Json<'_>, row: &str) {
    part.has_library_list = true;
    for (index, library) in list.objects().into_iter().enumerate() {
        let Some(id) = library.get("id").text() else { continue };
        let object = RegisteredObject {
            class: "content-library".to_owned(),
            id: id.to_owned(),
            name: library.get("name").text().unwrap_or(id).to_owned(),
            path: None,
            folder: true,
            row: format!("{row}[{index}]"),
        };
        let stores: Vec<&str> = library
            .get("storage_backings")
            .objects()
            .into_iter()
            .filter_map(|backing| backing.get("datastore_id").text())
            .collect();
        if stores.is_empty() {
            part.objects.push(ObjectDraft {
                object: object.clone(),
                place: Place::Said,
            });
        }
        part.objects.extend(stores.into_iter().map(|store| ObjectDraft {
            object: object.clone(),
            place: Place::Datastore {
                moref: store.to_owned(),
                folder: format!("contentlib-{id}"),
            },
        }));
    }
}

/// Adds items of `library.info LIBRARY/*`: a folder in that of their library.
pub(super) fn add_library_items(part: &mut Part, list: Json<'_>, row: &str) {
    for (index, item) in list.objects().into_iter().enumerate() {
        let Some(id) = item.get("id").text() else { continue };
        let library = item.get("library_id").text();
        part.objects.push(ObjectDraft {
            object: RegisteredObject {
                class: "content-library".to_owned(),
                id: id.to_owned(),
                name: item.get("name").text().unwrap_or(id).to_owned(),
                path: None,
                folder: true,
                row: format!("{row}[{index}]"),
            },
            place: library.map_or(Place::Said, |library| Place::Library {
                id: library.to_owned(),
                folder: id.to_owned(),
            }),
        });
    }
}

/// Deepest property path that is put together. The API has none with more than a handful of parts.
const MAX_PROPERTY_DEPTH: usize = 16;

/// The object that a list of changes describes: each value at the path of its name.
fn assembled(changes: Json<'_>) -> Map<String, Value> {
    let mut object = Map::new();
    for change in changes.objects() {
        if let Some(name) = change.get("name").text() {
            let value = unwrapped(change.get("val").0.clone());
            let parts: Vec<&str> = name.split('.').take(MAX_PROPERTY_DEPTH.saturating_add(1)).collect();
            if parts.len() <= MAX_PROPERTY_DEPTH {
                insert(&mut object, &parts, value);
            }
        }
    }
    object
}

/// A list or a single value in its wrapper: `{"_value": …}`, in the old dialect `{"VirtualDevice": […]}`.
fn unwrapped(value: Value) -> Value {
    let Value::Object(mut members) = value else {
        return value;
    };
    let own_list = |key: &str| {
        ["file", "disk", "snapshot"]
            .iter()
            .any(|name| key.eq_ignore_ascii_case(name))
    };
    let wrapper = members
        .iter()
        .find(|(key, value)| *key == "_value" || value.is_array() && members.len() == 1 && !own_list(key))
        .map(|(key, _)| key.clone());
    match wrapper.and_then(|key| members.remove(&key)) {
        Some(list) => list,
        None => Value::Object(members),
    }
}

fn insert(object: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [name] => {
            object.insert((*name).to_owned(), value);
        }
        [name, rest @ ..] => {
            let member = object
                .entry((*name).to_owned())
                .or_insert_with(|| Value::Object(Map::new()));
            if !member.is_object() {
                *member = Value::Object(Map::new());
            }
            if let Value::Object(member) = member {
                insert(member, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_put_together_in_both_dialects() {
        let changes = json!([
            {"Name": "config.files", "Op": "assign", "Val": {"VmPathName": "x"}},
            {"Name": "config.hardware.device", "Val": {"VirtualDevice": [{"Key": 1}]}},
            {"Name": "layoutEx", "Val": {"File": [{"Name": "y"}]}},
        ]);
        let object = Value::Object(assembled(Json(&changes)));
        assert_eq!(object["config"]["files"]["VmPathName"], "x");
        assert_eq!(object["config"]["hardware"]["device"], json!([{"Key": 1}]));
        assert_eq!(object["layoutEx"]["File"], json!([{"Name": "y"}]));
        let changes = json!([{"name": "config.hardware.device", "val": {"_value": [{"key": 1}]}}]);
        assert_eq!(
            assembled(Json(&changes))["config"]["hardware"]["device"],
            json!([{"key": 1}])
        );
    }

    #[test]
    fn a_property_path_without_end_is_left_out() {
        let name = vec!["a"; 1_000_000].join(".");
        let changes = json!([{"name": name, "val": 1}, {"name": "b.c", "val": 2}]);
        assert_eq!(assembled(Json(&changes)).keys().collect::<Vec<_>>(), ["b"]);
    }
}
