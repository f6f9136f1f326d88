//! Grids without borders and wrapped sentences.

use std::{
    fmt::Display,
    io::{self, Write},
};

use anstyle::{AnsiColor, Color, Style as Paint};
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, presets};

use crate::report::Style;

/// Width of sentences where no terminal gives one.
const PROSE_COLUMNS: u16 = 120;
/// Below this, wrapping makes text harder to read, not easier.
const LEAST_COLUMNS: u16 = 40;

/// Columns that names get at least, where they have as many, before other columns are left out.
const NAME_COLUMNS: usize = 20;
/// Blanks around a column.
const PADDING: usize = 3;

/// A grid whose columns are as wide as the terminal allows; in a file or a pipe as wide as their content. Columns whose
/// header starts with `>` are aligned to the right. They are never wrapped, nor are those that start with `=`. Where a
/// terminal is too narrow, columns are left out that it can do without.
pub(super) struct Grid<'a> {
    header: &'a [&'a str],
    /// What a narrow terminal can do without, the first first.
    spare: &'a [&'a str],
    width: Option<u16>,
    rows: Vec<Vec<String>>,
}

pub(super) fn grid<'a>(header: &'a [&'a str], spare: &'a [&'a str], style: Style) -> Grid<'a> {
    Grid {
        header,
        spare,
        width: style.width.map(|width| width.max(LEAST_COLUMNS)),
        rows: Vec::new(),
    }
}

/// The title of a column without its mark.
fn title(mark: &str) -> &str {
    mark.trim_start_matches(['>', '='])
}

impl Grid<'_> {
    pub(super) fn add_row(&mut self, row: impl IntoIterator<Item = String>) {
        self.rows.push(row.into_iter().collect());
    }

    /// Columns that a column of the grid needs.
    fn needed(&self, column: usize, mark: &str) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or_default();
        let all = widest.max(title(mark).chars().count());
        let least = if mark.starts_with(['>', '=']) {
            all
        } else {
            all.min(NAME_COLUMNS)
        };
        least + PADDING
    }

    /// The places of the columns that the terminal has room for.
    fn shown(&self) -> Vec<usize> {
        let mut columns: Vec<(usize, &str, usize)> = (0..)
            .zip(self.header)
            .map(|(column, mark)| (column, title(mark), self.needed(column, mark)))
            .collect();
        let room = self.width.map_or(usize::MAX, usize::from);
        for spare in self.spare {
            if columns.iter().map(|(_, _, needed)| needed).sum::<usize>() <= room {
                break;
            }
            columns.retain(|(_, title, _)| title != spare);
        }
        columns.into_iter().map(|(column, _, _)| column).collect()
    }

    fn table(&self) -> Table {
        let shown = self.shown();
        let marks = || shown.iter().filter_map(|&column| self.header.get(column).copied());
        let mut table = Table::new();
        let look = presets::NOTHING.header_separator(LineStyle::none().fill('─').junction('─'));
        table
            .load_style(look)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(marks().map(title));
        if let Some(width) = self.width {
            table.set_width(width);
        }
        for row in &self.rows {
            table.add_row(shown.iter().filter_map(|&column| row.get(column)));
        }
        for (column, mark) in table.column_iter_mut().zip(marks()) {
            if mark.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
            if mark.starts_with(['>', '=']) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table
    }
}

/// Writes a grid without blanks at the end of lines.
pub(super) fn put(grid: &Grid<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", grid.table().trim_fmt())
}

/// Nothing special.
pub(super) const PLAIN: Paint = Paint::new();
/// A heading, the answer.
pub(super) const STRONG: Paint = Paint::new().bold();
/// Wrong.
pub(super) const BAD: Paint = Paint::new().fg_color(Some(Color::Ansi(AnsiColor::Red)));
/// Not known, or worth a look.
pub(super) const WARN: Paint = Paint::new().fg_color(Some(Color::Ansi(AnsiColor::Yellow)));

/// Writes in a colour, where colours are wanted.
pub(super) fn painted(
    paint: Paint,
    style: Style,
    out: &mut dyn Write,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if !style.colour {
        return write(out);
    }
    write!(out, "{paint}")?;
    write(out)?;
    write!(out, "{paint:#}")
}

/// Writes a heading after an empty line.
pub(super) fn heading(title: impl Display, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    painted(STRONG, style, out, |out| writeln!(out, "{title}"))
}

/// Writes a line that holds a path: wrapped on a terminal only, so that the path can be searched for in a file.
pub(super) fn entry(text: &str, indent: usize, hang: usize, style: Style, out: &mut dyn Write) -> io::Result<()> {
    match style.width {
        Some(_) => paragraph(text, indent, hang, style, out),
        None => writeln!(out, "{:indent$}{text}", ""),
    }
}

/// Writes a sentence, wrapped at single blanks so that names keep theirs; further lines are indented by `hang` more
/// columns.
pub(super) fn paragraph(text: &str, indent: usize, hang: usize, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let width = style.width.unwrap_or(PROSE_COLUMNS).clamp(LEAST_COLUMNS, PROSE_COLUMNS);
    let mut column = indent;
    write!(out, "{:indent$}", "")?;
    for (place, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if place == 0 {
            write!(out, "{word}")?;
            column += length;
        } else if column + 1 + length > usize::from(width) && !word.is_empty() {
            let indent = indent + hang;
            write!(out, "\n{:indent$}{word}", "")?;
            column = indent + length;
        } else {
            write!(out, " {word}")?;
            column += 1 + length;
        }
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_gets_fewer_columns_and_no_wider_lines() {
        let lines = |width| {
            let style = Style {
                width,
                ..Style::default()
            };
            let header = ["Name", ">Files", "=Class", ">Bytes"];
            let mut grid = grid(&header, &["Class", "Files"], style);
            grid.add_row([
                "n".repeat(40),
                "1".to_owned(),
                "deleted-vm-disk".to_owned(),
                "1.0 GiB".to_owned(),
            ]);
            let mut out = Vec::new();
            put(&grid, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert!(lines(None).contains(&format!("{}       1   deleted-vm-disk   1.0 GiB", "n".repeat(40))));
        assert!(lines(Some(80)).contains("deleted-vm-disk"));
        let narrow = lines(Some(45));
        assert!(narrow.contains("Files") && !narrow.contains("Class"), "{narrow}");
        assert!(narrow.lines().all(|line| line.chars().count() <= 45), "{narrow}");
        let narrower = lines(Some(41));
        assert!(narrower.contains("Files"), "{narrower}");
    }

    #[test]
    fn sentences_are_wrapped_with_their_hang() {
        let mut out = Vec::new();
        let style = Style {
            width: Some(40),
            ..Style::default()
        };
        paragraph("word ".repeat(20).trim_end(), 2, 4, style, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "  word word word word word word word");
        assert_eq!(lines[1], "      word word word word word word word");
        assert!(lines.iter().all(|line| line.chars().count() <= 40));
    }

    #[test]
    fn a_word_longer_than_the_line_is_not_lost() {
        let mut out = Vec::new();
        paragraph(&"x".repeat(200), 0, 0, Style::default(), &mut out).unwrap();
        assert_eq!(out.len(), 201);
    }

    #[test]
    fn blanks_of_a_name_are_kept() {
        let mut out = Vec::new();
        paragraph("- [ds] a  b.vmdk", 1, 2, Style::default(), &mut out).unwrap();
        assert_eq!(out, b" - [ds] a  b.vmdk\n");
    }
}
