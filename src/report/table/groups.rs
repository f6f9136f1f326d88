//! The groups of one verdict, largest first, each with its files.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use jiff::Timestamp;

use super::layout;
use crate::{
    kind::Kind,
    raw::RawPath,
    report::{
        Style,
        model::{ArtifactReport, Artifacts, Group, OwnerBasis, Reclaim, Report, Verdict},
        show,
    },
    sanitize,
};

/// Files of a group that are listed before the rest is folded into a number.
const FILES_SHOWN: usize = 6;
/// Columns of the size of a group and the blanks around it.
const INDENT: usize = 13;

/// One block of rows: a group, or an artifact that is in none.
struct Block<'a> {
    title: String,
    /// Kind of the one file of a block without a group, which needs no list.
    kind: Option<Kind>,
    class: String,
    confidence: String,
    reclaim: Reclaim,
    allocated_bytes: u64,
    modified: Option<Timestamp>,
    files: Vec<Cow<'a, ArtifactReport>>,
    hidden: usize,
}

/// Writes the sections: orphaned and unregistered; with `--verbose` or a filter every verdict that has something.
pub(super) fn write(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let every = style.all || report.summary.filter.is_some();
    for verdict in Verdict::ALL.into_iter().rev() {
        if every || matches!(verdict, Verdict::Orphaned | Verdict::Unregistered) {
            section(report, verdict, style, out)?;
        }
    }
    match show::files_left_out(report, show::files_shown(report)) {
        Some(note) if every => layout::paragraph(&note, 0, 0, style, out),
        _ => Ok(()),
    }
}

fn section(report: &Report<impl Artifacts>, verdict: Verdict, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let blocks = blocks(report, verdict);
    if blocks.is_empty() {
        return Ok(());
    }
    let files = blocks.iter().map(|block| block.files.len()).sum();
    let bytes = blocks.iter().map(|block| block.allocated_bytes).sum();
    layout::heading(
        format_args!(
            "{}: {} in {}, {}",
            capitalized(verdict.name()),
            show::count(show::number(files), "file"),
            show::count(show::number(blocks.len()), "group"),
            show::bytes(bytes)
        ),
        style,
        out,
    )?;
    let kind_columns = widest_kind(&blocks);
    blocks
        .iter()
        .try_for_each(|block| block.write(report.as_of, kind_columns, style, out))
}

/// Columns that the kinds of the files need.
fn widest_kind(blocks: &[Block<'_>]) -> usize {
    let files = blocks.iter().flat_map(|block| &block.files);
    files.map(|file| show::name(file.kind).len()).max().unwrap_or_default()
}

fn blocks(report: &Report<impl Artifacts>, verdict: Verdict) -> Vec<Block<'_>> {
    let mut artifacts: BTreeMap<RawPath, Cow<'_, ArtifactReport>> = report
        .artifacts
        .with(|of| of == verdict)
        .filter(|artifact| artifact.accepted.is_none())
        .take(show::files_shown(report))
        .map(|artifact| (artifact.path.clone(), artifact))
        .collect();
    let mut blocks: Vec<Block<'_>> = report
        .groups
        .iter()
        .filter(|group| group.verdict == verdict)
        .map(|group| block(group, &mut artifacts))
        .filter(|block| !block.files.is_empty())
        .collect();
    blocks.extend(artifacts.into_values().map(single));
    blocks.sort_by(|a, b| (Reverse(a.allocated_bytes), &a.title).cmp(&(Reverse(b.allocated_bytes), &b.title)));
    blocks
}

fn block<'a>(group: &'a Group, artifacts: &mut BTreeMap<RawPath, Cow<'a, ArtifactReport>>) -> Block<'a> {
    let files: Vec<_> = group
        .artifacts
        .iter()
        .filter_map(|path| artifacts.remove(path))
        .collect();
    let title = sanitize::text(&group.title);
    let title = match &group.owner {
        Some(owner) if *owner != group.title && group.owner_basis != Some(OwnerBasis::Hint) => {
            format!("{title} (of {})", sanitize::text(owner))
        }
        _ => title.into_owned(),
    };
    Block {
        title,
        kind: None,
        class: show::optional_name(group.class),
        confidence: show::optional_name(group.confidence),
        reclaim: group.reclaim,
        allocated_bytes: group.allocated_bytes,
        modified: group.modified,
        hidden: group.artifacts.len().saturating_sub(files.len()),
        files,
    }
}

