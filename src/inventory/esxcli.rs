//! `esxcli` and `localcli` in every formatter, as JSON objects: the text table with a ruler, CSV (through
//! [`super::csv_table`]), XML and key=value. Read are `storage filesystem list` and `vm process list`.

use std::collections::BTreeMap;

use quick_xml::{Reader, events::Event};
use serde_json::{Map, Value, json};

use super::{
    DatastoreRecord, Registration,
    files::ImportError,
    json::{Documents, Json},
    part::{Draft, Part},
    vi,
    xml::{attribute, resolved},
};

/// Most records of one output. A host has some hundred volumes and processes at most.
const MAX_RECORDS: usize = 100_000;

/// In which form the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Formatter {
    /// Columns above a ruler of dashes.
    Table,
    /// Indented lines `Name: value` below the name of each process.
    Blocks,
    /// `--formatter=xml`.
    Xml,
    /// `--formatter=keyvalue`.
    KeyValue,
}

impl Formatter {
    /// The form of a text, when it is one of these.
    pub(super) fn of(head: &str) -> Option<Self> {
        let mut lines = head.lines().skip_while(|line| line.trim().is_empty());
        let first = lines.next().unwrap_or_default();
        let second = lines.next().unwrap_or_default();
        let start: String = head.chars().take(1024).collect();
        match () {
            () if is_ruler(second) && first.contains("Mount Point") => Some(Self::Table),
            () if start.trim_start().starts_with('<') && start.contains("<output") && start.contains("esxcli") => {
                Some(Self::Xml)
            }
            () if key_value(first).is_some() => Some(Self::KeyValue),
            () if second.trim_start().starts_with("World ID:") => Some(Self::Blocks),
            () => None,
        }
    }
}

/// The records of an output.
pub(super) fn documents(text: &str, formatter: Formatter) -> Result<Documents<'static>, ImportError> {
    let records = match formatter {
        Formatter::Table => table(text),
        Formatter::Blocks => blocks(text),
        Formatter::KeyValue => key_values(text),
        Formatter::Xml => return xml(text),
    };
    Ok(Documents::of(vec![Value::Array(records)], None))
}

fn is_ruler(line: &str) -> bool {
    line.contains("--") && line.chars().all(|c| matches!(c, '-' | ' '))
}

/// The rows of the text table. Labels hold blanks or are blank, so lines are cut where the ruler says.
fn table(text: &str) -> Vec<Value> {
    let mut lines = text.lines().skip_while(|line| line.trim().is_empty());
    let header = lines.next().unwrap_or_default();
    let starts = ruler_starts(lines.next().unwrap_or_default());
    let names: Vec<String> = cut(header, &starts).iter().map(|name| name.replace(' ', "")).collect();
    let rows = lines.filter(|line| !line.trim().is_empty()).take(MAX_RECORDS);
    rows.map(|line| {
        let cells = cut(line, &starts);
        let members = names.iter().zip(cells);
        Value::Object(members.map(|(name, cell)| (name.clone(), json!(cell.trim()))).collect())
    })
    .collect()
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

/// The records of `vm process list`: a name at the margin, its properties indented.
fn blocks(text: &str) -> Vec<Value> {
    let mut records: Vec<Map<String, Value>> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match line.trim().split_once(':') {
            Some((name, value)) if line.starts_with([' ', '\t']) => {
                if let Some(record) = records.last_mut() {
                    record.insert(name.replace(' ', ""), json!(value.trim()));
                }
            }
            _ if records.len() < MAX_RECORDS => {
                records.push(Map::from_iter([("Name".to_owned(), json!(line.trim()))]));
            }
            _ => {}
        }
    }
    records.into_iter().map(Value::Object).collect()
}

/// `Type[0].Name.string=value` (K: assumed from other commands of esxcli).
fn key_value(line: &str) -> Option<(usize, &str, &str)> {
    let (key, value) = line.split_once('=')?;
    let (kind, rest) = key.split_once('[')?;
    let (index, rest) = rest.split_once("].")?;
    let (name, kind_of_value) = rest.rsplit_once('.')?;
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
    (is_word(kind.trim()) && is_word(name) && is_word(kind_of_value)).then_some((index.parse().ok()?, name, value))
}

