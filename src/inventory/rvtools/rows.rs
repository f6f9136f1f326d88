//! The rows of each tab.

use super::{Parts, Tab};
use crate::{
    inventory::{
        DatastoreRecord, ForeignFinding, HostRecord, Listing, Registration, file_list, noted_owner,
        part::{Draft, Part, Source},
        table::{Column, Row, Table, column, late_column},
        text::unescape_name,
        values,
    },
    kind::Role,
};

const SERVER: Column = late_column(&["visdkserver"]);
const SERVER_ID: Column = late_column(&["visdkuuid", "vcenteruuid"]);

/// Reads the rows of a tab into the parts of their vCenters.
pub(super) fn read(parts: &mut Parts<'_>, tab: Tab, table: &Table) {
    match tab {
        Tab::Info => vms(parts, table),
        Tab::Disk => disks(parts, table),
        Tab::Snapshot => snapshots(parts, table),
        Tab::Cd => media(parts, table),
        Tab::Datastore => datastores(parts, table),
        Tab::Host => hosts(parts, table),
        Tab::Source => sources(parts, table),
        Tab::MetaData => times(parts, table),
        Tab::FileInfo => files(parts, table),
        Tab::Health => findings(parts, table),
        Tab::Other => {}
    }
}

/// Where the columns stand that say which vCenter a row is of.
struct SourceColumns {
    name: Option<usize>,
    id: Option<usize>,
}

impl SourceColumns {
    fn of(table: &Table, tab: Tab) -> Self {
        Self {
            name: table.find(SERVER, tab.name()),
            id: table.find(SERVER_ID, tab.name()),
        }
    }

    fn source(&self, row: &Row) -> Source {
        Source {
            id: values::id(row.cell(self.id)).map(|id| id.to_string()),
            name: row.value(self.name),
        }
    }
}

/// Where the columns stand that say which VM a row is of.
struct VmColumns {
    tab: Tab,
    name: Option<usize>,
    moref: Option<usize>,
    instance_id: Option<usize>,
    host: Option<usize>,
    state: Option<usize>,
    source: SourceColumns,
}

impl VmColumns {
    fn of(table: &Table, tab: Tab) -> Self {
        let find = |column| table.find(column, tab.name());
        Self {
            tab,
            name: find(column(&["vm", "vmname"])),
            moref: find(late_column(&["vmid", "vmref"])),
            instance_id: find(late_column(&["vmuuid", "uuid"])),
            host: find(late_column(&["host"])),
            state: find(column(&["powerstate"])),
            source: SourceColumns::of(table, tab),
        }
    }

    /// True for a line of sums or a remark below the rows: it has words where the name stands and nothing of what tells of a
    /// VM, while the table has at least two columns that tell of the others.
    fn is_note(&self, row: &Row, path: Option<usize>) -> bool {
        let told: Vec<usize> = [self.moref, self.instance_id, self.host, self.state]
            .into_iter()
            .flatten()
            .collect();
        let is_blank = |column: &usize| row.cell(Some(*column)).trim().is_empty();
        let has_name = !row.cell(self.name).trim().is_empty();
        // A row that is cut off, or of which somebody left out columns, has words beside its name.
        let others = row
            .cells
            .iter()
            .enumerate()
            .filter(|(column, _)| Some(*column) != self.name);
        let is_sum = |cell: &str| cell.trim().is_empty() || values::whole(cell).is_some();
        let has_no_words = others.map(|(_, cell)| cell.as_str()).all(is_sum);
        has_name && has_no_words && told.len() >= 2 && told.iter().chain(&path).all(is_blank)
    }

    /// The VM of a row, without files. `None` where the row names none.
    fn draft(&self, row: &Row, file: &str) -> Option<Draft> {
        // Merged workbooks fill empty cells with the word of the header.
        let moref = row.value(self.moref).filter(|id| id != "VM");
        let name = unescape_name(row.cell(self.name));
        if name.is_empty() && moref.is_none() {
            return None;
        }
        Some(Draft {
            vm: Registration {
                name,
                moref,
                instance_id: values::id(row.cell(self.instance_id)),
                host: row.value(self.host),
                row: format!("{file}: {} row {}", self.tab.name(), row.number),
                ..Registration::default()
            },
            ..Draft::default()
        })
    }
}

