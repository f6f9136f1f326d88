//! Catalogues and inventories as Parquet tables, to be queried with any engine: `derelict report --parquet FOLDER`.
//!
//! Facts only, no verdicts. What `docs/sql/README.md` says of the columns is made here.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use parquet::{
    basic::Compression,
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type},
    errors::{ParquetError, Result as ParquetResult},
    file::{properties::WriterProperties, writer::SerializedColumnWriter, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

use crate::{
    catalogue::{Artifact, Catalogue, Issue, RootRecord},
    error::Result,
    evidence::{DiskEvidence, LinkId, Mark, Reference},
    inventory::Inventory,
    output::{Half, Manner},
    path::label_and_rest,
};

/// Rows of a row group: what is held as columns at a time.
const GROUP_ROWS: usize = 1 << 16;

/// A column and where its values come from.
struct Column<R> {
    name: &'static str,
    value: Value<R>,
}

/// Where the values of a column come from. Any of them may be missing.
enum Value<R> {
    Text(fn(&R) -> Option<String>),
    Number(fn(&R) -> Option<u64>),
    Time(fn(&R) -> Option<Timestamp>),
    Flag(fn(&R) -> Option<bool>),
}

impl<R> Column<R> {
    const fn text(name: &'static str, value: fn(&R) -> Option<String>) -> Self {
        let value = Value::Text(value);
        Self { name, value }
    }

    const fn number(name: &'static str, value: fn(&R) -> Option<u64>) -> Self {
        let value = Value::Number(value);
        Self { name, value }
    }

    const fn time(name: &'static str, value: fn(&R) -> Option<Timestamp>) -> Self {
        let value = Value::Time(value);
        Self { name, value }
    }

    const fn flag(name: &'static str, value: fn(&R) -> Option<bool>) -> Self {
        let value = Value::Flag(value);
        Self { name, value }
    }

    /// The column in the language of Parquet schemas.
    fn definition(&self) -> String {
        let kind = match self.value {
            Value::Text(_) => ("binary", " (STRING)"),
            Value::Number(_) => ("int64", ""),
            Value::Time(_) => ("int64", " (TIMESTAMP(MICROS,true))"),
            Value::Flag(_) => ("boolean", ""),
        };
        format!("optional {} {}{};", kind.0, self.name, kind.1)
    }

    fn write(&self, rows: &[R], column: &mut SerializedColumnWriter<'_>) -> ParquetResult<()> {
        match self.value {
            Value::Text(value) => {
                let bytes = |row: &R| value(row).map(|text| ByteArray::from(text.into_bytes()));
                write::<ByteArrayType, _>(rows, bytes, column)
            }
            Value::Number(value) => {
                // A number beyond what Parquet's integers hold is no length, count or inode that anybody has seen.
                let number = |row: &R| value(row).and_then(|number| i64::try_from(number).ok());
                write::<Int64Type, _>(rows, number, column)
            }
            Value::Time(value) => {
                let time = |row: &R| value(row).map(Timestamp::as_microsecond);
                write::<Int64Type, _>(rows, time, column)
            }
            Value::Flag(value) => write::<BoolType, _>(rows, value, column),
        }
    }
}

/// Writes the values that there are, and for each row whether there is one.
fn write<T: DataType, R>(
    rows: &[R],
    value: impl Fn(&R) -> Option<T::T>,
    column: &mut SerializedColumnWriter<'_>,
) -> ParquetResult<()> {
    let all: Vec<Option<T::T>> = rows.iter().map(value).collect();
    let defined: Vec<i16> = all.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = all.into_iter().flatten().collect();
    column.typed::<T>().write_batch(&values, Some(&defined), None)?;
    Ok(())
}

/// The names of all tables.
pub const TABLES: [&str; 6] = ["roots", "artifacts", "file_references", "marks", "issues", "registered"];

/// Where a table of this name lies.
pub fn path(folder: &Path, table: &str) -> PathBuf {
    folder.join(format!("{table}.parquet"))
}

/// A folder that exists, to write tables to.
#[derive(Debug)]
pub struct Folder<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// How they are written.
    pub manner: Manner,
}

/// Writes the tables of a catalogue and of inventories to files of a folder: they belong together, so none comes to its place before
/// all are written.
///
/// # Errors
/// When a file cannot be written, or is there and is not to be replaced.
pub fn write_all(to: &Folder<'_>, catalogue: &Catalogue, inventories: &[Inventory]) -> Result<()> {
    let roots = catalogue.roots.iter().enumerate().map(|(number, record)| Root {
        number,
        record,
        issues: &catalogue.issues,
    });
    let roots = save(to, "roots", &root_columns(), roots)?;
    let artifacts = save(to, "artifacts", &artifact_columns(), catalogue.artifacts.iter())?;
    let references = catalogue.artifacts.iter().flat_map(|artifact| {
        let references = artifact.evidence.references.iter();
        references.map(move |reference| (artifact, reference))
    });
    let file_references = save(to, "file_references", &reference_columns(), references)?;
    let marks = catalogue
        .artifacts
        .iter()
        .flat_map(|artifact| artifact.evidence.marks.iter().map(move |mark| (artifact, mark)));
    let marks = save(to, "marks", &mark_columns(), marks)?;
    let issues = save(to, "issues", &issue_columns(), catalogue.issues.iter())?;
    let registered = inventories.iter().flat_map(registered);
    let registered = save(to, "registered", &registered_columns(), registered)?;
    let tables = [roots, artifacts, file_references, marks, issues, registered];
    tables.into_iter().try_for_each(|table| table.put()?.arrive())
}

