//! A report of a hundred thousand artifacts: the sample sites many times over, each time with other names, ids and times
//! to compress as badly as real ones do.

use std::{
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufWriter, Write},
    path::Path,
};

use derelict::report::{
    self, Format, Style,
    model::{ArtifactReport, Group, Report, Summary, Vm},
};

const ARTIFACTS: usize = 100_000;
/// Runs of hexadecimal digits of at least this length are ids, and are made anew in every copy.
const ID_DIGITS: usize = 6;

/// Writes the page and gives its length.
pub(crate) fn write(sample: &str, page: &Path) -> u64 {
    let report = many(serde_json::from_str(sample).unwrap());
    let mut out = BufWriter::new(File::create(page).unwrap());
    report::write(&report, Format::Html, Style::default(), &mut out).unwrap();
    out.flush().unwrap();
    std::fs::metadata(page).unwrap().len()
}

fn many(sample: Report) -> Report {
    let texts = [
        serde_json::to_string(&sample.artifacts).unwrap(),
        serde_json::to_string(&sample.groups).unwrap(),
        serde_json::to_string(&sample.vms).unwrap(),
    ];
    let mut report = Report {
        artifacts: Vec::new(),
        groups: Vec::new(),
        vms: Vec::new(),
        summary: Summary::empty(),
        ..sample
    };
    for number in 0..ARTIFACTS.div_ceil(sample.artifacts.len()) {
        let [artifacts, groups, vms] = texts.each_ref().map(|text| copy(text, number));
        report
            .artifacts
            .extend(serde_json::from_str::<Vec<ArtifactReport>>(&artifacts).unwrap());
        report
            .groups
            .extend(serde_json::from_str::<Vec<Group>>(&groups).unwrap());
        report.vms.extend(serde_json::from_str::<Vec<Vm>>(&vms).unwrap());
    }
    report.artifacts.sort_by(|a, b| a.path.cmp(&b.path));
    report.groups.sort_by(|a, b| a.id.cmp(&b.id));
    report.vms.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    for artifact in &report.artifacts {
        report.summary.add(artifact);
    }
    report
}

/// The text with the paths below a folder of their own, and with other ids.
fn copy(text: &str, number: usize) -> String {
    let mut text = text.to_owned();
    for root in ["nfs01", "vmfs01", "vmfs02", "volume1", "volume2", "share"] {
        text = text.replace(&format!("/{root}/"), &format!("/{root}/site-{number:03}/"));
    }
    text = text.replace(
        "\"relative_path\":\"",
        &format!("\"relative_path\":\"site-{number:03}/"),
    );
    for field in ["\"id\":\"", "\"group\":\""] {
        text = text.replace(field, &format!("{field}{number:03}:"));
    }
    with_other_ids(&text, number)
}

fn with_other_ids(text: &str, number: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, run) = rest.split_at(start);
        out.push_str(before);
        let end = run.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(run.len());
        let (run, after) = run.split_at(end);
        // Numbers and words stay: an id has letters and digits.
        let is_id =
            run.len() >= ID_DIGITS && run.contains(|c: char| c.is_ascii_digit()) && run.contains(char::is_alphabetic);
        if is_id {
            let mut hasher = DefaultHasher::new();
            (run.to_ascii_lowercase(), number).hash(&mut hasher);
            let id = format!("{0:016x}{0:016x}", hasher.finish());
            out.push_str(&id[..run.len().min(id.len())]);
        } else {
            out.push_str(run);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}
