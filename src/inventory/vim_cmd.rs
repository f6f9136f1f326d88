//! `vim-cmd` on one ESXi host: `vmsvc/getallvms`, and objects of the API in the text form that `vim-cmd` prints
//! (`vmsvc/get.filelayout`, `get.filelayoutex`, `get.config`, `get.summary`, `hostsvc/datastore/listsummary`).

use std::{iter::Peekable, str::Chars};

use serde_json::{Map, Value, json};

use super::{
    Registration,
    json::Json,
    part::{Draft, Part},
    values, vi,
};
use crate::kind::Role;

/// Deepest nesting of printed objects. The API has a handful of levels.
const MAX_DEPTH: usize = 64;
/// Most rows of `getallvms`. ESXi allows 1024 VMs.
const MAX_ROWS: usize = 100_000;

/// The text is the table of `vmsvc/getallvms`.
pub(super) fn is_vm_table(head: &str) -> bool {
    head.lines().take(1000).any(is_header)
}

fn is_header(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next() == Some("Vmid") && words.next() == Some("Name") && words.next() == Some("File")
}

/// Adds the VMs of `getallvms`. The columns are as wide as their longest value, names and paths hold blanks and
/// brackets, and annotations run over several lines.
pub(super) fn add_vm_table(part: &mut Part, text: &str, file: &str) {
    part.has_vm_list = true;
    let mut column = None;
    for (index, line) in text.lines().enumerate() {
        let row = format!("{file}: line {}", index.saturating_add(1));
        if is_header(line) {
            // The header is ASCII, so that its bytes are its characters.
            column = line.find("File");
        } else if let Some(id) = skipped(line) {
            part.warn_capping(
                "invalid-vm",
                format!("{file}: the host skips its VM {id} as invalid; where that has its files is not known: mend or unregister it and export again"),
            );
            part.vms.push(registration(id, "", None, row));
        } else if let Some((id, name, config)) = table_row(line, column) {
            part.vms.push(registration(id, name, Some(config), row));
        }
        if part.vms.len() > MAX_ROWS {
            part.warn_capping(
                "truncated",
                format!("{file}: more than {MAX_ROWS} VMs: the rest was left out"),
            );
            return;
        }
    }
}

/// `Skipping invalid VM '7'`.
fn skipped(line: &str) -> Option<&str> {
    let id = line.trim().strip_prefix("Skipping invalid VM")?;
    Some(id.trim().trim_matches('\''))
}

fn registration(id: &str, name: &str, config: Option<&str>, row: String) -> Draft {
    Draft {
        vm: Registration {
            name: name.to_owned(),
            moref: Some(id.to_owned()),
            template: config.is_some_and(|config| values::ends_with(config, &[".vmtx"])),
            has_configuration: config.is_some(),
            connection: config.is_none().then(|| "invalid".to_owned()),
            config: config.map(str::to_owned),
            row,
            ..Registration::default()
        },
        listed: true,
        ..Draft::default()
    }
}

/// Id, name and path of a row; `None` for a line of an annotation.
fn table_row(line: &str, column: Option<usize>) -> Option<(&str, &str, &str)> {
    let (id, rest) = line.split_once([' ', '\t'])?;
    id.parse::<u64>().ok()?;
    let before_guest = before_guest(rest)?;
    let offset = line.len().saturating_sub(rest.len());
    let at_column = column
        .and_then(|column| line.char_indices().nth(column))
        .and_then(|(at, _)| at.checked_sub(offset))
        .filter(|at| before_guest.get(*at..).is_some_and(is_path));
    let at = at_column.or_else(|| path_start(before_guest))?;
    let (name, path) = before_guest.split_at_checked(at)?;
    Some((id, name.trim(), path.trim()))
}

/// What stands before the guest's type, which is followed by the version of the hardware: name and path.
fn before_guest(rest: &str) -> Option<&str> {
    let mut from = 0;
    while let Some(found) = rest.get(from..)?.find(" vmx-") {
        let at = from.checked_add(found)?;
        let guest_start = rest.get(..at)?.trim_end().rfind([' ', '\t'])?;
        let before = rest.get(..guest_start)?.trim_end();
        if values::ends_with(before, &[".vmx", ".vmtx"]) {
            return Some(before);
        }
        from = at.checked_add(1)?;
    }
    None
}

