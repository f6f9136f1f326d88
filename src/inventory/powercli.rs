//! PowerCLI: the projection of `Get-View -ViewType VirtualMachine` with `LayoutEx`, raw `Get-View | ConvertTo-Json`, which
//! is the API's own object, and the lists of `Get-VM`, `Get-Template`, `Get-HardDisk`, `Get-CDDrive`, `Get-Snapshot` and
//! `Get-Datastore` in any container, whole or reduced to some columns.

use super::{
    DatastoreRecord, Listing, Registration, columns,
    json::Json,
    moment::Moment,
    noted_owner,
    part::{Draft, Part},
    text::unescape_name,
    values,
    vi::{self, Layout},
};
use crate::{kind::Role, words::count};

/// The command whose output holds all that is needed.
pub(super) const COMMAND: &str = "Get-View -ViewType VirtualMachine … | ConvertTo-Json -Depth 8";

/// Adds the VMs of a list.
pub(super) fn add_vms(part: &mut Part, list: Json<'_>, row: &str) {
    part.has_vm_list = true;
    columns::of_vms(part, &list.objects());
    for (index, object) in list.objects().into_iter().enumerate() {
        let row = object.row_name(row, index);
        let is_raw = object.has("config") || object.has("layoutEx");
        if let Some(time) = vi::layout_time(object) {
            part.said = part.said.max(Some(Moment::exact(time)));
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
            template: object.get("template").truth()
                || config
                    .as_deref()
                    .is_some_and(|config| values::ends_with(config, &[".vmtx"])),
            state: object.get("powerState").scalar(),
            connection: object.get("connectionState").string(),
            has_configuration: config.is_some() || !object.get("instanceUuid").is_null(),
            config,
            has_snapshots: object.get("snapshot").is_object(),
            inventory_folder: folder(object),
            noted_owner: owner(object),
            notes: object.first(&["notes", "annotation"]).string(),
            row,
            ..Registration::default()
        },
        listed: true,
        flattened: files.is_flattened() || object.get("layoutExSnapshot").is_flattened(),
        ..Draft::default()
    };
    draft.add_cut(files);
    vi::add_folders(&mut draft, files);
    let is_path = |text: &String| text.contains(".vmdk") && !values::is_cut_object(text);
    if devices.texts().iter().any(is_path) {
        add_paths(&mut draft, devices);
    } else {
        vi::add_devices(&mut draft, devices);
    }
    vi::add_layout(
        &mut draft,
        Layout {
            files: layout,
            disks: object.get("layoutExDisk"),
            snapshots: object.get("layoutExSnapshot"),
        },
    );
    draft
}

/// The folder of a VM: with the names of those above it where an export has its path.
fn folder(object: Json<'_>) -> Option<String> {
    object
        .first(&["folder.name", "folder"])
        .string()
        .map(|name| unescape_name(&name))
}

fn owner(object: Json<'_>) -> Option<String> {
    noted_owner::of_custom_fields(object.get("customFields")).or_else(|| noted_owner::of_object(object))
}

/// Adds the VMs of `Get-VM`, which lists no templates, or the templates of `Get-Template`. The path of a configuration is
/// there only when the user asked for it (`ExtensionData.Config.Files.VmPathName`).
pub(super) fn add_plain_vms(part: &mut Part, list: Json<'_>, row: &str) {
    part.has_vm_list = true;
    columns::of_vms(part, &list.objects());
    let before = part.vms.len();
    let objects = list.objects();
    let is_of_templates = part.origin.name().to_lowercase().contains("template");
    let signs = TemplateSigns {
        has_states: objects.iter().any(|object| !object.get("powerState").is_null()),
        is_of_templates,
    };
    for (index, object) in objects.into_iter().enumerate() {
        let draft = plain(object, signs, object.row_name(row, index));
        part.vms.push(draft);
    }
    let added = part.vms.get(before..).unwrap_or_default();
    let has_template = added.iter().any(|draft| draft.vm.template);
    if !has_template && before < part.vms.len() {
        part.warn_capping(
            NO_TEMPLATES,
            format!("{row}: Get-VM lists no templates, so their files would belong to nobody; add Get-Template or export with {COMMAND}"),
        );
    }
}

/// Code of the warning that templates are not listed.
pub(super) const NO_TEMPLATES: &str = "no-templates";

