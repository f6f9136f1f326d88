//! `derelict explain`: why one file got its verdict, and what would change it.

use std::io::{self, Write};

use super::{
    model::{ArtifactReport, Report, Resolved, Verdict, Weight},
    show,
};
use crate::{kind::Basis, sanitize};

/// Paths named in a message about an argument that fits none or several.
const PATHS_NAMED: usize = 10;

/// What a path of the user leads to in a report.
#[derive(Debug)]
pub enum Found<'a> {
    /// One artifact.
    One(&'a ArtifactReport),
    /// Several; their paths, escaped.
    Several(Vec<String>),
    /// None; paths of artifacts with the same last part, escaped.
    None(Vec<String>),
}

/// Finds the artifact that the user means: by its path, its path relative to the root, or `[datastore] path`, each as it
/// is or as derelict shows it.
pub fn find<'a>(report: &'a Report, wanted: &[u8]) -> Found<'a> {
    let exact = |artifact: &&ArtifactReport| artifact.path.as_bytes() == wanted;
    if let Some(artifact) = report.artifacts.iter().find(exact) {
        return Found::One(artifact);
    }
    let fits: Vec<_> = report
        .artifacts
        .iter()
        .filter(|artifact| is_meant(artifact, wanted))
        .collect();
    match fits.as_slice() {
        [only] => Found::One(only),
        [] => Found::None(namesakes(report, wanted)),
        several => Found::Several(several.iter().copied().map(shown_path).take(PATHS_NAMED).collect()),
    }
}

fn is_meant(artifact: &ArtifactReport, wanted: &[u8]) -> bool {
    let place = [
        b"[",
        artifact.datastore.as_bytes(),
        b"] ",
        artifact.relative_path.as_bytes(),
    ]
    .concat();
    artifact.relative_path.as_bytes() == wanted
        || place == wanted
        || show::place(artifact).as_bytes() == wanted
        || sanitize::path(&artifact.path).as_bytes() == wanted
        || sanitize::path(&artifact.relative_path).as_bytes() == wanted
}

fn namesakes(report: &Report, wanted: &[u8]) -> Vec<String> {
    let name = wanted
        .rsplit(|byte| matches!(byte, b'/' | b'\\'))
        .next()
        .unwrap_or_default();
    report
        .artifacts
        .iter()
        .filter(|artifact| artifact.path.name().eq_ignore_ascii_case(name))
        .map(shown_path)
        .take(PATHS_NAMED)
        .collect()
}

fn shown_path(artifact: &ArtifactReport) -> String {
    sanitize::path(&artifact.path).into_owned()
}

/// Writes all that speaks for and against the verdict of one artifact.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report, artifact: &ArtifactReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", sanitize::path(&artifact.path))?;
    verdict(artifact, out)?;
    facts(report, artifact, out)?;
    owners(report, artifact, out)?;
    reasons(artifact, Weight::For, "For this verdict", out)?;
    reasons(artifact, Weight::Against, "Against it", out)?;
    change(artifact, out)?;
    backups(report, artifact, out)?;
    references(artifact, out)
}

/// What would change a verdict of which no reason says so itself.
fn change(artifact: &ArtifactReport, out: &mut dyn Write) -> io::Result<()> {
    if artifact.reasons.iter().any(|reason| reason.settles.is_some()) {
        return Ok(());
    }
    let what = match artifact.verdict {
        Verdict::Owned => "inventories that no longer register its VM, or a configuration that no longer names it",
        Verdict::Service => "a list of that service that does not name it",
        Verdict::System => "an owner rule that says otherwise (--rules)",
        Verdict::InUse => "a new scan that finds no sign of use",
        Verdict::Unknown | Verdict::Unregistered | Verdict::Orphaned => "an owner that was not found",
    };
    writeln!(out, "\nWhat would change it: {what}")
}