fn save<'a, R>(
    to: &'a Folder<'_>,
    name: &str,
    columns: &[Column<R>],
    mut rows: impl Iterator<Item = R>,
) -> Result<Half<'a>> {
    Half::write(&path(to.path, name), &to.manner, |out| {
        table(name, columns, &mut rows, out).map_err(io_error)
    })
}

/// What a writer said, as it said it.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(source) => io::Error::other(source),
        },
        other => io::Error::other(other),
    }
}

fn table<R>(
    name: &str,
    columns: &[Column<R>],
    rows: &mut dyn Iterator<Item = R>,
    out: &mut (dyn Write + Send),
) -> ParquetResult<()> {
    let definitions: Vec<String> = columns.iter().map(Column::definition).collect();
    let schema = parse_message_type(&format!("message {name} {{ {} }}", definitions.join(" ")))?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
    loop {
        let group: Vec<R> = rows.take(GROUP_ROWS).collect();
        if group.is_empty() {
            break;
        }
        let mut written = writer.next_row_group()?;
        for column in columns {
            let missing = || ParquetError::General("a column too many".to_owned());
            let mut next = written.next_column()?.ok_or_else(missing)?;
            column.write(&group, &mut next)?;
            next.close()?;
        }
        written.close()?;
    }
    writer.close()?;
    Ok(())
}

// --- rows -----------------------------------------------------------------------------------------------------------

/// A root, and what could not be read.
struct Root<'a> {
    number: usize,
    record: &'a RootRecord,
    issues: &'a [Issue],
}

/// A file that an inventory names.
struct Registered<'a> {
    inventory: &'a str,
    collected: Option<Timestamp>,
    /// `vm`, or the class of an object that is no VM.
    owner_type: &'a str,
    owner: &'a str,
    id: Option<String>,
    role: Option<String>,
    path: &'a str,
}

fn registered(inventory: &Inventory) -> Vec<Registered<'_>> {
    let source = inventory.source.as_str();
    let of_vms = inventory.vms.iter().flat_map(|vm| {
        let row = |role: String, path| Registered {
            inventory: source,
            collected: inventory.collected,
            owner_type: "vm",
            owner: &vm.name,
            id: vm.instance_id.map(|id| id.to_string()),
            role: Some(role),
            path,
        };
        let config = vm.config.iter().map(|path| row("config".to_owned(), path.as_str()));
        let config: Vec<_> = config.collect();
        let files = vm.files.iter().map(|file| row(text(&file.role), file.path.as_str()));
        config.into_iter().chain(files.collect::<Vec<_>>())
    });
    let of_objects = inventory.objects.iter().filter_map(|object| {
        Some(Registered {
            inventory: source,
            collected: inventory.collected,
            owner_type: &object.class,
            owner: &object.name,
            id: Some(object.id.clone()),
            role: None,
            path: object.path.as_deref()?,
        })
    });
    of_vms.chain(of_objects).collect()
}

// --- columns --------------------------------------------------------------------------------------------------------

fn root_columns<'a>() -> Vec<Column<Root<'a>>> {
    vec![
        Column::number("root", |row| number(row.number)),
        Column::text("path", |row| Some(row.record.path.escaped().into_owned())),
        Column::text("aliases", |row| Some(row.record.aliases.join("\n"))),
        Column::text("machine", |row| Some(row.record.machine.clone())),
        Column::text("file_system", |row| row.record.file_system.clone()),
        Column::time("started", |row| row.record.started),
        Column::number("directories", |row| Some(row.record.directories)),
        Column::number("files", |row| Some(row.record.files)),
        Column::number("apparent_bytes", |row| Some(row.record.apparent_bytes)),
        Column::number("allocated_bytes", |row| row.record.allocated_bytes),
        Column::number("capacity_bytes", |row| row.record.capacity_bytes),
        Column::number("free_bytes", |row| row.record.free_bytes),
        Column::flag("is_whole", |row| {
            let unread = |issue: &Issue| issue.root == Some(row.number) && issue.folder;
            Some(!row.issues.iter().any(unread))
        }),
    ]
}