fn single(artifact: Cow<'_, ArtifactReport>) -> Block<'_> {
    Block {
        title: show::place(&artifact),
        kind: Some(artifact.kind),
        class: show::optional_name(artifact.class),
        confidence: show::optional_name(artifact.confidence),
        reclaim: artifact.reclaim,
        allocated_bytes: artifact.allocated_or_length(),
        modified: artifact.modified,
        files: vec![artifact],
        hidden: 0,
    }
}

impl Block<'_> {
    fn write(&self, as_of: Timestamp, kind_columns: usize, style: Style, out: &mut dyn Write) -> io::Result<()> {
        let head = format!("{:>10}  {}", show::bytes(self.allocated_bytes), self.title);
        layout::entry(&head, 1, 12, style, out)?;
        layout::paragraph(&self.grades(as_of), INDENT, 2, style, out)?;
        if let Some(reason) = self.why() {
            layout::paragraph(&reason, INDENT, 2, style, out)?;
        }
        if self.kind.is_some() {
            return Ok(());
        }
        let shown = if style.all { self.files.len() } else { FILES_SHOWN };
        for file in self.files.iter().take(shown) {
            let line = format!(
                "{:>10}  {:kind_columns$}  {}",
                show::bytes(file.allocated_or_length()),
                show::name(file.kind),
                show::place(file)
            );
            layout::entry(&line, INDENT, 14, style, out)?;
        }
        let mut note = |number: usize, why: &str| match number {
            0 => Ok(()),
            _ => writeln!(
                out,
                "{:INDENT$}… {} {why}",
                "",
                show::count(show::number(number), "more file")
            ),
        };
        note(
            self.files.len().saturating_sub(shown),
            "(--verbose and -o FILE.json list all)",
        )?;
        note(self.hidden, "that the filter hides")
    }

    /// Class, confidence, reclaim, risk and age in one line.
    fn grades(&self, as_of: Timestamp) -> String {
        let mut parts = vec![self.class.clone(), show::optional_name(self.kind)];
        if !self.confidence.is_empty() {
            parts.push(format!("confidence {}", self.confidence));
        }
        parts.push(format!("reclaim {}", show::name(self.reclaim)));
        let risks: BTreeSet<String> = self.files.iter().filter_map(|file| file.risk).map(show::name).collect();
        parts.extend(risks.into_iter().map(|risk| format!("risk {risk}")));
        parts.push(format!("written {} ago", show::age(as_of, self.modified)));
        parts.retain(|part| !part.is_empty());
        parts.join(", ")
    }

    fn why(&self) -> Option<String> {
        let reason = show::why(self.files.iter().map(AsRef::as_ref))?;
        Some(format!("why: {}", sanitize::text(&reason.text)))
    }
}

fn capitalized(name: &str) -> String {
    let mut characters = name.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
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
    fn a_group_has_its_grade_its_reason_and_its_files() {
        let text = written(&sample::report(), Style::default());
        let expected = "
Orphaned: 3 files in 1 group, 60.0 GiB
   60.0 GiB  web07/web07.vmdk (of web07)
             deleted-vm-disk, confidence medium, reclaim review, risk data-loss, written 512 d ago
             why: because of companion-of
                1.0 GiB  vmdk-sesparse    [SAN-VMFS-01] web07/web07-000001.vmdk
               59.0 GiB  vmdk-flat        [SAN-VMFS-01] web07/web07-flat.vmdk
                  512 B  vmdk-descriptor  [SAN-VMFS-01] web07/web07.vmdk
";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("\nUnregistered: 1 file in 1 group, 4.0 KiB\n"));
        assert!(!text.contains("\nUnknown"), "only what belongs to nobody is listed");
    }

    #[test]
    fn many_files_are_folded_and_verbose_lists_them() {
        let mut report = sample::report();
        let template = report.artifacts[5].clone();
        for number in 0..10 {
            let mut more = template.clone();
            more.path = RawPath::from(format!("/mnt/san1/web07/more{number}").as_str());
            report.groups[1].artifacts.push(more.path.clone());
            report.artifacts.push(more);
        }
        let text = written(&report, Style::default());
        assert!(text.contains("… 7 more files (--verbose"), "{text}");
        let all = written(
            &report,
            Style {
                all: true,
                ..Style::default()
            },
        );
        assert!(!all.contains("more file"));
        assert!(all.contains("\nUnknown: 1 file"), "verbose shows every verdict: {all}");
    }

    #[test]
    fn of_files_that_nobody_judged_the_first_are_listed_and_the_rest_is_counted() {
        let all = Style {
            all: true,
            ..Style::default()
        };
        let text = written(&sample::unjudged(10_003), all);
        assert_eq!(text.matches("] web/").count(), 10_000);
        assert!(text.contains("3 files more than the first 10000 "), "{}", &text[..200]);
        let text = written(&sample::unjudged(10_003), Style::default());
        assert!(!text.contains("10000"), "nothing is listed: {text}");
    }

    #[test]
    fn largest_first_and_an_artifact_without_a_group_is_not_lost() {
        let mut report = sample::report();
        let mut loose = report.artifacts[5].clone();
        loose.path = "/mnt/san1/loose.vmdk".into();
        loose.relative_path = "loose.vmdk".into();
        loose.allocated_bytes = Some(1 << 40);
        report.artifacts.push(loose);
        let text = written(&report, Style::default());
        assert!(text.find("] loose.vmdk").unwrap() < text.find("of web07").unwrap());
        assert_eq!(text.matches("loose.vmdk").count(), 1, "{text}");
        assert!(
            text.contains("deleted-vm-disk, vmdk-descriptor, confidence high"),
            "{text}"
        );
    }

    #[test]
    fn what_a_filter_hides_is_counted() {
        let mut report = sample::report();
        "kind=vmdk-flat"
            .parse::<crate::report::filter::Filter>()
            .unwrap()
            .apply(&mut report);
        let text = written(&report, Style::default());
        assert!(text.contains("… 2 more files that the filter hides"), "{text}");
    }
}
