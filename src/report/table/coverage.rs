//! What the answer rests on: roots, inventories, gaps, what was not read and what was left out.

use std::io::{self, Write};

use super::layout;
use crate::{
    report::{
        Style,
        model::{Artifacts, Gap, Identity, InventoryReport, Report, RootReport},
        show,
    },
    sanitize,
};

/// Names listed before the rest is folded into a number.
const NAMES_SHOWN: usize = 8;
/// Places listed before the rest is folded into a number.
const PLACES_SHOWN: usize = 20;

/// Writes the section.
pub(super) fn write(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let state = if report.coverage.complete {
        "complete"
    } else {
        "NOT complete"
    };
    layout::heading(format_args!("Coverage: {state}"), style, out)?;
    roots(&report.coverage.roots, style, out)?;
    inventories(report, style, out)?;
    gaps(&report.coverage.gap_details, style, out)?;
    issues(report, style, out)?;
    left_out(&report.coverage.roots, style, out)
}

fn roots(roots: &[RootReport], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let header = [
        "Datastore",
        "Root",
        "=Inventories",
        ">Files",
        ">Artifacts",
        ">Allocated",
        ">Free",
    ];
    let mut grid = layout::grid(&header, &["Artifacts", "Files", "Free"], style);
    for root in roots {
        grid.add_row([
            sanitize::text(&root.datastore).into_owned(),
            sanitize::path(&root.path).into_owned(),
            show::name(root.covered),
            root.files.to_string(),
            root.artifacts.to_string(),
            show::optional_bytes(root.allocated_bytes),
            show::optional_bytes(root.free_bytes),
        ]);
    }
    layout::put(&grid, out)?;
    for root in roots
        .iter()
        .filter(|root| root.identity != Identity::Given || style.all)
    {
        let line = format!(
            "{}: identity {}: {}",
            sanitize::path(&root.path),
            show::name(root.identity),
            sanitize::text(&root.identity_basis)
        );
        layout::paragraph(&line, 1, 2, style, out)?;
    }
    Ok(())
}

fn inventories(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if report.coverage.inventories.is_empty() {
        let line = "No inventory was given: whether a file has an owner that is not on these datastores is not known.";
        return layout::paragraph(line, 1, 2, style, out);
    }
    writeln!(out)?;
    let header = ["Inventory", "Made from", "=Taken", ">Age", ">VMs"];
    let mut grid = layout::grid(&header, &["VMs"], style);
    for inventory in &report.coverage.inventories {
        let kinds: Vec<String> = inventory.kinds.iter().map(show::name).collect();
        let taken = inventory
            .collected
            .map_or_else(|| "?".to_owned(), |time| time.strftime("%Y-%m-%d %H:%MZ").to_string());
        grid.add_row([
            sanitize::text(&inventory.source).into_owned(),
            kinds.join(", "),
            taken,
            show::age(report.as_of, inventory.collected),
            inventory.vms.to_string(),
        ]);
    }
    layout::put(&grid, out)?;
    for inventory in &report.coverage.inventories {
        let source = sanitize::text(&inventory.source);
        let scope = scope(inventory);
        if !scope.is_empty() {
            layout::paragraph(&format!("{source} speaks of {scope}"), 1, 2, style, out)?;
        }
        for warning in &inventory.warnings {
            let line = format!("{source}: {}", sanitize::text(warning));
            layout::paragraph(&line, 1, 2, style, out)?;
        }
    }
    Ok(())
}

fn scope(inventory: &InventoryReport) -> String {
    let names = |names: &[String]| show::list(names.iter().map(String::as_str), NAMES_SHOWN);
    let mut parts = Vec::new();
    if !inventory.scope.datastores.is_empty() {
        parts.push(format!("datastores {}", names(&inventory.scope.datastores)));
    }
    if !inventory.scope.hosts.is_empty() {
        parts.push(format!("hosts {}", names(&inventory.scope.hosts)));
    }
    parts.join("; ")
}

fn gaps(gaps: &[Gap], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if gaps.is_empty() {
        return Ok(());
    }
    layout::heading(format_args!("Gaps: {}", gaps.len()), style, out)?;
    for gap in gaps {
        let line = format!("- {}", sanitize::text(&show::gap(gap)));
        layout::paragraph(&line, 1, 2, style, out)?;
    }
    Ok(())
}

fn issues(report: &Report<impl Artifacts>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let lines: Vec<String> = report
        .coverage
        .issues
        .iter()
        .map(|issue| {
            let stage = show::name(issue.stage);
            format!(
                "- {}: {} ({stage})",
                sanitize::path(&issue.path),
                sanitize::text(&issue.error)
            )
        })
        .collect();
    folded("Could not be read", &lines, style, out)
}

fn left_out(roots: &[RootReport], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let skipped: Vec<String> = roots
        .iter()
        .flat_map(|root| &root.skipped)
        .map(|skipped| format!("- {} ({})", sanitize::path(&skipped.path), show::name(skipped.why)))
        .collect();
    folded("Left out on purpose", &skipped, style, out)?;
    let empty: Vec<String> = roots
        .iter()
        .flat_map(|root| &root.empty_folders)
        .map(|folder| format!("- {}", sanitize::path(folder)))
        .collect();
    folded("Empty folders", &empty, style, out)
}

fn folded(title: &str, lines: &[String], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    layout::heading(format_args!("{title}: {}", lines.len()), style, out)?;
    let shown = if style.all { lines.len() } else { PLACES_SHOWN };
    for line in lines.iter().take(shown) {
        layout::entry(line, 1, 2, style, out)?;
    }
    let more = lines.len().saturating_sub(shown);
    if more > 0 {
        let line = format!("- {more} more (--verbose and -o FILE.json list all)");
        layout::paragraph(&line, 1, 2, style, out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, Style::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn roots_inventories_gaps_and_issues_are_named() {
        let text = written(&sample::report());
        for part in [
            "Coverage: NOT complete",
            " /mnt/nfs01: identity inferred: 12 of 12 references of vc01 resolve",
            "2024-05-30 06:00Z",
            " vc01 speaks of datastores SAN-VMFS-01, nfs01; hosts esx1",
            " vc01: the tab vFileInfo is missing",
            "Gaps: 1\n - /mnt/nfs01/locked was not read; give derelict access to it. (1 file unknown because of it, 2.0 MiB)",
            "Could not be read: 1\n - /mnt/nfs01/locked: permission denied (crawl)",
            "Left out on purpose: 2\n - /mnt/san1/.snapshot (storage-snapshot)",
            "Empty folders: 2\n - /mnt/san1/gone",
        ] {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
    }

    #[test]
    fn the_lack_of_an_inventory_is_said() {
        let mut report = sample::report();
        report.coverage.inventories.clear();
        assert!(written(&report).contains("No inventory was given"));
    }

    #[test]
    fn many_issues_are_folded() {
        let mut report = sample::report();
        report.coverage.issues = vec![report.coverage.issues[0].clone(); 30];
        let text = written(&report);
        assert!(text.contains("Could not be read: 30\n"));
        assert!(text.contains(" - 10 more (--verbose"));
    }
}
