//! One sheet as a table: columns with titles and widths, rows of typed cells, filters, a header that stays in sight.

use std::collections::HashMap;

use jiff::Timestamp;
use rust_xlsxwriter::{Color, ExcelDateTime, Format, FormatAlign, FormatBorder, Url, Worksheet, XlsxError};

use crate::report::model::Verdict;

/// Characters of one cell, as the format has it.
const TEXT_MAX: usize = 32_767;
/// Links of one sheet: the format has 65 530.
const LINKS_MAX: usize = 60_000;
/// The largest widths in characters: a column that is wider hides the others.
const WIDTH_MAX: usize = 70;

/// One cell.
pub(super) enum Cell {
    /// Nothing is known.
    None,
    /// A string, whatever it looks like.
    Text(String),
    /// Sentences, which go over several lines.
    Prose(String),
    /// A verdict in its colour.
    Verdict(Verdict),
    /// A count or a number of bytes.
    Number(u64),
    /// Bytes, shown in GiB.
    Gib(u64),
    /// A point in time.
    Time(Timestamp),
    /// A string that leads to a row of another sheet.
    Link {
        text: String,
        sheet: &'static str,
        row: usize,
    },
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn prose(text: impl Into<String>) -> Self {
        Self::Prose(text.into())
    }

    pub(super) fn optional(value: Option<u64>, cell: fn(u64) -> Self) -> Self {
        value.map_or(Self::None, cell)
    }

    pub(super) fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::None, Self::Time)
    }

    /// Characters that it takes.
    fn width(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Text(text) | Self::Prose(text) | Self::Link { text, .. } => text.chars().count(),
            Self::Verdict(verdict) => verdict.name().len(),
            Self::Number(number) => number.to_string().len() * 4 / 3,
            Self::Gib(_) => 12,
            Self::Time(_) => 16,
        }
    }
}

/// The formats of the workbook.
pub(super) struct Look {
    pub(super) title: Format,
    pub(super) result: Format,
    pub(super) heading: Format,
    pub(super) wrapped: Format,
    header: Format,
    right: Format,
    text: Format,
    prose: Format,
    number: Format,
    gib: Format,
    time: Format,
    link: Format,
    verdicts: HashMap<Verdict, Format>,
}

impl Look {
    pub(super) fn new() -> Self {
        let plain = || Format::new().set_align(FormatAlign::Top);
        // A text right of a number keeps its distance.
        let words = || plain().set_align(FormatAlign::Left).set_indent(1);
        let header = || {
            Format::new()
                .set_bold()
                .set_font_color(Color::White)
                .set_background_color(Color::RGB(0x0033_4155))
                .set_border_bottom(FormatBorder::Thin)
                .set_align(FormatAlign::VerticalCenter)
        };
        Self {
            title: Format::new().set_bold().set_font_size(16),
            result: Format::new()
                .set_bold()
                .set_font_size(12)
                .set_text_wrap()
                .set_align(FormatAlign::Top),
            heading: Format::new().set_bold().set_font_size(12),
            wrapped: plain().set_text_wrap(),
            header: header().set_align(FormatAlign::Left).set_indent(1),
            right: header().set_align(FormatAlign::Right),
            text: words(),
            prose: words().set_text_wrap(),
            number: plain().set_num_format("#,##0"),
            gib: plain().set_num_format("[>=1]#,##0.00;[>0]0.000000;0"),
            time: words().set_num_format("yyyy-mm-dd hh:mm"),
            link: words().set_font_color(Color::RGB(0x001d_4ed8)),
            verdicts: Verdict::ALL
                .into_iter()
                .map(|verdict| {
                    let (ink, paper) = colours(verdict);
                    let format = words().set_bold().set_font_color(ink).set_background_color(paper);
                    (verdict, format)
                })
                .collect(),
        }
    }

    pub(super) fn verdict(&self, verdict: Verdict) -> &Format {
        self.verdicts.get(&verdict).unwrap_or(&self.text)
    }
}

/// Ink and paper of a verdict, those of the page.
fn colours(verdict: Verdict) -> (Color, Color) {
    let (ink, paper) = match verdict {
        Verdict::Orphaned => (0x00c2_410c, 0x00fd_e6da),
        Verdict::Unregistered => (0x0085_4d0e, 0x00fb_f0cc),
        Verdict::Unknown => (0x007e_22ce, 0x00f1_e6fb),
        Verdict::InUse => (0x0003_69a1, 0x00dc_eefa),
        Verdict::Service => (0x000f_766e, 0x00d8_f2ee),
        Verdict::System => (0x0047_5569, 0x00e8_ecf1),
        Verdict::Owned => (0x0015_803d, 0x00e0_f4e6),
    };
    (Color::RGB(ink), Color::RGB(paper))
}

/// The colour of a verdict in charts.
pub(super) fn fill(verdict: Verdict) -> Color {
    Color::RGB(match verdict {
        Verdict::Orphaned => 0x00ea_6c33,
        Verdict::Unregistered => 0x00e3_b341,
        Verdict::Unknown => 0x00b5_8ae0,
        Verdict::InUse => 0x005b_a7d8,
        Verdict::Service => 0x005c_b5a9,
        Verdict::System => 0x00a9_b3c0,
        Verdict::Owned => 0x008f_c9a0,
    })
}