/// What the list of an object says of templates.
#[derive(Clone, Copy)]
struct TemplateSigns {
    /// Some of it have a power state.
    has_states: bool,
    /// Its file is called a list of templates.
    is_of_templates: bool,
}

/// A template by its word, by the ending of its path, or by what it lacks: it has no power state, where others of the list
/// have one, and `Get-Template` gives a host and no id that persists. A column that was left out makes no template of a VM;
/// where it was, the name of the file tells of which of the two commands it is.
fn is_template(object: Json<'_>, config: Option<&str>, signs: TemplateSigns) -> bool {
    let of_get_template = (object.has("hostId") || signs.is_of_templates) && !object.has("persistentId");
    object.get("template").truth()
        || match config {
            Some(config) => values::ends_with(config, &[".vmtx"]),
            None => object.get("powerState").is_null() && (signs.has_states || of_get_template),
        }
}

fn plain(object: Json<'_>, signs: TemplateSigns, row: String) -> Draft {
    let extension = object.get("extensionData");
    let config = object.first(&[
        "vmPathName",
        "vmxPath",
        "configFile",
        "extensionData.config.files.vmPathName",
    ]);
    let mut draft = Draft {
        vm: Registration {
            name: unescape_name(object.get("name").text().unwrap_or_default()),
            moref: vi::moref(object.first(&["moRef", "id"])),
            instance_id: object.first(&["persistentId", "instanceUuid"]).id(),
            bios_id: object.get("uuid").id(),
            host: object.first(&["vmHost.name", "vmHost", "host.name", "host"]).string(),
            template: is_template(object, config.text(), signs),
            state: object.get("powerState").scalar(),
            connection: object.get("connectionState").string(),
            has_configuration: true,
            config: config.string(),
            inventory_folder: folder(object),
            noted_owner: owner(object),
            notes: object.first(&["notes", "annotation"]).string(),
            row,
            ..Registration::default()
        },
        listed: true,
        ..Draft::default()
    };
    if !draft
        .vm
        .config
        .as_deref()
        .is_none_or(|config| config.starts_with(['[', '/']))
    {
        draft.vm.config = None;
    }
    add_paths(&mut draft, object.first(&["disks", "hardDisks", "filename"]));
    vi::add_devices(&mut draft, extension.at("config.hardware.device"));
    vi::add_layout(&mut draft, Layout::of(extension.get("layoutEx")));
    draft
}

/// Adds disks that somebody put into one cell: paths with a separator between.
fn add_paths(draft: &mut Draft, cell: Json<'_>) {
    let texts = cell.texts();
    let paths: Vec<&str> = texts.iter().flat_map(|text| paths_in(text)).collect();
    draft.flattened |= texts
        .iter()
        .any(|text| values::is_type_name(text) || values::is_cut_object(text));
    draft.add_cut(cell);
    if !paths.is_empty() {
        draft.vm.listing = Listing::LeafDisks;
    }
    for path in paths {
        draft.add_file(Role::Disk, path, None);
    }
}

/// The datastore paths in a text: each begins with a label, and ends before the separator of the next.
fn paths_in(text: &str) -> impl Iterator<Item = &str> {
    let ends = text.match_indices(".vmdk").map(|(at, end)| at + end.len());
    let mut from = 0;
    ends.filter_map(move |end| {
        let rest = text.get(from..)?;
        let path = text
            .get(from..end)?
            .trim_start_matches([',', ';', '|', ' ', '\n', '\r', '\t']);
        // A folder may be named like a disk.
        let is_last = !rest
            .get(end - from..)?
            .starts_with(|c: char| !c.is_whitespace() && !",;|".contains(c));
        (path.starts_with('[') && is_last).then(|| {
            from = end;
            path
        })
    })
}

/// A VM of which a row of another list speaks, by the object or name in one of these columns.
fn mention(object: Json<'_>, columns: &[&str], ids: &[&str], row: String) -> Draft {
    let vm = object.first(columns);
    let name = vm.get("name").text().or_else(|| vm.text()).unwrap_or_default();
    let moref = object
        .first(ids)
        .text()
        .filter(|id| id.contains("vm-"))
        .map(vi::text_moref);
    Draft {
        vm: Registration {
            name: unescape_name(name),
            moref: moref.or_else(|| vi::moref(vm.get("id"))),
            has_configuration: true,
            row,
            ..Registration::default()
        },
        ..Draft::default()
    }
}

