//! One ESXi host: `vmInventory.xml` (which VMs, by the path of their configuration alone) and
//! `esxcli storage filesystem list` (which label is which UUID), as a text table, CSV or JSON.

use quick_xml::{Reader, events::Event};

use super::{
    DatastoreRecord, Registration,
    files::ImportError,
    json::Json,
    part::{Draft, Part},
    table::{Column, Table, column},
    values, vi,
};

/// Most registrations of a host. ESXi allows 1024.
const MAX_ENTRIES: usize = 100_000;

/// The text begins like `vmInventory.xml`.
pub(super) fn is_inventory(text: &str) -> bool {
    let head: String = text.chars().take(4096).collect::<String>().to_ascii_lowercase();
    head.trim_start().starts_with('<') && head.contains("<configroot")
}

/// One `ConfigEntry`, or the element in it that is being read.
#[derive(Default)]
struct Entry {
    id: String,
    object_id: String,
    path: String,
}

/// Adds the registrations of `vmInventory.xml`. No document type is accepted, so no entity is resolved but the five of
/// XML itself.
pub(super) fn add_inventory(part: &mut Part, text: &str, file: &str) -> Result<(), ImportError> {
    part.has_vm_list = true;
    let mut reader = Reader::from_str(text);
    let mut entry: Option<Entry> = None;
    let mut element = String::new();
    let mut closed = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                element = lower(start.local_name().as_ref());
                if element == "configentry" {
                    entry = Some(Entry {
                        id: start
                            .try_get_attribute("id")
                            .ok()
                            .flatten()
                            .map(|id| id.value.into_owned())
                            .unwrap_or_default(),
                        ..Entry::default()
                    });
                }
            }
            Ok(Event::Text(content)) => append(entry.as_mut(), &element, &content),
            Ok(Event::CData(content)) => append(entry.as_mut(), &element, &content),
            Ok(Event::GeneralRef(reference)) => append(entry.as_mut(), &element, &resolved(&reference)),
            Ok(Event::End(end)) => {
                element.clear();
                match lower(end.local_name().as_ref()).as_str() {
                    "configentry" => part
                        .vms
                        .extend(entry.take().and_then(|entry| registration(&entry, file))),
                    "configroot" => closed = true,
                    _ => {}
                }
            }
            Ok(Event::DocType(_)) => {
                return Err(ImportError::Damaged(
                    "it has a document type, which no host writes".to_owned(),
                ));
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => {
                part.warn_capping("truncated", format!("{file}: {error}; copy it again"));
                return Ok(());
            }
        }
        if part.vms.len() > MAX_ENTRIES {
            return Err(ImportError::TooLarge(format!("more than {MAX_ENTRIES} registrations")));
        }
    }
    if !closed {
        part.warn_capping(
            "truncated",
            format!("{file}: the text breaks off before </ConfigRoot>; copy it again"),
        );
    }
    Ok(())
}