/// Where the path begins: at the first bracket that opens a label.
fn path_start(text: &str) -> Option<usize> {
    let starts = text.match_indices('[').map(|(at, _)| at);
    let after_blank = |at: &usize| {
        let before = text.get(..*at).unwrap_or_default();
        before.is_empty() || before.ends_with([' ', '\t'])
    };
    starts
        .filter(after_blank)
        .find(|at| text.get(*at..).is_some_and(is_path))
}

/// `[label] path`: a name may hold brackets too, but what follows them is no path.
fn is_path(text: &str) -> bool {
    let rest = text.strip_prefix('[').and_then(|text| text.split_once("] "));
    rest.is_some_and(|(_, rest)| !rest.starts_with([' ', '[']))
}

/// The text begins like an object that `vim-cmd` prints, perhaps below a title.
pub(super) fn is_printed(head: &str) -> bool {
    head.lines().take(20).any(|line| line.trim_start().starts_with("(vim."))
}

/// Adds every object of a text.
pub(super) fn add_printed(part: &mut Part, text: &str, file: &str) -> Result<(), String> {
    let mut found = false;
    for (index, (kind, value)) in printed(text)?.into_iter().enumerate() {
        found |= add_object(
            part,
            &kind,
            &value,
            format!("{file}: object {}", index.saturating_add(1)),
        );
    }
    if found {
        Ok(())
    } else {
        Err("an object of vim-cmd that names no files".to_owned())
    }
}

fn add_object(part: &mut Part, kind: &str, value: &Value, row: String) -> bool {
    let json = Json(value);
    match kind.trim_end_matches(" *").trim_start_matches("vim.") {
        "vm.FileLayout" => part.vms.push(layout(json, row)),
        "vm.FileLayoutEx" => part.vms.push(mention(&json!({"layoutEx": value}), row)),
        "vm.ConfigInfo" => part.vms.push(mention(&json!({"config": value}), row)),
        "vm.Summary" => part.vms.push(mention(&json!({"summary": value}), row)),
        "Datastore.Summary" => {
            let summaries = json.objects().into_iter();
            let objects = summaries.map(|summary| json!({"summary": summary.0}));
            part.datastores
                .extend(objects.filter_map(|object| vi::datastore(Json(&object))));
        }
        _ => return false,
    }
    true
}

/// One VM of which an object was printed. It is no list of VMs.
fn mention(object: &Value, row: String) -> Draft {
    let mut draft = vi::vm(Json(object), row);
    draft.listed = false;
    draft.vm.has_configuration = true;
    draft
}

/// The older layout: whole chains, but no extents. Names without a folder lie beside the configuration.
fn layout(layout: Json<'_>, row: String) -> Draft {
    let config = layout.get("vmPathName").string();
    let folder = config
        .as_deref()
        .and_then(|config| config.rsplit_once('/'))
        .map(|(folder, _)| folder);
    let beside = |name: String| match folder {
        Some(folder) if !name.contains(['/', '[']) => format!("{folder}/{name}"),
        _ => name,
    };
    let mut draft = Draft {
        vm: Registration {
            has_configuration: true,
            config: config.clone(),
            row,
            ..Registration::default()
        },
        ..Draft::default()
    };
    for folder in ["snapshotDirectory", "suspendDirectory", "logDirectory"] {
        draft.add_folder(layout.get(folder).text().unwrap_or_default());
    }
    for disk in layout.get("disk").objects() {
        draft.vm.listing = super::Listing::WholeChains;
        for file in disk.get("diskFile").texts() {
            draft.add_file(Role::Disk, &file, None);
        }
    }
    for snapshot in layout.get("snapshot").objects() {
        draft.vm.has_snapshots = true;
        for file in snapshot.get("snapshotFile").texts() {
            let role = if values::ends_with(&file, &[".vmdk"]) {
                Role::Disk
            } else {
                Role::SnapshotState
            };
            draft.add_file(role, &file, None);
        }
    }
    for (list, role) in [
        ("configFile", Role::Other),
        ("logFile", Role::Log),
        ("swapFile", Role::Swap),
    ] {
        for file in layout.get(list).texts() {
            draft.add_file(role, &beside(file), None);
        }
    }
    draft
}

