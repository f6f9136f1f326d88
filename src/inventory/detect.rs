//! What a file is, by its content: signature, first characters, header line, keys. Never by its extension.

use super::{
    InventoryKind, csv_table, esxi,
    files::ImportError,
    host_store, hyperv_csv, json_form,
    part::{Origin, Part, Source},
    rvtools::{self, Tab},
    text, workbook,
};

/// How much of a file is looked at to tell what it is.
const HEAD_BYTES: usize = 64 << 10;
/// Largest export that is read. A JSON of ten thousand VMs with all their properties has 300 MB.
const MAX_EXPORT_BYTES: usize = 1 << 30;

/// What a file gave.
#[derive(Debug)]
pub(super) struct Reading {
    /// Its parts; none for an export that holds nothing needed.
    pub(super) parts: Vec<Part>,
    /// Which export it is.
    pub(super) kind: InventoryKind,
    /// By what that was seen.
    pub(super) why: String,
}

/// What the content looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Workbook,
    HostStore,
    Json,
    EsxiInventory,
    FilesystemText,
    FilesystemCsv,
    Rvtools(Tab),
    HypervCsv(hyperv_csv::List),
}

/// Reads a file as what its content is, or as the kind that the user named.
pub(super) fn read(origin: &Origin, bytes: &[u8], forced: Option<InventoryKind>) -> Result<Reading, ImportError> {
    if bytes.is_empty() {
        return Err(ImportError::Empty);
    }
    if bytes.len() > MAX_EXPORT_BYTES {
        return Err(ImportError::TooLarge(format!(
            "it has more than {MAX_EXPORT_BYTES} bytes"
        )));
    }
    let look = match forced {
        Some(kind) => forced_look(origin, bytes, kind)?,
        None => look(origin, bytes)?,
    };
    let mut reading = read_as(origin, bytes, look, forced)?;
    if let Some(kind) =
        forced.filter(|kind| reading.kind != *kind && !reading.parts.iter().any(|part| part.kind == *kind))
    {
        let found = reading.kind.name();
        return Err(ImportError::NotUnderstood(format!(
            "it is {found}, not {}",
            kind.name()
        )));
    }
    for part in &mut reading.parts {
        part.tabs.remove(&Tab::Other);
    }
    Ok(reading)
}

fn look(origin: &Origin, bytes: &[u8]) -> Result<Look, ImportError> {
    if workbook::is_zip(bytes) {
        return Ok(Look::Workbook);
    }
    if host_store::is_store(bytes) {
        return Ok(Look::HostStore);
    }
    let head = text::decode(bytes.get(..bytes.len().min(HEAD_BYTES)).unwrap_or_default()).text;
    let head = head.trim_start();
    if is_json(head) {
        return Ok(Look::Json);
    }
    if esxi::is_inventory(head) {
        return Ok(Look::EsxiInventory);
    }
    if esxi::is_filesystem_text(head) {
        return Ok(Look::FilesystemText);
    }
    if head.starts_with("govc: ") {
        return Err(ImportError::NotUnderstood(
            "an error message of govc: the export failed".to_owned(),
        ));
    }
    if head.contains('\0') {
        return Err(ImportError::NotUnderstood("binary of no known export".to_owned()));
    }
    if head.starts_with('<') {
        return Err(ImportError::NotUnderstood("XML of no known export".to_owned()));
    }
    table_look(origin, head).ok_or_else(|| ImportError::NotUnderstood("no known export".to_owned()))
}

/// Brackets alone do not make JSON: datastore paths begin with `[` too.
fn is_json(head: &str) -> bool {
    let next = |open| {
        head.strip_prefix(open)
            .map(|rest: &str| rest.trim_start().chars().next())
    };
    match (next('{'), next('[')) {
        (Some(next), _) => matches!(next, Some('"' | '}')),
        (_, Some(next)) => matches!(next, Some('{' | '[' | '"' | ']')),
        _ => false,
    }
}

/// A table by its header; where that fits several, or none since columns are missing, by the name of its file.
fn table_look(origin: &Origin, head: &str) -> Option<Look> {
    let table = csv_table::parse(head);
    if table.header.len() < 2 {
        return None;
    }
    if esxi::is_filesystem_table(&table) {
        return Some(Look::FilesystemCsv);
    }
    if let Some(list) = hyperv_csv::List::of(&table) {
        return Some(Look::HypervCsv(list));
    }
    Tab::of_table(&table)
        .or_else(|| Tab::of_name(&origin.name()))
        .map(Look::Rvtools)
}

/// The look that a kind must have.
fn forced_look(origin: &Origin, bytes: &[u8], kind: InventoryKind) -> Result<Look, ImportError> {
    Ok(match kind {
        InventoryKind::RvtoolsXlsx => Look::Workbook,
        InventoryKind::EsxiInventory => Look::EsxiInventory,
        InventoryKind::HypervHostStore => Look::HostStore,
        InventoryKind::PowercliJson
        | InventoryKind::GovcCollect
        | InventoryKind::GovcInfo
        | InventoryKind::GovcDisks
        | InventoryKind::GovcLibrary => Look::Json,
        InventoryKind::RvtoolsCsv | InventoryKind::EsxiFilesystems | InventoryKind::HypervJson => look(origin, bytes)?,
    })
}

