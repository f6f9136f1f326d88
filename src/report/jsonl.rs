//! The report as JSON Lines, for what reads it piece by piece.
//!
//! Every line is an object with a `type`. First one `report` (schema, times, tool, coverage, summary, accepted, backups),
//! then `artifact`, `group`, `problem`, `vm` and `second-opinion` lines, each with the fields of the JSON report.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    json,
    model::{Acceptance, Artifacts, BackupReport, Coverage, Report, Summary, Tool},
};
use crate::in_order::write_in_order;

#[derive(Serialize)]
struct Line<'a, T> {
    r#type: &'static str,
    #[serde(flatten)]
    item: &'a T,
}

#[derive(Serialize)]
struct Head<'a> {
    schema: &'a str,
    generated: Timestamp,
    as_of: Timestamp,
    duration_ms: Option<u64>,
    tool: &'a Tool,
    coverage: &'a Coverage,
    summary: &'a Summary,
    accepted: &'a [Acceptance],
    backups: Option<&'a BackupReport>,
}

/// Writes the report line by line.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report<impl Artifacts>, out: &mut dyn Write) -> io::Result<()> {
    let head = Head {
        schema: &report.schema,
        generated: report.generated,
        as_of: report.as_of,
        duration_ms: report.duration_ms,
        tool: &report.tool,
        coverage: &report.coverage,
        summary: &report.summary,
        accepted: &report.accepted,
        backups: report.backups.as_ref(),
    };
    let mut write = |lines: &[u8]| out.write_all(lines);
    write_in_order(&[head], |head, lines| line("report", head, lines), &mut write)?;
    let artifacts = &report.artifacts;
    artifacts.write_each(|artifact, lines| line("artifact", artifact, lines), &mut write)?;
    write_in_order(&report.groups, |group, lines| line("group", group, lines), &mut write)?;
    write_in_order(
        &report.problems,
        |problem, lines| line("problem", problem, lines),
        &mut write,
    )?;
    write_in_order(&report.vms, |vm, lines| line("vm", vm, lines), &mut write)?;
    let opinions = &report.second_opinions;
    write_in_order(
        opinions,
        |opinion, lines| line("second-opinion", opinion, lines),
        &mut write,
    )
}

fn line<T: Serialize>(r#type: &'static str, item: &T, lines: &mut Vec<u8>) -> io::Result<()> {
    json::line(&Line { r#type, item }, lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_line_is_an_object_with_its_type_and_the_fields_of_the_report() {
        let report = sample::hostile();
        let mut out = Vec::new();
        write(&report, &mut out).unwrap();
        let lines: Vec<serde_json::Value> = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let whole = serde_json::to_value(&report).unwrap();
        let mut rest = lines.iter();

        let head = rest.next().unwrap();
        assert_eq!(head["type"], "report");
        for field in [
            "schema",
            "generated",
            "as_of",
            "duration_ms",
            "tool",
            "coverage",
            "summary",
            "accepted",
            "backups",
        ] {
            assert_eq!(head[field], whole[field], "{field}");
        }
        for (name, list) in [
            ("artifact", "artifacts"),
            ("group", "groups"),
            ("problem", "problems"),
            ("vm", "vms"),
            ("second-opinion", "second_opinions"),
        ] {
            for expected in whole[list].as_array().unwrap() {
                let mut item = rest.next().unwrap().clone();
                let kind = item.as_object_mut().unwrap().remove("type").unwrap();
                assert_eq!(kind, name);
                assert_eq!(item, *expected);
            }
        }
        assert_eq!(rest.next(), None);
    }
}
