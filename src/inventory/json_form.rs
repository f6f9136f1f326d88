//! Which export a JSON document is, by its keys, and its reading into a part.

use std::collections::BTreeMap;

use super::{
    InventoryKind, esxi,
    files::ImportError,
    govc, hyperv,
    json::{self, Json},
    part::{Origin, Part, Source},
    powercli,
};

/// What a JSON document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `object.collect`: an object with its changes.
    Collected,
    /// `object.collect` of one object: its changes alone.
    Changes,
    /// `vm.info`, `datastore.info`, `host.info`.
    Info,
    /// `ls`.
    Elements,
    /// `disk.ls`.
    Disks,
    /// `volume.ls`.
    Volumes,
    /// `library.ls`, `library.info`.
    Libraries,
    /// `library.info LIBRARY/*`.
    LibraryItems,
    /// The mounted volumes of one host.
    Mounts,
    /// The recommended export of Hyper-V.
    HypervExport,
    /// `Get-VM`.
    HypervVms,
    /// `Get-VMHardDiskDrive`.
    HypervDrives,
    /// `Get-ClusterSharedVolume`.
    HypervVolumes,
    /// `Get-ClusterResource`.
    HypervCluster,
    /// `Get-VHD`.
    HypervChains,
    /// `Get-View -ViewType VirtualMachine`.
    PowercliVms,
    /// `Get-Datastore`.
    PowercliDatastores,
    /// `esxcli storage filesystem list`.
    Filesystems,
}

impl Form {
    fn kind(self) -> InventoryKind {
        match self {
            Self::Collected | Self::Changes | Self::Mounts => InventoryKind::GovcCollect,
            Self::Info | Self::Elements => InventoryKind::GovcInfo,
            Self::Disks => InventoryKind::GovcDisks,
            Self::Volumes | Self::Libraries | Self::LibraryItems => InventoryKind::GovcLibrary,
            Self::HypervExport
            | Self::HypervVms
            | Self::HypervDrives
            | Self::HypervVolumes
            | Self::HypervCluster
            | Self::HypervChains => InventoryKind::HypervJson,
            Self::PowercliVms | Self::PowercliDatastores => InventoryKind::PowercliJson,
            Self::Filesystems => InventoryKind::EsxiFilesystems,
        }
    }

    /// By what a document of this form is known.
    fn sign(self) -> &'static str {
        match self {
            Self::Collected => "objects with `changeSet`",
            Self::Changes => "a list of changes",
            Self::Info => "`virtualMachines`, `datastores` or `hostSystems`",
            Self::Elements => "`elements` with `Path` and `Object`",
            Self::Disks => "`objects` with `config`",
            Self::Volumes => "`volume`",
            Self::Libraries => "items with `storage_backings`",
            Self::LibraryItems => "items with `library_id`",
            Self::Mounts => "items with `mountInfo` and `volume`",
            Self::HypervExport => "`vms` with `host` or `cluster`",
            Self::HypervVms => "items with `VMId` and `ConfigurationLocation`",
            Self::HypervDrives => "items with `VMId` and `ControllerType`",
            Self::HypervVolumes => "items with `SharedVolumeInfo` or `Volume`",
            Self::HypervCluster => "items with `VmID` and a store root",
            Self::HypervChains => "items with `Path` and `ParentPath`",
            Self::PowercliVms => "items with `MoRef` and files",
            Self::PowercliDatastores => "items with `Id` and `Url`",
            Self::Filesystems => "items with `MountPoint` and `VolumeName`",
        }
    }
}

/// The form of a document; the error says what it is instead.
fn form(document: Json<'_>) -> Result<Form, String> {
    if let Some(form) = object_form(document) {
        return Ok(form);
    }
    let items = document.items();
    if items.is_empty() {
        return Err("an empty list: the export has no rows, perhaps for want of rights, or failed".to_owned());
    }
    let Some(first) = items.iter().copied().find(|item| item.is_object()) else {
        return Err("a list without objects (names alone say nothing of files)".to_owned());
    };
    item_form(first).ok_or_else(|| match () {
        () if first.has("folderPath") => "a listing of files, which says nothing of owners".to_owned(),
        () if first.has("childSnapshotList") => "a tree of snapshots without files".to_owned(),
        () if first.has("devices") => "devices without the VM that they are of".to_owned(),
        () => "JSON of no known export".to_owned(),
    })
}

