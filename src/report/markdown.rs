//! The report as Markdown, short, for a ticket: the result, the sums, what belongs to nobody, the problems, the gaps.

use std::{
    cmp::Reverse,
    io::{self, Write},
};

use super::{
    model::{Agreement, Artifacts, Group, Problem, Report, SecondOpinion, Verdict},
    show,
};
use crate::sanitize::{markdown, markdown_of_escaped};

/// Groups of one verdict that are listed; a ticket is no archive.
const GROUPS_SHOWN: usize = 25;
/// Problems, gaps and issues that are listed.
const LINES_SHOWN: usize = 25;

/// Writes the ticket.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report<impl Artifacts>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# derelict: {}", report.generated.strftime("%Y-%m-%d"))?;
    writeln!(out, "\n**{}** {}", show::result(report), show::certainty(report))?;
    if let Some(filter) = &report.summary.filter {
        writeln!(
            out,
            "\nFilter: {}. Sums, problems and gaps are whole.",
            markdown(filter)
        )?;
    }
    sums(report, out)?;
    for verdict in [Verdict::Orphaned, Verdict::Unregistered] {
        groups(report, verdict, out)?;
    }
    list(
        "Accepted",
        report
            .accepted
            .iter()
            .map(|found| markdown_of_escaped(&show::acceptance(found))),
        out,
    )?;
    problems(&report.problems, out)?;
    let differing: Vec<&SecondOpinion> = report
        .second_opinions
        .iter()
        .filter(|opinion| opinion.agreement == Agreement::Disagrees)
        .collect();
    list(
        "Second opinions that differ",
        differing.iter().map(|opinion| markdown(&show::second_opinion(opinion))),
        out,
    )?;
    backups(report, out)?;
    list(
        "Gaps",
        report.coverage.gap_details.iter().map(|gap| markdown(&show::gap(gap))),
        out,
    )?;
    let issues = report.coverage.issues.iter().map(|issue| {
        let path = markdown_of_escaped(&crate::sanitize::path(&issue.path));
        format!("{path}: {} ({})", markdown(&issue.error), show::name(issue.stage))
    });
    list("Could not be read", issues, out)
}

fn sums(report: &Report<impl Artifacts>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\n| Datastore | Verdict | Files | Allocated | Reclaimable | After review |"
    )?;
    writeln!(out, "|---|---|--:|--:|--:|--:|")?;
    for (name, verdicts) in &report.summary.datastores {
        for verdict in Verdict::ALL.into_iter().rev() {
            if let Some(sum) = verdicts.get(verdict.name()) {
                writeln!(
                    out,
                    "| {} | {} | {} | {} | {} | {} |",
                    markdown(name),
                    verdict.name(),
                    sum.files,
                    show::bytes(sum.allocated_bytes),
                    show::bytes(sum.reclaimable_bytes),
                    show::bytes(sum.review_bytes)
                )?;
            }
        }
    }
    Ok(())
}

fn groups(report: &Report<impl Artifacts>, verdict: Verdict, out: &mut dyn Write) -> io::Result<()> {
    let is_finding = |group: &&Group| group.verdict == verdict && !group.accepted;
    let mut groups: Vec<&Group> = report.groups.iter().filter(is_finding).collect();
    groups.sort_by_key(|group| (Reverse(group.allocated_bytes), &group.id));
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n## {}: {}\n",
        verdict.name(),
        show::count(show::number(groups.len()), "group")
    )?;
    writeln!(
        out,
        "| Group | Last owner | Class | Confidence | Reclaim | Written | Files | Allocated |"
    )?;
    writeln!(out, "|---|---|---|---|---|--:|--:|--:|")?;
    for group in groups.iter().take(GROUPS_SHOWN) {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            markdown(&group.title),
            markdown_of_escaped(&show::last_owner(group)),
            show::optional_name(group.class),
            show::optional_name(group.confidence),
            show::name(group.reclaim),
            show::age(report.as_of, group.modified),
            group.artifacts.len(),
            show::bytes(group.allocated_bytes)
        )?;
    }
    more(groups.len(), GROUPS_SHOWN, out)
}

fn problems(problems: &[Problem], out: &mut dyn Write) -> io::Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Problems: {}\n", problems.len())?;
    for alike in problems.chunk_by(Problem::is_like) {
        let Some(first) = alike.first() else { continue };
        let severity = show::name(first.severity);
        let next = markdown(&first.next_step);
        writeln!(
            out,
            "- **{severity}** {} ({}). *Next:* {next}",
            first.code.name(),
            alike.len()
        )?;
        for problem in alike.iter().take(LINES_SHOWN) {
            writeln!(out, "  - {}: {}", markdown(&problem.subject), markdown(&problem.text))?;
        }
        if let Some(more) = alike.len().checked_sub(LINES_SHOWN).filter(|more| *more > 0) {
            writeln!(out, "  - … and {more} more")?;
        }
    }
    Ok(())
}

fn backups(report: &Report<impl Artifacts>, out: &mut dyn Write) -> io::Result<()> {
    let lines = show::backups(report);
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Backups (no proof of ownership)\n")?;
    lines.iter().try_for_each(|line| writeln!(out, "- {}", markdown(line)))
}

fn list(title: &str, lines: impl ExactSizeIterator<Item = String>, out: &mut dyn Write) -> io::Result<()> {
    let length = lines.len();
    if length == 0 {
        return Ok(());
    }
    writeln!(out, "\n## {title}: {length}\n")?;
    for line in lines.take(LINES_SHOWN) {
        writeln!(out, "- {line}")?;
    }
    more(length, LINES_SHOWN, out)
}

fn more(length: usize, shown: usize, out: &mut dyn Write) -> io::Result<()> {
    match length.checked_sub(shown) {
        Some(more) if more > 0 => writeln!(out, "\n… and {more} more: see the JSON report."),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_ticket_has_the_result_the_sums_and_what_to_do() {
        let text = written(&sample::report());
        for part in [
            "# derelict: 2024-06-01\n\n**3 files (60.0 GiB) are orphaned",
            "| SAN-VMFS-01 | orphaned | 3 | 60.0 GiB | 59.0 GiB | 0 B |",
            "## orphaned: 1 group",
            "| web07/web07.vmdk | web07 | deleted-vm-disk | medium | review | 512 d | 3 | 60.0 GiB |",
            "- **error** ghost (1). *Next:* Restore broken01/broken01.vmx or remove the registration.\n  - broken01: is",
            "## Gaps: 1",
            "- /mnt/nfs01/locked: permission denied (crawl)",
        ] {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
    }

    #[test]
    fn long_lists_are_cut_and_say_so() {
        let mut report = sample::report();
        report.problems = vec![report.problems[0].clone(); 30];
        report.coverage.issues = vec![report.coverage.issues[0].clone(); 31];
        let text = written(&report);
        assert!(text.contains("  - … and 5 more\n"), "{text}");
        assert!(text.contains("… and 6 more: see the JSON report."), "{text}");
    }

    #[test]
    fn names_are_neither_markup_nor_html_nor_terminal_control() {
        let text = written(&sample::hostile());
        assert!(!text.contains("<b>"));
        assert!(!text.contains("`x`"), "{text}");
        assert!(
            !text
                .chars()
                .any(|character| character != '\n' && crate::sanitize::is_unsafe(character))
        );
        for line in text.lines().filter(|line| line.starts_with("| ")) {
            let cells = line.replace("\\|", "").matches('|').count();
            assert!(cells == 7 || cells == 9, "a name broke the table: {line}");
        }
    }
}
