//! The first sheet: the result, the sums by verdict and datastore, the age of what belongs to nobody, with charts.

use rust_xlsxwriter::{Chart, ChartType, Format, Url, Workbook, XlsxError};

use super::{
    files_shown,
    outside::{BACKUPS, OPINIONS},
    sheet::{Cell, Look, Sheet, fill},
};
use crate::{
    report::{
        model::{Artifacts, Report, Sum, Verdict},
        show,
    },
    sanitize,
};

const NAME: &str = "Summary";
/// Rows over which the sentences are merged, in columns.
const PROSE_COLUMNS: u16 = 11;
/// Days at which the ages are divided, with their names.
const AGES: [(&str, i64); 6] = [
    ("below 30 days", 30),
    ("30 to 90 days", 90),
    ("90 to 180 days", 180),
    ("180 days to a year", 365),
    ("one to two years", 730),
    ("over two years", i64::MAX),
];

pub(super) fn add(workbook: &mut Workbook, look: &Look, report: &Report<impl Artifacts>) -> Result<(), XlsxError> {
    let mut sheet = Sheet::new(workbook.add_worksheet(), NAME, look)?;
    sheet.raw.set_screen_gridlines(false);
    sheet.line("derelict report", &look.title)?;
    prose(&mut sheet, &show::result(report), &look.result, 34)?;
    prose(&mut sheet, &show::certainty(report), &look.wrapped, 34)?;
    if let Some(filter) = &report.summary.filter {
        let note = format!(
            "Orphans and Files list only what the filter {} lets through; sums, VMs, problems and coverage are whole.",
            sanitize::text(filter)
        );
        prose(&mut sheet, &note, &look.wrapped, 34)?;
    }
    if let Some(note) = show::files_left_out(report, files_shown(report)) {
        prose(&mut sheet, &note, &look.wrapped, 18)?;
    }
    let judged = format!("Judged as of {}, by derelict {}", report.as_of, report.tool.version);
    sheet.line(&sanitize::text(&judged), &Format::new())?;
    links(&mut sheet, report)?;
    sheet.skip();
    verdicts(&mut sheet, report)?;
    sheet.skip();
    let datastores = datastores(&mut sheet, report)?;
    sheet.skip();
    let ages = ages(&mut sheet, report)?;
    sheet.skip();
    charts(&mut sheet, datastores, ages)?;
    sheet.fit()
}

fn prose(sheet: &mut Sheet<'_>, text: &str, format: &Format, height: u16) -> Result<(), XlsxError> {
    let row = sheet.row();
    sheet.raw.merge_range(row, 0, row, PROSE_COLUMNS, "", format)?;
    sheet.raw.set_row_height(row, f64::from(height))?;
    sheet.line(text, format)
}

fn links(sheet: &mut Sheet<'_>, report: &Report<impl Artifacts>) -> Result<(), XlsxError> {
    let row = sheet.row();
    let opinions = (!report.second_opinions.is_empty()).then_some(OPINIONS);
    let backups = report.backups.as_ref().map(|_| BACKUPS);
    let names = ["Orphans", "Files", "VMs", "Problems"].into_iter();
    let names = names.chain(opinions).chain(backups).chain(["Coverage"]);
    for (column, name) in (0..).zip(names) {
        let url = Url::new(format!("internal:'{name}'!A1")).set_text(name);
        sheet.raw.write_url(row, column, url)?;
    }
    sheet.skip();
    Ok(())
}

fn verdicts(sheet: &mut Sheet<'_>, report: &Report<impl Artifacts>) -> Result<(), XlsxError> {
    sheet.line("By verdict", &sheet.look.heading)?;
    sheet.header(&[
        "Verdict",
        ">Files",
        ">Allocated GiB",
        ">Reclaimable GiB",
        ">After review GiB",
        ">Length GiB",
    ])?;
    for verdict in Verdict::ALL.into_iter().rev() {
        let sum = show::total(report, verdict);
        sheet.cells([
            Cell::Verdict(verdict),
            Cell::Number(sum.files),
            Cell::Gib(sum.allocated_bytes),
            Cell::Gib(sum.reclaimable_bytes),
            Cell::Gib(sum.review_bytes),
            Cell::Gib(sum.apparent_bytes),
        ])?;
    }
    if !report.accepted.is_empty() {
        let sum = report.summary.accepted;
        sheet.cells([
            Cell::text("accepted, in no sum"),
            Cell::Number(sum.files),
            Cell::Gib(sum.allocated_bytes),
            Cell::None,
            Cell::None,
            Cell::Gib(sum.apparent_bytes),
        ])?;
    }
    Ok(())
}

/// First and last row of a table.
type Rows = (u32, u32);