/// Every object of a text with its type.
fn printed(text: &str) -> Result<Vec<(String, Value)>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = start_of_object(rest) {
        let mut parser = Printed {
            characters: rest.get(at..).unwrap_or_default().chars().peekable(),
        };
        let kind = parser.kind().unwrap_or_default();
        let value = parser.value(0)?;
        found.push((kind, value));
        rest = parser.rest(rest);
    }
    Ok(found)
}

/// Where the next line begins that opens an object.
fn start_of_object(text: &str) -> Option<usize> {
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len().saturating_sub(line.trim_start().len());
        if line.trim_start().starts_with("(vim.") {
            return Some(from + indent);
        }
        from += line.len();
    }
    None
}

/// Reads the form `(type) { name = value, … }`, `(type) [ … ]`, `"text"`, `'type:id'`, `<unset>`, numbers and words.
struct Printed<'a> {
    characters: Peekable<Chars<'a>>,
}

impl<'a> Printed<'a> {
    /// What comes after the object.
    fn rest(self, whole: &'a str) -> &'a str {
        let left: usize = self.characters.map(char::len_utf8).sum();
        whole.get(whole.len().saturating_sub(left)..).unwrap_or_default()
    }

    fn skip(&mut self, also: &[char]) {
        while self
            .characters
            .next_if(|c| c.is_whitespace() || also.contains(c))
            .is_some()
        {}
    }

    /// The type in parentheses.
    fn kind(&mut self) -> Option<String> {
        self.skip(&[]);
        self.characters.next_if_eq(&'(')?;
        Some(self.until(')'))
    }

    fn until(&mut self, end: char) -> String {
        let mut text = String::new();
        while let Some(character) = self.characters.next() {
            match character {
                '\\' => text.extend(self.characters.next()),
                _ if character == end => break,
                _ => text.push(character),
            }
        }
        text
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it nests more than {MAX_DEPTH} objects in each other"));
        }
        while self.kind().is_some() {}
        match self.characters.peek() {
            Some('{') => self.object(depth),
            Some('[') => self.list(depth),
            Some('"') => {
                self.characters.next();
                Ok(Value::String(self.until('"')))
            }
            Some('\'') => {
                self.characters.next();
                let reference = self.until('\'');
                let id = reference.split_once(':').map_or(reference.as_str(), |(_, id)| id);
                Ok(json!(id))
            }
            Some('<') => {
                self.until('>');
                Ok(Value::Null)
            }
            Some(_) => Ok(self.word()),
            None => Err("the text breaks off".to_owned()),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        self.characters.next();
        let mut members = Map::new();
        loop {
            self.skip(&[',']);
            match self.characters.peek() {
                Some('}') => {
                    self.characters.next();
                    return Ok(Value::Object(members));
                }
                Some(_) => {
                    let name = self.until('=').trim().to_owned();
                    self.skip(&[]);
                    members.insert(name, self.value(depth + 1)?);
                }
                None => return Err("the text breaks off".to_owned()),
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, String> {
        self.characters.next();
        let mut items = Vec::new();
        loop {
            self.skip(&[',']);
            match self.characters.peek() {
                Some(']') => {
                    self.characters.next();
                    return Ok(Value::Array(items));
                }
                Some(_) => items.push(self.value(depth + 1)?),
                None => return Err("the text breaks off".to_owned()),
            }
        }
    }

    /// A number, a truth, `null`, or a word. At least one character is taken, so that no text keeps it here.
    fn word(&mut self) -> Value {
        let mut word: String = self.characters.next().into_iter().collect();
        while let Some(character) = self.characters.next_if(|c| !matches!(c, ',' | '}' | ']' | '\n')) {
            word.push(character);
        }
        match word.trim() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            word => word
                .parse::<serde_json::Number>()
                .map_or_else(|_| json!(word), Value::Number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        InventoryKind, Listing,
        part::{Origin, Source},
    };

    fn part() -> Part {
        Part::new(&Origin::of("x"), InventoryKind::EsxiVms, Source::default())
    }

    #[test]
    fn rows_are_cut_whatever_the_names_hold() {
        for (line, expected) in [
            (
                "12     vm (copy) [old]     [SAN VMFS 02] vm (copy) [old]/vm (copy) [old].vmx   rhel8_64Guest   vmx-13   ",
                Some((
                    "12",
                    "vm (copy) [old]",
                    "[SAN VMFS 02] vm (copy) [old]/vm (copy) [old].vmx",
                )),
            ),
            (
                "3 win-214 [maintenance] [ds 1] win/win.vmx windows9_64Guest vmx-14 see [x] y.vmx a vmx-1",
                Some(("3", "win-214 [maintenance]", "[ds 1] win/win.vmx")),
            ),
            (
                "15 t [d] t/t.vmtx rhel8_64Guest vmx-13",
                Some(("15", "t", "[d] t/t.vmtx")),
            ),
            ("[SAN-VMFS-01] this looks like a path/foo.vmx", None),
            ("12 months of service", None),
            ("2 [d] vmx-13", None),
        ] {
            assert_eq!(table_row(line, None), expected, "{line}");
        }
    }

    #[test]
    fn both_layouts_give_the_files_of_one_vm() {
        let text = "File Layout:\n(vim.vm.FileLayout) {\n   dynamicType = <unset>,\n   configFile = (string) [\n      \"a.vmxf\",\n      \"a.nvram\"\n   ],\n   logFile = (string) [\"vmware.log\"],\n   disk = (vim.vm.FileLayout.DiskLayout) [\n      (vim.vm.FileLayout.DiskLayout) {\n         key = 2000,\n         diskFile = (string) [\n            \"[d] a/a.vmdk\",\n            \"[d] a/a-000001.vmdk\"\n         ]\n      }\n   ],\n   snapshot = (vim.vm.FileLayout.SnapshotLayout) [],\n   swapFile = <unset>,\n   vmPathName = \"[d] a/a.vmx\",\n}\n";
        let mut from_layout = part();
        add_printed(&mut from_layout, text, "x").unwrap();
        let vm = &from_layout.vms[0].vm;
        assert_eq!(vm.config.as_deref(), Some("[d] a/a.vmx"));
        assert_eq!(vm.listing, Listing::WholeChains);
        let paths: Vec<_> = vm.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "[d] a/a.vmdk",
                "[d] a/a-000001.vmdk",
                "[d] a/a.vmxf",
                "[d] a/a.nvram",
                "[d] a/vmware.log"
            ]
        );
        let text = "(vim.vm.FileLayoutEx) {\n   file = (vim.vm.FileLayoutEx.FileInfo) [\n      (vim.vm.FileLayoutEx.FileInfo) {\n         key = 0,\n         name = \"[d] a/a.vmx\",\n         type = \"config\",\n         size = 3000\n      },\n      (vim.vm.FileLayoutEx.FileInfo) {\n         name = \"[d] a/a \\\"b\\\".vmdk\",\n         type = \"diskDescriptor\"\n      }\n   ],\n}\n(vim.vm.FileLayoutEx) {\n   file = (vim.vm.FileLayoutEx.FileInfo) []\n}";
        let mut from_layout_ex = part();
        add_printed(&mut from_layout_ex, text, "x").unwrap();
        let vm = &from_layout_ex.vms[0].vm;
        assert_eq!(vm.config.as_deref(), Some("[d] a/a.vmx"));
        assert_eq!(vm.files[1].path, "[d] a/a \"b\".vmdk");
        assert_eq!(vm.files[0].size_bytes, Some(3000));
        assert_eq!(from_layout_ex.vms.len(), 2);
        assert!(!from_layout_ex.vms[0].listed && !from_layout_ex.has_vm_list);
    }

    #[test]
    fn texts_that_break_off_or_nest_without_end_are_errors() {
        assert!(add_printed(&mut part(), "(vim.vm.FileLayout) {\n a = (string) [\"x", "x").is_err());
        let nested = format!("(vim.vm.FileLayout) {}", "[".repeat(100_000));
        assert!(add_printed(&mut part(), &nested, "x").is_err());
        let types = format!("(vim.vm.FileLayout) {}", "(x)".repeat(100_000));
        assert!(add_printed(&mut part(), &types, "x").is_err());
        assert!(add_printed(&mut part(), "(vim.vm.RuntimeInfo) {\n}", "x").is_err());
    }
}
