//! One screen: the sums of each datastore, the largest groups that belong to nobody, the problems by kind, the gaps.

use std::{
    cmp::Reverse,
    io::{self, Write},
};

use super::{layout, problem_counts, unknown};
use crate::{
    report::{
        Style,
        model::{Artifacts, Group, Problem, Report, Severity, Sum, Verdict},
        show,
    },
    sanitize,
};

/// Groups, gaps and names that are listed: what is more fits no screen.
const GROUPS_SHOWN: usize = 8;
const GAPS_SHOWN: usize = 4;
const SUBJECTS_SHOWN: usize = 3;

/// Writes the screen.
pub(super) fn write(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    datastores(report, style, out)?;
    unknown(report, style, out)?;
    largest(report, style, out)?;
    problems(report, style, out)?;
    coverage(report, style, out)
}

fn datastores(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if report.summary.datastores.is_empty() {
        return Ok(());
    }
    let header = [
        "Datastore",
        ">Files",
        ">Allocated",
        ">Orphaned",
        ">Unregistered",
        ">Unknown",
        ">Reclaimable",
        ">After review",
    ];
    let mut grid = layout::grid(&header, &["Files", "Unregistered", "Unknown"], style);
    let mut add = |name: String, of: &dyn Fn(Verdict) -> Sum| {
        let all = |value: fn(&Sum) -> u64| Verdict::ALL.iter().map(|verdict| value(&of(*verdict))).sum::<u64>();
        let some = |bytes: u64| if bytes == 0 { "-".to_owned() } else { show::bytes(bytes) };
        grid.add_row([
            name,
            all(|sum| sum.files).to_string(),
            show::bytes(all(|sum| sum.allocated_bytes)),
            some(of(Verdict::Orphaned).allocated_bytes),
            some(of(Verdict::Unregistered).allocated_bytes),
            some(of(Verdict::Unknown).allocated_bytes),
            some(all(|sum| sum.reclaimable_bytes)),
            some(all(|sum| sum.review_bytes)),
        ]);
    };
    for (name, verdicts) in &report.summary.datastores {
        let of = |verdict: Verdict| verdicts.get(verdict.name()).copied().unwrap_or_default();
        add(sanitize::text(name).into_owned(), &of);
    }
    if report.summary.datastores.len() > 1 {
        add("(all)".to_owned(), &|verdict| show::total(report, verdict));
    }
    layout::put(&grid, out)
}

fn largest(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let is_finding = |group: &&Group| group.is_nobodys() && !group.accepted;
    let mut groups: Vec<&Group> = report.groups.iter().filter(is_finding).collect();
    groups.sort_by_key(|group| (Reverse(group.allocated_bytes), &group.title));
    if groups.is_empty() {
        return Ok(());
    }
    let shown = groups.len().min(GROUPS_SHOWN);
    let count = show::count(show::number(groups.len()), "group");
    let which = if shown < groups.len() {
        format!(", the {shown} largest")
    } else {
        String::new()
    };
    layout::heading(format_args!("Belong to nobody: {count}{which}"), style, out)?;
    let mut grid = layout::grid(
        &[
            ">Size",
            "=Verdict",
            "=Class",
            "=Confidence",
            "=Reclaim",
            ">Written",
            "Group",
        ],
        &["Confidence", "Class", "Written"],
        style,
    );
    for group in groups.into_iter().take(shown) {
        grid.add_row([
            show::bytes(group.allocated_bytes),
            group.verdict.name().to_owned(),
            show::optional_name(group.class),
            show::optional_name(group.confidence),
            show::name(group.reclaim),
            show::age(report.as_of, group.modified),
            sanitize::text(&group.title).into_owned(),
        ]);
    }
    layout::put(&grid, out)
}

fn problems(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if report.problems.is_empty() {
        return Ok(());
    }
    layout::heading(format_args!("Problems: {}", problem_counts(report)), style, out)?;
    for alike in report.problems.chunk_by(Problem::is_like) {
        let Some(first) = alike.first() else { continue };
        let subjects: Vec<&str> = alike.iter().map(|problem| problem.subject.as_str()).collect();
        let line = format!(
            "{} {} {}: {}",
            show::name(first.severity),
            first.code.name(),
            alike.len(),
            show::list(subjects.into_iter(), SUBJECTS_SHOWN)
        );
        let paint = match first.severity {
            Severity::Error => layout::BAD,
            Severity::Warning => layout::WARN,
            Severity::Info => layout::PLAIN,
        };
        layout::painted(paint, style, out, |out| layout::paragraph(&line, 1, 2, style, out))?;
    }
    Ok(())
}

fn coverage(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let coverage = &report.coverage;
    let state = if coverage.complete { "complete" } else { "NOT complete" };
    let inventories =
        show::count(show::number(coverage.inventories.len()), "inventory").replace("inventorys", "inventories");
    let roots = show::count(show::number(coverage.roots.len()), "root");
    layout::heading(format_args!("Coverage: {state} ({roots}, {inventories})"), style, out)?;
    let gaps = coverage
        .gap_details
        .iter()
        .map(|gap| format!("- {}", sanitize::text(&show::gap(gap))));
    for line in gaps.take(GAPS_SHOWN) {
        layout::paragraph(&line, 1, 2, style, out)?;
    }
    let mut rest = Vec::new();
    let more = coverage.gap_details.len().saturating_sub(GAPS_SHOWN);
    if more > 0 {
        rest.push(show::count(show::number(more), "more gap"));
    }
    rest.extend(show::unread(coverage));
    if !rest.is_empty() {
        layout::paragraph(&format!("- {}", rest.join(", ")), 1, 2, style, out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn written(report: &Report, style: Style) -> String {
        let mut out = Vec::new();
        super::super::write(report, style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_summary_of_many_findings_fits_one_screen_and_ends_with_the_answer() {
        let mut report = sample::report();
        for number in 0..500 {
            let mut group = report.groups[1].clone();
            group.id = format!("{number}");
            report.groups.push(group);
            report.problems.push(report.problems[0].clone());
            report.coverage.gap_details.push(report.coverage.gap_details[0].clone());
        }
        let style = Style {
            width: Some(120),
            ..Style::default()
        };
        let text = written(&report, style);
        assert!(text.lines().count() <= 45, "{text}");
        assert!(text.contains("Belong to nobody: 502 groups, the 8 largest"), "{text}");
        assert!(
            text.contains("error ghost 501: broken01, broken01, broken01, 498 more"),
            "{text}"
        );
        assert!(text.contains("497 more gaps, 1 item could not be read"), "{text}");
        let last = text.trim_end().rsplit("\n\n").next().unwrap();
        assert!(last.starts_with("3 files (60.0 GiB) are orphaned"), "{text}");
        assert!(last.contains("NOT COMPLETE"), "{text}");
    }

    #[test]
    fn sums_stand_in_one_line_a_datastore() {
        let text = written(&sample::report(), Style::default());
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert!(
            lines.contains(&"SAN-VMFS-01 5 60.0 GiB 60.0 GiB 4.0 KiB - 59.0 GiB 4.0 KiB".to_owned()),
            "{text}"
        );
    }

    #[test]
    fn colours_are_for_those_who_want_them() {
        let style = Style {
            colour: true,
            ..Style::default()
        };
        let coloured = written(&sample::report(), style);
        let plain = written(&sample::report(), Style::default());
        assert!(coloured.contains("\u{1b}[") && !plain.contains('\u{1b}'));
        let mut rest = coloured.as_str();
        let mut stripped = String::new();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            stripped.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        stripped.push_str(rest);
        assert_eq!(stripped, plain, "colours change nothing else");
    }
}
