//! The report as a text file for the node exporter of Prometheus.
//!
//! Gauges in the exposition format. Bytes are allocated bytes, each file counted once; times are seconds since 1970.
//!
//! | metric | labels | |
//! |---|---|---|
//! | `derelict_files`, `derelict_allocated_bytes` | `datastore`, `verdict` | every verdict of every datastore, zero included |
//! | `derelict_class_files`, `derelict_class_allocated_bytes` | `datastore`, `verdict`, `class` | of the above those that have a class |
//! | `derelict_reclaimable_bytes`, `derelict_review_bytes` | `datastore` | candidates; after review |
//! | `derelict_accepted_bytes` | | what `--accept` leaves out of the above |
//! | `derelict_capacity_bytes`, `derelict_free_bytes` | `datastore`, `root` | where the file system tells |
//! | `derelict_covered` | `datastore`, `root` | 1 where the cover by inventories is complete |
//! | `derelict_complete` | | 1 where nothing was left unread or unjudged |
//! | `derelict_gaps`, `derelict_issues` | | |
//! | `derelict_vms` | `registered` | |
//! | `derelict_ghosts` | | VMs whose files are not there |
//! | `derelict_problems` | `severity`, `code` | |
//! | `derelict_inventory_timestamp_seconds` | `inventory` | when it was taken |
//! | `derelict_report_timestamp_seconds` | | when the report was made |
//! | `derelict_scan_duration_seconds` | | where the run was no repeatable one |

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::{
    codes::ProblemCode,
    model::{Artifacts, Cover, Report, Severity, Sum, Verdict},
    show,
};
use crate::sanitize;

/// Writes the text file.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report<impl Artifacts>, out: &mut dyn Write) -> io::Result<()> {
    sums(report, out)?;
    coverage(report, out)?;
    vms(report, out)?;
    times(report, out)
}

/// One line of a metric: labels and value.
type Sample = (Vec<(&'static str, String)>, String);

fn metric(name: &str, help: &str, samples: Vec<Sample>, out: &mut dyn Write) -> io::Result<()> {
    if samples.is_empty() {
        return Ok(());
    }
    writeln!(out, "# HELP derelict_{name} {help}\n# TYPE derelict_{name} gauge")?;
    for (labels, value) in samples {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, text)| format!("{name}=\"{}\"", label(text)))
            .collect();
        if labels.is_empty() {
            writeln!(out, "derelict_{name} {value}")?;
        } else {
            writeln!(out, "derelict_{name}{{{}}} {value}", labels.join(","))?;
        }
    }
    Ok(())
}

fn single(name: &str, help: &str, value: impl ToString, out: &mut dyn Write) -> io::Result<()> {
    metric(name, help, vec![(Vec::new(), value.to_string())], out)
}

/// The value of a label: one line, with backslash and quote escaped.
fn label(text: &str) -> String {
    sanitize::text(text).replace('\\', "\\\\").replace('"', "\\\"")
}

fn sums(report: &Report<impl Artifacts>, out: &mut dyn Write) -> io::Result<()> {
    let by_datastore = |value: fn(&Sum) -> u64| {
        let mut samples = Vec::new();
        for (datastore, verdicts) in &report.summary.datastores {
            for verdict in Verdict::ALL {
                let sum = verdicts.get(verdict.name()).copied().unwrap_or_default();
                let labels = vec![("datastore", datastore.clone()), ("verdict", verdict.name().to_owned())];
                samples.push((labels, value(&sum).to_string()));
            }
        }
        samples
    };
    metric("files", "Files by verdict.", by_datastore(|sum| sum.files), out)?;
    metric(
        "allocated_bytes",
        "Allocated bytes by verdict.",
        by_datastore(|sum| sum.allocated_bytes),
        out,
    )?;
    let by_class = |value: fn(&Sum) -> u64| {
        let classes = report.summary.datastore_classes.iter().flat_map(|(datastore, sums)| {
            sums.iter().filter_map(move |(name, sum)| {
                let (verdict, class) = name.split_once('/')?;
                let labels = vec![
                    ("datastore", datastore.clone()),
                    ("verdict", verdict.to_owned()),
                    ("class", class.to_owned()),
                ];
                Some((labels, value(sum).to_string()))
            })
        });
        classes.collect()
    };
    metric("class_files", "Files by class.", by_class(|sum| sum.files), out)?;
    metric(
        "class_allocated_bytes",
        "Allocated bytes by class.",
        by_class(|sum| sum.allocated_bytes),
        out,
    )?;
    let whole = |value: fn(&Sum) -> u64| {
        let datastores = report.summary.datastores.iter().map(|(datastore, verdicts)| {
            let bytes = verdicts.values().map(value).fold(0, u64::saturating_add);
            (vec![("datastore", datastore.clone())], bytes.to_string())
        });
        datastores.collect()
    };
    metric(
        "reclaimable_bytes",
        "Allocated bytes of candidates.",
        whole(|sum| sum.reclaimable_bytes),
        out,
    )?;
    metric(
        "review_bytes",
        "Allocated bytes that may be reclaimed after review.",
        whole(|sum| sum.review_bytes),
        out,
    )?;
    single(
        "accepted_bytes",
        "Allocated bytes of accepted findings.",
        report.summary.accepted.allocated_bytes,
        out,
    )
}