/// Code of the warning that no path of a configuration is told.
pub(in crate::inventory) const NO_PATH_COLUMN: &str = "no-path-column";

fn vms(parts: &mut Parts<'_>, table: &Table) {
    let find = |column| table.find(column, Tab::Info.name());
    let vm_columns = VmColumns::of(table, Tab::Info);
    let path = find(column(&["path"])).or_else(|| table.find_by_shape(is_config));
    let bios_id = find(late_column(&["smbiosuuid", "biosuuid"]));
    let template = find(column(&["template"]));
    let placeholder = find(column(&["srmplaceholder"]));
    let state = find(column(&["powerstate"]));
    let connection = find(column(&["connectionstate"]));
    let disk_count = find(column(&["disks", "numvirtualdisks"]));
    let notes = find(column(&["annotation", "notes"]));
    let inventory_folder = find(column(&["folder"]));
    let noted_owner = noted_owner::columns(table, Tab::Info.name());
    let folders = [&["logdirectory"], &["snapshotdirectory"], &["suspenddirectory"]].map(|names| find(column(names)));
    let file = parts.origin.name();
    for row in table.rows.iter().filter(|row| !vm_columns.is_note(row, path)) {
        let Some(mut draft) = vm_columns.draft(row, &file) else {
            note_nameless(parts.of(vm_columns.source.source(row)), Tab::Info);
            continue;
        };
        draft.listed = true;
        draft.expected_disks = values::whole(row.cell(disk_count));
        // RVTools 3 has no column for the BIOS id; there the one id may be either.
        draft.vm.bios_id = bios_id.map_or(draft.vm.instance_id, |_| values::id(row.cell(bios_id)));
        draft.vm.template = values::truth(row.cell(template));
        draft.vm.placeholder = values::truth(row.cell(placeholder));
        draft.vm.state = row.value(state);
        draft.vm.connection = row.value(connection);
        draft.vm.notes = row.value(notes);
        draft.vm.inventory_folder = row.value(inventory_folder);
        draft.vm.noted_owner = noted_owner::of_row(row, &noted_owner);
        draft.vm.has_configuration = !lacks_configuration(row.cell(connection));
        match datastore_path(row.cell(path)) {
            // A list that somebody put together may hold disks in this column.
            Some(disk) if is_disk(disk) => {
                draft.add_file(Role::Disk, disk, None);
                draft.vm.listing = Listing::LeafDisks;
            }
            other => draft.vm.config = other.map(str::to_owned),
        }
        for folder in folders {
            draft.add_folder(datastore_path(row.cell(folder)).unwrap_or_default());
        }
        let part = parts.of(vm_columns.source.source(row));
        note_lost_cell(part, row, path);
        part.vms.push(draft);
    }
    if path.is_none() && !table.rows.is_empty() {
        for part in parts.by_source.values_mut() {
            part.warn_capping(
                NO_PATH_COLUMN,
                "vInfo has no Path column: where the VMs keep their configuration is not known; export all columns",
            );
        }
    }
}

/// A row that says of no VM that it is of, as a formula leaves it whose value was not saved.
fn note_nameless(part: &mut Part, tab: Tab) {
    part.warn_capping(
        "nameless-rows",
        format!(
            "{} has rows that name no VM, which are not read; export it again",
            tab.name()
        ),
    );
}

/// vCenter has no configuration of a VM in such a state, so its row knows no disks.
fn lacks_configuration(connection: &str) -> bool {
    ["inaccessible", "invalid"].contains(&connection.to_ascii_lowercase().as_str())
}

