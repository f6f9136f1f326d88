//! Exports before they are written: tables, JSON and texts, so that something can be taken out of them, and how each becomes the
//! bytes that a tool or a spreadsheet program writes.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use derelict_parsers::testkit::hyperv_vm::host_store;
use jiff::Timestamp;
use rust_xlsxwriter::Workbook;
use serde_json::Value;
use uuid::Uuid;

/// One file of exports.
#[derive(Debug, Clone)]
pub(crate) struct Export {
    /// The folder that it lies in, with all exports of one source.
    pub(crate) folder: String,
    pub(crate) name: String,
    pub(crate) body: Body,
    pub(crate) modified: Timestamp,
}

/// What is in it.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// A workbook.
    Book(Vec<Table>),
    /// A table as CSV.
    Csv(Table, CsvForm),
    /// JSON: documents one after the other, or the items of one array.
    Json(Vec<Value>, JsonForm),
    /// The same as `Export-Clixml` writes it.
    Clixml(Vec<Value>),
    /// The registration store of a Hyper-V host: id and configuration of each VM.
    Store(Vec<(Uuid, String)>),
    /// Lines.
    Text(String),
    /// What is left of it.
    Bytes(Vec<u8>),
}

/// A list with its header.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(name: &str, header: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self {
            name: name.to_owned(),
            header: header.iter().map(|&cell| cell.to_owned()).collect(),
            rows,
        }
    }
}

/// How a table is written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CsvForm {
    /// Commas, UTF-8 without mark.
    Plain,
    /// As Windows PowerShell writes it: every cell quoted, UTF-8 with mark.
    PowerShell,
    /// As a spreadsheet program in a German locale saves it: semicolons, Windows-1252.
    Spreadsheet,
    /// Semicolons and UTF-16 with mark.
    Unicode,
}

/// How JSON is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonForm {
    /// One array with a byte order mark; of one item the item alone.
    Array,
    /// Documents one after the other.
    Stream,
}

impl Export {
    pub(crate) fn write(&self, folder: &Path) {
        let folder = folder.join(&self.folder);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(&self.name);
        fs::write(&path, self.bytes()).unwrap();
        let since = u64::try_from(self.modified.as_second()).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(since))
            .unwrap();
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        match &self.body {
            Body::Book(tables) => book(tables),
            Body::Csv(table, form) => csv(table, *form),
            Body::Json(items, form) => json(items, *form),
            Body::Clixml(items) => clixml(items).into_bytes(),
            Body::Store(vms) => {
                let listed: Vec<_> = vms.iter().map(|(id, path)| (*id, path.as_str())).collect();
                host_store(&listed)
            }
            Body::Text(text) => text.clone().into_bytes(),
            Body::Bytes(bytes) => bytes.clone(),
        }
    }

    /// True where it says this text anywhere.
    pub(crate) fn says(&self, text: &str) -> bool {
        let says = |table: &Table| {
            let mut cells = table.rows.iter().flatten();
            cells.any(|cell| holds(cell, text))
        };
        match &self.body {
            Body::Book(tables) => tables.iter().any(says),
            Body::Csv(table, _) => says(table),
            Body::Json(items, _) | Body::Clixml(items) => items.iter().any(|item| any_text(item, text)),
            Body::Store(vms) => vms
                .iter()
                .any(|(id, path)| holds(&id.to_string(), text) || holds(path, text)),
            Body::Text(own) => own.lines().any(|line| holds(line, text)),
            Body::Bytes(bytes) => holds(&String::from_utf8_lossy(bytes), text),
        }
    }
}

/// True where a cell holds a text as a whole word: `vm-1` does not stand in `vm-10`.
fn holds(cell: &str, text: &str) -> bool {
    let goes_on = |rest: &str| rest.chars().next().is_some_and(char::is_alphanumeric);
    cell.match_indices(text)
        .any(|(start, _)| !goes_on(&cell[start + text.len()..]))
}

fn any_text(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => holds(own, text),
        Value::Array(items) => items.iter().any(|item| any_text(item, text)),
        Value::Object(fields) => fields.values().any(|item| any_text(item, text)),
        _ => false,
    }
}

fn book(tables: &[Table]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    for table in tables {
        let sheet = workbook.add_worksheet().set_name(&table.name).unwrap();
        sheet.write_row(0, 0, &table.header).unwrap();
        for (number, row) in (1_u32..).zip(&table.rows) {
            sheet.write_row(number, 0, row).unwrap();
        }
    }
    workbook.save_to_buffer().unwrap()
}

fn csv(table: &Table, form: CsvForm) -> Vec<u8> {
    let separator = match form {
        CsvForm::Plain | CsvForm::PowerShell => ",",
        CsvForm::Spreadsheet | CsvForm::Unicode => ";",
    };
    let quoted = |cell: &String| {
        let must = form == CsvForm::PowerShell || cell.contains([',', ';', '"', '\n']);
        if must {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.clone()
        }
    };
    let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(separator) + "\r\n";
    let text: String = std::iter::once(&table.header).chain(&table.rows).map(line).collect();
    match form {
        CsvForm::Plain => text.into_bytes(),
        CsvForm::PowerShell => format!("\u{feff}{text}").into_bytes(),
        // Every letter of the sites stands in Windows-1252 where it stands in Unicode.
        CsvForm::Spreadsheet => text
            .chars()
            .map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?'))
            .collect(),
        CsvForm::Unicode => format!("\u{feff}{text}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect(),
    }
}

fn json(items: &[Value], form: JsonForm) -> Vec<u8> {
    match form {
        JsonForm::Stream => {
            let lines: Vec<String> = items.iter().map(|item| format!("{item}\n")).collect();
            lines.concat().into_bytes()
        }
        JsonForm::Array => {
            let text = match items {
                [only] => format!("{only:#}"),
                items => format!("{:#}", Value::Array(items.to_vec())),
            };
            format!("\u{feff}{text}\r\n").into_bytes()
        }
    }
}

fn clixml(items: &[Value]) -> String {
    let mut text = "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">".to_owned();
    for item in items {
        clixml_value(&mut text, None, item);
    }
    text + "</Objs>"
}

fn clixml_value(text: &mut String, name: Option<&str>, value: &Value) {
    let name = name.map_or_else(String::new, |name| format!(" N=\"{name}\""));
    match value {
        Value::Null => text.extend(["<Nil", &name, "/>"]),
        Value::Bool(value) => text.extend(["<B", &name, ">", &value.to_string(), "</B>"]),
        Value::Number(value) => text.extend(["<I64", &name, ">", &value.to_string(), "</I64>"]),
        Value::String(value) => {
            let value = value.replace('&', "&amp;").replace('<', "&lt;");
            text.extend(["<S", &name, ">", &value, "</S>"]);
        }
        Value::Array(items) => {
            text.extend(["<Obj", &name, "><LST>"]);
            for item in items {
                clixml_value(text, None, item);
            }
            text.push_str("</LST></Obj>");
        }
        Value::Object(fields) => {
            text.extend(["<Obj", &name, "><MS>"]);
            for (name, item) in fields {
                clixml_value(text, Some(name), item);
            }
            text.push_str("</MS></Obj>");
        }
    }
}

/// A row of cells.
pub(crate) fn cells(row: &[&str]) -> Vec<String> {
    row.iter().map(|&cell| cell.to_owned()).collect()
}
