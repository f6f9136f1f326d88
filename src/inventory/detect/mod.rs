//! What a file is, by its content: signature, first characters, header line, keys. Never by its extension.

mod refused;

use self::refused::{no_export, other_form};
use super::{
    Imported, InventoryKind, clixml, cluster_hive, csv_table, esxcli, esxi, file_list,
    files::ImportError,
    form::{self, Container, Form},
    hcs, host_store, icacls,
    json::{self, Documents, Json},
    json_form, live_optics,
    mapped::{self, ColumnMap},
    names::{self, Names},
    part::{Origin, Part, Source},
    rvtools::{self, Tab},
    table::Table,
    text, vim_cmd, workbook,
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
    /// Whole inventories, of a file that derelict wrote.
    pub(super) saved: Option<Imported>,
    /// Which export it is.
    pub(super) kind: InventoryKind,
    /// By what that was seen.
    pub(super) why: String,
}

impl Reading {
    fn of(kind: InventoryKind, parts: Vec<Part>, why: impl Into<String>) -> Self {
        Self {
            parts,
            saved: None,
            kind,
            why: why.into(),
        }
    }

    fn single(part: Part, why: &str) -> Self {
        Self::of(part.kind, vec![part], why)
    }
}

/// What the user said of a file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hints<'a> {
    /// Its kind.
    pub(super) kind: Option<InventoryKind>,
    /// The columns of tables that are not known.
    pub(super) map: Option<&'a ColumnMap>,
}