fn datastores(sheet: &mut Sheet<'_>, report: &Report<impl Artifacts>) -> Result<Rows, XlsxError> {
    sheet.line("By datastore, allocated GiB", &sheet.look.heading)?;
    let mut titles = vec!["Datastore".to_owned()];
    titles.extend(Verdict::ALL.iter().rev().map(|verdict| format!(">{}", verdict.name())));
    let sums = [
        ">Explained",
        ">Unexplained",
        ">Reclaimable",
        ">After review",
        ">Capacity",
        ">Free",
    ];
    titles.extend(sums.map(str::to_owned));
    sheet.header(&titles)?;
    let first = sheet.row();
    for (name, verdicts) in &report.summary.datastores {
        let sum = |verdict: Verdict| verdicts.get(verdict.name()).copied().unwrap_or_default();
        let all = |bytes: fn(&Sum) -> u64| verdicts.values().map(bytes).fold(0, u64::saturating_add);
        let mut cells = vec![Cell::text(sanitize::text(name))];
        cells.extend(
            Verdict::ALL
                .iter()
                .rev()
                .map(|verdict| Cell::Gib(sum(*verdict).allocated_bytes)),
        );
        let of = |explained: bool| {
            let verdicts = Verdict::ALL
                .iter()
                .filter(|verdict| verdict.is_explained() == explained);
            verdicts
                .map(|verdict| sum(*verdict).allocated_bytes)
                .fold(0, u64::saturating_add)
        };
        cells.extend([
            Cell::Gib(of(true)),
            Cell::Gib(of(false)),
            Cell::Gib(all(|sum| sum.reclaimable_bytes)),
            Cell::Gib(all(|sum| sum.review_bytes)),
            Cell::optional(space(report, name, |root| root.capacity_bytes), Cell::Gib),
            Cell::optional(space(report, name, |root| root.free_bytes), Cell::Gib),
        ]);
        sheet.cells(cells)?;
    }
    Ok((first, sheet.row().saturating_sub(1)))
}

/// Capacity or free space of a datastore; not known where several roots may lie on one file system.
fn space(
    report: &Report<impl Artifacts>,
    datastore: &str,
    bytes: fn(&crate::report::model::RootReport) -> Option<u64>,
) -> Option<u64> {
    let mut roots = report.coverage.roots.iter().filter(|root| root.datastore == datastore);
    let first = roots.next()?;
    roots.next().is_none().then(|| bytes(first)).flatten()
}

fn ages(sheet: &mut Sheet<'_>, report: &Report<impl Artifacts>) -> Result<Rows, XlsxError> {
    let mut sums = [(0_u64, 0_u64); AGES.len()];
    let nobodys = report.artifacts.with(|verdict| verdict >= Verdict::Unregistered);
    for artifact in nobodys.filter(|artifact| artifact.accepted.is_none()) {
        let Some(modified) = artifact.modified else { continue };
        let days = report.as_of.duration_since(modified).as_hours() / 24;
        let place = AGES
            .iter()
            .position(|(_, limit)| days < *limit)
            .unwrap_or(AGES.len() - 1);
        let Some((orphaned, unregistered)) = sums.get_mut(place) else {
            continue;
        };
        let sum = match artifact.verdict {
            Verdict::Orphaned => orphaned,
            Verdict::Unregistered => unregistered,
            _ => continue,
        };
        *sum = sum.saturating_add(artifact.allocated_or_length());
    }
    sheet.line(
        "Age of what belongs to nobody, since the last write, allocated GiB",
        &sheet.look.heading,
    )?;
    sheet.header(&["Age", ">orphaned", ">unregistered"])?;
    let first = sheet.row();
    for ((name, _), (orphaned, unregistered)) in AGES.into_iter().zip(sums) {
        sheet.cells([Cell::text(name), Cell::Gib(orphaned), Cell::Gib(unregistered)])?;
    }
    Ok((first, sheet.row().saturating_sub(1)))
}

fn charts(sheet: &mut Sheet<'_>, datastores: Rows, ages: Rows) -> Result<(), XlsxError> {
    let row = sheet.row();
    let mut held = stacked("What the datastores hold, GiB", ChartType::BarStacked);
    for (column, verdict) in (1..).zip(Verdict::ALL.into_iter().rev()) {
        series(&mut held, datastores, column, verdict);
    }
    held.set_width(760).set_height(360);
    sheet.raw.insert_chart(row, 0, &held)?;
    let mut old = stacked("Age of what belongs to nobody, GiB", ChartType::ColumnStacked);
    series(&mut old, ages, 1, Verdict::Orphaned);
    series(&mut old, ages, 2, Verdict::Unregistered);
    old.set_width(520).set_height(360);
    sheet.raw.insert_chart(row, 7, &old)?;
    Ok(())
}

fn stacked(title: &str, kind: ChartType) -> Chart {
    let mut chart = Chart::new(kind);
    chart.title().set_name(title);
    chart
        .legend()
        .set_position(rust_xlsxwriter::ChartLegendPosition::Bottom);
    chart
}

fn series(chart: &mut Chart, (first, last): Rows, column: u16, verdict: Verdict) {
    chart
        .add_series()
        .set_name(verdict.name())
        .set_categories((NAME, first, 0, last, 0))
        .set_values((NAME, first, column, last, column))
        .set_gap(60)
        .set_format(
            rust_xlsxwriter::ChartFormat::new()
                .set_solid_fill(rust_xlsxwriter::ChartSolidFill::new().set_color(fill(verdict))),
        );
}
