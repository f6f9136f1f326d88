//! The report as JSON Lines, for what reads it piece by piece.
//!
//! Every line is an object with a `type`. First one `report` (schema, times, tool, coverage, summary, accepted, backups),
//! then `artifact`, `group`, `problem`, `vm` and `second-opinion` lines, each with the fields of the JSON report.

use std::{
    borrow::Borrow,
    io::{self, Write},
};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    json,
    model::{
        Acceptance, ArtifactReport, Artifacts, BackupReport, Coverage, Group, Problem, Report, SecondOpinion, Summary,
        Tool, Vm,
    },
};

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
    lines::<Head<'_>>("report", [head], out)?;
    lines::<ArtifactReport>("artifact", report.artifacts.all(), out)?;
    lines::<Group>("group", &report.groups, out)?;
    lines::<Problem>("problem", &report.problems, out)?;
    lines::<Vm>("vm", &report.vms, out)?;
    lines::<SecondOpinion>("second-opinion", &report.second_opinions, out)
}

fn lines<T: Serialize>(
    r#type: &'static str,
    items: impl IntoIterator<Item = impl Borrow<T>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut items = items.into_iter();
    items.try_for_each(|item| {
        json::line(
            &Line {
                r#type,
                item: item.borrow(),
            },
            out,
        )
    })
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
