//! Tables whose columns are found by their header, whatever their order: the form that workbooks and CSV files share.
//!
//! A header is compared without case, blanks and punctuation, and without the name of the tab before it, so that the
//! display name `VM UUID` and the internal name `vInfoVMUUID` are one. A file that a spreadsheet saved again is normal.

use serde_json::{Map, Value};

use super::json::ROW;

/// Most rows of a table: what a worksheet can hold.
pub(super) const MAX_ROWS: usize = 1 << 20;
/// Most columns of a table. RVTools has 90, and custom attributes add to them.
pub(super) const MAX_COLUMNS: usize = 1024;
/// Lines above a header that are looked past: a title, a date, a remark.
const MAX_TITLE_LINES: usize = 20;
/// Most memory that the cells of one table may take, in bytes. vInfo of 50,000 VMs takes a tenth of it.
pub(super) const MAX_TABLE_BYTES: usize = 512 << 20;

/// A header line and the rows below it that hold something.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// The cells of the header line, as written.
    pub(super) header: Vec<String>,
    /// The rows below.
    pub(super) rows: Vec<Row>,
    /// Why the rows may not be all there are.
    pub(super) damage: Option<String>,
}

/// A row that holds something.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// Its number as a spreadsheet shows it; the header is row 1.
    pub(super) number: usize,
    /// Its cells, perhaps fewer than the header has.
    pub(super) cells: Vec<String>,
}

/// A column that is looked for: the spellings of its header, without case, blanks and punctuation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// The spellings, best first.
    pub(super) names: &'static [&'static str],
    /// It stands after the custom attributes, which may bear any name: of several columns with the name the last is
    /// meant, otherwise the first.
    pub(super) last: bool,
}

/// A column before the custom attributes.
pub(super) const fn column(names: &'static [&'static str]) -> Column {
    Column { names, last: false }
}

/// A column after the custom attributes.
pub(super) const fn late_column(names: &'static [&'static str]) -> Column {
    Column { names, last: true }
}

/// A header without case, blanks and punctuation. `#` stays: `# Hosts` and `Hosts` are two columns.
pub(super) fn plain_header(header: &str) -> String {
    header
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '#')
        .flat_map(char::to_lowercase)
        .collect()
}

impl Table {
    /// A table of lines of cells; the first line that holds something is the header.
    pub(super) fn new(lines: impl IntoIterator<Item = Row>) -> Self {
        let mut lines = lines
            .into_iter()
            .filter(|row| row.cells.iter().any(|cell| !cell.trim().is_empty()));
        let header = lines.next().map(|row| row.cells).unwrap_or_default();
        let mut table = Self {
            header,
            rows: lines.collect(),
            damage: None,
        };
        table.leave_out_headers();
        table
    }

    /// Leaves out the headers that stand between the rows where several tables were put together.
    fn leave_out_headers(&mut self) {
        let header: Vec<String> = self.header.iter().map(|cell| cell.trim().to_owned()).collect();
        let is_type = |row: &Row| row.cells.first().is_some_and(|cell| cell.starts_with("#TYPE "));
        let is_header = |row: &Row| {
            row.cells
                .iter()
                .map(|cell| cell.trim())
                .eq(header.iter().map(String::as_str))
        };
        self.rows.retain(|row| !is_header(row) && !is_type(row));
    }

    /// The table without the lines above its header, where one of its first rows `is_header` and what stands at its head
    /// is not: a title that somebody wrote there.
    pub(super) fn below_title(mut self, is_header: impl Fn(&Self) -> bool) -> Self {
        if is_header(&self) {
            return self;
        }
        let found = self.rows.iter().take(MAX_TITLE_LINES).position(|row| {
            is_header(&Self {
                header: row.cells.clone(),
                ..Self::default()
            })
        });
        if let Some(place) = found {
            let mut rows = self.rows.split_off(place);
            self.header = rows.remove(0).cells;
            self.rows = rows;
            self.leave_out_headers();
        }
        self
    }

    /// Where a column stands. `prefix` is the name of the tab that internal names begin with.
    pub(super) fn find(&self, column: Column, prefix: &str) -> Option<usize> {
        let prefix = plain_header(prefix);
        let plain: Vec<String> = self.header.iter().map(|header| plain_header(header)).collect();
        let is = |header: &String, name: &str| header == name || header.strip_prefix(&prefix) == Some(name);
        column.names.iter().find_map(|name| {
            if column.last {
                plain.iter().rposition(|header| is(header, name))
            } else {
                plain.iter().position(|header| is(header, name))
            }
        })
    }