/// A sheet that is written from its top to its end.
pub(super) struct Sheet<'a> {
    pub(super) raw: &'a mut Worksheet,
    pub(super) look: &'a Look,
    row: u32,
    links: usize,
    widths: Vec<usize>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(sheet: &'a mut Worksheet, name: &str, look: &'a Look) -> Result<Self, XlsxError> {
        sheet.set_name(name)?;
        sheet.set_landscape().set_print_fit_to_pages(1, 0);
        Ok(Self {
            raw: sheet,
            look,
            row: 0,
            links: 0,
            widths: Vec::new(),
        })
    }

    /// The next row.
    pub(super) fn row(&self) -> u32 {
        self.row
    }

    pub(super) fn skip(&mut self) {
        self.row += 1;
    }

    /// A line over the whole sheet that does not count for the width of its column.
    pub(super) fn line(&mut self, text: &str, format: &Format) -> Result<(), XlsxError> {
        self.raw.write_string_with_format(self.row, 0, cut(text), format)?;
        self.row += 1;
        Ok(())
    }

    /// Titles of columns; a `>` in front says that numbers stand below.
    pub(super) fn header(&mut self, titles: &[impl AsRef<str>]) -> Result<(), XlsxError> {
        for (column, title) in (0..).zip(titles) {
            let title = title.as_ref();
            let (title, format) = match title.strip_prefix('>') {
                Some(title) => (title, &self.look.right),
                None => (title, &self.look.header),
            };
            self.raw.write_string_with_format(self.row, column, title, format)?;
            // Room for the arrow of a filter.
            self.widen(column, title.chars().count() + 3);
        }
        self.row += 1;
        Ok(())
    }

    pub(super) fn cells(&mut self, cells: impl IntoIterator<Item = Cell>) -> Result<(), XlsxError> {
        for (column, cell) in (0..).zip(cells) {
            self.widen(column, cell.width() + 2);
            self.cell(column, cell)?;
        }
        self.row += 1;
        Ok(())
    }

    fn cell(&mut self, column: u16, cell: Cell) -> Result<(), XlsxError> {
        let (row, look) = (self.row, self.look);
        match cell {
            Cell::None => {}
            Cell::Verdict(verdict) => {
                self.raw
                    .write_string_with_format(row, column, verdict.name(), look.verdict(verdict))?;
            }
            Cell::Number(number) => {
                self.raw
                    .write_number_with_format(row, column, float(number), &look.number)?;
            }
            Cell::Gib(bytes) => {
                self.raw.write_number_with_format(row, column, gib(bytes), &look.gib)?;
            }
            Cell::Time(time) => match excel_time(time) {
                Some(time) => {
                    self.raw.write_datetime_with_format(row, column, &time, &look.time)?;
                }
                None => {
                    self.raw
                        .write_string_with_format(row, column, time.to_string(), &look.text)?;
                }
            },
            Cell::Link {
                text,
                sheet,
                row: target,
            } if self.links < LINKS_MAX && !text.is_empty() => {
                self.links += 1;
                let url = Url::new(format!("internal:'{sheet}'!A{}", target + 1)).set_text(cut(&text));
                self.raw.write_url_with_format(row, column, url, &look.link)?;
            }
            Cell::Prose(text) => {
                self.raw
                    .write_string_with_format(row, column, cut(&text), &look.prose)?;
            }
            Cell::Text(text) | Cell::Link { text, .. } => {
                self.raw.write_string_with_format(row, column, cut(&text), &look.text)?;
            }
        }
        Ok(())
    }

    fn widen(&mut self, column: u16, width: usize) {
        let column = usize::from(column);
        if self.widths.len() <= column {
            self.widths.resize(column + 1, 0);
        }
        if let Some(widest) = self.widths.get_mut(column) {
            *widest = (*widest).max(width.min(WIDTH_MAX));
        }
    }

    /// Widths that fit what was written.
    pub(super) fn fit(&mut self) -> Result<(), XlsxError> {
        for (column, width) in (0..).zip(&self.widths) {
            self.raw
                .set_column_width(column, f64::from(u32::try_from(*width).unwrap_or(10).max(8)))?;
        }
        Ok(())
    }

    /// The table under the header in row 0 gets filters, and the header stays in sight.
    pub(super) fn filter(&mut self) -> Result<(), XlsxError> {
        let last = u16::try_from(self.widths.len().saturating_sub(1)).unwrap_or(u16::MAX);
        self.raw.autofilter(0, 0, self.row.saturating_sub(1), last)?;
        self.raw.set_freeze_panes(1, 0)?;
        self.raw.set_repeat_rows(0, 0)?;
        self.fit()
    }
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}

/// A time as a workbook has it: from 1900 to 9999.
pub(super) fn excel_time(time: Timestamp) -> Option<ExcelDateTime> {
    ExcelDateTime::from_timestamp(time.as_second()).ok()
}

pub(super) fn gib(bytes: u64) -> f64 {
    float(bytes) / f64::from(1 << 30)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a workbook knows no other numbers; beyond 8 PiB a byte more or less is not to be seen"
)]
fn float(number: u64) -> f64 {
    number as f64
}
