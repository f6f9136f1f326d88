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

/// A grid whose columns are as wide as the terminal allows; in a file or a pipe as wide as their content. Columns whose
/// header starts with `>` are aligned to the right. They are never wrapped, nor are those that start with `=`.
pub(super) fn grid(header: &[&str], style: Style) -> Table {
    let mut table = Table::new();
    let look = presets::NOTHING.header_separator(LineStyle::none().fill('─').junction('─'));
    table
        .load_style(look)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.iter().map(|name| name.trim_start_matches(['>', '='])));
    if let Some(width) = style.width {
        table.set_width(width.max(LEAST_COLUMNS));
    }
    for (column, name) in table.column_iter_mut().zip(header) {
        if name.starts_with('>') {
            column.set_cell_alignment(CellAlignment::Right);
        }
        if name.starts_with(['>', '=']) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table
}

/// Writes a grid without blanks at the end of lines.
pub(super) fn put(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", table.trim_fmt())
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