fn artifact_columns<'a>() -> Vec<Column<&'a Artifact>> {
    vec![
        Column::number("root", |row| number(row.entry.root)),
        Column::text("path", |row| Some(row.entry.path.escaped().into_owned())),
        Column::text("place", |row| Some(place(&row.entry.path.escaped()))),
        Column::text("folder", |row| Some(place(&row.entry.path.folder().escaped()))),
        Column::text("name", |row| Some(last_part(&row.entry.path.escaped()))),
        Column::text("kind", |row| Some(text(&row.kind))),
        Column::number("apparent_bytes", |row| Some(row.entry.length)),
        Column::number("allocated_bytes", |row| row.entry.allocated),
        Column::time("modified", |row| row.entry.modified),
        Column::time("created", |row| row.entry.created),
        Column::number("device", |row| Some(row.entry.device)),
        Column::number("inode", |row| Some(row.entry.inode)),
        Column::number("links", |row| Some(row.entry.links)),
        Column::number("virtual_bytes", |row| disk(row)?.virtual_bytes),
        Column::text("create_type", |row| disk(row)?.create_type.clone()),
        Column::text("creator", |row| disk(row)?.creator.clone()),
        Column::text("link_id", |row| Some(link(disk(row)?.link?))),
        Column::flag("has_parent", |row| Some(disk(row)?.has_parent)),
        Column::text("vm_name", |row| row.evidence.vm.as_ref()?.name.clone()),
        Column::text("vm_id", |row| Some(row.evidence.vm.as_ref()?.instance_id?.to_string())),
        Column::number("lock_inode", |row| row.evidence.lock.as_ref()?.target_file_id),
        Column::text("lock_host", |row| row.evidence.lock.as_ref()?.host.clone()),
        Column::text("facts", |row| Some(row.facts.value().to_string())),
    ]
}

fn reference_columns<'a>() -> Vec<Column<(&'a Artifact, &'a Reference)>> {
    vec![
        Column::number("root", |(from, _)| number(from.entry.root)),
        Column::text("path", |(from, _)| Some(from.entry.path.escaped().into_owned())),
        Column::text("folder", |(from, _)| Some(place(&from.entry.path.folder().escaped()))),
        Column::text("role", |(_, to)| Some(text(&to.role))),
        Column::text("target", |(_, to)| Some(target(to))),
        Column::text("place", |(_, to)| Some(place(&target(to)))),
        Column::text("name", |(_, to)| Some(last_part(&target(to)))),
        Column::flag("weak", |(_, to)| Some(to.weak)),
    ]
}

fn mark_columns<'a>() -> Vec<Column<(&'a Artifact, &'a Mark)>> {
    vec![
        Column::number("root", |(of, _)| number(of.entry.root)),
        Column::text("path", |(of, _)| Some(of.entry.path.escaped().into_owned())),
        Column::text("code", |(_, mark)| Some(text(&mark.code))),
        Column::text("text", |(_, mark)| Some(mark.text.clone())),
    ]
}

fn issue_columns<'a>() -> Vec<Column<&'a Issue>> {
    vec![
        Column::number("root", |row| row.root.and_then(number)),
        Column::text("path", |row| Some(row.path.escaped().into_owned())),
        Column::text("stage", |row| Some(text(&row.stage))),
        Column::text("error", |row| Some(row.error.clone())),
        Column::flag("is_folder", |row| Some(row.folder)),
    ]
}

fn registered_columns<'a>() -> Vec<Column<Registered<'a>>> {
    vec![
        Column::text("inventory", |row| Some(row.inventory.to_owned())),
        Column::time("collected", |row| row.collected),
        Column::text("owner_type", |row| Some(row.owner_type.to_owned())),
        Column::text("owner", |row| Some(row.owner.to_owned())),
        Column::text("id", |row| row.id.clone()),
        Column::text("role", |row| row.role.clone()),
        Column::text("path", |row| Some(row.path.to_owned())),
        Column::text("place", |row| Some(place(row.path))),
        Column::text("name", |row| Some(last_part(row.path))),
    ]
}

// --- values ---------------------------------------------------------------------------------------------------------

fn disk(artifact: &Artifact) -> Option<&DiskEvidence> {
    artifact.evidence.disk.as_deref()
}

fn target(reference: &Reference) -> String {
    String::from_utf8_lossy(reference.target.raw()).into_owned()
}

fn link(id: LinkId) -> String {
    match id {
        LinkId::Cid(cid) => format!("{cid:08x}"),
        LinkId::Guid(guid) => guid.to_string(),
    }
}

fn number(value: usize) -> Option<u64> {
    u64::try_from(value).ok()
}

/// The name of a value of a closed list.
fn text(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A path in the form in which paths are compared: lower case, `/` between parts, `[ds] a/b` as `ds/a/b`.
fn place(path: &str) -> String {
    let path = path.trim().replace('\\', "/").to_lowercase();
    let of_label = |path: &str| {
        let (label, rest) = label_and_rest(path)?;
        Some(format!("{label}/{}", rest.trim_start()))
    };
    of_label(&path).unwrap_or(path)
}

/// The last part of a path, in lower case.
fn last_part(path: &str) -> String {
    let place = place(path);
    place.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_all_writers_are_compared_in_one_form() {
        for (path, compared) in [
            ("[Nfs01] web/Web.vmx", "nfs01/web/web.vmx"),
            (r"C:\ClusterStorage\Volume1\a.vhdx", "c:/clusterstorage/volume1/a.vhdx"),
            ("web.vmdk", "web.vmdk"),
            ("[odd", "[odd"),
        ] {
            assert_eq!(place(path), compared);
        }
        assert_eq!(last_part("[ds] a b/C.vmdk"), "c.vmdk");
    }
}