fn lower(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn append(entry: Option<&mut Entry>, element: &str, content: &str) {
    let Some(entry) = entry else { return };
    match element {
        "objid" => entry.object_id.push_str(content),
        "vmxcfgpath" => entry.path.push_str(content),
        _ => {}
    }
}

/// A character reference or one of the five entities of XML; any other stays as it is written.
fn resolved(reference: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    let name: &str = reference;
    match quick_xml::escape::resolve_predefined_entity(name) {
        Some(text) => text.to_owned(),
        None => format!("&{name};"),
    }
}

fn registration(entry: &Entry, file: &str) -> Option<Draft> {
    let path = entry.path.trim();
    if path.is_empty() {
        return None;
    }
    Some(Draft {
        vm: Registration {
            moref: Some(entry.object_id.trim().to_owned()).filter(|id| !id.is_empty()),
            template: values::ends_with(path, &[".vmtx"]),
            has_configuration: true,
            config: Some(path.to_owned()),
            row: format!("{file}: ConfigEntry {}", entry.id),
            ..Registration::default()
        },
        listed: true,
        ..Draft::default()
    })
}

const MOUNT_POINT: Column = column(&["mountpoint"]);
const VOLUME_NAME: Column = column(&["volumename"]);
const UUID: Column = column(&["uuid"]);
const TYPE: Column = column(&["type"]);
const SIZE: Column = column(&["size"]);
const FREE: Column = column(&["free"]);

/// The text is the table that `esxcli storage filesystem list` prints.
pub(super) fn is_filesystem_text(text: &str) -> bool {
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default();
    header.contains("Mount Point") && header.contains("Volume Name") && lines.next().is_some_and(is_ruler)
}

/// The table is the CSV form of it.
pub(super) fn is_filesystem_table(table: &Table) -> bool {
    [MOUNT_POINT, VOLUME_NAME, UUID]
        .iter()
        .all(|column| table.find(*column, "").is_some())
}

fn is_ruler(line: &str) -> bool {
    line.contains("--") && line.chars().all(|c| matches!(c, '-' | ' '))
}

/// Adds the volumes of the CSV form.
pub(super) fn add_filesystem_table(part: &mut Part, table: &Table) {
    let [mount_point, name, uuid, kind, size, free] =
        [MOUNT_POINT, VOLUME_NAME, UUID, TYPE, SIZE, FREE].map(|column| table.find(column, ""));
    part.datastores.extend(table.rows.iter().filter_map(|row| {
        filesystem(
            row.cell(mount_point),
            row.cell(name),
            row.cell(uuid),
            row.cell(kind),
            values::whole(row.cell(size)),
            values::whole(row.cell(free)),
        )
    }));
}

/// Adds the volumes of the text form. Labels hold blanks or are blank, so lines are cut where the ruler says.
pub(super) fn add_filesystem_text(part: &mut Part, text: &str) {
    let mut lines = text.lines();
    let _header = lines.next();
    let starts = ruler_starts(lines.next().unwrap_or_default());
    for line in lines {
        let cells = cut(line, &starts);
        let cell = |at: usize| cells.get(at).map_or("", |cell| cell.trim());
        part.datastores.extend(filesystem(
            cell(0),
            cell(1),
            cell(2),
            cell(4),
            values::whole(cell(5)),
            values::whole(cell(6)),
        ));
    }
}

/// Where the columns begin, in characters.
fn ruler_starts(ruler: &str) -> Vec<usize> {
    let mut before = ' ';
    let mut starts = Vec::new();
    for (at, character) in ruler.chars().enumerate() {
        if character == '-' && before == ' ' {
            starts.push(at);
        }
        before = character;
    }
    starts
}

/// The cells of a line whose columns begin at these characters.
fn cut(line: &str, starts: &[usize]) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    let ends = starts.iter().skip(1).copied().chain([characters.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| {
            characters
                .get(start..end.min(characters.len()))
                .unwrap_or_default()
                .iter()
                .collect()
        })
        .collect()
}

/// A volume of the JSON form, also through `govc host.esxcli`, which puts every value into a list.
pub(super) fn filesystem_entry(entry: Json<'_>) -> Option<DatastoreRecord> {
    let text = |name| entry.get(name).text().unwrap_or_default();
    filesystem(
        text("mountPoint"),
        text("volumeName"),
        text("uuid"),
        text("type"),
        entry.get("size").number(),
        entry.get("free").number(),
    )
}

/// A volume of a host, unless it is one of the host's own.
fn filesystem(
    mount_point: &str,
    label: &str,
    uuid: &str,
    kind: &str,
    size: Option<u64>,
    free: Option<u64>,
) -> Option<DatastoreRecord> {
    if !mount_point.starts_with('/') || vi::is_host_volume(kind) {
        return None;
    }
    let mut record = DatastoreRecord {
        name: if label.is_empty() { uuid } else { label }.to_owned(),
        kind: Some(kind.to_owned()).filter(|kind| !kind.is_empty()),
        capacity_bytes: size,
        free_bytes: free,
        ..DatastoreRecord::default()
    };
    record.add_alias(mount_point);
    vi::add_volume_id(&mut record, Some(uuid).filter(|uuid| !uuid.is_empty()));
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        InventoryKind, csv_table,
        part::{Origin, Source},
    };

    fn part(kind: InventoryKind) -> Part {
        let origin = Origin {
            path: "vmInventory.xml".into(),
            modified: None,
        };
        Part::new(&origin, kind, Source::default())
    }

    fn paths(text: &str) -> (Vec<String>, Vec<String>) {
        let mut part = part(InventoryKind::EsxiInventory);
        add_inventory(&mut part, text, "x").unwrap();
        (
            part.vms.iter().filter_map(|draft| draft.vm.config.clone()).collect(),
            part.warnings.iter().map(|warning| warning.code.clone()).collect(),
        )
    }

    #[test]
    fn element_names_are_read_in_any_case_and_references_resolved() {
        let text = "<configroot><configentry id=\"1\"><vmxcfgpath>/vmfs/volumes/a/x &amp; y &#65;.vmx</vmxcfgpath></configentry></configroot>";
        assert!(is_inventory(text));
        assert_eq!(paths(text), (vec!["/vmfs/volumes/a/x & y A.vmx".to_owned()], vec![]));
    }

    #[test]
    fn a_text_that_breaks_off_keeps_its_whole_entries() {
        let text =
            "<ConfigRoot><ConfigEntry id=\"1\"><vmxCfgPath>/a.vmx</vmxCfgPath></ConfigEntry><ConfigEntry><vmxCfgP";
        assert_eq!(paths(text), (vec!["/a.vmx".to_owned()], vec!["truncated".to_owned()]));
        let text = "<ConfigRoot><ConfigEntry id=\"1\"><vmxCfgPath>/a.vmx</vmxCfgPath></ConfigEntry>";
        assert_eq!(paths(text), (vec!["/a.vmx".to_owned()], vec!["truncated".to_owned()]));
    }

    #[test]
    fn a_document_type_is_refused() {
        let text = "<!DOCTYPE x [<!ENTITY a \"b\">]><ConfigRoot></ConfigRoot>";
        let error = add_inventory(&mut part(InventoryKind::EsxiInventory), text, "x").unwrap_err();
        assert!(matches!(error, ImportError::Damaged(_)));
    }

    #[test]
    fn the_text_table_is_cut_at_its_ruler() {
        let text = "\
Mount Point                                        Volume Name      UUID                                 Mounted  Type            Size          Free
-------------------------------------------------  ---------------  -----------------------------------  -------  ------  ------------  ------------
/vmfs/volumes/5fbccd01-70743049-2728-002481827d55  SAN  Ä 1         5fbccd01-70743049-2728-002481827d55     true  VMFS-6  999922073600  998456164352
/vmfs/volumes/95e378c2-863dd2b4                                     95e378c2-863dd2b4                       true  NFS          1000000        500000
/vmfs/volumes/aaaaaaaa-11111111-2222-002481827d55  BOOTBANK1        aaaaaaaa-11111111-2222-002481827d55     true  vfat      4293591040    4100000000
";
        assert!(is_filesystem_text(text));
        let mut part = part(InventoryKind::EsxiFilesystems);
        add_filesystem_text(&mut part, text);
        let records: Vec<_> = part
            .datastores
            .iter()
            .map(|d| (d.name.as_str(), d.aliases.clone(), d.capacity_bytes))
            .collect();
        assert_eq!(
            records,
            [
                (
                    "SAN  Ä 1",
                    vec!["/vmfs/volumes/5fbccd01-70743049-2728-002481827d55".to_owned()],
                    Some(999_922_073_600)
                ),
                (
                    "95e378c2-863dd2b4",
                    vec!["/vmfs/volumes/95e378c2-863dd2b4".to_owned()],
                    Some(1_000_000)
                ),
            ]
        );
    }

    #[test]
    fn the_csv_form_has_its_columns_by_the_alphabet() {
        let table = csv_table::parse(
            "Free,MountPoint,Mounted,Size,Type,UUID,VolumeName,\n5,/vmfs/volumes/a-b,true,10,VMFS-6,a-b,ds1,\n",
        );
        assert!(is_filesystem_table(&table));
        let mut part = part(InventoryKind::EsxiFilesystems);
        add_filesystem_table(&mut part, &table);
        assert_eq!(part.datastores.len(), 1);
        assert_eq!(part.datastores[0].name, "ds1");
        assert_eq!(part.datastores[0].free_bytes, Some(5));
    }
}