/// The form of a document that is one object with a wrapper.
fn object_form(document: Json<'_>) -> Option<Form> {
    let has = |name| document.has(name);
    let is_hyperv_schema = document
        .get("schema")
        .text()
        .is_some_and(|schema| schema.starts_with("hyperv-inventory-export/"));
    match () {
        () if !document.is_object() => None,
        () if has("changeSet") && has("obj") => Some(Form::Collected),
        () if has("virtualMachines") || has("datastores") || has("hostSystems") => Some(Form::Info),
        () if has("elements") => Some(Form::Elements),
        () if is_hyperv_schema || has("vms") && (has("host") || has("cluster")) => Some(Form::HypervExport),
        () if has("objects")
            && document
                .get("objects")
                .objects()
                .iter()
                .all(|object| object.has("config")) =>
        {
            Some(Form::Disks)
        }
        () if has("volume") && !has("path") || has("volumes") => Some(Form::Volumes),
        () if has("values")
            && document
                .get("values")
                .objects()
                .first()
                .is_some_and(|first| first.has("mountPoint")) =>
        {
            Some(Form::Filesystems)
        }
        () => None,
    }
}

/// The form of a list by its first object, or of one object that a list of one became.
fn item_form(item: Json<'_>) -> Option<Form> {
    let has = |name| item.has(name);
    match () {
        () if has("name") && has("op") && has("val") => Some(Form::Changes),
        () if has("storage_backings") => Some(Form::Libraries),
        () if has("library_id") => Some(Form::LibraryItems),
        () if has("mountInfo") && has("volume") => Some(Form::Mounts),
        () if has("mountPoint") && has("volumeName") => Some(Form::Filesystems),
        () if has("vmId") && (has("configurationLocation") || has("hardDrives")) => Some(Form::HypervVms),
        () if has("vmId") && has("path") && (has("controllerType") || has("vmSnapshotId")) => Some(Form::HypervDrives),
        () if has("vmId") && (has("vmStoreRootPath") || has("root") || has("ownerGroup")) => Some(Form::HypervCluster),
        () if has("sharedVolumeInfo") || has("volume") && has("path") => Some(Form::HypervVolumes),
        () if has("parentPath") && has("path") => Some(Form::HypervChains),
        () if has("moRef") && (has("layoutExFile") || has("vmPathName") || has("layoutEx") || has("config")) => {
            Some(Form::PowercliVms)
        }
        () if has("id") && has("url") => Some(Form::PowercliDatastores),
        () => None,
    }
}

/// What a JSON text gave.
#[derive(Debug)]
pub(super) struct Read {
    /// Its parts, one for each kind and source.
    pub(super) parts: Vec<Part>,
    /// By what they were known.
    pub(super) why: String,
}

/// Reads a JSON text. Documents of an unknown form are left out where others are known.
pub(super) fn read(origin: &Origin, text: &str) -> Result<Read, ImportError> {
    let documents = json::documents(text);
    let file = origin.name();
    let mut parts: BTreeMap<(InventoryKind, Source), Part> = BTreeMap::new();
    let mut signs: Vec<&str> = Vec::new();
    let mut unknown = None;
    for (index, document) in documents.values.iter().enumerate() {
        let document = Json(document);
        match form(document) {
            Ok(form) => {
                let source = match form {
                    Form::HypervExport => hyperv::export_source(document),
                    _ => Source::default(),
                };
                let part = parts
                    .entry((form.kind(), source.clone()))
                    .or_insert_with(|| Part::new(origin, form.kind(), source));
                let row = if documents.values.len() > 1 {
                    format!("{file}: document {}", index.saturating_add(1))
                } else {
                    file.clone()
                };
                add(part, form, document, row);
                if !signs.contains(&form.sign()) {
                    signs.push(form.sign());
                }
            }
            Err(why) => unknown = unknown.or(Some(why)),
        }
    }
    if parts.is_empty() {
        return Err(match (documents.damage, unknown) {
            (Some(damage), _) => ImportError::Damaged(format!("it is no whole JSON: {damage}; export it again")),
            (None, Some(why)) => ImportError::NotUnderstood(why),
            (None, None) => ImportError::Empty,
        });
    }
    let mut parts: Vec<Part> = parts.into_values().collect();
    for part in &mut parts {
        finish(part, documents.damage.as_deref());
    }
    Ok(Read {
        parts,
        why: signs.join("; "),
    })
}