fn read_as(origin: &Origin, bytes: &[u8], look: Look, forced: Option<InventoryKind>) -> Result<Reading, ImportError> {
    match look {
        Look::Workbook => {
            let (parts, why) = rvtools::import_workbook(origin, bytes)?;
            Ok(Reading {
                parts,
                kind: InventoryKind::RvtoolsXlsx,
                why,
            })
        }
        Look::HostStore => Ok(Reading {
            parts: vec![host_store::import(origin, bytes)?],
            kind: InventoryKind::HypervHostStore,
            why: "the registration store of a Hyper-V host".to_owned(),
        }),
        _ => read_text(origin, bytes, look, forced),
    }
}

fn read_text(origin: &Origin, bytes: &[u8], look: Look, forced: Option<InventoryKind>) -> Result<Reading, ImportError> {
    let text = text::decode(bytes);
    let mut reading = match look {
        Look::Json => read_json(origin, &text.text, forced)?,
        Look::EsxiInventory => {
            let mut part = Part::new(origin, InventoryKind::EsxiInventory, Source::default());
            esxi::add_inventory(&mut part, &text.text, &origin.name())?;
            single(part, "`<ConfigRoot>`")
        }
        Look::FilesystemText => {
            let mut part = Part::new(origin, InventoryKind::EsxiFilesystems, Source::default());
            esxi::add_filesystem_text(&mut part, text.text.trim_start());
            single(part, "the columns Mount Point and Volume Name")
        }
        Look::FilesystemCsv => {
            let mut part = Part::new(origin, InventoryKind::EsxiFilesystems, Source::default());
            esxi::add_filesystem_table(&mut part, &csv_table::parse(&text.text));
            single(part, "the columns MountPoint and VolumeName")
        }
        Look::HypervCsv(list) => {
            let mut part = Part::new(origin, InventoryKind::HypervJson, Source::default());
            hyperv_csv::add(&mut part, list, &csv_table::parse(&text.text));
            single(part, list.sign())
        }
        Look::Rvtools(Tab::Other) => Reading {
            parts: Vec::new(),
            kind: InventoryKind::RvtoolsCsv,
            why: "a tab of RVTools that names no files".to_owned(),
        },
        Look::Rvtools(tab) => {
            let (parts, why) = rvtools::import_csv(origin, tab, csv_table::parse(&text.text));
            Reading {
                parts,
                kind: InventoryKind::RvtoolsCsv,
                why,
            }
        }
        Look::Workbook | Look::HostStore => {
            return Err(ImportError::NotUnderstood("binary of no known export".to_owned()));
        }
    };
    for part in &mut reading.parts {
        part.guessed_encoding = text.guessed;
    }
    Ok(reading)
}

fn single(part: Part, why: &str) -> Reading {
    Reading {
        kind: part.kind,
        parts: vec![part],
        why: why.to_owned(),
    }
}

/// Reads JSON. An empty list says of what it is one only when the user does.
fn read_json(origin: &Origin, text: &str, forced: Option<InventoryKind>) -> Result<Reading, ImportError> {
    let is_empty_list = matches!(text.trim(), "[]" | "null" | "{}");
    if let Some(kind) = forced.filter(|_| is_empty_list) {
        let mut part = Part::new(origin, kind, Source::default());
        part.has_vm_list = !matches!(kind, InventoryKind::GovcDisks | InventoryKind::GovcLibrary);
        return Ok(single(part, "named by the user"));
    }
    let read = json_form::read(origin, text)?;
    let kind = read.parts.first().map_or(InventoryKind::GovcCollect, |part| part.kind);
    Ok(Reading {
        parts: read.parts,
        kind,
        why: read.why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_of(name: &str, content: &str) -> Option<Look> {
        let origin = Origin {
            path: name.into(),
            modified: None,
        };
        look(&origin, content.as_bytes()).ok()
    }

    #[test]
    fn the_content_decides_whatever_the_name() {
        assert_eq!(look_of("a.xlsx", "{\"virtualMachines\": []}"), Some(Look::Json));
        assert_eq!(look_of("a.json", "PK\x03\x04"), Some(Look::Workbook));
        assert_eq!(
            look_of("a.txt", "\u{feff}VM;Disk;Disk Mode;Path\r\n"),
            Some(Look::Rvtools(Tab::Disk))
        );
        assert_eq!(
            look_of("a", "<?xml version=\"1.0\"?>\n<ConfigRoot/>"),
            Some(Look::EsxiInventory)
        );
    }

    #[test]
    fn brackets_alone_are_no_json() {
        assert_eq!(look_of("a.json", "[SAN-VMFS-01] web01/web01.vmx\n"), None);
        assert_eq!(look_of("a.json", "{mo.VirtualMachine}"), None);
        assert_eq!(look_of("a.json", "govc: not found"), None);
    }
}
