//! The report for people at a terminal.
//!
//! One screen ([`summary`]); with `--verbose` the sums of each datastore and verdict, every group (largest first), the
//! problems with their next step, and what the answer rests on. With a filter the groups that it lets through are listed.
//! The result and how sure it is stand at the end, where a terminal shows it. Every name is escaped, wherever the table
//! goes.

mod coverage;
mod groups;
mod layout;
mod summary;

use std::io::{self, Write};

use super::{
    Style,
    model::{Agreement, Artifacts, Problem, Report, SecondOpinion, Severity, Sum, Verdict},
    show,
};
use crate::sanitize;

/// Writes the table.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if style.all {
        sums(report, style, out)?;
        groups::write(report, style, out)?;
        accepted(report, style, out)?;
        problems(report, style, out)?;
        second_opinions(report, style, out)?;
        backups(report, style, out)?;
        coverage::write(report, style, out)?;
    } else {
        if report.summary.filter.is_some() {
            groups::write(report, style, out)?;
            writeln!(out)?;
        }
        summary::write(report, style, out)?;
        second_opinions(report, style, out)?;
        backups(report, style, out)?;
        accepted(report, style, out)?;
    }
    answer(report, style, out)
}

/// The last line: what was found, and how sure that is.
fn answer(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    if let Some(filter) = &report.summary.filter {
        let note = format!(
            "Only what --filter '{}' lets through is listed, {}; sums, problems and coverage are whole.",
            sanitize::text(filter),
            show::count(show::number(report.artifacts.count()), "file")
        );
        layout::paragraph(&note, 0, 0, style, out)?;
    }
    let text = format!("{} {}", show::result(report), show::certainty(report));
    let paint = if report.coverage.complete {
        layout::STRONG
    } else {
        layout::WARN
    };
    layout::painted(paint, style, out, |out| layout::paragraph(&text, 0, 0, style, out))
}

/// What somebody has accepted, and until when.
fn accepted(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if report.accepted.is_empty() {
        return Ok(());
    }
    let sum = report.summary.accepted;
    let files = show::count(sum.files, "file");
    layout::heading(
        format_args!("Accepted: {files}, {}", show::bytes(sum.allocated_bytes)),
        style,
        out,
    )?;
    for acceptance in &report.accepted {
        layout::paragraph(&format!("- {}", show::acceptance(acceptance)), 1, 2, style, out)?;
    }
    Ok(())
}

/// Second opinions on one screen before the rest is folded into a number.
const OPINIONS_SHOWN: usize = 3;

/// What another tool calls nobody's and derelict does not, or the other way round; all of it with `--verbose`.
fn second_opinions(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if report.second_opinions.is_empty() {
        return Ok(());
    }
    let counts = show::agreements(&report.second_opinions);
    layout::heading(format_args!("Second opinion: {counts}"), style, out)?;
    let is_shown = |opinion: &&SecondOpinion| style.all || opinion.agreement == Agreement::Disagrees;
    let shown: Vec<&SecondOpinion> = report.second_opinions.iter().filter(is_shown).collect();
    let most = if style.all { shown.len() } else { OPINIONS_SHOWN };
    for opinion in shown.iter().take(most) {
        let line = format!("{} {}", show::name(opinion.agreement), show::second_opinion(opinion));
        layout::paragraph(&line, 1, 2, style, out)?;
    }
    match shown.len().checked_sub(most) {
        Some(more) if more > 0 => layout::paragraph(&format!("{more} more: see --verbose"), 1, 2, style, out),
        _ => Ok(()),
    }
}

/// What backups cover. It changes no verdict, so it stands apart from them.
fn backups(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let lines = show::backups(report);
    if lines.is_empty() {
        return Ok(());
    }
    layout::heading("Backups (no proof of ownership)", style, out)?;
    lines
        .iter()
        .try_for_each(|line| layout::paragraph(&format!("- {line}"), 1, 2, style, out))
}