/// What the content looks like.
#[derive(Debug, Clone, Copy)]
enum Look {
    Workbook,
    HostStore,
    ClusterHive,
    Json,
    Clixml,
    EsxiInventory,
    Esxcli(esxcli::Formatter),
    VmTable,
    Printed,
    FileList,
    Names(Names),
    Icacls,
    ComputeSystems,
    Rvtools(Tab),
    List(&'static Form),
    Mapped,
}

impl Look {
    /// A text of lines that no closing bracket or tag ends. Every tool ends its lines.
    fn is_of_lines(self) -> bool {
        match self {
            Self::Esxcli(formatter) => formatter != esxcli::Formatter::Xml,
            Self::VmTable | Self::Printed | Self::FileList | Self::Names(_) | Self::Icacls | Self::ComputeSystems => {
                true
            }
            Self::Workbook
            | Self::HostStore
            | Self::ClusterHive
            | Self::Json
            | Self::Clixml
            | Self::EsxiInventory
            | Self::Rvtools(_)
            | Self::List(_)
            | Self::Mapped => false,
        }
    }
}

/// Reads a file as what its content is, or as the kind that the user named.
pub(super) fn read(origin: &Origin, bytes: &[u8], hints: Hints<'_>) -> Result<Reading, ImportError> {
    if bytes.is_empty() {
        return Err(ImportError::Empty);
    }
    if bytes.len() > MAX_EXPORT_BYTES {
        return Err(ImportError::TooLarge(format!(
            "it has more than {MAX_EXPORT_BYTES} bytes"
        )));
    }
    let look = match hints.kind {
        Some(InventoryKind::MappedCsv) => Look::Mapped,
        _ => look(origin, bytes, hints)?,
    };
    let mut reading = read_as(origin, bytes, look, hints)?;
    if let Some(kind) = hints
        .kind
        .filter(|kind| reading.kind != *kind && !reading.parts.iter().any(|part| part.kind == *kind))
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

fn look(origin: &Origin, bytes: &[u8], hints: Hints<'_>) -> Result<Look, ImportError> {
    if workbook::is_zip(bytes) {
        return Ok(Look::Workbook);
    }
    if host_store::is_store(bytes) {
        return Ok(Look::HostStore);
    }
    if cluster_hive::is_hive(bytes) {
        return Ok(Look::ClusterHive);
    }
    let head = text::decode(bytes.get(..bytes.len().min(HEAD_BYTES)).unwrap_or_default()).text;
    let head = without_notices(&head);
    if head.is_empty() && bytes.len() <= HEAD_BYTES {
        return Err(ImportError::Empty);
    }
    if let Some(look) = text_look(head) {
        return Ok(look);
    }
    if let Some(why) = other_form(bytes, head) {
        return Err(ImportError::WrongForm(why.to_owned()));
    }
    if let Some(why) = no_export(bytes, head) {
        return Err(ImportError::NotUnderstood(why.to_owned()));
    }
    let is_json_text = || serde_json::from_str::<serde::de::IgnoredAny>(head).is_ok();
    if origin.name().to_lowercase().ends_with(".json") && !is_json_text() {
        let text = "a text that is no JSON, such as what a command prints when it fails; export it again";
        return Err(ImportError::WrongForm(text.to_owned()));
    }
    let table = csv_table::parse_below_title(head, is_known_header);
    if let Some(look) = table_look(origin, &table) {
        return Ok(look);
    }
    if hints.map.is_some_and(|map| map.fits(&mapped_table(head, map))) {
        return Ok(Look::Mapped);
    }
    let holds_paths = mapped::holds_paths(&table);
    if let Some(form) = form::pathless(Json(&table.first_object())).filter(|_| !holds_paths) {
        return Ok(Look::List(form));
    }
    Err(match mapped::hint(&table) {
        Some(hint) if holds_paths => ImportError::WrongForm(hint),
        hint => ImportError::NotUnderstood(hint.unwrap_or_else(|| "no known export".to_owned())),
    })
}

/// A text that is no table with a header.
fn text_look(head: &str) -> Option<Look> {
    match () {
        () if is_json(head) => Some(Look::Json),
        () if esxi::is_inventory(head) => Some(Look::EsxiInventory),
        () if clixml::is_clixml(head) => Some(Look::Clixml),
        () if vim_cmd::is_vm_table(head) => Some(Look::VmTable),
        () if vim_cmd::is_printed(head) => Some(Look::Printed),
        () if file_list::is_text(head) => Some(Look::FileList),
        () if icacls::is_saved_list(head) => Some(Look::Icacls),
        () if hcs::is_list(head) => Some(Look::ComputeSystems),
        () => esxcli::Formatter::of(head)
            .map(Look::Esxcli)
            .or_else(|| Names::of(head).map(Look::Names)),
    }
}

/// A text without the warnings that PowerShell wrote into it, where all its streams went into one file.
fn without_notices(text: &str) -> &str {
    let mut rest = text.trim_start();
    for _ in 0..MAX_NOTICES {
        let Some((line, below)) = rest.split_once('\n') else {
            break;
        };
        if !NOTICES.iter().any(|notice| line.starts_with(notice)) {
            break;
        }
        rest = below.trim_start();
    }
    rest
}

/// How a warning begins, in the languages in which it is met most.
const NOTICES: [&str; 6] = [
    "WARNING: ",
    "WARNUNG: ",
    "AVERTISSEMENT",
    "ADVERTENCIA: ",
    "AVVISO: ",
    "WAARSCHUWING: ",
];
/// Most warnings that are looked past.
const MAX_NOTICES: usize = 100;

/// Brackets alone do not make JSON: datastore paths begin with `[` too.
fn is_json(head: &str) -> bool {
    let next = |open| {
        head.strip_prefix(open)
            .map(|rest: &str| rest.trim_start().chars().next())
    };
    match (next('{'), next('[')) {
        // One that ends here was cut.
        (Some(next), _) => matches!(next, Some('"' | '}') | None),
        (_, Some(next)) => matches!(next, Some('{' | '[' | '"' | ']' | 'n') | None),
        _ => head.trim_end() == "null",
    }
}

/// A table by its header; where that fits none since columns are missing, by the name of its file.
fn table_look(origin: &Origin, table: &Table) -> Option<Look> {
    header_look(table).or_else(|| Tab::of_name(&origin.name()).map(Look::Rvtools))
}

/// A table by its header alone; where that fits both, RVTools has more columns of its own than what gives way to it.
fn header_look(table: &Table) -> Option<Look> {
    if table.header.len() < 2 {
        return None;
    }
    let form = form::of_item(Json(&table.first_object()));
    let tab = Tab::of_table(table).filter(|_| form.is_none_or(Form::gives_way_to_rvtools));
    tab.map(Look::Rvtools).or(form.map(Look::List))
}

fn is_known_header(table: &Table) -> bool {
    header_look(table).is_some()
}

fn mapped_table(text: &str, map: &ColumnMap) -> Table {
    csv_table::parse_below_title(text, |table| map.fits(table))
}

fn read_as(origin: &Origin, bytes: &[u8], look: Look, hints: Hints<'_>) -> Result<Reading, ImportError> {
    match look {
        Look::Workbook => read_workbook(origin, bytes, hints),
        Look::HostStore => Ok(Reading::single(
            host_store::import(origin, bytes)?,
            "the registration store of a Hyper-V host",
        )),
        Look::ClusterHive => Ok(Reading::single(
            cluster_hive::import(origin, bytes)?,
            "the registry hive of a failover cluster",
        )),
        _ => {
            let text = text::decode(bytes);
            let mut reading = read_text(origin, &text.text, look, hints)?;
            if look.is_of_lines() && !text.text.ends_with(['\n', '\r']) {
                note_cut(&mut reading, &origin.name());
            }
            for part in &mut reading.parts {
                part.guessed_encoding = text.guessed;
            }
            Ok(reading)
        }
    }
}

fn read_workbook(origin: &Origin, bytes: &[u8], hints: Hints<'_>) -> Result<Reading, ImportError> {
    let sheets = workbook::read(bytes, rvtools::is_wanted)?;
    if live_optics::is_workbook(&sheets) {
        let part = live_optics::import(origin, &sheets);
        return Ok(Reading::single(
            part,
            "a workbook with the sheets VMs and ESX Hosts or Details",
        ));
    }
    if !rvtools::is_workbook(&sheets)
        && let Some(reading) = read_lists(origin, &sheets, hints)
    {
        return Ok(reading);
    }
    let (parts, why) = rvtools::import_workbook(origin, sheets)?;
    Ok(Reading::of(InventoryKind::RvtoolsXlsx, parts, why))
}

/// Reads the lists in a workbook that a spreadsheet made of CSV files: a sheet is a table like any other.
fn read_lists(origin: &Origin, sheets: &[workbook::Sheet], hints: Hints<'_>) -> Option<Reading> {
    let mut readings = sheets.iter().filter_map(|sheet| {
        let table = sheet.table.clone().below_title(is_known_header);
        if let Some(Look::List(form)) = header_look(&table) {
            return Some(read_list(origin, form, &table));
        }
        let map = hints.map?;
        let table = sheet.table.clone().below_title(|table| map.fits(table));
        map.fits(&table).then(|| of_mapped(origin, map, &table))
    });
    let mut all = readings.next()?;
    for reading in readings {
        all.parts.extend(reading.parts);
        if !all.why.contains(&reading.why) {
            all.why = format!("{}; {}", all.why, reading.why);
        }
    }
    all.why = format!("a workbook with {}", all.why);
    Some(all)
}

fn read_text(origin: &Origin, text: &str, look: Look, hints: Hints<'_>) -> Result<Reading, ImportError> {
    let file = origin.name();
    let part = |kind| Part::new(origin, kind, Source::default());
    Ok(match look {
        Look::Json => {
            let json = without_notices(text);
            let mut reading = read_json(origin, json, hints.kind)?;
            if json.len() < text.trim_start().len() {
                note_warnings(&mut reading, &file);
            }
            return Ok(reading);
        }
        Look::Clixml => read_values(origin, clixml::documents(text)?, Container::Clixml)?,
        Look::Esxcli(formatter) => read_values(origin, esxcli::documents(text, formatter)?, Container::Csv)?,
        Look::EsxiInventory => {
            let mut part = part(InventoryKind::EsxiInventory);
            esxi::add_inventory(&mut part, text, &file)?;
            Reading::single(part, "`<ConfigRoot>`")
        }
        Look::VmTable => {
            let mut part = part(InventoryKind::EsxiVms);
            vim_cmd::add_vm_table(&mut part, text, &file);
            Reading::single(part, "the columns Vmid, Name and File")
        }
        Look::Printed => {
            let mut part = part(InventoryKind::EsxiVms);
            vim_cmd::add_printed(&mut part, text, &file).map_err(ImportError::Damaged)?;
            if part.vms.is_empty() {
                part.kind = InventoryKind::EsxiFilesystems;
            }
            Reading::single(part, "objects as vim-cmd prints them")
        }
        Look::FileList => {
            let mut part = part(InventoryKind::FileList);
            file_list::add_text(&mut part, text, &file);
            Reading::single(part, "folders of a datastore with their files")
        }
        Look::Names(names) => {
            let mut part = part(match names {
                Names::Disks => InventoryKind::GovcDisks,
                Names::LibraryFiles => InventoryKind::GovcLibrary,
                Names::Vms | Names::Others => InventoryKind::GovcNames,
            });
            names::add_text(&mut part, names, text, &file);
            match names {
                Names::Vms => Reading::single(part, "inventory paths of VMs"),
                Names::Disks => Reading::single(part, "ids and paths of First Class Disks"),
                Names::LibraryFiles => Reading::single(part, "paths of the files of content libraries"),
                Names::Others => Reading::of(part.kind, Vec::new(), "names of things that are no VMs"),
            }
        }
        Look::Icacls => {
            let mut part = part(InventoryKind::Icacls);
            icacls::add(&mut part, text, &file);
            Reading::single(part, "names with their access control lists")
        }
        Look::ComputeSystems => {
            let mut part = part(InventoryKind::Hcsdiag);
            hcs::add(&mut part, text, &file);
            Reading::single(part, "ids with what the Host Compute Service says of them")
        }
        Look::Rvtools(Tab::Other) => Reading::of(
            InventoryKind::RvtoolsCsv,
            Vec::new(),
            "a tab of RVTools that names no files",
        ),
        Look::Rvtools(tab) => {
            let (parts, why) = rvtools::import_csv(origin, tab, csv_table::parse_below_title(text, is_known_header));
            Reading::of(InventoryKind::RvtoolsCsv, parts, why)
        }
        Look::List(form) => read_rows(origin, form, &csv_table::parse_below_title(text, is_known_header))?,
        Look::Mapped => read_mapped(origin, text, hints.map)?,
        Look::Workbook | Look::HostStore | Look::ClusterHive => {
            return Err(ImportError::NotUnderstood("binary of no known export".to_owned()));
        }
    })
}

/// A text that ends in the middle of a line was cut, at one place or another.
fn note_cut(reading: &mut Reading, file: &str) {
    for part in &mut reading.parts {
        part.warn_capping(
            "truncated",
            format!("{file}: it breaks off in the middle of its last line; export it again, or end that line where it is whole"),
        );
    }
}

/// What a command warned of may be that it left things out.
fn note_warnings(reading: &mut Reading, file: &str) {
    for part in &mut reading.parts {
        part.warn_capping(
            "export-errors",
            format!("{file}: the command that made it wrote warnings into it, so things may be missing; mend what they say and export again"),
        );
    }
}

/// Reads a table of which the header tells the form. One without a row is an export that failed, as far as can be told.
fn read_rows(origin: &Origin, form: &'static Form, table: &Table) -> Result<Reading, ImportError> {
    if table.rows.is_empty() && table.damage.is_none() {
        return Err(ImportError::NoRows);
    }
    Ok(read_list(origin, form, table))
}

/// Reads a table whose header tells its form.
fn read_list(origin: &Origin, form: &'static Form, table: &Table) -> Reading {
    let objects = table.objects();
    let read = json_form::read_list(origin, form, Json(&objects), Container::Csv, table.damage.as_deref());
    Reading::of(form.kind(Container::Csv), read.parts, read.why)
}

fn read_mapped(origin: &Origin, text: &str, map: Option<&ColumnMap>) -> Result<Reading, ImportError> {
    let map =
        map.ok_or_else(|| ImportError::NotUnderstood("no --map says which of its columns hold what".to_owned()))?;
    let table = mapped_table(text, map);
    if !map.fits(&table) {
        return Err(ImportError::NotUnderstood(format!(
            "it has none of the columns that --map names (it has: {})",
            table.header.join(", ")
        )));
    }
    Ok(of_mapped(origin, map, &table))
}

fn of_mapped(origin: &Origin, map: &ColumnMap, table: &Table) -> Reading {
    let parts = mapped::import(origin, map, table);
    Reading::of(InventoryKind::MappedCsv, parts, "the columns that --map names")
}

/// Reads JSON. An empty list says of what it is one only when the user does.
fn read_json(origin: &Origin, text: &str, forced: Option<InventoryKind>) -> Result<Reading, ImportError> {
    let is_empty_list = matches!(text.trim(), "[]" | "null" | "{}");
    if let Some(kind) = forced.filter(|_| is_empty_list) {
        let mut part = Part::new(origin, kind, Source::default());
        part.has_vm_list = !matches!(kind, InventoryKind::GovcDisks | InventoryKind::GovcLibrary);
        return Ok(Reading::single(part, "named by the user"));
    }
    let mut documents = json::documents(text);
    match documents.only() {
        Some(document) if is_saved(Json(document)) => read_saved(document),
        _ => read_values(origin, documents, Container::Json),
    }
}

fn is_saved(document: Json<'_>) -> bool {
    document.has("inventories") && document.has("detected") && document.has("issues")
}

/// Reads what `derelict inventory --format json` printed.
fn read_saved(document: &serde_json::Value) -> Result<Reading, ImportError> {
    let saved: Imported = serde::Deserialize::deserialize(document).map_err(|error| {
        ImportError::Damaged(format!("an inventory that another version of derelict wrote: {error}"))
    })?;
    Ok(Reading {
        parts: Vec::new(),
        saved: Some(saved),
        kind: InventoryKind::Normalised,
        why: "`inventories` that derelict printed".to_owned(),
    })
}

fn read_values(origin: &Origin, documents: Documents<'_>, container: Container) -> Result<Reading, ImportError> {
    let read = json_form::read(origin, documents, container)?;
    let kind = read.parts.first().map_or(InventoryKind::GovcCollect, |part| part.kind);
    Ok(Reading::of(kind, read.parts, read.why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_of(name: &str, content: &str) -> Option<String> {
        let found = look(&Origin::of(name), content.as_bytes(), Hints::default()).ok()?;
        Some(match found {
            Look::List(form) => form.sign.to_owned(),
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn the_content_decides_whatever_the_name() {
        for (name, content, expected) in [
            ("a.xlsx", "{\"virtualMachines\": []}", "Json"),
            ("a.json", "PK\x03\x04", "Workbook"),
            ("a.txt", "\u{feff}VM;Disk;Disk Mode;Path\r\n", "Rvtools(Disk)"),
            ("a", "<?xml version=\"1.0\"?>\n<ConfigRoot/>", "EsxiInventory"),
            ("a.csv", "<Objs Version=\"1.1.0.1\"></Objs>", "Clixml"),
            (
                "a.csv",
                "VM,Powerstate,Template,Path,VM ID,Last backup\n",
                "Rvtools(Info)",
            ),
            ("a.csv", "Name,Type,# VMs total,Hosts,URL\n", "Rvtools(Datastore)"),
            (
                "a.csv",
                "\"VM\",\"Filename\",\"CapacityGB\"\n",
                "items with `Filename` and the capacity or parent of a disk",
            ),
            (
                "a.csv",
                "VMName,VMId,Path,ControllerType\n",
                "items with `VMId` or `VMName` and the `Path` of a drive",
            ),
            ("a.txt", "/DC0/vm/a\n/DC0/vm/b\n", "Names(Vms)"),
        ] {
            assert_eq!(look_of(name, content).as_deref(), Some(expected), "{content}");
        }
    }

    #[test]
    fn brackets_alone_are_no_json() {
        assert_eq!(look_of("a.json", "[SAN-VMFS-01] web01/web01.vmx\n"), None);
        assert_eq!(look_of("a.json", "{mo.VirtualMachine}"), None);
        assert_eq!(look_of("a.json", "govc: not found"), None);
    }

    #[test]
    fn what_is_no_export_is_named_with_what_would_be_one() {
        let why = |content: &str| match look(&Origin::of("x"), content.as_bytes(), Hints::default()) {
            Err(error) => error.to_string(),
            Ok(look) => format!("{look:?}"),
        };
        assert!(why("<VirtualMachine></VirtualMachine>").contains("-json"));
        assert!(why("Name : a\nState : Running\n").contains("ConvertTo-Json"));
        assert!(why("Name  State\n----  -----\na     Running\n").contains("ConvertTo-Json"));
        for (text, command) in [
            ("<infoResult><virtualMachines></virtualMachines></infoResult>", "-json"),
            ("<?xml version=\"1.0\"?>\n<VirtualMachineInfo/>", "-json"),
            ("&vm.infoResult{VirtualMachines:[]mo.VirtualMachine{}}", "-json"),
            ("Name:           web01\n  Path:         /DC0/vm/web01\n", "-json"),
            (
                "Name:        DS\n  Path:      /DC0/datastore/DS\n  URL:   ds:///vmfs/volumes/x/\n",
                "-json",
            ),
            (
                "ide-200       VirtualIDEController  IDE 0\ndisk-1000-0   VirtualDisk  1,048,576 KB\n",
                "object.collect",
            ),
            ("[snapshot-1]  a\n  [snapshot-2]  b\n", "object.collect"),
        ] {
            assert!(why(text).contains(command), "{text}: {}", why(text));
        }
        assert!(why("machine,file\na,[d] a.vmdk\n").contains("--map 'path=file,name=machine'"));
        assert!(why("VM Name,Usage,Where\na,1,[d] a.vmdk\n").contains("--map 'path=Where,name=VM Name'"));
        for (text, remedy) in [
            ("<!DOCTYPE html PUBLIC \"x\"><html></html>", "Export-Csv"),
            ("apiVersion: v1\nitems:\n", "-o json"),
            (
                "NAME   CAPACITY   ACCESS MODES   RECLAIM POLICY   STATUS\npvc-1  10Gi  RWO  Delete  Bound\n",
                "-o json",
            ),
            ("%PDF-1.7\n", "CSV"),
            ("Rar!\x1a\x07\x01", "unpack"),
        ] {
            assert!(why(text).contains(remedy), "{text}: {}", why(text));
        }
    }
}