fn add(part: &mut Part, form: Form, document: Json<'_>, row: String) {
    match form {
        Form::Collected => govc::add_collected(part, document, row),
        Form::Changes => govc::add_changes(part, document, row),
        Form::Info => govc::add_info(part, document, &row),
        Form::Elements => govc::add_elements(part, document, &row),
        Form::Disks => govc::add_disks(part, document, &row),
        Form::Volumes => govc::add_volumes(part, document, &row),
        Form::Libraries => govc::add_libraries(part, document, &row),
        Form::LibraryItems => govc::add_library_items(part, document, &row),
        Form::Mounts => govc::add_mounts(part, document),
        Form::HypervExport => hyperv::add_export(part, document, &row),
        Form::HypervVms => hyperv::add_vms(part, document, &row),
        Form::HypervDrives => hyperv::add_drives(part, document, &row),
        Form::HypervVolumes => hyperv::add_volumes(part, document),
        Form::HypervCluster => hyperv::add_cluster(part, document),
        Form::HypervChains => hyperv::add_chains(part, document),
        Form::PowercliVms => powercli::add_vms(part, document, &row),
        Form::PowercliDatastores => powercli::add_datastores(part, document),
        Form::Filesystems => {
            let list = if document.has("values") {
                document.get("values")
            } else {
                document
            };
            part.datastores
                .extend(list.objects().into_iter().filter_map(esxi::filesystem_entry));
        }
    }
}

/// What can be said only when the whole file was read.
fn finish(part: &mut Part, damage: Option<&str>) {
    let file = part.origin.name();
    if let Some(damage) = damage {
        part.warn_capping(
            "truncated",
            format!("{file}: it cannot be read to its end ({damage}), so rows may be missing; export it again"),
        );
    }
    // Where no VM has a configuration the export was not asked for any.
    let asked = part.vms.iter().any(|draft| draft.vm.has_configuration);
    for draft in &mut part.vms {
        let state = draft.vm.connection.as_deref().unwrap_or_default();
        draft.vm.has_configuration |= !asked && !["inaccessible", "invalid"].contains(&state);
    }
    let flattened = part.vms.iter().filter(|draft| draft.flattened).count();
    if flattened > 0 {
        let command = match part.kind {
            InventoryKind::HypervJson => hyperv::COMMAND,
            _ => powercli::COMMAND,
        };
        part.warn_capping(
            "depth-truncated",
            format!("{file}: the disks of {flattened} VMs were cut to text by the depth of the export; export again with {command}"),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_form_is_seen_in_the_keys() {
        for (document, expected) in [
            (json!({"Kind": "enter", "Obj": {}, "ChangeSet": []}), Form::Collected),
            (json!([{"name": "a", "op": "assign", "val": 1}]), Form::Changes),
            (json!({"VirtualMachines": null}), Form::Info),
            (json!({"elements": null}), Form::Elements),
            (json!({"Objects": [{"Config": {}}]}), Form::Disks),
            (json!({"Volume": null}), Form::Volumes),
            (json!({"schema": "hyperv-inventory-export/1"}), Form::HypervExport),
            (json!({"VMId": "x", "ConfigurationLocation": "D:"}), Form::HypervVms),
            (
                json!([{"Name": "x", "Path": "C:\\ClusterStorage\\V", "Volume": "\\\\?\\"}]),
                Form::HypervVolumes,
            ),
            (json!({"Name": "x", "VmID": "y", "Root": "z"}), Form::HypervCluster),
            (
                json!([{"Name": "x", "MoRef": "vm-1", "LayoutExFile": []}]),
                Form::PowercliVms,
            ),
            (
                json!({"Name": "x", "Id": "Datastore-datastore-1", "Url": "ds:"}),
                Form::PowercliDatastores,
            ),
            (json!({"values": [{"MountPoint": ["/x"]}]}), Form::Filesystems),
        ] {
            assert_eq!(form(Json(&document)), Ok(expected), "{document}");
        }
    }

    #[test]
    fn other_json_is_named_for_what_it_is() {
        for document in [
            json!([]),
            json!(["/DC0/vm/a"]),
            json!([{"folderPath": "[a]", "file": []}]),
            json!({"a": 1}),
            json!(null),
        ] {
            assert!(form(Json(&document)).is_err(), "{document}");
        }
    }
}
