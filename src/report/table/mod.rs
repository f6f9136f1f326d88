//! The report for people at a terminal.
//!
//! The result in one sentence, then the sums of each datastore, the groups that belong to nobody (largest first), the
//! problems with their next step, and what the answer rests on. Every name is escaped, wherever the table goes.

mod coverage;
mod groups;
mod layout;

use std::io::{self, Write};

use super::{
    Style,
    model::{Problem, Report, Severity, Sum, Verdict},
    show,
};
use crate::sanitize;

/// Problems of one kind that are listed before the rest is folded into a number.
const PROBLEMS_SHOWN: usize = 6;

/// Writes the table.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    layout::paragraph(&show::result(report), 0, 0, style, out)?;
    layout::paragraph(&show::certainty(report), 0, 0, style, out)?;
    if let Some(filter) = &report.summary.filter {
        let note = format!(
            "Only what --filter '{}' lets through is listed; sums, problems and coverage are whole.",
            sanitize::text(filter)
        );
        layout::paragraph(&note, 0, 0, style, out)?;
    }
    sums(report, style, out)?;
    groups::write(report, style, out)?;
    problems(report, style, out)?;
    coverage::write(report, style, out)
}

fn sums(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let datastores: Vec<_> = report
        .summary
        .datastores
        .iter()
        .filter(|(_, verdicts)| !verdicts.is_empty())
        .collect();
    if datastores.is_empty() {
        return Ok(());
    }
    layout::heading("Datastores", out)?;
    let mut grid = layout::grid(
        &[
            "Datastore",
            "=Verdict",
            ">Files",
            ">Allocated",
            ">Reclaimable",
            ">After review",
        ],
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
fn unknown(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
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

fn problems(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if report.problems.is_empty() {
        return Ok(());
    }
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
    layout::heading(format_args!("Problems: {}", counts.join(", ")), out)?;
    report
        .problems
        .chunk_by(Problem::is_like)
        .try_for_each(|problems| problems_alike(problems, style, out))
}

/// Problems of one kind with one next step: a line for each, and the next step once.
fn problems_alike(problems: &[Problem], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let Some(first) = problems.first() else {
        return Ok(());
    };
    writeln!(out, " {} {}", show::name(first.severity), first.code.name())?;
    let shown = if style.all { problems.len() } else { PROBLEMS_SHOWN };
    for problem in problems.iter().take(shown) {
        let line = format!(
            "{}: {}",
            sanitize::text(&problem.subject),
            sanitize::text(&problem.text)
        );
        layout::paragraph(&line, 5, 2, style, out)?;
        for reason in problem.reasons.iter().filter(|_| style.all) {
            let source = reason.source.as_deref().map(sanitize::text).unwrap_or_default();
            let line = format!("evidence: {} ({source})", sanitize::text(&reason.text));
            layout::paragraph(&line, 9, 2, style, out)?;
        }
    }
    let more = problems.len().saturating_sub(shown);
    if more > 0 {
        writeln!(out, "     … {more} more (--verbose and -o FILE.json list all)")?;
    }
    if first.next_step.is_empty() {
        return Ok(());
    }
    layout::paragraph(&format!("next: {}", sanitize::text(&first.next_step)), 5, 2, style, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn written(report: &Report, style: Style) -> String {
        let mut out = Vec::new();
        write(report, style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_result_stands_first_and_the_rest_in_its_order() {
        let text = written(&sample::report(), Style::default());
        assert!(text.starts_with("3 files (60.0 GiB) are orphaned"), "{text}");
        let places: Vec<_> = [
            "\nDatastores\n",
            "\nOrphaned: ",
            "\nUnregistered: ",
            "\nProblems: ",
            "\nCoverage: ",
        ]
        .into_iter()
        .map(|heading| text.find(heading).unwrap_or_else(|| panic!("no {heading:?} in {text}")))
        .collect();
        assert!(places.is_sorted(), "{text}");
    }

    #[test]
    fn sums_stand_by_datastore_and_verdict() {
        let text = written(&sample::report(), Style::default());
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
        let text = written(&sample::report(), Style::default());
        let expected = "Problems: 1 error
 error ghost
     broken01: is registered by vc01, but its configuration is not there.
     next: Restore broken01/broken01.vmx or remove the registration.
";
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("evidence:"));
        let all = written(&sample::report(), Style { width: None, all: true });
        assert!(all.contains("         evidence: because of registered-vm (vc01, vInfo row 7)"));
    }

    #[test]
    fn problems_of_one_kind_stand_together_and_are_folded() {
        let mut report = sample::report();
        report.problems = vec![report.problems[0].clone(); 9];
        let text = written(&report, Style::default());
        assert!(text.contains("Problems: 9 errors\n error ghost\n"), "{text}");
        assert_eq!(text.matches("     broken01: is registered").count(), 6);
        assert_eq!(text.matches("next: Restore").count(), 1);
        assert!(text.contains("     … 3 more (--verbose"));
    }

    #[test]
    fn nothing_that_acts_on_a_terminal_is_written() {
        for width in [None, Some(60), Some(200)] {
            let text = written(&sample::hostile(), Style { width, all: true });
            let found = text
                .chars()
                .find(|&character| character != '\n' && sanitize::is_unsafe(character));
            assert_eq!(found, None);
            assert!(text.contains("\\x1b[31m"), "the name itself is shown");
        }
    }

    #[test]
    fn lines_fit_the_terminal() {
        for width in [80, 120] {
            let text = written(
                &sample::report(),
                Style {
                    width: Some(width),
                    all: true,
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
        assert!(text.contains("Only what --filter 'verdict=owned' lets through is listed"));
        assert!(
            text.contains("\nOwned: 1 file"),
            "what a filter asks for is listed whatever its verdict: {text}"
        );
        assert!(!text.contains("\nOrphaned: "));
    }
}