fn disks(parts: &mut Parts<'_>, table: &Table) {
    let vm_columns = VmColumns::of(table, Tab::Disk);
    let path = table.find(column(&["path"]), Tab::Disk.name());
    // Older descriptions take `Disk Path` for the file; where it holds folders of the guest it is not one.
    let other_path = table
        .find(column(&["diskpath"]), Tab::Disk.name())
        .or_else(|| table.find_by_shape(is_disk));
    let id = table.find(column(&["diskuuid"]), Tab::Disk.name());
    let file = parts.origin.name();
    for row in table
        .rows
        .iter()
        .filter(|row| !vm_columns.is_note(row, path.or(other_path)))
    {
        let Some(mut draft) = vm_columns.draft(row, &file) else {
            note_nameless(parts.of(vm_columns.source.source(row)), Tab::Disk);
            continue;
        };
        let disk = datastore_path(row.cell(path)).or_else(|| datastore_path(row.cell(other_path)));
        if let Some(disk) = disk {
            draft.add_file(Role::Disk, disk, None);
            draft.add_disk_id(disk, values::id(row.cell(id)));
            draft.vm.listing = Listing::LeafDisks;
            draft.vm.has_configuration = true;
        } else {
            draft.has_nameless_disk = true;
        }
        let part = parts.of(vm_columns.source.source(row));
        note_lost_cell(part, row, path);
        part.vms.push(draft);
    }
    if path.is_none() && table.find_by_shape(is_disk).is_none() && !table.rows.is_empty() {
        for part in parts.by_source.values_mut() {
            part.warn_capping(
                "no-disk-path-column",
                "vDisk has no Path column: which disks the VMs have is not known; export all columns",
            );
        }
    }
}

fn snapshots(parts: &mut Parts<'_>, table: &Table) {
    let vm_columns = VmColumns::of(table, Tab::Snapshot);
    let path = table.find(column(&["filename"]), Tab::Snapshot.name());
    let file = parts.origin.name();
    parts.lists_snapshots = vm_columns.name.is_some() || vm_columns.moref.is_some();
    for row in &table.rows {
        let Some(mut draft) = vm_columns.draft(row, &file) else {
            parts.lists_snapshots = false;
            continue;
        };
        draft.vm.has_snapshots = true;
        draft.add_file(
            Role::SnapshotState,
            datastore_path(row.cell(path)).unwrap_or_default(),
            None,
        );
        parts.of(vm_columns.source.source(row)).vms.push(draft);
    }
}

fn media(parts: &mut Parts<'_>, table: &Table) {
    let vm_columns = VmColumns::of(table, Tab::Cd);
    let device = table.find(column(&["devicetype"]), Tab::Cd.name());
    let file = parts.origin.name();
    for row in &table.rows {
        // The image stands inside a text: `ISO [DS] iso/x.iso`.
        let text = row.cell(device);
        let image = text.find('[').and_then(|at| text.get(at..));
        let (Some(mut draft), Some(image)) = (vm_columns.draft(row, &file), image) else {
            continue;
        };
        draft.add_file(Role::Media, image, None);
        parts.of(vm_columns.source.source(row)).vms.push(draft);
    }
}

fn datastores(parts: &mut Parts<'_>, table: &Table) {
    let find = |column| table.find(column, Tab::Datastore.name());
    let source = SourceColumns::of(table, Tab::Datastore);
    let name = find(column(&["name"]));
    let url = find(late_column(&["url"]));
    let address = find(column(&["address"]));
    let kind = find(column(&["type"]));
    let moref = find(late_column(&["objectid"]));
    let hosts = find(column(&["hosts"]));
    let host_count = find(column(&["#hosts", "nohosts"]));
    let vm_count = find(column(&["#vmstotal", "vmstotal", "#vms"]));
    let capacity = find(column(&["capacitymib", "capacitymb", "capacity"]));
    let free = find(column(&[
        "freemib",
        "freemb",
        "freespacemib",
        "freespacemb",
        "freespace",
    ]));
    for row in &table.rows {
        let Some(label) = row.value(name) else { continue };
        let mut record = DatastoreRecord {
            name: label,
            moref: row.value(moref),
            kind: row.value(kind),
            hosts: list(row.cell(hosts)),
            host_count: values::whole(row.cell(host_count)),
            vm_count: values::whole(row.cell(vm_count)),
            capacity_bytes: values::mib(row.cell(capacity)),
            free_bytes: values::mib(row.cell(free)),
            ..DatastoreRecord::default()
        };
        record.add_alias(row.cell(url));
        record.add_alias(remote_path(row.cell(address)));
        parts.of(source.source(row)).datastores.push(record);
    }
}