fn key_values(text: &str) -> Vec<Value> {
    let mut records: BTreeMap<usize, Map<String, Value>> = BTreeMap::new();
    for (index, name, value) in text.lines().filter_map(key_value) {
        if records.len() < MAX_RECORDS || records.contains_key(&index) {
            let record = records.entry(index).or_default();
            record.insert(name.to_owned(), json!(value.trim_end()));
        }
    }
    records.into_values().map(Value::Object).collect()
}

/// The structures of the XML form: fields by their name, the text of the value in each.
fn xml(text: &str) -> Result<Documents<'static>, ImportError> {
    let mut reader = Reader::from_str(text);
    let mut records = Vec::new();
    let mut record: Option<Map<String, Value>> = None;
    let mut field: Option<(String, String)> = None;
    let mut closed = false;
    let damage = loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => match start.local_name().as_ref() {
                "structure" => record = Some(Map::new()),
                "field" => field = attribute(&start, "name").map(|name| (name.replace(' ', ""), String::new())),
                _ => {}
            },
            Ok(Event::Text(content)) => append(&mut field, &content),
            Ok(Event::CData(content)) => append(&mut field, &content),
            Ok(Event::GeneralRef(reference)) => append(&mut field, &resolved(&reference)),
            Ok(Event::End(end)) => match end.local_name().as_ref() {
                "field" => {
                    if let (Some(record), Some((name, value))) = (record.as_mut(), field.take()) {
                        record.insert(name, json!(value.trim()));
                    }
                }
                "structure" => records.extend(record.take().map(Value::Object)),
                "output" => closed = true,
                _ => {}
            },
            Ok(Event::DocType(_)) => {
                return Err(ImportError::Damaged(
                    "it has a document type, which no host writes".to_owned(),
                ));
            }
            Ok(Event::Eof) => break (!closed).then(|| "the text breaks off before </output>".to_owned()),
            Ok(_) => {}
            Err(error) => break Some(error.to_string()),
        }
        if records.len() > MAX_RECORDS {
            break Some(format!("more than {MAX_RECORDS} records, the rest was left out"));
        }
    };
    Ok(Documents::of(vec![Value::Array(records)], damage))
}

fn append(field: &mut Option<(String, String)>, content: &str) {
    if let Some((_, value)) = field {
        value.push_str(content);
    }
}

/// Adds the volumes of `storage filesystem list`, also through `govc host.esxcli`, which puts every value into a list.
pub(super) fn add_filesystems(part: &mut Part, list: Json<'_>) {
    let list = if list.has("values") { list.get("values") } else { list };
    part.datastores
        .extend(list.objects().into_iter().filter_map(filesystem));
}

/// A volume of a host, unless it is one of the host's own.
fn filesystem(entry: Json<'_>) -> Option<DatastoreRecord> {
    let text = |name| entry.get(name).text().unwrap_or_default();
    let (mount_point, label, uuid, kind) = (text("mountPoint"), text("volumeName"), text("uuid"), text("type"));
    if !mount_point.starts_with('/') || vi::is_host_volume(kind) {
        return None;
    }
    let mut record = DatastoreRecord {
        name: if label.is_empty() { uuid } else { label }.to_owned(),
        kind: Some(kind.to_owned()).filter(|kind| !kind.is_empty()),
        capacity_bytes: entry.get("size").number(),
        free_bytes: entry.get("free").number(),
        ..DatastoreRecord::default()
    };
    record.add_alias(mount_point);
    vi::add_volume_id(&mut record, Some(uuid).filter(|uuid| !uuid.is_empty()));
    Some(record)
}

/// Adds the running VMs of `vm process list`. VMs that are off are not in it, so it is no list of VMs.
pub(super) fn add_processes(part: &mut Part, list: Json<'_>, row: &str) {
    let list = if list.has("values") { list.get("values") } else { list };
    for (index, process) in list.objects().into_iter().enumerate() {
        let Some(config) = process.get("configFile").string() else {
            continue;
        };
        part.vms.push(Draft {
            vm: Registration {
                name: process.first(&["displayName", "name"]).string().unwrap_or_default(),
                bios_id: process.get("uuid").text().and_then(spaced_uuid),
                state: Some("poweredOn".to_owned()),
                has_configuration: true,
                config: Some(config),
                row: process.row_name(row, index),
                ..Registration::default()
            },
            ..Draft::default()
        });
    }
}