fn coverage(report: &Report<impl Artifacts>, out: &mut dyn Write) -> io::Result<()> {
    let coverage = &report.coverage;
    let roots = |value: fn(&super::model::RootReport) -> Option<u64>| {
        let roots = coverage.roots.iter().filter_map(|root| {
            let labels = vec![
                ("datastore", root.datastore.clone()),
                ("root", sanitize::path(&root.path).into_owned()),
            ];
            Some((labels, value(root)?.to_string()))
        });
        roots.collect()
    };
    metric(
        "capacity_bytes",
        "Size of the file system.",
        roots(|root| root.capacity_bytes),
        out,
    )?;
    metric("free_bytes", "Free space.", roots(|root| root.free_bytes), out)?;
    let covered = roots(|root| Some(u64::from(root.covered == Cover::Complete)));
    metric(
        "covered",
        "Whether the inventories of a root are complete.",
        covered,
        out,
    )?;
    single(
        "complete",
        "Whether nothing was left unread or unjudged.",
        u8::from(coverage.complete),
        out,
    )?;
    single("gaps", "Gaps in what is known.", coverage.gap_details.len(), out)?;
    single("issues", "Items that could not be read.", coverage.issues.len(), out)
}

fn vms(report: &Report<impl Artifacts>, out: &mut dyn Write) -> io::Result<()> {
    let registered = |wanted: bool| report.vms.iter().filter(|vm| vm.registered == wanted).count();
    let vms = [true, false].map(|wanted| (vec![("registered", wanted.to_string())], registered(wanted).to_string()));
    metric("vms", "VMs, registered or found on disk.", vms.into(), out)?;
    let is_ghost = |vm: &&super::model::Vm| vm.problems.iter().any(|problem| problem.code == ProblemCode::Ghost);
    single(
        "ghosts",
        "VMs whose files are not there.",
        report.vms.iter().filter(is_ghost).count(),
        out,
    )?;
    let mut problems: BTreeMap<(Severity, ProblemCode), u64> = BTreeMap::new();
    for problem in &report.problems {
        let number = problems.entry((problem.severity, problem.code)).or_default();
        *number = number.saturating_add(1);
    }
    let problems = problems.into_iter().map(|((severity, code), number)| {
        let labels = vec![("severity", show::name(severity)), ("code", code.name().to_owned())];
        (labels, number.to_string())
    });
    metric("problems", "Problems.", problems.collect(), out)
}

fn times(report: &Report<impl Artifacts>, out: &mut dyn Write) -> io::Result<()> {
    let taken = report.coverage.inventories.iter().filter_map(|inventory| {
        let labels = vec![("inventory", inventory.source.clone())];
        Some((labels, inventory.collected?.as_second().to_string()))
    });
    metric(
        "inventory_timestamp_seconds",
        "When an inventory was taken.",
        taken.collect(),
        out,
    )?;
    single(
        "report_timestamp_seconds",
        "When the report was made.",
        report.generated.as_second(),
        out,
    )?;
    let Some(milliseconds) = report.duration_ms else {
        return Ok(());
    };
    let seconds = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
    single(
        "scan_duration_seconds",
        "From the start of the run to the report.",
        seconds,
        out,
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::report::sample;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn sums_coverage_and_times_are_gauges() {
        let text = written(&sample::report());
        for line in [
            "# TYPE derelict_allocated_bytes gauge",
            "derelict_allocated_bytes{datastore=\"SAN-VMFS-01\",verdict=\"orphaned\"} 64424509952",
            "derelict_files{datastore=\"nfs01\",verdict=\"owned\"} 0",
            "derelict_class_files{datastore=\"SAN-VMFS-01\",verdict=\"orphaned\",class=\"deleted-vm-disk\"} 2",
            "derelict_reclaimable_bytes{datastore=\"SAN-VMFS-01\"} 63350768128",
            "derelict_covered{datastore=\"nfs01\",root=\"/mnt/nfs01\"} 0",
            "derelict_complete 0",
            "derelict_ghosts 1",
            "derelict_problems{severity=\"error\",code=\"ghost\"} 1",
            "derelict_report_timestamp_seconds 1717200000",
            "derelict_scan_duration_seconds 1.500",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line} in {text}");
        }
    }

    #[test]
    fn every_metric_is_described_once_and_every_sample_is_unique() {
        let text = written(&sample::report());
        let heads: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
        assert_eq!(heads.iter().collect::<BTreeSet<_>>().len(), heads.len());
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let names: BTreeSet<_> = samples
            .iter()
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names.len(), samples.len());
    }

    #[test]
    fn a_name_stays_inside_its_label() {
        let mut report = sample::hostile();
        report.coverage.inventories[0].source = "a\" 1\nderelict_complete 1 \\".to_owned();
        let text = written(&report);
        assert!(
            text.contains(r#"{inventory="a\" 1\\u{a}derelict_complete 1 \\"}"#),
            "{text}"
        );
        for line in text.lines() {
            assert!(line.starts_with("# ") || line.starts_with("derelict_"), "{line}");
            assert!(!line.chars().any(sanitize::is_unsafe), "{line}");
        }
    }
}