/// Whether a backup product may have what belongs to nobody, where its list was given. It says nothing of owners.
fn backups(report: &Report, artifact: &ArtifactReport, out: &mut dyn Write) -> io::Result<()> {
    let group = report
        .groups
        .iter()
        .find(|group| Some(&group.id) == artifact.group.as_ref());
    let lines = group.map(|group| show::backups_of(report, group)).unwrap_or_default();
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nBackups (no proof of ownership):")?;
    lines.iter().try_for_each(|line| writeln!(out, "  {line}"))
}

fn verdict(artifact: &ArtifactReport, out: &mut dyn Write) -> io::Result<()> {
    let mut words = artifact.verdict.name().to_owned();
    if let Some(class) = artifact.class {
        words.push('/');
        words.push_str(class.name());
    }
    if let Some(confidence) = artifact.confidence {
        words.push_str(", confidence ");
        words.push_str(&show::name(confidence));
    }
    words.push_str(", reclaim ");
    words.push_str(&show::name(artifact.reclaim));
    if let Some(risk) = artifact.risk {
        words.push_str(", risk ");
        words.push_str(&show::name(risk));
    }
    writeln!(out, "  verdict     {words}")
}

fn facts(report: &Report, artifact: &ArtifactReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  datastore   {}", sanitize::text(&artifact.datastore))?;
    writeln!(
        out,
        "  kind        {} ({})",
        show::name(artifact.kind),
        basis(artifact.kind_basis)
    )?;
    let virtual_size = artifact
        .virtual_bytes
        .map(|size| format!(", {} as the guest sees it", show::bytes(size)))
        .unwrap_or_default();
    writeln!(
        out,
        "  size        {} long, {} allocated{virtual_size}",
        show::bytes(artifact.apparent_bytes),
        show::optional_bytes(artifact.allocated_bytes)
    )?;
    let written = artifact
        .modified
        .map_or_else(|| "?".to_owned(), |time| time.to_string());
    let age = show::age(report.as_of, artifact.modified);
    writeln!(out, "  written     {written} ({age} before this report)")?;
    if let Some(hash) = &artifact.blake3 {
        writeln!(out, "  blake3      {}", sanitize::text(hash))?;
    }
    Ok(())
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Name => "by its name",
        Basis::Content => "by its content",
        Basis::Both => "by its name and its content",
        Basis::Conflict => "by its content, against its name",
    }
}

fn owners(report: &Report, artifact: &ArtifactReport, out: &mut dyn Write) -> io::Result<()> {
    if artifact.owners.is_empty() {
        writeln!(out, "  owner       none known")?;
    }
    for owner in &artifact.owners {
        let kind = show::name(owner.kind);
        writeln!(
            out,
            "  owner       {kind} {} ({})",
            sanitize::text(&owner.name),
            sanitize::text(&owner.id)
        )?;
    }
    let group = report
        .groups
        .iter()
        .find(|group| Some(&group.id) == artifact.group.as_ref());
    if let Some(group) = group {
        let files = show::count(show::number(group.artifacts.len()), "file");
        let bytes = show::bytes(group.allocated_bytes);
        writeln!(out, "  group       {} ({files}, {bytes})", sanitize::text(&group.title))?;
    }
    Ok(())
}

fn reasons(artifact: &ArtifactReport, weight: Weight, title: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut reasons = artifact
        .reasons
        .iter()
        .filter(|reason| reason.weight == weight)
        .peekable();
    if reasons.peek().is_some() {
        writeln!(out, "\n{title}:")?;
    }
    for (number, reason) in reasons.enumerate() {
        let text = sanitize::text(&reason.text);
        writeln!(out, "  {}. {text} [{}]", number + 1, reason.code.name())?;
        if let Some(source) = &reason.source {
            writeln!(out, "     source: {}", sanitize::text(source))?;
        }
        if let Some(settles) = &reason.settles {
            writeln!(out, "     would change it: {}", sanitize::text(settles))?;
        }
    }
    Ok(())
}