/// Adds `Get-HardDisk`: disks as attached now. A raw device map has a pointer file like any other disk.
pub(super) fn add_disks(part: &mut Part, list: Json<'_>, row: &str) {
    columns::of_disks(part, &list.objects());
    let mut pathless = 0_usize;
    for (index, disk) in list.objects().into_iter().enumerate() {
        let mut draft = mention(
            disk,
            &["parent", "vm", "vmName", "virtualMachine"],
            &["parentId", "vmId"],
            disk.row_name(row, index),
        );
        add_paths(&mut draft, disk.get("filename"));
        pathless = pathless.saturating_add(usize::from(draft.vm.files.is_empty()));
        part.vms.push(draft);
    }
    if pathless > 0 {
        part.warn_capping(
            "not-exported-cell",
            format!(
                "{row}: {} no path of a disk; export Parent and Filename of Get-HardDisk again",
                count(pathless, "row has", "rows have")
            ),
        );
    }
}

/// Adds `Get-CDDrive`.
pub(super) fn add_media(part: &mut Part, list: Json<'_>, row: &str) {
    for (index, drive) in list.objects().into_iter().enumerate() {
        let Some(path) = drive.get("isoPath").text() else {
            continue;
        };
        let mut draft = mention(
            drive,
            &["parent", "vm", "vmName"],
            &["parentId", "vmId"],
            drive.row_name(row, index),
        );
        draft.add_file(Role::Media, path, None);
        part.vms.push(draft);
    }
}

/// Adds `Get-Snapshot`, which names no files.
pub(super) fn add_snapshots(part: &mut Part, list: Json<'_>, row: &str) {
    for (index, snapshot) in list.objects().into_iter().enumerate() {
        let mut draft = mention(snapshot, &["vm", "vmName"], &["vmId"], snapshot.row_name(row, index));
        draft.vm.has_snapshots = true;
        part.vms.push(draft);
    }
}

/// Adds the datastores of a list.
pub(super) fn add_datastores(part: &mut Part, list: Json<'_>) {
    columns::of_datastores(part, &list.objects());
    part.datastores.extend(list.objects().into_iter().filter_map(datastore));
}

fn datastore(object: Json<'_>) -> Option<DatastoreRecord> {
    let mut record = DatastoreRecord {
        name: object.get("name").string()?,
        moref: vi::moref(object.first(&["moRef", "id"])),
        kind: object.get("type").scalar(),
        capacity_bytes: gigabytes(object.get("capacityGB")),
        free_bytes: gigabytes(object.get("freeSpaceGB")),
        hosts: object
            .get("hosts")
            .texts()
            .iter()
            .map(|host| host.replace("HostSystem-", ""))
            .collect(),
        ..DatastoreRecord::default()
    };
    for url in ["url", "extensionData.info.url", "extensionData.summary.url"] {
        record.add_alias(object.at(url).text().unwrap_or_default());
    }
    vi::add_volume_id(
        &mut record,
        object.first(&["uuid", "extensionData.info.vmfs.uuid"]).text(),
    );
    Some(record)
}

/// Bytes of a size in GB, which PowerCLI writes with a fraction.
fn gigabytes(size: Json<'_>) -> Option<u64> {
    size.number()?.checked_mul(1 << 30)
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
    fn one_cell_may_hold_several_paths() {
        let found: Vec<_> = paths_in("[d 1] a, b/a.vmdk, [d 1] a/x.vmdk.old/b.vmdk;[e] c.vmdk").collect();
        assert_eq!(found, ["[d 1] a, b/a.vmdk", "[d 1] a/x.vmdk.old/b.vmdk", "[e] c.vmdk"]);
        assert_eq!(paths_in("System.Object[]").count(), 0);
        assert_eq!(paths_in("a.vmdk").count(), 0);
    }

    #[test]
    fn what_the_depth_cut_is_not_taken_for_a_list_of_files() {
        let object = json!({"Name": "a", "VmPathName": "[d] a/a.vmx", "LayoutExFile": "VMware.Vim.VirtualMachineFileLayoutExFileInfo"});
        let draft = projected(Json(&object), String::new());
        assert!(draft.flattened);
        assert_eq!(draft.vm.files, []);
    }
}