fn files(parts: &mut Parts<'_>, table: &Table) {
    let source = SourceColumns::of(table, Tab::FileInfo);
    let file = parts.origin.name();
    for row in &table.rows {
        let part = parts.of(source.source(row));
        file_list::add_rvtools(part, table, row, &file);
    }
}

/// RVTools' own guesses, of which those about files are worth showing beside a verdict.
fn findings(parts: &mut Parts<'_>, table: &Table) {
    let find = |names| table.find(column(names), Tab::Health.name());
    let source = SourceColumns::of(table, Tab::Health);
    let [name, message, kind] = [&["name"], &["message"], &["messagetype"]].map(|names| find(names));
    let file = parts.origin.name();
    for row in &table.rows {
        let Some(path) = datastore_path(row.cell(name)) else {
            continue;
        };
        let finding = ForeignFinding {
            path: path.to_owned(),
            kind: row.cell(kind).to_owned(),
            message: row.cell(message).to_owned(),
            row: format!("{file}: vHealth row {}", row.number),
        };
        parts.of(source.source(row)).observations.findings.push(finding);
    }
}

fn hosts(parts: &mut Parts<'_>, table: &Table) {
    let find = |column| table.find(column, Tab::Host.name());
    let source = SourceColumns::of(table, Tab::Host);
    let name = find(column(&["host", "name"]));
    let moref = find(late_column(&["objectid"]));
    let vm_count = find(column(&["#vmstotal", "vmstotal"]));
    let uuid = find(late_column(&["uuid"]));
    for row in &table.rows {
        let Some(host) = row.value(name) else { continue };
        parts.of(source.source(row)).hosts.push(HostRecord {
            name: host,
            moref: row.value(moref),
            vm_count: values::whole(row.cell(vm_count)),
            uuid: values::id(row.cell(uuid)),
        });
    }
}

fn sources(parts: &mut Parts<'_>, table: &Table) {
    let source = SourceColumns::of(table, Tab::Source);
    for row in &table.rows {
        let source = source.source(row);
        if !source.is_unknown() {
            parts.of(source);
        }
    }
}

fn times(parts: &mut Parts<'_>, table: &Table) {
    let find = |column| table.find(column, Tab::MetaData.name());
    let time = find(column(&["xlsxcreationdatetime", "creationdatetime"]));
    let server = find(column(&["server"]));
    for row in &table.rows {
        let Some(said) = values::time(row.cell(time)) else {
            continue;
        };
        let moment = said.moment(parts.origin.modified);
        parts.saids.push((row.value(server), moment));
    }
}

/// The items of a cell that lists several.
fn list(cell: &str) -> Vec<String> {
    cell.split([',', ';', '\n'])
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// `host:/export` of an NFS datastore. A device id (`naa.…`) is no name of a datastore.
fn remote_path(address: &str) -> &str {
    if address.contains(":/") || address.starts_with("\\\\") {
        address
    } else {
        ""
    }
}

/// A value that is a path on a datastore. Anonymised and merged workbooks hold other things in these columns.
fn datastore_path(cell: &str) -> Option<&str> {
    (cell.starts_with('[') || cell.starts_with("/vmfs/")).then_some(cell)
}

fn is_config(cell: &str) -> bool {
    datastore_path(cell).is_some() && values::ends_with(cell, &[".vmx", ".vmtx"])
}

fn is_disk(cell: &str) -> bool {
    datastore_path(cell).is_some() && values::ends_with(cell, &[".vmdk"])
}

/// A cell that holds the name of a type instead of its value was not exported.
fn note_lost_cell(part: &mut Part, row: &Row, column: Option<usize>) {
    let cell = row.cell(column);
    if values::is_type_name(cell) {
        let text = format!(
            "{}: row {} holds {cell} where a path belongs; export it again",
            part.origin.name(),
            row.number
        );
        part.warn_capping("not-exported-cell", text);
    }
}
