//! Lists of the files on datastores: `govc datastore.ls` as JSON and as text, and the tab vFileInfo of RVTools. Such a
//! list says what is there, not whose it is.

use super::{
    DatastoreFile,
    json::Json,
    part::Part,
    table::{Table, column},
    values,
};
use crate::path::label_and_rest;

/// Most files of one list: a site of the largest size that is aimed at.
const MAX_FILES: usize = 5_000_000;

/// Adds the folders of `govc datastore.ls -R -json`.
pub(super) fn add_folders(part: &mut Part, list: Json<'_>, row: &str) {
    for folder in list.objects() {
        let path = folder.get("folderPath").text().unwrap_or_default();
        for file in folder.get("file").objects() {
            let Some(name) = file.get("path").text() else { continue };
            let modified = file.get("modification").time().map(|said| said.at);
            // A size of zero is left out by newer versions.
            let size = file.get("fileSize").number();
            add(part, path, name, size, modified, row);
        }
    }
}

/// The text is what `govc datastore.ls -R` prints: the name of a folder with a colon, its files below.
pub(super) fn is_text(head: &str) -> bool {
    head.lines()
        .find(|line| !line.trim().is_empty())
        .is_some_and(|line| folder_of(line).is_some())
}

fn folder_of(line: &str) -> Option<&str> {
    let folder = line.trim_end().strip_suffix(':')?;
    let (_, rest) = label_and_rest(folder)?;
    (rest.is_empty() || rest.starts_with(['/', ' '])).then_some(folder)
}

/// Adds the files of the text form. With `-l` size and time stand before the name; the size is rounded and not kept.
pub(super) fn add_text(part: &mut Part, text: &str, file: &str) {
    let mut folder = "";
    for (index, line) in text.lines().enumerate() {
        if let Some(found) = folder_of(line) {
            folder = found;
        } else if !line.trim().is_empty() && !folder.is_empty() {
            let row = format!("{file}: line {}", index.saturating_add(1));
            add(part, folder, long_name(line), None, None, &row);
        }
    }
}

/// The name in a line of the long form (`209B  Sun Nov 22 08:32:59 2026  a.vmdk`), or the line.
fn long_name(line: &str) -> &str {
    let name = line.split_once("  ").and_then(|(size, rest)| {
        let (time, name) = rest.trim_start().split_once("  ")?;
        let is_size = size.starts_with(|c: char| c.is_ascii_digit()) && size.ends_with('B');
        (is_size && time.split(':').count() == 3).then_some(name)
    });
    name.unwrap_or(line).trim()
}

/// Adds the rows of vFileInfo. Where it was switched off a row holds only a friendly path.
pub(super) fn add_rvtools(part: &mut Part, table: &Table, row: &crate::inventory::table::Row, file: &str) {
    let find = |names| table.find(column(names), "vFileInfo");
    let (name, path) = (row.cell(find(&["filename"])), row.cell(find(&["path"])));
    if name.is_empty() || !path.starts_with('[') {
        return;
    }
    let size = values::whole(row.cell(find(&["filesizeinbytes", "filesize"])));
    let folder = path.strip_suffix(name).unwrap_or(path);
    add(
        part,
        folder,
        name,
        size,
        None,
        &format!("{file}: vFileInfo row {}", row.number),
    );
}

fn add(
    part: &mut Part,
    folder: &str,
    name: &str,
    size_bytes: Option<u64>,
    modified: Option<jiff::Timestamp>,
    row: &str,
) {
    let Some(path) = joined(folder, name) else { return };
    match part.observations.files.len() {
        count if count < MAX_FILES => part.observations.files.push(DatastoreFile {
            path,
            size_bytes,
            modified,
        }),
        MAX_FILES if part.warnings.iter().all(|warning| warning.code != "file-list-too-long") => part.warn(
            "file-list-too-long",
            format!("{row}: more than {MAX_FILES} files: the rest was left out"),
        ),
        _ => {}
    }
}

/// `[label] folder/name`. govc writes `[label]/folder`, vCenter `[label] folder/`.
fn joined(folder: &str, name: &str) -> Option<String> {
    let (label, rest) = label_and_rest(folder)?;
    let rest = rest.trim_start_matches(' ').trim_matches('/');
    Some(if rest.is_empty() {
        format!("[{label}] {name}")
    } else {
        format!("[{label}] {rest}/{name}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_and_name_are_one_path_in_every_spelling() {
        for folder in ["[d]/a/b", "[d] a/b/", "[d] a/b"] {
            assert_eq!(joined(folder, "x y.vmdk").as_deref(), Some("[d] a/b/x y.vmdk"));
        }
        for root in ["[d]", "[d] ", "[d]/"] {
            assert_eq!(joined(root, "x").as_deref(), Some("[d] x"));
        }
        assert_eq!(joined("a/b", "x"), None);
    }

    #[test]
    fn the_long_form_is_cut_at_its_columns() {
        assert_eq!(long_name("209B  Sun Nov 22 08:32:59 2026  a  b.vmdk"), "a  b.vmdk");
        assert_eq!(long_name("1.2GB  Sun Nov 22 08:32:59 2026  a.vmdk"), "a.vmdk");
        assert_eq!(long_name("a b.vmdk"), "a b.vmdk");
        assert_eq!(long_name("3B  x"), "3B  x");
        assert_eq!(folder_of("[d]/a (b):"), Some("[d]/a (b)"));
        assert_eq!(folder_of("[d] a.vmx"), None);
    }
}