/// `56 4d d8 … -1a …`: bytes in hexadecimal with blanks between.
fn spaced_uuid(text: &str) -> Option<uuid::Uuid> {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    super::values::id(&digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        InventoryKind,
        part::{Origin, Source},
    };

    fn records(text: &str) -> Vec<Value> {
        let formatter = Formatter::of(text).unwrap();
        let mut found = documents(text, formatter).unwrap();
        assert_eq!(found.damage, None);
        found.next().unwrap().as_array().unwrap().clone()
    }

    fn volumes(text: &str) -> Vec<(String, Vec<String>, Option<u64>)> {
        let origin = Origin::of("x");
        let mut part = Part::new(&origin, InventoryKind::EsxiFilesystems, Source::default());
        add_filesystems(&mut part, Json(&Value::Array(records(text))));
        let records = part.datastores.into_iter();
        records.map(|d| (d.name, d.aliases, d.capacity_bytes)).collect()
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
        let san = "/vmfs/volumes/5fbccd01-70743049-2728-002481827d55".to_owned();
        let nfs = "/vmfs/volumes/95e378c2-863dd2b4".to_owned();
        assert_eq!(
            volumes(text),
            [
                ("SAN  Ä 1".to_owned(), vec![san], Some(999_922_073_600)),
                ("95e378c2-863dd2b4".to_owned(), vec![nfs], Some(1_000_000)),
            ]
        );
    }

    #[test]
    fn xml_and_key_values_say_the_same() {
        let xml = r#"<?xml version="1.0" encoding="utf-8"?>
            <output xmlns="http://www.vmware.com/Products/ESX/5.0/esxcli"><root><list type="structure"><structure typeName="FileSystemVolume">
            <field name="MountPoint"><string>/vmfs/volumes/a-b</string></field><field name="Size"><uint64>10</uint64></field>
            <field name="Type"><string>NFS</string></field><field name="UUID"><string>a-b</string></field>
            <field name="VolumeName"><string>x &amp; y</string></field></structure></list></root></output>"#;
        let key_value = "FileSystemVolume[0].MountPoint.string=/vmfs/volumes/a-b\nFileSystemVolume[0].Size.uint64=10\n\
            FileSystemVolume[0].Type.string=NFS\nFileSystemVolume[0].UUID.string=a-b\nFileSystemVolume[0].VolumeName.string=x & y\n";
        let expected = [("x & y".to_owned(), vec!["/vmfs/volumes/a-b".to_owned()], Some(10))];
        assert_eq!(volumes(xml), expected);
        assert_eq!(volumes(key_value), expected);
    }

    #[test]
    fn processes_are_blocks() {
        let text = "web: 01\n   World ID: 2099999\n   UUID: 56 4d 00 00 00 00 00 00-00 00 00 00 00 00 00 01\n   Display Name: web: 01\n   Config File: /vmfs/volumes/a-b/w/w.vmx\n\ndb\n   World ID: 7\n   Config File: /vmfs/volumes/a-b/d/d.vmx\n";
        let origin = Origin::of("x");
        let mut part = Part::new(&origin, InventoryKind::EsxiVms, Source::default());
        add_processes(&mut part, Json(&Value::Array(records(text))), "x");
        let found: Vec<_> = part
            .vms
            .iter()
            .map(|d| (d.vm.name.as_str(), d.vm.config.as_deref()))
            .collect();
        assert_eq!(
            found,
            [
                ("web: 01", Some("/vmfs/volumes/a-b/w/w.vmx")),
                ("db", Some("/vmfs/volumes/a-b/d/d.vmx"))
            ]
        );
        assert!(part.vms[0].vm.bios_id.is_some() && !part.has_vm_list);
    }

    #[test]
    fn a_document_type_is_refused() {
        let text = "<!DOCTYPE x><output>esxcli</output>";
        assert!(matches!(xml(text), Err(ImportError::Damaged(_))));
    }
}