fn references(artifact: &ArtifactReport, out: &mut dyn Write) -> io::Result<()> {
    if !artifact.referenced_by.is_empty() {
        writeln!(out, "\nNamed by:")?;
    }
    for by in &artifact.referenced_by {
        writeln!(out, "  {} (as {})", sanitize::path(&by.path), show::name(by.role))?;
    }
    if !artifact.references.is_empty() {
        writeln!(out, "\nNames:")?;
    }
    for reference in &artifact.references {
        let resolved = match &reference.resolved {
            Resolved::Path(path) => sanitize::path(path).into_owned(),
            Resolved::None(why) => show::name(why),
        };
        let role = show::name(reference.role);
        writeln!(out, "  {} (as {role}): {resolved}", sanitize::path(&reference.path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn explained(report: &Report, wanted: &str) -> String {
        let Found::One(artifact) = find(report, wanted.as_bytes()) else {
            panic!("{wanted} is not one artifact");
        };
        let mut out = Vec::new();
        write(report, artifact, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn everything_that_led_to_the_verdict_is_told_in_order() {
        assert_eq!(
            explained(&sample::report(), "web07/web07.vmdk"),
            "\
/mnt/san1/web07/web07.vmdk
  verdict     orphaned/deleted-vm-disk, confidence high, reclaim candidate
  datastore   SAN-VMFS-01
  kind        vmdk-descriptor (by its name and its content)
  size        480 B long, 512 B allocated, 100.0 GiB as the guest sees it
  written     2023-01-05T08:00:00Z (512 d before this report)
  owner       none known
  group       web07/web07.vmdk (3 files, 60.0 GiB)

For this verdict:
  1. because of companion-of [companion-of]
     source: vc01, vInfo row 7
     would change it: the export of the other vCenter

Against it:
  1. because of referenced-by [referenced-by]
     source: vc01, vInfo row 7
     would change it: the export of the other vCenter

Backups (no proof of ownership):
  no backup of a VM of that name that is gone

Names:
  web07-flat.vmdk (as extent): /mnt/san1/web07/web07-flat.vmdk
  web07-ctk.vmdk (as change-tracking): missing
"
        );
    }

    #[test]
    fn of_an_orphan_it_is_told_which_backup_may_have_it_where_a_list_was_given() {
        let mut report = sample::report();
        let gone = report.backups.as_ref().unwrap().gone.clone();
        report.groups[1].backups = gone;
        let text = explained(&report, "web07/web07.vmdk");
        let line =
            "Backups (no proof of ownership):\n  web09 by nightly web0, last of 2024-05-01 (jobs web0.csv: row 7)";
        assert!(text.contains(line), "{text}");
        assert!(
            !explained(&report, "web01/web01.vmx").contains("Backups"),
            "somebody owns it"
        );
        report.backups = None;
        assert!(!explained(&report, "web07/web07.vmdk").contains("Backups"));
    }

    #[test]
    fn a_file_is_found_by_each_of_its_names() {
        let report = sample::report();
        for name in [
            "/mnt/san1/web01/web01.vmx",
            "web01/web01.vmx",
            "[SAN-VMFS-01] web01/web01.vmx",
        ] {
            assert!(explained(&report, name).contains("vm WEB01 (vm-web01)"), "{name}");
        }
        let hostile = sample::hostile();
        let shown = show::place(&hostile.artifacts[0]);
        assert!(explained(&hostile, &shown).contains("verdict     unknown"));
    }

    #[test]
    fn several_and_none_are_told_apart() {
        let mut report = sample::report();
        report.artifacts[0].relative_path = "web07/web07.vmdk".into();
        match find(&report, b"web07/web07.vmdk") {
            Found::Several(paths) => assert_eq!(paths, ["/mnt/nfs01/new/new.vmdk", "/mnt/san1/web07/web07.vmdk"]),
            other => panic!("{other:?}"),
        }
        match find(&report, b"/elsewhere/WEB07.vmdk") {
            Found::None(paths) => assert_eq!(paths, ["/mnt/san1/web07/web07.vmdk"]),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_that_acts_on_a_terminal_is_written() {
        let report = sample::hostile();
        for artifact in &report.artifacts {
            let mut out = Vec::new();
            write(&report, artifact, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(
                !text
                    .chars()
                    .any(|character| character != '\n' && sanitize::is_unsafe(character))
            );
        }
    }
}