fn sums(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let datastores: Vec<_> = report
        .summary
        .datastores
        .iter()
        .filter(|(_, verdicts)| !verdicts.is_empty())
        .collect();
    if datastores.is_empty() {
        return Ok(());
    }
    layout::heading("Datastores", style, out)?;
    let mut grid = layout::grid(
        &[
            "Datastore",
            "=Verdict",
            ">Files",
            ">Allocated",
            ">Reclaimable",
            ">After review",
        ],
        &["Files"],
        style,
    );
    for (name, verdicts) in &datastores {
        let mut first = Some(sanitize::text(name).into_owned());
        for verdict in shown_verdicts() {
            if let Some(sum) = verdicts.get(verdict.name()) {
                grid.add_row(sum_row(first.take().unwrap_or_default(), verdict.name(), *sum));
            }
        }
    }
    if datastores.len() > 1 {
        let mut first = Some("(all)".to_owned());
        for verdict in shown_verdicts() {
            let sum = show::total(report, verdict);
            if sum.files > 0 {
                grid.add_row(sum_row(first.take().unwrap_or_default(), verdict.name(), sum));
            }
        }
    }
    layout::put(&grid, out)?;
    unknown(report, style, out)
}

/// What needs attention first.
fn shown_verdicts() -> impl Iterator<Item = Verdict> {
    Verdict::ALL.into_iter().rev()
}

fn sum_row(datastore: String, verdict: &str, sum: Sum) -> [String; 6] {
    let some = |bytes: u64| if bytes == 0 { "-".to_owned() } else { show::bytes(bytes) };
    [
        datastore,
        verdict.to_owned(),
        sum.files.to_string(),
        show::bytes(sum.allocated_bytes),
        some(sum.reclaimable_bytes),
        some(sum.review_bytes),
    ]
}

/// Why files cannot be judged, in one line.
fn unknown(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let causes: Vec<String> = report
        .summary
        .classes
        .iter()
        .filter_map(|(name, sum)| Some((name.strip_prefix("unknown/")?, sum)))
        .map(|(class, sum)| format!("{class} {} ({})", sum.files, show::bytes(sum.allocated_bytes)))
        .collect();
    if causes.is_empty() {
        return Ok(());
    }
    let line = format!("Cannot be judged because of: {}.", causes.join(", "));
    layout::paragraph(&line, 1, 2, style, out)
}

fn problems(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if report.problems.is_empty() {
        return Ok(());
    }
    layout::heading(format_args!("Problems: {}", problem_counts(report)), style, out)?;
    report
        .problems
        .chunk_by(Problem::is_like)
        .try_for_each(|problems| problems_alike(problems, style, out))
}

/// How many there are of each severity.
fn problem_counts(report: &Report<impl Artifacts>) -> String {
    let counts: Vec<String> = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Info, "note"),
    ]
    .into_iter()
    .map(|(severity, noun)| {
        (
            report
                .problems
                .iter()
                .filter(|problem| problem.severity == severity)
                .count(),
            noun,
        )
    })
    .filter(|(number, _)| *number > 0)
    .map(|(number, noun)| show::count(show::number(number), noun))
    .collect();
    counts.join(", ")
}

