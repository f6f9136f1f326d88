//! The report: one model, many faces.
//!
//! [`model`] and [`codes`] are the report itself; every other module here writes it in one form and decides nothing.
//! [`Format`] names the forms, [`write()`] chooses among them.

pub mod codes;
pub mod csv;
pub mod explain;
pub mod filter;
pub mod html;
pub mod json;
pub mod jsonl;
pub mod markdown;
pub mod model;
pub mod prom;
pub mod redact;
#[cfg(test)]
pub(crate) mod sample;
pub mod schema;
pub(crate) mod show;
pub mod table;
pub mod xlsx;

use std::io::{self, Write};

use model::{Artifacts, Report};
pub(crate) use show::{certainty, result};

/// The forms in which a report can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people at a terminal.
    Table,
    /// One document, all that is known.
    Json,
    /// The same, one object a line.
    Jsonl,
    /// One row an artifact, for spreadsheets.
    Csv,
    /// Short, for a ticket.
    #[value(name = "md")]
    Markdown,
    /// One page to look at, filter and print, for any browser.
    Html,
    /// Gauges for the node exporter of Prometheus.
    Prom,
    /// A workbook; to a file only.
    #[value(skip)]
    Xlsx,
}

impl Format {
    /// The form that goes with the extension of an output file, whatever its case.
    pub fn of_extension(extension: &str) -> Option<Self> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "json" => Self::Json,
            "jsonl" => Self::Jsonl,
            "csv" => Self::Csv,
            "md" => Self::Markdown,
            "html" => Self::Html,
            "prom" => Self::Prom,
            "xlsx" => Self::Xlsx,
            "txt" => Self::Table,
            _ => return None,
        })
    }
}

/// How much the table shows, and in what width. The other forms need neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Columns of the terminal; `None` for a file or a pipe: nothing is wrapped then but sentences.
    pub width: Option<u16>,
    /// Every verdict, every file of every group, every reason of a problem; else one screen.
    pub all: bool,
    /// Colours, for a terminal.
    pub colour: bool,
}

/// Writes the report in one form.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report<impl Artifacts>, format: Format, style: Style, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Table => table::write(report, style, out),
        Format::Json => json::write(report, out),
        Format::Jsonl => jsonl::write(report, out),
        Format::Csv => csv::write(report, out),
        Format::Markdown => markdown::write(report, out),
        Format::Html => html::write(report, out),
        Format::Prom => prom::write(report, out),
        Format::Xlsx => xlsx::write(report, out),
    }
}