    /// The first column in which a value is of this shape: for columns whose header is in no known vocabulary.
    pub(super) fn find_by_shape(&self, shape: fn(&str) -> bool) -> Option<usize> {
        (0..self.header.len()).find(|&at| self.rows.iter().any(|row| shape(row.cell(Some(at)))))
    }
}

impl Table {
    /// The first row as an object; without rows what one would have.
    pub(super) fn first_object(&self) -> Value {
        let names = self.header.iter().map(|name| name.trim().to_owned());
        let empty = || Value::Object(names.map(|name| (name, Value::Null)).collect());
        self.rows.first().map_or_else(empty, |row| self.object(row))
    }

    /// The rows as JSON objects, whose members are named by the header; an empty cell is null.
    pub(super) fn objects(&self) -> Value {
        Value::Array(self.rows.iter().map(|row| self.object(row)).collect())
    }

    fn object(&self, row: &Row) -> Value {
        let cell = |at| match row.cell(Some(at)) {
            "" => Value::Null,
            text => Value::String(text.to_owned()),
        };
        let names = self.header.iter().map(|name| name.trim().to_owned()).enumerate();
        let mut members: Map<String, Value> = names.map(|(at, name)| (name, cell(at))).collect();
        members.insert(ROW.to_owned(), row.number.into());
        Value::Object(members)
    }
}

impl Row {
    /// The trimmed cell of a column; empty where there is none.
    pub(super) fn cell(&self, column: Option<usize>) -> &str {
        column.and_then(|at| self.cells.get(at)).map_or("", |cell| cell.trim())
    }

    /// The trimmed cell of a column unless it is empty.
    pub(super) fn value(&self, column: Option<usize>) -> Option<String> {
        Some(self.cell(column))
            .filter(|cell| !cell.is_empty())
            .map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(header: &[&str], rows: &[&[&str]]) -> Table {
        let lines = std::iter::once(header).chain(rows.iter().copied());
        Table::new(lines.enumerate().map(|(at, cells)| Row {
            number: at + 1,
            cells: cells.iter().map(|&cell| cell.to_owned()).collect(),
        }))
    }

    #[test]
    fn columns_are_found_in_both_vocabularies() {
        let display = table(&["VM", "VM UUID", "Free % "], &[]);
        let internal = table(&["vInfoVMName", "vInfoVMUUID"], &[]);
        let uuid = column(&["vmuuid"]);
        assert_eq!(display.find(uuid, "vInfo"), Some(1));
        assert_eq!(internal.find(uuid, "vInfo"), Some(1));
        assert_eq!(display.find(column(&["free"]), "vInfo"), Some(2));
        assert_eq!(internal.find(column(&["vm", "vmname"]), "vInfo"), Some(0));
    }

    #[test]
    fn a_number_and_its_list_are_two_columns() {
        let table = table(&["# Hosts", "Hosts"], &[]);
        assert_eq!(table.find(column(&["hosts"]), "vDatastore"), Some(1));
        assert_eq!(table.find(column(&["#hosts"]), "vDatastore"), Some(0));
    }

    #[test]
    fn a_custom_attribute_does_not_hide_a_column() {
        let table = table(&["Path", "Annotation", "Path", "Host", "Cluster", "Host"], &[]);
        assert_eq!(table.find(column(&["path"]), "vInfo"), Some(0));
        assert_eq!(table.find(late_column(&["host"]), "vInfo"), Some(5));
    }

    #[test]
    fn headers_between_the_rows_are_left_out() {
        let table = table(
            &["VM ", "Path"],
            &[&["a", "x"], &["VM", "Path"], &["#TYPE Selected.VM"], &["VM", "y"]],
        );
        let cells: Vec<&str> = table.rows.iter().map(|row| row.cell(Some(1))).collect();
        assert_eq!(cells, ["x", "y"]);
    }

    #[test]
    fn blank_rows_are_left_out_and_numbers_kept() {
        let table = table(&["VM"], &[&[""], &["a"], &[" "], &["b"]]);
        let numbers: Vec<_> = table.rows.iter().map(|row| row.number).collect();
        assert_eq!(numbers, [3, 5]);
    }
}
