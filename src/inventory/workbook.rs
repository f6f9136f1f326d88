//! A workbook as tables. A workbook is a zip, so its parts are measured before anything is believed: what they really
//! decompress to, not what they claim. Cells are streamed; the dimension that a sheet claims is not looked at, since
//! real ones claim a million rows for nine.

use std::io::{Cursor, Read};

use calamine::{DataRef, Reader, Xlsx};

use super::{
    files::ImportError,
    table::{MAX_COLUMNS, MAX_ROWS, MAX_TABLE_BYTES, Row, Table},
};

/// Most bytes that all parts of a workbook may decompress to. The largest exports seen in public have less than 200 MiB.
const MAX_WORKBOOK_BYTES: u64 = 1 << 30;
/// Most bytes of a part that is held in memory as a whole: shared strings, styles, the list of sheets.
const MAX_WHOLE_PART_BYTES: u64 = 128 << 20;
/// Most parts of a workbook. One with 27 sheets has about a hundred.
const MAX_PARTS: usize = 10_000;

/// A sheet by its name.
#[derive(Debug)]
pub(super) struct Sheet {
    /// The name of the sheet.
    pub(super) name: String,
    /// Its rows.
    pub(super) table: Table,
}

/// Reads the sheets whose name `wanted` accepts.
pub(super) fn read(bytes: &[u8], wanted: fn(&str) -> bool) -> Result<Vec<Sheet>, ImportError> {
    measure(bytes)?;
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    let mut sheets = Vec::new();
    for name in book.sheet_names() {
        let table = if wanted(&name) {
            sheet(&mut book, &name)
        } else {
            Table::default()
        };
        sheets.push(Sheet { name, table });
    }
    Ok(sheets)
}

fn damaged(error: &dyn std::fmt::Display) -> ImportError {
    ImportError::Damaged(format!("the workbook cannot be read: {error}"))
}

/// Decompresses every part to nowhere and counts.
fn measure(bytes: &[u8]) -> Result<(), ImportError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    if archive.len() > MAX_PARTS {
        return Err(ImportError::TooLarge(format!(
            "the workbook has more than {MAX_PARTS} parts"
        )));
    }
    let has = |name: &str| archive.index_for_name(name).is_some();
    if has("xl/workbook.bin") || has("content.xml") {
        return Err(ImportError::NotUnderstood(
            "a spreadsheet of another form (.xlsb, .ods); save it as .xlsx or CSV".to_owned(),
        ));
    }
    let mut left = MAX_WORKBOOK_BYTES;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| damaged(&error))?;
        let name = String::from_utf8_lossy(part.name_raw()).into_owned();
        let limit = if name.contains("/worksheets/") {
            left
        } else {
            left.min(MAX_WHOLE_PART_BYTES)
        };
        let length = count_bytes(part, limit).map_err(|error| damaged(&error))?;
        if length > limit {
            return Err(ImportError::TooLarge(format!(
                "{name} decompresses to more than {limit} bytes"
            )));
        }
        left = left.saturating_sub(length);
    }
    Ok(())
}

/// How many bytes a part gives, counted up to one more than the limit.
fn count_bytes(part: impl Read, limit: u64) -> std::io::Result<u64> {
    std::io::copy(&mut part.take(limit.saturating_add(1)), &mut std::io::sink())
}

/// The rows of a sheet that hold something.
fn sheet(book: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Table {
    let mut lines = Lines::default();
    let damage = fill(&mut lines, book, name).err();
    let mut table = Table::new(lines.rows);
    table.damage = damage.map(|why| format!("sheet {name}: {why}"));
    table
}

/// Streams the cells of a sheet into lines; the error says why they may not be all.
fn fill(lines: &mut Lines, book: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<(), String> {
    let mut cells = book.worksheet_cells_reader(name).map_err(|error| error.to_string())?;
    while let Some(cell) = cells.next_cell().map_err(|error| error.to_string())? {
        let text = cell_text(cell.get_value());
        if text.trim().is_empty() {
            continue;
        }
        let (row, column) = cell.get_position();
        let (Ok(row), Ok(column)) = (usize::try_from(row), usize::try_from(column)) else {
            continue;
        };
        lines.put(row.saturating_add(1), column, text);
        if row >= MAX_ROWS || lines.bytes > MAX_TABLE_BYTES {
            return Err("holds more than can be real, the rest was left out".to_owned());
        }
    }
    Ok(())
}

/// The lines of a sheet so far.
#[derive(Default)]
struct Lines {
    rows: Vec<Row>,
    /// Memory that they take, with the empty cells between.
    bytes: usize,
}

impl Lines {
    /// Puts a cell into the last line, or begins the line that it is in.
    fn put(&mut self, number: usize, column: usize, text: String) {
        if column >= MAX_COLUMNS {
            return;
        }
        if self.rows.last().is_none_or(|line| line.number != number) {
            self.rows.push(Row {
                number,
                cells: Vec::new(),
            });
        }
        let Some(line) = self.rows.last_mut() else { return };
        let added = column.saturating_add(1).saturating_sub(line.cells.len());
        self.bytes = self
            .bytes
            .saturating_add(added.saturating_mul(size_of::<String>()))
            .saturating_add(text.len());
        line.cells.resize(line.cells.len().saturating_add(added), String::new());
        if let Some(cell) = line.cells.get_mut(column) {
            *cell = text;
        }
    }
}

fn cell_text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(truth) => truth.to_string(),
        DataRef::DateTime(date) => {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
        }
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

/// The bytes begin like a zip.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}