/// Problems of one kind with one next step: a line for each, and the next step once.
fn problems_alike(problems: &[Problem], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let Some(first) = problems.first() else {
        return Ok(());
    };
    writeln!(out, " {} {}", show::name(first.severity), first.code.name())?;
    for problem in problems {
        let line = format!(
            "{}: {}",
            sanitize::text(&problem.subject),
            sanitize::text(&problem.text)
        );
        layout::paragraph(&line, 5, 2, style, out)?;
        for reason in &problem.reasons {
            let source = reason.source.as_deref().map(sanitize::text).unwrap_or_default();
            let line = format!("evidence: {} ({source})", sanitize::text(&reason.text));
            layout::paragraph(&line, 9, 2, style, out)?;
        }
    }
    if first.next_step.is_empty() {
        return Ok(());
    }
    layout::paragraph(&format!("next: {}", sanitize::text(&first.next_step)), 5, 2, style, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        model::{Acceptance, Summary},
        sample,
    };

    const VERBOSE: Style = Style {
        width: None,
        all: true,
        colour: false,
    };

    fn written(report: &Report, style: Style) -> String {
        let mut out = Vec::new();
        write(report, style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_parts_stand_in_their_order_and_the_answer_last() {
        let text = written(&sample::report(), VERBOSE);
        let places: Vec<_> = [
            "\nDatastores\n",
            "\nOrphaned: ",
            "\nUnregistered: ",
            "\nProblems: ",
            "\nCoverage: ",
            "\n\n3 files (60.0 GiB) are orphaned",
        ]
        .into_iter()
        .map(|heading| text.find(heading).unwrap_or_else(|| panic!("no {heading:?} in {text}")))
        .collect();
        assert!(places.is_sorted(), "{text}");
    }

    #[test]
    fn sums_stand_by_datastore_and_verdict() {
        let text = written(&sample::report(), VERBOSE);
        let mut lines = text
            .lines()
            .skip_while(|line| !line.starts_with(" SAN-VMFS-01"))
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        assert_eq!(
            lines.next().as_deref(),
            Some("SAN-VMFS-01 orphaned 3 60.0 GiB 59.0 GiB -"),
            "what may be the only copy of data is not reclaimable, not even after review"
        );
        assert_eq!(lines.next().as_deref(), Some("unregistered 1 4.0 KiB - 4.0 KiB"));
        assert!(text.contains("Cannot be judged because of: too-new 1 (2.0 MiB)."));
    }

    #[test]
    fn problems_say_what_to_do_next() {
        let text = written(&sample::report(), VERBOSE);
        let expected = "Problems: 1 error
 error ghost
     broken01: is registered by vc01, but its configuration is not there.
         evidence: because of registered-vm (vc01, vInfo row 7)
     next: Restore broken01/broken01.vmx or remove the registration.
";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn problems_of_one_kind_stand_together() {
        let mut report = sample::report();
        report.problems = vec![report.problems[0].clone(); 9];
        let text = written(&report, VERBOSE);
        assert!(text.contains("Problems: 9 errors\n error ghost\n"), "{text}");
        assert_eq!(text.matches("     broken01: is registered").count(), 9);
        assert_eq!(text.matches("next: Restore").count(), 1);
    }

    #[test]
    fn what_was_accepted_is_shown_and_not_counted() {
        let mut report = sample::report();
        report.accepted = vec![Acceptance {
            reason: "kept for the auditors".to_owned(),
            by: Some("finance".to_owned()),
            until: Some(sample::time("2025-01-02T00:00:00Z")),
            expired: false,
            sum: Sum::default(),
        }];
        report.groups[1].accepted = true;
        report.summary = Summary::empty();
        for artifact in &mut report.artifacts {
            artifact.accepted = (artifact.verdict == Verdict::Orphaned).then_some(0);
        }
        for artifact in &report.artifacts {
            report.summary.add(artifact);
        }
        for style in [Style::default(), VERBOSE] {
            let text = written(&report, style);
            assert!(
                text.contains("\nAccepted: 3 files, 60.0 GiB\n - kept for the auditors (finance, until 2025-01-01)"),
                "{text}"
            );
            assert!(
                text.contains("\n1 file (4.0 KiB) belongs to unregistered VMs"),
                "{text}"
            );
            assert!(!text.contains("\nOrphaned: "), "{text}");
            assert!(!text.contains("web07/web07.vmdk"), "{text}");
        }
    }

    #[test]
    fn what_backups_cover_stands_apart_and_only_where_a_list_was_given() {
        let mut report = sample::report();
        let text = written(&report, Style::default());
        for line in [
            "Backups (no proof of ownership)",
            " - 1 registered VM in a backup; the oldest last restore point is of 2024-05-01 (WEB01)",
            " - 1 registered VM in none: broken01",
            " - 1 backup of VMs that no inventory registers: web09",
            " - 2 groups of orphaned and unregistered files (60.0 GiB) in no backup",
        ] {
            assert!(text.contains(line), "no {line:?} in {text}");
        }
        report.backups = None;
        assert!(!written(&report, VERBOSE).contains("Backups"));
    }

    #[test]
    fn nothing_that_acts_on_a_terminal_is_written() {
        for width in [None, Some(60), Some(200)] {
            let text = written(&sample::hostile(), Style { width, ..VERBOSE });
            let found = text
                .chars()
                .find(|&character| character != '\n' && sanitize::is_unsafe(character));
            assert_eq!(found, None);
            assert!(text.contains("\\u{1b}[31m"), "the name itself is shown");
        }
    }

    #[test]
    fn lines_fit_the_terminal() {
        for width in [80, 120] {
            let text = written(
                &sample::report(),
                Style {
                    width: Some(width),
                    ..VERBOSE
                },
            );
            let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(longest <= usize::from(width), "{longest} columns in {width}:\n{text}");
        }
    }

    #[test]
    fn a_filter_is_named() {
        let mut report = sample::report();
        "verdict=owned"
            .parse::<crate::report::filter::Filter>()
            .unwrap()
            .apply(&mut report);
        let text = written(&report, Style::default());
        assert!(text.contains("Only what --filter 'verdict=owned' lets through is listed, 1 file; sums"));
        assert!(
            text.contains("\nOwned: 1 file"),
            "what a filter asks for is listed whatever its verdict: {text}"
        );
        assert!(!text.contains("\nOrphaned: "));
    }
}
