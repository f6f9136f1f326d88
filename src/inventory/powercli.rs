//! PowerCLI: the projection of `Get-View -ViewType VirtualMachine` with `LayoutEx`, the list of `Get-Datastore`, and raw
//! `Get-View | ConvertTo-Json`, which is the API's own object.

use super::{
    DatastoreRecord, Registration,
    json::Json,
    part::{Draft, Part},
    text::unescape_name,
    vi,
};

/// The command whose output holds all that is needed.
pub(super) const COMMAND: &str = "Get-View -ViewType VirtualMachine … | ConvertTo-Json -Depth 8";

/// Adds the VMs of a list.
pub(super) fn add_vms(part: &mut Part, list: Json<'_>, row: &str) {
    part.has_vm_list = true;
    for (index, object) in list.objects().into_iter().enumerate() {
        let row = format!("{row}[{index}]");
        let is_raw = object.has("config") || object.has("layoutEx");
        if let Some(time) = vi::layout_time(object) {
            part.said = part.said.max(Some(time));
            part.said_is_floor = true;
        }
        part.vms.push(if is_raw {
            vi::vm(object, row)
        } else {
            projected(object, row)
        });
    }
}

/// A VM as the projection gives it.
fn projected(object: Json<'_>, row: String) -> Draft {
    let files = object.get("files");
    let config = object.first(&["vmPathName", "files.vmPathName"]).string();
    let devices = object.first(&["devices", "disks"]);
    let layout = object.get("layoutExFile");
    let mut draft = Draft {
        vm: Registration {
            name: unescape_name(object.get("name").text().unwrap_or_default()),
            moref: vi::moref(object.first(&["moRef", "id"])),
            instance_id: object.first(&["instanceUuid", "persistentId"]).id(),
            bios_id: object.get("uuid").id(),
            host: object.first(&["host", "vmHost"]).string(),
            template: object.get("template").truth(),
            state: object.get("powerState").scalar(),
            connection: object.get("connectionState").string(),
            has_configuration: config.is_some() || !object.get("instanceUuid").is_null(),
            config,
            has_snapshots: object.get("snapshot").is_object(),
            notes: object.first(&["notes", "annotation"]).string(),
            row,
            ..Registration::default()
        },
        listed: true,
        flattened: files.is_flattened() || object.get("layoutExSnapshot").is_flattened(),
        ..Draft::default()
    };
    vi::add_folders(&mut draft, files);
    vi::add_devices(&mut draft, devices);
    vi::add_layout(&mut draft, layout, object.get("layoutExSnapshot"));
    draft
}

/// Adds the datastores of a list.
pub(super) fn add_datastores(part: &mut Part, list: Json<'_>) {
    part.datastores.extend(list.objects().into_iter().filter_map(datastore));
}

fn datastore(object: Json<'_>) -> Option<DatastoreRecord> {
    let mut record = DatastoreRecord {
        name: object.get("name").string()?,
        moref: vi::moref(object.first(&["id", "moRef"])),
        kind: object.get("type").scalar(),
        hosts: object
            .get("hosts")
            .texts()
            .iter()
            .map(|host| host.replace("HostSystem-", ""))
            .collect(),
        ..DatastoreRecord::default()
    };
    record.add_alias(object.get("url").text().unwrap_or_default());
    vi::add_volume_id(&mut record, object.get("uuid").text());
    Some(record)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_datastore_has_url_and_hosts() {
        let object = json!({"Name": "ds", "Id": "Datastore-datastore-7", "Type": "VMFS", "State": 0,
            "Url": "ds:///vmfs/volumes/aa-bb/", "Uuid": "aa-bb", "Hosts": ["host-1", "HostSystem-host-2"]});
        let record = datastore(Json(&object)).unwrap();
        assert_eq!(record.moref.as_deref(), Some("datastore-7"));
        assert_eq!(record.aliases, ["ds:///vmfs/volumes/aa-bb/"]);
        assert_eq!(record.hosts, ["host-1", "host-2"]);
    }

    #[test]
    fn what_the_depth_cut_is_not_taken_for_a_list_of_files() {
        let object = json!({"Name": "a", "VmPathName": "[d] a/a.vmx", "LayoutExFile": "VMware.Vim.VirtualMachineFileLayoutExFileInfo"});
        let draft = projected(Json(&object), String::new());
        assert!(draft.flattened);
        assert_eq!(draft.vm.files, []);
    }
}
